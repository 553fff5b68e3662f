/* A peer whose name gets another address while another process accepts connections at the previous
 * one: the test sets the resolver's answers (uv_getaddrinfo is wrapped). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_etcd.h"
#include "find/etcd_words.h"
#include "world.h"

#define BEFORE "127.0.0.2"
#define AFTER "127.0.0.1" /* where tests listen */

static const char *address; /* of every name */
static int look_ups;

int __real_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb cb,
                          const char *name, const char *service, const struct addrinfo *hints);
int __wrap_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb cb,
                          const char *name, const char *service, const struct addrinfo *hints);

int __wrap_uv_getaddrinfo(uv_loop_t *loop, uv_getaddrinfo_t *request, uv_getaddrinfo_cb cb,
                          const char *name, const char *service, const struct addrinfo *hints) {
  assert_string_equal(name, "peer.test");
  look_ups++;
  return __real_uv_getaddrinfo(loop, request, cb, address, service, hints);
}

/* Takes connections and ends them. */
struct other {
  uv_tcp_t listener;
  int n, closed;
};

static void on_connection_closed(uv_handle_t *handle) {
  free(handle);
}

static void on_connection(uv_stream_t *listener, int status) {
  uv_tcp_t *connection = malloc(sizeof *connection);

  assert_int_equal(status, 0);
  uv_tcp_init(listener->loop, connection);
  assert_int_equal(uv_accept(listener, (uv_stream_t *)connection), 0);
  ((struct other *)listener->data)->n++;
  uv_close((uv_handle_t *)connection, on_connection_closed);
}

static void on_closed(uv_handle_t *handle) {
  ((struct other *)handle->data)->closed = 1;
}

/* < 0: that port is somebody's. */
static int other_open(struct other *o, uv_loop_t *loop, int port) {
  struct sockaddr_in addr;

  memset(o, 0, sizeof *o);
  uv_ip4_addr(BEFORE, port, &addr);
  uv_tcp_init(loop, &o->listener);
  o->listener.data = o;
  int rc = uv_tcp_bind(&o->listener, (const struct sockaddr *)&addr, 0);
  return rc < 0 ? rc : uv_listen((uv_stream_t *)&o->listener, 8, on_connection);
}

static void other_close(struct other *o) {
  uv_close((uv_handle_t *)&o->listener, on_closed);
  run_loop_until(o->listener.loop, &o->closed, 1);
}

static void open_owner(struct member *m, uv_loop_t *loop) {
  gcache_options_t o;

  member_options(m, &o, loop, "owner");
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
  snprintf(m->url, sizeof m->url, "http://peer.test:%d", m->port);
}

static void open_asker(struct member *m, uv_loop_t *loop, const char *url) {
  gcache_options_t o;

  member_options(m, &o, loop, "asker");
  o.health.probe_min_ms = o.health.probe_max_ms = 20;
  member_open(m, &o);
  member_group(m, "g");
  assert_int_equal(gcache_set_peers(m->cache, &url, NULL, 1), 0);
}

static void where_nobody_answers_the_name_is_looked_up_again(void **state) {
  struct member owner, asker;
  struct other other;
  struct asked a;
  char key[16];

  look_ups = 0;
  address = BEFORE;
  for (;;) {
    open_owner(&owner, *state);
    if (other_open(&other, *state, owner.port) == 0) break;
    other_close(&other);
    member_end(&owner);
  }
  open_asker(&asker, *state, owner.url);
  ask(&a, &asker, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  assert_int_equal(owner.loads, 0);
  assert_true(other.n > 0);
  address = AFTER;
  for (int i = 0; a.from != GCACHE_FROM_PEER; i++) {
    snprintf(key, sizeof key, "k%d", i);
    ask(&a, &asker, key);
    assert_int_equal(a.status, 0);
    uv_run(*state, UV_RUN_ONCE);
  }
  print_message("the name was looked up %d times\n", look_ups);
  assert_true(owner.loads > 0);
  other_close(&other);
  member_end(&asker);
  member_end(&owner);
}

static void an_etcd_that_has_moved_is_found(void **state) {
  struct fake_etcd fake;
  struct finder f;
  struct other other;
  gcache_find_etcd_t e;
  char url[64];
  const char *urls[] = {url};

  if (!gci_etcd_built_in()) skip();
  address = BEFORE;
  for (;;) {
    fake_open(&fake, *state);
    if (other_open(&other, *state, fake.server.port) == 0) break;
    other_close(&other);
    fake_close(&fake);
  }
  snprintf(url, sizeof url, "http://peer.test:%d", fake.server.port);
  finder_open(&f, *state, NULL);
  gcache_find_etcd_init(&e);
  e.endpoints = urls;
  e.n_endpoints = 1;
  assert_int_equal(gcache_find_etcd(&f.find, &f.o, &e), 0);
  finder_await_count(&f, &f.keeps, 1);
  assert_true(other.n > 0);
  address = AFTER;
  finder_await(&f, "http://10.0.0.2:80");
  other_close(&other);
  finder_end(&f);
  fake_close(&fake);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(where_nobody_answers_the_name_is_looked_up_again, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(an_etcd_that_has_moved_is_found, loop_setup, loop_teardown),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
