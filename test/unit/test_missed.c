/* core/missed: the changes a peer has missed are sent, whatever happens to memory and bounds. The
 * model knows when each key was missed; every change that is sent later and answered covers it, as
 * does a clear of its group. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "core/missed.h"
#include "oom.h"
#include "random.h"

enum { GROUPS = 3, KEYS = 40, FLYING = 8 };

struct room {
  struct oom oom;
  struct gci_hash_key hash_key;
  struct gci_missed_terms terms;
  struct gci_missed missed;
};

static const char *const groups[GROUPS] = {"a", "bb", "a longer name"};

static void open_room(struct room *r, size_t max, size_t max_bytes) {
  static const unsigned char seed[16] = {1};
  memset(r, 0, sizeof *r);
  oom_init(&r->oom);
  gcache_mem_t user = oom_mem(&r->oom);
  gci_hash_key_init(&r->hash_key, seed);
  r->terms = (struct gci_missed_terms){gci_mem_new(&user), &r->hash_key, max, max_bytes};
}

static void close_room(struct room *r) {
  oom_heal(&r->oom);
  gci_missed_forget(&r->missed);
  assert_true(gci_missed_is_none(&r->missed));
  gci_mem_unref(r->terms.mem);
  oom_assert_empty(&r->oom);
}

static void miss(struct room *r, const char *group, const char *key) {
  gci_missed_add(&r->missed, &r->terms, group, GCACHE_OP_REMOVE, gcache_cstr(key), GCI_MISSED);
}

static void assert_next(struct room *r, const char *group, gcache_op_t op, const char *key) {
  struct gci_missed_change *change = gci_missed_send(&r->missed);
  assert_non_null(change);
  assert_string_equal(change->group, group);
  assert_int_equal(change->op, op);
  assert_int_equal(gci_missed_key(change).len, strlen(key));
  assert_memory_equal(gci_missed_key(change).base, key, strlen(key));
  gci_missed_told(change);
}

/* ------------------------------------------------------------------------------ stories ---- */

static void changes_wait_in_order_of_age_once_a_key(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100, 100000);
  miss(&r, "a", "one");
  miss(&r, "a", "two");
  miss(&r, "bb", "one");
  miss(&r, "a", "one");
  assert_int_equal(gci_missed_count(&r.missed), 3);
  assert_next(&r, "a", GCACHE_OP_REMOVE, "one");
  assert_next(&r, "a", GCACHE_OP_REMOVE, "two");
  assert_next(&r, "bb", GCACHE_OP_REMOVE, "one");
  assert_null(gci_missed_send(&r.missed));
  assert_true(gci_missed_is_none(&r.missed));
  assert_int_equal(r.missed.dropped, 0);
  close_room(&r);
}

static void a_set_is_told_as_a_remove(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100, 100000);
  gci_missed_add(&r.missed, &r.terms, "a", GCACHE_OP_SET, gcache_cstr("k"), GCI_MISSED);
  assert_next(&r, "a", GCACHE_OP_REMOVE, "k");
  close_room(&r);
}

static void a_key_missed_again_on_its_way_is_sent_again(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100, 100000);
  miss(&r, "a", "k");
  struct gci_missed_change *sent = gci_missed_send(&r.missed);
  miss(&r, "a", "k");
  assert_null(gci_missed_send(&r.missed)); /* one at a time */
  gci_missed_told(sent);
  assert_next(&r, "a", GCACHE_OP_REMOVE, "k");
  assert_true(gci_missed_is_none(&r.missed));
  close_room(&r);
}

static void what_was_not_answered_waits_in_its_old_place(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100, 100000);
  miss(&r, "a", "1");
  miss(&r, "a", "2");
  miss(&r, "a", "3");
  struct gci_missed_change *first = gci_missed_send(&r.missed);
  struct gci_missed_change *second = gci_missed_send(&r.missed);
  gci_missed_untold(second);
  gci_missed_untold(first);
  assert_next(&r, "a", GCACHE_OP_REMOVE, "1");
  assert_next(&r, "a", GCACHE_OP_REMOVE, "2");
  assert_next(&r, "a", GCACHE_OP_REMOVE, "3");
  close_room(&r);
}

static void miss_clear(struct room *r, const char *group) {
  gci_missed_add(&r->missed, &r->terms, group, GCACHE_OP_CLEAR, gcache_cstr(""), GCI_MISSED);
}

/* Each of them is told to all once more when its owner has been: that does not follow on a clear. */
static void a_clear_waits_beside_its_groups_changes(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100, 100000);
  miss(&r, "a", "1");
  miss(&r, "bb", "1");
  miss(&r, "a", "2");
  struct gci_missed_change *sent = gci_missed_send(&r.missed); /* a's first */
  miss_clear(&r, "a");
  miss_clear(&r, "a");
  assert_int_equal(gci_missed_count(&r.missed), 4);
  miss(&r, "a", "3");
  miss(&r, "a", "1");
  assert_int_equal(gci_missed_count(&r.missed), 5);
  assert_false(gci_missed_covers(&r.missed, "a"));
  gci_missed_told(sent);
  assert_next(&r, "a", GCACHE_OP_REMOVE, "1");
  assert_next(&r, "bb", GCACHE_OP_REMOVE, "1");
  assert_next(&r, "a", GCACHE_OP_REMOVE, "2");
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_next(&r, "a", GCACHE_OP_REMOVE, "3");
  assert_true(gci_missed_is_none(&r.missed));
  assert_int_equal(r.missed.dropped, 0);
  close_room(&r);
}

static void a_clear_that_waits_stands_for_all_when_there_is_no_room(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 3, 100000);
  miss_clear(&r, "a");
  miss(&r, "a", "1");
  miss(&r, "a", "2");
  miss(&r, "a", "3");
  assert_int_equal(gci_missed_count(&r.missed), 1);
  assert_int_equal(r.missed.dropped, 3);
  assert_true(gci_missed_covers(&r.missed, "a"));
  miss(&r, "a", "4");
  assert_int_equal(gci_missed_count(&r.missed), 1);
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_true(gci_missed_is_none(&r.missed));
  close_room(&r);
}

static void a_clear_on_its_way_is_sent_again_when_there_is_no_room(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 2, 100000);
  miss_clear(&r, "a");
  struct gci_missed_change *sent = gci_missed_send(&r.missed);
  miss(&r, "a", "1");
  miss(&r, "a", "2");
  assert_null(gci_missed_send(&r.missed)); /* one at a time */
  gci_missed_told(sent);
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_true(gci_missed_is_none(&r.missed));
  close_room(&r);
}

static void
removes_that_are_all_on_their_way_are_followed_by_a_clear_for_want_of_room(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 1, 100000);
  miss(&r, "a", "1");
  struct gci_missed_change *sent = gci_missed_send(&r.missed);
  miss(&r, "a", "2");
  assert_memory_equal(gci_missed_key(sent).base, "1", 1); /* as it was sent */
  assert_int_equal(sent->op, GCACHE_OP_REMOVE);
  gci_missed_untold(sent);
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  close_room(&r);
}

static void too_many_of_a_group_become_its_clear(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_room(&r, 10, 100000);
  miss(&r, "bb", "other");
  for (int i = 0; i < 10000; i++) {
    snprintf(key, sizeof key, "k%d", i);
    miss(&r, "a", key);
    assert_in_range(gci_missed_count(&r.missed), 1, 10);
  }
  assert_int_equal(r.missed.dropped, 10);
  assert_next(&r, "bb", GCACHE_OP_REMOVE, "other");
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_null(gci_missed_send(&r.missed));
  close_room(&r);
}

static void a_group_that_has_none_makes_the_oldest_group_give_way(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 2, 100000);
  miss(&r, "a", "1");
  miss(&r, "a", "2");
  miss(&r, "bb", "1");
  assert_int_equal(gci_missed_count(&r.missed), 2);
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_next(&r, "bb", GCACHE_OP_REMOVE, "1");
  close_room(&r);
}

static void without_any_memory_the_mark_says_all(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 10, 100000);
  oom_fail_from(&r.oom, 1);
  miss(&r, "a", "1");
  assert_true(r.missed.all);
  assert_false(gci_missed_is_none(&r.missed));
  assert_false(gci_missed_is_harmless(&r.missed));
  assert_int_equal(gci_missed_count(&r.missed), 1);
  assert_null(gci_missed_send(&r.missed));
  assert_int_equal(gci_missed_add_clear(&r.missed, &r.terms, "a"), UV_ENOMEM);
  oom_heal(&r.oom);
  assert_int_equal(gci_missed_add_clear(&r.missed, &r.terms, "a"), 0);
  assert_int_equal(gci_missed_add_clear(&r.missed, &r.terms, "a"), 0);
  r.missed.all = 0;
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_true(gci_missed_is_none(&r.missed));
  close_room(&r);
}

/* The mark stands for the groups that are open when it is read; this one may be closed by then. */
static void the_mark_leaves_the_clears_that_wait(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 100, 1);
  assert_int_equal(gci_missed_add_clear(&r.missed, &r.terms, "closed"), 0);
  miss(&r, "a", "one");
  assert_true(r.missed.all);
  assert_next(&r, "closed", GCACHE_OP_CLEAR, "");
  assert_null(gci_missed_send(&r.missed));
  assert_true(r.missed.all);
  close_room(&r);
}

static void without_memory_for_one_more_its_group_is_cleared(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 10, 100000);
  miss(&r, "a", "1");
  oom_fail_from(&r.oom, 1);
  miss(&r, "a", "2");
  assert_false(r.missed.all);
  assert_next(&r, "a", GCACHE_OP_CLEAR, "");
  assert_true(gci_missed_is_none(&r.missed));
  close_room(&r);
}

static void gentle_ones_forbid_nothing_until_they_fail(void **state) {
  struct room r;
  gcache_bytes_t key = gcache_cstr("k");
  (void)state;
  open_room(&r, 10, 100000);
  gci_missed_add(&r.missed, &r.terms, "a", GCACHE_OP_REMOVE, key, GCI_MISSED_GENTLE);
  assert_true(gci_missed_is_harmless(&r.missed));
  assert_false(gci_missed_is_none(&r.missed));
  gci_missed_add(&r.missed, &r.terms, "a", GCACHE_OP_REMOVE, key, GCI_MISSED);
  assert_false(gci_missed_is_harmless(&r.missed));
  assert_next(&r, "a", GCACHE_OP_REMOVE, "k");
  assert_true(gci_missed_is_harmless(&r.missed));
  gci_missed_add(&r.missed, &r.terms, "a", GCACHE_OP_REMOVE, key, GCI_MISSED_GENTLE);
  gci_missed_untold(gci_missed_send(&r.missed));
  assert_false(gci_missed_is_harmless(&r.missed));
  close_room(&r);
}

static void what_is_forgotten_on_its_way_is_freed_when_it_ends(void **state) {
  struct room r;
  (void)state;
  open_room(&r, 10, 100000);
  miss(&r, "a", "1");
  miss(&r, "a", "2");
  miss(&r, "a", "3");
  struct gci_missed_change *first = gci_missed_send(&r.missed);
  struct gci_missed_change *second = gci_missed_send(&r.missed);
  assert_int_equal(gci_missed_forget(&r.missed), 3);
  miss(&r, "a", "4");
  gci_missed_untold(first);
  gci_missed_told(second);
  assert_next(&r, "a", GCACHE_OP_REMOVE, "4");
  close_room(&r);
}

static void a_list_moves_to_the_peers_new_struct(void **state) {
  struct room r;
  struct gci_missed to = {0};
  (void)state;
  open_room(&r, 10, 100000);
  miss(&r, "a", "1");
  struct gci_missed_change *sent = gci_missed_send(&r.missed);
  gci_missed_move(&to, &r.missed);
  assert_true(gci_missed_is_none(&r.missed));
  assert_int_equal(gci_missed_count(&to), 1);
  gci_missed_told(sent);
  assert_true(gci_missed_is_none(&to));
  close_room(&r);
}

/* ------------------------------------------------------------------------------ model ---- */

static struct model {
  uint64_t now;
  uint64_t missed[GROUPS][KEYS]; /* when last; 0: told since */
  struct {
    struct gci_missed_change *change;
    uint64_t at;
    int group, key; /* -1: all of it */
  } flying[FLYING];
  size_t n_flying;
} model;

static int index_of_group(const char *group) {
  for (int g = 0; g < GROUPS; g++)
    if (strcmp(groups[g], group) == 0) return g;
  fail_msg("group '%s'", group);
  return -1;
}

static void model_miss(struct room *r, struct random *rnd) {
  int g = (int)random_below(rnd, GROUPS), k = (int)random_below(rnd, KEYS);
  int is_clear = random_below(rnd, 40) == 0;
  char key[16] = "";
  if (!is_clear) snprintf(key, sizeof key, "%d", k);
  enum gci_missed_weight weight = random_below(rnd, 4) == 0 ? GCI_MISSED_GENTLE : GCI_MISSED;
  gcache_op_t op = is_clear               ? GCACHE_OP_CLEAR
                   : random_below(rnd, 2) ? GCACHE_OP_SET
                                          : GCACHE_OP_REMOVE;
  gci_missed_add(&r->missed, &r->terms, groups[g], op, gcache_cstr(key), weight);
  model.now++;
  for (int i = 0; i < KEYS; i++)
    if (is_clear || i == k) model.missed[g][i] = model.now;
  if (weight == GCI_MISSED) assert_false(gci_missed_is_harmless(&r->missed));
}

static void model_send(struct room *r) {
  if (model.n_flying == FLYING) return;
  struct gci_missed_change *change = gci_missed_send(&r->missed);
  if (change == NULL) return;
  gcache_bytes_t key = gci_missed_key(change);
  int k = -1;
  if (change->op == GCACHE_OP_REMOVE) {
    char text[16] = "";
    memcpy(text, key.base, key.len);
    assert_int_equal(sscanf(text, "%d", &k), 1);
  }
  for (size_t i = 0; i < model.n_flying; i++)
    assert_ptr_not_equal(model.flying[i].change, change);
  model.flying[model.n_flying].change = change;
  model.flying[model.n_flying].at = model.now++;
  model.flying[model.n_flying].group = index_of_group(change->group);
  model.flying[model.n_flying++].key = k;
}

static void model_end(struct random *rnd, int all_told) {
  if (model.n_flying == 0) return;
  size_t i = random_below(rnd, model.n_flying);
  uint64_t at = model.flying[i].at;
  int g = model.flying[i].group, key = model.flying[i].key;
  struct gci_missed_change *change = model.flying[i].change;
  model.flying[i] = model.flying[--model.n_flying];
  if (!all_told && random_below(rnd, 3) == 0) {
    gci_missed_untold(change);
    return;
  }
  gci_missed_told(change);
  for (int k = 0; k < KEYS; k++)
    if ((key < 0 || key == k) && model.missed[g][k] <= at) model.missed[g][k] = 0;
}

static void model_expand(struct room *r) {
  if (!r->missed.all) return;
  for (int g = 0; g < GROUPS; g++)
    if (gci_missed_add_clear(&r->missed, &r->terms, groups[g]) < 0) return;
  r->missed.all = 0;
}

static void model_run(uint64_t seed) {
  struct random rnd = {seed};
  struct room r;
  size_t max = 1 + random_below(&rnd, 60), max_bytes = 200 + random_below(&rnd, 8000);
  memset(&model, 0, sizeof model);
  model.now = 1;
  open_room(&r, max, max_bytes);
  for (int i = 0; i < 600; i++) {
    if (random_below(&rnd, 30) == 0) oom_fail_from(&r.oom, 1 + random_below(&rnd, 3));
    if (random_below(&rnd, 10) == 0) oom_heal(&r.oom);
    size_t dice = random_below(&rnd, 10);
    if (dice < 5) model_miss(&r, &rnd);
    if (dice >= 5 && dice < 8) model_send(&r);
    if (dice >= 8) model_end(&rnd, 0);
    if (random_below(&rnd, 20) == 0) model_expand(&r);
    /* The clears that stand for the mark are one a group. */
    assert_in_range(gci_missed_count(&r.missed), 0, max + GROUPS);
    assert_in_range(r.oom.bytes, 0, max_bytes + 64 * 1024);
  }
  oom_heal(&r.oom);
  while (!gci_missed_is_none(&r.missed) || model.n_flying > 0) {
    model_expand(&r);
    model_send(&r);
    model_end(&rnd, 1);
  }
  for (int g = 0; g < GROUPS; g++)
    for (int k = 0; k < KEYS; k++)
      if (model.missed[g][k] != 0) fail_msg("seed %d: group %d key %d untold", (int)seed, g, k);
  close_room(&r);
}

static void whatever_happens_all_that_was_missed_is_told(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 2000; seed++)
    model_run(seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_wait_in_order_of_age_once_a_key),
      cmocka_unit_test(a_set_is_told_as_a_remove),
      cmocka_unit_test(a_key_missed_again_on_its_way_is_sent_again),
      cmocka_unit_test(what_was_not_answered_waits_in_its_old_place),
      cmocka_unit_test(a_clear_waits_beside_its_groups_changes),
      cmocka_unit_test(a_clear_that_waits_stands_for_all_when_there_is_no_room),
      cmocka_unit_test(a_clear_on_its_way_is_sent_again_when_there_is_no_room),
      cmocka_unit_test(removes_that_are_all_on_their_way_are_followed_by_a_clear_for_want_of_room),
      cmocka_unit_test(too_many_of_a_group_become_its_clear),
      cmocka_unit_test(a_group_that_has_none_makes_the_oldest_group_give_way),
      cmocka_unit_test(without_any_memory_the_mark_says_all),
      cmocka_unit_test(the_mark_leaves_the_clears_that_wait),
      cmocka_unit_test(without_memory_for_one_more_its_group_is_cleared),
      cmocka_unit_test(gentle_ones_forbid_nothing_until_they_fail),
      cmocka_unit_test(what_is_forgotten_on_its_way_is_freed_when_it_ends),
      cmocka_unit_test(a_list_moves_to_the_peers_new_struct),
      cmocka_unit_test(whatever_happens_all_that_was_missed_is_told),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
