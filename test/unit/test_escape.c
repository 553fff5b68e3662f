/* Unit test of base/escape. The examples and the list of bytes that stay were measured on running Go
 * systems. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* What mailgun and groupcache-go leave; golang leaves nothing more. */
static const char go_stay[] = "$&+:=@";

/* What the Go systems write, measured on running nodes. */
static const struct {
  const char *raw;
  size_t len;
  const char *escaped;
} examples[] = {{"a b/c,d", 7, "a%20b%2Fc%2Cd"},
                {"\xff\x00", 2, "%FF%00"},
                {"a%b", 3, "a%25b"},
                {"x+y", 3, "x+y"},
                {"", 0, ""}};

static void the_examples_of_the_protocol_hold(void **state) {
  char out[64];
  size_t len;
  (void)state;
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
    gcache_bytes_t raw = {examples[i].raw, examples[i].len};
    size_t size = strlen(examples[i].escaped);
    assert_int_equal(gci_escape_size(raw, go_stay), size);
    assert_int_equal(gci_escape(out, raw, go_stay), size);
    assert_memory_equal(out, examples[i].escaped, size);
    assert_int_equal(gci_unescape(out, gcache_cstr(examples[i].escaped), &len), 0);
    assert_int_equal(len, raw.len);
    assert_memory_equal(out, raw.base, len);
  }
}

static void assert_every_byte(const char *stay, const char *stays, size_t n) {
  char out[8], expected[8];
  size_t len;
  for (int c = 0; c < 256; c++) {
    char raw = (char)c;
    snprintf(expected, sizeof expected, "%%%02X", (unsigned)c);
    if (memchr(stays, c, n) != NULL) expected[0] = raw, expected[1] = '\0';
    size_t size = gci_escape(out, gcache_bytes(&raw, 1), stay);
    assert_int_equal(size, strlen(expected));
    assert_int_equal(gci_escape_size(gcache_bytes(&raw, 1), stay), size);
    assert_memory_equal(out, expected, size);
    assert_int_equal(gci_unescape(out, gcache_cstr(expected), &len), 0);
    assert_int_equal(len, 1);
    assert_memory_equal(out, &raw, 1);
  }
}

static void every_byte_is_escaped_as_go_does_and_comes_back(void **state) {
  static const char stays[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~$&+:=@";
  (void)state;
  assert_every_byte(go_stay, stays, sizeof stays - 1);
  assert_every_byte("", stays, sizeof stays - 1 - strlen(go_stay));
}

/* Into exactly as much room as the text has, so that a sanitizer sees a byte too many. */
static int unescape_tight(const char *text, size_t text_len, char *out, size_t *len) {
  char *room = malloc(text_len + 1), *from = malloc(text_len + 1);
  memcpy(from, text, text_len);
  char *tight = realloc(from, text_len > 0 ? text_len : 1);
  int err = gci_unescape(room, gcache_bytes(tight, text_len), len);
  if (err == 0) memcpy(out, room, *len);
  free(room);
  free(tight);
  return err;
}

static void broken_percents_are_refused(void **state) {
  static const char *const bad[] = {"%",    "a%",  "%2",  "ab%2", "%zz", "%2g",  "%g2",
                                    "%%20", "%-1", "% 1", "%1 ",  "%+1", "%0x",  "%2%",
                                    "%:0",  "%0@", "%/0", "%0`0", "%G0", "a%20%"};
  char out[16];
  size_t len = 99;
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(unescape_tight(bad[i], strlen(bad[i]), out, &len), -1);
  }
  assert_int_equal(unescape_tight("%2\0", 3, out, &len), -1);
  assert_int_equal(len, 99);
}

static void decoding_is_done_once_and_knows_both_cases(void **state) {
  char out[64];
  size_t len;
  (void)state;
  assert_int_equal(unescape_tight("%2525+%c3%A9", 12, out, &len), 0);
  assert_int_equal(len, 6);
  assert_memory_equal(out, "%25+\xc3\xa9", 6);
  assert_int_equal(gci_unescape(out, gcache_bytes(NULL, 0), &len), 0);
  assert_int_equal(len, 0);
}

static void text_decodes_in_place(void **state) {
  char text[] = "a%2Fb%00c%41";
  size_t len;
  (void)state;
  assert_int_equal(gci_unescape(text, gcache_cstr(text), &len), 0);
  assert_int_equal(len, 6);
  assert_memory_equal(text, "a/b\0cA", 6);
}

static void log_text_is_printable_ascii(void **state) {
  char out[8], expected[8];
  (void)state;
  for (int c = 0; c < 256; c++) {
    char raw = (char)c;
    int printable = c >= ' ' && c <= '~';
    snprintf(expected, sizeof expected, "\\x%02X", (unsigned)c);
    if (printable) expected[0] = raw, expected[1] = '\0';
    gci_escape_for_log(out, sizeof out, gcache_bytes(&raw, 1));
    assert_string_equal(out, expected);
  }
}

static void log_text_is_cut_at_whole_characters(void **state) {
  static const char *const cut[] = {NULL, "", "a", "a", "a", "a", "a\\x0A", "a\\x0Ab", "a\\x0Ab"};
  (void)state;
  for (size_t cap = 0; cap <= 8; cap++) {
    char *out = malloc(cap > 0 ? cap : 1);
    *out = '!';
    gci_escape_for_log(out, cap, gcache_cstr("a\nb"));
    if (cut[cap] == NULL)
      assert_int_equal(*out, '!');
    else
      assert_string_equal(out, cut[cap]);
    free(out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_protocol_hold),
      cmocka_unit_test(every_byte_is_escaped_as_go_does_and_comes_back),
      cmocka_unit_test(broken_percents_are_refused),
      cmocka_unit_test(decoding_is_done_once_and_knows_both_cases),
      cmocka_unit_test(text_decodes_in_place),
      cmocka_unit_test(log_text_is_printable_ascii),
      cmocka_unit_test(log_text_is_cut_at_whole_characters),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
