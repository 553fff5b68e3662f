/* http/message - look-ups in heads, and what may be written into one. Owns nothing; cannot fail. */
#include "http/message.h"

#include <string.h>

#include "base/bytes.h"
#include "http/token.h"

gcache_bytes_t gci_http_header(const gcache_header_t headers[], size_t n, gcache_bytes_t name) {
  for (size_t i = 0; i < n; i++) {
    if (headers[i].name.len == name.len && gci_bytes_equal_nocase(headers[i].name, name))
      return headers[i].value;
  }
  gcache_bytes_t none = {NULL, 0};
  return none;
}

gcache_bytes_t gci_http_trimmed(gcache_bytes_t text) {
  const char *p = text.base;
  size_t begin = 0, end = text.len;
  while (begin < end && (p[begin] == ' ' || p[begin] == '\t'))
    begin++;
  while (end > begin && (p[end - 1] == ' ' || p[end - 1] == '\t'))
    end--;
  return gcache_bytes(begin < end ? p + begin : "", end - begin);
}

int gci_http_next_element(gcache_bytes_t *list, gcache_bytes_t *element) {
  if (list->len == 0) return 0;
  const char *comma = memchr(list->base, ',', list->len);
  size_t len = comma == NULL ? list->len : (size_t)(comma - (const char *)list->base);
  *element = gci_http_trimmed(gcache_bytes(list->base, len));
  *list = gci_bytes_skip(*list, comma == NULL ? len : len + 1);
  return 1;
}

int gci_http_name_ok(gcache_bytes_t name) {
  if (name.len == 0) return 0;
  const unsigned char *p = name.base;
  return gci_http_skip_token(p, p + name.len) == p + name.len;
}

int gci_http_value_ok(gcache_bytes_t value) {
  if (value.len == 0) return 1;
  const unsigned char *p = value.base;
  return gci_http_skip_field(p, p + value.len) == p + value.len;
}

/* RFC 9110 section 15, and RFC 6585. */
#define STATUS_MAP(XX)                       \
  XX(100, "Continue")                        \
  XX(101, "Switching Protocols")             \
  XX(200, "OK")                              \
  XX(201, "Created")                         \
  XX(202, "Accepted")                        \
  XX(203, "Non-Authoritative Information")   \
  XX(204, "No Content")                      \
  XX(205, "Reset Content")                   \
  XX(206, "Partial Content")                 \
  XX(300, "Multiple Choices")                \
  XX(301, "Moved Permanently")               \
  XX(302, "Found")                           \
  XX(303, "See Other")                       \
  XX(304, "Not Modified")                    \
  XX(305, "Use Proxy")                       \
  XX(307, "Temporary Redirect")              \
  XX(308, "Permanent Redirect")              \
  XX(400, "Bad Request")                     \
  XX(401, "Unauthorized")                    \
  XX(402, "Payment Required")                \
  XX(403, "Forbidden")                       \
  XX(404, "Not Found")                       \
  XX(405, "Method Not Allowed")              \
  XX(406, "Not Acceptable")                  \
  XX(407, "Proxy Authentication Required")   \
  XX(408, "Request Timeout")                 \
  XX(409, "Conflict")                        \
  XX(410, "Gone")                            \
  XX(411, "Length Required")                 \
  XX(412, "Precondition Failed")             \
  XX(413, "Content Too Large")               \
  XX(414, "URI Too Long")                    \
  XX(415, "Unsupported Media Type")          \
  XX(416, "Range Not Satisfiable")           \
  XX(417, "Expectation Failed")              \
  XX(421, "Misdirected Request")             \
  XX(422, "Unprocessable Content")           \
  XX(426, "Upgrade Required")                \
  XX(428, "Precondition Required")           \
  XX(429, "Too Many Requests")               \
  XX(431, "Request Header Fields Too Large") \
  XX(500, "Internal Server Error")           \
  XX(501, "Not Implemented")                 \
  XX(502, "Bad Gateway")                     \
  XX(503, "Service Unavailable")             \
  XX(504, "Gateway Timeout")                 \
  XX(505, "HTTP Version Not Supported")      \
  XX(511, "Network Authentication Required")

const char *gci_http_status_text(int status) {
  switch (status) {
#define XX(code, text) \
  case code:           \
    return text;
    STATUS_MAP(XX)
#undef XX
  default:
    return "";
  }
}
