/* The part of the client that gets many keys in one call: to the oracle, that number of single
 * gets. */
#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "gcache/many.h"
#include "member.h"
#include "source.h"

#define POISON 0xdb

struct sim_batch {
  struct gcache_link_s link;
  struct sim_member *member;
  size_t n, request; /* of the first; the others follow */
  unsigned keys[SIM_MANY_MAX];
  int each;
  gcache_many_t many;
  gcache_get_t gets[SIM_MANY_MAX];
};

static void on_each(gcache_get_t *req, int status, gcache_value_t *value) {
  struct sim_batch *b = req->data;
  size_t i = (size_t)(req - b->gets);
  sim_client_got(b->member, b->keys[i], b->request + i, req, status, value);
  sim_client_ask_again(b->member, b->keys[i]);
}

static void on_done(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct sim_batch *b = many->data;
  struct sim_member *m = b->member;
  struct promises *p = &m->cluster->promises;
  promises_upcall(p, "the end of many gets");
  for (size_t i = 0; i < n && !b->each; i++)
    sim_client_got(m, b->keys[i], b->request + i, &gets[i], gcache_get_status(&gets[i]),
                   gcache_get_value(&gets[i]));
  for (size_t i = 0; i < n; i++)
    if (p->requests[b->request + i].state != PROMISES_DONE)
      promises_break(p, "P10: many gets of member %d end, and get %zu has no answer", m->index,
                     b->request + i);
  memset(b->gets, POISON, sizeof b->gets);
  memset(many, POISON, sizeof *many);
  gci_link_unlink(&b->link);
  gci_list_push_back(&m->spent, &b->link);
  sim_client_ask_again(m, b->keys[0]);
}

static struct sim_batch *new_batch(struct sim_member *m, const unsigned keys[], size_t n,
                                   uint64_t timeout_ms, int each) {
  struct sim_cluster *c = m->cluster;
  struct sim_batch *b = sim_new(sizeof *b);
  b->member = m;
  b->n = n;
  b->each = each;
  b->request = c->promises.n_requests;
  memset(&b->many, 0x5a, sizeof b->many);
  memset(b->gets, 0x5a, sizeof b->gets);
  b->many.data = b;
  for (size_t i = 0; i < n; i++) {
    b->keys[i] = keys[i];
    b->gets[i].data = b;
    promises_began(&c->promises, PROMISES_GET, m->index, keys[i], sim_member_due_us(m, timeout_ms));
    sim_trace(&c->world, "m%d key %u: get %zu of %zu%s, timeout %" PRId64, m->index, keys[i],
              b->request + i, n, each ? "" : ", held", (int64_t)timeout_ms);
  }
  if (!each) promises_held(&c->promises, b->request, n);
  gci_list_push_back(&m->batches, &b->link);
  return b;
}

void sim_client_get_many(struct sim_member *m, const unsigned keys[], size_t n, uint64_t timeout_ms,
                         int each) {
  struct sim_cluster *c = m->cluster;
  gcache_bytes_t bytes[SIM_MANY_MAX];
  char text[SIM_MANY_MAX][16];
  struct sim_group *group = &m->groups[keys[0] % PROMISES_GROUPS];
  if (!sim_client_can_ask(m, group->index)) return;
  struct sim_batch *b = new_batch(m, keys, n, timeout_ms, each);
  for (size_t i = 0; i < n; i++)
    bytes[i] = gcache_bytes(text[i], sim_key_write(keys[i], text[i]));
  promises_enter(&c->promises);
  int status = gcache_get_many(&b->many, group->group, bytes, n, b->gets, timeout_ms,
                               each ? on_each : NULL, on_done);
  promises_leave(&c->promises);
  memset(text, POISON, sizeof text);
  if (status == 0) return;
  if (status != GCACHE_ECLOSING || !group->closing)
    promises_break(&c->promises, "member %d: gcache_get_many returned %d", m->index, status);
  for (size_t i = 0; i < n; i++)
    promises_refused(&c->promises, b->request + i);
  gci_link_unlink(&b->link);
  gci_list_push_back(&m->spent, &b->link);
}

/* One of those that are told one by one can be cancelled alone. */
void sim_client_cancel_many(struct sim_member *m, struct gcache_link_s *batch) {
  struct sim_cluster *c = m->cluster;
  if (batch == NULL) return;
  struct sim_batch *b = gci_container_of(batch, struct sim_batch, link);
  size_t i = sim_rng_below(&c->world.rng, b->n);
  int alone = b->each && sim_rng_percent(&c->world.rng, 50);
  sim_trace(&c->world, "m%d: cancels get %zu of many%s", m->index, b->request + i,
            alone ? "" : ", and all");
  if (alone) {
    promises_cancelled(&c->promises, b->request + i);
  } else {
    for (size_t k = 0; k < b->n; k++)
      promises_cancelled(&c->promises, b->request + k);
  }
  promises_enter(&c->promises);
  if (alone)
    gcache_get_cancel(&b->gets[i]);
  else
    gcache_many_cancel(&b->many);
  promises_leave(&c->promises);
}
