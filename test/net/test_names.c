/* Members listed by host names: requests to a member that does not yet know the addresses of the
 * names. getaddrinfo() is replaced for this program, including libuv's calls: a gate holds back all
 * look-ups. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/h2.h"
#include "member.h"
#include "raw.h"

#define OK "HTTP/1.1 200 "
#define FORBIDDEN "HTTP/1.1 403 "
#define HOST "Host: a\r\n\r\n"
#define KEY "/_groupcache/g/k"

/* ---------------------------------------------------------------------------- name service -- */

static uv_mutex_t mutex;
static uv_cond_t changed;
static int is_shut, to_hold; /* to_hold: look-ups that the gate still holds back; others pass */
static struct in_addr mine;  /* an address of this machine that is none of loopback's */

static void hold_back(int look_ups) {
  uv_mutex_lock(&mutex);
  is_shut = look_ups > 0;
  to_hold = look_ups;
  uv_cond_broadcast(&changed);
  uv_mutex_unlock(&mutex);
}

/* The look-ups that are to be held back have come. */
static void await_held(uv_loop_t *loop) {
  for (int left = 1; left > 0;) {
    uv_run(loop, UV_RUN_NOWAIT);
    uv_mutex_lock(&mutex);
    left = to_hold;
    uv_mutex_unlock(&mutex);
  }
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **res) {
  struct addrinfo *ai;
  struct sockaddr_in *in;

  (void)service;
  (void)hints;
  *res = NULL;
  uv_mutex_lock(&mutex);
  if (to_hold > 0) {
    to_hold--;
    while (is_shut)
      uv_cond_wait(&changed, &mutex);
  }
  uv_mutex_unlock(&mutex);
  if (strcmp(node, "nobody.test") == 0) return EAI_NONAME;
  ai = calloc(1, sizeof *ai + sizeof *in);
  in = (struct sockaddr_in *)(void *)(ai + 1);
  ai->ai_family = in->sin_family = AF_INET;
  ai->ai_socktype = SOCK_STREAM;
  ai->ai_addr = (struct sockaddr *)(void *)in;
  ai->ai_addrlen = sizeof *in;
  in->sin_addr = mine;
  if (strcmp(node, "elsewhere.test") == 0)
    in->sin_addr.s_addr = htonl(0xcb007105); /* 203.0.113.5 */
  *res = ai;
  return 0;
}

void freeaddrinfo(struct addrinfo *res) {
  free(res);
}

static int find_address(void) {
  uv_interface_address_t *list;
  int n, found = 0;

  if (uv_interface_addresses(&list, &n) < 0) return 0;
  for (int i = 0; i < n && !found; i++) {
    if (list[i].is_internal || list[i].address.address4.sin_family != AF_INET) continue;
    mine = list[i].address.address4.sin_addr;
    found = 1;
  }
  uv_free_interface_addresses(list, n);
  return found;
}

/* -------------------------------------------------------------------------------- a member -- */

/* Listens everywhere; peers call it by that name. */
static void start_named(struct member *m, uv_loop_t *loop, const char *name, gcache_http_t http) {
  gcache_options_t o;
  struct sockaddr_in any;

  member_options(m, &o, loop, name);
  o.http = http;
  member_open(m, &o);
  member_group(m, "g");
  uv_ip4_addr("0.0.0.0", 0, &any);
  assert_int_equal(gcache_listen(&m->listener, m->cache, (const struct sockaddr *)&any, 64), 0);
  m->port = gcache_listener_port(m->listener);
  snprintf(m->url, sizeof m->url, "http://%s.test:%d", name, m->port);
  assert_int_equal(gcache_set_self(m->cache, m->url), 0);
}

static gcache_stats_t stats_of(const struct member *m) {
  gcache_stats_t stats;
  gcache_stats(m->cache, &stats);
  return stats;
}

/* Its one other peer. */
static void know(struct member *m, const char *other) {
  const char *urls[] = {m->url, other};
  assert_int_equal(gcache_set_peers(m->cache, urls, NULL, 2), 0);
}

static struct raw *call(struct member *m, const char *request) {
  char from[64];
  struct raw *c;

  uv_inet_ntop(AF_INET, &mine, from, sizeof from);
  c = raw_connect_from(m->loop, from, m->port);
  raw_say(c, request);
  return c;
}

static void await_waiting(struct member *m, uint64_t n) {
  while (stats_of(m).awaited_names < n)
    uv_run(m->loop, UV_RUN_ONCE);
}

static void hang_up(struct member *m, struct raw *c) {
  raw_close(c);
  run_loop_until(m->loop, &c->closed, 1);
  raw_free(c);
}

static void expect(struct member *m, struct raw *c, const char *answer) {
  while (raw_find(c, "\r\n\r\n") == NULL && !c->ended)
    uv_run(m->loop, UV_RUN_ONCE);
  if (strncmp(c->in, answer, strlen(answer)) != 0) fail_msg("no %s in: %s", answer, c->in);
  hang_up(m, c);
}

static int setup(void **state) {
  hold_back(0);
  return loop_setup(state);
}

static int teardown(void **state) {
  hold_back(0);
  return loop_teardown(state);
}

/* ------------------------------------------------------------------------------------ waits -- */

static void who_is_not_known_yet_waits_until_names_are(void **state) {
  struct member m;
  struct raw *c[4];

  if (!find_address()) skip();
  start_named(&m, *state, "m", GCACHE_HTTP_AUTO);
  hold_back(100);
  know(&m, "http://b.test:1");
  c[0] = call(&m, "GET " KEY " HTTP/1.1\r\n" HOST);
  c[1] = call(&m, "DELETE " KEY "2 HTTP/1.1\r\n" HOST);
  c[2] = call(&m, "PUT " KEY "3 HTTP/1.1\r\nContent-Length: 12\r\n" HOST
                  "\n\x01g\x12\x02k3\x1a\x03new");
  c[3] = call(&m, "GET /_groupcache/ HTTP/1.1\r\n" HOST); /* a ping: somebody is here */
  expect(&m, c[3], FORBIDDEN);
  await_waiting(&m, 3);
  assert_int_equal(stats_of(&m).forbidden, 1);
  for (int i = 0; i < 3; i++)
    assert_int_equal(c[i]->in_len, 0);
  hold_back(0);
  for (int i = 0; i < 3; i++)
    expect(&m, c[i], OK);
  assert_int_equal(stats_of(&m).forbidden, 1);
  expect(&m, call(&m, "GET " KEY "3 HTTP/1.1\r\n" HOST), OK);
  assert_int_equal(m.loads, 1); /* of the first, and not of what was set */
  assert_int_equal(stats_of(&m).awaited_names, 3);
  member_end(&m);
}

static void who_is_nobody_after_all_is_refused_when_that_is_known(void **state) {
  static const char *const urls[] = {"http://elsewhere.test:1", "http://nobody.test:1"};
  struct member m;
  struct raw *c;

  if (!find_address()) skip();
  for (size_t i = 0; i < 2; i++) {
    start_named(&m, *state, "nobody", GCACHE_HTTP_AUTO);
    hold_back(100);
    know(&m, urls[i]);
    c = call(&m, "GET " KEY " HTTP/1.1\r\n" HOST);
    await_waiting(&m, 1);
    hold_back(0);
    expect(&m, c, FORBIDDEN);
    expect(&m, call(&m, "GET " KEY " HTTP/1.1\r\n" HOST), FORBIDDEN); /* at once */
    assert_int_equal(stats_of(&m).awaited_names, 1);
    assert_int_equal(m.loads, 0);
    member_end(&m);
  }
}

static void nobody_waits_for_a_name_server_that_is_silent_for_long(void **state) {
  struct member m;
  uint64_t start;

  if (!find_address()) skip();
  start_named(&m, *state, "m", GCACHE_HTTP_AUTO);
  hold_back(100);
  know(&m, "http://b.test:1");
  start = uv_hrtime();
  expect(&m, call(&m, "GET " KEY " HTTP/1.1\r\n" HOST), FORBIDDEN);
  assert_true(uv_hrtime() - start >= 900 * 1000000u);
  assert_int_equal(stats_of(&m).awaited_names, 1);
  hold_back(0);
  member_end(&m);
}

static void who_waits_may_leave_and_the_cache_may_close(void **state) {
  struct member m;
  struct raw *c[2];

  if (!find_address()) skip();
  start_named(&m, *state, "m", GCACHE_HTTP_AUTO);
  hold_back(100);
  know(&m, "http://b.test:1");
  c[0] = call(&m, "GET " KEY " HTTP/1.1\r\n" HOST);
  c[1] = call(&m, "GET " KEY " HTTP/1.1\r\n" HOST "GET " KEY "2 HTTP/1.1\r\n" HOST);
  await_waiting(&m, 3);
  raw_reset(c[0]);
  run_loop_until(m.loop, &c[0]->closed, 1);
  raw_free(c[0]);
  run_loop_turns(m.loop, 20);
  member_close(&m);
  run_loop_until(m.loop, &c[1]->ended, 1);
  hold_back(0);
  run_loop_until(m.loop, &m.closed, 1);
  hang_up(&m, c[1]);
  assert_int_equal(m.oom.blocks, 0);
}

/* ------------------------------------------------------------------------------------ start -- */

static int set_text(struct member *m, struct changed *c, const char *key, const char *text) {
  gcache_value_t *value = gcache_value_copy(m->cache, gcache_cstr(text), GCACHE_NEVER);
  int err;

  memset(c, 0, sizeof *c);
  c->req.data = c;
  err = gcache_set(&c->req, m->group, gcache_cstr(key), value, 0, on_changed);
  gcache_value_unref(value);
  return err;
}

static void await_questions(const struct member *m) {
  gcache_stats_t stats = stats_of(m);

  for (; stats.awaited_names + stats.forbidden == 0; stats = stats_of(m))
    uv_run(m->loop, UV_RUN_ONCE);
}

/* Members that start and are asked before they know who is who: whoever owns a key loads it, once. */
static void start_together(void **state, gcache_http_t http) {
  enum { KEYS = 40 };
  static struct asked a[2][KEYS];
  struct member m[2];
  struct changed c;
  char key[64];

  start_named(&m[0], *state, "a", http);
  start_named(&m[1], *state, "b", http);
  hold_back(4); /* two members look up two names; who dials looks up more */
  members_know(m, 2);
  await_held(*state);
  assert_int_equal(set_text(&m[0], &c, member_key(&m[1], "set", key, sizeof key), "to be read"), 0);
  for (int i = 0; i < KEYS; i++) {
    snprintf(key, sizeof key, "k%d", i);
    ask_start(&a[0][i], &m[0], key, 0);
    ask_start(&a[1][i], &m[1], key, 0);
  }
  await_questions(&m[0]);
  await_questions(&m[1]);
  hold_back(0);
  for (int i = 0; i < KEYS; i++) {
    run_loop_until(*state, &a[0][i].done, 1);
    run_loop_until(*state, &a[1][i].done, 1);
    assert_string_equal(a[0][i].value, a[1][i].value);
  }
  assert_int_equal(m[0].loads + m[1].loads, KEYS);
  run_loop_until(*state, &c.done, 1);
  assert_int_equal(c.status, 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(stats_of(&m[i]).forbidden, 0);
    member_end(&m[i]);
  }
}

static void members_that_start_together_are_no_herd(void **state) {
  if (!find_address()) skip();
  start_together(state, GCACHE_HTTP_1);
  start_together(state, GCACHE_HTTP_AUTO);
  if (gci_h2_built_in()) start_together(state, GCACHE_HTTP_2);
}

int main(void) {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(who_is_not_known_yet_waits_until_names_are),
      T(who_is_nobody_after_all_is_refused_when_that_is_known),
      T(nobody_waits_for_a_name_server_that_is_silent_for_long),
      T(who_waits_may_leave_and_the_cache_may_close),
      T(members_that_start_together_are_no_herd),
  };
#undef T
  uv_os_setenv("UV_THREADPOOL_SIZE", "16"); /* more than are held back */
  uv_mutex_init(&mutex);
  uv_cond_init(&changed);
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
