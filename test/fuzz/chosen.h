/* chosen - replaces random.h: numbers that a test would draw at random are read from the input;
 * after its end they are always 0. */
#ifndef TEST_FUZZ_CHOSEN_H
#define TEST_FUZZ_CHOSEN_H

#include <stddef.h>
#include <stdint.h>

struct random {
  const uint8_t *at, *end;
};

static inline uint64_t random_u64(struct random *r) {
  return r->at < r->end ? *r->at++ : 0;
}

/* 0 to n - 1; takes as many bytes as n needs. */
static inline size_t random_below(struct random *r, size_t n) {
  uint64_t x = 0;
  for (size_t room = n - 1; room > 0; room >>= 8)
    x = x << 8 | random_u64(r);
  return (size_t)(x % n);
}

#endif
