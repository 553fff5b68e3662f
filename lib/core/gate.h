/* core/gate - how many getters of a group run at a time, and who waits for a place.
 *
 *   outside -> inside -> outside            there was a place
 *       \--> waits -> inside | outside      in order of coming; or nobody waits for it any more
 *
 * A struct gci_pass is embedded in what passes: a load. Also knows how long a run takes, so that no
 * place is spent on a run that would end too late while others wait. Owns nothing and calls nobody.
 * Fails: a full queue, which is an answer. */
#ifndef GCI_CORE_GATE_H
#define GCI_CORE_GATE_H

#include "base/list.h"

enum gci_pass_state { GCI_PASS_OUTSIDE, GCI_PASS_WAITS, GCI_PASS_INSIDE };

struct gci_pass {
  struct gcache_link_s link; /* gate->waiting */
  enum gci_pass_state state;
};

struct gci_gate {
  struct gci_list waiting; /* who came first is first */
  size_t inside, inside_max;
  size_t n_waiting, waiting_max;
  uint64_t
      run_16ths; /* how long runs take, in 1/16 ms: each counts for 1/8, those before it for the rest */
  unsigned runs; /* that it was learnt from, up to what is enough */
};

void gci_gate_init(struct gci_gate *gate, size_t inside_max, size_t waiting_max);
static inline void gci_pass_init(struct gci_pass *pass) {
  gci_link_init(&pass->link);
  pass->state = GCI_PASS_OUTSIDE;
}

/* Nonzero: there is a place, and it is taken. */
int gci_gate_enter(struct gci_gate *gate, struct gci_pass *pass);
/* Where there was none. 0: too many wait already. */
int gci_gate_wait(struct gci_gate *gate, struct gci_pass *pass);
/* Who has waited longest, inside now; NULL: there is no place, or nobody waits. */
struct gci_pass *gci_gate_next(struct gci_gate *gate);
/* Out of it, from wherever it is. A place may be free: gci_gate_next(). */
void gci_gate_leave(struct gci_gate *gate, struct gci_pass *pass);

/* A run has taken so long. */
void gci_gate_learn(struct gci_gate *gate, uint64_t ms);
/* Nonzero: others wait, and with so much time left a run would end too late. */
int gci_gate_is_too_late(const struct gci_gate *gate, uint64_t left_ms);

#endif
