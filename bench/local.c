/* gcache-bench local: what a hit costs, by operation and number of keys; uniform keys, 100-byte values.
 *
 * peek is one synchronous look-up. get is asked OUTSTANDING at a time and includes its callback from the
 * loop. Each round asks LOOKUPS times for keys drawn before the clock starts. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "figures.h"

#define VALUE_BYTES 100
#define LOOKUPS 2000000
#define OUTSTANDING 64

struct local {
  struct bench_member member;
  char (*keys)[KEY_SIZE]; /* the sequence asked for */
  gcache_get_t gets[OUTSTANDING];
  size_t next, answered;
};

static void on_filled(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)get, (void)value;
  bench_need(status, "fill");
}

static void fill(struct local *l, uint64_t n_keys) {
  char key[KEY_SIZE];
  for (uint64_t i = 0; i < n_keys;) {
    for (size_t k = 0; k < OUTSTANDING && i < n_keys; k++, i++) {
      bench_key(key, i);
      bench_need(
          gcache_get(&l->gets[k], l->member.group, gcache_bytes(key, KEY_SIZE), 0, on_filled),
          "fill");
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  }
}

static double peek_round(struct local *l) {
  uint64_t start = bench_now_ns();
  for (size_t i = 0; i < LOOKUPS; i++) {
    gcache_value_t *v = gcache_peek(l->member.group, gcache_bytes(l->keys[i], KEY_SIZE));
    if (v == NULL) bench_need(UV_ENOENT, "peek");
    gcache_value_unref(v);
  }
  return (double)(bench_now_ns() - start) / LOOKUPS;
}

static void ask_next(struct local *l, gcache_get_t *get);

static void on_answer(gcache_get_t *get, int status, gcache_value_t *value) {
  struct local *l = get->data;
  (void)value;
  bench_need(status, "get");
  l->answered++;
  ask_next(l, get);
}

static void ask_next(struct local *l, gcache_get_t *get) {
  if (l->next == LOOKUPS) return;
  bench_need(
      gcache_get(get, l->member.group, gcache_bytes(l->keys[l->next++], KEY_SIZE), 0, on_answer),
      "get");
}

static double get_round(struct local *l) {
  uint64_t start = bench_now_ns();
  l->next = l->answered = 0;
  for (size_t k = 0; k < OUTSTANDING; k++) {
    l->gets[k].data = l;
    ask_next(l, &l->gets[k]);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  if (l->answered != LOOKUPS) bench_need(UV_EIO, "get: answers are missing");
  return (double)(bench_now_ns() - start) / LOOKUPS;
}

static void report(const struct bench_options *o, const char *op, uint64_t n_keys,
                   struct figure ns) {
  if (o->json)
    printf(
        "{\"bench\":\"local\",\"system\":\"gcache\",\"op\":\"%s\",\"keys\":%llu,\"value_bytes\":%d,"
        "\"dist\":\"uniform\",\"ns\":%.1f,\"ns_min\":%.1f,\"ns_max\":%.1f}\n",
        op, (unsigned long long)n_keys, VALUE_BYTES, ns.median, ns.min, ns.max);
  else
    printf("%-6s %9llu keys  %7.1f ns  (%.1f to %.1f)\n", op, (unsigned long long)n_keys, ns.median,
           ns.min, ns.max);
  fflush(stdout);
}

static void measure(const struct bench_options *o, struct local *l, const char *op, uint64_t n_keys,
                    double (*round)(struct local *l)) {
  double *ns = calloc(o->rounds, sizeof *ns);
  if (ns == NULL) bench_need(UV_ENOMEM, "rounds");
  round(l); /* warms the caches */
  for (unsigned i = 0; i < o->rounds; i++)
    ns[i] = round(l);
  report(o, op, n_keys, figure_of(ns, o->rounds));
  free(ns);
}

static void measure_keys(const struct bench_options *o, uint64_t n_keys) {
  struct local *l = calloc(1, sizeof *l);
  uint64_t random = 88172645463325252u;

  if (l == NULL || (l->keys = calloc(LOOKUPS, KEY_SIZE)) == NULL) bench_need(UV_ENOMEM, "keys");
  for (size_t i = 0; i < LOOKUPS; i++)
    bench_key(l->keys[i], bench_random(&random) % n_keys);
  bench_open(&l->member, VALUE_BYTES, (size_t)n_keys * 512 + (1 << 20), GCACHE_HOT_DEFAULT);
  fill(l, n_keys);
  measure(o, l, "peek", n_keys, peek_round);
  measure(o, l, "get", n_keys, get_round);
  gcache_close(l->member.cache, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  free(l->keys);
  free(l);
}

int bench_local(const struct bench_options *o) {
  static const uint64_t sizes[] = {1000, 100000, 1000000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    measure_keys(o, sizes[i]);
  return 0;
}
