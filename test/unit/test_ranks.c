/* Ranks eight at a time against one at a time: all lengths and offsets, with equal ranks among
 * them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"
#include "store/ranks.h"

enum { MAX = 70 };

struct member {
  uint32_t multiply[2], add[2];
};

static struct member some_member(struct random *random) {
  struct member m;
  for (int i = 0; i < 2; i++) {
    m.multiply[i] = (uint32_t)random_below(random, GCI_RANKS_SLOTS) | 1;
    m.add[i] = (uint32_t)random_below(random, GCI_RANKS_SLOTS);
  }
  return m;
}

static void check(const struct gci_ranks *l, const struct member members[], size_t from, size_t end,
                  uint32_t slot, uint32_t limit) {
  uint32_t lowest = GCI_RANKS_SLOTS;
  size_t same = 0, at_most = end;
  for (size_t i = from; i < end; i++) {
    uint32_t rank = gci_rank_of(members[i].multiply, members[i].add, slot);
    same = rank < lowest ? 1 : same + (rank == lowest);
    if (rank < lowest) lowest = rank;
    if (rank <= limit && at_most == end) at_most = i;
  }
  int tied;
  size_t at = gci_ranks_lowest(l, from, end, slot, &tied);
  assert_in_range(at, from, end - 1);
  assert_int_equal(gci_rank_of(members[at].multiply, members[at].add, slot), lowest);
  if (same > 1) assert_true(tied);
  if (tied) assert_true(same > 1);
  assert_int_equal(gci_ranks_at_most(l, from, end, slot, limit), at_most);
}

static void eight_at_a_time_find_what_one_at_a_time_do(void **state) {
  struct random random = {11};
  struct gci_mem *mem = gci_mem_new(NULL);
  (void)state;
  for (size_t n = 1; n <= MAX; n++) {
    struct member members[MAX];
    struct gci_ranks l;
    assert_int_equal(gci_ranks_init(&l, mem, n), 0);
    for (size_t i = 0; i < n; i++) {
      members[i] = i > 0 && random_below(&random, 4) == 0 ? members[random_below(&random, i)]
                                                          : some_member(&random);
      gci_ranks_put(&l, i, members[i].multiply, members[i].add);
    }
    for (int i = 0; i < 400 && l.block != NULL; i++) {
      size_t from = random_below(&random, n), end = from + 1 + random_below(&random, n - from);
      uint32_t slot = (uint32_t)random_below(&random, GCI_RANKS_SLOTS);
      check(&l, members, from, end, slot, (uint32_t)random_below(&random, GCI_RANKS_SLOTS / 8));
    }
    gci_ranks_fini(&l);
  }
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(eight_at_a_time_find_what_one_at_a_time_do)};
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
