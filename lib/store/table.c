/* store/table - see table.h.
 *
 * place * n_segments is a segment (upper 32 bits) and a position within it (lower 32 bits), which
 * in the same way gives a bucket for any number of buckets. An entry that finds its bucket full
 * goes to the next one with a free slot, and is counted in each bucket it passed over; a search
 * goes on only past a bucket that counts somebody. There are two counts a bucket, for odd and even
 * tags, so that it goes on in vain half as often. A count that has reached its end stays there
 * until the segment is rebuilt, which costs time and no more. */
#include "store/table.h"

#include <assert.h>
#include <uv.h>

enum {
  SLOTS = 7,
  FULL = 6,   /* entries a bucket, on average, with which a segment grows */
  FIT = 5,    /* with which it is built */
  SPARSE = 2, /* with less it is rebuilt smaller */
  LINE = 64
};

struct bucket {
  uint64_t tags; /* byte i: of slots[i], 0: free; byte 7: two counts of entries passed on */
  struct gci_entry *slots[SLOTS];
};

_Static_assert(sizeof(struct bucket) == LINE, "one cache line");

#define SLOT_BYTES UINT64_C(0x00ffffffffffffff)
#define LOW_BITS UINT64_C(0x7f7f7f7f7f7f7f7f)
#define COUNT_MAX 15u

static uint8_t tag_of(uint64_t hash) {
  uint8_t tag = (uint8_t)hash;
  return tag == 0 ? 1 : tag;
}

/* The top bit of every slot's byte that equals tag. */
static uint64_t match(uint64_t tags, uint8_t tag) {
  uint64_t differ = tags ^ (UINT64_C(0x0101010101010101) * tag);
  return ~(((differ & LOW_BITS) + LOW_BITS) | differ | LOW_BITS) & SLOT_BYTES;
}

static unsigned first_slot(uint64_t matches) {
  return (unsigned)__builtin_ctzll(matches) / 8;
}

static unsigned count_shift(uint8_t tag) {
  return 56 + 4 * (tag & 1u);
}

static unsigned passed_on(const struct bucket *bucket, uint8_t tag) {
  return (unsigned)(bucket->tags >> count_shift(tag)) & COUNT_MAX;
}

static void count_one(struct bucket *bucket, uint8_t tag) {
  if (passed_on(bucket, tag) < COUNT_MAX) bucket->tags += UINT64_C(1) << count_shift(tag);
}

static void uncount_one(struct bucket *bucket, uint8_t tag) {
  assert(passed_on(bucket, tag) > 0);
  if (passed_on(bucket, tag) < COUNT_MAX) bucket->tags -= UINT64_C(1) << count_shift(tag);
}

/* ---- a segment ---- */

static struct bucket *buckets_of(const struct gci_segment *segment) {
  uintptr_t at = (uintptr_t)segment->block;
  return (struct bucket *)((at + LINE - 1) & ~(uintptr_t)(LINE - 1));
}

static uint32_t home(const struct gci_segment *segment, uint32_t within) {
  return (uint32_t)((uint64_t)within * segment->n_buckets >> 32);
}

static uint32_t after(const struct gci_segment *segment, uint32_t i) {
  return i + 1 == segment->n_buckets ? 0 : i + 1;
}

/* There must be a free slot. */
static void settle(struct gci_segment *segment, uint32_t within, uint8_t tag,
                   struct gci_entry *entry) {
  struct bucket *buckets = buckets_of(segment);
  uint32_t i = home(segment, within);
  uint64_t vacant;
  while ((vacant = match(buckets[i].tags, 0)) == 0) {
    count_one(&buckets[i], tag);
    i = after(segment, i);
  }
  unsigned slot = first_slot(vacant);
  buckets[i].tags |= (uint64_t)tag << (slot * 8);
  buckets[i].slots[slot] = entry;
}

static unsigned slot_of(const struct bucket *bucket, const struct gci_entry *entry) {
  unsigned slot = 0;
  while (slot < SLOTS && bucket->slots[slot] != entry)
    slot++;
  return slot;
}

static void unsettle(struct gci_segment *segment, uint32_t within, const struct gci_entry *entry) {
  struct bucket *buckets = buckets_of(segment);
  uint32_t first = home(segment, within), i = first;
  unsigned slot;
  while ((slot = slot_of(&buckets[i], entry)) == SLOTS) {
    i = after(segment, i);
    assert(i != first);
  }
  uint8_t tag = (uint8_t)(buckets[i].tags >> (slot * 8));
  buckets[i].tags &= ~(UINT64_C(0xff) << (slot * 8));
  buckets[i].slots[slot] = NULL;
  for (; first != i; first = after(segment, first))
    uncount_one(&buckets[first], tag);
}

static size_t block_size(uint32_t n_buckets) {
  return (size_t)n_buckets * LINE + LINE - 1;
}

static uint32_t fitting(uint32_t n_entries) {
  return n_entries / FIT + 1;
}

/* ---- the table ---- */

int gci_table_init(struct gci_table *table, struct gci_mem *mem, uint32_t n_segments) {
  size_t size = n_segments * sizeof *table->segments;
  assert(n_segments > 0 && n_segments <= GCI_TABLE_MAX_SEGMENTS);
  struct gci_segment *segments = gci_mem_zalloc(mem, size);
  if (segments == NULL) return UV_ENOMEM;
  *table = (struct gci_table){mem, segments, n_segments, gci_mem_cost(size)};
  return 0;
}

void gci_table_fini(struct gci_table *table) {
  size_t size = table->n_segments * sizeof *table->segments;
  assert(table->bytes == gci_mem_cost(size));
  gci_mem_free(table->mem, table->segments, size);
}

static struct gci_segment *segment_of(const struct gci_table *table, uint32_t place) {
  return &table->segments[(uint64_t)place * table->n_segments >> 32];
}

static uint32_t within(const struct gci_table *table, uint32_t place) {
  return place * table->n_segments;
}

struct gci_entry *gci_table_find(const struct gci_table *table, gcache_bytes_t key, uint64_t hash) {
  uint32_t place = gci_table_place(hash);
  uint8_t tag = tag_of(hash);
  const struct gci_segment *segment = segment_of(table, place);
  const struct bucket *buckets = buckets_of(segment);
  uint32_t i = home(segment, within(table, place));
  for (uint32_t looked = 0; looked < segment->n_buckets; looked++) {
    uint64_t matches = match(buckets[i].tags, tag);
    for (; matches != 0; matches &= matches - 1) {
      struct gci_entry *entry = buckets[i].slots[first_slot(matches)];
      if (entry->hash == place && gci_bytes_equal(gci_entry_key(entry), key)) return entry;
    }
    if (passed_on(&buckets[i], tag) == 0) return NULL;
    i = after(segment, i);
  }
  return NULL;
}

size_t gci_table_growth(const struct gci_table *table, uint64_t hash) {
  const struct gci_segment *segment = segment_of(table, gci_table_place(hash));
  if (segment->n_entries < FULL * segment->n_buckets) return 0;
  return gci_mem_cost(block_size(fitting(segment->n_entries)));
}

static void free_block(struct gci_table *table, struct gci_segment *segment) {
  if (segment->block == NULL) return;
  size_t size = block_size(segment->n_buckets);
  gci_mem_free(table->mem, segment->block, size);
  table->bytes -= gci_mem_cost(size);
}

/* The heads of the entries are spread over memory: all of a bucket are asked for at once. */
static void fetch_ahead(const struct bucket *bucket) {
  for (unsigned slot = 0; slot < SLOTS; slot++) {
    uintptr_t head = (uintptr_t)bucket->slots[slot]; /* of nothing, in a free slot */
    __builtin_prefetch((const void *)(head + offsetof(struct gci_entry, hash)));
  }
}

static void move_all(const struct gci_table *table, struct gci_segment *to,
                     const struct gci_segment *from) {
  const struct bucket *buckets = buckets_of(from);
  for (uint32_t i = 0; i < from->n_buckets; i++) {
    if (i + 1 < from->n_buckets) fetch_ahead(&buckets[i + 1]);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
      uint8_t tag = (uint8_t)(buckets[i].tags >> (slot * 8));
      struct gci_entry *entry = buckets[i].slots[slot];
      if (tag != 0) settle(to, within(table, entry->hash), tag, entry);
    }
  }
}

static int rebuild(struct gci_table *table, struct gci_segment *segment) {
  struct gci_segment fresh = {NULL, fitting(segment->n_entries), segment->n_entries};
  size_t size = block_size(fresh.n_buckets);
  fresh.block = gci_mem_zalloc(table->mem, size);
  if (fresh.block == NULL) return UV_ENOMEM;
  table->bytes += gci_mem_cost(size);
  move_all(table, &fresh, segment);
  free_block(table, segment);
  *segment = fresh;
  return 0;
}

int gci_table_grow(struct gci_table *table, uint64_t hash) {
  return rebuild(table, segment_of(table, gci_table_place(hash)));
}

int gci_table_insert(struct gci_table *table, struct gci_entry *entry, uint64_t hash) {
  uint32_t place = gci_table_place(hash);
  struct gci_segment *segment = segment_of(table, place);
  if (segment->n_entries == SLOTS * segment->n_buckets) return UV_ENOMEM;
  entry->hash = place;
  settle(segment, within(table, place), tag_of(hash), entry);
  segment->n_entries++;
  return 0;
}

void gci_table_remove(struct gci_table *table, struct gci_entry *entry) {
  struct gci_segment *segment = segment_of(table, entry->hash);
  unsettle(segment, within(table, entry->hash), entry);
  if (--segment->n_entries > 0) return;
  free_block(table, segment);
  *segment = (struct gci_segment){NULL, 0, 0};
}

void gci_table_shrink(struct gci_table *table, uint32_t place, size_t room) {
  struct gci_segment *segment = segment_of(table, place);
  if (segment->n_buckets < 2 || segment->n_entries >= SPARSE * segment->n_buckets) return;
  if (gci_mem_cost(block_size(fitting(segment->n_entries))) <= room) rebuild(table, segment);
}

size_t gci_table_least_bytes(const struct gci_table *table) {
  return gci_mem_cost(table->n_segments * sizeof *table->segments) +
         gci_mem_cost(block_size(fitting(0)));
}
