/* core/hedge - when an owner is late with a get, who is asked beside it, and who may have that
 * one's answer.
 *
 * The conversations are core/fetch's. A get is late when it has waited for longer than
 * hedge_percentile of the owner's answered gets took, and not before hedge_min_ms; nothing is known
 * of the first answers.
 *
 * Who waits when the second question is asked may have its answer: the change that it does not know
 * of was not reported before that (P2). Who comes later waits for the owner alone, until the next
 * second question; nobody is waited for by two of them. Refreshes want what the owner says, and are
 * never hedged.
 *
 * Owns nothing; a request says by `from`, which means nothing while it waits, how far it has come.
 * Cannot fail. */
#ifndef GCI_CORE_HEDGE_H
#define GCI_CORE_HEDGE_H

#include "core/journey.h"

struct gci_peer;

static inline int gci_hedge_is_on(const gcache_t *core) {
  return core->health.terms.set.hedge_percentile != 0;
}

/* A get that peer answered after us, or that was given up then because another had answered. */
void gci_hedge_learn(gcache_t *core, struct gci_peer *peer, uint64_t us);

/* The next owner of key after first; NULL: that is this member, or nobody, or is to be told of a
 * change. */
struct gci_peer *gci_hedge_second(gcache_group_t *group, gcache_bytes_t key,
                                  const struct gci_peer *first);

/* ---- who waits for it ---- */

/* Callers who have not waited for a second question yet. */
int gci_hedge_is_wanted(const struct gci_journey *journey);
/* These do from now on. */
void gci_hedge_begin(struct gci_journey *journey);
/* The latest deadline of those; 0: there are none. */
uint64_t gci_hedge_deadline_ms(const struct gci_journey *journey);
/* It has come to nothing for them. */
void gci_hedge_end(struct gci_journey *journey);

enum gci_hedge_part { GCI_HEDGE_THOSE, GCI_HEDGE_OTHERS };
/* Only these stay on the journey: the rest is in `rest` until it is joined again. Nothing may call
 * out meanwhile. */
void gci_hedge_part(struct gci_journey *journey, enum gci_hedge_part part, struct gci_list *rest);
void gci_hedge_join(struct gci_journey *journey, struct gci_list *rest);

#endif
