/* core/latency - see latency.h. */
#include "core/latency.h"

enum { UNIT_BITS = 4, SUB_BITS = 2, SUBS = 1 << SUB_BITS };

/* The first SUBS buckets are one unit wide each. */
static unsigned bucket_of(uint64_t us) {
  uint64_t units = us >> UNIT_BITS;
  if (units < SUBS) return (unsigned)units;
  unsigned top = 63 - (unsigned)__builtin_clzll(units);
  unsigned bucket = (top - 1) * SUBS + ((units >> (top - SUB_BITS)) & (SUBS - 1));
  return bucket < GCI_LATENCY_BUCKETS ? bucket : GCI_LATENCY_BUCKETS - 1;
}

/* The first time beyond the bucket. */
static uint64_t end_us(unsigned bucket) {
  if (bucket < SUBS) return (uint64_t)(bucket + 1) << UNIT_BITS;
  unsigned top = bucket / SUBS + 1;
  return (uint64_t)(SUBS + bucket % SUBS + 1) << (top - SUB_BITS + UNIT_BITS);
}

/* The remainder of one bucket counts in the next, so that buckets of one sample do not all
 * vanish. */
static void halve(struct gci_latency *latency) {
  unsigned carry = 0;
  latency->n = 0;
  for (unsigned i = 0; i < GCI_LATENCY_BUCKETS; i++) {
    carry += latency->counts[i];
    latency->counts[i] = (uint16_t)(carry / 2);
    latency->n += carry / 2;
    carry %= 2;
  }
}

void gci_latency_add(struct gci_latency *latency, uint64_t us) {
  latency->counts[bucket_of(us)]++;
  if (++latency->n >= GCI_LATENCY_MOST) halve(latency);
}

uint64_t gci_latency_percentile(const struct gci_latency *latency, unsigned percent) {
  uint64_t rank = ((uint64_t)latency->n * percent + 99) / 100, seen = 0;
  if (latency->n == 0) return 0;
  for (unsigned i = 0; i < GCI_LATENCY_BUCKETS; i++) {
    seen += latency->counts[i];
    if (seen >= rank) return end_us(i);
  }
  return end_us(GCI_LATENCY_BUCKETS - 1);
}
