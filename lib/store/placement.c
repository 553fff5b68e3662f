/* store/placement - see placement.h. Owns the slots' known owners, or a ring. */
#include "store/placement.h"

#include <uv.h>

#include "base/hash.h"
#include "store/rendezvous.h"
#include "store/ring.h"

#define SLOT_BITS 20
#define SLOT_COUNT ((size_t)1 << SLOT_BITS)
#define KEY_SEED UINT64_C(0x79656b) /* "key" */

struct gci_placement {
  struct gci_mem *mem;
  uint16_t *owners; /* of each slot, index + 1; 0: not decided yet. NULL: this is a ring */
  union {
    struct gci_rendezvous rendezvous;
    struct gci_ring ring;
  } by;
};

static int open_slots(struct gci_placement *p, const struct gci_placed_peer peers[], size_t n) {
  int rc = gci_rendezvous_init(&p->by.rendezvous, p->mem, peers, n);
  if (rc != 0) return rc;
  p->owners = gci_mem_zalloc(p->mem, SLOT_COUNT * sizeof *p->owners);
  if (p->owners != NULL) return 0;
  gci_rendezvous_fini(&p->by.rendezvous);
  return UV_ENOMEM;
}

int gci_placement_open(struct gci_placement **out, struct gci_mem *mem, gcache_dialect_t kind,
                       unsigned replicas, const struct gci_placed_peer peers[], size_t n) {
  if (n < 1 || n > GCI_PLACEMENT_MAX_PEERS) return UV_EINVAL;
  struct gci_placement *p = gci_mem_zalloc(mem, sizeof *p);
  if (p == NULL) return UV_ENOMEM;
  p->mem = mem;
  int rc = kind == GCACHE_DIALECT_GCACHE
               ? open_slots(p, peers, n)
               : gci_ring_init(&p->by.ring, mem, kind, replicas, peers, n);
  if (rc == 0)
    *out = p;
  else
    gci_mem_free(mem, p, sizeof *p);
  return rc;
}

void gci_placement_close(struct gci_placement *p) {
  if (p == NULL) return;
  if (p->owners != NULL) {
    gci_mem_free(p->mem, p->owners, SLOT_COUNT * sizeof *p->owners);
    gci_rendezvous_fini(&p->by.rendezvous);
  } else {
    gci_ring_fini(&p->by.ring);
  }
  gci_mem_free(p->mem, p, sizeof *p);
}

static uint32_t slot_of(gcache_bytes_t key) {
  return (uint32_t)(gci_hash_shared(key, KEY_SEED) >> (64 - SLOT_BITS));
}

static size_t slot_owner(struct gci_placement *p, uint32_t slot) {
  if (p->owners[slot] == 0)
    p->owners[slot] = (uint16_t)(gci_rendezvous_winner(&p->by.rendezvous, slot, NULL) + 1);
  return p->owners[slot] - 1u;
}

size_t gci_placement_owner(struct gci_placement *p, gcache_bytes_t key) {
  if (p->owners == NULL) return gci_ring_owner(&p->by.ring, key, NULL);
  return slot_owner(p, slot_of(key));
}

size_t gci_placement_next(struct gci_placement *p, gcache_bytes_t key, const unsigned char skip[]) {
  if (p->owners == NULL) return gci_ring_owner(&p->by.ring, key, skip);
  uint32_t slot = slot_of(key);
  size_t owner = slot_owner(p, slot);
  return skip[owner] ? gci_rendezvous_winner(&p->by.rendezvous, slot, skip) : owner;
}
