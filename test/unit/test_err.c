/* Unit test of base/err. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/err.h"

static void every_code_of_ours_has_its_name_and_text(void **state) {
  static const struct {
    int code;
    const char *name;
  } codes[] = {{-20001, "GCACHE_ENOTFOUND"}, {-20002, "GCACHE_ELOAD"},    {-20003, "GCACHE_EPEER"},
               {-20004, "GCACHE_EPARTIAL"},  {-20005, "GCACHE_ENOGROUP"}, {-20006, "GCACHE_EEXIST"},
               {-20007, "GCACHE_ESELF"},     {-20008, "GCACHE_ECLOSING"}, {-20009, "GCACHE_EBUSY"},
               {-20010, "GCACHE_ENOROOM"}};
  (void)state;
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    assert_string_equal(gci_err_name(codes[i].code), codes[i].name);
    assert_true(strlen(gci_err_text(codes[i].code)) > 5);
  }
  assert_string_equal(gci_err_text(GCACHE_ENOGROUP), "no such group");
}

static void other_codes_are_left_to_others(void **state) {
  static const int others[] = {0, 1, -20000, -20011, UV_ENOMEM, UV_EOF, 20001};
  (void)state;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_null(gci_err_name(others[i]));
    assert_null(gci_err_text(others[i]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_of_ours_has_its_name_and_text),
      cmocka_unit_test(other_codes_are_left_to_others),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
