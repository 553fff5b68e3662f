/* Unit test of store/expiry, against an array of times. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "random.h"
#include "store/expiry.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define DAY (86400 * SECOND)
#define YEAR (365 * DAY)
#define START (56 * YEAR) /* 2025 */
#define LATE (300 * MS)   /* well within what cache.h promises */

enum { N = 500 };

struct item {
  struct gcache_link_s link;
  int64_t at;
  int in;
};

struct world {
  struct gci_expiry expiry;
  struct item items[N];
  size_t n;
  int64_t now;
};

static int64_t at(struct gci_expiry *expiry, const struct gcache_link_s *link) {
  (void)expiry;
  return ((const struct item *)(const void *)link)->at;
}

static void world_init(struct world *w) {
  memset(w, 0, sizeof *w);
  gci_expiry_init(&w->expiry, at);
  w->now = START;
}

static void add(struct world *w, size_t i, int64_t when) {
  w->items[i].at = when;
  w->items[i].in = 1;
  w->n++;
  gci_expiry_add(&w->expiry, &w->items[i].link, w->now);
}

static void take_out(struct world *w, size_t i) {
  gci_expiry_remove(&w->expiry, &w->items[i].link);
  w->n -= w->items[i].in != 0;
  w->items[i].in = 0;
}

/* Delivers, `batch` steps at a time, until there is no more; gives the number of steps. */
static size_t drain(struct world *w, size_t batch) {
  size_t taken = 0, steps;
  do {
    struct gcache_link_s *link;
    steps = batch;
    while ((link = gci_expiry_pop(&w->expiry, w->now, &steps)) != NULL) {
      struct item *item = (struct item *)(void *)link;
      assert_true(item->in && item->at <= w->now);
      item->in = 0;
      w->n--;
    }
    taken += batch - steps;
  } while (gci_expiry_due(&w->expiry) <= w->now);
  return taken;
}

static int64_t earliest(const struct world *w) {
  int64_t first = INT64_MAX;
  for (size_t i = 0; i < N; i++) {
    if (w->items[i].in && w->items[i].at < first) first = w->items[i].at;
  }
  return first;
}

/* After a drain nothing that is late is left, and the next call is announced in time. */
static void check(const struct world *w) {
  int64_t first = earliest(w), due = gci_expiry_due(&w->expiry);
  assert_int_equal(due == INT64_MAX, w->n == 0);
  if (w->n == 0) return;
  assert_true(first > w->now - LATE);
  assert_true(due <= (first > w->now ? first : w->now) + LATE);
}

static int64_t some_time_to_live(struct random *r) {
  static const int64_t scale[] = {MS, SECOND, 60 * SECOND, 3600 * SECOND, DAY, 30 * DAY, 50 * YEAR};
  return 1 + (int64_t)(random_u64(r) % (uint64_t)scale[random_below(r, 7)]);
}

static void tick_on(struct world *w, struct random *r, int jumps_back) {
  size_t kind = random_below(r, 100);
  int64_t by = some_time_to_live(r);
  if (kind < 60) by %= 400 * MS;
  if (kind > 95 && jumps_back) by = -by;
  if (kind == 95 && jumps_back) by = -(by % (200 * MS));
  if (w->now + by > 0 && w->now + by < 200 * YEAR) w->now += by;
}

static void step(struct world *w, struct random *r, int jumps_back) {
  size_t i = random_below(r, N);
  if (w->items[i].in)
    take_out(w, i);
  else
    add(w, i, w->now + some_time_to_live(r));
  if (random_below(r, 3) > 0) return;
  tick_on(w, r, jumps_back);
  drain(w, 1 + random_below(r, 40));
  check(w);
}

static void random_times_match_an_array(void **state) {
  static struct world w;
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct random r = {seed};
    world_init(&w);
    for (int i = 0; i < 20000; i++)
      step(&w, &r, 0);
  }
}

static void a_clock_that_jumps_both_ways_neither_delivers_early_nor_loses(void **state) {
  static struct world w;
  (void)state;
  for (uint64_t seed = 100; seed < 120; seed++) {
    struct random r = {seed};
    world_init(&w);
    for (int i = 0; i < 20000; i++)
      step(&w, &r, 1);
    w.now = 220 * YEAR;
    drain(&w, 7);
    for (size_t i = 0; i < N; i++)
      assert_true(!w.items[i].in || w.items[i].at > w.now);
  }
}

static void what_expires_is_delivered_within_half_a_second_if_asked_when_due(void **state) {
  static struct world w;
  struct random r = {5};
  size_t left = N;
  (void)state;
  world_init(&w);
  for (size_t i = 0; i < N; i++)
    add(&w, i, w.now + some_time_to_live(&r) % DAY);
  while (left > 0) {
    int64_t due = gci_expiry_due(&w.expiry);
    assert_true(due > w.now && due <= earliest(&w) + LATE);
    w.now = due;
    drain(&w, 1000);
    left = w.n;
    assert_true(earliest(&w) > w.now - LATE);
  }
  assert_true(gci_expiry_due(&w.expiry) == INT64_MAX);
}

static void a_jump_forward_costs_the_slots_not_the_ticks(void **state) {
  static struct world w;
  (void)state;
  world_init(&w);
  for (size_t i = 0; i < N; i++)
    add(&w, i, w.now + (int64_t)i * DAY + 1);
  w.now += 100 * YEAR;
  assert_true(drain(&w, 100000) <= N + GCI_EXPIRY_LEVELS * GCI_EXPIRY_WIDTH);
  assert_int_equal(w.n, 0);
}

static void a_jump_back_files_each_once_in_the_steps_allowed(void **state) {
  static struct world w;
  (void)state;
  world_init(&w);
  for (size_t i = 0; i < N; i++)
    add(&w, i, w.now + (int64_t)(i + 1) * SECOND);
  w.now -= YEAR;
  size_t steps = 10;
  assert_null(gci_expiry_pop(&w.expiry, w.now, &steps));
  assert_int_equal(steps, 0);
  assert_true(gci_expiry_due(&w.expiry) <= w.now); /* there is more to do */
  assert_true(drain(&w, 10) <= N + 20);
  assert_int_equal(w.n, N);
  assert_true(gci_expiry_due(&w.expiry) > w.now);
  w.now += YEAR + N * SECOND + LATE;
  drain(&w, 10);
  assert_int_equal(w.n, 0);
}

static void a_clock_that_trembles_files_nothing_again(void **state) {
  static struct world w;
  size_t steps = 0;
  (void)state;
  world_init(&w);
  for (size_t i = 0; i < N; i++)
    add(&w, i, w.now + DAY + (int64_t)i);
  for (int i = 0; i < 1000; i++) {
    w.now += i % 2 == 0 ? 60 * MS : -50 * MS;
    steps += drain(&w, 1000);
  }
  assert_true(steps < 3 * N);
}

static void the_ends_of_time_are_times(void **state) {
  static struct world w;
  (void)state;
  world_init(&w);
  add(&w, 0, INT64_MAX);
  add(&w, 1, INT64_MIN);
  add(&w, 2, -1);
  add(&w, 3, 1);
  drain(&w, 5);
  w.now += LATE;
  drain(&w, 5);
  assert_int_equal(w.n, 1);
  w.now = INT64_MAX - 1;
  drain(&w, 5);
  assert_true(w.items[0].in);
  take_out(&w, 0);
  take_out(&w, 0); /* out already: nothing */
  w.now = 0;
  drain(&w, 5);
  add(&w, 1, 1);
  assert_true(gci_expiry_due(&w.expiry) <= LATE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_times_match_an_array),
      cmocka_unit_test(a_clock_that_jumps_both_ways_neither_delivers_early_nor_loses),
      cmocka_unit_test(what_expires_is_delivered_within_half_a_second_if_asked_when_due),
      cmocka_unit_test(a_jump_forward_costs_the_slots_not_the_ticks),
      cmocka_unit_test(a_jump_back_files_each_once_in_the_steps_allowed),
      cmocka_unit_test(a_clock_that_trembles_files_nothing_again),
      cmocka_unit_test(the_ends_of_time_are_times),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
