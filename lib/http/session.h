/* http/session - one connection's HTTP, whichever version it speaks: bytes in, bytes out, no I/O
 * and no clock. The code above knows only this; http/h1 and http/h2 implement it, and the choice is
 * made once, where the connection is set up (gci_http_sniff(), or TLS by ALPN).
 *
 * A session may be closed by any of its events; it is freed when the last of its functions on the
 * stack has returned. */
#ifndef GCI_HTTP_SESSION_H
#define GCI_HTTP_SESSION_H

#include <sys/types.h>

#include "http/message.h"
#include "http/out.h"

enum gci_http_version { GCI_HTTP_1, GCI_HTTP_2, GCI_HTTP_UNKNOWN };

/* The version that the first bytes of a connection speak. GCI_HTTP_UNKNOWN: they are a beginning of
 * the preface of RFC 9113, section 3.4, and decide nothing yet. */
enum gci_http_version gci_http_sniff(gcache_bytes_t first);

/* The bytes of answers that the other side must take in write_stall_ms: body_rate_min a second. */
size_t gci_http_progress_min(const gcache_limits_t *limits);

/* ------------------------------------------------------------------------------------ server -- */

struct gci_http_server;

struct gci_http_server_events {
  /* A complete request has arrived, inside input(). Owes one gci_http_reply(), now or later. */
  void (*request)(void *user, struct gci_http_exchange *x);
  /* A reply given outside input() has made output, or the session wants to be closed. */
  void (*ready)(void *user);
};

/* What the connection is in the middle of, for time limits. */
enum gci_http_phase {
  GCI_HTTP_IDLE, /* no byte of a next request has come, or its body waits for our 100 */
  GCI_HTTP_HEAD,
  GCI_HTTP_BODY
};

struct gci_http_server_ops {
  void (*close)(struct gci_http_server *s);
  void *(*place)(struct gci_http_server *s, size_t *len); /* NULL: always anywhere */
  ssize_t (*input)(struct gci_http_server *s, gcache_bytes_t bytes);
  struct gci_out *(*output)(struct gci_http_server *s);
  int (*wants_input)(const struct gci_http_server *s);
  int (*wants_close)(const struct gci_http_server *s);
  enum gci_http_phase (*phase)(const struct gci_http_server *s);
  uint64_t (*body_received)(const struct gci_http_server *s);
  size_t (*pending)(const struct gci_http_server *s);
  void (*drain)(struct gci_http_server *s);
  void (*timed_out)(struct gci_http_server *s);
  uint64_t (*watch)(struct gci_http_server *s, uint64_t now_ms);
};

/* The first member of each kind of server. */
struct gci_http_server {
  const struct gci_http_server_ops *ops;
  /* NULL at first. The head of a request has come, inside input(), and a body is to follow. The
   * result, if not 0, becomes the exchange's `screened`. Below 0: the body is not wanted: request()
   * follows at once, without a body, and HTTP/1.1 takes nothing after it. head is borrowed for the
   * call, which must not close the session. */
  int (*screen)(void *user, const struct gci_http_head *head);
  uint64_t bad_requests; /* refused as malformed or too large */
};

/* Exchanges that still owe a reply live on, detached: their reply is dropped. */
static inline void gci_http_server_close(struct gci_http_server *s) {
  s->ops->close(s);
}

/* Bytes are there to be read: returns where to read them, and *len: how many at most, for input()
 * to take without a copy: the memory of a large body that is being received. NULL: anywhere. Valid
 * until the next call of any of these. */
static inline void *gci_http_server_place(struct gci_http_server *s, size_t *len) {
  return s->ops->place == NULL ? NULL : s->ops->place(s, len);
}

/* Takes all bytes, except when too many answers are owed: then it returns how many it took, and
 * takes no more until gci_http_server_wants_input(). After an error or the last request the rest is
 * ignored (taken). UV_ENOMEM: close the connection. */
static inline ssize_t gci_http_server_input(struct gci_http_server *s, gcache_bytes_t bytes) {
  return s->ops->input(s, bytes);
}

/* The output to send. A session adds only a reasonable amount at a time, and more when asked again
 * after some has been sent. */
static inline struct gci_out *gci_http_server_output(struct gci_http_server *s) {
  return s->ops->output(s);
}

static inline int gci_http_server_wants_input(const struct gci_http_server *s) {
  return s->ops->wants_input(s);
}

/* Nonzero: close once the output is sent. */
static inline int gci_http_server_wants_close(const struct gci_http_server *s) {
  return s->ops->wants_close(s);
}

static inline enum gci_http_phase gci_http_server_phase(const struct gci_http_server *s) {
  return s->ops->phase(s);
}

/* Of the request that is being received; if there are several, of all of them. */
static inline uint64_t gci_http_server_body_received(const struct gci_http_server *s) {
  return s->ops->body_received(s);
}

static inline size_t gci_http_server_pending(const struct gci_http_server *s) { /* answers owed */
  return s->ops->pending(s);
}

static inline uint64_t gci_http_server_bad_requests(const struct gci_http_server *s) {
  return s->bad_requests;
}

/* Graceful end: requests so far are answered, the other side is told to send no more; wants_close
 * at once when idle. */
static inline void gci_http_server_drain(struct gci_http_server *s) {
  s->ops->drain(s);
}

/* A time limit passed in the middle of a request: answers that and wants to be closed. */
static inline void gci_http_server_timed_out(struct gci_http_server *s) {
  s->ops->timed_out(s);
}

/* Ends requests and answers that have been too slow, if they have time limits of their own. Returns
 * when to be called again at the latest; UINT64_MAX: when something has happened. */
static inline uint64_t gci_http_server_watch(struct gci_http_server *s, uint64_t now_ms) {
  return s->ops->watch(s, now_ms);
}

/* ------------------------------------------------------------------------------------ client -- */

struct gci_http_client;

struct gci_http_client_events {
  /* The answer to a request, complete. tag: as given to send(); NULL from a session that answers in
   * order: the oldest request without an answer. head and body are borrowed (body may be NULL); ref
   * body to keep it. */
  void (*response)(void *user, void *tag, const struct gci_http_head *head, gcache_value_t *body);
  /* Only that request has failed; the session goes on. unprocessed: the other side has said that it
   * did nothing for it, so that it may be sent again. */
  void (*failed)(void *user, void *tag, int status, const char *reason, int unprocessed);
};

struct gci_http_client_ops {
  void (*close)(struct gci_http_client *c);
  int (*send)(struct gci_http_client *c, const struct gci_http_message *request, void *tag);
  int (*cancel)(struct gci_http_client *c, void *tag);
  void *(*place)(struct gci_http_client *c, size_t *len); /* NULL: always anywhere */
  int (*input)(struct gci_http_client *c, gcache_bytes_t bytes);
  int (*eof)(struct gci_http_client *c);
  struct gci_out *(*output)(struct gci_http_client *c);
  size_t (*room)(const struct gci_http_client *c);
  int (*reusable)(const struct gci_http_client *c);
  int (*begun)(const struct gci_http_client *c, void *tag);
  int (*ping)(struct gci_http_client *c);
  int (*pinging)(const struct gci_http_client *c);
  const char *(*reason)(const struct gci_http_client *c);
};

/* The first member of each kind of client. */
struct gci_http_client {
  const struct gci_http_client_ops *ops;
  size_t pending; /* answers awaited */
};

static inline void gci_http_client_close(struct gci_http_client *c) {
  c->ops->close(c);
}

/* tag: not NULL, unique among those under way. UV_EPIPE: not reusable. UV_ENOMEM. */
static inline int gci_http_client_send(struct gci_http_client *c,
                                       const struct gci_http_message *request, void *tag) {
  return c->ops->send(c, request, tag);
}

/* Nobody waits for that answer: no event follows for it. UV_ENOTSUP: only closing can do that. */
static inline int gci_http_client_cancel(struct gci_http_client *c, void *tag) {
  return c->ops->cancel(c, tag);
}

/* As for the server. */
static inline void *gci_http_client_place(struct gci_http_client *c, size_t *len) {
  return c->ops->place == NULL ? NULL : c->ops->place(c, len);
}

/* < 0: all exchanges are broken and the connection is of no more use: UV_EPROTO (malformed,
 * unsolicited), UV_EMSGSIZE (over a limit), UV_ENOMEM. reason() says more. */
static inline int gci_http_client_input(struct gci_http_client *c, gcache_bytes_t bytes) {
  return c->ops->input(c, bytes);
}

/* The other side has closed: completes a close-delimited answer, else UV_EOF. 0 if nothing was
 * owed. */
static inline int gci_http_client_eof(struct gci_http_client *c) {
  return c->ops->eof(c);
}

/* As for the server. */
static inline struct gci_out *gci_http_client_output(struct gci_http_client *c) {
  return c->ops->output(c);
}

static inline size_t gci_http_client_pending(const struct gci_http_client *c) {
  return c->pending;
}

/* How many more requests may be sent now. */
static inline size_t gci_http_client_room(const struct gci_http_client *c) {
  return c->ops->room(c);
}

/* Nonzero: another request may be sent, now or when there is room. */
static inline int gci_http_client_reusable(const struct gci_http_client *c) {
  return c->ops->reusable(c);
}

/* Nonzero: a part of the awaited answer has come. */
static inline int gci_http_client_begun(const struct gci_http_client *c, void *tag) {
  return c->ops->begun(c, tag);
}

/* Sends the other side a ping; pinging() until it has answered. UV_ENOTSUP: HTTP/1. */
static inline int gci_http_client_ping(struct gci_http_client *c) {
  return c->ops->ping(c);
}

static inline int gci_http_client_pinging(const struct gci_http_client *c) {
  return c->ops->pinging(c);
}

static inline const char *gci_http_client_reason(const struct gci_http_client *c) { /* "" if none */
  return c->ops->reason(c);
}

#endif
