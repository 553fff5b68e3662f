/* Any bytes as a request target, a query, a key and a URL: every result lies inside the input, and
 * what is written is read back the same. */
#include "target.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/route.h"

static const gcache_bytes_t base_path = {"/_groupcache/", 13};

static int inside(gcache_bytes_t part, gcache_bytes_t whole) {
  uintptr_t start = (uintptr_t)whole.base, at = (uintptr_t)part.base;
  return part.len == 0 ||
         (at >= start && at - start <= whole.len && part.len <= whole.len - (at - start));
}

static void check_round_trip(gcache_bytes_t group, gcache_bytes_t key, const char *stay) {
  struct gci_route route;
  size_t size = gci_route_size(base_path, group, key, stay);
  char *path = malloc(size), *buf = malloc(size);
  fuzz_check(path != NULL && buf != NULL, "memory");
  fuzz_check(gci_route_write(path, base_path, group, key, stay) == size, "the size is the size");
  gcache_bytes_t written = {path, size};
  fuzz_check(gci_route_read(base_path, written, buf, &route) == GCI_ROUTE_OK, "ours is readable");
  fuzz_check(gci_bytes_equal(route.group, group), "the group comes back");
  fuzz_check(gci_bytes_equal(route.key, key), "the key comes back");
  free(path);
  free(buf);
}

static void check_target(gcache_bytes_t target) {
  gcache_bytes_t path, query, value;
  struct gci_route route;
  gci_route_split_target(target, &path, &query);
  fuzz_check(inside(path, target) || gci_bytes_equal(path, GCI_LIT("/")), "path is of the target");
  fuzz_check(inside(query, target), "query is of the target");
  if (gci_route_param(query, GCI_LIT("t"), &value) == 0)
    fuzz_check(inside(value, query), "a parameter is of the query");
  char *buf = malloc(path.len + 1);
  fuzz_check(buf != NULL, "memory");
  gcache_bytes_t whole = {buf, path.len};
  if (gci_route_read(base_path, path, buf, &route) == GCI_ROUTE_OK) {
    fuzz_check(inside(route.group, whole) && inside(route.key, whole), "a route is of its buffer");
    fuzz_check(route.group.len > 0, "a group has a name");
    check_round_trip(route.group, route.key, "$&+:=@");
    check_round_trip(route.group, route.key, "");
  }
  free(buf);
}

static void check_url(gcache_bytes_t text) {
  struct gci_url url;
  if (gci_url_read(text, &url) != 0) return;
  fuzz_check(inside(url.path, text), "a path is of its URL");
  if (url.path.len > 0) {
    fuzz_check(url.host.len == 0 && url.port == 0, "a URL has a host or a path");
    fuzz_check(url.path.len < 108, "a path fits where the system wants it");
    fuzz_check(gci_url_fault(text) == NULL, "there is nothing wrong with it");
  } else {
    fuzz_check(inside(url.host, text) && inside(url.authority, text), "a host is of its URL");
    fuzz_check(url.host.len > 0 && url.port > 0, "a URL has a host and a port");
  }
  for (size_t i = 0; i < text.len; i++)
    fuzz_check(((const char *)text.base)[i] > ' ', "no byte of a URL can end a header line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  gcache_bytes_t bytes = {data, size};
  check_target(bytes);
  check_url(bytes);
  check_round_trip(GCI_LIT("g"), bytes, "$&+:=@");
  check_round_trip(GCI_LIT("g"), bytes, "");
  return 0;
}
