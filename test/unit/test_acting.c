/* core/change, core/fetch: what an acting owner keeps, as three members see it: "a" sets, "b" owns
 * the key and has an older value, "c" is next and considers "b" up. The test is the network. */
#include "core/call.h"
#include "core_room.h"

struct trio {
  struct room a, b, c;
  char key[16];
  struct change_probe set;
};

static void open_member(struct trio *t, struct room *r, const char *self) {
  static const char *const urls[] = {ROOM_SELF, ROOM_B, ROOM_C};
  room_init(r);
  struct gci_core_options o = room_core_options(r, self);
  assert_int_equal(room_try_open(r, &o), 0);
  if (r != &t->a) manual_env_share(&r->m, t->a.m.clock);
  assert_int_equal(room_set_peers(r, urls, 3), 0);
  room_open_group(r, GCACHE_HOT_DEFAULT);
}

static void open_trio(struct trio *t) {
  memset(t, 0, sizeof *t);
  open_member(t, &t->a, ROOM_SELF);
  open_member(t, &t->b, ROOM_B);
  open_member(t, &t->c, ROOM_C);
  room_key_of_two(&t->a, ROOM_B, ROOM_C, t->key);
  room_fill(&t->b, t->key, "old", 0);
}

static void close_trio(struct trio *t) {
  room_close(&t->a);
  room_close(&t->b);
  room_close(&t->c);
}

static void run(struct trio *t) {
  room_run(&t->a);
  room_run(&t->b);
  room_run(&t->c);
}

/* What `from` asks of that URL about the key; NULL: nothing. */
static gcache_call_t *asked_of(struct trio *t, struct room *from, const char *url) {
  for (size_t i = 0; i < from->n_calls; i++) {
    gcache_call_t *call = from->calls[i];
    gcache_bytes_t key = gcache_call_key(call);
    if (strcmp(gcache_call_peer(call), url) == 0 && key.len == strlen(t->key) &&
        memcmp(key.base, t->key, key.len) == 0)
      return call;
  }
  return NULL;
}

/* It reaches that member, and the answer comes back. */
static void carry(struct trio *t, struct room *from, struct room *to, const char *url) {
  struct answer_probe p = {.room = to};
  gcache_call_t *call = asked_of(t, from, url);
  assert_non_null(call);
  p.req.data = &p;
  to->depth++;
  int rc = gcache_answer(&p.req, &to->core, gcache_call_op(call), gcache_cstr("g"),
                         gcache_cstr(t->key), gcache_call_value(call), 0, room_on_answered);
  to->depth--;
  assert_int_equal(rc, 0);
  run(t);
  assert_int_equal(p.runs, 1);
  gcache_call_set_leaving(call, gcache_is_leaving(&to->core));
  room_call_done(from, call, p.status, p.has_value ? p.text : NULL, p.reason);
  run(t);
}

static void set_new(struct trio *t) {
  assert_int_equal(room_set(&t->a, &t->set, t->key, "new", 0), 0);
  run(t);
}

/* What is set leaves for room. */
static void crowd_out(struct trio *t) {
  static char large[8000], other[16];
  memset(large, 'x', sizeof large - 1);
  for (int i = 0; i < 64; i++) {
    snprintf(other, sizeof other, "other%d", i);
    room_fill(&t->c, other, large, 0);
  }
  assert_false(room_holds(&t->c, t->key));
}

/* "c" stores the value if it is asked to, but not for long; then it fetches the old one, which is
 * still there. */
static void fetch_old(struct trio *t) {
  struct probe p = {0};
  if (asked_of(t, &t->a, ROOM_C) != NULL) carry(t, &t->a, &t->c, ROOM_C);
  crowd_out(t);
  assert_int_equal(room_get(&t->c, &p, t->key, 0), 0);
  run(t);
  carry(t, &t->c, &t->b, ROOM_B);
  assert_string_equal(p.text, "old");
}

static void assert_nothing_old(struct trio *t, struct room *r) {
  char text[16];
  gcache_value_t *value = gcache_peek(r->group, gcache_cstr(t->key));
  room_keep_text(text, sizeof text, value);
  gcache_value_unref(value);
  assert_string_not_equal(text, "old");
}

/* Only then "b" is reached, and the set succeeds: nothing older is delivered any more. */
static void succeed(struct trio *t) {
  carry(t, &t->a, &t->b, ROOM_B);
  if (asked_of(t, &t->a, ROOM_C) != NULL) carry(t, &t->a, &t->c, ROOM_C);
  assert_int_equal(t->set.runs, 1);
  assert_int_equal(t->set.status, 0);
  assert_nothing_old(t, &t->a);
  assert_nothing_old(t, &t->b);
  assert_nothing_old(t, &t->c);
}

static void a_set_whose_owner_is_to_be_told_of_another_change_leaves_nothing_older(void **state) {
  struct trio t;
  (void)state;
  open_trio(&t);
  struct gci_peer *owner = gci_peers_find(&t.a.core.peers, ROOM_B);
  gci_tell_missed(&t.a.core, owner, "g", GCACHE_OP_REMOVE, gcache_cstr("other"), GCI_MISSED);
  run(&t);
  assert_true(gci_health_is_out(owner) && !gci_health_is_down(owner));
  set_new(&t);
  fetch_old(&t);
  succeed(&t);
  close_trio(&t);
}

static void a_set_whose_owner_leaves_leaves_nothing_older(void **state) {
  struct trio t;
  (void)state;
  open_trio(&t);
  t.b.core.leaving = 1;
  gci_health_leaving(&t.a.core, gci_peers_find(&t.a.core.peers, ROOM_B), 1);
  set_new(&t);
  fetch_old(&t);
  succeed(&t);
  close_trio(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_set_whose_owner_is_to_be_told_of_another_change_leaves_nothing_older),
      cmocka_unit_test(a_set_whose_owner_leaves_leaves_nothing_older),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
