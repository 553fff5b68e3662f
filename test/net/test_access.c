/* Peer routes that are closed to strangers: by address, by a shared secret, by certificates (these
 * in test_secure.c); over HTTP/1.1 and HTTP/2, before a body is read; and how the client side
 * reacts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "core/core.h"
#include "door/auth.h"
#include "door/door.h"
#include "gcache/transport.h"
#include "http/h2.h"
#include "member.h"
#include "net/hmac.h"
#include "raw.h"

#define SECRET "0123456789abcdef-the shared one"

static char logged[20][512];
static int n_logged;

static void on_log(void *data, gcache_log_level_t level, const char *line) {
  (void)data;
  if (level == GCACHE_LOG_WARN && n_logged < 20)
    snprintf(logged[n_logged++], sizeof logged[0], "%s", line);
}

static void start_with(struct member *m, uv_loop_t *loop, const char *name,
                       const gcache_access_t *access, gcache_http_t http) {
  gcache_options_t o;

  member_options(m, &o, loop, name);
  o.access = *access;
  o.http = http;
  o.log = on_log;
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static uint64_t forbidden(const struct member *m) {
  gcache_stats_t stats;

  gcache_stats(m->cache, &stats);
  return stats.forbidden;
}

static const gcache_access_t signing = {.secret = SECRET, .secret_len = sizeof SECRET - 1};

static void needs_hmac(void) {
  if (!gci_hmac_built_in()) skip();
}

static void each_http(void (*story)(void **state, gcache_http_t http), void **state) {
  story(state, GCACHE_HTTP_1);
  story(state, GCACHE_HTTP_AUTO);
  if (gci_h2_built_in()) story(state, GCACHE_HTTP_2);
}

/* Sends it from that address of loopback, and reads until the other side ends. */
static struct raw *say_from(uv_loop_t *loop, struct member *m, const char *from,
                            const char *request) {
  struct raw *c = raw_connect_from(loop, from, m->port);

  raw_say(c, request);
  run_loop_until(loop, &c->ended, 1);
  return c;
}

static void hang_up(uv_loop_t *loop, struct raw *c) {
  raw_close(c);
  run_loop_until(loop, &c->closed, 1);
  raw_free(c);
}

static void expect_from(struct member *m, const char *from, const char *request, const char *first,
                        const char *text) {
  struct raw *c = say_from(m->loop, m, from, request);

  if (strncmp(c->in, first, strlen(first)) != 0 || raw_find(c, text) == NULL)
    fail_msg("%s, %s: neither %s nor %s in: %s", from, request, first, text, c->in);
  hang_up(m->loop, c);
}

#define CLOSE "Host: a\r\nConnection: close\r\n\r\n"
#define OK "HTTP/1.1 200 "
#define FORBIDDEN "HTTP/1.1 403 "

/* --------------------------------------------------------------------------------- options -- */

static void refused_as(void **state, const gcache_access_t *access, int status, const char *word) {
  struct member m;
  gcache_options_t o;

  member_options(&m, &o, *state, "m");
  o.access = *access;
  o.log = on_log;
  n_logged = 0;
  assert_int_equal(gcache_open(&m.cache, &o), status);
  assert_int_equal(n_logged, 1);
  if (strstr(logged[0], word) == NULL) fail_msg("no %s in: %s", word, logged[0]);
  assert_int_equal(m.oom.blocks, 0);
}

static void impossible_access_is_refused_by_name(void **state) {
  static const char *const bad[] = {"10.0.0.0/8", "10.0.0.0/33"}, *const odd[] = {"\x01\x02"};
  gcache_access_t a = {.write = GCACHE_ACCESS_ANYONE};

  refused_as(state, &a, UV_EINVAL, "access.write");
  a = (gcache_access_t){.read = (gcache_access_who_t)3};
  refused_as(state, &a, UV_EINVAL, "access.read");
  a = (gcache_access_t){.read = GCACHE_ACCESS_LISTED};
  refused_as(state, &a, UV_EINVAL, "access.addresses");
  a = (gcache_access_t){.addresses = bad, .n_addresses = 1};
  refused_as(state, &a, UV_EINVAL, "access.addresses");
  a = (gcache_access_t){.read = GCACHE_ACCESS_LISTED, .addresses = bad, .n_addresses = 2};
  refused_as(state, &a, UV_EINVAL, "10.0.0.0/33");
  a = (gcache_access_t){.read = GCACHE_ACCESS_LISTED, .addresses = odd, .n_addresses = 1};
  refused_as(state, &a, UV_EINVAL, ": ??");
  a = (gcache_access_t){.secret = "0123456789abcde", .secret_len = 15};
  refused_as(state, &a, UV_EINVAL, "access.secret_len");
  a.secret_len = 257;
  refused_as(state, &a, UV_EINVAL, "access.secret_len");
  a = (gcache_access_t){.secret_len = 16};
  refused_as(state, &a, UV_EINVAL, "access.secret");
  a = signing;
  a.secret_for = (gcache_secret_for_t)2;
  refused_as(state, &a, UV_EINVAL, "access.secret_for");
  a = (gcache_access_t){.skew_ms = 999};
  refused_as(state, &a, UV_EINVAL, "access.skew_ms");
  if (!gci_hmac_built_in()) refused_as(state, &signing, UV_ENOTSUP, "access.secret");
}

/* ------------------------------------------------------------------------------- addresses -- */

static void only_listed_addresses_are_let_in(void **state) {
  static const char *const list[] = {"127.0.0.2", "127.0.1.0/24"};
  gcache_access_t access = {.read = GCACHE_ACCESS_LISTED,
                            .write = GCACHE_ACCESS_LISTED,
                            .addresses = list,
                            .n_addresses = 2};
  struct member m;

  start_with(&m, *state, "m", &access, GCACHE_HTTP_AUTO);
  expect_from(&m, "127.0.0.2", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "m|k|1");
  expect_from(&m, "127.0.1.9", "DELETE /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "");
  assert_int_equal(forbidden(&m), 0);
  expect_from(&m, "127.0.0.1", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, FORBIDDEN,
              "not in access.addresses; see gcache/access.h");
  expect_from(&m, "127.0.2.1", "DELETE /_groupcache/g/k HTTP/1.1\r\n" CLOSE, FORBIDDEN,
              "Gcache-Reason: forbidden");
  expect_from(&m, "127.0.2.1", "GET /elsewhere HTTP/1.1\r\n" CLOSE, "HTTP/1.1 404 ", "not found");
  assert_int_equal(forbidden(&m), 2);
  assert_int_equal(m.loads, 1);
  member_end(&m);
}

static void who_may_read_may_still_not_write(void **state) {
  static const char *const list[] = {"127.0.0.2"};
  gcache_access_t access = {.read = GCACHE_ACCESS_ANYONE,
                            .write = GCACHE_ACCESS_LISTED,
                            .addresses = list,
                            .n_addresses = 1};
  struct member m;

  start_with(&m, *state, "m", &access, GCACHE_HTTP_AUTO);
  expect_from(&m, "127.0.0.1", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "m|k|1");
  expect_from(&m, "127.0.0.1", "DELETE /_groupcache/g/k HTTP/1.1\r\n" CLOSE, FORBIDDEN, "");
  expect_from(&m, "127.0.0.1", "DELETE /_groupcache/g/ HTTP/1.1\r\nGcache-Scope: group\r\n" CLOSE,
              FORBIDDEN, "");
  expect_from(&m, "127.0.0.1", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "m|k|1");
  expect_from(&m, "127.0.0.2", "DELETE /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "");
  expect_from(&m, "127.0.0.1", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "m|k|2");
  member_end(&m);
}

/* A stranger is no reason to read a megabyte: it is answered when the head is there, with nothing
 * of the body, and asked for none. */
static void stranger_is_refused_before_its_body(void **state) {
  static const char *const list[] = {"127.0.0.2"};
  gcache_access_t access = {.read = GCACHE_ACCESS_LISTED,
                            .write = GCACHE_ACCESS_LISTED,
                            .addresses = list,
                            .n_addresses = 1};
  struct member m;

  start_with(&m, *state, "m", &access, GCACHE_HTTP_AUTO);
  expect_from(&m, "127.0.0.1",
              "PUT /_groupcache/g/k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n",
              FORBIDDEN, "Connection: close");
  expect_from(&m, "127.0.0.1",
              "PUT /_groupcache/g/k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: "
              "100-continue\r\n\r\n",
              FORBIDDEN, "Connection: close");
  expect_from(&m, "127.0.0.1",
              "POST /_groupcache/g/_remove-keys/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
              "chunked\r\n\r\n",
              FORBIDDEN, "Connection: close");
  assert_int_equal(forbidden(&m), 3);
  member_end(&m);
}

/* What is whole is refused, and the connection serves on. */
static void connection_outlives_refusals_of_whole_requests(void **state) {
  gcache_access_t access = {.read = GCACHE_ACCESS_ANYONE, .write = GCACHE_ACCESS_LISTED};
  static const char *const list[] = {"127.0.0.2"};
  struct member m;
  struct raw *c;

  access.addresses = list;
  access.n_addresses = 1;
  start_with(&m, *state, "m", &access, GCACHE_HTTP_AUTO);
  c = say_from(*state, &m, "127.0.0.1",
               "GET /_groupcache/g/a HTTP/1.1\r\nHost: a\r\n\r\n"
               "DELETE /_groupcache/g/a HTTP/1.1\r\nHost: a\r\n\r\n"
               "GET /_groupcache/g/a HTTP/1.1\r\n" CLOSE);
  assert_int_equal(raw_count(c, "HTTP/1.1 200 "), 2);
  assert_int_equal(raw_count(c, "HTTP/1.1 403 "), 1);
  assert_int_equal(raw_count(c, "m|a|1"), 2);
  hang_up(*state, c);
  member_end(&m);
}

/* An address of this machine that is none of loopback's; 0: it has none. */
static int own_address(char out[64], struct sockaddr_in *any, int port) {
  uv_interface_address_t *list;
  int n, found = 0;

  uv_ip4_addr("0.0.0.0", port, any);
  if (uv_interface_addresses(&list, &n) < 0) return 0;
  for (int i = 0; i < n && !found; i++) {
    if (list[i].is_internal || list[i].address.address4.sin_family != AF_INET) continue;
    found = uv_ip4_name(&list[i].address.address4, out, 64) == 0;
  }
  uv_free_interface_addresses(list, n);
  return found;
}

static void stranger_becomes_a_peer_by_the_list(void **state) {
  const gcache_access_t none = {0};
  struct sockaddr_in any;
  struct member m;
  char address[64], url[96];
  const char *urls[2] = {NULL, url};

  if (!own_address(address, &any, 0)) skip();
  start_with(&m, *state, "m", &none, GCACHE_HTTP_AUTO);
  gcache_listener_t *listener;
  assert_int_equal(gcache_listen(&listener, m.cache, (const struct sockaddr *)&any, 8), 0);
  int port = m.port;
  m.port = gcache_listener_port(listener);
  expect_from(&m, address, "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, FORBIDDEN,
              "not on the peer list; see gcache/access.h");
  expect_from(&m, "127.0.0.9", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "m|k|1");
  urls[0] = m.url;
  snprintf(url, sizeof url, "http://%s:1", address);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 2), 0);
  expect_from(&m, address, "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, OK, "m|k|1");
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  expect_from(&m, address, "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, FORBIDDEN, "peer list");
  m.port = port;
  member_end(&m);
}

static void ipv6_is_judged_as_ipv6(void **state) {
  static const char *const list[] = {"fd00::/8"}, *const loopback[] = {"::1"};
  gcache_access_t access = {.read = GCACHE_ACCESS_LISTED, .write = GCACHE_ACCESS_LISTED};
  struct sockaddr_in6 any;

  for (int is_in = 0; is_in < 2; is_in++) {
    struct member m;
    gcache_listener_t *listener;
    access.addresses = is_in ? loopback : list;
    access.n_addresses = 1;
    start_with(&m, *state, "m", &access, GCACHE_HTTP_AUTO);
    uv_ip6_addr("::", 0, &any);
    if (gcache_listen(&listener, m.cache, (const struct sockaddr *)&any, 8) < 0) {
      member_end(&m);
      skip();
    }
    m.port = gcache_listener_port(listener);
    expect_from(&m, "::1", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, is_in ? OK : FORBIDDEN, "");
    expect_from(&m, "127.0.0.1", "GET /_groupcache/g/k HTTP/1.1\r\n" CLOSE, FORBIDDEN, "");
    member_end(&m);
  }
}

/* ----------------------------------------------------------------------------------- names -- */

static void names_are_looked_up_for_who_listens(void **state) {
  const gcache_access_t none = {0};
  const char *urls[] = {NULL, "http://localhost:1", "http://no-such-host.invalid:1"};
  struct gci_address loopback;
  struct gci_known *known;
  struct member m;

  start_with(&m, *state, "m", &none, GCACHE_HTTP_AUTO);
  known = &m.cache->door->access->known;
  urls[0] = m.url;
  gci_address_read(&loopback, "127.0.0.1");
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 3), 0);
  assert_true(gci_known_is_refreshing(known));
  while (gci_known_is_refreshing(known))
    uv_run(*state, UV_RUN_ONCE);
  assert_true(gci_known_has(known, &loopback));
  gci_known_refresh(known); /* once in five seconds is enough */
  assert_false(gci_known_is_refreshing(known));
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  assert_true(gci_known_has(known, &loopback)); /* by the member's own URL */
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 3), 0);
  member_end(&m); /* with look-ups under way */
}

static void who_does_not_listen_looks_nobody_up(void **state) {
  const char *urls[] = {"http://no-such-host.invalid:1"};
  struct member m;
  gcache_options_t o;

  member_options(&m, &o, *state, "m");
  member_open(&m, &o);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  assert_false(gci_known_is_refreshing(&m.cache->door->access->known));
  assert_int_equal(uv_run(*state, UV_RUN_DEFAULT), 0); /* nothing keeps the loop alive */
  member_end(&m);
}

/* ------------------------------------------------------------------------- a shared secret -- */

static void change(struct member *m, struct changed *c,
                   int (*start)(struct member *, struct changed *)) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(start(m, c), 0);
  run_loop_until(m->loop, &c->done, 1);
}

static int clear_g(struct member *m, struct changed *c) {
  return gcache_clear(&c->req, m->group, 0, on_changed);
}

static const char *key_to_change;

static int remove_key(struct member *m, struct changed *c) {
  return gcache_remove(&c->req, m->group, gcache_cstr(key_to_change), 0, on_changed);
}

static char large[3000000];

static int set_large(struct member *m, struct changed *c) {
  gcache_value_t *value = gcache_value_copy(m->cache, gcache_bytes(large, sizeof large),
                                            GCACHE_NEVER);
  int err = gcache_set(&c->req, m->group, gcache_cstr(key_to_change), value, 0, on_changed);

  gcache_value_unref(value);
  return err;
}

static void end_pair(struct member m[2]) {
  member_end(&m[0]);
  member_end(&m[1]);
}

/* Enough gets for lanes of all kinds. */
static void ask_many(struct member *m, struct member *of, int n) {
  static struct asked a[400];
  char key[64];

  for (int i = 0; i < n; i++) {
    snprintf(key, sizeof key, "%s%d:", i % 40 == 0 ? "big:70000:" : "k", i);
    ask_start(&a[i], m, member_key(of, key, key + 32, 32), 0);
  }
  for (int i = 0; i < n; i++) {
    run_loop_until(m->loop, &a[i].done, 1);
    assert_int_equal(a[i].status, 0);
    assert_int_equal(a[i].from, GCACHE_FROM_PEER);
  }
}

static void tell_signed(void **state, gcache_http_t http, gcache_secret_for_t covers) {
  gcache_access_t access = signing;
  struct member m[2];
  struct changed c;
  struct asked a;
  char key[64];

  access.secret_for = covers;
  start_with(&m[0], *state, "a", &access, http);
  start_with(&m[1], *state, "b", &access, http);
  members_know(m, 2);
  for (int round = 0; round < 3; round++) {
    ask_many(&m[0], &m[1], 400);
    change(&m[0], &c, clear_g);
    assert_int_equal(c.status, 0);
  }
  key_to_change = member_key(&m[1], "sp ace/\xff?", key, sizeof key);
  change(&m[0], &c, set_large);
  assert_int_equal(c.status, 0);
  ask(&a, &m[0], key);
  assert_int_equal(a.value_len, sizeof large);
  change(&m[0], &c, remove_key);
  assert_int_equal(c.status, 0);
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_string_not_equal(a.value, "");
  assert_int_equal(forbidden(&m[0]) + forbidden(&m[1]), 0);
  end_pair(m);
}

static void tell_signed_all(void **state, gcache_http_t http) {
  tell_signed(state, http, GCACHE_SECRET_ALL);
}

static void tell_signed_changes(void **state, gcache_http_t http) {
  tell_signed(state, http, GCACHE_SECRET_CHANGES);
}

static void members_that_share_a_secret_work_as_ever(void **state) {
  needs_hmac();
  each_http(tell_signed_all, state);
  each_http(tell_signed_changes, state);
}

static void tell_other_secret(void **state, const gcache_access_t *others, const char *why) {
  struct member m[2];
  struct changed c;
  struct asked a;
  char key[64];

  start_with(&m[0], *state, "a", others, GCACHE_HTTP_AUTO);
  start_with(&m[1], *state, "b", &signing, GCACHE_HTTP_AUTO);
  members_know(m, 2);
  n_logged = 0;
  for (int i = 0; i < 5; i++) {
    snprintf(key, sizeof key, "k%d:", i);
    ask(&a, &m[0], member_key(&m[1], key, key + 32, 32));
    assert_int_equal(a.status, 0);
    assert_int_equal(a.from, GCACHE_FROM_LOAD);
  }
  assert_int_equal(n_logged, 1); /* for all five */
  if (strstr(logged[0], why) == NULL || strstr(logged[0], m[1].url) == NULL)
    fail_msg("no '%s' in: %s", why, logged[0]);
  key_to_change = key + 32;
  change(&m[0], &c, remove_key);
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_int_equal(c.statuses[0], UV_EACCES);
  assert_non_null(strstr(c.reasons[0], why));
  assert_true(forbidden(&m[1]) >= 6);
  assert_int_equal(m[1].loads, 0);
  end_pair(m);
}

static void other_secret_or_none_is_refused_and_reported(void **state) {
  static const gcache_access_t other = {.secret = SECRET "!", .secret_len = sizeof SECRET},
                               none = {0};

  needs_hmac();
  tell_other_secret(state, &other, "wrong signature");
  tell_other_secret(state, &none, "not signed");
}

/* What a stranger could do with what it has heard: a signed request of another, changed or again. */
struct forger {
  struct member m;
  struct gci_auth auth; /* the real one */
  char request[4096];
};

static void forger_open(struct forger *f, void **state) {
  static const unsigned char sender[8] = "another";
  gcache_access_t access = signing;

  access.skew_ms = 30000;
  access.replays_max = 10;
  start_with(&f->m, *state, "m", &signing, GCACHE_HTTP_AUTO);
  assert_int_equal(gci_auth_open(&f->auth, f->m.cache->env, &f->m.cache->hash_key, &access, sender),
                   0);
}

static void forger_close(struct forger *f) {
  gci_auth_fini(&f->auth);
  member_end(&f->m);
}

/* Signs for one target and body, asks for another. */
static const char *forge(struct forger *f, const char *method, const char *target, const char *body,
                         const char *real_target, const char *real_body) {
  char line[GCI_AUTH_LINE], host[64];
  struct gci_http_message m = {.method = gcache_cstr(method), .target = gcache_cstr(target)};
  size_t len;

  snprintf(host, sizeof host, "127.0.0.1:%d", f->m.port);
  m.host = gcache_cstr(host);
  m.before = gcache_cstr(body);
  assert_int_equal(gci_auth_sign(&f->auth, &m, line, &len), 0);
  snprintf(f->request, sizeof f->request,
           "%s %s HTTP/1.1\r\nHost: whatever\r\nGcache-Auth: %.*s\r\nConnection: close\r\n"
           "Content-Length: %zu\r\n\r\n%s",
           method, real_target, (int)len, line, strlen(real_body), real_body);
  return f->request;
}

#define KEY "/_groupcache/g/k"

static void changed_or_repeated_requests_are_refused(void **state) {
  struct forger f;
  const char *put = "\n\x01g\x12\x01k\x1a\x03new";
  const char *bad = "\n\x01g\x12\x01k\x1a\x03old";

  needs_hmac();
  forger_open(&f, state);
  expect_from(&f.m, "127.0.0.1", forge(&f, "GET", KEY, "", KEY, ""), OK, "m|k|1");
  expect_from(&f.m, "127.0.0.1", f.request, OK, "m|k|1"); /* a get does nothing new */
  expect_from(&f.m, "127.0.0.1", forge(&f, "GET", KEY, "", KEY "2", ""), FORBIDDEN, "wrong sig");
  expect_from(&f.m, "127.0.0.1", forge(&f, "PUT", KEY, put, KEY, put), OK, "");
  expect_from(&f.m, "127.0.0.1", f.request, FORBIDDEN, "has been made before");
  expect_from(&f.m, "127.0.0.1", forge(&f, "PUT", KEY, put, KEY, bad), FORBIDDEN,
              "not the one that was signed");
  expect_from(&f.m, "127.0.0.1", forge(&f, "PUT", KEY, "", KEY, bad), FORBIDDEN,
              "not the one that was signed");
  expect_from(&f.m, "127.0.0.1", forge(&f, "DELETE", KEY, put, KEY, ""), FORBIDDEN,
              "not the one that was signed");
  expect_from(&f.m, "127.0.0.1", forge(&f, "GET", KEY, "", KEY, ""), OK, "new");
  expect_from(&f.m, "127.0.0.1", forge(&f, "DELETE", KEY, "", KEY, ""), OK, "");
  expect_from(&f.m, "127.0.0.1", f.request, FORBIDDEN, "has been made before");
  expect_from(&f.m, "127.0.0.1", "GET " KEY " HTTP/1.1\r\n" CLOSE, FORBIDDEN, "is not signed");
  assert_int_equal(forbidden(&f.m), 7);
  forger_close(&f);
}

static int64_t wall_ns;

static int64_t read_wall(void *data) {
  (void)data;
  return wall_ns;
}

static void old_signature_is_refused(void **state) {
  struct member m[2];
  gcache_options_t o;
  struct asked a;
  char key[64];

  needs_hmac();
  start_with(&m[0], *state, "a", &signing, GCACHE_HTTP_AUTO);
  member_options(&m[1], &o, *state, "b");
  o.access = signing;
  o.access.skew_ms = 5000;
  o.clock.unix_ns = read_wall;
  wall_ns = gcache_expire_in(m[0].cache, 0) + INT64_C(3000000000);
  member_open(&m[1], &o);
  member_group(&m[1], "g");
  member_listen(&m[1]);
  members_know(m, 2);
  ask(&a, &m[0], member_key(&m[1], "k", key, sizeof key));
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  wall_ns += INT64_C(60000000000);
  ask(&a, &m[0], member_key(&m[1], "l", key, sizeof key));
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  assert_true(forbidden(&m[1]) > 0);
  end_pair(m);
}

/* Over any HTTP: 3 MB that are not wanted are not stored, and what was there stays. */
static void tell_unwanted_body(void **state, gcache_http_t http) {
  static const char *const list[] = {"127.0.0.2"};
  gcache_access_t closed = {.read = GCACHE_ACCESS_ANYONE,
                            .write = GCACHE_ACCESS_LISTED,
                            .addresses = list,
                            .n_addresses = 1},
                  none = {0};
  struct member m[2];
  struct changed c;
  struct asked a;
  char key[64], before[sizeof a.value];
  gcache_value_t *kept;

  start_with(&m[0], *state, "a", &none, http);
  start_with(&m[1], *state, "b", &closed, http);
  members_know(m, 2);
  key_to_change = member_key(&m[1], "k", key, sizeof key);
  ask(&a, &m[0], key);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  snprintf(before, sizeof before, "%s", a.value);
  change(&m[0], &c, set_large);
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  /* HTTP/1.1 is closed behind the answer: a writer notices that first, and reads the answer all the
   * same. */
  assert_int_equal(c.statuses[0], UV_EACCES);
  assert_true(forbidden(&m[1]) >= 1);
  run_loop_turns(*state,
                 50); /* it is told to forget what it may have been set to, which it refuses */
  kept = gcache_peek(m[1].group, gcache_cstr(key));
  assert_non_null(kept);
  assert_int_equal(gcache_value_bytes(kept).len, strlen(before));
  assert_memory_equal(gcache_value_bytes(kept).base, before, strlen(before));
  gcache_value_unref(kept);
  end_pair(m);
}

static void set_that_is_not_allowed_costs_its_owner_nothing(void **state) {
  each_http(tell_unwanted_body, state);
}

/* ----------------------------------------------------------------------------------- serve -- */

struct served {
  gcache_serve_t req;
  int done, status;
  char text[200];
};

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  struct served *s = req->data;

  assert_int_equal(status, 0);
  s->done++;
  s->status = reply->status;
  snprintf(s->text, sizeof s->text, "%.*s", (int)reply->part[0].len,
           (const char *)reply->part[0].base);
}

static int serve_from(struct member *m, struct served *s, const struct sockaddr *from) {
  gcache_http_request_t in = {.method = gcache_cstr("GET"), .path = gcache_cstr(KEY), .from = from};

  memset(s, 0, sizeof *s);
  s->req.data = s;
  assert_int_equal(gcache_serve(&s->req, m->cache, &in, on_served), 0);
  assert_int_equal(s->done, 0);
  run_loop_until(m->loop, &s->done, 1);
  return s->status;
}

static void application_that_serves_may_have_addresses_judged(void **state) {
  const gcache_access_t none = {0};
  struct sockaddr_in stranger, loopback;
  struct sockaddr here = {.sa_family = AF_UNIX};
  struct member m;
  struct served s;

  uv_ip4_addr("203.0.113.5", 4711, &stranger);
  uv_ip4_addr("127.0.0.1", 4711, &loopback);
  start_with(&m, *state, "m", &none, GCACHE_HTTP_AUTO);
  assert_int_equal(serve_from(&m, &s, NULL), 200);
  assert_int_equal(serve_from(&m, &s, (const struct sockaddr *)&loopback), 200);
  assert_int_equal(serve_from(&m, &s, &here), 200);
  assert_int_equal(serve_from(&m, &s, (const struct sockaddr *)&stranger), 403);
  assert_non_null(strstr(s.text, "peer list"));
  assert_int_equal(forbidden(&m), 1);
  member_end(&m);
}

/* ---------------------------------------------------------------------------------- memory -- */

static void any_allocation_may_fail_once(void **state) {
  struct member m[2];
  char key[64];
  size_t refused = 0;

  needs_hmac();
  start_with(&m[0], *state, "a", &signing, GCACHE_HTTP_AUTO);
  start_with(&m[1], *state, "b", &signing, GCACHE_HTTP_AUTO);
  members_know(m, 2);
  for (size_t nth = 1; nth <= 120; nth++) {
    struct member *victim = &m[nth % 2];
    struct changed c = {.n = 0};
    struct asked a;
    snprintf(key, sizeof key, "k%zu:", nth);
    key_to_change = member_key(&m[1], key, key + 32, 32);
    victim->oom.fail_first = victim->oom.fail_last = victim->oom.asked + (nth + 1) / 2;
    memset(&a, 0, sizeof a);
    memset(&c, 0, sizeof c);
    c.req.data = &c;
    if (remove_key(&m[0], &c) == 0) run_loop_until(*state, &c.done, 1);
    victim->oom.fail_first = victim->oom.fail_last = 0;
    ask(&a, &m[0], key_to_change); /* and the next one works */
    assert_int_equal(a.status, 0);
    refused += victim->oom.refused;
  }
  assert_true(refused > 20);
  end_pair(m);
}

static void cache_opens_or_says_that_memory_is_short(void **state) {
  static const char *const list[] = {"10.0.0.0/8", "::1"};
  int err = UV_ENOMEM;

  for (size_t nth = 1; err < 0; nth++) {
    struct member m;
    gcache_options_t o;
    member_options(&m, &o, *state, "m");
    o.access = gci_hmac_built_in() ? signing : (gcache_access_t){0};
    o.access.read = o.access.write = GCACHE_ACCESS_LISTED;
    o.access.addresses = list;
    o.access.n_addresses = 2;
    m.oom.fail_first = m.oom.fail_last = nth;
    err = gcache_open(&m.cache, &o);
    assert_true(err == 0 || err == UV_ENOMEM);
    m.oom.fail_first = m.oom.fail_last = 0;
    if (err == 0) member_end(&m);
    run_loop_turns(*state, 3);
    assert_int_equal(m.oom.blocks, 0);
    assert_true(nth < 100);
  }
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, loop_setup, loop_teardown)
  const struct CMUnitTest tests[] = {
      T(impossible_access_is_refused_by_name),
      T(only_listed_addresses_are_let_in),
      T(who_may_read_may_still_not_write),
      T(stranger_is_refused_before_its_body),
      T(connection_outlives_refusals_of_whole_requests),
      T(stranger_becomes_a_peer_by_the_list),
      T(ipv6_is_judged_as_ipv6),
      T(names_are_looked_up_for_who_listens),
      T(who_does_not_listen_looks_nobody_up),
      T(members_that_share_a_secret_work_as_ever),
      T(other_secret_or_none_is_refused_and_reported),
      T(changed_or_repeated_requests_are_refused),
      T(old_signature_is_refused),
      T(set_that_is_not_allowed_costs_its_owner_nothing),
      T(application_that_serves_may_have_addresses_judged),
      T(any_allocation_may_fail_once),
      T(cache_opens_or_says_that_memory_is_short),
  };
#undef T
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
