/* Members that talk to each other over loopback, all on one loop: the promises, as seen from
 * outside. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "place.h"
#include "raw.h"

#define N 3

static int64_t wall_ns = 1893456000000000000; /* the wall clock of every member */

static int64_t read_wall(void *data) {
  (void)data;
  return wall_ns;
}

static void open_one(struct member *m, void **state, const char *name) {
  gcache_options_t o;

  member_options(m, &o, *state, name);
  o.clock.unix_ns = read_wall;
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static void cluster_open(struct member m[N], void **state) {
  static const char *const names[N] = {"A", "B", "C"};

  for (int i = 0; i < N; i++)
    open_one(&m[i], state, names[i]);
  members_know(m, N);
}

static void cluster_close(struct member m[N]) {
  for (int i = 0; i < N; i++)
    member_end(&m[i]);
}

static int loads(const struct member m[N]) {
  return m[0].loads + m[1].loads + m[2].loads;
}

static void assert_got(const struct asked *a, const char *value, gcache_from_t from) {
  if (a->status != 0) fail_msg("%s: %s", gcache_strerror(a->status), a->reason);
  assert_string_equal(a->value, value);
  assert_int_equal(a->from, from);
}

static void run_change(struct changed *c, struct member *m, int rc) {
  assert_int_equal(rc, 0);
  assert_int_equal(c->done, 0);
  run_loop_until(m->loop, &c->done, 1);
}

static void remove_at(struct changed *c, struct member *m, const char *key) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  run_change(c, m, gcache_remove(&c->req, m->group, gcache_cstr(key), 0, on_changed));
}

/* -------------------------------------------------------------------------------- promises -- */

static void value_comes_from_its_owner_then_from_memory(void **state) {
  struct member m[N];
  struct asked a;
  char key[32];

  cluster_open(m, state);
  member_key(&m[1], "k", key, sizeof key);
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(strncmp(a.value, "B|", 2), 0);
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_HOT);
  ask(&a, &m[1], key);
  assert_int_equal(a.from, GCACHE_FROM_MAIN);
  ask(&a, &m[2], key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(loads(m), 1);
  cluster_close(m);
}

static void herd_on_every_member_is_one_load(void **state) {
  enum { HERD = 100 };
  static struct asked a[N][HERD];
  struct member m[N];
  gcache_group_stats_t stats;
  char key[32];

  cluster_open(m, state);
  member_key(&m[2], "hold:", key, sizeof key);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < HERD; j++)
      ask_start(&a[i][j], &m[i], key, 0);
  do { /* the herd itself, and one question of each other member */
    uv_run(m[2].loop, UV_RUN_ONCE);
    gcache_group_stats(m[2].group, &stats);
  } while (stats.waiting < HERD + 2);
  member_release(&m[2]);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < HERD; j++) {
      run_loop_until(m[i].loop, &a[i][j].done, 1);
      assert_int_equal(a[i][j].status, 0);
      assert_string_equal(a[i][j].value, a[0][0].value);
    }
  assert_int_equal(loads(m), 1);
  cluster_close(m);
}

static void removed_key_is_gone_everywhere(void **state) {
  struct member m[N];
  struct asked a;
  struct changed c;
  char key[32];

  cluster_open(m, state);
  member_key(&m[0], "k", key, sizeof key);
  for (int i = 0; i < N; i++)
    ask(&a, &m[i], key);
  assert_int_equal(loads(m), 1);
  remove_at(&c, &m[2], key);
  assert_int_equal(c.status, 0);
  assert_int_equal(c.n, N);
  for (int i = 0; i < N; i++)
    assert_null(gcache_peek(m[i].group, gcache_cstr(key)));
  ask(&a, &m[1], key);
  assert_int_equal(loads(m), 2);
  cluster_close(m);
}

static void value_that_was_set_is_everyones(void **state) {
  struct member m[N];
  struct asked a;
  struct changed c = {0};
  gcache_value_t *value;
  char key[32];

  cluster_open(m, state);
  member_key(&m[0], "k", key, sizeof key);
  for (int i = 0; i < N; i++)
    ask(&a, &m[i], key);
  value = gcache_value_copy(m[2].cache, gcache_cstr("new"), GCACHE_NEVER);
  c.req.data = &c;
  run_change(&c, &m[2], gcache_set(&c.req, m[2].group, gcache_cstr(key), value, 0, on_changed));
  gcache_value_unref(value);
  assert_int_equal(c.status, 0);
  for (int i = 0; i < N; i++) {
    ask(&a, &m[i], key);
    assert_string_equal(a.value, "new");
  }
  assert_int_equal(loads(m), 1);
  cluster_close(m);
}

static void clearing_a_group_leaves_others_alone(void **state) {
  struct member m[N];
  gcache_group_t *first;
  struct asked a;
  struct changed c = {0};
  char key[32];

  cluster_open(m, state);
  first = m[0].group;
  member_key(&m[1], "k", key, sizeof key);
  ask(&a, &m[0], key);
  for (int i = 0; i < N; i++)
    member_group(&m[i], "other");
  ask(&a, &m[0], key);
  assert_int_equal(loads(m), 2); /* equal keys of two groups are two */
  c.req.data = &c;
  run_change(&c, &m[2], gcache_clear(&c.req, gcache_group_find(m[2].cache, "g"), 0, on_changed));
  assert_int_equal(c.status, 0);
  assert_null(gcache_peek(first, gcache_cstr(key)));
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_HOT);
  cluster_close(m);
}

static void expired_value_is_loaded_again_and_not_before(void **state) {
  struct member m[N];
  struct asked a;
  char key[32];

  cluster_open(m, state);
  member_key(&m[1], "brief:", key, sizeof key);
  ask(&a, &m[0], key);
  wall_ns += 149999999;
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_HOT);
  assert_int_equal(loads(m), 1);
  wall_ns += 1;
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(loads(m), 2);
  cluster_close(m);
}

static void getters_words_arrive_as_they_were(void **state) {
  struct member m[N];
  struct asked there, here;
  char key[32];

  cluster_open(m, state);
  member_key(&m[1], "missing:", key, sizeof key);
  ask(&there, &m[0], key);
  ask(&here, &m[1], key);
  assert_int_equal(there.status, GCACHE_ENOTFOUND);
  assert_int_equal(here.status, GCACHE_ENOTFOUND);
  assert_string_equal(there.reason, "no such row");
  assert_string_equal(here.reason, "no such row");
  member_key(&m[1], "fail:", key, sizeof key);
  ask(&there, &m[0], key);
  ask(&here, &m[1], key);
  assert_int_equal(there.status, GCACHE_ELOAD);
  assert_string_equal(there.reason, "demo failure");
  assert_string_equal(here.reason, "demo failure");
  assert_int_equal(m[0].loads, 0); /* believed: nobody loads in the owner's place */
  cluster_close(m);
}

static void impatient_caller_leaves_and_the_owner_hears_of_it(void **state) {
  struct member m[N];
  struct asked patient, impatient;
  char key[32];

  cluster_open(m, state);
  member_key(&m[1], "hold:", key, sizeof key);
  ask_start(&impatient, &m[0], key, 30);
  ask_start(&patient, &m[0], key, GCACHE_NO_TIMEOUT);
  run_loop_until(m[0].loop, &m[1].loads, 1);
  run_loop_until(m[0].loop, &impatient.done, 1);
  assert_int_equal(impatient.status, UV_ETIMEDOUT);
  assert_int_equal(patient.done, 0);
  assert_int_equal(m[1].cancels, 0);
  gcache_get_cancel(&patient.req);
  run_loop_until(m[0].loop, &patient.done, 1);
  assert_int_equal(patient.status, UV_ECANCELED);
  run_loop_until(m[0].loop, &m[1].cancels, 1);
  assert_int_equal(m[0].loads, 0);
  cluster_close(m);
}

static void large_value_travels_whole(void **state) {
  struct member m[N];
  struct asked a;
  char key[32];

  cluster_open(m, state);
  member_key(&m[1], "big:5000000:", key, sizeof key);
  ask(&a, &m[0], key);
  assert_int_equal(a.status, 0);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(a.value_len, 5000000);
  cluster_close(m);
}

static void key_of_any_bytes_travels(void **state) {
  static const char bytes[] = "a/../b//%2F+ \r\nX: y\0\xff\xfe?#";
  struct member m[N];
  gcache_bytes_t key = gcache_bytes(bytes, sizeof bytes - 1);
  struct changed c = {0};
  gcache_value_t *value, *found;

  cluster_open(m, state);
  c.req.data = &c;
  for (int i = 0; i < N; i++) {
    c.done = 0;
    value = gcache_value_copy(m[i].cache, gcache_cstr("odd"), GCACHE_NEVER);
    run_change(&c, &m[i], gcache_set(&c.req, m[i].group, key, value, 0, on_changed));
    gcache_value_unref(value);
    assert_int_equal(c.status, 0);
  }
  for (int i = 0, seen = 0; i < N; i++) {
    found = gcache_peek(m[i].group, key);
    seen += found != NULL;
    gcache_value_unref(found);
    if (i == N - 1) assert_int_equal(seen, 1);
  }
  cluster_close(m);
}

/* ------------------------------------------------------------------------------- failures ---- */

static void keys_of_a_dead_member_are_answered_and_removes_tell(void **state) {
  struct member m[N];
  struct asked a;
  struct changed c;
  char key[32];

  cluster_open(m, state);
  member_key(&m[2], "k", key, sizeof key);
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  remove_at(&c, &m[0], key);
  assert_int_equal(c.status, 0);
  member_end(&m[2]);
  ask(&a, &m[0], key);
  assert_int_equal(a.status, 0);
  assert_true(a.from == GCACHE_FROM_LOAD || strncmp(a.value, "B|", 2) == 0); /* by the next owner */
  remove_at(&c, &m[0], key);
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_int_equal(c.statuses[0], UV_ECONNREFUSED); /* the owner first */
  assert_non_null(strstr(c.reasons[0], "down"));
  assert_int_equal(c.statuses[1], 0);
  assert_int_equal(c.statuses[2], 0);
  cluster_close(m);
}

static void member_that_dies_over_a_question_is_replaced(void **state) {
  struct member m[N];
  struct asked a;
  char key[32];

  cluster_open(m, state);
  member_key_then(&m[2], &m[0], "hold:", key, sizeof key);
  ask_start(&a, &m[0], key, 0);
  run_loop_until(m[0].loop, &m[2].loads, 1);
  member_end(&m[2]);
  run_loop_until(m[0].loop, &m[0].loads, 1);
  member_release(&m[0]);
  run_loop_until(m[0].loop, &a.done, 1);
  assert_int_equal(a.status, 0);
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  cluster_close(m);
}

static void member_without_the_group_is_passed_over(void **state) {
  struct member m[N];
  struct asked a;
  char key[32];

  cluster_open(m, state);
  member_group(&m[0], "only here");
  member_key(&m[1], "k", key, sizeof key);
  ask(&a, &m[0], key);
  assert_int_equal(a.status, 0);
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  assert_int_equal(m[1].loads, 0);
  cluster_close(m);
}

/* P4: each believes the other to be the owner. */
static void members_that_disagree_answer_each_other(void **state) {
  struct member m[N];
  struct asked a[2];
  const char *lists[2][2];
  char key[32];

  cluster_open(m, state);
  lists[0][0] = m[0].url;
  lists[0][1] = m[1].url;
  lists[1][0] = m[1].url;
  lists[1][1] = m[2].url;
  assert_int_equal(gcache_set_peers(m[0].cache, lists[0], NULL, 2), 0);
  assert_int_equal(gcache_set_peers(m[1].cache, lists[1], NULL, 2), 0);
  assert_int_equal(gcache_set_peers(m[2].cache, NULL, NULL, 0), 0);
  for (int i = 0;; i++) {
    gcache_bytes_t bytes;
    snprintf(key, sizeof key, "k%d", i);
    bytes = gcache_cstr(key);
    if (strcmp(gcache_owner(m[0].cache, bytes), m[1].url) == 0 &&
        strcmp(gcache_owner(m[1].cache, bytes), m[2].url) == 0)
      break;
  }
  ask_start(&a[0], &m[0], key, 0);
  ask_start(&a[1], &m[1], key, 0);
  run_loop_until(m[0].loop, &a[0].done, 1);
  run_loop_until(m[0].loop, &a[1].done, 1);
  assert_int_equal(strncmp(a[0].value, "B|", 2), 0);
  assert_int_equal(strncmp(a[1].value, "C|", 2), 0);
  cluster_close(m);
}

/* -------------------------------------------------------------------------------- members ---- */

static void client_only_member_asks_and_keeps_nothing(void **state) {
  struct member m[N], client;
  gcache_options_t o;
  const char *urls[N];
  struct asked a;
  struct changed c;
  char key[32];

  cluster_open(m, state);
  for (int i = 0; i < N; i++)
    urls[i] = m[i].url;
  member_options(&client, &o, *state, "client");
  member_open(&client, &o);
  member_group(&client, "g");
  assert_int_equal(gcache_set_peers(client.cache, urls, NULL, N), 0);
  member_key(&m[1], "k", key, sizeof key);
  ask(&a, &client, key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  ask(&a, &client, key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(loads(m), 1);
  remove_at(&c, &client, key);
  assert_int_equal(c.status, 0);
  assert_null(gcache_peek(m[1].group, gcache_cstr(key)));
  member_end(&client);
  cluster_close(m);
}

static void member_alone_needs_no_peers(void **state) {
  struct member m;
  struct asked a;
  struct changed c;

  open_one(&m, state, "A");
  ask(&a, &m, "k");
  assert_got(&a, "A|k|1", GCACHE_FROM_LOAD);
  ask(&a, &m, "k");
  assert_got(&a, "A|k|1", GCACHE_FROM_MAIN);
  remove_at(&c, &m, "k");
  assert_int_equal(c.status, 0);
  ask(&a, &m, "k");
  assert_got(&a, "A|k|2", GCACHE_FROM_LOAD);
  member_end(&m);
}

static void list_replaced_under_way_disturbs_nobody(void **state) {
  struct member m[N];
  struct asked a;
  char key[32];

  cluster_open(m, state);
  member_key(&m[1], "hold:", key, sizeof key);
  ask_start(&a, &m[0], key, 0);
  run_loop_until(m[0].loop, &m[1].loads, 1);
  assert_int_equal(gcache_set_peers(m[0].cache, NULL, NULL, 0), 0);
  member_release(&m[1]);
  run_loop_until(m[0].loop, &a.done, 1);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  cluster_close(m);
}

static void every_placement_agrees_over_the_network(void **state) {
  int last = place_is_unix() ? GCACHE_DIALECT_GCACHE : GCACHE_DIALECT_GOLANG;
  for (int dialect = GCACHE_DIALECT_GCACHE; dialect <= last; dialect++) {
    struct member m[N];
    struct asked a;
    char key[16];
    for (int i = 0; i < N; i++) {
      gcache_options_t o;
      member_options(&m[i], &o, *state, "x");
      o.dialect = (gcache_dialect_t)dialect;
      member_open(&m[i], &o);
      member_group(&m[i], "g");
      member_listen(&m[i]);
    }
    members_know(m, N);
    for (int i = 0; i < 60; i++) {
      snprintf(key, sizeof key, "k%d", i / N);
      ask(&a, &m[i % N], key);
      assert_int_equal(a.status, 0);
    }
    assert_int_equal(loads(m), 60 / N);
    cluster_close(m);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(value_comes_from_its_owner_then_from_memory),
      TEST(herd_on_every_member_is_one_load),
      TEST(removed_key_is_gone_everywhere),
      TEST(value_that_was_set_is_everyones),
      TEST(clearing_a_group_leaves_others_alone),
      TEST(expired_value_is_loaded_again_and_not_before),
      TEST(getters_words_arrive_as_they_were),
      TEST(impatient_caller_leaves_and_the_owner_hears_of_it),
      TEST(large_value_travels_whole),
      TEST(key_of_any_bytes_travels),
      TEST(keys_of_a_dead_member_are_answered_and_removes_tell),
      TEST(member_that_dies_over_a_question_is_replaced),
      TEST(member_without_the_group_is_passed_over),
      TEST(members_that_disagree_answer_each_other),
      TEST(client_only_member_asks_and_keeps_nothing),
      TEST(member_alone_needs_no_peers),
      TEST(list_replaced_under_way_disturbs_nobody),
      TEST(every_placement_agrees_over_the_network),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
