/* Ways to find peers that this build does not support. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "finder.h"

static void what_is_not_built_in_says_so(void **state) {
  const char *urls[] = {"http://127.0.0.1:1"};
  gcache_find_etcd_t e;
  struct finder f;

  finder_open(&f, *state, "http://10.0.0.1:80");
  if (!WITH_CARES)
    assert_int_equal(gcache_find_srv(&f.find, &f.o, "_gcache._tcp.test", "http"), UV_ENOTSUP);
  gcache_find_etcd_init(&e);
  e.endpoints = urls;
  e.n_endpoints = 1;
  if (!WITH_JSON) assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_ENOTSUP);
  f.find = NULL;
  assert_int_equal(gcache_find_file(&f.find, &f.o, "/nowhere"), 0);
  finder_await_count(&f, &f.keeps, 1);
  finder_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_not_built_in_says_so, loop_setup, loop_teardown),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
