#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "net.h"

static void must(int ok) {
  if (ok) return;
  ERR_print_errors_fp(stderr);
  abort();
}

static void extend(X509 *cert, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  must(extension != NULL && X509_add_ext(cert, extension, -1));
  X509_EXTENSION_free(extension);
}

/* By name and address. */
static void name_hosts(X509 *cert) {
  char hosts[WORLD_HOSTS * 48] = "", name[24];
  for (int i = 0; i < WORLD_HOSTS; i++) {
    size_t len = strlen(hosts);
    world_name_write(i, name, sizeof name);
    snprintf(hosts + len, sizeof hosts - len, "%sDNS:%s,IP:10.0.0.%d", i == 0 ? "" : ",", name,
             i + 1);
  }
  extend(cert, NID_subject_alt_name, hosts);
}

/* Ed25519: signatures of one length, so that a seed decides how many bytes travel. */
static void make(EVP_PKEY **key, X509 **cert) {
  *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  *cert = X509_new();
  must(*key != NULL && *cert != NULL);
  X509_NAME *name = X509_get_subject_name(*cert);
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"world", -1, -1,
                                  0));
  X509_set_version(*cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(*cert), 1);
  X509_time_adj_ex(X509_getm_notBefore(*cert), -1, 0, NULL);
  X509_time_adj_ex(X509_getm_notAfter(*cert), 30, 0, NULL);
  X509_set_issuer_name(*cert, name);
  X509_set_pubkey(*cert, *key);
  extend(*cert, NID_basic_constraints, "critical,CA:TRUE");
  name_hosts(*cert);
  must(X509_sign(*cert, *key, NULL) > 0);
}

static SSL_CTX *new_context(const SSL_METHOD *method, EVP_PKEY *key, X509 *cert) {
  SSL_CTX *ctx = SSL_CTX_new(method);
  must(ctx != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert));
  must(SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
  return ctx;
}

gcache_tls_t *world_tls_open(void) {
  static EVP_PKEY *key;
  static X509 *cert;
  gcache_tls_options_t o;
  gcache_tls_t *tls;
  if (key == NULL) make(&key, &cert);
  gcache_tls_options_init(&o);
  o.client = new_context(TLS_client_method(), key, cert);
  o.server = new_context(TLS_server_method(), key, cert);
  SSL_CTX_set_options(o.server, SSL_OP_NO_TICKET); /* with a session in it one can be longer */
  must(gcache_tls_open(&tls, &o) == 0);
  SSL_CTX_free(o.client);
  SSL_CTX_free(o.server);
  return tls;
}
