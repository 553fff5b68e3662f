/* store/trial - the default policy: newcomers are on trial in a queue of their own; a key that is
 * asked for again while there, or soon after it has left, is proven. It is based on S3-FIFO;
 * docs/rooms/store.md says what differs: the trial queue's share of the bytes follows the traffic,
 * both queues forgive, and large values must earn more.
 *
 * A hit is counted in the entry's mark and does no more. Owns two queues, and the ghosts of entries
 * that left, which it wants only once an entry has left for room. */
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
  double share; /* of all bytes, for the trial queue */
  struct gci_ghosts ghosts;
  uint64_t passed[GCI_GHOST_KINDS]; /* ghosts.now, in finer units */
  int full;                         /* an entry has left for room */
};

void gci_trial_init(struct gci_trial *trial, struct gci_mem *mem);

#endif
