/* nodes - the demo's processes: three reference nodes over one SQLite file. Starts them, sets their
 * peers and ends them in every case. */
#ifndef DEMO_NODES_H
#define DEMO_NODES_H

#include <stdio.h>
#include <sys/types.h>

#define N_NODES 3

struct node {
  pid_t pid; /* 0: not running */
  FILE *out; /* its standard output, kept open */
  int port;
  char url[64];
};

/* Starts argv[0], which must print "listening on URL" to standard output. 0, or -1 having printed
 * why. */
int node_start(struct node *node, char *const argv[]);
/* Starts `program` N_NODES times on free ports and gives each the list of all. 0, or -1 having
 * printed why. */
int nodes_start(struct node nodes[N_NODES], char *program, const char *sqlite_file);
void node_kill(struct node *node); /* SIGKILL */
/* SIGTERM. Returns the exit status of the node; -1: it had to be killed. */
int node_stop(struct node *node);

#endif
