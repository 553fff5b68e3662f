/* Unit test of door/auth: the signed bytes are those of docs/interop.md, and nothing that was
 * changed passes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "door/auth.h"
#include "manual_env.h"
#include "net/hmac.h"
#include "oom.h"

#define SECRET "0123456789abcdef-the shared one"
#define NOW_S INT64_C(1700000000)
#define NS_PER_S INT64_C(1000000000)

/* Computed with openssl dgst; the commands are in docs/interop.md. */
#define PUT_LINE                                                      \
  "1 1700000000 a1b2c3d4e5f607180000000000000000 "                    \
  "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824 " \
  "e5dcd533e34b9d5e4e33890f199d0268713c6e63e0b1eddc63f863966ae8b025"
#define GET_LINE                                     \
  "1 1700000000 a1b2c3d4e5f607180000000000000001 - " \
  "7445417fce9f609d1e591ab494f5be7b1dbfbb245b6e2e4e8fc415a66313705e"

static const unsigned char sender[8] = {0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18};

struct room {
  struct oom oom;
  struct manual_env env;
  struct gci_hash_key key;
  struct gci_auth auth;
};

static int setup(void **state) {
  static struct room r;
  static const unsigned char seed[16] = "sixteen bytes...";
  gcache_access_t access = {
      .secret = SECRET, .secret_len = sizeof SECRET - 1, .skew_ms = 30000, .replays_max = 1000};
  gcache_mem_t user;

  memset(&r, 0, sizeof r);
  user = oom_mem(&r.oom);
  *state = &r;
  if (manual_env_init(&r.env, &user) != 0) return -1;
  r.env.clock->unix_ns = NOW_S * NS_PER_S + 999999999;
  gci_hash_key_init(&r.key, seed);
  if (!gci_hmac_built_in()) return 0;
  return gci_auth_open(&r.auth, &r.env.env, &r.key, &access, sender);
}

static int teardown(void **state) {
  struct room *r = *state;

  if (gci_hmac_built_in()) gci_auth_fini(&r->auth);
  manual_env_fini(&r->env);
  return 0;
}

static void needs_openssl(void) {
  if (!gci_hmac_built_in()) skip();
}

/* ------------------------------------------------------------------------------- requests -- */

/* A request as it arrives: what a test changes before it is checked. */
struct request {
  gcache_bytes_t method, target, host;
  gcache_header_t headers[6];
  size_t n;
  char line[GCI_AUTH_LINE + 1];
  gcache_value_t *body;
};

static void add(struct request *q, const char *name, const char *value) {
  q->headers[q->n++] = (gcache_header_t){gcache_cstr(name), gcache_cstr(value)};
}

static struct request a_put(void) {
  struct request q = {.method = GCI_LIT("PUT"),
                      .target = GCI_LIT("/_groupcache/g/a%20b"),
                      .host = GCI_LIT("10.0.0.2:8080")};

  add(&q, "Gcache-Timeout-Ms", "1500");
  add(&q, "Accept", "all of it");
  add(&q, "Gcache-From", "http://10.0.0.1:8080");
  return q;
}

static struct request a_get(void) {
  return (struct request){.method = GCI_LIT("GET"),
                          .target = GCI_LIT("/_groupcache/g/k"),
                          .host = GCI_LIT("10.0.0.2:8080")};
}

/* Signed; the line is not among the headers yet. */
static void sign(struct room *r, struct request *q, const char *body) {
  struct gci_http_message m = {.method = q->method,
                               .target = q->target,
                               .host = q->host,
                               .headers = q->headers,
                               .n_headers = q->n,
                               .before = gcache_cstr(body)};
  size_t len;

  assert_int_equal(gci_auth_sign(&r->auth, &m, q->line, &len), 0);
  assert_true(len <= GCI_AUTH_LINE);
  q->line[len] = '\0';
}

static enum gci_verdict check(struct room *r, struct request *q, int has_body) {
  struct gci_http_head head = {
      .method = q->method, .target = q->target, .headers = q->headers, .n_headers = q->n};

  return gci_auth_check(&r->auth, &head, q->host, has_body);
}

static enum gci_verdict check_body(struct room *r, struct request *q, const char *body) {
  struct gci_http_head head = {.method = q->method, .headers = q->headers, .n_headers = q->n};
  gcache_value_t *value = NULL;
  enum gci_verdict verdict;

  if (body != NULL) {
    value = gci_value_block(r->env.mem, strlen(body));
    memcpy(gci_value_fill(value), body, strlen(body));
  }
  verdict = gci_auth_check_body(&r->auth, &head, value);
  gcache_value_unref(value);
  return verdict;
}

/* --------------------------------------------------------------------------------- signing -- */

static void lines_are_those_that_openssl_computes(void **state) {
  struct room *r = *state;
  struct request put = a_put(), get = a_get();

  needs_openssl();
  sign(r, &put, "hello");
  assert_string_equal(put.line, PUT_LINE);
  sign(r, &get, "");
  assert_string_equal(get.line, GET_LINE);
}

static void what_was_signed_is_let_in(void **state) {
  struct room *r = *state;
  struct request put = a_put(), get = a_get();

  needs_openssl();
  sign(r, &put, "hello");
  add(&put, "gcache-auth", put.line);
  assert_int_equal(check(r, &put, 1), GCI_LET_IN);
  assert_int_equal(check_body(r, &put, "hello"), GCI_LET_IN);
  assert_int_equal(check_body(r, &put, "hellp"), GCI_BARRED_BAD_BODY);
  assert_int_equal(check_body(r, &put, "hello "), GCI_BARRED_BAD_BODY);
  assert_int_equal(check_body(r, &put, NULL), GCI_BARRED_BAD_BODY);
  sign(r, &get, "");
  add(&get, "GCACHE-AUTH", get.line);
  assert_int_equal(check(r, &get, 0), GCI_LET_IN);
  assert_int_equal(check_body(r, &get, NULL), GCI_LET_IN);
  assert_int_equal(check_body(r, &get, "x"), GCI_BARRED_BAD_BODY);
  assert_int_equal(check(r, &get, 1), GCI_BARRED_BAD_BODY);
}

static void pieces_of_a_body_are_one_body(void **state) {
  struct room *r = *state;
  struct request q = a_put();
  gcache_value_t *value = gci_value_block(r->env.mem, 3);
  struct gci_http_message m = {.method = q.method,
                               .target = q.target,
                               .host = q.host,
                               .headers = q.headers,
                               .n_headers = q.n,
                               .before = GCI_LIT("h"),
                               .value = value,
                               .after = GCI_LIT("o")};
  size_t len = 0;
  int built_in = gci_hmac_built_in();

  memcpy(gci_value_fill(value), "ell", 3);
  if (built_in) assert_int_equal(gci_auth_sign(&r->auth, &m, q.line, &len), 0);
  gcache_value_unref(value);
  if (!built_in) skip();
  q.line[len] = '\0';
  assert_string_equal(q.line, PUT_LINE);
}

/* -------------------------------------------------------------------------------- checking -- */

static void expect(struct room *r, const struct request *q, const char *what,
                   enum gci_verdict expected) {
  struct request copy = *q;
  enum gci_verdict verdict = check(r, &copy, 1);

  if (verdict != expected) fail_msg("%s: %d, not %d", what, verdict, expected);
}

static void nothing_signed_can_be_changed(void **state) {
  struct room *r = *state;
  struct request q = a_put(), other;

  needs_openssl();
  sign(r, &q, "hello");
  add(&q, "Gcache-Auth", q.line);
  other = q, other.method = GCI_LIT("DELETE");
  expect(r, &other, "method", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.target = GCI_LIT("/_groupcache/g/a%20c");
  expect(r, &other, "target", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.target = GCI_LIT("/_groupcache/g/a%20b?x");
  expect(r, &other, "query", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.host = GCI_LIT("10.0.0.3:8080");
  expect(r, &other, "host", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.headers[0].value = GCI_LIT("1501");
  expect(r, &other, "a line of ours", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.headers[1] = (gcache_header_t){GCI_LIT("gcache-scope"), GCI_LIT("group")};
  expect(r, &other, "another line of ours", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.headers[2].name = GCI_LIT("X-From");
  expect(r, &other, "a line less", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.headers[0] = q.headers[2], other.headers[2] = q.headers[0];
  expect(r, &other, "their order", GCI_BARRED_BAD_SIGNATURE);
  other = q, other.headers[1].value = GCI_LIT("nothing");
  expect(r, &other, "a line of others", GCI_LET_IN);
}

/* Each byte of the line another: never let in. */
static void every_byte_of_the_line_counts(void **state) {
  struct room *r = *state;
  struct request q = a_put();

  needs_openssl();
  sign(r, &q, "hello");
  add(&q, "Gcache-Auth", q.line);
  for (size_t i = 0; q.line[i] != '\0'; i++) {
    for (int c = 1; c < 256; c++) {
      char kept = q.line[i];
      if ((char)c == kept) continue;
      q.line[i] = (char)c;
      if (check(r, &q, 1) == GCI_LET_IN) fail_msg("byte %zu as %d", i, c);
      q.line[i] = kept;
    }
  }
  assert_int_equal(check(r, &q, 1), GCI_LET_IN);
}

static void malformed_lines_are_refused(void **state) {
  static const char mac[] = "7445417fce9f609d1e591ab494f5be7b1dbfbb245b6e2e4e8fc415a66313705e";
  static const char *const fronts[] = {
      "",
      "1",
      "2 1700000000 a1b2c3d4 -",
      "1  1700000000 a1b2c3d4 -",
      "1 1700000000 a1b2c3d -",
      "1 1700000000 a1b2c3d! -",
      "1 -1700000000 a1b2c3d4 -",
      "1 99999999999999999999 a1b2c3d4 -",
      "1 1700000000 a1b2c3d4 --",
      "1 1700000000 a1b2c3d4 - -",
      "1 1700000000 a1b2c3d4",
      "1 1700000000  -",
      "1 17e8 a1b2c3d4 -",
      "1 1700000000 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -"};
  struct room *r = *state;
  struct request q = a_get();
  char text[512];

  needs_openssl();
  q.headers[0].name = GCI_LIT("Gcache-Auth");
  q.n = 1;
  for (size_t i = 0; i < sizeof fronts / sizeof fronts[0]; i++) {
    snprintf(text, sizeof text, "%s %s", fronts[i], mac);
    q.headers[0].value = gcache_cstr(text);
    expect(r, &q, text, GCI_BARRED_BAD_LINE);
  }
  q.headers[0].value = gcache_cstr(mac);
  expect(r, &q, "the signature alone", GCI_BARRED_BAD_LINE);
  q.n = 0;
  expect(r, &q, "none", GCI_BARRED_UNSIGNED);
  add(&q, "Gcache-Auth", GET_LINE);
  add(&q, "Gcache-Auth", GET_LINE);
  expect(r, &q, "twice", GCI_BARRED_BAD_LINE);
}

static void endless_lines_of_ours_are_refused(void **state) {
  static char text[1100];
  struct room *r = *state;
  struct request q = a_get();

  needs_openssl();
  memset(text, 'x', sizeof text - 1);
  add(&q, "Gcache-Auth", GET_LINE);
  add(&q, "Gcache-From", text);
  assert_int_equal(check(r, &q, 0), GCI_BARRED_BAD_LINE);
}

static void only_a_time_near_now_passes(void **state) {
  static const struct {
    int64_t off_s;
    enum gci_verdict verdict;
  } cases[] = {{30, GCI_LET_IN},
               {-30, GCI_LET_IN},
               {0, GCI_LET_IN},
               {31, GCI_BARRED_BAD_TIME},
               {-31, GCI_BARRED_BAD_TIME},
               {-86400, GCI_BARRED_BAD_TIME},
               {1700000000, GCI_BARRED_BAD_TIME}};
  struct room *r = *state;

  needs_openssl();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct request q = a_get();
    r->env.clock->unix_ns = NOW_S * NS_PER_S;
    r->env.tick++;
    sign(r, &q, "");
    add(&q, "Gcache-Auth", q.line);
    r->env.clock->unix_ns = (NOW_S + cases[i].off_s) * NS_PER_S;
    r->env.tick++;
    assert_int_equal(check(r, &q, 0), cases[i].verdict);
  }
}

static void change_is_taken_once_and_a_get_again(void **state) {
  struct room *r = *state;
  struct request put = a_put(), get = a_get();

  needs_openssl();
  sign(r, &put, "");
  add(&put, "Gcache-Auth", put.line);
  assert_int_equal(check(r, &put, 0), GCI_LET_IN);
  assert_int_equal(check(r, &put, 0), GCI_BARRED_REPEATED);
  sign(r, &get, "");
  add(&get, "Gcache-Auth", get.line);
  assert_int_equal(check(r, &get, 0), GCI_LET_IN);
  assert_int_equal(check(r, &get, 0), GCI_LET_IN);
  put.n--;
  sign(r, &put, ""); /* the same wish is another request */
  add(&put, "Gcache-Auth", put.line);
  assert_int_equal(check(r, &put, 0), GCI_LET_IN);
}

static void more_changes_than_can_be_remembered_are_put_off(void **state) {
  struct room *r = *state;

  needs_openssl();
  for (int i = 0; i < 1001; i++) {
    struct request q = a_put();
    sign(r, &q, "");
    add(&q, "Gcache-Auth", q.line);
    assert_int_equal(check(r, &q, 0), i < 1000 ? GCI_LET_IN : GCI_BARRED_TOO_MANY);
  }
  assert_int_equal(gci_verdict_words(GCI_BARRED_TOO_MANY)->status, 429);
}

static void other_secret_signs_otherwise(void **state) {
  struct room *r = *state;
  gcache_access_t access = {
      .secret = SECRET "!", .secret_len = sizeof SECRET, .skew_ms = 30000, .replays_max = 1000};
  struct request q = a_get();
  struct gci_auth other;

  needs_openssl();
  sign(r, &q, "");
  add(&q, "Gcache-Auth", q.line);
  assert_int_equal(gci_auth_open(&other, &r->env.env, &r->key, &access, sender), 0);
  assert_int_equal(check(r, &q, 0), GCI_LET_IN);
  struct gci_http_head head = {
      .method = q.method, .target = q.target, .headers = q.headers, .n_headers = q.n};
  assert_int_equal(gci_auth_check(&other, &head, q.host, 0), GCI_BARRED_BAD_SIGNATURE);
  gci_auth_fini(&other);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(lines_are_those_that_openssl_computes), T(what_was_signed_is_let_in),
      T(pieces_of_a_body_are_one_body),         T(nothing_signed_can_be_changed),
      T(every_byte_of_the_line_counts),         T(malformed_lines_are_refused),
      T(endless_lines_of_ours_are_refused),     T(only_a_time_near_now_passes),
      T(change_is_taken_once_and_a_get_again),  T(more_changes_than_can_be_remembered_are_put_off),
      T(other_secret_signs_otherwise),
  };
#undef T
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
