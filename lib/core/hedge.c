/* core/hedge - see hedge.h. */
#include "core/hedge.h"

#include "core/group.h"

enum { LOOK_EACH = 32, US_PER_MS = 1000 };

/* gcache_req_s.from of a request that waits for a fetch. */
enum { FIRST = GCACHE_FROM_NONE, SECOND, AFTER };

static struct gcache_req_s *req_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gcache_req_s, job.link);
}

/* ------------------------------------------------------------------------------ when, whom ---- */

static uint64_t late_ms(const gcache_t *core, const struct gci_latency *latency) {
  const gcache_health_t *set = &core->health.terms.set;
  uint64_t us = gci_latency_percentile(latency, set->hedge_percentile);
  uint64_t ms = (us + US_PER_MS - 1) / US_PER_MS;
  return ms > set->hedge_min_ms ? ms : set->hedge_min_ms;
}

void gci_hedge_learn(gcache_t *core, struct gci_peer *peer, uint64_t us) {
  struct gci_latency *latency = &peer->latency;
  gci_latency_add(latency, us);
  if (latency->n < core->health.terms.samples_min) return;
  if (peer->late_ms == 0 || latency->n % LOOK_EACH == 0) peer->late_ms = late_ms(core, latency);
}

struct gci_peer *gci_hedge_second(gcache_group_t *group, gcache_bytes_t key,
                                  const struct gci_peer *first) {
  struct gci_peer *second = gci_health_owner(group->core, key, first);
  if (second == NULL || second == first || second->is_self) return NULL;
  return gci_missed_bars(&second->missed, group->name, key) ? NULL : second;
}

/* ------------------------------------------------------------------------------- who waits ---- */

static int is_unasked(const struct gcache_req_s *req) {
  return req->from == FIRST && req->takes != GCI_TAKES_NEWER;
}

int gci_hedge_is_wanted(const struct gci_journey *journey) {
  gci_list_each(link, &journey->flight.waiters) {
    if (is_unasked(req_of(link))) return 1;
  }
  return 0;
}

void gci_hedge_begin(struct gci_journey *journey) {
  gci_list_each(link, &journey->flight.waiters) {
    if (is_unasked(req_of(link))) req_of(link)->from = SECOND;
  }
}

uint64_t gci_hedge_deadline_ms(const struct gci_journey *journey) {
  uint64_t latest_ms = 0;
  gci_list_each(link, &journey->flight.waiters) {
    const struct gcache_req_s *req = req_of(link);
    if (req->from == SECOND && req->deadline.at_ms > latest_ms) latest_ms = req->deadline.at_ms;
  }
  return latest_ms;
}

void gci_hedge_end(struct gci_journey *journey) {
  gci_list_each(link, &journey->flight.waiters) {
    if (req_of(link)->from == SECOND) req_of(link)->from = AFTER;
  }
}

void gci_hedge_part(struct gci_journey *journey, enum gci_hedge_part part, struct gci_list *rest) {
  struct gci_list all;
  struct gcache_link_s *link;
  gci_list_init(&all);
  gci_list_init(rest);
  gci_list_move(&all, &journey->flight.waiters);
  while ((link = gci_list_pop_front(&all)) != NULL) {
    enum gci_hedge_part of = req_of(link)->from == SECOND ? GCI_HEDGE_THOSE : GCI_HEDGE_OTHERS;
    gci_list_push_back(of == part ? &journey->flight.waiters : rest, link);
  }
}

void gci_hedge_join(struct gci_journey *journey, struct gci_list *rest) {
  gci_list_move(&journey->flight.waiters, rest);
}
