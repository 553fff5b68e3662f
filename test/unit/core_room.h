/* core_room - one member of a cluster for tests: manual time, a counted allocator, and a getter and
 * a transport that only remember what they were asked, until the test answers.
 *
 * Every callback checks that no public function is on the stack below it (P10): the room_ functions
 * count themselves in `depth`. Probes are requests that record how they ended. */
#ifndef TEST_CORE_ROOM_H
#define TEST_CORE_ROOM_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "core/core.h"
#include "gcache/gcache.h"
#include "gcache/transport.h"
#include "manual_env.h"
#include "oom.h"

enum { ROOM_OWED_MAX = 64, ROOM_MEMBERS_MAX = 8 };

#define ROOM_SELF "http://a:1"
#define ROOM_B "http://b:1"
#define ROOM_C "http://c:1"

struct room {
  struct oom oom;
  struct manual_env m;
  gcache_t core;
  gcache_transport_t transport;
  gcache_group_t *group;
  int depth;      /* public functions on the stack */
  size_t max_key; /* where the search for a key begins */

  void (*getter)(struct room *r, gcache_load_t *load); /* NULL: remembered */
  void (*told)(struct room *r, gcache_load_t *load);   /* nobody waits; NULL: counted */
  gcache_load_t *loads[ROOM_OWED_MAX];                 /* owed, oldest first */
  size_t n_loads, getter_runs, getters_told;

  void (*start)(struct room *r, gcache_call_t *call);
  void (*call_told)(struct room *r, gcache_call_t *call);
  gcache_call_t *calls[ROOM_OWED_MAX];
  size_t n_calls, calls_started, calls_told;

  size_t peers_told, n_others;
  const char *others[ROOM_MEMBERS_MAX];
  int groups_closed, cores_closed;
};

struct probe {
  gcache_get_t req;
  struct room *room;
  void (*then)(struct probe *p); /* inside the callback, last */
  int runs, status, has_value;
  gcache_from_t from;
  uint64_t stale_ms;
  char text[64], reason[300];
};

struct change_probe {
  gcache_change_t req;
  struct room *room;
  void (*then)(struct change_probe *p);
  int runs, status;
  size_t n;
  struct {
    char url[32];
    int has_url, status;
    char reason[64];
  } members[ROOM_MEMBERS_MAX];
};

struct answer_probe {
  gcache_answer_t req;
  struct room *room;
  int runs, status, has_value;
  uint64_t stale_ms, not_found_ms;
  char text[64], reason[300];
};

/* ------------------------------------------------------------------------------ out of it ---- */

static inline void room_called_out(const struct room *r) {
  assert_int_equal(r->depth, 0);
}

static inline void room_forget(void **owed, size_t *n, const void *what) {
  size_t i = 0;
  while (i < *n && owed[i] != what)
    i++;
  assert_true(i < *n);
  memmove(&owed[i], &owed[i + 1], (*n - i - 1) * sizeof *owed);
  --*n;
}

static inline void room_on_getter(gcache_load_t *load) {
  struct room *r = gcache_group_data(gcache_load_group(load));
  room_called_out(r);
  r->getter_runs++;
  assert_true(r->n_loads < ROOM_OWED_MAX);
  r->loads[r->n_loads++] = load;
  if (r->getter != NULL) r->getter(r, load);
}

static inline void room_on_told(gcache_load_t *load) {
  struct room *r = gcache_group_data(gcache_load_group(load));
  room_called_out(r);
  r->getters_told++;
  if (r->told != NULL) r->told(r, load);
}

static inline void room_on_start(gcache_transport_t *t, gcache_call_t *call) {
  struct room *r = t->data;
  room_called_out(r);
  r->calls_started++;
  assert_true(r->n_calls < ROOM_OWED_MAX);
  r->calls[r->n_calls++] = call;
  if (r->start != NULL) r->start(r, call);
}

static inline void room_on_call_told(gcache_transport_t *t, gcache_call_t *call) {
  struct room *r = t->data;
  room_called_out(r);
  r->calls_told++;
  if (r->call_told != NULL) r->call_told(r, call);
}

static inline void room_on_peers(gcache_transport_t *t, const char *const urls[], size_t n) {
  struct room *r = t->data;
  r->peers_told++;
  r->n_others = n;
  for (size_t i = 0; i < n && i < ROOM_MEMBERS_MAX; i++)
    r->others[i] = urls[i];
}

static inline void room_on_group_closed(void *arg) {
  struct room *r = arg;
  room_called_out(r);
  r->groups_closed++;
  r->group = NULL;
}

static inline void room_on_core_closed(void *arg) {
  struct room *r = arg;
  room_called_out(r);
  r->cores_closed++;
}

static inline void room_keep_text(char *out, size_t cap, const gcache_value_t *value) {
  gcache_bytes_t bytes = value == NULL ? gcache_cstr("") : gcache_value_bytes(value);
  size_t len = bytes.len < cap - 1 ? bytes.len : cap - 1;
  if (len > 0) memcpy(out, bytes.base, len);
  out[len] = '\0';
}

static inline void room_on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct probe *p = req->data;
  room_called_out(p->room);
  p->runs++;
  p->status = status;
  p->has_value = value != NULL;
  p->from = gcache_get_from(req);
  p->stale_ms = gcache_get_stale(req);
  room_keep_text(p->text, sizeof p->text, value);
  snprintf(p->reason, sizeof p->reason, "%s", gcache_get_reason(req));
  assert_int_equal(status == 0, value != NULL);
  assert_int_equal(status == 0, p->from != GCACHE_FROM_NONE);
  if (p->then != NULL) p->then(p);
}

static inline void room_on_changed(gcache_change_t *req, int status,
                                   const gcache_peer_result_t *peers, size_t n) {
  struct change_probe *p = req->data;
  room_called_out(p->room);
  p->runs++;
  p->status = status;
  p->n = n;
  for (size_t i = 0; i < n && i < ROOM_MEMBERS_MAX; i++) {
    p->members[i].has_url = peers[i].url != NULL;
    snprintf(p->members[i].url, sizeof p->members[i].url, "%s",
             peers[i].url == NULL ? "" : peers[i].url);
    p->members[i].status = peers[i].status;
    snprintf(p->members[i].reason, sizeof p->members[i].reason, "%s", peers[i].reason);
  }
  if (p->then != NULL) p->then(p);
}

static inline void room_on_answered(gcache_answer_t *req, int status, gcache_value_t *value,
                                    const char *reason) {
  struct answer_probe *p = req->data;
  room_called_out(p->room);
  p->runs++;
  p->status = status;
  p->has_value = value != NULL;
  p->stale_ms = gcache_answer_stale(req);
  p->not_found_ms = gcache_answer_not_found(req);
  room_keep_text(p->text, sizeof p->text, value);
  snprintf(p->reason, sizeof p->reason, "%s", reason);
}

/* ------------------------------------------------------------------------------ open ---- */

static inline const char *room_error_text(int code) {
  return code == UV_ENOENT ? "no such file or directory" : NULL;
}

static inline struct gci_core_options room_core_options(struct room *r, const char *self) {
  struct gci_core_options o = {.self = self,
                               .dialect = GCACHE_DIALECT_GOLANG,
                               .replicas = 20,
                               .timeout_ms = 10000,
                               .key_max = 64,
                               .value_max = 64 * 1024,
                               .transport = &r->transport,
                               .error_text = room_error_text};
  return o;
}

static inline gcache_group_options_t room_group_options(struct room *r) {
  gcache_group_options_t o;
  gcache_group_options_init(&o);
  o.max_bytes = 128 * 1024;
  o.getter = room_on_getter;
  o.cancel = room_on_told;
  o.data = r;
  return o;
}

/* Its allocator may be set to fail already. On error nothing is open. */
static inline int room_try_open(struct room *r, const struct gci_core_options *o) {
  gcache_mem_t mem = oom_mem(&r->oom);
  if (manual_env_init(&r->m, &mem) < 0) return UV_ENOMEM;
  int rc = gci_core_open(&r->core, &r->m.env, o);
  if (rc < 0) manual_env_fini(&r->m);
  return rc;
}

static inline void room_init(struct room *r) {
  memset(r, 0, sizeof *r);
  oom_init(&r->oom);
  r->transport = (gcache_transport_t){.size = sizeof r->transport,
                                      .data = r,
                                      .start = room_on_start,
                                      .cancel = room_on_call_told,
                                      .peers = room_on_peers};
}

static inline int room_set_peers(struct room *r, const char *const urls[], size_t n) {
  r->depth++;
  int rc = gci_core_set_peers(&r->core, urls, urls, NULL, n);
  r->depth--;
  return rc;
}

static inline void room_open_group(struct room *r, gcache_hot_t hot) {
  gcache_group_options_t o = room_group_options(r);
  o.hot = hot;
  assert_int_equal(gcache_group_open(&r->group, &r->core, "g", &o), 0);
}

/* Alone, without a URL. */
static inline void room_open_alone(struct room *r) {
  room_init(r);
  struct gci_core_options o = room_core_options(r, NULL);
  assert_int_equal(room_try_open(r, &o), 0);
  room_open_group(r, GCACHE_HOT_DEFAULT);
}

/* self, ROOM_B and ROOM_C; self NULL: a client-only member of b and c. */
static inline void room_open_of_three(struct room *r, const char *self, gcache_hot_t hot) {
  const char *const urls[] = {ROOM_B, ROOM_C, self};
  room_init(r);
  struct gci_core_options o = room_core_options(r, self);
  assert_int_equal(room_try_open(r, &o), 0);
  assert_int_equal(room_set_peers(r, urls, self == NULL ? 2 : 3), 0);
  room_open_group(r, hot);
}

static inline void room_open_three(struct room *r) {
  room_open_of_three(r, ROOM_SELF, GCACHE_HOT_DEFAULT);
}

/* Who is asked for key when its owner has just failed; NULL: nobody, it is loaded here. */
static inline const char *room_next_owner(struct room *r, const char *key) {
  const struct gci_peer *owner = gci_peers_owner(&r->core.peers, gcache_cstr(key));
  const struct gci_peer *next = gci_health_owner(&r->core, gcache_cstr(key), owner);
  return next == NULL || next->is_self ? NULL : next->url;
}

/* A key that url owns, another one at each call; written to out. Its next owner is `next`, NULL: this
 * member. */
static inline const char *room_key_of_two(struct room *r, const char *url, const char *next,
                                          char out[16]) {
  const char *owner, *then;
  do {
    snprintf(out, 16, "key%zu", r->max_key++);
    owner = gcache_owner(&r->core, gcache_cstr(out));
    then = room_next_owner(r, out);
  } while (strcmp(owner, url) != 0 || (then == NULL) != (next == NULL) ||
           (next != NULL && strcmp(then, next) != 0));
  return out;
}

/* A key that url owns, and this member next, if it owns any; another one at each call; written to
 * out. */
static inline const char *room_key(struct room *r, const char *url, char out[16]) {
  const char *owner;
  if (r->core.peers.self != NULL && strcmp(r->core.peers.self->url, url) != 0 &&
      r->core.peers.n_out == 0)
    return room_key_of_two(r, url, NULL, out);
  do {
    snprintf(out, 16, "key%zu", r->max_key++);
    owner = gcache_owner(&r->core, gcache_cstr(out));
  } while (strcmp(owner, url) != 0);
  return out;
}

/* ------------------------------------------------------------------------------ time ---- */

static inline void room_turn(struct room *r) {
  manual_env_turn(&r->m);
}

static inline void room_run(struct room *r) {
  manual_env_run(&r->m);
}

static inline void room_advance(struct room *r, uint64_t ms) {
  manual_env_advance(&r->m, ms);
}

/* ------------------------------------------------------------------------------ asking ---- */

static inline int room_get(struct room *r, struct probe *p, const char *key, uint64_t timeout_ms) {
  void (*then)(struct probe *) = p->then;
  memset(p, 0, sizeof *p);
  p->then = then;
  p->room = r;
  p->req.data = p;
  r->depth++;
  int rc = gcache_get(&p->req, r->group, gcache_cstr(key), timeout_ms, room_on_got);
  r->depth--;
  assert_int_equal(p->runs, 0);
  return rc;
}

static inline void room_cancel(struct room *r, struct probe *p) {
  r->depth++;
  gcache_get_cancel(&p->req);
  r->depth--;
}

static inline gcache_value_t *room_value(struct room *r, const char *text, uint64_t ttl_ms) {
  int64_t expire = ttl_ms == 0 ? GCACHE_NEVER : gcache_expire_in(&r->core, ttl_ms);
  return gcache_value_copy(&r->core, gcache_cstr(text), expire);
}

static inline void room_begin_change(struct room *r, struct change_probe *p) {
  void (*then)(struct change_probe *) = p->then;
  memset(p, 0, sizeof *p);
  p->then = then;
  p->room = r;
  p->req.data = p;
  r->depth++;
}

static inline int room_remove(struct room *r, struct change_probe *p, const char *key,
                              uint64_t timeout_ms) {
  room_begin_change(r, p);
  int rc = gcache_remove(&p->req, r->group, gcache_cstr(key), timeout_ms, room_on_changed);
  r->depth--;
  return rc;
}

static inline int room_clear(struct room *r, struct change_probe *p, uint64_t timeout_ms) {
  room_begin_change(r, p);
  int rc = gcache_clear(&p->req, r->group, timeout_ms, room_on_changed);
  r->depth--;
  return rc;
}

static inline int room_set(struct room *r, struct change_probe *p, const char *key,
                           const char *text, uint64_t timeout_ms) {
  gcache_value_t *value = room_value(r, text, 0);
  if (value == NULL) return UV_ENOMEM;
  room_begin_change(r, p);
  int rc = gcache_set(&p->req, r->group, gcache_cstr(key), value, timeout_ms, room_on_changed);
  r->depth--;
  gcache_value_unref(value);
  return rc;
}

static inline void room_cancel_change(struct room *r, struct change_probe *p) {
  r->depth++;
  gcache_change_cancel(&p->req);
  r->depth--;
}

/* text: SET only. */
static inline int room_answer(struct room *r, struct answer_probe *p, gcache_op_t op,
                              const char *key, const char *text) {
  gcache_value_t *value = text == NULL ? NULL : room_value(r, text, 0);
  if (text != NULL && value == NULL) return UV_ENOMEM;
  memset(p, 0, sizeof *p);
  p->room = r;
  p->req.data = p;
  r->depth++;
  int rc = gcache_answer(&p->req, &r->core, op, gcache_cstr("g"), gcache_cstr(key), value, 0,
                         room_on_answered);
  r->depth--;
  gcache_value_unref(value);
  return rc;
}

/* A GET of a peer that is gcache. */
static inline int room_answer_get(struct room *r, struct answer_probe *p, const char *key,
                                  int64_t newer_than) {
  memset(p, 0, sizeof *p);
  p->room = r;
  p->req.data = p;
  r->depth++;
  int rc = gcache_answer_get(&p->req, &r->core, gcache_cstr("g"), gcache_cstr(key), newer_than, 0,
                             room_on_answered);
  r->depth--;
  return rc;
}

/* ------------------------------------------------------------------------------ answering ---- */

static inline void room_load_done(struct room *r, gcache_load_t *load, const char *text,
                                  uint64_t ttl_ms) {
  room_forget((void **)r->loads, &r->n_loads, load);
  r->depth++;
  gcache_load_done_copy(load, gcache_cstr(text), ttl_ms);
  r->depth--;
}

static inline void room_load_fail(struct room *r, gcache_load_t *load, int status,
                                  const char *reason) {
  room_forget((void **)r->loads, &r->n_loads, load);
  r->depth++;
  gcache_load_fail(load, status, reason);
  r->depth--;
}

/* text NULL: no value goes with the status. */
static inline void room_call_done(struct room *r, gcache_call_t *call, int status, const char *text,
                                  const char *reason) {
  gcache_value_t *value = text == NULL ? NULL : room_value(r, text, 0);
  room_forget((void **)r->calls, &r->n_calls, call);
  r->depth++;
  gcache_call_done(call, status, value, reason);
  r->depth--;
}

/* The oldest that is owed. */
static inline void room_load_answer(struct room *r, const char *text) {
  assert_true(r->n_loads > 0);
  room_load_done(r, r->loads[0], text, 0);
}

static inline void room_call_answer(struct room *r, int status, const char *text) {
  assert_true(r->n_calls > 0);
  room_call_done(r, r->calls[0], status, text, NULL);
}

/* The call to url that is owed; there must be one. */
static inline gcache_call_t *room_call_to(struct room *r, const char *url) {
  for (size_t i = 0; i < r->n_calls; i++) {
    if (strcmp(gcache_call_peer(r->calls[i]), url) == 0) return r->calls[i];
  }
  fail_msg("no call to %s", url);
  return NULL;
}

/* Everything that is owed, with a value or success, until nothing moves. */
static inline void room_settle(struct room *r) {
  room_run(r);
  while (r->n_loads > 0 || r->n_calls > 0) {
    if (r->n_loads > 0)
      room_load_answer(r, "settled");
    else
      room_call_answer(r, 0, gcache_call_op(r->calls[0]) == GCACHE_OP_GET ? "settled" : NULL);
    room_run(r);
  }
}

/* Puts key and text in the main cache. */
static inline void room_fill(struct room *r, const char *key, const char *text, uint64_t ttl_ms) {
  struct answer_probe p;
  assert_int_equal(room_answer(r, &p, GCACHE_OP_GET, key, NULL), 0);
  room_turn(r);
  room_load_done(r, r->loads[r->n_loads - 1], text, ttl_ms);
  room_turn(r);
  assert_int_equal(p.status, 0);
}

static inline int room_holds(struct room *r, const char *key) {
  gcache_value_t *value = gcache_peek(r->group, gcache_cstr(key));
  gcache_value_unref(value);
  return value != NULL;
}

static inline gcache_group_stats_t room_stats(const struct room *r) {
  gcache_group_stats_t stats;
  gcache_group_stats(r->group, &stats);
  return stats;
}

static inline gcache_peer_stats_t room_peer_stats(const struct room *r, const char *url) {
  gcache_peer_stats_t stats;
  size_t i = 0;
  do {
    assert_int_equal(gcache_peer_stats(&r->core, i++, &stats), 0);
  } while (strcmp(stats.url, url) != 0);
  return stats;
}

/* ------------------------------------------------------------------------------ close ---- */

static inline void room_begin_close(struct room *r) {
  r->depth++;
  gci_core_close(&r->core, room_on_core_closed, r);
  r->depth--;
}

/* Answers what is owed; asserts that nothing is left of the member. */
static inline void room_close(struct room *r) {
  if (!r->core.closing) room_begin_close(r);
  assert_int_equal(r->m.held, r->cores_closed == 0);
  room_settle(r);
  assert_int_equal(r->cores_closed, 1);
  gci_core_fini(&r->core);
  manual_env_fini(&r->m);
  oom_assert_empty(&r->oom);
}

#endif
