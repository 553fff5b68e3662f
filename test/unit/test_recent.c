/* Unit test of core/recent, against a list of all changes made. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/recent.h"
#include "oom.h"
#include "random.h"

struct room {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_recent recent;
};

static void open_room(struct room *r, uint64_t now_ms) {
  oom_init(&r->oom);
  gcache_mem_t user = oom_mem(&r->oom);
  r->mem = gci_mem_new(&user);
  gci_recent_init(&r->recent, r->mem, now_ms);
}

static void close_room(struct room *r) {
  gci_recent_fini(&r->recent);
  gci_mem_unref(r->mem);
  oom_assert_empty(&r->oom);
}

/* Hashes as spread as those of keys are; the i-th. */
static uint64_t hash_of(uint64_t i) {
  struct random r = {i};
  return random_u64(&r);
}

static void nothing_takes_memory_before_the_first_change(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100);
  assert_int_equal(r.mem->bytes, 0);
  assert_false(gci_recent_has(&r.recent, hash_of(1)));
  close_room(&r);
}

static void what_was_before_it_was_opened_is_not_known(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100);
  assert_false(gci_recent_knows_since(&r.recent, 100));
  assert_true(gci_recent_knows_since(&r.recent, 101));
  assert_true(r.recent.is_whole);
  close_room(&r);
}

static void the_latest_changes_are_known_and_the_time_of_the_last_forgotten(void **state) {
  enum { N = 3 * GCI_RECENT_MAX + 17 };
  struct room r;
  (void)state;
  open_room(&r, 1);
  for (uint64_t i = 0; i < N; i++) {
    gci_recent_changed(&r.recent, hash_of(i), 1000 + i);
    uint64_t forgotten = i < GCI_RECENT_MAX ? 0 : i - GCI_RECENT_MAX + 1; /* of them */
    uint64_t last_ms = forgotten == 0 ? 1 : 1000 + forgotten - 1;
    assert_false(gci_recent_knows_since(&r.recent, last_ms));
    assert_true(gci_recent_knows_since(&r.recent, last_ms + 1));
    assert_int_equal(r.recent.is_whole, forgotten == 0);
    if (i % 97 != 0) continue;
    assert_true(gci_recent_has(&r.recent, hash_of(i)));
    assert_true(gci_recent_has(&r.recent, hash_of(forgotten)));
    assert_false(gci_recent_has(&r.recent, hash_of(i + 1)));
    if (forgotten > 0) assert_false(gci_recent_has(&r.recent, hash_of(forgotten - 1)));
  }
  assert_true(r.mem->bytes <= 8 * GCI_RECENT_MAX);
  close_room(&r);
}

static void times_beyond_49_days_do_not_confuse_it(void **state) {
  const uint64_t start_ms = (UINT64_C(5) << 32) - 2000;
  struct room r;
  (void)state;
  open_room(&r, 1);
  for (uint64_t i = 0; i < GCI_RECENT_MAX + 3000; i++)
    gci_recent_changed(&r.recent, hash_of(i), start_ms + i);
  assert_false(gci_recent_knows_since(&r.recent, start_ms + 2999));
  assert_true(gci_recent_knows_since(&r.recent, start_ms + 3000));
  close_room(&r);
}

static void a_clear_forgets_what_was_before_it(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 1);
  gci_recent_changed(&r.recent, hash_of(1), 50);
  gci_recent_changed_all(&r.recent, 60);
  assert_false(gci_recent_knows_since(&r.recent, 60));
  assert_true(gci_recent_knows_since(&r.recent, 61));
  assert_false(r.recent.is_whole);
  close_room(&r);
}

static void a_change_without_memory_counts_as_forgotten(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 1);
  oom_fail_from(&r.oom, 1);
  gci_recent_changed(&r.recent, hash_of(1), 50);
  assert_false(gci_recent_knows_since(&r.recent, 50));
  assert_false(r.recent.is_whole);
  oom_heal(&r.oom);
  gci_recent_changed(&r.recent, hash_of(2), 60);
  assert_true(gci_recent_has(&r.recent, hash_of(2)));
  assert_true(gci_recent_knows_since(&r.recent, 51));
  close_room(&r);
}

/* It goes on with the room it has. */
static void a_ring_that_cannot_grow_forgets_the_oldest(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 1);
  gci_recent_changed(&r.recent, hash_of(0), 100);
  size_t room = r.recent.room;
  oom_fail_from(&r.oom, 1);
  for (uint64_t i = 1; i <= room; i++)
    gci_recent_changed(&r.recent, hash_of(i), 100 + i);
  assert_false(gci_recent_has(&r.recent, hash_of(0)));
  assert_true(gci_recent_has(&r.recent, hash_of(1)));
  assert_false(gci_recent_knows_since(&r.recent, 100));
  assert_true(gci_recent_knows_since(&r.recent, 101));
  close_room(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_takes_memory_before_the_first_change),
      cmocka_unit_test(what_was_before_it_was_opened_is_not_known),
      cmocka_unit_test(the_latest_changes_are_known_and_the_time_of_the_last_forgotten),
      cmocka_unit_test(times_beyond_49_days_do_not_confuse_it),
      cmocka_unit_test(a_clear_forgets_what_was_before_it),
      cmocka_unit_test(a_change_without_memory_counts_as_forgotten),
      cmocka_unit_test(a_ring_that_cannot_grow_forgets_the_oldest),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
