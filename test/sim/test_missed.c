/* The oracle notices what it must notice about peers that have missed a change. Member 2 owns the
 * keys. */
#include "history.h"

static struct promises_deed deed(int on, enum promises_kind kind, unsigned key) {
  return (struct promises_deed){
      .by = 0, .on = on, .kind = kind, .key = key, .sent_seq = promises_tick(&p)};
}

static void did(int on, enum promises_kind kind, unsigned key) {
  struct promises_deed d = deed(on, kind, key);
  promises_deed(&p, &d);
}

/* Member 0 removes or clears; those of `missed` have not. */
static void missed_by(uint64_t missed, enum promises_kind kind, unsigned key) {
  size_t change = promises_began(&p, kind, 0, key, PROMISES_NEVER);
  for (int on = 1; on < 3; on++)
    if (!(missed >> on & 1)) did(on, kind, key);
  promises_missed(&p, change, kind == PROMISES_CLEAR ? -1 : 2, missed);
  promises_change_ended(&p, change, GCACHE_EPARTIAL, ALL, ALL & ~missed, 0);
}

static void answered(int member, unsigned key, uint64_t serial) {
  struct promises_end end = {.serial = serial, .wall_unix_ns = WALL};
  promises_ended(&p, promises_began(&p, PROMISES_ANSWER, member, key, PROMISES_NEVER), &end);
}

static void a_peer_that_was_not_told_is_not_asked_for_the_key(void **state) {
  (void)state;
  missed_by(4, PROMISES_REMOVE, 1);
  promises_asks(&p, 0, 2, 3);
  promises_asks(&p, 0, 1, 1);
  promises_asks(&p, 1, 2, 1); /* who does not know may ask */
  assert_holds();
  promises_asks(&p, 0, 2, 1);
  assert_breaks("P8");
}

static void nor_for_any_of_a_group_that_was_cleared(void **state) {
  (void)state;
  missed_by(4, PROMISES_CLEAR, 1);
  promises_asks(&p, 0, 2, 2);
  assert_holds();
  promises_asks(&p, 0, 2, 3);
  assert_breaks("P8");
}

static void a_peer_that_was_told_is_asked(void **state) {
  (void)state;
  missed_by(4, PROMISES_REMOVE, 1);
  did(2, PROMISES_REMOVE, 1);
  promises_asks(&p, 0, 2, 1);
  missed_by(4, PROMISES_REMOVE, 3);
  did(2, PROMISES_CLEAR, 1); /* of its group */
  promises_asks(&p, 0, 2, 3);
  assert_holds();
  assert_int_equal(p.told_late, 2);
}

static void what_was_sent_before_the_change_tells_nothing(void **state) {
  (void)state;
  struct promises_deed early = deed(2, PROMISES_REMOVE, 1);
  missed_by(4, PROMISES_REMOVE, 1);
  promises_deed(&p, &early);
  promises_asks(&p, 0, 2, 1);
  assert_breaks("P8");
}

static void an_owner_that_was_told_answers_with_nothing_older(void **state) {
  (void)state;
  uint64_t old = loaded(2, 1, 0);
  missed_by(4, PROMISES_REMOVE, 1);
  answered(2, 1, old);
  assert_holds();
  did(2, PROMISES_REMOVE, 1);
  answered(2, 1, old);
  assert_breaks("P8");
}

static void when_all_were_told_after_the_owner_nobody_delivers_what_is_older(void **state) {
  (void)state;
  uint64_t old = loaded(2, 1, 0);
  missed_by(4, PROMISES_REMOVE, 1);
  did(2, PROMISES_REMOVE, 1);
  got(get(1, 1), 0, old); /* fetched from the owner before */
  assert_holds();
  assert_int_equal(p.late_floors, 0);
  did(1, PROMISES_REMOVE, 1);
  assert_int_equal(p.late_floors, 1);
  got(get(1, 1), 0, old);
  assert_breaks("P2");
}

static void who_can_be_reached_and_is_not_told_is_noticed(void **state) {
  (void)state;
  missed_by(4, PROMISES_REMOVE, 1);
  missed_by(2, PROMISES_REMOVE, 3);
  promises_list(&p, 0, 5); /* 1 has left */
  promises_down(&p, 2);
  promises_all_told_check(&p);
  assert_holds();
  promises_up(&p, 2, 0, ALL);
  promises_all_told_check(&p);
  assert_breaks("P8");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      HISTORY(a_peer_that_was_not_told_is_not_asked_for_the_key),
      HISTORY(nor_for_any_of_a_group_that_was_cleared),
      HISTORY(a_peer_that_was_told_is_asked),
      HISTORY(what_was_sent_before_the_change_tells_nothing),
      HISTORY(an_owner_that_was_told_answers_with_nothing_older),
      HISTORY(when_all_were_told_after_the_owner_nobody_delivers_what_is_older),
      HISTORY(who_can_be_reached_and_is_not_told_is_noticed),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
