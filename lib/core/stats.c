/* core/stats - copies of the counters, in the size the caller was compiled with. */
#include <string.h>
#include <uv.h>

#include "core/group.h"

/* Members that this library does not know are zeroed. */
static void hand_out(void *out, size_t out_size, const void *stats, size_t stats_size) {
  memset(out, 0, out_size);
  memcpy(out, stats, out_size < stats_size ? out_size : stats_size);
}

void gcache_group_stats_size(const gcache_group_t *group, gcache_group_stats_t *out, size_t size) {
  gcache_group_stats_t stats = group->stats;
  stats.loads = stats.gets - stats.hits;
  stats.loads_queued = group->gate.n_waiting;
  stats.max_bytes = gci_cache_max_bytes(group->cache);
  stats.index_bytes = gci_cache_index_bytes(group->cache);
  gci_cache_stats(group->cache, GCI_MAIN, &stats.main);
  gci_cache_stats(group->cache, GCI_HOT, &stats.hot);
  stats.main_causes = *gci_cache_causes(group->cache, GCI_MAIN);
  stats.hot_causes = *gci_cache_causes(group->cache, GCI_HOT);
  hand_out(out, size, &stats, sizeof stats);
}

int gcache_peer_stats_size(const gcache_t *cache, size_t index, gcache_peer_stats_t *out,
                           size_t size) {
  if (index >= cache->peers.n) return UV_ENOENT;
  const struct gci_peer *peer = cache->peers.list[index];
  gcache_peer_stats_t stats = peer->stats;
  stats.url = peer->url;
  stats.is_self = (uint64_t)peer->is_self;
  stats.state = gci_health_state(peer);
  stats.down_ms = gci_health_down_ms(peer);
  stats.missed = gci_missed_count(&peer->missed);
  stats.missed_told = peer->told;
  stats.missed_dropped = peer->missed.dropped;
  hand_out(out, size, &stats, sizeof stats);
  return 0;
}
