/* Unit test of receiving bodies: what is copied, what is read directly into the value, and the
 * memory this takes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/value.h"
#include "h1_client_run.h"
#include "h1_server_run.h"

enum { KIB = 1024 };

static char *pattern(size_t n) {
  char *bytes = malloc(n);
  for (size_t i = 0; i < n; i++)
    bytes[i] = (char)(i * 31 + i / 251);
  return bytes;
}

/* A client that waits for answers, and the last body that came. */
struct asker {
  struct oom *oom, own;
  struct gci_mem *mem;
  gcache_limits_t limits;
  struct gci_http_client *client;
  gcache_value_t *body;
  int answers;
};

static void on_answer(void *user, void *tag, const struct gci_http_head *head,
                      gcache_value_t *body) {
  struct asker *a = user;
  (void)tag;
  (void)head;
  a->answers++;
  gcache_value_unref(a->body);
  a->body = gcache_value_ref(body);
}

static int asker_open(struct asker *a, struct oom *oom) {
  static const struct gci_http_client_events events = {.response = on_answer};
  memset(a, 0, sizeof *a);
  a->oom = oom != NULL ? oom : &a->own;
  gcache_mem_t user = oom_mem(a->oom);
  a->limits = client_limits();
  a->limits.value_max = 64 * KIB * KIB;
  a->mem = gci_mem_new(&user);
  if (a->mem == NULL) return -1;
  int err = gci_h1_client_open(&a->client, a->mem, &a->limits, &events, a);
  if (err == 0) return 0;
  gci_mem_unref(a->mem);
  return err;
}

static void asker_close(struct asker *a) {
  gcache_value_unref(a->body);
  gci_http_client_close(a->client);
  gci_mem_unref(a->mem);
  if (a->oom == &a->own) oom_assert_empty(a->oom);
}

static int ask(struct asker *a) {
  struct gci_http_message request = {
      .method = GCI_LIT("GET"), .target = GCI_LIT("/x"), .host = GCI_LIT("h")};
  int err = gci_http_client_send(a->client, &request, a);
  struct gci_out *out = gci_http_client_output(a->client);
  gci_out_consume(out, out->bytes);
  return err;
}

static int feed(struct asker *a, const void *bytes, size_t len) {
  return gci_http_client_input(a->client, gcache_bytes(bytes, len));
}

static int feed_head(struct asker *a, size_t len) {
  char head[128];
  int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
  return feed(a, head, (size_t)n);
}

/* The rest of a body, each piece of at most `step` bytes where the client wants it, as a socket
 * would put it there. */
static int feed_rest(struct asker *a, const char *bytes, size_t from, size_t len, size_t step) {
  int err = 0;
  while (from < len && err == 0) {
    size_t n = SIZE_MAX;
    char *at = gci_http_client_place(a->client, &n);
    if (n > len - from) n = len - from;
    if (n > step) n = step;
    if (at != NULL) memcpy(at, bytes + from, n);
    err = feed(a, at != NULL ? at : bytes + from, n);
    from += n;
  }
  return err;
}

static void assert_body(const struct asker *a, const char *bytes, size_t len) {
  gcache_bytes_t body = gcache_value_bytes(a->body);
  assert_int_equal(body.len, len);
  assert_memory_equal(body.base, bytes, len);
}

/* ----------------------------------------------------------------------------- where it lies -- */

static void a_large_body_is_whole_however_it_is_read(void **state) {
  static const size_t lens[] = {16 * KIB, 100001, 1000 * KIB}, steps[] = {777, 65536, SIZE_MAX};
  struct asker a;
  int n = 0;
  (void)state;
  assert_int_equal(asker_open(&a, NULL), 0);
  for (size_t i = 0; i < 9; i++) {
    size_t len = lens[i / 3];
    char *bytes = pattern(len);
    for (size_t first = 0; first < len; first += len / 5 + 1) {
      assert_int_equal(ask(&a), 0);
      assert_int_equal(feed_head(&a, len), 0);
      assert_int_equal(feed(&a, bytes, first), 0);
      assert_int_equal(feed_rest(&a, bytes, first, len, steps[i % 3]), 0);
      assert_int_equal(a.answers, ++n);
      assert_body(&a, bytes, len);
    }
    free(bytes);
  }
  asker_close(&a);
}

static void the_place_is_the_value(void **state) {
  const size_t len = 60 * KIB;
  char *bytes = pattern(len);
  struct asker a;
  size_t n;
  (void)state;
  assert_int_equal(asker_open(&a, NULL), 0);
  ask(&a);
  feed_head(&a, len);
  feed(&a, bytes, 100);
  char *at = gci_http_client_place(a.client, &n);
  assert_non_null(at);
  assert_int_equal(n, len - 100);
  memcpy(at, bytes + 100, n);
  assert_int_equal(feed(&a, at, n), 0);
  assert_ptr_equal((const char *)gcache_value_bytes(a.body).base + 100, at);
  assert_body(&a, bytes, len);
  asker_close(&a);
  free(bytes);
}

static void what_was_read_elsewhere_is_taken_too(void **state) {
  const size_t len = 60 * KIB;
  char *bytes = pattern(len);
  struct asker a;
  size_t n;
  (void)state;
  assert_int_equal(asker_open(&a, NULL), 0);
  ask(&a);
  feed_head(&a, len);
  assert_non_null(gci_http_client_place(a.client, &n));
  assert_int_equal(feed(&a, bytes, 10), 0);
  assert_non_null(gci_http_client_place(a.client, &n));
  assert_int_equal(feed(&a, bytes + 10, len - 10), 0);
  assert_body(&a, bytes, len);
  asker_close(&a);
  free(bytes);
}

static void assert_no_place(struct asker *a, const char *input) {
  size_t n;
  assert_int_equal(asker_open(a, NULL), 0);
  ask(a);
  feed(a, input, strlen(input));
  assert_null(gci_http_client_place(a->client, &n));
  asker_close(a);
}

static void nothing_else_has_a_place(void **state) {
  struct asker a;
  (void)state;
  assert_no_place(&a, "");
  assert_no_place(&a, "HTTP/1.1 200 OK\r\nContent-Le");
  assert_no_place(&a, "HTTP/1.1 200 OK\r\nContent-Length: 16383\r\n\r\n");
  assert_no_place(&a, "HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\nx");
  assert_no_place(&a, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n");
  assert_no_place(&a, "HTTP/1.1 200 OK\r\n\r\nto the end");
  assert_no_place(&a, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"
                      "Content-Length: 99999\r\n\r\n"); /* nobody asked */
}

/* ----------------------------------------------------------------------------- what it costs -- */

/* That of the first body that comes; sent by sent of them. */
static size_t allowed(size_t sent) {
  return 2 * sent > 64 * KIB ? 2 * sent : 64 * KIB;
}

static void the_place_follows_the_bytes_that_have_come(void **state) {
  const size_t len = 4 * KIB * KIB;
  struct asker a;
  char piece[10000] = {0};
  (void)state;
  assert_int_equal(asker_open(&a, NULL), 0);
  ask(&a);
  feed_head(&a, len);
  size_t before = a.mem->bytes;
  for (size_t sent = 0; sent < len;) {
    size_t n = SIZE_MAX;
    char *at = gci_http_client_place(a.client, &n);
    assert_true(a.mem->bytes <= before + allowed(sent + 16 * KIB) + 256);
    if (n > sizeof piece) n = sizeof piece;
    if (n > len - sent) n = len - sent;
    if (at != NULL) memcpy(at, piece, n);
    assert_int_equal(feed(&a, at != NULL ? at : piece, n), 0);
    sent += n;
  }
  assert_int_equal(a.answers, 1);
  asker_close(&a);
}

static void what_a_peer_has_sent_once_it_is_believed_again(void **state) {
  const size_t len = 500 * KIB;
  char *bytes = pattern(len);
  struct asker a;
  size_t asked = 0;
  (void)state;
  assert_int_equal(asker_open(&a, NULL), 0);
  for (int round = 0; round < 3; round++) {
    asked = a.oom->asked;
    ask(&a);
    feed_head(&a, len);
    feed_rest(&a, bytes, 0, len, 50000);
    assert_body(&a, bytes, len);
  }
  assert_int_equal(a.oom->asked - asked, 2); /* the value, and the question's way out */
  ask(&a);
  feed_head(&a, 60 * KIB * KIB);
  size_t n;
  assert_non_null(gci_http_client_place(a.client, &n));
  assert_int_equal(n, len);
  asker_close(&a);
  free(bytes);
}

static void no_more_than_1_mib_is_believed(void **state) {
  const size_t len = 3 * KIB * KIB;
  char *bytes = pattern(len);
  struct asker a;
  size_t n;
  (void)state;
  assert_int_equal(asker_open(&a, NULL), 0);
  ask(&a);
  feed_head(&a, len);
  feed_rest(&a, bytes, 0, len, SIZE_MAX);
  ask(&a);
  feed_head(&a, len);
  assert_non_null(gci_http_client_place(a.client, &n));
  assert_int_equal(n, 1024 * KIB);
  asker_close(&a);
  free(bytes);
}

static void of_a_client_nothing_is_believed(void **state) {
  const size_t len = 500 * KIB;
  const char *head = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 512000\r\n\r\n";
  char *bytes = pattern(len);
  struct server_run run;
  (void)state;
  run_open(&run, REPLY_AT_END);
  run.limits.value_max = (size_t)16 << 20;
  gci_http_server_close(run.server);
  assert_int_equal(gci_h1_server_open(&run.server, run.mem, &run.limits, &run_events, &run), 0);
  for (int round = 0; round < 2; round++) {
    size_t n = 0;
    run_feed(&run, gcache_cstr(head));
    char *at = gci_http_server_place(run.server, &n);
    assert_non_null(at);
    assert_int_equal(n, 64 * KIB);
    memcpy(at, bytes, n);
    assert_int_equal(gci_http_server_input(run.server, gcache_bytes(at, n)), n);
    run_feed(&run, gcache_bytes(bytes + n, len - n));
    assert_int_equal(run.n_owed, 1);
    assert_int_equal(gcache_value_bytes(run.owed[0]->body).len, len);
    assert_memory_equal(gcache_value_bytes(run.owed[0]->body).base, bytes, len);
    run_reply_next(&run);
    assert_null(gci_http_server_place(run.server, &n));
  }
  run_close(&run);
  free(bytes);
}

static void scenario(struct oom *oom, void *arg) {
  const size_t len = 300 * KIB;
  const char *bytes = arg;
  struct asker a;
  if (asker_open(&a, oom) != 0) return;
  int err = 0;
  for (int i = 0; i < 2 && err == 0; i++) {
    err = ask(&a);
    if (err == 0) err = feed_head(&a, len);
    if (err == 0) err = feed_rest(&a, bytes, 0, len, 40000);
    if (err == 0) assert_body(&a, bytes, len);
  }
  assert_true(err == 0 || err == UV_ENOMEM);
  assert_true((err == 0) == (a.answers == 2));
  asker_close(&a);
}

static void every_allocation_may_fail(void **state) {
  char *bytes = pattern(300 * KIB);
  (void)state;
  assert_true(oom_sweep(scenario, bytes) > 5);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_large_body_is_whole_however_it_is_read),
      cmocka_unit_test(the_place_is_the_value),
      cmocka_unit_test(what_was_read_elsewhere_is_taken_too),
      cmocka_unit_test(nothing_else_has_a_place),
      cmocka_unit_test(the_place_follows_the_bytes_that_have_come),
      cmocka_unit_test(what_a_peer_has_sent_once_it_is_believed_again),
      cmocka_unit_test(no_more_than_1_mib_is_believed),
      cmocka_unit_test(of_a_client_nothing_is_believed),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
