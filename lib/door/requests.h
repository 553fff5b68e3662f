/* door/requests - what one incoming connection has asked and is owed an answer for: a peer's requests
 * become serves, the application's exchanges.
 *
 * Owns nothing but the lists: requests own themselves, and answer into nothing when their
 * connection has gone, or whoever asked has given up that one. A peer's request that is not let in
 * (door/access) is refused before its body is read. One from an address that is not known, while
 * there are names of the peer list that have not been looked up at all, waits for them
 * (door/known), its body with it: members that start together would take each other for strangers
 * otherwise. A ping does not. Where it cannot wait, or has for too long, it is refused. */
#ifndef GCI_DOOR_REQUESTS_H
#define GCI_DOOR_REQUESTS_H

#include "door/door.h"
#include "http/message.h"

struct gci_requests {
  struct gci_door *door;
  struct gci_list serves, exchanges;
  struct gci_list callers; /* who wait for names */
  uint64_t taken;          /* in all */
  struct gci_visitor visitor;
};

void gci_requests_init(struct gci_requests *r, struct gci_door *door);
/* As struct gci_http_server has it. */
int gci_requests_screen(struct gci_requests *r, const struct gci_http_head *head);
void gci_requests_take(struct gci_requests *r, struct gci_http_exchange *http);
void gci_requests_flushed(struct gci_requests *r); /* output has left */
void gci_requests_leave(struct gci_requests *r);   /* those who wait for answers have gone */

#endif
