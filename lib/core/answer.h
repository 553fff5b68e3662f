/* core/answer - what a peer asks for from this member's memory alone, at once: no request, no callback.
 * Its other questions are gcache_answer(), in gcache/transport.h. */
#ifndef GCI_CORE_ANSWER_H
#define GCI_CORE_ANSWER_H

#include "core/core.h"

struct gci_answer_cached {
  int status;                      /* 0, or GCACHE_ENOTFOUND: remembered */
  gcache_value_t *value;           /* of 0; borrowed, as reason is, until the memory changes */
  const char *reason;              /* of GCACHE_ENOTFOUND */
  uint64_t stale_ms, not_found_ms; /* as gcache_answer_stale(), gcache_answer_not_found() */
};

/* What is due or stale is also refreshed, as behind any hit. UV_ENOENT: there is nothing of use here.
 * GCACHE_ENOGROUP, GCACHE_ECLOSING, UV_EMSGSIZE, UV_EINVAL. */
int gci_answer_cached(gcache_t *cache, gcache_bytes_t group, gcache_bytes_t key, int takes_stale,
                      struct gci_answer_cached *out);
/* What a new owner asks for before its getter runs: a fresh value, borrowed as above. Nothing is
 * refreshed behind. UV_ENOENT: there is none. The rest as above. Who says that it has just started
 * is to be new here (core/previous). */
int gci_answer_handoff(gcache_t *cache, gcache_bytes_t group, gcache_bytes_t key,
                       gcache_value_t **value);

#endif
