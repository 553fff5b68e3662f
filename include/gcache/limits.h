/* gcache/limits.h - the resources that clients and peers may take: gcache_options_t.limits. Part of
 * <gcache/gcache.h>. */
#ifndef GCACHE_LIMITS_H
#define GCACHE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* Over a size limit the request is refused with a 4xx, and the connection is closed unless the
 * request had been read to its end. Over a time limit the connection is closed; for a body or a
 * response over HTTP/2, only that stream is refused with 408 or reset. */
typedef struct gcache_limits_s {
  size_t key_max;          /* 4096 bytes decoded; more: UV_EMSGSIZE, 414 */
  size_t value_max;        /* 16 MiB; more: UV_EMSGSIZE, 413. Bodies: 8 KiB more */
  size_t line_max;         /* 8 KiB: request line of HTTP/1 */
  size_t head_max;         /* 16 KiB: the whole head of a message */
  unsigned head_lines_max; /* 64 header lines */
  size_t chunk_meta_max;   /* 4 KiB: chunk extensions and trailers of one message together */
  size_t drain_max; /* 64 KiB of an unwanted body are read; beyond that the connection is closed */
  uint64_t head_timeout_ms; /* 10000, from a request's first byte to the end of its head */
  uint64_t body_timeout_ms; /* 30000, from the end of the head to the end of the body */
  size_t body_rate_min;     /* 1024 bytes/s, averaged, once 5 s of a body have passed */
  /* 10000; a connection that takes its responses more slowly than body_rate_min for so long is
   * closed */
  uint64_t write_stall_ms;
  uint64_t idle_ms; /* 60000; how long an incoming connection may be idle between requests */
  unsigned connections_max;         /* 1024 incoming; beyond that accepting pauses */
  unsigned connections_per_address; /* 64 incoming; listed addresses of peers are exempt */
  unsigned pipelined_max;           /* 1024 unanswered requests over HTTP/1.1; then reading stops */

  uint64_t tls_timeout_ms; /* 5000 for a TLS handshake */

  /* HTTP/2. A connection that exceeds one of these is ended with GOAWAY. Exception: streams over
   * streams_max before the client has acknowledged that limit are refused one by one. */
  unsigned streams_max;       /* 128 at a time on one connection; also the most we open to a peer */
  unsigned resets_burst;      /* 200 streams may be opened and reset at once */
  unsigned resets_per_s;      /* 50 per second in the long run */
  unsigned continuations_max; /* 8 CONTINUATION frames per head */
  unsigned settings_max;      /* 32 entries per SETTINGS frame */
  unsigned acks_max;          /* 100 acknowledgements waiting to be sent */
  /* 1000 frames in 10 s that carry neither head nor body: SETTINGS, PING, PRIORITY, empty DATA,
   * WINDOW_UPDATE, RST_STREAM */
  unsigned control_max;

  /* Overload, over all connections, incoming and outgoing. In flight are: values and other
   * output waiting to be sent, a value whole and once for each queue it stands in; bodies being
   * received; requests waiting for their response. Nothing is begun that would exceed
   * in_flight_max: a request or a response is refused with 429, a body before it is read; a
   * response to one of our own requests fails with GCACHE_EBUSY. Values and bodies over 4 KiB
   * that others ask for or send leave a quarter of the budget free. While less than a sixteenth
   * is in use, anything may begin. */
  /* A quarter of options.max_bytes, or of the sum of all groups' max_bytes if that is not set, but
   * at least 16 MiB */
  size_t in_flight_max;
  unsigned requests_max; /* 65536 incoming requests waiting for their response; more: 429 */
} gcache_limits_t;

#endif /* GCACHE_LIMITS_H */
