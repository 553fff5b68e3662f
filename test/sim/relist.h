/* sim/relist - a new list, given to all members within a moment, while the member that gets it last
 * changes a key: what P2 says about changing lists. Keys move between members through other
 * weights, or a new member joins. */
#ifndef SIM_RELIST_H
#define SIM_RELIST_H

#include "steps.h"

/* An order of chance of its own, so that schedules without it are what they were. */
void sim_relist_init(struct sim_schedule *s, uint64_t seed);
/* Begins, now and then; nonzero: this was a step. */
int sim_relist_step(struct sim_schedule *s);
void sim_relist_end(struct sim_schedule *s);

#endif
