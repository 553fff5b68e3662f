/* Hedged requests: when an owner is late with a get, which peer is asked as well, whose answer
 * counts for which caller, and what is kept. */
#include "core_room.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "core/hedge.h"
#include "fresh_room.h"

static struct room room;

enum { SAMPLES = 20, LATE_MS = 5 };

static void hedge(struct room *r, unsigned percentile) {
  r->core.health.terms.set.hedge_percentile = percentile;
  r->core.health.terms.samples_min = SAMPLES;
}

/* B has answered often enough, each time after so long. */
static void warm(struct room *r, uint64_t ms) {
  struct probe p = {0};
  char key[16];
  for (int i = 0; i < SAMPLES; i++) {
    room_get(r, &p, room_key(r, ROOM_B, key), 0);
    room_turn(r);
    room_advance(r, ms);
    assert_int_equal(r->n_calls, 1);
    room_call_answer(r, 0, "v");
    room_run(r);
  }
}

/* self, B and C. */
static struct room *open_warm(void) {
  room_open_three(&room);
  hedge(&room, 90);
  warm(&room, 1);
  room.calls_started = room.calls_told = 0;
  return &room;
}

/* Of B's, and C's next: asked for now. */
static void ask(struct room *r, struct probe *p, char key[16]) {
  assert_int_equal(room_get(r, p, room_key_of_two(r, ROOM_B, ROOM_C, key), 0), 0);
  room_turn(r);
  assert_int_equal(r->n_calls, 1);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_B);
}

/* The same, and B is late. */
static void ask_late(struct room *r, struct probe *p, char key[16]) {
  ask(r, p, key);
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  assert_string_equal(gcache_call_peer(r->calls[1]), ROOM_C);
}

static void answer(struct room *r, const char *url, int status, const char *text) {
  room_call_done(r, room_call_to(r, url), status, text, "a reason");
  room_run(r);
}

static void assert_got(const struct probe *p, const char *text) {
  assert_int_equal(p->runs, 1);
  assert_int_equal(p->status, 0);
  assert_string_equal(p->text, text);
  assert_int_equal(p->from, GCACHE_FROM_PEER);
}

/* ------------------------------------------------------------------------------ when ---- */

static void late_get_is_asked_of_the_next_owner_whose_answer_wins_and_is_not_kept(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  ask(r, &p, key);
  room_advance(r, LATE_MS - 1);
  assert_int_equal(r->n_calls, 1);
  room_advance(r, 1);
  assert_int_equal(r->n_calls, 2);
  assert_int_equal(gcache_call_op(r->calls[1]), GCACHE_OP_GET);
  assert_true(gci_bytes_equal(gcache_call_key(r->calls[1]), gcache_cstr(key)));
  assert_in_range(gcache_call_time_left_ms(r->calls[1]), 10000 - LATE_MS - 1, 10000 - LATE_MS);
  answer(r, ROOM_C, 0, "from c");
  assert_got(&p, "from c");
  assert_int_equal(r->calls_told, 1); /* B */
  assert_false(room_holds(r, key));
  answer(r, ROOM_B, UV_ECANCELED, NULL);
  assert_int_equal(r->n_calls, 0);
  assert_int_equal(room_peer_stats(r, ROOM_B).hedges, 1);
  assert_int_equal(room_peer_stats(r, ROOM_B).hedges_won, 1);
  assert_int_equal(room_peer_stats(r, ROOM_B).failures, 0);
  assert_int_equal(room_peer_stats(r, ROOM_C).hedges, 0);
  room_close(r);
}

static void owner_that_answers_first_is_kept_and_the_other_is_told(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  ask_late(r, &p, key);
  answer(r, ROOM_B, 0, "from b");
  assert_got(&p, "from b");
  assert_true(room_holds(r, key));
  assert_int_equal(r->calls_told, 1);
  answer(r, ROOM_C, 0, "from c"); /* all the same */
  assert_int_equal(room_peer_stats(r, ROOM_B).hedges, 1);
  assert_int_equal(room_peer_stats(r, ROOM_B).hedges_won, 0);
  room_close(r);
}

/* The turn in which it was to leave came late. */
static void question_that_left_late_is_waited_for_from_then_on(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  assert_int_equal(room_get(r, &p, room_key_of_two(r, ROOM_B, ROOM_C, key), 0), 0);
  manual_env_jump(&r->m, r->m.clock->mono_ms + LATE_MS);
  room_turn(r);
  assert_int_equal(r->n_calls, 1);
  assert_string_equal(gcache_call_peer(r->calls[0]), ROOM_B);
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  assert_string_equal(gcache_call_peer(r->calls[1]), ROOM_C);
  answer(r, ROOM_C, 0, "from c");
  assert_got(&p, "from c");
  answer(r, ROOM_B, UV_ECANCELED, NULL);
  room_close(r);
}

static void nobody_is_late_before_enough_is_known_of_it(void **state) {
  struct probe p = {0};
  char key[16];
  (void)state;
  room_open_three(&room);
  hedge(&room, 90);
  room.core.health.terms.samples_min = SAMPLES + 1;
  warm(&room, 1);
  ask(&room, &p, key);
  room_advance(&room, 1000);
  assert_int_equal(room.n_calls, 1);
  answer(&room, ROOM_B, 0, "v");
  ask_late(&room, &p, key);
  room_close(&room);
}

static void how_late_is_late_is_the_percentile_asked_for(void **state) {
  static const struct {
    unsigned percent;
    uint64_t min_ms, max_ms; /* until a second question */
  } cases[] = {{50, 10, 13}, {75, 10, 13}, {90, 100, 126}, {99, 100, 126}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct probe p = {0};
    char key[16];
    uint64_t ms = 0;
    room_open_three(&room);
    hedge(&room, cases[i].percent);
    room.core.health.terms.samples_min = 5 * SAMPLES;
    for (int j = 0; j < 5; j++)
      warm(&room, j == 2 ? 100 : 10);
    ask(&room, &p, key);
    for (; room.n_calls < 2; ms++)
      room_advance(&room, 1);
    assert_in_range(ms, cases[i].min_ms, cases[i].max_ms);
    room_close(&room);
  }
}

/* Deadlines of requests, and the watch of health: no more. */
static void nothing_is_set_or_counted_while_it_is_off(void **state) {
  struct probe p[4] = {0};
  char key[16];
  (void)state;
  for (int is_on = 0; is_on < 2; is_on++) {
    room_open_three(&room);
    hedge(&room, is_on ? 90 : 0);
    warm(&room, 1);
    room_advance(&room, 60000);
    assert_int_equal(gci_peers_find(&room.core.peers, ROOM_B)->latency.n, is_on ? SAMPLES : 0);
    assert_int_equal(room.m.env.deadlines.n, 0);
    for (int i = 0; i < 4; i++)
      room_get(&room, &p[i], room_key_of_two(&room, ROOM_B, ROOM_C, key), 0);
    room_turn(&room);
    assert_int_equal(room.m.env.deadlines.n, is_on ? 9 : 5);
    room_advance(&room, 1000);
    assert_int_equal(room.n_calls, is_on ? 8 : 4);
    room_close(&room);
  }
}

/* ------------------------------------------------------------------------------ whom ---- */

static void nobody_is_asked_beside_the_owner_where_this_member_is_next(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  room_get(r, &p, room_key(r, ROOM_B, key), 0);
  room_advance(r, 1000);
  assert_int_equal(r->n_calls, 1);
  assert_int_equal(r->getter_runs, 0);
  assert_int_equal(r->core.health.hedges + r->core.health.hedges_denied, 0);
  room_close(r);
}

static void nobody_is_asked_beside_the_owner_who_is_out_or_to_be_told_of_a_change(void **state) {
  (void)state;
  for (int is_barred = 0; is_barred < 2; is_barred++) {
    struct room *r = open_warm();
    struct probe p = {0};
    struct change_probe change = {0};
    char key[16];
    ask(r, &p, key);
    if (is_barred) { /* C is not told in time of the key's removal */
      room_remove(r, &change, key, 2);
      room_run(r);
      room_call_done(r, r->calls[1], 0, NULL, NULL);
      room_advance(r, 2);
      room_call_done(r, r->calls[1], UV_ECANCELED, NULL, NULL);
      room_run(r);
      assert_int_equal(change.status, GCACHE_EPARTIAL);
    } else {
      gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_C), 1);
    }
    size_t n = r->calls_started;
    room_advance(r, 20);
    for (size_t i = 0; i < r->n_calls; i++)
      assert_true(gcache_call_op(r->calls[i]) != GCACHE_OP_GET ||
                  strcmp(gcache_call_peer(r->calls[i]), ROOM_C) != 0);
    if (!is_barred) assert_int_equal(r->calls_started, n);
    assert_int_equal(room_peer_stats(r, ROOM_B).hedges, 0);
    room_close(r);
  }
}

/* Its owner is down: the next one is asked first, and the one after it is this member. */
static void acting_owner_is_hedged_by_those_that_are_left(void **state) {
  const char *const urls[] = {ROOM_SELF, ROOM_B, ROOM_C, "http://d:1"};
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  const char *second;
  (void)state;
  assert_int_equal(room_set_peers(r, urls, 4), 0);
  gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_C), 1);
  do {
    snprintf(key, sizeof key, "key%zu", r->max_key++);
    const struct gci_peer *acting = gci_health_owner(&r->core, gcache_cstr(key), NULL);
    const struct gci_peer *then = gci_health_owner(&r->core, gcache_cstr(key), acting);
    second = strcmp(gcache_owner(&r->core, gcache_cstr(key)), ROOM_C) == 0 &&
                     strcmp(acting->url, ROOM_B) == 0 && !then->is_self
                 ? then->url
                 : NULL;
  } while (second == NULL);
  room_get(r, &p, key, 0);
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  assert_string_equal(gcache_call_peer(r->calls[1]), "http://d:1");
  answer(r, "http://d:1", 0, "from d");
  assert_got(&p, "from d");
  assert_false(room_holds(r, key));
  room_close(r);
}

/* A refresh wants what the owner says. */
static void refresh_is_not_hedged(void **state) {
  gcache_group_options_t like = {.stale_ms = 60000};
  struct room *r = &room;
  struct probe p = {0};
  char key[16];
  (void)state;
  fresh_open(r, ROOM_SELF, &like);
  hedge(r, 90);
  warm(r, 1);
  room_key_of_two(r, ROOM_B, ROOM_C, key);
  fresh_fill_hot(r, key, "old", 10);
  room_advance(r, 20);
  fresh_get(r, &p, key);
  fresh_assert_got(&p, "old", 10);
  room_advance(r, 200);
  assert_int_equal(r->n_calls, 1);
  room_close(r);
}

/* ---------------------------------------------------------------------------- whose answer ---- */

static void not_found_of_the_second_is_an_answer_and_its_failures_are_none(void **state) {
  static const int failures[] = {GCACHE_ELOAD, GCACHE_EBUSY, GCACHE_EPEER, UV_ECONNREFUSED,
                                 UV_ETIMEDOUT};
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  ask_late(r, &p, key);
  answer(r, ROOM_C, GCACHE_ENOTFOUND, NULL);
  assert_int_equal(p.status, GCACHE_ENOTFOUND);
  assert_string_equal(p.reason, "a reason");
  answer(r, ROOM_B, UV_ECANCELED, NULL);
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
    ask_late(r, &p, key);
    answer(r, ROOM_C, failures[i], NULL);
    assert_int_equal(p.runs, 0);
    if (failures[i] == UV_ECONNREFUSED)
      gci_health_leaving(&r->core, gci_peers_find(&r->core.peers, ROOM_C), 0);
    room_advance(r, 10 * LATE_MS); /* nobody is waited for by two second questions */
    for (size_t j = 0; j < r->n_calls; j++)
      assert_true(gcache_call_op(r->calls[j]) == GCACHE_OP_PING ||
                  r->calls[j] == room_call_to(r, ROOM_B));
    answer(r, ROOM_B, 0, "from b");
    assert_got(&p, "from b");
    room_settle(r);
    room_advance(r, 500);
    room_settle(r);
  }
  room_close(r);
}

static void second_question_takes_the_place_of_a_retry_when_the_owner_fails(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  ask_late(r, &p, key);
  answer(r, ROOM_B, GCACHE_EPEER, NULL);
  assert_int_equal(r->n_calls, 1);
  assert_int_equal(p.runs, 0);
  answer(r, ROOM_C, 0, "from c");
  assert_got(&p, "from c");
  assert_false(room_holds(r, key));
  ask_late(r, &p, key);
  answer(r, ROOM_B, GCACHE_EPEER, NULL);
  answer(r, ROOM_C, GCACHE_ELOAD, NULL); /* nobody is left who could say more */
  assert_int_equal(p.status, GCACHE_ELOAD);
  assert_int_equal(r->core.health.retries, 0);
  assert_int_equal(r->getter_runs, 0);
  room_close(r);
}

static void get_that_both_have_failed_is_loaded_here(void **state) {
  struct room *r = open_warm();
  (void)state;
  for (int first = 0; first < 2; first++) {
    struct probe p = {0};
    char key[16];
    size_t runs = r->getter_runs;
    ask_late(r, &p, key);
    answer(r, first ? ROOM_B : ROOM_C, GCACHE_EPEER, NULL);
    assert_int_equal(r->getter_runs, runs);
    answer(r, first ? ROOM_C : ROOM_B, GCACHE_EPEER, NULL);
    if (!first) { /* C failed another question: it may be asked once more */
      assert_int_equal(r->n_calls, 1);
      answer(r, ROOM_C, GCACHE_EPEER, NULL);
    }
    assert_int_equal(r->n_calls, 0);
    assert_int_equal(r->getter_runs, runs + 1);
    room_settle(r);
    assert_int_equal(p.from, GCACHE_FROM_LOAD);
  }
  room_close(r);
}

/* A change may have been reported between the second question and them. */
static void who_comes_after_the_second_question_waits_for_the_owner_or_the_next_one(void **state) {
  struct room *r = open_warm();
  struct probe early = {0}, late[2] = {0};
  char key[16];
  (void)state;
  ask_late(r, &early, key);
  room_get(r, &late[0], key, 0);
  room_run(r);
  assert_int_equal(r->n_calls, 2); /* shared */
  answer(r, ROOM_C, 0, "old");
  assert_got(&early, "old");
  assert_int_equal(late[0].runs, 0);
  assert_int_equal(r->calls_told, 0); /* B is waited for */
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  room_get(r, &late[1], key, 0);
  answer(r, ROOM_C, 0, "new");
  assert_got(&late[0], "new");
  answer(r, ROOM_B, 0, "from b");
  assert_got(&late[1], "from b");
  assert_true(room_holds(r, key));
  assert_int_equal(room_peer_stats(r, ROOM_B).hedges, 2);
  assert_int_equal(room_peer_stats(r, ROOM_B).hedges_won, 2);
  room_close(r);
}

/* Nobody was there when the time had come. */
static void who_joins_a_question_that_was_left_is_hedged_too(void **state) {
  struct room *r = open_warm();
  struct probe p = {0}, q = {0};
  char key[16];
  (void)state;
  ask(r, &p, key);
  room_cancel(r, &p);
  room_get(r, &q, key, 0);
  room_run(r);
  assert_int_equal(r->calls_told, 0);
  room_cancel(r, &q);
  manual_env_advance(&r->m, 0);
  room_settle(r);
  ask_late(r, &p, key);
  answer(r, ROOM_C, 0, "from c");
  room_get(r, &q, key, 0); /* B was told, and has not answered */
  room_run(r);
  answer(r, ROOM_B, UV_ECANCELED, NULL);
  assert_int_equal(r->n_calls, 1);
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  answer(r, ROOM_C, 0, "from c");
  assert_got(&q, "from c");
  room_close(r);
}

static void remove_under_way_lets_nobody_join_and_nothing_be_kept(void **state) {
  (void)state;
  for (int first = 0; first < 2; first++) {
    struct room *r = open_warm();
    struct probe before = {0}, after = {0};
    struct answer_probe removed;
    char key[16];
    ask_late(r, &before, key);
    room_answer(r, &removed, GCACHE_OP_REMOVE, key, NULL);
    room_run(r);
    room_get(r, &after, key, 0);
    room_run(r);
    assert_int_equal(r->n_calls, 3);
    gcache_call_t *old_b = r->calls[0], *old_c = r->calls[1], *new_b = r->calls[2];
    room_call_done(r, first ? old_b : old_c, 0, "old", NULL);
    room_run(r);
    assert_got(&before, "old");
    assert_int_equal(after.runs, 0);
    assert_false(room_holds(r, key));
    room_call_done(r, first ? old_c : old_b, 0, "old", NULL);
    room_run(r);
    assert_false(room_holds(r, key));
    room_call_done(r, new_b, 0, "new", NULL);
    room_run(r);
    assert_got(&after, "new");
    room_close(r);
  }
}

static void everybody_leaves_and_both_are_told(void **state) {
  struct room *r = open_warm();
  struct probe p[2] = {0};
  char key[16];
  (void)state;
  room_get(r, &p[0], room_key_of_two(r, ROOM_B, ROOM_C, key), 50);
  room_get(r, &p[1], key, 0);
  room_turn(r);
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  room_cancel(r, &p[1]);
  room_run(r);
  assert_int_equal(r->calls_told, 0);
  room_advance(r, 50);
  assert_int_equal(p[0].status, UV_ETIMEDOUT);
  assert_int_equal(p[1].status, UV_ECANCELED);
  assert_int_equal(r->calls_told, 2);
  room_close(r);
}

static void owner_that_goes_down_leaves_the_rest_to_the_second(void **state) {
  struct room *r = open_warm();
  struct probe p = {0}, q = {0};
  char key[16], other[16];
  (void)state;
  ask_late(r, &p, key);
  room_get(r, &q, room_key_of_two(r, ROOM_B, ROOM_C, other), 0);
  room_run(r);
  room_call_done(r, r->calls[2], UV_ECONNREFUSED, NULL, NULL);
  room_run(r);
  assert_int_equal(r->calls_told, 1); /* B's other question is given up */
  answer(r, ROOM_B, UV_ECANCELED, NULL);
  assert_int_equal(p.runs, 0);
  room_call_done(r, r->calls[0], 0, "from c", NULL);
  room_run(r);
  assert_got(&p, "from c");
  room_settle(r);
  assert_int_equal(q.status, 0);
  room_close(r);
}

/* ------------------------------------------------------------------------------ budget ---- */

/* Whatever the owner does: 10 to begin with, and a tenth of what is asked first. */
static void second_questions_are_bounded_by_what_is_asked_first(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  r->core.health.credit = 1000;
  for (int i = 0; i < 300; i++) {
    /* As if it had not been so slow before. */
    gci_peers_find(&r->core.peers, ROOM_B)->late_ms = LATE_MS;
    ask(r, &p, key);
    room_advance(r, LATE_MS);
    room_settle(r);
    assert_int_equal(p.status, 0);
  }
  assert_in_range(r->core.health.hedges, 39, 41);
  assert_int_equal(r->core.health.hedges, room_peer_stats(r, ROOM_B).hedges);
  assert_int_equal(r->core.health.hedges_denied, 300 - r->core.health.hedges);
  assert_int_equal(r->core.health.retries + r->core.health.retries_denied, 0);
  room_close(r);
}

static void who_was_denied_is_hedged_when_there_is_room_again(void **state) {
  struct room *r = open_warm();
  struct probe p = {0};
  char key[16];
  (void)state;
  r->core.health.credit = 0;
  ask(r, &p, key);
  room_advance(r, 2 * LATE_MS);
  assert_int_equal(r->n_calls, 1);
  assert_int_equal(r->core.health.hedges_denied, 2);
  r->core.health.credit = 100;
  room_advance(r, LATE_MS);
  assert_int_equal(r->n_calls, 2);
  room_close(r);
}

/* -------------------------------------------------------------------------- what it is for ---- */

enum { GETS = 2000, SLOW_MS = 300 };

static int is_greater(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

/* How long one caller waits: B is slow with one key in fifty, else it answers within 1 to 4 ms, as
 * C does. */
static int wait_of(struct room *r, int i) {
  struct probe p = {0};
  char key[16];
  int b_ms = i % 50 == 7 ? SLOW_MS : 1 + i % 4, c_ms = 0, ms = 0;
  ask(r, &p, key);
  for (; p.runs == 0; ms++) {
    if (c_ms == 0 && r->n_calls == 2) c_ms = ms + 1 + i % 3;
    if (ms == b_ms)
      answer(r, ROOM_B, 0, "v");
    else if (c_ms != 0 && ms == c_ms)
      answer(r, ROOM_C, 0, "v");
    else
      room_advance(r, 1);
  }
  while (r->n_calls > 0) /* told, and gives up */
    room_call_answer(r, UV_ECANCELED, NULL);
  room_run(r);
  assert_int_equal(p.status, 0);
  return ms - 1;
}

static int p99_of(unsigned percentile, uint64_t *calls) {
  static int waits[GETS];
  room_open_three(&room);
  hedge(&room, percentile);
  room.core.health.terms.samples_min = GCI_LATENCY_LEAST;
  for (int i = 0; i < GETS; i++)
    waits[i] = wait_of(&room, i);
  *calls = room.calls_started;
  room_close(&room);
  qsort(waits, GETS, sizeof waits[0], is_greater);
  return waits[GETS * 99 / 100];
}

static void tail_falls_by_the_price_of_few_questions(void **state) {
  uint64_t without, with;
  (void)state;
  assert_in_range(p99_of(0, &without), SLOW_MS, SLOW_MS + 1);
  assert_int_equal(without, GETS);
  int ms = p99_of(95, &with);
  print_message("p99 %d ms -> %d ms, %d questions more of %d\n", SLOW_MS, ms, (int)(with - without),
                GETS);
  assert_in_range(ms, 5, 12);
  assert_in_range(with - without, 1, GETS * 5 / 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(late_get_is_asked_of_the_next_owner_whose_answer_wins_and_is_not_kept),
      cmocka_unit_test(owner_that_answers_first_is_kept_and_the_other_is_told),
      cmocka_unit_test(question_that_left_late_is_waited_for_from_then_on),
      cmocka_unit_test(nobody_is_late_before_enough_is_known_of_it),
      cmocka_unit_test(how_late_is_late_is_the_percentile_asked_for),
      cmocka_unit_test(nothing_is_set_or_counted_while_it_is_off),
      cmocka_unit_test(nobody_is_asked_beside_the_owner_where_this_member_is_next),
      cmocka_unit_test(nobody_is_asked_beside_the_owner_who_is_out_or_to_be_told_of_a_change),
      cmocka_unit_test(acting_owner_is_hedged_by_those_that_are_left),
      cmocka_unit_test(refresh_is_not_hedged),
      cmocka_unit_test(not_found_of_the_second_is_an_answer_and_its_failures_are_none),
      cmocka_unit_test(second_question_takes_the_place_of_a_retry_when_the_owner_fails),
      cmocka_unit_test(get_that_both_have_failed_is_loaded_here),
      cmocka_unit_test(who_comes_after_the_second_question_waits_for_the_owner_or_the_next_one),
      cmocka_unit_test(who_joins_a_question_that_was_left_is_hedged_too),
      cmocka_unit_test(remove_under_way_lets_nobody_join_and_nothing_be_kept),
      cmocka_unit_test(everybody_leaves_and_both_are_told),
      cmocka_unit_test(owner_that_goes_down_leaves_the_rest_to_the_second),
      cmocka_unit_test(second_questions_are_bounded_by_what_is_asked_first),
      cmocka_unit_test(who_was_denied_is_hedged_when_there_is_room_again),
      cmocka_unit_test(tail_falls_by_the_price_of_few_questions),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
