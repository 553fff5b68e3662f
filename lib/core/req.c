/* core/req - see req.h. Owns only what a request carries: references to value, reason and, for a
 * hit that expires soon, its key. */
#include "core/req.h"

#include <assert.h>
#include <uv.h>

#include "core/group.h"

static void on_deadline(struct gcache_deadline_s *deadline) {
  struct gcache_req_s *req = gci_container_of(deadline, struct gcache_req_s, deadline);
  req->leave(req, UV_ETIMEDOUT);
}

void gci_req_init(struct gcache_req_s *req, gcache_group_t *group,
                  void (*run)(struct gcache_job_s *job),
                  void (*leave)(struct gcache_req_s *req, int status)) {
  *req = (struct gcache_req_s){.group = group, .leave = leave};
  gci_job_init(&req->job, run);
  gci_deadline_init(&req->deadline, on_deadline);
}

int gci_req_set_deadline(struct gcache_req_s *req, uint64_t at_ms) {
  int rc = gci_env_deadline(req->group->core->env, &req->deadline, at_ms);
  if (rc == 0) req->deadline.at_ms = at_ms;
  return rc;
}

void gci_req_begin(struct gcache_req_s *req) {
  gci_list_push_back(&req->group->reqs, &req->owned);
  gci_group_hold(req->group);
}

void gci_req_finish(struct gcache_req_s *req, int status, gcache_value_t *value,
                    gcache_value_t *reason, gcache_from_t from) {
  struct gci_env *env = req->group->core->env;
  if (gci_deadline_is_set(&req->deadline)) gci_env_deadline_clear(env, &req->deadline);
  req->state = GCI_REQ_QUEUED;
  req->flight = NULL;
  req->status = status;
  req->value = value;
  req->reason = reason;
  req->from = (uint8_t)from;
  gci_env_defer(env, GCI_COMPLETIONS, &req->job);
}

static void drop_result(struct gcache_req_s *req) {
  gcache_value_unref(req->value);
  gcache_value_unref(req->reason);
  gcache_value_unref(req->key);
  req->value = req->reason = req->key = NULL;
}

void gci_req_overrule(struct gcache_req_s *req, int status) {
  assert(gci_job_queued(&req->job) || req->state == GCI_REQ_HELD || req->state == GCI_REQ_KEPT);
  drop_result(req);
  if (req->state == GCI_REQ_HIT || req->state == GCI_REQ_KEPT) req->state = GCI_REQ_QUEUED;
  req->status = status;
  req->from = GCACHE_FROM_NONE;
  req->ms = 0;
}

void gci_req_cancel(struct gcache_req_s *req) {
  if (req->state != GCI_REQ_IDLE) req->leave(req, UV_ECANCELED);
}

struct gci_req_end gci_req_end(struct gcache_req_s *req) {
  struct gci_req_end end = {req->group, req->value, req->reason, req->status};
  gcache_value_unref(req->key);
  req->key = NULL;
  gci_link_unlink(&req->owned);
  req->state = GCI_REQ_IDLE;
  return end;
}

void gci_req_release(struct gci_req_end *end) {
  gcache_value_unref(end->value);
  gcache_value_unref(end->reason);
  gci_group_release(end->group);
}
