/* core/handoff, core/previous: a new owner asks the previous owner of a key. The member under test
 * is "a"; the test plays its peers and its getter. */
#include "core/call.h"
#include "core/group.h"
#include "core_room.h"

enum { HANDOFF_MS = 30000, WAIT_MS = 100, QUIET_MS = 1000 };

static struct gci_core_options options_of(struct room *r) {
  struct gci_core_options o = room_core_options(r, ROOM_SELF);
  o.dialect = GCACHE_DIALECT_GCACHE;
  o.handoff = (struct gci_handoff_terms){
      .handoff_ms = HANDOFF_MS, .wait_ms = WAIT_MS, .quiet_ms = QUIET_MS};
  return o;
}

static int list_of(struct room *r, const char *more, const char *still_more) {
  const char *urls[] = {ROOM_SELF, more, still_more};
  return room_set_peers(r, urls, still_more != NULL ? 3 : more != NULL ? 2 : 1);
}

static void open_room(struct room *r) {
  room_init(r);
  r->transport.can = GCACHE_CAN_ASK_CACHED;
  struct gci_core_options o = options_of(r);
  assert_int_equal(room_try_open(r, &o), 0);
  room_open_group(r, GCACHE_HOT_DEFAULT);
}

/* Of a and c, for so long that nobody is asked on that account. Written to key: one of c's. */
static void open_heir(struct room *r, char key[16]) {
  open_room(r);
  room_advance(r, 1);
  assert_int_equal(list_of(r, ROOM_C, NULL), 0);
  room_advance(r, HANDOFF_MS + 2 * QUIET_MS);
  room_key(r, ROOM_C, key);
}

/* Nearly all keys are a's now, by weights. */
static void make_heir(struct room *r) {
  const char *const urls[] = {ROOM_SELF, ROOM_C};
  const unsigned weights[] = {1000, 1};
  r->depth++;
  assert_int_equal(gci_core_set_peers(&r->core, urls, urls, weights, 2), 0);
  r->depth--;
}

/* A key that was c's and is a's now. */
static void open_with_key(struct room *r, char key[16]) {
  open_heir(r, key);
  make_heir(r);
  assert_string_equal(gcache_owner(&r->core, gcache_cstr(key)), ROOM_SELF);
}

static gcache_call_t *asked_cached(struct room *r, const char *url) {
  room_run(r);
  assert_int_equal(r->n_calls, 1);
  gcache_call_t *call = r->calls[0];
  assert_string_equal(gcache_call_peer(call), url);
  assert_int_equal(gcache_call_op(call), GCACHE_OP_GET);
  assert_true(gcache_call_only_cached(call));
  assert_int_equal(r->getter_runs, 0);
  return call;
}

static void a_new_owner_takes_the_value_of_the_one_before_and_keeps_it(void **state) {
  struct room r;
  struct probe p = {0}, q = {0}, again = {0};
  char key[16];
  (void)state;
  open_with_key(&r, key);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  assert_int_equal(room_get(&r, &q, key, 0), 0);
  gcache_call_t *call = asked_cached(&r, ROOM_C);
  assert_null(gcache_call_newcomer(call));
  assert_true(gcache_call_time_left_ms(call) <= WAIT_MS);
  room_call_answer(&r, 0, "from c");
  room_run(&r);
  assert_string_equal(p.text, "from c");
  assert_string_equal(q.text, "from c");
  assert_int_equal(p.from, GCACHE_FROM_PEER);
  assert_int_equal(room_get(&r, &again, key, 0), 0);
  room_run(&r);
  assert_int_equal(again.from, GCACHE_FROM_MAIN);
  assert_int_equal(r.getter_runs, 0);
  assert_int_equal(room_stats(&r).handed_over, 1);
  room_close(&r);
}

static void without_a_value_there_the_getter_runs(void **state) {
  static const int statuses[] = {UV_ENOENT, GCACHE_ENOTFOUND, UV_ECONNREFUSED, GCACHE_ENOGROUP,
                                 GCACHE_EBUSY};
  (void)state;
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
    struct room r;
    struct probe p = {0};
    char key[16];
    open_with_key(&r, key);
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    asked_cached(&r, ROOM_C);
    room_call_answer(&r, statuses[i], NULL);
    room_run(&r);
    assert_int_equal(r.n_loads, 1);
    room_load_answer(&r, "loaded");
    room_run(&r);
    assert_int_equal(p.from, GCACHE_FROM_LOAD);
    assert_int_equal(r.calls_started, 1);
    assert_int_equal(room_stats(&r).handed_over, 0);
    room_close(&r);
  }
}

static void a_value_that_has_expired_is_stale_or_too_large_is_not_taken(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct room r;
    struct probe p = {0};
    char key[16];
    open_with_key(&r, key);
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    gcache_call_t *call = asked_cached(&r, ROOM_C);
    static char large[65 * 1024];
    memset(large, 'x', sizeof large - 1);
    gcache_value_t *value = i == 2 ? room_value(&r, large, 0) : room_value(&r, "old", 10);
    if (i == 0) gcache_call_set_stale(call, 5);
    if (i == 1) manual_env_jump(&r.m, r.m.clock->mono_ms + 10);
    room_forget((void **)r.calls, &r.n_calls, call);
    gcache_call_done(call, 0, value, NULL);
    room_run(&r);
    assert_int_equal(r.n_loads, 1);
    room_load_answer(&r, "loaded");
    room_run(&r);
    assert_string_equal(p.text, "loaded");
    room_close(&r);
  }
}

static void a_peer_that_does_not_answer_costs_a_moment(void **state) {
  struct room r;
  struct probe p = {0}, hasty = {0};
  char key[16];
  (void)state;
  open_with_key(&r, key);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  asked_cached(&r, ROOM_C);
  room_advance(&r, WAIT_MS - 1);
  assert_int_equal(r.getter_runs, 0);
  room_advance(&r, 1);
  room_run(&r);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(r.calls_told, 1);
  room_load_answer(&r, "loaded");
  room_call_answer(&r, 0, "late");
  room_run(&r);
  assert_string_equal(p.text, "loaded");
  room_close(&r);

  /* Half of the caller's time is the getter's. */
  open_with_key(&r, key);
  assert_int_equal(room_get(&r, &hasty, key, 40), 0);
  asked_cached(&r, ROOM_C);
  room_advance(&r, 20);
  room_run(&r);
  assert_int_equal(r.getter_runs, 1);
  assert_int_equal(gcache_load_time_left_ms(r.loads[0]), 20);
  room_close(&r);
}

static void who_leaves_leaves_alone_and_the_last_tells(void **state) {
  struct room r;
  struct probe p = {0}, q = {0}, later = {0};
  char key[16];
  (void)state;
  open_with_key(&r, key);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  assert_int_equal(room_get(&r, &q, key, 0), 0);
  asked_cached(&r, ROOM_C);
  room_cancel(&r, &p);
  room_run(&r);
  assert_int_equal(r.calls_told, 0);
  room_cancel(&r, &q);
  room_run(&r);
  assert_int_equal(r.calls_told, 1);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(q.status, UV_ECANCELED);
  assert_int_equal(room_get(&r, &later, key, 0), 0); /* asks anew */
  room_run(&r);
  assert_int_equal(r.n_calls, 2);
  room_call_answer(&r, UV_ECANCELED, NULL);
  room_call_answer(&r, 0, "from c");
  room_run(&r);
  assert_string_equal(later.text, "from c");
  assert_int_equal(r.getter_runs, 0);
  room_close(&r);
}

static void a_remove_meanwhile_lets_the_value_pass_and_forgets_it(void **state) {
  struct room r;
  struct probe p = {0}, later = {0};
  struct answer_probe remove;
  char key[16];
  (void)state;
  open_with_key(&r, key);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  asked_cached(&r, ROOM_C);
  assert_int_equal(room_answer(&r, &remove, GCACHE_OP_REMOVE, key, NULL), 0);
  assert_int_equal(room_get(&r, &later, key, 0), 0); /* must not be given what is older */
  room_run(&r);
  assert_int_equal(r.n_calls, 1);
  assert_int_equal(r.n_loads, 1);
  room_call_answer(&r, 0, "old");
  room_load_answer(&r, "new");
  room_run(&r);
  assert_string_equal(p.text, "old");
  assert_string_equal(later.text, "new");
  gcache_value_t *kept = gcache_peek(r.group, gcache_cstr(key));
  assert_memory_equal(gcache_value_bytes(kept).base, "new", 3);
  gcache_value_unref(kept);
  room_close(&r);
}

/* The getter begins after the remove: one is enough for those who came before it and after (P1). */
static void after_a_remove_and_no_value_one_getter_runs_for_all(void **state) {
  (void)state;
  for (int joins = 0; joins < 2; joins++) {
    struct room r;
    struct probe p = {0}, later = {0};
    struct answer_probe remove;
    char key[16];
    open_with_key(&r, key);
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    asked_cached(&r, ROOM_C);
    assert_int_equal(room_answer(&r, &remove, GCACHE_OP_REMOVE, key, NULL), 0);
    if (joins) assert_int_equal(room_get(&r, &later, key, 0), 0); /* has a load of its own */
    room_run(&r);
    room_call_answer(&r, UV_ENOENT, NULL);
    room_run(&r);
    if (!joins) assert_int_equal(room_get(&r, &later, key, 0), 0);
    room_run(&r);
    assert_int_equal(r.getter_runs, 1);
    room_load_answer(&r, "new");
    room_run(&r);
    assert_string_equal(p.text, "new");
    assert_string_equal(later.text, "new");
    room_close(&r);
  }
}

static void for_a_key_that_was_changed_nobody_is_asked(void **state) {
  struct room r;
  struct answer_probe order;
  struct probe p = {0};
  char key[16];
  (void)state;
  for (int op = 0; op < 3; op++) {
    const gcache_op_t ops[] = {GCACHE_OP_SET, GCACHE_OP_REMOVE, GCACHE_OP_CLEAR};
    open_heir(&r, key);
    if (op < 2) /* before the list, or after it */
      assert_int_equal(room_answer(&r, &order, ops[op], key, op == 0 ? "set" : NULL), 0);
    make_heir(&r);
    if (op == 2) assert_int_equal(room_answer(&r, &order, ops[op], "", NULL), 0);
    room_run(&r);
    if (op == 0) gci_cache_clear(r.group->cache); /* it has left for room */
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    room_run(&r);
    assert_int_equal(r.calls_started, 0);
    assert_int_equal(r.n_loads, 1);
    room_close(&r);
  }
}

static void nobody_is_asked_once_too_much_has_changed(void **state) {
  struct room r;
  struct answer_probe order;
  struct probe p = {0};
  char key[16], other[16];
  (void)state;
  open_heir(&r, key);
  for (int i = 0; i <= GCI_RECENT_MAX; i++) {
    snprintf(other, sizeof other, "other%d", i);
    assert_int_equal(room_answer(&r, &order, GCACHE_OP_REMOVE, other, NULL), 0);
    room_run(&r);
  }
  room_advance(&r, QUIET_MS);
  make_heir(&r);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  room_run(&r);
  assert_int_equal(r.calls_started, 0);
  room_close(&r);

  open_heir(&r, key);
  for (int i = 0; i <= GCI_RECENT_MAX; i++) {
    snprintf(other, sizeof other, "other%d", i);
    assert_int_equal(room_answer(&r, &order, GCACHE_OP_REMOVE, other, NULL), 0);
    room_run(&r);
  }
  room_advance(&r, QUIET_MS + 1); /* whatever was forgotten has long been told to all */
  make_heir(&r);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  asked_cached(&r, ROOM_C);
  room_close(&r);
}

static void after_a_while_nobody_is_asked_and_the_list_before_is_freed(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  open_with_key(&r, key);
  assert_true(r.core.previous.list.n > 0);
  assert_int_equal(r.m.held, 0); /* the loop could end */
  room_advance(&r, HANDOFF_MS);
  assert_int_equal(r.core.previous.list.n, 0);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  room_run(&r);
  assert_int_equal(r.calls_started, 0);
  assert_int_equal(r.n_loads, 1);
  room_close(&r);
}

static void the_same_list_again_changes_nothing(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  open_with_key(&r, key);
  uint64_t until_ms = r.core.previous.until_ms;
  room_advance(&r, 10);
  make_heir(&r);
  assert_int_equal(r.core.previous.until_ms, until_ms);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  asked_cached(&r, ROOM_C);
  room_close(&r);
}

static void who_has_left_the_list_is_not_asked(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  open_heir(&r, key);
  assert_int_equal(list_of(&r, ROOM_B, NULL), 0);
  for (int i = 0; strcmp(gcache_owner(&r.core, gcache_cstr(key)), ROOM_SELF) != 0; i++)
    snprintf(key, sizeof key, "k%d", i);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  room_run(&r);
  assert_int_equal(r.calls_started, 0);
  room_close(&r);
}

static void transports_that_do_not_know_are_not_asked(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    struct room r;
    struct probe p = {0};
    char key[16];
    open_with_key(&r, key);
    if (i == 0) r.transport.can = GCACHE_CAN_PING | GCACHE_CAN_GIVE;
    if (i == 1) r.transport.size = offsetof(gcache_transport_t, can);
    if (i == 2) r.core.previous.terms.handoff_ms = r.core.previous.until_ms = 0;
    assert_int_equal(room_get(&r, &p, key, 0), 0);
    room_run(&r);
    assert_int_equal(r.calls_started, 0);
    assert_int_equal(r.n_loads, 1);
    room_close(&r);
  }
}

static void other_dialects_hand_nothing_over(void **state) {
  struct room r;
  (void)state;
  room_init(&r);
  struct gci_core_options o = options_of(&r);
  o.dialect = GCACHE_DIALECT_MAILGUN;
  assert_int_equal(room_try_open(&r, &o), 0);
  assert_int_equal(list_of(&r, ROOM_B, ROOM_C), 0);
  assert_int_equal(list_of(&r, ROOM_B, NULL), 0);
  assert_int_equal(r.core.previous.list.n, 0);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  room_close(&r);
}

/* ---- a member that has just started ---- */

static void a_member_that_has_just_started_asks_who_would_own_the_key_without_it(void **state) {
  struct room r;
  struct probe p = {0}, q = {0};
  char key[16], other[16];
  (void)state;
  open_room(&r);
  assert_int_equal(list_of(&r, ROOM_B, NULL), 0);
  room_key(&r, ROOM_SELF, key);
  room_key(&r, ROOM_SELF, other);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  gcache_call_t *call = asked_cached(&r, ROOM_B);
  assert_string_equal(gcache_call_newcomer(call), ROOM_SELF);
  room_call_answer(&r, 0, "from b");
  room_run(&r);
  assert_string_equal(p.text, "from b");

  /* One that knows it from before says so, and is asked no more. */
  assert_int_equal(room_get(&r, &p, other, 0), 0);
  asked_cached(&r, ROOM_B);
  room_call_answer(&r, UV_EPERM, NULL);
  room_run(&r);
  assert_int_equal(r.n_loads, 1);
  room_load_answer(&r, "loaded");
  room_key(&r, ROOM_SELF, other);
  assert_int_equal(room_get(&r, &q, other, 0), 0);
  room_run(&r);
  assert_int_equal(r.calls_started, 2);
  assert_int_equal(r.n_loads, 1);
  room_close(&r);
}

static void a_key_removed_since_the_start_is_not_asked_for(void **state) {
  struct room r;
  struct answer_probe order;
  struct probe p = {0};
  char key[16];
  (void)state;
  open_room(&r);
  assert_int_equal(list_of(&r, ROOM_B, NULL), 0);
  room_key(&r, ROOM_SELF, key);
  assert_int_equal(room_answer(&r, &order, GCACHE_OP_REMOVE, key, NULL), 0);
  room_run(&r);
  assert_int_equal(room_get(&r, &p, key, 0), 0);
  room_run(&r);
  assert_int_equal(r.calls_started, 0);
  room_close(&r);
}

/* ---- being asked ---- */

static int ask_cached(struct room *r, struct answer_probe *p, const char *key,
                      const char *newcomer) {
  memset(p, 0, sizeof *p);
  p->room = r;
  p->req.data = p;
  r->depth++;
  int rc = gcache_answer_cached(&p->req, &r->core, gcache_cstr("g"), gcache_cstr(key), newcomer,
                                room_on_answered);
  r->depth--;
  if (rc == 0) room_run(r);
  return rc;
}

static void whoever_is_asked_answers_from_memory_only(void **state) {
  struct room r;
  struct answer_probe a;
  (void)state;
  open_room(&r);
  assert_int_equal(list_of(&r, ROOM_B, ROOM_C), 0);
  assert_int_equal(ask_cached(&r, &a, "k", NULL), 0);
  assert_int_equal(a.status, UV_ENOENT);
  assert_int_equal(room_answer(&r, &a, GCACHE_OP_SET, "k", "v"), 0);
  room_run(&r);
  assert_int_equal(ask_cached(&r, &a, "k", NULL), 0);
  assert_int_equal(a.status, 0);
  assert_string_equal(a.text, "v");
  assert_int_equal(r.getter_runs + r.calls_started, 0);
  assert_int_equal(gcache_answer_cached(&a.req, &r.core, gcache_cstr("none"), gcache_cstr("k"),
                                        NULL, room_on_answered),
                   GCACHE_ENOGROUP);
  room_close(&r);
}

/* A member that was there before may have been told of a remove that is on its way here. */
static void a_member_that_has_started_again_is_given_nothing(void **state) {
  struct room r;
  struct answer_probe a;
  (void)state;
  open_room(&r);
  assert_int_equal(list_of(&r, ROOM_B, NULL), 0);
  room_advance(&r, 10);
  assert_int_equal(list_of(&r, ROOM_B, ROOM_C), 0);
  assert_int_equal(room_answer(&r, &a, GCACHE_OP_SET, "k", "v"), 0);
  room_run(&r);
  assert_int_equal(ask_cached(&r, &a, "k", ROOM_B), 0); /* in the first list */
  assert_int_equal(a.status, UV_EPERM);
  assert_int_equal(ask_cached(&r, &a, "k", ROOM_C), 0);
  assert_int_equal(a.status, 0);
  assert_int_equal(ask_cached(&r, &a, "k", "http://d:1"), 0); /* this member's list is late */
  assert_int_equal(a.status, 0);
  room_advance(&r, HANDOFF_MS);
  assert_int_equal(ask_cached(&r, &a, "k", ROOM_C), 0); /* it has been there for long */
  assert_int_equal(a.status, UV_EPERM);
  room_close(&r);
}

static void who_came_is_new_for_as_long_as_it_was_said(void **state) {
  struct room r;
  struct answer_probe a;
  (void)state;
  open_room(&r);
  r.core.previous.terms.handoff_ms = GCACHE_NO_HANDOFF - 1;
  assert_int_equal(list_of(&r, ROOM_B, NULL), 0);
  room_advance(&r, 10);
  assert_int_equal(list_of(&r, ROOM_B, ROOM_C), 0);
  assert_int_equal(room_answer(&r, &a, GCACHE_OP_SET, "k", "v"), 0);
  room_advance(&r, 3600 * 1000);
  assert_int_equal(ask_cached(&r, &a, "k", ROOM_C), 0);
  assert_int_equal(a.status, 0);
  room_close(&r);
}

/* ---- whatever happens ---- */

static void tell(struct oom *oom, void *arg) {
  struct room r;
  struct probe probes[12];
  int begun[12] = {0}, step = 0, close_after = *(int *)arg;
  memset(probes, 0, sizeof probes);
  room_init(&r);
  r.oom = *oom;
  r.transport.can = GCACHE_CAN_ASK_CACHED;
  struct gci_core_options o = options_of(&r);
  o.members_at_once = 2;
  if (room_try_open(&r, &o) < 0) {
    *oom = r.oom;
    return;
  }
  gcache_group_options_t g = room_group_options(&r);
  int has_group = gcache_group_open(&r.group, &r.core, "g", &g) == 0;
  for (size_t i = 0; i < 12; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%zu", i % 7);
    if (!r.core.closing && i % 4 == 0) list_of(&r, i == 8 ? NULL : ROOM_B, i == 4 ? ROOM_C : NULL);
    if (has_group && !r.core.closing) begun[i] = room_get(&r, &probes[i], key, 60) == 0;
    if (step++ == close_after && !r.core.closing) room_begin_close(&r);
    room_turn(&r);
    room_turn(&r);
    if (i % 3 == 1) room_advance(&r, 30);
    while (i % 5 == 3 && r.n_calls > 0)
      room_call_answer(&r, i % 2 ? UV_ENOENT : 0, i % 2 ? NULL : "handed over");
    if (step++ == close_after && !r.core.closing) room_begin_close(&r);
  }
  if (!r.core.closing) room_settle(&r);
  if (!r.core.closing) room_begin_close(&r);
  room_settle(&r);
  assert_int_equal(r.cores_closed, 1);
  for (size_t i = 0; i < 12; i++)
    assert_int_equal(probes[i].runs, begun[i]);
  gci_core_fini(&r.core);
  manual_env_fini(&r.m);
  *oom = r.oom;
}

static void every_allocation_may_fail(void **state) {
  int never = -1;
  (void)state;
  assert_true(oom_sweep(tell, &never) > 30);
}

static void it_can_close_at_every_step(void **state) {
  (void)state;
  for (int step = 0; step < 24; step++) {
    struct oom oom;
    oom_init(&oom);
    tell(&oom, &step);
    oom_assert_empty(&oom);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_owner_takes_the_value_of_the_one_before_and_keeps_it),
      cmocka_unit_test(without_a_value_there_the_getter_runs),
      cmocka_unit_test(a_value_that_has_expired_is_stale_or_too_large_is_not_taken),
      cmocka_unit_test(a_peer_that_does_not_answer_costs_a_moment),
      cmocka_unit_test(who_leaves_leaves_alone_and_the_last_tells),
      cmocka_unit_test(a_remove_meanwhile_lets_the_value_pass_and_forgets_it),
      cmocka_unit_test(after_a_remove_and_no_value_one_getter_runs_for_all),
      cmocka_unit_test(for_a_key_that_was_changed_nobody_is_asked),
      cmocka_unit_test(nobody_is_asked_once_too_much_has_changed),
      cmocka_unit_test(after_a_while_nobody_is_asked_and_the_list_before_is_freed),
      cmocka_unit_test(the_same_list_again_changes_nothing),
      cmocka_unit_test(who_has_left_the_list_is_not_asked),
      cmocka_unit_test(transports_that_do_not_know_are_not_asked),
      cmocka_unit_test(other_dialects_hand_nothing_over),
      cmocka_unit_test(a_member_that_has_just_started_asks_who_would_own_the_key_without_it),
      cmocka_unit_test(a_key_removed_since_the_start_is_not_asked_for),
      cmocka_unit_test(whoever_is_asked_answers_from_memory_only),
      cmocka_unit_test(a_member_that_has_started_again_is_given_nothing),
      cmocka_unit_test(who_came_is_new_for_as_long_as_it_was_said),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(it_can_close_at_every_step),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
