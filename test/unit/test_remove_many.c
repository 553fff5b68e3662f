/* core/remove_many, gcache_remove_many(): for every key first the owner, then all others; one
 * result per member. */
#include "core/call.h"
#include "many_room.h"
#include "random.h"

/* ------------------------------------------------------------------------------ alone ---- */

static void alone_all_keys_go_and_the_one_result_is_ours(void **state) {
  const char *const keys[] = {"a", "c", "a", "unknown"};
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "a", "v", 0);
  room_fill(&r, "b", "v", 0);
  room_fill(&r, "c", "v", 0);
  assert_int_equal(room_remove_many(&r, &p, keys, 4, 0), 0);
  assert_int_equal(p.runs, 0);
  assert_true(r.m.held);
  room_turn(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 1);
  assert_false(p.members[0].has_url);
  assert_false(room_holds(&r, "a"));
  assert_true(room_holds(&r, "b"));
  assert_false(room_holds(&r, "c"));
  assert_false(r.m.held);
  room_close(&r);
}

static void no_keys_is_reported_by_all_without_a_question(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  assert_int_equal(room_remove_many(&r, &p, NULL, 0, 0), 0);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 3);
  assert_int_equal(r.calls_started, 0);
  room_close(&r);
}

static void refused_removal_starts_nothing(void **state) {
  struct room r;
  struct change_probe p = {0};
  char long_key[66];
  (void)state;
  room_open_three(&r);
  memset(long_key, 'k', 65);
  long_key[65] = '\0';
  const char *const keys[] = {"a", long_key};
  gcache_bytes_t bad[] = {gcache_cstr("a"), gcache_bytes(NULL, 2)};
  assert_int_equal(room_remove_many(&r, &p, keys, 2, 0), UV_EMSGSIZE);
  assert_int_equal(gcache_remove_many(&p.req, r.group, bad, 2, 0, room_on_changed), UV_EINVAL);
  assert_int_equal(gcache_remove_many(&p.req, r.group, NULL, 2, 0, room_on_changed), UV_EINVAL);
  assert_int_equal(gcache_remove_many(&p.req, r.group, bad, 1, 0, NULL), UV_EINVAL);
  assert_int_equal(
      gcache_remove_many(&p.req, r.group, bad, GCACHE_MANY_MAX + 1, 0, room_on_changed), UV_E2BIG);
  oom_fail_nth(&r.oom, 1);
  assert_int_equal(room_remove_many(&r, &p, keys, 1, 0), UV_ENOMEM);
  oom_heal(&r.oom);
  room_begin_close(&r);
  assert_int_equal(room_remove_many(&r, &p, keys, 1, 0), GCACHE_ECLOSING);
  room_close(&r);
  assert_int_equal(p.runs, 0);
  assert_int_equal(r.calls_started, 0);
}

/* ------------------------------------------------------------------------------ order ---- */

static void keys_of_a_slow_owner_wait_and_no_others(void **state) {
  char own[16], of_b[16], of_c[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, own);
  room_key(&r, ROOM_B, of_b);
  room_key(&r, ROOM_C, of_c);
  const char *const keys[] = {own, of_b, of_c};
  assert_int_equal(room_remove_many(&r, &p, keys, 3, 0), 0);
  room_run(&r);
  assert_int_equal(r.n_calls, 2); /* each its own */
  assert_string_equal(gcache_call_peer(r.calls[0]), ROOM_B);
  assert_memory_equal(gcache_call_key(r.calls[0]).base, of_b, strlen(of_b));
  assert_memory_equal(gcache_call_key(r.calls[1]).base, of_c, strlen(of_c));
  room_call_done(&r, r.calls[1], 0, NULL, NULL); /* c; b is slow */
  room_run(&r);
  assert_int_equal(r.n_calls, 2); /* c: ours; b is still asked for its own */
  assert_string_equal(gcache_call_peer(r.calls[1]), ROOM_C);
  assert_memory_equal(gcache_call_key(r.calls[1]).base, own, strlen(own));
  room_call_done(&r, r.calls[1], 0, NULL, NULL);
  room_run(&r);
  assert_int_equal(r.n_calls, 1); /* b has not answered: c is not asked for b's key */
  room_settle(&r);
  assert_int_equal(r.calls_started, 6);
  assert_int_equal(p.status, 0);
  assert_int_equal(p.n, 3);
  assert_string_equal(p.members[0].url, ROOM_B); /* as listed */
  assert_string_equal(p.members[1].url, ROOM_C);
  assert_string_equal(p.members[2].url, ROOM_SELF);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ model ---- */

enum { MODEL_KEYS = 40, MODEL_RUNS = 400 };

static struct model {
  char names[MODEL_KEYS][24];
  const char *owners[MODEL_KEYS];
  size_t n;
  int owner_done[MODEL_KEYS]; /* has answered, or failed to */
  int asked[MODEL_KEYS][3];   /* how often: b, c, a client's or our own memory */
} model;

static size_t model_key(const gcache_call_t *call) {
  gcache_bytes_t key = gcache_call_key(call);
  for (size_t i = 0; i < model.n; i++)
    if (strlen(model.names[i]) == key.len && memcmp(model.names[i], key.base, key.len) == 0)
      return i;
  fail_msg("asked for a key that is not removed");
  return 0;
}

/* Owner first is looked at when a question is asked. */
static void model_start(struct room *r, gcache_call_t *call) {
  size_t key = model_key(call);
  (void)r;
  int is_owner = strcmp(gcache_call_peer(call), model.owners[key]) == 0;
  assert_int_equal(gcache_call_op(call), GCACHE_OP_REMOVE);
  assert_true(is_owner || model.owner_done[key]);
  model.asked[key][strcmp(gcache_call_peer(call), ROOM_B) == 0 ? 0 : 1]++;
}

static void model_answer(struct room *r, size_t which, int status) {
  gcache_call_t *call = r->calls[which];
  size_t key = model_key(call);
  if (strcmp(gcache_call_peer(call), model.owners[key]) == 0) model.owner_done[key] = 1;
  room_call_done(r, call, status, NULL, "a reason");
}

static void model_choose(struct room *r, struct random *random, const char *keys[]) {
  memset(&model, 0, sizeof model);
  model.n = 1 + random_below(random, MODEL_KEYS);
  for (size_t i = 0; i < model.n; i++) {
    snprintf(model.names[i], sizeof model.names[i], "k%zu", i);
    model.owners[i] = gcache_owner(&r->core, gcache_cstr(model.names[i]));
    model.owner_done[i] = strcmp(model.owners[i], ROOM_SELF) == 0;
    keys[i] = model.names[i];
  }
}

static void owner_is_first_for_every_key_and_everybody_is_asked_once(void **state) {
  struct random random = {.state = 7};
  const char *keys[MODEL_KEYS];
  (void)state;
  for (int run = 0; run < MODEL_RUNS; run++) {
    struct room r;
    struct change_probe p = {0};
    int failing = (int)random_below(&random, 3), failed[2] = {0},
        ever[2] = {0}; /* errors of b and c */
    room_open_of_three(&r, run % 4 == 0 ? NULL : ROOM_SELF, GCACHE_HOT_ON);
    r.start = model_start;
    model_choose(&r, &random, keys);
    for (size_t i = 0; i < model.n; i++) {
      struct answer_probe answer;
      room_answer(&r, &answer, GCACHE_OP_SET, keys[i], "v");
      room_turn(&r);
    }
    assert_int_equal(room_remove_many(&r, &p, keys, model.n, 0), 0);
    room_run(&r);
    while (r.n_calls > 0) {
      for (size_t i = 0; i < model.n; i++) /* our copy outlives the owner's */
        assert_true(model.owner_done[i] || room_holds(&r, keys[i]));
      size_t which = random_below(&random, r.n_calls);
      int who = strcmp(gcache_call_peer(r.calls[which]), ROOM_B) == 0 ? 0 : 1;
      int status = failing > 0 && random_below(&random, 6) == 0 ? UV_ECONNRESET : 0;
      /* What is told later, because it failed, is reported only if the peer goes down by it. */
      if (r.calls[which]->group != NULL) failed[who] += status != 0;
      if (status != 0) ever[who] = 1;
      model_answer(&r, which, status);
      if (random_below(&random, 2)) room_run(&r);
      if (r.n_calls == 0) room_run(&r);
    }
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.n, run % 4 == 0 ? 2 : 3);
    int reported = 0;
    for (int who = 0; who < 2; who++) {
      int status = p.members[who].status;
      assert_true(status != 0 ? ever[who] : failed[who] == 0);
      reported += status != 0;
    }
    assert_int_equal(p.status, reported > 0 ? GCACHE_EPARTIAL : 0);
    for (size_t i = 0; i < model.n; i++) {
      assert_false(room_holds(&r, keys[i]));
      for (int who = 0; who < 2; who++) {
        struct gci_peer *peer = gci_peers_find(&r.core.peers, who == 0 ? ROOM_B : ROOM_C);
        int waits = gci_missed_bars(&peer->missed, "g", gcache_cstr(keys[i]));
        assert_true(model.asked[i][who] > 0 || waits);
        if (!ever[who]) assert_false(waits);
        if (!ever[0] && !ever[1]) assert_int_equal(model.asked[i][who], 1);
      }
    }
    r.start = NULL;
    room_close(&r);
  }
}

/* ------------------------------------------------------------------------------ flights ---- */

static void load_under_way_is_delivered_and_not_kept(void **state) {
  const char *const keys[] = {"a", "b"};
  struct room r;
  struct batch b = {0};
  struct change_probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get_many(&r, &b, keys, 2, 0, BATCH_HELD);
  room_turn(&r);
  room_remove_many(&r, &p, keys, 2, 0);
  room_turn(&r);
  assert_int_equal(p.status, 0);
  room_settle(&r);
  assert_int_equal(b.results[0].status, 0);
  assert_int_equal(b.results[1].status, 0);
  assert_false(room_holds(&r, "a"));
  assert_false(room_holds(&r, "b"));
  room_close(&r);
}

/* ------------------------------------------------------------------------------ failures ---- */

enum { PLENTY = 1000 };

static struct {
  const char *dead;
  size_t asked, dead_asked, at_a_time;
} plenty;

static void plenty_start(struct room *r, gcache_call_t *call) {
  int is_dead = strcmp(gcache_call_peer(call), plenty.dead) == 0;
  plenty.asked++;
  plenty.dead_asked += (size_t)is_dead;
  if (is_dead) room_call_done(r, call, UV_ECONNREFUSED, NULL, "nobody there");
  if (!is_dead && r->n_calls > plenty.at_a_time) plenty.at_a_time = r->n_calls;
  if (!is_dead) room_call_done(r, call, 0, NULL, NULL);
}

static int remove_plenty(struct room *r, struct change_probe *p) {
  static char names[PLENTY][16];
  static gcache_bytes_t keys[PLENTY];
  for (int i = 0; i < PLENTY; i++) {
    snprintf(names[i], sizeof names[i], "key%d", i);
    keys[i] = gcache_cstr(names[i]);
  }
  room_begin_change(r, p);
  int rc = gcache_remove_many(&p->req, r->group, keys, PLENTY, 0, room_on_changed);
  r->depth--;
  return rc;
}

static void dead_member_is_asked_for_a_window_at_most_and_the_others_for_all(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  memset(&plenty, 0, sizeof plenty);
  plenty.dead = ROOM_C;
  room_open_three(&r);
  r.start = plenty_start;
  assert_int_equal(remove_plenty(&r, &p), 0);
  room_run(&r);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, 0);
  assert_int_equal(p.members[1].status, UV_ECONNREFUSED);
  assert_string_equal(p.members[1].reason, "nobody there");
  assert_int_equal(p.members[2].status, 0);
  assert_int_equal(plenty.asked - plenty.dead_asked, PLENTY);
  assert_in_range(plenty.dead_asked, 1, 256);
  struct gci_peer *dead = gci_peers_find(&r.core.peers, ROOM_C);
  assert_int_equal(gci_missed_count(&dead->missed), PLENTY);
  room_close(&r);
}

static void memory_is_for_a_window_and_not_for_all_keys(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  memset(&plenty, 0, sizeof plenty);
  plenty.dead = "";
  room_open_three(&r);
  r.start = plenty_start;
  size_t before = r.oom.bytes;
  assert_int_equal(remove_plenty(&r, &p), 0);
  assert_true(r.oom.bytes - before < 3 * 256 * 200 + PLENTY * 32 + 2000);
  room_run(&r);
  assert_int_equal(p.status, 0);
  assert_int_equal(plenty.asked, 2 * PLENTY);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ leave ---- */

static void out_of_time_says_who_had_not_done_it(void **state) {
  char own[16], of_b[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_SELF, own);
  room_key(&r, ROOM_B, of_b);
  const char *const keys[] = {own, of_b};
  room_remove_many(&r, &p, keys, 2, 100);
  room_run(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), 0, NULL, NULL);
  room_run(&r);
  room_call_done(&r, room_call_to(&r, ROOM_B), 0, NULL, NULL);
  size_t hanging = r.n_calls;
  room_advance(&r, 100);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, GCACHE_EPARTIAL);
  assert_int_equal(p.members[0].status, 0);
  assert_int_equal(p.members[1].status, UV_ETIMEDOUT);
  assert_int_equal(p.members[2].status, 0);
  assert_int_equal(r.calls_told, hanging);
  room_settle(&r);
  room_close(&r);
}

static void cancel_runs_the_callback_once_and_hints(void **state) {
  char of_b[16], of_c[16];
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_three(&r);
  room_key(&r, ROOM_B, of_b);
  room_key(&r, ROOM_C, of_c);
  const char *const keys[] = {of_b, of_c};
  room_remove_many(&r, &p, keys, 2, 0);
  room_run(&r);
  room_cancel_change(&r, &p);
  room_run(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(p.status, UV_ECANCELED);
  assert_int_equal(r.calls_told, 2);
  room_settle(&r);
  assert_int_equal(p.runs, 1);
  assert_int_equal(r.calls_started, 2);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ refusals ---- */

static int refusal;
static size_t asked_c;

/* c refuses all but the last of 600. */
static void answer_at_once(struct room *r, gcache_call_t *call) {
  int is_c = strcmp(gcache_call_peer(call), ROOM_C) == 0;
  asked_c += (size_t)is_c;
  room_call_done(r, call, is_c && asked_c < 600 ? refusal : 0, NULL, NULL);
}

/* A group can be opened meanwhile, and fetch what other owners have not removed yet. */
static void what_is_refused_of_one_key_does_not_end_the_asking(void **state) {
  static const int words[] = {UV_EINVAL, UV_EMSGSIZE, GCACHE_ENOROOM, GCACHE_ENOGROUP};
  static char names[600][16];
  gcache_bytes_t keys[600];
  (void)state;
  for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
    struct room r;
    struct change_probe p = {0};
    room_open_three(&r);
    for (size_t i = 0; i < 600; i++)
      keys[i] = gcache_cstr(room_key(&r, ROOM_SELF, names[i]));
    refusal = words[w];
    asked_c = 0;
    r.start = answer_at_once;
    room_begin_change(&r, &p);
    assert_int_equal(gcache_remove_many(&p.req, r.group, keys, 600, 0, room_on_changed), 0);
    r.depth--;
    room_run(&r);
    assert_int_equal(asked_c, 600);
    assert_int_equal(p.runs, 1);
    assert_int_equal(p.status, GCACHE_EPARTIAL);
    assert_int_equal(p.members[1].status, words[w]);
    room_close(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alone_all_keys_go_and_the_one_result_is_ours),
      cmocka_unit_test(no_keys_is_reported_by_all_without_a_question),
      cmocka_unit_test(refused_removal_starts_nothing),
      cmocka_unit_test(keys_of_a_slow_owner_wait_and_no_others),
      cmocka_unit_test(owner_is_first_for_every_key_and_everybody_is_asked_once),
      cmocka_unit_test(load_under_way_is_delivered_and_not_kept),
      cmocka_unit_test(dead_member_is_asked_for_a_window_at_most_and_the_others_for_all),
      cmocka_unit_test(memory_is_for_a_window_and_not_for_all_keys),
      cmocka_unit_test(out_of_time_says_who_had_not_done_it),
      cmocka_unit_test(cancel_runs_the_callback_once_and_hints),
      cmocka_unit_test(what_is_refused_of_one_key_does_not_end_the_asking),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
