/* What is sent to a peer in each dialect, and a peer that sends a request of its own before it
 * answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dialect_scene.h"
#include "member.h"
#include "raw.h"

/* A member among two, which listens. */
static void scene_open_listed(struct scene *s, void **state, void (*on_request)(struct raw *c),
                              gcache_dialect_t dialect) {
  const char *urls[2];

  scene_begin(s, state, on_request, dialect);
  member_listen(&s->m);
  urls[0] = s->m.url;
  urls[1] = s->peer.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 2), 0);
}

/* A key of that beginning that the peer owns. */
static const char *peers_key(struct scene *s, const char *prefix, char *buf, size_t cap) {
  for (int i = 0;; i++) {
    snprintf(buf, cap, "%s%d", prefix, i);
    if (strcmp(gcache_owner(s->m.cache, gcache_cstr(buf)), s->peer.url) == 0) return buf;
  }
}

static void clear_group(struct changed *c, struct scene *s) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_clear(&c->req, s->m.group, 0, on_changed), 0);
  run_loop_until(s->loop, &c->done, 1);
}

static int holds(struct scene *s, const char *key) {
  gcache_value_t *value = gcache_peek(s->m.group, gcache_cstr(key));

  gcache_value_unref(value);
  return value != NULL;
}

#define GCACHE_VALUE                                                                          \
  "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nGcache: 1\r\nContent-Length: 9" \
  "\r\n\r\n\x0a\x05there\x18\x00"

static void answer_value_as_gcache(struct raw *c) {
  raw_send(c, GCACHE_VALUE, sizeof GCACHE_VALUE - 1);
}

static void answer_empty(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void answer_empty_as_gcache(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: 0\r\n\r\n");
}

static void answer_value_of_golang(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 7\r\n\r\n"
             "\x0a\x05there");
}

static void assert_there(const struct asked *a) {
  assert_int_equal(a->status, 0);
  assert_string_equal(a->value, "there");
  assert_int_equal(a->from, GCACHE_FROM_PEER);
}

/* ---------------------------------------------------------- changes that a dialect lacks ---- */

static void assert_golang_cannot(const struct scene *s, const struct changed *c, size_t peer) {
  assert_int_equal(c->status, GCACHE_EPARTIAL);
  assert_int_equal(c->statuses[peer], UV_ENOTSUP);
  assert_non_null(strstr(c->reasons[peer], "golang"));
  assert_int_equal(s->peer.n, 0);
}

static void golang_is_asked_for_no_change(void **state) {
  struct scene s;
  struct changed c;

  scene_open(&s, state, answer_empty, GCACHE_DIALECT_GOLANG);
  remove_key(&c, &s, "k");
  assert_golang_cannot(&s, &c, 0);
  set_key(&c, &s, "k");
  assert_golang_cannot(&s, &c, 0);
  clear_group(&c, &s);
  assert_golang_cannot(&s, &c, 0);
  scene_close(&s);
}

/* What the others cannot be asked for is still done here, and said. */
static void member_of_golang_changes_its_own_memory(void **state) {
  struct scene s;
  struct asked a;
  struct changed c;
  char own[32];

  scene_open_listed(&s, state, answer_empty, GCACHE_DIALECT_GOLANG);
  member_key(&s.m, "k", own, sizeof own);
  ask(&a, &s.m, own);
  remove_key(&c, &s, own);
  assert_int_equal(c.n, 2);
  assert_int_equal(c.statuses[0], 0);
  assert_golang_cannot(&s, &c, 1);
  assert_false(holds(&s, own));
  set_key(&c, &s, own);
  assert_int_equal(c.statuses[0], 0);
  assert_golang_cannot(&s, &c, 1);
  ask(&a, &s.m, own);
  assert_string_equal(a.value, "v");
  clear_group(&c, &s);
  assert_golang_cannot(&s, &c, 1);
  assert_false(holds(&s, own));
  scene_close(&s);
}

/* A Go peer drops the empty key, which a clear drops too, and is reported: it cannot clear. */
static void clear_asks_go_for_no_more_than_the_empty_key(void **state) {
  static const gcache_dialect_t two[] = {GCACHE_DIALECT_MAILGUN, GCACHE_DIALECT_GROUPCACHE_GO};
  struct scene s;
  struct changed c;

  for (size_t i = 0; i < 2; i++) {
    scene_open(&s, state, answer_empty, two[i]);
    clear_group(&c, &s);
    assert_int_equal(c.status, GCACHE_EPARTIAL);
    assert_int_equal(c.statuses[0], UV_ENOTSUP);
    assert_int_equal(s.peer.requests,
                     raw_count(s.peer.connections[0], "DELETE /_groupcache/g/ HTTP/1.1\r\n"));
    s.peer.on_request = answer_value; /* one that takes every method for GET */
    clear_group(&c, &s);
    assert_int_equal(c.statuses[0], UV_ENOTSUP);
    s.peer.on_request = answer_empty_as_gcache;
    clear_group(&c, &s);
    assert_int_equal(c.status, 0);
    assert_int_equal(raw_count(s.peer.connections[0], "\r\nGcache-Scope: group\r\n"),
                     s.peer.requests);
    scene_close(&s);
  }
}

/* --------------------------------------------------------------------------- our own headers -- */

static void assert_get_of(const struct scene *s, int connection, int nth, const char *key) {
  char text[160];
  const char *in = s->peer.connections[connection]->in;

  snprintf(text, sizeof text, "GET /_groupcache/g/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", key,
           s->peer.port);
  for (int i = 0; i < nth; i++)
    in = strstr(in, "\r\n\r\n") + 4;
  assert_int_equal(strncmp(in, text, strlen(text)), 0);
}

/* In groupcache-go the second and third, which wait for the first, leave as one POST. */
static void remove_three(struct scene *s) {
  struct changed c[3];
  char key[3][32];

  for (int i = 0; i < 3; i++) {
    char prefix[8];
    snprintf(prefix, sizeof prefix, "%c", 'x' + i);
    remove_start(&c[i], s, peers_key(s, prefix, key[i], sizeof key[i]));
  }
  for (int i = 0; i < 3; i++)
    run_loop_until(s->loop, &c[i].done, 1);
}

static void peer_that_is_not_gcache_never_sees_our_headers(void **state) {
  struct scene s;
  struct asked a;
  struct changed c;
  char key[32];

  for (size_t i = 1; i < N_DIALECTS; i++) {
    scene_open_listed(&s, state, answer_value, dialects[i]);
    for (int n = 0; n < 3; n++) {
      char prefix[8];
      snprintf(prefix, sizeof prefix, "%c", 'a' + n);
      ask(&a, &s.m, peers_key(&s, prefix, key, sizeof key));
      assert_there(&a);
      assert_get_of(&s, 0, n, key);
    }
    s.peer.on_request = answer_empty;
    set_key(&c, &s, key);
    remove_key(&c, &s, key);
    remove_three(&s);
    assert_int_equal(raw_count(s.peer.connections[0], "POST "),
                     dialects[i] == GCACHE_DIALECT_GROUPCACHE_GO);
    assert_int_equal(s.peer.n, 1);
    assert_null(raw_find(s.peer.connections[0], "Gcache"));
    scene_close(&s);
  }
}

static void answer_and_hang_up(struct raw *c) {
  answer_value_as_gcache(c);
  raw_finish(c);
}

static void peer_that_shows_itself_sees_our_headers_from_then_on(void **state) {
  struct scene s;
  struct asked a;
  char key[32], from[96];
  const struct raw *c;

  for (size_t i = 1; i < N_DIALECTS; i++) {
    scene_open_listed(&s, state, answer_value_as_gcache, dialects[i]);
    snprintf(from, sizeof from, "\r\nGcache-From: %s\r\n", s.m.url);
    ask(&a, &s.m, peers_key(&s, "a", key, sizeof key));
    assert_get_of(&s, 0, 0, key);
    c = s.peer.connections[0];
    assert_null(raw_find(c, "Gcache"));
    ask(&a, &s.m, peers_key(&s, "b", key, sizeof key));
    assert_int_equal(raw_count(c, "\r\nGcache-Timeout-Ms: "), 1);
    assert_int_equal(raw_count(c, from), 1);
    s.peer.on_request = answer_value; /* something else has taken its place */
    ask(&a, &s.m, peers_key(&s, "c", key, sizeof key));
    ask(&a, &s.m, peers_key(&s, "d", key, sizeof key));
    assert_int_equal(s.peer.n, 2); /* a fast lane, which has shown nothing */
    assert_int_equal(raw_count(s.peer.connections[1], "GET "), 2);
    assert_null(raw_find(s.peer.connections[1], "Gcache"));
    assert_int_equal(raw_count(c, "Gcache-Timeout-Ms: "), 1);
    scene_close(&s);
  }
}

static void new_connection_is_a_stranger_again(void **state) {
  struct scene s;
  struct asked a;
  char key[32];

  for (size_t i = 1; i < N_DIALECTS; i++) {
    scene_open_listed(&s, state, answer_and_hang_up, dialects[i]);
    for (int n = 0; n < 2; n++) {
      char prefix[8];
      snprintf(prefix, sizeof prefix, "%c", 'a' + n);
      ask(&a, &s.m, peers_key(&s, prefix, key, sizeof key));
      run_loop_until(s.loop, &s.peer.connections[n]->ended, 1);
      assert_get_of(&s, n, 0, key);
      assert_null(raw_find(s.peer.connections[n], "Gcache"));
    }
    scene_close(&s);
  }
}

/* Golang's states no expiry, and is kept all the same. */
static void value_of_a_peer_is_kept_hot(void **state) {
  struct scene s;
  struct asked a;
  char key[32];

  for (size_t i = 0; i < N_DIALECTS; i++) {
    scene_open_listed(&s, state,
                      dialects[i] == GCACHE_DIALECT_GOLANG ? answer_value_of_golang : answer_value,
                      dialects[i]);
    ask(&a, &s.m, peers_key(&s, "k", key, sizeof key));
    assert_there(&a);
    ask(&a, &s.m, key);
    assert_int_equal(a.from, GCACHE_FROM_HOT);
    assert_string_equal(a.value, "there");
    assert_int_equal(s.peer.requests, 1);
    scene_close(&s);
  }
}

/* --------------------------------------------------- a peer that asks back before it answers -- */

static struct raw *ask_back(struct scene *s, const char *key) {
  struct raw *c = raw_connect(s->loop, s->m.port);
  char text[160];

  snprintf(text, sizeof text,
           "GET /_groupcache/g/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
           "User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n",
           key, s->m.port);
  raw_say(c, text);
  return c;
}

static void hear(struct raw *c, const char *text) {
  while (raw_find(c, text) == NULL) {
    assert_false(c->ended);
    assert_true(uv_run(c->tcp.loop, UV_RUN_ONCE));
  }
}

static void end_client(struct raw *c) {
  raw_close(c);
  run_loop_until(c->tcp.loop, &c->closed, 1);
  raw_free(c);
}

static void peer_that_asks_back_is_answered_by_our_getter(void **state) {
  struct scene s;
  struct asked a[3];
  struct raw *back[2];
  char key[32], value[64];

  for (size_t d = 0; d < N_DIALECTS; d++) {
    scene_open_listed(&s, state, NULL, dialects[d]);
    peers_key(&s, "k", key, sizeof key);
    for (int i = 0; i < 3; i++)
      ask_start(&a[i], &s.m, key, 0);
    run_loop_until(s.loop, &s.peer.requests, 1);
    for (int i = 0; i < 2; i++)
      back[i] = ask_back(&s, key);
    snprintf(value, sizeof value, "here|%s|1", key);
    hear(back[0], value);
    hear(back[1], value);
    assert_int_equal(s.m.loads, 1);
    assert_int_equal(a[0].done + a[1].done + a[2].done, 0); /* the owner has not spoken */
    answer_value(s.peer.connections[0]);
    for (int i = 0; i < 3; i++) {
      run_loop_until(s.loop, &a[i].done, 1);
      assert_there(&a[i]);
    }
    assert_int_equal(s.peer.requests, 1);
    end_client(back[0]);
    end_client(back[1]);
    scene_close(&s);
  }
}

/* The two loads do not wait for each other either way round. */
static void peer_that_asks_back_may_answer_before_our_getter(void **state) {
  struct scene s;
  struct asked a;
  struct raw *back;
  char key[32];

  for (size_t d = 0; d < N_DIALECTS; d++) {
    scene_open_listed(&s, state, NULL, dialects[d]);
    peers_key(&s, "hold:", key, sizeof key);
    ask_start(&a, &s.m, key, 0);
    run_loop_until(s.loop, &s.peer.requests, 1);
    back = ask_back(&s, key);
    run_loop_until(s.loop, &s.m.n_held, 1);
    answer_value(s.peer.connections[0]);
    run_loop_until(s.loop, &a.done, 1);
    assert_there(&a);
    assert_int_equal(back->in_len, 0);
    member_release(&s.m);
    hear(back, "here|hold:");
    end_client(back);
    scene_close(&s);
  }
}

static void peer_that_asks_back_and_fails_is_replaced(void **state) {
  struct scene s;
  struct asked a;
  struct raw *back;
  char key[32];

  for (size_t d = 0; d < N_DIALECTS; d++) {
    scene_open_listed(&s, state, NULL, dialects[d]);
    peers_key(&s, "hold:", key, sizeof key);
    ask_start(&a, &s.m, key, 0);
    run_loop_until(s.loop, &s.peer.requests, 1);
    back = ask_back(&s, key);
    run_loop_until(s.loop, &s.m.n_held, 1);
    raw_close(s.peer.connections[0]);
    run_loop_until(s.loop, &s.peer.connections[0]->closed, 1);
    run_loop_turns(s.loop, 20);
    assert_int_equal(a.done, 0);
    member_release(&s.m);
    hear(back, "here|hold:");
    run_loop_until(s.loop, &a.done, 1);
    assert_int_equal(a.status, 0);
    assert_int_equal(a.from, GCACHE_FROM_LOAD);
    assert_int_equal(s.m.loads, 1); /* both have it from one getter run */
    end_client(back);
    scene_close(&s);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(golang_is_asked_for_no_change),
      TEST(member_of_golang_changes_its_own_memory),
      TEST(clear_asks_go_for_no_more_than_the_empty_key),
      TEST(peer_that_is_not_gcache_never_sees_our_headers),
      TEST(peer_that_shows_itself_sees_our_headers_from_then_on),
      TEST(new_connection_is_a_stranger_again),
      TEST(value_of_a_peer_is_kept_hot),
      TEST(peer_that_asks_back_is_answered_by_our_getter),
      TEST(peer_that_asks_back_may_answer_before_our_getter),
      TEST(peer_that_asks_back_and_fails_is_replaced),
  };

  return !!cmocka_run_group_tests_name("dialects_ask", tests, loop_warm_up, NULL);
}
