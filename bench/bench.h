/* bench - shared by the sub-commands of gcache-bench: options, and a member to measure. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include <gcache/gcache.h>

struct bench_options {
  int json;                 /* one object per line instead of a table */
  unsigned rounds;          /* of each measurement; the median is reported */
  const char *sizes;        /* --sizes; "1%,5%,10%" */
  int unit;                 /* --unit: all values are of one size */
  unsigned cluster;         /* --cluster: number of members; 0: a single cache */
  size_t bytes;             /* --bytes of a value; 0: the sub-command's own, as for the next two */
  unsigned outstanding;     /* --outstanding gets at a time */
  double slow_pct;          /* --slow: percent of the gets; negative: the sub-command's own */
  double seconds;           /* --seconds of a round */
  uint64_t answers;         /* --answers: a round ends after this number; 0: after its seconds */
  gcache_http_t http;       /* --h2: HTTP/2 in the clear */
  int one_process;          /* --one-process: both sides in this process, for a profiler */
  int over_unix;            /* --unix: with --one-process, over a Unix socket */
  const char *plot;         /* --plot FILE.svg */
  const char *out;          /* --out DIR, of all */
  const char *const *files; /* arguments that are not options */
  size_t n_files;
};

int bench_local(const struct bench_options *o);
int bench_remote(const struct bench_options *o);
int bench_herd(const struct bench_options *o);
int bench_hot(const struct bench_options *o);
int bench_h2(const struct bench_options *o);
int bench_all(const struct bench_options *o);
int bench_connections(const struct bench_options *o);
int bench_cores(const struct bench_options *o);
int bench_memory(const struct bench_options *o);
int bench_hitratio(const struct bench_options *o);
int bench_place(const struct bench_options *o);
void bench_place_lists(const struct bench_options *o);

#define KEY_SIZE 16
/* Key number i, KEY_SIZE bytes: "key:" and 12 digits. */
void bench_key(char out[KEY_SIZE], uint64_t i);

/* Next number of a xorshift generator; *state must not be 0. */
uint64_t bench_random(uint64_t *state);

uint64_t bench_now_ns(void);
uint64_t bench_cpu_ns(void); /* of this process */

/* If rc is an error, prints what failed and ends the process: a failed measurement has no
 * result. */
void bench_need(int rc, const char *what);

/* A cache on the default loop with one group, whose getter is getter_run(). */
struct bench_member {
  gcache_t *cache;
  gcache_group_t *group;
  size_t value_bytes;
};
void bench_open(struct bench_member *m, size_t value_bytes, size_t max_bytes, gcache_hot_t hot);
void bench_open_http(struct bench_member *m, size_t value_bytes, size_t max_bytes, gcache_hot_t hot,
                     gcache_http_t http);

#endif
