/* base/hash - a strong 64-bit hash (XXH3), keyed per cache against hash flooding, and an unkeyed
 * one on which every member agrees. The only room that includes xxhash.h; XXH3's code for 9 to 16
 * bytes, the length of most keys, is written out here, because a call would double its cost. */
#ifndef GCI_BASE_HASH_H
#define GCI_BASE_HASH_H

#include <stdint.h>
#include <string.h>

#include "gcache/gcache.h"

#define GCI_HASH_SECRET_SIZE 192

struct gci_hash_key {
  unsigned char secret[GCI_HASH_SECRET_SIZE];
  uint64_t first, last; /* of the secret, combined with the first and last words of a short key */
};

/* seed: unpredictable to outsiders (the caller takes it from the system); expanded to the
 * secret. */
void gci_hash_key_init(struct gci_hash_key *key, const unsigned char seed[16]);

uint64_t gci_hash_keyed(const struct gci_hash_key *key, gcache_bytes_t bytes);

/* XXH3-64 with the caller's seed: the same on every machine, for placement. */
uint64_t gci_hash_shared(gcache_bytes_t bytes, uint64_t seed);

/* ---- gci_hash_keyed() of 9 to 16 bytes ---- */

static inline int gci_hash_is_short(gcache_bytes_t bytes) {
  return bytes.len - 9 <= 16 - 9;
}

/* Little-endian. */
static inline uint64_t gci_hash_word(const void *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

static inline uint64_t gci_hash_short(const struct gci_hash_key *key, gcache_bytes_t bytes) {
  __extension__ typedef unsigned __int128 product;
  uint64_t first = gci_hash_word(bytes.base) ^ key->first;
  uint64_t last = gci_hash_word((const char *)bytes.base + bytes.len - 8) ^ key->last;
  product both = (product)first * last;
  uint64_t hash = bytes.len + __builtin_bswap64(first) + last +
                  ((uint64_t)both ^ (uint64_t)(both >> 64));
  hash = (hash ^ hash >> 37) * UINT64_C(0x165667919e3779f9);
  return hash ^ hash >> 32;
}

#endif
