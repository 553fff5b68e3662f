/* Freshness of a single member: stale values, refresh ahead, remembered "not found"; each option by
 * itself, together, and with sets and removes in between. */
#include "base/err.h"
#include "fresh_room.h"

/* ------------------------------------------------------------------------------ stale ---- */

static void stale_value_is_given_at_once_and_one_load_runs_behind_it(void **state) {
  struct room r;
  struct probe p[3] = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(room_get(&r, &p[i], "k", 0), 0);
    assert_int_equal(p[i].runs, 0);
  }
  room_run(&r);
  for (int i = 0; i < 3; i++) {
    fresh_assert_got(&p[i], "old", 1);
    assert_int_equal(p[i].from, GCACHE_FROM_MAIN);
  }
  assert_int_equal(r.getter_runs, 2); /* room_fill() is the first */
  assert_int_equal(room_stats(&r).refreshes, 1);
  assert_int_equal(room_stats(&r).stale, 3);
  room_advance(&r, 99);
  fresh_get(&r, &p[0], "k");
  fresh_assert_got(&p[0], "old", 99);
  assert_int_equal(r.getter_runs, 2);
  fresh_load(&r, "new", 1000);
  fresh_get(&r, &p[0], "k");
  fresh_assert_got(&p[0], "new", 0);
  room_close(&r);
}

static void stale_value_is_gone_at_the_end_of_its_window(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1499);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "old", 499);
  room_advance(&r, 1);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  assert_int_equal(r.getter_runs, 2); /* it has joined the refresh */
  fresh_load(&r, "new", 0);
  fresh_assert_got(&p, "new", 0);
  room_close(&r);
}

static void stale_memory_is_counted_and_free_within_a_second_of_the_end(void **state) {
  struct room r;
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 3000, .error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  uint64_t bytes = room_stats(&r).main.bytes;
  assert_true(bytes > 0);
  room_advance(&r, 5999);
  assert_int_equal(room_stats(&r).main.items, 1);
  assert_int_equal(room_stats(&r).main.bytes, bytes);
  room_advance(&r, 1001);
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_int_equal(room_stats(&r).main.bytes, 0);
  assert_int_equal(room_stats(&r).main.expirations, 1);
  room_close(&r);
}

static void peek_never_gives_a_stale_value_and_leaves_it_there(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500, .error_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  assert_false(room_holds(&r, "k"));
  assert_int_equal(room_stats(&r).refreshes, 0);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "old", 1);
  fresh_load(&r, "new", 0);
  room_close(&r);
}

static void value_that_expires_on_its_way_to_the_callback_is_flagged(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 999);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 11);
  room_run(&r);
  fresh_assert_got(&p, "old", 10);
  room_close(&r);
}

static void value_whose_window_ends_on_its_way_is_loaded(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1499);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 1);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_load(&r, "new", 0);
  fresh_assert_got(&p, "new", 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------- the load behind ---- */

static void load_behind_is_wanted_although_nobody_waits_and_has_a_deadline(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  fresh_get(&r, &p, "k");
  assert_int_equal(r.n_loads, 1);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 10000); /* options.timeout_ms */
  assert_int_equal(room_stats(&r).waiting, 0);
  room_advance(&r, 9999);
  assert_int_equal(r.getters_told, 0);
  room_advance(&r, 1);
  assert_int_equal(r.getters_told, 1);
  assert_int_equal(room_stats(&r).timeouts, 0);
  fresh_load(&r, "late", 0);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "late", 0);
  room_close(&r);
}

static void load_behind_that_fails_leaves_the_stale_value(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 1500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  fresh_get(&r, &p, "k");
  fresh_fail(&r, UV_EIO);
  room_advance(&r, 1000);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "old", 1000);
  assert_int_equal(room_stats(&r).refreshes, 2); /* a hit after the pause tries again */
  fresh_fail(&r, UV_EIO);
  room_advance(&r, 500);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, UV_EIO);
  fresh_assert_failed(&p, GCACHE_ELOAD);
  room_close(&r);
}

/* Hits for ms, one every ms, each of which must be given the old value; the loads that begin fail at
 * once. */
static void hit_and_fail(struct room *r, uint64_t ms) {
  for (uint64_t i = 0; i < ms; i++) {
    struct probe p = {0};
    fresh_get(r, &p, "k");
    while (r->n_loads > 0)
      fresh_fail(r, UV_EIO);
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.status, 0);
    assert_string_equal(p.text, "old");
    assert_true(p.stale_ms > 0);
    room_advance(r, 1);
  }
}

static void source_that_fails_is_asked_less_and_less_behind_hits(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 100000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  hit_and_fail(&r, 500);
  assert_int_equal(r.getter_runs, 2); /* room_fill() is the first */
  hit_and_fail(&r, 14500);
  assert_in_range(r.getter_runs, 2 + 3,
                  2 + 6); /* pauses of 1, 2, 4, 8 s, or down to half of that */
  unsigned runs = (unsigned)r.getter_runs;
  hit_and_fail(&r, 16000);
  assert_in_range(r.getter_runs - (int)runs, 2, 4);
  room_advance(&r, 8000);
  fresh_get(&r, &p, "k");
  fresh_load(&r, "new", 1000); /* that ends it */
  room_advance(&r, 1000);
  runs = (unsigned)r.getter_runs;
  fresh_get(&r, &p, "k");
  assert_int_equal(r.getter_runs, runs + 1);
  fresh_fail(&r, UV_EIO);
  room_advance(&r, 1000);
  fresh_get(&r, &p, "k");
  assert_int_equal(r.getter_runs, runs + 2);
  room_close(&r);
}

static void source_that_fails_is_asked_less_and_less_within_error_ms(void **state) {
  struct room r;
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 100000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  hit_and_fail(&r, 500);
  assert_int_equal(r.getter_runs, 2);
  assert_int_equal(room_stats(&r).stale, 500);
  hit_and_fail(&r, 14500);
  assert_in_range(r.getter_runs, 2 + 3, 2 + 6);
  assert_int_equal(room_stats(&r).refreshes, 0);
  room_close(&r);
}

static void pause_ends_with_the_window_and_with_a_remove(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 700});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  hit_and_fail(&r, 400);
  room_advance(&r, 300); /* the window is over, the pause perhaps not */
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, UV_EIO);
  fresh_assert_failed(&p, GCACHE_ELOAD);
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  hit_and_fail(&r, 10);
  assert_int_equal(room_remove(&r, &change, "k", 0), 0);
  room_run(&r);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_load(&r, "new", 0);
  fresh_assert_got(&p, "new", 0);
  room_close(&r);
}

/* The hit is queued within the window of errors, and its turn comes after it. */
static void value_in_a_pause_is_loaded_if_its_window_ends_on_its_way(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 400});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  hit_and_fail(&r, 399);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 1);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_load(&r, "new", 0);
  fresh_assert_got(&p, "new", 0);
  room_close(&r);
}

static void key_that_is_gone_at_the_source_ends_its_stale_value(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500, .error_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  fresh_get(&r, &p, "k");
  fresh_fail(&r, GCACHE_ENOTFOUND);
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, UV_EIO);
  fresh_assert_failed(&p, GCACHE_ELOAD);
  room_close(&r);
}

static void key_that_is_gone_at_the_source_is_gone_also_for_a_hit_that_starts_over(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 999);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 1);
  room_run(&r); /* expired on its way: loaded */
  fresh_fail(&r, GCACHE_ENOTFOUND);
  fresh_assert_failed(&p, GCACHE_ENOTFOUND);
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, UV_EIO);
  fresh_assert_failed(&p, GCACHE_ELOAD);
  room_close(&r);
}

static void closing_ends_a_load_behind(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 500});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  fresh_get(&r, &p, "k");
  room_begin_close(&r);
  room_run(&r);
  assert_int_equal(r.getters_told, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ errors ---- */

static void old_value_is_given_when_the_load_fails(void **state) {
  struct room r;
  struct probe p[2] = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1500);
  for (int i = 0; i < 2; i++)
    assert_int_equal(room_get(&r, &p[i], "k", 0), 0);
  room_run(&r);
  assert_int_equal(p[0].runs, 0); /* no stale_ms: it waits */
  fresh_fail(&r, UV_EIO);
  for (int i = 0; i < 2; i++) {
    fresh_assert_got(&p[i], "old", 500);
    assert_int_equal(p[i].from, GCACHE_FROM_MAIN);
    assert_string_equal(p[i].reason, "");
  }
  assert_int_equal(room_stats(&r).stale, 2);
  assert_int_equal(room_stats(&r).refreshes, 0);
  room_advance(&r, 1000);
  assert_int_equal(room_get(&r, &p[0], "k", 0), 0);
  room_run(&r);
  fresh_load(&r, "new", 0);
  fresh_assert_got(&p[0], "new", 0);
  room_close(&r);
}

static void old_value_is_no_more_after_the_window_of_errors(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 5990);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  manual_env_jump(&r.m, r.m.clock->mono_ms + 10);
  fresh_fail(&r, UV_EIO);
  fresh_assert_failed(&p, GCACHE_ELOAD);
  room_close(&r);
}

static void old_value_is_given_when_the_callers_time_is_over(void **state) {
  struct room r;
  struct probe patient = {0}, hasty = {0}, gone = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  assert_int_equal(room_get(&r, &patient, "k", 2000), 0);
  assert_int_equal(room_get(&r, &hasty, "k", 100), 0);
  assert_int_equal(room_get(&r, &gone, "k", 100), 0);
  room_run(&r);
  room_cancel(&r, &gone);
  room_advance(&r, 100);
  fresh_assert_failed(&gone, UV_ECANCELED);
  fresh_assert_got(&hasty, "old", 100);
  assert_int_equal(room_stats(&r).timeouts, 0);
  assert_int_equal(patient.runs, 0);
  fresh_load(&r, "new", 0);
  fresh_assert_got(&patient, "new", 0);
  room_close(&r);
}

static void not_found_is_an_answer_and_no_failure(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  fresh_fail(&r, GCACHE_ENOTFOUND);
  fresh_assert_failed(&p, GCACHE_ENOTFOUND);
  assert_int_equal(room_stats(&r).main.items, 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ ahead ---- */

static void hit_late_in_a_values_life_starts_one_load_behind_it(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.refresh_ahead_ms = 2000});
  room_fill(&r, "k", "old", 10000);
  room_advance(&r, 7999);
  fresh_get(&r, &p, "k");
  assert_int_equal(room_stats(&r).refreshes, 0);
  room_advance(&r, 1001);           /* half of the two seconds is for all */
  assert_true(room_holds(&r, "k")); /* a peek starts nothing */
  for (int i = 0; i < 3; i++) {
    fresh_get(&r, &p, "k");
    fresh_assert_got(&p, "old", 0);
  }
  assert_int_equal(room_stats(&r).refreshes, 1);
  fresh_load(&r, "new", 10000);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "new", 0);
  room_advance(&r, 9500);
  fresh_get(&r, &p, "k");
  assert_int_equal(room_stats(&r).refreshes, 2);
  fresh_load(&r, "newer", 0);
  room_close(&r);
}

static void refresh_ahead_that_fails_is_not_tried_again(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.refresh_ahead_ms = 2000});
  room_fill(&r, "k", "old", 10000);
  room_advance(&r, 9500);
  fresh_get(&r, &p, "k");
  fresh_fail(&r, UV_EIO);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "old", 0);
  assert_int_equal(room_stats(&r).refreshes, 1);
  room_close(&r);
}

static void values_that_live_briefly_are_not_refreshed_ahead(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.refresh_ahead_ms = 2000});
  room_fill(&r, "k", "old", 3999);
  room_fill(&r, "for ever", "old", 0);
  room_advance(&r, 3998);
  fresh_get(&r, &p, "k");
  fresh_get(&r, &p, "for ever");
  assert_int_equal(room_stats(&r).refreshes, 0);
  room_close(&r);
}

static void keys_are_not_refreshed_in_one_instant(void **state) {
  enum { KEYS = 64, STEPS = 20 };
  struct room r;
  struct probe p = {0};
  size_t most = 0, all = 0;
  char key[16];
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.refresh_ahead_ms = 2000});
  for (int i = 0; i < KEYS; i++) {
    snprintf(key, sizeof key, "k%d", i);
    room_fill(&r, key, "v", 10000);
  }
  room_advance(&r, 8000);
  for (int step = 0; step < STEPS; step++) {
    uint64_t before = room_stats(&r).refreshes;
    room_advance(&r, 1000 / STEPS);
    for (int i = 0; i < KEYS; i++) {
      snprintf(key, sizeof key, "k%d", i);
      fresh_get(&r, &p, key);
    }
    size_t begun = room_stats(&r).refreshes - before;
    if (begun > most) most = begun;
    all += begun;
    while (r.n_loads > 0)
      fresh_load(&r, "new", 100000);
  }
  assert_int_equal(all, KEYS);
  assert_true(most < KEYS / 4); /* 3.2 expected of each step */
  room_close(&r);
}

static void refresh_ahead_and_stale_go_together(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(
      &r, NULL,
      &(gcache_group_options_t){.refresh_ahead_ms = 2000, .stale_ms = 1000, .error_ms = 3000});
  room_fill(&r, "k", "old", 10000);
  room_advance(&r, 9500);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "old", 0);
  room_advance(&r, 1000); /* the same load is still under way */
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "old", 500);
  assert_int_equal(room_stats(&r).refreshes, 1);
  room_advance(&r, 1000); /* the window of stale values is over: it waits */
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_fail(&r, UV_EIO);
  fresh_assert_got(&p, "old", 1500);
  assert_int_equal(r.getter_runs, 2);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ not found ---- */

static void not_found_is_remembered_for_its_time(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.not_found_ms = 2000});
  fresh_get(&r, &p, "k");
  fresh_fail(&r, GCACHE_ENOTFOUND);
  assert_int_equal(room_stats(&r).main.items, 1);
  for (int i = 0; i < 3; i++) {
    fresh_get(&r, &p, "k");
    fresh_assert_failed(&p, GCACHE_ENOTFOUND);
    assert_string_equal(p.reason, "a reason");
    assert_int_equal(p.from, GCACHE_FROM_NONE);
  }
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(room_stats(&r).absent, 3);
  assert_int_equal(room_stats(&r).hits, 3);
  assert_false(room_holds(&r, "k"));
  room_advance(&r, 2000);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  assert_int_equal(r.getter_runs, 2);
  fresh_load(&r, "there now", 0);
  fresh_assert_got(&p, "there now", 0);
  room_close(&r);
}

static void memory_of_what_is_missing_is_counted_and_freed_in_time(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.not_found_ms = 2000, .stale_ms = 60000});
  fresh_get(&r, &p, "k");
  fresh_fail(&r, GCACHE_ENOTFOUND);
  assert_true(room_stats(&r).main.bytes > 0);
  room_advance(&r, 3000);
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_int_equal(room_stats(&r).main.bytes, 0);
  room_close(&r);
}

static void not_found_may_have_a_time_of_its_own_and_no_reason(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.not_found_ms = 2000});
  fresh_get(&r, &p, "k");
  gcache_load_t *load = r.loads[0];
  room_forget((void **)r.loads, &r.n_loads, load);
  gcache_load_not_found(load, 100, "");
  room_run(&r);
  fresh_assert_failed(&p, GCACHE_ENOTFOUND);
  fresh_get(&r, &p, "k");
  fresh_assert_failed(&p, GCACHE_ENOTFOUND);
  assert_string_equal(p.reason, "");
  room_advance(&r, 100);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  load = r.loads[0];
  room_forget((void **)r.loads, &r.n_loads, load);
  gcache_load_not_found(load, 0, NULL);
  room_run(&r);
  fresh_assert_failed(&p, GCACHE_ENOTFOUND);
  assert_string_equal(p.reason, gci_err_text(GCACHE_ENOTFOUND));
  assert_int_equal(room_stats(&r).main.items, 0);
  room_close(&r);
}

static void only_not_found_is_remembered(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.not_found_ms = 2000});
  fresh_get(&r, &p, "k");
  fresh_fail(&r, UV_EIO);
  fresh_assert_failed(&p, GCACHE_ELOAD);
  assert_int_equal(room_stats(&r).main.items, 0);
  room_close(&r);
}

static void not_found_is_undone_by_set_remove_and_clear(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.not_found_ms = 60000});
  for (int i = 0; i < 3; i++) {
    fresh_get(&r, &p, "k");
    fresh_fail(&r, GCACHE_ENOTFOUND);
    fresh_get(&r, &p, "k");
    fresh_assert_failed(&p, GCACHE_ENOTFOUND);
    if (i == 0) room_remove(&r, &change, "k", 0);
    if (i == 1) room_clear(&r, &change, 0);
    if (i == 2) room_set(&r, &change, "k", "set", 0);
    room_run(&r);
    assert_int_equal(change.status, 0);
    assert_int_equal(room_stats(&r).main.items, i == 2);
  }
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "set", 0);
  room_close(&r);
}

static void not_found_from_before_a_remove_is_not_remembered(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.not_found_ms = 60000});
  fresh_get(&r, &p, "k");
  room_remove(&r, &change, "k", 0);
  fresh_fail(&r, GCACHE_ENOTFOUND);
  fresh_assert_failed(&p, GCACHE_ENOTFOUND);
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_int_equal(room_stats(&r).not_kept, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ removes ---- */

static void nothing_stale_survives_a_remove_or_set(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 5000, .error_ms = 5000});
  for (int i = 0; i < 3; i++) {
    room_fill(&r, "k", "old", 1000);
    room_advance(&r, 1000);
    fresh_get(&r, &p, "k"); /* and a load runs behind it */
    fresh_assert_got(&p, "old", 1);
    if (i == 0) room_remove(&r, &change, "k", 0);
    if (i == 1) room_clear(&r, &change, 0);
    if (i == 2) room_set(&r, &change, "k", "set", 0);
    room_run(&r);
    fresh_load(&r, "from before", 0);
    if (i == 2) {
      fresh_get(&r, &p, "k");
      fresh_assert_got(&p, "set", 0);
      break;
    }
    assert_int_equal(room_stats(&r).main.items, 0);
    assert_int_equal(room_get(&r, &p, "k", 0), 0);
    room_run(&r);
    assert_int_equal(p.runs, 0);
    fresh_fail(&r, UV_EIO); /* nothing old is given for that, either */
    fresh_assert_failed(&p, GCACHE_ELOAD);
  }
  room_close(&r);
}

static void refresh_that_was_told_to_give_up_ends_when_there_is_nothing_to_refresh(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 60000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1000);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_run(&r);
  room_advance(&r, 10000);
  assert_int_equal(r.getters_told, 1);
  fresh_get(&r, &p, "k"); /* joins nothing, starts nothing: one is still under way */
  assert_int_equal(r.getter_runs, 2);
  fresh_fail(&r, UV_ECANCELED);
  assert_int_equal(r.getter_runs, 2);
  fresh_get(&r, &p, "k");
  assert_int_equal(r.getter_runs, 3);
  room_remove(&r, &change, "k", 0);
  room_run(&r);
  fresh_fail(&r, UV_EIO);
  assert_int_equal(r.getter_runs, 3);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ of a value ---- */

static gcache_value_t *windowed_value(struct room *r, const char *text, uint64_t ttl_ms,
                                      const gcache_windows_t *windows) {
  gcache_value_t *value = room_value(r, text, ttl_ms);
  assert_int_equal(gcache_value_freshen(value, windows), 0);
  return value;
}

static void windows_of_a_value_take_the_place_of_the_groups(void **state) {
  struct room r;
  struct probe p = {0};
  gcache_windows_t none = {0}, some = {.stale_ms = 300}, out;
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.stale_ms = 5000});
  const gcache_windows_t *windows[] = {&none, &some};
  for (size_t i = 0; i < 2; i++) {
    const char *key = i == 0 ? "none" : "some";
    fresh_get(&r, &p, key);
    gcache_load_t *load = r.loads[0];
    room_forget((void **)r.loads, &r.n_loads, load);
    gcache_load_done(load, windowed_value(&r, "v", 1000, windows[i]));
    room_run(&r);
    gcache_value_t *kept = gcache_peek(r.group, gcache_cstr(key));
    assert_int_equal(gcache_value_windows(kept, &out), 0);
    assert_memory_equal(&out, windows[i], sizeof out);
    assert_int_equal(gcache_value_freshen(kept, &some), UV_EINVAL);
    gcache_value_unref(kept);
  }
  room_advance(&r, 1299);
  fresh_get(&r, &p, "some");
  fresh_assert_got(&p, "v", 299);
  fresh_fail(&r, UV_EIO);
  assert_int_equal(room_get(&r, &p, "none", 0), 0);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_load(&r, "v", 0);
  room_advance(&r, 1);
  assert_int_equal(room_get(&r, &p, "some", 0), 0);
  room_run(&r);
  assert_int_equal(p.runs, 0);
  fresh_load(&r, "v", 0);
  room_close(&r);
}

static void value_can_be_freshened_until_it_is_shared(void **state) {
  struct room r;
  gcache_windows_t windows = {.stale_ms = UINT64_MAX, .error_ms = 1}, out;
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.size = 0});
  gcache_value_t *value = room_value(&r, "v", 1000);
  assert_int_equal(gcache_value_windows(value, &out), UV_ENOENT);
  assert_int_equal(out.error_ms, 0);
  int64_t expire = gcache_value_expire(value);
  assert_int_equal(gcache_value_freshen(value, &windows), 0);
  windows.error_ms = 2;
  assert_int_equal(gcache_value_freshen(value, &windows), 0);
  assert_int_equal(gcache_value_expire(value), expire);
  assert_int_equal(gcache_value_windows(value, &out), 0);
  assert_int_equal(out.stale_ms, UINT32_MAX);
  assert_int_equal(out.error_ms, 2);
  gcache_value_ref(value);
  assert_int_equal(gcache_value_freshen(value, &windows), UV_EINVAL);
  gcache_value_unref(value);
  gcache_value_unref(value);
  room_close(&r);
}

static void windows_of_a_value_that_is_set_are_kept(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  gcache_windows_t windows = {.stale_ms = 500};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.size = 0});
  gcache_value_t *value = windowed_value(&r, "set", 1000, &windows);
  room_begin_change(&r, &change);
  assert_int_equal(gcache_set(&change.req, r.group, gcache_cstr("k"), value, 0, room_on_changed),
                   0);
  r.depth--;
  gcache_value_unref(value);
  room_run(&r);
  room_advance(&r, 1200);
  fresh_get(&r, &p, "k");
  fresh_assert_got(&p, "set", 200);
  fresh_load(&r, "new", 0);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stale_value_is_given_at_once_and_one_load_runs_behind_it),
      cmocka_unit_test(stale_value_is_gone_at_the_end_of_its_window),
      cmocka_unit_test(stale_memory_is_counted_and_free_within_a_second_of_the_end),
      cmocka_unit_test(peek_never_gives_a_stale_value_and_leaves_it_there),
      cmocka_unit_test(value_that_expires_on_its_way_to_the_callback_is_flagged),
      cmocka_unit_test(value_whose_window_ends_on_its_way_is_loaded),
      cmocka_unit_test(load_behind_is_wanted_although_nobody_waits_and_has_a_deadline),
      cmocka_unit_test(load_behind_that_fails_leaves_the_stale_value),
      cmocka_unit_test(source_that_fails_is_asked_less_and_less_behind_hits),
      cmocka_unit_test(source_that_fails_is_asked_less_and_less_within_error_ms),
      cmocka_unit_test(pause_ends_with_the_window_and_with_a_remove),
      cmocka_unit_test(value_in_a_pause_is_loaded_if_its_window_ends_on_its_way),
      cmocka_unit_test(key_that_is_gone_at_the_source_ends_its_stale_value),
      cmocka_unit_test(key_that_is_gone_at_the_source_is_gone_also_for_a_hit_that_starts_over),
      cmocka_unit_test(closing_ends_a_load_behind),
      cmocka_unit_test(old_value_is_given_when_the_load_fails),
      cmocka_unit_test(old_value_is_no_more_after_the_window_of_errors),
      cmocka_unit_test(old_value_is_given_when_the_callers_time_is_over),
      cmocka_unit_test(not_found_is_an_answer_and_no_failure),
      cmocka_unit_test(hit_late_in_a_values_life_starts_one_load_behind_it),
      cmocka_unit_test(refresh_ahead_that_fails_is_not_tried_again),
      cmocka_unit_test(values_that_live_briefly_are_not_refreshed_ahead),
      cmocka_unit_test(keys_are_not_refreshed_in_one_instant),
      cmocka_unit_test(refresh_ahead_and_stale_go_together),
      cmocka_unit_test(not_found_is_remembered_for_its_time),
      cmocka_unit_test(memory_of_what_is_missing_is_counted_and_freed_in_time),
      cmocka_unit_test(not_found_may_have_a_time_of_its_own_and_no_reason),
      cmocka_unit_test(only_not_found_is_remembered),
      cmocka_unit_test(not_found_is_undone_by_set_remove_and_clear),
      cmocka_unit_test(not_found_from_before_a_remove_is_not_remembered),
      cmocka_unit_test(nothing_stale_survives_a_remove_or_set),
      cmocka_unit_test(refresh_that_was_told_to_give_up_ends_when_there_is_nothing_to_refresh),
      cmocka_unit_test(windows_of_a_value_take_the_place_of_the_groups),
      cmocka_unit_test(value_can_be_freshened_until_it_is_shared),
      cmocka_unit_test(windows_of_a_value_that_is_set_are_kept),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
