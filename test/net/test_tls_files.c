/* gcache/openssl.h: contexts from files, and the messages for faults in them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "tls_pair.h"

static struct certs certs;
static char dir[] = "/tmp/gcache-certs-XXXXXX";

/* The path of a file in the test's own directory. */
static const char *in_dir(const char *name) {
  static char paths[8][64];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void write_identity(const char *cert, const char *key, enum cert who) {
  certs_write_cert(&certs, who, in_dir(cert));
  certs_write_key(&certs, who, in_dir(key), NULL);
}

static gcache_tls_files_t files_of(struct oom *oom, const char *cert, const char *key,
                                   const char *ca) {
  gcache_tls_files_t files;
  gcache_tls_files_init(&files);
  files.cert_file = cert;
  files.key_file = key;
  files.ca_file = ca;
  files.mem = oom_mem(oom);
  return files;
}

/* A member that asks one of its own kind. */
static void connect_to_self(gcache_tls_t *tls, struct pair *p) {
  gcache_mem_t user = {oom_resize, &p->oom};
  memset(p, 0, sizeof *p);
  p->mem = gci_mem_new(&user);
  p->step = SIZE_MAX;
  p->client_tls = p->server_tls = tls;
  pair_connect(p, &(struct pair_wish){0});
  pair_run(p);
}

static void disconnect(struct pair *p) {
  pair_disconnect(p);
  gci_mem_unref(p->mem);
  oom_assert_empty(&p->oom);
}

static void members_verify_each_other_by_one_ca(void **state) {
  struct oom oom = {0};
  gcache_tls_files_t files = files_of(&oom, in_dir("cert.pem"), in_dir("key.pem"),
                                      in_dir("ca.pem"));
  char why[256] = "x";
  gcache_tls_t *tls;
  struct pair p;
  (void)state;
  assert_int_equal(gcache_tls_open_files(&tls, &files, why, sizeof why), 0);
  assert_string_equal(why, "");
  assert_true(gci_tls_asks(tls) && gci_tls_answers(tls) && gci_tls_wants_verified(tls));
  connect_to_self(tls, &p);
  assert_true(p.client.secured && p.server.secured);
  assert_true(gci_tls_verified(p.client.tls));
  assert_true(gci_tls_verified(p.server.tls));
  disconnect(&p);
  connect_to_self(tls, &p);
  assert_true(gci_tls_resumed(p.client.tls));
  assert_true(gci_tls_verified(p.server.tls));
  disconnect(&p);
  gcache_tls_free(tls);
  oom_assert_empty(&oom);
}

static void key_and_certificate_may_share_a_file(void **state) {
  struct oom oom = {0};
  gcache_tls_files_t files = files_of(&oom, in_dir("both.pem"), NULL, NULL);
  gcache_tls_t *tls;
  FILE *both = fopen(in_dir("both.pem"), "w");
  char line[256];
  (void)state;
  for (int i = 0; i < 2; i++) {
    FILE *in = fopen(in_dir(i == 0 ? "key.pem" : "cert.pem"), "r");
    while (fgets(line, sizeof line, in) != NULL)
      fputs(line, both);
    fclose(in);
  }
  fclose(both);
  assert_int_equal(gcache_tls_open_files(&tls, &files, NULL, 0), 0);
  assert_true(gci_tls_answers(tls));
  assert_false(gci_tls_wants_verified(tls));
  gcache_tls_free(tls);
  oom_assert_empty(&oom);
}

static void without_a_certificate_it_only_asks(void **state) {
  struct oom oom = {0};
  gcache_tls_files_t files = files_of(&oom, NULL, NULL, in_dir("ca.pem"));
  gcache_tls_t *tls;
  (void)state;
  assert_int_equal(gcache_tls_open_files(&tls, &files, NULL, 0), 0);
  assert_true(gci_tls_asks(tls));
  assert_false(gci_tls_answers(tls));
  gcache_tls_free(tls);
  oom_assert_empty(&oom);
}

static void without_a_ca_file_only_whom_the_system_trusts_is_asked(void **state) {
  struct oom oom = {0};
  gcache_tls_files_t files = files_of(&oom, in_dir("cert.pem"), in_dir("key.pem"), NULL);
  gcache_tls_t *tls;
  struct pair p;
  (void)state;
  assert_int_equal(gcache_tls_open_files(&tls, &files, NULL, 0), 0);
  connect_to_self(tls, &p);
  assert_int_equal(p.client.status, UV_EPROTO);
  assert_string_equal(gci_tls_reason(p.client.tls),
                      "certificate verify failed: unable to get local issuer certificate");
  disconnect(&p);
  gcache_tls_free(tls);
  oom_assert_empty(&oom);
}

static void each_bad_file_is_named_with_the_reason(void **state) {
  static const struct {
    const char *cert, *key, *ca;
    int status;
    const char *file, *reason;
  } cases[] = {
      {"none.pem", "key.pem", "ca.pem", UV_ENOENT, "none.pem", "no such file or directory"},
      {"cert.pem", "none.pem", "ca.pem", UV_ENOENT, "none.pem", "no such file or directory"},
      {"cert.pem", "key.pem", "none.pem", UV_ENOENT, "none.pem", "no such file or directory"},
      {"text.pem", "key.pem", "ca.pem", UV_EINVAL, "text.pem",
       "no PEM certificate (no start line)"},
      {"cert.pem", "text.pem", "ca.pem", UV_EINVAL, "text.pem",
       "no PEM private key that matches the certificate (unsupported)"},
      {"cert.pem", "key.pem", "text.pem", UV_EINVAL, "text.pem",
       "no PEM certificates of CAs (no certificate or crl found)"},
      {"empty.pem", "key.pem", "ca.pem", UV_EINVAL, "empty.pem",
       "no PEM certificate (no start line)"},
      {"cert.pem", "other-key.pem", "ca.pem", UV_EINVAL, "other-key.pem",
       "no PEM private key that matches the certificate (key values mismatch)"},
      {"cert.pem", "locked-key.pem", "ca.pem", UV_EINVAL, "locked-key.pem",
       "the private key has a passphrase (interrupted or cancelled)"},
      {"cert.pem", "", "ca.pem", UV_EISDIR, "", "illegal operation on a directory"},
  };
  (void)state;
  write_text(in_dir("text.pem"), "just some words\n");
  write_text(in_dir("empty.pem"), "");
  certs_write_key(&certs, CERT_CLIENT, in_dir("other-key.pem"), NULL);
  certs_write_key(&certs, CERT_SERVER, in_dir("locked-key.pem"), "secret");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct oom oom = {0};
    gcache_tls_files_t files = files_of(&oom, in_dir(cases[i].cert), in_dir(cases[i].key),
                                        in_dir(cases[i].ca));
    char why[256] = "", want[256], small[8] = "";
    gcache_tls_t *tls = NULL;
    int status = gcache_tls_open_files(&tls, &files, why, sizeof why);
    print_message("%d: %s\n", status, why);
    snprintf(want, sizeof want, "%s: %s", in_dir(cases[i].file), cases[i].reason);
    assert_string_equal(why, want);
    assert_int_equal(status, cases[i].status);
    assert_int_equal(gcache_tls_open_files(&tls, &files, small, sizeof small), status);
    assert_int_equal(strlen(small), sizeof small - 1);
    assert_int_equal(gcache_tls_open_files(&tls, &files, NULL, 0), status);
    assert_null(tls);
    oom_assert_empty(&oom);
    assert_int_equal(ERR_peek_error(), 0);
  }
}

static void reloaded_files_are_for_new_connections(void **state) {
  struct oom oom = {0};
  gcache_tls_files_t files = files_of(&oom, in_dir("now.pem"), in_dir("now-key.pem"),
                                      in_dir("ca.pem"));
  char why[256];
  gcache_tls_t *tls;
  struct pair before, p;
  (void)state;
  write_identity("now.pem", "now-key.pem", CERT_SERVER);
  assert_int_equal(gcache_tls_open_files(&tls, &files, why, sizeof why), 0);
  connect_to_self(tls, &before);
  assert_true(before.server.secured);

  write_text(in_dir("now.pem"), "half written");
  assert_int_equal(gcache_tls_reload_files(tls, why, sizeof why), UV_EINVAL);
  print_message("reload: %s\n", why);
  connect_to_self(tls, &p); /* as before */
  assert_true(p.client.secured);
  disconnect(&p);

  write_identity("now.pem", "now-key.pem", CERT_EXPIRED);
  assert_int_equal(gcache_tls_reload_files(tls, why, sizeof why), 0);
  assert_string_equal(why, "");
  connect_to_self(tls, &p);
  assert_int_equal(p.client.status, UV_EPROTO);
  assert_string_equal(gci_tls_reason(p.client.tls),
                      "certificate verify failed: certificate has expired");
  disconnect(&p);

  side_write_text(&before, &before.client, "still here");
  pair_run(&before);
  assert_int_equal(before.server.n_got, 10);
  disconnect(&before);
  gcache_tls_free(tls);
  oom_assert_empty(&oom);
}

static void what_was_not_from_files_is_not_reloaded(void **state) {
  struct oom oom = {0};
  SSL_CTX *ctx = certs_context(&certs, TLS_client_method(), CERT_NONE);
  gcache_tls_t *tls = open_tls(&oom, ctx, NULL, GCACHE_TLS_PEERS_ANY);
  char why[64];
  (void)state;
  assert_int_equal(gcache_tls_reload_files(tls, why, sizeof why), UV_EINVAL);
  assert_string_equal(why, "the TLS files cannot be read again: not opened from files");
  gcache_tls_free(tls);
  SSL_CTX_free(ctx);
  oom_assert_empty(&oom);
}

static void nothing_older_than_tls_1_2_is_spoken(void **state) {
  struct oom oom = {0};
  gcache_tls_files_t files = files_of(&oom, in_dir("cert.pem"), in_dir("key.pem"), NULL);
  gcache_tls_t *tls;
  struct pair p;
  (void)state;
  assert_int_equal(gcache_tls_open_files(&tls, &files, NULL, 0), 0);
  pair_contexts(&p, &certs, &(struct pair_wish){0});
  SSL_CTX_set_cipher_list(p.client_ctx, "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(p.client_ctx, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(p.client_ctx, TLS1_1_VERSION);
  gcache_tls_free(p.server_tls);
  p.server_tls = tls;
  pair_connect(&p, &(struct pair_wish){0});
  pair_run(&p);
  assert_int_equal(p.server.status, UV_EPROTO);
  assert_string_equal(gci_tls_reason(p.server.tls), "unsupported protocol");
  pair_close(&p);
  oom_assert_empty(&oom);
}

static void open_without_memory(struct oom *oom, void *arg) {
  gcache_tls_files_t files = files_of(oom, in_dir("cert.pem"), in_dir("key.pem"), in_dir("ca.pem"));
  gcache_tls_t *tls;
  int status = gcache_tls_open_files(&tls, &files, NULL, 0);
  (void)arg;
  assert_int_equal(status, oom->refused > 0 ? UV_ENOMEM : 0);
  if (status == 0) gcache_tls_free(tls);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  print_message("allocations: %zu\n", oom_sweep(open_without_memory, NULL));
}

static int make_files(void **state) {
  (void)state;
  if (mkdtemp(dir) == NULL) return -1;
  certs_make(&certs);
  write_identity("cert.pem", "key.pem", CERT_SERVER);
  certs_write_cert(&certs, CERT_CA, in_dir("ca.pem"));
  return 0;
}

static int remove_files(void **state) {
  static const char *const names[] = {"cert.pem",      "key.pem",       "ca.pem",  "both.pem",
                                      "text.pem",      "empty.pem",     "now.pem", "now-key.pem",
                                      "other-key.pem", "locked-key.pem"};
  (void)state;
  certs_free(&certs);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unlink(in_dir(names[i]));
  return rmdir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members_verify_each_other_by_one_ca),
      cmocka_unit_test(key_and_certificate_may_share_a_file),
      cmocka_unit_test(without_a_certificate_it_only_asks),
      cmocka_unit_test(without_a_ca_file_only_whom_the_system_trusts_is_asked),
      cmocka_unit_test(each_bad_file_is_named_with_the_reason),
      cmocka_unit_test(reloaded_files_are_for_new_connections),
      cmocka_unit_test(what_was_not_from_files_is_not_reloaded),
      cmocka_unit_test(nothing_older_than_tls_1_2_is_spoken),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return !!cmocka_run_group_tests(tests, make_files, remove_files);
}
