/* gcache_serve(): the application owns HTTP and hands over one request at a time. */
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "door/serve.h"
#include "gcache/http.h"

static void on_served(void *user, int status, const gcache_http_reply_t *reply) {
  gcache_serve_t *req = user;

  req->work = NULL;
  req->cb(req, status, reply);
}

/* A set, or groupcache-go's removal of many keys. */
static int takes_body(gcache_bytes_t method) {
  return gci_bytes_equal(method, GCI_LIT("PUT")) || gci_bytes_equal(method, GCI_LIT("POST"));
}

/* NULL: let in. No certificate is known here. */
static const struct gci_verdict_words *judge(struct gci_door *door, const gcache_http_request_t *in,
                                             const gcache_value_t *body) {
  struct gci_http_head head = {
      .method = in->method, .target = in->path, .headers = in->headers, .n_headers = in->n_headers};
  struct gci_visitor visitor = {.is_local = in->from->sa_family == AF_UNIX};
  enum gci_verdict verdict;

  gci_address_of(&visitor.address, in->from);
  verdict = gci_access_judge(door->access, &visitor, &head, body != NULL);
  if (verdict == GCI_LET_IN && body != NULL)
    verdict = gci_access_judge_body(door->access, &head, body);
  return verdict == GCI_LET_IN ? NULL : gci_access_refuse(door->access, verdict);
}

int gcache_serves(const gcache_t *cache, gcache_bytes_t path) {
  return gci_serve_takes(cache->door, path);
}

int gcache_serve(gcache_serve_t *req, gcache_t *cache, const gcache_http_request_t *in,
                 gcache_serve_cb cb) {
  struct gci_door *door = cache->door;
  struct gci_serve_request request = {
      .method = in->method, .path = in->path, .headers = in->headers, .n_headers = in->n_headers};
  struct gci_serve *serve;
  int err;

  if (cb == NULL) return UV_EINVAL;
  if (door->closing) return GCACHE_ECLOSING;
  if (in->body.len > 0 && takes_body(in->method)) {
    request.body = gci_value_block(door->env->mem, in->body.len);
    if (request.body == NULL) return UV_ENOMEM;
    memcpy(gci_value_fill(request.body), in->body.base, in->body.len);
  }
  if (in->from != NULL) request.refusal = judge(door, in, request.body);
  req->cb = cb;
  err = gci_serve_start(&serve, door, &request, on_served, req);
  if (err == 0) req->work = serve;
  return err;
}

void gcache_serve_cancel(gcache_serve_t *req) {
  if (req->work != NULL) gci_serve_cancel(req->work);
}
