/* door/conn_out - one outgoing connection: it is dialled, carries one exchange at a time, rests between
 * exchanges, and ends.
 *
 * Happy path: opened(0), once; then for each exchange gci_conn_out_send(), answered, ended(0).
 * Failure modes: opened(< 0); ended(< 0) when the exchange broke or its time was over. The connection
 * closes itself then, as it does when the other side ends it at rest, when it has rested too long, and
 * after an answer that allows no other. closed comes last in every case, and the memory is gone after it.
 * Owns stream, session and deadline; borrows target and config. The only room here that knows it is
 * HTTP/1.1. Its handles do not keep the loop alive: whoever asks does. */
#ifndef GCI_DOOR_CONN_OUT_H
#define GCI_DOOR_CONN_OUT_H

#include "base/env.h"
#include "http/message.h"
#include "net/dial.h"
#include "net/stream.h"

struct gci_conn_out;

struct gci_conn_out_events {
  void (*opened)(void *user, struct gci_conn_out *c, int status);
  /* The answer, borrowed; only to be read: no call on c in here. */
  void (*answered)(void *user, struct gci_conn_out *c, const struct gci_http_head *head,
                   gcache_value_t *body);
  /* The exchange is over; with 0 answered has run. reason: "" if none. */
  void (*ended)(void *user, struct gci_conn_out *c, int status, const char *reason);
  void (*closed)(void *user, struct gci_conn_out *c); /* unlinked; freed when it returns */
};

struct gci_conn_out_config {
  struct gci_env *env;
  struct uv_loop_s *uv;
  const gcache_limits_t *limits;
  uint64_t connect_timeout_ms;
  uint64_t response_timeout_ms; /* UINT64_MAX: none */
  uint64_t idle_timeout_ms;
  const char *(*error_text)(int status);
};

struct gci_conn_out {
  struct gcache_link_s link; /* for its user; unlinked when it begins to close */
  struct gci_list carried;   /* its user's: what the exchange under way is for */
  const struct gci_conn_out_config *config;
  const struct gci_conn_out_events *events;
  void *user;
  struct gci_stream stream;
  struct gci_dial *dial; /* while dialling */
  struct gci_http_client *h1;
  struct gcache_deadline_s deadline; /* of the exchange, or of the rest */
  uint64_t exchanges;                /* that ended well */
  int dial_status;
  unsigned opened : 1; /* was told, with dial_status */
  unsigned asking : 1;
  unsigned answered : 1; /* of the exchange under way */
  unsigned closing : 1;
  unsigned to_gcache : 1; /* its user's: an answer has shown what the peer is */
  unsigned stale : 1; /* ended without a byte of an answer, having been kept from an earlier one */
};

/* UV_ENOMEM and the like: nothing happened, no event follows. */
int gci_conn_out_open(struct gci_conn_out **out, const struct gci_conn_out_config *config,
                      struct gci_dial_target *target, const struct gci_conn_out_events *events,
                      void *user);
/* While at rest. < 0: nothing was sent, and the connection is closing. */
int gci_conn_out_send(struct gci_conn_out *c, const struct gci_http_message *request);
/* Without ended; closed follows, behind opened(UV_ECANCELED) if it is still dialling. Closing already is
 * fine. */
void gci_conn_out_close(struct gci_conn_out *c);

#endif
