#include "dead.h"

#include <inttypes.h>

#include "client.h"

#define KEEP_ALIVE_US 1000000
#define HANDOFF_WAIT_US 100000
/* What was asked when they did not agree yet is through. */
#define SETTLES_US 300000

static int is_reborn(const struct world_dead *d) {
  return d->fate == WORLD_FATE_DARK && d->returns != UINT64_MAX;
}

/* Where its machine starts again before anybody has missed it, only the system knows that a
 * connection is none.
 *
 * A member that hangs is found out; whoever owns the key then asks the one before, and runs the getter,
 * once more where the first one was told to stop; there and back over what may be several
 * connections. A connection that was being made to it has to fail before the ping does. */
uint64_t world_dead_patience_us(const struct world *w) {
  const struct world_config *c = &w->config;
  const struct world_dead *d = &w->dead;
  return (3 * c->ping_ms / 2 + 2 * c->connect_timeout_ms) * 1000 + HANDOFF_WAIT_US +
         2 * c->getter_max_us + 40 * w->net.weather.latency_max_us +
         (is_reborn(d) ? KEEP_ALIVE_US : 0);
}

void world_dead_choose(struct world *w, struct sim_rng *rng, uint64_t deeds) {
  struct world_dead *d = &w->dead;
  d->is_on = 1;
  d->member = (int)sim_rng_below(rng, (uint64_t)__builtin_popcountll(w->everybody));
  d->fate = (enum world_fate)sim_rng_below(rng, WORLD_FATES);
  d->strikes = sim_rng_below(rng, deeds / 2 + 1);
  d->returns = sim_rng_percent(rng, 60) ? sim_rng_between(rng, d->strikes, deeds) : UINT64_MAX;
}

/* ---- what befalls it ---- */

/* Whoever asks finds out. */
static void sweep(struct world *w) {
  for (int i = 0; i < w->config.n_members; i++)
    for (unsigned key = 0; key < w->config.n_keys && world_member_runs(&w->members[i]); key++)
      world_client_get(&w->members[i], key, 0);
}

static void strike(struct world *w) {
  struct world_member *m = &w->members[w->dead.member];
  if (m->life != WORLD_LIVING) return;
  if (w->dead.fate == WORLD_FATE_STOPPED)
    world_member_stop(m, UINT32_MAX);
  else
    world_member_crash(m, w->dead.fate == WORLD_FATE_DARK);
  sweep(w);
}

static void come_back(struct world *w) {
  struct world_member *m = &w->members[w->dead.member];
  if (m->life == WORLD_DOWN) world_member_start(m, w->everybody);
  world_member_resume(m);
}

/* What runs now goes on beside what the others begin. */
static void disturb(struct world *w) {
  w->dead.differ_us = w->time.now_us;
  for (unsigned key = 0; key < w->config.n_keys; key++)
    promises_disturbed(&w->promises, key);
}

/* Half of them wait until all know. */
static uint64_t some_time_us(struct world *w) {
  const struct world_config *c = &w->config;
  if (sim_rng_percent(&w->time.rng, 50)) return 0;
  return (3 * c->ping_ms / 2 + 2 * c->connect_timeout_ms) * 1000 + 2 * SETTLES_US;
}

uint64_t world_dead_after(struct world *w, uint64_t deed) {
  if (!w->dead.is_on || (deed != w->dead.strikes && deed != w->dead.returns)) return 0;
  disturb(w);
  if (deed == w->dead.strikes) strike(w);
  if (deed == w->dead.returns) come_back(w);
  return some_time_us(w);
}

int world_dead_excuses(const struct world *w, uint64_t reported, uint64_t ok) {
  for (int i = 0; i < w->config.n_members; i++)
    if ((reported & ~ok) >> i & 1 && world_member_runs(&w->members[i])) return 0;
  return w->dead.is_on;
}

/* ---- who knows ---- */

/* A member that is out because it has missed a change, and was not found to be down, is asked for no
 * key, but is sent changes (docs/rooms/cluster.md, "A change"). */
static int is_asked(const gcache_peer_stats_t *s, const struct world_dead_view *seen) {
  int is_down = s->opened > seen->up_opened;
  return s->gets > seen->gets || (is_down && s->sets > seen->sets);
}

static int knows(struct world_member *m) {
  struct world *w = m->world;
  gcache_peer_stats_t s;
  int agrees = 1;
  for (size_t k = 0; gcache_peer_stats(m->cache, k, &s) == 0; k++) {
    int on = world_member_of_url(w, s.url);
    struct world_dead_view *seen = &w->dead.views[m->index][on];
    int is_up = s.state == GCACHE_PEER_UP, runs = world_member_runs(&w->members[on]);
    if (s.is_self) continue;
    if (!is_up && seen->is_out && seen->opened == s.opened && is_asked(&s, seen))
      promises_break(&w->promises, "P7: member %d asks member %d, which it takes to be down",
                     m->index, on);
    *seen = (struct world_dead_view){.is_out = !is_up,
                                     .opened = s.opened,
                                     .gets = s.gets,
                                     .sets = s.sets,
                                     .up_opened = is_up ? s.opened : seen->up_opened};
    if (is_up != runs || (runs && s.missed > 0)) agrees = 0;
  }
  return agrees;
}

void world_dead_look(struct world *w) {
  struct world_dead *d = &w->dead;
  int agree = 1;
  if (!d->is_on) return;
  for (int i = 0; i < w->config.n_members; i++)
    if (world_member_runs(&w->members[i]) && !knows(&w->members[i])) agree = 0;
  if (!agree) d->differ_us = w->time.now_us;
  d->agree = agree;
}

void world_dead_loads(struct world *w, unsigned key) {
  struct world_dead *d = &w->dead;
  uint64_t settles_us = SETTLES_US;
  if (!d->is_on) return;
  if (w->config.name_percent > 0) settles_us *= 2; /* members are strangers for a while */
  if (is_reborn(d)) settles_us += KEEP_ALIVE_US;   /* its old connections end then */
  world_dead_look(w);
  if (!d->agree || w->time.now_us < d->differ_us + settles_us)
    promises_disturbed(&w->promises, key);
  else if (!world_member_runs(&w->members[d->member]))
    d->loads++;
}
