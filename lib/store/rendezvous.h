/* store/rendezvous - weighted rendezvous hashing: every peer bids for a slot, the highest bid has it.
 *
 * A peer's bid for a slot is weight / -ln(u), u being the hash of the two as a fraction of 2^64: over
 * many slots a peer wins in proportion to its weight, and a peer that comes or goes moves only the slots
 * it wins or held. Bids of equal weight order as the hashes do. Integer arithmetic throughout. Equal
 * bids go to the label that sorts first by its bytes.
 *
 * Owns an array of its members; labels are borrowed for init only.
 * Fails: init, UV_ENOMEM and UV_EINVAL (a weight out of range). */
#ifndef GCI_STORE_RENDEZVOUS_H
#define GCI_STORE_RENDEZVOUS_H

#include "store/placement.h"

#define GCI_RENDEZVOUS_LABEL_SEED UINT64_C(0x72656570) /* "peer" */
#define GCI_RENDEZVOUS_MAX_WEIGHT 1000

struct gci_rendezvous_member {
  uint64_t hash;
  uint16_t index; /* of the peer in the caller's list */
  uint16_t weight;
};

struct gci_rendezvous {
  struct gci_mem *mem;
  struct gci_rendezvous_member *members; /* by weight, then label */
  size_t n;
};

int gci_rendezvous_init(struct gci_rendezvous *r, struct gci_mem *mem,
                        const struct gci_placed_peer peers[], size_t n);
void gci_rendezvous_fini(struct gci_rendezvous *r);

/* Index of the peer that has the slot among those with skip[index] zero; skip NULL: among all. n: none
 * is left. Time is proportional to n. */
size_t gci_rendezvous_winner(const struct gci_rendezvous *r, uint32_t slot,
                             const unsigned char skip[]);

#endif
