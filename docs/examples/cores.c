/* cores - one cache per core. N loops, each with a cache of its own, in N threads or in N
 * processes. To each other they are members like those on other machines, reached over Unix sockets
 * in a directory of their own.
 *
 *     cores threads|processes [CORES [KEYS [hot]]]
 *
 * Every core gets every key, ASKERS at a time, and serves the others meanwhile. The program prints
 * the gets per second and the number of getter runs; exit status 1 unless there was one run per
 * key. With "hot", a core keeps copies of values that other cores own: a key crosses a socket once
 * per core and is a hit afterwards.
 *
 * With threads: a cache and everything obtained from it belong to the thread of its loop. Only a
 * few counters are shared here. docs/rooms/cores.md says when one cache per core is worth it. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gcache/gcache.h>
#include <gcache/http.h>
#include <uv.h>

enum { CORES_MAX = 64, ASKERS = 64, ROUNDS = 8 };

/* Seen by all cores; in memory that processes share. */
struct shared {
  unsigned n, keys;
  gcache_hot_t hot;
  char urls[CORES_MAX][64];
  atomic_uint listening, finished, failed; /* how many cores */
  atomic_ulong loads, gets;
};

struct asker {
  gcache_get_t req;
  struct core *core;
};

struct core {
  struct shared *shared;
  unsigned number;
  uv_loop_t loop;
  uv_timer_t tick; /* checks how far the others are */
  gcache_t *cache;
  gcache_group_t *group;
  gcache_listener_t *listener;
  struct asker askers[ASKERS];
  unsigned long next, answered;
  enum { MEETING, ASKING, FINISHED } state;
};

static void fail(struct core *c, const char *what, int rc) {
  fprintf(stderr, "core %u: %s: %s\n", c->number, what, gcache_strerror(rc));
  atomic_fetch_add(&c->shared->failed, 1);
}

/* ------------------------------------------------------------------------------ the work ---- */

/* A real getter would query a database here, without blocking. Here the value is the key. */
static void getter(gcache_load_t *load) {
  struct core *c = gcache_group_data(gcache_load_group(load));

  atomic_fetch_add(&c->shared->loads, 1);
  gcache_load_done_copy(load, gcache_load_key(load), 0);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value);

/* Each core begins with a different key. */
static void ask(struct asker *a) {
  struct core *c = a->core;
  unsigned long all = (unsigned long)c->shared->keys * ROUNDS;
  char key[32];
  int rc;

  if (c->next == all) return;
  snprintf(key, sizeof key, "key %lu",
           (c->next++ + (unsigned long)c->number * c->shared->keys / c->shared->n) %
               c->shared->keys);
  a->req.data = a;
  rc = gcache_get(&a->req, c->group, gcache_cstr(key), 0, on_got);
  if (rc < 0) fail(c, "get", rc);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asker *a = req->data;
  struct core *c = a->core;

  (void)value;
  if (status < 0) fail(c, "get", status);
  if (++c->answered == (unsigned long)c->shared->keys * ROUNDS) {
    c->state = FINISHED;
    atomic_fetch_add(&c->shared->gets, c->answered);
    atomic_fetch_add(&c->shared->finished, 1);
  }
  ask(a);
}

/* ------------------------------------------------------------------------- together ---- */

/* All listen: now each is given the list of all. */
static void begin(struct core *c) {
  const char *urls[CORES_MAX];
  int rc;

  for (unsigned i = 0; i < c->shared->n; i++)
    urls[i] = c->shared->urls[i];
  rc = gcache_set_peers(c->cache, urls, NULL, c->shared->n);
  if (rc < 0) fail(c, "peers", rc);
  c->state = ASKING;
  for (unsigned i = 0; i < ASKERS; i++) {
    c->askers[i].core = c;
    ask(&c->askers[i]);
  }
}

/* A core that has finished serves the others until all have. */
static void on_tick(uv_timer_t *tick) {
  struct core *c = tick->data;
  struct shared *s = c->shared;

  if (atomic_load(&s->failed) > 0 || atomic_load(&s->finished) == s->n) {
    uv_close((uv_handle_t *)tick, NULL);
    if (c->cache != NULL) gcache_close(c->cache, NULL, NULL);
  } else if (c->state == MEETING && atomic_load(&s->listening) == s->n) {
    begin(c);
  }
}

static int open_cache(struct core *c) {
  const char *url = c->shared->urls[c->number];
  gcache_options_t o;
  gcache_group_options_t g;
  int rc;

  gcache_options_init(&o);
  o.loop = &c->loop;
  o.self = url;
  /* A busy neighbour can be silent for seconds: it must not count as down. */
  o.connect_timeout_ms = 30000;
  o.ping_ms = 30000;
  rc = gcache_open(&c->cache, &o);
  if (rc < 0) return rc;
  gcache_group_options_init(&g);
  g.max_bytes = (size_t)64 << 20;
  g.getter = getter;
  g.hot = c->shared->hot;
  g.data = c;
  rc = gcache_group_open(&c->group, c->cache, "cores", &g);
  if (rc == 0) rc = gcache_listen_unix(&c->listener, c->cache, url + strlen("unix:"), 0, CORES_MAX);
  return rc;
}

static void run_core(void *arg) {
  struct core *c = arg;
  int rc;

  uv_loop_init(&c->loop);
  uv_timer_init(&c->loop, &c->tick);
  c->tick.data = c;
  uv_timer_start(&c->tick, on_tick, 1, 1);
  rc = open_cache(c);
  if (rc < 0) fail(c, "open", rc);
  atomic_fetch_add(&c->shared->listening, 1);
  uv_run(&c->loop, UV_RUN_DEFAULT);
  uv_loop_close(&c->loop);
}

static void run_threads(struct core cores[], unsigned n) {
  uv_thread_t threads[CORES_MAX];

  for (unsigned i = 0; i < n; i++)
    if (uv_thread_create(&threads[i], run_core, &cores[i]) < 0) abort();
  for (unsigned i = 0; i < n; i++)
    uv_thread_join(&threads[i]);
}

/* Before any loop is open: loops and threads do not survive fork(). */
static void run_processes(struct core cores[], unsigned n) {
  int status;

  for (unsigned i = 0; i < n; i++) {
    pid_t pid = fork();
    if (pid < 0) fail(&cores[i], "fork", UV_EAGAIN);
    if (pid != 0) continue;
    run_core(&cores[i]);
    _exit(0);
  }
  while (wait(&status) > 0)
    if (status != 0) fail(&cores[0], "a process ended with an error", UV_EIO);
}

/* -------------------------------------------------------------------------------- main ---- */

static int parse(struct shared *s, int argc, char **argv) {
  s->n = argc > 2 ? (unsigned)atoi(argv[2]) : 4;
  s->keys = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
  s->hot = argc > 4 && strcmp(argv[4], "hot") == 0 ? GCACHE_HOT_ON : GCACHE_HOT_OFF;
  if (argc > 1 && argc < 6 && s->n > 0 && s->n <= CORES_MAX && s->keys > 0 &&
      (strcmp(argv[1], "threads") == 0 || strcmp(argv[1], "processes") == 0))
    return 0;
  fputs("usage: cores threads|processes [CORES [KEYS [hot]]]\n", stderr);
  return -1;
}

int main(int argc, char **argv) {
  struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                          0);
  struct core *cores = calloc(CORES_MAX, sizeof *cores);
  char dir[] = "/tmp/cores-XXXXXX";
  struct timespec from, to;
  double seconds;

  if (s == MAP_FAILED || cores == NULL || parse(s, argc, argv) < 0 || mkdtemp(dir) == NULL)
    return 2;
  for (unsigned i = 0; i < s->n; i++) {
    snprintf(s->urls[i], sizeof s->urls[i], "unix:%s/%u", dir, i);
    cores[i].shared = s;
    cores[i].number = i;
  }
  clock_gettime(CLOCK_MONOTONIC, &from);
  if (strcmp(argv[1], "threads") == 0)
    run_threads(cores, s->n);
  else
    run_processes(cores, s->n);
  clock_gettime(CLOCK_MONOTONIC, &to);
  rmdir(dir);
  free(cores);
  seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
  printf("%u %s: %lu gets in %.3f s, %.0f gets/s; %u keys, %lu loads\n", s->n, argv[1],
         atomic_load(&s->gets), seconds, (double)atomic_load(&s->gets) / seconds, s->keys,
         atomic_load(&s->loads));
  return atomic_load(&s->failed) > 0 || atomic_load(&s->loads) != s->keys;
}
