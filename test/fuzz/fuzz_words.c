/* Any bytes as the small texts of the protocol: tokens, lists, numbers, escapes, a peer's URL,
 * Cache-Control of a request, the meaning of the header lines and the body of a peer's answer. Each
 * is read as a reader of one byte at a time would read it, written from the RFCs; what is written
 * is read back the same. */
#include "target.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/value.h"
#include "door/cached.h"
#include "door/dialect.h"
#include "door/question.h"
#include "door/range.h"
#include "http/message.h"
#include "http/token.h"
#include "wire/route.h"

enum { LINES_MAX = 16, ELEMENTS_MAX = 512, VALUE_MAX = 300 };

static unsigned char byte_at(gcache_bytes_t text, size_t i) {
  return ((const unsigned char *)text.base)[i];
}

static gcache_bytes_t part(gcache_bytes_t text, size_t from, size_t to) {
  return gcache_bytes((const char *)text.base + from, to - from);
}

/* ---- bytes ---- */

static int is_letter_or_digit(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_token(unsigned char c) {
  return is_letter_or_digit(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static int is_field(unsigned char c) {
  return c == '\t' || (c >= ' ' && c != 0x7f);
}

static int is_target(unsigned char c) {
  return c > ' ' && c < 0x7f && c != '#';
}

static size_t skip(gcache_bytes_t text, size_t at, int (*is)(unsigned char c)) {
  while (at < text.len && is(byte_at(text, at)))
    at++;
  return at;
}

static void check_sets(gcache_bytes_t text) {
  const unsigned char *p = text.base, *stop = p + text.len;
  for (size_t i = 0; i < text.len && i < 20; i++) { /* at every alignment */
    fuzz_check(gci_http_skip_token(p + i, stop) == p + skip(text, i, is_token), "tokens");
    fuzz_check(gci_http_skip_field(p + i, stop) == p + skip(text, i, is_field), "fields");
    fuzz_check(gci_http_skip_target(p + i, stop) == p + skip(text, i, is_target), "targets");
  }
  fuzz_check(gci_http_name_ok(text) == (text.len > 0 && skip(text, 0, is_token) == text.len),
             "a name is a token");
  fuzz_check(gci_http_value_ok(text) == (skip(text, 0, is_field) == text.len),
             "a value is a field");
}

static void check_number(gcache_bytes_t text) {
  __uint128_t sum = 0;
  uint64_t n = 0;
  int is_one = text.len > 0;
  for (size_t i = 0; i < text.len && is_one; i++) {
    unsigned char c = byte_at(text, i);
    if (c < '0' || c > '9') is_one = 0;
    sum = sum * 10 + (c - '0');
    if (sum > UINT64_MAX) is_one = 0;
  }
  fuzz_check((gci_bytes_to_u64(text, &n) == 0) == is_one, "a number, or none");
  fuzz_check(!is_one || n == (uint64_t)sum, "that number");
}

/* ---- lists ---- */

static gcache_bytes_t trimmed(gcache_bytes_t text) {
  size_t from = 0, to = text.len;
  while (from < to && (byte_at(text, from) == ' ' || byte_at(text, from) == '\t'))
    from++;
  while (to > from && (byte_at(text, to - 1) == ' ' || byte_at(text, to - 1) == '\t'))
    to--;
  return part(text, from, to);
}

/* Elements of the text between commas; an empty one at the end does not count. */
static size_t split(gcache_bytes_t text, char by, gcache_bytes_t out[], size_t most) {
  size_t n = 0, from = 0;
  for (size_t i = 0; i <= text.len && n < most; i++) {
    if (i < text.len && byte_at(text, i) != (unsigned char)by) continue;
    if (i < text.len || from < text.len) out[n++] = part(text, from, i);
    from = i + 1;
  }
  return n;
}

static void check_list(gcache_bytes_t text) {
  static gcache_bytes_t elements[ELEMENTS_MAX];
  size_t n = split(text, ',', elements, ELEMENTS_MAX);
  gcache_bytes_t rest = text, element;
  for (size_t i = 0; i < n; i++) {
    fuzz_check(gci_http_next_element(&rest, &element), "as many elements");
    fuzz_check(gci_bytes_equal(element, trimmed(elements[i])), "the same elements");
  }
  if (n < ELEMENTS_MAX) fuzz_check(!gci_http_next_element(&rest, &element), "no more elements");
}

/* One line with all, or a line for each element: the same is said. */
static void check_cached(gcache_bytes_t text) {
  gcache_bytes_t elements[LINES_MAX];
  gcache_header_t lines[LINES_MAX], whole = {GCI_LIT("cache-CONTROL"), text};
  size_t n = split(text, ',', elements, LINES_MAX);
  int only = 0, takes_stale = 0;
  if (n == LINES_MAX) return;
  for (size_t i = 0; i < n; i++) {
    gcache_bytes_t element = trimmed(elements[i]);
    only |= gci_bytes_equal_nocase(element, GCI_LIT("only-if-cached"));
    takes_stale |= gci_bytes_equal_nocase(element, GCI_LIT("max-stale"));
    lines[i] = (gcache_header_t){GCI_LIT("Cache-Control"), elements[i]};
  }
  struct gci_cached one = gci_cached_read(&whole, 1), many = gci_cached_read(lines, n);
  fuzz_check(!one.only == !only && !one.takes_stale == !takes_stale, "what a line asks");
  fuzz_check(!one.only == !many.only && !one.takes_stale == !many.takes_stale, "in lines the same");
}

/* ---- escapes ---- */

static void check_escape(gcache_bytes_t text, const char *stay) {
  size_t size = gci_escape_size(text, stay), len = 0;
  char *out = malloc(size + 1);
  fuzz_check(out != NULL && gci_escape(out, text, stay) == size, "its size");
  for (size_t i = 0; i < size; i++)
    fuzz_check(is_letter_or_digit((unsigned char)out[i]) || strchr("-_.~%", out[i]) != NULL ||
                   strchr(stay, out[i]) != NULL,
               "nothing else stays");
  fuzz_check(gci_unescape(out, gcache_bytes(out, size), &len) == 0, "ours is readable");
  fuzz_check(gci_bytes_equal(gcache_bytes(out, len), text), "the bytes come back");
  free(out);
}

static int nibble(unsigned char c) {
  const char *digits = "0123456789abcdef", *at;
  if (c >= 'A' && c <= 'F') c = (unsigned char)(c - 'A' + 'a');
  at = c == 0 ? NULL : strchr(digits, c);
  return at == NULL ? -1 : (int)(at - digits);
}

static void check_unescape(gcache_bytes_t text) {
  char *out = malloc(text.len + 1), *by_hand = malloc(text.len + 1);
  size_t n = 0, len = 0;
  int bad = 0;
  fuzz_check(out != NULL && by_hand != NULL, "memory");
  for (size_t i = 0; i < text.len && !bad; i++) {
    int high = text.len - i < 3 ? -1 : nibble(byte_at(text, i + 1));
    int low = text.len - i < 3 ? -1 : nibble(byte_at(text, i + 2));
    int is_escape = byte_at(text, i) == '%';
    bad = is_escape && (high < 0 || low < 0);
    by_hand[n++] = (char)(is_escape ? high * 16 + low : byte_at(text, i));
    if (is_escape) i += 2;
  }
  fuzz_check((gci_unescape(out, text, &len) < 0) == bad, "a bad escape");
  fuzz_check(bad || gci_bytes_equal(gcache_bytes(out, len), gcache_bytes(by_hand, n)), "decoded");
  free(out);
  free(by_hand);
}

static void check_log(gcache_bytes_t text) {
  char out[80], shorter[80];
  gci_escape_for_log(out, sizeof out, text);
  for (size_t cap = 1; cap < sizeof out; cap++) {
    gci_escape_for_log(shorter, cap, text);
    fuzz_check(strlen(shorter) < cap, "it fits");
    fuzz_check(strncmp(out, shorter, strlen(shorter)) == 0, "it is cut");
  }
  for (const char *c = out; *c != '\0'; c++)
    fuzz_check(*c >= ' ' && *c <= '~', "it is printable");
}

/* ---- a peer's URL ---- */

static void check_url(gcache_bytes_t text) {
  struct gci_url url, again;
  char whole[400];
  if (text.len > 300 || gci_url_read(text, &url) < 0 || gci_url_is_unix(text)) return;
  int len = snprintf(whole, sizeof whole, "http%s://%.*s/", url.secure ? "s" : "",
                     (int)url.authority.len, (const char *)url.authority.base);
  for (int slash = 0; slash < 2; slash++) {
    fuzz_check(gci_url_read(gcache_bytes(whole, (size_t)(len - slash)), &again) == 0, "readable");
    fuzz_check(!again.secure == !url.secure && again.port == url.port, "the same scheme and port");
    fuzz_check(gci_bytes_equal(again.host, url.host), "the same host");
    fuzz_check(gci_bytes_equal(again.authority, url.authority), "the same authority");
  }
  int has_port = gci_bytes_equal(url.authority, url.host) ||
                         byte_at(url.authority, url.authority.len - 1) == ']'
                     ? 0
                     : 1;
  if (!has_port) fuzz_check(url.port == (url.secure ? 443 : 80), "the default port");
  fuzz_check(memchr(url.host.base, '@', url.host.len) == NULL &&
                 memchr(url.host.base, '/', url.host.len) == NULL,
             "a host is a host");
}

/* ---- a range of addresses ---- */

static void check_range(gcache_bytes_t text) {
  struct gci_range range;
  char line[100];
  if (text.len >= sizeof line || memchr(text.base, 0, text.len) != NULL) return;
  memcpy(line, text.base, text.len);
  line[text.len] = '\0';
  if (gci_range_read(&range, line) < 0) return;
  fuzz_check(range.is_unix || range.bits <= 128, "as many bits");
  if (!range.is_unix && gci_address_known(&range.first)) /* :: is nobody's address */
    fuzz_check(gci_range_has(&range, &range.first), "it has its first");
  for (size_t i = 0; i < text.len; i++)
    fuzz_check(is_letter_or_digit((unsigned char)line[i]) || strchr(".:/", line[i]) != NULL,
               "it is nothing else");
}

/* ---- what a peer has answered ---- */

static void check_result(const struct gci_result *result, gcache_op_t op, struct gci_mem *mem) {
  struct gci_result got = *result;
  fuzz_check(got.status <= 0 && got.value == NULL, "a status");
  fuzz_check(strlen(got.reason) <= GCI_REASON_MAX, "a reason is short");
  for (const char *c = got.reason; *c != '\0'; c++)
    fuzz_check(*c >= ' ' && *c <= '~', "a reason is printable");
  fuzz_check(got.body == NULL || (got.status == 0 && op == GCACHE_OP_GET), "a body is a value's");
  if (got.status != 0 || op != GCACHE_OP_GET) return;
  gci_question_read_value(&got, mem, "http://b:1", VALUE_MAX);
  fuzz_check((got.status == 0) == (got.value != NULL), "a value, or a failure");
  fuzz_check(got.value == NULL || gcache_value_bytes(got.value).len <= VALUE_MAX, "its limit");
  fuzz_check(got.stale_ms == 0 || got.is_gcache, "only gcache says so");
  gcache_value_unref(got.value);
}

static void check_answer(const uint8_t *choice, gcache_bytes_t text) {
  static const int statuses[] = {200, 404, 504, 503, 500, 204, 413, 429};
  static const char *const names[] = {"Content-Type",        "Gcache",      "Gcache-Reason",
                                      "Gcache-Not-Found-Ms", "Gcache-Http", "Content-Encoding"};
  gcache_bytes_t lines[LINES_MAX];
  gcache_header_t headers[LINES_MAX];
  size_t n = split(text, '\n', lines, LINES_MAX), n_headers = 0;
  struct gci_mem *mem = gci_mem_new(NULL);
  gcache_value_t *body = NULL;
  struct gci_result result;
  for (size_t i = 0; i + 1 < n; i++) { /* the first byte of a line says which header it is */
    if (lines[i].len == 0 || skip(lines[i], 0, is_field) < lines[i].len) continue;
    headers[n_headers++] = (gcache_header_t){gcache_cstr(names[byte_at(lines[i], 0) % 6]),
                                             gci_bytes_skip(lines[i], 1)};
  }
  if (n > 0 && lines[n - 1].len > 0) {
    body = gci_value_block(mem, lines[n - 1].len);
    memcpy(gci_value_fill(body), lines[n - 1].base, lines[n - 1].len);
  }
  struct gci_http_head head = {
      .status = statuses[*choice & 7], .headers = headers, .n_headers = n_headers};
  gcache_op_t op = (gcache_op_t)(*choice >> 3 & 3);
  gci_question_read_answer(&result, op, "http://b:1",
                           gci_dialect_of((gcache_dialect_t)(*choice >> 5 & 3)), &head, body);
  gcache_value_unref(body);
  check_result(&result, op, mem);
  fuzz_check(mem->blocks == 0, "nothing is left");
  gci_mem_unref(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2 || size > 2000) return 0;
  gcache_bytes_t text = {data + 1, size - 1};
  check_sets(text);
  check_number(text);
  check_list(text);
  check_cached(text);
  check_escape(text, "$&+:=@");
  check_escape(text, "");
  check_unescape(text);
  check_log(text);
  check_url(text);
  check_range(text);
  check_answer(data, text);
  return 0;
}
