/* fresh_room - a member whose group has freshness options: core_room with windows. */
#ifndef TEST_FRESH_ROOM_H
#define TEST_FRESH_ROOM_H

#include "core_room.h"

/* Alone for self NULL, else of three. */
static inline void fresh_open(struct room *r, const char *self,
                              const gcache_group_options_t *like) {
  const char *const urls[] = {ROOM_B, ROOM_C, self};
  room_init(r);
  struct gci_core_options core = room_core_options(r, self);
  assert_int_equal(room_try_open(r, &core), 0);
  if (self != NULL) assert_int_equal(room_set_peers(r, urls, 3), 0);
  gcache_group_options_t o = room_group_options(r);
  o.stale_ms = like->stale_ms;
  o.error_ms = like->error_ms;
  o.refresh_ahead_ms = like->refresh_ahead_ms;
  o.hot_max_ms = like->hot_max_ms;
  o.not_found_ms = like->not_found_ms;
  assert_int_equal(gcache_group_open(&r->group, &r->core, "g", &o), 0);
}

/* Asks, and lets what can complete complete. */
static inline void fresh_get(struct room *r, struct probe *p, const char *key) {
  assert_int_equal(room_get(r, p, key, 0), 0);
  room_run(r);
}

static inline void fresh_assert_got(const struct probe *p, const char *text, uint64_t stale_ms) {
  assert_int_equal(p->runs, 1);
  assert_int_equal(p->status, 0);
  assert_string_equal(p->text, text);
  assert_int_equal(p->stale_ms, stale_ms);
}

static inline void fresh_assert_failed(const struct probe *p, int status) {
  assert_int_equal(p->runs, 1);
  assert_int_equal(p->status, status);
  assert_int_equal(p->stale_ms, 0);
}

/* The oldest load that is owed. */
static inline void fresh_load(struct room *r, const char *text, uint64_t ttl_ms) {
  assert_true(r->n_loads > 0);
  room_load_done(r, r->loads[0], text, ttl_ms);
  room_run(r);
}

static inline void fresh_fail(struct room *r, int status) {
  assert_true(r->n_loads > 0);
  room_load_fail(r, r->loads[0], status, "a reason");
  room_run(r);
}

/* Fetched from its owner, the oldest call that is owed. */
static inline void fresh_fetch(struct room *r, const char *text, uint64_t ttl_ms) {
  gcache_value_t *value = room_value(r, text, ttl_ms);
  assert_true(r->n_calls > 0);
  gcache_call_t *call = r->calls[0];
  room_forget((void **)r->calls, &r->n_calls, call);
  r->depth++;
  gcache_call_done(call, 0, value, NULL);
  r->depth--;
  room_run(r);
}

/* A copy of a key of b's, in the hot cache. */
static inline void fresh_fill_hot(struct room *r, const char *key, const char *text,
                                  uint64_t ttl_ms) {
  struct probe p = {0};
  fresh_get(r, &p, key);
  fresh_fetch(r, text, ttl_ms);
  fresh_assert_got(&p, text, 0);
}

#endif
