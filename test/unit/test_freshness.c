/* Windows in values and entries, and how an entry may be used at a moment: against tables in this
 * file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "oom.h"
#include "store/cache.h"

#define MS INT64_C(1000000)
#define NOW INT64_C(1700000000000000000)
#define HASH UINT64_C(0x123456789abcdef0)

struct room {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_cache *cache;
};

static void open_with(struct room *r, const struct gci_windows *windows) {
  gcache_mem_t user = oom_mem(&r->oom);
  oom_init(&r->oom);
  user.data = &r->oom;
  r->mem = gci_mem_new(&user);
  assert_int_equal(gci_cache_open(&r->cache, r->mem, GCI_CACHE_MIN_BYTES, 8, GCACHE_POLICY_LRU), 0);
  gci_cache_set_windows(r->cache, windows);
}

static void close_all(struct room *r) {
  gci_cache_close(r->cache);
  assert_int_equal(r->mem->refs, 1);
  gci_mem_unref(r->mem);
  oom_assert_empty(&r->oom);
}

static gcache_value_t *value_of(struct room *r, size_t len, int64_t expire,
                                const struct gci_windows *windows) {
  static char bytes[10000];
  memset(bytes, 'v', sizeof bytes);
  gcache_value_t *value = gci_value_copy(r->mem, gcache_bytes(bytes, len), expire);
  if (windows != NULL) assert_int_equal(gci_value_set_windows(value, windows), 0);
  return value;
}

static void put(struct room *r, size_t len, int64_t expire, const struct gci_windows *windows) {
  gcache_value_t *value = value_of(r, len, expire, windows);
  assert_int_equal(gci_cache_put(r->cache, GCI_MAIN, gcache_cstr("k"), HASH, value, NOW), 0);
  gcache_value_unref(value);
}

/* -1: nothing. */
static int look(struct room *r, int64_t now) {
  struct gci_found found;
  return gci_cache_look(r->cache, gcache_cstr("k"), HASH, now, &found) ? (int)found.freshness : -1;
}

static size_t bytes_of(struct room *r) {
  gcache_cache_stats_t stats;
  gci_cache_stats(r->cache, GCI_MAIN, &stats);
  return (size_t)stats.bytes;
}

static const size_t lens[] = {3, 4096, 4097}; /* lodged, and not */

static void an_entry_is_good_for_what_its_windows_say(void **state) {
  static const struct {
    int64_t after_ms;
    int want;
  } table[] = {{-1001, GCI_FRESH}, {-1, GCI_DUE},    {0, GCI_STALE},
               {299, GCI_STALE},   {300, GCI_SPARE}, {799, GCI_SPARE}};
  static const struct gci_windows windows = {300, 800, 1000, 0}, none = {0};
  (void)state;
  for (size_t own = 0; own < 2; own++)
    for (size_t i = 0; i < 3; i++) {
      struct room r;
      int64_t expire = NOW + 5000 * MS;
      open_with(&r, own ? &none : &windows);
      put(&r, lens[i], expire, own ? &windows : NULL);
      for (size_t j = 0; j < sizeof table / sizeof table[0]; j++)
        assert_int_equal(look(&r, expire + table[j].after_ms * MS), table[j].want);
      assert_int_equal(look(&r, expire + 800 * MS), -1);
      assert_int_equal(bytes_of(&r), 0); /* and gone */
      close_all(&r);
    }
}

static void due_is_said_once_and_not_of_brief_lives(void **state) {
  static const struct gci_windows windows = {0, 0, 1000, 0};
  struct room r;
  (void)state;
  open_with(&r, &windows);
  put(&r, 3, NOW + 2000 * MS, NULL);
  assert_int_equal(look(&r, NOW + 1999 * MS), GCI_DUE);
  assert_int_equal(look(&r, NOW + 1999 * MS), GCI_FRESH);
  put(&r, 3, NOW + 2000 * MS - 1, NULL);
  assert_int_equal(look(&r, NOW + 1999 * MS), GCI_FRESH);
  put(&r, 3, GCACHE_NEVER, NULL);
  assert_int_equal(look(&r, INT64_MAX), GCI_FRESH);
  close_all(&r);
}

static void only_windows_of_its_own_cost_an_entry_anything(void **state) {
  static const struct gci_windows windows = {300, 800, 1000, 5}, none = {0};
  struct room off, on;
  (void)state;
  open_with(&off, &none);
  open_with(&on, &windows);
  for (int timed = 0; timed < 2; timed++)
    for (size_t len = 0; len < 64; len++) {
      put(&off, len, timed ? NOW + 5000 * MS : GCACHE_NEVER, NULL);
      put(&on, len, timed ? NOW + 5000 * MS : GCACHE_NEVER, NULL);
      assert_int_equal(bytes_of(&on), bytes_of(&off));
      put(&on, len, timed ? NOW + 5000 * MS : GCACHE_NEVER, &none);
      assert_int_equal(bytes_of(&on), gci_mem_cost(32 + 1 + len + (timed ? 24u : 0u) + 16));
    }
  close_all(&on);
  close_all(&off);
}

static void a_value_outlives_its_entry_with_its_windows(void **state) {
  static const struct gci_windows windows = {1, 2, 3, 4}, none = {0};
  (void)state;
  for (int timed = 0; timed < 2; timed++)
    for (size_t i = 0; i < 3; i++) {
      struct room r;
      enum gci_side side;
      open_with(&r, &none);
      put(&r, lens[i], timed ? NOW + 5000 * MS : GCACHE_NEVER, &windows);
      gcache_value_t *value = gcache_value_ref(
          gci_cache_get(r.cache, gcache_cstr("k"), HASH, NOW, &side));
      gci_cache_clear(r.cache);
      assert_memory_equal(gci_value_windows(value), &windows, sizeof windows);
      assert_true(gcache_value_expire(value) == (timed ? NOW + 5000 * MS : GCACHE_NEVER));
      assert_int_equal(gcache_value_bytes(value).len, lens[i]);
      gcache_value_unref(value);
      close_all(&r);
    }
}

static void the_wheel_waits_for_the_end_of_the_windows(void **state) {
  static const struct gci_windows windows = {3000, 2000, 0, 0}, own = {0, 7000, 0, 0};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct room r;
    int64_t end = NOW + 1000 * MS + (i == 0 ? 3000 : 7000) * MS;
    open_with(&r, &windows);
    put(&r, 3, NOW + 1000 * MS, i == 0 ? NULL : &own);
    while (gci_cache_expire(r.cache, end - 1))
      continue;
    assert_true(bytes_of(&r) > 0);
    assert_true(gci_cache_due(r.cache) <= end + 500 * MS);
    while (gci_cache_expire(r.cache, end + 500 * MS))
      continue;
    assert_int_equal(bytes_of(&r), 0);
    close_all(&r);
  }
}

static void windows_that_reach_the_end_of_time_saturate(void **state) {
  static const struct gci_windows windows = {UINT32_MAX, UINT32_MAX, UINT32_MAX, 0};
  struct room r;
  (void)state;
  open_with(&r, &windows);
  put(&r, 3, INT64_MAX - 1, NULL);
  assert_int_equal(look(&r, NOW), GCI_FRESH);
  assert_int_equal(look(&r, INT64_MAX - 1), GCI_STALE);
  put(&r, 3, NOW + 1, NULL);
  assert_int_equal(look(&r, NOW + 1 + UINT32_MAX * MS - 1), GCI_STALE);
  assert_int_equal(look(&r, NOW + 1 + UINT32_MAX * MS), -1);
  close_all(&r);
}

/* With half of the widest and more, twice as much is more than a window's type holds. */
static void the_widest_refresh_ahead_takes_every_value_for_brief(void **state) {
  static const uint32_t widths[] = {UINT32_C(1) << 31, UINT32_C(0x80000001), UINT32_MAX};
  (void)state;
  for (size_t i = 0; i < 3; i++) {
    struct room r;
    struct gci_windows windows = {.refresh_ahead_ms = widths[i]};
    open_with(&r, &windows);
    put(&r, 3, NOW + 1000 * MS, NULL);
    assert_int_equal(look(&r, NOW), GCI_FRESH);
    put(&r, 3, NOW + 2 * (int64_t)widths[i] * MS - 1, NULL);
    assert_int_equal(look(&r, NOW + 2 * (int64_t)widths[i] * MS - MS), GCI_FRESH);
    put(&r, 3, NOW + 2 * (int64_t)widths[i] * MS, NULL);
    assert_int_equal(look(&r, NOW + 2 * (int64_t)widths[i] * MS - MS), GCI_DUE);
    close_all(&r);
  }
}

static void what_stands_in_for_a_failure_is_within_error_ms(void **state) {
  static const struct gci_windows windows = {300, 800, 0, 0}, stale_only = {300, 0, 0, 0};
  struct room r;
  enum gci_side side = GCI_HOT;
  (void)state;
  open_with(&r, &windows);
  put(&r, 3, NOW + 1000 * MS, NULL);
  assert_non_null(gci_cache_spare(r.cache, gcache_cstr("k"), HASH, NOW, &side));
  assert_int_equal(side, GCI_MAIN);
  assert_non_null(gci_cache_spare(r.cache, gcache_cstr("k"), HASH, NOW + 1799 * MS, &side));
  assert_null(gci_cache_spare(r.cache, gcache_cstr("k"), HASH, NOW + 1800 * MS, &side));
  put(&r, 3, NOW + 1000 * MS, &stale_only);
  assert_null(gci_cache_spare(r.cache, gcache_cstr("k"), HASH, NOW, &side));
  close_all(&r);
}

static void an_absence_is_no_value_and_is_replaced_by_one(void **state) {
  static const struct gci_windows windows = {300, 800, 0, 0};
  struct room r;
  enum gci_side side;
  (void)state;
  open_with(&r, &windows);
  gcache_value_t *reason = gci_value_copy(r.mem, gcache_bytes("why", 4), NOW + 1000 * MS);
  gcache_bytes_t key = gcache_cstr("k");
  assert_int_equal(gci_cache_put_absent(r.cache, GCI_HOT, key, HASH, reason, NOW), 0);
  gcache_value_unref(reason);
  struct gci_found found;
  assert_true(gci_cache_look(r.cache, key, HASH, NOW, &found));
  assert_int_equal(found.freshness, GCI_ABSENT);
  assert_int_equal(found.side, GCI_HOT);
  assert_string_equal(gci_value_words(found.value), "why");
  assert_null(gci_cache_get(r.cache, key, HASH, NOW, &side));
  assert_null(gci_cache_spare(r.cache, key, HASH, NOW, &side));
  put(&r, 3, NOW + 1000 * MS, NULL);
  assert_int_equal(look(&r, NOW), GCI_FRESH);
  assert_true(gci_cache_remove(r.cache, key, HASH));
  assert_int_equal(look(&r, NOW), -1);
  close_all(&r);
}

static void a_nearer_expiry_leaves_what_others_hold_alone(void **state) {
  static const struct gci_windows windows = {1, 2, 3, 4};
  struct room r;
  (void)state;
  open_with(&r, &windows);
  gcache_value_t *value = value_of(&r, 100, NOW, &windows);
  assert_ptr_equal(gci_value_until(r.mem, value, NOW - 1), value);
  assert_true(gcache_value_expire(value) == NOW - 1);
  gcache_value_ref(value);
  gcache_value_t *nearer = gci_value_until(r.mem, value, NOW - 2);
  assert_ptr_not_equal(nearer, value);
  assert_true(gcache_value_expire(nearer) == NOW - 2);
  assert_true(gcache_value_expire(value) == NOW - 1);
  assert_ptr_equal(gcache_value_bytes(nearer).base, gcache_value_bytes(value).base);
  assert_memory_equal(gci_value_windows(nearer), &windows, sizeof windows);
  gcache_value_unref(value);
  gcache_value_unref(nearer);
  close_all(&r);
}

static void draw_nearer(struct oom *oom, void *arg) {
  static const struct gci_windows windows = {1, 2, 3, 4};
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  (void)arg;
  if (mem == NULL) return;
  gcache_value_t *value = gci_value_copy(mem, gcache_cstr("v"), NOW);
  if (value != NULL) {
    assert_true(gci_value_set_windows(value, &windows) == 0 || gci_value_windows(value) == NULL);
    assert_true(gcache_value_expire(value) == NOW);
    gcache_value_ref(value);
    gcache_value_t *nearer = gci_value_until(mem, value, NOW - 1);
    gcache_value_unref(nearer != NULL ? nearer : value);
    gcache_value_unref(value);
  }
  gci_mem_unref(mem);
}

static void without_memory_nothing_is_taken(void **state) {
  (void)state;
  assert_true(oom_sweep(draw_nearer, NULL) >= 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_entry_is_good_for_what_its_windows_say),
      cmocka_unit_test(due_is_said_once_and_not_of_brief_lives),
      cmocka_unit_test(only_windows_of_its_own_cost_an_entry_anything),
      cmocka_unit_test(a_value_outlives_its_entry_with_its_windows),
      cmocka_unit_test(the_wheel_waits_for_the_end_of_the_windows),
      cmocka_unit_test(windows_that_reach_the_end_of_time_saturate),
      cmocka_unit_test(the_widest_refresh_ahead_takes_every_value_for_brief),
      cmocka_unit_test(what_stands_in_for_a_failure_is_within_error_ms),
      cmocka_unit_test(an_absence_is_no_value_and_is_replaced_by_one),
      cmocka_unit_test(a_nearer_expiry_leaves_what_others_hold_alone),
      cmocka_unit_test(without_memory_nothing_is_taken),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
