/* core/journey - see journey.h. */
#include "core/journey.h"

#include <uv.h>

#include "core/memory.h"

static struct gcache_req_s *req_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gcache_req_s, job.link);
}

uint64_t gci_journey_deadline_ms(const struct gci_journey *journey) {
  uint64_t latest_ms = 0;
  gci_list_each(link, &journey->flight.waiters) {
    uint64_t at_ms = req_of(link)->deadline.at_ms;
    if (at_ms == GCI_DEADLINE_NEVER) return at_ms;
    if (at_ms > latest_ms) latest_ms = at_ms;
  }
  return latest_ms;
}

/* Counts callers only, not refreshes. */
static uint64_t waiting(const struct gcache_req_s *req) {
  return req->takes != GCI_TAKES_NEWER;
}

int gci_journey_has_callers(const struct gci_journey *journey) {
  gci_list_each(link, &journey->flight.waiters) {
    if (waiting(req_of(link))) return 1;
  }
  return 0;
}

void gci_journey_join(struct gci_journey *journey, struct gcache_req_s *req) {
  req->state = GCI_REQ_WAITING;
  req->flight = journey;
  req->group->stats.waiting += waiting(req);
  gci_list_push_back(&journey->flight.waiters, &req->job.link);
}

/* Nonzero: req has ended, with the value that memory has in place of a failure. */
static int finish_spare(struct gcache_req_s *req, const struct gci_flight *flight) {
  gcache_from_t from = GCACHE_FROM_NONE;
  gcache_value_t *spare = NULL;
  if (req->takes == GCI_TAKES_STALE)
    spare = gci_memory_spare(req->group, flight->key, flight->node.hash, &from);
  if (spare == NULL) return 0;
  req->takes = GCI_TAKES_SPARE;
  gci_req_finish(req, 0, gcache_value_ref(spare), NULL, from);
  return 1;
}

void gci_journey_leave(struct gcache_req_s *req, int status) {
  if (req->state != GCI_REQ_WAITING) {
    gci_req_overrule(req, status);
    return;
  }
  struct gci_journey *journey = req->flight;
  gci_link_unlink(&req->job.link);
  req->group->stats.waiting -= waiting(req);
  if (status != UV_ETIMEDOUT || journey == NULL || !finish_spare(req, &journey->flight))
    gci_req_finish(req, status, NULL, NULL, GCACHE_FROM_NONE);
  if (journey != NULL && gci_journey_is_empty(journey)) journey->deserted(journey);
}

static struct gcache_req_s *pop(struct gci_journey *journey) {
  struct gcache_link_s *link = gci_list_pop_front(&journey->flight.waiters);
  if (link == NULL) return NULL;
  struct gcache_req_s *req = req_of(link);
  req->group->stats.waiting -= waiting(req);
  return req;
}

static int is_failure(int status) {
  return status != 0 && status != GCACHE_ENOTFOUND;
}

void gci_journey_answer(struct gci_journey *journey, const struct gci_journey_end *end) {
  struct gcache_req_s *req;
  while ((req = pop(journey)) != NULL) {
    if (is_failure(end->status) && finish_spare(req, &journey->flight)) continue;
    if (end->takes == GCI_TAKES_SENT) req->takes = GCI_TAKES_SENT;
    req->ms = end->ms;
    gci_req_finish(req, end->status, gcache_value_ref(end->value), gcache_value_ref(end->reason),
                   end->from);
  }
}

void gci_journey_let_go(struct gci_journey *journey, uint64_t at_ms) {
  struct gci_list all;
  struct gcache_link_s *link;
  gci_list_init(&all);
  gci_list_move(&all, &journey->flight.waiters);
  while ((link = gci_list_pop_front(&all)) != NULL) {
    struct gcache_req_s *req = req_of(link);
    if (req->deadline.at_ms > at_ms) {
      gci_list_push_back(&journey->flight.waiters, link);
    } else if (finish_spare(req, &journey->flight)) {
      req->group->stats.waiting--;
    } else {
      req->flight = NULL;
    }
  }
}

void gci_journey_strand(struct gci_journey *journey) {
  struct gcache_req_s *req;
  while ((req = pop(journey)) != NULL) {
    journey->stranded(req, journey->flight.key, gci_journey_hash(journey));
  }
}
