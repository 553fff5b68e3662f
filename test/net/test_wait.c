/* net/wait: called once, from the loop, and never after it was stopped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "net/wait.h"
#include "world.h"

struct waiter {
  struct gci_wait wait;
  struct world *w;
  struct waiter *stops; /* another, or NULL */
  int fds[2], told, again;
};

static void on_ready(struct gci_wait *wait) {
  struct waiter *a = (struct waiter *)(void *)wait;
  a->told++;
  if (a->stops != NULL) gci_wait_stop(&a->w->loop, &a->stops->wait);
  if (a->again-- > 0) assert_int_equal(gci_wait_start(&a->w->loop, wait, a->fds[0]), 0);
}

static void waiter_init(struct waiter *a, struct world *w) {
  *a = (struct waiter){.w = w};
  plain_pair(a->fds);
  gci_wait_init(&a->wait, on_ready);
}

static void waiter_fini(struct waiter *a) {
  gci_wait_stop(&a->w->loop, &a->wait);
  close(a->fds[0]);
  close(a->fds[1]);
}

static void fill(struct waiter *a) {
  char bytes[65536] = {0};
  while (send(a->fds[0], bytes, sizeof bytes, 0) > 0) {
  }
}

static void drain(struct waiter *a) {
  char bytes[65536];
  while (recv(a->fds[1], bytes, sizeof bytes, 0) > 0) {
  }
}

static void a_full_socket_is_told_of_once_it_has_room(void **state) {
  struct waiter a;
  waiter_init(&a, *state);
  fill(&a);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  run_a_little(a.w);
  assert_int_equal(a.told, 0);
  while (a.told == 0) {
    drain(&a);
    turn(a.w);
  }
  run_a_little(a.w);
  assert_int_equal(a.told, 1);
  waiter_fini(&a);
}

static void it_is_told_from_the_loop_even_when_there_is_room_already(void **state) {
  struct waiter a;
  waiter_init(&a, *state);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  assert_int_equal(a.told, 0);
  run_until(a.w, &a.told, 1);
  waiter_fini(&a);
}

static void it_may_wait_again_when_told(void **state) {
  struct waiter a;
  waiter_init(&a, *state);
  a.again = 3;
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  run_until(a.w, &a.told, 4);
  run_a_little(a.w);
  assert_int_equal(a.told, 4);
  waiter_fini(&a);
}

static void stopped_it_is_not_told(void **state) {
  struct waiter a;
  waiter_init(&a, *state);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  gci_wait_stop(&a.w->loop, &a.wait);
  run_a_little(a.w);
  assert_int_equal(a.told, 0);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  run_until(a.w, &a.told, 1);
  waiter_fini(&a);
}

static void one_may_stop_another_that_is_ready_in_the_same_turn(void **state) {
  struct waiter a, b;
  waiter_init(&a, *state);
  waiter_init(&b, *state);
  a.stops = &b;
  b.stops = &a;
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  assert_int_equal(gci_wait_start(&b.w->loop, &b.wait, b.fds[0]), 0);
  run_a_little(a.w);
  assert_int_equal(a.told + b.told, 1);
  waiter_fini(&a);
  waiter_fini(&b);
}

static void more_than_a_batch_are_all_told(void **state) {
  enum { N = 150 };
  static struct waiter all[N];
  int told = 0;
  for (int i = 0; i < N; i++) {
    waiter_init(&all[i], *state);
    assert_int_equal(gci_wait_start(&all[i].w->loop, &all[i].wait, all[i].fds[0]), 0);
  }
  run_a_little(*state);
  for (int i = 0; i < N; i++) {
    told += all[i].told;
    waiter_fini(&all[i]);
  }
  assert_int_equal(told, N);
}

static void waiting_does_not_keep_the_loop_alive(void **state) {
  struct waiter a;
  waiter_init(&a, *state);
  fill(&a);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  assert_int_equal(uv_run(&a.w->uv, UV_RUN_DEFAULT), 0);
  waiter_fini(&a);
}

static void without_a_descriptor_for_the_set_it_is_an_error(void **state) {
  struct rlimit before, none;
  struct waiter a;
  int rc;
  waiter_init(&a, *state);
  getrlimit(RLIMIT_NOFILE, &before);
  none = before;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  rc = gci_wait_start(&a.w->loop, &a.wait, a.fds[0]);
  setrlimit(RLIMIT_NOFILE, &before);
  assert_int_equal(rc, UV_EMFILE);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, a.fds[0]), 0);
  run_until(a.w, &a.told, 1);
  waiter_fini(&a);
}

static void a_closed_descriptor_is_an_error(void **state) {
  struct waiter a;
  waiter_init(&a, *state);
  assert_int_equal(gci_wait_start(&a.w->loop, &a.wait, 1000000), UV_EBADF);
  run_a_little(a.w);
  assert_int_equal(a.told, 0);
  waiter_fini(&a);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      IN_WORLD(a_full_socket_is_told_of_once_it_has_room),
      IN_WORLD(it_is_told_from_the_loop_even_when_there_is_room_already),
      IN_WORLD(it_may_wait_again_when_told),
      IN_WORLD(stopped_it_is_not_told),
      IN_WORLD(one_may_stop_another_that_is_ready_in_the_same_turn),
      IN_WORLD(more_than_a_batch_are_all_told),
      IN_WORLD(waiting_does_not_keep_the_loop_alive),
      IN_WORLD(without_a_descriptor_for_the_set_it_is_an_error),
      IN_WORLD(a_closed_descriptor_is_an_error),
  };
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
