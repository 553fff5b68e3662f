/* The part of the client that gets many keys in one call, which the oracle counts as that number of
 * gets; and the part that cancels and forgets requests of every kind. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "gcache/many.h"
#include "value.h"

#define POISON 0xdb

struct batch {
  struct gcache_link_s link;
  struct world_member *member;
  size_t n, request; /* of the first; the others follow */
  unsigned keys[WORLD_MANY_MAX];
  uint64_t timeout_ms;
  int each;
  gcache_many_t many;
  gcache_get_t gets[WORLD_MANY_MAX];
};

static void on_each(gcache_get_t *req, int status, gcache_value_t *value) {
  struct batch *b = req->data;
  size_t i = (size_t)(req - b->gets);
  world_client_got(b->member, b->keys[i], b->request + i, req, status, value);
  world_client_ask_again(b->member, b->keys[i]);
}

static void on_done(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct batch *b = many->data;
  struct world_member *m = b->member;
  struct promises *p = &m->world->promises;
  promises_upcall(p, "the end of many gets");
  for (size_t i = 0; i < n && !b->each; i++)
    world_client_got(m, b->keys[i], b->request + i, &gets[i], gcache_get_status(&gets[i]),
                     gcache_get_value(&gets[i]));
  for (size_t i = 0; i < n; i++)
    if (p->requests[b->request + i].state != PROMISES_DONE)
      promises_break(p, "P10: many gets of member %d end, and get %zu has no answer", m->index,
                     b->request + i);
  memset(b->gets, POISON, sizeof b->gets);
  memset(many, POISON, sizeof *many);
  gci_link_unlink(&b->link);
  gci_list_push_back(&m->spent, &b->link);
  world_client_ask_again(m, b->keys[0]);
}

static void announce(struct batch *b) {
  struct world_member *m = b->member;
  struct world *w = m->world;
  b->request = w->promises.n_requests;
  for (size_t i = 0; i < b->n; i++) {
    promises_began(&w->promises, PROMISES_GET, m->index, b->keys[i],
                   world_member_due_us(m, b->timeout_ms));
    sim_trace(&w->time, "m%d key %u: get %zu of %zu%s, timeout %" PRId64, m->index, b->keys[i],
              b->request + i, b->n, b->each ? "" : ", held", (int64_t)b->timeout_ms);
  }
  if (!b->each) promises_held(&w->promises, b->request, b->n);
  gci_list_push_back(&m->batches, &b->link);
}

static void start(void *arg) {
  struct batch *b = arg;
  struct world_member *m = b->member;
  struct promises *p = &m->world->promises;
  unsigned group = b->keys[0] % PROMISES_GROUPS;
  gcache_bytes_t bytes[WORLD_MANY_MAX];
  char text[WORLD_MANY_MAX][32];
  if (!world_client_can_ask(m, group)) {
    free(b);
    return;
  }
  announce(b);
  for (size_t i = 0; i < b->n; i++)
    bytes[i] = gcache_bytes(text[i], world_key_write(b->keys[i], text[i]));
  promises_enter(p);
  int status = gcache_get_many(&b->many, m->groups[group].group, bytes, b->n, b->gets,
                               b->timeout_ms, b->each ? on_each : NULL, on_done);
  promises_leave(p);
  memset(text, POISON, sizeof text);
  if (!world_client_may_return(m, group, status, "gcache_get_many")) return;
  for (size_t i = 0; i < b->n; i++)
    promises_refused(p, b->request + i);
  gci_link_unlink(&b->link);
  gci_list_push_back(&m->spent, &b->link);
}

void world_client_get_many(struct world_member *m, const unsigned keys[], size_t n,
                           uint64_t timeout_ms, int each) {
  struct batch *b = sim_new(sizeof *b);
  b->member = m;
  b->n = n;
  b->each = each;
  b->timeout_ms = timeout_ms;
  memcpy(b->keys, keys, n * sizeof keys[0]);
  memset(&b->many, 0x5a, sizeof b->many);
  memset(b->gets, 0x5a, sizeof b->gets);
  b->many.data = b;
  for (size_t i = 0; i < n; i++)
    b->gets[i].data = b;
  world_member_do(m, start, b);
}

/* One of those that are told one by one can be cancelled alone. */
void world_client_cancel_many(struct world_member *m, struct gcache_link_s *link) {
  struct world *w = m->world;
  struct promises *p = &w->promises;
  if (link == NULL) return;
  struct batch *b = gci_container_of(link, struct batch, link);
  size_t i = sim_rng_below(&w->time.rng, b->n);
  int alone = b->each && sim_rng_percent(&w->time.rng, 50);
  sim_trace(&w->time, "m%d: cancels get %zu of many%s", m->index, b->request + i,
            alone ? "" : ", and all");
  for (size_t k = 0; k < b->n; k++)
    if (!alone || k == i) promises_cancelled(p, b->request + k);
  promises_enter(p);
  if (alone)
    gcache_get_cancel(&b->gets[i]);
  else
    gcache_many_cancel(&b->many);
  promises_leave(p);
}
