/* node - a complete server that embeds gcache: one port for its peers and for its own clients.
 *
 * main() shows the order of the steps: read the options, open a cache on a libuv loop, listen, open
 * the groups, set the peers, run. A signal makes the node complete requests under way and exit.
 *
 * The other files: node_routes (HTTP to gcache and back), node_http, node_demo and node_sqlite
 * (getters), node_stats, node_options, node_find, node_text. `node --help` lists the options.
 *
 * Keys of the demo source: "missing:..." is not found, "fail:..." fails, "slow:MS:..." takes MS
 * milliseconds, "big:N:..." gives N bytes; any other gives <self>|<key>|<n>, where n counts the
 * getter runs of this node since it started. */
#include "node.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LEAVE_MS 1000

static int complain(const char *what, int rc) {
  fprintf(stderr, "node: %s: %s\n", what, gcache_strerror(rc));
  return rc;
}

static void on_log(void *data, gcache_log_level_t level, const char *line) {
  struct node *node = data;

  if (level < GCACHE_LOG_WARN) return;
  fprintf(stderr, "node: %s\n", line);
  snprintf(node->fault, sizeof node->fault, "%s", line);
}

/* --------------------------------------------------------------------------------- the start -- */

static int open_tls(struct node *node) {
  gcache_tls_files_t files;
  char why[512];
  int rc;

  if (node->options.tls_cert == NULL) return 0;
  gcache_tls_files_init(&files);
  files.cert_file = node->options.tls_cert;
  files.key_file = node->options.tls_key;
  files.ca_file = node->options.tls_ca;
  rc = gcache_tls_open_files(&node->tls, &files, why, sizeof why);
  if (rc < 0) fprintf(stderr, "node: TLS: %s\n", why[0] != 0 ? why : gcache_strerror(rc));
  return rc;
}

static int open_cache(struct node *node) {
  gcache_options_t o;
  int rc;

  gcache_options_init(&o);
  o.loop = &node->loop;
  o.dialect = node->options.dialect;
  o.http = node->options.http;
  o.tls = node->tls;
  o.access = node->options.access;
  o.timeout_ms = node->options.timeout_ms;
  o.log = on_log;
  o.log_data = node;
  rc = gcache_open(&node->cache, &o);
  if (rc < 0) return complain("open", rc);
  gcache_set_handler(node->cache, routes_answer, node);
  return 0;
}

static int open_listener(struct node *node) {
  const struct sockaddr *address = (const struct sockaddr *)&node->options.address;
  int rc;

  if (node->options.path != NULL)
    rc = gcache_listen_unix(&node->listener, node->cache, node->options.path, 0, 511);
  else if (node->tls != NULL)
    rc = gcache_listen_tls(&node->listener, node->cache, address, 511, node->tls);
  else
    rc = gcache_listen(&node->listener, node->cache, address, 511);
  return rc < 0 ? complain("listen", rc) : 0;
}

/* Our URL, unless it was given: the address we listen on, with the port we got. Nobody can reach us
 * at an address that means "all": then the URL has loopback. */
static void make_url(struct node *node) {
  const struct sockaddr *address = (const struct sockaddr *)&node->options.address;
  const char *host = node->options.host;
  int v6 = address->sa_family == AF_INET6 && strchr(host, ':') != NULL;

  if (node->options.self != NULL) {
    snprintf(node->self, sizeof node->self, "%s", node->options.self);
    return;
  }
  if (node->options.path != NULL) {
    snprintf(node->self, sizeof node->self, "unix:%s", node->options.path);
    return;
  }
  if (strcmp(host, "0.0.0.0") == 0) host = "127.0.0.1";
  if (strcmp(host, "::") == 0) host = "::1";
  snprintf(node->self, sizeof node->self, "%s://%s%s%s:%d", node->tls == NULL ? "http" : "https",
           v6 ? "[" : "", host, v6 ? "]" : "", gcache_listener_port(node->listener));
}

static int name_self(struct node *node) {
  int rc;

  make_url(node);
  rc = gcache_set_self(node->cache, node->self);
  return rc < 0 ? complain(node->self, rc) : 0;
}

static int open_source(struct node *node) {
  node->source.self = node->self;
  node->source.ttl_ms = node->options.ttl_ms;
  if (node->options.sqlite_file != NULL)
    return source_sqlite(&node->source, node->options.sqlite_file);
  source_demo(&node->source, &node->loop);
  return 0;
}

static int open_groups(struct node *node) {
  for (size_t i = 0; i < node->options.n_groups; i++) {
    const struct group_option *g = &node->options.groups[i];
    gcache_group_options_t o;
    gcache_group_t *group;
    int rc;

    gcache_group_options_init(&o);
    o.max_bytes = g->max_bytes;
    o.getter = node->source.getter;
    o.cancel = node->source.cancel;
    o.data = &node->source;
    o.hot = node->options.hot;
    o.stale_ms = node->options.stale_ms;
    o.error_ms = node->options.error_ms;
    o.refresh_ahead_ms = node->options.refresh_ahead_ms;
    o.not_found_ms = node->options.not_found_ms;
    o.hot_max_ms = node->options.hot_max_ms;
    rc = gcache_group_open(&group, node->cache, g->name, &o);
    if (rc < 0) return complain(g->name, rc);
  }
  return 0;
}

static int join_peers(struct node *node) {
  int rc;

  if (node->options.n_peers == 0) return find_peers(node); /* or alone, until PUT /peers */
  rc = gcache_set_peers(node->cache, (const char *const *)node->options.peers, NULL,
                        node->options.n_peers);
  return rc < 0 ? complain("--peers", rc) : 0;
}

/* ----------------------------------------------------------------------------------- the end -- */

static void on_cache_closed(void *arg) {
  struct node *node = arg;

  node->cache = NULL;
  for (size_t i = 0; i < N_SIGNALS; i++)
    uv_close((uv_handle_t *)&node->signals[i], NULL); /* the last handles: uv_run() returns */
}

static void close_cache(struct node *node) {
  if (node->closing) return;
  node->closing = 1;
  gcache_close(node->cache, on_cache_closed, node);
}

static void on_drained(void *arg) {
  close_cache(arg);
}

static void reload_tls(struct node *node) {
  char why[512];

  if (node->tls == NULL) return;
  if (gcache_tls_reload_files(node->tls, why, sizeof why) < 0)
    fprintf(stderr, "node: TLS: %s; the old certificate stays in use\n", why);
}

static void drain(struct node *node) {
  gcache_listener_t *listener = node->listener;

  node->listener = NULL;
  if (listener != NULL)
    gcache_listener_close(listener, on_drained, node);
  else
    close_cache(node);
}

static void on_find_closed(void *arg) {
  struct node *node = arg;

  if (!node->closing) drain(node);
}

/* Removes the entry under which others find this node. */
static void step_back(struct node *node) {
  gcache_find_t *find = node->find;

  node->find = NULL;
  if (find != NULL)
    gcache_find_close(find, on_find_closed, node);
  else
    drain(node);
}

static void on_left(gcache_leave_t *req, int status, const gcache_left_t *left) {
  struct node *node = req->data;

  (void)status, (void)left;
  if (!node->closing) step_back(node);
}

/* Tells the other members and hands over to them the values used most, for LEAVE_MS at most. */
static void leave(struct node *node) {
  node->leaving = 1;
  node->leave.data = node;
  if (gcache_leave(&node->leave, node->cache, LEAVE_MS, on_left) < 0) step_back(node);
}

/* The first signal: leave, then accept no more connections and complete requests under way. The
 * second: close at once. */
static void on_signalled(uv_signal_t *signal, int number) {
  struct node *node = signal->data;

  if (number == SIGHUP) {
    reload_tls(node);
    return;
  }
  if (node->leaving || node->cache == NULL)
    close_cache(node);
  else
    leave(node);
}

static void watch_signals(struct node *node) {
  static const int numbers[N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

  for (size_t i = 0; i < N_SIGNALS; i++) {
    uv_signal_init(&node->loop, &node->signals[i]);
    node->signals[i].data = node;
    uv_signal_start(&node->signals[i], on_signalled, numbers[i]);
  }
}

int main(int argc, char **argv) {
  static struct node node;
  int rc = options_parse(&node.options, argc, argv), bad = rc < 0;

  if (rc == 0) {
    uv_loop_init(&node.loop);
    watch_signals(&node);
    bad = (rc = open_tls(&node)) < 0;
    if (rc == 0) rc = open_cache(&node);
    if (rc == 0) rc = open_listener(&node);
    if (rc == 0) bad = (rc = name_self(&node)) < 0;
    if (rc == 0) bad = (rc = open_source(&node)) < 0;
    if (rc == 0) bad = (rc = open_groups(&node)) < 0;
    if (rc == 0) bad = (rc = join_peers(&node)) < 0;
    if (rc == 0) {
      printf("listening on %s\n", node.self);
      fflush(stdout);
    } else if (node.cache != NULL) {
      close_cache(&node);
    } else {
      on_cache_closed(&node);
    }
    uv_run(&node.loop, UV_RUN_DEFAULT);
    source_close(&node.source);
    uv_loop_close(&node.loop);
    gcache_tls_free(node.tls);
  }
  options_free(&node.options);
  return rc >= 0 ? 0 : bad ? 2 : 1;
}
