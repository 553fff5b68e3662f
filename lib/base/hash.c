/* base/hash - see hash.h. Owns nothing; cannot fail. */
#include "base/hash.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* The n-th 16 bytes are the 128-bit hash of the seed with n as its seed. XXH3 defines which words
 * of a secret are used for short keys. */
void gci_hash_key_init(struct gci_hash_key *key, const unsigned char seed[16]) {
  XXH128_canonical_t part;
  for (size_t at = 0, n = 0; at < sizeof key->secret; at += sizeof part, n++) {
    XXH128_canonicalFromHash(&part, XXH3_128bits_withSeed(seed, 16, n));
    memcpy(key->secret + at, &part, sizeof part);
  }
  key->first = gci_hash_word(key->secret + 24) ^ gci_hash_word(key->secret + 32);
  key->last = gci_hash_word(key->secret + 40) ^ gci_hash_word(key->secret + 48);
}

uint64_t gci_hash_keyed(const struct gci_hash_key *key, gcache_bytes_t bytes) {
  return XXH3_64bits_withSecret(bytes.base, bytes.len, key->secret, sizeof key->secret);
}

uint64_t gci_hash_shared(gcache_bytes_t bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.base, bytes.len, seed);
}
