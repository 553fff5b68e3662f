/* world/missed - what members were to change and have not, and whether they were told of it in the end (P8). Only
 * where members neither die nor leave nor are given other lists. */
#ifndef WORLD_MISSED_H
#define WORLD_MISSED_H

#include "member.h"

/* A change that m began as that request has ended; ok: those who have made it. */
void world_missed_note(struct world_member *m, size_t request, gcache_bytes_t key, uint64_t ok);
/* Nonzero: it has somebody to tell, which keeps its loop alive now and then. */
int world_missed_waits(const struct world_member *m);
/* Nonzero: every member takes every other to be there, and has nothing left to tell it. */
int world_missed_all_told(struct world *w);
/* Then nobody who had missed a change has what is older. */
void world_missed_check(struct world *w);
void world_missed_forget(struct world *w);

#endif
