/* net/tls - see tls.h: a build without TLS. Nothing can be opened. */
#include "net/tls.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "gcache/openssl.h"

int gci_tls_asks(const gcache_tls_t *tls) {
  (void)tls;
  return 0;
}

int gci_tls_answers(const gcache_tls_t *tls) {
  (void)tls;
  return 0;
}

int gci_tls_wants_verified(const gcache_tls_t *tls) {
  (void)tls;
  return 0;
}

int gci_tls_wants_named(const gcache_tls_t *tls) {
  (void)tls;
  return 0;
}

int gci_tls_open_client(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls,
                        const char *host, uint16_t port, enum gci_tls_offer offer) {
  (void)out, (void)mem, (void)tls, (void)host, (void)port, (void)offer;
  return UV_ENOTSUP;
}

int gci_tls_open_server(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls,
                        enum gci_tls_offer offer) {
  (void)out, (void)mem, (void)tls, (void)offer;
  return UV_ENOTSUP;
}

void gci_tls_close(struct gci_tls *t) {
  (void)t;
}

int gci_tls_feed(struct gci_tls *t, gcache_bytes_t cipher) {
  (void)t, (void)cipher;
  return UV_ENOTSUP;
}

int gci_tls_keep(struct gci_tls *t) {
  (void)t;
  return UV_ENOTSUP;
}

int gci_tls_kept(const struct gci_tls *t) {
  (void)t;
  return 0;
}

void gci_tls_feed_end(struct gci_tls *t) {
  (void)t;
}

int gci_tls_handshake(struct gci_tls *t) {
  (void)t;
  return UV_ENOTSUP;
}

ssize_t gci_tls_read(struct gci_tls *t, void *buf, size_t cap) {
  (void)t, (void)buf, (void)cap;
  return UV_ENOTSUP;
}

int gci_tls_write(struct gci_tls *t, struct gci_out *plain) {
  (void)t, (void)plain;
  return UV_ENOTSUP;
}

void gci_tls_write_end(struct gci_tls *t) {
  (void)t;
}

struct gci_out *gci_tls_output(struct gci_tls *t) {
  (void)t;
  return NULL;
}

void gci_tls_rest(struct gci_tls *t) {
  (void)t;
}

enum gci_tls_alpn gci_tls_alpn(const struct gci_tls *t) {
  (void)t;
  return GCI_TLS_ALPN_NONE;
}

int gci_tls_verified(const struct gci_tls *t) {
  (void)t;
  return 0;
}

int gci_tls_named(const struct gci_tls *t, const char *host) {
  (void)t, (void)host;
  return 0;
}

int gci_tls_resumed(const struct gci_tls *t) {
  (void)t;
  return 0;
}

const char *gci_tls_reason(const struct gci_tls *t) {
  (void)t;
  return "";
}

/* ------------------------------------------------------------------------------------ public -- */

void gcache_tls_options_init_size(gcache_tls_options_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

void gcache_tls_files_init_size(gcache_tls_files_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

int gcache_tls_open(gcache_tls_t **out, const gcache_tls_options_t *options) {
  (void)out, (void)options;
  return UV_ENOTSUP;
}

int gcache_tls_replace(gcache_tls_t *tls, struct ssl_ctx_st *client, struct ssl_ctx_st *server) {
  (void)tls, (void)client, (void)server;
  return UV_ENOTSUP;
}

void gcache_tls_free(gcache_tls_t *tls) {
  (void)tls;
}

int gcache_tls_open_files(gcache_tls_t **out, const gcache_tls_files_t *files, char *why,
                          size_t why_cap) {
  (void)out, (void)files;
  if (why != NULL && why_cap > 0) snprintf(why, why_cap, "built without TLS");
  return UV_ENOTSUP;
}

int gcache_tls_reload_files(gcache_tls_t *tls, char *why, size_t why_cap) {
  (void)tls;
  if (why != NULL && why_cap > 0) snprintf(why, why_cap, "built without TLS");
  return UV_ENOTSUP;
}
