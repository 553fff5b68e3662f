/* Unit test of http/h1_heads: a head equal to the previous one is understood without being parsed,
 * and must be understood exactly as if it had been. It is compared with the same bytes fed one by
 * one, which are never a whole head and so are always parsed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/value.h"
#include "h1_client_run.h"
#include "h1_server_run.h"

#define HEADERS "Host: h\r\nGcache-Timeout-Ms: 4999\r\nAccept: */*\r\n\r\n"
#define FIRST "GET /group/key HTTP/1.1\r\n" HEADERS
#define ANSWER_LINES "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: "
#define BEHIND "\r\nDate: now\r\n\r\n"
#define FIRST_ANSWER ANSWER_LINES "2" BEHIND "ab"

/* Bytes that mean something somewhere, and some that mean nothing anywhere. */
static const char BYTES[] = "\x00\x01\t\n\r #%*/:?;,019Aaz~\x7f\x80\xff";

struct text {
  size_t len;
  char base[2048];
};

static void put_bytes(struct text *t, const void *bytes, size_t len) {
  assert_true(t->len + len <= sizeof t->base);
  memcpy(t->base + t->len, bytes, len);
  t->len += len;
}

static void put(struct text *t, const char *words) {
  put_bytes(t, words, strlen(words));
}

/* -------------------------------------------------------------------------- two ways to read -- */

static void read_requests_both_ways(const struct text *t) {
  gcache_bytes_t input = gcache_bytes(t->base, t->len);
  char *whole = run_text(input, input.len, 1, REPLY_AT_END);
  char *bytes = run_text(input, 0, 1, REPLY_AT_END);
  assert_string_equal(whole, bytes);
  free(whole);
  free(bytes);
}

static void read_answers_both_ways(const struct text *t) {
  gcache_bytes_t input = gcache_bytes(t->base, t->len);
  char *whole = client_text(input, 3, input.len, 1);
  char *bytes = client_text(input, 3, 0, 1);
  assert_string_equal(whole, bytes);
  free(whole);
  free(bytes);
}

typedef void (*read_both_ways)(const struct text *t);

/* first, second with its bytes from `at` on, `gone` of them, replaced by one or none, then first
 * again. */
static void try_change(const char *first, const char *second, size_t at, size_t gone,
                       const char *byte, read_both_ways read) {
  struct text t = {.len = 0};
  put(&t, first);
  put_bytes(&t, second, at);
  if (byte != NULL) put_bytes(&t, byte, 1);
  put(&t, second + at + gone);
  put(&t, first);
  read(&t);
}

static void try_every_change(const char *first, const char *second, read_both_ways read) {
  for (size_t at = 0; at < strlen(second); at++) {
    for (size_t i = 0; i < sizeof BYTES - 1; i++) {
      try_change(first, second, at, 1, &BYTES[i], read);
      try_change(first, second, at, 0, &BYTES[i], read);
    }
    try_change(first, second, at, 1, NULL, read);
  }
}

static void a_request_with_any_byte_changed(void **state) {
  (void)state;
  try_every_change(FIRST, FIRST, read_requests_both_ways);
}

static void an_answer_with_any_byte_changed(void **state) {
  (void)state;
  try_every_change(FIRST_ANSWER, FIRST_ANSWER, read_answers_both_ways);
}

/* --------------------------------------------------------------------------- what may differ -- */

static void every_pair_of_bytes_in_a_target(void **state) {
  (void)state;
  for (int a = 0; a < 256; a++) {
    struct text t = {.len = 0};
    put(&t, FIRST);
    for (size_t i = 0; i < sizeof BYTES - 1; i++) {
      char target[] = {'G', 'E', 'T', ' ', '/', (char)a, BYTES[i], ' '};
      struct text pair = t;
      put_bytes(&pair, target, sizeof target);
      put(&pair, "HTTP/1.1\r\n" HEADERS);
      read_requests_both_ways(&pair);
    }
  }
}

static void targets_and_heads_around_their_limits(void **state) {
  (void)state;
  for (size_t len = 150; len < 210; len++) { /* of the line; the limit is 200 */
    struct text t = {.len = 0};
    put(&t, FIRST "GET /");
    for (size_t i = 0; i < len - strlen("GET / HTTP/1.1"); i++)
      put(&t, "x");
    put(&t, " HTTP/1.1\r\n" HEADERS FIRST);
    read_requests_both_ways(&t);
  }
  for (size_t len = 560; len < 610; len++) { /* of the head; the limit is 600 */
    static const char line[] = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
    struct text t = {.len = 0};
    for (int n = 0; n < 2; n++) {
      put_bytes(&t, line, 5);
      for (size_t i = 0; i < (n == 0 ? 1 : len - 560); i++)
        put(&t, "t");
      put(&t, line + 5);
      for (size_t i = 0; i < 560 - strlen(line) - 4; i++)
        put(&t, "v");
      put(&t, "\r\n\r\n");
    }
    read_requests_both_ways(&t);
  }
}

static void heads_that_are_not_alike_in_between(void **state) {
  static const char *const between[] = {
      "GET * HTTP/1.1\r\n" HEADERS,
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET http://h/x HTTP/1.1\r\n" HEADERS,
      "GET  /x HTTP/1.1\r\n" HEADERS,
      "GET  HTTP/1.1\r\n" HEADERS,
      "HEAD /x HTTP/1.1\r\n" HEADERS,
      "GET /x HTTP/1.0\r\n" HEADERS,
      "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab",
      "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "\r\nGET /x HTTP/1.1\r\n" HEADERS,
      "\r\n\r\nGET /x HTTP/1.1\r\n" HEADERS,
      "GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
  };
  (void)state;
  for (size_t i = 0; i < sizeof between / sizeof between[0]; i++) {
    struct text t = {.len = 0};
    put(&t, FIRST);
    put(&t, between[i]);
    put(&t, between[i]);
    put(&t, FIRST);
    free(run_every_way(gcache_bytes(t.base, t.len), REPLY_AT_END, 0));
  }
}

static void answers_of_every_length(void **state) {
  static const char *const lengths[] = {"0",
                                        "00",
                                        "1",
                                        "01",
                                        "007",
                                        "13",
                                        "99",
                                        "9192",
                                        "9193",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999999999",
                                        "0000000000000000000000000000001",
                                        "1,1",
                                        "+1",
                                        "1 ",
                                        "1\t",
                                        "1 1",
                                        "-1",
                                        "0x1",
                                        "",
                                        " 1",
                                        "1a"};
  (void)state;
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    struct text t = {.len = 0};
    put(&t, FIRST_ANSWER ANSWER_LINES);
    put(&t, lengths[i]);
    put(&t, BEHIND);
    size_t len = strtoul(lengths[i], NULL, 10);
    for (size_t n = 0; n < len && n < 200; n++)
      put(&t, "b");
    read_answers_both_ways(&t);
    put(&t, FIRST_ANSWER);
    read_answers_both_ways(&t);
  }
}

static void answers_without_a_length(void **state) {
  static const char *const answers[] = {
      "HTTP/1.1 204 No Content\r\nGcache: 1\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nto the end",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
      "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
  };
  (void)state;
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    struct text t = {.len = 0};
    put(&t, answers[i]);
    put(&t, answers[i]);
    put(&t, FIRST_ANSWER);
    read_answers_both_ways(&t);
  }
}

/* -------------------------------------------------------------------------------- its memory -- */

static void keep_all(void *user, struct gci_http_exchange *x) {
  struct server_run *run = user;
  assert_int_equal(gci_http_keep(x), 0);
  assert_int_equal(gci_http_keep(x), 0);
  run->owed[run->n_owed++] = x;
}

static void keep_none(void *user, struct gci_http_exchange *x) {
  struct server_run *run = user;
  run->owed[run->n_owed++] = x;
}

static void open_with(struct server_run *run, const struct gci_http_server_events *events) {
  run_open(run, REPLY_AT_END);
  gci_http_server_close(run->server);
  assert_int_equal(gci_h1_server_open(&run->server, run->mem, &run->limits, events, run), 0);
}

static void a_kept_head_outlives_its_bytes(void **state) {
  static const struct gci_http_server_events events = {keep_all, on_run_ready};
  struct server_run run;
  (void)state;
  open_with(&run, &events);
  run_feed(&run, gcache_cstr(FIRST "GET /other HTTP/1.1\r\n" HEADERS
                                   "GET / HTTP/1.1\r\nHost: i\r\n\r\n"));
  assert_int_equal(run.n_owed, 3);
  for (size_t i = 0; i < 3; i++)
    run_record(&run, run.owed[i]);

  assert_string_equal(run.text,
                      "GET /group/key 1.1\n  Host=h\n  Gcache-Timeout-Ms=4999\n  Accept=*/*\n"
                      "GET /other 1.1\n  Host=h\n  Gcache-Timeout-Ms=4999\n  Accept=*/*\n"
                      "GET / 1.1\n  Host=i\n");
  while (run.n_owed > 0)
    run_reply_next(&run);
  run_close(&run);
}

static void a_head_that_is_not_kept_is_empty(void **state) {
  static const struct gci_http_server_events events = {keep_none, on_run_ready};
  struct server_run run;
  (void)state;
  open_with(&run, &events);
  run_feed(&run, gcache_cstr(FIRST));
  assert_int_equal(run.owed[0]->head.target.len, 0);
  assert_int_equal(run.owed[0]->head.n_headers, 0);
  assert_int_equal(run.owed[0]->head.version_minor, 1);
  run_reply_next(&run);
  run_close(&run);
}

static void requests_like_the_last_allocate_only_their_way_out(void **state) {
  static const struct gci_http_server_events events = {keep_none, on_run_ready};
  enum { ROUNDS = 5 };
  struct server_run run;
  size_t asked = 0;
  (void)state;
  open_with(&run, &events);
  for (int round = 0; round < ROUNDS; round++) {
    if (round == 1) asked = run.oom.asked;
    run_feed(&run, gcache_cstr(FIRST FIRST FIRST));
    while (run.n_owed > 0)
      run_reply_next(&run);
    struct gci_out *out = gci_http_server_output(run.server);
    gci_out_consume(out, out->bytes);
  }
  assert_int_equal(run.oom.asked, asked + ROUNDS - 1);
  run_close(&run);
}

static void a_connection_at_rest_keeps_no_large_head(void **state) {
  struct server_run run;
  char *line = malloc(60001);
  (void)state;
  memset(line, 'v', 60000);
  line[60000] = '\0';
  run_open(&run, REPLY_AT_ONCE);
  gci_http_server_close(run.server);
  run.limits.head_max = 65536;
  assert_int_equal(gci_h1_server_open(&run.server, run.mem, &run.limits, &run_events, &run), 0);
  run_feed(&run, gcache_cstr(FIRST));
  gci_out_consume(gci_http_server_output(run.server), gci_http_server_output(run.server)->bytes);
  size_t before = run.mem->bytes;
  run_feed(&run, gcache_cstr("GET /x HTTP/1.1\r\nHost: h\r\nA: "));
  run_feed(&run, gcache_cstr(line));
  assert_true(run.mem->bytes > before + 50000);
  run_feed(&run, gcache_cstr("\r\n\r\n"));
  gci_out_consume(gci_http_server_output(run.server), gci_http_server_output(run.server)->bytes);
  assert_int_equal(run.requests, 2);
  assert_true(run.mem->bytes <= before);
  run_feed(&run, gcache_cstr(FIRST));
  assert_int_equal(run.requests, 3);
  run_close(&run);
  free(line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_with_any_byte_changed),
      cmocka_unit_test(an_answer_with_any_byte_changed),
      cmocka_unit_test(every_pair_of_bytes_in_a_target),
      cmocka_unit_test(targets_and_heads_around_their_limits),
      cmocka_unit_test(heads_that_are_not_alike_in_between),
      cmocka_unit_test(answers_of_every_length),
      cmocka_unit_test(answers_without_a_length),
      cmocka_unit_test(a_kept_head_outlives_its_bytes),
      cmocka_unit_test(a_head_that_is_not_kept_is_empty),
      cmocka_unit_test(requests_like_the_last_allocate_only_their_way_out),
      cmocka_unit_test(a_connection_at_rest_keeps_no_large_head),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
