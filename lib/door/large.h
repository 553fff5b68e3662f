/* door/large - which keys of a peer had values too large for a fast lane when last asked for, so
 * that they need not be asked for twice each time. One bit serves all keys of a hash: a key that is
 * taken for another goes over the lane for large values until its answer has shown that it is
 * small. Cannot fail. */
#ifndef GCI_DOOR_LARGE_H
#define GCI_DOOR_LARGE_H

#include <stdint.h>

#include "gcache/gcache.h"

/* A larger value would delay what is behind it on a fast lane. */
#define GCI_FAST_VALUE_MAX ((size_t)64 * 1024)

struct gci_large {
  uint64_t bits[16];
};

int gci_large_has(const struct gci_large *large, gcache_bytes_t key);
void gci_large_note(struct gci_large *large, gcache_bytes_t key, int is_large);

#endif
