/* store/sort - sorts numbers that each carry a small value, in time proportional to their number: a
 * byte a pass, lowest first; bytes that all numbers share cost nothing. Equal numbers keep their
 * order. Works in slices. Allocates nothing: the caller brings as much room again (qsort of some C
 * libraries allocates, past our allocator). Cannot fail. */
#ifndef GCI_STORE_SORT_H
#define GCI_STORE_SORT_H

#include <stddef.h>
#include <stdint.h>

struct gci_sorted {
  uint64_t key;
  uint32_t value;
};

enum { GCI_SORT_VALUES = 256 };

struct gci_sort {
  struct gci_sorted *from, *to; /* of this pass; at the end all are in `from` */
  size_t n;
  uint64_t bits;  /* bits in which the keys differ */
  unsigned shift; /* of this pass's byte */
  int step;
  size_t i;                   /* next item in this step */
  size_t at[GCI_SORT_VALUES]; /* counts, then places in `to` */
};

/* room: n more, undefined afterwards. */
void gci_sort_begin(struct gci_sort *s, struct gci_sorted items[], struct gci_sorted room[],
                    size_t n);
/* One slice, which looks at `budget` items; nonzero: there is more to do. */
int gci_sort_some(struct gci_sort *s, size_t budget);
/* Where the items are now: items or room. */
static inline struct gci_sorted *gci_sort_result(const struct gci_sort *s) {
  return s->from;
}

#endif
