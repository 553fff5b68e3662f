/* many_room - core_room with gets of many keys: probes that record how each key ended.
 *
 * The keys are overwritten when the call has returned; the requests are poisoned and freed when
 * done begins: a later access to either is noticed. */
#ifndef TEST_MANY_ROOM_H
#define TEST_MANY_ROOM_H

#include <stdlib.h>

#include "core_room.h"
#include "gcache/many.h"

enum { BATCH_MAX = 64, BATCH_KEY_MAX = 80 };

enum batch_mode { BATCH_HELD, BATCH_EACH };

struct batch_result {
  int runs, status, has_value;
  gcache_from_t from;
  uint64_t stale_ms;
  char text[64], reason[300];
};

struct batch {
  gcache_many_t *req;
  gcache_get_t *gets;
  struct room *room;
  enum batch_mode mode;
  size_t n, told; /* told: how often each ran */
  int runs;
  void (*then_each)(struct batch *b, size_t i); /* last in each */
  void (*then)(struct batch *b);                /* last in done */
  struct batch_result results[BATCH_MAX];
};

static inline void batch_write(struct batch *b, size_t i, int status, const gcache_value_t *value) {
  struct batch_result *result = &b->results[i];
  result->runs++;
  result->status = status;
  result->has_value = value != NULL;
  result->from = gcache_get_from(&b->gets[i]);
  result->stale_ms = gcache_get_stale(&b->gets[i]);
  room_keep_text(result->text, sizeof result->text, value);
  snprintf(result->reason, sizeof result->reason, "%s", gcache_get_reason(&b->gets[i]));
  assert_int_equal(status == 0, value != NULL);
  assert_int_equal(status == 0, result->from != GCACHE_FROM_NONE);
  assert_int_equal(gcache_get_status(&b->gets[i]), status);
}

static inline void batch_on_each(gcache_get_t *req, int status, gcache_value_t *value) {
  struct batch *b = req->data;
  size_t i = (size_t)(req - b->gets);
  room_called_out(b->room);
  assert_int_equal(b->mode, BATCH_EACH);
  assert_int_equal(b->runs, 0);
  assert_int_equal(b->results[i].runs, 0);
  assert_ptr_equal(gcache_get_value(req), value);
  batch_write(b, i, status, value);
  b->told++;
  if (b->then_each != NULL) b->then_each(b, i);
}

static inline void batch_on_done(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct batch *b = many->data;
  room_called_out(b->room);
  assert_ptr_equal(gets, b->gets);
  assert_int_equal(n, b->n);
  b->runs++;
  gcache_value_t *values[BATCH_MAX] = {0};
  for (size_t i = 0; i < n; i++) {
    values[i] = gcache_get_value(&gets[i]);
    if (b->mode == BATCH_HELD) batch_write(b, i, gcache_get_status(&gets[i]), values[i]);
    assert_int_equal(gcache_get_status(&gets[i]), b->results[i].status);
    if (b->mode == BATCH_EACH) assert_null(values[i]);
  }
  memset(gets, 0xdb, (n + 1) * sizeof *gets);
  memset(many, 0xdb, sizeof *many);
  free(gets);
  free(many);
  b->gets = NULL;
  b->req = NULL;
  for (size_t i = 0; i < n; i++) { /* borrowed until this returns */
    char text[64];
    if (values[i] == NULL) continue;
    room_keep_text(text, sizeof text, values[i]);
    assert_string_equal(text, b->results[i].text);
  }
  if (b->then != NULL) b->then(b);
}

static inline void batch_drop(struct batch *b) {
  free(b->gets);
  free(b->req);
  b->gets = NULL;
  b->req = NULL;
}

static inline int room_get_bytes(struct room *r, struct batch *b, const gcache_bytes_t keys[],
                                 size_t n, uint64_t timeout_ms, enum batch_mode mode) {
  void (*then_each)(struct batch *, size_t) = b->then_each;
  void (*then)(struct batch *) = b->then;
  memset(b, 0, sizeof *b);
  b->then_each = then_each;
  b->then = then;
  b->room = r;
  b->n = n;
  b->mode = mode;
  b->req = malloc(sizeof *b->req);
  b->gets = malloc((n + 1) * sizeof *b->gets);
  assert_non_null(b->req);
  assert_non_null(b->gets);
  memset(b->req, 0x5a, sizeof *b->req);
  memset(b->gets, 0x5a, (n + 1) * sizeof *b->gets);
  b->req->data = b;
  for (size_t i = 0; i < n; i++)
    b->gets[i].data = b;
  r->depth++;
  int rc = gcache_get_many(b->req, r->group, keys, n, b->gets, timeout_ms,
                           mode == BATCH_EACH ? batch_on_each : NULL, batch_on_done);
  r->depth--;
  assert_int_equal(b->runs + b->told, 0);
  if (rc < 0) batch_drop(b);
  return rc;
}

static inline int room_get_many(struct room *r, struct batch *b, const char *const keys[], size_t n,
                                uint64_t timeout_ms, enum batch_mode mode) {
  static char text[BATCH_MAX][BATCH_KEY_MAX];
  gcache_bytes_t bytes[BATCH_MAX];
  for (size_t i = 0; i < n; i++) {
    snprintf(text[i], sizeof text[i], "%s", keys[i]);
    bytes[i] = gcache_cstr(text[i]);
  }
  int rc = room_get_bytes(r, b, bytes, n, timeout_ms, mode);
  memset(text, 0xdb, sizeof text);
  memset(bytes, 0xdb, sizeof bytes);
  return rc;
}

static inline void room_cancel_many(struct room *r, struct batch *b) {
  r->depth++;
  gcache_many_cancel(b->req);
  r->depth--;
}

static inline void room_cancel_one(struct room *r, struct batch *b, size_t i) {
  r->depth++;
  gcache_get_cancel(&b->gets[i]);
  r->depth--;
}

static inline int room_remove_many(struct room *r, struct change_probe *p, const char *const keys[],
                                   size_t n, uint64_t timeout_ms) {
  static char text[BATCH_MAX][BATCH_KEY_MAX];
  gcache_bytes_t bytes[BATCH_MAX];
  for (size_t i = 0; i < n; i++) {
    snprintf(text[i], sizeof text[i], "%s", keys[i]);
    bytes[i] = gcache_cstr(text[i]);
  }
  room_begin_change(r, p);
  int rc = gcache_remove_many(&p->req, r->group, bytes, n, timeout_ms, room_on_changed);
  r->depth--;
  memset(text, 0xdb, sizeof text);
  return rc;
}

#endif
