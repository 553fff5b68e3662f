/* core/timing - how long gets, getter runs and exchanges take, in the fixed buckets of
 * gcache_histogram_t.
 *
 * A request is timed if its began_ns is not 0: from then to its completion. All requests that are
 * not hits are timed; of hits one in 64, drawn at random, because otherwise a group whose callers
 * come in a fixed rhythm would have the same hit of them timed again and again. Owns nothing.
 * Cannot fail. */
#ifndef GCI_CORE_TIMING_H
#define GCI_CORE_TIMING_H

#include "core/group.h"

/* The number of hits that a timed hit stands for. */
enum { GCI_TIMING_ONE_IN = 64 };

void gci_histogram_add(gcache_histogram_t *h, uint64_t ns, uint64_t weight);

void gci_timing_init(gcache_group_t *group);

/* For a caller's hit. Nonzero: it is to be timed, by gci_timing_begin_hit(). */
static inline int gci_timing_wants(gcache_group_t *group) {
  return __builtin_expect(--group->hits_to_timed == 0, 0);
}
void gci_timing_begin_hit(struct gcache_req_s *req);
/* For a request that is no hit, or turns out to be none. */
void gci_timing_begin_miss(struct gcache_req_s *req);
/* When its completion runs, if began_ns is not 0. */
void gci_timing_end(struct gcache_req_s *req);

#endif
