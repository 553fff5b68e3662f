/* The core without memory: every story with its n-th allocation failing, and with all from the n-th
 * on, for every n until none fails. */
#include "core_stories.h"

static struct story s;

/* How many allocations were refused. */
static size_t run(size_t story, size_t n, int all_that_follow) {
  memset(&s, 0, sizeof s);
  s.close_after = STORY_NEVER;
  s.is_fresh = stories[story].is_fresh;
  s.is_narrow = stories[story].is_narrow;
  room_init(&s.r);
  if (all_that_follow)
    oom_fail_from(&s.r.oom, n);
  else
    oom_fail_nth(&s.r.oom, n);
  if (story_begin(&s) == 0) {
    stories[story].tell(&s);
    story_end(&s);
  }
  oom_assert_empty(&s.r.oom);
  return s.r.oom.refused;
}

static void every_allocation_may_fail_once_and_from_then_on(void **state) {
  (void)state;
  for (size_t story = 0; story < N_STORIES; story++) {
    size_t n = 0, refused;
    do {
      n++;
      refused = run(story, n, 0) + run(story, n, 1);
    } while (refused > 0);
    print_message("%s: %zu allocations\n", stories[story].name, n - 1);
    assert_true(n > 8);
  }
}

static void plain_stories_end_well(void **state) {
  (void)state;
  for (size_t story = 0; story < N_STORIES; story++) {
    assert_int_equal(run(story, SIZE_MAX / 2, 0), 0);
    assert_true(s.n_gets + s.n_batches + s.n_changes + s.n_answers > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_stories_end_well),
      cmocka_unit_test(every_allocation_may_fail_once_and_from_then_on),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
