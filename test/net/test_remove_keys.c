/* groupcache-go's removal of many keys at once: the request to a peer, and the response to a
 * peer. */
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
#include "world.h"

#define MANY 300

struct scene {
  uv_loop_t *loop;
  struct raw_server peer;
  struct member m; /* a client-only member, whose only peer is `peer` */
  struct changed *changes;
};

static void groupcache_go(gcache_options_t *o) {
  o->dialect = GCACHE_DIALECT_GROUPCACHE_GO;
}

static void scene_open(struct scene *s, void **state, void (*on_request)(struct raw *c)) {
  gcache_options_t o;
  const char *urls[1];

  memset(s, 0, sizeof *s);
  s->loop = *state;
  s->changes = calloc(MANY, sizeof *s->changes);
  raw_server_open(&s->peer, s->loop, on_request);
  member_options(&s->m, &o, s->loop, "here");
  groupcache_go(&o);
  o.conns_per_peer = 1;
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  urls[0] = s->peer.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 1), 0);
}

static void scene_close(struct scene *s) {
  member_end(&s->m);
  raw_server_end(&s->peer);
  free(s->changes);
}

static void remove_start(struct scene *s, int i, const char *key) {
  s->changes[i].req.data = &s->changes[i];
  assert_int_equal(gcache_remove(&s->changes[i].req, s->m.group, gcache_cstr(key), 0, on_changed),
                   0);
}

static void start_many(struct scene *s, int n) {
  char key[16];
  for (int i = 0; i < n; i++) {
    snprintf(key, sizeof key, "k%d", i);
    remove_start(s, i, key);
  }
}

static void wait_for_all(struct scene *s, int n, int status) {
  for (int i = 0; i < n; i++) {
    run_loop_until(s->loop, &s->changes[i].done, 1);
    assert_int_equal(s->changes[i].status, status);
  }
}

static void answer_empty(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void removes_of_one_turn_leave_as_one_request(void **state) {
  struct scene s;

  scene_open(&s, state, answer_empty);
  start_many(&s, MANY);
  wait_for_all(&s, MANY, 0);
  assert_int_equal(s.peer.n, 1);
  assert_int_equal(s.peer.requests, 1);
  assert_non_null(
      raw_find(s.peer.connections[0], "POST /_groupcache/g/_remove-keys/ HTTP/1.1\r\n"));
  assert_non_null(
      raw_find(s.peer.connections[0], "\r\n\r\n{\"group\":\"g\",\"keys\":[\"k0\",\"k1\",\"k2\","));
  assert_non_null(raw_find(s.peer.connections[0], "\"k298\",\"k299\"]}"));
  scene_close(&s);
}

static void one_remove_is_a_delete(void **state) {
  struct scene s;

  scene_open(&s, state, answer_empty);
  start_many(&s, 1);
  wait_for_all(&s, 1, 0);
  assert_int_equal(s.peer.requests, 1);
  assert_non_null(raw_find(s.peer.connections[0], "DELETE /_groupcache/g/k0 HTTP/1.1\r\n"));
  scene_close(&s);
}

static void keys_that_json_cannot_carry_go_alone(void **state) {
  struct scene s;

  scene_open(&s, state, answer_empty);
  remove_start(&s, 0, "a");
  remove_start(&s, 1, "b");
  remove_start(&s, 2, "\xff");
  remove_start(&s, 3, "c");
  remove_start(&s, 4, "d");
  wait_for_all(&s, 5, 0);
  assert_int_equal(s.peer.requests, 3);
  assert_non_null(raw_find(s.peer.connections[0], "{\"group\":\"g\",\"keys\":[\"a\",\"b\"]}"));
  assert_non_null(raw_find(s.peer.connections[0], "DELETE /_groupcache/g/%FF HTTP/1.1\r\n"));
  assert_non_null(raw_find(s.peer.connections[0], "{\"group\":\"g\",\"keys\":[\"c\",\"d\"]}"));
  scene_close(&s);
}

static void refuse_post(struct raw *c) {
  if (raw_count(c, "DELETE ") > 0)
    answer_empty(c);
  else
    raw_say(c, "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
}

static void peer_that_does_not_know_it_is_asked_one_by_one(void **state) {
  struct scene s;

  scene_open(&s, state, refuse_post);
  start_many(&s, 20);
  wait_for_all(&s, 20, 0);
  assert_int_equal(raw_count(s.peer.connections[0], "POST "), 1);
  assert_int_equal(raw_count(s.peer.connections[0], "DELETE "), 20);
  scene_close(&s);
}

static void answer_broken(struct raw *c) {
  raw_say(c, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
}

static void failure_is_reported_for_each(void **state) {
  struct scene s;

  scene_open(&s, state, answer_broken);
  start_many(&s, 20);
  wait_for_all(&s, 20, GCACHE_EPARTIAL);
  assert_int_equal(s.peer.requests, 1);
  for (int i = 0; i < 20; i++) {
    assert_int_equal(s.changes[i].statuses[0], GCACHE_EPEER);
    assert_non_null(strstr(s.changes[i].reasons[0], "answered 500"));
  }
  scene_close(&s);
}

static void one_who_leaves_on_the_way_disturbs_no_other(void **state) {
  struct scene s;

  scene_open(&s, state, NULL);
  start_many(&s, 20);
  run_loop_until(s.loop, &s.peer.requests, 1);
  gcache_change_cancel(&s.changes[0].req);
  gcache_change_cancel(&s.changes[7].req);
  run_loop_until(s.loop, &s.changes[7].done, 1);
  assert_int_equal(s.changes[0].status, UV_ECANCELED);
  run_loop_turns(s.loop, 10);
  assert_int_equal(s.changes[1].done, 0);
  answer_empty(s.peer.connections[0]);
  for (int i = 1; i < 20; i++) {
    if (i == 7) continue;
    run_loop_until(s.loop, &s.changes[i].done, 1);
    assert_int_equal(s.changes[i].status, 0);
  }
  assert_int_equal(s.peer.requests, 1);
  scene_close(&s);
}

static void when_all_leave_the_connection_goes(void **state) {
  struct scene s;

  scene_open(&s, state, NULL);
  start_many(&s, 3);
  run_loop_until(s.loop, &s.peer.requests, 1);
  for (int i = 0; i < 3; i++)
    gcache_change_cancel(&s.changes[i].req);
  run_loop_until(s.loop, &s.peer.connections[0]->ended, 1);
  scene_close(&s);
}

static void connection_that_was_dead_is_replaced_for_all(void **state) {
  struct scene s;

  scene_open(&s, state, answer_empty);
  start_many(&s, 1);
  wait_for_all(&s, 1, 0);
  memset(s.changes, 0, MANY * sizeof *s.changes);
  s.peer.on_request = raw_close;
  start_many(&s, 5);
  run_loop_until(s.loop, &s.peer.requests, 2);
  s.peer.on_request = answer_empty;
  wait_for_all(&s, 5, 0);
  assert_int_equal(s.peer.n, 2);
  assert_non_null(raw_find(s.peer.connections[1],
                           "{\"group\":\"g\",\"keys\":[\"k0\",\"k1\",\"k2\",\"k3\",\"k4\"]}"));
  scene_close(&s);
}

/* ------------------------------------------------------------------------------ being asked -- */

static void post(struct raw *c, const char *path, const char *body) {
  char text[512];
  snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", path,
           strlen(body), body);
  raw_say(c, text);
}

static void hold_key(struct member *m, const char *key) {
  struct asked a;
  gcache_value_t *v;
  ask(&a, m, key);
  assert_int_equal(a.status, 0);
  v = gcache_peek(m->group, gcache_cstr(key));
  assert_non_null(v);
  gcache_value_unref(v);
}

static int holds(struct member *m, const char *key) {
  gcache_value_t *v = gcache_peek(m->group, gcache_cstr(key));
  gcache_value_unref(v);
  return v != NULL;
}

static void answers(struct member *m, const char *path, const char *body, const char *wanted) {
  struct raw *c = raw_connect(m->loop, m->port);
  post(c, path, body);
  while (raw_find(c, wanted) == NULL && !c->ended)
    assert_true(uv_run(m->loop, UV_RUN_ONCE));
  assert_non_null(raw_find(c, wanted));
  raw_close(c);
  run_loop_until(m->loop, &c->closed, 1);
  raw_free(c);
}

static void member_open_in(struct member *m, uv_loop_t *loop, gcache_dialect_t dialect) {
  gcache_options_t o;
  member_options(m, &o, loop, "m");
  o.dialect = dialect;
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static void keys_of_a_post_are_removed(void **state) {
  struct member m;

  member_open_in(&m, *state, GCACHE_DIALECT_GROUPCACHE_GO);
  hold_key(&m, "a<b>");
  hold_key(&m, "c");
  hold_key(&m, "stays");
  answers(&m, "/_groupcache/g/_remove-keys/",
          "{\"group\":\"g\",\"keys\":[\"a\\u003cb\\u003e\",\"c\",\"unknown\"]}", "HTTP/1.1 200 ");
  assert_false(holds(&m, "a<b>"));
  assert_false(holds(&m, "c"));
  assert_true(holds(&m, "stays"));
  member_end(&m);
}

struct mounted {
  gcache_serve_t req;
  int done, http;
};

static void on_mounted_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  struct mounted *mounted = req->data;

  mounted->done = 1;
  mounted->http = status < 0 ? status : reply->status;
}

static void keys_of_a_post_to_the_applications_server_are_removed(void **state) {
  struct mounted mounted = {.done = 0};
  gcache_http_request_t in = {.method = gcache_cstr("POST"),
                              .path = gcache_cstr("/_groupcache/g/_remove-keys/"),
                              .body = gcache_cstr("{\"group\":\"g\",\"keys\":[\"k\"]}")};
  struct member m;

  member_open_in(&m, *state, GCACHE_DIALECT_GROUPCACHE_GO);
  hold_key(&m, "k");
  mounted.req.data = &mounted;
  assert_int_equal(gcache_serve(&mounted.req, m.cache, &in, on_mounted_served), 0);
  run_loop_until(*state, &mounted.done, 1);
  assert_int_equal(mounted.http, 200);
  assert_false(holds(&m, "k"));
  member_end(&m);
}

static void post_that_is_wrong_removes_nothing(void **state) {
  static const struct {
    const char *path, *body, *answer;
  } cases[] = {
      {"/_groupcache/g/_remove-keys/", "{\"group\":\"h\",\"keys\":[\"k\"]}", "HTTP/1.1 400 "},
      {"/_groupcache/g/_remove-keys/", "{\"group\":\"g\",\"keys\":[\"k\"", "HTTP/1.1 400 "},
      {"/_groupcache/g/_remove-keys/", "", "HTTP/1.1 400 "},
      {"/_groupcache/h/_remove-keys/", "{\"group\":\"h\",\"keys\":[\"k\"]}", "HTTP/1.1 500 "},
      {"/_groupcache/g/_remove-keys", "{\"group\":\"g\",\"keys\":[\"k\"]}", "HTTP/1.1 405 "},
      {"/_groupcache/g/k", "{\"group\":\"g\",\"keys\":[\"k\"]}", "HTTP/1.1 405 "},
  };
  struct member m;

  member_open_in(&m, *state, GCACHE_DIALECT_GROUPCACHE_GO);
  hold_key(&m, "k");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    answers(&m, cases[i].path, cases[i].body, cases[i].answer);
    assert_true(holds(&m, "k"));
  }
  member_end(&m);
}

static void in_other_dialects_it_is_a_key_like_any_other(void **state) {
  struct member m;

  member_open_in(&m, *state, GCACHE_DIALECT_MAILGUN);
  hold_key(&m, "k");
  answers(&m, "/_groupcache/g/_remove-keys/", "{\"group\":\"g\",\"keys\":[\"k\"]}",
          "m|_remove-keys/|");
  assert_true(holds(&m, "k"));
  member_end(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(removes_of_one_turn_leave_as_one_request),
      TEST(one_remove_is_a_delete),
      TEST(keys_that_json_cannot_carry_go_alone),
      TEST(peer_that_does_not_know_it_is_asked_one_by_one),
      TEST(failure_is_reported_for_each),
      TEST(one_who_leaves_on_the_way_disturbs_no_other),
      TEST(when_all_leave_the_connection_goes),
      TEST(connection_that_was_dead_is_replaced_for_all),
      TEST(keys_of_a_post_are_removed),
      TEST(keys_of_a_post_to_the_applications_server_are_removed),
      TEST(post_that_is_wrong_removes_nothing),
      TEST(in_other_dialects_it_is_a_key_like_any_other),
  };

  return !!cmocka_run_group_tests_name("remove_keys", tests, loop_warm_up, NULL);
}
