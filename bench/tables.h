/* tables - writes rows as Markdown tables, one per size of value and share of slow gets. */
#ifndef BENCH_TABLES_H
#define BENCH_TABLES_H

#include "rows.h"

void tables_write(const struct rows *rows, const char *bench, FILE *to);

#endif
