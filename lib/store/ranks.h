/* store/ranks - the members' permutations side by side, so that eight members are asked for their
 * rank of a slot at once, on machines that can.
 *
 * Owns one block. Fails: init, UV_ENOMEM. */
#ifndef GCI_STORE_RANKS_H
#define GCI_STORE_RANKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define GCI_RANKS_SLOT_BITS 20
#define GCI_RANKS_SLOTS (UINT32_C(1) << GCI_RANKS_SLOT_BITS)
#define GCI_RANKS_LAST_MULTIPLY UINT32_C(0xb55a5)

struct gci_ranks {
  struct gci_mem *mem;
  uint32_t *block; /* NULL: the machine cannot, and nothing here may be asked */
  size_t size;
  uint32_t *multiply[2], *add[2]; /* in block, and room for a vector behind the last */
};

int gci_ranks_init(struct gci_ranks *l, struct gci_mem *mem, size_t n);
void gci_ranks_fini(struct gci_ranks *l);
void gci_ranks_put(struct gci_ranks *l, size_t member, const uint32_t multiply[2],
                   const uint32_t add[2]);

/* Its own inverse. */
static inline uint32_t gci_ranks_fold(uint32_t x) {
  return x ^ (x >> (GCI_RANKS_SLOT_BITS / 2));
}

/* The computation that is done here for eight at once. */
static inline uint32_t gci_rank_of(const uint32_t multiply[2], const uint32_t add[2],
                                   uint32_t slot) {
  uint32_t x = gci_ranks_fold((slot * multiply[0] + add[0]) & (GCI_RANKS_SLOTS - 1));
  x = gci_ranks_fold((x * multiply[1] + add[1]) & (GCI_RANKS_SLOTS - 1));
  return gci_ranks_fold((x * GCI_RANKS_LAST_MULTIPLY) & (GCI_RANKS_SLOTS - 1));
}

/* A member with the lowest rank among those from `from` to end - 1, of which there is at least one.
 * Nonzero in tied: there may be another. */
size_t gci_ranks_lowest(const struct gci_ranks *l, size_t from, size_t end, uint32_t slot,
                        int *tied);
/* The first of these with a rank of at most `limit`; end: there is none. */
size_t gci_ranks_at_most(const struct gci_ranks *l, size_t from, size_t end, uint32_t slot,
                         uint32_t limit);

#endif
