/* http/h1_client - the client's side of a connection: requests go out, answers are counted off
 * against them.
 *
 * Owns the message being received, and the output. Keeps no requests: answers come in order, and
 * the code above knows its requests. It may be closed by its event; it is freed when input() or
 * eof() returns. Fails: any fault is final; `fault` says which. */
#include "http/h1.h"

#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "http/h1_receive.h"
#include "http/h1_write.h"

/* 1xx answers skipped before one real one. */
#define INTERIM_MAX 8

struct h1_client {
  struct gci_http_client http; /* first */
  struct gci_mem *mem;
  const struct gci_http_client_events *events;
  void *user;
  struct gci_h1_receive in;
  struct gci_out out;
  unsigned interim; /* 1xx before the awaited answer */
  enum gci_h1_fault fault;
  unsigned ended : 1;    /* an answer has said that it is the last */
  unsigned in_input : 1; /* input() or eof() is on the stack */
  unsigned closed : 1;   /* by the event inside them */
};

static struct h1_client *client_of(struct gci_http_client *http) {
  return gci_container_of(http, struct h1_client, http);
}

static const struct h1_client *const_client_of(const struct gci_http_client *http) {
  return (const struct h1_client *)http;
}

static void client_free(struct h1_client *c) {
  struct gci_mem *mem = c->mem;
  gci_h1_receive_fini(&c->in);
  gci_out_fini(&c->out);
  gci_mem_free(mem, c, sizeof *c);
  gci_mem_unref(mem);
}

static void client_close(struct gci_http_client *http) {
  struct h1_client *c = client_of(http);
  c->closed = 1;
  if (!c->in_input) client_free(c);
}

static int may_send(const struct h1_client *c) {
  return !c->ended && c->fault == GCI_H1_SOUND && !c->closed;
}

static int client_send(struct gci_http_client *http, const struct gci_http_message *request,
                       void *tag) {
  struct h1_client *c = client_of(http);
  (void)tag; /* answers come in order */
  assert(!gci_bytes_equal(request->method, GCI_LIT("HEAD")));
  if (!may_send(c)) return UV_EPIPE;
  int err = gci_h1_write_request(&c->out, request);
  if (err != 0)
    c->fault = GCI_H1_BAD_MEMORY;
  else
    c->http.pending++;
  return err;
}

/* -------------------------------------------------------------------------------- receiving -- */

static void deliver(struct h1_client *c) {
  if (!c->in.frame.keep) c->ended = 1;
  gcache_value_t *body = gci_h1_receive_take(&c->in);
  if (c->in.head.status >= 200) {
    c->http.pending--;
    c->interim = 0;
    c->events->response(c->user, NULL, &c->in.head, body);
  } else if (++c->interim > INTERIM_MAX) {
    c->fault = GCI_H1_BAD_INTERIM;
  }
  gcache_value_unref(body);
  gci_h1_receive_rest(&c->in);
}

static void take(struct h1_client *c, gcache_bytes_t bytes) {
  /* The received bytes can only answer requests sent before they came, not those that the event
   * sends now. */
  size_t asked = c->http.pending;
  while (bytes.len > 0 && c->fault == GCI_H1_SOUND && !c->closed) {
    if (gci_h1_receive_idle(&c->in) && (asked == 0 || c->ended)) {
      c->fault = GCI_H1_BAD_UNASKED;
      return;
    }
    size_t used = 0;
    enum gci_h1_reached reached = gci_h1_receive(&c->in, bytes, &used);
    if (reached == GCI_H1_FAULTY) {
      c->fault = c->in.fault;
    } else if (reached == GCI_H1_WHOLE) {
      if (c->in.head.status >= 200) asked--;
      deliver(c);
    }
    bytes = gci_bytes_skip(bytes, used);
  }
}

/* The end of input() and eof(). */
static int conclude(struct h1_client *c) {
  c->in_input = 0;
  int code = gci_h1_fault_code(c->fault);
  if (!c->closed) return code;
  client_free(c);
  return 0;
}

static void *client_place(struct gci_http_client *http, size_t *len) {
  struct h1_client *c = client_of(http);
  return c->fault == GCI_H1_SOUND ? gci_h1_receive_place(&c->in, len) : NULL;
}

static int client_input(struct gci_http_client *http, gcache_bytes_t bytes) {
  struct h1_client *c = client_of(http);
  assert(!c->in_input && !c->closed);
  c->in_input = 1;
  take(c, bytes);
  return conclude(c);
}

static int client_eof(struct gci_http_client *http) {
  struct h1_client *c = client_of(http);
  assert(!c->in_input && !c->closed);
  c->in_input = 1;
  if (c->fault == GCI_H1_SOUND) {
    enum gci_h1_reached reached = gci_h1_receive_eof(&c->in);
    if (reached == GCI_H1_WHOLE) deliver(c);
    if (reached == GCI_H1_FAULTY) c->fault = c->in.fault;
  }
  c->ended = 1;
  if (c->fault == GCI_H1_SOUND && c->http.pending > 0) c->fault = GCI_H1_BAD_CUT;
  return conclude(c);
}

/* ----------------------------------------------------------------------------------- asking -- */

static const char *client_reason(const struct gci_http_client *http) {
  return gci_h1_fault_text(const_client_of(http)->fault);
}

static struct gci_out *client_output(struct gci_http_client *http) {
  return &client_of(http)->out;
}

static int client_reusable(const struct gci_http_client *http) {
  return may_send(const_client_of(http));
}

static size_t client_room(const struct gci_http_client *http) {
  return may_send(const_client_of(http)) ? SIZE_MAX : 0;
}

static int client_begun(const struct gci_http_client *http, void *tag) {
  const struct h1_client *c = const_client_of(http);
  (void)tag; /* the oldest */
  return !gci_h1_receive_idle(&c->in) || c->interim > 0;
}

gcache_bytes_t gci_h1_client_received(const struct gci_http_client *http) {
  const struct gci_h1_body *body = &const_client_of(http)->in.body;
  if (body->block == NULL) return gcache_bytes(NULL, 0);
  return gcache_bytes(gci_value_fill(body->block), body->used);
}

static int client_cancel(struct gci_http_client *http, void *tag) {
  (void)http;
  (void)tag;
  return UV_ENOTSUP;
}

static int client_ping(struct gci_http_client *http) {
  (void)http;
  return UV_ENOTSUP;
}

static int client_pinging(const struct gci_http_client *http) {
  (void)http;
  return 0;
}

static const struct gci_http_client_ops client_ops = {
    .close = client_close,
    .send = client_send,
    .cancel = client_cancel,
    .place = client_place,
    .input = client_input,
    .eof = client_eof,
    .output = client_output,
    .room = client_room,
    .reusable = client_reusable,
    .begun = client_begun,
    .ping = client_ping,
    .pinging = client_pinging,
    .reason = client_reason,
};

int gci_h1_client_open(struct gci_http_client **out, struct gci_mem *mem,
                       const gcache_limits_t *limits, const struct gci_http_client_events *events,
                       void *user) {
  struct h1_client *c = gci_mem_zalloc(mem, sizeof *c);
  if (c == NULL) return UV_ENOMEM;
  c->http.ops = &client_ops;
  c->mem = gci_mem_ref(mem);
  c->events = events;
  c->user = user;
  gci_h1_receive_init(&c->in, mem, limits, GCI_H1_ANSWERS);
  gci_out_init(&c->out, mem);
  *out = &c->http;
  return 0;
}
