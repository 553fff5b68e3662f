/* The n-th allocation fails, for every n, then all from the n-th on: every caller still gets an
 * answer or an end, and nothing is left. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "place.h"
#include "raw.h"

/* A cache that lives on memory which fails; NULL when there was not enough to open it. */
static int open_in(struct member *m, struct oom *oom, uv_loop_t *loop, const char *name) {
  gcache_options_t o;

  member_options(m, &o, loop, name);
  o.mem = oom_mem(oom);
  if (gcache_open(&m->cache, &o) == 0) return 0;
  run_loop_turns(loop, 2); /* libuv closes its handles */
  return -1;
}

static void end(struct member *m) {
  member_close(m);
  run_loop_until(m->loop, &m->closed, 1);
}

static void on_load(gcache_load_t *load) {
  gcache_load_done_copy(load, gcache_cstr("here"), 0);
}

static int open_group(struct member *m) {
  gcache_group_options_t go;

  gcache_group_options_init(&go);
  go.max_bytes = 1 << 20;
  go.getter = on_load;
  return gcache_group_open(&m->group, m->cache, "g", &go);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asked *a = req->data;

  (void)value;
  a->done++;
  a->status = status;
}

/* ---------------------------------------------------------------------------- asking peers -- */

static void answer_value(struct raw *c) {
  raw_answer_value(c, "there");
}

static void die_second(struct raw *c) {
  if (c->requests == 2)
    raw_close(c);
  else
    answer_value(c);
}

static void get_twice(struct member *m) {
  struct asked a = {0};

  a.req.data = &a;
  for (int i = 1; i <= 2; i++) {
    if (gcache_get(&a.req, m->group, gcache_cstr("k"), 0, on_got) < 0) continue;
    int done = a.done;
    run_loop_until(m->loop, &a.done, done + 1);
    assert_true(a.status == 0 || a.status == GCACHE_ELOAD || a.status == UV_ENOMEM);
  }
}

static void ask_peer(struct oom *oom, void *arg) {
  struct raw_server *peer = arg;
  const char *url = peer->url;
  struct changed c = {0};
  struct member m;

  if (open_in(&m, oom, peer->tcp.loop, "client") < 0) return;
  c.req.data = &c;
  if (open_group(&m) == 0 && gcache_set_peers(m.cache, &url, NULL, 1) == 0) {
    get_twice(&m);
    if (gcache_remove(&c.req, m.group, gcache_cstr("k"), 0, on_changed) == 0)
      run_loop_until(m.loop, &c.done, 1);
  }
  end(&m);
  for (int i = 0; i < peer->n; i++) { /* the peer's side of the connections */
    raw_close(peer->connections[i]);
    run_loop_until(m.loop, &peer->connections[i]->closed, 1);
    raw_free(peer->connections[i]);
  }
  peer->n = 0;
}

static void sweep_peer(void **state, void (*on_request)(struct raw *c)) {
  struct raw_server peer;

  raw_server_open(&peer, *state, on_request);
  assert_true(oom_sweep(ask_peer, &peer) > 20);
  raw_server_end(&peer);
}

static void asking_a_peer_survives_every_failure(void **state) {
  sweep_peer(state, answer_value);
}

static void asking_a_peer_anew_survives_every_failure(void **state) {
  sweep_peer(state, die_second);
}

/* ---------------------------------------------------------------------------- being asked ---- */

static void on_app_request(gcache_exchange_t *x, void *arg) {
  gcache_bytes_t param;

  (void)arg;
  if (gcache_exchange_param(x, "a", &param) < 0) param = gcache_cstr("none");
  assert_int_equal(gcache_exchange_reply(x, 200, NULL, 0, param), 0);
}

static int count_answers(const struct raw *c) {
  return raw_count(c, "HTTP/1.1 ");
}

static void be_asked(struct oom *oom, void *arg) {
  static const char requests[] =
      "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /app?a=%41 HTTP/1.1\r\nHost: x\r\n\r\n"
      "PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"
      "\x0a\x01g\x12\x01k\x1a\x01w\x20\x00";
  uv_loop_t *loop = arg;
  struct member m;
  struct raw *c;

  if (open_in(&m, oom, loop, "server") < 0) return;
  if (open_group(&m) == 0 && (m.port = place_listen_cache(&m.listener, m.cache)) >= 0) {
    gcache_set_handler(m.cache, on_app_request, NULL);
    c = raw_connect(loop, m.port);
    raw_send(c, requests, sizeof requests - 1); /* one write: a second could meet a closed socket */
    while (!c->ended && count_answers(c) < 3)
      assert_true(uv_run(loop, UV_RUN_ONCE) != 0);
    raw_close(c);
    run_loop_until(loop, &c->closed, 1);
    raw_free(c);
  }
  end(&m);
}

static void being_asked_survives_every_failure(void **state) {
  assert_true(oom_sweep(be_asked, *state) > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(asking_a_peer_survives_every_failure),
      TEST(asking_a_peer_anew_survives_every_failure),
      TEST(being_asked_survives_every_failure),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
