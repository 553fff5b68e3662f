/* plot - rows as a picture: a panel for each size of value and share of slow gets, a line for each
 * system, over the gets outstanding; both axes logarithmic. SVG that reads on light and on dark. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "rows.h"

/* Of bench's rows alone. What cannot be written ends the bench. */
void plot_write(const struct rows *rows, const char *bench, const char *path);

#endif
