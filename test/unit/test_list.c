/* Unit test of base/list. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct item {
  int n;
  struct gcache_link_s link;
};

/* The list holds exactly these numbers, read in both directions. */
static void holds(const struct gci_list *list, const int *expected, size_t n) {
  size_t i = 0;
  gci_list_each(link, list) {
    assert_true(i < n);
    assert_int_equal(gci_container_of(link, struct item, link)->n, expected[i++]);
  }
  assert_int_equal(i, n);
  for (struct gcache_link_s *link = list->head.prev; link != &list->head; link = link->prev) {
    assert_int_equal(gci_container_of(link, struct item, link)->n, expected[--i]);
  }
  assert_int_equal(i, 0);
  assert_int_equal(gci_list_empty(list), n == 0);
}

static void links_go_in_and_out_anywhere(void **state) {
  struct gci_list list;
  struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};
  (void)state;
  gci_list_init(&list);
  assert_null(gci_list_front(&list));
  assert_null(gci_list_back(&list));
  assert_null(gci_list_pop_front(&list));
  gci_list_push_back(&list, &b.link);
  gci_list_push_front(&list, &a.link);
  gci_list_push_back(&list, &c.link);
  holds(&list, (int[]){1, 2, 3}, 3);
  assert_ptr_equal(gci_list_front(&list), &a.link);
  assert_ptr_equal(gci_list_back(&list), &c.link);
  gci_link_unlink(&b.link);
  gci_link_unlink(&b.link);
  assert_false(gci_link_linked(&b.link));
  holds(&list, (int[]){1, 3}, 2);
  assert_ptr_equal(gci_list_pop_front(&list), &a.link);
  gci_link_insert_after(&c.link, &a.link);
  holds(&list, (int[]){3, 1}, 2);
}

static void move_appends_all_and_empties_the_source(void **state) {
  struct gci_list to, from;
  struct item a = {.n = 1}, b = {.n = 2}, c = {.n = 3};
  (void)state;
  gci_list_init(&to);
  gci_list_init(&from);
  gci_list_move(&to, &from);
  holds(&to, NULL, 0);
  gci_list_push_back(&from, &a.link);
  gci_list_push_back(&from, &b.link);
  gci_list_move(&to, &from);
  holds(&to, (int[]){1, 2}, 2);
  holds(&from, NULL, 0);
  gci_list_push_back(&from, &c.link);
  gci_list_move(&to, &from);
  holds(&to, (int[]){1, 2, 3}, 3);
  gci_list_move(&to, &from);
  holds(&to, (int[]){1, 2, 3}, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(links_go_in_and_out_anywhere),
      cmocka_unit_test(move_appends_all_and_empties_the_source),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
