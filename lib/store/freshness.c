/* store/freshness - see freshness.h. */
#include "store/freshness.h"

#include "base/value.h"

#define NS_PER_MS UINT64_C(1000000)

const struct gci_windows *gci_freshness_windows(const gcache_value_t *value,
                                                const struct gci_windows *of_cache) {
  const struct gci_windows *own = gci_value_windows(value);
  return own != NULL ? own : of_cache;
}

/* Of a value that has not expired. */
static uint64_t left_ns(int64_t expire, int64_t now) {
  return (uint64_t)expire - (uint64_t)now;
}

/* The moment in the second half of ahead_ms when the refresh of this entry, with this expiry,
 * begins. */
static uint64_t jittered_ns(const struct gci_entry *entry, uint32_t ahead_ms, int64_t expire) {
  uint32_t mixed = (entry->hash ^ (uint32_t)((uint64_t)expire >> 16)) * UINT32_C(0x9e3779b1);
  uint64_t half_ns = ahead_ms * (NS_PER_MS / 2);
  return half_ns + (half_ns >> 16) * (mixed >> 16);
}

static int is_due(const struct gci_entry *entry, uint32_t ahead_ms, int64_t expire, int64_t now) {
  return !entry->asked && ahead_ms > 0 &&
         left_ns(expire, now) <= jittered_ns(entry, ahead_ms, expire);
}

enum gci_freshness gci_freshness_of(struct gci_entry *entry, const struct gci_windows *of_cache,
                                    int64_t now_unix_ns) {
  gcache_value_t *value = gci_entry_value(entry);
  int64_t expire = gcache_value_expire(value);
  int expired = gci_value_expired_at(expire, now_unix_ns);
  if (entry->absent) return expired ? GCI_GONE : GCI_ABSENT;
  const struct gci_windows *windows = gci_freshness_windows(value, of_cache);
  if (!expired)
    return is_due(entry, windows->refresh_ahead_ms, expire, now_unix_ns) ? GCI_DUE : GCI_FRESH;
  if (now_unix_ns < gci_window_end(expire, windows->stale_ms)) return GCI_STALE;
  return now_unix_ns < gci_window_end(expire, windows->error_ms) ? GCI_SPARE : GCI_GONE;
}

int64_t gci_freshness_end(struct gci_entry *entry, const struct gci_windows *of_cache) {
  gcache_value_t *value = gci_entry_value(entry);
  int64_t expire = gcache_value_expire(value);
  return entry->absent ? expire : gci_windows_end(gci_freshness_windows(value, of_cache), expire);
}

int gci_freshness_is_brief(const gcache_value_t *value, const struct gci_windows *of_cache,
                           int64_t now_unix_ns) {
  int64_t expire = gcache_value_expire(value);
  uint32_t ahead_ms = gci_freshness_windows(value, of_cache)->refresh_ahead_ms;
  if (expire == GCACHE_NEVER || expire <= now_unix_ns) return 1;
  return left_ns(expire, now_unix_ns) < ahead_ms * (2 * NS_PER_MS);
}
