/* Unit test of base/countdown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/countdown.h"
#include "base/list.h"

struct owner {
  struct gci_countdown c;
  int told;
};

static void on_zero(struct gci_countdown *c) {
  gci_container_of(c, struct owner, c)->told++;
}

static void the_owner_is_told_once_when_the_last_count_is_given(void **state) {
  struct owner owner = {.told = 0};
  (void)state;
  gci_countdown_init(&owner.c, on_zero);
  gci_countdown_take(&owner.c);
  gci_countdown_take(&owner.c);
  gci_countdown_give(&owner.c);
  gci_countdown_give(&owner.c);
  assert_int_equal(owner.told, 0); /* its own count is left */
  gci_countdown_give(&owner.c);
  assert_int_equal(owner.told, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_owner_is_told_once_when_the_last_count_is_given),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
