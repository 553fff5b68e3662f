/* core/latency - how long a peer takes to answer: an estimate of any percentile, in little memory.
 *
 * Times are counted in buckets, four to each doubling, from 16 us to 67 s: an estimate is the upper
 * end of a bucket, up to a quarter too high. After GCI_LATENCY_MOST samples all counts are halved,
 * so that the latest thousand count most. Owns nothing. Cannot fail: embedded, and zero is a valid
 * beginning. */
#ifndef GCI_CORE_LATENCY_H
#define GCI_CORE_LATENCY_H

#include <stdint.h>

enum {
  GCI_LATENCY_BUCKETS = 84,
  GCI_LATENCY_LEAST = 100, /* samples before a percentile means anything */
  GCI_LATENCY_MOST = 2000  /* samples that are counted; then half of them */
};

struct gci_latency {
  uint32_t n;
  uint16_t counts[GCI_LATENCY_BUCKETS];
};

void gci_latency_add(struct gci_latency *latency, uint64_t us);
/* Microseconds within which `percent` (1 to 100) of the samples lie. 0: there are no samples.
 * Callers that act on it check n against GCI_LATENCY_LEAST first. */
uint64_t gci_latency_percentile(const struct gci_latency *latency, unsigned percent);

#endif
