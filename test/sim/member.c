#include "member.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "driver.h"
#include "source.h"

/* ---- groups ---- */

const char *sim_group_word(unsigned group) {
  static const char *const words[PROMISES_GROUPS] = {"even", "odd"};
  return words[group];
}

int sim_group_of_word(const char *word) {
  for (unsigned g = 0; g < PROMISES_GROUPS; g++)
    if (strcmp(word, sim_group_word(g)) == 0) return (int)g;
  return -1;
}

void sim_group_start(struct sim_group *g) {
  struct sim_member *m = g->member;
  gcache_group_options_t o;
  memset(&o, 0, sizeof o);
  o.size = sizeof o;
  o.max_bytes = m->cluster->config.max_bytes;
  o.getter = sim_source_asked;
  o.cancel = sim_source_hinted;
  o.data = g;
  o.hot = m->hot;
  o.stale_ms = m->cluster->config.fresh.stale_ms;
  o.error_ms = m->cluster->config.fresh.error_ms;
  o.refresh_ahead_ms = m->cluster->config.fresh.refresh_ahead_ms;
  o.hot_max_ms = m->cluster->config.fresh.hot_max_ms;
  o.not_found_ms = m->cluster->config.fresh.not_found_ms;
  o.loads_max = m->cluster->config.loads_max;
  o.loads_queued_max = m->cluster->config.loads_queued_max;
  int status = gcache_group_open(&g->group, &m->core, sim_group_word(g->index), &o);
  if (status != 0)
    promises_break(&m->cluster->promises, "member %d: group %u did not open: %d", m->index,
                   g->index, status);
  g->closing = 0;
  promises_group_closing(&m->cluster->promises, m->index, g->index, 0);
}

static void on_group_closed(void *arg) {
  struct sim_group *g = arg;
  promises_upcall(&g->member->cluster->promises, "a group's closed");
  if (g->group == NULL)
    promises_break(&g->member->cluster->promises, "P10: member %d: group %u was closed twice",
                   g->member->index, g->index);
  g->group = NULL;
  sim_trace(&g->member->cluster->world, "m%d group %u is closed", g->member->index, g->index);
}

void sim_group_stop(struct sim_group *g) {
  struct promises *p = &g->member->cluster->promises;
  g->closing = 1;
  promises_group_closing(p, g->member->index, g->index, 1);
  promises_enter(p);
  gcache_group_close(g->group, on_group_closed, g);
  promises_leave(p);
}

/* ---- life ---- */

void sim_member_init(struct sim_cluster *c, int index) {
  struct sim_member *m = &c->members[index];
  m->cluster = c;
  m->index = index;
  snprintf(m->url, sizeof m->url, "http://10.0.0.%d:8080", index + 1);
  gci_list_init(&m->blocks);
  gci_list_init(&m->runs);
  gci_list_init(&m->gets);
  gci_list_init(&m->changes);
  gci_list_init(&m->batches);
  gci_list_init(&m->spent);
  m->mono_offset_us = sim_rng_below(&c->world.rng, 100000000);
}

static void open_core(struct sim_member *m) {
  struct sim_world *w = &m->cluster->world;
  struct gci_core_options o;
  memset(&o, 0, sizeof o);
  o.self = m->is_client ? NULL : m->url;
  o.dialect = m->cluster->config.dialect;
  o.replicas = 50;
  o.timeout_ms = SIM_DEFAULT_TIMEOUT_MS;
  o.key_max = SIM_KEY_MAX;
  o.value_max = SIM_VALUE_MAX;
  o.members_at_once = m->cluster->config.members_at_once;
  o.handoff.handoff_ms = m->cluster->config.handoff_ms;
  o.handoff.wait_ms = 40;
  o.handoff.quiet_ms = m->cluster->config.quiet_ms;
  o.health.set = m->cluster->config.health;
  o.health.samples_min = m->cluster->config.samples_min;
  o.transport = &m->transport;
  for (size_t i = 0; i < sizeof o.hash_seed; i++)
    o.hash_seed[i] = (unsigned char)sim_rng_next(&w->rng);
  int status = gci_core_open(&m->core, &m->env, &o);
  if (status != 0)
    promises_break(&m->cluster->promises, "member %d did not open: %d", m->index, status);
}

static void on_ended(struct sim_event *event);

static int is_at_once(const struct sim_member *m, uint64_t list) {
  size_t limit = m->cluster->config.members_at_once;
  return limit == 0 || (size_t)__builtin_popcountll(list & UINT32_MAX) <= limit;
}

void sim_member_start(struct sim_member *m, uint64_t list) {
  struct sim_cluster *c = m->cluster;
  gcache_mem_t user = {.resize = sim_driver_resize, .data = m};
  sim_event_init(&m->turn, sim_driver_turned);
  sim_event_init(&m->alarm, sim_driver_alarmed);
  sim_event_init(&m->end, on_ended);
  memset(&m->core, 0xa5, sizeof m->core);
  memset(&m->env, 0xa5, sizeof m->env);
  m->held = 0;
  m->mem = gci_mem_new(&user);
  gci_env_init(&m->env, m->mem, &sim_driver, m, NULL, NULL);
  sim_network_transport(&c->network, m);
  open_core(m);
  m->life = SIM_LIVING;
  m->list = 0;
  promises_up(&c->promises, m->index, m->is_client, is_at_once(m, list) ? list : 0);
  if (m->is_client && m->hot == GCACHE_HOT_ON) promises_keeps_unreached(&c->promises, m->index);
  if (list != 0) sim_member_set_list(m, list);
  for (unsigned g = 0; g < PROMISES_GROUPS; g++) {
    m->groups[g] = (struct sim_group){.member = m, .index = g};
    sim_group_start(&m->groups[g]);
  }
  sim_trace(&c->world, "m%d starts, list %" PRIx64, m->index, list);
}

void sim_member_set_list(struct sim_member *m, uint64_t list) {
  struct sim_cluster *c = m->cluster;
  const char *urls[SIM_MEMBERS];
  unsigned weights[SIM_MEMBERS];
  unsigned tilt = (unsigned)(list >> PROMISES_WEIGHTS_SHIFT);
  size_t n = 0;
  for (int i = 0; i < SIM_MEMBERS; i++)
    if (list >> i & 1) urls[n++] = c->members[i].url;
  for (size_t i = n; i > 1; i--) {
    size_t j = sim_rng_below(&c->world.rng, i);
    const char *url = urls[i - 1];
    urls[i - 1] = urls[j];
    urls[j] = url;
  }
  for (size_t i = 0; i < n; i++)
    weights[i] = 1 + ((unsigned)sim_member_of_url(c, urls[i]) + tilt) % 3;
  m->list = list;
  promises_enter(&c->promises);
  int status = gci_core_set_peers(&m->core, urls, urls, weights, n);
  promises_leave(&c->promises);
  if (status != 0)
    promises_break(&c->promises, "member %d: list %" PRIx64 " was refused: %d", m->index, list,
                   status);
  sim_trace(&c->world, "m%d is given list %" PRIx64, m->index, list);
}

void sim_member_listed(struct sim_member *m) {
  struct sim_cluster *c = m->cluster;
  uint64_t list = 0;
  for (size_t i = 0; i < m->core.peers.n; i++)
    list |= UINT64_C(1) << sim_member_of_url(c, m->core.peers.list[i]->url);
  if (list != 0) list |= m->list >> PROMISES_WEIGHTS_SHIFT << PROMISES_WEIGHTS_SHIFT;
  promises_list(&c->promises, m->index, list);
  sim_client_listed(m);
  sim_trace(&c->world, "m%d list %" PRIx64 " in force", m->index, list);
}

/* Its memory is gone, and the promises expect nothing of it any more. */
static void forget(struct sim_member *m) {
  struct sim_world *w = &m->cluster->world;
  sim_event_clear(w, &m->turn);
  sim_event_clear(w, &m->alarm);
  sim_event_clear(w, &m->end);
  sim_source_forget(m);
  sim_client_forget(m);
  m->cluster->hedges += m->core.health.hedges;
  promises_down(&m->cluster->promises, m->index);
  sim_driver_drop_blocks(m);
  memset(m->groups, 0, sizeof m->groups);
  m->held = 0;
  m->life = SIM_DOWN;
}

void sim_member_crash(struct sim_member *m) {
  sim_trace(&m->cluster->world, "m%d crashes", m->index);
  sim_network_crashed(&m->cluster->network, m->index);
  forget(m);
}

static void on_ended(struct sim_event *event) {
  struct sim_member *m = gci_container_of(event, struct sim_member, end);
  struct promises *p = &m->cluster->promises;
  unsigned pending = promises_pending_of(p, m->index);
  gci_core_fini(&m->core);
  gci_env_fini(&m->env);
  if (pending > 0)
    promises_break(p, "P10: member %d closed and %u callbacks are owed", m->index, pending);
  if (m->held) promises_break(p, "P9: member %d closed and holds its loop", m->index);
  if (m->mem->bytes != 0 || m->mem->blocks != 0)
    promises_break(p, "P5: member %d closed and left %zu bytes in %zu blocks", m->index,
                   m->mem->bytes, m->mem->blocks);
  gci_mem_unref(m->mem);
  if (!gci_list_empty(&m->blocks) && p->broken[0] == '\0')
    promises_break(p, "P5: member %d closed and left memory", m->index);
  sim_trace(&m->cluster->world, "m%d is closed", m->index);
  forget(m);
}

static int knows(const struct sim_member *m, int dead) {
  for (size_t i = 0; i < m->core.peers.n; i++) {
    const struct gci_peer *peer = m->core.peers.list[i];
    if (sim_member_of_url(m->cluster, peer->url) == dead) return gci_health_is_out(peer);
  }
  return 1;
}

int sim_member_all_know(const struct sim_cluster *c) {
  for (int i = 0; c->dead >= 0 && i < c->config.n_members; i++)
    if (c->members[i].life == SIM_LIVING && !knows(&c->members[i], c->dead)) return 0;
  return 1;
}

static void on_core_closed(void *arg) {
  struct sim_member *m = arg;
  struct sim_world *w = &m->cluster->world;
  promises_upcall(&m->cluster->promises, "a cache's closed");
  sim_event_set(w, &m->end, w->now_us);
}

void sim_member_close(struct sim_member *m) {
  struct promises *p = &m->cluster->promises;
  sim_trace(&m->cluster->world, "m%d closes", m->index);
  m->life = SIM_CLOSING;
  for (unsigned g = 0; g < PROMISES_GROUPS; g++) {
    m->groups[g].closing = 1;
    promises_group_closing(p, m->index, g, 1);
  }
  promises_enter(p);
  gci_core_close(&m->core, on_core_closed, m);
  promises_leave(p);
}
