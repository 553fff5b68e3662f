/* The table of slots against the rendezvous, over all slots: filled slice by slice, read in
 * between, and inherited through histories of lists; and allocation failures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "oom.h"
#include "random.h"
#include "store/slots.h"

enum { MAX_PEERS = 400 };

struct list {
  struct gci_placed_peer peers[MAX_PEERS];
  char labels[MAX_PEERS][40];
  size_t n;
};

struct table {
  struct gci_rendezvous rendezvous;
  struct gci_slots slots;
};

static void list_add(struct list *list, unsigned number, unsigned weight) {
  char *label = list->labels[number];
  snprintf(label, sizeof list->labels[0], "http://10.2.0.%u:8080", number);
  list->peers[list->n++] = (struct gci_placed_peer){label, weight};
}

static void list_fill(struct list *list, size_t n) {
  list->n = 0;
  while (list->n < n)
    list_add(list, (unsigned)list->n, 1);
}

static int begin_table(struct table *t, struct gci_mem *mem, const struct list *list,
                       const struct table *old) {
  int rc = gci_rendezvous_begin(&t->rendezvous, mem, list->peers, list->n);
  if (rc < 0) return rc;
  while (gci_rendezvous_work(&t->rendezvous)) {
  }
  rc = gci_slots_init(&t->slots, &t->rendezvous, old == NULL ? NULL : &old->slots);
  if (rc < 0) gci_rendezvous_fini(&t->rendezvous);
  return rc;
}

/* old NULL: there is none to inherit from. */
static int open_table(struct table *t, struct gci_mem *mem, const struct list *list,
                      const struct table *old) {
  int rc = begin_table(t, mem, list, old);
  while (rc == 0 && gci_slots_prepare(&t->slots)) {
  }
  return rc;
}

static void close_table(struct table *t) {
  gci_slots_fini(&t->slots);
  gci_rendezvous_fini(&t->rendezvous);
}

static int setup(void **state) {
  *state = gci_mem_new(NULL);
  return *state == NULL;
}

static int teardown(void **state) {
  struct gci_mem *mem = *state;
  int left = mem->bytes != 0 || mem->blocks != 0;
  gci_mem_unref(mem);
  return left;
}

static size_t finish(struct table *t) {
  size_t slices = 1;
  while (gci_slots_work(&t->slots))
    slices++;
  assert_null(t->slots.decided);
  return slices;
}

/* Every step-th slot, from `first`. */
static void check_slots(struct table *t, uint32_t first, uint32_t step) {
  const struct gci_rendezvous *r = &t->rendezvous;
  for (uint32_t slot = first; slot < GCI_RENDEZVOUS_SLOTS; slot += step) {
    size_t want = (size_t)(gci_rendezvous_winner(r, slot, NULL).member - r->members);
    if (gci_slots_owner(&t->slots, slot) != want) fail_msg("slot %u", slot);
  }
}

/* ----------------------------------------------------------------------------------- filling -- */

static void weigh(struct list *list, unsigned most, struct random *random) {
  for (size_t i = 0; i < list->n; i++)
    list->peers[i].weight = 1 + (unsigned)random_below(random, most);
}

static void when_filled_every_slot_is_its_winners(void **state) {
  static const size_t sizes[] = {1, 2, 3, 12, 100, MAX_PEERS};
  static const unsigned weights[] = {1, 3, 1000};
  struct random random = {1};
  for (size_t i = 0; i < 6; i++) {
    struct list list;
    struct table t;
    list_fill(&list, sizes[i]);
    weigh(&list, weights[i % 3], &random);
    assert_int_equal(open_table(&t, *state, &list, NULL), 0);
    assert_true(finish(&t) > 1);
    check_slots(&t, 0, sizes[i] > 50 ? 7 : 1);
    close_table(&t);
  }
}

static void slots_asked_for_meanwhile_have_the_same_owners(void **state) {
  struct list list;
  struct table t;
  struct random random = {2};
  uint32_t first = 0;
  list_fill(&list, 60);
  weigh(&list, 3, &random);
  assert_int_equal(open_table(&t, *state, &list, NULL), 0);
  do
    check_slots(&t, first++, 997);
  while (gci_slots_work(&t.slots));
  check_slots(&t, 0, 1);
  close_table(&t);
}

/* ----------------------------------------------------------------------------------- history -- */

/* One or a few come, go, or change their weight; the order of the list changes each time. */
static void change(struct list *list, unsigned *next, struct random *random) {
  size_t changes = 1 + random_below(random, 3);
  for (size_t c = 0; c < changes; c++) {
    size_t at = random_below(random, list->n), what = random_below(random, 4);
    if (what < 2 && *next < MAX_PEERS)
      list_add(list, (*next)++, 1 + (unsigned)random_below(random, 3));
    else if (what == 2 && list->n > 20)
      list->peers[at] = list->peers[--list->n];
    else
      list->peers[at].weight = 1 + (unsigned)random_below(random, 3);
  }
  for (size_t i = list->n; i-- > 1;) {
    size_t j = random_below(random, i + 1);
    struct gci_placed_peer kept = list->peers[i];
    list->peers[i] = list->peers[j];
    list->peers[j] = kept;
  }
}

static void inherit_while_old_goes_on(struct table *t, struct table *old, struct random *random) {
  while (gci_slots_prepare(&t->slots)) {
    for (int i = 0; i < 2000; i++)
      gci_slots_owner(&old->slots, (uint32_t)random_below(random, GCI_RENDEZVOUS_SLOTS));
    gci_slots_work(&old->slots);
  }
}

/* Lists replace each other after any number of slices. */
static void check_history(struct gci_mem *mem, size_t peers, uint64_t seed) {
  struct random random = {seed};
  struct list list;
  struct table tables[2];
  unsigned next = (unsigned)peers;
  list_fill(&list, peers);
  assert_int_equal(open_table(&tables[0], mem, &list, NULL), 0);
  finish(&tables[0]);
  for (size_t step = 1; step <= 12; step++) {
    struct table *old = &tables[(step - 1) % 2], *t = &tables[step % 2];
    change(&list, &next, &random);
    assert_int_equal(begin_table(t, mem, &list, old), 0);
    inherit_while_old_goes_on(t, old, &random);
    close_table(old);
    check_slots(t, (uint32_t)random_below(&random, 500), 499);
    for (size_t slices = random_below(&random, 60); slices > 0; slices--)
      gci_slots_work(&t->slots);
    check_slots(t, (uint32_t)random_below(&random, 100), 101);
  }
  finish(&tables[0]);
  check_slots(&tables[0], 0, 3);
  close_table(&tables[0]);
}

static void any_history_of_lists_ends_with_the_owners_of_the_last(void **state) {
  check_history(*state, 25, 3);
  check_history(*state, 120, 4);
  check_history(*state, 300, 5);
}

static void one_peer_more_or_less_is_little_work(void **state) {
  struct list few, more;
  struct table small, large, again;
  list_fill(&few, MAX_PEERS - 1);
  list_fill(&more, MAX_PEERS);
  assert_int_equal(open_table(&small, *state, &few, NULL), 0);
  size_t anew = finish(&small);
  assert_int_equal(open_table(&large, *state, &more, &small), 0);
  assert_true(finish(&large) <= 1);
  check_slots(&large, 0, 5);
  assert_int_equal(open_table(&again, *state, &few, &large), 0);
  assert_true(finish(&again) < anew / 4);
  assert_memory_equal(again.slots.owners, small.slots.owners,
                      GCI_RENDEZVOUS_SLOTS * sizeof *small.slots.owners);
  close_table(&again);
  close_table(&large);
  close_table(&small);
}

/* ------------------------------------------------------------------------------------ memory -- */

static void open_and_inherit(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct table old, t;
  (void)arg;
  if (mem == NULL) return;
  struct list list;
  list_fill(&list, 200);
  int rc = open_table(&old, mem, &list, NULL);
  if (rc == 0) {
    list.peers[7] = list.peers[--list.n];
    rc = open_table(&t, mem, &list, &old);
    if (rc == 0) {
      check_slots(&t, 0, 9973);
      close_table(&t);
    }
    close_table(&old);
  }
  if (rc < 0) assert_int_equal(rc, UV_ENOMEM);
  gci_mem_unref(mem);
}

static void every_failing_allocation_is_an_error_or_makes_no_difference(void **state) {
  (void)state;
  assert_in_range(oom_sweep(open_and_inherit, NULL), 18, 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(when_filled_every_slot_is_its_winners, setup, teardown),
      cmocka_unit_test_setup_teardown(slots_asked_for_meanwhile_have_the_same_owners, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(any_history_of_lists_ends_with_the_owners_of_the_last, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(one_peer_more_or_less_is_little_work, setup, teardown),
      cmocka_unit_test(every_failing_allocation_is_an_error_or_makes_no_difference),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
