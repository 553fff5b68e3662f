/* goals - the ratios that gcache is built for, from what has been measured. */
#ifndef BENCH_GOALS_H
#define BENCH_GOALS_H

#include "rows.h"

/* As a table in Markdown. What was not measured is left out. */
void goals_write(const struct rows *rows, FILE *to);

#endif
