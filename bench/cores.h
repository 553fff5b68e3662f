/* cores - caches, each on a loop of its own, in threads or in processes, that form a cluster over
 * Unix sockets or TCP on loopback; and the cost of their gets. */
#ifndef BENCH_CORES_H
#define BENCH_CORES_H

#include <stddef.h>

#include <gcache/gcache.h>

enum { CORES_MAX = 16, CORES_ROUNDS_MAX = 64, CORES_KEYS = 4096 };

enum cores_shape { CORES_THREADS, CORES_PROCESSES };
enum cores_over { CORES_UNIX, CORES_TCP };
/* Which keys a core asks for: those it owns, those that others own, any. */
enum cores_op { CORES_LOCAL, CORES_PEER, CORES_ANY };

struct cores_setting {
  enum cores_shape shape;
  enum cores_over over;
  enum cores_op op;
  gcache_hot_t hot;
  unsigned cores, outstanding, rounds;
  size_t value_bytes;
  double seconds; /* of a round */
};

/* Of a round: gets of all cores together; processor time of all, kernel included, for each. */
struct cores_round {
  double per_s, cpu_us;
};

void cores_run(const struct cores_setting *setting, struct cores_round rounds[]);

#endif
