/* Closing at any point: every story with its group, or its cache, closed after each of its steps.
 * Whatever began ends once, whatever is owed is waited for, nothing is left. */
#include "core_stories.h"

static struct story s;

/* How many steps the story had. */
static int run(size_t story, int close_after, enum story_close close) {
  memset(&s, 0, sizeof s);
  s.close_after = close_after;
  s.close = close;
  s.is_fresh = stories[story].is_fresh;
  s.is_narrow = stories[story].is_narrow;
  room_init(&s.r);
  assert_int_equal(story_begin(&s), 0);
  stories[story].tell(&s);
  int steps = s.steps;
  story_end(&s);
  assert_int_equal(s.r.groups_closed, close == STORY_CLOSE_GROUP && close_after < steps);
  return steps;
}

static void sweep(enum story_close close) {
  for (size_t story = 0; story < N_STORIES; story++) {
    int k = 0, steps;
    do {
      steps = run(story, k, close);
      k++;
    } while (k <= steps);
    print_message("%s: %d steps\n", stories[story].name, steps);
    assert_true(steps > 4);
  }
}

static void group_may_be_closed_after_every_step(void **state) {
  (void)state;
  sweep(STORY_CLOSE_GROUP);
}

static void cache_may_be_closed_after_every_step(void **state) {
  (void)state;
  sweep(STORY_CLOSE_CORE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(group_may_be_closed_after_every_step),
      cmocka_unit_test(cache_may_be_closed_after_every_step),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
