#include "getter.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "bench.h"

static uint64_t runs;

struct slow_load {
  uv_timer_t timer;
  gcache_load_t *load;
};

static void give(gcache_load_t *load) {
  static const char zeros[1 << 20];
  const struct bench_member *m = gcache_group_data(gcache_load_group(load));
  gcache_load_done_copy(load, gcache_bytes(zeros, m->value_bytes), 0);
}

static void on_timer_closed(uv_handle_t *timer) {
  free(timer);
}

static void on_timer_fired(uv_timer_t *timer) {
  struct slow_load *s = (struct slow_load *)timer;
  give(s->load);
  uv_close((uv_handle_t *)timer, on_timer_closed);
}

void getter_run(gcache_load_t *load) {
  struct slow_load *s;
  runs++;
  if (memcmp(gcache_load_key(load).base, "slow", 4) != 0) {
    give(load);
    return;
  }
  s = malloc(sizeof *s);
  if (s == NULL) bench_need(UV_ENOMEM, "timer");
  s->load = load;
  uv_timer_init(uv_default_loop(), &s->timer);
  uv_update_time(uv_default_loop());
  uv_timer_start(&s->timer, on_timer_fired, SLOW_MS, 0);
}

uint64_t getter_runs(void) {
  return runs;
}
