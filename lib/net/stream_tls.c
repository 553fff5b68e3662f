/* net/stream_tls - see stream.h: how a stream gets its TLS, and what it may be asked about it. */
#include "net/stream.h"

int gci_stream_secure_client(struct gci_stream *s, gcache_tls_t *tls, const char *host,
                             uint16_t port, enum gci_tls_offer offer) {
  return gci_tls_open_client(&s->tls, s->env->mem, tls, host, port, offer);
}

int gci_stream_secure_server(struct gci_stream *s, gcache_tls_t *tls, enum gci_tls_offer offer,
                             gcache_bytes_t first) {
  (void)first;
  return gci_tls_open_server(&s->tls, s->env->mem, tls, offer);
}

enum gci_tls_alpn gci_stream_alpn(const struct gci_stream *s) {
  return s->tls == NULL ? GCI_TLS_ALPN_NONE : gci_tls_alpn(s->tls);
}

int gci_stream_verified(const struct gci_stream *s) {
  return s->tls != NULL && gci_tls_verified(s->tls);
}

int gci_stream_resumed(const struct gci_stream *s) {
  return s->tls != NULL && gci_tls_resumed(s->tls);
}

const char *gci_stream_reason(const struct gci_stream *s) {
  return s->tls == NULL ? "" : gci_tls_reason(s->tls);
}
