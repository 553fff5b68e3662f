/* gcache-bench connections in a build without OpenSSL. */
#include "bench.h"

#include <stdio.h>

int bench_connections(const struct bench_options *o) {
  (void)o;
  fputs("gcache-bench: connections: built without TLS\n", stderr);
  return 1;
}
