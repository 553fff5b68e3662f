/* core/memory - what a group does with its memory: look, keep, set, drop, clear, and forget in
 * time.
 *
 * Dropping also detaches the flights of the key, so that what is under way is delivered and not
 * kept (P2). One deadline a group wakes it to free what has expired (P6); it does not keep the loop
 * alive, and looks at the wall clock every half second, so that a clock that jumped is noticed.
 * Fails: a value that cannot be kept, or whose expiry cannot be watched, is absent afterwards. */
#ifndef GCI_CORE_MEMORY_H
#define GCI_CORE_MEMORY_H

#include "core/group.h"
#include "core/journey.h"
#include "core/req.h"
#include "store/hit.h"

void gci_memory_init(gcache_group_t *group);

/* Asked for only where it matters: to know it, the loop must be asked whether it has turned. */
static inline int64_t gci_memory_now(const gcache_group_t *group) {
  return gci_cache_is_timed(group->cache) ? gci_env_unix_ns(group->core->env) : 0;
}

/* Nonzero: found, what is borrowed until the memory changes. */
int gci_memory_look(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                    struct gci_found *found);
/* A fresh value, borrowed; NULL: there is none. */
gcache_value_t *gci_memory_peek(gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
/* What there is for those whose load has failed, borrowed; NULL: nothing. */
gcache_value_t *gci_memory_spare(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                                 gcache_from_t *from);
gcache_from_t gci_memory_from(enum gci_side side);
/* When value is no longer to be delivered to one that takes this. INT64_MAX: never. */
int64_t gci_memory_end(const gcache_group_t *group, const gcache_value_t *value,
                       enum gci_takes takes);

/* The result of a flight that is still in its table, or was detached: kept where the group and this
 * member keep such values at all, and counted where memory or a remove forbids it. */
void gci_memory_keep(gcache_group_t *group, enum gci_side side, const struct gci_flight *flight,
                     gcache_value_t *value);
/* The same for an owner's value, which ends no later than hot_max_ms says. Takes the reference to
 * value, gives one to what is to be delivered. */
gcache_value_t *gci_memory_keep_hot(gcache_group_t *group, const struct gci_flight *flight,
                                    gcache_value_t *value);
/* "Not found", which holds for ms: remembered, or with 0 not. What there was is no more. */
void gci_memory_keep_absent(gcache_group_t *group, enum gci_side side,
                            const struct gci_journey *journey, const char *reason, uint64_t ms);

/* Nothing new came: if what was there is to be renewed, that pauses. */
void gci_memory_keep_old(gcache_group_t *group, const struct gci_journey *journey);

/* Replaces whatever there is by value, in the main cache. GCACHE_ENOROOM, UV_ENOMEM: it is gone. */
int gci_memory_set(gcache_group_t *group, gcache_bytes_t key, uint64_t hash, gcache_value_t *value);
/* A value that somebody gives, in the main cache. UV_EEXIST: it may not be the latest, or there is
 * something already, or will be; GCACHE_ENOROOM. */
int gci_memory_take(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                    gcache_value_t *value);
void gci_memory_drop(gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
void gci_memory_clear(gcache_group_t *group);
/* Hot copies, in this turn and the next. How many there are. */
uint64_t gci_memory_drop_hot(gcache_group_t *group);

#endif
