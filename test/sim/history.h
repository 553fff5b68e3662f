/* sim/history - tells the oracle a hand-made history; for the oracle's own tests. */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <uv.h>

#include "gcache/gcache.h"
#include "promises.h"

#define ALL 7 /* three members */
#define WALL INT64_C(1000000000000)

static struct promises p;

static inline int setup(void **state) {
  struct promises_setup settled = {
      .keys = 4, .settled = 1, .patience_us = 1000000, .stale_us = 10000};
  (void)state;
  promises_open(&p, &settled);
  p.now_us = 5000000;
  for (int m = 0; m < 3; m++)
    promises_up(&p, m, 0, ALL);
  return 0;
}

static inline int teardown(void **state) {
  (void)state;
  promises_close(&p);
  return 0;
}

static inline void assert_breaks(const char *promise) {
  if (strncmp(p.broken, promise, strlen(promise)) != 0)
    fail_msg("expected %s, the oracle says '%s'", promise, p.broken);
}

static inline void assert_holds(void) {
  assert_string_equal(p.broken, "");
}

static inline size_t get(int member, unsigned key) {
  return promises_began(&p, PROMISES_GET, member, key, PROMISES_NEVER);
}

static inline void got(size_t request, int status, uint64_t serial) {
  struct promises_end end = {.status = status, .serial = serial, .wall_unix_ns = WALL};
  promises_ended(&p, request, &end);
}

/* A value that member's getter has made, for a get there that had it. */
static inline uint64_t loaded(int member, unsigned key, int64_t expire_unix_ns) {
  size_t asked = get(member, key);
  uint64_t run = promises_run_began(&p, member, key);
  promises_run_ended(&p, run, 0, 100, expire_unix_ns);
  got(asked, 0, run);
  return run;
}

static inline void removed(int member, unsigned key) {
  size_t change = promises_began(&p, PROMISES_REMOVE, member, key, PROMISES_NEVER);
  promises_change_ended(&p, change, 0, ALL, ALL, 0);
}

#define HISTORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
