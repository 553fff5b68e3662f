/* Peers from a real etcd: members that join, leave and die; an etcd that is restarted, stopped,
 * compacted, emptied. Skipped without etcd. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "finder.h"

#define A "http://10.0.0.1:80"
#define B "http://10.0.0.2:80"
#define C "http://10.0.0.3:80"

/* ------------------------------------------------------------------------------------ etcd -- */

static struct {
  struct child child;
  char url[40], peer_url[40];
  int port;
} etcd;

static void start_etcd(void) {
  char data[96], cluster[80];
  char *argv[] = {(char *)(uintptr_t)child_program("etcd"),
                  (char *)(uintptr_t) "--data-dir",
                  data,
                  (char *)(uintptr_t) "--listen-client-urls",
                  etcd.url,
                  (char *)(uintptr_t) "--advertise-client-urls",
                  etcd.url,
                  (char *)(uintptr_t) "--listen-peer-urls",
                  etcd.peer_url,
                  (char *)(uintptr_t) "--initial-advertise-peer-urls",
                  etcd.peer_url,
                  (char *)(uintptr_t) "--initial-cluster",
                  cluster,
                  NULL};

  snprintf(data, sizeof data, "%s/data", etcd.child.dir);
  snprintf(cluster, sizeof cluster, "default=%s", etcd.peer_url);
  child_start(&etcd.child, argv);
}

static int make_etcd(void **state) {
  child_make_dir(&etcd.child);
  etcd.port = child_free_port();
  snprintf(etcd.url, sizeof etcd.url, "http://127.0.0.1:%d", etcd.port);
  snprintf(etcd.peer_url, sizeof etcd.peer_url, "http://127.0.0.1:%d", child_free_port());
  start_etcd();
  return loop_setup(state);
}

static int end_etcd(void **state) {
  child_stop(&etcd.child, SIGKILL);
  child_remove_dir(&etcd.child);
  return loop_teardown(state);
}

/* Of somebody else's client: blocks until it is answered. */
static void say(const char *path, const char *body, char answer[4096]) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)etcd.port)};
  char request[2048];
  size_t n = 0;
  ssize_t got;
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  snprintf(request, sizeof request,
           "POST %s HTTP/1.1\r\nHost: e\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
           path, strlen(body), body);
  assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(write(fd, request, strlen(request)), strlen(request));
  while (n < 4095 && (got = read(fd, answer + n, 4095 - n)) > 0)
    n += (size_t)got;
  answer[n] = '\0';
  close(fd);
  assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
}

/* ---------------------------------------------------------------------------------- members -- */

static void join(struct finder *f, uv_loop_t *loop, const char *self) {
  static const char *urls[1];
  gcache_find_etcd_t e;

  finder_open(f, loop, self);
  f->o.interval_ms = 4000; /* so long at most until it is seen that etcd is back */
  gcache_find_etcd_init(&e);
  urls[0] = etcd.url;
  e.endpoints = urls;
  e.n_endpoints = 1;
  e.ttl_ms = 2000;
  e.timeout_ms = 2000;
  assert_int_equal(gcache_find_etcd(&f->find, &f->o, &e), 0);
}

/* A member in a process of its own, for dying. */
static pid_t fork_member(const char *self) {
  pid_t pid = fork();
  static struct finder f;
  static uv_loop_t loop;

  assert_true(pid >= 0);
  if (pid > 0) return pid;
  uv_loop_init(&loop);
  join(&f, &loop, self);
  finder_await(&f, "never");
  _exit(1);
}

static void members_come_and_go(void **state) {
  struct finder a, b;

  join(&a, *state, A);
  finder_await(&a, A);
  join(&b, *state, B);
  finder_await(&b, A " " B);
  finder_await(&a, A " " B);
  finder_end(&b); /* takes its key back */
  finder_await(&a, A);
  finder_end(&a);
}

static void a_member_that_dies_leaves_the_list(void **state) {
  struct finder a;
  pid_t b;

  join(&a, *state, A);
  finder_await(&a, A);
  b = fork_member(B);
  finder_await(&a, A " " B);
  uv_timer_t tick;
  uv_timer_init(*state, &tick);
  uv_timer_start(&tick, on_finder_tick, 3000, 0); /* and stays, longer than its lease */
  while (uv_is_active((uv_handle_t *)&tick))
    uv_run(*state, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&tick, NULL);
  finder_await(&a, A " " B);
  kill(b, SIGKILL); /* until it dies */
  assert_int_equal(waitpid(b, NULL, 0), b);
  finder_await(&a, A);
  finder_end(&a);
}

static void an_etcd_that_restarts_is_found_again(void **state) {
  struct finder a, b, c;

  join(&a, *state, A);
  join(&b, *state, B);
  finder_await(&a, A " " B);
  finder_await(&b, A " " B);
  child_stop(&etcd.child, SIGTERM);
  finder_await_count(&a, &a.keeps, a.keeps + 1);
  assert_string_equal(a.list, A " " B); /* nobody is alone for that */
  start_etcd();
  join(&c, *state, C);
  finder_await(&a, A " " B " " C);
  finder_await(&b, A " " B " " C);
  finder_end(&c);
  finder_end(&b);
  finder_end(&a);
}

/* Nobody's lease is known any more: all write themselves again. */
static void an_etcd_that_has_lost_everything_is_told_again(void **state) {
  char command[128];
  struct finder a, b, who_asks;

  join(&a, *state, A);
  join(&b, *state, B);
  finder_await(&a, A " " B);
  child_stop(&etcd.child, SIGKILL);
  snprintf(command, sizeof command, "rm -r %s/data", etcd.child.dir);
  assert_int_equal(system(command), 0);
  start_etcd();
  join(&who_asks, *state, NULL);
  finder_await(&who_asks, A " " B);
  finder_end(&who_asks);
  finder_await(&a, A " " B);
  finder_await(&b, A " " B);
  finder_end(&b);
  finder_end(&a);
}

static void an_etcd_that_hangs_is_waited_for(void **state) {
  struct finder a, b;

  join(&a, *state, A);
  finder_await(&a, A);
  child_signal(&etcd.child, SIGSTOP);
  while (a.status != UV_ETIMEDOUT)
    finder_await_count(&a, &a.keeps, a.keeps + 1);
  assert_string_equal(a.list, A);
  child_signal(&etcd.child, SIGCONT);
  join(&b, *state, B);
  finder_await(&a, A " " B);
  finder_end(&b);
  finder_end(&a);
}

static void compaction_and_strangers_do_not_disturb(void **state) {
  struct finder a, b;
  char answer[4096];

  join(&a, *state, A);
  finder_await(&a, A);
  for (int i = 0; i < 20; i++)
    say("/v3/kv/put", "{\"key\":\"eA==\",\"value\":\"eA==\"}", answer);
  say("/v3/kv/compaction", "{\"revision\":\"15\",\"physical\":true}", answer);
  join(&b, *state, B);
  finder_await(&a, A " " B);
  /* /gcache/x says x, /gcache/y says http://10.0.0.3:80 */
  say("/v3/kv/put", "{\"key\":\"L2djYWNoZS94\",\"value\":\"eA==\"}", answer);
  say("/v3/kv/put", "{\"key\":\"L2djYWNoZS95\",\"value\":\"aHR0cDovLzEwLjAuMC4zOjgw\"}", answer);
  finder_await(&a, A " " B " " C);
  finder_await(&b, A " " B " " C);
  assert_string_equal(a.text, "1 values ignored that are not URLs");
  /* Somebody takes all keys away, those of living members too: they write themselves again. */
  say("/v3/kv/deleterange", "{\"key\":\"L2djYWNoZS8=\",\"range_end\":\"L2djYWNoZTA=\"}", answer);
  finder_await(&a, A " " B);
  finder_await(&b, A " " B);
  finder_end(&b);
  finder_end(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_etcd, end_etcd)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(members_come_and_go),
      TEST(a_member_that_dies_leaves_the_list),
      TEST(an_etcd_that_restarts_is_found_again),
      TEST(an_etcd_that_has_lost_everything_is_told_again),
      TEST(an_etcd_that_hangs_is_waited_for),
      TEST(compaction_and_strangers_do_not_disturb),
  };

  if (child_program("etcd") == NULL) return 77;
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
