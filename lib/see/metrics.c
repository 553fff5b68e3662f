/* see/metrics - see metrics.h. */
#include "see/metrics.h"

#include <uv.h>

int gci_metrics(const gcache_t *cache, const char *self, struct gci_mem *mem,
                gcache_metrics_format_t format, gcache_value_t **out) {
  struct gci_text text;
  if (gcache_metrics_type(format) == NULL) return UV_EINVAL;
  gci_text_init(&text, mem);
  if (format == GCACHE_METRICS_JSON)
    gci_json_write(&text, cache, self);
  else
    gci_prometheus_write(&text, cache);
  gcache_value_t *value = gci_text_take(&text);
  gci_text_fini(&text);
  if (value == NULL) return UV_ENOMEM;
  *out = value;
  return 0;
}

const char *gcache_metrics_type(gcache_metrics_format_t format) {
  switch (format) {
  case GCACHE_METRICS_PROMETHEUS:
    return "text/plain; version=0.0.4; charset=utf-8";
  case GCACHE_METRICS_JSON:
    return "application/json";
  }
  return NULL;
}

const char *gci_metrics_state(int state) {
  switch ((gcache_peer_state_t)state) {
  case GCACHE_PEER_UP:
    return "up";
  case GCACHE_PEER_DOWN:
    return "down";
  case GCACHE_PEER_PROBING:
    return "probing";
  case GCACHE_PEER_LEAVING:
    break;
  }
  return "leaving";
}
