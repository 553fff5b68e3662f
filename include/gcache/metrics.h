/* gcache/metrics.h - all counters of a cache as text, for Prometheus or as JSON. No server is
 * needed; serve the text with your own, or with gcache_exchange_reply_value(). gcache.h's rules
 * hold.
 *
 * docs/rooms/see.md lists the names and what each is good for. No metric names a key. */
#ifndef GCACHE_METRICS_H
#define GCACHE_METRICS_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  GCACHE_METRICS_PROMETHEUS, /* text exposition format 0.0.4; groups and peers are labels */
  /* {"self", "version", "cache", "groups", "peers"}, with the names of <gcache/stats.h> */
  GCACHE_METRICS_JSON
} gcache_metrics_format_t;

/* *out: the text of this moment, UTF-8, as a value that never expires; one reference, yours. It is
 * made in one go, with a copy of each struct for each name: with thousands of peers it blocks the
 * loop for milliseconds. It may be called at any time until gcache_close(), also in callbacks.
 * UV_EINVAL: no such format. UV_ENOMEM: *out is untouched.
 *
 * In names that are not UTF-8, U+FFFD replaces each invalid byte; two groups whose names become
 * equal by this are one for Prometheus. */
GCACHE_EXTERN int gcache_metrics(const gcache_t *cache, gcache_metrics_format_t format,
                                 gcache_value_t **out);
/* The Content-Type to serve the text with, static; NULL: no such format. Prometheus 3 refuses a
 * text without it. */
GCACHE_EXTERN const char *gcache_metrics_type(gcache_metrics_format_t format);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_METRICS_H */
