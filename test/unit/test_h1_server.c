/* Unit test of http/h1_server: order, endings, memory. Refusals are in test_h1_guard, test_h1_frame
 * and test_h1_limits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/value.h"
#include "h1_server_run.h"

static void feed(struct server_run *run, const char *text) {
  run_feed(run, gcache_cstr(text));
}

/* What is in the output, taken out of it; valid until the next call. */
static const char *output(struct server_run *run) {
  run->len = 0;
  run_add(run, "", 0);
  run_take_output(run);
  return run->text;
}

static void reply(struct server_run *run, size_t i, const struct gci_http_message *answer) {
  assert_int_equal(gci_http_reply(run->owed[i], answer), 0);
  run->owed[i] = NULL;
}

static void reply_text(struct server_run *run, size_t i, const char *body) {
  struct gci_http_message answer = {.status = 200, .before = gcache_cstr(body)};
  reply(run, i, &answer);
}

/* Everything owed has been answered by reply(). */
static void end(struct server_run *run) {
  run->n_owed = 0;
  run_close(run);
}

static void assert_run(const char *input, enum server_replies replies, const char *expected) {
  char *text = run_every_way(gcache_cstr(input), replies, 0);
  assert_string_equal(text, expected);
  free(text);
}

/* ------------------------------------------------------------------------------------ order -- */

static const char THREE[] = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                            "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy"
                            "GET /c HTTP/1.1\r\nHost: h\r\n\r\n";
static const char THREE_DONE[] = "GET /a 1.1\n  Host=h\n"
                                 "PUT /b 1.1\n  Host=h\n  Content-Length=2\n  body 2:xy\n"
                                 "GET /c 1.1\n  Host=h\n--\n"
                                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/a"
                                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/b"
                                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/c"
                                 "\n-- close 0 phase 0 bad 0 error 0";

static void answers_leave_in_the_order_of_requests_however_they_are_given(void **state) {
  (void)state;
  assert_run(THREE, REPLY_AT_ONCE, THREE_DONE);
  assert_run(THREE, REPLY_AT_END, THREE_DONE);
  assert_run(THREE, REPLY_AT_END_REVERSED, THREE_DONE);
}

static void an_early_answer_waits_for_those_before_it(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  feed(&run, THREE);
  gcache_value_t *large = gci_value_block(run.mem, 5000);
  memset(gci_value_fill(large), 'v', 5000);
  struct gci_http_message answer = {
      .status = 200, .before = gcache_cstr("<"), .value = large, .after = gcache_cstr(">")};
  reply(&run, 2, &answer);
  reply_text(&run, 1, "second");
  assert_int_equal(run.ready, 0);
  assert_int_equal(gci_http_server_pending(run.server), 3);
  assert_string_equal(output(&run), "");
  reply_text(&run, 0, "first");
  assert_int_equal(run.ready, 1);
  assert_int_equal(gci_http_server_pending(run.server), 0);
  gcache_bytes_t slices[8];
  assert_int_equal(gci_out_slices(gci_http_server_output(run.server), slices, 8), 3);
  assert_ptr_equal(slices[1].base, gcache_value_bytes(large).base);
  gcache_value_unref(large);
  const char *sent = output(&run);
  assert_non_null(strstr(sent, "\r\n\r\nfirstHTTP/1.1 200"));
  assert_non_null(
      strstr(sent, "\r\n\r\nsecondHTTP/1.1 200 OK\r\nContent-Length: 5002\r\n\r\n<vvv"));
  end(&run);
}

static void input_stops_while_too_many_answers_are_owed(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  run.limits.pipelined_max = 2;
  ssize_t taken = gci_http_server_input(run.server, gcache_cstr(THREE));
  assert_int_equal(taken, strstr(THREE, "GET /c") - THREE);
  assert_int_equal(gci_http_server_pending(run.server), 2);
  assert_false(gci_http_server_wants_input(run.server));
  assert_int_equal(gci_http_server_input(run.server, gcache_cstr(THREE + taken)), 0);
  reply_text(&run, 1, "b");
  assert_false(gci_http_server_wants_input(run.server));
  reply_text(&run, 0, "a");
  assert_true(gci_http_server_wants_input(run.server));
  assert_int_equal(gci_http_server_input(run.server, gcache_cstr(THREE + taken)),
                   strlen(THREE + taken));
  assert_int_equal(run.requests, 3);
  reply_text(&run, 2, "c");
  end(&run);
}

/* Large bodies wait for slow answers: pipelining must not multiply them. */
static void input_stops_while_unanswered_requests_hold_much(void **state) {
  enum { BODY = 300 * 1000 };
  const char *head = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n";
  char *body = calloc(1, BODY);
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  run.limits.pipelined_max = 1000;
  gci_http_server_close(run.server);
  run.limits.value_max = BODY;
  assert_int_equal(gci_h1_server_open(&run.server, run.mem, &run.limits, &run_events, &run), 0);
  while (gci_http_server_wants_input(run.server)) {
    feed(&run, head);
    assert_int_equal(gci_http_server_input(run.server, gcache_bytes(body, BODY)), BODY);
  }
  assert_int_equal(run.requests, 4); /* the fourth passes 1 MiB */
  assert_int_equal(gci_http_server_input(run.server, gcache_cstr(head)), 0);
  reply_text(&run, 0, "a");
  assert_true(gci_http_server_wants_input(run.server));
  for (size_t i = 1; i < 4; i++)
    reply_text(&run, i, "a");
  free(body);
  end(&run);
}

static void ready_is_told_of_answers_given_outside_input_only(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_ONCE);
  feed(&run, THREE);
  assert_int_equal(run.ready, 0);
  end(&run);
  run_open(&run, REPLY_AT_END);
  feed(&run, THREE);
  for (size_t i = 0; i < 3; i++) {
    reply_text(&run, i, "x");
    assert_int_equal(run.ready, i + 1);
  }
  end(&run);
}

/* ---------------------------------------------------------------------- heads and no bodies -- */

static void head_and_bodiless_statuses_send_no_body(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  feed(&run, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nHEAD /b HTTP/1.1\r\nHost: h\r\n\r\n"
             "GET /c HTTP/1.1\r\nHost: h\r\n\r\nGET /d HTTP/1.1\r\nHost: h\r\n\r\n");
  gcache_header_t header = {gcache_cstr("Content-Type"), gcache_cstr("text/plain")};
  struct gci_http_message answer = {
      .status = 200, .headers = &header, .n_headers = 1, .before = gcache_cstr("hello")};
  reply(&run, 1, &answer);
  reply(&run, 0, &answer);
  answer.status = 304;
  reply(&run, 3, &answer);
  answer.status = 204;
  reply(&run, 2, &answer);
  assert_string_equal(output(&run),
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
                      "HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\n\r\n"
                      "HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\n\r\n");
  end(&run);
}

static void heads_of_any_length_are_written(void **state) {
  struct server_run run;
  char value[3000];
  (void)state;
  memset(value, 'x', sizeof value);
  for (size_t len = 900; len < sizeof value; len += 300) {
    run_open(&run, REPLY_AT_END);
    feed(&run, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    gcache_header_t header = {gcache_cstr("X"), gcache_bytes(value, len)};
    struct gci_http_message answer = {.status = 299, .headers = &header, .n_headers = 1};
    reply(&run, 0, &answer);
    char expected[4000];
    snprintf(expected, sizeof expected, "HTTP/1.1 299 \r\nX: %.*s\r\nContent-Length: 0\r\n\r\n",
             (int)len, value);
    assert_string_equal(output(&run), expected);
    end(&run);
  }
}

/* --------------------------------------------------------------------------------- endings -- */

static void connection_close_ends_it_and_what_follows_is_ignored(void **state) {
  (void)state;
  static const char *const closing[] = {
      "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE ,keep-alive\r\n\r\n",
      "GET /a HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
      "GET /a HTTP/1.0\r\nHost: h\r\n\r\n",
      "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n"};
  for (size_t i = 0; i < sizeof closing / sizeof closing[0]; i++) {
    char input[256];
    snprintf(input, sizeof input, "%sGET /b HTTP/1.1\r\n\001garbage", closing[i]);
    for (int replies = REPLY_AT_ONCE; replies <= REPLY_AT_END_REVERSED; replies++) {
      char *text = run_every_way(gcache_cstr(input), (enum server_replies)replies, 0);
      assert_non_null(strstr(text,
                             "--\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                             "Connection: close\r\n\r\n/a\n-- close 1 phase 0 bad 0 error 0"));
      free(text);
    }
  }
}

static void http_1_0_is_kept_alive_when_it_asks(void **state) {
  (void)state;
  const char *input = "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                      "GET /b HTTP/1.0\r\nconnection:Keep-Alive\r\n\r\nGET /c HTTP/1.0\r\n\r\n";
  const char *expected =
      "GET /a 1.0\n  Connection=keep-alive\nGET /b 1.0\n  connection=Keep-Alive\n"
      "GET /c 1.0\n--\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n/a"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n/b"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/c"
      "\n-- close 1 phase 0 bad 0 error 0";
  assert_run(input, REPLY_AT_ONCE, expected);
  assert_run(input, REPLY_AT_END_REVERSED, expected);
}

static void a_refusal_waits_for_the_answers_before_it(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  feed(&run, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
             "GET /c HTTP/1.1\r\n\r\nGET /d HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(run.requests, 2);
  assert_int_equal(gci_http_server_bad_requests(run.server), 1);
  assert_false(gci_http_server_wants_close(run.server));
  assert_false(gci_http_server_wants_input(run.server));
  reply_text(&run, 1, "b");
  assert_string_equal(output(&run), "");
  reply_text(&run, 0, "a");
  assert_true(gci_http_server_wants_close(run.server));
  assert_string_equal(output(&run),
                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"
                      "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  end(&run);
}

static void drain_when_idle_closes_at_once(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  assert_false(gci_http_server_wants_close(run.server));
  gci_http_server_drain(run.server);
  assert_true(gci_http_server_wants_close(run.server));
  feed(&run, THREE);
  assert_int_equal(run.requests, 0);
  end(&run);
}

static void drain_lets_the_latest_answer_say_close(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  feed(&run, "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  reply_text(&run, 1, "b"); /* held before the drain begins */
  gci_http_server_drain(run.server);
  feed(&run, THREE);
  assert_int_equal(run.requests, 2);
  assert_false(gci_http_server_wants_close(run.server));
  reply_text(&run, 0, "a");
  assert_true(gci_http_server_wants_close(run.server));
  assert_string_equal(output(&run),
                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nb");
  end(&run);
}

static void drain_lets_a_begun_request_finish(void **state) {
  static const size_t cuts[] = {1, 20, 44, 48, 49};
  const char *put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy";
  (void)state;
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    struct server_run run;
    run_open(&run, REPLY_AT_END);
    run_feed(&run, gcache_bytes(put, cuts[i]));
    gci_http_server_drain(run.server);
    assert_false(gci_http_server_wants_close(run.server));
    feed(&run, put + cuts[i]);
    feed(&run, THREE);
    assert_int_equal(run.requests, 1);
    reply_text(&run, 0, "");
    assert_string_equal(output(&run),
                        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert_true(gci_http_server_wants_close(run.server));
    end(&run);
  }
}

static void a_time_limit_in_a_request_answers_408(void **state) {
  const char *put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx";
  (void)state;
  for (size_t len = 0; len <= strlen(put); len++) {
    struct server_run run;
    run_open(&run, REPLY_AT_END);
    feed(&run, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    run_feed(&run, gcache_bytes(put, len));
    gci_http_server_timed_out(run.server);
    feed(&run, THREE);
    assert_int_equal(run.requests, 1);
    assert_int_equal(gci_http_server_bad_requests(run.server), 0);
    assert_false(gci_http_server_wants_close(run.server));
    reply_text(&run, 0, "a");
    assert_true(gci_http_server_wants_close(run.server));
    assert_string_equal(
        output(&run),
        len == 0
            ? "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na"
            : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
              "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    end(&run);
  }
}

static void phases_follow_the_bytes(void **state) {
  struct server_run run;
  const char *put = "\r\nPUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz";
  size_t head = strlen(put) - 3;
  (void)state;
  run_open(&run, REPLY_AT_END);
  for (size_t i = 0; put[i] != '\0'; i++) {
    enum gci_http_phase expected = i <= 2     ? GCI_HTTP_IDLE
                                   : i < head ? GCI_HTTP_HEAD
                                              : GCI_HTTP_BODY;
    assert_int_equal(gci_http_server_phase(run.server), expected);
    assert_int_equal(gci_http_server_body_received(run.server), i > head ? i - head : 0);
    run_feed(&run, gcache_bytes(put + i, 1));
  }
  assert_int_equal(gci_http_server_phase(run.server), GCI_HTTP_IDLE);
  assert_int_equal(gci_http_server_pending(run.server), 1);
  assert_int_equal(gci_http_server_body_received(run.server), 0);
  reply_text(&run, 0, "");
  end(&run);
}

/* --------------------------------------------------------------------------------- Expect -- */

static void a_wanted_body_is_asked_for(void **state) {
  (void)state;
  const char *input =
      "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nxy"
      "PUT /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      "PUT /c HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n";
  char *text = run_every_way(gcache_cstr(input), REPLY_AT_ONCE, 0);
  assert_string_equal(strstr(text, "--\n"), "--\nHTTP/1.1 100 Continue\r\n\r\n"
                                            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/a"
                                            "HTTP/1.1 100 Continue\r\n\r\n"
                                            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/b"
                                            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/c"
                                            "\n-- close 0 phase 0 bad 0 error 0");
  free(text);
}

static void a_body_is_asked_for_behind_the_answers_before_it(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  feed(&run, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
             "PUT /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  assert_string_equal(output(&run), "");
  /* No time limit runs: the client waits for us. */
  assert_int_equal(gci_http_server_phase(run.server), GCI_HTTP_IDLE);
  reply_text(&run, 0, "a");
  assert_string_equal(output(&run), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                                    "HTTP/1.1 100 Continue\r\n\r\n");
  assert_int_equal(gci_http_server_phase(run.server), GCI_HTTP_BODY);
  feed(&run, "xy");
  reply_text(&run, 1, "b");
  assert_string_equal(output(&run), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb");
  end(&run);
}

static void a_body_that_has_come_or_may_not_be_asked_for_is_not(void **state) {
  (void)state;
  char *text = run_every_way(
      gcache_cstr(
          "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
          "PUT /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
      REPLY_AT_END, 0);
  assert_null(strstr(text, "HTTP/1.1 100"));
  free(text);
  text = run_every_way(
      gcache_cstr("PUT /b HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
      REPLY_AT_ONCE, 0);
  assert_null(strstr(text, "HTTP/1.1 100"));
  free(text);
}

static void a_body_that_is_too_long_is_not_asked_for(void **state) {
  (void)state;
  const char *input = "PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                      "Content-Length: 9193\r\n\r\n";
  assert_run(input, REPLY_AT_ONCE,
             "--\nHTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
             "\n-- close 1 phase 0 bad 1 error 0");
}

/* ----------------------------------------------------------------------- closing in between -- */

static void exchanges_outlive_their_connection(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  feed(&run, THREE);
  reply_text(&run, 1, "held");
  gcache_value_t *body = gcache_value_ref(run.owed[0]->body);
  gci_http_server_close(run.server);
  assert_memory_equal(run.owed[2]->head.target.base, "/c", 2);
  reply_text(&run, 2, "nobody reads this");
  reply_text(&run, 0, "nor this");
  assert_int_equal(run.ready, 0);
  gcache_value_unref(body);
  assert_int_equal(run.mem->blocks, 0);
  gci_mem_unref(run.mem);
  free(run.text);
  oom_assert_empty(&run.oom);
}

struct closer {
  struct gci_http_server *server;
  struct gci_http_exchange *kept;
  unsigned requests, readies;
  int replies; /* before it closes */
};

static void close_at_second(void *user, struct gci_http_exchange *x) {
  struct closer *closer = user;
  struct gci_http_message answer = {.status = 200};
  if (++closer->requests == 1) {
    closer->kept = x;
    return;
  }
  if (closer->replies) gci_http_reply(x, &answer);
  gci_http_server_close(closer->server);
  if (!closer->replies) gci_http_reply(x, &answer);
}

static void close_when_ready(void *user) {
  struct closer *closer = user;
  closer->readies++;
  gci_http_server_close(closer->server);
}

static const struct gci_http_server_events closer_events = {close_at_second, close_when_ready};

static void a_server_may_be_closed_by_its_events(void **state) {
  (void)state;
  gcache_limits_t limits = run_limits();
  for (int replies = 0; replies < 2; replies++) {
    for (int when_ready = 0; when_ready < 2; when_ready++) {
      struct oom oom;
      oom_init(&oom);
      gcache_mem_t user = oom_mem(&oom);
      struct gci_mem *mem = gci_mem_new(&user);
      struct closer closer = {.replies = replies};
      struct gci_http_message answer = {.status = 200};
      assert_int_equal(gci_h1_server_open(&closer.server, mem, &limits, &closer_events, &closer),
                       0);
      size_t len = when_ready ? (size_t)(strstr(THREE, "PUT") - THREE) : strlen(THREE);
      assert_int_equal(gci_http_server_input(closer.server, gcache_bytes(THREE, len)), len);
      assert_int_equal(closer.requests, when_ready ? 1 : 2);
      gci_http_reply(closer.kept, &answer);
      assert_int_equal(closer.readies, when_ready);
      gci_mem_unref(mem);
      oom_assert_empty(&oom);
    }
  }
}

static void close_at_once(void *user, struct gci_http_exchange *x) {
  struct closer *closer = user;
  closer->kept = x;
  gci_http_server_close(closer->server);
}

static const struct gci_http_server_events at_once_events = {close_at_once, close_when_ready};

static void what_is_owed_when_an_event_has_closed_it_is_not_in_flight(void **state) {
  (void)state;
  gcache_limits_t limits = run_limits();
  struct oom oom;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct closer closer = {0};
  struct gci_http_message answer = {.status = 200};
  assert_int_equal(gci_h1_server_open(&closer.server, mem, &limits, &at_once_events, &closer), 0);
  assert_int_equal(gci_http_server_input(closer.server, gcache_bytes(THREE, strlen(THREE))),
                   strlen(THREE));
  gci_http_reply(closer.kept, &answer);
  assert_int_equal(mem->in_flight.bytes, 0);
  assert_int_equal(mem->in_flight.requests, 0);
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

/* -------------------------------------------------------------------------- out of memory -- */

/* Everything that allocates: heads in pieces, bodies, answers in and out of order, large and
 * small. */
static void scenario(struct oom *oom, void *arg) {
  (void)arg;
  static const char input[] =
      "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
      "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nxy"
      "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      "GET /d HTTP/1.1\r\nhost: h\r\n\r\nGET /e HTTP/1.1\r\n\r\n";
  gcache_mem_t user = oom_mem(oom);
  struct server_run run = {.replies = REPLY_AT_END};
  run.mem = gci_mem_new(&user);
  if (run.mem == NULL) return;
  run.limits = run_limits();
  run.limits.pipelined_max = 100;
  run_add(&run, "", 0);
  int err = gci_h1_server_open(&run.server, run.mem, &run.limits, &run_events, &run);
  if (err == 0) {
    size_t cut = 90;
    run_feed(&run, gcache_bytes(input, cut));
    run_feed(&run, gcache_bytes(input + cut, strlen(input) - cut));
    int refused = gci_http_server_bad_requests(run.server) == 1; /* so the last one was seen */
    assert_int_equal(run.input_error, refused ? 0 : UV_ENOMEM);
    gcache_value_t *value = gci_value_block(run.mem, 5000);
    for (size_t n = run.n_owed; n > 0; n--) {
      struct gci_http_message answer = {.status = 200, .before = gcache_cstr("b"), .value = value};
      int failed = gci_http_reply(run.owed[n - 1], &answer);
      assert_true(failed == 0 || failed == UV_ENOMEM);
    }
    gcache_value_unref(value);
    if (oom->refused == 0)
      assert_int_equal(run.requests, 4);
    else if (run.input_error != 0)
      assert_true(gci_http_server_wants_close(run.server));
    gci_http_server_close(run.server);
  } else {
    assert_int_equal(err, UV_ENOMEM);
  }
  gci_mem_unref(run.mem);
  free(run.text);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_sweep(scenario, NULL) >= 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_leave_in_the_order_of_requests_however_they_are_given),
      cmocka_unit_test(an_early_answer_waits_for_those_before_it),
      cmocka_unit_test(input_stops_while_too_many_answers_are_owed),
      cmocka_unit_test(input_stops_while_unanswered_requests_hold_much),
      cmocka_unit_test(ready_is_told_of_answers_given_outside_input_only),
      cmocka_unit_test(head_and_bodiless_statuses_send_no_body),
      cmocka_unit_test(heads_of_any_length_are_written),
      cmocka_unit_test(connection_close_ends_it_and_what_follows_is_ignored),
      cmocka_unit_test(http_1_0_is_kept_alive_when_it_asks),
      cmocka_unit_test(a_refusal_waits_for_the_answers_before_it),
      cmocka_unit_test(drain_when_idle_closes_at_once),
      cmocka_unit_test(drain_lets_the_latest_answer_say_close),
      cmocka_unit_test(drain_lets_a_begun_request_finish),
      cmocka_unit_test(a_time_limit_in_a_request_answers_408),
      cmocka_unit_test(phases_follow_the_bytes),
      cmocka_unit_test(a_wanted_body_is_asked_for),
      cmocka_unit_test(a_body_is_asked_for_behind_the_answers_before_it),
      cmocka_unit_test(a_body_that_has_come_or_may_not_be_asked_for_is_not),
      cmocka_unit_test(a_body_that_is_too_long_is_not_asked_for),
      cmocka_unit_test(exchanges_outlive_their_connection),
      cmocka_unit_test(a_server_may_be_closed_by_its_events),
      cmocka_unit_test(what_is_owed_when_an_event_has_closed_it_is_not_in_flight),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
