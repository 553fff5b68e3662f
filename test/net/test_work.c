/* Getters that block: gcache_load_work() on libuv's pool. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define THREADS 4 /* libuv's default */

struct scene {
  struct member m;
  pthread_t loop_thread;
  int started, submit_error;
  atomic_int ran, on_loop_thread; /* written on pool threads */
  int freed;
};

static struct scene *current;

static void free_bytes(void *arg) {
  assert_ptr_equal(arg, current);
  assert_true(pthread_equal(pthread_self(), current->loop_thread));
  current->freed++;
}

static void on_work(gcache_work_t *work, void *arg) {
  struct scene *s = arg;
  gcache_bytes_t key = gcache_work_key(work);
  const char *name = key.base;

  s->ran++;
  s->on_loop_thread += pthread_equal(pthread_self(), s->loop_thread);
  if (key.len == 4 && memcmp(name, "copy", 4) == 0) {
    char local[] = "copied";
    gcache_work_copy(work, gcache_cstr(local), 0);
    memset(local, 'x', sizeof local);
  } else if (key.len == 5 && memcmp(name, "empty", 5) == 0) {
    gcache_work_copy(work, gcache_bytes(NULL, 0), 0);
  } else if (key.len == 4 && memcmp(name, "wrap", 4) == 0) {
    gcache_windows_t windows = {.stale_ms = 5, .error_ms = UINT64_MAX, .hot_max_ms = 7};
    gcache_work_freshen(work, &windows);
    gcache_work_wrap(work, gcache_cstr("wrapped"), 60000, free_bytes, s);
  } else if (key.len == 7 && memcmp(name, "missing", 7) == 0) {
    gcache_work_fail(work, GCACHE_ENOTFOUND, "no such row");
  } else if (key.len == 5 && memcmp(name, "fails", 5) == 0) {
    gcache_work_fail(work, UV_EIO, NULL);
  } else if (key.len == 6 && memcmp(name, "silent", 6) == 0) {
    return;
  } else {
    gcache_work_copy(work, key, 0);
  }
}

static void on_load(gcache_load_t *load) {
  struct scene *s = gcache_group_data(gcache_load_group(load));

  s->submit_error = gcache_load_work(load, on_work, s);
  s->started++;
  if (s->submit_error < 0) gcache_load_fail(load, s->submit_error, NULL);
}

static void scene_open(struct scene *s, void **state) {
  gcache_options_t o;
  gcache_group_options_t go;

  memset(s, 0, sizeof *s);
  current = s;
  s->loop_thread = pthread_self();
  member_options(&s->m, &o, *state, "here");
  member_open(&s->m, &o);
  gcache_group_options_init(&go);
  go.max_bytes = 1 << 20;
  go.getter = on_load;
  go.data = s;
  assert_int_equal(gcache_group_open(&s->m.group, s->m.cache, "g", &go), 0);
}

/* ----------------------------------------------------------------------- a pool that is full -- */

struct jam {
  uv_work_t work[THREADS];
  uv_sem_t taken, go;
  int done;
};

static void on_jam(uv_work_t *work) {
  struct jam *jam = work->data;

  uv_sem_post(&jam->taken);
  uv_sem_wait(&jam->go);
}

static void on_jam_done(uv_work_t *work, int status) {
  (void)status;
  ((struct jam *)work->data)->done++;
}

static void jam_pool(struct jam *jam, uv_loop_t *loop) {
  memset(jam, 0, sizeof *jam);
  uv_sem_init(&jam->taken, 0);
  uv_sem_init(&jam->go, 0);
  for (int i = 0; i < THREADS; i++) {
    jam->work[i].data = jam;
    assert_int_equal(uv_queue_work(loop, &jam->work[i], on_jam, on_jam_done), 0);
  }
  for (int i = 0; i < THREADS; i++)
    uv_sem_wait(&jam->taken);
}

static void free_pool(struct jam *jam, uv_loop_t *loop) {
  for (int i = 0; i < THREADS; i++)
    uv_sem_post(&jam->go);
  run_loop_until(loop, &jam->done, THREADS);
  uv_sem_destroy(&jam->taken);
  uv_sem_destroy(&jam->go);
}

/* ----------------------------------------------------------------------------------- tests -- */

static void work_answers_from_another_thread(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state);
  ask(&a, &s.m, "copy");
  assert_int_equal(a.status, 0);
  assert_string_equal(a.value, "copied");
  ask(&a, &s.m, "empty");
  assert_int_equal(a.status, 0);
  assert_int_equal(a.value_len, 0);
  ask(&a, &s.m, "wrap");
  assert_string_equal(a.value, "wrapped");
  assert_int_equal(s.freed, 1); /* it is short: the cache has a copy */
  gcache_windows_t windows;
  gcache_value_t *kept = gcache_peek(s.m.group, gcache_cstr("wrap"));
  assert_int_equal(gcache_value_windows(kept, &windows), 0);
  assert_int_equal(windows.stale_ms, 5);
  assert_int_equal(windows.error_ms, UINT32_MAX);
  assert_int_equal(windows.hot_max_ms, 7);
  gcache_value_unref(kept);
  assert_int_equal(s.ran, 3);
  assert_int_equal(s.on_loop_thread, 0);
  member_end(&s.m);
}

static void work_fails_in_its_own_words(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state);
  ask(&a, &s.m, "missing");
  assert_int_equal(a.status, GCACHE_ENOTFOUND);
  assert_string_equal(a.reason, "no such row");
  ask(&a, &s.m, "fails");
  assert_int_equal(a.status, GCACHE_ELOAD);
  assert_string_equal(a.reason, gcache_strerror(UV_EIO));
  ask(&a, &s.m, "silent");
  assert_int_equal(a.status, GCACHE_ELOAD);
  assert_true(a.reason[0] != '\0');
  member_end(&s.m);
}

static void work_nobody_waits_for_does_not_run(void **state) {
  struct scene s;
  struct asked a;
  struct jam jam;

  scene_open(&s, state);
  jam_pool(&jam, s.m.loop);
  ask_start(&a, &s.m, "copy", 0);
  run_loop_until(s.m.loop, &s.started, 1);
  gcache_get_cancel(&a.req);
  run_loop_until(s.m.loop, &a.done, 1);
  assert_int_equal(a.status, UV_ECANCELED);
  run_loop_turns(s.m.loop, 10);
  free_pool(&jam, s.m.loop);
  member_end(&s.m);
  assert_int_equal(s.ran, 0);
}

static void work_somebody_still_waits_for_runs(void **state) {
  struct scene s;
  struct asked leaves, stays;
  struct jam jam;

  scene_open(&s, state);
  jam_pool(&jam, s.m.loop);
  ask_start(&leaves, &s.m, "copy", 0);
  ask_start(&stays, &s.m, "copy", 0);
  run_loop_until(s.m.loop, &s.started, 1);
  gcache_get_cancel(&leaves.req);
  run_loop_until(s.m.loop, &leaves.done, 1);
  free_pool(&jam, s.m.loop);
  run_loop_until(s.m.loop, &stays.done, 1);
  assert_string_equal(stays.value, "copied");
  assert_int_equal(s.ran, 1);
  member_end(&s.m);
}

static void newcomer_after_a_cancelled_work_gets_a_new_one(void **state) {
  struct scene s;
  struct asked leaves, comes;
  struct jam jam;

  scene_open(&s, state);
  jam_pool(&jam, s.m.loop);
  ask_start(&leaves, &s.m, "copy", 0);
  run_loop_until(s.m.loop, &s.started, 1);
  gcache_get_cancel(&leaves.req);
  run_loop_until(s.m.loop, &leaves.done, 1);
  ask_start(&comes, &s.m, "copy", 0);
  free_pool(&jam, s.m.loop);
  run_loop_until(s.m.loop, &comes.done, 1);
  assert_int_equal(comes.status, 0);
  assert_string_equal(comes.value, "copied");
  assert_int_equal(s.ran, 1);
  member_end(&s.m);
}

static void closing_waits_for_work_on_a_thread(void **state) {
  struct scene s;
  struct asked a[8];
  char key[8];

  scene_open(&s, state);
  for (int i = 0; i < 8; i++) {
    snprintf(key, sizeof key, "k%d", i);
    ask_start(&a[i], &s.m, key, 0);
  }
  run_loop_until(s.m.loop, &s.started, 8);
  member_end(&s.m); /* nothing is left, whatever had run */
  for (int i = 0; i < 8; i++)
    assert_int_equal(a[i].done, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

/* The pool's threads and their descriptors live as long as the process. */
static void on_nothing(uv_work_t *work) {
  (void)work;
}

static int warm_up(void **state) {
  uv_loop_t loop;
  uv_work_t work;

  if (loop_warm_up(state) < 0 || uv_loop_init(&loop) < 0) return -1;
  if (uv_queue_work(&loop, &work, on_nothing, NULL) < 0) return -1;
  uv_run(&loop, UV_RUN_DEFAULT);
  return uv_loop_close(&loop);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(work_answers_from_another_thread),
      TEST(work_fails_in_its_own_words),
      TEST(work_nobody_waits_for_does_not_run),
      TEST(work_somebody_still_waits_for_runs),
      TEST(newcomer_after_a_cancelled_work_gets_a_new_one),
      TEST(closing_waits_for_work_on_a_thread),
  };

  return !!cmocka_run_group_tests(tests, warm_up, NULL);
}
