/* The cluster as a whole, and the views into its members that the oracle needs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "member.h"
#include "source.h"

void sim_cluster_init(struct sim_cluster *c, uint64_t seed, const struct sim_config *config,
                      const struct promises_setup *setup) {
  sim_world_init(&c->world, seed);
  c->config = *config;
  promises_open(&c->promises, setup);
  sim_network_init(&c->network, c);
  for (int i = 0; i < SIM_MEMBERS; i++)
    sim_member_init(c, i);
}

void sim_cluster_fini(struct sim_cluster *c) {
  for (int i = 0; i < SIM_MEMBERS; i++)
    if (c->members[i].life != SIM_DOWN) sim_member_crash(&c->members[i]);
  sim_network_fini(&c->network);
  promises_close(&c->promises);
  sim_world_fini(&c->world);
}

int sim_member_of_url(const struct sim_cluster *c, const char *url) {
  for (int i = 0; i < SIM_MEMBERS; i++)
    if (strcmp(c->members[i].url, url) == 0) return i;
  return -1;
}

void sim_member_jump_clock(struct sim_member *m, int64_t by_ms) {
  m->wall_offset_ns += by_ms * 1000000;
  promises_clock_set(&m->cluster->promises, m->index);
  sim_trace(&m->cluster->world, "m%d wall clock jumps by %" PRId64 " ms", m->index, by_ms);
}

void sim_member_check(struct sim_member *m) {
  for (unsigned g = 0; m->life == SIM_LIVING && g < PROMISES_GROUPS; g++) {
    gcache_group_stats_t s;
    if (m->groups[g].group == NULL) continue;
    gcache_group_stats(m->groups[g].group, &s);
    promises_memory(&m->cluster->promises, m->index, g, s.main.bytes + s.hot.bytes + s.index_bytes,
                    m->cluster->config.max_bytes);
  }
}

static void probe_group(struct sim_member *m, unsigned g) {
  gcache_group_t *group = m->groups[g].group;
  uint64_t alive = 0;
  char text[16];
  gcache_group_stats_t s;
  gcache_group_stats(group, &s);
  for (unsigned key = g; key < m->cluster->config.n_keys; key += PROMISES_GROUPS) {
    gcache_value_t *value = gcache_peek(group, gcache_bytes(text, sim_key_write(key, text)));
    alive += value != NULL;
    gcache_value_unref(value);
  }
  sim_trace(&m->cluster->world, "m%d group %u has %" PRIu64 " items, %" PRIu64 " alive", m->index,
            g, s.main.items + s.hot.items, alive);
  promises_items(&m->cluster->promises, m->index, g, s.main.items + s.hot.items, alive,
                 sim_member_unix_ns(m));
}

void sim_member_probe(struct sim_member *m) {
  for (unsigned g = 0; m->life == SIM_LIVING && g < PROMISES_GROUPS; g++)
    if (m->groups[g].group != NULL && !m->groups[g].closing) probe_group(m, g);
}

void sim_member_rest(struct sim_member *m) {
  struct promises *p = &m->cluster->promises;
  for (unsigned g = 0; m->life == SIM_LIVING && g < PROMISES_GROUPS; g++) {
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
  int is_busy = sim_event_is_set(&m->turn) || /* with peers that have missed something */
                sim_network_calls_of(&m->cluster->network, m->index);
  if (m->held && !is_busy)
    promises_break(p, "P9: member %d is at rest and holds its loop", m->index);
}
