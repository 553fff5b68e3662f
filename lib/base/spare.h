/* base/spare - freed blocks, kept in front of malloc() for the next user. In the steady state an
 * exchange allocates and frees the same few blocks: malloc()'s own lists are too short for a turn's
 * worth of small blocks, and it returns large ones to the kernel, so that each is faulted in anew.
 *
 * A block serves all sizes that the allocator rounds alike (gci_mem_cost()). Blocks of up to
 * GCI_SPARE_BLOCK_MAX are kept, GCI_SPARE_BYTES in total, and the latest few from
 * GCI_SPARE_LARGE_MIN up, GCI_SPARE_LARGE_BYTES in total. Owns them until fini. Under
 * AddressSanitizer a kept block is poisoned, so that its use is detected as that of freed memory.
 * Fails: take, with NULL, when there is none. */
#ifndef GCI_BASE_SPARE_H
#define GCI_BASE_SPARE_H

#include <stddef.h>

#define GCI_SPARE_BLOCK_MAX ((size_t)1024) /* including the allocator's rounding */
#define GCI_SPARE_BYTES ((size_t)512 * 1024)
#define GCI_SPARE_LARGE_MIN ((size_t)16 * 1024)
#define GCI_SPARE_LARGE_BYTES ((size_t)4 * 1024 * 1024)
#define GCI_SPARE_N_LARGE 16

struct gci_spare_block;

struct gci_spare {
  struct gci_spare_block *blocks[GCI_SPARE_BLOCK_MAX / 16 + 1];
  size_t bytes;
  struct gci_spare_large {
    void *block; /* NULL: none */
    size_t cost;
  } large[GCI_SPARE_N_LARGE];
  unsigned next_large; /* the block that is replaced next */
  size_t large_bytes;
};

void gci_spare_init(struct gci_spare *spare);
void gci_spare_fini(struct gci_spare *spare);
/* The size to pass to malloc() for a block of `size` bytes, so that it can serve all of that
 * cost. */
size_t gci_spare_size(size_t size, size_t cost);
/* cost: the block's size with the allocator's rounding. Returns any block of that cost; NULL:
 * none. */
void *gci_spare_take(struct gci_spare *spare, size_t cost);
/* A block from malloc(). Nonzero: it was taken. */
int gci_spare_keep(struct gci_spare *spare, void *block, size_t cost);

#endif
