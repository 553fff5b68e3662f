/* see/prometheus - the text exposition format 0.0.4.
 *
 * All samples of a name have to stand together, so the names are the outer loop and the structs are
 * read again for each name: copies, a few hundred bytes each. Peers that were never sent a request
 * have no histogram, which is most of a peer's text. */
#include <string.h>

#include "see/metrics.h"
#include "see/names.h"

/* One object whose rows are written. */
struct thing {
  const void *stats;
  const char *label; /* group or url; NULL: the cache as a whole */
  const char *name;
  const char *type; /* main, hot or NULL */
};

static void put_type(struct gci_text *t, const struct gci_name *row) {
  const char *type = row->kind == GCI_COUNTER     ? " counter\n"
                     : row->kind == GCI_HISTOGRAM ? " histogram\n"
                                                  : " gauge\n";
  gci_text_add(t, "# HELP ");
  gci_text_add(t, row->metric);
  gci_text_add(t, " ");
  gci_text_add(t, row->help);
  gci_text_add(t, "\n# TYPE ");
  gci_text_add(t, row->metric);
  gci_text_add(t, type);
}

static void put_pair(struct gci_text *t, const char **comma, const char *name, const char *value) {
  gci_text_add(t, *comma);
  gci_text_add(t, name);
  gci_text_add(t, "=");
  gci_text_add_label(t, value);
  *comma = ",";
}

/* name{labels} and a space. le: of a bucket, or NULL. */
static void put_head(struct gci_text *t, const struct gci_name *row, const struct thing *thing,
                     const char *suffix, const char *le) {
  const char *comma = "{";
  gci_text_add(t, row->metric);
  gci_text_add(t, suffix);
  if (thing->label != NULL) put_pair(t, &comma, thing->label, thing->name);
  if (thing->type != NULL) put_pair(t, &comma, "type", thing->type);
  if (row->label != NULL) {
    gci_text_add(t, comma);
    gci_text_add(t, row->label);
    comma = ",";
  }
  if (le != NULL) put_pair(t, &comma, "le", le);
  gci_text_add(t, *comma == ',' ? "} " : " ");
}

static void put_count(struct gci_text *t, const struct gci_name *row, const struct thing *thing,
                      const char *suffix, uint64_t n) {
  put_head(t, row, thing, suffix, NULL);
  gci_text_add_count(t, n);
  gci_text_add(t, "\n");
}

static void put_seconds(struct gci_text *t, const struct gci_name *row, const struct thing *thing,
                        const char *suffix, uint64_t ns) {
  put_head(t, row, thing, suffix, NULL);
  gci_text_add_seconds(t, ns);
  gci_text_add(t, "\n");
}

/* gcache_histogram_bound() as text, so that no locale matters. */
static const char *const bounds[GCACHE_HISTOGRAM_BUCKETS] = {
    "1e-06",  "2.5e-06", "5e-06",  "1e-05", "2.5e-05", "5e-05", "0.0001", "0.00025",
    "0.0005", "0.001",   "0.0025", "0.005", "0.01",    "0.025", "0.05",   "0.1",
    "0.25",   "0.5",     "1.0",    "2.5",   "5.0",     "10.0",  "+Inf"};

static void put_histogram(struct gci_text *t, const struct gci_name *row, const struct thing *thing,
                          const gcache_histogram_t *h) {
  uint64_t sum = 0;
  for (size_t i = 0; i < GCACHE_HISTOGRAM_BUCKETS; i++) {
    sum += h->buckets[i];
    put_head(t, row, thing, "_bucket", bounds[i]);
    gci_text_add_count(t, sum);
    gci_text_add(t, "\n");
  }
  put_seconds(t, row, thing, "_sum", h->sum_ns);
  put_count(t, row, thing, "_count", h->count);
}

static void put_row(struct gci_text *t, const struct gci_name *row, const struct thing *thing) {
  const void *at = (const char *)thing->stats + row->offset;
  uint64_t n;
  if (row->kind == GCI_HISTOGRAM) {
    put_histogram(t, row, thing, at);
    return;
  }
  memcpy(&n, at, sizeof n);
  if (row->kind == GCI_GAUGE_MS)
    put_seconds(t, row, thing, "", n * 1000000);
  else
    put_count(t, row, thing, "", n);
}

/* Calls put for every row that is a metric, after the lines that introduce its name. */
static void put_names(struct gci_text *t, const gcache_t *cache, const struct gci_names *names,
                      void (*put)(struct gci_text *t, const gcache_t *cache,
                                  const struct gci_name *row)) {
  const char *before = "";
  for (size_t i = 0; i < names->n; i++) {
    const struct gci_name *row = &names->rows[i];
    if (row->metric == NULL) continue;
    if (strcmp(row->metric, before) != 0) put_type(t, row);
    before = row->metric;
    put(t, cache, row);
  }
}

static void put_whole(struct gci_text *t, const gcache_t *cache, const struct gci_name *row) {
  gcache_stats_t stats;
  gcache_stats(cache, &stats);
  put_row(t, row, &(struct thing){.stats = &stats});
}

static void put_groups(struct gci_text *t, const gcache_t *cache, const struct gci_name *row) {
  gcache_group_stats_t stats;
  const gcache_group_t *group = NULL;
  while ((group = gcache_group_next(cache, group)) != NULL) {
    gcache_group_stats(group, &stats);
    put_row(t, row, &(struct thing){&stats, "group", gcache_group_name(group), NULL});
  }
}

static void put_sides(struct gci_text *t, const gcache_t *cache, const struct gci_name *row) {
  gcache_group_stats_t stats;
  const gcache_group_t *group = NULL;
  while ((group = gcache_group_next(cache, group)) != NULL) {
    gcache_group_stats(group, &stats);
    struct gci_side_stats main = {stats.main, stats.main_causes},
                          hot = {stats.hot, stats.hot_causes};
    put_row(t, row, &(struct thing){&main, "group", gcache_group_name(group), "main"});
    put_row(t, row, &(struct thing){&hot, "group", gcache_group_name(group), "hot"});
  }
}

static void put_peers(struct gci_text *t, const gcache_t *cache, const struct gci_name *row) {
  gcache_peer_stats_t stats;
  for (size_t i = 0; gcache_peer_stats(cache, i, &stats) == 0; i++) {
    int is_never = row->kind == GCI_HISTOGRAM && stats.exchange.count == 0;
    if (!stats.is_self && !is_never)
      put_row(t, row, &(struct thing){&stats, "url", stats.url, NULL});
  }
}

static void put_state(struct gci_text *t, const gcache_t *cache, const struct gci_name *row) {
  gcache_peer_stats_t stats;
  for (size_t i = 0; gcache_peer_stats(cache, i, &stats) == 0; i++) {
    struct thing thing = {&stats, "url", stats.url, NULL};
    if (!stats.is_self)
      put_count(t, row, &thing, "", strcmp(gci_metrics_state(stats.state), row->member) == 0);
  }
}

static void put_version(struct gci_text *t, const gcache_t *cache, const struct gci_name *row) {
  struct thing thing = {NULL, "version", gcache_version_string(), NULL};
  (void)cache;
  put_count(t, row, &thing, "", 1);
}

void gci_prometheus_write(struct gci_text *t, const gcache_t *cache) {
  static const struct gci_name version_rows[] = {
      {"version", "gcache_build_info", NULL, "The version of gcache.", 0, GCI_GAUGE}};
  static const struct gci_name state_rows[] = {
      {"up", "gcache_peer_up", NULL, "1: the peer is up, and is asked for keys.", 0, GCI_GAUGE},
      {"leaving", "gcache_peer_leaving", NULL, "1: the peer is up, and is leaving.", 0, GCI_GAUGE}};
  static const struct gci_names version = {version_rows, 1}, state = {state_rows, 2};
  put_names(t, cache, &version, put_version);
  put_names(t, cache, &gci_names_cache, put_whole);
  put_names(t, cache, &gci_names_group, put_groups);
  put_names(t, cache, &gci_names_side, put_sides);
  put_names(t, cache, &gci_names_get, put_groups);
  put_names(t, cache, &gci_names_run, put_groups);
  put_names(t, cache, &state, put_state);
  put_names(t, cache, &gci_names_peer, put_peers);
  put_names(t, cache, &gci_names_exchange, put_peers);
}
