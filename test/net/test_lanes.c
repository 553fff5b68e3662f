/* Fast lanes against scripted peers: what is sent, over which connection and in how many writes,
 * and what happens if the peer misbehaves. The cache is a client-only member that keeps nothing, so
 * that every get asks the peer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/h2.h"
#include "member.h"
#include "place.h"
#include "raw.h"

struct scene {
  uv_loop_t *loop;
  struct raw_server peer;
  struct member m;
};

static void scene_open(struct scene *s, void **state, void (*on_request)(struct raw *c),
                       void (*change)(gcache_options_t *o)) {
  gcache_options_t o;
  const char *urls[1];

  s->loop = *state;
  raw_server_open(&s->peer, s->loop, on_request);
  member_options(&s->m, &o, s->loop, "here");
  if (change != NULL) change(&o);
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  urls[0] = s->peer.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 1), 0);
}

static void scene_close(struct scene *s) {
  member_end(&s->m);
  raw_server_end(&s->peer);
}

/* -------------------------------------------------------------------------- a scripted peer -- */

/* The request that has come begins so: "GET /_groupcache/g/<key> ". */
static int asks(const struct raw *c, const char *method, const char *key) {
  char line[300];
  int len = snprintf(line, sizeof line, "%s /_groupcache/g/%s", method, key);

  return c->request_len > (size_t)len && memcmp(c->request, line, (size_t)len) == 0;
}

static int is_fast(const struct raw *c) {
  return memmem(c->request, c->request_len, "only-if-cached", 14) != NULL;
}

/* The key of the request is the value, and "|fast" or "|slow" behind it. */
static void say_value(struct raw *c, const char *more_headers) {
  const char *key = c->request + strlen("GET /_groupcache/g/");
  size_t key_len = strcspn(key, " ");
  char value[128], text[512];
  int value_len = snprintf(value, sizeof value, "%.*s|%s", (int)key_len, key,
                           is_fast(c) ? "fast" : "slow");
  int len = snprintf(text, sizeof text,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n%s"
                     "Content-Length: %d\r\n\r\n\x0a%c%s",
                     more_headers, value_len + 2, value_len, value);

  assert_true(value_len < 128);
  raw_send(c, text, (size_t)len);
}

static void say_not_cached(struct raw *c, const char *more_headers) {
  char text[300];

  snprintf(text, sizeof text,
           "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Reason: not-cached\r\n%s"
           "Content-Length: 0\r\n\r\n",
           more_headers);
  raw_say(c, text);
}

static void say_done(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: 0\r\n\r\n");
}

/* As gcache: has in memory all but "cold...". */
static void like_gcache(struct raw *c) {
  if (memcmp(c->request, "GET", 3) != 0)
    say_done(c);
  else if (is_fast(c) && asks(c, "GET", "cold"))
    say_not_cached(c, "");
  else
    say_value(c, "Gcache: 1\r\n");
}

static void assert_value(const struct asked *a, const char *value) {
  if (a->status != 0) fail_msg("%s: %s", gcache_strerror(a->status), a->reason);
  assert_string_equal(a->value, value);
  assert_int_equal(a->from, GCACHE_FROM_PEER);
}

static void assert_here(const struct asked *a) {
  assert_int_equal(a->status, 0);
  assert_int_equal(a->from, GCACHE_FROM_LOAD);
}

/* Until a slow lane and one proven fast lane rest: connections 0 and 1. */
static struct raw *warm_up(struct scene *s) {
  struct asked a;
  void (*on_request)(struct raw * c) = s->peer.on_request;

  s->peer.on_request = like_gcache;
  ask(&a, &s->m, "w0");
  assert_value(&a, "w0|slow");
  ask(&a, &s->m, "w1"); /* dials */
  assert_value(&a, "w1|slow");
  run_loop_until(s->loop, &s->peer.n, 2);
  run_loop_turns(s->loop, 10);
  ask(&a, &s->m, "w2");
  assert_value(&a, "w2|fast");
  assert_int_equal(s->peer.n, 2);
  assert_int_equal(s->peer.connections[1]->requests, 1);
  s->peer.on_request = on_request;
  return s->peer.connections[1];
}

#define MANY 16

struct asks {
  struct asked a[MANY];
  char keys[MANY][32];
};

static void start_many(struct asks *asks, struct scene *s, const char *prefix, int n) {
  for (int i = 0; i < n; i++) {
    snprintf(asks->keys[i], sizeof asks->keys[i], "%s%d", prefix, i);
    ask_start(&asks->a[i], &s->m, asks->keys[i], 0);
  }
}

static void wait_for(struct asks *asks, struct scene *s, int n) {
  for (int i = 0; i < n; i++)
    run_loop_until(s->loop, &asks->a[i].done, 1);
}

/* Both fast lanes are open: connections 1 and 2. */
static void warm_up_both(struct scene *s) {
  struct asks asks;
  void (*on_request)(struct raw * c) = s->peer.on_request;

  warm_up(s);
  s->peer.on_request = like_gcache;
  start_many(&asks, s, "x", 4);
  wait_for(&asks, s, 4);
  run_loop_until(s->loop, &s->peer.n, 3);
  run_loop_turns(s->loop, 10);
  start_many(&asks, s, "y", 4);
  wait_for(&asks, s, 4);
  assert_true(s->peer.connections[2]->requests > 0);
  s->peer.on_request = on_request;
}

static void change_start(struct changed *c) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
}

static void remove_start(struct changed *c, struct scene *s, const char *key) {
  change_start(c);
  assert_int_equal(gcache_remove(&c->req, s->m.group, gcache_cstr(key), 0, on_changed), 0);
}

static void set_start(struct changed *c, struct scene *s, const char *key, const char *bytes,
                      size_t len) {
  gcache_value_t *value = gcache_value_copy(s->m.cache, gcache_bytes(bytes, len), GCACHE_NEVER);

  change_start(c);
  assert_int_equal(gcache_set(&c->req, s->m.group, gcache_cstr(key), value, 0, on_changed), 0);
  gcache_value_unref(value);
}

static uint64_t connections_out(const struct scene *s) {
  gcache_stats_t stats;

  gcache_stats(s->m.cache, &stats);
  return stats.connections_out;
}

/* ----------------------------------------------------------------------------- what is sent -- */

static void peer_that_is_not_gcache_gets_no_fast_lane(void **state) {
  struct scene s;
  struct asks asks;

  scene_open(&s, state, NULL, NULL);
  s.peer.on_request = like_gcache;
  warm_up(&s);
  scene_close(&s);

  scene_open(&s, state, NULL, NULL);
  s.peer.on_request = NULL;
  start_many(&asks, &s, "k", 3);
  run_loop_until(s.loop, &s.peer.requests, 3);
  for (int i = 0; i < 3; i++)
    raw_answer_value(s.peer.connections[i], "go");
  wait_for(&asks, &s, 3);
  start_many(&asks, &s, "k", 3);
  run_loop_until(s.loop, &s.peer.requests, 6);
  for (int i = 0; i < 3; i++) {
    assert_null(raw_find(s.peer.connections[i], "only-if-cached"));
    raw_answer_value(s.peer.connections[i], "go");
  }
  wait_for(&asks, &s, 3);
  assert_int_equal(s.peer.n, 3);
  scene_close(&s);
}

static void requests_of_one_turn_leave_in_one_write_and_say_no_more_than_needed(void **state) {
  struct scene s;
  struct asks asks;
  struct changed removed, set;
  struct raw *fast;
  char expected[1024], host[32];
  size_t before;
  int reads, len;

  scene_open(&s, state, like_gcache, NULL);
  fast = warm_up(&s);
  s.peer.on_request = NULL;
  before = fast->in_len;
  reads = fast->reads;
  start_many(&asks, &s, "k", 2);
  remove_start(&removed, &s, "r");
  set_start(&set, &s, "s", "v", 1);
  run_loop_until(s.loop, &fast->requests, 5);
  assert_int_equal(fast->reads, reads + 1);
  place_host(host, sizeof host, s.peer.port);
  len = snprintf(expected, sizeof expected,
                 "GET /_groupcache/g/k0 HTTP/1.1\r\nHost: %s\r\n"
                 "Cache-Control: only-if-cached, max-stale\r\n\r\n"
                 "GET /_groupcache/g/k1 HTTP/1.1\r\nHost: %s\r\n"
                 "Cache-Control: only-if-cached, max-stale\r\n\r\n"
                 "DELETE /_groupcache/g/r HTTP/1.1\r\nHost: %s\r\n\r\n"
                 "PUT /_groupcache/g/s HTTP/1.1\r\nHost: %s\r\nContent-Length: 11\r\n\r\n"
                 "\x0a\x01g\x12\x01s\x1a\x01v\x20",
                 host, host, host, host) +
        1;
  assert_int_equal(fast->in_len - before, len);
  assert_memory_equal(fast->in + before, expected, (size_t)len);
  scene_close(&s);
}

/* Nothing is known of it before its own first answer. */
static void fast_lane_carries_one_question_until_it_is_proven(void **state) {
  struct scene s;
  struct asked a;
  struct asks asks;

  scene_open(&s, state, NULL, NULL);
  s.peer.on_request = like_gcache;
  ask(&a, &s.m, "w0");
  ask(&a, &s.m, "w1");
  run_loop_until(s.loop, &s.peer.n, 2);
  run_loop_turns(s.loop, 10);
  s.peer.on_request = NULL;
  start_many(&asks, &s, "k", 5);
  run_loop_until(s.loop, &s.peer.requests, 7);
  run_loop_turns(s.loop, 10);
  assert_int_equal(s.peer.connections[1]->requests, 1); /* the others have gone over slow lanes */
  assert_int_equal(raw_count(s.peer.connections[1], "only-if-cached"), 1);
  assert_int_equal(raw_count(s.peer.connections[0], "only-if-cached"), 0);
  assert_int_equal(s.peer.n, 5);
  scene_close(&s);
}

/* ------------------------------------------------------------------------------ 504, again -- */

static void what_is_not_cached_is_asked_over_a_slow_lane_and_the_next_fast_again(void **state) {
  struct scene s;
  struct asked a;
  struct raw *fast;

  scene_open(&s, state, like_gcache, NULL);
  fast = warm_up(&s);
  for (int i = 0; i < 3; i++) {
    ask(&a, &s.m, "cold");
    assert_value(&a, "cold|slow");
    assert_int_equal(raw_count(fast, "GET /_groupcache/g/cold "), i + 1);
  }
  assert_int_equal(raw_count(s.peer.connections[0], "GET /_groupcache/g/cold "), 3);
  ask(&a, &s.m, "warm");
  assert_value(&a, "warm|fast");
  assert_int_equal(s.m.loads, 0);
  assert_int_equal(s.peer.n, 2);
  scene_close(&s);
}

static void never_in_memory(struct raw *c) {
  if (is_fast(c))
    raw_say(c, "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"); /* as a proxy does */
  else
    like_gcache(c);
}

static void answer_504_that_is_not_from_gcache_is_asked_again_too(void **state) {
  struct scene s;
  struct asks asks;
  struct raw *fast;

  scene_open(&s, state, never_in_memory, NULL);
  fast = warm_up(&s);
  start_many(&asks, &s, "k", 4);
  wait_for(&asks, &s, 4);
  for (int i = 0; i < 4; i++)
    assert_non_null(strstr(asks.a[i].value, "|slow"));
  assert_int_equal(fast->requests, 5);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

/* A slow lane's 504 is final, so that nothing goes round. */
static void always_504(struct raw *c) {
  say_not_cached(c, "");
}

static void peer_that_never_has_it_is_asked_twice(void **state) {
  struct scene s;
  struct asked a;
  int before;

  scene_open(&s, state, always_504, NULL);
  warm_up(&s);
  before = s.peer.requests;
  ask(&a, &s.m, "k");
  assert_here(&a);
  assert_int_equal(s.peer.requests, before + 2);
  scene_close(&s);
}

static void one_connection(gcache_options_t *o) {
  o->conns_per_peer = 1;
}

static void one_slow_connection_is_enough_beside_fast_lanes(void **state) {
  struct scene s;
  struct asks asks;

  scene_open(&s, state, like_gcache, one_connection);
  warm_up(&s);
  start_many(&asks, &s, "cold", MANY);
  wait_for(&asks, &s, MANY);
  for (int i = 0; i < MANY; i++)
    assert_non_null(strstr(asks.a[i].value, "|slow"));
  assert_int_equal(s.m.loads, 0);
  assert_true(s.peer.n <= 3);
  scene_close(&s);
}

/* ------------------------------------------------------------------------ peers that fail ---- */

/* After so many requests of a fast lane from here on. */
static int n_fast_seen, n_fast_answers;
static void (*then)(struct raw *c);

static void fail_after_answers(struct raw *c) {
  if (c->requests > 1 && is_fast(c) && n_fast_seen++ >= n_fast_answers) {
    if (n_fast_seen == n_fast_answers + 1) then(c);
  } else {
    like_gcache(c);
  }
}

static void say_garbage(struct raw *c) {
  raw_say(c, "HTTP/1.1 2oo OK\r\n\r\n");
}

static void say_half(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Type: application/x-protobuf\r\n"
             "Content-Length: 100\r\n\r\n\x0a");
  raw_finish(c);
}

static void say_last(struct raw *c) {
  raw_say(c, "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nConnection: close\r\n"
             "Content-Length: 0\r\n\r\n");
}

/* All eight requests have come and are answered: what is too much cannot be counted off. */
static void say_too_much(struct raw *c) {
  for (int i = 0; i < 20; i++)
    say_not_cached(c, "");
}

static void gets_of_a_fast_lane_that_breaks_go_again_slowly(void **state) {
  static void (*const ways[])(struct raw * c) = {raw_close, raw_finish, raw_reset,   say_garbage,
                                                 say_half,  say_last,   say_too_much};

  for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
    for (n_fast_answers = 0; n_fast_answers < 4; n_fast_answers++) {
      struct scene s;
      struct asks asks;
      struct asked a;

      then = ways[way];
      n_fast_seen = 0;
      scene_open(&s, state, fail_after_answers, NULL);
      warm_up(&s);
      start_many(&asks, &s, "k", 8);
      wait_for(&asks, &s, 8);
      for (int i = 0; i < 8; i++) {
        char fast[64], slow[64];
        snprintf(fast, sizeof fast, "k%d|fast", i);
        snprintf(slow, sizeof slow, "k%d|slow", i);
        assert_value(&asks.a[i], strcmp(asks.a[i].value, fast) == 0 ? fast : slow);
        assert_int_equal(asks.a[i].done, 1);
      }
      assert_int_equal(s.m.loads, 0);
      s.peer.on_request = like_gcache;
      ask(&a, &s.m, "k"); /* it goes on, one way or the other */
      assert_int_equal(a.status, 0);
      assert_int_equal(s.m.loads, 0);
      scene_close(&s);
    }
  }
}

static int by_order;

/* Answers the first with what belongs to the second: HTTP/1.1 cannot tell, but nothing comes of it. */
static void too_few(struct raw *c) {
  if (!is_fast(c) || c->requests == 1)
    like_gcache(c);
  else if (by_order++ % 2 == 0)
    like_gcache(c);
}

static void short_ping(gcache_options_t *o) {
  o->ping_ms = 40;
}

/* It may be the peer that is silent: they are not asked of it again. */
static void gets_of_a_fast_lane_that_owes_answers_in_silence_have_failed(void **state) {
  struct scene s;
  struct asks asks;
  struct changed removed;

  by_order = 0;
  scene_open(&s, state, too_few, short_ping);
  warm_up(&s);
  start_many(&asks, &s, "k", 6);
  wait_for(&asks, &s, 6);
  for (int i = 0; i < 6; i++)
    assert_int_equal(asks.a[i].status, 0);
  assert_in_range(s.m.loads, 1, 5);
  s.peer.on_request = NULL;
  remove_start(&removed, &s, "r");
  run_loop_until(s.loop, &removed.done, 1);
  assert_int_equal(removed.status, GCACHE_EPARTIAL);
  scene_close(&s);
}

static void short_response(gcache_options_t *o) {
  o->response_timeout_ms = 40;
}

static void hang_fast(struct raw *c) {
  if (!is_fast(c)) like_gcache(c);
}

static void response_timeout_holds_for_fast_lanes(void **state) {
  struct scene s;
  struct asks asks;

  scene_open(&s, state, hang_fast, short_response);
  warm_up(&s);
  start_many(&asks, &s, "k", 4);
  wait_for(&asks, &s, 4);
  for (int i = 0; i < 4; i++)
    assert_int_equal(asks.a[i].from, GCACHE_FROM_LOAD);
  scene_close(&s);
}

static uv_timer_t dripping;
static struct raw *dripped;

static void on_drip(uv_timer_t *timer) {
  (void)timer;
  raw_say(dripped, "x");
}

static void drip(struct raw *c) {
  if (!is_fast(c)) {
    like_gcache(c);
  } else if (dripped == NULL) {
    dripped = c;
    raw_say(c, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Type: application/x-protobuf\r\n"
               "Content-Length: 60000\r\n\r\n");
    uv_timer_start(&dripping, on_drip, 5, 5);
  }
}

/* Bytes are no sign of life where whole answers are owed: they would hold up all others for ever. */
static void fast_lane_on_which_an_answer_drips_is_given_up(void **state) {
  struct scene s;
  struct asks asks;

  dripped = NULL;
  scene_open(&s, state, drip, short_ping);
  uv_timer_init(s.loop, &dripping);
  warm_up(&s);
  start_many(&asks, &s, "k", 4);
  wait_for(&asks, &s, 4);
  for (int i = 0; i < 4; i++)
    assert_int_equal(asks.a[i].from, GCACHE_FROM_LOAD);
  uv_close((uv_handle_t *)&dripping, NULL);
  scene_close(&s);
}

/* An answer said that it is the last, and the connection stays open: none of the others will come. */
static void say_last_and_stay(struct raw *c) {
  if (c->requests > 1 && is_fast(c)) {
    if (c->requests == 2) say_last(c);
  } else {
    like_gcache(c);
  }
}

static void long_ping(gcache_options_t *o) {
  o->ping_ms = 3600 * 1000;
}

static void last_answer_of_a_fast_lane_ends_the_wait_for_the_others(void **state) {
  struct scene s;
  struct asks asks;

  scene_open(&s, state, say_last_and_stay, long_ping);
  warm_up(&s);
  start_many(&asks, &s, "k", 4);
  wait_for(&asks, &s, 4);
  for (int i = 0; i < 4; i++)
    assert_non_null(strstr(asks.a[i].value, "|slow"));
  scene_close(&s);
}

static void go_answers(struct raw *c) {
  if (c->request != NULL && memcmp(c->request, "GET", 3) == 0)
    say_value(c, "");
  else
    raw_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/* A Go node has taken its place: it takes the question for any other. */
static void go_node_in_its_place_is_asked_as_such(void **state) {
  struct scene s;
  struct asks asks;
  struct asked a;
  int requests;

  scene_open(&s, state, go_answers, NULL);
  warm_up_both(&s);
  start_many(&asks, &s, "k", 8);
  wait_for(&asks, &s, 8);
  for (int i = 0; i < 8; i++)
    assert_int_equal(asks.a[i].from, GCACHE_FROM_PEER);
  requests = s.peer.requests;
  s.peer.on_request = NULL;
  start_many(&asks, &s, "l", 8);
  run_loop_until(s.loop, &s.peer.requests, requests + 8);
  for (int i = 0; i < s.peer.n; i++) { /* one at a time */
    struct raw *c = s.peer.connections[i];
    if (c->closed || c->requests == 0) continue;
    raw_answer_value(c, "go");
  }
  wait_for(&asks, &s, 8);
  s.peer.on_request = go_answers;
  ask(&a, &s.m, "k");
  assert_int_equal(a.status, 0);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

/* ------------------------------------------------------------------------ removes and sets ---- */

static void lose_changes(struct raw *c) {
  if (memcmp(c->request, "GET", 3) == 0)
    like_gcache(c);
  else if (c->requests > 1 && n_fast_seen++ == 0)
    raw_close(c);
  else
    say_done(c);
}

static void changes_behind_the_one_that_broke_the_lane_go_again_once(void **state) {
  struct scene s;
  struct changed c[3];

  n_fast_seen = 0;
  scene_open(&s, state, lose_changes, NULL);
  warm_up(&s);
  remove_start(&c[0], &s, "r0");
  remove_start(&c[1], &s, "r1");
  set_start(&c[2], &s, "s2", "v", 1);
  for (int i = 0; i < 3; i++) {
    run_loop_until(s.loop, &c[i].done, 1);
    assert_int_equal(c[i].status, 0);
  }
  scene_close(&s);
}

static void large_sets_go_over_slow_lanes(void **state) {
  static char bytes[64 * 1024 + 1];
  struct scene s;
  struct changed small, large;
  struct raw *fast;

  scene_open(&s, state, like_gcache, NULL);
  fast = warm_up(&s);
  set_start(&small, &s, "small", bytes, sizeof bytes - 1);
  set_start(&large, &s, "large", bytes, sizeof bytes);
  run_loop_until(s.loop, &small.done, 1);
  run_loop_until(s.loop, &large.done, 1);
  assert_int_equal(small.status + large.status, 0);
  assert_non_null(raw_find(fast, "PUT /_groupcache/g/small "));
  assert_null(raw_find(fast, "PUT /_groupcache/g/large "));
  scene_close(&s);
}

static void clears_go_over_slow_lanes(void **state) {
  struct scene s;
  struct changed c;
  struct raw *fast;
  int requests;

  scene_open(&s, state, like_gcache, NULL);
  fast = warm_up(&s);
  requests = fast->requests;
  change_start(&c);
  assert_int_equal(gcache_clear(&c.req, s.m.group, 0, on_changed), 0);
  run_loop_until(s.loop, &c.done, 1);
  assert_int_equal(c.status, 0);
  assert_int_equal(fast->requests, requests);
  scene_close(&s);
}

/* --------------------------------------------------------------------------------- cancel ---- */

static void cancelled_calls_leave_answers_that_are_thrown_away(void **state) {
  struct scene s;
  struct asks asks;
  struct raw *fast;
  gcache_stats_t stats;

  for (int kept = 0; kept < 6; kept++) {
    scene_open(&s, state, like_gcache, NULL);
    fast = warm_up(&s);
    s.peer.on_request = NULL;
    start_many(&asks, &s, "k", 6);
    run_loop_until(s.loop, &fast->requests, 7);
    for (int i = 0; i < 6; i++)
      if (i != kept) gcache_get_cancel(&asks.a[i].req);
    run_loop_turns(s.loop, 10);
    for (int i = 0; i < 6; i++)
      assert_int_equal(asks.a[i].done, i != kept);
    for (int i = 0; i < 6; i++) {
      char value[8];
      snprintf(value, sizeof value, "v%d", i);
      raw_say(fast, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Type: application/x-protobuf\r\n"
                    "Content-Length: 4\r\n\r\n\x0a\x02");
      raw_say(fast, value);
    }
    wait_for(&asks, &s, 6);
    snprintf(asks.keys[0], sizeof asks.keys[0], "v%d", kept);
    assert_value(&asks.a[kept], asks.keys[0]);
    gcache_stats(s.m.cache, &stats);
    assert_true(stats.connections_out >= 2); /* nothing was closed */
    s.peer.on_request = like_gcache;
    start_many(&asks, &s, "l", 6);
    wait_for(&asks, &s, 6);
    assert_value(&asks.a[5], "l5|fast");
    assert_int_equal(s.m.loads, 0);
    scene_close(&s);
  }
}

static void orphans_alone_keep_no_loop_alive_and_end_with_the_silence(void **state) {
  struct scene s;
  struct asks asks;
  struct raw *fast;

  scene_open(&s, state, like_gcache, short_ping);
  fast = warm_up(&s);
  s.peer.on_request = NULL;
  start_many(&asks, &s, "k", 6);
  run_loop_until(s.loop, &fast->requests, 7);
  for (int i = 0; i < 6; i++)
    gcache_get_cancel(&asks.a[i].req);
  wait_for(&asks, &s, 6);
  run_loop_until(s.loop, &fast->ended, 1);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

static void cancelled_at_any_moment(void **state) {
  for (int turns = 0; turns < 12; turns++) {
    struct scene s;
    struct asks asks;

    scene_open(&s, state, like_gcache, NULL);
    warm_up_both(&s);
    start_many(&asks, &s, "k", 8);
    run_loop_turns(s.loop, turns);
    for (int i = 0; i < 8; i += 2)
      gcache_get_cancel(&asks.a[i].req);
    wait_for(&asks, &s, 8);
    for (int i = 1; i < 8; i += 2)
      assert_int_equal(asks.a[i].status, 0);
    scene_close(&s);
  }
}

/* ------------------------------------------------------------------------------ the list ---- */

static void peer_that_left_the_list_keeps_no_lane(void **state) {
  struct scene s;
  struct asks asks;
  struct raw *fast;

  for (int turns = 0; turns < 8; turns++) {
    scene_open(&s, state, like_gcache, NULL);
    fast = warm_up(&s);
    start_many(&asks, &s, "cold", 6);
    run_loop_turns(s.loop, turns);
    assert_int_equal(gcache_set_peers(s.m.cache, NULL, NULL, 0), 0);
    wait_for(&asks, &s, 6);
    for (int i = 0; i < 6; i++)
      assert_int_equal(asks.a[i].status, 0);
    run_loop_until(s.loop, &fast->ended, 1);
    run_loop_turns(s.loop, 10);
    assert_int_equal(connections_out(&s), 0);
    scene_close(&s);
  }
}

static void peer_that_left_with_orphans_is_let_go_at_once(void **state) {
  struct scene s;
  struct asks asks;
  struct raw *fast;

  for (int first = 0; first < 2; first++) {
    scene_open(&s, state, like_gcache, long_ping);
    fast = warm_up(&s);
    s.peer.on_request = NULL;
    start_many(&asks, &s, "k", 6);
    run_loop_until(s.loop, &fast->requests, 7);
    if (first == 0) assert_int_equal(gcache_set_peers(s.m.cache, NULL, NULL, 0), 0);
    for (int i = 0; i < 6; i++)
      gcache_get_cancel(&asks.a[i].req);
    run_loop_turns(s.loop, 4);
    if (first == 1) assert_int_equal(gcache_set_peers(s.m.cache, NULL, NULL, 0), 0);
    wait_for(&asks, &s, 6);
    run_loop_until(s.loop, &fast->ended, 1);
    run_loop_turns(s.loop, 10);
    assert_int_equal(connections_out(&s), 0);
    scene_close(&s);
  }
}

static void closed_at_every_turn(void **state) {
  for (int turns = 0; turns < 16; turns++) {
    struct scene s;
    struct asks asks;
    struct changed c[2];

    scene_open(&s, state, like_gcache, NULL);
    if (turns % 2 == 0)
      warm_up(&s);
    else
      warm_up_both(&s);
    start_many(&asks, &s, turns % 3 == 0 ? "k" : "cold", 4);
    remove_start(&c[0], &s, "r");
    set_start(&c[1], &s, "s", "v", 1);
    run_loop_turns(s.loop, turns / 2);
    member_end(&s.m);
    for (int i = 0; i < 4; i++)
      assert_int_equal(asks.a[i].done, 1);
    assert_int_equal(c[0].done + c[1].done, 2);
    raw_server_end(&s.peer);
  }
}

/* ------------------------------------------------------------------- HTTP/2 for slow lanes ---- */

/* Says that it speaks HTTP/2, and does not. */
static void boast(struct raw *c) {
  if (c->in_len >= 3 && memcmp(c->in, "PRI", 3) == 0) {
    raw_say(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    raw_finish(c);
  } else if (memcmp(c->request, "GET", 3) == 0 && is_fast(c)) {
    say_not_cached(c, "Gcache-Http: 2\r\n");
  } else {
    like_gcache(c);
  }
}

static void peer_that_does_not_speak_the_http_2_it_boasts_of_is_asked_without(void **state) {
  struct scene s;
  struct asks asks;
  int boasts = 0;

  if (!gci_h2_built_in()) skip();
  for (int conns = 1; conns <= 8; conns += 7) {
    scene_open(&s, state, boast, conns == 1 ? one_connection : NULL);
    warm_up(&s);
    for (int round = 0; round < 3; round++) {
      start_many(&asks, &s, "k", 12);
      wait_for(&asks, &s, 12);
      for (int i = 0; i < 12; i++)
        assert_non_null(strstr(asks.a[i].value, "|slow"));
    }
    assert_int_equal(s.m.loads, 0);
    for (int i = 0; i < s.peer.n; i++)
      boasts += raw_count(s.peer.connections[i], "PRI * HTTP/2.0");
    assert_true(boasts <= 2); /* not with every new connection */
    boasts = 0;
    scene_close(&s);
  }
}

/* What must go over slow lanes is not before what may, where there are no others: who came first is. */
static void slow_lanes_take_what_waits_in_order(void **state) {
  static char bytes[64 * 1024 + 1];
  struct scene s;
  struct asked first, second, third;
  struct changed large, last;
  struct raw *c;

  scene_open(&s, state, NULL, one_connection);
  ask_start(&first, &s.m, "k0", 0);
  run_loop_until(s.loop, &s.peer.requests, 1);
  ask_start(&second, &s.m, "k1", 0);
  run_loop_turns(s.loop, 3);
  set_start(&large, &s, "s0", bytes, sizeof bytes);
  run_loop_turns(s.loop, 3);
  ask_start(&third, &s.m, "k2", 0);
  run_loop_turns(s.loop, 3);
  set_start(&last, &s, "s1", bytes, sizeof bytes);
  run_loop_turns(s.loop, 3);
  s.peer.on_request = go_answers;
  raw_answer_value(s.peer.connections[0], "go");
  run_loop_until(s.loop, &last.done, 1);
  run_loop_until(s.loop, &third.done, 1);
  c = s.peer.connections[0];
  assert_true(raw_find(c, "/k1 ") < raw_find(c, "/s0 "));
  assert_true(raw_find(c, "/s0 ") < raw_find(c, "/k2 "));
  assert_true(raw_find(c, "/k2 ") < raw_find(c, "/s1 "));
  scene_close(&s);
}

/* There are fast lanes, which will not wake whoever waits for a slow one that could not be dialled. */
static void call_that_no_slow_lane_can_be_dialled_for_fails_at_once(void **state) {
  size_t refused = 1;

  for (size_t n = 1; refused > 0; n++) {
    struct scene s;
    struct asked a = {.done = 0};
    struct changed large;
    static char bytes[64 * 1024 + 1];

    scene_open(&s, state, like_gcache, NULL);
    warm_up(&s);
    raw_close(s.peer.connections[0]);
    run_loop_turns(s.loop, 10);
    assert_int_equal(connections_out(&s), 1);
    gcache_value_t *value = gcache_value_copy(s.m.cache, gcache_bytes(bytes, sizeof bytes),
                                              GCACHE_NEVER);
    change_start(&large);
    oom_fail_nth(&s.m.oom, n);
    refused = s.m.oom.refused;
    if (gcache_set(&large.req, s.m.group, gcache_cstr("s"), value, 0, on_changed) < 0)
      large.done = 1;
    gcache_value_unref(value);
    run_loop_until(s.loop, &large.done, 1);
    refused = s.m.oom.refused - refused;
    oom_heal(&s.m.oom);
    ask(&a, &s.m, "k");
    assert_int_equal(a.status, 0);
    scene_close(&s);
  }
}

static uint64_t mono_ms;

static uint64_t read_mono(void *data) {
  (void)data;
  return mono_ms;
}

static void clock_of_ours(gcache_options_t *o) {
  mono_ms = 1000000;
  o->clock.mono_ms = read_mono;
}

/* The first connection is kept and answers; the port is closed. */
static void fast_lanes_that_cannot_be_opened_are_tried_less_and_less(void **state) {
  struct scene s;
  struct asked a;
  uint64_t at[8];
  int n = 0;

  scene_open(&s, state, like_gcache, clock_of_ours);
  ask(&a, &s.m, "k");
  raw_server_stop(&s.peer);
  run_loop_until(s.loop, &s.peer.closed, 1);
  for (int i = 0; i < 400 && n < 8; i++) {
    int dialled = 0;
    mono_ms += 500;
    ask_start(&a, &s.m, "k", 0);
    while (!a.done || connections_out(&s) > 1) {
      dialled |= connections_out(&s) > 1;
      uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_value(&a, "k|slow");
    if (dialled) at[n++] = mono_ms;
  }
  assert_int_equal(n, 8);
  for (int i = 0; i < 7; i++)
    assert_in_range(at[i + 1] - at[i], i < 6 ? 1000u << i : 60000,
                    (i < 6 ? 1000u << i : 60000) + 500);
  scene_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(peer_that_is_not_gcache_gets_no_fast_lane),
      TEST(requests_of_one_turn_leave_in_one_write_and_say_no_more_than_needed),
      TEST(fast_lane_carries_one_question_until_it_is_proven),
      TEST(what_is_not_cached_is_asked_over_a_slow_lane_and_the_next_fast_again),
      TEST(answer_504_that_is_not_from_gcache_is_asked_again_too),
      TEST(peer_that_never_has_it_is_asked_twice),
      TEST(one_slow_connection_is_enough_beside_fast_lanes),
      TEST(gets_of_a_fast_lane_that_breaks_go_again_slowly),
      TEST(gets_of_a_fast_lane_that_owes_answers_in_silence_have_failed),
      TEST(response_timeout_holds_for_fast_lanes),
      TEST(fast_lane_on_which_an_answer_drips_is_given_up),
      TEST(last_answer_of_a_fast_lane_ends_the_wait_for_the_others),
      TEST(go_node_in_its_place_is_asked_as_such),
      TEST(changes_behind_the_one_that_broke_the_lane_go_again_once),
      TEST(large_sets_go_over_slow_lanes),
      TEST(clears_go_over_slow_lanes),
      TEST(cancelled_calls_leave_answers_that_are_thrown_away),
      TEST(orphans_alone_keep_no_loop_alive_and_end_with_the_silence),
      TEST(cancelled_at_any_moment),
      TEST(peer_that_left_the_list_keeps_no_lane),
      TEST(peer_that_left_with_orphans_is_let_go_at_once),
      TEST(closed_at_every_turn),
      TEST(peer_that_does_not_speak_the_http_2_it_boasts_of_is_asked_without),
      TEST(slow_lanes_take_what_waits_in_order),
      TEST(call_that_no_slow_lane_can_be_dialled_for_fails_at_once),
      TEST(fast_lanes_that_cannot_be_opened_are_tried_less_and_less),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
