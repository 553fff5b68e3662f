/* A member that goes in an orderly way: it leaves, is taken off the lists of the others, and
 * closes. */
#include <inttypes.h>
#include <string.h>

#include "member.h"

static void take_off_lists(struct world_member *m) {
  struct world *w = m->world;
  uint64_t without = w->everybody & ~(UINT64_C(1) << m->index);
  for (int i = 0; i < w->config.n_members; i++) {
    struct world_member *other = &w->members[i];
    if (other == m || !world_member_runs(other) || other->list == 0) continue;
    if (sim_rng_percent(&w->time.rng, 80)) world_member_set_list(other, other->list & without);
  }
}

/* From the member's loop; what others are told is told in theirs. */
static void on_left(gcache_leave_t *req, int status, const gcache_left_t *left) {
  struct world_member *m = req->data;
  struct promises *p = &m->world->promises;
  promises_upcall(p, "the end of leaving");
  if (m->leaving != 1)
    promises_break(p, "P10: member %d has left, which it was not asked for", m->index);
  if (status != 0 && status != UV_ETIMEDOUT && status != UV_ECANCELED)
    promises_break(p, "P10: member %d has left with status %d", m->index, status);
  if (status == UV_ECANCELED && m->life == WORLD_LIVING)
    promises_break(p, "P3: member %d stopped leaving, and nobody closed it", m->index);
  sim_trace(&m->world->time, "m%d has left: %d, %" PRIu64 " given, %" PRIu64 " refused", m->index,
            status, left->given, left->refused);
  m->leaving = 2;
  memset(req, 0xdb, sizeof *req);
  if (m->life != WORLD_LIVING) return;
  take_off_lists(m);
  if (sim_rng_percent(&m->world->time.rng, 70)) world_member_close(m);
}

static void leave(void *arg) {
  struct world_member *m = arg;
  struct promises *p = &m->world->promises;
  if (m->life != WORLD_LIVING || m->leaving != 0) return;
  memset(&m->leave, 0x5a, sizeof m->leave);
  m->leave.data = m;
  m->leaving = 1;
  m->world->counts[WORLD_COUNT_LEAVE]++;
  sim_trace(&m->world->time, "m%d leaves", m->index);
  promises_enter(p);
  int status = gcache_leave(&m->leave, m->cache, 500, on_left);
  promises_leave(p);
  if (status == 0) return;
  m->leaving = 0;
  if (!(m->world->torture && status == UV_ENOMEM))
    promises_break(p, "member %d: gcache_leave returned %d", m->index, status);
}

void world_member_leave(struct world_member *m) {
  world_member_do(m, leave, m);
}
