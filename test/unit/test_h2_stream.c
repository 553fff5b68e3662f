/* Unit test of responses in parts over HTTP/2, against a plain nghttp2 client. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <uv.h>

#include "h2_server_run.h"

enum { WINDOW = 65535 }; /* RFC 9113, 6.9.2 */

struct fixture {
  struct h2_run run;
  struct h2_peer peer;
  int gone;
};

static int set_up(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  h2_run_open(&f->run, H2_REPLY_LATER);
  h2_peer_open(&f->peer, 0, NULL);
  h2_peer_greet(&f->peer);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  struct fixture *f = *state;
  h2_run_end(&f->run);
  h2_peer_close(&f->peer);
  free(f);
  return 0;
}

static void on_gone(struct gci_http_exchange *x) {
  ((struct fixture *)x->data)->gone++;
}

/* The stream of a request that has been handed up as the i-th. */
static int32_t ask(struct fixture *f, const char *method, size_t i) {
  int32_t id = h2_peer_put(&f->peer, method, "/", NULL, 0);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(f->run.n_owed, i + 1);
  f->run.owed[i]->data = f;
  f->run.owed[i]->gone = on_gone;
  return id;
}

static void begin(struct fixture *f, size_t i) {
  struct gci_http_message head = {.status = 200};
  assert_int_equal(gci_http_begin(f->run.owed[i], &head), 0);
}

static void part(struct fixture *f, size_t i, const char *text) {
  struct gci_http_message part = {.before = gcache_cstr(text)};
  assert_int_equal(gci_http_part(f->run.owed[i], &part), 0);
}

static void end(struct fixture *f, size_t i) {
  assert_int_equal(gci_http_end(f->run.owed[i]), 0);
  f->run.owed[i] = NULL;
}

static void give_up(struct fixture *f, int32_t id) {
  nghttp2_submit_rst_stream(f->peer.ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  h2_run_talk(&f->run, &f->peer);
}

static void assert_got(struct fixture *f, int32_t id, const char *expected, int whole) {
  struct h2_got *got = h2_got(&f->peer, id);
  assert_int_equal(got->whole, whole);
  assert_int_equal(got->body_len, strlen(expected));
  if (got->body_len > 0) assert_memory_equal(got->body, expected, got->body_len);
}

/* ----------------------------------------------------------------------------------- parts -- */

static void parts_leave_as_they_come(void **state) {
  struct fixture *f = *state;
  int32_t id = ask(f, "GET", 0);
  begin(f, 0);
  assert_int_equal(f->run.ready, 1);
  h2_run_talk(&f->run, &f->peer);
  assert_string_equal(h2_got(&f->peer, id)->head, ":status=200\n");
  part(f, 0, "one");
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, id, "one", 0);
  part(f, 0, "");
  part(f, 0, " two");
  part(f, 0, " three");
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, id, "one two three", 0);
  assert_int_equal(gci_http_server_pending(f->run.server), 1);
  end(f, 0);
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, id, "one two three", 1);
  assert_int_equal(h2_got(&f->peer, id)->code, NGHTTP2_NO_ERROR);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
  assert_int_equal(f->gone, 0);
}

static void all_may_be_given_at_once(void **state) {
  struct fixture *f = *state;
  int32_t id = ask(f, "GET", 0);
  begin(f, 0);
  part(f, 0, "all");
  end(f, 0);
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, id, "all", 1);
}

static void one_does_not_wait_for_another(void **state) {
  struct fixture *f = *state;
  int32_t a = ask(f, "GET", 0), b = ask(f, "GET", 1);
  begin(f, 0);
  begin(f, 1);
  part(f, 1, "second");
  end(f, 1);
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, b, "second", 1);
  assert_got(f, a, "", 0);
  end(f, 0);
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, a, "", 1);
}

static void a_head_may_be_all(void **state) {
  struct fixture *f = *state;
  struct gci_http_message none = {.status = 204};
  int32_t a = ask(f, "HEAD", 0), b = ask(f, "GET", 1);
  begin(f, 0);
  assert_int_equal(gci_http_begin(f->run.owed[1], &none), 0);
  h2_run_talk(&f->run, &f->peer);
  for (size_t i = 0; i < 2; i++) {
    part(f, i, "not sent");
    assert_int_equal(gci_http_waiting(f->run.owed[i]), 0);
    end(f, i);
  }
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, a, "", 1);
  assert_got(f, b, "", 1);
  assert_int_equal(f->gone, 0);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
}

static gcache_value_t *pattern(struct fixture *f, size_t len) {
  gcache_value_t *value = gci_value_block(f->run.env.mem, len);
  unsigned char *p = gci_value_fill(value);
  for (size_t i = 0; i < len; i++)
    p[i] = (unsigned char)(i * 7 + i / 251);
  return value;
}

static void what_the_window_does_not_allow_waits(void **state) {
  struct fixture *f = *state;
  enum { LEN = 3 * WINDOW };
  nghttp2_option *option;
  h2_peer_close(&f->peer);
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  h2_peer_open(&f->peer, 0, option);
  nghttp2_option_del(option);
  h2_peer_greet(&f->peer);
  int32_t id = ask(f, "GET", 0);
  gcache_value_t *value = pattern(f, LEN);
  struct gci_http_message part = {
      .before = gcache_cstr("<<"), .value = value, .after = gcache_cstr(">")};
  begin(f, 0);
  assert_int_equal(gci_http_part(f->run.owed[0], &part), 0);
  assert_int_equal(gci_http_waiting(f->run.owed[0]), LEN + 3);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(h2_got(&f->peer, id)->body_len, WINDOW);
  assert_int_equal(gci_http_waiting(f->run.owed[0]), LEN + 3 - WINDOW);
  nghttp2_submit_window_update(f->peer.ng, NGHTTP2_FLAG_NONE, id, LEN);
  nghttp2_submit_window_update(f->peer.ng, NGHTTP2_FLAG_NONE, 0, LEN);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(gci_http_waiting(f->run.owed[0]), 0);
  end(f, 0);
  h2_run_talk(&f->run, &f->peer);
  struct h2_got *got = h2_got(&f->peer, id);
  assert_true(got->whole);
  assert_int_equal(got->body_len, LEN + 3);
  assert_memory_equal(got->body, "<<", 2);
  assert_memory_equal(got->body + 2, gcache_value_bytes(value).base, LEN);
  assert_memory_equal(got->body + 2 + LEN, ">", 1);
  gcache_value_unref(value);
}

/* ------------------------------------------------------------------------------------ ends -- */

static void aborted_the_stream_is_reset_and_the_others_go_on(void **state) {
  struct fixture *f = *state;
  int32_t a = ask(f, "GET", 0), b = ask(f, "GET", 1), c = ask(f, "GET", 2);
  begin(f, 0);
  part(f, 0, "half");
  h2_run_talk(&f->run, &f->peer);
  gci_http_abort(f->run.owed[0]);
  gci_http_abort(f->run.owed[1]); /* not begun */
  f->run.owed[0] = f->run.owed[1] = NULL;
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, a, "half", 0);
  assert_int_equal(h2_got(&f->peer, a)->code, NGHTTP2_INTERNAL_ERROR);
  assert_int_equal(h2_got(&f->peer, b)->code, NGHTTP2_INTERNAL_ERROR);
  assert_int_equal(gci_http_server_bad_requests(f->run.server), 0);
  h2_run_reply_text(&f->run, 2, "fine");
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, c, "fine", 1);
}

static void one_that_is_given_up_is_told_and_still_owed(void **state) {
  struct fixture *f = *state;
  int32_t a = ask(f, "GET", 0), b = ask(f, "GET", 1);
  begin(f, 0);
  part(f, 0, "half");
  h2_run_talk(&f->run, &f->peer);
  give_up(f, a);
  assert_int_equal(f->gone, 1);
  give_up(f, b); /* not begun */
  assert_int_equal(f->gone, 2);
  part(f, 0, "into nothing");
  assert_int_equal(gci_http_waiting(f->run.owed[0]), 0);
  end(f, 0);
  h2_run_reply_text(&f->run, 1, "into nothing");
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, a, "half", 0);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
}

static void on_gone_end(struct gci_http_exchange *x) {
  struct fixture *f = x->data;
  f->gone++;
  end(f, 0);
}

static void it_may_end_when_it_is_given_up(void **state) {
  struct fixture *f = *state;
  int32_t id = ask(f, "GET", 0);
  begin(f, 0);
  f->run.owed[0]->gone = on_gone_end;
  give_up(f, id);
  assert_int_equal(f->gone, 1);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
}

static void a_reader_who_opens_no_window_is_given_up(void **state) {
  struct fixture *f = *state;
  nghttp2_option *option;
  h2_peer_close(&f->peer);
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  h2_peer_open(&f->peer, 0, option);
  nghttp2_option_del(option);
  h2_peer_greet(&f->peer);
  int32_t id = ask(f, "GET", 0);
  gcache_value_t *value = pattern(f, 2 * WINDOW);
  struct gci_http_message part = {.value = value};
  begin(f, 0);
  h2_run_talk(&f->run, &f->peer);
  uint64_t at_ms = gci_env_mono_ms(&f->run.env.env);
  for (int i = 0; i < 60; i++) { /* nothing waits for the reader */
    gci_http_server_watch(f->run.server, at_ms += 1000);
    h2_run_talk(&f->run, &f->peer);
  }
  assert_int_equal(f->gone, 0);
  assert_int_equal(gci_http_part(f->run.owed[0], &part), 0);
  gcache_value_unref(value);
  h2_run_talk(&f->run, &f->peer);
  uint64_t begun_ms = at_ms;
  while (f->gone == 0 && at_ms < begun_ms + 20000) {
    at_ms = gci_http_server_watch(f->run.server, at_ms);
    h2_run_talk(&f->run, &f->peer);
  }
  assert_int_equal(f->gone, 1);
  assert_true(at_ms >= begun_ms + f->run.limits.write_stall_ms);
  assert_int_equal(h2_got(&f->peer, id)->code, NGHTTP2_CANCEL);
  end(f, 0);
}

static void drain_lets_it_end(void **state) {
  struct fixture *f = *state;
  int32_t id = ask(f, "GET", 0);
  begin(f, 0);
  gci_http_server_drain(f->run.server);
  h2_run_talk(&f->run, &f->peer);
  assert_false(gci_http_server_wants_close(f->run.server));
  part(f, 0, "all");
  end(f, 0);
  h2_run_talk(&f->run, &f->peer);
  assert_got(f, id, "all", 1);
  assert_true(gci_http_server_wants_close(f->run.server));
}

static void it_outlives_its_connection(void **state) {
  struct fixture *f = *state;
  ask(f, "GET", 0);
  ask(f, "GET", 1);
  begin(f, 0);
  part(f, 0, "half");
  gci_http_server_close(f->run.server);
  f->run.server = NULL;
  part(f, 0, "late");
  assert_int_equal(gci_http_waiting(f->run.owed[0]), 0);
  end(f, 0);
  begin(f, 1);
  gci_http_abort(f->run.owed[1]);
  f->run.owed[1] = NULL;
}

/* ----------------------------------------------------------------------------- no memory ---- */

static void give(struct h2_run *run, size_t i) {
  struct gci_http_message head = {.status = 200};
  static const char text[3000] = {'t'};
  struct gci_http_message part = {.before = gcache_bytes(text, sizeof text)};
  gci_http_begin(run->owed[i], &head);
  for (int n = 0; n < 16; n++) {
    if (n == 8) part.value = gci_value_block(run->env.mem, 5000);
    if (n == 8 && part.value != NULL) memset(gci_value_fill(part.value), 'v', 5000);
    gci_http_part(run->owed[i], &part);
  }
  gcache_value_unref(part.value);
  gci_http_end(run->owed[i]);
  run->owed[i] = NULL;
}

static void scenario(struct oom *oom, void *arg) {
  struct h2_run run;
  struct h2_peer peer;
  (void)arg;
  memset(&run, 0, sizeof run);
  oom_init(&run.oom);
  run.oom.fail_first = oom->fail_first;
  run.oom.fail_last = oom->fail_last;
  run.limits = h2_limits();
  run.replies = H2_REPLY_LATER;
  gcache_mem_t user = oom_mem(&run.oom);
  h2_peer_open(&peer, 0, NULL);
  h2_peer_greet(&peer);
  if (manual_env_init(&run.env, &user) == 0) {
    if (h2_run_serve(&run) == 0) {
      int32_t id = h2_peer_get(&peer, "/");
      h2_run_talk(&run, &peer);
      if (run.n_owed == 1) give(&run, 0);
      if (run.error >= 0) h2_run_talk(&run, &peer);
      struct h2_got *got = h2_got(&peer, id);
      if (got->whole) assert_true(got->body_len >= 16 * 3000);
      if (run.oom.refused == 0) assert_true(got->whole && got->body_len == 16 * 3000 + 8 * 5000);
      gci_http_server_close(run.server);
    }
    manual_env_fini(&run.env);
  }
  h2_peer_close(&peer);
  oom_assert_empty(&run.oom);
  oom->refused = run.oom.refused;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_sweep(scenario, NULL) >= 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(parts_leave_as_they_come),
      TEST(all_may_be_given_at_once),
      TEST(one_does_not_wait_for_another),
      TEST(a_head_may_be_all),
      TEST(what_the_window_does_not_allow_waits),
      TEST(aborted_the_stream_is_reset_and_the_others_go_on),
      TEST(one_that_is_given_up_is_told_and_still_owed),
      TEST(it_may_end_when_it_is_given_up),
      TEST(a_reader_who_opens_no_window_is_given_up),
      TEST(drain_lets_it_end),
      TEST(it_outlives_its_connection),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
