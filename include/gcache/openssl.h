/* gcache/openssl.h - TLS for listening and for asking peers, by OpenSSL 3: with your SSL_CTX, or from
 * files. The only header that knows OpenSSL exists; it includes none of OpenSSL's. gcache.h's rules
 * hold.
 *
 * A gcache_tls_t is opened before the cache that uses it and freed after that has closed. Several
 * caches may use one if they run in the same thread. In a library built without TLS every function
 * here is there and returns UV_ENOTSUP.
 *
 * What is set for each connection, so that your contexts keep what they had: the host name or address
 * the certificate must be for (from the peer's URL; also sent as SNI when it is a name), the demand for
 * a valid certificate when asking, the protocols offered (ALPN: "h2", "http/1.1"), the session id
 * context; and no renegotiation, no compression, and an end without close_notify is an error. A verify
 * callback of yours is called and may overrule; what it lets pass counts as verified only if it also
 * sets X509_V_OK (X509_STORE_CTX_set_error). Callbacks that ask to be called later are not supported.
 * One thing OpenSSL only has in the context: the choice of the protocol when being asked. `server`'s
 * ALPN callback becomes gcache's (SSL_CTX_set_alpn_select_cb). For a connection that you make yourself
 * from the same context it chooses nothing, also after gcache_tls_free(); if that is not what you want,
 * give gcache a context of its own.
 *
 * Asking, the latest session of each of the last 256 peers is kept and offered to the next connection
 * (resumption), without the session callbacks of the context. When being asked, sessions and
 * tickets are as the context says; OpenSSL's default resumes.
 *
 * Memory: what OpenSSL allocates does not go through gcache_mem_t, and is not counted: about 15 KB
 * for an idle connection with OpenSSL 3.0.
 * Threads: OpenSSL starts none. Errors: its error queue of the calling thread is emptied. */
#ifndef GCACHE_OPENSSL_H
#define GCACHE_OPENSSL_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ssl_ctx_st; /* SSL_CTX */

/* Whose requests for keys are answered on a TLS port, as far as options.access lets them in. */
typedef enum {
  GCACHE_TLS_PEERS_ANY,      /* no certificate is asked for */
  GCACHE_TLS_PEERS_VERIFIED, /* mutual TLS: who shows a certificate that `server` trusts. Others get 403
                                there, and are still served your own routes; a certificate that is shown
                                and not trusted ends the handshake */
  /* The same, and the certificate is for a host, name or address, of the list last given to
   * gcache_set_peers(): its subjectAltName says so. Client-only members are on no list. Choose this
   * where `server` trusts a CA that makes certificates for others than peers. */
  GCACHE_TLS_PEERS_NAMED
} gcache_tls_peers_t;

typedef struct gcache_tls_options_s {
  size_t size;               /* set by gcache_tls_options_init() */
  struct ssl_ctx_st *client; /* own reference taken; NULL: peers cannot be asked over TLS. It must
                                trust what the peers show, or no connection is made */
  struct ssl_ctx_st *server; /* own reference taken; NULL: cannot be asked over TLS */
  gcache_tls_peers_t peers;  /* GCACHE_TLS_PEERS_ANY */
  gcache_mem_t mem;          /* malloc family */
} gcache_tls_options_t;

#define gcache_tls_options_init(o) gcache_tls_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_tls_options_init_size(gcache_tls_options_t *o, size_t size);

/* UV_EINVAL: both contexts NULL. */
GCACHE_EXTERN int gcache_tls_open(gcache_tls_t **out, const gcache_tls_options_t *options);

/* Other certificates, keys or trust, at run time: connections made from now on use these contexts, open
 * ones keep theirs, sessions kept are forgotten. Own references taken. UV_EINVAL: one is NULL that was
 * not NULL before, or the other way round. */
GCACHE_EXTERN int gcache_tls_replace(gcache_tls_t *tls, struct ssl_ctx_st *client,
                                     struct ssl_ctx_st *server);

/* After every cache that uses it has closed. NULL is fine. */
GCACHE_EXTERN void gcache_tls_free(gcache_tls_t *tls);

/* ------------------------------------------------------------------------------ from files ---- */

/* All PEM. Both contexts are made from them: the same certificate is shown when asked and, if
 * ca_file is given, when asking. TLS 1.2 at least. Names are copied. */
typedef struct gcache_tls_files_s {
  size_t size;           /* set by gcache_tls_files_init() */
  const char *cert_file; /* the certificate, then those that lead to the CA. NULL: asks only */
  const char *key_file;  /* its private key, without a passphrase. NULL: in cert_file */
  const char *ca_file; /* whom to trust, asking and asked: GCACHE_TLS_PEERS_VERIFIED. NULL: asking,
                            whom the system trusts; asked, GCACHE_TLS_PEERS_ANY */
  gcache_mem_t mem;    /* malloc family */
  /* with ca_file: 0 is GCACHE_TLS_PEERS_VERIFIED. Without: UV_EINVAL but for 0 */
  gcache_tls_peers_t peers;
} gcache_tls_files_t;

#define gcache_tls_files_init(o) gcache_tls_files_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_tls_files_init_size(gcache_tls_files_t *o, size_t size);

/* UV_ENOENT, UV_EACCES, ...: a file cannot be read. UV_EINVAL: what is in it is not that, or key and
 * certificate do not belong together. why (may be NULL): the file's name and OpenSSL's reason, one line
 * of at most why_cap - 1 bytes, zero-terminated; "" on success. Reads the files at once: the call takes
 * as long as the disk does. */
GCACHE_EXTERN int gcache_tls_open_files(gcache_tls_t **out, const gcache_tls_files_t *files,
                                        char *why, size_t why_cap);

/* Reads the same files again and replaces, all or nothing: after an error the old ones stay in use.
 * UV_EINVAL also: not from gcache_tls_open_files(). */
GCACHE_EXTERN int gcache_tls_reload_files(gcache_tls_t *tls, char *why, size_t why_cap);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_OPENSSL_H */
