/* A peer over HTTP/2 that breaks the rules, floods, or lies: each costs bounded memory, the get is
 * loaded here, and an honest peer next to it is asked all the time. The bad peer's frames are made
 * by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/h2_frames.h"
#include "bad_peer.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char zeros[70000];
static const char there[] = "\x0a\x05there";

static void greet(struct h2_frames *f) {
  frames_add(f, F_SETTINGS, 0, 0, NULL, 0);
}

/* The head of an answer with up to one more field. */
static void answer_head(struct h2_frames *f, uint32_t id, int flags, const char *status,
                        const char *name, const char *value) {
  unsigned char block[600];
  size_t n = frames_field(block, ":status", status);

  n += frames_field(block + n, "content-type", "application/x-protobuf");
  if (name != NULL) n += frames_field(block + n, name, value);
  frames_add(f, F_HEADERS, flags | F_END_HEADERS, id, block, n);
}

static void answer(struct h2_frames *f, uint32_t id) {
  answer_head(f, id, 0, "200", NULL, NULL);
  frames_add(f, F_DATA, F_END_STREAM, id, there, sizeof there - 1);
}

/* ------------------------------------------------------------------------------- said once ---- */

static void no_http2(struct h2_frames *f) {
  static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  frames_raw(f, text, sizeof text - 1);
}

static void garbage(struct h2_frames *f) {
  frames_raw(f, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 18);
}

static void no_settings(struct h2_frames *f) {
  answer(f, 1);
}

/* We have said that we want none, and it has heard that. */
static void push(struct h2_frames *f) {
  unsigned char block[600] = {0, 0, 0, 2};
  size_t n = 4 + frames_get_block(block + 4, "/_groupcache/g/evil");
  frames_add(f, F_SETTINGS, F_ACK, 0, NULL, 0);
  frames_add(f, F_PUSH_PROMISE, F_END_HEADERS, 1, block, n);
  answer(f, 2);
  answer(f, 1);
}

static void answer_to_even(struct h2_frames *f) {
  answer(f, 2);
}

static void answer_to_none(struct h2_frames *f) {
  answer(f, 99);
}

static void answer_to_zero(struct h2_frames *f) {
  answer(f, 0);
}

static void data_first(struct h2_frames *f) {
  frames_add(f, F_DATA, F_END_STREAM, 1, there, sizeof there - 1);
}

static void data_to_none(struct h2_frames *f) {
  frames_add(f, F_DATA, F_END_STREAM, 99, there, sizeof there - 1);
}

static void answer_twice(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", NULL, NULL);
  answer_head(f, 1, 0, "200", NULL, NULL);
}

static void no_status(struct h2_frames *f) {
  unsigned char block[100];
  size_t n = frames_field(block, "content-type", "application/x-protobuf");
  frames_add(f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 1, block, n);
}

static void status_101(struct h2_frames *f) {
  answer_head(f, 1, 0, "101", NULL, NULL);
}

static void status_text(struct h2_frames *f) {
  answer_head(f, 1, F_END_STREAM, "2xx", NULL, NULL);
}

static void upper_case(struct h2_frames *f) {
  answer_head(f, 1, F_END_STREAM, "200", "Gcache", "1");
}

static void connection_field(struct h2_frames *f) {
  answer_head(f, 1, F_END_STREAM, "200", "transfer-encoding", "chunked");
}

static void longer_than_said(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", "content-length", "3");
  frames_add(f, F_DATA, F_END_STREAM, 1, there, sizeof there - 1);
}

static void shorter_than_said(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", "content-length", "300");
  frames_add(f, F_DATA, F_END_STREAM, 1, there, sizeof there - 1);
}

static void length_of_2_40(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", "content-length", "1099511627776");
}

static void length_of_2_64(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", "content-length", "18446744073709551616");
}

static void gzip(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", "content-encoding", "gzip");
  frames_add(f, F_DATA, F_END_STREAM, 1, there, sizeof there - 1);
}

static void redirect(struct h2_frames *f) {
  answer_head(f, 1, F_END_STREAM, "307", "location", "http://127.0.0.1:1/");
}

static void frame_too_long(struct h2_frames *f) {
  frames_add(f, F_DATA, 0, 1, zeros, 20000);
}

static void reset_by_none(struct h2_frames *f) {
  frames_u32(f, F_RST_STREAM, 99, 8);
}

static void window_beyond(struct h2_frames *f) {
  frames_u32(f, F_WINDOW_UPDATE, 0, 0x7fffffff);
}

static void window_of_none(struct h2_frames *f) {
  frames_u32(f, F_WINDOW_UPDATE, 1, 0);
}

static void settings_bad(struct h2_frames *f) {
  frames_add(f, F_SETTINGS, 0, 0, "\0\4\xff\xff\xff\xff", 6);
}

static void settings_many(struct h2_frames *f) {
  frames_add(f, F_SETTINGS, 0, 0, zeros, 33 * 6);
}

static void padding_beyond(struct h2_frames *f) {
  answer_head(f, 1, 0, "200", NULL, NULL);
  frames_add(f, F_DATA, F_PADDED | F_END_STREAM, 1,
             "\xff"
             "abc",
             4);
}

static void goaway_of_all(struct h2_frames *f) {
  frames_add(f, F_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\2", 8);
}

static void reset(struct h2_frames *f) {
  frames_u32(f, F_RST_STREAM, 1, 2);
}

struct wrong {
  const char *what;
  void (*say)(struct h2_frames *f);
  int unasked; /* says no SETTINGS before */
};

static const struct wrong wrongs[] = {
    {"HTTP/1.1", no_http2, 1},
    {"garbage", garbage, 1},
    {"no SETTINGS", no_settings, 1},
    {"a push", push, 0},
    {"an answer to stream 2", answer_to_even, 0},
    {"an answer to stream 99", answer_to_none, 0},
    {"an answer to stream 0", answer_to_zero, 0},
    {"DATA before the head", data_first, 0},
    {"DATA for stream 99", data_to_none, 0},
    {"two heads", answer_twice, 0},
    {"no status", no_status, 0},
    {"101", status_101, 0},
    {"a status that is no number", status_text, 0},
    {"a name in upper case", upper_case, 0},
    {"Transfer-Encoding", connection_field, 0},
    {"more than its length", longer_than_said, 0},
    {"less than its length", shorter_than_said, 0},
    {"length of 2^40", length_of_2_40, 0},
    {"length of 2^64", length_of_2_64, 0},
    {"gzip", gzip, 0},
    {"a redirect", redirect, 0},
    {"a frame over the limit", frame_too_long, 0},
    {"a reset of stream 99", reset_by_none, 0},
    {"a window beyond 2^31", window_beyond, 0},
    {"a window of nothing", window_of_none, 0},
    {"a window of 2^32", settings_bad, 0},
    {"33 settings", settings_many, 0},
    {"padding beyond the frame", padding_beyond, 0},
    {"GOAWAY", goaway_of_all, 0},
    {"a reset", reset, 0},
};

static void only_http_2(gcache_options_t *o) {
  o->http = GCACHE_HTTP_2;
  o->response_timeout_ms = 500;
  o->ping_ms = 200;
}

/* The honest peer is asked over HTTP/2 as well. */
static struct raw *begin(struct bad_scene *s, void **state, struct asked *a) {
  bad_open(s, state, NULL, only_http_2);
  ask_start(a, &s->m, s->bad_key, 0);
  run_loop_until(s->loop, &s->bad.n, 1);
  while (s->bad.connections[0]->in_len < 24 + 9 + 9) /* preface, SETTINGS, and some */
    bad_turn(s, UV_RUN_ONCE);
  return s->bad.connections[0];
}

static void what_breaks_the_rules_is_loaded_here(void **state) {
  for (size_t i = 0; i < COUNT(wrongs); i++) {
    struct h2_frames f = {0};
    struct bad_scene s;
    struct asked a;
    struct raw *c = begin(&s, state, &a);

    if (!wrongs[i].unasked) greet(&f);
    wrongs[i].say(&f);
    raw_send(c, (const char *)f.bytes, f.len);
    while (a.done == 0)
      bad_turn(&s, UV_RUN_ONCE);
    if (a.status != 0 || !bad_was_replaced(&a))
      fail_msg("%s: status %d from %d: %s", wrongs[i].what, a.status, (int)a.from, a.reason);
    assert_true(s.peak - s.before < BAD_MEMORY_MAX);
    frames_free(&f);
    bad_end_neighbour(&s);
    bad_close(&s);
  }
  print_message("%zu ways to break the rules: each loaded here\n", COUNT(wrongs));
}

/* ----------------------------------------------------------------------------- without end ---- */

static void pings(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_PING, 0, 0, zeros, 8);
}

static void settings(struct h2_frames *f, uint32_t n) {
  (void)n;
  greet(f);
}

static void windows(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_u32(f, F_WINDOW_UPDATE, 0, 1);
}

static void empty_data(struct h2_frames *f, uint32_t n) {
  if (n == 0) answer_head(f, 1, 0, "200", NULL, NULL);
  frames_add(f, F_DATA, 0, 1, NULL, 0);
}

static void interims(struct h2_frames *f, uint32_t n) {
  (void)n;
  answer_head(f, 1, 0, "103", "link", "</a>");
}

static void continuations(struct h2_frames *f, uint32_t n) {
  unsigned char block[100];
  size_t len = frames_field(block, n == 0 ? ":status" : "x", "200");
  frames_add(f, n == 0 ? F_HEADERS : F_CONTINUATION, 0, 1, block, len);
}

static void long_heads(struct h2_frames *f, uint32_t n) {
  static unsigned char block[16384];
  size_t len = frames_field(block, ":status", "103");

  (void)n;
  while (len < sizeof block - 130)
    len += frames_field(block + len, "x", "0123456789012345678901234567890123456789");
  frames_add(f, F_HEADERS, F_END_HEADERS, 1, block, len);
}

static void references(struct h2_frames *f, uint32_t n) {
  static unsigned char block[16384];
  size_t len = frames_field(block, ":status", "200");

  memcpy(block + len, "\x40\1x\x7f\xa1\x1e", 6);
  memset(block + len + 6, 'v', 4000);
  memset(block + len + 4006, 0xbe, sizeof block - len - 4006);
  if (n > 0) memset(block, 0xbe, sizeof block);
  frames_add(f, n == 0 ? F_HEADERS : F_CONTINUATION, 0, 1, block, sizeof block);
}

static void body(struct h2_frames *f, uint32_t n) {
  if (n == 0) answer_head(f, 1, 0, "200", NULL, NULL);
  frames_add(f, F_DATA, 0, 1, zeros, 16384);
}

static void body_to_nobody(struct h2_frames *f, uint32_t n) {
  if (n == 0) answer(f, 1);
  frames_add(f, F_DATA, 0, 1, zeros, 16384);
}

static void trailers(struct h2_frames *f, uint32_t n) {
  unsigned char block[100];

  if (n == 0) answer_head(f, 1, 0, "200", NULL, NULL);
  frames_add(f, F_HEADERS, F_END_HEADERS, 1, block, frames_field(block, "t", "u"));
}

static void resets(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_u32(f, F_RST_STREAM, 1, 8);
}

static void goaways(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_GOAWAY, 0, 0, "\x7f\xff\xff\xff\0\0\0\0", 8);
}

static void unknown(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_UNKNOWN, 0, 0, zeros, 16384);
}

static void priorities(struct h2_frames *f, uint32_t n) {
  frames_add(f, F_PRIORITY, 0, 2 * n + 1, "\0\0\0\0\1", 5);
}

struct flood {
  const char *what;
  void (*add)(struct h2_frames *f, uint32_t n);
};

static const struct flood floods[] = {{"PING", pings},
                                      {"SETTINGS", settings},
                                      {"WINDOW_UPDATE", windows},
                                      {"empty DATA", empty_data},
                                      {"1xx", interims},
                                      {"CONTINUATION", continuations},
                                      {"long heads", long_heads},
                                      {"references", references},
                                      {"a body", body},
                                      {"a body to nobody", body_to_nobody},
                                      {"trailers", trailers},
                                      {"RST_STREAM", resets},
                                      {"GOAWAY", goaways},
                                      {"unknown frames", unknown},
                                      {"PRIORITY", priorities}};

/* Until the connection has been given up. */
static void flood_peer(struct bad_scene *s, struct raw *c, const struct flood *flood) {
  struct h2_frames f = {0};
  uint32_t n = 0;

  greet(&f);
  while (!c->ended && s->said < 3 * BAD_SAID_MAX) {
    for (int i = 0; i < 20; i++)
      flood->add(&f, n++);
    raw_send(c, (const char *)f.bytes, f.len);
    s->said += f.len;
    f.len = 0;
    for (int i = 0; i < 100 && (i < 3 || c->tcp.write_queue_size > 0) && !c->ended; i++)
      bad_turn(s, UV_RUN_NOWAIT);
  }
  frames_free(&f);
}

static void what_never_ends_is_cut(void **state) {
  for (size_t i = 0; i < COUNT(floods); i++) {
    struct bad_scene s;
    struct asked a;
    struct raw *c = begin(&s, state, &a);

    flood_peer(&s, c, &floods[i]);
    while (a.done == 0)
      bad_turn(&s, UV_RUN_ONCE);
    print_message("%s: given up after %zu bytes, %zu bytes of memory\n", floods[i].what, s.said,
                  s.peak - s.before);
    if (a.status != 0) fail_msg("%s: %s", floods[i].what, a.reason);
    if (!c->ended) fail_msg("%s: %zu bytes were borne", floods[i].what, s.said);
    assert_true(s.peak - s.before < BAD_MEMORY_MAX);
    bad_end_neighbour(&s);
    bad_close(&s);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_breaks_the_rules_is_loaded_here),
      TEST(what_never_ends_is_cut),
  };

  signal(SIGPIPE, SIG_IGN); /* the bad peer's own: it writes by libuv to those who have left */
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
