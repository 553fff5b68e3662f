/* store/sort - sorts numbers with something small behind each, in time proportional to how many there
 * are: a byte a pass, lowest first; bytes that all have in common cost nothing. Equal numbers keep their
 * order. Allocates nothing: the caller brings as much room again (qsort of some C libraries allocates, past
 * our allocator). Cannot fail. */
#ifndef GCI_STORE_SORT_H
#define GCI_STORE_SORT_H

#include <stddef.h>
#include <stdint.h>

struct gci_sorted {
  uint64_t key;
  uint32_t value;
};

/* room: n more, of no meaning afterwards. */
void gci_sort(struct gci_sorted items[], struct gci_sorted room[], size_t n);

#endif
