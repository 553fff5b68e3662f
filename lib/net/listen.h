/* net/listen - a listening socket, TCP or Unix: accepts, and protects the process while it does.
 *
 * The owner, which counts connections in total and per address, decides which to let in: it takes,
 * rejects, or pauses. While paused one connection is held unanswered and the rest wait in the
 * kernel's backlog; nothing spins.
 * No descriptors left (EMFILE): libuv keeps one in reserve to accept and close waiting clients. If
 * that is not enough, or accepting fails otherwise, libuv would retry without end; so the listening
 * socket is moved onto a spare descriptor of ours, waiting clients are accepted and closed as far
 * as possible, and accepting begins again a tenth of a second later.
 * Descriptors are close-on-exec. The file of a Unix socket is removed as soon as closing begins.
 * The listening handle keeps the loop alive. */
#ifndef GCI_NET_LISTEN_H
#define GCI_NET_LISTEN_H

#include <uv.h>

#include "base/env.h"

struct gci_listen;

struct gci_listen_events {
  /* A connection waits: take it with gci_stream_accept() into a stream of its kind,
   * gci_listen_reject() it or gci_listen_put_off() it; otherwise nothing more is accepted. */
  void (*on_connection)(void *user, uv_stream_t *server);
  void (*on_closed)(void *user);
};

/* Port 0: any free one. UV_EADDRINUSE, UV_EACCES, UV_EMFILE, UV_EINVAL (neither IPv4 nor IPv6),
 * ... */
int gci_listen_open(struct gci_listen **out, struct gci_env *env, uv_loop_t *uv,
                    const struct sockaddr *addr, int backlog,
                    const struct gci_listen_events *events, void *user);
/* path: absolute, shorter than sun_path. mode: of the file. UV_EADDRINUSE: somebody listens there;
 * more in net/socket_file.h. */
int gci_listen_open_unix(struct gci_listen **out, struct gci_env *env, uv_loop_t *uv,
                         const char *path, unsigned mode, int backlog,
                         const struct gci_listen_events *events, void *user);
int gci_listen_port(const struct gci_listen *l); /* 0: a Unix socket */
int gci_listen_is_unix(const struct gci_listen *l);
/* Accepts and closes the connection that waits; needs no memory. */
void gci_listen_reject(struct gci_listen *l);
/* Inside on_connection: pauses; after resume on_connection runs again for this connection. */
void gci_listen_put_off(struct gci_listen *l);
void gci_listen_pause(struct gci_listen *l);  /* no more on_connection */
void gci_listen_resume(struct gci_listen *l); /* on_connection from the loop, never at once */
void gci_listen_close(struct gci_listen *l);  /* on_closed follows, and l is gone */

#endif
