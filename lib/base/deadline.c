/* base/deadline - see deadline.h. A four-way heap of pointers, half as deep as a two-way one. Owns
 * the array; only setting a deadline that is not set can fail. */
#include "base/deadline.h"

#include <assert.h>
#include <uv.h>

enum { WAYS = 4, FIRST_CAP = 16 };

static int earlier(const struct gcache_deadline_s *a, const struct gcache_deadline_s *b) {
  return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void put(struct gci_deadlines *ds, size_t i, struct gcache_deadline_s *d) {
  ds->heap[i] = d;
  d->slot = i + 1;
}

/* Moves the hole at i up to where d belongs. */
static void sift_up(struct gci_deadlines *ds, size_t i, struct gcache_deadline_s *d) {
  while (i > 0) {
    size_t parent = (i - 1) / WAYS;
    if (!earlier(d, ds->heap[parent])) break;
    put(ds, i, ds->heap[parent]);
    i = parent;
  }
  put(ds, i, d);
}

/* The child of i that passes first; 0: i has no child. */
static size_t first_child(const struct gci_deadlines *ds, size_t i) {
  size_t child = i * WAYS + 1, end = child + WAYS < ds->n ? child + WAYS : ds->n;
  if (child >= ds->n) return 0;
  size_t first = child;
  while (++child < end) {
    if (earlier(ds->heap[child], ds->heap[first])) first = child;
  }
  return first;
}

static void sift(struct gci_deadlines *ds, size_t i, struct gcache_deadline_s *d) {
  size_t child;
  while ((child = first_child(ds, i)) != 0 && earlier(ds->heap[child], d)) {
    put(ds, i, ds->heap[child]);
    i = child;
  }
  sift_up(ds, i, d);
}

static int make_room(struct gci_deadlines *ds) {
  if (ds->n < ds->cap) return 0;
  size_t cap = ds->cap == 0 ? FIRST_CAP : ds->cap * 2, each = sizeof *ds->heap;
  if (cap > SIZE_MAX / WAYS / each) return UV_ENOMEM;
  void *wider = gci_mem_resize(ds->mem, ds->heap, ds->cap * each, cap * each);
  if (wider == NULL) return UV_ENOMEM;
  ds->heap = wider;
  ds->cap = cap;
  return 0;
}

void gci_deadlines_init(struct gci_deadlines *ds, struct gci_mem *mem) {
  *ds = (struct gci_deadlines){.mem = mem};
}

void gci_deadlines_fini(struct gci_deadlines *ds) {
  assert(ds->n == 0);
  gci_mem_free(ds->mem, ds->heap, ds->cap * sizeof *ds->heap);
  ds->heap = NULL;
  ds->cap = 0;
}

void gci_deadline_init(struct gcache_deadline_s *d, void (*passed)(struct gcache_deadline_s *d)) {
  *d = (struct gcache_deadline_s){.passed = passed};
}

int gci_deadline_set(struct gci_deadlines *ds, struct gcache_deadline_s *d, uint64_t at_ms) {
  if (at_ms == GCI_DEADLINE_NEVER) {
    gci_deadline_clear(ds, d);
    return 0;
  }
  if (!gci_deadline_is_set(d)) {
    int err = make_room(ds);
    if (err < 0) return err;
    put(ds, ds->n++, d);
  }
  d->at_ms = at_ms;
  d->order = ds->next_order++;
  sift(ds, d->slot - 1, d);
  return 0;
}

void gci_deadline_clear(struct gci_deadlines *ds, struct gcache_deadline_s *d) {
  if (!gci_deadline_is_set(d)) return;
  size_t hole = d->slot - 1;
  assert(hole < ds->n && ds->heap[hole] == d);
  struct gcache_deadline_s *last = ds->heap[--ds->n];
  d->slot = 0;
  if (last != d) sift(ds, hole, last);
}

struct gcache_deadline_s *gci_deadlines_first(const struct gci_deadlines *ds) {
  return ds->n == 0 ? NULL : ds->heap[0];
}

uint64_t gci_deadlines_next(const struct gci_deadlines *ds) {
  return ds->n == 0 ? GCI_DEADLINE_NEVER : ds->heap[0]->at_ms;
}

struct gcache_deadline_s *gci_deadlines_pop(struct gci_deadlines *ds, uint64_t now_ms) {
  struct gcache_deadline_s *d = gci_deadlines_first(ds);
  if (d == NULL || d->at_ms > now_ms) return NULL;
  gci_deadline_clear(ds, d);
  return d;
}
