/* store/sort - see sort.h. */
#include "store/sort.h"

#include <assert.h>
#include <string.h>

struct heap {
  char *base;
  size_t size;
  gci_sort_before before;
  const void *ctx;
};

static void *at(const struct heap *h, size_t i) {
  return h->base + i * h->size;
}

static void swap(const struct heap *h, size_t i, size_t j) {
  char kept[GCI_SORT_MAX_SIZE];
  memcpy(kept, at(h, i), h->size);
  memcpy(at(h, i), at(h, j), h->size);
  memcpy(at(h, j), kept, h->size);
}

/* Lets element `root` sink until neither child belongs after it. */
static void sink(const struct heap *h, size_t root, size_t n) {
  for (size_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && h->before(h->ctx, at(h, child), at(h, child + 1))) child++;
    if (!h->before(h->ctx, at(h, root), at(h, child))) return;
    swap(h, root, child);
  }
}

void gci_sort(void *base, size_t n, size_t size, gci_sort_before before, const void *ctx) {
  assert(size <= GCI_SORT_MAX_SIZE);
  struct heap h = {base, size, before, ctx};
  for (size_t i = n / 2; i-- > 0;)
    sink(&h, i, n);
  for (size_t end = n; end-- > 1;) {
    swap(&h, 0, end);
    sink(&h, 0, end);
  }
}
