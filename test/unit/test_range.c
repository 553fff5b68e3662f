/* Unit test of door/range. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "door/range.h"

static int has(const char *text, const char *address) {
  struct gci_range range;
  struct gci_address a;

  assert_int_equal(gci_range_read(&range, text), 0);
  gci_address_read(&a, address);
  return gci_range_has(&range, &a);
}

static void range_has_what_shares_its_prefix(void **state) {
  static const struct {
    const char *range, *address;
    int has;
  } cases[] = {
      {"10.0.0.0/8", "10.255.1.2", 1},
      {"10.0.0.0/8", "11.0.0.0", 0},
      {"10.0.0.0/8", "9.255.255.255", 0},
      {"192.168.1.7", "192.168.1.7", 1},
      {"192.168.1.7", "192.168.1.6", 0},
      {"192.168.1.6/31", "192.168.1.7", 1},
      {"192.168.1.6/31", "192.168.1.8", 0},
      {"172.16.0.0/12", "172.31.255.255", 1},
      {"172.16.0.0/12", "172.32.0.0", 0},
      {"0.0.0.0/0", "203.0.113.9", 1},
      {"0.0.0.0/0", "::1", 0},
      {"::/0", "::1", 1},
      {"::/0", "203.0.113.9", 1}, /* which is ::ffff:203.0.113.9 */
      {"fd00::/8", "fdff::1", 1},
      {"fd00::/8", "fe00::1", 0},
      {"::1", "::1", 1},
      {"::1", "127.0.0.1", 0},
      {"::ffff:10.0.0.0/104", "10.9.9.9", 1},
      {"2001:db8::/33", "2001:db8:7fff::1", 1},
      {"2001:db8::/33", "2001:db8:8000::1", 0},
      {"unix", "127.0.0.1", 0},
      {"::/0", "", 0}, /* unknown */
  };

  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    if (has(cases[i].range, cases[i].address) != cases[i].has)
      fail_msg("%s and %s: not %d", cases[i].range, cases[i].address, cases[i].has);
}

static void what_is_no_range_is_refused(void **state) {
  static const char *const texts[] = {"",
                                      " 10.0.0.1",
                                      "10.0.0.1 ",
                                      "10.0.0.0/33",
                                      "10.0.0.1/8",
                                      "10.0.0/8",
                                      "10.0.0.0/",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/+8",
                                      "10.0.0.0/08",
                                      "10.0.0.0/8 ",
                                      "10.0.0.0/8/8",
                                      "10.0.0.0/1e1",
                                      "/8",
                                      "::1/129",
                                      "::1/127",
                                      "fd00::1/8",
                                      "[::1]",
                                      "fe80::1%eth0",
                                      "localhost",
                                      "UNIX",
                                      "unix/8",
                                      "010.0.0.1",
                                      "10.0.0.0/0008",
                                      "1.2.3.4.5",
                                      "0x0a000001",
                                      "1:2:3:4:5:6:7:8:9",
                                      "255.255.255.255.255.255.255.255/99999999999"};
  struct gci_range range;

  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (gci_range_read(&range, texts[i]) == 0) fail_msg("taken: '%s'", texts[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(range_has_what_shares_its_prefix),
      cmocka_unit_test(what_is_no_range_is_refused),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
