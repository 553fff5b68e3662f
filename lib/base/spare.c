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

enum { STEP = 16, HEADER = 8, MAPPED_HEADER = 16 }; /* of malloc() */

#define MAPPED_FROM ((size_t)128 * 1024)

size_t gci_spare_size(size_t size, size_t cost) {
  if (cost > GCI_SPARE_BLOCK_MAX && cost < GCI_SPARE_LARGE_MIN) return size;
  if (cost > GCI_SPARE_LARGE_BYTES) return size;
  return cost - (cost < MAPPED_FROM ? HEADER : MAPPED_HEADER);
}

static void poison(void *block, size_t cost) {
#ifdef GCI_SPARE_POISONS
  __asan_poison_memory_region(block, gci_spare_size(0, cost));
#else
  (void)block, (void)cost;
#endif
}

static void unpoison(void *block, size_t cost) {
#ifdef GCI_SPARE_POISONS
  __asan_unpoison_memory_region(block, gci_spare_size(0, cost));
#else
  (void)block, (void)cost;
#endif
}

void gci_spare_init(struct gci_spare *spare) {
  memset(spare, 0, sizeof *spare);
}

static void *lift(struct gci_spare *spare, struct gci_spare_large *kept) {
  void *block = kept->block;
  unpoison(block, kept->cost);
  kept->block = NULL;
  spare->large_bytes -= kept->cost;
  return block;
}

static void *take_large(struct gci_spare *spare, size_t cost) {
  for (unsigned i = 0; i < GCI_SPARE_N_LARGE; i++) {
    struct gci_spare_large *kept = &spare->large[i];
    if (kept->block != NULL && kept->cost == cost) return lift(spare, kept);
  }
  return NULL;
}

/* Drops the next block in rotation, so that the kept sizes follow those in use. */
static void drop_one(struct gci_spare *spare) {
  struct gci_spare_large *kept = &spare->large[spare->next_large];
  spare->next_large = (spare->next_large + 1) % GCI_SPARE_N_LARGE;
  if (kept->block != NULL) free(lift(spare, kept));
}

static struct gci_spare_large *empty_place(struct gci_spare *spare) {
  for (unsigned i = 0; i < GCI_SPARE_N_LARGE; i++)
    if (spare->large[i].block == NULL) return &spare->large[i];
  return NULL;
}

static int keep_large(struct gci_spare *spare, void *block, size_t cost) {
  struct gci_spare_large *place;
  if (cost > GCI_SPARE_LARGE_BYTES) return 0;
  while (spare->large_bytes + cost > GCI_SPARE_LARGE_BYTES)
    drop_one(spare);
  while ((place = empty_place(spare)) == NULL)
    drop_one(spare);
  *place = (struct gci_spare_large){block, cost};
  spare->large_bytes += cost;
  poison(block, cost);
  return 1;
}

void *gci_spare_take(struct gci_spare *spare, size_t cost) {
  if (cost >= GCI_SPARE_LARGE_MIN) return take_large(spare, cost);
  if (cost > GCI_SPARE_BLOCK_MAX) return NULL;
  struct gci_spare_block **first = &spare->blocks[cost / STEP], *block = *first;
  if (block == NULL) return NULL;
  unpoison(block, cost);
  *first = block->next;
  spare->bytes -= cost;
  return block;
}

int gci_spare_keep(struct gci_spare *spare, void *block, size_t cost) {
  if (cost >= GCI_SPARE_LARGE_MIN) return keep_large(spare, block, cost);
  if (cost > GCI_SPARE_BLOCK_MAX || spare->bytes + cost > GCI_SPARE_BYTES) return 0;
  struct gci_spare_block *kept = block;
  kept->next = spare->blocks[cost / STEP];
  spare->blocks[cost / STEP] = kept;
  spare->bytes += cost;
  poison(block, cost);
  return 1;
}

void gci_spare_fini(struct gci_spare *spare) {
  void *block;
  for (size_t cost = 0; cost <= GCI_SPARE_BLOCK_MAX; cost += STEP) {
    while ((block = gci_spare_take(spare, cost)) != NULL)
      free(block);
  }
  while (spare->large_bytes > 0)
    drop_one(spare);
}
