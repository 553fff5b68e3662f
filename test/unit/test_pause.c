/* Unit test of core/pause: pauses against the bounds that its header states. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pause.h"
#include "oom.h"

struct room {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_pauses pauses;
};

static void open_room(struct room *r) {
  oom_init(&r->oom);
  gcache_mem_t user = oom_mem(&r->oom);
  user.data = &r->oom;
  r->mem = gci_mem_new(&user);
  gci_pauses_init(&r->pauses, r->mem);
}

static void close_room(struct room *r) {
  gci_pauses_fini(&r->pauses);
  gci_mem_unref(r->mem);
  oom_assert_empty(&r->oom);
}

/* How long a pause that began at now_ms lasts. */
static uint64_t length_ms(const struct room *r, uint64_t hash, uint64_t now_ms) {
  uint64_t ms = 0;
  while (gci_pauses_state(&r->pauses, hash, now_ms + ms) == GCI_PAUSE_OWN)
    ms++;
  return ms;
}

static void pauses_double_up_to_a_bound_and_begin_anew_after_a_success(void **state) {
  static const uint64_t most_ms[] = {1000, 2000, 4000, 8000, 8000, 8000};
  struct room r;
  uint64_t now_ms = 5;
  (void)state;
  open_room(&r);
  assert_int_equal(gci_pauses_state(&r.pauses, 7, now_ms), GCI_PAUSE_NONE);
  for (int i = 0; i < 6; i++) {
    gci_pauses_failed(&r.pauses, 7, now_ms);
    uint64_t ms = length_ms(&r, 7, now_ms);
    assert_in_range(ms, most_ms[i] / 2, most_ms[i]);
    assert_int_equal(gci_pauses_state(&r.pauses, 8, now_ms), GCI_PAUSE_NONE);
    now_ms += ms;
  }
  gci_pauses_failed(&r.pauses, 7, now_ms);
  gci_pauses_succeeded(&r.pauses, 8);
  assert_int_equal(gci_pauses_state(&r.pauses, 7, now_ms), GCI_PAUSE_OWN);
  gci_pauses_succeeded(&r.pauses, 7);
  assert_int_equal(gci_pauses_state(&r.pauses, 7, now_ms), GCI_PAUSE_NONE);
  gci_pauses_failed(&r.pauses, 7, now_ms);
  assert_in_range(length_ms(&r, 7, now_ms), 500, 1000);
  close_room(&r);
}

static void keys_that_fail_together_do_not_come_back_together(void **state) {
  struct room r;
  uint64_t least = UINT64_MAX, most = 0;
  (void)state;
  open_room(&r);
  for (uint64_t key = 1; key <= 100; key++)
    gci_pauses_failed(&r.pauses, key * UINT64_C(0x9e3779b97f4a7c15), 0);
  for (uint64_t key = 1; key <= 100; key++) {
    uint64_t ms = length_ms(&r, key * UINT64_C(0x9e3779b97f4a7c15), 0);
    if (ms < least) least = ms;
    if (ms > most) most = ms;
  }
  assert_true(most - least > 300);
  close_room(&r);
}

/* All keys of one set. */
static void where_too_many_fail_the_rest_shares_until_one_is_over(void **state) {
  struct room r;
  uint64_t first_over = UINT64_MAX;
  (void)state;
  open_room(&r);
  for (uint64_t i = 0; i < 6; i++)
    gci_pauses_failed(&r.pauses, i << 32, 0);
  for (uint64_t i = 0; i < 4; i++) {
    uint64_t ms = length_ms(&r, i << 32, 0);
    assert_true(ms >= 500);
    if (ms < first_over) first_over = ms;
  }
  assert_int_equal(gci_pauses_state(&r.pauses, UINT64_C(5) << 32, first_over - 1),
                   GCI_PAUSE_SHARED);
  assert_int_equal(gci_pauses_state(&r.pauses, UINT64_C(5) << 32, first_over), GCI_PAUSE_NONE);
  gci_pauses_failed(&r.pauses, UINT64_C(5) << 32, first_over);
  assert_int_equal(gci_pauses_state(&r.pauses, UINT64_C(5) << 32, first_over), GCI_PAUSE_OWN);
  close_room(&r);
}

static void without_memory_nothing_pauses(void **state) {
  struct room r;
  (void)state;
  open_room(&r);
  oom_fail_from(&r.oom, 1);
  gci_pauses_failed(&r.pauses, 7, 0);
  assert_int_equal(gci_pauses_state(&r.pauses, 7, 0), GCI_PAUSE_NONE);
  gci_pauses_succeeded(&r.pauses, 7);
  oom_heal(&r.oom);
  close_room(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pauses_double_up_to_a_bound_and_begin_anew_after_a_success),
      cmocka_unit_test(keys_that_fail_together_do_not_come_back_together),
      cmocka_unit_test(where_too_many_fail_the_rest_shares_until_one_is_over),
      cmocka_unit_test(without_memory_nothing_pauses),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
