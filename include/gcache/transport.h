/* gcache/transport.h - replace HTTP between peers: by your RPC, or by a test.
 *
 * One word for every conversation: start it, perhaps cancel it (a hint), and it is done exactly once.
 * gcache.h's rules hold.
 */
#ifndef GCACHE_TRANSPORT_H
#define GCACHE_TRANSPORT_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  GCACHE_OP_GET,
  GCACHE_OP_SET,
  GCACHE_OP_REMOVE,
  GCACHE_OP_CLEAR, /* the whole group; the key is empty */
  GCACHE_OP_PING, /* are you there? Of no group (""), the key is empty; only where the transport can.
                      Any answer of whatever is there is status 0 */
  GCACHE_OP_GIVE /* a value to keep, from a member that leaves (gcache_leave()); only where the transport
                      can. UV_EEXIST: the peer does not want it */
} gcache_op_t;

/* ---- outgoing: gcache asks, the transport answers ---- */

typedef struct gcache_call_s gcache_call_t; /* opaque, ours */

/* All borrowed: valid until gcache_call_done(). */
GCACHE_EXTERN gcache_op_t gcache_call_op(const gcache_call_t *call);
GCACHE_EXTERN const char *gcache_call_peer(const gcache_call_t *call); /* URL as given */
GCACHE_EXTERN const char *gcache_call_group(const gcache_call_t *call);
GCACHE_EXTERN gcache_bytes_t gcache_call_key(const gcache_call_t *call);
GCACHE_EXTERN gcache_value_t *
gcache_call_value(const gcache_call_t *call); /* SET, GIVE; else NULL */
/* Milliseconds until nobody waits; UINT64_MAX: no limit. The transport need not watch it: gcache
 * cancels the call then. A peer that is told how long it may take is told what this says last. */
GCACHE_EXTERN uint64_t gcache_call_time_left_ms(gcache_call_t *call);
/* GET: not 0: this member holds a value that expires then and wants a newer one; a peer that is gcache
 * is told so, for gcache_answer_get(). Others need not know. */
GCACHE_EXTERN int64_t gcache_call_newer_than(const gcache_call_t *call);
/* GET, nonzero: from the peer's memory or not at all, UV_ENOENT; only where the transport can. */
GCACHE_EXTERN int gcache_call_only_cached(const gcache_call_t *call);
/* Of such a GET, not NULL: this member's URL. It has just started, and may have forgotten changes
 * that it was told of; a peer to which that URL is not new answers UV_EPERM. For
 * gcache_answer_cached(). */
GCACHE_EXTERN const char *gcache_call_newcomer(const gcache_call_t *call);
/* The trace that the get or change belongs to (<gcache/trace.h>), for the peer; NULL: none. There,
 * what came goes into gcache_trace_begin() before gcache_answer() or one of its kind. */
GCACHE_EXTERN const char *gcache_call_traceparent(const gcache_call_t *call);
GCACHE_EXTERN void gcache_call_set_data(gcache_call_t *call, void *data);
GCACHE_EXTERN void *gcache_call_data(const gcache_call_t *call);

/* The answer, exactly once a call; may be called inside start() or cancel(). Takes the reference to
 * value (GET with status 0; else NULL). reason may be NULL; it is copied, cut to 256 bytes of
 * printable ASCII. Afterwards call is gone. What a GET's status means to gcache:
 *   0                                  the value
 *   GCACHE_ENOTFOUND, GCACHE_ELOAD     the owner's getter said so: believed
 *   GCACHE_EBUSY                       too much waits for this peer here already, or the peer says that
 *                                      too much waits there: the callers are told. Loading here would
 *                                      run a getter twice (P1), and make an owner's overload a herd of
 *                                      getters on all members
 *   UV_ETIMEDOUT                       the owner says its time ran out: a sign of life; asked again
 *                                      for those callers who have time left. Never for time that
 *                                      ran out here: see below
 *   UV_ECANCELED, after cancel()       nobody is told; those who came since are asked for anew
 *   UV_EINVAL                          the peer refuses this question: as below, but no sign that
 *                                      it fails
 *   anything else                      the exchange failed: loaded here instead
 * What a failed exchange's status says of the peer, with every op: UV_ECONNREFUSED, UV_EHOSTUNREACH,
 * UV_EHOSTDOWN, UV_ENETUNREACH, UV_ENETDOWN, UV_EADDRNOTAVAIL, UV_EAI_*: nobody could be reached,
 * and it is down at once (gcache/health.h); a connect that timed out is UV_EHOSTUNREACH.
 * UV_ECANCELED, UV_ENOMEM, UV_ENOTSUP, UV_EACCES, UV_EINVAL, UV_EMSGSIZE, GCACHE_EBUSY: nothing.
 * Any other counts as one failure: a connection that broke or fell silent is UV_ECONNABORTED, say,
 * and what is no answer GCACHE_EPEER. */
GCACHE_EXTERN void gcache_call_done(gcache_call_t *call, int status, gcache_value_t *value,
                                    const char *reason);

/* What the peer said with its answer to a GET; before gcache_call_done().
 * stale: the value expired so many milliseconds ago, by the peer's clock; it is delivered as stale and
 * not kept. An expired value without this word is a failed exchange.
 * not_found: GCACHE_ENOTFOUND holds for so many milliseconds. */
GCACHE_EXTERN void gcache_call_set_stale(gcache_call_t *call, uint64_t stale_ms);
GCACHE_EXTERN void gcache_call_set_not_found(gcache_call_t *call, uint64_t not_found_ms);
/* The same with any answer: whether the peer is leaving (gcache_leave()). It is asked for no key
 * then. Not said: as before. */
GCACHE_EXTERN void gcache_call_set_leaving(gcache_call_t *call, int leaving);

struct gcache_transport_s {
  size_t size; /* sizeof(gcache_transport_t): how many members below you know */
  void *data;  /* yours */
  /* Owes one gcache_call_done(), now or later. */
  void (*start)(gcache_transport_t *t, gcache_call_t *call);
  /* Nobody waits any more. The answer is still owed. May be NULL. */
  void (*cancel)(gcache_transport_t *t, gcache_call_t *call);
  /* The peer list is now this, without self; connections to others can go. Runs inside
   * gcache_set_peers(), or in a later turn when a long list is in force; it must not call gcache.
   * May be NULL. */
  void (*peers)(gcache_transport_t *t, const char *const urls[], size_t n);
  /* No start() will follow and no call is under way. Must call closed(arg), now or later. May be
   * NULL: nothing to close. */
  void (*close)(gcache_transport_t *t, gcache_closed_cb closed, void *arg);
  /* Where both are given, in place of peers, so that a long list holds nobody up: one peer more,
   * some turns before it is asked, perhaps; one less, some turns after the list has changed. One
   * can come that is there, and one go that is not. url is borrowed for the call. As with peers,
   * they must not call gcache. */
  void (*peer_added)(gcache_transport_t *t, const char *url);
  void (*peer_removed)(gcache_transport_t *t, const char *url);
  unsigned can; /* of these, added up */
};

/* What not every transport knows. */
enum {
  GCACHE_CAN_PING =
      1, /* GCACHE_OP_PING; otherwise a peer that is down is asked for keys again when its time
                         has come, and that is the probe */
  GCACHE_CAN_ASK_CACHED = 2, /* gcache_call_only_cached() */
  GCACHE_CAN_GIVE = 4        /* GCACHE_OP_GIVE, gcache_call_set_leaving() */
};

/* ---- incoming: a peer asks, gcache answers ---- */

typedef struct gcache_answer_s gcache_answer_t; /* request, yours */

/* GET: status 0 and value, or GCACHE_ENOTFOUND, GCACHE_ELOAD, UV_ETIMEDOUT, UV_ECANCELED, UV_ENOMEM;
 * GCACHE_EBUSY: too many loads of the group wait (loads_queued_max), to be told to the asker as such.
 * SET: 0 or GCACHE_ENOROOM. REMOVE, CLEAR: 0. Cancelled or closing: UV_ECANCELED,
 * though the change was made. reason: "" if none. */
typedef void (*gcache_answer_cb)(gcache_answer_t *req, int status, gcache_value_t *value,
                                 const char *reason);
struct gcache_answer_s {
  void *data; /* yours */
  gcache_answer_cb cb;
  struct gcache_req_s priv;
};

/* Answers as the owner, whatever this member's own list says: from memory or by the getter here; never
 * by asking another member, and never by waiting for a question this member has under way (P4).
 * value: SET only; borrowed, own reference taken. timeout_ms as in gcache_get(). GCACHE_ENOGROUP: the
 * name is unknown here. UV_EMSGSIZE, UV_EINVAL: as gcache_get() and gcache_set(). */
GCACHE_EXTERN int gcache_answer(gcache_answer_t *req, gcache_t *cache, gcache_op_t op,
                                gcache_bytes_t group, gcache_bytes_t key, gcache_value_t *value,
                                uint64_t timeout_ms, gcache_answer_cb cb);
/* A GET as above, of an asker that can be told what only gcache says: that a value is stale, how long
 * "not found" holds. gcache_answer() waits for a fresh value instead. newer_than: the asker's
 * gcache_call_newer_than(); a value here that expires no later is not the answer, unless the load
 * fails. */
GCACHE_EXTERN int gcache_answer_get(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                                    gcache_bytes_t key, int64_t newer_than, uint64_t timeout_ms,
                                    gcache_answer_cb cb);
/* A GET of an asker that wants what is in memory or nothing: UV_ENOENT. newcomer: the asker's
 * gcache_call_newcomer(), may be NULL. */
GCACHE_EXTERN int gcache_answer_cached(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                                       gcache_bytes_t key, const char *newcomer,
                                       gcache_answer_cb cb);
/* A GIVE of the member of that URL. Kept only if nothing is known of the key here; else UV_EEXIST. */
GCACHE_EXTERN int gcache_answer_give(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                                     gcache_bytes_t key, gcache_value_t *value, const char *giver,
                                     gcache_answer_cb cb);
/* What is to be said with every answer: gcache_leave() has been called. */
GCACHE_EXTERN int gcache_is_leaving(const gcache_t *cache);
/* Only inside the callback. stale: as gcache_get_stale(). not_found: status is GCACHE_ENOTFOUND,
 * and holds for so many milliseconds; 0: it is not to be remembered. */
GCACHE_EXTERN uint64_t gcache_answer_stale(const gcache_answer_t *req);
GCACHE_EXTERN uint64_t gcache_answer_not_found(const gcache_answer_t *req);
/* The asker has left. The callback still runs, with UV_ECANCELED. */
GCACHE_EXTERN void gcache_answer_cancel(gcache_answer_t *req);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_TRANSPORT_H */
