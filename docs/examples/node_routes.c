/* The node's own routes: an HTTP request becomes a gcache call, and its callback answers the
 * request. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"
#include "node_http.h"

/* One request under way: gcache's request struct, embedded, and the exchange to answer. */
struct asked {
  gcache_exchange_t *x;
  union {
    gcache_get_t get;
    gcache_change_t change;
  } req;
};

static struct asked *new_asked(gcache_exchange_t *x) {
  struct asked *a = calloc(1, sizeof *a);

  if (a == NULL) {
    reply_error(x, UV_ENOMEM, NULL);
    return NULL;
  }
  a->x = x;
  a->req.get.data = a;
  a->req.change.data = a;
  return a;
}

/* A call that did not start: no callback will run. */
static void refused(struct asked *a, int status) {
  reply_error(a->x, status, NULL);
  free(a);
}

/* --------------------------------------------------------------------------------------- get -- */

static void on_value(gcache_get_t *req, int status, gcache_value_t *value) {
  static const char *const from[] = {"none", "main", "hot", "peer", "load"};
  struct asked *a = req->data;
  gcache_header_t headers[4];
  uint64_t left_ms, stale_ms = gcache_get_stale(req);
  char left[24], stale[24];
  size_t n = 2;

  if (status < 0) {
    reply_error(a->x, status, gcache_get_reason(req));
    free(a);
    return;
  }
  headers[0] = header_line("Content-Type", "application/octet-stream");
  headers[1] = header_line("X-Gcache-From", from[gcache_get_from(req)]);
  left_ms = gcache_expires_in_ms(gcache_exchange_cache(a->x), value);
  if (left_ms != UINT64_MAX) {
    snprintf(left, sizeof left, "%" PRIu64, left_ms);
    headers[n++] = header_line("X-Gcache-Expires-In-Ms", left);
  }
  if (stale_ms > 0) {
    snprintf(stale, sizeof stale, "%" PRIu64, stale_ms);
    headers[n++] = header_line("X-Gcache-Stale", stale);
  }
  gcache_exchange_reply_value(a->x, 200, headers, n, value); /* not copied */
  free(a);
}

/* The client has hung up: stop waiting for the value. on_value still runs. */
static void on_gone(gcache_exchange_t *x, void *arg) {
  struct asked *a = arg;

  (void)x;
  gcache_get_cancel(&a->req.get);
}

/* Continues the client's trace, for the calls that follow. An invalid traceparent is ignored. */
static void begin_trace(struct node *node, gcache_exchange_t *x) {
  gcache_bytes_t header = gcache_exchange_header(x, "traceparent");
  char traceparent[GCACHE_TRACEPARENT_LEN + 1];

  if (header.len != GCACHE_TRACEPARENT_LEN) return;
  memcpy(traceparent, header.base, header.len);
  traceparent[header.len] = 0;
  gcache_trace_begin(node->cache, traceparent);
}

static void answer_get(struct node *node, gcache_exchange_t *x) {
  gcache_group_t *group = want_group(node, x);
  gcache_bytes_t key;
  uint64_t timeout_ms;
  struct asked *a;
  int rc;

  if (group == NULL || want_param(x, "key", &key) < 0 || want_ms(x, "timeout_ms", &timeout_ms) < 0)
    return;
  a = new_asked(x);
  if (a == NULL) return;
  begin_trace(node, x);
  rc = gcache_get(&a->req.get, group, key, timeout_ms, on_value);
  gcache_trace_end(node->cache);
  if (rc < 0)
    refused(a, rc);
  else
    gcache_exchange_on_gone(x, on_gone, a);
}

/* ------------------------------------------------------------------------ set, remove, clear -- */

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct asked *a = req->data;
  struct text json = {0};

  text_open(&json, NULL, '[');
  for (size_t i = 0; i < n; i++) {
    const char *reason = peers[i].reason;
    if (peers[i].status < 0 && reason[0] == 0) reason = gcache_strerror(peers[i].status);
    text_open(&json, NULL, '{');
    text_put_string(&json, "url", peers[i].url);
    text_put_number(&json, "status", peers[i].status);
    text_put_string(&json, "reason", reason);
    text_close(&json, '}');
  }
  text_close(&json, ']');
  reply_json(a->x, status == 0 ? 200 : status == GCACHE_EPARTIAL ? 207 : 503, &json);
  free(a);
}

static void answer_set(struct node *node, gcache_exchange_t *x) {
  gcache_group_t *group = want_group(node, x);
  gcache_value_t *value;
  gcache_bytes_t key;
  uint64_t ttl_ms;
  struct asked *a;
  int rc;

  if (group == NULL || want_param(x, "key", &key) < 0 || want_ms(x, "ttl_ms", &ttl_ms) < 0) return;
  a = new_asked(x);
  if (a == NULL) return;
  value = gcache_exchange_body(x);
  if (value != NULL && ttl_ms == 0) /* the body as it was received, not copied */
    value = gcache_value_ref(value);
  else
    value = gcache_value_copy(node->cache,
                              value != NULL ? gcache_value_bytes(value) : gcache_bytes("", 0),
                              ttl_ms > 0 ? gcache_expire_in(node->cache, ttl_ms) : GCACHE_NEVER);
  rc = value == NULL ? UV_ENOMEM : gcache_set(&a->req.change, group, key, value, 0, on_changed);
  gcache_value_unref(value);
  if (rc == UV_EMSGSIZE) {
    reply_text(x, 413, "the key or the value is too large");
    free(a);
  } else if (rc < 0) {
    refused(a, rc);
  }
}

static void answer_remove(struct node *node, gcache_exchange_t *x) {
  gcache_group_t *group = want_group(node, x);
  gcache_bytes_t key;
  struct asked *a;
  int rc;

  if (group == NULL || want_param(x, "key", &key) < 0) return;
  a = new_asked(x);
  if (a == NULL) return;
  rc = gcache_remove(&a->req.change, group, key, 0, on_changed);
  if (rc < 0) refused(a, rc);
}

static void answer_clear(struct node *node, gcache_exchange_t *x) {
  gcache_group_t *group = want_group(node, x);
  struct asked *a = group == NULL ? NULL : new_asked(x);
  int rc;

  if (a == NULL) return;
  rc = gcache_clear(&a->req.change, group, 0, on_changed);
  if (rc < 0) refused(a, rc);
}

/* ------------------------------------------------------------------------------ peers, owner -- */

/* Splits text into its lines, in place, without empty ones. Returns their number; -1: more than
 * max. */
static int split_lines(char *text, const char *lines[], int max) {
  char *rest;
  int n = 0;

  for (char *line = strtok_r(text, " \t\r\n", &rest); line != NULL;
       line = strtok_r(NULL, " \t\r\n", &rest)) {
    if (n == max) return -1;
    lines[n++] = line;
  }
  return n;
}

static void set_peers(struct node *node, gcache_exchange_t *x, char *text) {
  const char *urls[MAX_PEERS];
  int n = split_lines(text, urls, MAX_PEERS), rc;

  node->fault[0] = 0;
  rc = n < 0 ? UV_E2BIG : gcache_set_peers(node->cache, urls, NULL, (size_t)n);
  if (rc == 0)
    reply_text(x, 200, "ok");
  else if (rc == UV_E2BIG)
    reply_text(x, 400, "too many URLs");
  else if (rc == UV_EINVAL)
    reply_text(x, 400, node->fault[0] != 0 ? node->fault : "the same URL is given twice");
  else
    reply_text(x, rc == GCACHE_ESELF ? 400 : 503, gcache_strerror(rc));
}

static void answer_peers(struct node *node, gcache_exchange_t *x) {
  gcache_value_t *body = gcache_exchange_body(x);
  gcache_bytes_t bytes = body != NULL ? gcache_value_bytes(body) : gcache_bytes("", 0);
  char *text = strndup(bytes.base, bytes.len);

  if (text == NULL)
    reply_error(x, UV_ENOMEM, NULL);
  else if (strlen(text) != bytes.len)
    reply_text(x, 400, "the list contains a NUL byte");
  else
    set_peers(node, x, text);
  free(text);
}

static void answer_owner(struct node *node, gcache_exchange_t *x) {
  gcache_header_t type = header_line("Content-Type", "text/plain; charset=utf-8");
  gcache_bytes_t key;

  if (want_group(node, x) == NULL || want_param(x, "key", &key) < 0) return;
  gcache_exchange_reply(x, 200, &type, 1, gcache_cstr(gcache_owner(node->cache, key)));
}

/* --------------------------------------------------------------------------------- the table -- */

static void answer_root(struct node *node, gcache_exchange_t *x) {
  (void)node;
  reply_text(x, 200, "gcache reference node: a member of a distributed cache; see GET /status");
}

static int is(gcache_bytes_t text, const char *word) {
  return text.len == strlen(word) && memcmp(text.base, word, text.len) == 0;
}

void routes_answer(gcache_exchange_t *x, void *arg) {
  static const struct {
    const char *method, *path;
    void (*answer)(struct node *node, gcache_exchange_t *x);
  } routes[] = {
      {"GET", "/", answer_root},           {"GET", "/get", answer_get},
      {"PUT", "/set", answer_set},         {"DELETE", "/remove", answer_remove},
      {"DELETE", "/clear", answer_clear},  {"PUT", "/peers", answer_peers},
      {"GET", "/owner", answer_owner},     {"GET", "/stats", stats_answer},
      {"GET", "/metrics", metrics_answer}, {"GET", "/status", status_answer},
      {"GET", "/shares", shares_answer},
  };
  gcache_bytes_t method = gcache_exchange_method(x), path = gcache_exchange_path(x);

  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
    gcache_header_t allow;
    if (!is(path, routes[i].path)) continue;
    if (is(method, routes[i].method)) {
      routes[i].answer(arg, x);
      return;
    }
    allow = header_line("Allow", routes[i].method);
    gcache_exchange_reply(x, 405, &allow, 1, gcache_cstr("wrong method\n"));
    return;
  }
  reply_text(x, 404, "no such route");
}
