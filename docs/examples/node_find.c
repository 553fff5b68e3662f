/* node_find - peer discovery: starts the one of four ways that the command line asks for. Later
 * failures are logged, and the list stays as it was. */
#include <stdio.h>

#include "node.h"

static const char *scheme_of(const struct node *node) {
  return node->tls == NULL ? "http" : "https";
}

static int by_dns(struct node *node, const gcache_find_options_t *o) {
  char where[512];

  snprintf(where, sizeof where, "%s://%s", scheme_of(node), node->options.peers_dns);
  return gcache_find_dns(&node->find, o, where);
}

static int by_etcd(struct node *node, const gcache_find_options_t *o) {
  gcache_find_etcd_t etcd;

  gcache_find_etcd_init(&etcd);
  etcd.endpoints = (const char *const *)node->options.peers_etcd;
  etcd.n_endpoints = node->options.n_peers_etcd;
  etcd.tls = node->tls;
  return gcache_find_etcd(&node->find, o, &etcd);
}

int find_peers(struct node *node) {
  const struct options *set = &node->options;
  gcache_find_options_t o;
  int rc = 0;

  gcache_find_options_init(&o);
  o.cache = node->cache;
  if (set->peers_file != NULL) rc = gcache_find_file(&node->find, &o, set->peers_file);
  if (set->peers_dns != NULL) rc = by_dns(node, &o);
  if (set->peers_srv != NULL)
    rc = gcache_find_srv(&node->find, &o, set->peers_srv, scheme_of(node));
  if (set->n_peers_etcd > 0) rc = by_etcd(node, &o);
  if (rc < 0)
    fprintf(stderr, "node: --peers-%s: %s\n",
            set->peers_file != NULL  ? "file"
            : set->peers_dns != NULL ? "dns"
            : set->peers_srv != NULL ? "srv"
                                     : "etcd",
            rc == UV_ENOTSUP ? "not supported by this build" : gcache_strerror(rc));
  return rc;
}
