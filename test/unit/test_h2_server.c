/* Unit test of http/h2_server, against a plain nghttp2 client. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <uv.h>

#include "h2_server_run.h"

struct fixture {
  struct h2_run run;
  struct h2_peer peer;
};

static int begin(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  h2_run_open(&f->run, H2_REPLY_LATER);
  h2_peer_open(&f->peer, 0, NULL);
  h2_peer_greet(&f->peer);
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  h2_run_end(&f->run);
  h2_peer_close(&f->peer);
  free(f);
  return 0;
}

static void assert_body(struct fixture *f, int32_t id, const char *expected) {
  struct h2_got *got = h2_got(&f->peer, id);
  assert_true(got->whole);
  assert_int_equal(got->body_len, strlen(expected));
  if (got->body_len > 0) assert_memory_equal(got->body, expected, got->body_len);
}

static gcache_value_t *value_of(struct fixture *f, size_t len) {
  gcache_value_t *value = gci_value_block(f->run.env.mem, len);
  unsigned char *p = gci_value_fill(value);
  for (size_t i = 0; i < len; i++)
    p[i] = (unsigned char)(i * 7 + i / 251);
  return value;
}

/* ------------------------------------------------------------------------- requests, answers -- */

static void a_request_is_answered(void **state) {
  struct fixture *f = *state;
  int32_t id = h2_peer_get(&f->peer, "/a?b");
  assert_int_equal(gci_http_server_phase(f->run.server), GCI_HTTP_HEAD);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(gci_http_server_phase(f->run.server), GCI_HTTP_IDLE);
  assert_int_equal(f->run.requests, 1);
  assert_int_equal(gci_http_server_pending(f->run.server), 1);
  struct gci_http_exchange *x = f->run.owed[0];
  assert_memory_equal(x->head.method.base, "GET", 3);
  assert_int_equal(x->head.target.len, 4);
  assert_memory_equal(x->head.target.base, "/a?b", 4);
  assert_int_equal(x->head.n_headers, 1);
  assert_memory_equal(x->head.headers[0].name.base, "host", 4);
  assert_memory_equal(x->head.headers[0].value.base, "h", 1);
  assert_null(x->body);
  gcache_header_t headers[] = {{gcache_cstr("Content-Type"), gcache_cstr("text/plain")},
                               {gcache_cstr("Connection"), gcache_cstr("close")}};
  struct gci_http_message answer = {
      .status = 201, .headers = headers, .n_headers = 2, .before = gcache_cstr("hello")};
  h2_run_reply(&f->run, 0, &answer);
  assert_int_equal(f->run.ready, 1);
  h2_run_talk(&f->run, &f->peer);
  assert_string_equal(h2_got(&f->peer, id)->head,
                      ":status=201\ncontent-length=5\ncontent-type=text/plain\n");
  assert_body(f, id, "hello");
  assert_int_equal(h2_got(&f->peer, id)->code, NGHTTP2_NO_ERROR);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
  assert_false(gci_http_server_wants_close(f->run.server));
}

static void bytes_may_come_one_by_one(void **state) {
  struct fixture *f = *state;
  f->run.replies = H2_REPLY_AT_ONCE;
  int32_t ids[20];
  for (int i = 0; i < 20; i++)
    ids[i] = i % 2 ? h2_peer_get(&f->peer, "/abc") : h2_peer_put(&f->peer, "PUT", "/de", "xyz", 3);
  h2_run_talk_by(&f->run, &f->peer, 1);
  assert_int_equal(f->run.requests, 20);
  for (int i = 0; i < 20; i++)
    assert_body(f, ids[i], i % 2 ? "/abc" : "/de");
}

static void answers_leave_in_any_order(void **state) {
  struct fixture *f = *state;
  int32_t ids[5];
  for (int i = 0; i < 5; i++)
    ids[i] = h2_peer_get(&f->peer, "/");
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(f->run.requests, 5);
  static const char *const texts[] = {"a", "b", "c", "d", "e"};
  static const int order[] = {3, 0, 4, 2, 1};
  for (int i = 0; i < 5; i++) {
    h2_run_reply_text(&f->run, (size_t)order[i], texts[order[i]]);
    h2_run_talk(&f->run, &f->peer);
    assert_body(f, ids[order[i]], texts[order[i]]);
    assert_int_equal(gci_http_server_pending(f->run.server), 4 - i);
  }
}

static void a_body_is_one_value_that_can_be_kept(void **state) {
  struct fixture *f = *state;
  static unsigned char body[1000000];
  for (size_t i = 0; i < sizeof body; i++)
    body[i] = (unsigned char)(i % 253);
  h2_peer_put(&f->peer, "PUT", "/a", body, sizeof body);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(f->run.requests, 1);
  gcache_value_t *value = gcache_value_ref(f->run.owed[0]->body);
  h2_run_reply_text(&f->run, 0, "");
  assert_int_equal(gcache_value_bytes(value).len, sizeof body);
  assert_memory_equal(gcache_value_bytes(value).base, body, sizeof body);
  gcache_value_unref(value);
}

static void a_value_of_a_mebibyte_leaves_by_reference(void **state) {
  struct fixture *f = *state;
  nghttp2_settings_entry wide = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 8 << 20};
  nghttp2_submit_settings(f->peer.ng, NGHTTP2_FLAG_NONE, &wide, 1);
  nghttp2_session_set_local_window_size(f->peer.ng, NGHTTP2_FLAG_NONE, 0, 8 << 20);
  int32_t id = h2_peer_get(&f->peer, "/a");
  h2_run_talk(&f->run, &f->peer);
  gcache_value_t *value = value_of(f, 1 << 20);
  const char *base = gcache_value_bytes(value).base;
  struct gci_http_message answer = {
      .status = 200, .before = gcache_cstr("<"), .value = value, .after = gcache_cstr(">")};
  size_t bytes = f->run.oom.bytes, in_value = 0, most = 0;
  h2_run_reply(&f->run, 0, &answer);
  struct gci_out *out;
  while ((out = gci_http_server_output(f->run.server))->bytes > 0) {
    gcache_bytes_t slices[4];
    size_t n = gci_out_slices(out, slices, 4), sum = 0;
    if (out->bytes > most) most = out->bytes;
    assert_true(out->held < 4096);
    for (size_t i = 0; i < n; i++) {
      const char *p = slices[i].base;
      if (p >= base && p < base + (1 << 20)) in_value += slices[i].len;
      assert_int_equal(nghttp2_session_mem_recv(f->peer.ng, slices[i].base, slices[i].len),
                       slices[i].len);
      sum += slices[i].len;
    }
    gci_out_consume(out, sum);
  }
  assert_true(in_value > (1 << 20) - 2 * GCI_OUT_COPY_MAX);
  assert_true(most <= 256 * 1024 + 16384 + 9);
  assert_true(f->run.oom.bytes <= bytes + 20000); /* a buffer of the output */
  struct h2_got *got = h2_got(&f->peer, id);
  assert_true(got->whole);
  assert_int_equal(got->body_len, (1 << 20) + 2);
  assert_memory_equal(got->body + 1, base, 1 << 20);
  assert_int_equal(got->body[0], '<');
  assert_int_equal(got->body[(1 << 20) + 1], '>');
  gcache_value_unref(value);
}

static void large_answers_take_turns(void **state) {
  struct fixture *f = *state;
  nghttp2_settings_entry wide = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 8 << 20};
  nghttp2_submit_settings(f->peer.ng, NGHTTP2_FLAG_NONE, &wide, 1);
  nghttp2_session_set_local_window_size(f->peer.ng, NGHTTP2_FLAG_NONE, 0, 64 << 20);
  int32_t large = h2_peer_get(&f->peer, "/a"), small = h2_peer_get(&f->peer, "/b");
  h2_run_talk(&f->run, &f->peer);
  gcache_value_t *value = value_of(f, 4 << 20);
  struct gci_http_message answer = {.status = 200, .value = value};
  h2_run_reply(&f->run, 0, &answer);
  gci_http_server_output(f->run.server); /* the first of it is on its way */
  gcache_value_t *other = value_of(f, 40000);
  answer.value = other;
  h2_run_reply(&f->run, 1, &answer);
  while (!h2_got(&f->peer, small)->whole) {
    struct gci_out *out = gci_http_server_output(f->run.server);
    assert_true(out->bytes > 0);
    h2_out_to_peer(out, &f->peer);
  }
  assert_true(h2_got(&f->peer, large)->body_len < 600 * 1024);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(h2_got(&f->peer, large)->body_len, 4 << 20);
  assert_int_equal(h2_got(&f->peer, small)->body_len, 40000);
  gcache_value_unref(value);
  gcache_value_unref(other);
}

static void head_and_bodiless_statuses_send_no_body(void **state) {
  struct fixture *f = *state;
  int32_t head = h2_peer_put(&f->peer, "HEAD", "/", NULL, 0), none = h2_peer_get(&f->peer, "/");
  h2_run_talk(&f->run, &f->peer);
  struct gci_http_message answer = {.status = 200, .before = gcache_cstr("12345")};
  h2_run_reply(&f->run, 0, &answer);
  answer.status = 204;
  h2_run_reply(&f->run, 1, &answer);
  h2_run_talk(&f->run, &f->peer);
  assert_string_equal(h2_got(&f->peer, head)->head, ":status=200\ncontent-length=5\n");
  assert_body(f, head, "");
  assert_string_equal(h2_got(&f->peer, none)->head, ":status=204\n");
  assert_body(f, none, "");
}

/* -------------------------------------------------------------------------- answers in parts -- */

static void part(struct gci_http_exchange *x, const char *text, gcache_value_t *value) {
  struct gci_http_message m = {.before = gcache_cstr(text), .value = value};
  assert_int_equal(gci_http_part(x, &m), 0);
}

static void an_answer_may_come_in_parts(void **state) {
  struct fixture *f = *state;
  int32_t id = h2_peer_get(&f->peer, "/"), head = h2_peer_put(&f->peer, "HEAD", "/", NULL, 0);
  h2_run_talk(&f->run, &f->peer);
  gcache_value_t *value = value_of(f, 200000);
  struct gci_http_message m = {.status = 200};
  for (size_t i = 0; i < 2; i++) {
    struct gci_http_exchange *x = f->run.owed[i];
    f->run.owed[i] = NULL;
    assert_int_equal(gci_http_begin(x, &m), 0);
    h2_run_talk(&f->run, &f->peer);
    part(x, "abc", NULL);
    if (i == 0) assert_int_equal(gci_http_waiting(x), 3);
    h2_run_talk(&f->run, &f->peer);
    part(x, "", NULL);
    part(x, "def", value);
    assert_int_equal(gci_http_waiting(x), i == 0 ? 200003 : 0);
    gci_http_server_output(f->run.server);
    if (i == 0) assert_true(gci_http_waiting(x) >= 200003); /* in the output, or before it */
    h2_run_talk(&f->run, &f->peer);
    assert_int_equal(gci_http_waiting(x), 0);
    if (i == 0) assert_false(h2_got(&f->peer, id)->whole);
    assert_int_equal(gci_http_end(x), 0);
    h2_run_talk(&f->run, &f->peer);
  }
  struct h2_got *got = h2_got(&f->peer, id);
  assert_string_equal(got->head, ":status=200\n");
  assert_true(got->whole);
  assert_int_equal(got->body_len, 200006);
  assert_memory_equal(got->body, "abcdef", 6);
  assert_memory_equal(got->body + 6, gcache_value_bytes(value).base, 200000);
  assert_true(h2_got(&f->peer, head)->whole);
  assert_int_equal(h2_got(&f->peer, head)->body_len, 0);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
  gcache_value_unref(value);
}

static void an_answer_that_breaks_off_is_seen_to(void **state) {
  struct fixture *f = *state;
  int32_t ids[2] = {h2_peer_get(&f->peer, "/"), h2_peer_get(&f->peer, "/")};
  h2_run_talk(&f->run, &f->peer);
  struct gci_http_message m = {.status = 200};
  gci_http_begin(f->run.owed[0], &m);
  part(f->run.owed[0], "abc", NULL);
  for (size_t i = 0; i < 2; i++) { /* begun, and not begun */
    gci_http_abort(f->run.owed[i]);
    f->run.owed[i] = NULL;
  }
  h2_run_talk(&f->run, &f->peer);
  for (size_t i = 0; i < 2; i++) {
    assert_false(h2_got(&f->peer, ids[i])->whole);
    assert_int_equal(h2_got(&f->peer, ids[i])->code, NGHTTP2_INTERNAL_ERROR);
  }
  assert_false(gci_http_server_wants_close(f->run.server));
}

static void parts_for_one_who_left_go_nowhere(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 3; i++)
    h2_peer_get(&f->peer, "/");
  h2_run_talk(&f->run, &f->peer);
  struct gci_http_message m = {.status = 200};
  for (int i = 0; i < 2; i++) {
    gci_http_begin(f->run.owed[i], &m);
    part(f->run.owed[i], "abc", NULL);
  }
  for (int32_t id = 1; id <= 5; id += 2)
    nghttp2_submit_rst_stream(f->peer.ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
  part(f->run.owed[0], "abc", NULL);
  assert_int_equal(gci_http_waiting(f->run.owed[0]), 0);
  assert_int_equal(gci_http_end(f->run.owed[0]), 0);
  gci_http_server_close(f->run.server);
  f->run.server = NULL;
  part(f->run.owed[1], "abc", NULL);
  gci_http_abort(f->run.owed[1]);
  f->run.owed[0] = f->run.owed[1] = NULL; /* the third is answered when all is over */
}

/* ----------------------------------------------------------------------------------- endings -- */

static void who_drains_answers_what_was_asked(void **state) {
  struct fixture *f = *state;
  int32_t first = h2_peer_get(&f->peer, "/"), second = h2_peer_get(&f->peer, "/");
  h2_run_talk(&f->run, &f->peer);
  gci_http_server_drain(f->run.server);
  assert_false(gci_http_server_wants_close(f->run.server));
  int32_t late = h2_peer_get(&f->peer, "/");
  gcache_bytes_t crossing = h2_peer_bytes(&f->peer); /* on its way while the GOAWAY is on its own */
  h2_out_to_peer(gci_http_server_output(f->run.server), &f->peer);
  h2_run_feed(&f->run, crossing);
  assert_true(f->peer.goaway);
  assert_int_equal(f->peer.goaway_code, NGHTTP2_NO_ERROR);
  assert_int_equal(f->peer.goaway_last, second);
  assert_int_equal(f->run.requests, 2);
  assert_int_equal(h2_got(&f->peer, late)->code, NGHTTP2_REFUSED_STREAM);
  h2_run_reply_text(&f->run, 0, "x");
  h2_run_talk(&f->run, &f->peer);
  assert_body(f, first, "x");
  assert_false(gci_http_server_wants_close(f->run.server));
  h2_run_reply_text(&f->run, 1, "y");
  h2_run_talk(&f->run, &f->peer);
  assert_body(f, second, "y");
  assert_true(gci_http_server_wants_close(f->run.server));
}

static void a_connection_at_rest_is_small(void **state) {
  struct fixture *f = *state;
  f->run.replies = H2_REPLY_AT_ONCE;
  gci_http_server_close(f->run.server);
  size_t before = f->run.oom.bytes;
  assert_int_equal(h2_run_serve(&f->run), 0);
  h2_run_talk(&f->run, &f->peer);
  size_t greeted = f->run.oom.bytes - before;
  for (int i = 0; i < 100; i++)
    h2_peer_put(&f->peer, "PUT", "/abc", "xyz", 3);
  h2_run_talk(&f->run, &f->peer);
  size_t rests = f->run.oom.bytes - before;
  print_message("a connection at rest: %zu bytes when new, %zu after 100 requests\n", greeted,
                rests);
  assert_true(rests < 48 * 1024);
}

static void who_rests_drains_at_once(void **state) {
  struct fixture *f = *state;
  h2_run_talk(&f->run, &f->peer);
  gci_http_server_drain(f->run.server);
  assert_true(gci_http_server_wants_close(f->run.server));
  h2_out_to_peer(gci_http_server_output(f->run.server), &f->peer);
  assert_true(f->peer.goaway);
}

static void who_greets_too_late_is_sent_away(void **state) {
  struct fixture *f = *state;
  h2_run_feed(&f->run, gcache_cstr("PRI * HTTP/2"));
  assert_int_equal(gci_http_server_phase(f->run.server), GCI_HTTP_HEAD);
  gci_http_server_timed_out(f->run.server);
  assert_true(gci_http_server_wants_close(f->run.server));
  h2_peer_bytes(&f->peer);
  h2_out_to_peer(gci_http_server_output(f->run.server), &f->peer);
  assert_true(f->peer.goaway);
  assert_int_equal(f->peer.goaway_code, NGHTTP2_SETTINGS_TIMEOUT);
}

static void one_who_says_goodbye_gets_its_answers(void **state) {
  struct fixture *f = *state;
  int32_t id = h2_peer_get(&f->peer, "/");
  h2_run_talk(&f->run, &f->peer);
  nghttp2_submit_goaway(f->peer.ng, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, NULL, 0);
  h2_run_talk(&f->run, &f->peer);
  assert_false(gci_http_server_wants_close(f->run.server));
  h2_run_reply_text(&f->run, 0, "x");
  h2_run_talk(&f->run, &f->peer);
  assert_body(f, id, "x");
  assert_true(gci_http_server_wants_close(f->run.server));
}

static void a_request_that_is_taken_back_leaves_its_reply_without_a_reader(void **state) {
  struct fixture *f = *state;
  int32_t id = h2_peer_put(&f->peer, "PUT", "/", "abc", 3);
  h2_run_talk(&f->run, &f->peer);
  nghttp2_submit_rst_stream(f->peer.ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  h2_run_talk(&f->run, &f->peer);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
  gci_http_server_drain(f->run.server);
  assert_true(gci_http_server_wants_close(f->run.server));
  assert_int_equal(gcache_value_bytes(f->run.owed[0]->body).len, 3); /* still there */
  h2_run_reply_text(&f->run, 0, "x");
}

/* ---------------------------------------------------------------------- closing and replying -- */

static void on_request_close(void *user, struct gci_http_exchange *x) {
  struct h2_run *run = user;
  run->requests++;
  run->owed[run->n_owed++] = x;
  if (run->requests < 2) return;
  gci_http_server_close(run->server);
  run->server = NULL;
}

static void on_ready_close(void *user) {
  struct h2_run *run = user;
  gci_http_server_close(run->server);
  run->server = NULL;
}

static void it_may_be_closed_by_any_event(void **state) {
  struct fixture *f = *state;
  static const struct gci_http_server_events closing[] = {{on_request_close, on_h2_ready},
                                                          {on_h2_request, on_ready_close}};
  for (int way = 0; way < 2; way++) {
    struct h2_peer peer;
    gci_http_server_close(f->run.server);
    assert_int_equal(
        gci_h2_server_open(&f->run.server, &f->run.env.env, &f->run.limits, &closing[way], &f->run),
        0);
    h2_peer_open(&peer, 0, NULL);
    h2_peer_greet(&peer);
    for (int i = 0; i < 4; i++)
      h2_peer_put(&peer, "PUT", "/", "abc", 3);
    f->run.requests = f->run.n_owed = 0;
    h2_run_talk(&f->run, &peer);
    if (way == 0) assert_int_equal(f->run.requests, 2); /* and no more of what had come */
    for (size_t i = 0; i < f->run.n_owed; i++)
      h2_run_reply_text(&f->run, i, "x");
    assert_null(f->run.server);
    h2_peer_close(&peer);
    assert_int_equal(h2_run_serve(&f->run), 0);
  }
}

/* Replies, begins, and ends from inside the event, and asks for output there. */
static void on_request_all(void *user, struct gci_http_exchange *x) {
  struct h2_run *run = user;
  struct gci_http_message m = {.status = 200};
  run->requests++;
  gci_http_server_output(run->server);
  if (run->requests % 2) {
    h2_reply_target(x);
  } else {
    gci_http_begin(x, &m);
    m.before = x->head.target;
    gci_http_part(x, &m);
    gci_http_server_output(run->server);
    gci_http_end(x);
  }
}

static void events_may_do_anything(void **state) {
  struct fixture *f = *state;
  static const struct gci_http_server_events all = {on_request_all, on_h2_ready};
  gci_http_server_close(f->run.server);
  assert_int_equal(
      gci_h2_server_open(&f->run.server, &f->run.env.env, &f->run.limits, &all, &f->run), 0);
  int32_t ids[50];
  for (int i = 0; i < 50; i++)
    ids[i] = h2_peer_get(&f->peer, "/abc");
  h2_run_talk(&f->run, &f->peer);
  for (int i = 0; i < 50; i++)
    assert_body(f, ids[i], "/abc");
  assert_int_equal(f->run.ready, 0); /* all inside input() */
}

/* ----------------------------------------------------------------------------- out of memory -- */

static void on_request_mixed(void *user, struct gci_http_exchange *x) {
  struct h2_run *run = user;
  struct gci_http_message m = {.status = 200, .value = x->body};
  switch (run->requests++ % 3) {
  case 0:
    gci_http_reply(x, &m);
    return;
  case 1:
    m.value = NULL;
    gci_http_begin(x, &m);
    m.value = x->body;
    gci_http_part(x, &m);
    gci_http_end(x);
    return;
  default:
    run->owed[run->n_owed++] = x;
  }
}

static void torture(struct oom *oom, void *arg) {
  static const struct gci_http_server_events events = {on_request_mixed, on_h2_ready};
  static const unsigned char body[200000];
  struct h2_run run = {.limits = h2_limits()};
  struct h2_peer peer;
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  if (manual_env_init(&run.env, &user) != 0) return;
  h2_peer_open(&peer, 0, NULL);
  h2_peer_greet(&peer);
  for (int i = 0; i < 6; i++)
    h2_peer_put(&peer, "PUT", "/", body, sizeof body / 3 * (size_t)(i % 4));
  h2_peer_get(&peer, "no path");
  if (gci_h2_server_open(&run.server, &run.env.env, &run.limits, &events, &run) == 0) {
    h2_run_talk_by(&run, &peer, 10000);
    for (size_t i = 0; i < run.n_owed; i++)
      h2_run_reply_text(&run, i, "late");
    run.n_owed = 0;
    h2_run_talk_by(&run, &peer, 10000);
    if (run.error < 0) {
      assert_int_equal(run.error, UV_ENOMEM);
      assert_true(gci_http_server_wants_close(run.server));
    } else {
      gci_http_server_drain(run.server);
      h2_run_talk(&run, &peer);
    }
    gci_http_server_close(run.server);
  }
  h2_peer_close(&peer);
  manual_env_fini(&run.env);
}

static void no_allocation_that_fails_does_harm(void **state) {
  (void)state;
  size_t n = oom_sweep(torture, NULL);
  print_message("%zu allocations failed, once and from there on\n", n);
  assert_true(n > 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
      T(a_request_is_answered),
      T(bytes_may_come_one_by_one),
      T(answers_leave_in_any_order),
      T(a_body_is_one_value_that_can_be_kept),
      T(a_value_of_a_mebibyte_leaves_by_reference),
      T(large_answers_take_turns),
      T(head_and_bodiless_statuses_send_no_body),
      T(an_answer_may_come_in_parts),
      T(an_answer_that_breaks_off_is_seen_to),
      T(parts_for_one_who_left_go_nowhere),
      T(who_drains_answers_what_was_asked),
      T(a_connection_at_rest_is_small),
      T(who_rests_drains_at_once),
      T(who_greets_too_late_is_sent_away),
      T(one_who_says_goodbye_gets_its_answers),
      T(a_request_that_is_taken_back_leaves_its_reply_without_a_reader),
      T(it_may_be_closed_by_any_event),
      T(events_may_do_anything),
      cmocka_unit_test(no_allocation_that_fails_does_harm),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
