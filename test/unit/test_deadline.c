/* Unit test of base/deadline, against an array that is searched for its smallest element. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "base/deadline.h"
#include "base/list.h"
#include "oom.h"
#include "random.h"

enum { N = 200 };

struct model {
  struct gcache_deadline_s d;
  int set;
  uint64_t at_ms, order;
};

static void never_called(struct gcache_deadline_s *d) {
  (void)d;
  fail_msg("the heap called a deadline");
}

static struct model *least(struct model *all) {
  struct model *first = NULL;
  for (size_t i = 0; i < N; i++) {
    struct model *m = &all[i];
    if (!m->set) continue;
    if (first == NULL || m->at_ms < first->at_ms ||
        (m->at_ms == first->at_ms && m->order < first->order))
      first = m;
  }
  return first;
}

static void pop_as_the_model(struct gci_deadlines *ds, struct model *all, uint64_t now_ms) {
  struct model *first = least(all);
  struct gcache_deadline_s *expected = first != NULL && first->at_ms <= now_ms ? &first->d : NULL;
  assert_ptr_equal(gci_deadlines_pop(ds, now_ms), expected);
  if (expected == NULL) return;
  assert_false(gci_deadline_is_set(expected));
  first->set = 0;
}

static void check_next(const struct gci_deadlines *ds, struct model *all) {
  struct model *first = least(all);
  assert_ptr_equal(gci_deadlines_first(ds), first == NULL ? NULL : &first->d);
  assert_true(gci_deadlines_next(ds) == (first == NULL ? GCI_DEADLINE_NEVER : first->at_ms));
}

static void step(struct gci_deadlines *ds, struct model *all, struct random *r, uint64_t order) {
  struct model *m = &all[random_below(r, N)];
  uint64_t at_ms = random_below(r, 50); /* few values: many ties */
  switch (random_below(r, 5)) {
  case 0:
    pop_as_the_model(ds, all, at_ms / 4);
    break;
  case 1:
    gci_deadline_clear(ds, &m->d);
    m->set = 0;
    break;
  default:
    assert_int_equal(gci_deadline_set(ds, &m->d, at_ms), 0);
    m->set = 1;
    m->at_ms = at_ms;
    m->order = order;
  }
  assert_int_equal(gci_deadline_is_set(&m->d), m->set);
}

static void random_steps_match_a_searched_array(void **state) {
  struct model all[N];
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct random r = {seed};
    struct oom oom;
    oom_init(&oom);
    gcache_mem_t user = oom_mem(&oom);
    struct gci_mem *mem = gci_mem_new(&user);
    struct gci_deadlines ds;
    gci_deadlines_init(&ds, mem);
    memset(all, 0, sizeof all);
    for (size_t i = 0; i < N; i++) {
      gci_deadline_init(&all[i].d, never_called);
    }
    for (uint64_t i = 0; i < 3000; i++) {
      step(&ds, all, &r, i);
      check_next(&ds, all);
    }
    while (least(all) != NULL) {
      pop_as_the_model(&ds, all, UINT64_MAX - 1);
    }
    check_next(&ds, all);
    gci_deadlines_fini(&ds);
    assert_int_equal(mem->blocks, 0);
    gci_mem_unref(mem);
    oom_assert_empty(&oom);
  }
}

static void never_clears(void **state) {
  struct gci_mem *mem = gci_mem_new(NULL);
  struct gci_deadlines ds;
  struct gcache_deadline_s d;
  (void)state;
  gci_deadlines_init(&ds, mem);
  gci_deadline_init(&d, never_called);
  assert_int_equal(gci_deadline_set(&ds, &d, GCI_DEADLINE_NEVER), 0);
  assert_false(gci_deadline_is_set(&d));
  assert_int_equal(gci_deadline_set(&ds, &d, 5), 0);
  assert_int_equal(gci_deadline_set(&ds, &d, GCI_DEADLINE_NEVER), 0);
  assert_false(gci_deadline_is_set(&d));
  assert_true(gci_deadlines_next(&ds) == GCI_DEADLINE_NEVER);
  assert_null(gci_deadlines_pop(&ds, UINT64_MAX));
  gci_deadlines_fini(&ds);
  assert_int_equal(mem->bytes, 0);
  gci_mem_unref(mem);
}

/* Where the array cannot grow the new one is not set, and those in it still move, clear and pop. */
static void fill(struct oom *oom, void *arg) {
  struct gcache_deadline_s d[100];
  size_t set = 0;
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  struct gci_deadlines ds;
  gci_deadlines_init(&ds, mem);
  for (size_t i = 0; i < 100; i++) {
    gci_deadline_init(&d[i], never_called);
    int err = gci_deadline_set(&ds, &d[i], 1000 - i);
    assert_true(err == 0 || err == UV_ENOMEM);
    assert_int_equal(gci_deadline_is_set(&d[i]), err == 0);
    if (err < 0) continue;
    set++;
    assert_int_equal(gci_deadline_set(&ds, &d[i], 100 + i), 0);
  }
  uint64_t last = 0;
  for (struct gcache_deadline_s *p; (p = gci_deadlines_pop(&ds, 2000)) != NULL; set--) {
    assert_true(p->at_ms > last);
    last = p->at_ms;
  }
  assert_int_equal(set, 0);
  gci_deadlines_fini(&ds);
  gci_mem_unref(mem);
}

static void without_memory_setting_fails_and_the_rest_works(void **state) {
  (void)state;
  assert_true(oom_sweep(fill, NULL) >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_steps_match_a_searched_array),
      cmocka_unit_test(never_clears),
      cmocka_unit_test(without_memory_setting_fails_and_the_rest_works),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
