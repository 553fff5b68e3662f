/* The cluster as a whole, and the views into its members that the oracle needs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "missed.h"
#include "names.h"
#include "tls.h"
#include "value.h"

static void init_member(struct world *w, int index) {
  struct world_member *m = &w->members[index];
  char name[24];
  m->world = w;
  m->index = index;
  world_host_init(&m->host, &w->time, &w->net, &w->faults, index);
  w->net.hosts[index] = &m->host;
  if (sim_rng_percent(&w->time.rng, w->config.name_percent))
    world_name_write(index, name, sizeof name);
  else
    snprintf(name, sizeof name, "10.0.0.%d", index + 1);
  snprintf(m->url, sizeof m->url, "%s://%s:%d", w->tls == NULL ? "http" : "https", name,
           WORLD_PORT);
  gci_list_init(&m->blocks);
  gci_list_init(&m->runs);
  gci_list_init(&m->gets);
  gci_list_init(&m->changes);
  gci_list_init(&m->batches);
  gci_list_init(&m->spent);
  sim_event_init(&m->end, world_member_ended);
  sim_event_init(&m->resumed, world_member_resumed);
}

void world_init(struct world *w, uint64_t seed) {
  sim_world_init(&w->time, seed);
  world_net_init(&w->net, &w->time);
  world_faults_init(&w->faults, &w->time.rng);
  if (w->config.is_secure) w->tls = world_tls_open();
  gci_list_init(&w->rests);
  gci_list_init(&w->misses);
  for (int i = 0; i < w->config.n_hosts; i++)
    init_member(w, i);
}

void world_fini(struct world *w) {
  for (int i = 0; i < WORLD_HOSTS; i++)
    if (w->members[i].life != WORLD_DOWN) world_member_crash(&w->members[i], 1);
  world_changes_forget(w);
  world_missed_forget(w);
  world_net_fini(&w->net);
  gcache_tls_free(w->tls);
  promises_close(&w->promises);
  sim_world_fini(&w->time);
}

void world_member_check(struct world_member *m) {
  for (unsigned g = 0; m->life == WORLD_LIVING && g < PROMISES_GROUPS; g++) {
    gcache_group_stats_t s;
    if (m->groups[g].group == NULL) continue;
    gcache_group_stats(m->groups[g].group, &s);
    promises_memory(&m->world->promises, m->index, g, s.main.bytes + s.hot.bytes + s.index_bytes,
                    m->world->config.max_bytes);
  }
}

static void probe_group(struct world_member *m, unsigned g) {
  gcache_group_t *group = m->groups[g].group;
  uint64_t alive = 0;
  char text[32];
  gcache_group_stats_t s;
  gcache_group_stats(group, &s);
  for (unsigned key = g; key < m->world->config.n_keys; key += PROMISES_GROUPS) {
    gcache_value_t *value = gcache_peek(group, gcache_bytes(text, world_key_write(key, text)));
    alive += value != NULL;
    gcache_value_unref(value);
  }
  sim_trace(&m->world->time, "m%d group %u has %" PRIu64 " items, %" PRIu64 " alive", m->index, g,
            s.main.items + s.hot.items, alive);
  promises_items(&m->world->promises, m->index, g, s.main.items + s.hot.items, alive,
                 world_host_unix_ns(&m->host));
}

static void probe(void *arg) {
  struct world_member *m = arg;
  for (unsigned g = 0; m->life == WORLD_LIVING && g < PROMISES_GROUPS; g++)
    if (m->groups[g].group != NULL && !m->groups[g].closing) probe_group(m, g);
}

void world_member_probe(struct world_member *m) {
  if (m->life == WORLD_LIVING) world_member_do(m, probe, m);
}

int world_member_idles(struct world_member *m) {
  if (!world_loop_alive(&m->host.loop, 1)) return 1;
  for (unsigned g = 0; g < PROMISES_GROUPS; g++) {
    gcache_group_stats_t s;
    if (m->groups[g].group == NULL) continue;
    gcache_group_stats(m->groups[g].group, &s);
    if (s.waiting != 0 || s.loading != 0) return 0;
  }
  return world_missed_waits(m);
}

void world_member_rest(struct world_member *m) {
  struct promises *p = &m->world->promises;
  for (unsigned g = 0; m->life == WORLD_LIVING && g < PROMISES_GROUPS; g++) {
    gcache_group_stats_t s;
    if (m->groups[g].group == NULL) continue;
    gcache_group_stats(m->groups[g].group, &s);
    if (s.waiting != 0 || s.loading != 0)
      promises_break(p,
                     "P10: member %d, group %u is at rest, and counts %" PRIu64 " waiting, %" PRIu64
                     " loading",
                     m->index, g, s.waiting, s.loading);
    if (s.gets != s.hits + s.loads)
      promises_break(p,
                     "member %d, group %u: %" PRIu64 " gets, %" PRIu64 " hits, %" PRIu64 " loads",
                     m->index, g, s.gets, s.hits, s.loads);
  }
  if (m->life == WORLD_LIVING && !world_member_idles(m))
    promises_break(p, "P9: member %d is at rest and keeps its loop alive", m->index);
}
