/* Unit test of store/table, against an array of flags; its bytes against the allocator's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "costed.h"
#include "oom.h"
#include "random.h"
#include "store/segment.h"
#include "store/table.h"

enum { N = 700, MANY = 200000 };

/* How the hash of a key is chosen. */
enum hashing {
  STRONG,
  ONE,        /* the same for all keys */
  ONE_TAG,    /* different places, one tag */
  ONE_BUCKET, /* one place, different tags */
  FEW,        /* sixteen hashes, two of them at the very ends */
  HASHINGS
};

struct world {
  struct costed costed;
  struct gci_mem *mem;
  struct gci_table table;
  enum hashing hashing;
  struct gci_entry *entries[N]; /* NULL: not in */
};

/* Keys of all lengths up to 300, the empty one among them; they begin alike and contain NULs. */
static gcache_bytes_t key_of(size_t i, char buffer[400]) {
  size_t len = i < 300 ? i : i % 50 + 4;
  memset(buffer, 0, 400);
  if (i >= 300) memcpy(buffer + len - 4, &i, 4);
  return gcache_bytes(buffer, len);
}

static uint64_t hash_of(enum hashing hashing, gcache_bytes_t key) {
  uint64_t h = gci_hash_shared(key, 1);
  switch (hashing) {
  case ONE:
    return UINT64_C(0x123456789abcdef0);
  case ONE_TAG:
    return h | 0xff;
  case ONE_BUCKET:
    return h & UINT32_MAX;
  case FEW:
    return h % 16 == 0 ? 0 : h % 16 == 1 ? UINT64_MAX : (h % 16) * UINT64_C(0x1111111111111111);
  default:
    return h;
  }
}

static struct gci_entry *entry_new(gcache_bytes_t key) {
  struct gci_entry *entry = malloc(sizeof *entry + key.len);
  memset(entry, 0xa5, sizeof *entry);
  entry->key_len = (uint32_t)key.len;
  if (key.len > 0) memcpy(entry->key, key.base, key.len);
  return entry;
}

/* Grows where it must, within what it said it would take. */
static void make_way(struct gci_table *table, struct costed *costed, uint64_t hash) {
  size_t growth = gci_table_growth(table, hash);
  if (growth == 0) return;
  costed->most = costed->now;
  size_t before = costed->now;
  assert_int_equal(gci_table_grow(table, hash), 0);
  assert_true(costed->most > before && costed->most <= before + growth);
  assert_int_equal(gci_table_growth(table, hash), 0);
}

static void put(struct world *w, size_t i) {
  char buffer[400];
  gcache_bytes_t key = key_of(i, buffer);
  uint64_t hash = hash_of(w->hashing, key);
  w->entries[i] = entry_new(key);
  make_way(&w->table, &w->costed, hash);
  assert_int_equal(gci_table_insert(&w->table, w->entries[i], hash), 0);
}

static void drop(struct world *w, size_t i, size_t room) {
  uint32_t place = w->entries[i]->hash;
  gci_table_remove(&w->table, w->entries[i]);
  free(w->entries[i]);
  w->entries[i] = NULL;
  w->costed.most = w->costed.now;
  size_t before = w->costed.now;
  gci_table_shrink(&w->table, place, room);
  assert_true(w->costed.most - before <= room);
  assert_true(w->costed.now <= before);
}

static void check_one(const struct world *w, size_t i) {
  char buffer[400];
  gcache_bytes_t key = key_of(i, buffer);
  assert_ptr_equal(gci_table_find(&w->table, key, hash_of(w->hashing, key)), w->entries[i]);
}

/* NULL: empty. */
static const struct gci_segment *nth_segment(const struct gci_table *table, size_t i) {
  return gci_segment_of_buckets(table->slots[i].buckets);
}

static void check_all(const struct world *w) {
  for (size_t s = 0; s < (size_t)1 << w->table.depth; s++) {
    const struct gci_segment *segment = nth_segment(&w->table, s);
    if (segment != NULL) assert_true(segment->n_entries <= 6 * gci_segment_sizes[segment->grade]);
  }
  for (size_t i = 0; i < N; i++)
    check_one(w, i);
}

static void world_init(struct world *w, enum hashing hashing) {
  memset(w, 0, sizeof *w);
  w->mem = costed_mem(&w->costed);
  w->hashing = hashing;
  gci_table_init(&w->table, w->mem);
}

static void world_fini(struct world *w) {
  for (size_t i = 0; i < N; i++) {
    if (w->entries[i] != NULL) drop(w, i, SIZE_MAX);
  }
  assert_int_equal(w->mem->blocks, 0); /* an empty table has no blocks */
  gci_table_fini(&w->table);
  assert_int_equal(w->mem->bytes, 0);
  gci_mem_unref(w->mem);
}

/* The share of keys that are in swells and ebbs, so that segments grow and shrink. */
static void use(struct world *w, uint64_t seed, int steps) {
  struct random r = {seed};
  for (int step = 0; step < steps; step++) {
    size_t i = random_below(&r, N);
    int swells = step / 2000 % 2 == 0;
    if (w->entries[i] == NULL && (swells || random_below(&r, 8) == 0))
      put(w, i);
    else if (w->entries[i] != NULL && (!swells || random_below(&r, 8) == 0))
      drop(w, i, random_below(&r, 2) == 0 ? 0 : random_below(&r, 8000));
    check_one(w, i);
    check_one(w, random_below(&r, N));
    assert_int_equal(w->table.bytes, w->costed.now);
    if (step % 500 == 0) check_all(w);
  }
}

static void random_steps_match_an_array_whatever_the_hashes(void **state) {
  static struct world w;
  (void)state;
  for (unsigned hashing = STRONG; hashing < HASHINGS; hashing++) {
    for (uint64_t seed = 0; seed < 3; seed++) {
      world_init(&w, (enum hashing)hashing);
      use(&w, hashing * 3 + seed, 16000);
      world_fini(&w);
    }
  }
}

/* What a bucket counts stands in the last byte of its first word. */
static size_t counted(const struct gci_segment *segment) {
  size_t sum = 0;
  for (uint32_t i = 0; i < gci_segment_sizes[segment->grade]; i++) {
    unsigned counts = (unsigned)(segment->buckets[i].tags >> 56);
    sum += counts % 16 + counts / 16;
  }
  return sum;
}

static void who_was_passed_on_is_counted_until_removed(void **state) {
  static struct world w;
  struct random r = {9};
  (void)state;
  world_init(&w, ONE_BUCKET);
  for (size_t i = 0; i < 20; i++)
    put(&w, i); /* all want one bucket: two buckets full, and six of the third */
  assert_int_equal(counted(nth_segment(&w.table, 0)), 7 + 2 * 6);
  for (int i = 0; i < 1000; i++) { /* no rebuild cleans up in between */
    size_t k = 1 + random_below(&r, 19);
    if (w.entries[k] == NULL)
      put(&w, k);
    else
      drop(&w, k, 0);
  }
  for (size_t i = 1; i < 20; i++) {
    if (w.entries[i] != NULL) drop(&w, i, 0);
  }
  assert_true(counted(nth_segment(&w.table, 0)) <= 3); /* entry 0 may not be where it wants to be */
  world_fini(&w);
}

static void keys_that_differ_after_a_nul_or_in_length_are_different(void **state) {
  static const char text[] = "k\0a\0b";
  static struct world w;
  (void)state;
  world_init(&w, ONE);
  struct gci_entry *entries[6];
  for (size_t len = 0; len < 6; len++) {
    assert_null(gci_table_find(&w.table, gcache_bytes(text, len), 5));
    entries[len] = entry_new(gcache_bytes(text, len));
    make_way(&w.table, &w.costed, 5);
    assert_int_equal(gci_table_insert(&w.table, entries[len], 5), 0);
  }
  assert_ptr_equal(gci_table_find(&w.table, gcache_bytes(NULL, 0), 5), entries[0]);
  assert_null(gci_table_find(&w.table, gcache_bytes("k\0b", 3), 5));
  for (size_t len = 0; len < 6; len++) {
    assert_ptr_equal(gci_table_find(&w.table, gcache_bytes(text, len), 5), entries[len]);
    assert_null(gci_table_find(&w.table, gcache_bytes(text, len), 6));
    gci_table_remove(&w.table, entries[len]);
    free(entries[len]);
  }
  world_fini(&w);
}

static uint64_t nth_hash(size_t i) {
  return gci_hash_shared(gcache_bytes(&i, sizeof i), 2);
}

static struct gci_entry *find_nth(const struct gci_table *table, size_t i) {
  return gci_table_find(table, gcache_bytes(&i, sizeof i), nth_hash(i));
}

static size_t largest_segment(const struct gci_table *table) {
  size_t largest = 0;
  for (size_t i = 0; i < (size_t)1 << table->depth; i++) {
    const struct gci_segment *segment = nth_segment(table, i);
    if (segment != NULL && segment->n_entries > largest) largest = segment->n_entries;
  }
  return largest;
}

/* From one entry to many and back: nobody is lost, no step is long, the share of each is small. */
static void it_grows_a_little_at_a_time(void **state) {
  static struct gci_entry *entries[MANY];
  struct costed costed;
  struct gci_mem *mem = costed_mem(&costed);
  struct gci_table table;
  size_t longest = 0;
  (void)state;
  gci_table_init(&table, mem);
  for (size_t i = 0; i < MANY; i++) {
    size_t growth = gci_table_growth(&table, nth_hash(i));
    if (growth > longest) longest = growth;
    make_way(&table, &costed, nth_hash(i));
    entries[i] = entry_new(gcache_bytes(&i, sizeof i));
    assert_int_equal(gci_table_insert(&table, entries[i], nth_hash(i)), 0);
    assert_ptr_equal(find_nth(&table, i * 7 / 8), entries[i * 7 / 8]);
    assert_null(find_nth(&table, i + 1));
    if (i > MANY / 2) assert_true(costed.now <= (i + 1) * 13);
  }
  assert_true(longest < 24000);
  assert_true(largest_segment(&table) <= 1344);
  for (size_t i = 0; i < MANY; i++)
    assert_ptr_equal(find_nth(&table, i), entries[i]);
  for (size_t i = 0; i < MANY; i++) {
    uint32_t place = entries[i]->hash;
    gci_table_remove(&table, entries[i]);
    free(entries[i]);
    gci_table_shrink(&table, place, 8000);
    assert_null(find_nth(&table, i));
    if (i < MANY * 9 / 10) assert_true(costed.now / (MANY - i - 1) < 40);
  }
  gci_table_fini(&table);
  assert_int_equal(costed.now, 0);
  gci_mem_unref(mem);
}

/* Hashes of which only a few bits differ: what does not part the entries does not grow for ever. */
static void the_directory_stays_in_proportion_whatever_the_hashes(void **state) {
  enum { ENTRIES = 20000 };
  static const uint64_t masks[] = {0, UINT64_C(0xc0000000000000ff), UINT64_C(0x00003fff000000ff)};
  static struct gci_entry *entries[ENTRIES];
  (void)state;
  for (size_t m = 0; m < 3; m++) {
    struct costed costed;
    struct gci_mem *mem = costed_mem(&costed);
    struct gci_table table;
    gci_table_init(&table, mem);
    for (size_t i = 0; i < ENTRIES; i++) {
      make_way(&table, &costed, nth_hash(i) & masks[m]);
      entries[i] = entry_new(gcache_bytes(&i, sizeof i));
      assert_int_equal(gci_table_insert(&table, entries[i], nth_hash(i) & masks[m]), 0);
      assert_true(costed.now <= 64 * (i + 4) && (size_t)1 << table.depth <= 1 + i / 64);
    }
    for (size_t i = 0; i < ENTRIES; i += 97) {
      gcache_bytes_t key = gcache_bytes(&i, sizeof i);
      assert_ptr_equal(gci_table_find(&table, key, nth_hash(i) & masks[m]), entries[i]);
    }
    for (size_t i = 0; i < ENTRIES; i++) {
      gci_table_remove(&table, entries[i]);
      free(entries[i]);
    }
    gci_table_fini(&table);
    assert_int_equal(costed.now, 0);
    gci_mem_unref(mem);
  }
}

static void without_memory_it_takes_what_it_has_slots_for(void **state) {
  static struct gci_entry *entries[N];
  struct oom oom;
  struct gci_table table;
  size_t n = 0;
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  gci_table_init(&table, mem);
  for (; n < N; n++) {
    if (n == 100) oom_fail_from(&oom, 1);
    entries[n] = entry_new(gcache_bytes(&n, sizeof n));
    int wants = gci_table_growth(&table, nth_hash(n)) > 0;
    int err = wants ? gci_table_grow(&table, nth_hash(n)) : 0;
    assert_int_equal(err, wants && n >= 100 ? UV_ENOMEM : 0);
    if (gci_table_insert(&table, entries[n], nth_hash(n)) != 0) break;
  }
  assert_true(n >= 100 && n < 200 && n % 7 == 0); /* every slot was used */
  assert_null(find_nth(&table, n));
  oom_heal(&oom);
  assert_int_equal(gci_table_grow(&table, nth_hash(n)), 0);
  assert_int_equal(gci_table_insert(&table, entries[n], nth_hash(n)), 0);
  for (size_t i = 0; i <= n; i++) {
    assert_ptr_equal(find_nth(&table, i), entries[i]);
    gci_table_remove(&table, entries[i]);
    free(entries[i]);
  }
  gci_table_fini(&table);
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

static void the_least_it_takes_is_what_it_takes_with_one(void **state) {
  static struct world w;
  (void)state;
  world_init(&w, STRONG);
  put(&w, 0);
  assert_int_equal(w.table.bytes, gci_table_least_bytes());
  world_fini(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_steps_match_an_array_whatever_the_hashes),
      cmocka_unit_test(who_was_passed_on_is_counted_until_removed),
      cmocka_unit_test(keys_that_differ_after_a_nul_or_in_length_are_different),
      cmocka_unit_test(it_grows_a_little_at_a_time),
      cmocka_unit_test(the_directory_stays_in_proportion_whatever_the_hashes),
      cmocka_unit_test(without_memory_it_takes_what_it_has_slots_for),
      cmocka_unit_test(the_least_it_takes_is_what_it_takes_with_one),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
