/* core/previous, core/recent: a member that has just started, and changes that its groups do not
 * know of. The member that would hand a value over may not have made them yet (P2). */
#include "core/call.h"
#include "core_room.h"

/* "a", which owns key, of a and b, without a group. */
static void open_newcomer(struct room *r, char key[16]) {
  static const char *const urls[] = {ROOM_SELF, ROOM_B};
  room_init(r);
  r->transport.can = GCACHE_CAN_ASK_CACHED;
  struct gci_core_options o = room_core_options(r, ROOM_SELF);
  o.dialect = GCACHE_DIALECT_GCACHE;
  o.handoff = (struct gci_handoff_terms){.handoff_ms = 30000, .wait_ms = 100};
  assert_int_equal(room_try_open(r, &o), 0);
  assert_int_equal(room_set_peers(r, urls, 2), 0);
  room_key(r, ROOM_SELF, key);
}

/* How many are asked before the getter runs. Closes. */
static size_t asked_for(struct room *r, const char *key) {
  struct probe p = {0};
  size_t before = r->calls_started;
  assert_int_equal(room_get(r, &p, key, 0), 0);
  room_run(r);
  size_t asked = r->calls_started - before;
  assert_int_equal(r->n_loads, asked == 0);
  room_close(r);
  return asked;
}

static void close_group(struct room *r) {
  gcache_group_close(r->group, room_on_group_closed, r);
  room_run(r);
  assert_int_equal(r->groups_closed, 1);
}

static void a_group_that_is_opened_late_asks(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_newcomer(&r, key);
  room_advance(&r, 1000);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  assert_int_equal(asked_for(&r, key), 1);
}

/* What was changed is forgotten with the group. */
static void a_group_that_is_opened_anew_asks_for_nothing(void **state) {
  struct room r;
  struct answer_probe order;
  char key[16];
  (void)state;
  open_newcomer(&r, key);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  assert_int_equal(room_answer(&r, &order, GCACHE_OP_REMOVE, key, NULL), 0);
  room_run(&r);
  close_group(&r);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  assert_int_equal(asked_for(&r, key), 0);
}

static int order_by_answer(struct room *r, const char *key) {
  static struct answer_probe order;
  return room_answer(r, &order, GCACHE_OP_REMOVE, key, NULL);
}

static int order_one_of_many(struct room *r, const char *key) {
  return gci_core_remove_here(&r->core, gcache_cstr("g"), gcache_cstr(key));
}

/* A member can be on the lists of others before it has opened its groups, or while it opens one anew. */
static void a_group_that_was_not_open_when_a_change_came_asks_for_nothing(void **state) {
  int (*const orders[])(struct room *, const char *) = {order_by_answer, order_one_of_many};
  (void)state;
  for (int i = 0; i < 2; i++) {
    struct room r;
    char key[16];
    open_newcomer(&r, key);
    assert_int_equal(orders[i](&r, key), GCACHE_ENOGROUP);
    room_open_group(&r, GCACHE_HOT_DEFAULT);
    assert_int_equal(asked_for(&r, key), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_group_that_is_opened_late_asks),
      cmocka_unit_test(a_group_that_is_opened_anew_asks_for_nothing),
      cmocka_unit_test(a_group_that_was_not_open_when_a_change_came_asks_for_nothing),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
