#include "relist.h"

#include "client.h"

static struct sim_relist *relist_of(struct sim_event *event) {
  return gci_container_of(event, struct sim_relist, event);
}

static struct sim_schedule *schedule_of(struct sim_relist *re) {
  return gci_container_of(re, struct sim_schedule, relist);
}

static int is_living(const struct sim_schedule *s, int i) {
  return s->cluster.members[i].life == SIM_LIVING;
}

static void wait_some(struct sim_relist *re, uint64_t max_us) {
  struct sim_world *w = &schedule_of(re)->cluster.world;
  re->phase++;
  sim_event_set(w, &re->event, w->now_us + sim_rng_below(&re->rng, max_us));
}

/* Some of them ask for the key. */
static void ask_around(struct sim_relist *re, unsigned percent) {
  struct sim_schedule *s = schedule_of(re);
  for (int i = 0; i < s->cluster.config.n_members; i++)
    if (is_living(s, i) && sim_rng_percent(&re->rng, percent))
      sim_client_get(&s->cluster.members[i], re->key, 0);
}

/* All but the maker. */
static void give_others(struct sim_relist *re, uint64_t list) {
  struct sim_schedule *s = schedule_of(re);
  for (int i = 0; i < s->cluster.config.n_members; i++)
    if (i != re->maker && is_living(s, i)) sim_member_set_list(&s->cluster.members[i], list);
}

static void change(struct sim_relist *re) {
  struct sim_member *m = &schedule_of(re)->cluster.members[re->maker];
  uint64_t timeout_ms = sim_rng_percent(&re->rng, 80) ? 0 : sim_rng_between(&re->rng, 5, 100);
  unsigned dice = (unsigned)sim_rng_below(&re->rng, 100);
  if (!is_living(schedule_of(re), re->maker)) return;
  if (dice < 30)
    sim_client_change(m, PROMISES_SET, re->key, timeout_ms, 0);
  else if (dice < 65)
    sim_client_change(m, PROMISES_REMOVE, re->key, timeout_ms, 0);
  else if (dice < 75)
    sim_client_change(m, PROMISES_CLEAR, re->key, timeout_ms, 0);
  else
    sim_client_remove_many(m, &re->key, 1, timeout_ms);
}

/* The change begins, and the others go over to the list; the maker follows. */
static void begin_change(struct sim_relist *re) {
  struct sim_schedule *s = schedule_of(re);
  int changes_first = sim_rng_percent(&re->rng, 60);
  if (changes_first) change(re);
  if (re->newcomer >= 0 && s->cluster.members[re->newcomer].life == SIM_DOWN)
    sim_member_start(&s->cluster.members[re->newcomer], re->list);
  give_others(re, re->list);
  ask_around(re, 60);
  if (!changes_first) change(re);
  wait_some(re, 2 * s->cluster.config.latency_max_us + 20);
}

static void on_phase(struct sim_event *event) {
  struct sim_relist *re = relist_of(event);
  struct sim_schedule *s = schedule_of(re);
  switch (re->phase) {
  case 1:
    ask_around(re, 40);
    wait_some(re, 50000);
    break;
  case 2:
    begin_change(re);
    break;
  case 3:
    if (is_living(s, re->maker)) sim_member_set_list(&s->cluster.members[re->maker], re->list);
    ask_around(re, 40);
    wait_some(re, 60000);
    break;
  default:
    ask_around(re, 90);
    if (re->phase < 6)
      wait_some(re, 100000);
    else
      re->phase = 0;
  }
}

void sim_relist_init(struct sim_schedule *s, uint64_t seed) {
  struct sim_relist *re = &s->relist;
  int changes = s->faults == SIM_FAULTS_LISTS || s->faults == SIM_FAULTS_CRASH ||
                s->faults == SIM_FAULTS_MIXED;
  *re = (struct sim_relist){.rng = {.state = ~seed * 5}};
  re->is_on = changes && sim_rng_percent(&re->rng, 40);
  sim_event_init(&re->event, on_phase);
}

/* One of those that are no clients; -1: the dice have found none. */
static int some_listed(struct sim_schedule *s) {
  int i = (int)sim_rng_below(&s->relist.rng, (uint64_t)s->cluster.config.n_members);
  return is_living(s, i) && !s->cluster.members[i].is_client ? i : -1;
}

int sim_relist_step(struct sim_schedule *s) {
  struct sim_relist *re = &s->relist;
  struct sim_cluster *c = &s->cluster;
  if (!re->is_on || re->phase != 0 || !sim_rng_percent(&re->rng, 8)) return 0;
  re->maker = (int)sim_rng_below(&re->rng, (uint64_t)c->config.n_members);
  if (!is_living(s, re->maker)) return 0;
  re->key = (unsigned)sim_rng_below(&re->rng, c->config.n_keys);
  re->list = s->everybody | sim_rng_below(&re->rng, 3) << PROMISES_WEIGHTS_SHIFT;
  re->newcomer = s->faults == SIM_FAULTS_LISTS || sim_rng_percent(&re->rng, 50) ? -1
                                                                                : some_listed(s);
  if (re->newcomer == re->maker) re->newcomer = -1;
  if (re->newcomer >= 0) {
    sim_member_crash(&c->members[re->newcomer]);
    uint64_t without = re->list & ~(UINT64_C(1) << re->newcomer);
    give_others(re, without);
    sim_member_set_list(&c->members[re->maker], without);
  } else {
    uint64_t before = s->everybody | sim_rng_below(&re->rng, 3) << PROMISES_WEIGHTS_SHIFT;
    give_others(re, before);
    sim_member_set_list(&c->members[re->maker], before);
  }
  wait_some(re, 5000);
  return 1;
}

void sim_relist_end(struct sim_schedule *s) {
  sim_event_clear(&s->cluster.world, &s->relist.event);
}
