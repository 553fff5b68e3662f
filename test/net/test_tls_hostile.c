/* net/tls against OpenSSL itself at the other end, which does what a good peer does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tls_pair.h"

static struct certs certs;

/* A seam under test and OpenSSL's own end of the same connection. */
struct duel {
  struct oom oom;
  struct gci_mem *mem;
  SSL_CTX *client_ctx, *server_ctx;
  gcache_tls_t *tls;
  struct side ours;
  SSL *theirs;
  BIO *in, *out;
};

static void duel_open(struct duel *d, int we_serve, int version) {
  gcache_mem_t user = {oom_resize, &d->oom};
  memset(d, 0, sizeof *d);
  d->mem = gci_mem_new(&user);
  d->client_ctx = certs_context(&certs, TLS_client_method(), CERT_NONE);
  d->server_ctx = certs_context(&certs, TLS_server_method(), CERT_SERVER);
  SSL_CTX_set_max_proto_version(d->client_ctx, version);
  d->tls = open_tls(&d->oom, d->client_ctx, d->server_ctx, GCACHE_TLS_PEERS_ANY);
  d->theirs = SSL_new(we_serve ? d->client_ctx : d->server_ctx);
  d->in = BIO_new(BIO_s_mem());
  d->out = BIO_new(BIO_s_mem());
  SSL_set_bio(d->theirs, d->in, d->out);
  if (we_serve) {
    SSL_set_connect_state(d->theirs);
    assert_int_equal(gci_tls_open_server(&d->ours.tls, d->mem, d->tls, GCI_TLS_OFFER_BOTH), 0);
  } else {
    SSL_set_accept_state(d->theirs);
    assert_int_equal(
        gci_tls_open_client(&d->ours.tls, d->mem, d->tls, "peer.test", 1, GCI_TLS_OFFER_BOTH), 0);
  }
}

static void duel_close(struct duel *d) {
  SSL_free(d->theirs);
  ERR_clear_error();
  gci_tls_close(d->ours.tls);
  gcache_tls_free(d->tls);
  SSL_CTX_free(d->client_ctx);
  SSL_CTX_free(d->server_ctx);
  gci_mem_unref(d->mem);
  free(d->ours.got);
  oom_assert_empty(&d->oom);
}

static void they_receive(struct duel *d) {
  struct gci_out *out = gci_tls_output(d->ours.tls);
  gcache_bytes_t slice;
  while (gci_out_slices(out, &slice, 1) == 1) {
    BIO_write(d->in, slice.base, (int)slice.len);
    gci_out_consume(out, slice.len);
  }
}

static void we_receive(struct duel *d) {
  char bytes[65536];
  int n;
  while ((n = BIO_read(d->out, bytes, sizeof bytes)) > 0)
    side_feed(&d->ours, gcache_bytes(bytes, (size_t)n));
}

static void duel_run(struct duel *d) {
  char byte;
  for (int i = 0; i < 6; i++) {
    they_receive(d);
    SSL_do_handshake(d->theirs);
    SSL_read(d->theirs, &byte, 1);
    ERR_clear_error();
    we_receive(d);
  }
}

static void duel_secured(struct duel *d, int we_serve, int version) {
  duel_open(d, we_serve, version);
  duel_run(d);
  assert_int_equal(d->ours.secured, 1);
  assert_int_equal(d->ours.status, 0);
}

static void renegotiation_is_refused(void **state) {
  (void)state;
  for (int we_serve = 0; we_serve < 2; we_serve++) {
    struct duel d;
    duel_secured(&d, we_serve, TLS1_2_VERSION);
    assert_int_equal(SSL_renegotiate(d.theirs), 1);
    duel_run(&d);
    assert_int_equal(d.ours.status, UV_EPROTO);
    assert_string_equal(gci_tls_reason(d.ours.tls),
                        "renegotiation is not supported (the other side asked for it)");
    duel_close(&d);
  }
}

/* Each wants new keys of ours, and an answer. */
static void new_keys_are_made_a_few_times_but_not_for_ever(void **state) {
  struct duel d;
  int n = 0;
  (void)state;
  duel_secured(&d, 1, TLS1_3_VERSION);
  for (; d.ours.status == 0 && n < 10000; n++) {
    SSL_key_update(d.theirs, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(d.theirs);
    ERR_clear_error();
    we_receive(&d);
  }
  print_message("refused after %d wishes for new keys: %s\n", n, gci_tls_reason(d.ours.tls));
  assert_in_range(n, 50, 250);
  assert_int_equal(d.ours.status, UV_EPROTO);
  assert_true(d.oom.bytes < 100000);
  duel_close(&d);
}

static void new_keys_now_and_then_are_fine(void **state) {
  struct duel d;
  char byte;
  (void)state;
  duel_secured(&d, 1, TLS1_3_VERSION);
  for (int i = 0; i < 1000; i++) {
    SSL_key_update(d.theirs, i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_write(d.theirs, "x", 1);
    SSL_write(d.theirs, "y", 1);
    we_receive(&d);
    they_receive(&d);
    SSL_read(d.theirs, &byte, 1);
  }
  ERR_clear_error();
  assert_int_equal(d.ours.status, 0);
  assert_int_equal(d.ours.n_got, 2000);
  duel_close(&d);
}

/* A server of OpenSSL's that chooses a protocol which nobody has offered. */
static int choose_another(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                          const unsigned char *in, unsigned in_len, void *arg) {
  (void)ssl, (void)in, (void)in_len;
  *out = arg;
  *out_len = 2;
  return SSL_TLSEXT_ERR_OK;
}

static void a_protocol_that_was_not_offered_is_refused(void **state) {
  struct duel d;
  char h2[] = "h2";
  (void)state;
  duel_open(&d, 0, TLS1_3_VERSION);
  gci_tls_close(d.ours.tls);
  SSL_CTX_set_alpn_select_cb(d.server_ctx, choose_another, h2);
  assert_int_equal(
      gci_tls_open_client(&d.ours.tls, d.mem, d.tls, "peer.test", 1, GCI_TLS_OFFER_HTTP_1), 0);
  duel_run(&d);
  assert_int_equal(d.ours.status, UV_EPROTO);
  print_message("not offered: %s\n", gci_tls_reason(d.ours.tls));
  assert_true(strlen(gci_tls_reason(d.ours.tls)) > 0);
  duel_close(&d);
}

/* The application's own connections of the same context choose no protocol, and are left alone. */
static void the_context_still_serves_others(void **state) {
  struct duel d;
  SSL *server;
  const unsigned char *name;
  unsigned len;
  (void)state;
  duel_open(&d, 1, TLS1_3_VERSION);
  SSL_set_alpn_protos(d.theirs, (const unsigned char *)"\x02h2", 3);
  server = SSL_new(d.server_ctx);
  BIO_up_ref(d.in);
  BIO_up_ref(d.out);
  SSL_set_bio(server, d.out, d.in);
  SSL_set_accept_state(server);
  for (int i = 0; i < 6; i++) {
    SSL_do_handshake(d.theirs);
    SSL_do_handshake(server);
  }
  assert_true(SSL_is_init_finished(server) && SSL_is_init_finished(d.theirs));
  SSL_get0_alpn_selected(d.theirs, &name, &len);
  assert_int_equal(len, 0);
  SSL_free(server);
  duel_close(&d);
}

/* What the application has set in its context for connections of its own is not what ours run with. */
static void odd_contexts_are_set_right(void **state) {
  struct duel d;
  (void)state;
  duel_open(&d, 1, TLS1_3_VERSION);
  gci_tls_close(d.ours.tls);
  SSL_CTX_set_read_ahead(d.server_ctx, 1);
  SSL_CTX_set_quiet_shutdown(d.server_ctx, 1);
  SSL_CTX_clear_mode(d.server_ctx, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_options(d.server_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_max_early_data(d.server_ctx, 10000);
  SSL_CTX_set_max_send_fragment(d.server_ctx, 512);
  assert_int_equal(gci_tls_open_server(&d.ours.tls, d.mem, d.tls, GCI_TLS_OFFER_BOTH), 0);
  duel_run(&d);
  assert_int_equal(d.ours.secured, 1);
  for (int i = 0; i < 3; i++)
    SSL_write(d.theirs, "question", 8);
  we_receive(&d);
  assert_int_equal(d.ours.n_got, 24);
  gci_tls_write_end(d.ours.tls);
  assert_true(gci_tls_output(d.ours.tls)->bytes > 0); /* close_notify */
  side_end(&d.ours);
  assert_int_equal(d.ours.status, UV_ECONNABORTED);
  duel_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(renegotiation_is_refused),
      cmocka_unit_test(new_keys_are_made_a_few_times_but_not_for_ever),
      cmocka_unit_test(new_keys_now_and_then_are_fine),
      cmocka_unit_test(a_protocol_that_was_not_offered_is_refused),
      cmocka_unit_test(the_context_still_serves_others),
      cmocka_unit_test(odd_contexts_are_set_right),
  };
  int failed;
  certs_make(&certs);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  certs_free(&certs);
  return !!failed;
}
