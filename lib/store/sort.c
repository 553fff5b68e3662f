/* store/sort - see sort.h. */
#include "store/sort.h"

#include <string.h>

enum { BYTE_BITS = 8, BYTES = 8, VALUES = 256 };

/* Bits in which not all keys are the same. */
static uint64_t differing(const struct gci_sorted items[], size_t n) {
  uint64_t bits = 0;
  for (size_t i = 1; i < n; i++)
    bits |= items[i].key ^ items[0].key;
  return bits;
}

static void sort_by_byte(const struct gci_sorted from[], struct gci_sorted to[], size_t n,
                         unsigned shift) {
  size_t at[VALUES] = {0}, before = 0;
  for (size_t i = 0; i < n; i++)
    at[from[i].key >> shift & (VALUES - 1)]++;
  for (size_t v = 0; v < VALUES; v++) {
    size_t count = at[v];
    at[v] = before;
    before += count;
  }
  for (size_t i = 0; i < n; i++)
    to[at[from[i].key >> shift & (VALUES - 1)]++] = from[i];
}

void gci_sort(struct gci_sorted items[], struct gci_sorted room[], size_t n) {
  struct gci_sorted *from = items, *to = room;
  uint64_t bits = differing(items, n);
  for (unsigned shift = 0; shift < BYTES * BYTE_BITS; shift += BYTE_BITS) {
    if ((bits >> shift & (VALUES - 1)) == 0) continue;
    sort_by_byte(from, to, n, shift);
    struct gci_sorted *sorted = to;
    to = from;
    from = sorted;
  }
  if (from != items) memcpy(items, from, n * sizeof *items);
}
