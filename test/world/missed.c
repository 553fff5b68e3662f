#include "missed.h"

#include <inttypes.h>
#include <stdlib.h>

#include "value.h"

struct miss {
  struct gcache_link_s link;
  int by, on; /* who began it, who has missed it */
  unsigned key;
  uint64_t begin_seq;
};

/* Who is not the owner, and was told while the owner still had the old value, may have fetched that again. */
void world_missed_note(struct world_member *m, size_t request, gcache_bytes_t key, uint64_t ok) {
  struct world *w = m->world;
  const struct promises_request *r = &w->promises.requests[request];
  const char *url = gcache_owner(m->cache, key);
  int owner = url == NULL ? -1 : world_member_of_url(w, url);
  if (!w->config.tells_missed || owner < 0 || r->kind == PROMISES_CLEAR) return;
  for (int on = 0; on < w->config.n_members; on++) {
    if (ok >> on & 1 || on == m->index || (on != owner && !(ok >> owner & 1))) continue;
    struct miss *miss = sim_new(sizeof *miss);
    miss->by = m->index;
    miss->on = on;
    miss->key = r->key;
    miss->begin_seq = r->begin_seq;
    gci_list_push_back(&w->misses, &miss->link);
  }
}

int world_missed_waits(const struct world_member *m) {
  gcache_peer_stats_t s;
  for (size_t k = 0; gcache_peer_stats(m->cache, k, &s) == 0; k++)
    if (s.missed > 0) return 1;
  return 0;
}

int world_missed_all_told(struct world *w) {
  for (int i = 0; i < w->config.n_members; i++) {
    gcache_peer_stats_t s;
    if (w->members[i].life != WORLD_LIVING) return 0;
    for (size_t k = 0; gcache_peer_stats(w->members[i].cache, k, &s) == 0; k++)
      if (!s.is_self && (s.state != GCACHE_PEER_UP || s.missed > 0)) return 0;
  }
  return 1;
}

static void check_miss(struct world *w, const struct miss *miss) {
  gcache_group_t *group = w->members[miss->on].groups[miss->key % PROMISES_GROUPS].group;
  const struct promises_birth *b;
  struct world_value v;
  char text[32];
  gcache_value_t *value = gcache_peek(group, gcache_bytes(text, world_key_write(miss->key, text)));
  if (value == NULL) return;
  w->misses_checked++;
  world_value_read(gcache_value_bytes(value), &v);
  gcache_value_unref(value);
  b = promises_birth(&w->promises, v.serial);
  if (b != NULL && (b->is_set ? b->landed_seq : b->begin_seq) < miss->begin_seq)
    promises_break(&w->promises,
                   "P8: member %d, key %u, has value %" PRIu64
                   ", and was told by member %d of a change that began at fact %" PRIu64,
                   miss->on, miss->key, v.serial, miss->by, miss->begin_seq);
}

void world_missed_check(struct world *w) {
  gci_list_each(link, &w->misses) {
    check_miss(w, gci_container_of(link, struct miss, link));
  }
}

void world_missed_forget(struct world *w) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&w->misses)) != NULL)
    free(gci_container_of(link, struct miss, link));
}
