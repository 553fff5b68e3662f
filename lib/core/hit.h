/* core/hit - the usual get, without a call: a hit of store/hit that is queued while others are
 * queued already. It needs no deadline; when its turn comes, it only remains to check that it was
 * not cancelled, its group does not close, and the value has not expired. Everything else is
 * core/ask's, which could do this too. */
#ifndef GCI_CORE_HIT_H
#define GCI_CORE_HIT_H

#include "base/value.h"
#include "core/group.h"
#include "core/journey.h"
#include "core/req.h"
#include "core/timing.h"
#include "store/hit.h"

/* The least time that an expiring value must have left for such a hit. */
#define GCI_HIT_MARGIN_NS INT64_C(1000000000)

static inline int gci_hit_is_usual(gcache_bytes_t key) {
  return gci_hash_is_short(key) && key.base != NULL;
}

static inline uint64_t gci_hit_hash(const gcache_group_t *group, gcache_bytes_t key) {
  return gci_hash_short(&group->core->hash_key, key);
}

/* Sets the fields that such a request, in state KEPT, or its callback reads. */
static inline void gci_hit_fill(struct gcache_req_s *req, gcache_group_t *group,
                                const struct gci_hit *hit) {
  req->deadline.slot = 0;
  gci_link_init(&req->owned);
  req->group = group;
  req->leave = gci_journey_leave;
  req->value = gci_value_hold(hit->value);
  req->reason = req->key = NULL;
  req->status = 0;
  req->state = GCI_REQ_KEPT;
  req->from = hit->side == GCI_HOT ? GCACHE_FROM_HOT : GCACHE_FROM_MAIN;
  req->tries = 0;
  req->takes = GCI_TAKES_STALE;
  req->ms = 0;
  req->began_ns = 0;
}

/* Nonzero: what gci_cache_hit() or gci_cache_hit_other() finds under this key can be queued. */
static inline int gci_hit_is_possible(const gcache_group_t *group, gcache_bytes_t key) {
  return gci_hit_is_usual(key) && gci_env_is_awake(group->core->env, GCI_COMPLETIONS);
}

/* `run` will be called, in state KEPT unless the request is cancelled. */
static inline void gci_hit_queue(struct gcache_req_s *req, gcache_group_t *group,
                                 const struct gci_hit *hit, void (*run)(struct gcache_job_s *job)) {
  struct gci_env *env = group->core->env;
  gci_hit_fill(req, group, hit);
  gci_job_init(&req->job, run);
  gci_defer_push(&env->defer[GCI_COMPLETIONS], &req->job);
  gci_countdown_take(&group->life);
  env->holds++;
  group->stats.gets++;
  group->stats.hits++;
}

/* ---- its turn has come ---- */

static inline int gci_hit_stands(const struct gcache_req_s *req) {
  if (req->state != GCI_REQ_KEPT || req->group->closing) return 0;
  int64_t expire = gci_value_expire(req->value);
  return expire == GCACHE_NEVER || expire > gci_env_unix_ns(req->group->core->env);
}

/* As struct gci_req_end. */
struct gci_hit_end {
  gcache_group_t *group;
  gcache_value_t *value;
};

static inline struct gci_hit_end gci_hit_end(struct gcache_req_s *req) {
  struct gci_hit_end end = {req->group, req->value};
  req->state = GCI_REQ_IDLE;
  return end;
}

static inline void gci_hit_release(const struct gci_hit_end *end) {
  gcache_value_unref(end->value);
  gci_group_release(end->group);
}

#endif
