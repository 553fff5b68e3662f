/* gcache_adopt(): the application accepts a connection, the cache takes it over, including bytes
 * already read. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "member.h"
#include "raw.h"

#define GET_K "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n\r\n"

struct scene {
  struct member m;
  uv_tcp_t listener, accepted;
  int port, n_accepted, released, closed;
};

static struct scene *current;

static void on_released(uv_stream_t *stream) {
  assert_ptr_equal(stream, &current->accepted);
  current->released++;
}

static void on_accepted(uv_stream_t *stream, int status) {
  struct scene *s = stream->data;

  assert_int_equal(status, 0);
  uv_tcp_init(stream->loop, &s->accepted);
  assert_int_equal(uv_accept(stream, (uv_stream_t *)&s->accepted), 0);
  s->n_accepted++;
}

static void on_closed(uv_handle_t *handle) {
  ((struct scene *)handle->data)->closed++;
}

static void scene_open(struct scene *s, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;
  struct sockaddr_in addr;
  int len = sizeof addr;

  memset(s, 0, sizeof *s);
  current = s;
  member_options(&s->m, &o, *state, "here");
  if (change != NULL) change(&o);
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  uv_tcp_init(s->m.loop, &s->listener);
  s->listener.data = s;
  uv_ip4_addr("127.0.0.1", 0, &addr);
  assert_int_equal(uv_tcp_bind(&s->listener, (const struct sockaddr *)&addr, 0), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 8, on_accepted), 0);
  uv_tcp_getsockname(&s->listener, (struct sockaddr *)&addr, &len);
  s->port = ntohs(addr.sin_port);
}

static void scene_close(struct scene *s) {
  uv_close((uv_handle_t *)&s->listener, on_closed);
  member_end(&s->m);
  run_loop_until(s->m.loop, &s->closed, 1);
}

static struct raw *connect_accepted(struct scene *s) {
  struct raw *c = raw_connect(s->m.loop, s->port);

  run_loop_until(s->m.loop, &s->n_accepted, s->n_accepted + 1);
  return c;
}

static void end_client(struct raw *c) {
  raw_close(c);
  run_loop_until(c->tcp.loop, &c->closed, 1);
  raw_free(c);
}

static void hear(struct raw *c, const char *needle, int n) {
  while (raw_count(c, needle) < n)
    assert_true(uv_run(c->tcp.loop, UV_RUN_ONCE) != 0);
}

static int adopt(struct scene *s, const char *first) {
  return gcache_adopt(s->m.cache, (uv_stream_t *)&s->accepted, gcache_cstr(first), on_released);
}

static void adopted_connection_is_served_and_released(void **state) {
  struct scene s;
  struct raw *c;

  scene_open(&s, state, NULL);
  c = connect_accepted(&s);
  assert_int_equal(adopt(&s, ""), 0);
  raw_say(c, GET_K);
  hear(c, "here|k|1", 1);
  assert_int_equal(s.released, 0);
  end_client(c);
  run_loop_until(s.m.loop, &s.released, 1);
  scene_close(&s);
  assert_int_equal(s.released, 1);
}

static void bytes_already_read_come_first(void **state) {
  struct scene s;
  struct raw *c;
  char first[] = GET_K "GET /_groupcache/g/j HTTP/1.1\r\nHo";

  scene_open(&s, state, NULL);
  c = connect_accepted(&s);
  assert_int_equal(adopt(&s, first), 0);
  memset(first, 'x', sizeof first); /* copied */
  assert_int_equal(s.m.loads, 0);   /* not inside the call */
  hear(c, "here|k|1", 1);
  raw_say(c, "st: x\r\n\r\n");
  hear(c, "here|j|2", 1);
  end_client(c);
  scene_close(&s);
}

static void first_bytes_may_be_all_there_is(void **state) {
  struct scene s;
  struct raw *c;

  scene_open(&s, state, NULL);
  c = connect_accepted(&s);
  assert_int_equal(
      adopt(&s, "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 0);
  run_loop_until(s.m.loop, &c->ended, 1);
  assert_int_equal(raw_count(c, "here|k|1"), 1);
  end_client(c);
  run_loop_until(s.m.loop, &s.released, 1);
  scene_close(&s);
}

static void closing_the_cache_releases_it(void **state) {
  struct scene s;
  struct raw *c;

  scene_open(&s, state, NULL);
  c = connect_accepted(&s);
  assert_int_equal(adopt(&s, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  run_loop_until(s.m.loop, &s.m.loads, 1);
  scene_close(&s);
  assert_int_equal(s.released, 1);
  end_client(c);
}

static uv_pipe_t pipe_end;
static int pipe_released;

static void on_pipe_released(uv_stream_t *stream) {
  assert_ptr_equal(stream, &pipe_end);
  pipe_released++;
}

static void pipe_is_as_good_as_tcp(void **state) {
  struct scene s;
  char answer[512];
  int fds[2];

  pipe_released = 0;
  scene_open(&s, state, NULL);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  uv_pipe_init(s.m.loop, &pipe_end, 0);
  assert_int_equal(uv_pipe_open(&pipe_end, fds[0]), 0);
  assert_int_equal(
      gcache_adopt(s.m.cache, (uv_stream_t *)&pipe_end, gcache_cstr(GET_K), on_pipe_released), 0);
  run_loop_until(s.m.loop, &s.m.loads, 1);
  assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
  run_loop_until(s.m.loop, &pipe_released, 1);
  assert_true(read(fds[1], answer, sizeof answer) > 17);
  assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
  close(fds[1]);
  scene_close(&s);
}

/* P9: what is on its way out keeps the loop alive, a connection at rest does not. */
static void loop_lives_until_the_answer_is_out(void **state) {
  struct scene s;
  struct raw *c;

  scene_open(&s, state, NULL);
  c = connect_accepted(&s);
  raw_pause(c);
  assert_int_equal(adopt(&s, "GET /_groupcache/g/big:8000000: HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  uv_unref((uv_handle_t *)&s.listener);
  uv_unref((uv_handle_t *)&c->tcp);
  run_loop_until(s.m.loop, &s.m.loads, 1);
  run_loop_turns(s.m.loop, 20);
  assert_true(uv_loop_alive(s.m.loop)); /* a part of it is in the kernel, nobody takes the rest */
  raw_resume(c);
  assert_int_equal(uv_run(s.m.loop, UV_RUN_DEFAULT), 0);
  uv_ref((uv_handle_t *)&c->tcp); /* the rest is in the kernel */
  while (c->in_len <= 8000000)
    uv_run(s.m.loop, UV_RUN_ONCE);
  assert_false(c->ended);
  end_client(c);
  scene_close(&s);
}

static void one_connection(gcache_options_t *o) {
  o->limits.connections_max = 1;
}

static void connection_over_the_limit_stays_the_applications(void **state) {
  struct scene s;
  struct raw *c, *d;
  uv_tcp_t second;

  scene_open(&s, state, one_connection);
  c = connect_accepted(&s);
  assert_int_equal(adopt(&s, ""), 0);
  uv_tcp_init(s.m.loop, &second);
  second.data = &s;
  assert_int_equal(gcache_adopt(s.m.cache, (uv_stream_t *)&second, gcache_cstr(""), on_released),
                   GCACHE_EBUSY);
  assert_ptr_equal(second.data, &s);
  uv_close((uv_handle_t *)&second, on_closed);
  raw_say(c, GET_K);
  hear(c, "here|k|1", 1);
  end_client(c);
  run_loop_until(s.m.loop, &s.released, 1);
  d = connect_accepted(&s);
  assert_int_equal(adopt(&s, GET_K), 0);
  hear(d, "here|k|1", 1);
  end_client(d);
  s.closed = 0;
  scene_close(&s);
}

/* Whether the listener was there before or comes later: it has no place for whom it hears of. */
static void listener_goes_on(void **state, int is_there_before) {
  struct scene s;
  struct raw *c, *d;

  scene_open(&s, state, one_connection);
  if (is_there_before) member_listen(&s.m);
  c = connect_accepted(&s);
  assert_int_equal(adopt(&s, ""), 0);
  if (!is_there_before) member_listen(&s.m);
  d = raw_connect(s.m.loop, s.m.port);
  run_loop_until(s.m.loop, &d->connected, 1);
  raw_say(d, GET_K);
  run_loop_turns(s.m.loop, 20);
  assert_int_equal(d->in_len, 0);
  end_client(c);
  run_loop_until(s.m.loop, &s.released, 1);
  hear(d, "here|k|1", 1);
  end_client(d);
  scene_close(&s);
}

static void
listener_goes_on_when_an_adopted_connection_that_took_the_last_place_ends(void **state) {
  listener_goes_on(state, 1);
  listener_goes_on(state, 0);
}

static void stream_that_is_neither_tcp_nor_pipe_is_refused(void **state) {
  struct scene s;
  uv_timer_t timer;

  scene_open(&s, state, NULL);
  uv_timer_init(s.m.loop, &timer);
  timer.data = &s;
  assert_int_equal(gcache_adopt(s.m.cache, (uv_stream_t *)&timer, gcache_cstr("x"), on_released),
                   UV_EINVAL);
  uv_close((uv_handle_t *)&timer, on_closed);
  run_loop_until(s.m.loop, &s.closed, 1);
  s.closed = 0;
  scene_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(adopted_connection_is_served_and_released),
      TEST(bytes_already_read_come_first),
      TEST(first_bytes_may_be_all_there_is),
      TEST(closing_the_cache_releases_it),
      TEST(pipe_is_as_good_as_tcp),
      TEST(loop_lives_until_the_answer_is_out),
      TEST(connection_over_the_limit_stays_the_applications),
      TEST(listener_goes_on_when_an_adopted_connection_that_took_the_last_place_ends),
      TEST(stream_that_is_neither_tcp_nor_pipe_is_refused),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
