#include "missed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "value.h"

/* Of a clear: one for each key whose owner has missed it. What others have is of no interest then. */
struct miss {
  struct gcache_link_s link;
  int by, on; /* who began it, the owner, who may be the same */
  unsigned by_life, on_life;
  unsigned key;
  int is_clear; /* or others have refused it: all that counts is the owner */
  int owner_told, over;
  size_t floor; /* once owner_told, and it was told late */
  uint64_t epoch, begin_seq;
  uint64_t looked; /* when the loop of by had run so often */
};

static int owner_of(struct world_member *m, unsigned key) {
  char text[32];
  const char *url = gcache_owner(m->cache, gcache_bytes(text, world_key_write(key, text)));
  return url == NULL ? -1 : world_member_of_url(m->world, url);
}

/* So few can be kept that a clear may stand for it. */
static int is_in_clear(const struct world_member *m) {
  return m->world->config.missed_max > 0;
}

static void note(struct world_member *m, const struct promises_request *r, unsigned key,
                 uint64_t missed, uint64_t refused) {
  struct world *w = m->world;
  int owner = owner_of(m, key), is_clear = r->kind == PROMISES_CLEAR;
  if (owner < 0 || (is_clear && !(missed >> owner & 1))) return;
  if (refused >> owner & 1) return;
  struct miss *miss = sim_new(sizeof *miss);
  *miss = (struct miss){.by = m->index,
                        .on = owner,
                        .by_life = m->lives,
                        .on_life = w->members[owner].lives,
                        .key = key,
                        .is_clear = is_clear || refused != 0 || is_in_clear(m),
                        .owner_told = !(missed >> owner & 1),
                        .floor = SIZE_MAX,
                        .epoch = r->epoch,
                        .begin_seq = r->begin_seq,
                        .looked = m->host.loop.iterations};
  gci_list_push_back(&w->misses, &miss->link);
}

void world_missed_note(struct world_member *m, size_t request, uint64_t missed, uint64_t refused) {
  struct world *w = m->world;
  const struct promises_request *r = &w->promises.requests[request];
  if (r->epoch == 0 || r->epoch != promises_epoch(&w->promises)) return;
  if (missed == 0 || m->life != WORLD_LIVING) return;
  w->misses_noted++;
  if (r->kind != PROMISES_CLEAR)
    note(m, r, r->key, missed, refused);
  else
    for (unsigned key = r->key; key < w->config.n_keys; key += PROMISES_GROUPS)
      note(m, r, key, missed, refused);
}

/* ---- who has been told ---- */

/* Of m to that one, or to all where on is -1. */
static size_t waiting(const struct world_member *m, int on) {
  gcache_peer_stats_t s;
  size_t n = 0;
  for (size_t k = 0; gcache_peer_stats(m->cache, k, &s) == 0; k++)
    if (on < 0 || strcmp(m->world->members[on].url, s.url) == 0) n += s.missed;
  return n;
}

/* What its owner was told, and all others are told once more: no peer's counter has it while they
 * are asked. */
static int goes_around(const struct world_member *m) {
  return m->cache->tells.spreads.n > 0;
}

int world_missed_waits(const struct world_member *m) {
  return waiting(m, -1) > 0;
}

static void tell_owner(struct world *w, struct miss *miss) {
  if (waiting(&w->members[miss->by], miss->on) > 0) return;
  miss->owner_told = 1;
  miss->on_life = w->members[miss->on].lives;
  miss->floor = promises_told_floor(&w->promises, miss->on, miss->key, miss->begin_seq);
  w->misses_told++;
  sim_trace(&w->time, "m%d key %u: m%d has told the owner, m%d, of the change of fact %" PRIu64,
            miss->by, miss->key, miss->by, miss->on, miss->begin_seq);
}

static void tell_all(struct world *w, struct miss *miss) {
  const struct world_member *by = &w->members[miss->by];
  if (waiting(by, -1) > 0 || goes_around(by)) return;
  miss->over = 1;
  if (miss->is_clear) return;
  promises_told_floor(&w->promises, -1, miss->key, miss->begin_seq);
  w->misses_told_all++;
  sim_trace(&w->time, "m%d key %u: m%d has told all of the change of fact %" PRIu64, miss->by,
            miss->key, miss->by, miss->begin_seq);
}

static int is_void(const struct world *w, const struct miss *miss) {
  const struct world_member *by = &w->members[miss->by];
  return miss->epoch != promises_epoch(&w->promises) || by->lives != miss->by_life ||
         by->life != WORLD_LIVING || by->list == 0;
}

/* The owner has died since it was told. */
static int has_forgotten(const struct world *w, const struct miss *miss) {
  const struct world_member *on = &w->members[miss->on];
  return miss->floor != SIZE_MAX && w->config.handoff_ms != GCACHE_NO_HANDOFF &&
         (on->lives != miss->on_life || on->life == WORLD_DOWN);
}

static void look_at(struct world *w, struct miss *miss) {
  const struct world_member *by = &w->members[miss->by];
  if (has_forgotten(w, miss)) {
    promises_floor_end(&w->promises, miss->floor);
    miss->over = 1;
  }
  if (miss->over || is_void(w, miss)) {
    miss->over = 1; /* what holds at the owner goes on doing so */
    return;
  }
  if (by->host.loop.iterations == miss->looked) return;
  miss->looked = by->host.loop.iterations;
  if (!miss->owner_told) tell_owner(w, miss);
  if (miss->owner_told && !miss->over) tell_all(w, miss);
}

void world_missed_look(struct world *w) {
  struct gcache_link_s *next;
  for (struct gcache_link_s *link = w->misses.head.next; link != &w->misses.head; link = next) {
    struct miss *miss = gci_container_of(link, struct miss, link);
    next = link->next;
    look_at(w, miss);
    if (!miss->over || (miss->floor != SIZE_MAX && !has_forgotten(w, miss))) continue;
    gci_link_unlink(link);
    free(miss);
  }
}

int world_missed_all_told(struct world *w) {
  for (int i = 0; i < w->config.n_members; i++) {
    gcache_peer_stats_t s;
    if (w->members[i].life != WORLD_LIVING) continue;
    if (goes_around(&w->members[i])) return 0;
    for (size_t k = 0; gcache_peer_stats(w->members[i].cache, k, &s) == 0; k++) {
      int on = world_member_of_url(w, s.url);
      if (w->members[on].life != WORLD_LIVING) continue;
      if (!(w->members[on].list >> i & 1))
        continue; /* to it this one is a stranger: it has left, say */
      int is_there = s.state == GCACHE_PEER_UP || s.state == GCACHE_PEER_LEAVING;
      if (!s.is_self && (!is_there || s.missed > 0)) return 0;
    }
  }
  return 1;
}

void world_missed_forget(struct world *w) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&w->misses)) != NULL)
    free(gci_container_of(link, struct miss, link));
}
