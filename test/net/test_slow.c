/* Slow clients over HTTP/1.1: four hundred at once in every phase of a request and of its response,
 * each cut off within its limit plus a second, while an honest get is answered at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "hostile.h"

#define PATH "/_groupcache/g/"
#define GET(key) "GET " PATH key " HTTP/1.1\r\nHost: x\r\n\r\n"
#define PUT "PUT " PATH "k HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED PUT "Transfer-Encoding: chunked\r\n\r\n"

enum { LIMIT_MS = 150, IDLE_MS = 250, SLACK_MS = 1000 };

static void short_times(gcache_options_t *o) {
  o->limits.head_timeout_ms = LIMIT_MS;
  o->limits.body_timeout_ms = LIMIT_MS;
  o->limits.write_stall_ms = LIMIT_MS;
  o->limits.idle_ms = IDLE_MS;
  o->limits.connections_per_address = 2 * HOSTILE_MAX;
  o->limits.in_flight_max = (size_t)1 << 30; /* they are to be cut for their slowness alone */
}

static void open_member(struct member *m, void **state) {
  gcache_options_t o;

  member_options(m, &o, *state, "here");
  short_times(&o);
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static void report(const char *what, int n, double ms, const struct honest *h) {
  print_message("%s: %d cut after %.0f ms; %d honest gets meanwhile, the slowest %.1f ms\n", what,
                n, ms, h->gets, h->worst_ms);
}

/* ---------------------------------------------------------------------------------- requests -- */

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What is said at once, and then for ever, a byte at a time. */
struct slow {
  const char *what, *begin, *drip;
  const char *answer; /* of the refusal; "": closed without a word */
  int limit_ms;
};

static const struct slow slows[] = {
    {"silence", "", "", "", IDLE_MS},
    {"an empty line", "\r", "", "", IDLE_MS},
    {"request line", "GE", "T", "HTTP/1.1 408", LIMIT_MS},
    {"request line, its target", "GET /", "a", "HTTP/1.1 408", LIMIT_MS},
    {"head, one line", "GET / HTTP/1.1\r\nHost: x\r\nX: ", "y", "HTTP/1.1 408", LIMIT_MS},
    {"head, many lines", "GET / HTTP/1.1\r\nHost: x\r\n", "a:\r\n", "HTTP/1.1 408", LIMIT_MS},
    {"head, then silence", "GET / HTTP/1.1\r\nHost: x\r\n", "", "HTTP/1.1 408", LIMIT_MS},
    {"body by length", PUT "Content-Length: 4000\r\n\r\n", "b", "HTTP/1.1 408", LIMIT_MS},
    {"body by length, silence", PUT "Content-Length: 4000\r\n\r\n", "", "HTTP/1.1 408", LIMIT_MS},
    {"body that waited for 100", PUT "Expect: 100-continue\r\nContent-Length: 4000\r\n\r\n", "b",
     "HTTP/1.1 100", LIMIT_MS},
    {"chunk size", CHUNKED, "0", "HTTP/1.1 408", LIMIT_MS},
    {"chunk extension", CHUNKED "1;a=", "b", "HTTP/1.1 408", LIMIT_MS},
    {"chunk data", CHUNKED "fff\r\n", "c", "HTTP/1.1 408", LIMIT_MS},
    {"chunks of a byte", CHUNKED, "1\r\nc\r\n", "HTTP/1.1 408", LIMIT_MS},
    {"trailers", CHUNKED "0\r\nT: ", "t", "HTTP/1.1 408", LIMIT_MS},
    {"between pipelined requests", GET("honest") "GET /a", "b", "HTTP/1.1 200", LIMIT_MS},
    {"body behind a pipelined request", GET("honest") PUT "Content-Length: 4000\r\n\r\n", "b",
     "HTTP/1.1 200", LIMIT_MS},
    {"answered, then silence", GET("honest"), "", "HTTP/1.1 200", IDLE_MS},
};

/* Those of one limit, side by side in one crowd. */
struct phases {
  const struct slow *all[COUNT(slows)];
  size_t n;
};

static struct phases phases_of(int limit_ms) {
  struct phases phases = {.n = 0};

  for (size_t i = 0; i < COUNT(slows); i++)
    if (slows[i].limit_ms == limit_ms) phases.all[phases.n++] = &slows[i];
  return phases;
}

static const struct slow *phase_of(const struct crowd *crowd, const struct hostile *one) {
  const struct phases *phases = crowd->arg;

  return phases->all[(size_t)(one - crowd->all) % phases->n];
}

static void drip(struct crowd *crowd, struct hostile *one) {
  const struct slow *slow = phase_of(crowd, one);
  size_t len = strlen(slow->drip);

  if (len > 0) crowd_say(one, slow->drip + one->at++ % len, 1);
}

/* What each was told, and that it was told all. */
static void assert_told(const struct crowd *crowd) {
  for (int i = 0; i < HOSTILE_MAX; i++) {
    const struct slow *slow = phase_of(crowd, &crowd->all[i]);
    size_t len = strlen(slow->answer);
    char text[1024];
    ssize_t n = recv(crowd->all[i].fd, text, sizeof text, MSG_DONTWAIT);
    if (len > 0 && (n < (ssize_t)len || memcmp(text, slow->answer, len) != 0))
      fail_msg("%s: %zd bytes of an answer", slow->what, n);
  }
}

static void slow_requests_are_cut(void **state, int limit_ms) {
  struct phases phases = phases_of(limit_ms);
  struct member m;
  struct crowd crowd;
  double ms;

  open_member(&m, state);
  crowd_init(&crowd, &m);
  crowd.act = drip;
  crowd.arg = &phases;
  crowd_come(&crowd, HOSTILE_MAX, 0, NULL, 0);
  for (int i = 0; i < HOSTILE_MAX; i++) {
    const char *begin = phase_of(&crowd, &crowd.all[i])->begin;
    crowd_say(&crowd.all[i], begin, strlen(begin));
  }
  ms = crowd_until_cut(&crowd);
  print_message("%zu phases: ", phases.n);
  report(phases.all[0]->what, HOSTILE_MAX, ms, &crowd.honest);
  assert_true(ms <= limit_ms + SLACK_MS);
  assert_told(&crowd);
  crowd_fini(&crowd);
  if (limit_ms == LIMIT_MS) assert_int_equal(stats_of(&m).refused, HOSTILE_MAX);
  assert_int_equal(m.loads, 1);
  member_end(&m);
}

static void slow_requests_are_cut_in_every_phase(void **state) {
  slow_requests_are_cut(state, LIMIT_MS);
  slow_requests_are_cut(state, IDLE_MS);
}

/* With the patience of the defaults for those that do not read: it is not for those that were too
 * slow. */
static void long_stall(gcache_options_t *o) {
  short_times(o);
  o->limits.write_stall_ms = 10000;
}

static void whoever_was_too_slow_has_a_second_to_read_why(void **state) {
  struct member m;
  struct crowd crowd;
  gcache_options_t o;
  double ms;

  member_options(&m, &o, *state, "here");
  long_stall(&o);
  member_open(&m, &o);
  member_group(&m, "g");
  member_listen(&m);
  crowd_init(&crowd, &m);
  crowd_come(&crowd, HOSTILE_MAX, 0, "GET /", 5);
  ms = crowd_until_cut(&crowd);
  report("head, and nothing is closed", HOSTILE_MAX, ms, &crowd.honest);
  assert_true(ms <= LIMIT_MS + 1000 + SLACK_MS);
  crowd_fini(&crowd);
  member_end(&m);
}

/* ----------------------------------------------------------------------------------- answers -- */

static void read_a_byte(struct crowd *crowd, struct hostile *one) {
  char byte;
  ssize_t n = recv(one->fd, &byte, 1, MSG_DONTWAIT);

  (void)crowd;
  (void)n;
}

/* Bytes are taken all the time, but not enough: the answer would take half a second. */
static void read_a_little(struct crowd *crowd, struct hostile *one) {
  char bytes[20000];
  ssize_t n = recv(one->fd, bytes, sizeof bytes, MSG_DONTWAIT);

  (void)crowd;
  (void)n;
}

static void want_a_high_rate(gcache_options_t *o) {
  short_times(o);
  o->limits.body_rate_min = 64 << 20;
}

static void slow_readers(void **state, const char *what, int n, void (*change)(gcache_options_t *o),
                         void (*act)(struct crowd *crowd, struct hostile *one)) {
  struct member m;
  struct crowd crowd;
  struct asked a;
  gcache_options_t o;
  double ms;

  member_options(&m, &o, *state, "here");
  change(&o);
  member_open(&m, &o);
  member_group(&m, "g");
  member_listen(&m);
  ask(&a, &m, "big:1000000:");
  crowd_init(&crowd, &m);
  crowd.act = act;
  crowd_come(&crowd, n, 1000, GET("big:1000000:"), strlen(GET("big:1000000:")));
  ms = crowd_until_cut(&crowd);
  report(what, n, ms, &crowd.honest);
  assert_true(ms <= LIMIT_MS + SLACK_MS);
  crowd_fini(&crowd);
  assert_int_equal(stats_of(&m).refused, n);
  assert_int_equal(m.loads, 2);
  member_end(&m);
}

static void slow_readers_are_cut(void **state) {
  slow_readers(state, "answer not read", HOSTILE_MAX, short_times, NULL);
  slow_readers(state, "answer read byte by byte", HOSTILE_MAX, short_times, read_a_byte);
  slow_readers(state, "answer read below the rate", 20, want_a_high_rate, read_a_little);
}

/* --------------------------------------------------------------------------------- half-open -- */

/* The connection is gone on this side, and nobody is told: as when a machine loses its power. 0:
 * may not. */
static int vanish(struct hostile *one) {
  int on = 1;

  if (setsockopt(one->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) < 0) return 0;
  close(one->fd);
  one->fd = -1;
  return 1;
}

static const struct slow vanished[] = {
    {"gone at rest", GET("honest"), "", "", IDLE_MS},
    {"gone in a head", "GET /", "", "", LIMIT_MS},
    {"gone in a body", PUT "Content-Length: 9\r\n\r\n", "", "", LIMIT_MS},
    {"gone before the answer", GET("hold:1"), "", "", IDLE_MS},
    {"gone in the answer", GET("big:1000000:"), "", "", LIMIT_MS},
};

static void clients_that_vanish_are_given_up(void **state) {
  for (size_t i = 0; i < sizeof vanished / sizeof vanished[0]; i++) {
    const struct slow *slow = &vanished[i];
    struct member m;
    struct crowd crowd;
    int n = 0;
    double ms;

    open_member(&m, state);
    crowd_init(&crowd, &m);
    crowd_come(&crowd, HOSTILE_MAX, 1000, slow->begin, strlen(slow->begin));
    for (int k = 0; k < HOSTILE_MAX; k++)
      n += vanish(&crowd.all[k]);
    if (n == 0) print_message("no leave to vanish without a word: silence is taken for it\n");
    member_release(&m);
    ms = crowd_until_cut(&crowd);
    report(slow->what, HOSTILE_MAX, ms, &crowd.honest);
    assert_true(ms <= slow->limit_ms + SLACK_MS);
    crowd_fini(&crowd);
    member_end(&m);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(slow_requests_are_cut_in_every_phase),
      TEST(whoever_was_too_slow_has_a_second_to_read_why),
      TEST(slow_readers_are_cut),
      TEST(clients_that_vanish_are_given_up),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
