/* oom - an allocator for tests: counts, checks that every old_size is exact, and fails on demand.
 *
 * Every block has its size in front and moves at every resize, so that a stale pointer or a wrong
 * size is noticed at once. Faults are printed to stderr and abort the program. Needs neither cmocka
 * nor a loop. */
#ifndef TEST_OOM_H
#define TEST_OOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcache/gcache.h"

struct oom {
  size_t bytes, blocks; /* out now */
  size_t asked; /* allocations and resizes so far, refused ones included; frees are not counted */
  size_t refused;
  size_t fail_first, fail_last; /* those of `asked` in this range are refused, 1 up */
};

struct oom_head {
  size_t size;
  uint64_t mark;
};

enum { OOM_FILL = 0xa5 };

static inline void oom_wrong(const char *what, size_t a, size_t b) {
  fprintf(stderr, "oom.h: %s (%zu, %zu)\n", what, a, b);
  abort();
}

static inline uint64_t oom_mark(const struct oom_head *head) {
  return (uint64_t)(uintptr_t)head ^ 0x6f6f6d2e68a5a5a5u;
}

static inline struct oom_head *oom_head_of(void *ptr, size_t old_size) {
  struct oom_head *head = (struct oom_head *)ptr - 1;
  if (head->mark != oom_mark(head)) oom_wrong("not a block, or overrun from below", 0, 0);
  if (head->size != old_size) oom_wrong("old_size is not the size", old_size, head->size);
  return head;
}

static inline void oom_free(struct oom *oom, void *ptr, size_t size) {
  if (ptr == NULL) return;
  struct oom_head *head = oom_head_of(ptr, size);
  memset(head, OOM_FILL, sizeof *head + size);
  free(head);
  oom->bytes -= size;
  oom->blocks--;
}

static inline void *oom_resize(void *data, void *ptr, size_t old_size, size_t new_size) {
  struct oom *oom = data;
  if (ptr == NULL && old_size != 0) oom_wrong("NULL with a size", old_size, new_size);
  if (ptr != NULL) oom_head_of(ptr, old_size);
  if (new_size == 0) {
    oom_free(oom, ptr, old_size);
    return NULL;
  }
  oom->asked++;
  int fails = oom->asked >= oom->fail_first && oom->asked <= oom->fail_last;
  struct oom_head *head = fails ? NULL : malloc(sizeof *head + new_size);
  if (head == NULL) {
    oom->refused++;
    return NULL;
  }
  head->size = new_size;
  head->mark = oom_mark(head);
  memset(head + 1, OOM_FILL, new_size);
  if (ptr != NULL) memcpy(head + 1, ptr, old_size < new_size ? old_size : new_size);
  oom->bytes += new_size;
  oom->blocks++;
  oom_free(oom, ptr, old_size);
  return head + 1;
}

static inline void oom_init(struct oom *oom) {
  memset(oom, 0, sizeof *oom);
}

/* What goes into gcache_options_t.mem or to gci_mem_new(). */
static inline gcache_mem_t oom_mem(struct oom *oom) {
  gcache_mem_t mem = {oom_resize, oom};
  return mem;
}

/* The n-th request from now fails, once. */
static inline void oom_fail_nth(struct oom *oom, size_t n) {
  oom->fail_first = oom->fail_last = oom->asked + n;
}

/* The n-th request from now fails, and all after it. */
static inline void oom_fail_from(struct oom *oom, size_t n) {
  oom->fail_first = oom->asked + n;
  oom->fail_last = SIZE_MAX;
}

static inline void oom_heal(struct oom *oom) {
  oom->fail_first = oom->fail_last = 0;
}

static inline void oom_assert_empty(const struct oom *oom) {
  if (oom->blocks != 0 || oom->bytes != 0)
    oom_wrong("leaked blocks, bytes", oom->blocks, oom->bytes);
}

/* Runs the scenario with the n-th request failing, then with all from the n-th on, for every n until
 * nothing was refused. It must leave nothing allocated. Gives how many n there were: how many
 * allocations the scenario makes when all goes well. */
static inline size_t oom_sweep(void (*scenario)(struct oom *oom, void *arg), void *arg) {
  size_t n = 0, refused;
  do {
    n++;
    refused = 0;
    for (int mode = 0; mode < 2; mode++) {
      struct oom oom;
      oom_init(&oom);
      if (mode == 0)
        oom_fail_nth(&oom, n);
      else
        oom_fail_from(&oom, n);
      scenario(&oom, arg);
      oom_assert_empty(&oom);
      refused += oom.refused;
    }
  } while (refused > 0);
  return n - 1;
}

#endif
