/* core/trace - which trace what is asked belongs to.
 *
 * The core has one current trace, or none: what is opened takes a reference to it. It is set for
 * the length of a public call by the application, and for the end of a call or load by its own
 * trace, so that what follows from it (the next owner, a load here, the second round of a change)
 * belongs to the same. None of that calls out, so nobody else's is ever in force. A trace is a text
 * of base/value.
 * Fails: reading, with UV_EINVAL, UV_ENOMEM. */
#ifndef GCI_CORE_TRACE_H
#define GCI_CORE_TRACE_H

#include "base/value.h"
#include "core/core.h"

/* UV_EINVAL: not as W3C Trace Context wants it. */
int gci_trace_read(struct gci_mem *mem, gcache_bytes_t text, gcache_value_t **out);

/* NULL: none. Borrowed. */
static inline const char *gci_trace_words(const gcache_value_t *trace) {
  return trace == NULL ? NULL : gci_value_words(trace);
}

/* trace is in force until gci_trace_leave() with what this returns. Borrowed. */
static inline gcache_value_t *gci_trace_enter(gcache_t *core, gcache_value_t *trace) {
  gcache_value_t *before = core->trace;
  core->trace = trace;
  return before;
}
static inline void gci_trace_leave(gcache_t *core, gcache_value_t *before) {
  core->trace = before;
}

#endif
