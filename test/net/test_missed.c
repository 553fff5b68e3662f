/* Missed changes are sent to a peer before it is asked again, over real sockets: a member that
 * stops listening, or refuses, keeps its memory, and returns on its port. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "place.h"
#include "raw.h"

enum { KEYS = 40 };

struct scene {
  struct member a, b;
  char keys[KEYS][32]; /* of b */
};

static void on_listener_closed(void *arg) {
  *(int *)arg = 1;
}

static gcache_peer_stats_t b_as_a_sees_it(const struct scene *s) {
  gcache_peer_stats_t stats;
  for (size_t i = 0; gcache_peer_stats(s->a.cache, i, &stats) == 0; i++)
    if (!stats.is_self) return stats;
  fail_msg("a knows no other");
  return stats;
}

static gcache_group_stats_t group_of(const struct member *m) {
  gcache_group_stats_t stats;
  gcache_group_stats(m->group, &stats);
  return stats;
}

/* Every key is in b's memory, and a copy of it in a's. */
static void open_scene(struct scene *s, void **state) {
  struct asked asked;
  gcache_options_t o;
  struct member *both[] = {&s->a, &s->b};
  const char *const names[] = {"A", "B"};
  for (int i = 0; i < 2; i++) {
    member_options(both[i], &o, *state, names[i]);
    o.health.probe_min_ms = 20;
    o.health.probe_max_ms = 40;
    member_open(both[i], &o);
    member_group(both[i], "g");
    member_listen(both[i]);
  }
  const char *const urls[] = {s->a.url, s->b.url};
  assert_int_equal(gcache_set_peers(s->a.cache, urls, NULL, 2), 0);
  assert_int_equal(gcache_set_peers(s->b.cache, urls, NULL, 2), 0);
  for (int i = 0; i < KEYS; i++) {
    char prefix[16];
    snprintf(prefix, sizeof prefix, "k%d-", i);
    member_key(&s->b, prefix, s->keys[i], sizeof s->keys[i]);
    ask(&asked, &s->a, s->keys[i]);
    assert_int_equal(strncmp(asked.value, "B|", 2), 0);
  }
}

static void close_scene(struct scene *s) {
  member_end(&s->a);
  member_end(&s->b);
}

static void stop_listening(struct scene *s) {
  int closed = 0;
  gcache_listener_close(s->b.listener, on_listener_closed, &closed);
  run_loop_until(s->b.loop, &closed, 1);
}

static void listen_again(struct scene *s) {
  place_listen_again(&s->b.listener, s->b.cache, s->b.port);
}

static void remove_all(struct scene *s, struct changed *c) {
  for (int i = 0; i < KEYS; i++) {
    memset(c, 0, sizeof *c);
    c->req.data = c;
    int rc = gcache_remove(&c->req, s->a.group, gcache_cstr(s->keys[i]), 0, on_changed);
    assert_int_equal(rc, 0);
    run_loop_until(s->a.loop, &c->done, 1);
    assert_int_equal(c->status, GCACHE_EPARTIAL);
    assert_int_equal(c->n, 2);
    assert_int_not_equal(c->statuses[0], 0);
    assert_int_equal(c->statuses[1], 0);
  }
}

static int holds(struct member *m, const char *key) {
  gcache_value_t *value = gcache_peek(m->group, gcache_cstr(key));
  gcache_value_unref(value);
  return value != NULL;
}

/* Something that keeps the loop awake. */
static void on_tick(uv_timer_t *timer) {
  (void)timer;
}

static void on_timer_closed(uv_handle_t *handle) {
  *(int *)handle->data = 1;
}

static void wait_until_up(struct scene *s) {
  uv_timer_t timer;
  int closed = 0;
  timer.data = &closed;
  uv_timer_init(s->a.loop, &timer);
  uv_timer_start(&timer, on_tick, 5, 5);
  while (b_as_a_sees_it(s).state != GCACHE_PEER_UP)
    uv_run(s->a.loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&timer, on_timer_closed);
  run_loop_until(s->a.loop, &closed, 1);
}

static void removes_arrive_before_the_first_get(void **state) {
  struct scene s;
  struct changed c;
  struct asked asked;
  open_scene(&s, state);
  stop_listening(&s);
  remove_all(&s, &c);
  assert_non_null(strstr(c.reasons[0], "is told when it is back"));
  assert_non_null(strstr(c.reasons[0], s.b.url));
  gcache_peer_stats_t stats = b_as_a_sees_it(&s);
  assert_int_equal(stats.missed, KEYS);
  assert_int_not_equal(stats.state, GCACHE_PEER_UP);
  ask(&asked, &s.a, s.keys[0]);
  assert_int_equal(strncmp(asked.value, "A|", 2), 0); /* loaded here meanwhile */
  for (int i = 0; i < KEYS; i++)
    assert_true(holds(&s.b, s.keys[i])); /* old */
  uint64_t gets = group_of(&s.b).gets;
  listen_again(&s);
  wait_until_up(&s);
  stats = b_as_a_sees_it(&s);
  assert_int_equal(stats.missed, 0);
  assert_int_equal(stats.missed_told, KEYS);
  assert_int_equal(stats.missed_dropped, 0);
  assert_int_equal(group_of(&s.b).gets, gets);
  for (int i = 0; i < KEYS; i++)
    assert_false(holds(&s.b, s.keys[i]));
  int before = s.b.loads;
  ask(&asked, &s.a, s.keys[1]);
  assert_int_equal(strncmp(asked.value, "B|", 2), 0);
  assert_int_equal(asked.from, GCACHE_FROM_PEER);
  assert_int_equal(s.b.loads, before + 1);
  close_scene(&s);
}

static void a_clear_arrives_before_the_first_get(void **state) {
  struct scene s;
  struct changed c = {0};
  open_scene(&s, state);
  stop_listening(&s);
  c.req.data = &c;
  assert_int_equal(gcache_clear(&c.req, s.a.group, 0, on_changed), 0);
  run_loop_until(s.a.loop, &c.done, 1);
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_true(holds(&s.b, s.keys[0]));
  listen_again(&s);
  wait_until_up(&s);
  for (int i = 0; i < KEYS; i++)
    assert_false(holds(&s.b, s.keys[i]));
  close_scene(&s);
}

static void a_member_that_closes_with_a_peer_down_does_not_wait_for_it(void **state) {
  struct scene s;
  struct changed c;
  open_scene(&s, state);
  stop_listening(&s);
  remove_all(&s, &c);
  assert_int_equal(b_as_a_sees_it(&s).missed, KEYS);
  close_scene(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(removes_arrive_before_the_first_get, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(a_clear_arrives_before_the_first_get, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(a_member_that_closes_with_a_peer_down_does_not_wait_for_it,
                                      loop_setup, loop_teardown),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
