/* Peers that speak HTTP/2, most of which misbehave: the results of the calls, and the state of the
 * connection. The cache is a client-only member that keeps nothing; it speaks HTTP/2 in the
 * clear. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "h2_end.h"
#include "member.h"

#define PATH(key) "/_groupcache/g/" key

enum { ENDS = 8, CALLS = 16 };

struct scene {
  uv_loop_t *loop;
  struct raw_server server;
  struct h2_end end[ENDS];
  int n;           /* ends opened */
  int mute;        /* they send no SETTINGS */
  int64_t streams; /* MAX_CONCURRENT_STREAMS of each; < 0: not said */
  struct member m;
  struct asked a[CALLS];
};

static void scene_open(struct scene *s, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;
  const char *urls[1];

  memset(s, 0, sizeof *s);
  s->loop = *state;
  s->streams = -1;
  raw_server_open(&s->server, s->loop, NULL);
  member_options(&s->m, &o, s->loop, "here");
  o.http = GCACHE_HTTP_2;
  if (change != NULL) change(&o);
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  urls[0] = s->server.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 1), 0);
}

static void step(struct scene *s) {
  while (s->n < s->server.n) {
    struct h2_end *e = &s->end[s->n];
    assert_true(s->n < ENDS);
    h2_end_open(e, s->server.connections[s->n++], 1);
    if (s->streams >= 0)
      h2_end_set(e, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)s->streams);
    else if (!s->mute)
      h2_peer_greet(&e->peer);
  }
  for (int i = 0; i < s->n; i++)
    h2_end_step(&s->end[i]);
}

/* One turn that may wait. */
static void turn(struct scene *s) {
  step(s);
  assert_true(uv_run(s->loop, UV_RUN_ONCE) != 0);
  step(s);
}

static void turns(struct scene *s, int n) {
  for (int i = 0; i < n; i++) {
    step(s);
    uv_run(s->loop, UV_RUN_NOWAIT);
  }
  step(s);
}

/* Until connection number `end` has been asked n times in all. */
static struct h2_end *hear(struct scene *s, int end, int n) {
  while (s->n <= end || h2_end_asked(&s->end[end]) < n)
    turn(s);
  return &s->end[end];
}

static void wait_for(struct scene *s, struct asked *a) {
  while (a->done == 0)
    turn(s);
  assert_int_equal(a->done, 1);
}

static void scene_close(struct scene *s) {
  member_close(&s->m);
  member_release(&s->m);
  while (!s->m.closed)
    turn(s);
  assert_int_equal(s->m.oom.bytes, 0);
  assert_int_equal(s->m.oom.blocks, 0);
  raw_server_close(&s->server);
  run_loop_until(s->loop, &s->server.closed, 1);
  for (int i = 0; i < s->server.n; i++)
    run_loop_until(s->loop, &s->server.connections[i]->closed, 1);
  for (int i = 0; i < s->n; i++)
    h2_end_close(&s->end[i]);
  raw_server_free(&s->server);
}

static void start(struct scene *s, int n) {
  static const char *const keys[] = {"k0", "k1", "k2", "k3"};

  for (int i = 0; i < n; i++)
    ask_start(&s->a[i], &s->m, keys[i], 0);
}

static void assert_there(const struct asked *a) {
  assert_int_equal(a->status, 0);
  assert_string_equal(a->value, "there");
  assert_int_equal(a->from, GCACHE_FROM_PEER);
}

static void assert_here(const struct asked *a) {
  assert_int_equal(a->status, 0);
  assert_int_equal(a->from, GCACHE_FROM_LOAD);
}

static void one_connection(gcache_options_t *o) {
  o->conns_per_peer = 1;
}

/* -------------------------------------------------------------------------------- answers ---- */

static void answers_come_in_any_order(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, one_connection);
  start(&s, 4);
  e = hear(&s, 0, 4);
  for (int i = 3; i >= 0; i--) {
    char path[32];
    snprintf(path, sizeof path, PATH("k%d"), i);
    h2_end_answer(e, h2_end_find(e, path, 1));
    wait_for(&s, &s.a[i]);
    assert_there(&s.a[i]);
    for (int k = 0; k < i; k++)
      assert_int_equal(s.a[k].done, 0);
  }
  scene_close(&s);
}

static void cancelled_call_leaves_the_others(void **state) {
  struct scene s;
  struct h2_end *e;
  int32_t id;

  scene_open(&s, state, one_connection);
  start(&s, 3);
  e = hear(&s, 0, 3);
  id = h2_end_find(e, PATH("k1"), 1);
  gcache_get_cancel(&s.a[1].req);
  wait_for(&s, &s.a[1]);
  assert_int_equal(s.a[1].status, UV_ECANCELED);
  while (!h2_got(&e->peer, id)->closed)
    turn(&s);
  assert_int_equal(h2_got(&e->peer, id)->code, NGHTTP2_CANCEL);
  h2_end_answer(e, h2_end_find(e, PATH("k2"), 1));
  h2_end_answer(e, h2_end_find(e, PATH("k0"), 1));
  wait_for(&s, &s.a[0]);
  wait_for(&s, &s.a[2]);
  assert_there(&s.a[0]);
  assert_there(&s.a[2]);
  assert_int_equal(s.n, 1);
  scene_close(&s);
}

static void short_patience(gcache_options_t *o) {
  o->conns_per_peer = 1;
  o->response_timeout_ms = 40;
}

static void late_answer_leaves_the_others(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, short_patience);
  start(&s, 1);
  e = hear(&s, 0, 1);
  while (!h2_got(&e->peer, 1)->closed) {
    if (s.a[1].done == 0 && s.a[1].req.data == NULL) ask_start(&s.a[1], &s.m, "k1", 0);
    turn(&s);
  }
  assert_int_equal(h2_got(&e->peer, 1)->code, NGHTTP2_CANCEL);
  wait_for(&s, &s.a[0]);
  assert_here(&s.a[0]);
  ask_start(&s.a[2], &s.m, "k2", 0); /* the connection is as good as before */
  hear(&s, 0, 3);
  h2_end_answer(e, h2_end_find(e, PATH("k2"), 1));
  wait_for(&s, &s.a[2]);
  assert_there(&s.a[2]);
  assert_int_equal(s.n, 1);
  scene_close(&s);
}

/* --------------------------------------------------------------------------------- GOAWAY ---- */

static void say_goodbye(struct h2_end *e, int32_t last) {
  assert_int_equal(
      nghttp2_submit_goaway(e->peer.ng, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0), 0);
}

static void what_a_goaway_leaves_is_asked_once_more_elsewhere(void **state) {
  struct scene s;
  struct h2_end *e, *f;

  scene_open(&s, state, NULL);
  start(&s, 1);
  e = hear(&s, 0, 1);
  h2_end_answer(e, 1);
  wait_for(&s, &s.a[0]);
  start(&s, 3);
  e = hear(&s, 0, 4);
  say_goodbye(e, h2_end_find(e, PATH("k0"), 2));
  f = hear(&s, 1, 2);
  h2_end_answer(e, h2_end_find(e, PATH("k0"), 2));
  wait_for(&s, &s.a[0]);
  assert_there(&s.a[0]);
  h2_end_answer(f, h2_end_find(f, PATH("k1"), 1));
  say_goodbye(f, h2_end_find(f, PATH("k1"), 1));
  wait_for(&s, &s.a[1]);
  wait_for(&s, &s.a[2]);
  assert_there(&s.a[1]);
  assert_here(&s.a[2]);
  scene_close(&s);
}

/* The connection is in use, so that nothing about it changes but what it can take. */
static void call_behind_a_goaway_goes_elsewhere(void **state) {
  struct scene s;
  struct h2_end *e, *f;

  scene_open(&s, state, NULL);
  start(&s, 1);
  e = hear(&s, 0, 1);
  say_goodbye(e, 1);
  turns(&s, 10);
  ask_start(&s.a[1], &s.m, "k1", 0);
  f = hear(&s, 1, 1);
  h2_end_answer(f, 1);
  wait_for(&s, &s.a[1]);
  assert_there(&s.a[1]);
  h2_end_answer(e, 1);
  wait_for(&s, &s.a[0]);
  assert_there(&s.a[0]);
  scene_close(&s);
}

static void cancelled_call_behind_a_goaway_frees_the_connections_place(void **state) {
  struct scene s;
  struct h2_end *e, *f;

  scene_open(&s, state, one_connection);
  start(&s, 1);
  e = hear(&s, 0, 1);
  say_goodbye(e, 1);
  turns(&s, 10);
  ask_start(&s.a[1], &s.m, "k1", 0);
  gcache_get_cancel(&s.a[0].req);
  wait_for(&s, &s.a[0]);
  f = hear(&s, 1, 1);
  h2_end_answer(f, 1);
  wait_for(&s, &s.a[1]);
  assert_there(&s.a[1]);
  scene_close(&s);
}

static void refuse(struct h2_end *e, int32_t id) {
  assert_int_equal(
      nghttp2_submit_rst_stream(e->peer.ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM), 0);
}

static void refused_stream_is_asked_once_more(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, one_connection);
  start(&s, 2);
  e = hear(&s, 0, 2);
  refuse(e, h2_end_find(e, PATH("k0"), 1));
  refuse(e, h2_end_find(e, PATH("k1"), 1));
  e = hear(&s, 0, 4);
  h2_end_answer(e, h2_end_find(e, PATH("k0"), 2));
  refuse(e, h2_end_find(e, PATH("k1"), 2));
  wait_for(&s, &s.a[0]);
  wait_for(&s, &s.a[1]);
  assert_there(&s.a[0]);
  assert_here(&s.a[1]);
  scene_close(&s);
}

static void dead_kept_connection_is_replaced_once(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, NULL);
  start(&s, 1);
  h2_end_answer(e = hear(&s, 0, 1), 1);
  wait_for(&s, &s.a[0]);
  start(&s, 2);
  hear(&s, 0, 3);
  raw_close(e->raw);
  e->raw->ended = 1;
  e = hear(&s, 1, 2);
  h2_end_answer(e, h2_end_find(e, PATH("k0"), 1));
  h2_end_answer(e, h2_end_find(e, PATH("k1"), 1));
  wait_for(&s, &s.a[0]);
  wait_for(&s, &s.a[1]);
  assert_there(&s.a[0]);
  assert_there(&s.a[1]);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

/* --------------------------------------------------------------------------- signs of life ---- */

static void short_ping(gcache_options_t *o) {
  o->conns_per_peer = 1;
  o->ping_ms = 40;
}

static void silent_peer_is_given_up(void **state) {
  struct scene s;
  uint64_t begun_ms;

  scene_open(&s, state, short_ping);
  s.mute = 1;
  start(&s, 1);
  while (s.n == 0)
    turn(&s);
  s.end[0].dumb = 1;
  uv_update_time(s.loop);
  begun_ms = uv_now(s.loop);
  wait_for(&s, &s.a[0]);
  uv_update_time(s.loop);
  assert_here(&s.a[0]);
  assert_true(uv_now(s.loop) - begun_ms >= 35 && uv_now(s.loop) - begun_ms < 1000);
  scene_close(&s);
}

/* As gcache that keeps nothing in memory, over its connections of HTTP/1.1. */
static void say_not_cached(struct raw *c) {
  if (memcmp(c->request, "GET", 3) != 0) return;
  if (memmem(c->request, c->request_len, "only-if-cached", 14) != NULL)
    raw_say(c, "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Http: 2\r\n"
               "Content-Length: 0\r\n\r\n");
  else
    raw_say(c, "HTTP/1.1 404 Not Found\r\nGcache: 1\r\nGcache-Reason: not-found\r\n"
               "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
}

static void learns_http(gcache_options_t *o) {
  o->http = GCACHE_HTTP_AUTO;
  o->ping_ms = 40;
}

/* It has spoken the HTTP/2 that it said it speaks, and hangs: asked again it would hang again. */
static void silent_peer_whose_http_2_was_learnt_is_given_up_as_well(void **state) {
  struct scene s;
  struct asked a;
  struct h2_end e;

  scene_open(&s, state, learns_http);
  s.server.on_request = say_not_cached;
  for (int i = 0; i < 2; i++) {
    ask(&a, &s.m, "k");
    assert_int_equal(a.status, GCACHE_ENOTFOUND);
    run_loop_turns(s.loop, 10);
  }
  assert_int_equal(s.server.n, 2);
  raw_close(s.server.connections[0]); /* the slow lane, of HTTP/1.1 */
  run_loop_turns(s.loop, 10);
  ask_start(&a, &s.m, "k0", 0);
  run_loop_until(s.loop, &s.server.n, 3);
  h2_end_open(&e, s.server.connections[2], 1);
  h2_peer_greet(&e.peer);
  while (!a.done) {
    h2_end_step(&e);
    if (h2_end_asked(&e) == 1 && h2_got(&e.peer, 1)->send == NULL) h2_end_answer(&e, 1);
    h2_end_step(&e);
    uv_run(s.loop, UV_RUN_ONCE);
  }
  assert_there(&a);
  ask(&a, &s.m, "k0");
  assert_here(&a);
  assert_int_equal(s.server.n, 3);
  h2_end_close(&e);
  member_end(&s.m);
  raw_server_end(&s.server);
}

static void slow_peer_that_answers_pings_is_waited_for(void **state) {
  struct scene s;
  uint64_t begun_ms;

  scene_open(&s, state, short_ping);
  start(&s, 1);
  hear(&s, 0, 1);
  uv_update_time(s.loop);
  begun_ms = uv_now(s.loop);
  while (uv_now(s.loop) - begun_ms < 200)
    turn(&s);
  assert_int_equal(s.a[0].done, 0);
  h2_end_answer(&s.end[0], 1);
  wait_for(&s, &s.a[0]);
  assert_there(&s.a[0]);
  scene_close(&s);
}

static void peer_that_is_no_http2_is_not_believed(void **state) {
  struct scene s;

  scene_open(&s, state, one_connection);
  s.mute = 1;
  start(&s, 1);
  hear(&s, 0, 1);
  raw_say(s.end[0].raw, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  wait_for(&s, &s.a[0]);
  assert_here(&s.a[0]);
  scene_close(&s);
}

/* --------------------------------------------------------------------------------- streams ---- */

static void peer_of_one_stream_is_asked_one_by_one(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, one_connection);
  s.streams = 1;
  start(&s, 1);
  h2_end_answer(e = hear(&s, 0, 1), 1);
  wait_for(&s, &s.a[0]);
  start(&s, 3);
  for (int n = 2; n <= 4; n++) {
    hear(&s, 0, n);
    turns(&s, 10);
    assert_int_equal(h2_end_asked(e), n);
    h2_end_answer(e, 2 * n - 1);
  }
  for (int i = 0; i < 3; i++) {
    wait_for(&s, &s.a[i]);
    assert_there(&s.a[i]);
  }
  scene_close(&s);
}

static void cancelled_call_makes_room_for_one_that_waits(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, one_connection);
  s.streams = 1;
  start(&s, 1);
  h2_end_answer(e = hear(&s, 0, 1), 1);
  wait_for(&s, &s.a[0]);
  start(&s, 2);
  hear(&s, 0, 2);
  turns(&s, 10);
  assert_int_equal(h2_end_asked(e), 2);
  gcache_get_cancel(&s.a[0].req);
  wait_for(&s, &s.a[0]);
  hear(&s, 0, 3);
  h2_end_answer(e, 5);
  wait_for(&s, &s.a[1]);
  assert_there(&s.a[1]);
  scene_close(&s);
}

static void more_streams_are_used_when_the_peer_allows_them(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, one_connection);
  s.streams = 1;
  start(&s, 1);
  h2_end_answer(e = hear(&s, 0, 1), 1);
  wait_for(&s, &s.a[0]);
  start(&s, 3);
  hear(&s, 0, 2);
  turns(&s, 10);
  assert_int_equal(h2_end_asked(e), 2);
  h2_end_set(e, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 3);
  hear(&s, 0, 4);
  for (int id = 3; id <= 7; id += 2)
    h2_end_answer(e, id);
  for (int i = 0; i < 3; i++) {
    wait_for(&s, &s.a[i]);
    assert_there(&s.a[i]);
  }
  scene_close(&s);
}

static void peer_that_allows_no_stream_is_given_up(void **state) {
  struct scene s;

  scene_open(&s, state, one_connection);
  s.streams = 0;
  start(&s, 3);
  for (int i = 0; i < 3; i++) {
    wait_for(&s, &s.a[i]);
    assert_here(&s.a[i]);
  }
  scene_close(&s);
}

static void long_rest(gcache_options_t *o) {
  o->conns_per_peer = 1;
  o->idle_timeout_ms = UINT64_MAX;
}

/* It would take as long as a connection may rest. */
static void closing_does_not_wait_for_a_peer_that_allows_no_stream(void **state) {
  struct scene s;

  scene_open(&s, state, long_rest);
  start(&s, 1);
  hear(&s, 0, 1);
  h2_end_set(&s.end[0], NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
  turns(&s, 10);
  h2_end_answer(&s.end[0], 1);
  wait_for(&s, &s.a[0]);
  scene_close(&s);
}

static void peer_that_left_the_list_still_answers_what_it_was_asked(void **state) {
  struct scene s;
  struct h2_end *e;

  scene_open(&s, state, one_connection);
  start(&s, 3);
  e = hear(&s, 0, 3);
  assert_int_equal(gcache_set_peers(s.m.cache, NULL, NULL, 0), 0);
  gcache_get_cancel(&s.a[1].req);
  wait_for(&s, &s.a[1]);
  h2_end_answer(e, h2_end_find(e, PATH("k0"), 1));
  h2_end_answer(e, h2_end_find(e, PATH("k2"), 1));
  wait_for(&s, &s.a[0]);
  wait_for(&s, &s.a[2]);
  assert_there(&s.a[0]);
  assert_there(&s.a[2]);
  while (!e->raw->ended)
    turn(&s);
  scene_close(&s);
}

static void closing_at_any_moment_leaves_nothing(void **state) {
  for (int moment = 0; moment < 12; moment++) {
    struct scene s;

    scene_open(&s, state, NULL);
    start(&s, 4);
    turns(&s, moment);
    if (s.n > 0 && h2_end_asked(&s.end[0]) > 1) {
      h2_end_answer(&s.end[0], 1);
      say_goodbye(&s.end[0], 3);
    }
    scene_close(&s);
    for (int i = 0; i < 4; i++)
      assert_int_equal(s.a[i].done, 1);
  }
}

/* ----------------------------------------------------------------------- memory that fails ---- */

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asked *a = req->data;

  (void)value;
  a->done++;
  a->status = status;
}

/* How many of the calls there was memory to begin. */
static int try_to_start(struct scene *s, int n) {
  char key[16];
  int begun = 0;

  for (int i = 0; i < n; i++) {
    snprintf(key, sizeof key, "k%d", i);
    s->a[i].req.data = &s->a[i];
    s->a[i].done = 1;
    if (gcache_get(&s->a[i].req, s->m.group, gcache_cstr(key), 0, on_got) < 0) continue;
    s->a[i].done = 0;
    begun++;
  }
  return begun;
}

/* One is answered, one is cancelled, the others are answered then, or have been told that they
 * failed. */
static void ask_with_failing_memory(void **state, size_t first, size_t last) {
  struct scene s;
  int left = 1;

  scene_open(&s, state, short_ping);
  s.m.oom.fail_first = s.m.oom.asked + first;
  s.m.oom.fail_last = last == SIZE_MAX ? last : s.m.oom.asked + last;
  try_to_start(&s, 4);
  turns(&s, 4);
  if (s.a[1].done == 0) gcache_get_cancel(&s.a[1].req);
  while (left > 0) {
    left = 0;
    for (int i = 0; i < 4; i++)
      left += s.a[i].done == 0;
    for (int e = 0; e < s.n; e++)
      for (int32_t id = 1; id <= 15; id += 2) {
        struct h2_got *got = h2_got(&s.end[e].peer, id);
        if (got->heads > 0 && !got->closed && got->send == NULL) h2_end_answer(&s.end[e], id);
      }
    if (left > 0) turn(&s);
  }
  s.m.oom.fail_first = s.m.oom.fail_last = 0;
  scene_close(&s);
}

/* The cancel cannot be said; the others learn that their connection is of no more use. */
static void cancelling_without_memory_ends_the_connection(void **state) {
  struct scene s;

  scene_open(&s, state, one_connection);
  start(&s, 3);
  hear(&s, 0, 3);
  s.m.oom.fail_first = s.m.oom.asked + 1;
  s.m.oom.fail_last = SIZE_MAX;
  gcache_get_cancel(&s.a[1].req);
  turns(&s, 6);
  s.m.oom.fail_first = s.m.oom.fail_last = 0;
  for (int i = 0; i < 3; i++)
    wait_for(&s, &s.a[i]);
  assert_int_equal(s.a[1].status, UV_ECANCELED);
  assert_int_not_equal(s.a[0].from, GCACHE_FROM_PEER);
  assert_int_not_equal(s.a[2].from, GCACHE_FROM_PEER);
  scene_close(&s);
}

static void every_failure_of_memory_is_survived(void **state) {
  for (size_t n = 1; n <= 160; n++) {
    ask_with_failing_memory(state, n, n);
    ask_with_failing_memory(state, n, SIZE_MAX);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
      TEST(answers_come_in_any_order),
      TEST(cancelled_call_leaves_the_others),
      TEST(late_answer_leaves_the_others),
      TEST(what_a_goaway_leaves_is_asked_once_more_elsewhere),
      TEST(call_behind_a_goaway_goes_elsewhere),
      TEST(cancelled_call_behind_a_goaway_frees_the_connections_place),
      TEST(refused_stream_is_asked_once_more),
      TEST(dead_kept_connection_is_replaced_once),
      TEST(silent_peer_is_given_up),
      TEST(silent_peer_whose_http_2_was_learnt_is_given_up_as_well),
      TEST(slow_peer_that_answers_pings_is_waited_for),
      TEST(peer_that_is_no_http2_is_not_believed),
      TEST(peer_of_one_stream_is_asked_one_by_one),
      TEST(cancelled_call_makes_room_for_one_that_waits),
      TEST(more_streams_are_used_when_the_peer_allows_them),
      TEST(peer_that_allows_no_stream_is_given_up),
      TEST(closing_does_not_wait_for_a_peer_that_allows_no_stream),
      TEST(peer_that_left_the_list_still_answers_what_it_was_asked),
      TEST(closing_at_any_moment_leaves_nothing),
      TEST(cancelling_without_memory_ends_the_connection),
      TEST(every_failure_of_memory_is_survived),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
