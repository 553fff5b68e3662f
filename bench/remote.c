/* gcache-bench remote: a hit in the owner's memory for a get by another process, and the effect of
 * loads of 50 ms among the gets; next to the floor and other systems. gcache-bench h2: the same
 * over HTTP/2.
 *
 * A setting is a size of value, a number of gets outstanding, and a share of slow gets. Its rounds
 * are interleaved: every system once, then every system again. Servers keep running, idle, while
 * others are measured. */
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "plot.h"
#include "rows.h"

enum { SYSTEMS_MAX = 8, OUTSTANDING_MOST = 256 };

struct contest {
  const char *bench;
  const struct bench_options *options;
  const struct remote_system *systems[SYSTEMS_MAX];
  struct server servers[SYSTEMS_MAX];
  size_t n;
  struct rows *rows;
};

/* ------------------------------------------------------------------------------- one setting -- */

struct round {
  const struct remote_system *system;
  const struct server *server;
  const struct work *work;
};

static void run_round(const void *arg, void *out) {
  const struct round *r = arg;
  r->system->ask(r->server, r->work, out);
}

void remote_round(const struct remote_system *system, const struct server *s, const struct work *w,
                  double out[N_FIGURES]) {
  struct round r = {system, s, w};
  process_ask(run_round, &r, out, N_FIGURES * sizeof *out);
}

static int takes_part(const struct contest *c, size_t i, const struct work *w) {
  return w->slow_pct <= 0 || c->systems[i]->loads;
}

/* rounds: of this system, one behind the other. */
static void report(const struct contest *c, size_t i, const struct work *w,
                   double (*rounds)[N_FIGURES], int heading) {
  struct row row = {.bench = c->bench,
                    .system = c->systems[i]->name,
                    .value_bytes = w->value_bytes,
                    .outstanding = w->outstanding,
                    .slow_pct = w->slow_pct};
  row_set_figures(&row, rounds, c->options->rounds);
  rows_say(c->rows, &row, c->options, heading);
}

static void measure(struct contest *c, const struct work *w) {
  unsigned n = c->options->rounds;
  double(*rounds)[N_FIGURES] = calloc((size_t)n * c->n, sizeof *rounds);
  int heading = 1;
  if (rounds == NULL) bench_need(UV_ENOMEM, "rounds");
  for (unsigned r = 0; r < n; r++)
    for (size_t i = 0; i < c->n; i++)
      if (takes_part(c, i, w)) remote_round(c->systems[i], &c->servers[i], w, rounds[i * n + r]);
  for (size_t i = 0; i < c->n; i++)
    if (takes_part(c, i, w)) {
      report(c, i, w, &rounds[i * n], heading);
      heading = 0;
    }
  free(rounds);
}

/* ------------------------------------------------------------------------------ all settings -- */

static void measure_slow(struct contest *c, struct work *w) {
  static const double slow_pct[] = {0, 0.1, 1};
  w->slow_pct = c->options->slow_pct;
  if (w->slow_pct >= 0) {
    measure(c, w);
    return;
  }
  for (size_t i = 0; i < sizeof slow_pct / sizeof *slow_pct; i++) {
    w->slow_pct = slow_pct[i];
    measure(c, w);
  }
}

static void measure_outstanding(struct contest *c, struct work *w) {
  static const unsigned outstanding[] = {1, 16, 64, 256};
  w->outstanding = c->options->outstanding;
  if (w->outstanding != 0) {
    measure_slow(c, w);
    return;
  }
  for (size_t i = 0; i < sizeof outstanding / sizeof *outstanding; i++) {
    w->outstanding = outstanding[i];
    measure_slow(c, w);
  }
}

/* What is not here is not looked for again. */
static void start_servers(struct contest *c, const struct work *w) {
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++)
    if (c->systems[i]->start(&c->servers[n], w)) c->systems[n++] = c->systems[i];
  c->n = n;
}

/* Servers live as long as a value's size is measured. */
static void measure_bytes(struct contest *c, size_t value_bytes) {
  struct work w = {.value_bytes = value_bytes, .seconds = c->options->seconds};
  w.n_keys = work_keys(value_bytes,
                       c->options->outstanding != 0 ? c->options->outstanding : OUTSTANDING_MOST);
  start_servers(c, &w);
  measure_outstanding(c, &w);
  for (size_t i = 0; i < c->n; i++)
    process_stop(&c->servers[i]);
}

static int is_wanted(const struct bench_options *o, const char *system) {
  for (size_t i = 0; i < o->n_files; i++)
    if (strcmp(o->files[i], system) == 0) return 1;
  return o->n_files == 0;
}

static void run(const struct bench_options *o, const char *bench,
                const struct remote_system *const systems[], struct rows *rows) {
  static const size_t bytes[] = {100, 1024, 64 * 1024, 1024 * 1024};
  struct contest c = {.bench = bench, .options = o, .rows = rows};
  for (size_t i = 0; systems[i] != NULL; i++)
    if (is_wanted(o, systems[i]->name)) c.systems[c.n++] = systems[i];
  if (o->bytes != 0) {
    measure_bytes(&c, o->bytes);
    return;
  }
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
    measure_bytes(&c, bytes[i]);
}

void remote_run(const struct bench_options *o, struct rows *rows) {
  static const struct remote_system *const systems[] = {
      &remote_gcache,        &remote_floor,           &remote_redis,
      &remote_redis_hiredis, &remote_redis_pipelined, &remote_memcached,
      &remote_golang,        &remote_nginx,           NULL};
  run(o, "remote", systems, rows);
}

void remote_run_h2(const struct bench_options *o, struct rows *rows) {
  static const struct remote_system *const systems[] = {&remote_gcache_h2, &remote_nginx_h2, NULL};
  struct bench_options of_hits = *o;
  if (!BENCH_HTTP2) {
    fputs("gcache-bench: h2 is left out: built without HTTP/2\n", stderr);
    return;
  }
  if (o->slow_pct < 0) of_hits.slow_pct = 0;
  run(&of_hits, "h2", systems, rows);
}

int bench_remote(const struct bench_options *o) {
  struct rows rows = {NULL, 0, 0};
  if (o->one_process) return bench_one_process(o);
  remote_run(o, &rows);
  if (o->plot != NULL) plot_write(&rows, "remote", o->plot);
  rows_free(&rows);
  return 0;
}

int bench_h2(const struct bench_options *o) {
  struct rows rows = {NULL, 0, 0};
  remote_run_h2(o, &rows);
  if (o->plot != NULL) plot_write(&rows, "h2", o->plot);
  rows_free(&rows);
  return 0;
}
