/* rows - what has been measured, a row for each system and setting, and how it is said. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdio.h>

#include "figures.h"
#include "remote.h"

struct row {
  const char *bench, *system;
  size_t value_bytes;
  unsigned outstanding;
  double slow_pct;
  struct figure figures[N_FIGURES];
  const char *extra; /* name of one figure more; NULL: none */
  struct figure more;
};

struct rows {
  struct row *at;
  size_t n, cap;
};

void rows_add(struct rows *rows, const struct row *row);
void rows_free(struct rows *rows);

void row_write_json(const struct row *row, FILE *to);
/* For people, in columns; heading: the row is the first of its setting. */
void row_write_line(const struct row *row, int heading, FILE *to);

#endif
