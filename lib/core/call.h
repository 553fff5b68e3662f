/* core/call - one request to a peer, through the transport.
 *
 *   begun -> started (from a turn: transport->start) -> answered (once) -> done() of its maker
 *       \--> done(), UV_ECANCELED         nobody waited any more when its turn came
 *        \-> done(), the peer's error     the peer is down (core/health), or is to be told first
 *
 * Embedded in its user: a fetch, or an errand of a change. Holds its peer and its group, or without
 * a group its core. When nobody waits any more its maker hints, and the transport is told once,
 * from a turn, unless someone has come in the meantime; the answer is owed all the same. The
 * transport may answer inside start and cancel. Fails: without a transport, every call with
 * GCACHE_EPEER. */
#ifndef GCI_CORE_CALL_H
#define GCI_CORE_CALL_H

#include "gcache/transport.h"

struct gci_peer;

struct gci_call_maker {
  /* Until when somebody waits for it; 0: nobody waits now. */
  uint64_t (*deadline_ms)(const gcache_call_t *call);
  /* The answer. Takes the reference to value; reason may be NULL, borrowed. The call is its maker's
   * again: to free, or to begin anew. The group is held until this has returned. */
  void (*done)(gcache_call_t *call, int status, gcache_value_t *value, const char *reason);
};

/* What the peer has said of itself: whether it is leaving. */
enum gci_call_leaving { GCI_CALL_SILENT, GCI_CALL_STAYING, GCI_CALL_LEAVING };

struct gcache_call_s {
  struct gcache_job_s job; /* starts the call; later tells the transport that nobody waits */
  const struct gci_call_maker *maker;
  gcache_t *core;
  gcache_group_t *group;  /* NULL: no group of ours is concerned; the core is held in its place */
  const char *group_name; /* the group's, or the maker's */
  struct gci_peer *peer;
  gcache_op_t op;
  gcache_bytes_t key;             /* the maker's */
  gcache_value_t *value;          /* SET: the maker's; else NULL */
  gcache_value_t *trace;          /* a reference; NULL: none */
  void *data;                     /* the transport's */
  uint64_t granted_ms;            /* the deadline that the peer is told */
  uint64_t began_ns;              /* when the timed interval began; 0: when the call started */
  int64_t newer_than;             /* GET of a refresh: the expiry of the present value; else 0 */
  uint64_t stale_ms;              /* of the answer: its value expired so long ago; 0: it has not */
  uint64_t not_found_ms;          /* of the answer: how long "not found" holds */
  struct gcache_link_s under_way; /* the peer's */
  uint32_t epoch;                 /* the peer's when it started */
  uint8_t only_cached;            /* GET: from the peer's memory, or not at all */
  uint8_t as_newcomer;            /* ONLY_CACHED: this member has just started */
  uint8_t leaving;                /* enum gci_call_leaving */
  uint8_t started;                /* an answer is owed */
  uint8_t told;                   /* that nobody waits */
  uint8_t forsaken;               /* its peer has gone down */
  uint8_t anyway;                 /* sent to a peer that is not up, too */
};

/* Fills in all members but job; cannot fail. */
void gci_call_begin(gcache_call_t *call, const struct gci_call_maker *maker, gcache_group_t *group,
                    struct gci_peer *peer, gcache_op_t op, gcache_bytes_t key,
                    gcache_value_t *value);
/* The same for a call that concerns no group here, or one that may have been closed: holds the
 * core, and must begin before that closes. Sent to a peer that is not up, too. */
void gci_call_begin_bare(gcache_call_t *call, const struct gci_call_maker *maker, gcache_t *core,
                         struct gci_peer *peer, gcache_op_t op, const char *group_name,
                         gcache_bytes_t key);
/* Nonzero: the transport has announced `what` of GCACHE_CAN_*; NULL can nothing. */
int gci_call_can(const gcache_transport_t *t, unsigned what);
/* Nobody waits: the transport is told in a turn, if that is still true then. */
void gci_call_hint(gcache_call_t *call);
/* The peer has gone down: the same, even if somebody waits; the call then fails with the error that
 * brought the peer down. */
void gci_call_forsake(gcache_call_t *call);

#endif
