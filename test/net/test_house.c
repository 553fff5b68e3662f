/* Opening a cache, its list of peers, its messages and totals: what gcache.c does itself. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gcache/transport.h"
#include "member.h"
#include "raw.h"

/* -------------------------------------------------------------------------------- options ---- */

static char logged[512];

static void on_log(void *data, gcache_log_level_t level, const char *line) {
  (void)data;
  (void)level;
  snprintf(logged, sizeof logged, "%s", line);
}

static void never(gcache_transport_t *t, gcache_call_t *call) {
  (void)t;
  (void)call;
  fail_msg("nobody asks here");
}

static void assert_refused(const gcache_options_t *o, const char *option) {
  gcache_t *cache;

  logged[0] = '\0';
  assert_int_equal(gcache_open(&cache, o), UV_EINVAL);
  if (strstr(logged, option) == NULL) fail_msg("%s not named in: %s", option, logged);
}

static gcache_options_t sound(void **state) {
  gcache_options_t o;

  gcache_options_init(&o);
  o.loop = *state;
  o.log = on_log;
  return o;
}

static void impossible_option_is_refused_by_name(void **state) {
  static const char *const paths[] = {"",      "a/",    "/a",     "/a b/", "/a%20/",
                                      "/a?b/", "/a#b/", "/\x7f/", "/\xc3/"};
  static const char *const urls[] = {"", "10.0.0.1:80", "ftp://a:1", "https://a:0", "http://a/b"};
  gcache_transport_t transport = {0};
  gcache_options_t o = sound(state);

  o.loop = NULL;
  assert_refused(&o, "loop");
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    o = sound(state);
    o.base_path = paths[i];
    assert_refused(&o, "base_path");
  }
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    o = sound(state);
    o.self = urls[i];
    assert_refused(&o, "self");
  }
  o = sound(state);
  o.dialect = (gcache_dialect_t)4;
  assert_refused(&o, "dialect");
  o = sound(state);
  o.http = (gcache_http_t)3;
  assert_refused(&o, "http");
  o = sound(state);
  o.replicas = 10001;
  assert_refused(&o, "replicas");
  o = sound(state);
  o.limits.value_max = SIZE_MAX;
  assert_refused(&o, "limits.value_max");
  o = sound(state);
  o.transport = &transport;
  assert_refused(&o, "transport");
  transport.size = sizeof transport;
  assert_refused(&o, "transport");
}

static void on_closed(void *arg) {
  ++*(int *)arg;
}

static void open_and_close(const gcache_options_t *o) {
  gcache_t *cache;
  int closed = 0;

  assert_int_equal(gcache_open(&cache, o), 0);
  gcache_close(cache, on_closed, &closed);
  assert_int_equal(closed, 0);
  run_loop_until((uv_loop_t *)o->loop, &closed, 1);
}

struct later_options {
  gcache_options_t known;
  uint64_t unknown;
};

static void options_of_other_versions_are_understood(void **state) {
  struct later_options later = {.known = sound(state)};
  gcache_options_t o = sound(state);

  later.known.size = sizeof later;
  open_and_close(&later.known);
  later.unknown = 1;
  assert_refused(&later.known, "size");
  o.size = offsetof(gcache_options_t, self); /* an older one: what lies behind is not read */
  o.self = "no URL";
  open_and_close(&o);
  o.size = 8;
  assert_int_equal(gcache_open(NULL, &o), UV_EINVAL);
}

static int transport_closed;

static void close_transport(gcache_transport_t *t, gcache_closed_cb closed, void *arg) {
  (void)t;
  transport_closed++;
  closed(arg); /* at once */
}

static void transport_of_ones_own_is_closed_with_the_cache(void **state) {
  gcache_transport_t t = {.size = sizeof t, .start = never, .close = close_transport};
  gcache_options_t o = sound(state);

  transport_closed = 0;
  o.transport = &t;
  open_and_close(&o);
  assert_int_equal(transport_closed, 1);
  t.size = offsetof(gcache_transport_t, close); /* compiled before there was a close */
  open_and_close(&o);
  assert_int_equal(transport_closed, 1);
}

static void open_in_failing_memory(struct oom *oom, void *arg) {
  gcache_options_t o;
  gcache_t *cache;
  int closed = 0;

  gcache_options_init(&o);
  o.loop = arg;
  o.mem = oom_mem(oom);
  o.self = "http://a:1";
  if (gcache_open(&cache, &o) == 0) {
    gcache_close(cache, on_closed, &closed);
    run_loop_until(arg, &closed, 1);
  } else {
    run_loop_turns(arg, 2);
  }
}

static void open_fails_cleanly_without_memory(void **state) {
  assert_true(oom_sweep(open_in_failing_memory, *state) >= 3);
}

/* ---------------------------------------------------------------------------------- peers ---- */

static void bad_peer_list_leaves_the_old_one(void **state) {
  const char *good[] = {"http://a:1", "http://b:1"};
  const char *no_url[] = {"http://a:1", "ftp://b:1"};
  const char *twice[] = {"http://a:1", "http://b:1", "http://b:1"};
  const char *without_self[] = {"http://b:1", "http://c:1"};
  const char *null[] = {"http://a:1", NULL};
  const char *without_tls[] = {"http://a:1", "https://b:1"};
  unsigned none[] = {1, 0}, many[] = {1, 1001}, weights[] = {1000, 1};
  struct member m;
  gcache_options_t o;
  gcache_stats_t stats;

  member_options(&m, &o, *state, "A");
  o.self = "http://a:1";
  member_open(&m, &o);
  assert_int_equal(gcache_set_peers(m.cache, good, NULL, 2), 0);
  assert_int_equal(gcache_set_peers(m.cache, no_url, NULL, 2), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, null, NULL, 2), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, without_tls, NULL, 2), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, twice, NULL, 3), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, good, none, 2), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, good, many, 2), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, without_self, NULL, 2), GCACHE_ESELF);
  gcache_stats(m.cache, &stats);
  assert_int_equal(stats.peers, 2);
  assert_int_equal(gcache_set_peers(m.cache, good, weights, 2), 0);
  assert_int_equal(gcache_set_peers(m.cache, NULL, NULL, 0), 0);
  gcache_stats(m.cache, &stats);
  assert_int_equal(stats.peers, 0);
  member_end(&m);
}

static void self_can_be_learnt_late_and_once(void **state) {
  const char *urls[] = {"http://a:1", "http://b:1"};
  struct member m;
  gcache_options_t o;

  member_options(&m, &o, *state, "A");
  member_open(&m, &o);
  assert_null(gcache_owner(m.cache, gcache_cstr("k")));
  assert_int_equal(gcache_set_self(m.cache, "a:1"), UV_EINVAL);
  assert_int_equal(gcache_set_self(m.cache, "http://a:1"), 0);
  assert_string_equal(gcache_owner(m.cache, gcache_cstr("k")), "http://a:1");
  assert_int_equal(gcache_set_self(m.cache, "http://a:1"), UV_EINVAL);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 2), 0);
  member_end(&m);
  member_options(&m, &o, *state, "A"); /* a client-only member remains one */
  member_open(&m, &o);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 2), 0);
  assert_int_equal(gcache_set_self(m.cache, "http://a:1"), UV_EINVAL);
  member_end(&m);
}

/* Vectors of the Go systems; groupcache-go hashes host:port where the others hash the URL. */
static void owners_are_those_of_the_go_systems(void **state) {
  static const char *const urls[] = {"http://10.0.0.1:8080", "http://10.0.0.2:8080",
                                     "http://10.0.0.3:8080"};
  static const char *const keys[] = {"12345", "user:1", "user:2", "a b/c,d", ""};
  static const char owners[][6] = {[GCACHE_DIALECT_GOLANG] = "CBAAA",
                                   [GCACHE_DIALECT_MAILGUN] = "CCCCB",
                                   [GCACHE_DIALECT_GROUPCACHE_GO] = "CCCCA"};
  struct member m;
  gcache_options_t o;

  for (int dialect = GCACHE_DIALECT_MAILGUN; dialect <= GCACHE_DIALECT_GOLANG; dialect++) {
    member_options(&m, &o, *state, "A");
    o.dialect = (gcache_dialect_t)dialect;
    member_open(&m, &o);
    assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 3), 0);
    for (int i = 0; i < 5; i++)
      assert_string_equal(gcache_owner(m.cache, gcache_cstr(keys[i])),
                          urls[owners[dialect][i] - 'A']);
    member_end(&m);
  }
}

/* The loop has something to do until it is in force, and nothing afterwards. Closed with one on its
 * way. */
static void a_long_list_is_in_force_when_the_loop_rests(void **state) {
  enum { N = 300 };
  static char text[N][24];
  const char *urls[N];
  struct member m;
  gcache_options_t o;
  gcache_stats_t stats;

  for (int i = 0; i < N; i++) {
    snprintf(text[i], sizeof text[i], "http://10.0.%d.%d:80", i / 200, i % 200);
    urls[i] = text[i];
  }
  member_options(&m, &o, *state, "A");
  o.self = urls[7];
  member_open(&m, &o);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, N), 0);
  gcache_stats(m.cache, &stats);
  assert_true(stats.peers == 0 && stats.peers_coming == N);
  while (uv_run(m.loop, UV_RUN_NOWAIT)) {
  }
  gcache_stats(m.cache, &stats);
  assert_true(stats.peers == N && stats.peers_coming == 0 && stats.peers_error == 0);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, N - 1), 0);
  uv_run(m.loop, UV_RUN_NOWAIT);
  member_end(&m);
}

/* --------------------------------------------------------------------------- words, totals -- */

static void every_code_has_a_name_and_a_text(void **state) {
  (void)state;
  assert_string_equal(gcache_err_name(GCACHE_ELOAD), "GCACHE_ELOAD");
  assert_string_equal(gcache_strerror(GCACHE_ENOGROUP), "no such group");
  assert_string_equal(gcache_err_name(UV_ETIMEDOUT), "UV_ETIMEDOUT");
  assert_string_equal(gcache_strerror(UV_ECONNREFUSED), uv_strerror(UV_ECONNREFUSED));
  assert_string_equal(gcache_err_name(0), "OK");
  assert_string_equal(gcache_err_name(-19999), "UNKNOWN");
  assert_string_equal(gcache_strerror(-19999), "unknown error");
  assert_string_equal(gcache_strerror(1), "unknown error");
#define XX(name, text)                                          \
  assert_string_equal(gcache_err_name(UV_##name), "UV_" #name); \
  assert_string_equal(gcache_strerror(UV_##name), text);
  UV_ERRNO_MAP(XX)
#undef XX
}

static void version_is_that_of_the_header(void **state) {
  char text[32];

  (void)state;
  snprintf(text, sizeof text, "%d.%d.%d", GCACHE_VERSION_MAJOR, GCACHE_VERSION_MINOR,
           GCACHE_VERSION_PATCH);
  assert_string_equal(gcache_version_string(), text);
}

static void totals_fit_the_callers_struct(void **state) {
  struct {
    gcache_stats_t known;
    uint64_t unknown;
  } later;
  uint64_t two[3] = {0, 0, 99};
  struct member m;

  member_start(&m, *state, "A");
  member_group(&m, "h");
  memset(&later, 0xff, sizeof later);
  gcache_stats_size(m.cache, &later.known, sizeof later);
  assert_int_equal(later.known.groups, 2);
  assert_int_equal(later.known.memory_bytes, m.oom.bytes);
  assert_int_equal(later.unknown, 0);
  gcache_stats_size(m.cache, (gcache_stats_t *)(void *)two, 2 * sizeof two[0]);
  assert_int_equal(two[0], 2);
  assert_int_equal(two[2], 99);
  member_end(&m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(impossible_option_is_refused_by_name),
      TEST(options_of_other_versions_are_understood),
      TEST(transport_of_ones_own_is_closed_with_the_cache),
      TEST(open_fails_cleanly_without_memory),
      TEST(bad_peer_list_leaves_the_old_one),
      TEST(self_can_be_learnt_late_and_once),
      TEST(owners_are_those_of_the_go_systems),
      TEST(a_long_list_is_in_force_when_the_loop_rests),
      cmocka_unit_test(every_code_has_a_name_and_a_text),
      cmocka_unit_test(version_is_that_of_the_header),
      TEST(totals_fit_the_callers_struct),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
