/* Unit test of http/h1_server: how long each part of a request may be, and what a claimed length
 * costs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/value.h"
#include "h1_server_run.h"

/* The status of the answer to a request with a run of n letters between two texts. */
static int outcome(const char *before, size_t n, const char *after) {
  char input[2048];
  size_t len = strlen(before);
  assert_true(len + n + strlen(after) < sizeof input);
  memcpy(input, before, len);
  memset(input + len, 'a', n);
  memcpy(input + len + n, after, strlen(after));
  char *text = run_every_way(gcache_bytes(input, len + n + strlen(after)), REPLY_AT_ONCE, 40);
  const char *status = strstr(text, "--\nHTTP/1.1 ");
  assert_non_null(status);
  int code = atoi(status + 12);
  free(text);
  return code;
}

static void a_first_line_may_be_as_long_as_the_limit(void **state) {
  /* 200 bytes allowed; 14 besides the letters */
  const char *end = " HTTP/1.1\r\nHost: h\r\n\r\n";
  (void)state;
  assert_int_equal(outcome("GET /", 200 - 14, end), 200);
  assert_int_equal(outcome("GET /", 201 - 14, end), 414);
  assert_int_equal(outcome("GET /", 202 - 14, end), 414);
  assert_int_equal(outcome("GET /", 203 - 14, end), 414);
  assert_int_equal(outcome("GET /", 1100, end), 414);
  assert_int_equal(outcome("", 1100, ""), 414);
  assert_int_equal(outcome("\r\nGET /", 200 - 14, end), 200);
}

static void a_head_may_be_as_long_as_the_limit(void **state) {
  const char *head = "GET / HTTP/1.1\r\nHost: h\r\nX: "; /* 4 bytes come behind the letters */
  (void)state;
  assert_int_equal(outcome(head, 600 - strlen(head) - 4, "\r\n\r\n"), 200);
  assert_int_equal(outcome(head, 601 - strlen(head) - 4, "\r\n\r\n"), 431);
  assert_int_equal(outcome(head, 1100, "\r\n\r\n"), 431);
  assert_int_equal(outcome("GET / HTTP/1.1\r\n", 1100, ""), 431);
}

static void a_head_may_have_as_many_lines_as_the_limit(void **state) {
  const char *eight = "GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\n";
  (void)state;
  assert_int_equal(outcome(eight, 0, "\r\n"), 200);
  assert_int_equal(outcome(eight, 1, ":\r\n\r\n"), 431);
}

static int chunked_outcome(const char *before, size_t n, const char *after) {
  char text[256];
  snprintf(text, sizeof text, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%s",
           before);
  return outcome(text, n, after);
}

static void chunk_extensions_and_trailers_share_a_limit(void **state) {
  (void)state;
  assert_int_equal(chunked_outcome("1;", 99, "\r\nx\r\n0\r\n\r\n"), 200);
  assert_int_equal(chunked_outcome("1;", 100, "\r\nx\r\n0\r\n\r\n"), 431);
  assert_int_equal(chunked_outcome("0\r\nT: ", 95, "\r\n\r\n"), 200);
  assert_int_equal(chunked_outcome("0\r\nT: ", 96, "\r\n\r\n"), 431);
  assert_int_equal(chunked_outcome("1;bcd\r\nx\r\n0;e\r\nT: ", 89, "\r\n\r\n"), 200);
  assert_int_equal(chunked_outcome("1;bcd\r\nx\r\n0;e\r\nT: ", 90, "\r\n\r\n"), 431);
  const char *eight = "0\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\n";
  assert_int_equal(chunked_outcome(eight, 0, "\r\n"), 200);
  assert_int_equal(chunked_outcome(eight, 1, ":\r\n\r\n"), 431);
}

static void a_body_may_be_a_value_and_8_kib_long(void **state) {
  static char input[20000], body[9193];
  static const struct {
    const char *head;
    size_t len;
    int status;
  } cases[] = {{"Content-Length: 9192", 9192, 200},
               {"Content-Length: 9193", 0, 413},
               {"Content-Length: 18446744073709551615", 0, 413},
               {"Transfer-Encoding: chunked\r\n\r\n23E8\r\n", 9192, 200},
               {"Transfer-Encoding: chunked\r\n\r\n23E9\r\n", 0, 413},
               {"Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n23E7\r\n", 0, 413},
               {"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n1\r\nx\r\n23E7\r\n", 0, 413}};
  (void)state;
  memset(body, 'b', sizeof body);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int chunked = cases[i].head[0] == 'T';
    snprintf(input, sizeof input, "PUT /a HTTP/1.1\r\nHost: h\r\n%s%s%.*s%s", cases[i].head,
             chunked ? "" : "\r\n\r\n", (int)cases[i].len, body,
             chunked && cases[i].len > 0 ? "\r\n0\r\n\r\n" : "");
    char *text = run_every_way(gcache_cstr(input), REPLY_AT_ONCE, 40);
    const char *status = strstr(text, "--\nHTTP/1.1 ");
    assert_non_null(status);
    assert_int_equal(atoi(status + 12), cases[i].status);
    if (cases[i].len > 0) {
      char line[32];
      snprintf(line, sizeof line, "  body %zu:b", cases[i].len);
      assert_non_null(strstr(text, line));
    }
    free(text);
  }
}

static void a_short_length_costs_no_more_than_itself(void **state) {
  static struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  size_t before = run.mem->bytes;
  run_feed(&run, gcache_cstr("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nx"));
  assert_true(run.mem->bytes < before + 1024);
  run_close(&run);
}

static void a_claimed_length_costs_nothing_until_bytes_come(void **state) {
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  run.limits.value_max = (size_t)16 << 20;
  gci_http_server_close(run.server); /* limits are read when a server opens */
  assert_int_equal(gci_h1_server_open(&run.server, run.mem, &run.limits, &run_events, &run), 0);
  size_t before = run.mem->bytes;
  run_feed(&run, gcache_cstr("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 16000000\r\n\r\n"));
  assert_true(run.mem->bytes < before + 1024);
  run_feed(&run, gcache_cstr("x"));
  assert_true(run.mem->bytes < before + 1024 + 64 * 1024 + 256);
  size_t sent = 1;
  char *piece = calloc(1, 50000);
  while (sent < 15999999) {
    size_t n = 15999999 - sent < 50000 ? 15999999 - sent : 50000;
    run_feed(&run, gcache_bytes(piece, n));
    sent += n;
    size_t allowed = sent < 65536 / 2 ? 65536 : 2 * sent;
    assert_true(run.mem->bytes < before + 1024 + 256 + allowed);
  }
  run_feed(&run, gcache_cstr("y"));
  gcache_bytes_t body = gcache_value_bytes(run.owed[0]->body);
  assert_int_equal(body.len, 16000000);
  assert_int_equal(((const char *)body.base)[15999999], 'y');
  assert_int_equal(gci_value_cost(run.owed[0]->body), gci_mem_cost(16000000 + 48));
  free(piece);
  run_reply_next(&run);
  run_close(&run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_first_line_may_be_as_long_as_the_limit),
      cmocka_unit_test(a_head_may_be_as_long_as_the_limit),
      cmocka_unit_test(a_head_may_have_as_many_lines_as_the_limit),
      cmocka_unit_test(chunk_extensions_and_trailers_share_a_limit),
      cmocka_unit_test(a_body_may_be_a_value_and_8_kib_long),
      cmocka_unit_test(a_short_length_costs_no_more_than_itself),
      cmocka_unit_test(a_claimed_length_costs_nothing_until_bytes_come),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
