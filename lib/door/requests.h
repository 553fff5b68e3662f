/* door/requests - what one incoming connection has asked and is owed an answer for: a peer's requests
 * become serves, the application's exchanges.
 *
 * Owns nothing but the lists: requests own themselves, and answer into nothing when their connection has
 * gone, or whoever asked has given up that one. A peer's request that may not be asked over this connection is answered 403. */
#ifndef GCI_DOOR_REQUESTS_H
#define GCI_DOOR_REQUESTS_H

#include "door/door.h"
#include "http/message.h"

struct gci_requests {
  struct gci_door *door;
  struct gci_list serves, exchanges;
  uint64_t taken;   /* in all */
  int peers_barred; /* nobody has shown a certificate that is asked of peers */
};

void gci_requests_init(struct gci_requests *r, struct gci_door *door);
void gci_requests_take(struct gci_requests *r, struct gci_http_exchange *http);
void gci_requests_flushed(struct gci_requests *r); /* output has left */
void gci_requests_leave(struct gci_requests *r);   /* those who wait for answers have gone */

#endif
