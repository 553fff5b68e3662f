/* remote - what one process asks of another, the same of every system that is measured, and what is said about
 * it. A system is a server process, pinned to one core, and an asking process, pinned to another. */
#ifndef BENCH_REMOTE_H
#define BENCH_REMOTE_H

#include <stdint.h>
#include <sys/types.h>

#include "bench.h"
#include "figures.h"

#define SLOW_MS 50 /* what a slow key takes to load */

struct work {
  size_t value_bytes;
  unsigned outstanding;
  double slow_pct; /* of the gets ask for a key of their own that is loaded */
  uint64_t n_keys; /* that are in the server's memory; a multiple of outstanding */
  double seconds;
  uint64_t answers_max; /* 0: only the time ends it */
};

/* How many keys: enough for 4 of each that is outstanding, no more than 64 MiB if that is more. */
uint64_t work_keys(size_t value_bytes, unsigned outstanding_max);

/* -------------------------------------------------------------------------------- the asker -- */

/* What counts the answers of an asking process, and draws its keys. The first part of the time, a fifth of it,
 * is not counted. */
struct meter {
  const struct work *work;
  pid_t server;               /* 0: this process */
  struct latencies latencies; /* of hits */
  uint64_t answers, ns, client_cpu_ns, server_cpu_ns;
  uint64_t begin_ns, end_ns; /* what is counted */
  int counting;
  uint64_t random, slow_next;
};

void meter_init(struct meter *m, const struct work *w, pid_t server);

/* The next key for the asker that is number slot of those outstanding: no two of them ever ask for one key at
 * a time, which a cache would answer with one exchange. 1: it is a slow one. */
int meter_key(struct meter *m, unsigned slot, char key[KEY_SIZE]);

/* An answer came now. 0: ask no more. */
int meter_answered(struct meter *m, uint64_t sent_ns, uint64_t now_ns, int slow);

/* --------------------------------------------------------------------------- gcache's sides -- */

/* The owner: a member whose getter has work's values at hand, and takes SLOW_MS for slow keys. */
int gcache_owner_open(struct bench_member *m, const struct work *w, gcache_http_t http);
/* A client-only member that asks the owner on that port of this host. Ends when the meter does. */
void gcache_ask(struct meter *m, int port, gcache_http_t http);

/* gcache-bench remote --one-process */
int bench_one_process(const struct bench_options *o);

#endif
