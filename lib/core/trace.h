/* core/trace - which trace a request or call belongs to.
 *
 * The core has one current trace, or none: whatever is opened takes a reference to it. The
 * application sets it around public calls; the end of a call or load sets that call's or load's own
 * trace, so that its successors (the request to the next owner, a load here, the second round of a
 * change) belong to the same trace. Nothing calls out meanwhile, so no other caller's trace is ever
 * current. A trace is a text of base/value.
 * Fails: reading, with UV_EINVAL, UV_ENOMEM. */
#ifndef GCI_CORE_TRACE_H
#define GCI_CORE_TRACE_H

#include "base/value.h"
#include "core/core.h"

/* UV_EINVAL: not valid by W3C Trace Context. */
int gci_trace_read(struct gci_mem *mem, gcache_bytes_t text, gcache_value_t **out);

/* NULL: none. Borrowed. */
static inline const char *gci_trace_words(const gcache_value_t *trace) {
  return trace == NULL ? NULL : gci_value_words(trace);
}

/* trace is current until gci_trace_leave() with the returned value. Borrowed. */
static inline gcache_value_t *gci_trace_enter(gcache_t *core, gcache_value_t *trace) {
  gcache_value_t *before = core->trace;
  core->trace = trace;
  return before;
}
static inline void gci_trace_leave(gcache_t *core, gcache_value_t *before) {
  core->trace = before;
}

#endif
