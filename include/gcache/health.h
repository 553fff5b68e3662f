/* gcache/health.h - when a peer counts as down, and what is done then: gcache_options_t.health. Part of
 * <gcache/gcache.h>.
 *
 * A peer is *down* when nobody can be reached there, when failures_max questions in a row have
 * failed, or when it owes answers, has been silent for ping_ms and does not answer a ping within
 * connect_timeout_ms. It is asked nothing then but whether it is there again. Its keys are asked of
 * their next owners, which are the same for all members that see it down, so that one member loads
 * a key; without one that is up they are loaded here. gcache_owner() goes on to name the owner by
 * the list. */
#ifndef GCACHE_HEALTH_H
#define GCACHE_HEALTH_H

#include <stddef.h>
#include <stdint.h>

typedef struct gcache_health_s {
  unsigned failures_max; /* 3 questions in a row, each asked after the one before had failed */
  /* 10: questions asked again of a next owner, of all that are asked first, in the long run;
   * beyond that a key whose owner has failed is loaded here. Those of a peer that is down are
   * not counted */
  unsigned retry_percent;
  uint64_t probe_min_ms; /* 250 until a peer that is down is asked for a sign of life, */
  /* 8000 at most: twice as long each time, less a random part of up to half */
  uint64_t probe_max_ms;
  /* Changes that a peer has not made are kept, the newest a key, and told to it before it is asked
   * again. Beyond either limit it is told to drop the group. A peer's: */
  size_t missed_max; /* 4096 keys, */
  /* and 1 MiB: keys, group names and 64 bytes each; not counted in max_bytes */
  size_t missed_max_bytes;
  /* Second questions, off by default. A get that has waited for longer than so many of a hundred of
   * the owner's latest answered gets took is asked of the next owner, too. Before switching it on read
   * docs/rooms/cluster.md, "Second questions":
   * - two members can load the key at a time, so a getter that must not run twice at once must not
   *   be used with it, and groups that gcache_set() fills should not either: the next owner knows
   *   only what its getter says;
   * - it needs three members: this one is never the second;
   * - each counts as a question asked again (retry_percent), which is what bounds them. */
  /* 0: off; 1 to 99. With 90 and retry_percent 10 there is one for each */
  unsigned hedge_percentile;
  uint64_t hedge_min_ms; /* 5: no get is late before that */
} gcache_health_t;

typedef enum {
  GCACHE_PEER_UP,
  GCACHE_PEER_DOWN,
  GCACHE_PEER_PROBING, /* asked for a sign of life, or told what it has missed */
  GCACHE_PEER_LEAVING  /* there, but asked for no key */
} gcache_peer_state_t;

#endif /* GCACHE_HEALTH_H */
