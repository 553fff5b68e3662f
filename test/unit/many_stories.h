/* many_stories - core_stories of gets and removals of many keys. Part of core_stories.h. */
#ifndef TEST_MANY_STORIES_H
#define TEST_MANY_STORIES_H

static inline struct batch *story_get_many(struct story *s, const char *const keys[], size_t n,
                                           uint64_t timeout_ms, enum batch_mode mode) {
  struct batch *b = &s->batches[s->n_batches];
  if (!story_has_group(s)) return b;
  assert_true(s->n_batches < STORY_BATCHES_MAX);
  int rc = room_get_many(&s->r, b, keys, n, timeout_ms, mode);
  story_allows(rc);
  s->begun_batches[s->n_batches++] = rc == 0;
  story_step(s);
  return b;
}

static inline void story_remove_many(struct story *s, const char *const keys[], size_t n,
                                     uint64_t timeout_ms) {
  struct change_probe *p = &s->changes[s->n_changes];
  if (!story_has_group(s)) return;
  assert_true(s->n_changes < STORY_REQS_MAX);
  int rc = room_remove_many(&s->r, p, keys, n, timeout_ms);
  story_allows(rc);
  s->begun_changes[s->n_changes++] = rc == 0;
  story_step(s);
}

static inline void story_check_batches(const struct story *s) {
  for (size_t i = 0; i < s->n_batches; i++) {
    const struct batch *b = &s->batches[i];
    assert_int_equal(b->runs, s->begun_batches[i]);
    for (size_t k = 0; k < b->n && b->runs > 0; k++) {
      assert_int_equal(b->results[k].runs, 1);
      assert_true(story_is_lawful(b->results[k].status));
    }
  }
}

static inline void story_of_many(struct story *s) {
  const char *const keys[] = {"k0", "k1", "k2", "k3", "k4", "k0"};
  story_list(s, 3);
  for (int round = 0; round < 2; round++) {
    story_get_many(s, keys, 6, 100, BATCH_HELD);
    story_get_many(s, keys, 6, 100, BATCH_EACH);
    story_turn(s);
    story_calls_end(s, round == 0 ? 0 : UV_ECONNRESET);
    story_turn(s);
    story_loads_end(s, round == 0 ? 0 : GCACHE_ENOTFOUND, 1500);
    story_turn(s);
    story_get_many(s, keys, 6, 100, BATCH_HELD);
    story_turn(s);
    story_pass(s, 1500);
  }
}

/* Some in memory, some out of time, some expire while the others wait. */
static inline void story_of_many_that_wait(struct story *s) {
  const char *const keys[] = {"k0", "k1", "k2", "k3"};
  story_get(s, "k0", 100);
  story_get(s, "k1", 100);
  story_turn(s);
  story_loads_end(s, 0, 400);
  story_turn(s);
  struct batch *held = story_get_many(s, keys, 3, 3000, BATCH_HELD);
  struct batch *each = story_get_many(s, keys, 4, 300, BATCH_EACH);
  story_turn(s);
  if (each->req != NULL) room_cancel_one(&s->r, each, 0);
  story_step(s);
  story_pass(s, 500);
  story_loads_end(s, 0, 1000);
  story_turn(s);
  story_loads_end(s, 0, 1000);
  story_turn(s);
  held = story_get_many(s, keys, 4, 3000, BATCH_HELD);
  story_turn(s);
  if (held->req != NULL) room_cancel_many(&s->r, held);
  story_step(s);
  story_turn(s);
}

static inline void story_of_removals(struct story *s) {
  const char *const keys[] = {"k0", "k1", "k2", "k3", "k4", "k0"};
  for (size_t members = 0; members <= 3; members += 3) {
    story_list(s, members);
    story_get_many(s, keys, 6, 100, BATCH_EACH);
    story_turn(s);
    story_remove_many(s, keys, 6, 100);
    story_turn(s);
    story_calls_end(s, 0);
    story_loads_end(s, 0, 0);
    story_turn(s);
    story_calls_end(s, members == 3 ? UV_ECONNREFUSED : 0);
    story_turn(s);
    story_calls_end(s, 0);
    story_turn(s);
    story_calls_end(s, 0);
    story_turn(s);
  }
}

static inline void story_of_removals_out_of_time(struct story *s) {
  const char *const keys[] = {"k0", "k1", "k2", "k3", "k4"};
  story_list(s, 3);
  story_remove_many(s, keys, 5, 50);
  story_turn(s);
  story_pass(s, 50);
  story_calls_end(s, 0); /* late */
  story_turn(s);
  story_remove_many(s, keys, 5, 50);
  story_turn(s);
  if (s->n_changes > 0 && s->changes[s->n_changes - 1].room != NULL)
    room_cancel_change(&s->r, &s->changes[s->n_changes - 1]);
  story_step(s);
  story_turn(s);
}

#endif
