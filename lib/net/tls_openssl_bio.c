/* net/tls_openssl_bio - a BIO that reads the ciphertext at hand, without a copy, and appends
 * written bytes to the output queue, which always has room. Owns nothing. Fails: no memory for the
 * queue, noted in the connection. */
#include "net/tls_openssl.h"

#include <openssl/bio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

#define NAME "gcache TLS"

static int on_bio_read(BIO *bio, char *buf, size_t cap, size_t *n) {
  struct gci_tls *t = BIO_get_data(bio);

  BIO_clear_retry_flags(bio);
  *n = t->in.len < cap ? t->in.len : cap;
  if (*n == 0) {
    BIO_set_retry_read(bio); /* only the connection knows whether more will come */
    return 0;
  }
  memcpy(buf, t->in.base, *n);
  t->in = gci_bytes_skip(t->in, *n);
  return 1;
}

static int on_bio_written(BIO *bio, const char *buf, size_t len, size_t *n) {
  struct gci_tls *t = BIO_get_data(bio);

  BIO_clear_retry_flags(bio);
  *n = len;
  if (gci_out_text(&t->out, gcache_bytes(buf, len)) == 0) return 1;
  t->no_memory = 1;
  *n = 0;
  return 0;
}

static long on_bio_asked(BIO *bio, int cmd, long num, void *ptr) {
  (void)bio, (void)num, (void)ptr;
  return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *gci_tls_bio_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, NAME);

  if (method == NULL) return NULL;
  if (BIO_meth_set_read_ex(method, on_bio_read) && BIO_meth_set_write_ex(method, on_bio_written) &&
      BIO_meth_set_ctrl(method, on_bio_asked))
    return method;
  BIO_meth_free(method);
  return NULL;
}

int gci_tls_bio_attach(struct gci_tls *t) {
  BIO *bio = BIO_new(t->tls->method);

  if (bio == NULL) return UV_ENOMEM;
  BIO_set_data(bio, t);
  BIO_set_init(bio, 1);
  SSL_set_bio(t->ssl, bio, bio);
  return 0;
}

/* A context also serves connections of the application, which have BIOs of other kinds. */
struct gci_tls *gci_tls_of(const SSL *ssl) {
  BIO *bio = SSL_get_rbio(ssl);
  const char *name = bio == NULL ? NULL : BIO_method_name(bio);
  return name != NULL && strcmp(name, NAME) == 0 ? BIO_get_data(bio) : NULL;
}
