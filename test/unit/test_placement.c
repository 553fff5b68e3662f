/* Placement as its users see it: keys to owners for all kinds, balance for several kinds of keys,
 * the next owner, the frozen owners on which members of different versions must agree, and
 * allocation failures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "oom.h"
#include "random.h"
#include "store/placement.h"

enum { MAX_PEERS = 100 };

struct list {
  struct gci_placed_peer peers[MAX_PEERS];
  char labels[MAX_PEERS][40];
  size_t n;
};

static void list_fill(struct list *list, size_t n) {
  list->n = n;
  for (size_t i = 0; i < n; i++) {
    snprintf(list->labels[i], sizeof list->labels[i], "http://10.0.0.%zu:8080", i + 1);
    list->peers[i] = (struct gci_placed_peer){list->labels[i], 1};
  }
}

static struct gci_placement *open_list(struct gci_mem *mem, gcache_dialect_t kind,
                                       const struct list *list) {
  struct gci_placement *p;
  assert_int_equal(gci_placement_open(&p, mem, kind, 0, list->peers, list->n), 0);
  return p;
}

static gcache_bytes_t text(const char *s) {
  return (gcache_bytes_t){s, strlen(s)};
}

static gcache_bytes_t numbered(char out[32], const char *prefix, uint64_t i) {
  int len = snprintf(out, 32, "%s:%" PRIu64, prefix, i);
  return (gcache_bytes_t){out, (size_t)len};
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

/* --------------------------------------------------------------------------- kinds of keys ---- */

typedef gcache_bytes_t (*key_maker)(char out[64], uint64_t i, struct random *r);

static gcache_bytes_t sequential_key(char out[64], uint64_t i, struct random *r) {
  (void)r;
  int len = snprintf(out, 64, "user:%" PRIu64, i);
  return (gcache_bytes_t){out, (size_t)len};
}

static gcache_bytes_t padded_key(char out[64], uint64_t i, struct random *r) {
  (void)r;
  int len = snprintf(out, 64, "%020" PRIu64, i);
  return (gcache_bytes_t){out, (size_t)len};
}

static gcache_bytes_t uuid_key(char out[64], uint64_t i, struct random *r) {
  (void)i;
  uint64_t a = random_u64(r), b = random_u64(r);
  int len = snprintf(out, 64, "%08x-%04x-4%03x-%04x-%012" PRIx64, (unsigned)(a >> 32),
                     (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff,
                     0x8000u | ((unsigned)(b >> 48) & 0x3fff), b & UINT64_C(0xffffffffffff));
  return (gcache_bytes_t){out, (size_t)len};
}

static gcache_bytes_t random_key(char out[64], uint64_t i, struct random *r) {
  (void)i;
  random_bytes(r, out, 16);
  return (gcache_bytes_t){out, 16};
}

static void check_balance(struct gci_mem *mem, const char *name, key_maker make) {
  enum { PEERS = 100, KEYS = 1 << 20 };
  struct list list;
  struct random random = {11};
  size_t owned[PEERS] = {0}, peak = 0;
  char key[64];
  list_fill(&list, PEERS);
  struct gci_placement *p = open_list(mem, GCACHE_DIALECT_GCACHE, &list);
  for (uint64_t i = 0; i < KEYS; i++)
    owned[gci_placement_owner(p, make(key, i, &random))]++;
  for (size_t i = 0; i < PEERS; i++)
    if (owned[i] > peak) peak = owned[i];
  double ratio = (double)peak * PEERS / KEYS;
  print_message("%s: busiest peer / mean at 100 peers %.3f\n", name, ratio);
  assert_true(ratio <= 1.05);
  gci_placement_close(p);
}

static void the_busiest_of_100_peers_is_within_5_percent_of_the_mean(void **state) {
  check_balance(*state, "sequential", sequential_key);
  check_balance(*state, "padded", padded_key);
  check_balance(*state, "uuid", uuid_key);
  check_balance(*state, "random", random_key);
}

/* --------------------------------------------------------------------------------- default ---- */

/* Owners computed by the model of test_rendezvous from XXH3-64(key, seed 0x79656b) >> 44. They may
 * never change: members of different versions share a cluster. */
static void owners_are_frozen(void **state) {
  static const struct {
    const char *key;
    size_t of_10, of_60;
  } rows[] = {{"", 8, 13},
              {"a", 5, 16},
              {"user:1", 2, 34},
              {"user:2", 0, 35},
              {"user:3", 2, 23},
              {"12345", 8, 44},
              {"a b/c,d", 8, 57},
              {"session:9f8e7d6c", 5, 38},
              {"/index.html", 8, 47},
              {"item:0000000042", 2, 19},
              {"0", 8, 8},
              {"z", 2, 29}};
  for (size_t n = 10; n <= 60; n += 50) {
    struct list list;
    list_fill(&list, n);
    for (size_t i = 0; i < list.n; i++)
      list.peers[i].weight = 1 + (unsigned)i % 3;
    struct gci_placement *p = open_list(*state, GCACHE_DIALECT_GCACHE, &list);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
      assert_int_equal(gci_placement_owner(p, text(rows[i].key)),
                       n == 10 ? rows[i].of_10 : rows[i].of_60);
    gci_placement_close(p);
  }
}

/* With and without what the old list has done already. */
static void check_added(struct gci_mem *mem, size_t peers, int slices) {
  struct list few, more;
  size_t moved = 0, keys = 10000 * (peers + 1);
  char key[32];
  list_fill(&few, peers);
  list_fill(&more, peers + 1);
  struct gci_placement *before = open_list(mem, GCACHE_DIALECT_GCACHE, &few);
  struct gci_placement *after;
  while (slices-- > 0)
    gci_placement_work(before);
  assert_int_equal(
      gci_placement_begin(&after, mem, GCACHE_DIALECT_GCACHE, 0, more.peers, more.n, before), 0);
  while (gci_placement_prepare(after)) {
  }
  for (uint64_t i = 0; i < keys; i++) {
    gcache_bytes_t k = numbered(key, "item", i);
    size_t was = gci_placement_owner(before, k), is = gci_placement_owner(after, k);
    if (was == is) continue;
    assert_int_equal(is, peers);
    moved++;
  }
  assert_in_range(moved, 9500, 10500);
  gci_placement_close(before);
  gci_placement_close(after);
}

static void keys_move_only_to_the_added_peer(void **state) {
  check_added(*state, 4, 0);
  check_added(*state, 5, 0); /* from a list that is asked to one with a table */
  check_added(*state, 60, 0);
  check_added(*state, 60, 20);
  check_added(*state, 99, 1000);
}

/* With peers out of service each key goes where a list without them would put it. */
static void check_next(struct gci_mem *mem, size_t peers) {
  struct random random = {5};
  char key[32];
  for (int round = 0; round < 20; round++) {
    struct list all, left;
    unsigned char skip[MAX_PEERS];
    size_t original[MAX_PEERS];
    list_fill(&all, peers);
    list_fill(&left, 0);
    for (size_t i = 0; i < peers; i++) {
      all.peers[i].weight = 1 + (unsigned)random_below(&random, 3);
      skip[i] = i != 4 && random_below(&random, 3) == 0;
      if (skip[i]) continue;
      original[left.n] = i;
      left.peers[left.n++] = all.peers[i];
    }
    struct gci_placement *p = open_list(mem, GCACHE_DIALECT_GCACHE, &all);
    struct gci_placement *q = open_list(mem, GCACHE_DIALECT_GCACHE, &left);
    for (uint64_t i = 0; i < 2000; i++) {
      gcache_bytes_t k = numbered(key, "k", i);
      assert_int_equal(gci_placement_next(p, k, skip), original[gci_placement_owner(q, k)]);
    }
    gci_placement_close(p);
    gci_placement_close(q);
  }
}

static void the_next_owner_is_the_owner_in_a_list_without_those_out(void **state) {
  check_next(*state, 8);
  check_next(*state, 40);
}

static void check_order(struct gci_mem *mem, size_t peers) {
  struct list forward, backward;
  char key[32];
  list_fill(&forward, peers);
  list_fill(&backward, peers);
  for (size_t i = 0; i < peers; i++) {
    forward.peers[i].weight = 1 + (unsigned)i / 2;
    backward.peers[peers - 1 - i] = forward.peers[i];
  }
  struct gci_placement *p = open_list(mem, GCACHE_DIALECT_GCACHE, &forward);
  struct gci_placement *q = open_list(mem, GCACHE_DIALECT_GCACHE, &backward);
  while (gci_placement_work(q))
    ;
  for (uint64_t i = 0; i < 20000; i++) {
    gcache_bytes_t k = numbered(key, "user", i);
    assert_int_equal(gci_placement_owner(p, k), peers - 1 - gci_placement_owner(q, k));
  }
  gci_placement_close(p);
  gci_placement_close(q);
}

static void neither_the_order_of_the_list_nor_what_is_done_matters(void **state) {
  check_order(*state, 7);
  check_order(*state, 80);
}

static void labels_are_not_needed_after_open(void **state) {
  static const gcache_dialect_t kinds[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                           GCACHE_DIALECT_GROUPCACHE_GO, GCACHE_DIALECT_GOLANG};
  for (size_t kind = 0; kind < 4; kind++) {
    struct list kept, overwritten;
    char key[32];
    list_fill(&kept, 6);
    list_fill(&overwritten, 6);
    struct gci_placement *p = open_list(*state, kinds[kind], &kept);
    struct gci_placement *q = open_list(*state, kinds[kind], &overwritten);
    memset(&overwritten, 0xff, sizeof overwritten);
    for (uint64_t i = 0; i < 1000; i++) {
      gcache_bytes_t k = numbered(key, "user", i);
      assert_int_equal(gci_placement_owner(p, k), gci_placement_owner(q, k));
    }
    gci_placement_close(p);
    gci_placement_close(q);
  }
}

/* ------------------------------------------------------------------------------- all kinds ---- */

static void each_kind_places_the_worked_examples(void **state) {
  static const char *const keys[] = {"12345", "user:1", "user:2", "a b/c,d", ""};
  static const struct {
    gcache_dialect_t kind;
    size_t skip_scheme;
    size_t owners[5];
  } kinds[] = {{GCACHE_DIALECT_GOLANG, 0, {2, 1, 0, 0, 0}},
               {GCACHE_DIALECT_MAILGUN, 0, {2, 2, 2, 2, 1}},
               {GCACHE_DIALECT_GROUPCACHE_GO, 7, {2, 2, 2, 2, 0}}};
  static const unsigned char none_out[3] = {0};
  for (size_t i = 0; i < 3; i++) {
    struct list list;
    list_fill(&list, 3);
    for (size_t j = 0; j < 3; j++)
      list.peers[j].label += kinds[i].skip_scheme;
    struct gci_placement *p = open_list(*state, kinds[i].kind, &list);
    for (size_t k = 0; k < 5; k++) {
      assert_int_equal(gci_placement_owner(p, text(keys[k])), kinds[i].owners[k]);
      assert_int_equal(gci_placement_next(p, text(keys[k]), none_out), kinds[i].owners[k]);
    }
    gci_placement_close(p);
  }
}

static void all_out_of_service_is_no_peer(void **state) {
  static const gcache_dialect_t kinds[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                           GCACHE_DIALECT_GROUPCACHE_GO, GCACHE_DIALECT_GOLANG};
  static const unsigned char all_out[4] = {1, 1, 1, 1};
  for (size_t kind = 0; kind < 4; kind++) {
    struct list list;
    list_fill(&list, 4);
    struct gci_placement *p = open_list(*state, kinds[kind], &list);
    assert_int_equal(gci_placement_next(p, text("key"), all_out), 4);
    gci_placement_close(p);
  }
}

static void one_peer_owns_everything(void **state) {
  struct list list;
  char key[32];
  list_fill(&list, 1);
  struct gci_placement *p = open_list(*state, GCACHE_DIALECT_GCACHE, &list);
  for (uint64_t i = 0; i < 1000; i++)
    assert_int_equal(gci_placement_owner(p, numbered(key, "k", i)), 0);
  assert_int_equal(gci_placement_owner(p, (gcache_bytes_t){NULL, 0}), 0);
  gci_placement_close(p);
}

static void lists_out_of_range_are_refused(void **state) {
  struct gci_placed_peer peer = {"http://a", 0};
  struct gci_placement *p = NULL;
  struct gci_placed_peer *many = calloc(GCI_PLACEMENT_MAX_PEERS + 1, sizeof *many);
  assert_non_null(many);
  for (size_t i = 0; i <= GCI_PLACEMENT_MAX_PEERS; i++)
    many[i] = (struct gci_placed_peer){"same", 1};
  assert_int_equal(gci_placement_open(&p, *state, GCACHE_DIALECT_GCACHE, 0, &peer, 0), UV_EINVAL);
  assert_int_equal(gci_placement_open(&p, *state, GCACHE_DIALECT_GCACHE, 0, &peer, 1), UV_EINVAL);
  assert_int_equal(
      gci_placement_open(&p, *state, GCACHE_DIALECT_GCACHE, 0, many, GCI_PLACEMENT_MAX_PEERS + 1),
      UV_EINVAL);
  assert_null(p);
  assert_int_equal(
      gci_placement_open(&p, *state, GCACHE_DIALECT_GCACHE, 0, many, GCI_PLACEMENT_MAX_PEERS), 0);
  assert_true(gci_placement_owner(p, text("key")) < GCI_PLACEMENT_MAX_PEERS);
  gci_placement_close(p);
  gci_placement_close(NULL);
  free(many);
}

struct opening {
  gcache_dialect_t kind;
  size_t peers, allocations; /* or one less, on machines that do not ask eight at a time */
};

static void open_and_ask(struct oom *oom, void *arg) {
  const struct opening *opening = arg;
  gcache_mem_t user = oom_mem(oom);
  struct gci_placement *p = NULL;
  struct list list;
  struct gci_mem *mem = gci_mem_new(&user);
  list_fill(&list, opening->peers);
  if (mem == NULL) return;
  int rc = gci_placement_open(&p, mem, opening->kind, 0, list.peers, list.n);
  if (rc == 0)
    assert_true(gci_placement_owner(p, text("key")) < list.n);
  else
    assert_int_equal(rc, UV_ENOMEM);
  gci_placement_close(p);
  gci_mem_unref(mem);
}

static void every_failing_allocation_is_an_error(void **state) {
  struct opening openings[] = {{GCACHE_DIALECT_GCACHE, 3, 7},
                               {GCACHE_DIALECT_GCACHE, 20, 10},
                               {GCACHE_DIALECT_MAILGUN, 3, 7},
                               {GCACHE_DIALECT_GOLANG, 3, 7}};
  (void)state;
  for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++)
    assert_in_range(oom_sweep(open_and_ask, &openings[i]), openings[i].allocations - 1,
                    openings[i].allocations);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_busiest_of_100_peers_is_within_5_percent_of_the_mean,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(owners_are_frozen, setup, teardown),
      cmocka_unit_test_setup_teardown(keys_move_only_to_the_added_peer, setup, teardown),
      cmocka_unit_test_setup_teardown(the_next_owner_is_the_owner_in_a_list_without_those_out,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(neither_the_order_of_the_list_nor_what_is_done_matters, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(labels_are_not_needed_after_open, setup, teardown),
      cmocka_unit_test_setup_teardown(each_kind_places_the_worked_examples, setup, teardown),
      cmocka_unit_test_setup_teardown(all_out_of_service_is_no_peer, setup, teardown),
      cmocka_unit_test_setup_teardown(one_peer_owns_everything, setup, teardown),
      cmocka_unit_test_setup_teardown(lists_out_of_range_are_refused, setup, teardown),
      cmocka_unit_test(every_failing_allocation_is_an_error),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
