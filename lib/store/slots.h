/* store/slots - a table of who has which slot, for lists too long to ask every member at every pick.
 *
 * A slot is decided when it is asked for, or by gci_slots_work(), a slice of a few milliseconds at a
 * time: all members pass through their orders side by side and claim what nobody has yet. What few
 * slots are left when that gets slow are decided one by one. Both ways give the same owner.
 * Owns the table (2 MiB), and 256 KiB more until all is decided. Borrows the rendezvous, which must
 * not move.
 * Fails: init, UV_ENOMEM. */
#ifndef GCI_STORE_SLOTS_H
#define GCI_STORE_SLOTS_H

#include "store/rendezvous.h"

struct gci_slots_heir;

struct gci_slots {
  struct gci_mem *mem;
  const struct gci_rendezvous *rendezvous;
  uint16_t *owners;  /* member's place in the rendezvous + 1; 0: nobody yet */
  uint64_t *decided; /* a bit a slot; NULL: all are */
  uint64_t *claimed; /* a bit a slot: has an owner, who may change before the round ends */
  size_t undecided;  /* as counted when a round ended */
  uint64_t latest;   /* no slot was won at this time or later */
  unsigned rounds;   /* that are over */
  size_t at;         /* member, or word of `decided`, to go on with */
  int remaining;     /* rounds are over: what is left is decided one by one */
  int is_clear;      /* memory for them has been made ready */
  struct gci_slots_heir *heir; /* NULL: nothing is being taken over */
};

/* old (NULL: there is none): what is decided there and stays so is taken over. It must stay until
 * prepare is over, but may be asked and go on. Where there is no gain in it, or memory is short,
 * nothing is. */
int gci_slots_init(struct gci_slots *s, const struct gci_rendezvous *rendezvous,
                   const struct gci_slots *old);
void gci_slots_fini(struct gci_slots *s);

/* With all members there: one slice, of about a millisecond. Nonzero: there is more to do, and no
 * slot may be decided or asked for yet. */
int gci_slots_prepare(struct gci_slots *s);

int gci_slots_work(struct gci_slots *s); /* one slice; nonzero: there is more to do */

/* Place of the member that has the slot. */
size_t gci_slots_decide(struct gci_slots *s, uint32_t slot);
static inline size_t gci_slots_owner(struct gci_slots *s, uint32_t slot) {
  if (s->decided != NULL && (s->decided[slot / 64] >> slot % 64 & 1) == 0)
    return gci_slots_decide(s, slot);
  return s->owners[slot] - 1u;
}

#endif
