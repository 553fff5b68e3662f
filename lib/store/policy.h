/* store/policy - who leaves first when room is needed. One policy orders the entries of one side.
 *
 * A policy embeds struct gci_policy as its first member. It may use entry->order and nothing else
 * of an entry's head but to read it. No function fails. */
#ifndef GCI_STORE_POLICY_H
#define GCI_STORE_POLICY_H

#include "store/entry.h"

struct gci_policy {
  const struct gci_policy_ops *ops;
};

struct gci_policy_ops {
  /* entry has come; its order is not initialised. */
  void (*add)(struct gci_policy *policy, struct gci_entry *entry);
  /* entry was asked for. On the path of every hit. */
  void (*hit)(struct gci_policy *policy, struct gci_entry *entry);
  /* entry goes, for whatever reason. */
  void (*remove)(struct gci_policy *policy, struct gci_entry *entry);
  /* Who should go now; it stays until removed. NULL: the policy is empty, only then. */
  struct gci_entry *(*victim)(struct gci_policy *policy);
};

#endif
