#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

enum {
  PANEL_WIDTH = 440,
  PANEL_HEIGHT = 260,
  LEFT = 52, /* of a panel, around what is drawn */
  RIGHT = 104,
  TOP = 30,
  BOTTOM = 36,
  LABEL_HEIGHT = 13,
  PANELS_MAX = 24,
  POINTS_MAX = 16,
  SYSTEMS_MAX = 16
};

struct panel {
  size_t value_bytes;
  double slow_pct;
  int figure; /* PER_S or P99_US */
};

struct drawing {
  FILE *to;
  const struct rows *rows;
  const char *bench;
  struct panel panel;
  unsigned outstanding[POINTS_MAX]; /* from left to right */
  size_t n_outstanding;
  double low, high; /* decades of the axis */
};

struct label {
  const char *system;
  double y;
};

static const struct {
  const char *system, *colour, *style;
} looks[] = {
    {"gcache", "#2a7de1", "stroke-width:3.5"},
    {"floor", "#8a8f98", "stroke-dasharray:5 4"},
    {"redis", "#e0533d", ""},
    {"redis-hiredis", "#d0811c", ""},
    {"redis-pipelined", "#b5459a", ""},
    {"memcached", "#2e9e5b", ""},
    {"golang", "#12a0b5", ""},
    {"nginx", "#9463d8", ""},
};

static size_t look_of(const char *system) {
  for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
    if (strcmp(looks[i].system, system) == 0) return i;
  return 1;
}

/* ------------------------------------------------------------------------ what is in a panel -- */

static int is_in(const struct drawing *d, const struct row *row) {
  return strcmp(row->bench, d->bench) == 0 && row->value_bytes == d->panel.value_bytes &&
         row->slow_pct == d->panel.slow_pct && row->figures[d->panel.figure].median > 0;
}

static double value_of(const struct drawing *d, const struct row *row) {
  return row->figures[d->panel.figure].median;
}

static void add_outstanding(struct drawing *d, unsigned outstanding) {
  for (size_t i = 0; i < d->n_outstanding; i++)
    if (d->outstanding[i] == outstanding) return;
  if (d->n_outstanding < POINTS_MAX) d->outstanding[d->n_outstanding++] = outstanding;
}

static void measure(struct drawing *d) {
  d->low = 300;
  d->high = -300;
  d->n_outstanding = 0;
  for (size_t i = 0; i < d->rows->n; i++) {
    const struct row *row = &d->rows->at[i];
    if (!is_in(d, row)) continue;
    add_outstanding(d, row->outstanding);
    d->low = fmin(d->low, floor(log10(value_of(d, row))));
    d->high = fmax(d->high, ceil(log10(value_of(d, row))));
  }
  if (d->high <= d->low) d->high = d->low + 1;
}

static double x_of(const struct drawing *d, unsigned outstanding) {
  double width = PANEL_WIDTH - LEFT - RIGHT, i = 0;
  while (d->outstanding[(size_t)i] != outstanding)
    i++;
  return LEFT +
         (d->n_outstanding < 2 ? width / 2 : 8 + (width - 16) * i / (double)(d->n_outstanding - 1));
}

static double y_of(const struct drawing *d, double value) {
  return TOP + (PANEL_HEIGHT - TOP - BOTTOM) * (d->high - log10(value)) / (d->high - d->low);
}

/* ----------------------------------------------------------------------------------- drawing -- */

static void draw_title(const struct drawing *d) {
  const struct panel *p = &d->panel;
  fprintf(d->to, "<text class=\"title\" x=\"%d\" y=\"16\">", LEFT);
  if (p->value_bytes < 1024)
    fprintf(d->to, "%zu B", p->value_bytes);
  else if (p->value_bytes < 1024 * 1024)
    fprintf(d->to, "%zu KiB", p->value_bytes / 1024);
  else
    fprintf(d->to, "%zu MiB", p->value_bytes / 1024 / 1024);
  if (p->slow_pct > 0) fprintf(d->to, ", %g %% slow", p->slow_pct);
  fprintf(d->to, ": %s</text>\n",
          p->figure == PER_S ? "answers per second" : "p99 of hits, microseconds");
}

static void draw_axes(const struct drawing *d) {
  for (double decade = d->low; decade <= d->high; decade++) {
    double y = y_of(d, pow(10, decade));
    fprintf(d->to, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT,
            PANEL_WIDTH - RIGHT, y, y);
    fprintf(d->to, "<text class=\"end\" x=\"%d\" y=\"%.1f\">", LEFT - 6, y + 4);
    if (decade >= 6)
      fprintf(d->to, "%.0f M</text>\n", pow(10, decade - 6));
    else if (decade >= 3)
      fprintf(d->to, "%.0f k</text>\n", pow(10, decade - 3));
    else
      fprintf(d->to, "%g</text>\n", pow(10, decade));
  }
  for (size_t i = 0; i < d->n_outstanding; i++)
    fprintf(d->to, "<text class=\"middle\" x=\"%.1f\" y=\"%d\">%u</text>\n",
            x_of(d, d->outstanding[i]), PANEL_HEIGHT - BOTTOM + 16, d->outstanding[i]);
  fprintf(d->to, "<text class=\"middle\" x=\"%d\" y=\"%d\">gets outstanding</text>\n",
          (LEFT + PANEL_WIDTH - RIGHT) / 2, PANEL_HEIGHT - BOTTOM + 30);
}

/* The height of its last point; negative: it is not in the panel. */
static double draw_line(const struct drawing *d, const char *system) {
  size_t look = look_of(system);
  double last = -1;
  fprintf(d->to, "<g style=\"stroke:%s;fill:%s\"><path style=\"%s\" d=\"", looks[look].colour,
          looks[look].colour, looks[look].style);
  for (size_t i = 0; i < d->rows->n; i++) {
    const struct row *row = &d->rows->at[i];
    if (!is_in(d, row) || strcmp(row->system, system) != 0) continue;
    fprintf(d->to, "%c%.1f %.1f", last < 0 ? 'M' : 'L', x_of(d, row->outstanding),
            y_of(d, value_of(d, row)));
    last = y_of(d, value_of(d, row));
  }
  fputs("\"/>", d->to);
  for (size_t i = 0; i < d->rows->n; i++) {
    const struct row *row = &d->rows->at[i];
    if (is_in(d, row) && strcmp(row->system, system) == 0)
      fprintf(d->to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>", x_of(d, row->outstanding),
              y_of(d, value_of(d, row)));
  }
  fputs("</g>\n", d->to);
  return last;
}

static int by_height(const void *a, const void *b) {
  const struct label *x = a, *y = b;
  return (x->y > y->y) - (x->y < y->y);
}

/* From the top down, each at its line or, if another is there, below that; what does not fit is
 * moved up. */
static void draw_labels(const struct drawing *d, struct label *labels, size_t n) {
  double excess;
  qsort(labels, n, sizeof *labels, by_height);
  for (size_t i = 1; i < n; i++)
    labels[i].y = fmax(labels[i].y, labels[i - 1].y + LABEL_HEIGHT);
  for (size_t i = n; i-- > 0;) {
    excess = labels[i].y - (PANEL_HEIGHT - BOTTOM - (double)(n - 1 - i) * LABEL_HEIGHT);
    if (excess > 0) labels[i].y -= excess;
  }
  for (size_t i = 0; i < n; i++)
    fprintf(d->to, "<text x=\"%d\" y=\"%.1f\" style=\"fill:%s\">%s</text>\n",
            PANEL_WIDTH - RIGHT + 4, labels[i].y + 4, looks[look_of(labels[i].system)].colour,
            labels[i].system);
}

static void draw_panel(struct drawing *d, size_t nth) {
  struct label labels[SYSTEMS_MAX];
  size_t n = 0;
  measure(d);
  fprintf(d->to, "<g transform=\"translate(%zu %zu)\">\n", nth % 2 * PANEL_WIDTH,
          nth / 2 * PANEL_HEIGHT);
  draw_title(d);
  draw_axes(d);
  for (size_t i = 0; i < d->rows->n && n < SYSTEMS_MAX; i++) {
    const struct row *row = &d->rows->at[i];
    int known = !is_in(d, row);
    for (size_t k = 0; k < n && !known; k++)
      known = strcmp(labels[k].system, row->system) == 0;
    if (known) continue;
    labels[n].system = row->system;
    labels[n++].y = draw_line(d, row->system);
  }
  draw_labels(d, labels, n);
  fputs("</g>\n", d->to);
}

/* ------------------------------------------------------------------------------- the picture -- */

static size_t find_panels(const struct rows *rows, const char *bench, struct panel *panels) {
  size_t n = 0;
  for (size_t i = 0; i < rows->n && n + 1 < PANELS_MAX; i++) {
    const struct row *row = &rows->at[i];
    int known = strcmp(row->bench, bench) != 0;
    for (size_t k = 0; k < n && !known; k++)
      known = panels[k].value_bytes == row->value_bytes && panels[k].slow_pct == row->slow_pct;
    if (known) continue;
    panels[n++] = (struct panel){row->value_bytes, row->slow_pct, PER_S};
    if (row->slow_pct > 0) panels[n++] = (struct panel){row->value_bytes, row->slow_pct, P99_US};
  }
  return n;
}

static int by_slowness(const void *a, const void *b) {
  const struct panel *x = a, *y = b;
  if (x->slow_pct != y->slow_pct) return (x->slow_pct > y->slow_pct) - (x->slow_pct < y->slow_pct);
  if (x->value_bytes != y->value_bytes) return x->value_bytes < y->value_bytes ? -1 : 1;
  return x->figure - y->figure;
}

static void write_style(FILE *to) {
  fputs("<style>\n"
        "text { font: 12px sans-serif; fill: #333 }\n"
        ".title { font-weight: bold }\n"
        ".end { text-anchor: end }\n"
        ".middle { text-anchor: middle }\n"
        ".grid { stroke: #888; stroke-opacity: 0.4 }\n"
        "path { fill: none; stroke-width: 1.8 }\n"
        "@media (prefers-color-scheme: dark) { text { fill: #ddd } }\n"
        "</style>\n",
        to);
}

void plot_write(const struct rows *rows, const char *bench, const char *path) {
  struct panel panels[PANELS_MAX];
  size_t n = find_panels(rows, bench, panels), height = (n + 1) / 2 * PANEL_HEIGHT;
  struct drawing d = {.to = fopen(path, "w"), .rows = rows, .bench = bench};

  if (d.to == NULL) bench_need(UV_EIO, path);
  qsort(panels, n, sizeof *panels, by_slowness);
  fprintf(d.to,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" viewBox=\"0 0 %d "
          "%zu\">\n",
          2 * PANEL_WIDTH, height, 2 * PANEL_WIDTH, height);
  write_style(d.to);
  for (size_t i = 0; i < n; i++) {
    d.panel = panels[i];
    draw_panel(&d, i);
  }
  fputs("</svg>\n", d.to);
  if (fclose(d.to) != 0) bench_need(UV_EIO, path);
}
