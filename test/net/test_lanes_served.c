/* What a member answers to requests for values in memory only, over every kind of listener; and
 * members that ask each other over fast lanes: freshness, removes, closing, allocation failures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "member.h"
#include "raw.h"

static gcache_group_stats_t stats_of(const struct member *m) {
  gcache_group_stats_t stats;

  gcache_group_stats(m->group, &stats);
  return stats;
}

/* ------------------------------------------------------------------------------- one member -- */

struct door {
  struct member m;
  struct raw *c;
};

static void door_open(struct door *d, void **state) {
  member_start(&d->m, *state, "A");
  d->c = raw_connect(*state, d->m.port);
}

static void door_close(struct door *d) {
  raw_close(d->c);
  run_loop_until(d->m.loop, &d->c->closed, 1);
  raw_free(d->c);
  member_end(&d->m);
}

static int answers(const struct door *d) {
  return raw_count(d->c, "HTTP/1.1 ");
}

static void until_answers(struct door *d, int n) {
  while (answers(d) < n)
    if (uv_run(d->m.loop, UV_RUN_ONCE) == 0) fail_msg("%d of %d answers", answers(d), n);
}

/* header: a line, or "". Its answer is all that has been received then. */
static void get(struct door *d, const char *key, const char *header) {
  char text[512];

  d->c->in_len = 0;
  snprintf(text, sizeof text, "GET /_groupcache/g/%s HTTP/1.1\r\nHost: x\r\n%s\r\n", key, header);
  raw_say(d->c, text);
  until_answers(d, 1);
  run_loop_turns(d->m.loop, 3);
  d->c->in[d->c->in_len] = '\0';
}

static int says(const struct door *d, const char *text) {
  return raw_find(d->c, text) != NULL;
}

#define ONLY "Cache-Control: only-if-cached\r\n"
#define FAST "Cache-Control: only-if-cached, max-stale\r\n"

static void only_what_is_in_memory_is_answered_and_nothing_loaded(void **state) {
  struct door d;

  door_open(&d, state);
  get(&d, "k", ONLY);
  assert_true(says(&d, "HTTP/1.1 504 "));
  assert_true(says(&d, "Gcache: 1\r\n"));
  assert_true(says(&d, "Gcache-Reason: not-cached\r\n"));
  assert_int_equal(d.m.loads, 0);
  get(&d, "k", "");
  assert_true(says(&d, "HTTP/1.1 200 "));
  get(&d, "k", ONLY);
  assert_true(says(&d, "HTTP/1.1 200 "));
  assert_true(says(&d, "A|k|1"));
  get(&d, "big:65536:", "");
  get(&d, "big:65536:", ONLY);
  assert_true(says(&d, "HTTP/1.1 200 "));
  get(&d, "big:65537:", "");
  get(&d, "big:65537:", ONLY);
  assert_true(says(&d, "HTTP/1.1 504 "));
  assert_true(says(&d, "Gcache-Reason: large\r\n"));
  assert_int_equal(d.m.loads, 3);
  door_close(&d);
}

static void cache_control_is_read_in_any_spelling(void **state) {
  static const char *const only[] = {
      "Cache-Control: only-if-cached\r\n",
      "cache-control:only-if-cached\r\n",
      "CACHE-CONTROL: Only-If-Cached \r\n",
      "Cache-Control: no-transform,only-if-cached\r\n",
      "Cache-Control: max-stale=60 , \tonly-if-cached\r\n",
      "Cache-Control: ,,only-if-cached,\r\n",
      "Cache-Control: max-stale\r\nCache-Control: only-if-cached\r\n",
      "Cache-Control: only-if-cached\r\nX-Other: 1\r\nCache-Control: no-store\r\n",
  };
  static const char *const other[] = {
      "Cache-Control: only-if-cache\r\n",    "Cache-Control: xonly-if-cached\r\n",
      "Cache-Control: only-if-cached=1\r\n", "Cache-Control: no-cache, max-stale\r\n",
      "Cache-Control: only if cached\r\n",   "Cache-Control:\r\n",
      "X-Cache-Control: only-if-cached\r\n",
  };
  struct door d;
  char key[16];

  door_open(&d, state);
  for (size_t i = 0; i < sizeof only / sizeof only[0]; i++) {
    get(&d, "never", only[i]);
    if (!says(&d, "HTTP/1.1 504 ")) fail_msg("%s", only[i]);
  }
  assert_int_equal(d.m.loads, 0);
  for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
    snprintf(key, sizeof key, "k%zu", i);
    get(&d, key, other[i]);
    if (!says(&d, "HTTP/1.1 200 ")) fail_msg("%s", other[i]);
  }
  door_close(&d);
}

/* HTTP/2 knows no other names of lines than those in small letters. */
static void new_owners_are_heard_in_any_spelling(void **state) {
  static const char *const spelt[] = {"Gcache-Handoff: any\r\nGcache-Newcomer",
                                      "gcache-handoff: any\r\ngcache-newcomer",
                                      "GCACHE-HANDOFF: any\r\nGCACHE-NEWCOMER"};
  static const char known[] = "http://127.0.0.1:1", unknown[] = "http://127.0.0.1:2";
  struct door d;
  char line[128];

  door_open(&d, state);
  assert_int_equal(gcache_set_peers(d.m.cache, (const char *const[]){d.m.url, known}, NULL, 2), 0);
  get(&d, "big:65537:", "");
  for (size_t i = 0; i < sizeof spelt / sizeof spelt[0]; i++) {
    snprintf(line, sizeof line, ONLY "%s: %s\r\n", spelt[i], unknown);
    get(&d, "big:65537:", line);
    if (!says(&d, "HTTP/1.1 200 ")) fail_msg("%s", line);
    snprintf(line, sizeof line, ONLY "%s: %s\r\n", spelt[i], known);
    get(&d, "big:65537:", line);
    if (!says(&d, "Gcache-Reason: not-new\r\n")) fail_msg("%s", line);
  }
  assert_int_equal(d.m.loads, 1);
  door_close(&d);
}

/* Whatever is wrong with a question is said as to all others. */
static void wrong_questions_are_refused_as_without_it(void **state) {
  struct door d;
  char key[9 * 1024];

  door_open(&d, state);
  d.c->in_len = 0;
  raw_say(d.c, "GET /_groupcache/nobody/k HTTP/1.1\r\nHost: x\r\n" FAST "\r\n");
  until_answers(&d, 1);
  run_loop_turns(d.m.loop, 3);
  assert_true(says(&d, "Gcache-Reason: no-group\r\n"));
  assert_true(says(&d, "no such group: nobody"));
  d.c->in_len = 0;
  raw_say(d.c, "GET /_groupcache/g/%zz HTTP/1.1\r\nHost: x\r\n" FAST "\r\n");
  until_answers(&d, 1);
  assert_true(says(&d, "HTTP/1.1 400 "));
  memset(key, 'k', sizeof key);
  key[400] = '\0';
  get(&d, key, FAST);
  assert_true(says(&d, "HTTP/1.1 504 "));
  door_close(&d);
}

static void ask_long(struct door *d, size_t len, const char *header, const char *expected) {
  char *text = malloc(len + 200);
  int at = sprintf(text, "GET /_groupcache/g/");

  memset(text + at, 'k', len);
  sprintf(text + at + len, " HTTP/1.1\r\nHost: x\r\n%s\r\n", header);
  d->c->in_len = 0;
  raw_say(d->c, text);
  free(text);
  until_answers(d, 1);
  run_loop_turns(d->m.loop, 3);
  if (!says(d, expected)) fail_msg("%zu: %.*s", len, (int)d->c->in_len, d->c->in);
}

static void keys_of_any_length_are_answered_alike(void **state) {
  static const size_t lens[] = {900, 1000, 1004, 1005, 1006, 1024, 2000, 4096};
  struct door d;

  door_open(&d, state);
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    int loads = d.m.loads;
    ask_long(&d, lens[i], FAST, "HTTP/1.1 504 ");
    assert_true(says(&d, "Gcache-Reason: not-cached"));
    assert_int_equal(d.m.loads, loads);
    ask_long(&d, lens[i], "", "HTTP/1.1 200 ");
    ask_long(&d, lens[i], FAST, "HTTP/1.1 200 ");
    assert_int_equal(d.m.loads, loads + 1);
  }
  ask_long(&d, 4097, FAST, "HTTP/1.1 414 ");
  ask_long(&d, 8000, FAST, "HTTP/1.1 414 ");
  ask_long(&d, 9000, FAST, "HTTP/1.1 414 ");
  door_close(&d);
}

static char *repeated(const char *text, int n) {
  size_t len = strlen(text);
  char *all = malloc(len * (size_t)n + 1);

  for (int i = 0; i < n; i++)
    memcpy(all + len * (size_t)i, text, len);
  all[len * (size_t)n] = '\0';
  return all;
}

static void answers_of_one_read_leave_in_one_write(void **state) {
  struct door d;
  char *text = repeated("GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n" FAST "\r\n", 50);
  int reads;

  door_open(&d, state);
  get(&d, "k", "");
  d.c->in_len = 0;
  reads = d.c->reads;
  raw_say(d.c, text);
  until_answers(&d, 50);
  assert_int_equal(d.c->reads, reads + 1);
  free(text);
  door_close(&d);
}

#define FLOOD 2000

/* What waits for a reader that does not read stays small, by reference or not; and all is answered in
 * the end, in order. */
static void reader_that_does_not_read_is_read_no_further(void **state) {
  struct door d;
  char *text = repeated("GET /_groupcache/g/big:60000: HTTP/1.1\r\nHost: x\r\n" FAST "\r\n", FLOOD);

  door_open(&d, state);
  get(&d, "big:60000:", "");
  d.c->in_len = 0;
  raw_pause(d.c);
  raw_say(d.c, text);
  run_loop_turns(d.m.loop, 300);
  assert_true(stats_of(&d.m).server_requests < FLOOD / 4); /* most of these are in the sockets */
  raw_resume(d.c);
  while (d.c->in_len < (size_t)FLOOD * 60000)
    assert_int_not_equal(uv_run(d.m.loop, UV_RUN_ONCE), 0);
  run_loop_turns(d.m.loop, 10);
  assert_int_equal(answers(&d), FLOOD);
  assert_int_equal(stats_of(&d.m).server_requests, FLOOD + 1);
  free(text);
  door_close(&d);
}

static void answers_that_wait_for_their_turn_are_few(void **state) {
  struct door d;
  char *text = repeated("GET /_groupcache/g/big:60000: HTTP/1.1\r\nHost: x\r\n" FAST "\r\n", 500);

  door_open(&d, state);
  get(&d, "big:60000:", "");
  d.c->in_len = 0;
  raw_say(d.c, "GET /_groupcache/g/hold:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  raw_say(d.c, text);
  run_loop_turns(d.m.loop, 100);
  assert_true(stats_of(&d.m).server_requests < 25); /* 1 MiB of them */
  assert_int_equal(answers(&d), 0);
  member_release(&d.m);
  while (d.c->in_len < 500u * 60000)
    assert_int_not_equal(uv_run(d.m.loop, UV_RUN_ONCE), 0);
  run_loop_turns(d.m.loop, 10);
  assert_int_equal(answers(&d), 501);
  free(text);
  door_close(&d);
}

/* ----------------------------------------------------------------------------------- mounted -- */

struct served {
  gcache_serve_t req;
  int done, http;
  char reason[32];
};

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  struct served *s = req->data;

  assert_int_equal(status, 0);
  s->done++;
  s->http = reply->status;
  for (size_t i = 0; i < reply->n_headers; i++)
    if (reply->headers[i].name.len == strlen("Gcache-Reason") &&
        memcmp(reply->headers[i].name.base, "Gcache-Reason", 13) == 0)
      snprintf(s->reason, sizeof s->reason, "%.*s", (int)reply->headers[i].value.len,
               (const char *)reply->headers[i].value.base);
}

static void serve(struct served *s, struct member *m, const char *key, const char *control) {
  gcache_header_t header = {gcache_cstr("cache-control"), gcache_cstr(control)};
  char path[64];
  gcache_http_request_t in = {
      .method = gcache_cstr("GET"), .headers = &header, .n_headers = control[0] != '\0'};

  snprintf(path, sizeof path, "/_groupcache/g/%s", key);
  in.path = gcache_cstr(path);
  memset(s, 0, sizeof *s);
  s->req.data = s;
  assert_int_equal(gcache_serve(&s->req, m->cache, &in, on_served), 0);
  assert_int_equal(s->done, 0); /* from the loop */
  run_loop_until(m->loop, &s->done, 1);
}

static void mounted_door_answers_from_memory_too(void **state) {
  struct member m;
  struct served s;

  member_start(&m, *state, "A");
  serve(&s, &m, "k", "only-if-cached");
  assert_int_equal(s.http, 504);
  assert_string_equal(s.reason, "not-cached");
  serve(&s, &m, "k", "");
  assert_int_equal(s.http, 200);
  serve(&s, &m, "k", "only-if-cached, max-stale");
  assert_int_equal(s.http, 200);
  serve(&s, &m, "big:65537:", "");
  serve(&s, &m, "big:65537:", "only-if-cached");
  assert_int_equal(s.http, 504);
  assert_string_equal(s.reason, "large");
  assert_int_equal(m.loads, 2);
  member_end(&m);
}

/* ----------------------------------------------------------------------------------- members -- */

static int64_t wall_ns;

static int64_t read_wall(void *data) {
  (void)data;
  return wall_ns;
}

static int loads, fails;
static gcache_load_t *held_load;
static int holds;

static void answer_load(gcache_load_t *load) {
  char text[32];

  if (fails) {
    gcache_load_fail(load, GCACHE_ENOTFOUND, "no such row");
    return;
  }
  snprintf(text, sizeof text, "v%d", loads);
  gcache_load_done_copy(load, gcache_cstr(text), 1000);
}

static void on_load(gcache_load_t *load) {
  loads++;
  if (holds)
    held_load = load;
  else
    answer_load(load);
}

/* An owner, and a client-only member that keeps nothing and asks it over fast lanes. */
struct two {
  struct member owner, client;
};

static void two_open(struct two *t, void **state, const gcache_group_options_t *like) {
  gcache_options_t o;
  gcache_group_options_t go = *like;
  const char *urls[1];

  loads = fails = holds = 0;
  wall_ns = INT64_C(1893456000000000000);
  go.size = sizeof go;
  go.max_bytes = 8 << 20;
  go.getter = on_load;
  member_options(&t->owner, &o, *state, "A");
  o.clock.unix_ns = read_wall;
  member_open(&t->owner, &o);
  assert_int_equal(gcache_group_open(&t->owner.group, t->owner.cache, "g", &go), 0);
  member_listen(&t->owner);
  member_options(&t->client, &o, *state, "c");
  o.clock.unix_ns = read_wall;
  member_open(&t->client, &o);
  assert_int_equal(gcache_group_open(&t->client.group, t->client.cache, "g", &go), 0);
  urls[0] = t->owner.url;
  assert_int_equal(gcache_set_peers(t->client.cache, urls, NULL, 1), 0);
}

static void two_close(struct two *t) {
  member_end(&t->client);
  member_end(&t->owner);
}

static void assert_got(struct two *t, const char *key, const char *value, uint64_t stale_ms) {
  struct asked a;

  ask(&a, &t->client, key);
  if (a.status != 0) fail_msg("%s: %s", gcache_strerror(a.status), a.reason);
  assert_string_equal(a.value, value);
  assert_int_equal(a.stale_ms, stale_ms);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
}

static uint64_t connections_in(const struct two *t) {
  gcache_stats_t stats;

  gcache_stats(t->owner.cache, &stats);
  return stats.connections_in;
}

static void warm_up(struct two *t) {
  struct asked a;

  for (int i = 0; i < 3; i++) {
    ask(&a, &t->client, "warm");
    assert_int_equal(a.status, 0);
    run_loop_turns(t->owner.loop, 10);
  }
  assert_int_equal(connections_in(t), 2);
  loads = 0;
}

static void pass(struct two *t, uint64_t ms) {
  wall_ns += (int64_t)ms * 1000000;
  run_loop_turns(t->owner.loop, 2);
}

static void stale_values_are_flagged_over_a_fast_lane_and_refreshed_behind(void **state) {
  struct two t;

  two_open(&t, state, &(gcache_group_options_t){.stale_ms = 5000});
  warm_up(&t);
  assert_got(&t, "k", "v1", 0);
  pass(&t, 1250);
  holds = 1;
  assert_got(&t, "k", "v1", 251);
  assert_got(&t, "k", "v1", 251);
  assert_int_equal(loads, 2);
  holds = 0;
  answer_load(held_load);
  run_loop_turns(*state, 5);
  assert_got(&t, "k", "v2", 0);
  pass(&t, 6001);
  assert_got(&t, "k", "v3", 0);
  two_close(&t);
}

static void absence_is_answered_over_a_fast_lane(void **state) {
  struct two t;
  struct asked a;

  two_open(&t, state, &(gcache_group_options_t){.not_found_ms = 60000});
  warm_up(&t);
  fails = 1;
  for (int i = 0; i < 3; i++) {
    ask(&a, &t.client, "k");
    assert_int_equal(a.status, GCACHE_ENOTFOUND);
    assert_string_equal(a.reason, "no such row");
  }
  assert_int_equal(loads, 1);
  two_close(&t);
}

static void change_and_wait(struct two *t, const char *key, const char *set) {
  struct changed c = {0};
  gcache_value_t *value;

  c.req.data = &c;
  if (set == NULL) {
    assert_int_equal(gcache_remove(&c.req, t->client.group, gcache_cstr(key), 0, on_changed), 0);
  } else {
    value = gcache_value_copy(t->client.cache, gcache_cstr(set), GCACHE_NEVER);
    assert_int_equal(gcache_set(&c.req, t->client.group, gcache_cstr(key), value, 0, on_changed),
                     0);
    gcache_value_unref(value);
  }
  run_loop_until(t->client.loop, &c.done, 1);
  assert_int_equal(c.status, 0);
}

/* At whatever moment of the gets that are under way. */
static void what_was_removed_or_set_is_not_seen_again(void **state) {
  struct two t;
  char set[16];

  two_open(&t, state, &(gcache_group_options_t){.stale_ms = 5000});
  warm_up(&t);
  for (int turns = 0; turns < 12; turns++) {
    struct asked under_way[4], a;
    for (int i = 0; i < 4; i++)
      ask_start(&under_way[i], &t.client, "k", 0);
    run_loop_turns(*state, turns);
    int before = loads;
    change_and_wait(&t, "k", NULL);
    ask(&a, &t.client, "k");
    assert_int_equal(a.status, 0);
    assert_true(atoi(a.value + 1) > before);
    snprintf(set, sizeof set, "s%d", turns);
    for (int i = 0; i < 4; i++) {
      run_loop_until(*state, &under_way[i].done, 1);
      ask_start(&under_way[i], &t.client, "k", 0);
    }
    run_loop_turns(*state, turns);
    change_and_wait(&t, "k", set);
    assert_got(&t, "k", set, 0);
    for (int i = 0; i < 4; i++)
      run_loop_until(*state, &under_way[i].done, 1);
    change_and_wait(&t, "k", NULL);
  }
  two_close(&t);
}

enum { TRAFFIC = 24 };

static void start_traffic(struct two *t, struct asked a[TRAFFIC]) {
  char key[16];

  for (int i = 0; i < TRAFFIC; i++) {
    snprintf(key, sizeof key, i % 3 == 0 ? "cold%d" : "k%d", i);
    ask_start(&a[i], &t->client, key, 0);
  }
}

static void closed_at_every_turn_of_traffic(void **state) {
  for (int turns = 0; turns < 24; turns++) {
    struct two t;
    struct asked a[TRAFFIC];

    two_open(&t, state, &(gcache_group_options_t){.size = 0});
    warm_up(&t);
    start_traffic(&t, a);
    run_loop_turns(*state, turns / 2);
    if (turns % 2 == 0) {
      member_end(&t.client);
    } else {
      member_end(&t.owner);
      for (int i = 0; i < TRAFFIC; i++) {
        run_loop_until(*state, &a[i].done, 1);
        assert_int_equal(a[i].status, 0); /* from there, or loaded here */
      }
    }
    for (int i = 0; i < TRAFFIC; i++)
      assert_int_equal(a[i].done, 1);
    two_close(&t);
  }
}

static void on_got_any(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asked *a = req->data;

  (void)value;
  a->done++;
  a->status = status;
}

/* The n-th allocation of one of them fails while they exchange, then all from there on. */
static size_t exchange_failing(struct two *t, struct oom *oom, size_t n, int all) {
  struct asked a[TRAFFIC] = {0};
  struct changed c = {0};
  size_t refused = oom->refused;
  char key[16];
  int wanted = 0;

  if (all)
    oom_fail_from(oom, n);
  else
    oom_fail_nth(oom, n);
  c.req.data = &c;
  for (int i = 0; i < TRAFFIC; i++) {
    a[i].req.data = &a[i];
    snprintf(key, sizeof key, i % 3 == 0 ? "cold%zu-%d" : "k", 2 * n + (size_t)all, i);
    if (gcache_get(&a[i].req, t->client.group, gcache_cstr(key), 0, on_got_any) < 0) a[i].done = 1;
  }
  if (gcache_remove(&c.req, t->client.group, gcache_cstr("r"), 0, on_changed) < 0) c.done = 1;
  for (int i = 0; i < TRAFFIC; i++) {
    run_loop_until(t->client.loop, &a[i].done, 1);
    assert_int_equal(a[i].done, 1);
    wanted += a[i].status == 0;
  }
  run_loop_until(t->client.loop, &c.done, 1);
  oom_heal(oom);
  if (oom->refused == refused) assert_int_equal(wanted, TRAFFIC);
  return oom->refused - refused;
}

static void lanes_survive_every_failure_of_memory(void **state) {
  for (int whose = 0; whose < 2; whose++) {
    size_t refused = 1;
    for (size_t n = 1; refused > 0; n++) {
      refused = 0;
      for (int all = 0; all < 2; all++) {
        struct two t;
        two_open(&t, state, &(gcache_group_options_t){.size = 0});
        warm_up(&t);
        refused += exchange_failing(&t, whose == 0 ? &t.client.oom : &t.owner.oom, n, all);
        two_close(&t);
      }
    }
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(only_what_is_in_memory_is_answered_and_nothing_loaded),
      TEST(cache_control_is_read_in_any_spelling),
      TEST(new_owners_are_heard_in_any_spelling),
      TEST(wrong_questions_are_refused_as_without_it),
      TEST(keys_of_any_length_are_answered_alike),
      TEST(answers_of_one_read_leave_in_one_write),
      TEST(reader_that_does_not_read_is_read_no_further),
      TEST(answers_that_wait_for_their_turn_are_few),
      TEST(mounted_door_answers_from_memory_too),
      TEST(stale_values_are_flagged_over_a_fast_lane_and_refreshed_behind),
      TEST(absence_is_answered_over_a_fast_lane),
      TEST(what_was_removed_or_set_is_not_seen_again),
      TEST(closed_at_every_turn_of_traffic),
      TEST(lanes_survive_every_failure_of_memory),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
