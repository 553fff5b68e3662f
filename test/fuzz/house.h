/* house - a whole cache for fuzz targets: the unmodified library, over real sockets, on a loop that
 * never waits.
 *
 * Time stands still until the input moves it, and random numbers are the same in every run, so that
 * an input leads to the same result each time. The allocator counts the bytes in use and their
 * maximum. The teardown detects whatever is left: bytes, descriptors. Link with
 * -Wl,--wrap=uv_random. */
#ifndef TEST_FUZZ_HOUSE_H
#define TEST_FUZZ_HOUSE_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/env.h"
#include "core/core.h"
#include "gcache/gcache.h"
#include "gcache/http.h"
#include "target.h"

enum { HOUSE_TURNS_MAX = 20000 };

struct house {
  uv_loop_t *loop; /* the process' */
  gcache_t *cache;
  size_t bytes, blocks, most;
  uint64_t mono_ms;
  int64_t unix_ns;
  int depth; /* functions of the library on the stack, below what it calls */
  int closed;
};

int __wrap_uv_random(uv_loop_t *loop, uv_random_t *req, void *buf, size_t len, unsigned flags,
                     uv_random_cb cb);

int __wrap_uv_random(uv_loop_t *loop, uv_random_t *req, void *buf, size_t len, unsigned flags,
                     uv_random_cb cb) {
  (void)loop, (void)req, (void)flags, (void)cb;
  memset(buf, 0x5a, len);
  return 0;
}

/* ---- what it is given ---- */

struct house_block {
  size_t size, mark;
};

static inline void *house_resize(void *data, void *ptr, size_t old_size, size_t new_size) {
  struct house *h = data;
  struct house_block *old = ptr == NULL ? NULL : (struct house_block *)ptr - 1, *block = NULL;
  fuzz_check(old == NULL ? old_size == 0 : old->size == old_size, "old_size is the size");
  if (new_size > 0) {
    block = realloc(old, sizeof *block + new_size);
    fuzz_check(block != NULL, "memory");
    block->size = new_size;
    h->blocks++;
    h->bytes += new_size;
  } else {
    free(old);
  }
  h->blocks -= old != NULL;
  h->bytes -= old_size;
  if (h->bytes > h->most) h->most = h->bytes;
  return block == NULL ? NULL : block + 1;
}

static inline uint64_t house_mono_ms(void *data) {
  return ((struct house *)data)->mono_ms;
}

static inline int64_t house_unix_ns(void *data) {
  return ((struct house *)data)->unix_ns;
}

static inline void on_house_line(void *data, gcache_log_level_t level, const char *line) {
  (void)data, (void)level;
  for (; *line != '\0'; line++)
    fuzz_check(*line >= ' ' && *line <= '~', "what is logged is printable");
}

static inline void on_house_idled(uv_idle_t *idle) {
  (void)idle;
}

/* One for all runs; an idle handle of its own makes every turn poll. */
static inline uv_loop_t *house_loop(void) {
  static uv_loop_t loop;
  static uv_idle_t idle;
  if (loop.data != NULL) return &loop;
  fuzz_check(uv_loop_init(&loop) == 0, "a loop");
  uv_idle_init(&loop, &idle);
  uv_idle_start(&idle, on_house_idled);
  loop.data = &loop;
  return &loop;
}

static inline void house_options(struct house *h, gcache_options_t *o) {
  memset(h, 0, sizeof *h);
  h->loop = house_loop();
  h->mono_ms = 1000000;
  h->unix_ns = INT64_C(1700000000) * 1000000000;
  gcache_options_init(o);
  o->loop = h->loop;
  o->mem = (gcache_mem_t){house_resize, h};
  o->clock = (gcache_clock_t){house_mono_ms, house_unix_ns, h};
  o->log = on_house_line;
  o->log_data = h;
}

static inline gcache_group_t *house_group(struct house *h, const char *name,
                                          const gcache_group_options_t *o) {
  gcache_group_t *group;
  fuzz_check(gcache_group_open(&group, h->cache, name, o) == 0, "a group");
  return group;
}

/* ---- its turns ---- */

static inline void house_turn(struct house *h) {
  uv_run(h->loop, UV_RUN_NOWAIT);
  fuzz_check(h->depth == 0, "depth");
}

static inline void house_wake(struct house *h) {
  struct gci_env *env = h->cache->env;
  env->driver->wake(env->driver_data);
}

/* Both clocks. A turn follows, as a timer would bring it about. */
static inline void house_pass(struct house *h, uint64_t ms) {
  h->mono_ms += ms;
  h->unix_ns += (int64_t)ms * 1000000;
  house_wake(h);
  house_turn(h);
}

/* ---- its end ---- */

static inline void on_house_closed(void *arg) {
  struct house *h = arg;
  h->closed++;
}

/* again: called each turn until it has closed, for what is owed. */
static inline void house_close(struct house *h, void (*again)(void *arg), void *arg) {
  gcache_close(h->cache, on_house_closed, h);
  fuzz_check(h->closed == 0, "not before it has returned");
  for (int i = 0; i < HOUSE_TURNS_MAX && h->closed == 0; i++) {
    again(arg);
    house_turn(h);
    h->mono_ms += 100;
    if (h->closed == 0) house_wake(h);
  }
  fuzz_check(h->closed == 1, "it closes");
  house_turn(h);
  fuzz_check(h->closed == 1, "it closes once");
  fuzz_check(h->blocks == 0 && h->bytes == 0, "no memory is left");
}

/* ---- sockets of the other side ---- */

static inline void house_unblock(int fd) {
  fuzz_check(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "a descriptor");
}

/* Bytes taken; 0: none just now, or never again. */
static inline size_t house_send(int fd, const void *bytes, size_t len) {
  ssize_t n = fd < 0 || len == 0 ? 0 : send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
  return n < 0 ? 0 : (size_t)n;
}

/* 0: nothing now, or the end. */
static inline size_t house_read(int fd, void *bytes, size_t cap) {
  ssize_t n = fd < 0 ? 0 : recv(fd, bytes, cap, MSG_DONTWAIT);
  return n < 0 ? 0 : (size_t)n;
}

/* ---- the input: bytes, and between them what else is to happen ---- */

/* Everything up to the mark 0xff 0xfe is bytes; the byte behind a mark says what happens. */
struct house_script {
  const uint8_t *at, *end;
};

static inline gcache_bytes_t house_next_bytes(struct house_script *s) {
  const uint8_t *from = s->at, *mark = s->at;
  while (mark < s->end && !(mark[0] == 0xff && mark + 1 < s->end && mark[1] == 0xfe))
    mark++;
  s->at = mark;
  return gcache_bytes(from, (size_t)(mark - from));
}

/* < 0: the input is over. */
static inline int house_next_deed(struct house_script *s) {
  if (s->end - s->at < 3) return -1;
  s->at += 3;
  return s->at[-1];
}

#endif
