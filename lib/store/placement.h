/* store/placement - who owns a key. Immutable once built; a new list is a new placement.
 *
 * GCACHE_DIALECT_GCACHE is fixed slots by weighted rendezvous: 2^20 slots by the leading bits of the key's
 * shared hash; a slot belongs to the peer with the highest score for it. Independent of the list's
 * order, least movement, weights, and the runner-up is the well-defined next owner. Slots are decided
 * when first asked for, so that installing a list of any length costs no long pause. All arithmetic is
 * integer, so that every machine agrees. The other kinds are the rings of the Go systems, bit-exact. */
#ifndef GCI_STORE_PLACEMENT_H
#define GCI_STORE_PLACEMENT_H

#include <stdint.h>

#include "base/mem.h"
#include "gcache/gcache.h"

struct gci_placement; /* opaque */

#define GCI_PLACEMENT_MAX_PEERS 65534

struct gci_placed_peer {
  const char *label; /* what is hashed: the URL, or host:port for groupcache-go; copied if needed */
  unsigned weight;   /* 1 to 1000; rings ignore it */
};

/* n >= 1. replicas: points per peer of the rings; 0 means 50. UV_ENOMEM, UV_EINVAL (n too large). */
int gci_placement_open(struct gci_placement **out, struct gci_mem *mem, gcache_dialect_t kind,
                       unsigned replicas, const struct gci_placed_peer peers[], size_t n);
void gci_placement_close(struct gci_placement *p); /* NULL is fine */

/* Index into peers[]. */
size_t gci_placement_owner(struct gci_placement *p, gcache_bytes_t key);
/* Who takes over when `skip[i]` peers are out of service (nonzero: out): the same answer on every
 * member with the same skips. n (no such peer) if all are out. */
size_t gci_placement_next(struct gci_placement *p, gcache_bytes_t key, const unsigned char skip[]);

#endif
