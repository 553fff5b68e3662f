/* GET /stats and GET /metrics: every counter gcache keeps, as JSON and for Prometheus. */
#include <gcache/metrics.h>

#include "node.h"
#include "node_http.h"

static void answer(struct node *node, gcache_exchange_t *x, gcache_metrics_format_t format) {
  gcache_header_t type = header_line("Content-Type", gcache_metrics_type(format));
  gcache_value_t *text;
  int rc = gcache_metrics(node->cache, format, &text);

  if (rc < 0) {
    reply_error(x, rc, NULL);
    return;
  }
  gcache_exchange_reply_value(x, 200, &type, 1, text);
  gcache_value_unref(text);
}

void stats_answer(struct node *node, gcache_exchange_t *x) {
  answer(node, x, GCACHE_METRICS_JSON);
}

void metrics_answer(struct node *node, gcache_exchange_t *x) {
  answer(node, x, GCACHE_METRICS_PROMETHEUS);
}
