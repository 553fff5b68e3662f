/* Unit test of store/lru, through the policy interface, against an array in order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "random.h"
#include "store/lru.h"

enum { N = 40 };

struct model {
  struct gci_lru lru;
  _Alignas(struct gci_entry) unsigned char entries[N][sizeof(struct gci_entry)];
  size_t order[N]; /* oldest first */
  size_t n;
};

static void model_init(struct model *m) {
  memset(m, 0xa5, sizeof *m); /* a policy may not count on an entry's links */
  gci_lru_init(&m->lru);
  m->n = 0;
}

static struct gci_entry *entry(struct model *m, size_t i) {
  return (struct gci_entry *)(void *)m->entries[i];
}

static size_t position(const struct model *m, size_t i) {
  size_t at = 0;
  while (at < m->n && m->order[at] != i)
    at++;
  return at;
}

static void model_remove(struct model *m, size_t i) {
  size_t at = position(m, i);
  m->n--;
  memmove(&m->order[at], &m->order[at + 1], (m->n - at) * sizeof m->order[0]);
}

static void check_victim(struct model *m) {
  struct gci_entry *expected = m->n == 0 ? NULL : entry(m, m->order[0]);
  assert_ptr_equal(m->lru.policy.ops->victim(&m->lru.policy), expected);
}

static void step(struct model *m, size_t i, int hit) {
  struct gci_policy *policy = &m->lru.policy;
  if (position(m, i) == m->n) {
    policy->ops->add(policy, entry(m, i));
    m->order[m->n++] = i;
  } else {
    model_remove(m, i);
    if (hit) m->order[m->n++] = i;
    if (hit)
      gci_policy_hit(policy, entry(m, i));
    else
      policy->ops->remove(policy, entry(m, i), GCI_LEAVE);
  }
}

static void random_steps_match_an_array_in_order(void **state) {
  static struct model m;
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct random r = {seed};
    model_init(&m);
    for (int i = 0; i < 5000; i++) {
      step(&m, random_below(&r, N), random_below(&r, 4) > 0);
      check_victim(&m);
    }
  }
}

static void victims_leave_in_the_order_of_their_last_hit(void **state) {
  static struct model m;
  struct random r = {7};
  (void)state;
  model_init(&m);
  for (int i = 0; i < 1000; i++)
    step(&m, random_below(&r, N), 1);
  while (m.n > 0) {
    check_victim(&m);
    step(&m, m.order[0], 0);
  }
  check_victim(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_steps_match_an_array_in_order),
      cmocka_unit_test(victims_leave_in_the_order_of_their_last_hit),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
