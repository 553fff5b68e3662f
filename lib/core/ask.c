/* core/ask - see ask.h.
 *
 * A value found in memory can expire before the completion runs, a turn later. Only where its end
 * is near does the request carry its key, so that it can start over as a miss; everywhere else a
 * hit allocates nothing. If a turn takes longer than the margin, such a request ends with
 * GCACHE_ELOAD.
 *
 * If there is no memory for a refresh, the next hit on a stale value tries again. */
#include "core/ask.h"

#include <uv.h>

#include "base/value.h"
#include "core/fetch.h"
#include "core/hedge.h"
#include "core/journey.h"
#include "core/load.h"
#include "core/memory.h"
#include "core/refresh.h"
#include "core/timing.h"

#define NEAR_END_NS UINT64_C(1000000000)
#define NS_PER_MS 1000000

static void on_stranded(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash);

int gci_ask_check_value(const gcache_t *core, const gcache_value_t *value) {
  if (value == NULL) return UV_EINVAL;
  if (gcache_value_bytes(value).len > core->value_max) return UV_EMSGSIZE;
  int64_t now = gci_env_unix_ns(core->env);
  return gci_value_expired_at(gci_value_expire(value), now) ? UV_EINVAL : 0;
}

/* ------------------------------------------------------------------------------ ways ---- */

/* No remove reaches a client-only member: a load or call that is under way may be older than a
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

static struct gci_journey *fetch_to_join(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                                         const struct gci_peer *owner) {
  struct gci_journey *journey = gci_fetch_find(group, key, hash);
  if (journey == NULL || !gci_fetch_is_under_way(journey)) return journey;
  if (may_join_under_way(group) && gci_fetch_may_join(journey, owner)) {
    gci_fetch_watch(journey);
    return journey;
  }
  gci_flights_detach(&group->fetches, &journey->flight);
  return NULL;
}

/* The peer to ask; NULL: none, the key is loaded here, also where that peer is still to be told of
 * a change of the key. failed: the peer that was asked in vain, or NULL. */
static struct gci_peer *whom(const struct gcache_req_s *req, gcache_bytes_t key,
                             const struct gci_peer *failed) {
  if (req->tries >= GCI_TRIES_HERE) return NULL;
  struct gci_peer *owner = gci_health_owner(req->group->core, key, failed);
  if (owner == NULL || owner->is_self) return NULL;
  return gci_missed_bars(&owner->missed, req->group->name, key) ? NULL : owner;
}

static struct gci_journey *ask(const struct gcache_req_s *req, struct gci_peer *peer,
                               gcache_bytes_t key, uint64_t hash, const struct gci_peer *failed) {
  gcache_group_t *group = req->group;
  gcache_t *core = group->core;
  if (failed == NULL)
    gci_health_earn(core);
  else if (!gci_health_may_retry(core, failed))
    return gci_load_open(group, key, hash, on_stranded);
  struct gci_journey *journey = gci_fetch_open(group, peer, key, hash, on_stranded);
  if (journey == NULL) return NULL;
  gci_fetch_ask_newer(journey, gci_refresh_newer_than(req));
  if (failed == NULL && req->flight == NULL) gci_fetch_began(journey, req->began_ns);
  if ((core->peers.n_out > 0 || failed != NULL) && peer != gci_peers_owner(&core->peers, key))
    gci_fetch_of_acting_owner(journey);
  if (failed == NULL && gci_hedge_is_on(core)) gci_fetch_hedge(journey);
  return journey;
}

/* The journey that brings req its value; NULL: out of memory. */
static struct gci_journey *journey_for(const struct gcache_req_s *req, gcache_bytes_t key,
                                       uint64_t hash, const struct gci_peer *failed) {
  gcache_group_t *group = req->group;
  struct gci_journey *journey = load_to_join(group, key, hash);
  struct gci_peer *peer = journey == NULL ? whom(req, key, failed) : NULL;
  if (journey == NULL && peer == NULL) return gci_load_open(group, key, hash, on_stranded);
  if (journey == NULL) journey = fetch_to_join(group, key, hash, peer);
  if (journey == NULL) return ask(req, peer, key, hash, failed);
  group->stats.loads_joined++;
  return journey;
}

/* renews: memory has an entry under the key. failed: see whom(). */
static int travel_on(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash, int renews,
                     const struct gci_peer *failed) {
  struct gci_journey *journey = journey_for(req, key, hash, failed);
  if (journey == NULL) return UV_ENOMEM;
  if (renews) journey->renews = 1;
  gci_journey_join(journey, req);
  return 0;
}

static int travel(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash, int renews) {
  return travel_on(req, key, hash, renews, NULL);
}

/* ------------------------------------------------------------------------------ memory ---- */

static enum gci_pause_state pause_of(const gcache_group_t *group, uint64_t hash) {
  return gci_pauses_state(&group->pauses, hash, gci_env_mono_ms(group->core->env));
}

/* Nonzero: what was found will do. After a failure, so will a value that is delivered in place of a
 * failure, as long as the key is not asked for again. */
static int suits(const struct gcache_req_s *req, uint64_t hash, const struct gci_found *found,
                 int64_t newer_than) {
  if (found->freshness == GCI_ABSENT) return 1;
  int64_t expire = gci_value_expire(found->value);
  if (newer_than != 0 && expire != GCACHE_NEVER && expire <= newer_than) return 0;
  if (found->freshness == GCI_FRESH || found->freshness == GCI_DUE) return 1;
  if (req->takes != GCI_TAKES_STALE) return 0;
  return found->freshness == GCI_STALE || pause_of(req->group, hash) == GCI_PAUSE_OWN;
}

static int ends_soon(const gcache_group_t *group, const gcache_value_t *value,
                     enum gci_takes takes) {
  if (gci_value_expire(value) == GCACHE_NEVER) return 0;
  int64_t end = gci_memory_end(group, value, takes);
  int64_t now = gci_env_unix_ns(group->core->env);
  return end != INT64_MAX && (uint64_t)end - (uint64_t)now <= NEAR_END_NS;
}

int gci_ask_is_plain(const gcache_group_t *group, const struct gci_found *found) {
  return found->freshness == GCI_FRESH && !ends_soon(group, found->value, GCI_TAKES_STALE);
}

static void take_absence(struct gcache_req_s *req, gcache_value_t *reason) {
  int64_t now = gci_env_unix_ns(req->group->core->env);
  req->ms = ((uint64_t)gcache_value_expire(reason) - (uint64_t)now) / NS_PER_MS;
  gci_req_finish(req, GCACHE_ENOTFOUND, NULL, gcache_value_ref(reason), GCACHE_FROM_NONE);
  req->group->stats.absent++;
  req->group->stats.hits++;
}

/* Call before ends_soon(), which uses these. */
static void take_terms(struct gcache_req_s *req, const struct gci_found *found) {
  if (found->freshness == GCI_SPARE) req->takes = GCI_TAKES_SPARE;
}

/* If it suits the request. */
static int take_hit(struct gcache_req_s *req, gcache_bytes_t key, const struct gci_found *found) {
  if (found->freshness == GCI_ABSENT) {
    take_absence(req, found->value);
    return 0;
  }
  take_terms(req, found);
  if (ends_soon(req->group, found->value, req->takes)) {
    req->key = gci_value_copy(gci_group_mem(req->group), key, GCACHE_NEVER);
    if (req->key == NULL) return UV_ENOMEM;
  }
  gci_req_finish(req, 0, gci_value_hold(found->value), NULL, gci_memory_from(found->side));
  req->state = GCI_REQ_HIT;
  req->group->stats.hits++;
  return 0;
}

static int wants_refresh(const struct gci_found *found) {
  return found->freshness == GCI_DUE || found->freshness == GCI_STALE;
}

/* Behind the hit of req, unless something suitable is under way, or has just failed. */
static void refresh(const struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash,
                    const struct gci_found *found) {
  gcache_group_t *group = req->group;
  if (gci_load_find(group, key, hash) != NULL || gci_fetch_find(group, key, hash) != NULL) return;
  if (found->freshness == GCI_STALE && pause_of(group, hash) != GCI_PAUSE_NONE) return;
  struct gcache_req_s *own = gci_refresh_new(group, gcache_value_expire(found->value));
  if (own == NULL) return;
  own->tries = req->tries;
  if (travel(own, key, hash, 1) < 0) {
    gci_refresh_drop(own);
    return;
  }
  gci_req_begin(own);
  group->stats.refreshes++;
}

/* Starts over with the time that is left: a value loaded meanwhile is as good. A refresh goes on as
 * long as there is something to refresh. */
static int go_on(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash) {
  struct gci_found found;
  int is_found = gci_memory_look(req->group, key, hash, &found);
  int is_refresh = req->takes == GCI_TAKES_NEWER;
  if (is_found && suits(req, hash, &found, gci_refresh_newer_than(req)))
    return is_refresh ? UV_ECANCELED : take_hit(req, key, &found);
  if (is_refresh && !is_found) return UV_ECANCELED;
  const struct gci_journey *from = req->flight;
  return travel_on(req, key, hash, is_found, from->failed);
}

static void on_stranded(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash) {
  int rc = UV_ETIMEDOUT;
  if (gci_env_mono_ms(req->group->core->env) < req->deadline.at_ms) rc = go_on(req, key, hash);
  if (rc < 0) gci_req_finish(req, rc, NULL, NULL, GCACHE_FROM_NONE);
}

/* ------------------------------------------------------------------------------ start ---- */

static int start_hit(struct gcache_req_s *req, gcache_bytes_t key, uint64_t timeout_ms,
                     const struct gci_found *found) {
  take_terms(req, found);
  if (found->freshness != GCI_ABSENT && ends_soon(req->group, found->value, req->takes)) {
    req->deadline.at_ms = gci_core_deadline(req->group->core, timeout_ms);
  }
  return take_hit(req, key, found);
}

/* As opposed to a peer's request: that is timed at the member that sent it. */
static int is_callers(const struct gcache_req_s *req) {
  return req->tries < GCI_TRIES_HERE;
}

static int start_miss(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash,
                      uint64_t timeout_ms, int renews) {
  int rc = gci_req_set_deadline(req, gci_core_deadline(req->group->core, timeout_ms));
  if (rc < 0) return rc;
  if (is_callers(req)) gci_timing_begin_miss(req);
  rc = travel(req, key, hash, renews);
  if (rc < 0) gci_env_deadline_clear(req->group->core->env, &req->deadline);
  return rc;
}

/* found NULL: nothing is there. */
static int start_from(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash,
                      const struct gci_found *found, const struct gci_ask_terms *terms) {
  gcache_group_t *group = req->group;
  int is_hit = found != NULL && suits(req, hash, found, terms->newer_than);
  int rc = is_hit ? start_hit(req, key, terms->timeout_ms, found)
                  : start_miss(req, key, hash, terms->timeout_ms, found != NULL);
  if (rc < 0) return rc;
  group->stats.gets++;
  gci_req_begin(req);
  if (is_hit && is_callers(req) && gci_timing_wants(group)) gci_timing_begin_hit(req);
  if (is_hit && wants_refresh(found)) refresh(req, key, hash, found);
  return 0;
}

static int start(struct gcache_req_s *req, gcache_bytes_t key, const struct gci_ask_terms *terms) {
  uint64_t hash = gci_core_hash(req->group->core, key);
  struct gci_found found;
  int is_found = gci_memory_look(req->group, key, hash, &found);
  return start_from(req, key, hash, is_found ? &found : NULL, terms);
}

int gci_ask_start_found(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                        uint64_t hash, const struct gci_found *found, uint64_t timeout_ms,
                        void (*run)(struct gcache_job_s *job)) {
  struct gci_ask_terms terms = {.timeout_ms = timeout_ms};
  gci_req_init(req, group, run, gci_journey_leave);
  req->takes = GCI_TAKES_STALE;
  return start_from(req, key, hash, found, &terms);
}

int gci_ask_start(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                  uint64_t timeout_ms, void (*run)(struct gcache_job_s *job)) {
  struct gci_ask_terms terms = {.timeout_ms = timeout_ms};
  gci_req_init(req, group, run, gci_journey_leave);
  req->takes = GCI_TAKES_STALE;
  return start(req, key, &terms);
}

int gci_ask_start_here(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                       const struct gci_ask_terms *terms, void (*run)(struct gcache_job_s *job)) {
  gci_req_init(req, group, run, gci_journey_leave);
  req->takes = (uint8_t)terms->takes;
  req->tries = GCI_TRIES_HERE;
  return start(req, key, terms);
}

int gci_ask_memory(gcache_group_t *group, gcache_bytes_t key, enum gci_takes takes,
                   struct gci_found *found) {
  struct gcache_req_s like = {.group = group, .takes = (uint8_t)takes, .tries = GCI_TRIES_HERE};
  uint64_t hash = gci_core_hash(group->core, key);
  if (!gci_memory_look(group, key, hash, found) || found->freshness == GCI_SPARE) return 0;
  if (!suits(&like, hash, found, 0)) return 0;
  group->stats.gets++;
  group->stats.hits++;
  if (found->freshness == GCI_ABSENT) group->stats.absent++;
  if (wants_refresh(found)) refresh(&like, key, hash, found);
  return 1;
}

/* ------------------------------------------------------------------------------ end ---- */

/* A hit whose value may no longer be delivered was a miss; memory may still have the value, in case
 * the load fails. Nonzero: the request travels. */
static int start_over(struct gcache_req_s *req) {
  gcache_group_t *group = req->group;
  gcache_value_t *own_key = req->key;
  gcache_bytes_t key = gcache_value_bytes(own_key);
  uint64_t at_ms = req->deadline.at_ms;
  int rc = UV_ETIMEDOUT;
  req->key = NULL;
  if (req->takes == GCI_TAKES_SPARE) req->takes = GCI_TAKES_STALE;
  group->stats.hits--;
  if (is_callers(req)) gci_timing_begin_miss(req);
  if (gci_env_mono_ms(group->core->env) < at_ms) rc = gci_req_set_deadline(req, at_ms);
  if (rc == 0) rc = travel(req, key, gci_core_hash(group->core, key), 1);
  gcache_value_unref(own_key);
  if (rc == 0) return 1;
  gci_env_deadline_clear(group->core->env, &req->deadline);
  req->status = rc;
  return 0;
}

/* A group that closes has overruled every request: none holds a value any more. */
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

/* Settles a request that is given a value. Nonzero: it travels. */
static int settle_value(struct gcache_req_s *req) {
  int64_t expire = gci_value_expire(req->value);
  int64_t now = expire == GCACHE_NEVER ? 0 : gci_env_unix_ns(req->group->core->env);
  if (gci_value_expired_at(expire, now) && req->takes != GCI_TAKES_SENT) {
    if (now >= gci_memory_end(req->group, req->value, req->takes)) return settle_expired(req);
    uint64_t ns = (uint64_t)now - (uint64_t)expire;
    req->ms = ns == 0 ? 1 : (ns + NS_PER_MS - 1) / NS_PER_MS;
  }
  if (req->ms > 0) req->group->stats.stale++;
  return 0;
}

int gci_ask_settle(struct gcache_req_s *req) {
  gcache_group_stats_t *stats = &req->group->stats;
  if (req->state == GCI_REQ_KEPT && req->group->closing) gci_req_overrule(req, UV_ECANCELED);
  if (req->status == 0 && req->value != NULL && settle_value(req)) return 1;
  if (req->status == UV_ETIMEDOUT) stats->timeouts++;
  if (req->status == UV_ECANCELED) stats->cancels++;
  if (req->began_ns != 0) gci_timing_end(req);
  return 0;
}
