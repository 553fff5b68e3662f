/* tls_pair - two net/tls seams that face each other, without sockets: the output of one is fed to
 * the other, whole or in pieces, until nothing moves. Include cmocka first. */
#ifndef TEST_NET_TLS_PAIR_H
#define TEST_NET_TLS_PAIR_H

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "../unit/oom.h"
#include "base/value.h"
#include "certs.h"
#include "gcache/openssl.h"
#include "net/tls.h"

struct side {
  struct gci_tls *tls;
  int status; /* the first < 0 that handshake or read returned */
  int secured;
  char *got;
  size_t n_got, cap;
};

struct pair {
  struct oom oom;
  struct gci_mem *mem;
  SSL_CTX *client_ctx, *server_ctx;
  gcache_tls_t *client_tls, *server_tls;
  struct side client, server;
  size_t step;      /* bytes a feed */
  size_t fed;       /* bytes fed so far, both ways */
  size_t cut_after; /* fed bytes, then both ends end; 0: never */
};

/* What a test may want otherwise; zero is usual. */
struct pair_wish {
  enum cert server; /* CERT_NONE: CERT_SERVER */
  enum cert client;
  gcache_tls_peers_t peers;
  const char *host; /* NULL: "peer.test" */
  enum gci_tls_offer client_offer, server_offer;
  int max_version; /* of the client */
  size_t step;     /* 0: everything at once */
};

static inline gcache_tls_t *open_tls(struct oom *oom, SSL_CTX *client, SSL_CTX *server,
                                     gcache_tls_peers_t peers) {
  gcache_tls_options_t o;
  gcache_tls_t *tls;
  gcache_tls_options_init(&o);
  o.client = client;
  o.server = server;
  o.peers = peers;
  o.mem = oom_mem(oom);
  assert_int_equal(gcache_tls_open(&tls, &o), 0);
  return tls;
}

static inline void pair_contexts(struct pair *p, const struct certs *certs,
                                 const struct pair_wish *wish) {
  gcache_mem_t user = {oom_resize, &p->oom};
  memset(p, 0, sizeof *p);
  p->mem = gci_mem_new(&user);
  p->step = wish->step == 0 ? SIZE_MAX : wish->step;
  p->client_ctx = certs_context(certs, TLS_client_method(), wish->client);
  p->server_ctx = certs_context(certs, TLS_server_method(),
                                wish->server == CERT_NONE ? CERT_SERVER : wish->server);
  if (wish->max_version != 0) SSL_CTX_set_max_proto_version(p->client_ctx, wish->max_version);
  p->client_tls = open_tls(&p->oom, p->client_ctx, NULL, GCACHE_TLS_PEERS_ANY);
  p->server_tls = open_tls(&p->oom, NULL, p->server_ctx, wish->peers);
}

static inline void pair_connect(struct pair *p, const struct pair_wish *wish) {
  const char *host = wish->host == NULL ? "peer.test" : wish->host;
  p->client = (struct side){0};
  p->server = (struct side){0};
  p->fed = 0;
  assert_int_equal(
      gci_tls_open_client(&p->client.tls, p->mem, p->client_tls, host, 443, wish->client_offer), 0);
  assert_int_equal(gci_tls_open_server(&p->server.tls, p->mem, p->server_tls, wish->server_offer),
                   0);
}

static inline void pair_open(struct pair *p, const struct certs *certs,
                             const struct pair_wish *wish) {
  pair_contexts(p, certs, wish);
  pair_connect(p, wish);
}

static inline void pair_disconnect(struct pair *p) {
  gci_tls_close(p->client.tls);
  gci_tls_close(p->server.tls);
  free(p->client.got);
  free(p->server.got);
}

static inline void pair_contexts_free(struct pair *p) {
  gcache_tls_free(p->client_tls);
  gcache_tls_free(p->server_tls);
  SSL_CTX_free(p->client_ctx);
  SSL_CTX_free(p->server_ctx);
  gci_mem_unref(p->mem);
  oom_assert_empty(&p->oom);
  assert_int_equal(ERR_peek_error(), 0);
}

static inline void pair_close(struct pair *p) {
  pair_disconnect(p);
  pair_contexts_free(p);
}

/* All that the ciphertext at hand yields. */
static inline void side_read(struct side *side) {
  char plain[GCI_TLS_RECORD];
  ssize_t n;
  if (side->status < 0) return;
  n = gci_tls_handshake(side->tls);
  side->secured = n == 1;
  while (n > 0 && (n = gci_tls_read(side->tls, plain, sizeof plain)) > 0) {
    if (side->n_got + (size_t)n > side->cap) {
      side->cap = 2 * (side->n_got + (size_t)n);
      side->got = realloc(side->got, side->cap);
    }
    memcpy(side->got + side->n_got, plain, (size_t)n);
    side->n_got += (size_t)n;
  }
  if (n < 0) side->status = (int)n;
}

static inline void side_feed(struct side *side, gcache_bytes_t bytes) {
  char *copy = malloc(
      bytes.len); /* gone when the call has returned, as a read buffer's content is */
  memcpy(copy, bytes.base, bytes.len);
  if (side->status == 0) {
    if (gci_tls_feed(side->tls, gcache_bytes(copy, bytes.len)) == 0) side_read(side);
    if (side->status == 0) gci_tls_keep(side->tls);
  }
  free(copy);
}

static inline void side_end(struct side *side) {
  gci_tls_feed_end(side->tls);
  side_read(side);
}

/* Nonzero: something was moved. */
static inline int pair_carry(struct pair *p, struct side *from, struct side *to) {
  struct gci_out *out = gci_tls_output(from->tls);
  int moved = 0;
  gcache_bytes_t bytes;
  while (gci_out_slices(out, &bytes, 1) == 1 && bytes.len > 0) {
    size_t n = bytes.len < p->step ? bytes.len : p->step;
    if (p->cut_after > 0 && p->fed + n > p->cut_after) n = p->cut_after - p->fed;
    if (n == 0) return 0;
    side_feed(to, gcache_bytes(bytes.base, n));
    gci_out_consume(out, n);
    p->fed += n;
    moved = 1;
  }
  return moved;
}

static inline void pair_run(struct pair *p) {
  while (pair_carry(p, &p->client, &p->server) | pair_carry(p, &p->server, &p->client)) {
  }
}

static inline void side_write_text(struct pair *p, struct side *side, const char *text) {
  struct gci_out out;
  gci_out_init(&out, p->mem);
  assert_int_equal(gci_out_text(&out, gcache_cstr(text)), 0);
  assert_int_equal(gci_tls_write(side->tls, &out), 0);
  assert_int_equal(out.bytes, 0);
  gci_out_fini(&out);
}

#endif
