/* gcache/access.h - whose requests for keys are answered: gcache_options_t.access. Part of
 * <gcache/gcache.h>.
 *
 * It is about requests under options.base_path that come by listen, adopt, or serve with an
 * address; your own routes are yours to guard. All that is asked for here must be met, else the
 * answer is 403 and says what was missing; gcache_stats_t.forbidden counts it. A body is read
 * before that only where the request waits for names to be looked up (below), or it is the body
 * that is not the one signed. Left zero, peers are served and strangers are not. A client-only
 * member on another machine is a stranger: list its address, or share a secret. What a 403 costs: a
 * get is loaded where it was asked; a change reports UV_EACCES for that peer, which has missed it,
 * is asked for nothing and is told again, at most every health.probe_max_ms, until it lets this
 * member in (docs/rooms/cluster.md). So who may read and not write had better change nothing. */
#ifndef GCACHE_ACCESS_H
#define GCACHE_ACCESS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  /* Who has shown to be a peer: by a request signed with `secret`; by the certificate that
   * <gcache/openssl.h> asks of peers; where neither is asked for, by address: loopback, a Unix
   * socket, or one that a host of the list last given to gcache_set_peers() has. New names are
   * looked up when the list is given or a listener opened, and all again when a stranger asks, at
   * most once in 5 s. Who asks from an unknown address while there are names that have not been
   * looked up yet waits for them, for a second at most and 1024 requests
   * (gcache_stats_t.awaited_names); with gcache_serve() nobody waits. A peer that moves is a
   * stranger until shortly after its first request. */
  GCACHE_ACCESS_PEERS,
  GCACHE_ACCESS_LISTED, /* who asks from one of `addresses`, loopback and Unix sockets like any other */
  GCACHE_ACCESS_ANYONE /* whoever reaches the port */
} gcache_access_who_t;

/* What must be signed, where there is a secret. */
typedef enum {
  GCACHE_SECRET_ALL,
  GCACHE_SECRET_CHANGES /* sets, removes, clears; gets cost nothing more: `read` alone judges them */
} gcache_secret_for_t;

typedef struct gcache_access_s {
  gcache_access_who_t read; /* gets */
  /* sets, removes, clears. Whoever may write must also be one who may read, so that ANYONE here
   * without it there is UV_EINVAL */
  gcache_access_who_t write;
  /* "10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1"; bits behind the prefix must be zero. "unix": Unix
   * sockets. Copied. UV_EINVAL: LISTED without any, any without LISTED, or one that is none of
   * these. */
  const char *const *addresses;
  size_t n_addresses; /* 4096 at most */
  /* 16 to 256 bytes, the same on all members, copied; NULL: none. Requests to peers are signed with
   * it (HMAC; docs/interop.md says how), and must be so signed here. It shuts out who does not know
   * it; answers are not signed, and nothing is hidden from who can read or change what passes: that
   * takes TLS. Go systems cannot sign. UV_ENOTSUP: a build without TLS has no HMAC. */
  const void *secret;
  size_t secret_len;
  gcache_secret_for_t secret_for;
  uint64_t skew_ms; /* 30000: how far from now the time of a signature may be; at least 1000 */
  /* 1048576 signed changes remembered, so that none can be repeated, until their time is over (twice
   * skew_ms at most); 32 bytes each at most, and only where there are so many. More of them: 429. */
  size_t replays_max;
} gcache_access_t;

#endif /* GCACHE_ACCESS_H */
