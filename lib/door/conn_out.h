/* door/conn_out - one outgoing connection: it is dialled, carries exchanges, rests between them,
 * and ends. A slow lane, whose answers may take as long as a getter, carries one exchange at a time
 * with HTTP/1.1 and as many as the other side allows with HTTP/2. A fast lane is HTTP/1.1,
 * pipelined: its requests are answered at once, in order; it carries one at a time until the other
 * side has shown that it is gcache. All requests of one loop turn leave in one write.
 *
 * Happy path: opened(0), once; then for each exchange gci_conn_out_send(), answered, ended(0).
 * Failure modes: opened(< 0); ended(< 0) when the exchange broke or its time was over. The
 * connection closes itself when the other side ends it, breaks the rules or takes nothing more,
 * when it has rested too long or shows no sign of life (HTTP/2 and fast lanes), and when an answer
 * allows no other. closed comes last in every case, and the memory is gone after it.
 * Owns stream and session; borrows origin, config and the trips under way. The only room on the
 * outgoing side that knows which HTTP version it is. Its handles do not keep the loop alive: its
 * users do. */
#ifndef GCI_DOOR_CONN_OUT_H
#define GCI_DOOR_CONN_OUT_H

#include "base/env.h"
#include "http/message.h"
#include "net/dial.h"
#include "net/stream.h"

struct gci_conn_out;

/* One exchange; embedded in its user's. */
struct gci_trip {
  struct gcache_link_s link;         /* the connection's */
  struct gcache_deadline_s deadline; /* of the answer */
  struct gci_conn_out *conn;         /* NULL: not under way */
  int status;                        /* when the trip is over but not reported yet */
  char why[128];
  unsigned answered : 1;
  unsigned again : 1; /* failed, but may be sent once more: nothing of it was done, or the
                       * connection had carried exchanges and no byte of an answer came */
};

struct gci_conn_out_events {
  /* reason: "" if the status says it all. */
  void (*opened)(void *user, struct gci_conn_out *c, int status, const char *reason);
  /* The answer, borrowed; only to be read: make no call on c here. */
  void (*answered)(void *user, struct gci_conn_out *c, struct gci_trip *trip,
                   const struct gci_http_head *head, gcache_value_t *body);
  /* The exchange is over; if status is 0, answered has run. reason: "" if none. */
  void (*ended)(void *user, struct gci_conn_out *c, struct gci_trip *trip, int status,
                const char *reason);
  /* After the last of several ended, or when the other side takes more than before: there may be
   * room, or c is closing. */
  void (*turned)(void *user, struct gci_conn_out *c);
  void (*closed)(void *user, struct gci_conn_out *c); /* unlinked; freed when it returns */
};

struct gci_conn_out_config {
  struct gci_env *env;
  struct uv_loop_s *uv;
  const gcache_limits_t *limits;
  gcache_http_t http;
  gcache_tls_t *tls; /* may be NULL */
  uint64_t connect_timeout_ms;
  uint64_t response_timeout_ms; /* UINT64_MAX: none */
  uint64_t idle_timeout_ms;
  uint64_t ping_ms;
  const char *(*error_text)(int status);
};

struct gci_http_client;

/* The kind of connection. */
struct gci_lane {
  gcache_http_t http; /* AUTO: HTTP/1.1 in the clear, what ALPN chooses under TLS */
  int fast;           /* http is GCACHE_HTTP_1 */
  int bulk;           /* likewise: for large values, which HTTP/1.1 reads in place */
  int supposed;       /* this HTTP is what the other side has said, not configured */
};

/* The address it leads to. */
struct gci_origin {
  struct gci_dial_target target;
  int secure; /* over TLS */
};

struct gci_conn_out {
  struct gcache_link_s link; /* for its user; unlinked when it begins to close */
  const struct gci_conn_out_config *config;
  const struct gci_conn_out_events *events;
  void *user;
  struct gci_lane lane;
  struct gci_stream stream;
  struct gci_dial *dial; /* while dialling */
  struct gci_origin *origin;
  struct gci_http_client *http; /* NULL: not yet */
  struct gci_list trips, over;  /* under way; over but not reported yet */
  size_t n_trips;               /* in both */
  struct gcache_deadline_s
      deadline;             /* of the handshake, the rest, or the sign of life; may pass early */
  struct gcache_job_s turn; /* writes what was sent, checks whether the session is broken */
  uint64_t heard_ms;  /* when bytes last came (fast lanes: a complete answer), or the first trip was
                      * sent after a rest */
  uint64_t exchanges; /* that ended well */
  int dial_status;
  unsigned opened : 1; /* opened was called, with dial_status */
  unsigned closing : 1;
  unsigned had_room : 1;
  unsigned hung : 1;      /* it was silent for too long, and would be again */
  unsigned many : 1;      /* carries more than one exchange at a time */
  unsigned to_gcache : 1; /* set by the user: an answer has shown what the peer is */
};

/* UV_ENOMEM and the like: nothing happened, no event follows. */
int gci_conn_out_open(struct gci_conn_out **out, const struct gci_conn_out_config *config,
                      struct gci_origin *origin, const struct gci_lane *lane,
                      const struct gci_conn_out_events *events, void *user);
/* How many more exchanges it can begin now. */
size_t gci_conn_out_room(const struct gci_conn_out *c);
int gci_conn_out_rests(const struct gci_conn_out *c); /* carries none */
/* Only if there is room. trip: yours until ended or gci_conn_out_abandon(). < 0: nothing was sent
 * and no event follows; the connection may be closing. */
int gci_conn_out_send(struct gci_conn_out *c, struct gci_trip *trip,
                      const struct gci_http_message *request);
/* Nobody waits for that exchange: no event follows for it. HTTP/1.1 can only close the connection;
 * but on a fast lane its answer has to come before the others', so the trip goes on. Nonzero: it
 * goes on. */
int gci_conn_out_abandon(struct gci_trip *trip);
/* No ended follows; closed follows, after opened(UV_ECANCELED) if it is still dialling. Closing
 * already is fine. */
void gci_conn_out_close(struct gci_conn_out *c);
/* The same with trips under way: they end with UV_ECANCELED first. */
void gci_conn_out_break(struct gci_conn_out *c);

#endif
