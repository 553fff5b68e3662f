/* gcache/access.h - which clients' requests for keys are answered: gcache_options_t.access. Part of
 * <gcache/gcache.h>.
 *
 * It covers requests under options.base_path that arrive by listen, by adopt, or by serve with an
 * address; guarding your own routes is your task. A request must meet every condition set here.
 * Otherwise the response is a 403 that says what was missing, and gcache_stats_t.forbidden counts
 * it. The body is read before the 403 only if the request waits for name look-ups (below), or if
 * the body does not match its signature.
 *
 * With all fields zero, peers are served and strangers are not. A client-only member on another
 * machine is a stranger: list its address, or share a secret.
 *
 * The cost of a 403: a get is loaded by the member that asked. A change reports UV_EACCES for
 * the peer that refused it. That peer has missed the change: it is asked for no keys, and the
 * change is sent to it again, at most every health.probe_max_ms, until it lets this member in
 * (docs/rooms/cluster.md). A member that may read but not write should therefore make no
 * changes. */
#ifndef GCACHE_ACCESS_H
#define GCACHE_ACCESS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  /* Proven peers. With `secret`, the proof is a signed request; with the certificates of
   * <gcache/openssl.h>, it is the certificate. Where neither is required, it is the address:
   * loopback, a Unix socket, or an address of a host on the list last given to gcache_set_peers().
   * New names are looked up when the list is given or a listener is opened, and all names again
   * when a stranger asks, at most once in 5 s. While some names have not been looked up yet, a
   * request from an unknown address waits for them: at most a second, at most 1024 requests
   * (gcache_stats_t.awaited_names). With gcache_serve() no request waits. A peer whose address
   * changes is a stranger until shortly after its first request. */
  GCACHE_ACCESS_PEERS,
  /* requests from one of `addresses`; loopback and Unix sockets must be listed too */
  GCACHE_ACCESS_LISTED,
  GCACHE_ACCESS_ANYONE /* anyone who reaches the port */
} gcache_access_who_t;

/* Which requests must be signed, if there is a secret. */
typedef enum {
  GCACHE_SECRET_ALL,
  /* sets, removes, clears; gets cost no more, and `read` alone decides about them */
  GCACHE_SECRET_CHANGES
} gcache_secret_for_t;

typedef struct gcache_access_s {
  gcache_access_who_t read; /* gets */
  /* sets, removes, clears. A member that may write must also be allowed to read: ANYONE here
   * without ANYONE in `read` is UV_EINVAL */
  gcache_access_who_t write;
  /* "10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1"; bits behind the prefix must be zero. "unix":
   * Unix sockets. Copied. UV_EINVAL: LISTED without addresses, addresses without LISTED, or an
   * invalid address. */
  const char *const *addresses;
  size_t n_addresses; /* 4096 at most */
  /* 16 to 256 bytes, the same on all members, copied; NULL: none. Requests to peers are signed with
   * it (HMAC; docs/interop.md defines the format), and requests here must be signed with it. It
   * keeps out everyone who does not know it. Responses are not signed, and nothing is hidden from
   * anyone who can read or change the traffic: that takes TLS. Go systems cannot sign. UV_ENOTSUP:
   * a build without TLS has no HMAC. */
  const void *secret;
  size_t secret_len;
  gcache_secret_for_t secret_for;
  /* 30000: how far a signature's time may be from the clock here; at least 1000 */
  uint64_t skew_ms;
  /* 1048576 signed changes are remembered until they expire (after twice skew_ms at most), so that
   * none can be replayed; at most 32 bytes each, allocated as needed. Beyond that: 429. */
  size_t replays_max;
} gcache_access_t;

#endif /* GCACHE_ACCESS_H */
