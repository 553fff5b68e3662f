#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "find/lines.h"
#include "find/list.h"
#include "find/url.h"
#include "oom.h"

#include <netinet/in.h>

struct room {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_find_list a, b;
};

static void open_room(struct room *r) {
  gcache_mem_t mem;

  oom_init(&r->oom);
  mem = oom_mem(&r->oom);
  r->mem = gci_mem_new(&mem);
  assert_non_null(r->mem);
  gci_find_list_init(&r->a, r->mem);
  gci_find_list_init(&r->b, r->mem);
}

static void close_room(struct room *r) {
  gci_find_list_fini(&r->a);
  gci_find_list_fini(&r->b);
  assert_int_equal(r->mem->blocks, 0);
  gci_mem_unref(r->mem);
  oom_assert_empty(&r->oom);
}

static int add(struct gci_find_list *list, const char *url, unsigned weight) {
  return gci_find_list_add(list, gcache_cstr(url), weight);
}

static void order_and_twins_make_no_other_list(void **state) {
  struct room r;

  (void)state;
  open_room(&r);
  assert_int_equal(add(&r.a, "http://c:1", 1), 0);
  assert_int_equal(add(&r.a, "http://a:1/", 1), 0);
  assert_int_equal(add(&r.a, "http://b:1", 7), 0);
  assert_int_equal(add(&r.a, "http://a:1", 3), 0);
  assert_int_equal(add(&r.a, "http://b:1", 2), 0);
  gci_find_list_settle(&r.a);
  assert_int_equal(r.a.n, 3);
  assert_string_equal(r.a.urls[0], "http://a:1");
  assert_int_equal(r.a.weights[0], 3);
  assert_string_equal(r.a.urls[1], "http://b:1");
  assert_int_equal(r.a.weights[1], 7);
  assert_true(gci_find_list_has(&r.a, "http://c:1"));
  assert_false(gci_find_list_has(&r.a, "http://c:2"));
  assert_int_equal(add(&r.b, "http://b:1", 7), 0);
  assert_int_equal(add(&r.b, "http://a:1", 3), 0);
  gci_find_list_settle(&r.b);
  assert_false(gci_find_list_equal(&r.a, &r.b));
  assert_int_equal(add(&r.b, "http://c:1", 2), 0);
  gci_find_list_settle(&r.b);
  assert_false(gci_find_list_equal(&r.a, &r.b));
  r.b.weights[2] = 1;
  assert_true(gci_find_list_equal(&r.a, &r.b));
  gci_find_list_move(&r.a, &r.b);
  assert_int_equal(r.a.n, 3);
  assert_int_equal(r.b.n, 0);
  close_room(&r);
}

static void any_order_settles_to_the_same(void **state) {
  enum { N = 257 };
  struct room r;
  char url[40], before[40] = "";

  (void)state;
  open_room(&r);
  for (unsigned i = 0; i < N; i++) {
    snprintf(url, sizeof url, "http://10.0.%u.%u:80", i * 101 % N / 16, i * 101 % N % 16);
    assert_int_equal(add(&r.a, url, 1), 0);
    snprintf(url, sizeof url, "http://10.0.%u.%u:80", i / 16, i % 16);
    assert_int_equal(add(&r.b, url, 1), 0);
  }
  gci_find_list_settle(&r.a);
  gci_find_list_settle(&r.b);
  assert_true(gci_find_list_equal(&r.a, &r.b));
  for (size_t i = 0; i < N; i++) {
    assert_true(strcmp(before, r.a.urls[i]) < 0);
    snprintf(before, sizeof before, "%s", r.a.urls[i]);
  }
  close_room(&r);
}

static void what_is_no_member_is_refused(void **state) {
  struct room r;

  (void)state;
  open_room(&r);
  assert_int_equal(add(&r.a, "ftp://a:1", 1), UV_EINVAL);
  assert_int_equal(add(&r.a, "a:1", 1), UV_EINVAL);
  assert_int_equal(add(&r.a, "", 1), UV_EINVAL);
  assert_int_equal(add(&r.a, "http://a:1", 0), UV_EINVAL);
  assert_int_equal(add(&r.a, "http://a:1", 1001), UV_EINVAL);
  assert_int_equal(r.a.n, 0);
  close_room(&r);
}

static size_t read_text(struct room *r, const char *text, int expected) {
  size_t line;

  gci_find_list_fini(&r->a);
  assert_int_equal(gci_find_lines_read(&r->a, gcache_cstr(text), &line), expected);
  return line;
}

static void a_file_is_urls_weights_and_comments(void **state) {
  struct room r;

  (void)state;
  open_room(&r);
  read_text(
      &r, "# ours\n\nhttp://a:1\n  http://b:1\t 20 # the large one\r\n#http://c:1\nhttp://d:1", 0);
  assert_int_equal(r.a.n, 3);
  assert_string_equal(r.a.urls[1], "http://b:1");
  assert_int_equal(r.a.weights[1], 20);
  assert_string_equal(r.a.urls[2], "http://d:1");
  assert_int_equal(r.a.weights[2], 1);
  read_text(&r, "", 0);
  assert_int_equal(r.a.n, 0);
  read_text(&r, "\n# nobody\n", 0);
  assert_int_equal(r.a.n, 0);
  close_room(&r);
}

static void a_bad_line_is_named(void **state) {
  struct room r;

  (void)state;
  open_room(&r);
  assert_int_equal(read_text(&r, "http://a:1\nhttp//b:1\nhttp://c:1\n", UV_EINVAL), 2);
  assert_int_equal(read_text(&r, "http://a:1 0", UV_EINVAL), 1);
  assert_int_equal(read_text(&r, "http://a:1 1001", UV_EINVAL), 1);
  assert_int_equal(read_text(&r, "http://a:1 4294967297", UV_EINVAL), 1);
  assert_int_equal(read_text(&r, "http://a:1 -1", UV_EINVAL), 1);
  assert_int_equal(read_text(&r, "http://a:1 1 1", UV_EINVAL), 1);
  assert_int_equal(read_text(&r, "\n\n\nhttp://a:1 http://b:1", UV_EINVAL), 4);
  close_room(&r);
}

static void read_without_memory(struct oom *oom, void *arg) {
  gcache_mem_t mem = oom_mem(oom);
  struct gci_mem *m = gci_mem_new(&mem);
  struct gci_find_list list;
  char text[1000] = "";
  size_t line;

  (void)arg;
  if (m == NULL) return;
  for (int i = 0; i < 20; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "http://10.0.0.%d:1 2\n", i);
  gci_find_list_init(&list, m);
  int rc = gci_find_lines_read(&list, gcache_cstr(text), &line);
  assert_true(rc == 0 ? list.n == 20 : rc == UV_ENOMEM);
  gci_find_list_settle(&list);
  gci_find_list_fini(&list);
  gci_mem_unref(m);
}

static void reading_survives_every_failure_of_memory(void **state) {
  (void)state;
  assert_true(oom_sweep(read_without_memory, NULL) >= 20);
}

static void urls_are_made_of_what_resolvers_say(void **state) {
  struct sockaddr_storage address = {.ss_family = AF_INET};
  char url[GCI_FIND_URL_MAX], name[400];

  (void)state;
  uv_ip4_addr("10.0.0.1", 99, (struct sockaddr_in *)&address);
  assert_int_equal(gci_find_url_address(url, 0, &address, 80), strlen("http://10.0.0.1:80"));
  assert_string_equal(url, "http://10.0.0.1:80");
  uv_ip6_addr("fd00:0::1", 0, (struct sockaddr_in6 *)&address);
  gci_find_url_address(url, 1, &address, 65535);
  assert_string_equal(url, "https://[fd00::1]:65535");
  gci_find_url_name(url, 0, "Node-1.Cache.Example.", 8080);
  assert_string_equal(url, "http://node-1.cache.example:8080");
  memset(name, 'a', sizeof name);
  name[399] = '\0';
  assert_int_equal(gci_find_url_name(url, 0, name, 1), 0);
  assert_int_equal(gci_find_url_family(gcache_cstr("10.0.0.1")), AF_INET);
  assert_int_equal(gci_find_url_family(gcache_cstr("::1")), AF_INET6);
  assert_int_equal(gci_find_url_family(gcache_cstr("ten.example")), 0);
  assert_int_equal(gci_find_url_family(gcache_cstr(name)), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_and_twins_make_no_other_list),
      cmocka_unit_test(any_order_settles_to_the_same),
      cmocka_unit_test(what_is_no_member_is_refused),
      cmocka_unit_test(a_file_is_urls_weights_and_comments),
      cmocka_unit_test(a_bad_line_is_named),
      cmocka_unit_test(reading_survives_every_failure_of_memory),
      cmocka_unit_test(urls_are_made_of_what_resolvers_say),
  };

  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
