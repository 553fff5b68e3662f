/* Unit test of store/flight, against an array of flags. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"
#include "random.h"
#include "store/flight.h"

enum { KEYS = 30, JOURNEYS = 60 };

static const char key_bytes[KEYS] = "a\0b\0cdefghijklmnopqrstuvwxyz";

/* Keys are prefixes of one text: the empty one, and some with a NUL, are among them. */
static gcache_bytes_t key_of(size_t k) {
  return gcache_bytes(key_bytes, k);
}

static uint64_t hash_of(size_t k) {
  return k % 4; /* every hash belongs to several keys */
}

struct world {
  struct gci_mem *mem;
  struct gci_flights flights;
  struct gci_flight journeys[JOURNEYS];
  int flying[JOURNEYS];
  struct gci_flight *joinable[KEYS]; /* what find() has to give */
};

static int world_setup(void **state) {
  static struct world w;
  memset(&w, 0, sizeof w);
  w.mem = gci_mem_new(NULL);
  gci_flights_init(&w.flights, w.mem);
  *state = &w;
  return 0;
}

static int world_teardown(void **state) {
  struct world *w = *state;
  gci_flights_fini(&w->flights);
  assert_int_equal(w->mem->bytes, 0);
  assert_int_equal(w->mem->blocks, 0);
  gci_mem_unref(w->mem);
  return 0;
}

static void check(const struct world *w) {
  for (size_t k = 0; k < KEYS; k++) {
    assert_ptr_equal(gci_flights_find(&w->flights, key_of(k), hash_of(k)), w->joinable[k]);
  }
  for (size_t j = 0; j < JOURNEYS; j++) {
    if (w->flying[j])
      assert_int_equal(w->journeys[j].joinable,
                       w->joinable[w->journeys[j].key.len] == &w->journeys[j]);
  }
}

/* Detaching is what a remove does, and what landing begins with. */
static void detach(struct world *w, size_t j) {
  size_t k = w->journeys[j].key.len;
  if (w->joinable[k] == &w->journeys[j]) w->joinable[k] = NULL;
  gci_flights_detach(&w->flights, &w->journeys[j]);
}

static void step(struct world *w, struct random *r) {
  size_t j = random_below(r, JOURNEYS), k = random_below(r, KEYS);
  if (w->flying[j]) {
    detach(w, j);
    w->flying[j] = random_below(r, 2) == 0; /* else it has landed: its memory is gone */
    if (!w->flying[j]) memset(&w->journeys[j], 0xa5, sizeof w->journeys[j]);
  } else if (w->joinable[k] == NULL) {
    gci_flights_open(&w->flights, &w->journeys[j], key_of(k), hash_of(k));
    assert_true(gci_list_empty(&w->journeys[j].waiters));
    w->joinable[k] = &w->journeys[j];
    w->flying[j] = 1;
  }
}

static void random_flights_match_an_array(void **state) {
  struct world *w = *state;
  struct random r = {3};
  for (int i = 0; i < 20000; i++) {
    step(w, &r);
    check(w);
  }
  gci_flights_detach_all(&w->flights);
  memset(w->joinable, 0, sizeof w->joinable);
  check(w);
}

static void a_detached_flight_keeps_its_waiters_and_makes_way(void **state) {
  struct world *w = *state;
  struct gcache_link_s first, second;
  gci_link_init(&first);
  gci_link_init(&second);
  gci_flights_open(&w->flights, &w->journeys[0], key_of(5), 9);
  gci_list_push_back(&w->journeys[0].waiters, &first);
  gci_flights_detach(&w->flights, &w->journeys[0]);
  gci_flights_detach(&w->flights, &w->journeys[0]); /* again: nothing */
  assert_false(w->journeys[0].joinable);
  assert_ptr_equal(gci_list_front(&w->journeys[0].waiters), &first);

  assert_null(gci_flights_find(&w->flights, key_of(5), 9));
  gci_flights_open(&w->flights, &w->journeys[1], key_of(5), 9);
  gci_list_push_back(&w->journeys[1].waiters, &second);
  assert_ptr_equal(gci_flights_find(&w->flights, key_of(5), 9), &w->journeys[1]);
  gci_flights_detach(&w->flights, &w->journeys[0]); /* the old one cannot take the new one out */
  assert_ptr_equal(gci_flights_find(&w->flights, key_of(5), 9), &w->journeys[1]);
  gci_flights_detach_all(&w->flights);
  assert_false(w->journeys[1].joinable);
  assert_ptr_equal(gci_list_front(&w->journeys[1].waiters), &second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(random_flights_match_an_array, world_setup, world_teardown),
      cmocka_unit_test_setup_teardown(a_detached_flight_keeps_its_waiters_and_makes_way,
                                      world_setup, world_teardown),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
