/* store/segment - a part of the cache's table: a small open-addressing table of buckets.
 *
 * A bucket is one cache line: seven one-byte tags, seven entries, two counts. An entry that finds
 * its bucket full goes to the next one with a free slot, and is counted in each bucket it passed
 * over; a search goes on only past a bucket with a nonzero count. There are two counts per bucket,
 * for odd and even tags, which halves the searches that go on in vain. A count that has reached its
 * maximum stays there until the segment is rebuilt, which only costs time.
 *
 * The number of buckets is given by a grade, 1 to 63. A search gets it as an argument, and does not
 * read the segment's head. One block; the entries are the user's. */
#ifndef GCI_STORE_SEGMENT_H
#define GCI_STORE_SEGMENT_H

#include <string.h>

#include "base/mem.h"
#include "store/entry.h"

enum { GCI_SEGMENT_LINE = 64, GCI_BUCKET_SLOTS = 7, GCI_SEGMENT_GRADES = 64 };

struct gci_bucket {
  uint64_t tags; /* byte i: of slots[i], 0: free; byte 7: two counts of entries passed on */
  struct gci_entry *slots[GCI_BUCKET_SLOTS];
};

_Static_assert(sizeof(struct gci_bucket) == GCI_SEGMENT_LINE, "one cache line");

struct gci_segment {
  void *block; /* the segment begins at its first cache line */
  uint32_t grade;
  uint32_t depth; /* leading bits of the hash that all entries share */
  uint32_t n_entries;
  uint32_t n_upper; /* entries whose next bit is 1 */
  _Alignas(GCI_SEGMENT_LINE) struct gci_bucket buckets[];
};

_Static_assert(sizeof(struct gci_segment) == GCI_SEGMENT_LINE, "one cache line");

extern const uint32_t gci_segment_sizes[GCI_SEGMENT_GRADES]; /* buckets, by grade */
extern const struct gci_bucket gci_bucket_of_nobody;         /* stands for an empty segment */

/* The least grade that has slots to spare for n_entries. */
uint32_t gci_segment_grade_for(uint32_t n_entries);
size_t gci_segment_cost(uint32_t grade); /* gci_mem_cost(); 0 for grade 0 */

/* NULL: they are gci_bucket_of_nobody. */
static inline struct gci_segment *gci_segment_of_buckets(const struct gci_bucket *buckets) {
  if (buckets == &gci_bucket_of_nobody) return NULL;
  return (struct gci_segment *)((uintptr_t)buckets - offsetof(struct gci_segment, buckets));
}

/* Empty. NULL: no memory. */
struct gci_segment *gci_segment_new(struct gci_mem *mem, uint32_t grade, uint32_t depth);
void gci_segment_free(struct gci_mem *mem, struct gci_segment *segment);

/* There must be a free slot; entry->hash is set. */
void gci_segment_add(struct gci_segment *segment, uint8_t tag, struct gci_entry *entry);
/* It must be in. */
void gci_segment_remove(struct gci_segment *segment, struct gci_entry *entry);
/* All entries move to `lower`, or by the next bit of their hash to `lower` or `upper`. */
void gci_segment_move(const struct gci_segment *from, struct gci_segment *lower,
                      struct gci_segment *upper);

/* ---- a search ---- */

static inline uint8_t gci_tag_of(uint64_t hash) {
  uint8_t tag = (uint8_t)hash;
  return tag + (tag == 0);
}

/* The top bit of every slot's byte that equals tag; perhaps also of some bytes above one that does,
 * but the lowest is always right. */
static inline uint64_t gci_bucket_match(uint64_t tags, uint8_t tag) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t differ = tags ^ (ones * tag);
  return (differ - ones) & ~differ & UINT64_C(0x0080808080808080);
}

static inline unsigned gci_bucket_first(uint64_t matches) {
  return (unsigned)__builtin_ctzll(matches) / 8;
}

static inline unsigned gci_bucket_passed_on(uint64_t tags, uint8_t tag) {
  return (unsigned)(tags >> (56 + 4 * (tag & 1u))) & 15;
}

/* The first bits of `place` are the same in a whole segment; those of the product depend on all
 * that follow. */
static inline size_t gci_segment_home(size_t n_buckets, uint32_t place) {
  return (size_t)((uint64_t)(place * UINT32_C(0x9e3779b1)) * n_buckets >> 32);
}

static inline uint64_t gci_word_at(const void *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Two overlapping words cover them. */
static inline int gci_same_8_to_16(const unsigned char *a, const unsigned char *b, size_t len) {
  uint64_t head = gci_word_at(a) ^ gci_word_at(b);
  return (head | (gci_word_at(a + len - 8) ^ gci_word_at(b + len - 8))) == 0;
}

/* The complete search. */
struct gci_entry *gci_segment_search(const struct gci_bucket *buckets, size_t n_buckets,
                                     gcache_bytes_t key, uint32_t place, uint8_t tag);

/* What nearly every search finds, for a key of 8 to 16 bytes: the first entry with its tag in its
 * first bucket. NULL: not known. */
static inline struct gci_entry *gci_bucket_probe(const struct gci_bucket *bucket,
                                                 gcache_bytes_t key, uint8_t tag) {
  uint64_t matches = gci_bucket_match(bucket->tags, tag);
  if (matches == 0) return NULL;
  struct gci_entry *entry = bucket->slots[gci_bucket_first(matches)];
  if (entry->key_len != key.len) return NULL;
  return gci_same_8_to_16(entry->key, key.base, key.len) ? entry : NULL;
}

#endif
