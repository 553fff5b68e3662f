/* http/h1 - HTTP/1.1, both roles: bytes in, bytes out, no I/O and no clock. The only room that
 * includes llhttp.
 *
 * llhttp 8.1 is too kind, so the bytes of heads are checked here first, and chunked bodies
 * decoded here, whatever the version below (RFC 9112). Every parse error ends the
 * connection: the server writes one last 4xx, 501 or 505 and wants to be closed; the client reports
 * the exchange as broken.
 *
 * A body is collected in a value block, sized from Content-Length where that is stated and
 * lawful (never more than was received plus a bound, so that a lie costs nothing), so that it
 * can be kept uncopied. */
#ifndef GCI_HTTP_H1_H
#define GCI_HTTP_H1_H

#include <sys/types.h>

#include "http/message.h"
#include "http/out.h"

/* ------------------------------------------------------------------------------------ server -- */

struct gci_h1_server; /* opaque */

struct gci_h1_server_events {
  /* A whole request has arrived, inside gci_h1_server_input(). Owes one gci_http_reply(), now or
   * later. Requests come in order; answers may be given in any order and leave in order. */
  void (*request)(void *user, struct gci_http_exchange *x);
  /* There is output, or the wish to be closed, since a reply given outside input(). */
  void (*ready)(void *user);
};

/* What the connection is in the middle of, for time limits. */
enum gci_h1_phase {
  GCI_H1_IDLE, /* nothing of a next request has come, or its body waits for our 100 */
  GCI_H1_HEAD,
  GCI_H1_BODY
};

/* limits and events are borrowed until close. */
int gci_h1_server_open(struct gci_h1_server **out, struct gci_mem *mem,
                       const gcache_limits_t *limits, const struct gci_h1_server_events *events,
                       void *user);
/* Exchanges that still owe a reply live on, detached: their reply goes nowhere. */
void gci_h1_server_close(struct gci_h1_server *s);

/* Takes all bytes, except when pipelined_max answers are pending, or their requests hold 1 MiB: then
 * it returns how many it took, and wants no more until gci_h1_server_wants_input(). After an error or `Connection:
 * close` the rest is ignored (taken). UV_ENOMEM: close the connection. */
ssize_t gci_h1_server_input(struct gci_h1_server *s, gcache_bytes_t bytes);
struct gci_out *gci_h1_server_output(struct gci_h1_server *s);
int gci_h1_server_wants_input(const struct gci_h1_server *s);
/* Nonzero: close once the output is sent. */
int gci_h1_server_wants_close(const struct gci_h1_server *s);
enum gci_h1_phase gci_h1_server_phase(const struct gci_h1_server *s);
uint64_t gci_h1_server_body_received(const struct gci_h1_server *s); /* of the current request */
size_t gci_h1_server_pending(const struct gci_h1_server *s);         /* answers owed */
uint64_t gci_h1_server_bad_requests(const struct gci_h1_server *s);
/* Graceful end: the current or latest pending answer says "Connection: close"; wants_close at
 * once when idle. */
void gci_h1_server_drain(struct gci_h1_server *s);
/* A time limit passed in the middle of a request: answers 408 and wants to be closed. */
void gci_h1_server_timed_out(struct gci_h1_server *s);

/* ------------------------------------------------------------------------------------ client -- */

struct gci_h1_client; /* opaque */

struct gci_h1_client_events {
  /* The answer to the oldest request that has none, whole. head and body are borrowed (body may be
   * NULL); ref body to keep it. */
  void (*response)(void *user, const struct gci_http_head *head, gcache_value_t *body);
};

/* limits and events as for the server. An answer's body may be limits->value_max and 8 KiB long. */
int gci_h1_client_open(struct gci_h1_client **out, struct gci_mem *mem,
                       const gcache_limits_t *limits, const struct gci_h1_client_events *events,
                       void *user);
void gci_h1_client_close(struct gci_h1_client *c);

int gci_h1_client_send(struct gci_h1_client *c, const struct gci_http_message *request);
/* < 0: the exchange is broken and the connection is of no more use: UV_EPROTO (malformed, not asked
 * for, bytes after the answer), UV_EMSGSIZE (over a limit), UV_ENOMEM. reason() says more. */
int gci_h1_client_input(struct gci_h1_client *c, gcache_bytes_t bytes);
/* The other side has closed: completes a close-delimited answer, else UV_EOF. 0 if nothing was
 * owed. */
int gci_h1_client_eof(struct gci_h1_client *c);
const char *gci_h1_client_reason(const struct gci_h1_client *c); /* static text, "" if none */
struct gci_out *gci_h1_client_output(struct gci_h1_client *c);
size_t gci_h1_client_pending(const struct gci_h1_client *c); /* answers awaited */
int gci_h1_client_reusable(const struct gci_h1_client *c);   /* another request may be sent */
int gci_h1_client_begun(const struct gci_h1_client *c); /* bytes of the awaited answer have come */

#endif
