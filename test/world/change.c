#include "change.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dead.h"
#include "gcache/many.h"
#include "getter.h"
#include "missed.h"
#include "value.h"

#define POISON 0xdb
/* For so long after a change that was not reported as done it may still take effect somewhere. */
#define LINGERS_US 2000000

/* Of a removal of many keys: the first key; one request a key. */
struct change {
  struct gcache_link_s link;
  struct world_member *member;
  enum promises_kind kind;
  unsigned key; /* CLEAR: the group */
  unsigned keys[WORLD_MANY_MAX];
  size_t n, requests[WORLD_MANY_MAX];
  uint64_t timeout_ms, ttl_ms, serial; /* serial of a SET's value */
  int owner;                           /* member index the library named at the start, -1: none */
  gcache_change_t req;
};

/* ---- what a change that failed may still do ---- */

struct rest {
  struct gcache_link_s link;
  struct sim_event over;
  struct world *world;
  enum promises_kind kind;
  unsigned key;
};

static void on_over(struct sim_event *event) {
  struct rest *rest = gci_container_of(event, struct rest, over);
  promises_change_settled(&rest->world->promises, rest->kind, rest->key);
  gci_link_unlink(&rest->link);
  free(rest);
}

static void linger(struct world *w, enum promises_kind kind, unsigned key) {
  struct rest *rest = sim_new(sizeof *rest);
  rest->world = w;
  rest->kind = kind;
  rest->key = key;
  promises_change_sent(&w->promises, kind, key);
  sim_event_init(&rest->over, on_over);
  sim_event_set(&w->time, &rest->over, w->time.now_us + LINGERS_US);
  gci_list_push_back(&w->rests, &rest->link);
}

void world_changes_forget(struct world *w) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&w->rests)) != NULL) {
    struct rest *rest = gci_container_of(link, struct rest, link);
    sim_event_clear(&w->time, &rest->over);
    free(rest);
  }
}

/* ---- the answer ---- */

/* Who has said anything else was told. */
static int is_missed(const struct change *change, int status) {
  if (status == UV_EINVAL || status == UV_EMSGSIZE) return change->kind == PROMISES_SET;
  return status != 0 && status != GCACHE_ENOGROUP && status != UV_ENOTSUP && status != UV_EACCES &&
         status != UV_ECANCELED;
}

static void check_report(struct change *change, const gcache_peer_result_t *peers, size_t n,
                         uint64_t *reported, uint64_t *ok, uint64_t *missed, int *twice) {
  struct world_member *m = change->member;
  struct world *w = m->world;
  *reported = *ok = *missed = 0;
  *twice = 0;
  for (size_t i = 0; i < n; i++) {
    int who = peers[i].url == NULL ? m->index : world_member_of_url(w, peers[i].url);
    uint64_t bit = UINT64_C(1) << (who < 0 ? 63 : who);
    if (*reported & bit) *twice = 1;
    *reported |= bit;
    if (peers[i].status == 0) *ok |= bit;
    if (is_missed(change, peers[i].status)) *missed |= bit;
    if (peers[i].reason == NULL)
      promises_break(&w->promises, "P8: member %d is reported without a reason", who);
    sim_trace(&w->time, "  member %d: %d '%s'", who, peers[i].status, peers[i].reason);
  }
}

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct change *change = req->data;
  struct world_member *m = change->member;
  struct world *w = m->world;
  uint64_t reported, ok, missed;
  int twice;
  check_report(change, peers, n, &reported, &ok, &missed, &twice);
  sim_trace(&w->time, "m%d key %u: change %zu ends %d", m->index, change->key, change->requests[0],
            status);
  for (size_t i = 0; i < change->n; i++) {
    unsigned key = change->kind == PROMISES_CLEAR ? change->key : change->keys[i];
    if (status != 0 && !(status == GCACHE_EPARTIAL && world_dead_excuses(w, reported, ok)))
      linger(w, change->kind, key);
    promises_change_ended(&w->promises, change->requests[i], status, reported, ok, twice);
    if (status == GCACHE_EPARTIAL)
      world_missed_note(m, change->requests[i], missed, reported & ~ok & ~missed);
  }
  if (change->kind == PROMISES_SET && status == 0)
    promises_set_landed(&w->promises, change->serial);
  memset(req, POISON, sizeof *req);
  gci_link_unlink(&change->link);
  gci_list_push_back(&m->spent, &change->link);
  world_client_ask_again(m, change->keys[0]);
}

/* ---- the question ---- */

static int start_set(struct change *change, gcache_group_t *group, gcache_bytes_t key) {
  struct world_member *m = change->member;
  struct world *w = m->world;
  struct world_value v = {.key = change->key, .size = world_some_size(w)};
  int64_t expire = 0;
  if (change->ttl_ms > 0) expire = world_host_unix_ns(&m->host) + (int64_t)change->ttl_ms * 1000000;
  v.serial = change->serial = promises_set_began(&w->promises, m->index, v.key, v.size, expire);
  promises_set_underway(&w->promises, v.serial);
  sim_trace(&w->time, "  sets value %" PRIu64 ", %zu bytes", v.serial, v.size);
  char *bytes = sim_new(v.size);
  world_value_write(bytes, &v);
  gcache_value_t *value = gcache_value_copy(m->cache, gcache_bytes(bytes, v.size), expire);
  free(bytes);
  if (value == NULL) return UV_ENOMEM;
  int status = gcache_set(&change->req, group, key, value, change->timeout_ms, on_changed);
  gcache_value_unref(value);
  return status;
}

static int start(struct change *change) {
  gcache_group_t *group = change->member->groups[change->keys[0] % PROMISES_GROUPS].group;
  gcache_bytes_t bytes[WORLD_MANY_MAX];
  char text[WORLD_MANY_MAX][32];
  int status;
  for (size_t i = 0; i < change->n; i++)
    bytes[i] = gcache_bytes(text[i], world_key_write(change->keys[i], text[i]));
  if (change->kind == PROMISES_SET)
    status = start_set(change, group, bytes[0]);
  else if (change->kind == PROMISES_CLEAR)
    status = gcache_clear(&change->req, group, change->timeout_ms, on_changed);
  else if (change->n == 1 && change->keys[0] % 3 != 0)
    status = gcache_remove(&change->req, group, bytes[0], change->timeout_ms, on_changed);
  else
    status = gcache_remove_many(&change->req, group, bytes, change->n, change->timeout_ms,
                                on_changed);
  memset(text, POISON, sizeof text);
  return status;
}

static void announce(struct change *change) {
  static const char *const words[] = {"get", "answer", "set", "remove", "clear"};
  struct world_member *m = change->member;
  struct world *w = m->world;
  for (size_t i = 0; i < change->n; i++) {
    unsigned key = change->kind == PROMISES_CLEAR ? change->key : change->keys[i];
    change->requests[i] = promises_began(&w->promises, change->kind, m->index, key,
                                         world_member_due_us(m, change->timeout_ms));
    sim_trace(&w->time, "m%d key %u: change %zu, %s, timeout %" PRId64, m->index, key,
              change->requests[i], words[change->kind], (int64_t)change->timeout_ms);
  }
}

static void do_change(void *arg) {
  struct change *change = arg;
  struct world_member *m = change->member;
  struct promises *p = &m->world->promises;
  unsigned group = change->keys[0] % PROMISES_GROUPS;
  if (!world_client_can_ask(m, group)) {
    free(change);
    return;
  }
  gci_list_push_back(&m->changes, &change->link);
  announce(change);
  promises_enter(p);
  int status = start(change);
  promises_leave(p);
  if (!world_client_may_return(m, group, status, "a change")) return;
  for (size_t i = 0; i < change->n; i++)
    promises_refused(p, change->requests[i]);
  gci_link_unlink(&change->link);
  gci_list_push_back(&m->spent, &change->link);
}

static struct change *new_change(struct world_member *m, enum promises_kind kind,
                                 const unsigned keys[], size_t n, uint64_t timeout_ms) {
  struct change *change = sim_new(sizeof *change);
  change->member = m;
  change->kind = kind;
  change->n = n;
  memcpy(change->keys, keys, n * sizeof keys[0]);
  change->key = kind == PROMISES_CLEAR ? keys[0] % PROMISES_GROUPS : keys[0];
  change->timeout_ms = timeout_ms;
  memset(&change->req, 0x5a, sizeof change->req);
  change->req.data = change;
  return change;
}

void world_client_change(struct world_member *m, enum promises_kind kind, unsigned key,
                         uint64_t timeout_ms, uint64_t ttl_ms) {
  struct change *change = new_change(m, kind, &key, 1, timeout_ms);
  change->ttl_ms = ttl_ms;
  world_member_do(m, do_change, change);
}

void world_client_remove_many(struct world_member *m, const unsigned keys[], size_t n,
                              uint64_t timeout_ms) {
  world_member_do(m, do_change, new_change(m, PROMISES_REMOVE, keys, n, timeout_ms));
}

void world_change_cancel(struct world_member *m, struct gcache_link_s *link) {
  struct promises *p = &m->world->promises;
  if (link == NULL) return;
  struct change *change = gci_container_of(link, struct change, link);
  sim_trace(&m->world->time, "m%d: cancels change %zu", m->index, change->requests[0]);
  for (size_t i = 0; i < change->n; i++)
    promises_cancelled(p, change->requests[i]);
  promises_enter(p);
  gcache_change_cancel(&change->req);
  promises_leave(p);
}
