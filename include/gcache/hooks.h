/* gcache/hooks.h - callbacks around getter runs: gcache_options_t.hooks. Part of <gcache/gcache.h>.
 *
 * They are for spans and timers of your own; gcache_group_stats_t.getter is the histogram of all
 * runs. Both are called on the loop's thread, from the loop, never inside a call of yours, and may
 * call anything. */
#ifndef GCACHE_HOOKS_H
#define GCACHE_HOOKS_H

#include <stdint.h>

struct gcache_group_s;

/* Borrowed for the call, with everything it points to. */
typedef struct gcache_run_s {
  struct gcache_group_s *group;
  uint64_t number; /* of the run in this cache, counted from 1; the same in both callbacks */
  const char *traceparent; /* as gcache_load_traceparent(); NULL: none */
  int status;              /* load_end: 0, GCACHE_ENOTFOUND, GCACHE_ELOAD; load_begin: 0 */
  uint64_t duration_ns;    /* load_end only */
} gcache_run_t;

typedef struct gcache_hooks_s {
  /* Runs right before the getter. May be NULL, and so may load_end. */
  void (*load_begin)(void *data, const gcache_run_t *run);
  /* Runs once for each load_begin, in the loop turn after the answer was given. */
  void (*load_end)(void *data, const gcache_run_t *run);
  void *data;
} gcache_hooks_t;

#endif /* GCACHE_HOOKS_H */
