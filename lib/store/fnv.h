/* store/fnv - FNV-1 64 (multiply, then xor), for the mailgun and groupcache-go rings. Cannot
 * fail. */
#ifndef GCI_STORE_FNV_H
#define GCI_STORE_FNV_H

#include <stdint.h>

#include "gcache/gcache.h"

uint64_t gci_fnv1(gcache_bytes_t bytes);

#endif
