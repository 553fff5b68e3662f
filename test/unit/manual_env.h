/* manual_env - a gci_env whose time and turns the test drives: no loop, no clock, no sleep.
 *
 * Owns its gci_mem; the user's allocator (an oom, for example) is borrowed. Both clocks stand still
 * until manual_env_advance(), or share a time that the test moves. Faults are printed to stderr and
 * abort the program. */
#ifndef TEST_MANUAL_ENV_H
#define TEST_MANUAL_ENV_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/env.h"
#include "gcache/gcache.h"

struct manual_clock {
  uint64_t mono_ms;
  int64_t unix_ns;
};

struct manual_env {
  struct gci_env env;
  struct gci_mem *mem;
  struct manual_clock *clock; /* own_clock, unless shared */
  struct manual_clock own_clock;
  uint64_t tick;
  int woken;         /* a turn is asked for */
  uint64_t armed_ms; /* as the driver was told; GCI_DEADLINE_NEVER: not */
  int held;
  size_t wakes, arms, holds, turns, unix_reads; /* how often */
  size_t lines;                                 /* logged */
  gcache_log_level_t level;                     /* of the last line */
  char line[600];
};

enum { MANUAL_ENV_TURNS_MAX = 1000000 };

static inline void manual_env_wrong(const char *what) {
  fprintf(stderr, "manual_env.h: %s\n", what);
  abort();
}

static inline uint64_t manual_env_mono_ms(void *driver) {
  return ((struct manual_env *)driver)->clock->mono_ms;
}

static inline int64_t manual_env_unix_ns(void *driver) {
  struct manual_env *m = driver;
  m->unix_reads++;
  return m->clock->unix_ns;
}

static inline void manual_env_wake(void *driver) {
  struct manual_env *m = driver;
  m->woken = 1;
  m->wakes++;
}

static inline void manual_env_arm(void *driver, uint64_t at_ms) {
  struct manual_env *m = driver;
  m->armed_ms = at_ms;
  m->arms++;
}

static inline void manual_env_hold(void *driver, int on) {
  struct manual_env *m = driver;
  if (m->held == on) manual_env_wrong("hold called without a change");
  m->held = on;
  m->holds++;
}

static inline uint64_t manual_env_tick(void *driver) {
  return ((struct manual_env *)driver)->tick;
}

static inline void manual_env_log(void *data, gcache_log_level_t level, const char *line) {
  struct manual_env *m = data;
  m->lines++;
  m->level = level;
  snprintf(m->line, sizeof m->line, "%s", line);
}

static inline const struct gci_env_driver *manual_env_driver(void) {
  static const struct gci_env_driver driver = {manual_env_mono_ms,
                                               manual_env_unix_ns,
                                               manual_env_wake,
                                               manual_env_arm,
                                               manual_env_hold,
                                               manual_env_tick,
                                               NULL};
  return &driver;
}

/* user NULL: malloc family. Time starts at 1 s monotonic, 1.7e18 ns (2023) on the wall. UV_ENOMEM. */
static inline int manual_env_init(struct manual_env *m, const gcache_mem_t *user) {
  memset(m, 0, sizeof *m);
  m->clock = &m->own_clock;
  m->own_clock.mono_ms = 1000;
  m->own_clock.unix_ns = 1700000000 * INT64_C(1000000000);
  m->armed_ms = GCI_DEADLINE_NEVER;
  m->mem = gci_mem_new(user);
  if (m->mem == NULL) return UV_ENOMEM;
  gci_env_init(&m->env, m->mem, manual_env_driver(), m, manual_env_log, m);
  return 0;
}

/* From now on the time is somebody else's: a simulator's, for all its members. */
static inline void manual_env_share(struct manual_env *m, struct manual_clock *clock) {
  m->clock = clock;
  m->tick++;
}

/* Asserts that nothing is left: jobs, deadlines, holds, values, blocks. */
static inline void manual_env_fini(struct manual_env *m) {
  if (!gci_env_idle(&m->env)) manual_env_wrong("jobs left in the queue");
  if (gci_deadlines_next(&m->env.deadlines) != GCI_DEADLINE_NEVER)
    manual_env_wrong("deadlines left");
  if (m->env.holds != 0 || m->held) manual_env_wrong("still held");
  gci_env_fini(&m->env);
  if (m->mem->refs != 1) manual_env_wrong("values left");
  if (m->mem->blocks != 0 || m->mem->bytes != 0) manual_env_wrong("memory left");
  gci_mem_unref(m->mem);
}

/* Nonzero: a turn is due. */
static inline int manual_env_due(const struct manual_env *m) {
  return m->woken || m->armed_ms <= m->clock->mono_ms;
}

/* One turn, due or not. */
static inline void manual_env_turn(struct manual_env *m) {
  m->woken = 0;
  if (m->armed_ms <= m->clock->mono_ms) m->armed_ms = GCI_DEADLINE_NEVER;
  m->tick++;
  m->turns++;
  gci_env_turn(&m->env);
}

/* Turns until none is due; gives how many. Time stands still. */
static inline size_t manual_env_run(struct manual_env *m) {
  size_t turns = 0;
  while (manual_env_due(m)) {
    if (++turns > MANUAL_ENV_TURNS_MAX) manual_env_wrong("never quiet");
    manual_env_turn(m);
  }
  return turns;
}

/* Both clocks to mono_ms `to_ms`, without a turn. */
static inline void manual_env_jump(struct manual_env *m, uint64_t to_ms) {
  if (to_ms < m->clock->mono_ms) manual_env_wrong("time went back");
  m->clock->unix_ns += (int64_t)(to_ms - m->clock->mono_ms) * 1000000;
  m->clock->mono_ms = to_ms;
  m->tick++;
}

/* Runs, then lets ms pass, stopping to run at every armed time on the way and at the end. */
static inline void manual_env_advance(struct manual_env *m, uint64_t ms) {
  uint64_t end_ms = m->clock->mono_ms + ms;
  manual_env_run(m);
  while (m->armed_ms <= end_ms) {
    manual_env_jump(m, m->armed_ms);
    manual_env_run(m);
  }
  manual_env_jump(m, end_ms);
  manual_env_run(m);
}

#endif
