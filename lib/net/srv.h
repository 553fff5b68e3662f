/* net/srv - the SRV records of a name (RFC 2782), from the system's name servers or from those
 * given. By c-ares (srv_cares.c); a build without it has srv_none.c, which returns UV_ENOTSUP.
 *
 * Happy path: start, done with 0 and the targets. Failure modes: the name is unknown or has no such
 * record, nobody answers, the answer is broken, no memory: done with a libuv code and c-ares' text.
 * done runs exactly once, in a turn of env; after a cancel never. Keeps the loop alive while it
 * runs. c-ares allocates from the process, not from the cache. */
#ifndef GCI_NET_SRV_H
#define GCI_NET_SRV_H

#include "base/env.h"

struct gci_srv;

struct gci_srv_target {
  const char *host;
  uint16_t port;
};

/* targets, and why: borrowed until it returns. */
typedef void (*gci_srv_cb)(void *user, int status, const char *why,
                           const struct gci_srv_target targets[], size_t n);

int gci_srv_built_in(void);
/* servers: "10.0.0.53,10.0.0.54:5353"; NULL: the system's. UV_EINVAL: it is not such a list.
 * UV_ENOMEM. */
int gci_srv_start(struct gci_srv **out, struct gci_env *env, struct uv_loop_s *uv,
                  const char *servers, const char *name, gci_srv_cb done, void *user);
void gci_srv_cancel(struct gci_srv *srv);

#endif
