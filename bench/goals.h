/* goals - the ratios that gcache is meant to reach, computed from the measured rows. */
#ifndef BENCH_GOALS_H
#define BENCH_GOALS_H

#include "rows.h"

/* As a table in Markdown. What was not measured is left out. */
void goals_write(const struct rows *rows, FILE *to);

#endif
