/* gcache-bench - measures gcache on this machine. See bench.h for what the sub-commands share.
 *
 * Absolute times on a shared machine drift; compare figures of one run. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "getter.h"

/* 256 values of 1 MiB are asked for at a time, and a quarter is kept free of them. */
#define IN_FLIGHT_MAX ((size_t)1 << 30)

void bench_key(char out[KEY_SIZE], uint64_t i) {
  memcpy(out, "key:", 4);
  for (int at = KEY_SIZE - 1; at >= 4; at--, i /= 10)
    out[at] = (char)('0' + i % 10);
}

uint64_t bench_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *state = x;
}

static uint64_t read_clock(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_now_ns(void) {
  return read_clock(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void) {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_need(int rc, const char *what) {
  if (rc >= 0) return;
  fprintf(stderr, "gcache-bench: %s: %s\n", what, gcache_strerror(rc));
  exit(1);
}

void bench_open(struct bench_member *m, size_t value_bytes, size_t max_bytes, gcache_hot_t hot) {
  bench_open_http(m, value_bytes, max_bytes, hot, GCACHE_HTTP_AUTO);
}

void bench_open_http(struct bench_member *m, size_t value_bytes, size_t max_bytes, gcache_hot_t hot,
                     gcache_http_t http) {
  gcache_options_t o;
  gcache_group_options_t g;

  m->value_bytes = value_bytes;
  gcache_options_init(&o);
  o.limits.in_flight_max = IN_FLIGHT_MAX;
  o.loop = uv_default_loop();
  o.http = http;
  bench_need(gcache_open(&m->cache, &o), "open");
  gcache_group_options_init(&g);
  g.max_bytes = max_bytes;
  g.getter = getter_run;
  g.data = m;
  g.hot = hot;
  bench_need(gcache_group_open(&m->group, m->cache, "bench", &g), "group");
}

static const struct {
  const char *name;
  int (*run)(const struct bench_options *o);
  const char *what;
} commands[] = {
    {"local", bench_local, "a hit in this process's memory: peek, and get with its callback"},
    {"remote", bench_remote,
     "a hit in another process's memory, beside other systems: [SYSTEM...]"},
    {"herd", bench_herd, "10,000 gets at once of one cold key, and of as many cold keys"},
    {"hot", bench_hot, "Zipf readers on three members: what is answered without a round trip"},
    {"h2", bench_h2, "remote over HTTP/2 in the clear, beside nginx asked by h2load"},
    {"all", bench_all, "remote, h2, herd and hot, into docs/benchmarks.md: --out docs"},
    {"connections", bench_connections, "memory of idle connections, and TLS handshakes"},
    {"cores", bench_cores,
     "one cache a core, in threads and in processes: hits, and peers over Unix sockets and TCP"},
    {"memory", bench_memory, "what an item takes beyond key and value, beside redis and memcached"},
    {"hitratio", bench_hitratio,
     "hits of traces, beside other policies: FILE... --sizes 1%,5%,10%"},
    {"place", bench_place, "who owns a key: picks, lists, balance, movement"},
};

static int usage(void) {
  fputs("usage: gcache-bench COMMAND [--json] [--rounds N] [--seconds S] [--bytes N] "
        "[--outstanding N]\n       [--slow PERCENT] [--plot FILE.svg] [--out DIR]\n",
        stderr);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    fprintf(stderr, "  %-12s %s\n", commands[i].name, commands[i].what);
  return 2;
}

/* Files move to the front of argv. 0: an option is not understood. */
static int read_options(struct bench_options *o, int argc, char **argv) {
  int n = 0;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--json") == 0)
      o->json = 1;
    else if (strcmp(argv[i], "--unit") == 0)
      o->unit = 1;
    else if (strcmp(argv[i], "--sizes") == 0 && i + 1 < argc)
      o->sizes = argv[++i];
    else if (strcmp(argv[i], "--cluster") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
      o->cluster = (unsigned)atoi(argv[++i]);
    else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
      o->rounds = (unsigned)atoi(argv[++i]);
    else if (strcmp(argv[i], "--bytes") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
      o->bytes = (size_t)atoi(argv[++i]);
    else if (strcmp(argv[i], "--outstanding") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0)
      o->outstanding = (unsigned)atoi(argv[++i]);
    else if (strcmp(argv[i], "--slow") == 0 && i + 1 < argc)
      o->slow_pct = atof(argv[++i]);
    else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc && atof(argv[i + 1]) > 0)
      o->seconds = atof(argv[++i]);
    else if (strcmp(argv[i], "--answers") == 0 && i + 1 < argc && atoll(argv[i + 1]) > 0)
      o->answers = (uint64_t)atoll(argv[++i]);
    else if (strcmp(argv[i], "--plot") == 0 && i + 1 < argc)
      o->plot = argv[++i];
    else if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
      o->out = argv[++i];
    else if (strcmp(argv[i], "--h2") == 0)
      o->http = GCACHE_HTTP_2;
    else if (strcmp(argv[i], "--one-process") == 0)
      o->one_process = 1;
    else if (strcmp(argv[i], "--unix") == 0)
      o->over_unix = 1;
    else if (argv[i][0] != '-')
      argv[n++] = argv[i];
    else
      return 0;
  }
  o->files = (const char *const *)argv;
  o->n_files = (size_t)n;
  return 1;
}

int main(int argc, char **argv) {
  struct bench_options o = {
      .json = 0, .rounds = 5, .sizes = "1%,5%,10%", .slow_pct = -1, .seconds = 1};

  if (argc < 2 || !read_options(&o, argc - 2, argv + 2)) return usage();
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(&o);
  return usage();
}
