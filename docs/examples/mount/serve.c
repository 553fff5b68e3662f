/* The mount itself: passes a libmicrohttpd request to gcache_serve() and sends the reply. */
#include <stdlib.h>
#include <string.h>

#include "mount.h"

#define HEADERS_MAX 64

struct head {
  gcache_header_t lines[HEADERS_MAX];
  size_t n;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len) {
  struct head *head = cls;

  (void)kind;
  head->lines[head->n].name = gcache_bytes(name, name_len);
  head->lines[head->n++].value = gcache_bytes(value, value_len);
  return MHD_YES;
}

/* The server wants zero-terminated strings, which gcache's bytes are not. */
static int add_header(struct MHD_Response *response, const gcache_header_t *header) {
  char *name = strndup(header->name.base, header->name.len);
  char *value = strndup(header->value.base, header->value.len);
  int ok = name != NULL && value != NULL &&
           MHD_add_response_header(response, name, value) == MHD_YES;

  free(name);
  free(value);
  return ok;
}

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  struct exchange *x = req->data;
  struct MHD_Response *response;
  size_t i = 0;

  if (status < 0) { /* the client has left, or we are closing */
    exchange_reply(x, 0, NULL);
    return;
  }
  response = exchange_body(reply->part, reply->owner);
  while (response != NULL && i < reply->n_headers) {
    if (add_header(response, &reply->headers[i++])) continue;
    MHD_destroy_response(response);
    response = NULL;
  }
  exchange_reply(x, (unsigned)reply->status, response);
}

static void cancel(struct exchange *x) {
  gcache_serve_cancel(&x->req.serve);
}

void serve_answer(struct exchange *x) {
  struct head head = {.n = 0};
  const union MHD_ConnectionInfo *who = MHD_get_connection_info(x->connection,
                                                                MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  gcache_http_request_t in = {.method = gcache_cstr(x->method),
                              .path = gcache_cstr(x->target), /* escaped: %2F is not a slash */
                              .headers = head.lines,
                              .body = gcache_bytes(x->body, x->body_len)};
  int rc;

  /* Any header can matter to gcache: refuse rather than drop some. */
  if (MHD_get_connection_values(x->connection, MHD_HEADER_KIND, NULL, NULL) > HEADERS_MAX) {
    exchange_reply_text(x, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, "too many header lines");
    return;
  }
  if (who == NULL) { /* gcache answers every request without an address */
    exchange_reply_text(x, MHD_HTTP_FORBIDDEN, "the client's address is unknown");
    return;
  }
  in.from = who->client_addr;
  MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, on_header, &head);
  in.n_headers = head.n;
  rc = exchange_suspend(x, cancel);
  x->req.serve.data = x;
  if (rc == 0) rc = gcache_serve(&x->req.serve, x->mount->cache, &in, on_served);
  if (rc < 0) exchange_reply_text(x, MHD_HTTP_SERVICE_UNAVAILABLE, gcache_strerror(rc));
}
