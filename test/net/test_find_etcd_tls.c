/* Peers from a real etcd over TLS: one with a trusted CA, and one without. Skipped without etcd. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "certs.h"
#include "child.h"
#include "finder.h"
#include "gcache/openssl.h"

#define A "http://10.0.0.1:80"
#define B "http://10.0.0.2:80"

static struct child etcd;
static char url[40], cert[96], key[96], ca[96];

static void start_etcd(void) {
  char data[96], peer_url[40], cluster[80];
  char *argv[] = {(char *)(uintptr_t)child_program("etcd"),
                  (char *)(uintptr_t) "--data-dir",
                  data,
                  (char *)(uintptr_t) "--cert-file",
                  cert,
                  (char *)(uintptr_t) "--key-file",
                  key,
                  (char *)(uintptr_t) "--listen-client-urls",
                  url,
                  (char *)(uintptr_t) "--advertise-client-urls",
                  url,
                  (char *)(uintptr_t) "--listen-peer-urls",
                  peer_url,
                  (char *)(uintptr_t) "--initial-advertise-peer-urls",
                  peer_url,
                  (char *)(uintptr_t) "--initial-cluster",
                  cluster,
                  NULL};

  snprintf(url, sizeof url, "https://127.0.0.1:%d", child_free_port());
  snprintf(peer_url, sizeof peer_url, "http://127.0.0.1:%d", child_free_port());
  snprintf(data, sizeof data, "%s/data", etcd.dir);
  snprintf(cluster, sizeof cluster, "default=%s", peer_url);
  child_start(&etcd, argv);
}

static gcache_tls_t *open_tls(const char *ca_file) {
  gcache_tls_files_t files;
  gcache_tls_t *tls;
  char why[200];

  gcache_tls_files_init(&files);
  files.ca_file = ca_file;
  assert_int_equal(gcache_tls_open_files(&tls, &files, why, sizeof why), 0);
  return tls;
}

static void join(struct finder *f, uv_loop_t *loop, const char *self, gcache_tls_t *tls) {
  const char *urls[] = {url};
  gcache_find_etcd_t e;

  finder_open(f, loop, self);
  f->o.interval_ms = 2000;
  gcache_find_etcd_init(&e);
  e.endpoints = urls;
  e.n_endpoints = 1;
  e.tls = tls;
  assert_int_equal(gcache_find_etcd(&f->find, &f->o, &e), 0);
}

static void members_find_one_another_over_tls(void **state) {
  gcache_tls_t *tls = open_tls(ca);
  struct finder a, b;

  join(&a, *state, A, tls);
  join(&b, *state, B, tls);
  finder_await(&a, A " " B);
  finder_await(&b, A " " B);
  finder_end(&b);
  finder_await(&a, A);
  finder_end(&a);
  gcache_tls_free(tls);
}

static void an_etcd_that_is_not_trusted_is_not_believed(void **state) {
  gcache_tls_t *tls = open_tls(NULL);
  struct finder a;

  join(&a, *state, A, tls);
  finder_await_count(&a, &a.keeps, 1);
  while (strstr(a.text, "certificate") == NULL) /* before that it may not listen yet */
    finder_await_count(&a, &a.keeps, a.keeps + 1);
  assert_int_equal(a.sets, 0);
  finder_end(&a);
  gcache_tls_free(tls);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(members_find_one_another_over_tls),
      TEST(an_etcd_that_is_not_trusted_is_not_believed),
  };
  struct certs certs;
  int rc;

  if (child_program("etcd") == NULL) return 77;
  child_make_dir(&etcd);
  snprintf(cert, sizeof cert, "%s/cert.pem", etcd.dir);
  snprintf(key, sizeof key, "%s/key.pem", etcd.dir);
  snprintf(ca, sizeof ca, "%s/ca.pem", etcd.dir);
  certs_make(&certs);
  certs_write_cert(&certs, CERT_SERVER, cert);
  certs_write_key(&certs, CERT_SERVER, key, NULL);
  certs_write_cert(&certs, CERT_CA, ca);
  start_etcd();
  rc = !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
  child_stop(&etcd, SIGKILL);
  child_remove_dir(&etcd);
  certs_free(&certs);
  return rc;
}
