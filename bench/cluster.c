#include "cluster.h"

#include <unistd.h>

#include <uv.h>

#include "bench.h"

static void start_node(struct cluster *c, size_t i, const struct node_setting *setting) {
  int to[2], from[2];
  struct node_arg arg = {.setting = setting};
  if (pipe(to) < 0 || pipe(from) < 0) bench_need(UV_EMFILE, "pipe");
  arg.in = to[0];
  arg.out = from[1];
  process_serve(&c->nodes[i], i % 2 ? PROCESS_ASKS : PROCESS_SERVES, node_open, &arg);
  close(to[0]);
  close(from[1]);
  c->to[i] = to[1];
  c->from[i] = from[0];
}

void cluster_start(struct cluster *c, const struct node_setting *setting) {
  struct order join = {.kind = ORDER_JOIN};
  struct done done;
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    start_node(c, i, setting);
    join.ports[i] = c->nodes[i].port;
  }
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    cluster_order(c, i, &join);
    cluster_wait(c, i, &done);
  }
}

void cluster_stop(struct cluster *c) {
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    process_stop(&c->nodes[i]);
    close(c->to[i]);
    close(c->from[i]);
  }
}

void cluster_order(struct cluster *c, size_t node, const struct order *order) {
  if (write(c->to[node], order, sizeof *order) != sizeof *order) bench_need(UV_EIO, "node");
}

void cluster_wait(struct cluster *c, size_t node, struct done *done) {
  size_t got = 0;
  while (got < sizeof *done) {
    ssize_t n = read(c->from[node], (char *)done + got, sizeof *done - got);
    if (n <= 0) bench_need(UV_EIO, "a node has ended early");
    got += (size_t)n;
  }
}
