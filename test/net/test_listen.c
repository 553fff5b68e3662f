/* net/listen: accepting, pausing without spinning, rejecting, and no descriptors left. Built with
 * TEST_UNIX, the same at a Unix socket. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "net/listen.h"
#include "world.h"

#define MANY 1024 /* descriptors looked at */

union taken {
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
};

struct door {
  struct world *w;
  struct gci_listen *l;
  char path[64]; /* of a Unix socket */
  union taken taken[16];
  int connections, closed, reject;
};

static void on_connection(void *user, uv_stream_t *server) {
  struct door *d = user;
  union taken *taken = &d->taken[d->connections];
  d->connections++;
  if (d->reject) {
    gci_listen_reject(d->l);
    return;
  }
  assert_in_range(d->connections, 1, 16);
  if (gci_listen_is_unix(d->l))
    uv_pipe_init(&d->w->uv, &taken->pipe, 0);
  else
    uv_tcp_init(&d->w->uv, &taken->tcp);
  assert_int_equal(uv_accept(server, &taken->stream), 0);
}

static void on_closed(void *user) {
  ((struct door *)user)->closed++;
}

static const struct gci_listen_events events = {on_connection, on_closed};

#ifdef TEST_UNIX
static int listen_at(struct door *d) {
  snprintf(d->path, sizeof d->path, "/tmp/gcache-test-listen-%d", (int)getpid());
  return gci_listen_open_unix(&d->l, &d->w->env, &d->w->uv, d->path, 0600, 128, &events, d);
}

static int knock(const struct door *d) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  snprintf(name.sun_path, sizeof name.sun_path, "%s", d->path);
  assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof name), 0);
  return fd;
}
#else
static int listen_at(struct door *d) {
  struct sockaddr_in in = loopback(0);
  return gci_listen_open(&d->l, &d->w->env, &d->w->uv, (struct sockaddr *)&in, 128, &events, d);
}

static int knock(const struct door *d) {
  return plain_connect(gci_listen_port(d->l));
}
#endif

static void door_open(struct door *d, struct world *w) {
  *d = (struct door){.w = w};
  assert_int_equal(listen_at(d), 0);
}

static void door_close(struct door *d) {
  for (int i = 0; i < d->connections && !d->reject; i++)
    uv_close((uv_handle_t *)&d->taken[i], NULL);
  gci_listen_close(d->l);
  assert_int_equal(access(d->path, F_OK), -1); /* "" is none either */
  assert_int_equal(d->closed, 0);
  run_until(d->w, &d->closed, 1);
  run_a_little(d->w);
  assert_int_equal(d->closed, 1);
}

/* The other side has closed or reset. */
static int is_closed(int fd) {
  char byte;
  ssize_t n = recv(fd, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void a_free_port_is_found_and_connections_arrive(void **state) {
  struct door d;
  int fds[3];
  door_open(&d, *state);
  if (!gci_listen_is_unix(d.l)) assert_in_range(gci_listen_port(d.l), 1, 65535);
  for (int i = 0; i < 3; i++)
    fds[i] = knock(&d);
  run_until(d.w, &d.connections, 3);
  for (int i = 0; i < 3; i++) {
    assert_false(is_closed(fds[i]));
    close(fds[i]);
  }
  door_close(&d);
}

static void ipv6_is_as_good(void **state) {
  struct world *w = *state;
  struct door d = {.w = w};
  struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd, rc = gci_listen_open(&d.l, &w->env, &w->uv, (struct sockaddr *)&in, 8, &events, &d);
  if (rc == UV_EADDRNOTAVAIL || rc == UV_EAFNOSUPPORT) {
    uv_run(&w->uv, UV_RUN_DEFAULT);
    return; /* a machine without IPv6 */
  }
  assert_int_equal(rc, 0);
  in.sin6_port = htons((uint16_t)gci_listen_port(d.l));
  fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
  run_until(w, &d.connections, 1);
  close(fd);
  door_close(&d);
}

static void a_listener_keeps_the_loop_alive(void **state) {
  struct world *w = *state;
  struct door d;
  door_open(&d, w);
  assert_int_not_equal(uv_run(&w->uv, UV_RUN_NOWAIT), 0);
  door_close(&d);
  assert_int_equal(uv_run(&w->uv, UV_RUN_NOWAIT), 0);
}

static void a_port_in_use_is_an_error_that_leaves_nothing(void **state) {
  struct world *w = *state;
  struct gci_listen *l = NULL;
  struct door d = {.w = w};
  int port, fd = plain_listen(1, &port);
  struct sockaddr_in in = loopback(port);
  assert_int_equal(gci_listen_open(&l, &w->env, &w->uv, (struct sockaddr *)&in, 8, &events, &d),
                   UV_EADDRINUSE);
  assert_null(l);
  close(fd);
  uv_run(&w->uv, UV_RUN_DEFAULT);
  assert_int_equal(d.closed, 0);
}

static void an_address_of_another_family_is_refused(void **state) {
  struct world *w = *state;
  struct gci_listen *l;
  struct sockaddr_storage other = {.ss_family = AF_UNIX};
  assert_int_equal(
      gci_listen_open(&l, &w->env, &w->uv, (struct sockaddr *)&other, 8, &events, NULL), UV_EINVAL);
}

static int count_inheritable(void) {
  int n = 0;
  for (int i = 0; i < MANY; i++) {
    int flags = fcntl(i, F_GETFD);
    n += flags >= 0 && !(flags & FD_CLOEXEC);
  }
  return n;
}

static void every_descriptor_is_close_on_exec(void **state) {
  struct door d;
  int fd, before = count_inheritable();
  door_open(&d, *state);
  fd = knock(&d);
  run_until(d.w, &d.connections, 1);
  assert_int_equal(count_inheritable(), before);
  close(fd);
  door_close(&d);
}

/* Turns of the loop in ms milliseconds. */
struct span {
  struct gcache_deadline_s deadline;
  int passed;
};
static void on_passed(struct gcache_deadline_s *deadline) {
  gci_container_of(deadline, struct span, deadline)->passed = 1;
}
static uint64_t turns_in(struct world *w, uint64_t ms) {
  struct span span = {.passed = 0};
  uint64_t before = w->loop.turns;
  gci_deadline_init(&span.deadline, on_passed);
  gci_env_deadline(&w->env, &span.deadline, gci_env_after_ms(&w->env, ms));
  run_until(w, &span.passed, 1);
  return w->loop.turns - before;
}

static void paused_it_takes_none_and_does_not_spin(void **state) {
  struct door d;
  int fds[3];
  door_open(&d, *state);
  gci_listen_pause(d.l);
  for (int i = 0; i < 3; i++)
    fds[i] = knock(&d);
  assert_in_range(turns_in(d.w, 30), 1, 20);
  assert_int_equal(d.connections, 0);
  gci_listen_resume(d.l);
  assert_int_equal(d.connections, 0); /* from the loop */
  run_until(d.w, &d.connections, 3);
  for (int i = 0; i < 3; i++) {
    assert_false(is_closed(fds[i]));
    close(fds[i]);
  }
  door_close(&d);
}

static void paused_again_before_the_loop_turns_it_takes_none(void **state) {
  struct door d;
  int fd;
  door_open(&d, *state);
  gci_listen_pause(d.l);
  fd = knock(&d);
  run_a_little(d.w);
  gci_listen_resume(d.l);
  gci_listen_resume(d.l);
  gci_listen_pause(d.l);
  run_a_little(d.w);
  assert_int_equal(d.connections, 0);
  gci_listen_resume(d.l);
  run_until(d.w, &d.connections, 1);
  close(fd);
  door_close(&d);
}

static void closed_while_paused_the_one_held_is_let_go(void **state) {
  struct door d;
  int fd;
  door_open(&d, *state);
  gci_listen_pause(d.l);
  fd = knock(&d);
  run_a_little(d.w);
  gci_listen_resume(d.l); /* queued, and closed before it runs */
  door_close(&d);
  assert_int_equal(d.connections, 0);
  assert_true(is_closed(fd));
  close(fd);
}

static void the_rejected_see_a_close_and_accepting_goes_on(void **state) {
  struct door d;
  int fds[5];
  door_open(&d, *state);
  d.reject = 1;
  for (int i = 0; i < 5; i++)
    fds[i] = knock(&d);
  run_until(d.w, &d.connections, 5);
  run_a_little(d.w);
  for (int i = 0; i < 5; i++) {
    assert_true(is_closed(fds[i]));
    close(fds[i]);
  }
  door_close(&d);
}

/* ---- no descriptors left ---- */

static struct rlimit before_famine;
static unsigned char filled[MANY];

/* Nothing can be opened from here to feast(). Without reserve, libuv's own spare is gone as well. */
static void famine(struct world *w, int reserve) {
  struct rlimit none;
  int highest = 0;
  if (!reserve) {
    close(w->uv.emfile_fd);
    w->uv.emfile_fd = -1;
  }
  for (int i = 0; i < MANY; i++)
    if (fcntl(i, F_GETFD) >= 0) highest = i;
  for (int i = 0; i < highest; i++) {
    filled[i] = fcntl(i, F_GETFD) < 0;
    if (filled[i]) assert_int_equal(dup2(0, i), i);
  }
  getrlimit(RLIMIT_NOFILE, &before_famine);
  none = before_famine;
  none.rlim_cur = (rlim_t)highest + 1;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void feast(void) {
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before_famine), 0);
  for (int i = 0; i < MANY; i++) {
    if (filled[i]) close(i);
    filled[i] = 0;
  }
}

static void without_descriptors_clients_are_told_and_nothing_spins(int reserve) {
  struct world w;
  struct door d;
  int fds[3], late;
  world_init(&w, NULL);
  door_open(&d, &w);
  for (int i = 0; i < 3; i++)
    fds[i] = knock(&d);
  famine(&w, reserve);
  assert_in_range(turns_in(&w, 30), 1, 20);
  assert_int_equal(d.connections, 0);
  for (int i = 0; i < 3; i++)
    assert_true(is_closed(fds[i]));
  feast();
  for (int i = 0; i < 3; i++)
    close(fds[i]);
  late = knock(&d);
  run_until(&w, &d.connections, 1);
  assert_false(is_closed(late));
  close(late);
  door_close(&d);
  world_fini(&w);
}

static void without_descriptors_libuvs_reserve_is_enough(void **state) {
  (void)state;
  without_descriptors_clients_are_told_and_nothing_spins(1);
}

/* From 1.45 on libuv does not say that accepting failed: without its reserve it tries again at
 * once, until there is a descriptor. */
static void skip_if_libuv_is_silent(void) {
  if (uv_version() >= 0x012d00) skip();
}

static void without_the_reserve_the_listener_rests_and_comes_back(void **state) {
  (void)state;
  skip_if_libuv_is_silent();
  without_descriptors_clients_are_told_and_nothing_spins(0);
}

static void closed_while_it_rests_it_still_says_so(void **state) {
  struct door d;
  int fd;
  skip_if_libuv_is_silent();
  door_open(&d, *state);
  fd = knock(&d);
  famine(d.w, 0);
  run_a_little(d.w);
  feast();
  door_close(&d);
  close(fd);
}

static void open_without(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct world w = {0};
  struct door d = {.w = &w};
  (void)arg;
  if (mem == NULL) return;
  assert_int_equal(uv_loop_init(&w.uv), 0);
  gci_loop_open(&w.loop, &w.uv, &w.env, NULL);
  gci_env_init(&w.env, mem, &gci_loop_driver, &w.loop, NULL, NULL);
  gci_mem_unref(mem);
  if (listen_at(&d) == 0) door_close(&d);
  gci_loop_close(&w.loop, on_world_closed, &w);
  uv_run(&w.uv, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&w.uv), 0);
}

static void out_of_memory_is_an_error(void **state) {
  (void)state;
  assert_in_range(oom_sweep(open_without, NULL), 2, 10);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      IN_WORLD(a_free_port_is_found_and_connections_arrive),
      IN_WORLD(ipv6_is_as_good),
      IN_WORLD(a_listener_keeps_the_loop_alive),
      IN_WORLD(a_port_in_use_is_an_error_that_leaves_nothing),
      IN_WORLD(an_address_of_another_family_is_refused),
      IN_WORLD(every_descriptor_is_close_on_exec),
      IN_WORLD(paused_it_takes_none_and_does_not_spin),
      IN_WORLD(paused_again_before_the_loop_turns_it_takes_none),
      IN_WORLD(closed_while_paused_the_one_held_is_let_go),
      IN_WORLD(the_rejected_see_a_close_and_accepting_goes_on),
      cmocka_unit_test(without_descriptors_libuvs_reserve_is_enough),
      cmocka_unit_test(without_the_reserve_the_listener_rests_and_comes_back),
      IN_WORLD(closed_while_it_rests_it_still_says_so),
      cmocka_unit_test(out_of_memory_is_an_error),
  };
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
