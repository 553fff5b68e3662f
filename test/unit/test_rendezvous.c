/* Weighted rendezvous against a model in floating point: the winner, the runner-up, least movement over
 * all slots, weights. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "random.h"
#include "store/rendezvous.h"

enum { MAX_PEERS = 64 };
#define SLOTS (UINT32_C(1) << 20)

struct list {
  struct gci_placed_peer peers[MAX_PEERS];
  char labels[MAX_PEERS][40];
  size_t n;
};

static void list_fill(struct list *list, size_t n) {
  list->n = n;
  for (size_t i = 0; i < n; i++) {
    snprintf(list->labels[i], sizeof list->labels[i], "http://10.1.0.%zu:8080", i);
    list->peers[i] = (struct gci_placed_peer){list->labels[i], 1};
  }
}

static int open_peers(struct gci_rendezvous *r, struct gci_mem *mem,
                      const struct gci_placed_peer peers[], size_t n) {
  int rc = gci_rendezvous_begin(r, mem, peers, n);
  while (rc == 0 && gci_rendezvous_work(r)) {
  }
  return rc;
}

static void open_list(struct gci_rendezvous *r, struct gci_mem *mem, const struct list *list) {
  assert_int_equal(open_peers(r, mem, list->peers, list->n), 0);
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

/* Index of the peer; the length of the list: none is left. */
static size_t winner(const struct gci_rendezvous *r, uint32_t slot, const unsigned char *skip) {
  struct gci_rendezvous_bid bid = gci_rendezvous_winner(r, slot, skip);
  return bid.member == NULL ? r->n : bid.member->index;
}

/* --------------------------------------------------------------------------------- a model ---- */

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t model_mix(uint64_t x) {
  x ^= x >> 30;
  x *= UINT64_C(0xbf58476d1ce4e5b9);
  x ^= x >> 27;
  x *= UINT64_C(0x94d049bb133111eb);
  x ^= x >> 31;
  return x;
}

static uint64_t model_id(const char *label) {
  gcache_bytes_t bytes = {label, strlen(label)};
  return gci_hash_shared(bytes, UINT64_C(0x72656570)) >> 10;
}

/* Modulo 2^20, by division; halves are folded by adding digits to base 2, without a carry. */
static uint64_t model_round(uint64_t x, uint64_t times, uint64_t plus) {
  x = (x * times + plus) % SLOTS;
  return x ^ (x / 1024);
}

static uint64_t model_rank(const char *label, uint32_t slot) {
  uint64_t a = model_mix(model_id(label));
  uint64_t b = model_mix(model_id(label) + UINT64_C(0x9e3779b97f4a7c15));
  uint64_t x = model_round(slot, a % SLOTS / 2 * 2 + 1, (a >> 40) % SLOTS);
  x = model_round(x, (a >> 20) % SLOTS / 2 * 2 + 1, b % SLOTS);
  return model_round(x, 742821, 0);
}

/* The second half of the place is the finaliser of MurmurHash3 but for its last step. */
static uint64_t model_place(const char *label, uint32_t slot) {
  uint32_t x = (uint32_t)model_id(label) ^ (uint32_t)(slot * UINT64_C(2654435761));
  x ^= x >> 16;
  x *= 0x85ebca6bu;
  x ^= x >> 13;
  x *= 0xc2b2ae35u;
  return model_rank(label, slot) * 4096 + x / (1u << 20);
}

/* log2, straight between 256 points of each doubling. */
static long double model_log2(long double x) {
  int exponent;
  long double at = (frexpl(x, &exponent) * 2 - 1) * 256, low = floorl(at);
  long double below = log2l(1 + low / 256), above = log2l(1 + (low + 1) / 256);
  return exponent - 1 + below + (above - below) * (at - low);
}

static long double model_score(const struct gci_placed_peer *peer, uint32_t slot) {
  uint64_t place = model_place(peer->label, slot);
  return model_log2(1 - (long double)place / 4294967296.0L) / peer->weight; /* the highest wins */
}

static size_t model_winner(const struct list *list, uint32_t slot, const unsigned char *skip) {
  size_t best = list->n;
  long double highest = -INFINITY;
  for (size_t i = 0; i < list->n; i++) {
    long double score = model_score(&list->peers[i], slot);
    if ((skip != NULL && skip[i]) || score <= highest) continue;
    best = i;
    highest = score;
  }
  return best;
}

/* ----------------------------------------------------------------------------------- tests ---- */

static void the_winner_has_the_highest_weighted_score(void **state) {
  struct random random = {1};
  for (int round = 0; round < 40; round++) {
    struct list list;
    struct gci_rendezvous r;
    list_fill(&list, 1 + random_below(&random, MAX_PEERS));
    unsigned most = round % 2 == 0 ? 4 : GCI_RENDEZVOUS_MAX_WEIGHT;
    for (size_t i = 0; i < list.n; i++)
      list.peers[i].weight = 1 + (unsigned)random_below(&random, most);
    open_list(&r, *state, &list);
    for (int i = 0; i < 500; i++) {
      uint32_t slot = (uint32_t)random_below(&random, SLOTS);
      assert_int_equal(winner(&r, slot, NULL), model_winner(&list, slot, NULL));
    }
    gci_rendezvous_fini(&r);
  }
}

static void with_peers_out_the_highest_score_of_the_others_wins(void **state) {
  struct random random = {2};
  struct list list;
  struct gci_rendezvous r;
  list_fill(&list, 12);
  for (size_t i = 0; i < list.n; i++)
    list.peers[i].weight = 1 + (unsigned)random_below(&random, 5);
  open_list(&r, *state, &list);
  for (int i = 0; i < 5000; i++) {
    unsigned char skip[12];
    uint32_t slot = (uint32_t)random_below(&random, SLOTS);
    for (size_t p = 0; p < sizeof skip; p++)
      skip[p] = random_below(&random, 4) != 0;
    assert_int_equal(winner(&r, slot, skip), model_winner(&list, slot, skip));
  }
  gci_rendezvous_fini(&r);
}

static void with_equal_weights_the_lowest_place_wins_whatever_the_weight(void **state) {
  struct list list;
  list_fill(&list, 20);
  for (unsigned weight = 1; weight <= 1000; weight *= 10) {
    struct gci_rendezvous r;
    for (size_t i = 0; i < list.n; i++)
      list.peers[i].weight = weight;
    open_list(&r, *state, &list);
    for (uint32_t slot = 0; slot < 5000; slot++) {
      size_t best = 0;
      for (size_t i = 1; i < list.n; i++)
        if (model_place(list.labels[i], slot) < model_place(list.labels[best], slot)) best = i;
      assert_int_equal(winner(&r, slot, NULL), best);
    }
    gci_rendezvous_fini(&r);
  }
}

/* Counts the slots whose winner differs, and asserts of each that it left `loser` or went to `gainer`
 * (NULL: no such peer). Winners are compared by label: indices differ between the lists. */
static size_t moved(struct gci_mem *mem, const struct list *before, const struct list *after,
                    const char *loser, const char *gainer) {
  struct gci_rendezvous old, new;
  size_t count = 0;
  open_list(&old, mem, before);
  open_list(&new, mem, after);
  for (uint32_t slot = 0; slot < SLOTS; slot++) {
    const char *was = before->peers[winner(&old, slot, NULL)].label;
    const char *is = after->peers[winner(&new, slot, NULL)].label;
    if (strcmp(was, is) == 0) continue;
    count++;
    if ((loser == NULL || strcmp(was, loser) != 0) && (gainer == NULL || strcmp(is, gainer) != 0))
      fail_msg("slot %u went from %s to %s", slot, was, is);
  }
  gci_rendezvous_fini(&old);
  gci_rendezvous_fini(&new);
  return count;
}

static void assert_near(size_t got, double want, double tolerance) {
  if (fabs((double)got - want) > tolerance * want) fail_msg("%zu is not near %.0f", got, want);
}

static void an_added_peer_takes_its_share_and_nothing_else_moves(void **state) {
  struct list before, after;
  list_fill(&before, 9);
  list_fill(&after, 10);
  assert_near(moved(*state, &before, &after, NULL, after.labels[9]), SLOTS / 10.0, 0.02);
}

static void a_removed_peer_loses_its_share_and_nothing_else_moves(void **state) {
  struct list before, after;
  list_fill(&before, 10);
  list_fill(&after, 10);
  after.peers[3] = after.peers[9];
  after.n = 9;
  assert_near(moved(*state, &before, &after, before.labels[3], NULL), SLOTS / 10.0, 0.02);
}

static void a_heavier_peer_only_gains(void **state) {
  struct list before, after;
  list_fill(&before, 8);
  list_fill(&after, 8);
  after.peers[2].weight = 2;
  assert_near(moved(*state, &before, &after, NULL, after.labels[2]), SLOTS * (2.0 / 9 - 1.0 / 8),
              0.03);
}

static void the_order_of_the_list_does_not_matter(void **state) {
  struct random random = {3};
  struct list list, shuffled;
  list_fill(&list, 30);
  for (size_t i = 0; i < list.n; i++)
    list.peers[i].weight = 1 + (unsigned)random_below(&random, 3);
  shuffled = list;
  for (size_t i = list.n; i-- > 1;) {
    size_t j = random_below(&random, i + 1);
    struct gci_placed_peer kept = shuffled.peers[i];
    shuffled.peers[i] = shuffled.peers[j];
    shuffled.peers[j] = kept;
  }
  assert_int_equal(moved(*state, &list, &shuffled, NULL, NULL), 0);
}

static void weights_one_two_four_get_their_shares(void **state) {
  static const struct gci_placed_peer peers[] = {{"http://a", 1}, {"http://b", 2}, {"http://c", 4}};
  struct gci_rendezvous r;
  size_t won[3] = {0};
  assert_int_equal(open_peers(&r, *state, peers, 3), 0);
  for (uint32_t slot = 0; slot < SLOTS; slot++)
    won[winner(&r, slot, NULL)]++;
  for (size_t i = 0; i < 3; i++)
    assert_near(won[i], SLOTS * (double)peers[i].weight / 7, 0.02);
  gci_rendezvous_fini(&r);
}

static void equal_labels_do_not_confuse_it(void **state) {
  static const struct gci_placed_peer peers[] = {{"x", 2}, {"y", 2}, {"x", 2}};
  struct gci_rendezvous r;
  unsigned char skip[3] = {0, 1, 0};
  assert_int_equal(open_peers(&r, *state, peers, 3), 0);
  size_t first = winner(&r, 5, skip);
  assert_true(first == 0 || first == 2);
  skip[first] = 1;
  assert_int_equal(winner(&r, 5, skip), 2 - first);
  gci_rendezvous_fini(&r);
}

static void an_order_holds_each_slot_once_and_runs_both_ways(void **state) {
  struct list list;
  struct gci_rendezvous r;
  unsigned char *seen = calloc(SLOTS, 1);
  assert_non_null(seen);
  list_fill(&list, 5);
  open_list(&r, *state, &list);
  for (unsigned i = 0; i < list.n; i++) {
    const struct gci_rendezvous_member *m = &r.members[i];
    for (uint32_t rank = 0; rank < SLOTS; rank++) {
      uint32_t slot = gci_rendezvous_slot(m, rank);
      assert_true(slot < SLOTS && seen[slot] == i);
      seen[slot]++;
      assert_int_equal(gci_rendezvous_bid(m, slot).place >> 12, rank);
    }
  }
  gci_rendezvous_fini(&r);
  free(seen);
}

/* What stands before a time and what after it: the edges of rounds must be exact. */
static void a_place_is_reached_at_a_time_and_not_before(void **state) {
  struct list list;
  struct gci_rendezvous r;
  struct random random = {9};
  list_fill(&list, 1);
  for (int i = 0; i < 20000; i++) {
    unsigned weight = list.peers[0].weight = 1 + (unsigned)random_below(&random, 1000);
    if (i % 1000 == 0) open_list(&r, *state, &list);
    struct gci_rendezvous_member m = r.members[0];
    m.weight = (uint16_t)weight;
    uint32_t place = (uint32_t)(random_u64(&random) >> (32 + random_below(&random, 32)));
    struct gci_rendezvous_bid bid = {&m, place};
    uint64_t time = gci_rendezvous_time(&r, &bid);
    assert_true(gci_rendezvous_reached(&r, weight, time) > place);
    assert_true(gci_rendezvous_reached(&r, weight, time - 1) <= place);
    if (i % 1000 == 999) gci_rendezvous_fini(&r);
  }
  open_list(&r, *state, &list);
  assert_true(gci_rendezvous_reached(&r, 1000, 0) == 0);
  assert_true(gci_rendezvous_reached(&r, 1000, UINT64_MAX) == GCI_RENDEZVOUS_PLACES);
  gci_rendezvous_fini(&r);
}

static void a_weight_out_of_range_is_refused(void **state) {
  struct gci_placed_peer peers[] = {{"x", 1}, {"y", 0}};
  struct gci_rendezvous r;
  assert_int_equal(open_peers(&r, *state, peers, 2), UV_EINVAL);
  peers[1].weight = GCI_RENDEZVOUS_MAX_WEIGHT + 1;
  assert_int_equal(open_peers(&r, *state, peers, 2), UV_EINVAL);
  peers[1].weight = GCI_RENDEZVOUS_MAX_WEIGHT;
  assert_int_equal(open_peers(&r, *state, peers, 2), 0);
  gci_rendezvous_fini(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_winner_has_the_highest_weighted_score, setup, teardown),
      cmocka_unit_test_setup_teardown(with_peers_out_the_highest_score_of_the_others_wins, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(with_equal_weights_the_lowest_place_wins_whatever_the_weight,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(an_added_peer_takes_its_share_and_nothing_else_moves, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_removed_peer_loses_its_share_and_nothing_else_moves, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_heavier_peer_only_gains, setup, teardown),
      cmocka_unit_test_setup_teardown(the_order_of_the_list_does_not_matter, setup, teardown),
      cmocka_unit_test_setup_teardown(weights_one_two_four_get_their_shares, setup, teardown),
      cmocka_unit_test_setup_teardown(equal_labels_do_not_confuse_it, setup, teardown),
      cmocka_unit_test_setup_teardown(an_order_holds_each_slot_once_and_runs_both_ways, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_place_is_reached_at_a_time_and_not_before, setup, teardown),
      cmocka_unit_test_setup_teardown(a_weight_out_of_range_is_refused, setup, teardown),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
