/* net/loop - drives a gci_env from the caller's uv_loop_t: one timer, one check, one idle handle.
 *
 * Happy path: wake starts the idle handle so that poll does not block; the check handle runs a turn
 * after poll. The timer is armed for the next deadline and wakes likewise. Timer and check are
 * unreferenced; while the env is held (a request is under way) the check handle is referenced and
 * keeps the loop alive (P9). The idle handle is referenced while it runs: queued jobs always run,
 * held or not. A turn in which nothing waits costs one increment and one test.
 * Also owns what streams, dials and listeners of one loop share: the read buffer, the wait for room
 * in sockets (net/wait), and the count of things that must end before the env can go.
 * Closing: asynchronous, because libuv closes handles that way. Cannot fail after open. */
#ifndef GCI_NET_LOOP_H
#define GCI_NET_LOOP_H

#include <uv.h>

#include "base/env.h"

#define GCI_LOOP_READ_SIZE ((size_t)64 * 1024)

struct gci_loop {
  uv_loop_t *uv;
  struct gci_env *env;
  gcache_clock_t clock;                  /* members NULL: the loop's and the system's */
  uint64_t (*mono_ns)(void *clock_data); /* NULL: clock.mono_ms if that is given, else libuv's */
  uv_timer_t timer;
  uv_check_t check;
  uv_idle_t idle;
  uint64_t turns, armed_ms;
  char *read_buffer;                 /* GCI_LOOP_READ_SIZE bytes; NULL until a stream reads */
  uint64_t reading_turn, reading_ns; /* the turn in which a stream last read first, and when */
  uv_poll_t room;                    /* net/wait's, while room_fd is not -1 */
  int room_fd;
  size_t obligations; /* handles, look-ups: closed runs at zero */
  unsigned woken : 1, closing : 1;
  void (*closed)(void *arg);
  void *closed_arg;
};

/* The driver to hand to gci_env_init(), with the struct gci_loop as its data. */
extern const struct gci_env_driver gci_loop_driver;

/* Before gci_env_init(). clock is copied; NULL: the loop's and the system's. */
void gci_loop_open(struct gci_loop *loop, uv_loop_t *uv, struct gci_env *env,
                   const gcache_clock_t *clock);
/* Every stream, dial and listener must be closed or done. closed runs from the loop; gci_env_fini()
 * may be called there. Waits for look-ups that a pool thread is still busy with. */
void gci_loop_close(struct gci_loop *loop, void (*closed)(void *arg), void *arg);

/* 16 unpredictable bytes (getrandom, /dev/urandom). UV_EIO. */
int gci_loop_random(unsigned char out[16]);

/* Within net. The env must be driven by gci_loop_driver. */
struct gci_loop *gci_loop_of(const struct gci_env *env);
char *gci_loop_read_buffer(struct gci_loop *loop); /* NULL: out of memory */
/* Call it before a stream reads. Nonzero: streams have been reading for long in this turn, and
 * their input is processed as it is read: later streams have to wait. */
int gci_loop_is_late(struct gci_loop *loop);
void gci_loop_take(struct gci_loop *loop); /* closing waits for one thing more */
void gci_loop_give(struct gci_loop *loop); /* from the loop; loop may be gone afterwards */

#endif
