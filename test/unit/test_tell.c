/* core/tell: missed changes are sent to a peer before it is asked again. */
#include <stdlib.h>

#include "base/bytes.h"
#include "core/health.h"
#include "core/tell.h"
#include "core_room.h"
#include "gcache/many.h"

static struct gci_peer *peer_of(struct room *r, const char *url) {
  return gci_peers_find(&r->core.peers, url);
}

static size_t missed(struct room *r, const char *url) {
  return gci_missed_count(&peer_of(r, url)->missed);
}

static void answer(struct room *r, const char *url, int status) {
  room_call_done(r, room_call_to(r, url), status, NULL, NULL);
  room_run(r);
}

/* The oldest call to url is this. */
static gcache_call_t *assert_asked(struct room *r, const char *url, gcache_op_t op,
                                   const char *key) {
  gcache_call_t *call = room_call_to(r, url);
  assert_int_equal(gcache_call_op(call), op);
  assert_string_equal(gcache_call_group(call), "g");
  assert_int_equal(gcache_call_key(call).len, strlen(key));
  assert_memory_equal(gcache_call_key(call).base, key, strlen(key));
  return call;
}

static void assert_not_asked(struct room *r, const char *url) {
  for (size_t i = 0; i < r->n_calls; i++)
    assert_string_not_equal(gcache_call_peer(r->calls[i]), url);
}

/* Removes a key of ours; b fails with status, c does it. */
static void remove_missed_by_b(struct room *r, const char *key, int status) {
  struct change_probe p = {0};
  assert_int_equal(room_remove(r, &p, key, 0), 0);
  room_run(r);
  answer(r, ROOM_C, 0);
  room_call_done(r, room_call_to(r, ROOM_B), status, NULL, "gone away");
  room_turn(r);
  room_run(r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
}

/* ------------------------------------------------------------------------------ told ---- */

/* options.connect_timeout_ms may be any number. */
static void who_may_take_for_ever_to_answer_is_told_too(void **state) {
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  r.core.tells.patience_ms = UINT64_MAX;
  remove_missed_by_b(&r, room_key(&r, ROOM_SELF, key), GCACHE_EPEER);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  room_advance(&r, 60 * 1000);
  assert_int_equal(r.calls_told, 0);
  answer(&r, ROOM_B, 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_int_equal(missed(&r, ROOM_B), 0);
  room_close(&r);
}

static void a_missed_remove_is_told_in_the_next_turn_and_the_peer_is_out_until_then(void **state) {
  char key[16], of_b[16];
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  room_key(&r, ROOM_B, of_b);
  remove_missed_by_b(&r, key, GCACHE_EPEER);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_false(gci_health_is_down(peer_of(&r, ROOM_B)));
  assert_int_equal(room_get(&r, &p, of_b, 0), 0);
  room_run(&r);
  assert_int_equal(gcache_call_op(room_call_to(&r, ROOM_B)), GCACHE_OP_REMOVE); /* and no get */
  answer(&r, ROOM_B, 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_int_equal(peer_of(&r, ROOM_B)->told, 1);
  assert_not_asked(&r, ROOM_B);
  room_settle(&r);
  room_key(&r, ROOM_B, of_b);
  assert_int_equal(room_get(&r, &p, of_b, 0), 0);
  room_run(&r);
  assert_asked(&r, ROOM_B, GCACHE_OP_GET, of_b);
  room_close(&r);
}

static void a_peer_that_is_down_is_told_first_when_it_is_back(void **state) {
  char key[16], other[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  room_key(&r, ROOM_SELF, other);
  remove_missed_by_b(&r, key, UV_ECONNREFUSED);
  assert_true(gci_health_is_down(peer_of(&r, ROOM_B)));
  assert_not_asked(&r, ROOM_B);
  room_advance(&r, 10);
  assert_int_equal(room_remove(&r, &p, other, 0), 0);
  room_run(&r);
  assert_not_asked(&r, ROOM_B); /* it is not even tried */
  answer(&r, ROOM_C, 0);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_string_equal(p.members[0].url, ROOM_SELF);
  assert_int_equal(p.members[0].status, 0);
  assert_string_equal(p.members[1].url, ROOM_B);
  assert_int_equal(p.members[1].status, UV_ECONNREFUSED);
  assert_non_null(strstr(p.members[1].reason, ROOM_B ": "));
  assert_int_equal(p.members[2].status, 0);
  assert_int_equal(missed(&r, ROOM_B), 2);
  room_advance(&r, 250);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  answer(&r, ROOM_B, UV_ECONNREFUSED); /* not yet */
  assert_not_asked(&r, ROOM_B);
  assert_int_equal(missed(&r, ROOM_B), 2);
  room_advance(&r, 500);
  answer(&r, ROOM_B, 0);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, other);
  answer(&r, ROOM_B, 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_int_equal(peer_of(&r, ROOM_B)->told, 2);
  room_close(&r);
}

/* As many as were answered, and one more. */
static void it_begins_with_one_at_most_64_are_under_way_and_all_are_told(void **state) {
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, UV_ECONNREFUSED);
  for (int i = 0; i < 150; i++) {
    room_key(&r, ROOM_SELF, key);
    gci_tell_missed(&r.core, peer_of(&r, ROOM_B), "g", GCACHE_OP_REMOVE, gcache_cstr(key),
                    GCI_MISSED);
  }
  room_advance(&r, 250);
  assert_int_equal(r.n_calls, 1);
  for (size_t most = 0; missed(&r, ROOM_B) > 0;) {
    uint64_t told = peer_of(&r, ROOM_B)->told;
    if (r.n_calls > most) most = r.n_calls;
    if (told <= 151 - 64) assert_int_equal(most, told < 64 ? told + 1 : 64);
    assert_true(r.n_calls <= 64);
    answer(&r, r.n_calls > 0 ? gcache_call_peer(r.calls[0]) : ROOM_B, 0);
  }
  assert_int_equal(peer_of(&r, ROOM_B)->told, 151);
  room_close(&r);
}

static void what_the_peer_answers_at_all_is_told(void **state) {
  static const int words[] = {0,          GCACHE_ENOGROUP, GCACHE_ENOROOM,
                              UV_ENOTSUP, UV_EINVAL,       UV_EMSGSIZE};
  char key[16];
  (void)state;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    struct room r;
    room_open_three(&r);
    room_key(&r, ROOM_SELF, key);
    remove_missed_by_b(&r, key, GCACHE_EPEER);
    answer(&r, ROOM_B, words[i]);
    assert_int_equal(missed(&r, ROOM_B), 0);
    assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
    room_close(&r);
  }
}

static void what_the_peer_refuses_is_not_missed(void **state) {
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, UV_ENOTSUP);
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_not_asked(&r, ROOM_B);
  room_close(&r);
}

/* It may not know yet who asks, or not share the secret yet. */
static void what_a_peer_forbids_is_missed_and_told_until_it_is_let_in(void **state) {
  char key[16], again[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, UV_EACCES);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_B)));
  answer(&r, ROOM_B, UV_EACCES); /* at once, and then by back-off */
  assert_int_equal(missed(&r, ROOM_B), 1);
  assert_not_asked(&r, ROOM_B);
  room_advance(&r, 250);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  answer(&r, ROOM_B, UV_EACCES);
  assert_not_asked(&r, ROOM_B);
  assert_int_equal(room_remove(&r, &p, room_key(&r, ROOM_SELF, again), 0), 0);
  room_run(&r);
  answer(&r, ROOM_C, 0);
  assert_int_equal(p.members[1].status, UV_EACCES);
  room_advance(&r, 500);
  answer(&r, ROOM_B, 0);
  answer(&r, ROOM_B, 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_int_equal(peer_of(&r, ROOM_B)->told, 2);
  room_close(&r);
}

static void a_peer_that_is_silent_is_given_up_and_told_later(void **state) {
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, GCACHE_EPEER);
  gcache_call_t *call = assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  assert_int_equal(gcache_call_time_left_ms(call), 2000);
  room_advance(&r, 2000);
  assert_int_equal(r.calls_told, 1);
  answer(&r, ROOM_B, UV_ECANCELED);
  assert_true(gci_health_is_down(peer_of(&r, ROOM_B)));
  assert_int_equal(missed(&r, ROOM_B), 1);
  room_advance(&r, 250);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  answer(&r, ROOM_B, 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  room_close(&r);
}

/* -------------------------------------------------------------------------- who has missed ---- */

static void a_change_out_of_time_is_missed_by_all_who_were_not_done_and_made_here(void **state) {
  char key[16];
  struct room r;
  struct change_probe p = {0};
  struct probe get = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(room_get(&r, &get, key, 0), 0);
  room_run(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), 0, "old", NULL);
  room_run(&r);
  assert_true(room_holds(&r, key)); /* a hot copy */
  assert_int_equal(room_remove(&r, &p, key, 300), 0);
  room_run(&r);
  assert_int_equal(r.n_calls, 1); /* the owner, which hangs */
  room_advance(&r, 300);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, UV_ETIMEDOUT);
  assert_int_equal(p.members[1].status, UV_ETIMEDOUT);
  assert_string_equal(p.members[2].url, ROOM_SELF);
  assert_int_equal(p.members[2].status, 0);
  assert_false(room_holds(&r, key));
  assert_int_equal(missed(&r, ROOM_B), 1);
  assert_int_equal(missed(&r, ROOM_C), 1);
  assert_asked(&r, ROOM_C, GCACHE_OP_REMOVE, key);
  room_close(&r);
}

static void a_change_that_the_application_cancels_is_not_missed(void **state) {
  char key[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  room_cancel_change(&r, &p);
  room_run(&r);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_int_equal(missed(&r, ROOM_C), 0);
  room_close(&r);
}

static void a_clear_that_was_missed_is_told_as_one(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  assert_int_equal(room_clear(&r, &p, 0), 0);
  room_run(&r);
  answer(&r, ROOM_B, UV_ECONNREFUSED);
  room_settle(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(missed(&r, ROOM_B), 1);
  room_advance(&r, 250);
  assert_asked(&r, ROOM_B, GCACHE_OP_CLEAR, "");
  answer(&r, ROOM_B, 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  room_close(&r);
}

static void when_the_owner_has_been_told_all_others_are_told_once_more_and_stay_in(void **state) {
  char key[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  answer(&r, ROOM_B, GCACHE_EPEER); /* the owner */
  assert_asked(&r, ROOM_C, GCACHE_OP_REMOVE, key);
  answer(&r, ROOM_C, 0);
  assert_not_asked(&r, ROOM_C);
  answer(&r, ROOM_B, 0); /* told */
  assert_asked(&r, ROOM_C, GCACHE_OP_REMOVE, key);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_C)));
  answer(&r, ROOM_C, 0);
  assert_int_equal(missed(&r, ROOM_C), 0);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

/* Told before the owner, it may have fetched the old value again. */
static void all_are_told_once_more_also_where_the_owner_merely_had_no_time(void **state) {
  char key[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 300), 0);
  room_run(&r);
  room_advance(&r, 300);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  answer(&r, ROOM_C, 0);
  assert_not_asked(&r, ROOM_C);
  answer(&r, ROOM_B, UV_ECANCELED); /* the change's own question */
  answer(&r, ROOM_B, 0);            /* told */
  assert_asked(&r, ROOM_C, GCACHE_OP_REMOVE, key);
  answer(&r, ROOM_C, 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_int_equal(missed(&r, ROOM_C), 0);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

static void what_is_told_once_more_and_fails_puts_the_peer_out(void **state) {
  char key[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  answer(&r, ROOM_B, GCACHE_EPEER);
  answer(&r, ROOM_C, 0);
  answer(&r, ROOM_B, 0);
  answer(&r, ROOM_C, GCACHE_EPEER);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_C)));
  assert_asked(&r, ROOM_C, GCACHE_OP_REMOVE, key); /* again, at once */
  answer(&r, ROOM_C, 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_C)));
  assert_int_equal(missed(&r, ROOM_C), 0);
  room_close(&r);
}

static void
a_set_goes_to_who_acts_for_an_owner_that_is_down_and_the_owner_is_told_to_forget(void **state) {
  char ours[16], key[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, ours);
  remove_missed_by_b(&r, ours, UV_ECONNREFUSED);
  do
    room_key(&r, ROOM_B, key);
  while (strcmp(gci_health_owner(&r.core, gcache_cstr(key), NULL)->url, ROOM_C) != 0);
  assert_int_equal(room_set(&r, &p, key, "new", 0), 0);
  room_run(&r);
  gcache_call_t *call = assert_asked(&r, ROOM_C, GCACHE_OP_SET, key);
  assert_int_equal(gcache_value_bytes(gcache_call_value(call)).len, 3);
  assert_not_asked(&r, ROOM_B);
  answer(&r, ROOM_C, 0);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_string_equal(p.members[0].url, ROOM_B);
  assert_int_equal(p.members[0].status, UV_ECONNREFUSED);
  assert_string_equal(p.members[1].url, ROOM_C);
  assert_int_equal(p.members[1].status, 0);
  assert_int_equal(missed(&r, ROOM_B), 2);
  room_advance(&r, 250);
  answer(&r, ROOM_B, 0);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  room_settle(&r);
  room_close(&r);
}

/* ---------------------------------------------------------------------------- lists, close ---- */

static void a_peer_that_leaves_the_list_takes_with_it_what_it_missed(void **state) {
  const char *const two[] = {ROOM_SELF, ROOM_C}, *const three[] = {ROOM_SELF, ROOM_B, ROOM_C};
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, UV_ECONNREFUSED);
  assert_int_equal(room_set_peers(&r, two, 2), 0);
  room_advance(&r, 10000);
  assert_int_equal(r.n_calls, 0);
  assert_int_equal(room_set_peers(&r, three, 3), 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  room_advance(&r, 10000);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

static void a_peer_whose_url_is_written_otherwise_is_told_all_the_same(void **state) {
  const char *const urls[] = {ROOM_SELF, ROOM_B "/", ROOM_C};
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, GCACHE_EPEER);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key); /* under way */
  assert_int_equal(room_set_peers(&r, urls, 3), 0);
  assert_int_equal(missed(&r, ROOM_B "/"), 1);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_B "/")));
  answer(&r, ROOM_B, GCACHE_EPEER);
  assert_asked(&r, ROOM_B "/", GCACHE_OP_REMOVE, key);
  answer(&r, ROOM_B "/", 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  room_close(&r);
}

/* The mark says that its group is to be cleared once more. */
static void what_is_on_its_way_under_the_other_url_is_waited_for(void **state) {
  const char *const urls[] = {ROOM_SELF, ROOM_B "/", ROOM_C};
  struct room r;
  (void)state;
  room_init(&r);
  struct gci_core_options o = room_core_options(&r, ROOM_SELF);
  o.tell.missed_max_bytes = 1; /* so that it is all groups that are to be cleared */
  assert_int_equal(room_try_open(&r, &o), 0);
  assert_int_equal(room_set_peers(&r, (const char *const[]){ROOM_SELF, ROOM_B, ROOM_C}, 3), 0);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  gci_tell_missed(&r.core, peer_of(&r, ROOM_B), "g", GCACHE_OP_CLEAR, gcache_cstr(""), GCI_MISSED);
  room_run(&r);
  gcache_call_t *late = assert_asked(&r, ROOM_B, GCACHE_OP_CLEAR, "");
  assert_int_equal(room_set_peers(&r, urls, 3), 0);
  room_run(&r);
  gci_tell_missed(&r.core, peer_of(&r, ROOM_B), "h", GCACHE_OP_CLEAR, gcache_cstr(""), GCI_MISSED);
  room_run(&r);
  assert_not_asked(&r, ROOM_B "/");
  room_call_done(&r, late, 0, NULL, NULL);
  room_run(&r);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_B)));
  assert_asked(&r, ROOM_B "/", GCACHE_OP_CLEAR, "");
  answer(&r, ROOM_B "/", 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  room_close(&r);
}

static void a_peer_that_leaves_while_it_is_told_is_let_go(void **state) {
  const char *const two[] = {ROOM_SELF, ROOM_C};
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, GCACHE_EPEER);
  assert_int_equal(room_set_peers(&r, two, 2), 0);
  room_run(&r);
  assert_int_equal(r.calls_told, 1);
  answer(&r, ROOM_B, 0);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

static void closing_forgets_and_says_so(void **state) {
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, GCACHE_EPEER); /* being told */
  room_begin_close(&r);
  assert_int_equal(r.m.level, GCACHE_LOG_WARN);
  assert_non_null(strstr(r.m.line, "missed changes not sent: 1 (peers: 1)"));
  room_close(&r);
}

static void a_group_that_is_closed_here_is_told_all_the_same(void **state) {
  char key[16];
  struct room r;
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, key);
  remove_missed_by_b(&r, key, UV_ECONNREFUSED);
  r.depth++;
  gcache_group_close(r.group, room_on_group_closed, &r);
  r.depth--;
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  room_advance(&r, 250);
  assert_asked(&r, ROOM_B, GCACHE_OP_REMOVE, key);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  answer(&r, ROOM_B, 0);
  assert_int_equal(missed(&r, ROOM_B), 0);
  room_close(&r);
}

/* ---------------------------------------------------------------------- much, or no memory ---- */

static void ten_thousand_removes_with_a_peer_down_stay_within_the_bound(void **state) {
  enum { N = 10000 };
  static char text[N][16];
  static gcache_bytes_t keys[N];
  char key[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_init(&r);
  struct gci_core_options o = room_core_options(&r, ROOM_SELF);
  o.tell.missed_max = 500;
  const char *const urls[] = {ROOM_SELF, ROOM_B};
  assert_int_equal(room_try_open(&r, &o), 0);
  assert_int_equal(room_set_peers(&r, urls, 2), 0);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  room_key(&r, ROOM_SELF, key);
  assert_int_equal(room_remove(&r, &p, key, 0), 0);
  room_run(&r);
  answer(&r, ROOM_B, UV_ECONNREFUSED);
  for (int i = 0; i < N; i++)
    keys[i] = gcache_bytes(text[i], (size_t)snprintf(text[i], sizeof text[i], "many%d", i));
  size_t before = r.m.mem->bytes, started = r.calls_started;
  room_begin_change(&r, &p);
  assert_int_equal(gcache_remove_many(&p.req, r.group, keys, N, 0, room_on_changed), 0);
  r.depth--;
  room_turn(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, 0);
  assert_int_equal(p.members[1].status, UV_ECONNREFUSED);
  assert_int_equal(r.calls_started, started);
  assert_int_equal(missed(&r, ROOM_B), 1);
  assert_true(r.m.mem->bytes < before + 16 * 1024);
  assert_true(peer_of(&r, ROOM_B)->missed.dropped >= 500);
  room_advance(&r, 250);
  assert_asked(&r, ROOM_B, GCACHE_OP_CLEAR, "");
  answer(&r, ROOM_B, 0);
  room_close(&r);
}

static void many_keys_out_of_time_are_missed_by_who_was_not_done(void **state) {
  char of_b[16], of_c[16], ours[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, of_b);
  room_key(&r, ROOM_C, of_c);
  room_key(&r, ROOM_SELF, ours);
  room_fill(&r, of_b, "v", 0);
  gcache_bytes_t keys[] = {gcache_cstr(of_b), gcache_cstr(of_c), gcache_cstr(ours)};
  room_begin_change(&r, &p);
  assert_int_equal(gcache_remove_many(&p.req, r.group, keys, 3, 100, room_on_changed), 0);
  r.depth--;
  room_run(&r);
  answer(&r, ROOM_C, 0); /* its own */
  answer(&r, ROOM_C, 0); /* ours; b hangs with its own */
  room_advance(&r, 100);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, UV_ETIMEDOUT); /* b */
  assert_int_equal(p.members[1].status, UV_ETIMEDOUT); /* c, of b's key */
  assert_int_equal(p.members[2].status, 0);
  assert_false(room_holds(&r, of_b));
  assert_int_equal(missed(&r, ROOM_B), 3);
  assert_int_equal(missed(&r, ROOM_C), 1);
  assert_asked(&r, ROOM_C, GCACHE_OP_REMOVE, of_b);
  room_close(&r);
}

static void many_keys_that_a_peer_cannot_remove_are_not_missed(void **state) {
  char of_b[16], ours[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, of_b);
  room_key(&r, ROOM_SELF, ours);
  gcache_bytes_t keys[] = {gcache_cstr(of_b), gcache_cstr(ours)};
  room_begin_change(&r, &p);
  assert_int_equal(gcache_remove_many(&p.req, r.group, keys, 2, 0, room_on_changed), 0);
  r.depth--;
  room_run(&r);
  while (p.runs == 0) {
    assert_true(r.n_calls > 0);
    answer(&r, gcache_call_peer(r.calls[0]), UV_ENOTSUP);
  }
  assert_int_equal(missed(&r, ROOM_B), 0);
  assert_int_equal(missed(&r, ROOM_C), 0);
  assert_int_equal(r.n_calls, 0);
  room_close(&r);
}

/* Whatever allocation fails: b is told of the key, or of its group, before it is asked for anything. */
static void missed_without_memory(struct oom *oom, void *arg) {
  static const char *const keys[] = {"one", "two", "three"};
  int told[3] = {0};
  struct probe get = {0};
  char of_b[16];
  struct room r;
  (void)arg;
  room_open_three(&r);
  room_key(&r, ROOM_B, of_b);
  size_t first = oom->fail_first, last = oom->fail_last;
  r.oom.fail_first = r.oom.asked + first;
  r.oom.fail_last = last == SIZE_MAX ? SIZE_MAX : r.oom.asked + last;
  for (int i = 0; i < 3; i++)
    gci_tell_missed(&r.core, peer_of(&r, ROOM_B), "g", GCACHE_OP_REMOVE, gcache_cstr(keys[i]),
                    GCI_MISSED);
  room_run(&r);
  while (r.n_calls > 0)
    answer(&r, ROOM_B, UV_ECONNREFUSED);
  room_advance(&r, 300);
  oom->refused += r.oom.refused;
  oom_heal(&r.oom);
  assert_true(gci_health_is_out(peer_of(&r, ROOM_B)));
  for (int i = 0; i < 20 && gci_health_is_out(peer_of(&r, ROOM_B)); i++) {
    while (r.n_calls > 0) {
      gcache_call_t *call = r.calls[0];
      if (strcmp(gcache_call_peer(call), ROOM_C) == 0) { /* who acts for b */
        room_call_done(&r, call, 0, "of c", NULL);
        room_run(&r);
        continue;
      }
      for (int k = 0; k < 3; k++)
        if (gcache_call_op(call) == GCACHE_OP_CLEAR ||
            gci_bytes_equal(gcache_call_key(call), gcache_cstr(keys[k])))
          told[k]++;
      assert_int_not_equal(gcache_call_op(call), GCACHE_OP_GET);
      answer(&r, ROOM_B, 0);
    }
    room_get(&r, &get, of_b, 0); /* looks at the clock where there was no memory for a timer */
    room_advance(&r, 8000);
    while (r.n_loads > 0) {
      room_load_answer(&r, "here");
      room_run(&r);
    }
  }
  assert_false(gci_health_is_out(peer_of(&r, ROOM_B)));
  for (int k = 0; k < 3; k++)
    assert_true(told[k] > 0);
  room_close(&r);
}

static void without_memory_nothing_is_forgotten(void **state) {
  (void)state;
  assert_true(oom_sweep(missed_without_memory, NULL) > 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_may_take_for_ever_to_answer_is_told_too),
      cmocka_unit_test(a_missed_remove_is_told_in_the_next_turn_and_the_peer_is_out_until_then),
      cmocka_unit_test(a_peer_that_is_down_is_told_first_when_it_is_back),
      cmocka_unit_test(it_begins_with_one_at_most_64_are_under_way_and_all_are_told),
      cmocka_unit_test(what_the_peer_answers_at_all_is_told),
      cmocka_unit_test(what_the_peer_refuses_is_not_missed),
      cmocka_unit_test(what_a_peer_forbids_is_missed_and_told_until_it_is_let_in),
      cmocka_unit_test(a_peer_that_is_silent_is_given_up_and_told_later),
      cmocka_unit_test(a_change_out_of_time_is_missed_by_all_who_were_not_done_and_made_here),
      cmocka_unit_test(a_change_that_the_application_cancels_is_not_missed),
      cmocka_unit_test(a_clear_that_was_missed_is_told_as_one),
      cmocka_unit_test(when_the_owner_has_been_told_all_others_are_told_once_more_and_stay_in),
      cmocka_unit_test(all_are_told_once_more_also_where_the_owner_merely_had_no_time),
      cmocka_unit_test(what_is_told_once_more_and_fails_puts_the_peer_out),
      cmocka_unit_test(
          a_set_goes_to_who_acts_for_an_owner_that_is_down_and_the_owner_is_told_to_forget),
      cmocka_unit_test(a_peer_that_leaves_the_list_takes_with_it_what_it_missed),
      cmocka_unit_test(a_peer_whose_url_is_written_otherwise_is_told_all_the_same),
      cmocka_unit_test(what_is_on_its_way_under_the_other_url_is_waited_for),
      cmocka_unit_test(a_peer_that_leaves_while_it_is_told_is_let_go),
      cmocka_unit_test(closing_forgets_and_says_so),
      cmocka_unit_test(a_group_that_is_closed_here_is_told_all_the_same),
      cmocka_unit_test(ten_thousand_removes_with_a_peer_down_stay_within_the_bound),
      cmocka_unit_test(many_keys_out_of_time_are_missed_by_who_was_not_done),
      cmocka_unit_test(many_keys_that_a_peer_cannot_remove_are_not_missed),
      cmocka_unit_test(without_memory_nothing_is_forgotten),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
