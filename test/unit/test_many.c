/* core/many, gcache_get_many(): one answer per key, delivered one by one or together.
 * test_many_model compares the answer of each key with single gets. */
#include "many_room.h"

static void assert_got(const struct batch *b, size_t i, const char *text, gcache_from_t from) {
  const struct batch_result *result = &b->results[i];
  assert_int_equal(result->runs, 1);
  assert_int_equal(result->status, 0);
  assert_string_equal(result->text, text);
  assert_int_equal(result->from, from);
}

static void assert_failed(const struct batch *b, size_t i, int status) {
  assert_int_equal(b->results[i].runs, 1);
  assert_int_equal(b->results[i].status, status);
}

/* ------------------------------------------------------------------------------ hits ---- */

static void hits_are_told_in_the_next_turn_and_allocate_for_no_key(void **state) {
  const char *keys[40];
  char names[40][16];
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    room_open_alone(&r);
    for (int i = 0; i < 40; i++) {
      snprintf(names[i], sizeof names[i], i % 4 < 2 ? "k%d" : "usual-key%d", i);
      keys[i] = names[i];
    }
    for (int i = 0; i < 40; i++) {
      room_fill(&r, keys[i], names[39 - i], i % 2 == 0 ? 0 : 5000);
    }
    size_t asked = r.oom.asked;
    assert_int_equal(room_get_many(&r, &b, keys, 40, 0, (enum batch_mode)mode), 0);
    assert_true(r.m.held);
    room_turn(&r);
    assert_int_equal(r.oom.asked - asked, mode == BATCH_EACH ? 0 : 1);
    assert_int_equal(b.runs, 1);
    for (size_t i = 0; i < 40; i++)
      assert_got(&b, i, keys[39 - i], GCACHE_FROM_MAIN);
    assert_false(r.m.held);
    assert_int_equal(room_stats(&r).hits, 40);
    room_close(&r);
  }
}

static void no_keys_is_done_in_the_next_turn(void **state) {
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(room_get_many(&r, &b, NULL, 0, 0, BATCH_HELD), 0);
  room_turn(&r);
  assert_int_equal(b.runs, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ misses ---- */

static void each_is_told_at_once_and_done_after_the_last(void **state) {
  const char *const keys[] = {"a", "b", "the usual hit"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "the usual hit", "h", 0);
  room_get_many(&r, &b, keys, 3, 0, BATCH_EACH);
  room_run(&r);
  assert_int_equal(b.told, 1);
  assert_got(&b, 2, "h", GCACHE_FROM_MAIN);
  room_load_done(&r, r.loads[1], "second", 0);
  room_run(&r);
  assert_int_equal(b.told, 2);
  assert_got(&b, 1, "second", GCACHE_FROM_LOAD);
  assert_int_equal(b.runs, 0);
  room_load_answer(&r, "first");
  room_turn(&r);
  assert_int_equal(b.told, 3);
  assert_int_equal(b.runs, 1);
  room_close(&r);
}

static void without_each_nothing_is_told_before_the_last(void **state) {
  const char *const keys[] = {"a", "b", "the usual hit"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "the usual hit", "h", 0);
  room_get_many(&r, &b, keys, 3, 0, BATCH_HELD);
  room_run(&r);
  room_load_done(&r, r.loads[1], "second", 0);
  room_run(&r);
  assert_int_equal(b.runs, 0);
  room_load_answer(&r, "first");
  room_turn(&r);
  assert_int_equal(b.runs, 1);
  assert_got(&b, 0, "first", GCACHE_FROM_LOAD);
  assert_got(&b, 1, "second", GCACHE_FROM_LOAD);
  assert_got(&b, 2, "h", GCACHE_FROM_MAIN);
  room_close(&r);
}

static void keys_of_one_turn_are_asked_in_it(void **state) {
  const char *keys[20];
  char names[20][16];
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_three(&r);
  for (int i = 0; i < 20; i++)
    keys[i] = room_key(&r, i % 2 == 0 ? ROOM_B : ROOM_C, names[i]);
  room_get_many(&r, &b, keys, 20, 0, BATCH_HELD);
  assert_int_equal(r.calls_started, 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 20);
  room_settle(&r);
  assert_int_equal(b.runs, 1);
  for (size_t i = 0; i < 20; i++)
    assert_got(&b, i, "settled", GCACHE_FROM_PEER);
  room_close(&r);
}

static void equal_keys_share_a_load_and_each_is_told(void **state) {
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    char own[16], theirs[16];
    room_open_three(&r);
    room_key(&r, ROOM_SELF, own);
    room_key(&r, ROOM_B, theirs);
    const char *const keys[] = {own, theirs, own, theirs, own};
    room_get_many(&r, &b, keys, 5, 0, (enum batch_mode)mode);
    room_turn(&r);
    assert_int_equal(r.getter_runs, 1);
    assert_int_equal(r.calls_started, 1);
    room_settle(&r);
    for (size_t i = 0; i < 5; i++)
      assert_got(&b, i, "settled", i % 2 == 0 ? GCACHE_FROM_LOAD : GCACHE_FROM_PEER);
    room_close(&r);
  }
}

static void slow_key_times_out_alone(void **state) {
  const char *const keys[] = {"slow", "quick"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_get_many(&r, &b, keys, 2, 100, BATCH_HELD);
  room_turn(&r);
  room_load_done(&r, r.loads[1], "q", 0);
  room_advance(&r, 99);
  assert_int_equal(b.runs, 0);
  room_advance(&r, 1);
  assert_int_equal(b.runs, 1);
  assert_failed(&b, 0, UV_ETIMEDOUT);
  assert_got(&b, 1, "q", GCACHE_FROM_LOAD);
  room_settle(&r);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ refused ---- */

static void what_a_get_refuses_is_the_status_of_that_key(void **state) {
  char long_key[66];
  memset(long_key, 'k', 65);
  long_key[65] = '\0';
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    const gcache_bytes_t keys[] = {gcache_cstr("a"), gcache_cstr(long_key), gcache_bytes(NULL, 3),
                                   gcache_cstr("")};
    room_open_alone(&r);
    assert_int_equal(room_get_bytes(&r, &b, keys, 4, 0, (enum batch_mode)mode), 0);
    room_settle(&r);
    assert_int_equal(b.runs, 1);
    assert_got(&b, 0, "settled", GCACHE_FROM_LOAD);
    assert_failed(&b, 1, UV_EMSGSIZE);
    assert_failed(&b, 2, UV_EINVAL);
    assert_got(&b, 3, "settled", GCACHE_FROM_LOAD);
    room_close(&r);
  }
}

static void refused_call_starts_nothing(void **state) {
  struct room r;
  struct batch b = {0};
  gcache_many_t many;
  gcache_get_t get;
  gcache_bytes_t key = gcache_cstr("k");
  const char *const keys[] = {"k"};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(gcache_get_many(&many, r.group, &key, 1, &get, 0, NULL, NULL), UV_EINVAL);
  assert_int_equal(gcache_get_many(&many, r.group, NULL, 1, &get, 0, NULL, batch_on_done),
                   UV_EINVAL);
  assert_int_equal(gcache_get_many(&many, r.group, &key, 1, NULL, 0, NULL, batch_on_done),
                   UV_EINVAL);
  assert_int_equal(
      gcache_get_many(&many, r.group, &key, GCACHE_MANY_MAX + 1, &get, 0, NULL, batch_on_done),
      UV_E2BIG);
  oom_fail_nth(&r.oom, 1);
  assert_int_equal(room_get_many(&r, &b, keys, 1, 0, BATCH_HELD), UV_ENOMEM);
  oom_heal(&r.oom);
  room_begin_close(&r);
  assert_int_equal(room_get_many(&r, &b, keys, 1, 0, BATCH_HELD), GCACHE_ECLOSING);
  room_close(&r);
  assert_int_equal(b.runs, 0);
  assert_int_equal(r.getter_runs, 0);
}

static void key_without_memory_says_so_and_the_others_are_answered(void **state) {
  const char *const keys[] = {"the usual hit", "a", "b"};
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    room_open_alone(&r);
    room_fill(&r, "the usual hit", "h", 0);
    room_fill(&r, "warm", "the deadlines' heap", 0);
    oom_fail_nth(&r.oom, mode == BATCH_HELD ? 2 : 1); /* the load of "a" */
    assert_int_equal(room_get_many(&r, &b, keys, 3, 0, (enum batch_mode)mode), 0);
    assert_int_equal(r.oom.refused, 1);
    oom_heal(&r.oom);
    room_settle(&r);
    assert_got(&b, 0, "h", GCACHE_FROM_MAIN);
    assert_failed(&b, 1, UV_ENOMEM);
    assert_got(&b, 2, "settled", GCACHE_FROM_LOAD);
    room_close(&r);
  }
}

/* ------------------------------------------------------------------------------ cancel ---- */

static void cancel_ends_all_that_was_not_told(void **state) {
  const char *const keys[] = {"the usual hit", "a", "b"};
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    room_open_alone(&r);
    room_fill(&r, "the usual hit", "h", 0);
    room_get_many(&r, &b, keys, 3, 0, (enum batch_mode)mode);
    room_run(&r);
    room_load_answer(&r, "first");
    room_run(&r);
    room_cancel_many(&r, &b);
    room_cancel_many(&r, &b);
    assert_int_equal(b.runs, 0);
    room_run(&r);
    assert_int_equal(b.runs, 1);
    assert_int_equal(b.results[0].status, mode == BATCH_EACH ? 0 : UV_ECANCELED);
    assert_int_equal(b.results[1].status, mode == BATCH_EACH ? 0 : UV_ECANCELED);
    assert_failed(&b, 2, UV_ECANCELED);
    assert_int_equal(r.getters_told, 1);
    assert_int_equal(room_stats(&r).cancels, mode == BATCH_EACH ? 1 : 3);
    room_settle(&r);
    room_close(&r);
  }
}

static void cancel_before_the_first_turn_ends_the_hits_too(void **state) {
  const char *const keys[] = {"the usual hit", "a"};
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    room_open_alone(&r);
    room_fill(&r, "the usual hit", "h", 0);
    size_t runs = r.getter_runs;
    room_get_many(&r, &b, keys, 2, 0, (enum batch_mode)mode);
    room_cancel_many(&r, &b);
    room_run(&r);
    assert_failed(&b, 0, UV_ECANCELED);
    assert_failed(&b, 1, UV_ECANCELED);
    assert_int_equal(r.getter_runs, runs);
    room_close(&r);
  }
}

static void one_key_can_be_cancelled_alone(void **state) {
  const char *const keys[] = {"the usual hit", "a", "b"};
  (void)state;
  for (int mode = BATCH_HELD; mode <= BATCH_EACH; mode++) {
    struct room r;
    struct batch b = {0};
    room_open_alone(&r);
    room_fill(&r, "the usual hit", "h", 0);
    room_get_many(&r, &b, keys, 3, 0, (enum batch_mode)mode);
    room_cancel_one(&r, &b, 0);
    room_cancel_one(&r, &b, 1);
    room_settle(&r);
    assert_failed(&b, 0, UV_ECANCELED);
    assert_failed(&b, 1, UV_ECANCELED);
    assert_got(&b, 2, "settled", GCACHE_FROM_LOAD);
    room_close(&r);
  }
}

static void cancel_from_each(struct batch *b, size_t i) {
  if (i == 1) gcache_many_cancel(b->req);
}

static void callback_of_one_may_cancel_the_rest(void **state) {
  const char *const keys[] = {"usual-hit-0", "usual-hit-1", "h2", "miss"};
  struct room r;
  struct batch b = {.then_each = cancel_from_each};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "usual-hit-0", "v", 0);
  room_fill(&r, "usual-hit-1", "v", 0);
  room_fill(&r, "h2", "v", 0);
  room_get_many(&r, &b, keys, 4, 0, BATCH_EACH);
  room_settle(&r);
  assert_got(&b, 0, "v", GCACHE_FROM_MAIN);
  assert_got(&b, 1, "v", GCACHE_FROM_MAIN);
  assert_failed(&b, 2, UV_ECANCELED);
  assert_failed(&b, 3, UV_ECANCELED);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ close ---- */

static void close_group(struct batch *b) {
  gcache_group_close(b->room->group, room_on_group_closed, b->room);
}

static void close_from_each(struct batch *b, size_t i) {
  if (i == 0) close_group(b);
}

static void callback_of_one_may_close_the_group(void **state) {
  const char *const keys[] = {"usual-hit-0", "usual-hit-1", "miss"};
  struct room r;
  struct batch b = {.then_each = close_from_each};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "usual-hit-0", "v", 0);
  room_fill(&r, "usual-hit-1", "v", 0);
  room_get_many(&r, &b, keys, 3, 0, BATCH_EACH);
  room_settle(&r);
  assert_got(&b, 0, "v", GCACHE_FROM_MAIN);
  assert_failed(&b, 1, UV_ECANCELED);
  assert_failed(&b, 2, UV_ECANCELED);
  assert_int_equal(r.groups_closed, 1);
  room_close(&r);
}

static void done_may_close_the_group_and_keep_a_value(void **state) {
  const char *const keys[] = {"usual-hit-0", "miss"};
  struct room r;
  struct batch b = {.then = close_group};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "usual-hit-0", "v", 0);
  room_get_many(&r, &b, keys, 2, 0, BATCH_HELD);
  room_settle(&r);
  assert_got(&b, 0, "v", GCACHE_FROM_MAIN);
  assert_int_equal(r.groups_closed, 1);
  room_close(&r);
}

static void close_ends_what_is_held(void **state) {
  const char *const keys[] = {"the usual hit", "a", "b"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "the usual hit", "h", 0);
  room_get_many(&r, &b, keys, 3, 0, BATCH_HELD);
  room_run(&r);
  room_load_answer(&r, "first");
  room_run(&r);
  room_begin_close(&r);
  room_run(&r);
  assert_int_equal(b.runs, 1);
  for (size_t i = 0; i < 3; i++)
    assert_failed(&b, i, UV_ECANCELED);
  room_close(&r);
}

static void ask_again(struct batch *b) {
  const char *const keys[] = {"a", "the usual hit"};
  b->then = NULL;
  assert_int_equal(room_get_many(b->room, b, keys, 2, 0, BATCH_HELD), 0);
}

static void done_may_ask_again(void **state) {
  const char *const keys[] = {"a"};
  struct room r;
  struct batch b = {.then = ask_again};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "the usual hit", "h", 0);
  room_get_many(&r, &b, keys, 1, 0, BATCH_EACH);
  room_settle(&r);
  assert_int_equal(b.runs, 1);
  assert_got(&b, 0, "settled", GCACHE_FROM_MAIN);
  assert_got(&b, 1, "h", GCACHE_FROM_MAIN);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ expiry ---- */

static gcache_load_t *load_of(struct room *r, const char *key) {
  for (size_t i = 0; i < r->n_loads; i++) {
    gcache_bytes_t own = gcache_load_key(r->loads[i]);
    if (own.len == strlen(key) && memcmp(own.base, key, own.len) == 0) return r->loads[i];
  }
  fail_msg("no load of %s", key);
  return NULL;
}

static void value_that_expires_while_held_is_asked_for_again(void **state) {
  const char *const keys[] = {"near", "far", "loaded", "slow"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "near", "n", 500);
  room_fill(&r, "far", "f", 2000);
  room_get_many(&r, &b, keys, 4, 0, BATCH_HELD);
  room_run(&r);
  room_load_done(&r, load_of(&r, "loaded"), "l", 2000);
  room_advance(&r, 2500);
  room_load_done(&r, load_of(&r, "slow"), "s", 0);
  room_run(&r);
  assert_int_equal(b.runs, 0);
  assert_int_equal(r.n_loads, 3);
  room_load_done(&r, load_of(&r, "near"), "n2", 0);
  room_load_done(&r, load_of(&r, "far"), "f2", 0);
  room_load_done(&r, load_of(&r, "loaded"), "l2", 0);
  room_turn(&r);
  assert_int_equal(b.runs, 1);
  assert_got(&b, 0, "n2", GCACHE_FROM_LOAD);
  assert_got(&b, 1, "f2", GCACHE_FROM_LOAD);
  assert_got(&b, 2, "l2", GCACHE_FROM_LOAD);
  assert_got(&b, 3, "s", GCACHE_FROM_LOAD);
  assert_int_equal(room_stats(&r).gets, 6); /* room_fill's, too */
  assert_int_equal(room_stats(&r).hits, 0); /* what came too late was a miss */
  room_close(&r);
}

static void value_that_expires_while_held_again_is_a_failed_load(void **state) {
  const char *const keys[] = {"short", "slow"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_get_many(&r, &b, keys, 2, 0, BATCH_HELD);
  room_run(&r);
  room_load_done(&r, load_of(&r, "short"), "1", 1000);
  room_advance(&r, 1500);
  room_load_done(&r, load_of(&r, "slow"), "s", 2000);
  room_run(&r);
  assert_int_equal(r.n_loads, 1); /* "short", again */
  room_advance(&r, 2500);         /* "slow" expires now */
  room_load_answer(&r, "2");
  room_run(&r);
  assert_int_equal(b.runs, 1);
  assert_got(&b, 0, "2", GCACHE_FROM_LOAD);
  assert_failed(&b, 1, GCACHE_ELOAD);
  assert_string_equal(b.results[1].reason, "the value expired before it could be delivered");
  room_close(&r);
}

static void what_is_asked_for_again_has_the_time_that_is_left(void **state) {
  const char *const keys[] = {"short", "slow"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_get_many(&r, &b, keys, 2, 3000, BATCH_HELD);
  room_run(&r);
  room_load_done(&r, load_of(&r, "short"), "1", 1000);
  room_advance(&r, 2000);
  room_load_done(&r, load_of(&r, "slow"), "s", 0);
  room_advance(&r, 999);
  assert_int_equal(b.runs, 0);
  room_advance(&r, 1);
  assert_int_equal(b.runs, 1);
  assert_failed(&b, 0, UV_ETIMEDOUT);
  assert_got(&b, 1, "s", GCACHE_FROM_LOAD);
  room_settle(&r);
  room_close(&r);
}

/* As single gets, one after the other: that the owner failed the first question says nothing of the
 * second. */
static void what_is_asked_for_again_is_asked_of_an_owner_that_failed(void **state) {
  struct room r;
  struct batch b = {0};
  char theirs[16], slow[16];
  (void)state;
  for (int fails = 0; fails < 2; fails++) {
    room_open_three(&r);
    const char *const keys[] = {room_key(&r, ROOM_B, theirs), room_key(&r, ROOM_SELF, slow)};
    room_get_many(&r, &b, keys, 2, 0, BATCH_HELD);
    room_run(&r);
    room_call_answer(&r, GCACHE_EPEER, NULL);
    room_run(&r);
    room_load_done(&r, load_of(&r, theirs), "1", 1000);
    room_advance(&r, 1500);
    room_load_done(&r, load_of(&r, slow), "s", 0);
    room_run(&r);
    assert_int_equal(r.n_loads, 0); /* the owner's getter may be running */
    assert_int_equal(r.n_calls, 1);
    room_call_answer(&r, fails ? GCACHE_EPEER : 0, fails ? NULL : "2");
    room_run(&r);
    if (fails) room_load_done(&r, load_of(&r, theirs), "2", 0);
    room_run(&r);
    assert_int_equal(b.runs, 1);
    assert_got(&b, 0, "2", fails ? GCACHE_FROM_LOAD : GCACHE_FROM_PEER);
    assert_got(&b, 1, "s", GCACHE_FROM_LOAD);
    room_close(&r);
  }
}

static void with_each_a_near_expiry_is_no_matter(void **state) {
  const char *const keys[] = {"near", "slow"};
  struct room r;
  struct batch b = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "near", "n", 500);
  room_get_many(&r, &b, keys, 2, 0, BATCH_EACH);
  room_turn(&r);
  assert_got(&b, 0, "n", GCACHE_FROM_MAIN);
  room_settle(&r);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hits_are_told_in_the_next_turn_and_allocate_for_no_key),
      cmocka_unit_test(no_keys_is_done_in_the_next_turn),
      cmocka_unit_test(each_is_told_at_once_and_done_after_the_last),
      cmocka_unit_test(without_each_nothing_is_told_before_the_last),
      cmocka_unit_test(keys_of_one_turn_are_asked_in_it),
      cmocka_unit_test(equal_keys_share_a_load_and_each_is_told),
      cmocka_unit_test(slow_key_times_out_alone),
      cmocka_unit_test(what_a_get_refuses_is_the_status_of_that_key),
      cmocka_unit_test(refused_call_starts_nothing),
      cmocka_unit_test(key_without_memory_says_so_and_the_others_are_answered),
      cmocka_unit_test(cancel_ends_all_that_was_not_told),
      cmocka_unit_test(cancel_before_the_first_turn_ends_the_hits_too),
      cmocka_unit_test(one_key_can_be_cancelled_alone),
      cmocka_unit_test(callback_of_one_may_cancel_the_rest),
      cmocka_unit_test(callback_of_one_may_close_the_group),
      cmocka_unit_test(done_may_close_the_group_and_keep_a_value),
      cmocka_unit_test(close_ends_what_is_held),
      cmocka_unit_test(done_may_ask_again),
      cmocka_unit_test(value_that_expires_while_held_is_asked_for_again),
      cmocka_unit_test(value_that_expires_while_held_again_is_a_failed_load),
      cmocka_unit_test(what_is_asked_for_again_has_the_time_that_is_left),
      cmocka_unit_test(what_is_asked_for_again_is_asked_of_an_owner_that_failed),
      cmocka_unit_test(with_each_a_near_expiry_is_no_matter),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
