/* store/trial - the default policy: newcomers are on trial in a queue of their own; who is asked
 * for again while there, or soon after it has left, is proven. It is S3-FIFO's idea; what differs
 * is in docs/rooms/store.md: the trial's share of the bytes follows the traffic, both queues
 * forgive, and large values must earn more.
 *
 * A hit is counted in the entry's mark and does no more. Owns two queues, and the ghosts of
 * those who left, which it wants only once somebody has left for room. */
#ifndef GCI_STORE_TRIAL_H
#define GCI_STORE_TRIAL_H

#include "base/list.h"
#include "store/ghosts.h"
#include "store/policy.h"

struct gci_trial_queue {
  struct gci_list order; /* newest first */
  size_t bytes;          /* gci_entry_cost() of all */
};

struct gci_trial {
  struct gci_policy policy;
  struct gci_trial_queue trial, proven;
  size_t n;     /* entries of both */
  double share; /* of all bytes that the trial queue may have */
  struct gci_ghosts ghosts;
  uint64_t passed[GCI_GHOST_KINDS]; /* ghosts.now, finer */
  int full;                         /* somebody has left for room */
};

void gci_trial_init(struct gci_trial *trial, struct gci_mem *mem);

#endif
