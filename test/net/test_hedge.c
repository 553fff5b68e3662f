/* Three members over sockets: the owner of a key is late, and a hedged request is sent to its next
 * owner. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http/h2.h"
#include "member.h"
#include "raw.h"

enum { ASKER, OWNER, NEXT, N, SAMPLES = 100 };

struct scene {
  struct member m[N];
  uv_loop_t *loop;
};

static void open_scene(struct scene *s, void **state, gcache_http_t http) {
  static const char *const names[N] = {"asker", "owner", "next"};
  gcache_options_t o;

  memset(s, 0, sizeof *s);
  s->loop = *state;
  for (int i = 0; i < N; i++) {
    member_options(&s->m[i], &o, s->loop, names[i]);
    o.http = http;
    o.health.retry_percent = 100; /* also where the machine is busy, and much is late */
    if (i == ASKER) o.health.hedge_percentile = 90;
    member_open(&s->m[i], &o);
    member_group(&s->m[i], "g");
    member_listen(&s->m[i]);
  }
  members_know(s->m, N);
}

static void close_scene(struct scene *s) {
  for (int i = 0; i < N; i++) {
    member_release(&s->m[i]);
    member_end(&s->m[i]);
  }
}

/* As the asker counts of the owner. */
static gcache_peer_stats_t owner_stats(const struct scene *s) {
  gcache_peer_stats_t stats;

  for (size_t i = 0; gcache_peer_stats(s->m[ASKER].cache, i, &stats) == 0; i++)
    if (strcmp(stats.url, s->m[OWNER].url) == 0) return stats;
  fail_msg("the owner is not on the list");
  return stats;
}

/* Its answers say what late is. */
static void warm(struct scene *s) {
  char prefix[24], key[64];
  struct asked a;

  for (int i = 0; i < SAMPLES; i++) {
    snprintf(prefix, sizeof prefix, "warm%d:", i);
    ask(&a, &s->m[ASKER], member_key(&s->m[OWNER], prefix, key, sizeof key));
    assert_int_equal(a.status, 0);
    assert_int_equal(a.from, GCACHE_FROM_PEER);
  }
}

static void second_answers_while_the_owner_is_held_up(void **state, gcache_http_t http) {
  struct scene s;
  struct asked a;
  char key[64];
  gcache_value_t *kept;

  open_scene(&s, state, http);
  warm(&s);
  uint64_t hedges = owner_stats(&s).hedges, won = owner_stats(&s).hedges_won;
  ask_start(&a, &s.m[ASKER], member_key_then(&s.m[OWNER], &s.m[NEXT], "hold:", key, sizeof key),
            GCACHE_NO_TIMEOUT);
  run_loop_until(s.loop, &s.m[NEXT].n_held, 1);
  run_loop_until(s.loop, &s.m[OWNER].n_held, 1);
  assert_int_equal(a.done, 0);
  member_release(&s.m[NEXT]);
  run_loop_until(s.loop, &a.done, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(strncmp(a.value, "next|", 5), 0);
  assert_int_equal(s.m[OWNER].n_held, 1);
  run_loop_until(s.loop, &s.m[OWNER].cancels, 1); /* it is told that nobody waits */
  assert_int_equal(owner_stats(&s).hedges, hedges + 1);
  assert_int_equal(owner_stats(&s).hedges_won, won + 1);
  kept = gcache_peek(s.m[ASKER].group, gcache_cstr(key));
  assert_null(kept);
  assert_int_equal(s.m[ASKER].loads, 0);
  close_scene(&s);
}

static void owner_that_is_held_up_is_not_waited_for(void **state) {
  second_answers_while_the_owner_is_held_up(state, GCACHE_HTTP_1);
}

static void owner_that_is_held_up_is_not_waited_for_over_http2(void **state) {
  if (!gci_h2_built_in()) skip();
  second_answers_while_the_owner_is_held_up(state, GCACHE_HTTP_2);
}

static void cache_closes_between_the_two_answers(void **state) {
  struct scene s;
  struct asked a;
  char key[64];

  open_scene(&s, state, GCACHE_HTTP_AUTO);
  warm(&s);
  ask_start(&a, &s.m[ASKER], member_key_then(&s.m[OWNER], &s.m[NEXT], "hold:", key, sizeof key),
            GCACHE_NO_TIMEOUT);
  run_loop_until(s.loop, &s.m[NEXT].n_held, 1);
  close_scene(&s);
  assert_int_equal(a.status, UV_ECANCELED);
}

static void percentile_of_all_is_refused(void **state) {
  struct member m;
  gcache_options_t o;
  gcache_t *cache;

  memset(&m, 0, sizeof m);
  member_options(&m, &o, *state, "m");
  o.health.hedge_percentile = 100;
  assert_int_equal(gcache_open(&cache, &o), UV_EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(owner_that_is_held_up_is_not_waited_for, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(owner_that_is_held_up_is_not_waited_for_over_http2,
                                      loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(cache_closes_between_the_two_answers, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(percentile_of_all_is_refused, loop_setup, loop_teardown),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
