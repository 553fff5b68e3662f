/* gcache/http.h - three ways to be reached by peers, from most to least ours:
 *
 *   listen  gcache owns socket, connections and HTTP.
 *   adopt   you own the socket and accept; gcache owns the connection from there.
 *   serve   you own HTTP; gcache only answers one request at a time.
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

/* TCP over IPv4 or IPv6. Port 0: any free one. UV_EADDRINUSE, UV_EACCES, ... as uv_listen(). */
GCACHE_EXTERN int gcache_listen(gcache_listener_t **out, gcache_t *cache,
                                const struct sockaddr *addr, int backlog);
/* The same over TLS only. tls: from <gcache/openssl.h>, borrowed until the cache has closed.
 * UV_ENOTSUP: it has no server context, or this library was built without TLS. HTTP/1.1 and HTTP/2
 * are offered by ALPN as options.http says. What TLS finds wrong in a handshake is told to the log. */
GCACHE_EXTERN int gcache_listen_tls(gcache_listener_t **out, gcache_t *cache,
                                    const struct sockaddr *addr, int backlog, gcache_tls_t *tls);
/* A Unix socket, for members of this machine; they call this one unix:/path. Always in the clear:
 * what is said there leaves the machine's memory nowhere. path: absolute, at most 107 bytes, plain
 * ASCII without spaces, '#', '?' and '%'; copied. mode: permissions of the file, whatever the
 * umask: who may write to it may connect, and is a peer (<gcache/access.h>); 0: 0600. UV_EINVAL:
 * path or mode is none of these; the log says which. UV_EADDRINUSE: somebody listens there, or it
 * is no socket. A socket file that a crashed process has left is replaced; ours is removed when
 * closing begins. No two programs may begin to listen at one path at one moment. */
GCACHE_EXTERN int gcache_listen_unix(gcache_listener_t **out, gcache_t *cache, const char *path,
                                     unsigned mode, int backlog);
/* 0: a Unix socket. */
GCACHE_EXTERN int gcache_listener_port(const gcache_listener_t *listener);
/* Drains: accepts no more, closes idle connections, lets those that are owed answers have them, with
 * "Connection: close" or GOAWAY. closed (may be NULL) runs when none is left; listener is gone
 * then. Call once, and not after gcache_close(), which closes listeners itself. */
GCACHE_EXTERN void gcache_listener_close(gcache_listener_t *listener, gcache_closed_cb closed,
                                         void *arg);

/* --------------------------------------------------------------------------------- adopt ---- */

/* stream: a connected uv_tcp_t or uv_pipe_t on the cache's loop, not reading. On 0 gcache owns stream
 * and stream->data, and calls release in place of your uv_close() callback, when the connection has
 * ended. first: bytes you have already read from it, copied; len 0 if none. GCACHE_EBUSY:
 * limits.connections_max are open (connections_per_address is yours to watch). UV_EINVAL: another kind
 * of stream. */
GCACHE_EXTERN int gcache_adopt(gcache_t *cache, struct uv_stream_s *stream, gcache_bytes_t first,
                               void (*release)(struct uv_stream_s *stream));
/* The same for a stream over which the other side is about to speak TLS; first: ciphertext. tls as for
 * gcache_listen_tls(). */
GCACHE_EXTERN int gcache_adopt_tls(gcache_t *cache, struct uv_stream_s *stream,
                                   gcache_bytes_t first, gcache_tls_t *tls,
                                   void (*release)(struct uv_stream_s *stream));

/* --------------------------------------------------- the application's routes on our port ---- */

typedef struct gcache_exchange_s gcache_exchange_t; /* opaque, ours: one request and its answer */

typedef struct gcache_header_s {
  gcache_bytes_t name, value;
} gcache_header_t;

/* Called for each complete request outside base_path that came by listen or adopt. It owes exactly one
 * answer, now or later: gcache_exchange_reply() or _reply_value(), or gcache_exchange_begin() and then
 * _end(); gcache_exchange_abort() may stand for any of these. */
typedef void (*gcache_handler_cb)(gcache_exchange_t *x, void *arg);
/* NULL: such requests are answered 404. */
GCACHE_EXTERN void gcache_set_handler(gcache_t *cache, gcache_handler_cb handler, void *arg);

/* All borrowed: valid until the answer has been given; of one in parts, until its end. */
GCACHE_EXTERN gcache_t *gcache_exchange_cache(const gcache_exchange_t *x);
GCACHE_EXTERN gcache_bytes_t gcache_exchange_method(const gcache_exchange_t *x); /* "GET" */
GCACHE_EXTERN gcache_bytes_t gcache_exchange_path(const gcache_exchange_t *x);   /* still escaped */
GCACHE_EXTERN gcache_bytes_t
gcache_exchange_query(const gcache_exchange_t *x); /* without the '?' */
/* name in any case; the first of several; base NULL if there is none. */
GCACHE_EXTERN gcache_bytes_t gcache_exchange_header(const gcache_exchange_t *x, const char *name);
/* All header lines in order. */
GCACHE_EXTERN const gcache_header_t *gcache_exchange_headers(const gcache_exchange_t *x, size_t *n);
/* The body as a value that never expires, so that it can be kept without a copy: ref it. NULL if the
 * request has none. */
GCACHE_EXTERN gcache_value_t *gcache_exchange_body(const gcache_exchange_t *x);
/* Query parameter name, percent-decoded ('+' stays a plus). UV_ENOENT: absent. UV_EINVAL: bad
 * escape. */
GCACHE_EXTERN int gcache_exchange_param(gcache_exchange_t *x, const char *name,
                                        gcache_bytes_t *out);

/* The asker has left: the reply, or the end of one begun, is still owed, and goes nowhere. */
typedef void (*gcache_gone_cb)(gcache_exchange_t *x, void *arg);
GCACHE_EXTERN void gcache_exchange_on_gone(gcache_exchange_t *x, gcache_gone_cb gone, void *arg);

/* status: 200 to 599. headers: copied; names must be tokens and values free of CR, LF and NUL, and
 * Content-Length, Transfer-Encoding, Connection and Date are ours to write: UV_EINVAL, and the reply
 * is still owed. body is copied, or referenced without a copy (NULL: empty). Afterwards x is gone,
 * also when the asker has left; that is not an error. */
GCACHE_EXTERN int gcache_exchange_reply(gcache_exchange_t *x, int status,
                                        const gcache_header_t headers[], size_t n,
                                        gcache_bytes_t body);
GCACHE_EXTERN int gcache_exchange_reply_value(gcache_exchange_t *x, int status,
                                              const gcache_header_t headers[], size_t n,
                                              gcache_value_t *body);

/* An answer whose length is not known when it begins: begin, then any number of writes, then end.
 * status and headers as for a reply, and it is one: a second begin or a reply behind it is
 * UV_EINVAL, as are a write or an end before it. Chunked in HTTP/1.1; in HTTP/1.0 it ends with the
 * connection. HEAD and the statuses without a body get the head alone. However slowly it is
 * produced, no time limit ends it; a reader who takes next to nothing for limits.write_stall_ms has
 * left. */
GCACHE_EXTERN int gcache_exchange_begin(gcache_exchange_t *x, int status,
                                        const gcache_header_t headers[], size_t n);
/* The next bytes of the body, copied, or referenced without a copy. All of them are taken, or none:
 * GCACHE_EBUSY when more than 1 MiB of this answer waits already. (Requests of one HTTP/1.1
 * connection are answered in order: answers whose turn has not come share one MiB.) What was taken
 * leaves by itself, all writes of a turn of the loop in one. When the asker has left, or without
 * memory, for which the connection ends, it is taken and thrown away, and gone is called. */
GCACHE_EXTERN int gcache_exchange_write(gcache_exchange_t *x, gcache_bytes_t bytes);
GCACHE_EXTERN int gcache_exchange_write_value(gcache_exchange_t *x, gcache_value_t *value);
/* Calls room once, from the loop, when less than half of that waits (which may be now) or the asker has
 * left. It replaces what was asked for before; NULL: nothing. */
typedef void (*gcache_room_cb)(gcache_exchange_t *x, void *arg);
GCACHE_EXTERN void gcache_exchange_on_room(gcache_exchange_t *x, gcache_room_cb room, void *arg);
/* The body is whole. x is gone, but after an error. */
GCACHE_EXTERN int gcache_exchange_end(gcache_exchange_t *x);
/* There will be no more, begun or not, and the asker can see that something is missing: the
 * connection is closed without the last chunk, in HTTP/2 the stream is reset. (In HTTP/1.0 nothing
 * tells that from an end.) x is gone. */
GCACHE_EXTERN void gcache_exchange_abort(gcache_exchange_t *x);

/* -------------------------------------------- serve: mount on your own HTTP server ---- */

typedef struct gcache_serve_s gcache_serve_t; /* request, yours */

typedef struct gcache_http_request_s {
  gcache_bytes_t method;          /* "GET", "PUT", "DELETE", ... */
  gcache_bytes_t path;            /* as received: still escaped; a query is ignored */
  const gcache_header_t *headers; /* borrowed until gcache_serve() returns; names in any case */
  size_t n_headers;
  gcache_bytes_t body; /* whole body; borrowed until gcache_serve() returns */
  /* Who asks, to be judged by options.access: IPv4, IPv6 or AF_UNIX; borrowed likewise. NULL: you
   * have seen to that, and whatever you hand over is answered. Where peers show certificates they
   * show them to you. */
  const struct sockaddr *from;
} gcache_http_request_t;

typedef struct gcache_http_reply_s {
  /* 200, 204 (a ping), 400, 403, 404, 405, 409 (a leaving member's value is not wanted), 413,
   * 414, 429, 500, 503, 504 */
  int status;
  const gcache_header_t *headers; /* Content-Type and ours; without Content-Length */
  size_t n_headers;
  /* The body is these parts in order; any may be empty. part[1] is the value's own bytes: to send it
   * uncopied after the callback, ref owner, send, unref. part[0] and part[2] are what stands around
   * it, or the text of a refusal: at most a key's length and some 300 bytes together. */
  gcache_bytes_t part[3];
  gcache_value_t *owner; /* NULL: part[1] is empty */
} gcache_http_reply_t;

/* status 0: reply is set, borrowed. UV_ECANCELED: reply is NULL, answer nobody. */
typedef void (*gcache_serve_cb)(gcache_serve_t *req, int status, const gcache_http_reply_t *reply);
struct gcache_serve_s {
  void *data; /* yours */
  gcache_serve_cb cb;
  void *work; /* private */
};

/* Nonzero if path (escaped, with or without a query) lies under base_path and is gcache's to answer. */
GCACHE_EXTERN int gcache_serves(const gcache_t *cache, gcache_bytes_t path);
/* Answers as the owner, from this member alone. What is wrong with the request is said in the
 * reply, not by an error here. */
GCACHE_EXTERN int gcache_serve(gcache_serve_t *req, gcache_t *cache,
                               const gcache_http_request_t *in, gcache_serve_cb cb);
/* The client hung up: the callback still runs, from the loop, with UV_ECANCELED. */
GCACHE_EXTERN void gcache_serve_cancel(gcache_serve_t *req);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_HTTP_H */
