/* wire/remove_keys - as remove_keys.h says, in a build without JSON. */
#include "wire/remove_keys.h"

#include <uv.h>

int gci_remove_keys_carries(gcache_bytes_t key) {
  (void)key;
  return 0;
}

gcache_value_t *gci_remove_keys_write(struct gci_mem *mem, gcache_bytes_t group,
                                      const gcache_bytes_t keys[], size_t n) {
  (void)mem, (void)group, (void)keys, (void)n;
  return NULL;
}

int gci_remove_keys_read(gcache_bytes_t body, gcache_bytes_t want_group,
                         void (*each)(void *user, gcache_bytes_t key), void *user) {
  (void)body, (void)want_group, (void)each, (void)user;
  return UV_ENOTSUP;
}
