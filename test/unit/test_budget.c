/* Unit test of store/budget and of changes of a cache's limits: after every operation no limit is
 * exceeded, by the allocator's count. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <uv.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/value.h"
#include "costed.h"
#include "random.h"
#include "store/cache.h"

enum { CACHES = 4 };

struct world {
  struct costed costed;
  struct gci_mem *mem;
  struct gci_budget budget;
  struct gci_cache *caches[CACHES];
};

static size_t sum_of(const struct world *w) {
  size_t sum = 0;
  for (size_t i = 0; i < CACHES; i++)
    sum += w->caches[i] == NULL ? 0 : gci_cache_bytes(w->caches[i]);
  return sum;
}

static uint64_t items_of(const struct gci_cache *cache) {
  gcache_cache_stats_t main, hot;
  gci_cache_stats(cache, GCI_MAIN, &main);
  gci_cache_stats(cache, GCI_HOT, &hot);
  return main.items + hot.items;
}

static int join(struct world *w, size_t i, size_t max_bytes) {
  int err = gci_budget_admit(&w->budget, gci_cache_least_bytes());
  if (err < 0) return err;
  assert_int_equal(gci_cache_open(&w->caches[i], w->mem, max_bytes, 8, GCACHE_POLICY_DEFAULT), 0);
  gci_cache_join(w->caches[i], &w->budget);
  return 0;
}

static void world_init(struct world *w, size_t max_bytes) {
  *w = (struct world){.mem = NULL};
  w->mem = costed_mem(&w->costed);
  gci_budget_init(&w->budget, max_bytes);
}

static void leave(struct world *w, size_t i) {
  if (w->caches[i] != NULL) gci_cache_close(w->caches[i]);
  w->caches[i] = NULL;
}

static void world_fini(struct world *w) {
  for (size_t i = 0; i < CACHES; i++)
    leave(w, i);
  assert_int_equal(w->costed.now, 0);
  assert_int_equal(w->mem->blocks, 0);
  gci_mem_unref(w->mem);
}

static int put(struct world *w, size_t i, size_t k, size_t len) {
  gcache_bytes_t key = gcache_bytes(&k, sizeof k);
  gcache_value_t *value = gci_value_block(w->mem, len);
  size_t beside = gci_value_cost(value);
  memset(gci_value_fill(value), 1, len);
  w->costed.most = w->costed.now;
  int err = gci_cache_put(w->caches[i], k % 5 == 0 ? GCI_HOT : GCI_MAIN, key,
                          gci_hash_shared(key, 0), value, 1000);
  if (w->budget.max_bytes > 0) assert_true(w->costed.most <= w->budget.max_bytes + beside);
  gcache_value_unref(value);
  assert_int_equal(sum_of(w), w->costed.now);
  assert_true(gci_cache_bytes(w->caches[i]) <= gci_cache_max_bytes(w->caches[i]));
  return err;
}

/* ---- a budget ---- */

static void the_sum_is_never_exceeded(void **state) {
  enum { MAX = 400000 };
  static struct world w;
  (void)state;
  for (uint64_t seed = 0; seed < 4; seed++) {
    struct random r = {seed};
    world_init(&w, MAX);
    for (int step = 0; step < 20000; step++) {
      size_t i = random_below(&r, CACHES), what = random_below(&r, 1000);
      if (w.caches[i] == NULL) {
        assert_int_equal(join(&w, i, 100000 * (i + 1)), 0);
      } else if (what == 0) {
        leave(&w, i);
      } else if (what < 10) {
        gci_cache_resize(w.caches[i], 65536 + random_below(&r, MAX));
      } else if (what < 12) {
        gci_cache_clear(w.caches[i]);
      } else {
        put(&w, i, random_below(&r, 3000), random_below(&r, what < 20 ? 50000 : 300));
        while (what < 500 && gci_cache_shrink(w.caches[i]) != 0)
          continue;
      }
      assert_true(sum_of(&w) <= MAX);
      assert_int_equal(sum_of(&w), w.costed.now);
    }
    world_fini(&w);
  }
}

/* Limits of 300,000 and three times 100,000 share 300,000: fair are 150,000 and 50,000. */
static void who_is_most_over_its_share_gives(void **state) {
  static struct world w;
  (void)state;
  world_init(&w, 300000);
  for (size_t i = 0; i < CACHES; i++)
    assert_int_equal(join(&w, i, i == 0 ? 300000 : 100000), 0);
  for (size_t k = 0; k < 5000; k++)
    assert_int_equal(put(&w, 0, k, 100), 0);
  assert_true(gci_cache_bytes(w.caches[0]) > 260000); /* nobody else wants it */
  for (size_t k = 0; k < 5000; k++)
    assert_int_equal(put(&w, 1, k, 100), 0);
  assert_true(gci_cache_bytes(w.caches[1]) > 90000); /* its own limit */
  for (size_t k = 0; k < 5000; k++) {
    for (size_t i = 1; i < CACHES; i++)
      assert_int_equal(put(&w, i, k, 100), 0);
  }
  assert_in_range(gci_cache_bytes(w.caches[0]), 130000, 170000);
  for (size_t i = 1; i < CACHES; i++)
    assert_in_range(gci_cache_bytes(w.caches[i]), 35000, 65000);
  uint64_t items = items_of(w.caches[3]);
  for (size_t k = 5000; k < 20000; k++)
    assert_int_equal(put(&w, 0, k, 100), 0);
  assert_true(items_of(w.caches[3]) > items / 2); /* greed does not pay */
  world_fini(&w);
}

static void a_value_that_does_not_fit_with_the_least_of_all_evicts_nothing(void **state) {
  static struct world w;
  (void)state;
  world_init(&w, 100000);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(join(&w, i, 300000), 0);
  size_t most = 100000 - 3 * gci_cache_least_bytes();
  for (size_t k = 0; k < 200; k++)
    assert_int_equal(put(&w, k % 3, k, 100), 0);
  uint64_t items = items_of(w.caches[0]);
  assert_int_equal(put(&w, 1, 1000, most), GCACHE_ENOROOM);
  assert_int_equal(items_of(w.caches[0]), items);
  assert_int_equal(put(&w, 1, 1000, most - 1000), 0);
  assert_true(items_of(w.caches[0]) + items_of(w.caches[2]) < 8);
  world_fini(&w);
}

static void who_does_not_fit_even_empty_is_not_admitted(void **state) {
  static struct world w;
  (void)state;
  size_t least = gci_cache_least_bytes();
  world_init(&w, 3 * least + 100);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(join(&w, i, 65536), 0);
  assert_int_equal(join(&w, 3, 65536), GCACHE_ENOROOM);
  leave(&w, 1);
  assert_int_equal(join(&w, 3, 65536), 0);
  world_fini(&w);
}

/* ---- a limit that changes ---- */

static void a_smaller_limit_is_come_down_to_a_bounded_number_at_a_time(void **state) {
  static struct world w;
  (void)state;
  world_init(&w, 0);
  assert_int_equal(join(&w, 0, 16 << 20), 0);
  size_t k = 0;
  for (; k < 200000; k++)
    assert_int_equal(put(&w, 0, k, 100), 0);
  assert_true(gci_cache_bytes(w.caches[0]) > 15 << 20);
  int more = gci_cache_resize(w.caches[0], 1 << 20);
  size_t limit = gci_cache_max_bytes(w.caches[0]), steps = 0;
  assert_true(more && limit < 16 << 20);
  for (; more; steps++) {
    uint64_t items = items_of(w.caches[0]);
    more = gci_cache_shrink(w.caches[0]);
    assert_true(items - items_of(w.caches[0]) <= 512);
    assert_true(gci_cache_max_bytes(w.caches[0]) < limit);
    limit = gci_cache_max_bytes(w.caches[0]);
    assert_true(gci_cache_bytes(w.caches[0]) <= limit);
    assert_int_equal(put(&w, 0, k++, 100), 0);
    assert_true(gci_cache_bytes(w.caches[0]) <= limit);
    assert_int_equal(put(&w, 0, k++, 2 << 20), GCACHE_ENOROOM);
  }
  assert_int_equal(limit, 1 << 20);
  assert_in_range(steps, 100, 400);
  assert_in_range(items_of(w.caches[0]), 4000, 7000);
  assert_int_equal(gci_cache_resize(w.caches[0], 4 << 20), 0);
  for (size_t i = 0; i < 30000; i++)
    assert_int_equal(put(&w, 0, k++, 100), 0);
  assert_in_range(gci_cache_bytes(w.caches[0]), 30 << 17, 4 << 20);
  world_fini(&w);
}

static void large_values_go_few_at_a_time(void **state) {
  static struct world w;
  (void)state;
  world_init(&w, 0);
  assert_int_equal(join(&w, 0, 200 << 20), 0);
  for (size_t k = 0; k < 100; k++)
    assert_int_equal(put(&w, 0, k, 1 << 20), 0);
  assert_int_equal(gci_cache_resize(w.caches[0], 1 << 20), 1);
  size_t before = gci_cache_bytes(w.caches[0]);
  assert_int_equal(gci_cache_shrink(w.caches[0]), 1);
  assert_in_range(before - gci_cache_bytes(w.caches[0]), 8 << 20, 10 << 20);
  world_fini(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sum_is_never_exceeded),
      cmocka_unit_test(who_is_most_over_its_share_gives),
      cmocka_unit_test(a_value_that_does_not_fit_with_the_least_of_all_evicts_nothing),
      cmocka_unit_test(who_does_not_fit_even_empty_is_not_admitted),
      cmocka_unit_test(a_smaller_limit_is_come_down_to_a_bounded_number_at_a_time),
      cmocka_unit_test(large_values_go_few_at_a_time),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
