/* core/answer: a peer asks, and this member answers without asking others. */
#include "core_room.h"

static void answer_from_memory_comes_in_the_next_turn(void **state) {
  struct room r;
  struct answer_probe p;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_fill(&r, room_key(&r, ROOM_B, key), "v", 0); /* whoever owns it */
  assert_int_equal(room_answer(&r, &p, GCACHE_OP_GET, key, NULL), 0);
  assert_int_equal(p.runs, 0);
  room_turn(&r);
  assert_int_equal(p.runs, 1);
  assert_string_equal(p.text, "v");
  assert_string_equal(p.reason, "");
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

static void answer_from_the_hot_cache_is_as_good(void **state) {
  struct room r;
  struct probe get = {0};
  struct answer_probe p;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  room_call_answer(&r, 0, "fetched");
  room_turn(&r);
  room_answer(&r, &p, GCACHE_OP_GET, key, NULL);
  room_turn(&r);
  assert_string_equal(p.text, "fetched");
  assert_int_equal(r.getter_runs, 0);
  room_close(&r);
}

static void question_is_never_passed_on_nor_waits_for_one_of_ours(void **state) {
  struct room r;
  struct probe get = {0};
  struct answer_probe p;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0);
  room_turn(&r);
  assert_int_equal(r.calls_started, 1);
  room_answer(&r, &p, GCACHE_OP_GET, key, NULL); /* b thinks that we own it */
  room_turn(&r);
  assert_int_equal(r.calls_started, 1);
  assert_int_equal(r.getter_runs, 1);
  room_load_answer(&r, "loaded");
  room_turn(&r);
  assert_string_equal(p.text, "loaded");
  assert_int_equal(get.runs, 0);
  room_call_answer(&r, 0, "fetched");
  room_turn(&r);
  assert_string_equal(get.text, "fetched");
  room_close(&r);
}

static void peers_and_callers_share_one_load(void **state) {
  struct room r;
  struct probe get = {0};
  struct answer_probe a, b;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &get, room_key(&r, ROOM_SELF, key), 0);
  room_answer(&r, &a, GCACHE_OP_GET, key, NULL);
  room_turn(&r);
  room_answer(&r, &b, GCACHE_OP_GET, key, NULL);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_string_equal(get.text, "v");
  assert_string_equal(a.text, "v");
  assert_string_equal(b.text, "v");
  assert_int_equal(room_stats(&r).server_requests, 2);
  assert_int_equal(room_stats(&r).gets, 3);
  room_close(&r);
}

static void word_of_the_getter_travels_with_its_reason(void **state) {
  struct room r;
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  room_answer(&r, &p, GCACHE_OP_GET, "k", NULL);
  room_turn(&r);
  room_load_fail(&r, r.loads[0], GCACHE_ENOTFOUND, "no row");
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_ENOTFOUND);
  assert_false(p.has_value);
  assert_string_equal(p.reason, "no row");
  room_close(&r);
}

static void load_that_was_told_and_failed_runs_again_here_for_a_peer(void **state) {
  struct room r;
  struct answer_probe a, b;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_answer(&r, &a, GCACHE_OP_GET, room_key(&r, ROOM_B, key), NULL);
  room_turn(&r);
  r.depth++;
  gcache_answer_cancel(&a.req);
  r.depth--;
  room_run(&r);
  assert_int_equal(a.status, UV_ECANCELED);
  assert_int_equal(r.getters_told, 1);
  room_answer(&r, &b, GCACHE_OP_GET, key, NULL);
  room_load_fail(&r, r.loads[0], UV_ECANCELED, NULL);
  room_run(&r);
  assert_int_equal(r.calls_started, 0);
  assert_int_equal(r.getter_runs, 2);
  room_close(&r);
}

static void set_is_kept_whatever_our_list_says(void **state) {
  struct room r;
  struct probe get = {0};
  struct answer_probe p;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_answer(&r, &p, GCACHE_OP_SET, room_key(&r, ROOM_B, key), "set");
  assert_true(room_holds(&r, key));
  assert_int_equal(p.runs, 0);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  room_get(&r, &get, key, 0);
  room_turn(&r);
  assert_string_equal(get.text, "set");
  assert_int_equal(get.from, GCACHE_FROM_MAIN);
  assert_int_equal(r.calls_started, 0);
  room_close(&r);
}

static void set_without_room_leaves_nothing(void **state) {
  struct room r;
  struct answer_probe p;
  static char big[64 * 1024];
  gcache_group_options_t o;
  (void)state;
  room_open_alone(&r);
  o = room_group_options(&r);
  o.max_bytes = 64 * 1024;
  assert_int_equal(gcache_group_open(&r.group, &r.core, "small", &o), 0);
  memset(&p, 0, sizeof p);
  p.room = &r;
  p.req.data = &p;
  gcache_value_t *value = gcache_value_copy(&r.core, gcache_bytes(big, sizeof big), GCACHE_NEVER);
  assert_int_equal(gcache_answer(&p.req, &r.core, GCACHE_OP_SET, gcache_cstr("small"),
                                 gcache_cstr("k"), value, 0, room_on_answered),
                   0);
  gcache_value_unref(value);
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_ENOROOM);
  assert_false(room_holds(&r, "k"));
  room_close(&r);
}

static void set_without_memory_is_told_as_without_room(void **state) {
  struct room r;
  struct answer_probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "old", 0);
  gcache_value_t *value = room_value(&r, "new", 0);
  p.room = &r;
  p.req.data = &p;
  oom_fail_from(&r.oom, 1);
  assert_int_equal(gcache_answer(&p.req, &r.core, GCACHE_OP_SET, gcache_cstr("g"), gcache_cstr("k"),
                                 value, 0, room_on_answered),
                   0);
  oom_heal(&r.oom);
  gcache_value_unref(value);
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_ENOROOM);
  assert_false(room_holds(&r, "k"));
  room_close(&r);
}

/* op comes while a load and a fetch of the same key are under way. */
static void overtake(gcache_op_t op, const char *text, int holds_after) {
  struct room r;
  struct probe get = {0};
  struct answer_probe load, order;
  char key[16];
  room_open_three(&r);
  room_get(&r, &get, room_key(&r, ROOM_B, key), 0);
  room_answer(&r, &load, GCACHE_OP_GET, key, NULL);
  room_turn(&r);
  assert_int_equal(room_answer(&r, &order, op, op == GCACHE_OP_CLEAR ? "" : key, text), 0);
  room_load_answer(&r, "old");
  room_call_answer(&r, 0, "old");
  room_turn(&r);
  assert_int_equal(order.status, 0);
  assert_string_equal(get.text, "old");
  assert_string_equal(load.text, "old");
  assert_int_equal(room_holds(&r, key), holds_after);
  if (holds_after) {
    gcache_value_t *value = gcache_peek(r.group, gcache_cstr(key));
    assert_memory_equal(gcache_value_bytes(value).base, text, strlen(text));
    gcache_value_unref(value);
  }
  assert_int_equal(room_stats(&r).not_kept, 2);
  room_close(&r);
}

static void orders_detach_what_is_under_way(void **state) {
  (void)state;
  overtake(GCACHE_OP_REMOVE, NULL, 0);
  overtake(GCACHE_OP_CLEAR, NULL, 0);
  overtake(GCACHE_OP_SET, "new", 1);
}

static void clear_drops_every_key(void **state) {
  struct room r;
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  room_fill(&r, "l", "v", 0);
  room_answer(&r, &p, GCACHE_OP_CLEAR, "", NULL);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_false(room_holds(&r, "k"));
  assert_false(room_holds(&r, "l"));
  assert_int_equal(r.calls_started, 0);
  room_close(&r);
}

static void peer_that_waits_too_long_gets_a_timeout_alone(void **state) {
  struct room r;
  struct probe get = {0};
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  room_answer(&r, &p, GCACHE_OP_GET, "k", NULL); /* 10 s, by the options */
  room_get(&r, &get, "k", GCACHE_NO_TIMEOUT);
  room_advance(&r, 9999);
  assert_int_equal(p.runs, 0);
  room_advance(&r, 1);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  assert_int_equal(r.getters_told, 0);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(get.text, "v");
  room_close(&r);
}

static void asker_who_leaves_is_still_called_back(void **state) {
  static const gcache_op_t ops[] = {GCACHE_OP_GET, GCACHE_OP_SET, GCACHE_OP_REMOVE};
  struct room r;
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  for (size_t i = 0; i < 3; i++) {
    room_answer(&r, &p, ops[i], "k", ops[i] == GCACHE_OP_SET ? "v" : NULL);
    gcache_answer_cancel(&p.req);
    gcache_answer_cancel(&p.req);
    assert_int_equal(p.runs, 0);
    room_run(&r);
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.status, UV_ECANCELED);
    gcache_answer_cancel(&p.req);
    assert_false(manual_env_due(&r.m));
  }
  room_close(&r);
}

static void hit_that_expires_before_its_completion_is_loaded_here(void **state) {
  struct room r;
  struct answer_probe p;
  char key[16];
  (void)state;
  room_open_three(&r);
  room_fill(&r, room_key(&r, ROOM_B, key), "old", 100);
  room_answer(&r, &p, GCACHE_OP_GET, key, NULL);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 100);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  assert_int_equal(r.calls_started, 0);
  room_load_answer(&r, "new");
  room_run(&r);
  assert_string_equal(p.text, "new");
  room_close(&r);
}

static void refused_question_starts_nothing(void **state) {
  struct room r;
  struct answer_probe p = {0};
  char long_key[66];
  static char big[64 * 1024 + 1];
  (void)state;
  room_open_alone(&r);
  memset(long_key, 'k', 65);
  long_key[65] = '\0';
  gcache_bytes_t g = gcache_cstr("g"), k = gcache_cstr("k");
  gcache_value_t *large = gcache_value_copy(&r.core, gcache_bytes(big, sizeof big), GCACHE_NEVER);
  gcache_value_t *expired = room_value(&r, "v", 1);
  room_advance(&r, 1);
  const struct {
    gcache_op_t op;
    gcache_bytes_t group, key;
    gcache_value_t *value;
    int rc;
  } rows[] = {
      {GCACHE_OP_GET, gcache_cstr("unknown"), k, NULL, GCACHE_ENOGROUP},
      {GCACHE_OP_GET, gcache_bytes("g\0", 2), k, NULL, GCACHE_ENOGROUP},
      {GCACHE_OP_GET, gcache_bytes(NULL, 0), k, NULL, GCACHE_ENOGROUP},
      {GCACHE_OP_GET, g, gcache_cstr(long_key), NULL, UV_EMSGSIZE},
      {GCACHE_OP_REMOVE, g, gcache_cstr(long_key), NULL, UV_EMSGSIZE},
      {GCACHE_OP_SET, g, gcache_cstr(long_key), large, UV_EMSGSIZE},
      {GCACHE_OP_SET, g, k, large, UV_EMSGSIZE},
      {GCACHE_OP_SET, g, k, expired, UV_EINVAL},
      {GCACHE_OP_SET, g, k, NULL, UV_EINVAL},
      {(gcache_op_t)17, g, k, NULL, UV_EINVAL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_int_equal(gcache_answer(&p.req, &r.core, rows[i].op, rows[i].group, rows[i].key,
                                   rows[i].value, 0, room_on_answered),
                     rows[i].rc);
  }
  assert_int_equal(gcache_answer(&p.req, &r.core, GCACHE_OP_GET, g, k, NULL, 0, NULL), UV_EINVAL);
  gcache_value_unref(large);
  gcache_value_unref(expired);
  assert_false(manual_env_due(&r.m));
  assert_int_equal(room_stats(&r).server_requests, 0);
  room_begin_close(&r);
  assert_int_equal(room_answer(&r, &p, GCACHE_OP_GET, "k", NULL), GCACHE_ECLOSING);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answer_from_memory_comes_in_the_next_turn),
      cmocka_unit_test(answer_from_the_hot_cache_is_as_good),
      cmocka_unit_test(question_is_never_passed_on_nor_waits_for_one_of_ours),
      cmocka_unit_test(peers_and_callers_share_one_load),
      cmocka_unit_test(word_of_the_getter_travels_with_its_reason),
      cmocka_unit_test(load_that_was_told_and_failed_runs_again_here_for_a_peer),
      cmocka_unit_test(set_is_kept_whatever_our_list_says),
      cmocka_unit_test(set_without_room_leaves_nothing),
      cmocka_unit_test(set_without_memory_is_told_as_without_room),
      cmocka_unit_test(orders_detach_what_is_under_way),
      cmocka_unit_test(clear_drops_every_key),
      cmocka_unit_test(peer_that_waits_too_long_gets_a_timeout_alone),
      cmocka_unit_test(asker_who_leaves_is_still_called_back),
      cmocka_unit_test(hit_that_expires_before_its_completion_is_loaded_here),
      cmocka_unit_test(refused_question_starts_nothing),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
