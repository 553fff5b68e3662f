/* local - one setting of gcache-bench local, and the parts that are not in local.c. */
#ifndef BENCH_LOCAL_H
#define BENCH_LOCAL_H

#include <stddef.h>
#include <stdint.h>

#include "draw.h"

struct setting {
  uint64_t n_keys;
  size_t value_bytes;
  enum draw_dist dist;
};

/* Nanoseconds per hit in golang/groupcache, one figure per round, for the same keys in the same
 * order, in a process of its own. 0: it could not be built or run; reported once on stderr. */
int golang_rounds(const struct setting *setting, const uint32_t *asked, size_t n_asked, double *ns,
                  unsigned rounds);

/* Instructions per round, counted by callgrind in separate runs of this program; 0: no valgrind,
 * reported once on stderr. */
double instructions_of(const char *system, const char *op);

#endif
