/* net/stream: bytes in and out of real sockets, against a plain socket at the other end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>

#include "base/value.h"
#include "net/stream.h"
#include "world.h"

/* A stream under test, the other end, and what was told. */
struct end {
  struct world *w;
  struct gci_stream s;
  struct gci_out out;
  int fd; /* the other end; -1: closed */
  char *got;
  size_t n_got;
  int reads, ends, status, written, closed, released;
  int close_after, stop_after; /* reads; 0: never */
  uv_tcp_t adopted;
};

static void on_read(void *user, gcache_bytes_t bytes) {
  struct end *e = user;
  assert_int_equal(e->ends + e->closed, 0);
  e->reads++;
  e->got = realloc(e->got, e->n_got + bytes.len);
  memcpy(e->got + e->n_got, bytes.base, bytes.len);
  e->n_got += bytes.len;
  if (e->reads == e->stop_after) gci_stream_read_stop(&e->s);
  if (e->reads == e->close_after) gci_stream_close(&e->s);
}

static void on_end(void *user, int status) {
  struct end *e = user;
  assert_int_equal(e->closed, 0);
  e->ends++;
  e->status = status;
}

static void on_written(void *user) {
  struct end *e = user;
  assert_int_equal(e->closed, 0);
  assert_int_equal(e->out.bytes, 0);
  e->written++;
}

static void on_closed(void *user) {
  ((struct end *)user)->closed++;
}

static const struct gci_stream_events events = {
    .on_read = on_read, .on_end = on_end, .on_written = on_written, .on_closed = on_closed};

static void end_open(struct end *e, struct world *w) {
  int fds[2];
  memset(e, 0, sizeof *e);
  e->w = w;
  plain_pair(fds);
  e->fd = fds[0];
  assert_int_equal(gci_stream_init(&e->s, &w->env, &w->uv, &events, e), 0);
  assert_int_equal(uv_tcp_open(&e->s.own.tcp, fds[1]), 0);
  gci_out_init(&e->out, w->env.mem);
}

static void other_close(struct end *e) {
  close(e->fd);
  e->fd = -1;
}

static void end_close(struct end *e) {
  if (e->closed == 0) {
    gci_stream_close(&e->s);
    gci_stream_close(&e->s); /* again is fine */
    assert_int_equal(e->closed, 0);
  }
  run_until(e->w, &e->closed, 1);
  run_a_little(e->w);
  assert_int_equal(e->closed, 1);
  gci_out_fini(&e->out);
  if (e->fd >= 0) close(e->fd);
  free(e->got);
}

static char *pattern(size_t n) {
  char *bytes = malloc(n);
  for (size_t i = 0; i < n; i++)
    bytes[i] = (char)(i * 31 + i / 251);
  return bytes;
}

/* What the other end can read now, behind what it has; returns 1 at its end, -1 on a reset. */
struct received {
  char *bytes;
  size_t n;
};
static int receive(struct end *e, struct received *r, size_t max) {
  char buf[65536];
  while (max > 0) {
    ssize_t n = recv(e->fd, buf, max < sizeof buf ? max : sizeof buf, 0);
    if (n == 0) return 1;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    r->bytes = realloc(r->bytes, r->n + (size_t)n);
    memcpy(r->bytes + r->n, buf, (size_t)n);
    r->n += (size_t)n;
    max -= (size_t)n;
  }
  return 0;
}

static void receive_all(struct end *e, struct received *r, size_t n) {
  while (r->n < n) {
    assert_int_equal(receive(e, r, n - r->n), 0);
    turn(e->w);
  }
}

/* To the end, however it comes. */
static int receive_to_end(struct end *e, struct received *r) {
  int rc;
  while ((rc = receive(e, r, SIZE_MAX)) == 0)
    turn(e->w);
  return rc;
}

/* Output that a socket does not take at once. */
#define MUCH ((size_t)16 << 20)
static gcache_value_t *put_much(struct end *e) {
  gcache_value_t *value = gci_value_block(e->w->env.mem, MUCH);
  assert_non_null(value);
  for (size_t i = 0; i < MUCH; i++)
    ((char *)gci_value_fill(value))[i] = (char)(i * 31 + i / 251);
  assert_int_equal(gci_out_value(&e->out, value), 0);
  return value;
}

static void flush_until_blocked(struct end *e) {
  gcache_value_unref(put_much(e));
  gci_stream_flush(&e->s, &e->out);
  assert_true(gci_stream_blocked(&e->s));
}

/* ---- reading ---- */

static void what_was_sent_is_read_and_then_the_end(void **state) {
  struct end e;
  const size_t n = 300000;
  char *sent = pattern(n);
  size_t at = 0;
  end_open(&e, *state);
  assert_int_equal(gci_stream_read_start(&e.s), 0);
  assert_int_equal(gci_stream_read_start(&e.s), 0);
  while (at < n) {
    ssize_t rc = send(e.fd, sent + at, n - at, 0);
    if (rc > 0) at += (size_t)rc;
    turn(e.w);
  }
  assert_int_equal(e.ends, 0);
  other_close(&e);
  run_until(e.w, &e.ends, 1);
  assert_int_equal(e.status, UV_EOF);
  assert_int_equal(e.n_got, n);
  assert_memory_equal(e.got, sent, n);
  assert_int_equal(gci_stream_read_start(&e.s), UV_ENOTCONN);
  free(sent);
  end_close(&e);
  assert_int_equal(e.ends, 1);
}

static void nothing_is_read_before_it_is_asked_for_or_after_stop(void **state) {
  struct end e;
  end_open(&e, *state);
  assert_int_equal(send(e.fd, "one", 3, 0), 3);
  run_a_little(e.w);
  assert_int_equal(e.reads, 0);
  e.stop_after = 1;
  gci_stream_read_start(&e.s);
  run_until(e.w, &e.reads, 1);
  assert_int_equal(send(e.fd, "two", 3, 0), 3);
  run_a_little(e.w);
  assert_int_equal(e.reads, 1);
  gci_stream_read_start(&e.s);
  run_until(e.w, &e.reads, 2);
  assert_memory_equal(e.got, "onetwo", 6);
  end_close(&e);
}

static void closed_inside_on_read_it_tells_no_more(void **state) {
  struct end e;
  char *sent = pattern(200000);
  end_open(&e, *state);
  e.close_after = 1;
  gci_stream_read_start(&e.s);
  assert_true(send(e.fd, sent, 200000, 0) > 0);
  run_until(e.w, &e.closed, 1);
  assert_int_equal(e.reads, 1);
  assert_int_equal(e.ends, 0);
  free(sent);
  end_close(&e);
}

static void a_reset_is_told_once_as_an_error(void **state) {
  struct end e;
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  plain_reset(e.fd);
  e.fd = -1;
  run_until(e.w, &e.ends, 1);
  assert_int_equal(e.status, UV_ECONNRESET);
  run_a_little(e.w);
  assert_int_equal(e.ends, 1);
  end_close(&e);
}

static void a_reading_stream_does_not_keep_the_loop_alive(void **state) {
  struct end e;
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  flush_until_blocked(&e);
  assert_int_equal(uv_run(&e.w->uv, UV_RUN_DEFAULT), 0);
  end_close(&e);
}

static void without_memory_for_the_buffer_reading_does_not_start(void **state) {
  struct end e;
  end_open(&e, *state);
  oom_fail_nth(&e.w->oom, 1);
  assert_int_equal(gci_stream_read_start(&e.s), UV_ENOMEM);
  assert_int_equal(gci_stream_read_start(&e.s), 0);
  end_close(&e);
}

/* ---- writing ---- */

static void texts_and_values_arrive_in_order(void **state) {
  struct end e;
  struct received r = {0}, want = {0};
  char *bytes = pattern(400 * 5000);
  end_open(&e, *state);
  want.bytes = malloc(400 * 5010);
  for (int i = 0; i < 400; i++) { /* more slices than one write takes */
    char text[16];
    gcache_value_t *value = gci_value_copy(e.w->env.mem, gcache_bytes(bytes + i * 5000, 5000),
                                           GCACHE_NEVER);
    int len = snprintf(text, sizeof text, "<%d>", i);
    assert_int_equal(gci_out_text(&e.out, gcache_bytes(text, (size_t)len)), 0);
    assert_int_equal(gci_out_value(&e.out, value), 0);
    gcache_value_unref(value);
    memcpy(want.bytes + want.n, text, (size_t)len);
    memcpy(want.bytes + want.n + len, bytes + i * 5000, 5000);
    want.n += (size_t)len + 5000;
    if (i % 7 == 0) gci_stream_flush(&e.s, &e.out);
  }
  gci_stream_flush(&e.s, &e.out);
  receive_all(&e, &r, want.n);
  assert_memory_equal(r.bytes, want.bytes, want.n);
  run_a_little(e.w);
  assert_int_equal(e.out.bytes, 0);
  assert_int_equal(e.ends, 0);
  free(want.bytes);
  free(r.bytes);
  free(bytes);
  end_close(&e);
}

static void a_full_socket_blocks_and_says_once_when_all_is_written(void **state) {
  struct end e;
  struct received r = {0};
  char *want = pattern(MUCH);
  end_open(&e, *state);
  flush_until_blocked(&e);
  gci_out_text(&e.out, gcache_cstr("and more"));
  gci_stream_flush(&e.s, &e.out);
  run_a_little(e.w);
  assert_int_equal(e.written, 0);
  receive_all(&e, &r, MUCH + 8);
  run_until(e.w, &e.written, 1);
  assert_false(gci_stream_blocked(&e.s));
  assert_memory_equal(r.bytes, want, MUCH);
  assert_memory_equal(r.bytes + MUCH, "and more", 8);
  run_a_little(e.w);
  assert_int_equal(e.written, 1);
  free(want);
  free(r.bytes);
  end_close(&e);
}

static void what_fits_at_once_is_not_told(void **state) {
  struct end e;
  struct received r = {0};
  end_open(&e, *state);
  gci_out_text(&e.out, gcache_cstr("hello"));
  gci_stream_flush(&e.s, &e.out);
  assert_false(gci_stream_blocked(&e.s));
  assert_int_equal(e.out.bytes, 0);
  receive_all(&e, &r, 5);
  assert_memory_equal(r.bytes, "hello", 5);
  run_a_little(e.w);
  assert_int_equal(e.written, 0);
  free(r.bytes);
  end_close(&e);
}

static uint64_t standing_clock(void *data) {
  return *(uint64_t *)data;
}

static void progress_is_when_the_other_side_last_took_bytes(void **state) {
  uint64_t now_ms = 1000;
  gcache_clock_t clock = {standing_clock, NULL, &now_ms};
  struct received r = {0};
  struct world w;
  struct end e;
  (void)state;
  world_init(&w, &clock);
  end_open(&e, &w);
  flush_until_blocked(&e);
  run_a_little(&w); /* it fills the socket turn by turn */
  assert_int_equal(e.s.progress_ms, 1000);
  now_ms = 2000;
  run_a_little(&w);
  gci_stream_flush(&e.s, &e.out);
  assert_int_equal(e.s.progress_ms, 1000);
  while (e.s.progress_ms == 1000) {
    receive(&e, &r, 1 << 20);
    turn(&w);
  }
  assert_int_equal(e.s.progress_ms, 2000);
  assert_true(gci_stream_blocked(&e.s));
  free(r.bytes);
  end_close(&e);
  world_fini(&w);
}

static void a_write_that_fails_at_once_is_told_from_the_loop(void **state) {
  struct end e;
  end_open(&e, *state);
  plain_reset(e.fd);
  e.fd = -1;
  gci_out_text(&e.out, gcache_cstr("to nobody"));
  gci_stream_flush(&e.s, &e.out);
  gci_stream_flush(&e.s, &e.out);
  assert_int_equal(e.ends, 0);
  run_until(e.w, &e.ends, 1);
  assert_true(e.status == UV_ECONNRESET || e.status == UV_EPIPE);
  gci_stream_flush(&e.s, &e.out);
  run_a_little(e.w);
  assert_int_equal(e.ends, 1);
  assert_int_equal(e.written, 0);
  end_close(&e);
}

static void closed_before_a_failure_was_told_it_is_not_told(void **state) {
  struct end e;
  end_open(&e, *state);
  plain_reset(e.fd);
  e.fd = -1;
  gci_out_text(&e.out, gcache_cstr("to nobody"));
  gci_stream_flush(&e.s, &e.out);
  end_close(&e);
  assert_int_equal(e.ends, 0);
}

static void a_reset_while_blocked_is_told_without_reading(void **state) {
  struct end e;
  end_open(&e, *state);
  flush_until_blocked(&e);
  plain_reset(e.fd);
  e.fd = -1;
  run_until(e.w, &e.ends, 1);
  assert_true(e.status == UV_ECONNRESET || e.status == UV_EPIPE);
  run_a_little(e.w);
  assert_int_equal(e.ends, 1);
  assert_int_equal(e.written, 0);
  end_close(&e);
}

static void after_an_error_in_reading_nothing_is_told_of_writing(void **state) {
  struct end e;
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  flush_until_blocked(&e);
  plain_reset(e.fd);
  e.fd = -1;
  run_until(e.w, &e.ends, 1);
  run_a_little(e.w);
  assert_int_equal(e.ends, 1);
  assert_int_equal(e.written, 0);
  assert_false(gci_stream_blocked(&e.s));
  end_close(&e);
}

/* The way a careless client leaves: it ends, answers arrive at a closed socket, a reset comes back. The
 * second write then raises SIGPIPE unless it is told not to; libuv's does. */
static void writing_to_one_who_has_left_raises_no_signal(void **state) {
  struct end e;
  end_open(&e, *state);
  signal(SIGPIPE, SIG_DFL);
  gci_stream_read_start(&e.s);
  other_close(&e);
  run_until(e.w, &e.ends, 1);
  for (int i = 0; i < 4; i++) {
    gci_out_text(&e.out, gcache_cstr("late answer"));
    gci_stream_flush(&e.s, &e.out);
    run_a_little(e.w);
  }
  assert_int_equal(e.out.bytes, 0); /* counts as written */
  assert_int_equal(e.ends, 1);
  end_close(&e);
}

static void blocked_on_one_who_has_left_it_counts_as_written(void **state) {
  struct end e;
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
  run_until(e.w, &e.ends, 1);
  flush_until_blocked(&e);
  other_close(&e); /* with unread bytes: a reset */
  run_until(e.w, &e.written, 1);
  assert_int_equal(e.out.bytes, 0);
  assert_int_equal(e.ends, 1);
  end_close(&e);
}

static void after_the_other_side_ended_it_still_gets_its_answer(void **state) {
  struct end e;
  struct received r = {0};
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  assert_int_equal(shutdown(e.fd, SHUT_WR), 0);
  run_until(e.w, &e.ends, 1);
  assert_int_equal(e.status, UV_EOF);
  flush_until_blocked(&e);
  receive_all(&e, &r, MUCH);
  run_until(e.w, &e.written, 1);
  assert_int_equal(e.ends, 1);
  free(r.bytes);
  end_close(&e);
}

static void closed_while_blocked_nothing_is_told(void **state) {
  struct end e;
  end_open(&e, *state);
  flush_until_blocked(&e);
  end_close(&e);
  assert_int_equal(e.ends + e.written, 0);
}

/* ---- adopting ---- */

static void on_released(uv_stream_t *stream) {
  struct end *e = gci_container_of((uv_tcp_t *)(void *)stream, struct end, adopted);
  assert_int_equal(e->closed, 0);
  e->released++;
}

static void an_adopted_stream_is_released_instead_of_closed(void **state) {
  struct end e = {.w = *state};
  struct received r = {0};
  int fds[2];
  plain_pair(fds);
  e.fd = fds[0];
  gci_out_init(&e.out, e.w->env.mem);
  uv_tcp_init(&e.w->uv, &e.adopted);
  assert_int_equal(uv_tcp_open(&e.adopted, fds[1]), 0);
  assert_int_equal(
      gci_stream_adopt(&e.s, &e.w->env, (uv_stream_t *)&e.adopted, on_released, &events, &e), 0);
  assert_int_equal(gci_stream_read_start(&e.s), 0);
  assert_int_equal(send(e.fd, "hi", 2, 0), 2);
  run_until(e.w, &e.reads, 1);
  gci_out_text(&e.out, gcache_cstr("ho"));
  gci_stream_flush(&e.s, &e.out);
  receive_all(&e, &r, 2);
  assert_memory_equal(r.bytes, "ho", 2);
  assert_int_equal(uv_run(&e.w->uv, UV_RUN_DEFAULT), 0); /* it does not keep the loop alive */
  assert_int_equal(e.released, 0);
  free(r.bytes);
  end_close(&e);
  assert_int_equal(e.released, 1);
}

static void a_pipe_is_as_good(void **state) {
  struct end e = {.w = *state};
  struct received r = {0};
  char address[INET6_ADDRSTRLEN] = "x";
  uv_pipe_t pipe;
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
  e.fd = fds[0];
  gci_out_init(&e.out, e.w->env.mem);
  uv_pipe_init(&e.w->uv, &pipe, 0);
  assert_int_equal(uv_pipe_open(&pipe, fds[1]), 0);
  assert_int_equal(gci_stream_adopt(&e.s, &e.w->env, (uv_stream_t *)&pipe, NULL, &events, &e), 0);
  gci_stream_peer_address(&e.s, address, sizeof address);
  assert_string_equal(address, "");
  flush_until_blocked(&e);
  receive_all(&e, &r, MUCH);
  run_until(e.w, &e.written, 1);
  other_close(&e);
  gci_out_text(&e.out, gcache_cstr("to nobody"));
  gci_stream_flush(&e.s, &e.out);
  run_until(e.w, &e.ends, 1);
  assert_int_equal(e.status, UV_EPIPE);
  free(r.bytes);
  end_close(&e);
}

static void what_is_no_connection_is_not_adopted(void **state) {
  struct world *w = *state;
  struct end e = {.w = w};
  uv_udp_t udp;
  uv_tcp_t tcp;
  uv_udp_init(&w->uv, &udp);
  udp.data = w;
  assert_int_equal(gci_stream_adopt(&e.s, &w->env, (uv_stream_t *)(void *)&udp, NULL, &events, &e),
                   UV_EINVAL);
  assert_ptr_equal(udp.data, w);
  uv_close((uv_handle_t *)&udp, NULL);
  uv_tcp_init(&w->uv, &tcp);
  uv_close((uv_handle_t *)&tcp, NULL);
  assert_int_equal(gci_stream_adopt(&e.s, &w->env, (uv_stream_t *)&tcp, NULL, &events, &e),
                   UV_EINVAL);
  uv_run(&w->uv, UV_RUN_DEFAULT);
}

/* ---- finishing ---- */

static void finished_the_client_reads_all_though_its_request_was_not(void **state) {
  struct end e;
  struct received r = {0};
  char *unread = pattern(50000), *want = pattern(MUCH);
  end_open(&e, *state);
  assert_int_equal(send(e.fd, unread, 50000, 0), 50000);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 60000, 1 << 20);
  assert_int_equal(receive_to_end(&e, &r), 1);
  assert_int_equal(r.n, MUCH);
  assert_memory_equal(r.bytes, want, MUCH);
  assert_int_equal(e.closed, 0); /* it has not ended yet */
  assert_int_equal(send(e.fd, unread, 50000, 0), 50000);
  run_a_little(e.w);
  other_close(&e);
  run_until(e.w, &e.closed, 1);
  assert_int_equal(e.reads + e.ends + e.written, 0);
  free(unread);
  free(want);
  free(r.bytes);
  end_close(&e);
}

static void finish_sends_what_was_never_flushed(void **state) {
  struct end e;
  struct received r = {0};
  end_open(&e, *state);
  gci_stream_flush(&e.s, &e.out); /* makes out known */
  gci_out_text(&e.out, gcache_cstr("bye"));
  gci_stream_finish(&e.s, 60000, 0);
  assert_int_equal(receive_to_end(&e, &r), 1);
  assert_int_equal(r.n, 3);
  other_close(&e);
  run_until(e.w, &e.closed, 1);
  free(r.bytes);
  end_close(&e);
}

static void finish_after_the_other_side_ended_closes_when_written(void **state) {
  struct end e;
  struct received r = {0};
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  shutdown(e.fd, SHUT_WR);
  run_until(e.w, &e.ends, 1);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 60000, 0);
  run_a_little(e.w);
  assert_int_equal(e.closed, 0);
  assert_int_equal(receive_to_end(&e, &r), 1);
  assert_int_equal(r.n, MUCH);
  run_until(e.w, &e.closed, 1);
  free(r.bytes);
  end_close(&e);
}

static void the_other_side_may_end_while_the_rest_is_written(void **state) {
  struct end e;
  struct received r = {0};
  end_open(&e, *state);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 60000, 0);
  shutdown(e.fd, SHUT_WR);
  run_a_little(e.w);
  assert_int_equal(e.closed, 0);
  assert_int_equal(receive_to_end(&e, &r), 1);
  assert_int_equal(r.n, MUCH);
  run_until(e.w, &e.closed, 1);
  free(r.bytes);
  end_close(&e);
}

static void finish_gives_up_on_one_who_does_not_read(void **state) {
  struct end e;
  uint64_t start = uv_hrtime();
  end_open(&e, *state);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 20, 1 << 20);
  run_until(e.w, &e.closed, 1);
  assert_true(uv_hrtime() - start >= 19 * 1000000u);
  end_close(&e);
}

static void finish_gives_up_on_one_who_does_not_end(void **state) {
  struct end e;
  struct received r = {0};
  uint64_t start = uv_hrtime();
  end_open(&e, *state);
  gci_stream_finish(&e.s, 20, 1 << 20);
  assert_int_equal(e.closed, 0);
  run_until(e.w, &e.closed, 1);
  assert_true(uv_hrtime() - start >= 19 * 1000000u);
  assert_int_equal(receive(&e, &r, 1), 1);
  end_close(&e);
}

static void finish_is_patient_while_bytes_are_taken(void **state) {
  uint64_t now_ms = 1000;
  gcache_clock_t clock = {standing_clock, NULL, &now_ms};
  struct received r = {0};
  struct world w;
  struct end e;
  (void)state;
  world_init(&w, &clock);
  end_open(&e, &w);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 10, 0);
  now_ms = 1009;
  while (e.s.progress_ms == 1000) {
    receive(&e, &r, 1 << 20);
    turn(&w);
  }
  now_ms = 1010; /* ten after finish, one after the last byte */
  gci_env_hold(&w.env);
  while (e.s.linger.at_ms == 1010 && e.closed == 0)
    uv_run(&w.uv, UV_RUN_ONCE);
  assert_int_equal(e.closed, 0);
  assert_in_range(e.s.linger.at_ms, 1019, 1020);
  for (; e.closed == 0; now_ms += 10) /* the last room it made may still be used */
    uv_run(&w.uv, UV_RUN_ONCE);
  gci_env_release(&w.env);
  free(r.bytes);
  end_close(&e);
  world_fini(&w);
}

static void finish_throws_away_only_so_much(void **state) {
  struct end e;
  char *sent = pattern(1000);
  end_open(&e, *state);
  gci_stream_finish(&e.s, 60000, 1500);
  assert_int_equal(send(e.fd, sent, 1000, 0), 1000);
  run_a_little(e.w);
  assert_int_equal(e.closed, 0);
  assert_int_equal(send(e.fd, sent, 1000, 0), 1000);
  run_until(e.w, &e.closed, 1);
  free(sent);
  end_close(&e);
}

static void finish_of_a_broken_stream_closes_it(void **state) {
  struct end e;
  end_open(&e, *state);
  gci_stream_read_start(&e.s);
  plain_reset(e.fd);
  e.fd = -1;
  run_until(e.w, &e.ends, 1);
  gci_stream_finish(&e.s, 60000, 1 << 20);
  run_until(e.w, &e.closed, 1);
  end_close(&e);
}

static void a_reset_while_finishing_closes_it(void **state) {
  struct end e;
  end_open(&e, *state);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 60000, 1 << 20);
  plain_reset(e.fd);
  e.fd = -1;
  run_until(e.w, &e.closed, 1);
  assert_int_equal(e.ends + e.written, 0);
  end_close(&e);
}

static void close_cuts_finishing_short(void **state) {
  struct end e;
  end_open(&e, *state);
  flush_until_blocked(&e);
  gci_stream_finish(&e.s, 60000, 1 << 20);
  end_close(&e);
}

/* ---- addresses ---- */

static void the_other_sides_address_is_numeric(void **state) {
  struct end e;
  char address[INET6_ADDRSTRLEN];
  end_open(&e, *state);
  gci_stream_peer_address(&e.s, address, sizeof address);
  assert_string_equal(address, "127.0.0.1");
  end_close(&e);
}

static void an_ipv4_client_of_an_ipv6_listener_has_its_ipv4_address(void **state) {
  struct end e = {.w = *state, .fd = -1};
  struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
  socklen_t len = sizeof in;
  char address[INET6_ADDRSTRLEN];
  int fd, off = 0, listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) skip(); /* no IPv6 here */
  setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
  assert_int_equal(listen(listener, 1), 0);
  getsockname(listener, (struct sockaddr *)&in, &len);
  e.fd = plain_connect(ntohs(in.sin6_port));
  fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  close(listener);
  gci_out_init(&e.out, e.w->env.mem);
  gci_stream_init(&e.s, &e.w->env, &e.w->uv, &events, &e);
  assert_int_equal(uv_tcp_open(&e.s.own.tcp, fd), 0);
  gci_stream_peer_address(&e.s, address, sizeof address);
  assert_string_equal(address, "127.0.0.1");
  end_close(&e);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      IN_WORLD(what_was_sent_is_read_and_then_the_end),
      IN_WORLD(nothing_is_read_before_it_is_asked_for_or_after_stop),
      IN_WORLD(closed_inside_on_read_it_tells_no_more),
      IN_WORLD(a_reset_is_told_once_as_an_error),
      IN_WORLD(a_reading_stream_does_not_keep_the_loop_alive),
      IN_WORLD(without_memory_for_the_buffer_reading_does_not_start),
      IN_WORLD(texts_and_values_arrive_in_order),
      IN_WORLD(a_full_socket_blocks_and_says_once_when_all_is_written),
      IN_WORLD(what_fits_at_once_is_not_told),
      cmocka_unit_test(progress_is_when_the_other_side_last_took_bytes),
      IN_WORLD(a_write_that_fails_at_once_is_told_from_the_loop),
      IN_WORLD(closed_before_a_failure_was_told_it_is_not_told),
      IN_WORLD(a_reset_while_blocked_is_told_without_reading),
      IN_WORLD(after_an_error_in_reading_nothing_is_told_of_writing),
      IN_WORLD(writing_to_one_who_has_left_raises_no_signal),
      IN_WORLD(blocked_on_one_who_has_left_it_counts_as_written),
      IN_WORLD(after_the_other_side_ended_it_still_gets_its_answer),
      IN_WORLD(closed_while_blocked_nothing_is_told),
      IN_WORLD(an_adopted_stream_is_released_instead_of_closed),
      IN_WORLD(a_pipe_is_as_good),
      IN_WORLD(what_is_no_connection_is_not_adopted),
      IN_WORLD(finished_the_client_reads_all_though_its_request_was_not),
      IN_WORLD(finish_sends_what_was_never_flushed),
      IN_WORLD(finish_after_the_other_side_ended_closes_when_written),
      IN_WORLD(the_other_side_may_end_while_the_rest_is_written),
      IN_WORLD(finish_gives_up_on_one_who_does_not_read),
      IN_WORLD(finish_gives_up_on_one_who_does_not_end),
      cmocka_unit_test(finish_is_patient_while_bytes_are_taken),
      IN_WORLD(finish_throws_away_only_so_much),
      IN_WORLD(finish_of_a_broken_stream_closes_it),
      IN_WORLD(a_reset_while_finishing_closes_it),
      IN_WORLD(close_cuts_finishing_short),
      IN_WORLD(the_other_sides_address_is_numeric),
      IN_WORLD(an_ipv4_client_of_an_ipv6_listener_has_its_ipv4_address),
  };
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
