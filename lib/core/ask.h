/* core/ask - the path of a get: memory, a load here, or the owner.
 *
 *   in memory                        completes in the next turn; a value that is stale or due is
 *                                    also refreshed behind it, in one of the ways below
 *   a load of the key is under way   waits for it
 *   ours, or asked by a peer         a new load (P4: a peer's question goes no further)
 *   else                             waits for the call to the owner, or makes it
 *
 * gcache_get() and a peer's GET share this. A stranded request starts over here with the time it
 * has left. Fails: starting, with UV_ENOMEM, and nothing was started. If starting over fails, the
 * request ends with that error. */
#ifndef GCI_CORE_ASK_H
#define GCI_CORE_ASK_H

#include <uv.h>

#include "core/group.h"
#include "core/req.h"

/* Whether a key may be asked for or set at all: UV_EMSGSIZE, UV_EINVAL. */
static inline int gci_ask_check_key(const gcache_t *core, gcache_bytes_t key) {
  if (key.base == NULL && key.len > 0) return UV_EINVAL;
  return key.len > core->key_max ? UV_EMSGSIZE : 0;
}
int gci_ask_check_value(const gcache_t *core, const gcache_value_t *value);

/* req is initialised by this; run must call gci_ask_settle() first. */
int gci_ask_start(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                  uint64_t timeout_ms, void (*run)(struct gcache_job_s *job));

/* The same after a look into memory; found NULL: nothing was found. */
int gci_ask_start_found(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                        uint64_t hash, const struct gci_found *found, uint64_t timeout_ms,
                        void (*run)(struct gcache_job_s *job));
/* Nonzero: fresh for a second more, and only to be delivered. */
int gci_ask_is_plain(const gcache_group_t *group, const struct gci_found *found);

struct gci_ask_terms {
  uint64_t timeout_ms;
  enum gci_takes takes; /* FRESH or STALE */
  int64_t newer_than;   /* 0, or a value in memory that expires no later will not do */
};

/* As for a peer: never asks the owner. */
int gci_ask_start_here(struct gcache_req_s *req, gcache_group_t *group, gcache_bytes_t key,
                       const struct gci_ask_terms *terms, void (*run)(struct gcache_job_s *job));

/* What memory has for a peer that does not wait, borrowed until memory changes; nonzero: found.
 * Counted as a hit of a request is, and refreshed behind if that is due. */
int gci_ask_memory(gcache_group_t *group, gcache_bytes_t key, enum gci_takes takes,
                   struct gci_found *found);

/* Call when the completion runs. Nonzero: the request travels again, because its value may no
 * longer be delivered (P6). 0: its end is final, and req->ms says how stale the value is. */
int gci_ask_settle(struct gcache_req_s *req);

#endif
