#include "torture.h"

#include <stdlib.h>

#include "faults.h"

#define VARIANTS 8
#define MEMBERS 8 /* the first of more */

const char *world_torture_word(enum world_torture_kind kind) {
  static const char *const words[] = {"oom", "oom-on", "faults", "close", "none"};
  return words[kind];
}

/* A number is one thing to go wrong: of calls, which and with what error; of closes, when and who. */
int world_torture_set(enum world_torture_kind kind, struct world_run *run, uint64_t number) {
  struct world_torture *t = &run->torture;
  *t = (struct world_torture){0};
  if (number == 0) return 1;
  if (kind == WORLD_OOM || kind == WORLD_OOM_ON) {
    t->allocation = number;
    t->lasting = kind == WORLD_OOM_ON;
  } else if (kind == WORLD_FAULTS) {
    t->call = 1 + (number - 1) / VARIANTS;
    t->variant = (unsigned)((number - 1) % VARIANTS);
  } else {
    t->close = 1 + (number - 1) / MEMBERS;
    t->member = (int)((number - 1) % MEMBERS);
  }
  return kind == WORLD_CLOSE && t->member >= 7;
}

/* The scenario once, unharmed: how much there is that could go wrong. */
static uint64_t numbers_of(enum world_torture_kind kind, const struct world_run *scenario,
                           unsigned char *log, size_t log_cap) {
  struct world_run run = *scenario;
  struct world_result r;
  run.torture = (struct world_torture){.log = log, .log_cap = log_cap};
  world_schedule_run(&run, &r);
  if (kind == WORLD_FAULTS) return r.calls * VARIANTS;
  return kind == WORLD_CLOSE ? r.events * MEMBERS : r.allocations;
}

static int is_of_use(enum world_torture_kind kind, const struct world_run *run,
                     const unsigned char *log, size_t log_cap) {
  const struct world_torture *t = &run->torture;
  if (kind != WORLD_FAULTS || t->call > log_cap) return 1;
  return t->variant < world_op_variants((enum world_op)log[t->call - 1]);
}

static uint64_t injected_of(enum world_torture_kind kind, const struct world_result *r) {
  if (kind == WORLD_CLOSE) return (uint64_t)r->closed;
  return kind == WORLD_FAULTS ? r->faults : r->refused;
}

void world_torture(enum world_torture_kind kind, const struct world_run *scenario, uint64_t stride,
                   const struct world_torture_watch *watch, struct world_torture_result *result) {
  size_t log_cap = 100000;
  unsigned char *log = sim_new(log_cap);
  uint64_t n = numbers_of(kind, scenario, log, log_cap);
  result->scenarios++;
  for (uint64_t number = 1; number <= n; number += stride) {
    struct world_run run = *scenario;
    struct world_result r;
    if (world_torture_set(kind, &run, number) || !is_of_use(kind, &run, log, log_cap)) continue;
    watch->before(&run, number);
    world_schedule_run(&run, &r);
    result->runs++;
    result->injected += injected_of(kind, &r);
    if (r.broken[0] == '\0') continue;
    result->failed++;
    if (watch->broken(&run, number, r.broken)) break;
  }
  free(log);
}
