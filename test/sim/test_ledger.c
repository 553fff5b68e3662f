/* The oracle itself, values and getters (P1, P2): hand-made histories that break a promise, and
 * valid ones that differ in one point. */
#include "history.h"

/* ---- P1 ---- */

static void two_getters_of_a_key_at_a_time_break_p1(void **state) {
  (void)state;
  get(0, 1), get(1, 1);
  promises_run_began(&p, 0, 1);
  assert_holds();
  promises_run_began(&p, 1, 1);
  assert_breaks("P1");
}

static void getters_one_after_the_other_are_lawful(void **state) {
  (void)state;
  loaded(0, 1, 0);
  loaded(1, 1, 0);
  get(2, 2), get(2, 3);
  promises_run_began(&p, 2, 2);
  promises_run_began(&p, 2, 3);
  assert_holds();
}

static void with_second_questions_two_members_load_at_a_time_and_no_third(void **state) {
  (void)state;
  p.setup.hedged = 1;
  get(0, 1), get(1, 1), get(2, 1);
  uint64_t run = promises_run_began(&p, 0, 1);
  promises_run_began(&p, 1, 1);
  assert_holds();
  promises_run_ended(&p, run, 0, 100, 0);
  promises_run_began(&p, 2, 1);
  assert_holds();
  promises_run_began(&p, 0, 1);
  assert_breaks("P1");
}

static void with_second_questions_a_member_loads_once_at_a_time(void **state) {
  (void)state;
  p.setup.hedged = 1;
  get(0, 1);
  promises_run_began(&p, 0, 1);
  promises_run_began(&p, 0, 1);
  assert_breaks("P1");
}

static void a_change_begins_a_new_epoch_for_getters(void **state) {
  (void)state;
  get(0, 1);
  promises_run_began(&p, 0, 1);
  removed(2, 1);
  promises_run_began(&p, 0, 1);
  assert_holds();
  promises_run_began(&p, 0, 1);
  assert_breaks("P1");
}

static void a_value_that_expires_on_its_way_excuses_a_second_getter(void **state) {
  (void)state;
  get(0, 1), get(1, 1);
  promises_run_began(&p, 0, 1);
  promises_disturbed(&p, 1);
  promises_run_began(&p, 1, 1);
  assert_holds();
}

static void without_a_settled_cluster_p1_is_not_asked(void **state) {
  (void)state;
  p.setup.settled = 0;
  get(0, 1), get(1, 1);
  promises_run_began(&p, 0, 1);
  promises_run_began(&p, 1, 1);
  assert_holds();
}

static void a_getter_where_nobody_asks_breaks_p1(void **state) {
  (void)state;
  get(1, 1);
  promises_run_began(&p, 0, 1);
  assert_breaks("P1");
}

static void a_getter_for_those_who_cancelled_breaks_p1(void **state) {
  (void)state;
  promises_cancelled(&p, get(0, 1));
  promises_run_began(&p, 0, 1);
  assert_breaks("P1");
}

/* ---- P2 ---- */

static void an_old_value_after_a_remove_breaks_p2(void **state) {
  (void)state;
  uint64_t old = loaded(0, 1, 0);
  removed(1, 1);
  got(get(2, 1), 0, old);
  assert_breaks("P2");
}

static void a_peek_at_an_old_value_after_a_remove_breaks_p2(void **state) {
  (void)state;
  uint64_t old = loaded(0, 1, 0);
  removed(1, 1);
  promises_peeked(&p, 2, 1, old, WALL);
  assert_breaks("P2");
}

static void an_old_value_for_a_get_that_began_before_the_remove_ended_is_lawful(void **state) {
  (void)state;
  uint64_t old = loaded(0, 1, 0);
  size_t change = promises_began(&p, PROMISES_REMOVE, 1, 1, PROMISES_NEVER);
  size_t asked = get(2, 1);
  promises_change_ended(&p, change, 0, ALL, ALL, 0);
  got(asked, 0, old);
  assert_holds();
}

static void a_load_begun_after_the_remove_began_is_lawful(void **state) {
  (void)state;
  size_t change = promises_began(&p, PROMISES_REMOVE, 1, 1, PROMISES_NEVER);
  uint64_t fresh = loaded(0, 1, 0);
  promises_change_ended(&p, change, 0, ALL, ALL, 0);
  got(get(2, 1), 0, fresh);
  assert_holds();
}

static void a_load_begun_before_a_clear_and_ended_after_it_breaks_p2(void **state) {
  (void)state;
  size_t asked = get(0, 3);
  uint64_t run = promises_run_began(&p, 0, 3);
  size_t change = promises_began(&p, PROMISES_CLEAR, 1, 1, PROMISES_NEVER);
  promises_change_ended(&p, change, 0, ALL, ALL, 0);
  promises_run_ended(&p, run, 0, 100, 0);
  got(asked, 0, run);
  assert_holds();
  got(get(0, 3), 0, run);
  assert_breaks("P2");
}

static void a_clear_of_the_other_group_takes_nothing(void **state) {
  (void)state;
  uint64_t old = loaded(0, 3, 0);
  size_t change = promises_began(&p, PROMISES_CLEAR, 1, 0, PROMISES_NEVER);
  promises_change_ended(&p, change, 0, ALL, ALL, 0);
  got(get(2, 3), 0, old);
  assert_holds();
}

static void a_set_replaces_what_was_set_before_it(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    size_t change = promises_began(&p, PROMISES_SET, 0, 1, PROMISES_NEVER);
    uint64_t serial = promises_set_began(&p, 0, 1, 50, 0);
    promises_set_landed(&p, serial);
    promises_change_ended(&p, change, 0, ALL, ALL, 0);
  }
  got(get(2, 1), 0, 2);
  assert_holds();
  got(get(2, 1), 0, 1);
  assert_breaks("P2");
}

static void a_set_that_lands_late_may_win(void **state) {
  (void)state;
  promises_began(&p, PROMISES_SET, 0, 1, PROMISES_NEVER);
  uint64_t late = promises_set_began(&p, 0, 1, 50, 0);
  size_t change = promises_began(&p, PROMISES_REMOVE, 1, 1, PROMISES_NEVER);
  promises_set_landed(&p, late);
  promises_change_ended(&p, change, 0, ALL, ALL, 0);
  got(get(2, 1), 0, late);
  assert_holds();
}

static void a_remove_that_missed_somebody_promises_nothing(void **state) {
  (void)state;
  uint64_t old = loaded(0, 1, 0);
  size_t change = promises_began(&p, PROMISES_REMOVE, 1, 1, PROMISES_NEVER);
  promises_change_ended(&p, change, GCACHE_EPARTIAL, ALL, 5, 0);
  got(get(2, 1), 0, old);
  assert_holds();
}

static void while_lists_differ_p2_is_not_asked(void **state) {
  (void)state;
  uint64_t old = loaded(0, 1, 0);
  removed(1, 1);
  promises_list(&p, 2, 6);
  got(get(2, 1), 0, old);
  promises_list(&p, 2, ALL);
  got(get(2, 1), 0, old);
  assert_holds();
}

static void a_member_that_returns_with_the_same_list_is_asked_again(void **state) {
  (void)state;
  uint64_t old = loaded(0, 1, 0);
  removed(1, 1);
  promises_down(&p, 2);
  promises_up(&p, 2, 0, ALL);
  got(get(2, 1), 0, old);
  assert_breaks("P2");
}

/* Removes do not reach a client-only member, so it may not answer from what it asked for before. */
static void a_client_that_shares_an_older_question_breaks_p2(void **state) {
  (void)state;
  promises_up(&p, 3, 1, ALL);
  uint64_t old = loaded(0, 1, 0);
  get(3, 1);
  removed(1, 1);
  got(get(3, 1), 0, old);
  assert_breaks("P2");
}

/* Unless its group keeps values all the same; its own removes do reach it. */
static void a_client_that_keeps_may_be_old_unless_the_remove_is_its_own(void **state) {
  (void)state;
  promises_up(&p, 3, 1, ALL);
  promises_keeps_unreached(&p, 3);
  uint64_t old = loaded(0, 1, 0);
  removed(1, 1);
  got(get(3, 1), 0, old);
  assert_holds();
  removed(3, 1);
  got(get(3, 1), 0, old);
  assert_breaks("P2");
}

static void a_value_of_another_key_breaks_p2(void **state) {
  (void)state;
  uint64_t other = loaded(0, 1, 0);
  got(get(0, 2), 0, other);
  assert_breaks("P2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HISTORY(two_getters_of_a_key_at_a_time_break_p1),
      HISTORY(getters_one_after_the_other_are_lawful),
      HISTORY(with_second_questions_two_members_load_at_a_time_and_no_third),
      HISTORY(with_second_questions_a_member_loads_once_at_a_time),
      HISTORY(a_change_begins_a_new_epoch_for_getters),
      HISTORY(a_value_that_expires_on_its_way_excuses_a_second_getter),
      HISTORY(without_a_settled_cluster_p1_is_not_asked),
      HISTORY(a_getter_where_nobody_asks_breaks_p1),
      HISTORY(a_getter_for_those_who_cancelled_breaks_p1),
      HISTORY(an_old_value_after_a_remove_breaks_p2),
      HISTORY(a_peek_at_an_old_value_after_a_remove_breaks_p2),
      HISTORY(an_old_value_for_a_get_that_began_before_the_remove_ended_is_lawful),
      HISTORY(a_load_begun_after_the_remove_began_is_lawful),
      HISTORY(a_load_begun_before_a_clear_and_ended_after_it_breaks_p2),
      HISTORY(a_clear_of_the_other_group_takes_nothing),
      HISTORY(a_set_replaces_what_was_set_before_it),
      HISTORY(a_set_that_lands_late_may_win),
      HISTORY(a_remove_that_missed_somebody_promises_nothing),
      HISTORY(while_lists_differ_p2_is_not_asked),
      HISTORY(a_member_that_returns_with_the_same_list_is_asked_again),
      HISTORY(a_client_that_shares_an_older_question_breaks_p2),
      HISTORY(a_client_that_keeps_may_be_old_unless_the_remove_is_its_own),
      HISTORY(a_value_of_another_key_breaks_p2),
  };
  return !!cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
