/* store/hit - the usual hit, without a call: a key of 9 to 16 bytes, in the bucket that it wants, of an
 * entry that does not expire, under a policy that has hits counted in the mark. Everything else is
 * gci_cache_look()'s or gci_cache_get()'s, which do this too, and all the rest. */
#ifndef GCI_STORE_HIT_H
#define GCI_STORE_HIT_H

#include "store/cache.h"
#include "store/policy.h"
#include "store/table.h"

/* What it looks at; a cache begins with it. */
struct gci_cache_front {
  struct gci_table table;
  uint64_t hits[2]; /* by enum gci_side */
  int marks;        /* the policies have hits counted in the mark */
};

static inline enum gci_side gci_entry_side(const struct gci_entry *entry) {
  return entry->side == GCI_HOT ? GCI_HOT : GCI_MAIN;
}

/* The entry, counted as a hit; borrowed until the next call that changes the cache. NULL: nothing is
 * said, and nothing counted. */
static inline struct gci_entry *gci_cache_hit(struct gci_cache *cache, gcache_bytes_t key,
                                              uint64_t hash) {
  struct gci_cache_front *front = (struct gci_cache_front *)cache;
  struct gci_entry *entry = gci_table_probe(&front->table, key, hash);
  if (entry == NULL || gci_entry_is_timed(entry) || !front->marks) return NULL;
  front->hits[entry->side]++;
  gci_mark_use(entry);
  return entry;
}

#endif
