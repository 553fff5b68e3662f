/* Any bytes sent to an HTTP/1.1 client. The first byte sets the number of requests sent and the
 * length of the pieces in which the rest comes. Whole, byte by byte and in those pieces the bytes
 * must lead to the same answers and the same end; everything handed up is within the limits. */
#include "target.h"

#include "h1_client_run.h"

static void on_fuzz_response(void *user, void *tag, const struct gci_http_head *head,
                             gcache_value_t *body) {
  const struct client_run *run = user;
  size_t size = 0;
  fuzz_check(head->status >= 200 && head->status < 600, "a status is one");
  fuzz_check(head->n_headers <= run->limits.head_lines_max, "lines are within their limit");
  for (size_t i = 0; i < head->n_headers; i++) {
    const gcache_header_t *h = &head->headers[i];
    fuzz_check(gci_http_name_ok(h->name) && gci_http_value_ok(h->value), "headers are lawful");
    fuzz_check(h->value.base != NULL, "a header has a value");
    size += h->name.len + h->value.len;
  }
  fuzz_check(size < run->limits.head_max, "the head is within its limit");
  if (body != NULL) {
    size_t len = gcache_value_bytes(body).len;
    fuzz_check(len > 0 && len <= run->limits.value_max + 8192, "the body is within its limit");
  }
  on_client_response(user, tag, head, body);
}

static const struct gci_http_client_events fuzz_events = {.response = on_fuzz_response};

/* The text of a run in pieces of `step` bytes; the caller's to free. */
static char *text_of(gcache_bytes_t input, size_t step, size_t asked) {
  static struct client_run run;
  char line[256];
  client_open(&run);
  gci_http_client_close(run.client);
  fuzz_check(gci_h1_client_open(&run.client, run.mem, &run.limits, &fuzz_events, &run) == 0,
             "open");
  for (size_t i = 0; i < asked; i++)
    fuzz_check(client_ask(&run) == 0, "ask");
  for (size_t at = 0; at < input.len; at += step) {
    size_t n = input.len - at < step ? input.len - at : step;
    client_feed(&run, gcache_bytes((const char *)input.base + at, n));
  }
  int err = gci_http_client_eof(run.client);
  fuzz_check(run.error == 0 || err == run.error, "an error is final");
  fuzz_check((err == 0) == (gci_http_client_reason(run.client)[0] == '\0'), "errors have reasons");
  fuzz_check(run.answers + gci_http_client_pending(run.client) == asked, "each is counted once");
  snprintf(line, sizeof line, "-- input %d eof %d pending %zu: %s\n", run.error, err,
           gci_http_client_pending(run.client), gci_http_client_reason(run.client));
  client_add(&run, gcache_cstr(line));
  char *text = run.text;
  run.text = NULL;
  client_close(&run);
  return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  size_t asked = data[0] % 4, step = data[0] / 4 + 2;
  gcache_bytes_t input = {data + 1, size - 1};
  char *whole = text_of(input, input.len, asked);
  char *bytes = text_of(input, 1, asked);
  char *pieces = text_of(input, step, asked);
  fuzz_check(strcmp(whole, bytes) == 0, "byte by byte it is the same");
  fuzz_check(strcmp(whole, pieces) == 0, "in pieces it is the same");
  free(whole);
  free(bytes);
  free(pieces);
  return 0;
}
