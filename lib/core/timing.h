/* core/timing - how long gets, getter runs and exchanges take, in the fixed buckets of
 * gcache_histogram_t.
 *
 * A request is timed if its began_ns is not 0: from there to its completion. Those that are not
 * hits are, each; of hits one in 64, drawn at random, because a group whose callers come in some
 * rhythm would have the same one of them timed again and again. Owns nothing. Fails: cannot. */
#ifndef GCI_CORE_TIMING_H
#define GCI_CORE_TIMING_H

#include "core/group.h"

/* How many hits the one that is timed stands for. */
enum { GCI_TIMING_ONE_IN = 64 };

void gci_histogram_add(gcache_histogram_t *h, uint64_t ns, uint64_t weight);

void gci_timing_init(gcache_group_t *group);

/* A hit of a caller's. Nonzero: it is to be timed, by gci_timing_begin_hit(). */
static inline int gci_timing_wants(gcache_group_t *group) {
  return __builtin_expect(--group->hits_to_timed == 0, 0);
}
void gci_timing_begin_hit(struct gcache_req_s *req);
/* It is no hit, or turns out to be none. */
void gci_timing_begin_miss(struct gcache_req_s *req);
/* Its completion runs, and began_ns is not 0. */
void gci_timing_end(struct gcache_req_s *req);

#endif
