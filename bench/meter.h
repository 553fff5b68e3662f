/* meter - counts the answers that a client process receives, and draws its keys. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>
#include <sys/types.h>

#include "figures.h"
#include "remote.h"

enum meter_phase { METER_WARMING, METER_COUNTING, METER_OVER };

struct meter {
  const struct work *work;
  pid_t server;               /* 0: this process */
  struct latencies latencies; /* of hits */
  uint64_t answers, ns, client_cpu_ns, server_cpu_ns;
  uint64_t begin_ns, end_ns; /* what is counted; a fifth as long before it is not */
  enum meter_phase phase;
  uint64_t random, slow_next;
};

void meter_init(struct meter *m, const struct work *w, pid_t server);

/* The next key for the asker that is number slot of those outstanding: no two of them ever ask for
 * one key at a time, which a cache would answer with one exchange. 1: it is a slow one. */
int meter_key(struct meter *m, unsigned slot, char key[KEY_SIZE]);

/* An answer came now. 0: ask no more. */
int meter_answered(struct meter *m, uint64_t sent_ns, uint64_t now_ns, int slow);

void meter_say(const struct meter *m, double out[N_FIGURES]);

#endif
