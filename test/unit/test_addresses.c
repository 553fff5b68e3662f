/* addresses: text to address, and the count of each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>
#include <uv.h>

#include "door/addresses.h"
#include "oom.h"

static struct gci_address address(const char *text) {
  struct gci_address a;

  memset(&a, 0xff, sizeof a);
  gci_address_read(&a, text);
  return a;
}

static void text_of_both_families_is_read(void **state) {
  static const unsigned char ipv4[16] = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 7};
  static const unsigned char ipv6[16] = {[0] = 0x20, [1] = 0x01, [15] = 1};
  static const char *const unknown[] = {"", "localhost", "10.0.0", "[::1]", "10.0.0.7:80"};
  struct gci_address a = address("10.0.0.7"), b = address("2001::1"), c;

  (void)state;
  assert_memory_equal(a.bytes, ipv4, 16);
  assert_memory_equal(b.bytes, ipv6, 16);
  c = address("::ffff:10.0.0.7");
  assert_true(gci_address_equal(&a, &c));
  assert_false(gci_address_equal(&a, &b));
  assert_true(gci_address_known(&a));
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
    c = address(unknown[i]);
    assert_false(gci_address_known(&c));
  }
}

static void socket_names_are_read(void **state) {
  struct sockaddr_storage name = {0};
  struct sockaddr_in *in = (struct sockaddr_in *)&name;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&name;
  struct gci_address a, b = address("10.0.0.7"), c = address("::1");

  (void)state;
  in->sin_family = AF_INET;
  in->sin_port = 80;
  in->sin_addr.s_addr = htonl(0x0a000007);
  gci_address_of(&a, (const struct sockaddr *)&name);
  assert_true(gci_address_equal(&a, &b));
  memset(&name, 0, sizeof name);
  in6->sin6_family = AF_INET6;
  in6->sin6_addr = in6addr_loopback;
  gci_address_of(&a, (const struct sockaddr *)&name);
  assert_true(gci_address_equal(&a, &c));
  name.ss_family = AF_UNIX;
  gci_address_of(&a, (const struct sockaddr *)&name);
  assert_false(gci_address_known(&a));
}

static void count_in_memory(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct gci_hash_key key;
  struct gci_addresses as;
  struct gci_address a = address("10.0.0.7"), b = address("10.0.0.8");
  unsigned entered_a = 0, entered_b = 0;

  (void)arg;
  if (mem == NULL) return;
  gci_hash_key_init(&key, (const unsigned char *)"0123456789abcdef");
  gci_addresses_init(&as, mem, &key);
  for (int i = 0; i < 3; i++) {
    int err = gci_addresses_enter(&as, &a);
    assert_true(err == 0 || err == UV_ENOMEM);
    if (err == 0) entered_a++;
    assert_int_equal(gci_addresses_count(&as, &a), entered_a);
  }
  if (gci_addresses_enter(&as, &b) == 0) entered_b++;
  assert_int_equal(gci_addresses_count(&as, &b), entered_b);
  for (; entered_a > 0; entered_a--) {
    assert_int_equal(gci_addresses_count(&as, &a), entered_a);
    gci_addresses_leave(&as, &a);
  }
  assert_int_equal(gci_addresses_count(&as, &a), 0);
  assert_int_equal(gci_addresses_count(&as, &b), entered_b);
  if (entered_b > 0) gci_addresses_leave(&as, &b);
  gci_addresses_fini(&as);
  gci_mem_unref(mem);
}

static void each_address_is_counted_for_itself(void **state) {
  struct oom oom;

  (void)state;
  oom_init(&oom);
  count_in_memory(&oom, NULL);
  oom_assert_empty(&oom);
}

static void counting_survives_every_failure(void **state) {
  (void)state;
  assert_true(oom_sweep(count_in_memory, NULL) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_of_both_families_is_read),
      cmocka_unit_test(socket_names_are_read),
      cmocka_unit_test(each_address_is_counted_for_itself),
      cmocka_unit_test(counting_survives_every_failure),
  };

  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
