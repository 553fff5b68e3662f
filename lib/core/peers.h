/* core/peers - the members of the cluster as this one sees them: list, placement, counters.
 *
 * Peers are reference-counted: calls under way keep a peer after it has left the list. A list that
 * replaces another keeps the struct (and counters) of every URL that stays. Two URLs are the same
 * member if they differ by at most one trailing slash. core/install makes a list, core/lists puts
 * it in force. Fails: gci_peers_reserve(), gci_peers_add() with UV_ENOMEM. */
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
  gcache_peer_stats_t stats; /* what is counted here; the rest is filled in by the reader */
  struct gci_health health;
  struct gci_missed missed;
  struct gci_latency latency;  /* of gets that it answered; counted with hedging on (core/hedge) */
  uint64_t late_ms;            /* a get that has waited for longer is late; 0: not known */
  struct gcache_link_s tell;   /* core/tell: among the peers that missed anything */
  struct gci_telling *telling; /* NULL: no attempt is under way */
  uint64_t told;               /* missed changes that it has been told */
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
  size_t n_out, n_down;      /* counts in out; a peer that is down is out */
  uint64_t came_ms;          /* listed_ms of new members */
  uint64_t print;            /* hash of all URLs as written, and weights, in any order */
  uint64_t order;            /* of the same, in their order */
  struct gci_retired *grave; /* holds the list when it is replaced, so that replacing cannot fail */
};

/* A list that is no longer in force, until it is freed. */
struct gci_retired {
  struct gcache_link_s link;
  int is_told; /* the transport has been told which of them are gone */
  struct gci_peers peers;
};

struct gci_peer *gci_peer_ref(struct gci_peer *peer);
void gci_peer_unref(struct gci_peer *peer); /* NULL is fine */
void gci_peer_failed(struct gci_peer *peer, int status);

/* Members are found and told apart by this. */
uint64_t gci_peers_hash(const char *url);
int gci_peers_same_member(const char *a, const char *b);

void gci_peers_init(struct gci_peers *peers, struct gci_mem *mem, gcache_dialect_t dialect,
                    unsigned replicas);
void gci_peers_fini(struct gci_peers *peers);

/* Room for n members; there are none yet. */
int gci_peers_reserve(struct gci_peers *peers, size_t n);
/* Adds a member that is not in the list yet: its struct from `old` if its URL stays. */
int gci_peers_add(struct gci_peers *peers, const struct gci_peers *old, const char *url,
                  uint64_t hash, int is_self);
/* The last member and its reference; NULL: none is left. */
struct gci_peer *gci_peers_pop(struct gci_peers *peers);
/* Nonzero: there is a member with exactly the text of peer's URL. */
int gci_peers_have(const struct gci_peers *peers, const struct gci_peer *peer);

/* The member of that URL; NULL: none. */
struct gci_peer *gci_peers_find(const struct gci_peers *peers, const char *url);
/* The index of this very struct in the list; n: it is not in it. */
size_t gci_peers_index(const struct gci_peers *peers, const struct gci_peer *peer);
/* Copies the present state of its health, if the peer is in the list. */
void gci_peers_mark(struct gci_peers *peers, const struct gci_peer *peer);

/* The owner of key, out or not; NULL: no list. */
struct gci_peer *gci_peers_owner(const struct gci_peers *peers, gcache_bytes_t key);

#endif
