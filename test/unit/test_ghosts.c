/* Unit test of store/ghosts, against a list of which key left when. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "costed.h"
#include "oom.h"
#include "random.h"
#include "store/ghosts.h"

enum { WINDOW = 1000, SHORT_WINDOW = 100 };

struct room {
  struct costed costed;
  struct gci_mem *mem;
  struct gci_ghosts ghosts;
};

static void set_windows(struct gci_ghosts *ghosts) {
  ghosts->windows[GCI_GHOST_TRIAL] = ghosts->windows[GCI_GHOST_KNOWN] = WINDOW;
  ghosts->windows[GCI_GHOST_PROVEN] = SHORT_WINDOW;
}

static int open_room(void **state) {
  static struct room room;
  room.mem = costed_mem(&room.costed);
  gci_ghosts_init(&room.ghosts, room.mem);
  set_windows(&room.ghosts);
  *state = &room;
  return 0;
}

static int close_room(void **state) {
  struct room *room = *state;
  gci_ghosts_fini(&room->ghosts);
  assert_int_equal(room->ghosts.bytes, 0);
  assert_int_equal(room->mem->bytes, 0);
  gci_mem_unref(room->mem);
  return 0;
}

static void grow_to(struct room *room, size_t keys) {
  while (gci_ghosts_room(&room->ghosts) < keys)
    gci_ghosts_grow(&room->ghosts);
}

static enum gci_ghost_kind recall(struct room *room, uint32_t hash) {
  uint32_t age;
  return gci_ghosts_recall(&room->ghosts, hash, &age);
}

static void without_a_page_nothing_is_remembered(void **state) {
  struct room *room = *state;
  gci_ghosts_remember(&room->ghosts, 7, GCI_GHOST_TRIAL);
  assert_int_equal(recall(room, 7), GCI_GHOST_NONE);
  assert_int_equal(room->mem->blocks, 0);
}

static void what_is_recalled_is_forgotten(void **state) {
  struct room *room = *state;
  uint32_t age = 99;
  grow_to(room, 1);
  room->ghosts.now[GCI_GHOST_PROVEN] = 50;
  gci_ghosts_remember(&room->ghosts, 7, GCI_GHOST_PROVEN);
  room->ghosts.now[GCI_GHOST_PROVEN] = 93;
  assert_int_equal(gci_ghosts_recall(&room->ghosts, 7, &age), GCI_GHOST_PROVEN);
  assert_int_equal(age, 43);
  assert_int_equal(recall(room, 7), GCI_GHOST_NONE);
}

static void each_kind_is_remembered_for_its_own_window_of_its_own_time(void **state) {
  struct room *room = *state;
  grow_to(room, 1);
  gci_ghosts_remember(&room->ghosts, 1, GCI_GHOST_TRIAL);
  gci_ghosts_remember(&room->ghosts, 2, GCI_GHOST_TRIAL);
  gci_ghosts_remember(&room->ghosts, 3, GCI_GHOST_PROVEN);
  gci_ghosts_remember(&room->ghosts, 4, GCI_GHOST_PROVEN);
  room->ghosts.now[GCI_GHOST_TRIAL] += WINDOW;
  room->ghosts.now[GCI_GHOST_PROVEN] += SHORT_WINDOW;
  assert_int_equal(recall(room, 1), GCI_GHOST_TRIAL);
  assert_int_equal(recall(room, 3), GCI_GHOST_PROVEN);
  room->ghosts.now[GCI_GHOST_TRIAL] += 2;
  room->ghosts.now[GCI_GHOST_PROVEN] += 1;
  assert_int_equal(recall(room, 2), GCI_GHOST_NONE);
  assert_int_equal(recall(room, 4), GCI_GHOST_NONE);
}

/* Hashes of keys that were never remembered; one in some thousand may be mistaken. */
static void strangers_are_seldom_taken_for_ghosts(void **state) {
  struct room *room = *state;
  struct random r = {1};
  size_t mistaken = 0;
  grow_to(room, 20000);
  for (int i = 0; i < 16000; i++)
    gci_ghosts_remember(&room->ghosts, (uint32_t)random_u64(&r), GCI_GHOST_TRIAL);
  for (int i = 0; i < 100000; i++)
    mistaken += recall(room, (uint32_t)random_u64(&r)) != GCI_GHOST_NONE;
  assert_true(mistaken < 100);
}

/* As many as there are cells, which not all buckets have room for. */
static void a_full_bucket_loses_the_oldest(void **state) {
  struct room *room = *state;
  size_t kept = 0, kept_late = 0, n = 16384;
  struct random r = {2}, again = {2};
  grow_to(room, n);
  room->ghosts.windows[GCI_GHOST_TRIAL] = GCI_GHOST_MAX_TICKS;
  for (size_t i = 0; i < n; i++) {
    room->ghosts.now[GCI_GHOST_TRIAL] = (uint32_t)(i / 4);
    gci_ghosts_remember(&room->ghosts, (uint32_t)random_u64(&r), GCI_GHOST_TRIAL);
  }
  for (size_t i = 0; i < n; i++) {
    int found = recall(room, (uint32_t)random_u64(&again)) == GCI_GHOST_TRIAL;
    kept += (unsigned)found;
    kept_late += found && i >= n / 2;
  }
  assert_true(kept > n * 85 / 100);
  assert_true(kept_late > n / 2 * 98 / 100);
}

static void what_was_remembered_before_a_page_came_is_still_found(void **state) {
  struct room *room = *state;
  enum { N = 100 };
  for (size_t pages = 1; pages < 70; pages++) {
    gci_ghosts_grow(&room->ghosts);
    for (uint32_t i = 0; i < 2; i++)
      gci_ghosts_remember(&room->ghosts, (uint32_t)pages * 2654435761u + i * 40503u,
                          GCI_GHOST_TRIAL);
  }
  size_t found = 0;
  for (size_t pages = 1; pages < 70; pages++) {
    for (uint32_t i = 0; i < 2; i++)
      found += recall(room, (uint32_t)pages * 2654435761u + i * 40503u) == GCI_GHOST_TRIAL;
  }
  assert_int_equal(found, 2 * 69);
}

static void its_bytes_are_the_allocators_and_growth_is_told(void **state) {
  struct room *room = *state;
  size_t exact = 0; /* how often it was as much as was told */
  for (int i = 0; i < 200; i++) {
    size_t before = room->costed.now, growth = gci_ghosts_growth(&room->ghosts);
    room->costed.most = before;
    gci_ghosts_grow(&room->ghosts);
    assert_true(room->costed.most - before <= growth);
    exact += room->costed.most - before == growth;
    assert_int_equal(room->costed.now, room->ghosts.bytes);
  }
  assert_true(exact > 180);
  assert_true(room->ghosts.bytes < gci_ghosts_room(&room->ghosts) * 5);
  for (int i = 0; i < 201; i++) {
    gci_ghosts_shrink(&room->ghosts);
    assert_int_equal(room->costed.now, room->ghosts.bytes);
  }
  assert_int_equal(room->ghosts.bytes, 0);
}

static void grow_and_use(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct gci_ghosts ghosts;
  uint32_t age;
  (void)arg;
  if (mem == NULL) return;
  gci_ghosts_init(&ghosts, mem);
  set_windows(&ghosts);
  for (uint32_t i = 0; i < 20; i++) {
    gci_ghosts_grow(&ghosts);
    gci_ghosts_remember(&ghosts, i, GCI_GHOST_TRIAL);
    int found = gci_ghosts_recall(&ghosts, i, &age) == GCI_GHOST_TRIAL;
    assert_int_equal(found, gci_ghosts_room(&ghosts) > 0);
  }
  gci_ghosts_fini(&ghosts);
  assert_int_equal(mem->bytes, 0);
  gci_mem_unref(mem);
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_sweep(grow_and_use, NULL) > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(without_a_page_nothing_is_remembered, open_room, close_room),
      cmocka_unit_test_setup_teardown(what_is_recalled_is_forgotten, open_room, close_room),
      cmocka_unit_test_setup_teardown(each_kind_is_remembered_for_its_own_window_of_its_own_time,
                                      open_room, close_room),
      cmocka_unit_test_setup_teardown(strangers_are_seldom_taken_for_ghosts, open_room, close_room),
      cmocka_unit_test_setup_teardown(a_full_bucket_loses_the_oldest, open_room, close_room),
      cmocka_unit_test_setup_teardown(what_was_remembered_before_a_page_came_is_still_found,
                                      open_room, close_room),
      cmocka_unit_test_setup_teardown(its_bytes_are_the_allocators_and_growth_is_told, open_room,
                                      close_room),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
