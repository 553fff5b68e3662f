/* gcache_close() at every point of a busy life: each request ends once, and nothing of the cache is
 * left in memory or on the loop. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define GETS 6
#define CLIENTS 3
#define POINTS 60

struct busy {
  struct member m[2];
  struct asked gets[2][GETS];
  struct changed changes[2];
  struct raw *clients[CLIENTS];
  gcache_exchange_t *kept[CLIENTS];
  int n_kept, drained;
};

static void on_app_request(gcache_exchange_t *x, void *arg) {
  struct busy *b = arg;

  b->kept[b->n_kept++] = x;
}

static void on_drained(void *arg) {
  ++*(int *)arg;
}

static void begin(struct busy *b, uv_loop_t *loop) {
  static const char *const keys[GETS] = {"k1", "hold:1", "missing:1", "k2", "fail:1", "big:99999:"};
  static const char *const requests[CLIENTS] = {
      "GET /_groupcache/g/hold:2 HTTP/1.1\r\nHost: x\r\n\r\nGET /_groupcache/g/k HTTP/1.1\r\nHost:",
      "GET /app HTTP/1.1\r\nHost: x\r\n\r\n",
      "PUT /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n\x0a\x01g\x12",
  };
  gcache_value_t *value;

  memset(b, 0, sizeof *b);
  member_start(&b->m[0], loop, "A");
  member_start(&b->m[1], loop, "B");
  members_know(b->m, 2);
  gcache_set_handler(b->m[0].cache, on_app_request, b);
  for (int i = 0; i < GETS; i++)
    for (int j = 0; j < 2; j++)
      ask_start(&b->gets[j][i], &b->m[j], keys[i], 0);
  for (int i = 0; i < CLIENTS; i++) {
    b->clients[i] = raw_connect(loop, b->m[0].port);
    raw_say(b->clients[i], requests[i]);
  }
  b->changes[0].req.data = &b->changes[0];
  b->changes[1].req.data = &b->changes[1];
  value = gcache_value_copy(b->m[0].cache, gcache_cstr("v"), GCACHE_NEVER);
  assert_int_equal(
      gcache_set(&b->changes[0].req, b->m[0].group, gcache_cstr("k2"), value, 0, on_changed), 0);
  gcache_value_unref(value);
  assert_int_equal(gcache_clear(&b->changes[1].req, b->m[1].group, 0, on_changed), 0);
}

static void reply_kept(struct busy *b) {
  while (b->n_kept > 0)
    gcache_exchange_reply(b->kept[--b->n_kept], 200, NULL, 0, gcache_cstr("late"));
}

static void end(struct busy *b, uv_loop_t *loop) {
  reply_kept(b);
  member_end(&b->m[0]);
  member_end(&b->m[1]);
  for (int j = 0; j < 2; j++) {
    for (int i = 0; i < GETS; i++)
      assert_int_equal(b->gets[j][i].done, 1);
    assert_int_equal(b->changes[j].done, 1);
  }
  for (int i = 0; i < CLIENTS; i++) {
    raw_close(b->clients[i]);
    run_loop_until(loop, &b->clients[i]->closed, 1);
    raw_free(b->clients[i]);
  }
}

static void close_after_any_number_of_turns_leaves_nothing(void **state) {
  struct busy b;

  for (int point = 0; point < POINTS; point++) {
    begin(&b, *state);
    run_loop_turns(*state, point);
    end(&b, *state);
  }
}

static void both_closing_at_once_leave_nothing(void **state) {
  struct busy b;

  for (int point = 0; point < POINTS; point++) {
    begin(&b, *state);
    run_loop_turns(*state, point);
    member_close(&b.m[1]);
    member_close(&b.m[0]);
    while (!b.m[0].closed || !b.m[1].closed) {
      reply_kept(&b);
      member_release(&b.m[0]);
      member_release(&b.m[1]);
      assert_true(uv_run(*state, UV_RUN_ONCE) != 0 || (b.m[0].closed && b.m[1].closed));
    }
    assert_int_equal(b.m[0].oom.blocks + b.m[1].oom.blocks, 0);
    b.m[0].cache = b.m[1].cache = NULL;
    end(&b, *state);
  }
}

static void close_in_the_middle_of_a_drain_leaves_nothing(void **state) {
  struct busy b;

  for (int point = 0; point < POINTS; point++) {
    begin(&b, *state);
    run_loop_turns(*state, point / 2);
    gcache_listener_close(b.m[0].listener, on_drained, &b.drained);
    run_loop_turns(*state, point);
    end(&b, *state);
    assert_int_equal(b.drained, 1);
  }
}

/* ----------------------------------------------------------------- from inside callbacks ---- */

static struct member *to_close;

static void close_in_get(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asked *a = req->data;

  (void)value;
  a->done++;
  a->status = status;
  if (to_close != NULL) member_close(to_close);
  to_close = NULL;
}

static void get_callback_may_close_the_cache(void **state) {
  static const char *const keys[] = {"k", "missing:1", "fail:1"};
  struct member m;
  struct asked a[2];

  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    member_start(&m, *state, "A");
    memset(a, 0, sizeof a);
    for (int j = 0; j < 2; j++) {
      a[j].req.data = &a[j];
      assert_int_equal(gcache_get(&a[j].req, m.group, gcache_cstr(keys[i]), 0, close_in_get), 0);
    }
    to_close = &m;
    run_loop_until(m.loop, &m.closed, 1);
    assert_int_equal(a[0].done + a[1].done, 2);
    assert_int_equal(m.oom.blocks, 0);
  }
}

static void close_in_handler(gcache_exchange_t *x, void *arg) {
  struct member *m = arg;

  member_close(m);
  assert_int_equal(gcache_exchange_reply(x, 200, NULL, 0, gcache_cstr("bye")), 0);
}

static void handler_may_close_the_cache_and_reply(void **state) {
  struct member m;
  struct raw *c;

  member_start(&m, *state, "A");
  gcache_set_handler(m.cache, close_in_handler, &m);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.closed, 1);
  assert_int_equal(m.oom.blocks, 0);
  raw_close(c);
  run_loop_until(m.loop, &c->closed, 1);
  raw_free(c);
}

static void close_in_gone(gcache_exchange_t *x, void *arg) {
  struct member *m = arg;

  assert_int_equal(gcache_exchange_reply(x, 200, NULL, 0, gcache_cstr("")), 0);
  member_close(m);
}

static void keep_and_watch(gcache_exchange_t *x, void *arg) {
  struct member *m = arg;

  m->cancels++;
  gcache_exchange_on_gone(x, close_in_gone, m);
}

static void gone_callback_may_close_the_cache(void **state) {
  struct member m;
  struct raw *c;

  member_start(&m, *state, "A");
  gcache_set_handler(m.cache, keep_and_watch, &m);
  c = raw_connect(m.loop, m.port);
  raw_say(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_loop_until(m.loop, &m.cancels, 1);
  raw_close(c);
  run_loop_until(m.loop, &m.closed, 1);
  assert_int_equal(m.oom.blocks, 0);
  run_loop_until(m.loop, &c->closed, 1);
  raw_free(c);
}

static void close_when_drained(void *arg) {
  member_close(arg);
}

static void drained_callback_may_close_the_cache(void **state) {
  struct member m;

  member_start(&m, *state, "A");
  gcache_listener_close(m.listener, close_when_drained, &m);
  run_loop_until(m.loop, &m.closed, 1);
  assert_int_equal(m.oom.blocks, 0);
}

/* ------------------------------------------------------------------------------- the loop ---- */

static void open_cache_does_not_keep_the_loop_alive(void **state) {
  struct member m;
  struct asked a;
  gcache_options_t o;

  member_options(&m, &o, *state, "A");
  member_open(&m, &o);
  member_group(&m, "g");
  assert_int_equal(uv_run(m.loop, UV_RUN_DEFAULT), 0);
  ask_start(&a, &m, "brief:1", 0);
  assert_int_equal(uv_run(m.loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(a.done, 1); /* what was asked is answered first */
  member_listen(&m);
  assert_true(uv_loop_alive(m.loop));
  gcache_listener_close(m.listener, NULL, NULL);
  assert_int_equal(uv_run(m.loop, UV_RUN_DEFAULT), 0);
  member_close(&m);
  assert_int_equal(uv_run(m.loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(m.closed, 1);
  assert_int_equal(m.oom.blocks, 0);
}

static void everything_is_refused_while_closing(void **state) {
  struct member m;
  struct asked a;
  struct changed c;
  struct sockaddr_in addr;
  gcache_group_options_t go;
  gcache_group_t *group;
  gcache_listener_t *listener;

  member_start(&m, *state, "A");
  member_close(&m);
  gcache_group_options_init(&go);
  go.max_bytes = 1 << 20;
  go.getter = (gcache_getter_cb)0;
  uv_ip4_addr("127.0.0.1", 0, &addr);
  assert_int_equal(gcache_get(&a.req, m.group, gcache_cstr("k"), 0, close_in_get), GCACHE_ECLOSING);
  assert_int_equal(gcache_remove(&c.req, m.group, gcache_cstr("k"), 0, on_changed),
                   GCACHE_ECLOSING);
  assert_int_equal(gcache_set_peers(m.cache, NULL, NULL, 0), GCACHE_ECLOSING);
  assert_int_equal(gcache_set_self(m.cache, "http://a:1"), GCACHE_ECLOSING);
  assert_int_equal(gcache_listen(&listener, m.cache, (const struct sockaddr *)&addr, 8),
                   GCACHE_ECLOSING);
  assert_true(gcache_group_open(&group, m.cache, "h", &go) < 0);
  run_loop_until(m.loop, &m.closed, 1);
  assert_int_equal(m.oom.blocks, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* the raw peers' own: they write by libuv to those who have left */
  const struct CMUnitTest tests[] = {
      TEST(close_after_any_number_of_turns_leaves_nothing),
      TEST(both_closing_at_once_leave_nothing),
      TEST(close_in_the_middle_of_a_drain_leaves_nothing),
      TEST(get_callback_may_close_the_cache),
      TEST(handler_may_close_the_cache_and_reply),
      TEST(gone_callback_may_close_the_cache),
      TEST(drained_callback_may_close_the_cache),
      TEST(open_cache_does_not_keep_the_loop_alive),
      TEST(everything_is_refused_while_closing),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
