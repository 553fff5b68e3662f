/* gcache/openssl.h - TLS by OpenSSL 3, for listening and for requests to peers, with your SSL_CTX
 * or from files. This is the only header that depends on OpenSSL; it includes no OpenSSL header.
 * gcache.h's rules hold.
 *
 * Open a gcache_tls_t before the cache that uses it, and free it after that cache has closed.
 * Several caches may use one if they run in the same thread. In a library built without TLS every
 * function here exists and returns UV_ENOTSUP.
 *
 * gcache sets the following for each connection, so that your contexts, with the one exception
 * below, keep what they had:
 *
 *   - the host name or address that the certificate must be for (from the peer's URL; a name is
 *     also sent as SNI);
 *   - as a client, that a valid certificate is required;
 *   - the protocols offered (ALPN: "h2", "http/1.1") and the session id context;
 *   - no renegotiation, no compression, and an end without close_notify is an error.
 *
 * A verify callback of yours is called and may overrule OpenSSL; what it lets pass counts as
 * verified only if it also sets X509_V_OK (X509_STORE_CTX_set_error). Callbacks that ask to be
 * called later are not supported.
 *
 * One setting exists in OpenSSL only per context: a server's choice of the protocol. The ALPN
 * callback of `server` becomes gcache's (SSL_CTX_set_alpn_select_cb). For connections that you make
 * yourself from the same context it chooses nothing, also after gcache_tls_free(); if you do not
 * want that, give gcache a context of its own.
 *
 * As a client, gcache keeps the latest session of each of the last 256 peers and offers it to the
 * next connection (resumption), without the session callbacks of the context. As a server, sessions
 * and tickets are as the context says; OpenSSL's default resumes.
 *
 * Memory: what OpenSSL allocates does not go through gcache_mem_t and is not counted: about 15 KB
 * for an idle connection with OpenSSL 3.0.
 * Threads: OpenSSL starts none. Errors: OpenSSL's error queue of the calling thread is emptied. */
#ifndef GCACHE_OPENSSL_H
#define GCACHE_OPENSSL_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ssl_ctx_st; /* SSL_CTX */

/* Which clients may ask for keys on a TLS port, as far as options.access admits them. */
typedef enum {
  GCACHE_TLS_PEERS_ANY, /* no certificate is requested */
  /* Mutual TLS: clients with a certificate that `server` trusts. Clients without one get 403 for
   * keys and are still served your own routes; a certificate that is not trusted ends the
   * handshake */
  GCACHE_TLS_PEERS_VERIFIED,
  /* The same, and the certificate's subjectAltName must name a host, by name or address, of the
   * list last given to gcache_set_peers(). Client-only members are on no list. Choose this if
   * `server` trusts a CA that also issues certificates to others than peers. */
  GCACHE_TLS_PEERS_NAMED
} gcache_tls_peers_t;

typedef struct gcache_tls_options_s {
  size_t size; /* set by gcache_tls_options_init() */
  /* For requests to peers; takes a reference of its own; NULL: no requests over TLS. It must trust
   * the peers' certificates, or no connection is made */
  struct ssl_ctx_st *client;
  struct ssl_ctx_st *server; /* for listening; takes a reference of its own; NULL: cannot listen */
  gcache_tls_peers_t peers;  /* GCACHE_TLS_PEERS_ANY */
  gcache_mem_t mem;          /* malloc family */
} gcache_tls_options_t;

#define gcache_tls_options_init(o) gcache_tls_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_tls_options_init_size(gcache_tls_options_t *o, size_t size);

/* UV_EINVAL: both contexts are NULL. */
GCACHE_EXTERN int gcache_tls_open(gcache_tls_t **out, const gcache_tls_options_t *options);

/* Replaces certificates, keys or trust at run time: connections made from now on use these
 * contexts, open ones keep theirs, and kept sessions are forgotten. Takes references of its own.
 * UV_EINVAL: a context is NULL that was not NULL before, or the other way round. */
GCACHE_EXTERN int gcache_tls_replace(gcache_tls_t *tls, struct ssl_ctx_st *client,
                                     struct ssl_ctx_st *server);

/* Call after every cache that uses it has closed. NULL is fine. */
GCACHE_EXTERN void gcache_tls_free(gcache_tls_t *tls);

/* ------------------------------------------------------------------------------ from files ---- */

/* All files are PEM. Both contexts are made from them: the certificate is shown as a server and, if
 * ca_file is given, as a client. TLS 1.2 or later. Names are copied. */
typedef struct gcache_tls_files_s {
  size_t size;           /* set by gcache_tls_files_init() */
  const char *cert_file; /* the certificate, then its chain up to the CA. NULL: client only */
  const char *key_file;  /* its private key, without a passphrase. NULL: in cert_file */
  /* The CA to trust, as client and as server: GCACHE_TLS_PEERS_VERIFIED. NULL: as a client, the
   * system's CAs; as a server, GCACHE_TLS_PEERS_ANY */
  const char *ca_file;
  gcache_mem_t mem; /* malloc family */
  /* with ca_file, 0 is GCACHE_TLS_PEERS_VERIFIED; without, any value but 0 is UV_EINVAL */
  gcache_tls_peers_t peers;
} gcache_tls_files_t;

#define gcache_tls_files_init(o) gcache_tls_files_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_tls_files_init_size(gcache_tls_files_t *o, size_t size);

/* UV_ENOENT, UV_EACCES, ...: a file cannot be read. UV_EINVAL: a file does not hold what it should,
 * or key and certificate do not match. why (may be NULL): receives the file's name and OpenSSL's
 * reason, one line of at most why_cap - 1 bytes, zero-terminated; "" on success. The files are read
 * during the call, which takes as long as the disk does. */
GCACHE_EXTERN int gcache_tls_open_files(gcache_tls_t **out, const gcache_tls_files_t *files,
                                        char *why, size_t why_cap);

/* Reads the same files again and replaces the contexts, all or nothing: after an error the old ones
 * stay in use. UV_EINVAL also: tls is not from gcache_tls_open_files(). */
GCACHE_EXTERN int gcache_tls_reload_files(gcache_tls_t *tls, char *why, size_t why_cap);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_OPENSSL_H */
