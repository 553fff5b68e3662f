/* node - a member of the cluster. See cluster.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include <gcache/http.h>

#include "bench.h"
#include "cluster.h"
#include "draw.h"
#include "getter.h"

enum { DRAWN = 1 << 20 };

struct asker {
  gcache_get_t get;
  uint64_t sent_ns;
};

static struct {
  struct bench_member member;
  uv_pipe_t in;
  int out;
  char urls[CLUSTER_NODES][32];
  struct order order;
  size_t order_len; /* read of it */
  struct done done;
  struct asker *askers;
  uint64_t left; /* askers without an answer */
  uint64_t end_ns;
  uint32_t *drawn; /* of Zipf; in a circle */
  size_t next;
} node;

static void finish(void) {
  const char *at = (const char *)&node.done;
  size_t left = sizeof node.done;
  free(node.askers);
  node.askers = NULL;
  node.done.loads = getter_runs();
  node.done.cpu_ns = bench_cpu_ns();
  while (left > 0) {
    ssize_t n = write(node.out, at, left);
    if (n <= 0) _exit(0); /* nobody wants to know */
    at += n;
    left -= (size_t)n;
  }
}

static int count(const struct asker *a, int status) {
  gcache_from_t from = gcache_get_from(&a->get);
  bench_need(status, gcache_get_reason(&a->get));
  node.done.end_ns = bench_now_ns();
  latencies_add(&node.done.latencies, node.done.end_ns - a->sent_ns);
  node.done.answers++;
  node.done.from_main += from == GCACHE_FROM_MAIN;
  node.done.from_hot += from == GCACHE_FROM_HOT;
  return node.done.end_ns < node.end_ns;
}

static void ask(struct asker *a, const char key[KEY_SIZE], gcache_get_cb on_answered) {
  a->get.data = a;
  a->sent_ns = bench_now_ns();
  bench_need(gcache_get(&a->get, node.member.group, gcache_bytes(key, KEY_SIZE), GCACHE_NO_TIMEOUT,
                        on_answered),
             "get");
}

/* -------------------------------------------------------------------------- the three orders -- */

static void on_once_answered(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)value;
  count(get->data, status);
  if (--node.left == 0) finish();
}

static void slow_key(char key[KEY_SIZE], uint64_t i) {
  bench_key(key, i);
  memcpy(key, "slow", 4);
}

static void ask_same(void) {
  char key[KEY_SIZE];
  slow_key(key, node.order.first);
  for (uint64_t i = 0; i < node.order.n; i++)
    ask(&node.askers[i], key, on_once_answered);
  if (node.order.n == 0) finish();
}

/* The keys are chosen before the clock starts. */
static void ask_each(void) {
  uint64_t n = node.order.n, number = node.order.first;
  char(*keys)[KEY_SIZE] = calloc(n, KEY_SIZE);
  if (keys == NULL) bench_need(UV_ENOMEM, "keys");
  for (uint64_t i = 0; i < n; number++) {
    slow_key(keys[i], number);
    i += strcmp(gcache_owner(node.member.cache, gcache_bytes(keys[i], KEY_SIZE)), node.urls[0]) ==
         0;
  }
  node.done.begin_ns = bench_now_ns();
  for (uint64_t i = 0; i < n; i++)
    ask(&node.askers[i], keys[i], on_once_answered);
  free(keys);
}

static void on_read_answered(gcache_get_t *get, int status, gcache_value_t *value);

static void read_next(struct asker *a) {
  char key[KEY_SIZE];
  bench_key(key, node.drawn[node.next++ % DRAWN]);
  ask(a, key, on_read_answered);
}

static void on_read_answered(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)value;
  if (count(get->data, status))
    read_next(get->data);
  else if (--node.left == 0)
    finish();
}

/* Every node begins elsewhere in the same sequence. */
static void read_zipf(void) {
  if (node.drawn == NULL) {
    node.drawn = calloc(DRAWN, sizeof *node.drawn);
    if (node.drawn == NULL) bench_need(UV_ENOMEM, "keys");
    draw(DRAW_ZIPF, node.order.n, node.drawn, DRAWN);
    node.next = (size_t)getpid() * 7919;
  }
  node.end_ns = bench_now_ns() + (uint64_t)(node.order.seconds * 1e9);
  for (unsigned i = 0; i < node.order.outstanding; i++)
    read_next(&node.askers[i]);
}

/* ------------------------------------------------------------------------------------ orders -- */

static void join_cluster(void) {
  const char *urls[CLUSTER_NODES];
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    snprintf(node.urls[i], sizeof node.urls[i], "http://127.0.0.1:%d", node.order.ports[i]);
    urls[i] = node.urls[i];
  }
  bench_need(gcache_set_peers(node.member.cache, urls, NULL, CLUSTER_NODES), "peers");
  finish();
}

static void obey(void) {
  memset(&node.done, 0, sizeof node.done);
  node.end_ns = 0;
  node.left = node.order.kind == ORDER_ZIPF ? node.order.outstanding : node.order.n;
  node.askers = calloc(node.left + 1, sizeof *node.askers);
  if (node.askers == NULL) bench_need(UV_ENOMEM, "askers");
  node.done.begin_ns = bench_now_ns();
  switch (node.order.kind) {
  case ORDER_JOIN:
    join_cluster();
    break;
  case ORDER_SAME:
    ask_same();
    break;
  case ORDER_EACH:
    ask_each();
    break;
  case ORDER_ZIPF:
    read_zipf();
    break;
  }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle, (void)suggested;
  *buf = uv_buf_init((char *)&node.order + node.order_len,
                     (unsigned)(sizeof node.order - node.order_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  (void)stream, (void)buf;
  if (n < 0) _exit(0);
  node.order_len += (size_t)n;
  if (node.order_len < sizeof node.order) return;
  node.order_len = 0;
  obey();
}

int node_open(const void *arg_) {
  const struct node_arg *arg = arg_;
  gcache_listener_t *listener;
  struct sockaddr_in address;
  char url[32];
  int port;

  bench_open(&node.member, arg->setting->value_bytes, arg->setting->max_bytes, GCACHE_HOT_DEFAULT);
  uv_ip4_addr("127.0.0.1", 0, &address);
  bench_need(gcache_listen(&listener, node.member.cache, (struct sockaddr *)&address, 128),
             "listen");
  port = gcache_listener_port(listener);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
  bench_need(gcache_set_self(node.member.cache, url), "self");
  node.out = arg->out;
  uv_pipe_init(uv_default_loop(), &node.in, 0);
  uv_pipe_open(&node.in, arg->in);
  uv_read_start((uv_stream_t *)&node.in, on_alloc, on_read);
  return port;
}
