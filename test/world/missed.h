/* world/missed - what members were to change and have not, and are told later (P8,
 * docs/rooms/cluster.md). As long as everybody has one list:
 *
 *   from the moment that the member which made a change has nothing left to tell the key's owner,
 *   no get that begins there is given anything older;
 *   when it has nothing left to tell anybody, no get that begins anywhere is;
 *   when all can reach each other again, it takes no longer than some probes.
 *
 * The member that made the change lives all that time. The owner may die and start again, but where
 * it takes values over from others: it has forgotten then that it was told. */
#ifndef WORLD_MISSED_H
#define WORLD_MISSED_H

#include "member.h"

/* A change that m began as that request has ended; missed: who is to be told of it, refused: who
 * will not. */
void world_missed_note(struct world_member *m, size_t request, uint64_t missed, uint64_t refused);
/* After every event. */
void world_missed_look(struct world *w);
/* Nonzero: it has somebody to tell, which keeps its loop alive now and then. */
int world_missed_waits(const struct world_member *m);
/* Nonzero: every living member takes every other to be there, and has nothing left to tell it. */
int world_missed_all_told(struct world *w);
void world_missed_forget(struct world *w);

#endif
