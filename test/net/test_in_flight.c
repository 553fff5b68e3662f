/* Memory held for slow readers: however much is requested by readers that do not read, it stays
 * within the limit, small responses are sent all the while, and afterwards nothing is left of
 * it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile.h"

#define MIB ((size_t)1024 * 1024)
#define BASE "/_groupcache/"

enum { LOADS_MAX = 4096, SETTLED_TURNS = 200 };

/* A member with a second group, "slow", whose getter makes one value a turn, of `size` bytes, all
 * its own: none is kept. */
struct scene {
  uv_loop_t *loop;
  struct member m;
  gcache_group_t *slow;
  uv_idle_t idle;
  gcache_load_t *loads[LOADS_MAX];
  size_t n_loads, size;
  size_t bytes_max, rss_base, rss_max;
};

static size_t rss(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  size_t pages = 0, resident = 0;

  assert_non_null(f);
  assert_int_equal(fscanf(f, "%zu %zu", &pages, &resident), 2);
  fclose(f);
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void look(struct scene *s) {
  size_t bytes = stats_of(&s->m).in_flight_bytes, resident = rss();

  if (bytes > s->bytes_max) s->bytes_max = bytes;
  if (resident > s->rss_max) s->rss_max = resident;
}

static void free_bytes(void *bytes) {
  free(bytes);
}

static void answer(struct scene *s, gcache_load_t *load) {
  char *bytes = malloc(s->size);

  assert_non_null(bytes);
  memset(bytes, 'v', s->size);
  gcache_load_done(load, gcache_value_wrap(s->m.cache, gcache_bytes(bytes, s->size), GCACHE_NEVER,
                                           free_bytes, bytes));
}

static void on_idle(uv_idle_t *idle) {
  struct scene *s = idle->data;

  look(s);
  if (s->n_loads == 0)
    uv_idle_stop(idle);
  else
    answer(s, s->loads[--s->n_loads]);
}

static void on_load(gcache_load_t *load) {
  struct scene *s = gcache_group_data(gcache_load_group(load));

  assert_true(s->n_loads < LOADS_MAX);
  s->loads[s->n_loads++] = load;
  uv_idle_start(&s->idle, on_idle);
}

static void open_scene(struct scene *s, void **state, const gcache_limits_t *limits) {
  gcache_options_t o;
  gcache_group_options_t go;

  memset(s, 0, sizeof *s);
  s->loop = *state;
  member_options(&s->m, &o, s->loop, "here");
  o.limits = *limits;
  o.limits.connections_per_address = 1000;
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  member_listen(&s->m);
  gcache_group_options_init(&go);
  go.max_bytes = 64 * 1024;
  go.getter = on_load;
  go.data = s;
  assert_int_equal(gcache_group_open(&s->slow, s->m.cache, "slow", &go), 0);
  uv_idle_init(s->loop, &s->idle);
  s->idle.data = s;
  s->rss_base = rss();
}

/* Nobody asks or is answered any more. */
static void close_scene(struct scene *s) {
  for (int i = 0; i < SETTLED_TURNS || s->n_loads > 0; i++)
    run_loop_turns(s->loop, 1);
  assert_int_equal(stats_of(&s->m).in_flight_bytes, 0);
  assert_int_equal(stats_of(&s->m).requests_in_flight, 0);
  uv_close((uv_handle_t *)&s->idle, NULL);
  member_end(&s->m);
}

static void turns(struct scene *s, struct honest *h, int n) {
  for (int i = 0; i < n; i++) {
    honest_ask(h);
    uv_run(s->loop, UV_RUN_NOWAIT);
    honest_look(h);
    look(s);
  }
}

static void assert_within(const struct scene *s, size_t budget, const char *what,
                          const struct honest *h) {
  gcache_stats_t stats = stats_of(&s->m);
  size_t grown = s->rss_max > s->rss_base ? s->rss_max - s->rss_base : 0;

  print_message("%s: at most %.1f MiB of %.0f in flight, RSS %.1f MiB more, %d refused; %d honest "
                "gets, the slowest %.1f ms, %.1f of them this process's\n",
                what, (double)s->bytes_max / (double)MIB, (double)budget / (double)MIB,
                (double)grown / (double)MIB, (int)stats.shed, h->gets, h->worst_ms,
                h->worst_cpu_ms);
  assert_true(s->bytes_max <= budget + budget / 20);
  assert_true(stats.shed > 0);
  assert_true(h->gets > 0);
  assert_true(h->worst_cpu_ms <= HONEST_MAX_MS); /* the machine has others to serve */
  if (!IS_INSTRUMENTED)
    assert_true(grown <= budget + budget / 20 + 8 * MIB); /* a value being made */
}

/* ---------------------------------------------------------------------------------- HTTP/1.1 -- */

/* n gets of different keys of the group, in one write. */
static void ask_many(int fd, const char *group, int first, int n) {
  static char text[100 * 80];
  size_t len = 0;

  for (int i = 0; i < n; i++)
    len += (size_t)snprintf(text + len, sizeof text - len,
                            "GET " BASE "%s/%d HTTP/1.1\r\nHost: x\r\n\r\n", group, first + i);
  assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

static void readers_that_do_not_read_cost_no_more_than_the_budget(void **state) {
  enum { CONNECTIONS = 100, GETS = 10 };
  const gcache_limits_t limits = {.in_flight_max = 64 * MIB};
  struct honest h;
  struct scene s;
  int fds[CONNECTIONS];

  open_scene(&s, state, &limits);
  s.size = 8 * MIB;
  honest_open(&h, &s.m);
  for (int i = 0; i < CONNECTIONS; i++) {
    fds[i] = hostile_connect(s.m.port, 1000);
    ask_many(fds[i], "slow", i * GETS, GETS);
    turns(&s, &h, 2);
  }
  while (s.n_loads > 0)
    turns(&s, &h, 1);
  turns(&s, &h, 50);
  assert_within(&s, 64 * MIB, "1,000 gets of 8 MiB each", &h);
  for (int i = 0; i < CONNECTIONS; i++)
    close(fds[i]);
  honest_close(&h);
  close_scene(&s);
}

/* The cache has it, and may let go of it at any time: it counts for each who waits for it. */
static void values_of_the_cache_count_for_each_reader(void **state) {
  enum { CONNECTIONS = 100, GETS = 100 };
  const gcache_limits_t limits = {.in_flight_max = 16 * MIB};
  struct honest h;
  struct scene s;
  int fds[CONNECTIONS];
  struct asked a;

  open_scene(&s, state, &limits);
  ask(&a, &s.m, "big:400000:");
  s.rss_base = rss();
  honest_open(&h, &s.m);
  for (int i = 0; i < CONNECTIONS; i++) {
    static const char get[] = "GET " BASE "g/big:400000: HTTP/1.1\r\nHost: x\r\n\r\n";
    fds[i] = hostile_connect(s.m.port, 1000);
    for (int j = 0; j < GETS; j++)
      assert_int_equal(send(fds[i], get, strlen(get), MSG_NOSIGNAL), strlen(get));
    turns(&s, &h, 2);
  }
  turns(&s, &h, 50);
  assert_within(&s, 16 * MIB, "10,000 gets of one value", &h);
  for (int i = 0; i < CONNECTIONS; i++)
    close(fds[i]);
  honest_close(&h);
  close_scene(&s);
}

/* ---------------------------------------------------------------------------------- requests -- */

static struct raw *say(struct scene *s, const char *text) {
  struct raw *c = raw_connect(s->loop, s->m.port);

  raw_say(c, text);
  return c;
}

static void hear(struct scene *s, struct raw *c, const char *words) {
  for (int i = 0; raw_find(c, words) == NULL; i++) {
    if (i > 20000) fail_msg("'%s' has not come; '%.300s' has", words, c->in == NULL ? "" : c->in);
    uv_run(s->loop, UV_RUN_NOWAIT);
  }
}

#define HELD(key) "GET " BASE "g/hold:" key " HTTP/1.1\r\nHost: x\r\n\r\n"

static void requests_beyond_the_limit_are_refused_unread(void **state) {
  const gcache_limits_t limits = {.requests_max = 3};
  struct raw *held, *more;
  struct scene s;

  open_scene(&s, state, &limits);
  held = say(&s, HELD("a") HELD("b") HELD("c"));
  while (s.m.n_held < 3)
    uv_run(s.loop, UV_RUN_NOWAIT);
  assert_int_equal(stats_of(&s.m).requests_in_flight, 3);
  more = say(&s, HELD("d"));
  hear(&s, more, "HTTP/1.1 429");
  hear(&s, more, "Gcache-Reason: busy");
  assert_int_equal(s.m.n_held, 3);
  assert_int_equal(stats_of(&s.m).shed, 1);
  member_release(&s.m);
  hear(&s, held, "|hold:c|");
  raw_say(more, "GET " BASE "g/k HTTP/1.1\r\nHost: x\r\n\r\n");
  hear(&s, more, "here|k|");
  end_raw(held);
  end_raw(more);
  close_scene(&s);
}

static void a_body_without_room_is_refused_before_it_is_read(void **state) {
  const gcache_limits_t limits = {.in_flight_max = 1 * MIB};
  struct raw *first, *second;
  struct scene s;
  char *bytes = calloc(1, 600000);

  open_scene(&s, state, &limits);
  first = say(&s, "PUT " BASE "g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 700000\r\n\r\n");
  while (!first->connected)
    uv_run(s.loop, UV_RUN_NOWAIT);
  raw_send(first, bytes, 600000);
  while (stats_of(&s.m).in_flight_bytes < 600000)
    uv_run(s.loop, UV_RUN_NOWAIT);
  second = say(&s, "PUT " BASE "g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 700000\r\n\r\n");
  hear(&s, second, "HTTP/1.1 429");
  hear(&s, second, "Connection: close");
  assert_int_equal(stats_of(&s.m).bad_requests, 0);
  assert_true(stats_of(&s.m).in_flight_bytes <= 1 * MIB);
  raw_send(first, bytes, 100000); /* what has begun can end */
  hear(&s, first, "HTTP/1.1 400");
  end_raw(first);
  end_raw(second);
  free(bytes);
  close_scene(&s);
}

/* In pieces, whose length nobody has stated. */
static void a_body_that_outgrows_the_room_is_refused(void **state) {
  const gcache_limits_t limits = {.in_flight_max = 1 * MIB};
  struct raw *c;
  struct scene s;
  char *bytes = calloc(1, 2 * MIB);
  struct raw *reader;

  open_scene(&s, state, &limits);
  s.size = 500000;
  reader = raw_connect(s.loop, s.m.port);
  raw_pause(reader);
  c = say(&s,
          "PUT " BASE "g/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n");
  while (!c->connected)
    uv_run(s.loop, UV_RUN_NOWAIT);
  raw_send(c, bytes, 2 * MIB);
  hear(&s, c, "HTTP/1.1 429");
  look(&s);
  assert_true(s.bytes_max <= 1 * MIB + MIB / 20);
  end_raw(reader);
  end_raw(c);
  free(bytes);
  close_scene(&s);
}

/* ------------------------------------------------------------------------------- as an asker -- */

static void answer_large(struct raw *c) {
  raw_say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nGcache: 1\r\n"
             "Content-Length: 900000\r\n\r\n");
}

static void an_answer_without_room_is_busy_and_not_loaded_here(void **state) {
  struct raw_server peer;
  struct scene s;
  struct raw *put;
  struct asked a;
  char key[64], *bytes = calloc(1, 300000);
  const gcache_limits_t limits = {.in_flight_max = 1 * MIB};

  open_scene(&s, state, &limits);
  raw_server_open(&peer, s.loop, answer_large);
  const char *urls[] = {s.m.url, peer.url};
  assert_int_equal(gcache_set_peers(s.m.cache, urls, NULL, 2), 0);
  for (int i = 0;; i++) {
    snprintf(key, sizeof key, "k%d", i);
    if (strcmp(gcache_owner(s.m.cache, gcache_cstr(key)), peer.url) == 0) break;
  }
  put = say(&s, "PUT " BASE "g/k HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n");
  while (!put->connected)
    uv_run(s.loop, UV_RUN_NOWAIT);
  raw_send(put, bytes, 300000);
  while (stats_of(&s.m).in_flight_bytes < 300000)
    uv_run(s.loop, UV_RUN_NOWAIT);
  ask(&a, &s.m, key);
  assert_int_equal(a.status, GCACHE_EBUSY);
  assert_non_null(strstr(a.reason, "too much is in flight"));
  assert_int_equal(s.m.loads, 0);
  end_raw(put);
  raw_server_end(&peer);
  free(bytes);
  close_scene(&s);
}

static void on_narrow_load(gcache_load_t *load) {
  struct scene *s = gcache_group_data(gcache_load_group(load));

  s->loads[s->n_loads++] = load; /* the getter takes its time */
}

/* Two members: the owner runs one getter at a time, and lets one wait. */
static void an_owner_whose_loads_are_too_many_is_believed(void **state) {
  struct member m[2];
  struct asked a[3];
  char keys[3][64];
  gcache_group_t *groups[2];
  static struct scene at[2];

  for (int i = 0; i < 2; i++) {
    gcache_group_options_t go;
    member_start(&m[i], *state, i == 0 ? "asker" : "owner");
    gcache_group_options_init(&go);
    go.max_bytes = 64 * 1024;
    go.getter = on_narrow_load;
    go.data = &at[i];
    go.loads_max = go.loads_queued_max = 1;
    assert_int_equal(gcache_group_open(&groups[i], m[i].cache, "narrow", &go), 0);
  }
  members_know(m, 2);
  for (int i = 0; i < 3; i++) {
    char prefix[8];
    snprintf(prefix, sizeof prefix, "n%d", i);
    member_key(&m[1], prefix, keys[i], sizeof keys[i]);
  }
  m[0].group = groups[0];
  for (int i = 0; i < 3; i++) {
    ask_start(&a[i], &m[0], keys[i], 0);
    run_loop_turns(*state, 100);
  }
  run_loop_until(*state, &a[2].done, 1);
  assert_int_equal(a[2].status, GCACHE_EBUSY);
  assert_string_equal(a[2].reason, "too many loads wait");
  assert_int_equal(at[0].n_loads, 0);
  assert_int_equal(at[1].n_loads, 1);
  for (int i = 0; i < 2; i++) {
    while (at[1].n_loads == 0)
      run_loop_turns(*state, 1);
    gcache_load_done_copy(at[1].loads[--at[1].n_loads], gcache_cstr("v"), 0);
    run_loop_until(*state, &a[i].done, 1);
    assert_int_equal(a[i].status, 0);
  }
  for (int i = 0; i < 2; i++)
    member_end(&m[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(readers_that_do_not_read_cost_no_more_than_the_budget),
      TEST(values_of_the_cache_count_for_each_reader),
      TEST(requests_beyond_the_limit_are_refused_unread),
      TEST(a_body_without_room_is_refused_before_it_is_read),
      TEST(a_body_that_outgrows_the_room_is_refused),
      TEST(an_answer_without_room_is_busy_and_not_loaded_here),
      TEST(an_owner_whose_loads_are_too_many_is_believed),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
