/* dialect: the table has a row for every name, and its numbers are those of the Go systems. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/dialect.h"

/* The protocol's table of answers, as numbers. */
static const struct {
  gcache_dialect_t dialect;
  const char *name;
  int not_found, failed, no_group;
} known[] = {
    {GCACHE_DIALECT_GCACHE, "gcache", 404, 503, 404},
    {GCACHE_DIALECT_MAILGUN, "mailgun", 404, 503, 404},
    {GCACHE_DIALECT_GROUPCACHE_GO, "groupcache-go", 404, 503, 500},
    {GCACHE_DIALECT_GOLANG, "golang", 500, 500, 404},
};

#define N_KNOWN (sizeof known / sizeof known[0])

static void every_dialect_has_its_row(void **state) {
  (void)state;
  assert_int_equal(N_KNOWN, GCACHE_DIALECT_GOLANG + 1);
  for (size_t i = 0; i < N_KNOWN; i++) {
    const struct gci_dialect *d = gci_dialect_of(known[i].dialect);
    assert_string_equal(d->name, known[i].name);
    assert_int_equal(d->not_found, known[i].not_found);
    assert_int_equal(d->failed, known[i].failed);
    assert_int_equal(d->no_group, known[i].no_group);
  }
}

/* Members of one dialect believe each other. */
static void what_is_answered_is_what_is_believed(void **state) {
  (void)state;
  for (size_t i = 0; i < N_KNOWN; i++) {
    const struct gci_dialect *d = gci_dialect_of(known[i].dialect);
    assert_int_equal(d->getter_failed, d->failed);
    assert_int_not_equal(d->no_group, d->getter_failed);
  }
}

static void zero_is_gcache(void **state) {
  (void)state;
  assert_string_equal(gci_dialect_of((gcache_dialect_t)0)->name, "gcache");
}

static void only_our_own_dialect_shows_our_headers_to_anybody(void **state) {
  (void)state;
  for (size_t i = 0; i < N_KNOWN; i++)
    assert_int_equal(!gci_dialect_of(known[i].dialect)->plain,
                     known[i].dialect == GCACHE_DIALECT_GCACHE);
}

static void golang_alone_has_no_changes_and_no_expiry(void **state) {
  (void)state;
  for (size_t i = 0; i < N_KNOWN; i++) {
    const struct gci_dialect *d = gci_dialect_of(known[i].dialect);
    int is_golang = known[i].dialect == GCACHE_DIALECT_GOLANG;
    assert_int_equal(!!d->gets_only, is_golang);
    assert_int_equal(!d->states_expiry, is_golang);
  }
}

static void groupcache_go_alone_has_host_and_port_and_405_and_many_keys(void **state) {
  (void)state;
  for (size_t i = 0; i < N_KNOWN; i++) {
    const struct gci_dialect *d = gci_dialect_of(known[i].dialect);
    int is_v3 = known[i].dialect == GCACHE_DIALECT_GROUPCACHE_GO;
    assert_int_equal(!!d->places_authority, is_v3);
    assert_int_equal(!!d->refuses_odd_methods, is_v3);
    assert_int_equal(!!d->removes_many, is_v3);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_dialect_has_its_row),
      cmocka_unit_test(what_is_answered_is_what_is_believed),
      cmocka_unit_test(zero_is_gcache),
      cmocka_unit_test(only_our_own_dialect_shows_our_headers_to_anybody),
      cmocka_unit_test(golang_alone_has_no_changes_and_no_expiry),
      cmocka_unit_test(groupcache_go_alone_has_host_and_port_and_405_and_many_keys),
  };

  return !!cmocka_run_group_tests_name("dialect", tests, NULL, NULL);
}
