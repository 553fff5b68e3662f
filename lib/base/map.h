/* base/map - an intrusive chained hash map from a 64-bit hash to nodes that its user embeds.
 *
 * For small tables: flights, groups, peers. (The cache's own table is store/cache.) Owns only its
 * bucket array. Nodes are never moved or copied. Insert never fails: if the array cannot grow,
 * chains get longer. */
#ifndef GCI_BASE_MAP_H
#define GCI_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct gci_map_node {
  struct gci_map_node *next;
  uint64_t hash; /* strong: the low bits choose the bucket */
};

struct gci_map {
  struct gci_mem *mem;
  struct gci_map_node **buckets; /* NULL until the first insert: `spare` is the one bucket then */
  struct gci_map_node *spare;
  size_t n_buckets; /* a power of two */
  size_t count;
  uint64_t vacated; /* hash removed last: gci_map_any() begins there, so emptying is linear */
};

void gci_map_init(struct gci_map *map, struct gci_mem *mem);
void gci_map_fini(struct gci_map *map); /* must be empty */
/* Makes room for n now: inserts up to that number move nothing. Without memory nothing changes. */
void gci_map_reserve(struct gci_map *map, size_t n);
void gci_map_insert(struct gci_map *map, struct gci_map_node *node, uint64_t hash);
void gci_map_remove(struct gci_map *map, struct gci_map_node *node); /* must be in it */

/* First node with this hash, then the next one after `node` with the same hash; NULL: no more. The
 * caller compares the real key. */
struct gci_map_node *gci_map_first(const struct gci_map *map, uint64_t hash);
struct gci_map_node *gci_map_next(const struct gci_map_node *node);

/* Any node, NULL when empty: for emptying a map. */
struct gci_map_node *gci_map_any(const struct gci_map *map);

#endif
