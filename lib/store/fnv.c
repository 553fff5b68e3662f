/* store/fnv - see fnv.h. */
#include "store/fnv.h"

uint64_t gci_fnv1(gcache_bytes_t bytes) {
  const unsigned char *p = bytes.base;
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < bytes.len; i++)
    hash = (hash * UINT64_C(0x100000001b3)) ^ p[i];
  return hash;
}
