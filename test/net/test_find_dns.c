/* Peers from the addresses of a name, with a resolver whose answers the test sets (uv_getaddrinfo
 * is replaced). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <netinet/in.h>

#include "finder.h"

#define SELF "http://10.0.0.1:80"
#define WHERE "http://cache.test:80"

struct entry {
  struct addrinfo info;
  struct sockaddr_storage address;
};

/* The resolver: one name. */
static struct {
  const char *addresses; /* each with a space behind it; NULL: status is the answer */
  int status, asked;
  uv_work_t work;
  uv_getaddrinfo_t *request;
  uv_getaddrinfo_cb cb;
} resolver;

int __wrap_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb cb,
                          const char *name, const char *service, const struct addrinfo *hints);
void __wrap_uv_freeaddrinfo(struct addrinfo *list);

static struct addrinfo *make_entry(const char *text, struct addrinfo *next) {
  struct entry *e = calloc(1, sizeof *e);
  int is_6 = strchr(text, ':') != NULL;

  if (is_6)
    assert_int_equal(uv_ip6_addr(text, 0, (struct sockaddr_in6 *)&e->address), 0);
  else
    assert_int_equal(uv_ip4_addr(text, 0, (struct sockaddr_in *)&e->address), 0);
  e->info.ai_family = is_6 ? AF_INET6 : AF_INET;
  e->info.ai_addr = (struct sockaddr *)&e->address;
  e->info.ai_addrlen = is_6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  e->info.ai_next = next;
  return &e->info;
}

void __wrap_uv_freeaddrinfo(struct addrinfo *list) {
  while (list != NULL) {
    struct addrinfo *next = list->ai_next;
    free(list);
    list = next;
  }
}

static void rest(uv_work_t *work) {
  (void)work;
}

static void on_rested(uv_work_t *work, int status) {
  struct addrinfo *list = NULL;
  char text[64];

  (void)work, (void)status;
  for (const char *p = resolver.addresses; p != NULL && *p != '\0'; p = strchr(p, ' ') + 1) {
    snprintf(text, sizeof text, "%.*s", (int)(strchr(p, ' ') - p), p);
    list = make_entry(text, list);
  }
  resolver.cb(resolver.request, list == NULL ? resolver.status : 0, list);
}

int __wrap_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb cb,
                          const char *name, const char *service, const struct addrinfo *hints) {
  assert_string_equal(name, "cache.test");
  assert_null(service);
  assert_int_equal(hints->ai_family, AF_UNSPEC);
  resolver.asked++;
  resolver.request = request;
  resolver.cb = cb;
  return uv_queue_work(loop, &resolver.work, rest, on_rested);
}

static void say(const char *addresses) {
  resolver.addresses = addresses;
  resolver.status = UV_EAI_NONAME;
}

static void find(struct finder *f) {
  f->o.interval_ms = 10;
  assert_int_equal(gcache_find_dns(&f->find, &f->o, WHERE), 0);
}

static void every_address_is_a_member(void **state) {
  struct finder f;

  finder_open(&f, *state, SELF);
  say("10.0.0.3 10.0.0.1 10.0.0.2 10.0.0.3 ");
  find(&f);
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80 http://10.0.0.3:80");
  int asked = resolver.asked;
  say("10.0.0.2 10.0.0.3 "); /* this one is not ready, say */
  finder_await_count(&f, &resolver.asked, asked + 5);
  assert_int_equal(f.told, 1);
  say("10.0.0.2 ");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  finder_end(&f);
}

static void a_failure_leaves_the_list(void **state) {
  struct finder f;

  finder_open(&f, *state, SELF);
  say(NULL);
  resolver.status = UV_EAI_AGAIN;
  find(&f);
  finder_await_count(&f, &f.keeps, 3);
  assert_int_equal(f.status, UV_EAI_AGAIN);
  assert_string_equal(f.text, "cache.test: temporary failure");
  assert_string_equal(f.list, "");
  say("10.0.0.2 ");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  say(NULL);
  finder_await_count(&f, &f.keeps, f.keeps + 3);
  assert_string_equal(f.list, "http://10.0.0.1:80 http://10.0.0.2:80");
  say("10.0.0.2 ");
  finder_await_count(&f, &f.sames, 1);
  assert_int_equal(f.sets, 1);
  finder_end(&f);
}

/* Who has an address of each kind is one member, not two. */
static void one_kind_of_address_counts(void **state) {
  struct finder f;

  finder_open(&f, *state, SELF);
  say("fd00::2 10.0.0.2 fd00::1 10.0.0.1 ");
  find(&f);
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  say("fd00::2 fd00::1 ");
  finder_await_count(&f, &f.keeps, 1);
  assert_string_equal(f.text, "cache.test: no IPv4 address");
  assert_int_equal(f.status, UV_ENOENT);
  finder_end(&f);

  finder_open(&f, *state, "http://[fd00::1]:80");
  say("fd00::2 10.0.0.2 fd00::1 10.0.0.1 ");
  find(&f);
  finder_await(&f, "http://[fd00::1]:80 http://[fd00::2]:80");
  finder_end(&f);

  finder_open(&f, *state, NULL); /* a client-only member says which, or it is IPv4 */
  f.o.ip = GCACHE_FIND_IPV6;
  find(&f);
  finder_await(&f, "http://[fd00::1]:80 http://[fd00::2]:80");
  finder_end(&f);
}

static void hundreds_of_addresses_are_taken(void **state) {
  static char all[300 * 16];
  struct finder f;
  gcache_stats_t stats;

  for (int i = 0; i < 300; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all), "10.1.%d.%d ", i / 200, i % 200);
  finder_open(&f, *state, SELF);
  say(all);
  find(&f);
  finder_await_count(&f, &f.sets, 1);
  do {
    run_loop_turns(*state, 1);
    gcache_stats(f.m.cache, &stats);
  } while (stats.peers_coming > 0);
  assert_int_equal(stats.peers, 301);
  finder_end(&f);
}

/* Others would list this member under another URL, and disagree for ever. */
static void a_self_that_nobody_would_find_is_refused(void **state) {
  static const char *const selves[] = {"http://node-1.test:80", "http://10.0.0.1:81",
                                       "https://10.0.0.1:80", "http://10.0.0.1",
                                       "http://[0:0::1]:80"};
  struct finder f;

  for (size_t i = 0; i < sizeof selves / sizeof *selves; i++) {
    finder_open(&f, *state, selves[i]);
    assert_int_equal(gcache_find_dns(&f.find, &f.o, WHERE), UV_EINVAL);
    finder_end(&f);
  }
  finder_open(&f, *state, SELF "/");
  assert_int_equal(gcache_find_dns(&f.find, &f.o, NULL), UV_EINVAL);
  assert_int_equal(gcache_find_dns(&f.find, &f.o, "cache.test"), UV_EINVAL);
  f.o.ip = GCACHE_FIND_IPV6;
  assert_int_equal(gcache_find_dns(&f.find, &f.o, WHERE), UV_EINVAL);
  f.o.ip = GCACHE_FIND_IPV4;
  say("10.0.0.2 ");
  find(&f);
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  finder_end(&f);
}

static void closed_at_any_moment(void **state) {
  struct finder f;

  say("10.0.0.2 ");
  for (int turns = 0; turns < 10; turns++) {
    finder_open(&f, *state, SELF);
    find(&f);
    run_loop_turns(*state, turns);
    if (turns % 2 == 0) finder_close(&f);
    f.find = NULL;
    finder_end(&f);
  }
}

static void find_in_failing_memory(struct oom *oom, void *arg) {
  struct finder f;

  if (finder_open_failing(&f, arg, NULL, oom) == 0)
    finder_end_failing(&f, gcache_find_dns(&f.find, &f.o, WHERE));
}

static void every_failure_of_memory_is_survived(void **state) {
  static char all[20 * 16];

  for (int i = 0; i < 20; i++)
    snprintf(all + strlen(all), sizeof all - strlen(all), "10.1.0.%d ", i);
  say(all);
  assert_true(oom_sweep(find_in_failing_memory, *state) > 25);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_address_is_a_member),
      TEST(a_failure_leaves_the_list),
      TEST(one_kind_of_address_counts),
      TEST(hundreds_of_addresses_are_taken),
      TEST(a_self_that_nobody_would_find_is_refused),
      TEST(closed_at_any_moment),
      TEST(every_failure_of_memory_is_survived),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
