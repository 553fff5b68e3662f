/* core/req - what every request of a caller has: an end, once, from a turn; a deadline; a way out.
 *
 *   idle -> waiting -> queued -> idle         (the callback has begun: the memory is the caller's)
 *      \------> hit ----^                     (found in memory: queued at once; or kept)
 *       \---\------> held -> idle             (one of many: has its result, core/many delivers it)
 *
 * A request is linked in its group from begin to end, so that the group can cancel it when that
 * closes (in state KEPT it looks whether that has), and holds it until its callback has returned.
 * Fails: setting a deadline, with UV_ENOMEM, before begin. */
#ifndef GCI_CORE_REQ_H
#define GCI_CORE_REQ_H

#include "gcache/gcache.h"

enum gci_req_state {
  GCI_REQ_IDLE,
  GCI_REQ_WAITING, /* on a journey, or for the members that a change asks */
  GCI_REQ_HIT,     /* in the completion queue, with a value that memory had */
  GCI_REQ_KEPT, /* the same, with one that will not expire before long, and in no list: core/hit */
  GCI_REQ_QUEUED, /* in the completion queue */
  GCI_REQ_HELD    /* one of many, with its result; in no queue */
};

/* What it may be given: gcache_req_s.takes. Its `ms` is, of a value, how long ago that expired, 0:
 * it is fresh; of GCACHE_ENOTFOUND, for how long that holds. */
enum gci_takes {
  GCI_TAKES_FRESH, /* a peer's that knows no stale values */
  GCI_TAKES_STALE, /* what is within stale_ms, too */
  GCI_TAKES_SPARE, /* has been given what is within error_ms, in place of a failure */
  GCI_TAKES_SENT,  /* has been given what its owner says is stale */
  GCI_TAKES_NEWER  /* a refresh: nobody waits, core/refresh */
};

/* gcache_req_s.tries: how many peers have failed it. */
enum { GCI_TRIES_HERE = 2 }; /* it is loaded here */

/* What a completion needs after the request is the caller's again; the references are its own. */
struct gci_req_end {
  gcache_group_t *group;
  gcache_value_t *value, *reason;
  int status;
};

/* run completes it, from the queue; leave(req, UV_ETIMEDOUT or UV_ECANCELED) ends it early, and
 * runs no callback. */
void gci_req_init(struct gcache_req_s *req, gcache_group_t *group,
                  void (*run)(struct gcache_job_s *job),
                  void (*leave)(struct gcache_req_s *req, int status));
/* Remembered in deadline.at_ms also when it is GCI_DEADLINE_NEVER. */
int gci_req_set_deadline(struct gcache_req_s *req, uint64_t at_ms);
/* Cannot fail any more: it is the group's now. */
void gci_req_begin(struct gcache_req_s *req);

/* Takes the references. The deadline is cleared; the completion runs in a turn. */
void gci_req_finish(struct gcache_req_s *req, int status, gcache_value_t *value,
                    gcache_value_t *reason, gcache_from_t from);
/* It is queued or held already, or its turn has come: this is its status now, and nothing comes
 * with it. */
void gci_req_overrule(struct gcache_req_s *req, int status);

/* No effect when it is idle. */
void gci_req_cancel(struct gcache_req_s *req);

/* The callback is about to run. reason and from stay readable in req, borrowed from the result,
 * until the callback has returned. */
struct gci_req_end gci_req_end(struct gcache_req_s *req);
/* The callback has returned. The group is not to be used afterwards. */
void gci_req_release(struct gci_req_end *end);

#endif
