/* Slow clients over TLS: four hundred handshakes at once that do not continue, next to honest gets
 * in the clear and over TLS. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certs.h"
#include "gcache/openssl.h"
#include "hostile.h"

enum { LIMIT_MS = 150, SLACK_MS = 1000 };

static struct certs certs;

/* What a client says first. */
struct hello {
  char bytes[2048];
  size_t len;
};

static struct hello hello_of(const struct certs *from) {
  struct hello hello;
  SSL_CTX *ctx = certs_context(from, TLS_client_method(), CERT_NONE);
  SSL *ssl = SSL_new(ctx);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

  SSL_set_bio(ssl, in, out);
  SSL_set_connect_state(ssl);
  SSL_do_handshake(ssl);
  hello.len = (size_t)BIO_read(out, hello.bytes, sizeof hello.bytes);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
  return hello;
}

static void say_hello_in_bytes(struct crowd *crowd, struct hostile *one) {
  const struct hello *hello = crowd->arg;

  if (one->at < hello->len) crowd_say(one, hello->bytes + one->at++, 1);
}

static gcache_tls_t *open_tls(void) {
  gcache_tls_options_t o;
  gcache_tls_t *tls;

  gcache_tls_options_init(&o);
  o.client = certs_context(&certs, TLS_client_method(), CERT_NONE);
  o.server = certs_context(&certs, TLS_server_method(), CERT_SERVER);
  assert_int_equal(gcache_tls_open(&tls, &o), 0);
  SSL_CTX_free(o.client);
  SSL_CTX_free(o.server);
  return tls;
}

/* Listens in the clear as well, for the honest one. */
static void open_member(struct member *m, void **state, gcache_tls_t *tls) {
  gcache_options_t o;
  gcache_listener_t *secure;
  struct sockaddr_in addr;

  member_options(m, &o, *state, "here");
  o.limits.tls_timeout_ms = LIMIT_MS;
  o.limits.connections_per_address = 2 * HOSTILE_MAX;
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
  uv_ip4_addr("127.0.0.1", 0, &addr);
  assert_int_equal(gcache_listen_tls(&secure, m->cache, (struct sockaddr *)&addr, 64, tls), 0);
  m->listener = secure;
}

/* Of the crowd's own, and nobody else's. */
static int count_cut(const struct crowd *crowd) {
  char bytes[256];
  int cut = 0;

  for (int i = 0; i < crowd->n; i++) {
    ssize_t n;

    do {
      n = recv(crowd->all[i].fd, bytes, sizeof bytes, MSG_DONTWAIT);
    } while (n > 0);
    cut += n == 0 || errno == ECONNRESET;
  }
  return cut;
}

static void cut_those_who(void **state, const char *what, const struct hello *hello, size_t at_once,
                          void (*act)(struct crowd *crowd, struct hostile *one)) {
  gcache_tls_t *tls = open_tls();
  struct member m;
  struct crowd crowd;
  double ms;

  open_member(&m, state, tls);
  crowd_init(&crowd, &m);
  crowd.act = act;
  crowd.arg = hello;
  m.port = gcache_listener_port(m.listener);
  crowd_come(&crowd, HOSTILE_MAX, 0, hello->bytes, at_once);
  ms = crowd_until_cut(&crowd);
  print_message(
      "%s: %d cut after %.0f ms; %d honest gets meanwhile, the slowest %.1f ms, %.1f of work\n",
      what, HOSTILE_MAX, ms, crowd.honest.gets, crowd.honest.worst_ms, crowd.honest.worst_cpu_ms);
  assert_true(ms <= LIMIT_MS + SLACK_MS);
  crowd_turns(&crowd, 10);
  assert_int_equal(count_cut(&crowd), HOSTILE_MAX);
  crowd_fini(&crowd);
  assert_true(stats_of(&m).refused >= HOSTILE_MAX); /* others' tests may knock here by mistake */
  member_end(&m);
  gcache_tls_free(tls);
}

static void slow_handshakes_are_cut(void **state) {
  struct hello hello = hello_of(&certs);

  cut_those_who(state, "TLS, silence", &hello, 0, NULL);
  cut_those_who(state, "TLS, ClientHello in bytes", &hello, 0, say_hello_in_bytes);
  cut_those_who(state, "TLS, half a ClientHello", &hello, hello.len / 2, NULL);
}

/* Each costs a signature, and the gets of others wait for those of one turn at most. */
static void handshakes_that_stop_in_the_middle_are_cut(void **state) {
  struct hello hello = hello_of(&certs);

  cut_those_who(state, "TLS, ClientHello and no more", &hello, hello.len, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(slow_handshakes_are_cut),
      TEST(handshakes_that_stop_in_the_middle_are_cut),
  };
  int failed;

  certs_make(&certs);
  failed = cmocka_run_group_tests(tests, loop_warm_up, NULL);
  certs_free(&certs);
  return !!failed;
}
