/* gcache/http.h - three ways for peers to reach this member, from most to least done by gcache:
 *
 *   listen  gcache owns the socket, the connections and HTTP.
 *   adopt   you own the socket and accept; gcache owns the connection from there.
 *   serve   you own HTTP; gcache answers one request at a time.
 *
 * All three end in the same code. With the first two, requests outside options.base_path go to your
 * handler, so that one port serves both. gcache.h's rules hold.
 */
#ifndef GCACHE_HTTP_H
#define GCACHE_HTTP_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;
struct uv_stream_s;

/* -------------------------------------------------------------------------------- listen ---- */

typedef struct gcache_listener_s gcache_listener_t; /* opaque, ours */

/* TCP over IPv4 or IPv6. Port 0: any free port. UV_EADDRINUSE, UV_EACCES, ... as from
 * uv_listen(). */
GCACHE_EXTERN int gcache_listen(gcache_listener_t **out, gcache_t *cache,
                                const struct sockaddr *addr, int backlog);
/* The same over TLS only. tls: from <gcache/openssl.h>, borrowed until the cache has closed.
 * UV_ENOTSUP: tls has no server context, or this library was built without TLS. options.http
 * decides whether ALPN offers HTTP/1.1, HTTP/2 or both. Handshake failures are logged. */
GCACHE_EXTERN int gcache_listen_tls(gcache_listener_t **out, gcache_t *cache,
                                    const struct sockaddr *addr, int backlog, gcache_tls_t *tls);
/* A Unix socket, for members on this machine; they call this member unix:/path. Never encrypted:
 * the traffic does not leave the machine's memory.
 * path: absolute, at most 107 bytes, plain ASCII without spaces, '#', '?' and '%'; copied.
 * mode: permissions of the socket file, whatever the umask; 0: 0600. A process that may write to
 * the file may connect, and counts as a peer (<gcache/access.h>).
 * UV_EINVAL: an invalid path or mode; the log says which. UV_EADDRINUSE: another process listens
 * there, or the file is not a socket.
 * A socket file left by a crashed process is replaced; ours is removed when closing begins. Two
 * programs must not start to listen on one path at the same moment. */
GCACHE_EXTERN int gcache_listen_unix(gcache_listener_t **out, gcache_t *cache, const char *path,
                                     unsigned mode, int backlog);
/* The port, 0 for a Unix socket. */
GCACHE_EXTERN int gcache_listener_port(const gcache_listener_t *listener);
/* Drains the listener: it accepts no more connections, closes idle ones, and lets those that are
 * owed responses receive them, with "Connection: close" or GOAWAY. closed (may be NULL) runs when
 * no connection is left; listener is gone then. Call once, and not after gcache_close(), which
 * closes listeners itself. */
GCACHE_EXTERN void gcache_listener_close(gcache_listener_t *listener, gcache_closed_cb closed,
                                         void *arg);

/* --------------------------------------------------------------------------------- adopt ---- */

/* stream: a connected uv_tcp_t or uv_pipe_t on the cache's loop, not reading. On 0 gcache owns
 * stream and stream->data, and when the connection has ended calls release in place of your
 * uv_close() callback. first: bytes you have already read from it, copied; len 0 if none.
 * GCACHE_EBUSY: limits.connections_max are open (connections_per_address is yours to enforce).
 * UV_EINVAL: another kind of stream. */
GCACHE_EXTERN int gcache_adopt(gcache_t *cache, struct uv_stream_s *stream, gcache_bytes_t first,
                               void (*release)(struct uv_stream_s *stream));
/* The same for a stream on which the other side is about to start a TLS handshake; first holds
 * ciphertext. tls as for gcache_listen_tls(). */
GCACHE_EXTERN int gcache_adopt_tls(gcache_t *cache, struct uv_stream_s *stream,
                                   gcache_bytes_t first, gcache_tls_t *tls,
                                   void (*release)(struct uv_stream_s *stream));

/* --------------------------------------------------- the application's routes on our port ---- */

typedef struct gcache_exchange_s gcache_exchange_t; /* opaque, ours: one request and its response */

typedef struct gcache_header_s {
  gcache_bytes_t name, value;
} gcache_header_t;

/* Called for each complete request outside base_path that arrives by listen or adopt. The handler
 * owes exactly one response, now or later: gcache_exchange_reply() or _reply_value(), or
 * gcache_exchange_begin() and then _end(). gcache_exchange_abort() may replace any of these. */
typedef void (*gcache_handler_cb)(gcache_exchange_t *x, void *arg);
/* NULL: such requests are answered with 404. */
GCACHE_EXTERN void gcache_set_handler(gcache_t *cache, gcache_handler_cb handler, void *arg);

/* All borrowed: valid until the response has been given, or, if it is given in parts, has ended. */
GCACHE_EXTERN gcache_t *gcache_exchange_cache(const gcache_exchange_t *x);
GCACHE_EXTERN gcache_bytes_t gcache_exchange_method(const gcache_exchange_t *x); /* "GET" */
GCACHE_EXTERN gcache_bytes_t gcache_exchange_path(const gcache_exchange_t *x);   /* still escaped */
GCACHE_EXTERN gcache_bytes_t
gcache_exchange_query(const gcache_exchange_t *x); /* without the '?' */
/* name in any case; the first of several; base is NULL if there is none. */
GCACHE_EXTERN gcache_bytes_t gcache_exchange_header(const gcache_exchange_t *x, const char *name);
/* All header lines in order. */
GCACHE_EXTERN const gcache_header_t *gcache_exchange_headers(const gcache_exchange_t *x, size_t *n);
/* The body as a value that never expires; call gcache_value_ref() to keep it without a copy. NULL
 * if the request has none. */
GCACHE_EXTERN gcache_value_t *gcache_exchange_body(const gcache_exchange_t *x);
/* The query parameter name, percent-decoded ('+' stays a plus). UV_ENOENT: absent. UV_EINVAL: bad
 * escape. */
GCACHE_EXTERN int gcache_exchange_param(gcache_exchange_t *x, const char *name,
                                        gcache_bytes_t *out);

/* The client has left. The reply, or the end of one begun, is still owed, but is not sent. */
typedef void (*gcache_gone_cb)(gcache_exchange_t *x, void *arg);
GCACHE_EXTERN void gcache_exchange_on_gone(gcache_exchange_t *x, gcache_gone_cb gone, void *arg);

/* status: 200 to 599. headers: copied. UV_EINVAL, and the reply is still owed: a name that is not a
 * token; a value with CR, LF or NUL; or one of the headers that gcache writes itself, which are
 * Content-Length, Transfer-Encoding, Connection and Date. body is copied (_reply), or referenced
 * without a copy (_reply_value; NULL: empty). Afterwards x is gone, also when the client has left;
 * that is not an error. */
GCACHE_EXTERN int gcache_exchange_reply(gcache_exchange_t *x, int status,
                                        const gcache_header_t headers[], size_t n,
                                        gcache_bytes_t body);
GCACHE_EXTERN int gcache_exchange_reply_value(gcache_exchange_t *x, int status,
                                              const gcache_header_t headers[], size_t n,
                                              gcache_value_t *body);

/* A response whose length is not known when it begins: begin, then any number of writes, then end.
 * status and headers as for a reply. A second begin or a reply after a begin is UV_EINVAL, as is a
 * write or an end before it. HTTP/1.1 sends it chunked; HTTP/1.0 ends it with the connection. HEAD
 * and the statuses without a body get the head alone. No time limit ends a response that is
 * produced slowly; a client that takes next to nothing for limits.write_stall_ms counts as gone. */
GCACHE_EXTERN int gcache_exchange_begin(gcache_exchange_t *x, int status,
                                        const gcache_header_t headers[], size_t n);
/* The next bytes of the body, copied, or for _write_value referenced without a copy. Either all
 * bytes are taken or none: GCACHE_EBUSY when more than 1 MiB of this response is waiting already,
 * or anything of it while limits.in_flight_max is used up. (Requests of one HTTP/1.1 connection are
 * answered in order; responses whose turn has not come share one MiB.) What was taken is sent
 * without a further call, all writes of a loop turn in one. When the client has left, or when
 * memory runs out, which ends the connection, the bytes are taken and discarded, and gone is
 * called. */
GCACHE_EXTERN int gcache_exchange_write(gcache_exchange_t *x, gcache_bytes_t bytes);
GCACHE_EXTERN int gcache_exchange_write_value(gcache_exchange_t *x, gcache_value_t *value);
/* Calls room once, from the loop, when a write would be taken and less than half of that MiB is
 * waiting (which may be now) or the client has left. Replaces an earlier room; NULL: cancels it. */
typedef void (*gcache_room_cb)(gcache_exchange_t *x, void *arg);
GCACHE_EXTERN void gcache_exchange_on_room(gcache_exchange_t *x, gcache_room_cb room, void *arg);
/* Completes the body. Afterwards x is gone, except on an error. */
GCACHE_EXTERN int gcache_exchange_end(gcache_exchange_t *x);
/* Ends the response early, begun or not, so that the client can see that something is missing: over
 * HTTP/1.1 the connection is closed without the last chunk, over HTTP/2 the stream is reset. (In
 * HTTP/1.0 the client cannot tell this from a normal end.) Afterwards x is gone. */
GCACHE_EXTERN void gcache_exchange_abort(gcache_exchange_t *x);

/* -------------------------------------------- serve: mount on your own HTTP server ---- */

typedef struct gcache_serve_s gcache_serve_t; /* request, yours */

typedef struct gcache_http_request_s {
  gcache_bytes_t method;          /* "GET", "PUT", "DELETE", ... */
  gcache_bytes_t path;            /* as received: still escaped; a query is ignored */
  const gcache_header_t *headers; /* borrowed until gcache_serve() returns; names in any case */
  size_t n_headers;
  gcache_bytes_t body; /* whole body; borrowed until gcache_serve() returns */
  /* The client's address, checked against options.access: IPv4, IPv6 or AF_UNIX; borrowed likewise.
   * NULL: you have done the check, and every request you pass on is answered. Client certificates,
   * if any, are yours to check. */
  const struct sockaddr *from;
} gcache_http_request_t;

typedef struct gcache_http_reply_s {
  /* 200, 204 (a ping), 400, 403, 404, 405, 409 (a leaving member's value is not wanted), 413,
   * 414, 429, 500, 503, 504 */
  int status;
  const gcache_header_t *headers; /* Content-Type and those of gcache; without Content-Length */
  size_t n_headers;
  /* The body is these parts in order; any may be empty. part[1] is the value's own bytes: to send
   * it without a copy after the callback, ref owner, send, unref. part[0] and part[2] are what
   * surrounds the value, or the text of a refusal: together at most a key's length and some 300
   * bytes. */
  gcache_bytes_t part[3];
  gcache_value_t *owner; /* NULL: part[1] is empty */
} gcache_http_reply_t;

/* status 0: reply is set, borrowed. UV_ECANCELED: reply is NULL; send no response. */
typedef void (*gcache_serve_cb)(gcache_serve_t *req, int status, const gcache_http_reply_t *reply);
struct gcache_serve_s {
  void *data; /* yours */
  gcache_serve_cb cb;
  void *work; /* private */
};

/* Nonzero if path (escaped, with or without a query) lies under base_path, so that gcache answers
 * it. */
GCACHE_EXTERN int gcache_serves(const gcache_t *cache, gcache_bytes_t path);
/* Answers as the owner, from this member alone. A fault in the request is reported in the reply,
 * not by an error here. */
GCACHE_EXTERN int gcache_serve(gcache_serve_t *req, gcache_t *cache,
                               const gcache_http_request_t *in, gcache_serve_cb cb);
/* The client has disconnected: the callback still runs, from the loop, with UV_ECANCELED. */
GCACHE_EXTERN void gcache_serve_cancel(gcache_serve_t *req);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_HTTP_H */
