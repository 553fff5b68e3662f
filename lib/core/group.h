/* core/group - a name for one kind of value: its getter, its memory, its waiting requests.
 *
 * Owns the memory, both tables of flights, the name. Requests, loads, calls and changes are counted
 * in `life`; the group is freed from a turn when that is zero, or with its core when that closes.
 * Nothing here is freed before all of them are done, so the holder of a count may use the group and
 * its core. */
#ifndef GCI_CORE_GROUP_H
#define GCI_CORE_GROUP_H

#include "base/countdown.h"
#include "base/list.h"
#include "base/map.h"
#include "core/core.h"
#include "core/gate.h"
#include "core/pause.h"
#include "core/recent.h"
#include "gcache/gcache.h"
#include "store/cache.h"
#include "store/flight.h"

/* What gcache_leave() does with the group. */
enum gci_group_leaving { GCI_GROUP_STAYS, GCI_GROUP_GIVES, GCI_GROUP_GAVE };

struct gcache_group_s {
  struct gci_map_node node;  /* core->groups */
  struct gcache_link_s link; /* core->group_list */
  gcache_t *core;
  char *name;
  gcache_getter_cb getter;
  gcache_load_cancel_cb cancel;
  void *data;
  gcache_hot_t hot;
  uint32_t not_found_ms, hot_max_ms;
  struct gci_cache *cache;
  struct gcache_deadline_s wheel; /* when to look through the memory for expired entries */
  int64_t wheel_due_unix_ns;      /* what it was set for */
  struct gci_flights loads;       /* runs of the getter here */
  struct gci_gate gate;           /* that they pass */
  struct gci_flights fetches;     /* calls to owners */
  struct gci_pauses pauses;       /* keys with old values in memory that pause after a failure */
  struct gci_recent recent;       /* keys that were changed lately */
  struct gci_list reqs;           /* by their `owned` links */
  struct gci_countdown life;
  struct gcache_job_s closed_job;
  struct gcache_job_s shrink_job; /* the memory gives something back */
  struct gci_cache_walk walk;     /* GCI_GROUP_GIVES */
  enum gci_group_leaving leaving;
  int closing;
  gcache_closed_cb closed;
  void *closed_arg;
  gcache_group_stats_t stats; /* what is counted here; the rest is filled in by the reader */
  uint64_t hits_to_timed;     /* core/timing: the hit after this many is timed */
  uint64_t timing_random;
};

/* An obligation begins: the group stays, and the loop stays alive. */
static inline void gci_group_hold(gcache_group_t *group) {
  gci_countdown_take(&group->life);
  gci_env_hold(group->core->env);
}
/* The obligation has ended. May queue the group's end; do not use the group afterwards. */
static inline void gci_group_release(gcache_group_t *group) {
  gci_env_release(group->core->env);
  gci_countdown_give(&group->life);
}

/* NULL: unknown, or closing. */
gcache_group_t *gci_group_find(const gcache_t *core, gcache_bytes_t name);

/* Refuses from now on and cancels all; already closing is fine. */
void gci_group_shut(gcache_group_t *group);
/* Its memory is to shrink: in the next turns, by gci_cache_shrink(). */
void gci_group_shrink(gcache_group_t *group);
/* Nothing is owed any more: frees the group, then runs its callback. From a turn. */
void gci_group_finish(gcache_group_t *group);

static inline struct gci_mem *gci_group_mem(const gcache_group_t *group) {
  return group->core->env->mem;
}

#endif
