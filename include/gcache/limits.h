/* gcache/limits.h - what strangers may cost: gcache_options_t.limits. Part of <gcache/gcache.h>. */
#ifndef GCACHE_LIMITS_H
#define GCACHE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Over a size: the request is refused with a 4xx, and the connection closed
 * unless the request had been read to its end. Over a time: the connection is closed; of a body or
 * an answer over HTTP/2, that stream alone is refused with 408 or reset. */
typedef struct gcache_limits_s {
  size_t key_max;           /* 4096 bytes decoded; more: UV_EMSGSIZE, 414 */
  size_t value_max;         /* 16 MiB; more: UV_EMSGSIZE, 413. Bodies: 8 KiB more */
  size_t line_max;          /* 8 KiB: request line of HTTP/1 */
  size_t head_max;          /* 16 KiB: all of a message's head */
  unsigned head_lines_max;  /* 64 header lines */
  size_t chunk_meta_max;    /* 4 KiB: chunk extensions and trailers of one message together */
  size_t drain_max;         /* 64 KiB of an unwanted body are read; beyond: closed */
  uint64_t head_timeout_ms; /* 10000, from a request's first byte to the end of its head */
  uint64_t body_timeout_ms; /* 30000, from the end of the head to the end of the body */
  size_t body_rate_min;     /* 1024 bytes/s, averaged, once 5 s of a body have passed */
  uint64_t write_stall_ms;  /* 10000 in which less of its answers is taken than at that rate */
  uint64_t idle_ms;         /* 60000 an incoming connection may rest between requests */
  unsigned connections_max; /* 1024 incoming; accepting pauses there */
  unsigned connections_per_address; /* 64 incoming, peers by their listed addresses exempt */
  unsigned pipelined_max;           /* 1024 requests unanswered over HTTP/1.1; then reading stops */

  uint64_t tls_timeout_ms; /* 5000 for a TLS handshake */

  /* HTTP/2. What exceeds one of these ends the connection with GOAWAY, but streams over streams_max
   * before the client has acknowledged that limit, which are refused one by one. */
  unsigned streams_max;       /* 128 of one connection at a time; nor more of ours to a peer */
  unsigned resets_burst;      /* 200 streams may be opened and reset at once, */
  unsigned resets_per_s;      /* and 50 a second in the long run */
  unsigned continuations_max; /* 8 CONTINUATION frames a head */
  unsigned settings_max;      /* 32 entries a SETTINGS frame */
  unsigned acks_max;          /* 100 acknowledgements waiting to be sent */
  unsigned control_max; /* 1000 frames in 10 s that carry neither head nor body: SETTINGS, PING,
                                 PRIORITY, empty DATA, WINDOW_UPDATE, RST_STREAM */

  /* Overload, over all connections, incoming and outgoing. In flight is what waits to be sent,
   * values whole and once for each place in a queue; bodies that are being received; requests that
   * wait for their answer.
   * What would exceed it is not begun: a request or an answer is refused with 429, a body before it
   * is read; the answer to a question of ours fails with GCACHE_EBUSY. Others' values and bodies
   * over 4 KiB leave a quarter of it free. As long as less than a sixteenth is in use anything may
   * begin. */
  size_t in_flight_max; /* a quarter of options.max_bytes, or of all groups' max_bytes where that is
                            not set, but at least 16 MiB */
  unsigned requests_max; /* 65536 incoming requests that wait for their answer; more: 429 */
} gcache_limits_t;

#endif /* GCACHE_LIMITS_H */
