#include "client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "value.h"

#define POISON 0xdb

struct get {
  struct gcache_link_s link;
  struct world_member *member;
  unsigned key;
  uint64_t timeout_ms;
  size_t request;
  gcache_get_t req;
};

int world_client_can_ask(const struct world_member *m, unsigned group) {
  return m->life == WORLD_LIVING && m->groups[group].group != NULL;
}

int world_client_may_return(struct world_member *m, unsigned group, int status, const char *call) {
  int closing = status == GCACHE_ECLOSING && m->groups[group].closing;
  if (status == 0) return 0;
  if (!closing && !(m->world->torture && status == UV_ENOMEM))
    promises_break(&m->world->promises, "member %d: %s returned %d", m->index, call, status);
  return 1;
}

/* ---- get ---- */

void world_client_ask_again(struct world_member *m, unsigned key) {
  struct sim_rng *rng = &m->world->time.rng;
  unsigned group = key % PROMISES_GROUPS, dice;
  if (!world_client_can_ask(m, group)) return;
  if (!sim_rng_percent(rng, m->world->config.again_percent)) return;
  dice = (unsigned)sim_rng_below(rng, 10);
  if (dice < 5) world_client_get(m, key, sim_rng_percent(rng, 50) ? 0 : 40);
  if (dice == 5) world_client_peek(m, key);
  if (dice == 6) world_client_cancel(m);
  if (dice == 7 && key % 2 == 0) world_client_change(m, PROMISES_REMOVE, key, 0, 0);
  if (dice == 7 && key % 2 == 1) world_client_remove_many(m, &key, 1, 0);
  if (dice < 8 || !sim_rng_percent(rng, m->world->config.quit_percent)) return;
  if (dice == 8 && !m->groups[group].closing) world_group_stop(&m->groups[group]);
  if (dice == 9) world_member_close(m);
}

void world_client_got(struct world_member *m, unsigned key, size_t request, const gcache_get_t *req,
                      int status, gcache_value_t *value) {
  struct world *w = m->world;
  struct promises_end end = {.status = status, .wall_unix_ns = world_host_unix_ns(&m->host)};
  struct world_value v = {0};
  if (value != NULL && !world_value_read(gcache_value_bytes(value), &v))
    promises_break(&w->promises,
                   "P2: get %zu of member %d: the bytes of value %" PRIu64 " are broken", request,
                   m->index, v.serial);
  end.serial = value == NULL ? 0 : v.serial;
  end.from = (int)gcache_get_from(req);
  end.stale_ms = gcache_get_stale(req);
  end.cause = world_reason_read(gcache_get_reason(req), &end.cause_hinted);
  sim_trace(&w->time, "m%d key %u: get %zu ends %d, value %" PRIu64 " from %d '%s'", m->index, key,
            request, status, end.serial, end.from, gcache_get_reason(req));
  promises_ended(&w->promises, request, &end);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct get *get = req->data;
  struct world_member *m = get->member;
  world_client_got(m, get->key, get->request, req, status, value);
  memset(req, POISON, sizeof *req);
  gci_link_unlink(&get->link);
  gci_list_push_back(&m->spent, &get->link);
  world_client_ask_again(m, get->key);
}

static void start_get(void *arg) {
  struct get *get = arg;
  struct world_member *m = get->member;
  struct world *w = m->world;
  unsigned group = get->key % PROMISES_GROUPS;
  char text[32];
  if (!world_client_can_ask(m, group)) {
    free(get);
    return;
  }
  get->request = promises_began(&w->promises, PROMISES_GET, m->index, get->key,
                                world_member_due_us(m, get->timeout_ms));
  gci_list_push_back(&m->gets, &get->link);
  sim_trace(&w->time, "m%d key %u: get %zu, timeout %" PRId64, m->index, get->key, get->request,
            (int64_t)get->timeout_ms);
  promises_enter(&w->promises);
  int status = gcache_get(&get->req, m->groups[group].group,
                          gcache_bytes(text, world_key_write(get->key, text)), get->timeout_ms,
                          on_got);
  promises_leave(&w->promises);
  memset(text, POISON, sizeof text);
  if (!world_client_may_return(m, group, status, "gcache_get")) return;
  promises_refused(&w->promises, get->request);
  gci_link_unlink(&get->link);
  gci_list_push_back(&m->spent, &get->link);
}

void world_client_get(struct world_member *m, unsigned key, uint64_t timeout_ms) {
  struct get *get = sim_new(sizeof *get);
  get->member = m;
  get->key = key;
  get->timeout_ms = timeout_ms;
  memset(&get->req, 0x5a, sizeof get->req);
  get->req.data = get;
  world_member_do(m, start_get, get);
}

/* ---- peek ---- */

struct peek {
  struct world_member *member;
  unsigned key;
};

static void do_peek(void *arg) {
  struct peek *peek = arg;
  struct world_member *m = peek->member;
  struct world *w = m->world;
  struct world_value v = {0};
  char text[32];
  unsigned group = peek->key % PROMISES_GROUPS;
  if (!world_client_can_ask(m, group)) return;
  promises_enter(&w->promises);
  gcache_value_t *value = gcache_peek(m->groups[group].group,
                                      gcache_bytes(text, world_key_write(peek->key, text)));
  promises_leave(&w->promises);
  if (value != NULL && !world_value_read(gcache_value_bytes(value), &v))
    promises_break(&w->promises, "P2: a peek at member %d: the bytes are broken", m->index);
  sim_trace(&w->time, "m%d key %u: peek finds %" PRIu64, m->index, peek->key, v.serial);
  promises_peeked(&w->promises, m->index, peek->key, v.serial, world_host_unix_ns(&m->host));
  gcache_value_unref(value);
}

void world_client_peek(struct world_member *m, unsigned key) {
  struct peek peek = {.member = m, .key = key};
  world_member_do(m, do_peek, &peek);
}

/* ---- cancel, forget ---- */

static struct gcache_link_s *pick(struct sim_rng *rng, const struct gci_list *list) {
  size_t n = 0;
  gci_list_each(link, list) n++;
  if (n == 0) return NULL;
  n = sim_rng_below(rng, n);
  struct gcache_link_s *link = gci_list_front(list);
  while (n-- > 0)
    link = link->next;
  return link;
}

static void cancel_get(struct world_member *m, struct gcache_link_s *link) {
  struct promises *p = &m->world->promises;
  if (link == NULL) return;
  struct get *get = gci_container_of(link, struct get, link);
  sim_trace(&m->world->time, "m%d: cancels get %zu", m->index, get->request);
  promises_cancelled(p, get->request);
  promises_enter(p);
  gcache_get_cancel(&get->req);
  promises_leave(p);
}

static void cancel(void *arg) {
  struct world_member *m = arg;
  struct sim_rng *rng = &m->world->time.rng;
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  if (m->life != WORLD_LIVING) return;
  if (dice < 20)
    world_change_cancel(m, pick(rng, &m->changes));
  else if (dice < 40)
    world_client_cancel_many(m, pick(rng, &m->batches));
  else
    cancel_get(m, pick(rng, &m->gets));
}

void world_client_cancel(struct world_member *m) {
  world_member_do(m, cancel, m);
}

/* All begin with the link. */
struct spent {
  struct gcache_link_s link;
};

static void drop(struct gci_list *list) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(list)) != NULL)
    free(gci_container_of(link, struct spent, link));
}

void world_client_forget(struct world_member *m) {
  drop(&m->gets);
  drop(&m->changes);
  drop(&m->batches);
  drop(&m->spent);
}
