/* store/table - see table.h.
 *
 * A segment of depth d stands in all slots of the directory that begin with its d bits. A new
 * segment has the depth of the directory. */
#include "store/table.h"

#include <assert.h>
#include <uv.h>

enum {
  FULL = 6,   /* entries per bucket, on average, at which a segment grows */
  SPARSE = 2, /* below this it is rebuilt smaller */
  SPLIT = 24, /* a grade that is split instead of grown */
  MAX_DEPTH = 20,
  LEAST_SHARE = 128 /* entries per slot of the directory, on average, below which it is not
                     * doubled */
};

/* ---- the directory ---- */

static size_t slot_index(const struct gci_table *table, uint32_t place) {
  return gci_table_slot_index(table, place);
}

/* NULL: it is empty. */
static struct gci_segment *segment_of(const struct gci_table *table, uint32_t place) {
  return gci_segment_of_buckets(table->slots[slot_index(table, place)].buckets);
}

static size_t directory_size(unsigned depth) {
  return sizeof(struct gci_table_slot) << depth;
}

static size_t directory_cost(unsigned depth) {
  return depth == 0 ? 0 : gci_mem_cost(directory_size(depth));
}

static const struct gci_table_slot no_segment = {&gci_bucket_of_nobody, 1};

/* Sets all slots that begin with the first `depth` bits of `place`. NULL: no segment. */
static void install(struct gci_table *table, uint32_t place, unsigned depth,
                    struct gci_segment *segment) {
  size_t count = (size_t)1 << (table->depth - depth);
  size_t first = slot_index(table, place) & ~(count - 1);
  struct gci_table_slot slot = no_segment;
  if (segment != NULL)
    slot = (struct gci_table_slot){segment->buckets, gci_segment_sizes[segment->grade]};
  for (size_t i = 0; i < count; i++)
    table->slots[first + i] = slot;
}

static void free_directory(struct gci_table *table) {
  if (table->depth > 0) gci_mem_free(table->mem, table->slots, directory_size(table->depth));
  table->bytes -= directory_cost(table->depth);
}

static void set_directory(struct gci_table *table, struct gci_table_slot *slots, unsigned depth) {
  table->slots = slots;
  table->depth = depth;
  table->shift = 32 - depth;
}

static int double_directory(struct gci_table *table) {
  size_t n = (size_t)1 << table->depth;
  struct gci_table_slot *slots = gci_mem_alloc(table->mem, directory_size(table->depth + 1));
  if (slots == NULL) return UV_ENOMEM;
  for (size_t i = 0; i < n; i++)
    slots[2 * i] = slots[2 * i + 1] = table->slots[i];
  free_directory(table);
  set_directory(table, slots, table->depth + 1);
  table->bytes += directory_cost(table->depth);
  return 0;
}

/* ---- the table ---- */

void gci_table_init(struct gci_table *table, struct gci_mem *mem) {
  *table = (struct gci_table){.mem = mem, .only = no_segment};
  set_directory(table, &table->only, 0);
}

void gci_table_fini(struct gci_table *table) {
  assert(table->n_entries == 0 && table->bytes == 0);
  (void)table;
}

size_t gci_table_least_bytes(void) {
  return gci_segment_cost(1);
}

struct gci_entry *gci_table_find(const struct gci_table *table, gcache_bytes_t key, uint64_t hash) {
  uint32_t place = gci_table_place(hash);
  const struct gci_table_slot *slot = &table->slots[slot_index(table, place)];
  return gci_segment_search(slot->buckets, slot->n_buckets, key, place, gci_tag_of(hash));
}

/* The empty asm keeps a compiler that sees the whole program from assuming that these functions
 * have no effect, and dropping their calls (GCC 12 with -flto does). */
void gci_table_fetch_bucket(const struct gci_table *table, uint64_t hash) {
  __builtin_prefetch(gci_table_home(table, gci_table_place(hash)));
  __asm__ volatile("");
}

void gci_table_fetch_entry(const struct gci_table *table, uint64_t hash) {
  const struct gci_bucket *bucket = gci_table_home(table, gci_table_place(hash));
  uint64_t matches = gci_bucket_match(bucket->tags, gci_tag_of(hash));
  for (; matches != 0; matches &= matches - 1) {
    uintptr_t entry = (uintptr_t)bucket->slots[gci_bucket_first(matches)];
    __builtin_prefetch((const void *)(entry + offsetof(struct gci_entry, head)));
    __builtin_prefetch((const void *)(entry + offsetof(struct gci_entry, key)));
  }
  __asm__ volatile("");
}

/* ---- growing ---- */

static int is_full(const struct gci_segment *segment) {
  return segment == NULL ||
         segment->n_entries >= FULL * (uint64_t)gci_segment_sizes[segment->grade];
}

/* Keeps the directory in proportion to the entries, whatever their hashes. */
static int can_split(const struct gci_table *table, const struct gci_segment *segment) {
  if (segment == NULL || segment->grade < SPLIT) return 0;
  if (segment->depth < table->depth) return 1;
  return table->depth < MAX_DEPTH && (size_t)2 << table->depth <= table->n_entries / LEAST_SHARE;
}

static uint32_t grown(const struct gci_segment *segment) {
  if (segment == NULL) return 1;
  return segment->grade < GCI_SEGMENT_GRADES - 1 ? segment->grade + 1 : segment->grade;
}

static uint32_t half_grade(uint32_t n_entries) {
  return n_entries == 0 ? 0 : gci_segment_grade_for(n_entries);
}

size_t gci_table_growth(const struct gci_table *table, uint64_t hash) {
  const struct gci_segment *segment = segment_of(table, gci_table_place(hash));
  if (!is_full(segment)) return 0;
  if (!can_split(table, segment)) return gci_segment_cost(grown(segment));
  size_t halves = gci_segment_cost(half_grade(segment->n_entries - segment->n_upper)) +
                  gci_segment_cost(half_grade(segment->n_upper));
  return halves + (segment->depth < table->depth ? 0 : directory_cost(table->depth + 1));
}

/* Counts it. NULL with grade 0 too. */
static struct gci_segment *new_segment(struct gci_table *table, uint32_t grade, unsigned depth) {
  struct gci_segment *segment = grade == 0 ? NULL : gci_segment_new(table->mem, grade, depth);
  if (segment != NULL) table->bytes += gci_segment_cost(grade);
  return segment;
}

static void free_segment(struct gci_table *table, struct gci_segment *segment) {
  if (segment == NULL) return;
  table->bytes -= gci_segment_cost(segment->grade);
  gci_segment_free(table->mem, segment);
}

static int rebuild(struct gci_table *table, uint32_t place, uint32_t grade) {
  struct gci_segment *old = segment_of(table, place);
  unsigned depth = old == NULL ? table->depth : old->depth;
  struct gci_segment *fresh = new_segment(table, grade, depth);
  if (fresh == NULL) return UV_ENOMEM;
  if (old != NULL) gci_segment_move(old, fresh, fresh);
  install(table, place, depth, fresh);
  free_segment(table, old);
  return 0;
}

static int split(struct gci_table *table, uint32_t place) {
  struct gci_segment *old = segment_of(table, place);
  uint32_t n_lower = old->n_entries - old->n_upper, next_bit = UINT32_C(1) << (31 - old->depth);
  if (old->depth == table->depth && double_directory(table) != 0) return UV_ENOMEM;
  struct gci_segment *lower = new_segment(table, half_grade(n_lower), old->depth + 1);
  struct gci_segment *upper = new_segment(table, half_grade(old->n_upper), old->depth + 1);
  if ((lower == NULL && n_lower > 0) || (upper == NULL && old->n_upper > 0)) {
    free_segment(table, lower);
    free_segment(table, upper);
    return UV_ENOMEM;
  }
  gci_segment_move(old, lower, upper);
  install(table, place & ~next_bit, old->depth + 1, lower);
  install(table, place | next_bit, old->depth + 1, upper);
  free_segment(table, old);
  return 0;
}

int gci_table_grow(struct gci_table *table, uint64_t hash) {
  uint32_t place = gci_table_place(hash);
  struct gci_segment *segment = segment_of(table, place);
  return can_split(table, segment) ? split(table, place) : rebuild(table, place, grown(segment));
}

int gci_table_insert(struct gci_table *table, struct gci_entry *entry, uint64_t hash) {
  uint32_t place = gci_table_place(hash);
  struct gci_segment *segment = segment_of(table, place);
  if (segment == NULL ||
      segment->n_entries == GCI_BUCKET_SLOTS * (uint64_t)gci_segment_sizes[segment->grade])
    return UV_ENOMEM;
  entry->hash = place;
  gci_segment_add(segment, gci_tag_of(hash), entry);
  table->n_entries++;
  return 0;
}

/* ---- shrinking ---- */

static void forget_directory(struct gci_table *table) {
  free_directory(table);
  table->only = no_segment;
  set_directory(table, &table->only, 0);
}

void gci_table_remove(struct gci_table *table, struct gci_entry *entry) {
  struct gci_segment *segment = segment_of(table, entry->hash);
  gci_segment_remove(segment, entry);
  table->n_entries--;
  if (segment->n_entries > 0) return;
  install(table, entry->hash, segment->depth, NULL);
  free_segment(table, segment);
  if (table->n_entries == 0) forget_directory(table);
}

void gci_table_clear(struct gci_table *table) {
  size_t n = (size_t)1 << table->depth, i = 0;
  while (i < n) {
    struct gci_segment *segment = gci_segment_of_buckets(table->slots[i].buckets);
    i += segment == NULL ? 1 : (size_t)1 << (table->depth - segment->depth);
    free_segment(table, segment);
  }
  table->n_entries = 0;
  forget_directory(table);
}

void gci_table_shrink(struct gci_table *table, uint32_t place, size_t room) {
  struct gci_segment *segment = segment_of(table, place);
  if (segment == NULL || segment->grade == 1) return;
  if (segment->n_entries >= SPARSE * (uint64_t)gci_segment_sizes[segment->grade]) return;
  uint32_t grade = gci_segment_grade_for(segment->n_entries);
  if (gci_segment_cost(grade) <= room) rebuild(table, place, grade);
}
