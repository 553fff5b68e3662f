/* gcache/stats.h - counters per group, per peer and per cache. Part of <gcache/gcache.h>, whose
 * rules hold. */
#ifndef GCACHE_STATS_H
#define GCACHE_STATS_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A histogram of durations with fixed bounds, as for Prometheus: buckets[i] counts durations up to
 * gcache_histogram_bound(i) seconds and above the bound before it; the last bucket counts all
 * longer ones. count is the sum of all buckets. */
#define GCACHE_HISTOGRAM_BUCKETS 23
typedef struct gcache_histogram_s {
  uint64_t count;
  uint64_t sum_ns;
  uint64_t buckets[GCACHE_HISTOGRAM_BUCKETS];
} gcache_histogram_t;

/* In seconds: 1, 2.5 and 5 microseconds, 10, 25, ... to 10 s; HUGE_VAL from
 * GCACHE_HISTOGRAM_BUCKETS - 1 on. */
GCACHE_EXTERN double gcache_histogram_bound(size_t bucket);

/* From gcache_get() to its callback, by where the value came from; cancelled gets are left out. Of
 * gcache_get_many(), only keys that were not in memory.
 * Hits are sampled at random, one in 64, and counted as 64: main and hot are estimates, for which
 * gcache_group_stats_t.hits is the exact number. All others are exact. */
typedef struct gcache_latencies_s {
  gcache_histogram_t main, hot, peer, load; /* GCACHE_FROM_*; a fresh value */
  gcache_histogram_t stale;                 /* a value after its expiry, from any source */
  /* no value: not found, failed, timed out. Keys known to be missing are hits, and are sampled like
   * them */
  gcache_histogram_t failed;
} gcache_latencies_t;

typedef struct gcache_cache_stats_s {
  uint64_t bytes; /* as max_bytes counts them */
  uint64_t items;
  uint64_t gets, hits;
  uint64_t evictions;   /* evicted for lack of room */
  uint64_t expirations; /* expired */
} gcache_cache_stats_t;

/* Why other items left. All items ever kept: items + evictions + expirations + removed +
 * replaced. */
typedef struct gcache_causes_s {
  /* by a remove, set or clear, made here or by a peer; hot copies also when a peer's absence or a
   * new list makes them doubtful */
  uint64_t removed;
  uint64_t replaced; /* a newer value of the key was kept */
  /* evictions of items that had not expired when the clock was last read, at most half a second
   * before */
  uint64_t evictions_nonexpired;
} gcache_causes_t;

typedef struct gcache_group_stats_s {
  uint64_t gets;          /* gets by callers here and by peers */
  uint64_t hits;          /* answered from main or hot cache */
  uint64_t loads;         /* misses: gets - hits */
  uint64_t loads_deduped; /* flights opened: loads that remain after sharing */
  uint64_t local_loads;   /* getter runs that gave a value */
  uint64_t local_load_errs;
  uint64_t peer_loads;  /* values fetched from owners */
  uint64_t peer_errors; /* failed exchanges; "not found" and "getter failed" answers do not count */
  uint64_t server_requests;   /* gets, sets, removes and clears that came from peers */
  uint64_t not_kept;          /* values delivered but not kept, because of memory or a remove */
  uint64_t timeouts, cancels; /* callers who left without an answer */
  uint64_t waiting;           /* callers waiting now */
  uint64_t loading;           /* getters running now */
  uint64_t max_bytes;         /* the limit in force; see gcache_group_resize() */
  /* of both caches: table, room, what is cleared; main + hot + index <= max */
  uint64_t index_bytes;
  gcache_cache_stats_t main, hot;
  uint64_t stale;        /* values delivered after their expiry */
  uint64_t refreshes;    /* background loads started by a hit */
  uint64_t absent;       /* hits on keys known to be missing */
  uint64_t loads_queued; /* loads queued now because of loads_max */
  /* loads ended with GCACHE_EBUSY in place of a getter run, refreshes included */
  uint64_t loads_shed;
  /* values taken from the previous owner in place of a getter run */
  uint64_t handed_over;
  uint64_t given; /* values given to others by gcache_leave(), and kept there */
  uint64_t taken; /* values given by leaving members, and kept here */
  /* gets that joined a load or request already under way: loads avoided */
  uint64_t loads_joined;
  gcache_causes_t main_causes, hot_causes;
  gcache_latencies_t get;
  gcache_histogram_t getter; /* getter runs, however they ended */
} gcache_group_stats_t;

typedef struct gcache_peer_stats_s {
  const char *url; /* borrowed like gcache_owner()'s */
  uint64_t is_self;
  uint64_t gets, sets, removes, clears; /* exchanges started */
  uint64_t failures;                    /* exchanges without a valid answer */
  uint64_t running;                     /* exchanges under way now */
  int last_error;                       /* status of the latest failure, 0 if none yet */
  int state;                            /* gcache_peer_state_t */
  uint64_t down_ms;                     /* how long it has not been up; 0: it is up */
  uint64_t opened;                      /* how often it was found to be down */
  uint64_t probes;                      /* pings */
  uint64_t gives;                       /* exchanges started, like gets and the others */
  uint64_t missed;                      /* missed changes still to be sent to it */
  uint64_t missed_told;                 /* missed changes sent to it later */
  /* missed changes replaced by a clear of their group, for want of room or memory */
  uint64_t missed_dropped;
  uint64_t hedges;     /* hedged requests sent to others because this peer was late */
  uint64_t hedges_won; /* of these, answered first */
  /* From the request to the response or failure, including the wait for a connection. Pings, and
   * requests that no caller waited for any more, are left out. */
  gcache_histogram_t exchange;
} gcache_peer_stats_t;

/* Copies the counters as they stand, zeroed beyond what this library knows. */
#define gcache_group_stats(group, out) gcache_group_stats_size((group), (out), sizeof *(out))
GCACHE_EXTERN void gcache_group_stats_size(const gcache_group_t *group, gcache_group_stats_t *out,
                                           size_t size);
/* Iterates over the open groups in the order they were opened: returns the group after `after`, the
 * first for NULL; NULL when there is no other. after must be open; nothing is allocated. */
GCACHE_EXTERN gcache_group_t *gcache_group_next(const gcache_t *cache, const gcache_group_t *after);
/* index: from 0, in the order given to gcache_set_peers(). UV_ENOENT past the end. */
#define gcache_peer_stats(cache, index, out) \
  gcache_peer_stats_size((cache), (index), (out), sizeof *(out))
GCACHE_EXTERN int gcache_peer_stats_size(const gcache_t *cache, size_t index,
                                         gcache_peer_stats_t *out, size_t size);

typedef struct gcache_stats_s {
  uint64_t groups, peers;
  uint64_t memory_bytes;    /* everything taken from the allocator and not given back */
  uint64_t connections_in;  /* open now, by listen and adopt */
  uint64_t connections_out; /* open now; 0 with a transport of your own */
  uint64_t refused;         /* incoming connections closed because of a limit */
  uint64_t bad_requests;    /* incoming requests refused as malformed or too large */
  /* URLs in a long list that is not in force yet, see gcache_set_peers(); 0: none */
  uint64_t peers_coming;
  /* why the latest list will not come into force: UV_ENOMEM; 0: it is in force or will be */
  int peers_error;
  uint64_t retries; /* requests repeated at a next owner */
  /* hot copies dropped at the end of a time without contact to more than half of the others */
  uint64_t hot_dropped;
  uint64_t retries_denied; /* loads here in place of a retry, because of health.retry_percent */
  /* requests for keys refused by options.access, or for want of a certificate */
  uint64_t forbidden;
  uint64_t in_flight_bytes;    /* see gcache_limits_t.in_flight_max */
  uint64_t requests_in_flight; /* incoming, unanswered */
  uint64_t shed;               /* requests, bodies and responses refused because of either limit */
  uint64_t hedges;             /* hedged requests: health.hedge_percentile */
  uint64_t hedges_denied;      /* hedged requests that retry_percent forbade */
  uint64_t awaited_names;      /* incoming requests that waited for name look-ups of peers */
} gcache_stats_t;
#define gcache_stats(cache, out) gcache_stats_size((cache), (out), sizeof *(out))
GCACHE_EXTERN void gcache_stats_size(const gcache_t *cache, gcache_stats_t *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_STATS_H */
