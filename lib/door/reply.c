#include "door/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/value.h"

/* A header line of literals. */
#define HEADER(name, value)     \
  {                             \
    {name, sizeof(name) - 1}, { \
      value, sizeof(value) - 1  \
    }                           \
  }

static const gcache_header_t value_headers[] = {HEADER("Content-Type", "application/x-protobuf"),
                                                HEADER("Gcache", "1")};
static const gcache_header_t plain_headers[] = {HEADER("Gcache", "1")};
static const gcache_header_t text_headers[] = {HEADER("Content-Type", "text/plain; charset=utf-8"),
                                               HEADER("X-Content-Type-Options", "nosniff"),
                                               HEADER("Gcache", "1")};

void gci_reply_value(struct gci_reply *reply, const struct gci_dialect *dialect,
                     gcache_value_t *value, int to_gcache, uint64_t stale_ms) {
  struct gci_proto_frame *frame = &reply->frame;
  gcache_bytes_t bytes = gcache_value_bytes(value);

  gci_proto_answer_frame(frame, bytes.len, gcache_value_expire(value));
  if (!dialect->states_expiry) frame->after_len = 0;
  if (to_gcache)
    frame->after_len += gci_proto_answer_freshness(frame->after + frame->after_len, stale_ms,
                                                   gci_value_windows(value));
  reply->http = (gcache_http_reply_t){.status = 200,
                                      .headers = value_headers,
                                      .n_headers = 2,
                                      .part = {gcache_bytes(frame->before, frame->before_len),
                                               bytes, gcache_bytes(frame->after, frame->after_len)},
                                      .owner = value};
}

void gci_reply_busy(struct gci_reply *reply, struct gci_mem *mem) {
  mem->in_flight.shed++;
  gci_reply_text(reply, 429, "busy", GCI_LIT("too much is in flight"));
}

static void add(struct gci_reply *reply, gcache_bytes_t name, gcache_bytes_t value) {
  reply->headers[reply->http.n_headers++] = (gcache_header_t){name, value};
}

void gci_reply_text(struct gci_reply *reply, int status, const char *reason, gcache_bytes_t text) {
  reply->http = (gcache_http_reply_t){.status = status, .headers = reply->headers};
  for (size_t i = 0; i < sizeof text_headers / sizeof text_headers[0]; i++)
    add(reply, text_headers[i].name, text_headers[i].value);
  if (reason != NULL) add(reply, GCI_LIT("Gcache-Reason"), gcache_cstr(reason));
  if (status == 405) add(reply, GCI_LIT("Allow"), GCI_LIT("GET, PUT, DELETE"));
  reply->http.part[0] = text;
  reply->http.part[2] = GCI_LIT("\n");
}

void gci_reply_add_not_found_ms(struct gci_reply *reply, uint64_t ms) {
  int len = snprintf(reply->digits, sizeof reply->digits, "%" PRIu64, ms);

  add(reply, GCI_LIT("Gcache-Not-Found-Ms"), gcache_bytes(reply->digits, (size_t)len));
}

void gci_reply_add_http_2(struct gci_reply *reply) {
  add(reply, GCI_LIT("Gcache-Http"), GCI_LIT("2"));
}

void gci_reply_add_leaving(struct gci_reply *reply) {
  if (reply->http.headers != reply->headers) {
    memcpy(reply->headers, reply->http.headers, reply->http.n_headers * sizeof *reply->headers);
    reply->http.headers = reply->headers;
  }
  add(reply, GCI_LIT("Gcache-Leaving"), GCI_LIT("1"));
}

void gci_reply_done(struct gci_reply *reply) {
  reply->http = (gcache_http_reply_t){.status = 200, .headers = plain_headers, .n_headers = 1};
}

void gci_reply_here(struct gci_reply *reply) {
  reply->http = (gcache_http_reply_t){.status = 204, .headers = plain_headers, .n_headers = 1};
}
