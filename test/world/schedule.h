/* world/schedule - a seeded life of a cluster: the requests of its programs and the faults, one by
 * one, with the promises checked after every event; then rest, and an orderly end. */
#ifndef WORLD_SCHEDULE_H
#define WORLD_SCHEDULE_H

#include "deeds.h"

/* One thing that is made to fail, or one moment at which a member closes; all 0: none. */
struct world_torture {
  uint64_t allocation; /* this one fails, 1 up, */
  int lasting;         /* and all that follow */
  uint64_t call;       /* this call of the system or libuv does, */
  unsigned variant;    /* with the error of that number */
  uint64_t close;      /* after so many events, 1 up */
  int member;          /* who closes then */
  unsigned char *log;  /* takes the kinds of the calls; may be NULL */
  size_t log_cap;
};

struct world_result {
  uint64_t deeds, events, trace_hash;
  uint64_t allocations, calls; /* that could have failed */
  uint64_t refused, faults;    /* that did */
  uint64_t connections, bytes, resets;
  uint64_t misses, told, told_all; /* changes that were missed; owners, all that were told later */
  uint64_t secure;                 /* over TLS */
  uint64_t dead_loads;             /* with a member known to be dead */
  uint64_t deliveries, floors_checked;
  uint64_t counts[WORLD_COUNTS_N], injected[WORLD_OPS_COUNT];
  int closed;       /* the member was living when it was to be closed */
  char broken[400]; /* "" if all promises held */
};

struct world_run {
  uint64_t seed;
  enum world_weather_kind weather;
  uint64_t deeds; /* 0: a number by chance */
  int secure;     /* over TLS, where nobody dies */
  int wide;       /* more members, in more ways, and more befalls them */
  int printed;    /* the trace goes to stdout */
  struct world_torture torture;
};

void world_schedule_run(const struct world_run *run, struct world_result *result);

#endif
