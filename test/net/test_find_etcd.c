/* Peers from an etcd whose responses the test sets: good, bad, too much, none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "fake_etcd.h"

#define SELF "http://10.0.0.1:80"
#define B64_SELF "aHR0cDovLzEwLjAuMC4xOjgw"       /* http://10.0.0.1:80 */
#define B64_SELF_1 "aHR0cDovLzEwLjAuMC4xOjgwIDE=" /* and a weight */
#define B64_SELF_KEY "L2djYWNoZS9odHRwOi8vMTAuMC4wLjE6ODA="
#define B64_2 "aHR0cDovLzEwLjAuMC4yOjgw"
#define B64_3_5 "aHR0cDovLzEwLjAuMC4zOjgwIDU=" /* http://10.0.0.3:80 5 */
#define LIST_2 "http://10.0.0.1:80 http://10.0.0.2:80"
#define LIST_3 "http://10.0.0.1:80 http://10.0.0.2:80 http://10.0.0.3:80*5"
#define RANGE_3                                                                               \
  "{\"header\":{\"revision\":\"5\"},\"kvs\":[{\"value\":\"" B64_2 "\"},{\"value\":\"" B64_3_5 \
  "\"}]}"

static struct fake_etcd fake;

static gcache_find_etcd_t etcd_options(void) {
  static const char *urls[1];
  gcache_find_etcd_t e;

  urls[0] = fake.server.url;
  gcache_find_etcd_init(&e);
  e.endpoints = urls;
  e.n_endpoints = 1;
  return e;
}

static void find(struct finder *f) {
  gcache_find_etcd_t e = etcd_options();

  assert_int_equal(gcache_find_etcd(&f->find, &f->o, &e), 0);
  assert_int_equal(f->told, 0);
}

static void open_both(struct finder *f, uv_loop_t *loop, const char *self) {
  fake_open(&fake, loop);
  finder_open(f, loop, self);
}

static void close_both(struct finder *f) {
  finder_end(f);
  fake_close(&fake);
}

/* ------------------------------------------------------------------------- list and watch -- */

static void the_list_is_read_and_watched(void **state) {
  struct finder f;

  open_both(&f, *state, NULL);
  find(&f);
  finder_await(&f, "http://10.0.0.2:80");
  finder_await_count(&f, &fake.asked[FAKE_WATCH], 1);
  assert_non_null(strstr(fake.last[FAKE_RANGE], "POST /v3/kv/range HTTP/1.1\r\n"));
  assert_non_null(strstr(fake.last[FAKE_RANGE], /* "/gcache/" to "/gcache0" */
                         "{\"key\":\"L2djYWNoZS8=\",\"range_end\":\"L2djYWNoZTA=\"}"));
  assert_non_null(strstr(fake.last[FAKE_WATCH], "\"start_revision\":\"6\""));
  fake.says[FAKE_RANGE] = RANGE_3;
  fake_push(fake.watch, "{\"result\":{\"events\":[{\"kv\":{}}]}}\n");
  finder_await(&f, "http://10.0.0.2:80 http://10.0.0.3:80*5");
  assert_int_equal(fake.asked[FAKE_GRANT], 0); /* a client-only member writes nothing */
  close_both(&f);
}

static void messages_in_pieces_are_understood(void **state) {
  struct finder f;

  open_both(&f, *state, NULL);
  find(&f);
  finder_await_count(&f, &fake.asked[FAKE_WATCH], 1);
  run_loop_turns(*state, 10);
  fake_push(fake.watch, "{\"result\":{\"header\":{}}}\n{\"resu");
  run_loop_turns(*state, 10);
  assert_int_equal(fake.asked[FAKE_RANGE], 1);
  fake_push(fake.watch, "lt\":{\"events\":[{}]}}");
  run_loop_turns(*state, 10);
  assert_int_equal(fake.asked[FAKE_RANGE], 1);
  fake_push(fake.watch, "\n");
  finder_await_count(&f, &fake.asked[FAKE_RANGE], 2);
  finder_await_count(&f, &fake.asked[FAKE_WATCH], 2);
  close_both(&f);
}

static void a_watch_that_is_ended_begins_again(void **state) {
  static const char *const ends[] = {
      "{\"result\":{\"canceled\":true,\"compact_revision\":\"8\"}}\n",
      "{\"result\":{\"created\":true,\"canceled\":true}}\n",
      "{\"error\":{\"message\":\"gone\"}}\n",
      "no JSON\n",
      "[]\n",
  };
  struct finder f;
  int n = 1;

  open_both(&f, *state, NULL);
  find(&f);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    finder_await_count(&f, &fake.asked[FAKE_WATCH], n++);
    run_loop_turns(*state, 5);
    fake_push(fake.watch, ends[i]);
    finder_await_count(&f, &fake.asked[FAKE_WATCH], n++);
    run_loop_turns(*state, 5);
    fake_push(fake.watch, "{\"result\":{\"events\":[{}]}}\n"); /* what follows is a first failure */
  }
  finder_await_count(&f, &fake.asked[FAKE_WATCH], n++);
  raw_say(fake.watch, "0\r\n\r\n"); /* its end */
  finder_await_count(&f, &fake.asked[FAKE_WATCH], n++);
  raw_reset(fake.watch);
  finder_await_count(&f, &fake.asked[FAKE_WATCH], n++);
  assert_int_equal(f.sets, 1);
  assert_int_equal(f.keeps, 0);
  close_both(&f);
}

static void a_watch_that_is_refused_is_tried_less_and_less(void **state) {
  struct finder f;
  gcache_find_etcd_t e;

  open_both(&f, *state, NULL);
  fake.says[FAKE_WATCH] = "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n";
  find(&f);
  uint64_t start_ms = uv_now(*state);
  finder_await_count(&f, &fake.asked[FAKE_WATCH], 4);
  assert_true(uv_now(*state) - start_ms >= 2000); /* 0.5 + 1 + 2 s, less a quarter */
  finder_close(&f);
  fake.says[FAKE_WATCH] = FAKE_HANG; /* it never says that it has begun */
  f.closed = 0;
  e = etcd_options();
  e.timeout_ms = 50;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), 0);
  int asked = fake.asked[FAKE_WATCH];
  finder_await_count(&f, &fake.asked[FAKE_WATCH], asked + 2);
  close_both(&f);
}

/* -------------------------------------------------------------------------- bad answers ---- */

static void bad_answers_leave_the_list(void **state) {
  static const char *const answers[] = {
      "",
      "{",
      "[]",
      "null",
      "{}",
      "{\"header\":{\"revision\":\"0\"}}",
      "{\"header\":{\"revision\":\"-1\"}}",
      "{\"header\":{\"revision\":\"1e9\"}}",
      "{\"header\":{\"revision\":-1}}",
      "{\"header\":[],\"kvs\":[]}",
      "{\"header\":{\"revision\":\"1\"},\"kvs\":{}}",
      "{\"header\":{\"revision\":\"1\"},\"more\":true,\"kvs\":[{\"value\":\"" B64_3_5 "\"}]}",
      "{\"header\":{\"revision\":\"1\"}} x",
      "{\"header\":{\"revision\":\"1\"},\"kvs\":[]}", /* nobody */
      "{\"header\":{\"revision\":\"1\"}}",
      "{\"header\":{\"revision\":\"1\"},\"kvs\":[1,{},[],{\"value\":7},{\"value\":\"%\"}]}",
      "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 404 No\r\nContent-Length: 17\r\n\r\n{\"error\":\"e\\u0001\"}",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
      "SSH-2.0-OpenSSH\r\n",
  };
  struct finder f;
  gcache_find_etcd_t e;

  open_both(&f, *state, SELF);
  f.o.interval_ms = 10;
  e = etcd_options();
  e.timeout_ms = 100;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), 0);
  finder_await(&f, LIST_2);
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
    fake.says[FAKE_RANGE] = answers[i];
    int asked = fake.asked[FAKE_RANGE];
    finder_await_count(&f, &fake.asked[FAKE_RANGE], asked + 2);
    finder_await_count(&f, &f.keeps, f.keeps + 1);
    assert_true(f.text[0] != '\0' && f.status < 0);
  }
  fake.says[FAKE_RANGE] = FAKE_HANG;
  while (f.status != UV_ETIMEDOUT)
    finder_await_count(&f, &f.keeps, f.keeps + 1);
  assert_string_equal(f.list, LIST_2);
  assert_int_equal(f.sets, 1);
  fake.says[FAKE_RANGE] = RANGE_3;
  finder_await(&f, LIST_3);
  close_both(&f);
}

static void a_body_without_end_is_cut(void **state) {
  enum { HEAD = 64, SIZE = 18 << 20 };
  char *endless = malloc(SIZE);
  struct finder f;

  memset(endless, ' ', SIZE);
  memcpy(endless, "HTTP/1.1 200 OK\r\n\r\n", 19);
  endless[SIZE - 1] = '\0';
  open_both(&f, *state, NULL);
  fake.says[FAKE_RANGE] = endless;
  find(&f);
  finder_await_count(&f, &f.keeps, 1);
  assert_int_equal(f.sets, 0);
  assert_true(f.m.oom.bytes < (4 << 20));
  close_both(&f);
  free(endless);
}

/* One member that writes nonsense is no reason to be without all others. */
static void values_that_are_no_members_are_passed_over(void **state) {
  struct finder f;

  open_both(&f, *state, NULL);
  fake.says[FAKE_RANGE] = "{\"header\":{\"revision\":5},\"kvs\":[{\"value\":\"" B64_2
                          "\"},{\"value\":\"eA==\"},{\"value\":\"\"},{}]}";
  find(&f);
  finder_await(&f, "http://10.0.0.2:80");
  assert_string_equal(f.text, "3 values ignored that are not URLs");
  close_both(&f);
}

static void words_of_etcd_are_passed_on(void **state) {
  struct finder f;

  open_both(&f, *state, NULL);
  fake.says[FAKE_RANGE] = "HTTP/1.1 400 No\r\nContent-Length: 36\r\n\r\n"
                          "{\"error\":\"user name is empty\\n\",  \"c\"}";
  find(&f);
  finder_await_count(&f, &f.keeps, 1);
  assert_non_null(strstr(f.text, ": HTTP status 400")); /* its JSON is broken */
  fake.says[FAKE_RANGE] = "HTTP/1.1 400 No\r\nContent-Length: 30\r\n\r\n"
                          "{\"error\":\"user name is empty\"} ";
  finder_await_count(&f, &f.keeps, 2);
  assert_non_null(strstr(f.text, ": user name is empty"));
  assert_int_equal(strncmp(f.text, "etcd 127.0.0.1:", 15), 0);
  close_both(&f);
}

static void the_next_endpoint_is_asked(void **state) {
  const char *urls[3] = {"http://127.0.0.1:1", "http://127.0.0.1:1", NULL};
  gcache_find_etcd_t e;
  struct finder f;

  open_both(&f, *state, SELF);
  e = etcd_options();
  urls[2] = fake.server.url;
  e.endpoints = urls;
  e.n_endpoints = 3;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), 0);
  finder_await(&f, LIST_2);
  finder_await_count(&f, &fake.asked[FAKE_PUT], 1);
  close_both(&f);
}

/* ---------------------------------------------------------------------------- own place ---- */

static void a_member_writes_itself_and_keeps_alive(void **state) {
  struct finder f;

  open_both(&f, *state, SELF "/");
  fake.says[FAKE_GRANT] = "{\"ID\":\"7587\",\"TTL\":\"1\"}";
  find(&f);
  finder_await_count(&f, &fake.asked[FAKE_PUT], 1);
  assert_non_null(strstr(fake.last[FAKE_GRANT], "{\"TTL\":\"10\"}"));
  assert_non_null(strstr(fake.last[FAKE_PUT],
                         "{\"key\":\"" B64_SELF_KEY "\",\"value\":\"" B64_SELF_1
                         "\",\"lease\":\"7587\"}"));
  finder_await_count(&f, &fake.asked[FAKE_KEEP], 2);
  assert_non_null(strstr(fake.last[FAKE_KEEP], "{\"ID\":\"7587\"}"));
  assert_int_equal(fake.asked[FAKE_GRANT], 1);
  fake.says[FAKE_KEEP] = "{\"result\":{\"ID\":\"7587\"}}"; /* run out */
  finder_await_count(&f, &fake.asked[FAKE_PUT], 2);
  assert_int_equal(fake.asked[FAKE_GRANT], 2);
  fake.says[FAKE_KEEP] = "{\"result\":{\"ID\":\"7587\",\"TTL\":\"1\"}}";
  fake.says[FAKE_PUT] = "HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}"; /* forgotten */
  fake_push(fake.watch, "{\"result\":{\"events\":[{}]}}\n"); /* our key is not in the list: */
  finder_await_count(&f, &fake.asked[FAKE_PUT], 3);
  finder_await_count(&f, &fake.asked[FAKE_GRANT], 3);
  fake.says[FAKE_PUT] = "{}";
  finder_await_count(&f, &fake.asked[FAKE_PUT], fake.asked[FAKE_PUT] + 1);
  finder_close(&f);
  assert_int_equal(fake.asked[FAKE_REVOKE], 1);
  close_both(&f);
}

static void a_refused_place_does_not_hold_up_the_list(void **state) {
  static const char *const refusals[] = {"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "{}",
                                         "{\"ID\":\"0\",\"TTL\":\"10\"}",
                                         "{\"ID\":7587,\"TTL\":\"x\"}", "x"};
  struct finder f;

  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    open_both(&f, *state, SELF);
    fake.says[FAKE_GRANT] = refusals[i];
    find(&f);
    finder_await(&f, LIST_2);
    finder_await_count(&f, &fake.asked[FAKE_GRANT], 2);
    assert_int_equal(fake.asked[FAKE_PUT], 0);
    finder_close(&f);
    assert_int_equal(fake.asked[FAKE_REVOKE], 0);
    close_both(&f);
  }
}

static void closing_waits_a_second_for_etcd(void **state) {
  struct finder f;

  open_both(&f, *state, SELF);
  fake.says[FAKE_REVOKE] = FAKE_HANG;
  find(&f);
  finder_await_count(&f, &fake.asked[FAKE_PUT], 1);
  finder_await(&f, LIST_2);
  f.find = NULL; /* the cache closes it */
  finder_end(&f);
  assert_int_equal(fake.asked[FAKE_REVOKE], 1);
  fake_close(&fake);
}

static void closed_at_any_moment(void **state) {
  struct finder f;

  for (int turns = 0; turns < 40; turns++) {
    open_both(&f, *state, turns % 4 < 2 ? SELF : NULL);
    find(&f);
    for (int i = 0; i < turns; i++)
      run_loop_turns(*state, 1);
    if (turns % 2 == 0) finder_close(&f);
    f.find = NULL;
    close_both(&f);
  }
}

static void bad_calls_are_refused(void **state) {
  const char *bad[] = {"127.0.0.1:2379"}, *secure[] = {"https://127.0.0.1:2379"};
  gcache_find_etcd_t e;
  struct finder f;
  char prefix[600];

  open_both(&f, *state, SELF);
  gcache_find_etcd_init(&e);
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  e = etcd_options();
  e.endpoints = bad;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  e.endpoints = secure;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_ENOTSUP);
  e = etcd_options();
  e.ttl_ms = 1999;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  e = etcd_options();
  e.weight = 1001;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  e = etcd_options();
  e.prefix = "";
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  e.prefix = "a b";
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  memset(prefix, 'a', sizeof prefix);
  prefix[sizeof prefix - 1] = '\0';
  e.prefix = prefix;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  e = etcd_options();
  e.size = 8;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), UV_EINVAL);
  f.find = NULL;
  find(&f);
  finder_await(&f, LIST_2);
  close_both(&f);
}

/* The cache lives on memory that fails: from the second look on too. */
static void find_in_failing_memory(struct oom *oom, void *arg) {
  gcache_find_etcd_t e = etcd_options();
  struct finder f;
  int rc;

  fake_open(&fake, arg);
  if (finder_open_failing(&f, arg, SELF, oom) == 0) {
    rc = gcache_find_etcd(&f.find, &f.o, &e);
    if (rc == 0) {
      finder_await_count(&f, &f.told, 1);
      run_loop_turns(arg, 30);
    }
    finder_end_failing(&f, rc);
  }
  fake_close(&fake);
}

static void every_failure_of_memory_is_survived(void **state) {
  assert_true(oom_sweep(find_in_failing_memory, *state) > 30);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_list_is_read_and_watched),
      TEST(messages_in_pieces_are_understood),
      TEST(a_watch_that_is_ended_begins_again),
      TEST(a_watch_that_is_refused_is_tried_less_and_less),
      TEST(bad_answers_leave_the_list),
      TEST(a_body_without_end_is_cut),
      TEST(values_that_are_no_members_are_passed_over),
      TEST(words_of_etcd_are_passed_on),
      TEST(the_next_endpoint_is_asked),
      TEST(a_member_writes_itself_and_keeps_alive),
      TEST(a_refused_place_does_not_hold_up_the_list),
      TEST(closing_waits_a_second_for_etcd),
      TEST(closed_at_any_moment),
      TEST(bad_calls_are_refused),
      TEST(every_failure_of_memory_is_survived),
  };

  signal(SIGPIPE, SIG_IGN); /* the fake writes to those who have gone */
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
