/* store/sort - heap sort of small elements, in place: allocates nothing (qsort of some C libraries
 * does, past our allocator) and no order of the input makes it slow. Not stable. */
#ifndef GCI_STORE_SORT_H
#define GCI_STORE_SORT_H

#include <stddef.h>

#define GCI_SORT_MAX_SIZE 32 /* bytes an element may have */

/* Nonzero: a belongs before b. */
typedef int (*gci_sort_before)(const void *ctx, const void *a, const void *b);

void gci_sort(void *base, size_t n, size_t size, gci_sort_before before, const void *ctx);

#endif
