/* store/placement - which peer owns a key. Immutable once built; a new list is a new placement.
 *
 * GCACHE_DIALECT_GCACHE is fixed slots by weighted rendezvous: 2^20 slots by the leading bits of
 * the key's shared hash; a slot belongs to the peer that reaches it first (store/rendezvous). The
 * owner does not depend on the order of the list, movement is the least possible, peers have
 * weights, and the runner-up is the well-defined next owner. Up to 16 peers of one weight (5 if
 * they are not asked eight at a time) are asked at every pick. Longer lists have a table of the
 * slots (store/slots); a slot is decided when it is asked for, and in lists of more than 32 also in
 * advance, a slice at a time: the answer is the same. All arithmetic is integer, so that every
 * machine agrees. The other kinds are the rings of the Go systems, bit-exact. */
#ifndef GCI_STORE_PLACEMENT_H
#define GCI_STORE_PLACEMENT_H

#include <stdint.h>

#include "base/mem.h"
#include "gcache/gcache.h"

struct gci_placement; /* opaque */

#define GCI_PLACEMENT_MAX_PEERS 65534

struct gci_placed_peer {
  const char *label; /* hashed: the URL, or host:port for groupcache-go; copied if needed */
  unsigned weight;   /* 1 to 1000; rings ignore it */
};

/* n >= 1. replicas: points per peer of the rings; 0 means 50. UV_ENOMEM, UV_EINVAL (n too large, a
 * weight out of range). */
int gci_placement_open(struct gci_placement **out, struct gci_mem *mem, gcache_dialect_t kind,
                       unsigned replicas, const struct gci_placed_peer peers[], size_t n);
void gci_placement_close(struct gci_placement *p); /* NULL is fine */

/* The same in slices. begin takes all memory and fails as open does. Then call prepare, of about a
 * millisecond, until it returns zero; only then may the placement be asked, or worked on. Until
 * then peers and labels are borrowed, and so is `old`, a list of the same kind that may be asked
 * meanwhile: p takes over its work, which changes no answer. NULL: there is none. */
int gci_placement_begin(struct gci_placement **out, struct gci_mem *mem, gcache_dialect_t kind,
                        unsigned replicas, const struct gci_placed_peer peers[], size_t n,
                        const struct gci_placement *old);
int gci_placement_prepare(struct gci_placement *p);

/* One slice, of about a millisecond, of the work that makes picks fast. Changes no answer. Nonzero:
 * there is more to do. */
int gci_placement_work(struct gci_placement *p);

/* Index into peers[]. */
size_t gci_placement_owner(struct gci_placement *p, gcache_bytes_t key);
/* The peer that takes over when the peers with skip[i] nonzero are out: the same answer on every
 * member with the same skips. n (no such peer) if all are out. As fast as owner if the owner is not
 * out; otherwise, and for every key that a leaving member gives away, its time is proportional to
 * n: 0.3 ns a peer with AVX2, up to 3 ns without, so 3 to 30 us a key of 10,000 peers
 * (docs/rooms/placement.md). */
size_t gci_placement_next(struct gci_placement *p, gcache_bytes_t key, const unsigned char skip[]);

/* The same from the kind's hash of a key, which is then computed once for both. */
uint64_t gci_placement_hash(const struct gci_placement *p, gcache_bytes_t key);
size_t gci_placement_owner_of(struct gci_placement *p, uint64_t hash);
size_t gci_placement_next_of(struct gci_placement *p, uint64_t hash, const unsigned char skip[]);

#endif
