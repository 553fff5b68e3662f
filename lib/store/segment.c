/* store/segment - see segment.h. */
#include "store/segment.h"

#include <assert.h>

enum { COUNT_MAX = 15 };

/* Each is about a fifth larger than the previous one. */
const uint32_t gci_segment_sizes[GCI_SEGMENT_GRADES] = {
    0,      1,      2,      3,      4,      5,      6,      8,       10,     12,     15,
    18,     22,     27,     33,     40,     48,     58,     70,      84,     104,    128,
    160,    192,    224,    280,    350,    437,    546,    682,     852,    1065,   1331,
    1663,   2078,   2597,   3246,   4057,   5071,   6338,   7922,    9902,   12377,  15471,
    19338,  24172,  30215,  37768,  47210,  59012,  73765,  92206,   115257, 144071, 180088,
    225110, 281387, 351733, 439666, 549582, 686977, 858721, 1073401, 1341751};

const struct gci_bucket gci_bucket_of_nobody;

static uint32_t next_bit(const struct gci_segment *segment, uint32_t place) {
  return place << segment->depth >> 31;
}

/* ---- its block ---- */

static size_t block_size(uint32_t grade) {
  return (size_t)(gci_segment_sizes[grade] + 1) * GCI_SEGMENT_LINE + GCI_SEGMENT_LINE - 1;
}

uint32_t gci_segment_grade_for(uint32_t n_entries) {
  uint32_t grade = 1;
  while (grade < GCI_SEGMENT_GRADES - 1 &&
         11 * (uint64_t)gci_segment_sizes[grade] < 2 * (uint64_t)n_entries)
    grade++;
  return grade;
}

size_t gci_segment_cost(uint32_t grade) {
  return grade == 0 ? 0 : gci_mem_cost(block_size(grade));
}

struct gci_segment *gci_segment_new(struct gci_mem *mem, uint32_t grade, uint32_t depth) {
  void *block = gci_mem_zalloc(mem, block_size(grade));
  if (block == NULL) return NULL;
  uintptr_t at = ((uintptr_t)block + GCI_SEGMENT_LINE - 1) & ~(uintptr_t)(GCI_SEGMENT_LINE - 1);
  struct gci_segment *segment = (struct gci_segment *)at;
  segment->block = block;
  segment->grade = grade;
  segment->depth = depth;
  return segment;
}

void gci_segment_free(struct gci_mem *mem, struct gci_segment *segment) {
  if (segment != NULL) gci_mem_free(mem, segment->block, block_size(segment->grade));
}

/* ---- its buckets ---- */

static int entry_is(const struct gci_entry *entry, gcache_bytes_t key, uint32_t place) {
  return entry != NULL && entry->hash == place && gci_bytes_equal(gci_entry_key(entry), key);
}

struct gci_entry *gci_segment_search(const struct gci_bucket *buckets, size_t n_buckets,
                                     gcache_bytes_t key, uint32_t place, uint8_t tag) {
  size_t i = gci_segment_home(n_buckets, place);
  for (size_t looked = 0; looked < n_buckets; looked++) {
    uint64_t tags = buckets[i].tags, matches = gci_bucket_match(tags, tag);
    for (; matches != 0; matches &= matches - 1) {
      struct gci_entry *entry = buckets[i].slots[gci_bucket_first(matches)];
      if (entry_is(entry, key, place)) return entry;
    }
    if (gci_bucket_passed_on(tags, tag) == 0) return NULL;
    i = i + 1 == n_buckets ? 0 : i + 1;
  }
  return NULL;
}

static void count_one(struct gci_bucket *bucket, uint8_t tag) {
  if (gci_bucket_passed_on(bucket->tags, tag) < COUNT_MAX)
    bucket->tags += UINT64_C(1) << (56 + 4 * (tag & 1u));
}

static void uncount_one(struct gci_bucket *bucket, uint8_t tag) {
  unsigned count = gci_bucket_passed_on(bucket->tags, tag);
  assert(count > 0);
  if (count < COUNT_MAX) bucket->tags -= UINT64_C(1) << (56 + 4 * (tag & 1u));
}

static size_t after(size_t n_buckets, size_t i) {
  return i + 1 == n_buckets ? 0 : i + 1;
}

void gci_segment_add(struct gci_segment *segment, uint8_t tag, struct gci_entry *entry) {
  size_t n = gci_segment_sizes[segment->grade], i = gci_segment_home(n, entry->hash);
  uint64_t vacant;
  assert(segment->n_entries < GCI_BUCKET_SLOTS * n);
  while ((vacant = gci_bucket_match(segment->buckets[i].tags, 0)) == 0) {
    count_one(&segment->buckets[i], tag);
    i = after(n, i);
  }
  unsigned slot = gci_bucket_first(vacant);
  segment->buckets[i].tags |= (uint64_t)tag << (slot * 8);
  segment->buckets[i].slots[slot] = entry;
  segment->n_entries++;
  segment->n_upper += next_bit(segment, entry->hash);
}

static unsigned slot_of(const struct gci_bucket *bucket, const struct gci_entry *entry) {
  unsigned slot = 0;
  while (slot < GCI_BUCKET_SLOTS && bucket->slots[slot] != entry)
    slot++;
  return slot;
}

void gci_segment_remove(struct gci_segment *segment, struct gci_entry *entry) {
  size_t n = gci_segment_sizes[segment->grade];
  size_t first = gci_segment_home(n, entry->hash), i = first;
  unsigned slot;
  while ((slot = slot_of(&segment->buckets[i], entry)) == GCI_BUCKET_SLOTS) {
    i = after(n, i);
    assert(i != first);
  }
  uint8_t tag = (uint8_t)(segment->buckets[i].tags >> (slot * 8));
  segment->buckets[i].tags &= ~(UINT64_C(0xff) << (slot * 8));
  segment->buckets[i].slots[slot] = NULL;
  for (; first != i; first = after(n, first))
    uncount_one(&segment->buckets[first], tag);
  segment->n_entries--;
  segment->n_upper -= next_bit(segment, entry->hash);
}

/* The heads of the entries are spread over memory: all of a bucket are prefetched at once. */
static void fetch_ahead(const struct gci_bucket *bucket) {
  for (unsigned slot = 0; slot < GCI_BUCKET_SLOTS; slot++) {
    uintptr_t head = (uintptr_t)bucket->slots[slot]; /* harmless for a free slot */
    __builtin_prefetch((const void *)(head + offsetof(struct gci_entry, hash)));
  }
}

static void move_bucket(const struct gci_segment *from, const struct gci_bucket *bucket,
                        struct gci_segment *lower, struct gci_segment *upper) {
  for (unsigned slot = 0; slot < GCI_BUCKET_SLOTS; slot++) {
    uint8_t tag = (uint8_t)(bucket->tags >> (slot * 8));
    if (tag == 0) continue;
    struct gci_entry *entry = bucket->slots[slot];
    int goes_up = lower != upper && next_bit(from, entry->hash);
    gci_segment_add(goes_up ? upper : lower, tag, entry);
  }
}

void gci_segment_move(const struct gci_segment *from, struct gci_segment *lower,
                      struct gci_segment *upper) {
  enum { AHEAD = 2 };
  uint32_t n = gci_segment_sizes[from->grade];
  for (uint32_t i = 0; i < n + AHEAD; i++) {
    if (i < n) fetch_ahead(&from->buckets[i]);
    if (i >= AHEAD) move_bucket(from, &from->buckets[i - AHEAD], lower, upper);
  }
}
