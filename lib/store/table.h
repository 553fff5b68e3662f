/* store/table - finds an entry by its key. Grows a little at a time, at a cost that is known
 * beforehand.
 *
 * A directory of segments (extendible hashing): the first bits of a hash choose the segment. A
 * segment is a small open-addressing table, made of buckets of one cache line: seven one-byte tags,
 * seven entries, and a count of entries that wanted this bucket and found it full. A miss looks at
 * one line, seldom more. A segment grows by about a fifth when 6 of 7 slots are taken, and splits
 * in two when it has 1344 entries; so no operation touches more, however many entries there are,
 * and blocks that one segment frees have sizes that others need. A segment frees what it does not
 * need, and an empty one takes nothing; it is never joined with its other half again. Segments
 * outgrow that number only if so many hashes are alike that a split does not part them.
 *
 * Owns the arrays; entries are the user's. Fails: UV_ENOMEM, nothing changed. */
#ifndef GCI_STORE_TABLE_H
#define GCI_STORE_TABLE_H

#include "base/mem.h"
#include "store/entry.h"
#include "store/segment.h"

/* A slot of the directory: a segment's buckets and their number, so that a search goes from here to
 * the bucket; without a segment, the one bucket that is always empty. */
struct gci_table_slot {
  const struct gci_bucket *buckets;
  size_t n_buckets;
};

struct gci_table {
  struct gci_mem *mem;
  struct gci_table_slot *slots; /* the directory: 2^depth slots; a segment may have several */
  unsigned depth, shift;        /* their sum is 32 */
  struct gci_table_slot only;   /* the directory of depth 0 */
  size_t n_entries;
  size_t bytes; /* of all its blocks, as gci_mem_cost() */
};

/* A hash's upper half chooses segment and bucket, its lowest byte is the tag. */
static inline uint32_t gci_table_place(uint64_t hash) {
  return (uint32_t)(hash >> 32);
}

void gci_table_init(struct gci_table *table, struct gci_mem *mem); /* must not be moved
                                                                    * afterwards */
void gci_table_fini(struct gci_table *table);                      /* must be empty */

static inline size_t gci_table_slot_index(const struct gci_table *table, uint32_t place) {
  return (size_t)((uint64_t)place >> table->shift);
}

static inline const struct gci_bucket *gci_table_home(const struct gci_table *table,
                                                      uint32_t place) {
  const struct gci_table_slot *slot = &table->slots[gci_table_slot_index(table, place)];
  return &slot->buckets[gci_segment_home(slot->n_buckets, place)];
}

struct gci_entry *gci_table_find(const struct gci_table *table, gcache_bytes_t key, uint64_t hash);

/* What gci_table_find() nearly always finds, without a call, for a key of 8 to 16 bytes. NULL: not
 * known. */
static inline struct gci_entry *gci_table_probe(const struct gci_table *table, gcache_bytes_t key,
                                                uint64_t hash) {
  return gci_bucket_probe(gci_table_home(table, gci_table_place(hash)), key, gci_tag_of(hash));
}

/* The same in the bucket after the first, where one key in ten is. */
static inline struct gci_entry *gci_table_probe_next(const struct gci_table *table,
                                                     gcache_bytes_t key, uint64_t hash) {
  const struct gci_table_slot *slot =
      &table->slots[gci_table_slot_index(table, gci_table_place(hash))];
  size_t next = gci_segment_home(slot->n_buckets, gci_table_place(hash)) + 1;
  if (next == slot->n_buckets) return NULL;
  return gci_bucket_probe(&slot->buckets[next], key, gci_tag_of(hash));
}

/* Prefetches for a find, in two steps: the bucket, and, when that has come, the entry. */
void gci_table_fetch_bucket(const struct gci_table *table, uint64_t hash);
void gci_table_fetch_entry(const struct gci_table *table, uint64_t hash);

/* The bytes that gci_table_grow() would allocate for one more entry with this hash, before it frees
 * what that replaces; 0: nothing, there is room. */
size_t gci_table_growth(const struct gci_table *table, uint64_t hash);
/* If gci_table_growth() is not 0. UV_ENOMEM: there may still be slots left. */
int gci_table_grow(struct gci_table *table, uint64_t hash);

/* Sets entry->hash; the key must not be in the table. UV_ENOMEM: no slot is free. */
int gci_table_insert(struct gci_table *table, struct gci_entry *entry, uint64_t hash);
void gci_table_remove(struct gci_table *table, struct gci_entry *entry); /* must be in the table */
/* Removes all at once: the arrays are freed, no entry is touched. */
void gci_table_clear(struct gci_table *table);

/* After a remove: frees what the segment of `place` does not need, if that allocates no more than
 * `room` bytes. No harm if it fails. */
void gci_table_shrink(struct gci_table *table, uint32_t place, size_t room);

/* `bytes` of a table with one entry in it. */
size_t gci_table_least_bytes(void);

#endif
