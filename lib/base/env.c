/* base/env - see env.h. Owns the heap of deadlines and a reference to mem; deadlines and jobs
 * belong to their setters. Fails only when a deadline is set. */
#include "base/env.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"

enum { LINE_MAX_BYTES = 512 };

void gci_env_init(struct gci_env *env, struct gci_mem *mem, const struct gci_env_driver *driver,
                  void *driver_data, gcache_log_cb log, void *log_data) {
  *env = (struct gci_env){.mem = gci_mem_ref(mem),
                          .driver = driver,
                          .driver_data = driver_data,
                          .armed_ms = GCI_DEADLINE_NEVER,
                          .log = log,
                          .log_data = log_data};
  for (int phase = 0; phase < GCI_N_PHASES; phase++)
    gci_defer_init(&env->defer[phase]);
  gci_deadlines_init(&env->deadlines, mem);
  env->cached_tick = driver->tick(driver_data);
  env->cached_unix_ns = driver->unix_ns(driver_data);
}

void gci_env_fini(struct gci_env *env) {
  assert(gci_env_idle(env) && env->holds == 0);
  gci_deadlines_fini(&env->deadlines);
  gci_mem_unref(env->mem);
  env->mem = NULL;
}

static void arm(struct gci_env *env, uint64_t at_ms) {
  env->armed_ms = at_ms;
  env->driver->arm(env->driver_data, at_ms);
}

/* Deadlines that are set by callbacks here wait for the next turn, even if due. */
static void run_passed(struct gci_env *env, uint64_t now_ms) {
  struct gci_deadlines *ds = &env->deadlines;
  struct gcache_deadline_s *d;
  uint64_t end = ds->next_order;
  while ((d = gci_deadlines_first(ds)) != NULL && d->order < end &&
         gci_deadlines_pop(ds, now_ms) != NULL) {
    d->passed(d);
  }
}

void gci_env_turn(struct gci_env *env) {
  uint64_t now_ms = gci_env_mono_ms(env);
  /* An armed time that has come counts as used up; at worst the driver calls once more. */
  uint64_t told_ms = env->armed_ms > now_ms ? env->armed_ms : GCI_DEADLINE_NEVER;
  env->armed_ms = 0; /* nothing is earlier: arm() runs once, at the end */
  env->turning = 1;
  run_passed(env, now_ms);
  for (int phase = 0; phase < GCI_N_PHASES; phase++)
    gci_defer_drain(&env->defer[phase]);
  env->turning = 0;
  env->armed_ms = told_ms;
  uint64_t next_ms = gci_deadlines_next(&env->deadlines);
  if (next_ms != told_ms) arm(env, next_ms);
  if (!gci_env_idle(env)) env->driver->wake(env->driver_data);
}

uint64_t gci_env_mono_ms(struct gci_env *env) {
  return env->driver->mono_ms(env->driver_data);
}

uint64_t gci_env_mono_ns(struct gci_env *env) {
  const struct gci_env_driver *driver = env->driver;
  if (driver->mono_ns != NULL) return driver->mono_ns(env->driver_data);
  return driver->mono_ms(env->driver_data) * 1000000;
}

int64_t gci_env_unix_ns(struct gci_env *env) {
  uint64_t tick = env->driver->tick(env->driver_data);
  if (tick != env->cached_tick) {
    env->cached_tick = tick;
    env->cached_unix_ns = env->driver->unix_ns(env->driver_data);
  }
  return env->cached_unix_ns;
}

int gci_env_idle(const struct gci_env *env) {
  for (int phase = 0; phase < GCI_N_PHASES; phase++)
    if (!gci_defer_empty(&env->defer[phase])) return 0;
  return 1;
}

void gci_env_defer(struct gci_env *env, enum gci_phase phase, struct gcache_job_s *job) {
  if (gci_defer_push(&env->defer[phase], job) && !env->turning) env->driver->wake(env->driver_data);
}

/* The driver is told of an earlier time at once and of a later one at the end of the next turn: a
 * superfluous turn costs less than arming for every request that ends in time. */
int gci_env_deadline(struct gci_env *env, struct gcache_deadline_s *d, uint64_t at_ms) {
  int err = gci_deadline_set(&env->deadlines, d, at_ms);
  if (err < 0) return err;
  uint64_t next_ms = gci_deadlines_next(&env->deadlines);
  if (next_ms < env->armed_ms) arm(env, next_ms);
  return 0;
}

void gci_env_deadline_clear(struct gci_env *env, struct gcache_deadline_s *d) {
  gci_deadline_clear(&env->deadlines, d);
}

uint64_t gci_env_after_ms(struct gci_env *env, uint64_t ms) {
  uint64_t now_ms = gci_env_mono_ms(env);
  return ms > GCI_DEADLINE_NEVER - now_ms ? GCI_DEADLINE_NEVER : now_ms + ms;
}

void gci_env_log(struct gci_env *env, gcache_log_level_t level, const char *format, ...) {
  char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
  if (env->log == NULL) return;
  va_list args;
  va_start(args, format);
  int wrote = vsnprintf(raw, sizeof raw, format, args);
  va_end(args);
  if (wrote < 0) return;
  gci_escape_for_log(line, sizeof line, gcache_cstr(raw));
  env->log(env->log_data, level, line);
}
