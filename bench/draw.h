/* draw - the keys to get: numbers below n, drawn before the clock starts. */
#ifndef BENCH_DRAW_H
#define BENCH_DRAW_H

#include <stddef.h>
#include <stdint.h>

enum draw_dist { DRAW_UNIFORM, DRAW_ZIPF };

const char *draw_name(enum draw_dist dist); /* "uniform", "zipf0.99" */

/* The same numbers for the same arguments. Zipf with exponent 0.99: the k-th most frequent of n is
 * drawn with a probability in proportion to k^-0.99; which number that is, is spread over all. */
void draw(enum draw_dist dist, uint64_t n, uint32_t *out, size_t n_out);

#endif
