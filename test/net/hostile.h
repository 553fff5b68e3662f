/* hostile - many misbehaving clients at once over plain sockets, and an honest one next to them
 * whose gets are all timed. Include cmocka and member.h first. */
#ifndef TEST_NET_HOSTILE_H
#define TEST_NET_HOSTILE_H

#include <netinet/tcp.h>
#include <sys/resource.h>

#include "member.h"
#include "raw.h"
#include "world.h"

#define HONEST_GET "GET /_groupcache/g/honest HTTP/1.1\r\nHost: x\r\n\r\n"

/* Instrumented code takes some four times as long, and keeps what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_INSTRUMENTED = 1, HONEST_MAX_MS = 200 };
#else
enum { IS_INSTRUMENTED = 0, HONEST_MAX_MS = 50 };
#endif
enum { HOSTILE_TICK_MS = 10, HOSTILE_TURNS = 5, HOSTILE_MAX = 400 };

static inline gcache_stats_t stats_of(const struct member *m) {
  gcache_stats_t stats;

  gcache_stats(m->cache, &stats);
  return stats;
}

static inline double ms_since(uint64_t ns) {
  return (double)(uv_hrtime() - ns) / 1e6;
}

static inline void end_raw(struct raw *c) {
  raw_close(c);
  run_loop_until(c->tcp.loop, &c->closed, 1);
  raw_free(c);
}

/* ---------------------------------------------------------------------------- the honest one -- */

struct honest {
  struct raw *raw;
  size_t answer_len, seen;
  uint64_t asked_ns, asked_cpu_ns;
  int gets;
  double worst_ms, worst_cpu_ms; /* by the clock; of this process's work meanwhile */
  int waits;
};

static inline uint64_t cpu_ns(void) {
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void honest_ask(struct honest *h) {
  if (h->waits) return;
  h->waits = 1;
  h->asked_ns = uv_hrtime();
  h->asked_cpu_ns = cpu_ns();
  raw_say(h->raw, HONEST_GET);
}

/* Between turns of the loop. */
static inline void honest_look(struct honest *h) {
  double ms, cpu_ms;

  if (!h->waits) return;
  assert_false(h->raw->ended);
  if (h->raw->in_len < h->seen + h->answer_len) return;
  assert_non_null(memmem(h->raw->in + h->seen, h->answer_len, "here|honest|", 12));
  h->seen += h->answer_len;
  h->waits = 0;
  h->gets++;
  ms = ms_since(h->asked_ns);
  cpu_ms = (double)(cpu_ns() - h->asked_cpu_ns) / 1e6;
  if (ms > h->worst_ms) h->worst_ms = ms;
  if (cpu_ms > h->worst_cpu_ms) h->worst_cpu_ms = cpu_ms;
}

static inline void honest_open(struct honest *h, struct member *m) {
  *h = (struct honest){.raw = raw_connect(m->loop, m->port)};
  honest_ask(h);
  while (raw_find(h->raw, "here|honest|") == NULL)
    assert_true(uv_run(m->loop, UV_RUN_ONCE) != 0);
  h->answer_len = h->seen = h->raw->in_len;
  h->waits = 0;
}

/* The machine may be busy with others: by the clock a get may be late, by less than a second. */
static inline void honest_close(struct honest *h) {
  while (h->waits) {
    assert_true(uv_run(h->raw->tcp.loop, UV_RUN_ONCE) != 0);
    honest_look(h);
  }
  if (h->worst_cpu_ms > HONEST_MAX_MS || h->worst_ms > 1000)
    fail_msg("an honest get took %.0f ms of work and %.0f ms in all", h->worst_cpu_ms, h->worst_ms);
  end_raw(h->raw);
}

/* --------------------------------------------------------------------------------- the crowd -- */

/* One client; -1: it has seen its end. */
struct hostile {
  int fd;
  size_t at; /* of what it does tick by tick */
};

struct crowd {
  struct member *m;
  int n;
  struct hostile all[HOSTILE_MAX];
  /* What each does in every HOSTILE_TURNS-th tick. NULL: nothing. */
  void (*act)(struct crowd *crowd, struct hostile *one);
  const void *arg;
  uv_timer_t timer;
  int ticks;
  struct honest honest;
};

static inline void crowd_say(const struct hostile *one, const void *bytes, size_t len) {
  ssize_t n = send(one->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

  (void)n; /* it may have been cut */
}

/* segment: the largest that the other side is to send, which keeps its socket's buffer small; 0:
 * any. */
static inline int hostile_connect(int port, int segment) {
  struct sockaddr_in in = loopback(port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), buffer = 4096;

  assert_true(fd >= 0);
  if (segment > 0) {
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), 0);
  }
  connect(fd, (struct sockaddr *)&in, sizeof in);
  return fd;
}

static inline void on_crowd_tick(uv_timer_t *timer) {
  struct crowd *crowd = timer->data;

  crowd->ticks++;
  honest_ask(&crowd->honest);
  if (crowd->act == NULL) return;
  for (int i = crowd->ticks % HOSTILE_TURNS; i < crowd->n; i += HOSTILE_TURNS)
    crowd->act(crowd, &crowd->all[i]);
}

static inline void crowd_turn(struct crowd *crowd, uv_run_mode mode) {
  uv_run(crowd->m->loop, mode);
  honest_look(&crowd->honest);
}

static inline void crowd_turns(struct crowd *crowd, int turns) {
  honest_ask(&crowd->honest);
  for (int i = 0; i < turns; i++)
    crowd_turn(crowd, UV_RUN_NOWAIT);
}

static inline void crowd_init(struct crowd *crowd, struct member *m) {
  memset(crowd, 0, sizeof *crowd);
  crowd->m = m;
  honest_open(&crowd->honest, m);
  uv_timer_init(m->loop, &crowd->timer);
  crowd->timer.data = crowd;
}

/* n come at once and say bytes. */
static inline void crowd_come(struct crowd *crowd, int n, int segment, const void *bytes,
                              size_t len) {
  assert_true(n <= HOSTILE_MAX);
  for (int i = 0; i < n; i++) {
    crowd->all[i] = (struct hostile){.fd = hostile_connect(crowd->m->port, segment)};
    if (len > 0) assert_int_equal(send(crowd->all[i].fd, bytes, len, MSG_NOSIGNAL), len);
    if (i % 32 == 31) crowd_turns(crowd, 40); /* fewer than the backlog; libuv takes one a turn */
  }
  crowd_turns(crowd, 40);
  crowd->n = n;
  uv_timer_start(&crowd->timer, on_crowd_tick, 0, HOSTILE_TICK_MS);
}

static inline void crowd_leave(struct crowd *crowd) {
  uv_timer_stop(&crowd->timer);
  for (int i = 0; i < crowd->n; i++)
    close(crowd->all[i].fd);
  crowd->n = 0;
}

static inline void crowd_fini(struct crowd *crowd) {
  crowd_leave(crowd);
  honest_close(&crowd->honest);
  uv_close((uv_handle_t *)&crowd->timer, NULL);
  run_loop_turns(crowd->m->loop, 10);
}

/* Runs until only the honest one is left; the time that took. */
static inline double crowd_until_cut(struct crowd *crowd) {
  uint64_t began = uv_hrtime();

  while (stats_of(crowd->m).connections_in > 1) {
    crowd_turn(crowd, UV_RUN_ONCE);
    if (ms_since(began) > 20000)
      fail_msg("%d connections are open still", (int)stats_of(crowd->m).connections_in - 1);
  }
  return ms_since(began);
}

#endif
