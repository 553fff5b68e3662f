/* base/hash - a strong 64-bit hash (XXH3), keyed per cache against hash flooding, and a plain one whose
 * value every member agrees on. The only room that includes xxhash.h. */
#ifndef GCI_BASE_HASH_H
#define GCI_BASE_HASH_H

#include <stdint.h>

#include "gcache/gcache.h"

#define GCI_HASH_SECRET_SIZE 192

struct gci_hash_key {
  unsigned char secret[GCI_HASH_SECRET_SIZE];
};

/* seed: unpredictable to outsiders (the caller takes it from the system); expanded to the secret. */
void gci_hash_key_init(struct gci_hash_key *key, const unsigned char seed[16]);

uint64_t gci_hash_keyed(const struct gci_hash_key *key, gcache_bytes_t bytes);

/* XXH3-64 with a seed of the caller's: the same on every machine, for placement. */
uint64_t gci_hash_shared(gcache_bytes_t bytes, uint64_t seed);

#endif
