/* The application's own routes next to gcache's:
 *
 *   GET /hello         no cache involved
 *   GET /page/NAME     from the cache, on any member; PUT and DELETE set and remove it
 *   GET /stats         requests under way, and a few counters
 *   PUT /peers         the cluster's URLs, separated by white space */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mount.h"

static int is(const struct exchange *x, const char *method) {
  return strcmp(x->method, method) == 0;
}

static void on_page(gcache_get_t *req, int status, gcache_value_t *page) {
  struct exchange *x = req->data;
  gcache_bytes_t part[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};

  if (status == UV_ECANCELED) {
    exchange_reply(x, 0, NULL);
  } else if (status < 0) {
    exchange_reply_text(x, status == GCACHE_ENOTFOUND ? 404 : 503, gcache_get_reason(req));
  } else {
    part[1] = gcache_value_bytes(page);
    exchange_reply(x, 200, exchange_body(part, page));
  }
}

static void cancel_get(struct exchange *x) {
  gcache_get_cancel(&x->req.get);
}

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  (void)peers;
  (void)n;
  exchange_reply_text(req->data, status == 0 ? 200 : 503, gcache_strerror(status));
}

static void cancel_change(struct exchange *x) {
  gcache_change_cancel(&x->req.change);
}

static int set(struct exchange *x, gcache_bytes_t key) {
  gcache_value_t *value = gcache_value_copy(x->mount->cache, gcache_bytes(x->body, x->body_len),
                                            GCACHE_NEVER);
  int rc = value == NULL ? UV_ENOMEM
                         : gcache_set(&x->req.change, x->mount->group, key, value, 0, on_changed);

  gcache_value_unref(value);
  return rc;
}

static void answer_page(struct exchange *x, char *name) {
  int reads = is(x, "GET"), rc;
  gcache_bytes_t key;

  name[strcspn(name, "?")] = 0;
  key = gcache_bytes(name, MHD_http_unescape(name)); /* any bytes, also 0 */
  rc = exchange_suspend(x, reads ? cancel_get : cancel_change);
  if (reads)
    x->req.get.data = x;
  else
    x->req.change.data = x;
  if (rc < 0)
    ;
  else if (reads)
    rc = gcache_get(&x->req.get, x->mount->group, key, 0, on_page);
  else if (is(x, "PUT"))
    rc = set(x, key);
  else
    rc = gcache_remove(&x->req.change, x->mount->group, key, 0, on_changed);
  if (rc < 0) exchange_reply_text(x, 503, gcache_strerror(rc));
}

static void answer_peers(struct exchange *x) {
  char list[4096];
  int rc;

  snprintf(list, sizeof list, "%.*s", (int)x->body_len, x->body == NULL ? "" : x->body);
  rc = x->body_len < sizeof list ? mount_join(x->mount, list) : UV_E2BIG;
  exchange_reply_text(x, rc == 0 ? 200 : 400, gcache_strerror(rc));
}

static void answer_stats(struct exchange *x) {
  gcache_group_stats_t s;
  char text[256];

  gcache_group_stats(x->mount->group, &s);
  snprintf(text, sizeof text,
           "exchanges %zu suspended %zu loading %" PRIu64 " timeouts %" PRIu64 " loads %" PRIu64,
           x->mount->exchanges, x->mount->suspended, s.loading, s.timeouts, s.local_loads);
  exchange_reply_text(x, 200, text);
}

void pages_answer(struct exchange *x) {
  if (is(x, "GET") && strcmp(x->target, "/hello") == 0)
    exchange_reply_text(x, 200, "hello");
  else if (is(x, "GET") && strcmp(x->target, "/stats") == 0)
    answer_stats(x);
  else if (is(x, "PUT") && strcmp(x->target, "/peers") == 0)
    answer_peers(x);
  else if (strncmp(x->target, "/page/", 6) == 0 &&
           (is(x, "GET") || is(x, "PUT") || is(x, "DELETE")))
    answer_page(x, x->target + 6);
  else
    exchange_reply_text(x, 404, "no such page");
}
