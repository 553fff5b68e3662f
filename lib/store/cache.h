/* store/cache - one group's memory: main and hot cache under one byte budget (P5), expiry (P6).
 *
 * Owns one table that finds an entry of either cache, the entries, one reference to each value, an
 * eviction policy per cache and a timing wheel. `now` is an argument; there is no loop here.
 *
 * The budget counts keys, values, entry heads, the table, what the policies remember of those who
 * left, and allocator rounding, and is never exceeded, not even while these grow. What cannot be kept
 * is refused and evicts nothing. Growth is incremental: no operation touches more than a bounded
 * number of entries.
 *
 * Fails: put with GCACHE_ENOROOM or UV_ENOMEM, and the key is absent then. Nothing else can. */
#ifndef GCI_STORE_CACHE_H
#define GCI_STORE_CACHE_H

#include <stdint.h>

#include "base/mem.h"
#include "gcache/gcache.h"

struct gci_cache; /* opaque */

enum gci_side { GCI_MAIN, GCI_HOT };

#define GCI_CACHE_MIN_BYTES (64 * 1024)

/* max_bytes >= GCI_CACHE_MIN_BYTES. hot_divisor: evict from hot while hot > main / hot_divisor,
 * else from main. policy: of both. UV_ENOMEM. */
int gci_cache_open(struct gci_cache **out, struct gci_mem *mem, size_t max_bytes,
                   unsigned hot_divisor, gcache_policy_t policy);
void gci_cache_close(struct gci_cache *cache);

/* hash: gci_hash_keyed(key), the same for the same key throughout. A hit is borrowed: it is valid
 * until the next call that changes the cache; *side says where it was. An expired entry is freed
 * and is a miss. No allocation. */
gcache_value_t *gci_cache_get(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                              int64_t now_unix_ns, enum gci_side *side);

/* gci_cache_get() in two steps ahead of itself, so that the memory it will look at is on its way; the
 * second when the first has had time. Neither changes anything. */
void gci_cache_fetch_index(const struct gci_cache *cache, uint64_t hash);
void gci_cache_fetch_entry(const struct gci_cache *cache, uint64_t hash);

/* Replaces what either cache holds under key. Copies key, takes its own reference to value. A value
 * that has expired already is not kept; that is no error. */
int gci_cache_put(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key, uint64_t hash,
                  gcache_value_t *value, int64_t now_unix_ns);

/* Nonzero if there was one. */
int gci_cache_remove(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash);
void gci_cache_clear(struct gci_cache *cache);

/* When gci_cache_expire() should be called next, at most half a second after the first expiry; in
 * the past: at once; INT64_MAX: nothing expires. */
int64_t gci_cache_due(const struct gci_cache *cache);
/* Frees what has expired, a bounded number a call. Nonzero: more is due now, call again. */
int gci_cache_expire(struct gci_cache *cache, int64_t now_unix_ns);

/* main + hot + index; never over max_bytes. */
size_t gci_cache_bytes(const struct gci_cache *cache);
size_t gci_cache_index_bytes(const struct gci_cache *cache);
void gci_cache_stats(const struct gci_cache *cache, enum gci_side side, gcache_cache_stats_t *out);

#endif
