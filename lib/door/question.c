#include "door/question.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "wire/proto.h"
#include "wire/remove_keys.h"
#include "wire/route.h"

/* ----------------------------------------------------------------------------- the request -- */

static void add_header(struct gci_question *q, gcache_bytes_t name, gcache_bytes_t value) {
  q->headers[q->message.n_headers++] = (gcache_header_t){name, value};
}

static void write_newer_than(struct gci_question *q, int64_t unix_ns) {
  if (unix_ns <= 0) return;
  int len = snprintf(q->newer_than, sizeof q->newer_than, "%" PRId64, unix_ns);
  add_header(q, GCI_LIT("Gcache-Newer-Than"), gcache_bytes(q->newer_than, (size_t)len));
}

/* A new owner's get to the previous owner: over a slow lane the value may be of any size. */
static void write_handoff(struct gci_question *q, const gcache_call_t *call,
                          const struct gci_question_way *way) {
  const char *newcomer = gcache_call_newcomer(call);

  add_header(q, GCI_LIT("Cache-Control"), GCI_LIT("only-if-cached"));
  add_header(q, GCI_LIT("Gcache-Handoff"), way->fast ? GCI_LIT("small") : GCI_LIT("any"));
  if (newcomer != NULL) add_header(q, GCI_LIT("Gcache-Newcomer"), gcache_cstr(newcomer));
}

/* Not with a get from memory: no getter runs for it, and a head that is unlike the previous one
 * costs both sides more than the rest. */
static void write_trace(struct gci_question *q, const gcache_call_t *call) {
  const char *traceparent = gcache_call_traceparent(call);
  if (traceparent != NULL) add_header(q, GCI_LIT("traceparent"), gcache_cstr(traceparent));
}

static void write_headers(struct gci_question *q, gcache_call_t *call,
                          const struct gci_question_way *way) {
  if (gcache_call_only_cached(call)) {
    write_handoff(q, call, way);
    return;
  }
  if (gcache_call_op(call) == GCACHE_OP_GIVE)
    add_header(q, GCI_LIT("Gcache-Give"), gcache_cstr(way->self));
  if (way->fast) { /* the peer does not wait, and may answer with a value marked as stale */
    if (gcache_call_op(call) == GCACHE_OP_GET)
      add_header(q, GCI_LIT("Cache-Control"), GCI_LIT("only-if-cached, max-stale"));
    else
      write_trace(q, call);
    return;
  }
  write_trace(q, call);
  if (!way->plain) {
    int len = snprintf(q->timeout, sizeof q->timeout, "%" PRIu64, gcache_call_time_left_ms(call));
    add_header(q, GCI_LIT("Gcache-Timeout-Ms"), gcache_bytes(q->timeout, (size_t)len));
    if (way->self != NULL) add_header(q, GCI_LIT("Gcache-From"), gcache_cstr(way->self));
    write_newer_than(q, gcache_call_newer_than(call));
  }
  if (gcache_call_op(call) == GCACHE_OP_CLEAR)
    add_header(q, GCI_LIT("Gcache-Scope"), GCI_LIT("group"));
}

/* The buffers are written only when they are needed. */
static void init(struct gci_question *q, struct gci_mem *mem) {
  q->mem = mem;
  q->message = (struct gci_http_message){.headers = q->headers};
  q->target = q->before = NULL;
  q->target_size = q->before_size = 0;
  q->body = NULL;
}

/* extra: bytes behind the target for the caller to fill. */
static int write_target(struct gci_question *q, const struct gci_question_way *way,
                        gcache_bytes_t group, gcache_bytes_t key, size_t extra) {
  size_t most = way->base_path.len + 3 * (group.len + key.len) + 1 + extra;

  q->target = q->near;
  if (most > sizeof q->near) {
    q->target_size = gci_route_size(way->base_path, group, key, way->stay) + extra;
    q->target = gci_mem_alloc(q->mem, q->target_size);
    if (q->target == NULL) return UV_ENOMEM;
  }
  q->target_size = gci_route_write(q->target, way->base_path, group, key, way->stay) + extra;
  q->message.target = gcache_bytes(q->target, q->target_size);
  return 0;
}

/* plain: without the windows of the value, which are for gcache only. */
static int write_put(struct gci_question *q, gcache_bytes_t group, gcache_bytes_t key,
                     gcache_value_t *value, int plain) {
  size_t value_len = gcache_value_bytes(value).len, after_len;

  q->before_size = gci_proto_set_before_size(group, key, value_len);
  q->before = gci_mem_alloc(q->mem, q->before_size);
  if (q->before == NULL) return UV_ENOMEM;
  q->message.before = gcache_bytes(q->before,
                                   gci_proto_set_before(q->before, group, key, value_len));
  q->message.value = value;
  after_len = gci_proto_set_after(q->after, gcache_value_expire(value));
  if (!plain) after_len += gci_proto_set_windows(q->after + after_len, gci_value_windows(value));
  q->message.after = gcache_bytes(q->after, after_len);
  q->message.has_body = 1;
  return 0;
}

/* The last line: it signs all the others. */
static int sign(struct gci_question *q, const struct gci_question_way *way) {
  size_t len = 0;
  int err;

  if (way->auth == NULL || !gci_auth_covers(way->auth, q->message.method)) return 0;
  err = gci_auth_sign(way->auth, &q->message, q->auth, &len);
  add_header(q, GCI_LIT("Gcache-Auth"), gcache_bytes(q->auth, len));
  return err;
}

int gci_question_init(struct gci_question *q, struct gci_mem *mem, gcache_call_t *call,
                      const struct gci_question_way *way) {
  static const char *const methods[] = {
      [GCACHE_OP_GET] = "GET",      [GCACHE_OP_SET] = "PUT",  [GCACHE_OP_REMOVE] = "DELETE",
      [GCACHE_OP_CLEAR] = "DELETE", [GCACHE_OP_PING] = "GET", [GCACHE_OP_GIVE] = "PUT"};
  gcache_bytes_t group = gcache_cstr(gcache_call_group(call));
  gcache_bytes_t key = gcache_call_key(call);
  int err;

  init(q, mem);
  q->message.method = gcache_cstr(methods[gcache_call_op(call)]);
  q->message.host = way->host;
  if (gcache_call_op(call) == GCACHE_OP_PING) {
    q->message.target = way->base_path;
    return sign(q, way);
  }
  write_headers(q, call, way);
  err = write_target(q, way, group, key, 0);
  if (gcache_call_op(call) == GCACHE_OP_GIVE) group = GCI_LIT(""); /* no set has that in its body */
  if (err == 0 && gcache_call_value(call) != NULL)
    err = write_put(q, group, key, gcache_call_value(call), way->plain);
  if (err == 0) err = sign(q, way);
  if (err < 0) gci_question_fini(q);
  return err;
}

static int write_many_target(struct gci_question *q, const struct gci_question_way *way,
                             gcache_bytes_t group) {
  int err = write_target(q, way, group, GCI_LIT("_remove-keys"), 1);

  if (err == 0) q->target[q->target_size - 1] = '/'; /* a bare one, which no key has */
  return err;
}

int gci_question_init_many(struct gci_question *q, struct gci_mem *mem, gcache_bytes_t group,
                           const gcache_bytes_t keys[], size_t n,
                           const struct gci_question_way *way) {
  int err;

  init(q, mem);
  q->message.method = GCI_LIT("POST");
  q->message.host = way->host;
  if (!way->plain && way->self != NULL)
    add_header(q, GCI_LIT("Gcache-From"), gcache_cstr(way->self));
  err = write_many_target(q, way, group);
  if (err == 0) q->body = gci_remove_keys_write(mem, group, keys, n);
  if (err == 0 && q->body == NULL) err = UV_ENOMEM;
  q->message.value = q->body;
  q->message.has_body = 1;
  if (err == 0) err = sign(q, way);
  if (err < 0) gci_question_fini(q);
  return err;
}

void gci_question_fini(struct gci_question *q) {
  gcache_value_unref(q->body);
  q->body = NULL;
  if (q->target != q->near) gci_mem_free(q->mem, q->target, q->target_size);
  gci_mem_free(q->mem, q->before, q->before_size);
  q->target = q->before = NULL;
}

/* ------------------------------------------------------------------------------ the answer -- */

struct answer {
  gcache_op_t op;
  const char *peer;
  const struct gci_dialect *dialect;
  int status;
  int is_gcache, speaks_2, leaving;
  int coded;                                 /* has a content coding, which was not asked for */
  gcache_bytes_t type, reason, not_found_ms; /* header lines; base NULL: none */
  gcache_bytes_t text;
};

static int is_named(const gcache_header_t *header, gcache_bytes_t name) {
  return gci_bytes_equal_nocase(header->name, name);
}

/* The first line of each name counts. */
static void hear(struct answer *a, const gcache_header_t *header) {
  if (is_named(header, GCI_LIT("Content-Type")) && a->type.base == NULL)
    a->type = header->value;
  else if (is_named(header, GCI_LIT("Gcache")))
    a->is_gcache = gci_bytes_equal(header->value, GCI_LIT("1"));
  else if (is_named(header, GCI_LIT("Gcache-Reason")) && a->reason.base == NULL)
    a->reason = header->value;
  else if (is_named(header, GCI_LIT("Gcache-Not-Found-Ms")) && a->not_found_ms.base == NULL)
    a->not_found_ms = header->value;
  else if (is_named(header, GCI_LIT("Content-Encoding")))
    a->coded |= !gci_bytes_equal_nocase(header->value, GCI_LIT("identity"));
  else if (is_named(header, GCI_LIT("Gcache-Leaving")))
    a->leaving = gci_bytes_equal(header->value, GCI_LIT("1"));
  else if (is_named(header, GCI_LIT("Gcache-Http")))
    a->speaks_2 = gci_bytes_equal(header->value, GCI_LIT("2"));
}

static void say(struct gci_result *result, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct gci_result *result, int status, const char *format, ...) {
  va_list args;

  result->status = status;
  va_start(args, format);
  vsnprintf(result->reason, sizeof result->reason, format, args);
  va_end(args);
}

/* Appends text to the reason. A peer's text ends in a newline, which belongs to the protocol, and
 * may hold any bytes. */
static void append(struct gci_result *result, gcache_bytes_t text) {
  const char *base = text.base;
  size_t at = strlen(result->reason), len = text.len;

  if (len > 0 && base[len - 1] == '\n') len--;
  if (len > GCI_REASON_MAX - at) len = GCI_REASON_MAX - at;
  for (size_t i = 0; i < len; i++)
    result->reason[at + i] = base[i] >= ' ' && base[i] <= '~' ? base[i] : '?';
  result->reason[at + len] = '\0';
}

static void quote(struct gci_result *result, int status, gcache_bytes_t text) {
  result->status = status;
  append(result, text);
}

static int has_type(const struct answer *a, gcache_bytes_t wanted) {
  gcache_bytes_t type = a->coded ? GCI_LIT("") : a->type;
  const char *end = type.len == 0 ? NULL : memchr(type.base, ';', type.len);

  if (end != NULL) type.len = (size_t)(end - (const char *)type.base);
  while (type.len > 0 && ((const char *)type.base)[type.len - 1] == ' ')
    type.len--;
  return gci_bytes_equal_nocase(type, wanted);
}

static int is_protobuf(const struct answer *a) {
  return has_type(a, GCI_LIT("application/x-protobuf"));
}

static int has_reason(const struct answer *a, const char *reason) {
  return gci_bytes_equal(a->reason, gcache_cstr(reason));
}

/* An answer that is not of the protocol; in plain text it may say why. */
static void say_answered(struct gci_result *result, const struct answer *a) {
  int status = a->status == 403 ? UV_EACCES : GCACHE_EPEER;

  say(result, status, "%s answered %d", a->peer, a->status);
  if (a->text.len == 0 || !has_type(a, GCI_LIT("text/plain"))) return;
  append(result, GCI_LIT(": "));
  append(result, a->text);
}

/* gcache says so in a header; the Go systems only in the text. */
static int is_no_group(const struct answer *a) {
  if (a->is_gcache) return has_reason(a, "no-group");
  return a->status == 404 && gci_bytes_begins(a->text, GCI_LIT("no such group: "));
}

static int is_routers_text(gcache_bytes_t text) {
  return gci_bytes_equal(text, GCI_LIT("404 page not found\n")) ||
         gci_bytes_equal(text, GCI_LIT("404 page not found"));
}

/* Go's http.Error() always says plain text. An answer with another type or none, or with the text
 * of Go's request routers, comes from something in front of groupcache. */
static int is_from_groupcache(const struct answer *a) {
  return has_type(a, GCI_LIT("text/plain")) && !is_routers_text(a->text);
}

/* The status that the getter or owner has reported; 0: none. */
static int word_of_owner(const struct answer *a) {
  if (a->is_gcache && has_reason(a, "timeout")) return UV_ETIMEDOUT;
  if (a->is_gcache && has_reason(a, "not-found")) return GCACHE_ENOTFOUND;
  if (a->is_gcache && has_reason(a, "busy")) return GCACHE_EBUSY;
  if (a->is_gcache && has_reason(a, "not-cached")) return UV_ENOENT;
  if (a->is_gcache && has_reason(a, "not-new")) return UV_EPERM;
  if (a->is_gcache) return has_reason(a, "getter") ? GCACHE_ELOAD : 0;
  if (!is_from_groupcache(a)) return 0;
  if (a->status == a->dialect->getter_failed) return GCACHE_ELOAD;
  return a->status == a->dialect->not_found ? GCACHE_ENOTFOUND : 0;
}

/* The request is refused, by a live peer: Go's routers redirect some keys. */
static int is_refused(const struct answer *a) {
  return a->status >= 300 && a->status < 500 && a->status != 403 && a->status != 408 &&
         a->status != 429;
}

static void read_get(struct gci_result *result, const struct answer *a, gcache_value_t *body) {
  int said = a->status == 200 ? 0 : word_of_owner(a);

  if (said == GCACHE_ENOTFOUND && a->is_gcache &&
      gci_bytes_to_u64(a->not_found_ms, &result->not_found_ms) < 0)
    result->not_found_ms = 0;
  if (said != 0)
    quote(result, said, a->text);
  else if (a->status != 200)
    say_answered(result, a);
  else if (is_protobuf(a))
    result->body = gcache_value_ref(body);
  else
    say(result, GCACHE_EPEER, "%s answered 200 without application/x-protobuf", a->peer);
  if (said == 0 && is_refused(a)) result->status = UV_EINVAL;
}

/* A remove or clear that would be refused however often it is sent: the peer cannot have such a
 * key, or takes no such request. A refusal of a set may be about its value, and the old value may
 * still be there. */
static int is_refused_for_good(const struct answer *a) {
  return a->status == 400 || a->status == 405 || a->status == 413 || a->status == 414 ||
         a->status == 431;
}

static void read_change(struct gci_result *result, const struct answer *a) {
  if (a->status == 200 || a->status == 204) {
    if (is_protobuf(a)) /* golang/groupcache takes every method for GET */
      say(result, UV_ENOTSUP, "%s answered the request like a GET", a->peer);
    else if (a->op == GCACHE_OP_CLEAR && !a->is_gcache)
      say(result, UV_ENOTSUP, "%s is not gcache and cannot clear a group", a->peer);
    else if (a->text.len > 0) /* no groupcache says more than 200 */
      say(result, GCACHE_EPEER, "%s answered %d with a body", a->peer, a->status);
  } else if (a->status == 413 && has_reason(a, "large")) {
    quote(result, GCACHE_ENOROOM, a->text);
  } else if (a->status == 409 && has_reason(a, "unwanted")) {
    quote(result, UV_EEXIST, a->text);
  } else if (a->status == 429) {
    say(result, GCACHE_EBUSY, "%s is busy", a->peer);
  } else {
    say_answered(result, a);
    if (a->op != GCACHE_OP_SET && is_refused_for_good(a)) result->status = UV_EINVAL;
  }
}

void gci_question_read_answer(struct gci_result *result, gcache_op_t op, const char *peer,
                              const struct gci_dialect *dialect, const struct gci_http_head *head,
                              gcache_value_t *body) {
  struct answer a = {.op = op, .peer = peer, .dialect = dialect, .status = head->status};

  for (size_t i = 0; i < head->n_headers; i++)
    hear(&a, &head->headers[i]);
  if (body != NULL) a.text = gcache_value_bytes(body);
  result->is_gcache = a.is_gcache;
  result->leaving = a.leaving;
  result->speaks_2 = a.speaks_2;
  result->large = a.status == 504 && has_reason(&a, "large");
  result->http_status = a.status;
  result->status = 0;
  result->value = result->body = NULL;
  result->stale_ms = result->not_found_ms = 0;
  result->reason[0] = '\0';
  if (op == GCACHE_OP_PING) return; /* any answer shows that the peer is up */
  if (is_no_group(&a))
    quote(result, GCACHE_ENOGROUP, a.text);
  else if (op == GCACHE_OP_GET)
    read_get(result, &a, body);
  else
    read_change(result, &a);
}

void gci_question_read_value(struct gci_result *result, struct gci_mem *mem, const char *peer,
                             size_t value_max) {
  gcache_value_t *body = result->body != NULL ? result->body : gci_value_block(mem, 0);
  int err = body == NULL ? UV_ENOMEM
                         : gci_proto_answer_read(mem, body, &result->value, &result->stale_ms);

  result->body = NULL;
  if (!result->is_gcache) result->stale_ms = 0; /* only gcache marks stale values */
  if (err < 0) gcache_value_unref(body);
  if (err == UV_ENOMEM) {
    result->status = UV_ENOMEM;
  } else if (err < 0) {
    say(result, GCACHE_EPEER, "the answer of %s is not a GetResponse", peer);
  } else if (gcache_value_bytes(result->value).len > value_max) {
    gcache_value_unref(result->value);
    result->value = NULL;
    say(result, GCACHE_EPEER, "%s sent a value over the limit", peer);
  }
}
