/* gcache/transport.h - replaces HTTP between peers by your RPC, or by a test.
 *
 * Every exchange has the same life: it is started, perhaps cancelled (a hint), and done exactly
 * once. gcache.h's rules hold.
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
  /* Is the peer there? The group is "" and the key is empty. Only if the transport can. Any answer
   * from the peer's address is status 0 */
  GCACHE_OP_PING,
  /* A value to keep, from a leaving member (gcache_leave()). Only if the transport can. UV_EEXIST:
   * the peer does not want it */
  GCACHE_OP_GIVE
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
/* Milliseconds until no caller waits any more; UINT64_MAX: no limit. The transport need not enforce
 * it: gcache cancels the call then. If the transport tells the peer how long it may take, it must
 * tell it what the last call of this function returned. */
GCACHE_EXTERN uint64_t gcache_call_time_left_ms(gcache_call_t *call);
/* GET, if not 0: this member holds a value that expires at that time and wants a newer one. A
 * gcache peer is told so, for gcache_answer_get(); others need not know. */
GCACHE_EXTERN int64_t gcache_call_newer_than(const gcache_call_t *call);
/* GET, if nonzero: the answer must come from the peer's memory, else it is UV_ENOENT. Only if the
 * transport can. */
GCACHE_EXTERN int gcache_call_only_cached(const gcache_call_t *call);
/* Such a GET, if not NULL: this member's URL. This member has just started, and may have forgotten
 * changes that it was told of; a peer to which that URL is not new answers UV_EPERM. For
 * gcache_answer_cached(). */
GCACHE_EXTERN const char *gcache_call_newcomer(const gcache_call_t *call);
/* The traceparent of the get or change (<gcache/trace.h>), to be sent to the peer; NULL: none. The
 * peer passes what it received to gcache_trace_begin() before gcache_answer() or one of its
 * variants. */
GCACHE_EXTERN const char *gcache_call_traceparent(const gcache_call_t *call);
GCACHE_EXTERN void gcache_call_set_data(gcache_call_t *call, void *data);
GCACHE_EXTERN void *gcache_call_data(const gcache_call_t *call);

/* Ends a call with its answer, exactly once; may be called inside start() or cancel(). Takes the
 * reference to value (GET with status 0; else NULL). reason may be NULL; it is copied, cut to 256
 * bytes of printable ASCII. Afterwards call is gone. Meaning of the status of a GET:
 *
 *   0                                the value
 *   GCACHE_ENOTFOUND, GCACHE_ELOAD   the answer of the owner's getter: final
 *   GCACHE_EBUSY                     too many calls wait for this peer here, or the peer says that
 *                                    too much waits there: the callers are told. Loading here would
 *                                    run a getter twice (P1), and turn one owner's overload into a
 *                                    herd of getters on all members
 *   UV_ETIMEDOUT                     the owner says that its time ran out. It is alive; it is asked
 *                                    again for callers that have time left. Never use this status
 *                                    for time that ran out here: see below
 *   UV_ECANCELED, after cancel()     no caller is told; callers that came since are asked for anew
 *   UV_EINVAL                        the peer refuses this request: as below, but not counted as a
 *                                    failure of the peer
 *   anything else                    the exchange failed: the value is loaded here
 *
 * What the status of a failed exchange, of any op, says about the peer:
 *
 *   UV_ECONNREFUSED, UV_EHOSTUNREACH, UV_EHOSTDOWN, UV_ENETUNREACH, UV_ENETDOWN, UV_EADDRNOTAVAIL,
 *   UV_EAI_*                         it cannot be reached, and is down at once (gcache/health.h).
 *                                    Use UV_EHOSTUNREACH for a connect that timed out
 *   UV_ECANCELED, UV_ENOMEM, UV_ENOTSUP, UV_EACCES, UV_EINVAL, UV_EMSGSIZE, GCACHE_EBUSY
 *                                    nothing
 *   any other                        one failure. Use UV_ECONNABORTED for a connection that broke
 *                                    or fell silent, GCACHE_EPEER for what is not a valid answer */
GCACHE_EXTERN void gcache_call_done(gcache_call_t *call, int status, gcache_value_t *value,
                                    const char *reason);

/* What the peer sent along with its answer to a GET; call before gcache_call_done().
 * stale: the value expired this many milliseconds ago, by the peer's clock; it is delivered as
 * stale and not kept. An expired value without this call is a failed exchange.
 * not_found: GCACHE_ENOTFOUND holds for this many milliseconds. */
GCACHE_EXTERN void gcache_call_set_stale(gcache_call_t *call, uint64_t stale_ms);
GCACHE_EXTERN void gcache_call_set_not_found(gcache_call_t *call, uint64_t not_found_ms);
/* Likewise, with any answer: whether the peer is leaving (gcache_leave()). A leaving peer is asked
 * for no keys. Without this call the state stays as before. */
GCACHE_EXTERN void gcache_call_set_leaving(gcache_call_t *call, int leaving);

struct gcache_transport_s {
  size_t size; /* sizeof(gcache_transport_t): which of the members below you know */
  void *data;  /* yours */
  /* Starts a call, and owes one gcache_call_done() for it, now or later. */
  void (*start)(gcache_transport_t *t, gcache_call_t *call);
  /* No caller waits any more; gcache_call_done() is still owed. May be NULL. */
  void (*cancel)(gcache_transport_t *t, gcache_call_t *call);
  /* Tells the new peer list, without self; connections to other peers can be closed. Runs inside
   * gcache_set_peers(), or for a long list in a later turn, when the list is in force; it must not
   * call gcache. May be NULL. */
  void (*peers)(gcache_transport_t *t, const char *const urls[], size_t n);
  /* No start() will follow and no call is under way. Must call closed(arg), now or later. May be
   * NULL if there is nothing to close. */
  void (*close)(gcache_transport_t *t, gcache_closed_cb closed, void *arg);
  /* If both are set they replace peers, so that a long list does not block the loop: added is
   * called perhaps some turns before the peer is asked, removed some turns after the list has
   * changed. A peer that is there may be added again, and one that is not may be removed. url is
   * borrowed for the call. Like peers, they must not call gcache. */
  void (*peer_added)(gcache_transport_t *t, const char *url);
  void (*peer_removed)(gcache_transport_t *t, const char *url);
  unsigned can; /* GCACHE_CAN_*, added up */
};

/* What a transport may support. */
enum {
  GCACHE_CAN_PING =
      /* GCACHE_OP_PING. Without it, a peer that is down is asked for keys again when its time has
       * come, and that request is the probe */
  1,
  GCACHE_CAN_ASK_CACHED = 2, /* gcache_call_only_cached() */
  GCACHE_CAN_GIVE = 4        /* GCACHE_OP_GIVE, gcache_call_set_leaving() */
};

/* ---- incoming: a peer asks, gcache answers ---- */

typedef struct gcache_answer_s gcache_answer_t; /* request, yours */

/* GET: status 0 and value, or GCACHE_ENOTFOUND, GCACHE_ELOAD, UV_ETIMEDOUT, UV_ECANCELED,
 * UV_ENOMEM, or GCACHE_EBUSY: too many loads of the group wait (loads_queued_max), which the asking
 * peer is to be told as such. SET: 0 or GCACHE_ENOROOM. REMOVE, CLEAR: 0. Cancelled or closing:
 * UV_ECANCELED, though the change was made. reason: "" if none. */
typedef void (*gcache_answer_cb)(gcache_answer_t *req, int status, gcache_value_t *value,
                                 const char *reason);
struct gcache_answer_s {
  void *data; /* yours */
  gcache_answer_cb cb;
  struct gcache_req_s priv;
};

/* Answers as the owner, whatever this member's own list says: from memory or by the getter here,
 * never by asking another member, and never by waiting for a request that this member has under way
 * (P4). value: SET only; borrowed, gcache takes a reference of its own. timeout_ms as in
 * gcache_get(). GCACHE_ENOGROUP: no such group here. UV_EMSGSIZE, UV_EINVAL: as for gcache_get()
 * and gcache_set(). */
GCACHE_EXTERN int gcache_answer(gcache_answer_t *req, gcache_t *cache, gcache_op_t op,
                                gcache_bytes_t group, gcache_bytes_t key, gcache_value_t *value,
                                uint64_t timeout_ms, gcache_answer_cb cb);
/* A GET as above, from a peer that understands what only gcache sends: that a value is stale, and
 * how long "not found" holds. (gcache_answer() waits for a fresh value instead.) newer_than: the
 * peer's gcache_call_newer_than(); a value here that expires no later is not the answer, unless the
 * load fails. */
GCACHE_EXTERN int gcache_answer_get(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                                    gcache_bytes_t key, int64_t newer_than, uint64_t timeout_ms,
                                    gcache_answer_cb cb);
/* A GET from a peer that wants what is in memory, or UV_ENOENT. newcomer: the peer's
 * gcache_call_newcomer(), may be NULL. */
GCACHE_EXTERN int gcache_answer_cached(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                                       gcache_bytes_t key, const char *newcomer,
                                       gcache_answer_cb cb);
/* A GIVE from the member with the URL giver. Kept only if nothing is known of the key here; else
 * UV_EEXIST. */
GCACHE_EXTERN int gcache_answer_give(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                                     gcache_bytes_t key, gcache_value_t *value, const char *giver,
                                     gcache_answer_cb cb);
/* Nonzero after gcache_leave(); send it along with every answer. */
GCACHE_EXTERN int gcache_is_leaving(const gcache_t *cache);
/* Inside the callback only. stale: as gcache_get_stale(). not_found: for status GCACHE_ENOTFOUND,
 * how many milliseconds it holds; 0: it must not be remembered. */
GCACHE_EXTERN uint64_t gcache_answer_stale(const gcache_answer_t *req);
GCACHE_EXTERN uint64_t gcache_answer_not_found(const gcache_answer_t *req);
/* The peer has left. The callback still runs, with UV_ECANCELED. */
GCACHE_EXTERN void gcache_answer_cancel(gcache_answer_t *req);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_TRANSPORT_H */
