#include "ping.h"

#include <stdlib.h>
#include <uv.h>

#include "member.h"

struct sim_ping {
  struct gcache_link_s link;
  struct sim_event travel; /* there and back */
  struct sim_network *net;
  gcache_call_t *call;
  int from, to;
};

static struct sim_world *world_of(struct sim_ping *ping) {
  return &ping->net->cluster->world;
}

static void forget(struct sim_ping *ping) {
  sim_event_clear(world_of(ping), &ping->travel);
  gci_link_unlink(&ping->link);
  free(ping);
}

static void end(struct sim_ping *ping, int status) {
  struct promises *oracle = &ping->net->cluster->promises;
  gcache_call_t *call = ping->call;
  sim_trace(world_of(ping), "m%d: ping of m%d: %d", ping->from, ping->to, status);
  forget(ping);
  promises_enter(oracle);
  gcache_call_done(call, status, NULL, NULL);
  promises_leave(oracle);
}

static void on_travelled(struct sim_event *event) {
  struct sim_ping *ping = gci_container_of(event, struct sim_ping, travel);
  const struct sim_network *net = ping->net;
  int is_lost = net->blocked[ping->from][ping->to] || net->blocked[ping->to][ping->from] ||
                sim_rng_percent(&world_of(ping)->rng, net->cluster->config.loss_percent);
  if (!is_lost) end(ping, net->cluster->members[ping->to].life == SIM_DOWN ? UV_ECONNREFUSED : 0);
}

void sim_ping_start(struct sim_member *m, gcache_call_t *call) {
  struct sim_network *net = &m->cluster->network;
  const struct sim_config *config = &m->cluster->config;
  struct sim_ping *ping = sim_new(sizeof *ping);
  ping->net = net;
  ping->call = call;
  ping->from = m->index;
  ping->to = sim_member_of_url(m->cluster, gcache_call_peer(call));
  sim_event_init(&ping->travel, on_travelled);
  gci_list_push_back(&net->pings, &ping->link);
  gcache_call_set_data(call, ping);
  promises_upcall(&m->cluster->promises, "a transport's start");
  if (ping->to < 0 || ping->to == ping->from) {
    promises_break(&m->cluster->promises, "member %d pings '%s'", m->index, gcache_call_peer(call));
    ping->to = ping->from;
  }
  uint64_t us = sim_rng_between(&world_of(ping)->rng, config->latency_min_us,
                                config->latency_max_us);
  sim_event_set(world_of(ping), &ping->travel, world_of(ping)->now_us + 2 * us);
}

void sim_ping_cancel(gcache_call_t *call) {
  end(gcache_call_data(call), UV_ECANCELED);
}

void sim_ping_crashed(struct sim_network *net, int member) {
  struct gcache_link_s *next;
  for (struct gcache_link_s *link = net->pings.head.next; link != &net->pings.head; link = next) {
    struct sim_ping *ping = gci_container_of(link, struct sim_ping, link);
    next = link->next;
    if (member < 0 || ping->from == member) forget(ping);
  }
}
