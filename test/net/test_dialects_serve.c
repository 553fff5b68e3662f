/* What each dialect answers, over real sockets, to the requests that Go programs send: the
 * statuses, types and bodies of the Go system of that dialect. test_serve covers what is the same
 * in every dialect. */
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

#define GROUP "/_groupcache/g/"

static const gcache_dialect_t dialects[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                            GCACHE_DIALECT_GROUPCACHE_GO, GCACHE_DIALECT_GOLANG};
static const char *const names[] = {"gcache", "mailgun", "groupcache-go", "golang"};

#define N_DIALECTS (sizeof dialects / sizeof dialects[0])

static void open_in(struct member *m, uv_loop_t *loop, gcache_dialect_t dialect) {
  gcache_options_t o;

  member_options(m, &o, loop, "m");
  o.dialect = dialect;
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

/* ------------------------------------------------------------------------- one answer, read -- */

struct answer {
  int status;
  int has_length;
  char type[64], allow[32]; /* "" if there is none */
  char body[512];
  size_t len; /* as stated */
};

static int copy_line(char *out, size_t cap, const struct raw *c, const char *name) {
  const char *at = raw_find(c, name);
  const char *end = at == NULL ? NULL : strstr(at + strlen(name), "\r\n");

  out[0] = '\0';
  if (end == NULL || at > raw_find(c, "\r\n\r\n")) return 0;
  at += strlen(name);
  snprintf(out, cap, "%.*s", (int)(end - at), at);
  return 1;
}

/* Length of the head, 0: not here yet. */
static size_t head_len(const struct raw *c) {
  const char *end = raw_find(c, "\r\n\r\n");

  return end == NULL ? 0 : (size_t)(end + 4 - c->in);
}

static void turn(const struct raw *c) {
  if (c->ended) fail_msg("ended after: %s", c->in);
  assert_true(uv_run(c->tcp.loop, UV_RUN_ONCE));
}

static void read_answer(struct answer *a, const struct raw *c, int bodiless) {
  char length[32];
  size_t head;

  memset(a, 0, sizeof *a);
  while ((head = head_len(c)) == 0)
    turn(c);
  assert_int_equal(strncmp(c->in, "HTTP/1.1 ", 9), 0);
  a->status = atoi(c->in + 9);
  copy_line(a->type, sizeof a->type, c, "\r\nContent-Type: ");
  copy_line(a->allow, sizeof a->allow, c, "\r\nAllow: ");
  a->has_length = copy_line(length, sizeof length, c, "\r\nContent-Length: ");
  a->len = strtoul(length, NULL, 10);
  assert_true(a->len <= sizeof a->body);
  if (bodiless) return;
  while (c->in_len < head + a->len)
    turn(c);
  assert_int_equal(c->in_len, head + a->len);
  memcpy(a->body, c->in + head, a->len);
}

static void end_client(struct raw *c) {
  raw_close(c);
  run_loop_until(c->tcp.loop, &c->closed, 1);
  raw_free(c);
}

/* On a connection of its own. headers, body: may be NULL; a body needs its length in headers. */
static void exchange(struct answer *a, struct member *m, const char *first, const char *headers,
                     const char *body, size_t len) {
  struct raw *c = raw_connect(m->loop, m->port);

  raw_say(c, first);
  raw_say(c, " HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nUser-Agent: Go-http-client/1.1\r\n");
  if (headers != NULL) raw_say(c, headers);
  raw_say(c, "Accept-Encoding: gzip\r\n\r\n");
  if (len > 0) raw_send(c, body, len);
  read_answer(a, c, strncmp(first, "HEAD ", 5) == 0);
  assert_null(raw_find(c, "Content-Encoding"));
  assert_null(raw_find(c, "Transfer-Encoding"));
  end_client(c);
}

static void get(struct answer *a, struct member *m, const char *target) {
  char first[128];

  snprintf(first, sizeof first, "GET %s", target);
  exchange(a, m, first, NULL, NULL, 0);
}

/* ------------------------------------------------------------------------------ what is said -- */

enum said { NOTHING, VALUE, TEXT };

struct saying {
  int status;
  enum said said;
  const char *bytes;
  size_t len;
};

#define VALUE_OF(bytes) \
  { 200, VALUE, bytes, sizeof(bytes) - 1 }
#define TEXT_OF(status, text) \
  { status, TEXT, text, sizeof(text) - 1 }
#define WORDS(status) \
  { status, TEXT, NULL, 0 } /* of whatever kind */
#define DONE \
  { 200, NOTHING, "", 0 }

/* The protocol leaves the words of some refusals open: a line of them. */
static int has_bytes(const struct answer *a, const struct saying *s) {
  if (s->bytes == NULL) return a->len > 1 && a->body[a->len - 1] == '\n';
  return a->len == s->len && memcmp(a->body, s->bytes, s->len) == 0;
}

static void assert_says(const struct answer *a, const struct saying *s, const char *dialect,
                        const char *what) {
  static const char *const types[] = {
      [NOTHING] = "", [VALUE] = "application/x-protobuf", [TEXT] = "text/plain; charset=utf-8"};

  if (a->status != s->status || !a->has_length || strcmp(a->type, types[s->said]) != 0 ||
      !has_bytes(a, s))
    fail_msg("%s, %s: %d, %s, %zu bytes: %.*s", dialect, what, a->status, a->type, a->len,
             (int)a->len, a->body);
}

/* A request to a member that holds nothing, and what is answered: by mailgun and gcache, by
 * groupcache-go, by golang. */
struct row {
  const char *first, *headers, *body;
  size_t len;
  struct saying mailgun, groupcache_go, golang;
};

#define NO_BODY NULL, NULL, 0
#define BODY(n, bytes) "Content-Length: " #n "\r\n", bytes, n

#define V_MAILGUN VALUE_OF("\x0a\x05m|k|1\x18\x00")
#define V_GOLANG VALUE_OF("\x0a\x05m|k|1")
#define BAD_METHOD WORDS(405)
#define SET_K "\x0a\x01g\x12\x01k\x1a\x01w\x20\x00"

static const struct row rows[] = {
    {"GET " GROUP "k", NO_BODY, V_MAILGUN, V_MAILGUN, V_GOLANG},
    {"GET " GROUP "missing:1", NO_BODY, TEXT_OF(404, "no such row\n"),
     TEXT_OF(404, "no such row\n"), TEXT_OF(500, "no such row\n")},
    {"GET " GROUP "fail:1", NO_BODY, TEXT_OF(503, "demo failure\n"), TEXT_OF(503, "demo failure\n"),
     TEXT_OF(500, "demo failure\n")},
    {"GET /_groupcache/none/k", NO_BODY, TEXT_OF(404, "no such group: none\n"),
     TEXT_OF(500, "no such group: none\n"), TEXT_OF(404, "no such group: none\n")},
    {"GET /_groupcache/g", NO_BODY, TEXT_OF(400, "bad request\n"), TEXT_OF(400, "bad request\n"),
     TEXT_OF(400, "bad request\n")},
    {"GET " GROUP "%zz", NO_BODY, TEXT_OF(400, "bad request\n"), TEXT_OF(400, "bad request\n"),
     TEXT_OF(400, "bad request\n")},

    {"DELETE " GROUP "k", NO_BODY, DONE, DONE, V_GOLANG},
    {"DELETE " GROUP "missing:1", NO_BODY, DONE, DONE, TEXT_OF(500, "no such row\n")},
    {"DELETE " GROUP, NO_BODY, DONE, DONE, VALUE_OF("\x0a\x04m||1")},
    {"DELETE /_groupcache/none/k", NO_BODY, TEXT_OF(404, "no such group: none\n"),
     TEXT_OF(500, "no such group: none\n"), TEXT_OF(404, "no such group: none\n")},
    {"DELETE /_groupcache/g", NO_BODY, TEXT_OF(400, "bad request\n"), TEXT_OF(400, "bad request\n"),
     TEXT_OF(400, "bad request\n")},

    {"PUT " GROUP "k", BODY(11, SET_K), DONE, DONE, V_GOLANG},
    {"PUT " GROUP "k", BODY(4, "\xff\xff\xff\xff"), WORDS(400), WORDS(400), V_GOLANG},
    {"PUT " GROUP "k", BODY(0, ""), WORDS(400), WORDS(400), V_GOLANG},
    {"PUT " GROUP "fail:1", BODY(4, "\xff\xff\xff\xff"), WORDS(400), WORDS(400),
     TEXT_OF(500, "demo failure\n")},
    {"PUT /_groupcache/h/k", BODY(11, "\x0a\x01h\x12\x01k\x1a\x01w\x20\x00"),
     TEXT_OF(404, "no such group: h\n"), TEXT_OF(500, "no such group: h\n"),
     TEXT_OF(404, "no such group: h\n")},

    {"PATCH " GROUP "k", NO_BODY, V_MAILGUN, BAD_METHOD, V_GOLANG},
    {"OPTIONS " GROUP "k", NO_BODY, V_MAILGUN, BAD_METHOD, V_GOLANG},
    {"POST " GROUP "k", NO_BODY, V_MAILGUN, BAD_METHOD, V_GOLANG},
    {"POST " GROUP "k", BODY(3, "any"), V_MAILGUN, BAD_METHOD, V_GOLANG},
    {"POST /_groupcache/none/k", NO_BODY, TEXT_OF(404, "no such group: none\n"), BAD_METHOD,
     TEXT_OF(404, "no such group: none\n")},
    {"POST " GROUP "_remove-keys/", BODY(2, "{}"), VALUE_OF("\x0a\x11m|_remove-keys/|1\x18\x00"),
     WORDS(400), VALUE_OF("\x0a\x11m|_remove-keys/|1")},
};

static const struct saying *saying_of(const struct row *row, gcache_dialect_t dialect) {
  if (dialect == GCACHE_DIALECT_GROUPCACHE_GO) return &row->groupcache_go;
  return dialect == GCACHE_DIALECT_GOLANG ? &row->golang : &row->mailgun;
}

static void each_request_is_answered_as_by_its_go_system(void **state) {
  struct member m;
  struct answer a;

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct row *row = &rows[i];
    for (size_t d = 0; d < N_DIALECTS; d++) {
      open_in(&m, *state, dialects[d]);
      exchange(&a, &m, row->first, row->headers, row->body, row->len);
      assert_says(&a, saying_of(row, dialects[d]), names[d], row->first);
      /* RFC 9110, 15.5.6; the Go system leaves it out */
      assert_string_equal(a.allow, a.status == 405 ? "GET, PUT, DELETE" : "");
      get(&a, &m, GROUP "other"); /* whatever it was, it harms nobody after it */
      assert_int_equal(a.status, 200);
      member_end(&m);
    }
  }
}

static void head_is_a_get_but_in_groupcache_go(void **state) {
  static const int statuses[] = {200, 200, 405, 200};
  static const size_t lens[] = {9, 9, 0, 7};
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    open_in(&m, *state, dialects[d]);
    exchange(&a, &m, "HEAD " GROUP "k", NULL, NULL, 0);
    assert_int_equal(a.status, statuses[d]);
    if (a.status == 200) {
      assert_string_equal(a.type, "application/x-protobuf");
      assert_int_equal(a.len, lens[d]);
    }
    assert_int_equal(m.loads, a.status == 200);
    member_end(&m);
  }
}

/* ------------------------------------------------------------------------ what it does here -- */

static int holds(struct member *m, const char *key) {
  gcache_value_t *value = gcache_peek(m->group, gcache_cstr(key));

  gcache_value_unref(value);
  return value != NULL;
}

static void nothing_changes_what_a_member_of_golang_holds(void **state) {
  static const char *const firsts[] = {"DELETE " GROUP "k", "DELETE " GROUP,
                                       "POST " GROUP "_remove-keys/"};
  static const char *const headers[] = {NULL, "Gcache-Scope: group\r\n", "Content-Length: 26\r\n"};
  static const char *const bodies[] = {"", "", "{\"group\":\"g\",\"keys\":[\"k\"]}"};
  struct member m;
  struct answer a;

  open_in(&m, *state, GCACHE_DIALECT_GOLANG);
  get(&a, &m, GROUP "k");
  exchange(&a, &m, "PUT " GROUP "k", "Content-Length: 11\r\n", SET_K, 11);
  assert_memory_equal(a.body, "\x0a\x05m|k|1", 7);
  for (size_t i = 0; i < 3; i++) {
    exchange(&a, &m, firsts[i], headers[i], bodies[i], strlen(bodies[i]));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.type, "application/x-protobuf");
    assert_true(holds(&m, "k"));
  }
  get(&a, &m, GROUP "k");
  assert_memory_equal(a.body, "\x0a\x05m|k|1", 7);
  member_end(&m);
}

static void others_set_and_drop(void **state) {
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS - 1; d++) {
    open_in(&m, *state, dialects[d]);
    exchange(&a, &m, "PUT " GROUP "k", "Content-Length: 11\r\n", SET_K, 11);
    get(&a, &m, GROUP "k");
    assert_int_equal(a.len, 5);
    assert_memory_equal(a.body, "\x0a\x01w\x18\x00", 5);
    get(&a, &m, GROUP);
    exchange(&a, &m, "DELETE " GROUP, NULL, NULL, 0); /* the empty key, and no other */
    assert_true(holds(&m, "k"));
    assert_false(holds(&m, ""));
    exchange(&a, &m, "DELETE " GROUP "k", NULL, NULL, 0);
    assert_false(holds(&m, "k"));
    assert_int_equal(m.loads, 1);
    member_end(&m);
  }
}

static void expiry_is_stated_but_in_golang(void **state) {
  static const char body[] = "\x0a\x01g\x12\x01k\x1a\x01w\x20\x95\x9a\xc3\xe9\xb3\x86\xba\xa3\x1a";
  struct member m;
  struct answer a;
  gcache_value_t *value;
  struct changed c = {0};

  for (size_t d = 0; d < N_DIALECTS - 1; d++) {
    open_in(&m, *state, dialects[d]);
    exchange(&a, &m, "PUT " GROUP "k", "Content-Length: 19\r\n", body, 19);
    get(&a, &m, GROUP "k");
    assert_int_equal(a.len, 13);
    assert_memory_equal(a.body, "\x0a\x01w\x18\x95\x9a\xc3\xe9\xb3\x86\xba\xa3\x1a", 13);
    member_end(&m);
  }
  open_in(&m, *state, GCACHE_DIALECT_GOLANG);
  value = gcache_value_copy(m.cache, gcache_cstr("w"), 1893456000123456789);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, m.group, gcache_cstr("k"), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(m.loop, &c.done, 1);
  get(&a, &m, GROUP "k");
  assert_int_equal(a.len, 3);
  assert_memory_equal(a.body, "\x0a\x01w", 3);
  member_end(&m);
}

static void empty_value_of_golang_has_its_field(void **state) {
  struct member m;
  struct answer a;
  gcache_value_t *value;
  struct changed c = {0};

  open_in(&m, *state, GCACHE_DIALECT_GOLANG);
  value = gcache_value_copy(m.cache, gcache_cstr(""), GCACHE_NEVER);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, m.group, gcache_cstr("k"), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(m.loop, &c.done, 1);
  get(&a, &m, GROUP "k");
  assert_int_equal(a.len, 2);
  assert_memory_equal(a.body, "\x0a\x00", 2);
  member_end(&m);
}

/* -------------------------------------------------------------------- how it may be framed ---- */

static struct raw *say(struct member *m, const char *bytes, size_t len) {
  struct raw *c = raw_connect(m->loop, m->port);

  raw_send(c, bytes, len);
  return c;
}

/* The client waits for the word before it sends its body. */
static void body_that_waits_for_a_100_is_asked_for(void **state) {
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    static const char head[] = "PUT " GROUP "k HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n"
                               "Expect: 100-continue\r\n\r\n";
    static const char word[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct raw *c;

    open_in(&m, *state, dialects[d]);
    c = say(&m, head, sizeof head - 1);
    while (c->in_len < sizeof word - 1)
      turn(c);
    assert_string_equal(c->in, word);
    memset(c->in, 0, c->in_len);
    c->in_len = 0;
    raw_send(c, SET_K, 11);
    read_answer(&a, c, 0);
    assert_int_equal(a.status, 200);
    assert_int_equal(a.len, dialects[d] == GCACHE_DIALECT_GOLANG ? 7 : 0);
    end_client(c);
    get(&a, &m, GROUP "k");
    if (dialects[d] == GCACHE_DIALECT_GOLANG)
      assert_memory_equal(a.body, "\x0a\x05m|k|1", 7);
    else
      assert_memory_equal(a.body, "\x0a\x01w\x18\x00", 5);
    member_end(&m);
  }
}

static void get_that_expects_a_100_is_answered_without(void **state) {
  static const char bytes[] = "GET " GROUP "k HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n";
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    struct raw *c;
    open_in(&m, *state, dialects[d]);
    c = say(&m, bytes, sizeof bytes - 1);
    read_answer(&a, c, 0);
    assert_int_equal(a.status, 200);
    end_client(c);
    member_end(&m);
  }
}

static void chunked_put_is_like_any_other(void **state) {
  static const char bytes[] = "PUT " GROUP "k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
                              "\r\n\r\n4\r\n\x0a\x01g\x12\r\n7\r\n\x01k\x1a\x01w\x20\x00\r\n"
                              "0\r\n\r\n";
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    struct raw *c;
    open_in(&m, *state, dialects[d]);
    c = say(&m, bytes, sizeof bytes - 1);
    read_answer(&a, c, 0);
    assert_int_equal(a.status, 200);
    end_client(c);
    get(&a, &m, GROUP "k");
    assert_int_equal(a.body[1], dialects[d] == GCACHE_DIALECT_GOLANG ? 5 : 1);
    member_end(&m);
  }
}

static void target_may_be_absolute(void **state) {
  static const char *const targets[] = {
      "http://x" GROUP "a%2Fb", "HTTP://10.0.0.1:8080" GROUP "a/b", "https://x" GROUP "a/b?q=1"};
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    open_in(&m, *state, dialects[d]);
    for (size_t i = 0; i < 3; i++) {
      get(&a, &m, targets[i]);
      assert_int_equal(a.status, 200);
      assert_memory_equal(a.body, "\x0a\x07m|a/b|1", 9);
    }
    if (dialects[d] != GCACHE_DIALECT_GOLANG) {
      exchange(&a, &m, "DELETE http://x" GROUP "a/b", NULL, NULL, 0);
      assert_int_equal(a.status, 200);
      assert_false(holds(&m, "a/b"));
    }
    member_end(&m);
  }
}

/* Its answer is closed by the end, and states its length all the same. */
static void http_1_0_is_answered_and_closed(void **state) {
  static const char bytes[] = "GET " GROUP "k HTTP/1.0\r\n\r\n";
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    struct raw *c;
    open_in(&m, *state, dialects[d]);
    c = say(&m, bytes, sizeof bytes - 1);
    read_answer(&a, c, 0);
    assert_int_equal(a.status, 200);
    assert_memory_equal(a.body, "\x0a\x05m|k|1", 7);
    run_loop_until(m.loop, &c->ended, 1);
    assert_int_equal(c->end_status, UV_EOF);
    end_client(c);
    member_end(&m);
  }
}

static void http_1_0_may_keep_its_connection(void **state) {
  static const char bytes[] = "GET " GROUP "k HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  struct member m;
  struct answer a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    struct raw *c;
    open_in(&m, *state, dialects[d]);
    c = say(&m, bytes, sizeof bytes - 1);
    for (int i = 0; i < 2; i++) {
      read_answer(&a, c, 0);
      assert_memory_equal(a.body, "\x0a\x05m|k|1", 7);
      assert_non_null(raw_find(c, "\r\nConnection: keep-alive\r\n"));
      memset(c->in, 0, c->in_len);
      c->in_len = 0;
      raw_send(c, bytes, sizeof bytes - 1);
    }
    read_answer(&a, c, 0);
    end_client(c);
    member_end(&m);
  }
}

/* A body that names no group is refused as a set by a gcache that does not know of gifts, too. */
static void gift_is_no_set_and_a_set_no_gift(void **state) {
  static const char gift[] = "\x0a\x00\x12\x01k\x1a\x01w\x20\x00";
  static const char *const as_gift = "Gcache-Give: http://127.0.0.1:1\r\nContent-Length: 10\r\n";
  static const char *const as_set = "Gcache-Give: http://127.0.0.1:1\r\nContent-Length: 11\r\n";
  struct member m;
  struct answer a;

  open_in(&m, *state, GCACHE_DIALECT_GCACHE);
  exchange(&a, &m, "PUT " GROUP "k", "Content-Length: 10\r\n", gift, 10);
  assert_int_equal(a.status, 400);
  exchange(&a, &m, "PUT " GROUP "k", as_set, SET_K, 11);
  assert_int_equal(a.status, 400);
  exchange(&a, &m, "PUT " GROUP "k", as_gift, gift, 10);
  assert_int_not_equal(a.status, 400); /* understood; of a stranger it is not taken */
  assert_false(holds(&m, "k"));
  exchange(&a, &m, "PUT " GROUP "k", "Content-Length: 11\r\n", SET_K, 11);
  assert_int_equal(a.status, 200);
  assert_true(holds(&m, "k"));
  member_end(&m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_request_is_answered_as_by_its_go_system),
      TEST(head_is_a_get_but_in_groupcache_go),
      TEST(gift_is_no_set_and_a_set_no_gift),
      TEST(nothing_changes_what_a_member_of_golang_holds),
      TEST(others_set_and_drop),
      TEST(expiry_is_stated_but_in_golang),
      TEST(empty_value_of_golang_has_its_field),
      TEST(body_that_waits_for_a_100_is_asked_for),
      TEST(get_that_expects_a_100_is_answered_without),
      TEST(chunked_put_is_like_any_other),
      TEST(target_may_be_absolute),
      TEST(http_1_0_is_answered_and_closed),
      TEST(http_1_0_may_keep_its_connection),
  };

  return !!cmocka_run_group_tests_name("dialects_serve", tests, loop_warm_up, NULL);
}
