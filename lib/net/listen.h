/* net/listen - a listening socket: accepts, and protects the process while it does.
 *
 * Limits: connections in all and per address (a shared struct gci_accept_limits, because several
 * listeners of one cache share them); at the total, accepting pauses until one leaves; over the
 * per-address limit a connection is accepted and closed at once. EMFILE: a spare descriptor is given up
 * to accept and close one connection, so that the loop does not spin. Descriptors are close-on-exec. */
#ifndef GCI_NET_LISTEN_H
#define GCI_NET_LISTEN_H

#include <uv.h>

#include "base/env.h"

struct gci_listen;

struct gci_listen_events {
  /* A connection waits: take it with uv_accept() into `stream`. */
  void (*on_connection)(void *user, uv_stream_t *server);
  void (*on_closed)(void *user);
};

int gci_listen_open(struct gci_listen **out, struct gci_env *env, uv_loop_t *uv,
                    const struct sockaddr *addr, int backlog,
                    const struct gci_listen_events *events, void *user);
int gci_listen_port(const struct gci_listen *l);
void gci_listen_pause(struct gci_listen *l); /* not one uv_accept() more */
void gci_listen_resume(struct gci_listen *l);
void gci_listen_close(struct gci_listen *l); /* on_closed follows, and l is gone */

#endif
