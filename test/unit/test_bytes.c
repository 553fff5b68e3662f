/* Unit test of base/bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

static void equal_compares_length_and_bytes(void **state) {
  (void)state;
  assert_true(gci_bytes_equal(gcache_bytes("a\0b", 3), gcache_bytes("a\0b", 3)));
  assert_false(gci_bytes_equal(gcache_bytes("a\0b", 3), gcache_bytes("a\0c", 3)));
  assert_false(gci_bytes_equal(GCI_LIT("abc"), GCI_LIT("ab")));
  assert_true(gci_bytes_equal(gcache_bytes(NULL, 0), GCI_LIT("")));
}

static void begins_takes_the_empty_prefix(void **state) {
  (void)state;
  assert_true(gci_bytes_begins(GCI_LIT("/x/y"), GCI_LIT("/x/")));
  assert_true(gci_bytes_begins(GCI_LIT("/x/"), GCI_LIT("/x/")));
  assert_true(gci_bytes_begins(gcache_bytes(NULL, 0), gcache_bytes(NULL, 0)));
  assert_false(gci_bytes_begins(GCI_LIT("/x"), GCI_LIT("/x/")));
  assert_false(gci_bytes_begins(GCI_LIT("/y/y"), GCI_LIT("/x/")));
}

static void skip_leaves_the_rest(void **state) {
  (void)state;
  assert_true(gci_bytes_equal(gci_bytes_skip(GCI_LIT("abc"), 1), GCI_LIT("bc")));
  assert_int_equal(gci_bytes_skip(GCI_LIT("abc"), 3).len, 0);
  assert_null(gci_bytes_skip(gcache_bytes(NULL, 0), 0).base);
}

/* Every pair of bytes: equal, or an ASCII letter in its two cases. */
static void nocase_knows_ascii_letters_and_nothing_else(void **state) {
  static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower[] = "abcdefghijklmnopqrstuvwxyz";
  (void)state;
  for (int a = 0; a < 256; a++) {
    for (int b = 0; b < 256; b++) {
      const char *u = a == 0 ? NULL : strchr(upper, a), *l = a == 0 ? NULL : strchr(lower, a);
      int expected = a == b || (u && lower[u - upper] == (char)b) ||
                     (l && upper[l - lower] == (char)b);
      unsigned char x[3] = {'q', (unsigned char)a, 'Q'}, y[3] = {'Q', (unsigned char)b, 'Q'};
      assert_int_equal(gci_bytes_equal_nocase(gcache_bytes(x, 3), gcache_bytes(y, 3)), expected);
    }
  }
  assert_false(gci_bytes_equal_nocase(GCI_LIT("ab"), GCI_LIT("abc")));
  assert_true(gci_bytes_equal_nocase(gcache_bytes(NULL, 0), GCI_LIT("")));
}

static void numbers_are_digits_up_to_the_largest(void **state) {
  static const struct {
    const char *text;
    uint64_t n;
  } good[] = {{"0", 0},
              {"7", 7},
              {"000000000000000000000000000012", 12},
              {"18446744073709551609", UINT64_MAX - 6},
              {"18446744073709551615", UINT64_MAX}};
  static const char *const bad[] = {"",
                                    "+1",
                                    "-1",
                                    " 1",
                                    "1 ",
                                    "1a",
                                    "0x1",
                                    "1.0",
                                    "/",
                                    ":",
                                    "18446744073709551616",
                                    "18446744073709551620",
                                    "99999999999999999999",
                                    "184467440737095516150"};
  uint64_t n;
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    assert_int_equal(gci_bytes_to_u64(gcache_cstr(good[i].text), &n), 0);
    assert_true(n == good[i].n);
  }
  n = 42;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(gci_bytes_to_u64(gcache_cstr(bad[i]), &n), -1);
  }
  assert_int_equal(gci_bytes_to_u64(gcache_bytes("1\0", 2), &n), -1);
  assert_int_equal(n, 42);
}

static void cstr_is_without_its_zero(void **state) {
  (void)state;
  assert_int_equal(gcache_cstr("abc").len, 3);
  assert_int_equal(gcache_cstr("").len, 0);
  assert_int_equal(gcache_cstr(NULL).len, 0);
  assert_int_equal(GCI_LIT("a\0b").len, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_compares_length_and_bytes),
      cmocka_unit_test(begins_takes_the_empty_prefix),
      cmocka_unit_test(skip_leaves_the_rest),
      cmocka_unit_test(nocase_knows_ascii_letters_and_nothing_else),
      cmocka_unit_test(numbers_are_digits_up_to_the_largest),
      cmocka_unit_test(cstr_is_without_its_zero),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
