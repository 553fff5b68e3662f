/* world - the base of every test over real sockets: a loop, an env driven by it, an allocator that
 * counts, and a teardown that detects whatever is left: bytes, handles, descriptors. Include cmocka
 * first. */
#ifndef TEST_NET_WORLD_H
#define TEST_NET_WORLD_H

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "../unit/oom.h"
#include "net/loop.h"

struct world {
  uv_loop_t uv;
  struct gci_loop loop;
  struct gci_env env;
  struct oom oom;
  int descriptors, closed;
};

static inline int count_descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  int n = 0;
  while (readdir(dir) != NULL)
    n++;
  closedir(dir);
  return n - 3; /* ".", ".." and dir itself */
}

static inline void world_init(struct world *w, const gcache_clock_t *clock) {
  gcache_mem_t user = {oom_resize, &w->oom};
  struct gci_mem *mem;

  memset(w, 0, sizeof *w);
  w->descriptors = count_descriptors();
  mem = gci_mem_new(&user);
  assert_non_null(mem);
  assert_int_equal(uv_loop_init(&w->uv), 0);
  gci_loop_open(&w->loop, &w->uv, &w->env, clock);
  gci_env_init(&w->env, mem, &gci_loop_driver, &w->loop, NULL, NULL);
  gci_mem_unref(mem);
}

static inline void on_world_closed(void *arg) {
  struct world *w = arg;
  w->closed = 1;
  gci_env_fini(&w->env);
}

static inline void world_fini(struct world *w) {
  if (!w->loop.closing) gci_loop_close(&w->loop, on_world_closed, w);
  uv_run(&w->uv, UV_RUN_DEFAULT);
  assert_true(w->closed);
  assert_int_equal(w->oom.bytes, 0);
  assert_int_equal(w->oom.blocks, 0);
  assert_int_equal(uv_loop_close(&w->uv), 0);
  assert_int_equal(count_descriptors(), w->descriptors);
}

static inline int world_setup(void **state) {
  struct world *w = malloc(sizeof *w);
  world_init(w, NULL);
  *state = w;
  return 0;
}

static inline int world_teardown(void **state) {
  world_fini(*state);
  free(*state);
  return 0;
}

/* libuv opens some descriptors for the life of the process with the first loop. */
static inline int world_warm_up(void **state) {
  uv_loop_t uv;
  (void)state;
  return uv_loop_init(&uv) < 0 || uv_loop_close(&uv) < 0 ? -1 : 0;
}

/* Turns the loop, waiting in it, until *count is at least n. The test's own time limit ends a hang. */
static inline void run_until(struct world *w, const int *count, int n) {
  gci_env_hold(&w->env);
  while (*count < n)
    uv_run(&w->uv, UV_RUN_ONCE);
  gci_env_release(&w->env);
}

/* One turn without waiting. (A loop that nothing holds does not even poll.) */
static inline void turn(struct world *w) {
  gci_env_hold(&w->env);
  uv_run(&w->uv, UV_RUN_NOWAIT);
  gci_env_release(&w->env);
}

/* A few turns: what was going to happen at once has happened. */
static inline void run_a_little(struct world *w) {
  for (int i = 0; i < 8; i++)
    turn(w);
}

/* ---- plain sockets, for the other side ---- */

static inline struct sockaddr_in loopback(int port) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return in;
}

static inline int plain_listen(int backlog, int *port) {
  struct sockaddr_in in = loopback(0);
  socklen_t len = sizeof in;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
  assert_int_equal(listen(fd, backlog), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
  *port = ntohs(in.sin_port);
  return fd;
}

/* Begins to connect; complete as soon as the kernel has answered itself. */
static inline int plain_connect(int port) {
  struct sockaddr_in in = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_true(fd >= 0);
  connect(fd, (struct sockaddr *)&in, sizeof in);
  return fd;
}

/* Two connected TCP sockets; both non-blocking. */
static inline void plain_pair(int fds[2]) {
  int port, listener = plain_listen(1, &port);
  fds[0] = plain_connect(port);
  fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  assert_true(fds[1] >= 0);
  close(listener);
}

/* Closes so that the other side gets a reset. */
static inline void plain_reset(int fd) {
  struct linger linger = {1, 0};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
  close(fd);
}

#endif
