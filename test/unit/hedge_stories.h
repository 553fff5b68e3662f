/* hedge_stories - stories of a member whose owners are late, so that hedged requests go to next
 * owners. */
#ifndef TEST_HEDGE_STORIES_H
#define TEST_HEDGE_STORIES_H

/* As if every peer had answered often enough, each time at once. */
static inline void story_hedges(struct story *s) {
  s->r.core.health.terms.set.hedge_percentile = 90;
  s->r.core.health.terms.samples_min = 2;
  for (size_t i = 0; i < s->r.core.peers.n; i++)
    s->r.core.peers.list[i]->late_ms = 5;
}

/* Those that were asked last, first. */
static inline void story_last_calls_end(struct story *s, size_t n, int status) {
  for (; n > 0 && s->r.n_calls > 0; n--) {
    gcache_call_t *call = s->r.calls[s->r.n_calls - 1];
    int is_get = gcache_call_op(call) == GCACHE_OP_GET;
    room_call_done(&s->r, call, status, is_get && status == 0 ? "fetched" : NULL, "a reason");
    story_step(s);
  }
}

static inline void story_ask_eight(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};
  for (int i = 0; i < 8; i++)
    story_get(s, keys[i], 100);
  story_turn(s);
}

/* Seconds that win, lose, fail and are given up; some come later, some leave. */
static inline void story_of_second_questions(struct story *s) {
  story_list(s, 3);
  story_hedges(s);
  story_ask_eight(s);
  story_pass(s, 5);
  story_get(s, "k0", 100);
  struct probe *leaves = story_get(s, "k1", 100);
  story_last_calls_end(s, 2, 0);
  story_last_calls_end(s, 1, GCACHE_ELOAD);
  story_turn(s);
  story_pass(s, 5);
  story_cancel(s, leaves);
  story_change(s, GCACHE_OP_REMOVE, "k2", 100);
  story_get(s, "k2", 100);
  story_turn(s);
  story_calls_end(s, 0);
  story_turn(s);
  story_calls_end(s, UV_ECANCELED);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

/* First the owners fail, then the others, or do not; and nobody waits any more. */
static inline void story_of_second_questions_that_fail(struct story *s) {
  story_list(s, 3);
  story_hedges(s);
  for (int status = 0; status < 2; status++) {
    story_ask_eight(s);
    story_pass(s, 5);
    size_t n = s->r.n_calls / 2;
    for (; n > 0; n--) {
      room_call_answer(&s->r, GCACHE_EPEER, NULL);
      story_step(s);
    }
    story_turn(s);
    story_last_calls_end(s, 2, status == 0 ? GCACHE_EPEER : UV_ECONNREFUSED);
    story_turn(s);
    story_loads_end(s, 0, 0);
    story_pass(s, status == 0 ? 10 : 100);
    story_calls_end(s, UV_ECANCELED);
    story_turn(s);
  }
}

#endif
