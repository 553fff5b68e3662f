#include "tables.h"

#include <string.h>

/* 1234567 as 1,234,567. */
static void write_count(double count, FILE *to) {
  char digits[32];
  int n = snprintf(digits, sizeof digits, "%.0f", count);
  for (int i = 0; i < n; i++) {
    if (i > 0 && (n - i) % 3 == 0) fputc(',', to);
    fputc(digits[i], to);
  }
}

static void write_bytes(size_t bytes, FILE *to) {
  if (bytes < 1024)
    fprintf(to, "%zu B", bytes);
  else if (bytes < 1024 * 1024)
    fprintf(to, "%zu KiB", bytes / 1024);
  else
    fprintf(to, "%zu MiB", bytes / 1024 / 1024);
}

static void begin_table(const struct row *row, FILE *to) {
  fputs("\n**", to);
  write_bytes(row->value_bytes, to);
  if (row->slow_pct > 0 && row->slow_pct < 100) fprintf(to, ", %g %% slow", row->slow_pct);
  fputs("**\n\n| outstanding | system | answers/s | min | max | p50 us | p99 us | p99.9 us | "
        "client CPU us | server CPU us |",
        to);
  for (size_t i = 0; i < MORE_MAX && row->more[i].name != NULL; i++)
    fprintf(to, " %s |", row->more[i].name);
  fputs("\n|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|", to);
  for (size_t i = 0; i < MORE_MAX && row->more[i].name != NULL; i++)
    fputs("--:|", to);
  fputc('\n', to);
}

static void write_row(const struct row *row, int is_first, FILE *to) {
  const struct figure *f = row->figures;
  if (is_first)
    fprintf(to, "| %u", row->outstanding);
  else
    fputs("|", to);
  fprintf(to, " | %s | ", row->system);
  write_count(f[PER_S].median, to);
  fputs(" | ", to);
  write_count(f[PER_S].min, to);
  fputs(" | ", to);
  write_count(f[PER_S].max, to);
  fprintf(to, " | %.1f | %.1f | %.1f | %.2f | ", f[P50_US].median, f[P99_US].median,
          f[P999_US].median, f[CLIENT_CPU_US].median);
  if (f[SERVER_CPU_US].median > 0) fprintf(to, "%.2f", f[SERVER_CPU_US].median);
  fputs(" |", to);
  for (size_t i = 0; i < MORE_MAX && row->more[i].name != NULL; i++)
    fprintf(to, " %.6g |", row->more[i].figure.median);
  fputc('\n', to);
}

static int is_like(const struct row *row, const struct row *first) {
  return strcmp(row->bench, first->bench) == 0 && row->value_bytes == first->value_bytes &&
         row->slow_pct == first->slow_pct;
}

static int is_first_of_its_kind(const struct rows *rows, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (is_like(&rows->at[k], &rows->at[i])) return 0;
  return 1;
}

void tables_write(const struct rows *rows, const char *bench, FILE *to) {
  for (size_t i = 0; i < rows->n; i++) {
    const struct row *first = &rows->at[i];
    unsigned outstanding = 0;
    if (strcmp(first->bench, bench) != 0 || !is_first_of_its_kind(rows, i)) continue;
    begin_table(first, to);
    for (size_t k = i; k < rows->n; k++) {
      if (!is_like(&rows->at[k], first)) continue;
      write_row(&rows->at[k], rows->at[k].outstanding != outstanding, to);
      outstanding = rows->at[k].outstanding;
    }
  }
}
