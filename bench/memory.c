/* gcache-bench memory: the memory of an item in addition to its key and value, and the part of the
 * process's growth that the system accounts for. ITEMS keys of KEY_SIZE bytes, values of 100 bytes
 * and of 1 KiB; next to redis and memcached, if they are installed.
 *
 * Each system is a process of its own. Its growth is that of the resident set, from the start to
 * when all items are stored. The memory a system accounts for: gcache main + hot + index, redis
 * used_memory, memcached bytes. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "outside.h"

enum { ITEMS = 1000000, OUTSTANDING = 1000 };

struct growth {
  double resident, said; /* bytes */
};

static double resident_of(pid_t pid) {
  char path[64];
  unsigned long size = 0, resident = 0;
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  FILE *f = fopen(path, "r");
  if (f == NULL || fscanf(f, "%lu %lu", &size, &resident) != 2) bench_need(UV_EIO, path);
  fclose(f);
  return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* --------------------------------------------------------------------------------- gcache -- */

static void on_filled(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)get, (void)value;
  bench_need(status, "fill");
}

static void fill(gcache_group_t *group) {
  static gcache_get_t gets[OUTSTANDING];
  char key[KEY_SIZE];
  for (uint64_t i = 0; i < ITEMS;) {
    for (size_t k = 0; k < OUTSTANDING; k++, i++) {
      bench_key(key, i);
      bench_need(gcache_get(&gets[k], group, gcache_bytes(key, KEY_SIZE), 0, on_filled), "fill");
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  }
}

static double said_by(const gcache_group_t *group) {
  gcache_group_stats_t stats;
  gcache_group_stats(group, &stats);
  return (double)(stats.main.bytes + stats.hot.bytes + stats.index_bytes);
}

static void be_gcache(int out, size_t value_bytes) {
  struct bench_member m;
  struct growth growth;
  bench_open(&m, value_bytes, (size_t)ITEMS * (value_bytes + 256), GCACHE_HOT_DEFAULT);
  double resident = resident_of(getpid()), said = said_by(m.group);
  fill(m.group);
  growth.resident = resident_of(getpid()) - resident;
  growth.said = said_by(m.group) - said;
  _exit(write(out, &growth, sizeof growth) != sizeof growth);
}

static struct growth measure_gcache(size_t value_bytes) {
  struct growth growth = {0, 0};
  int pipes[2];
  if (pipe(pipes) < 0) bench_need(UV_EMFILE, "pipe");
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) be_gcache(pipes[1], value_bytes);
  if (pid < 0 || read(pipes[0], &growth, sizeof growth) != sizeof growth)
    bench_need(UV_EIO, "gcache");
  close(pipes[0]);
  close(pipes[1]);
  waitpid(pid, NULL, 0);
  return growth;
}

/* --------------------------------------------------------------------------------- others -- */

/* 0: not installed, and reported as such. */
static int measure_other(const struct outside *system, size_t value_bytes, struct growth *growth) {
  struct outside_process p;
  if (!outside_start(system, &p)) {
    fprintf(stderr, "gcache-bench: %s is left out: it is not installed\n", system->name);
    return 0;
  }
  double resident = resident_of(p.pid), said = outside_said(&p);
  outside_fill(&p, ITEMS, value_bytes);
  growth->resident = resident_of(p.pid) - resident;
  growth->said = outside_said(&p) - said;
  outside_stop(&p);
  return 1;
}

static void report(const struct bench_options *o, const char *system, size_t value_bytes,
                   struct growth growth) {
  double overhead = growth.resident / ITEMS - KEY_SIZE - (double)value_bytes;
  double accounted = 100 * growth.said / growth.resident;
  if (o->json)
    printf("{\"bench\":\"memory\",\"system\":\"%s\",\"items\":%d,\"key_bytes\":%d,"
           "\"value_bytes\":%zu,\"overhead_bytes\":%.1f,\"accounted_pct\":%.1f}\n",
           system, ITEMS, KEY_SIZE, value_bytes, overhead, accounted);
  else
    printf(
        "%-9s  %d items  %d-byte keys  %4zu-byte values  %6.1f bytes overhead  %.1f %% accounted\n",
        system, ITEMS, KEY_SIZE, value_bytes, overhead, accounted);
  fflush(stdout);
}

int bench_memory(const struct bench_options *o) {
  static const size_t value_bytes[] = {100, 1024};
  for (size_t i = 0; i < sizeof value_bytes / sizeof *value_bytes; i++) {
    report(o, "gcache", value_bytes[i], measure_gcache(value_bytes[i]));
    for (const struct outside *system = outside_systems; system->name != NULL; system++) {
      struct growth growth;
      if (measure_other(system, value_bytes[i], &growth))
        report(o, system->name, value_bytes[i], growth);
    }
  }
  return 0;
}
