/* core/missed - changes that a peer has missed: kept until the peer has been told (core/tell).
 *
 * A missed set is kept as a remove: its value, delivered late, could replace a newer one that
 * another member has set meanwhile, while a superfluous remove costs one load. So waiting changes
 * can be told in any order and any number of times, and a key waits at most once.
 *
 *   waiting -> sent -> gone                 the peer has answered
 *      ^--------'                           it has not; or the key was missed again meanwhile
 *
 * Owns one block per change: group name and key. Bounded in number and bytes. Without room or
 * memory nothing is forgotten: the changes of its group become one clear of the group, in a block
 * that is there already. If its group has none, the group that has waited longest makes room. When
 * no group is left to be cleared, a mark in the peer says that all are. Such a clear stands for
 * every change of its group that comes while it waits. A clear that the application made does not:
 * when an owner has been told a remove, all others are told it once more (core/tell), which does
 * not follow a clear.
 *
 * A *gentle* change is no sign that the peer is down: the peer was not asked in time, or has made
 * the change once and is told again. It waits as the others do, but is no reason not to ask the
 * peer for other keys. Cannot fail. */
#ifndef GCI_CORE_MISSED_H
#define GCI_CORE_MISSED_H

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "gcache/transport.h"

/* The core's, for the lists of all peers. */
struct gci_missed_terms {
  struct gci_mem *mem;
  const struct gci_hash_key *hash_key;
  size_t max, max_bytes; /* a peer */
};

struct gci_missed_list; /* exists from the first change on until none is left */

/* Of one peer; all zero: nothing was missed. */
struct gci_missed {
  struct gci_missed_list *list;
  uint64_t dropped; /* changes told as the clear of a group, for want of room or memory */
  uint8_t all;      /* every group is to be cleared */
};

enum gci_missed_weight { GCI_MISSED, GCI_MISSED_GENTLE };

/* A change that waits, or is on its way. */
struct gci_missed_change {
  struct gcache_link_s link;
  struct gci_map_node node;
  struct gci_missed_list *list;
  uint64_t age;
  size_t size;
  uint32_t key_len;
  uint8_t op; /* GCACHE_OP_REMOVE or _CLEAR */
  uint8_t sent, then;
  uint8_t gentle : 1;
  uint8_t gathers : 1; /* a clear for want of room: also stands for changes that follow */
  char group[];        /* zero-terminated; then the key */
};

gcache_bytes_t gci_missed_key(const struct gci_missed_change *change);

/* op: GCACHE_OP_SET is kept as a remove; key is empty for a clear. */
void gci_missed_add(struct gci_missed *missed, const struct gci_missed_terms *terms,
                    const char *group, gcache_op_t op, gcache_bytes_t key,
                    enum gci_missed_weight weight);
/* In place of the mark; this clears one of its groups. UV_ENOMEM: the mark is still needed. */
int gci_missed_add_clear(struct gci_missed *missed, const struct gci_missed_terms *terms,
                         const char *group);

/* Changes that wait or are on their way; the mark counts as one. */
size_t gci_missed_count(const struct gci_missed *missed);
/* Nothing waits or is on its way. */
static inline int gci_missed_is_none(const struct gci_missed *missed) {
  return missed->list == NULL && !missed->all;
}
/* Nonzero: nothing here forbids asking the peer for other keys. */
int gci_missed_is_harmless(const struct gci_missed *missed);

/* Nonzero: the peer is still to be told of a change of this key. */
int gci_missed_bars(const struct gci_missed *missed, const char *group, gcache_bytes_t key);
/* Nonzero: a clear that waits already stands for whatever is missed of this group now. */
int gci_missed_covers(const struct gci_missed *missed, const char *group);

/* Sends the change that has waited longest; NULL: none waits. End it with one of the two below. */
struct gci_missed_change *gci_missed_send(struct gci_missed *missed);
void gci_missed_told(struct gci_missed_change *change);
/* The change waits again, and is no longer gentle. */
void gci_missed_untold(struct gci_missed_change *change);

/* Forgets all; a change on its way is freed when it ends. Returns how many there were. */
size_t gci_missed_forget(struct gci_missed *missed);
/* The peer has another struct now; `to` has nothing yet. */
void gci_missed_move(struct gci_missed *to, struct gci_missed *from);

#endif
