/* gcache-bench local: the cost of a hit, by operation, size of value, number of keys and their
 * distribution, next to the floor and golang/groupcache.
 *
 * peek is one synchronous look-up and the release of its value; peek_many looks up BATCH keys at a
 * time; get runs OUTSTANDING at a time and includes its callback from the loop. get_many and
 * get_each are the same number of gets, BATCH per call, completed together or one by one. A round
 * makes LOOKUPS look-ups, of keys drawn before the clock starts; systems and operations take turns,
 * round by round.
 *
 * Instructions are those of the setting with 1,000 keys of 100 bytes: they depend on neither. With
 * `SYSTEM OP ROUNDS` after `local`, only that operation runs, for instructions.c. */
#include "local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bench.h"
#include "gcache/many.h"
#include "figures.h"
#include "floor.h"

enum { LOOKUPS = 2000000, LOOKUPS_COUNTED = 20000, OUTSTANDING = 256, BATCH = 64 };

struct local {
  struct bench_member member;
  struct floor floor;
  uint32_t *asked;
  char (*keys)[KEY_SIZE]; /* the sequence asked for */
  size_t n_asked;
  gcache_get_t gets[OUTSTANDING];
  gcache_many_t batches[OUTSTANDING / BATCH];
  gcache_get_cb each; /* of the batches */
  size_t next, answered;
};

/* ------------------------------------------------------------------------------- rounds -- */

static gcache_bytes_t key_at(const struct local *l, size_t i) {
  return gcache_bytes(l->keys[i], KEY_SIZE);
}

static void floor_peek(struct local *l) {
  for (size_t i = 0; i < l->n_asked; i++)
    if (floor_find(&l->floor, l->keys[i]) == NULL) bench_need(UV_ENOENT, "floor");
}

static void peek(struct local *l) {
  for (size_t i = 0; i < l->n_asked; i++) {
    gcache_value_t *v = gcache_peek(l->member.group, key_at(l, i));
    if (v == NULL) bench_need(UV_ENOENT, "peek");
    gcache_value_unref(v);
  }
}

static void peek_many(struct local *l) {
  gcache_bytes_t keys[BATCH];
  gcache_value_t *values[BATCH];
  for (size_t i = 0; i < l->n_asked; i += BATCH) {
    size_t n = l->n_asked - i < BATCH ? l->n_asked - i : BATCH;
    for (size_t k = 0; k < n; k++)
      keys[k] = key_at(l, i + k);
    if (gcache_peek_many(l->member.group, keys, n, values) != n) bench_need(UV_ENOENT, "peek_many");
    for (size_t k = 0; k < n; k++)
      gcache_value_unref(values[k]);
  }
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
  if (l->next == l->n_asked) return;
  bench_need(gcache_get(get, l->member.group, key_at(l, l->next++), 0, on_answer), "get");
}

static void get(struct local *l) {
  l->next = l->answered = 0;
  for (size_t k = 0; k < OUTSTANDING; k++) {
    l->gets[k].data = l;
    ask_next(l, &l->gets[k]);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  if (l->answered != l->n_asked) bench_need(UV_EIO, "get: answers are missing");
}

static void on_many(gcache_many_t *many, gcache_get_t gets[], size_t n);

static void ask_many(struct local *l, size_t batch) {
  gcache_bytes_t keys[BATCH];
  size_t n = 0;
  while (n < BATCH && l->next < l->n_asked)
    keys[n++] = key_at(l, l->next++);
  if (n == 0) return;
  bench_need(gcache_get_many(&l->batches[batch], l->member.group, keys, n, &l->gets[batch * BATCH],
                             0, l->each, on_many),
             "get_many");
}

static void on_many(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct local *l = many->data;
  for (size_t k = 0; k < n; k++)
    bench_need(gcache_get_status(&gets[k]), "get_many");
  l->answered += n;
  ask_many(l, (size_t)(many - l->batches));
}

static void on_each(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)get, (void)value;
  bench_need(status, "get_each");
}

static void run_many(struct local *l, gcache_get_cb each) {
  l->each = each;
  l->next = l->answered = 0;
  for (size_t batch = 0; batch < OUTSTANDING / BATCH; batch++) {
    l->batches[batch].data = l;
    ask_many(l, batch);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  if (l->answered != l->n_asked) bench_need(UV_EIO, "get_many: answers are missing");
}

static void get_many(struct local *l) {
  run_many(l, NULL);
}

static void get_each(struct local *l) {
  run_many(l, on_each);
}

static const struct {
  const char *system, *op;
  void (*round)(struct local *l);
} measured[] = {
    {"floor", "peek", floor_peek},      {"gcache", "peek", peek},
    {"gcache", "peek_many", peek_many}, {"gcache", "get", get},
    {"gcache", "get_many", get_many},   {"gcache", "get_each", get_each},
};

enum { MEASURED = sizeof measured / sizeof *measured };

/* ------------------------------------------------------------------------------ setting up -- */

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

static void draw_keys(struct local *l, const struct setting *s) {
  draw(s->dist, s->n_keys, l->asked, l->n_asked);
  for (size_t i = 0; i < l->n_asked; i++)
    bench_key(l->keys[i], l->asked[i]);
}

static struct local *local_open(const struct setting *s, size_t n_asked) {
  struct local *l = calloc(1, sizeof *l);
  if (l == NULL) bench_need(UV_ENOMEM, "local");
  l->n_asked = n_asked;
  l->asked = calloc(n_asked, sizeof *l->asked);
  l->keys = calloc(n_asked, KEY_SIZE);
  if (l->asked == NULL || l->keys == NULL) bench_need(UV_ENOMEM, "keys");
  bench_open(&l->member, s->value_bytes, (size_t)s->n_keys * (s->value_bytes + 256) + (1 << 20),
             GCACHE_HOT_DEFAULT);
  fill(l, s->n_keys);
  floor_open(&l->floor, s->n_keys, s->value_bytes);
  return l;
}

static void local_close(struct local *l) {
  gcache_close(l->member.cache, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  floor_close(&l->floor);
  free(l->asked);
  free(l->keys);
  free(l);
}

/* ------------------------------------------------------------------------------ reporting -- */

static void report(const struct bench_options *o, const struct setting *s, const char *system,
                   const char *op, double *rounds, double instructions) {
  struct figure ns = figure_of(rounds, o->rounds);
  char count[32] = "null";
  if (instructions > 0) snprintf(count, sizeof count, "%.0f", instructions);
  if (o->json)
    printf("{\"bench\":\"local\",\"system\":\"%s\",\"op\":\"%s\",\"keys\":%llu,\"value_bytes\":%zu,"
           "\"dist\":\"%s\",\"ns\":%.1f,\"ns_min\":%.1f,\"ns_max\":%.1f,\"instructions\":%s}\n",
           system, op, (unsigned long long)s->n_keys, s->value_bytes, draw_name(s->dist), ns.median,
           ns.min, ns.max, count);
  else
    printf("%-6s %-9s %9llu keys  %5zu bytes  %-8s  %7.1f ns  (%.1f to %.1f)  %s instructions\n",
           system, op, (unsigned long long)s->n_keys, s->value_bytes, draw_name(s->dist), ns.median,
           ns.min, ns.max, instructions > 0 ? count : "?");
  fflush(stdout);
}

static double timed_round(struct local *l, size_t which) {
  uint64_t start = bench_now_ns();
  measured[which].round(l);
  return (double)(bench_now_ns() - start) / (double)l->n_asked;
}

/* The first round of each warms the caches and is not counted. */
static void measure(const struct bench_options *o, struct local *l, const struct setting *s,
                    const double instructions[MEASURED]) {
  double *ns = calloc((size_t)MEASURED * o->rounds, sizeof *ns);
  if (ns == NULL) bench_need(UV_ENOMEM, "rounds");
  for (size_t k = 0; k < MEASURED; k++)
    timed_round(l, k);
  for (unsigned i = 0; i < o->rounds; i++)
    for (size_t k = 0; k < MEASURED; k++)
      ns[k * o->rounds + i] = timed_round(l, k);
  for (size_t k = 0; k < MEASURED; k++)
    report(o, s, measured[k].system, measured[k].op, &ns[k * o->rounds], instructions[k]);
  if (golang_rounds(s, l->asked, l->n_asked, ns, o->rounds)) report(o, s, "golang", "get", ns, 0);
  free(ns);
}

static void measure_size(const struct bench_options *o, uint64_t n_keys, size_t value_bytes,
                         const double instructions[MEASURED]) {
  struct setting s = {n_keys, value_bytes, DRAW_UNIFORM};
  struct local *l = local_open(&s, LOOKUPS);
  for (int dist = DRAW_UNIFORM; dist <= DRAW_ZIPF; dist++) {
    s.dist = (enum draw_dist)dist;
    draw_keys(l, &s);
    measure(o, l, &s, instructions);
  }
  local_close(l);
}

static int run_for_a_counter(const char *system, const char *op, int rounds) {
  struct setting s = {1000, 100, DRAW_UNIFORM};
  struct local *l = local_open(&s, LOOKUPS_COUNTED);
  draw_keys(l, &s);
  for (size_t k = 0; k < MEASURED; k++)
    for (int i = 0; i < rounds; i++)
      if (strcmp(measured[k].system, system) == 0 && strcmp(measured[k].op, op) == 0)
        measured[k].round(l);
  local_close(l);
  return 0;
}

int bench_local(const struct bench_options *o) {
  static const uint64_t sizes[] = {1000, 100000, 1000000};
  double instructions[MEASURED];
  if (o->n_files == 3) return run_for_a_counter(o->files[0], o->files[1], atoi(o->files[2]));
  for (size_t k = 0; k < MEASURED; k++)
    instructions[k] = instructions_of(measured[k].system, measured[k].op) / LOOKUPS_COUNTED;
  for (size_t value_bytes = 100; value_bytes <= 1024; value_bytes += 924)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      measure_size(o, sizes[i], value_bytes, instructions);
  return 0;
}
