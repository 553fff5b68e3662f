/* Sorting against insertion sort: every length up to a few hundred, keys that differ in few bytes
 * or in all, equal keys in their order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "random.h"
#include "store/sort.h"

enum { MAX = 300 };

static void insert(struct gci_sorted items[], size_t n, struct gci_sorted item) {
  for (; n > 0 && items[n - 1].key > item.key; n--)
    items[n] = items[n - 1];
  items[n] = item;
}

static void check(struct random *random, size_t n, uint64_t mask, size_t budget) {
  struct gci_sort sort;
  struct gci_sorted items[MAX], room[MAX], model[MAX];
  for (size_t i = 0; i < n; i++) {
    items[i] = (struct gci_sorted){random_u64(random) & mask, (uint32_t)i};
    insert(model, i, items[i]);
  }
  gci_sort_begin(&sort, items, room, n);
  while (gci_sort_some(&sort, budget)) {
  }
  const struct gci_sorted *sorted = gci_sort_result(&sort);
  for (size_t i = 0; i < n; i++) {
    assert_true(sorted[i].key == model[i].key);
    assert_int_equal(sorted[i].value, model[i].value);
  }
}

static void keys_ascend_and_equal_keys_keep_their_order(void **state) {
  static const uint64_t masks[] = {0, 7, 0xff00, UINT64_C(0xff00000000000003), UINT64_MAX};
  struct random random = {1};
  (void)state;
  for (size_t mask = 0; mask < sizeof masks / sizeof *masks; mask++)
    for (size_t n = 0; n < MAX; n++)
      check(&random, n, masks[mask], 1 + random_below(&random, 2 * MAX));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(keys_ascend_and_equal_keys_keep_their_order)};
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
