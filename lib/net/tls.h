/* net/tls - the TLS of one connection, no I/O: ciphertext in, plaintext out, and the reverse.
 *
 * Happy path: open; feed() what the socket gave, handshake() until it returns 1, then read() until
 * it returns 0; output() is for the socket, write() adds to it. All may add to the output: send it
 * after every call. Nothing here calls back, so nothing can be freed during a call.
 * A failure is final: the same negative code from then on, reason() has OpenSSL's words, and the
 * output holds the alert for the other side. UV_ECONNABORTED: cut without close_notify; UV_EPROTO:
 * any fault that TLS finds; UV_ENOMEM.
 * Owns the output queue, the kept input, and OpenSSL's state. A build without the feature has
 * tls_none.c instead: open returns UV_ENOTSUP, and the rest is never reached. */
#ifndef GCI_NET_TLS_H
#define GCI_NET_TLS_H

#include <sys/types.h>

#include "http/out.h"

struct gci_tls;

/* The protocols of a connection, by ALPN. */
enum gci_tls_offer { GCI_TLS_OFFER_HTTP_1, GCI_TLS_OFFER_HTTP_2, GCI_TLS_OFFER_BOTH };
enum gci_tls_alpn { GCI_TLS_ALPN_NONE, GCI_TLS_ALPN_HTTP_1, GCI_TLS_ALPN_HTTP_2 };

#define GCI_TLS_RECORD ((size_t)16384)    /* bytes of plaintext, at most */
#define GCI_TLS_AHEAD ((size_t)64 * 1024) /* about the most ciphertext that waits for the socket */

/* ---- what the application has given ---- */

int gci_tls_asks(const gcache_tls_t *tls);    /* has a client context; NULL: 0 */
int gci_tls_answers(const gcache_tls_t *tls); /* has a server context; NULL: 0 */
int gci_tls_wants_verified(
    const gcache_tls_t *tls);                     /* GCACHE_TLS_PEERS_VERIFIED, _NAMED; NULL: 0 */
int gci_tls_wants_named(const gcache_tls_t *tls); /* GCACHE_TLS_PEERS_NAMED; NULL: 0 */

/* ---- one connection ---- */

/* host: a name, or an address with or without brackets, that the certificate must be for. tls must
 * live until close. The output holds the first flight. UV_ENOTSUP: no client context; UV_ENOMEM;
 * UV_EPROTO: OpenSSL refuses the context or the name. */
int gci_tls_open_client(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls,
                        const char *host, uint16_t port, enum gci_tls_offer offer);
/* UV_ENOTSUP: no server context. */
int gci_tls_open_server(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls,
                        enum gci_tls_offer offer);
void gci_tls_close(struct gci_tls *t);

/* Ciphertext, borrowed until read() or handshake() has asked for more, or until keep(). Copied
 * behind kept bytes. UV_ENOMEM. */
int gci_tls_feed(struct gci_tls *t, gcache_bytes_t cipher);
/* Copies the bytes that have not been read, and lets go of the rest. UV_ENOMEM. */
int gci_tls_keep(struct gci_tls *t);
int gci_tls_kept(const struct gci_tls *t); /* there are kept bytes */
/* No more will be fed: handshake() and read() fail when they ask for more. */
void gci_tls_feed_end(struct gci_tls *t);

/* 1: established; 0: feed more. */
int gci_tls_handshake(struct gci_tls *t);
/* > 0: bytes of plaintext; 0: feed more; UV_EOF: the other side has finished (close_notify).
 * Only when established. cap: GCI_TLS_RECORD at least. */
ssize_t gci_tls_read(struct gci_tls *t, void *buf, size_t cap);
/* Encrypts from the front of plain until that is empty or GCI_TLS_AHEAD bytes wait in the output.
 * The rest stays as it is, values by reference. Only when established. */
int gci_tls_write(struct gci_tls *t, struct gci_out *plain);
/* Says that nothing more will be written (close_notify). Again is fine; best effort. */
void gci_tls_write_end(struct gci_tls *t);
struct gci_out *gci_tls_output(struct gci_tls *t); /* ciphertext; consume what was sent */
void gci_tls_rest(struct gci_tls *t); /* the output is empty: its memory is given back */

enum gci_tls_alpn gci_tls_alpn(const struct gci_tls *t);
int gci_tls_verified(
    const struct gci_tls *t); /* the other side's certificate was shown and is good */
/* That certificate is for host: a name, or an address without brackets. */
int gci_tls_named(const struct gci_tls *t, const char *host);
int gci_tls_resumed(const struct gci_tls *t);
const char *gci_tls_reason(const struct gci_tls *t); /* "" if none */

#endif
