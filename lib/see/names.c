/* see/names - see names.h. */
#include "see/names.h"

#define ROW(type, member, metric, label, kind, help) \
  { #member, metric, label, help, offsetof(type, member), kind }
#define NAMES(rows) \
  { (rows), sizeof(rows) / sizeof((rows)[0]) }
#define C GCI_COUNTER
#define G GCI_GAUGE

#define CACHE(member, metric, label, kind, help) \
  ROW(gcache_stats_t, member, metric, label, kind, help)
static const struct gci_name cache_rows[] = {
    CACHE(groups, "gcache_groups", NULL, G, "Open groups."),
    CACHE(peers, "gcache_peers", NULL, G, "Members on the list in force, this one included."),
    CACHE(peers_coming, "gcache_peers_coming", NULL, G,
          "Members on a long list that is not in force yet."),
    CACHE(peers_error, NULL, NULL, GCI_STATUS, NULL),
    CACHE(memory_bytes, "gcache_memory_bytes", NULL, G,
          "Memory taken from the allocator and not given back."),
    CACHE(connections_in, "gcache_connections", "direction=\"in\"", G, "Open connections."),
    CACHE(connections_out, "gcache_connections", "direction=\"out\"", G, NULL),
    CACHE(refused, "gcache_connections_refused_total", NULL, C,
          "Incoming connections closed because of a limit."),
    CACHE(bad_requests, "gcache_requests_bad_total", NULL, C,
          "Incoming requests refused as malformed or too large."),
    CACHE(forbidden, "gcache_requests_forbidden_total", NULL, C,
          "Requests for keys refused by the access options or for want of a certificate."),
    CACHE(shed, "gcache_requests_shed_total", NULL, C,
          "Requests, bodies and responses refused because too much was in flight."),
    CACHE(requests_in_flight, "gcache_requests_in_flight", NULL, G,
          "Incoming requests that are not answered yet."),
    CACHE(in_flight_bytes, "gcache_in_flight_bytes", NULL, G,
          "Memory of data waiting to be sent, and of bodies being received."),
    CACHE(retries, "gcache_retries_total", NULL, C, "Requests repeated at a key's next owner."),
    CACHE(retries_denied, "gcache_retries_denied_total", NULL, C,
          "Loads here in place of a retry, because of health.retry_percent."),
    CACHE(hedges, "gcache_hedges_total", NULL, C,
          "Hedged requests, sent to a key's next owner because its owner was late."),
    CACHE(hedges_denied, "gcache_hedges_denied_total", NULL, C,
          "Hedged requests not sent, because of health.retry_percent."),
    CACHE(awaited_names, "gcache_requests_awaited_names_total", NULL, C,
          "Incoming requests that waited for name look-ups of peers."),
    CACHE(hot_dropped, "gcache_hot_dropped_total", NULL, C,
          "Hot copies dropped at the end of a time without contact to most other members."),
};
const struct gci_names gci_names_cache = NAMES(cache_rows);

#define GROUP(member, metric, label, kind, help) \
  ROW(gcache_group_stats_t, member, metric, label, kind, help)
static const struct gci_name group_rows[] = {
    GROUP(gets, "groupcache_gets_total", NULL, C, "Gets by callers here and by peers."),
    GROUP(hits, "groupcache_hits_total", NULL, C, "Gets answered from the main or the hot cache."),
    GROUP(loads, "groupcache_loads_total", NULL, C, "Gets not answered from memory: gets - hits."),
    GROUP(loads_deduped, "groupcache_loads_deduped_total", NULL, C,
          "Getter runs and requests to owners started: loads that remain after sharing."),
    GROUP(local_loads, "groupcache_local_loads_total", NULL, C, "Getter runs that gave a value."),
    GROUP(local_load_errs, "groupcache_local_load_errs_total", NULL, C,
          "Getter runs that gave no value."),
    GROUP(peer_loads, "groupcache_peer_loads_total", NULL, C, "Values fetched from their owners."),
    GROUP(peer_errors, "groupcache_peer_errors_total", NULL, C, "Requests to owners that failed."),
    GROUP(server_requests, "groupcache_server_requests_total", NULL, C,
          "Gets, sets, removes and clears that came from peers."),
    GROUP(loads_joined, "gcache_loads_joined_total", NULL, C,
          "Loads avoided: gets that joined a load or request already under way."),
    GROUP(not_kept, "gcache_not_kept_total", NULL, C,
          "Values delivered but not kept, because of memory or a remove."),
    GROUP(timeouts, "gcache_gets_ended_total", "cause=\"timeout\"", C,
          "Gets whose caller left without an answer."),
    GROUP(cancels, "gcache_gets_ended_total", "cause=\"cancel\"", C, NULL),
    GROUP(waiting, "gcache_gets_waiting", NULL, G, "Callers waiting now."),
    GROUP(loading, "gcache_loads_running", NULL, G, "Getters running now."),
    GROUP(loads_queued, "gcache_loads_queued", NULL, G, "Loads queued because of loads_max."),
    GROUP(loads_shed, "gcache_loads_shed_total", NULL, C,
          "Loads refused because too many were running or waiting."),
    GROUP(max_bytes, "gcache_max_bytes", NULL, G, "The memory limit in force."),
    GROUP(index_bytes, "gcache_index_bytes", NULL, G,
          "Memory of the index of both caches; main + hot + index is at most the limit."),
    GROUP(stale, "gcache_stale_total", NULL, C, "Values delivered after their expiry."),
    GROUP(refreshes, "gcache_refreshes_total", NULL, C, "Background loads started by a hit."),
    GROUP(absent, "gcache_absent_total", NULL, C, "Hits on keys known to be missing."),
    GROUP(handed_over, "gcache_handed_over_total", NULL, C,
          "Values taken from the previous owner in place of a getter run."),
    GROUP(given, "gcache_given_total", NULL, C,
          "Values given to other members on leaving, and kept there."),
    GROUP(taken, "gcache_taken_total", NULL, C, "Values given by leaving members, and kept here."),
};
const struct gci_names gci_names_group = NAMES(group_rows);

#define SIDE(member, path, metric, label, kind, help) \
  { #member, metric, label, help, offsetof(struct gci_side_stats, path.member), kind }
static const struct gci_name side_rows[] = {
    SIDE(bytes, stats, "groupcache_cache_bytes", NULL, G, "Memory of keys and values."),
    SIDE(items, stats, "groupcache_cache_items", NULL, G, "Keys held."),
    SIDE(gets, stats, "groupcache_cache_gets_total", NULL, C, "Look-ups."),
    SIDE(hits, stats, "groupcache_cache_hits_total", NULL, C,
         "Look-ups that found a usable value."),
    SIDE(evictions, stats, "groupcache_cache_evictions_total", NULL, C,
         "Keys evicted for lack of room."),
    SIDE(evictions_nonexpired, causes, "groupcache_cache_evictions_nonexpired_total", NULL, C,
         "Keys evicted for lack of room that had not expired."),
    SIDE(expirations, stats, "gcache_cache_left_total", "cause=\"expired\"", C,
         "Keys that left for a cause other than lack of room."),
    SIDE(removed, causes, "gcache_cache_left_total", "cause=\"removed\"", C, NULL),
    SIDE(replaced, causes, "gcache_cache_left_total", "cause=\"replaced\"", C, NULL),
};
const struct gci_names gci_names_side = NAMES(side_rows);

#define GET(source, help)                                          \
  {                                                                \
#source, "gcache_get_seconds", "source=\"" #source "\"", help, \
        offsetof(gcache_group_stats_t, get.source), GCI_HISTOGRAM  \
  }
static const struct gci_name get_rows[] = {
    GET(main, "From a get to its callback, by where the value came from; main and hot from one hit "
              "in 64."),
    GET(hot, NULL),
    GET(peer, NULL),
    GET(load, NULL),
    GET(stale, NULL),
    GET(failed, NULL),
};
const struct gci_names gci_names_get = NAMES(get_rows);

static const struct gci_name run_rows[] = {
    GROUP(getter, "gcache_getter_seconds", NULL, GCI_HISTOGRAM, "Getter runs, however they ended."),
};
const struct gci_names gci_names_run = NAMES(run_rows);

#define PEER(member, metric, label, kind, help) \
  ROW(gcache_peer_stats_t, member, metric, label, kind, help)
static const struct gci_name peer_rows[] = {
    PEER(gets, "gcache_peer_exchanges_total", "op=\"get\"", C, "Exchanges started."),
    PEER(sets, "gcache_peer_exchanges_total", "op=\"set\"", C, NULL),
    PEER(removes, "gcache_peer_exchanges_total", "op=\"remove\"", C, NULL),
    PEER(clears, "gcache_peer_exchanges_total", "op=\"clear\"", C, NULL),
    PEER(probes, "gcache_peer_exchanges_total", "op=\"ping\"", C, NULL),
    PEER(gives, "gcache_peer_exchanges_total", "op=\"give\"", C, NULL),
    PEER(failures, "gcache_peer_failures_total", NULL, C, "Exchanges without a valid answer."),
    PEER(running, "gcache_peer_exchanges_running", NULL, G, "Exchanges under way."),
    PEER(last_error, NULL, NULL, GCI_STATUS, NULL),
    PEER(hedges, "gcache_peer_hedges_total", NULL, C,
         "Hedged requests sent to other members because this peer was late."),
    PEER(hedges_won, "gcache_peer_hedges_won_total", NULL, C,
         "Hedged requests answered before this peer answered."),
    PEER(down_ms, "gcache_peer_down_seconds", NULL, GCI_GAUGE_MS,
         "How long the peer has not been up; 0: it is up."),
    PEER(opened, "gcache_peer_downs_total", NULL, C, "Times that the peer was found to be down."),
    PEER(missed, "gcache_peer_missed", NULL, G, "Missed changes still to be sent to the peer."),
    PEER(missed_told, "gcache_peer_missed_told_total", NULL, C,
         "Missed changes sent to the peer later."),
    PEER(missed_dropped, "gcache_peer_missed_dropped_total", NULL, C,
         "Missed changes replaced by a clear of their group."),
};
const struct gci_names gci_names_peer = NAMES(peer_rows);

static const struct gci_name exchange_rows[] = {
    PEER(exchange, "gcache_peer_exchange_seconds", NULL, GCI_HISTOGRAM,
         "From the request to the response or failure, without pings."),
};
const struct gci_names gci_names_exchange = NAMES(exchange_rows);
