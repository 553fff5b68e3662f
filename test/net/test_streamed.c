/* Responses in parts, over sockets: the application writes as fast as it may; readers are slow,
 * leave, or send several requests; the server drains and closes in the middle. The received bytes
 * are decoded here, by RFC 9112, section 7.1. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "member.h"
#include "raw.h"

enum { BLOCK = 64 * 1024, MIB = 1024 * 1024 };

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* An application that answers every request in parts: those of /many by itself, the others as the test
 * says. */
struct app {
  struct member m;
  char block[BLOCK];
  gcache_value_t *value; /* of the same bytes */
  gcache_exchange_t *x[4];
  int calls, rooms, gones, refusals, ended, drained;
  size_t left; /* blocks of /many still to be written */
  int inside;  /* a public call */
};

static int asks_for(gcache_exchange_t *x, const char *path) {
  gcache_bytes_t asked = gcache_exchange_path(x);

  return asked.len == strlen(path) && memcmp(asked.base, path, asked.len) == 0;
}

static int begin(struct app *app, gcache_exchange_t *x) {
  gcache_header_t type = {gcache_cstr("Content-Type"), gcache_cstr("text/plain")};
  int err;

  app->inside++;
  err = gcache_exchange_begin(x, 200, &type, 1);
  app->inside--;
  return err;
}

static int write_text(struct app *app, gcache_exchange_t *x, const char *text) {
  int err;

  app->inside++;
  err = gcache_exchange_write(x, gcache_cstr(text));
  app->inside--;
  return err;
}

static int write_block(struct app *app, gcache_exchange_t *x) {
  int err;

  app->inside++;
  err = app->left % 2 == 0 ? gcache_exchange_write(x, gcache_bytes(app->block, BLOCK))
                           : gcache_exchange_write_value(x, app->value);
  app->inside--;
  return err;
}

static void end(struct app *app, gcache_exchange_t *x) {
  app->inside++;
  assert_int_equal(gcache_exchange_end(x), 0);
  app->inside--;
  app->ended++;
}

static void on_gone(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  (void)x;
  assert_int_equal(app->inside, 0);
  app->gones++;
}

static void on_counted(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  (void)x;
  assert_int_equal(app->inside, 0);
  app->rooms++;
}

static void on_room(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  assert_int_equal(app->inside, 0);
  app->rooms++;
  for (size_t taken = 0; app->left > 0; app->left--, taken++) {
    if (write_block(app, x) == GCACHE_EBUSY) {
      app->refusals++;
      assert_true(taken >= 8); /* half of a MiB */
      app->inside++;
      gcache_exchange_on_room(x, on_room, app);
      app->inside--;
      return;
    }
  }
  end(app, x);
}

static void on_asked(gcache_exchange_t *x, void *arg) {
  struct app *app = arg;

  app->x[app->calls++] = x;
  gcache_exchange_on_gone(x, on_gone, app);
  if (!asks_for(x, "/many")) return;
  assert_int_equal(begin(app, x), 0);
  on_room(x, app);
}

static void open_app(struct app *app, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;

  memset(app, 0, sizeof *app);
  member_options(&app->m, &o, *state, "here");
  if (change != NULL) change(&o);
  member_open(&app->m, &o);
  member_group(&app->m, "g");
  member_listen(&app->m);
  gcache_set_handler(app->m.cache, on_asked, app);
  for (size_t i = 0; i < BLOCK; i++)
    app->block[i] = (char)(i * 7 + i / 251);
  app->value = gcache_value_copy(app->m.cache, gcache_bytes(app->block, BLOCK), GCACHE_NEVER);
  assert_non_null(app->value);
}

static void end_app(struct app *app) {
  gcache_value_unref(app->value);
  member_end(&app->m);
}

static struct raw *ask_for(struct app *app, const char *requests, int calls) {
  struct raw *c = raw_connect(app->m.loop, app->m.port);

  raw_say(c, requests);
  run_loop_until(app->m.loop, &app->calls, calls);
  return c;
}

static void end_client(struct raw *c) {
  raw_close(c);
  run_loop_until(c->tcp.loop, &c->closed, 1);
  raw_free(c);
}

static void hear(struct raw *c, const char *needle, int n) {
  while (raw_count(c, needle) < n) {
    if (c->ended) fail_msg("the other side ended");
    if (uv_run(c->tcp.loop, UV_RUN_ONCE) == 0) fail_msg("nothing more will come");
  }
}

/* The body of the answer that begins at *at, decoded in place; *at is moved behind it. Whole or not. */
static int decode(struct raw *c, size_t *at, char **body, size_t *len) {
  char *text = c->in + *at, *stop = c->in + c->in_len, *head = strstr(text, "\r\n\r\n");
  char *line, *to;

  assert_non_null(head);
  assert_non_null(memmem(text, (size_t)(head - text), "\r\nTransfer-Encoding: chunked", 28));
  assert_null(memmem(text, (size_t)(head - text), "Content-Length", 14));
  *body = to = line = head + 4;
  *len = 0;
  while (line < stop) {
    char *after;
    size_t size = strtoul(line, &after, 16);
    assert_true(after > line && strncmp(after, "\r\n", 2) == 0);
    after += 2;
    if ((size_t)(stop - after) < size + 2) return 0;
    memmove(to, after, size);
    to += size;
    assert_memory_equal(after + size, "\r\n", 2);
    line = after + size + 2;
    *len += size;
    *at = (size_t)(line - c->in);
    if (size == 0) return 1;
  }
  return 0;
}

static void assert_body(struct raw *c, size_t at, const char *expected, int whole) {
  char *body;
  size_t len;

  assert_int_equal(decode(c, &at, &body, &len), whole);
  assert_int_equal(len, strlen(expected));
  assert_memory_equal(body, expected, len);
  assert_int_equal(at, c->in_len);
}

static uint64_t memory_of(struct app *app) {
  gcache_stats_t stats;

  gcache_stats(app->m.cache, &stats);
  return stats.memory_bytes;
}

/* -------------------------------------------------------------------------------- much of it -- */

static void much_reaches_a_slow_reader_in_little_memory(void **state) {
  struct app *app = malloc(sizeof *app);
  size_t at = 0, len, most = 0;
  struct raw *c;
  char *body;

  open_app(app, state, NULL);
  app->left = 800; /* 50 MiB */
  c = raw_connect(app->m.loop, app->m.port);
  raw_pause(c);
  raw_say(c, GET("/many"));
  run_loop_until(app->m.loop, &app->refusals, 1);
  while (!app->ended || raw_count(c, "\r\n0\r\n\r\n") == 0) {
    raw_resume(c);
    assert_true(uv_run(app->m.loop, UV_RUN_ONCE) != 0);
    raw_pause(c);
    run_loop_turns(app->m.loop, 1);
    if (memory_of(app) > most) most = memory_of(app);
  }
  assert_true(most < 3 * MIB);
  assert_true(app->rooms > 10);
  assert_true(decode(c, &at, &body, &len));
  assert_int_equal(at, c->in_len);
  assert_int_equal(len, (size_t)800 * BLOCK);
  for (size_t i = 0; i < 800; i++)
    assert_memory_equal(body + i * BLOCK, app->block, BLOCK);
  assert_int_equal(app->gones, 0);
  end_client(c);
  end_app(app);
  free(app);
}

/* Fills what may wait; how many blocks that took. */
static int fill(struct app *app, gcache_exchange_t *x) {
  int n = 0;

  while (write_block(app, x) == 0)
    n++;
  return n;
}

static void writes_are_refused_until_there_is_room(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a"), 1);
  raw_pause(c);
  assert_int_equal(begin(&app, app.x[0]), 0);
  /* 1 MiB is passed by the 16th: a chunk's line is more than nothing. */
  assert_int_equal(fill(&app, app.x[0]), 16);
  do /* until the socket takes no more */
    run_loop_turns(app.m.loop, 4);
  while (fill(&app, app.x[0]) > 0);
  gcache_exchange_on_room(app.x[0], on_counted, &app);
  run_loop_turns(app.m.loop, 10);
  assert_int_equal(app.rooms, 0);
  assert_int_equal(write_text(&app, app.x[0], "x"), GCACHE_EBUSY);
  raw_resume(c);
  run_loop_until(app.m.loop, &app.rooms, 1);
  assert_true(fill(&app, app.x[0]) >= 8);
  end(&app, app.x[0]);
  hear(c, "\r\n0\r\n\r\n", 1);
  assert_int_equal(app.rooms, 1);
  end_client(c);
  end_app(&app);
}

static void room_is_told_when_there_is_some_already(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a"), 1);
  app.inside++;
  gcache_exchange_on_room(app.x[0], on_counted, &app);
  app.inside--;
  run_loop_until(app.m.loop, &app.rooms, 1);
  gcache_exchange_on_room(app.x[0], on_counted, &app);
  gcache_exchange_on_room(app.x[0], NULL, NULL);
  run_loop_turns(app.m.loop, 10);
  assert_int_equal(app.rooms, 1);
  assert_int_equal(begin(&app, app.x[0]), 0);
  end(&app, app.x[0]);
  hear(c, "\r\n0\r\n\r\n", 1);
  end_client(c);
  end_app(&app);
}

/* -------------------------------------------------------------------------------- its rules -- */

static void what_is_out_of_place_is_refused(void **state) {
  gcache_header_t ours = {gcache_cstr("Transfer-Encoding"), gcache_cstr("chunked")};
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a"), 1);
  assert_int_equal(write_text(&app, app.x[0], "x"), UV_EINVAL);
  assert_int_equal(gcache_exchange_write_value(app.x[0], app.value), UV_EINVAL);
  assert_int_equal(gcache_exchange_end(app.x[0]), UV_EINVAL);
  assert_int_equal(gcache_exchange_begin(app.x[0], 200, &ours, 1), UV_EINVAL);
  assert_int_equal(gcache_exchange_begin(app.x[0], 101, NULL, 0), UV_EINVAL);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(begin(&app, app.x[0]), UV_EINVAL);
  assert_int_equal(gcache_exchange_reply(app.x[0], 200, NULL, 0, gcache_cstr("x")), UV_EINVAL);
  assert_int_equal(gcache_exchange_reply_value(app.x[0], 200, NULL, 0, app.value), UV_EINVAL);
  assert_int_equal(write_text(&app, app.x[0], "one "), 0);
  assert_int_equal(write_text(&app, app.x[0], ""), 0);
  run_loop_turns(app.m.loop, 5);
  assert_int_equal(write_text(&app, app.x[0], "two"), 0);
  end(&app, app.x[0]);
  hear(c, "\r\n0\r\n\r\n", 1);
  assert_body(c, 0, "one two", 1);
  end_client(c);
  end_app(&app);
}

static void answers_keep_their_order(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a") GET("/b") GET("/_groupcache/g/k") GET("/c"), 3);
  assert_int_equal(begin(&app, app.x[1]), 0);
  assert_int_equal(fill(&app, app.x[1]), 16);
  assert_int_equal(begin(&app, app.x[2]), 0); /* those before their turn share what may wait */
  assert_int_equal(write_text(&app, app.x[2], "third"), GCACHE_EBUSY);
  gcache_exchange_on_room(app.x[2], on_counted, &app);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(write_text(&app, app.x[0], "first"), 0);
  hear(c, "first\r\n", 1);
  assert_int_equal(app.rooms, 0);
  assert_int_equal(raw_count(c, "HTTP/1.1 "), 1);
  end(&app, app.x[0]);
  run_loop_until(app.m.loop, &app.rooms, 1);
  assert_int_equal(write_text(&app, app.x[2], "third"), 0);
  end(&app, app.x[2]);
  end(&app, app.x[1]);
  hear(c, "third\r\n0\r\n\r\n", 1);
  assert_int_equal(raw_count(c, "HTTP/1.1 "), 4);
  assert_true(raw_find(c, "first") < raw_find(c, "here|k|1"));
  assert_true(raw_find(c, "here|k|1") < raw_find(c, "third"));
  end_client(c);
  end_app(&app);
}

static void http_1_0_reads_to_the_end(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, "GET /a HTTP/1.0\r\n\r\n", 1);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(write_text(&app, app.x[0], "one "), 0);
  hear(c, "one ", 1);
  assert_int_equal(write_text(&app, app.x[0], "two"), 0);
  end(&app, app.x[0]);
  run_loop_until(app.m.loop, &c->ended, 1);
  assert_int_equal(c->end_status, UV_EOF);
  assert_string_equal(c->in, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                             "Connection: close\r\n\r\none two");
  end_client(c);
  end_app(&app);
}

static void aborted_it_is_seen_to_be_broken(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a") GET("/b"), 2);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(write_text(&app, app.x[0], "half"), 0);
  gcache_exchange_abort(app.x[0]);
  run_loop_until(app.m.loop, &app.gones, 1);
  gcache_exchange_abort(app.x[1]);
  run_loop_until(app.m.loop, &c->ended, 1);
  assert_body(c, 0, "half", 0);
  assert_int_equal(app.gones, 1);
  end_client(c);
  end_app(&app);
}

/* -------------------------------------------------------------------------- those who leave -- */

static void asker_may_leave_in_the_middle(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a"), 1);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(write_text(&app, app.x[0], "half"), 0);
  hear(c, "half", 1);
  end_client(c);
  run_loop_until(app.m.loop, &app.gones, 1);
  for (int i = 0; i < 64; i++) /* 4 MiB, into nothing */
    assert_int_equal(write_block(&app, app.x[0]), 0);
  assert_true(memory_of(&app) < MIB);
  gcache_exchange_on_room(app.x[0], on_counted, &app);
  run_loop_until(app.m.loop, &app.rooms, 1);
  end(&app, app.x[0]);
  run_loop_turns(app.m.loop, 10);
  assert_int_equal(app.gones, 1);
  end_app(&app);
}

static void one_who_waits_for_room_hears_that_the_asker_has_left(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a"), 1);
  raw_pause(c);
  assert_int_equal(begin(&app, app.x[0]), 0);
  do
    run_loop_turns(app.m.loop, 4);
  while (fill(&app, app.x[0]) > 0);
  gcache_exchange_on_room(app.x[0], on_counted, &app);
  raw_reset(c);
  run_loop_until(app.m.loop, &app.gones, 1);
  run_loop_until(app.m.loop, &app.rooms, 1);
  run_loop_until(app.m.loop, &c->closed, 1);
  assert_true(memory_of(&app) < MIB);
  gcache_exchange_abort(app.x[0]);
  raw_free(c);
  end_app(&app);
}

static void on_drained(void *arg) {
  ((struct app *)arg)->drained++;
}

static void drain_lets_it_end(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a"), 1);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(write_text(&app, app.x[0], "one "), 0);
  hear(c, "one ", 1);
  gcache_listener_close(app.m.listener, on_drained, &app);
  run_loop_turns(app.m.loop, 10);
  assert_false(c->ended);
  assert_int_equal(write_text(&app, app.x[0], "two"), 0);
  assert_int_equal(app.drained, 0);
  end(&app, app.x[0]);
  run_loop_until(app.m.loop, &c->ended, 1);
  assert_body(c, 0, "one two", 1);
  raw_close(c);
  run_loop_until(app.m.loop, &app.drained, 1);
  end_client(c);
  end_app(&app);
}

static void closing_the_cache_waits_for_its_end(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, NULL);
  c = ask_for(&app, GET("/a") GET("/b") GET("/c"), 3);
  assert_int_equal(begin(&app, app.x[0]), 0);
  assert_int_equal(write_text(&app, app.x[0], "half"), 0);
  hear(c, "half", 1);
  assert_int_equal(begin(&app, app.x[1]), 0);
  assert_int_equal(fill(&app, app.x[1]), 16);
  gcache_exchange_on_room(app.x[1], on_counted, &app);
  gcache_value_unref(app.value);
  member_close(&app.m);
  assert_int_equal(app.gones, 0);
  run_loop_until(app.m.loop, &app.gones, 3);
  run_loop_until(app.m.loop, &app.rooms, 1);
  run_loop_until(app.m.loop, &c->ended, 1);
  assert_body(c, 0, "half", 0);
  assert_int_equal(begin(&app, app.x[2]), 0);
  assert_int_equal(write_text(&app, app.x[2], "late"), 0);
  end(&app, app.x[0]);
  gcache_exchange_abort(app.x[1]);
  run_loop_turns(app.m.loop, 10);
  assert_int_equal(app.m.closed, 0);
  end(&app, app.x[2]);
  run_loop_until(app.m.loop, &app.m.closed, 1);
  assert_int_equal(app.m.oom.blocks, 0);
  end_client(c);
}

/* ------------------------------------------------------------------------------------ times -- */

static void short_times(gcache_options_t *o) {
  o->limits.head_timeout_ms = 40;
  o->limits.body_timeout_ms = 40;
  o->limits.write_stall_ms = 40;
  o->limits.idle_ms = 40;
}

static void on_timer(uv_timer_t *timer) {
  ++*(int *)timer->data;
}

static void pass_ms(uv_loop_t *loop, uint64_t ms) {
  uv_timer_t timer;
  int passed = 0;

  uv_timer_init(loop, &timer);
  timer.data = &passed;
  uv_timer_start(&timer, on_timer, ms, 0);
  run_loop_until(loop, &passed, 1);
  uv_close((uv_handle_t *)&timer, NULL);
  run_loop_turns(loop, 1);
}

static void producing_may_take_its_time(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, short_times);
  c = ask_for(&app, GET("/a"), 1);
  assert_int_equal(begin(&app, app.x[0]), 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(write_text(&app, app.x[0], "."), 0);
    pass_ms(app.m.loop, 150);
  }
  assert_int_equal(app.gones, 0);
  end(&app, app.x[0]);
  hear(c, "\r\n0\r\n\r\n", 1);
  assert_body(c, 0, "...", 1);
  end_client(c);
  end_app(&app);
}

static void reader_who_takes_nothing_has_left(void **state) {
  struct app app;
  struct raw *c;

  open_app(&app, state, short_times);
  app.left = 800;
  c = raw_connect(app.m.loop, app.m.port);
  raw_pause(c);
  raw_say(c, GET("/many"));
  run_loop_until(app.m.loop, &app.gones, 1);
  run_loop_until(app.m.loop, &app.ended, 1); /* into nothing */
  assert_int_equal(app.left, 0);
  end_client(c);
  end_app(&app);
}

/* ----------------------------------------------------------------------------- no memory ---- */

struct poor {
  uv_loop_t *loop;
  int begun, ended;
};

static void give_little(gcache_exchange_t *x, void *arg) {
  static const char text[5000] = {'t'};
  struct poor *poor = arg;

  poor->begun++;
  assert_int_equal(gcache_exchange_begin(x, 200, NULL, 0), 0);
  for (int i = 0; i < 12; i++)
    assert_int_equal(gcache_exchange_write(x, gcache_bytes(text, sizeof text)), 0);
  assert_int_equal(gcache_exchange_end(x), 0);
  poor->ended++;
}

static void be_asked(struct oom *oom, void *arg) {
  struct poor *poor = arg;
  gcache_options_t o;
  struct sockaddr_in addr;
  struct member m;
  struct raw *c;

  member_options(&m, &o, poor->loop, "poor");
  o.mem = oom_mem(oom);
  if (gcache_open(&m.cache, &o) < 0) {
    run_loop_turns(poor->loop, 2); /* libuv closes its handles */
    return;
  }
  uv_ip4_addr("127.0.0.1", 0, &addr);
  if (gcache_listen(&m.listener, m.cache, (const struct sockaddr *)&addr, 8) == 0) {
    gcache_set_handler(m.cache, give_little, poor);
    c = raw_connect(poor->loop, gcache_listener_port(m.listener));
    raw_say(c, GET("/a") GET("/b"));
    while (!c->ended && raw_count(c, "\r\n0\r\n\r\n") + raw_count(c, "HTTP/1.1 503") < 2)
      assert_true(uv_run(poor->loop, UV_RUN_ONCE) != 0);
    raw_close(c);
    run_loop_until(poor->loop, &c->closed, 1);
    raw_free(c);
  }
  member_close(&m);
  run_loop_until(poor->loop, &m.closed, 1);
}

static void it_survives_every_failure_of_memory(void **state) {
  struct poor poor = {.loop = *state};

  assert_true(oom_sweep(be_asked, &poor) > 10);
  assert_true(poor.begun > 10);
  assert_int_equal(poor.begun, poor.ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(much_reaches_a_slow_reader_in_little_memory),
      TEST(writes_are_refused_until_there_is_room),
      TEST(room_is_told_when_there_is_some_already),
      TEST(what_is_out_of_place_is_refused),
      TEST(answers_keep_their_order),
      TEST(http_1_0_reads_to_the_end),
      TEST(aborted_it_is_seen_to_be_broken),
      TEST(asker_may_leave_in_the_middle),
      TEST(one_who_waits_for_room_hears_that_the_asker_has_left),
      TEST(drain_lets_it_end),
      TEST(closing_the_cache_waits_for_its_end),
      TEST(producing_may_take_its_time),
      TEST(reader_who_takes_nothing_has_left),
      TEST(it_survives_every_failure_of_memory),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
