/* store/policy - which entry leaves first when room is needed. One policy orders the entries of one
 * side.
 *
 * A policy embeds struct gci_policy as its first member. Of an entry's head it may use order and
 * mark, and read the rest. No function fails. A hit is reported by a call, or, without one, counted
 * in the entry's mark. */
#ifndef GCI_STORE_POLICY_H
#define GCI_STORE_POLICY_H

#include "base/list.h"
#include "store/entry.h"

struct gci_policy {
  const struct gci_policy_ops *ops;
  size_t bytes;          /* allocated, by gci_mem_cost(); changes only in grow and give_back */
  struct gci_walk *walk; /* under way; NULL: none */
};

/* A walk from the most used entry on. Entries may come, go and be used between its steps: an entry
 * that comes or is moved to the front meanwhile may be left out; one that is used less than before
 * may come twice. */
struct gci_walk {
  struct gcache_link_s *at; /* the next; NULL: to be found */
  unsigned part;            /* of the order, most used first */
};

enum gci_leave {
  GCI_LEAVE_FOR_ROOM, /* it was the victim */
  GCI_LEAVE           /* removed, replaced or expired */
};

struct gci_policy_ops {
  /* entry has come, with its value and hash; its order and mark are not initialised. */
  void (*add)(struct gci_policy *policy, struct gci_entry *entry);
  /* entry was asked for. NULL: it is to be counted by gci_mark_use(). */
  void (*hit)(struct gci_policy *policy, struct gci_entry *entry);
  /* entry goes; it is still complete. */
  void (*remove)(struct gci_policy *policy, struct gci_entry *entry, enum gci_leave why);
  /* The entry that should go now; it stays until removed. NULL: the policy is empty, and only then.
   * Touches a bounded number of entries. */
  struct gci_entry *(*victim)(struct gci_policy *policy);
  /* All entries go at once: their order links move to the end of the list, no entry is touched. */
  void (*release)(struct gci_policy *policy, struct gci_list *to);

  /* The next entry of policy->walk. NULL: if *steps is now 0, there may be more; otherwise the walk
   * is over. Changes nothing else. */
  struct gci_entry *(*walk)(struct gci_policy *policy, size_t *steps);

  /* The bytes that grow would allocate before it frees what that replaces; 0: nothing is wanted, as
   * always while the policy is empty. */
  size_t (*growth)(const struct gci_policy *policy);
  /* No harm if there is no memory. */
  void (*grow)(struct gci_policy *policy);
  /* Frees all it has allocated, and forgets what it knew. */
  void (*give_back)(struct gci_policy *policy);
};

/* The lowest bits of a mark: uses of the entry since its policy looked, counted only up to this, so
 * that a hit on an entry that is used often writes nothing. */
enum { GCI_MARK_USED = 3 };

static inline void gci_mark_use(struct gci_entry *entry) {
  if (__builtin_expect((entry->mark & GCI_MARK_USED) < GCI_MARK_USED, 0)) entry->mark++;
}

static inline void gci_policy_hit(struct gci_policy *policy, struct gci_entry *entry) {
  if (policy->ops->hit == NULL)
    gci_mark_use(entry);
  else
    policy->ops->hit(policy, entry);
}

/* Call before entry leaves its place. */
static inline void gci_policy_step_over(struct gci_policy *policy, const struct gci_entry *entry) {
  struct gci_walk *walk = policy->walk;
  if (__builtin_expect(walk != NULL, 0) && walk->at == &entry->order) walk->at = entry->order.next;
}

/* The entry at walk->at; NULL: the end of the list. */
static inline struct gci_entry *gci_walk_next(struct gci_walk *walk, const struct gci_list *list) {
  struct gcache_link_s *link = walk->at;
  if (link == &list->head) return NULL;
  walk->at = link->next;
  return gci_container_of(link, struct gci_entry, order);
}

#endif
