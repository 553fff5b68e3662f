/* wire/route - see route.h. Owns nothing, allocates nothing. */
#include "wire/route.h"

#include <arpa/inet.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/escape.h"

#define NAME_MAX_LEN 253 /* of a host name, RFC 1035 */
#define NAME_PART_MAX 63

size_t gci_route_size(gcache_bytes_t base_path, gcache_bytes_t group, gcache_bytes_t key,
                      const char *stay) {
  return base_path.len + gci_escape_size(group, stay) + 1 + gci_escape_size(key, stay);
}

size_t gci_route_write(char *out, gcache_bytes_t base_path, gcache_bytes_t group,
                       gcache_bytes_t key, const char *stay) {
  char *p = out;
  if (base_path.len > 0) memcpy(p, base_path.base, base_path.len);
  p += base_path.len;
  p += gci_escape(p, group, stay);
  *p++ = '/';
  p += gci_escape(p, key, stay);
  return (size_t)(p - out);
}

/* Position of the first c in text; text.len: there is none. */
static size_t find(gcache_bytes_t text, char c) {
  const char *at = text.len == 0 ? NULL : memchr(text.base, c, text.len);
  return at == NULL ? text.len : (size_t)(at - (const char *)text.base);
}

static gcache_bytes_t first(gcache_bytes_t text, size_t n) {
  return (gcache_bytes_t){text.base, n};
}

enum gci_route_result gci_route_read(gcache_bytes_t base_path, gcache_bytes_t path, char *buf,
                                     struct gci_route *out) {
  if (!gci_bytes_begins(path, base_path)) return GCI_ROUTE_ELSEWHERE;
  gcache_bytes_t decoded = {buf, 0};
  if (gci_unescape(buf, gci_bytes_skip(path, base_path.len), &decoded.len) != 0)
    return GCI_ROUTE_BAD_ESCAPE;
  size_t slash = find(decoded, '/');
  if (slash == 0 || slash == decoded.len) return GCI_ROUTE_NO_KEY;
  out->group = first(decoded, slash);
  out->key = gci_bytes_skip(decoded, slash + 1);
  return GCI_ROUTE_OK;
}

/* Length of "http://" or "https://" in any case at the start of target; 0: neither. */
static size_t scheme_len(gcache_bytes_t target) {
  static const char *const schemes[] = {"http://", "https://"};
  if (gci_bytes_begins(target, GCI_LIT("/"))) return 0; /* the usual case */
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    gcache_bytes_t scheme = {schemes[i], strlen(schemes[i])};
    if (target.len >= scheme.len && gci_bytes_equal_nocase(first(target, scheme.len), scheme))
      return scheme.len;
  }
  return 0;
}

void gci_route_split_target(gcache_bytes_t target, gcache_bytes_t *path, gcache_bytes_t *query) {
  size_t scheme = scheme_len(target);
  gcache_bytes_t rest = gci_bytes_skip(target, scheme);
  size_t mark = find(rest, '?');
  *path = first(rest, mark);
  *query = gci_bytes_skip(rest, mark == rest.len ? mark : mark + 1);
  if (scheme == 0) return;
  *path = gci_bytes_skip(*path, find(*path, '/'));
  if (path->len == 0) *path = GCI_LIT("/");
}

int gci_route_param(gcache_bytes_t query, gcache_bytes_t name, gcache_bytes_t *value) {
  while (query.len > 0) {
    size_t end = find(query, '&');
    gcache_bytes_t pair = first(query, end);
    size_t equals = find(pair, '=');
    if (gci_bytes_equal(first(pair, equals), name)) {
      *value = gci_bytes_skip(pair, equals == pair.len ? equals : equals + 1);
      return 0;
    }
    query = gci_bytes_skip(query, end == query.len ? end : end + 1);
  }
  return -1;
}

static int is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

/* Parts of 1 to 63 letters, digits, '-' and '_', joined by dots; none begins or ends with '-'. This
 * includes IPv4 addresses; one dot at the end is allowed. */
static int is_name(gcache_bytes_t host) {
  if (host.len == 0 || host.len > NAME_MAX_LEN) return 0;
  while (host.len > 0) {
    size_t dot = find(host, '.');
    const char *part = host.base;
    if (dot == 0 || dot > NAME_PART_MAX || part[0] == '-' || part[dot - 1] == '-') return 0;
    for (size_t i = 0; i < dot; i++)
      if (!is_name_char(part[i])) return 0;
    host = gci_bytes_skip(host, dot == host.len ? dot : dot + 1);
  }
  return 1;
}

static int is_ipv6(gcache_bytes_t host) {
  char text[INET6_ADDRSTRLEN];
  struct in6_addr address;
  if (host.len >= sizeof text || find(host, '\0') != host.len) return 0;
  memcpy(text, host.base, host.len);
  text[host.len] = '\0';
  return inet_pton(AF_INET6, text, &address) == 1;
}

/* "" means the default; otherwise ":" and 1 to 65535 without leading zeros. -1: neither. */
static int read_port(gcache_bytes_t text, uint16_t otherwise, uint16_t *port) {
  uint64_t number;
  *port = otherwise;
  if (text.len == 0) return 0;
  const char *p = text.base;
  if (p[0] != ':' || text.len < 2 || text.len > 6 || p[1] == '0') return -1;
  if (gci_bytes_to_u64(gci_bytes_skip(text, 1), &number) != 0 || number > UINT16_MAX) return -1;
  *port = (uint16_t)number;
  return 0;
}

/* ------------------------------------------------------------------------- Unix sockets ---- */

#define PATH_MAX_LEN 107 /* the room in sockaddr_un */

int gci_url_is_unix(gcache_bytes_t url) {
  return gci_bytes_begins(url, GCI_LIT("unix:"));
}

/* With a query, a fragment or escapes others would read the URL otherwise; it goes into header
 * lines unchanged. */
const char *gci_url_path_fault(gcache_bytes_t path) {
  const char *at = path.base;

  if (path.len == 0 || at[0] != '/') return "the path of a Unix socket must be absolute";
  if (path.len > 1 && at[1] == '/') return "one slash begins the path: unix:/path";
  if (at[path.len - 1] == '/') return "the path of a Unix socket must name a file";
  if (path.len > PATH_MAX_LEN) return "the path of a Unix socket has at most 107 bytes";
  for (size_t i = 0; i < path.len; i++)
    if (at[i] <= ' ' || at[i] > '~' || strchr("#?%", at[i]) != NULL)
      return "the path of a Unix socket must be plain ASCII without spaces, '#', '?' and '%'";
  return NULL;
}

const char *gci_url_fault(gcache_bytes_t url) {
  if (gci_url_is_unix(url)) return gci_url_path_fault(gci_bytes_skip(url, strlen("unix:")));
  return "not http://host:port, https://host:port or unix:/path";
}

static int read_unix(gcache_bytes_t url, struct gci_url *out) {
  if (gci_url_fault(url) != NULL) return UV_EINVAL;
  *out = (struct gci_url){.authority = GCI_LIT("localhost"),
                          .path = gci_bytes_skip(url, strlen("unix:"))};
  return 0;
}

/* ------------------------------------------------------------------------------- a peer ---- */

int gci_url_read(gcache_bytes_t url, struct gci_url *out) {
  if (gci_url_is_unix(url)) return read_unix(url, out);
  gcache_bytes_t scheme = GCI_LIT("http://"), port;
  out->secure = gci_bytes_begins(url, GCI_LIT("https://"));
  if (out->secure) scheme = GCI_LIT("https://");
  if (!gci_bytes_begins(url, scheme)) return UV_EINVAL;
  gcache_bytes_t rest = gci_bytes_skip(url, scheme.len);
  size_t slash = find(rest, '/');
  if (slash + 1 < rest.len) return UV_EINVAL;
  gcache_bytes_t authority = first(rest, slash), host;
  if (gci_bytes_begins(authority, GCI_LIT("["))) {
    size_t bracket = find(authority, ']');
    if (bracket == authority.len) return UV_EINVAL;
    host = gci_bytes_skip(first(authority, bracket), 1);
    port = gci_bytes_skip(authority, bracket + 1);
    if (!is_ipv6(host)) return UV_EINVAL;
  } else {
    size_t colon = find(authority, ':');
    host = first(authority, colon);
    port = gci_bytes_skip(authority, colon);
    if (!is_name(host)) return UV_EINVAL;
  }
  if (read_port(port, out->secure ? 443 : 80, &out->port) != 0) return UV_EINVAL;
  out->host = host;
  out->authority = authority;
  out->path = (gcache_bytes_t){NULL, 0};
  return 0;
}
