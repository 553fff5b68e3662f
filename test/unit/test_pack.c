/* An application's messages as values, there and back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/value.h"
#include "oom.h"
#include "wire/groupcache.pb-c.h"
#include "wire/pack.h"

static int setup(void **state) {
  *state = gci_mem_new(NULL);
  return *state == NULL;
}

static int teardown(void **state) {
  struct gci_mem *mem = *state;
  int left = mem->bytes != 0 || mem->blocks != 0;
  gci_mem_unref(mem);
  return left;
}

static Gci__Pb__SetRequest sample(void) {
  static uint8_t name[] = "name", bytes[] = "\0\1\2";
  Gci__Pb__SetRequest m = GCI__PB__SET_REQUEST__INIT;
  m.group = (ProtobufCBinaryData){4, name};
  m.key = (ProtobufCBinaryData){3, bytes};
  m.has_expire = 1;
  m.expire = 300;
  return m;
}

static void a_message_becomes_its_packed_bytes(void **state) {
  static const char want[] = "\x0a\x04name\x12\x03\0\1\2\x20\xac\x02";
  Gci__Pb__SetRequest m = sample();
  gcache_value_t *value = gci_pack(*state, &m.base, 77);
  assert_non_null(value);
  assert_int_equal(gcache_value_bytes(value).len, sizeof want - 1);
  assert_memory_equal(gcache_value_bytes(value).base, want, sizeof want - 1);
  assert_true(gcache_value_expire(value) == 77);
  gcache_value_unref(value);
}

static void a_value_becomes_the_message_again(void **state) {
  Gci__Pb__SetRequest m = sample();
  gcache_value_t *value = gci_pack(*state, &m.base, GCACHE_NEVER);
  ProtobufCMessage *back = gcache_value_unpack(value, &gci__pb__set_request__descriptor, NULL);
  assert_non_null(back);
  gcache_value_unref(value);
  Gci__Pb__SetRequest *got = (Gci__Pb__SetRequest *)back;
  assert_int_equal(got->group.len, 4);
  assert_memory_equal(got->group.data, "name", 4);
  assert_int_equal(got->key.len, 3);
  assert_memory_equal(got->key.data, "\0\1\2", 3);
  assert_false(got->has_value);
  assert_true(got->expire == 300);
  protobuf_c_message_free_unpacked(back, NULL);
}

static void an_empty_message_is_an_empty_value(void **state) {
  Gci__Pb__GetResponse m = GCI__PB__GET_RESPONSE__INIT;
  gcache_value_t *value = gci_pack(*state, &m.base, GCACHE_NEVER);
  assert_non_null(value);
  assert_int_equal(gcache_value_bytes(value).len, 0);
  ProtobufCMessage *back = gcache_value_unpack(value, &gci__pb__get_response__descriptor, NULL);
  assert_non_null(back);
  protobuf_c_message_free_unpacked(back, NULL);
  gcache_value_unref(value);
}

static void a_value_that_is_no_such_message_gives_null(void **state) {
  gcache_value_t *value = gci_value_copy(*state, (gcache_bytes_t){"plain", 5}, GCACHE_NEVER);
  assert_non_null(value);
  assert_null(gcache_value_unpack(value, &gci__pb__set_request__descriptor, NULL));
  gcache_value_unref(value);
}

static void pack_sample(struct oom *oom, void *arg) {
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  Gci__Pb__SetRequest m = sample();
  gcache_value_t *value = gci_pack(mem, &m.base, GCACHE_NEVER);
  assert_true((value == NULL) == (oom->refused > 0));
  gcache_value_unref(value);
  gci_mem_unref(mem);
}

static void a_failing_allocation_gives_null(void **state) {
  (void)state;
  assert_int_equal(oom_sweep(pack_sample, NULL), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_message_becomes_its_packed_bytes, setup, teardown),
      cmocka_unit_test_setup_teardown(a_value_becomes_the_message_again, setup, teardown),
      cmocka_unit_test_setup_teardown(an_empty_message_is_an_empty_value, setup, teardown),
      cmocka_unit_test_setup_teardown(a_value_that_is_no_such_message_gives_null, setup, teardown),
      cmocka_unit_test(a_failing_allocation_gives_null),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
