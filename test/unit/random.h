/* test/unit/random - repeatable random numbers: equal seeds, equal sequences, on every machine. */
#ifndef TEST_UNIT_RANDOM_H
#define TEST_UNIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
  uint64_t state;
};

static inline uint64_t random_u64(struct random *r) {
  r->state = r->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  uint64_t x = r->state ^ (r->state >> 29);
  x *= UINT64_C(0xff51afd7ed558ccd);
  return x ^ (x >> 32);
}

/* 0 to n - 1; n > 0. */
static inline size_t random_below(struct random *r, size_t n) {
  return (size_t)(random_u64(r) % n);
}

static inline void random_bytes(struct random *r, void *out, size_t len) {
  unsigned char *p = out;
  for (size_t i = 0; i < len; i++)
    p[i] = (unsigned char)(random_u64(r) >> 56);
}

#endif
