/* Unit test of base/hash: values that xxHash publishes, and its streaming functions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"
#include "random.h"

static const uint64_t prime_32 = 2654435761u, prime_64 = UINT64_C(11400714785074694797);

/* The buffer that the published values are of. */
static void publishers_bytes(unsigned char *out, size_t len) {
  uint64_t x = prime_32;
  for (size_t i = 0; i < len; i++, x *= prime_64) {
    out[i] = (unsigned char)(x >> 56);
  }
}

static void shared_gives_the_published_values(void **state) {
  static const struct {
    size_t len;
    uint64_t plain, seeded;
  } vectors[] = {
      {0, UINT64_C(0x2D06800538D394C2), UINT64_C(0xA8A6B918B2F0364A)},
      {1, UINT64_C(0xC44BDFF4074EECDB), UINT64_C(0x032BE332DD766EF8)},
      {6, UINT64_C(0x27B56A84CD2D7325), UINT64_C(0x84589C116AB59AB9)},
      {12, UINT64_C(0xA713DAF0DFBB77E7), UINT64_C(0xE7303E1B2336DE0E)},
      {24, UINT64_C(0xA3FE70BF9D3510EB), UINT64_C(0x850E80FC35BDD690)},
      {48, UINT64_C(0x397DA259ECBA1F11), UINT64_C(0xADC2CBAA44ACC616)},
      {80, UINT64_C(0xBCDEFBBB2C47C90A), UINT64_C(0xC6DD0CB699532E73)},
      {195, UINT64_C(0xCD94217EE362EC3A), UINT64_C(0xBA68003D370CB3D9)},
      {403, UINT64_C(0xCDEB804D65C6DEA4), UINT64_C(0x6259F6ECFD6443FD)},
      {512, UINT64_C(0x617E49599013CB6B), UINT64_C(0x3CE457DE14C27708)},
      {2048, UINT64_C(0xDD59E2C3A5F038E0), UINT64_C(0x66F81670669ABABC)},
  };
  unsigned char bytes[2048];
  (void)state;
  publishers_bytes(bytes, sizeof bytes);
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    gcache_bytes_t input = {bytes, vectors[i].len};
    assert_true(gci_hash_shared(input, 0) == vectors[i].plain);
    assert_true(gci_hash_shared(input, prime_64) == vectors[i].seeded);
  }
  assert_true(gci_hash_shared(gcache_bytes(NULL, 0), 0) == vectors[0].plain);
}

static void keyed_is_xxh3_with_the_secret(void **state) {
  unsigned char bytes[1500], seed[16];
  struct random r = {7};
  struct gci_hash_key key;
  XXH3_state_t *stream = XXH3_createState();
  (void)state;
  random_bytes(&r, bytes, sizeof bytes);
  random_bytes(&r, seed, sizeof seed);
  gci_hash_key_init(&key, seed);
  for (size_t len = 0; len <= sizeof bytes; len += 1 + len / 16) {
    XXH3_64bits_reset_withSecret(stream, key.secret, sizeof key.secret);
    XXH3_64bits_update(stream, bytes, len / 3);
    XXH3_64bits_update(stream, bytes + len / 3, len - len / 3);
    assert_true(gci_hash_keyed(&key, gcache_bytes(bytes, len)) == XXH3_64bits_digest(stream));
  }
  XXH3_freeState(stream);
}

static void short_keys_hash_the_same_without_a_call(void **state) {
  unsigned char bytes[64], seed[16];
  struct random r = {8};
  struct gci_hash_key key;
  (void)state;
  for (int round = 0; round < 1000; round++) {
    random_bytes(&r, bytes, sizeof bytes);
    random_bytes(&r, seed, sizeof seed);
    gci_hash_key_init(&key, seed);
    for (size_t len = 0; len <= sizeof bytes; len++) {
      gcache_bytes_t input = {bytes, len};
      assert_int_equal(gci_hash_is_short(input), len >= 9 && len <= 16);
      if (!gci_hash_is_short(input)) continue;
      uint64_t expected = XXH3_64bits_withSecret(bytes, len, key.secret, sizeof key.secret);
      assert_true(gci_hash_short(&key, input) == expected);
    }
  }
}

static void equal_seeds_give_equal_keys(void **state) {
  const unsigned char seed[16] = "0123456789abcdef";
  struct gci_hash_key a, b;
  (void)state;
  memset(&a, 1, sizeof a);
  memset(&b, 2, sizeof b);
  gci_hash_key_init(&a, seed);
  gci_hash_key_init(&b, seed);
  assert_memory_equal(&a, &b, sizeof a);
}

static int bits_that_differ(const unsigned char *a, const unsigned char *b, size_t len) {
  int bits = 0;
  for (size_t i = 0; i < len; i++) {
    bits += __builtin_popcount((unsigned)(a[i] ^ b[i]));
  }
  return bits;
}

/* 1536 bits of a secret: half of them with a deviation of 20. */
static void every_bit_of_the_seed_changes_half_of_every_key(void **state) {
  unsigned char seed[16] = {0};
  struct gci_hash_key plain, flipped;
  (void)state;
  gci_hash_key_init(&plain, seed);
  for (int bit = 0; bit < 128; bit++) {
    seed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    gci_hash_key_init(&flipped, seed);
    seed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    int bits = bits_that_differ(plain.secret, flipped.secret, sizeof plain.secret);
    assert_true(bits > 768 - 120 && bits < 768 + 120);
  }
}

static void no_part_of_a_key_repeats(void **state) {
  const unsigned char seed[16] = {0};
  struct gci_hash_key key;
  (void)state;
  gci_hash_key_init(&key, seed);
  for (size_t a = 0; a + 8 <= sizeof key.secret; a++) {
    for (size_t b = a + 1; b + 8 <= sizeof key.secret; b++) {
      assert_memory_not_equal(key.secret + a, key.secret + b, 8);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shared_gives_the_published_values),
      cmocka_unit_test(keyed_is_xxh3_with_the_secret),
      cmocka_unit_test(short_keys_hash_the_same_without_a_call),
      cmocka_unit_test(equal_seeds_give_equal_keys),
      cmocka_unit_test(every_bit_of_the_seed_changes_half_of_every_key),
      cmocka_unit_test(no_part_of_a_key_repeats),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
