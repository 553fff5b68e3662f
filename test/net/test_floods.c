/* Floods over TCP and HTTP/1.1: connections beyond the limits, connections that are reset at once,
 * requests that are pipelined and never read, unwanted bodies; with an honest get next to each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

#define GET(key) "GET /_groupcache/g/" key " HTTP/1.1\r\nHost: x\r\n\r\n"
#define PUT "PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n"

enum { MANY = 2000, ROOM = 64, AT_ONCE = 40 };

struct flood {
  struct crowd crowd;
  struct member m;
  size_t before, peak;
  uint64_t most; /* connections at a time */
};

static void open_flood(struct flood *f, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;
  struct asked a;

  memset(f, 0, sizeof *f);
  member_options(&f->m, &o, *state, "here");
  change(&o);
  member_open(&f->m, &o);
  member_group(&f->m, "g");
  member_listen(&f->m);
  ask(&a, &f->m, "big:100000:");
  crowd_init(&f->crowd, &f->m);
  f->before = f->peak = f->m.oom.bytes;
}

static void close_flood(struct flood *f) {
  crowd_fini(&f->crowd);
  run_loop_turns(f->m.loop, 10);
  member_end(&f->m);
}

static void take_turns(struct flood *f, int n) {
  for (int i = 0; i < n; i++) {
    uint64_t now;
    crowd_turns(&f->crowd, 1);
    now = stats_of(&f->m).connections_in;
    if (now > f->most) f->most = now;
    if (f->m.oom.bytes > f->peak) f->peak = f->m.oom.bytes;
  }
}

static void report(const char *what, const struct flood *f) {
  print_message("%s: at most %d connections and %zu bytes; %d honest gets meanwhile, the slowest "
                "%.1f ms\n",
                what, (int)f->most, f->peak - f->before, f->crowd.honest.gets,
                f->crowd.honest.worst_ms);
}

/* ----------------------------------------------------------------------------- connections ---- */

static void little_room(gcache_options_t *o) {
  o->limits.connections_max = ROOM;
  o->limits.connections_per_address = MANY;
}

static void few_per_address(gcache_options_t *o) {
  o->limits.connections_per_address = ROOM;
}

/* n come in small groups, and stay. */
static void come(struct flood *f, int fds[], int n, const char *bytes) {
  for (int i = 0; i < n; i++) {
    fds[i] = hostile_connect(f->m.port, 0);
    send(fds[i], bytes, strlen(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (i % 16 == 15) take_turns(f, 2);
  }
  take_turns(f, 20);
}

static void go(struct flood *f, int fds[], int n) {
  for (int i = 0; i < n; i++) {
    close(fds[i]);
    if (i % 64 == 63) take_turns(f, 2);
  }
  while (stats_of(&f->m).connections_in > 1)
    take_turns(f, 1);
}

static void connections_are_bounded(void **state, const char *what,
                                    void (*change)(gcache_options_t *o)) {
  struct flood f;
  int *fds = calloc(MANY, sizeof *fds);

  open_flood(&f, state, change);
  come(&f, fds, MANY, GET("honest"));
  report(what, &f);
  assert_true(f.most <= ROOM);
  go(&f, fds, MANY);
  assert_true(f.most <= ROOM);
  assert_true(f.m.oom.bytes < f.before + 16384);
  close_flood(&f);
  free(fds);
}

static void connections_beyond_the_limits_are_not_taken(void **state) {
  connections_are_bounded(state, "2000 connections, 64 allowed", little_room);
  connections_are_bounded(state, "2000 connections, 64 an address", few_per_address);
}

/* ---------------------------------------------------------------------------------- resets ---- */

static void all_allowed(gcache_options_t *o) {
  o->limits.connections_per_address = MANY;
}

static void resets_in_every_phase_leave_nothing(void **state) {
  static const char *const begun[] = {"",
                                      "G",
                                      GET("honest"),
                                      GET("honest") "GET /",
                                      GET("big:100000:"),
                                      PUT "Content-Length: 9\r\n\r\nabc",
                                      PUT "Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
                                      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                      "nonsense\r\n\r\n"};
  struct flood f;
  int fds[16], n = 0;

  open_flood(&f, state, all_allowed);
  for (int i = 0; i < MANY; i += 16) {
    for (int k = 0; k < 16; k++, n++) {
      const char *bytes = begun[n % (int)(sizeof begun / sizeof begun[0])];
      fds[k] = hostile_connect(f.m.port, 0);
      send(fds[k], bytes, strlen(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    take_turns(&f, i / 16 % 4); /* before it is accepted, read, answered */
    for (int k = 0; k < 16; k++)
      plain_reset(fds[k]);
  }
  while (stats_of(&f.m).connections_in > 1)
    take_turns(&f, 1);
  report("2000 resets", &f);
  assert_true(f.m.oom.bytes < f.before + 16384);
  assert_true(f.peak - f.before < 1 << 20);
  assert_int_equal(f.m.loads, 2);
  close_flood(&f);
}

/* -------------------------------------------------------------------------------- requests ---- */

static void short_stall(gcache_options_t *o) {
  o->limits.write_stall_ms = 200;
}

/* As many as the sockets take. */
static void pipeline(struct crowd *crowd, struct hostile *one) {
  const char *text = crowd->arg;
  size_t len = strlen(text);
  ssize_t n;

  do {
    n = send(one->fd, text + one->at % len, len - one->at % len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) one->at += (size_t)n;
  } while (n > 0 && one->at % 65536 < 65536 - len);
}

static char *repeated(const char *text, int n) {
  char *all = malloc(strlen(text) * (size_t)n + 1), *at = all;

  for (int i = 0; i < n; i++)
    at = stpcpy(at, text);
  return all;
}

static void pipelined(void **state, const char *what, const char *text) {
  struct flood f;
  size_t asked = 0;
  char *all = repeated(text, 100);

  open_flood(&f, state, short_stall);
  f.crowd.act = pipeline;
  f.crowd.arg = all;
  crowd_come(&f.crowd, AT_ONCE, 1000, text, strlen(text));
  while (stats_of(&f.m).connections_in > 1) {
    crowd_turn(&f.crowd, UV_RUN_ONCE);
    take_turns(&f, 1);
  }
  for (int i = 0; i < AT_ONCE; i++)
    asked += f.crowd.all[i].at;
  print_message("%zu requests of %d connections sent, none read; ", asked / strlen(text), AT_ONCE);
  report(what, &f);
  assert_true(f.peak - f.before < (size_t)AT_ONCE * (3 << 20));
  assert_int_equal(stats_of(&f.m).refused, AT_ONCE);
  assert_int_equal(f.m.loads, 2);
  close_flood(&f);
  free(all);
}

static void requests_without_reading_are_cut(void **state) {
  pipelined(state, "small values", GET("honest"));
  pipelined(state, "large values", GET("big:100000:"));
}

/* ------------------------------------------------------------------------- unwanted bodies ---- */

static void defaults(gcache_options_t *o) {
  (void)o;
}

/* The refusal can be read although the body goes on; and not for ever. */
static void unwanted_bodies_are_drained_a_little(void **state) {
  static const char *const heads[] = {PUT "Content-Length: 1099511627776\r\n\r\n",
                                      PUT "Transfer-Encoding: gzip\r\n\r\n",
                                      "PUT / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n"};
  static const char body[8192];

  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    struct flood f;
    char answer[256] = "";
    size_t sent = 0;
    int fd, ended = 0;

    open_flood(&f, state, defaults);
    fd = hostile_connect(f.m.port, 0);
    assert_true(send(fd, heads[i], strlen(heads[i]), MSG_NOSIGNAL) > 0);
    take_turns(&f, 5);
    assert_true(recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT) > 0);
    while (!ended && sent < 10 << 20) {
      ssize_t n = send(fd, body, sizeof body, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) sent += (size_t)n;
      ended = n < 0 && errno != EAGAIN;
      take_turns(&f, 3);
    }
    print_message("%.12s: %zu bytes of the body were taken\n", answer, sent);
    assert_true(sent > 60000 && sent < 200000);
    close(fd);
    close_flood(&f);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(connections_beyond_the_limits_are_not_taken),
      TEST(resets_in_every_phase_leave_nothing),
      TEST(requests_without_reading_are_cut),
      TEST(unwanted_bodies_are_drained_a_little),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
