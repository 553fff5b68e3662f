/* store/trial - see trial.h. Cannot fail; without memory for ghosts its decisions are worse. */
#include "store/trial.h"

#include <string.h>

/* An entry's mark: uses since it was last looked at, whether it is proven, and by how many
 * doublings it is larger than twice the mean. */
enum { USED = GCI_MARK_USED, PROVEN = 4, LARGE = 8, LARGE_MAX = 3 };

enum {
  TURN = 1024,           /* ticks in which as many bytes leave as the side holds */
  FINER = 1024,          /* of a tick */
  STEPS = 128,           /* entries among which a victim is looked for */
  GHOSTS_PER_ITEM_X2 = 3 /* twice the cells per entry; not all cells can be in use */
};

/* Of all bytes. */
static const double FIRST_SHARE = 0.1, LEAST_SHARE = 0.02, MOST_SHARE = 0.95;
/* The most that one return may move the share, and how strongly every newcomer pulls it back. */
static const double MOST_MOVE = 0.02, PULL = 0.02;
/* A larger share means that the traffic lives on recency: one use is worth as much as many. */
static const double RECENT_SHARE = 0.3;

/* Ticks within which a return speaks for a larger trial queue, or for a larger proven one: the same
 * for both, so that the gains of either by as many bytes are compared. */
enum { NEAR = TURN / 10, FAR = TURN * 6 / 5 };

static struct gci_trial *trial_of(struct gci_policy *policy) {
  return gci_container_of(policy, struct gci_trial, policy);
}

static struct gci_entry *entry_of(struct gcache_link_s *link) {
  return link == NULL ? NULL : gci_container_of(link, struct gci_entry, order);
}

static struct gci_trial_queue *queue_of(struct gci_trial *t, const struct gci_entry *entry) {
  return entry->mark & PROVEN ? &t->proven : &t->trial;
}

static size_t all_bytes(const struct gci_trial *t) {
  return t->trial.bytes + t->proven.bytes;
}

/* Of all bytes, at most 1. */
static double weight_of(const struct gci_trial *t, size_t cost) {
  size_t all = all_bytes(t);
  return cost < all ? (double)cost / (double)all : 1;
}

/* ---- coming ---- */

static void move_share(struct gci_trial *t, double by) {
  if (by > MOST_MOVE) by = MOST_MOVE;
  if (by < -MOST_MOVE) by = -MOST_MOVE;
  t->share += by;
  if (t->share < LEAST_SHARE) t->share = LEAST_SHARE;
  if (t->share > MOST_SHARE) t->share = MOST_SHARE;
}

/* Nonzero: it is proven already. */
static int judge(struct gci_trial *t, uint32_t hash, double weight) {
  uint32_t age = 0;
  enum gci_ghost_kind left = gci_ghosts_recall(&t->ghosts, hash, &age);
  move_share(t, -PULL * weight * (t->share - FIRST_SHARE));
  if (left == GCI_GHOST_TRIAL && age < NEAR) move_share(t, weight);
  if (left == GCI_GHOST_PROVEN) move_share(t, -weight);
  return left == GCI_GHOST_TRIAL || left == GCI_GHOST_KNOWN;
}

static unsigned largeness(const struct gci_trial *t, size_t cost) {
  double limit = 2 * (double)all_bytes(t);
  unsigned doublings = 0;
  while (doublings < LARGE_MAX && (double)cost * (double)t->n > limit) {
    doublings++;
    limit *= 2;
  }
  return doublings;
}

/* A large newcomer would drive many small entries out before it is known to be of use: it is the
 * next to go, and is proven when it returns. */
static void add(struct gci_policy *policy, struct gci_entry *entry) {
  struct gci_trial *t = trial_of(policy);
  size_t cost = gci_entry_cost(entry);
  int proven = judge(t, entry->hash, weight_of(t, cost));
  unsigned large = largeness(t, cost);
  entry->mark = (proven ? PROVEN : 0u) | large * LARGE;
  struct gci_trial_queue *queue = queue_of(t, entry);
  gci_link_init(&entry->order);
  if (large > 0 && !proven)
    gci_list_push_back(&queue->order, &entry->order);
  else
    gci_list_push_front(&queue->order, &entry->order);
  queue->bytes += cost;
  t->n++;
}

/* ---- going ---- */

static void pass_time(struct gci_trial *t, enum gci_ghost_kind kind, double weight) {
  t->passed[kind] += (uint64_t)(weight * TURN * FINER);
  t->ghosts.now[kind] = (uint32_t)(t->passed[kind] / FINER);
}

/* An entry that goes for another reason after it was used is proven when it is back. */
static void remember(struct gci_trial *t, const struct gci_entry *entry, size_t cost,
                     enum gci_leave why) {
  int proven = (entry->mark & PROVEN) != 0;
  enum gci_ghost_kind kind = proven ? GCI_GHOST_PROVEN : GCI_GHOST_TRIAL;
  if (why == GCI_LEAVE_FOR_ROOM) {
    t->full = 1;
    pass_time(t, kind, weight_of(t, cost));
    pass_time(t, GCI_GHOST_KNOWN, weight_of(t, cost));
  } else if (proven || (entry->mark & USED) > 0) {
    kind = GCI_GHOST_KNOWN;
  } else {
    return;
  }
  gci_ghosts_remember(&t->ghosts, entry->hash, kind);
}

static void remove_entry(struct gci_policy *policy, struct gci_entry *entry, enum gci_leave why) {
  struct gci_trial *t = trial_of(policy);
  size_t cost = gci_entry_cost(entry);
  remember(t, entry, cost, why);
  gci_policy_step_over(policy, entry);
  gci_link_unlink(&entry->order);
  queue_of(t, entry)->bytes -= cost;
  t->n--;
}

static void to_front(struct gci_trial *t, struct gci_trial_queue *queue, struct gci_entry *entry) {
  gci_policy_step_over(&t->policy, entry);
  gci_link_unlink(&entry->order);
  gci_list_push_front(&queue->order, &entry->order);
}

static void prove(struct gci_trial *t, struct gci_entry *entry) {
  size_t cost = gci_entry_cost(entry);
  gci_policy_step_over(&t->policy, entry);
  gci_link_unlink(&entry->order);
  t->trial.bytes -= cost;
  t->proven.bytes += cost;
  entry->mark = (entry->mark & ~(unsigned)USED) | PROVEN;
  gci_list_push_front(&t->proven.order, &entry->order);
}

/* Nonzero: it stays, and was moved. One use is forgiven, two prove it. */
static int spare_trial(struct gci_trial *t, struct gci_entry *entry) {
  unsigned used = entry->mark & USED;
  if (used == 0) return 0;
  if (used == 1) {
    entry->mark--;
    to_front(t, &t->trial, entry);
  } else {
    prove(t, entry);
  }
  return 1;
}

/* A use is worth one round, or less for a large entry. */
static int spare_proven(struct gci_trial *t, struct gci_entry *entry) {
  unsigned used = entry->mark & USED, large = entry->mark / LARGE;
  if (used == 0) return 0;
  used = t->share > RECENT_SHARE ? 0 : used - 1;
  used = used > large ? used - large : 0;
  entry->mark = (entry->mark & ~(unsigned)USED) | used;
  to_front(t, &t->proven, entry);
  return 1;
}

static struct gci_entry *victim(struct gci_policy *policy) {
  struct gci_trial *t = trial_of(policy);
  for (int step = 0;; step++) {
    struct gci_entry *trial = entry_of(gci_list_back(&t->trial.order));
    struct gci_entry *proven = entry_of(gci_list_back(&t->proven.order));
    int from_trial = (double)t->trial.bytes > t->share * (double)all_bytes(t);
    struct gci_entry *entry = proven == NULL || (from_trial && trial != NULL) ? trial : proven;
    if (entry == NULL || step == STEPS) return entry;
    if (!(entry == trial ? spare_trial : spare_proven)(t, entry)) return entry;
  }
}

static void release(struct gci_policy *policy, struct gci_list *to) {
  struct gci_trial *t = trial_of(policy);
  gci_list_move(to, &t->trial.order);
  gci_list_move(to, &t->proven.order);
  t->trial.bytes = t->proven.bytes = t->n = 0;
}

/* ---- walking ---- */

/* By uses since it was looked at, and among equals proven entries before those on trial. */
static const struct {
  uint8_t least, most, proven;
} parts[] = {{2, 3, 1}, {2, 3, 0}, {1, 1, 1}, {1, 1, 0}, {0, 0, 1}, {0, 0, 0}};
enum { N_PARTS = sizeof parts / sizeof parts[0] };

static struct gci_entry *walk_on(struct gci_policy *policy, size_t *steps) {
  struct gci_trial *t = trial_of(policy);
  struct gci_walk *walk = policy->walk;
  while (*steps > 0 && walk->part < N_PARTS) {
    struct gci_list *order = parts[walk->part].proven ? &t->proven.order : &t->trial.order;
    if (walk->at == NULL) walk->at = order->head.next;
    struct gci_entry *entry = gci_walk_next(walk, order);
    if (entry == NULL) {
      walk->part++;
      walk->at = NULL;
      continue;
    }
    unsigned used = entry->mark & USED;
    --*steps;
    if (used >= parts[walk->part].least && used <= parts[walk->part].most) return entry;
  }
  return NULL;
}

/* ---- ghosts ---- */

static size_t growth(const struct gci_policy *policy) {
  const struct gci_trial *t = (const void *)policy; /* its first member */
  size_t wanted = t->full ? t->n * GHOSTS_PER_ITEM_X2 / 2 : 0;
  return wanted > gci_ghosts_room(&t->ghosts) ? gci_ghosts_growth(&t->ghosts) : 0;
}

static void grow(struct gci_policy *policy) {
  struct gci_trial *t = trial_of(policy);
  if (growth(policy) > 0)
    gci_ghosts_grow(&t->ghosts);
  else if (gci_ghosts_room(&t->ghosts) / 4 > t->n * GHOSTS_PER_ITEM_X2 / 2)
    gci_ghosts_shrink(&t->ghosts);
  policy->bytes = t->ghosts.bytes;
}

static void give_back(struct gci_policy *policy) {
  struct gci_trial *t = trial_of(policy);
  gci_ghosts_fini(&t->ghosts);
  policy->bytes = 0;
  t->share = FIRST_SHARE;
  t->full = 0;
}

static const struct gci_policy_ops trial_ops = {
    add, NULL, remove_entry, victim, release, walk_on, growth, grow, give_back,
};

void gci_trial_init(struct gci_trial *trial, struct gci_mem *mem) {
  memset(trial, 0, sizeof *trial);
  trial->policy.ops = &trial_ops;
  gci_list_init(&trial->trial.order);
  gci_list_init(&trial->proven.order);
  gci_ghosts_init(&trial->ghosts, mem);
  trial->ghosts.windows[GCI_GHOST_TRIAL] = FAR;
  trial->ghosts.windows[GCI_GHOST_PROVEN] = NEAR;
  trial->ghosts.windows[GCI_GHOST_KNOWN] = FAR;
  trial->share = FIRST_SHARE;
}
