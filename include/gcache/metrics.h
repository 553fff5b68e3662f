/* gcache/metrics.h - all counters of a cache as text for those who watch it: Prometheus, or JSON.
 * No server is needed; hand the text to yours, or to gcache_exchange_reply_value(). gcache.h's
 * rules hold.
 *
 * docs/rooms/see.md lists the names and says what each is good for. Nothing here names a key. */
#ifndef GCACHE_METRICS_H
#define GCACHE_METRICS_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  GCACHE_METRICS_PROMETHEUS, /* text exposition format 0.0.4; groups and peers are labels */
  GCACHE_METRICS_JSON /* {"self", "version", "cache", "groups", "peers"}, named as in <gcache/stats.h> */
} gcache_metrics_format_t;

/* *out: the text of this moment, UTF-8, as a value that never expires; one reference, yours. It is
 * made in one go, a copy of each struct a name: with thousands of peers it holds the loop up for
 * milliseconds. May be called anywhere, in a callback too, until gcache_close(). UV_EINVAL: no such
 * format. UV_ENOMEM: *out is untouched.
 *
 * Names that are not UTF-8 have each byte that is none replaced by U+FFFD; two groups whose names
 * are then alike are one for Prometheus. */
GCACHE_EXTERN int gcache_metrics(const gcache_t *cache, gcache_metrics_format_t format,
                                 gcache_value_t **out);
/* The Content-Type to serve it with, static; NULL: no such format. Prometheus 3 refuses a text
 * without it. */
GCACHE_EXTERN const char *gcache_metrics_type(gcache_metrics_format_t format);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_METRICS_H */
