/* net/tls: every reason for a refusal, and its message on both sides. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tls_pair.h"

static struct certs certs;

#define VERIFY "certificate verify failed: "
#define SAID(words) words " (reported by the other side)"

/* Words as OpenSSL 3.0 to 3.5 write them. */
static const struct refusal {
  const char *name;
  struct pair_wish wish;
  const char *client, *server;
} refusals[] = {
    {"expired",
     {.server = CERT_EXPIRED},
     VERIFY "certificate has expired",
     SAID("sslv3 alert certificate expired")},
    {"not valid yet",
     {.server = CERT_FUTURE},
     VERIFY "certificate is not yet valid",
     SAID("sslv3 alert bad certificate")},
    {"for another name",
     {.server = CERT_WRONG_HOST},
     VERIFY "hostname mismatch",
     SAID("sslv3 alert bad certificate")},
    {"for another address",
     {.server = CERT_WRONG_HOST, .host = "127.0.0.1"},
     VERIFY "IP address mismatch",
     SAID("sslv3 alert bad certificate")},
    {"for another IPv6 address",
     {.server = CERT_WRONG_HOST, .host = "[::1]"},
     VERIFY "IP address mismatch",
     SAID("sslv3 alert bad certificate")},
    {"from an unknown CA",
     {.server = CERT_STRANGER},
     VERIFY "unable to get local issuer certificate",
     SAID("tlsv1 alert unknown ca")},
    {"under the CA's name",
     {.server = CERT_IMPOSTOR},
     VERIFY "certificate signature failure",
     SAID("tlsv1 alert decrypt error")},
    {"self-made",
     {.server = CERT_SELF_MADE},
     VERIFY "self-signed certificate",
     SAID("tlsv1 alert unknown ca")},
    {"not for servers",
     {.server = CERT_NOT_SERVER},
     VERIFY "unsuitable certificate purpose",
     SAID("sslv3 alert unsupported certificate")},
    {"client's expired",
     {.client = CERT_EXPIRED, .peers = GCACHE_TLS_PEERS_VERIFIED},
     SAID("sslv3 alert certificate expired"),
     VERIFY "certificate has expired"},
    {"client's from an unknown CA",
     {.client = CERT_STRANGER, .peers = GCACHE_TLS_PEERS_VERIFIED},
     SAID("tlsv1 alert unknown ca"),
     VERIFY "unable to get local issuer certificate"},
    {"no protocol in common",
     {.client_offer = GCI_TLS_OFFER_HTTP_2, .server_offer = GCI_TLS_OFFER_HTTP_1},
     SAID("tlsv1 alert no application protocol"),
     "no application protocol (none of the offered ones is supported here)"},
};

static const char *say(const struct side *side) {
  return side->status == 0 ? "fine" : gci_tls_reason(side->tls);
}

static void each_refusal_has_its_words_on_both_sides(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const struct refusal *r = &refusals[i];
    struct pair p;
    pair_open(&p, &certs, &r->wish);
    pair_run(&p);
    print_message("%-27s client: %s\n%-27s server: %s\n", r->name, say(&p.client), "",
                  say(&p.server));
    assert_int_equal(p.client.status, UV_EPROTO);
    assert_int_equal(p.server.status, UV_EPROTO);
    assert_true(same_words(gci_tls_reason(p.client.tls), r->client));
    assert_true(same_words(gci_tls_reason(p.server.tls), r->server));
    assert_int_equal(p.client.n_got + p.server.n_got, 0);
    if (strstr(r->client, VERIFY)) assert_false(gci_tls_verified(p.client.tls));
    assert_false(gci_tls_verified(p.server.tls));
    pair_close(&p);
  }
}

static void what_is_good_is_not_refused(void **state) {
  static const struct pair_wish good[] = {
      {.host = "peer.test"},
      {.host = "PEER.test"},
      {.host = "one.wild.test"},
      {.host = "127.0.0.1"},
      {.host = "::1"},
      {.host = "[::1]"},
      {.host = "::1%lo"},
      {.host = "[::1%lo]"},
      {.server = CERT_WRONG_HOST, .host = "other.test"},
      {.server = CERT_WRONG_HOST, .host = "127.0.0.2"},
      {.client = CERT_CLIENT},
      {.client = CERT_CLIENT, .peers = GCACHE_TLS_PEERS_VERIFIED},
      {.client = CERT_NONE, .peers = GCACHE_TLS_PEERS_VERIFIED},
      {.client = CERT_STRANGER}, /* nobody asks for it */
  };
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct pair p;
    pair_open(&p, &certs, &good[i]);
    pair_run(&p);
    assert_true(p.client.secured && p.server.secured);
    assert_true(gci_tls_verified(p.client.tls));
    assert_int_equal(gci_tls_verified(p.server.tls),
                     good[i].client == CERT_CLIENT && good[i].peers == GCACHE_TLS_PEERS_VERIFIED);
    pair_close(&p);
  }
}

static void impossible_hosts_are_refused_before_anything_is_sent(void **state) {
  struct pair p;
  struct gci_tls *t;
  char longest[300];
  (void)state;
  memset(longest, 'a', sizeof longest);
  longest[299] = 0;
  pair_contexts(&p, &certs, &(struct pair_wish){0});
  assert_int_equal(gci_tls_open_client(&t, p.mem, p.client_tls, longest, 1, GCI_TLS_OFFER_BOTH),
                   UV_EINVAL);
  assert_int_equal(gci_tls_open_client(&t, p.mem, p.client_tls, "", 1, GCI_TLS_OFFER_BOTH),
                   UV_EINVAL);
  assert_int_equal(gci_tls_open_client(&t, p.mem, p.client_tls, "[]", 1, GCI_TLS_OFFER_BOTH),
                   UV_EINVAL);
  pair_contexts_free(&p);
}

/* ---- what is not TLS ---- */

static void feed_text(struct side *side, const char *text) {
  side_feed(side, gcache_cstr(text));
}

static void plain_http_at_a_tls_port_is_named(void **state) {
  struct pair p;
  (void)state;
  pair_open(&p, &certs, &(struct pair_wish){0});
  feed_text(&p.server, "GET / HTTP/1.1\r\nHost: peer.test\r\n\r\n");
  assert_int_equal(p.server.status, UV_EPROTO);
  print_message("plain HTTP to TLS: %s\n", say(&p.server));
  assert_string_equal(gci_tls_reason(p.server.tls), "http request (plain HTTP sent to a TLS port)");
  pair_close(&p);
}

static void a_server_without_tls_is_named(void **state) {
  struct pair p;
  (void)state;
  pair_open(&p, &certs, &(struct pair_wish){0});
  feed_text(&p.client, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  assert_int_equal(p.client.status, UV_EPROTO);
  print_message("TLS to plain HTTP: %s\n", say(&p.client));
  assert_string_equal(gci_tls_reason(p.client.tls),
                      "wrong version number (the received data is not TLS)");
  pair_close(&p);
}

static void an_old_version_is_refused(void **state) {
  struct pair p;
  (void)state;
  pair_contexts(&p, &certs, &(struct pair_wish){.max_version = TLS1_2_VERSION});
  SSL_CTX_set_min_proto_version(p.server_ctx, TLS1_3_VERSION);
  pair_connect(&p, &(struct pair_wish){0});
  pair_run(&p);
  print_message("old version                 client: %s\n%-27s server: %s\n", say(&p.client), "",
                say(&p.server));
  assert_string_equal(gci_tls_reason(p.client.tls), SAID("tlsv1 alert protocol version"));
  assert_string_equal(gci_tls_reason(p.server.tls), "unsupported protocol");
  pair_close(&p);
}

/* Every byte of a conversation, wrong in turn: refused with words, or of no consequence. */
static void no_byte_can_be_changed_unnoticed(void **state) {
  int refused = 0, harmless = 0;
  (void)state;
  for (size_t at = 0;; at++) {
    struct gci_out *out;
    gcache_bytes_t bytes;
    struct pair p;
    size_t seen = 0;
    int moved = 1, done = 0;
    pair_open(&p, &certs, &(struct pair_wish){0});
    while (moved) {
      moved = 0;
      for (int i = 0; i < 2; i++) {
        struct side *from = i == 0 ? &p.client : &p.server;
        struct side *to = i == 0 ? &p.server : &p.client;
        out = gci_tls_output(from->tls);
        if (gci_out_slices(out, &bytes, 1) == 0 || bytes.len == 0) continue;
        char *copy = malloc(bytes.len);
        memcpy(copy, bytes.base, bytes.len);
        if (at >= seen && at < seen + bytes.len) {
          copy[at - seen] ^= 0x21;
          done = 1;
        }
        side_feed(to, gcache_bytes(copy, bytes.len));
        seen += bytes.len;
        free(copy);
        gci_out_consume(out, bytes.len);
        moved = 1;
      }
    }
    for (int i = 0; i < 2; i++) {
      struct side *side = i == 0 ? &p.client : &p.server;
      assert_true(side->status == 0 || side->status == UV_EPROTO);
      if (side->status == UV_EPROTO) assert_true(strlen(gci_tls_reason(side->tls)) > 0);
      refused += side->status == UV_EPROTO;
    }
    harmless += p.client.status == 0 && p.server.status == 0 && p.client.secured &&
                p.server.secured;
    pair_close(&p);
    if (!done) break;
  }
  print_message("changed bytes: refused %d, harmless %d\n", refused, harmless);
  assert_true(refused > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_refusal_has_its_words_on_both_sides),
      cmocka_unit_test(what_is_good_is_not_refused),
      cmocka_unit_test(impossible_hosts_are_refused_before_anything_is_sent),
      cmocka_unit_test(plain_http_at_a_tls_port_is_named),
      cmocka_unit_test(a_server_without_tls_is_named),
      cmocka_unit_test(an_old_version_is_refused),
      cmocka_unit_test(no_byte_can_be_changed_unnoticed),
  };
  int failed;
  certs_make(&certs);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  certs_free(&certs);
  return !!failed;
}
