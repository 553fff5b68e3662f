/* figures - the summary of several measurements of one thing: median, minimum, maximum; and
 * latencies in log-linear buckets, each at most 1/64 wide, so that the error of a percentile is at
 * most 1.6 %. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stddef.h>
#include <stdint.h>

struct figure {
  double median, min, max;
};

struct figure figure_of(double *rounds, size_t n); /* sorts rounds */

#define LATENCY_BUCKETS (64 * 40)

struct latencies {
  uint64_t count;
  uint64_t buckets[LATENCY_BUCKETS];
};

void latencies_add(struct latencies *l, uint64_t ns);
void latencies_merge(struct latencies *l, const struct latencies *other);
double latencies_at_us(const struct latencies *l, double share); /* 0.5: the median */

#endif
