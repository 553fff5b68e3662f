/* core/hedge - when an owner is late with a get, which peer is asked beside it, and which callers
 * may have that peer's answer.
 *
 * core/fetch makes the calls. A get is late when it has waited for longer than hedge_percentile of
 * the owner's answered gets took, and not before hedge_min_ms; with too few answers so far no get
 * is late.
 *
 * Callers that wait when the second call is made may have its answer: a change that the second does
 * not know of was not reported before that (P2). Later callers wait for the owner alone, until the
 * next second call; no caller waits for two of them. Refreshes want the owner's own answer, and are
 * never hedged.
 *
 * Owns nothing. `from` of a request, which is unused while the request waits, holds how far its
 * hedging has come. Cannot fail. */
#ifndef GCI_CORE_HEDGE_H
#define GCI_CORE_HEDGE_H

#include "core/journey.h"

struct gci_peer;

static inline int gci_hedge_is_on(const gcache_t *core) {
  return core->health.terms.set.hedge_percentile != 0;
}

/* peer answered a get after us, or the get was given up then because another had answered. */
void gci_hedge_learn(gcache_t *core, struct gci_peer *peer, uint64_t us);

/* The next owner of key after first; NULL: that is this member, or there is none, or it is still to
 * be told of a change. */
struct gci_peer *gci_hedge_second(gcache_group_t *group, gcache_bytes_t key,
                                  const struct gci_peer *first);

/* ---- who waits for it ---- */

/* Nonzero: there are callers that have not waited for a second call yet. */
int gci_hedge_is_wanted(const struct gci_journey *journey);
/* These callers wait for it from now on. */
void gci_hedge_begin(struct gci_journey *journey);
/* The latest deadline of these; 0: there are none. */
uint64_t gci_hedge_deadline_ms(const struct gci_journey *journey);
/* The second call has come to nothing for these. */
void gci_hedge_end(struct gci_journey *journey);

enum gci_hedge_part { GCI_HEDGE_THOSE, GCI_HEDGE_OTHERS };
/* Only this part stays on the journey: the others are in `rest` until they join again. Nothing may
 * call out meanwhile. */
void gci_hedge_part(struct gci_journey *journey, enum gci_hedge_part part, struct gci_list *rest);
void gci_hedge_join(struct gci_journey *journey, struct gci_list *rest);

#endif
