/* gcache/stats.h - what has been counted, by group, by peer and by cache. Part of
 * <gcache/gcache.h>, whose rules hold. */
#ifndef GCACHE_STATS_H
#define GCACHE_STATS_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long something took: how many took so long, by fixed limits, which are those of a Prometheus
 * histogram: buckets[i] counts what took up to gcache_histogram_bound(i) seconds, and longer than
 * the bound before it; the last, all that took longer. count is the sum of all buckets. */
#define GCACHE_HISTOGRAM_BUCKETS 23
typedef struct gcache_histogram_s {
  uint64_t count;
  uint64_t sum_ns;
  uint64_t buckets[GCACHE_HISTOGRAM_BUCKETS];
} gcache_histogram_t;

/* In seconds: 1, 2.5 and 5 microseconds, 10, 25, ... to 10 s; HUGE_VAL from
 * GCACHE_HISTOGRAM_BUCKETS - 1 on. */
GCACHE_EXTERN double gcache_histogram_bound(size_t bucket);

/* From gcache_get() to its callback, by where the value came from; those that were cancelled are
 * left out. Of gcache_get_many() the keys that were not in memory.
 * Hits are timed at random, one in 64, and counted as 64: main and hot are estimates, of which
 * gcache_group_stats_t.hits is the exact number. All others are exact. */
typedef struct gcache_latencies_s {
  gcache_histogram_t main, hot, peer, load; /* GCACHE_FROM_*; a fresh value */
  gcache_histogram_t stale;                 /* a value after its expiry, from wherever */
  /* none: not found, failed, timed out; those known to be missing are hits, and timed likewise */
  gcache_histogram_t failed;
} gcache_latencies_t;

typedef struct gcache_cache_stats_s {
  uint64_t bytes; /* as max_bytes counts */
  uint64_t items;
  uint64_t gets, hits;
  uint64_t evictions;   /* left for room */
  uint64_t expirations; /* left because their time had come */
} gcache_cache_stats_t;

/* Why others left: what was ever kept is items + evictions + expirations + removed + replaced. */
typedef struct gcache_causes_s {
  uint64_t removed;  /* by a remove, set or clear, here or ordered by a peer; hot copies, also
                                    when a peer's absence or a list makes them doubtful */
  uint64_t replaced; /* a newer value of the key was kept */
  uint64_t evictions_nonexpired; /* of the evictions: had not expired when time was last looked at,
                                    half a second before at most */
} gcache_causes_t;

typedef struct gcache_group_stats_s {
  uint64_t gets;          /* asked here, by callers and by peers */
  uint64_t hits;          /* answered from main or hot cache */
  uint64_t loads;         /* misses: gets - hits */
  uint64_t loads_deduped; /* flights opened: loads left after sharing */
  uint64_t local_loads;   /* getter runs that gave a value */
  uint64_t local_load_errs;
  uint64_t peer_loads;        /* values fetched from owners */
  uint64_t peer_errors;       /* exchanges that failed: not the getter's word */
  uint64_t server_requests;   /* gets, sets, removes and clears that came from peers */
  uint64_t not_kept;          /* delivered, but memory or a remove forbade keeping */
  uint64_t timeouts, cancels; /* callers who left without an answer */
  uint64_t waiting;           /* callers waiting now */
  uint64_t loading;           /* getters running now */
  uint64_t max_bytes;         /* the limit that holds now; see gcache_group_resize() */
  uint64_t index_bytes;       /* of both: table, room, what is cleared; main + hot + index <= max */
  gcache_cache_stats_t main, hot;
  uint64_t stale;        /* values delivered after their expiry */
  uint64_t refreshes;    /* loads started behind a hit */
  uint64_t absent;       /* of the hits: what was known to be missing */
  uint64_t loads_queued; /* wait for a getter's place now: loads_max */
  uint64_t loads_shed;   /* ended with GCACHE_EBUSY in place of a getter run, refreshes too */
  /* values taken from the owner before this member, in place of a getter run */
  uint64_t handed_over;
  uint64_t given; /* by gcache_leave() to others, and kept there */
  uint64_t taken; /* given by others that leave, and kept */
  /* gets that waited for a load or question already under way: loads avoided */
  uint64_t loads_joined;
  gcache_causes_t main_causes, hot_causes;
  gcache_latencies_t get;
  gcache_histogram_t getter; /* runs, however they ended */
} gcache_group_stats_t;

typedef struct gcache_peer_stats_s {
  const char *url; /* borrowed like gcache_owner()'s */
  uint64_t is_self;
  uint64_t gets, sets, removes, clears; /* exchanges started */
  uint64_t failures;                    /* exchanges without a believable answer */
  uint64_t running;                     /* exchanges under way now */
  int last_error;                       /* status of the latest failure, 0 if none yet */
  int state;                            /* gcache_peer_state_t */
  uint64_t down_ms;                     /* for how long it has not been up now */
  uint64_t opened;                      /* how often it was found to be down */
  uint64_t probes;                      /* pings */
  uint64_t gives;                       /* exchanges started, as the others */
  uint64_t missed;                      /* changes that it is still to be told */
  uint64_t missed_told;                 /* that it was told later */
  /* that are told as the clear of their group, for want of room or memory */
  uint64_t missed_dropped;
  uint64_t hedges;     /* second questions, asked of others because this one was late, */
  uint64_t hedges_won; /* and answered before it was */
  /* From the moment something is asked to the answer, or to the failure: waiting for a connection
   * included, pings and what nobody waited for any more not. */
  gcache_histogram_t exchange;
} gcache_peer_stats_t;

/* Copies of the counters as they stand, zeroed beyond what this library knows. */
#define gcache_group_stats(group, out) gcache_group_stats_size((group), (out), sizeof *(out))
GCACHE_EXTERN void gcache_group_stats_size(const gcache_group_t *group, gcache_group_stats_t *out,
                                           size_t size);
/* All groups that are open, in the order they were opened in: the one behind `after`, the first
 * with NULL; NULL: no more. after must be open; nothing is allocated. */
GCACHE_EXTERN gcache_group_t *gcache_group_next(const gcache_t *cache, const gcache_group_t *after);
/* index: 0 up, in the order given to gcache_set_peers(). UV_ENOENT past the end. */
#define gcache_peer_stats(cache, index, out) \
  gcache_peer_stats_size((cache), (index), (out), sizeof *(out))
GCACHE_EXTERN int gcache_peer_stats_size(const gcache_t *cache, size_t index,
                                         gcache_peer_stats_t *out, size_t size);

typedef struct gcache_stats_s {
  uint64_t groups, peers;
  uint64_t memory_bytes;    /* all that was taken from the allocator and not given back */
  uint64_t connections_in;  /* open now, by listen and adopt */
  uint64_t connections_out; /* open now; 0 with a transport of your own */
  uint64_t refused;         /* incoming connections closed for a limit */
  uint64_t bad_requests;    /* incoming requests refused as malformed or too large */
  uint64_t peers_coming;    /* of a long list not in force yet, see gcache_set_peers(); 0: none */
  int peers_error;  /* why the list given last will not be in force: UV_ENOMEM; 0: it is or will */
  uint64_t retries; /* questions asked again of a next owner */
  uint64_t hot_dropped; /* copies, at the end of being cut off from more than half of the others */
  uint64_t retries_denied; /* loaded here in their place: health.retry_percent */
  /* requests for keys refused by options.access, or for want of a certificate */
  uint64_t forbidden;
  uint64_t in_flight_bytes;    /* see gcache_limits_t.in_flight_max */
  uint64_t requests_in_flight; /* incoming, unanswered */
  uint64_t shed;               /* requests, bodies and answers refused for either limit */
  uint64_t hedges;             /* second questions: health.hedge_percentile, */
  uint64_t hedges_denied;      /* and those that retry_percent forbade */
  uint64_t awaited_names; /* incoming requests that waited until names of peers were looked up */
} gcache_stats_t;
#define gcache_stats(cache, out) gcache_stats_size((cache), (out), sizeof *(out))
GCACHE_EXTERN void gcache_stats_size(const gcache_t *cache, gcache_stats_t *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_STATS_H */
