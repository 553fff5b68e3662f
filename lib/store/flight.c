/* store/flight - see flight.h. Cannot fail. */
#include "store/flight.h"

#include <assert.h>

#include "base/bytes.h"

void gci_flights_init(struct gci_flights *fs, struct gci_mem *mem) {
  gci_map_init(&fs->map, mem);
}

void gci_flights_fini(struct gci_flights *fs) {
  gci_map_fini(&fs->map);
}

static struct gci_flight *flight_of(struct gci_map_node *node) {
  return gci_container_of(node, struct gci_flight, node);
}

struct gci_flight *gci_flights_find(const struct gci_flights *fs, gcache_bytes_t key,
                                    uint64_t hash) {
  struct gci_map_node *node = gci_map_first(&fs->map, hash);
  while (node != NULL && !gci_bytes_equal(flight_of(node)->key, key))
    node = gci_map_next(node);
  return node == NULL ? NULL : flight_of(node);
}

void gci_flights_open(struct gci_flights *fs, struct gci_flight *flight, gcache_bytes_t key,
                      uint64_t hash) {
  flight->key = key;
  gci_list_init(&flight->waiters);
  flight->node.hash = hash;
  gci_flights_attach(fs, flight);
}

void gci_flights_attach(struct gci_flights *fs, struct gci_flight *flight) {
  uint64_t hash = flight->node.hash;
  assert(gci_flights_find(fs, flight->key, hash) == NULL);
  flight->joinable = 1;
  gci_map_insert(&fs->map, &flight->node, hash);
}

void gci_flights_detach(struct gci_flights *fs, struct gci_flight *flight) {
  if (!flight->joinable) return;
  gci_map_remove(&fs->map, &flight->node);
  flight->joinable = 0;
}

void gci_flights_detach_all(struct gci_flights *fs) {
  struct gci_map_node *node;
  while ((node = gci_map_any(&fs->map)) != NULL)
    gci_flights_detach(fs, flight_of(node));
}
