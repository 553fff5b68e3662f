#include "deeds.h"

#include <inttypes.h>

#include "client.h"

static struct sim_rng *rng_of(struct world *w) {
  return &w->time.rng;
}

const char *world_weather_word(enum world_weather_kind weather) {
  static const char *const words[] = {"calm",  "lists", "loss", "partition",
                                      "crash", "mixed", "dead"};
  return words[weather];
}

/* One of the living, or NULL. */
static struct world_member *some_member(struct world *w) {
  int n = w->config.n_members, first = (int)sim_rng_below(rng_of(w), (uint64_t)n);
  for (int i = 0; i < n; i++) {
    struct world_member *m = &w->members[(first + i) % n];
    if (world_member_runs(m)) return m;
  }
  return NULL;
}

/* Low keys more often. */
static unsigned some_key(struct world *w) {
  return (unsigned)sim_rng_below(rng_of(w), 1 + sim_rng_below(rng_of(w), w->config.n_keys));
}

/* Who has all the time there is waits for ever for a peer that has fallen silent. */
static uint64_t some_timeout(struct world *w) {
  static const uint64_t timeouts[] = {0, 0, 0, 0, 1, 3, 10, 30, 100, 300, 2000, GCACHE_NO_TIMEOUT};
  uint64_t ms = timeouts[sim_rng_below(rng_of(w), sizeof timeouts / sizeof timeouts[0])];
  return ms == GCACHE_NO_TIMEOUT && !w->config.is_patient ? 3000 : ms;
}

/* Of one group. */
static size_t some_keys(struct world *w, unsigned keys[WORLD_MANY_MAX]) {
  unsigned first = some_key(w);
  size_t n = sim_rng_between(rng_of(w), 1, WORLD_MANY_MAX);
  for (size_t i = 0; i < n; i++) {
    unsigned key = some_key(w);
    key -= (key + PROMISES_GROUPS - first % PROMISES_GROUPS) % PROMISES_GROUPS;
    keys[i] = key < w->config.n_keys ? key : first;
  }
  return n;
}

/* ---- what programs do ---- */

static void deed_get(struct world *w, struct world_member *m) {
  uint64_t timeout_ms = some_timeout(w);
  world_client_get(m, some_key(w), timeout_ms);
}

static void deed_burst(struct world *w, struct world_member *m) {
  unsigned key = some_key(w);
  uint64_t n = sim_rng_between(rng_of(w), 2, 8);
  for (uint64_t i = 0; i < n && m != NULL; i++) {
    world_client_get(m, key, some_timeout(w));
    if (sim_rng_percent(rng_of(w), 60)) m = some_member(w);
  }
}

static void deed_sweep(struct world *w, struct world_member *m) {
  unsigned first = some_key(w);
  for (unsigned i = 0; i < 16 && i < w->config.n_keys; i++)
    world_client_get(m, (first + i) % w->config.n_keys, 0);
}

static void deed_get_many(struct world *w, struct world_member *m) {
  unsigned keys[WORLD_MANY_MAX];
  size_t n = some_keys(w, keys);
  int together = sim_rng_percent(rng_of(w), 50);
  world_client_get_many(m, keys, n, some_timeout(w), together);
}

static void deed_remove_many(struct world *w, struct world_member *m) {
  unsigned keys[WORLD_MANY_MAX];
  size_t n = some_keys(w, keys);
  world_client_remove_many(m, keys, n, some_timeout(w));
}

static void deed_cancel(struct world *w, struct world_member *m) {
  uint64_t n = sim_rng_between(rng_of(w), 1, 4);
  for (uint64_t i = 0; i < n; i++)
    world_client_cancel(m);
}

static void deed_peek(struct world *w, struct world_member *m) {
  world_client_peek(m, some_key(w));
}

static void deed_set(struct world *w, struct world_member *m) {
  int brief = sim_rng_percent(rng_of(w), w->config.ttl_percent);
  uint64_t ttl_ms = brief ? sim_rng_between(rng_of(w), 5, 1500) : 0;
  uint64_t timeout_ms = some_timeout(w);
  world_client_change(m, PROMISES_SET, some_key(w), timeout_ms, ttl_ms);
}

static void deed_remove(struct world *w, struct world_member *m) {
  uint64_t timeout_ms = some_timeout(w);
  world_client_change(m, PROMISES_REMOVE, some_key(w), timeout_ms, 0);
}

static void deed_clear(struct world *w, struct world_member *m) {
  uint64_t timeout_ms = some_timeout(w);
  world_client_change(m, PROMISES_CLEAR, some_key(w), timeout_ms, 0);
}

/* Asked, changed and asked again, with a patient change: what P2 is about. */
static void deed_race(struct world *w, struct world_member *m) {
  unsigned key = some_key(w);
  struct world_member *other = some_member(w);
  enum promises_kind kind = sim_rng_percent(rng_of(w), 50) ? PROMISES_SET : PROMISES_REMOVE;
  world_client_get(m, key, 0);
  if (other != NULL) world_client_get(other, key, 0);
  world_client_change(m, kind, key, 0, 0);
  other = some_member(w);
  if (other != NULL) world_client_get(other, key, 0);
}

static void deed_probe(struct world *w, struct world_member *m) {
  (void)w;
  world_member_probe(m);
}

static void deed_same_list(struct world *w, struct world_member *m) {
  (void)w;
  if (m->list != 0) world_member_set_list(m, m->list);
}

/* ---- what befalls them ---- */

static void deed_other_list(struct world *w, struct world_member *m) {
  uint64_t list = sim_rng_next(rng_of(w)) & w->everybody;
  if (sim_rng_percent(rng_of(w), 30)) list = w->everybody;
  if (!m->is_client) list |= UINT64_C(1) << m->index;
  if (sim_rng_percent(rng_of(w), 10)) list = 0;
  world_member_set_list(m, list);
}

static void deed_one_list(struct world *w, struct world_member *m) {
  (void)m;
  for (int i = 0; i < w->config.n_members; i++)
    if (world_member_runs(&w->members[i])) world_member_set_list(&w->members[i], w->everybody);
}

static void deed_part(struct world *w, struct world_member *m) {
  uint64_t side = sim_rng_next(rng_of(w)) & ((UINT64_C(1) << WORLD_HOSTS) - 1);
  (void)m;
  world_net_part(&w->net, side, sim_rng_percent(rng_of(w), 30));
  w->counts[WORLD_COUNT_PART]++;
  sim_trace(&w->time, "partition, side %" PRIx64, side);
}

static void deed_heal(struct world *w, struct world_member *m) {
  (void)m;
  world_net_part(&w->net, 0, 0);
  sim_trace(&w->time, "the network is whole");
}

static void deed_crash(struct world *w, struct world_member *m) {
  world_member_crash(m, sim_rng_percent(rng_of(w), 50));
}

static void deed_close(struct world *w, struct world_member *m) {
  (void)w;
  world_member_close(m);
}

static void deed_leave(struct world *w, struct world_member *m) {
  (void)w;
  world_member_leave(m);
}

static void deed_restart(struct world *w, struct world_member *unused) {
  (void)unused;
  for (int i = 0; i < w->config.n_members; i++) {
    struct world_member *m = &w->members[i];
    if (m->life != WORLD_DOWN || sim_rng_percent(rng_of(w), 30)) continue;
    world_member_start(m, w->everybody);
    return;
  }
}

static void open_or_close(void *arg) {
  struct world_group *g = arg;
  if (g->member->life != WORLD_LIVING) return;
  if (g->group == NULL)
    world_group_start(g);
  else if (!g->closing && sim_rng_percent(rng_of(g->member->world), 40))
    world_group_stop(g);
}

static void deed_group(struct world *w, struct world_member *m) {
  world_member_do(m, open_or_close, &m->groups[sim_rng_below(rng_of(w), PROMISES_GROUPS)]);
}

static void deed_clock(struct world *w, struct world_member *m) {
  world_member_jump_clock(m, (int64_t)sim_rng_below(rng_of(w), 3000) - 1000);
}

static void deed_stop(struct world *w, struct world_member *m) {
  uint64_t max_us = sim_rng_percent(rng_of(w), 50) ? 100000 : WORLD_STOP_MAX_US;
  world_member_stop(m, 1 + sim_rng_below(rng_of(w), max_us));
}

/* Killed while it stands still; or it is never let go on. */
static void deed_crash_stopped(struct world *w, struct world_member *m) {
  (void)m;
  for (int i = 0; i < w->config.n_members; i++) {
    if (!w->members[i].host.stopped || w->members[i].life == WORLD_DOWN) continue;
    world_member_crash(&w->members[i], sim_rng_percent(rng_of(w), 50));
    return;
  }
}

static void deed_hour(struct world *w, struct world_member *m) {
  int64_t hour_ms = 3600000 + (int64_t)sim_rng_below(rng_of(w), 2000) - 1000;
  world_member_jump_clock(m, sim_rng_percent(rng_of(w), 50) ? hour_ms : -hour_ms);
}

/* ---- one by chance ---- */

static const struct {
  void (*run)(struct world *w, struct world_member *m);
  unsigned weights[WORLD_WEATHERS]; /* calm, lists, loss, partition, crash, mixed */
  int is_wide;
} deeds[] = {
    {deed_get, {40, 40, 40, 40, 40, 40}, 0},     {deed_burst, {8, 8, 8, 8, 8, 8}, 0},
    {deed_cancel, {7, 7, 7, 7, 7, 7}, 0},        {deed_peek, {6, 6, 6, 6, 6, 6}, 0},
    {deed_set, {6, 6, 6, 6, 6, 6}, 0},           {deed_remove, {6, 6, 6, 6, 6, 6}, 0},
    {deed_clear, {2, 2, 2, 2, 2, 2}, 0},         {deed_race, {6, 2, 6, 6, 6, 4}, 0},
    {deed_get_many, {6, 6, 6, 6, 6, 6}, 0},      {deed_remove_many, {4, 4, 4, 4, 4, 4}, 0},
    {deed_probe, {2, 1, 1, 1, 2, 1}, 0},         {deed_sweep, {2, 2, 2, 2, 2, 2}, 0},
    {deed_same_list, {2, 0, 2, 0, 2, 0}, 0},     {deed_other_list, {0, 10, 0, 0, 1, 2}, 0},
    {deed_one_list, {0, 2, 0, 0, 2, 4}, 0},      {deed_part, {0, 0, 0, 4, 0, 2}, 0},
    {deed_heal, {0, 0, 0, 6, 0, 3}, 0},          {deed_crash, {0, 0, 0, 0, 4, 2}, 0},
    {deed_close, {0, 0, 0, 0, 1, 1}, 0},         {deed_restart, {0, 0, 0, 0, 9, 6}, 0},
    {deed_group, {0, 0, 2, 0, 4, 3}, 0},         {deed_clock, {0, 0, 0, 0, 2, 1}, 0},
    {deed_leave, {0, 1, 0, 0, 3, 2}, 0},         {deed_stop, {0, 0, 4, 4, 8, 6}, 1},
    {deed_crash_stopped, {0, 0, 0, 0, 3, 2}, 1}, {deed_hour, {0, 0, 0, 0, 4, 3}, 1},
};
#define N_DEEDS (sizeof deeds / sizeof deeds[0])

static unsigned weight(const struct world *w, size_t deed, enum world_weather_kind weather) {
  return deeds[deed].is_wide && !w->config.is_wide ? 0 : deeds[deed].weights[weather];
}

void world_deed(struct world *w, enum world_weather_kind weather) {
  struct world_member *m = some_member(w);
  unsigned sum = 0, dice;
  size_t i = 0;
  if (weather == WORLD_DEAD_ONE) weather = WORLD_CALM;
  if (m == NULL) {
    if (!w->dead.is_on) deed_restart(w, NULL);
    return;
  }
  for (size_t k = 0; k < N_DEEDS; k++)
    sum += weight(w, k, weather);
  for (dice = (unsigned)sim_rng_below(rng_of(w), sum); dice >= weight(w, i, weather); i++)
    dice -= weight(w, i, weather);
  deeds[i].run(w, m);
}

void world_deeds_calm(struct world *w) {
  world_net_calm(&w->net);
  w->faults.off = 1;
  for (int i = 0; i < w->config.n_members; i++)
    world_member_resume(&w->members[i]);
}

void world_deeds_abandon(struct world *w) {
  w->promises.setup.settled = 0;
  for (int i = 0; i < w->config.n_members; i++)
    if (world_member_runs(&w->members[i]) && sim_rng_percent(rng_of(w), 60))
      world_member_close(&w->members[i]);
}
