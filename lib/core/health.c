/* core/health - see health.h. A peer that is not in the list in force is no longer watched: its
 * timer finds nothing to do. */
#include "core/health.h"

#include <assert.h>
#include <uv.h>

#include "core/group.h"

enum {
  FAILURES_MAX = 3,
  PROBE_MIN_MS = 250,
  PROBE_MAX_MS = 8000,
  PROBE_MS = 1000,
  SILENT_MS = 5000,
  RETRY_PERCENT = 10,
  HEDGE_MIN_MS = 5,
  LEVEL_MAX = 32,
  CREDIT_FIRST = 1000 /* hundredths of a question */
};

static const struct gci_call_maker ping_maker;
static void go_on(struct gci_peer *peer);
static void watch(struct gci_health *h);

static struct gci_peer *peer_of(struct gci_health *h) {
  return gci_container_of(h, struct gci_peer, health);
}

static struct gci_health_terms *terms_of(const struct gci_health *h) {
  return &h->core->health.terms;
}

static int is_listed(const struct gci_peer *peer) {
  const struct gci_peers *peers = &peer->health.core->peers;
  return gci_peers_index(peers, peer) < peers->n;
}

/* ---------------------------------------------------------------------------------- asked ---- */

int gci_health_is_up(const struct gci_peer *peer) {
  return peer->health.state == GCI_UP;
}

int gci_health_is_out(const struct gci_peer *peer) {
  return peer->health.state != GCI_UP || peer->health.leaving;
}

int gci_health_is_down(const struct gci_peer *peer) {
  return peer->health.down;
}

uint64_t gci_health_down_ms(const struct gci_peer *peer) {
  const struct gci_health *h = &peer->health;
  return h->state == GCI_UP ? 0 : gci_env_mono_ms(h->core->env) - h->since_ms;
}

gcache_peer_state_t gci_health_state(const struct gci_peer *peer) {
  if (peer->health.state == GCI_DOWN) return GCACHE_PEER_DOWN;
  if (peer->health.state == GCI_PROBING) return GCACHE_PEER_PROBING;
  return peer->health.leaving ? GCACHE_PEER_LEAVING : GCACHE_PEER_UP;
}

/* ---------------------------------------------------------------------------------- times ---- */

/* Without memory the timer is not set; the next get that would have gone to the peer looks at
 * due_ms. */
static void set_timer(struct gci_health *h, uint64_t in_ms) {
  h->due_ms = gci_env_after_ms(h->core->env, in_ms);
  gci_env_deadline(h->core->env, &h->timer, h->due_ms);
}

static uint64_t draw(struct gci_healths *all, uint64_t below) {
  all->random ^= all->random << 13;
  all->random ^= all->random >> 7;
  all->random ^= all->random << 17;
  return all->random % below;
}

static uint64_t back_off_ms(struct gci_health *h) {
  const gcache_health_t *set = &terms_of(h)->set;
  uint64_t ms = set->probe_min_ms;
  for (uint32_t i = 0; i < h->level && ms < set->probe_max_ms; i++)
    ms = ms > UINT64_MAX / 2 ? UINT64_MAX : 2 * ms;
  if (ms > set->probe_max_ms) ms = set->probe_max_ms;
  if (h->level < LEVEL_MAX) h->level++;
  return ms - draw(&h->core->health, ms / 2 + 1);
}

/* A peer that is leaving gets no requests whose answers could say that it stays. */
static void rest(struct gci_health *h) {
  if (!h->leaving || h->state != GCI_UP || h->step != GCI_AT_REST) return;
  if (gci_deadline_is_set(&h->timer) || h->core->closing) return;
  h->lull = 1;
  set_timer(h, terms_of(h)->set.probe_max_ms);
}

/* ---------------------------------------------------------------------------------- states ---- */

/* In the list on its way, too. */
static void mark(const struct gci_peer *peer) {
  gcache_t *core = peer->health.core;
  gci_peers_mark(&core->peers, peer);
  if (core->lists.next != NULL) gci_peers_mark(&core->lists.next->fresh, peer);
  gci_health_listed(core);
}

static void leave_up(struct gci_health *h, enum gci_health_state state) {
  h->lull = 0;
  if (h->state == GCI_UP) h->since_ms = gci_env_mono_ms(h->core->env);
  h->state = (uint8_t)state;
}

static void wait_down(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  leave_up(h, GCI_DOWN);
  if (h->step == GCI_PINGING) return; /* wait_down() follows when the ping has ended */
  h->step = GCI_AT_REST;
  set_timer(h, back_off_ms(h));
}

static void forsake_calls(struct gci_health *h) {
  gci_list_each(link, &h->calls) {
    gci_call_forsake(gci_container_of(link, gcache_call_t, under_way));
  }
}

static void go_down(struct gci_peer *peer, int why, const char *reason) {
  struct gci_health *h = &peer->health;
  gcache_t *core = h->core;
  if (core->closing || !is_listed(peer)) return;
  wait_down(peer);
  if (h->down) return;
  h->down = 1;
  h->why = why;
  peer->stats.opened++;
  if (reason == NULL || reason[0] == '\0') reason = gci_core_error_text(core, why);
  gci_env_log(core->env, GCACHE_LOG_WARN, "peer %s is down: %s", peer->url, reason);
  mark(peer);
  forsake_calls(h);
}

static void go_up(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  if (h->down)
    gci_env_log(h->core->env, GCACHE_LOG_INFO, "peer %s is back after %llu ms", peer->url,
                (unsigned long long)gci_health_down_ms(peer));
  h->state = GCI_UP;
  h->step = GCI_AT_REST;
  h->down = 0;
  h->failures = 0;
  h->unanswered = 0;
  mark(peer);
  if (peer->stats.running > 0)
    watch(h); /* what it has owed all the while */
  else
    rest(h);
}

/* ---------------------------------------------------------------------------------- pings ---- */

static int can_ping(const gcache_t *core) {
  const gcache_transport_t *t = core->transport;
  return t != NULL && t->size >= offsetof(gcache_transport_t, can) + sizeof t->can &&
         (t->can & GCACHE_CAN_PING) != 0;
}

/* Nobody waits for a ping, so it does not keep the loop alive. */
static void ping(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  gcache_t *core = h->core;
  h->step = GCI_PINGING;
  set_timer(h, terms_of(h)->probe_ms);
  gci_call_begin_bare(&h->ping, &ping_maker, core, peer, GCACHE_OP_PING, "", gcache_cstr(""));
  gci_link_init(&h->ping.under_way);
  gci_list_push_back(&core->health.pings, &h->ping.under_way);
  gci_env_release(core->env);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  const struct gci_health *h = &call->peer->health;
  if (h->core->closing || !is_listed(call->peer)) return 0;
  return gci_env_mono_ms(h->core->env) < h->due_ms ? h->due_ms : 0;
}

static uint64_t half_of_silence_ms(const struct gci_health *h) {
  uint64_t ms = terms_of(h)->silent_ms;
  return ms / 2 + ms % 2;
}

/* In two halves, so that the peer is pinged after at most one and a half times silent_ms of
 * silence. */
static void watch(struct gci_health *h) {
  h->silences = 0;
  h->lull = 0;
  h->lives_seen = h->lives;
  set_timer(h, half_of_silence_ms(h));
}

static void on_pinged(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct gci_peer *peer = call->peer;
  struct gci_health *h = &peer->health;
  int is_there = status == 0 || status == UV_ENOTSUP;
  (void)value;
  gci_env_hold(h->core->env); /* as when the ping began; released by core/call */
  gci_link_unlink(&call->under_way);
  h->step = GCI_AT_REST;
  gci_env_deadline_clear(h->core->env, &h->timer);
  if (h->core->closing) return;
  if (status == UV_ECANCELED) status = UV_ETIMEDOUT;
  if (h->state == GCI_DOWN)
    wait_down(peer); /* the peer went down meanwhile */
  else if (!is_there && (h->state == GCI_PROBING || status != UV_ENOMEM))
    go_down(peer, status, reason);
  else if (h->state == GCI_PROBING)
    go_on(peer);
  else if (peer->stats.running > 0)
    watch(h);
  else
    rest(h);
}

static const struct gci_call_maker ping_maker = {deadline_ms, on_pinged};

/* ---------------------------------------------------------------------------------- probes ---- */

/* Nonzero: the peer is being told what it has missed, or cannot be told now. */
static int tell(struct gci_peer *peer) {
  gcache_t *core = peer->health.core;
  int rc = core->health.tell == NULL ? 0 : core->health.tell(core, peer);
  if (rc > 0) peer->health.step = GCI_TELLING;
  if (rc < 0) go_down(peer, rc, NULL);
  return rc;
}

/* The peer has given a sign of life. */
static void go_on(struct gci_peer *peer) {
  if (tell(peer) == 0) go_up(peer);
}

static void begin_probe(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  leave_up(h, GCI_PROBING);
  if (tell(peer) != 0) return;
  if (can_ping(h->core))
    ping(peer);
  else
    go_up(peer);
}

static void count_failure(struct gci_peer *peer, int why, const char *reason) {
  struct gci_health *h = &peer->health;
  h->epoch++;
  if (++h->failures >= terms_of(h)->set.failures_max) go_down(peer, why, reason);
}

/* The peer has been silent for long enough. */
static void doubt(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  if (can_ping(h->core)) {
    ping(peer);
    return;
  }
  count_failure(peer, UV_ETIMEDOUT, "it owes answers and is silent");
  if (h->state == GCI_UP) watch(h);
}

/* The peer may owe answers, and was watched for a while. */
static void look_for_life(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  if (peer->stats.running == 0 && h->unanswered == 0) {
    rest(h);
    return;
  }
  if (h->lives != h->lives_seen) {
    watch(h);
  } else if (h->silences > 0) {
    doubt(peer);
  } else {
    h->silences++;
    set_timer(h, half_of_silence_ms(h));
  }
}

/* With a transport that cannot ping, only answers to requests can tell. */
static void look_for_stay(struct gci_peer *peer) {
  peer->health.lull = 0;
  if (peer->health.leaving && can_ping(peer->health.core)) ping(peer);
}

static void come_due(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  if (h->step == GCI_PINGING)
    gci_call_hint(&h->ping);
  else if (h->core->closing || h->step == GCI_TELLING || !is_listed(peer))
    return;
  else if (h->state == GCI_DOWN)
    begin_probe(peer);
  else if (h->state == GCI_UP && h->lull)
    look_for_stay(peer);
  else if (h->state == GCI_UP)
    look_for_life(peer);
}

static void on_due(struct gcache_deadline_s *timer) {
  come_due(peer_of(gci_container_of(timer, struct gci_health, timer)));
}

void gci_health_look(struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  if (h->core == NULL || gci_deadline_is_set(&h->timer)) return;
  if (gci_env_mono_ms(h->core->env) >= h->due_ms) come_due(peer);
}

/* ---------------------------------------------------------------------------------- told ---- */

static void on_missed(struct gcache_job_s *job) {
  struct gci_peer *peer = peer_of(gci_container_of(job, struct gci_health, job));
  struct gci_health *h = &peer->health;
  if (!h->core->closing && h->state == GCI_PROBING && h->step == GCI_AT_REST) begin_probe(peer);
}

void gci_health_missed(gcache_t *core, struct gci_peer *peer) {
  struct gci_health *h = &peer->health;
  h->core = core;
  if (core->closing || h->state != GCI_UP) return;
  leave_up(h, GCI_PROBING);
  h->why = 0;
  mark(peer);
  if (h->step == GCI_AT_REST) gci_env_deadline_clear(core->env, &h->timer);
  if (!gci_job_queued(&h->job)) gci_env_defer(core->env, GCI_QUESTIONS, &h->job);
}

void gci_health_told(gcache_t *core, struct gci_peer *peer, int status) {
  struct gci_health *h = &peer->health;
  if (h->step == GCI_TELLING) h->step = GCI_AT_REST;
  if (core->closing || h->state != GCI_PROBING || h->step != GCI_AT_REST) return;
  if (status == 0)
    go_on(peer);
  else
    go_down(peer, status, NULL);
}

void gci_health_leaving(gcache_t *core, struct gci_peer *peer, int leaving) {
  peer->health.core = core;
  if (peer->health.leaving == (leaving != 0)) return;
  peer->health.leaving = leaving != 0;
  mark(peer);
  rest(&peer->health);
}

void gci_health_left(struct gci_peer *peer) {
  if (peer->health.step == GCI_PINGING && !is_listed(peer)) gci_call_hint(&peer->health.ping);
}

/* ---------------------------------------------------------------------------------- fed ---- */

void gci_health_asked(gcache_call_t *call) {
  struct gci_health *h = &call->peer->health;
  call->epoch = h->epoch;
  h->core = call->core;
  if (call->anyway) return;
  gci_list_push_back(&h->calls, &call->under_way);
  if (gci_deadline_is_set(&h->timer) && !h->lull) return;
  if (h->step == GCI_AT_REST)
    watch(h);
  else
    gci_health_look(call->peer);
}

/* Answers that only a live peer can have given. */
static int is_life(const gcache_call_t *call, int status) {
  if (call->only_cached && (status == UV_ENOENT || status == UV_EPERM)) return 1;
  if (call->op == GCACHE_OP_GIVE && status == UV_EEXIST) return 1;
  if (call->op == GCACHE_OP_GET && status == UV_ETIMEDOUT) return 1; /* the peer's own answer */
  return status == 0 || status == GCACHE_ENOTFOUND || status == GCACHE_ELOAD ||
         status == GCACHE_ENOROOM || status == GCACHE_ENOGROUP;
}

/* No peer can be reached there. */
static int is_unreachable(int status) {
  switch (status) {
  case UV_ECONNREFUSED:
  case UV_EHOSTUNREACH:
  case UV_EHOSTDOWN:
  case UV_ENETUNREACH:
  case UV_ENETDOWN:
  case UV_EADDRNOTAVAIL:
  case UV_EAI_ADDRFAMILY:
  case UV_EAI_AGAIN:
  case UV_EAI_FAIL:
  case UV_EAI_FAMILY:
  case UV_EAI_NODATA:
  case UV_EAI_NONAME:
    return 1;
  default:
    return 0;
  }
}

/* Statuses that say nothing about the peer. */
static int is_neutral(const gcache_call_t *call, int status) {
  switch (status) {
  case UV_ECANCELED:
  case UV_ENOMEM:
  case UV_ENOTSUP:
  case UV_EACCES:
  case UV_EINVAL:
  case UV_EMSGSIZE:
  case GCACHE_EBUSY:
    return 1;
  case UV_ETIMEDOUT:
    return gci_env_mono_ms(call->core->env) + 1 >= call->granted_ms;
  default:
    return 0;
  }
}

void gci_health_answered(gcache_call_t *call, int status, const char *reason) {
  struct gci_peer *peer = call->peer;
  struct gci_health *h = &peer->health;
  gci_link_unlink(&call->under_way);
  if (is_life(call, status)) {
    h->lives++;
    h->failures = 0;
    h->unanswered = 0;
    if (call->op != GCACHE_OP_PING) h->level = 0;
    return;
  }
  if (call->op == GCACHE_OP_PING || call->forsaken) return;
  h->unanswered++;
  if (is_neutral(call, status) || h->state != GCI_UP || call->epoch != h->epoch) return;
  if (is_unreachable(status))
    go_down(peer, status, reason);
  else
    count_failure(peer, status, reason);
}

/* ---------------------------------------------------------------------------------- life ---- */

void gci_health_init(struct gci_health *h) {
  *h = (struct gci_health){0};
  gci_deadline_init(&h->timer, on_due);
  gci_job_init(&h->job, on_missed);
  gci_list_init(&h->calls);
}

void gci_health_fini(struct gci_health *h) {
  if (h->core == NULL) return;
  gci_env_deadline_clear(h->core->env, &h->timer);
  gci_defer_cancel(&h->job);
}

static void fill_in(struct gci_health_terms *terms) {
  gcache_health_t *set = &terms->set;
  if (set->failures_max == 0) set->failures_max = FAILURES_MAX;
  if (set->retry_percent == 0) set->retry_percent = RETRY_PERCENT;
  if (set->probe_min_ms == 0) set->probe_min_ms = PROBE_MIN_MS;
  if (set->probe_max_ms == 0) set->probe_max_ms = PROBE_MAX_MS;
  if (set->hedge_min_ms == 0) set->hedge_min_ms = HEDGE_MIN_MS;
  if (terms->samples_min == 0) terms->samples_min = GCI_LATENCY_LEAST;
  if (terms->probe_ms == 0) terms->probe_ms = PROBE_MS;
  if (terms->silent_ms == 0) terms->silent_ms = SILENT_MS;
}

void gci_health_open(gcache_t *core, const struct gci_health_terms *terms) {
  struct gci_healths *all = &core->health;
  *all = (struct gci_healths){.terms = *terms, .credit = CREDIT_FIRST};
  gci_list_init(&all->pings);
  fill_in(&all->terms);
  all->random = gci_hash_keyed(&core->hash_key, gcache_cstr("health")) | 1;
}

void gci_health_close(gcache_t *core) {
  for (size_t i = 0; i < core->peers.n; i++) {
    struct gci_health *h = &core->peers.list[i]->health;
    if (h->core == NULL) continue;
    gci_env_deadline_clear(core->env, &h->timer);
  }
  gci_list_each(link, &core->health.pings) {
    gci_call_hint(gci_container_of(link, gcache_call_t, under_way));
  }
}
