/* find/etcd_words - requests to etcd's JSON gateway (v3), and the meaning of its answers. Pure;
 * uses jansson; a build without it has etcd_words_none.c.
 *
 * Writing fails with 0: out of room. Reading fails with UV_EPROTO: not the expected answer, or
 * UV_ENOMEM. */
#ifndef GCI_FIND_ETCD_WORDS_H
#define GCI_FIND_ETCD_WORDS_H

#include "find/list.h"

#define GCI_ETCD_KEY_MAX ((size_t)1024)  /* of prefix and URL together */
#define GCI_ETCD_BODY_MAX ((size_t)4096) /* of a request */
#define GCI_ETCD_REASON 160

int gci_etcd_built_in(void);

/* Bodies of requests; they return the length, without the terminating zero. */
size_t gci_etcd_write_range(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t prefix);
size_t gci_etcd_write_watch(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t prefix, uint64_t revision);
size_t gci_etcd_write_grant(char out[GCI_ETCD_BODY_MAX], uint64_t ttl_s);
size_t gci_etcd_write_lease(char out[GCI_ETCD_BODY_MAX], uint64_t lease); /* keep alive, revoke */
size_t gci_etcd_write_put(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t key, gcache_bytes_t value,
                          uint64_t lease);

/* Adds members to list; *revision: of the store; *odd: values that are no members, skipped. */
int gci_etcd_read_range(gcache_bytes_t body, struct gci_find_list *list, uint64_t *revision,
                        size_t *odd);
int gci_etcd_read_grant(gcache_bytes_t body, uint64_t *lease, uint64_t *ttl_s);
int gci_etcd_read_keep(gcache_bytes_t body, uint64_t *ttl_s); /* 0: the lease has run out */
/* The content of a watch's messages, each of which ends in a newline. */
enum gci_etcd_watch {
  GCI_ETCD_SILENT,  /* nothing yet */
  GCI_ETCD_CREATED, /* it runs */
  GCI_ETCD_CHANGED, /* something has changed, or may have: etcd has ended the watch (compaction) */
};
int gci_etcd_read_watch(gcache_bytes_t body); /* one of these */
/* The error text of an answer; "" if it has none. */
void gci_etcd_read_error(char out[GCI_ETCD_REASON], gcache_bytes_t body);

#endif
