/* core/req - the common part of every caller's request: an end, once, from a turn; a deadline; a
 * cancel.
 *
 *   idle -> waiting -> queued -> idle         (the callback has begun: the memory is the caller's)
 *      \------> hit ----^                     (found in memory: queued at once; or kept)
 *       \---\------> held -> idle             (one of many: has its result, core/many delivers it)
 *
 * A request is linked in its group from begin to end, so that the group can cancel it when it
 * closes, and holds the group until its callback has returned. In state KEPT it is not linked, but
 * checks whether the group has closed. Fails: setting a deadline, with UV_ENOMEM, before begin. */
#ifndef GCI_CORE_REQ_H
#define GCI_CORE_REQ_H

#include "gcache/gcache.h"

enum gci_req_state {
  GCI_REQ_IDLE,
  GCI_REQ_WAITING, /* on a journey, or for the members that a change asks */
  GCI_REQ_HIT,     /* in the completion queue, with a value that memory had */
  GCI_REQ_KEPT,    /* the same, with a value that will not expire soon, and in no list: core/hit */
  GCI_REQ_QUEUED,  /* in the completion queue */
  GCI_REQ_HELD     /* one of many, with its result; in no queue */
};

/* What a request may be given: gcache_req_s.takes. For a value its `ms` is how long ago it expired,
 * 0: it is fresh; for GCACHE_ENOTFOUND, how long that holds. */
enum gci_takes {
  GCI_TAKES_FRESH, /* of a peer that knows no stale values */
  GCI_TAKES_STALE, /* also a value within stale_ms */
  GCI_TAKES_SPARE, /* has been given a value within error_ms, in place of a failure */
  GCI_TAKES_SENT,  /* has been given a value that its owner calls stale */
  GCI_TAKES_NEWER  /* a refresh: nobody waits, core/refresh */
};

/* gcache_req_s.tries: how many peers have failed it. */
enum { GCI_TRIES_HERE = 2 }; /* the key is loaded here */

/* What a completion needs after the request is the caller's again; it owns the references. */
struct gci_req_end {
  gcache_group_t *group;
  gcache_value_t *value, *reason;
  int status;
};

/* run completes the request, from the queue; leave(req, UV_ETIMEDOUT or UV_ECANCELED) ends it
 * early, and runs no callback. */
void gci_req_init(struct gcache_req_s *req, gcache_group_t *group,
                  void (*run)(struct gcache_job_s *job),
                  void (*leave)(struct gcache_req_s *req, int status));
/* deadline.at_ms holds it even if it is GCI_DEADLINE_NEVER. */
int gci_req_set_deadline(struct gcache_req_s *req, uint64_t at_ms);
/* From here on nothing can fail: the request is the group's. */
void gci_req_begin(struct gcache_req_s *req);

/* Takes the references. Clears the deadline; the completion runs in a turn. */
void gci_req_finish(struct gcache_req_s *req, int status, gcache_value_t *value,
                    gcache_value_t *reason, gcache_from_t from);
/* The request is queued or held already, or its turn has come: it now ends with this status,
 * without value or reason. */
void gci_req_overrule(struct gcache_req_s *req, int status);

/* No effect on an idle request. */
void gci_req_cancel(struct gcache_req_s *req);

/* The callback is about to run. reason and from stay readable in req, borrowed from the result,
 * until the callback has returned. */
struct gci_req_end gci_req_end(struct gcache_req_s *req);
/* The callback has returned. The group is not to be used afterwards. */
void gci_req_release(struct gci_req_end *end);

#endif
