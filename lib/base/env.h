/* base/env - what a cache needs from outside, injected: memory, time, a log, and a turn of a loop.
 *
 * net/loop drives it from libuv, test/sim from virtual time. The driver calls gci_env_turn() once
 * per loop turn after `wake` was called or when the armed time has come. */
#ifndef GCI_BASE_ENV_H
#define GCI_BASE_ENV_H

#include <assert.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/defer.h"
#include "base/mem.h"
#include "gcache/gcache.h"

struct gci_env;

/* The driver's functions. They are called at any depth and must not call back at once. */
struct gci_env_driver {
  uint64_t (*mono_ms)(void *driver); /* the current time, not that of the start of the turn */
  int64_t (*unix_ns)(void *driver);
  /* Something is queued: call gci_env_turn() soon. May be called again before that turn; for jobs
   * queued inside a turn it is called once, at the turn's end. */
  void (*wake)(void *driver);
  /* Call gci_env_turn() at at_ms; replaces what was armed before; GCI_DEADLINE_NEVER disarms. */
  void (*arm)(void *driver, uint64_t at_ms);
  /* on 1: the loop must stay alive; 0: it need not. Called on changes only. */
  void (*hold)(void *driver, int on);
  /* Changes at least once a loop turn; the wall clock is read again when it does. */
  uint64_t (*tick)(void *driver);
  /* Finer than mono_ms, which may be some milliseconds old, and slower. NULL: mono_ms is used. */
  uint64_t (*mono_ns)(void *driver);
};

/* A turn drains one queue after the other, each once: a job queued for a later queue still runs in
 * this turn, a job for the same or an earlier queue in the next. So the calls of all callbacks of a
 * turn start in it, and leave in one write per connection. */
enum gci_phase {
  GCI_COMPLETIONS, /* the only one that runs user callbacks */
  GCI_QUESTIONS,   /* calls to peers */
  GCI_WRITES,      /* output of connections */
  GCI_N_PHASES
};

struct gci_env {
  struct gci_mem *mem; /* a reference */
  const struct gci_env_driver *driver;
  void *driver_data;
  struct gci_defer defer[GCI_N_PHASES];
  struct gci_deadlines deadlines;
  uint64_t armed_ms; /* the time the driver was told */
  uint64_t cached_tick;
  int64_t cached_unix_ns;
  size_t holds; /* reasons for the loop to stay alive */
  int turning;  /* inside a turn, which checks at its end whether another is needed */
  gcache_log_cb log;
  void *log_data;
};

/* Takes its own reference to mem. log may be NULL. */
void gci_env_init(struct gci_env *env, struct gci_mem *mem, const struct gci_env_driver *driver,
                  void *driver_data, gcache_log_cb log, void *log_data);
void gci_env_fini(struct gci_env *env); /* queue and deadlines must be empty, holds zero */

/* Runs the deadlines that have passed, then drains each queue once; wakes or arms again if anything
 * is left. Nothing it runs may free env: its owner closes in the driver's own time (a uv_close
 * callback), after gci_env_fini(). */
void gci_env_turn(struct gci_env *env);

uint64_t gci_env_mono_ms(struct gci_env *env);
uint64_t gci_env_mono_ns(struct gci_env *env); /* exact; never compare it with the one above */
int64_t gci_env_unix_ns(struct gci_env *env);  /* once per tick */

void gci_env_defer(struct gci_env *env, enum gci_phase phase, struct gcache_job_s *job);
int gci_env_idle(const struct gci_env *env); /* nothing is queued */
int gci_env_deadline(struct gci_env *env, struct gcache_deadline_s *d,
                     uint64_t at_ms); /* UV_ENOMEM */
void gci_env_deadline_clear(struct gci_env *env, struct gcache_deadline_s *d);
/* now + ms, saturating at GCI_DEADLINE_NEVER. */
uint64_t gci_env_after_ms(struct gci_env *env, uint64_t ms);

static inline void gci_env_hold(struct gci_env *env) {
  if (env->holds++ == 0) env->driver->hold(env->driver_data, 1);
}
static inline void gci_env_release(struct gci_env *env) {
  assert(env->holds > 0);
  if (--env->holds == 0) env->driver->hold(env->driver_data, 0);
}
/* Nonzero: for an older reason the loop already stays alive, and will drain this queue. Then
 * neither a hold nor a defer tells the driver anything. */
static inline int gci_env_is_awake(const struct gci_env *env, enum gci_phase phase) {
  return env->holds > 0 && !gci_defer_empty(&env->defer[phase]);
}

/* printf style; cut at 512 bytes; nothing is formatted without a log callback. */
void gci_env_log(struct gci_env *env, gcache_log_level_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
