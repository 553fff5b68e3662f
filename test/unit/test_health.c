/* Peers that go down and come back, as one member sees them: when, for how long, what is sent to
 * them meanwhile, and which peer is asked in their place. */
#include "core_room.h"

static struct room room;

/* self, B and C, over a transport that can ping. */
static struct room *open_three(void) {
  room_open_three(&room);
  room.transport.can = GCACHE_CAN_PING;
  return &room;
}

static int state_of(struct room *r, const char *url) {
  return room_peer_stats(r, url).state;
}

/* One question to B, whose exchange ends so; all that follows is settled. */
static void ask_b(struct room *r, int status) {
  struct probe p = {0};
  char key[16];
  assert_int_equal(room_get(r, &p, room_key(r, ROOM_B, key), 0), 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 1);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_B);
  room_call_answer(r, status, status == 0 ? "v" : NULL);
  room_settle(r);
  assert_int_equal(p.runs, 1);
}

static void knock_down(struct room *r) {
  ask_b(r, UV_ECONNREFUSED);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
}

/* Time passes until B is pinged; how much. */
static uint64_t wait_for_ping(struct room *r) {
  uint64_t before = r->m.clock->mono_ms;
  while (r->n_calls == 0)
    room_advance(r, 1);
  assert_int_equal(gcache_call_op(r->calls[0]), GCACHE_OP_PING);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_B);
  assert_string_equal(gcache_call_group(r->calls[0]), "");
  assert_int_equal(gcache_call_key(r->calls[0]).len, 0);
  return r->m.clock->mono_ms - before;
}

/* ------------------------------------------------------------------------------ going down ---- */

static void peer_that_cannot_be_reached_is_down_at_once(void **state) {
  static const int statuses[] = {UV_ECONNREFUSED, UV_EHOSTUNREACH, UV_ENETUNREACH, UV_EAI_NONAME,
                                 UV_EAI_AGAIN};
  (void)state;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    struct room *r = open_three();
    ask_b(r, statuses[i]);
    assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
    assert_int_equal(room_peer_stats(r, ROOM_B).opened, 1);
    assert_int_equal(state_of(r, ROOM_C), GCACHE_PEER_UP);
    assert_int_equal(r->m.level, GCACHE_LOG_WARN);
    assert_non_null(strstr(r->m.line, "peer http://b:1 is down"));
    room_close(r);
  }
}

static void three_failures_in_a_row_take_a_peer_down(void **state) {
  struct room *r = open_three();
  (void)state;
  ask_b(r, GCACHE_EPEER);
  ask_b(r, UV_ECONNRESET);
  ask_b(r, GCACHE_ENOTFOUND); /* a sign of life */
  ask_b(r, GCACHE_EPEER);
  ask_b(r, GCACHE_EPEER);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  ask_b(r, GCACHE_EPEER);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  room_close(r);
}

static void failures_of_one_moment_count_once(void **state) {
  struct room *r = open_three();
  struct probe p[8] = {0};
  char key[16];
  (void)state;
  for (int i = 0; i < 8; i++)
    room_get(r, &p[i], room_key(r, ROOM_B, key), 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 8); /* over one connection, say, which breaks */
  for (int i = 0; i < 8; i++)
    room_call_answer(r, UV_ECONNRESET, NULL);
  room_settle(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  ask_b(r, UV_ECONNRESET);
  ask_b(r, UV_ECONNRESET);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  room_close(r);
}

static void what_says_nothing_of_a_peer_does_not_take_it_down(void **state) {
  static const int statuses[] = {GCACHE_EBUSY, UV_ENOMEM, UV_ENOTSUP, UV_ECANCELED, UV_EINVAL};
  struct room *r = open_three();
  (void)state;
  for (int again = 0; again < 3; again++)
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
      ask_b(r, statuses[i]);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  room_close(r);
}

/* An early 504 of the owner: it is there, whatever its clock. */
static void owner_that_says_its_time_ran_out_is_there(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  for (int i = 0; i < 2; i++)
    ask_b(r, GCACHE_EPEER);
  for (int i = 0; i < 4; i++) {
    room_get(r, &p, room_key(r, ROOM_B, key), 1000);
    room_turn(r);
    assert_int_equal(r->n_calls, 1);
    assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_B);
    room_call_answer(r, UV_ETIMEDOUT, NULL);
    room_settle(r);
    assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  }
  ask_b(r, GCACHE_EPEER); /* the first in a row again */
  ask_b(r, GCACHE_EPEER);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  ask_b(r, GCACHE_EPEER);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  room_close(r);
}

/* What took it down was that time ran out, here: that is no word of the owner's. */
static void question_given_up_with_a_silent_peer_is_no_sign_of_life(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_get(r, &p, room_key(r, ROOM_B, key), GCACHE_NO_TIMEOUT);
  room_turn(r);
  room_advance(r, 8500);
  assert_int_equal(r->n_calls, 2);
  room_call_done(r, r->calls[1], UV_ECANCELED, NULL, NULL); /* the ping */
  room_run(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  uint32_t lives = gci_peers_find(&r->core.peers, ROOM_B)->health.lives;
  room_call_done(r, r->calls[0], UV_ECANCELED, NULL, NULL);
  assert_int_equal(gci_peers_find(&r->core.peers, ROOM_B)->health.lives, lives);
  room_settle(r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  room_close(r);
}

static void silent_peer_is_pinged_and_taken_down_when_it_does_not_answer(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_get(r, &p, room_key(r, ROOM_B, key), GCACHE_NO_TIMEOUT);
  room_turn(r);
  room_advance(r, 4999);
  assert_int_equal(r->n_calls, 1);
  room_advance(r, 2501);
  assert_int_equal(r->n_calls, 2);
  assert_int_equal(gcache_call_op(r->calls[1]), GCACHE_OP_PING);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  room_advance(r, 1000);
  assert_int_equal(r->calls_told, 1);
  room_call_done(r, r->calls[1], UV_ECANCELED, NULL, NULL);
  room_run(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  assert_int_equal(r->calls_told, 2); /* the question, which somebody waits for */
  room_call_answer(r, UV_ECANCELED, NULL);
  room_run(r);
  assert_int_equal(r->getter_runs, 1);
  room_settle(r);
  assert_int_equal(p.status, 0);
  room_close(r);
}

/* It failed a change, was told of it later and is asked nothing else: what it owed all the while is still owed. */
static void peer_that_is_up_again_and_hangs_is_found_out(void **state) {
  struct room *r = open_three();
  struct probe slow = {0};
  struct change_probe remove = {0};
  char key[16];
  (void)state;
  room_get(r, &slow, room_key(r, ROOM_B, key), GCACHE_NO_TIMEOUT);
  room_turn(r);
  gcache_call_t *owed = room_call_to(r, ROOM_B);
  room_remove(r, &remove, room_key(r, ROOM_B, key), 0);
  room_turn(r);
  room_call_done(r, r->calls[1], UV_ECONNRESET, NULL, NULL);
  while (r->n_calls > 1 || remove.runs == 0) {
    room_run(r);
    if (r->n_calls > 1) room_call_done(r, r->calls[1], 0, NULL, NULL);
  }
  room_run(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  assert_ptr_equal(room_call_to(r, ROOM_B), owed);
  room_advance(r, 7500); /* half as long again as it may be silent */
  assert_int_equal(room_peer_stats(r, ROOM_B).probes, 1);
  assert_int_equal(slow.runs, 0);
  room_settle(r);
  room_close(r);
}

/* options.ping_ms may be any number. */
static void silence_that_is_allowed_for_ever_is_no_reason_for_a_ping(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  r->core.health.terms.silent_ms = UINT64_MAX;
  room_get(r, &p, room_key(r, ROOM_B, key), GCACHE_NO_TIMEOUT);
  room_turn(r);
  room_advance(r, 3600 * 1000);
  assert_int_equal(room_peer_stats(r, ROOM_B).probes, 0);
  room_settle(r);
  room_close(r);
}

static void silent_peer_that_answers_a_ping_is_left_alone(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_get(r, &p, room_key(r, ROOM_B, key), GCACHE_NO_TIMEOUT);
  room_turn(r);
  for (int i = 0; i < 10; i++) {
    while (r->n_calls < 2)
      room_advance(r, 100);
    room_call_done(r, r->calls[1], 0, NULL, NULL);
    room_run(r);
    assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  }
  assert_int_equal(room_peer_stats(r, ROOM_B).probes, 10);
  assert_int_equal(r->getter_runs, 0);
  assert_int_equal(p.runs, 0);
  room_close(r);
}

static void peer_whose_callers_are_impatient_is_pinged_too(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  int pinged = 0;
  (void)state;
  for (int i = 0; i < 40 && !pinged; i++) {
    room_get(r, &p, room_key(r, ROOM_B, key), 200);
    room_advance(r, 200);
    room_call_answer(r, UV_ECANCELED, NULL);
    pinged = r->n_calls > 0;
  }
  assert_true(pinged);
  room_close(r);
}

static void peer_that_answers_and_is_asked_no_more_is_not_pinged(void **state) {
  struct room *r = open_three();
  (void)state;
  ask_b(r, 0);
  room_advance(r, 60000);
  assert_int_equal(r->n_calls, 0);
  assert_false(r->m.held);
  room_close(r);
}

/* ------------------------------------------------------------------------------ down ---- */

static void peer_that_is_down_is_asked_nothing_but_pings(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  knock_down(r);
  room_get(r, &p, room_key(r, ROOM_B, key), 0);
  room_run(r);
  for (size_t i = 0; i < r->n_calls; i++)
    assert_string_equal(gcache_call_peer(r->calls[i]), ROOM_C);
  room_settle(r);
  assert_int_equal(p.status, 0);
  room_close(r);
}

static void back_off_doubles_to_a_limit_less_up_to_half(void **state) {
  struct room *r = open_three();
  uint64_t full_ms = 250, least = UINT64_MAX, most = 0;
  (void)state;
  knock_down(r);
  for (int i = 0; i < 40; i++) {
    uint64_t ms = wait_for_ping(r);
    assert_in_range(ms, full_ms / 2, full_ms);
    if (full_ms == 8000 && ms < least) least = ms;
    if (full_ms == 8000 && ms > most) most = ms;
    room_call_answer(r, UV_ECONNREFUSED, NULL);
    room_run(r);
    assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
    full_ms = full_ms < 8000 ? 2 * full_ms : 8000;
  }
  assert_true(most - least > 1000); /* members do not come in step */
  assert_int_equal(room_peer_stats(r, ROOM_B).opened, 1);
  assert_int_equal(room_peer_stats(r, ROOM_B).probes, 40);
  assert_true(room_peer_stats(r, ROOM_B).down_ms > 100000);
  room_close(r);
}

static void peer_that_answers_a_ping_is_up_and_back_off_begins_anew_after_an_answer(void **state) {
  struct room *r = open_three();
  (void)state;
  knock_down(r);
  for (int i = 0; i < 3; i++) {
    wait_for_ping(r);
    room_call_answer(r, i < 2 ? UV_ECONNREFUSED : 0, NULL);
    room_run(r);
  }
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  assert_int_equal(r->m.level, GCACHE_LOG_INFO);
  assert_non_null(strstr(r->m.line, "is back"));
  knock_down(r); /* its pings are answered, its questions not */
  assert_in_range(wait_for_ping(r), 1000, 2000);
  room_call_answer(r, 0, NULL);
  room_run(r);
  ask_b(r, 0);
  knock_down(r);
  assert_in_range(wait_for_ping(r), 125, 250);
  room_close(r);
}

static void ping_that_is_not_answered_in_time_is_given_up(void **state) {
  struct room *r = open_three();
  (void)state;
  knock_down(r);
  wait_for_ping(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_PROBING);
  room_advance(r, 999);
  assert_int_equal(r->calls_told, 0);
  room_advance(r, 1);
  assert_int_equal(r->calls_told, 1);
  room_call_answer(r, UV_ECANCELED, NULL);
  room_run(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  room_close(r);
}

static void transport_that_knows_no_ping_lets_the_next_question_try(void **state) {
  struct room *r = open_three();
  (void)state;
  r->transport.can = 0;
  knock_down(r);
  room_advance(r, 250);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  assert_int_equal(r->n_calls, 0);
  knock_down(r);
  r->transport.size = offsetof(gcache_transport_t, can);
  room_advance(r, 500);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  room_close(r);
}

static void pings_and_back_off_do_not_hold_the_loop(void **state) {
  struct room *r = open_three();
  (void)state;
  knock_down(r);
  assert_false(r->m.held);
  wait_for_ping(r);
  assert_false(r->m.held);
  room_call_answer(r, 0, NULL);
  room_run(r);
  assert_false(r->m.held);
  room_close(r);
}

/* ------------------------------------------------------------------------------ instead ---- */

static void next_owner_is_asked_when_the_owner_is_down(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_key_of_two(r, ROOM_B, ROOM_C, key);
  knock_down(r);
  room_get(r, &p, key, 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 1);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_C);
  room_call_answer(r, 0, "from c");
  room_run(r);
  assert_string_equal(p.text, "from c");
  assert_int_equal(r->core.health.retries, 0); /* it was the first to be asked */
  room_close(r);
}

static void what_an_acting_owner_answers_is_not_kept(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_key_of_two(r, ROOM_B, ROOM_C, key);
  knock_down(r);
  room_get(r, &p, key, 0);
  room_turn(r);
  room_call_answer(r, 0, "from c");
  room_run(r);
  assert_false(room_holds(r, key));
  room_close(r);
}

static void question_to_an_acting_owner_is_shared_only_in_its_turn(void **state) {
  struct room *r = open_three();
  struct probe p[3] = {0};
  char key[16];
  (void)state;
  room_key_of_two(r, ROOM_B, ROOM_C, key);
  knock_down(r);
  room_get(r, &p[0], key, 0);
  room_get(r, &p[1], key, 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 1);
  room_get(r, &p[2], key, 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 2);
  room_settle(r);
  for (int i = 0; i < 3; i++)
    assert_int_equal(p[i].status, 0);
  room_close(r);
}

static void failed_question_goes_to_the_next_owner_and_then_here(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_get(r, &p, room_key_of_two(r, ROOM_B, ROOM_C, key), 0);
  room_turn(r);
  room_call_answer(r, GCACHE_EPEER, NULL);
  room_run(r);
  assert_int_equal(r->n_calls, 1);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_C);
  assert_int_equal(r->getter_runs, 0);
  assert_int_equal(r->core.health.retries, 1);
  room_call_answer(r, GCACHE_EPEER, NULL);
  room_run(r);
  assert_int_equal(r->n_calls, 0);
  assert_int_equal(r->getter_runs, 1);
  room_settle(r);
  assert_int_equal(p.from, GCACHE_FROM_LOAD);
  room_close(r);
}

static void question_that_finds_the_owner_gone_is_asked_of_whom_all_others_ask(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_get(r, &p, room_key_of_two(r, ROOM_B, ROOM_C, key), 0);
  room_turn(r);
  room_call_answer(r, UV_ECONNREFUSED, NULL);
  room_run(r);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_C);
  assert_int_equal(r->core.health.retries, 0); /* as everybody's will from now on */
  room_settle(r);
  room_close(r);
}

static void everything_is_loaded_here_when_all_others_are_down(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_key_of_two(r, ROOM_B, ROOM_C, key);
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_C), 1);
  knock_down(r);
  size_t before = r->getter_runs;
  room_get(r, &p, key, 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 0);
  assert_int_equal(r->getter_runs, before + 1);
  room_settle(r);
  room_close(r);
}

static void client_only_member_asks_the_next_owner_too(void **state) {
  struct room *r = &room;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_of_three(r, NULL, GCACHE_HOT_DEFAULT);
  r->transport.can = GCACHE_CAN_PING;
  room_get(r, &p, room_key(r, ROOM_B, key), 0);
  room_turn(r);
  room_call_answer(r, UV_ECONNREFUSED, NULL);
  room_run(r);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_C);
  room_call_answer(r, UV_ECONNREFUSED, NULL);
  room_run(r);
  assert_int_equal(r->getter_runs, 1);
  room_settle(r);
  room_get(r, &p, key, 0);
  room_run(r);
  assert_int_equal(r->getter_runs, 2); /* both are down: at once */
  room_settle(r);
  assert_int_equal(r->core.health.cut_off, 1);
  room_close(r);
}

static void peer_that_leaves_is_asked_for_no_key_and_takes_changes(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  struct change_probe change = {0};
  char key[16];
  (void)state;
  room_key_of_two(r, ROOM_B, ROOM_C, key);
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_B), 1);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_LEAVING);
  room_get(r, &p, key, 0);
  room_turn(r);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_C);
  room_settle(r);
  room_remove(r, &change, key, 0);
  room_settle(r);
  assert_int_equal(change.status, 0);
  assert_int_equal(room_peer_stats(r, ROOM_B).removes, 1);
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_B), 0);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  room_close(r);
}

static void peer_that_leaves_is_pinged_until_it_says_that_it_stays(void **state) {
  struct room *r = open_three();
  (void)state;
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_B), 1);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(wait_for_ping(r), 8000); /* probe_max_ms */
    gcache_call_set_leaving(r->calls[0], i < 2);
    room_call_answer(r, 0, NULL);
    room_run(r);
    assert_int_equal(state_of(r, ROOM_B), i < 2 ? GCACHE_PEER_LEAVING : GCACHE_PEER_UP);
  }
  room_advance(r, 20000);
  assert_int_equal(r->n_calls, 0);
  room_close(r);
}

static void peer_that_leaves_and_is_gone_is_found_to_be(void **state) {
  struct room *r = open_three();
  (void)state;
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_B), 1);
  wait_for_ping(r);
  room_call_answer(r, UV_ECONNREFUSED, NULL);
  room_run(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  wait_for_ping(r);
  room_call_answer(r, 0, NULL); /* of a system that says nothing of it */
  room_run(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_LEAVING);
  assert_int_equal(wait_for_ping(r), 8000);
  room_close(r);
}

static void peer_that_leaves_and_hangs_is_found_out_by_a_change(void **state) {
  struct room *r = open_three();
  struct change_probe p = {0};
  char key[16];
  (void)state;
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_B), 1);
  room_advance(r, 100);
  assert_int_equal(room_remove(r, &p, room_key(r, ROOM_SELF, key), 60000), 0);
  room_run(r);
  room_call_done(r, room_call_to(r, ROOM_C), 0, NULL, NULL);
  room_advance(r, 7500); /* 5000 and half of it */
  assert_int_equal(r->n_calls, 2);
  assert_int_equal(gcache_call_op(r->calls[1]), GCACHE_OP_PING);
  room_close(r);
}

static void ping_of_a_peer_that_has_left_does_not_hold_up_closing(void **state) {
  static const char *const left[] = {ROOM_SELF, ROOM_C};
  struct room *r = open_three();
  (void)state;
  r->core.lists.at_once = 0; /* the list before is taken apart in turns */
  knock_down(r);
  wait_for_ping(r);
  assert_int_equal(room_set_peers(r, left, 2), 0);
  for (int i = 0; r->core.peers.n != 2; i++)
    room_turn(r);
  size_t before = r->calls_told;
  room_begin_close(r);
  room_run(r);
  assert_true(r->calls_told > before);
  room_close(r);
}

static void retries_are_bounded_by_what_is_asked_first(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  size_t retries = 0;
  (void)state;
  r->core.health.terms.set.failures_max = 1000000; /* it fails, and is never down */
  for (int i = 0; i < 300; i++) {
    room_get(r, &p, room_key_of_two(r, ROOM_B, ROOM_C, key), 0);
    room_turn(r);
    room_call_answer(r, GCACHE_EPEER, NULL);
    room_run(r);
    retries += r->n_calls;
    room_settle(r);
    assert_int_equal(p.status, 0);
  }
  assert_in_range(retries, 39, 41); /* 10 to begin with, and a tenth of 300 */
  assert_int_equal(r->core.health.retries, retries);
  assert_int_equal(r->core.health.retries_denied, 300 - retries);
  room_close(r);
}

/* ---------------------------------------------------------------------------- lists, close ---- */

static void peer_stays_down_when_the_list_is_replaced(void **state) {
  const char *const urls[] = {ROOM_SELF, ROOM_C, ROOM_B, "http://d:1"};
  const char *const without[] = {ROOM_SELF, ROOM_C};
  struct room *r = open_three();
  (void)state;
  knock_down(r);
  assert_int_equal(room_set_peers(r, urls, 4), 0);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_DOWN);
  assert_int_equal(r->core.peers.n_out, 1);
  wait_for_ping(r);
  assert_int_equal(room_set_peers(r, without, 2), 0); /* while it is pinged */
  assert_int_equal(r->core.peers.n_out, 0);
  room_call_answer(r, UV_ECONNREFUSED, NULL);
  room_advance(r, 60000);
  assert_int_equal(r->n_calls, 0);
  assert_int_equal(room_set_peers(r, urls, 4), 0);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP); /* nothing is known of it */
  room_close(r);
}

static void cache_closes_in_every_state(void **state) {
  (void)state;
  for (int at = 0; at < 4; at++) {
    struct room *r = open_three();
    if (at == 0) ask_b(r, 0);
    if (at > 0) knock_down(r);
    if (at > 1) wait_for_ping(r);
    if (at > 2) room_call_answer(r, 0, NULL);
    room_close(r); /* answers the ping */
  }
}

static void cache_closes_while_a_peer_that_has_left_is_pinged(void **state) {
  const char *const without[] = {ROOM_SELF, ROOM_C};
  struct room *r = open_three();
  (void)state;
  knock_down(r);
  wait_for_ping(r);
  assert_int_equal(room_set_peers(r, without, 2), 0);
  room_turn(r);
  assert_int_equal(r->calls_told, 1); /* nobody waits for it */
  room_close(r);
}

static void hot_copies_are_dropped_when_a_member_was_cut_off(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[4][16];
  (void)state;
  for (int i = 0; i < 4; i++) {
    room_get(r, &p, room_key_of_two(r, ROOM_B, ROOM_C, key[i]), 0);
    room_turn(r);
    room_call_answer(r, 0, "v");
    room_run(r);
    assert_true(room_holds(r, key[i]));
  }
  knock_down(r);
  assert_false(r->core.health.cut_off); /* half of the others is not more than half */
  room_get(r, &p, room_key_of_two(r, ROOM_C, NULL, key[0]), 0);
  room_turn(r);
  room_call_done(r, room_call_to(r, ROOM_C), UV_ECONNREFUSED, NULL, NULL);
  room_run(r);
  room_settle(r);
  assert_true(r->core.health.cut_off);
  assert_true(room_holds(r, key[1]));
  while (r->core.health.cut_off) {
    room_advance(r, 10);
    room_settle(r); /* whoever is pinged is back */
  }
  room_run(r);
  for (int i = 1; i < 4; i++)
    assert_false(room_holds(r, key[i]));
  assert_int_equal(r->core.health.hot_dropped, 4);
  assert_true(room_stats(r).main.items > 0);
  room_close(r);
}

static void timer_that_finds_no_memory_is_made_up_for_by_questions(void **state) {
  struct room *r = open_three();
  struct probe p = {0};
  char key[16];
  (void)state;
  knock_down(r);
  gci_env_deadline_clear(&r->m.env, &gci_peers_find(&r->core.peers, ROOM_B)->health.timer);
  room_advance(r, 250);
  assert_int_equal(r->n_calls, 0);
  room_get(r, &p, room_key(r, ROOM_B, key), 0);
  room_run(r);
  assert_int_equal(gcache_call_op(room_call_to(r, ROOM_B)), GCACHE_OP_PING);
  room_settle(r);
  assert_int_equal(state_of(r, ROOM_B), GCACHE_PEER_UP);
  room_close(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(peer_that_cannot_be_reached_is_down_at_once),
      cmocka_unit_test(three_failures_in_a_row_take_a_peer_down),
      cmocka_unit_test(failures_of_one_moment_count_once),
      cmocka_unit_test(what_says_nothing_of_a_peer_does_not_take_it_down),
      cmocka_unit_test(owner_that_says_its_time_ran_out_is_there),
      cmocka_unit_test(question_given_up_with_a_silent_peer_is_no_sign_of_life),
      cmocka_unit_test(silent_peer_is_pinged_and_taken_down_when_it_does_not_answer),
      cmocka_unit_test(peer_that_is_up_again_and_hangs_is_found_out),
      cmocka_unit_test(silence_that_is_allowed_for_ever_is_no_reason_for_a_ping),
      cmocka_unit_test(silent_peer_that_answers_a_ping_is_left_alone),
      cmocka_unit_test(peer_whose_callers_are_impatient_is_pinged_too),
      cmocka_unit_test(peer_that_answers_and_is_asked_no_more_is_not_pinged),
      cmocka_unit_test(peer_that_is_down_is_asked_nothing_but_pings),
      cmocka_unit_test(back_off_doubles_to_a_limit_less_up_to_half),
      cmocka_unit_test(peer_that_answers_a_ping_is_up_and_back_off_begins_anew_after_an_answer),
      cmocka_unit_test(ping_that_is_not_answered_in_time_is_given_up),
      cmocka_unit_test(transport_that_knows_no_ping_lets_the_next_question_try),
      cmocka_unit_test(pings_and_back_off_do_not_hold_the_loop),
      cmocka_unit_test(next_owner_is_asked_when_the_owner_is_down),
      cmocka_unit_test(what_an_acting_owner_answers_is_not_kept),
      cmocka_unit_test(question_to_an_acting_owner_is_shared_only_in_its_turn),
      cmocka_unit_test(failed_question_goes_to_the_next_owner_and_then_here),
      cmocka_unit_test(question_that_finds_the_owner_gone_is_asked_of_whom_all_others_ask),
      cmocka_unit_test(everything_is_loaded_here_when_all_others_are_down),
      cmocka_unit_test(client_only_member_asks_the_next_owner_too),
      cmocka_unit_test(peer_that_leaves_is_asked_for_no_key_and_takes_changes),
      cmocka_unit_test(peer_that_leaves_is_pinged_until_it_says_that_it_stays),
      cmocka_unit_test(peer_that_leaves_and_is_gone_is_found_to_be),
      cmocka_unit_test(peer_that_leaves_and_hangs_is_found_out_by_a_change),
      cmocka_unit_test(ping_of_a_peer_that_has_left_does_not_hold_up_closing),
      cmocka_unit_test(retries_are_bounded_by_what_is_asked_first),
      cmocka_unit_test(peer_stays_down_when_the_list_is_replaced),
      cmocka_unit_test(cache_closes_in_every_state),
      cmocka_unit_test(cache_closes_while_a_peer_that_has_left_is_pinged),
      cmocka_unit_test(hot_copies_are_dropped_when_a_member_was_cut_off),
      cmocka_unit_test(timer_that_finds_no_memory_is_made_up_for_by_questions),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
