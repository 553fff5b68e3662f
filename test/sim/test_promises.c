/* The oracle itself, requests and memory (P3 to P10): hand-made histories that break a promise, and
 * valid ones that differ in one point. */
#include "history.h"

/* ---- P3 ---- */

static void an_answer_after_its_deadline_breaks_p3(void **state) {
  (void)state;
  size_t asked = promises_began(&p, PROMISES_GET, 0, 1, p.now_us + 2000);
  p.now_us += 3001;
  got(asked, UV_ETIMEDOUT, 0);
  assert_breaks("P3");
}

static void an_answer_that_never_comes_breaks_p3(void **state) {
  (void)state;
  promises_began(&p, PROMISES_ANSWER, 0, 1, p.now_us + 2000);
  promises_run_began(&p, 0, 1);
  p.now_us += 3000;
  promises_look(&p);
  assert_holds();
  p.now_us += 1;
  promises_look(&p);
  assert_breaks("P3");
}

static void a_timeout_before_the_deadline_breaks_p3(void **state) {
  (void)state;
  size_t asked = promises_began(&p, PROMISES_GET, 0, 1, p.now_us + 2000);
  p.now_us += 1999;
  got(asked, UV_ETIMEDOUT, 0);
  assert_breaks("P3");
}

static void a_cancel_that_ends_with_a_value_breaks_p3(void **state) {
  (void)state;
  uint64_t value = loaded(0, 1, 0);
  size_t asked = get(0, 1);
  promises_cancelled(&p, asked);
  got(asked, 0, value);
  assert_breaks("P3");
}

static void a_cancel_of_one_that_ends_another_breaks_p3(void **state) {
  (void)state;
  size_t mine = get(0, 1), yours = get(0, 1);
  promises_cancelled(&p, mine);
  got(mine, UV_ECANCELED, 0);
  assert_holds();
  got(yours, UV_ECANCELED, 0);
  assert_breaks("P3");
}

static void closing_a_group_may_cancel(void **state) {
  (void)state;
  size_t asked = get(0, 1);
  promises_group_closing(&p, 0, 1, 1);
  got(asked, UV_ECANCELED, 0);
  assert_holds();
}

static void waiting_in_a_group_that_closes_breaks_p10(void **state) {
  (void)state;
  get(0, 1);
  promises_run_began(&p, 0, 1);
  promises_group_closing(&p, 0, 1, 1);
  p.now_us += 1001;
  promises_look(&p);
  assert_breaks("P10");
}

static void a_run_for_nobody_that_is_not_told_breaks_p3(void **state) {
  (void)state;
  size_t asked = get(0, 1);
  uint64_t run = promises_run_began(&p, 0, 1);
  promises_cancelled(&p, asked);
  got(asked, UV_ECANCELED, 0);
  promises_run_hinted(&p, run, 0);
  asked = get(0, 2);
  promises_run_began(&p, 0, 2);
  promises_cancelled(&p, asked);
  got(asked, UV_ECANCELED, 0);
  p.now_us += 1000;
  promises_look(&p);
  assert_holds();
  p.now_us += 1;
  promises_look(&p);
  assert_breaks("P3");
}

static void a_question_for_nobody_that_is_not_told_breaks_p3(void **state) {
  (void)state;
  for (unsigned key = 1; key <= 2; key++) {
    size_t asked = get(0, key);
    promises_question_sent(&p, 0, key);
    promises_cancelled(&p, asked);
    got(asked, UV_ECANCELED, 0);
    if (key == 1) promises_question_told(&p, 0, key);
    p.now_us += 1001;
    promises_look(&p);
    if (key == 1) assert_holds();
  }
  assert_breaks("P3");
}

static void a_hint_while_somebody_waits_breaks_p3(void **state) {
  (void)state;
  get(0, 1);
  promises_run_hinted(&p, promises_run_began(&p, 0, 1), 3);
  assert_breaks("P3");
}

static void a_failure_that_no_getter_reported_breaks_p3(void **state) {
  (void)state;
  uint64_t value = loaded(0, 1, 0);
  struct promises_end end = {.status = GCACHE_ENOTFOUND, .cause = value};
  promises_ended(&p, get(0, 1), &end);
  assert_breaks("P3");
}

static void the_failure_of_a_run_that_gave_up_breaks_p3(void **state) {
  (void)state;
  size_t asked = get(0, 1);
  uint64_t run = promises_run_began(&p, 0, 1);
  promises_run_ended(&p, run, GCACHE_ELOAD, 0, 0);
  struct promises_end end = {.status = GCACHE_ELOAD, .cause = run, .cause_hinted = 1};
  promises_ended(&p, asked, &end);
  assert_breaks("P3");
}

static void a_failure_that_nothing_explains_breaks_p3(void **state) {
  (void)state;
  size_t first = get(0, 1), second = get(0, 3);
  p.now_us += 1000; /* a clock was set then */
  uint64_t run = promises_run_began(&p, 0, 1);
  promises_run_ended(&p, run, GCACHE_ELOAD, 0, 0);
  got(first, GCACHE_ELOAD, 0);
  assert_holds();
  got(second, GCACHE_ELOAD, 0);
  assert_breaks("P3");
}

static void busy_is_lawful_only_when_the_transport_said_so(void **state) {
  (void)state;
  size_t first = get(0, 1), second = get(0, 2);
  promises_question_refused(&p, 0, 1);
  got(first, GCACHE_EBUSY, 0);
  assert_holds();
  got(second, GCACHE_EBUSY, 0);
  assert_breaks("P3");
}

static void a_strangers_value_in_the_main_cache_breaks_p3(void **state) {
  (void)state;
  uint64_t value = loaded(0, 1, 0);
  struct promises_end end = {.serial = value, .from = GCACHE_FROM_HOT};
  promises_ended(&p, get(1, 1), &end);
  assert_holds();
  end.from = GCACHE_FROM_MAIN;
  promises_ended(&p, get(1, 1), &end);
  assert_breaks("P3");
}

/* ---- P4 ---- */

static void a_question_because_of_a_question_breaks_p4(void **state) {
  (void)state;
  promises_began(&p, PROMISES_ANSWER, 1, 1, PROMISES_NEVER);
  promises_question_sent(&p, 1, 1);
  assert_breaks("P4");
}

static void a_question_for_a_get_of_its_own_is_lawful(void **state) {
  (void)state;
  get(1, 1);
  promises_question_sent(&p, 1, 1);
  assert_holds();
}

static void a_question_for_a_get_that_was_cancelled_breaks_p4(void **state) {
  (void)state;
  promises_cancelled(&p, get(1, 1));
  promises_question_sent(&p, 1, 1);
  assert_breaks("P4");
}

static void waiting_for_nothing_breaks_p4(void **state) {
  (void)state;
  get(1, 1);
  promises_question_sent(&p, 1, 1);
  p.now_us += 5000;
  promises_question_settled(&p, 1, 1, 0);
  p.now_us += 1000;
  promises_look(&p);
  assert_holds();
  p.now_us += 1;
  promises_look(&p);
  assert_breaks("P4");
}

static void who_is_told_with_others_waits_for_them_and_for_nothing_else(void **state) {
  (void)state;
  size_t first = get(1, 1);
  get(1, 2);
  promises_held(&p, first, 2);
  promises_question_sent(&p, 1, 2);
  p.now_us += 5000;
  promises_look(&p);
  assert_holds();
  promises_question_settled(&p, 1, 2, 0);
  p.now_us += 1001;
  promises_look(&p);
  assert_breaks("P4");
}

static void a_value_may_expire_for_him_who_is_told_with_others_only(void **state) {
  struct promises_end end = {.status = GCACHE_ELOAD, .wall_unix_ns = WALL + 5000000};
  (void)state;
  loaded(0, 1, WALL + 1);
  p.now_us += 1000000;
  size_t held = get(0, 1), alone = get(0, 1);
  promises_held(&p, held, 1);
  promises_ended(&p, held, &end);
  assert_holds();
  promises_ended(&p, alone, &end);
  assert_breaks("P3");
}

static void a_peers_question_that_waits_for_a_question_breaks_p4(void **state) {
  (void)state;
  get(1, 1);
  promises_question_sent(&p, 1, 1);
  promises_began(&p, PROMISES_ANSWER, 1, 1, PROMISES_NEVER);
  p.now_us += 1001;
  promises_look(&p);
  assert_breaks("P4");
}

static void waiting_for_ever_breaks_p4(void **state) {
  (void)state;
  get(1, 1);
  promises_run_began(&p, 1, 1);
  p.now_us += 1000001;
  promises_look(&p);
  assert_breaks("P4");
}

/* ---- P5, P6 ---- */

static void a_byte_over_the_budget_breaks_p5(void **state) {
  (void)state;
  promises_memory(&p, 0, 1, 65536, 65536);
  assert_holds();
  promises_memory(&p, 0, 1, 65537, 65536);
  assert_breaks("P5");
}

static void a_delivery_at_expiry_breaks_p6(void **state) {
  (void)state;
  loaded(0, 1, WALL + 1);
  assert_holds();
  loaded(0, 1, WALL);
  assert_breaks("P6");
}

static void an_item_dead_for_more_than_a_second_breaks_p6(void **state) {
  (void)state;
  loaded(0, 1, WALL + 1000);
  p.now_us += 1000000;
  promises_items(&p, 0, 1, 1, 0, WALL + 1000 + 999999999);
  assert_holds();
  promises_items(&p, 0, 1, 1, 0, WALL + 1000 + 1000000000);
  assert_breaks("P6");
}

static void got_stale(uint64_t value, int64_t wall_unix_ns, uint64_t stale_ms) {
  struct promises_end end = {.serial = value,
                             .wall_unix_ns = wall_unix_ns,
                             .stale_ms = stale_ms,
                             .from = GCACHE_FROM_MAIN};
  promises_ended(&p, get(0, 1), &end);
}

static void a_stale_delivery_that_nobody_asked_for_breaks_p6(void **state) {
  (void)state;
  got_stale(loaded(0, 1, WALL + 1), WALL + 1, 1);
  assert_breaks("P6");
}

static void a_stale_delivery_beyond_its_window_breaks_p6(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3, .error_ms = 5};
  uint64_t value = loaded(0, 1, WALL + 1);
  got_stale(value, WALL + 1, 1);
  got_stale(value, WALL + 5000000, 5);
  assert_holds();
  got_stale(value, WALL + 5000002, 6);
  assert_breaks("P6");
}

static void a_window_of_the_value_itself_counts(void **state) {
  (void)state;
  uint64_t value = loaded(0, 1, WALL + 1);
  promises_windowed(&p, value, 8);
  got_stale(value, WALL + 8000000, 8);
  assert_holds();
  got_stale(value, WALL + 8000002, 9);
  assert_breaks("P6");
}

static void a_copy_beyond_the_ceiling_breaks_p6(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3, .hot_max_ms = 2};
  uint64_t value = loaded(0, 1, GCACHE_NEVER);
  struct promises_end end = {.serial = value, .wall_unix_ns = WALL, .from = GCACHE_FROM_HOT};
  size_t asked = get(1, 1);
  promises_question_sent(&p, 1, 1);
  promises_question_settled(&p, 1, 1, 0);
  promises_ended(&p, asked, &end);
  p.now_us += 2000;
  promises_ended(&p, get(1, 1), &end);
  assert_holds();
  p.now_us += 200;
  promises_ended(&p, get(1, 1), &end);
  assert_breaks("P6");
}

static void a_stale_value_without_a_word_breaks_p6(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3};
  got_stale(loaded(0, 1, WALL + 1), WALL + 1, 0);
  assert_breaks("P6");
}

static void a_wrong_word_about_staleness_breaks_p6(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 30};
  got_stale(loaded(0, 1, WALL + 1), WALL + 5000000, 6);
  assert_breaks("P6");
}

static void a_stale_item_within_its_window_is_excused(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3000};
  loaded(0, 1, WALL + 1000);
  p.now_us += 10000000;
  promises_items(&p, 0, 1, 1, 0, WALL + 1000 + INT64_C(3999999999));
  assert_holds();
  promises_items(&p, 0, 1, 1, 0, WALL + 1000 + INT64_C(4000000000));
  assert_breaks("P6");
}

static void not_found(size_t request, uint64_t run) {
  struct promises_end end = {.status = GCACHE_ENOTFOUND, .cause = run};
  promises_ended(&p, request, &end);
}

static uint64_t missed(int member, unsigned key) {
  uint64_t run = promises_run_began(&p, member, key);
  promises_run_ended(&p, run, GCACHE_ENOTFOUND, 0, 0);
  return run;
}

static void absence_that_is_remembered_too_long_breaks_p3(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .not_found_ms = 20};
  size_t asked = get(0, 1);
  uint64_t run = missed(0, 1);
  not_found(asked, run);
  p.now_us += 30000;
  not_found(get(0, 1), run);
  assert_holds();
  p.now_us += 1;
  not_found(get(0, 1), run);
  assert_breaks("P3");
}

static void absence_from_before_a_remove_breaks_p2(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .not_found_ms = 20};
  size_t asked = get(0, 1);
  uint64_t run = missed(0, 1);
  not_found(asked, run);
  removed(1, 1);
  not_found(get(0, 1), run);
  assert_breaks("P2");
}

static void a_getter_behind_a_hit_is_lawful_where_it_was_asked_for(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3, .refresh_us = 700000};
  uint64_t value = loaded(0, 1, WALL + 1);
  got_stale(value, WALL + 1, 1);
  promises_run_began(&p, 0, 1);
  p.now_us += 700000;
  promises_look(&p);
  assert_holds();
  p.now_us += 1001;
  promises_look(&p);
  assert_breaks("P3");
}

static void a_getter_long_after_a_hit_breaks_p1(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3};
  loaded(0, 1, 0);
  p.now_us += 101;
  promises_run_began(&p, 0, 1);
  assert_breaks("P1");
}

static void a_question_behind_a_peers_hit_breaks_p4(void **state) {
  (void)state;
  p.setup.fresh = (struct promises_fresh){.is_on = 1, .stale_ms = 3};
  uint64_t value = loaded(0, 1, 0);
  struct promises_end end = {.serial = value, .wall_unix_ns = WALL};
  promises_ended(&p, promises_began(&p, PROMISES_ANSWER, 1, 1, PROMISES_NEVER), &end);
  promises_question_sent(&p, 1, 1);
  assert_breaks("P4");
}

/* ---- P8, P10 ---- */

static void success_without_everybody_breaks_p8(void **state) {
  (void)state;
  size_t change = promises_began(&p, PROMISES_SET, 1, 1, PROMISES_NEVER);
  promises_change_ended(&p, change, 0, ALL, 5, 0);
  assert_breaks("P8");
}

static void a_report_without_somebody_breaks_p8(void **state) {
  (void)state;
  size_t change = promises_began(&p, PROMISES_SET, 1, 1, PROMISES_NEVER);
  promises_change_ended(&p, change, GCACHE_EPARTIAL, 5, 5, 0);
  assert_breaks("P8");
}

static void did(enum promises_kind kind, int on, uint64_t sent_seq) {
  promises_deed(
      &p, &(struct promises_deed){.by = 1, .on = on, .kind = kind, .key = 1, .sent_seq = sent_seq});
}

static void who_is_reported_and_was_not_asked_breaks_p8(void **state) {
  (void)state;
  size_t change = promises_began(&p, PROMISES_REMOVE, 1, 1, PROMISES_NEVER);
  did(PROMISES_REMOVE, 0, promises_tick(&p));
  promises_report_check(&p, change, ALL);
  assert_breaks("P8");
}

static void who_is_reported_and_did_an_earlier_change_breaks_p8(void **state) {
  (void)state;
  uint64_t before = promises_tick(&p);
  size_t change = promises_began(&p, PROMISES_REMOVE, 1, 1, PROMISES_NEVER);
  did(PROMISES_REMOVE, 0, promises_tick(&p));
  did(PROMISES_REMOVE, 2, before);
  promises_report_check(&p, change, ALL);
  assert_breaks("P8");
}

static void who_is_reported_and_was_cleared_once_breaks_p8(void **state) {
  (void)state;
  size_t change = promises_began(&p, PROMISES_CLEAR, 1, 1, PROMISES_NEVER);
  did(PROMISES_CLEAR, 0, promises_tick(&p));
  promises_report_check(&p, change, 2);
  assert_holds();
  promises_report_check(&p, change, 3);
  assert_breaks("P8");
}

static void who_did_his_part_is_reported(void **state) {
  (void)state;
  size_t change = promises_began(&p, PROMISES_SET, 1, 1, PROMISES_NEVER);
  did(PROMISES_SET, 0, promises_tick(&p));
  did(PROMISES_REMOVE, 2, promises_tick(&p));
  promises_report_check(&p, change, ALL);
  assert_holds();
}

static void a_callback_inside_a_call_breaks_p10(void **state) {
  (void)state;
  uint64_t value = loaded(0, 1, 0);
  promises_enter(&p);
  got(get(0, 1), 0, value);
  promises_leave(&p);
  assert_breaks("P10");
}

static void two_callbacks_break_p10(void **state) {
  (void)state;
  uint64_t value = loaded(0, 1, 0);
  size_t asked = get(0, 1);
  got(asked, 0, value);
  assert_holds();
  got(asked, 0, value);
  assert_breaks("P10");
}

static void a_callback_after_an_error_return_breaks_p10(void **state) {
  (void)state;
  size_t asked = get(0, 1);
  promises_refused(&p, asked);
  assert_holds();
  got(asked, UV_ECANCELED, 0);
  assert_breaks("P10");
}

static void a_callback_of_a_crashed_member_breaks_p10(void **state) {
  (void)state;
  size_t asked = get(0, 1);
  promises_down(&p, 0);
  got(asked, UV_ECANCELED, 0);
  assert_breaks("P10");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HISTORY(an_answer_after_its_deadline_breaks_p3),
      HISTORY(an_answer_that_never_comes_breaks_p3),
      HISTORY(a_timeout_before_the_deadline_breaks_p3),
      HISTORY(a_cancel_that_ends_with_a_value_breaks_p3),
      HISTORY(a_cancel_of_one_that_ends_another_breaks_p3),
      HISTORY(closing_a_group_may_cancel),
      HISTORY(waiting_in_a_group_that_closes_breaks_p10),
      HISTORY(a_run_for_nobody_that_is_not_told_breaks_p3),
      HISTORY(a_question_for_nobody_that_is_not_told_breaks_p3),
      HISTORY(a_hint_while_somebody_waits_breaks_p3),
      HISTORY(a_failure_that_no_getter_reported_breaks_p3),
      HISTORY(the_failure_of_a_run_that_gave_up_breaks_p3),
      HISTORY(a_failure_that_nothing_explains_breaks_p3),
      HISTORY(busy_is_lawful_only_when_the_transport_said_so),
      HISTORY(a_strangers_value_in_the_main_cache_breaks_p3),
      HISTORY(a_question_because_of_a_question_breaks_p4),
      HISTORY(a_question_for_a_get_of_its_own_is_lawful),
      HISTORY(a_question_for_a_get_that_was_cancelled_breaks_p4),
      HISTORY(waiting_for_nothing_breaks_p4),
      HISTORY(who_is_told_with_others_waits_for_them_and_for_nothing_else),
      HISTORY(a_value_may_expire_for_him_who_is_told_with_others_only),
      HISTORY(a_peers_question_that_waits_for_a_question_breaks_p4),
      HISTORY(waiting_for_ever_breaks_p4),
      HISTORY(a_byte_over_the_budget_breaks_p5),
      HISTORY(a_delivery_at_expiry_breaks_p6),
      HISTORY(an_item_dead_for_more_than_a_second_breaks_p6),
      HISTORY(a_stale_delivery_that_nobody_asked_for_breaks_p6),
      HISTORY(a_stale_delivery_beyond_its_window_breaks_p6),
      HISTORY(a_window_of_the_value_itself_counts),
      HISTORY(a_copy_beyond_the_ceiling_breaks_p6),
      HISTORY(a_stale_value_without_a_word_breaks_p6),
      HISTORY(a_wrong_word_about_staleness_breaks_p6),
      HISTORY(a_stale_item_within_its_window_is_excused),
      HISTORY(absence_that_is_remembered_too_long_breaks_p3),
      HISTORY(absence_from_before_a_remove_breaks_p2),
      HISTORY(a_getter_behind_a_hit_is_lawful_where_it_was_asked_for),
      HISTORY(a_getter_long_after_a_hit_breaks_p1),
      HISTORY(a_question_behind_a_peers_hit_breaks_p4),
      HISTORY(success_without_everybody_breaks_p8),
      HISTORY(a_report_without_somebody_breaks_p8),
      HISTORY(who_is_reported_and_was_not_asked_breaks_p8),
      HISTORY(who_is_reported_and_did_an_earlier_change_breaks_p8),
      HISTORY(who_is_reported_and_was_cleared_once_breaks_p8),
      HISTORY(who_did_his_part_is_reported),
      HISTORY(a_callback_inside_a_call_breaks_p10),
      HISTORY(two_callbacks_break_p10),
      HISTORY(a_callback_after_an_error_return_breaks_p10),
      HISTORY(a_callback_of_a_crashed_member_breaks_p10),
  };
  return !!cmocka_run_group_tests_name("promises", tests, NULL, NULL);
}
