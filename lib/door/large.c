#include "door/large.h"

#include "base/hash.h"

enum { WORD = 64, WORDS = sizeof(struct gci_large) / sizeof(uint64_t) };

static uint64_t bit_of(uint64_t hash) {
  return UINT64_C(1) << hash % WORD;
}

int gci_large_has(const struct gci_large *large, gcache_bytes_t key) {
  uint64_t hash = gci_hash_shared(key, 0);

  return (large->bits[hash / WORD % WORDS] & bit_of(hash)) != 0;
}

void gci_large_note(struct gci_large *large, gcache_bytes_t key, int is_large) {
  uint64_t hash = gci_hash_shared(key, 0);

  if (is_large)
    large->bits[hash / WORD % WORDS] |= bit_of(hash);
  else
    large->bits[hash / WORD % WORDS] &= ~bit_of(hash);
}
