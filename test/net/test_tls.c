/* net/tls: two ends that face each other in memory. Certificate errors are in test_tls_refused.c,
 * hostile peers in test_tls_hostile.c, streams in test_tls_stream.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tls_pair.h"

static struct certs certs;
static const struct pair_wish usual;

static void run_and_expect_secured(struct pair *p) {
  pair_run(p);
  assert_string_equal(gci_tls_reason(p->client.tls), "");
  assert_string_equal(gci_tls_reason(p->server.tls), "");
  assert_int_equal(p->client.status, 0);
  assert_int_equal(p->server.status, 0);
  assert_true(p->client.secured && p->server.secured);
}

/* ---- bytes ---- */

static void both_sides_read_what_the_other_wrote(void **state) {
  struct pair p;
  (void)state;
  pair_open(&p, &certs, &usual);
  run_and_expect_secured(&p);
  side_write_text(&p, &p.client, "question");
  side_write_text(&p, &p.server, "answer");
  pair_run(&p);
  assert_int_equal(p.server.n_got, 8);
  assert_memory_equal(p.server.got, "question", 8);
  assert_int_equal(p.client.n_got, 6);
  assert_memory_equal(p.client.got, "answer", 6);
  pair_close(&p);
}

static void it_does_not_matter_how_the_bytes_are_cut(void **state) {
  static const size_t steps[] = {1, 2, 3, 5, 6, 100, 1000, 16413};
  (void)state;
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    struct pair p;
    pair_open(&p, &certs, &(struct pair_wish){.step = steps[i]});
    run_and_expect_secured(&p);
    side_write_text(&p, &p.client, "question");
    side_write_text(&p, &p.client, " and another");
    pair_run(&p);
    assert_int_equal(p.server.n_got, 20);
    assert_memory_equal(p.server.got, "question and another", 20);
    pair_close(&p);
  }
}

/* What a side has not asked for yet is kept, however it was fed. */
static void what_is_not_read_is_kept(void **state) {
  struct pair p;
  gcache_bytes_t slices[8];
  struct gci_out *out;
  (void)state;
  pair_open(&p, &certs, &usual);
  run_and_expect_secured(&p);
  out = gci_tls_output(p.client.tls);
  for (int i = 0; i < 3; i++) {
    char *copy;
    side_write_text(&p, &p.client, "part ");
    assert_int_equal(gci_out_slices(out, slices, 8), 1);
    copy = malloc(slices[0].len);
    memcpy(copy, slices[0].base, slices[0].len);
    assert_int_equal(gci_tls_feed(p.server.tls, gcache_bytes(copy, slices[0].len)), 0);
    assert_int_equal(gci_tls_keep(p.server.tls), 0);
    assert_true(gci_tls_kept(p.server.tls));
    free(copy);
    gci_out_consume(out, out->bytes);
  }
  side_read(&p.server);
  assert_int_equal(p.server.n_got, 15);
  assert_memory_equal(p.server.got, "part part part ", 15);
  assert_int_equal(gci_tls_keep(p.server.tls), 0);
  assert_false(gci_tls_kept(p.server.tls));
  pair_close(&p);
}

static char at(size_t i) {
  return (char)(i * 31 + i / 251);
}

static gcache_value_t *value_of(struct pair *p, size_t n) {
  gcache_value_t *value = gci_value_block(p->mem, n);
  assert_non_null(value);
  for (size_t i = 0; i < n; i++)
    ((char *)gci_value_fill(value))[i] = at(i);
  return value;
}

static void a_large_value_is_encrypted_only_a_little_ahead(void **state) {
  const size_t n = (size_t)8 << 20;
  struct pair p;
  struct gci_out out;
  gcache_value_t *value;
  size_t rest;
  (void)state;
  pair_open(&p, &certs, &usual);
  run_and_expect_secured(&p);
  gci_out_init(&out, p.mem);
  value = value_of(&p, n);
  for (int i = 0; i < 3; i++) { /* three times by reference */
    assert_int_equal(gci_out_text(&out, gcache_cstr("head")), 0);
    assert_int_equal(gci_out_value(&out, value), 0);
  }
  gcache_value_unref(value);
  assert_int_equal(gci_tls_write(p.server.tls, &out), 0);
  rest = out.bytes;
  assert_in_range(gci_tls_output(p.server.tls)->bytes, GCI_TLS_AHEAD,
                  GCI_TLS_AHEAD + GCI_TLS_RECORD + 100);
  assert_int_equal(gci_tls_write(p.server.tls, &out), 0); /* full: nothing more is taken */
  assert_int_equal(out.bytes, rest);
  assert_true(p.oom.bytes < n + (1 << 20));
  while (out.bytes > 0) {
    pair_run(&p);
    assert_int_equal(gci_tls_write(p.server.tls, &out), 0);
  }
  pair_run(&p);
  assert_int_equal(p.client.n_got, 3 * (n + 4));
  for (size_t i = 0; i < 3 * (n + 4); i++) {
    size_t j = i % (n + 4);
    if (p.client.got[i] != (j < 4 ? "head"[j] : at(j - 4))) fail_msg("byte %zu", i);
  }
  gci_out_fini(&out);
  pair_close(&p);
}

/* Heads and small bodies side by side leave as full records, not as one each. */
static void small_pieces_share_records(void **state) {
  struct pair p;
  struct gci_out out;
  gcache_value_t *value;
  (void)state;
  pair_open(&p, &certs, &usual);
  run_and_expect_secured(&p);
  gci_out_init(&out, p.mem);
  value = value_of(&p, 2000);
  for (int i = 0; i < 16; i++) {
    assert_int_equal(gci_out_text(&out, gcache_cstr("head")), 0);
    assert_int_equal(gci_out_value(&out, value), 0);
  }
  gcache_value_unref(value);
  assert_int_equal(gci_tls_write(p.server.tls, &out), 0);
  assert_in_range(gci_tls_output(p.server.tls)->bytes, 16 * 2004, 16 * 2004 + 2 * 40);
  pair_run(&p);
  assert_int_equal(p.client.n_got, 16 * 2004);
  gci_out_fini(&out);
  pair_close(&p);
}

/* ---- ends ---- */

static void an_end_is_told_and_the_other_direction_goes_on(void **state) {
  struct pair p;
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    pair_open(&p, &certs, &(struct pair_wish){.max_version = version});
    run_and_expect_secured(&p);
    side_write_text(&p, &p.client, "the last");
    gci_tls_write_end(p.client.tls);
    gci_tls_write_end(p.client.tls);
    pair_run(&p);
    assert_int_equal(p.server.status, UV_EOF);
    assert_int_equal(p.server.n_got, 8);
    side_write_text(&p, &p.server, "an answer all the same");
    gci_tls_write_end(p.server.tls);
    pair_run(&p);
    assert_int_equal(p.client.n_got, 22);
    assert_int_equal(p.client.status, UV_EOF);
    pair_close(&p);
  }
}

static void an_end_without_close_notify_is_an_error(void **state) {
  struct pair p;
  (void)state;
  pair_open(&p, &certs, &usual);
  run_and_expect_secured(&p);
  side_write_text(&p, &p.client, "the first half");
  pair_run(&p);
  side_end(&p.server);
  assert_int_equal(p.server.status, UV_ECONNABORTED);
  assert_string_equal(gci_tls_reason(p.server.tls), "TLS connection cut without close_notify");
  assert_int_equal(gci_tls_handshake(p.server.tls), UV_ECONNABORTED); /* for good */
  pair_close(&p);
}

/* One whole conversation, cut behind every byte: each end either has all and the end of it, or an error
 * with words. */
static size_t converse(const struct pair_wish *wish, size_t cut_after, int *faults) {
  struct pair p;
  size_t fed;
  pair_open(&p, &certs, wish);
  p.cut_after = cut_after;
  pair_run(&p);
  if (p.client.secured) {
    side_write_text(&p, &p.client, "question");
    gci_tls_write_end(p.client.tls);
  }
  pair_run(&p);
  if (p.server.secured && p.server.status == UV_EOF) {
    side_write_text(&p, &p.server, "answer");
    gci_tls_write_end(p.server.tls);
  }
  pair_run(&p);
  for (int i = 0; i < 2; i++) {
    struct side *side = i == 0 ? &p.client : &p.server;
    if (side->status == 0) side_end(side);
    if (side->status == UV_EOF) {
      assert_int_equal(side->n_got, side == &p.client ? 6 : 8);
      continue;
    }
    assert_int_equal(side->status, UV_ECONNABORTED);
    assert_string_equal(gci_tls_reason(side->tls),
                        side->secured ? "TLS connection cut without close_notify"
                                      : "the connection ended during the TLS handshake");
    (*faults)++;
  }
  fed = p.fed;
  pair_close(&p);
  return fed;
}

static void cut_anywhere_it_is_told_apart_from_an_end(void **state) {
  int faults = 0;
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    struct pair_wish wish = {.max_version = version};
    int none = 0;
    size_t whole = converse(&wish, 0, &none);
    assert_int_equal(none, 0);
    for (size_t cut = 1; cut < whole; cut += cut < 300 || cut > whole - 300 ? 1 : 7)
      converse(&wish, cut, &faults);
  }
  print_message("cuts that were told: %d\n", faults);
  assert_true(faults > 500);
}

/* ---- protocols ---- */

static void the_protocol_is_what_both_speak_best(void **state) {
  static const struct {
    enum gci_tls_offer client, server;
    enum gci_tls_alpn alpn; /* NONE: refused */
  } cases[] = {
      {GCI_TLS_OFFER_BOTH, GCI_TLS_OFFER_BOTH, GCI_TLS_ALPN_HTTP_2},
      {GCI_TLS_OFFER_BOTH, GCI_TLS_OFFER_HTTP_1, GCI_TLS_ALPN_HTTP_1},
      {GCI_TLS_OFFER_BOTH, GCI_TLS_OFFER_HTTP_2, GCI_TLS_ALPN_HTTP_2},
      {GCI_TLS_OFFER_HTTP_1, GCI_TLS_OFFER_BOTH, GCI_TLS_ALPN_HTTP_1},
      {GCI_TLS_OFFER_HTTP_1, GCI_TLS_OFFER_HTTP_1, GCI_TLS_ALPN_HTTP_1},
      {GCI_TLS_OFFER_HTTP_1, GCI_TLS_OFFER_HTTP_2, GCI_TLS_ALPN_NONE},
      {GCI_TLS_OFFER_HTTP_2, GCI_TLS_OFFER_BOTH, GCI_TLS_ALPN_HTTP_2},
      {GCI_TLS_OFFER_HTTP_2, GCI_TLS_OFFER_HTTP_1, GCI_TLS_ALPN_NONE},
      {GCI_TLS_OFFER_HTTP_2, GCI_TLS_OFFER_HTTP_2, GCI_TLS_ALPN_HTTP_2},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pair p;
    pair_open(
        &p, &certs,
        &(struct pair_wish){.client_offer = cases[i].client, .server_offer = cases[i].server});
    pair_run(&p);
    if (cases[i].alpn == GCI_TLS_ALPN_NONE) {
      assert_int_equal(p.server.status, UV_EPROTO);
      assert_int_equal(p.client.status, UV_EPROTO);
    } else {
      assert_int_equal(gci_tls_alpn(p.client.tls), cases[i].alpn);
      assert_int_equal(gci_tls_alpn(p.server.tls), cases[i].alpn);
    }
    pair_close(&p);
  }
}

/* ---- sessions ---- */

static int connect_again(struct pair *p, const struct pair_wish *wish) {
  int resumed;
  pair_connect(p, wish);
  run_and_expect_secured(p);
  resumed = gci_tls_resumed(p->client.tls);
  assert_int_equal(gci_tls_resumed(p->server.tls), resumed);
  pair_disconnect(p);
  return resumed;
}

static void the_second_connection_to_a_peer_is_resumed(void **state) {
  (void)state;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    struct pair_wish wish = {.max_version = version};
    struct pair p;
    int resumed = 0;
    pair_contexts(&p, &certs, &wish);
    for (int i = 0; i < 10; i++)
      resumed += connect_again(&p, &wish);
    assert_int_equal(resumed, 9);
    wish.host = "a.wild.test"; /* somebody else: nothing is kept for it yet */
    assert_int_equal(connect_again(&p, &wish), 0);
    assert_int_equal(connect_again(&p, &wish), 1);
    pair_contexts_free(&p);
  }
}

static void who_was_verified_still_is_when_resumed(void **state) {
  struct pair_wish wish = {.client = CERT_CLIENT, .peers = GCACHE_TLS_PEERS_VERIFIED};
  struct pair p;
  (void)state;
  pair_contexts(&p, &certs, &wish);
  for (int i = 0; i < 3; i++) {
    pair_connect(&p, &wish);
    run_and_expect_secured(&p);
    assert_int_equal(gci_tls_resumed(p.server.tls), i > 0);
    assert_true(gci_tls_verified(p.client.tls));
    assert_true(gci_tls_verified(p.server.tls));
    pair_disconnect(&p);
  }
  pair_contexts_free(&p);
}

/* The same context in a port that is open to all must not let sessions through to one that is not. */
static void a_session_from_an_open_port_is_not_good_for_a_closed_one(void **state) {
  struct pair_wish wish = {.client = CERT_CLIENT};
  struct pair p;
  (void)state;
  pair_contexts(&p, &certs, &wish);
  assert_int_equal(connect_again(&p, &wish), 0);
  assert_int_equal(connect_again(&p, &wish), 1);
  gcache_tls_free(p.server_tls);
  p.server_tls = open_tls(&p.oom, NULL, p.server_ctx, GCACHE_TLS_PEERS_VERIFIED);
  pair_connect(&p, &wish);
  run_and_expect_secured(&p);
  assert_false(gci_tls_resumed(p.server.tls));
  assert_true(gci_tls_verified(p.server.tls));
  pair_close(&p);
}

/* As where no search list is wanted. No certificate has it. */
static void a_name_may_end_with_the_dot_of_the_root(void **state) {
  struct pair_wish wish = {.host = "peer.test."};
  struct pair p;
  (void)state;
  pair_open(&p, &certs, &wish);
  run_and_expect_secured(&p);
  assert_true(gci_tls_named(p.client.tls, "peer.test."));
  assert_true(gci_tls_named(p.client.tls, "peer.test"));
  assert_false(gci_tls_named(p.client.tls, "peer.test.."));
  assert_false(gci_tls_named(p.client.tls, "."));
  assert_false(gci_tls_named(p.client.tls, ""));
  pair_close(&p);
}

static void at_most_256_sessions_are_kept(void **state) {
  struct pair_wish wish = {0};
  struct pair p;
  char host[64];
  (void)state;
  pair_contexts(&p, &certs, &wish);
  wish.host = host;
  for (int i = 0; i < 257; i++) {
    snprintf(host, sizeof host, "h%d.wild.test", i);
    assert_int_equal(connect_again(&p, &wish), 0);
  }
  snprintf(host, sizeof host, "h256.wild.test");
  assert_int_equal(connect_again(&p, &wish), 1);
  snprintf(host, sizeof host, "h1.wild.test");
  assert_int_equal(connect_again(&p, &wish), 1);
  snprintf(host, sizeof host, "h0.wild.test");
  assert_int_equal(connect_again(&p, &wish), 0);
  pair_contexts_free(&p);
}

/* ---- replaced ---- */

static void replaced_contexts_are_for_new_connections(void **state) {
  struct pair_wish wish = {.client = CERT_CLIENT};
  struct pair p, old;
  SSL_CTX *client, *server;
  (void)state;
  pair_contexts(&p, &certs, &wish);
  assert_int_equal(connect_again(&p, &wish), 0);
  assert_int_equal(connect_again(&p, &wish), 1);
  pair_connect(&p, &wish);
  run_and_expect_secured(&p);
  old = p;
  client = certs_context(&certs, TLS_client_method(), CERT_CLIENT);
  server = certs_context(&certs, TLS_server_method(), CERT_EXPIRED);
  assert_int_equal(gcache_tls_replace(p.client_tls, client, server), UV_EINVAL);
  assert_int_equal(gcache_tls_replace(p.client_tls, NULL, NULL), UV_EINVAL);
  assert_int_equal(gcache_tls_replace(p.server_tls, NULL, server), 0);
  pair_connect(&p, &wish);
  pair_run(&p);
  assert_int_equal(p.client.status, UV_EPROTO); /* the new certificate has expired */
  pair_disconnect(&p);
  side_write_text(&old, &old.client, "still here");
  pair_run(&old);
  assert_int_equal(old.server.n_got, 10);
  SSL_CTX_free(server);
  server = certs_context(&certs, TLS_server_method(), CERT_SERVER);
  assert_int_equal(gcache_tls_replace(p.server_tls, NULL, server), 0);
  assert_int_equal(gcache_tls_replace(p.client_tls, client, NULL), 0);
  SSL_CTX_free(client);
  SSL_CTX_free(server);
  pair_disconnect(&old); /* its session is from before: not kept */
  assert_int_equal(connect_again(&p, &wish), 0);
  assert_int_equal(connect_again(&p, &wish), 1);
  pair_contexts_free(&p);
}

/* ---- memory ---- */

static void converse_without_memory(struct oom *oom, void *arg) {
  gcache_mem_t user = {oom_resize, oom};
  struct gci_mem *mem = gci_mem_new(&user);
  SSL_CTX **ctx = arg;
  struct pair p = {.mem = mem, .step = 1000};
  gcache_tls_options_t o;
  struct gci_out out;
  if (mem == NULL) return;
  gcache_tls_options_init(&o);
  o.client = ctx[0];
  o.server = ctx[1];
  o.mem = user;
  if (gcache_tls_open(&p.client_tls, &o) < 0) goto no_tls;
  if (gci_tls_open_client(&p.client.tls, mem, p.client_tls, "127.0.0.1", 1, GCI_TLS_OFFER_BOTH) < 0)
    goto no_client;
  if (gci_tls_open_server(&p.server.tls, mem, p.client_tls, GCI_TLS_OFFER_BOTH) < 0) goto no_server;
  pair_run(&p);
  gci_out_init(&out, mem);
  if (p.client.secured && p.server.secured && gci_out_text(&out, gcache_cstr("question")) == 0 &&
      gci_tls_write(p.client.tls, &out) == 0) {
    pair_run(&p);
    if (p.server.status == 0) assert_int_equal(p.server.n_got, 8);
  }
  gci_out_fini(&out);
  if (oom->refused == 0) assert_int_equal(p.server.n_got, 8);
  free(p.client.got);
  free(p.server.got);
  gci_tls_close(p.server.tls);
no_server:
  gci_tls_close(p.client.tls);
no_client:
  gcache_tls_free(p.client_tls);
no_tls:
  gci_mem_unref(mem);
}

static void every_allocation_may_fail(void **state) {
  SSL_CTX *ctx[2] = {certs_context(&certs, TLS_client_method(), CERT_NONE),
                     certs_context(&certs, TLS_server_method(), CERT_SERVER)};
  (void)state;
  print_message("allocations: %zu\n", oom_sweep(converse_without_memory, ctx));
  SSL_CTX_free(ctx[0]);
  SSL_CTX_free(ctx[1]);
}

static void without_a_context_nothing_is_opened(void **state) {
  struct pair p;
  struct gci_tls *t;
  gcache_tls_options_t o;
  gcache_tls_t *tls;
  (void)state;
  pair_contexts(&p, &certs, &usual);
  assert_int_equal(gci_tls_open_client(&t, p.mem, p.server_tls, "x", 1, GCI_TLS_OFFER_BOTH),
                   UV_ENOTSUP);
  assert_int_equal(gci_tls_open_server(&t, p.mem, p.client_tls, GCI_TLS_OFFER_BOTH), UV_ENOTSUP);
  assert_int_equal(gci_tls_open_client(&t, p.mem, NULL, "x", 1, GCI_TLS_OFFER_BOTH), UV_ENOTSUP);
  assert_int_equal(gci_tls_open_server(&t, p.mem, NULL, GCI_TLS_OFFER_BOTH), UV_ENOTSUP);
  assert_false(gci_tls_wants_verified(NULL));
  gcache_tls_options_init(&o);
  assert_int_equal(gcache_tls_open(&tls, &o), UV_EINVAL);
  o.server = p.server_ctx;
  o.size = 3;
  assert_int_equal(gcache_tls_open(&tls, &o), UV_EINVAL);
  gcache_tls_free(NULL);
  pair_contexts_free(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_sides_read_what_the_other_wrote),
      cmocka_unit_test(it_does_not_matter_how_the_bytes_are_cut),
      cmocka_unit_test(what_is_not_read_is_kept),
      cmocka_unit_test(a_large_value_is_encrypted_only_a_little_ahead),
      cmocka_unit_test(small_pieces_share_records),
      cmocka_unit_test(an_end_is_told_and_the_other_direction_goes_on),
      cmocka_unit_test(an_end_without_close_notify_is_an_error),
      cmocka_unit_test(cut_anywhere_it_is_told_apart_from_an_end),
      cmocka_unit_test(the_protocol_is_what_both_speak_best),
      cmocka_unit_test(the_second_connection_to_a_peer_is_resumed),
      cmocka_unit_test(who_was_verified_still_is_when_resumed),
      cmocka_unit_test(a_session_from_an_open_port_is_not_good_for_a_closed_one),
      cmocka_unit_test(a_name_may_end_with_the_dot_of_the_root),
      cmocka_unit_test(at_most_256_sessions_are_kept),
      cmocka_unit_test(replaced_contexts_are_for_new_connections),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(without_a_context_nothing_is_opened),
  };
  int failed;
  certs_make(&certs);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  certs_free(&certs);
  return !!failed;
}
