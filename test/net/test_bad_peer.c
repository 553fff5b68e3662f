/* A peer over HTTP/1.1 that sends too much, too slowly, or unrequested bytes: each costs bounded
 * memory, the get is loaded here or answered by its deadline, the connection is given up, and an
 * honest peer next to it is asked all the time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bad_peer.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PROTO "Content-Type: application/x-protobuf\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK PROTO "Transfer-Encoding: chunked\r\n\r\n"
#define THERE OK PROTO "Content-Length: 7\r\n\r\n\x0a\x05there"
#define SAYS(text) text, sizeof(text) - 1

static const char kilo[1025] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/* ------------------------------------------------------------------------------- without end -- */

struct endless {
  const char *what;
  const char *begin, *more;
  size_t more_len; /* 0: that of the text */
};

static const struct endless endlesses[] = {
    {"reason phrase", "HTTP/1.1 200 ", kilo, 200},
    {"version", "HTTP/1.", "1", 0},
    {"header name", OK, kilo, 200},
    {"header value", OK "X: ", kilo, 200},
    {"header lines", OK, "X: y\r\n", 0},
    {"empty lines", "", "\r\n", 0},
    {"1xx", "", "HTTP/1.1 100 Continue\r\n\r\n", 0},
    {"1xx with lines", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0},
    {"101", "", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", 0},
    {"body until the end", OK PROTO "\r\n", kilo, 200},
    {"body of a page", "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n", kilo, 200},
    {"chunks", CHUNKED, "5\r\nhello\r\n", 0},
    {"chunk of 2^60 bytes", CHUNKED "fffffffffffffff\r\n", kilo, 200},
    {"chunk size", CHUNKED, "0", 0},
    {"chunk extension", CHUNKED "1;", kilo, 200},
    {"chunk extensions", CHUNKED, "1;a=b\r\nx\r\n", 0},
    {"trailers", CHUNKED "0\r\n", "T: t\r\n", 0},
    {"garbage", "", "\x16\x03\x01\x02\x00\x01", 6},
    {"answers", "", THERE, 0},
    {"answers behind the last",
     OK PROTO "Connection: close\r\nContent-Length: 7\r\n\r\n\x0a\x05there", THERE, 0},
    {"length of 2^40", OK PROTO "Content-Length: 1099511627776\r\n\r\n", kilo, 200},
    {"length of 2^64", OK PROTO "Content-Length: 18446744073709551616\r\n\r\n", kilo, 200},
    {"more than its length", OK PROTO "Content-Length: 7\r\n\r\n\x0a\x05there", kilo, 200},
};

static void assert_answered(const struct asked *a, const char *what) {
  int from_peer = a->from == GCACHE_FROM_PEER && strcmp(a->value, "there") == 0;

  if (a->status != 0 || (!bad_was_replaced(a) && !from_peer))
    fail_msg("%s: status %d from %d: %s", what, a->status, (int)a->from, a->reason);
}

static void what_never_ends_is_cut(void **state) {
  size_t most = 0, dearest = 0;

  for (size_t i = 0; i < COUNT(endlesses); i++) {
    const struct endless *e = &endlesses[i];
    struct bad_scene s;
    struct asked a;
    size_t len = e->more_len > 0 ? e->more_len : strlen(e->more);

    bad_open(&s, state, NULL, NULL);
    ask_start(&a, &s.m, s.bad_key, 0);
    run_loop_until(s.loop, &s.bad.requests, 1);
    raw_say(s.bad.connections[0], e->begin);
    say_for_ever(&s, s.bad.connections[0], e->more, len);
    while (a.done == 0)
      bad_turn(&s, UV_RUN_ONCE);
    assert_answered(&a, e->what);
    if (!s.bad.connections[0]->ended) fail_msg("%s: %zu bytes were borne", e->what, s.said);
    if (s.peak - s.before > BAD_MEMORY_MAX) fail_msg("%s: %zu bytes", e->what, s.peak - s.before);
    if (s.said > most) most = s.said;
    if (s.peak - s.before > dearest) dearest = s.peak - s.before;
    bad_end_neighbour(&s);
    bad_close(&s);
  }
  print_message("%zu endless answers: each cut after at most %zu bytes said, %zu bytes of memory\n",
                COUNT(endlesses), most, dearest);
}

/* ---------------------------------------------------------------------------------- too slow -- */

static const struct endless drips[] = {
    {"nothing", "", "", 0},
    {"head", OK "X: ", "y", 0},
    {"body", OK PROTO "Content-Length: 4000\r\n\r\n\x0a", "a", 0},
    {"chunk size", CHUNKED, "0", 0},
    {"chunk data", CHUNKED "fff\r\n", "a", 0},
    {"trailers", CHUNKED "0\r\nT: ", "t", 0},
    {"body until the end", OK PROTO "\r\n", "a", 0},
};

static void short_patience(gcache_options_t *o) {
  o->response_timeout_ms = 100;
}

struct drip {
  struct raw *to;
  const struct endless *what;
};

static void on_drip(uv_timer_t *timer) {
  const struct drip *drip = timer->data;

  if (!drip->to->ended && drip->what->more[0] != '\0') raw_say(drip->to, drip->what->more);
}

/* timeout_ms: of the get. */
static void drip_until_it_ends(void **state, const struct endless *what, int patient,
                               uint64_t timeout_ms) {
  struct bad_scene s;
  struct asked a;
  struct drip drip;
  uv_timer_t timer;
  uint64_t began = uv_hrtime();

  bad_open(&s, state, NULL, patient ? NULL : short_patience);
  ask_start(&a, &s.m, s.bad_key, timeout_ms);
  run_loop_until(s.loop, &s.bad.requests, 1);
  drip = (struct drip){s.bad.connections[0], what};
  raw_say(drip.to, what->begin);
  uv_timer_init(s.loop, &timer);
  timer.data = &drip;
  uv_timer_start(&timer, on_drip, 10, 10); /* 100 ms are over before a chunk size has 16 digits */
  while (a.done == 0 || !drip.to->ended)
    bad_turn(&s, UV_RUN_ONCE);
  assert_true(ms_since(began) < 1100);
  assert_int_equal(a.status, patient ? UV_ETIMEDOUT : 0);
  if (patient)
    assert_int_equal(a.from, GCACHE_FROM_NONE);
  else
    assert_true(bad_was_replaced(&a));
  uv_close((uv_handle_t *)&timer, NULL);
  bad_end_neighbour(&s);
  assert_true(s.neighbours > 10);
  bad_close(&s);
}

static void what_drips_is_given_up(void **state) {
  for (size_t i = 0; i < COUNT(drips); i++) {
    drip_until_it_ends(state, &drips[i], 0, 0);
    drip_until_it_ends(state, &drips[i], 1,
                       100); /* no response timeout: at the get's own deadline */
  }
  print_message(
      "%zu dripping answers: each given up at the response timeout, and without one at the "
      "get's deadline\n",
      COUNT(drips));
}

/* -------------------------------------------------------------------------- what is believed -- */

struct speech {
  const char *what;
  const char *bytes;
  size_t len;
  int status;
  gcache_from_t from;
};

#define VALUE(head) SAYS(head PROTO "Content-Length: 7\r\n\r\n\x0a\x05there")
#define BODY(len, body) SAYS(OK PROTO "Gcache: 1\r\nContent-Length: " len "\r\n\r\n" body)
#define ABSENT(line)                                                                        \
  SAYS("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nGcache: 1\r\nGcache-Reason: " \
       "not-found\r\n" line "\r\nContent-Length: 3\r\n\r\nno\n")

static const struct speech speeches[] = {
    /* statuses that bring a value along */
    {"201", VALUE("HTTP/1.1 201 Created\r\n"), 0, GCACHE_FROM_LOAD},
    {"203", VALUE("HTTP/1.1 203 Non-Authoritative\r\n"), 0, GCACHE_FROM_LOAD},
    {"206", VALUE("HTTP/1.1 206 Partial Content\r\n"), 0, GCACHE_FROM_LOAD},
    {"300", VALUE("HTTP/1.1 300 Multiple Choices\r\n"), 0, GCACHE_FROM_LOAD},
    {"302", VALUE("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"), 0, GCACHE_FROM_LOAD},
    {"307", VALUE("HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\n"), 0, GCACHE_FROM_LOAD},
    {"308", VALUE("HTTP/1.1 308 Permanent Redirect\r\nLocation: /x\r\n"), 0, GCACHE_FROM_LOAD},
    {"400", VALUE("HTTP/1.1 400 Bad Request\r\n"), 0, GCACHE_FROM_LOAD},
    {"404", VALUE("HTTP/1.1 404 Not Found\r\n"), 0, GCACHE_FROM_LOAD},
    {"500", VALUE("HTTP/1.1 500 Oops\r\n"), 0, GCACHE_FROM_LOAD},
    {"503", VALUE("HTTP/1.1 503 Busy\r\n"), 0, GCACHE_FROM_LOAD},
    {"599", VALUE("HTTP/1.1 599 Odd\r\n"), 0, GCACHE_FROM_LOAD},
    {"600", VALUE("HTTP/1.1 600 None\r\n"), 0, GCACHE_FROM_LOAD},
    {"000", VALUE("HTTP/1.1 000 None\r\n"), 0, GCACHE_FROM_LOAD},
    /* contents that are not what they look like */
    {"gzip", VALUE(OK "Content-Encoding: gzip\r\n"), 0, GCACHE_FROM_LOAD},
    {"br, then identity", VALUE(OK "Content-Encoding: br, identity\r\n"), 0, GCACHE_FROM_LOAD},
    {"two codings", VALUE(OK "Content-Encoding: identity\r\nContent-Encoding: zstd\r\n"), 0,
     GCACHE_FROM_LOAD},
    {"identity", VALUE(OK "Content-Encoding: identity\r\n"), 0, GCACHE_FROM_PEER},
    {"gzip as a transfer",
     SAYS(OK PROTO "Transfer-Encoding: gzip, chunked\r\n\r\n7\r\n\x0a\x05there\r\n0\r\n\r\n"), 0,
     GCACHE_FROM_LOAD},
    {"no type", SAYS(OK "Content-Length: 7\r\n\r\n\x0a\x05there"), 0, GCACHE_FROM_LOAD},
    {"text", SAYS(OK "Content-Type: text/plain\r\nContent-Length: 7\r\n\r\n\x0a\x05there"), 0,
     GCACHE_FROM_LOAD},
    {"JSON", SAYS(OK "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"), 0,
     GCACHE_FROM_LOAD},
    {"nearly protobuf",
     SAYS(OK "Content-Type: application/x-protobufx\r\nContent-Length: 7\r\n\r\n\x0a\x05there"), 0,
     GCACHE_FROM_LOAD},
    /* protobuf */
    {"length beyond the end", BODY("7", "\x0a\x7fthere"), 0, GCACHE_FROM_LOAD},
    {"length of 2^63", BODY("13", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7fthe"), 0,
     GCACHE_FROM_LOAD},
    {"a varint without end", BODY("12", "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
     GCACHE_FROM_LOAD},
    {"field number 0", BODY("2", "\x00\x01"), 0, GCACHE_FROM_LOAD},
    {"wire type 7", BODY("2", "\x0f\x01"), 0, GCACHE_FROM_LOAD},
    {"a group that stays open", BODY("1", "\x53"), 0, GCACHE_FROM_LOAD},
    /* numbers */
    {"expiry of 2^63 - 1", BODY("17", "\x0a\x05there\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0,
     GCACHE_FROM_PEER},
    {"stale for 2^64 - 1",
     BODY("20", "\x0a\x05there\x18\x01\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
     GCACHE_FROM_LOAD},
    {"absent for 2^64 - 1", ABSENT("Gcache-Not-Found-Ms: 18446744073709551615"), GCACHE_ENOTFOUND,
     GCACHE_FROM_NONE},
    {"absent for 2^64", ABSENT("Gcache-Not-Found-Ms: 18446744073709551616"), GCACHE_ENOTFOUND,
     GCACHE_FROM_NONE},
    {"absent for -1", ABSENT("Gcache-Not-Found-Ms: -1"), GCACHE_ENOTFOUND, GCACHE_FROM_NONE},
    {"absent for 1e99", ABSENT("Gcache-Not-Found-Ms: 1e99"), GCACHE_ENOTFOUND, GCACHE_FROM_NONE},
    {"HTTP/999", VALUE(OK "Gcache: 1\r\nGcache-Http: 999999999999999999999\r\n"), 0,
     GCACHE_FROM_PEER},
    {"gcache 2^64", VALUE(OK "Gcache: 18446744073709551617\r\n"), 0, GCACHE_FROM_PEER},
};

static const struct speech *speech;

static void speak(struct raw *c) {
  raw_send(c, speech->bytes, speech->len);
}

static void nothing_odd_is_believed(void **state) {
  for (size_t i = 0; i < COUNT(speeches); i++) {
    struct bad_scene s;
    struct asked a;

    speech = &speeches[i];
    bad_open(&s, state, speak, NULL);
    ask_start(&a, &s.m, s.bad_key, 0);
    while (a.done == 0)
      bad_turn(&s, UV_RUN_ONCE);
    if (a.status != speech->status ||
        (speech->from == GCACHE_FROM_LOAD ? !bad_was_replaced(&a) : a.from != speech->from))
      fail_msg("%s: status %d from %d: %s", speech->what, a.status, (int)a.from, a.reason);
    assert_int_equal(s.bad.requests, 1); /* no redirect was followed, nothing asked twice */
    bad_end_neighbour(&s);
    bad_close(&s);
  }
  print_message("%zu answers that are not what they look like\n", COUNT(speeches));
}

/* --------------------------------------------------------------------- what nobody asked for -- */

static void say_there(struct raw *c) {
  raw_say(c, THERE);
}

/* Each on a connection at rest, and then it is asked again. */
static void unasked_answers_are_nobodys(void **state) {
  static const char *const unasked[] = {
      "HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 6\r\n\r\n\x0a\x04"
      "evil",
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nno\n",
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "H",
      "\r\n",
      "\n"};

  for (size_t i = 0; i < COUNT(unasked); i++) {
    struct bad_scene s;
    struct asked a;

    bad_open(&s, state, say_there, NULL);
    for (int n = 0; n < 5; n++) {
      ask(&a, &s.m, s.bad_key);
      assert_int_equal(a.status, 0);
      assert_string_equal(a.value, "there");
      raw_say(s.bad.connections[s.bad.n - 1], unasked[i]);
      run_loop_until(s.loop, &s.bad.connections[s.bad.n - 1]->ended, 1);
      assert_int_equal(s.bad.n, n + 1);
    }
    assert_int_equal(s.m.loads, 0);
    bad_end_neighbour(&s);
    bad_close(&s);
  }
}

/* --------------------------------------------------------------------------------- its texts -- */

static char long_text[20000];

static void say_long_text(struct raw *c) {
  char head[200];

  snprintf(head, sizeof head,
           "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
           sizeof long_text);
  raw_say(c, head);
  raw_send(c, long_text, sizeof long_text);
}

static void texts_are_cut_and_printable(void **state) {
  struct bad_scene s;
  struct asked a;

  for (size_t i = 0; i < sizeof long_text; i++)
    long_text[i] = (char)i; /* every byte, the escape and line ends among them */
  bad_open(&s, state, say_long_text, NULL);
  ask(&a, &s.m, s.bad_key);
  assert_int_equal(a.status, GCACHE_ENOTFOUND);
  assert_in_range(strlen(a.reason), 200, 256);
  for (const char *p = a.reason; *p != '\0'; p++)
    assert_in_range(*p, ' ', '~');
  print_message("a text of %zu bytes: %zu of them are told\n", sizeof long_text, strlen(a.reason));
  bad_end_neighbour(&s);
  bad_close(&s);
}

/* ---------------------------------------------------------------------------- damaged bodies -- */

static unsigned lot;
static int damaged;

static unsigned draw(unsigned n) {
  lot = lot * 1664525 + 1013904223;
  return (lot >> 8) % n;
}

/* A lawful body with some bytes changed, added or cut. */
static void say_damaged(struct raw *c) {
  static const char lawful[] = "\x0a\x05there\x18\x00\x80\x01\x07\x88\x01\x64\x90\x01\x64";
  char text[300], *body;
  size_t len = sizeof lawful - 1 - draw(4);

  body = text + sprintf(text, OK PROTO "Gcache: 1\r\nContent-Length: %zu\r\n\r\n", len);
  memcpy(body, lawful, len);
  for (unsigned n = 1 + draw(3); n > 0; n--)
    body[draw((unsigned)len)] = (char)draw(256);
  raw_send(c, text, (size_t)(body - text) + len);
  damaged++;
}

static void damaged_bodies_are_survived(void **state) {
  struct bad_scene s;
  struct asked a;
  int believed = 0;

  lot = 7;
  damaged = 0;
  bad_open(&s, state, say_damaged, NULL);
  for (int i = 0; i < 300; i++) {
    ask(&a, &s.m, s.bad_key);
    assert_int_equal(a.status, 0);
    believed += !bad_was_replaced(&a);
  }
  print_message("%d damaged bodies: %d still readable, %d loaded here\n", damaged, believed,
                s.m.loads);
  assert_true(s.m.loads > 30);
  bad_end_neighbour(&s);
  bad_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_never_ends_is_cut),      TEST(what_drips_is_given_up),
      TEST(nothing_odd_is_believed),     TEST(unasked_answers_are_nobodys),
      TEST(texts_are_cut_and_printable), TEST(damaged_bodies_are_survived),
  };

  signal(SIGPIPE, SIG_IGN); /* the bad peer's own: it writes by libuv to those who have left */
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
