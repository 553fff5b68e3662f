/* store/lru - see lru.h. It allocates nothing. Cannot fail. */
#include "store/lru.h"

static struct gci_lru *lru_of(struct gci_policy *policy) {
  return gci_container_of(policy, struct gci_lru, policy);
}

static void add(struct gci_policy *policy, struct gci_entry *entry) {
  gci_link_init(&entry->order);
  gci_list_push_front(&lru_of(policy)->order, &entry->order);
}

static void hit(struct gci_policy *policy, struct gci_entry *entry) {
  struct gci_list *order = &lru_of(policy)->order;
  if (order->head.next == &entry->order) return;
  gci_policy_step_over(policy, entry);
  gci_link_unlink(&entry->order);
  gci_list_push_front(order, &entry->order);
}

static void remove_entry(struct gci_policy *policy, struct gci_entry *entry, enum gci_leave why) {
  (void)why;
  gci_policy_step_over(policy, entry);
  gci_link_unlink(&entry->order);
}

static struct gci_entry *victim(struct gci_policy *policy) {
  struct gcache_link_s *last = gci_list_back(&lru_of(policy)->order);
  return last == NULL ? NULL : gci_container_of(last, struct gci_entry, order);
}

static void release(struct gci_policy *policy, struct gci_list *to) {
  gci_list_move(to, &lru_of(policy)->order);
}

static struct gci_entry *walk_on(struct gci_policy *policy, size_t *steps) {
  struct gci_list *order = &lru_of(policy)->order;
  struct gci_walk *walk = policy->walk;
  if (*steps == 0) return NULL;
  if (walk->at == NULL) walk->at = order->head.next;
  struct gci_entry *entry = gci_walk_next(walk, order);
  if (entry != NULL) --*steps;
  return entry;
}

static size_t growth(const struct gci_policy *policy) {
  (void)policy;
  return 0;
}

static void do_nothing(struct gci_policy *policy) {
  (void)policy;
}

static const struct gci_policy_ops lru_ops = {
    add, hit, remove_entry, victim, release, walk_on, growth, do_nothing, do_nothing,
};

void gci_lru_init(struct gci_lru *lru) {
  lru->policy.ops = &lru_ops;
  lru->policy.bytes = 0;
  lru->policy.walk = NULL;
  gci_list_init(&lru->order);
}
