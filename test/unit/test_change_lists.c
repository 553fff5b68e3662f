/* core/change, core/remove_many: a new list comes into force while a change is under way. */
#include "core/change.h"
#include "core/tell.h"
#include "many_room.h"

#define ROOM_D "http://d:1"

static const char *const three[] = {ROOM_SELF, ROOM_B, ROOM_C};
static const char *const four[] = {ROOM_SELF, ROOM_B, ROOM_C, ROOM_D};

/* Of three, where keys move as they do in gcache. */
static void open_three(struct room *r) {
  room_init(r);
  struct gci_core_options o = room_core_options(r, ROOM_SELF);
  o.dialect = GCACHE_DIALECT_GCACHE;
  assert_int_equal(room_try_open(r, &o), 0);
  assert_int_equal(room_set_peers(r, three, 3), 0);
  room_open_group(r, GCACHE_HOT_DEFAULT);
}

static void set_three(struct room *r) {
  assert_int_equal(room_set_peers(r, three, 3), 0);
}

static void set_four(struct room *r) {
  assert_int_equal(room_set_peers(r, four, 4), 0);
}

/* A key of `of` by the list of three and of d by that of four; three are in force. */
static const char *key_that_moves(struct room *r, const char *of, char out[16]) {
  do {
    set_three(r);
    room_key(r, of, out);
    set_four(r);
  } while (strcmp(gcache_owner(&r->core, gcache_cstr(out)), ROOM_D) != 0);
  set_three(r);
  return out;
}

static void answer(struct room *r, const char *url, gcache_op_t op) {
  gcache_call_t *call = room_call_to(r, url);
  assert_int_equal(gcache_call_op(call), op);
  room_call_done(r, call, 0, NULL, NULL);
  room_run(r);
}

static size_t missed(struct room *r, const char *url) {
  return gci_missed_count(&gci_peers_find(&r->core.peers, url)->missed);
}

/* ------------------------------------------------------------------------------ one key ---- */

static void a_new_owner_is_asked_and_then_all_others_again_before_success(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  assert_int_equal(r.n_calls, 1);
  set_four(&r);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(p.runs, 0);
  assert_int_equal(r.n_calls, 1);
  answer(&r, ROOM_D, GCACHE_OP_REMOVE);
  assert_int_equal(p.runs, 0);
  assert_int_equal(r.n_calls, 2); /* what they have fetched from d */
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 4);
  assert_string_equal(p.members[0].url, ROOM_B); /* as it was, and who has come */
  assert_string_equal(p.members[3].url, ROOM_D);
  room_close(&r);
}

static void a_new_owner_gets_the_value_of_a_set_and_the_old_one_forgets_it(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_SELF, key);
  assert_int_equal(room_set(&r, &p, key, "new", 0), 0);
  room_run(&r);
  assert_true(room_holds(&r, key));
  set_four(&r);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  answer(&r, ROOM_D, GCACHE_OP_SET);
  assert_false(room_holds(&r, key));
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  assert_int_equal(p.runs, 0);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 4);
  room_close(&r);
}

static void a_clear_visits_who_has_come_twice_too(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  open_three(&r);
  assert_int_equal(room_clear(&r, &p, 0), 0);
  room_run(&r);
  set_four(&r);
  for (int round = 0; round < 2; round++) {
    answer(&r, ROOM_B, GCACHE_OP_CLEAR);
    answer(&r, ROOM_C, GCACHE_OP_CLEAR);
  }
  for (int round = 0; round < 2; round++) {
    assert_int_equal(p.runs, 0);
    answer(&r, ROOM_D, GCACHE_OP_CLEAR);
    answer(&r, ROOM_B, GCACHE_OP_CLEAR);
    answer(&r, ROOM_C, GCACHE_OP_CLEAR);
  }
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  room_close(&r);
}

static void the_same_list_again_asks_nobody_twice(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  set_three(&r);
  assert_int_equal(room_remove(&r, &p, room_key(&r, ROOM_SELF, key), 0), 0);
  room_run(&r);
  set_three(&r);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  assert_int_equal(r.calls_started, 2);
  room_close(&r);
}

/* The text of a URL decides who owns what. */
static void members_with_a_slash_more_are_another_list(void **state) {
  static const char *const slashed[] = {ROOM_SELF, ROOM_B "/", ROOM_C};
  (void)state;
  for (int many = 0; many < 2; many++) {
    struct room r;
    struct change_probe p = {0};
    char key[16];
    open_three(&r);
    do {
      set_three(&r);
      room_key(&r, ROOM_B, key);
      assert_int_equal(room_set_peers(&r, slashed, 3), 0);
    } while (strcmp(gcache_owner(&r.core, gcache_cstr(key)), ROOM_SELF) != 0);
    set_three(&r);
    const char *const keys[] = {key};
    int rc = many ? room_remove_many(&r, &p, keys, 1, 0) : room_remove(&r, &p, key, 0);
    assert_int_equal(rc, 0);
    room_run(&r);
    answer(&r, ROOM_B, GCACHE_OP_REMOVE);
    assert_int_equal(room_set_peers(&r, slashed, 3), 0);
    answer(&r, ROOM_C, GCACHE_OP_REMOVE);
    assert_int_equal(p.runs, 0);
    answer(&r, ROOM_B "/", GCACHE_OP_REMOVE); /* what they have fetched from the owner of now */
    answer(&r, ROOM_C, GCACHE_OP_REMOVE);
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.status, 0);
    assert_int_equal(p.n, 3);
    room_close(&r);
  }
}

static void who_fails_before_or_after_is_reported(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_SELF, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  set_four(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), GCACHE_ENOGROUP, NULL, "no such group");
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  room_call_done(&r, room_call_to(&r, ROOM_D), UV_ECONNRESET, NULL, "gone");
  room_run(&r);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.n, 4);
  assert_string_equal(p.members[1].url, ROOM_B);
  assert_int_equal(p.members[1].status, GCACHE_ENOGROUP);
  assert_string_equal(p.members[1].reason, "no such group");
  assert_int_equal(p.members[2].status, 0);
  assert_string_equal(p.members[3].url, ROOM_D);
  assert_int_equal(p.members[3].status, UV_ECONNRESET);
  assert_string_equal(p.members[3].reason, "gone");
  room_close(&r);
}

static void who_leaves_is_reported_and_not_asked_again(void **state) {
  static const char *const slashed[] = {ROOM_SELF, ROOM_D, ROOM_B "/"};
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  set_three(&r);
  assert_int_equal(room_remove(&r, &p, room_key(&r, ROOM_SELF, key), 0), 0);
  room_run(&r);
  assert_int_equal(room_set_peers(&r, slashed, 3), 0);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  while (p.runs == 0) {
    const char *url = gcache_call_peer(r.calls[0]);
    assert_string_not_equal(url, ROOM_C);
    answer(&r, url, GCACHE_OP_REMOVE);
  }
  assert_int_equal(r.calls_started, 4);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 4); /* b once */
  room_close(&r);
}

static void a_member_that_is_alone_now_does_its_part_and_is_reported_once(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  set_three(&r);
  assert_int_equal(room_remove(&r, &p, room_key(&r, ROOM_B, key), 0), 0);
  room_run(&r);
  assert_int_equal(room_set_peers(&r, NULL, 0), 0);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  room_fill(&r, key, "old", 0); /* as one that was loaded before */
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 3);
  assert_false(room_holds(&r, key));
  room_close(&r);
}

static void lists_that_come_and_come_end_it_and_all_are_told_later(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  for (int pass = 0; pass < GCI_CHANGE_PASSES; pass++) {
    assert_int_equal(p.runs, 0);
    if (pass % 2 == 0)
      set_four(&r);
    else
      set_three(&r);
    if (pass % 2 == 1) answer(&r, ROOM_D, GCACHE_OP_REMOVE);
    answer(&r, ROOM_B, GCACHE_OP_REMOVE);
    answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  }
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  for (size_t i = 0; i < p.n; i++) {
    int is_here = strcmp(p.members[i].url, ROOM_SELF) == 0;
    assert_int_equal(p.members[i].status, is_here ? 0 : UV_EAGAIN);
  }
  assert_string_equal(gcache_owner(&r.core, gcache_cstr(key)), ROOM_B);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE); /* the owner first; then the others */
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

static void out_of_time_the_new_owner_and_then_all_others_are_told(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 50), 0);
  room_run(&r);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  set_four(&r);
  room_advance(&r, 50); /* c has not answered */
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(missed(&r, ROOM_C), 1);
  assert_int_equal(missed(&r, ROOM_D), 1);
  assert_int_equal(missed(&r, ROOM_B), 0);
  room_call_done(&r, room_call_to(&r, ROOM_C), UV_ECANCELED, NULL, NULL);
  room_run(&r);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  answer(&r, ROOM_D, GCACHE_OP_REMOVE);
  assert_int_equal(r.n_calls, 2);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

static void cancelled_nobody_is_told(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  set_four(&r);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(r.n_calls, 1);
  room_cancel_change(&r, &p);
  room_run(&r);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(p.n, 4);
  assert_int_equal(missed(&r, ROOM_D), 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ many ---- */

static void many_keys_are_removed_by_the_list_that_came_too(void **state) {
  struct room r;
  struct change_probe p = {0};
  char moved[16], of_c[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_B, moved);
  room_key(&r, ROOM_C, of_c);
  const char *const keys[] = {moved, of_c};
  assert_int_equal(room_remove_many(&r, &p, keys, 2, 0), 0);
  room_run(&r);
  set_four(&r);
  while (r.n_calls > 1 || strcmp(gcache_call_peer(r.calls[0]), ROOM_D) != 0) {
    const char *url = gcache_call_peer(r.calls[0]);
    int is_d = strcmp(url, ROOM_D) == 0;
    answer(&r, is_d ? gcache_call_peer(r.calls[1]) : url, GCACHE_OP_REMOVE);
    assert_int_equal(p.runs, 0);
  }
  size_t before = r.calls_started; /* d has its own key, or is asked for c's first */
  while (r.n_calls > 0)
    answer(&r, gcache_call_peer(r.calls[0]), GCACHE_OP_REMOVE);
  assert_true(r.calls_started > before); /* the others, of what d was asked for */
  assert_int_equal(r.calls_started, 4 + 6);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 4);
  assert_string_equal(p.members[3].url, ROOM_D);
  room_close(&r);
}

static void many_keys_give_up_after_as_many_lists(void **state) {
  struct room r;
  struct change_probe p = {0};
  char moved[16];
  (void)state;
  open_three(&r);
  key_that_moves(&r, ROOM_B, moved);
  const char *const keys[] = {moved};
  assert_int_equal(room_remove_many(&r, &p, keys, 1, 0), 0);
  room_run(&r);
  for (int pass = 0; pass < GCI_CHANGE_PASSES; pass++) {
    assert_int_equal(p.runs, 0);
    if (pass % 2 == 0)
      set_four(&r);
    else
      set_three(&r);
    for (int n = pass % 2 == 0 ? 2 : 3; n > 0; n--)
      answer(&r, gcache_call_peer(r.calls[0]), GCACHE_OP_REMOVE);
  }
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  answer(&r, ROOM_B, GCACHE_OP_REMOVE);
  answer(&r, ROOM_C, GCACHE_OP_REMOVE);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ memory ---- */

static void without_memory_all_are_told_later(void **state) {
  (void)state;
  for (int many = 0; many < 2; many++)
    for (size_t nth = 1; nth < 8; nth++) {
      struct room r;
      struct change_probe p = {0};
      char key[16];
      open_three(&r);
      key_that_moves(&r, ROOM_SELF, key);
      const char *const keys[] = {key};
      int rc = many ? room_remove_many(&r, &p, keys, 1, 0) : room_remove(&r, &p, key, 0);
      assert_int_equal(rc, 0);
      room_run(&r);
      set_four(&r);
      answer(&r, ROOM_B, GCACHE_OP_REMOVE);
      oom_fail_nth(&r.oom, nth);
      room_call_answer(&r, 0, NULL);
      oom_heal(&r.oom);
      room_run(&r);
      if (p.runs > 0) {
        assert_int_equal(p.status, GCACHE_EPARTIAL);
        assert_int_equal(p.members[1].status, UV_ENOMEM);
      }
      while (r.n_calls > 0)
        answer(&r, gcache_call_peer(r.calls[0]), gcache_call_op(r.calls[0]));
      assert_int_equal(p.runs, 1);
      assert_true(gci_peers_find(&r.core.peers, ROOM_D)->stats.removes +
                      gci_peers_find(&r.core.peers, ROOM_D)->stats.clears >
                  0);
      room_close(&r);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_owner_is_asked_and_then_all_others_again_before_success),
      cmocka_unit_test(a_new_owner_gets_the_value_of_a_set_and_the_old_one_forgets_it),
      cmocka_unit_test(a_clear_visits_who_has_come_twice_too),
      cmocka_unit_test(the_same_list_again_asks_nobody_twice),
      cmocka_unit_test(members_with_a_slash_more_are_another_list),
      cmocka_unit_test(who_fails_before_or_after_is_reported),
      cmocka_unit_test(who_leaves_is_reported_and_not_asked_again),
      cmocka_unit_test(a_member_that_is_alone_now_does_its_part_and_is_reported_once),
      cmocka_unit_test(lists_that_come_and_come_end_it_and_all_are_told_later),
      cmocka_unit_test(out_of_time_the_new_owner_and_then_all_others_are_told),
      cmocka_unit_test(cancelled_nobody_is_told),
      cmocka_unit_test(many_keys_are_removed_by_the_list_that_came_too),
      cmocka_unit_test(many_keys_give_up_after_as_many_lists),
      cmocka_unit_test(without_memory_all_are_told_later),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
