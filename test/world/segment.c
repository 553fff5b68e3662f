#include "segment.h"

#include <stdlib.h>
#include <string.h>

#include "host.h"

uint64_t world_latency_us(struct world_net *net) {
  const struct world_weather *w = &net->weather;
  struct sim_rng *rng = &net->world->rng;
  uint64_t max_us = sim_rng_percent(rng, w->slow_percent) ? w->slow_us : w->latency_max_us;
  return sim_rng_between(rng, w->latency_min_us, max_us);
}

void world_segment_send(struct world_conn_end *to, enum world_segment_kind kind, const void *bytes,
                        size_t len) {
  struct world_net *net = to->conn->net;
  struct world_segment *s = sim_new(sizeof *s + len);
  uint64_t at_us = net->world->now_us + world_latency_us(net);
  s->kind = kind;
  s->len = len;
  s->at_us = at_us > to->latest_us ? at_us : to->latest_us;
  if (len > 0) memcpy(s->bytes, bytes, len);
  to->latest_us = s->at_us;
  to->underway += len;
  net->segments++;
  net->bytes += len;
  gci_list_push_back(&to->flying, &s->link);
  if (!sim_event_is_set(&to->arrival)) sim_event_set(net->world, &to->arrival, s->at_us);
}

void world_segments_drop(struct gci_list *list) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(list)) != NULL)
    free(world_segment_of(link));
}
