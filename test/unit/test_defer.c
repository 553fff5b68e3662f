/* Unit test of base/defer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/defer.h"

/* Writes its letter, then does to `other` what it is told. */
struct note {
  struct gcache_job_s job;
  struct gci_defer *defer;
  char letter, *log;
  struct note *push, *cancel;
};

static void on_run(struct gcache_job_s *job) {
  struct note *note = gci_container_of(job, struct note, job);
  assert_false(gci_job_queued(job));
  strncat(note->log, &note->letter, 1);
  if (note->push != NULL) gci_defer_push(note->defer, &note->push->job);
  if (note->cancel != NULL) gci_defer_cancel(&note->cancel->job);
}

static struct note note(struct gci_defer *defer, char letter, char *log) {
  struct note n = {.defer = defer, .letter = letter, .log = log};
  gci_job_init(&n.job, on_run);
  return n;
}

static void jobs_run_once_in_the_order_they_came(void **state) {
  struct gci_defer defer;
  char log[8] = "";
  (void)state;
  gci_defer_init(&defer);
  struct note a = note(&defer, 'a', log), b = note(&defer, 'b', log), c = note(&defer, 'c', log);
  assert_true(gci_defer_empty(&defer));
  assert_true(gci_defer_push(&defer, &b.job));
  assert_false(gci_defer_push(&defer, &c.job));
  assert_false(gci_defer_push(&defer, &a.job));
  assert_true(gci_job_queued(&a.job));
  assert_false(gci_defer_empty(&defer));
  gci_defer_drain(&defer);
  gci_defer_drain(&defer);
  assert_string_equal(log, "bca");
  assert_true(gci_defer_empty(&defer));
}

static void what_a_job_pushes_waits_for_the_next_drain(void **state) {
  struct gci_defer defer;
  char log[8] = "";
  (void)state;
  gci_defer_init(&defer);
  struct note a = note(&defer, 'a', log), b = note(&defer, 'b', log);
  a.push = &a; /* itself: a queue that never empties must not hold the drain */
  gci_defer_push(&defer, &a.job);
  gci_defer_push(&defer, &b.job);
  gci_defer_drain(&defer);
  assert_string_equal(log, "ab");
  gci_defer_drain(&defer);
  assert_string_equal(log, "aba");
  gci_defer_cancel(&a.job);
  assert_true(gci_defer_empty(&defer));
}

static void a_cancelled_job_does_not_run_even_within_the_drain(void **state) {
  struct gci_defer defer;
  char log[8] = "";
  (void)state;
  gci_defer_init(&defer);
  struct note a = note(&defer, 'a', log), b = note(&defer, 'b', log), c = note(&defer, 'c', log);
  a.cancel = &b;
  gci_defer_push(&defer, &a.job);
  gci_defer_push(&defer, &b.job);
  gci_defer_push(&defer, &c.job);
  gci_defer_cancel(&c.job);
  gci_defer_cancel(&c.job);
  gci_defer_drain(&defer);
  assert_string_equal(log, "a");
}

static void on_run_free(struct gcache_job_s *job) {
  struct note *note = gci_container_of(job, struct note, job);
  strncat(note->log, &note->letter, 1);
  memset(note, 0xa5, sizeof *note);
  free(note);
}

static void a_job_may_free_itself(void **state) {
  struct gci_defer defer;
  char log[8] = "";
  (void)state;
  gci_defer_init(&defer);
  for (char letter = 'a'; letter < 'd'; letter++) {
    struct note *n = malloc(sizeof *n);
    *n = note(&defer, letter, log);
    gci_job_init(&n->job, on_run_free);
    gci_defer_push(&defer, &n->job);
  }
  gci_defer_drain(&defer);
  assert_string_equal(log, "abc");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jobs_run_once_in_the_order_they_came),
      cmocka_unit_test(what_a_job_pushes_waits_for_the_next_drain),
      cmocka_unit_test(a_cancelled_job_does_not_run_even_within_the_drain),
      cmocka_unit_test(a_job_may_free_itself),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
