/* world/torture - the same small scenarios again and again, each time with one fault: a failing
 * allocation, a failing call of the system, or a member that closes at that moment. */
#ifndef WORLD_TORTURE_H
#define WORLD_TORTURE_H

#include "schedule.h"

enum world_torture_kind {
  WORLD_OOM,     /* every allocation fails once */
  WORLD_OOM_ON,  /* every allocation and all that follow, until the scenario's end */
  WORLD_FAULTS,  /* every call fails once, with each error it can give */
  WORLD_CLOSE,   /* every member closes after every event */
  WORLD_TORTURES /* none */
};

struct world_torture_result {
  uint64_t scenarios, runs, injected, failed;
};

const char *world_torture_word(enum world_torture_kind kind);

/* Tortures the scenario with everything from 1 up, every stride-th time; or with that number only.
 * before is called before each run, broken after one that broke a promise; that returns nonzero to
 * stop. */
struct world_torture_watch {
  void (*before)(const struct world_run *run, uint64_t number);
  int (*broken)(const struct world_run *run, uint64_t number, const char *words);
};
void world_torture(enum world_torture_kind kind, const struct world_run *scenario, uint64_t stride,
                   const struct world_torture_watch *watch, struct world_torture_result *result);
/* Puts the number into run->torture; nonzero: there is no such number. log: the kinds of the calls,
 * n. */
int world_torture_set(enum world_torture_kind kind, struct world_run *run, uint64_t number);

#endif
