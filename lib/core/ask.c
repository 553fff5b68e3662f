/* core/ask - see ask.h.
 *
 * A value found in memory can expire before the completion runs, a turn later. Only where that is
 * near does the request carry its key, to start over as a miss; everywhere else a hit allocates
 * nothing. A turn that took longer than the margin ends such a request with GCACHE_ELOAD. */
#include "core/ask.h"

#include <uv.h>

#include "base/value.h"
#include "core/fetch.h"
#include "core/journey.h"
#include "core/load.h"
#include "core/memory.h"

#define NEAR_EXPIRY_NS INT64_C(1000000000)

static void on_stranded(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash);

int gci_ask_check_key(const gcache_t *core, gcache_bytes_t key) {
  if (key.base == NULL && key.len > 0) return UV_EINVAL;
  return key.len > core->key_max ? UV_EMSGSIZE : 0;
}

int gci_ask_check_value(const gcache_t *core, const gcache_value_t *value) {
  if (value == NULL) return UV_EINVAL;
  if (gcache_value_bytes(value).len > core->value_max) return UV_EMSGSIZE;
  int64_t now = gci_env_unix_ns(core->env);
  return gci_value_expired_at(gcache_value_expire(value), now) ? UV_EINVAL : 0;
}

/* ------------------------------------------------------------------------------ ways ---- */

/* No remove reaches a client-only member: a load or question that is under way may be older than a
 * remove whose success this caller knows of (P2). A group that keeps values there all the same
 * (GCACHE_HOT_ON) has chosen otherwise. */
static int may_join_under_way(const gcache_group_t *group) {
  return group->hot == GCACHE_HOT_ON || !gci_core_is_client_only(group->core);
}

static struct gci_journey *load_to_join(gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  struct gci_journey *journey = gci_load_find(group, key, hash);
  if (journey == NULL || may_join_under_way(group) || !gci_load_is_under_way(journey))
    return journey;
  gci_flights_detach(&group->loads, &journey->flight);
  return NULL;
}

static struct gci_journey *fetch_to_join(gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  struct gci_journey *journey = gci_fetch_find(group, key, hash);
  if (journey == NULL || may_join_under_way(group) || !gci_fetch_is_under_way(journey))
    return journey;
  gci_flights_detach(&group->fetches, &journey->flight);
  return NULL;
}

/* The journey that brings req its value; NULL: out of memory. */
static struct gci_journey *journey_for(const struct gcache_req_s *req, gcache_bytes_t key,
                                       uint64_t hash) {
  gcache_group_t *group = req->group;
  struct gci_journey *journey = load_to_join(group, key, hash);
  if (journey != NULL) return journey;
  struct gci_peer *owner = req->here_only ? NULL : gci_peers_owner(&group->core->peers, key);
  if (owner == NULL || owner->is_self) return gci_load_open(group, key, hash, on_stranded);
  journey = fetch_to_join(group, key, hash);
  return journey != NULL ? journey : gci_fetch_open(group, owner, key, hash, on_stranded);
}

static int travel(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash) {
  struct gci_journey *journey = journey_for(req, key, hash);
  if (journey == NULL) return UV_ENOMEM;
  gci_journey_join(journey, req);
  return 0;
}

static int expires_soon(struct gcache_req_s *req, const gcache_value_t *value) {
  int64_t expire = gcache_value_expire(value), now = gci_env_unix_ns(req->group->core->env);
  return expire != GCACHE_NEVER && (uint64_t)expire - (uint64_t)now <= (uint64_t)NEAR_EXPIRY_NS;
}

static int take_hit(struct gcache_req_s *req, gcache_bytes_t key, gcache_value_t *value,
                    gcache_from_t from) {
  if (expires_soon(req, value)) {
    req->key = gci_value_copy(gci_group_mem(req->group), key, GCACHE_NEVER);
    if (req->key == NULL) return UV_ENOMEM;
  }
  gci_req_finish(req, 0, gcache_value_ref(value), NULL, from);
  req->state = GCI_REQ_HIT;
  req->group->stats.hits++;
  return 0;
}

/* Again with the time that is left: what has been loaded since is as good. */
static void on_stranded(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash) {
  gcache_from_t from = GCACHE_FROM_NONE;
  int rc = UV_ETIMEDOUT;
  if (gci_env_mono_ms(req->group->core->env) < req->deadline.at_ms) {
    gcache_value_t *value = gci_memory_look(req->group, key, hash, &from);
    rc = value != NULL ? take_hit(req, key, value, from) : travel(req, key, hash);
  }
  if (rc < 0) gci_req_finish(req, rc, NULL, NULL, GCACHE_FROM_NONE);
}

/* ------------------------------------------------------------------------------ start ---- */

static int start_hit(struct gcache_req_s *req, gcache_bytes_t key, gcache_value_t *value,
                     uint64_t timeout_ms, gcache_from_t from) {
  if (expires_soon(req, value)) {
    req->deadline.at_ms = gci_core_deadline(req->group->core, timeout_ms);
  }
  return take_hit(req, key, value, from);
}

static int start_miss(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash,
                      uint64_t timeout_ms) {
  int rc = gci_req_set_deadline(req, gci_core_deadline(req->group->core, timeout_ms));
  if (rc < 0) return rc;
  rc = travel(req, key, hash);
  if (rc < 0) gci_env_deadline_clear(req->group->core->env, &req->deadline);
  return rc;
}

static int start(struct gcache_req_s *req, gcache_bytes_t key, uint64_t timeout_ms) {
  gcache_group_t *group = req->group;
  uint64_t hash = gci_core_hash(group->core, key);
  gcache_from_t from = GCACHE_FROM_NONE;
  gcache_value_t *value = gci_memory_look(group, key, hash, &from);
  int rc = value != NULL ? start_hit(req, key, value, timeout_ms, from)
                         : start_miss(req, key, hash, timeout_ms);
  if (rc < 0) return rc;
  group->stats.gets++;
  gci_req_begin(req);
  return 0;
}

int gci_ask_start(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                  uint64_t timeout_ms, void (*run)(struct gcache_job_s *job)) {
  gci_req_init(req, group, run, gci_journey_leave);
  return start(req, key, timeout_ms);
}

int gci_ask_start_here(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                       uint64_t timeout_ms, void (*run)(struct gcache_job_s *job)) {
  gci_req_init(req, group, run, gci_journey_leave);
  req->here_only = 1;
  return start(req, key, timeout_ms);
}

/* ------------------------------------------------------------------------------ end ---- */

/* A hit whose value has just expired was a miss. Nonzero: it travels. */
static int start_over(struct gcache_req_s *req) {
  gcache_group_t *group = req->group;
  gcache_value_t *own_key = req->key;
  gcache_bytes_t key = gcache_value_bytes(own_key);
  uint64_t at_ms = req->deadline.at_ms;
  int rc = UV_ETIMEDOUT;
  req->key = NULL;
  group->stats.hits--;
  if (gci_env_mono_ms(group->core->env) < at_ms) rc = gci_req_set_deadline(req, at_ms);
  if (rc == 0) rc = travel(req, key, gci_core_hash(group->core, key));
  gcache_value_unref(own_key);
  if (rc == 0) return 1;
  gci_env_deadline_clear(group->core->env, &req->deadline);
  req->status = rc;
  return 0;
}

static int is_expired(const struct gcache_req_s *req) {
  return req->status == 0 && req->value != NULL &&
         gci_value_expired_at(gcache_value_expire(req->value),
                              gci_env_unix_ns(req->group->core->env));
}

/* A group that closes has overruled every request: no value is left in one. */
static int settle_expired(struct gcache_req_s *req) {
  gcache_value_unref(req->value);
  req->value = NULL;
  req->from = GCACHE_FROM_NONE;
  if (req->key != NULL) return start_over(req);
  req->status = GCACHE_ELOAD;
  req->reason = gci_value_text(gci_group_mem(req->group),
                               "the value expired before it could be delivered");
  return 0;
}

int gci_ask_settle(struct gcache_req_s *req) {
  gcache_group_stats_t *stats = &req->group->stats;
  if (is_expired(req) && settle_expired(req)) return 1;
  if (req->status == UV_ETIMEDOUT) stats->timeouts++;
  if (req->status == UV_ECANCELED) stats->cancels++;
  return 0;
}
