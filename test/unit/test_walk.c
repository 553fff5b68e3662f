/* Unit test of walking over a cache, most used entries first (store/cache, store/policy). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/value.h"
#include "oom.h"
#include "random.h"
#include "store/cache.h"

enum { N = 2000, NOW = 1000 };

struct room {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_cache *cache;
  int in[N], seen[N], order[4 * N];
  size_t n_seen;
};

static gcache_bytes_t key_of(unsigned i, char text[16]) {
  return gcache_bytes(text, (size_t)snprintf(text, 16, "key%u", i));
}

static uint64_t hash_of(gcache_bytes_t key) {
  return gci_hash_shared(key, 1);
}

static void open_room(struct room *r, gcache_policy_t policy) {
  memset(r, 0, sizeof *r);
  oom_init(&r->oom);
  gcache_mem_t user = oom_mem(&r->oom);
  r->mem = gci_mem_new(&user);
  assert_int_equal(gci_cache_open(&r->cache, r->mem, 16 << 20, 8, policy), 0);
}

static void close_room(struct room *r) {
  gci_cache_close(r->cache);
  gci_mem_unref(r->mem);
  oom_assert_empty(&r->oom);
}

static void put(struct room *r, unsigned i, int64_t expire) {
  char text[16];
  gcache_bytes_t key = key_of(i, text);
  gcache_value_t *value = gci_value_copy(r->mem, key, expire);
  assert_int_equal(gci_cache_put(r->cache, GCI_MAIN, key, hash_of(key), value, NOW), 0);
  gcache_value_unref(value);
  r->in[i] = 1;
}

static void use(struct room *r, unsigned i) {
  char text[16];
  gcache_bytes_t key = key_of(i, text);
  enum gci_side side;
  assert_non_null(gci_cache_get(r->cache, key, hash_of(key), NOW, &side));
}

static void take_out(struct room *r, unsigned i) {
  char text[16];
  gcache_bytes_t key = key_of(i, text);
  gci_cache_remove(r->cache, key, hash_of(key));
  r->in[i] = 0;
}

/* The value must be the key's. */
static unsigned note(struct room *r, const struct gci_cache_walk *walk) {
  unsigned i = N;
  char text[16] = "";
  gcache_bytes_t bytes = gcache_value_bytes(walk->value);
  assert_true(walk->key.len < sizeof text);
  assert_int_equal(bytes.len, walk->key.len);
  assert_memory_equal(bytes.base, walk->key.base, bytes.len);
  memcpy(text, walk->key.base, walk->key.len);
  assert_int_equal(sscanf(text, "key%u", &i), 1);
  assert_true(i < N && r->in[i] && r->n_seen < 4 * N);
  r->seen[i]++;
  r->order[r->n_seen++] = (int)i;
  return i;
}

static void walk_over_all(struct room *r) {
  struct gci_cache_walk walk;
  size_t steps = SIZE_MAX;
  gci_cache_walk_begin(r->cache, GCI_MAIN, &walk);
  while (gci_cache_walk_next(r->cache, &walk, &steps, NOW))
    note(r, &walk);
  gci_cache_walk_end(r->cache, &walk);
}

static void all_are_seen_once_and_nothing_is_counted(void **state) {
  static struct room r;
  (void)state;
  for (int policy = GCACHE_POLICY_DEFAULT; policy <= GCACHE_POLICY_LRU; policy++) {
    gcache_cache_stats_t before, after;
    open_room(&r, (gcache_policy_t)policy);
    for (unsigned i = 0; i < N; i++)
      put(&r, i, GCACHE_NEVER);
    gci_cache_stats(r.cache, GCI_MAIN, &before);
    walk_over_all(&r);
    gci_cache_stats(r.cache, GCI_MAIN, &after);
    assert_memory_equal(&before, &after, sizeof before);
    for (unsigned i = 0; i < N; i++)
      assert_int_equal(r.seen[i], 1);
    close_room(&r);
  }
}

static void what_is_used_most_comes_first(void **state) {
  static struct room r;
  (void)state;
  for (int policy = GCACHE_POLICY_DEFAULT; policy <= GCACHE_POLICY_LRU; policy++) {
    open_room(&r, (gcache_policy_t)policy);
    for (unsigned i = 0; i < N; i++)
      put(&r, i, GCACHE_NEVER);
    for (unsigned i = 0; i < N; i += 10)
      for (int times = 0; times < 3; times++)
        use(&r, i);
    walk_over_all(&r);
    for (size_t at = 0; at < N / 10; at++)
      assert_int_equal(r.order[at] % 10, 0);
    close_room(&r);
  }
}

static void what_has_expired_or_is_missing_is_left_out(void **state) {
  static struct room r;
  (void)state;
  open_room(&r, GCACHE_POLICY_DEFAULT);
  put(&r, 0, NOW + 5);
  put(&r, 1, NOW + 6);
  char text[16];
  gcache_bytes_t key = key_of(2, text);
  gcache_value_t *reason = gci_value_copy(r.mem, gcache_bytes("no\0", 3), NOW + 1000);
  assert_int_equal(gci_cache_put_absent(r.cache, GCI_MAIN, key, hash_of(key), reason, NOW), 0);
  gcache_value_unref(reason);
  struct gci_cache_walk walk;
  size_t steps = 100;
  gci_cache_walk_begin(r.cache, GCI_MAIN, &walk);
  assert_true(gci_cache_walk_next(r.cache, &walk, &steps, NOW + 5));
  assert_int_equal(note(&r, &walk), 1);
  assert_false(gci_cache_walk_next(r.cache, &walk, &steps, NOW + 5));
  assert_true(steps > 0);
  gci_cache_walk_end(r.cache, &walk);
  close_room(&r);
}

/* As a member's that goes on serving while it walks. */
static void a_walk_survives_whatever_happens_between_its_steps(void **state) {
  static struct room r;
  (void)state;
  for (uint64_t seed = 0; seed < 40; seed++) {
    struct random random = {seed};
    struct gci_cache_walk walk;
    int stays[N];
    open_room(&r, seed % 2 == 0 ? GCACHE_POLICY_DEFAULT : GCACHE_POLICY_LRU);
    for (unsigned i = 0; i < N; i++)
      put(&r, i, GCACHE_NEVER);
    for (unsigned i = 0; i < N; i++)
      stays[i] = 1;
    gci_cache_walk_begin(r.cache, GCI_MAIN, &walk);
    for (;;) {
      size_t steps = 1 + random_below(&random, 20);
      while (gci_cache_walk_next(r.cache, &walk, &steps, NOW))
        note(&r, &walk);
      if (steps > 0) break;
      unsigned i = (unsigned)random_below(&random, N);
      unsigned what = (unsigned)random_below(&random, seed < 30 ? 3 : 40);
      stays[i] = 0;
      if (what == 0) put(&r, i, GCACHE_NEVER);
      if (what == 1 && r.in[i]) use(&r, i);
      if (what >= 2) take_out(&r, i);
      if (what == 39 && random_below(&random, 5) == 0) {
        gci_cache_clear(r.cache);
        memset(r.in, 0, sizeof r.in);
        memset(stays, 0, sizeof stays);
      }
    }
    gci_cache_walk_end(r.cache, &walk);
    for (unsigned i = 0; i < N; i++)
      if (stays[i]) assert_int_equal(r.seen[i], 1);
    close_room(&r);
  }
}

/* Where there is no room, those who come drive others out, and make the queues turn. */
static void a_walk_survives_evictions(void **state) {
  static struct room r;
  (void)state;
  for (int policy = GCACHE_POLICY_DEFAULT; policy <= GCACHE_POLICY_LRU; policy++) {
    struct random random = {(uint64_t)policy};
    struct gci_cache_walk walk;
    open_room(&r, (gcache_policy_t)policy);
    gci_cache_resize(r.cache, GCI_CACHE_MIN_BYTES);
    memset(r.in, 1, sizeof r.in);
    for (unsigned i = 0; i < N; i++)
      put(&r, i, GCACHE_NEVER);
    for (int times = 0; times < 50; times++) {
      size_t steps = 30;
      gci_cache_walk_begin(r.cache, GCI_MAIN, &walk);
      while (r.n_seen < N) {
        while (r.n_seen < N && gci_cache_walk_next(r.cache, &walk, &steps, NOW))
          note(&r, &walk);
        if (steps > 0) break;
        steps = 30;
        for (int i = 0; i < 20; i++)
          put(&r, (unsigned)random_below(&random, N), GCACHE_NEVER);
        char text[16];
        for (int i = 0; i < 20; i++) {
          gcache_bytes_t key = key_of((unsigned)random_below(&random, N), text);
          enum gci_side side;
          gci_cache_get(r.cache, key, hash_of(key), NOW, &side);
        }
      }
      gci_cache_walk_end(r.cache, &walk);
      r.n_seen = 0;
    }
    close_room(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_are_seen_once_and_nothing_is_counted),
      cmocka_unit_test(what_is_used_most_comes_first),
      cmocka_unit_test(what_has_expired_or_is_missing_is_left_out),
      cmocka_unit_test(a_walk_survives_whatever_happens_between_its_steps),
      cmocka_unit_test(a_walk_survives_evictions),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
