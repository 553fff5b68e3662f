/* Unit test of core/timing: which gets, runs and exchanges are timed, and as what. */
#include "core_room.h"

#include <math.h>

#include "core/timing.h"
#include "fresh_room.h"

#define MS UINT64_C(1000000)

/* One thing was timed, and it took so long. */
static void assert_one(const gcache_histogram_t *h, uint64_t ms) {
  assert_int_equal(h->count, 1);
  assert_int_equal(h->sum_ns, ms * MS);
  for (size_t i = 0; i < GCACHE_HISTOGRAM_BUCKETS; i++) {
    int is_in = (double)ms / 1000 <= gcache_histogram_bound(i) &&
                (i == 0 || (double)ms / 1000 > gcache_histogram_bound(i - 1));
    assert_int_equal(h->buckets[i], is_in);
  }
}

static uint64_t all_gets(const gcache_group_stats_t *s) {
  const gcache_latencies_t *get = &s->get;
  return get->main.count + get->hot.count + get->peer.count + get->load.count + get->stale.count +
         get->failed.count;
}

static void bounds_rise_to_infinity(void **state) {
  (void)state;
  assert_true(gcache_histogram_bound(0) == 1e-6);
  assert_true(gcache_histogram_bound(1) == 2.5e-6);
  assert_true(gcache_histogram_bound(21) == 10.0);
  for (size_t i = 1; i < GCACHE_HISTOGRAM_BUCKETS; i++)
    assert_true(gcache_histogram_bound(i) > gcache_histogram_bound(i - 1));
  assert_true(isinf(gcache_histogram_bound(GCACHE_HISTOGRAM_BUCKETS - 1)));
  assert_true(isinf(gcache_histogram_bound(SIZE_MAX)));
}

static void what_takes_as_long_as_a_bound_is_within_it(void **state) {
  (void)state;
  for (size_t i = 0; i < GCACHE_HISTOGRAM_BUCKETS - 1; i++) {
    uint64_t ns = (uint64_t)llround(gcache_histogram_bound(i) * 1e9);
    gcache_histogram_t h = {0};
    gci_histogram_add(&h, ns, 3);
    gci_histogram_add(&h, ns + 1, 2);
    assert_int_equal(h.buckets[i], 3);
    assert_int_equal(h.buckets[i + 1], 2);
    assert_int_equal(h.count, 5);
    assert_int_equal(h.sum_ns, 5 * ns + 2);
  }
}

static void a_load_is_timed_for_the_caller_and_for_the_getter(void **state) {
  struct room r;
  struct probe p = {0}, late = {0};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_turn(&r);
  room_advance(&r, 20);
  assert_int_equal(room_get(&r, &late, "k", 0), 0);
  room_advance(&r, 10);
  room_load_answer(&r, "v");
  room_turn(&r);
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.getter, 30);
  assert_int_equal(s.get.load.count, 2);
  assert_int_equal(s.get.load.sum_ns, 40 * MS);
  assert_int_equal(s.loads_joined, 1);
  assert_int_equal(all_gets(&s), 2);
  room_close(&r);
}

static void a_run_that_fails_is_timed(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_turn(&r);
  room_advance(&r, 7);
  room_load_fail(&r, r.loads[0], GCACHE_ENOTFOUND, NULL);
  room_turn(&r);
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.getter, 7);
  assert_one(&s.get.failed, 7);
  room_close(&r);
}

static void an_answer_of_the_owner_is_timed_for_the_caller_and_for_the_peer(void **state) {
  struct room r;
  struct probe p = {0};
  gcache_peer_stats_t peer;
  char key[16];
  (void)state;
  room_open_three(&r);
  assert_int_equal(room_get(&r, &p, room_key(&r, ROOM_B, key), 0), 0);
  room_turn(&r);
  room_advance(&r, 3);
  room_call_answer(&r, 0, "v");
  room_turn(&r);
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.get.peer, 3);
  assert_int_equal(all_gets(&s), 1);
  assert_int_equal(gcache_peer_stats(&r.core, 0, &peer), 0);
  assert_string_equal(peer.url, ROOM_B);
  assert_one(&peer.exchange, 3);
  room_close(&r);
}

/* The callers that are left ask again: what the first question took is not the second's. */
static void a_question_asked_again_is_timed_from_when_it_was(void **state) {
  struct room r;
  struct probe first = {0}, second = {0};
  gcache_peer_stats_t peer;
  char key[16];
  (void)state;
  room_open_three(&r);
  assert_int_equal(room_get(&r, &first, room_key(&r, ROOM_B, key), 100), 0);
  room_turn(&r);
  room_advance(&r, 60);
  assert_int_equal(room_get(&r, &second, key, 100), 0);
  room_advance(&r, 40);
  assert_int_equal(first.status, UV_ETIMEDOUT);
  room_call_answer(&r, UV_ETIMEDOUT, NULL); /* the owner was given no longer */
  room_run(&r);
  room_advance(&r, 5);
  room_call_answer(&r, 0, "v");
  room_run(&r);
  assert_string_equal(second.text, "v");
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.get.peer, 45);
  assert_int_equal(gcache_peer_stats(&r.core, 0, &peer), 0);
  assert_string_equal(peer.url, ROOM_B);
  assert_int_equal(peer.exchange.count, 2);
  assert_int_equal(peer.exchange.sum_ns, (100 + 5) * MS);
  room_close(&r);
}

static void a_peers_question_times_the_getter_and_no_get(void **state) {
  struct room r;
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  assert_int_equal(room_answer(&r, &p, GCACHE_OP_GET, "k", NULL), 0);
  room_turn(&r);
  room_advance(&r, 5);
  room_load_answer(&r, "v");
  room_turn(&r);
  for (int i = 0; i < 300; i++) {
    assert_int_equal(room_answer(&r, &p, GCACHE_OP_GET, "k", NULL), 0);
    room_turn(&r);
  }
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.getter, 5);
  assert_int_equal(all_gets(&s), 0);
  room_close(&r);
}

static void a_caller_out_of_time_counts_as_failed_and_one_who_cancels_not_at_all(void **state) {
  struct room r;
  struct probe late = {0}, gone = {0};
  (void)state;
  room_open_alone(&r);
  assert_int_equal(room_get(&r, &late, "k", 40), 0);
  assert_int_equal(room_get(&r, &gone, "other", 40), 0);
  room_turn(&r);
  room_cancel(&r, &gone);
  room_advance(&r, 40);
  assert_int_equal(late.status, UV_ETIMEDOUT);
  assert_int_equal(gone.status, UV_ECANCELED);
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.get.failed, 40);
  assert_int_equal(all_gets(&s), 1);
  room_close(&r);
}

static void a_stale_value_in_place_of_a_failure_is_timed_as_stale(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  fresh_open(&r, NULL, &(gcache_group_options_t){.error_ms = 5000});
  room_fill(&r, "k", "old", 1000);
  room_advance(&r, 1500);
  fresh_get(&r, &p, "k");
  room_advance(&r, 9);
  fresh_fail(&r, UV_EIO);
  assert_int_equal(p.status, 0);
  assert_true(p.stale_ms > 0);
  gcache_group_stats_t s = room_stats(&r);
  assert_one(&s.get.stale, 9);
  room_close(&r);
}

static void assert_about(uint64_t count, uint64_t hits) {
  assert_int_equal(count % GCI_TIMING_ONE_IN, 0);
  assert_true(count > hits - hits / 10 && count < hits + hits / 10);
}

/* Asked one a turn, and many a turn: neither way is left out, nor counted twice. */
static void hits_are_timed_at_random_one_in_64(void **state) {
  enum { EACH = 64000, AT_ONCE = 40 };
  static struct probe p[AT_ONCE];
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "0123456789", "v", 0);
  for (int i = 0; i < EACH; i++) {
    assert_int_equal(room_get(&r, &p[0], "0123456789", 0), 0);
    room_turn(&r);
  }
  gcache_group_stats_t alone = room_stats(&r);
  assert_about(alone.get.main.count, EACH);
  for (int i = 0; i < EACH; i += AT_ONCE) {
    for (int k = 0; k < AT_ONCE; k++)
      assert_int_equal(room_get(&r, &p[k], "0123456789", 0), 0);
    room_turn(&r);
  }
  gcache_group_stats_t both = room_stats(&r);
  assert_about(both.get.main.count - alone.get.main.count, EACH);
  assert_int_equal(both.hits, 2 * EACH);
  assert_int_equal(all_gets(&both), both.get.main.count);
  room_close(&r);
}

/* Whichever of them is the one that is timed. */
static void hits_that_are_cancelled_are_not_timed(void **state) {
  enum { N = 400 };
  static struct probe p[N];
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "0123456789", "v", 0);
  for (int k = 0; k < N; k++)
    assert_int_equal(room_get(&r, &p[k], "0123456789", 0), 0);
  for (int k = 0; k < N; k++)
    room_cancel(&r, &p[k]);
  room_turn(&r);
  gcache_group_stats_t s = room_stats(&r);
  assert_int_equal(s.cancels, N);
  assert_int_equal(all_gets(&s), 0);
  room_close(&r);
}

static void groups_are_walked_in_the_order_of_opening(void **state) {
  struct room r;
  gcache_group_t *second, *third;
  (void)state;
  room_open_alone(&r);
  gcache_group_options_t o = room_group_options(&r);
  assert_int_equal(gcache_group_open(&second, &r.core, "a", &o), 0);
  assert_int_equal(gcache_group_open(&third, &r.core, "b", &o), 0);
  assert_ptr_equal(gcache_group_next(&r.core, NULL), r.group);
  assert_ptr_equal(gcache_group_next(&r.core, r.group), second);
  assert_ptr_equal(gcache_group_next(&r.core, second), third);
  assert_null(gcache_group_next(&r.core, third));
  gcache_group_close(second, NULL, NULL);
  assert_ptr_equal(gcache_group_next(&r.core, r.group), third);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bounds_rise_to_infinity),
      cmocka_unit_test(what_takes_as_long_as_a_bound_is_within_it),
      cmocka_unit_test(a_load_is_timed_for_the_caller_and_for_the_getter),
      cmocka_unit_test(a_run_that_fails_is_timed),
      cmocka_unit_test(an_answer_of_the_owner_is_timed_for_the_caller_and_for_the_peer),
      cmocka_unit_test(a_question_asked_again_is_timed_from_when_it_was),
      cmocka_unit_test(a_peers_question_times_the_getter_and_no_get),
      cmocka_unit_test(a_caller_out_of_time_counts_as_failed_and_one_who_cancels_not_at_all),
      cmocka_unit_test(a_stale_value_in_place_of_a_failure_is_timed_as_stale),
      cmocka_unit_test(hits_are_timed_at_random_one_in_64),
      cmocka_unit_test(hits_that_are_cancelled_are_not_timed),
      cmocka_unit_test(groups_are_walked_in_the_order_of_opening),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
