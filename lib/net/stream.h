/* net/stream - one connected byte stream: uv_tcp_t or uv_pipe_t, with TLS inside if wanted. Reads
 * into the one buffer that all streams of a loop share, so that a resting connection holds none, or
 * straight into a place of the owner's; writes a struct gci_out as gather writes of up to 64
 * slices, and waits in net/wait when the socket is full. In one turn of the loop it reads and
 * writes a limited amount, however fast the other side is: the other streams of the loop want their
 * turn.
 *
 * Happy path: on_read with bytes, on_written when a blocked queue has drained. Failure: on_end
 * once, with UV_EOF or the error, from the loop. After an error only on_closed follows. After
 * UV_EOF flushed output is still written and on_written still follows; a write that fails then
 * counts as written, because nobody is left to read. The owner must always close:
 * gci_stream_close() or gci_stream_finish(), then on_closed from the loop, and only then may the
 * memory be freed. Its handle never keeps the loop alive (P9): a user that waits for an answer
 * holds the env.
 * SIGPIPE: never raised; see net/wait. */
#ifndef GCI_NET_STREAM_H
#define GCI_NET_STREAM_H

#include <uv.h>

#include "base/env.h"
#include "http/out.h"
#include "net/tls.h"
#include "net/wait.h"

struct gci_stream;

struct gci_stream_events {
  void (*on_read)(void *user, gcache_bytes_t bytes); /* borrowed; may stop reading or close */
  void (*on_end)(void *user, int status);            /* UV_EOF: the other side has finished
                                                      * writing */
  void (*on_written)(void *user); /* out is empty again after having been blocked */
  void (*on_closed)(void *user);  /* the memory may be freed */
  void (*on_secured)(void *user); /* TLS is established; before any on_read. NULL: not asked for */
  /* Bytes have come: the best place for on_read to find them, and *len: how many at most. NULL:
   * anywhere, as without this function. */
  void *(*place)(void *user, size_t *len);
};

struct gci_stream {
  struct gci_env *env;
  const struct gci_stream_events *events;
  void *user;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } own;
  uv_handle_type kind;            /* of own */
  uv_stream_t *uv;                /* &own.stream, or an adopted one */
  void (*release)(uv_stream_t *); /* adopted: called in place of a close callback */
  struct gci_out *out;            /* the queue to write; borrowed; not NULL once flush was called */
  struct gci_wait room;
  struct gcache_job_s fail; /* brings a flush's failure to on_end */
  int fail_status;
  struct gci_tls *tls;      /* NULL: in the clear */
  struct gcache_job_s more; /* TLS: reads on in what was kept */
  int raw_status;           /* TLS: how the bytes below it have ended; 0: not yet */
  uint64_t turn;            /* of the loop, in which turn_bytes were read */
  size_t turn_bytes;
  /* When the other side last had taken progress_min more bytes (or the queue began to wait). */
  uint64_t progress_ms;
  size_t progress_min; /* set by the owner; 0: any byte counts */
  size_t progress;     /* taken since progress_ms */
  struct gcache_deadline_s linger;
  uint64_t linger_ms;
  size_t linger_bytes; /* bytes that may still be thrown away */
  unsigned reading : 1, ended : 1, broken : 1, finishing : 1, closing : 1;
  unsigned securing : 1; /* the handshake is not over */
  unsigned owing : 1;    /* was blocked: on_written is owed */
  unsigned shut : 1;     /* the sending side has been ended */
  unsigned refused : 1;  /* TLS has failed, not the socket */
};

/* Prepares an own TCP handle, for accept or connect. */
int gci_stream_init(struct gci_stream *s, struct gci_env *env, uv_loop_t *uv,
                    const struct gci_stream_events *events, void *user);
/* For an own handle over TCP, once connected: after silent_ms without a byte the system asks
 * whether the other side still knows the connection. If it does not, because the machine has
 * restarted, the stream ends with UV_ECONNRESET. */
void gci_stream_keep_alive(struct gci_stream *s, uint64_t silent_ms);
/* The same for a Unix socket. */
int gci_stream_init_unix(struct gci_stream *s, struct gci_env *env, uv_loop_t *uv,
                         const struct gci_stream_events *events, void *user);
/* Takes the connection that waits at a listening socket into s, which gci_stream_init()
 * prepared. */
int gci_stream_accept(struct gci_stream *s, uv_stream_t *server);
/* Takes over a connected stream of the application. UV_EINVAL: neither TCP nor pipe, or closing. */
int gci_stream_adopt(struct gci_stream *s, struct gci_env *env, uv_stream_t *stream,
                     void (*release)(uv_stream_t *), const struct gci_stream_events *events,
                     void *user);

/* UV_ENOMEM; UV_ENOTCONN after on_end. Reading already is fine. */
int gci_stream_read_start(struct gci_stream *s);
void gci_stream_read_stop(struct gci_stream *s);
/* Writes what it can now; the rest follows without another call. May call on_end later, never at
 * once. */
void gci_stream_flush(struct gci_stream *s, struct gci_out *out);
/* Nonzero: flushed output waits for the other side. With TLS that may be so although out is empty
 * already: ask this, not out->bytes. */
int gci_stream_blocked(const struct gci_stream *s);

/* on_closed follows, and out is not touched any more. Again is fine. */
void gci_stream_close(struct gci_stream *s);
/* Closes so that the other side can read all that was written: writes the rest of out, ends the
 * sending side, throws input away until the other side ends too, then closes. (A socket closed with
 * unread bytes sends a reset, which destroys what the client has not read yet.) Closes at once when
 * linger_ms pass without progress, linger_ms after the last byte was taken, or after drain_max
 * thrown away bytes. Only on_closed follows; out must live until then. gci_stream_close() cuts it
 * short. */
void gci_stream_finish(struct gci_stream *s, uint64_t linger_ms, size_t drain_max);

/* TLS from here on. For a client, after the dial has connected. Starts reading; on_secured follows,
 * or on_end, from the loop. Output flushed before on_secured waits for it, and counts as blocked.
 * The owner watches how long the handshake takes. After that everything is as in the clear, except
 * that both directions end with close_notify: UV_ECONNABORTED in on_end is an end without one,
 * UV_EPROTO any other fault of TLS, and gci_stream_reason() has the words. finish() then lets the
 * other side read why. close() sends close_notify if nothing waits. tls must live until on_closed.
 * UV_ENOTSUP, UV_ENOMEM, UV_EPROTO as gci_tls_open_*(): the stream is in the clear as before. */
int gci_stream_secure_client(struct gci_stream *s, gcache_tls_t *tls, const char *host,
                             uint16_t port, enum gci_tls_offer offer);
/* first: bytes that were read already; copied. Also from inside on_read, which got these bytes in
 * the clear, if nothing was written yet. */
int gci_stream_secure_server(struct gci_stream *s, gcache_tls_t *tls, enum gci_tls_offer offer,
                             gcache_bytes_t first);
/* From on_secured on. In the clear: none, 0, 0. */
enum gci_tls_alpn gci_stream_alpn(const struct gci_stream *s);
int gci_stream_verified(const struct gci_stream *s);                /* the other side has a good
                                                                     * certificate */
int gci_stream_named(const struct gci_stream *s, const char *host); /* its certificate is for
                                                                     * host */
int gci_stream_resumed(const struct gci_stream *s);
const char *
gci_stream_reason(const struct gci_stream *s); /* of the failure, until on_closed; or "" */

/* Numeric address of the other side without port, "" for a pipe; an IPv4 address mapped into IPv6
 * as IPv4. cap: INET6_ADDRSTRLEN holds any. */
void gci_stream_peer_address(const struct gci_stream *s, char *out, size_t cap);
int gci_stream_is_pipe(const struct gci_stream *s); /* a Unix socket */

/* For net/dial: replaces an own handle that has been closed by a fresh one. */
void gci_stream_renew(struct gci_stream *s, uv_loop_t *uv);

#endif
