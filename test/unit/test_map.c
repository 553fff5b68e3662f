/* Unit test of base/map, against an array of flags. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "oom.h"
#include "random.h"

enum { N = 300, HASHES = 150 }; /* two nodes a hash, on average */

struct item {
  struct gci_map_node node;
  uint64_t hash;
  int in, seen;
};

struct table {
  struct gci_map map;
  struct item items[N];
  size_t count;
};

static void table_init(struct table *t, struct gci_mem *mem, struct random *r) {
  uint64_t hashes[HASHES];
  memset(t, 0, sizeof *t);
  gci_map_init(&t->map, mem);
  for (size_t i = 0; i < HASHES; i++) {
    hashes[i] = i % 3 == 0 ? i << 40 : random_u64(r); /* some share all their low bits */
  }
  for (size_t i = 0; i < N; i++) {
    t->items[i].hash = hashes[random_below(r, HASHES)];
  }
}

/* Every node in the map with this hash is found once, and no other. */
static void check_hash(struct table *t, uint64_t hash) {
  for (size_t i = 0; i < N; i++) {
    t->items[i].seen = 0;
  }
  struct gci_map_node *node = gci_map_first(&t->map, hash);
  for (; node != NULL; node = gci_map_next(node)) {
    gci_container_of(node, struct item, node)->seen++;
  }
  for (size_t i = 0; i < N; i++) {
    assert_int_equal(t->items[i].seen, t->items[i].in && t->items[i].hash == hash);
  }
}

static void toggle(struct table *t, struct item *item) {
  if (item->in)
    gci_map_remove(&t->map, &item->node);
  else
    gci_map_insert(&t->map, &item->node, item->hash);
  t->count += item->in ? (size_t)-1 : 1;
  item->in = !item->in;
  assert_int_equal(t->map.count, t->count);
  assert_int_equal(gci_map_any(&t->map) == NULL, t->count == 0);
}

static void take_apart(struct table *t) {
  struct gci_map_node *node;
  while ((node = gci_map_any(&t->map)) != NULL) {
    struct item *item = gci_container_of(node, struct item, node);
    assert_true(item->in);
    toggle(t, item);
  }
  assert_int_equal(t->count, 0);
}

static void use(struct gci_mem *mem, uint64_t seed, size_t steps) {
  static struct table t;
  struct random r = {seed};
  table_init(&t, mem, &r);
  for (size_t i = 0; i < steps; i++) {
    toggle(&t, &t.items[random_below(&r, N)]);
    check_hash(&t, t.items[random_below(&r, N)].hash);
    check_hash(&t, random_u64(&r));
  }
  take_apart(&t);
  check_hash(&t, t.items[0].hash);
  gci_map_fini(&t.map);
}

static void random_steps_match_an_array_of_flags(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 5; seed++) {
    struct gci_mem *mem = gci_mem_new(NULL);
    use(mem, seed, 3000);
    assert_int_equal(mem->bytes, 0);
    gci_mem_unref(mem);
  }
}

static void without_memory_it_works_with_longer_chains(void **state) {
  struct oom oom;
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  oom_fail_from(&oom, 1);
  use(mem, 11, 1000);
  assert_true(oom.refused > 100);
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

static void use_a_little(struct oom *oom, void *arg) {
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  use(mem, 3, 400);
  assert_int_equal(mem->bytes, 0);
  gci_mem_unref(mem);
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_sweep(use_a_little, NULL) >= 5);
}

static void it_grows_with_its_nodes(void **state) {
  static struct item items[5000];
  struct gci_mem *mem = gci_mem_new(NULL);
  struct gci_map map;
  struct random r = {1};
  (void)state;
  gci_map_init(&map, mem);
  assert_int_equal(mem->blocks, 0); /* an empty map owns nothing */
  for (size_t i = 0; i < 5000; i++) {
    gci_map_insert(&map, &items[i].node, random_u64(&r));
  }
  assert_true(map.n_buckets >= 5000 && map.n_buckets <= 10000);
  assert_int_equal(mem->blocks, 1);
  for (size_t i = 0; i < 5000; i++) {
    gci_map_remove(&map, &items[i].node);
  }
  gci_map_fini(&map);
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_steps_match_an_array_of_flags),
      cmocka_unit_test(without_memory_it_works_with_longer_chains),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(it_grows_with_its_nodes),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
