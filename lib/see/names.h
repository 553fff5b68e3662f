/* see/names - the name of every counter, in both formats, and its meaning. Constant tables.
 *
 * Names that begin with groupcache_ are those that exporters of the Go systems use, with the same
 * meaning; the others are ours. A row names a member of one of the structs of <gcache/stats.h>;
 * rows of one Prometheus name stand together and differ in `label`. */
#ifndef GCI_SEE_NAMES_H
#define GCI_SEE_NAMES_H

#include <stddef.h>

#include "gcache/gcache.h"

enum gci_kind {
  GCI_COUNTER,
  GCI_GAUGE,
  GCI_GAUGE_MS,  /* milliseconds; seconds in Prometheus */
  GCI_HISTOGRAM, /* gcache_histogram_t */
  GCI_STATUS     /* int: an error code; JSON only */
};

struct gci_name {
  const char *member; /* its name in the struct, and in JSON */
  const char *metric; /* NULL: not in Prometheus */
  const char *label;  /* label="value" pairs beside the object's own, or NULL */
  const char *help;
  size_t offset;
  enum gci_kind kind;
};

struct gci_names {
  const struct gci_name *rows;
  size_t n;
};

extern const struct gci_names gci_names_cache; /* of gcache_stats_t */
extern const struct gci_names gci_names_group; /* of gcache_group_stats_t: counters and gauges */
extern const struct gci_names gci_names_side;  /* of struct gci_side_stats */
extern const struct gci_names gci_names_get;   /* histograms of gcache_group_stats_t, by source */
extern const struct gci_names gci_names_run;   /* the getter's */
extern const struct gci_names gci_names_peer;  /* of gcache_peer_stats_t */
extern const struct gci_names gci_names_exchange;

/* The counters of one of the two caches of a group. */
struct gci_side_stats {
  gcache_cache_stats_t stats;
  gcache_causes_t causes;
};

#endif
