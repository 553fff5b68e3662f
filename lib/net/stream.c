/* net/stream - see stream.h. The way in: reading, ending, closing. The way out is
 * stream_write.c. */
#include "net/stream.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "net/stream_tls.h"
#include "net/stream_write.h"

/* Read in one turn: takes some tenths of a millisecond to process, whatever it is. */
#define TURN_BYTES ((size_t)512 * 1024)
/* When other streams have taken long in this turn: few requests, but some of each stream. */
#define LATE_BYTES ((size_t)4 * 1024)
/* The most that Linux accepts. */
#define KEEP_ALIVE_MAX_S 32767

static void on_linger_passed(struct gcache_deadline_s *deadline);

static void set_up(struct gci_stream *s, struct gci_env *env, uv_stream_t *uv,
                   const struct gci_stream_events *events, void *user) {
  s->env = env;
  s->events = events;
  s->user = user;
  s->uv = uv;
  s->release = NULL;
  s->out = NULL;
  s->turn = 0;
  s->turn_bytes = 0;
  s->progress_ms = 0;
  s->progress_min = s->progress = 0;
  s->linger_ms = 0;
  s->linger_bytes = 0;
  s->tls = NULL;
  s->raw_status = 0;
  s->reading = s->ended = s->broken = s->finishing = s->closing = 0;
  s->securing = s->owing = s->shut = s->refused = 0;
  gci_stream_write_init(s);
  gci_deadline_init(&s->linger, on_linger_passed);
  uv->data = s;
  uv_unref((uv_handle_t *)uv);
}

/* Neither kind can fail: no socket is made yet. */
void gci_stream_renew(struct gci_stream *s, uv_loop_t *uv) {
  if (s->kind == UV_NAMED_PIPE) {
    uv_pipe_init(uv, &s->own.pipe, 0);
  } else {
    uv_tcp_init(uv, &s->own.tcp);
    uv_tcp_nodelay(&s->own.tcp, 1);
  }
  s->own.handle.data = s;
  uv_unref(&s->own.handle);
}

int gci_stream_init(struct gci_stream *s, struct gci_env *env, uv_loop_t *uv,
                    const struct gci_stream_events *events, void *user) {
  s->kind = UV_TCP;
  gci_stream_renew(s, uv);
  set_up(s, env, &s->own.stream, events, user);
  return 0;
}

int gci_stream_init_unix(struct gci_stream *s, struct gci_env *env, uv_loop_t *uv,
                         const struct gci_stream_events *events, void *user) {
  s->kind = UV_NAMED_PIPE;
  gci_stream_renew(s, uv);
  set_up(s, env, &s->own.stream, events, user);
  return 0;
}

/* If it fails, the other side's restart is only noticed later. */
void gci_stream_keep_alive(struct gci_stream *s, uint64_t silent_ms) {
  uint64_t seconds = silent_ms / 1000 + (silent_ms % 1000 > 0);
  if (s->kind == UV_NAMED_PIPE) return; /* nothing lies between the two */
  uv_tcp_keepalive(&s->own.tcp, 1,
                   (unsigned)(seconds < KEEP_ALIVE_MAX_S ? seconds : KEEP_ALIVE_MAX_S));
}

int gci_stream_accept(struct gci_stream *s, uv_stream_t *server) {
  return uv_accept(server, s->uv);
}

int gci_stream_adopt(struct gci_stream *s, struct gci_env *env, uv_stream_t *stream,
                     void (*release)(uv_stream_t *), const struct gci_stream_events *events,
                     void *user) {
  uv_handle_type type = uv_handle_get_type((uv_handle_t *)stream);

  if ((type != UV_TCP && type != UV_NAMED_PIPE) || uv_is_closing((uv_handle_t *)stream))
    return UV_EINVAL;
  if (type == UV_TCP) uv_tcp_nodelay((uv_tcp_t *)stream, 1); /* without it answers are only later */
  set_up(s, env, stream, events, user);
  s->release = release;
  return 0;
}

/* ----------------------------------------------------------------------------------- reading -- */

void gci_stream_end(struct gci_stream *s, int status) {
  gci_stream_read_stop(s);
  s->ended = 1;
  if (status != UV_EOF) gci_stream_write_abandon(s);
  if (!s->finishing)
    s->events->on_end(s->user, status);
  else if (status != UV_EOF || !gci_stream_blocked(s))
    gci_stream_close(s);
}

/* How many bytes the stream may still read in this turn. */
static size_t left_of_turn(struct gci_stream *s, struct gci_loop *loop) {
  size_t share = gci_loop_is_late(loop) ? LATE_BYTES : TURN_BYTES;

  if (s->turn != loop->turns) {
    s->turn = loop->turns;
    s->turn_bytes = 0;
  }
  return s->turn_bytes < share ? share - s->turn_bytes : 0;
}

/* libuv reads on until a read is short. Without a buffer it stops for this turn, with
 * UV_ENOBUFS. */
static void on_allocated(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct gci_stream *s = handle->data;
  struct gci_loop *loop = gci_loop_of(s->env);
  size_t left = left_of_turn(s, loop), len = 0;
  char *base = NULL;
  (void)suggested;

  if (left > 0 && s->tls == NULL && !s->finishing && s->events->place != NULL)
    base = s->events->place(s->user, &len);
  if (base == NULL) {
    base = gci_loop_read_buffer(loop);
    len = GCI_LOOP_READ_SIZE;
  }
  *buf = uv_buf_init(base, (unsigned)(len < left ? len : left));
}

static void throw_away(struct gci_stream *s, size_t n) {
  if (n > s->linger_bytes)
    gci_stream_close(s);
  else
    s->linger_bytes -= n;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct gci_stream *s = stream->data;
  int sealed = s->tls != NULL && (!s->finishing || s->securing); /* input is still of interest */

  if (n > 0) s->turn_bytes += (size_t)n;
  if (n == UV_ENOBUFS && buf->len == 0) return; /* on_allocated() gave no buffer */
  if (n < 0 && sealed)
    gci_stream_tls_input_end(s, (int)n);
  else if (n < 0)
    gci_stream_end(s, (int)n);
  else if (n > 0 && sealed)
    gci_stream_tls_input(s, gcache_bytes(buf->base, (size_t)n));
  else if (n > 0 && s->finishing)
    throw_away(s, (size_t)n);
  else if (n > 0)
    s->events->on_read(s->user, gcache_bytes(buf->base, (size_t)n));
}

void gci_stream_fail_writing(struct gci_stream *s, int status) {
  char *base = gci_loop_read_buffer(gci_loop_of(s->env));
  ssize_t n = -1;
  uv_os_fd_t fd;

  if (s->reading && base != NULL && uv_fileno((const uv_handle_t *)s->uv, &fd) == 0)
    n = recv(fd, base, GCI_LOOP_READ_SIZE, MSG_DONTWAIT);
  if (n > 0) {
    uv_buf_t buf = uv_buf_init(base, GCI_LOOP_READ_SIZE);
    on_read(s->uv, n, &buf);
  }
  if (!s->ended && !s->closing) gci_stream_end(s, status);
}

int gci_stream_read_start(struct gci_stream *s) {
  int rc;

  if (s->ended || s->closing) return UV_ENOTCONN;
  if (s->reading) return 0;
  if (gci_loop_read_buffer(gci_loop_of(s->env)) == NULL) return UV_ENOMEM;
  rc = uv_read_start(s->uv, on_allocated, on_read);
  s->reading = rc == 0;
  if (rc == 0 && s->tls != NULL) gci_stream_tls_resume(s);
  return rc;
}

void gci_stream_read_stop(struct gci_stream *s) {
  if (s->reading) uv_read_stop(s->uv);
  s->reading = 0;
}

/* ----------------------------------------------------------------------------------- closing -- */

static void on_closed(uv_handle_t *handle) {
  struct gci_stream *s = handle->data;

  if (s->release != NULL) s->release(s->uv);
  if (s->tls != NULL) gci_stream_tls_free(s);
  s->events->on_closed(s->user);
}

void gci_stream_close(struct gci_stream *s) {
  if (s->closing) return;
  if (s->tls != NULL) gci_stream_tls_goodbye(s);
  gci_stream_read_stop(s);
  gci_stream_write_abandon(s);
  gci_env_deadline_clear(s->env, &s->linger);
  if (s->tls != NULL) gci_stream_tls_stop(s);
  s->closing = 1;
  uv_close((uv_handle_t *)s->uv, on_closed);
}

/* Progress gives the other side linger_ms more. */
static void on_linger_passed(struct gcache_deadline_s *deadline) {
  struct gci_stream *s = gci_container_of(deadline, struct gci_stream, linger);
  uint64_t until_ms = s->progress_ms + s->linger_ms;

  if (!gci_stream_blocked(s) || until_ms <= gci_env_mono_ms(s->env) ||
      gci_env_deadline(s->env, deadline, until_ms) < 0)
    gci_stream_close(s);
}

void gci_stream_finish(struct gci_stream *s, uint64_t linger_ms, size_t drain_max) {
  if (s->closing || s->finishing) return;
  s->finishing = 1;
  s->linger_ms = linger_ms;
  s->linger_bytes = drain_max;
  if (s->refused) s->ended = s->broken = 0; /* the socket is fine: the alert is still to be read */
  if (s->broken || (!s->ended && gci_stream_read_start(s) < 0) ||
      gci_env_deadline(s->env, &s->linger, gci_env_after_ms(s->env, linger_ms)) < 0)
    gci_stream_close(s);
  else if (!gci_stream_blocked(s))
    gci_stream_write_finish(s);
}

void gci_stream_peer_address(const struct gci_stream *s, char *out, size_t cap) {
  struct sockaddr_storage name = {0};
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&name;
  int len = sizeof name;

  out[0] = 0;
  if (uv_handle_get_type((const uv_handle_t *)s->uv) != UV_TCP ||
      uv_tcp_getpeername((const uv_tcp_t *)s->uv, (struct sockaddr *)&name, &len) < 0)
    return;
  if (name.ss_family == AF_INET)
    uv_ip4_name((const struct sockaddr_in *)&name, out, cap);
  else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
    uv_inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, cap);
  else
    uv_ip6_name(in6, out, cap);
}

int gci_stream_is_pipe(const struct gci_stream *s) {
  return uv_handle_get_type((const uv_handle_t *)s->uv) == UV_NAMED_PIPE;
}
