/* Unit test of http/message. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"
#include "http/message.h"

static void a_header_is_found_in_any_case_and_the_first_wins(void **state) {
  const gcache_header_t headers[] = {{GCI_LIT("Content-Type"), GCI_LIT("a")},
                                     {GCI_LIT("X-Two"), GCI_LIT("first")},
                                     {GCI_LIT("x-two"), GCI_LIT("second")},
                                     {GCI_LIT("Empty"), GCI_LIT("")}};
  (void)state;
  gcache_bytes_t two = gci_http_header(headers, 4, GCI_LIT("X-TWO"));
  assert_true(gci_bytes_equal(two, GCI_LIT("first")));
  gcache_bytes_t empty = gci_http_header(headers, 4, GCI_LIT("empty"));
  assert_non_null(empty.base);
  assert_int_equal(empty.len, 0);
  assert_null(gci_http_header(headers, 4, GCI_LIT("X-Tw")).base);
  assert_null(gci_http_header(headers, 4, GCI_LIT("X-Two ")).base);
  assert_null(gci_http_header(headers, 1, GCI_LIT("X-Two")).base);
  assert_null(gci_http_header(NULL, 0, GCI_LIT("X-Two")).base);
}

static void a_name_is_a_token(void **state) {
  static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  (void)state;
  for (int c = 0; c < 256; c++) {
    char name[3] = {'a', (char)c, 'b'};
    int lawful = c != 0 && strchr(tokens, c) != NULL;
    assert_int_equal(gci_http_name_ok(gcache_bytes(name, 3)), lawful);
    assert_int_equal(gci_http_name_ok(gcache_bytes(name + 1, 1)), lawful);
  }
  assert_false(gci_http_name_ok(GCI_LIT("")));
}

static void a_value_has_no_control_bytes_but_tabs(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    char value[3] = {'a', (char)c, 'b'};
    int lawful = c == '\t' || (c >= ' ' && c != 0x7f);
    assert_int_equal(gci_http_value_ok(gcache_bytes(value, 3)), lawful);
  }
  assert_true(gci_http_value_ok(GCI_LIT("")));
}

/* Bytes are looked at eight at a time: each at each place, among neighbours on every edge. */
static void a_control_byte_is_found_wherever_it_is(void **state) {
  static const unsigned char neighbours[] = {'\t', 0x20, 0x21, 0x7e, 0x80, 0x81, 0x9f, 0xa0, 0xff};
  (void)state;
  for (size_t n = 0; n < sizeof neighbours; n++) {
    for (size_t at = 0; at < 20; at++) {
      for (int c = 0; c < 256; c++) {
        unsigned char value[20];
        memset(value, neighbours[n], sizeof value);
        value[at] = (unsigned char)c;
        int lawful = c == '\t' || (c >= ' ' && c != 0x7f);
        assert_int_equal(gci_http_value_ok(gcache_bytes(value, sizeof value)), lawful);
      }
    }
  }
}

static void a_list_is_read_element_by_element(void **state) {
  static const struct {
    const char *list, *elements[5];
  } cases[] = {
      {"", {NULL}},
      {"a", {"a", NULL}},
      {" a ,\tb\t,c d", {"a", "b", "c d", NULL}},
      {",,a,", {"", "", "a", NULL}},
      {" ", {"", NULL}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gcache_bytes_t list = gcache_cstr(cases[i].list), element;
    for (size_t e = 0; cases[i].elements[e] != NULL; e++) {
      assert_true(gci_http_next_element(&list, &element));
      assert_int_equal(element.len, strlen(cases[i].elements[e]));
      assert_memory_equal(element.base, cases[i].elements[e], element.len);
    }
    assert_false(gci_http_next_element(&list, &element));
  }
}

static void statuses_have_the_phrases_of_rfc_9110(void **state) {
  (void)state;
  assert_string_equal(gci_http_status_text(200), "OK");
  assert_string_equal(gci_http_status_text(413), "Content Too Large");
  assert_string_equal(gci_http_status_text(504), "Gateway Timeout");
  assert_string_equal(gci_http_status_text(299), "");
  assert_string_equal(gci_http_status_text(-1), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_header_is_found_in_any_case_and_the_first_wins),
      cmocka_unit_test(a_name_is_a_token),
      cmocka_unit_test(a_value_has_no_control_bytes_but_tabs),
      cmocka_unit_test(a_control_byte_is_found_wherever_it_is),
      cmocka_unit_test(a_list_is_read_element_by_element),
      cmocka_unit_test(statuses_have_the_phrases_of_rfc_9110),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
