/* core/load with core/gate: loads that wait for a place, and loads for which there is none. */
#include "core/group.h"
#include "fresh_room.h"

static void open_narrow(struct room *r, unsigned places, unsigned queue) {
  room_init(r);
  struct gci_core_options core = room_core_options(r, NULL);
  assert_int_equal(room_try_open(r, &core), 0);
  gcache_group_options_t o = room_group_options(r);
  o.error_ms = 10000;
  o.stale_ms = 1000;
  o.loads_max = places;
  o.loads_queued_max = queue;
  assert_int_equal(gcache_group_open(&r->group, &r->core, "g", &o), 0);
}

static void get_turn(struct room *r, struct probe *p, const char *key, uint64_t timeout_ms) {
  assert_int_equal(room_get(r, p, key, timeout_ms), 0);
  room_turn(r);
}

static void assert_ends(struct room *r, const struct probe *p, int status) {
  room_run(r);
  assert_int_equal(p->runs, 1);
  assert_int_equal(p->status, status);
}

/* ------------------------------------------------------------------------------ waiting ---- */

static void loads_beyond_the_places_wait_and_run_in_order(void **state) {
  struct room r;
  struct probe p[5] = {0};
  const char *keys[] = {"a", "b", "c", "d", "e"};
  (void)state;
  open_narrow(&r, 2, 10);
  for (int i = 0; i < 5; i++)
    room_get(&r, &p[i], keys[i], 0);
  room_run(&r);
  assert_int_equal(r.getter_runs, 2);
  assert_int_equal(room_stats(&r).loading, 2);
  assert_int_equal(room_stats(&r).loads_queued, 3);
  for (int i = 0; i < 5; i++) {
    gcache_bytes_t key = gcache_load_key(r.loads[0]);
    assert_memory_equal(key.base, keys[i], key.len);
    room_load_answer(&r, "v");
    assert_int_equal(r.n_loads, i < 4 ? 1 : 0); /* no getter inside the answer */
    assert_ends(&r, &p[i], 0);
  }
  assert_int_equal(r.getter_runs, 5);
  assert_int_equal(room_stats(&r).loads_queued, 0);
  assert_int_equal(room_stats(&r).loads_shed, 0);
  assert_false(r.m.held);
  room_close(&r);
}

static void ten_thousand_loads_of_a_turn_do_not_wait_by_default(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  assert_true(r.group->gate.inside_max >= 10000);
  assert_true(r.group->gate.waiting_max >= r.group->gate.inside_max);
  room_close(&r);
}

static void a_load_that_waits_is_joined(void **state) {
  struct room r;
  struct probe p[3] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 0);
  get_turn(&r, &p[2], "b", 0);
  assert_int_equal(room_stats(&r).loads_queued, 1);
  room_load_answer(&r, "a");
  room_run(&r);
  room_load_answer(&r, "b");
  room_run(&r);
  assert_string_equal(p[1].text, "b");
  assert_string_equal(p[2].text, "b");
  assert_int_equal(r.getter_runs, 2);
  room_close(&r);
}

static void a_load_whose_callers_have_left_the_queue_never_runs(void **state) {
  struct room r;
  struct probe p[4] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 50);
  get_turn(&r, &p[2], "c", 0);
  get_turn(&r, &p[3], "d", 0);
  assert_int_equal(room_stats(&r).loads_queued, 3);
  room_advance(&r, 60);
  room_cancel(&r, &p[2]);
  assert_int_equal(room_stats(&r).loads_queued, 1); /* their room is for others at once */
  assert_ends(&r, &p[1], UV_ETIMEDOUT);
  assert_ends(&r, &p[2], UV_ECANCELED);
  room_load_answer(&r, "a");
  room_run(&r);
  room_load_answer(&r, "d");
  assert_ends(&r, &p[3], 0);
  assert_int_equal(r.getter_runs, 2);
  assert_int_equal(r.getters_told, 0);
  room_close(&r);
}

static void a_place_that_nobody_needs_any_more_goes_to_the_next(void **state) {
  struct room r;
  struct probe p[3] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 0);
  get_turn(&r, &p[2], "c", 0);
  room_load_answer(&r, "a");
  room_cancel(&r, &p[1]); /* let in, and not started yet */
  assert_ends(&r, &p[1], UV_ECANCELED);
  room_load_answer(&r, "c");
  assert_ends(&r, &p[2], 0);
  assert_int_equal(r.getter_runs, 2);
  room_close(&r);
}

static void answers_at_once(struct room *r, gcache_load_t *load) {
  room_load_done(r, load, "at once", 0);
}

static void getters_that_answer_at_once_never_wait(void **state) {
  struct room r;
  struct probe p[20] = {0};
  char key[20][4];
  (void)state;
  open_narrow(&r, 1, 1);
  r.getter = answers_at_once;
  for (int i = 0; i < 20; i++) {
    snprintf(key[i], sizeof key[i], "%d", i);
    room_get(&r, &p[i], key[i], 0);
  }
  room_run(&r);
  for (int i = 0; i < 20; i++)
    assert_string_equal(p[i].text, "at once");
  assert_int_equal(room_stats(&r).loads_shed, 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ shedding ---- */

static void a_full_queue_sheds_at_once_with_a_reason(void **state) {
  struct room r;
  struct probe p[4] = {0};
  (void)state;
  open_narrow(&r, 1, 2);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 0);
  get_turn(&r, &p[2], "c", 0);
  get_turn(&r, &p[3], "d", 0);
  assert_ends(&r, &p[3], GCACHE_EBUSY);
  assert_string_equal(p[3].reason, "too many loads wait");
  assert_int_equal(room_stats(&r).loads_shed, 1);
  assert_int_equal(room_stats(&r).local_load_errs, 0);
  assert_int_equal(p[1].runs + p[2].runs, 0);
  room_close(&r);
}

static void a_peer_is_told_so(void **state) {
  struct room r;
  struct probe p[2] = {0};
  struct answer_probe peer = {0};
  (void)state;
  open_narrow(&r, 1, 1);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 0);
  assert_int_equal(room_answer(&r, &peer, GCACHE_OP_GET, "c", NULL), 0);
  room_run(&r);
  assert_int_equal(peer.runs, 1);
  assert_int_equal(peer.status, GCACHE_EBUSY);
  assert_string_equal(peer.reason, "too many loads wait");
  room_close(&r);
}

/* Sixteen runs of 100 ms each. */
static void teach(struct room *r) {
  struct probe p = {0};
  char key[8];
  for (int i = 0; i < 16; i++) {
    snprintf(key, sizeof key, "t%d", i);
    get_turn(r, &p, key, 0);
    room_advance(r, 100);
    room_load_answer(r, "v");
    room_run(r);
    assert_int_equal(p.status, 0);
  }
}

static void who_would_be_answered_too_late_is_shed_while_others_wait(void **state) {
  struct room r;
  struct probe p[4] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  teach(&r);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 130);
  get_turn(&r, &p[2], "c", 400);
  get_turn(&r, &p[3], "d", 150);
  room_advance(&r, 50); /* 80 ms are left for b, and 100 for d */
  room_load_answer(&r, "a");
  assert_ends(&r, &p[1], GCACHE_EBUSY);
  assert_string_equal(p[1].reason, "too many loads wait: the getter would have ended too late");
  room_load_answer(&r, "c");
  assert_ends(&r, &p[2], 0);
  room_load_answer(&r, "d");
  assert_ends(&r, &p[3], 0);
  assert_int_equal(room_stats(&r).loads_shed, 1);
  room_close(&r);
}

static void the_last_who_waits_is_let_in_however_late(void **state) {
  struct room r;
  struct probe p[2] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  teach(&r);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 50);
  room_advance(&r, 20);
  room_load_answer(&r, "a");
  room_run(&r);
  assert_int_equal(r.n_loads, 1);
  room_load_answer(&r, "b"); /* in time after all */
  assert_ends(&r, &p[1], 0);
  room_close(&r);
}

static void a_patient_caller_keeps_a_load_in_the_queue(void **state) {
  struct room r;
  struct probe p[4] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  teach(&r);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 60);
  get_turn(&r, &p[2], "b", 500);
  get_turn(&r, &p[3], "c", 500);
  room_advance(&r, 10);
  room_load_answer(&r, "a");
  room_run(&r);
  room_load_answer(&r, "b");
  assert_ends(&r, &p[1], 0);
  assert_ends(&r, &p[2], 0);
  room_close(&r);
}

/* ----------------------------------------------------------------------------- what is old ---- */

/* Value "old" of key, which expired ms ago. */
static void have_old(struct room *r, const char *key, uint64_t ms) {
  struct probe p = {0};
  get_turn(r, &p, key, 0);
  room_load_done(r, r->loads[0], "old", 1000);
  room_run(r);
  assert_int_equal(p.status, 0);
  room_advance(r, 1000 + ms);
}

static void an_old_value_is_given_to_those_who_are_shed(void **state) {
  struct room r;
  struct probe p[3] = {0};
  (void)state;
  open_narrow(&r, 1, 1);
  have_old(&r, "old", 2000); /* of use when a load fails */
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 0);
  get_turn(&r, &p[2], "old", 0);
  assert_ends(&r, &p[2], 0);
  assert_string_equal(p[2].text, "old");
  assert_int_equal(p[2].stale_ms, 2000);
  assert_int_equal(room_stats(&r).loads_shed, 1);
  room_close(&r);
}

static void a_refresh_does_not_wait_for_a_place(void **state) {
  struct room r;
  struct probe p[3] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  have_old(&r, "old", 500); /* delivered at once, and refreshed */
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "old", 0);
  assert_ends(&r, &p[1], 0);
  assert_string_equal(p[1].text, "old");
  assert_int_equal(room_stats(&r).refreshes, 1);
  assert_int_equal(room_stats(&r).loads_queued, 0);
  assert_int_equal(room_stats(&r).loads_shed, 1);
  assert_int_equal(r.n_loads, 1);
  room_load_answer(&r, "a");
  room_run(&r);
  room_advance(&r, 1000); /* the refusal's pause is over, and the value is too old to be a hit */
  get_turn(&r, &p[2], "old", 0);
  assert_int_equal(r.n_loads, 1);
  room_load_answer(&r, "new");
  assert_ends(&r, &p[2], 0);
  assert_string_equal(p[2].text, "new");
  room_close(&r);
}

static void a_refresh_that_a_caller_has_joined_waits_for_him_alone(void **state) {
  struct room r;
  struct probe p[3] = {0};
  struct answer_probe peer = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  have_old(&r, "old", 500);
  get_turn(&r, &p[0], "a", 0);
  room_get(&r, &p[1], "old", 0);
  /* This one knows no stale values: it joins the refresh before its turn. */
  assert_int_equal(room_answer(&r, &peer, GCACHE_OP_GET, "old", NULL), 0);
  room_run(&r);
  assert_int_equal(room_stats(&r).loads_queued, 1);
  r.depth++;
  gcache_answer_cancel(&peer.req);
  r.depth--;
  room_run(&r);
  room_load_answer(&r, "a");
  room_run(&r);
  assert_int_equal(r.n_loads, 0); /* nobody was left but the refresh */
  assert_int_equal(room_stats(&r).loads_shed, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ changes ---- */

static void a_load_that_waits_through_a_remove_runs_once_for_all(void **state) {
  struct room r;
  struct probe p[4] = {0};
  struct change_probe change = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "k", 0);
  room_remove(&r, &change, "k", 0);
  room_run(&r);
  assert_int_equal(change.status, 0);
  get_turn(&r, &p[2], "k", 0);
  room_load_answer(&r, "a");
  room_run(&r);
  assert_int_equal(r.n_loads, 1);
  room_load_answer(&r, "after the remove");
  room_run(&r);
  assert_int_equal(r.n_loads, 0);
  assert_string_equal(p[1].text, "after the remove");
  assert_string_equal(p[2].text, "after the remove");
  get_turn(&r, &p[3], "k", 0); /* it was kept */
  assert_int_equal(p[3].from, GCACHE_FROM_MAIN);
  assert_int_equal(r.getter_runs, 2);
  room_close(&r);
}

static void a_load_that_waits_through_a_clear_is_kept(void **state) {
  struct room r;
  struct probe p[3] = {0};
  struct change_probe change = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "k", 0);
  room_clear(&r, &change, 0);
  room_run(&r);
  room_load_answer(&r, "a");
  room_run(&r);
  room_load_answer(&r, "v");
  assert_ends(&r, &p[1], 0);
  get_turn(&r, &p[2], "k", 0);
  assert_int_equal(p[2].from, GCACHE_FROM_MAIN);
  room_close(&r);
}

static void a_set_answers_those_who_wait_with_another(void **state) {
  struct room r;
  struct probe p[3] = {0};
  struct change_probe set = {0}, gone = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "k", 0);
  room_remove(&r, &gone, "k", 0);
  room_run(&r);
  get_turn(&r, &p[2], "k", 0); /* a second load of the key waits */
  room_set(&r, &set, "k", "was set", 0);
  room_run(&r);
  room_load_answer(&r, "a");
  room_run(&r);
  for (; r.n_loads > 0; room_run(&r))
    room_load_answer(&r, "loaded");
  assert_ends(&r, &p[1], 0);
  assert_ends(&r, &p[2], 0);
  assert_true(r.getter_runs <= 3);
  room_close(&r);
}

static void a_group_that_closes_lets_go_of_what_waits(void **state) {
  struct room r;
  struct probe p[3] = {0};
  (void)state;
  open_narrow(&r, 1, 10);
  get_turn(&r, &p[0], "a", 0);
  get_turn(&r, &p[1], "b", 0);
  get_turn(&r, &p[2], "c", 0);
  r.depth++;
  gcache_group_close(r.group, room_on_group_closed, &r);
  r.depth--;
  for (int i = 0; i < 3; i++)
    assert_ends(&r, &p[i], UV_ECANCELED);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(r.groups_closed, 0);
  room_load_answer(&r, "a");
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  room_close(&r);
}

/* ---------------------------------------------------------------------------- at the owner ---- */

static void a_busy_owner_is_not_replaced_by_a_load_here(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  get_turn(&r, &p, key, 0);
  assert_int_equal(r.n_calls, 1);
  room_call_done(&r, r.calls[0], GCACHE_EBUSY, NULL, "too many loads wait");
  assert_ends(&r, &p, GCACHE_EBUSY);
  assert_string_equal(p.reason, "too many loads wait");
  assert_int_equal(r.getter_runs, 0);
  room_close(&r);
}

static void options_of_an_older_application_have_the_defaults(void **state) {
  struct room r;
  gcache_group_t *group;
  (void)state;
  room_open_alone(&r);
  gcache_group_options_t o = room_group_options(&r);
  o.size = offsetof(gcache_group_options_t, loads_max);
  o.loads_max = o.loads_queued_max = 1; /* it does not know of them */
  assert_int_equal(gcache_group_open(&group, &r.core, "older", &o), 0);
  assert_int_equal(group->gate.inside_max, 16384);
  assert_int_equal(group->gate.waiting_max, 65536);
  o.size--;
  assert_int_equal(gcache_group_open(&group, &r.core, "too old", &o), UV_EINVAL);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loads_beyond_the_places_wait_and_run_in_order),
      cmocka_unit_test(ten_thousand_loads_of_a_turn_do_not_wait_by_default),
      cmocka_unit_test(a_load_that_waits_is_joined),
      cmocka_unit_test(a_load_whose_callers_have_left_the_queue_never_runs),
      cmocka_unit_test(a_place_that_nobody_needs_any_more_goes_to_the_next),
      cmocka_unit_test(getters_that_answer_at_once_never_wait),
      cmocka_unit_test(a_full_queue_sheds_at_once_with_a_reason),
      cmocka_unit_test(a_peer_is_told_so),
      cmocka_unit_test(who_would_be_answered_too_late_is_shed_while_others_wait),
      cmocka_unit_test(the_last_who_waits_is_let_in_however_late),
      cmocka_unit_test(a_patient_caller_keeps_a_load_in_the_queue),
      cmocka_unit_test(an_old_value_is_given_to_those_who_are_shed),
      cmocka_unit_test(a_refresh_does_not_wait_for_a_place),
      cmocka_unit_test(a_refresh_that_a_caller_has_joined_waits_for_him_alone),
      cmocka_unit_test(a_load_that_waits_through_a_remove_runs_once_for_all),
      cmocka_unit_test(a_load_that_waits_through_a_clear_is_kept),
      cmocka_unit_test(a_set_answers_those_who_wait_with_another),
      cmocka_unit_test(a_group_that_closes_lets_go_of_what_waits),
      cmocka_unit_test(a_busy_owner_is_not_replaced_by_a_load_here),
      cmocka_unit_test(options_of_an_older_application_have_the_defaults),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
