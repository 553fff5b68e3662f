/* door/transport_http - the built-in transport: calls to peers over HTTP.
 *
 * A map from URL to door/peer. A call to a URL outside the list (it was dropped meanwhile) gets a
 * temporary peer that goes with its last call. Closing: connections are given up, closed runs with
 * the last. */
#ifndef GCI_DOOR_TRANSPORT_HTTP_H
#define GCI_DOOR_TRANSPORT_HTTP_H

#include "base/countdown.h"
#include "base/map.h"
#include "door/peer.h"
#include "gcache/transport.h"

struct gci_transport_http {
  gcache_transport_t transport; /* passed to the core */
  struct gci_door_peer_config config;
  struct gci_map peers;         /* by URL */
  struct gci_list list;         /* the same */
  struct gci_door_peer *latest; /* found last: the next call often goes to the same peer. May be
                                 * NULL */
  struct gci_countdown life;    /* peers */
  gcache_closed_cb closed;
  void *closed_arg;
};

/* config is copied. The struct stays in place until closed. */
void gci_transport_http_open(struct gci_transport_http *t,
                             const struct gci_door_peer_config *config);
void gci_transport_http_fini(struct gci_transport_http *t); /* closed */

#endif
