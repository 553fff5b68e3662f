/* core/gate - see gate.h. */
#include "core/gate.h"

#define RUNS_ENOUGH 16
#define SIXTEENTHS 16
#define WEIGHT 8
#define RUN_MAX_MS (UINT64_C(1) << 40)

void gci_gate_init(struct gci_gate *gate, size_t inside_max, size_t waiting_max) {
  *gate = (struct gci_gate){.inside_max = inside_max, .waiting_max = waiting_max};
  gci_list_init(&gate->waiting);
}

static int has_place(const struct gci_gate *gate) {
  return gate->inside < gate->inside_max;
}

static void let_in(struct gci_gate *gate, struct gci_pass *pass) {
  pass->state = GCI_PASS_INSIDE;
  gate->inside++;
}

int gci_gate_enter(struct gci_gate *gate, struct gci_pass *pass) {
  if (!has_place(gate)) return 0;
  let_in(gate, pass);
  return 1;
}

int gci_gate_wait(struct gci_gate *gate, struct gci_pass *pass) {
  if (gate->n_waiting >= gate->waiting_max) return 0;
  pass->state = GCI_PASS_WAITS;
  gate->n_waiting++;
  gci_list_push_back(&gate->waiting, &pass->link);
  return 1;
}

static void leave_queue(struct gci_gate *gate, struct gci_pass *pass) {
  gci_link_unlink(&pass->link);
  gate->n_waiting--;
}

struct gci_pass *gci_gate_next(struct gci_gate *gate) {
  if (gate->n_waiting == 0 || !has_place(gate)) return NULL;
  struct gci_pass *pass = gci_container_of(gci_list_front(&gate->waiting), struct gci_pass, link);
  leave_queue(gate, pass);
  let_in(gate, pass);
  return pass;
}

void gci_gate_leave(struct gci_gate *gate, struct gci_pass *pass) {
  if (pass->state == GCI_PASS_WAITS) leave_queue(gate, pass);
  if (pass->state == GCI_PASS_INSIDE) gate->inside--;
  pass->state = GCI_PASS_OUTSIDE;
}

void gci_gate_learn(struct gci_gate *gate, uint64_t ms) {
  uint64_t run = (ms < RUN_MAX_MS ? ms : RUN_MAX_MS) * SIXTEENTHS;
  if (gate->runs == 0)
    gate->run_16ths = run;
  else
    gate->run_16ths = (gate->run_16ths * (WEIGHT - 1) + run) / WEIGHT;
  if (gate->runs < RUNS_ENOUGH) gate->runs++;
}

int gci_gate_is_too_late(const struct gci_gate *gate, uint64_t left_ms) {
  return gate->n_waiting > 0 && gate->runs >= RUNS_ENOUGH && left_ms < gate->run_16ths / SIXTEENTHS;
}
