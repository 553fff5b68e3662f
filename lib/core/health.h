/* core/health - is a peer up? And which peer is asked in its place while it is not.
 *
 *   up      -> down      it could not be reached; or failures_max calls in a row failed, each sent
 *                        after the one before had failed; or it owed answers, was silent for
 *                        silent_ms and then did not answer a ping
 *   up      -> probing   it has missed a change (gci_health_missed())
 *   down    -> probing   its time has come: after probe_min_ms, twice as long each time, up to
 *                        probe_max_ms, less a random part of up to half
 *   probing -> up        it was told what it had missed, or with nothing to tell answered a ping
 *   probing -> down      telling it, or the ping, failed
 *
 * A peer that is leaving is not asked for keys, so it is pinged when nothing has been sent to it
 * for probe_max_ms: a process that has started again at its URL says so in its answer.
 *
 * A peer that is not up, or is leaving, is *out*: it is asked for no key, and the placement's next
 * owner is the *acting* owner, the same for all members that see the same peers out. Calls under
 * way to a peer that goes down end as failed. A client-only member, or one whose peers are all out,
 * loads here.
 *
 * Each peer has one timer, which does not keep the loop alive. Without memory for it, the next get
 * that would have gone to the peer looks at the clock instead. Cannot fail. */
#ifndef GCI_CORE_HEALTH_H
#define GCI_CORE_HEALTH_H

#include "base/hash.h"
#include "base/list.h"
#include "core/call.h"
#include "gcache/gcache.h"

struct gci_peer;

/* 0: the default of each. */
struct gci_health_terms {
  gcache_health_t set;
  uint64_t probe_ms;    /* 1000 to answer a ping */
  uint64_t silent_ms;   /* 5000 */
  uint32_t samples_min; /* answers of a peer before one of its gets can be late (core/hedge) */
};

enum gci_health_state { GCI_UP, GCI_DOWN, GCI_PROBING };

/* The present step of a probe. */
enum gci_health_step { GCI_AT_REST, GCI_PINGING, GCI_TELLING };

/* Of one peer. */
struct gci_health {
  struct gcache_s *core;          /* NULL: nothing was sent to it yet */
  struct gcache_deadline_s timer; /* up: next look for silence; down: next probe; ping: its end */
  struct gcache_job_s job;        /* begins a probe */
  struct gcache_call_s ping;
  struct gci_list calls; /* under way, except probes */
  uint64_t due_ms;       /* what timer is set for, or would be */
  uint64_t since_ms;     /* when it stopped being up */
  uint32_t lives;        /* signs of life so far */
  uint32_t lives_seen;   /* the same when timer was set to watch it */
  uint32_t silences;     /* times in a row that timer has fired without a new sign of life */
  uint32_t unanswered;   /* calls since the last sign of life that ended without an answer */
  uint32_t failures;     /* in a row */
  uint32_t epoch;        /* failures counted so far */
  uint32_t level;        /* of backoff */
  int why;               /* the status that brought it down */
  uint8_t state, step;
  uint8_t down; /* it was found down, and has not been up since */
  uint8_t leaving;
  uint8_t lull; /* timer is set for the next ping of a peer that is leaving */
};

/* Of all peers. */
struct gci_healths {
  struct gci_health_terms terms;
  uint64_t random;
  uint64_t credit; /* for asking the next owner, in hundredths of a question */
  uint64_t retries, retries_denied, hot_dropped, hedges, hedges_denied;
  int cut_off;           /* more than half of the others are down */
  struct gci_list pings; /* under way, also to peers that are no longer members */
  /* What a probe does first (core/tell); NULL: nothing. 1: the peer is being told what it has
   * missed, and gci_health_told() will be called, from a turn; 0: there is nothing to tell; < 0: it
   * cannot be told now. */
  int (*tell)(struct gcache_s *core, struct gci_peer *peer);
};

void gci_health_open(struct gcache_s *core, const struct gci_health_terms *terms);
/* No peer is to be probed any more. */
void gci_health_close(struct gcache_s *core);
void gci_health_init(struct gci_health *health);
void gci_health_fini(struct gci_health *health);

/* ---- what others say ---- */

/* The peer has missed a change: it is not up from now on, and is told in the next turn. If it is
 * not up already, nothing happens. */
void gci_health_missed(struct gcache_s *core, struct gci_peer *peer);
/* Telling has ended, also if it began while the peer was up. status 0: everything was told. */
void gci_health_told(struct gcache_s *core, struct gci_peer *peer, int status);
void gci_health_leaving(struct gcache_s *core, struct gci_peer *peer, int leaving);
/* The peer may have left the list: then nobody waits for its sign of life. */
void gci_health_left(struct gci_peer *peer);
/* Another list is in force. */
void gci_health_listed(struct gcache_s *core);

/* Called by core/call: a call has begun, and has ended. */
void gci_health_asked(gcache_call_t *call);
void gci_health_answered(gcache_call_t *call, int status, const char *reason);

/* ---- what others ask ---- */

gcache_peer_state_t gci_health_state(const struct gci_peer *peer);
int gci_health_is_up(const struct gci_peer *peer);
int gci_health_is_out(const struct gci_peer *peer); /* not to be asked for keys */
int gci_health_is_down(const struct gci_peer *peer);
/* For how long it has not been up. */
uint64_t gci_health_down_ms(const struct gci_peer *peer);

/* Looks at the clock in place of a timer that could not be set. */
void gci_health_look(struct gci_peer *peer);

/* The peer that is asked for key; NULL: none, the key is loaded here. avoid: the peer that has just
 * failed; NULL for the first try. */
struct gci_peer *gci_health_owner(struct gcache_s *core, gcache_bytes_t key,
                                  const struct gci_peer *avoid);
/* A first call is made: it earns a part of a retry. */
void gci_health_earn(struct gcache_s *core);
/* Nonzero: the next owner may be asked in place of `failed`. */
int gci_health_may_retry(struct gcache_s *core, const struct gci_peer *failed);
/* Nonzero: the next owner may be asked beside a late one. */
int gci_health_may_hedge(struct gcache_s *core);

#endif
