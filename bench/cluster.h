/* cluster - three members as processes, on both cores, and the orders given to them. */
#ifndef BENCH_CLUSTER_H
#define BENCH_CLUSTER_H

#include <stdint.h>

#include "figures.h"
#include "process.h"

enum { CLUSTER_NODES = 3 };

enum order_kind {
  ORDER_JOIN, /* these are the members' ports */
  ORDER_SAME, /* n gets, perhaps none, of the key with number `first`, in one turn */
  ORDER_EACH, /* n gets of keys from number `first` on that node 0 owns, in one turn */
  ORDER_ZIPF  /* gets of the n keys for some time, so many at a time */
};

struct order {
  enum order_kind kind;
  int ports[CLUSTER_NODES];
  uint64_t first, n;
  unsigned outstanding;
  double seconds;
};

/* What a node says when it has done that. */
struct done {
  uint64_t begin_ns, end_ns;             /* the first get, the last answer */
  uint64_t answers, from_main, from_hot; /* the latter two: without a round trip */
  uint64_t loads, cpu_ns;                /* so far */
  struct latencies latencies;
};

struct node_setting {
  size_t value_bytes, max_bytes;
};

struct cluster {
  struct server nodes[CLUSTER_NODES];
  int to[CLUSTER_NODES], from[CLUSTER_NODES];
};

void cluster_start(struct cluster *c, const struct node_setting *setting);
void cluster_stop(struct cluster *c);
/* All at once; not waited for. */
void cluster_order(struct cluster *c, size_t node, const struct order *order);
void cluster_wait(struct cluster *c, size_t node, struct done *done);

/* What runs in a node: takes orders from one descriptor, answers on another. The port it is asked
 * on. */
struct node_arg {
  const struct node_setting *setting;
  int in, out;
};
int node_open(const void *arg);

#endif
