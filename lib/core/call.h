/* core/call - one question to a peer, through the transport.
 *
 *   begun -> started (from a turn: transport->start) -> answered (once) -> done() of its maker
 *       \--> done(), UV_ECANCELED         nobody waited any more when its turn came
 *        \-> done(), what brought it down  the peer is down (core/health), or is to be told first
 *
 * Embedded in what asks: a fetch, or an errand of a change. Holds its peer and its group, or
 * without one its core. When nobody waits any more its maker hints, and the transport is told once,
 * from a turn, unless someone has come in the meantime; the answer is owed all the same. The
 * transport may answer inside start and cancel. Fails: without a transport, every call with
 * GCACHE_EPEER. */
#ifndef GCI_CORE_CALL_H
#define GCI_CORE_CALL_H

#include "gcache/transport.h"

struct gci_peer;

struct gci_call_maker {
  /* When nobody waits for it any more; 0: nobody waits now. */
  uint64_t (*deadline_ms)(const gcache_call_t *call);
  /* The answer. Takes the reference to value; reason may be NULL, borrowed. The call is its maker's
   * again: to free, or to begin anew. The group is held until this has returned. */
  void (*done)(gcache_call_t *call, int status, gcache_value_t *value, const char *reason);
};

/* What the peer has said of itself. */
enum gci_call_leaving { GCI_CALL_SILENT, GCI_CALL_STAYING, GCI_CALL_LEAVING };

struct gcache_call_s {
  struct gcache_job_s job; /* starts the call; later tells the transport that nobody waits */
  const struct gci_call_maker *maker;
  gcache_t *core;
  gcache_group_t *group;  /* NULL: none of ours is concerned; the core is held in its place */
  const char *group_name; /* the group's, or the maker's */
  struct gci_peer *peer;
  gcache_op_t op;
  gcache_bytes_t key;             /* the maker's */
  gcache_value_t *value;          /* SET: the maker's; else NULL */
  gcache_value_t *trace;          /* a reference; NULL: none */
  void *data;                     /* the transport's */
  uint64_t granted_ms;            /* the deadline that the peer is told */
  uint64_t began_ns;              /* what is timed; 0: when it started */
  int64_t newer_than;             /* GET: of a refresh, the expiry of what there is; else 0 */
  uint64_t stale_ms;              /* the answer's: its value expired so long ago; 0: it has not */
  uint64_t not_found_ms;          /* the answer's: how long that holds */
  struct gcache_link_s under_way; /* the peer's */
  uint32_t epoch;                 /* the peer's when it started */
  uint8_t only_cached;            /* GET: from the peer's memory, or not at all */
  uint8_t as_newcomer;            /* ONLY_CACHED: this member has just started */
  uint8_t leaving;                /* enum gci_call_leaving */
  uint8_t started;                /* an answer is owed */
  uint8_t told;                   /* that nobody waits */
  uint8_t forsaken;               /* its peer has gone down */
  uint8_t anyway;                 /* asked of a peer that is not up, too */
};

/* All but job are filled in by this; cannot fail. */
void gci_call_begin(gcache_call_t *call, const struct gci_call_maker *maker, gcache_group_t *group,
                    struct gci_peer *peer, gcache_op_t op, gcache_bytes_t key,
                    gcache_value_t *value);
/* The same for what concerns no group here, or one that may have been closed: holds the core. Before
 * that closes. Asked of a peer that is not up, too. */
void gci_call_begin_bare(gcache_call_t *call, const struct gci_call_maker *maker, gcache_t *core,
                         struct gci_peer *peer, gcache_op_t op, const char *group_name,
                         gcache_bytes_t key);
/* Nonzero: the transport has announced that it can do that, of GCACHE_CAN_*; NULL cannot. */
int gci_call_can(const gcache_transport_t *t, unsigned what);
/* Nobody waits: tell the transport in a turn, if that is still true then. */
void gci_call_hint(gcache_call_t *call);
/* The peer has gone down: the same, whoever waits; then it has failed with what brought the peer
 * down. */
void gci_call_forsake(gcache_call_t *call);

#endif
