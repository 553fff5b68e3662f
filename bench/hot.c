/* gcache-bench hot: readers on each of three members get keys by Zipf's law, exponent 0.99. Each
 * member has room for half of all keys. Measures the share of gets answered without a round trip:
 * from the memory for keys the member owns, and from its hot cache. The first round fills memory
 * and is not counted. */
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "cluster.h"
#include "rows.h"

enum { KEYS = 100000, ITEM_OVERHEAD = 96 };

struct outcome {
  double figures[N_FIGURES];
  double local_pct, hot_pct;
};

static void run_round(struct cluster *c, const struct order *order, struct outcome *out) {
  static uint64_t cpu_ns; /* of all members, so far */
  struct latencies *all = calloc(1, sizeof *all);
  struct done *done = calloc(1, sizeof *done);
  uint64_t before_ns = cpu_ns;
  double from_main = 0, from_hot = 0, answers = 0;

  if (all == NULL || done == NULL) bench_need(UV_ENOMEM, "latencies");
  cpu_ns = 0;
  for (size_t i = 0; i < CLUSTER_NODES; i++)
    cluster_order(c, i, order);
  out->figures[PER_S] = 0;
  for (size_t i = 0; i < CLUSTER_NODES; i++) {
    cluster_wait(c, i, done);
    out->figures[PER_S] += (double)done->answers * 1e9 / (double)(done->end_ns - done->begin_ns);
    latencies_merge(all, &done->latencies);
    answers += (double)done->answers;
    from_main += (double)done->from_main;
    from_hot += (double)done->from_hot;
    cpu_ns += done->cpu_ns;
  }
  out->figures[P50_US] = latencies_at_us(all, 0.5);
  out->figures[P99_US] = latencies_at_us(all, 0.99);
  out->figures[P999_US] = latencies_at_us(all, 0.999);
  out->figures[CLIENT_CPU_US] = (double)(cpu_ns - before_ns) / 1e3 / answers;
  out->figures[SERVER_CPU_US] = 0; /* every member is both */
  out->local_pct = 100 * (from_main + from_hot) / answers;
  out->hot_pct = 100 * from_hot / answers;
  free(all);
  free(done);
}

static void measure(const struct bench_options *o, unsigned outstanding, struct rows *rows) {
  struct node_setting setting = {.value_bytes = o->bytes != 0 ? o->bytes : 100};
  struct order order = {
      .kind = ORDER_ZIPF, .n = KEYS, .outstanding = outstanding, .seconds = o->seconds};
  struct row row = {.bench = "hot",
                    .system = "gcache",
                    .value_bytes = setting.value_bytes,
                    .outstanding = outstanding};
  double(*figures)[N_FIGURES] = calloc(o->rounds, sizeof *figures);
  double *local = calloc(o->rounds, sizeof *local), *hot = calloc(o->rounds, sizeof *hot);
  struct cluster c;

  if (figures == NULL || local == NULL || hot == NULL) bench_need(UV_ENOMEM, "rounds");
  setting.max_bytes = KEYS / 2 * (setting.value_bytes + ITEM_OVERHEAD);
  cluster_start(&c, &setting);
  for (unsigned i = 0; i <= o->rounds; i++) {
    unsigned at = i == 0 ? 0 : i - 1;
    struct outcome outcome;
    run_round(&c, &order, &outcome);
    memcpy(figures[at], outcome.figures, sizeof outcome.figures);
    local[at] = outcome.local_pct;
    hot[at] = outcome.hot_pct;
  }
  cluster_stop(&c);
  row_set_figures(&row, figures, o->rounds);
  row.more[0].name = "local_pct";
  row.more[0].figure = figure_of(local, o->rounds);
  row.more[1].name = "hot_pct";
  row.more[1].figure = figure_of(hot, o->rounds);
  rows_say(rows, &row, o, 1);
  free(figures);
  free(local);
  free(hot);
}

void hot_run(const struct bench_options *o, struct rows *rows) {
  static const unsigned outstanding[] = {1, 16, 64, 256};
  if (o->outstanding != 0) {
    measure(o, o->outstanding, rows);
    return;
  }
  for (size_t i = 0; i < sizeof outstanding / sizeof *outstanding; i++)
    measure(o, outstanding[i], rows);
}

int bench_hot(const struct bench_options *o) {
  struct rows rows = {NULL, 0, 0};
  hot_run(o, &rows);
  rows_free(&rows);
  return 0;
}
