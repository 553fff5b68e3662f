/* net/tls: OpenSSL's own allocations fail, one per run, a different one each time (of the many
 * thousand every few; STEP 1 tries all). In every case the connection ends with an error or is not
 * affected, and the next one works. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <unistd.h>

#include "tls_pair.h"

#define STEP 5

static struct certs certs;

/* OpenSSL's allocator is one for the process, and so is its fault. */
static size_t asked, fail_at, refused;

static int fails(void) {
  if (++asked != fail_at) return 0;
  refused++;
  return 1;
}

static void *on_malloc(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return fails() ? NULL : malloc(size);
}

static void *on_realloc(void *ptr, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return fails() ? NULL : realloc(ptr, size);
}

static void on_free(void *ptr, const char *file, int line) {
  (void)file, (void)line;
  free(ptr);
}

static void arm(size_t n) {
  asked = refused = 0;
  fail_at = n;
}

static void disarm(void) {
  fail_at = 0;
  ERR_clear_error();
}

/* 0: it was opened on both sides. */
static int open_both(struct pair *p) {
  p->client = (struct side){0};
  p->server = (struct side){0};
  if (gci_tls_open_client(&p->client.tls, p->mem, p->client_tls, "peer.test", 1,
                          GCI_TLS_OFFER_BOTH) < 0)
    return -1;
  if (gci_tls_open_server(&p->server.tls, p->mem, p->server_tls, GCI_TLS_OFFER_BOTH) == 0) return 0;
  gci_tls_close(p->client.tls);
  return -1;
}

static void say_question(struct pair *p) {
  struct gci_out out;
  gci_out_init(&out, p->mem);
  assert_int_equal(gci_out_text(&out, gcache_cstr("question")), 0);
  gci_tls_write(p->client.tls, &out);
  gci_out_fini(&out);
}

static void assert_ended_well(const struct side *side) {
  int status = side->status;
  assert_true(status == 0 || status == UV_EPROTO || status == UV_ENOMEM);
  if (status < 0) assert_true(strlen(gci_tls_reason(side->tls)) > 0);
}

/* Nonzero: one allocation was refused. */
static int converse(struct pair *p, size_t n) {
  int was_refused;
  arm(n);
  if (open_both(p) == 0) {
    pair_run(p);
    if (p->client.secured) say_question(p);
    pair_run(p);
    assert_ended_well(&p->client);
    assert_ended_well(&p->server);
    if (refused == 0) assert_int_equal(p->server.n_got, 8);
    pair_disconnect(p);
  }
  was_refused = refused > 0;
  disarm();
  return was_refused;
}

static void a_connection_ends_or_does_not_mind(void **state) {
  static const struct pair_wish wishes[] = {
      {.max_version = TLS1_2_VERSION},
      {.max_version = TLS1_3_VERSION},
      {.client = CERT_CLIENT, .peers = GCACHE_TLS_PEERS_VERIFIED},
  };
  size_t faults = 0;
  (void)state;
  for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
    struct pair p;
    pair_contexts(&p, &certs, &wishes[i]);
    converse(&p, 0);
    for (size_t n = 1; converse(&p, n); n += STEP, faults++) {
      if (faults % 20 != 0) continue;
      /* The next one is good, and a full one again. */
      assert_int_equal(gcache_tls_replace(p.client_tls, p.client_ctx, NULL), 0);
      pair_connect(&p, &wishes[i]);
      pair_run(&p);
      assert_true(p.client.secured && p.server.secured);
      pair_disconnect(&p);
      assert_int_equal(gcache_tls_replace(p.client_tls, p.client_ctx, NULL), 0);
    }
    pair_contexts_free(&p);
  }
  print_message("refused: %zu\n", faults);
  assert_true(faults > 500);
}

static void contexts_from_files_are_made_or_not(void **state) {
  char cert[] = "/tmp/gcache-cert-XXXXXX", key[] = "/tmp/gcache-key-XXXXXX", why[256];
  gcache_tls_files_t files;
  size_t n = 1, faults = 0;
  (void)state;
  close(mkstemp(cert));
  close(mkstemp(key));
  certs_write_cert(&certs, CERT_CA, cert);
  certs_write_key(&certs, CERT_CA, key, NULL);
  gcache_tls_files_init(&files);
  files.cert_file = files.ca_file = cert;
  files.key_file = key;
  do {
    gcache_tls_t *tls;
    int status;
    arm(n);
    status = gcache_tls_open_files(&tls, &files, why, sizeof why);
    assert_true(status == 0 || status == UV_ENOMEM || status == UV_EINVAL);
    if (status < 0 && status != UV_ENOMEM) assert_true(strlen(why) > 0);
    if (refused == 0) assert_int_equal(status, 0);
    if (status == 0) gcache_tls_free(tls);
    disarm();
    faults += refused;
    n += 10 * STEP;
  } while (refused > 0);
  print_message("refused: %zu\n", faults);
  unlink(cert);
  unlink(key);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_connection_ends_or_does_not_mind),
      cmocka_unit_test(contexts_from_files_are_made_or_not),
  };
  int failed;
  if (!CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free)) return 1;
  certs_make(&certs);
  failed = cmocka_run_group_tests(tests, NULL, NULL);
  certs_free(&certs);
  return !!failed;
}
