/* core/lists and core/install: lists that are installed in turns. The model is the list that was
 * given last and not refused; a long list is in force once no work is left, and until then a list
 * that was in force or given earlier. */
#include "core_room.h"
#include "random.h"
#include "store/placement.h"

enum { UNIVERSE = 40, AT_ONCE = 3, TURNS_MAX = 100000 };

static const char *name_of(size_t i) {
  static char names[UNIVERSE][24];
  snprintf(names[i], sizeof names[i], i == 0 ? ROOM_SELF : "http://m%zu:1", i);
  return names[i];
}

/* What the transport was told, by one manner or the other. */
struct told {
  struct room r; /* first: the transport's data is both */
  int listed[UNIVERSE];
  size_t lists; /* told as a whole */
};

static size_t number_of(const char *url) {
  for (size_t i = 0; i < UNIVERSE; i++)
    if (strcmp(url, name_of(i)) == 0) return i;
  fail_msg("%s", url);
  return 0;
}

static void on_added(gcache_transport_t *t, const char *url) {
  ((struct told *)t->data)->listed[number_of(url)] = 1;
}

static void on_removed(gcache_transport_t *t, const char *url) {
  ((struct told *)t->data)->listed[number_of(url)] = 0;
}

static void on_list(gcache_transport_t *t, const char *const urls[], size_t n) {
  struct told *told = t->data;
  told->lists++;
  memset(told->listed, 0, sizeof told->listed);
  for (size_t i = 0; i < n; i++)
    on_added(t, urls[i]);
}

static int try_open(struct told *x, gcache_dialect_t dialect) {
  struct gci_core_options o = room_core_options(&x->r, ROOM_SELF);
  o.dialect = dialect;
  o.members_at_once = AT_ONCE;
  return room_try_open(&x->r, &o);
}

static void init(struct told *x) {
  memset(x, 0, sizeof *x);
  room_init(&x->r);
}

static void hear_each(struct told *x) {
  x->r.transport.data = x;
  x->r.transport.peer_added = on_added;
  x->r.transport.peer_removed = on_removed;
}

static void open_told(struct told *x) {
  init(x);
  hear_each(x);
  assert_int_equal(try_open(x, GCACHE_DIALECT_GCACHE), 0);
}

/* Members first to first + n - 1, and this one. The texts are the caller's for the call only. */
static int give(struct room *r, size_t first, size_t n) {
  char text[UNIVERSE][24];
  const char *urls[UNIVERSE];
  snprintf(text[0], sizeof text[0], "%.23s", ROOM_SELF);
  for (size_t i = 0; i <= n; i++) {
    urls[i] = text[i];
    if (i > 0) snprintf(text[i], sizeof text[i], "%.23s", name_of(first + i - 1));
  }
  int rc = room_set_peers(r, urls, n + 1);
  memset(text, 'x', sizeof text);
  return rc;
}

static void settle(struct room *r) {
  for (size_t turns = 0; manual_env_due(&r->m); turns++) {
    assert_true(turns < TURNS_MAX);
    room_turn(r);
  }
}

static int in_force(const struct room *r, size_t first, size_t n) {
  if (r->core.peers.n != n + 1) return 0;
  for (size_t i = 1; i <= n; i++)
    if (strcmp(r->core.peers.list[i]->url, name_of(first + i - 1)) != 0) return 0;
  return 1;
}

static void assert_told(const struct told *x, size_t first, size_t n) {
  for (size_t i = 1; i < UNIVERSE; i++)
    assert_int_equal(x->listed[i], i >= first && i < first + n);
}

/* ------------------------------------------------------------------------------- in force -- */

static void a_long_list_is_in_force_some_turns_later_and_the_old_one_until_then(void **state) {
  struct told x;
  size_t turns = 0;
  (void)state;
  open_told(&x);
  assert_int_equal(give(&x.r, 1, 2), 0);
  assert_true(in_force(&x.r, 1, 2));
  assert_int_equal(give(&x.r, 2, 30), 0);
  assert_int_equal(gci_lists_coming(&x.r.core), 31);
  for (; gci_lists_coming(&x.r.core) > 0; turns++) {
    assert_true(in_force(&x.r, 1, 2));
    assert_non_null(gcache_owner(&x.r.core, gcache_cstr("k")));
    room_turn(&x.r);
  }
  assert_true(turns > 3);
  assert_true(in_force(&x.r, 2, 30));
  assert_int_equal(x.r.core.lists.error, 0);
  settle(&x.r);
  assert_told(&x, 2, 30);
  room_close(&x.r);
}

static void owners_of_a_list_made_in_turns_are_those_of_one_made_at_once(void **state) {
  static const gcache_dialect_t kinds[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                           GCACHE_DIALECT_GOLANG};
  (void)state;
  for (size_t k = 0; k < 3; k++) {
    struct gci_placed_peer peers[31];
    struct gci_placement *p;
    struct told x;
    init(&x);
    assert_int_equal(try_open(&x, kinds[k]), 0);
    assert_int_equal(give(&x.r, 1, 20), 0);
    settle(&x.r);
    assert_int_equal(give(&x.r, 5, 30), 0);
    settle(&x.r);
    for (size_t i = 0; i < 31; i++)
      peers[i] = (struct gci_placed_peer){i == 0 ? ROOM_SELF : name_of(i + 4), 1};
    assert_int_equal(gci_placement_open(&p, x.r.m.mem, kinds[k], 20, peers, 31), 0);
    for (int i = 0; i < 1000; i++) {
      char key[16];
      snprintf(key, sizeof key, "k%d", i);
      assert_string_equal(gcache_owner(&x.r.core, gcache_cstr(key)),
                          peers[gci_placement_owner(p, gcache_cstr(key))].label);
    }
    gci_placement_close(p);
    room_close(&x.r);
  }
}

/* What would be asked for the first time is known when the list is in force. */
static void a_long_list_in_force_has_its_table_full(void **state) {
  struct told x;
  (void)state;
  open_told(&x);
  assert_int_equal(give(&x.r, 1, 39), 0);
  while (gci_lists_coming(&x.r.core) > 0)
    room_turn(&x.r);
  assert_int_equal(gci_placement_work(x.r.core.peers.placement), 0);
  room_close(&x.r);
}

static void a_list_given_meanwhile_takes_the_place_of_the_one_on_its_way(void **state) {
  (void)state;
  for (size_t turns = 0; turns < 60; turns += 1 + turns / 4) {
    struct told x;
    open_told(&x);
    assert_int_equal(give(&x.r, 1, 20), 0);
    for (size_t i = 0; i < turns && gci_lists_coming(&x.r.core) > 0; i++)
      room_turn(&x.r);
    int came = gci_lists_coming(&x.r.core) == 0;
    assert_int_equal(give(&x.r, 10, 25), 0);
    while (gci_lists_coming(&x.r.core) > 0) {
      assert_int_equal(x.r.core.peers.n, came ? 21 : 0);
      room_turn(&x.r);
    }
    settle(&x.r);
    assert_true(in_force(&x.r, 10, 25));
    assert_told(&x, 10, 25);
    room_close(&x.r);
  }
}

static void a_short_list_is_in_force_at_once_whatever_is_on_its_way(void **state) {
  struct told x;
  (void)state;
  open_told(&x);
  assert_int_equal(give(&x.r, 1, 30), 0);
  room_turn(&x.r);
  room_turn(&x.r);
  assert_int_equal(give(&x.r, 8, 2), 0);
  assert_true(in_force(&x.r, 8, 2));
  assert_int_equal(gci_lists_coming(&x.r.core), 0);
  settle(&x.r);
  assert_true(in_force(&x.r, 8, 2));
  assert_told(&x, 8, 2);
  assert_int_equal(room_set_peers(&x.r, NULL, 0), 0);
  assert_int_equal(x.r.core.peers.n, 0);
  settle(&x.r);
  assert_told(&x, 1, 0);
  room_close(&x.r);
}

static void a_refused_list_leaves_the_one_on_its_way(void **state) {
  const char *twice[] = {ROOM_SELF, ROOM_B, ROOM_C, "http://d:1", ROOM_B "/"};
  unsigned weights[] = {1, 1, 1, 1, 1001};
  struct told x;
  (void)state;
  open_told(&x);
  assert_int_equal(give(&x.r, 1, 30), 0);
  room_turn(&x.r);
  assert_int_equal(room_set_peers(&x.r, twice, 5), UV_EINVAL);
  assert_int_equal(room_set_peers(&x.r, twice + 1, 4), UV_EINVAL);
  assert_int_equal(room_set_peers(&x.r, twice + 1, 3), GCACHE_ESELF);
  twice[4] = "http://e:1";
  assert_int_equal(gci_core_set_peers(&x.r.core, twice, twice, weights, 5), UV_EINVAL);
  settle(&x.r);
  assert_true(in_force(&x.r, 1, 30));
  room_close(&x.r);
}

static void a_peer_that_stays_keeps_its_struct_and_one_under_way_its_call(void **state) {
  struct told x;
  struct probe p = {0};
  char key[16];
  (void)state;
  open_told(&x);
  room_open_group(&x.r, GCACHE_HOT_DEFAULT);
  assert_int_equal(give(&x.r, 1, 2), 0);
  assert_int_equal(room_get(&x.r, &p, room_key(&x.r, name_of(1), key), 0), 0);
  room_turn(&x.r);
  struct gci_peer *stays = x.r.core.peers.list[2];
  assert_int_equal(give(&x.r, 2, 30), 0);
  settle(&x.r);
  assert_ptr_equal(x.r.core.peers.list[1], stays);
  assert_int_equal(x.r.n_calls, 1);
  room_call_answer(&x.r, 0, "v");
  settle(&x.r);
  assert_int_equal(p.status, 0);
  room_close(&x.r);
}

static void a_transport_that_hears_of_lists_hears_when_they_are_in_force(void **state) {
  struct told x;
  (void)state;
  init(&x);
  x.r.transport.data = &x;
  x.r.transport.peers = on_list;
  assert_int_equal(try_open(&x, GCACHE_DIALECT_GCACHE), 0);
  assert_int_equal(give(&x.r, 1, 2), 0);
  assert_told(&x, 1, 2);
  assert_int_equal(give(&x.r, 5, 20), 0);
  while (gci_lists_coming(&x.r.core) > 0) {
    assert_told(&x, 1, 2);
    room_turn(&x.r);
  }
  assert_told(&x, 5, 20);
  assert_int_equal(room_set_peers(&x.r, NULL, 0), 0);
  assert_int_equal(x.lists, 3);
  assert_told(&x, 1, 0);
  settle(&x.r);
  room_close(&x.r);
}

/* Of ten that have all gone, and none was told of; a process stood still then, say, and in the very
 * next turn the time of the list before is over. */
static void open_late(struct told *x) {
  init(x);
  hear_each(x);
  struct gci_core_options o = room_core_options(&x->r, ROOM_SELF);
  o.dialect = GCACHE_DIALECT_GCACHE;
  o.members_at_once = AT_ONCE;
  o.handoff.handoff_ms = 30000;
  assert_int_equal(room_try_open(&x->r, &o), 0);
  assert_int_equal(give(&x->r, 1, 10), 0);
  settle(&x->r);
  room_advance(&x->r, 60000); /* it has not just started any more */
  assert_int_equal(give(&x->r, 20, 10), 0);
  while (gci_lists_coming(&x->r.core) > 0)
    room_turn(&x->r);
  assert_int_equal(x->r.core.previous.list.n, 11);
  manual_env_jump(&x->r.m, x->r.m.clock->mono_ms + 30000);
}

static void who_is_gone_is_told_also_where_the_list_before_ends_early(void **state) {
  struct told x;
  (void)state;
  open_late(&x);
  settle(&x.r);
  assert_int_equal(x.r.core.previous.list.n, 0);
  assert_told(&x, 20, 10);
  room_close(&x.r);
}

static void a_transport_that_closes_is_not_told_who_is_gone(void **state) {
  struct told x;
  (void)state;
  open_late(&x);
  room_begin_close(&x.r);
  room_run(&x.r);
  for (size_t i = 1; i <= 10; i++)
    assert_true(x.listed[i]);
  room_close(&x.r);
}

/* Short and long lists in any order, after any number of turns. Whoever is in force has been told. */
static void any_history_of_lists_ends_with_the_last_and_nobody_else_told(void **state) {
  struct random random = {7};
  (void)state;
  for (int history = 0; history < 30; history++) {
    struct told x;
    size_t first = 1, n = 0;
    open_told(&x);
    for (int step = 0; step < 12; step++) {
      first = 1 + random_below(&random, 10);
      n = random_below(&random, 3) == 0 ? random_below(&random, AT_ONCE)
                                        : random_below(&random, 30);
      assert_int_equal(give(&x.r, first, n), 0);
      for (size_t turns = random_below(&random, 60); turns > 0; turns--) {
        room_turn(&x.r);
        for (size_t i = 1; i < x.r.core.peers.n; i++)
          assert_true(x.listed[number_of(x.r.core.peers.list[i]->url)]);
      }
    }
    settle(&x.r);
    assert_true(in_force(&x.r, first, n));
    assert_told(&x, first, n);
    room_close(&x.r);
  }
}

/* ---------------------------------------------------------------------------- close, memory -- */

static void a_cache_can_be_closed_after_any_turn(void **state) {
  (void)state;
  for (size_t turns = 0; turns < 80; turns += 1 + turns / 6) {
    struct told x;
    open_told(&x);
    assert_int_equal(give(&x.r, 1, 20), 0);
    if (turns % 3 == 0) settle(&x.r);
    assert_int_equal(give(&x.r, 15, 20), 0);
    for (size_t i = 0; i < turns; i++)
      room_turn(&x.r);
    room_close(&x.r);
  }
}

static void give_two(struct oom *oom, void *arg) {
  struct told x;
  (void)arg;
  init(&x);
  x.r.oom = *oom;
  hear_each(&x);
  if (try_open(&x, GCACHE_DIALECT_GOLANG) == 0) {
    size_t n = 0;
    for (int list = 0; list < 2; list++) {
      int rc = give(&x.r, list == 0 ? 1 : 5, 10);
      assert_true(rc == 0 || rc == UV_ENOMEM);
      settle(&x.r);
      if (rc == 0 && x.r.core.lists.error == 0) n = 10;
      assert_int_equal(x.r.core.peers.n, n == 0 ? 0 : 11);
      assert_true(x.r.core.lists.error == 0 || x.r.m.lines > 0);
    }
    assert_told(&x, n == 0 || x.r.core.peers.n == 0 ? 1 : number_of(x.r.core.peers.list[1]->url),
                n);
    room_close(&x.r);
  }
  *oom = x.r.oom;
}

static void memory_that_fails_in_any_turn_leaves_the_list_that_was(void **state) {
  (void)state;
  assert_true(oom_sweep(give_two, NULL) > 40);
}

/* ----------------------------------------------------------------------------------- longest -- */

static void the_longest_list_is_taken(void **state) {
  enum { N = GCI_PLACEMENT_MAX_PEERS };
  static char text[N + 1][24];
  static const char *urls[N + 1];
  struct told x;
  (void)state;
  init(&x);
  assert_int_equal(try_open(&x, GCACHE_DIALECT_GCACHE), 0);
  for (int i = 0; i <= N; i++) {
    snprintf(text[i], sizeof text[i], i == 7 ? ROOM_SELF : "http://m%d:1", i);
    urls[i] = text[i];
  }
  assert_int_equal(room_set_peers(&x.r, urls, N + 1), UV_EINVAL);
  assert_int_equal(room_set_peers(&x.r, urls, N), 0);
  settle(&x.r);
  assert_int_equal(x.r.core.peers.n, N);
  assert_string_equal(x.r.core.peers.self->url, ROOM_SELF);
  urls[N - 1] = urls[0];
  assert_int_equal(room_set_peers(&x.r, urls, N), UV_EINVAL);
  room_close(&x.r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_long_list_is_in_force_some_turns_later_and_the_old_one_until_then),
      cmocka_unit_test(owners_of_a_list_made_in_turns_are_those_of_one_made_at_once),
      cmocka_unit_test(a_long_list_in_force_has_its_table_full),
      cmocka_unit_test(a_list_given_meanwhile_takes_the_place_of_the_one_on_its_way),
      cmocka_unit_test(a_short_list_is_in_force_at_once_whatever_is_on_its_way),
      cmocka_unit_test(a_refused_list_leaves_the_one_on_its_way),
      cmocka_unit_test(a_peer_that_stays_keeps_its_struct_and_one_under_way_its_call),
      cmocka_unit_test(a_transport_that_hears_of_lists_hears_when_they_are_in_force),
      cmocka_unit_test(who_is_gone_is_told_also_where_the_list_before_ends_early),
      cmocka_unit_test(a_transport_that_closes_is_not_told_who_is_gone),
      cmocka_unit_test(any_history_of_lists_ends_with_the_last_and_nobody_else_told),
      cmocka_unit_test(a_cache_can_be_closed_after_any_turn),
      cmocka_unit_test(memory_that_fails_in_any_turn_leaves_the_list_that_was),
      cmocka_unit_test(the_longest_list_is_taken),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
