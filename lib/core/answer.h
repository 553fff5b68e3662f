/* core/answer - answers a peer at once, from this member's memory alone: no request, no callback.
 * gcache_answer(), in gcache/transport.h, answers a peer's other questions. */
#ifndef GCI_CORE_ANSWER_H
#define GCI_CORE_ANSWER_H

#include "core/core.h"

struct gci_answer_cached {
  int status;                      /* 0, or GCACHE_ENOTFOUND: remembered */
  gcache_value_t *value;           /* of 0; borrowed, as reason is, until the memory changes */
  const char *reason;              /* of GCACHE_ENOTFOUND */
  uint64_t stale_ms, not_found_ms; /* as gcache_answer_stale(), gcache_answer_not_found() */
};

/* A value that is due or stale is also refreshed, as behind any hit. UV_ENOENT: memory has nothing
 * of use. GCACHE_ENOGROUP, GCACHE_ECLOSING, UV_EMSGSIZE, UV_EINVAL. */
int gci_answer_cached(gcache_t *cache, gcache_bytes_t group, gcache_bytes_t key, int takes_stale,
                      struct gci_answer_cached *out);
/* A new owner's question before its getter runs: a fresh value, borrowed as above. Nothing is
 * refreshed behind it. UV_ENOENT: there is none. Other errors as above. An asker that says it has
 * just started must be new to this member (core/previous). */
int gci_answer_handoff(gcache_t *cache, gcache_bytes_t group, gcache_bytes_t key,
                       gcache_value_t **value);

#endif
