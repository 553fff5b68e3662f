/* plot - draws rows as a graph: one panel per size of value and share of slow gets, one line per
 * system, over the gets outstanding; both axes logarithmic. SVG, readable on light and on dark. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "rows.h"

/* Of bench's rows alone. What cannot be written ends the bench. */
void plot_write(const struct rows *rows, const char *bench, const char *path);

#endif
