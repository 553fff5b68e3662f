/* store/ghosts - remembers for a while which keys have left, in four bytes a key: sixteen bits of
 * the hash, how it left, and when.
 *
 * Cells lie in buckets of one cache line, buckets in pages of 1 KiB, which are added one by one
 * (linear hashing): a new page begins as a copy of the page whose keys it shares from then on,
 * because a cell does not say to which of the two its key belongs; copies that are never asked for
 * grow old like other cells. A full bucket gives up the cell that has least time left. Pages that
 * have not been split since their number was a power of two hold the keys of two.
 *
 * Time is kept by kind, in ticks of the owner's. One key in some thousand is mistaken for another:
 * an answer here is a hint. Owns the pages. Fails: grow, with no harm. */
#ifndef GCI_STORE_GHOSTS_H
#define GCI_STORE_GHOSTS_H

#include "base/mem.h"

enum gci_ghost_kind {
  GCI_GHOST_NONE, /* not remembered, or too long ago */
  GCI_GHOST_TRIAL,
  GCI_GHOST_PROVEN,
  GCI_GHOST_KNOWN,
  GCI_GHOST_KINDS
};

#define GCI_GHOST_MAX_TICKS 8192 /* the longest window; the clock wraps at twice that */

struct gci_ghosts {
  struct gci_mem *mem;
  uint32_t **pages;
  size_t n_pages, room;              /* room: of the array of pages */
  size_t bytes;                      /* by gci_mem_cost() */
  uint32_t now[GCI_GHOST_KINDS];     /* the owner's to advance */
  uint32_t windows[GCI_GHOST_KINDS]; /* ticks a kind is remembered for */
};

void gci_ghosts_init(struct gci_ghosts *ghosts, struct gci_mem *mem);
void gci_ghosts_fini(struct gci_ghosts *ghosts); /* may be used again afterwards */

/* Number of cells. When as many keys are remembered, some of them are lost before their time. */
size_t gci_ghosts_room(const struct gci_ghosts *ghosts);
/* The bytes that one more page takes, before what it replaces is freed. */
size_t gci_ghosts_growth(const struct gci_ghosts *ghosts);
void gci_ghosts_grow(struct gci_ghosts *ghosts);
/* Frees a page, if there is one. */
void gci_ghosts_shrink(struct gci_ghosts *ghosts);

/* hash: gci_table_place() of the key's. */
void gci_ghosts_remember(struct gci_ghosts *ghosts, uint32_t hash, enum gci_ghost_kind kind);
/* Forgets it too. *age: ticks since it left. */
enum gci_ghost_kind gci_ghosts_recall(struct gci_ghosts *ghosts, uint32_t hash, uint32_t *age);

#endif
