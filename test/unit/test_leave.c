/* core/leave: a leaving member gives away its most used values; and how values that others give are
 * handled. */
#include "core/group.h"
#include "core_room.h"
#include "gcache/leave.h"

enum { QUIET_MS = 1000, N = 300 };

struct leaver {
  gcache_leave_t req;
  struct room *room;
  int runs, status;
  gcache_left_t left;
};

static void on_left(gcache_leave_t *req, int status, const gcache_left_t *left) {
  struct leaver *l = req->data;
  room_called_out(l->room);
  l->runs++;
  l->status = status;
  l->left = *left;
}

static int leave(struct room *r, struct leaver *l, uint64_t timeout_ms) {
  memset(l, 0, sizeof *l);
  l->room = r;
  l->req.data = l;
  r->depth++;
  int rc = gcache_leave(&l->req, &r->core, timeout_ms, on_left);
  r->depth--;
  return rc;
}

static int try_open(struct room *r) {
  const char *const urls[] = {ROOM_SELF, ROOM_B};
  r->transport.can = GCACHE_CAN_GIVE;
  struct gci_core_options o = room_core_options(r, ROOM_SELF);
  o.dialect = GCACHE_DIALECT_GCACHE;
  o.handoff = (struct gci_handoff_terms){.handoff_ms = 30000, .quiet_ms = QUIET_MS};
  int rc = room_try_open(r, &o);
  if (rc < 0) return rc;
  room_set_peers(r, urls, 2);
  gcache_group_options_t g = room_group_options(r);
  if (gcache_group_open(&r->group, &r->core, "g", &g) < 0) r->group = NULL;
  return 0;
}

static void put(struct room *r, int i) {
  struct answer_probe p;
  char key[16];
  snprintf(key, sizeof key, "k%d", i);
  if (room_answer(r, &p, GCACHE_OP_SET, key, "v") == 0) room_run(r);
}

static void open_with(struct room *r, int n) {
  room_init(r);
  assert_int_equal(try_open(r), 0);
  room_advance(r, 2 * QUIET_MS + 1);
  for (int i = 0; i < n; i++)
    put(r, i);
}

static void all_is_given_a_window_at_a_time_and_counted(void **state) {
  struct room r;
  struct leaver l, again;
  int seen[N] = {0}, i;
  (void)state;
  open_with(&r, N);
  assert_int_equal(leave(&r, &l, 0), 0);
  assert_true(gcache_is_leaving(&r.core));
  assert_int_equal(leave(&r, &again, 0), UV_EALREADY);
  for (room_run(&r); r.n_calls > 0; room_run(&r)) {
    assert_true(r.n_calls <= 64);
    gcache_call_t *call = r.calls[0];
    char key[16] = "";
    assert_int_equal(gcache_call_op(call), GCACHE_OP_GIVE);
    memcpy(key, gcache_call_key(call).base, gcache_call_key(call).len);
    assert_int_equal(sscanf(key, "k%d", &i), 1);
    seen[i]++;
    room_call_done(&r, call, i % 3 == 0 ? UV_EEXIST : 0, NULL, NULL);
  }
  assert_int_equal(l.runs, 1);
  assert_int_equal(l.status, 0);
  assert_int_equal(l.left.given, N - N / 3);
  assert_int_equal(l.left.refused, N / 3);
  assert_int_equal(room_stats(&r).given, l.left.given);
  for (i = 0; i < N; i++)
    assert_int_equal(seen[i], 1);
  room_close(&r);
}

static void time_and_close_end_it(void **state) {
  (void)state;
  for (int closes = 0; closes < 2; closes++) {
    struct room r;
    struct leaver l;
    open_with(&r, N);
    assert_int_equal(leave(&r, &l, 50), 0);
    room_run(&r);
    assert_true(r.n_calls > 0);
    if (closes)
      room_begin_close(&r);
    else
      room_advance(&r, 50);
    room_run(&r);
    assert_int_equal(l.runs, 1);
    assert_int_equal(l.status, closes ? UV_ECANCELED : UV_ETIMEDOUT);
    assert_int_equal(r.calls_told, r.calls_started); /* a peer may be silent for ever */
    room_close(&r);
    assert_int_equal(l.runs, 1);
  }
}

static void list_that_is_emptied_before_or_meanwhile_ends_it(void **state) {
  (void)state;
  for (int meanwhile = 0; meanwhile < 2; meanwhile++) {
    struct room r;
    struct leaver l;
    open_with(&r, N);
    if (!meanwhile) assert_int_equal(room_set_peers(&r, NULL, 0), 0);
    assert_int_equal(leave(&r, &l, 0), 0);
    room_run(&r);
    size_t sent = r.n_calls;
    assert_int_equal(sent > 0, meanwhile);
    if (meanwhile) assert_int_equal(room_set_peers(&r, NULL, 0), 0);
    while (r.n_calls > 0) {
      assert_int_equal(l.runs, 0);
      room_call_answer(&r, 0, NULL);
      room_run(&r);
    }
    assert_int_equal(l.runs, 1);
    assert_int_equal(l.status, 0);
    assert_int_equal(l.left.given, sent);
    room_close(&r);
  }
}

static void alone_or_without_a_transport_that_can_nothing_is_given(void **state) {
  struct room r;
  struct leaver l;
  (void)state;
  open_with(&r, 3);
  r.transport.can = 0;
  assert_int_equal(leave(&r, &l, 0), 0);
  room_run(&r);
  assert_int_equal(l.status, 0);
  assert_int_equal(l.runs, 1);
  assert_int_equal(r.calls_started, 0);
  room_close(&r);
}

/* ---- being given ---- */

static int given(struct room *r, const char *key, const char *giver) {
  struct answer_probe p = {.room = r};
  gcache_value_t *value = room_value(r, "given", 0);
  p.req.data = &p;
  r->depth++;
  assert_int_equal(gcache_answer_give(&p.req, &r->core, gcache_cstr("g"), gcache_cstr(key), value,
                                      giver, room_on_answered),
                   0);
  r->depth--;
  gcache_value_unref(value);
  room_run(r);
  assert_int_equal(p.runs, 1);
  return p.status;
}

static void what_is_given_is_kept_only_where_nothing_is_known_of_the_key(void **state) {
  struct room r;
  struct answer_probe order;
  struct probe p = {0};
  char key[16];
  (void)state;
  open_with(&r, 1);
  assert_int_equal(given(&r, "new", ROOM_B), 0);
  gcache_value_t *kept = gcache_peek(r.group, gcache_cstr("new"));
  assert_non_null(kept);
  gcache_value_unref(kept);
  assert_int_equal(room_stats(&r).taken, 1);
  assert_int_equal(given(&r, "new", ROOM_B), UV_EEXIST); /* it is there */
  assert_int_equal(given(&r, "k0", ROOM_B), UV_EEXIST);
  assert_int_equal(given(&r, "other", ROOM_C), UV_EEXIST); /* not a member */
  assert_int_equal(room_answer(&r, &order, GCACHE_OP_REMOVE, "gone", NULL), 0);
  room_run(&r);
  assert_int_equal(given(&r, "gone", ROOM_B), UV_EEXIST); /* removed of late */
  assert_int_equal(room_get(&r, &p, room_key(&r, ROOM_SELF, key), 0), 0);
  room_run(&r);
  assert_int_equal(given(&r, key, ROOM_B), UV_EEXIST); /* being loaded */
  assert_int_equal(room_answer(&r, &order, GCACHE_OP_CLEAR, "", NULL), 0);
  room_run(&r);
  assert_int_equal(given(&r, "anything", ROOM_B), UV_EEXIST); /* cleared of late */
  room_advance(&r, QUIET_MS + 1);
  assert_int_equal(given(&r, "anything", ROOM_B), 0);
  room_close(&r);
}

static void a_member_that_has_just_started_takes_nothing(void **state) {
  struct room r;
  (void)state;
  room_init(&r);
  assert_int_equal(try_open(&r), 0);
  assert_int_equal(given(&r, "k", ROOM_B), UV_EEXIST);
  room_close(&r);
}

/* ---- whatever happens ---- */

static void tell(struct oom *oom, void *arg) {
  struct room r;
  struct leaver l = {0};
  (void)arg;
  room_init(&r);
  r.oom = *oom;
  if (try_open(&r) == 0) {
    for (int i = 0; i < 5 && r.group != NULL; i++)
      put(&r, i);
    int begun = leave(&r, &l, 100) == 0;
    room_settle(&r);
    room_begin_close(&r);
    room_settle(&r);
    assert_int_equal(l.runs, begun);
    gci_core_fini(&r.core);
    manual_env_fini(&r.m);
  }
  *oom = r.oom;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_sweep(tell, NULL) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_is_given_a_window_at_a_time_and_counted),
      cmocka_unit_test(time_and_close_end_it),
      cmocka_unit_test(list_that_is_emptied_before_or_meanwhile_ends_it),
      cmocka_unit_test(alone_or_without_a_transport_that_can_nothing_is_given),
      cmocka_unit_test(what_is_given_is_kept_only_where_nothing_is_known_of_the_key),
      cmocka_unit_test(a_member_that_has_just_started_takes_nothing),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
