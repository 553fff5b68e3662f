/* find/etcd_words - a build without jansson: nothing can be written or read. */
#include <uv.h>

#include "find/etcd_words.h"

int gci_etcd_built_in(void) {
  return 0;
}

size_t gci_etcd_write_range(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t prefix) {
  (void)out, (void)prefix;
  return 0;
}

size_t gci_etcd_write_watch(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t prefix, uint64_t revision) {
  (void)out, (void)prefix, (void)revision;
  return 0;
}

size_t gci_etcd_write_grant(char out[GCI_ETCD_BODY_MAX], uint64_t ttl_s) {
  (void)out, (void)ttl_s;
  return 0;
}

size_t gci_etcd_write_lease(char out[GCI_ETCD_BODY_MAX], uint64_t lease) {
  (void)out, (void)lease;
  return 0;
}

size_t gci_etcd_write_put(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t key, gcache_bytes_t value,
                          uint64_t lease) {
  (void)out, (void)key, (void)value, (void)lease;
  return 0;
}

int gci_etcd_read_range(gcache_bytes_t body, struct gci_find_list *list, uint64_t *revision,
                        size_t *odd) {
  (void)body, (void)list, (void)revision, (void)odd;
  return UV_EPROTO;
}

int gci_etcd_read_grant(gcache_bytes_t body, uint64_t *lease, uint64_t *ttl_s) {
  (void)body, (void)lease, (void)ttl_s;
  return UV_EPROTO;
}

int gci_etcd_read_keep(gcache_bytes_t body, uint64_t *ttl_s) {
  (void)body, (void)ttl_s;
  return UV_EPROTO;
}

int gci_etcd_read_watch(gcache_bytes_t body) {
  (void)body;
  return UV_EPROTO;
}

void gci_etcd_read_error(char out[GCI_ETCD_REASON], gcache_bytes_t body) {
  (void)body;
  out[0] = '\0';
}
