#include "door/serve.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "core/trace.h"
#include "door/reply.h"
#include "http/message.h"
#include "wire/proto.h"
#include "wire/remove_keys.h"
#include "wire/route.h"

#define NO_GROUP "no such group: "
#define NO_GROUP_LEN (sizeof NO_GROUP - 1)
#define NAME_MAX_SAID ((size_t)256) /* no group has a longer one */
#define GIVER_MAX 512

/* ------------------------------------------------------------------------------- the reply -- */

/* Frees serve, after done. */
static void finish(struct gci_serve *serve, int status, const gcache_http_reply_t *reply) {
  struct gci_door *door = serve->door;

  gci_link_unlink(&serve->link);
  if (serve->canceled || door->closing)
    serve->done(serve->user, UV_ECANCELED, NULL);
  else
    serve->done(serve->user, status, reply);
  gci_in_flight_drop(&door->env->mem->in_flight, serve->size);
  gci_mem_free(door->env->mem, serve, serve->size);
  gci_countdown_give(&door->life);
}

static void finish_reply(struct gci_serve *serve, struct gci_reply *reply) {
  if (gcache_is_leaving(serve->door->cache)) gci_reply_add_leaving(reply);
  finish(serve, 0, &reply->http);
}

/* reason: for machines, NULL if the status says it all. */
static void finish_text(struct gci_serve *serve, int http_status, const char *reason,
                        gcache_bytes_t text) {
  uint64_t not_found_ms = serve->to_gcache ? gcache_answer_not_found(&serve->answer) : 0;
  struct gci_reply reply;

  gci_reply_text(&reply, http_status, reason, text);
  if (not_found_ms > 0) gci_reply_add_not_found_ms(&reply, not_found_ms);
  finish_reply(serve, &reply);
}

static void finish_value(struct gci_serve *serve, gcache_value_t *value) {
  struct gci_reply reply;

  if (!gci_reply_value_fits(serve->door->env->mem, value))
    gci_reply_busy(&reply, serve->door->env->mem);
  else
    gci_reply_value(&reply, serve->door->dialect, value, serve->to_gcache,
                    gcache_answer_stale(&serve->answer));
  finish_reply(serve, &reply);
}

static void finish_no_group(struct gci_serve *serve) {
  size_t len = serve->group.len < NAME_MAX_SAID ? serve->group.len : NAME_MAX_SAID;

  /* The key is not needed any more: the name moves behind the words in front of it. */
  memmove(serve->buf + NO_GROUP_LEN, serve->group.base, len);
  memcpy(serve->buf, NO_GROUP, NO_GROUP_LEN);
  finish_text(serve, serve->door->dialect->no_group, "no-group",
              gcache_bytes(serve->buf, NO_GROUP_LEN + len));
}

static void finish_done(struct gci_serve *serve, gcache_value_t *value) {
  struct gci_reply reply;

  if (serve->op == GCACHE_OP_GET) {
    finish_value(serve, value);
    return;
  }
  if (serve->op == GCACHE_OP_PING)
    gci_reply_here(&reply);
  else
    gci_reply_done(&reply);
  finish_reply(serve, &reply);
}

static gcache_bytes_t words(const char *reason, const char *otherwise) {
  return gcache_cstr(reason != NULL && reason[0] != '\0' ? reason : otherwise);
}

static void finish_answer(struct gci_serve *serve, int status, gcache_value_t *value,
                          const char *reason) {
  const struct gci_dialect *dialect = serve->door->dialect;

  switch (status) {
  case 0:
    finish_done(serve, value);
    return;
  case GCACHE_ENOTFOUND:
    finish_text(serve, dialect->not_found, "not-found", words(reason, "not found"));
    return;
  case GCACHE_ELOAD:
    finish_text(serve, dialect->failed, "getter", words(reason, "the getter failed"));
    return;
  case GCACHE_ENOROOM:
    finish_text(serve, 413, "large", words(reason, "the value is too large to keep"));
    return;
  case UV_EEXIST: /* a value that a leaving member gives */
    finish_text(serve, 409, "unwanted", GCI_LIT("not wanted"));
    return;
  case UV_ETIMEDOUT:
    finish_text(serve, 504, "timeout", words(reason, "out of time"));
    return;
  case UV_ECANCELED: /* the group was closed meanwhile */
  case GCACHE_ENOGROUP:
    finish_no_group(serve);
    return;
  case UV_EINVAL:
  case UV_EMSGSIZE:
    serve->door->bad_requests++;
    finish_text(serve, 400, NULL, GCI_LIT("bad request"));
    return;
  case GCACHE_EBUSY: /* final for gcache: loads at other members would not help */
    finish_text(serve, 429, "busy", words(reason, "busy"));
    return;
  default: /* short of something: every client takes a 429 without a reason for a failed exchange */
    finish_text(serve, 429, NULL, GCI_LIT("unable"));
    return;
  }
}

static void on_answered(gcache_answer_t *req, int status, gcache_value_t *value,
                        const char *reason) {
  finish_answer(req->data, status, value, reason);
}

/* ---------------------------------------------------------------------------- the question -- */

struct question {
  gcache_bytes_t key;
  gcache_value_t *value; /* with a reference of its own */
  uint64_t timeout_ms, newer_than;
  gcache_bytes_t trace;  /* as received, or NULL */
  char giver[GIVER_MAX]; /* zero-terminated: the giver's URL */
};

static int settle(struct gci_serve *serve, int http_status, const char *text) {
  serve->settled_status = http_status;
  serve->settled_text = text;
  return -1;
}

static int read_put(struct gci_serve *serve, struct question *q, gcache_value_t **body) {
  const struct gci_door *door = serve->door;
  struct gci_mem *mem = door->env->mem;
  int err;

  if (*body == NULL) *body = gci_value_block(mem, 0);
  if (*body == NULL) return settle(serve, 429, "unable");
  gcache_bytes_t group = serve->op == GCACHE_OP_GIVE ? GCI_LIT("") : serve->group;
  err = gci_proto_set_read(mem, *body, group, q->key, &q->value);
  if (err == UV_ENOMEM) return settle(serve, 429, "unable");
  if (err == UV_EINVAL) return settle(serve, 400, "the body disagrees with the URL");
  if (err < 0) return settle(serve, 400, "the body is not a SetRequest");
  *body = NULL;
  if (gcache_value_bytes(q->value).len > door->limits.value_max)
    return settle(serve, 413, "the value is too large");
  if (gci_value_expired_at(gcache_value_expire(q->value), gci_env_unix_ns(door->env)))
    return settle(serve, 400, "the value has already expired");
  return 0;
}

static int read_delete(struct gci_serve *serve, struct question *q,
                       const struct gci_serve_request *in) {
  gcache_bytes_t scope = gci_http_header(in->headers, in->n_headers, GCI_LIT("Gcache-Scope"));

  serve->op = GCACHE_OP_REMOVE;
  if (scope.base == NULL) return 0;
  /* Both must hold, so that a mistake cannot empty a group. */
  if (!gci_bytes_equal(scope, GCI_LIT("group")) || q->key.len > 0)
    return settle(serve, 400, "bad Gcache-Scope");
  serve->op = GCACHE_OP_CLEAR;
  return 0;
}

/* The headers that only gcache sends. */
static int read_asker(struct gci_serve *serve, struct question *q,
                      const struct gci_serve_request *in) {
  gcache_bytes_t from = gci_http_header(in->headers, in->n_headers, GCI_LIT("Gcache-From"));
  gcache_bytes_t newer = gci_http_header(in->headers, in->n_headers, GCI_LIT("Gcache-Newer-Than"));

  q->trace = gci_http_header(in->headers, in->n_headers, GCI_LIT("traceparent"));
  if (from.base != NULL) serve->to_gcache = 1;
  if (newer.base == NULL) return 0;
  if (gci_bytes_to_u64(newer, &q->newer_than) < 0 || q->newer_than > INT64_MAX)
    return settle(serve, 400, "bad Gcache-Newer-Than");
  return 0;
}

static int read_timeout(struct gci_serve *serve, struct question *q,
                        const struct gci_serve_request *in) {
  gcache_bytes_t text = gci_http_header(in->headers, in->n_headers, GCI_LIT("Gcache-Timeout-Ms"));

  q->timeout_ms = 0;
  if (text.base == NULL) return 0;
  serve->to_gcache = 1; /* a client-only member has no URL to send */
  if (gci_bytes_to_u64(text, &q->timeout_ms) < 0)
    return settle(serve, 400, "bad Gcache-Timeout-Ms");
  if (q->timeout_ms == 0) q->timeout_ms = 1; /* 0 would mean our default */
  return 0;
}

struct many {
  struct gci_serve *serve;
  int err; /* the first error that matters */
};

/* A key longer than the limit is stored nowhere. */
static void remove_one(void *user, gcache_bytes_t key) {
  struct many *many = user;
  int err = gci_core_remove_here(many->serve->door->cache, many->serve->group, key);

  if (err < 0 && err != UV_EMSGSIZE && many->err == 0) many->err = err;
}

/* groupcache-go's POST <group>/_remove-keys/: done at once, without gcache_answer(). */
static int remove_many(struct gci_serve *serve, gcache_value_t *body) {
  struct many many = {serve, 0};
  gcache_bytes_t bytes = body == NULL ? gcache_bytes(NULL, 0) : gcache_value_bytes(body);
  int err = gci_remove_keys_read(bytes, serve->group, remove_one, &many);

  serve->op = GCACHE_OP_REMOVE;
  if (err == UV_ENOTSUP)
    settle(serve, 405, "built without JSON");
  else if (err == UV_EINVAL)
    settle(serve, 400, "the body disagrees with the URL");
  else if (err < 0)
    settle(serve, 400, "the body is not a list of keys");
  else if (many.err == GCACHE_ENOGROUP)
    settle(serve, 404, NULL);
  else if (many.err < 0)
    settle(serve, 429, "unable");
  else
    settle(serve, 200, NULL);
  return -1;
}

/* A value that its owner gives because it leaves. The body names no group, so that a gcache that
 * does not know the header finds that it disagrees with the URL, and does not take it for a set. */
static int read_giver(struct gci_serve *serve, struct question *q,
                      const struct gci_serve_request *in) {
  gcache_bytes_t giver = gci_http_header(in->headers, in->n_headers, GCI_LIT("Gcache-Give"));

  if (giver.base == NULL) return 0;
  if (giver.len >= sizeof q->giver) return settle(serve, 400, "bad Gcache-Give");
  memcpy(q->giver, giver.base, giver.len);
  q->giver[giver.len] = '\0';
  serve->op = GCACHE_OP_GIVE;
  return 0;
}

static int read_method(struct gci_serve *serve, struct question *q,
                       const struct gci_serve_request *in, gcache_value_t **body) {
  const struct gci_dialect *dialect = serve->door->dialect;

  serve->op = GCACHE_OP_GET;
  if (dialect->gets_only || gci_bytes_equal(in->method, GCI_LIT("GET"))) return 0;
  if (gci_bytes_equal(in->method, GCI_LIT("PUT"))) {
    serve->op = GCACHE_OP_SET;
    if (read_giver(serve, q, in) < 0) return -1;
    return read_put(serve, q, body);
  }
  if (gci_bytes_equal(in->method, GCI_LIT("DELETE"))) return read_delete(serve, q, in);
  if (dialect->removes_many && gci_bytes_equal(in->method, GCI_LIT("POST")) &&
      gci_bytes_equal(q->key, GCI_LIT("_remove-keys/")))
    return remove_many(serve, *body);
  return dialect->refuses_odd_methods ? settle(serve, 405, "method not allowed") : 0;
}

/* A ping. Anybody may send one, and learns no more from it. The Go systems refuse it. */
static int read_ping(struct gci_serve *serve) {
  serve->op = GCACHE_OP_PING;
  if (serve->door->dialect->plain) return settle(serve, 400, "bad request");
  return settle(serve, 204, NULL);
}

/* < 0: gcache_answer() is not asked; settled_status and settled_text are set. */
static int read_question(struct gci_serve *serve, struct question *q,
                         const struct gci_serve_request *in, gcache_value_t **body) {
  struct gci_route route;
  gcache_bytes_t path, query;

  if (in->refusal != NULL) return settle(serve, in->refusal->status, in->refusal->text);
  gci_route_split_target(in->path, &path, &query);
  if (gci_bytes_equal(path, serve->door->base_path) && gci_bytes_equal(in->method, GCI_LIT("GET")))
    return read_ping(serve);
  if (gci_route_read(serve->door->base_path, path, serve->buf, &route) != GCI_ROUTE_OK)
    return settle(serve, 400, "bad request");
  serve->group = route.group;
  q->key = route.key;
  if (q->key.len > serve->door->limits.key_max) return settle(serve, 414, "the key is too long");
  serve->cached = gci_cached_read(in->headers, in->n_headers);
  gci_cached_judge(&serve->cached, serve->door);
  if (read_timeout(serve, q, in) < 0 || read_asker(serve, q, in) < 0) return -1;
  return read_method(serve, q, in, body);
}

static void finish_cached(struct gci_serve *serve) {
  struct gci_reply reply;
  int rc = gci_cached_answer(&reply, serve->door, serve->group, serve->key, &serve->cached);

  if (rc < 0)
    finish_answer(serve, rc, NULL, NULL);
  else
    finish_reply(serve, &reply);
}

static void on_settled(struct gcache_job_s *job) {
  struct gci_serve *serve = gci_container_of(job, struct gci_serve, settled);
  int status = serve->settled_status;

  if (status == 0) {
    finish_cached(serve);
    return;
  }
  int is_ping = serve->op == GCACHE_OP_PING;
  if (!is_ping && (status == 400 || status == 413 || status == 414)) serve->door->bad_requests++;
  if (status == 404)
    finish_no_group(serve);
  else if (status == 200 || status == 204)
    finish_done(serve, NULL);
  else
    finish_text(serve, status, status == 403 ? "forbidden" : NULL,
                gcache_cstr(serve->settled_text));
}

static int ask_core(struct gci_serve *serve, const struct question *q) {
  gcache_t *cache = serve->door->cache;

  if (serve->op == GCACHE_OP_GIVE)
    return gcache_answer_give(&serve->answer, cache, serve->group, q->key, q->value, q->giver,
                              on_answered);
  if (serve->op == GCACHE_OP_GET && serve->to_gcache)
    return gcache_answer_get(&serve->answer, cache, serve->group, q->key, (int64_t)q->newer_than,
                             q->timeout_ms, on_answered);
  return gcache_answer(&serve->answer, cache, serve->op, serve->group, q->key, q->value,
                       q->timeout_ms, on_answered);
}

/* An invalid trace counts as none (W3C Trace Context); a lack of memory for it is no failure
 * either. */
static int ask_in_trace(struct gci_serve *serve, const struct question *q) {
  gcache_t *cache = serve->door->cache;
  gcache_value_t *trace = NULL, *before;
  int err;

  if (q->trace.base != NULL) gci_trace_read(serve->door->env->mem, q->trace, &trace);
  before = gci_trace_enter(cache, trace);
  err = ask_core(serve, q);
  gci_trace_leave(cache, before);
  gcache_value_unref(trace);
  return err;
}

static void ask(struct gci_serve *serve, const struct question *q) {
  int err;

  if (serve->op == GCACHE_OP_GET && serve->cached.only) {
    serve->key = q->key;
    gci_env_defer(serve->door->env, GCI_COMPLETIONS, &serve->settled);
    return;
  }
  err = ask_in_trace(serve, q);
  if (err == 0) return;
  if (err == GCACHE_ENOGROUP)
    settle(serve, 404, NULL);
  else if (err == UV_EINVAL || err == UV_EMSGSIZE)
    settle(serve, 400, "bad request");
  else
    settle(serve, 429, "unable");
  gci_env_defer(serve->door->env, GCI_COMPLETIONS, &serve->settled);
}

int gci_serve_start(struct gci_serve **out, struct gci_door *door,
                    const struct gci_serve_request *in, gci_serve_done_cb done, void *user) {
  size_t size = sizeof(struct gci_serve) + NO_GROUP_LEN + in->path.len;
  struct gci_serve *serve = gci_mem_zalloc(door->env->mem, size);
  gcache_value_t *body = in->body;
  struct question q;

  if (serve == NULL) {
    gcache_value_unref(body);
    return UV_ENOMEM;
  }
  memset(&q, 0, offsetof(struct question, giver));
  serve->size = size;
  gci_in_flight_add(&door->env->mem->in_flight, size);
  serve->door = door;
  serve->done = done;
  serve->user = user;
  serve->answer.data = serve;
  gci_link_init(&serve->link);
  gci_job_init(&serve->settled, on_settled);
  gci_countdown_take(&door->life);
  if (read_question(serve, &q, in, &body) < 0)
    gci_env_defer(door->env, GCI_COMPLETIONS, &serve->settled);
  else
    ask(serve, &q);
  gcache_value_unref(body);
  gcache_value_unref(q.value);
  *out = serve;
  return 0;
}

void gci_serve_cancel(struct gci_serve *serve) {
  if (serve->canceled) return;
  serve->canceled = 1;
  if (!gci_job_queued(&serve->settled)) gcache_answer_cancel(&serve->answer);
}

int gci_serve_takes(const struct gci_door *door, gcache_bytes_t path) {
  gcache_bytes_t only_path, query;

  gci_route_split_target(path, &only_path, &query);
  return gci_bytes_begins(only_path, door->base_path);
}

int gci_serve_is_ping(const struct gci_door *door, const struct gci_http_head *head) {
  gcache_bytes_t path, query;

  gci_route_split_target(head->target, &path, &query);
  return gci_bytes_equal(path, door->base_path) && gci_bytes_equal(head->method, GCI_LIT("GET"));
}
