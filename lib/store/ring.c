/* store/ring - see ring.h. */
#include "store/ring.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "store/crc32.h"
#include "store/fnv.h"
#include "store/md5.h"
#include "store/sort.h"

#define DECIMAL_MAX 10 /* digits of an unsigned */

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

/* Equal points: the peer added last comes first, and is the one kept. */
static int point_before(const void *ctx, const void *left, const void *right) {
  (void)ctx;
  const struct gci_ring_point *a = left, *b = right;
  return a->at != b->at ? a->at < b->at : a->peer > b->peer;
}

static void drop_equal_points(struct gci_ring *ring) {
  size_t kept = 1;
  for (size_t i = 1; i < ring->n_points; i++)
    if (ring->points[i].at != ring->points[kept - 1].at) ring->points[kept++] = ring->points[i];
  ring->n_points = kept;
}

/* text: room for the longest label with its number. */
static void place_points(struct gci_ring *ring, place point_at, unsigned replicas,
                         const struct gci_placed_peer peers[], char *text, size_t text_size) {
  struct gci_ring_point *point = ring->points;
  for (size_t p = 0; p < ring->n_peers; p++) {
    for (unsigned i = 0; i < replicas; i++, point++) {
      int len = snprintf(text, text_size, "%u%s", i, peers[p].label);
      point->at = point_at((gcache_bytes_t){text, (size_t)len});
      point->peer = (uint32_t)p;
    }
  }
  gci_sort(ring->points, ring->n_points, sizeof *ring->points, point_before, NULL);
  drop_equal_points(ring);
}

static size_t longest_label(const struct gci_placed_peer peers[], size_t n) {
  size_t longest = 0;
  for (size_t i = 0; i < n; i++) {
    size_t len = strlen(peers[i].label);
    if (len > longest) longest = len;
  }
  return longest;
}

int gci_ring_init(struct gci_ring *ring, struct gci_mem *mem, gcache_dialect_t kind,
                  unsigned replicas, const struct gci_placed_peer peers[], size_t n) {
  if (replicas == 0) replicas = GCI_RING_REPLICAS;
  if (replicas > SIZE_MAX / sizeof *ring->points / n) return UV_EINVAL;
  size_t text_size = longest_label(peers, n) + DECIMAL_MAX + 1;
  char *text = gci_mem_alloc(mem, text_size);
  if (text == NULL) return UV_ENOMEM;
  ring->mem = mem;
  ring->n_peers = n;
  ring->n_points = ring->n_allocated = n * replicas;
  ring->at = kind == GCACHE_DIALECT_GOLANG ? by_crc : gci_fnv1;
  ring->points = gci_mem_alloc(mem, ring->n_allocated * sizeof *ring->points);
  if (ring->points != NULL)
    place_points(ring, kind == GCACHE_DIALECT_GOLANG ? by_crc : by_fnv_of_md5, replicas, peers,
                 text, text_size);
  gci_mem_free(mem, text, text_size);
  return ring->points == NULL ? UV_ENOMEM : 0;
}

void gci_ring_fini(struct gci_ring *ring) {
  gci_mem_free(ring->mem, ring->points, ring->n_allocated * sizeof *ring->points);
  ring->points = NULL;
}

/* Index of the first point >= at; n_points: there is none. */
static size_t first_point_from(const struct gci_ring *ring, uint64_t at) {
  size_t low = 0, high = ring->n_points;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (ring->points[middle].at < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

size_t gci_ring_owner(const struct gci_ring *ring, gcache_bytes_t key, const unsigned char skip[]) {
  size_t first = first_point_from(ring, ring->at(key));
  for (size_t walked = 0; walked < ring->n_points; walked++) {
    uint32_t peer = ring->points[(first + walked) % ring->n_points].peer;
    if (skip == NULL || !skip[peer]) return peer;
  }
  return ring->n_peers;
}
