/* net/tls_openssl_alpn - which protocol a connection is for (RFC 7301). A server prefers HTTP/2 if
 * it may choose, and ends the handshake of a client that offers nothing it speaks; a client that
 * offers nothing at all is let in. */
#include "net/tls_openssl.h"

#include <uv.h>

#include "base/bytes.h"

#define H2 "\x02h2"
#define H1 "\x08http/1.1"

/* By preference, as on the wire: each name behind its length. */
static gcache_bytes_t names_of(enum gci_tls_offer offer) {
  switch (offer) {
  case GCI_TLS_OFFER_HTTP_1:
    return GCI_LIT(H1);
  case GCI_TLS_OFFER_HTTP_2:
    return GCI_LIT(H2);
  case GCI_TLS_OFFER_BOTH:
    break;
  }
  return GCI_LIT(H2 H1);
}

int gci_tls_alpn_offer(SSL *ssl, enum gci_tls_offer offer) {
  gcache_bytes_t names = names_of(offer);
  return SSL_set_alpn_protos(ssl, names.base, (unsigned)names.len) == 0 ? 0 : UV_ENOMEM;
}

/* The first name of the list, without its length; takes it off. OpenSSL has checked the lengths. */
static gcache_bytes_t next_name(gcache_bytes_t *list) {
  size_t len = *(const unsigned char *)list->base;
  gcache_bytes_t name = {(const char *)list->base + 1, len < list->len ? len : list->len - 1};
  *list = gci_bytes_skip(*list, 1 + name.len);
  return name;
}

static int on_alpn_asked(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                         const unsigned char *in, unsigned in_len, void *arg) {
  const struct gci_tls *t = gci_tls_of(ssl);
  gcache_bytes_t ours, theirs, name;
  (void)arg;

  if (t == NULL) return SSL_TLSEXT_ERR_NOACK;
  for (ours = names_of(t->offer); ours.len > 0;) {
    gcache_bytes_t wanted = next_name(&ours);
    for (theirs = gcache_bytes(in, in_len); theirs.len > 0;) {
      name = next_name(&theirs);
      if (!gci_bytes_equal(name, wanted)) continue;
      *out = name.base;
      *out_len = (unsigned char)name.len;
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void gci_tls_alpn_choose(SSL_CTX *server) {
  SSL_CTX_set_alpn_select_cb(server, on_alpn_asked, NULL);
}

enum gci_tls_alpn gci_tls_alpn_of(const SSL *ssl) {
  const unsigned char *name;
  unsigned len;

  SSL_get0_alpn_selected(ssl, &name, &len);
  if (gci_bytes_equal(gcache_bytes(name, len), GCI_LIT("h2"))) return GCI_TLS_ALPN_HTTP_2;
  if (gci_bytes_equal(gcache_bytes(name, len), GCI_LIT("http/1.1"))) return GCI_TLS_ALPN_HTTP_1;
  return GCI_TLS_ALPN_NONE;
}

int gci_tls_alpn_fits(enum gci_tls_alpn alpn, enum gci_tls_offer offer) {
  if (alpn == GCI_TLS_ALPN_HTTP_1) return offer != GCI_TLS_OFFER_HTTP_2;
  if (alpn == GCI_TLS_ALPN_HTTP_2) return offer != GCI_TLS_OFFER_HTTP_1;
  return 1;
}
