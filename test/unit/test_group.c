/* core/group and core/memory: opening, closing, and what is forgotten after a time. */
#include "core/group.h"
#include "core_room.h"

/* ------------------------------------------------------------------------------ open ---- */

static void group_answers_what_it_is(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  assert_string_equal(gcache_group_name(r.group), "g");
  assert_ptr_equal(gcache_group_cache(r.group), &r.core);
  assert_ptr_equal(gcache_group_data(r.group), &r);
  assert_ptr_equal(gcache_group_find(&r.core, "g"), r.group);
  assert_null(gcache_group_find(&r.core, "G"));
  assert_null(gcache_group_find(&r.core, ""));
  assert_int_equal(room_stats(&r).max_bytes, 128 * 1024);
  room_close(&r);
}

static void on_line(void *data, gcache_log_level_t level, const char *line) {
  assert_int_equal(level, GCACHE_LOG_WARN);
  snprintf(data, 80, "%s", line);
}

/* Refused, and the log is told with these words why; NULL: it is told nothing. */
static void assert_refused(struct room *r, const char *name, const gcache_group_options_t *o,
                           const char *words) {
  gcache_group_t *group = NULL;
  char line[80] = "";
  r->m.env.log = on_line;
  r->m.env.log_data = line;
  assert_int_equal(gcache_group_open(&group, &r->core, name, o), UV_EINVAL);
  assert_null(group);
  r->m.env.log = NULL;
  if (words == NULL)
    assert_string_equal(line, "");
  else
    assert_non_null(strstr(line, words));
}

static void bad_options_are_refused(void **state) {
  struct room r;
  gcache_group_t *group = NULL;
  gcache_group_options_t good, o;
  char name[258];
  (void)state;
  room_open_alone(&r);
  good = room_group_options(&r);
  memset(name, 'n', sizeof name - 1);
  name[257] = '\0';
  assert_refused(&r, name, &good, "name");
  assert_refused(&r, "", &good, "name");
  assert_refused(&r, "a/b", &good, "name");
  assert_refused(&r, NULL, &good, "name");
  assert_refused(&r, "h", NULL, NULL);
  assert_int_equal(gcache_group_open(&group, &r.core, "g", &good), GCACHE_EEXIST);
  o = good;
  o.getter = NULL;
  assert_refused(&r, "h", &o, "option getter");
  o = good;
  o.max_bytes = 64 * 1024 - 1;
  assert_refused(&r, "h", &o, "option max_bytes");
  o = good;
  o.hot = (gcache_hot_t)9;
  assert_refused(&r, "h", &o, "option hot");
  o = good;
  o.policy = (gcache_policy_t)9;
  assert_refused(&r, "h", &o, "option policy");
  o = good;
  o.size = 0;
  assert_refused(&r, "h", &o, NULL);
  assert_null(group);
  name[256] = '\0';
  assert_int_equal(gcache_group_open(&group, &r.core, name, &good), 0);
  assert_ptr_equal(gcache_group_find(&r.core, name), group);
  room_close(&r);
}

static void options_begin_as_defaults_in_the_size_of_the_caller(void **state) {
  gcache_group_options_t o;
  gcache_group_options_t zero = {0};
  (void)state;
  memset(&o, 0x5a, sizeof o);
  gcache_group_options_init(&o);
  assert_int_equal(o.size, sizeof o);
  zero.size = sizeof o;
  assert_memory_equal(&o, &zero, sizeof o);
}

static void groups_of_one_cache_are_apart(void **state) {
  struct room r;
  struct probe a = {0}, b = {0};
  gcache_group_options_t o;
  gcache_group_t *g, *h;
  (void)state;
  room_open_alone(&r);
  o = room_group_options(&r);
  g = r.group;
  assert_int_equal(gcache_group_open(&h, &r.core, "h", &o), 0);
  room_get(&r, &a, "k", 0);
  r.group = h;
  room_get(&r, &b, "k", 0);
  room_turn(&r);
  assert_int_equal(r.getter_runs, 2);
  room_load_answer(&r, "of g");
  room_load_answer(&r, "of h");
  room_turn(&r);
  assert_string_equal(a.text, "of g");
  assert_string_equal(b.text, "of h");
  gcache_group_close(h, room_on_group_closed, &r);
  room_run(&r);
  r.group = g;
  assert_true(room_holds(&r, "k"));
  room_close(&r);
}

/* Both sides full and in demand: hot is worn down to its part of main, give or take what the last
 * entries brought, and what the index gave back. */
static void assert_hot_part(struct room *r, unsigned hot_divisor, uint64_t expected) {
  gcache_group_options_t o = room_group_options(r);
  gcache_value_t *value = gcache_value_copy(&r->core, gcache_bytes("0123456789", 10), GCACHE_NEVER);
  gcache_group_t *group;
  gcache_group_stats_t stats;
  char key[16];
  o.hot_divisor = hot_divisor;
  assert_int_equal(gcache_group_open(&group, &r->core, "parts", &o), 0);
  for (int i = 0; i < 4000; i++) {
    gcache_bytes_t k = gcache_bytes(key, (size_t)snprintf(key, sizeof key, "%d", i));
    enum gci_side side = i % 2 == 0 ? GCI_MAIN : GCI_HOT;
    assert_int_equal(gci_cache_put(group->cache, side, k, gci_core_hash(&r->core, k), value, 0), 0);
  }
  gcache_value_unref(value);
  gcache_group_stats(group, &stats);
  assert_true(stats.hot.evictions > 0 && stats.main.evictions > 0);
  assert_in_range(stats.hot.items * expected, stats.main.items - 4 * expected,
                  stats.main.items + 4 * expected);
  gcache_group_close(group, NULL, NULL);
  room_run(r);
}

static void hot_gives_way_at_its_part_of_main(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  assert_hot_part(&r, 0, 8);
  assert_hot_part(&r, 1, 1);
  assert_hot_part(&r, 20, 20);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ close ---- */

static void close_group(struct room *r) {
  r->depth++;
  gcache_group_close(r->group, room_on_group_closed, r);
  r->depth--;
}

static void idle_group_closes_from_a_turn(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  close_group(&r);
  assert_int_equal(r.groups_closed, 0);
  assert_true(r.m.held);
  assert_null(gcache_group_find(&r.core, "g"));
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  assert_false(r.m.held);
  room_close(&r);
}

static void pending_requests_end_with_cancel(void **state) {
  struct room r;
  struct probe load = {0}, fetch = {0}, hit = {0};
  struct change_probe change = {0};
  struct answer_probe answer, order;
  char own[16], theirs[16], held[16];
  (void)state;
  room_open_three(&r);
  room_fill(&r, room_key(&r, ROOM_SELF, held), "v", 0);
  room_get(&r, &load, room_key(&r, ROOM_SELF, own), 0);
  room_get(&r, &fetch, room_key(&r, ROOM_B, theirs), 0);
  room_answer(&r, &answer, GCACHE_OP_GET, own, NULL);
  room_remove(&r, &change, own, 0);
  room_turn(&r);
  room_get(&r, &hit, held, 0);
  room_answer(&r, &order, GCACHE_OP_REMOVE, theirs, NULL);
  close_group(&r);
  room_run(&r);
  assert_int_equal(load.status, UV_ECANCELED);
  assert_int_equal(fetch.status, UV_ECANCELED);
  assert_int_equal(hit.status, UV_ECANCELED);
  assert_int_equal(answer.status, UV_ECANCELED);
  assert_int_equal(order.status, UV_ECANCELED);
  assert_int_equal(change.status, UV_ECANCELED);
  assert_int_equal(load.runs + fetch.runs + hit.runs + answer.runs + order.runs + change.runs, 6);
  assert_int_equal(r.getters_told, 1);
  assert_int_equal(r.calls_told, 3);
  assert_int_equal(r.groups_closed, 0);
  room_close(&r);
}

static void close_waits_for_getters_and_calls(void **state) {
  struct room r;
  struct probe load = {0}, fetch = {0};
  char own[16], theirs[16];
  (void)state;
  room_open_three(&r);
  room_get(&r, &load, room_key(&r, ROOM_SELF, own), 0);
  room_get(&r, &fetch, room_key(&r, ROOM_B, theirs), 0);
  room_turn(&r);
  close_group(&r);
  room_run(&r);
  room_load_answer(&r, "late");
  room_run(&r);
  assert_int_equal(r.groups_closed, 0);
  assert_true(r.m.held);
  room_call_answer(&r, 0, "late");
  assert_int_equal(r.groups_closed, 0);
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  room_close(&r);
}

static void value_that_comes_after_the_close_is_dropped(void **state) {
  struct room r;
  struct probe p = {0};
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  close_group(&r);
  room_run(&r);
  size_t bytes = r.oom.bytes;
  room_load_answer(&r, "late");
  assert_true(r.oom.bytes < bytes);
  room_close(&r);
}

static void peers_are_told_that_a_closing_group_is_unknown(void **state) {
  struct room r;
  struct probe p = {0}, late = {0};
  struct answer_probe answer;
  (void)state;
  room_open_alone(&r);
  room_get(&r, &p, "k", 0);
  room_turn(&r);
  close_group(&r);
  assert_int_equal(room_answer(&r, &answer, GCACHE_OP_GET, "k", NULL), GCACHE_ENOGROUP);
  assert_int_equal(room_get(&r, &late, "k", 0), GCACHE_ECLOSING);
  room_run(&r);
  assert_int_equal(late.runs + answer.runs, 0);
  room_close(&r);
}

static void opens_it_again(void *arg) {
  struct room *r = arg;
  room_on_group_closed(arg);
  gcache_group_options_t o = room_group_options(r);
  assert_int_equal(gcache_group_open(&r->group, &r->core, "g", &o), 0);
}

static void name_is_free_when_closed_runs_and_not_before(void **state) {
  struct room r;
  struct probe p = {0};
  gcache_group_t *group = NULL;
  (void)state;
  room_open_alone(&r);
  gcache_group_options_t o = room_group_options(&r);
  gcache_group_close(r.group, opens_it_again, &r);
  assert_int_equal(gcache_group_open(&group, &r.core, "g", &o), GCACHE_EEXIST);
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  assert_int_equal(room_get(&r, &p, "k", 0), 0);
  room_settle(&r);
  assert_string_equal(p.text, "settled");
  room_close(&r);
}

static void first_closed_callback_that_was_given_runs(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  gcache_group_close(r.group, NULL, NULL);
  close_group(&r);
  gcache_group_close(r.group, opens_it_again, &r);
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  assert_null(r.group);
  room_close(&r);
}

static void group_may_be_closed_while_the_cache_closes(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_begin_close(&r);
  close_group(&r);
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  assert_int_equal(r.cores_closed, 1);
  room_close(&r);
}

static void closes_the_cache(void *arg) {
  room_on_group_closed(arg);
  room_begin_close(arg);
}

static void closed_callback_may_close_the_cache(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  gcache_group_close(r.group, closes_the_cache, &r);
  room_run(&r);
  assert_int_equal(r.groups_closed, 1);
  assert_int_equal(r.cores_closed, 1);
  room_close(&r);
}

/* ------------------------------------------------------------------------------ expiry ---- */

static void expired_values_are_freed_within_a_second_unasked(void **state) {
  struct room r;
  struct answer_probe p;
  (void)state;
  room_open_alone(&r);
  for (int i = 0; i < 50; i++) {
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    room_answer(&r, &p, GCACHE_OP_GET, key, NULL);
    room_turn(&r);
    room_load_done(&r, r.loads[0], "v", (uint64_t)(i + 1) * 100);
    room_turn(&r);
  }
  for (int i = 0; i < 60; i++) {
    room_advance(&r, 100);
    uint64_t items = room_stats(&r).main.items;
    assert_true(items >= (uint64_t)(i < 49 ? 49 - i : 0));
    assert_true(items <= (uint64_t)(i < 10 ? 50 : i < 60 ? 60 - i : 0));
  }
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_int_equal(room_stats(&r).main.expirations, 50);
  assert_true(r.m.armed_ms == GCI_DEADLINE_NEVER);
  room_close(&r);
}

static void set_with_an_expiry_is_watched_too(void **state) {
  struct room r;
  struct change_probe p = {0};
  (void)state;
  room_open_alone(&r);
  gcache_value_t *value = room_value(&r, "v", 3000);
  room_begin_change(&r, &p);
  assert_int_equal(gcache_set(&p.req, r.group, gcache_cstr("k"), value, 0, room_on_changed), 0);
  r.depth--;
  gcache_value_unref(value);
  room_advance(&r, 2999);
  assert_int_equal(room_stats(&r).main.items, 1);
  room_advance(&r, 1001);
  assert_int_equal(room_stats(&r).main.items, 0);
  room_close(&r);
}

/* The n-th allocation after the getter's answer fails; how many were refused. */
static size_t keep_without_memory(size_t n) {
  struct room r;
  struct probe p[16] = {0}; /* as many deadlines as fit before their heap must grow */
  room_open_alone(&r);
  for (size_t i = 0; i < 16; i++)
    assert_int_equal(room_get(&r, &p[i], "k", 60000), 0);
  room_turn(&r);
  gcache_load_t *load = r.loads[0];
  gcache_value_t *value = room_value(&r, "v", 2000);
  room_forget((void **)r.loads, &r.n_loads, load);
  oom_fail_nth(&r.oom, n);
  gcache_load_done(load, value);
  oom_heal(&r.oom);
  room_turn(&r);
  assert_string_equal(p[15].text, "v");
  assert_int_equal(room_holds(&r, "k"), room_stats(&r).not_kept == 0);
  room_advance(&r, 3000);
  assert_int_equal(room_stats(&r).main.items, 0);
  size_t refused = r.oom.refused;
  room_close(&r);
  return refused;
}

static void value_whose_expiry_cannot_be_watched_is_not_kept(void **state) {
  size_t n = 1;
  (void)state;
  while (keep_without_memory(n) > 0)
    n++;
  assert_true(n > 2);
}

static void watching_does_not_keep_the_loop_alive(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 60000);
  assert_true(r.m.armed_ms != GCI_DEADLINE_NEVER);
  assert_false(r.m.held);
  room_close(&r);
}

static void nothing_is_watched_when_nothing_expires(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  room_run(&r);
  assert_true(gci_deadlines_next(&r.m.env.deadlines) == GCI_DEADLINE_NEVER);
  room_close(&r);
}

static void jump_of_the_wall_clock_is_noticed_within_half_a_second(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 3600 * 1000);
  r.m.clock->unix_ns += INT64_C(3600) * 1000000000;
  room_advance(&r, 500);
  assert_int_equal(room_stats(&r).main.items, 0);
  room_fill(&r, "k", "v", 1000);
  r.m.clock->unix_ns -= INT64_C(3600) * 1000000000;
  room_advance(&r, 10000);
  assert_int_equal(room_stats(&r).main.items, 1); /* its time has not come after all */
  room_close(&r);
}

/* ------------------------------------------------------------------------------ stats ---- */

static void stats_are_cut_or_zeroed_to_the_size_of_the_caller(void **state) {
  struct room r;
  struct {
    gcache_group_stats_t stats;
    unsigned char more[16];
  } large;
  uint64_t small[3] = {0, 0, 77};
  (void)state;
  room_open_alone(&r);
  room_fill(&r, "k", "v", 0);
  memset(&large, 0x5a, sizeof large);
  gcache_group_stats_size(r.group, &large.stats, sizeof large);
  assert_int_equal(large.stats.gets, 1);
  assert_int_equal(large.stats.loads, 1);
  assert_int_equal(large.stats.main.items, 1);
  assert_true(large.stats.index_bytes > 0);
  assert_true(large.stats.main.bytes + large.stats.index_bytes <= large.stats.max_bytes);
  for (size_t i = 0; i < sizeof large.more; i++)
    assert_int_equal(large.more[i], 0);
  gcache_group_stats_size(r.group, (gcache_group_stats_t *)(void *)small, 2 * sizeof small[0]);
  assert_int_equal(small[0], 1);
  assert_int_equal(small[2], 77);
  room_close(&r);
}

static void put_number(struct room *r, gcache_group_t *group, int i) {
  char text[16];
  gcache_bytes_t key = gcache_bytes(text, (size_t)snprintf(text, sizeof text, "%d", i));
  gcache_value_t *value = gcache_value_copy(&r->core, key, GCACHE_NEVER);
  uint64_t hash = gci_core_hash(&r->core, key);
  assert_int_equal(gci_cache_put(group->cache, GCI_MAIN, key, hash, value, 0), 0);
  gcache_value_unref(value);
}

/* Whether a key that was asked for three times is there when many that were not have come. */
static int outlives_a_scan(struct room *r, gcache_policy_t policy) {
  gcache_group_options_t o = room_group_options(r);
  gcache_group_t *group;
  o.policy = policy;
  assert_int_equal(gcache_group_open(&group, &r->core, "scanned", &o), 0);
  put_number(r, group, 0);
  for (int i = 0; i < 3; i++)
    gcache_value_unref(gcache_peek(group, gcache_cstr("0")));
  for (int i = 1; i < 20000; i++)
    put_number(r, group, i);
  gcache_value_t *value = gcache_peek(group, gcache_cstr("0"));
  gcache_value_unref(value);
  gcache_group_close(group, NULL, NULL);
  room_run(r);
  return value != NULL;
}

static void resized_group_grows_at_once_and_shrinks_in_turns(void **state) {
  struct room r;
  gcache_group_stats_t stats;
  (void)state;
  room_open_alone(&r);
  assert_int_equal(gcache_group_resize(r.group, 65535), UV_EINVAL);
  assert_int_equal(gcache_group_resize(r.group, 1 << 20), 0);
  for (int i = 0; i < 8000; i++)
    put_number(&r, r.group, i);
  stats = room_stats(&r);
  assert_int_equal(stats.max_bytes, 1 << 20);
  uint64_t items = stats.main.items;
  assert_true(items > 6000);
  assert_false(manual_env_due(&r.m));
  assert_int_equal(gcache_group_resize(r.group, 128 * 1024), 0);
  assert_int_equal(gcache_group_resize(r.group, 64 * 1024), 0);
  assert_int_equal(room_stats(&r).main.items, items);
  for (int turns = 0; manual_env_due(&r.m); turns++) {
    assert_true(turns < 30);
    room_turn(&r);
    stats = room_stats(&r);
    assert_true(items - stats.main.items <= 512);
    assert_true(stats.main.bytes + stats.hot.bytes + stats.index_bytes <= stats.max_bytes);
    items = stats.main.items;
  }
  assert_int_equal(stats.max_bytes, 64 * 1024);
  gcache_group_resize(r.group, 1 << 20);
  for (int i = 0; i < 8000; i++)
    put_number(&r, r.group, i);
  gcache_group_resize(r.group, 64 * 1024); /* and it closes before it has come down */
  gcache_group_t *group = r.group;
  gcache_group_close(group, NULL, NULL);
  assert_int_equal(gcache_group_resize(group, 1 << 20), GCACHE_ECLOSING);
  room_close(&r);
}

/* Neither a clear nor a close frees more than some at a time. */
static void many_items_are_freed_in_turns(void **state) {
  struct room r;
  struct change_probe p = {0};
  gcache_group_t *group;
  (void)state;
  room_open_alone(&r);
  gcache_group_options_t o = room_group_options(&r);
  o.max_bytes = 1 << 20;
  assert_int_equal(gcache_group_open(&group, &r.core, "many", &o), 0);
  for (int i = 0; i < 8000; i++)
    put_number(&r, group, i);
  r.group = group;
  uint64_t blocks = r.m.mem->blocks;
  assert_true(blocks > 6000);
  assert_int_equal(room_clear(&r, &p, 0), 0);
  assert_int_equal(room_stats(&r).main.items, 0);
  assert_false(room_holds(&r, "7999"));
  for (int turns = 0; manual_env_due(&r.m); turns++) {
    uint64_t now = r.m.mem->blocks;
    assert_true(blocks - now < 1100); /* two rounds in the call, and the index */
    blocks = now;
    assert_true(turns < 30);
    room_turn(&r);
  }
  assert_int_equal(p.status, 0);
  for (int i = 0; i < 8000; i++)
    put_number(&r, group, i);
  blocks = r.m.mem->blocks;
  gcache_group_close(group, room_on_group_closed, &r);
  for (int turns = 0; manual_env_due(&r.m); turns++) {
    uint64_t now = r.m.mem->blocks;
    assert_true(blocks - now < 600);
    blocks = now;
    assert_true(turns < 30);
    room_turn(&r);
  }
  room_close(&r);
}

static void groups_share_what_the_cache_may_take(void **state) {
  struct room r;
  gcache_group_t *groups[3];
  gcache_group_stats_t stats[3];
  (void)state;
  room_init(&r);
  struct gci_core_options o = room_core_options(&r, NULL);
  o.max_bytes = 200 * 1024;
  assert_int_equal(room_try_open(&r, &o), 0);
  room_open_group(&r, GCACHE_HOT_DEFAULT);
  groups[0] = r.group;
  gcache_group_options_t g = room_group_options(&r);
  assert_int_equal(gcache_group_open(&groups[1], &r.core, "g1", &g), 0);
  assert_int_equal(gcache_group_open(&groups[2], &r.core, "g2", &g), 0);
  for (int i = 0; i < 6000; i++) {
    uint64_t sum = 0;
    put_number(&r, groups[i < 3000 ? 0 : i % 3], i);
    for (int k = 0; k < 3; k++) {
      gcache_group_stats(groups[k], &stats[k]);
      sum += stats[k].main.bytes + stats[k].hot.bytes + stats[k].index_bytes;
    }
    assert_true(sum <= 200 * 1024);
    if (i == 2000) assert_true(stats[0].main.items > 1000);
  }
  assert_in_range(stats[0].main.items, stats[1].main.items * 3 / 4, stats[1].main.items * 4 / 3);
  room_close(&r);
}

static void default_policy_outlives_a_scan_and_lru_does_not(void **state) {
  struct room r;
  (void)state;
  room_open_alone(&r);
  assert_true(outlives_a_scan(&r, GCACHE_POLICY_DEFAULT));
  assert_false(outlives_a_scan(&r, GCACHE_POLICY_LRU));
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(group_answers_what_it_is),
      cmocka_unit_test(bad_options_are_refused),
      cmocka_unit_test(options_begin_as_defaults_in_the_size_of_the_caller),
      cmocka_unit_test(groups_of_one_cache_are_apart),
      cmocka_unit_test(hot_gives_way_at_its_part_of_main),
      cmocka_unit_test(default_policy_outlives_a_scan_and_lru_does_not),
      cmocka_unit_test(resized_group_grows_at_once_and_shrinks_in_turns),
      cmocka_unit_test(many_items_are_freed_in_turns),
      cmocka_unit_test(groups_share_what_the_cache_may_take),
      cmocka_unit_test(idle_group_closes_from_a_turn),
      cmocka_unit_test(pending_requests_end_with_cancel),
      cmocka_unit_test(close_waits_for_getters_and_calls),
      cmocka_unit_test(value_that_comes_after_the_close_is_dropped),
      cmocka_unit_test(peers_are_told_that_a_closing_group_is_unknown),
      cmocka_unit_test(name_is_free_when_closed_runs_and_not_before),
      cmocka_unit_test(first_closed_callback_that_was_given_runs),
      cmocka_unit_test(group_may_be_closed_while_the_cache_closes),
      cmocka_unit_test(closed_callback_may_close_the_cache),
      cmocka_unit_test(expired_values_are_freed_within_a_second_unasked),
      cmocka_unit_test(set_with_an_expiry_is_watched_too),
      cmocka_unit_test(value_whose_expiry_cannot_be_watched_is_not_kept),
      cmocka_unit_test(watching_does_not_keep_the_loop_alive),
      cmocka_unit_test(nothing_is_watched_when_nothing_expires),
      cmocka_unit_test(jump_of_the_wall_clock_is_noticed_within_half_a_second),
      cmocka_unit_test(stats_are_cut_or_zeroed_to_the_size_of_the_caller),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
