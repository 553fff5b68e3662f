#include "client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "gcache/many.h"
#include "member.h"
#include "source.h"

#define POISON 0xdb

struct sim_get {
  struct gcache_link_s link;
  struct sim_member *member;
  unsigned key;
  size_t request;
  gcache_get_t req;
};

/* Of a removal of many keys: the first key; one request a key. */
struct sim_change {
  struct gcache_link_s link;
  struct sim_member *member;
  enum promises_kind kind;
  unsigned key; /* CLEAR: the group */
  size_t n, requests[SIM_MANY_MAX];
  uint64_t serial;          /* SET: the value's */
  int is_relisted;          /* another list has come meanwhile: it may store the value once more */
  int is_many;              /* reported in the order of the list */
  int owners[SIM_MANY_MAX]; /* member index the library named at the start, -1: none */
  gcache_change_t req;
};

/* Both begin with the link, so that the lists of pending and spent requests can hold either. */
struct spent {
  struct gcache_link_s link;
};

static gcache_bytes_t key_bytes(unsigned key, char text[16]) {
  return gcache_bytes(text, sim_key_write(key, text));
}

static int usable(const struct sim_member *m, unsigned group) {
  return sim_client_can_ask(m, group);
}

int sim_client_can_ask(const struct sim_member *m, unsigned group) {
  return m->life == SIM_LIVING && m->groups[group].group != NULL;
}

/* ---- get ---- */

void sim_client_ask_again(struct sim_member *m, unsigned key) {
  struct sim_rng *rng = &m->cluster->world.rng;
  if (!usable(m, key % PROMISES_GROUPS)) return;
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  if (dice < 4) sim_client_get(m, key, sim_rng_percent(rng, 50) ? 0 : 40);
  if (dice == 4) sim_client_peek(m, key);
  if (dice == 5) sim_client_cancel(m);
  if (dice == 6 && key % 2 == 0) sim_client_change(m, PROMISES_REMOVE, key, 0, 0);
  if (dice == 6 && key % 2 == 1) sim_client_remove_many(m, &key, 1, 0);
  if (dice > 7 || !sim_rng_percent(rng, m->cluster->config.quit_percent)) return;
  if (dice == 7 && !m->groups[key % PROMISES_GROUPS].closing)
    sim_group_stop(&m->groups[key % PROMISES_GROUPS]);
  if (dice < 7) sim_member_close(m);
}

void sim_client_got(struct sim_member *m, unsigned key, size_t request, const gcache_get_t *req,
                    int status, gcache_value_t *value) {
  struct sim_cluster *c = m->cluster;
  struct promises_end end = {.status = status, .wall_unix_ns = sim_member_unix_ns(m)};
  struct sim_value v = {0};
  if (value != NULL && !sim_value_read(value, &v))
    promises_break(&c->promises,
                   "P2: get %zu of member %d: the bytes of value %" PRIu64 " are broken", request,
                   m->index, v.serial);
  end.serial = value == NULL ? 0 : v.serial;
  end.from = (int)gcache_get_from(req);
  end.stale_ms = gcache_get_stale(req);
  end.cause = sim_source_cause(gcache_get_reason(req), &end.cause_hinted);
  sim_trace(&c->world, "m%d key %u: get %zu ends %d, value %" PRIu64 " from %d '%s'", m->index, key,
            request, status, end.serial, (int)gcache_get_from(req), gcache_get_reason(req));
  if (end.from == GCACHE_FROM_HOT && m->hot == GCACHE_HOT_OFF)
    promises_break(&c->promises,
                   "member %d: get %zu found value %" PRIu64 " in a hot cache, which is off",
                   m->index, request, end.serial);
  promises_ended(&c->promises, request, &end);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct sim_get *get = req->data;
  struct sim_member *m = get->member;
  sim_client_got(m, get->key, get->request, req, status, value);
  memset(req, POISON, sizeof *req);
  gci_link_unlink(&get->link);
  gci_list_push_back(&m->spent, &get->link);
  sim_client_ask_again(m, get->key);
}

void sim_client_get(struct sim_member *m, unsigned key, uint64_t timeout_ms) {
  struct sim_cluster *c = m->cluster;
  char text[16];
  if (!usable(m, key % PROMISES_GROUPS)) return;
  struct sim_get *get = sim_new(sizeof *get);
  get->member = m;
  get->key = key;
  memset(&get->req, 0x5a, sizeof get->req);
  get->req.data = get;
  get->request = promises_began(&c->promises, PROMISES_GET, m->index, key,
                                sim_member_due_us(m, timeout_ms));
  gci_list_push_back(&m->gets, &get->link);
  sim_trace(&c->world, "m%d key %u: get %zu, timeout %" PRId64, m->index, key, get->request,
            (int64_t)timeout_ms);
  gcache_bytes_t bytes = key_bytes(key, text);
  promises_enter(&c->promises);
  int status = gcache_get(&get->req, m->groups[key % PROMISES_GROUPS].group, bytes, timeout_ms,
                          on_got);
  promises_leave(&c->promises);
  memset(text, POISON, sizeof text);
  if (status == 0) return;
  if (status != GCACHE_ECLOSING || !m->groups[key % PROMISES_GROUPS].closing)
    promises_break(&c->promises, "member %d: gcache_get returned %d", m->index, status);
  promises_refused(&c->promises, get->request);
  gci_link_unlink(&get->link);
  gci_list_push_back(&m->spent, &get->link);
}

void sim_client_peek(struct sim_member *m, unsigned key) {
  struct sim_cluster *c = m->cluster;
  struct sim_value v = {0};
  char text[16];
  if (!usable(m, key % PROMISES_GROUPS)) return;
  promises_enter(&c->promises);
  gcache_value_t *value = gcache_peek(m->groups[key % PROMISES_GROUPS].group, key_bytes(key, text));
  promises_leave(&c->promises);
  if (value != NULL && !sim_value_read(value, &v))
    promises_break(&c->promises, "P2: a peek at member %d: the bytes are broken", m->index);
  sim_trace(&c->world, "m%d key %u: peek finds %" PRIu64, m->index, key, v.serial);
  promises_peeked(&c->promises, m->index, key, v.serial, sim_member_unix_ns(m));
  gcache_value_unref(value);
}

/* ---- set, remove, clear ---- */

static int is_told_later(int end, int status) {
  if (end == UV_ECANCELED || status == 0) return 0;
  return status != GCACHE_ENOROOM && status != GCACHE_ENOGROUP && status != UV_ENOTSUP &&
         status != UV_EINVAL;
}

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct sim_change *change = req->data;
  struct sim_member *m = change->member;
  struct sim_cluster *c = m->cluster;
  uint64_t reported = 0, ok = 0, missed = 0;
  int twice = 0;
  for (size_t i = 0; i < n; i++) {
    int who = peers[i].url == NULL ? m->index : sim_member_of_url(c, peers[i].url);
    uint64_t bit = UINT64_C(1) << (who < 0 ? 63 : who);
    if (reported & bit) twice = 1;
    reported |= bit;
    if (peers[i].status == 0) ok |= bit;
    if (is_told_later(status, peers[i].status)) missed |= bit;
    if (i == 0 && !change->is_many && change->owners[0] >= 0 && who != change->owners[0])
      promises_break(&c->promises,
                     "P8: request %zu of member %d reports member %d first, owner is %d",
                     change->requests[0], m->index, who, change->owners[0]);
    sim_trace(&c->world, "  member %d: %d '%s'", who, peers[i].status, peers[i].reason);
  }
  sim_trace(&c->world, "m%d key %u: change %zu ends %d", m->index, change->key, change->requests[0],
            status);
  for (size_t i = 0; i < change->n; i++) {
    promises_report_check(&c->promises, change->requests[i], ok);
    promises_missed(&c->promises, change->requests[i], change->owners[i], missed);
    promises_change_ended(&c->promises, change->requests[i], status, reported, ok, twice);
  }
  if (change->is_relisted) promises_set_landed(&c->promises, change->serial);
  memset(req, POISON, sizeof *req);
  gci_link_unlink(&change->link);
  gci_list_push_back(&m->spent, &change->link);
  sim_client_ask_again(m, change->key);
}

static int start_change(struct sim_change *change, gcache_bytes_t key, uint64_t timeout_ms,
                        uint64_t ttl_ms) {
  struct sim_member *m = change->member;
  struct sim_cluster *c = m->cluster;
  gcache_group_t *group = m->groups[change->key % PROMISES_GROUPS].group;
  if (change->kind == PROMISES_REMOVE)
    return gcache_remove(&change->req, group, key, timeout_ms, on_changed);
  if (change->kind == PROMISES_CLEAR)
    return gcache_clear(&change->req, group, timeout_ms, on_changed);
  struct sim_value v = {.key = change->key, .size = sim_value_some_size(c)};
  if (ttl_ms > 0) v.expire_unix_ns = sim_member_unix_ns(m) + (int64_t)ttl_ms * 1000000;
  v.serial = change->serial = promises_set_began(&c->promises, m->index, v.key, v.size,
                                                 v.expire_unix_ns);
  sim_trace(&c->world, "  sets value %" PRIu64 ", %zu bytes", v.serial, v.size);
  sim_value_freshen(c, &v);
  gcache_value_t *value = sim_value_make(m->mem, &v);
  int status = gcache_set(&change->req, group, key, value, timeout_ms, on_changed);
  gcache_value_unref(value);
  return status;
}

static struct sim_change *new_change(struct sim_member *m, enum promises_kind kind, unsigned key) {
  struct sim_change *change = sim_new(sizeof *change);
  change->member = m;
  change->kind = kind;
  change->key = key;
  memset(&change->req, 0x5a, sizeof change->req);
  change->req.data = change;
  gci_list_push_back(&m->changes, &change->link);
  return change;
}

static void announce(struct sim_change *change, unsigned key, uint64_t timeout_ms) {
  static const char *const words[] = {"get", "answer", "set", "remove", "clear"};
  struct sim_member *m = change->member;
  char text[16];
  struct sim_cluster *c = m->cluster;
  size_t request = promises_began(&c->promises, change->kind, m->index, key,
                                  sim_member_due_us(m, timeout_ms));
  gcache_bytes_t bytes = gcache_bytes(text, sim_key_write(key, text));
  const char *owner = change->kind == PROMISES_CLEAR ? NULL : gcache_owner(&m->core, bytes);
  change->owners[change->n] = owner == NULL ? -1 : sim_member_of_url(c, owner);
  change->requests[change->n++] = request;
  sim_trace(&c->world, "m%d key %u: change %zu, %s, timeout %" PRId64, m->index, key, request,
            words[change->kind], (int64_t)timeout_ms);
}

static void refused(struct sim_change *change, int status) {
  struct sim_member *m = change->member;
  struct promises *p = &m->cluster->promises;
  if (status == 0) return;
  if (status != GCACHE_ECLOSING || !m->groups[change->key % PROMISES_GROUPS].closing)
    promises_break(p, "member %d: a change returned %d", m->index, status);
  for (size_t i = 0; i < change->n; i++)
    promises_refused(p, change->requests[i]);
  gci_link_unlink(&change->link);
  gci_list_push_back(&m->spent, &change->link);
}

void sim_client_change(struct sim_member *m, enum promises_kind kind, unsigned key,
                       uint64_t timeout_ms, uint64_t ttl_ms) {
  struct sim_cluster *c = m->cluster;
  char text[16];
  unsigned group = key % PROMISES_GROUPS;
  if (!usable(m, group)) return;
  gcache_bytes_t bytes = key_bytes(key, text);
  struct sim_change *change = new_change(m, kind, kind == PROMISES_CLEAR ? group : key);
  announce(change, change->key, timeout_ms);
  promises_enter(&c->promises);
  int status = start_change(change, bytes, timeout_ms, ttl_ms);
  promises_leave(&c->promises);
  memset(text, POISON, sizeof text);
  refused(change, status);
}

void sim_client_remove_many(struct sim_member *m, const unsigned keys[], size_t n,
                            uint64_t timeout_ms) {
  struct sim_cluster *c = m->cluster;
  gcache_bytes_t bytes[SIM_MANY_MAX];
  char text[SIM_MANY_MAX][16];
  unsigned group = keys[0] % PROMISES_GROUPS;
  if (!usable(m, group)) return;
  struct sim_change *change = new_change(m, PROMISES_REMOVE, keys[0]);
  change->is_many = 1;
  for (size_t i = 0; i < n; i++) {
    bytes[i] = key_bytes(keys[i], text[i]);
    announce(change, keys[i], timeout_ms);
  }
  promises_enter(&c->promises);
  int status = gcache_remove_many(&change->req, m->groups[group].group, bytes, n, timeout_ms,
                                  on_changed);
  promises_leave(&c->promises);
  memset(text, POISON, sizeof text);
  refused(change, status);
}

void sim_client_listed(struct sim_member *m) {
  gci_list_each(link, &m->changes) {
    struct sim_change *change = gci_container_of(link, struct sim_change, link);
    if (change->kind != PROMISES_SET || change->serial == 0) continue;
    promises_set_underway(&m->cluster->promises, change->serial);
    change->is_relisted = 1;
  }
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

static void cancel_get(struct sim_member *m) {
  struct gcache_link_s *link = pick(&m->cluster->world.rng, &m->gets);
  if (link == NULL) return;
  struct sim_get *get = gci_container_of(link, struct sim_get, link);
  sim_trace(&m->cluster->world, "m%d: cancels get %zu", m->index, get->request);
  promises_cancelled(&m->cluster->promises, get->request);
  promises_enter(&m->cluster->promises);
  gcache_get_cancel(&get->req);
  promises_leave(&m->cluster->promises);
}

static void cancel_change(struct sim_member *m) {
  struct gcache_link_s *link = pick(&m->cluster->world.rng, &m->changes);
  if (link == NULL) return;
  struct sim_change *change = gci_container_of(link, struct sim_change, link);
  sim_trace(&m->cluster->world, "m%d: cancels change %zu", m->index, change->requests[0]);
  for (size_t i = 0; i < change->n; i++)
    promises_cancelled(&m->cluster->promises, change->requests[i]);
  promises_enter(&m->cluster->promises);
  gcache_change_cancel(&change->req);
  promises_leave(&m->cluster->promises);
}

void sim_client_cancel(struct sim_member *m) {
  unsigned dice = (unsigned)sim_rng_below(&m->cluster->world.rng, 100);
  if (m->life != SIM_LIVING) return;
  if (dice < 20)
    cancel_change(m);
  else if (dice < 40)
    sim_client_cancel_many(m, pick(&m->cluster->world.rng, &m->batches));
  else
    cancel_get(m);
}

static void drop(struct gci_list *list) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(list)) != NULL)
    free(gci_container_of(link, struct spent, link));
}

void sim_client_forget(struct sim_member *m) {
  drop(&m->gets);
  drop(&m->changes);
  drop(&m->batches);
  drop(&m->spent);
}
