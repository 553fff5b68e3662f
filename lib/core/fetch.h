/* core/fetch - one question to the owner of a key, perhaps a second to the next owner, and those
 * who wait for the answer.
 *
 * Owns the copy of its key. The flight is the journey's, the conversation with the transport
 * core/call's.
 *
 *   the value                     kept in the hot cache, delivered; an acting owner's is only delivered
 *   a stale one, and said to be   delivered, if the windows that count for it here allow that
 *   "not found", "getter failed"  believed, delivered
 *   busy                          nothing was asked, too much waits for the owner here: delivered
 *   out of the time granted       stranded: those with time left ask the owner again
 *   cancelled, having been told   the same, for those who came since
 *   anything else                 the exchange failed: stranded, to be asked of the next owner, the
 *                                 second time to be loaded here
 *
 * Fails: opening, with UV_ENOMEM. */
#ifndef GCI_CORE_FETCH_H
#define GCI_CORE_FETCH_H

#include "core/call.h"
#include "core/journey.h"

/* As gci_load_open(). A request that is stranded because the owner failed has one of its tries less. */
struct gci_journey *
gci_fetch_open(gcache_group_t *group, struct gci_peer *owner, gcache_bytes_t key, uint64_t hash,
               void (*stranded)(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash));
/* The question is for a value that expires later than this. In the turn of opening. */
void gci_fetch_ask_newer(struct gci_journey *fetch, int64_t than_unix_ns);
/* What is timed began then. In the turn of opening. */
void gci_fetch_began(struct gci_journey *fetch, uint64_t began_ns);
struct gci_journey *gci_fetch_find(const gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
/* In the turn of opening: who is asked acts for the owner (core/health). What it still has may have
 * been removed here already, because a remove asks the owner first, and of all others in any order:
 * nothing is kept of it, and nobody joins once it has been asked (P2). */
void gci_fetch_of_acting_owner(struct gci_journey *fetch);
/* In the turn of opening, with hedging on: its owner is the first that is asked. If it is late, the
 * next owner is asked, too (core/hedge). The first value or "not found" is the answer of those who
 * waited then, and the other question is given up when nobody waits for it; what the next owner
 * says is not kept. */
void gci_fetch_hedge(struct gci_journey *fetch);
/* Somebody is about to join who may have to be hedged. */
void gci_fetch_watch(struct gci_journey *fetch);
/* Who would be asked now is owner. */
int gci_fetch_may_join(struct gci_journey *fetch, const struct gci_peer *owner);
/* The owner has been asked. */
int gci_fetch_is_under_way(struct gci_journey *fetch);

#endif
