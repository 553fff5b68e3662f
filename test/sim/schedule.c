#include "schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "member.h"
#include "relist.h"
#include "steps.h"

#define EVENTS_MAX 2000000 /* a hundred times the usual: members keep each other busy for nothing */
#define REST_MAX_US 30000000
#define TTL_MAX_MS 12000
#define TOLD_WITHIN_US 12000000 /* a probe and an exchange */
#define GONE_WITHIN_US 1000000

const char *sim_faults_word(enum sim_faults faults) {
  static const char *const words[] = {"none",  "lists", "loss", "partition",
                                      "crash", "mixed", "dead"};
  return words[faults];
}

static void configure(struct sim_rng *rng, enum sim_faults faults, struct sim_config *config,
                      struct promises_setup *setup) {
  static const gcache_dialect_t dialects[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                              GCACHE_DIALECT_GROUPCACHE_GO, GCACHE_DIALECT_GOLANG};
  int lossy = faults == SIM_FAULTS_LOSS || faults == SIM_FAULTS_MIXED;
  *config = (struct sim_config){
      .n_members = (int)sim_rng_between(rng, 2, SIM_MEMBERS),
      .n_keys = (unsigned)sim_rng_between(rng, 2, 12),
      .small_percent = 50,
      .latency_min_us = 100,
      .latency_max_us = sim_rng_between(rng, 300, 8000),
      .slow_percent = (unsigned)sim_rng_below(rng, 20),
      .slow_us = 50000,
      .loss_percent = lossy ? (unsigned)sim_rng_between(rng, 2, 20) : 0,
      .getter_max_us = 300000,
      .ttl_percent = (unsigned)sim_rng_below(rng, 60),
      .quit_percent = faults == SIM_FAULTS_CRASH || faults == SIM_FAULTS_MIXED ? 4 : 0,
      .max_bytes = sim_rng_between(rng, 64, 128) * 1024,
      .value_typical = sim_rng_between(rng, 200, 20000),
      .dialect = dialects[sim_rng_percent(rng, 60) ? 0 : sim_rng_below(rng, 4)],
  };
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  if (dice < 20) { /* more than memory can hold */
    config->n_keys = 16;
    config->value_typical = SIM_VALUE_MAX - 100;
    config->small_percent = 10;
  } else if (dice < 30) { /* so many entries that the index grows */
    config->n_keys = (unsigned)sim_rng_between(rng, 200, PROMISES_KEYS);
    config->small_percent = 92;
  }
  int quiet = faults == SIM_FAULTS_NONE || faults == SIM_FAULTS_LISTS;
  *setup = (struct promises_setup){
      .keys = config->n_keys,
      .settled = faults == SIM_FAULTS_NONE || faults == SIM_FAULTS_DEAD,
      .patience_us = quiet ? 4 * config->getter_max_us + 20 * config->slow_us : PROMISES_NEVER,
      .stale_us = config->slow_us + 5000,
  };
}

/* In some schedules only: the others show that nothing has changed. */
static void configure_freshness(struct sim_rng *rng, enum sim_faults faults,
                                struct sim_config *config, struct promises_setup *setup) {
  struct promises_fresh *f = &config->fresh;
  config->go_percent = (unsigned)sim_rng_below(rng, 40);
  if (sim_rng_percent(rng, 50)) return;
  if (sim_rng_percent(rng, 60)) f->stale_ms = sim_rng_between(rng, 1, 500);
  if (sim_rng_percent(rng, 60)) f->error_ms = sim_rng_between(rng, 1, 1500);
  if (sim_rng_percent(rng, 60)) f->refresh_ahead_ms = sim_rng_between(rng, 1, 500);
  if (sim_rng_percent(rng, 40)) f->hot_max_ms = sim_rng_between(rng, 10, 1000);
  if (sim_rng_percent(rng, 60)) f->not_found_ms = sim_rng_between(rng, 1, 1500);
  f->is_on = 1;
  f->refresh_us = SIM_DEFAULT_TIMEOUT_MS * 1000;
  f->clocks_jump = faults == SIM_FAULTS_CRASH || faults == SIM_FAULTS_MIXED;
  config->windowed_percent = sim_rng_percent(rng, 30) ? (unsigned)sim_rng_below(rng, 60) : 0;
  if (config->ttl_percent < 40) config->ttl_percent += 40;
  setup->fresh = *f;
}

/* Where lists change, they change while others are on their way, too. */
static void configure_lists(struct sim_rng *rng, enum sim_faults faults,
                            struct sim_config *config) {
  int change = faults == SIM_FAULTS_LISTS || faults == SIM_FAULTS_MIXED;
  if (change && sim_rng_percent(rng, 40)) config->members_at_once = 1;
}

/* So few getters at a time that loads wait, and are refused; an order of chance of its own, so that the
 * other schedules are what they were. How long a request waits depends on the others then. */
static void configure_overload(uint64_t seed, struct sim_config *config,
                               struct promises_setup *setup) {
  struct sim_rng rng = {.state = ~seed};
  if (!sim_rng_percent(&rng, 30)) return;
  config->loads_max = (unsigned)sim_rng_between(&rng, 1, 3);
  config->loads_queued_max = (unsigned)sim_rng_between(&rng, 1, 8);
  setup->loads_max = config->loads_max;
  setup->patience_us = PROMISES_NEVER;
}

/* One that the others have on their lists. */
static void choose_dead(struct sim_schedule *s) {
  struct sim_cluster *c = &s->cluster;
  int others = __builtin_popcountll(s->everybody);
  c->dead = s->faults == SIM_FAULTS_DEAD ? (int)sim_rng_below(&c->world.rng, (uint64_t)others) : -1;
}

/* As with overload. A change takes no longer than quiet_ms from its first member to its last, if it
 * succeeds. */
static void configure_handoff(uint64_t seed, struct sim_config *config,
                              struct promises_setup *setup) {
  struct sim_rng rng = {.state = ~seed * 3};
  if (!sim_rng_percent(&rng, 50)) return;
  config->handoff_ms = sim_rng_between(&rng, 50, 3000);
  config->quiet_ms = 300;
  setup->hands_over = 1;
}

/* As with overload. Owners are late often, and few answers tell what late is. */
static void configure_hedge(uint64_t seed, struct sim_config *config,
                            struct promises_setup *setup) {
  struct sim_rng rng = {.state = ~seed * 55};
  if (!sim_rng_percent(&rng, 30)) return;
  config->health.hedge_percentile = (unsigned)sim_rng_between(&rng, 1, 99);
  config->health.hedge_min_ms = sim_rng_between(&rng, 1, 10);
  config->health.retry_percent = (unsigned)sim_rng_between(&rng, 10, 100);
  config->samples_min = (uint32_t)sim_rng_between(&rng, 1, 4);
  setup->hedged = 1;
}

static void start_members(struct sim_schedule *s) {
  struct sim_cluster *c = &s->cluster;
  struct sim_rng *rng = &c->world.rng;
  int client = c->config.n_members > 2 && sim_rng_percent(rng, 25);
  s->everybody = (UINT64_C(1) << (c->config.n_members - client)) - 1;
  choose_dead(s);
  for (int i = 0; i < c->config.n_members; i++) {
    struct sim_member *m = &c->members[i];
    m->is_client = client && i == c->config.n_members - 1;
    m->hot = sim_rng_percent(rng, 20) ? GCACHE_HOT_OFF : GCACHE_HOT_DEFAULT;
    if (m->is_client && sim_rng_percent(rng, 40)) m->hot = GCACHE_HOT_ON;
    if (s->faults == SIM_FAULTS_CRASH || s->faults == SIM_FAULTS_MIXED)
      m->wall_offset_ns = (int64_t)sim_rng_below(rng, 80000000) - 40000000;
    if (i != c->dead) sim_member_start(m, s->everybody);
  }
}

static int broken(const struct sim_schedule *s) {
  return s->cluster.promises.broken[0] != '\0';
}

static void look(struct sim_schedule *s) {
  s->cluster.promises.now_us = s->cluster.world.now_us;
  promises_look(&s->cluster.promises);
  for (int i = 0; i < s->cluster.config.n_members; i++)
    sim_member_check(&s->cluster.members[i]);
}

static void advance(struct sim_schedule *s, uint64_t by_us) {
  struct sim_world *w = &s->cluster.world;
  uint64_t until = w->now_us + by_us;
  while (!broken(s) && sim_world_next(w) <= until) {
    s->cluster.promises.now_us = sim_world_next(w);
    sim_world_step(w);
    look(s);
    if (w->turn > EVENTS_MAX)
      promises_break(&s->cluster.promises, "P4: %d events, and no end", EVENTS_MAX);
  }
  w->now_us = until;
  look(s);
}

static uint64_t pause_us(struct sim_rng *rng) {
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  if (dice < 40) return 0;
  if (dice < 75) return sim_rng_below(rng, 5000);
  if (dice < 96) return sim_rng_below(rng, 50000);
  return sim_rng_below(rng, 500000);
}

static int at_rest(const struct sim_schedule *s) {
  const struct sim_cluster *c = &s->cluster;
  if (c->promises.n_pending > 0 || !gci_list_empty(&c->network.exchanges)) return 0;
  if (!gci_list_empty(&c->network.hands)) return 0;
  for (int i = 0; i < SIM_MEMBERS; i++)
    if (c->members[i].life != SIM_DOWN && !gci_list_empty(&c->members[i].runs)) return 0;
  return 1;
}

static int all_down(const struct sim_schedule *s) {
  for (int i = 0; i < SIM_MEMBERS; i++)
    if (s->cluster.members[i].life != SIM_DOWN) return 0;
  return 1;
}

static void wait_for(struct sim_schedule *s, int (*what)(const struct sim_schedule *s),
                     const char *words) {
  uint64_t until = s->cluster.world.now_us + REST_MAX_US;
  while (!broken(s) && !what(s) && s->cluster.world.now_us < until)
    advance(s, 10000);
  if (!broken(s) && !what(s))
    promises_break(&s->cluster.promises, "P4: not %s after %d s, %zu callbacks are owed", words,
                   REST_MAX_US / 1000000, s->cluster.promises.n_pending);
}

/* Time passes, or the wall clocks jump. */
static void let_expire(struct sim_schedule *s) {
  struct sim_cluster *c = &s->cluster;
  int jump = sim_rng_percent(&c->world.rng, 50);
  for (int i = 0; jump && i < c->config.n_members; i++)
    if (c->members[i].life == SIM_LIVING) sim_member_jump_clock(&c->members[i], TTL_MAX_MS);
  advance(s, jump ? GONE_WITHIN_US : TTL_MAX_MS * 1000 + GONE_WITHIN_US);
}

/* Who missed a change is told, and then everybody gets everything once more. */
static void tell_all(struct sim_schedule *s) {
  struct sim_cluster *c = &s->cluster;
  advance(s, TOLD_WITHIN_US);
  if (!broken(s) && c->dead < 0) promises_all_told_check(&c->promises);
  for (int i = 0; i < c->config.n_members && !broken(s); i++)
    for (unsigned key = 0; key < c->config.n_keys; key++)
      if (c->members[i].life == SIM_LIVING) sim_client_get(&c->members[i], key, 0);
  wait_for(s, at_rest, "at rest again");
  advance(s, 5000);
}

/* Everybody is answered; what has expired is gone; everybody closes and leaves nothing. */
static void end(struct sim_schedule *s) {
  struct sim_cluster *c = &s->cluster;
  sim_steps_calm(s);
  wait_for(s, at_rest, "at rest");
  tell_all(s);
  for (int i = 0; i < c->config.n_members && !broken(s); i++)
    sim_member_rest(&c->members[i]);
  let_expire(s);
  for (int i = 0; i < c->config.n_members && !broken(s); i++)
    sim_member_probe(&c->members[i]);
  for (int i = 0; i < c->config.n_members && !broken(s); i++)
    if (c->members[i].life == SIM_LIVING) sim_member_close(&c->members[i]);
  wait_for(s, all_down, "closed");
}

void sim_schedule_run(uint64_t seed, enum sim_faults faults, uint64_t steps, int printed,
                      struct sim_result *result) {
  struct sim_schedule *s = sim_new(sizeof *s);
  struct sim_rng rng = {.state = seed};
  struct sim_config config;
  struct promises_setup setup;
  configure(&rng, faults, &config, &setup);
  configure_freshness(&rng, faults, &config, &setup);
  configure_lists(&rng, faults, &config);
  configure_overload(seed, &config, &setup);
  configure_handoff(seed, &config, &setup);
  configure_hedge(seed, &config, &setup);
  s->faults = faults;
  sim_cluster_init(&s->cluster, seed, &config, &setup);
  s->cluster.world.trace_printed = printed;
  s->cluster.promises.now_us = s->cluster.world.now_us;
  if (steps == 0) steps = sim_rng_between(&rng, 80, 200);
  sim_relist_init(s, seed);
  start_members(s);
  for (uint64_t i = 0; i < steps && !broken(s); i++) {
    s->cluster.world.turn++; /* a program acts in a turn of its own */
    sim_step(s);
    result->steps++;
    advance(s, pause_us(&s->cluster.world.rng));
  }
  /* Half of the schedules close in the middle of everything. */
  if (!broken(s) && sim_rng_percent(&s->cluster.world.rng, 50)) sim_steps_abandon(s);
  if (!broken(s)) end(s);
  result->events = s->cluster.world.turn;
  result->messages = s->cluster.network.sent;
  result->trace_hash = s->cluster.world.trace_hash;
  result->deliveries = s->cluster.promises.deliveries;
  result->stale = s->cluster.promises.stale;
  result->shed = s->cluster.promises.shed;
  result->hedges = s->cluster.hedges;
  result->floors_checked = s->cluster.promises.floors_checked;
  memcpy(result->broken, s->cluster.promises.broken, sizeof result->broken);
  sim_cluster_fini(&s->cluster);
  free(s);
}
