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
 * An entry stays for as long as anything may be done with its value: to its expiry, and on to the
 * end of its windows (base/windows), which are the cache's unless the value has its own. An entry
 * may also say "not found", with the reason in place of a value.
 *
 * Fails: put with GCACHE_ENOROOM or UV_ENOMEM, and the key is absent then. Nothing else can. */
#ifndef GCI_STORE_CACHE_H
#define GCI_STORE_CACHE_H

#include <stdint.h>

#include "base/mem.h"
#include "base/windows.h"
#include "gcache/gcache.h"
#include "store/budget.h"
#include "store/freshness.h"
#include "store/policy.h"

struct gci_cache; /* opaque */

enum gci_side { GCI_MAIN, GCI_HOT };

#define GCI_CACHE_MIN_BYTES (64 * 1024)

/* max_bytes >= GCI_CACHE_MIN_BYTES. hot_divisor: evict from hot while hot > main / hot_divisor,
 * else from main. policy: of both. UV_ENOMEM. */
int gci_cache_open(struct gci_cache **out, struct gci_mem *mem, size_t max_bytes,
                   unsigned hot_divisor, gcache_policy_t policy);
void gci_cache_close(struct gci_cache *cache);

/* What a cache takes that holds nothing. */
size_t gci_cache_least_bytes(void);
/* Where gci_budget_admit() has found room for that: this limit holds too, until the cache closes. */
void gci_cache_join(struct gci_cache *cache, struct gci_budget *budget);

/* A new max_bytes, >= GCI_CACHE_MIN_BYTES. If what is here is more, the limit comes down as it goes,
 * by gci_cache_shrink(). Nonzero: call that. */
int gci_cache_resize(struct gci_cache *cache, size_t max_bytes);
/* Frees what was cleared and what is over the limit, a bounded number of entries and bytes a call.
 * Nonzero: call it again. */
int gci_cache_shrink(struct gci_cache *cache);
size_t gci_cache_max_bytes(const struct gci_cache *cache); /* the limit that holds now */

/* Of values without their own; off until then. Before the first put. */
void gci_cache_set_windows(struct gci_cache *cache, const struct gci_windows *windows);

struct gci_found {
  gcache_value_t *value; /* ABSENT: the reason, zero-terminated */
  enum gci_side side;
  enum gci_freshness freshness; /* not GONE. DUE: said once of an entry. SPARE: counted as a miss */
};

/* hash: gci_hash_keyed(key), the same for the same key throughout. What is found is borrowed: it is
 * valid until the next call that changes the cache. Nonzero: found. An entry of no more use is
 * freed, and is a miss. No allocation. */
int gci_cache_look(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash, int64_t now_unix_ns,
                   struct gci_found *found);
/* The same for whoever wants a fresh value or nothing. *side says where it was. */
gcache_value_t *gci_cache_get(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                              int64_t now_unix_ns, enum gci_side *side);
/* What there is in place of a load that failed: a value with error_ms that is fresh or within them;
 * borrowed; NULL: nothing. Counts nothing. */
gcache_value_t *gci_cache_spare(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                                int64_t now_unix_ns, enum gci_side *side);
/* Nonzero: there is an entry, of whatever use. Counts nothing. */
int gci_cache_has(const struct gci_cache *cache, gcache_bytes_t key, uint64_t hash);
/* Those that count for value here; borrowed. */
const struct gci_windows *gci_cache_windows(const struct gci_cache *cache,
                                            const gcache_value_t *value);

/* gci_cache_get() in two steps ahead of itself, so that the memory it will look at is on its way; the
 * second when the first has had time. Neither changes anything. */
void gci_cache_fetch_index(const struct gci_cache *cache, uint64_t hash);
void gci_cache_fetch_entry(const struct gci_cache *cache, uint64_t hash);

/* Replaces what either cache holds under key. Copies key, takes its own reference to value. A value
 * that has expired already is not kept; that is no error. */
int gci_cache_put(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key, uint64_t hash,
                  gcache_value_t *value, int64_t now_unix_ns);
/* As put: there is no such key until reason, zero-terminated, expires. */
int gci_cache_put_absent(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key,
                         uint64_t hash, gcache_value_t *reason, int64_t now_unix_ns);

/* Nonzero if there was one. */
int gci_cache_remove(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash);
/* Nothing is in from now on. What was is freed by gci_cache_shrink(), or when room is needed, and
 * counted in gci_cache_index_bytes() until then; a first part is now. Nonzero: call that. */
int gci_cache_clear(struct gci_cache *cache);
/* The hot cache is to be emptied, by gci_cache_shrink(). How much is in it. */
uint64_t gci_cache_drop_hot(struct gci_cache *cache);

/* When gci_cache_expire() should be called next, at most half a second after the first expiry; in
 * the past: at once; INT64_MAX: nothing expires. */
int64_t gci_cache_due(const struct gci_cache *cache);
/* Frees what has expired, a bounded number a call. Nonzero: more is due now, call again. */
int gci_cache_expire(struct gci_cache *cache, int64_t now_unix_ns);

/* All fresh values of one side, those that are used most first. Changes nothing, neither order nor
 * counters; what else is done meanwhile may do what store/policy says of a walk. One at a time a
 * cache. */
struct gci_cache_walk {
  struct gci_walk walk;
  enum gci_side side;
  gcache_bytes_t key; /* what was found; borrowed until the next call that changes the cache */
  gcache_value_t *value;
};
void gci_cache_walk_begin(struct gci_cache *cache, enum gci_side side, struct gci_cache_walk *walk);
/* Looks at no more than *steps entries, and takes off how many it looked at. 0: there is none; with
 * *steps 0 none yet. */
int gci_cache_walk_next(struct gci_cache *cache, struct gci_cache_walk *walk, size_t *steps,
                        int64_t now_unix_ns);
void gci_cache_walk_end(struct gci_cache *cache, struct gci_cache_walk *walk);

/* main + hot + index; never over max_bytes. */
size_t gci_cache_bytes(const struct gci_cache *cache);
size_t gci_cache_index_bytes(const struct gci_cache *cache);
void gci_cache_stats(const struct gci_cache *cache, enum gci_side side, gcache_cache_stats_t *out);
const gcache_causes_t *gci_cache_causes(const struct gci_cache *cache, enum gci_side side);

#endif
