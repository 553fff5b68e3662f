/* remove_keys: the bytes that groupcache-go writes, what JSON can carry, and invalid bodies. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "oom.h"
#include "wire/remove_keys.h"

#define MAX_SEEN 64

struct seen {
  size_t n;
  char keys[MAX_SEEN][64];
  size_t len[MAX_SEEN];
};

static void on_key(void *user, gcache_bytes_t key) {
  struct seen *seen = user;
  assert_true(seen->n < MAX_SEEN && key.len <= sizeof seen->keys[0]);
  if (key.len > 0) memcpy(seen->keys[seen->n], key.base, key.len);
  seen->len[seen->n++] = key.len;
}

static int read_text(const char *text, const char *group, struct seen *seen) {
  memset(seen, 0, sizeof *seen);
  return gci_remove_keys_read(gcache_cstr(text), gcache_cstr(group), on_key, seen);
}

static void written_bytes_are_those_of_the_go_encoder(void **state) {
  static const struct {
    const char *keys[3];
    size_t n;
    const char *body;
  } cases[] = {
      {{"k1", "k2"}, 2, "{\"group\":\"g\",\"keys\":[\"k1\",\"k2\"]}"},
      {{"a<b>&c"}, 1, "{\"group\":\"g\",\"keys\":[\"a\\u003cb\\u003e\\u0026c\"]}"},
      {{"quote\"back\\slash/"}, 1, "{\"group\":\"g\",\"keys\":[\"quote\\\"back\\\\slash/\"]}"},
      {{"", "x"}, 2, "{\"group\":\"g\",\"keys\":[\"\",\"x\"]}"},
      {{"\xc3\xbc\xe2\x82\xac"}, 1, "{\"group\":\"g\",\"keys\":[\"\xc3\xbc\xe2\x82\xac\"]}"},
  };
  struct gci_mem *mem = gci_mem_new(NULL);
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gcache_bytes_t keys[3];
    for (size_t k = 0; k < cases[i].n; k++)
      keys[k] = gcache_cstr(cases[i].keys[k]);
    gcache_value_t *body = gci_remove_keys_write(mem, GCI_LIT("g"), keys, cases[i].n);
    gcache_bytes_t bytes = gcache_value_bytes(body);
    assert_int_equal(bytes.len, strlen(cases[i].body));
    assert_memory_equal(bytes.base, cases[i].body, bytes.len);
    gcache_value_unref(body);
  }
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
}

static void keys_that_are_not_utf_8_or_hold_nul_cannot_be_carried(void **state) {
  static const gcache_bytes_t no[] = {
      {"a\0b", 3}, {"\xff", 1}, {"\xc3", 1}, {"\xed\xa0\x80", 3}, {"\xc0\xaf", 2}};
  (void)state;
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    assert_false(gci_remove_keys_carries(no[i]));
  assert_true(gci_remove_keys_carries(GCI_LIT("")));
  assert_true(gci_remove_keys_carries(GCI_LIT("a/b\x01\x7f\xf0\x9f\x98\x80")));
}

static void body_of_the_go_client_is_read(void **state) {
  struct seen seen;
  (void)state;
  assert_int_equal(
      read_text("{\"group\":\"g\",\"keys\":[\"k1\",\"\\u003ck\\u0026\\u0000\"]}", "g", &seen), 0);
  assert_int_equal(seen.n, 2);
  assert_memory_equal(seen.keys[0], "k1", 2);
  assert_int_equal(seen.len[1], 4);
  assert_memory_equal(seen.keys[1], "<k&\0", 4);
  assert_int_equal(
      read_text(" {\"keys\": [], \"group\": \"g\", \"more\": {\"x\": 1e9}} ", "g", &seen), 0);
  assert_int_equal(seen.n, 0);
}

static void body_of_another_group_is_refused(void **state) {
  struct seen seen;
  (void)state;
  assert_int_equal(read_text("{\"group\":\"h\",\"keys\":[\"k\"]}", "g", &seen), UV_EINVAL);
  assert_int_equal(seen.n, 0);
}

static void what_is_no_such_body_is_refused_and_removes_nothing(void **state) {
  static const char *const bodies[] = {"",
                                       " ",
                                       "null",
                                       "[]",
                                       "{}",
                                       "\"g\"",
                                       "{\"group\":\"g\"}",
                                       "{\"keys\":[\"k\"]}",
                                       "{\"group\":1,\"keys\":[]}",
                                       "{\"group\":\"g\",\"keys\":\"k\"}",
                                       "{\"group\":\"g\",\"keys\":{\"0\":\"k\"}}",
                                       "{\"group\":\"g\",\"keys\":[\"k\",1]}",
                                       "{\"group\":\"g\",\"keys\":[\"k\",null]}",
                                       "{\"group\":\"g\",\"keys\":[\"k\"]",
                                       "{\"group\":\"g\",\"keys\":[\"k\"]} x",
                                       "{\"group\":\"g\",\"group\":\"g\",\"keys\":[\"k\"]}",
                                       "{\"group\":\"g\",\"keys\":[\"\xff\"]}",
                                       "{\"group\":\"g\",\"keys\":[\"\\ud800\"]}",
                                       "{\"group\":\"g\",\"keys\":[\"k\"],\"n\":1e999999}"};
  struct seen seen;
  (void)state;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    assert_int_equal(read_text(bodies[i], "g", &seen), UV_EPROTO);
    assert_int_equal(seen.n, 0);
  }
}

static void nesting_without_end_is_refused(void **state) {
  static char bomb[1 << 20];
  struct seen seen;
  (void)state;
  memset(bomb, '[', sizeof bomb - 1);
  assert_int_equal(read_text(bomb, "g", &seen), UV_EPROTO);
}

static void count_key(void *user, gcache_bytes_t key) {
  (void)key;
  ++*(size_t *)user;
}

static int read_and_count(const char *body, size_t len, size_t *n) {
  *n = 0;
  return gci_remove_keys_read(gcache_bytes(body, len), GCI_LIT("g"), count_key, n);
}

#define BEGIN "{\"group\":\"g\",\"keys\":["

/* As many values as piece has, without an end; "" at the end of the list. */
static char *long_body(const char *piece, size_t times, size_t *len) {
  size_t each = strlen(piece);
  char *body = malloc(sizeof BEGIN + times * each + 8);
  assert_non_null(body);
  memcpy(body, BEGIN, strlen(BEGIN));
  *len = strlen(BEGIN);
  for (size_t i = 0; i < times; i++, *len += each)
    memcpy(body + *len, piece, each);
  memcpy(body + *len, "\"\"]}", 4);
  *len += 4;
  return body;
}

/* A JSON value takes two bytes and up to 240 of memory. */
static void more_values_than_the_limit_are_refused_unparsed(void **state) {
  static const char *const pieces[] = {"\"\",", "[],", "{},", "0,", "[", "{\"\":"};
  size_t len, n;
  char *body = long_body("\"\",", GCI_REMOVE_KEYS_READ_MAX - 1, &len);
  (void)state;
  assert_int_equal(read_and_count(body, len, &n), 0);
  assert_int_equal(n, GCI_REMOVE_KEYS_READ_MAX);
  free(body);
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    body = long_body(pieces[i], GCI_REMOVE_KEYS_READ_MAX, &len);
    assert_int_equal(read_and_count(body, len, &n), UV_EPROTO);
    assert_int_equal(n, 0);
    free(body);
  }
}

static void what_stands_in_a_key_is_no_value(void **state) {
  size_t len, n;
  char *body = long_body(",[{", GCI_REMOVE_KEYS_READ_MAX, &len);
  (void)state;
  memcpy(body + strlen(BEGIN), "\"\\\"", 3); /* and all behind it, in one string */
  memcpy(body + len - 4, "a\"]}", 4);
  assert_int_equal(read_and_count(body, len, &n), 0);
  assert_int_equal(n, 1);
  free(body);
}

static void random_keys_survive_the_way_there_and_back(void **state) {
  struct gci_mem *mem = gci_mem_new(NULL);
  (void)state;
  for (uint64_t round = 1; round <= 2000; round++) {
    char raw[MAX_SEEN][12];
    gcache_bytes_t keys[MAX_SEEN];
    size_t n = 0;
    uint64_t x = round * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < 8; i++) {
      size_t len = x % 12;
      for (size_t k = 0; k < len; k++, x = x * UINT64_C(6364136223846793005) + 1442695040888963407u)
        raw[n][k] = (char)(x >> 57); /* ASCII, NUL included */
      x ^= x >> 31;
      keys[n] = gcache_bytes(raw[n], len);
      if (gci_remove_keys_carries(keys[n])) n++;
    }
    gcache_value_t *body = gci_remove_keys_write(mem, GCI_LIT("g<&>"), keys, n);
    struct seen seen = {0};
    assert_int_equal(gci_remove_keys_read(gcache_value_bytes(body), GCI_LIT("g<&>"), on_key, &seen),
                     0);
    assert_int_equal(seen.n, n);
    for (size_t i = 0; i < n; i++) {
      assert_int_equal(seen.len[i], keys[i].len);
      if (keys[i].len > 0) assert_memory_equal(seen.keys[i], keys[i].base, keys[i].len);
    }
    gcache_value_unref(body);
  }
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
}

static void scenario(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  gcache_bytes_t key = GCI_LIT("k");
  (void)arg;
  if (mem == NULL) return;
  gcache_value_unref(gci_remove_keys_write(mem, GCI_LIT("g"), &key, 1));
  gci_mem_unref(mem);
}

static void writing_survives_failing_memory(void **state) {
  (void)state;
  assert_true(oom_sweep(scenario, NULL) >= 2);
}

static void without_json_nothing_is_carried(void **state) {
  struct seen seen;
  (void)state;
  assert_int_equal(read_text("{\"group\":\"g\",\"keys\":[\"k\"]}", "g", &seen), UV_ENOTSUP);
}

int main(void) {
  const struct CMUnitTest with[] = {
      cmocka_unit_test(written_bytes_are_those_of_the_go_encoder),
      cmocka_unit_test(keys_that_are_not_utf_8_or_hold_nul_cannot_be_carried),
      cmocka_unit_test(body_of_the_go_client_is_read),
      cmocka_unit_test(body_of_another_group_is_refused),
      cmocka_unit_test(what_is_no_such_body_is_refused_and_removes_nothing),
      cmocka_unit_test(nesting_without_end_is_refused),
      cmocka_unit_test(more_values_than_the_limit_are_refused_unparsed),
      cmocka_unit_test(what_stands_in_a_key_is_no_value),
      cmocka_unit_test(random_keys_survive_the_way_there_and_back),
      cmocka_unit_test(writing_survives_failing_memory),
  };
  const struct CMUnitTest without[] = {cmocka_unit_test(without_json_nothing_is_carried)};
  if (!gci_remove_keys_carries(GCI_LIT("k")))
    return !!cmocka_run_group_tests_name("remove_keys, without JSON", without, NULL, NULL);
  return !!cmocka_run_group_tests_name("remove_keys", with, NULL, NULL);
}
