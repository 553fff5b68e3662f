/* Members that join and leave, over real sockets: the number of getter runs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gcache/leave.h"
#include "http/h2.h"
#include "member.h"
#include "world.h"

enum { N = 4, KEYS = 400, BIG_KEYS = 30 };

static void open_one(struct member *m, uv_loop_t *loop, const char *name, uint64_t handoff_ms,
                     gcache_http_t http) {
  gcache_options_t o;
  member_options(m, &o, loop, name);
  o.http = http;
  o.handoff_ms = handoff_ms;
  o.handoff_wait_ms = 3600 * 1000;
  member_open(m, &o);
  member_listen(m);
  member_group(m, "g");
}

static int all_loads(const struct member m[], size_t n) {
  int sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += m[i].loads;
  return sum;
}

static void ask_for_all(struct member *m) {
  for (int i = 0; i < KEYS; i++) {
    struct asked a;
    char key[16];
    snprintf(key, sizeof key, "key%d", i);
    ask(&a, m, key);
    assert_int_equal(a.status, 0);
  }
}

/* Getter runs after a fourth member has come to three that have everything. */
static int runs_when_one_joins(void **state, uint64_t handoff_ms) {
  static const char *const names[] = {"a", "b", "c", "d"};
  struct member m[N];
  gcache_group_stats_t stats;
  for (int i = 0; i < N; i++)
    open_one(&m[i], *state, names[i], handoff_ms, GCACHE_HTTP_AUTO);
  members_know(m, N - 1);
  ask_for_all(&m[0]);
  assert_int_equal(all_loads(m, N), KEYS);
  members_know(m, N);
  ask_for_all(&m[3]);
  int runs = all_loads(m, N) - KEYS;
  gcache_group_stats(m[3].group, &stats);
  assert_int_equal(stats.handed_over == 0, handoff_ms == GCACHE_NO_HANDOFF);
  for (int i = 0; i < N; i++)
    member_end(&m[i]);
  return runs;
}

static void a_member_that_joins_takes_over_what_others_have(void **state) {
  int with = runs_when_one_joins(state, 30000);
  int without = runs_when_one_joins(state, GCACHE_NO_HANDOFF);
  print_message("one joins three that have %d keys: %d getter runs, without hand-off %d\n", KEYS,
                with, without);
  assert_int_equal(with, 0);
  assert_true(without > KEYS / 8);
}

/* Where there are no fast lanes every question goes over one connection, and names of lines are in
 * small letters. */
static void over_http_2_values_of_any_size_are_taken_over(void **state) {
  struct member m[2];
  struct asked a;
  char key[32];
  if (!gci_h2_built_in()) skip();
  open_one(&m[0], *state, "a", 30000, GCACHE_HTTP_2);
  open_one(&m[1], *state, "b", 30000, GCACHE_HTTP_2);
  members_know(m, 1);
  for (int i = 0; i < BIG_KEYS; i++) {
    snprintf(key, sizeof key, "big:100000:%d", i);
    ask(&a, &m[0], key);
  }
  assert_int_equal(m[0].loads, BIG_KEYS);
  members_know(m, 2);
  for (int i = 0; i < BIG_KEYS; i++) {
    snprintf(key, sizeof key, "big:100000:%d", i);
    ask(&a, &m[1], key);
    assert_int_equal(a.status, 0);
    assert_int_equal(a.value_len, 100000);
  }
  assert_int_equal(all_loads(m, 2), BIG_KEYS);
  member_end(&m[0]);
  member_end(&m[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_member_that_joins_takes_over_what_others_have, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(over_http_2_values_of_any_size_are_taken_over, loop_setup,
                                      loop_teardown),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
