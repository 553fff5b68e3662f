/* core/refresh - a load behind a hit: a request without a caller.
 *
 * It waits for its journey as any caller does, with a deadline of its own (options.timeout_ms), so
 * that whoever works for it is not told that nobody waits; it is cancelled when the group closes, and
 * nobody is given what it brings but the memory. Others may join its journey. Owns itself: it is freed
 * when it has ended. Fails: new, with NULL. */
#ifndef GCI_CORE_REFRESH_H
#define GCI_CORE_REFRESH_H

#include "core/group.h"
#include "core/req.h"

/* What there is expires at newer_than. To be set out with and begun, or dropped. */
struct gcache_req_s *gci_refresh_new(gcache_group_t *group, int64_t newer_than);
void gci_refresh_drop(struct gcache_req_s *req);

/* 0: req is not a refresh. */
int64_t gci_refresh_newer_than(const struct gcache_req_s *req);

#endif
