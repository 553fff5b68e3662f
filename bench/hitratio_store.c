#include "hitratio.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bench.h"

/* Of a cache: values are taken for larger where it would have less, so that single pages of the
 * index and of what is remembered weigh little. */
#define LEAST_BYTES (1024 * 1024)
#define VALUE_BYTES 1000 /* of every value, where the trace gives no sizes */
#define VALUE_MAX (1u << 30)
#define REMEMBERED_BYTES 8 /* a key, at most, once its value has left */

struct store {
  const struct trace *trace;
  gcache_t *cache;
  gcache_group_t *group;
  uint64_t scale; /* bytes of a value for each of the trace's */
  char *bytes;    /* of all values */
  uint64_t loads;
};

static uint64_t size_of(const struct store *s, uint32_t key) {
  uint64_t size = s->trace->sizes[key];
  return size < VALUE_MAX / s->scale ? size * s->scale : VALUE_MAX;
}

static uint32_t number_of(gcache_bytes_t key) {
  uint32_t number;
  memcpy(&number, key.base, sizeof number);
  return number;
}

/* 16 bytes: a number and zeros. */
static gcache_bytes_t key_of(char room[KEY_SIZE], uint32_t number) {
  memset(room, 0, KEY_SIZE);
  memcpy(room, &number, sizeof number);
  return gcache_bytes(room, KEY_SIZE);
}

/* The values share their bytes: the store counts them as if they did not. */
static void load(gcache_load_t *load) {
  struct store *s = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t bytes = {s->bytes, size_of(s, number_of(gcache_load_key(load)))};
  s->loads++;
  gcache_load_done(load, gcache_value_wrap(s->cache, bytes, GCACHE_NEVER, NULL, NULL));
}

static void on_got(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)get, (void)value;
  bench_need(status, "get");
}

static void ask(struct store *s, uint32_t number) {
  char room[KEY_SIZE];
  gcache_bytes_t key = key_of(room, number);
  gcache_value_t *value = gcache_peek(s->group, key);
  gcache_get_t get;
  if (value != NULL) {
    gcache_value_unref(value);
    return;
  }
  bench_need(gcache_get(&get, s->group, key, GCACHE_NO_TIMEOUT, on_got), "get");
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static void open_store(struct store *s, size_t max_bytes) {
  gcache_options_t o;
  gcache_group_options_t g;
  gcache_options_init(&o);
  o.loop = uv_default_loop();
  o.limits.value_max = VALUE_MAX;
  bench_need(gcache_open(&s->cache, &o), "open");
  gcache_group_options_init(&g);
  g.max_bytes = max_bytes;
  g.getter = load;
  g.data = s;
  bench_need(gcache_group_open(&s->group, s->cache, "trace", &g), "group");
  s->loads = 0;
}

static void close_store(struct store *s) {
  gcache_close(s->cache, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

static int share_a_factor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a > 1;
}

/* What keys take that are together `room` bytes: a fair sample, because each key comes once, and
 * not in the trace's order. */
static size_t bytes_for(struct store *s, uint64_t room) {
  uint64_t n = s->trace->n_keys, used = 0, step = 2654435761u % n, kept = 0;
  gcache_group_stats_t stats;
  while (step == 0 || share_a_factor(step, n))
    step++;
  open_store(s, SIZE_MAX / 4);
  for (uint64_t i = 0, key = 0; i < n; i++, key = (key + step) % n) {
    if (used + size_of(s, (uint32_t)key) > room) continue;
    used += size_of(s, (uint32_t)key);
    ask(s, (uint32_t)key);
    kept++;
  }
  gcache_group_stats(s->group, &stats);
  close_store(s);
  return stats.main.bytes + stats.index_bytes + kept * REMEMBERED_BYTES;
}

static uint64_t largest(const struct store *s) {
  uint64_t size = 0;
  for (uint32_t i = 0; i < s->trace->n_keys; i++)
    if (size_of(s, i) > size) size = size_of(s, i);
  return size;
}

uint64_t hitratio_store(const struct trace *trace, double share) {
  struct store s = {.trace = trace, .scale = trace->sized ? 1 : VALUE_BYTES};
  uint64_t room = (uint64_t)((double)trace->bytes * share);
  if (room * s.scale < LEAST_BYTES) s.scale = LEAST_BYTES / (room + 1) + 1;
  s.bytes = calloc(1, largest(&s));
  if (s.bytes == NULL) bench_need(UV_ENOMEM, "values");
  open_store(&s, bytes_for(&s, room * s.scale));
  for (size_t i = 0; i < trace->n_asked; i++)
    ask(&s, trace->asked[i]);
  close_store(&s);
  free(s.bytes);
  return trace->n_asked - s.loads;
}
