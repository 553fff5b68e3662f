/* store/lru - the policy that evicts the entry that was used longest ago. Owns a list. */
#ifndef GCI_STORE_LRU_H
#define GCI_STORE_LRU_H

#include "base/list.h"
#include "store/policy.h"

struct gci_lru {
  struct gci_policy policy;
  struct gci_list order; /* latest first */
};

void gci_lru_init(struct gci_lru *lru);

#endif
