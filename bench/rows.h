/* rows - the measured figures, one row per system and setting, and their output. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdio.h>

#include "figures.h"
#include "remote.h"

enum { MORE_MAX = 2 };

struct row {
  const char *bench, *system;
  size_t value_bytes;
  unsigned outstanding;
  double slow_pct;
  struct figure figures[N_FIGURES];
  struct {
    const char *name; /* NULL: there is none */
    struct figure figure;
  } more[MORE_MAX];
};

struct rows {
  struct row *at;
  size_t n, cap;
};

/* The n figures of one kind for each of those rounds: [round][kind]. */
void row_set_figures(struct row *row, double (*rounds)[N_FIGURES], unsigned n);
/* Adds a row, which is said on stdout as the options want. */
void rows_say(struct rows *rows, const struct row *row, const struct bench_options *o, int heading);
void rows_free(struct rows *rows);

/* What the sub-commands of those names measure, said as they go. */
void remote_run(const struct bench_options *o, struct rows *rows);
void remote_run_h2(const struct bench_options *o, struct rows *rows);
void herd_run(const struct bench_options *o, struct rows *rows);
void hot_run(const struct bench_options *o, struct rows *rows);

void row_write_json(const struct row *row, FILE *to);
/* For people, in columns; heading: the row is the first of its setting. */
void row_write_line(const struct row *row, int heading, FILE *to);

#endif
