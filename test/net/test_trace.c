/* A trace over real sockets: from a get here to the getter of the owner, over HTTP/1.1 and HTTP/2,
 * and through gcache_serve(); and no key in the log at info or above, whatever goes wrong with it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define TP "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

struct heard {
  int runs;
  char traceparent[64]; /* of the last run; "" if none */
};

static void on_begin(void *data, const gcache_run_t *run) {
  struct heard *h = data;
  h->runs++;
  snprintf(h->traceparent, sizeof h->traceparent, "%s",
           run->traceparent == NULL ? "" : run->traceparent);
}

struct scene {
  struct member one, two;
  struct heard heard; /* of the getter of two */
};

static void scene_open(struct scene *s, uv_loop_t *loop, gcache_http_t http) {
  struct member *members[] = {&s->one, &s->two};
  memset(s, 0, sizeof *s);
  for (int i = 0; i < 2; i++) {
    gcache_options_t o;
    member_options(members[i], &o, loop, i == 0 ? "one" : "two");
    o.http = http;
    if (i == 1) o.hooks = (gcache_hooks_t){.load_begin = on_begin, .data = &s->heard};
    member_open(members[i], &o);
    member_group(members[i], "g");
    member_listen(members[i]);
  }
  members_know(&s->one, 2);
}

static void scene_end(struct scene *s) {
  member_end(&s->one);
  member_end(&s->two);
}

/* traceparent NULL: none. */
static void ask_two(struct scene *s, const char *prefix, const char *traceparent) {
  struct asked a;
  char key[64];
  int runs = s->heard.runs;
  member_key(&s->two, prefix, key, sizeof key);
  if (traceparent != NULL) assert_int_equal(gcache_trace_begin(s->one.cache, traceparent), 0);
  ask_start(&a, &s->one, key, 0);
  gcache_trace_end(s->one.cache);
  run_loop_until(s->one.loop, &a.done, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(s->heard.runs, runs + 1);
}

/* The first over a connection of which nothing is known, later ones beside fast lanes. */
static void to_the_owner(uv_loop_t *loop, gcache_http_t http) {
  struct scene s;
  scene_open(&s, loop, http);
  ask_two(&s, "first", TP);
  assert_string_equal(s.heard.traceparent, TP);
  for (int i = 0; i < 3; i++) {
    char prefix[16];
    snprintf(prefix, sizeof prefix, "plain%d", i);
    ask_two(&s, prefix, NULL);
    assert_string_equal(s.heard.traceparent, "");
    snprintf(prefix, sizeof prefix, "traced%d", i);
    ask_two(&s, prefix, TP);
    assert_string_equal(s.heard.traceparent, TP);
  }
  scene_end(&s);
}

static void a_trace_reaches_the_getter_of_the_owner_over_http_1(void **state) {
  to_the_owner(*state, GCACHE_HTTP_1);
}

static void a_trace_reaches_the_getter_of_the_owner_over_http_2(void **state) {
  gcache_options_t o;
  gcache_t *probe = NULL;
  gcache_options_init(&o);
  o.loop = *state;
  o.http = GCACHE_HTTP_2;
  int rc = gcache_open(&probe, &o);
  if (rc == UV_ENOTSUP) skip(); /* a build without it */
  assert_int_equal(rc, 0);
  gcache_close(probe, NULL, NULL);
  run_loop_turns(*state, 4);
  to_the_owner(*state, GCACHE_HTTP_2);
}

/* ----------------------------------------------------------------------------- on the wire ---- */

static void gets_and_changes_say_their_trace(void **state) {
  struct raw_server peer;
  struct member m;
  gcache_options_t o;
  struct asked a;
  struct changed c = {0};
  char key[64] = "k";
  raw_server_open(&peer, *state, NULL);
  member_options(&m, &o, *state, "m");
  member_open(&m, &o);
  member_group(&m, "g");
  const char *const urls[] = {peer.url};
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  assert_int_equal(gcache_trace_begin(m.cache, TP), 0);
  ask_start(&a, &m, key, 0);
  c.req.data = &c;
  assert_int_equal(gcache_remove(&c.req, m.group, gcache_cstr(key), 0, on_changed), 0);
  gcache_trace_end(m.cache);
  run_loop_until(m.loop, &peer.requests, 2);
  int traced = 0;
  for (int i = 0; i < peer.n; i++)
    traced += raw_count(peer.connections[i], "\r\ntraceparent: " TP "\r\n");
  assert_int_equal(traced, 2);
  gcache_get_cancel(&a.req);
  gcache_change_cancel(&c.req);
  run_loop_until(m.loop, &a.done, 1);
  run_loop_until(m.loop, &c.done, 1);
  raw_server_close(&peer);
  member_end(&m);
  raw_server_free(&peer);
}

/* ------------------------------------------------------------------------------ serve ---- */

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  int *done = req->data;
  assert_int_equal(status, 0);
  assert_int_equal(reply->status, 200);
  (*done)++;
}

static void serve(struct member *m, const char *path, const char *name, const char *value) {
  gcache_header_t header = {gcache_cstr(name), gcache_cstr(value)};
  gcache_http_request_t in = {
      .method = gcache_cstr("GET"), .path = gcache_cstr(path), .headers = &header, .n_headers = 1};
  gcache_serve_t req;
  int done = 0;
  req.data = &done;
  assert_int_equal(gcache_serve(&req, m->cache, &in, on_served), 0);
  run_loop_until(m->loop, &done, 1);
}

static void serve_takes_it_from_the_request(void **state) {
  struct scene s;
  scene_open(&s, *state, GCACHE_HTTP_AUTO);
  serve(&s.two, "/_groupcache/g/a", "TraceParent", TP);
  assert_string_equal(s.heard.traceparent, TP);
  serve(&s.two, "/_groupcache/g/b", "traceparent", TP "0");
  assert_string_equal(s.heard.traceparent, "");
  serve(&s.two, "/_groupcache/g/c", "tracestate", "a=b");
  assert_string_equal(s.heard.traceparent, "");
  assert_int_equal(s.heard.runs, 3);
  scene_end(&s);
}

/* ------------------------------------------------------------------------------ log ---- */

struct lines {
  int n, marked;
};

static void on_log(void *data, gcache_log_level_t level, const char *line) {
  struct lines *lines = data;
  lines->n++;
  if (level != GCACHE_LOG_DEBUG && strstr(line, "marked") != NULL) lines->marked++;
}

/* A peer that refuses, one that talks nonsense, keys that fail or are too long, changes that go
 * nowhere. */
static void no_key_is_logged_at_info_or_above(void **state) {
  struct raw_server peer;
  struct member m;
  gcache_options_t o;
  struct lines lines = {0};
  char key[5000];
  raw_server_open(&peer, *state, raw_close);
  member_options(&m, &o, *state, "m");
  o.log = on_log;
  o.log_data = &lines;
  member_open(&m, &o);
  member_group(&m, "g");
  member_listen(&m);
  const char *const urls[] = {peer.url, m.url, "http://127.0.0.1:1"};
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 3), 0);
  for (int i = 0; i < 30; i++) {
    static const char *const kinds[] = {"", "fail:", "missing:"};
    struct asked a;
    struct changed c = {0};
    snprintf(key, sizeof key, "%smarked%d", kinds[i % 3], i);
    ask(&a, &m, key);
    c.req.data = &c;
    assert_int_equal(gcache_remove(&c.req, m.group, gcache_cstr(key), 0, on_changed), 0);
    run_loop_until(m.loop, &c.done, 1);
  }
  struct raw *odd = raw_connect(m.loop, m.port);
  raw_say(odd, "GET /_groupcache/g/marked%zz HTTP/1.1\r\nHost: x\r\n\r\nGET /_groupcache/g/marked "
               "bad\r\n\r\n");
  run_loop_until(m.loop, &odd->ended, 1);
  raw_close(odd);
  run_loop_until(m.loop, &odd->closed, 1);
  raw_free(odd);
  assert_true(lines.n > 0); /* that peers are down, for one */
  assert_int_equal(lines.marked, 0);
  member_end(&m);
  raw_server_end(&peer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_trace_reaches_the_getter_of_the_owner_over_http_1,
                                      loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(a_trace_reaches_the_getter_of_the_owner_over_http_2,
                                      loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(gets_and_changes_say_their_trace, loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(serve_takes_it_from_the_request, loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(no_key_is_logged_at_info_or_above, loop_setup, loop_teardown),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
