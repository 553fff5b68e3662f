/* remote_memcached - memcached with one worker, asked through libmemcached: one request per connection, and a
 * thread for each, as the library waits for its answer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libmemcached/memcached.h>
#include <uv.h>

#include "meter.h"

struct asker {
  struct meter meter;
  pthread_t thread;
  int port;
  unsigned slot;
};

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
    fputs("gcache-bench: memcached is left out: it is not here\n", stderr);
    return 0;
  }
  fill(s, w);
  return 1;
}

static void *run_asker(void *arg) {
  struct asker *a = arg;
  memcached_st *c = open_connection(a->port);
  char key[KEY_SIZE];
  uint64_t sent_ns;
  do {
    memcached_return_t rc;
    uint32_t flags;
    size_t len;
    char *value;
    meter_key(&a->meter, a->slot, key);
    sent_ns = bench_now_ns();
    value = memcached_get(c, key, KEY_SIZE, &len, &flags, &rc);
    if (value == NULL || len != a->meter.work->value_bytes) bench_need(UV_EIO, "memcached");
    free(value);
  } while (meter_answered(&a->meter, sent_ns, bench_now_ns(), 0));
  return NULL;
}

static void sleep_until(uint64_t ns) {
  struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* The threads' meters have no server: they count, and the clocks are read here. */
static void ask(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter all;
  struct asker *askers = calloc(w->outstanding, sizeof *askers);
  if (askers == NULL) bench_need(UV_ENOMEM, "askers");
  meter_init(&all, w, s->pid);
  for (unsigned i = 0; i < w->outstanding; i++) {
    askers[i].port = s->port;
    askers[i].slot = i;
    meter_init(&askers[i].meter, w, 0);
    askers[i].meter.random += i;
    if (pthread_create(&askers[i].thread, NULL, run_asker, &askers[i]) != 0)
      bench_need(UV_EAGAIN, "thread");
  }
  sleep_until(all.begin_ns);
  meter_mark(&all, bench_now_ns());
  sleep_until(all.end_ns);
  meter_mark(&all, bench_now_ns());
  for (unsigned i = 0; i < w->outstanding; i++) {
    pthread_join(askers[i].thread, NULL);
    meter_merge(&all, &askers[i].meter);
  }
  meter_say(&all, out);
}

const struct remote_system remote_memcached = {"memcached", 0, start, ask};
