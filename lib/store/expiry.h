/* store/expiry - a hierarchical timing wheel in wall-clock time: finds expired entries without a
 * search.
 *
 * Orders links by the time that the user's `at` returns. Adding, removing and delivering are O(1);
 * a link is moved at most once per level on its way. Time is cut into ticks of 2^27 ns (134 ms) and
 * a link is delivered at the end of its tick, so at most 2 ticks late. The clock may jump: forward
 * costs O(slots) and the links that are due; backward, every link is filed again, in the steps that
 * pop() is allowed. Owns nothing, allocates nothing, cannot fail. Must not be moved. */
#ifndef GCI_STORE_EXPIRY_H
#define GCI_STORE_EXPIRY_H

#include <stdint.h>

#include "base/list.h"

#define GCI_EXPIRY_LEVELS 10 /* 16^10 ticks: more than 63 bits of nanoseconds */
#define GCI_EXPIRY_WIDTH 16

struct gci_expiry {
  /* The link's expiry; constant while it is in the wheel. */
  int64_t (*at)(struct gci_expiry *expiry, const struct gcache_link_s *link);
  uint64_t tick;                    /* all slots are after it */
  struct gci_list pending;          /* to be checked now */
  uint16_t used[GCI_EXPIRY_LEVELS]; /* a bit per slot: not empty */
  struct gci_list slots[GCI_EXPIRY_LEVELS * GCI_EXPIRY_WIDTH];
};

void gci_expiry_init(struct gci_expiry *expiry,
                     int64_t (*at)(struct gci_expiry *expiry, const struct gcache_link_s *link));

void gci_expiry_add(struct gci_expiry *expiry, struct gcache_link_s *link, int64_t now);
void gci_expiry_remove(struct gci_expiry *expiry, struct gcache_link_s *link); /* not in the wheel
                                                                                * is fine */

/* Removes all at once, to the end of the list. */
void gci_expiry_release(struct gci_expiry *expiry, struct gci_list *to);

/* When to call pop() next; in the past: at once. INT64_MAX: the wheel is empty. */
int64_t gci_expiry_due(const struct gci_expiry *expiry);

/* Removes and returns a link with at <= now. Each link looked at takes one of *steps; NULL: there
 * is none, or no steps are left. */
struct gcache_link_s *gci_expiry_pop(struct gci_expiry *expiry, int64_t now, size_t *steps);

#endif
