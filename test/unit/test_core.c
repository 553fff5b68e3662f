/* core/core, core/peers and the small functions on values: the member as a whole. */
#include "core_room.h"

/* Up to three; the rest is NULL. */
static int set_peers(struct room *r, const char *a, const char *b, const char *c) {
  const char *const urls[] = {a, b, c};
  size_t n = 0;
  while (n < 3 && urls[n] != NULL)
    n++;
  return room_set_peers(r, urls, n);
}

static void open_bare(struct room *r, const char *self) {
  room_init(r);
  struct gci_core_options o = room_core_options(r, self);
  assert_int_equal(room_try_open(r, &o), 0);
}

/* ------------------------------------------------------------------------------ peers ---- */

static void list_tells_who_owns_what(void **state) {
  struct room r;
  size_t owned[3] = {0};
  (void)state;
  open_bare(&r, ROOM_SELF);
  assert_string_equal(gcache_owner(&r.core, gcache_cstr("k")), ROOM_SELF);
  const char *const urls[] = {ROOM_B, ROOM_SELF, ROOM_C};
  assert_int_equal(room_set_peers(&r, urls, 3), 0);
  for (int i = 0; i < 300; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    const char *owner = gcache_owner(&r.core, gcache_cstr(key));
    for (size_t j = 0; j < 3; j++)
      owned[j] += strcmp(owner, urls[j]) == 0;
  }
  assert_int_equal(owned[0] + owned[1] + owned[2], 300);
  assert_true(owned[0] > 0 && owned[1] > 0 && owned[2] > 0);
  assert_int_equal(room_set_peers(&r, NULL, 0), 0);
  assert_string_equal(gcache_owner(&r.core, gcache_cstr("k")), ROOM_SELF);
  room_close(&r);
}

static void alone_without_a_url_nobody_is_named(void **state) {
  struct room r;
  (void)state;
  open_bare(&r, NULL);
  assert_null(gcache_owner(&r.core, gcache_cstr("k")));
  room_close(&r);
}

static void bad_list_leaves_the_old_one(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_bare(&r, ROOM_SELF);
  assert_int_equal(set_peers(&r, ROOM_SELF, ROOM_B, NULL), 0);
  room_key(&r, ROOM_B, key);
  size_t told = r.peers_told;
  assert_int_equal(set_peers(&r, ROOM_B, ROOM_C, NULL), GCACHE_ESELF);
  assert_int_equal(set_peers(&r, ROOM_SELF, ROOM_C, ROOM_C), UV_EINVAL);
  assert_int_equal(set_peers(&r, ROOM_SELF, ROOM_C, ROOM_C "/"), UV_EINVAL);
  assert_int_equal(set_peers(&r, ROOM_SELF "/", ROOM_SELF, NULL), UV_EINVAL);
  assert_int_equal(set_peers(&r, ROOM_SELF "//", NULL, NULL),
                   GCACHE_ESELF); /* one slash, not two */
  assert_string_equal(gcache_owner(&r.core, gcache_cstr(key)), ROOM_B);
  assert_int_equal(r.core.peers.n, 2);
  assert_int_equal(r.peers_told, told);
  room_close(&r);
}

static void trailing_slash_does_not_make_another_member(void **state) {
  struct room r;
  char key[16];
  (void)state;
  open_bare(&r, ROOM_SELF "/");
  assert_int_equal(set_peers(&r, ROOM_B "/", ROOM_SELF, NULL), 0);
  assert_int_equal(r.n_others, 1);
  room_key(&r, ROOM_B "/", key); /* handed out as it was given */
  assert_int_equal(set_peers(&r, ROOM_B, ROOM_SELF, NULL), 0);
  room_key(&r, ROOM_B, key);
  room_close(&r);
}

static void transport_is_told_the_others(void **state) {
  struct room r;
  (void)state;
  open_bare(&r, ROOM_SELF);
  assert_int_equal(set_peers(&r, ROOM_B, ROOM_SELF, ROOM_C), 0);
  assert_int_equal(r.peers_told, 1);
  assert_int_equal(r.n_others, 2);
  assert_string_equal(r.others[0], ROOM_B);
  assert_string_equal(r.others[1], ROOM_C);
  assert_int_equal(room_set_peers(&r, NULL, 0), 0);
  assert_int_equal(r.peers_told, 2);
  assert_int_equal(r.n_others, 0);
  r.transport.size = offsetof(gcache_transport_t, peers);
  assert_int_equal(set_peers(&r, ROOM_B, ROOM_SELF, NULL), 0);
  assert_int_equal(r.peers_told, 2);
  room_close(&r);
}

static void peer_that_stays_keeps_its_counters(void **state) {
  struct room r;
  struct probe p = {0};
  gcache_peer_stats_t stats;
  char key[16];
  (void)state;
  room_open_three(&r); /* b, c, self */
  room_get(&r, &p, room_key(&r, ROOM_C, key), 0);
  room_settle(&r);
  assert_int_equal(set_peers(&r, ROOM_SELF, ROOM_C, "http://d:1"), 0);
  assert_int_equal(gcache_peer_stats(&r.core, 0, &stats), 0);
  assert_string_equal(stats.url, ROOM_SELF);
  assert_int_equal(stats.is_self, 1);
  assert_int_equal(gcache_peer_stats(&r.core, 1, &stats), 0);
  assert_string_equal(stats.url, ROOM_C);
  assert_int_equal(stats.gets, 1);
  assert_int_equal(gcache_peer_stats(&r.core, 2, &stats), 0);
  assert_int_equal(stats.gets, 0);
  assert_int_equal(gcache_peer_stats(&r.core, 3, &stats), UV_ENOENT);
  room_close(&r);
}

static void long_list_is_taken(void **state) {
  enum { N = 2000 };
  static char text[N][32];
  const char *urls[N];
  struct room r;
  (void)state;
  open_bare(&r, "http://m7:1");
  for (int i = 0; i < N; i++) {
    snprintf(text[i], sizeof text[i], "http://m%d:1", i);
    urls[i] = text[i];
  }
  assert_int_equal(room_set_peers(&r, urls, N), 0);
  room_run(&r);
  assert_int_equal(r.core.peers.n, N);
  assert_string_equal(r.core.peers.self->url, "http://m7:1");
  urls[N - 1] = urls[0];
  assert_int_equal(room_set_peers(&r, urls, N), UV_EINVAL);
  room_close(&r);
}

static void url_can_be_learnt_late(void **state) {
  struct room r;
  (void)state;
  open_bare(&r, NULL);
  assert_int_equal(gci_core_set_self(&r.core, "http://x:1"), 0);
  assert_int_equal(gci_core_set_self(&r.core, ROOM_SELF), 0);
  assert_string_equal(gcache_owner(&r.core, gcache_cstr("k")), ROOM_SELF);
  assert_int_equal(set_peers(&r, ROOM_B, NULL, NULL), GCACHE_ESELF);
  assert_int_equal(set_peers(&r, ROOM_B, ROOM_SELF, NULL), 0);
  room_close(&r);
}

static void member_that_becomes_client_only_forgets(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  assert_int_equal(set_peers(&r, ROOM_B, NULL, NULL), 0);
  assert_false(room_holds(&r, "k"));
  room_close(&r);
}

/* ------------------------------------------------------------------------------ close ---- */

static void empty_cache_closes_from_a_turn(void **state) {
  struct room r;
  (void)state;
  open_bare(&r, NULL);
  room_begin_close(&r);
  assert_int_equal(r.cores_closed, 0);
  assert_true(r.m.held);
  room_run(&r);
  assert_int_equal(r.cores_closed, 1);
  room_close(&r);
}

static void close_closes_every_group_and_waits(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  gcache_group_t *h;
  (void)state;
  room_open_alone(&r);
  gcache_group_options_t o = room_group_options(&r);
  assert_int_equal(gcache_group_open(&h, &r.core, "h", &o), 0);
  room_get(&r, &a, "k", 0);
  r.group = h;
  room_get(&r, &b, "k", 0);
  room_turn(&r);
  room_begin_close(&r);
  assert_int_equal(gcache_group_open(&h, &r.core, "i", &o), GCACHE_ECLOSING);
  assert_int_equal(set_peers(&r, ROOM_B, NULL, NULL), GCACHE_ECLOSING);
  room_run(&r);
  assert_int_equal(a.status, UV_ECANCELED);
  assert_int_equal(b.status, UV_ECANCELED);
  assert_int_equal(r.getters_told, 2);
  room_load_answer(&r, "v");
  room_run(&r);
  assert_int_equal(r.cores_closed, 0);
  room_load_answer(&r, "v");
  assert_int_equal(r.cores_closed, 0);
  room_run(&r);
  assert_int_equal(r.cores_closed, 1);
  room_close(&r);
}

static void groups_refuse_until_the_cache_has_closed(void **state) {
  struct room r;
  struct probe slow = {0}, late = {0};
  gcache_group_t *idle;
  (void)state;
  room_open_alone(&r);
  gcache_group_options_t o = room_group_options(&r);
  assert_int_equal(gcache_group_open(&idle, &r.core, "idle", &o), 0);
  room_get(&r, &slow, "k", 0);
  room_turn(&r);
  room_begin_close(&r);
  room_run(&r);
  gcache_group_t *busy = r.group;
  r.group = idle; /* nothing is owed to this one */
  assert_int_equal(room_get(&r, &late, "k", 0), GCACHE_ECLOSING);
  gcache_group_close(idle, room_on_group_closed, &r);
  assert_int_equal(room_stats(&r).gets, 0);
  r.group = busy;
  room_settle(&r);
  assert_int_equal(r.groups_closed, 1);
  assert_int_equal(r.cores_closed, 1);
  room_close(&r);
}

static void loop_is_held_only_while_something_is_asked(void **state) {
  struct room r;
  struct probe p = {0};
  struct change_probe change = {0};
  (void)state;
  room_open_three(&r);
  assert_false(r.m.held);
  room_get(&r, &p, "k", 0);
  assert_true(r.m.held);
  room_settle(&r);
  assert_false(r.m.held);
  room_clear(&r, &change, 0);
  assert_true(r.m.held);
  room_settle(&r);
  assert_false(r.m.held);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ values ---- */

static size_t buffers_freed;

static void on_buffer_free(void *arg) {
  assert_non_null(arg);
  buffers_freed++;
}

static void values_are_made_of_copies_and_of_buffers(void **state) {
  struct room r;
  static char buffer[] = "buffer";
  (void)state;
  open_bare(&r, NULL);
  buffers_freed = 0;
  gcache_value_t *a = gcache_value_copy(&r.core, gcache_bytes(buffer, 6), 5);
  gcache_value_t *b = gcache_value_wrap(&r.core, gcache_bytes(buffer, 6), 6, on_buffer_free,
                                        buffer);
  assert_ptr_not_equal(gcache_value_bytes(a).base, buffer);
  assert_ptr_equal(gcache_value_bytes(b).base, buffer);
  assert_int_equal(gcache_value_expire(a), 5);
  gcache_value_unref(a);
  gcache_value_unref(b);
  assert_int_equal(buffers_freed, 1);
  room_close(&r);
}

static void expiry_is_counted_from_the_wall_clock_and_saturates(void **state) {
  struct room r;
  (void)state;
  open_bare(&r, NULL);
  int64_t now = r.m.clock->unix_ns;
  assert_true(gcache_expire_in(&r.core, 0) == now);
  assert_true(gcache_expire_in(&r.core, 1500) == now + 1500 * INT64_C(1000000));
  uint64_t most_ms = (uint64_t)(INT64_MAX - now) / 1000000;
  assert_true(gcache_expire_in(&r.core, most_ms) < INT64_MAX);
  assert_true(gcache_expire_in(&r.core, most_ms + 1) == INT64_MAX);
  assert_true(gcache_expire_in(&r.core, UINT64_MAX) == INT64_MAX);
  room_close(&r);
}

static void time_left_of_a_value_is_rounded_up(void **state) {
  static const struct {
    int64_t after_now_ns;
    uint64_t ms;
  } rows[] = {{-1, 0}, {0, 0}, {1, 1}, {999999, 1}, {1000000, 1}, {1000001, 2}};
  struct room r;
  (void)state;
  open_bare(&r, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int64_t expire = r.m.clock->unix_ns + rows[i].after_now_ns;
    gcache_value_t *value = gcache_value_copy(&r.core, gcache_cstr("v"), expire);
    assert_true(gcache_expires_in_ms(&r.core, value) == rows[i].ms);
    gcache_value_unref(value);
  }
  gcache_value_t *never = gcache_value_copy(&r.core, gcache_cstr("v"), GCACHE_NEVER);
  assert_true(gcache_expires_in_ms(&r.core, never) == UINT64_MAX);
  gcache_value_unref(never);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(list_tells_who_owns_what),
      cmocka_unit_test(alone_without_a_url_nobody_is_named),
      cmocka_unit_test(bad_list_leaves_the_old_one),
      cmocka_unit_test(trailing_slash_does_not_make_another_member),
      cmocka_unit_test(transport_is_told_the_others),
      cmocka_unit_test(peer_that_stays_keeps_its_counters),
      cmocka_unit_test(long_list_is_taken),
      cmocka_unit_test(url_can_be_learnt_late),
      cmocka_unit_test(member_that_becomes_client_only_forgets),
      cmocka_unit_test(empty_cache_closes_from_a_turn),
      cmocka_unit_test(close_closes_every_group_and_waits),
      cmocka_unit_test(groups_refuse_until_the_cache_has_closed),
      cmocka_unit_test(loop_is_held_only_while_something_is_asked),
      cmocka_unit_test(values_are_made_of_copies_and_of_buffers),
      cmocka_unit_test(expiry_is_counted_from_the_wall_clock_and_saturates),
      cmocka_unit_test(time_left_of_a_value_is_rounded_up),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
