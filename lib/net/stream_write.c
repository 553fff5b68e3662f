/* net/stream_write - see stream.h and stream_write.h. Sends with MSG_NOSIGNAL past libuv, which has
 * no write that avoids SIGPIPE; libuv never has a write of its own under way on these streams. */
#include "net/stream_write.h"

#include <errno.h>
#include <sys/socket.h>

#include "net/stream_tls.h"

#define SLICES 64
/* Written in one turn of the loop. */
#define TURN_BYTES ((size_t)1024 * 1024)

static int descriptor(const struct gci_stream *s) {
  uv_os_fd_t fd = -1;
  uv_fileno((const uv_handle_t *)s->uv, &fd);
  return fd;
}

/* One gather write of at most max bytes. Returns the bytes taken, or the error; *asked: how many
 * there were to take. */
static ssize_t send_once(int fd, const struct gci_out *out, size_t max, size_t *asked) {
  gcache_bytes_t slices[SLICES];
  struct iovec iov[SLICES];
  struct msghdr message = {.msg_iov = iov, .msg_iovlen = gci_out_slices(out, slices, SLICES)};
  ssize_t n;

  *asked = 0;
  for (size_t i = 0; i < message.msg_iovlen; i++) {
    size_t left = max - *asked;
    iov[i].iov_base = (void *)(uintptr_t)slices[i].base; /* sendmsg() does not write there */
    iov[i].iov_len = slices[i].len < left ? slices[i].len : left;
    *asked += iov[i].iov_len;
  }
  do
    n = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EWOULDBLOCK || errno == ENOBUFS)) return UV_EAGAIN;
  return n < 0 ? -errno : n;
}

/* The queue for the socket: the owner's, or with TLS the ciphertext made from it. NULL: nothing was
 * flushed yet. */
static struct gci_out *wire(const struct gci_stream *s) {
  return s->tls == NULL ? s->out : gci_tls_output(s->tls);
}

/* Sends until nothing waits (0), the socket is full or its share is used up (UV_EAGAIN), or it
 * fails. */
static int send_all(struct gci_stream *s, size_t *sent) {
  int rc, fd = descriptor(s);

  for (*sent = 0;;) {
    struct gci_out *queue = wire(s);
    size_t asked;
    ssize_t n;
    if (s->tls != NULL && (rc = gci_stream_tls_fill(s)) < 0) return rc;
    if (queue == NULL || queue->bytes == 0) return 0;
    if (*sent == TURN_BYTES) return UV_EAGAIN;
    n = send_once(fd, queue, TURN_BYTES - *sent, &asked);
    if (n < 0) return (int)n;
    gci_out_consume(queue, (size_t)n);
    *sent += (size_t)n;
    if ((size_t)n < asked) return UV_EAGAIN;
  }
}

static void begin_progress(struct gci_stream *s) {
  s->progress_ms = gci_env_mono_ms(s->env);
  s->progress = 0;
}

static void note_progress(struct gci_stream *s, size_t sent) {
  s->progress += sent;
  if (s->progress >= s->progress_min) begin_progress(s);
}

/* 0: all is sent, or the rest waits for room. */
static int pump(struct gci_stream *s) {
  size_t sent;
  int rc = send_all(s, &sent);

  if (rc == 0 && s->tls != NULL) gci_tls_rest(s->tls);
  if (rc != UV_EAGAIN) return rc;
  if (sent > 0) note_progress(s, sent);
  return gci_wait_start(gci_loop_of(s->env), &s->room, descriptor(s));
}

/* For a queue in which nothing waited so far. What waited before says nothing about how slow the
 * other side is now: TLS has output of its own, which no flush begins. */
static int begin_pump(struct gci_stream *s) {
  int rc = pump(s);

  if (s->room.armed) begin_progress(s);
  return rc;
}

static void drop_output(struct gci_stream *s) {
  s->broken = 1;
  if (s->out != NULL) gci_out_consume(s->out, s->out->bytes);
  if (s->tls != NULL) gci_out_consume(wire(s), wire(s)->bytes);
}

static void shut_down(struct gci_stream *s) {
  if (s->shut) return;
  s->shut = 1;
  if (s->ended || shutdown(descriptor(s), SHUT_WR) < 0 ||
      gci_env_deadline(s->env, &s->linger, gci_env_after_ms(s->env, s->linger_ms)) < 0)
    gci_stream_close(s);
}

/* Called when the queue has moved on, from the loop. */
static void tell_if_written(struct gci_stream *s) {
  if (gci_stream_blocked(s)) return;
  if (s->finishing) {
    shut_down(s);
  } else if (s->owing) {
    s->owing = 0;
    s->events->on_written(s->user);
  }
}

static void on_room(struct gci_wait *room) {
  struct gci_stream *s = gci_container_of(room, struct gci_stream, room);
  int rc = pump(s);

  if (rc < 0 && s->ended) drop_output(s);
  if (rc < 0 && !s->ended)
    gci_stream_fail_writing(s, rc);
  else
    tell_if_written(s);
}

int gci_stream_write_more(struct gci_stream *s) {
  int rc;

  if (s->broken || s->room.armed) return 0;
  rc = begin_pump(s);
  if (rc == 0) tell_if_written(s);
  return rc;
}

void gci_stream_write_try(struct gci_stream *s) {
  size_t asked;
  ssize_t n;

  if (s->room.armed || wire(s)->bytes == 0) return;
  n = send_once(descriptor(s), wire(s), TURN_BYTES, &asked);
  if (n > 0) gci_out_consume(wire(s), (size_t)n);
}

static void on_flush_failed(struct gcache_job_s *job) {
  struct gci_stream *s = gci_container_of(job, struct gci_stream, fail);
  if (!s->ended) gci_stream_fail_writing(s, s->fail_status);
}

void gci_stream_write_init(struct gci_stream *s) {
  gci_wait_init(&s->room, on_room);
  gci_job_init(&s->fail, on_flush_failed);
  s->fail_status = 0;
}

void gci_stream_write_abandon(struct gci_stream *s) {
  s->broken = 1;
  gci_wait_stop(gci_loop_of(s->env), &s->room);
  gci_defer_cancel(&s->fail);
}

void gci_stream_write_start(struct gci_stream *s) {
  int rc;

  if (s->broken || s->room.armed) return;
  rc = begin_pump(s);
  if (rc == 0) return;
  s->broken = 1;
  if (s->ended) {
    drop_output(s);
  } else {
    s->fail_status = rc;
    gci_env_defer(s->env, GCI_COMPLETIONS, &s->fail);
  }
}

void gci_stream_flush(struct gci_stream *s, struct gci_out *out) {
  int was_blocked = s->out != NULL && gci_stream_blocked(s);

  s->out = out;
  if (s->broken && s->ended && !s->closing) drop_output(s);
  gci_stream_write_start(s);
  if (!gci_stream_blocked(s)) return; /* with TLS, what was blocked before may have left just now */
  s->owing = 1;
  if (!was_blocked) begin_progress(s);
}

void gci_stream_write_finish(struct gci_stream *s) {
  if (wire(s) != NULL && begin_pump(s) < 0)
    gci_stream_close(s);
  else if (!gci_stream_blocked(s))
    shut_down(s);
}

int gci_stream_blocked(const struct gci_stream *s) {
  if (s->room.armed) return 1;
  return s->securing && !s->broken && s->out != NULL && s->out->bytes > 0;
}
