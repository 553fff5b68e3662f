/* core/peers - the members of the cluster as this one sees them: list, placement, counters.
 *
 * A peer is counted: calls under way keep it after it has left the list. Replacing the list keeps
 * the struct (and counters) of every URL that stays. Two URLs are the same member when they differ
 * by one trailing slash at most. Fails: gci_peers_build() with UV_ENOMEM, UV_EINVAL or
 * GCACHE_ESELF, and the old list is untouched. */
#ifndef GCI_CORE_PEERS_H
#define GCI_CORE_PEERS_H

#include "base/map.h"
#include "base/mem.h"
#include "gcache/gcache.h"
#include "store/placement.h"

struct gci_peer {
  size_t refs;
  struct gci_mem *mem; /* borrowed from the core, which outlives every call */
  char *url;
  int is_self;
  gcache_peer_stats_t stats; /* url and is_self filled in on reading */
};

/* Finds a peer of the list by its URL. */
struct gci_peer_slot {
  struct gci_map_node node;
  struct gci_peer *peer;
};

struct gci_peers {
  struct gci_mem *mem;
  struct gci_peer **list; /* one reference each */
  size_t n;
  struct gci_peer *self; /* member of list, or NULL */
  gcache_dialect_t dialect;
  unsigned replicas;
  struct gci_placement *placement; /* NULL: no list */
  struct gci_peer_slot *slots;     /* n, in the order of list */
  struct gci_map by_url;
};

struct gci_peer *gci_peer_ref(struct gci_peer *peer);
void gci_peer_unref(struct gci_peer *peer); /* NULL is fine */
void gci_peer_failed(struct gci_peer *peer, int status);

void gci_peers_init(struct gci_peers *peers, struct gci_mem *mem, gcache_dialect_t dialect,
                    unsigned replicas);
void gci_peers_fini(struct gci_peers *peers);

/* Builds in `fresh` (not initialised) what is to replace `old`: placement and struct of every peer,
 * taken over from `old` where the URL stays. self NULL: a client-only member. n may be 0. */
int gci_peers_build(struct gci_peers *fresh, const struct gci_peers *old, const char *self,
                    const char *const urls[], const char *const labels[], const unsigned weights[],
                    size_t n);

/* A slice of what makes owners quick to find, of about a millisecond; nonzero: there is more to do. */
int gci_peers_work(struct gci_peers *peers);

/* Who owns key; NULL: no list. */
struct gci_peer *gci_peers_owner(const struct gci_peers *peers, gcache_bytes_t key);

#endif
