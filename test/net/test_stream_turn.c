/* net/stream: what it does in one turn of the loop, and which buffer it reads into, over real
 * sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/value.h"
#include "net/stream.h"
#include "world.h"

#define MUCH ((size_t)16 << 20)
#define READ_IN_A_TURN ((size_t)512 * 1024)
#define WRITTEN_IN_A_TURN ((size_t)1024 * 1024)

struct end {
  struct gci_stream s;
  struct gci_out out;
  int fd; /* the other end */
  size_t got, longest;
  int reads, misplaced, written, closed;
  char *place; /* NULL: none */
  size_t room;
};

static void on_read(void *user, gcache_bytes_t bytes) {
  struct end *e = user;
  e->reads++;
  e->got += bytes.len;
  if (bytes.len > e->longest) e->longest = bytes.len;
  if (bytes.base != e->place) e->misplaced++;
}

static void on_end(void *user, int status) {
  (void)user;
  fail_msg("ended: %d", status);
}

static void on_written(void *user) {
  ((struct end *)user)->written++;
}

static void on_closed(void *user) {
  ((struct end *)user)->closed++;
}

static void *place(void *user, size_t *len) {
  struct end *e = user;
  *len = e->room;
  return e->place;
}

static const struct gci_stream_events events = {.on_read = on_read,
                                                .on_end = on_end,
                                                .on_written = on_written,
                                                .on_closed = on_closed,
                                                .place = place};

static void end_open(struct end *e, struct world *w) {
  int fds[2];
  memset(e, 0, sizeof *e);
  plain_pair(fds);
  e->fd = fds[0];
  assert_int_equal(gci_stream_init(&e->s, &w->env, &w->uv, &events, e), 0);
  assert_int_equal(uv_tcp_open(&e->s.own.tcp, fds[1]), 0);
  gci_out_init(&e->out, w->env.mem);
}

static void end_close(struct end *e, struct world *w) {
  gci_stream_close(&e->s);
  run_until(w, &e->closed, 1);
  gci_out_fini(&e->out);
  close(e->fd);
}

/* As much as the sockets take, now. */
static size_t send_much(struct end *e, const char *bytes) {
  size_t sent = 0;
  ssize_t n;
  while (sent < MUCH && (n = send(e->fd, bytes + sent, MUCH - sent, 0)) > 0)
    sent += (size_t)n;
  return sent;
}

/* ------------------------------------------------------------------------- where it reads to -- */

static void it_reads_into_the_place_that_it_is_given(void **state) {
  struct end e;
  char bytes[3000], where[2000];
  end_open(&e, *state);
  memset(bytes, 'b', sizeof bytes);
  e.place = where;
  e.room = 1000;
  assert_int_equal(gci_stream_read_start(&e.s), 0);
  assert_int_equal(send(e.fd, bytes, sizeof bytes, 0), sizeof bytes);
  while (e.got < sizeof bytes)
    turn(*state);
  assert_int_equal(e.misplaced, 0);
  assert_int_equal(e.longest, 1000);
  assert_memory_equal(where, bytes, 1000);
  end_close(&e, *state);
}

static void without_a_place_it_reads_into_a_buffer(void **state) {
  struct end e;
  end_open(&e, *state);
  assert_int_equal(gci_stream_read_start(&e.s), 0);
  assert_int_equal(send(e.fd, "hello", 5, 0), 5);
  while (e.got < 5)
    turn(*state);
  assert_int_equal(e.misplaced, 1);
  end_close(&e, *state);
}

/* ------------------------------------------------------------------------------- its share -- */

static void read_much(struct world *w, size_t room) {
  struct end fast, slow;
  char *bytes = calloc(1, MUCH), *where = malloc(room > 0 ? room : 1);
  end_open(&fast, w);
  end_open(&slow, w);
  if (room > 0) fast.place = where, fast.room = room;
  assert_int_equal(gci_stream_read_start(&fast.s), 0);
  assert_int_equal(gci_stream_read_start(&slow.s), 0);
  size_t sent = send_much(&fast, bytes), before = 0;
  assert_true(sent > READ_IN_A_TURN);
  assert_int_equal(send(slow.fd, "me too", 6, 0), 6);
  while (fast.got < sent) {
    turn(w);
    assert_true(fast.got - before <= READ_IN_A_TURN);
    if (fast.got > before) assert_int_equal(slow.got, 6);
    before = fast.got;
  }
  end_close(&fast, w);
  end_close(&slow, w);
  free(where);
  free(bytes);
}

static void it_reads_only_so_much_in_a_turn(void **state) {
  read_much(*state, 0);
}

static void it_reads_no_more_into_a_large_place(void **state) {
  read_much(*state, MUCH);
}

static void it_writes_only_so_much_in_a_turn(void **state) {
  struct world *w = *state;
  struct end e;
  gcache_value_t *value = gci_value_block(w->env.mem, MUCH);
  char *sink = malloc(MUCH);
  size_t got = 0, left = MUCH;
  memset(gci_value_fill(value), 'v', MUCH);
  end_open(&e, w);
  assert_int_equal(gci_out_value(&e.out, value), 0);
  gci_stream_flush(&e.s, &e.out);
  while (got < MUCH) {
    assert_true(left - e.out.bytes <= WRITTEN_IN_A_TURN);
    assert_true(e.out.bytes == 0 || gci_stream_blocked(&e.s));
    left = e.out.bytes;
    ssize_t n = recv(e.fd, sink, MUCH, MSG_DONTWAIT);
    if (n > 0) got += (size_t)n;
    turn(w);
  }
  run_until(w, &e.written, 1);
  assert_int_equal(e.out.bytes, 0);
  end_close(&e, w);
  gcache_value_unref(value);
  free(sink);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(it_reads_into_the_place_that_it_is_given, world_setup,
                                      world_teardown),
      cmocka_unit_test_setup_teardown(without_a_place_it_reads_into_a_buffer, world_setup,
                                      world_teardown),
      cmocka_unit_test_setup_teardown(it_reads_only_so_much_in_a_turn, world_setup, world_teardown),
      cmocka_unit_test_setup_teardown(it_reads_no_more_into_a_large_place, world_setup,
                                      world_teardown),
      cmocka_unit_test_setup_teardown(it_writes_only_so_much_in_a_turn, world_setup,
                                      world_teardown),
  };
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
