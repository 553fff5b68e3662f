/* core/latency - how long a peer takes to answer: an estimate of any percentile, in little memory.
 *
 * Times are counted in buckets, four to each doubling, from 16 us to 67 s: what is read is the
 * upper end of a bucket, up to a quarter more than the truth. After so many samples all counts are
 * halved, so that the latest thousand say most. Owns nothing. Cannot fail: embedded, and zero is a
 * valid beginning. */
#ifndef GCI_CORE_LATENCY_H
#define GCI_CORE_LATENCY_H

#include <stdint.h>

enum {
  GCI_LATENCY_BUCKETS = 84,
  GCI_LATENCY_LEAST = 100, /* samples, before a percentile says anything */
  GCI_LATENCY_MOST = 2000  /* are counted; then half of them */
};

struct gci_latency {
  uint32_t n;
  uint16_t counts[GCI_LATENCY_BUCKETS];
};

void gci_latency_add(struct gci_latency *latency, uint64_t us);
/* Microseconds in which so many of a hundred samples were over, 1 to 100. 0: there are none.
 * Whoever acts on it asks for n to be GCI_LATENCY_LEAST first. */
uint64_t gci_latency_percentile(const struct gci_latency *latency, unsigned percent);

#endif
