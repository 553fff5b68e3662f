/* gcache-bench hitratio FILE... [--sizes 1%,5%,10%] [--unit] [--cluster N] [--json]: the share of
 * hits among the requests of a trace, in the store as shipped and in simple models of other
 * policies.
 *
 * A cache size is a share of the bytes of all values in the trace; --unit counts all values as one
 * size, as in traces without sizes. With --cluster N: see hitratio_cluster.c. See trace.h for the
 * files, model.h for the models. */
#include "hitratio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "model.h"

#define SIZES_MAX 16

static const struct {
  const char *name;
  uint64_t (*replay)(const struct trace *trace, uint64_t capacity);
} models[] = {{"fifo", model_fifo},     {"lru", model_lru}, {"sieve", model_sieve},
              {"s3fifo", model_s3fifo}, {"arc", model_arc}, {"wtinylfu", model_wtinylfu},
              {"belady", model_belady}};

static void report(const struct bench_options *o, const struct trace *trace, double pct,
                   const char *policy, uint64_t hits) {
  double hit_pct = 100.0 * (double)hits / (double)trace->n_asked;
  if (o->json)
    printf("{\"bench\":\"hitratio\",\"trace\":\"%s\",\"size_pct\":%g,\"policy\":\"%s\","
           "\"hit_pct\":%.2f}\n",
           trace->name, pct, policy, hit_pct);
  else
    printf("  %s %.2f", policy, hit_pct);
  fflush(stdout);
}

static void compare(const struct bench_options *o, const struct trace *trace, double pct) {
  uint64_t capacity = (uint64_t)((double)trace->bytes * pct / 100);
  if (!o->json) printf("%-14s %5g %%", trace->name, pct);
  report(o, trace, pct, "gcache", hitratio_store(trace, pct / 100));
  for (size_t i = 0; i < sizeof models / sizeof *models; i++)
    report(o, trace, pct, models[i].name, models[i].replay(trace, capacity));
  if (!o->json) putchar('\n');
}

/* "1%,5%,10%": how many, or 0 for what is no list of shares. */
static size_t read_sizes(double sizes[SIZES_MAX], const char *list) {
  size_t n = 0;
  while (n < SIZES_MAX) {
    char *end;
    sizes[n] = strtod(list, &end);
    if (end == list || !(sizes[n] > 0 && sizes[n] <= 100)) return 0;
    n++;
    if (*end == '%') end++;
    if (*end == '\0') return n;
    if (*end != ',') return 0;
    list = end + 1;
  }
  return 0;
}

static void forget_sizes(struct trace *trace) {
  for (size_t i = 0; i < trace->n_keys; i++)
    trace->sizes[i] = 1;
  trace->bytes = trace->n_keys;
  trace->sized = 0;
}

int bench_hitratio(const struct bench_options *o) {
  double sizes[SIZES_MAX];
  size_t n = read_sizes(sizes, o->sizes);
  if (n == 0 || o->n_files == 0) {
    fputs("usage: gcache-bench hitratio FILE... [--sizes 1%,5%,10%] [--unit] [--cluster N] "
          "[--json]\n"
          "  FILE: a trace, one key, or key,size, per line, plain or gzip\n"
          "  --unit: ignore the sizes; --cluster N: N members instead of one cache\n",
          stderr);
    return 2;
  }
  for (size_t f = 0; f < o->n_files; f++) {
    struct trace trace;
    trace_read(&trace, o->files[f]);
    if (o->unit) forget_sizes(&trace);
    for (size_t i = 0; i < n; i++)
      (o->cluster > 0 ? hitratio_cluster : compare)(o, &trace, sizes[i]);
    trace_free(&trace);
  }
  return 0;
}
