/* gcache-bench herd: 10,000 concurrent callers on a cluster of three members with nothing in
 * memory.
 *
 * herd: gets of one key, a third on each member, in one turn each; the key takes 50 ms to load.
 * Measures the number of loads, and the time of the last answer.
 * cold: gets of 10,000 keys, all of one owner, on another member in one turn; each takes 50 ms. */
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "cluster.h"
#include "rows.h"

struct outcome {
  double figures[N_FIGURES];
  double loads, last_ms;
};

/* Node 0 is the server of `cold`; of `herd` all serve and ask. */
static void order_all(struct cluster *c, const struct order *whole, struct done *done) {
  struct order order = *whole;
  if (order.kind == ORDER_EACH) {
    cluster_order(c, 1, &order);
    cluster_wait(c, 1, &done[1]);
    return;
  }
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    order.n = (whole->n + CLUSTER_NODES - 1 - i) / CLUSTER_NODES;
    cluster_order(c, i, &order);
  }
  for (size_t i = 0; i < CLUSTER_NODES; i++)
    cluster_wait(c, i, &done[i]);
}

struct totals {
  uint64_t loads, cpu_ns[CLUSTER_NODES];
};

static void read_totals(struct cluster *c, struct totals *t) {
  struct order nothing = {.kind = ORDER_SAME};
  struct done done;
  t->loads = 0;
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    cluster_order(c, i, &nothing);
    cluster_wait(c, i, &done);
    t->loads += done.loads;
    t->cpu_ns[i] = done.cpu_ns;
  }
}

static void run_round(struct cluster *c, const struct order *order, struct outcome *out) {
  static struct done done[CLUSTER_NODES];
  struct latencies *all = calloc(1, sizeof *all);
  struct totals before, after;
  uint64_t begin_ns = UINT64_MAX, end_ns = 0, cpu_ns = 0;
  size_t first = order->kind == ORDER_EACH, last = first ? 1 : CLUSTER_NODES - 1; /* of who asks */

  if (all == NULL) bench_need(UV_ENOMEM, "latencies");
  read_totals(c, &before);
  order_all(c, order, done);
  read_totals(c, &after);
  for (size_t i = first; i <= last; i++) {
    if (done[i].begin_ns < begin_ns) begin_ns = done[i].begin_ns;
    if (done[i].end_ns > end_ns) end_ns = done[i].end_ns;
    latencies_merge(all, &done[i].latencies);
    cpu_ns += after.cpu_ns[i] - before.cpu_ns[i];
  }
  if (all->count != order->n) bench_need(UV_EIO, "answers are missing");
  out->figures[PER_S] = (double)order->n * 1e9 / (double)(end_ns - begin_ns);
  out->figures[P50_US] = latencies_at_us(all, 0.5);
  out->figures[P99_US] = latencies_at_us(all, 0.99);
  out->figures[P999_US] = latencies_at_us(all, 0.999);
  out->figures[CLIENT_CPU_US] = (double)cpu_ns / 1e3 / (double)order->n;
  out->figures[SERVER_CPU_US] = first == 0 ? 0
                                           : (double)(after.cpu_ns[0] - before.cpu_ns[0]) / 1e3 /
                                                 (double)order->n;
  out->loads = (double)(after.loads - before.loads);
  out->last_ms = (double)(end_ns - begin_ns) / 1e6;
  free(all);
}

static void measure(const struct bench_options *o, const char *bench, enum order_kind kind,
                    struct rows *rows) {
  struct node_setting setting = {.value_bytes = o->bytes != 0 ? o->bytes : 100};
  struct order order = {.kind = kind};
  uint64_t n = o->outstanding != 0 ? o->outstanding : 10000;
  struct row row = {.bench = bench,
                    .system = "gcache",
                    .value_bytes = setting.value_bytes,
                    .outstanding = (unsigned)n,
                    .slow_pct = 100};
  double(*figures)[N_FIGURES] = calloc(o->rounds, sizeof *figures);
  double *loads = calloc(o->rounds, sizeof *loads), *last_ms = calloc(o->rounds, sizeof *last_ms);
  struct cluster c;

  if (figures == NULL || loads == NULL || last_ms == NULL) bench_need(UV_ENOMEM, "rounds");
  setting.max_bytes = (size_t)(o->rounds + 2) * n * 4 * (setting.value_bytes + 256) + (1 << 20);
  cluster_start(&c, &setting);
  for (unsigned i = 0; i <= o->rounds; i++) {
    unsigned at = i == 0 ? 0 : i - 1; /* the first opens the connections */
    struct outcome outcome;
    order.first = i * n * 16;
    order.n = i == 0 && n > 100 ? 100 : n;
    run_round(&c, &order, &outcome);
    memcpy(figures[at], outcome.figures, sizeof outcome.figures);
    loads[at] = outcome.loads;
    last_ms[at] = outcome.last_ms;
  }
  cluster_stop(&c);
  row_set_figures(&row, figures, o->rounds);
  row.more[0].name = "loads";
  row.more[0].figure = figure_of(loads, o->rounds);
  row.more[1].name = "last_ms";
  row.more[1].figure = figure_of(last_ms, o->rounds);
  rows_say(rows, &row, o, 1);
  free(figures);
  free(loads);
  free(last_ms);
}

void herd_run(const struct bench_options *o, struct rows *rows) {
  measure(o, "herd", ORDER_SAME, rows);
  measure(o, "cold", ORDER_EACH, rows);
}

int bench_herd(const struct bench_options *o) {
  struct rows rows = {NULL, 0, 0};
  herd_run(o, &rows);
  rows_free(&rows);
  return 0;
}
