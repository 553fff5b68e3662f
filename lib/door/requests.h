/* door/requests - the requests of one incoming connection that are still to be answered: a peer's
 * become serves, the application's become exchanges.
 *
 * Owns only the lists: requests own themselves, and their answers are dropped when the connection
 * has gone, or the client has given up that request. A peer's request that is not let in
 * (door/access) is refused before its body is read. A request from an unknown address, while names
 * of the peer list have never been looked up, waits for the look-ups (door/known), with its body:
 * otherwise members that start together would take each other for strangers. A ping does not wait.
 * A request that cannot wait, or has waited too long, is refused. */
#ifndef GCI_DOOR_REQUESTS_H
#define GCI_DOOR_REQUESTS_H

#include "door/door.h"
#include "http/message.h"

struct gci_requests {
  struct gci_door *door;
  struct gci_list serves, exchanges;
  struct gci_list callers; /* that wait for names */
  uint64_t taken;          /* requests taken, in total */
  struct gci_visitor visitor;
};

void gci_requests_init(struct gci_requests *r, struct gci_door *door);
/* As struct gci_http_server has it. */
int gci_requests_screen(struct gci_requests *r, const struct gci_http_head *head);
void gci_requests_take(struct gci_requests *r, struct gci_http_exchange *http);
void gci_requests_flushed(struct gci_requests *r); /* output has been written */
void gci_requests_leave(struct gci_requests *r);   /* the connection has gone */

#endif
