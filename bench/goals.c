#include "goals.h"

#include <string.h>

enum { FIRST_MORE = N_FIGURES }; /* and up: the figures that only some rows have */

/* One setting of gcache, and what it is compared with. */
struct goal {
  const char *text;
  const char *bench;
  size_t value_bytes;
  unsigned outstanding;
  double slow_pct;
  int figure;
  const char *other; /* the system by whose same figure it is divided; NULL: an absolute figure */
  double other_slow_pct;
  int at_least; /* else at most */
  double bound;
};

static const struct goal goals[] = {
    {"100 B, 64 outstanding: answers/s relative to golang/groupcache", "remote", 100, 64, 0, PER_S,
     "golang", 0, 1, 15},
    {"the same, relative to memcached", "remote", 100, 64, 0, PER_S, "memcached", 0, 1, 4},
    {"the same, relative to redis through hiredis on libuv", "remote", 100, 64, 0, PER_S,
     "redis-hiredis", 0, 1, 2},
    {"the same, relative to the floor", "remote", 100, 64, 0, PER_S, "floor", 0, 1, 0.6},
    {"100 B, 1 outstanding: p50 relative to redis", "remote", 100, 1, 0, P50_US, "redis", 0, 0,
     1.15},
    {"100 B, 256 outstanding, 0.1 % slow: p99 of hits, us", "remote", 100, 256, 0.1, P99_US, NULL,
     0, 0, 1000},
    {"the same: answers/s relative to golang/groupcache", "remote", 100, 256, 0.1, PER_S, "golang",
     0.1, 1, 15},
    {"100 B, 256 outstanding, 1 % slow: p99 of hits, us", "remote", 100, 256, 1, P99_US, NULL, 0, 0,
     1000},
    {"the same: answers/s relative to the floor without slow keys", "remote", 100, 256, 1, PER_S,
     "floor", 0, 1, 0.3},
    {"64 KiB, 1 outstanding: answers/s relative to memcached", "remote", 65536, 1, 0, PER_S,
     "memcached", 0, 1, 1},
    {"the same, relative to nginx", "remote", 65536, 1, 0, PER_S, "nginx", 0, 1, 1},
    {"64 KiB, 64 outstanding: answers/s relative to memcached", "remote", 65536, 64, 0, PER_S,
     "memcached", 0, 1, 1},
    {"the same, relative to nginx", "remote", 65536, 64, 0, PER_S, "nginx", 0, 1, 1},
    {"1 MiB, 1 outstanding: answers/s relative to memcached", "remote", 1048576, 1, 0, PER_S,
     "memcached", 0, 1, 1},
    {"1 MiB, 64 outstanding: answers/s relative to memcached", "remote", 1048576, 64, 0, PER_S,
     "memcached", 0, 1, 1},
    {"herd: loads of the key", "herd", 100, 10000, 100, FIRST_MORE, NULL, 0, 0, 1},
    {"herd: last answer, ms; the load takes 50 ms", "herd", 100, 10000, 100, FIRST_MORE + 1, NULL,
     0, 0, 60},
    {"10,000 cold keys of one owner: last answer, ms", "cold", 100, 10000, 100, FIRST_MORE + 1,
     NULL, 0, 0, 250},
    {"HTTP/2, 100 B, 64 outstanding: answers/s relative to nginx with h2load", "h2", 100, 64, 0,
     PER_S, "nginx", 0, 1, 1.5},
};

static const struct row *find(const struct rows *rows, const struct goal *g, const char *system,
                              double slow_pct) {
  for (size_t i = 0; i < rows->n; i++) {
    const struct row *row = &rows->at[i];
    if (strcmp(row->bench, g->bench) == 0 && strcmp(row->system, system) == 0 &&
        row->value_bytes == g->value_bytes && row->outstanding == g->outstanding &&
        row->slow_pct == slow_pct)
      return row;
  }
  return NULL;
}

static double figure_in(const struct row *row, int figure) {
  return figure < FIRST_MORE ? row->figures[figure].median
                             : row->more[figure - FIRST_MORE].figure.median;
}

void goals_write(const struct rows *rows, FILE *to) {
  fputs("| | measured | goal | |\n|---|--:|--:|---|\n", to);
  for (size_t i = 0; i < sizeof goals / sizeof *goals; i++) {
    const struct goal *g = &goals[i];
    const struct row *own = find(rows, g, "gcache", g->slow_pct);
    const struct row *other = g->other != NULL ? find(rows, g, g->other, g->other_slow_pct) : NULL;
    double measured;
    if (own == NULL || (g->other != NULL && other == NULL)) continue;
    measured = figure_in(own, g->figure);
    if (other != NULL) measured /= figure_in(other, g->figure);
    fprintf(to, "| %s | %.*f | at %s %g | %s |\n", g->text, measured < 100 ? 2 : 0, measured,
            g->at_least ? "least" : "most", g->bound,
            (g->at_least ? measured >= g->bound : measured <= g->bound) ? "met" : "missed");
  }
}
