/* core/load - one run of this member's getter for a key, and the requests that wait for it.
 *
 *   opened -> started (from a turn: the getter is called) -> answered (once) -> gone
 *     |\   ^
 *     | \--'-> answered          the previous owner, asked first (core/handoff), has the value
 *     |  \-> queued (core/gate: too many run) -> started, when there is a place
 *     |          \-> shed: GCACHE_EBUSY, or what memory has in place of a failure
 *     \---> gone                nobody waited any more
 *
 * A load is shed if the queue is full, if it would end too late while others wait, or if it is a
 * refresh for which there is no place at once.
 * Owns the copy of its key. The getter owes the answer; until it comes the group stays. When the
 * last caller leaves, the getter is told once, from a turn, unless someone has come in the
 * meantime. If a getter fails after it was told, the load has not failed for callers that came
 * later: they are stranded, not answered. Fails: opening, with UV_ENOMEM. */
#ifndef GCI_CORE_LOAD_H
#define GCI_CORE_LOAD_H

#include "core/gate.h"
#include "core/handoff.h"
#include "core/journey.h"

struct gcache_load_s {
  struct gci_journey journey;
  struct gcache_job_s job; /* starts the getter; later tells it that nobody waits */
  gcache_group_t *group;
  struct gci_pass pass;
  struct gci_handoff_asker handoff;
  uint64_t started_ms, started_ns;
  void *data;            /* the getter's */
  gcache_value_t *trace; /* a reference; NULL: none */
  gcache_run_t run;      /* what the hooks are told */
  uint8_t started;       /* an answer is owed */
  uint8_t asked;         /* a hand-off was tried, or ruled out */
  uint8_t waited;        /* it waited for that answer */
  uint8_t told;          /* that nobody waits */
  uint8_t on_a_thread;   /* gcache_load_work() has taken it */
};

/* The new load of the key; NULL: out of memory. Nobody waits yet; join it in the same turn. */
struct gci_journey *gci_load_open(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                                  void (*stranded)(struct gcache_req_s *req, gcache_bytes_t key,
                                                   uint64_t hash));
/* The running or waiting load that can be joined; NULL: none. */
struct gci_journey *gci_load_find(const gcache_group_t *group, gcache_bytes_t key, uint64_t hash);
/* The getter has been called. */
int gci_load_is_under_way(struct gci_journey *load);

#endif
