/* remote - the gets that one process sends to another, the same for every system that is measured,
 * and their report. A system is a server process, pinned to one core, and a client process, pinned
 * to another. */
#ifndef BENCH_REMOTE_H
#define BENCH_REMOTE_H

#include <stdint.h>

#include "bench.h"
#include "process.h"

struct work {
  size_t value_bytes;
  unsigned outstanding;
  double slow_pct; /* of the gets ask for a key of their own that is loaded */
  uint64_t n_keys; /* that are in the server's memory; a multiple of outstanding */
  double seconds;
  uint64_t answers_max; /* 0: only the time ends it */
};

/* How many keys: 64 for each that is outstanding, or fewer that are 64 MiB, but one each. */
uint64_t work_keys(size_t value_bytes, unsigned outstanding_max);

/* What is said about a round. Latencies are those of hits; processor time is an answer's, in
 * microseconds. */
enum { PER_S, P50_US, P99_US, P999_US, CLIENT_CPU_US, SERVER_CPU_US, N_FIGURES };

struct remote_system {
  const char *name;
  int loads; /* its server loads keys, so that they can be slow */
  /* The server, with the work's keys in its memory. 0: it is not here; said once on stderr. */
  int (*start)(struct server *s, const struct work *w);
  /* One round; runs in a process of its own, which ends after it. */
  void (*ask)(const struct server *s, const struct work *w, double out[N_FIGURES]);
};

extern const struct remote_system remote_gcache, remote_gcache_h2, remote_floor, remote_redis,
    remote_redis_hiredis, remote_redis_pipelined, remote_memcached, remote_golang, remote_nginx,
    remote_nginx_h2;

/* A round in a process of its own, pinned to the asking core. */
void remote_round(const struct remote_system *system, const struct server *s, const struct work *w,
                  double out[N_FIGURES]);

/* gcache's two sides, for those who want them in one process. The owner answers on the port
 * returned; its getter takes SLOW_MS for keys that begin with "slow". */
struct meter;
int gcache_owner_open(struct bench_member *m, const struct work *w, gcache_http_t http);
void gcache_owner_open_unix(struct bench_member *m, const struct work *w, gcache_http_t http,
                            const char *path);
void gcache_ask(struct meter *m, const char *url, gcache_http_t http);

/* gcache-bench remote --one-process */
int bench_one_process(const struct bench_options *o);

#endif
