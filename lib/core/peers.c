/* core/peers - see peers.h. Owns the list, its slots and the placement; each peer is one block with
 * its URL behind it. */
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
  if (--peer->refs == 0) gci_mem_free(peer->mem, peer, peer_size(peer->url));
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

static int same_member(const char *a, const char *b) {
  return gci_bytes_equal(bare(a), bare(b));
}

static uint64_t url_hash(const char *url) {
  return gci_hash_shared(bare(url), URL_SEED);
}

static struct gci_peer *find(const struct gci_peers *peers, const char *url) {
  struct gci_map_node *node = gci_map_first(&peers->by_url, url_hash(url));
  for (; node != NULL; node = gci_map_next(node)) {
    struct gci_peer *peer = gci_container_of(node, struct gci_peer_slot, node)->peer;
    if (same_member(peer->url, url)) return peer;
  }
  return NULL;
}

void gci_peers_init(struct gci_peers *peers, struct gci_mem *mem, gcache_dialect_t dialect,
                    unsigned replicas) {
  *peers = (struct gci_peers){.mem = mem, .dialect = dialect, .replicas = replicas};
  gci_map_init(&peers->by_url, mem);
}

/* Only the first n of the arrays' capacity are filled when a build has failed. */
static void take_apart(struct gci_peers *peers, size_t capacity) {
  for (size_t i = 0; i < peers->n; i++) {
    gci_map_remove(&peers->by_url, &peers->slots[i].node);
    gci_peer_unref(peers->list[i]);
  }
  gci_map_fini(&peers->by_url);
  gci_mem_free(peers->mem, peers->slots, capacity * sizeof *peers->slots);
  gci_mem_free(peers->mem, peers->list, capacity * sizeof(struct gci_peer *));
  gci_placement_close(peers->placement);
}

void gci_peers_fini(struct gci_peers *peers) {
  take_apart(peers, peers->n);
  gci_peers_init(peers, peers->mem, peers->dialect, peers->replicas);
}

/* A URL written otherwise, with a slash more, is a new struct: its text is handed out. */
static int add(struct gci_peers *fresh, const struct gci_peers *old, const char *self,
               const char *url) {
  if (find(fresh, url) != NULL) return UV_EINVAL;
  int is_self = self != NULL && same_member(self, url);
  struct gci_peer *peer = find(old, url);
  int stays = peer != NULL && strcmp(peer->url, url) == 0 && peer->is_self == is_self;
  peer = stays ? gci_peer_ref(peer) : peer_new(fresh->mem, url);
  if (peer == NULL) return UV_ENOMEM;
  peer->is_self = is_self;
  if (is_self) fresh->self = peer;
  struct gci_peer_slot *slot = &fresh->slots[fresh->n];
  slot->peer = fresh->list[fresh->n++] = peer;
  gci_map_insert(&fresh->by_url, &slot->node, url_hash(url));
  return 0;
}

static int fill(struct gci_peers *fresh, const struct gci_peers *old, const char *self,
                const char *const urls[], size_t n) {
  fresh->list = gci_mem_zalloc(fresh->mem, n * sizeof(struct gci_peer *));
  fresh->slots = gci_mem_zalloc(fresh->mem, n * sizeof *fresh->slots);
  if (fresh->list == NULL || fresh->slots == NULL) return UV_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    int rc = add(fresh, old, self, urls[i]);
    if (rc < 0) return rc;
  }
  return self != NULL && fresh->self == NULL ? GCACHE_ESELF : 0;
}

static int place(struct gci_peers *fresh, const struct gci_peers *old, const char *const labels[],
                 const unsigned weights[], size_t n) {
  struct gci_placed_peer *placed = gci_mem_alloc(fresh->mem, n * sizeof *placed);
  if (placed == NULL) return UV_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    placed[i] = (struct gci_placed_peer){labels[i], weights == NULL ? 1 : weights[i]};
  }
  int rc = gci_placement_begin(&fresh->placement, fresh->mem, fresh->dialect, fresh->replicas,
                               placed, n, old->placement);
  while (rc == 0 && gci_placement_prepare(fresh->placement)) {
  }
  gci_mem_free(fresh->mem, placed, n * sizeof *placed);
  return rc;
}

int gci_peers_build(struct gci_peers *fresh, const struct gci_peers *old, const char *self,
                    const char *const urls[], const char *const labels[], const unsigned weights[],
                    size_t n) {
  gci_peers_init(fresh, old->mem, old->dialect, old->replicas);
  if (n == 0) return 0;
  if (n > GCI_PLACEMENT_MAX_PEERS) return UV_EINVAL;
  int rc = fill(fresh, old, self, urls, n);
  if (rc == 0) rc = place(fresh, old, labels, weights, n);
  if (rc < 0) take_apart(fresh, n);
  return rc;
}

int gci_peers_work(struct gci_peers *peers) {
  return peers->placement != NULL && gci_placement_work(peers->placement);
}

struct gci_peer *gci_peers_owner(const struct gci_peers *peers, gcache_bytes_t key) {
  if (peers->placement == NULL) return NULL;
  return peers->list[gci_placement_owner(peers->placement, key)];
}
