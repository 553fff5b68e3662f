/* Any bytes sent to an HTTP/1.1 server. The first byte sets when answers are given and the length
 * of the pieces in which the rest comes. Whole, byte by byte and in those pieces the bytes must
 * lead to the same requests and the same output; everything handed up is within the limits; memory
 * stays within what the limits allow. */
#include "target.h"

#include "h1_server_run.h"

static void check_request(const struct server_run *run, const struct gci_http_exchange *x) {
  const gcache_limits_t *limits = &run->limits;
  unsigned hosts = 0;
  size_t size = x->head.method.len + x->head.target.len;
  fuzz_check(size < limits->line_max, "the first line is within its limit");
  for (size_t i = 0; i < x->head.n_headers; i++) {
    const gcache_header_t *h = &x->head.headers[i];
    fuzz_check(gci_http_name_ok(h->name) && gci_http_value_ok(h->value), "headers are lawful");
    fuzz_check(h->value.base != NULL, "a header has a value");
    hosts += gci_bytes_equal_nocase(h->name, GCI_LIT("host")) != 0;
    size += h->name.len + h->value.len;
  }
  fuzz_check(hosts == 1 || (hosts == 0 && x->head.version_minor == 0), "one host");
  fuzz_check(x->head.n_headers <= limits->head_lines_max, "lines are within their limit");
  fuzz_check(size < limits->head_max, "the head is within its limit");
  if (x->body == NULL) return;
  size_t len = gcache_value_bytes(x->body).len;
  fuzz_check(len > 0 && len <= limits->value_max + 8192, "the body is within its limit");
}

static void on_fuzz_request(void *user, struct gci_http_exchange *x) {
  check_request(user, x);
  on_run_request(user, x);
}

static const struct gci_http_server_events fuzz_events = {on_fuzz_request, on_run_ready};

/* The text of a run in pieces of `step` bytes; the caller's to free. */
static char *text_of(gcache_bytes_t input, size_t step, enum server_replies replies) {
  static struct server_run run;
  run_open(&run, replies);
  gci_http_server_close(run.server);
  fuzz_check(gci_h1_server_open(&run.server, run.mem, &run.limits, &fuzz_events, &run) == 0,
             "open");
  for (size_t at = 0; at < input.len; at += step) {
    size_t n = input.len - at < step ? input.len - at : step;
    run_feed(&run, gcache_bytes((const char *)input.base + at, n));
    fuzz_check(gci_http_server_pending(run.server) <= run.limits.pipelined_max, "few are pending");
    fuzz_check(run.input_error == 0, "memory does not fail here");
  }
  /* The answers' text, which is not taken here, and what waits in at most five requests. */
  size_t waiting = gci_http_server_output(run.server)->bytes * 2 + 32 * 1024;
  fuzz_check(run.oom.bytes < waiting + 5 * (600 + 9 * 32 + 9192 + 1024) + 65536,
             "memory is bounded");
  run_finish(&run);
  char *text = run.text;
  run.text = NULL;
  run_close(&run);
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  enum server_replies replies = (enum server_replies)(data[0] % 3);
  size_t step = data[0] / 3 + 2;
  gcache_bytes_t input = {data + 1, size - 1};
  char *whole = text_of(input, input.len, replies);
  char *bytes = text_of(input, 1, replies);
  char *pieces = text_of(input, step, replies);
  fuzz_check(strcmp(whole, bytes) == 0, "byte by byte it is the same");
  fuzz_check(strcmp(whole, pieces) == 0, "in pieces it is the same");
  free(whole);
  free(bytes);
  free(pieces);
  return 0;
}
