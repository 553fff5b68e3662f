/* A library built without TLS reports that, and everything else works. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gcache/openssl.h"
#include "net/stream.h"
#include "world.h"

static void every_way_to_open_says_that_it_is_not_there(void **state) {
  gcache_tls_options_t options;
  gcache_tls_files_t files;
  gcache_tls_t *tls = NULL;
  char why[64];
  (void)state;
  gcache_tls_options_init(&options);
  assert_int_equal(options.size, sizeof options);
  assert_int_equal(gcache_tls_open(&tls, &options), UV_ENOTSUP);
  gcache_tls_files_init(&files);
  assert_int_equal(files.size, sizeof files);
  assert_int_equal(gcache_tls_open_files(&tls, &files, why, sizeof why), UV_ENOTSUP);
  assert_string_equal(why, "built without TLS");
  assert_int_equal(gcache_tls_open_files(&tls, &files, NULL, 0), UV_ENOTSUP);
  assert_int_equal(gcache_tls_reload_files(NULL, why, sizeof why), UV_ENOTSUP);
  assert_int_equal(gcache_tls_replace(NULL, NULL, NULL), UV_ENOTSUP);
  gcache_tls_free(NULL);
  assert_null(tls);
  assert_int_equal(gci_tls_asks(NULL) + gci_tls_answers(NULL) + gci_tls_wants_verified(NULL), 0);
}

static void on_closed(void *user) {
  ++*(int *)user;
}

static void a_stream_stays_in_the_clear(void **state) {
  const struct gci_stream_events events = {.on_closed = on_closed};
  struct world *w = *state;
  struct gci_stream s;
  int fds[2], closed = 0;
  plain_pair(fds);
  assert_int_equal(gci_stream_init(&s, &w->env, &w->uv, &events, &closed), 0);
  assert_int_equal(uv_tcp_open(&s.own.tcp, fds[1]), 0);
  assert_int_equal(gci_stream_secure_client(&s, NULL, "peer.test", 1, GCI_TLS_OFFER_BOTH),
                   UV_ENOTSUP);
  assert_int_equal(gci_stream_secure_server(&s, NULL, GCI_TLS_OFFER_BOTH, gcache_bytes("x", 1)),
                   UV_ENOTSUP);
  assert_null(s.tls);
  assert_int_equal(gci_stream_alpn(&s), GCI_TLS_ALPN_NONE);
  assert_string_equal(gci_stream_reason(&s), "");
  gci_stream_close(&s);
  run_until(w, &closed, 1);
  close(fds[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_way_to_open_says_that_it_is_not_there),
      cmocka_unit_test_setup_teardown(a_stream_stays_in_the_clear, world_setup, world_teardown),
  };
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
