/* gcache/trace.h - trace context of gets and changes: `traceparent` of W3C Trace Context. Part of
 * <gcache/gcache.h>, whose rules hold.
 *
 * A traceparent is carried unchanged with a get to the getter that runs for it, here or at the
 * key's owner, and with a change to every peer that makes it. Requests that gcache sends of its own
 * accord carry none. A get that joins a load or a request under way does not replace the
 * traceparent of the get that opened it. A hit carries its traceparent only to the refresh it
 * starts. `tracestate` is not carried. Unset, tracing costs nothing. */
#ifndef GCACHE_TRACE_H
#define GCACHE_TRACE_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GCACHE_TRACEPARENT_LEN 55

/* From now on gcache_get(), _get_many(), _set(), _remove(), _clear() and _answer*() on cache belong
 * to this trace, until gcache_trace_end(), which must be called before you return to the loop.
 * Replaces a trace begun before. traceparent: zero-terminated, copied. UV_EINVAL: it is not 55
 * characters "vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff" of lower-case hex, or has
 * version ff, or an id of zeroes; the trace begun before, if any, then stays. */
GCACHE_EXTERN int gcache_trace_begin(gcache_t *cache, const char *traceparent);
/* Allowed without a gcache_trace_begin(). */
GCACHE_EXTERN void gcache_trace_end(gcache_t *cache);

/* Inside a getter run: the traceparent of the get that opened the load, on this member or on the
 * peer that asked it; borrowed for as long as load exists; NULL: none. An invalid traceparent from
 * a peer counts as none. */
GCACHE_EXTERN const char *gcache_load_traceparent(const gcache_load_t *load);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_TRACE_H */
