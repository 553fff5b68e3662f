/* costed - an allocator for tests that adds up the costs of its blocks by gci_mem_cost(), so that
 * the memory a room reports can be compared with the memory it took. Blocks are given at every
 * 16-byte alignment. */
#ifndef TEST_UNIT_COSTED_H
#define TEST_UNIT_COSTED_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct costed {
  size_t now;  /* cost of what is out, without struct gci_mem */
  size_t most; /* highest `now` since it was set */
  size_t made; /* allocations so far */
};

enum { COSTED_PAD = 64 };

static inline void costed_count(struct costed *costed, size_t old_size, size_t new_size) {
  costed->now = costed->now - gci_mem_cost(old_size) + gci_mem_cost(new_size);
  if (costed->now > costed->most) costed->most = costed->now;
}

/* The block's offset in what malloc() gave is in the byte before it. */
static inline void *costed_resize(void *data, void *ptr, size_t old_size, size_t new_size) {
  struct costed *costed = data;
  unsigned char *fresh = NULL, *old = ptr;
  if (new_size > 0) {
    size_t offset = 16 + 16 * (costed->made++ % 4);
    fresh = (unsigned char *)malloc(new_size + COSTED_PAD + 16) + offset;
    fresh[-1] = (unsigned char)offset;
    if (old != NULL) memcpy(fresh, old, old_size < new_size ? old_size : new_size);
  }
  if (old != NULL) free(old - old[-1]);
  costed_count(costed, old_size, new_size);
  return fresh;
}

static inline struct gci_mem *costed_mem(struct costed *costed) {
  gcache_mem_t user = {costed_resize, costed};
  *costed = (struct costed){0};
  struct gci_mem *mem = gci_mem_new(&user);
  *costed = (struct costed){0};
  return mem;
}

#endif
