/* core/call - see call.h. Nothing here touches a call after the transport's start or cancel has
 * returned, nor after its maker's done: the answer may have freed the call. */
#include "core/call.h"

#include <assert.h>
#include <stdio.h>
#include <uv.h>

#include "core/group.h"
#include "core/timing.h"
#include "core/trace.h"

int gci_call_can(const gcache_transport_t *t, unsigned what) {
  return t != NULL && t->size >= offsetof(gcache_transport_t, can) + sizeof t->can &&
         (t->can & what) == what;
}

/* A transport compiled against an older header lacks some members: they count as NULL. */
static int has_cancel(const gcache_transport_t *t) {
  return t->size >= offsetof(gcache_transport_t, cancel) + sizeof t->cancel && t->cancel != NULL;
}

static void count_start(struct gci_peer *peer, gcache_op_t op) {
  gcache_peer_stats_t *stats = &peer->stats;
  uint64_t *counters[] = {&stats->gets,   &stats->sets,   &stats->removes,
                          &stats->clears, &stats->probes, &stats->gives};
  (*counters[op])++;
  stats->running++;
}

/* The peer's own answer, as opposed to an exchange that failed. */
static int is_believed(const gcache_call_t *call, int status) {
  gcache_op_t op = call->op;
  if (call->only_cached && (status == UV_ENOENT || status == UV_EPERM)) return 1;
  if (op == GCACHE_OP_GIVE && status == UV_EEXIST) return 1;
  if (op == GCACHE_OP_GET) return status == GCACHE_ENOTFOUND || status == GCACHE_ELOAD;
  return status == GCACHE_ENOROOM || status == GCACHE_ENOGROUP || status == UV_ENOTSUP;
}

static void time_exchange(const gcache_call_t *call) {
  if (call->op == GCACHE_OP_PING) return;
  uint64_t now_ns = gci_env_mono_ns(call->core->env);
  uint64_t ns = now_ns > call->began_ns ? now_ns - call->began_ns : 0;
  gci_histogram_add(&call->peer->stats.exchange, ns, 1);
}

static void count_end(const gcache_call_t *call, int status) {
  call->peer->stats.running--;
  if (call->told && status == UV_ECANCELED) return;
  time_exchange(call);
  if (status == 0 || is_believed(call, status)) return;
  gci_peer_failed(call->peer, status);
}

static void release_core(gcache_t *core) {
  gci_env_release(core->env);
  gci_countdown_give(&core->life);
}

static void end(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  gcache_t *core = call->core;
  gcache_group_t *group = call->group;
  struct gci_peer *peer = call->peer;
  gcache_value_t *trace = call->trace, *before = gci_trace_enter(core, trace);
  gci_defer_cancel(&call->job);
  call->maker->done(call, status, value, reason);
  gci_trace_leave(core, before);
  gcache_value_unref(trace);
  gci_peer_unref(peer);
  if (group != NULL)
    gci_group_release(group);
  else
    release_core(core);
}

/* Answers to a get that only an owner gives. */
static int is_owners_word(const gcache_call_t *call, int status) {
  return call->op == GCACHE_OP_GET && status == UV_ETIMEDOUT;
}

/* The status of a call that was not sent, or was given up. */
static int status_of_down(const gcache_call_t *call) {
  int why = call->peer->health.why;
  if (why == 0 || why == UV_ECANCELED || why == GCACHE_EBUSY || is_owners_word(call, why))
    return UV_ECONNABORTED;
  return why;
}

/* A change is sent until the peer is found to be down: what the peer missed before does not matter
 * to it. A get is not sent while the peer is still to be told of a change of the key. */
static int may_ask(const gcache_call_t *call) {
  const struct gci_peer *peer = call->peer;
  if (call->anyway) return 1;
  if (call->op != GCACHE_OP_GET) return !gci_health_is_down(peer);
  return gci_health_is_up(peer) && !gci_missed_bars(&peer->missed, call->group_name, call->key);
}

/* Ends a call that is not sent. */
static void end_down(gcache_call_t *call) {
  int status = status_of_down(call);
  char reason[256];
  snprintf(reason, sizeof reason, "%s is down: %s", call->peer->url,
           gci_core_error_text(call->core, status));
  end(call, status, NULL, reason);
}

static void on_start(struct gcache_job_s *job) {
  gcache_call_t *call = gci_container_of(job, gcache_call_t, job);
  gcache_transport_t *t = call->core->transport;
  call->granted_ms = call->maker->deadline_ms(call);
  if (call->granted_ms == 0) {
    end(call, UV_ECANCELED, NULL, NULL);
    return;
  }
  if (!may_ask(call)) {
    end_down(call);
    return;
  }
  call->started = 1;
  if (call->began_ns == 0) call->began_ns = gci_env_mono_ns(call->core->env);
  count_start(call->peer, call->op);
  gci_health_asked(call);
  if (t == NULL) {
    gcache_call_done(call, GCACHE_EPEER, NULL, "this cache has no transport");
  } else {
    t->start(t, call);
  }
}

static void on_nobody_waits(struct gcache_job_s *job) {
  gcache_call_t *call = gci_container_of(job, gcache_call_t, job);
  gcache_transport_t *t = call->core->transport;
  if (!has_cancel(t)) return;
  if (!call->forsaken && call->maker->deadline_ms(call) != 0) return;
  call->told = 1;
  t->cancel(t, call);
}

static void fill(gcache_call_t *call, const struct gci_call_maker *maker, gcache_t *core,
                 struct gci_peer *peer, gcache_op_t op) {
  *call = (gcache_call_t){.maker = maker,
                          .core = core,
                          .peer = gci_peer_ref(peer),
                          .op = op,
                          .trace = gcache_value_ref(core->trace)};
  gci_job_init(&call->job, on_start);
}

void gci_call_begin(gcache_call_t *call, const struct gci_call_maker *maker, gcache_group_t *group,
                    struct gci_peer *peer, gcache_op_t op, gcache_bytes_t key,
                    gcache_value_t *value) {
  fill(call, maker, group->core, peer, op);
  call->group = group;
  call->group_name = group->name;
  call->key = key;
  call->value = value;
  gci_group_hold(group);
  gci_env_defer(group->core->env, GCI_QUESTIONS, &call->job);
}

void gci_call_begin_bare(gcache_call_t *call, const struct gci_call_maker *maker, gcache_t *core,
                         struct gci_peer *peer, gcache_op_t op, const char *group_name,
                         gcache_bytes_t key) {
  fill(call, maker, core, peer, op);
  call->group_name = group_name;
  call->key = key;
  call->anyway = 1;
  gci_countdown_take(&core->life);
  gci_env_hold(core->env);
  gci_env_defer(core->env, GCI_QUESTIONS, &call->job);
}

void gci_call_hint(gcache_call_t *call) {
  if (!call->started || call->told || gci_job_queued(&call->job)) return;
  call->job.run = on_nobody_waits;
  gci_env_defer(call->core->env, GCI_QUESTIONS, &call->job);
}

void gci_call_forsake(gcache_call_t *call) {
  call->forsaken = 1;
  gci_call_hint(call);
}

void gcache_call_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  assert(call->started);
  if (status > 0) status = GCACHE_EPEER;
  if (status == 0 && call->op == GCACHE_OP_GET && value == NULL) status = GCACHE_EPEER;
  if (status != 0 || call->op != GCACHE_OP_GET) {
    gcache_value_unref(value);
    value = NULL;
  }
  if (call->forsaken && status == UV_ECANCELED) status = status_of_down(call);
  count_end(call, status);
  gci_health_answered(call, status, reason);
  if (call->leaving != GCI_CALL_SILENT)
    gci_health_leaving(call->core, call->peer, call->leaving == GCI_CALL_LEAVING);
  end(call, status, value, reason);
}

/* ------------------------------------------------------------------------------ questions ---- */

gcache_op_t gcache_call_op(const gcache_call_t *call) {
  return call->op;
}

const char *gcache_call_peer(const gcache_call_t *call) {
  return call->peer->url;
}

const char *gcache_call_group(const gcache_call_t *call) {
  return call->group_name;
}

gcache_bytes_t gcache_call_key(const gcache_call_t *call) {
  return call->key;
}

gcache_value_t *gcache_call_value(const gcache_call_t *call) {
  return call->value;
}

/* The transport tells the peer this time: it is more or less than when the call started, if callers
 * have come or left before it was sent. */
uint64_t gcache_call_time_left_ms(gcache_call_t *call) {
  if (call->forsaken) return 0;
  uint64_t at_ms = call->maker->deadline_ms(call);
  if (at_ms != 0) call->granted_ms = at_ms;
  return gci_core_time_left_ms(call->core, at_ms);
}

int gcache_call_only_cached(const gcache_call_t *call) {
  return call->only_cached;
}

const char *gcache_call_newcomer(const gcache_call_t *call) {
  return call->as_newcomer ? call->core->self : NULL;
}

int64_t gcache_call_newer_than(const gcache_call_t *call) {
  return call->newer_than;
}

void gcache_call_set_stale(gcache_call_t *call, uint64_t stale_ms) {
  call->stale_ms = stale_ms;
}

void gcache_call_set_not_found(gcache_call_t *call, uint64_t not_found_ms) {
  call->not_found_ms = not_found_ms;
}

void gcache_call_set_leaving(gcache_call_t *call, int leaving) {
  call->leaving = leaving ? GCI_CALL_LEAVING : GCI_CALL_STAYING;
}

void gcache_call_set_data(gcache_call_t *call, void *data) {
  call->data = data;
}

void *gcache_call_data(const gcache_call_t *call) {
  return call->data;
}
