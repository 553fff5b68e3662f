/* Freshness between members over real sockets, in a time that the test moves: what owners tell
 * clients that are gcache, and what other clients get; byte for byte through gcache_serve(). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define N 3
#define START_NS INT64_C(1893456000000000000)
#define EXPIRE_BYTES "\x18\x80\x94\xbf\x8b\xb7\x86\xba\xa3\x1a" /* START_NS + 1 s, field 3 */

static int64_t wall_ns; /* of every member */

static int64_t read_wall(void *data) {
  (void)data;
  return wall_ns;
}

/* A member whose getter the test tells what to do. */
struct fresh {
  struct member m;
  int loads;
  int status; /* what the getter fails with; 0: it gives a value that lives a second */
  int holds;  /* it does not answer yet */
  gcache_load_t *held;
  const gcache_windows_t *windows; /* of the values; NULL: none */
};

static void answer(struct fresh *f, gcache_load_t *load) {
  char text[32];

  if (f->status != 0) {
    gcache_load_fail(load, f->status, "told to");
    return;
  }
  snprintf(text, sizeof text, "%s%d", f->m.name, f->loads);
  gcache_value_t *value = gcache_value_copy(f->m.cache, gcache_cstr(text),
                                            gcache_expire_in(f->m.cache, 1000));
  if (f->windows != NULL) assert_int_equal(gcache_value_freshen(value, f->windows), 0);
  gcache_load_done(load, value);
}

static void on_load(gcache_load_t *load) {
  struct fresh *f = gcache_group_data(gcache_load_group(load));

  f->loads++;
  if (f->holds)
    f->held = load;
  else
    answer(f, load);
}

static void release(struct fresh *f) {
  gcache_load_t *load = f->held;

  f->holds = 0;
  f->held = NULL;
  assert_non_null(load);
  answer(f, load);
}

static void open_one(struct fresh *f, void **state, const char *name,
                     const gcache_group_options_t *like) {
  gcache_options_t o;
  gcache_group_options_t go = *like;

  memset(f, 0, sizeof *f);
  member_options(&f->m, &o, *state, name);
  o.clock.unix_ns = read_wall;
  member_open(&f->m, &o);
  go.size = sizeof go;
  go.max_bytes = 1 << 20;
  go.getter = on_load;
  go.data = f;
  assert_int_equal(gcache_group_open(&f->m.group, f->m.cache, "g", &go), 0);
  member_listen(&f->m);
}

static void cluster_open(struct fresh f[N], void **state, const gcache_group_options_t *like) {
  static const char *const names[N] = {"A", "B", "C"};
  const char *urls[N];

  wall_ns = START_NS;
  for (int i = 0; i < N; i++) {
    open_one(&f[i], state, names[i], like);
    urls[i] = f[i].m.url;
  }
  for (int i = 0; i < N; i++)
    assert_int_equal(gcache_set_peers(f[i].m.cache, urls, NULL, N), 0);
}

static void cluster_close(struct fresh f[N]) {
  for (int i = 0; i < N; i++)
    member_end(&f[i].m);
}

/* The clock is read once a turn. */
static void pass(struct fresh *f, uint64_t ms) {
  wall_ns += (int64_t)ms * 1000000;
  run_loop_turns(f->m.loop, 2);
}

static gcache_group_stats_t stats_of(const struct fresh *f) {
  gcache_group_stats_t stats;

  gcache_group_stats(f->m.group, &stats);
  return stats;
}

static void assert_asked(struct fresh *f, const char *key, const char *value, gcache_from_t from,
                         uint64_t stale_ms) {
  struct asked a;

  ask(&a, &f->m, key);
  if (a.status != 0) fail_msg("%s: %s", gcache_strerror(a.status), a.reason);
  assert_string_equal(a.value, value);
  assert_int_equal(a.from, from);
  assert_int_equal(a.stale_ms, stale_ms);
}

static void assert_failed(struct fresh *f, const char *key, int status) {
  struct asked a;

  ask(&a, &f->m, key);
  assert_int_equal(a.status, status);
  assert_int_equal(a.stale_ms, 0);
}

static int is_busy(const struct fresh *f) {
  gcache_peer_stats_t peer;
  uint64_t running = stats_of(f).loading;

  for (size_t i = 0; gcache_peer_stats(f->m.cache, i, &peer) == 0; i++)
    running += peer.running;
  return running > 0;
}

/* Until what runs behind a hit has ended everywhere. */
static void settle(struct fresh f[N]) {
  do {
    run_loop_turns(f[0].m.loop, 10);
  } while (is_busy(&f[0]) || is_busy(&f[1]) || is_busy(&f[2]));
}

/* -------------------------------------------------------------------------------- members -- */

static void asker_gets_a_stale_value_flagged_and_does_not_keep_it(void **state) {
  struct fresh f[N];
  char key[32];

  cluster_open(f, state, &(gcache_group_options_t){.stale_ms = 5000});
  member_key(&f[0].m, "k", key, sizeof key);
  assert_asked(&f[0], key, "A1", GCACHE_FROM_LOAD, 0);
  pass(f, 1250);
  f[0].holds = 1;
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 250);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 250);
  assert_int_equal(stats_of(&f[1]).hot.items, 0);
  release(&f[0]);
  assert_asked(&f[1], key, "A2", GCACHE_FROM_PEER, 0);
  assert_asked(&f[1], key, "A2", GCACHE_FROM_HOT, 0);
  assert_int_equal(f[0].loads, 2);
  cluster_close(f);
}

static void stale_copies_of_all_are_one_load_at_the_owner(void **state) {
  struct fresh f[N];
  char key[32];

  cluster_open(f, state, &(gcache_group_options_t){.stale_ms = 5000});
  member_key(&f[0].m, "k", key, sizeof key);
  for (int i = 0; i < N; i++)
    assert_asked(&f[i], key, "A1", i == 0 ? GCACHE_FROM_LOAD : GCACHE_FROM_PEER, 0);
  pass(f, 1250);
  f[0].holds = 1;
  for (int i = N - 1; i >= 0; i--)
    assert_asked(&f[i], key, "A1", i == 0 ? GCACHE_FROM_MAIN : GCACHE_FROM_HOT, 250);
  while (f[0].held == NULL)
    uv_run(f[0].m.loop, UV_RUN_ONCE);
  release(&f[0]);
  settle(f);
  for (int i = 0; i < N; i++)
    assert_asked(&f[i], key, "A2", i == 0 ? GCACHE_FROM_MAIN : GCACHE_FROM_HOT, 0);
  assert_int_equal(f[0].loads, 2);
  assert_int_equal(f[1].loads + f[2].loads, 0);
  cluster_close(f);
}

static void hot_copy_is_refreshed_ahead_through_the_owner(void **state) {
  struct fresh f[N];
  char key[32];

  cluster_open(f, state, &(gcache_group_options_t){.refresh_ahead_ms = 400});
  member_key(&f[0].m, "k", key, sizeof key);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 0);
  pass(f, 850);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_HOT, 0);
  settle(f);
  assert_asked(&f[1], key, "A2", GCACHE_FROM_HOT, 0);
  pass(f, 700);
  assert_asked(&f[1], key, "A2", GCACHE_FROM_HOT, 0);
  assert_int_equal(f[0].loads, 2);
  cluster_close(f);
}

static void old_value_stands_in_for_a_getter_that_fails_and_an_owner_that_is_gone(void **state) {
  struct fresh f[N];
  char key[32];

  cluster_open(f, state, &(gcache_group_options_t){.error_ms = 5000});
  member_key_then(&f[0].m, &f[2].m, "k", key, sizeof key);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 0);
  pass(f, 1250);
  for (int i = 0; i < N; i++)
    f[i].status = GCACHE_ELOAD;
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 250); /* the owner has it, and says so */
  assert_asked(&f[2], key, "A1", GCACHE_FROM_PEER, 250);
  member_end(&f[0].m);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_HOT, 250);
  assert_failed(&f[2], key, GCACHE_ELOAD);
  cluster_close(f);
}

static void absence_is_known_to_askers_until_a_set(void **state) {
  struct fresh f[N];
  struct changed c = {0};
  char key[32];

  cluster_open(f, state, &(gcache_group_options_t){.not_found_ms = 60000});
  member_key(&f[0].m, "k", key, sizeof key);
  f[0].status = GCACHE_ENOTFOUND;
  for (int round = 0; round < 2; round++)
    for (int i = 1; i < N; i++)
      assert_failed(&f[i], key, GCACHE_ENOTFOUND);
  assert_int_equal(f[0].loads, 1);
  assert_int_equal(stats_of(&f[0]).server_requests, 2);
  gcache_value_t *value = gcache_value_copy(f[2].m.cache, gcache_cstr("set"), GCACHE_NEVER);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, f[2].m.group, gcache_cstr(key), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(f[2].m.loop, &c.done, 1);
  assert_int_equal(c.status, 0);
  for (int i = 1; i < N; i++)
    assert_asked(&f[i], key, "set", GCACHE_FROM_PEER, 0);
  cluster_close(f);
}

static void windows_of_a_value_travel_with_it(void **state) {
  static const gcache_windows_t windows = {.stale_ms = 300, .hot_max_ms = 700};
  struct fresh f[N];
  struct changed c = {0};
  gcache_windows_t out;
  char key[32], other[32];

  cluster_open(f, state, &(gcache_group_options_t){.size = 0});
  member_key(&f[0].m, "k", key, sizeof key);
  f[0].windows = &windows;
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 0);
  pass(f, 600);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_HOT, 0);
  pass(f, 100); /* the copy's ceiling, also for stale_ms; the owner has it fresh: no load */
  assert_asked(&f[1], key, "A1", GCACHE_FROM_PEER, 0);
  assert_asked(&f[1], key, "A1", GCACHE_FROM_HOT, 0);
  assert_int_equal(f[0].loads, 1);

  member_key(&f[0].m, "set", other, sizeof other);
  gcache_value_t *value = gcache_value_copy(f[2].m.cache, gcache_cstr("set"), GCACHE_NEVER);
  assert_int_equal(gcache_value_freshen(value, &windows), 0);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, f[2].m.group, gcache_cstr(other), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(f[2].m.loop, &c.done, 1);
  value = gcache_peek(f[0].m.group, gcache_cstr(other));
  assert_int_equal(gcache_value_windows(value, &out), 0);
  assert_memory_equal(&out, &windows, sizeof out);
  gcache_value_unref(value);
  cluster_close(f);
}

/* -------------------------------------------------------------------------------- bytes -- */

struct served {
  gcache_serve_t req;
  int done, http;
  char not_found_ms[24], body[128];
  size_t body_len;
};

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  struct served *s = req->data;

  assert_int_equal(status, 0);
  s->done++;
  s->http = reply->status;
  for (size_t i = 0; i < reply->n_headers; i++) {
    const gcache_header_t *h = &reply->headers[i];
    if (h->name.len == strlen("Gcache-Not-Found-Ms") &&
        memcmp(h->name.base, "Gcache-Not-Found-Ms", h->name.len) == 0)
      snprintf(s->not_found_ms, sizeof s->not_found_ms, "%.*s", (int)h->value.len,
               (const char *)h->value.base);
  }
  for (int i = 0; i < 3; i++) {
    assert_true(s->body_len + reply->part[i].len <= sizeof s->body);
    if (reply->part[i].len > 0)
      memcpy(s->body + s->body_len, reply->part[i].base, reply->part[i].len);
    s->body_len += reply->part[i].len;
  }
}

/* name NULL: as Go asks. */
static void serve_start(struct served *s, struct fresh *f, const char *name, const char *value) {
  gcache_header_t header = {gcache_cstr(name), gcache_cstr(value)};
  gcache_http_request_t in = {.method = gcache_cstr("GET"),
                              .path = gcache_cstr("/_groupcache/g/k"),
                              .headers = &header,
                              .n_headers = name == NULL ? 0 : 1};

  memset(s, 0, sizeof *s);
  s->req.data = s;
  assert_int_equal(gcache_serve(&s->req, f->m.cache, &in, on_served), 0);
}

static void serve(struct served *s, struct fresh *f, const char *name, const char *value) {
  serve_start(s, f, name, value);
  run_loop_until(f->m.loop, &s->done, 1);
}

static void assert_body(const struct served *s, const char *bytes, size_t len) {
  assert_int_equal(s->http, 200);
  assert_int_equal(s->body_len, len);
  assert_memory_equal(s->body, bytes, len);
}

#define ASSERT_BODY(s, literal) assert_body(s, literal, sizeof literal - 1)

static void one_open(struct fresh *f, void **state, const gcache_group_options_t *like) {
  wall_ns = START_NS;
  open_one(f, state, "A", like);
}

static void only_gcache_is_told_that_a_value_is_stale_others_wait(void **state) {
  struct fresh f;
  struct served gcache, client, go;

  one_open(&f, state, &(gcache_group_options_t){.stale_ms = 5000});
  serve(&gcache, &f, "Gcache-From", "http://b:1");
  ASSERT_BODY(&gcache, "\x0a\x02"
                       "A1" EXPIRE_BYTES);
  pass(&f, 1250);
  f.holds = 1;
  serve(&gcache, &f, "Gcache-From", "http://b:1");
  ASSERT_BODY(&gcache, "\x0a\x02"
                       "A1" EXPIRE_BYTES "\x80\x01\xfa\x01");
  serve(&client, &f, "Gcache-Timeout-Ms", "1000"); /* client-only members have no URL */
  ASSERT_BODY(&client, "\x0a\x02"
                       "A1" EXPIRE_BYTES "\x80\x01\xfa\x01");
  serve_start(&go, &f, NULL, "");
  run_loop_turns(f.m.loop, 20);
  assert_int_equal(go.done, 0);
  f.windows = &(gcache_windows_t){0};
  release(&f);
  run_loop_until(f.m.loop, &go.done, 1);
  assert_int_equal(go.body_len, 14); /* the new one, without a word of its windows */
  assert_memory_equal(go.body,
                      "\x0a\x02"
                      "A2",
                      4);
  serve(&gcache, &f, "Gcache-From", "http://b:1");
  assert_int_equal(gcache.body_len, 17);
  assert_memory_equal(gcache.body + 14, "\x88\x01\x00", 3);
  assert_int_equal(f.loads, 2);
  member_end(&f.m);
}

static void only_gcache_gets_the_old_value_when_the_getter_fails(void **state) {
  struct fresh f;
  struct served s;

  one_open(&f, state, &(gcache_group_options_t){.error_ms = 5000});
  serve(&s, &f, NULL, "");
  pass(&f, 1250);
  f.status = GCACHE_ELOAD;
  serve(&s, &f, NULL, "");
  assert_int_equal(s.http, 503);
  serve(&s, &f, "Gcache-From", "http://b:1");
  ASSERT_BODY(&s, "\x0a\x02"
                  "A1" EXPIRE_BYTES "\x80\x01\xfa\x01");
  member_end(&f.m);
}

static void only_gcache_is_told_how_long_absence_holds(void **state) {
  struct fresh f;
  struct served s;

  one_open(&f, state, &(gcache_group_options_t){.not_found_ms = 5000});
  f.status = GCACHE_ENOTFOUND;
  serve(&s, &f, NULL, "");
  assert_int_equal(s.http, 404);
  assert_string_equal(s.not_found_ms, "");
  pass(&f, 1000);
  serve(&s, &f, "Gcache-From", "http://b:1");
  assert_int_equal(s.http, 404);
  assert_string_equal(s.not_found_ms, "4000");
  assert_int_equal(f.loads, 1);
  member_end(&f.m);
}

static void newer_than_what_is_here_is_loaded_and_nonsense_refused(void **state) {
  struct fresh f;
  struct served s;

  one_open(&f, state, &(gcache_group_options_t){.size = 0});
  serve(&s, &f, "Gcache-From", "http://b:1");
  serve(&s, &f, "Gcache-Newer-Than", "1893456000999999999");
  assert_int_equal(f.loads, 1);
  serve(&s, &f, "Gcache-Newer-Than", "9223372036854775807");
  assert_int_equal(f.loads, 1); /* who does not say that he is gcache is not heard */
  assert_int_equal(s.http, 200);
  static const char *const wrong[] = {"", "-1", "x", "9223372036854775808", "18446744073709551616"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    serve(&s, &f, "Gcache-Newer-Than", wrong[i]);
    assert_int_equal(s.http, 400);
  }
  member_end(&f.m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(asker_gets_a_stale_value_flagged_and_does_not_keep_it),
      TEST(stale_copies_of_all_are_one_load_at_the_owner),
      TEST(hot_copy_is_refreshed_ahead_through_the_owner),
      TEST(old_value_stands_in_for_a_getter_that_fails_and_an_owner_that_is_gone),
      TEST(absence_is_known_to_askers_until_a_set),
      TEST(windows_of_a_value_travel_with_it),
      TEST(only_gcache_is_told_that_a_value_is_stale_others_wait),
      TEST(only_gcache_gets_the_old_value_when_the_getter_fails),
      TEST(only_gcache_is_told_how_long_absence_holds),
      TEST(newer_than_what_is_here_is_loaded_and_nonsense_refused),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
