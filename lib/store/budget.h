/* store/budget - one limit over several caches, beside each one's own.
 *
 * Exact: members are asked what they take, nothing is kept of it. A fair share is in proportion to a
 * member's own limit; who is most over it gives first. Owns a list of its members; allocates nothing.
 * Fails: joining, when the least that members take is too much together. */
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
  /* Gives something up. 0: there is nothing left to give. */
  int (*give)(struct gci_budget_member *member);
};

void gci_budget_init(struct gci_budget *budget, size_t max_bytes);

/* Before what takes `least` is allocated. GCACHE_ENOROOM. */
int gci_budget_admit(struct gci_budget *budget, size_t least);
void gci_budget_join(struct gci_budget *budget, struct gci_budget_member *member);
void gci_budget_leave(struct gci_budget_member *member); /* not joined is fine */

/* The rest is for members, joined or not; one that is not has all the room there is. */

/* Bytes that are free now. */
size_t gci_budget_room(const struct gci_budget_member *member);
/* Bytes that member could take if all others gave all they can. */
size_t gci_budget_most(const struct gci_budget_member *member);
/* Somebody gives. 0: nobody has anything left. */
int gci_budget_give(struct gci_budget_member *member);

#endif
