#include "figures.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

struct figure figure_of(double *rounds, size_t n) {
  struct figure f;
  qsort(rounds, n, sizeof *rounds, by_size);
  f.min = rounds[0];
  f.max = rounds[n - 1];
  f.median = n % 2 ? rounds[n / 2] : (rounds[n / 2 - 1] + rounds[n / 2]) / 2;
  return f;
}

/* Values below 128 have a bucket each; above, 64 buckets for each doubling. */
static size_t bucket_of(uint64_t ns) {
  unsigned shift = 0;
  size_t i;
  while ((ns >> shift) >= 128)
    shift++;
  i = (size_t)shift * 64 + (size_t)(ns >> shift);
  return i < LATENCY_BUCKETS ? i : LATENCY_BUCKETS - 1;
}

static double middle_of(size_t bucket) {
  size_t shift = bucket < 128 ? 0 : bucket / 64 - 1;
  double low = (double)((uint64_t)(bucket - shift * 64) << shift);
  return low + (double)((uint64_t)1 << shift) / 2;
}

void latencies_add(struct latencies *l, uint64_t ns) {
  l->count++;
  l->buckets[bucket_of(ns)]++;
}

void latencies_merge(struct latencies *l, const struct latencies *other) {
  l->count += other->count;
  for (size_t i = 0; i < LATENCY_BUCKETS; i++)
    l->buckets[i] += other->buckets[i];
}

double latencies_at_us(const struct latencies *l, double share) {
  uint64_t want = (uint64_t)((double)l->count * share), seen = 0;
  for (size_t i = 0; i < LATENCY_BUCKETS; i++)
    if ((seen += l->buckets[i]) > want) return middle_of(i) / 1e3;
  return 0;
}
