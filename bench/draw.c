/* draw - see draw.h. Zipf after J. Gray et al., "Quickly generating billion-record synthetic
 * databases", 1994: two closed forms approximate the inverse of the distribution; the two first
 * ranks are exact. */
#include "draw.h"

#include <math.h>

#include "bench.h"

static const double theta = 0.99;

const char *draw_name(enum draw_dist dist) {
  return dist == DRAW_ZIPF ? "zipf0.99" : "uniform";
}

struct zipf {
  uint64_t n;
  double zeta, alpha, eta;
};

static double zeta(uint64_t n) {
  double sum = 0;
  for (uint64_t k = 1; k <= n; k++)
    sum += pow((double)k, -theta);
  return sum;
}

static void zipf_init(struct zipf *z, uint64_t n) {
  z->n = n;
  z->zeta = zeta(n);
  z->alpha = 1 / (1 - theta);
  z->eta = (1 - pow(2.0 / (double)n, 1 - theta)) / (1 - zeta(2) / z->zeta);
}

static uint64_t zipf_rank(const struct zipf *z, double u) {
  double uz = u * z->zeta;
  if (uz < 1) return 0;
  if (uz < 1 + pow(0.5, theta)) return 1;
  uint64_t rank = (uint64_t)((double)z->n * pow(z->eta * u - z->eta + 1, z->alpha));
  return rank < z->n ? rank : z->n - 1;
}

void draw(enum draw_dist dist, uint64_t n, uint32_t *out, size_t n_out) {
  const uint64_t prime = 1000003;
  uint64_t random = 88172645463325252u;
  struct zipf z;
  if (dist == DRAW_ZIPF) zipf_init(&z, n);
  for (size_t i = 0; i < n_out; i++) {
    uint64_t r = bench_random(&random);
    if (dist == DRAW_ZIPF) r = zipf_rank(&z, (double)(r >> 11) * 0x1p-53) * prime;
    out[i] = (uint32_t)(r % n);
  }
}
