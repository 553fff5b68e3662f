/* store/rendezvous - weighted rendezvous hashing in which each peer ranks all slots.
 *
 * Every peer has its own order over the 2^20 slots, a permutation chosen by its label's hash, and a
 * slot goes to the peer that reaches it first. A peer passes through its order so that it reaches
 * the share x of it at the time -log(1 - x) / weight: over many slots a peer wins in proportion to
 * its weight, and a peer that comes or goes moves only the slots it wins or held. The permutation
 * runs both ways: a slot's winner can be found by asking all peers for their rank of it, and the
 * slots that a peer reaches first by asking the peer for the slots of rank 0, 1, 2 (store/slots).
 *
 * Integer arithmetic throughout. At equal times the member that sorts first has the slot; members
 * are sorted by weight and by 54 bits of their label's hash, so that the order of the caller's list
 * has no effect. Made in slices. Owns an array of its members; labels are borrowed until all
 * members are there.
 * Fails: begin, UV_ENOMEM and UV_EINVAL (a weight out of range). */
#ifndef GCI_STORE_RENDEZVOUS_H
#define GCI_STORE_RENDEZVOUS_H

#include "store/ranks.h"
#include "store/placement.h"

#define GCI_RENDEZVOUS_LABEL_SEED UINT64_C(0x72656570) /* "peer" */
#define GCI_RENDEZVOUS_MAX_WEIGHT 1000
#define GCI_RENDEZVOUS_SLOT_BITS GCI_RANKS_SLOT_BITS
#define GCI_RENDEZVOUS_SLOTS GCI_RANKS_SLOTS
#define GCI_RENDEZVOUS_RANK_SHIFT 12                /* a place is a rank and this many bits */
#define GCI_RENDEZVOUS_PLACES (UINT64_C(1) << 32)   /* in one order */
#define GCI_RENDEZVOUS_NAT UINT64_C(25380159564674) /* 1 / ln 2 in units of time */

struct gci_rendezvous_member {
  uint64_t id;                  /* 54 bits of the label's hash; the rest follows from them */
  uint32_t multiply[2], add[2]; /* its permutation */
  uint32_t divide[2];           /* undoes multiply */
  uint16_t index;               /* of the peer in the caller's list */
  uint16_t weight;
};

enum { GCI_RENDEZVOUS_LOGS = 257 };

struct gci_rendezvous_build;

struct gci_rendezvous {
  struct gci_mem *mem;
  struct gci_rendezvous_build *build;    /* NULL: all members are there */
  struct gci_rendezvous_member *members; /* by weight, then id */
  struct gci_ranks ranks;                /* the same, in this order */
  uint16_t *indexes; /* of the members: read at every pick, in as few cache lines as possible */
  size_t n;
  uint64_t weight;                    /* of all */
  uint64_t logs[GCI_RENDEZVOUS_LOGS]; /* log2(1 + i / 256) in units of 2^-44 */
};

/* A member that reaches a slot: at `place` of 2^32, its rank and below that a fraction. */
struct gci_rendezvous_bid {
  const struct gci_rendezvous_member *member; /* NULL: none */
  uint32_t place;
};

int gci_rendezvous_begin(struct gci_rendezvous *r, struct gci_mem *mem,
                         const struct gci_placed_peer peers[], size_t n);
/* One slice, of less than a millisecond; nonzero: there is more to do, and it may not be asked
 * yet. */
int gci_rendezvous_work(struct gci_rendezvous *r);
void gci_rendezvous_fini(struct gci_rendezvous *r);

/* The bid that has the slot among the members with skip[index] zero; skip NULL: among all. Time is
 * proportional to n. */
struct gci_rendezvous_bid gci_rendezvous_winner(const struct gci_rendezvous *r, uint32_t slot,
                                                const unsigned char skip[]);

struct gci_rendezvous_bid gci_rendezvous_bid(const struct gci_rendezvous_member *m, uint32_t slot);
uint32_t gci_rendezvous_slot(const struct gci_rendezvous_member *m, uint32_t rank);
int gci_rendezvous_beats(const struct gci_rendezvous *r, const struct gci_rendezvous_bid *a,
                         const struct gci_rendezvous_bid *b);

/* A time not before the bid's, and the first place that a member of this weight reaches at `time`
 * or later (GCI_RENDEZVOUS_PLACES: none). */
uint64_t gci_rendezvous_time(const struct gci_rendezvous *r, const struct gci_rendezvous_bid *bid);
uint64_t gci_rendezvous_reached(const struct gci_rendezvous *r, unsigned weight, uint64_t time);

/* Orders members, also of different lists; 0: the same label and weight. */
int gci_rendezvous_compare(const struct gci_rendezvous_member *a,
                           const struct gci_rendezvous_member *b);

#endif
