/* Unit test of store/cache: random operations against a simple model (cache_model.h). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"

#include "cache_model.h"
#include "oom.h"

static void run(uint64_t seed, size_t max_bytes, unsigned divisor, gcache_policy_t policy,
                uint64_t hash_mask) {
  static struct world w;
  struct costed costed;
  struct gci_mem *mem = costed_mem(&costed);
  assert_int_equal(world_open(&w, mem, max_bytes, divisor, policy), 0);
  w.costed = &costed;
  w.hash_mask = hash_mask;
  w.random.state = seed;
  for (int i = 0; i < 8000; i++)
    step(&w);
  assert_true(w.stats[GCI_MAIN].evictions > 500 && w.stats[GCI_MAIN].expirations > 30);
  if (policy == GCACHE_POLICY_LRU)
    assert_int_equal(w.direct, 0);
  else
    assert_true(w.direct > 0);
  gci_cache_close(w.cache);
  assert_int_equal(mem->bytes, 0);
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
}

static void random_operations_match_the_model(void **state) {
  static const size_t max_bytes[] = {GCI_CACHE_MIN_BYTES, 100000, 200000, 300000};
  static const unsigned divisor[] = {8, 1, 3, 1000};
  (void)state;
  for (uint64_t seed = 0; seed < 12; seed++)
    run(seed, max_bytes[seed % 4], divisor[seed / 2 % 4], GCACHE_POLICY_LRU, UINT64_MAX);
}

static void random_operations_match_the_model_when_hashes_collide(void **state) {
  static const uint64_t masks[] = {0, 0xff, UINT64_C(0x3000000000000000), UINT64_C(0x700000007)};
  (void)state;
  for (uint64_t i = 0; i < 4; i++)
    run(100 + i, 100000 + 50000 * i, 8, GCACHE_POLICY_LRU, masks[i]);
}

static void random_operations_match_the_model_under_the_default_policy(void **state) {
  (void)state;
  for (uint64_t seed = 200; seed < 204; seed++)
    run(seed, 100000 + seed % 3 * 100000, 8, GCACHE_POLICY_DEFAULT,
        seed % 2 == 0 ? UINT64_MAX : 0xff);
}

static void use_a_little(struct oom *oom, void *arg) {
  static struct world w;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  if (world_open(&w, mem, GCI_CACHE_MIN_BYTES, 8, GCACHE_POLICY_DEFAULT) == 0) {
    w.random.state = *(uint64_t *)arg;
    for (int i = 0; i < 600; i++)
      step(&w);
    check_all(&w);
    gci_cache_close(w.cache);
  }
  assert_int_equal(mem->bytes, 0);
  gci_mem_unref(mem);
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 2; seed++) {
    uint64_t arg = seed;
    assert_true(oom_sweep(use_a_little, &arg) > 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_operations_match_the_model),
      cmocka_unit_test(random_operations_match_the_model_when_hashes_collide),
      cmocka_unit_test(random_operations_match_the_model_under_the_default_policy),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
