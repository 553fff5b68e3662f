/* The oracle notices a group in which too many getters run, and loads that wait or are refused
 * without that reason. */
#include "history.h"

static int setup_of_two(void **state) {
  setup(state);
  p.setup.loads_max = 2;
  return 0;
}

static void one_getter_more_than_may_run_breaks_p3(void **state) {
  (void)state;
  for (int member = 0; member < 3; member++)
    for (unsigned key = 0; key < 4; key++)
      get(member, key);
  promises_run_began(&p, 0, 0);
  promises_run_began(&p, 0, 1);
  promises_run_began(&p, 0, 2);
  promises_run_began(&p, 0, 3);
  assert_holds();
  p.setup.settled = 0;
  promises_run_began(&p, 0, 0);
  assert_breaks("P3");
}

static void a_run_that_has_ended_leaves_its_place(void **state) {
  (void)state;
  for (unsigned key = 0; key < 4; key++)
    get(0, key);
  promises_run_began(&p, 0, 0);
  uint64_t run = promises_run_began(&p, 0, 2);
  promises_run_ended(&p, run, 0, 100, 0);
  promises_run_began(&p, 0, 2);
  assert_holds();
}

static void busy_is_lawful_while_as_many_run_as_may(void **state) {
  (void)state;
  size_t first = get(0, 0), second = get(0, 2), third = get(1, 0);
  p.setup.loads_max = 1;
  promises_run_began(&p, 0, 0);
  got(first, GCACHE_EBUSY, 0);
  got(second, GCACHE_EBUSY, 0);
  assert_holds();
  assert_int_equal(p.shed, 2);
  got(third, GCACHE_EBUSY, 0); /* another member */
  assert_breaks("P3");
}

static void busy_is_lawful_for_a_moment_after_they_have_ended(void **state) {
  (void)state;
  size_t first = get(0, 0), second = get(0, 2);
  p.setup.loads_max = 1;
  uint64_t run = promises_run_began(&p, 0, 0);
  promises_run_ended(&p, run, 0, 100, 0);
  p.now_us += 1000;
  got(first, GCACHE_EBUSY, 0);
  assert_holds();
  p.now_us += 100000;
  got(second, GCACHE_EBUSY, 0);
  assert_breaks("P3");
}

static void who_waits_for_a_place_has_a_reason(void **state) {
  (void)state;
  p.setup.loads_max = 1;
  get(0, 0);
  get(0, 2);
  uint64_t run = promises_run_began(&p, 0, 0);
  p.now_us += 100000;
  promises_look(&p);
  assert_holds();
  promises_run_ended(&p, run, 0, 100, 0);
  p.now_us += 100000;
  promises_look(&p);
  assert_breaks("P4");
}

#define OF_TWO(f) cmocka_unit_test_setup_teardown(f, setup_of_two, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      OF_TWO(one_getter_more_than_may_run_breaks_p3),
      OF_TWO(a_run_that_has_ended_leaves_its_place),
      OF_TWO(busy_is_lawful_while_as_many_run_as_may),
      OF_TWO(busy_is_lawful_for_a_moment_after_they_have_ended),
      OF_TWO(who_waits_for_a_place_has_a_reason),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
