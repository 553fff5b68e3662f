/* core/fetch - one request to the owner of a key, perhaps a second one to the next owner, and the
 * callers that wait for the answer.
 *
 * Owns the copy of its key. The flight is the journey's, the conversation with the transport
 * core/call's.
 *
 *   a value                       kept in the hot cache, delivered; an acting owner's, or of an
 *                                 owner that is out by then: delivered
 *   a value marked as stale       delivered, if the windows of this member's group allow that
 *   "not found", "getter failed"  believed, delivered
 *   busy                          nothing was sent, too much waits for the owner here: delivered
 *   out of the time granted       stranded: callers with time left ask the owner again
 *   cancelled after the hint      the same, for callers that came since
 *   anything else                 the exchange failed: stranded, to ask the next owner, or the
 *                                 second time to be loaded here
 *
 * Fails: opening, with UV_ENOMEM. */
#ifndef GCI_CORE_FETCH_H
#define GCI_CORE_FETCH_H

#include "core/call.h"
#include "core/journey.h"

/* As gci_load_open(). A request that is stranded because the owner failed has one try less. */
struct gci_journey *
gci_fetch_open(gcache_group_t *group, struct gci_peer *owner, gcache_bytes_t key, uint64_t hash,
               void (*stranded)(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash));
/* Asks for a value that expires later than this. In the turn of opening. */
void gci_fetch_ask_newer(struct gci_journey *fetch, int64_t than_unix_ns);
/* The timed interval began then. In the turn of opening. */
void gci_fetch_began(struct gci_journey *fetch, uint64_t began_ns);
struct gci_journey *gci_fetch_find(const gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
/* In the turn of opening: the peer is an acting owner (core/health). A value that it still has may
 * have been removed here already, because a remove asks the owner first, and all others in any
 * order: nothing is kept of its answer, and nobody joins once it has been asked (P2). */
void gci_fetch_of_acting_owner(struct gci_journey *fetch);
/* In the turn of opening, with hedging on: the owner is the first that is asked. If it is late, the
 * next owner is asked too (core/hedge). The first value or "not found" is the answer of the callers
 * that waited then, and the other call is given up when nobody waits for it; the next owner's
 * answer is not kept. */
void gci_fetch_hedge(struct gci_journey *fetch);
/* A caller that may have to be hedged is about to join. */
void gci_fetch_watch(struct gci_journey *fetch);
/* owner: the peer that would be asked now. */
int gci_fetch_may_join(struct gci_journey *fetch, const struct gci_peer *owner);
/* The owner has been asked. */
int gci_fetch_is_under_way(struct gci_journey *fetch);

#endif
