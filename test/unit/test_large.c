/* Unit test of door/large. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "door/large.h"

static gcache_bytes_t key_of(char text[16], int i) {
  return gcache_bytes(text, (size_t)snprintf(text, 16, "key %d", i));
}

static void what_was_noted_is_known_until_it_is_taken_back(void **state) {
  struct gci_large large = {0};
  char text[16];
  (void)state;
  for (int i = 0; i < 100; i++) {
    assert_false(gci_large_has(&(struct gci_large){0}, key_of(text, i)));
    gci_large_note(&large, key_of(text, i), 1);
  }
  for (int i = 0; i < 100; i++)
    assert_true(gci_large_has(&large, key_of(text, i)));
  for (int i = 0; i < 100; i++) {
    gci_large_note(&large, key_of(text, i), 0);
    assert_false(gci_large_has(&large, key_of(text, i)));
  }
  assert_memory_equal(&large, &(struct gci_large){0}, sizeof large);
}

/* 50 of 1024 bits: 4.8 %, give or take five times the deviation of 2,000 draws. */
static void few_others_are_taken_for_large(void **state) {
  struct gci_large large = {0};
  int taken = 0;
  char text[16];
  (void)state;
  for (int i = 0; i < 50; i++)
    gci_large_note(&large, key_of(text, i), 1);
  for (int i = 1000; i < 3000; i++)
    taken += gci_large_has(&large, key_of(text, i));
  assert_in_range(taken, 40, 150);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_noted_is_known_until_it_is_taken_back),
      cmocka_unit_test(few_others_are_taken_for_large),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
