/* narrow_stories - stories of a group with room for one getter at a time and for three waiting
 * loads. */
#ifndef TEST_NARROW_STORIES_H
#define TEST_NARROW_STORIES_H

/* Joined in the queue, left there, shed, removed, and let in one after the other. */
static inline void story_of_a_narrow_gate(struct story *s) {
  story_get(s, "k0", 500);
  story_turn(s);
  struct probe *first = story_get(s, "k1", 500);
  story_get(s, "k2", 50);
  story_get(s, "k3", 500);
  story_get(s, "k4", 500); /* too many */
  story_turn(s);
  story_get(s, "k3", 500);
  story_change(s, GCACHE_OP_REMOVE, "k3", 100);
  story_get(s, "k3", 500);
  story_turn(s);
  story_pass(s, 50);
  story_cancel(s, first);
  story_turn(s);
  for (int i = 0; i < 4; i++) {
    story_loads_end(s, i == 1 ? UV_EIO : 0, 0);
    story_turn(s);
    story_turn(s);
  }
}

/* The same of what peers ask, and cleared in between. */
static inline void story_of_answers_behind_a_gate(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3", "k4", "k0"};
  for (int i = 0; i < 6; i++)
    story_answer(s, GCACHE_OP_GET, keys[i]);
  story_turn(s);
  story_answer(s, GCACHE_OP_CLEAR, "");
  story_answer(s, GCACHE_OP_SET, "k1");
  for (int i = 0; i < 6; i++) {
    story_loads_end(s, 0, 1000);
    story_turn(s);
  }
}

#endif
