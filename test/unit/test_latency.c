/* Percentiles of a peer's response times, against the sorted samples themselves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/latency.h"
#include "random.h"

enum { N = 1500 };

static int is_greater(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static uint64_t some_us(struct random *random, size_t decades) {
  uint64_t us = 20 + random_below(random, 80);
  for (size_t i = random_below(random, decades); i > 0; i--)
    us *= 10;
  return us;
}

static void percentiles_are_those_of_the_samples_and_a_quarter_more_at_most(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 40; seed++) {
    struct gci_latency l = {0};
    struct random random = {seed};
    uint64_t us[N];
    for (int i = 0; i < N; i++)
      gci_latency_add(&l, us[i] = some_us(&random, 1 + seed % 6));
    qsort(us, N, sizeof us[0], is_greater);
    for (unsigned percent = 1; percent <= 100; percent++) {
      uint64_t truth = us[(N * percent + 99) / 100 - 1];
      uint64_t got = gci_latency_percentile(&l, percent);
      assert_true(got > truth);
      assert_true(got <= truth + truth / 4 + 16);
    }
  }
}

static void nothing_is_said_of_no_samples(void **state) {
  struct gci_latency l = {0};
  (void)state;
  assert_int_equal(gci_latency_percentile(&l, 50), 0);
  gci_latency_add(&l, 0);
  assert_int_equal(l.n, 1);
  assert_in_range(gci_latency_percentile(&l, 50), 1, 16);
}

static void longest_times_share_a_bucket(void **state) {
  struct gci_latency l = {0};
  (void)state;
  gci_latency_add(&l, UINT64_MAX);
  gci_latency_add(&l, UINT64_C(1) << 40);
  assert_int_equal(gci_latency_percentile(&l, 1), gci_latency_percentile(&l, 100));
  assert_in_range(gci_latency_percentile(&l, 99), 60 * 1000000, 70 * 1000000);
}

static void what_was_is_forgotten_by_halves(void **state) {
  struct gci_latency l = {0};
  (void)state;
  for (int i = 0; i < 100000; i++) {
    gci_latency_add(&l, 1000);
    assert_true(l.n < GCI_LATENCY_MOST);
  }
  int n = 0;
  for (; gci_latency_percentile(&l, 50) < 100000; n++)
    gci_latency_add(&l, 100000);
  assert_in_range(n, 500, GCI_LATENCY_MOST);
  for (; gci_latency_percentile(&l, 1) < 100000; n++)
    gci_latency_add(&l, 100000);
  assert_in_range(n, GCI_LATENCY_MOST, 10 * GCI_LATENCY_MOST);
}

/* Of many buckets with one sample each, half are left after halving. */
static void halving_keeps_what_is_rare(void **state) {
  struct gci_latency l = {0};
  uint32_t sum = 0;
  (void)state;
  for (int i = 0; i < GCI_LATENCY_MOST - 20; i++)
    gci_latency_add(&l, 100);
  for (int i = 0; i < 20; i++)
    gci_latency_add(&l, UINT64_C(1000) << (i % 10));
  assert_int_equal(l.n, GCI_LATENCY_MOST / 2);
  for (size_t i = 0; i < GCI_LATENCY_BUCKETS; i++)
    sum += l.counts[i];
  assert_int_equal(sum, l.n);
  assert_true(gci_latency_percentile(&l, 99) < 200);
  assert_true(gci_latency_percentile(&l, 100) > 100000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(percentiles_are_those_of_the_samples_and_a_quarter_more_at_most),
      cmocka_unit_test(nothing_is_said_of_no_samples),
      cmocka_unit_test(longest_times_share_a_bucket),
      cmocka_unit_test(what_was_is_forgotten_by_halves),
      cmocka_unit_test(halving_keeps_what_is_rare),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
