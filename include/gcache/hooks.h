/* gcache/hooks.h - who wants to know of getter runs: gcache_options_t.hooks. Part of <gcache/gcache.h>.
 *
 * For spans and timers of your own; the histogram of all runs is gcache_group_stats_t.getter. Both
 * are called on the loop's thread, from the loop, never inside a call of yours, and may call
 * anything. */
#ifndef GCACHE_HOOKS_H
#define GCACHE_HOOKS_H

#include <stdint.h>

struct gcache_group_s;

/* Borrowed for the call, as all that it points to. */
typedef struct gcache_run_s {
  struct gcache_group_s *group;
  uint64_t number;         /* of the run, in this cache: the same at begin and end, 1 up */
  const char *traceparent; /* as gcache_load_traceparent(); NULL: none */
  int status;              /* at the end: 0, GCACHE_ENOTFOUND, GCACHE_ELOAD; before: 0 */
  uint64_t duration_ns;    /* at the end */
} gcache_run_t;

typedef struct gcache_hooks_s {
  /* Right before the getter. May be NULL, as load_end. */
  void (*load_begin)(void *data, const gcache_run_t *run);
  /* Once for each load_begin, in the turn of the loop after the answer was given. */
  void (*load_end)(void *data, const gcache_run_t *run);
  void *data;
} gcache_hooks_t;

#endif /* GCACHE_HOOKS_H */
