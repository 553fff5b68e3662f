/* core/memory - what a group does with its memory: look, keep, set, drop, clear, and free expired
 * entries in time.
 *
 * Dropping also detaches the flights of the key, so that their values are delivered and not kept
 * (P2). One deadline per group wakes it to free what has expired (P6); the deadline does not keep
 * the loop alive, and looks at the wall clock every half second, so that a clock that jumped is
 * noticed.
 * Fails: a value that cannot be kept, or whose expiry cannot be watched, is absent afterwards. */
#ifndef GCI_CORE_MEMORY_H
#define GCI_CORE_MEMORY_H

#include "core/group.h"
#include "core/journey.h"
#include "core/req.h"
#include "store/hit.h"

void gci_memory_init(gcache_group_t *group);

/* Call it only where the time matters: it has to ask the loop whether it has turned. */
static inline int64_t gci_memory_now(const gcache_group_t *group) {
  return gci_cache_is_timed(group->cache) ? gci_env_unix_ns(group->core->env) : 0;
}

/* Nonzero: found; the result is borrowed until memory changes. */
int gci_memory_look(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                    struct gci_found *found);
/* A fresh value, borrowed; NULL: there is none. */
gcache_value_t *gci_memory_peek(gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
/* The value for requests whose load has failed, borrowed; NULL: none. */
gcache_value_t *gci_memory_spare(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                                 gcache_from_t *from);
gcache_from_t gci_memory_from(enum gci_side side);
/* The time from which value may no longer be delivered to a request that takes this. INT64_MAX:
 * never. */
int64_t gci_memory_end(const gcache_group_t *group, const gcache_value_t *value,
                       enum gci_takes takes);

/* The result of a flight that is still in its table, or was detached: kept where the group and this
 * member keep such values at all, and counted where memory or a remove forbids it. */
void gci_memory_keep(gcache_group_t *group, enum gci_side side, const struct gci_flight *flight,
                     gcache_value_t *value);
/* The same for an owner's value, which ends no later than hot_max_ms says. Takes the reference to
 * value, returns a reference to the value to deliver. */
gcache_value_t *gci_memory_keep_hot(gcache_group_t *group, const struct gci_flight *flight,
                                    gcache_value_t *value);
/* Remembers "not found" for ms; with 0 it is not remembered. The old entry goes. */
void gci_memory_keep_absent(gcache_group_t *group, enum gci_side side,
                            const struct gci_journey *journey, const char *reason, uint64_t ms);

/* Nothing new came: if the old entry is to be renewed, its key pauses. */
void gci_memory_keep_old(gcache_group_t *group, const struct gci_journey *journey);

/* Replaces any entry by value, in the main cache. GCACHE_ENOROOM, UV_ENOMEM: the entry is gone. */
int gci_memory_set(gcache_group_t *group, gcache_bytes_t key, uint64_t hash, gcache_value_t *value);
/* Keeps a value that a leaving member gives, in the main cache. UV_EEXIST: it may not be the
 * latest, or there is an entry already, or a load of one; GCACHE_ENOROOM. */
int gci_memory_take(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                    gcache_value_t *value);
void gci_memory_drop(gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
void gci_memory_clear(gcache_group_t *group);
/* Drops hot copies, in this turn and the next. Returns how many there are. */
uint64_t gci_memory_drop_hot(gcache_group_t *group);

#endif
