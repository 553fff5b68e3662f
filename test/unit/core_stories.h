/* core_stories - stories of a member, as functions that hold whatever fails meanwhile: the same
 * code runs plain, with failing allocations, and with a close after any of its steps.
 *
 * Anything may be refused to a story, and it may lose its group. Requests that were not refused
 * must end exactly once with a valid status: story_end() checks that, and that nothing is left. */
#ifndef TEST_CORE_STORIES_H
#define TEST_CORE_STORIES_H

#include "core_room.h"
#include "many_room.h"

enum { STORY_REQS_MAX = 32, STORY_BATCHES_MAX = 8, STORY_NEVER = -1 };

enum story_close { STORY_CLOSE_GROUP, STORY_CLOSE_CORE };

struct story {
  struct room r;
  int steps, close_after; /* how many; after which one all is closed */
  int is_fresh;           /* the group is asked to be, in every way; before story_begin() */
  int is_narrow;          /* few getters of it may run, and wait; likewise */
  enum story_close close;
  size_t n_gets, n_changes, n_answers;
  struct probe gets[STORY_REQS_MAX];
  struct change_probe changes[STORY_REQS_MAX];
  struct answer_probe answers[STORY_REQS_MAX];
  size_t n_batches;
  struct batch batches[STORY_BATCHES_MAX];
  int begun_batches[STORY_BATCHES_MAX];
  int begun_gets[STORY_REQS_MAX], begun_changes[STORY_REQS_MAX], begun_answers[STORY_REQS_MAX];
};

static inline void story_step(struct story *s) {
  if (s->steps++ != s->close_after) return;
  if (s->close == STORY_CLOSE_CORE) {
    room_begin_close(&s->r);
  } else if (s->r.group != NULL) {
    s->r.depth++;
    gcache_group_close(s->r.group, room_on_group_closed, &s->r);
    s->r.depth--;
  }
}

static inline void story_turn(struct story *s) {
  room_turn(&s->r);
  story_step(s);
}

static inline void story_pass(struct story *s, uint64_t ms) {
  room_advance(&s->r, ms);
  story_step(s);
}

/* Nonzero: it may be asked. The callback of the close says when not. */
static inline int story_has_group(const struct story *s) {
  return s->r.group != NULL && s->r.groups_closed == 0 && s->r.cores_closed == 0;
}

static inline void story_allows(int rc) {
  if (rc != 0 && rc != UV_ENOMEM && rc != GCACHE_ECLOSING && rc != GCACHE_ENOGROUP)
    fail_msg("refused with %d", rc);
}

static inline struct probe *story_get(struct story *s, const char *key, uint64_t timeout_ms) {
  struct probe *p = &s->gets[s->n_gets];
  if (!story_has_group(s)) return p;
  assert_true(s->n_gets < STORY_REQS_MAX);
  int rc = room_get(&s->r, p, key, timeout_ms);
  story_allows(rc);
  s->begun_gets[s->n_gets++] = rc == 0;
  story_step(s);
  return p;
}

static inline void story_cancel(struct story *s, struct probe *p) {
  if (p->room != NULL && p->runs == 0) room_cancel(&s->r, p);
  story_step(s);
}

static inline void story_change(struct story *s, gcache_op_t op, const char *key,
                                uint64_t timeout_ms) {
  struct change_probe *p = &s->changes[s->n_changes];
  if (!story_has_group(s)) return;
  assert_true(s->n_changes < STORY_REQS_MAX);
  int rc = op == GCACHE_OP_SET      ? room_set(&s->r, p, key, "set", timeout_ms)
           : op == GCACHE_OP_REMOVE ? room_remove(&s->r, p, key, timeout_ms)
                                    : room_clear(&s->r, p, timeout_ms);
  story_allows(rc);
  s->begun_changes[s->n_changes++] = rc == 0;
  story_step(s);
}

static inline void story_answer(struct story *s, gcache_op_t op, const char *key) {
  struct answer_probe *p = &s->answers[s->n_answers];
  if (!story_has_group(s)) return;
  assert_true(s->n_answers < STORY_REQS_MAX);
  int rc = room_answer(&s->r, p, op, key, op == GCACHE_OP_SET ? "set by a peer" : NULL);
  story_allows(rc);
  s->begun_answers[s->n_answers++] = rc == 0;
  story_step(s);
}

/* All that are owed now; status 0: with a value that lives ttl_ms. */
static inline void story_loads_end(struct story *s, int status, uint64_t ttl_ms) {
  for (size_t n = s->r.n_loads; n > 0; n--) {
    if (status == 0)
      room_load_done(&s->r, s->r.loads[0], "loaded", ttl_ms);
    else
      room_load_fail(&s->r, s->r.loads[0], status, "a reason");
    story_step(s);
  }
}

static inline void story_calls_end(struct story *s, int status) {
  for (size_t n = s->r.n_calls; n > 0; n--) {
    int is_get = gcache_call_op(s->r.calls[0]) == GCACHE_OP_GET;
    room_call_done(&s->r, s->r.calls[0], status, is_get && status == 0 ? "fetched" : NULL,
                   "a reason");
    story_step(s);
  }
}

static inline void story_list(struct story *s, size_t n) {
  const char *const urls[] = {ROOM_SELF, ROOM_B, ROOM_C};
  if (s->r.cores_closed == 0) story_allows(room_set_peers(&s->r, urls, n));
  story_step(s);
}

/* ------------------------------------------------------------------------------ the end ---- */

static inline int story_is_lawful(int status) {
  return status == 0 || status == GCACHE_ENOTFOUND || status == GCACHE_ELOAD ||
         status == UV_ETIMEDOUT || status == UV_ECANCELED || status == UV_ENOMEM;
}

static inline int story_allows_end(const struct story *s, int status) {
  return story_is_lawful(status) || (s->is_narrow && status == GCACHE_EBUSY);
}

static inline void story_check_batches(const struct story *s);

static inline void story_check_ends(const struct story *s) {
  story_check_batches(s);
  for (size_t i = 0; i < s->n_gets; i++) {
    assert_int_equal(s->gets[i].runs, s->begun_gets[i]);
    assert_true(story_allows_end(s, s->gets[i].status));
  }
  for (size_t i = 0; i < s->n_changes; i++) {
    const struct change_probe *p = &s->changes[i];
    assert_int_equal(p->runs, s->begun_changes[i]);
    assert_true(p->status == 0 || p->status == GCACHE_EPARTIAL || p->status == UV_ECANCELED);
    assert_true(p->runs == 0 || p->n > 0);
    for (size_t j = 0; j < p->n && p->status == 0; j++)
      assert_int_equal(p->members[j].status, 0);
  }
  for (size_t i = 0; i < s->n_answers; i++) {
    assert_int_equal(s->answers[i].runs, s->begun_answers[i]);
    assert_true(story_allows_end(s, s->answers[i].status) ||
                s->answers[i].status == GCACHE_ENOROOM);
  }
}

/* Memory is there again: whatever was refused, the member must work as before. */
static inline void story_check_works(struct story *s) {
  struct probe p = {0};
  oom_heal(&s->r.oom);
  if (s->r.group == NULL || s->r.core.closing) return;
  assert_int_equal(room_get(&s->r, &p, "one more", 0), 0);
  room_settle(&s->r);
  assert_int_equal(p.status, 0);
  assert_int_equal(room_stats(&s->r).waiting, 0);
  assert_int_equal(room_stats(&s->r).loading, 0);
}

static inline void story_end(struct story *s) {
  s->r.getter = NULL;
  s->r.start = NULL;
  if (s->close_after == STORY_NEVER) {
    room_settle(&s->r);
    story_check_works(s);
  }
  room_close(&s->r);
  story_check_ends(s);
}

/* ------------------------------------------------------------------------------ stories ---- */

static inline void story_of_loads(struct story *s) {
  for (int i = 0; i < 6; i++)
    story_get(s, i % 2 == 0 ? "k0" : "k1", i == 5 ? GCACHE_NO_TIMEOUT : 100);
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_get(s, "k0", 100);
  story_turn(s);
  story_turn(s);
}

static inline void story_of_fetches(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3", "k4", "k5", "k0", "k1"};
  story_list(s, 3);
  for (int i = 0; i < 8; i++)
    story_get(s, keys[i], 100);
  story_turn(s);
  story_calls_end(s, 0);
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

static inline void story_of_failing_exchanges(struct story *s) {
  story_of_fetches(s);
  story_change(s, GCACHE_OP_CLEAR, "", 100);
  story_turn(s);
  story_calls_end(s, UV_ECONNRESET);
  story_turn(s);
  for (int i = 0; i < 4; i++)
    story_get(s, i < 2 ? "k0" : "k3", 100);
  story_turn(s);
  story_calls_end(s, UV_ECONNREFUSED);
  story_turn(s);
  story_loads_end(s, GCACHE_ENOTFOUND, 0);
  story_turn(s);
}

static inline void story_of_leaving(struct story *s) {
  struct probe *first = story_get(s, "k0", 50);
  struct probe *second = story_get(s, "k0", 500);
  story_turn(s);
  story_cancel(s, second);
  story_pass(s, 50);
  story_cancel(s, first);
  story_get(s, "k0", 500);
  story_turn(s);
  story_loads_end(s, UV_ECANCELED, 0);
  story_turn(s);
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

static inline void story_of_leaving_fetches(struct story *s) {
  struct probe *p[6];
  const char *keys[] = {"k0", "k1", "k2", "k3", "k4", "k5"};
  story_list(s, 3);
  for (int i = 0; i < 6; i++)
    p[i] = story_get(s, keys[i], 100);
  story_turn(s);
  for (int i = 0; i < 6; i++)
    story_cancel(s, p[i]);
  story_turn(s);
  for (int i = 0; i < 6; i++)
    story_get(s, keys[i], 300);
  story_calls_end(s, UV_ECANCELED);
  story_loads_end(s, UV_ECANCELED, 0);
  story_turn(s);
  story_calls_end(s, 0);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

static inline void story_of_slow_owners(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3"};
  story_list(s, 3);
  for (int i = 0; i < 4; i++)
    story_get(s, keys[i], 100);
  story_turn(s);
  for (int i = 0; i < 4; i++)
    story_get(s, keys[i], 300);
  story_pass(s, 100);
  story_calls_end(s, UV_ETIMEDOUT);
  story_turn(s);
  story_pass(s, 50);
  story_calls_end(s, UV_ETIMEDOUT); /* early */
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

static inline void story_of_changes(struct story *s) {
  const gcache_op_t ops[] = {GCACHE_OP_SET, GCACHE_OP_REMOVE, GCACHE_OP_CLEAR};
  story_list(s, 3);
  for (int i = 0; i < 3; i++) {
    story_get(s, "k0", 100);
    story_get(s, "k1", 100);
    story_turn(s);
    story_change(s, ops[i], "k0", 100);
    story_change(s, ops[i], "k1", 100);
    story_turn(s);
    story_calls_end(s, 0);
    story_loads_end(s, 0, 0);
    story_turn(s);
    story_calls_end(s, 0);
    story_turn(s);
    story_calls_end(s, 0);
    story_turn(s);
  }
}

static inline void story_of_changes_alone(struct story *s) {
  story_change(s, GCACHE_OP_SET, "k0", 100);
  story_change(s, GCACHE_OP_SET, "k0", 100);
  story_turn(s);
  story_change(s, GCACHE_OP_REMOVE, "k0", 100);
  story_change(s, GCACHE_OP_CLEAR, "", 100);
  story_turn(s);
}

static inline void story_of_changes_out_of_time(struct story *s) {
  story_list(s, 3);
  story_change(s, GCACHE_OP_SET, "k0", 50);
  story_change(s, GCACHE_OP_REMOVE, "k1", 50);
  story_change(s, GCACHE_OP_CLEAR, "", 50);
  story_turn(s);
  story_pass(s, 50);
  story_calls_end(s, 0); /* late */
  story_turn(s);
  story_change(s, GCACHE_OP_REMOVE, "k2", 50);
  story_turn(s);
  if (s->n_changes > 0 && s->changes[s->n_changes - 1].room != NULL)
    room_cancel_change(&s->r, &s->changes[s->n_changes - 1]);
  story_step(s);
  story_turn(s);
}

static inline void story_of_answers(struct story *s) {
  story_list(s, 3);
  story_answer(s, GCACHE_OP_GET, "k0");
  story_answer(s, GCACHE_OP_GET, "k0");
  story_answer(s, GCACHE_OP_GET, "k1");
  story_turn(s);
  story_answer(s, GCACHE_OP_REMOVE, "k0");
  story_answer(s, GCACHE_OP_SET, "k1");
  story_loads_end(s, 0, 1000);
  story_turn(s);
  story_answer(s, GCACHE_OP_GET, "k1");
  story_answer(s, GCACHE_OP_CLEAR, "");
  story_answer(s, GCACHE_OP_GET, "k1");
  story_turn(s);
  story_loads_end(s, GCACHE_ELOAD, 0);
  story_turn(s);
}

static inline void story_of_lists(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3"};
  for (size_t n = 3; n > 0; n--) {
    story_list(s, n);
    for (int i = 0; i < 4; i++)
      story_get(s, keys[i], 100);
    story_turn(s);
  }
  story_list(s, 0);
  story_calls_end(s, UV_ECONNRESET);
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

static inline void story_of_expiry(struct story *s) {
  story_get(s, "k0", 100);
  story_get(s, "k1", 100);
  story_turn(s);
  story_loads_end(s, 0, 400);
  story_turn(s);
  story_get(s, "k0", 5000); /* near its expiry */
  manual_env_jump(&s->r.m, s->r.m.clock->mono_ms + 400);
  story_turn(s);
  story_turn(s);
  story_loads_end(s, 0, 5000);
  story_turn(s);
  story_get(s, "k0", 5000);
  story_turn(s);
  story_pass(s, 6000);
}

static inline void story_asks_again(struct probe *p) {
  p->then = NULL;
  p->runs = 0;
  if (p->room->group == NULL || p->room->groups_closed > 0) {
    p->runs = 1;
    return;
  }
  int status = p->status;
  int rc = room_get(p->room, p, "again", 100);
  story_allows(rc);
  if (rc != 0) {
    p->runs = 1;
    p->status = status;
  }
}

static inline void story_of_asking_inside_callbacks(struct story *s) {
  for (int i = 0; i < 3; i++) {
    s->gets[s->n_gets].then = story_asks_again;
    story_get(s, "k0", 100);
  }
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

static inline void story_getter_at_once(struct room *r, gcache_load_t *load) {
  room_load_done(r, load, "at once", 0);
}

static inline void story_transport_at_once(struct room *r, gcache_call_t *call) {
  room_call_done(r, call, 0, gcache_call_op(call) == GCACHE_OP_GET ? "at once" : NULL, NULL);
}

static inline void story_of_answers_at_once(struct story *s) {
  s->r.getter = story_getter_at_once;
  s->r.start = story_transport_at_once;
  story_list(s, 3);
  story_get(s, "k0", 100);
  story_get(s, "k1", 100);
  story_get(s, "k2", 100);
  story_turn(s);
  story_change(s, GCACHE_OP_SET, "k0", 100);
  story_change(s, GCACHE_OP_CLEAR, "", 100);
  story_turn(s);
  story_get(s, "k1", 100);
  story_turn(s);
  story_turn(s);
}

static inline void story_of_two_groups(struct story *s) {
  gcache_group_t *other = NULL;
  gcache_group_options_t o = room_group_options(&s->r);
  if (s->r.cores_closed == 0) story_allows(gcache_group_open(&other, &s->r.core, "other", &o));
  story_step(s);
  story_get(s, "k0", 100);
  story_turn(s);
  if (other != NULL && s->r.cores_closed == 0 && !s->r.core.closing)
    gcache_group_close(other, NULL, NULL);
  story_step(s);
  story_turn(s);
  story_loads_end(s, 0, 0);
  story_turn(s);
}

/* What is stale, due or missing, of this member's keys and of others'. */
static inline void story_of_freshness(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3"};
  story_list(s, 3);
  for (int i = 0; i < 4; i++)
    story_get(s, keys[i], 100);
  story_turn(s);
  story_calls_end(s, 0); /* eternal: a copy lives for hot_max_ms */
  story_loads_end(s, 0, 1000);
  story_turn(s);
  const uint64_t pauses[] = {850, 400, 700};
  for (int round = 0; round < 3; round++) { /* due, stale, of use only when a load fails */
    story_pass(s, pauses[round]);
    for (int i = 0; i < 4; i++)
      story_get(s, keys[i], 100);
    story_turn(s);
    story_calls_end(s, round == 1 ? UV_ECONNRESET : GCACHE_ELOAD);
    story_turn(s);
    story_loads_end(s, UV_EIO, 0);
    story_turn(s);
  }
}

static inline void story_of_what_is_missing(struct story *s) {
  const char *keys[] = {"k0", "k1", "k2", "k3"};
  story_list(s, 3);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 4; i++)
      story_get(s, keys[i], 100);
    story_turn(s);
    for (size_t i = 0; i < s->r.n_calls; i++)
      gcache_call_set_not_found(s->r.calls[i], 500);
    story_calls_end(s, GCACHE_ENOTFOUND);
    story_loads_end(s, GCACHE_ENOTFOUND, 0);
    story_turn(s);
  }
  story_answer(s, GCACHE_OP_SET, "k0");
  story_change(s, GCACHE_OP_REMOVE, "k1", 100);
  story_turn(s);
  story_calls_end(s, 0);
  story_turn(s);
  story_pass(s, 600);
  for (int i = 0; i < 4; i++)
    story_get(s, keys[i], 100);
  story_turn(s);
}

#include "hedge_stories.h"
#include "many_stories.h"
#include "narrow_stories.h"

static const struct {
  const char *name;
  void (*tell)(struct story *s);
  int is_fresh, is_narrow;
} stories[] = {
    {"loads", story_of_loads, 0, 0},
    {"fetches", story_of_fetches, 0, 0},
    {"failing exchanges", story_of_failing_exchanges, 0, 0},
    {"leaving", story_of_leaving, 0, 0},
    {"leaving fetches", story_of_leaving_fetches, 0, 0},
    {"slow owners", story_of_slow_owners, 0, 0},
    {"changes", story_of_changes, 0, 0},
    {"changes alone", story_of_changes_alone, 0, 0},
    {"changes out of time", story_of_changes_out_of_time, 0, 0},
    {"answers", story_of_answers, 0, 0},
    {"lists", story_of_lists, 0, 0},
    {"expiry", story_of_expiry, 0, 0},
    {"asking inside callbacks", story_of_asking_inside_callbacks, 0, 0},
    {"answers at once", story_of_answers_at_once, 0, 0},
    {"two groups", story_of_two_groups, 0, 0},
    {"many", story_of_many, 0, 0},
    {"many that wait", story_of_many_that_wait, 0, 0},
    {"removals", story_of_removals, 0, 0},
    {"removals out of time", story_of_removals_out_of_time, 0, 0},
    {"freshness", story_of_freshness, 1, 0},
    {"many, fresh", story_of_many, 1, 0},
    {"what is missing", story_of_what_is_missing, 1, 0},
    {"expiry, fresh", story_of_expiry, 1, 0},
    {"failing exchanges, fresh", story_of_failing_exchanges, 1, 0},
    {"a narrow gate", story_of_a_narrow_gate, 0, 1},
    {"a narrow gate, fresh", story_of_a_narrow_gate, 1, 1},
    {"answers behind a gate", story_of_answers_behind_a_gate, 0, 1},
    {"freshness behind a gate", story_of_freshness, 1, 1},
    {"answers at once behind a gate", story_of_answers_at_once, 0, 1},
    {"second questions", story_of_second_questions, 0, 0},
    {"second questions, fresh", story_of_second_questions, 1, 0},
    {"second questions that fail", story_of_second_questions_that_fail, 0, 0},
};

enum { N_STORIES = sizeof stories / sizeof stories[0] };

/* The member of a story: has a URL, no list yet. On error nothing is open. */
static inline int story_begin(struct story *s) {
  struct gci_core_options o = room_core_options(&s->r, ROOM_SELF);
  o.replicas = 3;
  int rc = room_try_open(&s->r, &o);
  if (rc < 0) return rc;
  gcache_group_options_t group = room_group_options(&s->r);
  if (s->is_fresh) {
    group.stale_ms = 500;
    group.error_ms = 5000;
    group.refresh_ahead_ms = 400;
    group.hot_max_ms = 1000;
    group.not_found_ms = 500;
  }
  if (s->is_narrow) {
    group.loads_max = 1;
    group.loads_queued_max = 3;
  }
  rc = gcache_group_open(&s->r.group, &s->r.core, "g", &group);
  if (rc < 0) s->r.group = NULL;
  return 0;
}

#endif
