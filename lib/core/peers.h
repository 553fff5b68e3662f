/* core/peers - the members of the cluster as this one sees them: list, placement, counters.
 *
 * A peer is counted: calls under way keep it after it has left the list. A list that replaces another
 * keeps the struct (and counters) of every URL that stays. Two URLs are the same member when they
 * differ by one trailing slash at most. core/install makes a list, core/lists puts it in force.
 * Fails: gci_peers_reserve(), gci_peers_add() with UV_ENOMEM. */
#ifndef GCI_CORE_PEERS_H
#define GCI_CORE_PEERS_H

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/health.h"
#include "core/latency.h"
#include "core/missed.h"
#include "gcache/gcache.h"
#include "store/placement.h"

struct gci_telling;

struct gci_peer {
  size_t refs;
  struct gci_mem *mem; /* borrowed from the core, which outlives every call */
  char *url;
  int is_self;
  int knows_self;     /* it has refused to hand anything over: this member is not new to it */
  uint64_t listed_ms; /* when its URL came to the list; 0: it was in the first */
  gcache_peer_stats_t stats; /* what is counted; the rest is filled in on reading */
  struct gci_health health;
  struct gci_missed missed;
  struct gci_latency latency;  /* of gets that it answered; counted with hedging on (core/hedge) */
  uint64_t late_ms;            /* a get that has waited for longer is late; 0: not known */
  struct gcache_link_s tell;   /* core/tell: of those that missed anything */
  struct gci_telling *telling; /* NULL: no attempt is under way */
  uint64_t told;               /* changes that it missed and was told */
};

/* Finds a peer of the list by its URL. */
struct gci_peer_slot {
  struct gci_map_node node;
  struct gci_peer *peer;
};

struct gci_retired;

enum { GCI_PEERS_OUT = 1, GCI_PEERS_DOWN };

struct gci_peers {
  struct gci_mem *mem;
  struct gci_peer **list; /* one reference each */
  size_t n;
  size_t capacity;
  struct gci_peer *self; /* member of list, or NULL */
  gcache_dialect_t dialect;
  unsigned replicas;
  struct gci_placement *placement; /* NULL: no list */
  struct gci_peer_slot *slots;     /* in the order of list */
  struct gci_map by_url;
  unsigned char *out;        /* in the order of list: GCI_PEERS_OUT, GCI_PEERS_DOWN, or 0 */
  size_t n_out, n_down;      /* of them; what is down is out */
  uint64_t came_ms;          /* listed_ms of those that come */
  uint64_t print;            /* of all members and weights, whatever their order */
  uint64_t order;            /* of the same, in their order */
  struct gci_retired *grave; /* where it goes when it is replaced: to replace it cannot fail */
};

/* A list that is not in force any more, until it is taken apart. */
struct gci_retired {
  struct gcache_link_s link;
  int is_told; /* the transport has been told who of them is gone */
  struct gci_peers peers;
};

struct gci_peer *gci_peer_ref(struct gci_peer *peer);
void gci_peer_unref(struct gci_peer *peer); /* NULL is fine */
void gci_peer_failed(struct gci_peer *peer, int status);

/* By which members are found and told apart. */
uint64_t gci_peers_hash(const char *url);
int gci_peers_same_member(const char *a, const char *b);

void gci_peers_init(struct gci_peers *peers, struct gci_mem *mem, gcache_dialect_t dialect,
                    unsigned replicas);
void gci_peers_fini(struct gci_peers *peers);

/* Room for n members, of which there are none yet. */
int gci_peers_reserve(struct gci_peers *peers, size_t n);
/* One member more, that is not in it yet: its struct from `old` where the URL stays. */
int gci_peers_add(struct gci_peers *peers, const struct gci_peers *old, const char *url,
                  uint64_t hash, int is_self);
/* The last member and its reference; NULL: none is left. */
struct gci_peer *gci_peers_pop(struct gci_peers *peers);
/* Nonzero: there is a member with the very text of peer's URL. */
int gci_peers_have(const struct gci_peers *peers, const struct gci_peer *peer);

/* The member of that URL; NULL: none. */
struct gci_peer *gci_peers_find(const struct gci_peers *peers, const char *url);
/* Where in the list this very struct is; n: nowhere. */
size_t gci_peers_index(const struct gci_peers *peers, const struct gci_peer *peer);
/* What its health says now, where it is in the list. */
void gci_peers_mark(struct gci_peers *peers, const struct gci_peer *peer);

/* Who owns key, out or not; NULL: no list. */
struct gci_peer *gci_peers_owner(const struct gci_peers *peers, gcache_bytes_t key);

#endif
