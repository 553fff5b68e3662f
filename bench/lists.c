/* gcache-bench place, second half: gcache_set_peers() as an application calls it, with the
 * transport.
 *
 * call: the time in the call; hold: the longest loop turn after it; total: the time of the call
 * and of all turns until no work is left; turns: their number. All times are CPU times of this
 * process. */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "bench.h"
#include "gcache/gcache.h"

enum { URL_SIZE = 40, LONGEST = 65534, TURNS_MAX = 100000 };

static const struct {
  const char *name;
  gcache_dialect_t dialect;
} kinds[] = {{"gcache", GCACHE_DIALECT_GCACHE},
             {"mailgun", GCACHE_DIALECT_MAILGUN},
             {"groupcache-go", GCACHE_DIALECT_GROUPCACHE_GO},
             {"golang", GCACHE_DIALECT_GOLANG}};

/* Set one after the other, so that most lists inherit from the one before. */
static const size_t sizes[] = {10,    32,    100,   101,   100,   1000, 10000,
                               10001, 10000, 65533, 65534, 65533, 1};

struct step {
  double call, hold, total;
  size_t turns;
};

static double ms_since(uint64_t since) {
  return (double)(bench_cpu_ns() - since) / 1e6;
}

static struct step set_list(gcache_t *cache, uv_loop_t *loop, const char *const urls[], size_t n) {
  struct step s = {0, 0, 0, 0};
  uint64_t since = bench_cpu_ns();
  bench_need(gcache_set_peers(cache, urls, NULL, n), "gcache_set_peers");
  s.call = s.total = ms_since(since);
  for (int more = 1; more && s.turns < TURNS_MAX; s.turns++) {
    since = bench_cpu_ns();
    more = uv_run(loop, UV_RUN_NOWAIT);
    double ms = ms_since(since);
    s.total += ms;
    if (ms > s.hold) s.hold = ms;
  }
  return s;
}

static void report(const struct bench_options *o, const char *kind, size_t n,
                   const struct step *s) {
  if (o->json)
    printf("{\"bench\":\"place_list\",\"kind\":\"%s\",\"peers\":%zu,\"call_ms\":%.3f,"
           "\"hold_ms\":%.3f,\"total_ms\":%.3f,\"turns\":%zu}\n",
           kind, n, s->call, s->hold, s->total, s->turns);
  else
    printf("%-14s %6zu %9.3f %8.3f %9.3f %6zu\n", kind, n, s->call, s->hold, s->total, s->turns);
  fflush(stdout);
}

static void measure(const struct bench_options *o, size_t kind, const char *const urls[]) {
  uv_loop_t loop;
  gcache_t *cache;
  gcache_options_t options;
  bench_need(uv_loop_init(&loop), "uv_loop_init");
  gcache_options_init(&options);
  options.loop = &loop;
  options.self = urls[0];
  options.dialect = kinds[kind].dialect;
  bench_need(gcache_open(&cache, &options), "gcache_open");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct step s = set_list(cache, &loop, urls, sizes[i]);
    report(o, kinds[kind].name, sizes[i], &s);
  }
  gcache_close(cache, NULL, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
}

void bench_place_lists(const struct bench_options *o) {
  char(*text)[URL_SIZE] = calloc(LONGEST, URL_SIZE);
  const char **urls = calloc(LONGEST, sizeof *urls);
  if (text == NULL || urls == NULL) bench_need(UV_ENOMEM, "place");
  for (size_t i = 0; i < LONGEST; i++) {
    snprintf(text[i], URL_SIZE, "http://10.%zu.%zu.%zu:8080", i >> 16, i >> 8 & 255, i & 255);
    urls[i] = text[i];
  }
  if (!o->json) puts("\nkind            peers   call ms  hold ms  total ms  turns");
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
    measure(o, kind, urls);
  free(urls);
  free(text);
}
