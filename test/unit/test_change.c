/* core/change, set, remove, clear: every member is asked and reported, and no old value comes
 * back. */
#include "core_room.h"

/* ------------------------------------------------------------------------------ alone ---- */

static void alone_the_one_result_is_ours(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  for (int with_url = 0; with_url < 2; with_url++) {
    room_init(&r);
    struct gci_core_options o = room_core_options(&r, with_url ? ROOM_SELF : NULL);
    assert_int_equal(room_try_open(&r, &o), 0);
    room_open_group(&r, GCACHE_HOT_DEFAULT);
    room_fill(&r, "k", "v", 0);
    room_fill(&r, "l", "v", 0);
    assert_int_equal(room_remove(&r, &p, "k", 0), 0);
    assert_int_equal(p.runs, 0);
    assert_true(r.m.held);
    room_turn(&r);
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.status, 0);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.members[0].has_url, with_url);
    assert_string_equal(p.members[0].url, with_url ? ROOM_SELF : "");
    assert_string_equal(p.members[0].reason, "");
    assert_false(room_holds(&r, "k"));
    assert_true(room_holds(&r, "l"));
    assert_int_equal(room_clear(&r, &p, 0), 0);
    room_turn(&r);
    assert_int_equal(p.n, 1);
    assert_false(room_holds(&r, "l"));
    assert_false(r.m.held);
    room_close(&r);
  }
}

static void set_alone_is_found_in_the_main_cache(void **state) {
  struct room r;
  struct change_probe p = {0};
  struct probe get = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "old", 0);
  assert_int_equal(room_set(&r, &p, "k", "new", 0), 0);
  room_get(&r, &get, "k", 0);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_string_equal(get.text, "new");
  assert_int_equal(get.from, GCACHE_FROM_MAIN);
  assert_int_equal(r.getter_runs, 1); /* room_fill's */
  room_close(&r);
}

static void set_that_is_too_large_to_keep_leaves_nothing(void **state) {
  struct room r;
  struct change_probe p = {0};
  static char big[64 * 1024];
  gcache_group_options_t o;
  (void)state;
  room_open_alone(&r);
  o = room_group_options(&r);
  o.max_bytes = 64 * 1024;
  assert_int_equal(gcache_group_open(&r.group, &r.core, "small", &o), 0);
  assert_int_equal(room_set(&r, &p, "k", "old", 0), 0);
  room_turn(&r);
  assert_true(room_holds(&r, "k"));
  gcache_value_t *value = gcache_value_copy(&r.core, gcache_bytes(big, sizeof big), GCACHE_NEVER);
  room_begin_change(&r, &p);
  assert_int_equal(gcache_set(&p.req, r.group, gcache_cstr("k"), value, 0, room_on_changed), 0);
  r.depth--;
  gcache_value_unref(value);
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, GCACHE_ENOROOM);
  assert_false(room_holds(&r, "k"));
  room_close(&r);
}

static void refused_change_starts_nothing(void **state) {
  struct room r;
  struct change_probe p = {0};
  char long_key[66];
  static char big[64 * 1024 + 1];
  (void)state;
  room_open_alone(&r);
  memset(long_key, 'k', 65);
  long_key[65] = '\0';
  gcache_value_t *large = gcache_value_copy(&r.core, gcache_bytes(big, sizeof big), GCACHE_NEVER);
  gcache_value_t *expired = room_value(&r, "v", 1);
  room_advance(&r, 1);
  gcache_bytes_t k = gcache_cstr("k");
  assert_int_equal(room_remove(&r, &p, long_key, 0), UV_EMSGSIZE);
  assert_int_equal(room_set(&r, &p, long_key, "v", 0), UV_EMSGSIZE);
  assert_int_equal(gcache_set(&p.req, r.group, k, large, 0, room_on_changed), UV_EMSGSIZE);
  assert_int_equal(gcache_set(&p.req, r.group, k, expired, 0, room_on_changed), UV_EINVAL);
  assert_int_equal(gcache_set(&p.req, r.group, k, NULL, 0, room_on_changed), UV_EINVAL);
  assert_int_equal(gcache_remove(&p.req, r.group, k, 0, NULL), UV_EINVAL);
  gcache_value_unref(large);
  gcache_value_unref(expired);
  room_begin_close(&r);
  assert_int_equal(room_remove(&r, &p, "k", 0), GCACHE_ECLOSING);
  assert_int_equal(room_set(&r, &p, "k", "v", 0), GCACHE_ECLOSING);
  assert_int_equal(room_clear(&r, &p, 0), GCACHE_ECLOSING);
  room_close(&r);
  assert_int_equal(p.runs, 0);
}

/* ------------------------------------------------------------------------------ remove ---- */

static void owner_is_asked_first_then_all_others_at_once(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_remove(&r, &p, room_key(&r, ROOM_C, key), 0);
  assert_int_equal(r.calls_started, 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 1);
  assert_string_equal(gcache_call_peer(r.calls[0]), ROOM_C);
  assert_int_equal(gcache_call_op(r.calls[0]), GCACHE_OP_REMOVE);
  room_advance(&r, 100);
  assert_int_equal(r.calls_started, 1);
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  assert_int_equal(r.calls_started, 2);
  assert_string_equal(gcache_call_peer(r.calls[0]), ROOM_B);
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 3);
  assert_string_equal(p.members[0].url, ROOM_C);
  assert_string_equal(p.members[1].url, ROOM_B);
  assert_string_equal(p.members[2].url, ROOM_SELF);
  room_close(&r);
}

static void own_key_goes_here_first_then_everywhere_at_once(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_fill(&r, room_key(&r, ROOM_SELF, key), "v", 0);
  room_remove(&r, &p, key, 0);
  assert_false(room_holds(&r, key));
  room_turn(&r);
  assert_int_equal(r.n_calls, 2);
  room_call_done(&r, room_call_to(&r, ROOM_C), 0, NULL, NULL);
  room_turn(&r);
  assert_int_equal(p.runs, 0);
  room_call_done(&r, room_call_to(&r, ROOM_B), 0, NULL, NULL);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_string_equal(p.members[0].url, ROOM_SELF);
  room_close(&r);
}

static void own_copy_goes_only_after_the_owner_has_answered(void **state) {
  struct room r;
  struct change_probe p = {0};
  struct probe get = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0);
  room_settle(&r);
  assert_true(room_holds(&r, key));
  room_remove(&r, &p, key, 0);
  room_turn(&r);
  assert_true(room_holds(&r, key)); /* dropped now, it could be fetched again from the owner */
  room_call_answer(&r, 0, NULL);
  assert_false(room_holds(&r, key));
  room_settle(&r);
  assert_int_equal(p.status, 0);
  room_close(&r);
}

static void failing_owner_does_not_stop_the_others(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_remove(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_call_done(&r, r.calls[0], UV_ECONNREFUSED, NULL, "nobody there");
  room_turn(&r);
  assert_int_equal(r.n_calls, 1);
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, UV_ECONNREFUSED);
  assert_string_equal(p.members[0].reason, "nobody there");
  assert_int_equal(p.members[1].status, 0);
  assert_int_equal(p.members[2].status, 0);
  room_close(&r);
}

static void members_are_those_of_the_list_at_the_start(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_remove(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  const char *const only_us[] = {ROOM_SELF};
  assert_int_equal(room_set_peers(&r, only_us, 1), 0);
  room_settle(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 3);
  assert_string_equal(p.members[0].url, ROOM_B);
  assert_string_equal(p.members[1].url, ROOM_C);
  assert_string_equal(p.members[2].url, ROOM_SELF);
  room_close(&r);
}

/* ---------------------------------------------------------------------- what is under way ---- */

static void load_under_way_is_delivered_and_not_kept(void **state) {
  struct room r;
  struct probe before = {0}, after = {0};
  struct change_probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &before, "k", 0);
  room_turn(&r);
  room_remove(&r, &p, "k", 0);
  room_get(&r, &after, "k", 0);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(r.getter_runs, 2); /* the second must not share the first */
  room_load_answer(&r, "old");
  room_turn(&r);
  assert_string_equal(before.text, "old");
  assert_int_equal(after.runs, 0);
  assert_false(room_holds(&r, "k"));
  room_load_answer(&r, "new");
  room_turn(&r);
  assert_string_equal(after.text, "new");
  assert_true(room_holds(&r, "k"));
  assert_int_equal(room_stats(&r).not_kept, 1);
  room_close(&r);
}

static void old_load_that_ends_last_does_not_replace_the_new_value(void **state) {
  struct room r;
  struct probe before = {0}, later = {0};
  struct change_probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &before, "k", 0);
  room_turn(&r);
  room_set(&r, &p, "k", "set", 0);
  room_turn(&r);
  room_load_answer(&r, "old");
  room_turn(&r);
  assert_string_equal(before.text, "old");
  room_get(&r, &later, "k", 0);
  room_turn(&r);
  assert_string_equal(later.text, "set");
  room_close(&r);
}

static void clear_detaches_every_flight(void **state) {
  struct room r;
  struct probe a = {0}, b = {0}, c = {0};
  struct change_probe p = {0};
  char mine[16], theirs[16], free_key[16];
  (void)state;
  room_open_three(&r);
  room_fill(&r, room_key(&r, ROOM_SELF, free_key), "v", 0);
  room_get(&r, &a, room_key(&r, ROOM_SELF, mine), 0);
  room_get(&r, &b, room_key(&r, ROOM_B, theirs), 0);
  room_turn(&r);
  room_clear(&r, &p, 0);
  room_load_answer(&r, "old");
  room_call_answer(&r, 0, "old");
  room_settle(&r);
  assert_int_equal(p.status, 0);
  assert_string_equal(a.text, "old");
  assert_string_equal(b.text, "old");
  assert_false(room_holds(&r, mine));
  assert_false(room_holds(&r, theirs));
  assert_false(room_holds(&r, free_key));
  room_get(&r, &c, mine, 0);
  room_settle(&r);
  assert_true(room_holds(&r, mine));
  room_close(&r);
}

/* ------------------------------------------------------------------------------ set ---- */

static void only_the_owner_is_given_the_value(void **state) {
  struct room r;
  struct change_probe p = {0};
  struct probe get = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0);
  room_settle(&r);
  assert_true(room_holds(&r, key));
  room_set(&r, &p, key, "new", 0);
  room_turn(&r);
  assert_int_equal(r.n_calls, 1);
  assert_int_equal(gcache_call_op(room_call_to(&r, ROOM_B)), GCACHE_OP_SET);
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  assert_int_equal(r.n_calls, 1);
  assert_int_equal(gcache_call_op(room_call_to(&r, ROOM_C)), GCACHE_OP_REMOVE);
  assert_null(gcache_call_value(r.calls[0]));
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_false(room_holds(&r, key)); /* the setter keeps none: it could outlive a later set */
  room_close(&r);
}

static void set_of_an_own_key_is_kept_here_and_removed_elsewhere(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_set(&r, &p, room_key(&r, ROOM_SELF, key), "new", 0);
  assert_true(room_holds(&r, key));
  room_turn(&r);
  assert_int_equal(r.n_calls, 2);
  assert_int_equal(gcache_call_op(r.calls[0]), GCACHE_OP_REMOVE);
  assert_int_equal(gcache_call_op(r.calls[1]), GCACHE_OP_REMOVE);
  room_settle(&r);
  assert_int_equal(p.status, 0);
  assert_true(room_holds(&r, key));
  assert_int_equal(room_stats(&r).main.items, 1);
  room_close(&r);
}

static void room_that_the_owner_lacks_is_reported(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_set(&r, &p, room_key(&r, ROOM_B, key), "new", 0);
  room_turn(&r);
  room_call_answer(&r, GCACHE_ENOROOM, NULL);
  room_settle(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, GCACHE_ENOROOM);
  assert_int_equal(r.core.peers.list[0]->stats.failures, 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ clear ---- */

static void clear_asks_everybody_twice(void **state) {
  struct room r;
  struct change_probe p = {0};
  struct probe get = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_clear(&r, &p, 0);
  room_turn(&r);
  assert_int_equal(r.n_calls, 2);
  assert_int_equal(gcache_call_op(r.calls[0]), GCACHE_OP_CLEAR);
  assert_int_equal(gcache_call_key(r.calls[0]).len, 0);
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0); /* fetched during the first round */
  room_turn(&r);
  assert_int_equal(r.n_calls, 3);
  room_call_done(&r, r.calls[2], 0, "old", NULL);
  assert_true(room_holds(&r, key));
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  assert_int_equal(r.calls_started, 3);
  room_call_answer(&r, 0, NULL);
  assert_false(room_holds(&r, key));
  room_turn(&r);
  assert_int_equal(r.calls_started, 5);
  assert_int_equal(p.runs, 0);
  room_settle(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 3);
  assert_int_equal(r.calls_started, 5);
  room_close(&r);
}

static void first_failure_of_a_peer_in_either_round_stands(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_clear(&r, &p, 0);
  room_turn(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), UV_ENOTSUP, NULL, "first");
  room_call_done(&r, room_call_to(&r, ROOM_C), 0, NULL, "not a failure");
  room_turn(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), UV_EIO, NULL, "second");
  room_call_done(&r, room_call_to(&r, ROOM_C), UV_EIO, NULL, "later");
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, UV_ENOTSUP);
  assert_string_equal(p.members[0].reason, "first");
  assert_int_equal(p.members[1].status, UV_EIO);
  assert_string_equal(p.members[1].reason, "later");
  assert_int_equal(p.members[2].status, 0);
  assert_string_equal(p.members[2].url, ROOM_SELF);
  room_close(&r);
}

/* ------------------------------------------------------------------------ client-only ---- */

static void client_only_member_forgets_and_is_not_listed(void **state) {
  struct room r;
  struct change_probe p = {0};
  struct probe get = {0};
  char key[16];
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    room_open_of_three(&r, NULL, GCACHE_HOT_ON);
    room_get(&r, &get, room_key(&r, ROOM_C, key), 0);
    room_settle(&r);
    assert_true(room_holds(&r, key));
    if (kind == 0) room_remove(&r, &p, key, 0);
    if (kind == 1) room_set(&r, &p, key, "new", 0);
    if (kind == 2) room_clear(&r, &p, 0);
    room_settle(&r);
    assert_int_equal(p.status, 0);
    assert_int_equal(p.n, 2);
    assert_string_equal(p.members[0].url, kind == 2 ? ROOM_B : ROOM_C);
    assert_false(room_holds(&r, key));
    room_close(&r);
  }
}

/* ------------------------------------------------------------------------------ time ---- */

static void unanswered_are_reported_when_the_time_is_over(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_remove(&r, &p, room_key(&r, ROOM_SELF, key), 100);
  room_turn(&r);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 100);
  room_call_done(&r, room_call_to(&r, ROOM_B), 0, NULL, NULL);
  room_advance(&r, 99);
  assert_int_equal(p.runs, 0);
  room_advance(&r, 1);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, 0);
  assert_int_equal(p.members[1].status, 0);
  assert_string_equal(p.members[2].url, ROOM_C);
  assert_int_equal(p.members[2].status, UV_ETIMEDOUT);
  assert_int_equal(r.calls_told, 1);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 0);
  assert_true(r.m.held); /* an answer is owed */
  room_settle(&r);       /* c is told later */
  assert_int_equal(r.calls_started, 3);
  assert_int_equal(p.runs, 1);
  assert_false(r.m.held);
  room_close(&r);
}

static void second_step_is_told_later_when_the_owner_used_up_the_time(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_remove(&r, &p, room_key(&r, ROOM_B, key), 100);
  room_advance(&r, 100);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, UV_ETIMEDOUT);
  assert_int_equal(p.members[1].status, UV_ETIMEDOUT);
  assert_string_equal(p.members[2].url, ROOM_SELF);
  assert_int_equal(p.members[2].status, 0);
  assert_int_equal(r.calls_told, 1);
  room_close(&r);
}

/* It may take the owner for up, and fetch from it the value that is to go. An owner that is merely
 * to be told of a change first stores what is set; for one that leaves the acting owner does, and
 * keeps nothing that it fetches there (test_acting). */
static void who_acts_for_an_owner_that_is_out_removes_when_the_owner_has(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key_of_two(&r, ROOM_B, ROOM_C, key);
  struct gci_peer *owner = gci_peers_find(&r.core.peers, ROOM_B);
  gci_tell_missed(&r.core, owner, "g", GCACHE_OP_CLEAR, gcache_cstr(""), GCI_MISSED);
  room_run(&r);
  assert_int_equal(r.n_calls, 1); /* what it is told: it is out until it has answered */
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  assert_true(gci_health_is_out(owner) && !gci_health_is_down(owner));
  assert_int_equal(r.n_calls, 2);
  assert_string_equal(gcache_call_peer(r.calls[1]), ROOM_B);
  room_call_done(&r, r.calls[1], 0, NULL, NULL);
  room_run(&r);
  assert_int_equal(r.n_calls, 2);
  assert_string_equal(gcache_call_peer(r.calls[1]), ROOM_C);
  room_call_done(&r, r.calls[1], 0, NULL, NULL);
  room_run(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(room_set(&r, &p, key, "v", 0), 0);
  room_run(&r);
  assert_int_equal(r.n_calls, 2);
  assert_string_equal(gcache_call_peer(r.calls[1]), ROOM_B);
  assert_int_equal(gcache_call_op(r.calls[1]), GCACHE_OP_SET);
  room_call_done(&r, r.calls[1], 0, NULL, NULL);
  room_run(&r);
  assert_int_equal(r.n_calls, 2);
  assert_string_equal(gcache_call_peer(r.calls[1]), ROOM_C);
  assert_int_equal(gcache_call_op(r.calls[1]), GCACHE_OP_REMOVE);
  room_call_done(&r, r.calls[1], 0, NULL, NULL);
  room_run(&r);
  assert_int_equal(p.status, 0);
  gci_health_leaving(&r.core, owner, 1);
  assert_int_equal(room_set(&r, &p, key, "v", 0), 0);
  room_run(&r);
  assert_int_equal(r.n_calls, 3);
  assert_int_equal(gcache_call_op(r.calls[1]), GCACHE_OP_REMOVE);
  assert_string_equal(gcache_call_peer(r.calls[2]), ROOM_C);
  assert_int_equal(gcache_call_op(r.calls[2]), GCACHE_OP_SET);
  room_settle(&r);
  assert_int_equal(p.status, 0);
  room_close(&r);
}

static void clear_out_of_time_reports_who_missed_the_second_round(void **state) {
  struct room r;
  struct change_probe p = {0};
  const char *const urls[] = {ROOM_SELF, ROOM_B, ROOM_C, "http://d:1"};
  (void)state;
  room_open_three(&r);
  assert_int_equal(room_set_peers(&r, urls, 4), 0);
  room_clear(&r, &p, 100);
  room_turn(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), 0, NULL, NULL);
  room_call_done(&r, room_call_to(&r, ROOM_C), UV_EIO, NULL, "first");
  room_call_done(&r, room_call_to(&r, "http://d:1"), 0, NULL, NULL);
  room_turn(&r);
  room_call_done(&r, room_call_to(&r, "http://d:1"), 0, NULL, NULL);
  room_advance(&r, 100);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, 0);
  assert_int_equal(p.members[1].status, UV_ETIMEDOUT);
  assert_int_equal(p.members[2].status, UV_EIO);
  assert_int_equal(p.members[3].status, 0);
  room_close(&r);
}

static void cancelled_change_reports_who_had_done_it(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_remove(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_call_answer(&r, 0, NULL);
  room_turn(&r);
  room_cancel_change(&r, &p);
  room_cancel_change(&r, &p);
  assert_int_equal(p.runs, 0);
  room_run(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(p.members[0].status, 0);
  assert_int_equal(p.members[1].status, UV_ECANCELED);
  assert_int_equal(p.members[2].status, 0); /* ours */
  assert_int_equal(r.calls_told, 1);
  room_close(&r);
}

static void cancel_of_a_change_that_is_done_keeps_its_report(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_remove(&r, &p, "k", 0);
  room_cancel_change(&r, &p);
  room_run(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(p.members[0].status, 0);
  room_cancel_change(&r, &p);
  assert_false(manual_env_due(&r.m));
  room_close(&r);
}

/* ------------------------------------------------------------------------ inside callbacks ---- */

static void begins_again(struct change_probe *p) {
  p->then = NULL;
  assert_int_equal(room_clear(p->room, p, 0), 0);
}

static void request_may_be_used_again_inside_its_callback(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  p.then = begins_again;
  room_clear(&r, &p, 0);
  room_settle(&r);
  assert_int_equal(r.calls_started, 8);
  assert_int_equal(p.status, 0);
  room_close(&r);
}

static void closes_the_group(struct change_probe *p) {
  p->room->depth++;
  gcache_group_close(p->room->group, room_on_group_closed, p->room);
  p->room->depth--;
}

static void callback_may_close_the_group_while_calls_are_under_way(void **state) {
  struct room r;
  struct change_probe p = {0}, other = {0};
  (void)state;
  room_open_three(&r);
  p.then = closes_the_group;
  room_clear(&r, &p, 50);
  room_clear(&r, &other, 0);
  room_advance(&r, 50);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(other.status, UV_ECANCELED);
  assert_int_equal(r.groups_closed, 0);
  room_settle(&r);
  assert_int_equal(r.groups_closed, 1);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alone_the_one_result_is_ours),
      cmocka_unit_test(set_alone_is_found_in_the_main_cache),
      cmocka_unit_test(set_that_is_too_large_to_keep_leaves_nothing),
      cmocka_unit_test(refused_change_starts_nothing),
      cmocka_unit_test(owner_is_asked_first_then_all_others_at_once),
      cmocka_unit_test(own_key_goes_here_first_then_everywhere_at_once),
      cmocka_unit_test(own_copy_goes_only_after_the_owner_has_answered),
      cmocka_unit_test(failing_owner_does_not_stop_the_others),
      cmocka_unit_test(members_are_those_of_the_list_at_the_start),
      cmocka_unit_test(load_under_way_is_delivered_and_not_kept),
      cmocka_unit_test(old_load_that_ends_last_does_not_replace_the_new_value),
      cmocka_unit_test(clear_detaches_every_flight),
      cmocka_unit_test(only_the_owner_is_given_the_value),
      cmocka_unit_test(set_of_an_own_key_is_kept_here_and_removed_elsewhere),
      cmocka_unit_test(room_that_the_owner_lacks_is_reported),
      cmocka_unit_test(clear_asks_everybody_twice),
      cmocka_unit_test(first_failure_of_a_peer_in_either_round_stands),
      cmocka_unit_test(client_only_member_forgets_and_is_not_listed),
      cmocka_unit_test(unanswered_are_reported_when_the_time_is_over),
      cmocka_unit_test(second_step_is_told_later_when_the_owner_used_up_the_time),
      cmocka_unit_test(who_acts_for_an_owner_that_is_out_removes_when_the_owner_has),
      cmocka_unit_test(clear_out_of_time_reports_who_missed_the_second_round),
      cmocka_unit_test(cancelled_change_reports_who_had_done_it),
      cmocka_unit_test(cancel_of_a_change_that_is_done_keeps_its_report),
      cmocka_unit_test(request_may_be_used_again_inside_its_callback),
      cmocka_unit_test(callback_may_close_the_group_while_calls_are_under_way),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
