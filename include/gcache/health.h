/* gcache/health.h - when a peer counts as down, and what happens then: gcache_options_t.health.
 * Part of <gcache/gcache.h>.
 *
 * A peer is *down* when no connection to it can be made, when failures_max requests in a row have
 * failed, or when it owes responses, has been silent for ping_ms and does not answer a ping within
 * connect_timeout_ms. A peer that is down gets no requests except probes, which ask whether it is
 * back. Requests for its keys go to the keys' next owners, which are the same on all members that
 * see it down, so that one member loads a key; if no next owner is up, the keys are loaded here.
 * gcache_owner() still names the owner by the list. */
#ifndef GCACHE_HEALTH_H
#define GCACHE_HEALTH_H

#include <stddef.h>
#include <stdint.h>

typedef struct gcache_health_s {
  unsigned failures_max; /* 3 requests in a row, each sent after the one before had failed */
  /* 10: requests repeated at a next owner, in percent of all first requests, in the long run.
   * Beyond that a key whose owner has failed is loaded here. Repeats because a peer is down do not
   * count */
  unsigned retry_percent;
  uint64_t probe_min_ms; /* 250 from going down to the first probe; the interval then doubles */
  /* 8000: the longest interval. Each interval is shortened by a random part of up to half */
  uint64_t probe_max_ms;
  /* Changes that a peer has missed are kept, the newest for each key, and sent to it before it is
   * asked for keys again. Beyond either limit the changes of a group are replaced by one that drops
   * the group. Per peer: */
  size_t missed_max; /* 4096 keys */
  /* 1 MiB: keys, group names and 64 bytes per entry; not counted in max_bytes */
  size_t missed_max_bytes;
  /* Hedged requests, off by default. When a get has waited longer than this percentile of the times
   * of the owner's latest answered gets, the next owner is asked too, and the first value or "not
   * found" counts. Before enabling this, read "Second questions" in docs/rooms/cluster.md:
   *   - Two members can load a key at the same time. Do not use it with a getter that must not run
   *     twice at once, nor with groups filled by gcache_set(): the next owner knows only what its
   *     getter returns.
   *   - It needs three members: this member is never the second.
   *   - Each hedged request counts as a repeated one, so retry_percent bounds them. */
  /* 0: off; 1 to 99. With 90 and retry_percent 10 every late get has a hedged request */
  unsigned hedge_percentile;
  uint64_t hedge_min_ms; /* 5: a get is not late before this time */
} gcache_health_t;

typedef enum {
  GCACHE_PEER_UP,
  GCACHE_PEER_DOWN,
  GCACHE_PEER_PROBING, /* being probed, or being sent the changes it missed */
  GCACHE_PEER_LEAVING  /* up, but asked for no keys */
} gcache_peer_state_t;

#endif /* GCACHE_HEALTH_H */
