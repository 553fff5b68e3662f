/* The server side of the peer protocol, request by request, through gcache_serve(): the response to
 * each, in mailgun v2's words and bytes. Without sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define GROUP "/_groupcache/g/"

/* One request and its reply. */
struct served {
  gcache_serve_t req;
  int done;
  int status; /* of the callback */
  int http;
  char type[64], reason[32], gcache[8];
  char body[512];
  size_t body_len;
};

static void copy_header(char *out, size_t cap, const gcache_http_reply_t *reply, const char *name) {
  out[0] = '\0';
  for (size_t i = 0; i < reply->n_headers; i++) {
    const gcache_header_t *h = &reply->headers[i];
    if (h->name.len == strlen(name) && memcmp(h->name.base, name, h->name.len) == 0)
      snprintf(out, cap, "%.*s", (int)h->value.len, (const char *)h->value.base);
  }
}

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  struct served *s = req->data;

  s->done++;
  s->status = status;
  if (reply == NULL) return;
  s->http = reply->status;
  copy_header(s->type, sizeof s->type, reply, "Content-Type");
  copy_header(s->reason, sizeof s->reason, reply, "Gcache-Reason");
  copy_header(s->gcache, sizeof s->gcache, reply, "Gcache");
  s->body_len = 0;
  for (int i = 0; i < 3; i++) {
    if (s->body_len + reply->part[i].len > sizeof s->body) fail_msg("a body beyond the test's");
    if (reply->part[i].len > 0)
      memcpy(s->body + s->body_len, reply->part[i].base, reply->part[i].len);
    s->body_len += reply->part[i].len;
  }
  if (reply->owner != NULL)
    assert_ptr_equal(reply->part[1].base, gcache_value_bytes(reply->owner).base);
  else
    assert_int_equal(reply->part[1].len, 0);
}

static void serve_start(struct served *s, struct member *m, const char *method, const char *path,
                        gcache_bytes_t body, const gcache_header_t *headers, size_t n) {
  gcache_http_request_t in = {.method = gcache_cstr(method),
                              .path = gcache_cstr(path),
                              .headers = headers,
                              .n_headers = n,
                              .body = body};

  memset(s, 0, sizeof *s);
  s->req.data = s;
  assert_int_equal(gcache_serve(&s->req, m->cache, &in, on_served), 0);
  assert_int_equal(s->done, 0);
}

static void serve(struct served *s, struct member *m, const char *method, const char *path) {
  serve_start(s, m, method, path, gcache_cstr(""), NULL, 0);
  run_loop_until(m->loop, &s->done, 1);
  assert_int_equal(s->done, 1);
  assert_int_equal(s->status, 0);
}

static void serve_put(struct served *s, struct member *m, const char *path, const char *body,
                      size_t len) {
  serve_start(s, m, "PUT", path, gcache_bytes(body, len), NULL, 0);
  run_loop_until(m->loop, &s->done, 1);
  assert_int_equal(s->status, 0);
}

static void serve_header(struct served *s, struct member *m, const char *method, const char *path,
                         const char *name, const char *value) {
  gcache_header_t header = {gcache_cstr(name), gcache_cstr(value)};

  serve_start(s, m, method, path, gcache_cstr(""), &header, 1);
  run_loop_until(m->loop, &s->done, 1);
  assert_int_equal(s->status, 0);
}

static void assert_text(const struct served *s, int http, const char *reason, const char *text) {
  if (s->http != http) fail_msg("%d, not %d: %.*s", s->http, http, (int)s->body_len, s->body);
  assert_string_equal(s->type, "text/plain; charset=utf-8");
  assert_string_equal(s->gcache, "1");
  assert_string_equal(s->reason, reason);
  if (text == NULL) return;
  assert_int_equal(s->body_len, strlen(text));
  assert_memory_equal(s->body, text, s->body_len);
}

static void assert_bytes(const struct served *s, const char *bytes, size_t len) {
  assert_int_equal(s->http, 200);
  assert_string_equal(s->type, "application/x-protobuf");
  assert_string_equal(s->gcache, "1");
  assert_int_equal(s->body_len, len);
  assert_memory_equal(s->body, bytes, len);
}

static void assert_done(const struct served *s) {
  assert_int_equal(s->http, 200);
  assert_string_equal(s->gcache, "1");
  assert_int_equal(s->body_len, 0);
}

static void never_called(gcache_load_t *load) {
  gcache_load_fail(load, GCACHE_ELOAD, NULL);
  fail_msg("the getter was called");
}

static void open_member(struct member *m, void **state, void (*change)(gcache_options_t *o)) {
  gcache_options_t o;

  member_options(m, &o, *state, "V");
  if (change != NULL) change(&o);
  member_open(m, &o);
  member_group(m, "g");
}

/* ----------------------------------------------------------------------------------- get ---- */

static void value_is_answered_as_a_get_response(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve(&s, &m, "GET", GROUP "k");
  assert_bytes(&s, "\x0a\x05V|k|1\x18\x00", 9);
  member_end(&m);
}

static void every_method_but_put_and_delete_is_a_get(void **state) {
  static const char *const methods[] = {"HEAD", "POST", "PATCH", "OPTIONS", "get", "BREW"};
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    serve(&s, &m, methods[i], GROUP "k");
    assert_bytes(&s, "\x0a\x05V|k|1\x18\x00", 9);
  }
  assert_int_equal(m.loads, 1);
  member_end(&m);
}

static void key_is_the_rest_of_the_path_decoded_once(void **state) {
  static const char *const same[] = {GROUP "a/b", GROUP "a%2Fb", "/_groupcache/g%2Fa%2fb",
                                     "/_groupcache/%67/a/b?x=%zz", "http://h" GROUP "a/b"};
  static const char *const others[] = {GROUP "a//b", GROUP "a%252Fb", GROUP "a/../b", GROUP "",
                                       GROUP ".",    GROUP "a+b",     GROUP "%00"};
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    serve(&s, &m, "GET", same[i]);
    assert_bytes(&s, "\x0a\x07V|a/b|1\x18\x00", 11);
  }
  assert_int_equal(m.loads, 1);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    serve(&s, &m, "GET", others[i]);
    assert_int_equal(s.http, 200);
    assert_int_equal(m.loads, (int)i + 2);
  }
  member_end(&m);
}

static void getters_words_are_passed_on(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve(&s, &m, "GET", GROUP "missing:1");
  assert_text(&s, 404, "not-found", "no such row\n");
  serve(&s, &m, "GET", GROUP "fail:1");
  assert_text(&s, 503, "getter", "demo failure\n");
  member_end(&m);
}

static void unknown_group_is_named(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve(&s, &m, "GET", "/_groupcache/no%20group/and/a/longer/key");
  assert_text(&s, 404, "no-group", "no such group: no group\n");
  serve(&s, &m, "DELETE", "/_groupcache/none/k");
  assert_text(&s, 404, "no-group", "no such group: none\n");
  member_end(&m);
}

/* Longer than any group's can be. */
static void long_name_of_a_group_is_unknown(void **state) {
  struct member m;
  struct served s;
  static const size_t lengths[] = {257, 7000};

  open_member(&m, state, NULL);
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    char path[8000] = "/_groupcache/";
    memset(path + strlen(path), 'g', lengths[i]);
    strcat(path, "/k");
    serve(&s, &m, "GET", path);
    assert_int_equal(s.http, 404);
    assert_in_range(s.body_len, 257, 300); /* as the header says it */
  }
  assert_int_equal(m.loads, 0);
  member_end(&m);
}

static void group_closed_meanwhile_is_unknown(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve_start(&s, &m, "GET", GROUP "hold:1", gcache_cstr(""), NULL, 0);
  run_loop_until(m.loop, &m.loads, 1);
  gcache_group_close(m.group, NULL, NULL);
  run_loop_until(m.loop, &s.done, 1);
  assert_text(&s, 404, "no-group", "no such group: g\n");
  member_end(&m);
}

static void bad_paths_are_bad_requests(void **state) {
  static const char *const paths[] = {"/_groupcache/g", "/_groupcache//k", GROUP "%4", GROUP "%zz",
                                      "/other/g/k"};
  struct member m;
  struct served s;
  gcache_stats_t stats;

  open_member(&m, state, NULL);
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    serve(&s, &m, "GET", paths[i]);
    assert_text(&s, 400, "", "bad request\n");
    gcache_stats(m.cache, &stats);
    assert_int_equal(stats.bad_requests, i + 1);
  }
  serve(&s, &m, "GET", "/_groupcache/"); /* whether we are there */
  assert_int_equal(s.http, 204);
  assert_int_equal(m.loads, 0);
  member_end(&m);
}

static void small_limits(gcache_options_t *o) {
  o->limits.key_max = 8;
  o->limits.value_max = 16;
}

static void key_over_the_limit_is_414(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, small_limits);
  serve(&s, &m, "GET", GROUP "%31%32345678");
  assert_int_equal(s.http, 200);
  serve(&s, &m, "GET", GROUP "123456789");
  assert_text(&s, 414, "", NULL);
  assert_int_equal(m.loads, 1);
  member_end(&m);
}

static void time_of_the_request_bounds_the_work(void **state) {
  static const char *const bad[] = {"", "-1", "1.5", "ten", "99999999999999999999999"};
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve_header(&s, &m, "GET", GROUP "hold:1", "gcache-timeout-ms", "20");
  assert_text(&s, 504, "timeout", NULL);
  serve_header(&s, &m, "GET", GROUP "hold:2", "Gcache-Timeout-Ms", "0");
  assert_text(&s, 504, "timeout", NULL);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    serve_header(&s, &m, "GET", GROUP "k", "Gcache-Timeout-Ms", bad[i]);
    assert_text(&s, 400, "", NULL);
  }
  serve_header(&s, &m, "GET", GROUP "k", "Gcache-Timeout-Ms", "18446744073709551615");
  assert_int_equal(s.http, 200);
  member_end(&m);
}

static void short_patience(gcache_options_t *o) {
  o->timeout_ms = 20;
}

static void request_without_a_time_gets_ours(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, short_patience);
  serve(&s, &m, "GET", GROUP "hold:1");
  assert_text(&s, 504, "timeout", NULL);
  member_end(&m);
}

/* A question is answered, never forwarded: the member knows that another owns the key. */
static void key_of_another_member_is_answered_here(void **state) {
  const char *urls[2] = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
  struct member m;
  struct served s;
  gcache_options_t o;
  char path[64];

  member_options(&m, &o, *state, "V");
  o.self = urls[0];
  member_open(&m, &o);
  member_group(&m, "g");
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 2), 0);
  for (int i = 0; i < 16; i++) {
    snprintf(path, sizeof path, GROUP "%d", i);
    serve(&s, &m, "GET", path);
    assert_int_equal(s.http, 200);
  }
  assert_int_equal(m.loads, 16);
  member_end(&m);
}

/* ------------------------------------------------------------------------- put and delete ---- */

static void put_is_kept_and_answered_bit_for_bit(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  /* SetRequest{g, setk, SV, 1893456000123456789}, as mailgun v2 sends it */
  serve_put(&s, &m, GROUP "setk",
            "\x0a\x01g\x12\x04setk\x1a\x02SV\x20\x95\x9a\xc3\xe9\xb3\x86\xba\xa3\x1a", 23);
  assert_done(&s);
  serve(&s, &m, "GET", GROUP "setk");
  assert_bytes(&s, "\x0a\x02SV\x18\x95\x9a\xc3\xe9\xb3\x86\xba\xa3\x1a", 14);
  serve_put(&s, &m, GROUP "z", "\x0a\x01g\x12\x01z\x1a\x00\x20\x00", 10);
  assert_done(&s);
  serve(&s, &m, "GET", GROUP "z");
  assert_bytes(&s, "\x0a\x00\x18\x00", 4);
  serve_put(&s, &m, GROUP "z", "\x0a\x01g\x12\x01z\x20\x00", 8); /* no value: an empty one */
  assert_done(&s);
  assert_int_equal(m.loads, 0);
  member_end(&m);
}

static void put_that_is_wrong_changes_nothing(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, small_limits);
  serve(&s, &m, "GET", GROUP "k");
  serve_put(&s, &m, GROUP "k", "", 0); /* without its required fields */
  assert_text(&s, 400, "", NULL);
  serve_put(&s, &m, GROUP "k", "\xff\xff\xff", 3);
  assert_text(&s, 400, "", NULL);
  serve_put(&s, &m, GROUP "k", "\x0a\x01g\x12\x01j\x1a\x01w\x20\x00", 11); /* another key */
  assert_text(&s, 400, "", NULL);
  serve_put(&s, &m, GROUP "k", "\x0a\x01h\x12\x01k\x1a\x01w\x20\x00", 11); /* another group */
  assert_text(&s, 400, "", NULL);
  serve_put(&s, &m, GROUP "k", "\x0a\x01g\x12\x01k\x1a\x01w\x20\x01", 11); /* long expired */
  assert_text(&s, 400, "", NULL);
  serve_put(&s, &m, GROUP "k",
            "\x0a\x01g\x12\x01k\x1a\x01w\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 20);
  assert_text(&s, 400, "", NULL);
  serve_put(&s, &m, GROUP "k",
            "\x0a\x01g\x12\x01k\x1a\x11"
            "12345678901234567\x20\x00",
            27);
  assert_text(&s, 413, "", NULL); /* one byte over value_max */
  serve(&s, &m, "GET", GROUP "k");
  assert_bytes(&s, "\x0a\x05V|k|1\x18\x00", 9);
  member_end(&m);
}

static void put_without_room_says_large_and_drops_the_old(void **state) {
  static char body[200 * 1024];
  struct member m;
  struct served s;
  gcache_options_t o;
  gcache_group_options_t go;
  gcache_group_t *small;
  size_t len = sizeof body - 11;

  member_options(&m, &o, *state, "V");
  member_open(&m, &o);
  gcache_group_options_init(&go);
  go.max_bytes = 64 * 1024;
  go.getter = never_called;
  assert_int_equal(gcache_group_open(&small, m.cache, "s", &go), 0);
  serve_put(&s, &m, "/_groupcache/s/k", "\x0a\x01s\x12\x01k\x1a\x01w\x20\x00", 11);
  assert_done(&s);
  memcpy(body, "\x0a\x01s\x12\x01k\x1a", 7);
  body[7] = (char)(0x80 | (len & 0x7f));
  body[8] = (char)(0x80 | (len >> 7 & 0x7f));
  body[9] = (char)(len >> 14);
  serve_put(&s, &m, "/_groupcache/s/k", body, 10 + len);
  assert_text(&s, 413, "large", NULL);
  assert_null(gcache_peek(small, gcache_cstr("k")));
  member_end(&m);
}

static void delete_drops_the_key_also_one_that_is_not_held(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve(&s, &m, "DELETE", GROUP "k");
  assert_done(&s);
  serve(&s, &m, "GET", GROUP "k");
  serve(&s, &m, "DELETE", GROUP "k");
  assert_done(&s);
  serve(&s, &m, "GET", GROUP "k");
  assert_bytes(&s, "\x0a\x05V|k|2\x18\x00", 9);
  member_end(&m);
}

static void clear_needs_scope_and_an_empty_key(void **state) {
  struct member m;
  struct served s;

  open_member(&m, state, NULL);
  serve(&s, &m, "GET", GROUP "k");
  serve(&s, &m, "DELETE", GROUP ""); /* the empty key alone */
  assert_done(&s);
  serve_header(&s, &m, "DELETE", GROUP "k", "Gcache-Scope", "group");
  assert_text(&s, 400, "", NULL);
  serve_header(&s, &m, "DELETE", GROUP "", "Gcache-Scope", "all");
  assert_text(&s, 400, "", NULL);
  serve(&s, &m, "GET", GROUP "k");
  assert_int_equal(m.loads, 1);
  serve_header(&s, &m, "DELETE", GROUP "", "Gcache-Scope", "group");
  assert_done(&s);
  serve(&s, &m, "GET", GROUP "k");
  assert_int_equal(m.loads, 2);
  member_end(&m);
}

/* --------------------------------------------------------------------------------- calls ---- */

static void serves_tells_ours_from_others(void **state) {
  struct member m;

  open_member(&m, state, NULL);
  assert_true(gcache_serves(m.cache, gcache_cstr(GROUP "k?x")));
  assert_true(gcache_serves(m.cache, gcache_cstr("/_groupcache/")));
  assert_false(gcache_serves(m.cache, gcache_cstr("/_groupcache")));
  assert_false(gcache_serves(m.cache, gcache_cstr("/_Groupcache/g/k")));
  assert_false(gcache_serves(m.cache, gcache_cstr("/%5Fgroupcache/g/k")));
  assert_false(gcache_serves(m.cache, gcache_cstr("/?/_groupcache/g/k")));
  assert_false(gcache_serves(m.cache, gcache_cstr("")));
  member_end(&m);
}

static void cancelled_serve_ends_once_and_tells_the_getter(void **state) {
  struct member m;
  struct served held, refused;

  open_member(&m, state, NULL);
  serve_start(&held, &m, "GET", GROUP "hold:1", gcache_cstr(""), NULL, 0);
  serve_start(&refused, &m, "GET", "/_groupcache/x", gcache_cstr(""), NULL, 0);
  gcache_serve_cancel(&refused.req);
  run_loop_until(m.loop, &m.loads, 1);
  gcache_serve_cancel(&held.req);
  gcache_serve_cancel(&held.req);
  assert_int_equal(held.done, 0);
  run_loop_until(m.loop, &held.done, 1);
  run_loop_until(m.loop, &refused.done, 1);
  assert_int_equal(held.status, UV_ECANCELED);
  assert_int_equal(refused.status, UV_ECANCELED);
  run_loop_until(m.loop, &m.cancels, 1);
  gcache_serve_cancel(&held.req); /* over: no effect */
  member_end(&m);
  assert_int_equal(held.done, 1);
}

static void closing_cancels_serves_and_refuses_more(void **state) {
  gcache_http_request_t in = {.method = gcache_cstr("GET"), .path = gcache_cstr(GROUP "k")};
  struct member m;
  struct served s, late;

  open_member(&m, state, NULL);
  assert_int_equal(gcache_serve(&late.req, m.cache, &in, NULL), UV_EINVAL);
  serve_start(&s, &m, "GET", GROUP "hold:1", gcache_cstr(""), NULL, 0);
  run_loop_until(m.loop, &m.loads, 1);
  member_close(&m);
  assert_int_equal(gcache_serve(&late.req, m.cache, &in, on_served), GCACHE_ECLOSING);
  member_release(&m);
  run_loop_until(m.loop, &m.closed, 1);
  assert_int_equal(s.done, 1);
  assert_int_equal(s.status, UV_ECANCELED);
  assert_int_equal(m.oom.blocks, 0);
}

/* ------------------------------------------------------------------------- out of memory ---- */

static void serve_with_failing_memory(struct oom *oom, void *arg) {
  uv_loop_t *loop = arg;
  struct member m = {.loop = loop, .name = "V"};
  gcache_options_t o;
  gcache_group_options_t go;
  struct served s = {0};
  gcache_http_request_t in = {.method = gcache_cstr("PUT"),
                              .path = gcache_cstr(GROUP "k"),
                              .body = gcache_bytes("\x0a\x01g\x12\x01k\x1a\x01w\x20\x00", 11)};

  gcache_options_init(&o);
  o.loop = loop;
  o.mem = oom_mem(oom);
  gcache_group_options_init(&go);
  go.max_bytes = 1 << 20;
  go.getter = never_called;
  if (gcache_open(&m.cache, &o) < 0) {
    uv_run(loop, UV_RUN_DEFAULT);
    return;
  }
  s.req.data = &s;
  if (gcache_group_open(&m.group, m.cache, "g", &go) == 0 &&
      gcache_serve(&s.req, m.cache, &in, on_served) == 0) {
    run_loop_until(loop, &s.done, 1);
    assert_int_equal(s.status, 0);
    assert_true(s.http == 200 || s.http == 429 || s.http == 413);
  }
  member_close(&m);
  run_loop_until(loop, &m.closed, 1);
}

static void every_allocation_may_fail(void **state) {
  assert_true(oom_sweep(serve_with_failing_memory, *state) > 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(value_is_answered_as_a_get_response),
      TEST(every_method_but_put_and_delete_is_a_get),
      TEST(key_is_the_rest_of_the_path_decoded_once),
      TEST(getters_words_are_passed_on),
      TEST(unknown_group_is_named),
      TEST(long_name_of_a_group_is_unknown),
      TEST(group_closed_meanwhile_is_unknown),
      TEST(bad_paths_are_bad_requests),
      TEST(key_over_the_limit_is_414),
      TEST(time_of_the_request_bounds_the_work),
      TEST(request_without_a_time_gets_ours),
      TEST(key_of_another_member_is_answered_here),
      TEST(put_is_kept_and_answered_bit_for_bit),
      TEST(put_that_is_wrong_changes_nothing),
      TEST(put_without_room_says_large_and_drops_the_old),
      TEST(delete_drops_the_key_also_one_that_is_not_held),
      TEST(clear_needs_scope_and_an_empty_key),
      TEST(serves_tells_ours_from_others),
      TEST(cancelled_serve_ends_once_and_tells_the_getter),
      TEST(closing_cancels_serves_and_refuses_more),
      TEST(every_allocation_may_fail),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
