/* Unit test of http/h2_guard: frames made by hand, whole and byte by byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "h2_frames.h"
#include "http/h2_guard.h"

static gcache_limits_t limits_of(void) {
  gcache_limits_t limits = {0};
  limits.resets_burst = 5;
  limits.resets_per_s = 2;
  limits.continuations_max = 2;
  limits.settings_max = 3;
  limits.control_max = 10;
  return limits;
}

/* Bytes taken in pieces of `step`. */
static size_t take(struct gci_h2_guard *g, const struct h2_frames *f, size_t step,
                   uint64_t now_ms) {
  size_t taken = 0;
  for (size_t at = 0; at < f->len; at += step) {
    size_t n = f->len - at < step ? f->len - at : step;
    size_t took = gci_h2_guard_take(g, gcache_bytes(f->bytes + at, n), now_ms);
    taken += took;
    if (took < n) break;
  }
  return taken;
}

static void assert_verdict(const struct h2_frames *f, enum gci_h2_verdict verdict, size_t sound) {
  gcache_limits_t limits = limits_of();
  for (size_t step = 1; step <= f->len; step++) {
    struct gci_h2_guard g;
    gci_h2_guard_init(&g, GCI_H2_CLIENT, &limits, 0);
    size_t taken = take(&g, f, step, 0);
    assert_int_equal(g.verdict, verdict);
    /* At most the head of the frame that is too many has been let through, where it was cut. */
    assert_in_range(taken, sound, verdict == GCI_H2_FINE ? sound : sound + 8);
    if (step == f->len) assert_int_equal(taken, sound);
  }
}

static void frames_that_carry_something_are_never_too_many(void **state) {
  static const unsigned char payload[300];
  struct h2_frames f = {0};
  (void)state;
  for (int i = 0; i < 100; i++)
    frames_add(&f, F_DATA, i % 2 ? F_PADDED : 0, 1, payload, i % 2 ? 257 : 1);
  assert_verdict(&f, GCI_H2_FINE, f.len);
  frames_free(&f);
}

static void each_kind_without_content_counts(void **state) {
  static const struct {
    int type, flags;
    size_t len;
  } kinds[] = {{F_DATA, 0, 0},     {F_DATA, F_PADDED, 256},      {F_PRIORITY, 0, 5},
               {F_SETTINGS, 0, 0}, {F_SETTINGS, F_ACK, 0},       {F_PING, 0, 8},
               {F_PING, F_ACK, 8}, {F_WINDOW_UPDATE, 0, 4},      {F_UNKNOWN, 0, 3},
               {F_GOAWAY, 0, 8},   {F_HEADERS, F_END_HEADERS, 1}};
  static const unsigned char payload[300];
  (void)state;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    struct h2_frames f = {0};
    for (int n = 0; n < 10; n++)
      frames_add(&f, kinds[i].type, kinds[i].flags, 1, payload, kinds[i].len);
    size_t sound = f.len;
    assert_verdict(&f, GCI_H2_FINE, sound);
    frames_add(&f, kinds[i].type, kinds[i].flags, 1, payload, kinds[i].len);
    assert_verdict(&f, GCI_H2_MANY_CONTROLS, sound);
    frames_free(&f);
  }
}

static void the_count_begins_anew_every_ten_seconds(void **state) {
  gcache_limits_t limits = limits_of();
  struct gci_h2_guard g;
  struct h2_frames f = {0};
  (void)state;
  for (int n = 0; n < 10; n++)
    frames_add(&f, F_PING, 0, 0, "12345678", 8);
  gci_h2_guard_init(&g, GCI_H2_SERVER, &limits, 500);
  g.preface = 0;
  assert_int_equal(take(&g, &f, f.len, 500), f.len);
  assert_int_equal(take(&g, &f, f.len, 10500), f.len);
  assert_int_equal(take(&g, &f, f.len, 20499), 0);
  assert_int_equal(g.verdict, GCI_H2_MANY_CONTROLS);
  assert_int_equal(take(&g, &f, f.len, 90000), 0);
  frames_free(&f);
}

static void what_was_earned_is_spent_first_and_is_bounded(void **state) {
  gcache_limits_t limits = limits_of();
  struct gci_h2_guard g;
  struct h2_frames f = {0};
  (void)state;
  frames_u32(&f, F_WINDOW_UPDATE, 0, 1);
  gci_h2_guard_init(&g, GCI_H2_CLIENT, &limits, 0);
  for (int i = 0; i < 1000; i++)
    gci_h2_guard_earn(&g, 7);
  for (int n = 0; n < 80 + 10; n++)
    assert_int_equal(take(&g, &f, f.len, 0), f.len);
  assert_int_equal(take(&g, &f, f.len, 0), 0);
  frames_free(&f);
}

static void resets_have_a_burst_and_a_rate(void **state) {
  gcache_limits_t limits = limits_of();
  struct gci_h2_guard g;
  struct h2_frames f = {0};
  (void)state;
  limits.control_max = 1000;
  frames_u32(&f, F_RST_STREAM, 1, 8);
  gci_h2_guard_init(&g, GCI_H2_SERVER, &limits, 0);
  g.preface = 0;
  for (int n = 0; n < 5; n++)
    assert_int_equal(take(&g, &f, f.len, 0), f.len);
  for (int n = 1; n <= 20; n++)
    assert_int_equal(take(&g, &f, f.len, (uint64_t)n * 500), f.len);
  gci_h2_guard_provoked(&g, 10500); /* counts as one */
  assert_int_equal(g.verdict, GCI_H2_FINE);
  assert_int_equal(take(&g, &f, f.len, 10999), 0);
  assert_int_equal(g.verdict, GCI_H2_MANY_RESETS);
  gci_h2_guard_init(&g, GCI_H2_SERVER, &limits, 0);
  g.preface = 0;
  for (int n = 0; n < 5; n++)
    assert_int_equal(take(&g, &f, f.len, UINT64_MAX - 1), f.len); /* no more than the burst */
  assert_int_equal(take(&g, &f, f.len, UINT64_MAX - 1), 0);
  frames_free(&f);
}

static void a_head_has_so_many_continuations(void **state) {
  struct h2_frames f = {0};
  (void)state;
  frames_add(&f, F_HEADERS, 0, 1, "x", 1);
  frames_add(&f, F_CONTINUATION, 0, 1, "", 0);
  frames_add(&f, F_CONTINUATION, F_END_HEADERS, 1, "x", 1);
  frames_add(&f, F_HEADERS, 0, 3, "x", 1);
  frames_add(&f, F_CONTINUATION, 0, 3, "x", 1);
  frames_add(&f, F_CONTINUATION, 0, 3, "x", 1);
  size_t sound = f.len;
  assert_verdict(&f, GCI_H2_FINE, sound);
  frames_add(&f, F_CONTINUATION, F_END_HEADERS, 3, "x", 1);
  assert_verdict(&f, GCI_H2_MANY_CONTINUATIONS, sound);
  frames_free(&f);
}

static void a_frame_has_so_many_settings(void **state) {
  static const unsigned char entries[24];
  struct h2_frames f = {0};
  (void)state;
  frames_add(&f, F_SETTINGS, 0, 0, entries, 18);
  size_t sound = f.len;
  assert_verdict(&f, GCI_H2_FINE, sound);
  frames_add(&f, F_SETTINGS, 0, 0, entries, 24);
  assert_verdict(&f, GCI_H2_MANY_SETTINGS, sound);
  frames_free(&f);
}

static void it_knows_where_a_head_and_the_greeting_end(void **state) {
  gcache_limits_t limits = limits_of();
  struct gci_h2_guard g;
  struct h2_frames f = {0};
  (void)state;
  gci_h2_guard_init(&g, GCI_H2_SERVER, &limits, 0);
  frames_greet(&f);
  assert_int_equal(gci_h2_guard_take(&g, gcache_bytes(f.bytes, f.len - 1), 0), f.len - 1);
  assert_false(g.greeted);
  gci_h2_guard_take(&g, gcache_bytes(f.bytes + f.len - 1, 1), 0);
  assert_true(g.greeted);
  assert_false(g.in_head);
  f.len = 0;
  frames_add(&f, F_HEADERS, 0, 1, "xy", 2);
  frames_add(&f, F_CONTINUATION, F_END_HEADERS, 1, "xy", 2);
  for (size_t at = 0; at < f.len; at++) {
    assert_int_equal(g.in_head, at >= 9);
    gci_h2_guard_take(&g, gcache_bytes(f.bytes + at, 1), 0);
  }
  assert_false(g.in_head);
  assert_int_equal(g.frames, 3);
  frames_free(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_that_carry_something_are_never_too_many),
      cmocka_unit_test(each_kind_without_content_counts),
      cmocka_unit_test(the_count_begins_anew_every_ten_seconds),
      cmocka_unit_test(what_was_earned_is_spent_first_and_is_bounded),
      cmocka_unit_test(resets_have_a_burst_and_a_rate),
      cmocka_unit_test(a_head_has_so_many_continuations),
      cmocka_unit_test(a_frame_has_so_many_settings),
      cmocka_unit_test(it_knows_where_a_head_and_the_greeting_end),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
