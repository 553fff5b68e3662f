/* remote_memcached - memcached with one worker, and libmemcached as the client: one request per
 * connection. The library blocks until the answer comes, so the connections take turns: mostly the
 * answer is there when it is a connection's turn. */
#include <stdio.h>
#include <stdlib.h>

#include <libmemcached/memcached.h>
#include <uv.h>

#include "meter.h"

static memcached_st *open_connection(int port) {
  memcached_st *c = memcached_create(NULL);
  if (c == NULL || memcached_server_add(c, "127.0.0.1", (in_port_t)port) != MEMCACHED_SUCCESS)
    bench_need(UV_ECONNREFUSED, "memcached");
  memcached_behavior_set(c, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  return c;
}

static void fill(const struct server *s, const struct work *w) {
  memcached_st *c = open_connection(s->port);
  char *value = calloc(1, w->value_bytes), key[KEY_SIZE];
  if (value == NULL) bench_need(UV_ENOMEM, "memcached");
  for (uint64_t i = 0; i < w->n_keys; i++) {
    bench_key(key, i);
    if (memcached_set(c, key, KEY_SIZE, value, w->value_bytes, 0, 0) != MEMCACHED_SUCCESS)
      bench_need(UV_EIO, "memcached");
  }
  free(value);
  memcached_free(c);
}

static int start(struct server *s, const struct work *w) {
  char port[16];
  const char *args[] = {"memcached", "-l",   "127.0.0.1", "-p", port, "-U",   "0",  "-t",   "1",
                        "-m",        "4096", "-I",        "2m", "-c", "2048", "-u", "root", NULL};
  s->dir[0] = '\0';
  s->port = process_free_port();
  snprintf(port, sizeof port, "%d", s->port);
  if (!process_exec(s, args)) {
    fputs("gcache-bench: memcached is left out: it is not installed\n", stderr);
    return 0;
  }
  fill(s, w);
  return 1;
}

struct asker {
  memcached_st *connection;
  memcached_result_st result;
  uint64_t sent_ns;
};

static void send_get(struct meter *m, unsigned slot, struct asker *a, uint64_t now_ns) {
  char key[KEY_SIZE];
  const char *keys[] = {key};
  size_t len = KEY_SIZE;
  meter_key(m, slot, key);
  a->sent_ns = now_ns;
  if (memcached_mget(a->connection, keys, &len, 1) != MEMCACHED_SUCCESS)
    bench_need(UV_EIO, "memcached");
}

/* Also reads what ends the answer. */
static void receive(struct asker *a, size_t value_bytes) {
  memcached_return_t rc;
  if (memcached_fetch_result(a->connection, &a->result, &rc) == NULL ||
      memcached_result_length(&a->result) != value_bytes)
    bench_need(UV_EIO, "memcached: an answer is wrong");
  if (memcached_fetch_result(a->connection, &a->result, &rc) != NULL)
    bench_need(UV_EIO, "memcached: one answer too many");
}

/* The one asked longest ago is waited for, and asked again at once. */
static void ask(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  struct asker *askers = calloc(w->outstanding, sizeof *askers);
  unsigned slot = 0;
  if (askers == NULL) bench_need(UV_ENOMEM, "askers");
  meter_init(&m, w, s->pid);
  for (unsigned i = 0; i < w->outstanding; i++) {
    askers[i].connection = open_connection(s->port);
    memcached_result_create(askers[i].connection, &askers[i].result);
    send_get(&m, i, &askers[i], bench_now_ns());
  }
  for (;;) {
    struct asker *a = &askers[slot];
    uint64_t now;
    receive(a, w->value_bytes);
    now = bench_now_ns();
    if (!meter_answered(&m, a->sent_ns, now, 0)) break;
    send_get(&m, slot, a, now);
    slot = (slot + 1) % w->outstanding;
  }
  meter_say(&m, out);
}

const struct remote_system remote_memcached = {"memcached", 0, start, ask};
