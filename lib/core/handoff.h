/* core/handoff - a new owner asks the previous owner of a key (core/previous), from memory only,
 * before its getter runs.
 *
 *   asked -> answered    with a value that can be kept and delivered; or without
 *       \--> answered    without: no answer in time
 *        \-> left        nobody waits any more
 *
 * A key is not asked for if it has been changed here while the change may still be on its way to
 * the previous owner (P2): if it is among the latest changes that core/recent knows, or for
 * quiet_ms after a change that core/recent has forgotten. A change that comes while the question is
 * under way detaches the load, as it does during a getter run: the value is delivered to those who
 * wait, and not kept.
 * The previous owner answers at once, and asks nobody (P4).
 * Owns the question, which outlives the load. Fails: without memory nobody is asked. */
#ifndef GCI_CORE_HANDOFF_H
#define GCI_CORE_HANDOFF_H

#include "core/group.h"

struct gci_handoff; /* a question */

/* Embedded in the asker. */
struct gci_handoff_asker {
  struct gci_handoff *asked; /* NULL: none is under way */
  /* Takes the reference; NULL: there is no value. Runs inside public calls: must not call out. */
  void (*answered)(struct gci_handoff_asker *asker, gcache_value_t *value);
};

/* latest_ms: the deadline of those who wait; at least half of their time is left for the getter.
 * Nonzero: the previous owner was asked. */
int gci_handoff_ask(struct gci_handoff_asker *asker, gcache_group_t *group, gcache_bytes_t key,
                    uint64_t hash, uint64_t latest_ms);
/* answered will not run. None under way is fine. */
void gci_handoff_leave(struct gci_handoff_asker *asker);

/* Nonzero: another member's value under that key may be older than a change that was made here. */
int gci_handoff_is_unsafe(const gcache_group_t *group, uint64_t hash, uint64_t since_ms);

#endif
