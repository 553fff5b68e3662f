/* world/dead - one member is dead, gone with its machine, or hangs, and all the others are well
 * (P7).
 *
 * When all live members know this, and are sure of each other, the cluster is settled without the
 * dead one: one load per key (P1). A member sends no requests for keys to a member it considers
 * down. docs/architecture.md bounds the delay that the dead member may cause
 * (world_dead_patience_us()). */
#ifndef WORLD_DEAD_H
#define WORLD_DEAD_H

#include "member.h"

/* The longest that a request may take, whomever it waited for. */
uint64_t world_dead_patience_us(const struct world *w);
/* After that deed it strikes, or the member comes back; some time passes then. */
uint64_t world_dead_after(struct world *w, uint64_t deed);
void world_dead_choose(struct world *w, struct sim_rng *rng, uint64_t deeds);
/* After every event. */
void world_dead_look(struct world *w);
/* Nonzero: those who are not in ok are dead: the change is all that it can be. */
int world_dead_excuses(const struct world *w, uint64_t reported, uint64_t ok);
/* A getter is about to start: whether that is to be the only one. */
void world_dead_loads(struct world *w, unsigned key);

#endif
