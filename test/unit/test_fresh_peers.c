/* Freshness between members: hot copies, what an owner sends about its values, what clients are
 * told. */
#include "base/err.h"
#include "fresh_room.h"

/* ------------------------------------------------------------------------------ hot copies ---- */

static void stale_copy_is_fetched_from_its_owner_behind_the_hit(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 1000);
  int64_t expire = gcache_expire_in(&r.core, 1000);
  room_advance(&r, 1500);
  for (int i = 0; i < 3; i++) {
    fresh_get(&r, &p, key);
    fresh_assert_got(&p, "old", 500);
    assert_int_equal(p.from, GCACHE_FROM_HOT);
  }
  assert_int_equal(r.calls_started, 2);
  assert_int_equal(r.getter_runs, 0);
  assert_true(gcache_call_newer_than(r.calls[0]) == expire);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 10000);
  fresh_fetch(&r, "new", 1000);
  fresh_get(&r, &p, key);
  fresh_assert_got(&p, "new", 0);
  assert_int_equal(p.from, GCACHE_FROM_HOT);
  room_close(&r);
}

static void ordinary_question_asks_for_nothing_newer(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.error_ms = 5000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 1000);
  room_advance(&r, 1500);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  room_run(&r);
  assert_int_equal(gcache_call_newer_than(r.calls[0]), 0);
  room_close(&r);
}

static void copy_is_refreshed_ahead_once_also_by_an_owner_with_nothing_newer(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.refresh_ahead_ms = 2000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 10000);
  room_advance(&r, 9500);
  fresh_get(&r, &p, key);
  fresh_assert_got(&p, "old", 0);
  assert_int_equal(r.calls_started, 2);
  fresh_fetch(&r, "old", 500); /* the same value, as a Go owner would send it */
  for (int i = 0; i < 3; i++)
    fresh_get(&r, &p, key);
  assert_int_equal(r.calls_started, 2);
  room_close(&r);
}

static void copy_is_given_when_owner_and_getter_fail(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.error_ms = 5000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 1000);
  room_advance(&r, 1500);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  room_run(&r);
  room_call_answer(&r, UV_ECONNREFUSED, NULL);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_fail(&r, UV_EIO);
  fresh_assert_got(&p, "old", 500);
  assert_int_equal(p.from, GCACHE_FROM_HOT);
  room_close(&r);
}

static void copy_is_given_when_the_owner_says_it_failed_or_is_busy_or_is_out_of_time(void **state) {
  const int statuses[] = {GCACHE_ELOAD, GCACHE_EBUSY, UV_ETIMEDOUT};
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.error_ms = 60000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 1000);
  room_advance(&r, 1500);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(room_get(&r, &p, key, 1000), 0);
    room_run(&r);
    if (statuses[i] == UV_ETIMEDOUT) manual_env_jump(&r.m, r.m.clock->mono_ms + 999);
    room_call_answer(&r, statuses[i], NULL);
    room_run(&r);
    fresh_assert_got(&p, "old", statuses[i] == UV_ETIMEDOUT ? 4499 : 500 + 1000 * (uint64_t)i);
    assert_int_equal(room_stats(&r).waiting, 0);
    room_advance(&r, (i + 1) * 1000); /* after the pause */
  }
  room_close(&r);
}

static void refresh_whose_owner_does_not_answer_is_loaded_here(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 1000);
  room_advance(&r, 1500);
  fresh_get(&r, &p, key);
  room_call_answer(&r, UV_ECONNREFUSED, NULL);
  room_run(&r);
  fresh_load(&r, "loaded here", 0);
  fresh_get(&r, &p, key);
  fresh_assert_got(&p, "loaded here", 0);
  assert_int_equal(p.from, GCACHE_FROM_MAIN);
  room_close(&r);
}

static void copy_lives_no_longer_than_the_ceiling(void **state) {
  struct room r;
  struct probe p = {0};
  char eternal[16], timed[16], brief[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.hot_max_ms = 2000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, eternal), "v", 0);
  fresh_fill_hot(&r, room_key(&r, ROOM_B, timed), "v", 60000);
  fresh_fill_hot(&r, room_key(&r, ROOM_B, brief), "v", 500);
  gcache_value_t *value = gcache_peek(r.group, gcache_cstr(eternal));
  assert_true(gcache_value_expire(value) == gcache_expire_in(&r.core, 2000));
  gcache_value_unref(value);
  room_advance(&r, 500);
  assert_false(room_holds(&r, brief));
  room_advance(&r, 1499);
  fresh_get(&r, &p, eternal);
  fresh_get(&r, &p, timed);
  assert_int_equal(r.calls_started, 3);
  room_advance(&r, 1);
  assert_int_equal(room_get(&r, &p, eternal, 0), 0);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_fetch(&r, "v", 0);
  assert_false(room_holds(&r, timed));
  room_close(&r);
}

/* Lives that end before the ceiling of 2 s, at it and after it. */
static void ceiling_holds_for_stale_copies_and_in_place_of_a_failure(void **state) {
  static const uint64_t ttls_ms[] = {1500, 2000, 60000, 0};
  static const gcache_group_options_t like[] = {{.stale_ms = 5000, .hot_max_ms = 2000},
                                                {.error_ms = 5000, .hot_max_ms = 2000}};
  (void)state;
  for (size_t i = 0; i < 8; i++) {
    struct room r;
    struct probe p = {0};
    char key[16];
    fresh_open(&r, ROOM_SELF, &like[i % 2]);
    fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", ttls_ms[i / 2]);
    room_advance(&r, 1999);
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    room_run(&r);
    if (r.n_calls > 0) room_call_answer(&r, GCACHE_ELOAD, NULL);
    room_run(&r);
    fresh_assert_got(&p, "old", i / 2 == 0 ? 499 : 0);
    room_advance(&r, 1);
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    room_run(&r);
    assert_int_equal(p.runs, 0);
    room_call_answer(&r, GCACHE_ELOAD, NULL);
    room_run(&r);
    fresh_assert_failed(&p, GCACHE_ELOAD);
    room_advance(&r, 1000);
    assert_int_equal(room_stats(&r).hot.items, 0);
    room_close(&r);
  }
}

static void ceiling_holds_for_a_value_that_the_transport_keeps(void **state) {
  struct room r;
  struct probe p = {0};
  gcache_windows_t windows = {.hot_max_ms = 300};
  char key[16], text[6000];
  (void)state;
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.hot_max_ms = 2000});
  assert_int_equal(room_get(&r, &p, room_key(&r, ROOM_B, key), 0), 0);
  room_run(&r);
  gcache_value_t *theirs = room_value(&r, text, 0);
  assert_int_equal(gcache_value_freshen(theirs, &windows), 0); /* in place of the group's */
  gcache_call_t *call = r.calls[0];
  room_forget((void **)r.calls, &r.n_calls, call);
  gcache_call_done(call, 0, gcache_value_ref(theirs), NULL);
  room_run(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(gcache_value_expire(theirs), GCACHE_NEVER);
  gcache_value_t *kept = gcache_peek(r.group, gcache_cstr(key));
  assert_int_equal(gcache_value_bytes(kept).len, sizeof text - 1);
  assert_int_equal(gcache_value_windows(kept, &windows), 0);
  assert_int_equal(windows.hot_max_ms, 300);
  gcache_value_unref(kept);
  room_advance(&r, 300);
  assert_false(room_holds(&r, key));
  gcache_value_unref(theirs);
  room_close(&r);
}

static void own_keys_know_no_ceiling(void **state) {
  struct room r;
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.hot_max_ms = 2000});
  room_fill(&r, room_key(&r, ROOM_SELF, key), "v", 0);
  room_advance(&r, 3000);
  assert_true(room_holds(&r, key));
  room_close(&r);
}

/* ------------------------------------------------------------------------ the owner's word ---- */

static void value_that_the_owner_says_is_stale_is_given_and_not_kept(void **state) {
  struct room r;
  struct probe p[2] = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  room_key(&r, ROOM_B, key);
  for (int i = 0; i < 2; i++)
    assert_int_equal(room_get(&r, &p[i], key, 0), 0);
  room_run(&r);
  gcache_value_t *value = gcache_value_copy(&r.core, gcache_cstr("old"),
                                            gcache_expire_in(&r.core, 0) - 7000000);
  gcache_call_t *call = r.calls[0];
  room_forget((void **)r.calls, &r.n_calls, call);
  gcache_call_set_stale(call, 250); /* its clock is ahead of ours */
  gcache_call_done(call, 0, value, NULL);
  room_run(&r);
  for (int i = 0; i < 2; i++) {
    fresh_assert_got(&p[i], "old", 250);
    assert_int_equal(p[i].from, GCACHE_FROM_PEER);
  }
  assert_int_equal(room_stats(&r).hot.items, 0);
  assert_int_equal(room_stats(&r).peer_errors, 0);
  room_close(&r);
}

/* Answers the oldest call with a value that has its own windows, none if NULL, and is called stale. */
static void answer_stale(struct room *r, const gcache_windows_t *own, uint64_t stale_ms) {
  gcache_value_t *value = room_value(r, "old", 1000);
  gcache_call_t *call = r->calls[0];
  if (own != NULL) assert_int_equal(gcache_value_freshen(value, own), 0);
  room_forget((void **)r->calls, &r->n_calls, call);
  gcache_call_set_stale(call, stale_ms);
  gcache_call_done(call, 0, value, NULL);
  room_run(r);
}

static void value_that_its_owner_calls_stale_beyond_the_windows_is_a_failed_exchange(void **state) {
  static const gcache_windows_t own = {.stale_ms = 70, .error_ms = 30}, none = {0};
  static const struct {
    uint64_t stale_ms, error_ms; /* the group's */
    const gcache_windows_t *own;
    uint64_t said_ms;
    int is_given;
  } table[] = {{500, 0, NULL, 500, 1},  {500, 0, NULL, 501, 0},
               {0, 500, NULL, 500, 1},  {0, 500, NULL, 501, 0},
               {0, 0, NULL, 1, 0},      {0, 0, &own, 70, 1},
               {0, 0, &own, 71, 0},     {500, 500, &own, 71, 0},
               {500, 500, &none, 1, 0}, {500, 500, NULL, UINT64_MAX, 0}};
  (void)state;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    struct room r;
    struct probe p = {0};
    char key[16];
    fresh_open(
        &r, ROOM_SELF,
        &(gcache_group_options_t){.stale_ms = table[i].stale_ms, .error_ms = table[i].error_ms});
    assert_int_equal(room_get(&r, &p, room_key(&r, ROOM_B, key), 0), 0);
    room_run(&r);
    answer_stale(&r, table[i].own, table[i].said_ms);
    assert_int_equal(p.runs, table[i].is_given);
    if (table[i].is_given) {
      fresh_assert_got(&p, "old", table[i].said_ms);
    } else {
      fresh_load(&r, "loaded here", 0);
      fresh_assert_got(&p, "loaded here", 0);
      assert_int_equal(room_stats(&r).peer_errors, 1);
    }
    room_close(&r);
  }
}

static void value_that_is_stale_without_a_word_is_a_failed_exchange(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  assert_int_equal(room_get(&r, &p, room_key(&r, ROOM_B, key), 0), 0);
  room_run(&r);
  fresh_fetch(&r, "old", 0); /* no stale_ms, and never expires: fine */
  fresh_assert_got(&p, "old", 0);
  assert_int_equal(room_get(&r, &p, room_key(&r, ROOM_B, key), 0), 0);
  room_run(&r);
  gcache_value_t *value = gcache_value_copy(&r.core, gcache_cstr("old"),
                                            gcache_expire_in(&r.core, 0));
  gcache_call_t *call = r.calls[0];
  room_forget((void **)r.calls, &r.n_calls, call);
  gcache_call_done(call, 0, value, NULL);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_load(&r, "loaded here", 0);
  fresh_assert_got(&p, "loaded here", 0);
  room_close(&r);
}

static void absence_is_remembered_as_long_as_the_owner_says_and_the_ceiling_allows(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.not_found_ms = 100, .hot_max_ms = 2000});
  room_key(&r, ROOM_B, key);
  const uint64_t said[] = {0, 1000, 60000}, held[] = {0, 1000, 2000};
  for (int i = 0; i < 3; i++) {
    fresh_get(&r, &p, key);
    gcache_call_t *call = r.calls[0];
    gcache_call_set_not_found(call, said[i]);
    room_call_done(&r, call, GCACHE_ENOTFOUND, NULL, "no such thing");
    room_run(&r);
    fresh_assert_failed(&p, GCACHE_ENOTFOUND);
    assert_int_equal(room_stats(&r).hot.items, held[i] > 0);
    if (held[i] == 0) continue;
    room_advance(&r, held[i] - 1);
    fresh_get(&r, &p, key);
    fresh_assert_failed(&p, GCACHE_ENOTFOUND);
    assert_string_equal(p.reason, "no such thing");
    room_advance(&r, 1);
  }
  assert_int_equal(r.calls_started, 3);
  room_close(&r);
}

static void absence_is_undone_by_a_peers_order(void **state) {
  struct room r;
  struct probe p = {0};
  struct answer_probe order;
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.not_found_ms = 100});
  room_key(&r, ROOM_B, key);
  for (int i = 0; i < 3; i++) {
    fresh_get(&r, &p, key);
    gcache_call_t *call = r.calls[0];
    gcache_call_set_not_found(call, 60000);
    room_call_done(&r, call, GCACHE_ENOTFOUND, NULL, NULL);
    room_run(&r);
    const gcache_op_t ops[] = {GCACHE_OP_REMOVE, GCACHE_OP_CLEAR, GCACHE_OP_SET};
    room_answer(&r, &order, ops[i], key, i == 2 ? "set" : NULL);
    room_run(&r);
    assert_int_equal(room_stats(&r).hot.items, 0);
  }
  assert_true(room_holds(&r, key));
  room_close(&r);
}

static void absence_at_the_owner_ends_a_stale_copy(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000, .error_ms = 5000});
  fresh_fill_hot(&r, room_key(&r, ROOM_B, key), "old", 1000);
  room_advance(&r, 1500);
  fresh_get(&r, &p, key);
  fresh_assert_got(&p, "old", 500);
  room_call_answer(&r, GCACHE_ENOTFOUND, NULL);
  room_run(&r);
  assert_int_equal(room_stats(&r).hot.items, 0);
  room_close(&r);
}

static void client_only_member_keeps_nothing_stale_or_absent(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  const char *const urls[] = {ROOM_B, ROOM_C};
  fresh_open(&r, NULL,
             &(gcache_group_options_t){.stale_ms = 5000, .not_found_ms = 5000, .error_ms = 5000});
  assert_int_equal(room_set_peers(&r, urls, 2), 0);
  fresh_get(&r, &p, room_key(&r, ROOM_B, key));
  gcache_call_set_not_found(r.calls[0], 60000);
  room_call_answer(&r, GCACHE_ENOTFOUND, NULL);
  room_run(&r);
  fresh_get(&r, &p, key);
  fresh_fetch(&r, "v", 1000);
  fresh_assert_got(&p, "v", 0);
  assert_int_equal(room_stats(&r).hot.items, 0);
  room_close(&r);
}

/* ---------------------------------------------------------------------------- as the owner ---- */

static void peer_is_told_of_a_stale_value_only_if_it_can_be(void **state) {
  struct room r;
  struct answer_probe gcache, go;
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1500);
  assert_int_equal(room_answer_get(&r, &gcache, "k", 0), 0);
  room_run(&r);
  assert_int_equal(gcache.runs, 1);
  assert_string_equal(gcache.text, "old");
  assert_int_equal(gcache.stale_ms, 500);
  assert_int_equal(r.n_loads, 1);
  assert_int_equal(r.calls_started, 0); /* whoever owns it here (P4) */
  assert_int_equal(room_answer(&r, &go, GCACHE_OP_GET, "k", NULL), 0);
  room_run(&r);
  assert_int_equal(go.runs, 0); /* waits for the load behind the other */
  assert_int_equal(r.getter_runs, 2);
  fresh_load(&r, "new", 1000);
  assert_string_equal(go.text, "new");
  assert_int_equal(go.stale_ms, 0);
  room_close(&r);
}

static void go_peer_gets_the_failure_and_gcache_the_old_value(void **state) {
  struct room r;
  struct answer_probe gcache, go;
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1500);
  assert_int_equal(room_answer(&r, &go, GCACHE_OP_GET, "k", NULL), 0);
  assert_int_equal(room_answer_get(&r, &gcache, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, UV_EIO);
  assert_int_equal(go.status, GCACHE_ELOAD);
  assert_int_equal(gcache.status, 0);
  assert_string_equal(gcache.text, "old");
  assert_int_equal(gcache.stale_ms, 500);
  room_close(&r);
}

static void question_for_something_newer_waits_for_a_load(void **state) {
  struct room r;
  struct answer_probe p[3];
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  room_fill(&r, "k", "old", 10000);
  int64_t expire = gcache_expire_in(&r.core, 10000);
  assert_int_equal(room_answer_get(&r, &p[0], "k", expire - 1), 0);
  room_run(&r);
  assert_string_equal(p[0].text, "old");
  for (int i = 1; i < 3; i++)
    assert_int_equal(room_answer_get(&r, &p[i], "k", expire), 0);
  room_run(&r);
  assert_int_equal(p[1].runs, 0);
  assert_int_equal(r.getter_runs, 2);
  room_advance(&r, 10);
  fresh_load(&r, "new", 10000);
  for (int i = 1; i < 3; i++)
    assert_string_equal(p[i].text, "new");
  assert_int_equal(room_answer_get(&r, &p[0], "k", expire), 0);
  room_run(&r);
  assert_string_equal(p[0].text, "new");
  room_fill(&r, "for ever", "v", 0);
  assert_int_equal(room_answer_get(&r, &p[0], "for ever", INT64_MAX), 0);
  room_run(&r);
  assert_string_equal(p[0].text, "v");
  assert_int_equal(r.getter_runs, 3);
  room_close(&r);
}

static void peer_is_told_how_long_absence_holds(void **state) {
  struct room r;
  struct answer_probe p;
  (void)state;
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.not_found_ms = 2000});
  assert_int_equal(room_answer_get(&r, &p, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, GCACHE_ENOTFOUND);
  assert_int_equal(p.status, GCACHE_ENOTFOUND);
  assert_int_equal(p.not_found_ms, 2000);
  room_advance(&r, 500);
  assert_int_equal(room_answer_get(&r, &p, "k", 0), 0);
  room_run(&r);
  assert_int_equal(p.status, GCACHE_ENOTFOUND);
  assert_int_equal(p.not_found_ms, 1500);
  assert_string_equal(p.reason, "a reason");
  room_close(&r);
}

static void answer_get_is_refused_as_an_answer_is(void **state) {
  struct room r;
  struct answer_probe p = {0};
  char key[80];
  (void)state;
  memset(key, 'k', sizeof key);
  fresh_open(&r, ROOM_SELF, &(gcache_group_options_t){.stale_ms = 5000});
  gcache_bytes_t g = gcache_cstr("g"), k = gcache_cstr("k");
  assert_int_equal(gcache_answer_get(&p.req, &r.core, g, k, 0, 0, NULL), UV_EINVAL);
  assert_int_equal(gcache_answer_get(&p.req, &r.core, gcache_cstr("x"), k, 0, 0, room_on_answered),
                   GCACHE_ENOGROUP);
  assert_int_equal(
      gcache_answer_get(&p.req, &r.core, g, gcache_bytes(key, sizeof key), 0, 0, room_on_answered),
      UV_EMSGSIZE);
  room_begin_close(&r);
  assert_int_equal(gcache_answer_get(&p.req, &r.core, g, k, 0, 0, room_on_answered),
                   GCACHE_ECLOSING);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stale_copy_is_fetched_from_its_owner_behind_the_hit),
      cmocka_unit_test(ordinary_question_asks_for_nothing_newer),
      cmocka_unit_test(copy_is_refreshed_ahead_once_also_by_an_owner_with_nothing_newer),
      cmocka_unit_test(copy_is_given_when_owner_and_getter_fail),
      cmocka_unit_test(copy_is_given_when_the_owner_says_it_failed_or_is_busy_or_is_out_of_time),
      cmocka_unit_test(refresh_whose_owner_does_not_answer_is_loaded_here),
      cmocka_unit_test(copy_lives_no_longer_than_the_ceiling),
      cmocka_unit_test(ceiling_holds_for_stale_copies_and_in_place_of_a_failure),
      cmocka_unit_test(ceiling_holds_for_a_value_that_the_transport_keeps),
      cmocka_unit_test(own_keys_know_no_ceiling),
      cmocka_unit_test(value_that_the_owner_says_is_stale_is_given_and_not_kept),
      cmocka_unit_test(value_that_its_owner_calls_stale_beyond_the_windows_is_a_failed_exchange),
      cmocka_unit_test(value_that_is_stale_without_a_word_is_a_failed_exchange),
      cmocka_unit_test(absence_is_remembered_as_long_as_the_owner_says_and_the_ceiling_allows),
      cmocka_unit_test(absence_is_undone_by_a_peers_order),
      cmocka_unit_test(absence_at_the_owner_ends_a_stale_copy),
      cmocka_unit_test(client_only_member_keeps_nothing_stale_or_absent),
      cmocka_unit_test(peer_is_told_of_a_stale_value_only_if_it_can_be),
      cmocka_unit_test(go_peer_gets_the_failure_and_gcache_the_old_value),
      cmocka_unit_test(question_for_something_newer_waits_for_a_load),
      cmocka_unit_test(peer_is_told_how_long_absence_holds),
      cmocka_unit_test(answer_get_is_refused_as_an_answer_is),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
