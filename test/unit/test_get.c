/* core/get and core/ask: memory, a load here, or the owner; and how a caller leaves. */
#include "core_room.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------ memory ---- */

static void hit_completes_in_the_next_turn_and_allocates_nothing(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  size_t asked = r.oom.asked;
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  assert_true(gci_deadlines_next(&r.m.env.deadlines) == GCI_DEADLINE_NEVER);
  assert_int_equal(p.runs, 0);
  room_turn(&r);
  assert_int_equal(p.runs, 1);
  assert_string_equal(p.text, "v");
  assert_int_equal(p.from, GCACHE_FROM_MAIN);
  assert_string_equal(p.reason, "");
  assert_int_equal(r.oom.asked, asked);
  assert_int_equal(room_stats(&r).hits, 1);
  assert_int_equal(room_stats(&r).gets, 2); /* room_fill() asks, too */
  assert_int_equal(room_stats(&r).loads, 1);
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

/* Keys of 9 to 16 bytes, whose hits are core/hit's, in groups of ten; the first and the sixth are
 * unknown. */
enum { TEN = 10 };

static void room_open_with_ten(struct room *r, char keys[TEN][20]) {
  room_open_alone(r);
  for (size_t i = 0; i < TEN; i++) {
    snprintf(keys[i], 20, "%s", &"0123456789abcdef"[i < 8 ? i : 7]);
    keys[i][0] = (char)('A' + i);
    if (i % 5 != 0) room_fill(r, keys[i], keys[i], i == 9 ? 500 : 0);
  }
}

static void hits_asked_for_together_complete_in_their_order(void **state) {
  struct room r;
  struct probe p[TEN] = {0};
  char keys[TEN][20];
  (void)state;
  room_open_with_ten(&r, keys);
  gcache_group_stats_t before = room_stats(&r);
  size_t asked = r.oom.asked;
  for (size_t i = 1; i < 9; i++)
    if (i != 5) assert_int_equal(room_get(&r, &p[i], keys[i], 0), 0);
  assert_int_equal(r.oom.asked, asked);
  for (size_t i = 0; i < TEN; i++)
    assert_int_equal(p[i].runs, 0);
  room_turn(&r);
  for (size_t i = 1; i < 9; i++) {
    if (i == 5) continue;
    assert_int_equal(p[i].runs, 1);
    assert_int_equal(p[i].status, 0);
    assert_string_equal(p[i].text, keys[i]);
    assert_int_equal(p[i].from, GCACHE_FROM_MAIN);
    assert_string_equal(p[i].reason, "");
    assert_int_equal(p[i].stale_ms, 0);
  }
  assert_int_equal(room_stats(&r).gets, before.gets + 7);
  assert_int_equal(room_stats(&r).hits, before.hits + 7);
  assert_int_equal(room_stats(&r).loads, before.loads);
  assert_int_equal(room_stats(&r).main.hits, before.main.hits + 7);
  assert_int_equal(room_stats(&r).main.gets, before.main.gets + 7);
  assert_int_equal(room_stats(&r).hot.gets, before.hot.gets);
  room_close(&r);
}

static void misses_and_what_expires_may_be_asked_for_among_hits(void **state) {
  struct room r;
  struct probe p[TEN] = {0};
  char keys[TEN][20];
  (void)state;
  room_open_with_ten(&r, keys);
  for (size_t i = 0; i < TEN; i++)
    assert_int_equal(room_get(&r, &p[i], keys[i], 0), 0);
  room_turn(&r);
  assert_int_equal(r.n_loads, 2);
  room_load_answer(&r, "A");
  room_load_answer(&r, "F");
  room_turn(&r);
  for (size_t i = 0; i < TEN; i++) {
    assert_int_equal(p[i].runs, 1);
    assert_int_equal(p[i].text[0], 'A' + (int)i);
  }
  room_close(&r);
}

static void hit_may_be_cancelled_or_its_value_removed_before_it_completes(void **state) {
  struct room r;
  struct probe p[TEN] = {0};
  char keys[TEN][20];
  struct change_probe removal = {0};
  (void)state;
  room_open_with_ten(&r, keys);
  for (size_t i = 1; i < 5; i++)
    assert_int_equal(room_get(&r, &p[i], keys[i], 0), 0);
  room_cancel(&r, &p[3]);
  room_cancel(&r, &p[3]);
  room_remove(&r, &removal, keys[4], 0);
  room_turn(&r);
  assert_int_equal(p[2].status, 0);
  assert_int_equal(p[3].status, UV_ECANCELED);
  assert_false(p[3].has_value);
  assert_string_equal(p[4].text, keys[4]); /* asked for before the remove */
  for (size_t i = 1; i < 5; i++)
    assert_int_equal(p[i].runs, 1);
  assert_int_equal(room_stats(&r).cancels, 1);
  room_close(&r);
}

static void hits_of_a_group_that_closes_are_cancelled(void **state) {
  (void)state;
  for (int whole = 0; whole < 2; whole++) {
    struct room r;
    struct probe p[TEN] = {0};
    char keys[TEN][20];
    room_open_with_ten(&r, keys);
    for (size_t i = 1; i < 5; i++)
      assert_int_equal(room_get(&r, &p[i], keys[i], 0), 0);
    if (whole)
      room_begin_close(&r);
    else
      gcache_group_close(r.group, NULL, NULL);
    for (size_t i = 1; i < 5; i++)
      assert_int_equal(p[i].runs, 0);
    room_turn(&r);
    for (size_t i = 1; i < 5; i++) {
      assert_int_equal(p[i].runs, 1);
      assert_int_equal(p[i].status, UV_ECANCELED);
      assert_false(p[i].has_value);
      assert_int_equal(p[i].from, GCACHE_FROM_NONE);
    }
    room_close(&r);
  }
}

/* With a second left they are hits like those that never expire. */
static void hits_that_a_very_long_turn_let_expire_are_failures(void **state) {
  struct room r;
  struct probe p[3] = {0};
  static const char *const keys[] = {"stays for ever", "stays long", "stays 2 sec"};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, keys[0], "for ever", 0);
  room_fill(&r, keys[1], "long", 10000);
  room_fill(&r, keys[2], "short", 2000);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(room_get(&r, &p[i], keys[i], 0), 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 2000);
  room_turn(&r);
  assert_string_equal(p[0].text, "for ever");
  assert_string_equal(p[1].text, "long");
  assert_int_equal(p[2].status, GCACHE_ELOAD);
  assert_false(p[2].has_value);
  room_close(&r);
}

static void peek_gives_what_is_here_and_starts_nothing(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  assert_null(gcache_peek(r.group, gcache_cstr("k")));
  assert_false(manual_env_due(&r.m));
  room_fill(&r, "k", "v", 1000);
  uint64_t gets = room_stats(&r).gets;
  gcache_value_t *value = gcache_peek(r.group, gcache_cstr("k"));
  assert_non_null(value);
  assert_memory_equal(gcache_value_bytes(value).base, "v", 1);
  gcache_value_unref(value);
  assert_int_equal(room_stats(&r).gets, gets);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 1000);
  assert_null(gcache_peek(r.group, gcache_cstr("k"))); /* expired, and nothing has turned since */
  room_close(&r);
}

/* Every third key is here, every fourth of those has expired; some keys are no keys. */
static void peek_many_gives_what_single_peeks_give(void **state) {
  enum { N = 100 };
  struct room r;
  static char names[N][8], too_long[5000];
  gcache_bytes_t keys[N];
  gcache_value_t *values[N];
  size_t here = 0;
  (void)state;
  room_open_alone(&r);
  for (int i = 0; i < N; i++) {
    keys[i] = gcache_bytes(names[i], (size_t)snprintf(names[i], sizeof names[i], "k%d", i));
    if (i % 3 == 0) room_fill(&r, names[i], names[i], i % 4 == 0 ? 1000 : 2000);
  }
  keys[33] = gcache_bytes(too_long, sizeof too_long);
  keys[66] = gcache_bytes(NULL, 1);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 1000);
  for (size_t n = 0; n <= N; n += n < 20 ? 1 : 16) {
    memset(values, 0xa5, sizeof values);
    size_t found = gcache_peek_many(r.group, keys, n, values);
    for (size_t i = 0; i < n; i++) {
      gcache_value_t *single = gcache_peek(r.group, keys[i]);
      assert_ptr_equal(values[i], single);
      found -= single != NULL;
      here += single != NULL;
      gcache_value_unref(single);
      gcache_value_unref(values[i]);
    }
    assert_int_equal(found, 0);
  }
  assert_true(here > 50);
  assert_int_equal(gcache_peek_many(r.group, NULL, 0, NULL), 0);
  gcache_group_t *group = r.group;
  gcache_group_close(group, NULL, NULL);
  assert_int_equal(gcache_peek_many(group, keys, N, values), 0);
  for (size_t i = 0; i < N; i++)
    assert_null(values[i]);
  room_close(&r);
}

static void value_may_be_empty_and_so_may_the_key(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "", 0);
  room_turn(&r);
  assert_int_equal(gcache_load_key(r.loads[0]).len, 0);
  room_load_answer(&r, "");
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_true(p.has_value);
  assert_true(room_holds(&r, ""));
  room_close(&r);
}

/* ------------------------------------------------------------------------------ ways ---- */

static void own_key_is_loaded_here(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_SELF, key), 0);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(r.calls_started, 0);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_int_equal(p.from, GCACHE_FROM_LOAD);
  room_get(&r, &p, key, 0);
  room_turn(&r);
  assert_int_equal(p.from, GCACHE_FROM_MAIN);
  room_close(&r);
}

static void key_of_a_peer_is_asked_there_once_and_kept_hot(void **state) {
  struct room r;
  struct probe p[10] = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  for (int i = 0; i < 10; i++)
    assert_int_equal(room_get(&r, &p[i], key, 0), 0);
  assert_int_equal(r.calls_started, 0); /* never inside get */
  room_turn(&r);
  assert_int_equal(r.calls_started, 1);
  assert_string_equal(gcache_call_peer(r.calls[0]), ROOM_B);
  room_call_answer(&r, 0, "theirs");
  assert_int_equal(p[0].runs, 0);
  room_turn(&r);
  for (int i = 0; i < 10; i++) {
    assert_string_equal(p[i].text, "theirs");
    assert_int_equal(p[i].from, GCACHE_FROM_PEER);
  }
  room_get(&r, &p[0], key, 0);
  room_turn(&r);
  assert_int_equal(p[0].from, GCACHE_FROM_HOT);
  assert_int_equal(r.calls_started, 1);
  assert_int_equal(r.getter_runs, 0);
  assert_int_equal(room_stats(&r).peer_loads, 1);
  assert_int_equal(room_stats(&r).hot.items, 1);
  assert_int_equal(room_stats(&r).main.items, 0);
  room_close(&r);
}

static void group_without_a_hot_cache_asks_every_time(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_of_three(&r, ROOM_SELF, GCACHE_HOT_OFF);
  room_key(&r, ROOM_C, key);
  for (size_t i = 1; i <= 3; i++) {
    room_get(&r, &p, key, 0);
    room_turn(&r);
    assert_int_equal(r.calls_started, i);
    room_call_answer(&r, 0, "v");
    room_turn(&r);
    assert_int_equal(p.from, GCACHE_FROM_PEER);
  }
  assert_int_equal(room_stats(&r).not_kept, 0);
  room_close(&r);
}

/* Asks a peer for one key, loads another after a failed exchange; what is held then? */
static void use_as_client(struct room *r, int *holds_fetched, int *holds_loaded) {
  struct probe p = {0};
  char fetched[16], loaded[16];
  room_get(r, &p, room_key(r, ROOM_B, fetched), 0);
  room_turn(r);
  room_call_answer(r, 0, "v");
  room_turn(r);
  assert_int_equal(p.from, GCACHE_FROM_PEER);
  room_get(r, &p, room_key(r, ROOM_C, loaded), 0);
  room_turn(r);
  room_call_answer(r, UV_ECONNREFUSED, NULL);
  room_turn(r);
  room_call_answer(r, GCACHE_EPEER, NULL); /* of the next owner */
  room_turn(r);
  room_load_answer(r, "v");
  room_turn(r);
  assert_int_equal(p.from, GCACHE_FROM_LOAD);
  *holds_fetched = room_holds(r, fetched);
  *holds_loaded = room_holds(r, loaded);
}

static void client_only_member_owns_and_keeps_nothing(void **state) {
  struct room r;
  int fetched, loaded;
  (void)state;
  room_open_of_three(&r, NULL, GCACHE_HOT_DEFAULT);
  use_as_client(&r, &fetched, &loaded);
  assert_false(fetched);
  assert_false(loaded);
  room_close(&r);
}

static void client_only_member_keeps_both_when_its_group_says_so(void **state) {
  struct room r;
  int fetched, loaded;
  (void)state;
  room_open_of_three(&r, NULL, GCACHE_HOT_ON);
  use_as_client(&r, &fetched, &loaded);
  assert_true(fetched);
  assert_true(loaded);
  assert_int_equal(room_stats(&r).hot.items, 1);
  assert_int_equal(room_stats(&r).main.items, 1);
  room_close(&r);
}

/* No remove reaches it: an answer that was asked for before may be older than one that has
 * succeeded. */
static void client_only_member_shares_only_what_has_not_left(void **state) {
  struct room r;
  struct probe p[3] = {0};
  char key[16];
  (void)state;
  room_open_of_three(&r, NULL, GCACHE_HOT_DEFAULT);
  room_get(&r, &p[0], room_key(&r, ROOM_B, key), 0);
  room_get(&r, &p[1], key, 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 1);
  room_get(&r, &p[2], key, 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 2);
  room_call_answer(&r, 0, "old");
  room_turn(&r);
  assert_string_equal(p[0].text, "old");
  assert_string_equal(p[1].text, "old");
  assert_int_equal(p[2].runs, 0);
  room_call_answer(&r, 0, "new");
  room_turn(&r);
  assert_string_equal(p[2].text, "new");
  room_close(&r);
}

static void get_joins_a_load_that_runs_here_whoever_owns_the_key(void **state) {
  struct room r;
  struct answer_probe peer;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(room_answer(&r, &peer, GCACHE_OP_GET, key, NULL), 0);
  room_get(&r, &p, key, 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 0);
  assert_int_equal(r.getter_runs, 1);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_string_equal(p.text, "v");
  assert_string_equal(peer.text, "v");
  room_close(&r);
}

static void fetch_under_way_goes_on_when_the_list_changes(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &a, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  const char *const only_us[] = {ROOM_SELF};
  assert_int_equal(room_set_peers(&r, only_us, 1), 0);
  assert_string_equal(gcache_call_peer(r.calls[0]), ROOM_B);
  room_get(&r, &b, key, 0); /* ours now */
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  room_call_answer(&r, 0, "theirs");
  room_load_answer(&r, "ours");
  room_turn(&r);
  assert_string_equal(a.text, "theirs");
  assert_string_equal(b.text, "ours");
  room_close(&r);
}

/* ------------------------------------------------------------------------ the owner's word ---- */

static void word_of_the_owners_getter_is_believed(void **state) {
  static const int words[] = {GCACHE_ENOTFOUND, GCACHE_ELOAD};
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  for (size_t i = 0; i < 2; i++) {
    room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
    room_turn(&r);
    room_call_done(&r, r.calls[0], words[i], NULL, "no such row");
    room_turn(&r);
    assert_int_equal(p.status, words[i]);
    assert_string_equal(p.reason, "no such row");
  }
  assert_int_equal(r.getter_runs, 0);
  assert_int_equal(room_stats(&r).peer_errors, 0);
  room_close(&r);
}

static void failed_exchange_is_replaced_by_a_load_here(void **state) {
  static const int statuses[] = {
      UV_ECONNREFUSED, GCACHE_EPEER, GCACHE_ENOGROUP, UV_ECONNRESET,   UV_ECANCELED,
      GCACHE_ECLOSING, UV_ENOMEM,    UV_EMSGSIZE,     GCACHE_EPARTIAL, 1,
      -99999};
  struct room r;
  struct probe p[2] = {0};
  char key[16];
  (void)state;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    room_open_three(&r);
    room_key(&r, ROOM_B, key);
    room_get(&r, &p[0], key, 0);
    room_get(&r, &p[1], key, 0);
    room_turn(&r);
    room_call_answer(&r, statuses[i], NULL);
    room_turn(&r);
    assert_int_equal(r.getter_runs, 1);
    room_load_answer(&r, "v");
    room_turn(&r);
    assert_int_equal(p[0].from, GCACHE_FROM_LOAD);
    assert_string_equal(p[1].text, "v");
    assert_int_equal(room_stats(&r).peer_errors, 1);
    assert_true(room_holds(&r, key)); /* in main: loaded here */
    assert_int_equal(room_stats(&r).hot.items, 0);
    room_close(&r);
  }
}

static void word_of_the_getter_here_is_final_after_a_failed_exchange(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_call_answer(&r, UV_ECONNREFUSED, NULL);
  room_turn(&r);
  room_load_fail(&r, r.loads[0], GCACHE_ENOTFOUND, "none");
  room_run(&r);
  assert_int_equal(p.status, GCACHE_ENOTFOUND);
  assert_int_equal(r.calls_started, 1);
  room_close(&r);
}

static void value_that_arrives_expired_or_too_large_is_a_failed_exchange(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  static char big[64 * 1024 + 1];
  (void)state;
  room_open_three(&r);
  for (size_t i = 0; i < 2; i++) {
    room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
    room_turn(&r);
    gcache_call_t *call = r.calls[0];
    room_forget((void **)r.calls, &r.n_calls, call);
    gcache_value_t *value = i == 0 ? gcache_value_copy(&r.core, gcache_cstr("v"),
                                                       gcache_expire_in(&r.core, 0))
                                   : gcache_value_copy(&r.core, gcache_bytes(big, sizeof big),
                                                       GCACHE_NEVER);
    gcache_call_done(call, 0, value, NULL);
    room_turn(&r);
    room_load_answer(&r, "fresh");
    room_turn(&r);
    assert_string_equal(p.text, "fresh");
  }
  assert_int_equal(room_stats(&r).peer_errors, 2);
  assert_int_equal(room_stats(&r).peer_loads, 0);
  room_close(&r);
}

static void member_without_a_transport_loads_here(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  const char *const urls[] = {ROOM_B, ROOM_SELF};
  (void)state;
  room_init(&r);
  struct gci_core_options o = room_core_options(&r, ROOM_SELF);
  o.transport = NULL;
  assert_int_equal(room_try_open(&r, &o), 0);
  assert_int_equal(room_set_peers(&r, urls, 2), 0);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 0);
  room_run(&r);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_int_equal(p.from, GCACHE_FROM_LOAD);
  room_close(&r);
}

static void caller_out_of_time_is_not_moved_to_a_load(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &a, key, 100);
  room_get(&r, &b, key, 300);
  room_turn(&r);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 100); /* a's deadline has come, no turn has run */
  room_call_answer(&r, UV_ECONNRESET, NULL);
  room_turn(&r);
  assert_int_equal(a.status, UV_ETIMEDOUT);
  assert_int_equal(b.runs, 0);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 200);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_string_equal(b.text, "v");
  room_close(&r);
}

static void nothing_is_loaded_for_callers_who_are_all_out_of_time(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &p, room_key(&r, ROOM_B, key), 100);
  room_turn(&r);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 100);
  room_call_answer(&r, UV_ECONNRESET, NULL);
  room_turn(&r);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  assert_int_equal(room_stats(&r).loads_deduped, 1); /* the fetch */
  room_close(&r);
}

/* ------------------------------------------------------------------------ out of time ---- */

static void owner_out_of_time_is_asked_again_for_those_with_time_left(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &a, key, 100);
  room_turn(&r); /* the owner is given 100 ms */
  room_get(&r, &b, key, 500);
  room_advance(&r, 110);
  assert_int_equal(a.status, UV_ETIMEDOUT);
  room_call_answer(&r, UV_ETIMEDOUT, NULL);
  room_turn(&r);
  assert_int_equal(r.calls_started, 2);
  assert_int_equal(r.getter_runs, 0);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 390);
  room_call_answer(&r, 0, "v");
  room_turn(&r);
  assert_string_equal(b.text, "v");
  assert_int_equal(room_stats(&r).peer_errors, 0);
  room_close(&r);
}

static void owner_that_says_timeout_early_is_a_failed_exchange(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  const uint64_t timeouts[] = {100, GCACHE_NO_TIMEOUT};
  (void)state;
  room_open_three(&r);
  for (size_t i = 0; i < 2; i++) {
    room_get(&r, &p, room_key(&r, ROOM_B, key), timeouts[i]);
    room_turn(&r);
    room_advance(&r, 98);
    room_call_answer(&r, UV_ETIMEDOUT, NULL);
    room_turn(&r);
    assert_int_equal(r.calls_started, i + 1);
    assert_int_equal(r.getter_runs, i + 1);
    room_load_answer(&r, "v");
    room_turn(&r);
    assert_string_equal(p.text, "v");
  }
  room_close(&r);
}

static void owner_whose_clock_is_a_millisecond_ahead_is_not_asked_for_ever(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &a, key, 100);
  room_turn(&r);
  room_get(&r, &b, key, 101);
  room_advance(&r, 99);
  room_call_answer(&r, UV_ETIMEDOUT, NULL); /* granted a's time; b has a millisecond more */
  room_turn(&r);
  assert_int_equal(a.runs, 0); /* and a a millisecond of his own */
  assert_int_equal(r.calls_started, 2);
  assert_int_equal(gcache_call_time_left_ms(r.calls[0]), 2);
  room_advance(&r, 1);
  assert_int_equal(a.status, UV_ETIMEDOUT);
  room_call_answer(&r, UV_ETIMEDOUT, NULL);
  room_turn(&r);
  assert_int_equal(b.runs, 0);
  assert_int_equal(room_stats(&r).waiting, 1);
  room_cancel(&r, &b);
  room_turn(&r);
  assert_int_equal(b.status, UV_ECANCELED);
  assert_int_equal(r.calls_started, 2);
  assert_int_equal(r.getter_runs, 0);
  assert_int_equal(room_stats(&r).waiting, 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------ leaving a fetch ---- */

static void transport_is_told_once_when_the_last_caller_leaves(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &a, key, 0);
  room_get(&r, &b, key, 0);
  room_turn(&r);
  room_cancel(&r, &a);
  room_run(&r);
  assert_int_equal(r.calls_told, 0);
  room_cancel(&r, &b);
  assert_int_equal(r.calls_told, 0);
  room_run(&r);
  assert_int_equal(r.calls_told, 1);
  room_get(&r, &a, key, 0);
  room_cancel(&r, &a);
  room_run(&r);
  assert_int_equal(r.calls_told, 1);
  assert_int_equal(r.calls_started, 1);
  room_close(&r);
}

static void transport_is_not_told_when_someone_came_before_the_turn(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  room_get(&r, &a, key, 0);
  room_turn(&r);
  room_cancel(&r, &a);
  room_get(&r, &b, key, 0);
  room_run(&r);
  assert_int_equal(r.calls_told, 0);
  room_call_answer(&r, 0, "v");
  room_run(&r);
  assert_string_equal(b.text, "v");
  room_close(&r);
}

/* a has left, the transport was told, b came since. */
static void desert_and_join(struct room *r, struct probe *a, struct probe *b, const char *key) {
  room_get(r, a, key, 0);
  room_turn(r);
  room_cancel(r, a);
  room_run(r);
  assert_int_equal(r->calls_told, 1);
  room_get(r, b, key, 0);
  room_run(r);
  assert_int_equal(r->calls_started, 1);
}

static void cancelled_fetch_is_asked_anew_for_those_who_came_since(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  desert_and_join(&r, &a, &b, room_key(&r, ROOM_B, key));
  room_call_answer(&r, UV_ECANCELED, NULL);
  room_run(&r);
  assert_int_equal(r.calls_started, 2);
  assert_int_equal(r.getter_runs, 0);
  room_call_answer(&r, UV_ECANCELED, NULL); /* this one was not told: a failed exchange */
  room_run(&r);
  assert_int_equal(r.getter_runs, 1);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(b.text, "v");
  assert_int_equal(a.status, UV_ECANCELED);
  room_close(&r);
}

static void value_of_a_cancelled_fetch_goes_to_those_who_came_since(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  desert_and_join(&r, &a, &b, room_key(&r, ROOM_B, key));
  room_call_answer(&r, 0, "v");
  room_run(&r);
  assert_string_equal(b.text, "v");
  assert_true(room_holds(&r, key));
  room_close(&r);
}

static void gives_up_when_told(struct room *r, gcache_call_t *call) {
  room_call_done(r, call, UV_ECANCELED, NULL, NULL);
}

static void transport_may_answer_when_it_is_told(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  r.call_told = gives_up_when_told;
  room_get(&r, &p, room_key(&r, ROOM_B, key), 50);
  room_advance(&r, 50);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  assert_int_equal(r.n_calls, 0);
  assert_int_equal(room_stats(&r).peer_errors, 0);
  assert_false(r.m.held);
  room_close(&r);
}

/* ------------------------------------------------------------------------ removes between ---- */

static void fetch_that_a_remove_overtook_is_delivered_and_not_kept(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  struct answer_probe remove;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &a, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_answer(&r, &remove, GCACHE_OP_REMOVE, key, NULL);
  room_get(&r, &b, key, 0); /* must not be given what was asked for before */
  room_turn(&r);
  assert_int_equal(r.calls_started, 2);
  room_call_answer(&r, 0, "old");
  room_turn(&r);
  assert_string_equal(a.text, "old");
  assert_int_equal(b.runs, 0);
  assert_false(room_holds(&r, key));
  assert_int_equal(room_stats(&r).not_kept, 1);
  room_call_answer(&r, 0, "new");
  room_turn(&r);
  assert_string_equal(b.text, "new");
  assert_true(room_holds(&r, key));
  room_close(&r);
}

static void waiters_of_a_detached_fetch_that_failed_join_the_load_that_runs(void **state) {
  struct room r;
  struct probe a = {0};
  struct answer_probe remove, peer;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &a, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_answer(&r, &remove, GCACHE_OP_REMOVE, key, NULL);
  room_answer(&r, &peer, GCACHE_OP_GET, key, NULL);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  room_call_answer(&r, UV_ECONNRESET, NULL);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_string_equal(a.text, "v");
  assert_true(room_holds(&r, key));
  room_close(&r);
}

static void waiters_of_a_failed_fetch_take_what_memory_has_by_now(void **state) {
  struct room r;
  struct probe a = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &a, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_fill(&r, key, "loaded for a peer", 0);
  room_call_answer(&r, UV_ECONNRESET, NULL);
  room_turn(&r);
  assert_string_equal(a.text, "loaded for a peer");
  assert_int_equal(a.from, GCACHE_FROM_MAIN);
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ expiry ---- */

static void hit_that_expires_before_its_completion_starts_over_as_a_miss(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "old", 1000);
  room_get(&r, &p, "k", 2000);
  assert_int_equal(room_stats(&r).hits, 1);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 1000);
  room_turn(&r);
  assert_int_equal(p.runs, 0);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 2);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 1000);
  assert_int_equal(room_stats(&r).hits, 0);
  room_load_answer(&r, "new");
  room_turn(&r);
  assert_string_equal(p.text, "new");
  assert_int_equal(p.from, GCACHE_FROM_LOAD);
  assert_int_equal(room_stats(&r).loads, 2); /* one by room_fill */
  room_close(&r);
}

static void hit_that_expires_out_of_time_times_out(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "old", 900);
  room_get(&r, &p, "k", 800);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 900);
  room_turn(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  room_close(&r);
}

static void hit_that_started_over_keeps_its_deadline(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "old", 900);
  room_get(&r, &p, "k", 1000);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 900);
  room_turn(&r);
  room_advance(&r, 99);
  assert_int_equal(p.runs, 0);
  room_advance(&r, 1);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  room_run(&r);
  assert_int_equal(r.getters_told, 1);
  room_load_answer(&r, "new");
  room_close(&r);
}

static void hit_is_delivered_just_before_it_expires(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 1000);
  room_get(&r, &p, "k", 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 999);
  room_turn(&r);
  assert_string_equal(p.text, "v");
  room_close(&r);
}

static void hit_that_a_very_long_turn_let_expire_is_a_failure(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 60000);
  room_get(&r, &p, "k", 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 60000);
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_ELOAD);
  assert_string_equal(p.reason, "the value expired before it could be delivered");
  room_close(&r);
}

static void result_that_expires_before_its_completion_is_a_failure(void **state) {
  struct room r;
  struct probe here = {0}, there = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &here, room_key(&r, ROOM_SELF, key), 0);
  room_get(&r, &there, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  gcache_value_t *value = room_value(&r, "v", 10);
  room_load_done(&r, r.loads[0], "v", 10);
  gcache_call_t *call = r.calls[0];
  room_forget((void **)r.calls, &r.n_calls, call);
  gcache_call_done(call, 0, value, NULL);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 10);
  room_run(&r);
  assert_int_equal(here.status, GCACHE_ELOAD);
  assert_int_equal(there.status, GCACHE_ELOAD);
  assert_string_not_equal(here.reason, "");
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ leaving ---- */

static void caller_who_leaves_disturbs_nobody(void **state) {
  struct room r;
  struct probe p[4] = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p[0], "k", 100);
  room_get(&r, &p[1], "k", 0);
  room_get(&r, &p[2], "k", GCACHE_NO_TIMEOUT);
  room_get(&r, &p[3], "k", 200);
  room_turn(&r);
  room_cancel(&r, &p[1]);
  room_cancel(&r, &p[1]);
  room_advance(&r, 100);
  assert_int_equal(p[0].status, UV_ETIMEDOUT);
  assert_int_equal(p[1].status, UV_ECANCELED);
  assert_int_equal(p[2].runs + p[3].runs, 0);
  room_advance(&r, 99);
  assert_int_equal(p[3].runs, 0);
  room_advance(&r, 1);
  assert_int_equal(p[3].status, UV_ETIMEDOUT);
  room_advance(&r, 1000000);
  assert_int_equal(p[2].runs, 0);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(p[2].text, "v");
  for (int i = 0; i < 4; i++)
    assert_int_equal(p[i].runs, 1);
  assert_int_equal(room_stats(&r).timeouts, 2);
  assert_int_equal(room_stats(&r).cancels, 1);
  room_close(&r);
}

static void timeout_zero_is_that_of_the_options(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_advance(&r, 9999);
  assert_int_equal(p.runs, 0);
  room_advance(&r, 1);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  room_close(&r);
}

static void cancel_overrules_a_result_that_is_not_delivered_yet(void **state) {
  struct room r;
  struct probe hit = {0}, soon = {0}, load = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  room_fill(&r, "soon", "v", 500);
  room_get(&r, &load, "other", 0);
  room_turn(&r);
  room_load_answer(&r, "v");
  room_get(&r, &hit, "k", 0);
  room_get(&r, &soon, "soon", 0);
  room_cancel(&r, &load);
  room_cancel(&r, &hit);
  room_cancel(&r, &soon);
  room_turn(&r);
  assert_int_equal(load.status, UV_ECANCELED);
  assert_int_equal(hit.status, UV_ECANCELED);
  assert_int_equal(soon.status, UV_ECANCELED);
  assert_int_equal(load.runs + hit.runs + soon.runs, 3);
  room_close(&r);
}

static void cancels_itself(struct probe *p) {
  room_cancel(p->room, p);
}

static void cancel_inside_the_callback_has_no_effect(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  p.then = cancels_itself;
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  room_cancel(&r, &p);
  assert_false(manual_env_due(&r.m));
  room_close(&r);
}

/* ------------------------------------------------------------------------ inside callbacks ---- */

static size_t frees;

static void frees_itself(struct probe *p) {
  frees++;
  memset(p, 0x5a, sizeof *p);
  free(p);
}

static void request_may_be_freed_inside_its_callback(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  frees = 0;
  for (int i = 0; i < 3; i++) { /* a miss, a hit, and one that is cancelled */
    struct probe *p = calloc(1, sizeof *p);
    p->then = frees_itself;
    room_get(&r, p, i < 2 ? "k" : "other", 0);
    room_turn(&r);
    if (i == 0) room_load_answer(&r, "v");
    if (i == 2) room_cancel(&r, p);
    room_run(&r);
  }
  assert_int_equal(frees, 3);
  room_close(&r);
}

static void asks_again(struct probe *p) {
  p->then = NULL;
  assert_int_equal(room_get(p->room, p, "second", 0), 0);
}

static void request_may_be_used_again_inside_its_callback(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  p.then = asks_again;
  room_get(&r, &p, "first", 0);
  room_turn(&r);
  room_load_answer(&r, "1");
  room_run(&r);
  assert_int_equal(p.runs, 0); /* begun anew */
  room_load_answer(&r, "2");
  room_run(&r);
  assert_string_equal(p.text, "2");
  room_close(&r);
}

static struct probe *other;

static void cancels_the_other(struct probe *p) {
  room_cancel(p->room, other);
}

static void callback_may_cancel_one_whose_turn_is_next(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  other = &b;
  a.then = cancels_the_other;
  room_get(&r, &a, "k", 0);
  room_get(&r, &b, "k", 0);
  room_turn(&r);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_int_equal(a.status, 0);
  assert_int_equal(b.status, UV_ECANCELED);
  assert_int_equal(b.runs, 1);
  room_close(&r);
}

static void closes_the_cache(struct probe *p) {
  room_begin_close(p->room);
}

static void callback_may_close_the_cache(void **state) {
  struct room r;
  struct probe a = {0}, b = {0}, c = {0};
  (void)state;
  room_open_alone(&r);
  a.then = closes_the_cache;
  room_get(&r, &a, "k", 0);
  room_get(&r, &b, "k", 0);
  room_get(&r, &c, "other", 0);
  room_turn(&r);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_int_equal(a.status, 0);
  assert_int_equal(b.status, UV_ECANCELED);
  assert_int_equal(c.status, UV_ECANCELED);
  assert_int_equal(r.cores_closed, 0); /* other's getter still owes */
  room_close(&r);
}

/* ------------------------------------------------------------------------------ errors ---- */

static void refused_get_starts_nothing_and_never_calls_back(void **state) {
  struct room r;
  struct probe p = {0};
  char long_key[66];
  (void)state;
  room_open_alone(&r);
  memset(long_key, 'k', 65);
  long_key[65] = '\0';
  assert_int_equal(room_get(&r, &p, long_key, 0), UV_EMSGSIZE);
  assert_int_equal(gcache_get(&p.req, r.group, gcache_bytes(NULL, 1), 0, room_on_got), UV_EINVAL);
  assert_int_equal(gcache_get(&p.req, r.group, gcache_cstr("k"), 0, NULL), UV_EINVAL);
  assert_null(gcache_peek(r.group, gcache_cstr(long_key)));
  assert_false(manual_env_due(&r.m));
  assert_false(r.m.held);
  long_key[64] = '\0';
  assert_int_equal(room_get(&r, &p, long_key, 0), 0);
  room_begin_close(&r);
  struct probe late = {0};
  assert_int_equal(room_get(&r, &late, "k", 0), GCACHE_ECLOSING);
  assert_null(gcache_peek(r.group, gcache_cstr("k")));
  room_close(&r);
  assert_int_equal(late.runs, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hit_completes_in_the_next_turn_and_allocates_nothing),
      cmocka_unit_test(hits_asked_for_together_complete_in_their_order),
      cmocka_unit_test(misses_and_what_expires_may_be_asked_for_among_hits),
      cmocka_unit_test(hit_may_be_cancelled_or_its_value_removed_before_it_completes),
      cmocka_unit_test(hits_of_a_group_that_closes_are_cancelled),
      cmocka_unit_test(hits_that_a_very_long_turn_let_expire_are_failures),
      cmocka_unit_test(peek_gives_what_is_here_and_starts_nothing),
      cmocka_unit_test(peek_many_gives_what_single_peeks_give),
      cmocka_unit_test(value_may_be_empty_and_so_may_the_key),
      cmocka_unit_test(own_key_is_loaded_here),
      cmocka_unit_test(key_of_a_peer_is_asked_there_once_and_kept_hot),
      cmocka_unit_test(group_without_a_hot_cache_asks_every_time),
      cmocka_unit_test(client_only_member_owns_and_keeps_nothing),
      cmocka_unit_test(client_only_member_keeps_both_when_its_group_says_so),
      cmocka_unit_test(client_only_member_shares_only_what_has_not_left),
      cmocka_unit_test(get_joins_a_load_that_runs_here_whoever_owns_the_key),
      cmocka_unit_test(fetch_under_way_goes_on_when_the_list_changes),
      cmocka_unit_test(word_of_the_owners_getter_is_believed),
      cmocka_unit_test(failed_exchange_is_replaced_by_a_load_here),
      cmocka_unit_test(word_of_the_getter_here_is_final_after_a_failed_exchange),
      cmocka_unit_test(value_that_arrives_expired_or_too_large_is_a_failed_exchange),
      cmocka_unit_test(member_without_a_transport_loads_here),
      cmocka_unit_test(caller_out_of_time_is_not_moved_to_a_load),
      cmocka_unit_test(nothing_is_loaded_for_callers_who_are_all_out_of_time),
      cmocka_unit_test(owner_out_of_time_is_asked_again_for_those_with_time_left),
      cmocka_unit_test(owner_that_says_timeout_early_is_a_failed_exchange),
      cmocka_unit_test(owner_whose_clock_is_a_millisecond_ahead_is_not_asked_for_ever),
      cmocka_unit_test(transport_is_told_once_when_the_last_caller_leaves),
      cmocka_unit_test(transport_is_not_told_when_someone_came_before_the_turn),
      cmocka_unit_test(cancelled_fetch_is_asked_anew_for_those_who_came_since),
      cmocka_unit_test(value_of_a_cancelled_fetch_goes_to_those_who_came_since),
      cmocka_unit_test(transport_may_answer_when_it_is_told),
      cmocka_unit_test(fetch_that_a_remove_overtook_is_delivered_and_not_kept),
      cmocka_unit_test(waiters_of_a_detached_fetch_that_failed_join_the_load_that_runs),
      cmocka_unit_test(waiters_of_a_failed_fetch_take_what_memory_has_by_now),
      cmocka_unit_test(hit_that_expires_before_its_completion_starts_over_as_a_miss),
      cmocka_unit_test(hit_that_expires_out_of_time_times_out),
      cmocka_unit_test(hit_that_started_over_keeps_its_deadline),
      cmocka_unit_test(hit_is_delivered_just_before_it_expires),
      cmocka_unit_test(hit_that_a_very_long_turn_let_expire_is_a_failure),
      cmocka_unit_test(result_that_expires_before_its_completion_is_a_failure),
      cmocka_unit_test(caller_who_leaves_disturbs_nobody),
      cmocka_unit_test(timeout_zero_is_that_of_the_options),
      cmocka_unit_test(cancel_overrules_a_result_that_is_not_delivered_yet),
      cmocka_unit_test(cancel_inside_the_callback_has_no_effect),
      cmocka_unit_test(request_may_be_freed_inside_its_callback),
      cmocka_unit_test(request_may_be_used_again_inside_its_callback),
      cmocka_unit_test(callback_may_cancel_one_whose_turn_is_next),
      cmocka_unit_test(callback_may_close_the_cache),
      cmocka_unit_test(refused_get_starts_nothing_and_never_calls_back),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
