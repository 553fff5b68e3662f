/* core/tell - see tell.h. */
#include "core/tell.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

#include "core/call.h"
#include "core/group.h"
#include "core/health.h"

enum { MISSED_MAX = 4096, MISSED_MAX_BYTES = 1 << 20, UNDER_WAY_MAX = 64, PATIENCE_MS = 2000 };

struct gci_telling {
  gcache_t *core;
  struct gci_peer *peer; /* a reference */
  struct gci_list calls; /* under way */
  size_t running;
  size_t allowed; /* calls at a time: as many as were answered, and one more */
  int status;     /* why no more is sent; 0: no reason */
  struct gcache_deadline_s patience;
  struct gcache_job_s job; /* the attempt's end */
};

struct call {
  gcache_call_t call;
  struct gcache_link_s link;
  struct gci_telling *telling;
  struct gci_missed_change *change;
  struct gci_spread *spread; /* begins when the call is answered; NULL: none */
};

static const struct gci_call_maker maker;

int gci_tell_is_answer(gcache_op_t op, int status) {
  if (status == UV_EINVAL || status == UV_EMSGSIZE) return op != GCACHE_OP_SET;
  return status == 0 || status == GCACHE_ENOROOM || status == GCACHE_ENOGROUP ||
         status == UV_ENOTSUP;
}

int gci_tell_down_reason(const struct gci_peer *peer, char reason[GCI_TELL_REASON_MAX]) {
  int why = peer->health.why;
  if (why == 0) why = GCACHE_EPEER;
  snprintf(reason, GCI_TELL_REASON_MAX,
           "%s: %s; down for %" PRIu64 " ms; it is told when it is back", peer->url,
           gci_core_error_text(peer->health.core, why), gci_health_down_ms(peer));
  return why;
}

/* ------------------------------------------------------------------------------ peers ---- */

/* The same member in the list in force; NULL: none. */
static struct gci_peer *listed(const gcache_t *core, const struct gci_peer *peer) {
  return gci_peers_find(&core->peers, peer->url);
}

void gci_tells_wake(gcache_t *core) {
  if (!gci_job_queued(&core->tells.job))
    gci_env_defer(core->env, GCI_COMPLETIONS, &core->tells.job);
}

static void enlist(gcache_t *core, struct gci_peer *peer) {
  if (gci_link_linked(&peer->tell)) return;
  gci_peer_ref(peer);
  gci_list_push_back(&core->tells.peers, &peer->tell);
}

static void delist(struct gci_peer *peer) {
  if (!gci_link_linked(&peer->tell)) return;
  gci_link_unlink(&peer->tell);
  gci_peer_unref(peer);
}

static void add(gcache_t *core, struct gci_peer *peer, const char *group, gcache_op_t op,
                gcache_bytes_t key, enum gci_missed_weight weight) {
  gci_missed_add(&peer->missed, &core->tells.terms, group, op, key, weight);
  enlist(core, peer);
  if (weight == GCI_MISSED_GENTLE || peer->telling != NULL) gci_tells_wake(core);
}

void gci_tell_missed(gcache_t *core, struct gci_peer *peer, const char *group, gcache_op_t op,
                     gcache_bytes_t key, enum gci_missed_weight weight) {
  struct gci_peer *now = core->closing ? NULL : listed(core, peer);
  if (now == NULL || now->is_self) return;
  add(core, now, group, op, key, weight);
  if (weight == GCI_MISSED) gci_health_missed(core, now);
}

/* The owner, if it is this peer. Others may have fetched a value from it before it was told, and
 * still have it; also if it merely had no time to answer, because they were told in any order
 * then. */
static struct gci_peer *spreads_from(const gcache_t *core, const struct gci_peer *peer,
                                     const struct gci_missed_change *change) {
  size_t others = core->peers.n - (core->peers.self != NULL);
  if (change->op != GCACHE_OP_REMOVE || others < 2) return NULL;
  struct gci_peer *owner = gci_peers_owner(&core->peers, gci_missed_key(change));
  return gci_peers_same_member(owner->url, peer->url) ? owner : NULL;
}

/* In place of a spread for which there is no memory. */
static void copy_to_all(gcache_t *core, const struct gci_peer *but, const char *group,
                        gcache_op_t op, gcache_bytes_t key) {
  const struct gci_peers *peers = &core->peers;
  for (size_t i = 0; i < peers->n; i++) {
    struct gci_peer *peer = peers->list[i];
    if (peer != but && !peer->is_self) add(core, peer, group, op, key, GCI_MISSED_GENTLE);
  }
}

static void spread(gcache_t *core, struct gci_peer *owner, const char *group, gcache_op_t op,
                   gcache_bytes_t key) {
  struct gci_spread *made = NULL;
  if (op == GCACHE_OP_CLEAR) key = gcache_bytes(NULL, 0);
  if (op == GCACHE_OP_CLEAR || gci_spreads_have_room(core))
    made = gci_spread_new(core, group, op, key);
  if (made == NULL)
    copy_to_all(core, owner, group, op, key);
  else
    gci_spread_begin(made, owner);
}

void gci_tell_all_missed(gcache_t *core, const char *group, gcache_op_t op, gcache_bytes_t key) {
  if (core->closing || core->peers.n == 0) return;
  gcache_op_t told = op == GCACHE_OP_CLEAR ? GCACHE_OP_CLEAR : GCACHE_OP_REMOVE;
  struct gci_peer *owner = NULL;
  if (told == GCACHE_OP_REMOVE) owner = gci_peers_owner(&core->peers, key);
  if (owner != NULL && owner->is_self) owner = NULL;
  if (owner != NULL) add(core, owner, group, told, key, GCI_MISSED_GENTLE);
  /* No spread follows a clear in place of removes. */
  if (owner == NULL || gci_missed_covers(&owner->missed, group))
    spread(core, owner, group, told, key);
}

/* ------------------------------------------------------------------------------ an attempt ---- */

/* A peer that was up and has failed is no longer up. Changes missed since nothing seemed to be left
 * are told by another attempt. */
static void tell_health(gcache_t *core, struct gci_peer *peer, int status) {
  gci_health_told(core, peer, status);
  if (!gci_missed_is_harmless(&peer->missed))
    gci_health_missed(core, peer);
  else if (!gci_missed_is_none(&peer->missed))
    gci_tells_wake(core);
}

static void on_over(struct gcache_job_s *job) {
  struct gci_telling *telling = gci_container_of(job, struct gci_telling, job);
  gcache_t *core = telling->core;
  struct gci_peer *peer = telling->peer;
  int status = telling->status;
  gci_env_deadline_clear(core->env, &telling->patience);
  gci_mem_free(core->env->mem, telling, sizeof *telling);
  peer->telling = NULL;
  if (gci_missed_is_none(&peer->missed)) delist(peer);
  if (!core->closing) tell_health(core, peer, status);
  gci_peer_unref(peer);
  gci_env_release(core->env);
  gci_countdown_give(&core->life);
}

/* Calls under way are no longer waited for. */
static void give_up(struct gci_telling *telling, int status) {
  if (telling->status == 0) telling->status = status;
  gci_list_each(link, &telling->calls) {
    gci_call_hint(&gci_container_of(link, struct call, link)->call);
  }
  if (telling->running == 0 && !gci_job_queued(&telling->job))
    gci_env_defer(telling->core->env, GCI_COMPLETIONS, &telling->job);
}

static void on_impatient(struct gcache_deadline_s *deadline) {
  give_up(gci_container_of(deadline, struct gci_telling, patience), UV_ETIMEDOUT);
}

/* Remembered in patience.at_ms also when it is GCI_DEADLINE_NEVER. */
static int wait_on(struct gci_telling *telling) {
  struct gci_env *env = telling->core->env;
  uint64_t at_ms = gci_env_after_ms(env, telling->core->tells.patience_ms);
  int rc = gci_env_deadline(env, &telling->patience, at_ms);
  if (rc == 0) telling->patience.at_ms = at_ms;
  return rc;
}

/* Replaces the mark by a clear of each group; without memory the mark stays. */
static int name_groups(gcache_t *core, struct gci_peer *peer) {
  if (!peer->missed.all) return 0;
  gci_list_each(link, &core->group_list) {
    const gcache_group_t *group = gci_container_of(link, gcache_group_t, link);
    int rc = gci_missed_add_clear(&peer->missed, &core->tells.terms, group->name);
    if (rc < 0) return rc;
  }
  peer->missed.all = 0;
  return 0;
}

/* NULL: out of memory. */
static struct call *call_new(gcache_t *core, const struct gci_peer *peer,
                             const struct gci_missed_change *change) {
  struct call *call = gci_mem_zalloc(core->env->mem, sizeof *call);
  if (call == NULL || spreads_from(core, peer, change) == NULL) return call;
  call->spread = gci_spread_new(core, change->group, GCACHE_OP_REMOVE, gci_missed_key(change));
  if (call->spread != NULL) return call;
  gci_mem_free(core->env->mem, call, sizeof *call);
  return NULL;
}

static int send_one(struct gci_telling *telling, struct gci_missed_change *change) {
  gcache_t *core = telling->core;
  struct call *call = call_new(core, telling->peer, change);
  if (call == NULL) {
    gci_missed_untold(change);
    return UV_ENOMEM;
  }
  call->telling = telling;
  call->change = change;
  gci_link_init(&call->link);
  gci_list_push_back(&telling->calls, &call->link);
  telling->running++;
  gci_call_begin_bare(&call->call, &maker, core, telling->peer, (gcache_op_t)change->op,
                      change->group, gci_missed_key(change));
  return 0;
}

/* What is left is on its way in an attempt that was begun under another URL of this peer, or there
 * is no room for the spread that would follow: that is not the peer's fault. */
static int waits_for_another(const struct gci_telling *telling) {
  return telling->status == 0 && !gci_missed_is_none(&telling->peer->missed);
}

/* The clock runs while a call is under way. */
static int may_send(struct gci_telling *telling) {
  struct gci_env *env = telling->core->env;
  int has_room = gci_spreads_have_room(telling->core);
  if (telling->status != 0) return 0;
  if (!has_room && telling->running == 0) gci_env_deadline_clear(env, &telling->patience);
  if (!has_room || telling->running >= telling->allowed) return 0;
  if (!gci_deadline_is_set(&telling->patience)) telling->status = wait_on(telling);
  return telling->status == 0;
}

/* Sends as much as is allowed; when there is nothing left to wait for, ends the attempt. An attempt
 * that is about to end sends no more. */
static void go_on(struct gci_telling *telling) {
  struct gci_peer *peer = telling->peer;
  struct gci_missed_change *change;
  if (gci_job_queued(&telling->job)) return;
  if (telling->status == 0) telling->status = name_groups(telling->core, peer);
  while (may_send(telling) && (change = gci_missed_send(&peer->missed)) != NULL)
    telling->status = send_one(telling, change);
  if (telling->running > 0) return;
  if (!waits_for_another(telling))
    gci_env_defer(telling->core->env, GCI_COMPLETIONS, &telling->job);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  const struct gci_telling *telling = ((const struct call *)(const void *)call)->telling;
  return telling->status != 0 ? 0 : telling->patience.at_ms;
}

/* The peer has been told: if it is the owner, all others are told too. */
static void go_around(struct call *call) {
  struct gci_telling *telling = call->telling;
  gcache_t *core = telling->core;
  struct gci_peer *owner = NULL;
  if (!core->closing) owner = spreads_from(core, telling->peer, call->change);
  if (owner == NULL)
    gci_spread_free(call->spread);
  else if (call->spread != NULL)
    gci_spread_begin(call->spread, owner);
  else
    spread(core, owner, call->change->group, GCACHE_OP_REMOVE, gci_missed_key(call->change));
}

static void on_done(gcache_call_t *done, int status, gcache_value_t *value, const char *reason) {
  struct call *call = gci_container_of(done, struct call, call);
  struct gci_telling *telling = call->telling;
  gcache_t *core = telling->core;
  struct gci_missed_change *change = call->change;
  (void)value;
  (void)reason;
  gci_link_unlink(&call->link);
  telling->running--;
  if (gci_tell_is_answer((gcache_op_t)change->op, status)) {
    telling->peer->told++;
    telling->allowed += telling->allowed < UNDER_WAY_MAX;
    go_around(call);
    gci_missed_told(change);
    if (telling->status == 0) telling->status = wait_on(telling);
  } else {
    gci_spread_free(call->spread);
    gci_missed_untold(change);
    if (telling->status == 0) telling->status = status;
  }
  gci_mem_free(core->env->mem, call, sizeof *call);
  struct gci_peer *now = listed(core, telling->peer);
  if (now != NULL && now != telling->peer && now->telling != NULL) go_on(now->telling);
  go_on(telling);
}

static const struct gci_call_maker maker = {deadline_ms, on_done};

static int begin(gcache_t *core, struct gci_peer *peer) {
  assert(peer->telling == NULL && !core->closing);
  struct gci_telling *telling = gci_mem_zalloc(core->env->mem, sizeof *telling);
  if (telling == NULL) return UV_ENOMEM;
  telling->core = core;
  telling->allowed = 1;
  gci_list_init(&telling->calls);
  gci_job_init(&telling->job, on_over);
  gci_deadline_init(&telling->patience, on_impatient);
  if (wait_on(telling) < 0) {
    gci_mem_free(core->env->mem, telling, sizeof *telling);
    return UV_ENOMEM;
  }
  telling->peer = gci_peer_ref(peer);
  peer->telling = telling;
  gci_countdown_take(&core->life);
  gci_env_hold(core->env);
  go_on(telling);
  return 0;
}

/* ------------------------------------------------------------------------------ all ---- */

int gci_tell_probe(gcache_t *core, struct gci_peer *peer) {
  if (gci_missed_is_none(&peer->missed)) return 0;
  int rc = peer->telling != NULL ? 0 : begin(core, peer);
  return rc < 0 ? rc : 1;
}

/* For peers that are up and have a gentle change to be told, and peers that are being told and have
 * missed more. */
static void on_turn(struct gcache_job_s *job) {
  gcache_t *core = gci_container_of(job, gcache_t, tells.job);
  gci_list_each(link, &core->tells.peers) {
    struct gci_peer *peer = gci_container_of(link, struct gci_peer, tell);
    if (peer->telling != NULL) {
      go_on(peer->telling);
    } else if (gci_health_is_up(peer)) {
      int rc = begin(core, peer);
      if (rc < 0) gci_health_missed(core, peer);
    }
  }
}

void gci_tells_init(gcache_t *core, const struct gci_tell_options *o) {
  struct gci_tells *tells = &core->tells;
  tells->terms.mem = core->env->mem;
  tells->terms.hash_key = &core->hash_key;
  tells->terms.max = o->missed_max == 0 ? MISSED_MAX : o->missed_max;
  tells->terms.max_bytes = o->missed_max_bytes == 0 ? MISSED_MAX_BYTES : o->missed_max_bytes;
  tells->patience_ms = o->patience_ms == 0 ? PATIENCE_MS : o->patience_ms;
  gci_list_init(&tells->peers);
  gci_job_init(&tells->job, on_turn);
  gci_spreads_init(core);
  core->health.tell = gci_tell_probe;
}

static size_t forget(struct gci_peer *peer) {
  size_t n = gci_missed_forget(&peer->missed);
  if (peer->telling != NULL) give_up(peer->telling, UV_ECANCELED);
  delist(peer);
  return n;
}

void gci_tells_close(gcache_t *core) {
  struct gcache_link_s *link;
  size_t n = 0, peers = 0, spreads = gci_spreads_close(core);
  gci_defer_cancel(&core->tells.job);
  while ((link = gci_list_front(&core->tells.peers)) != NULL) {
    struct gci_peer *peer = gci_container_of(link, struct gci_peer, tell);
    n += forget(peer);
    peers++;
  }
  if (n > 0)
    gci_env_log(core->env, GCACHE_LOG_WARN, "closed; missed changes not sent: %zu (peers: %zu)", n,
                peers);
  if (spreads > 0)
    gci_env_log(core->env, GCACHE_LOG_WARN, "closed; changes not repeated to all peers: %zu",
                spreads);
}

void gci_tells_list_changed(gcache_t *core) {
  struct gcache_link_s *next;
  struct gci_list *all = &core->tells.peers;
  for (struct gcache_link_s *link = all->head.next; link != &all->head; link = next) {
    struct gci_peer *peer = gci_container_of(link, struct gci_peer, tell);
    struct gci_peer *now = listed(core, peer);
    next = link->next;
    if (now == peer) continue;
    if (now != NULL && !now->is_self && gci_missed_is_none(&now->missed)) {
      gci_missed_move(&now->missed, &peer->missed);
      enlist(core, now);
      gci_health_missed(core, now);
    }
    forget(peer);
  }
}

void gci_tells_group_closes(gcache_t *core, const char *group) {
  gci_list_each(link, &core->tells.peers) {
    struct gci_peer *peer = gci_container_of(link, struct gci_peer, tell);
    if (!peer->missed.all) continue;
    if (gci_missed_add_clear(&peer->missed, &core->tells.terms, group) == 0) continue;
    gci_env_log(
        core->env, GCACHE_LOG_WARN,
        "out of memory: a peer that missed changes is not told to clear a group closed here");
  }
}
