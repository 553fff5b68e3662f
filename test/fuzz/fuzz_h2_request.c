/* Any bytes sent to an HTTP/2 server. The first byte sets whether a preface and SETTINGS come
 * before the rest, when answers are given, and the length of the pieces in which the rest comes.
 * Everything handed up is within the limits; the output consists of frames; memory stays within
 * what the limits allow; time may pass. */
#include "target.h"

#include "h2_reader.h"
#include "h2_server_run.h"

static void check_request(const struct h2_run *run, const struct gci_http_exchange *x) {
  const gcache_limits_t *limits = &run->limits;
  unsigned hosts = 0;
  size_t size = x->head.method.len + x->head.target.len;
  fuzz_check(size < limits->line_max, "the first line is within its limit");
  fuzz_check(x->head.target.len > 0 && *(const char *)x->head.target.base == '/', "a path");
  fuzz_check(gci_http_name_ok(x->head.method), "the method is a token");
  for (size_t i = 0; i < x->head.n_headers; i++) {
    const gcache_header_t *h = &x->head.headers[i];
    fuzz_check(gci_http_name_ok(h->name) && gci_http_value_ok(h->value), "headers are lawful");
    hosts += gci_bytes_equal(h->name, GCI_LIT("host")) != 0;
    size += h->name.len + h->value.len;
  }
  fuzz_check(hosts == 1, "one host");
  fuzz_check(x->head.n_headers <= limits->head_lines_max, "lines are within their limit");
  fuzz_check(size < limits->head_max, "the head is within its limit");
  if (x->body == NULL) return;
  size_t len = gcache_value_bytes(x->body).len;
  fuzz_check(len > 0 && len <= limits->value_max + 8192, "the body is within its limit");
}

static void on_fuzz_request(void *user, struct gci_http_exchange *x) {
  check_request(user, x);
  on_h2_request(user, x);
}

static const struct gci_http_server_events fuzz_events = {on_fuzz_request, on_h2_ready};

static void read_output(struct h2_run *run, struct h2_reader *reader) {
  while (h2_reader_take_out(reader, gci_http_server_output(run->server)) > 0)
    ;
}

static void one_run(gcache_bytes_t input, size_t step, int greets, enum h2_replies replies) {
  static struct h2_run run;
  static struct h2_reader reader;
  struct h2_frames greeting = {0};
  if (h2_run_begin(&run) != 0) abort();
  run.limits.value_max = 1000;
  run.limits.streams_max = 8;
  run.limits.control_max = 20;
  run.limits.resets_burst = 5;
  run.replies = replies;
  fuzz_check(gci_h2_server_open(&run.server, &run.env.env, &run.limits, &fuzz_events, &run) == 0,
             "open");
  h2_reader_open(&reader);
  frames_greet(&greeting);
  if (greets) h2_run_feed(&run, frames_bytes(&greeting));
  frames_free(&greeting);
  for (size_t at = 0; at < input.len && run.n_owed < 100; at += step) {
    size_t n = input.len - at < step ? input.len - at : step;
    h2_run_feed(&run, gcache_bytes((const char *)input.base + at, n));
    fuzz_check(run.error == 0, "memory does not fail here");
    fuzz_check(gci_http_server_pending(run.server) <= run.limits.streams_max, "few are pending");
    run.env.own_clock.mono_ms += 100;
    gci_http_server_watch(run.server, run.env.own_clock.mono_ms);
    read_output(&run, &reader);
    fuzz_check(run.oom.bytes < 400 * 1024, "memory is bounded");
  }
  for (size_t i = 0; i < run.n_owed; i++)
    h2_run_reply_text(&run, i, "late");
  run.n_owed = 0;
  gci_http_server_drain(run.server);
  read_output(&run, &reader);
  fuzz_check(reader.len == 0, "whole frames");
  h2_reader_close(&reader);
  h2_run_end(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  gcache_bytes_t input = {data + 1, size - 1};
  enum h2_replies replies = data[0] & 1 ? H2_REPLY_LATER : H2_REPLY_AT_ONCE;
  int greets = (data[0] & 2) == 0;
  one_run(input, input.len, greets, replies);
  one_run(input, (size_t)(data[0] >> 2) + 1, greets, replies);
  return 0;
}
