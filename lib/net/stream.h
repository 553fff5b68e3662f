/* net/stream - one connected byte stream: uv_tcp_t or uv_pipe_t now, TLS around it later. Reads into one
 * buffer of its own, writes a struct gci_out: uv_try_write of the whole batch first, uv_write for the
 * rest.
 *
 * Happy path: on_read with bytes, on_written when a blocked queue has drained. Failure: on_end once, with
 * UV_EOF or the error; nothing follows but on_closed. The owner closes, always: gci_stream_close(), then
 * on_closed from the loop, and only then is the memory free to go. Its handle never keeps the loop alive
 * (P9): whoever waits for an answer holds the env.
 * SIGPIPE: libuv writes with MSG_NOSIGNAL semantics on sockets; pipes are checked by libuv as well. */
#ifndef GCI_NET_STREAM_H
#define GCI_NET_STREAM_H

#include <uv.h>

#include "base/env.h"
#include "http/out.h"

struct gci_stream;

struct gci_stream_events {
  void (*on_read)(void *user, gcache_bytes_t bytes); /* borrowed; may stop reading or close */
  void (*on_end)(void *user, int status);            /* UV_EOF: the other side finished writing */
  void (*on_written)(void *user); /* out is empty again after having been blocked */
  void (*on_closed)(void *user);  /* free to go */
};

struct gci_stream {
  struct gci_env *env;
  const struct gci_stream_events *events;
  void *user;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
  } own;
  uv_stream_t *uv;                /* &own.stream, or an adopted one */
  void (*release)(uv_stream_t *); /* adopted: called in place of a close callback */
  uv_write_t write;
  struct gci_out *out; /* what is written; borrowed; not NULL once flush was called */
  char *read_buffer;
  size_t in_write;      /* bytes handed to uv_write */
  uint64_t progress_ms; /* when the other side last took bytes (or the queue began to wait) */
  unsigned reading : 1, ended : 1, closing : 1;
};

/* Prepares an own TCP handle, for accept or connect. */
int gci_stream_init(struct gci_stream *s, struct gci_env *env, uv_loop_t *uv,
                    const struct gci_stream_events *events, void *user);
/* Takes the connection that waits at a listening socket into s, which gci_stream_init() prepared. */
int gci_stream_accept(struct gci_stream *s, uv_stream_t *server);
/* Takes over a connected stream of the application's. */
int gci_stream_adopt(struct gci_stream *s, struct gci_env *env, uv_stream_t *stream,
                     void (*release)(uv_stream_t *), const struct gci_stream_events *events,
                     void *user);

int gci_stream_read_start(struct gci_stream *s);
void gci_stream_read_stop(struct gci_stream *s);
/* Writes what it can now; the rest follows by itself. May call on_end later, never at once. */
void gci_stream_flush(struct gci_stream *s, struct gci_out *out);
int gci_stream_blocked(const struct gci_stream *s); /* a write is waiting for the other side */
void gci_stream_close(struct gci_stream *s);        /* once; on_closed follows */

/* Numeric address of the other side without port, "" for a pipe. */
void gci_stream_peer_address(const struct gci_stream *s, char *out, size_t cap);

#endif
