/* store/ring - the consistent-hash rings of the Go systems, bit-exact.
 *
 * Each peer has a point for every label decimal(0..replicas-1) + its string; a key belongs to the
 * first point at or after its hash, and past the last point to the first. golang: CRC-32, unsigned.
 * mailgun and groupcache-go: FNV-1 64, of the key and of the hex MD5 of the label. These two sort
 * their points as signed integers, which cuts the same circle at another place: the order here is
 * unsigned throughout. Equal points belong to the peer added last.
 *
 * The circle is cut into as many stretches as there are points, or up to twice as many, and the
 * first point of each is noted: a look-up is two cache lines at any size.
 * Built in slices. Owns the array of points and the notes, and as much again until it is built;
 * labels are borrowed until then.
 * Fails: begin, UV_ENOMEM and UV_EINVAL (too many points to count). */
#ifndef GCI_STORE_RING_H
#define GCI_STORE_RING_H

#include "store/placement.h"
#include "store/sort.h"

#define GCI_RING_REPLICAS 50

struct gci_ring_build;

struct gci_ring {
  struct gci_mem *mem;
  struct gci_sorted *points; /* place and owner; ascending, none equal */
  size_t n_points, n_allocated;
  uint32_t *first; /* the point at or after the beginning of each stretch, and of the end */
  size_t n_first;  /* a power of two, plus one */
  unsigned shift;  /* shifts a place to its stretch */
  size_t n_peers;
  uint64_t (*at)(gcache_bytes_t key);
  struct gci_ring_build *build; /* NULL: built */
};

/* kind: one of the Go systems'. replicas 0: GCI_RING_REPLICAS. */
int gci_ring_begin(struct gci_ring *ring, struct gci_mem *mem, gcache_dialect_t kind,
                   unsigned replicas, const struct gci_placed_peer peers[], size_t n);
/* One slice, of about a millisecond; nonzero: there is more to do, and no owner can be found
 * yet. */
int gci_ring_work(struct gci_ring *ring);
void gci_ring_fini(struct gci_ring *ring);

/* The peer of the first point from `from` on whose skip[index] is zero; skip NULL: any. The number
 * of peers: none is left. from: ring->at(key). */
size_t gci_ring_owner(const struct gci_ring *ring, uint64_t from, const unsigned char skip[]);

#endif
