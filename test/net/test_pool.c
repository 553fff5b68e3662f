/* net/pool: work runs off the loop's thread, done runs on it, cancelling works only before work has
 * begun. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/pool.h"
#include "world.h"

#define THREADS 4 /* libuv's pool, unless UV_THREADPOOL_SIZE says otherwise: main() sets it */

struct task {
  struct gci_pool_job job;
  uv_thread_t thread;
  uv_sem_t *begun, *wait; /* NULL: does not wait */
  int worked, done, status;
};

static void work(struct gci_pool_job *job) {
  struct task *t = (struct task *)(void *)job;
  t->thread = uv_thread_self();
  t->worked = 1;
  if (t->begun != NULL) uv_sem_post(t->begun);
  if (t->wait != NULL) uv_sem_wait(t->wait);
}

static void done(struct gci_pool_job *job, int status) {
  struct task *t = (struct task *)(void *)job;
  t->done++;
  t->status = status;
}

static void work_runs_on_another_thread_and_done_on_the_loop(void **state) {
  struct world *w = *state;
  struct task t = {.status = 1};
  uv_thread_t self = uv_thread_self();
  assert_int_equal(gci_pool_start(&t.job, &w->uv, work, done), 0);
  assert_int_equal(t.done, 0);
  uv_run(&w->uv, UV_RUN_DEFAULT); /* it keeps the loop alive itself */
  assert_int_equal(t.done, 1);
  assert_int_equal(t.status, 0);
  assert_int_equal(t.worked, 1);
  assert_false(uv_thread_equal(&self, &t.thread));
}

static void cancelled_before_a_thread_is_free_it_never_works(void **state) {
  struct world *w = *state;
  struct task busy[THREADS] = {0}, t = {0};
  uv_sem_t begun, gate;
  uv_sem_init(&begun, 0);
  uv_sem_init(&gate, 0);
  for (int i = 0; i < THREADS; i++) {
    busy[i].begun = &begun;
    busy[i].wait = &gate;
    assert_int_equal(gci_pool_start(&busy[i].job, &w->uv, work, done), 0);
  }
  for (int i = 0; i < THREADS; i++)
    uv_sem_wait(&begun);
  assert_int_equal(gci_pool_start(&t.job, &w->uv, work, done), 0);
  gci_pool_cancel(&t.job);
  gci_pool_cancel(&busy[0].job); /* has begun: no effect */
  assert_int_equal(t.done, 0);
  run_until(w, &t.done, 1);
  assert_int_equal(t.status, UV_ECANCELED);
  assert_int_equal(t.worked, 0);
  for (int i = 0; i < THREADS; i++)
    uv_sem_post(&gate);
  uv_run(&w->uv, UV_RUN_DEFAULT);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(busy[i].done, 1);
    assert_int_equal(busy[i].status, 0);
  }
  assert_int_equal(t.done, 1);
  uv_sem_destroy(&begun);
  uv_sem_destroy(&gate);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(work_runs_on_another_thread_and_done_on_the_loop, world_setup,
                                      world_teardown),
      cmocka_unit_test_setup_teardown(cancelled_before_a_thread_is_free_it_never_works, world_setup,
                                      world_teardown),
  };
  setenv("UV_THREADPOOL_SIZE", "4", 1);
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
