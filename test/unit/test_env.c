/* Unit test of base/env, on the manual driver. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "base/env.h"
#include "manual_env.h"
#include "oom.h"

/* Something that runs and says so in a common log, one letter each. */
struct actor {
  struct gcache_job_s job;
  struct gcache_deadline_s deadline;
  struct manual_env *m;
  char letter, *log;
  void (*then)(struct actor *a); /* may be NULL */
  struct actor *other;
};

static void act(struct actor *a) {
  size_t len = strlen(a->log);
  a->log[len] = a->letter;
  a->log[len + 1] = '\0';
  if (a->then != NULL) a->then(a);
}

static void on_run(struct gcache_job_s *job) {
  assert_false(gci_job_queued(job));
  act(gci_container_of(job, struct actor, job));
}

static void on_passed(struct gcache_deadline_s *d) {
  assert_false(gci_deadline_is_set(d));
  act(gci_container_of(d, struct actor, deadline));
}

static struct actor actor(struct manual_env *m, char letter, char *log) {
  struct actor a = {.m = m, .letter = letter, .log = log};
  gci_job_init(&a.job, on_run);
  gci_deadline_init(&a.deadline, on_passed);
  return a;
}

static int setup(void **state) {
  static struct manual_env m;
  *state = &m;
  return manual_env_init(&m, NULL);
}

static int teardown(void **state) {
  manual_env_fini(*state);
  return 0;
}

static void a_job_runs_in_a_turn_and_not_before(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log);
  gci_env_defer(&m->env, GCI_COMPLETIONS, &a.job);
  gci_env_defer(&m->env, GCI_COMPLETIONS, &b.job);
  assert_string_equal(log, "");
  assert_int_equal(m->wakes, 1); /* one for both */
  assert_int_equal(manual_env_run(m), 1);
  assert_string_equal(log, "ab");
}

static void queue_other(struct actor *a) {
  gci_env_defer(&a->m->env, GCI_COMPLETIONS, &a->other->job);
}

static void what_a_job_queues_runs_in_the_next_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log);
  a.then = queue_other;
  a.other = &b;
  gci_env_defer(&m->env, GCI_COMPLETIONS, &a.job);
  manual_env_turn(m);
  assert_string_equal(log, "a");
  assert_true(m->woken);
  manual_env_turn(m);
  assert_string_equal(log, "ab");
  assert_false(m->woken);
}

static void a_turn_that_leaves_jobs_wakes_again_once(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log);
  a.then = queue_other;
  a.other = &b;
  gci_env_defer(&m->env, GCI_COMPLETIONS, &a.job);
  assert_int_equal(manual_env_run(m), 2);
  assert_string_equal(log, "ab");
  assert_int_equal(m->wakes, 2);
}

static void queue_other_to_be_written(struct actor *a) {
  gci_env_defer(&a->m->env, GCI_WRITES, &a->other->job);
}

static void queue_other_to_be_asked(struct actor *a) {
  gci_env_defer(&a->m->env, GCI_QUESTIONS, &a->other->job);
}

static void what_is_queued_for_a_later_phase_runs_in_the_same_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log), c = actor(m, 'c', log);
  a.then = queue_other_to_be_asked;
  a.other = &b;
  b.then = queue_other_to_be_written;
  b.other = &c;
  gci_env_defer(&m->env, GCI_COMPLETIONS, &a.job);
  assert_int_equal(manual_env_run(m), 1);
  assert_string_equal(log, "abc");
  assert_int_equal(m->wakes, 1);
}

static void what_is_queued_for_an_earlier_phase_waits_for_the_next_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log), c = actor(m, 'c', log);
  c.then = queue_other;
  c.other = &a;
  a.then = queue_other_to_be_asked;
  a.other = &b;
  gci_env_defer(&m->env, GCI_WRITES, &c.job);
  assert_int_equal(manual_env_run(m), 2);
  assert_string_equal(log, "cab");
}

static void what_a_deadline_queues_runs_in_the_same_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log);
  a.then = queue_other;
  a.other = &b;
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, 1005), 0);
  manual_env_jump(m, 1005);
  manual_env_turn(m);
  assert_string_equal(log, "ab");
  manual_env_run(m);
}

static void deadlines_pass_in_order_at_their_time(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log), c = actor(m, 'c', log);
  assert_int_equal(gci_env_deadline(&m->env, &b.deadline, gci_env_after_ms(&m->env, 20)), 0);
  assert_int_equal(gci_env_deadline(&m->env, &c.deadline, gci_env_after_ms(&m->env, 20)), 0);
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, gci_env_after_ms(&m->env, 10)), 0);
  manual_env_advance(m, 9);
  assert_string_equal(log, "");
  manual_env_advance(m, 1);
  assert_string_equal(log, "a");
  manual_env_advance(m, 9);
  assert_string_equal(log, "a");
  manual_env_advance(m, 1);
  assert_string_equal(log, "abc");
}

static void the_driver_is_armed_only_for_an_earlier_time(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log), c = actor(m, 'c', log);
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, 2000), 0);
  assert_int_equal(m->armed_ms, 2000);
  assert_int_equal(gci_env_deadline(&m->env, &b.deadline, 3000), 0);
  assert_int_equal(m->arms, 1);
  assert_int_equal(gci_env_deadline(&m->env, &c.deadline, 1500), 0);
  assert_int_equal(m->armed_ms, 1500);
  assert_int_equal(m->arms, 2);
  gci_env_deadline_clear(&m->env, &c.deadline);
  manual_env_turn(m); /* a turn sets it right */
  assert_int_equal(m->armed_ms, 2000);
  assert_int_equal(m->arms, 3);
  gci_env_deadline_clear(&m->env, &a.deadline);
  gci_env_deadline_clear(&m->env, &b.deadline);
  manual_env_turn(m);
  assert_true(m->armed_ms == GCI_DEADLINE_NEVER);
  manual_env_advance(m, 10000);
  assert_string_equal(log, "");
}

static void set_two_earlier(struct actor *a) {
  assert_int_equal(gci_env_deadline(&a->m->env, &a->other->deadline, 1800), 0);
  assert_int_equal(gci_env_deadline(&a->m->env, &a->deadline, 1700), 0);
}

static void the_driver_is_armed_once_a_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log), c = actor(m, 'c', log);
  a.then = set_two_earlier;
  a.other = &b;
  assert_int_equal(gci_env_deadline(&m->env, &c.deadline, 2000), 0);
  gci_env_defer(&m->env, GCI_COMPLETIONS, &a.job);
  manual_env_turn(m);
  assert_int_equal(m->arms, 2);
  assert_int_equal(m->armed_ms, 1700);
  gci_env_deadline_clear(&m->env, &a.deadline);
  manual_env_advance(m, 2000);
  assert_string_equal(log, "abc");
}

static void never_takes_a_deadline_back(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log);
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, 1010), 0);
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, GCI_DEADLINE_NEVER), 0);
  assert_false(gci_deadline_is_set(&a.deadline));
  manual_env_advance(m, 100);
  assert_string_equal(log, "");
}

static void set_again_now(struct actor *a) {
  assert_int_equal(gci_env_deadline(&a->m->env, &a->deadline, gci_env_mono_ms(&a->m->env)), 0);
  if (strlen(a->log) == 3) gci_env_deadline_clear(&a->m->env, &a->deadline);
}

static void a_deadline_that_sets_itself_again_runs_once_a_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log);
  a.then = set_again_now;
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, 1000), 0);
  manual_env_turn(m);
  assert_string_equal(log, "a");
  assert_true(manual_env_due(m)); /* armed again, for a time that has come */
  manual_env_turn(m);
  assert_string_equal(log, "aa");
  assert_int_equal(manual_env_run(m), 1);
  assert_string_equal(log, "aaa");
}

static void set_other_in_the_past(struct actor *a) {
  assert_int_equal(gci_env_deadline(&a->m->env, &a->other->deadline, 1), 0);
}

static void a_deadline_set_in_the_past_waits_for_the_next_turn(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log), c = actor(m, 'c', log);
  a.then = set_other_in_the_past;
  a.other = &c;
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, 999), 0);
  assert_int_equal(gci_env_deadline(&m->env, &b.deadline, 1000), 0);
  manual_env_turn(m);
  assert_null(strchr(log, 'c'));
  manual_env_run(m);
  assert_int_equal(strlen(log), 3);
}

static void clear_other(struct actor *a) {
  gci_env_deadline_clear(&a->m->env, &a->other->deadline);
  gci_defer_cancel(&a->other->job);
}

static void what_is_taken_back_in_the_same_turn_does_not_run(void **state) {
  struct manual_env *m = *state;
  char log[8] = "";
  struct actor a = actor(m, 'a', log), b = actor(m, 'b', log);
  a.then = clear_other;
  a.other = &b;
  assert_int_equal(gci_env_deadline(&m->env, &a.deadline, 1000), 0);
  assert_int_equal(gci_env_deadline(&m->env, &b.deadline, 1000), 0);
  gci_env_defer(&m->env, GCI_COMPLETIONS, &a.job);
  gci_env_defer(&m->env, GCI_COMPLETIONS, &b.job);
  manual_env_run(m);
  assert_string_equal(log, "aa");
}

static void after_ms_saturates(void **state) {
  struct manual_env *m = *state;
  assert_int_equal(gci_env_after_ms(&m->env, 5), 1005);
  assert_true(gci_env_after_ms(&m->env, UINT64_MAX) == GCI_DEADLINE_NEVER);
  assert_true(gci_env_after_ms(&m->env, UINT64_MAX - 999) == GCI_DEADLINE_NEVER);
  assert_true(gci_env_after_ms(&m->env, UINT64_MAX - 1000) == GCI_DEADLINE_NEVER);
  assert_true(gci_env_after_ms(&m->env, UINT64_MAX - 1001) == UINT64_MAX - 1);
}

static void the_wall_clock_is_read_once_a_tick(void **state) {
  struct manual_env *m = *state;
  int64_t first = gci_env_unix_ns(&m->env);
  size_t reads = m->unix_reads;
  m->clock->unix_ns += 5;
  assert_int_equal(gci_env_unix_ns(&m->env), first);
  assert_int_equal(m->unix_reads, reads);
  m->tick++;
  assert_int_equal(gci_env_unix_ns(&m->env), first + 5);
  assert_int_equal(gci_env_unix_ns(&m->env), first + 5);
  assert_int_equal(m->unix_reads, reads + 1);
}

static void the_driver_hears_of_the_first_hold_and_the_last_release(void **state) {
  struct manual_env *m = *state;
  gci_env_hold(&m->env);
  gci_env_hold(&m->env);
  assert_true(m->held);
  gci_env_release(&m->env);
  assert_true(m->held);
  gci_env_release(&m->env);
  assert_false(m->held);
  assert_int_equal(m->holds, 2);
}

static void log_lines_are_cut_and_printable(void **state) {
  struct manual_env *m = *state;
  char longer[600];
  gci_env_log(&m->env, GCACHE_LOG_WARN, "peer %s: %d\r\n", "a\tb", 7);
  assert_string_equal(m->line, "peer a\\x09b: 7\\x0D\\x0A");
  assert_int_equal(m->level, GCACHE_LOG_WARN);
  memset(longer, 'y', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  gci_env_log(&m->env, GCACHE_LOG_INFO, "%s", longer);
  assert_int_equal(strlen(m->line), 511);
  assert_int_equal(m->lines, 2);
  m->env.log = NULL;
  gci_env_log(&m->env, GCACHE_LOG_INFO, "unheard");
  assert_int_equal(m->lines, 2);
}

/* Setting the first deadline is all that allocates; a refusal leaves the rest as it was. */
static void set_twenty(struct oom *oom, void *arg) {
  struct manual_env m;
  struct actor actors[20];
  char log[32] = "";
  size_t set = 0;
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  if (manual_env_init(&m, &user) < 0) return;
  for (size_t i = 0; i < 20; i++) {
    actors[i] = actor(&m, 'd', log);
    int err = gci_env_deadline(&m.env, &actors[i].deadline, 2000 - i);
    assert_true(err == 0 || err == UV_ENOMEM);
    assert_int_equal(gci_deadline_is_set(&actors[i].deadline), err == 0);
    if (err == 0) set++;
  }
  manual_env_advance(&m, 2000);
  assert_int_equal(strlen(log), set);
  manual_env_fini(&m);
}

static void a_deadline_that_finds_no_memory_is_not_set(void **state) {
  (void)state;
  assert_true(oom_sweep(set_twenty, NULL) >= 2);
}

#define IN_ENV(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_ENV(a_job_runs_in_a_turn_and_not_before),
      IN_ENV(what_a_job_queues_runs_in_the_next_turn),
      IN_ENV(a_turn_that_leaves_jobs_wakes_again_once),
      IN_ENV(what_is_queued_for_a_later_phase_runs_in_the_same_turn),
      IN_ENV(what_is_queued_for_an_earlier_phase_waits_for_the_next_turn),
      IN_ENV(what_a_deadline_queues_runs_in_the_same_turn),
      IN_ENV(deadlines_pass_in_order_at_their_time),
      IN_ENV(the_driver_is_armed_only_for_an_earlier_time),
      IN_ENV(the_driver_is_armed_once_a_turn),
      IN_ENV(never_takes_a_deadline_back),
      IN_ENV(a_deadline_that_sets_itself_again_runs_once_a_turn),
      IN_ENV(a_deadline_set_in_the_past_waits_for_the_next_turn),
      IN_ENV(what_is_taken_back_in_the_same_turn_does_not_run),
      IN_ENV(after_ms_saturates),
      IN_ENV(the_wall_clock_is_read_once_a_tick),
      IN_ENV(the_driver_hears_of_the_first_hold_and_the_last_release),
      IN_ENV(log_lines_are_cut_and_printable),
      cmocka_unit_test(a_deadline_that_finds_no_memory_is_not_set),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
