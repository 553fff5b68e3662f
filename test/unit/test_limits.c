/* limits: how long a connection may take, with a clock of our own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/limits.h"

static const gcache_limits_t limits = {.head_timeout_ms = 10000,
                                       .body_timeout_ms = 30000,
                                       .body_rate_min = 1024,
                                       .write_stall_ms = 7000,
                                       .idle_ms = 60000};

/* One connection, looked at from time to time. */
struct watched {
  struct gci_pace pace;
  struct gci_pace_view view;
  uint64_t next_ms;
};

static void watch_from(struct watched *w, uint64_t now_ms) {
  *w = (struct watched){.view = {.phase = GCI_PACE_REST, .reading = 1}};
  gci_pace_init(&w->pace, now_ms);
}

static enum gci_pace_verdict look(struct watched *w, uint64_t now_ms) {
  gci_pace_note(&w->pace, &w->view, now_ms);
  return gci_pace_judge(&w->pace, &w->view, &limits, now_ms, &w->next_ms);
}

static void resting_ends_after_idle(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 5);
  assert_int_equal(look(&w, 5), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 60005);
  assert_int_equal(look(&w, 60004), GCI_PACE_FINE);
  assert_int_equal(look(&w, 60005), GCI_PACE_RESTED);
}

static void owing_an_answer_is_not_rest(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.owes = 1;
  assert_int_equal(look(&w, 0), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, UINT64_MAX);
  assert_int_equal(look(&w, 1000000), GCI_PACE_FINE);
  w.view.owes = 0; /* rest begins with the answer */
  assert_int_equal(look(&w, 1000001), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 1060001);
  assert_int_equal(look(&w, 1060001), GCI_PACE_RESTED);
}

static void head_has_one_time_for_all_its_reads(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.phase = GCI_PACE_HEAD;
  assert_int_equal(look(&w, 100), GCI_PACE_FINE);
  for (uint64_t now = 101; now < 10100; now += 999)
    assert_int_equal(look(&w, now), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 10100);
  assert_int_equal(look(&w, 10100), GCI_PACE_TOO_SLOW);
}

static void next_request_has_a_time_of_its_own(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.phase = GCI_PACE_HEAD;
  look(&w, 0);
  w.view.request = 1; /* pipelined: head follows head */
  assert_int_equal(look(&w, 9999), GCI_PACE_FINE);
  assert_int_equal(look(&w, 19998), GCI_PACE_FINE);
  assert_int_equal(look(&w, 19999), GCI_PACE_TOO_SLOW);
}

static void body_must_keep_its_rate_after_a_grace(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.phase = GCI_PACE_BODY;
  assert_int_equal(look(&w, 0), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 5000);
  assert_int_equal(look(&w, 4999), GCI_PACE_FINE);
  w.view.body_received = 5 * 1024;
  assert_int_equal(look(&w, 5000), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 6000);
  w.view.body_received = 5 * 1024 - 1;
  assert_int_equal(look(&w, 5000), GCI_PACE_TOO_SLOW);
}

static void body_has_an_absolute_time_at_any_rate(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.phase = GCI_PACE_BODY;
  look(&w, 0);
  w.view.body_received = UINT64_MAX;
  assert_int_equal(look(&w, 29999), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 30000);
  assert_int_equal(look(&w, 30000), GCI_PACE_TOO_SLOW);
}

static void clock_stands_while_we_do_not_read(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.phase = GCI_PACE_HEAD;
  look(&w, 0);
  w.view.reading = 0;
  assert_int_equal(look(&w, 5000), GCI_PACE_FINE);
  assert_int_equal(look(&w, 500000), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, UINT64_MAX);
  w.view.reading = 1;
  assert_int_equal(look(&w, 500000), GCI_PACE_FINE);
  assert_int_equal(look(&w, 509999), GCI_PACE_FINE);
  assert_int_equal(look(&w, 510000), GCI_PACE_TOO_SLOW);
}

static void stalled_write_counts_from_its_last_progress(void **state) {
  struct watched w;

  (void)state;
  watch_from(&w, 0);
  w.view.owes = w.view.writing = 1;
  w.view.write_progress_ms = 100;
  assert_int_equal(look(&w, 7099), GCI_PACE_FINE);
  assert_int_equal(w.next_ms, 7100);
  w.view.write_progress_ms = 7050;
  assert_int_equal(look(&w, 7100), GCI_PACE_FINE);
  assert_int_equal(look(&w, 14050), GCI_PACE_WRITE_STALL);
}

static void endless_times_never_pass(void **state) {
  gcache_limits_t endless = {.head_timeout_ms = UINT64_MAX,
                             .body_timeout_ms = UINT64_MAX,
                             .body_rate_min = 1,
                             .write_stall_ms = UINT64_MAX,
                             .idle_ms = UINT64_MAX};
  struct watched w;

  (void)state;
  watch_from(&w, 10);
  gci_pace_note(&w.pace, &w.view, 10);
  assert_int_equal(gci_pace_judge(&w.pace, &w.view, &endless, UINT64_MAX / 2, &w.next_ms),
                   GCI_PACE_FINE);
  assert_int_equal(w.next_ms, UINT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resting_ends_after_idle),
      cmocka_unit_test(owing_an_answer_is_not_rest),
      cmocka_unit_test(head_has_one_time_for_all_its_reads),
      cmocka_unit_test(next_request_has_a_time_of_its_own),
      cmocka_unit_test(body_must_keep_its_rate_after_a_grace),
      cmocka_unit_test(body_has_an_absolute_time_at_any_rate),
      cmocka_unit_test(clock_stands_while_we_do_not_read),
      cmocka_unit_test(stalled_write_counts_from_its_last_progress),
      cmocka_unit_test(endless_times_never_pass),
  };

  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
