/* core/journey - a flight and the requests that wait for it: a run of the getter, or a call to the
 * owner.
 *
 * Each request waits with its own deadline and leaves alone (P3). The maker of the journey is told
 * when the last one has left; the flight stays in its table and can be joined again. Owns nothing.
 * Cannot fail. */
#ifndef GCI_CORE_JOURNEY_H
#define GCI_CORE_JOURNEY_H

#include "core/group.h"
#include "core/req.h"

struct gci_journey {
  struct gci_flight flight;
  /* The last request that waited has left. Runs inside public calls: must not call out. */
  void (*deserted)(struct gci_journey *journey);
  /* The journey ended without an answer: this request is to be moved on by other means. Must not
   * call out. */
  void (*stranded)(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash);
  int renews; /* memory had something under the key when a request set out */
  const struct gci_peer
      *failed; /* while its waiters are stranded because a peer failed: that peer */
};

/* The answer that every request gets; all borrowed. */
struct gci_journey_end {
  int status;
  gcache_from_t from;
  gcache_value_t *value, *reason; /* may be NULL */
  enum gci_takes takes;           /* TAKES_SENT: the value is stale; else TAKES_FRESH */
  uint64_t ms;                    /* as in gcache_req_s */
};

static inline int gci_journey_is_empty(const struct gci_journey *journey) {
  return gci_list_empty(&journey->flight.waiters);
}

static inline uint64_t gci_journey_hash(const struct gci_journey *journey) {
  return journey->flight.node.hash;
}

/* Nonzero: a request waits that is not a refresh. */
int gci_journey_has_callers(const struct gci_journey *journey);
/* The latest deadline of the requests that wait; 0: none waits. */
uint64_t gci_journey_deadline_ms(const struct gci_journey *journey);

void gci_journey_join(struct gci_journey *journey, struct gcache_req_s *req);

/* The `leave` function of a request that travels. */
void gci_journey_leave(struct gcache_req_s *req, int status);

/* Every request gets this; in place of a failure, what memory has for that. */
void gci_journey_answer(struct gci_journey *journey, const struct gci_journey_end *end);
/* Requests with a deadline up to at_ms get what memory has for a failure, or from now on wait for
 * nothing but that deadline; the others stay. */
void gci_journey_let_go(struct gci_journey *journey, uint64_t at_ms);
/* Every request is moved on by `stranded`. The flight must have left its table. */
void gci_journey_strand(struct gci_journey *journey);

#endif
