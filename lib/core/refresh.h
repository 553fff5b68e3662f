/* core/refresh - a load behind a hit: a request without a caller.
 *
 * It waits for its journey like any caller, with its own deadline (options.timeout_ms), so that the
 * getter or transport is not told that nobody waits. It is cancelled when the group closes; its
 * result goes only to memory. Others may join its journey. Owns itself: it is freed when it has
 * ended. Fails: new, with NULL. */
#ifndef GCI_CORE_REFRESH_H
#define GCI_CORE_REFRESH_H

#include "core/group.h"
#include "core/req.h"

/* The present value expires at newer_than. The request must be started, or dropped. */
struct gcache_req_s *gci_refresh_new(gcache_group_t *group, int64_t newer_than);
void gci_refresh_drop(struct gcache_req_s *req);

/* 0: req is not a refresh. */
int64_t gci_refresh_newer_than(const struct gcache_req_s *req);

#endif
