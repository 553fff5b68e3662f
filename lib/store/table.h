/* store/table - finds an entry by its key. Grows a little at a time, at a cost that is told
 * beforehand.
 *
 * An array of segments, whose number is fixed when the table is opened: the owner knows how much it
 * may ever hold. A segment is a small open-addressing table of its own, made of buckets of one
 * cache line: seven one-byte tags, seven entries, and a count of those that wanted this bucket and
 * found it full. A miss looks at one line, seldom more. A segment grows by a fifth when 6 of 7
 * slots are taken, gives back what it does not need, and is nothing while it is empty; no operation
 * touches entries of more than one segment.
 *
 * Owns the arrays; entries are the user's. Fails: UV_ENOMEM, nothing changed. */
#ifndef GCI_STORE_TABLE_H
#define GCI_STORE_TABLE_H

#include "base/mem.h"
#include "store/entry.h"

struct gci_segment {
  void *block; /* NULL: empty. The buckets begin at its first cache line */
  uint32_t n_buckets, n_entries;
};

struct gci_table {
  struct gci_mem *mem;
  struct gci_segment *segments;
  uint32_t n_segments;
  size_t bytes; /* of all its blocks, as gci_mem_cost() */
};

#define GCI_TABLE_MAX_SEGMENTS (1u << 20)

/* A hash's upper half chooses segment and bucket, its lowest byte is the tag. */
static inline uint32_t gci_table_place(uint64_t hash) {
  return (uint32_t)(hash >> 32);
}

/* n_segments: one for every few hundred entries; 1 to GCI_TABLE_MAX_SEGMENTS. UV_ENOMEM. */
int gci_table_init(struct gci_table *table, struct gci_mem *mem, uint32_t n_segments);
void gci_table_fini(struct gci_table *table); /* must be empty */

struct gci_entry *gci_table_find(const struct gci_table *table, gcache_bytes_t key, uint64_t hash);

/* What gci_table_grow() would allocate for one more entry with this hash, before it frees what that
 * replaces; 0: nothing, there is room. */
size_t gci_table_growth(const struct gci_table *table, uint64_t hash);
/* UV_ENOMEM: there may still be slots left. */
int gci_table_grow(struct gci_table *table, uint64_t hash);

/* Sets entry->hash; the key must not be in. UV_ENOMEM: no slot is free. */
int gci_table_insert(struct gci_table *table, struct gci_entry *entry, uint64_t hash);
void gci_table_remove(struct gci_table *table, struct gci_entry *entry); /* must be in */

/* After a remove: gives back what the segment of `place` does not need, if no more than `room`
 * bytes are to be allocated for that. Benign if it fails. */
void gci_table_shrink(struct gci_table *table, uint32_t place, size_t room);

/* `bytes` of a table with one entry in it. */
size_t gci_table_least_bytes(const struct gci_table *table);

#endif
