/* A peer that misbehaves: what the caller gets, and whether the connection is used afterwards. The
 * cache is a client-only member that keeps nothing, so that every get asks the peer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "member.h"
#include "place.h"
#include "raw.h"
#include "world.h"

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

static void remove_key(struct scene *s, struct changed *c, const char *key) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_remove(&c->req, s->m.group, gcache_cstr(key), 0, on_changed), 0);
  run_loop_until(s->loop, &c->done, 1);
}

static void answer_value(struct raw *c) {
  raw_answer_value(c, "there");
}

static void assert_there(const struct asked *a) {
  assert_int_equal(a->status, 0);
  assert_string_equal(a->value, "there");
  assert_int_equal(a->from, GCACHE_FROM_PEER);
}

/* Loaded here: the exchange failed, and nothing of the peer's answer was believed. */
static void assert_here(const struct asked *a) {
  assert_int_equal(a->status, 0);
  assert_int_equal(a->from, GCACHE_FROM_LOAD);
}

/* ----------------------------------------------------------------------------- connections -- */

static void kept_connection_is_used_again(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, answer_value, NULL);
  for (int i = 0; i < 3; i++) {
    ask(&a, &s.m, "k");
    assert_there(&a);
  }
  assert_int_equal(s.peer.n, 1);
  assert_int_equal(s.peer.requests, 3);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

static void two_connections(gcache_options_t *o) {
  o->conns_per_peer = 2;
}

static void no_more_connections_than_allowed(void **state) {
  struct scene s;
  struct asked a[5];
  char key[8];

  scene_open(&s, state, NULL, two_connections);
  for (int i = 0; i < 5; i++) {
    snprintf(key, sizeof key, "k%d", i);
    ask_start(&a[i], &s.m, key, 0);
  }
  run_loop_until(s.loop, &s.peer.requests, 2);
  run_loop_turns(s.loop, 20);
  assert_int_equal(s.peer.n, 2);
  assert_int_equal(s.peer.requests, 2); /* one exchange a connection at a time */
  s.peer.on_request = answer_value;
  answer_value(s.peer.connections[0]);
  answer_value(s.peer.connections[1]);
  for (int i = 0; i < 5; i++) {
    run_loop_until(s.loop, &a[i].done, 1);
    assert_there(&a[i]);
  }
  assert_int_equal(s.peer.n, 2);
  assert_int_equal(s.peer.requests, 5);
  scene_close(&s);
}

static void two_calls(gcache_options_t *o) {
  o->calls_per_peer = 2;
}

static void call_over_the_limit_is_refused_and_not_loaded_here(void **state) {
  struct scene s;
  struct asked a[3];

  scene_open(&s, state, NULL, two_calls);
  ask_start(&a[0], &s.m, "k0", 0);
  ask_start(&a[1], &s.m, "k1", 0);
  ask_start(&a[2], &s.m, "k2", 0);
  run_loop_until(s.loop, &a[2].done, 1);
  assert_int_equal(a[2].status, GCACHE_EBUSY);
  assert_int_equal(a[0].done + a[1].done, 0);
  run_loop_until(s.loop, &s.peer.requests, 2);
  answer_value(s.peer.connections[0]);
  answer_value(s.peer.connections[1]);
  run_loop_until(s.loop, &a[0].done, 1);
  run_loop_until(s.loop, &a[1].done, 1);
  assert_there(&a[0]);
  assert_there(&a[1]);
  scene_close(&s);
}

static uint64_t connections_out(const struct scene *s) {
  gcache_stats_t stats;

  gcache_stats(s->m.cache, &stats);
  return stats.connections_out;
}

static void short_rest(gcache_options_t *o) {
  o->idle_timeout_ms = 20;
}

static void rested_connection_is_closed(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, answer_value, short_rest);
  assert_int_equal(connections_out(&s), 0);
  ask(&a, &s.m, "k");
  assert_int_equal(connections_out(&s), 1);
  /* Our timer does not keep the loop alive; the peer's reading does. */
  run_loop_until(s.loop, &s.peer.connections[0]->ended, 1);
  assert_int_equal(s.peer.connections[0]->end_status, UV_EOF);
  assert_int_equal(connections_out(&s), 0);
  scene_close(&s);
}

/* The first connection answers once and dies at the next request; others answer. */
static void die_when_kept(struct raw *c) {
  if (c == c->server->connections[0] && c->requests == 2)
    raw_close(c);
  else
    raw_answer_value(c, "there");
}

static void dead_kept_connection_is_replaced(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, die_when_kept, NULL);
  ask(&a, &s.m, "k");
  assert_there(&a);
  ask(&a, &s.m, "k");
  assert_there(&a);
  assert_int_equal(s.peer.n, 2);
  assert_int_equal(s.peer.requests, 3);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

static void one_connection(gcache_options_t *o) {
  o->conns_per_peer = 1;
}

static void reset_when_kept(struct raw *c) {
  if (c == c->server->connections[0] && c->requests == 2)
    raw_reset(c);
  else
    raw_answer_value(c, "there");
}

static void reset_kept_connection_is_replaced_with_one_connection_allowed(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, reset_when_kept, one_connection);
  ask(&a, &s.m, "k");
  ask(&a, &s.m, "k");
  assert_there(&a);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

static void die_for_ever(struct raw *c) {
  if (c == c->server->connections[0] && c->requests == 1)
    raw_answer_value(c, "there");
  else
    raw_close(c);
}

static void dead_connection_is_replaced_only_once(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, die_for_ever, NULL);
  ask(&a, &s.m, "k");
  assert_there(&a);
  ask(&a, &s.m, "k");
  assert_here(&a);
  assert_int_equal(s.peer.requests, 3);
  ask(&a, &s.m, "k"); /* a fresh connection is no reason to ask again */
  assert_here(&a);
  assert_int_equal(s.peer.requests, 4);
  scene_close(&s);
}

/* Connections 0 and 1 die at their second request, which for 1 is also when 0 is answered at last. */
static void die_one_after_the_other(struct raw *c) {
  struct raw_server *s = c->server;

  if (c->requests == 2) {
    raw_close(c);
    if (c == s->connections[1]) answer_value(s->connections[0]);
  } else if (c != s->connections[0]) {
    answer_value(c);
  }
}

static void call_is_repeated_once_whatever_it_meets(void **state) {
  struct scene s;
  struct asked a, b;

  scene_open(&s, state, die_one_after_the_other, two_connections);
  ask_start(&a, &s.m, "k0", 0);
  run_loop_until(s.loop, &s.peer.requests, 1);
  ask(&b, &s.m, "k1");
  assert_there(&b);
  ask(&b, &s.m, "k2");
  assert_here(&b);
  assert_there(&a);
  assert_int_equal(s.peer.n, 2);
  scene_close(&s);
}

static void die_when_kept_both(struct raw *c) {
  if (c != c->server->connections[2] && c->requests == 2)
    raw_close(c);
  else
    answer_value(c);
}

/* A peer that was restarted leaves all connections dead: the call must not go from one to the next. */
static void all_resting_connections_are_given_up_with_one(void **state) {
  struct scene s;
  struct asked a, b;

  scene_open(&s, state, die_when_kept_both, two_connections);
  ask_start(&a, &s.m, "k0", 0);
  ask_start(&b, &s.m, "k1", 0);
  run_loop_until(s.loop, &a.done, 1);
  run_loop_until(s.loop, &b.done, 1);
  assert_int_equal(s.peer.n, 2);
  ask(&a, &s.m, "k");
  assert_there(&a);
  assert_int_equal(s.peer.requests, 4);
  scene_close(&s);
}

static void begin_to_answer_when_kept(struct raw *c) {
  if (c->requests == 1) {
    answer_value(c);
  } else {
    raw_say(c, "HTTP/1.1 2");
    raw_finish(c);
  }
}

static void answer_that_had_begun_is_not_asked_for_again(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, begin_to_answer_when_kept, NULL);
  ask(&a, &s.m, "k");
  ask(&a, &s.m, "k");
  assert_here(&a);
  assert_int_equal(s.peer.requests, 2);
  scene_close(&s);
}

/* One connection is open and busy; no other can be had. */
static void call_waits_for_the_connection_there_is(void **state) {
  struct scene s;
  struct asked a, b;
  gcache_stats_t stats;

  scene_open(&s, state, NULL, two_connections);
  ask_start(&a, &s.m, "k0", 0);
  run_loop_until(s.loop, &s.peer.requests, 1);
  raw_server_stop(&s.peer);
  run_loop_until(s.loop, &s.peer.closed, 1);
  ask_start(&b, &s.m, "k1", 0);
  do { /* until the dial has failed */
    uv_run(s.loop, UV_RUN_ONCE);
    gcache_stats(s.m.cache, &stats);
  } while (stats.connections_out < 2);
  while (stats.connections_out == 2) {
    uv_run(s.loop, UV_RUN_ONCE);
    gcache_stats(s.m.cache, &stats);
  }
  for (int i = 0; i < 100; i++) { /* nobody dials in a hurry */
    uv_run(s.loop, UV_RUN_NOWAIT);
    gcache_stats(s.m.cache, &stats);
    assert_int_equal(stats.connections_out, 1);
  }
  assert_int_equal(b.done, 0);
  s.peer.on_request = answer_value;
  answer_value(s.peer.connections[0]);
  run_loop_until(s.loop, &b.done, 1);
  assert_there(&a);
  assert_there(&b);
  scene_close(&s);
}

static void refused_connect_is_loaded_here_and_named(void **state) {
  struct scene s;
  struct asked a;
  struct changed c;

  scene_open(&s, state, NULL, NULL);
  raw_server_stop(&s.peer);
  run_loop_until(s.loop, &s.peer.closed, 1);
  ask(&a, &s.m, "k");
  assert_here(&a);
  remove_key(&s, &c, "k");
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_int_equal(c.statuses[0], UV_ECONNREFUSED);
  assert_non_null(strstr(c.reasons[0], "down"));
  scene_close(&s);
}

static void remove_start(struct changed *c, struct scene *s) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_remove(&c->req, s->m.group, gcache_cstr("k"), 0, on_changed), 0);
}

/* In one of these turns the failed connection, the only one allowed, has not closed yet. */
static void call_made_while_the_last_dial_ends_is_dialled_for(void **state) {
  struct scene s;
  struct changed first, second;

  scene_open(&s, state, NULL, one_connection);
  raw_server_stop(&s.peer);
  run_loop_until(s.loop, &s.peer.closed, 1);
  for (int turns = 0; turns < 10; turns++) {
    remove_start(&first, &s);
    run_loop_turns(s.loop, turns);
    remove_start(&second, &s);
    run_loop_turns(s.loop, 100);
    assert_int_equal(first.statuses[0], UV_ECONNREFUSED);
    assert_int_equal(second.done, 1);
    assert_int_equal(second.statuses[0], UV_ECONNREFUSED);
  }
  scene_close(&s);
}

/* One asks with the default time to connect, one with less: the second gives up first. */
static void peer_that_does_not_accept_is_given_up(void **state) {
  int port, listener = plain_listen(0, &port), fds[8];
  struct member slow, quick;
  struct asked a, b;
  gcache_options_t o;
  char url[64];
  const char *urls[] = {url};

  for (int i = 0; i < 8; i++) /* its backlog is full */
    fds[i] = plain_connect(port);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
  member_options(&slow, &o, *state, "slow");
  member_open(&slow, &o);
  member_options(&quick, &o, *state, "quick");
  o.connect_timeout_ms = 30;
  member_open(&quick, &o);
  member_group(&slow, "g");
  member_group(&quick, "g");
  assert_int_equal(gcache_set_peers(slow.cache, urls, NULL, 1), 0);
  assert_int_equal(gcache_set_peers(quick.cache, urls, NULL, 1), 0);
  ask_start(&a, &slow, "k", 0);
  ask_start(&b, &quick, "k", 0);
  run_loop_until(*state, &b.done, 1);
  assert_here(&b);
  assert_int_equal(a.done, 0);
  member_end(&slow);
  member_end(&quick);
  for (int i = 0; i < 8; i++)
    close(fds[i]);
  close(listener);
}

static void short_patience(gcache_options_t *o) {
  o->response_timeout_ms = 30;
}

static void hanging_peer_is_given_up(void **state) {
  struct scene s;
  struct asked a;
  struct changed c;

  scene_open(&s, state, NULL, short_patience);
  ask(&a, &s.m, "k");
  assert_here(&a);
  remove_key(&s, &c, "k");
  assert_int_equal(c.statuses[0], GCACHE_EPEER);
  assert_non_null(strstr(c.reasons[0], "no answer within 30 ms"));
  scene_close(&s);
}

static void answer_only_once(struct raw *c) {
  if (c->requests == 1) answer_value(c);
}

static void hanging_kept_connection_is_not_asked_again(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, answer_only_once, short_patience);
  ask(&a, &s.m, "k");
  assert_there(&a);
  ask(&a, &s.m, "k");
  assert_here(&a);
  assert_int_equal(s.peer.requests, 2);
  scene_close(&s);
}

static void endless_connect(gcache_options_t *o) {
  o->connect_timeout_ms = 24 * 3600 * 1000;
}

/* A queue of one that is full: the kernel answers no further connect. */
static int open_full_listener(int waiting[4], int *port) {
  struct sockaddr_in in = {.sin_family = AF_INET};
  socklen_t len = sizeof in;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
  assert_int_equal(listen(fd, 0), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
  *port = ntohs(in.sin_port);
  for (int i = 0; i < 4; i++) {
    waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(waiting[i], (struct sockaddr *)&in, sizeof in);
  }
  return fd;
}

static void closing_does_not_wait_for_a_connect(void **state) {
  struct scene s;
  struct asked a;
  char url[64];
  const char *urls[] = {url};
  int waiting[4], port, fd = open_full_listener(waiting, &port);

  scene_open(&s, state, NULL, endless_connect);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
  assert_int_equal(gcache_set_peers(s.m.cache, urls, NULL, 1), 0);
  ask_start(&a, &s.m, "k", 0);
  run_loop_turns(s.loop, 10);
  assert_int_equal(a.done, 0);
  scene_close(&s);
  assert_int_equal(a.status, UV_ECANCELED);
  close(fd);
  for (int i = 0; i < 4; i++)
    close(waiting[i]);
}

static void cancelled_call_closes_its_connection(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, NULL, NULL);
  ask_start(&a, &s.m, "k", 0);
  run_loop_until(s.loop, &s.peer.requests, 1);
  gcache_get_cancel(&a.req);
  assert_int_equal(a.done, 0);
  run_loop_until(s.loop, &a.done, 1);
  assert_int_equal(a.status, UV_ECANCELED);
  run_loop_until(s.loop, &s.peer.connections[0]->ended, 1);
  assert_int_equal(s.m.loads, 0);
  scene_close(&s);
}

static void dropped_peer_answers_what_it_was_asked(void **state) {
  struct scene s;
  struct asked a, b;
  const char *other = "http://127.0.0.1:1";

  scene_open(&s, state, answer_value, two_connections);
  ask(&a, &s.m, "rest");
  s.peer.on_request = NULL;
  ask_start(&a, &s.m, "k0", 0);
  ask_start(&b, &s.m, "k1", 0);
  run_loop_until(s.loop, &s.peer.requests, 3);
  assert_int_equal(gcache_set_peers(s.m.cache, &other, NULL, 1), 0);
  answer_value(s.peer.connections[0]);
  answer_value(s.peer.connections[1]);
  run_loop_until(s.loop, &a.done, 1);
  run_loop_until(s.loop, &b.done, 1);
  assert_there(&a);
  assert_there(&b);
  run_loop_until(s.loop, &s.peer.connections[0]->ended, 1);
  run_loop_until(s.loop, &s.peer.connections[1]->ended, 1);
  scene_close(&s);
}

/* It would take every further value as well, and read none of them. */
static void peer_that_answers_before_it_has_read_loses_the_connection(void **state) {
  static char big[16 * 1024 * 1024];
  struct scene s;
  struct changed c;

  scene_open(&s, state, NULL, one_connection);
  for (int i = 0; i < 2; i++) {
    gcache_value_t *value = gcache_value_copy(s.m.cache, gcache_bytes(big, sizeof big),
                                              GCACHE_NEVER);
    memset(&c, 0, sizeof c);
    c.req.data = &c;
    assert_int_equal(gcache_set(&c.req, s.m.group, gcache_cstr("k"), value, 0, on_changed), 0);
    gcache_value_unref(value);
    run_loop_until(s.loop, &s.peer.n, i + 1);
    raw_pause(s.peer.connections[i]);
    raw_say(s.peer.connections[i], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    run_loop_until(s.loop, &c.done, 1);
    assert_int_equal(c.status, 0);
  }
  run_loop_turns(s.loop, 10);
  assert_int_equal(connections_out(&s), 0);
  scene_close(&s);
}

/* Runs behind the cache's turn and before connections that close are told: it was started first. */
static void on_checked(uv_check_t *check) {
  static const char *const other[] = {"http://127.0.0.1:1"};
  gcache_t *cache = check->data;

  if (cache != NULL) assert_int_equal(gcache_set_peers(cache, other, NULL, 1), 0);
  check->data = NULL;
}

static void drop_peer_while_a_dial_fails(void **state, size_t failing) {
  struct scene s;
  struct asked a, b;
  uv_check_t check;

  uv_check_init(*state, &check);
  uv_check_start(&check, on_checked);
  check.data = NULL;
  scene_open(&s, state, NULL, one_connection);
  ask_start(&a, &s.m, "k0", 0);
  run_loop_until(s.loop, &s.peer.requests, 1);
  ask_start(&b, &s.m, "k1", 0);
  run_loop_turns(s.loop, 10);
  s.m.oom.fail_first = s.m.oom.fail_last = s.m.oom.asked + failing;
  raw_say(s.peer.connections[0], "HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                                 "Content-Length: 0\r\n\r\n");
  run_loop_until(s.loop, &a.done, 1); /* and b has been dialled for, if it waits */
  s.m.oom.fail_first = s.m.oom.fail_last = 0;
  gcache_get_cancel(&b.req);
  check.data = s.m.cache;
  run_loop_until(s.loop, &b.done, 1);
  uv_close((uv_handle_t *)&check, NULL);
  scene_close(&s);
}

/* One of these is the dial's own, and the peer is dropped before the connection is told to be
 * closed. */
static void peer_is_dropped_while_a_dial_fails_for_want_of_memory(void **state) {
  for (size_t failing = 1; failing <= 16; failing++)
    drop_peer_while_a_dial_fails(state, failing);
}

static void connection_at_rest_does_not_keep_the_loop_alive(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, answer_value, NULL);
  ask(&a, &s.m, "k");
  uv_unref((uv_handle_t *)&s.peer.tcp);
  uv_unref((uv_handle_t *)&s.peer.connections[0]->tcp);
  assert_int_equal(uv_run(s.loop, UV_RUN_DEFAULT), 0);
  assert_false(s.peer.connections[0]->ended);
  scene_close(&s);
}

/* --------------------------------------------------------------------------------- answers -- */

/* What a peer may answer to a get, and what the caller is to make of it. */
struct speech {
  const char *what;
  const char *bytes;
  size_t len;
  int hangs_up; /* behind the bytes */
  int status;
  gcache_from_t from;
  const char *reason; /* in it */
};

#define SAYS(text) text, sizeof(text) - 1
#define PROTO "Content-Type: application/x-protobuf\r\n"
#define TEXT "Content-Type: text/plain; charset=utf-8\r\n"

static const struct speech speeches[] = {
    {"closes", SAYS(""), 1, 0, GCACHE_FROM_LOAD, ""},
    {"garbage", SAYS("\x16\x03\x01\x02garbage\r\n\r\n"), 0, 0, GCACHE_FROM_LOAD, ""},
    {"cut head", SAYS("HTTP/1.1 200 OK\r\nConte"), 1, 0, GCACHE_FROM_LOAD, ""},
    {"cut body", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 9\r\n\r\n\x0a\x05the"), 1, 0,
     GCACHE_FROM_LOAD, ""},
    {"negative length", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: -1\r\n\r\n"), 0, 0,
     GCACHE_FROM_LOAD, ""},
    {"endless length", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 1099511627776\r\n\r\n"), 0,
     0, GCACHE_FROM_LOAD, ""},
    {"redirect", SAYS("HTTP/1.1 301 Moved Permanently\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
     0, 0, GCACHE_FROM_LOAD, ""},
    {"teapot", SAYS("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"), 0, 0,
     GCACHE_FROM_LOAD, ""},
    {"no content", SAYS("HTTP/1.1 204 No Content\r\n\r\n"), 0, 0, GCACHE_FROM_LOAD, ""},
    {"bad request", SAYS("HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\n\r\nbad request\n"), 0,
     0, GCACHE_FROM_LOAD, ""},
    {"busy", SAYS("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 5\r\n\r\nbusy\n"), 0, 0,
     GCACHE_FROM_LOAD, ""},
    {"another type",
     SAYS("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"), 0, 0,
     GCACHE_FROM_LOAD, ""},
    {"no GetResponse",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 4\r\n\r\n\xff\xff\xff\xff"), 0, 0,
     GCACHE_FROM_LOAD, ""},
    {"negative expiry",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO
          "Content-Length: 14\r\n\r\n\x0a\x01v\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     0, 0, GCACHE_FROM_LOAD, ""},
    {"expired", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 5\r\n\r\n\x0a\x01v\x18\x01"), 0,
     0, GCACHE_FROM_LOAD, ""},
    {"unknown group in Go's words",
     SAYS("HTTP/1.1 404 Not Found\r\nContent-Length: 17\r\n\r\nno such group: g\n"), 0, 0,
     GCACHE_FROM_LOAD, ""},
    {"unknown group",
     SAYS("HTTP/1.1 404 Not Found\r\nGcache: 1\r\nGcache-Reason: no-group\r\nContent-Length: "
          "0\r\n\r\n"),
     0, 0, GCACHE_FROM_LOAD, ""},
    {"not found", SAYS("HTTP/1.1 404 Not Found\r\n" TEXT "Content-Length: 12\r\n\r\nno such row\n"),
     0, GCACHE_ENOTFOUND, GCACHE_FROM_NONE, "no such row"},
    {"getter failed",
     SAYS("HTTP/1.1 503 Service Unavailable\r\n" TEXT "Content-Length: 9\r\n\r\n"
          "broken\x01\xff\n"),
     0, GCACHE_ELOAD, GCACHE_FROM_NONE, "broken??"},
    {"getter failed, golang's way",
     SAYS("HTTP/1.1 500 Internal Server Error\r\n" TEXT "Content-Length: 5\r\n\r\noops\n"), 0, 0,
     GCACHE_FROM_LOAD, ""}, /* the word of another dialect */
    {"not found, by a proxy",
     SAYS("HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nnone"), 0,
     0, GCACHE_FROM_LOAD, ""},
    {"not found, by Go's router",
     SAYS("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
          "Content-Length: 19\r\n\r\n404 page not found\n"),
     0, 0, GCACHE_FROM_LOAD, ""},
    {"unavailable, by a proxy",
     SAYS("HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\n"
          "Content-Length: 4\r\n\r\ndown"),
     0, 0, GCACHE_FROM_LOAD, ""},
    {"value", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 9\r\n\r\n\x0a\x05there\x18\x00"), 0,
     0, GCACHE_FROM_PEER, ""},
    {"value, then no more",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO
          "Connection: close\r\nContent-Length: 9\r\n\r\n\x0a\x05there\x18\x00"),
     0, 0, GCACHE_FROM_PEER, ""},
    {"type with a parameter",
     SAYS("HTTP/1.1 200 OK\r\nContent-Type: Application/X-Protobuf ; v=1\r\nContent-Length: "
          "7\r\n\r\n\x0a\x05there"),
     0, 0, GCACHE_FROM_PEER, ""},
    {"field without its value",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO
          "Content-Length: 12\r\n\r\n\x18\x00\x50\x07\x0a\x05there\x58"),
     1, 0, GCACHE_FROM_LOAD, ""},
    {"unknown field in front",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 11\r\n\r\n\x50\x07\x18\x00\x0a\x05there"), 0,
     0, GCACHE_FROM_PEER, ""},
    {"closed by the end, HTTP/1.0", SAYS("HTTP/1.0 200 OK\r\n" PROTO "\r\n\x0a\x05there\x18\x00"),
     1, 0, GCACHE_FROM_PEER, ""},
    {"closed by the end, HTTP/1.1", SAYS("HTTP/1.1 200 OK\r\n" PROTO "\r\n\x0a\x05there\x18\x00"),
     1, 0, GCACHE_FROM_PEER, ""},
    {"chunked",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO
          "Transfer-Encoding: chunked\r\n\r\n3\r\n\x0a\x05t\r\n6\r\nhere\x18\x00\r\n0\r\n\r\n"),
     0, 0, GCACHE_FROM_PEER, ""},
    {"chunked and cut",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO
          "Transfer-Encoding: chunked\r\n\r\n3\r\n\x0a\x05t\r\n6\r\nhere"),
     1, 0, GCACHE_FROM_LOAD, ""},
    {"length and chunked",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 9\r\n"
          "Transfer-Encoding: chunked\r\n\r\n9\r\n\x0a\x05there\x18\x00\r\n0\r\n\r\n"),
     0, 0, GCACHE_FROM_LOAD, ""},
    {"hints before",
     SAYS("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n" PROTO
          "Content-Length: 7\r\n\r\n\x0a\x05there"),
     0, 0, GCACHE_FROM_PEER, ""},
    {"more than was asked for",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 7\r\n\r\n\x0a\x05thereHTTP/1.1 200 OK\r\n"),
     0, 0, GCACHE_FROM_PEER, ""},
};

#define N_SPEECHES (sizeof speeches / sizeof speeches[0])

static const struct speech *speech;
static int speech_in_pieces;

static void speak(struct raw *c) {
  if (speech_in_pieces)
    for (size_t i = 0; i < speech->len; i++)
      raw_send(c, speech->bytes + i, 1);
  else
    raw_send(c, speech->bytes, speech->len);
  if (speech->hangs_up) raw_finish(c);
}

static void assert_understood(const struct asked *a) {
  if (a->status != speech->status || a->from != speech->from ||
      strstr(a->reason, speech->reason) == NULL)
    fail_msg("%s: status %d from %d, %s", speech->what, a->status, (int)a->from, a->reason);
  if (a->from == GCACHE_FROM_PEER) assert_string_equal(a->value, "there");
}

static void hear_all(void **state) {
  struct scene s;
  struct asked a;

  for (size_t i = 0; i < N_SPEECHES; i++) {
    speech = &speeches[i];
    scene_open(&s, state, speak, NULL);
    ask(&a, &s.m, "k");
    assert_understood(&a);
    s.peer.on_request = answer_value;
    ask(&a, &s.m, "k"); /* whatever it was, it harms nobody after it */
    assert_there(&a);
    scene_close(&s);
  }
}

static void each_answer_is_understood(void **state) {
  speech_in_pieces = 0;
  hear_all(state);
}

static void each_answer_is_understood_in_pieces(void **state) {
  speech_in_pieces = 1;
  hear_all(state);
}

static void dribble(struct raw *c) {
  (void)c; /* by the test */
}

static void answer_byte_by_byte_is_whole_in_the_end(void **state) {
  struct scene s;
  struct asked a;

  scene_open(&s, state, dribble, NULL);
  ask_start(&a, &s.m, "k", 0);
  run_loop_until(s.loop, &s.peer.requests, 1);
  raw_dribble(s.peer.connections[0],
              "HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 7\r\n\r\n\x0a\x05ther");
  assert_int_equal(a.done, 0);
  raw_say(s.peer.connections[0], "e");
  run_loop_until(s.loop, &a.done, 1);
  assert_there(&a);
  scene_close(&s);
}

/* -------------------------------------------------------------------------------- requests -- */

static void get_is_sent_as_the_protocol_says(void **state) {
  struct scene s;
  struct asked a;
  char host[80], authority[40];

  scene_open(&s, state, answer_value, NULL);
  ask(&a, &s.m, "a b/c,d");
  assert_int_equal(
      strncmp(s.peer.connections[0]->in, "GET /_groupcache/g/a%20b%2Fc%2Cd HTTP/1.1\r\n", 43), 0);
  place_host(authority, sizeof authority, s.peer.port);
  snprintf(host, sizeof host, "\r\nHost: %s\r\n", authority);
  assert_int_equal(raw_count(s.peer.connections[0], host), 1);
  assert_int_equal(raw_count(s.peer.connections[0], "\r\nGcache-Timeout-Ms: "), 1);
  assert_int_equal(raw_count(s.peer.connections[0], "\r\nGcache-From: "), 0); /* has no URL */
  scene_close(&s);
}

static void answer_ok(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void set_is_sent_as_the_protocol_says(void **state) {
  static const char body[] =
      "\x0a\x01g\x12\x04setk\x1a\x02SV\x20\x95\x9a\xc3\xe9\xb3\x86\xba\xa3\x1a";
  struct scene s;
  struct changed c = {0};
  gcache_value_t *value;
  const struct raw *peer;

  scene_open(&s, state, answer_ok, NULL);
  value = gcache_value_copy(s.m.cache, gcache_cstr("SV"), 1893456000123456789);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, s.m.group, gcache_cstr("setk"), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(s.loop, &c.done, 1);
  assert_int_equal(c.status, 0);
  peer = s.peer.connections[0];
  assert_int_equal(strncmp(peer->in, "PUT /_groupcache/g/setk HTTP/1.1\r\n", 34), 0);
  assert_int_equal(raw_count(peer, "\r\nContent-Length: 23\r\n"), 1);
  assert_memory_equal(peer->in + peer->in_len - 23, body, 23);
  scene_close(&s);
}

static void remove_believes_only_an_ok(void **state) {
  struct scene s;
  struct changed c;

  scene_open(&s, state, answer_ok, NULL);
  remove_key(&s, &c, "k");
  assert_int_equal(c.status, 0);
  assert_int_equal(strncmp(s.peer.connections[0]->in, "DELETE /_groupcache/g/k HTTP/1.1\r\n", 34),
                   0);
  s.peer.on_request = answer_value; /* golang's server takes it for a get */
  remove_key(&s, &c, "k");
  assert_int_equal(c.statuses[0], UV_ENOTSUP);
  speech = &speeches[6]; /* a redirect */
  s.peer.on_request = speak;
  remove_key(&s, &c, "k");
  assert_int_equal(c.statuses[0], GCACHE_EPEER);
  assert_non_null(strstr(c.reasons[0], "answered 301"));
  scene_close(&s);
}

static void answer_ok_as_gcache(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: 0\r\n\r\n");
}

static void clear_needs_gcache_on_the_other_side(void **state) {
  struct scene s;
  struct changed c = {0};

  scene_open(&s, state, answer_ok, NULL);
  c.req.data = &c;
  assert_int_equal(gcache_clear(&c.req, s.m.group, 0, on_changed), 0);
  run_loop_until(s.loop, &c.done, 1);
  assert_int_equal(c.statuses[0], UV_ENOTSUP);
  assert_int_equal(raw_count(s.peer.connections[0], "DELETE /_groupcache/g/ HTTP/1.1\r\n"), 2);
  assert_int_equal(raw_count(s.peer.connections[0], "\r\nGcache-Scope: group\r\n"), 2);
  s.peer.on_request = answer_ok_as_gcache;
  assert_int_equal(gcache_clear(&c.req, s.m.group, 0, on_changed), 0);
  run_loop_until(s.loop, &c.done, 2);
  assert_int_equal(c.status, 0);
  scene_close(&s);
}

static void answer_too_large(struct raw *c) {
  raw_say(c, "HTTP/1.1 413 Payload Too Large\r\nGcache: 1\r\nGcache-Reason: large\r\n"
             "Content-Length: 0\r\n\r\n");
}

static void answer_over_the_limit(struct raw *c) {
  raw_say(c, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
}

static void owner_without_room_is_reported(void **state) {
  struct scene s;
  struct changed c = {0};
  gcache_value_t *value;

  scene_open(&s, state, answer_too_large, NULL);
  value = gcache_value_copy(s.m.cache, gcache_cstr("v"), GCACHE_NEVER);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, s.m.group, gcache_cstr("k"), value, 0, on_changed), 0);
  run_loop_until(s.loop, &c.done, 1);
  assert_int_equal(c.statuses[0], GCACHE_ENOROOM);
  s.peer.on_request = answer_over_the_limit; /* the old value may still be there */
  c.done = 0;
  assert_int_equal(gcache_set(&c.req, s.m.group, gcache_cstr("k"), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(s.loop, &c.done, 1);
  assert_int_equal(c.statuses[0], GCACHE_EPEER);
  scene_close(&s);
}

static void closing_cancels_what_waits_for_a_peer(void **state) {
  struct scene s;
  struct asked a[3];

  scene_open(&s, state, NULL, two_connections);
  ask_start(&a[0], &s.m, "k0", 0);
  ask_start(&a[1], &s.m, "k1", 0);
  ask_start(&a[2], &s.m, "k2", 0);
  run_loop_until(s.loop, &s.peer.requests, 2);
  member_end(&s.m);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(a[i].done, 1);
    assert_int_equal(a[i].status, UV_ECANCELED);
  }
  scene_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(kept_connection_is_used_again),
      TEST(no_more_connections_than_allowed),
      TEST(call_over_the_limit_is_refused_and_not_loaded_here),
      TEST(rested_connection_is_closed),
      TEST(dead_kept_connection_is_replaced),
      TEST(reset_kept_connection_is_replaced_with_one_connection_allowed),
      TEST(dead_connection_is_replaced_only_once),
      TEST(call_is_repeated_once_whatever_it_meets),
      TEST(all_resting_connections_are_given_up_with_one),
      TEST(answer_that_had_begun_is_not_asked_for_again),
      TEST(call_waits_for_the_connection_there_is),
      TEST(refused_connect_is_loaded_here_and_named),
      TEST(call_made_while_the_last_dial_ends_is_dialled_for),
      TEST(peer_that_does_not_accept_is_given_up),
      TEST(hanging_peer_is_given_up),
      TEST(hanging_kept_connection_is_not_asked_again),
      TEST(closing_does_not_wait_for_a_connect),
      TEST(cancelled_call_closes_its_connection),
      TEST(dropped_peer_answers_what_it_was_asked),
      TEST(peer_that_answers_before_it_has_read_loses_the_connection),
      TEST(peer_is_dropped_while_a_dial_fails_for_want_of_memory),
      TEST(connection_at_rest_does_not_keep_the_loop_alive),
      TEST(each_answer_is_understood),
      TEST(each_answer_is_understood_in_pieces),
      TEST(answer_byte_by_byte_is_whole_in_the_end),
      TEST(get_is_sent_as_the_protocol_says),
      TEST(set_is_sent_as_the_protocol_says),
      TEST(remove_believes_only_an_ok),
      TEST(clear_needs_gcache_on_the_other_side),
      TEST(owner_without_room_is_reported),
      TEST(closing_cancels_what_waits_for_a_peer),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
