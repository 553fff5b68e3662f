#include "faults.h"

#include <string.h>
#include <uv.h>

#include "sim/world.h"

#define VARIANTS_MAX 8

static const struct {
  const char *word;
  int errors[VARIANTS_MAX];
} ops[WORLD_OPS_COUNT] = {
#define XX(name, word, ...) {word, {__VA_ARGS__}},
    WORLD_OPS(XX)
#undef XX
};

void world_faults_init(struct world_faults *faults, struct sim_rng *rng) {
  memset(faults, 0, sizeof *faults);
  faults->rng = rng;
}

const char *world_op_word(enum world_op op) {
  return ops[op].word;
}

unsigned world_op_variants(enum world_op op) {
  unsigned n = 0;
  while (n < VARIANTS_MAX && ops[op].errors[n] != 0)
    n++;
  return n;
}

int world_op_error(enum world_op op, unsigned variant) {
  return ops[op].errors[variant % world_op_variants(op)];
}

int world_fault(struct world_faults *faults, enum world_op op) {
  unsigned variant;
  if (faults->off) return 0;
  if (faults->calls < faults->log_cap) faults->log[faults->calls] = (unsigned char)op;
  faults->calls++;
  if (faults->fail_at == faults->calls)
    variant = faults->variant;
  else if (faults->permille[op] > 0 && sim_rng_below(faults->rng, 1000) < faults->permille[op])
    variant = (unsigned)sim_rng_below(faults->rng, VARIANTS_MAX);
  else
    return 0;
  faults->injected[op]++;
  return world_op_error(op, variant);
}

uint64_t world_faults_injected(const struct world_faults *faults) {
  uint64_t n = 0;
  for (int op = 0; op < WORLD_OPS_COUNT; op++)
    n += faults->injected[op];
  return n;
}
