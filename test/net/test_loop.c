/* net/loop: when turns happen, what keeps the loop alive, which clocks are read, and closing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#define HOUR_MS ((uint64_t)60 * 60 * 1000)

struct job {
  struct gcache_job_s job;
  struct world *w;
  int runs, again;
};

static void on_run(struct gcache_job_s *job) {
  struct job *j = gci_container_of(job, struct job, job);
  j->runs++;
  if (j->again > 0) {
    j->again--;
    gci_env_defer(&j->w->env, GCI_COMPLETIONS, job);
  }
}

static void job_init(struct job *j, struct world *w, void (*run)(struct gcache_job_s *)) {
  *j = (struct job){.w = w};
  gci_job_init(&j->job, run);
}

static void a_job_runs_from_the_loop_and_not_inside_the_call(void **state) {
  struct world *w = *state;
  struct job j;
  job_init(&j, w, on_run);
  gci_env_defer(&w->env, GCI_COMPLETIONS, &j.job);
  assert_int_equal(j.runs, 0);
  uv_run(&w->uv, UV_RUN_NOWAIT);
  assert_int_equal(j.runs, 1);
}

static void a_queued_job_keeps_the_loop_alive_until_it_has_run(void **state) {
  struct world *w = *state;
  struct job j;
  job_init(&j, w, on_run);
  j.again = 3;
  gci_env_defer(&w->env, GCI_COMPLETIONS, &j.job);
  assert_int_equal(uv_run(&w->uv, UV_RUN_DEFAULT), 0);
  assert_int_equal(j.runs, 4);
}

static void poll_does_not_wait_while_a_job_is_queued(void **state) {
  struct world *w = *state;
  struct job j;
  job_init(&j, w, on_run);
  gci_env_hold(&w->env);
  gci_env_defer(&w->env, GCI_COMPLETIONS, &j.job);
  uv_run(&w->uv, UV_RUN_ONCE); /* nothing else would ever end this wait */
  gci_env_release(&w->env);
  assert_int_equal(j.runs, 1);
}

struct alarm {
  struct gcache_deadline_s deadline;
  struct world *w;
  int passed;
  uint64_t at_ns;
};

static void on_passed(struct gcache_deadline_s *deadline) {
  struct alarm *a = gci_container_of(deadline, struct alarm, deadline);
  a->passed++;
  a->at_ns = uv_hrtime();
}

static void on_passed_release(struct gcache_deadline_s *deadline) {
  on_passed(deadline);
  gci_env_release(&gci_container_of(deadline, struct alarm, deadline)->w->env);
}

static void set_alarm(struct alarm *a, struct world *w, uint64_t ms,
                      void (*passed)(struct gcache_deadline_s *)) {
  *a = (struct alarm){.w = w};
  gci_deadline_init(&a->deadline, passed);
  assert_int_equal(gci_env_deadline(&w->env, &a->deadline, gci_env_after_ms(&w->env, ms)), 0);
}

static void a_deadline_alone_does_not_keep_the_loop_alive(void **state) {
  struct world *w = *state;
  struct alarm a;
  set_alarm(&a, w, HOUR_MS, on_passed);
  assert_int_equal(uv_run(&w->uv, UV_RUN_DEFAULT), 0);
  assert_int_equal(a.passed, 0);
  gci_env_deadline_clear(&w->env, &a.deadline);
}

static void a_held_env_keeps_the_loop_alive_until_it_is_released(void **state) {
  struct world *w = *state;
  struct alarm a;
  uint64_t start = uv_hrtime();
  gci_env_hold(&w->env);
  set_alarm(&a, w, 20, on_passed_release);
  assert_int_equal(uv_run(&w->uv, UV_RUN_DEFAULT), 0);
  assert_int_equal(a.passed, 1);
  assert_true(a.at_ns - start >= 19 * 1000000u); /* both ends are rounded to milliseconds */
}

static void an_earlier_deadline_is_not_kept_waiting_by_a_later_one(void **state) {
  struct world *w = *state;
  struct alarm late, soon;
  set_alarm(&late, w, HOUR_MS, on_passed);
  set_alarm(&soon, w, 5, on_passed);
  run_until(w, &soon.passed, 1);
  assert_int_equal(late.passed, 0);
  gci_env_deadline_clear(&w->env, &late.deadline);
}

struct late {
  struct job j;
  struct alarm a;
};

static void set_alarm_late(struct gcache_job_s *job) {
  struct late *late = gci_container_of(job, struct late, j.job);
  uint64_t start = uv_hrtime();
  while (uv_hrtime() - start < 40 * 1000000u) { /* the loop's own time is old now */
  }
  set_alarm(&late->a, late->j.w, 20, on_passed);
  late->j.runs++;
}

static void a_deadline_counts_from_now_even_after_a_long_callback(void **state) {
  struct world *w = *state;
  struct late late;
  uint64_t set_ns;
  job_init(&late.j, w, set_alarm_late);
  gci_env_defer(&w->env, GCI_COMPLETIONS, &late.j.job);
  run_until(w, &late.j.runs, 1);
  set_ns = uv_hrtime();
  run_until(w, &late.a.passed, 1);
  assert_true(late.a.at_ns - set_ns >= 15 * 1000000u);
}

/* ---- clocks ---- */

struct clocks {
  uint64_t mono_ms;
  int64_t unix_ns;
  int unix_reads;
};

static uint64_t clock_mono(void *data) {
  return ((struct clocks *)data)->mono_ms;
}
static int64_t clock_unix(void *data) {
  struct clocks *c = data;
  c->unix_reads++;
  return c->unix_ns;
}

static void injected_clocks_are_the_ones_that_are_read(void **state) {
  struct clocks c = {.mono_ms = 77, .unix_ns = 1234567890};
  gcache_clock_t clock = {clock_mono, clock_unix, &c};
  struct world w;
  (void)state;
  world_init(&w, &clock);
  assert_int_equal(gci_env_mono_ms(&w.env), 77);
  assert_int_equal(gci_env_unix_ns(&w.env), 1234567890);
  world_fini(&w);
}

static void a_deadline_follows_the_injected_clock(void **state) {
  struct clocks c = {.mono_ms = 1000};
  gcache_clock_t clock = {clock_mono, NULL, &c};
  struct world w;
  struct alarm a;
  int turns = 0;
  (void)state;
  world_init(&w, &clock);
  set_alarm(&a, &w, 3, on_passed);
  gci_env_hold(&w.env);
  while (turns++ < 3)
    uv_run(&w.uv, UV_RUN_ONCE); /* real time passes, the clock stands */
  assert_int_equal(a.passed, 0);
  c.mono_ms = 1003;
  gci_env_release(&w.env);
  run_until(&w, &a.passed, 1);
  world_fini(&w);
}

static void read_the_wall_often(struct gcache_job_s *job) {
  struct job *j = gci_container_of(job, struct job, job);
  for (int i = 0; i < 1000; i++)
    gci_env_unix_ns(&j->w->env);
  j->runs++;
}

static void the_wall_clock_is_read_once_a_turn(void **state) {
  struct clocks c = {0};
  gcache_clock_t clock = {clock_mono, clock_unix, &c}; /* its own time, so that the loop's stands */
  struct world w;
  struct job j;
  (void)state;
  world_init(&w, &clock);
  job_init(&j, &w, read_the_wall_often);
  for (int turn = 1; turn <= 3; turn++) {
    int before = c.unix_reads;
    gci_env_defer(&w.env, GCI_COMPLETIONS, &j.job);
    uv_run(&w.uv, UV_RUN_NOWAIT);
    assert_int_equal(j.runs, turn);
    assert_int_equal(c.unix_reads - before, 1);
  }
  world_fini(&w);
}

struct errand {
  uv_work_t work;
  struct world *w;
  struct clocks *c;
  int done;
};

static void take_ten_ms(uv_work_t *work) {
  uint64_t start = uv_hrtime();
  (void)work;
  while (uv_hrtime() - start < 10 * 1000000u) {
  }
}

/* Inside poll: no turn has ended since it began to wait. */
static void on_errand_done(uv_work_t *work, int status) {
  struct errand *e = work->data;
  assert_int_equal(status, 0);
  e->done = 1;
  assert_int_equal(gci_env_unix_ns(&e->w->env), 2);
}

static void the_wall_clock_is_read_again_when_poll_has_waited(void **state) {
  struct clocks c = {.unix_ns = 1};
  gcache_clock_t clock = {clock_mono, clock_unix, &c};
  struct world w;
  struct errand e = {.w = &w, .c = &c};
  (void)state;
  world_init(&w, &clock);
  run_a_little(&w);
  assert_int_equal(gci_env_unix_ns(&w.env), 1);
  c.unix_ns = 2;
  e.work.data = &e;
  assert_int_equal(uv_queue_work(&w.uv, &e.work, take_ten_ms, on_errand_done), 0);
  run_until(&w, &e.done, 1);
  world_fini(&w);
}

/* ---- closing ---- */

static void close_the_loop(struct gcache_job_s *job) {
  struct job *j = gci_container_of(job, struct job, job);
  gci_loop_close(&j->w->loop, on_world_closed, j->w);
  assert_int_equal(j->w->closed, 0);
}

static void a_turn_may_close_the_loop_it_runs_on(void **state) {
  struct world *w = *state;
  struct job j;
  job_init(&j, w, close_the_loop);
  gci_env_defer(&w->env, GCI_COMPLETIONS, &j.job);
  uv_run(&w->uv, UV_RUN_DEFAULT);
  assert_int_equal(w->closed, 1);
}

static void on_timer(uv_timer_t *timer) {
  struct world *w = timer->data;
  assert_int_equal(w->closed, 0);
  uv_close((uv_handle_t *)timer, NULL);
  gci_loop_give(&w->loop);
  assert_int_equal(w->closed, 1);
}

static void closing_waits_for_what_was_taken(void **state) {
  struct world *w = *state;
  uv_timer_t timer;
  uv_timer_init(&w->uv, &timer);
  timer.data = w;
  gci_loop_take(&w->loop);
  gci_loop_close(&w->loop, on_world_closed, w);
  uv_timer_start(&timer, on_timer, 10, 0);
  uv_run(&w->uv, UV_RUN_DEFAULT);
}

static void random_bytes_differ(void **state) {
  unsigned char a[16], b[16];
  (void)state;
  assert_int_equal(gci_loop_random(a), 0);
  assert_int_equal(gci_loop_random(b), 0);
  assert_memory_not_equal(a, b, 16);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      IN_WORLD(a_job_runs_from_the_loop_and_not_inside_the_call),
      IN_WORLD(a_queued_job_keeps_the_loop_alive_until_it_has_run),
      IN_WORLD(poll_does_not_wait_while_a_job_is_queued),
      IN_WORLD(a_deadline_alone_does_not_keep_the_loop_alive),
      IN_WORLD(a_held_env_keeps_the_loop_alive_until_it_is_released),
      IN_WORLD(an_earlier_deadline_is_not_kept_waiting_by_a_later_one),
      IN_WORLD(a_deadline_counts_from_now_even_after_a_long_callback),
      cmocka_unit_test(injected_clocks_are_the_ones_that_are_read),
      cmocka_unit_test(a_deadline_follows_the_injected_clock),
      cmocka_unit_test(the_wall_clock_is_read_once_a_turn),
      cmocka_unit_test(the_wall_clock_is_read_again_when_poll_has_waited),
      IN_WORLD(a_turn_may_close_the_loop_it_runs_on),
      IN_WORLD(closing_waits_for_what_was_taken),
      cmocka_unit_test(random_bytes_differ),
  };
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
