/* Unit test of http/h2_client, against a plain nghttp2 server, and against ours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>
#include <uv.h>

#include "h2_client_run.h"

struct fixture {
  struct h2_asker a;
  struct h2_peer peer;
};

static int begin(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  h2_asker_open(&f->a);
  h2_peer_open(&f->peer, 1, NULL);
  h2_peer_greet(&f->peer);
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  h2_asker_end(&f->a);
  h2_peer_close(&f->peer);
  free(f);
  return 0;
}

static void answer(struct fixture *f, int32_t id, const char *status, const void *body,
                   size_t len) {
  nghttp2_nv nv[] = {h2_nv(":status", status), h2_nv("x", "y")};
  h2_peer_answer(&f->peer, id, nv, 2, body, len);
}

/* ------------------------------------------------------------------------- requests, answers -- */

static void a_request_gets_its_answer(void **state) {
  struct fixture *f = *state;
  gcache_header_t header = {gcache_cstr("Gcache-From"), gcache_cstr("http://x")};
  struct gci_http_message m = {.method = gcache_cstr("GET"),
                               .target = gcache_cstr("/a?b"),
                               .host = gcache_cstr("h:1"),
                               .headers = &header,
                               .n_headers = 1};
  assert_int_equal(gci_http_client_send(f->a.client, &m, &f->a.told[0]), 0);
  assert_int_equal(gci_http_client_pending(f->a.client), 1);
  assert_false(gci_http_client_begun(f->a.client, &f->a.told[0]));
  h2_asker_talk(&f->a, &f->peer);
  assert_string_equal(h2_got(&f->peer, 1)->head, ":method=GET\n:scheme=http\n:authority=h:1\n"
                                                 ":path=/a?b\ngcache-from=http://x\n");
  assert_true(h2_got(&f->peer, 1)->whole);
  answer(f, 1, "200", "hello", 5);
  h2_asker_talk(&f->a, &f->peer);
  struct h2_told *told = &f->a.told[0];
  assert_int_equal(told->answers, 1);
  assert_int_equal(told->http_status, 200);
  assert_string_equal(told->head, "x=y\n");
  assert_int_equal(gcache_value_bytes(told->body).len, 5);
  assert_memory_equal(gcache_value_bytes(told->body).base, "hello", 5);
  assert_int_equal(gci_http_client_pending(f->a.client), 0);
  assert_int_equal(f->a.failures, 0);
  assert_true(gci_http_client_reusable(f->a.client));
}

static void answers_come_in_any_order_and_any_pieces(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(h2_asker_get(&f->a, i, "/"), 0);
  h2_asker_talk(&f->a, &f->peer);
  static const int order[] = {3, 0, 4, 2, 1};
  static const char *const texts[] = {"a", "b", "c", "d", "e"};
  for (int i = 0; i < 5; i++) {
    answer(f, 1 + 2 * order[i], "200", texts[order[i]], 1);
    h2_asker_talk_by(&f->a, &f->peer, 1);
    struct h2_told *told = &f->a.told[order[i]];
    assert_int_equal(told->answers, 1);
    assert_memory_equal(gcache_value_bytes(told->body).base, texts[order[i]], 1);
    assert_int_equal(f->a.answers, i + 1);
  }
}

static void a_put_sends_its_value(void **state) {
  struct fixture *f = *state;
  gcache_value_t *value = gci_value_block(f->a.env.mem, 300000);
  memset(gci_value_fill(value), 'v', 300000);
  assert_int_equal(h2_asker_send(&f->a, 0, "PUT", "/", value), 0);
  h2_asker_talk(&f->a, &f->peer);
  struct h2_got *got = h2_got(&f->peer, 1);
  assert_true(got->whole);
  assert_int_equal(got->body_len, 300000);
  assert_memory_equal(got->body, gcache_value_bytes(value).base, 300000);
  assert_non_null(strstr(got->head, "content-length=300000\n"));
  answer(f, 1, "204", NULL, 0);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.told[0].http_status, 204);
  assert_null(f->a.told[0].body);
  gcache_value_unref(value);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void thousands_of_streams_go_through_one_connection(void **state) {
  struct fixture *f = *state;
  struct h2_run run;
  size_t sent = 0;
  char target[32];
  h2_run_open(&run, H2_REPLY_AT_ONCE);
  double began = seconds();
  while (f->a.answers < 10000) {
    while (sent < 10000 && gci_http_client_room(f->a.client) > 0) {
      snprintf(target, sizeof target, "/%zu", sent);
      assert_int_equal(h2_asker_get(&f->a, sent++, target), 0);
    }
    h2_asker_exchange(&f->a, &run);
    assert_int_equal(f->a.error, 0);
  }
  print_message("%.0f streams/s, both sides\n", 10000 / (seconds() - began));
  for (size_t i = 0; i < 10000; i++) {
    int n = snprintf(target, sizeof target, "/%zu", i);
    assert_int_equal(gcache_value_bytes(f->a.told[i].body).len, n);
    assert_memory_equal(gcache_value_bytes(f->a.told[i].body).base, target, (size_t)n);
  }
  assert_int_equal(run.requests, 10000);
  assert_false(gci_http_server_wants_close(run.server));
  h2_run_end(&run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
      T(a_request_gets_its_answer),
      T(answers_come_in_any_order_and_any_pieces),
      T(a_put_sends_its_value),
      T(thousands_of_streams_go_through_one_connection),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
