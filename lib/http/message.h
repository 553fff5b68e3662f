/* http/message - the common part of HTTP/1.1 and HTTP/2: heads, bodies, and the exchange that joins
 * a request to its answer. The code above sees only this. */
#ifndef GCI_HTTP_MESSAGE_H
#define GCI_HTTP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "gcache/gcache.h"
#include "gcache/http.h"

/* A received head. Slices point into storage of the connection, valid until the event that brought
 * it returns: server: request(), or as long as the exchange after gci_http_keep(); client:
 * response(). */
struct gci_http_head {
  gcache_bytes_t method, target; /* requests: target as received */
  int status;                    /* answers */
  int version_minor;             /* HTTP/1.x */
  const gcache_header_t *headers;
  size_t n_headers;
};

/* First header of that name, any case; base NULL: none. */
gcache_bytes_t gci_http_header(const gcache_header_t headers[], size_t n, gcache_bytes_t name);
/* Without spaces and tabs around it. */
gcache_bytes_t gci_http_trimmed(gcache_bytes_t text);
/* The next of a comma-separated list (RFC 9110, 5.6.1), trimmed, perhaps empty; 0: there is
 * none. */
int gci_http_next_element(gcache_bytes_t *list, gcache_bytes_t *element);
/* A token of RFC 9110, and field content free of CR, LF, NUL: what may be written into a head. */
int gci_http_name_ok(gcache_bytes_t name);
int gci_http_value_ok(gcache_bytes_t value);

/* A message to send. Everything is borrowed until the call returns; `value` is referenced if it is
 * large. The body is before + value + after, and its length is stated unless it comes in parts. */
struct gci_http_message {
  gcache_bytes_t method, target, host; /* requests; host: the Host line's value */
  int status;                          /* answers */
  const gcache_header_t *headers;
  size_t n_headers;
  gcache_bytes_t before, after;
  gcache_value_t *value; /* NULL: none */
  int has_body;          /* requests: write Content-Length even when it is 0 (PUT, POST) */
};

struct gci_http_exchange;

/* How the session that made the exchange takes its answer: whole, or begun and then part by
 * part. */
struct gci_http_exchange_ops {
  int (*keep)(struct gci_http_exchange *x);
  int (*reply)(struct gci_http_exchange *x, const struct gci_http_message *answer);
  int (*begin)(struct gci_http_exchange *x, const struct gci_http_message *head);
  int (*part)(struct gci_http_exchange *x, const struct gci_http_message *part);
  int (*end)(struct gci_http_exchange *x);
  void (*abort)(struct gci_http_exchange *x);
  size_t (*waiting)(const struct gci_http_exchange *x);
};

/* One request and the place of its answer among those of its connection. */
struct gci_http_exchange {
  const struct gci_http_exchange_ops *ops;
  struct gci_http_head head;
  gcache_value_t *body; /* NULL: none; the exchange's reference */
  void *data;           /* of the code above; NULL at first */
  int screened; /* result of screen() for a head that came before its body; 0: not screened */
  /* Set like data. The other side has given up this request, and not its connection: the answer is
   * still owed, and is dropped. It may be given in here; the session must not be closed. */
  void (*gone)(struct gci_http_exchange *x);
};

/* Only inside request(): the head will be needed later too. May move it: slices taken before point
 * to memory that may go. UV_ENOMEM. A head that is not kept is empty afterwards, except for its
 * version. */
static inline int gci_http_keep(struct gci_http_exchange *x) {
  return x->ops->keep(x);
}

/* Afterwards x is gone. UV_ENOMEM: the connection wants to be closed, x is gone all the same. */
static inline int gci_http_reply(struct gci_http_exchange *x,
                                 const struct gci_http_message *answer) {
  return x->ops->reply(x, answer);
}

/* A body of unknown length follows: parts, then end or abort, which x owes whatever these return.
 * Reads status and headers of head. Once, and without a reply then. UV_ENOMEM, here and below: the
 * answer is broken, and the other side will see that; later parts are dropped. */
static inline int gci_http_begin(struct gci_http_exchange *x, const struct gci_http_message *head) {
  return x->ops->begin(x, head);
}

/* The next bytes of the body: before + value + after of part are read. Dropped if the other side
 * has left or the answer has no body (HEAD, 204, 304). The caller decides how much may wait. */
static inline int gci_http_part(struct gci_http_exchange *x, const struct gci_http_message *part) {
  return x->ops->part(x, part);
}

/* The body is complete. x is gone. */
static inline int gci_http_end(struct gci_http_exchange *x) {
  return x->ops->end(x);
}

/* The answer, begun or not, ends here, and the other side will see that it is broken. x is gone. */
static inline void gci_http_abort(struct gci_http_exchange *x) {
  x->ops->abort(x);
}

/* Bytes of the answer that the session still holds, in its output or before it; for answers whose
 * turn has not come, the bytes of all of them together. May fall whenever output is sent. */
static inline size_t gci_http_waiting(const struct gci_http_exchange *x) {
  return x->ops->waiting(x);
}

/* Reason phrase of RFC 9110, "" if unknown. */
const char *gci_http_status_text(int status);

#endif
