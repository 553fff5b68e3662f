/* Unit test of core/trace and of the hooks: which calls belong to which trace, and which hooks are
 * told of getter runs. */
#include "core_room.h"

#include "core/trace.h"

#define TP "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define OTHER "00-11111111111111111111111111111111-2222222222222222-00"

static void what_is_not_a_traceparent_is_refused(void **state) {
  static const char *const bad[] = {"",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
                                    "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                    "0g-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                    "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                    "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                                    "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                    "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333 -01",
                                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n"};
  struct room r;
  (void)state;
  room_open_alone(&r);
  assert_int_equal(gcache_trace_begin(&r.core, NULL), UV_EINVAL);
  assert_int_equal(gcache_trace_begin(&r.core, TP), 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(gcache_trace_begin(&r.core, bad[i]), UV_EINVAL);
  assert_string_equal(gci_trace_words(r.core.trace), TP); /* it goes on */
  assert_int_equal(
      gcache_trace_begin(&r.core, "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff"), 0);
  gcache_trace_end(&r.core);
  gcache_trace_end(&r.core);
  assert_null(r.core.trace);
  room_close(&r);
}

static int traced_get(struct room *r, struct probe *p, const char *key, const char *traceparent) {
  assert_int_equal(gcache_trace_begin(&r->core, traceparent), 0);
  int rc = room_get(r, p, key, 0);
  gcache_trace_end(&r->core);
  return rc;
}

static void assert_traced(const char *got, const char *wanted) {
  if (wanted == NULL) {
    assert_null(got);
    return;
  }
  assert_non_null(got);
  assert_string_equal(got, wanted);
}

static void a_load_belongs_to_the_trace_of_the_get_that_opened_it(void **state) {
  struct room r;
  struct probe p = {0}, joined = {0}, plain = {0};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(traced_get(&r, &p, "k", TP), 0);
  assert_int_equal(traced_get(&r, &joined, "k", OTHER), 0);
  assert_int_equal(room_get(&r, &plain, "other", 0), 0);
  room_turn(&r);
  assert_int_equal(r.n_loads, 2);
  assert_traced(gcache_load_traceparent(r.loads[0]), TP);
  assert_traced(gcache_load_traceparent(r.loads[1]), NULL);
  room_close(&r);
}

static void a_question_carries_it_on_to_the_next_owner_and_to_the_load_here(void **state) {
  struct room r;
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key_of_two(&r, ROOM_B, ROOM_C, key);
  assert_int_equal(traced_get(&r, &p, key, TP), 0);
  room_turn(&r);
  assert_traced(gcache_call_traceparent(room_call_to(&r, ROOM_B)), TP);
  room_call_answer(&r, GCACHE_EPEER, NULL);
  room_run(&r);
  assert_traced(gcache_call_traceparent(room_call_to(&r, ROOM_C)), TP);
  room_call_answer(&r, GCACHE_EPEER, NULL);
  room_run(&r);
  assert_int_equal(r.n_loads, 1);
  assert_traced(gcache_load_traceparent(r.loads[0]), TP);
  assert_null(r.core.trace);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_string_equal(p.text, "v");
  room_close(&r);
}

static void both_rounds_of_a_change_carry_it(void **state) {
  struct room r;
  struct change_probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(gcache_trace_begin(&r.core, TP), 0);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  gcache_trace_end(&r.core);
  room_turn(&r);
  assert_traced(gcache_call_traceparent(room_call_to(&r, ROOM_B)), TP);
  room_call_answer(&r, 0, NULL);
  room_run(&r);
  assert_traced(gcache_call_traceparent(room_call_to(&r, ROOM_C)), TP);
  room_call_answer(&r, 0, NULL);
  room_run(&r);
  assert_int_equal(p.status, 0);
  room_close(&r);
}

static void what_a_peer_asks_in_a_trace_is_loaded_in_it(void **state) {
  struct room r;
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  assert_int_equal(gcache_trace_begin(&r.core, TP), 0);
  assert_int_equal(room_answer(&r, &p, GCACHE_OP_GET, "k", NULL), 0);
  gcache_trace_end(&r.core);
  room_turn(&r);
  assert_traced(gcache_load_traceparent(r.loads[0]), TP);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ hooks ---- */

enum { HEARD_MAX = 8 };

struct heard {
  struct room *room;
  size_t begun, ended;
  gcache_run_t runs[HEARD_MAX]; /* as they ended, by number */
  char traceparent[HEARD_MAX][64];
  int closes; /* in its load_begin */
};

static void on_begin(void *data, const gcache_run_t *run) {
  struct heard *h = data;
  room_called_out(h->room);
  h->begun++;
  assert_int_equal(run->number, h->begun);
  assert_int_equal(run->status, 0);
  assert_int_equal(h->room->getter_runs, h->begun - 1);
  if (h->closes) room_begin_close(h->room);
}

static void on_end(void *data, const gcache_run_t *run) {
  struct heard *h = data;
  room_called_out(h->room);
  h->ended++;
  assert_true(run->number >= 1 && run->number < HEARD_MAX);
  h->runs[run->number] = *run;
  if (run->traceparent != NULL)
    snprintf(h->traceparent[run->number], sizeof h->traceparent[0], "%s", run->traceparent);
}

static void open_hooked(struct room *r, struct heard *h) {
  memset(h, 0, sizeof *h);
  h->room = r;
  room_init(r);
  struct gci_core_options o = room_core_options(r, NULL);
  o.hooks = (gcache_hooks_t){on_begin, on_end, h};
  assert_int_equal(room_try_open(r, &o), 0);
  room_open_group(r, GCACHE_HOT_DEFAULT);
}

static void every_run_is_told_at_its_begin_and_in_the_turn_after_its_end(void **state) {
  struct room r;
  struct heard h;
  struct probe p = {0}, q = {0};
  (void)state;
  open_hooked(&r, &h);
  assert_int_equal(traced_get(&r, &p, "k", TP), 0);
  assert_int_equal(room_get(&r, &q, "other", 0), 0);
  assert_int_equal(h.begun, 0);
  room_turn(&r);
  assert_int_equal(h.begun, 2);
  room_advance(&r, 12);
  room_load_fail(&r, r.loads[1], GCACHE_ENOTFOUND, NULL);
  assert_int_equal(h.ended, 0);
  room_turn(&r);
  assert_int_equal(h.ended, 1);
  assert_int_equal(h.runs[2].status, GCACHE_ENOTFOUND);
  assert_int_equal(h.runs[2].duration_ns, 12000000);
  room_advance(&r, 8);
  room_load_answer(&r, "v");
  room_turn(&r);
  assert_int_equal(h.ended, 2);
  assert_int_equal(h.runs[1].status, 0);
  assert_int_equal(h.runs[1].duration_ns, 20000000);
  assert_ptr_equal(h.runs[1].group, r.group);
  assert_string_equal(h.traceparent[1], TP);
  assert_string_equal(h.traceparent[2], "");
  room_close(&r);
  assert_int_equal(h.ended, 2);
}

static void a_load_that_nobody_waits_for_any_more_is_no_run(void **state) {
  struct room r;
  struct heard h;
  struct probe p = {0};
  (void)state;
  open_hooked(&r, &h);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_cancel(&r, &p);
  room_run(&r);
  assert_int_equal(h.begun + h.ended, 0);
  room_close(&r);
}

static void a_hook_may_close_the_cache(void **state) {
  struct room r;
  struct heard h;
  struct probe p = {0};
  (void)state;
  open_hooked(&r, &h);
  h.closes = 1;
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 1);
  room_close(&r); /* answers the getter's */
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(h.ended, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_a_traceparent_is_refused),
      cmocka_unit_test(a_load_belongs_to_the_trace_of_the_get_that_opened_it),
      cmocka_unit_test(a_question_carries_it_on_to_the_next_owner_and_to_the_load_here),
      cmocka_unit_test(both_rounds_of_a_change_carry_it),
      cmocka_unit_test(what_a_peer_asks_in_a_trace_is_loaded_in_it),
      cmocka_unit_test(every_run_is_told_at_its_begin_and_in_the_turn_after_its_end),
      cmocka_unit_test(a_load_that_nobody_waits_for_any_more_is_no_run),
      cmocka_unit_test(a_hook_may_close_the_cache),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
