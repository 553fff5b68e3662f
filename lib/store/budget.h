/* store/budget - one limit over several caches, beside each cache's own limit.
 *
 * Exact: members are asked what they use, and nothing of that is stored. A member's fair share is
 * in proportion to its own limit; the member that is most over its share gives first. Owns a list
 * of its members; allocates nothing. Fails: joining, when the least that all members need is too
 * much together. */
#ifndef GCI_STORE_BUDGET_H
#define GCI_STORE_BUDGET_H

#include "base/list.h"

struct gci_budget {
  size_t max_bytes; /* 0: no limit */
  struct gci_list members;
};

struct gci_budget_member {
  struct gcache_link_s link;
  struct gci_budget *budget; /* NULL: none */
  size_t weight;             /* its own limit */
  size_t least;              /* bytes that it cannot give */
  size_t (*bytes)(const struct gci_budget_member *member);
  /* Frees something. 0: there is nothing left to free. */
  int (*give)(struct gci_budget_member *member);
};

void gci_budget_init(struct gci_budget *budget, size_t max_bytes);

/* Call before allocating what takes `least`. GCACHE_ENOROOM. */
int gci_budget_admit(struct gci_budget *budget, size_t least);
void gci_budget_join(struct gci_budget *budget, struct gci_budget_member *member);
void gci_budget_leave(struct gci_budget_member *member); /* not joined is fine */

/* The rest is for members, joined or not; a cache that has not joined has unlimited room. */

/* Bytes that are free now. */
size_t gci_budget_room(const struct gci_budget_member *member);
/* Bytes that member could take if all others gave all they can. */
size_t gci_budget_most(const struct gci_budget_member *member);
/* Some member frees something. 0: none has anything left. */
int gci_budget_give(struct gci_budget_member *member);

#endif
