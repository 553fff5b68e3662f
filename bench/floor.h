/* floor - a minimal table look-up, to compare with: open addressing, the same keyed XXH3 as the
 * cache, a comparison of the key, and nothing else. No expiry, no memory limit, no order, no
 * references; it cannot remove. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stddef.h>
#include <stdint.h>

#include "bench.h"

struct floor_item {
  char key[KEY_SIZE];
  char value[];
};

struct floor_slot {
  uint64_t hash; /* 0: free */
  struct floor_item *item;
};

struct floor {
  unsigned char secret[192];
  struct floor_slot *slots;
  size_t mask;
  size_t n_items;
};

/* n items with keys 0 to n-1 and value_bytes each. */
void floor_open(struct floor *floor, uint64_t n, size_t value_bytes);
void floor_close(struct floor *floor);
const struct floor_item *floor_find(const struct floor *floor, const char key[KEY_SIZE]);

#endif
