/* The demo source: values that show which node made them, and in which getter run. See --help and
 * node.c. */
#include "node_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG_MAX ((uint64_t)1 << 30)

/* "<self>|<key>|<n>", n being this run's number. */
static void answer(gcache_load_t *load, uint64_t n) {
  struct source *s = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t key = gcache_load_key(load);
  size_t self_len = strlen(s->self);
  char number[24], *text = malloc(self_len + key.len + sizeof number);
  int digits = snprintf(number, sizeof number, "|%" PRIu64, n);

  if (text == NULL) {
    gcache_load_fail(load, UV_ENOMEM, NULL);
    return;
  }
  memcpy(text, s->self, self_len);
  text[self_len] = '|';
  if (key.len > 0) memcpy(text + self_len + 1, key.base, key.len);
  memcpy(text + self_len + 1 + key.len, number, (size_t)digits);
  gcache_load_done_copy(load, gcache_bytes(text, self_len + 1 + key.len + (size_t)digits),
                        s->ttl_ms);
  free(text);
}

/* ---- slow: the getter returns, a timer answers ---- */

struct slow {
  uv_timer_t timer;
  gcache_load_t *load; /* NULL: answered */
  uint64_t n;
};

static void on_closed(uv_handle_t *timer) {
  free(timer->data);
}

static void end_slow(struct slow *slow) {
  slow->load = NULL;
  uv_close((uv_handle_t *)&slow->timer, on_closed);
}

static void on_time(uv_timer_t *timer) {
  struct slow *slow = timer->data;

  answer(slow->load, slow->n);
  end_slow(slow);
}

/* No caller waits any more. The answer is still owed, so it is given at once. */
static void on_cancelled(gcache_load_t *load) {
  struct slow *slow = gcache_load_data(load);

  if (slow == NULL) return;
  end_slow(slow);
  gcache_load_fail(load, UV_ECANCELED, "no caller waits any more");
}

static void answer_later(gcache_load_t *load, uint64_t n, uint64_t ms) {
  struct source *s = gcache_group_data(gcache_load_group(load));
  struct slow *slow = malloc(sizeof *slow);

  if (slow == NULL) {
    gcache_load_fail(load, UV_ENOMEM, NULL);
    return;
  }
  slow->load = load;
  slow->n = n;
  slow->timer.data = slow;
  gcache_load_set_data(load, slow);
  uv_timer_init(s->loop, &slow->timer);
  uv_update_time(s->loop);
  uv_timer_start(&slow->timer, on_time, ms, 0);
}

/* ---- big: the buffer is handed over, not copied ---- */

static void answer_big(gcache_load_t *load, uint64_t size) {
  struct source *s = gcache_group_data(gcache_load_group(load));
  gcache_t *cache = gcache_group_cache(gcache_load_group(load));
  int64_t expire = s->ttl_ms > 0 ? gcache_expire_in(cache, s->ttl_ms) : GCACHE_NEVER;
  char *bytes = size <= BIG_MAX ? malloc((size_t)size + 1) : NULL;
  gcache_value_t *value = NULL;

  if (bytes != NULL) {
    memset(bytes, 'x', (size_t)size);
    value = gcache_value_wrap(cache, gcache_bytes(bytes, (size_t)size), expire, free, bytes);
  }
  if (value != NULL) {
    gcache_load_done(load, value);
  } else {
    free(bytes);
    gcache_load_fail(load, UV_ENOMEM, size > BIG_MAX ? "too large for this demo" : NULL);
  }
}

/* ---- which of them ---- */

static int begins(gcache_bytes_t key, const char *prefix) {
  return key.len >= strlen(prefix) && memcmp(key.base, prefix, strlen(prefix)) == 0;
}

/* "prefix" NUMBER ":"; 0 if key does not begin like this. */
static int begins_with_number(gcache_bytes_t key, const char *prefix, uint64_t *out) {
  const char *text = key.base;
  size_t at = strlen(prefix), first = at;

  if (!begins(key, prefix)) return 0;
  for (*out = 0; at < key.len && text[at] >= '0' && text[at] <= '9' && at < first + 18; at++)
    *out = *out * 10 + (uint64_t)(text[at] - '0');
  return at > first && at < key.len && text[at] == ':';
}

static void get(gcache_load_t *load) {
  struct source *s = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t key = gcache_load_key(load);
  uint64_t n = ++s->runs, number;

  if (begins(key, "missing:"))
    gcache_load_fail(load, GCACHE_ENOTFOUND, "the demo has no such key");
  else if (begins(key, "fail:"))
    gcache_load_fail(load, GCACHE_ELOAD, "demo failure");
  else if (begins_with_number(key, "slow:", &number))
    answer_later(load, n, number);
  else if (begins_with_number(key, "big:", &number))
    answer_big(load, number);
  else
    answer(load, n);
}

void source_demo(struct source *s, uv_loop_t *loop) {
  s->getter = get;
  s->cancel = on_cancelled;
  s->loop = loop;
}
