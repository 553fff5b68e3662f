/* core/peers - the members of the cluster as this one sees them: list, placement, counters.
 *
 * A peer is counted: calls under way keep it after it has left the list. Replacing the list keeps the
 * struct (and counters) of every URL that stays. */
#ifndef GCI_CORE_PEERS_H
#define GCI_CORE_PEERS_H

#include "base/mem.h"
#include "gcache/gcache.h"
#include "store/placement.h"

struct gci_peer {
  size_t refs;
  char *url;
  int is_self;
  gcache_peer_stats_t stats; /* url and is_self filled in on reading */
};

struct gci_peers {
  struct gci_mem *mem;
  struct gci_peer **list;
  size_t n;
  struct gci_peer *self; /* member of list, or NULL */
  gcache_place_t place;
  unsigned replicas;
  struct gci_placement *placement; /* NULL: no list */
};

#endif
