/* finder - a cache with peer discovery, and a record of what discovery reports: for the tests of
 * all ways to find peers. */
#ifndef TEST_NET_FINDER_H
#define TEST_NET_FINDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcache/find.h"
#include "member.h"
#include "raw.h"

#define FINDER_HOUR_MS ((uint64_t)3600 * 1000)

struct finder {
  struct member m;
  gcache_find_t *find;
  gcache_find_options_t o;
  int sets, sames, keeps, told, closed;
  int status;
  char
      list[8192]; /* as it was told last: "http://a:1 http://b:1*3", the weight where it is not 1 */
  char text[300];
};

static void on_found(gcache_find_t *find, const gcache_found_t *found, void *data) {
  struct finder *f = data;

  assert_true(f->find == NULL || find == f->find);
  f->told++;
  f->sets += found->did == GCACHE_FIND_SET;
  f->sames += found->did == GCACHE_FIND_SAME;
  f->keeps += found->did == GCACHE_FIND_KEPT;
  f->status = found->status;
  assert_int_equal(found->status < 0, found->did == GCACHE_FIND_KEPT);
  snprintf(f->text, sizeof f->text, "%s", found->text);
  f->list[0] = '\0';
  for (size_t i = 0; i < found->n; i++) {
    size_t len = strlen(f->list), left = sizeof f->list - len;
    const char *space = i == 0 ? "" : " ";
    if (found->weights[i] == 1)
      snprintf(f->list + len, left, "%s%s", space, found->urls[i]);
    else
      snprintf(f->list + len, left, "%s%s*%u", space, found->urls[i], found->weights[i]);
  }
}

/* Told of everything, looks once an hour. */
static void finder_options(struct finder *f) {
  gcache_find_options_init(&f->o);
  f->o.cache = f->m.cache;
  f->o.interval_ms = FINDER_HOUR_MS;
  f->o.debounce_ms = 10;
  f->o.on_change = on_found;
  f->o.data = f;
}

/* A cache whose URL is self (NULL: none), and options. */
static void finder_open(struct finder *f, uv_loop_t *loop, const char *self) {
  gcache_options_t o;

  memset(f, 0, sizeof *f);
  member_options(&f->m, &o, loop, "finder");
  o.self = self;
  member_open(&f->m, &o);
  finder_options(f);
}

/* The same in memory that fails. -1: there was not enough of it. */
static inline int finder_open_failing(struct finder *f, uv_loop_t *loop, const char *self,
                                      struct oom *oom) {
  gcache_options_t o;

  memset(f, 0, sizeof *f);
  member_options(&f->m, &o, loop, "finder");
  o.self = self;
  o.mem = oom_mem(oom);
  if (gcache_open(&f->m.cache, &o) < 0) {
    run_loop_turns(loop, 2);
    return -1;
  }
  finder_options(f);
  return 0;
}

static void on_finder_closed(void *arg) {
  ((struct finder *)arg)->closed++;
}

static void finder_close(struct finder *f) {
  gcache_find_close(f->find, on_finder_closed, f);
  run_loop_until(f->m.loop, &f->closed, 1);
  f->find = NULL;
}

static void finder_end(struct finder *f) {
  if (f->find != NULL) finder_close(f);
  member_end(&f->m);
}

/* What was opened in memory that fails; rc: of the find. Its first look is told of, well or badly. */
static inline void finder_end_failing(struct finder *f, int rc) {
  if (rc == 0) {
    run_loop_until(f->m.loop, &f->told, 1);
    assert_true(f->sets + f->keeps > 0);
    finder_close(f);
  }
  member_close(&f->m);
  run_loop_until(f->m.loop, &f->m.closed, 1);
}

static void on_finder_tick(uv_timer_t *timer) {
  (void)timer; /* that it is there keeps the loop alive */
}

/* Runs the loop until the list is this one: for as long as a test may take. */
static inline void finder_await(struct finder *f, const char *list) {
  uv_timer_t tick;
  int told = -1;

  uv_timer_init(f->m.loop, &tick);
  uv_timer_start(&tick, on_finder_tick, 100, 100);
  while (strcmp(f->list, list) != 0) {
    if (told != f->told && getenv("FINDER_VERBOSE") != NULL)
      fprintf(stderr, "list: %s; text: %s\n", f->list, f->text);
    told = f->told;
    uv_run(f->m.loop, UV_RUN_ONCE);
  }
  uv_close((uv_handle_t *)&tick, NULL);
  run_loop_turns(f->m.loop, 2);
}

/* The same, until a counter of it has come so far. */
static inline void finder_await_count(struct finder *f, const int *count, int n) {
  uv_timer_t tick;

  uv_timer_init(f->m.loop, &tick);
  uv_timer_start(&tick, on_finder_tick, 100, 100);
  while (*count < n)
    uv_run(f->m.loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&tick, NULL);
  run_loop_turns(f->m.loop, 2);
}

#endif
