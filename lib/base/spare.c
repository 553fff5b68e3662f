#include "base/spare.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define GCI_SPARE_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GCI_SPARE_POISONS 1
#endif
#endif

#ifdef GCI_SPARE_POISONS
#include <sanitizer/asan_interface.h>
#endif

struct gci_spare_block {
  struct gci_spare_block *next;
};

enum { STEP = 16, HEADER = 8 }; /* of malloc() */

static void poison(void *block, size_t cost) {
#ifdef GCI_SPARE_POISONS
  __asan_poison_memory_region(block, cost - HEADER);
#else
  (void)block, (void)cost;
#endif
}

static void unpoison(void *block, size_t cost) {
#ifdef GCI_SPARE_POISONS
  __asan_unpoison_memory_region(block, cost - HEADER);
#else
  (void)block, (void)cost;
#endif
}

void gci_spare_init(struct gci_spare *spare) {
  memset(spare, 0, sizeof *spare);
}

size_t gci_spare_size(size_t size, size_t cost) {
  return cost > GCI_SPARE_BLOCK_MAX ? size : cost - HEADER;
}

void *gci_spare_take(struct gci_spare *spare, size_t cost) {
  if (cost > GCI_SPARE_BLOCK_MAX) return NULL;
  struct gci_spare_block **first = &spare->blocks[cost / STEP], *block = *first;
  if (block == NULL) return NULL;
  unpoison(block, cost);
  *first = block->next;
  spare->bytes -= cost;
  return block;
}

int gci_spare_keep(struct gci_spare *spare, void *block, size_t cost) {
  if (cost > GCI_SPARE_BLOCK_MAX || spare->bytes + cost > GCI_SPARE_BYTES) return 0;
  struct gci_spare_block *kept = block;
  kept->next = spare->blocks[cost / STEP];
  spare->blocks[cost / STEP] = kept;
  spare->bytes += cost;
  poison(block, cost);
  return 1;
}

void gci_spare_fini(struct gci_spare *spare) {
  for (size_t cost = 0; cost <= GCI_SPARE_BLOCK_MAX; cost += STEP) {
    void *block;
    while ((block = gci_spare_take(spare, cost)) != NULL)
      free(block);
  }
}
