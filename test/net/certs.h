/* certs - certificates for tests, made with OpenSSL on demand: a CA, and certificates under it,
 * good and bad, as tests need them. Keys are EC P-256. Any failure here ends the test program. */
#ifndef TEST_NET_CERTS_H
#define TEST_NET_CERTS_H

#include <openssl/ssl.h>
#include <string.h>

enum cert {
  CERT_NONE,
  CERT_CA,
  CERT_SERVER,     /* for peer.test, *.wild.test, 127.0.0.1 and ::1 */
  CERT_CLIENT,     /* for client.test */
  CERT_EXPIRED,    /* as the server's, until yesterday */
  CERT_FUTURE,     /* as the server's, from tomorrow on */
  CERT_WRONG_HOST, /* for other.test and 127.0.0.2 */
  CERT_STRANGER,   /* as the server's, from a CA that nobody trusts */
  CERT_IMPOSTOR,   /* as the server's, under the CA's name, signed by somebody else */
  CERT_SELF_MADE,  /* as the server's, signed by itself */
  CERT_NOT_SERVER, /* as the server's, for clients only by its extended key usage */
  CERT_KINDS
};

struct certs {
  EVP_PKEY *key[CERT_KINDS];
  X509 *cert[CERT_KINDS];
  EVP_PKEY *stranger_key;
  X509 *stranger_ca;
};

void certs_make(struct certs *certs);
void certs_free(struct certs *certs);

/* A context that shows who (CERT_NONE: nobody) and trusts the CA. One reference, the caller's. */
SSL_CTX *certs_context(const struct certs *certs, const SSL_METHOD *method, enum cert who);

/* PEM. */
void certs_write_cert(const struct certs *certs, enum cert who, const char *path);
void certs_write_key(const struct certs *certs, enum cert who, const char *path,
                     const char *passphrase); /* NULL: none */

/* Whether these are OpenSSL 3.0's words, or what newer ones make of "sslv3 alert". */
static inline int same_words(const char *said, const char *words) {
  static const char older[] = "sslv3 alert ", newer[] = "ssl/tls alert ";
  size_t n = sizeof older - 1, m = sizeof newer - 1;

  if (strncmp(words, older, n) == 0 && strncmp(said, newer, m) == 0)
    return strcmp(said + m, words + n) == 0;
  return strcmp(said, words) == 0;
}

#endif
