/* store/policy - who leaves first when room is needed. One policy orders the entries of one side.
 *
 * A policy embeds struct gci_policy as its first member. Of an entry's head it may use order and mark,
 * and read the rest. No function fails. A hit is told by a call, or, without one, counted in the
 * entry's mark. */
#ifndef GCI_STORE_POLICY_H
#define GCI_STORE_POLICY_H

#include "base/list.h"
#include "store/entry.h"

struct gci_policy {
  const struct gci_policy_ops *ops;
  size_t bytes; /* what it has allocated, by gci_mem_cost(); changes in grow and give_back only */
  struct gci_walk *walk; /* under way; NULL: none */
};

/* From the entry that is used most on. Entries may come, go and be used between its steps: who
 * comes or is moved to the front meanwhile may be left out, who is used less than before may come
 * twice. */
struct gci_walk {
  struct gcache_link_s *at; /* the next; NULL: to be found */
  unsigned part;            /* of the order, hottest first */
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
  /* entry goes; it is still whole. */
  void (*remove)(struct gci_policy *policy, struct gci_entry *entry, enum gci_leave why);
  /* Who should go now; it stays until removed. NULL: the policy is empty, only then. Touches a
   * bounded number of entries. */
  struct gci_entry *(*victim)(struct gci_policy *policy);
  /* All go at once: their order links to the end of the list, no entry is touched. */
  void (*release)(struct gci_policy *policy, struct gci_list *to);

  /* The next of policy->walk. NULL: so many steps were made, and there are more to make if *steps
   * is 0 now; else it is over. Changes nothing else. */
  struct gci_entry *(*walk)(struct gci_policy *policy, size_t *steps);

  /* What grow would allocate before it frees what that replaces; 0: nothing is wanted, as always
   * while the policy is empty. */
  size_t (*growth)(const struct gci_policy *policy);
  /* Benign where there is no memory. */
  void (*grow)(struct gci_policy *policy);
  /* Frees all that was allocated, and forgets what it knew. */
  void (*give_back)(struct gci_policy *policy);
};

/* The lowest bits of a mark: how often the entry was used since its policy looked, and no further than
 * this, so that a hit on what is used often writes nothing. */
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

/* Before entry leaves its place. */
static inline void gci_policy_step_over(struct gci_policy *policy, const struct gci_entry *entry) {
  struct gci_walk *walk = policy->walk;
  if (__builtin_expect(walk != NULL, 0) && walk->at == &entry->order) walk->at = entry->order.next;
}

/* From walk->at on; NULL: the list is through. */
static inline struct gci_entry *gci_walk_next(struct gci_walk *walk, const struct gci_list *list) {
  struct gcache_link_s *link = walk->at;
  if (link == &list->head) return NULL;
  walk->at = link->next;
  return gci_container_of(link, struct gci_entry, order);
}

#endif
