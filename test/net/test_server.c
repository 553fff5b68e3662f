/* A member's own server against clients of plain bytes: what it answers, in which order, and what
 * it refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define GET_K "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n\r\n"

static void open_with(struct member *m, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;

  member_options(m, &o, *state, "here");
  if (change != NULL) change(&o);
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static void end_client(struct raw *c) {
  raw_close(c);
  run_loop_until(c->tcp.loop, &c->closed, 1);
  raw_free(c);
}

/* Runs until what c received holds `needle` n times. */
static void hear(struct raw *c, const char *needle, int n) {
  while (raw_count(c, needle) < n) {
    if (c->ended) fail_msg("the other side ended");
    if (uv_run(c->tcp.loop, UV_RUN_ONCE) == 0) fail_msg("nothing more will come");
  }
}

static void hear_end(struct raw *c) {
  run_loop_until(c->tcp.loop, &c->ended, 1);
}

static gcache_stats_t stats_of(const struct member *m) {
  gcache_stats_t stats;

  gcache_stats(m->cache, &stats);
  return stats;
}

/* --------------------------------------------------------------------------------- answers -- */

static void requests_of_one_write_are_answered_in_order(void **state) {
  struct member m;
  struct raw *c;
  const char *slow, *fast;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n"
             "GET /_groupcache/g/fast HTTP/1.1\r\nHost: x\r\n\r\n"
             "GET /_groupcache/g/missing:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.loads, 3);
  run_loop_turns(m.loop, 10);
  assert_int_equal(c->in_len, 0);
  member_release(&m);
  hear(c, "no such row\n", 1);
  slow = raw_find(c, "here|hold:1|");
  fast = raw_find(c, "here|fast|");
  assert_non_null(slow);
  assert_non_null(fast);
  assert_true(slow < fast && fast < raw_find(c, "no such row"));
  assert_int_equal(raw_count(c, "HTTP/1.1 "), 3);
  end_client(c);
  member_end(&m);
}

static void head_has_a_length_and_no_body(void **state) {
  struct member m;
  struct raw *c;
  const char *end;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "HEAD /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  hear_end(c);
  assert_int_equal(strncmp(c->in, "HTTP/1.1 200 OK\r\n", 17), 0);
  /* here|k|1 in a GetResponse: 2 + 8 + 2 bytes */
  assert_int_equal(raw_count(c, "Content-Length: 12\r\n"), 1);
  end = raw_find(c, "\r\n\r\n");
  assert_non_null(end);
  assert_int_equal(end + 4 - c->in, c->in_len);
  assert_int_equal(c->end_status, UV_EOF);
  end_client(c);
  member_end(&m);
}

static void request_in_single_bytes_is_answered(void **state) {
  struct member m;
  struct raw *c;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  run_loop_until(m.loop, &c->connected, 1);
  raw_dribble(c, GET_K);
  hear(c, "here|k|1", 1);
  end_client(c);
  member_end(&m);
}

struct refusal {
  const char *request;
  const char *status;
};

static const struct refusal refusals[] = {
    {"FOO\r\n\r\n", "400"},
    {"GET /_groupcache/g/k HTTP/1.1\r\n\r\n", "400"},
    {"GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
    {"GET /_groupcache/g/k HTTP/3.0\r\nHost: x\r\n\r\n", "505"},
    {"GET /_groupcache/g/k HTTP/1.1\r\nHost : x\r\n\r\n", "400"},
    {"PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
     "chunked\r\n\r\n",
     "400"},
    {"PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
    {"PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "413"},
};

static void bad_request_is_refused_counted_and_closed(void **state) {
  struct member m;

  open_with(&m, state, NULL);
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    struct raw *c = raw_connect(m.loop, m.port);
    raw_say(c, refusals[i].request);
    hear_end(c);
    if (strncmp(c->in, "HTTP/1.1 ", 9) != 0 || strncmp(c->in + 9, refusals[i].status, 3) != 0)
      fail_msg("%s answered %s", refusals[i].request, c->in);
    assert_int_equal(c->end_status, UV_EOF);
    end_client(c);
    assert_int_equal(stats_of(&m).bad_requests, i + 1);
  }
  assert_int_equal(m.loads, 0);
  member_end(&m);
}

static void everything_after_connection_close_is_ignored(void **state) {
  struct member m;
  struct raw *c;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET_K);
  hear_end(c);
  assert_int_equal(raw_count(c, "HTTP/1.1 200"), 1);
  assert_int_equal(m.loads, 1);
  end_client(c);
  member_end(&m);
}

/* ----------------------------------------------------------------------- those who leave ---- */

static void getter_is_told_when_the_asker_has_left(void **state) {
  struct member m;
  struct raw *c;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.loads, 1);
  assert_int_equal(m.cancels, 0);
  end_client(c);
  run_loop_until(m.loop, &m.cancels, 1);
  member_release(&m);
  assert_int_equal(stats_of(&m).connections_in, 0);
  member_end(&m);
}

static void asker_who_leaves_after_connection_close_is_noticed(void **state) {
  struct member m;
  struct raw *c;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  run_loop_until(m.loop, &m.loads, 1);
  end_client(c);
  run_loop_until(m.loop, &m.cancels, 1);
  member_end(&m);
}

static void half_closed_client_still_gets_what_memory_has(void **state) {
  struct member m;
  struct asked a;
  struct raw *c;

  open_with(&m, state, NULL);
  ask(&a, &m, "k");
  c = raw_connect(m.loop, m.port);
  run_loop_until(m.loop, &c->connected, 1);
  raw_say(c, GET_K);
  raw_finish(c);
  hear_end(c);
  assert_int_equal(raw_count(c, "here|k|1"), 1);
  end_client(c);
  member_end(&m);
}

/* ---------------------------------------------------------------------------- time limits ---- */

static void short_times(gcache_options_t *o) {
  o->limits.head_timeout_ms = 40;
  o->limits.body_timeout_ms = 40;
  o->limits.write_stall_ms = 40;
  o->limits.idle_ms = 40;
}

static void assert_cut(void **state, const char *bytes, const char *answer, uint64_t refused) {
  struct member m;
  struct raw *c;

  open_with(&m, state, short_times);
  c = raw_connect(m.loop, m.port);
  raw_say(c, bytes);
  hear_end(c);
  assert_int_equal(strncmp(c->in, answer, strlen(answer)), 0);
  assert_int_equal(stats_of(&m).refused, refused);
  end_client(c);
  member_end(&m);
}

static void slow_head_is_cut(void **state) {
  assert_cut(state, "GET /_groupcache/g/k HTTP/1.1\r\nHos", "HTTP/1.1 408", 1);
}

static void slow_body_is_cut(void **state) {
  assert_cut(state, "PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
             "HTTP/1.1 408", 1);
}

static void resting_connection_is_closed_without_a_word(void **state) {
  assert_cut(state, "", "", 0);
}

static void answered_connection_rests_then_is_closed(void **state) {
  struct member m;
  struct raw *c;

  open_with(&m, state, short_times);
  c = raw_connect(m.loop, m.port);
  raw_say(c, GET_K);
  hear_end(c);
  assert_int_equal(raw_count(c, "here|k|1"), 1);
  assert_int_equal(c->end_status, UV_EOF);
  assert_int_equal(stats_of(&m).refused, 0);
  end_client(c);
  member_end(&m);
}

/* While a getter works the client rests, and is not to blame. */
static void waiting_for_an_answer_is_not_idleness(void **state) {
  struct member m;
  struct raw *c;
  struct asked a;

  open_with(&m, state, short_times);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.loads, 1);
  ask_start(&a, &m, "hold:2", 120); /* three idle times pass until it gives up */
  run_loop_until(m.loop, &a.done, 1);
  assert_int_equal(a.status, UV_ETIMEDOUT);
  assert_false(c->ended);
  member_release(&m);
  hear(c, "here|hold:1", 1);
  end_client(c);
  member_end(&m);
}

static void reader_that_stalls_is_cut(void **state) {
  struct member m;
  struct raw *c;

  open_with(&m, state, short_times);
  c = raw_connect(m.loop, m.port);
  run_loop_until(m.loop, &c->connected, 1);
  raw_pause(c);
  for (int i = 0; i < 8; i++)
    raw_say(c, "GET /_groupcache/g/big:7000000: HTTP/1.1\r\nHost: x\r\n\r\n");
  while (stats_of(&m).refused == 0)
    assert_true(uv_run(m.loop, UV_RUN_ONCE) != 0);
  while (stats_of(&m).connections_in > 0)
    assert_true(uv_run(m.loop, UV_RUN_ONCE) != 0);
  end_client(c);
  member_end(&m);
}

/* ---------------------------------------------------------------------------- size limits ---- */

static void few_pipelined(gcache_options_t *o) {
  o->limits.pipelined_max = 4;
}

static void reading_stops_while_too_many_answers_are_owed(void **state) {
  struct member m;
  struct raw *c;
  char text[100];

  open_with(&m, state, few_pipelined);
  c = raw_connect(m.loop, m.port);
  for (int i = 0; i < 10; i++) {
    snprintf(text, sizeof text, "GET /_groupcache/g/hold:%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    raw_say(c, text);
  }
  run_loop_until(m.loop, &m.loads, 4);
  run_loop_turns(m.loop, 50);
  assert_int_equal(m.loads, 4);
  for (int seen = 4; seen < 10; seen = m.loads) {
    member_release(&m);
    run_loop_until(m.loop, &m.loads, seen + 1);
    assert_true(m.n_held <= 4);
  }
  member_release(&m);
  hear(c, "HTTP/1.1 200", 10);
  for (int i = 0; i < 9; i++) { /* in order */
    char first[20], second[20];
    snprintf(first, sizeof first, "hold:%d|", i);
    snprintf(second, sizeof second, "hold:%d|", i + 1);
    assert_true(raw_find(c, first) < raw_find(c, second));
  }
  end_client(c);
  member_end(&m);
}

static void slow_reader_costs_no_more_than_was_said(void **state) {
  enum { N = 20000 };
  struct member m;
  struct raw *c;
  gcache_stats_t before;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  run_loop_until(m.loop, &c->connected, 1);
  raw_say(c, GET_K);
  hear(c, "here|k|1", 1);
  raw_pause(c);
  before = stats_of(&m);
  for (int i = 0; i < N; i++)
    raw_say(c, "GET /_groupcache/g/big:900: HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_turns(m.loop, 2000);
  /* 1 MiB of output, and the answers to what one read asked beyond it: 1300 times 900 bytes. */
  assert_true(stats_of(&m).memory_bytes - before.memory_bytes < 4 << 20);
  end_client(c);
  member_end(&m);
}

static void few_connections(gcache_options_t *o) {
  o->limits.connections_max = 2;
}

static void accepting_pauses_at_the_limit(void **state) {
  struct member m;
  struct raw *c[3];

  open_with(&m, state, few_connections);
  for (int i = 0; i < 3; i++) {
    c[i] = raw_connect(m.loop, m.port);
    raw_say(c[i], GET_K);
  }
  hear(c[0], "here|k|1", 1);
  hear(c[1], "here|k|1", 1);
  run_loop_turns(m.loop, 50);
  assert_int_equal(c[2]->in_len, 0);
  assert_int_equal(stats_of(&m).connections_in, 2);
  end_client(c[0]);
  hear(c[2], "here|k|1", 1);
  end_client(c[1]);
  end_client(c[2]);
  member_end(&m);
}

static void two_per_address(gcache_options_t *o) {
  o->limits.connections_per_address = 2;
}

static void connection_over_the_limit_per_address_is_closed(void **state) {
  struct member m;
  struct raw *c[3];

  open_with(&m, state, two_per_address);
  for (int i = 0; i < 2; i++) {
    c[i] = raw_connect(m.loop, m.port);
    raw_say(c[i], GET_K);
    hear(c[i], "here|k|1", 1);
  }
  c[2] = raw_connect(m.loop, m.port);
  hear_end(c[2]);
  assert_int_equal(c[2]->in_len, 0);
  assert_int_equal(stats_of(&m).refused, 1);
  end_client(c[0]);
  end_client(c[2]);
  c[0] = raw_connect(m.loop, m.port);
  raw_say(c[0], GET_K);
  hear(c[0], "here|k|1", 1);
  end_client(c[0]);
  end_client(c[1]);
  member_end(&m);
}

static void peers_are_exempt_from_the_limit_per_address(void **state) {
  struct member m;
  struct raw *c[4];
  const char *urls[2] = {NULL, "http://127.0.0.1:1"};

  open_with(&m, state, two_per_address);
  urls[0] = m.url;
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 2), 0);
  for (int i = 0; i < 4; i++) {
    c[i] = raw_connect(m.loop, m.port);
    raw_say(c[i], GET_K);
    hear(c[i], "here|k|1", 1);
  }
  for (int i = 0; i < 4; i++)
    end_client(c[i]);
  member_end(&m);
}

/* ------------------------------------------------------------------ the application's routes -- */

struct app {
  gcache_exchange_t *kept;
  int calls, gone;
};

static void on_gone(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  (void)x;
  app->gone++;
}

static int is(gcache_bytes_t bytes, const char *text) {
  return bytes.len == strlen(text) && memcmp(bytes.base, text, bytes.len) == 0;
}

static void on_app_request(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;
  gcache_header_t headers[] = {{gcache_cstr("X-App"), gcache_cstr("yes")}};
  gcache_bytes_t param;

  app->calls++;
  if (is(gcache_exchange_path(x), "/keep")) {
    app->kept = x;
    gcache_exchange_on_gone(x, on_gone, app);
  } else if (is(gcache_exchange_path(x), "/echo")) {
    assert_true(is(gcache_exchange_method(x), "POST"));
    assert_true(is(gcache_exchange_header(x, "x-tEst"), "1"));
    gcache_exchange_reply_value(x, 200, headers, 1, gcache_exchange_body(x));
  } else if (is(gcache_exchange_path(x), "/param")) {
    assert_int_equal(gcache_exchange_param(x, "none", &param), UV_ENOENT);
    assert_int_equal(gcache_exchange_param(x, "bad", &param), UV_EINVAL);
    assert_int_equal(gcache_exchange_param(x, "key", &param), 0);
    gcache_exchange_reply(x, 200, NULL, 0, param);
  } else {
    gcache_header_t bad[] = {{gcache_cstr("Content-Length"), gcache_cstr("0")}};
    gcache_header_t split[] = {{gcache_cstr("X"), gcache_cstr("a\r\nb")}};
    gcache_header_t no_token[] = {{gcache_cstr("a b"), gcache_cstr("c")}};
    assert_int_equal(gcache_exchange_reply(x, 200, bad, 1, gcache_cstr("")), UV_EINVAL);
    assert_int_equal(gcache_exchange_reply(x, 200, split, 1, gcache_cstr("")), UV_EINVAL);
    assert_int_equal(gcache_exchange_reply(x, 200, no_token, 1, gcache_cstr("")), UV_EINVAL);
    assert_int_equal(gcache_exchange_reply(x, 199, NULL, 0, gcache_cstr("")), UV_EINVAL);
    assert_int_equal(gcache_exchange_reply(x, 600, NULL, 0, gcache_cstr("")), UV_EINVAL);
    assert_int_equal(gcache_exchange_reply(x, 404, NULL, 0, gcache_cstr("nothing here")), 0);
  }
}

static void application_answers_on_the_same_port(void **state) {
  struct member m;
  struct app app = {0};
  struct raw *c;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(c, "HTTP/1.1 404", 1); /* without a handler */
  gcache_set_handler(m.cache, on_app_request, &app);
  raw_say(c,
          "POST /echo?a=b HTTP/1.1\r\nHost: x\r\nX-Test: 1\r\nContent-Length: 5\r\n\r\nhello" GET_K
          "GET /param?bad=%4&key=a%20b+c%2F HTTP/1.1\r\nHost: x\r\n\r\n"
          "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(c, "nothing here", 1);
  assert_int_equal(raw_count(c, "X-App: yes\r\n"), 1);
  assert_int_equal(raw_count(c, "\r\n\r\nhello"), 1);
  assert_int_equal(raw_count(c, "here|k|1"), 1);
  assert_int_equal(raw_count(c, "\r\n\r\na b+c/"), 1);
  assert_int_equal(app.calls, 3);
  end_client(c);
  member_end(&m);
}

static void handler_is_told_that_the_asker_has_left_and_still_replies(void **state) {
  struct member m;
  struct app app = {0};
  struct raw *c;

  open_with(&m, state, NULL);
  gcache_set_handler(m.cache, on_app_request, &app);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &app.calls, 1);
  end_client(c);
  run_loop_until(m.loop, &app.gone, 1);
  assert_int_equal(gcache_exchange_reply(app.kept, 200, NULL, 0, gcache_cstr("late")), 0);
  run_loop_turns(m.loop, 10);
  assert_int_equal(app.gone, 1);
  member_end(&m);
}

static void handler_may_reply_long_after(void **state) {
  struct member m;
  struct app app = {0};
  struct raw *c;

  open_with(&m, state, NULL);
  gcache_set_handler(m.cache, on_app_request, &app);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n" GET_K);
  run_loop_until(m.loop, &app.calls, 1);
  run_loop_until(m.loop, &m.loads, 1);
  run_loop_turns(m.loop, 10);
  assert_int_equal(c->in_len, 0);
  assert_int_equal(gcache_exchange_reply(app.kept, 200, NULL, 0, gcache_cstr("late")), 0);
  hear(c, "here|k|1", 1);
  assert_true(raw_find(c, "late") < raw_find(c, "here|k|1"));
  end_client(c);
  member_end(&m);
}

/* ----------------------------------------------------------------------------------- drain ---- */

static void on_drained(void *arg) {
  ++*(int *)arg;
}

static void drain_gives_what_is_owed_and_closes_what_rests(void **state) {
  struct member m;
  struct raw *busy, *resting, *late;
  int drained = 0;

  open_with(&m, state, NULL);
  busy = raw_connect(m.loop, m.port);
  resting = raw_connect(m.loop, m.port);
  raw_say(resting, GET_K);
  hear(resting, "here|k|1", 1);
  raw_say(busy, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.loads, 2);
  gcache_listener_close(m.listener, on_drained, &drained);
  assert_int_equal(drained, 0);
  hear_end(resting);
  raw_close(resting);
  late = raw_connect(m.loop, m.port);
  hear_end(late);
  assert_int_equal(late->connected, 0);
  assert_int_equal(drained, 0);
  assert_false(busy->ended);
  member_release(&m);
  hear_end(busy);
  assert_int_equal(raw_count(busy, "here|hold:1"), 1);
  assert_int_equal(raw_count(busy, "Connection: close\r\n"), 1);
  raw_close(busy);
  run_loop_until(m.loop, &drained, 1);
  end_client(busy);
  end_client(resting);
  end_client(late);
  member_end(&m);
  assert_int_equal(drained, 1);
}

static void drain_ends_even_when_clients_do_not(void **state) {
  struct member m;
  struct raw *c;
  int drained = 0;

  open_with(&m, state, short_times);
  c = raw_connect(m.loop, m.port);
  raw_say(c, GET_K "GET /_groupcache/g/k HTT");
  hear(c, "here|k|1", 1);
  gcache_listener_close(m.listener, on_drained, &drained);
  run_loop_until(m.loop, &drained, 1);
  end_client(c);
  member_end(&m);
}

static void close_cuts_a_drain_short(void **state) {
  struct member m;
  struct raw *c;
  int drained = 0;

  open_with(&m, state, NULL);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.loads, 1);
  gcache_listener_close(m.listener, on_drained, &drained);
  member_end(&m);
  assert_int_equal(drained, 1);
  end_client(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(requests_of_one_write_are_answered_in_order),
      TEST(head_has_a_length_and_no_body),
      TEST(request_in_single_bytes_is_answered),
      TEST(bad_request_is_refused_counted_and_closed),
      TEST(everything_after_connection_close_is_ignored),
      TEST(getter_is_told_when_the_asker_has_left),
      TEST(asker_who_leaves_after_connection_close_is_noticed),
      TEST(half_closed_client_still_gets_what_memory_has),
      TEST(slow_head_is_cut),
      TEST(slow_body_is_cut),
      TEST(resting_connection_is_closed_without_a_word),
      TEST(answered_connection_rests_then_is_closed),
      TEST(waiting_for_an_answer_is_not_idleness),
      TEST(reader_that_stalls_is_cut),
      TEST(reading_stops_while_too_many_answers_are_owed),
      TEST(slow_reader_costs_no_more_than_was_said),
      TEST(accepting_pauses_at_the_limit),
      TEST(connection_over_the_limit_per_address_is_closed),
      TEST(peers_are_exempt_from_the_limit_per_address),
      TEST(application_answers_on_the_same_port),
      TEST(handler_is_told_that_the_asker_has_left_and_still_replies),
      TEST(handler_may_reply_long_after),
      TEST(drain_gives_what_is_owed_and_closes_what_rests),
      TEST(drain_ends_even_when_clients_do_not),
      TEST(close_cuts_a_drain_short),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
