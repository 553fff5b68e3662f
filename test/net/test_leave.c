/* A member that leaves, over real sockets: the values its heirs receive, the callers that waited
 * for it, and peers that die meanwhile. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gcache/leave.h"
#include "member.h"
#include "raw.h"

enum { HOT = 30, COLD = 150, KEYS = HOT + COLD, KEY_MAX = 24 };

/* ----------------------------------------------------------------------------------- members -- */

/* What others give is kept by members that have known of all changes for a minute: so old they are,
 * and past asking whoever had their keys before. */
static uint64_t age_ms;

static uint64_t read_mono(void *data) {
  (void)data;
  return uv_hrtime() / 1000000 + age_ms;
}

static void open_one(struct member *m, uv_loop_t *loop, const char *name, size_t leave_max_bytes) {
  gcache_options_t o;
  member_options(m, &o, loop, name);
  o.clock.mono_ms = read_mono;
  o.handoff_ms = 30000;
  o.leave_max_bytes = leave_max_bytes;
  o.connect_timeout_ms = 2000;
  member_open(m, &o);
  member_listen(m);
  member_group(m, "g");
}

static void know(struct member *m, const char *const urls[], size_t n) {
  assert_int_equal(gcache_set_peers(m->cache, urls, NULL, n), 0);
}

static int holds(const struct member *m, const char *key) {
  gcache_value_t *value = gcache_peek(m->group, gcache_cstr(key));
  gcache_value_unref(value);
  return value != NULL;
}

struct leaver {
  gcache_leave_t req;
  gcache_left_t left;
  int done, status;
};

static void on_left(gcache_leave_t *req, int status, const gcache_left_t *left) {
  struct leaver *l = req->data;
  l->done++;
  l->status = status;
  l->left = *left;
}

static void leave(struct leaver *l, struct member *m) {
  memset(l, 0, sizeof *l);
  l->req.data = l;
  assert_int_equal(gcache_leave(&l->req, m->cache, 60000, on_left), 0);
}

/* Keys of m, of which the first HOT are asked for four times. */
static void fill(struct member *m, char keys[KEYS][KEY_MAX]) {
  for (int i = 0; i < KEYS; i++) {
    struct asked a;
    char prefix[16];
    snprintf(prefix, sizeof prefix, "k%d-", i);
    member_key(m, prefix, keys[i], KEY_MAX);
    for (int times = i < HOT ? 4 : 1; times > 0; times--) {
      ask(&a, m, keys[i]);
      assert_int_equal(a.status, 0);
    }
  }
  assert_int_equal(m->loads, KEYS);
}

/* ----------------------------------------------------------------------------------- leaving -- */

static void the_hottest_keys_are_at_their_heirs_when_a_member_has_left(void **state) {
  static char keys[KEYS][KEY_MAX];
  static const char *const names[] = {"a", "b", "c"};
  struct member m[3];
  struct asked held[2], a;
  struct leaver l;
  char slow[KEY_MAX];
  size_t room = 70 * 20; /* of keys of 5 to 8 bytes, with values of 9 to 14 */
  age_ms = 0;
  for (int i = 0; i < 3; i++)
    open_one(&m[i], *state, names[i], room);
  members_know(m, 3);
  age_ms = 120000;
  fill(&m[0], keys);
  member_key(&m[0], "hold:", slow, sizeof slow);
  ask_start(&held[0], &m[1], slow, GCACHE_NO_TIMEOUT);
  ask_start(&held[1], &m[2], slow, GCACHE_NO_TIMEOUT);
  run_loop_until(*state, &m[0].n_held, 1);
  leave(&l, &m[0]);
  run_loop_until(*state, &l.done, 1); /* for no getter */
  assert_int_equal(l.status, 0);
  assert_int_equal(l.left.refused, 0);
  assert_in_range(l.left.given, HOT, KEYS - 1);
  const char *urls[] = {m[1].url, m[2].url};
  know(&m[1], urls, 2);
  know(&m[2], urls, 2);
  member_release(&m[0]);
  for (int i = 0; i < 2; i++) {
    run_loop_until(*state, &held[i].done, 1);
    assert_int_equal(held[i].status, 0);
    assert_int_equal(held[i].from, GCACHE_FROM_PEER);
  }
  member_end(&m[0]);
  for (int i = 0; i < HOT; i++) {
    int heir = strcmp(gcache_owner(m[1].cache, gcache_cstr(keys[i])), m[1].url) == 0 ? 1 : 2;
    assert_true(holds(&m[heir], keys[i]));
    ask(&a, &m[1], keys[i]);
    assert_int_equal(a.status, 0);
    ask(&a, &m[2], keys[i]);
    assert_memory_equal(a.value, "a|", 2); /* as a had loaded it */
  }
  assert_int_equal(m[1].loads + m[2].loads, 0);
  member_end(&m[1]);
  member_end(&m[2]);
}

/* ------------------------------------------------------------------------- a peer that dies -- */

static struct raw_server dying;
static int n_given; /* to it */

/* It answers its first gift, and is gone in the middle of the others. */
static void on_request(struct raw *c) {
  if (strstr(c->in, "Gcache-Give") == NULL) {
    raw_say(c, "HTTP/1.1 204 No Content\r\nGcache: 1\r\n\r\n");
  } else if (n_given++ == 0) {
    raw_say(c, "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: 0\r\n\r\n");
  } else if (n_given == 2) {
    raw_server_stop(&dying);
    for (int i = 0; i < dying.n; i++)
      if (!uv_is_closing((uv_handle_t *)&dying.connections[i]->tcp))
        raw_reset(dying.connections[i]);
  }
}

static void a_peer_that_dies_while_another_leaves_costs_its_part_only(void **state) {
  static char keys[KEYS][KEY_MAX];
  struct member m[2];
  struct asked held, a;
  struct leaver l;
  char slow[KEY_MAX];
  int at_b = 0, loads;
  age_ms = 0;
  n_given = 0;
  raw_server_open(&dying, *state, on_request);
  open_one(&m[0], *state, "a", 0);
  open_one(&m[1], *state, "b", 0);
  const char *all[] = {m[0].url, m[1].url, dying.url}, *others[] = {m[1].url, dying.url};
  know(&m[0], all, 3);
  know(&m[1], all, 3);
  age_ms = 120000;
  fill(&m[0], keys);
  member_key(&m[0], "hold:", slow, sizeof slow);
  ask_start(&held, &m[1], slow, GCACHE_NO_TIMEOUT);
  run_loop_until(*state, &m[0].n_held, 1);
  leave(&l, &m[0]);
  run_loop_until(*state, &l.done, 1);
  assert_int_equal(l.status, 0);
  assert_true(n_given >= 2);
  assert_true(l.left.given > 0 && l.left.refused > 0);
  know(&m[1], others, 2);
  member_release(&m[0]);
  run_loop_until(*state, &held.done, 1);
  assert_int_equal(held.status, 0);
  assert_int_equal(held.from, GCACHE_FROM_PEER);
  member_end(&m[0]);
  loads = m[1].loads;
  for (int i = 0; i < KEYS; i++) {
    if (strcmp(gcache_owner(m[1].cache, gcache_cstr(keys[i])), m[1].url) != 0) continue;
    at_b++;
    assert_true(holds(&m[1], keys[i]));
    ask(&a, &m[1], keys[i]);
    assert_memory_equal(a.value, "a|", 2);
  }
  assert_in_range(at_b, 1, KEYS - 1);
  assert_int_equal(m[1].loads, loads);
  member_end(&m[1]);
  raw_server_end(&dying);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)
  const struct CMUnitTest tests[] = {
      T(the_hottest_keys_are_at_their_heirs_when_a_member_has_left),
      T(a_peer_that_dies_while_another_leaves_costs_its_part_only),
  };
#undef T
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
