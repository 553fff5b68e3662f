/* Requests over HTTP/2 from clients other than gcache: how a connection is told from HTTP/1.1,
 * draining, the cost of slow readers and slow writers, the application's responses in parts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2_end.h"
#include "member.h"
#include "world.h"

#define PATH(key) "/_groupcache/g/" key

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct scene {
  uv_loop_t *loop;
  struct member m;
  struct h2_end e;
};

static void scene_open(struct scene *s, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;

  memset(s, 0, sizeof *s);
  s->loop = *state;
  member_options(&s->m, &o, s->loop, "here");
  if (change != NULL) change(&o);
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  member_listen(&s->m);
}

static void connect_end(struct scene *s) {
  h2_end_open(&s->e, raw_connect(s->loop, s->m.port), 0);
}

static void go(struct scene *s) {
  h2_end_step(&s->e);
  assert_true(uv_run(s->loop, UV_RUN_ONCE) != 0);
  h2_end_step(&s->e);
}

static void turns(struct scene *s, int n) {
  for (int i = 0; i < n; i++) {
    h2_end_step(&s->e);
    uv_run(s->loop, UV_RUN_NOWAIT);
  }
  h2_end_step(&s->e);
}

static struct h2_got *hear(struct scene *s, int32_t id) {
  struct h2_got *got = h2_got(&s->e.peer, id);

  while (!got->closed)
    go(s);
  return got;
}

static void end_raw(struct scene *s, struct raw *c) {
  raw_close(c);
  run_loop_until(s->loop, &c->closed, 1);
  raw_free(c);
}

static void scene_close(struct scene *s) {
  if (s->e.raw != NULL) {
    end_raw(s, s->e.raw);
    h2_end_close(&s->e);
  }
  member_end(&s->m);
}

/* ------------------------------------------------------------------------ which HTTP it is ---- */

static void only_1(gcache_options_t *o) {
  o->http = GCACHE_HTTP_1;
}

static void only_2(gcache_options_t *o) {
  o->http = GCACHE_HTTP_2;
}

static void understands_2(void **state, void (*change)(gcache_options_t *o)) {
  struct scene s;
  int32_t id;

  scene_open(&s, state, change);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  id = h2_peer_get(&s.e.peer, PATH("k"));
  assert_non_null(strstr(hear(&s, id)->head, ":status=200\n"));
  assert_non_null(
      memmem(h2_got(&s.e.peer, id)->body, h2_got(&s.e.peer, id)->body_len, "here|k|1", 8));
  scene_close(&s);
}

static void understands_1(void **state, void (*change)(gcache_options_t *o)) {
  struct scene s;
  struct raw *c;

  scene_open(&s, state, change);
  c = raw_connect(s.loop, s.m.port);
  raw_dribble(c, "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n\r\n");
  while (raw_find(c, "here|k|1") == NULL)
    assert_true(uv_run(s.loop, UV_RUN_ONCE) != 0);
  end_raw(&s, c);
  scene_close(&s);
}

/* Bytes of the other HTTP: an end, and nothing asked. */
static void refuses(void **state, void (*change)(gcache_options_t *o), const char *bytes) {
  struct scene s;
  struct raw *c;

  scene_open(&s, state, change);
  c = raw_connect(s.loop, s.m.port);
  raw_say(c, bytes);
  run_loop_until(s.loop, &c->ended, 1);
  assert_int_equal(s.m.loads, 0);
  end_raw(&s, c);
  scene_close(&s);
}

static void port_speaks_what_the_options_say(void **state) {
  understands_2(state, NULL);
  understands_2(state, only_2);
  understands_1(state, NULL);
  understands_1(state, only_1);
  refuses(state, only_1, preface);
  refuses(state, only_2, "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n\r\n");
}

static void preface_in_single_bytes_is_understood(void **state) {
  struct scene s;
  gcache_bytes_t bytes;

  scene_open(&s, state, NULL);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  h2_peer_get(&s.e.peer, PATH("k"));
  bytes = h2_peer_bytes(&s.e.peer);
  for (size_t i = 0; i < bytes.len; i++) {
    raw_send(s.e.raw, (const char *)bytes.base + i, 1);
    uv_run(s.loop, UV_RUN_NOWAIT);
  }
  assert_non_null(strstr(hear(&s, 1)->head, ":status=200\n"));
  scene_close(&s);
}

static void short_times(gcache_options_t *o) {
  o->limits.head_timeout_ms = 30;
}

static void beginning_of_a_preface_and_silence_is_cut(void **state) {
  for (size_t n = 1; n < sizeof preface - 1; n += 7) {
    struct scene s;
    struct raw *c;

    scene_open(&s, state, short_times);
    c = raw_connect(s.loop, s.m.port);
    raw_send(c, preface, n);
    run_loop_until(s.loop, &c->ended, 1);
    end_raw(&s, c);
    scene_close(&s);
  }
}

static void what_looks_like_a_preface_first_is_told_apart(void **state) {
  refuses(state, NULL, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  refuses(state, NULL, "PRI /_groupcache/g/k HTTP/3.0\r\n\r\n");
}

/* ----------------------------------------------------------------------------------- drain ---- */

static void on_drained(void *arg) {
  (*(int *)arg)++;
}

static void drain_answers_the_streams_that_are_open(void **state) {
  struct scene s;
  int drained = 0;
  int32_t late;

  scene_open(&s, state, NULL);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  h2_peer_get(&s.e.peer, PATH("hold:1"));
  h2_peer_get(&s.e.peer, PATH("big:700000:"));
  while (s.m.n_held < 1 || s.m.loads < 2)
    go(&s);
  gcache_listener_close(s.m.listener, on_drained, &drained);
  while (!s.e.peer.goaway)
    go(&s);
  assert_int_equal(s.e.peer.goaway_code, NGHTTP2_NO_ERROR);
  assert_int_equal(s.e.peer.goaway_last, 3);
  late = nghttp2_session_get_next_stream_id(s.e.peer.ng);
  assert_int_equal(late, 5);
  assert_int_equal(hear(&s, 3)->body_len > 700000, 1);
  turns(&s, 10);
  assert_int_equal(drained, 0);
  member_release(&s.m);
  assert_non_null(strstr(hear(&s, 1)->head, ":status=200\n"));
  while (!s.e.raw->ended)
    go(&s);
  raw_close(s.e.raw);
  run_loop_until(s.loop, &drained, 1);
  scene_close(&s);
}

/* -------------------------------------------------------------------- from memory or not ---- */

static struct h2_got *get_cached(struct scene *s, const char *path) {
  const nghttp2_nv nv[] = {h2_nv(":method", "GET"), h2_nv(":scheme", "http"),
                           h2_nv(":authority", "x"), h2_nv(":path", path),
                           h2_nv("cache-control", "only-if-cached, max-stale")};

  return hear(s, h2_peer_ask(&s->e.peer, nv, 5, NULL, 0));
}

static void question_to_memory_is_answered_over_a_stream(void **state) {
  struct scene s;
  struct h2_got *got;

  scene_open(&s, state, NULL);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  got = get_cached(&s, PATH("k"));
  assert_non_null(strstr(got->head, ":status=504\n"));
  assert_non_null(strstr(got->head, "gcache-reason=not-cached\n"));
  hear(&s, h2_peer_get(&s.e.peer, PATH("k")));
  hear(&s, h2_peer_get(&s.e.peer, PATH("big:65537:")));
  assert_non_null(strstr(get_cached(&s, PATH("k"))->head, ":status=200\n"));
  got = get_cached(&s, PATH("big:65537:"));
  assert_non_null(strstr(got->head, "gcache-reason=large\n"));
  assert_int_equal(s.m.loads, 2);
  scene_close(&s);
}

/* ---------------------------------------------------------------------------- slow readers ---- */

static void short_stall(gcache_options_t *o) {
  o->limits.write_stall_ms = 50;
}

/* Nothing else happens on the connection: it is the limit alone that ends them. */
static void reader_who_gives_no_window_is_reset_at_the_limit(void **state) {
  struct scene s;
  size_t before;

  scene_open(&s, state, short_stall);
  connect_end(&s);
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
  before = s.m.oom.bytes;
  for (int i = 0; i < 10; i++) {
    char path[64];
    snprintf(path, sizeof path, PATH("big:3000000:%d"), i);
    h2_peer_get(&s.e.peer, path);
  }
  for (int i = 0; i < 10; i++)
    assert_int_equal(hear(&s, 2 * i + 1)->code, NGHTTP2_CANCEL);
  turns(&s, 10);
  assert_true(s.m.oom.bytes < before + (9 << 20)); /* the group's memory, and some */
  assert_int_equal(s.e.raw->ended, 0);
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535);
  assert_non_null(strstr(hear(&s, h2_peer_get(&s.e.peer, PATH("k")))->head, ":status=200\n"));
  scene_close(&s);
}

/* Values that the cache holds wait by reference, whoever many ask for them. */
static void slow_reader_of_many_big_answers_costs_no_copies(void **state) {
  struct scene s;
  size_t before;

  scene_open(&s, state, NULL);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  hear(&s, h2_peer_get(&s.e.peer, PATH("big:60000:")));
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
  turns(&s, 10);
  before = s.m.oom.bytes;
  for (int i = 0; i < 100; i++)
    h2_peer_get(&s.e.peer, PATH("big:60000:"));
  while (h2_got(&s.e.peer, 201)->heads == 0)
    go(&s);
  assert_true(s.m.oom.bytes - before < 512 * 1024);
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20);
  for (int32_t id = 3; id <= 201; id += 2)
    assert_true(hear(&s, id)->body_len > 60000);
  assert_int_equal(s.m.loads, 1);
  scene_close(&s);
}

static void small_answers_are_not_held_up_by_large_ones(void **state) {
  struct scene s;

  scene_open(&s, state, NULL);
  connect_end(&s);
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 4 << 20);
  nghttp2_session_set_local_window_size(s.e.peer.ng, NGHTTP2_FLAG_NONE, 0, 64 << 20);
  for (int i = 0; i < 4; i++) {
    char path[64];
    snprintf(path, sizeof path, PATH("big:3000000:%d"), i);
    h2_peer_get(&s.e.peer, path);
  }
  for (int i = 0; i < 8; i++) {
    char path[64];
    snprintf(path, sizeof path, PATH("k%d"), i);
    h2_peer_get(&s.e.peer, path);
  }
  for (int i = 0; i < 8; i++)
    assert_in_range(hear(&s, 9 + 2 * i)->closed, 1, 8);
  for (int i = 0; i < 4; i++)
    assert_true(hear(&s, 2 * i + 1)->body_len > 3000000);
  scene_close(&s);
}

/* ----------------------------------------------------------------------------- slow bodies ---- */

static void short_idle(gcache_options_t *o) {
  o->limits.idle_ms = 60;
}

static void on_timer(uv_timer_t *timer) {
  (*(int *)timer->data)++;
}

static void wait_ms(struct scene *s, uint64_t ms) {
  uv_timer_t timer;
  int rung = 0;

  uv_timer_init(s->loop, &timer);
  timer.data = &rung;
  uv_timer_start(&timer, on_timer, ms, 0);
  while (!rung)
    go(s);
  uv_close((uv_handle_t *)&timer, NULL);
  turns(s, 3);
}

/* A SetRequest of which only so much may leave yet. */
static const char set_w[11] = "\x0a\x01g\x12\x01k\x1a\x01w\x20";
static size_t set_at, set_allowed;

static ssize_t on_set_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t max,
                           uint32_t *flags, nghttp2_data_source *source, void *user) {
  size_t n = set_allowed - set_at;

  (void)ng;
  (void)id;
  (void)source;
  (void)user;
  if (n == 0) return NGHTTP2_ERR_DEFERRED;
  assert_true(n <= max);
  memcpy(buf, set_w + set_at, n);
  set_at = set_allowed;
  if (set_at == sizeof set_w) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)n;
}

static void body_on_its_way_is_not_idleness(void **state) {
  nghttp2_data_provider provider = {.read_callback = on_set_read};
  nghttp2_nv nv[] = {h2_nv(":method", "PUT"), h2_nv(":scheme", "http"), h2_nv(":path", PATH("k")),
                     h2_nv(":authority", "h")};
  struct scene s;
  int32_t id;

  scene_open(&s, state, short_idle);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  set_at = 0;
  set_allowed = 5;
  id = nghttp2_submit_request(s.e.peer.ng, NULL, nv, 4, &provider, NULL);
  wait_ms(&s, 200);
  assert_int_equal(s.e.raw->ended, 0);
  set_allowed = sizeof set_w;
  nghttp2_session_resume_data(s.e.peer.ng, id);
  assert_non_null(strstr(hear(&s, id)->head, ":status=200\n"));
  scene_close(&s);
}

static void resting_connection_is_closed(void **state) {
  struct scene s;

  scene_open(&s, state, short_idle);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  hear(&s, h2_peer_get(&s.e.peer, PATH("k")));
  while (!s.e.raw->ended)
    go(&s);
  scene_close(&s);
}

/* ------------------------------------------------------------------------------- the loop ---- */

static void on_released(uv_stream_t *stream) {
  free(stream);
}

static int open_pair(uv_loop_t *loop, uv_tcp_t **tcp) {
  int fds[2];

  plain_pair(fds);
  *tcp = malloc(sizeof **tcp);
  uv_tcp_init(loop, *tcp);
  assert_int_equal(uv_tcp_open(*tcp, fds[1]), 0);
  return fds[0];
}

/* The loop has nothing else to live for; what it says can be read when it has ended. */
static void answer_that_waits_for_a_window_keeps_the_loop_alive(void **state) {
  struct h2_peer peer;
  nghttp2_settings_entry no_window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
  struct member m;
  gcache_options_t o;
  char bytes[4096];
  uv_tcp_t *tcp;
  ssize_t n;
  int fd;

  member_options(&m, &o, *state, "here");
  short_stall(&o);
  member_open(&m, &o);
  member_group(&m, "g");
  h2_peer_open(&peer, 0, NULL);
  nghttp2_submit_settings(peer.ng, NGHTTP2_FLAG_NONE, &no_window, 1);
  h2_peer_get(&peer, PATH("k"));
  fd = open_pair(*state, &tcp);
  assert_int_equal(gcache_adopt(m.cache, (uv_stream_t *)tcp, h2_peer_bytes(&peer), on_released), 0);
  uv_run(*state, UV_RUN_DEFAULT);
  n = read(fd, bytes, sizeof bytes);
  assert_true(n > 0 && nghttp2_session_mem_recv(peer.ng, (uint8_t *)bytes, (size_t)n) == n);
  assert_int_equal(h2_got(&peer, 1)->heads, 1);
  assert_int_equal(h2_got(&peer, 1)->code, NGHTTP2_CANCEL);
  close(fd);
  h2_peer_close(&peer);
  member_end(&m);
}

/* ----------------------------------------------------------------------- the application's ---- */

enum { BLOCK = 64 * 1024, BLOCKS = 64 };

struct app {
  char block[BLOCK];
  int left, refusals, gones;
  gcache_exchange_t *x;
};

static void on_room(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  for (; app->left > 0; app->left--) {
    int err = gcache_exchange_write(x, gcache_bytes(app->block, BLOCK));
    if (err == GCACHE_EBUSY) {
      app->refusals++;
      gcache_exchange_on_room(x, on_room, app);
      return;
    }
    assert_int_equal(err, 0);
  }
  assert_int_equal(gcache_exchange_end(x), 0);
}

static void on_app_request(gcache_exchange_t *x, void *arg) {
  assert_int_equal(gcache_exchange_begin(x, 200, NULL, 0), 0);
  on_room(x, arg);
}

static void answer_in_parts_goes_as_fast_as_it_is_read(void **state) {
  struct app app = {.left = BLOCKS};
  struct scene s;
  size_t before;

  scene_open(&s, state, NULL);
  gcache_set_handler(s.m.cache, on_app_request, &app);
  connect_end(&s);
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
  turns(&s, 10);
  before = s.m.oom.bytes;
  h2_peer_get(&s.e.peer, "/app");
  while (app.refusals == 0)
    go(&s);
  turns(&s, 20);
  assert_int_equal(app.refusals, 1);
  assert_true(s.m.oom.bytes - before < 2 << 20);
  h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65535);
  assert_int_equal(hear(&s, 1)->body_len, (size_t)BLOCK * BLOCKS);
  assert_int_equal(h2_got(&s.e.peer, 1)->code, NGHTTP2_NO_ERROR);
  assert_true(app.refusals > 1);
  scene_close(&s);
}

static void on_gone(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  app->gones++;
  gcache_exchange_end(x);
}

static void on_app_waits(gcache_exchange_t *x, void *arg) {
  ((struct app *)arg)->x = x;
  assert_int_equal(gcache_exchange_begin(x, 200, NULL, 0), 0);
  assert_int_equal(gcache_exchange_write(x, gcache_cstr("begun")), 0);
  gcache_exchange_on_gone(x, on_gone, arg);
}

static void stream_that_is_reset_is_told_to_the_application_alone(void **state) {
  struct app app = {.left = 0};
  struct scene s;
  int32_t id;

  scene_open(&s, state, NULL);
  gcache_set_handler(s.m.cache, on_app_waits, &app);
  connect_end(&s);
  h2_peer_greet(&s.e.peer);
  id = h2_peer_get(&s.e.peer, "/app");
  while (h2_got(&s.e.peer, id)->body_len < 5)
    go(&s);
  nghttp2_submit_rst_stream(s.e.peer.ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  while (app.gones == 0)
    go(&s);
  assert_non_null(strstr(hear(&s, h2_peer_get(&s.e.peer, PATH("k")))->head, ":status=200\n"));
  assert_int_equal(app.gones, 1);
  scene_close(&s);
}

static void closing_while_streams_are_open_leaves_nothing(void **state) {
  for (int moment = 0; moment < 10; moment++) {
    struct app app = {.left = BLOCKS};
    struct scene s;

    scene_open(&s, state, NULL);
    gcache_set_handler(s.m.cache, on_app_request, &app);
    connect_end(&s);
    h2_end_set(&s.e, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 70000);
    h2_peer_get(&s.e.peer, "/app");
    h2_peer_get(&s.e.peer, PATH("big:3000000:"));
    h2_peer_get(&s.e.peer, PATH("hold:1"));
    turns(&s, moment);
    member_close(&s.m);
    member_release(&s.m);
    run_loop_until(s.loop, &s.m.closed, 1);
    assert_int_equal(s.m.oom.bytes, 0);
    s.m.cache = NULL;
    scene_close(&s);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(port_speaks_what_the_options_say),
      TEST(preface_in_single_bytes_is_understood),
      TEST(beginning_of_a_preface_and_silence_is_cut),
      TEST(what_looks_like_a_preface_first_is_told_apart),
      TEST(drain_answers_the_streams_that_are_open),
      TEST(question_to_memory_is_answered_over_a_stream),
      TEST(reader_who_gives_no_window_is_reset_at_the_limit),
      TEST(slow_reader_of_many_big_answers_costs_no_copies),
      TEST(small_answers_are_not_held_up_by_large_ones),
      TEST(body_on_its_way_is_not_idleness),
      TEST(resting_connection_is_closed),
      TEST(answer_that_waits_for_a_window_keeps_the_loop_alive),
      TEST(answer_in_parts_goes_as_fast_as_it_is_read),
      TEST(stream_that_is_reset_is_told_to_the_application_alone),
      TEST(closing_while_streams_are_open_leaves_nothing),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
