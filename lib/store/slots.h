/* store/slots - a table of the owners of slots, for lists too long to ask every member at every
 * pick.
 *
 * A slot is decided when it is asked for, or by gci_slots_work(), a slice of about a millisecond at
 * a time: all members pass through their orders side by side and claim slots that have no owner
 * yet. The few slots that are left when that gets slow are decided one by one. Both ways give the
 * same owner.
 * Owns the table (2 MiB), and 256 KiB more until all slots are decided. Borrows the rendezvous,
 * which must not move.
 * Fails: init, UV_ENOMEM. */
#ifndef GCI_STORE_SLOTS_H
#define GCI_STORE_SLOTS_H

#include "store/rendezvous.h"

struct gci_slots_heir;

struct gci_slots {
  struct gci_mem *mem;
  const struct gci_rendezvous *rendezvous;
  uint16_t *owners;  /* index of the member in the rendezvous + 1; 0: nobody yet */
  uint64_t *decided; /* a bit a slot; NULL: all are */
  uint64_t *claimed; /* a bit a slot: has an owner, which may change before the round ends */
  size_t undecided;  /* as counted when a round ended */
  uint64_t latest;   /* no slot was won at this time or later */
  unsigned rounds;   /* rounds that are over */
  size_t at;         /* next member, or next word of `decided` */
  int remaining;     /* the rounds are over: the rest is decided one by one */
  int is_clear;      /* the memory for rounds has been cleared */
  struct gci_slots_heir *heir; /* NULL: nothing is being taken over */
};

/* old (NULL: there is none): owners that are decided there and stay are taken over. It must stay
 * until prepare is over, but may be asked and worked on. Nothing is taken over if that would gain
 * nothing, or memory is short. */
int gci_slots_init(struct gci_slots *s, const struct gci_rendezvous *rendezvous,
                   const struct gci_slots *old);
void gci_slots_fini(struct gci_slots *s);

/* When all members are there: one slice, of about a millisecond. Nonzero: there is more to do, and
 * no slot may be decided or asked for yet. */
int gci_slots_prepare(struct gci_slots *s);

int gci_slots_work(struct gci_slots *s); /* one slice; nonzero: there is more to do */

/* Index of the member that has the slot. */
size_t gci_slots_decide(struct gci_slots *s, uint32_t slot);
static inline size_t gci_slots_owner(struct gci_slots *s, uint32_t slot) {
  if (s->decided != NULL && (s->decided[slot / 64] >> slot % 64 & 1) == 0)
    return gci_slots_decide(s, slot);
  return s->owners[slot] - 1u;
}

#endif
