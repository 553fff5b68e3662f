/* door/exchange_answer - the application's answer to an exchange: whole, or begun and then part by
 * part.
 * Owns nothing. Fails: UV_EINVAL for what may not be sent, or not now; GCACHE_EBUSY; without memory
 * the connection ends, which the application is told as the client's leaving. */
#include "door/exchange.h"

#include <uv.h>

#include "base/bytes.h"

static int is_ours_to_write(gcache_bytes_t name) {
  static const char *const ours[] = {"Content-Length", "Transfer-Encoding", "Connection", "Date"};

  for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
    if (gci_bytes_equal_nocase(name, gcache_cstr(ours[i]))) return 1;
  return 0;
}

/* Whether the answer may begin, with this head. */
static int check_begin(const gcache_exchange_t *x, const struct gci_http_message *message) {
  if (x->begun || message->status < 200 || message->status > 599) return UV_EINVAL;
  for (size_t i = 0; i < message->n_headers; i++) {
    const gcache_header_t *h = &message->headers[i];
    if (!gci_http_name_ok(h->name) || !gci_http_value_ok(h->value) || is_ours_to_write(h->name))
      return UV_EINVAL;
  }
  return 0;
}

/* ------------------------------------------------------------------------------------ whole -- */

static int fits(const gcache_exchange_t *x, const struct gci_http_message *message) {
  size_t len = message->before.len;

  if (message->value != NULL) len += gcache_value_bytes(message->value).len;
  return gci_in_flight_fits(&x->door->env->mem->in_flight, len, GCI_FOR_OTHERS);
}

static int reply(gcache_exchange_t *x, const struct gci_http_message *message) {
  int err = check_begin(x, message);

  if (err < 0) return err;
  if (fits(x, message)) {
    gci_http_reply(x->http, message); /* x is gone, whatever it returns */
  } else {
    x->door->env->mem->in_flight.shed++;
    gci_exchange_answer_text(x->http, 429, GCI_LIT("too much is in flight"));
  }
  gci_exchange_free(x); /* after the reply: the body may be a parameter */
  return 0;
}

int gcache_exchange_reply(gcache_exchange_t *x, int status, const gcache_header_t headers[],
                          size_t n, gcache_bytes_t body) {
  struct gci_http_message message = {
      .status = status, .headers = headers, .n_headers = n, .before = body};

  return reply(x, &message);
}

int gcache_exchange_reply_value(gcache_exchange_t *x, int status, const gcache_header_t headers[],
                                size_t n, gcache_value_t *body) {
  struct gci_http_message message = {
      .status = status, .headers = headers, .n_headers = n, .value = body};

  return reply(x, &message);
}

/* --------------------------------------------------------------------------------- in parts -- */

int gcache_exchange_begin(gcache_exchange_t *x, int status, const gcache_header_t headers[],
                          size_t n) {
  struct gci_http_message head = {.status = status, .headers = headers, .n_headers = n};
  int err = check_begin(x, &head);

  if (err < 0) return err;
  x->begun = 1;
  if (!x->left) gci_http_begin(x->http, &head);
  return 0;
}

static int write_part(gcache_exchange_t *x, const struct gci_http_message *part) {
  if (!x->begun) return UV_EINVAL;
  if (x->left) return 0;
  if (gci_http_waiting(x->http) > GCI_HELD_MAX || !gci_exchange_may_add(x)) return GCACHE_EBUSY;
  gci_http_part(x->http, part);
  return 0;
}

int gcache_exchange_write(gcache_exchange_t *x, gcache_bytes_t bytes) {
  struct gci_http_message part = {.before = bytes};

  return write_part(x, &part);
}

int gcache_exchange_write_value(gcache_exchange_t *x, gcache_value_t *value) {
  struct gci_http_message part = {.value = value};

  return write_part(x, &part);
}

int gcache_exchange_end(gcache_exchange_t *x) {
  if (!x->begun) return UV_EINVAL;
  /* Parts were dropped: if somebody still reads, he must not take the rest for the whole. */
  if (x->left)
    gci_http_abort(x->http);
  else
    gci_http_end(x->http);
  gci_exchange_free(x);
  return 0;
}

void gcache_exchange_abort(gcache_exchange_t *x) {
  gci_http_abort(x->http);
  gci_exchange_free(x);
}
