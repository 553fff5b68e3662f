/* gcache/trace.h - which trace a get or a change belongs to: W3C Trace Context, `traceparent`. Part of
 * <gcache/gcache.h>, whose rules hold.
 *
 * It is carried, unchanged, to the getter that runs for a get, here or at the key's owner, and with
 * every change to the peers that make it. What gcache does by itself has none. Where a get joins a
 * load or question that is under way, the one that opened it is carried, and the joiner's is not; a
 * hit carries it nowhere, but to the refresh behind it. `tracestate` is not carried. Unset, it
 * costs nothing. */
#ifndef GCACHE_TRACE_H
#define GCACHE_TRACE_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GCACHE_TRACEPARENT_LEN 55

/* What is asked of cache from now on, gcache_get(), _get_many(), _set(), _remove(), _clear(),
 * _answer*(), belongs to this trace, until gcache_trace_end(), which is to be called before you
 * return to the loop. In place of one that was begun before. traceparent: zero-terminated, copied.
 * UV_EINVAL: it is not 55 characters "vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff" of
 * lower-case hex, version ff, or an id of zeroes; nothing is begun then, and what was begun before
 * goes on. */
GCACHE_EXTERN int gcache_trace_begin(gcache_t *cache, const char *traceparent);
/* Fine where none was begun. */
GCACHE_EXTERN void gcache_trace_end(gcache_t *cache);

/* Inside a getter run: the trace of whoever opened the load, on this member or on the one that
 * asked it; borrowed as long as load is; NULL: none. What a peer sent that is not valid is none. */
GCACHE_EXTERN const char *gcache_load_traceparent(const gcache_load_t *load);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_TRACE_H */
