/* store/ring - see ring.h. */
#include "store/ring.h"

#include <string.h>
#include <uv.h>

#include "store/crc32.h"
#include "store/fnv.h"
#include "store/md5.h"

#define DECIMAL_MAX 10 /* digits of an unsigned */
#define POINTS_MAX ((size_t)INT32_MAX)

#define PLACED 4000   /* points a slice */
#define SORTED 150000 /* points looked at a slice */

enum { PLACING, SORTING, DROPPING, NOTING, CLEARING_UP };

/* Needed until the ring is built. */
struct gci_ring_build {
  const struct gci_placed_peer *peers; /* borrowed */
  unsigned replicas;
  uint64_t (*point_at)(gcache_bytes_t label);
  char *text; /* the longest label with its number */
  size_t text_size;
  struct gci_sorted *room;
  struct gci_sort sort;
  int step;
  size_t i; /* the next point */
  size_t kept, stretch;
};

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

/* ----------------------------------------------------------------------------------- slices -- */

static void place_some(struct gci_ring *ring) {
  struct gci_ring_build *w = ring->build;
  size_t end = ring->n_points - w->i < PLACED ? ring->n_points : w->i + PLACED;
  for (; w->i < end; w->i++) {
    size_t peer = w->i / w->replicas;
    const char *label = w->peers[peer].label;
    size_t number = write_decimal(w->text, (unsigned)(w->i % w->replicas)), len = strlen(label);
    memcpy(w->text + number, label, len);
    ring->points[w->i].key = w->point_at((gcache_bytes_t){w->text, number + len});
    ring->points[w->i].value = (uint32_t)peer;
  }
  if (end < ring->n_points) return;
  gci_sort_begin(&w->sort, ring->points, w->room, ring->n_points);
  w->i = 0;
  w->step = SORTING;
}

static void sort_some(struct gci_ring *ring) {
  struct gci_ring_build *w = ring->build;
  if (gci_sort_some(&w->sort, SORTED)) return;
  if (gci_sort_result(&w->sort) != ring->points) {
    w->room = ring->points;
    ring->points = gci_sort_result(&w->sort);
  }
  w->step = DROPPING;
}

/* Keeps the point of the peer added last: equal points are in the order in which they were
 * added. */
static void drop_some_equal(struct gci_ring *ring) {
  struct gci_ring_build *w = ring->build;
  size_t end = ring->n_points - w->i < SORTED ? ring->n_points : w->i + SORTED;
  size_t kept = w->kept;
  for (; w->i < end; w->i++) {
    if (kept > 0 && ring->points[w->i].key == ring->points[kept - 1].key) kept--;
    ring->points[kept++] = ring->points[w->i];
  }
  w->kept = kept;
  if (end < ring->n_points) return;
  ring->n_points = kept;
  w->i = 0;
  w->step = NOTING;
}

static void free_build(struct gci_ring *ring) {
  struct gci_ring_build *w = ring->build;
  if (w == NULL) return;
  gci_mem_free(ring->mem, w->room, ring->n_allocated * sizeof *w->room);
  gci_mem_free(ring->mem, w->text, w->text_size);
  gci_mem_free(ring->mem, w, sizeof *w);
  ring->build = NULL;
}

/* The place at which a stretch begins is its number, shifted. */
static void note_some_first(struct gci_ring *ring) {
  struct gci_ring_build *w = ring->build;
  size_t end = ring->n_points - w->i < SORTED ? ring->n_points : w->i + SORTED;
  size_t stretch = w->stretch;
  for (; w->i < end; w->i++)
    for (; stretch <= ring->points[w->i].key >> ring->shift; stretch++)
      ring->first[stretch] = (uint32_t)w->i;
  w->stretch = stretch;
  if (end < ring->n_points) return;
  for (; stretch < ring->n_first; stretch++)
    ring->first[stretch] = (uint32_t)ring->n_points;
  w->step = CLEARING_UP;
}

int gci_ring_work(struct gci_ring *ring) {
  static void (*const steps[])(struct gci_ring *) = {place_some, sort_some, drop_some_equal,
                                                     note_some_first, free_build};
  if (ring->build != NULL) steps[ring->build->step](ring);
  return ring->build != NULL;
}

/* ------------------------------------------------------------------------------------ begin -- */

static size_t longest_label(const struct gci_placed_peer peers[], size_t n) {
  size_t longest = 0;
  for (size_t i = 0; i < n; i++) {
    size_t len = strlen(peers[i].label);
    if (len > longest) longest = len;
  }
  return longest;
}

static int allocate(struct gci_ring *ring, unsigned place_bits, size_t text_size) {
  unsigned bits = 1;
  while (bits < 31 && (size_t)1 << bits < ring->n_allocated)
    bits++;
  ring->shift = place_bits - bits;
  ring->n_first = ((size_t)1 << bits) + 1;
  struct gci_ring_build *w = ring->build = gci_mem_zalloc(ring->mem, sizeof *w);
  ring->points = gci_mem_alloc(ring->mem, ring->n_allocated * sizeof *ring->points);
  ring->first = gci_mem_alloc(ring->mem, ring->n_first * sizeof *ring->first);
  if (w != NULL) {
    w->text_size = text_size;
    w->text = gci_mem_alloc(ring->mem, text_size);
    w->room = gci_mem_alloc(ring->mem, ring->n_allocated * sizeof *w->room);
    if (ring->points != NULL && ring->first != NULL && w->text != NULL && w->room != NULL) return 0;
  }
  gci_ring_fini(ring);
  return UV_ENOMEM;
}

int gci_ring_begin(struct gci_ring *ring, struct gci_mem *mem, gcache_dialect_t kind,
                   unsigned replicas, const struct gci_placed_peer peers[], size_t n) {
  int golang = kind == GCACHE_DIALECT_GOLANG;
  if (replicas == 0) replicas = GCI_RING_REPLICAS;
  if (replicas > POINTS_MAX / n) return UV_EINVAL;
  *ring = (struct gci_ring){.mem = mem,
                            .n_points = n * replicas,
                            .n_allocated = n * replicas,
                            .n_peers = n,
                            .at = golang ? by_crc : gci_fnv1};
  int rc = allocate(ring, golang ? 32 : 64, longest_label(peers, n) + DECIMAL_MAX);
  if (rc < 0) return rc;
  ring->build->peers = peers;
  ring->build->replicas = replicas;
  ring->build->point_at = golang ? by_crc : by_fnv_of_md5;
  return 0;
}

void gci_ring_fini(struct gci_ring *ring) {
  free_build(ring);
  gci_mem_free(ring->mem, ring->points, ring->n_allocated * sizeof *ring->points);
  gci_mem_free(ring->mem, ring->first, ring->n_first * sizeof *ring->first);
  ring->points = NULL;
  ring->first = NULL;
}

/* Index of the first point >= at; n_points: there is none. A stretch has few points, unless peers
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
