/* door/server - one incoming connection: stream, HTTP session, time limits.
 *
 * Set-up: a TLS handshake if configured, then ALPN or the first bytes say which HTTP is spoken, and
 * the session is opened; nothing else here knows which.
 * Happy path: bytes are read into the session, each request becomes a serve (a peer's) or an
 * exchange (the application's), answers are gathered and leave in one write per loop turn.
 * Failure modes: the session answers bad requests and closes; one deadline watches all time limits;
 * while a reader is slow (1 MiB of output held, or pipelined_max answers owed) nothing is read;
 * when the client leaves, its requests are cancelled.
 * Owns stream and session. Requests own themselves, and their answers are dropped when the
 * connection has gone. */
#ifndef GCI_DOOR_SERVER_H
#define GCI_DOOR_SERVER_H

#include "door/door.h"
#include "door/limits.h"
#include "door/requests.h"
#include "net/stream.h"

struct gci_http_server;
struct gcache_listener_s;

struct gci_server {
  struct gcache_link_s link; /* door->servers */
  struct gci_door *door;
  struct gcache_listener_s *listener; /* NULL: adopted */
  gcache_tls_t *tls;                  /* NULL: in the clear */
  struct gci_address address;
  struct gci_stream stream;
  struct gci_http_server *http; /* NULL: the version is not known yet */
  struct gci_requests requests;
  struct gcache_job_s pump; /* feeds the bytes left over, writes, decides what is next */
  struct gcache_deadline_s deadline;
  struct gci_pace pace;
  char *left; /* received and not yet taken by the session */
  size_t left_len, left_at;
  uint64_t bad_requests; /* of the session, as counted so far */
  int holding;           /* env is held */
  unsigned securing : 1; /* the TLS handshake is not over */
  unsigned ended : 1;    /* the other side has finished writing */
  unsigned late : 1;     /* its time was over */
  unsigned closing : 1;
  unsigned entered : 1; /* counted by address */
};

/* Accepts the connection that waits at socket. UV_ENOMEM and the like: it still waits. */
int gci_server_accept(struct gci_door *door, struct gcache_listener_s *listener,
                      struct uv_stream_s *socket);
/* Semantics of gcache_adopt_tls(), and of gcache_adopt() when tls is NULL. */
int gci_server_adopt(struct gci_door *door, struct uv_stream_s *stream, gcache_bytes_t first,
                     gcache_tls_t *tls, void (*release)(struct uv_stream_s *stream));

void gci_server_drain(struct gci_server *s); /* ends after the answers it owes */
void gci_server_close(struct gci_server *s); /* ends now; closing already is fine */

#endif
