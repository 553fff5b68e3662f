/* store/freshness - how an entry may be used at a given time: its expiry, and the windows around it
 * (base/windows), which are the cache's unless the value has its own. Owns nothing, cannot fail. */
#ifndef GCI_STORE_FRESHNESS_H
#define GCI_STORE_FRESHNESS_H

#include <stdint.h>

#include "base/windows.h"
#include "store/entry.h"

enum gci_freshness {
  GCI_FRESH,
  GCI_DUE,    /* fresh, and to be refreshed ahead */
  GCI_STALE,  /* expired, within stale_ms */
  GCI_SPARE,  /* expired, within error_ms only */
  GCI_ABSENT, /* "not found" */
  GCI_GONE    /* of no more use */
};

/* The windows that apply to value in a cache with these windows. */
const struct gci_windows *gci_freshness_windows(const gcache_value_t *value,
                                                const struct gci_windows *of_cache);

/* For a timed entry. */
enum gci_freshness gci_freshness_of(struct gci_entry *entry, const struct gci_windows *of_cache,
                                    int64_t now_unix_ns);
/* When a timed entry becomes GONE. */
int64_t gci_freshness_end(struct gci_entry *entry, const struct gci_windows *of_cache);

/* Nonzero: a value that is kept now lives for less than twice refresh_ahead_ms, too briefly for a
 * refresh ahead. */
int gci_freshness_is_brief(const gcache_value_t *value, const struct gci_windows *of_cache,
                           int64_t now_unix_ns);

#endif
