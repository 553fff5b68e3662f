/* core/gate - how many getters of a group run at a time, and which loads wait for a place.
 *
 *   outside -> inside -> outside            there was a place
 *       \--> waits -> inside | outside      in order of arrival; or nobody waits for it any more
 *
 * A struct gci_pass is embedded in the load that passes. The gate also knows how long a run takes,
 * so that no place is spent on a run that would end too late while others wait. Owns nothing and
 * calls nobody. Fails: a full queue, which is an answer. */
#ifndef GCI_CORE_GATE_H
#define GCI_CORE_GATE_H

#include "base/list.h"

enum gci_pass_state { GCI_PASS_OUTSIDE, GCI_PASS_WAITS, GCI_PASS_INSIDE };

struct gci_pass {
  struct gcache_link_s link; /* gate->waiting */
  enum gci_pass_state state;
};

struct gci_gate {
  struct gci_list waiting; /* in order of arrival */
  size_t inside, inside_max;
  size_t n_waiting, waiting_max;
  uint64_t run_16ths; /* mean of the runs, in 1/16 ms; the latest counts for 1/8 */
  unsigned runs;      /* runs in the mean, counted up to RUNS_ENOUGH */
};

void gci_gate_init(struct gci_gate *gate, size_t inside_max, size_t waiting_max);
static inline void gci_pass_init(struct gci_pass *pass) {
  gci_link_init(&pass->link);
  pass->state = GCI_PASS_OUTSIDE;
}

/* Nonzero: there is a place, and it is taken. */
int gci_gate_enter(struct gci_gate *gate, struct gci_pass *pass);
/* After gci_gate_enter() failed. 0: too many wait already. */
int gci_gate_wait(struct gci_gate *gate, struct gci_pass *pass);
/* Lets the first of the queue in; NULL: there is no place, or nobody waits. */
struct gci_pass *gci_gate_next(struct gci_gate *gate);
/* Leaves the gate, from inside or from the queue. A place may be free: gci_gate_next(). */
void gci_gate_leave(struct gci_gate *gate, struct gci_pass *pass);

/* A run has taken ms. */
void gci_gate_learn(struct gci_gate *gate, uint64_t ms);
/* Nonzero: others wait, and a run would take longer than left_ms. */
int gci_gate_is_too_late(const struct gci_gate *gate, uint64_t left_ms);

#endif
