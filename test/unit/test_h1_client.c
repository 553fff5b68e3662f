/* Unit test of http/h1_client: what is written, what is accepted of the response, and how it ends.
 * Every input is fed whole, byte by byte and cut at every place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/value.h"
#include "h1_client_run.h"

static void assert_input(size_t asked, const char *input, const char *expected) {
  char *text = client_every_way(gcache_cstr(input), asked, 0);
  assert_string_equal(text, expected);
  free(text);
}

/* ---------------------------------------------------------------------------------- asking -- */

static const char *output(struct client_run *run) {
  struct gci_out *out = gci_http_client_output(run->client);
  gcache_bytes_t slices[8];
  run->len = 0;
  client_add(run, gcache_cstr(""));
  size_t n = gci_out_slices(out, slices, 8);
  assert_true(n < 8);
  for (size_t i = 0; i < n; i++)
    client_add(run, slices[i]);
  gci_out_consume(out, out->bytes);
  return run->text;
}

static void a_request_has_a_host_and_a_length_if_it_has_a_body(void **state) {
  struct client_run run;
  (void)state;
  client_open(&run);
  gcache_header_t headers[] = {{GCI_LIT("A"), GCI_LIT("b")}, {GCI_LIT("C"), GCI_LIT("")}};
  struct gci_http_message request = {.method = GCI_LIT("GET"),
                                     .target = GCI_LIT("/x?y"),
                                     .host = GCI_LIT("h:1"),
                                     .headers = headers,
                                     .n_headers = 2};
  assert_int_equal(gci_http_client_send(run.client, &request, &request), 0);
  assert_string_equal(output(&run), "GET /x?y HTTP/1.1\r\nHost: h:1\r\nA: b\r\nC: \r\n\r\n");
  request.n_headers = 0;
  request.method = GCI_LIT("PUT");
  request.has_body = 1;
  assert_int_equal(gci_http_client_send(run.client, &request, &request), 0);
  assert_string_equal(output(&run), "PUT /x?y HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n");
  request.before = GCI_LIT("<");
  request.after = GCI_LIT(">");
  request.value = gci_value_copy(run.mem, GCI_LIT("value"), GCACHE_NEVER);
  assert_int_equal(gci_http_client_send(run.client, &request, &request), 0);
  gcache_value_unref(request.value);
  assert_string_equal(output(&run),
                      "PUT /x?y HTTP/1.1\r\nHost: h:1\r\nContent-Length: 7\r\n\r\n<value>");
  assert_int_equal(gci_http_client_pending(run.client), 3);
  client_close(&run);
}

static void a_large_value_is_sent_uncopied(void **state) {
  struct client_run run;
  gcache_bytes_t slices[4];
  (void)state;
  client_open(&run);
  gcache_value_t *value = gci_value_block(run.mem, 100000);
  struct gci_http_message request = {.method = GCI_LIT("PUT"),
                                     .target = GCI_LIT("/"),
                                     .host = GCI_LIT("h"),
                                     .value = value,
                                     .after = GCI_LIT("z")};
  assert_int_equal(gci_http_client_send(run.client, &request, &request), 0);
  assert_int_equal(gci_out_slices(gci_http_client_output(run.client), slices, 4), 3);
  assert_ptr_equal(slices[1].base, gcache_value_bytes(value).base);
  assert_int_equal(slices[1].len, 100000);
  gcache_value_unref(value);
  client_close(&run);
}

/* -------------------------------------------------------------------------------- answers -- */

static void bodies_end_where_they_say(void **state) {
  (void)state;
  assert_input(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
               "200 1.1\n  Content-Length=2\n  body 2:ab\n"
               "-- error 0 pending 0 reusable 1 begun 0: \n-- eof 0: \n");
  assert_input(1, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX:\r\n\r\n",
               "404 1.1\n  Content-Length=0\n  X=\n"
               "-- error 0 pending 0 reusable 1 begun 0: \n-- eof 0: \n");
  assert_input(1,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
               "chunked\r\n\r\n3;x\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n",
               "200 1.1\n  Transfer-Encoding=chunked\n  body 4:abcd\n"
               "-- error 0 pending 0 reusable 1 begun 0: \n-- eof 0: \n");
  assert_input(1, "HTTP/1.1 200 OK\r\n\r\nuntil the end",
               "-- error 0 pending 1 reusable 1 begun 1: \n"
               "200 1.1\n  body 13:until the end\n-- eof 0: \n");
  assert_input(1, "HTTP/1.1 200 OK\r\n\r\n",
               "-- error 0 pending 1 reusable 1 begun 1: \n200 1.1\n-- eof 0: \n");
}

static void some_statuses_have_no_body_whatever_they_say(void **state) {
  (void)state;
  assert_input(3,
               "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"
               "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"
               "HTTP/1.1 204 \r\n\r\n",
               "204 1.1\n  Content-Length=5\n304 1.1\n  Transfer-Encoding=chunked\n204 1.1\n"
               "-- error 0 pending 0 reusable 1 begun 0: \n-- eof 0: \n");
}

static void a_reason_may_be_missing(void **state) {
  (void)state;
  assert_input(3,
               "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"
               "HTTP/1.1 599 \xff\t ~\r\nContent-Length: 0\r\n\r\n",
               "200 1.1\n  Content-Length=0\n200 1.1\n  Content-Length=0\n599 1.1\n"
               "  Content-Length=0\n-- error 0 pending 0 reusable 1 begun 0: \n-- eof 0: \n");
}

static void answers_are_counted_off_against_requests(void **state) {
  (void)state;
  assert_input(
      3,
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nb",
      "200 1.1\n  Content-Length=1\n  body 1:a\n500 1.1\n  Content-Length=1\n  body 1:b\n"
      "-- error 0 pending 1 reusable 1 begun 0: \n"
      "-- eof -4095: closed before the answer\n");
}

static void up_to_eight_interim_answers_are_skipped(void **state) {
  (void)state;
  char input[2048] = "";
  for (int i = 0; i < 8; i++)
    strcat(input,
           i % 2 ? "HTTP/1.1 100 Continue\r\n\r\n" : "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n");
  assert_input(1, input,
               "-- error 0 pending 1 reusable 1 begun 1: \n"
               "-- eof -4095: closed before the answer\n");
  strcat(input, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert_input(1, input,
               "200 1.1\n  Content-Length=0\n"
               "-- error 0 pending 0 reusable 1 begun 0: \n-- eof 0: \n");
  *strstr(input, "HTTP/1.1 200") = '\0';
  strcat(input, "HTTP/1.1 199 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert_input(1, input,
               "-- error -71 pending 1 reusable 0 begun 1: more than eight interim answers\n"
               "-- eof -71: more than eight interim answers\n");
}

static void some_answers_are_the_last(void **state) {
  static const char *const last[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x ,Close\r\n\r\n",
      "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"};
  (void)state;
  for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
    char *text = client_every_way(gcache_cstr(last[i]), 1, 0);
    assert_non_null(strstr(text, "-- error 0 pending 0 reusable 0 begun 0: \n-- eof 0: \n"));
    free(text);
    char two[256];
    snprintf(two, sizeof two, "%sHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", last[i]);
    text = client_every_way(gcache_cstr(two), 2, 0);
    assert_non_null(strstr(text, "-- error -71 pending 1 reusable 0 begun 0: bytes that nobody"));
    free(text);
  }
  struct client_run run;
  client_open(&run);
  client_ask(&run);
  client_feed(&run, gcache_cstr(last[0]));
  assert_int_equal(client_ask(&run), UV_EPIPE);
  client_close(&run);
}

static void bytes_nobody_asked_for_are_refused(void **state) {
  (void)state;
  assert_input(0, "H",
               "-- error -71 pending 0 reusable 0 begun 0: bytes that nobody asked for\n"
               "-- eof -71: bytes that nobody asked for\n");
  assert_input(1, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
               "200 1.1\n  Content-Length=1\n  body 1:a\n"
               "-- error -71 pending 0 reusable 0 begun 0: bytes that nobody asked for\n"
               "-- eof -71: bytes that nobody asked for\n");
  assert_input(1, "HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nab",
               "204 1.1\n  Content-Length=2\n"
               "-- error -71 pending 0 reusable 0 begun 0: bytes that nobody asked for\n"
               "-- eof -71: bytes that nobody asked for\n");
}

static void an_end_too_early_is_told_as_such(void **state) {
  const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  size_t head = strlen(answer) - 2;
  (void)state;
  for (size_t len = 0; len < strlen(answer); len++) {
    char *text = client_every_way(gcache_bytes(answer, len), 1, 0);
    const char *reason = len == 0 ? "-- eof -4095: closed before the answer\n"
                         : len < head
                             ? "-- eof -4095: closed before the end of the answer's head\n"
                             : "-- eof -4095: closed before the end of the answer's body\n";
    assert_non_null(strstr(text, reason));
    free(text);
  }
}

static void malformed_answers_are_refused(void **state) {
  static const char *const answers[] = {
      "\r\nHTTP/1.1 200 OK\r\n\r\n",
      " HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1\t200 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1 600 OK\r\n\r\n",
      "HTTP/1.1 999 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 2x0 OK\r\n\r\n",
      "HTTP/1.1 -20 OK\r\n\r\n",
      "HTTP/1.1 OK\r\n\r\n",
      "HTTP/1.1\r\n\r\n",
      "HTTP/1.1 200OK\r\n\r\n",
      "HTTP/1.1 200 O\001K\r\n\r\n",
      "HTTP/1.1 200 O\177K\r\n\r\n",
      "HTTP/1.1 200 OK\n\r\n",
      "HTTP/1.1 200 OK\r\r\n",
      "HTTP/1.2 200 OK\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/2 200\r\n\r\n",
      "HTTP/0.9 200 OK\r\n\r\n",
      "http/1.1 200 OK\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "<html>",
      "\x16\x03\x01",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      "HTTP/1.1 200 OK\r\n X: y\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: y\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: \001\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: y\rZ: z\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: y\n\r\n",
      "HTTP/1.1 200 OK\r\n\rX",
      "HTTP/1.1 200 OK\r\nX\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\na",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 204 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n x\r\n",
      NULL};
  (void)state;
  for (size_t i = 0; answers[i] != NULL; i++) {
    char *text = client_every_way(gcache_cstr(answers[i]), 3, 0);
    if (strncmp(text, "-- error -71 pending 3 reusable 0", 33) != 0)
      fail_msg("not refused: %s\n%s", answers[i], text);
    assert_null(strstr(text, ": \n"));
    free(text);
  }
}

/* ---------------------------------------------------------------------------------- limits -- */

static void assert_too_long(const char *input, const char *reason) {
  char expected[256];
  snprintf(expected, sizeof expected,
           "-- error %d pending 1 reusable 0 begun 1: %s\n-- eof %d: %s\n", UV_EMSGSIZE, reason,
           UV_EMSGSIZE, reason);
  char *text = client_every_way(gcache_cstr(input), 1, 60);
  assert_string_equal(text, expected);
  free(text);
}

static void answers_over_a_limit_are_refused_by_its_name(void **state) {
  static char input[20000], letters[9300];
  (void)state;
  memset(letters, 'a', sizeof letters - 1);
  snprintf(input, sizeof input, "HTTP/1.1 200 %.300s\r\n\r\n", letters);
  assert_too_long(input, "first line is longer than the limit");
  snprintf(input, sizeof input, "HTTP/1.1 200 OK\r\nX: %.600s\r\n\r\n", letters);
  assert_too_long(input, "head is longer than the limit");
  assert_too_long("HTTP/1.1 200 OK\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n",
                  "more header lines than the limit");
  assert_too_long("HTTP/1.1 200 OK\r\nContent-Length: 9193\r\n\r\n",
                  "body is longer than the limit");
  assert_too_long("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n23e9\r\n",
                  "body is longer than the limit");
  snprintf(input, sizeof input, "HTTP/1.1 200 OK\r\n\r\n%.9193s", letters);
  assert_too_long(input, "body is longer than the limit");
  snprintf(input, sizeof input, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;%.101s\r\n",
           letters);
  assert_too_long(input, "chunk extensions and trailers are longer than the limit");
}

static void answers_at_the_limit_are_taken(void **state) {
  static char input[20000], letters[9300];
  static const char *const heads[] = {"Content-Length: 9192\r\n\r\n",
                                      "Transfer-Encoding: chunked\r\n\r\n23e8\r\n", "\r\n"};
  static const char *const tails[] = {"", "\r\n0\r\n\r\n", ""};
  (void)state;
  memset(letters, 'a', sizeof letters - 1);
  for (size_t i = 0; i < 3; i++) {
    snprintf(input, sizeof input, "HTTP/1.1 200 OK\r\n%s%.9192s%s", heads[i], letters, tails[i]);
    char *text = client_every_way(gcache_cstr(input), 1, 60);
    assert_non_null(strstr(text, "  body 9192:aaa"));
    assert_non_null(strstr(text, "-- eof 0: \n"));
    free(text);
  }
}

/* ------------------------------------------------------------------------------- the event -- */

struct inside {
  struct client_run run;
  int close, asks;
};

static void act_inside(void *user, void *tag, const struct gci_http_head *head,
                       gcache_value_t *body) {
  struct inside *inside = user;
  on_client_response(&inside->run, tag, head, body);
  if (inside->asks > 0) {
    inside->asks--;
    assert_int_equal(client_ask(&inside->run), 0);
  }
  if (inside->close) gci_http_client_close(inside->run.client);
}

static const struct gci_http_client_events inside_events = {.response = act_inside};
static const char ONE[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
static const char TWO[] =
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb";

static void open_inside(struct inside *inside) {
  memset(inside, 0, sizeof *inside);
  client_open(&inside->run);
  gci_http_client_close(inside->run.client);
  assert_int_equal(gci_h1_client_open(&inside->run.client, inside->run.mem, &inside->run.limits,
                                      &inside_events, inside),
                   0);
  assert_int_equal(client_ask(&inside->run), 0);
}

static void the_next_request_may_be_sent_inside_the_event(void **state) {
  struct inside inside;
  (void)state;
  open_inside(&inside);
  inside.asks = 1;
  assert_int_equal(gci_http_client_input(inside.run.client, gcache_cstr(ONE)), 0);
  assert_int_equal(gci_http_client_pending(inside.run.client), 1);
  assert_int_equal(gci_http_client_input(inside.run.client, gcache_cstr(ONE)), 0);
  assert_int_equal(inside.run.answers, 2);
  client_close(&inside.run);
}

static void what_came_before_a_request_does_not_answer_it(void **state) {
  struct inside inside;
  (void)state;
  open_inside(&inside);
  inside.asks = 1;
  assert_int_equal(gci_http_client_input(inside.run.client, gcache_cstr(TWO)), UV_EPROTO);
  assert_int_equal(inside.run.answers, 1);
  client_close(&inside.run);
}

static void the_event_may_close_the_client(void **state) {
  (void)state;
  for (int at_eof = 0; at_eof < 2; at_eof++) {
    struct inside inside;
    open_inside(&inside);
    inside.close = 1;
    const char *input = at_eof ? "HTTP/1.1 200 OK\r\n\r\na" : TWO;
    assert_int_equal(gci_http_client_input(inside.run.client, gcache_cstr(input)), 0);
    if (at_eof) assert_int_equal(gci_http_client_eof(inside.run.client), 0);
    assert_int_equal(inside.run.answers, 1);
    gcache_value_unref(inside.run.last_body);
    gci_mem_unref(inside.run.mem);
    free(inside.run.text);
    oom_assert_empty(&inside.run.oom);
  }
}

static void a_kept_body_is_exact_and_outlives_the_client(void **state) {
  struct client_run run;
  (void)state;
  client_open(&run);
  client_ask(&run);
  client_feed(&run, gcache_cstr("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  gcache_value_t *body = run.last_body;
  run.last_body = NULL;
  gci_http_client_close(run.client);
  assert_int_equal(gcache_value_bytes(body).len, 5);
  assert_memory_equal(gcache_value_bytes(body).base, "abcde", 5);
  assert_int_equal(run.mem->blocks, 1);
  assert_int_equal(run.mem->bytes, 48 + 5);
  gcache_value_unref(body);
  gci_mem_unref(run.mem);
  free(run.text);
  oom_assert_empty(&run.oom);
}

/* --------------------------------------------------------------------------- out of memory -- */

static void scenario(struct oom *oom, void *arg) {
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  struct client_run run = {.limits = client_limits()};
  run.mem = gci_mem_new(&user);
  if (run.mem == NULL) return;
  client_add(&run, gcache_cstr(""));
  int err = gci_h1_client_open(&run.client, run.mem, &run.limits, &client_run_events, &run);
  if (err == 0) {
    for (int i = 0; i < 3 && err == 0; i++) {
      gcache_value_t *value = gci_value_block(run.mem, 20000 * (size_t)i + 1);
      struct gci_http_message request = {
          .method = GCI_LIT("PUT"), .target = GCI_LIT("/"), .host = GCI_LIT("h"), .value = value};
      err = gci_http_client_send(run.client, &request, &request);
      gcache_value_unref(value);
    }
    if (err == 0) {
      client_feed(&run, gcache_cstr("HTTP/1.1 200 OK\r\nContent-Len"));
      client_feed(&run, gcache_cstr("gth: 2\r\n\r\nabHTTP/1.1 100 C\r\n\r\n"));
      client_feed(&run, gcache_cstr("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "1\r\na\r\n1\r\nb\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx"));
      err = run.error;
      if (err == 0) assert_int_equal(gci_http_client_eof(run.client), 0);
    }
    if (err != 0) {
      assert_int_equal(err, UV_ENOMEM);
      assert_false(gci_http_client_reusable(run.client));
      assert_string_equal(gci_http_client_reason(run.client), "out of memory");
    } else {
      assert_int_equal(run.answers, 3);
    }
    gcache_value_unref(run.last_body);
    gci_http_client_close(run.client);
  }
  gci_mem_unref(run.mem);
  free(run.text);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_sweep(scenario, NULL) >= 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_has_a_host_and_a_length_if_it_has_a_body),
      cmocka_unit_test(a_large_value_is_sent_uncopied),
      cmocka_unit_test(bodies_end_where_they_say),
      cmocka_unit_test(some_statuses_have_no_body_whatever_they_say),
      cmocka_unit_test(a_reason_may_be_missing),
      cmocka_unit_test(answers_are_counted_off_against_requests),
      cmocka_unit_test(up_to_eight_interim_answers_are_skipped),
      cmocka_unit_test(some_answers_are_the_last),
      cmocka_unit_test(bytes_nobody_asked_for_are_refused),
      cmocka_unit_test(an_end_too_early_is_told_as_such),
      cmocka_unit_test(malformed_answers_are_refused),
      cmocka_unit_test(answers_over_a_limit_are_refused_by_its_name),
      cmocka_unit_test(answers_at_the_limit_are_taken),
      cmocka_unit_test(the_next_request_may_be_sent_inside_the_event),
      cmocka_unit_test(what_came_before_a_request_does_not_answer_it),
      cmocka_unit_test(the_event_may_close_the_client),
      cmocka_unit_test(a_kept_body_is_exact_and_outlives_the_client),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
