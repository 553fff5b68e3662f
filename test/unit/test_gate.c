/* core/gate: places, the queue for them, and the estimate of how long runs take. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/gate.h"
#include "random.h"

static void places_are_taken_until_none_is_left(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[3];
  (void)state;
  gci_gate_init(&gate, 2, 10);
  for (int i = 0; i < 3; i++)
    gci_pass_init(&pass[i]);
  assert_true(gci_gate_enter(&gate, &pass[0]));
  assert_true(gci_gate_enter(&gate, &pass[1]));
  assert_false(gci_gate_enter(&gate, &pass[2]));
  assert_int_equal(pass[2].state, GCI_PASS_OUTSIDE);
  gci_gate_leave(&gate, &pass[0]);
  assert_true(gci_gate_enter(&gate, &pass[2]));
}

static void who_came_first_is_let_in_first(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[4];
  (void)state;
  gci_gate_init(&gate, 1, 10);
  for (int i = 0; i < 4; i++)
    gci_pass_init(&pass[i]);
  gci_gate_enter(&gate, &pass[0]);
  for (int i = 1; i < 4; i++)
    assert_true(gci_gate_wait(&gate, &pass[i]));
  assert_null(gci_gate_next(&gate));
  gci_gate_leave(&gate, &pass[2]); /* from the middle of the queue */
  gci_gate_leave(&gate, &pass[0]);
  assert_ptr_equal(gci_gate_next(&gate), &pass[1]);
  assert_null(gci_gate_next(&gate));
  gci_gate_leave(&gate, &pass[1]);
  assert_ptr_equal(gci_gate_next(&gate), &pass[3]);
  gci_gate_leave(&gate, &pass[3]);
  assert_null(gci_gate_next(&gate));
  assert_int_equal(gate.n_waiting, 0);
  assert_int_equal(gate.inside, 0);
}

static void a_full_queue_takes_nobody(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[4];
  (void)state;
  gci_gate_init(&gate, 1, 2);
  for (int i = 0; i < 4; i++)
    gci_pass_init(&pass[i]);
  gci_gate_enter(&gate, &pass[0]);
  assert_true(gci_gate_wait(&gate, &pass[1]));
  assert_true(gci_gate_wait(&gate, &pass[2]));
  assert_false(gci_gate_wait(&gate, &pass[3]));
  assert_int_equal(pass[3].state, GCI_PASS_OUTSIDE);
  gci_gate_leave(&gate, &pass[1]);
  assert_true(gci_gate_wait(&gate, &pass[3]));
}

static void leaving_twice_gives_one_place_back(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[3];
  (void)state;
  gci_gate_init(&gate, 1, 2);
  for (int i = 0; i < 3; i++)
    gci_pass_init(&pass[i]);
  gci_gate_enter(&gate, &pass[0]);
  gci_gate_leave(&gate, &pass[0]);
  gci_gate_leave(&gate, &pass[0]);
  assert_true(gci_gate_enter(&gate, &pass[1]));
  assert_false(gci_gate_enter(&gate, &pass[2]));
}

/* One that runs, and one that waits. */
static void fill(struct gci_gate *gate, struct gci_pass pass[2]) {
  gci_gate_init(gate, 1, 10);
  for (int i = 0; i < 2; i++)
    gci_pass_init(&pass[i]);
  gci_gate_enter(gate, &pass[0]);
  gci_gate_wait(gate, &pass[1]);
}

static void nothing_is_too_late_before_enough_runs_are_known(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[2];
  (void)state;
  fill(&gate, pass);
  for (int i = 0; i < 15; i++) {
    assert_false(gci_gate_is_too_late(&gate, 0));
    gci_gate_learn(&gate, 100);
  }
  assert_false(gci_gate_is_too_late(&gate, 0));
  gci_gate_learn(&gate, 100);
  assert_true(gci_gate_is_too_late(&gate, 99));
  assert_false(gci_gate_is_too_late(&gate, 100));
  assert_false(gci_gate_is_too_late(&gate, UINT64_MAX));
}

static void nothing_is_too_late_when_nobody_else_waits(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[2];
  (void)state;
  fill(&gate, pass);
  for (int i = 0; i < 100; i++)
    gci_gate_learn(&gate, 100);
  assert_true(gci_gate_is_too_late(&gate, 1));
  gci_gate_leave(&gate, &pass[1]);
  assert_false(gci_gate_is_too_late(&gate, 1));
}

/* Against the same mean in floating point. */
static void what_is_known_follows_the_runs(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[2];
  struct random random = {.state = 7};
  double mean = 0;
  (void)state;
  fill(&gate, pass);
  for (int i = 0; i < 10000; i++) {
    uint64_t ms = random_below(&random, i < 5000 ? 1000 : 10);
    mean = i == 0 ? (double)ms : mean + ((double)ms - mean) / 8;
    gci_gate_learn(&gate, ms);
    if (i < 16) continue;
    assert_true(gci_gate_is_too_late(&gate, mean < 2 ? 0 : (uint64_t)mean - 2) || mean < 3);
    assert_false(gci_gate_is_too_late(&gate, (uint64_t)mean + 1));
  }
}

static void runs_of_ages_do_not_overflow(void **state) {
  struct gci_gate gate;
  struct gci_pass pass[2];
  (void)state;
  fill(&gate, pass);
  for (int i = 0; i < 100; i++)
    gci_gate_learn(&gate, UINT64_MAX);
  assert_true(gci_gate_is_too_late(&gate, UINT64_C(1) << 39));
  assert_false(gci_gate_is_too_late(&gate, UINT64_MAX));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(places_are_taken_until_none_is_left),
      cmocka_unit_test(who_came_first_is_let_in_first),
      cmocka_unit_test(a_full_queue_takes_nobody),
      cmocka_unit_test(leaving_twice_gives_one_place_back),
      cmocka_unit_test(nothing_is_too_late_before_enough_runs_are_known),
      cmocka_unit_test(nothing_is_too_late_when_nobody_else_waits),
      cmocka_unit_test(what_is_known_follows_the_runs),
      cmocka_unit_test(runs_of_ages_do_not_overflow),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
