/* store/hit - the usual hit, without a call: a key of 9 to 16 bytes in its first bucket, with a
 * short value that does not expire, under a policy that counts hits in the mark. gci_cache_look()
 * and gci_cache_get() do this too, and everything else. */
#ifndef GCI_STORE_HIT_H
#define GCI_STORE_HIT_H

#include "store/cache.h"
#include "store/policy.h"
#include "store/table.h"

/* What the usual hit reads; a cache begins with it. */
struct gci_cache_front {
  struct gci_table table;
  uint64_t hits[2]; /* by enum gci_side */
  size_t n_timed;   /* entries that expire */
  int is_open;      /* the policies count hits in the mark, and hits are not shut out */
};

static inline enum gci_side gci_entry_side(const struct gci_entry *entry) {
  return entry->side == GCI_HOT ? GCI_HOT : GCI_MAIN;
}

struct gci_hit {
  gcache_value_t *value; /* borrowed until the next call that changes the cache; NULL: not known */
  enum gci_side side;
};

/* One comparison: the key has this length, the value lodges and does not expire, it is in the main
 * cache, and was used so often that the mark need not be written. */
static inline int gci_entry_is_usual(const struct gci_entry *entry, size_t key_len) {
  const struct gci_entry usual = {.plain = 1, .mark = GCI_MARK_USED, .side = GCI_MAIN};
  const struct gci_entry one_byte = {.key_len = 1}, compared = {.key_len = GCI_ENTRY_MAX_KEY,
                                                                .plain = 1,
                                                                .mark = GCI_MARK_USED,
                                                                .side = 1,
                                                                .absent = 1};
  return (entry->bits & compared.bits) == usual.bits + (uint32_t)key_len * one_byte.bits;
}

/* A hit, counted; or nothing, and nothing counted. The key has 9 to 16 bytes. */
static inline struct gci_hit gci_cache_hit(struct gci_cache *cache, gcache_bytes_t key,
                                           uint64_t hash) {
  struct gci_cache_front *front = (struct gci_cache_front *)cache;
  const struct gci_bucket *home = gci_table_home(&front->table, gci_table_place(hash));
  uint64_t matches = gci_bucket_match(home->tags, gci_tag_of(hash));
  struct gci_hit nothing = {NULL, GCI_MAIN};
  if (matches == 0) return nothing;
  struct gci_entry *entry = home->slots[gci_bucket_first(matches)];
  if (!gci_entry_is_usual(entry, key.len) || !front->is_open ||
      !gci_same_8_to_16(entry->key, key.base, key.len))
    return nothing;
  front->hits[GCI_MAIN]++;
  return (struct gci_hit){&entry->head, GCI_MAIN};
}

/* The next attempt, with a call: also finds the key in the second bucket, and any value that is
 * fresh, and stays so until then without being due for anything. */
struct gci_hit gci_cache_hit_other(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                                   int64_t until_unix_ns);

/* 0: nothing here expires, and nothing reads the clock. */
static inline int gci_cache_is_timed(const struct gci_cache *cache) {
  return ((const struct gci_cache_front *)cache)->n_timed > 0;
}

/* From now on there are no such hits. */
static inline void gci_cache_shut_hits_out(struct gci_cache *cache) {
  ((struct gci_cache_front *)cache)->is_open = 0;
}

#endif
