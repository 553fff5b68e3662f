/* The part of the oracle that tracks how many getters of a group may run: a load that waits or is
 * refused for that reason must have found the group full. */
#include "promises.h"

/* Longer than it takes to begin some runs, one after the other, whose callers leave before they
 * begin. */
#define SOON_US 5000

void promises_place_taken(struct promises *p, int member, unsigned key) {
  struct promises_member *m = &p->members[member];
  unsigned group = key % PROMISES_GROUPS;
  if (p->setup.loads_max == 0) return;
  if (++m->group_runs[group] > p->setup.loads_max)
    promises_break(p, "P3: key %u: %u getters of its group run on member %d, %u may", key,
                   m->group_runs[group], member, p->setup.loads_max);
}

void promises_place_left(struct promises *p, int member, unsigned key) {
  struct promises_member *m = &p->members[member];
  unsigned group = key % PROMISES_GROUPS;
  if (p->setup.loads_max == 0) return;
  if (m->group_runs[group]-- == p->setup.loads_max) m->full_us[group] = p->now_us;
}

int promises_was_full(const struct promises *p, int member, unsigned key, uint64_t since_us) {
  const struct promises_member *m = &p->members[member];
  unsigned group = key % PROMISES_GROUPS;
  if (p->setup.loads_max == 0) return 0;
  if (m->group_runs[group] == p->setup.loads_max) return 1;
  return m->full_us[group] != 0 && m->full_us[group] + SOON_US >= since_us;
}
