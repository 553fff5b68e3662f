/* see/json - the same counters as JSON, under the names of <gcache/stats.h>. Times of histograms
 * are seconds: {"count":2,"sum_seconds":0.04,"buckets":[...]}; the bounds are written once, at the
 * top. */
#include <string.h>

#include "see/metrics.h"
#include "see/names.h"

/* "name": with a comma before it unless it is the first of its object. */
static void put_name(struct gci_text *t, const char *name) {
  char last = t->len == 0 ? '{' : t->base[t->len - 1];
  if (last != '{' && last != '[') gci_text_add(t, ",");
  if (name == NULL) return;
  gci_text_add(t, "\"");
  gci_text_add(t, name);
  gci_text_add(t, "\":");
}

static void open_object(struct gci_text *t, const char *name) {
  put_name(t, name);
  gci_text_add(t, "{");
}

static void open_array(struct gci_text *t, const char *name) {
  put_name(t, name);
  gci_text_add(t, "[");
}

static void put_string(struct gci_text *t, const char *name, const char *value) {
  put_name(t, name);
  if (value == NULL)
    gci_text_add(t, "null");
  else
    gci_text_add_string(t, value);
}

static void put_histogram(struct gci_text *t, const char *name, const gcache_histogram_t *h) {
  open_object(t, name);
  put_name(t, "count");
  gci_text_add_count(t, h->count);
  put_name(t, "sum_seconds");
  gci_text_add_seconds(t, h->sum_ns);
  open_array(t, "buckets");
  for (size_t i = 0; i < GCACHE_HISTOGRAM_BUCKETS; i++) {
    put_name(t, NULL);
    gci_text_add_count(t, h->buckets[i]);
  }
  gci_text_add(t, "]}");
}

static void put_row(struct gci_text *t, const struct gci_name *row, const void *stats) {
  const void *at = (const char *)stats + row->offset;
  uint64_t n;
  int status;
  if (row->kind == GCI_HISTOGRAM) {
    put_histogram(t, row->member, at);
    return;
  }
  put_name(t, row->member);
  if (row->kind == GCI_STATUS) {
    memcpy(&status, at, sizeof status);
    gci_text_add_int(t, status);
  } else {
    memcpy(&n, at, sizeof n);
    gci_text_add_count(t, n);
  }
}

static void put_rows(struct gci_text *t, const struct gci_names *names, const void *stats) {
  for (size_t i = 0; i < names->n; i++)
    put_row(t, &names->rows[i], stats);
}

static void put_side(struct gci_text *t, const char *name, const gcache_cache_stats_t *stats,
                     const gcache_causes_t *causes) {
  struct gci_side_stats side = {*stats, *causes};
  open_object(t, name);
  put_rows(t, &gci_names_side, &side);
  gci_text_add(t, "}");
}

static void put_group(struct gci_text *t, const gcache_group_t *group) {
  gcache_group_stats_t stats;
  gcache_group_stats(group, &stats);
  open_object(t, NULL);
  put_string(t, "name", gcache_group_name(group));
  put_rows(t, &gci_names_group, &stats);
  put_side(t, "main", &stats.main, &stats.main_causes);
  put_side(t, "hot", &stats.hot, &stats.hot_causes);
  open_object(t, "get");
  put_rows(t, &gci_names_get, &stats);
  gci_text_add(t, "}");
  put_rows(t, &gci_names_run, &stats);
  gci_text_add(t, "}");
}

static void put_peer(struct gci_text *t, const gcache_peer_stats_t *stats) {
  open_object(t, NULL);
  put_string(t, "url", stats->url);
  put_name(t, "is_self");
  gci_text_add_count(t, stats->is_self);
  put_string(t, "state", gci_metrics_state(stats->state));
  put_rows(t, &gci_names_peer, stats);
  if (stats->exchange.count > 0) put_rows(t, &gci_names_exchange, stats);
  gci_text_add(t, "}");
}

/* The bounds of all buckets but the last, which has none. They are whole microseconds. */
static void put_bounds(struct gci_text *t) {
  open_array(t, "bounds_seconds");
  for (size_t i = 0; i < GCACHE_HISTOGRAM_BUCKETS - 1; i++) {
    put_name(t, NULL);
    gci_text_add_seconds(t, (uint64_t)(gcache_histogram_bound(i) * 1e9 + 0.5));
  }
  gci_text_add(t, "]");
}

void gci_json_write(struct gci_text *t, const gcache_t *cache, const char *self) {
  gcache_stats_t stats;
  gcache_peer_stats_t peer;
  const gcache_group_t *group = NULL;
  gcache_stats(cache, &stats);
  open_object(t, NULL);
  put_string(t, "self", self);
  put_string(t, "version", gcache_version_string());
  put_bounds(t);
  open_object(t, "cache");
  put_rows(t, &gci_names_cache, &stats);
  gci_text_add(t, "}");
  open_array(t, "groups");
  while ((group = gcache_group_next(cache, group)) != NULL)
    put_group(t, group);
  gci_text_add(t, "]");
  open_array(t, "peers");
  for (size_t i = 0; gcache_peer_stats(cache, i, &peer) == 0; i++)
    put_peer(t, &peer);
  gci_text_add(t, "]}");
}
