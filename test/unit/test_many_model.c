/* core/many against its model: each of many keys gets the answer that a single get in the same turn
 * gets. Two members live through the same: one gets keys singly, the other all at once. */
#include "many_room.h"
#include "random.h"

enum { N_NAMES = 24, STEPS = 8, STEP_MS = 40, SCENES = 1500 };

/* What becomes of a key, in both rooms. */
struct fate {
  char name[16]; /* every other is of the length that has a way of its own */
  int in_memory; /* 0: no; 1: for ever; 2: to its expiry; 3: stale when it is asked for */
  int answer; /* 0: a value; 1: not found; 2: the getter fails; 3: the exchange fails; 4: never */
  int step;   /* when it is answered */
};

struct scene {
  struct fate fates[N_NAMES];
  const char *keys[BATCH_MAX];
  size_t n;
  int of_three;
  uint64_t timeout_ms;
};

static void choose(struct scene *s, struct random *random) {
  memset(s, 0, sizeof *s);
  s->of_three = (int)random_below(random, 2);
  s->timeout_ms = random_below(random, 2) ? 600 : 150; /* nothing expires while it is held */
  for (size_t i = 0; i < N_NAMES; i++) {
    struct fate *f = &s->fates[i];
    snprintf(f->name, sizeof f->name, i % 2 == 0 ? "k%zu" : "usual-key%zu", i);
    f->in_memory = random_below(random, 2) ? 0 : (int)random_below(random, 4);
    f->answer = random_below(random, 2) ? 0 : (int)random_below(random, 5);
    f->step = (int)random_below(random, STEPS);
  }
  s->n = 1 + random_below(random, 40);
  for (size_t i = 0; i < s->n; i++)
    s->keys[i] = s->fates[random_below(random, N_NAMES)].name;
}

static const struct fate *fate_of(const struct scene *s, gcache_bytes_t key) {
  for (size_t i = 0; i < N_NAMES; i++)
    if (strlen(s->fates[i].name) == key.len && memcmp(s->fates[i].name, key.base, key.len) == 0)
      return &s->fates[i];
  fail_msg("a key that nobody asked for");
  return NULL;
}

static void open_room(const struct scene *s, struct room *r) {
  const char *const urls[] = {ROOM_B, ROOM_C, ROOM_SELF};
  room_init(r);
  struct gci_core_options o = room_core_options(r, ROOM_SELF);
  assert_int_equal(room_try_open(r, &o), 0);
  if (s->of_three) assert_int_equal(room_set_peers(r, urls, 3), 0);
  gcache_group_options_t g = room_group_options(r);
  g.stale_ms = 5000;
  g.error_ms = 6000;
  g.not_found_ms = 2000;
  assert_int_equal(gcache_group_open(&r->group, &r->core, "g", &g), 0);
  for (size_t i = 0; i < N_NAMES; i++)
    if (s->fates[i].in_memory == 3) room_fill(r, s->fates[i].name, "stale", 1000);
  room_advance(r, 1200);
  for (size_t i = 0; i < N_NAMES; i++)
    if (s->fates[i].in_memory == 1 || s->fates[i].in_memory == 2)
      room_fill(r, s->fates[i].name, "kept", s->fates[i].in_memory == 1 ? 0 : 900);
}

static void answer_loads(const struct scene *s, struct room *r, int step) {
  for (size_t i = 0; i < r->n_loads;) {
    gcache_load_t *load = r->loads[i];
    const struct fate *f = fate_of(s, gcache_load_key(load));
    if (step < f->step || f->answer == 4)
      i++;
    else if (f->answer == 0 || f->answer == 3)
      room_load_done(r, load, f->name, 20000);
    else
      room_load_fail(r, load, f->answer == 1 ? GCACHE_ENOTFOUND : UV_EIO, f->name);
  }
}

static void answer_calls(const struct scene *s, struct room *r, int step) {
  static const int statuses[] = {0, GCACHE_ENOTFOUND, GCACHE_ELOAD, UV_ECONNRESET};
  for (size_t i = 0; i < r->n_calls;) {
    gcache_call_t *call = r->calls[i];
    const struct fate *f = fate_of(s, gcache_call_key(call));
    if (step < f->step || f->answer == 4)
      i++;
    else
      room_call_done(r, call, statuses[f->answer], f->answer == 0 ? f->name : NULL, f->name);
  }
}

static void live(const struct scene *s, struct room *r) {
  room_run(r);
  for (int step = 0; step < STEPS; step++) {
    answer_calls(s, r, step);
    room_run(r);
    answer_loads(s, r, step);
    room_advance(r, STEP_MS);
  }
  room_advance(r, 10000);
}

static void compare(const struct probe *single, const struct batch *b, size_t i) {
  const struct batch_result *one = &b->results[i];
  assert_int_equal(one->runs, 1);
  assert_int_equal(one->status, single->status);
  assert_int_equal(one->from, single->from);
  assert_string_equal(one->text, single->text);
  assert_string_equal(one->reason, single->reason);
  if (b->mode == BATCH_EACH)
    assert_int_equal(one->stale_ms, single->stale_ms);
  else
    assert_int_equal(one->stale_ms > 0, single->stale_ms > 0);
}

static void compare_rooms(const struct room *single, const struct room *many) {
  gcache_group_stats_t a = room_stats(single), b = room_stats(many);
  assert_int_equal(single->getter_runs, many->getter_runs);
  assert_int_equal(single->calls_started, many->calls_started);
  assert_int_equal(single->getters_told, many->getters_told);
  assert_int_equal(single->calls_told, many->calls_told);
  a.get = b.get; /* hits of many are not timed */
  assert_memory_equal(&a, &b, sizeof a);
}

static void each_key_is_told_what_a_single_get_is_told(void **state) {
  static struct probe probes[BATCH_MAX];
  struct random random = {.state = 42};
  size_t told[2] = {0}, stale = 0;
  (void)state;
  for (int i = 0; i < SCENES; i++) {
    struct room single, many;
    struct batch b = {0};
    struct scene s;
    choose(&s, &random);
    open_room(&s, &single);
    open_room(&s, &many);
    enum batch_mode mode = i % 2 == 0 ? BATCH_EACH : BATCH_HELD;
    for (size_t k = 0; k < s.n; k++)
      assert_int_equal(room_get(&single, &probes[k], s.keys[k], s.timeout_ms), 0);
    assert_int_equal(room_get_many(&many, &b, s.keys, s.n, s.timeout_ms, mode), 0);
    live(&s, &single);
    live(&s, &many);
    assert_int_equal(b.runs, 1);
    for (size_t k = 0; k < s.n; k++) {
      compare(&probes[k], &b, k);
      told[b.results[k].status == 0]++;
      stale += b.results[k].stale_ms > 0;
    }
    compare_rooms(&single, &many);
    room_close(&single);
    room_close(&many);
  }
  assert_true(told[0] > SCENES && told[1] > SCENES && stale > SCENES / 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_key_is_told_what_a_single_get_is_told),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
