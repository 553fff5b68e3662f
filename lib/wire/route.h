/* wire/route - the path of a key: <base path><escaped group>/<escaped key>, both directions, and
 * the parts of a peer's URL. Pure functions over borrowed bytes.
 *
 * Reading: the prefix is compared on raw bytes, the query dropped, the rest percent-decoded once
 * and split at the first decoded slash. The key is the rest, verbatim: any byte, slashes and dots
 * included, possibly empty. Absolute-form targets (http://host/path) are read as their path. */
#ifndef GCI_WIRE_ROUTE_H
#define GCI_WIRE_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include "gcache/gcache.h"

/* stay: bytes that are not escaped besides A-Z a-z 0-9 - _ . ~ */
size_t gci_route_size(gcache_bytes_t base_path, gcache_bytes_t group, gcache_bytes_t key,
                      const char *stay);
size_t gci_route_write(char *out, gcache_bytes_t base_path, gcache_bytes_t group,
                       gcache_bytes_t key, const char *stay); /* no terminator */

struct gci_route {
  gcache_bytes_t group, key; /* point into buf */
};

enum gci_route_result {
  GCI_ROUTE_OK,
  GCI_ROUTE_ELSEWHERE, /* not under base_path */
  GCI_ROUTE_NO_KEY,    /* no slash after the group, or an empty group: 400 */
  GCI_ROUTE_BAD_ESCAPE /* 400 */
};

/* buf: room for path.len bytes. path: of the request, escaped, without the query. */
enum gci_route_result gci_route_read(gcache_bytes_t base_path, gcache_bytes_t path, char *buf,
                                     struct gci_route *out);

/* Splits a request target into path and query; absolute-form loses scheme and authority (an empty
 * path becomes "/"). Borrowed slices. */
void gci_route_split_target(gcache_bytes_t target, gcache_bytes_t *path, gcache_bytes_t *query);

/* Value of a query parameter, still escaped; -1: absent. */
int gci_route_param(gcache_bytes_t query, gcache_bytes_t name, gcache_bytes_t *value);

/* http://host[:port][/] or https://..., host a name, IPv4 or [IPv6]; or unix:/path, where the path
 * of a Unix socket follows the colon as it is, in plain ASCII without '#', '?' and '%'; nothing
 * else. Slices of url; UV_EINVAL. port defaults to 80 and 443. authority: host:port as written, for
 * the Host line. */
struct gci_url {
  int secure;          /* https */
  gcache_bytes_t host; /* without brackets; of a Unix socket empty */
  gcache_bytes_t authority;
  uint16_t port;       /* of a Unix socket 0 */
  gcache_bytes_t path; /* of a Unix socket; else empty */
};
int gci_url_read(gcache_bytes_t url, struct gci_url *out);
int gci_url_is_unix(gcache_bytes_t url); /* read or not */
/* What is wrong with a URL that cannot be read; and with the path of a Unix socket, NULL:
 * nothing. */
const char *gci_url_fault(gcache_bytes_t url);
const char *gci_url_path_fault(gcache_bytes_t path);

#endif
