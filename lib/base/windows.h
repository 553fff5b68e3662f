/* base/windows - how a value may be used around its expiry: gcache_windows_t in the size in which
 * it is stored. Milliseconds; 0: off. */
#ifndef GCI_BASE_WINDOWS_H
#define GCI_BASE_WINDOWS_H

#include <stdint.h>

#include "gcache/gcache.h"

struct gci_windows {
  uint32_t stale_ms, error_ms, refresh_ahead_ms, hot_max_ms;
};

static inline uint32_t gci_window_of(uint64_t ms) {
  return ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

static inline struct gci_windows gci_windows_of(const gcache_windows_t *windows) {
  struct gci_windows out = {gci_window_of(windows->stale_ms), gci_window_of(windows->error_ms),
                            gci_window_of(windows->refresh_ahead_ms),
                            gci_window_of(windows->hot_max_ms)};
  return out;
}

/* unix_ns + ms; saturates. */
static inline int64_t gci_window_end(int64_t unix_ns, uint32_t ms) {
  int64_t ns = ms * INT64_C(1000000);
  return unix_ns > INT64_MAX - ns ? INT64_MAX : unix_ns + ns;
}

/* From then on a value that expires at `expire_unix_ns` (not NEVER) is of no more use. */
static inline int64_t gci_windows_end(const struct gci_windows *windows, int64_t expire_unix_ns) {
  uint32_t ms = windows->stale_ms > windows->error_ms ? windows->stale_ms : windows->error_ms;
  return gci_window_end(expire_unix_ns, ms);
}

#endif
