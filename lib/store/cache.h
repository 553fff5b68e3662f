/* store/cache - one group's memory: main and hot cache under one byte budget (P5), expiry (P6).
 *
 * Owns one table that finds an entry of either cache, the entries, one reference to each value, an
 * eviction policy per cache and a timing wheel. `now` is an argument; there is no loop here.
 *
 * The budget counts keys, values, entry heads, the table, the policies' ghosts and allocator
 * rounding, and is never exceeded, not even while these grow. A value that cannot be kept is
 * refused and evicts nothing. Growth is incremental: no operation touches more than a bounded
 * number of entries.
 *
 * An entry stays as long as its value may be used: to its expiry, and on to the end of its windows
 * (base/windows), which are the cache's unless the value has its own. An entry may also say "not
 * found", with the reason in place of a value.
 *
 * Fails: put with GCACHE_ENOROOM or UV_ENOMEM, and the key is absent then. Nothing else can
 * fail. */
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
 * else from main. policy: of both caches. UV_ENOMEM. */
int gci_cache_open(struct gci_cache **out, struct gci_mem *mem, size_t max_bytes,
                   unsigned hot_divisor, gcache_policy_t policy);
void gci_cache_close(struct gci_cache *cache);

/* The size of an empty cache. */
size_t gci_cache_least_bytes(void);
/* After gci_budget_admit() has found room: from now on the budget's limit holds too, until the
 * cache closes. */
void gci_cache_join(struct gci_cache *cache, struct gci_budget *budget);

/* A new max_bytes, >= GCI_CACHE_MIN_BYTES. If the cache holds more, gci_cache_shrink() lowers the
 * limit as entries go. Nonzero: call that. */
int gci_cache_resize(struct gci_cache *cache, size_t max_bytes);
/* Frees what was cleared and what is over the limit, a bounded number of entries and bytes a call.
 * Nonzero: call it again. */
int gci_cache_shrink(struct gci_cache *cache);
size_t gci_cache_max_bytes(const struct gci_cache *cache); /* the limit in force now */

/* The windows of values without their own; off until then. Before the first put. */
void gci_cache_set_windows(struct gci_cache *cache, const struct gci_windows *windows);

struct gci_found {
  gcache_value_t *value; /* ABSENT: the reason, zero-terminated */
  enum gci_side side;
  enum gci_freshness freshness; /* not GONE. DUE: reported once per entry. SPARE: counted as a
                                 * miss */
};

/* hash: gci_hash_keyed(key), always the same for the same key. The result is borrowed: it is valid
 * until the next call that changes the cache. Nonzero: found. An entry of no more use is freed, and
 * is a miss. No allocation. */
int gci_cache_look(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash, int64_t now_unix_ns,
                   struct gci_found *found);
/* The same for callers that want a fresh value or nothing. *side says where it was. */
gcache_value_t *gci_cache_get(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                              int64_t now_unix_ns, enum gci_side *side);
/* The value in place of a load that failed: one with error_ms that is fresh or within them;
 * borrowed; NULL: none. Counts nothing. */
gcache_value_t *gci_cache_spare(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                                int64_t now_unix_ns, enum gci_side *side);
/* Nonzero: there is an entry, usable or not. Counts nothing. */
int gci_cache_has(const struct gci_cache *cache, gcache_bytes_t key, uint64_t hash);
/* The windows that apply to value here; borrowed. */
const struct gci_windows *gci_cache_windows(const struct gci_cache *cache,
                                            const gcache_value_t *value);

/* Prefetches for gci_cache_get(), in two steps; the second when the first has had time. Neither
 * changes anything. */
void gci_cache_fetch_index(const struct gci_cache *cache, uint64_t hash);
void gci_cache_fetch_entry(const struct gci_cache *cache, uint64_t hash);

/* Replaces the entry of either cache under key. Copies key, takes its own reference to value. A
 * value that has expired already is not kept; that is no error. */
int gci_cache_put(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key, uint64_t hash,
                  gcache_value_t *value, int64_t now_unix_ns);
/* As put: the key is "not found" until reason, zero-terminated, expires. */
int gci_cache_put_absent(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key,
                         uint64_t hash, gcache_value_t *reason, int64_t now_unix_ns);

/* Nonzero: there was one. */
int gci_cache_remove(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash);
/* Empties the cache. The entries are freed by gci_cache_shrink(), or when room is needed, and
 * counted in gci_cache_index_bytes() until then; some are freed now. Nonzero: call
 * gci_cache_shrink(). */
int gci_cache_clear(struct gci_cache *cache);
/* Has gci_cache_shrink() empty the hot cache. Returns how much is in it. */
uint64_t gci_cache_drop_hot(struct gci_cache *cache);

/* When gci_cache_expire() should be called next, at most half a second after the first expiry; in
 * the past: at once; INT64_MAX: nothing expires. */
int64_t gci_cache_due(const struct gci_cache *cache);
/* Frees expired entries, a bounded number per call. Nonzero: more is due now, call again. */
int gci_cache_expire(struct gci_cache *cache, int64_t now_unix_ns);

/* Walks over all fresh values of one side, the most used first. Changes nothing, neither order nor
 * counters; store/policy says what other operations may do to a walk. One walk at a time per
 * cache. */
struct gci_cache_walk {
  struct gci_walk walk;
  enum gci_side side;
  gcache_bytes_t key; /* of the entry found; borrowed until the next call that changes the cache */
  gcache_value_t *value;
};
void gci_cache_walk_begin(struct gci_cache *cache, enum gci_side side, struct gci_cache_walk *walk);
/* Looks at no more than *steps entries, and subtracts how many it looked at. 0: there is none; with
 * *steps 0: none yet. */
int gci_cache_walk_next(struct gci_cache *cache, struct gci_cache_walk *walk, size_t *steps,
                        int64_t now_unix_ns);
void gci_cache_walk_end(struct gci_cache *cache, struct gci_cache_walk *walk);

/* main + hot + index; never over max_bytes. */
size_t gci_cache_bytes(const struct gci_cache *cache);
size_t gci_cache_index_bytes(const struct gci_cache *cache);
void gci_cache_stats(const struct gci_cache *cache, enum gci_side side, gcache_cache_stats_t *out);
const gcache_causes_t *gci_cache_causes(const struct gci_cache *cache, enum gci_side side);

#endif
