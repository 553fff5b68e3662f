#include "steps.h"

#include <inttypes.h>

#include "client.h"
#include "relist.h"

static struct sim_rng *rng_of(struct sim_schedule *s) {
  return &s->cluster.world.rng;
}

/* One of the living, or NULL. */
static struct sim_member *some_member(struct sim_schedule *s) {
  int n = s->cluster.config.n_members;
  int first = (int)sim_rng_below(rng_of(s), (uint64_t)n);
  for (int i = 0; i < n; i++) {
    struct sim_member *m = &s->cluster.members[(first + i) % n];
    if (m->life == SIM_LIVING) return m;
  }
  return NULL;
}

/* Low keys more often. */
static unsigned some_key(struct sim_schedule *s) {
  unsigned n = s->cluster.config.n_keys;
  return (unsigned)sim_rng_below(rng_of(s), 1 + sim_rng_below(rng_of(s), n));
}

static uint64_t some_timeout(struct sim_schedule *s) {
  static const uint64_t timeouts[] = {0, 0, 0, 1, 3, 10, 30, 100, 300, 2000, GCACHE_NO_TIMEOUT};
  return timeouts[sim_rng_below(rng_of(s), sizeof timeouts / sizeof timeouts[0])];
}

/* ---- what programs do ---- */

static void step_get(struct sim_schedule *s, struct sim_member *m) {
  uint64_t timeout_ms = some_timeout(s);
  sim_client_get(m, some_key(s), timeout_ms);
}

static void step_burst(struct sim_schedule *s, struct sim_member *m) {
  unsigned key = some_key(s);
  uint64_t n = sim_rng_between(rng_of(s), 2, 12);
  for (uint64_t i = 0; i < n; i++) {
    sim_client_get(m, key, some_timeout(s));
    if (sim_rng_percent(rng_of(s), 60)) m = some_member(s);
  }
}

/* Many keys, one after the other. */
static void step_sweep(struct sim_schedule *s, struct sim_member *m) {
  unsigned n_keys = s->cluster.config.n_keys, first = some_key(s);
  for (unsigned i = 0; i < n_keys && i < 200; i++)
    sim_client_get(m, (first + i) % n_keys, 0);
}

/* Keys of one group, low ones more often, some twice. */
static size_t some_keys(struct sim_schedule *s, unsigned keys[SIM_MANY_MAX]) {
  unsigned n_keys = s->cluster.config.n_keys, first = some_key(s);
  size_t n = sim_rng_between(rng_of(s), 1, SIM_MANY_MAX);
  for (size_t i = 0; i < n; i++) {
    unsigned key = some_key(s);
    key -= (key + PROMISES_GROUPS - first % PROMISES_GROUPS) % PROMISES_GROUPS;
    keys[i] = key < n_keys ? key : first;
  }
  return n;
}

static void step_get_many(struct sim_schedule *s, struct sim_member *m) {
  unsigned keys[SIM_MANY_MAX];
  size_t n = some_keys(s, keys);
  int together = sim_rng_percent(rng_of(s), 50);
  sim_client_get_many(m, keys, n, some_timeout(s), together);
}

static void step_remove_many(struct sim_schedule *s, struct sim_member *m) {
  unsigned keys[SIM_MANY_MAX];
  size_t n = some_keys(s, keys);
  sim_client_remove_many(m, keys, n, some_timeout(s));
}

static void get_many_somewhere(struct sim_schedule *s, const unsigned *keys, size_t n) {
  int together = sim_rng_percent(rng_of(s), 50);
  sim_client_get_many(some_member(s), keys, n, 0, together);
}

/* As step_race, with many. */
static void step_race_many(struct sim_schedule *s, struct sim_member *m) {
  unsigned keys[SIM_MANY_MAX];
  size_t n = some_keys(s, keys);
  get_many_somewhere(s, keys, n);
  sim_client_remove_many(m, keys, n, 0);
  get_many_somewhere(s, keys, n);
}

static void step_cancel(struct sim_schedule *s, struct sim_member *m) {
  uint64_t n = sim_rng_between(rng_of(s), 1, 5);
  for (uint64_t i = 0; i < n; i++)
    sim_client_cancel(m);
}

static void step_peek(struct sim_schedule *s, struct sim_member *m) {
  sim_client_peek(m, some_key(s));
}

static void step_set(struct sim_schedule *s, struct sim_member *m) {
  uint64_t ttl_ms = sim_rng_percent(rng_of(s), 30) ? sim_rng_between(rng_of(s), 5, 1500) : 0;
  uint64_t timeout_ms = some_timeout(s);
  sim_client_change(m, PROMISES_SET, some_key(s), timeout_ms, ttl_ms);
}

static void step_remove(struct sim_schedule *s, struct sim_member *m) {
  uint64_t timeout_ms = some_timeout(s);
  sim_client_change(m, PROMISES_REMOVE, some_key(s), timeout_ms, 0);
}

static void step_clear(struct sim_schedule *s, struct sim_member *m) {
  uint64_t timeout_ms = some_timeout(s);
  sim_client_change(m, PROMISES_CLEAR, some_key(s), timeout_ms, 0);
}

/* Asked, changed and asked again, with a patient change: what P2 is about. */
static void step_race(struct sim_schedule *s, struct sim_member *m) {
  unsigned key = some_key(s);
  step_burst(s, m);
  sim_client_get(m, key, 0);
  sim_client_change(m, sim_rng_percent(rng_of(s), 50) ? PROMISES_SET : PROMISES_REMOVE, key, 0, 0);
  sim_client_get(some_member(s), key, 0);
}

static void step_probe(struct sim_schedule *s, struct sim_member *m) {
  (void)s;
  sim_member_probe(m);
}

static void step_same_list(struct sim_schedule *s, struct sim_member *m) {
  (void)s;
  if (m->list != 0) sim_member_set_list(m, m->list);
}

/* ---- what befalls them ---- */

static void step_other_list(struct sim_schedule *s, struct sim_member *m) {
  uint64_t list = sim_rng_next(rng_of(s)) & s->everybody;
  if (sim_rng_percent(rng_of(s), 30)) list = s->everybody;
  if (!m->is_client) list |= UINT64_C(1) << m->index;
  if (sim_rng_percent(rng_of(s), 10)) list = 0;
  sim_member_set_list(m, list);
}

static void step_one_list(struct sim_schedule *s, struct sim_member *m) {
  (void)m;
  for (int i = 0; i < s->cluster.config.n_members; i++)
    if (s->cluster.members[i].life == SIM_LIVING)
      sim_member_set_list(&s->cluster.members[i], s->everybody);
}

static void step_part(struct sim_schedule *s, struct sim_member *m) {
  uint64_t side = sim_rng_next(rng_of(s)) & ((UINT64_C(1) << SIM_MEMBERS) - 1);
  (void)m;
  sim_network_part(&s->cluster.network, side, sim_rng_percent(rng_of(s), 30));
  sim_trace(&s->cluster.world, "partition, side %" PRIx64, side);
}

static void step_heal(struct sim_schedule *s, struct sim_member *m) {
  (void)m;
  sim_network_part(&s->cluster.network, 0, 0);
  sim_trace(&s->cluster.world, "the network is whole");
}

static void step_crash(struct sim_schedule *s, struct sim_member *m) {
  (void)s;
  sim_member_crash(m);
}

static void step_close(struct sim_schedule *s, struct sim_member *m) {
  (void)s;
  sim_member_close(m);
}

static void on_left(gcache_leave_t *req, int status, const gcache_left_t *left) {
  struct sim_member *m = req->data;
  promises_upcall(&m->cluster->promises, "the end of a leave");
  sim_trace(&m->cluster->world, "m%d has left: %d, %d given", m->index, status, (int)left->given);
}

static void step_leave(struct sim_schedule *s, struct sim_member *m) {
  if (m->cluster->config.handoff_ms == 0) return;
  m->leave.data = m;
  promises_enter(&m->cluster->promises);
  int status = gcache_leave(&m->leave, &m->core, some_timeout(s), on_left);
  promises_leave(&m->cluster->promises);
  sim_trace(&s->cluster.world, "m%d leaves: %d", m->index, status);
}

static void step_restart(struct sim_schedule *s, struct sim_member *unused) {
  (void)unused;
  for (int i = 0; i < s->cluster.config.n_members; i++) {
    struct sim_member *m = &s->cluster.members[i];
    if (m->life != SIM_DOWN || sim_rng_percent(rng_of(s), 30)) continue;
    sim_member_start(m, s->everybody);
    return;
  }
}

static void step_group(struct sim_schedule *s, struct sim_member *m) {
  struct sim_group *g = &m->groups[sim_rng_below(rng_of(s), PROMISES_GROUPS)];
  if (g->group == NULL)
    sim_group_start(g);
  else if (!g->closing && sim_rng_percent(rng_of(s), 40))
    sim_group_stop(g);
}

static void step_clock(struct sim_schedule *s, struct sim_member *m) {
  sim_member_jump_clock(m, (int64_t)sim_rng_below(rng_of(s), 3000) - 1000);
}

/* ---- one by chance ---- */

static const struct {
  void (*run)(struct sim_schedule *s, struct sim_member *m);
  unsigned weights[SIM_FAULTS_KINDS]; /* none, lists, loss, partition, crash, mixed */
} steps[] = {
    {step_get, {40, 40, 40, 40, 40, 40}},   {step_burst, {8, 8, 8, 8, 8, 8}},
    {step_cancel, {7, 7, 7, 7, 7, 7}},      {step_peek, {6, 6, 6, 6, 6, 6}},
    {step_set, {6, 6, 6, 6, 6, 6}},         {step_remove, {6, 6, 6, 6, 6, 6}},
    {step_clear, {2, 2, 2, 2, 2, 2}},       {step_race, {6, 2, 6, 6, 6, 4}},
    {step_get_many, {8, 8, 8, 8, 8, 8}},    {step_remove_many, {4, 4, 4, 4, 4, 4}},
    {step_race_many, {4, 1, 4, 4, 4, 3}},   {step_probe, {3, 1, 1, 1, 3, 1}},
    {step_sweep, {3, 3, 3, 3, 3, 3}},       {step_same_list, {2, 0, 2, 0, 2, 0}},
    {step_other_list, {0, 10, 0, 0, 1, 2}}, {step_one_list, {0, 2, 0, 0, 2, 4}},
    {step_part, {0, 0, 0, 4, 0, 2}},        {step_heal, {0, 0, 0, 6, 0, 3}},
    {step_crash, {0, 0, 0, 0, 4, 2}},       {step_close, {0, 0, 0, 0, 1, 1}},
    {step_leave, {0, 1, 1, 0, 3, 2}},       {step_restart, {0, 0, 0, 0, 9, 6}},
    {step_group, {0, 0, 2, 0, 4, 3}},       {step_clock, {0, 0, 0, 0, 2, 1}},
};
#define N_STEPS (sizeof steps / sizeof steps[0])

void sim_step(struct sim_schedule *s) {
  enum sim_faults kind = s->faults == SIM_FAULTS_DEAD ? SIM_FAULTS_NONE : s->faults;
  unsigned sum = 0;
  if (sim_relist_step(s)) return;
  struct sim_member *m = some_member(s);
  if (m == NULL) {
    step_restart(s, NULL);
    return;
  }
  for (size_t i = 0; i < N_STEPS; i++)
    sum += steps[i].weights[kind];
  unsigned dice = (unsigned)sim_rng_below(rng_of(s), sum);
  size_t i = 0;
  for (; dice >= steps[i].weights[kind]; i++)
    dice -= steps[i].weights[kind];
  steps[i].run(s, m);
}

void sim_steps_calm(struct sim_schedule *s) {
  sim_relist_end(s);
  s->cluster.config.loss_percent = 0;
  step_heal(s, NULL);
}

void sim_steps_abandon(struct sim_schedule *s) {
  s->cluster.promises.setup.settled = 0;
  for (int i = 0; i < s->cluster.config.n_members; i++)
    if (s->cluster.members[i].life == SIM_LIVING && sim_rng_percent(rng_of(s), 60))
      sim_member_close(&s->cluster.members[i]);
}
