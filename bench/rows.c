#include "rows.h"

#include <stdlib.h>

#include <uv.h>

void row_set_figures(struct row *row, double (*rounds)[N_FIGURES], unsigned n) {
  double *of = calloc(n, sizeof *of);
  if (of == NULL) bench_need(UV_ENOMEM, "rounds");
  for (int k = 0; k < N_FIGURES; k++) {
    for (unsigned r = 0; r < n; r++)
      of[r] = rounds[r][k];
    row->figures[k] = figure_of(of, n);
  }
  free(of);
}

static void add(struct rows *rows, const struct row *row) {
  if (rows->n == rows->cap) {
    rows->cap = 2 * rows->cap + 16;
    rows->at = realloc(rows->at, rows->cap * sizeof *rows->at);
    if (rows->at == NULL) bench_need(UV_ENOMEM, "rows");
  }
  rows->at[rows->n++] = *row;
}

void rows_free(struct rows *rows) {
  free(rows->at);
  *rows = (struct rows){NULL, 0, 0};
}

void row_write_json(const struct row *row, FILE *to) {
  const struct figure *f = row->figures;
  fprintf(to,
          "{\"bench\":\"%s\",\"system\":\"%s\",\"value_bytes\":%zu,\"outstanding\":%u,"
          "\"slow_pct\":%g,\"per_s\":%.0f,\"per_s_min\":%.0f,\"per_s_max\":%.0f,\"p50_us\":%.1f,"
          "\"p99_us\":%.1f,\"p999_us\":%.1f,\"client_cpu_us\":%.3f,\"server_cpu_us\":%.3f",
          row->bench, row->system, row->value_bytes, row->outstanding, row->slow_pct,
          f[PER_S].median, f[PER_S].min, f[PER_S].max, f[P50_US].median, f[P99_US].median,
          f[P999_US].median, f[CLIENT_CPU_US].median, f[SERVER_CPU_US].median);
  for (size_t i = 0; i < MORE_MAX && row->more[i].name != NULL; i++)
    fprintf(to, ",\"%s\":%g", row->more[i].name, row->more[i].figure.median);
  fputs("}\n", to);
  fflush(to);
}

void row_write_line(const struct row *row, int heading, FILE *to) {
  const struct figure *f = row->figures;
  if (heading) {
    fprintf(to, "\n%s: %zu bytes, %u outstanding", row->bench, row->value_bytes, row->outstanding);
    if (row->slow_pct > 0) fprintf(to, ", %g %% slow", row->slow_pct);
    fprintf(to, "\n%-16s %9s %10s %9s %9s %9s %9s %10s %10s\n", "", "answers/s", "min", "max",
            "p50 us", "p99 us", "p99.9 us", "client cpu", "server cpu");
  }
  fprintf(to, "%-16s %9.0f %10.0f %9.0f %9.1f %9.1f %9.1f %10.3f %10.3f", row->system,
          f[PER_S].median, f[PER_S].min, f[PER_S].max, f[P50_US].median, f[P99_US].median,
          f[P999_US].median, f[CLIENT_CPU_US].median, f[SERVER_CPU_US].median);
  for (size_t i = 0; i < MORE_MAX && row->more[i].name != NULL; i++)
    fprintf(to, "  %s %g (%g to %g)", row->more[i].name, row->more[i].figure.median,
            row->more[i].figure.min, row->more[i].figure.max);
  fputc('\n', to);
  fflush(to);
}

void rows_say(struct rows *rows, const struct row *row, const struct bench_options *o,
              int heading) {
  add(rows, row);
  if (o->json)
    row_write_json(row, stdout);
  else
    row_write_line(row, heading, stdout);
}
