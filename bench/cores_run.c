/* cores_run - see cores.h. The cores share only a page of counters; every millisecond each core
 * checks there how far the others are. No thread is pinned: the system may move threads as it would
 * those of an application. */
#include "cores.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gcache/http.h>
#include <uv.h>

#include "bench.h"

struct shared {
  struct cores_setting setting;
  char dir[32], urls[CORES_MAX][64];
  atomic_uint listening, filled, done; /* cores; done: of all rounds so far */
  double per_s[CORES_ROUNDS_MAX][CORES_MAX], cpu_ns[CORES_ROUNDS_MAX][CORES_MAX];
  double answers[CORES_ROUNDS_MAX][CORES_MAX];
};

struct asker {
  gcache_get_t get;
  struct core *core;
  unsigned slot;
};

struct core {
  struct shared *shared;
  unsigned number, round;
  uv_loop_t loop;
  uv_timer_t tick;
  gcache_t *cache;
  gcache_group_t *group;
  gcache_listener_t *listener;
  struct asker *askers;
  unsigned *keys, n_keys; /* that it asks for */
  uint64_t random, answers, begin_ns, end_ns, cpu_ns;
  unsigned to_fill, pending; /* gets of a round */
  enum { MEETING, FILLING, WAITING, ASKING } state;
};

static uint64_t thread_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ------------------------------------------------------------------------------ a round ---- */

static void on_answered(gcache_get_t *get, int status, gcache_value_t *value);

/* No two of the outstanding ones are of one key: they would share an exchange. */
static void ask(struct asker *a) {
  struct core *c = a->core;
  unsigned slots = c->shared->setting.outstanding;
  uint64_t r = bench_random(&c->random) >> 16;
  char key[KEY_SIZE];

  bench_key(key, c->keys[a->slot + slots * (r % (c->n_keys / slots))]);
  a->get.data = a;
  c->pending++;
  bench_need(gcache_get(&a->get, c->group, gcache_bytes(key, KEY_SIZE), 0, on_answered), "get");
}

static void end_round(struct core *c, uint64_t now_ns) {
  struct shared *s = c->shared;

  s->per_s[c->round][c->number] = (double)c->answers * 1e9 / (double)(now_ns - c->begin_ns);
  s->cpu_ns[c->round][c->number] = (double)(thread_ns() - c->cpu_ns);
  s->answers[c->round][c->number] = (double)c->answers;
  c->round++;
  c->state = WAITING;
  atomic_fetch_add(&s->done, 1);
}

static void on_answered(gcache_get_t *get, int status, gcache_value_t *value) {
  struct asker *a = get->data;
  struct core *c = a->core;

  (void)value;
  bench_need(status, gcache_get_reason(get));
  c->pending--;
  if (c->state != ASKING) return;
  c->answers++;
  if (c->answers % 64 == 0) {
    uint64_t now_ns = bench_now_ns();
    if (now_ns >= c->end_ns) {
      end_round(c, now_ns);
      return;
    }
  }
  ask(a);
}

static void begin_round(struct core *c) {
  c->state = ASKING;
  c->answers = 0;
  c->begin_ns = bench_now_ns();
  c->end_ns = c->begin_ns + (uint64_t)(c->shared->setting.seconds * 1e9);
  c->cpu_ns = thread_ns();
  for (unsigned i = 0; i < c->shared->setting.outstanding; i++)
    ask(&c->askers[i]);
}

/* ----------------------------------------------------------------------- before the first ---- */

static void choose_keys(struct core *c) {
  enum cores_op op = c->shared->setting.op;

  for (unsigned i = 0; i < CORES_KEYS; i++) {
    char key[KEY_SIZE];
    bench_key(key, i);
    int own = strcmp(gcache_owner(c->cache, gcache_bytes(key, KEY_SIZE)),
                     c->shared->urls[c->number]) == 0;
    if (op == CORES_ANY || own == (op == CORES_LOCAL)) c->keys[c->n_keys++] = i;
  }
  if (c->n_keys < c->shared->setting.outstanding)
    bench_need(UV_EINVAL, "--outstanding: more than keys");
}

static void on_filled(gcache_get_t *get, int status, gcache_value_t *value);

static void fill_next(struct asker *a) {
  struct core *c = a->core;
  char key[KEY_SIZE];

  if (c->to_fill == c->n_keys) return;
  bench_key(key, c->keys[c->to_fill++]);
  a->get.data = a;
  bench_need(gcache_get(&a->get, c->group, gcache_bytes(key, KEY_SIZE), 0, on_filled), "get");
}

static void on_filled(gcache_get_t *get, int status, gcache_value_t *value) {
  struct asker *a = get->data;
  struct core *c = a->core;

  (void)value;
  bench_need(status, gcache_get_reason(get));
  if (++c->answers == c->n_keys) {
    c->state = WAITING;
    atomic_fetch_add(&c->shared->filled, 1);
  }
  fill_next(a);
}

static void meet(struct core *c) {
  struct shared *s = c->shared;
  const char *urls[CORES_MAX];

  for (unsigned i = 0; i < s->setting.cores; i++)
    urls[i] = s->urls[i];
  bench_need(gcache_set_peers(c->cache, urls, NULL, s->setting.cores), "peers");
  choose_keys(c);
  c->state = FILLING;
  for (unsigned i = 0; i < s->setting.outstanding; i++) {
    c->askers[i].core = c;
    c->askers[i].slot = i;
    fill_next(&c->askers[i]);
  }
}

static void on_tick(uv_timer_t *tick) {
  struct core *c = tick->data;
  struct shared *s = c->shared;
  unsigned n = s->setting.cores;

  if (c->state == MEETING && atomic_load(&s->listening) == n) {
    meet(c);
  } else if (c->state == WAITING && c->pending == 0 && atomic_load(&s->filled) == n &&
             atomic_load(&s->done) >= c->round * n) {
    if (c->round < s->setting.rounds) {
      begin_round(c);
      return;
    }
    uv_close((uv_handle_t *)tick, NULL);
    gcache_close(c->cache, NULL, NULL);
  }
}

/* ---------------------------------------------------------------------------------- a core ---- */

static void getter(gcache_load_t *load) {
  const struct core *c = gcache_group_data(gcache_load_group(load));
  size_t size = c->shared->setting.value_bytes;
  char *bytes = malloc(size);

  if (bytes == NULL) bench_need(UV_ENOMEM, "value");
  memset(bytes, 'v', size);
  gcache_load_done_copy(load, gcache_bytes(bytes, size), 0);
  free(bytes);
}

static void listen_for_peers(struct core *c) {
  struct shared *s = c->shared;
  char *url = s->urls[c->number];
  struct sockaddr_in addr;

  if (s->setting.over == CORES_UNIX) {
    snprintf(url, sizeof s->urls[0], "unix:%s/%u", s->dir, c->number);
    bench_need(gcache_listen_unix(&c->listener, c->cache, url + 5, 0, 128), "listen");
  } else {
    uv_ip4_addr("127.0.0.1", 0, &addr);
    bench_need(gcache_listen(&c->listener, c->cache, (struct sockaddr *)&addr, 128), "listen");
    snprintf(url, sizeof s->urls[0], "http://127.0.0.1:%d", gcache_listener_port(c->listener));
  }
  bench_need(gcache_set_self(c->cache, url), "self");
}

static void open_core(struct core *c) {
  gcache_options_t o;
  gcache_group_options_t g;

  gcache_options_init(&o);
  o.loop = &c->loop;
  o.connect_timeout_ms = o.ping_ms = 30000;
  bench_need(gcache_open(&c->cache, &o), "open");
  gcache_group_options_init(&g);
  g.max_bytes = (size_t)CORES_KEYS * (c->shared->setting.value_bytes + 256) * 2 + (16u << 20);
  g.getter = getter;
  g.hot = c->shared->setting.hot;
  g.data = c;
  bench_need(gcache_group_open(&c->group, c->cache, "cores", &g), "group");
  listen_for_peers(c);
}

static void run_core(void *arg) {
  struct core *c = arg;

  c->askers = calloc(c->shared->setting.outstanding, sizeof *c->askers);
  c->keys = calloc(CORES_KEYS, sizeof *c->keys);
  if (c->askers == NULL || c->keys == NULL) bench_need(UV_ENOMEM, "core");
  c->random = 88172645463325252u + c->number;
  bench_need(uv_loop_init(&c->loop), "loop");
  uv_timer_init(&c->loop, &c->tick);
  c->tick.data = c;
  uv_timer_start(&c->tick, on_tick, 1, 1);
  open_core(c);
  atomic_fetch_add(&c->shared->listening, 1);
  uv_run(&c->loop, UV_RUN_DEFAULT);
  uv_loop_close(&c->loop);
  free(c->askers);
  free(c->keys);
}

static void run_threads(struct core cores[], unsigned n) {
  uv_thread_t threads[CORES_MAX];

  for (unsigned i = 0; i < n; i++)
    bench_need(uv_thread_create(&threads[i], run_core, &cores[i]), "thread");
  for (unsigned i = 0; i < n; i++)
    uv_thread_join(&threads[i]);
}

static void run_processes(struct core cores[], unsigned n) {
  int status;

  fflush(stdout);
  for (unsigned i = 0; i < n; i++) {
    pid_t pid = fork();
    if (pid < 0) bench_need(UV_EAGAIN, "fork");
    if (pid != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_core(&cores[i]);
    _exit(0);
  }
  while (wait(&status) > 0)
    if (status != 0) bench_need(UV_EIO, "the process of a core has failed");
}

/* ------------------------------------------------------------------------------------- all ---- */

void cores_run(const struct cores_setting *setting, struct cores_round rounds[]) {
  struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                          0);
  struct core *cores = calloc(CORES_MAX, sizeof *cores);

  if (s == MAP_FAILED || cores == NULL) bench_need(UV_ENOMEM, "cores");
  s->setting = *setting;
  snprintf(s->dir, sizeof s->dir, "/tmp/gcache-cores-XXXXXX");
  if (mkdtemp(s->dir) == NULL) bench_need(UV_EIO, s->dir);
  for (unsigned i = 0; i < setting->cores; i++) {
    cores[i].shared = s;
    cores[i].number = i;
  }
  if (setting->shape == CORES_THREADS)
    run_threads(cores, setting->cores);
  else
    run_processes(cores, setting->cores);
  rmdir(s->dir);
  for (unsigned r = 0; r < setting->rounds; r++) {
    double cpu_ns = 0, answers = 0;
    rounds[r].per_s = 0;
    for (unsigned i = 0; i < setting->cores; i++) {
      rounds[r].per_s += s->per_s[r][i];
      cpu_ns += s->cpu_ns[r][i];
      answers += s->answers[r][i];
    }
    rounds[r].cpu_us = cpu_ns / answers / 1e3;
  }
  free(cores);
  munmap(s, sizeof *s);
}
