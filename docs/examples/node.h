/* node - what the files of the reference node share. */
#ifndef NODE_H
#define NODE_H

#include <gcache/find.h>
#include <gcache/http.h>
#include <gcache/leave.h>
#include <gcache/openssl.h>
#include <uv.h>

#include "node_options.h"
#include "node_source.h"

#define N_SIGNALS 3

struct node {
  struct options options;
  char self[512]; /* our URL */
  uv_loop_t loop;
  uv_signal_t signals[N_SIGNALS];
  struct source source;
  gcache_tls_t *tls; /* NULL: in the clear */
  gcache_t *cache;
  gcache_listener_t *listener; /* NULL: closed */
  char fault[256];             /* the latest complaint of gcache's: which of many URLs is wrong */
  gcache_find_t *find;         /* NULL: the peers are those of --peers and PUT /peers */
  gcache_leave_t leave;
  int leaving, closing;
};

/* Begins to find peers, if the command line says how. Complaints go to stderr. */
int find_peers(struct node *node);

/* The gcache_handler_cb for every request that is not a peer's; arg is the struct node. */
void routes_answer(gcache_exchange_t *x, void *arg);

/* GET /stats, GET /metrics; GET /status, a page, and what it asks for. */
void stats_answer(struct node *node, gcache_exchange_t *x);
void metrics_answer(struct node *node, gcache_exchange_t *x);
void status_answer(struct node *node, gcache_exchange_t *x);
void shares_answer(struct node *node, gcache_exchange_t *x);

#endif
