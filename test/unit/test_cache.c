/* Unit test of store/cache: one sentence of cache.h at a time. Random operations against a model
 * are in test_cache_model.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/value.h"
#include "costed.h"
#include "store/cache.h"
#include "store/hit.h"

#define SECOND INT64_C(1000000000)
#define NOW (INT64_C(1763700000) * SECOND)

struct world {
  struct costed costed;
  struct gci_mem *mem;
  struct gci_cache *cache;
};

static int open_with(void **state, size_t max_bytes, gcache_policy_t policy) {
  struct world *w = calloc(1, sizeof *w);
  w->mem = costed_mem(&w->costed);
  assert_int_equal(gci_cache_open(&w->cache, w->mem, max_bytes, 8, policy), 0);
  *state = w;
  return 0;
}

static int open_small(void **state) {
  return open_with(state, GCI_CACHE_MIN_BYTES, GCACHE_POLICY_LRU);
}

static int open_small_default(void **state) {
  return open_with(state, GCI_CACHE_MIN_BYTES, GCACHE_POLICY_DEFAULT);
}

static int open_large(void **state) {
  return open_with(state, 64 << 20, GCACHE_POLICY_LRU);
}

static int open_large_default(void **state) {
  return open_with(state, 64 << 20, GCACHE_POLICY_DEFAULT);
}

static int close_cache(void **state) {
  struct world *w = *state;
  gci_cache_close(w->cache);
  assert_int_equal(w->mem->bytes, 0);
  assert_int_equal(w->mem->blocks, 0);
  gci_mem_unref(w->mem);
  free(w);
  return 0;
}

static uint64_t hash_of(gcache_bytes_t key) {
  return gci_hash_shared(key, 0);
}

static int put_value(struct world *w, enum gci_side side, gcache_bytes_t key,
                     gcache_value_t *value) {
  int err = gci_cache_put(w->cache, side, key, hash_of(key), value, NOW);
  assert_true(gci_cache_bytes(w->cache) <= w->costed.now);
  gcache_value_unref(value);
  assert_int_equal(gci_cache_bytes(w->cache), w->costed.now);
  return err;
}

static int put(struct world *w, enum gci_side side, size_t k, size_t len) {
  gcache_value_t *value = gci_value_block(w->mem, len);
  memset(gci_value_fill(value), (int)k & 0xff, len);
  return put_value(w, side, gcache_bytes(&k, sizeof k), value);
}

static gcache_value_t *get_at(struct world *w, gcache_bytes_t key, int64_t now) {
  enum gci_side side;
  return gci_cache_get(w->cache, key, hash_of(key), now, &side);
}

/* -1: in neither. */
static int where(struct world *w, size_t k) {
  enum gci_side side;
  gcache_bytes_t key = gcache_bytes(&k, sizeof k);
  return gci_cache_get(w->cache, key, hash_of(key), NOW, &side) == NULL ? -1 : (int)side;
}

static gcache_cache_stats_t stats(struct world *w, enum gci_side side) {
  gcache_cache_stats_t out;
  gci_cache_stats(w->cache, side, &out);
  return out;
}

static void on_freed(void *arg) {
  ++*(int *)arg;
}

/* ---- what is kept ---- */

static void a_long_value_is_kept_itself_and_a_hit_says_its_side(void **state) {
  struct world *w = *state;
  gcache_value_t *value = gci_value_block(w->mem, GCI_LODGE_MAX_LEN + 1);
  gcache_bytes_t key = gcache_cstr("key");
  enum gci_side side = GCI_MAIN;
  assert_int_equal(gci_cache_put(w->cache, GCI_HOT, key, hash_of(key), value, NOW), 0);
  assert_ptr_equal(gci_cache_get(w->cache, key, hash_of(key), NOW, &side), value);
  assert_int_equal(side, GCI_HOT);
  gcache_value_unref(value);
  assert_int_equal(gci_cache_remove(w->cache, key, hash_of(key)), 1);
  assert_int_equal(gci_cache_remove(w->cache, key, hash_of(key)), 0);
  assert_null(gci_cache_get(w->cache, key, hash_of(key), NOW, &side));
}

static void a_key_is_on_one_side_only(void **state) {
  struct world *w = *state;
  static const enum gci_side sides[] = {GCI_MAIN, GCI_HOT, GCI_HOT, GCI_MAIN, GCI_MAIN};
  for (size_t i = 0; i < 5; i++) {
    assert_int_equal(put(w, sides[i], 1, 100 * i), 0);
    assert_int_equal(where(w, 1), sides[i]);
    assert_int_equal(stats(w, GCI_MAIN).items, sides[i] == GCI_MAIN);
    assert_int_equal(stats(w, GCI_HOT).items, sides[i] == GCI_HOT);
    assert_int_equal(stats(w, sides[i] == GCI_MAIN ? GCI_HOT : GCI_MAIN).bytes, 0);
  }
  assert_int_equal(stats(w, GCI_MAIN).evictions + stats(w, GCI_HOT).evictions, 0);
}

static void a_hit_put_back_under_its_key_stays_alive(void **state) {
  struct world *w = *state;
  size_t k = 7;
  gcache_bytes_t key = gcache_bytes(&k, sizeof k);
  assert_int_equal(put(w, GCI_HOT, k, 50), 0);
  gcache_value_t *borrowed = get_at(w, key, NOW);
  assert_int_equal(gci_cache_put(w->cache, GCI_MAIN, key, hash_of(key), borrowed, NOW), 0);
  assert_int_equal(where(w, k), GCI_MAIN);
  assert_int_equal(((const char *)gcache_value_bytes(get_at(w, key, NOW)).base)[49], 7);
}

static void a_value_in_use_outlives_its_eviction_and_the_cache(void **state) {
  struct world *w = *state;
  static const size_t lens[] = {0, 50, GCI_LODGE_MAX_LEN, GCI_LODGE_MAX_LEN + 1};
  for (size_t i = 0; i < 8; i++) {
    size_t len = lens[i / 2];
    int64_t expire = i % 2 == 0 ? GCACHE_NEVER : NOW + 100;
    gcache_value_t *fresh = gci_value_block(w->mem, len);
    memset(gci_value_fill(fresh), 7, len);
    gci_value_set_expire(fresh, expire);
    assert_int_equal(put_value(w, GCI_MAIN, GCI_LIT("k"), fresh), 0);
    gcache_value_t *value = gcache_value_ref(get_at(w, GCI_LIT("k"), NOW));
    gci_cache_clear(w->cache);
    assert_null(get_at(w, GCI_LIT("k"), NOW));
    assert_true(gci_cache_bytes(w->cache) < w->costed.now);
    assert_true(gcache_value_expire(value) == expire);
    assert_int_equal(gcache_value_bytes(value).len, len);
    for (size_t at = 0; at < len; at++)
      assert_int_equal(((const char *)gcache_value_bytes(value).base)[at], 7);
    gcache_value_unref(value);
    assert_int_equal(gci_cache_bytes(w->cache), w->costed.now);
  }
}

static void a_short_value_is_copied_and_what_it_stood_in_is_given_back(void **state) {
  struct world *w = *state;
  char theirs[] = "their";
  int freed = 0;
  gcache_bytes_t bytes = gcache_bytes(theirs, 5);
  gcache_value_t *wrapped = gci_value_wrap(w->mem, bytes, GCACHE_NEVER, on_freed, &freed);
  assert_int_equal(put_value(w, GCI_MAIN, GCI_LIT("k"), wrapped), 0);
  assert_int_equal(freed, 1);
  memset(theirs, 'x', 5);
  assert_memory_equal(gcache_value_bytes(get_at(w, GCI_LIT("k"), NOW)).base, "their", 5);
}

/* The key is between the head and the bytes, which reach only so far from it. */
static void a_short_value_with_a_long_key_is_kept(void **state) {
  struct world *w = *state;
  static char longest[70000];
  static const size_t lens[] = {65518, 65519, 65520, 65536, sizeof longest};
  for (size_t i = 0; i < 5; i++) {
    gcache_bytes_t key = gcache_bytes(longest, lens[i]);
    gcache_value_t *value = gci_value_copy(w->mem, GCI_LIT("short"), NOW + 100);
    assert_int_equal(put_value(w, GCI_MAIN, key, value), 0);
    assert_memory_equal(gcache_value_bytes(get_at(w, key, NOW)).base, "short", 5);
    gci_cache_clear(w->cache);
  }
}

/* ---- the budget ---- */

static void a_value_too_large_goes_nowhere_and_evicts_its_own_old_one_only(void **state) {
  struct world *w = *state;
  size_t n = 0;
  while (stats(w, GCI_MAIN).evictions == 0)
    assert_int_equal(put(w, GCI_MAIN, n++, 300), 0);
  uint64_t items = stats(w, GCI_MAIN).items;
  assert_int_equal(put(w, GCI_MAIN, n - 1, GCI_CACHE_MIN_BYTES), GCACHE_ENOROOM);
  assert_int_equal(put(w, GCI_HOT, n, 1 << 22), GCACHE_ENOROOM);
  assert_int_equal(where(w, n - 1), -1);
  assert_int_equal(where(w, n), -1);
  assert_int_equal(stats(w, GCI_MAIN).items, items - 1);
  assert_int_equal(stats(w, GCI_MAIN).evictions, 1);
}

static void the_largest_value_that_is_not_refused_is_kept_whatever_was_there(void **state) {
  struct world *w = *state;
  size_t low = 0, high = GCI_CACHE_MIN_BYTES;
  while (high - low > 1) { /* put() says which lengths can be kept */
    size_t middle = (low + high) / 2;
    gci_cache_clear(w->cache);
    *(put(w, GCI_MAIN, 1, middle) == 0 ? &low : &high) = middle;
  }
  assert_true(low > GCI_CACHE_MIN_BYTES * 9 / 10);
  gci_cache_clear(w->cache);
  assert_int_equal(put(w, GCI_MAIN, 1, low), 0);
  assert_int_equal(gci_cache_bytes(w->cache), GCI_CACHE_MIN_BYTES); /* both are multiples of 16 */
  for (size_t k = 2; k < 2000; k++)
    assert_int_equal(put(w, k % 3 == 0 ? GCI_HOT : GCI_MAIN, k, k % 90), 0);
  assert_int_equal(put(w, GCI_HOT, 1, low), 0);
  assert_int_equal(where(w, 1), GCI_HOT);
  assert_int_equal(stats(w, GCI_MAIN).items, 0);
  assert_int_equal(put(w, GCI_HOT, 1, high), GCACHE_ENOROOM);
}

static void the_hot_cache_gives_way_while_it_is_over_its_share(void **state) {
  struct world *w = *state;
  size_t k = 0;
  for (; stats(w, GCI_MAIN).evictions == 0; k++)
    assert_int_equal(put(w, GCI_MAIN, k, 100), 0);
  uint64_t evicted = stats(w, GCI_MAIN).evictions;
  for (size_t i = 0; i < 2000; i++)
    assert_int_equal(put(w, GCI_HOT, k++, 100), 0);
  /* hot grew to an eighth of main at main's cost, then only at its own */
  gcache_cache_stats_t main = stats(w, GCI_MAIN), hot = stats(w, GCI_HOT);
  assert_true(hot.bytes <= main.bytes / 8 + 200 && hot.bytes + 600 >= main.bytes / 8);
  assert_true(main.evictions - evicted < main.items / 6);
  for (size_t i = 0; i < 2000; i++)
    assert_int_equal(put(w, GCI_MAIN, k++, 100), 0);
  assert_true(stats(w, GCI_HOT).bytes <= stats(w, GCI_MAIN).bytes / 8 + 200);
  assert_true(stats(w, GCI_HOT).items > 0); /* main does not crowd hot out either */
}

static void the_oldest_leave_first_and_a_hit_makes_young(void **state) {
  struct world *w = *state;
  assert_int_equal(put(w, GCI_MAIN, 0, 200), 0);
  for (size_t k = 1; k < 3000; k++) {
    assert_int_equal(put(w, GCI_MAIN, k, 200), 0);
    assert_int_equal(where(w, 0), GCI_MAIN);
  }
  assert_int_equal(where(w, 2999), GCI_MAIN);
  assert_int_equal(where(w, 1), -1);
}

static void an_entry_with_a_short_value_costs_one_block_and_sixteen_bytes_of_index(void **state) {
  struct world *w = *state;
  size_t n = 100000;
  for (size_t k = 0; k < n; k++)
    assert_int_equal(put(w, GCI_MAIN, k, 100), 0);
  assert_int_equal(stats(w, GCI_MAIN).items, n);
  assert_int_equal(stats(w, GCI_MAIN).bytes, n * gci_mem_cost(32 + 8 + 100));
  assert_true(gci_cache_index_bytes(w->cache) / n < 16);
}

static void clear_gives_the_memory_back(void **state) {
  struct world *w = *state;
  size_t empty = gci_cache_bytes(w->cache);
  for (size_t k = 0; k < 50000; k++)
    assert_int_equal(put(w, k % 2 == 0 ? GCI_MAIN : GCI_HOT, k, 100), 0);
  size_t items = stats(w, GCI_MAIN).items + stats(w, GCI_HOT).items, calls = 1;
  for (int more = gci_cache_clear(w->cache); more; calls++)
    more = gci_cache_shrink(w->cache);
  assert_in_range(calls, items / 512, items / 512 + 1);
  assert_int_equal(gci_cache_bytes(w->cache), empty);
  assert_int_equal(stats(w, GCI_MAIN).items + stats(w, GCI_HOT).items, 0);
  assert_true(gci_cache_due(w->cache) == INT64_MAX);
}

static void hot_cache_is_emptied_in_steps_and_the_main_cache_stays(void **state) {
  struct world *w = *state;
  for (size_t k = 0; k < 3000; k++)
    assert_int_equal(put(w, k % 2 == 0 ? GCI_MAIN : GCI_HOT, k, 10), 0);
  uint64_t hot = stats(w, GCI_HOT).items, main_items = stats(w, GCI_MAIN).items, calls = 1;
  assert_int_equal(gci_cache_drop_hot(w->cache), hot);
  assert_int_equal(stats(w, GCI_HOT).items, hot);
  while (gci_cache_shrink(w->cache))
    calls++;
  assert_in_range(calls, hot / 512, hot / 512 + 1);
  assert_int_equal(stats(w, GCI_HOT).items, 0);
  assert_int_equal(stats(w, GCI_HOT).bytes, 0);
  assert_int_equal(stats(w, GCI_MAIN).items, main_items);
  assert_int_equal(gci_cache_drop_hot(w->cache), 0);
  assert_int_equal(gci_cache_shrink(w->cache), 0);
}

/* Nothing is found from the call on; what is not freed yet counts, and makes room before anything
 * that came later does. Values that expire are among both. */
static void what_was_cleared_is_gone_at_once_and_freed_before_others(void **state) {
  struct world *w = *state;
  size_t key = 1999;
  for (size_t k = 0; k < 2000; k++) {
    gcache_value_t *value = gci_value_block(w->mem, 10);
    gci_value_set_expire(value, k % 3 == 0 ? NOW + 1000 : GCACHE_NEVER);
    put_value(w, k % 2 == 0 ? GCI_MAIN : GCI_HOT, gcache_bytes(&k, sizeof k), value);
  }
  gcache_value_t *used = gcache_value_ref(get_at(w, gcache_bytes(&key, sizeof key), NOW));
  size_t bytes = gci_cache_bytes(w->cache), made = w->costed.made;
  assert_non_null(used);
  assert_int_equal(gci_cache_clear(w->cache), 1);
  assert_int_equal(w->costed.made, made);
  assert_int_equal(stats(w, GCI_MAIN).items + stats(w, GCI_HOT).items, 0);
  assert_int_equal(stats(w, GCI_MAIN).bytes + stats(w, GCI_HOT).bytes, 0);
  assert_true(gci_cache_due(w->cache) == INT64_MAX);
  assert_int_equal(gci_cache_is_timed(w->cache), 0);
  assert_true(gci_cache_bytes(w->cache) > 2000);
  assert_true(gci_cache_bytes(w->cache) < bytes);
  for (size_t k = 0; k < 2000; k++)
    assert_int_equal(where(w, k), -1);
  for (size_t k = 0; k < 500; k++) {
    assert_int_equal(put(w, GCI_MAIN, k, 10), 0);
    assert_true(gci_cache_bytes(w->cache) <= GCI_CACHE_MIN_BYTES);
  }
  while (gci_cache_shrink(w->cache))
    continue;
  for (size_t k = 0; k < 500; k++)
    assert_int_equal(where(w, k), GCI_MAIN);
  assert_int_equal(gci_cache_expire(w->cache, NOW + 4000000000), 0);
  assert_int_equal(stats(w, GCI_MAIN).items, 500);
  gcache_value_unref(used);
  assert_int_equal(gci_cache_bytes(w->cache), w->costed.now);
}

/* Many small entries that become few large ones: the index follows. */
static void the_index_shrinks_with_the_number_of_entries(void **state) {
  struct world *w = *state;
  for (size_t k = 0; k < 400000; k++)
    assert_int_equal(put(w, GCI_MAIN, k, 10), 0);
  size_t large = gci_cache_index_bytes(w->cache);
  for (size_t k = 0; k < 20000; k++)
    assert_int_equal(put(w, GCI_MAIN, 1000000 + k, 10000), 0);
  assert_true(stats(w, GCI_MAIN).items < 7000);
  assert_true(gci_cache_index_bytes(w->cache) < large / 5);
}

/* ---- keys ---- */

static void a_key_of_eight_mib_is_refused(void **state) {
  struct world *w = *state;
  static char longest[1 << 23];
  gcache_bytes_t key = gcache_bytes(longest, sizeof longest);
  for (int i = 0; i < 2; i++, key.len--) {
    gcache_value_t *value = gci_value_copy(w->mem, gcache_cstr("v"), NOW + SECOND);
    assert_int_equal(put_value(w, GCI_MAIN, key, value), i == 0 ? GCACHE_ENOROOM : 0);
    assert_int_equal(get_at(w, key, NOW) != NULL, i == 1);
  }
}

/* ---- time ---- */

static void expired_is_gone_at_its_nanosecond(void **state) {
  struct world *w = *state;
  gcache_bytes_t key = gcache_cstr("k");
  assert_int_equal(put_value(w, GCI_MAIN, key, gci_value_copy(w->mem, key, NOW + 100)), 0);
  assert_non_null(get_at(w, key, NOW + 99));
  assert_null(get_at(w, key, NOW + 100));
  assert_null(get_at(w, key, NOW + 99)); /* and it does not come back */
  assert_int_equal(stats(w, GCI_MAIN).expirations, 1);
  assert_true(gci_cache_due(w->cache) == INT64_MAX);
}

static void asking_allocates_nothing_even_when_it_frees(void **state) {
  struct world *w = *state;
  size_t n = 1000;
  for (size_t k = 0; k < n; k++) {
    gcache_value_t *value = gci_value_copy(w->mem, gcache_cstr("v"), NOW + 1 + (int64_t)k % 2);
    assert_int_equal(put_value(w, GCI_MAIN, gcache_bytes(&k, sizeof k), value), 0);
  }
  size_t made = w->costed.made;
  for (int64_t now = NOW; now <= NOW + 2; now++) {
    for (size_t k = 0; k < n; k++)
      get_at(w, gcache_bytes(&k, sizeof k), now);
  }
  assert_int_equal(w->costed.made, made);
  assert_int_equal(stats(w, GCI_MAIN).items, 0);
}

static void what_has_expired_is_not_kept(void **state) {
  struct world *w = *state;
  gcache_bytes_t key = gcache_cstr("k");
  assert_int_equal(put_value(w, GCI_MAIN, key, gci_value_copy(w->mem, key, GCACHE_NEVER)), 0);
  assert_int_equal(put_value(w, GCI_MAIN, key, gci_value_copy(w->mem, key, NOW)), 0);
  assert_null(get_at(w, key, NOW - SECOND));
  assert_int_equal(put_value(w, GCI_HOT, key, gci_value_copy(w->mem, key, -5)), 0);
  assert_null(get_at(w, key, NOW));
  assert_int_equal(stats(w, GCI_MAIN).items + stats(w, GCI_HOT).items, 0);
}

static void expired_memory_comes_back_unasked_a_bounded_number_a_call(void **state) {
  struct world *w = *state;
  size_t empty = gci_cache_bytes(w->cache), n = 20000;
  for (size_t k = 0; k < n; k++) {
    gcache_value_t *value = gci_value_copy(w->mem, gcache_cstr("v"), NOW + 1 + (int64_t)k * 1000);
    assert_int_equal(put_value(w, GCI_MAIN, gcache_bytes(&k, sizeof k), value), 0);
  }
  assert_true(gci_cache_due(w->cache) <= NOW + SECOND / 2);
  int64_t now = NOW + SECOND;
  uint64_t left = n;
  int more;
  do {
    more = gci_cache_expire(w->cache, now);
    assert_true(left - stats(w, GCI_MAIN).items <= 256);
    left = stats(w, GCI_MAIN).items;
    assert_int_equal(gci_cache_bytes(w->cache), w->costed.now);
  } while (more);
  assert_int_equal(left, 0);
  assert_int_equal(stats(w, GCI_MAIN).expirations, n);
  assert_int_equal(stats(w, GCI_MAIN).evictions, 0);
  assert_int_equal(gci_cache_bytes(w->cache), empty);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_long_value_is_kept_itself_and_a_hit_says_its_side,
                                      open_small, close_cache),
      cmocka_unit_test_setup_teardown(a_key_is_on_one_side_only, open_small, close_cache),
      cmocka_unit_test_setup_teardown(a_hit_put_back_under_its_key_stays_alive, open_small,
                                      close_cache),
      cmocka_unit_test_setup_teardown(a_short_value_is_copied_and_what_it_stood_in_is_given_back,
                                      open_small, close_cache),
      cmocka_unit_test_setup_teardown(a_short_value_with_a_long_key_is_kept, open_large,
                                      close_cache),
      cmocka_unit_test_setup_teardown(a_value_in_use_outlives_its_eviction_and_the_cache,
                                      open_small, close_cache),
      cmocka_unit_test_setup_teardown(
          a_value_too_large_goes_nowhere_and_evicts_its_own_old_one_only, open_small, close_cache),
      cmocka_unit_test_setup_teardown(
          the_largest_value_that_is_not_refused_is_kept_whatever_was_there, open_small,
          close_cache),
      cmocka_unit_test_setup_teardown(
          the_largest_value_that_is_not_refused_is_kept_whatever_was_there, open_small_default,
          close_cache),
      cmocka_unit_test_setup_teardown(the_hot_cache_gives_way_while_it_is_over_its_share,
                                      open_small, close_cache),
      cmocka_unit_test_setup_teardown(the_hot_cache_gives_way_while_it_is_over_its_share,
                                      open_small_default, close_cache),
      cmocka_unit_test_setup_teardown(the_oldest_leave_first_and_a_hit_makes_young, open_small,
                                      close_cache),
      cmocka_unit_test_setup_teardown(
          an_entry_with_a_short_value_costs_one_block_and_sixteen_bytes_of_index, open_large,
          close_cache),
      cmocka_unit_test_setup_teardown(clear_gives_the_memory_back, open_large, close_cache),
      cmocka_unit_test_setup_teardown(hot_cache_is_emptied_in_steps_and_the_main_cache_stays,
                                      open_large, close_cache),
      cmocka_unit_test_setup_teardown(clear_gives_the_memory_back, open_large_default, close_cache),
      cmocka_unit_test_setup_teardown(clear_gives_the_memory_back, open_small_default, close_cache),
      cmocka_unit_test_setup_teardown(what_was_cleared_is_gone_at_once_and_freed_before_others,
                                      open_small, close_cache),
      cmocka_unit_test_setup_teardown(what_was_cleared_is_gone_at_once_and_freed_before_others,
                                      open_small_default, close_cache),
      cmocka_unit_test_setup_teardown(the_index_shrinks_with_the_number_of_entries, open_large,
                                      close_cache),
      cmocka_unit_test_setup_teardown(a_key_of_eight_mib_is_refused, open_large, close_cache),
      cmocka_unit_test_setup_teardown(expired_is_gone_at_its_nanosecond, open_small, close_cache),
      cmocka_unit_test_setup_teardown(what_has_expired_is_not_kept, open_small, close_cache),
      cmocka_unit_test_setup_teardown(asking_allocates_nothing_even_when_it_frees, open_small,
                                      close_cache),
      cmocka_unit_test_setup_teardown(asking_allocates_nothing_even_when_it_frees,
                                      open_small_default, close_cache),
      cmocka_unit_test_setup_teardown(expired_memory_comes_back_unasked_a_bounded_number_a_call,
                                      open_large, close_cache),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
