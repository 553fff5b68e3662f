/* core/handoff - a new owner asks who had the key before (core/previous), from memory only, before
 * its getter runs.
 *
 *   asked -> answered    with a value that can be kept and delivered; or without
 *       \--> answered    without: no answer in time
 *        \-> left        nobody waits any more
 *
 * Not asked is for a key that has been changed here while the change may still be on its way to whoever
 * would be asked (P2): after the latest changes that core/recent knows, and for quiet_ms after one
 * that it has forgotten. A change that comes while the question is under way detaches the load, as
 * it does with a getter's: the value is delivered to those who wait, and not kept.
 * Whoever is asked answers at once, and asks nobody (P4).
 * Owns the question, which outlives the load. Fails: without memory nobody is asked. */
#ifndef GCI_CORE_HANDOFF_H
#define GCI_CORE_HANDOFF_H

#include "core/group.h"

struct gci_handoff; /* a question */

/* Embedded in what asks. */
struct gci_handoff_asker {
  struct gci_handoff *asked; /* NULL: none is under way */
  /* Takes the reference; NULL: there is none. Inside public calls: must not call out. */
  void (*answered)(struct gci_handoff_asker *asker, gcache_value_t *value);
};

/* latest_ms: the deadline of those who wait; at least half of their time is left for the getter.
 * Nonzero: asked. */
int gci_handoff_ask(struct gci_handoff_asker *asker, gcache_group_t *group, gcache_bytes_t key,
                    uint64_t hash, uint64_t latest_ms);
/* answered will not run. None under way is fine. */
void gci_handoff_leave(struct gci_handoff_asker *asker);

/* Nonzero: what somebody else has under that key may be older than a change that was made here. */
int gci_handoff_is_unsafe(const gcache_group_t *group, uint64_t hash, uint64_t since_ms);

#endif
