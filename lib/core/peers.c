/* core/peers - see peers.h. Owns the list, its slots, the placement and the grave; each peer is one
 * block with its URL behind it. */
#include "core/peers.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/list.h"

#define URL_SEED UINT64_C(0x75726c) /* "url" */

/* ------------------------------------------------------------------------------ one peer ---- */

static size_t peer_size(const char *url) {
  return sizeof(struct gci_peer) + strlen(url) + 1;
}

static struct gci_peer *peer_new(struct gci_mem *mem, const char *url) {
  struct gci_peer *peer = gci_mem_zalloc(mem, peer_size(url));
  if (peer == NULL) return NULL;
  peer->refs = 1;
  peer->mem = mem;
  peer->url = (char *)(peer + 1);
  memcpy(peer->url, url, strlen(url) + 1);
  gci_health_init(&peer->health);
  return peer;
}

struct gci_peer *gci_peer_ref(struct gci_peer *peer) {
  assert(peer->refs > 0);
  peer->refs++;
  return peer;
}

void gci_peer_unref(struct gci_peer *peer) {
  if (peer == NULL) return;
  assert(peer->refs > 0);
  if (--peer->refs > 0) return;
  gci_health_fini(&peer->health);
  gci_mem_free(peer->mem, peer, peer_size(peer->url));
}

void gci_peer_failed(struct gci_peer *peer, int status) {
  peer->stats.failures++;
  peer->stats.last_error = status;
}

/* ------------------------------------------------------------------------------ the list ---- */

/* Without one trailing slash. */
static gcache_bytes_t bare(const char *url) {
  size_t len = strlen(url);
  return gcache_bytes(url, len > 0 && url[len - 1] == '/' ? len - 1 : len);
}

int gci_peers_same_member(const char *a, const char *b) {
  return gci_bytes_equal(bare(a), bare(b));
}

uint64_t gci_peers_hash(const char *url) {
  return gci_hash_shared(bare(url), URL_SEED);
}

static struct gci_peer *find(const struct gci_peers *peers, const char *url, uint64_t hash) {
  struct gci_map_node *node = gci_map_first(&peers->by_url, hash);
  for (; node != NULL; node = gci_map_next(node)) {
    struct gci_peer *peer = gci_container_of(node, struct gci_peer_slot, node)->peer;
    if (gci_peers_same_member(peer->url, url)) return peer;
  }
  return NULL;
}

struct gci_peer *gci_peers_find(const struct gci_peers *peers, const char *url) {
  return find(peers, url, gci_peers_hash(url));
}

int gci_peers_have(const struct gci_peers *peers, const struct gci_peer *peer) {
  const struct gci_peer *found = gci_peers_find(peers, peer->url);
  return found != NULL && strcmp(found->url, peer->url) == 0;
}

void gci_peers_init(struct gci_peers *peers, struct gci_mem *mem, gcache_dialect_t dialect,
                    unsigned replicas) {
  *peers = (struct gci_peers){.mem = mem, .dialect = dialect, .replicas = replicas};
  gci_map_init(&peers->by_url, mem);
}

int gci_peers_reserve(struct gci_peers *peers, size_t n) {
  peers->capacity = n;
  peers->list = gci_mem_alloc(peers->mem, n * sizeof(struct gci_peer *));
  peers->slots = gci_mem_alloc(peers->mem, n * sizeof *peers->slots);
  peers->out = gci_mem_zalloc(peers->mem, n);
  peers->grave = gci_mem_alloc(peers->mem, sizeof *peers->grave);
  if (peers->grave != NULL) gci_link_init(&peers->grave->link);
  gci_map_reserve(&peers->by_url, n);
  if (peers->list == NULL || peers->slots == NULL || peers->out == NULL) return UV_ENOMEM;
  return peers->grave != NULL ? 0 : UV_ENOMEM;
}

struct gci_peer *gci_peers_pop(struct gci_peers *peers) {
  if (peers->n == 0) return NULL;
  gci_map_remove(&peers->by_url, &peers->slots[--peers->n].node);
  return peers->list[peers->n];
}

void gci_peers_fini(struct gci_peers *peers) {
  struct gci_peer *peer;
  while ((peer = gci_peers_pop(peers)) != NULL)
    gci_peer_unref(peer);
  gci_map_fini(&peers->by_url);
  gci_mem_free(peers->mem, peers->slots, peers->capacity * sizeof *peers->slots);
  gci_mem_free(peers->mem, peers->list, peers->capacity * sizeof(struct gci_peer *));
  gci_mem_free(peers->mem, peers->out, peers->capacity);
  gci_mem_free(peers->mem, peers->grave, sizeof *peers->grave);
  gci_placement_close(peers->placement);
  gci_peers_init(peers, peers->mem, peers->dialect, peers->replicas);
}

size_t gci_peers_index(const struct gci_peers *peers, const struct gci_peer *peer) {
  struct gci_map_node *node = gci_map_first(&peers->by_url, gci_peers_hash(peer->url));
  for (; node != NULL; node = gci_map_next(node)) {
    const struct gci_peer_slot *slot = gci_container_of(node, struct gci_peer_slot, node);
    if (slot->peer == peer) return (size_t)(slot - peers->slots);
  }
  return peers->n;
}

static void mark(struct gci_peers *peers, size_t i) {
  const struct gci_peer *peer = peers->list[i];
  unsigned char *was = &peers->out[i], is = 0;
  if (gci_health_is_out(peer)) is = GCI_PEERS_OUT;
  if (gci_health_is_down(peer)) is = GCI_PEERS_DOWN;
  peers->n_out += (is != 0) - (*was != 0);
  peers->n_down += (is == GCI_PEERS_DOWN) - (*was == GCI_PEERS_DOWN);
  *was = is;
}

void gci_peers_mark(struct gci_peers *peers, const struct gci_peer *peer) {
  size_t i = gci_peers_index(peers, peer);
  if (i < peers->n) mark(peers, i);
}

/* A URL that differs by a slash gets a new struct, because its text is handed out. */
int gci_peers_add(struct gci_peers *peers, const struct gci_peers *old, const char *url,
                  uint64_t hash, int is_self) {
  assert(peers->n < peers->capacity);
  struct gci_peer *peer = find(old, url, hash);
  int stays = peer != NULL && strcmp(peer->url, url) == 0 && peer->is_self == is_self;
  peer = stays ? gci_peer_ref(peer) : peer_new(peers->mem, url);
  if (peer == NULL) return UV_ENOMEM;
  if (!stays) peer->listed_ms = peers->came_ms;
  peer->is_self = is_self;
  if (is_self) peers->self = peer;
  struct gci_peer_slot *slot = &peers->slots[peers->n];
  slot->peer = peers->list[peers->n++] = peer;
  gci_map_insert(&peers->by_url, &slot->node, hash);
  mark(peers, peers->n - 1);
  return 0;
}

struct gci_peer *gci_peers_owner(const struct gci_peers *peers, gcache_bytes_t key) {
  if (peers->placement == NULL) return NULL;
  if (peers->n == 1) return peers->list[0];
  return peers->list[gci_placement_owner(peers->placement, key)];
}
