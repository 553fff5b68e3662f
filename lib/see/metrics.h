/* see/metrics - the counters of a cache as a text. Uses only the public headers: the application
 * can read everything that is written. Owns nothing that outlives a call. Fails: UV_ENOMEM,
 * UV_EINVAL. */
#ifndef GCI_SEE_METRICS_H
#define GCI_SEE_METRICS_H

#include "gcache/metrics.h"
#include "see/text.h"

/* gcache_metrics(). self: this member's URL, or NULL. */
int gci_metrics(const gcache_t *cache, const char *self, struct gci_mem *mem,
                gcache_metrics_format_t format, gcache_value_t **out);

/* The two formats. */
void gci_prometheus_write(struct gci_text *t, const gcache_t *cache);
void gci_json_write(struct gci_text *t, const gcache_t *cache, const char *self);

/* "up", "down", ... */
const char *gci_metrics_state(int state);

#endif
