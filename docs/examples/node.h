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
  gcache_tls_t *tls; /* NULL: no TLS */
  gcache_t *cache;
  gcache_listener_t *listener; /* NULL: closed */
  char fault[256];             /* the latest warning gcache logged: names the URL that is wrong */
  gcache_find_t *find;         /* NULL: the peers are those of --peers and PUT /peers */
  gcache_leave_t leave;
  int leaving, closing;
};

/* Starts peer discovery, if the command line asks for it. Errors go to stderr. */
int find_peers(struct node *node);

/* The gcache_handler_cb for every request that is not a peer's; arg is the struct node. */
void routes_answer(gcache_exchange_t *x, void *arg);

/* GET /stats, GET /metrics; GET /status, a page, and GET /shares, which the page requests. */
void stats_answer(struct node *node, gcache_exchange_t *x);
void metrics_answer(struct node *node, gcache_exchange_t *x);
void status_answer(struct node *node, gcache_exchange_t *x);
void shares_answer(struct node *node, gcache_exchange_t *x);

#endif
