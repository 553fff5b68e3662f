/* h2_server_run - one of our HTTP/2 servers on a manual clock and an allocator that can fail, and
 * what it hands up. */
#ifndef TEST_H2_SERVER_RUN_H
#define TEST_H2_SERVER_RUN_H

#include <assert.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/value.h"
#include "h2_peer.h"
#include "http/h2.h"
#include "manual_env.h"
#include "oom.h"

enum h2_replies { H2_REPLY_AT_ONCE, H2_REPLY_LATER };

struct h2_run {
  struct oom oom;
  struct manual_env env;
  gcache_limits_t limits;
  struct gci_http_server *server;
  enum h2_replies replies;
  struct gci_http_exchange *owed[256];
  size_t n_owed;
  size_t requests, ready;
  ssize_t error; /* of input() */
  size_t taken;  /* bytes by input() */
};

static inline gcache_limits_t h2_limits(void) {
  gcache_limits_t limits = {0};
  limits.key_max = 4096;
  limits.value_max = 1024 * 1024;
  limits.line_max = 200;
  limits.head_max = 1000;
  limits.head_lines_max = 8;
  limits.pipelined_max = 1024;
  limits.head_timeout_ms = 10000;
  limits.body_timeout_ms = 30000;
  limits.body_rate_min = 1024;
  limits.write_stall_ms = 10000;
  limits.idle_ms = 60000;
  limits.streams_max = 128;
  limits.resets_burst = 200;
  limits.resets_per_s = 50;
  limits.continuations_max = 8;
  limits.settings_max = 32;
  limits.acks_max = 100;
  limits.control_max = 1000;
  return limits;
}

static inline void h2_reply_target(struct gci_http_exchange *x) {
  struct gci_http_message answer = {.status = 200, .before = x->head.target};
  gci_http_reply(x, &answer);
}

static inline void on_h2_request(void *user, struct gci_http_exchange *x) {
  struct h2_run *run = user;
  run->requests++;
  if (run->replies == H2_REPLY_AT_ONCE) {
    h2_reply_target(x);
    return;
  }
  if (run->n_owed == sizeof run->owed / sizeof run->owed[0]) abort();
  run->owed[run->n_owed++] = x;
}

static inline void on_h2_ready(void *user) {
  ((struct h2_run *)user)->ready++;
}

static const struct gci_http_server_events h2_run_events = {on_h2_request, on_h2_ready};

/* Without a server: for a session of another kind, or other limits. */
static inline int h2_run_begin(struct h2_run *run) {
  memset(run, 0, sizeof *run);
  oom_init(&run->oom);
  run->limits = h2_limits();
  gcache_mem_t user = oom_mem(&run->oom);
  return manual_env_init(&run->env, &user);
}

static inline int h2_run_serve(struct h2_run *run) {
  return gci_h2_server_open(&run->server, &run->env.env, &run->limits, &h2_run_events, run);
}

static inline void h2_run_open(struct h2_run *run, enum h2_replies replies) {
  if (h2_run_begin(run) != 0 || h2_run_serve(run) != 0) abort();
  run->replies = replies;
}

static inline void h2_run_reply(struct h2_run *run, size_t i, const struct gci_http_message *m) {
  struct gci_http_exchange *x = run->owed[i];
  run->owed[i] = NULL;
  if (x == NULL) abort();
  gci_http_reply(x, m);
}

static inline void h2_run_reply_text(struct h2_run *run, size_t i, const char *text) {
  struct gci_http_message answer = {.status = 200, .before = gcache_cstr(text)};
  h2_run_reply(run, i, &answer);
}

static inline void h2_run_end(struct h2_run *run) {
  if (run->server != NULL) gci_http_server_close(run->server);
  for (size_t i = 0; i < run->n_owed; i++) {
    if (run->owed[i] != NULL) h2_run_reply_text(run, i, "late");
  }
  manual_env_fini(&run->env);
  oom_assert_empty(&run->oom);
}

/* In pieces of `step` bytes, each a copy that ends where the bytes end. Nonzero: it was closed. */
static inline int h2_run_feed_by(struct h2_run *run, gcache_bytes_t bytes, size_t step) {
  while (bytes.len > 0 && run->server != NULL && run->error >= 0) {
    size_t n = bytes.len < step ? bytes.len : step;
    char *copy = malloc(n);
    if (copy == NULL) abort();
    memcpy(copy, bytes.base, n);
    ssize_t taken = gci_http_server_input(run->server, gcache_bytes(copy, n));
    free(copy);
    if (taken < 0)
      run->error = taken;
    else if ((size_t)taken != n)
      abort();
    run->taken += n;
    bytes = gci_bytes_skip(bytes, n);
  }
  return run->server == NULL;
}

static inline void h2_run_feed(struct h2_run *run, gcache_bytes_t bytes) {
  h2_run_feed_by(run, bytes, bytes.len);
}

/* What waits in out goes to the peer. Bytes moved. */
static inline size_t h2_out_to_peer(struct gci_out *out, struct h2_peer *peer) {
  size_t moved = 0;
  while (out->bytes > 0) {
    gcache_bytes_t slices[8];
    size_t n = gci_out_slices(out, slices, 8), sum = 0;
    for (size_t i = 0; i < n; i++) {
      ssize_t took = nghttp2_session_mem_recv(peer->ng, slices[i].base, slices[i].len);
      if (took != (ssize_t)slices[i].len) abort();
      sum += slices[i].len;
    }
    gci_out_consume(out, sum);
    moved += sum;
  }
  return moved;
}

/* Both talk until neither has more to say. */
static inline void h2_run_talk_by(struct h2_run *run, struct h2_peer *peer, size_t step) {
  size_t moved;
  do {
    gcache_bytes_t bytes = h2_peer_bytes(peer);
    moved = bytes.len;
    if (h2_run_feed_by(run, bytes, step) || run->error < 0) return;
    moved += h2_out_to_peer(gci_http_server_output(run->server), peer);
  } while (moved > 0);
}

static inline void h2_run_talk(struct h2_run *run, struct h2_peer *peer) {
  h2_run_talk_by(run, peer, SIZE_MAX);
}

#endif
