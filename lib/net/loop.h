/* net/loop - drives a gci_env from the caller's uv_loop_t: one timer, one check, one idle handle.
 *
 * Happy path: wake starts the idle handle so that poll does not block; the check handle runs a turn
 * after poll. The timer is armed at the next deadline. The handles are unreferenced; while the env is
 * held (something is asked) the check handle is referenced and keeps the loop alive (P9).
 * Closing: asynchronous, because libuv closes handles that way. Cannot fail after open. */
#ifndef GCI_NET_LOOP_H
#define GCI_NET_LOOP_H

#include <uv.h>

#include "base/env.h"

struct gci_loop {
  uv_loop_t *uv;
  struct gci_env *env;
  gcache_clock_t clock; /* members NULL: the loop's and the system's */
  uv_timer_t timer;
  uv_check_t check;
  uv_idle_t idle;
  int open_handles;
  void (*closed)(void *arg);
  void *closed_arg;
};

/* The driver to hand to gci_env_init(), with the struct gci_loop as its data. */
extern const struct gci_env_driver gci_loop_driver;

/* Before gci_env_init(). clock is copied. */
void gci_loop_open(struct gci_loop *loop, uv_loop_t *uv, struct gci_env *env,
                   const gcache_clock_t *clock);
/* closed runs from the loop; gci_env_fini() may be called there. */
void gci_loop_close(struct gci_loop *loop, void (*closed)(void *arg), void *arg);

/* 16 unpredictable bytes (getrandom, /dev/urandom). UV_EIO. */
int gci_loop_random(unsigned char out[16]);

#endif
