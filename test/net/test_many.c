/* Many keys in one call between members over loopback, of each kind of cluster that can remove. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcache/many.h"
#include "member.h"
#include "raw.h"

enum { MEMBERS = 3, KEYS = 500 };

struct scene {
  uv_loop_t *loop;
  struct member members[MEMBERS];
  char names[KEYS][24];
  gcache_bytes_t keys[KEYS];
  gcache_many_t many;
  gcache_get_t gets[KEYS];
  struct changed change;
  int each, done, not_found, wrong;
};

static void scene_open(struct scene *s, uv_loop_t *loop, gcache_dialect_t dialect) {
  memset(s, 0, sizeof *s);
  s->loop = loop;
  for (int i = 0; i < MEMBERS; i++) {
    static const char *const names[] = {"one", "two", "three"};
    gcache_options_t o;
    member_options(&s->members[i], &o, loop, names[i]);
    o.dialect = dialect;
    member_open(&s->members[i], &o);
    member_group(&s->members[i], "g");
    member_listen(&s->members[i]);
  }
  members_know(s->members, MEMBERS);
  for (int i = 0; i < KEYS; i++) {
    snprintf(s->names[i], sizeof s->names[i], i % 10 == 9 ? "missing:%d" : "key number %d", i);
    s->keys[i] = gcache_cstr(s->names[i]);
  }
}

static void note(struct scene *s, const gcache_get_t *get) {
  size_t i = (size_t)(get - s->gets);
  gcache_value_t *value = gcache_get_value(get);
  char middle[40];
  s->not_found += gcache_get_status(get) == GCACHE_ENOTFOUND;
  if (i % 10 == 9) {
    s->wrong += gcache_get_status(get) != GCACHE_ENOTFOUND;
    return;
  }
  snprintf(middle, sizeof middle, "|%s|", s->names[i]);
  char text[64] = "";
  gcache_bytes_t bytes = value == NULL ? gcache_cstr("") : gcache_value_bytes(value);
  if (bytes.len < sizeof text) memcpy(text, bytes.base, bytes.len);
  s->wrong += strstr(text, middle) == NULL;
}

static void on_each(gcache_get_t *get, int status, gcache_value_t *value) {
  struct scene *s = get->data;
  (void)status, (void)value;
  s->each++;
  note(s, get);
}

static void on_done(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct scene *s = many->data;
  s->done++;
  for (size_t i = 0; i < n && s->each == 0; i++)
    note(s, &gets[i]);
}

static void get_all(struct scene *s, gcache_get_cb each) {
  s->each = s->done = s->not_found = s->wrong = 0;
  s->many.data = s;
  for (int i = 0; i < KEYS; i++)
    s->gets[i].data = s;
  assert_int_equal(
      gcache_get_many(&s->many, s->members[0].group, s->keys, KEYS, s->gets, 0, each, on_done), 0);
  run_loop_until(s->loop, &s->done, 1);
  assert_int_equal(s->done, 1);
  assert_int_equal(s->each, each == NULL ? 0 : KEYS);
  assert_int_equal(s->not_found, KEYS / 10);
  assert_int_equal(s->wrong, 0);
}

static int loads(const struct scene *s) {
  int n = 0;
  for (int i = 0; i < MEMBERS; i++)
    n += s->members[i].loads;
  return n;
}

static size_t held(const struct scene *s) {
  size_t n = 0;
  gcache_value_t *values[KEYS];
  for (int i = 0; i < MEMBERS; i++) {
    n += gcache_peek_many(s->members[i].group, s->keys, KEYS, values);
    for (int k = 0; k < KEYS; k++)
      gcache_value_unref(values[k]);
  }
  return n;
}

static void all_are_loaded_once_and_removed_everywhere(void **state) {
  static const gcache_dialect_t dialects[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                              GCACHE_DIALECT_GROUPCACHE_GO};
  for (size_t d = 0; d < sizeof dialects / sizeof *dialects; d++) {
    struct scene *s = malloc(sizeof *s);
    assert_non_null(s);
    scene_open(s, *state, dialects[d]);
    get_all(s, on_each);
    assert_int_equal(loads(s), KEYS);
    get_all(s, NULL);
    assert_int_equal(loads(s), KEYS + KEYS / 10); /* what is missing is not remembered */
    assert_true(held(s) >= KEYS - KEYS / 10);
    s->change.req.data = &s->change;
    assert_int_equal(
        gcache_remove_many(&s->change.req, s->members[1].group, s->keys, KEYS, 0, on_changed), 0);
    run_loop_until(s->loop, &s->change.done, 1);
    assert_int_equal(s->change.status, 0);
    assert_int_equal(s->change.n, MEMBERS);
    assert_int_equal(held(s), 0);
    get_all(s, NULL);
    assert_int_equal(loads(s), 2 * KEYS + KEYS / 10);
    for (int i = 0; i < MEMBERS; i++)
      member_end(&s->members[i]);
    free(s);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(all_are_loaded_once_and_removed_everywhere),
  };
  return !!cmocka_run_group_tests_name("many", tests, loop_warm_up, NULL);
}
