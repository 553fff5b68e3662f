/* store/ring - see ring.h. */
#include "store/ring.h"

#include <string.h>
#include <uv.h>

#include "store/crc32.h"
#include "store/fnv.h"
#include "store/md5.h"

#define DECIMAL_MAX 10 /* digits of an unsigned */
#define POINTS_MAX ((size_t)INT32_MAX)

/* Where something lies on a ring. */
typedef uint64_t (*place)(gcache_bytes_t bytes);

static uint64_t by_crc(gcache_bytes_t bytes) {
  return gci_crc32(bytes);
}

static uint64_t by_fnv_of_md5(gcache_bytes_t bytes) {
  static const char digits[] = "0123456789abcdef";
  unsigned char digest[GCI_MD5_SIZE];
  char hex[2 * GCI_MD5_SIZE];
  gci_md5(bytes, digest);
  for (size_t i = 0; i < GCI_MD5_SIZE; i++) {
    hex[2 * i] = digits[digest[i] >> 4];
    hex[2 * i + 1] = digits[digest[i] & 15];
  }
  return gci_fnv1((gcache_bytes_t){hex, sizeof hex});
}

/* Those of the peer added last are kept: equal points are in the order in which they were added. */
static void drop_equal_points(struct gci_ring *ring) {
  size_t kept = 0;
  for (size_t i = 0; i < ring->n_points; i++) {
    if (kept > 0 && ring->points[i].key == ring->points[kept - 1].key) kept--;
    ring->points[kept++] = ring->points[i];
  }
  ring->n_points = kept;
}

static size_t write_decimal(char *out, unsigned i) {
  char turned[DECIMAL_MAX];
  size_t n = 0;
  do
    turned[n++] = (char)('0' + i % 10);
  while ((i /= 10) > 0);
  for (size_t k = 0; k < n; k++)
    out[k] = turned[n - 1 - k];
  return n;
}

/* text: room for the longest label with its number. */
static void place_points(struct gci_ring *ring, place point_at, unsigned replicas,
                         const struct gci_placed_peer peers[], char *text) {
  struct gci_sorted *point = ring->points;
  for (size_t p = 0; p < ring->n_peers; p++) {
    size_t label = strlen(peers[p].label);
    for (unsigned i = 0; i < replicas; i++, point++) {
      size_t len = write_decimal(text, i);
      memcpy(text + len, peers[p].label, label);
      point->key = point_at((gcache_bytes_t){text, len + label});
      point->value = (uint32_t)p;
    }
  }
}

/* The place at which each stretch begins is its number, shifted. */
static void note_first_points(struct gci_ring *ring) {
  size_t stretch = 0;
  for (size_t i = 0; i < ring->n_points; i++)
    for (; stretch <= ring->points[i].key >> ring->shift; stretch++)
      ring->first[stretch] = (uint32_t)i;
  for (; stretch < ring->n_first; stretch++)
    ring->first[stretch] = (uint32_t)ring->n_points;
}

static size_t longest_label(const struct gci_placed_peer peers[], size_t n) {
  size_t longest = 0;
  for (size_t i = 0; i < n; i++) {
    size_t len = strlen(peers[i].label);
    if (len > longest) longest = len;
  }
  return longest;
}

static int allocate(struct gci_ring *ring, unsigned place_bits) {
  unsigned bits = 1;
  while (bits < 31 && (size_t)1 << bits < ring->n_allocated)
    bits++;
  ring->shift = place_bits - bits;
  ring->n_first = ((size_t)1 << bits) + 1;
  ring->points = gci_mem_alloc(ring->mem, ring->n_allocated * sizeof *ring->points);
  ring->first = gci_mem_alloc(ring->mem, ring->n_first * sizeof *ring->first);
  if (ring->points != NULL && ring->first != NULL) return 0;
  gci_ring_fini(ring);
  return UV_ENOMEM;
}

static int build(struct gci_ring *ring, place point_at, unsigned replicas,
                 const struct gci_placed_peer peers[]) {
  size_t n = ring->n_allocated, text_size = longest_label(peers, ring->n_peers) + DECIMAL_MAX;
  char *text = gci_mem_alloc(ring->mem, text_size);
  struct gci_sorted *room = gci_mem_alloc(ring->mem, n * sizeof *room);
  int rc = text == NULL || room == NULL ? UV_ENOMEM : 0;
  if (rc == 0) {
    place_points(ring, point_at, replicas, peers, text);
    gci_sort(ring->points, room, n);
    drop_equal_points(ring);
    note_first_points(ring);
  }
  gci_mem_free(ring->mem, room, n * sizeof *room);
  gci_mem_free(ring->mem, text, text_size);
  return rc;
}

int gci_ring_init(struct gci_ring *ring, struct gci_mem *mem, gcache_dialect_t kind,
                  unsigned replicas, const struct gci_placed_peer peers[], size_t n) {
  int golang = kind == GCACHE_DIALECT_GOLANG;
  if (replicas == 0) replicas = GCI_RING_REPLICAS;
  if (replicas > POINTS_MAX / n) return UV_EINVAL;
  *ring = (struct gci_ring){.mem = mem,
                            .n_points = n * replicas,
                            .n_allocated = n * replicas,
                            .n_peers = n,
                            .at = golang ? by_crc : gci_fnv1};
  int rc = allocate(ring, golang ? 32 : 64);
  if (rc < 0) return rc;
  rc = build(ring, golang ? by_crc : by_fnv_of_md5, replicas, peers);
  if (rc < 0) gci_ring_fini(ring);
  return rc;
}

void gci_ring_fini(struct gci_ring *ring) {
  gci_mem_free(ring->mem, ring->points, ring->n_allocated * sizeof *ring->points);
  gci_mem_free(ring->mem, ring->first, ring->n_first * sizeof *ring->first);
  ring->points = NULL;
  ring->first = NULL;
}

/* Index of the first point >= at; n_points: there is none. Within a stretch there are few, unless peers
 * have been chosen so that their points crowd. */
static size_t first_point_from(const struct gci_ring *ring, uint64_t at) {
  size_t stretch = at >> ring->shift;
  size_t low = ring->first[stretch], high = ring->first[stretch + 1];
  while (high - low > 4) {
    size_t middle = low + (high - low) / 2;
    if (ring->points[middle].key < at)
      low = middle + 1;
    else
      high = middle;
  }
  while (low < high && ring->points[low].key < at)
    low++;
  return low;
}

size_t gci_ring_owner(const struct gci_ring *ring, uint64_t from, const unsigned char skip[]) {
  size_t at = first_point_from(ring, from);
  for (size_t walked = 0; walked < ring->n_points; walked++, at++) {
    if (at == ring->n_points) at = 0;
    uint32_t peer = ring->points[at].value;
    if (skip == NULL || !skip[peer]) return peer;
  }
  return ring->n_peers;
}
