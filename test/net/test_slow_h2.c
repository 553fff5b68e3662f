/* Slow clients over HTTP/2: four hundred connections at once, stopped in each frame that keeps
 * something waiting, and readers that give windows of one byte or none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../unit/h2_frames.h"
#include "hostile.h"

#define PATH "/_groupcache/g/"

enum { LIMIT_MS = 150, IDLE_MS = 250, SLACK_MS = 1000 };

static void short_times(gcache_options_t *o) {
  o->limits.head_timeout_ms = LIMIT_MS;
  o->limits.body_timeout_ms = LIMIT_MS;
  o->limits.write_stall_ms = LIMIT_MS;
  o->limits.idle_ms = IDLE_MS;
  o->limits.connections_per_address = 2 * HOSTILE_MAX;
}

/* -------------------------------------------------------------------------- how they begin ---- */

static void add_request(struct h2_frames *f, uint32_t id, int flags, const char *method,
                        const char *path) {
  unsigned char block[600];
  size_t n = frames_field(block, ":method", method);

  n += frames_field(block + n, ":scheme", "http");
  n += frames_field(block + n, ":path", path);
  n += frames_field(block + n, ":authority", "h");
  frames_add(f, F_HEADERS, flags, id, block, n);
}

/* The head of a frame of len bytes, which never come whole. */
static void add_beginning(struct h2_frames *f, int type, int flags, uint32_t id, size_t len) {
  static const char zeros[20000];

  frames_add(f, type, flags, id, zeros, len);
  f->len -= len;
}

static void add_preface(struct h2_frames *f) {
  frames_raw(f, H2_PREFACE, 10);
}

static void add_frame_head(struct h2_frames *f) {
  frames_raw(f, H2_PREFACE, sizeof H2_PREFACE - 1);
  frames_raw(f, "\0\0\0\4", 4);
}

static void add_settings(struct h2_frames *f) {
  frames_raw(f, H2_PREFACE, sizeof H2_PREFACE - 1);
  add_beginning(f, F_SETTINGS, 0, 0, 60);
}

static void add_head(struct h2_frames *f) {
  frames_greet(f);
  add_beginning(f, F_HEADERS, F_END_HEADERS, 1, 4000);
}

static void add_head_without_end(struct h2_frames *f) {
  frames_greet(f);
  add_request(f, 1, F_END_STREAM, "GET", PATH "honest");
}

static void add_continuation(struct h2_frames *f) {
  add_head_without_end(f);
  add_beginning(f, F_CONTINUATION, 0, 1, 4000);
  frames_raw(f, "\0\1x\x7f\xff\x7f", 6); /* a field of thousands of bytes */
}

static void add_body(struct h2_frames *f) {
  frames_greet(f);
  add_request(f, 1, F_END_HEADERS, "PUT", PATH "k");
  add_beginning(f, F_DATA, F_END_STREAM, 1, 16000);
}

static void add_body_to_be(struct h2_frames *f) {
  frames_greet(f);
  add_request(f, 1, F_END_HEADERS, "PUT", PATH "k");
}

static void add_goaway(struct h2_frames *f) {
  frames_greet(f);
  add_beginning(f, F_GOAWAY, 0, 0, 4000);
}

static void add_nothing_more(struct h2_frames *f) {
  frames_greet(f);
}

static void add_no_window(struct h2_frames *f) {
  frames_raw(f, H2_PREFACE, sizeof H2_PREFACE - 1);
  frames_add(f, F_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
  add_request(f, 1, F_END_HEADERS | F_END_STREAM, "GET", PATH "big:1000000:");
}

/* ---------------------------------------------------------------------------- how they go on -- */

static void say_byte(struct crowd *crowd, struct hostile *one) {
  (void)crowd;
  crowd_say(one, "a", 1);
}

static void open_window(struct crowd *crowd, struct hostile *one) {
  static const unsigned char a_byte[] = {0, 0, 4, F_WINDOW_UPDATE, 0, 0, 0, 0, 1, 0, 0, 0, 1};

  (void)crowd;
  crowd_say(one, a_byte, sizeof a_byte);
}

static void ping(struct crowd *crowd, struct hostile *one) {
  static const unsigned char frame[17] = {0, 0, 8, F_PING};

  (void)crowd;
  crowd_say(one, frame, sizeof frame);
}

struct slow {
  const char *what;
  void (*begin)(struct h2_frames *f);
  void (*act)(struct crowd *crowd, struct hostile *one);
  int limit_ms;
};

static const struct slow slows[] = {
    {"preface", add_preface, say_byte, LIMIT_MS},
    {"the first frame's head", add_frame_head, NULL, LIMIT_MS},
    {"the first SETTINGS", add_settings, say_byte, LIMIT_MS},
    {"HEADERS in bytes", add_head, say_byte, LIMIT_MS},
    {"HEADERS without END_HEADERS", add_head_without_end, NULL, LIMIT_MS},
    {"CONTINUATION in bytes", add_continuation, say_byte, LIMIT_MS},
    /* The stream is ended at the first limit, the connection at the second. */
    {"DATA in bytes", add_body, say_byte, LIMIT_MS + IDLE_MS},
    {"DATA that never comes", add_body_to_be, NULL, LIMIT_MS + IDLE_MS},
    {"DATA that never comes, and PING", add_body_to_be, ping, LIMIT_MS + IDLE_MS},
    {"answer without a window", add_no_window, NULL, LIMIT_MS + IDLE_MS},
    {"answer with a window of a byte", add_no_window, open_window, LIMIT_MS + IDLE_MS},
    {"GOAWAY in bytes", add_goaway, say_byte, IDLE_MS},
    {"nothing is asked", add_nothing_more, NULL, IDLE_MS},
    {"nothing is asked, and PING", add_nothing_more, ping, IDLE_MS},
};

enum { PHASES = sizeof slows / sizeof slows[0] };

/* Those of one limit, side by side in one crowd. */
struct phases {
  const struct slow *all[PHASES];
  int n;
};

static const struct slow *phase_of(const struct crowd *crowd, const struct hostile *one) {
  const struct phases *phases = crowd->arg;

  return phases->all[(one - crowd->all) % phases->n];
}

static void go_on(struct crowd *crowd, struct hostile *one) {
  const struct slow *slow = phase_of(crowd, one);

  if (slow->act != NULL) slow->act(crowd, one);
}

static void begin_all(struct crowd *crowd) {
  for (int i = 0; i < crowd->n; i++) {
    struct h2_frames f = {0};
    phase_of(crowd, &crowd->all[i])->begin(&f);
    crowd_say(&crowd->all[i], f.bytes, f.len);
    frames_free(&f);
  }
}

static void slow_connections_are_cut(void **state, int limit_ms) {
  struct phases phases = {.n = 0};
  struct member m;
  struct crowd crowd;
  struct asked a;
  gcache_options_t o;
  double ms;

  for (int i = 0; i < PHASES; i++)
    if (slows[i].limit_ms == limit_ms) phases.all[phases.n++] = &slows[i];
  member_options(&m, &o, *state, "here");
  short_times(&o);
  member_open(&m, &o);
  member_group(&m, "g");
  member_listen(&m);
  ask(&a, &m, "big:1000000:");
  crowd_init(&crowd, &m);
  crowd.act = go_on;
  crowd.arg = &phases;
  crowd_come(&crowd, HOSTILE_MAX, 0, NULL, 0);
  begin_all(&crowd);
  ms = crowd_until_cut(&crowd);
  print_message(
      "%d phases: %s: %d cut after %.0f ms; %d honest gets meanwhile, the slowest %.1f ms\n",
      phases.n, phases.all[0]->what, HOSTILE_MAX, ms, crowd.honest.gets, crowd.honest.worst_ms);
  assert_true(ms <= limit_ms + SLACK_MS);
  crowd_fini(&crowd);
  assert_int_equal(m.loads, 2);
  member_end(&m);
}

static void slow_connections_are_cut_in_every_phase(void **state) {
  slow_connections_are_cut(state, LIMIT_MS);
  slow_connections_are_cut(state, LIMIT_MS + IDLE_MS);
  slow_connections_are_cut(state, IDLE_MS);
}

/* What they cost while they wait: values by reference, and what a stream needs. */
static void readers_without_a_window_cost_little(void **state) {
  struct h2_frames f = {0};
  struct member m;
  struct crowd crowd;
  struct asked a;
  gcache_options_t o;
  size_t before, peak;

  member_options(&m, &o, *state, "here");
  short_times(&o);
  o.limits.write_stall_ms = 500;
  member_open(&m, &o);
  member_group(&m, "g");
  member_listen(&m);
  ask(&a, &m, "big:1000000:");
  crowd_init(&crowd, &m);
  frames_raw(&f, H2_PREFACE, sizeof H2_PREFACE - 1);
  frames_add(&f, F_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
  for (uint32_t id = 1; id < 200; id += 2)
    add_request(&f, id, F_END_HEADERS | F_END_STREAM, "GET", PATH "big:1000000:");
  before = peak = m.oom.bytes;
  crowd_come(&crowd, 15, 0, f.bytes, f.len);
  for (int i = 0; i < 40; i++) {
    crowd_turn(&crowd, UV_RUN_ONCE);
    if (m.oom.bytes > peak) peak = m.oom.bytes;
  }
  print_message("15 connections of 100 streams without a window, 1 MB each: %zu bytes\n",
                peak - before);
  assert_true(peak - before < 16 << 20);
  assert_int_equal(m.loads, 2);
  crowd_until_cut(&crowd);
  crowd_fini(&crowd);
  frames_free(&f);
  member_end(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(slow_connections_are_cut_in_every_phase),
      TEST(readers_without_a_window_cost_little),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
