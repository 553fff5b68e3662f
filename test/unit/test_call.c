/* core/call: the conversation with the transport. */
#include "core_room.h"

static void start_runs_from_a_turn_with_the_question(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  int mine;
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 250);
  assert_int_equal(r.calls_started, 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 1);
  gcache_call_t *call = r.calls[0];
  assert_int_equal(gcache_call_op(call), GCACHE_OP_GET);
  assert_string_equal(gcache_call_peer(call), ROOM_B);
  assert_string_equal(gcache_call_group(call), "g");
  assert_int_equal(gcache_call_key(call).len, strlen(key));
  assert_memory_equal(gcache_call_key(call).base, key, strlen(key));
  assert_null(gcache_call_value(call));
  assert_int_equal(gcache_call_time_left_ms(call), 250);
  assert_null(gcache_call_data(call));
  gcache_call_set_data(call, &mine);
  assert_ptr_equal(gcache_call_data(call), &mine);
  assert_true(r.m.held);
  room_close(&r);
}

static void set_carries_its_value(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_set(&r, &p, room_key(&r, ROOM_B, key), "new", 0);
  room_turn(&r);
  assert_int_equal(gcache_call_op(r.calls[0]), GCACHE_OP_SET);
  gcache_bytes_t bytes = gcache_value_bytes(gcache_call_value(r.calls[0]));
  assert_int_equal(bytes.len, 3);
  assert_memory_equal(bytes.base, "new", 3);
  room_close(&r);
}

static void time_left_grows_with_those_who_join_and_ends_with_nobody(void **state) {
  struct room r;
  struct probe a = {0}, b = {0}, c = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &a, key, 100);
  room_turn(&r);
  room_get(&r, &b, key, 400);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 400);
  room_get(&r, &c, key, GCACHE_NO_TIMEOUT);
  assert_true(gcache_call_time_left_ms(r.calls[0]) == UINT64_MAX);
  room_cancel(&r, &a);
  room_cancel(&r, &b);
  room_cancel(&r, &c);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 0);
  room_close(&r);
}

static void answers_inside_start(struct room *r, gcache_call_t *call) {
  room_call_done(r, call, 0, gcache_call_op(call) == GCACHE_OP_GET ? "at once" : NULL, NULL);
}

static void transport_may_answer_inside_start(void **state) {
  struct room r;
  struct probe get = {0};
  struct change_probe change = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  r.start = answers_inside_start;
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0);
  room_run(&r);
  assert_string_equal(get.text, "at once");
  room_clear(&r, &change, 0);
  room_run(&r);
  assert_int_equal(change.status, 0);
  assert_int_equal(r.calls_started, 5);
  room_close(&r);
}

static void refuses_inside_start(struct room *r, gcache_call_t *call) {
  room_call_done(r, call, GCACHE_EBUSY, NULL, "full");
}

static void transport_may_refuse_inside_start(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  r.start = refuses_inside_start;
  room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_run(&r);
  assert_int_equal(p.status, GCACHE_EBUSY);
  assert_string_equal(p.reason, "full");
  assert_int_equal(r.getter_runs,
                   0); /* a second run for a key that its owner may be loading (P1) */
  room_close(&r);
}

static void call_is_not_started_when_nobody_waits_any_more(void **state) {
  struct room r;
  struct probe get = {0};
  struct change_probe change = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &get, key, 0);
  room_remove(&r, &change, key, 0);
  room_cancel(&r, &get);
  room_cancel_change(&r, &change);
  room_run(&r);
  assert_int_equal(r.calls_started, 0);
  assert_int_equal(r.calls_told, 0);
  assert_int_equal(get.status, UV_ECANCELED);
  assert_int_equal(change.status, UV_ECANCELED);
  assert_int_equal(room_stats(&r).peer_errors, 0);
  assert_false(r.m.held);
  room_close(&r);
}

static void value_without_success_or_question_is_released(void **state) {
  struct room r;
  struct probe get = {0};
  struct change_probe change = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &get, key, 0);
  room_turn(&r);
  room_call_done(&r, r.calls[0], UV_EIO, "stray", NULL);
  room_remove(&r, &change, key, 0);
  room_turn(&r);
  room_call_done(&r, r.calls[0], 0, "stray", NULL);
  room_close(&r); /* asserts that no value is left */
}

static void success_without_a_value_is_a_broken_exchange(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_call_done(&r, r.calls[0], 0, NULL, NULL);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(r.core.peers.list[0]->stats.last_error, GCACHE_EPEER);
  room_close(&r);
}

static void transport_that_does_not_know_cancel_is_not_told(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  for (int i = 0; i < 2; i++) {
    room_open_three(&r);
    if (i == 0) r.transport.size = offsetof(gcache_transport_t, cancel);
    if (i == 1) r.transport.cancel = NULL;
    room_get(&r, &a, room_key(&r, ROOM_B, key), 0);
    room_turn(&r);
    room_cancel(&r, &a);
    room_run(&r);
    assert_int_equal(r.calls_told, 0);
    room_get(&r, &b, key, 0);
    room_call_answer(&r, UV_ECANCELED, NULL); /* not asked for: a failed exchange */
    room_run(&r);
    assert_int_equal(r.calls_started, 1);
    assert_int_equal(r.getter_runs, 1);
    room_close(&r);
  }
}

/* ------------------------------------------------------------------------------ counters ---- */

static void exchanges_are_counted_by_kind(void **state) {
  struct room r;
  struct probe get = {0};
  struct change_probe change = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &get, key, 0);
  room_turn(&r);
  assert_int_equal(room_peer_stats(&r, ROOM_B).running, 1);
  room_settle(&r);
  room_set(&r, &change, key, "v", 0);
  room_settle(&r);
  room_remove(&r, &change, key, 0);
  room_settle(&r);
  room_clear(&r, &change, 0);
  room_settle(&r);
  gcache_peer_stats_t b = room_peer_stats(&r, ROOM_B), c = room_peer_stats(&r, ROOM_C);
  assert_int_equal(b.gets, 1);
  assert_int_equal(b.sets, 1);
  assert_int_equal(b.removes, 1);
  assert_int_equal(b.clears, 2);
  assert_int_equal(b.running, 0);
  assert_int_equal(b.failures, 0);
  assert_int_equal(b.is_self, 0);
  assert_int_equal(c.gets + c.sets, 0);
  assert_int_equal(c.removes, 2);
  assert_int_equal(room_peer_stats(&r, ROOM_SELF).is_self, 1);
  assert_int_equal(room_peer_stats(&r, ROOM_SELF).removes, 0);
  room_close(&r);
}

static void failures_are_exchanges_without_a_believable_answer(void **state) {
  static const struct {
    int status;
    uint64_t failures;
    int last;
  } rows[] = {
      {GCACHE_ENOTFOUND, 0, 0},
      {GCACHE_ELOAD, 0, 0},
      {UV_ECONNRESET, 1, UV_ECONNRESET},
      {GCACHE_ENOGROUP, 2, GCACHE_ENOGROUP},
      {GCACHE_ENOTFOUND, 2, GCACHE_ENOGROUP},
      {7, 3, GCACHE_EPEER},
  };
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
    room_turn(&r);
    room_call_done(&r, r.calls[0], rows[i].status, NULL, NULL);
    room_settle(&r);
    assert_int_equal(room_peer_stats(&r, ROOM_B).failures, rows[i].failures);
    assert_int_equal(room_peer_stats(&r, ROOM_B).last_error, rows[i].last);
  }
  room_close(&r);
}

static void call_that_was_cancelled_is_no_failure_of_the_peer(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 10);
  room_advance(&r, 10);
  assert_int_equal(r.calls_told, 1);
  room_call_answer(&r, UV_ECANCELED, NULL);
  room_run(&r);
  assert_int_equal(room_peer_stats(&r, ROOM_B).failures, 0);
  room_close(&r);
}

static void peer_that_left_the_list_lives_as_long_as_its_calls(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  assert_int_equal(room_set_peers(&r, NULL, 0), 0);
  assert_string_equal(gcache_call_peer(r.calls[0]), ROOM_B);
  room_call_answer(&r, 0, "v");
  room_run(&r);
  assert_string_equal(p.text, "v");
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(start_runs_from_a_turn_with_the_question),
      cmocka_unit_test(set_carries_its_value),
      cmocka_unit_test(time_left_grows_with_those_who_join_and_ends_with_nobody),
      cmocka_unit_test(transport_may_answer_inside_start),
      cmocka_unit_test(transport_may_refuse_inside_start),
      cmocka_unit_test(call_is_not_started_when_nobody_waits_any_more),
      cmocka_unit_test(value_without_success_or_question_is_released),
      cmocka_unit_test(success_without_a_value_is_a_broken_exchange),
      cmocka_unit_test(transport_that_does_not_know_cancel_is_not_told),
      cmocka_unit_test(exchanges_are_counted_by_kind),
      cmocka_unit_test(failures_are_exchanges_without_a_believable_answer),
      cmocka_unit_test(call_that_was_cancelled_is_no_failure_of_the_peer),
      cmocka_unit_test(peer_that_left_the_list_lives_as_long_as_its_calls),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
