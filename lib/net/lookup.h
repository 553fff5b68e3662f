/* net/lookup - the addresses of a name, without a connection to it, looked up on a thread of
 * libuv's pool.
 *
 * Happy path: start, done with 0 and the addresses. Failure modes: the name is unknown, no memory.
 * done runs exactly once, from the loop; after a cancel never. A look-up that a thread is busy with
 * cannot be stopped: only gci_loop_close() waits for it. Keeps the loop alive while it runs. */
#ifndef GCI_NET_LOOKUP_H
#define GCI_NET_LOOKUP_H

#include <sys/socket.h>

#include "base/env.h"

#define GCI_LOOKUP_ADDRESSES 4096 /* more are ignored */

struct gci_lookup;

/* addresses: borrowed until it returns. */
typedef void (*gci_lookup_cb)(void *user, int status, const struct sockaddr_storage addresses[],
                              size_t n);

/* name: zero-terminated, copied by libuv. UV_ENOMEM and the like: nothing was started. */
int gci_lookup_start(struct gci_lookup **out, struct gci_env *env, struct uv_loop_s *uv,
                     const char *name, gci_lookup_cb done, void *user);
void gci_lookup_cancel(struct gci_lookup *lookup);

#endif
