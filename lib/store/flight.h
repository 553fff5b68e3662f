/* store/flight - single flight: at most one journey per key, shared by all callers that wait for it
 * (P1).
 *
 * A flight is embedded in the maker of the journey. While it is in the table it can be joined. A
 * remove or set *detaches* it: it answers the callers that wait already, can no longer be joined,
 * and its result must not be kept (P2); the next caller opens a new one.
 * Owns nothing: the key's bytes belong to the journey and must outlive the flight. */
#ifndef GCI_STORE_FLIGHT_H
#define GCI_STORE_FLIGHT_H

#include "base/list.h"
#include "base/map.h"

struct gci_flight {
  struct gci_map_node node;
  gcache_bytes_t key;
  struct gci_list waiters;
  int joinable; /* in the table; 0: detached, do not keep the result */
};

struct gci_flights {
  struct gci_map map;
};

void gci_flights_init(struct gci_flights *fs, struct gci_mem *mem);
void gci_flights_fini(struct gci_flights *fs); /* must be empty */

struct gci_flight *gci_flights_find(const struct gci_flights *fs, gcache_bytes_t key,
                                    uint64_t hash);
/* key must not be in the table. */
void gci_flights_open(struct gci_flights *fs, struct gci_flight *flight, gcache_bytes_t key,
                      uint64_t hash);
void gci_flights_detach(struct gci_flights *fs, struct gci_flight *flight); /* detached is fine */
void gci_flights_detach_all(struct gci_flights *fs);
/* Puts a flight that was detached before its journey began back into the table, with its waiters.
 * Its key must not be in the table. */
void gci_flights_attach(struct gci_flights *fs, struct gci_flight *flight);

#endif
