#include "schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "dead.h"
#include "missed.h"

#define EVENTS_MAX \
  1000000 /* a thousand times the usual: members keep each other busy for nothing */
#define REST_MAX_US 60000000
#define TOLD_MAX_US 12000000
#define TTL_MAX_MS 3000
#define GONE_WITHIN_US 1000000
/* What waits for windows of a byte a round trip: a question that HTTP/2 has written, that nobody
 * asks it any more, and a probe behind both. */
#define NARROW_US 60000000

struct schedule {
  struct world w;
  const struct world_run *run;
  struct world_result *result;
  struct sim_rng rng; /* of the configuration: the world's is the events' */
};

/* ---- what kind of world it is ---- */

/* Calls fail, or members are not always there. */
static int is_rough(const struct schedule *s) {
  return s->run->weather >= WORLD_LOSS && s->run->weather != WORLD_DEAD_ONE;
}

static int has_deaths(const struct schedule *s) {
  return s->run->weather == WORLD_CRASH || s->run->weather == WORLD_MIXED;
}

static void configure_weather(struct schedule *s) {
  struct sim_rng *rng = &s->rng;
  struct world_weather *weather = &s->w.net.weather;
  int lossy = s->run->weather == WORLD_LOSS || s->run->weather == WORLD_MIXED;
  *weather = (struct world_weather){
      .latency_min_us = 30,
      .latency_max_us = sim_rng_between(rng, 100, 4000),
      .slow_percent = sim_rng_percent(rng, 50) ? (unsigned)sim_rng_below(rng, 10) : 0,
      .slow_us = 40000,
      .split = (unsigned)sim_rng_below(rng, 10),
      .window_min = 2000,
      .window_max = 64 * 1024,
      .retry_us = 50000,
      .give_up_us = sim_rng_between(rng, 1, 8) * 1000000,
      .resets_destroy = sim_rng_percent(rng, 50),
  };
  weather->split = weather->split < 4 ? 0 : weather->split < 9 ? 1 : 2;
  /* So little at a time that a peer seems to be silent. */
  if (s->run->weather == WORLD_DEAD_ONE) weather->slow_percent = 0;
  if (sim_rng_percent(rng, 10) && s->run->weather != WORLD_CALM &&
      s->run->weather != WORLD_DEAD_ONE)
    weather->window_min = 1, weather->window_max = 200;
  /* A handshake would take longer than anybody waits for a connection. */
  if (s->w.config.is_secure && weather->window_min == 1)
    weather->window_min = weather->window_max = 4000;
  if (!lossy) return;
  weather->reset_permille = (unsigned)sim_rng_below(rng, 20);
  weather->refuse_permille = (unsigned)sim_rng_below(rng, 200);
  weather->hush_permille = sim_rng_percent(rng, 50) ? (unsigned)sim_rng_below(rng, 10) : 0;
}

static void configure_faults(struct schedule *s) {
  struct sim_rng *rng = &s->rng;
  int lossy = s->run->weather == WORLD_LOSS || s->run->weather == WORLD_MIXED;
  if (!lossy || sim_rng_percent(rng, 50)) return;
  for (int op = 0; op < WORLD_OPS_COUNT; op++)
    if (sim_rng_percent(rng, 40)) s->w.faults.permille[op] = (unsigned)sim_rng_below(rng, 60);
  s->w.faults.permille[WORLD_OP_RANDOM] = 0; /* a cache does not open */
  s->w.faults.permille[WORLD_OP_BIND] = s->w.faults.permille[WORLD_OP_LISTEN] = 0;
  s->w.faults.permille[WORLD_OP_OPEN] = 0;
  s->w.faults.permille[WORLD_OP_NAME] = 0;
}

static void configure(struct schedule *s) {
  static const gcache_dialect_t dialects[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                              GCACHE_DIALECT_GROUPCACHE_GO};
  static const unsigned conns[] = {1, 2, 4, 32};
  struct sim_rng *rng = &s->rng;
  struct world_config *c = &s->w.config;
  *c = (struct world_config){
      .n_members = (int)sim_rng_between(rng, 2, sim_rng_percent(rng, 80) ? 3 : 5),
      .n_keys = (unsigned)sim_rng_between(rng, 2, 12),
      .getter_max_us = 300000,
      .ttl_percent = sim_rng_percent(rng, 50) ? (unsigned)sim_rng_below(rng, 60) : 0,
      .work_percent = sim_rng_percent(rng, 30) ? 40 : 0,
      .name_percent = sim_rng_percent(rng, 30) ? 60 : 0,
      .small_percent = sim_rng_percent(rng, 70) ? 100 : 70,
      .value_typical = sim_rng_between(rng, 200, 20000),
      .max_bytes = sim_rng_between(rng, 64, 128) * 1024,
      .timeout_ms = 700,
      .connect_timeout_ms = 300,
      .ping_ms = 400,
      .conns_per_peer = conns[sim_rng_below(rng, 4)],
      .dialect = dialects[sim_rng_percent(rng, 70) ? 0 : sim_rng_below(rng, 3)],
      .quit_percent = has_deaths(s) ? 20 : 0,
      .again_percent = 10,
      .is_patient = !is_rough(s),
  };
  if (s->run->weather == WORLD_DEAD_ONE) { /* soon found out, and no slow getter in its place */
    c->getter_max_us = 50000;
    c->ping_ms = sim_rng_between(rng, 50, 400);
    c->connect_timeout_ms = sim_rng_between(rng, 50, 300);
  }
  if (sim_rng_percent(rng, 40)) c->handoff_ms = sim_rng_percent(rng, 50) ? 200 : GCACHE_NO_HANDOFF;
  if (sim_rng_percent(rng, 30)) c->who = GCACHE_ACCESS_ANYONE;
  if (WORLD_TLS && sim_rng_percent(rng, 20)) c->is_signed = 1;
  /* What OpenSSL has allocated for a member, a crash would leak. */
  if (c->dialect != GCACHE_DIALECT_GCACHE || s->run->weather >= WORLD_CRASH) c->is_signed = 0;
  if (sim_rng_percent(rng, 20) && is_rough(s)) c->missed_max = 1 + (unsigned)sim_rng_below(rng, 3);
  if (c->who == GCACHE_ACCESS_ANYONE || c->is_signed) c->client_percent = 40;
  if (WORLD_HTTP2 && sim_rng_percent(rng, 30)) c->http = GCACHE_HTTP_2;
  if (sim_rng_percent(rng, 20)) c->http = GCACHE_HTTP_1;
}

/* Next owners are asked beside those that are late. Drawn like what is wide. Where one is dead, who
 * loads what is counted. */
static void configure_hedge(struct schedule *s) {
  struct sim_rng rng = {.state = ~s->run->seed * 55};
  if (s->run->weather == WORLD_DEAD_ONE || s->w.torture || !sim_rng_percent(&rng, 25)) return;
  s->w.config.hedge_percentile = (unsigned)sim_rng_between(&rng, 1, 99);
}

static int is_tortured(const struct world_run *run) {
  const struct world_torture *t = &run->torture;
  return t->allocation > 0 || t->call > 0 || t->close > 0 || t->log != NULL;
}

/* Drawn from an order of chance of its own, so that what is not wide stays as it was. */
static void configure_wide(struct schedule *s) {
  struct sim_rng rng = {.state = ~s->run->seed * 5};
  struct world_config *c = &s->w.config;
  c->n_hosts = 7;
  c->is_secure = WORLD_TLS && s->run->secure && !has_deaths(s);
  if (!s->run->wide) return;
  c->n_hosts = WORLD_HOSTS;
  c->is_wide = 1;
  if (sim_rng_percent(&rng, 30)) c->n_members = (int)sim_rng_between(&rng, 6, 9);
  if (sim_rng_percent(&rng, 8) && s->run->weather <= WORLD_PARTITION && !is_tortured(s->run))
    c->is_secure = WORLD_TLS;
  if (sim_rng_percent(&rng, 30) && has_deaths(s)) c->skew_max_s = 3600;
}

/* In some schedules only: the others show that nothing has changed. */
static void configure_freshness(struct schedule *s, struct promises_fresh *f) {
  struct sim_rng *rng = &s->rng;
  if (sim_rng_percent(rng, 70)) return;
  if (sim_rng_percent(rng, 60)) f->stale_ms = sim_rng_between(rng, 1, 500);
  if (sim_rng_percent(rng, 60)) f->error_ms = sim_rng_between(rng, 1, 1500);
  if (sim_rng_percent(rng, 60)) f->refresh_ahead_ms = sim_rng_between(rng, 1, 500);
  if (sim_rng_percent(rng, 40)) f->hot_max_ms = sim_rng_between(rng, 10, 1000);
  if (sim_rng_percent(rng, 60)) f->not_found_ms = sim_rng_between(rng, 1, 1500);
  f->is_on = 1;
  f->refresh_us = s->w.config.timeout_ms * 1000;
  f->clocks_jump = has_deaths(s);
  if (s->w.config.ttl_percent < 40) s->w.config.ttl_percent += 40;
}

static uint64_t narrow_us(const struct schedule *s) {
  return s->w.net.weather.window_min == 1 ? NARROW_US : 0;
}

static void open_promises(struct schedule *s) {
  struct promises_setup setup = {
      .keys = s->w.config.n_keys,
      .settled = (s->run->weather == WORLD_CALM || s->run->weather == WORLD_DEAD_ONE) &&
                 !s->w.torture,
      .patience_us = PROMISES_NEVER,
      .stale_us = 2 * s->w.config.timeout_ms * 1000,
      .unseen = 1,
      .hedged = s->w.config.hedge_percentile != 0,
      .hands_over = s->run->weather == WORLD_DEAD_ONE,
      .failing = s->w.torture || s->w.net.weather.reset_permille > 0 || is_rough(s),
  };
  if (s->w.config.is_wide) setup.stale_us += WORLD_STOP_MAX_US;
  setup.stale_us += narrow_us(s);
  if (s->run->weather == WORLD_DEAD_ONE && !s->w.torture) {
    setup.stale_us += 2000000;
  }
  configure_freshness(s, &setup.fresh);
  promises_open(&s->w.promises, &setup);
  s->w.promises.now_us = s->w.time.now_us;
}

static int64_t skew_ns(struct world *w) {
  uint64_t max_ns = w->config.skew_max_s * 1000000000;
  return (int64_t)sim_rng_below(&w->time.rng, 2 * max_ns + 1) - (int64_t)max_ns;
}

static void start_members(struct schedule *s) {
  struct world *w = &s->w;
  struct sim_rng *rng = &w->time.rng;
  int client = w->config.n_members > 2 && sim_rng_percent(rng, w->config.client_percent);
  w->everybody = (UINT64_C(1) << (w->config.n_members - client)) - 1;
  for (int i = 0; i < w->config.n_members; i++) {
    struct world_member *m = &w->members[i];
    m->is_client = client && i == w->config.n_members - 1;
    m->hot = sim_rng_percent(rng, 20) ? GCACHE_HOT_OFF : GCACHE_HOT_DEFAULT;
    if (has_deaths(s)) m->host.wall_offset_ns = (int64_t)sim_rng_below(rng, 80000000) - 40000000;
    if (w->config.skew_max_s > 0) m->host.wall_offset_ns += skew_ns(w);
    world_member_start(m, w->everybody);
    if (m->life == WORLD_DOWN) world_member_start(m, w->everybody); /* it was made to fail */
  }
}

/* ---- time passes ---- */

static int broken(const struct schedule *s) {
  return s->w.promises.broken[0] != '\0';
}

static void look(struct schedule *s) {
  s->w.promises.now_us = s->w.time.now_us;
  promises_look(&s->w.promises);
  world_dead_look(&s->w);
  world_missed_look(&s->w);
  for (int i = 0; i < s->w.config.n_members; i++)
    world_member_check(&s->w.members[i]);
}

/* The moment has come at which a member is to close. */
static void close_in_time(struct schedule *s) {
  const struct world_torture *t = &s->run->torture;
  struct world_member *m = &s->w.members[t->member];
  if (t->close == 0 || s->result->closed || s->w.time.turn < t->close) return;
  if (!world_member_runs(m)) return;
  s->result->closed = 1;
  world_member_close(m);
}

static void advance(struct schedule *s, uint64_t by_us) {
  struct sim_world *time = &s->w.time;
  uint64_t until = time->now_us + by_us;
  while (!broken(s) && sim_world_next(time) <= until) {
    s->w.promises.now_us = sim_world_next(time);
    sim_world_step(time);
    close_in_time(s);
    look(s);
    if (time->turn > EVENTS_MAX)
      promises_break(&s->w.promises, "P4: %d events, and no end", EVENTS_MAX);
  }
  time->now_us = until;
  look(s);
}

static uint64_t pause_us(struct sim_rng *rng) {
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  if (dice < 40) return 0;
  if (dice < 75) return sim_rng_below(rng, 5000);
  if (dice < 96) return sim_rng_below(rng, 50000);
  return sim_rng_below(rng, 500000);
}

/* ---- the end ---- */

static int at_rest(struct schedule *s) {
  if (s->w.promises.n_pending > 0) return 0;
  for (int i = 0; i < WORLD_HOSTS; i++) {
    struct world_member *m = &s->w.members[i];
    if (m->life != WORLD_DOWN && !gci_list_empty(&m->runs)) return 0;
    if (m->life == WORLD_LIVING && !world_member_idles(m)) return 0;
  }
  return 1;
}

static int all_down(struct schedule *s) {
  for (int i = 0; i < WORLD_HOSTS; i++)
    if (s->w.members[i].life != WORLD_DOWN) return 0;
  return 1;
}

static void wait_for(struct schedule *s, int (*what)(struct schedule *s), uint64_t max_us,
                     const char *words) {
  uint64_t until = s->w.time.now_us + max_us;
  while (!broken(s) && !what(s) && s->w.time.now_us < until)
    advance(s, 10000);
  if (!broken(s) && !what(s))
    promises_break(&s->w.promises, "P4: not %s after %d s, %zu callbacks are owed", words,
                   (int)(max_us / 1000000), s->w.promises.n_pending);
}

/* Time passes, or the wall clocks jump. */
static void let_expire(struct schedule *s) {
  struct world *w = &s->w;
  int jump = sim_rng_percent(&w->time.rng, 50);
  for (int i = 0; jump && i < w->config.n_members; i++)
    if (w->members[i].life == WORLD_LIVING) world_member_jump_clock(&w->members[i], TTL_MAX_MS);
  advance(s, jump ? GONE_WITHIN_US : TTL_MAX_MS * 1000 + GONE_WITHIN_US);
}

static int all_told(struct schedule *s) {
  return world_missed_all_told(&s->w);
}

/* Those who live know of all that they have missed, within the time of some probes. */
static void tell_missed(struct schedule *s) {
  struct world *w = &s->w;
  if (w->torture || broken(s) || promises_epoch(&w->promises) == 0) return;
  wait_for(s, all_told, TOLD_MAX_US + narrow_us(s), "told of all changes");
  for (int i = 0; i < w->config.n_members && !broken(s); i++)
    for (unsigned key = 0; key < w->config.n_keys && !broken(s); key++)
      if (w->members[i].life == WORLD_LIVING) world_client_peek(&w->members[i], key);
}

/* Everybody is answered; what has expired is gone; everybody closes and leaves nothing. */
static void end(struct schedule *s) {
  struct world *w = &s->w;
  int fresh = w->config.ttl_percent > 0;
  world_deeds_calm(w);
  wait_for(s, at_rest, REST_MAX_US, "at rest");
  for (int i = 0; i < w->config.n_members && !broken(s); i++)
    world_member_rest(&w->members[i]);
  tell_missed(s);
  if (fresh) let_expire(s);
  for (int i = 0; i < w->config.n_members && !broken(s) && fresh; i++)
    world_member_probe(&w->members[i]);
  for (int i = 0; i < w->config.n_members && !broken(s); i++)
    if (w->members[i].life == WORLD_LIVING) world_member_close(&w->members[i]);
  wait_for(s, all_down, REST_MAX_US, "closed");
}

static void apply_torture(struct schedule *s) {
  const struct world_torture *t = &s->run->torture;
  s->w.fail_allocation = t->allocation;
  s->w.fail_lasting = t->lasting;
  s->w.faults.fail_at = t->call;
  s->w.faults.variant = t->variant;
  s->w.faults.log = t->log;
  s->w.faults.log_cap = t->log == NULL ? 0 : t->log_cap;
  s->w.torture = t->allocation > 0 || t->call > 0 || t->close > 0;
}

static void report(const struct schedule *s) {
  struct world_result *r = s->result;
  r->events = s->w.time.turn;
  r->trace_hash = s->w.time.trace_hash;
  r->allocations = s->w.allocations;
  r->calls = s->w.faults.calls;
  r->refused = s->w.refused;
  r->faults = world_faults_injected(&s->w.faults);
  r->connections = s->w.net.connections;
  r->bytes = s->w.net.bytes;
  r->resets = s->w.net.resets;
  memcpy(r->counts, s->w.counts, sizeof r->counts);
  memcpy(r->injected, s->w.faults.injected, sizeof r->injected);
  r->counts[WORLD_COUNT_RESET] = s->w.net.resets;
  r->counts[WORLD_COUNT_REFUSED] = s->w.net.refused;
  r->counts[WORLD_COUNT_HUSHED] = s->w.net.hushed;
  r->counts[WORLD_COUNT_MEMORY] = s->w.refused;
  r->misses = s->w.misses_noted;
  r->told = s->w.misses_told;
  r->told_all = s->w.misses_told_all;
  r->secure = s->w.tls != NULL;
  r->dead_loads = s->w.dead.loads;
  r->deliveries = s->w.promises.deliveries;
  r->floors_checked = s->w.promises.floors_checked;
  memcpy(r->broken, s->w.promises.broken, sizeof r->broken);
}

void world_schedule_run(const struct world_run *run, struct world_result *result) {
  struct schedule *s = sim_new(sizeof *s);
  uint64_t deeds;
  memset(result, 0, sizeof *result);
  s->run = run;
  s->result = result;
  s->rng.state = run->seed;
  configure(s);
  configure_wide(s);
  world_init(&s->w, run->seed);
  s->w.time.trace_printed = run->printed;
  apply_torture(s);
  configure_hedge(s);
  configure_weather(s);
  open_promises(s);
  deeds = run->deeds > 0 ? run->deeds : sim_rng_between(&s->rng, 10, 40);
  start_members(s);
  configure_faults(s);
  if (run->weather == WORLD_DEAD_ONE) world_dead_choose(&s->w, &s->rng, deeds);
  if (run->weather == WORLD_DEAD_ONE && !s->w.torture)
    s->w.promises.setup.patience_us = world_dead_patience_us(&s->w);
  for (uint64_t i = 0; i < deeds && !broken(s); i++) {
    s->w.time.turn++;
    world_deed(&s->w, run->weather);
    result->deeds++;
    advance(s, world_dead_after(&s->w, i));
    advance(s, pause_us(&s->w.time.rng));
  }
  /* Some schedules close in the middle of everything. */
  if (!broken(s) && sim_rng_percent(&s->w.time.rng, 40)) world_deeds_abandon(&s->w);
  if (!broken(s)) end(s);
  report(s);
  world_fini(&s->w);
  free(s);
}
