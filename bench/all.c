/* gcache-bench all --out DIR: the measurements between processes, written to
 *   DIR/benchmarks/figures.jsonl   one object per line
 *   DIR/benchmarks/remote.svg, h2.svg
 *   DIR/benchmarks.md              the tables replace everything below the line MARK; the method,
 *                                  above it, is kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <uv.h>

#include "goals.h"
#include "plot.h"
#include "rows.h"
#include "tables.h"

static const char mark[] = "<!-- What follows is written by gcache-bench all. -->\n";

static void path_in(const struct bench_options *o, const char *name, char path[256]) {
  snprintf(path, 256, "%s/%s", o->out, name);
}

static FILE *open_file(const char *path, const char *how) {
  FILE *f = fopen(path, how);
  if (f == NULL) bench_need(UV_EIO, path);
  return f;
}

static void close_file(FILE *f, const char *path) {
  if (fclose(f) != 0) bench_need(UV_EIO, path);
}

/* ---------------------------------------------------------------------------------- the page -- */

/* The text up to the mark, mark included; malloc'ed. */
static char *read_method(const char *path) {
  FILE *f = fopen(path, "r");
  char *text = calloc(1, (1 << 20) + sizeof mark), *at;
  if (text == NULL) bench_need(UV_ENOMEM, path);
  if (f != NULL && fread(text, 1, 1 << 20, f) == 1 << 20) bench_need(UV_E2BIG, path);
  if (f != NULL) fclose(f);
  at = strstr(text, mark);
  strcpy(at != NULL ? at : text + strlen(text), mark);
  return text;
}

static void write_machine(FILE *to) {
  char line[256], model[256] = "";
  FILE *f = fopen("/proc/cpuinfo", "r");
  struct utsname name;
  while (f != NULL && model[0] == '\0' && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL)
      snprintf(model, sizeof model, "%s", strchr(line, ':') + 2);
  if (f != NULL) fclose(f);
  model[strcspn(model, "\n")] = '\0';
  uname(&name);
  fprintf(to, "%s %s, %s, %ld processors", name.sysname, name.release, model,
          sysconf(_SC_NPROCESSORS_ONLN));
}

static void write_page(const struct bench_options *o, const struct rows *rows) {
  char path[256], *method;
  FILE *to;
  path_in(o, "benchmarks.md", path);
  method = read_method(path);
  to = open_file(path, "w");
  fputs(method, to);
  free(method);
  fputs("\n## Figures\n\n", to);
  write_machine(to);
  fprintf(to, "; %u rounds of %g s; medians, and for answers/s minimum and maximum.\n", o->rounds,
          o->seconds);
  fputs("\n### Goals\n\n", to);
  goals_write(rows, to);
  fputs("\n### remote\n\n![answers per second](benchmarks/remote.svg)\n", to);
  tables_write(rows, "remote", to);
  fputs("\n### h2\n\n![answers per second over HTTP/2](benchmarks/h2.svg)\n", to);
  tables_write(rows, "h2", to);
  fputs("\n### herd\n", to);
  tables_write(rows, "herd", to);
  fputs("\nThe same number of different keys, all of one owner:\n", to);
  tables_write(rows, "cold", to);
  fputs("\n### hot\n", to);
  tables_write(rows, "hot", to);
  close_file(to, path);
}

/* ------------------------------------------------------------------------------- all of them -- */

static void write_figures(const struct bench_options *o, const struct rows *rows) {
  char path[256];
  FILE *to;
  path_in(o, "benchmarks/figures.jsonl", path);
  to = open_file(path, "w");
  for (size_t i = 0; i < rows->n; i++)
    row_write_json(&rows->at[i], to);
  close_file(to, path);
}

int bench_all(const struct bench_options *o) {
  struct rows rows = {NULL, 0, 0};
  char path[256];
  if (o->out == NULL) {
    fputs("gcache-bench: all: --out DIR is missing\n", stderr);
    return 2;
  }
  path_in(o, "benchmarks", path);
  mkdir(o->out, 0777);
  mkdir(path, 0777);
  remote_run(o, &rows);
  remote_run_h2(o, &rows);
  herd_run(o, &rows);
  hot_run(o, &rows);
  write_figures(o, &rows);
  path_in(o, "benchmarks/remote.svg", path);
  plot_write(&rows, "remote", path);
  path_in(o, "benchmarks/h2.svg", path);
  plot_write(&rows, "h2", path);
  write_page(o, &rows);
  rows_free(&rows);
  return 0;
}
