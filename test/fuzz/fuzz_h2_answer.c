/* Any bytes sent to an HTTP/2 client with four requests, one of which was cancelled. The first byte
 * sets the length of the pieces in which they come. Each request is reported at most once;
 * everything reported is within the limits; memory stays within what the limits allow. */
#include "target.h"

#define H2_TAGS 4
#include <uv.h>

#include "h2_client_run.h"

static void check_head(const struct h2_asker *a, const struct gci_http_head *head) {
  size_t size = 0;
  fuzz_check(head->status >= 200 && head->status <= 999, "a status");
  for (size_t i = 0; i < head->n_headers; i++) {
    const gcache_header_t *h = &head->headers[i];
    fuzz_check(gci_http_name_ok(h->name) && gci_http_value_ok(h->value), "headers are lawful");
    size += h->name.len + h->value.len;
  }
  fuzz_check(head->n_headers <= a->limits.head_lines_max, "lines are within their limit");
  fuzz_check(size < a->limits.head_max, "the head is within its limit");
}

static void on_fuzz_response(void *user, void *tag, const struct gci_http_head *head,
                             gcache_value_t *body) {
  struct h2_asker *a = user;
  struct h2_told *told = tag;
  check_head(a, head);
  if (body != NULL)
    fuzz_check(gcache_value_bytes(body).len <= a->limits.value_max + 8192,
               "the body is not too long");
  fuzz_check(told->answers + told->failures == 0, "it was not told of before");
  fuzz_check(told != &a->told[3], "it was taken back");
  on_h2_response(user, tag, head, body);
}

static void on_fuzz_failed(void *user, void *tag, int status, const char *reason, int unprocessed) {
  struct h2_asker *a = user;
  struct h2_told *told = tag;
  fuzz_check(status < 0 && reason[0] != '\0', "a reason");
  fuzz_check(told->answers + told->failures == 0, "it was not told of before");
  fuzz_check(told != &a->told[3], "it was taken back");
  on_h2_failed(user, tag, status, reason, unprocessed);
}

static const struct gci_http_client_events fuzz_events = {on_fuzz_response, on_fuzz_failed};

static void one_run(gcache_bytes_t input, size_t step) {
  static struct h2_asker a;
  if (h2_asker_begin(&a) != 0) abort();
  a.limits.value_max = 1000;
  a.limits.control_max = 20;
  fuzz_check(gci_h2_client_open(&a.client, &a.env.env, "http", &a.limits, &fuzz_events, &a) == 0,
             "open");
  gcache_value_t *value = gci_value_block(a.env.mem, 100000);
  memset(gci_value_fill(value), 'v', 100000);
  for (size_t i = 0; i < 4; i++)
    fuzz_check(h2_asker_send(&a, i, "PUT", "/", i == 1 ? value : NULL) == 0, "send");
  gcache_value_unref(value);
  fuzz_check(gci_http_client_cancel(a.client, &a.told[3]) == 0, "cancel");
  for (size_t at = 0; at < input.len; at += step) {
    size_t n = input.len - at < step ? input.len - at : step;
    struct gci_out *out = gci_http_client_output(a.client);
    gci_out_consume(out, out->bytes);
    h2_asker_feed(&a, gcache_bytes((const char *)input.base + at, n));
    fuzz_check(a.error == 0 || a.error == UV_EPROTO, "a fault of the other side");
    fuzz_check(a.oom.bytes < 600 * 1024, "memory is bounded");
  }
  fuzz_check(a.answers + a.failures + gci_http_client_pending(a.client) == 3, "none is lost");
  gci_http_client_eof(a.client);
  h2_asker_end(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  gcache_bytes_t input = {data + 1, size - 1};
  one_run(input, input.len);
  one_run(input, (size_t)data[0] + 1);
  return 0;
}
