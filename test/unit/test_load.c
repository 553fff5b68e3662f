/* core/load: the getter and the callers that wait for it. */
#include "core_room.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------ start ---- */

static void getter_runs_from_a_turn_and_not_inside_get(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  assert_int_equal(r.getter_runs, 0);
  assert_true(r.m.held);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(room_stats(&r).loading, 1);
  room_load_answer(&r, "v");
  assert_int_equal(p.runs, 0);
  room_turn(&r);
  assert_int_equal(p.runs, 1);
  assert_string_equal(p.text, "v");
  assert_int_equal(p.from, GCACHE_FROM_LOAD);
  assert_int_equal(room_stats(&r).loading, 0);
  assert_false(r.m.held);
  room_close(&r);
}

static void answers_at_once(struct room *r, gcache_load_t *load) {
  room_load_done(r, load, "at once", 0);
}

static void getter_may_answer_at_once(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  r.getter = answers_at_once;
  room_get(&r, &p, "k", 0);
  room_run(&r);
  assert_int_equal(p.runs, 1);
  assert_string_equal(p.text, "at once");
  room_close(&r);
}

static void all_getters_of_a_turn_start_in_one_drain(void **state) {
  struct room r;
  struct probe p[5] = {0};
  const char *keys[] = {"a", "b", "c", "d", "e"};
  (void)state;
  room_open_alone(&r);
  for (int i = 0; i < 5; i++)
    room_get(&r, &p[i], keys[i], 0);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 5);
  room_close(&r);
}

static void callers_of_one_key_share_one_load(void **state) {
  struct room r;
  struct probe p[100] = {0};
  (void)state;
  room_open_alone(&r);
  for (int i = 0; i < 50; i++)
    room_get(&r, &p[i], "k", 0);
  room_turn(&r);
  for (int i = 50; i < 100; i++)
    room_get(&r, &p[i], "k", 0);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(room_stats(&r).waiting, 100);
  room_load_answer(&r, "v");
  room_turn(&r);
  for (int i = 0; i < 100; i++) {
    assert_int_equal(p[i].runs, 1);
    assert_string_equal(p[i].text, "v");
  }
  gcache_group_stats_t stats = room_stats(&r);
  assert_int_equal(stats.gets, 100);
  assert_int_equal(stats.loads, 100);
  assert_int_equal(stats.loads_deduped, 1);
  assert_int_equal(stats.local_loads, 1);
  assert_int_equal(stats.waiting, 0);
  room_close(&r);
}

static void getter_does_not_run_when_nobody_waits_any_more(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_cancel(&r, &p);
  room_run(&r);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(r.getter_runs, 0);
  assert_int_equal(r.getters_told, 0);
  assert_false(r.m.held);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ leaving ---- */

static void getter_is_told_once_when_the_last_caller_leaves(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &a, "k", 0);
  room_get(&r, &b, "k", 0);
  room_turn(&r);
  room_cancel(&r, &a);
  room_run(&r);
  assert_int_equal(a.status, UV_ECANCELED);
  assert_int_equal(r.getters_told, 0);
  room_cancel(&r, &b);
  assert_int_equal(r.getters_told, 0);
  room_run(&r);
  assert_int_equal(r.getters_told, 1);
  room_get(&r, &a, "k", 0);
  room_run(&r);
  room_cancel(&r, &a);
  room_run(&r);
  assert_int_equal(r.getters_told, 1);
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

static void getter_is_told_when_the_last_caller_times_out(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &a, "k", 100);
  room_get(&r, &b, "k", 200);
  room_advance(&r, 150);
  assert_int_equal(a.status, UV_ETIMEDOUT);
  assert_int_equal(b.runs, 0);
  assert_int_equal(r.getters_told, 0);
  room_advance(&r, 50);
  assert_int_equal(b.status, UV_ETIMEDOUT);
  assert_int_equal(r.getters_told, 1);
  assert_int_equal(room_stats(&r).timeouts, 2);
  assert_true(r.m.held);
  room_close(&r);
}

static void getter_is_not_told_when_someone_came_before_the_turn(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &a, "k", 0);
  room_turn(&r);
  room_cancel(&r, &a);
  room_get(&r, &b, "k", 0);
  room_run(&r);
  assert_int_equal(r.getters_told, 0);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(b.text, "v");
  room_close(&r);
}

/* One caller who left after the getter had started, and b who came after it was told. */
static void desert_and_join(struct room *r, struct probe *a, struct probe *b) {
  room_get(r, a, "k", 0);
  room_turn(r);
  room_cancel(r, a);
  room_run(r);
  assert_int_equal(r->getters_told, 1);
  room_get(r, b, "k", 0);
  room_run(r);
  assert_int_equal(r->getter_runs, 1);
}

static void newcomer_gets_the_value_of_a_load_that_was_told(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  desert_and_join(&r, &a, &b);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(b.text, "v");
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

static void load_that_was_told_and_failed_runs_again_for_newcomers(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  desert_and_join(&r, &a, &b);
  room_load_fail(&r, r.loads[0], UV_ECANCELED, "stopped");
  room_run(&r);
  assert_int_equal(b.runs, 0);
  assert_int_equal(r.getter_runs, 2);
  room_load_fail(&r, r.loads[0], UV_EIO, "broken"); /* this one was not told */
  room_run(&r);
  assert_int_equal(b.status, GCACHE_ELOAD);
  assert_string_equal(b.reason, "broken");
  assert_int_equal(r.getter_runs, 2);
  room_close(&r);
}

static void load_that_was_told_is_believed_when_it_says_not_found(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  desert_and_join(&r, &a, &b);
  room_load_fail(&r, r.loads[0], GCACHE_ENOTFOUND, NULL);
  room_run(&r);
  assert_int_equal(b.status, GCACHE_ENOTFOUND);
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

static void newcomer_of_a_failed_load_that_was_told_keeps_his_deadline(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &a, "k", 0);
  room_turn(&r);
  room_cancel(&r, &a);
  room_run(&r);
  room_get(&r, &b, "k", 100);
  room_advance(&r, 60);
  room_load_fail(&r, r.loads[0], UV_ECANCELED, NULL);
  room_run(&r);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 40);
  room_advance(&r, 40);
  assert_int_equal(b.status, UV_ETIMEDOUT);
  room_close(&r);
}

static void failure_is_final_when_the_getter_cannot_be_told(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  gcache_group_options_t o;
  (void)state;
  room_open_alone(&r);
  o = room_group_options(&r);
  o.cancel = NULL;
  assert_int_equal(gcache_group_open(&r.group, &r.core, "untold", &o), 0);
  room_get(&r, &a, "k", 0);
  room_turn(&r);
  room_cancel(&r, &a);
  room_run(&r);
  room_get(&r, &b, "k", 0);
  room_load_fail(&r, r.loads[0], UV_EIO, "broken");
  room_run(&r);
  assert_int_equal(b.status, GCACHE_ELOAD);
  assert_int_equal(r.getter_runs, 1);
  room_close(&r);
}

static void fails_when_told(struct room *r, gcache_load_t *load) {
  room_load_fail(r, load, UV_ECANCELED, NULL);
}

static void getter_may_answer_when_it_is_told(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  r.told = fails_when_told;
  room_get(&r, &p, "k", 50);
  room_advance(&r, 50);
  assert_int_equal(p.status, UV_ETIMEDOUT);
  assert_int_equal(r.getters_told, 1);
  assert_int_equal(r.n_loads, 0);
  assert_false(r.m.held);
  room_close(&r);
}

static void value_that_comes_when_nobody_waits_is_kept(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 50);
  room_advance(&r, 50);
  room_load_answer(&r, "late");
  assert_true(room_holds(&r, "k"));
  assert_int_equal(p.status, UV_ETIMEDOUT);
  room_close(&r);
}

static void answer_before_the_hint_has_run_withdraws_it(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  room_cancel(&r, &p);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_int_equal(r.getters_told, 0);
  assert_int_equal(p.status, UV_ECANCELED);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ answers ---- */

static void value_that_has_expired_is_not_delivered(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  gcache_load_t *load = r.loads[0];
  room_forget((void **)r.loads, &r.n_loads, load);
  gcache_load_done(load,
                   gcache_value_copy(&r.core, gcache_cstr("v"), gcache_expire_in(&r.core, 0)));
  room_run(&r);
  assert_int_equal(p.status, GCACHE_ELOAD);
  assert_string_equal(p.reason, "the getter's value had already expired");
  assert_false(room_holds(&r, "k"));
  assert_int_equal(room_stats(&r).local_load_errs, 1);
  room_close(&r);
}

static void value_over_the_limit_is_not_delivered(void **state) {
  struct room r;
  struct probe p[2] = {0};
  static char big[64 * 1024 + 1];
  (void)state;
  room_open_alone(&r);
  for (size_t more = 0; more < 2; more++) {
    room_get(&r, &p[more], "k", 0);
    room_turn(&r);
    gcache_load_t *load = r.loads[0];
    room_forget((void **)r.loads, &r.n_loads, load);
    gcache_load_done_copy(load, gcache_bytes(big, sizeof big - 1 + more), 1);
    room_turn(&r);
    room_advance(&r, 1);
  }
  assert_int_equal(p[0].status, 0);
  assert_int_equal(p[1].status, GCACHE_ELOAD);
  assert_string_not_equal(p[1].reason, "");
  room_close(&r);
}

static void no_value_is_a_failure_for_want_of_memory(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  gcache_load_t *load = r.loads[0];
  room_forget((void **)r.loads, &r.n_loads, load);
  gcache_load_done(load, NULL);
  room_run(&r);
  assert_int_equal(p.status, GCACHE_ELOAD);
  room_close(&r);
}

static void value_too_large_to_keep_is_delivered(void **state) {
  struct room r;
  struct probe p = {0};
  static char big[64 * 1024];
  gcache_group_options_t o;
  (void)state;
  room_open_alone(&r);
  o = room_group_options(&r);
  o.max_bytes = 64 * 1024;
  assert_int_equal(gcache_group_open(&r.group, &r.core, "small", &o), 0);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  gcache_load_t *load = r.loads[0];
  room_forget((void **)r.loads, &r.n_loads, load);
  gcache_load_done_copy(load, gcache_bytes(big, sizeof big), 0);
  room_run(&r);
  assert_int_equal(p.status, 0);
  assert_false(room_holds(&r, "k"));
  assert_int_equal(room_stats(&r).not_kept, 1);
  room_close(&r);
}

static void done_copy_lives_as_long_as_it_was_told(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  room_load_done(&r, r.loads[0], "v", 5000);
  room_run(&r);
  room_advance(&r, 4999);
  assert_true(room_holds(&r, "k"));
  room_advance(&r, 1);
  assert_false(room_holds(&r, "k"));
  room_close(&r);
}

static void status_and_reason_reach_the_callers(void **state) {
  static const struct {
    int status;
    const char *reason;
    int seen;
    const char *words;
  } rows[] = {
      {GCACHE_ENOTFOUND, "no row", GCACHE_ENOTFOUND, "no row"},
      {UV_EIO, "disk", GCACHE_ELOAD, "disk"},
      {-1234567, "mine", GCACHE_ELOAD, "mine"},
      {UV_ETIMEDOUT, "slow", GCACHE_ELOAD, "slow"},
      {GCACHE_ENOTFOUND, NULL, GCACHE_ENOTFOUND, "the getter says there is no such key"},
      {UV_ENOENT, NULL, GCACHE_ELOAD, "no such file or directory"}, /* options.error_text */
      {-1234567, NULL, GCACHE_ELOAD, "the getter failed"},
      {0, NULL, GCACHE_ELOAD, "the getter failed"},
      {UV_EIO, "", GCACHE_ELOAD, ""},
      {UV_EIO, "a\nb\xc3", GCACHE_ELOAD, "a?b?"},
  };
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    room_get(&r, &p, "k", 0);
    room_turn(&r);
    room_load_fail(&r, r.loads[0], rows[i].status, rows[i].reason);
    room_run(&r);
    assert_int_equal(p.status, rows[i].seen);
    assert_string_equal(p.reason, rows[i].words);
  }
  assert_int_equal(room_stats(&r).local_load_errs, sizeof rows / sizeof rows[0]);
  assert_int_equal(room_stats(&r).local_loads, 0);
  room_close(&r);
}

static void reason_is_cut_to_256_bytes(void **state) {
  struct room r;
  struct probe p = {0};
  char words[400];
  (void)state;
  memset(words, 'x', sizeof words - 1);
  words[sizeof words - 1] = '\0';
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  room_load_fail(&r, r.loads[0], UV_EIO, words);
  room_run(&r);
  assert_int_equal(strlen(p.reason), 256);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ questions ---- */

static void getter_can_ask_what_it_is_to_load(void **state) {
  struct room r;
  struct probe p = {0};
  int mine;
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "the key", 0);
  room_turn(&r);
  gcache_load_t *load = r.loads[0];
  gcache_bytes_t key = gcache_load_key(load);
  assert_int_equal(key.len, 7);
  assert_memory_equal(key.base, "the key", 7);
  assert_ptr_equal(gcache_load_group(load), r.group);
  assert_null(gcache_load_data(load));
  gcache_load_set_data(load, &mine);
  assert_ptr_equal(gcache_load_data(load), &mine);
  room_close(&r);
}

static void time_left_is_that_of_the_most_patient_caller(void **state) {
  struct room r;
  struct probe a = {0}, b = {0}, c = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &a, "k", 100);
  room_get(&r, &b, "k", 300);
  room_turn(&r);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 300);
  room_advance(&r, 50);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 250);
  room_get(&r, &c, "k", GCACHE_NO_TIMEOUT);
  assert_true(gcache_load_time_left_ms(r.loads[0]) == UINT64_MAX);
  room_cancel(&r, &c);
  room_cancel(&r, &b);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 50);
  room_cancel(&r, &a);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------ inside a getter ---- */

static struct probe inner; /* of the getters below; each test begins it anew */
static struct change_probe inner_change;

static void asks_for_its_own_key(struct room *r, gcache_load_t *load) {
  (void)load;
  inner.then = NULL;
  if (r->getter_runs == 1) assert_int_equal(room_get(r, &inner, "k", 0), 0);
}

static void getter_that_asks_for_its_own_key_joins_itself(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  r.getter = asks_for_its_own_key;
  room_get(&r, &p, "k", 0);
  room_run(&r);
  assert_int_equal(r.getter_runs, 1);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(p.text, "v");
  assert_string_equal(inner.text, "v");
  room_close(&r);
}

static void removes_its_own_key(struct room *r, gcache_load_t *load) {
  inner_change.then = NULL;
  if (r->getter_runs > 1) return;
  assert_int_equal(room_remove(r, &inner_change, "k", 0), 0);
  room_load_done(r, load, "old", 0);
}

static void getter_that_removes_its_own_key_is_delivered_and_not_kept(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  r.getter = removes_its_own_key;
  room_get(&r, &p, "k", 0);
  room_run(&r);
  assert_string_equal(p.text, "old");
  assert_int_equal(inner_change.status, 0);
  assert_false(room_holds(&r, "k"));
  assert_int_equal(room_stats(&r).not_kept, 1);
  room_close(&r);
}

static void closes_the_group(struct room *r, gcache_load_t *load) {
  (void)load;
  r->depth++;
  gcache_group_close(r->group, room_on_group_closed, r);
  r->depth--;
}

static void getter_may_close_its_group(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  r.getter = closes_the_group;
  room_get(&r, &p, "k", 0);
  room_run(&r);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(r.groups_closed, 0); /* the answer is owed */
  assert_int_equal(r.getters_told, 1);
  room_load_answer(&r, "v");
  assert_int_equal(r.groups_closed, 0);
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  room_close(&r);
}

static void closes_the_core_and_answers(struct room *r, gcache_load_t *load) {
  room_begin_close(r);
  room_load_done(r, load, "v", 0);
}

static void getter_may_close_the_cache_and_answer(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  r.getter = closes_the_core_and_answers;
  room_get(&r, &p, "k", 0);
  room_run(&r);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(r.cores_closed, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ work ---- */

static struct {
  int rc, at_once;
  size_t taken, told;
} work_door;

static void some_work(gcache_work_t *work, void *arg) {
  (void)work;
  (void)arg;
}

static int take_work(gcache_load_t *load, gcache_work_cb work, void *arg) {
  struct room *r = gcache_group_data(gcache_load_group(load));
  assert_ptr_equal(work, some_work);
  assert_ptr_equal(arg, &work_door);
  work_door.taken++;
  if (work_door.at_once) room_load_done(r, load, "worked", 0);
  return work_door.rc;
}

static void on_work_told(gcache_load_t *load) {
  room_called_out(gcache_group_data(gcache_load_group(load)));
  work_door.told++;
}

static void hands_it_to_a_thread(struct room *r, gcache_load_t *load) {
  r->depth++;
  int rc = gcache_load_work(load, some_work, &work_door);
  r->depth--;
  assert_int_equal(rc, work_door.rc);
}

static void open_with_a_work_door(struct room *r) {
  memset(&work_door, 0, sizeof work_door);
  room_init(r);
  struct gci_core_options o = room_core_options(r, NULL);
  o.load_work = take_work;
  o.load_work_cancel = on_work_told;
  assert_int_equal(room_try_open(r, &o), 0);
  room_open_group(r, GCACHE_HOT_DEFAULT);
  r->getter = hands_it_to_a_thread;
}

static void load_that_a_thread_has_taken_is_told_through_the_work_door(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  open_with_a_work_door(&r);
  room_get(&r, &p, "k", 50);
  room_advance(&r, 50);
  assert_int_equal(work_door.taken, 1);
  assert_int_equal(work_door.told, 1);
  assert_int_equal(r.getters_told, 0);
  room_close(&r);
}

static void load_that_no_thread_takes_is_still_owed(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  open_with_a_work_door(&r);
  work_door.rc = UV_ENOMEM;
  room_get(&r, &p, "k", 50);
  room_advance(&r, 50);
  assert_int_equal(work_door.told, 0);
  assert_int_equal(r.getters_told, 1);
  assert_int_equal(r.n_loads, 1);
  room_close(&r);
}

static void work_may_be_answered_before_it_is_taken(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  open_with_a_work_door(&r);
  work_door.at_once = 1;
  room_get(&r, &p, "k", 0);
  room_run(&r);
  assert_string_equal(p.text, "worked");
  room_close(&r);
}

static void work_without_threads_is_not_supported(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  assert_int_equal(gcache_load_work(r.loads[0], some_work, NULL), UV_ENOTSUP);
  assert_int_equal(gcache_load_work(r.loads[0], NULL, NULL), UV_EINVAL);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_string_equal(p.text, "v");
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(getter_runs_from_a_turn_and_not_inside_get),
      cmocka_unit_test(getter_may_answer_at_once),
      cmocka_unit_test(all_getters_of_a_turn_start_in_one_drain),
      cmocka_unit_test(callers_of_one_key_share_one_load),
      cmocka_unit_test(getter_does_not_run_when_nobody_waits_any_more),
      cmocka_unit_test(getter_is_told_once_when_the_last_caller_leaves),
      cmocka_unit_test(getter_is_told_when_the_last_caller_times_out),
      cmocka_unit_test(getter_is_not_told_when_someone_came_before_the_turn),
      cmocka_unit_test(newcomer_gets_the_value_of_a_load_that_was_told),
      cmocka_unit_test(load_that_was_told_and_failed_runs_again_for_newcomers),
      cmocka_unit_test(load_that_was_told_is_believed_when_it_says_not_found),
      cmocka_unit_test(newcomer_of_a_failed_load_that_was_told_keeps_his_deadline),
      cmocka_unit_test(failure_is_final_when_the_getter_cannot_be_told),
      cmocka_unit_test(getter_may_answer_when_it_is_told),
      cmocka_unit_test(value_that_comes_when_nobody_waits_is_kept),
      cmocka_unit_test(answer_before_the_hint_has_run_withdraws_it),
      cmocka_unit_test(value_that_has_expired_is_not_delivered),
      cmocka_unit_test(value_over_the_limit_is_not_delivered),
      cmocka_unit_test(no_value_is_a_failure_for_want_of_memory),
      cmocka_unit_test(value_too_large_to_keep_is_delivered),
      cmocka_unit_test(done_copy_lives_as_long_as_it_was_told),
      cmocka_unit_test(status_and_reason_reach_the_callers),
      cmocka_unit_test(reason_is_cut_to_256_bytes),
      cmocka_unit_test(getter_can_ask_what_it_is_to_load),
      cmocka_unit_test(time_left_is_that_of_the_most_patient_caller),
      cmocka_unit_test(getter_that_asks_for_its_own_key_joins_itself),
      cmocka_unit_test(getter_that_removes_its_own_key_is_delivered_and_not_kept),
      cmocka_unit_test(getter_may_close_its_group),
      cmocka_unit_test(getter_may_close_the_cache_and_answer),
      cmocka_unit_test(load_that_a_thread_has_taken_is_told_through_the_work_door),
      cmocka_unit_test(load_that_no_thread_takes_is_still_owed),
      cmocka_unit_test(work_may_be_answered_before_it_is_taken),
      cmocka_unit_test(work_without_threads_is_not_supported),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
