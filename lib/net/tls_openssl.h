/* net/tls_openssl - what the files of TLS by OpenSSL share. Private to net/tls_openssl*. */
#ifndef GCI_NET_TLS_OPENSSL_H
#define GCI_NET_TLS_OPENSSL_H

#include <openssl/ssl.h>

#include "base/list.h"
#include "gcache/openssl.h"
#include "net/tls.h"

#define GCI_TLS_REASON_MAX 256

struct gci_tls_files {
  char *cert, *key, *ca; /* NULL: not given */
};

struct gcache_tls_s {
  struct gci_mem *mem;      /* a reference */
  SSL_CTX *client, *server; /* references; NULL: cannot */
  BIO_METHOD *method;
  gcache_tls_peers_t peers;
  struct gci_list sessions; /* of struct session in tls_openssl_session.c, latest first */
  size_t n_sessions;
  unsigned generation; /* of the contexts: incremented when they are replaced */
  struct gci_tls_files files;
  int from_files;
};

struct gci_tls {
  struct gci_mem *mem;
  gcache_tls_t *tls;
  SSL *ssl;
  char *peer;                      /* client: "host:port", the key of its session; server: NULL */
  unsigned generation;             /* of the contexts when it was opened */
  const SSL_SESSION *kept_session; /* to notice a new one; not dereferenced */
  gcache_bytes_t in;               /* not read yet: borrowed, or the rest of kept */
  char *kept;
  size_t kept_size;
  struct gci_out out;
  enum gci_tls_offer offer;
  int status;       /* < 0: failed */
  unsigned chatter; /* steps of TLS itself since the handshake, less those that reads have made up
                     * for */
  unsigned in_ended : 1, established : 1, no_memory : 1, renegotiating : 1;
  char reason[GCI_TLS_REASON_MAX];
};

/* ---- tls_openssl_bio.c: between OpenSSL and the two queues ---- */

BIO_METHOD *gci_tls_bio_method(void); /* NULL: out of memory */
/* Gives ssl its BIO, which reads t->in and writes t->out. UV_ENOMEM. */
int gci_tls_bio_attach(struct gci_tls *t);
/* The connection that ssl is part of; NULL: ssl is not ours. */
struct gci_tls *gci_tls_of(const SSL *ssl);

/* ---- tls_openssl_alpn.c ---- */

int gci_tls_alpn_offer(SSL *ssl, enum gci_tls_offer offer); /* client. UV_ENOMEM */
void gci_tls_alpn_choose(SSL_CTX *server); /* lets its connections choose by offer */
enum gci_tls_alpn gci_tls_alpn_of(const SSL *ssl);
/* Whether an outcome is one of those offered: a peer may choose a name that was not. */
int gci_tls_alpn_fits(enum gci_tls_alpn alpn, enum gci_tls_offer offer);

/* ---- tls_openssl_session.c: the latest session of each peer ---- */

/* Offers the session kept for t->peer, if any. */
void gci_tls_session_offer(struct gci_tls *t);
/* Keeps t's session, if it is new and good for another connection. Without memory it is not
 * kept. */
void gci_tls_session_keep(struct gci_tls *t);
void gci_tls_sessions_drop(gcache_tls_t *tls);

/* ---- tls_openssl_reason.c: words ---- */

/* One line of printable ASCII, cut to fit; cap 0 is fine. */
void gci_tls_say(char *out, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What OpenSSL's error queue says, in words; empties it. ssl may be NULL. UV_ENOMEM, or
 * UV_EPROTO. */
int gci_tls_say_error(char *out, size_t cap, const SSL *ssl);

/* ---- tls_openssl_files.c ---- */

/* Two contexts from files. On success *client and *server are the caller's. */
int gci_tls_files_load(const struct gci_tls_files *files, SSL_CTX **client, SSL_CTX **server,
                       char *why, size_t why_cap);
void gci_tls_files_fini(struct gci_tls_files *files, struct gci_mem *mem);

#endif
