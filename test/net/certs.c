/* certs - see certs.h. */
#include "certs.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTS "DNS:peer.test,DNS:*.wild.test,IP:127.0.0.1,IP:::1"

struct wish {
  const char *name, *hosts, *constraints, *usage;
  int from_days, to_days;
};

static const struct wish wishes[CERT_KINDS] = {
    [CERT_CA] = {"test CA", NULL, "critical,CA:TRUE", NULL, -30, 30},
    [CERT_SERVER] = {"peer.test", HOSTS, "CA:FALSE", NULL, -1, 30},
    [CERT_CLIENT] = {"client.test", "DNS:client.test", "CA:FALSE", NULL, -1, 30},
    [CERT_EXPIRED] = {"expired", HOSTS, "CA:FALSE", NULL, -10, -1},
    [CERT_FUTURE] = {"future", HOSTS, "CA:FALSE", NULL, 1, 10},
    [CERT_WRONG_HOST] = {"other.test", "DNS:other.test,IP:127.0.0.2", "CA:FALSE", NULL, -1, 30},
    [CERT_IMPOSTOR] = {"impostor", HOSTS, "CA:FALSE", NULL, -1, 30},
    [CERT_STRANGER] = {"stranger", HOSTS, "CA:FALSE", NULL, -1, 30},
    [CERT_SELF_MADE] = {"self made", HOSTS, "CA:FALSE", NULL, -1, 30},
    [CERT_NOT_SERVER] = {"not a server", HOSTS, "CA:FALSE", "clientAuth", -1, 30},
};

static const struct wish stranger_ca = {"another CA", NULL, "critical,CA:TRUE", NULL, -30, 30};

static void must(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "certs: %s\n", what);
  ERR_print_errors_fp(stderr);
  abort();
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509_EXTENSION *extension;
  X509V3_CTX context;

  if (value == NULL) return;
  X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  must(extension != NULL && X509_add_ext(cert, extension, -1), value);
  X509_EXTENSION_free(extension);
}

/* issuer NULL: signed by itself. */
static X509 *make(const struct wish *wish, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key) {
  static long serial = 1;
  X509 *cert = X509_new();
  X509_NAME *name;

  must(cert != NULL, "no memory");
  name = X509_get_subject_name(cert);
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)wish->name, -1,
                                  -1, 0),
       "name");
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  X509_time_adj_ex(X509_getm_notBefore(cert), wish->from_days, 0, NULL);
  X509_time_adj_ex(X509_getm_notAfter(cert), wish->to_days, 0, NULL);
  X509_set_issuer_name(cert, issuer == NULL ? name : X509_get_subject_name(issuer));
  X509_set_pubkey(cert, key);
  extend(cert, issuer == NULL ? cert : issuer, NID_basic_constraints, wish->constraints);
  extend(cert, issuer == NULL ? cert : issuer, NID_subject_alt_name, wish->hosts);
  extend(cert, issuer == NULL ? cert : issuer, NID_ext_key_usage, wish->usage);
  must(X509_sign(cert, issuer == NULL ? key : issuer_key, EVP_sha256()) > 0, "sign");
  return cert;
}

static EVP_PKEY *make_key(void) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  must(key != NULL, "key");
  return key;
}

void certs_make(struct certs *c) {
  memset(c, 0, sizeof *c);
  c->stranger_key = make_key();
  c->stranger_ca = make(&stranger_ca, c->stranger_key, NULL, NULL);
  for (int who = CERT_CA; who < CERT_KINDS; who++) {
    X509 *issuer = who == CERT_STRANGER ? c->stranger_ca : c->cert[CERT_CA];
    EVP_PKEY *issuer_key = who == CERT_STRANGER ? c->stranger_key : c->key[CERT_CA];
    if (who == CERT_CA || who == CERT_SELF_MADE) issuer = NULL;
    if (who == CERT_IMPOSTOR) issuer_key = c->stranger_key;
    c->key[who] = make_key();
    c->cert[who] = make(&wishes[who], c->key[who], issuer, issuer_key);
  }
}

void certs_free(struct certs *c) {
  for (int who = 0; who < CERT_KINDS; who++) {
    EVP_PKEY_free(c->key[who]);
    X509_free(c->cert[who]);
  }
  EVP_PKEY_free(c->stranger_key);
  X509_free(c->stranger_ca);
}

SSL_CTX *certs_context(const struct certs *c, const SSL_METHOD *method, enum cert who) {
  SSL_CTX *ctx = SSL_CTX_new(method);

  must(ctx != NULL, "context");
  must(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), c->cert[CERT_CA]), "trust");
  if (who != CERT_NONE)
    must(SSL_CTX_use_certificate(ctx, c->cert[who]) == 1 &&
             SSL_CTX_use_PrivateKey(ctx, c->key[who]) == 1,
         "certificate");
  return ctx;
}

static FILE *open_file(const char *path) {
  FILE *file = fopen(path, "w");
  must(file != NULL, path);
  return file;
}

void certs_write_cert(const struct certs *c, enum cert who, const char *path) {
  FILE *file = open_file(path);
  must(PEM_write_X509(file, c->cert[who]), path);
  fclose(file);
}

void certs_write_key(const struct certs *c, enum cert who, const char *path,
                     const char *passphrase) {
  FILE *file = open_file(path);
  must(PEM_write_PrivateKey(file, c->key[who], passphrase == NULL ? NULL : EVP_aes_128_cbc(),
                            (const unsigned char *)passphrase,
                            passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL),
       path);
  fclose(file);
}
