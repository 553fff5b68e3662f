/* Readers over HTTP/2 that open no window: the responses wait, and their memory stays within the
 * limit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2_end.h"
#include "hostile.h"

enum { CONNECTIONS = 15, STREAMS = 100 };

static size_t rss(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  size_t pages = 0, resident = 0;

  assert_non_null(f);
  assert_int_equal(fscanf(f, "%zu %zu", &pages, &resident), 2);
  fclose(f);
  return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void turns(struct member *m, struct h2_end ends[], int n, struct honest *h, size_t *most) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < CONNECTIONS; j++)
      h2_end_step(&ends[j]);
    honest_ask(h);
    uv_run(m->loop, UV_RUN_NOWAIT);
    honest_look(h);
    if (stats_of(m).in_flight_bytes > *most) *most = stats_of(m).in_flight_bytes;
  }
}

static void closed_windows_cost_at_most_the_budget(void **state) {
  const size_t budget = (size_t)16 << 20;
  struct h2_end *ends = calloc(CONNECTIONS, sizeof *ends);
  size_t most = 0, base, grown;
  struct honest h;
  struct member m;
  struct asked a;

  member_start(&m, *state, "here");
  ask(&a, &m, "big:1000000:");
  for (int i = 0; i < CONNECTIONS; i++) {
    h2_end_open(&ends[i], raw_connect(m.loop, m.port), 0);
    h2_end_set(&ends[i], NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
  }
  honest_open(&h, &m);
  turns(&m, ends, 20, &h, &most);
  base = rss();
  for (int i = 0; i < CONNECTIONS; i++)
    for (int j = 0; j < STREAMS; j++)
      h2_peer_get(&ends[i].peer, "/_groupcache/g/big:1000000:");
  turns(&m, ends, 200, &h, &most);
  grown = rss() > base ? rss() - base : 0;
  print_message(
      "%d streams of 1 MB without a window: at most %.1f MiB in flight, RSS %.1f MiB more, "
      "%d refused; %d honest gets, the slowest %.1f ms\n",
      CONNECTIONS * STREAMS, (double)most / 1048576, (double)grown / 1048576,
      (int)stats_of(&m).shed, h.gets, h.worst_ms);
  assert_true(most > budget / 2 && most <= budget);
  assert_true(IS_INSTRUMENTED || grown <= budget);
  assert_true(stats_of(&m).shed > CONNECTIONS * STREAMS - 17);
  assert_true(h.gets > 0 && h.worst_cpu_ms <= HONEST_MAX_MS);
  for (int i = 0; i < CONNECTIONS; i++) {
    end_raw(ends[i].raw);
    h2_end_close(&ends[i]);
  }
  honest_close(&h);
  run_loop_turns(m.loop, 50);
  assert_int_equal(stats_of(&m).in_flight_bytes, 0);
  assert_int_equal(stats_of(&m).requests_in_flight, 0);
  free(ends);
  member_end(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(closed_windows_cost_at_most_the_budget)};
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
