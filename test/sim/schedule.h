/* sim/schedule - a seeded life of a cluster: the requests of its programs and the faults, step by
 * step, with the promises checked after every event; then rest, and an orderly end. */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include <stdint.h>

enum sim_faults {
  SIM_FAULTS_NONE,      /* a settled cluster */
  SIM_FAULTS_LISTS,     /* nothing is lost, but members disagree who is there */
  SIM_FAULTS_LOSS,      /* questions and answers are lost */
  SIM_FAULTS_PARTITION, /* members cannot reach each other for a while */
  SIM_FAULTS_CRASH,     /* members die, leave, return empty; clocks differ and jump */
  SIM_FAULTS_MIXED,     /* all of it */
  SIM_FAULTS_DEAD, /* a settled cluster but for one member, which is dead from the start (P7) */
  SIM_FAULTS_KINDS
};

const char *sim_faults_word(enum sim_faults faults);

struct sim_result {
  uint64_t steps, events, messages, trace_hash;
  uint64_t deliveries, floors_checked; /* how often P2 could have failed */
  uint64_t stale;                      /* of the deliveries */
  uint64_t shed;                       /* answers that were refused where too many getters ran */
  uint64_t hedges;                     /* second questions */
  char broken[400];                    /* "" if all promises held */
};

/* steps 0: a number by chance. printed: nonzero writes the trace to stdout. */
void sim_schedule_run(uint64_t seed, enum sim_faults faults, uint64_t steps, int printed,
                      struct sim_result *result);

#endif
