/* base/map - see map.h. Owns the bucket array. A failed allocation is not an error: the old array
 * stays and its chains get longer. */
#include "base/map.h"

#include <assert.h>
#include <string.h>

enum { FIRST_BUCKETS = 8 };

static struct gci_map_node *const *buckets_of(const struct gci_map *map) {
  return map->buckets != NULL ? map->buckets : &map->spare;
}

static struct gci_map_node **bucket_for(struct gci_map *map, uint64_t hash) {
  struct gci_map_node **buckets = map->buckets != NULL ? map->buckets : &map->spare;
  return &buckets[hash & (map->n_buckets - 1)];
}

static void push(struct gci_map_node **bucket, struct gci_map_node *node) {
  node->next = *bucket;
  *bucket = node;
}

static void free_buckets(struct gci_map *map) {
  gci_mem_free(map->mem, map->buckets, map->n_buckets * sizeof *map->buckets);
}

static void widen(struct gci_map *map, size_t n) {
  if (n > SIZE_MAX / 2 / sizeof *map->buckets) return;
  struct gci_map_node **wider = gci_mem_zalloc(map->mem, n * sizeof *wider);
  if (wider == NULL) return;
  for (size_t i = 0; i < map->n_buckets; i++) {
    struct gci_map_node *node = buckets_of(map)[i], *next;
    for (; node != NULL; node = next) {
      next = node->next;
      push(&wider[node->hash & (n - 1)], node);
    }
  }
  free_buckets(map);
  map->buckets = wider;
  map->n_buckets = n;
}

static void grow(struct gci_map *map) {
  widen(map, map->buckets == NULL ? FIRST_BUCKETS : map->n_buckets * 2);
}

void gci_map_reserve(struct gci_map *map, size_t n) {
  size_t wide = FIRST_BUCKETS;
  while (wide < n && wide <= SIZE_MAX / 4)
    wide *= 2;
  if (map->buckets == NULL || wide > map->n_buckets) widen(map, wide);
}

void gci_map_init(struct gci_map *map, struct gci_mem *mem) {
  *map = (struct gci_map){.mem = mem, .n_buckets = 1};
}

void gci_map_fini(struct gci_map *map) {
  assert(map->count == 0);
  free_buckets(map);
  gci_map_init(map, map->mem);
}

void gci_map_insert(struct gci_map *map, struct gci_map_node *node, uint64_t hash) {
  if (map->buckets == NULL || map->count >= map->n_buckets) grow(map);
  node->hash = hash;
  push(bucket_for(map, hash), node);
  map->count++;
}

void gci_map_remove(struct gci_map *map, struct gci_map_node *node) {
  struct gci_map_node **at = bucket_for(map, node->hash);
  while (*at != node) {
    assert(*at != NULL);
    at = &(*at)->next;
  }
  *at = node->next;
  node->next = NULL;
  map->count--;
  map->vacated = node->hash;
}

static struct gci_map_node *same_hash(struct gci_map_node *node, uint64_t hash) {
  while (node != NULL && node->hash != hash) {
    node = node->next;
  }
  return node;
}

struct gci_map_node *gci_map_first(const struct gci_map *map, uint64_t hash) {
  return same_hash(buckets_of(map)[hash & (map->n_buckets - 1)], hash);
}

struct gci_map_node *gci_map_next(const struct gci_map_node *node) {
  return same_hash(node->next, node->hash);
}

struct gci_map_node *gci_map_any(const struct gci_map *map) {
  if (map->count == 0) return NULL;
  size_t mask = map->n_buckets - 1;
  size_t i = map->vacated & mask;
  while (buckets_of(map)[i] == NULL) {
    i = (i + 1) & mask;
  }
  return buckets_of(map)[i];
}
