/* net/loop - see loop.h. Owns three handles, the shared read buffer and, through net/wait, the set
 * of full sockets; all are released before closed runs. */
#include "net/loop.h"

#include <assert.h>
#include <time.h>

#include "net/wait.h"

#define READING_NS 5000000 /* of one turn: as long as other streams may have to wait */

/* The loop's time, which is exact when poll returns; when a turn has lasted longer, the time of the
 * kernel's last tick. It is some milliseconds old at most, and costs a tenth of the exact time,
 * which every request with a time limit would pay. */
static uint64_t loop_mono_ms(void *driver) {
  struct gci_loop *loop = driver;
  struct timespec now;

  if (loop->clock.mono_ms != NULL) return loop->clock.mono_ms(loop->clock.data);
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  uint64_t coarse_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  return coarse_ms > uv_now(loop->uv) ? coarse_ms : uv_now(loop->uv);
}

static uint64_t loop_mono_ns(void *driver) {
  struct gci_loop *loop = driver;

  if (loop->mono_ns != NULL) return loop->mono_ns(loop->clock.data);
  if (loop->clock.mono_ms != NULL) return loop->clock.mono_ms(loop->clock.data) * 1000000;
  return uv_hrtime();
}

static int64_t loop_unix_ns(void *driver) {
  struct gci_loop *loop = driver;
  struct timespec now;

  if (loop->clock.unix_ns != NULL) return loop->clock.unix_ns(loop->clock.data);
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Both only grow, so the sum changes when either does: the loop's time after poll has waited, the
 * count in turns that are shorter than a millisecond. */
static uint64_t loop_tick(void *driver) {
  struct gci_loop *loop = driver;
  return uv_now(loop->uv) + loop->turns;
}

static void on_idled(uv_idle_t *idle) {
  (void)idle; /* a running idle handle keeps poll from waiting */
}

static void loop_wake(void *driver) {
  struct gci_loop *loop = driver;

  if (loop->woken || loop->closing) return;
  loop->woken = 1;
  uv_idle_start(&loop->idle, on_idled);
}

static void on_timed(uv_timer_t *timer);

/* A timer counts from the loop's time, which may be old. */
static void start_timer(struct gci_loop *loop) {
  uint64_t now_ms = loop_mono_ms(loop);

  uv_update_time(loop->uv);
  uv_timer_start(&loop->timer, on_timed, loop->armed_ms > now_ms ? loop->armed_ms - now_ms : 0, 0);
}

/* Timers run before poll, and poll could wait. An injected clock may not have reached the deadline
 * yet. */
static void on_timed(uv_timer_t *timer) {
  struct gci_loop *loop = timer->data;

  if (loop_mono_ms(loop) < loop->armed_ms)
    start_timer(loop);
  else
    loop_wake(loop);
}

static void loop_arm(void *driver, uint64_t at_ms) {
  struct gci_loop *loop = driver;

  if (loop->closing) return;
  loop->armed_ms = at_ms;
  if (at_ms == GCI_DEADLINE_NEVER)
    uv_timer_stop(&loop->timer);
  else
    start_timer(loop);
}

static void loop_hold(void *driver, int on) {
  struct gci_loop *loop = driver;

  if (on)
    uv_ref((uv_handle_t *)&loop->check);
  else
    uv_unref((uv_handle_t *)&loop->check);
}

const struct gci_env_driver gci_loop_driver = {
    .mono_ms = loop_mono_ms,
    .unix_ns = loop_unix_ns,
    .wake = loop_wake,
    .arm = loop_arm,
    .hold = loop_hold,
    .tick = loop_tick,
    .mono_ns = loop_mono_ns,
};

static void on_checked(uv_check_t *check) {
  struct gci_loop *loop = check->data;

  loop->turns++;
  if (!loop->woken) return;
  loop->woken = 0;
  uv_idle_stop(&loop->idle);
  gci_env_turn(loop->env);
}

void gci_loop_open(struct gci_loop *loop, uv_loop_t *uv, struct gci_env *env,
                   const gcache_clock_t *clock) {
  *loop = (struct gci_loop){.uv = uv, .env = env, .room_fd = -1, .obligations = 3};
  if (clock != NULL) loop->clock = *clock;
  uv_timer_init(uv, &loop->timer);
  uv_check_init(uv, &loop->check);
  uv_idle_init(uv, &loop->idle);
  loop->timer.data = loop->check.data = loop->idle.data = loop;
  uv_unref((uv_handle_t *)&loop->timer);
  uv_unref((uv_handle_t *)&loop->check);
  uv_check_start(&loop->check, on_checked);
}

static void on_closed(uv_handle_t *handle) {
  gci_loop_give(handle->data);
}

void gci_loop_close(struct gci_loop *loop, void (*closed)(void *arg), void *arg) {
  assert(!loop->closing);
  loop->closing = 1;
  loop->closed = closed;
  loop->closed_arg = arg;
  gci_wait_close(loop);
  uv_close((uv_handle_t *)&loop->timer, on_closed);
  uv_close((uv_handle_t *)&loop->check, on_closed);
  uv_close((uv_handle_t *)&loop->idle, on_closed);
}

struct gci_loop *gci_loop_of(const struct gci_env *env) {
  assert(env->driver == &gci_loop_driver);
  return env->driver_data;
}

char *gci_loop_read_buffer(struct gci_loop *loop) {
  if (loop->read_buffer == NULL)
    loop->read_buffer = gci_mem_alloc(loop->env->mem, GCI_LOOP_READ_SIZE);
  return loop->read_buffer;
}

int gci_loop_is_late(struct gci_loop *loop) {
  uint64_t now_ns = uv_hrtime();

  if (loop->reading_turn != loop->turns || loop->reading_ns == 0) {
    loop->reading_turn = loop->turns;
    loop->reading_ns = now_ns;
  }
  return now_ns - loop->reading_ns > READING_NS;
}

void gci_loop_take(struct gci_loop *loop) {
  loop->obligations++;
}

void gci_loop_give(struct gci_loop *loop) {
  assert(loop->obligations > 0);
  if (--loop->obligations > 0) return;
  gci_mem_free(loop->env->mem, loop->read_buffer, GCI_LOOP_READ_SIZE);
  loop->closed(loop->closed_arg);
}

int gci_loop_random(unsigned char out[16]) {
  return uv_random(NULL, NULL, out, 16, 0, NULL) == 0 ? 0 : UV_EIO;
}
