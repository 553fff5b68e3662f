/* core/spread: one change is sent to all members of a long list, a few at a time, from one
 * block. */
#include "core/call.h"
#include "core_room.h"

enum { N = 1000, UNDER_WAY_MAX = 256 };

static char names[N + 1][24];
static const char *urls[N + 1];
static gcache_call_t *owed[N];
static size_t n_owed, asked[N + 1];

static void on_start(struct room *r, gcache_call_t *call) {
  room_forget((void **)r->calls, &r->n_calls, call);
  for (size_t i = 0; i <= N; i++)
    asked[i] += strcmp(gcache_call_peer(call), urls[i]) == 0;
  owed[n_owed++] = call;
}

static void answer_one(struct room *r, int status) {
  gcache_call_t *call = owed[--n_owed];
  r->depth++;
  gcache_call_done(call, status, NULL, NULL);
  r->depth--;
}

static void answer_all(struct room *r) {
  room_run(r);
  while (n_owed > 0) {
    assert_true(n_owed <= UNDER_WAY_MAX);
    while (n_owed > 0)
      answer_one(r, 0);
    room_run(r);
  }
}

/* The first n of them. */
static void give_list(struct room *r, size_t n) {
  assert_int_equal(room_set_peers(r, urls, n), 0);
  room_run(r);
  assert_int_equal(r->core.peers.n, n);
}

static void open_of(struct room *r, size_t n, size_t missed_max) {
  for (size_t i = 0; i <= N; i++) {
    snprintf(names[i], sizeof names[i], "http://m%zu:1", i);
    urls[i] = names[i];
  }
  memset(asked, 0, sizeof asked);
  n_owed = 0;
  room_init(r);
  r->start = on_start;
  struct gci_core_options o = room_core_options(r, urls[0]);
  o.dialect = GCACHE_DIALECT_GCACHE;
  o.tell.missed_max = missed_max;
  assert_int_equal(room_try_open(r, &o), 0);
  give_list(r, n);
  room_open_group(r, GCACHE_HOT_DEFAULT);
}

static struct gci_peer *owner_of(struct room *r, const char *key) {
  return gci_peers_owner(&r->core.peers, gcache_cstr(key));
}

/* That another member owns. */
static const char *some_key(struct room *r, char out[16]) {
  do
    snprintf(out, 16, "key%zu", r->max_key++);
  while (owner_of(r, out)->is_self);
  return out;
}

static size_t index_of(const struct gci_peer *peer) {
  size_t i = 0;
  while (strcmp(urls[i], peer->url) != 0)
    i++;
  return i;
}

/* One of another member that goes, or does not, to the last one when that comes. */
static void key_after(struct room *r, char out[16], int goes) {
  char keys[8 * N][16];
  give_list(r, N);
  for (size_t i = 0; i < 8 * N; i++)
    some_key(r, keys[i]);
  give_list(r, N + 1);
  size_t i = 0;
  while (i < 8 * N && (index_of(owner_of(r, keys[i])) == N) != goes)
    i++;
  assert_true(i < 8 * N);
  memcpy(out, keys[i], 16);
  give_list(r, N);
}

static void tell(struct room *r, const char *key) {
  gci_tell_all_missed(&r->core, "g", GCACHE_OP_REMOVE, gcache_cstr(key));
  room_run(r);
}

static void close_all(struct room *r) {
  room_begin_close(r);
  answer_all(r);
  room_close(r);
}

/* ------------------------------------------------------------------------------ told ---- */

static void all_are_told_once_behind_the_owner_from_one_block(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_of(&r, N, 0);
  size_t owner = index_of(owner_of(&r, some_key(&r, key)));
  tell(&r, key);
  assert_int_equal(n_owed, 1); /* the owner alone */
  assert_int_equal(asked[owner], 1);
  size_t before = r.m.env.mem->bytes;
  answer_one(&r, 0);
  room_run(&r);
  assert_int_equal(n_owed, UNDER_WAY_MAX);
  assert_true(r.m.env.mem->bytes < before + UNDER_WAY_MAX * (sizeof(gcache_call_t) + 64) + 1024);
  answer_all(&r);
  for (size_t i = 1; i < N; i++)
    assert_int_equal(asked[i], 1);
  assert_int_equal(asked[0], 0);
  assert_int_equal(r.core.tells.spreads.n, 0);
  close_all(&r);
}

static void no_turn_asks_more_than_256(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_of(&r, N, 0);
  tell(&r, some_key(&r, key));
  answer_one(&r, 0);
  size_t told = r.calls_started;
  while (r.core.tells.spreads.n > 0) {
    room_turn(&r);
    assert_true(r.calls_started - told <= UNDER_WAY_MAX);
    told = r.calls_started;
    while (n_owed > 0)
      answer_one(&r, 0);
  }
  assert_int_equal(r.calls_started, N - 1);
  close_all(&r);
}

static void our_own_key_is_told_to_all_at_once(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_of(&r, 5, 0);
  do
    snprintf(key, 16, "key%zu", r.max_key++);
  while (!owner_of(&r, key)->is_self);
  tell(&r, key);
  assert_int_equal(n_owed, 4);
  close_all(&r);
}

/* ------------------------------------------------------------------------------ not told ---- */

static void who_does_not_answer_gets_an_entry_and_is_out(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_of(&r, 4, 0);
  struct gci_peer *owner = owner_of(&r, some_key(&r, key));
  tell(&r, key);
  answer_one(&r, 0);
  room_run(&r);
  assert_int_equal(n_owed, 2);
  struct gci_peer *fails = owed[1]->peer, *hangs = owed[0]->peer;
  answer_one(&r, UV_ECONNREFUSED);
  room_run(&r);
  assert_true(gci_health_is_out(fails));
  room_advance(&r, 2000);
  assert_true(r.calls_told >= 1);
  while (n_owed > 0)
    answer_one(&r, UV_ECANCELED);
  room_run(&r);
  assert_true(gci_health_is_out(hangs));
  assert_false(gci_health_is_out(owner));
  for (int i = 0; i < 40; i++) {
    room_advance(&r, 250);
    answer_all(&r);
  }
  assert_false(gci_health_is_out(hangs));
  assert_int_equal(gci_missed_count(&fails->missed) + gci_missed_count(&hangs->missed), 0);
  close_all(&r);
}

/* ------------------------------------------------------------------------------ lists ---- */

static void another_owner_is_told_first_and_then_all_again(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_of(&r, N, 0);
  key_after(&r, key, 1);
  tell(&r, key);
  answer_one(&r, 0);
  room_run(&r);
  assert_int_equal(n_owed, UNDER_WAY_MAX);
  give_list(&r, N + 1);
  while (n_owed > 0)
    answer_one(&r, 0);
  memset(asked, 0, sizeof asked);
  room_run(&r);
  assert_int_equal(n_owed, 1); /* the new owner */
  assert_int_equal(asked[N], 1);
  answer_all(&r);
  for (size_t i = 1; i <= N; i++)
    assert_int_equal(asked[i], 1);
  close_all(&r);
}

static void who_comes_meanwhile_is_told(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_of(&r, N, 0);
  key_after(&r, key, 0);
  tell(&r, key);
  answer_one(&r, 0);
  room_run(&r);
  give_list(&r, N + 1);
  answer_all(&r);
  assert_int_equal(asked[N], 1);
  close_all(&r);
}

static void an_owner_that_is_spelt_with_a_slash_is_the_owner(void **state) {
  static const char *slashed[3];
  struct room r;
  char key[16], spelt[32];
  (void)state;
  open_of(&r, 3, 0);
  size_t owner = index_of(owner_of(&r, some_key(&r, key)));
  tell(&r, key);
  snprintf(spelt, sizeof spelt, "%s/", urls[owner]);
  for (size_t i = 0; i < 3; i++)
    slashed[i] = i == owner ? spelt : urls[i];
  assert_int_equal(room_set_peers(&r, slashed, 3), 0);
  answer_one(&r, 0); /* of the attempt that began under the other spelling */
  room_run(&r);
  assert_int_equal(asked[3 - owner], 1);
  close_all(&r);
}

/* ------------------------------------------------------------------------------ bounds ---- */

static void without_room_the_owner_is_told_later(void **state) {
  struct room r;
  char keys[3][16];
  (void)state;
  open_of(&r, 5, 2);
  struct gci_peer *owner = owner_of(&r, some_key(&r, keys[0]));
  for (int i = 1; i < 3; i++)
    while (owner_of(&r, some_key(&r, keys[i])) != owner)
      continue;
  for (int i = 0; i < 2; i++) {
    tell(&r, keys[i]);
    answer_one(&r, 0); /* the owner's, which is the last */
    room_run(&r);
  }
  assert_int_equal(n_owed, 6);
  assert_int_equal(r.core.tells.spreads.n, 2);
  tell(&r, keys[2]);
  assert_int_equal(n_owed, 6);
  room_advance(&r, 1999); /* no patience is lost by that */
  assert_false(gci_health_is_out(owner));
  answer_all(&r);
  assert_false(gci_health_is_out(owner));
  assert_int_equal(asked[index_of(owner)], 3);
  assert_int_equal(gci_missed_count(&owner->missed), 0);
  close_all(&r);
}

static void without_memory_all_are_told_all_the_same(void **state) {
  (void)state;
  for (size_t nth = 1; nth < 30; nth++) {
    struct room r;
    char key[16];
    open_of(&r, 6, 0);
    some_key(&r, key);
    oom_fail_nth(&r.oom, nth);
    tell(&r, key);
    if (n_owed > 0) answer_one(&r, 0);
    room_run(&r);
    oom_heal(&r.oom);
    r.start = NULL;
    while (n_owed > 0)
      answer_one(&r, 0);
    for (int i = 0; i < 40; i++) {
      room_settle(&r);
      room_advance(&r, 250);
    }
    for (size_t i = 1; i < 6; i++) {
      const struct gci_peer *peer = gci_peers_find(&r.core.peers, urls[i]);
      assert_true(peer->stats.removes + peer->stats.clears > 0);
      assert_int_equal(gci_missed_count(&peer->missed), 0);
    }
    room_close(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_are_told_once_behind_the_owner_from_one_block),
      cmocka_unit_test(no_turn_asks_more_than_256),
      cmocka_unit_test(our_own_key_is_told_to_all_at_once),
      cmocka_unit_test(who_does_not_answer_gets_an_entry_and_is_out),
      cmocka_unit_test(another_owner_is_told_first_and_then_all_again),
      cmocka_unit_test(who_comes_meanwhile_is_told),
      cmocka_unit_test(an_owner_that_is_spelt_with_a_slash_is_the_owner),
      cmocka_unit_test(without_room_the_owner_is_told_later),
      cmocka_unit_test(without_memory_all_are_told_all_the_same),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
