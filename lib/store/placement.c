/* store/placement - see placement.h. Owns a rendezvous, with a table of its slots if the list is
 * long, or a ring. */
#include "store/placement.h"

#include <uv.h>

#include "base/hash.h"
#include "store/rendezvous.h"
#include "store/ring.h"
#include "store/slots.h"

#define KEY_SEED UINT64_C(0x79656b) /* "key" */
#define SHORT_LIST 16 /* peers of one weight: asking them all takes 25 ns, and no memory */
#define SHORT_LIST_ONE_BY_ONE 5 /* the same, if they are not asked eight at a time */
#define UNFILLED_LIST 32        /* peers: a slot is decided only when it is asked for */

enum manner { ASKED, TABLED, RING };

struct gci_placement {
  struct gci_mem *mem;
  enum manner manner;
  const struct gci_placement *old;  /* to inherit from, until that has begun */
  struct gci_rendezvous rendezvous; /* ASKED, TABLED */
  struct gci_slots slots;           /* TABLED */
  struct gci_ring ring;             /* RING */
};

/* Comparing members of different weights takes as long as asking ten. */
static int are_soon_asked(const struct gci_rendezvous *r, const struct gci_placed_peer peers[]) {
  size_t few = r->ranks.block != NULL ? SHORT_LIST : SHORT_LIST_ONE_BY_ONE;
  for (size_t i = 1; i < r->n && r->n <= few; i++)
    if (peers[i].weight != peers[0].weight) return 0;
  return r->n <= few;
}

/* Filling a table takes 25 ms or more: too much for a list whose members are asked in 30 ns. */
static int is_filled(const struct gci_placement *p) {
  return p->manner == TABLED && p->rendezvous.n > UNFILLED_LIST;
}

static int begin_rendezvous(struct gci_placement *p, const struct gci_placed_peer peers[], size_t n,
                            const struct gci_placement *old) {
  int rc = gci_rendezvous_begin(&p->rendezvous, p->mem, peers, n);
  if (rc < 0) return rc;
  p->manner = are_soon_asked(&p->rendezvous, peers) ? ASKED : TABLED;
  if (p->manner == ASKED) return 0;
  int inherits = old != NULL && is_filled(old) && is_filled(p);
  rc = gci_slots_init(&p->slots, &p->rendezvous, inherits ? &old->slots : NULL);
  if (rc < 0) gci_rendezvous_fini(&p->rendezvous);
  return rc;
}

int gci_placement_begin(struct gci_placement **out, struct gci_mem *mem, gcache_dialect_t kind,
                        unsigned replicas, const struct gci_placed_peer peers[], size_t n,
                        const struct gci_placement *old) {
  if (n < 1 || n > GCI_PLACEMENT_MAX_PEERS) return UV_EINVAL;
  struct gci_placement *p = gci_mem_zalloc(mem, sizeof *p);
  if (p == NULL) return UV_ENOMEM;
  p->mem = mem;
  p->manner = RING;
  int rc = kind == GCACHE_DIALECT_GCACHE ? begin_rendezvous(p, peers, n, old)
                                         : gci_ring_begin(&p->ring, mem, kind, replicas, peers, n);
  if (rc == 0)
    *out = p;
  else
    gci_mem_free(mem, p, sizeof *p);
  return rc;
}

int gci_placement_prepare(struct gci_placement *p) {
  if (p->manner == RING) return gci_ring_work(&p->ring);
  if (gci_rendezvous_work(&p->rendezvous)) return 1;
  return p->manner == TABLED && gci_slots_prepare(&p->slots);
}

int gci_placement_open(struct gci_placement **out, struct gci_mem *mem, gcache_dialect_t kind,
                       unsigned replicas, const struct gci_placed_peer peers[], size_t n) {
  int rc = gci_placement_begin(out, mem, kind, replicas, peers, n, NULL);
  while (rc == 0 && gci_placement_prepare(*out)) {
  }
  return rc;
}

void gci_placement_close(struct gci_placement *p) {
  if (p == NULL) return;
  if (p->manner == TABLED) gci_slots_fini(&p->slots);
  if (p->manner == RING)
    gci_ring_fini(&p->ring);
  else
    gci_rendezvous_fini(&p->rendezvous);
  gci_mem_free(p->mem, p, sizeof *p);
}

int gci_placement_work(struct gci_placement *p) {
  return is_filled(p) && gci_slots_work(&p->slots);
}

static uint32_t slot_of(uint64_t hash) {
  return (uint32_t)(hash >> (64 - GCI_RENDEZVOUS_SLOT_BITS));
}

static size_t first_of(const struct gci_placement *p, uint32_t slot, const unsigned char skip[]) {
  struct gci_rendezvous_bid bid = gci_rendezvous_winner(&p->rendezvous, slot, skip);
  return bid.member == NULL ? p->rendezvous.n : bid.member->index;
}

uint64_t gci_placement_hash(const struct gci_placement *p, gcache_bytes_t key) {
  return p->manner == RING ? p->ring.at(key) : gci_hash_shared(key, KEY_SEED);
}

size_t gci_placement_owner_of(struct gci_placement *p, uint64_t hash) {
  if (p->manner == RING) return gci_ring_owner(&p->ring, hash, NULL);
  if (p->manner == ASKED) return first_of(p, slot_of(hash), NULL);
  return p->rendezvous.indexes[gci_slots_owner(&p->slots, slot_of(hash))];
}

size_t gci_placement_next_of(struct gci_placement *p, uint64_t hash, const unsigned char skip[]) {
  if (p->manner == RING) return gci_ring_owner(&p->ring, hash, skip);
  if (p->manner == TABLED) {
    size_t owner = gci_placement_owner_of(p, hash);
    if (!skip[owner]) return owner;
  }
  return first_of(p, slot_of(hash), skip);
}

size_t gci_placement_owner(struct gci_placement *p, gcache_bytes_t key) {
  return gci_placement_owner_of(p, gci_placement_hash(p, key));
}

size_t gci_placement_next(struct gci_placement *p, gcache_bytes_t key, const unsigned char skip[]) {
  return gci_placement_next_of(p, gci_placement_hash(p, key), skip);
}
