/* Unit test of store/trial, through the policy interface: against a simple model in arrays that
 * follows the rules of docs/rooms/store.md, and the purpose of these rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/hash.h"
#include "base/value.h"
#include "costed.h"
#include "random.h"
#include "store/trial.h"

enum { KEYS = 600, TURN = 1024, NEAR = TURN / 10, FAR = TURN * 6 / 5 };

/* ---- the model: who is in, in order, and who left when ---- */

struct key {
  int in, proven, used, large;
  size_t cost, len;
  enum gci_ghost_kind left; /* GCI_GHOST_NONE: never, or forgotten */
  double at;                /* in its kind's time */
  struct gci_entry *entry;
};

struct model {
  struct key keys[KEYS];
  size_t order[2][KEYS], n[2], bytes[2]; /* by proven; oldest first */
  double share, now[GCI_GHOST_KINDS];
};

struct room {
  struct costed costed;
  struct gci_mem *mem;
  struct gci_trial trial;
  size_t max_bytes; /* of all entries */
  int roomy;        /* ghosts have more room than they need, and get no more */
  struct model model;
};

static size_t all(const struct model *m) {
  return m->bytes[0] + m->bytes[1];
}

static void insert_at(struct model *m, int proven, size_t at, size_t k) {
  size_t *order = m->order[proven];
  memmove(&order[at + 1], &order[at], (m->n[proven] - at) * sizeof *order);
  order[at] = k;
  m->n[proven]++;
  m->bytes[proven] += m->keys[k].cost;
  m->keys[k].proven = proven;
}

static void take_out(struct model *m, size_t k) {
  int proven = m->keys[k].proven;
  size_t *order = m->order[proven], at = 0;
  while (order[at] != k)
    at++;
  m->n[proven]--;
  memmove(&order[at], &order[at + 1], (m->n[proven] - at) * sizeof *order);
  m->bytes[proven] -= m->keys[k].cost;
}

static void renew(struct model *m, size_t k, int proven) {
  take_out(m, k);
  insert_at(m, proven, m->n[proven], k);
}

static void shift(struct model *m, double by) {
  by = by > 0.02 ? 0.02 : by < -0.02 ? -0.02 : by;
  m->share += by;
  m->share = m->share < 0.02 ? 0.02 : m->share > 0.95 ? 0.95 : m->share;
}

static double weight(const struct model *m, size_t cost) {
  return cost < all(m) ? (double)cost / (double)all(m) : 1;
}

/* In whole ticks, as the policy counts. */
static long age(const struct model *m, const struct key *key) {
  return (long)m->now[key->left] - (long)key->at;
}

static void model_add(struct model *m, size_t k) {
  struct key *key = &m->keys[k];
  long window = key->left == GCI_GHOST_PROVEN ? NEAR : FAR;
  if (key->left != GCI_GHOST_NONE && age(m, key) * 1000 / window > 1000) key->left = GCI_GHOST_NONE;
  double w = weight(m, key->cost);
  shift(m, -0.02 * w * (m->share - 0.1));
  if (key->left == GCI_GHOST_TRIAL && age(m, key) < NEAR) shift(m, w);
  if (key->left == GCI_GHOST_PROVEN) shift(m, -w);
  int proven = key->left == GCI_GHOST_TRIAL || key->left == GCI_GHOST_KNOWN;
  size_t n = m->n[0] + m->n[1];
  key->in = 1;
  key->used = key->large = 0;
  key->left = GCI_GHOST_NONE;
  while (key->large < 3 && key->cost * n > (all(m) * 2) << key->large)
    key->large++;
  insert_at(m, proven, key->large > 0 && !proven ? 0 : m->n[proven], k);
}

static void tick(struct model *m, enum gci_ghost_kind kind, double w) {
  m->now[kind] += (double)(uint64_t)(w * TURN * 1024) / 1024;
}

static void model_remove(struct model *m, size_t k, enum gci_leave why) {
  struct key *key = &m->keys[k];
  key->left = key->proven ? GCI_GHOST_PROVEN : GCI_GHOST_TRIAL;
  if (why == GCI_LEAVE_FOR_ROOM) {
    tick(m, key->left, weight(m, key->cost));
    tick(m, GCI_GHOST_KNOWN, weight(m, key->cost));
  } else {
    key->left = key->proven || key->used > 0 ? GCI_GHOST_KNOWN : GCI_GHOST_NONE;
  }
  key->at = m->now[key->left];
  key->in = 0;
  take_out(m, k);
}

static size_t model_victim(struct model *m) {
  for (int step = 0;; step++) {
    int from_trial = m->n[1] == 0 ||
                     (m->n[0] > 0 && (double)m->bytes[0] > m->share * (double)all(m));
    size_t k = m->order[!from_trial][0];
    struct key *key = &m->keys[k];
    if (key->used == 0 || step == 128) return k;
    if (from_trial) {
      int used = key->used;
      key->used = 0;
      renew(m, k, used > 1);
    } else {
      key->used = m->share > 0.3 ? 0 : key->used - 1;
      key->used = key->used > key->large ? key->used - key->large : 0;
      renew(m, k, 1);
    }
  }
}

/* ---- both ---- */

static int open_room(void **state) {
  static struct room room;
  memset(&room, 0, sizeof room);
  room.mem = costed_mem(&room.costed);
  room.max_bytes = 20000;
  room.model.share = 0.1;
  gci_trial_init(&room.trial, room.mem);
  *state = &room;
  return 0;
}

static struct gci_policy *policy_of(struct room *room) {
  return &room->trial.policy;
}

static void leave(struct room *room, size_t k, enum gci_leave why) {
  struct key *key = &room->model.keys[k];
  policy_of(room)->ops->remove(policy_of(room), key->entry, why);
  gci_entry_free(room->mem, key->entry);
  model_remove(&room->model, k, why);
}

static int close_room(void **state) {
  struct room *room = *state;
  for (size_t k = 0; k < KEYS; k++) {
    if (room->model.keys[k].in) leave(room, k, GCI_LEAVE);
  }
  assert_null(policy_of(room)->ops->victim(policy_of(room)));
  policy_of(room)->ops->give_back(policy_of(room));
  assert_int_equal(policy_of(room)->bytes, 0);
  assert_int_equal(room->mem->bytes, 0);
  gci_mem_unref(room->mem);
  return 0;
}

/* The model forgets nothing before its time: where the policy may have, it is only asked. */
static void evict(struct room *room) {
  struct gci_entry *victim = policy_of(room)->ops->victim(policy_of(room));
  size_t k = 0;
  if (room->roomy)
    k = model_victim(&room->model);
  else
    memcpy(&k, victim->key, sizeof k);
  assert_ptr_equal(victim, room->model.keys[k].entry);
  leave(room, k, GCI_LEAVE_FOR_ROOM);
}

static void grow(struct room *room) {
  struct gci_policy *policy = policy_of(room);
  size_t growth = policy->ops->growth(policy), before = policy->bytes;
  policy->ops->grow(policy);
  assert_true(policy->bytes <= before + growth);
}

static void come(struct room *room, size_t k, size_t len) {
  static const char zeros[4096];
  struct key *key = &room->model.keys[k];
  gcache_bytes_t name = gcache_bytes(&k, sizeof k);
  gcache_value_t *value = gci_value_copy(room->mem, gcache_bytes(zeros, len), GCACHE_NEVER);
  key->entry = gci_entry_new(room->mem, name, value);
  gcache_value_unref(value);
  key->entry->hash = (uint32_t)(gci_hash_shared(name, 5) >> 32);
  key->cost = gci_entry_cost(key->entry);
  while (all(&room->model) + key->cost > room->max_bytes)
    evict(room);
  if (!room->roomy) grow(room);
  policy_of(room)->ops->add(policy_of(room), key->entry);
  model_add(&room->model, k);
}

/* Nonzero: a hit. */
static int ask(struct room *room, size_t k, size_t len) {
  struct key *key = &room->model.keys[k];
  if (!key->in) {
    come(room, k, len);
    return 0;
  }
  gci_policy_hit(policy_of(room), key->entry);
  if (key->used < 3) key->used++;
  return 1;
}

/* ---- tests ---- */

/* Smaller numbers more often, and what is asked for changes its place now and then. */
static size_t some_key(struct random *r, size_t offset) {
  size_t k = random_below(r, KEYS);
  return (random_below(r, k + 1) + offset) % KEYS;
}

static void random_steps_match_the_model(void **state) {
  struct room *room = *state;
  struct random r = {11};
  room->roomy = 1;
  while (gci_ghosts_room(&room->trial.ghosts) < 1024)
    gci_ghosts_grow(&room->trial.ghosts);
  for (size_t i = 0; i < 60000; i++) {
    size_t k = some_key(&r, i / 5000 * 100), what = random_below(&r, 100);
    if (what < 3 && room->model.keys[k].in)
      leave(room, k, GCI_LEAVE);
    else if (what < 99)
      ask(room, k, k % 37 == 0 ? 1500 : k % 200);
    else if (all(&room->model) > 0)
      evict(room);
    assert_int_equal(room->trial.trial.bytes, room->model.bytes[0]);
    assert_int_equal(room->trial.proven.bytes, room->model.bytes[1]);
    assert_true(room->trial.share == room->model.share);
  }
}

static void a_scan_does_not_drive_out_what_is_asked_for_again(void **state) {
  struct room *room = *state;
  size_t hits = 0, good = 60, scanned = 0;
  for (size_t round = 0; round < 200; round++) {
    for (size_t k = 0; k < good; k++)
      hits += (unsigned)ask(room, k, 100);
    for (size_t i = 0; i < 100; i++)
      ask(room, good + scanned++ % (KEYS - good), 100);
  }
  assert_true(hits > good * 200 * 95 / 100); /* there is room for 125: LRU has none */
}

static void a_loop_larger_than_the_room_still_hits(void **state) {
  struct room *room = *state;
  size_t hits = 0, loop = 160;
  for (size_t round = 0; round < 100; round++) {
    for (size_t k = 0; k < loop; k++)
      hits += (unsigned)ask(room, k, 100);
  }
  assert_true(hits > loop * 100 / 5); /* LRU: none */
}

static void the_share_grows_where_recency_counts_and_falls_again(void **state) {
  struct room *room = *state;
  struct random r = {3};
  double highest = 0;
  for (size_t i = 0; i < 60000; i++) { /* each key a few times, then never for long */
    ask(room, (i / 6 + random_below(&r, 90)) % KEYS, 100);
    if (room->trial.share > highest) highest = room->trial.share;
  }
  assert_true(highest > 0.3);
  for (size_t i = 0; i < 200000; i++) {
    size_t k = random_below(&r, 10) < 6 ? random_below(&r, 100) : 100 + i % 500;
    ask(room, k, 100);
  }
  assert_true(room->trial.share < 0.2);
}

static void a_large_newcomer_is_the_next_to_go_and_is_believed_when_it_returns(void **state) {
  struct room *room = *state;
  for (size_t k = 0; k < 300; k++)
    ask(room, k, 100);
  ask(room, 300, 2000);
  ask(room, 301, 100);
  assert_false(room->model.keys[300].in);
  ask(room, 300, 2000);
  for (size_t k = 302; k < 320; k++)
    ask(room, k, 100);
  assert_true(room->model.keys[300].in);
}

static void who_was_replaced_or_expired_is_proven_when_it_comes_back(void **state) {
  struct room *room = *state;
  for (size_t k = 0; k < 300; k++)
    ask(room, k, 100);
  ask(room, 299, 100);
  leave(room, 299, GCI_LEAVE);
  ask(room, 299, 100);
  assert_int_equal(room->trial.proven.bytes, gci_entry_cost(room->model.keys[299].entry));
}

/* Even when every entry has been used: the first victim must not pay for all of them. */
static void a_victim_is_found_among_few(void **state) {
  struct room *room = *state;
  room->max_bytes = 1 << 20;
  for (size_t i = 0; i < 5 * KEYS; i++)
    ask(room, i % KEYS, 100);
  evict(room);
  size_t moved = room->trial.proven.bytes / gci_entry_cost(room->model.keys[KEYS - 1].entry);
  assert_true(moved > 0 && moved <= 128);
}

/* Nothing before the first eviction; after it, at most eight bytes for every key remembered. */
static void ghosts_cost_nothing_until_somebody_leaves_for_room(void **state) {
  struct room *room = *state;
  struct gci_policy *policy = policy_of(room);
  for (size_t k = 0; k < 100; k++)
    ask(room, k, 100);
  assert_int_equal(policy->ops->growth(policy), 0);
  assert_int_equal(policy->bytes, 0);
  for (size_t k = 100; k < 600; k++) {
    ask(room, k, 30);
  }
  size_t items = room->model.n[0] + room->model.n[1];
  assert_true(policy->bytes > 0 && policy->bytes < items * 8 + 1100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_room, close_room)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(random_steps_match_the_model),
      TEST(a_scan_does_not_drive_out_what_is_asked_for_again),
      TEST(a_loop_larger_than_the_room_still_hits),
      TEST(the_share_grows_where_recency_counts_and_falls_again),
      TEST(a_large_newcomer_is_the_next_to_go_and_is_believed_when_it_returns),
      TEST(who_was_replaced_or_expired_is_proven_when_it_comes_back),
      TEST(a_victim_is_found_among_few),
      TEST(ghosts_cost_nothing_until_somebody_leaves_for_room),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
