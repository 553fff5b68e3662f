/* net/wait - reports once when a socket has room for bytes again.
 *
 * Why not uv_write: libuv writes with write(), which raises SIGPIPE when the other side is gone,
 * and handling signals is the application's business. So streams send with MSG_NOSIGNAL themselves,
 * and wait here: all full sockets of a loop are in one epoll set, which libuv polls as one
 * descriptor. The set is opened by the first wait and lives as long as the loop; it does not keep
 * the loop alive.
 * Fails: no descriptor or memory for the set or the entry; nothing was started. */
#ifndef GCI_NET_WAIT_H
#define GCI_NET_WAIT_H

#include "net/loop.h"

struct gci_wait {
  void (*ready)(struct gci_wait *wait); /* from the loop; may start and stop any wait */
  int fd;                               /* in the set; -1: none */
  int armed;                            /* waiting */
};

void gci_wait_init(struct gci_wait *wait, void (*ready)(struct gci_wait *wait));
/* Must not be waiting; always with the same fd until stopped. Stop before closing fd; the memory
 * must last until the loop's next closing phase. Also ready when the socket has failed: the next
 * write reports that. */
int gci_wait_start(struct gci_loop *loop, struct gci_wait *wait, int fd);
void gci_wait_stop(struct gci_loop *loop, struct gci_wait *wait); /* never started is fine */

/* For gci_loop_close(). */
void gci_wait_close(struct gci_loop *loop);

#endif
