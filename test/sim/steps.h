/* sim/steps - the single things that can happen to a cluster, and how often in which weather. */
#ifndef SIM_STEPS_H
#define SIM_STEPS_H

#include "member.h"
#include "schedule.h"

/* sim/relist's. */
struct sim_relist {
  struct sim_rng rng;
  struct sim_event event;
  uint64_t list; /* the one that comes */
  unsigned key;
  int is_on, phase;    /* 0: at rest */
  int maker, newcomer; /* -1: nobody comes */
};

struct sim_schedule {
  struct sim_cluster cluster;
  enum sim_faults faults;
  struct sim_relist relist;
  uint64_t everybody; /* the full list: all but a client-only member */
};

void sim_step(struct sim_schedule *s);          /* one, by chance */
void sim_steps_calm(struct sim_schedule *s);    /* no more faults */
void sim_steps_abandon(struct sim_schedule *s); /* some members close at once */

#endif
