/* door/listen - a listener of the application and the connections accepted by it.
 *
 * Happy path: a connection waits, is accepted, and becomes a door/server. Failure modes: at
 * limits.connections_max all listeners stop accepting until a connection ends; over the limit per
 * address the connection is closed at once.
 * Counts itself, its socket and its connections; `closed` runs when the count is zero. */
#ifndef GCI_DOOR_LISTEN_H
#define GCI_DOOR_LISTEN_H

#include "door/door.h"
#include "net/listen.h"

struct gcache_listener_s {
  struct gcache_link_s link; /* door->listeners */
  struct gci_door *door;
  struct gci_listen *socket;
  gcache_tls_t *tls; /* NULL: in the clear */
  struct gci_countdown life;
  int closing;
  gcache_closed_cb closed;
  void *closed_arg;
};

/* Accepts no more connections; existing ones go on. Closing already is fine. */
void gci_listener_shut(gcache_listener_t *listener);

/* connections_max is reached, or no longer. */
void gci_listeners_pause(struct gci_door *door);
void gci_listeners_resume(struct gci_door *door);

#endif
