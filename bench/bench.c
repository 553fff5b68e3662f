/* gcache-bench - measures gcache on this machine. bench.h has what the sub-commands share.
 *
 * Absolute times on a shared machine drift: compare the figures of one run. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "getter.h"

/* Gets of 256 values of 1 MiB run at a time, and a quarter of the limit is not available to
 * them. */
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
     "a hit in another process's memory, next to other systems: [SYSTEM...]"},
    {"herd", bench_herd, "10,000 concurrent gets of one cold key, and of 10,000 cold keys"},
    {"hot", bench_hot, "Zipf readers on three members: the share answered without a round trip"},
    {"h2", bench_h2, "as remote, over HTTP/2 in the clear, next to nginx with h2load"},
    {"all", bench_all, "remote, h2, herd and hot; writes docs/benchmarks.md with --out docs"},
    {"connections", bench_connections, "memory of idle connections, and TLS handshakes"},
    {"cores", bench_cores,
     "one cache per core, in threads and in processes: hits, peers over Unix sockets and TCP"},
    {"memory", bench_memory,
     "the memory of an item in addition to key and value, next to redis and memcached"},
    {"hitratio", bench_hitratio,
     "hit ratios of traces, next to other policies: FILE... --sizes 1%,5%,10%"},
    {"place", bench_place, "placement of keys: picks, lists, balance, movement"},
};

static int usage(void) {
  fputs("usage: gcache-bench COMMAND [options] [SYSTEM...|FILE...]\n\ncommands:\n", stderr);
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    fprintf(stderr, "  %-12s %s\n", commands[i].name, commands[i].what);
  fputs("\noptions:\n"
        "  --json           print one line of JSON per figure\n"
        "  --rounds N       the number of rounds; default 5\n"
        "  --seconds S      the length of a round; default 1\n"
        "  --bytes N        size of values; default: several sizes\n"
        "  --outstanding N  gets under way at a time; default: several numbers\n"
        "  --slow PERCENT   the share of gets whose getter is slow\n"
        "  --sizes LIST     cache sizes for hitratio, in percent of the keys; default 1%,5%,10%\n"
        "  --plot FILE.svg  where to write a graph\n"
        "  --out DIR        where to write the page of all\n",
        stderr);
  return 2;
}

/* Files move to the front of argv. 0: an invalid option. */
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
      return fprintf(stderr, "gcache-bench: invalid option or value: %s\n", argv[i]), 0;
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
