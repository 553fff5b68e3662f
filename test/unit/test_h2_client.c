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

/* ---------------------------------------------------------------------------------- failures -- */

static void assert_failed(struct fixture *f, size_t tag, int status, const char *reason,
                          int unprocessed) {
  struct h2_told *told = &f->a.told[tag];
  assert_int_equal(told->failures, 1);
  assert_int_equal(told->answers, 0);
  assert_int_equal(told->status, status);
  assert_string_equal(told->reason, reason);
  assert_int_equal(told->unprocessed, unprocessed);
}

/* The connection goes on. */
static void assert_serves(struct fixture *f, size_t tag) {
  assert_int_equal(f->a.error, 0);
  assert_true(gci_http_client_reusable(f->a.client));
  assert_int_equal(h2_asker_get(&f->a, tag, "/"), 0);
  h2_asker_talk(&f->a, &f->peer);
  answer(f, f->peer.last, "200", "x", 1);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.told[tag].answers, 1);
  assert_int_equal(gci_http_client_pending(f->a.client), 0);
}

static void a_reset_fails_one_request(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < 4; i++)
    h2_asker_get(&f->a, i, "/");
  h2_asker_talk(&f->a, &f->peer);
  nghttp2_submit_rst_stream(f->peer.ng, NGHTTP2_FLAG_NONE, 1, NGHTTP2_REFUSED_STREAM);
  nghttp2_submit_rst_stream(f->peer.ng, NGHTTP2_FLAG_NONE, 3, NGHTTP2_CANCEL);
  nghttp2_submit_rst_stream(f->peer.ng, NGHTTP2_FLAG_NONE, 5, NGHTTP2_NO_ERROR);
  h2_asker_talk(&f->a, &f->peer);
  assert_failed(f, 0, GCACHE_EPEER, "the stream was reset: REFUSED_STREAM", 1);
  assert_failed(f, 1, GCACHE_EPEER, "the stream was reset: CANCEL", 0);
  assert_failed(f, 2, GCACHE_EPEER, "the stream was reset: NO_ERROR", 0);
  assert_int_equal(gci_http_client_pending(f->a.client), 1);
  answer(f, 7, "200", "x", 1);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.told[3].answers, 1);
  assert_serves(f, 4);
}

static void malformed_answers_fail_alone(void **state) {
  struct fixture *f = *state;
  const struct {
    nghttp2_nv nv[2];
    const char *body;
  } answers[] = {
      {{h2_nv(":status", "20"), h2_nv("x", "y")}, "x"},
      {{h2_nv(":status", "101"), h2_nv("x", "y")}, NULL},
      {{h2_nv(":status", "099"), h2_nv("x", "y")}, "x"},
      {{h2_nv("x", "y"), h2_nv("z", "y")}, "x"},
      {{h2_nv(":status", "200"), h2_nv("connection", "close")}, "x"},
      {{h2_nv(":status", "200"), h2_nv("a b", "c")}, "x"},
      {{h2_nv(":status", "200"), h2_nv("x", "a\nb")}, "x"},
      {{h2_nv(":status", "200"), h2_nv("content-length", "2")}, "x"},
      {{h2_nv(":status", "200"), h2_nv("content-length", "2")}, "xyz"},
      {{h2_nv(":status", "204"), h2_nv("x", "y")}, "x"},
  };
  size_t n = sizeof answers / sizeof answers[0];
  for (size_t i = 0; i < n; i++) {
    h2_asker_get(&f->a, i, "/");
    h2_asker_talk(&f->a, &f->peer);
    h2_peer_answer(&f->peer, f->peer.last, answers[i].nv, 2, answers[i].body,
                   answers[i].body == NULL ? 0 : strlen(answers[i].body));
    h2_asker_talk(&f->a, &f->peer);
    assert_failed(f, i, UV_EPROTO, "malformed answer", 0);
    assert_int_equal(gci_http_client_pending(f->a.client), 0);
  }
  assert_serves(f, n);
}

static void answers_over_a_limit_fail_alone(void **state) {
  struct fixture *f = *state;
  static unsigned char large[400000];
  char text[400];
  memset(text, 'x', sizeof text);
  text[399] = 0;
  gci_http_client_close(f->a.client);
  f->a.limits.value_max = 300000;
  assert_int_equal(h2_asker_connect(&f->a), 0);
  for (size_t i = 0; i < 5; i++)
    h2_asker_get(&f->a, i, "/");
  h2_asker_talk(&f->a, &f->peer);
  answer(f, 1, "200", large, 308193);
  nghttp2_nv stated[] = {h2_nv(":status", "200"), h2_nv("content-length", "308193")};
  h2_peer_answer(&f->peer, 3, stated, 2, large, 308193);
  nghttp2_nv long_head[] = {h2_nv(":status", "200"), h2_nv("a", text), h2_nv("b", text),
                            h2_nv("c", text)};
  h2_peer_answer(&f->peer, 5, long_head, 4, NULL, 0);
  nghttp2_nv many[10] = {h2_nv(":status", "200")};
  for (int i = 1; i < 10; i++)
    many[i] = h2_nv("x", "y");
  h2_peer_answer(&f->peer, 7, many, 10, NULL, 0);
  answer(f, 9, "200", large, 308192);
  h2_asker_talk(&f->a, &f->peer);
  assert_failed(f, 0, UV_EMSGSIZE, "body is longer than the limit", 0);
  assert_failed(f, 1, UV_EMSGSIZE, "body is longer than the limit", 0);
  assert_failed(f, 2, UV_EMSGSIZE, "head is longer than the limit", 0);
  assert_failed(f, 3, UV_EMSGSIZE, "head is longer than the limit", 0);
  assert_int_equal(f->a.told[4].answers, 1);
  assert_int_equal(gcache_value_bytes(f->a.told[4].body).len, 308192);
  assert_serves(f, 5);
}

static void interim(struct fixture *f, int32_t id) {
  nghttp2_nv nv = h2_nv(":status", "103");
  nghttp2_submit_headers(f->peer.ng, NGHTTP2_FLAG_NONE, id, NULL, &nv, 1, NULL);
}

static void interim_answers_are_skipped_up_to_eight(void **state) {
  struct fixture *f = *state;
  h2_asker_get(&f->a, 0, "/");
  h2_asker_get(&f->a, 1, "/");
  h2_asker_talk(&f->a, &f->peer);
  for (int i = 0; i < 9; i++) {
    if (i < 8) interim(f, 1);
    interim(f, 3);
  }
  h2_asker_talk(&f->a, &f->peer);
  assert_true(gci_http_client_begun(f->a.client, &f->a.told[0]));
  assert_failed(f, 1, UV_EPROTO, "more than eight interim answers", 0);
  answer(f, 1, "200", "x", 1);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.told[0].http_status, 200);
  assert_serves(f, 2);
}

static void a_goaway_says_what_was_not_processed(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < 4; i++)
    h2_asker_get(&f->a, i, "/");
  h2_asker_talk(&f->a, &f->peer);
  nghttp2_submit_goaway(f->peer.ng, NGHTTP2_FLAG_NONE, 3, NGHTTP2_NO_ERROR, NULL, 0);
  h2_asker_talk(&f->a, &f->peer);
  assert_failed(f, 2, GCACHE_EPEER, "the stream was reset: REFUSED_STREAM", 1);
  assert_failed(f, 3, GCACHE_EPEER, "the stream was reset: REFUSED_STREAM", 1);
  assert_int_equal(gci_http_client_pending(f->a.client), 2);
  assert_false(gci_http_client_reusable(f->a.client));
  assert_int_equal(gci_http_client_room(f->a.client), 0);
  assert_int_equal(h2_asker_get(&f->a, 5, "/"), UV_EPIPE);
  answer(f, 1, "200", "x", 1);
  answer(f, 3, "200", "x", 1);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.answers, 2);
  assert_int_equal(f->a.error, 0);
  assert_int_equal(gci_http_client_eof(f->a.client), 0);
}

static void the_end_of_the_connection_is_an_error_if_answers_are_owed(void **state) {
  struct fixture *f = *state;
  h2_asker_get(&f->a, 0, "/");
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(gci_http_client_eof(f->a.client), UV_EOF);
  assert_string_equal(gci_http_client_reason(f->a.client), "closed before the answer");
  assert_false(gci_http_client_reusable(f->a.client));
  gci_http_client_close(f->a.client);
  assert_int_equal(h2_asker_connect(&f->a), 0);
  assert_int_equal(gci_http_client_eof(f->a.client), 0);
  assert_string_equal(gci_http_client_reason(f->a.client), "");
}

static void what_breaks_the_protocol_breaks_the_connection(void **state) {
  struct fixture *f = *state;
  static const char *const says[] = {
      "HTTP/1.1 400 Bad Request\r\n\r\n",      /* not HTTP/2 */
      "\0\0\4\4\0\0\0\0\0abcd",                /* SETTINGS of an odd size */
      "\0\0\0\4\0\0\0\0\0\0\0\1\0\0\0\0\0\1x", /* DATA that nobody asked for */
      "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0\0\0\4\5\4\0\0\0\1\0\0\0\2", /* push */
  };
  static const size_t lens[] = {28, 13, 19, 31};
  for (size_t i = 0; i < 4; i++) {
    gci_http_client_close(f->a.client);
    assert_int_equal(h2_asker_connect(&f->a), 0);
    if (i == 3) h2_asker_get(&f->a, 0, "/");
    gci_http_client_output(f->a.client);
    f->a.error = 0;
    h2_asker_feed(&f->a, gcache_bytes(says[i], lens[i]));
    assert_int_equal(f->a.error, UV_EPROTO);
    assert_true(gci_http_client_reason(f->a.client)[0] != '\0');
    print_message("%s\n", gci_http_client_reason(f->a.client));
    assert_false(gci_http_client_reusable(f->a.client));
    assert_int_equal(h2_asker_get(&f->a, 1, "/"), UV_EPIPE);
    assert_int_equal(gci_http_client_input(f->a.client, gcache_cstr("x")), UV_EPROTO);
  }
}

static void a_server_that_floods_is_left(void **state) {
  struct fixture *f = *state;
  static const char *const frames[] = {"\0\0\10\6\0\0\0\0\00012345678", "\0\0\0\4\0\0\0\0\0",
                                       "\0\0\4\10\0\0\0\0\0\0\0\0\1"};
  static const size_t lens[] = {17, 9, 13};
  for (size_t i = 0; i < 3; i++) {
    gci_http_client_close(f->a.client);
    assert_int_equal(h2_asker_connect(&f->a), 0);
    f->a.error = 0;
    h2_asker_feed(&f->a, gcache_bytes("\0\0\0\4\0\0\0\0\0", 9));
    size_t n = 0;
    while (n < 20000 && f->a.error == 0) {
      h2_asker_feed(&f->a, gcache_bytes(frames[i], lens[i]));
      struct gci_out *out = gci_http_client_output(f->a.client);
      gci_out_consume(out, out->bytes);
      n++;
    }
    assert_int_equal(f->a.error, UV_EPROTO);
    assert_string_equal(gci_http_client_reason(f->a.client), "more control frames than the limit");
    assert_true(n <= 1001);
  }
}

/* ------------------------------------------------------------------------ cancel, ping, room -- */

static void what_is_cancelled_is_not_told_of(void **state) {
  struct fixture *f = *state;
  for (size_t i = 0; i < 3; i++)
    h2_asker_get(&f->a, i, "/");
  assert_int_equal(gci_http_client_cancel(f->a.client, &f->a.told[2]), 0); /* not even sent */
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(gci_http_client_cancel(f->a.client, &f->a.told[0]), 0);
  assert_int_equal(gci_http_client_cancel(f->a.client, &f->a.told[0]), 0);
  assert_int_equal(gci_http_client_pending(f->a.client), 1);
  answer(f, 1, "200", "x", 1); /* crosses the cancellation */
  answer(f, 3, "200", "y", 1);
  gcache_bytes_t crossing = h2_peer_bytes(&f->peer);
  h2_asker_feed(&f->a, crossing);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.answers, 1);
  assert_int_equal(f->a.failures, 0);
  assert_int_equal(f->a.told[1].answers, 1);
  assert_int_equal(h2_got(&f->peer, 5)->heads, 0);
  assert_serves(f, 3);
}

static void a_ping_waits_for_its_echo(void **state) {
  struct fixture *f = *state;
  assert_false(gci_http_client_pinging(f->a.client));
  assert_int_equal(gci_http_client_ping(f->a.client), 0);
  assert_int_equal(gci_http_client_ping(f->a.client), 0);
  assert_true(gci_http_client_pinging(f->a.client));
  h2_asker_talk(&f->a, &f->peer);
  assert_false(gci_http_client_pinging(f->a.client));
}

static void room_is_what_both_sides_allow(void **state) {
  struct fixture *f = *state;
  assert_int_equal(gci_http_client_room(f->a.client), 100); /* nothing has been said */
  h2_asker_get(&f->a, 0, "/");
  assert_int_equal(gci_http_client_room(f->a.client), 99);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(gci_http_client_room(f->a.client), 127); /* ours */
  nghttp2_settings_entry few = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 3};
  nghttp2_submit_settings(f->peer.ng, NGHTTP2_FLAG_NONE, &few, 1);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(gci_http_client_room(f->a.client), 2);
  few.value = 0;
  nghttp2_submit_settings(f->peer.ng, NGHTTP2_FLAG_NONE, &few, 1);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(gci_http_client_room(f->a.client), 0);
  assert_true(gci_http_client_reusable(f->a.client));
}

static void an_early_answer_ends_the_upload(void **state) {
  struct fixture *f = *state;
  size_t refs = f->a.env.mem->refs;
  gcache_value_t *value = gci_value_block(f->a.env.mem, 1 << 20);
  memset(gci_value_fill(value), 'v', 1 << 20);
  assert_int_equal(h2_asker_send(&f->a, 0, "PUT", "/", value), 0);
  gcache_value_unref(value);
  h2_out_to_peer(gci_http_client_output(f->a.client), &f->peer);
  answer(f, 1, "403", "no", 2);
  h2_asker_talk(&f->a, &f->peer);
  assert_int_equal(f->a.told[0].http_status, 403);
  assert_true(h2_got(&f->peer, 1)->body_len < 1 << 20);
  gcache_value_unref(f->a.told[0].body);
  f->a.told[0].body = NULL;
  assert_int_equal(f->a.env.mem->refs, refs); /* the value is gone */
  assert_serves(f, 1);
}

/* --------------------------------------------------------------------- closing, asking again -- */

static void on_response_close(void *user, void *tag, const struct gci_http_head *head,
                              gcache_value_t *body) {
  struct h2_asker *a = user;
  on_h2_response(user, tag, head, body);
  gci_http_client_close(a->client);
  a->client = NULL;
}

static void on_failed_close(void *user, void *tag, int status, const char *reason,
                            int unprocessed) {
  struct h2_asker *a = user;
  on_h2_failed(user, tag, status, reason, unprocessed);
  gci_http_client_close(a->client);
  a->client = NULL;
}

static void it_may_be_closed_by_any_event(void **state) {
  struct fixture *f = *state;
  static const struct gci_http_client_events closing = {on_response_close, on_failed_close};
  gci_http_client_close(f->a.client);
  for (int way = 0; way < 2; way++) {
    struct h2_peer peer;
    assert_int_equal(
        gci_h2_client_open(&f->a.client, &f->a.env.env, "http", &f->a.limits, &closing, &f->a), 0);
    h2_peer_open(&peer, 1, NULL);
    h2_peer_greet(&peer);
    f->a.answers = f->a.failures = 0;
    for (size_t i = 0; i < 4; i++)
      h2_asker_get(&f->a, 10 * (size_t)way + i, "/");
    h2_asker_talk(&f->a, &peer);
    nghttp2_nv nv = h2_nv(":status", "200");
    for (int32_t id = 1; id <= 7; id += 2) {
      if (way == 0)
        h2_peer_answer(&peer, id, &nv, 1, "x", 1);
      else
        nghttp2_submit_rst_stream(peer.ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    h2_asker_talk(&f->a, &peer);
    assert_null(f->a.client);
    assert_int_equal(f->a.answers + f->a.failures, 1); /* and no more of what had come */
    h2_peer_close(&peer);
  }
}

/* Each answer asks again and cancels the one asked before. */
static void on_response_ask(void *user, void *tag, const struct gci_http_head *head,
                            gcache_value_t *body) {
  struct h2_asker *a = user;
  on_h2_response(user, tag, head, body);
  size_t i = (size_t)((struct h2_told *)tag - a->told);
  if (i >= 100) return;
  gci_http_client_output(a->client);
  h2_asker_get(a, i + 100, "/");
  if (i % 2) gci_http_client_cancel(a->client, &a->told[i + 99]);
  gci_http_client_output(a->client);
}

static void events_may_ask_and_cancel(void **state) {
  struct fixture *f = *state;
  static const struct gci_http_client_events asking = {on_response_ask, on_h2_failed};
  struct h2_run run;
  h2_run_open(&run, H2_REPLY_AT_ONCE);
  gci_http_client_close(f->a.client);
  assert_int_equal(
      gci_h2_client_open(&f->a.client, &f->a.env.env, "http", &f->a.limits, &asking, &f->a), 0);
  for (size_t i = 0; i < 100; i++)
    h2_asker_get(&f->a, i, "/");
  while (h2_asker_exchange(&f->a, &run) > 0)
    ;
  assert_int_equal(f->a.error, 0);
  assert_int_equal(f->a.answers, 150);
  assert_int_equal(gci_http_client_pending(f->a.client), 0);
  h2_run_end(&run);
}

/* ----------------------------------------------------------------------------- out of memory -- */

static void torture(struct oom *oom, void *arg) {
  static unsigned char large[100000];
  struct h2_asker a = {.limits = h2_limits()};
  struct h2_peer peer;
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  if (manual_env_init(&a.env, &user) != 0) return;
  a.told = calloc(10, sizeof *a.told);
  h2_peer_open(&peer, 1, NULL);
  h2_peer_greet(&peer);
  gcache_value_t *value = gci_value_block(a.env.mem, 100000);
  if (h2_asker_connect(&a) == 0) {
    int err = 0;
    if (value != NULL) memset(gci_value_fill(value), 'v', 100000);
    for (size_t i = 0; i < 6 && err == 0; i++)
      err = h2_asker_send(&a, i, "PUT", "/", i % 2 ? value : NULL);
    if (err == 0) err = gci_http_client_cancel(a.client, &a.told[5]);
    if (err == 0) err = gci_http_client_ping(a.client);
    if (err == 0) h2_asker_talk_by(&a, &peer, 10000);
    if (err == 0 && a.error == 0) {
      nghttp2_nv nv[] = {h2_nv(":status", "200"), h2_nv("x", "y")};
      for (int32_t id = 1; id <= 5; id += 2)
        if (h2_got(&peer, id)->heads > 0)
          h2_peer_answer(&peer, id, nv, 2, large, (size_t)id * 20000);
      nghttp2_submit_rst_stream(peer.ng, NGHTTP2_FLAG_NONE, 7, NGHTTP2_CANCEL);
      h2_asker_talk_by(&a, &peer, 10000);
    }
    if (err != 0) assert_int_equal(err, UV_ENOMEM);
    if (a.error != 0) {
      assert_int_equal(a.error, UV_ENOMEM);
      assert_string_equal(gci_http_client_reason(a.client), "out of memory");
    }
    gci_http_client_close(a.client);
  }
  gcache_value_unref(value);
  for (size_t i = 0; i < 10; i++)
    gcache_value_unref(a.told[i].body);
  free(a.told);
  h2_peer_close(&peer);
  manual_env_fini(&a.env);
}

static void no_allocation_that_fails_does_harm(void **state) {
  (void)state;
  size_t n = oom_sweep(torture, NULL);
  print_message("%zu allocations failed, once and from there on\n", n);
  assert_true(n > 60);
}

/* ----------------------------------------------------------------------------- one with ours -- */

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
      T(a_reset_fails_one_request),
      T(malformed_answers_fail_alone),
      T(answers_over_a_limit_fail_alone),
      T(interim_answers_are_skipped_up_to_eight),
      T(a_goaway_says_what_was_not_processed),
      T(the_end_of_the_connection_is_an_error_if_answers_are_owed),
      T(what_breaks_the_protocol_breaks_the_connection),
      T(a_server_that_floods_is_left),
      T(what_is_cancelled_is_not_told_of),
      T(a_ping_waits_for_its_echo),
      T(room_is_what_both_sides_allow),
      T(an_early_answer_ends_the_upload),
      T(it_may_be_closed_by_any_event),
      T(events_may_ask_and_cancel),
      cmocka_unit_test(no_allocation_that_fails_does_harm),
      T(thousands_of_streams_go_through_one_connection),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
