/* door/replays - signed changes that have been taken, so that none is taken twice while its time
 * would still be accepted. They are kept in slices of one skew each: three can be live, and the
 * oldest is dropped whole.
 *
 * Owns a table of 8-byte hashes per slice; it grows as it fills. Fails: UV_EEXIST, seen before;
 * GCACHE_EBUSY, as many as allowed are remembered; UV_ENOMEM. A failure remembers nothing. */
#ifndef GCI_DOOR_REPLAYS_H
#define GCI_DOOR_REPLAYS_H

#include "base/hash.h"
#include "base/mem.h"

#define GCI_REPLAY_SLICES 4

struct gci_replay_slice {
  int64_t number; /* time / skew */
  uint64_t *slots;
  size_t n, room; /* room: a power of two, or 0 */
};

struct gci_replays {
  struct gci_mem *mem;
  const struct gci_hash_key *key; /* borrowed */
  int64_t skew_s;
  size_t max, n;
  struct gci_replay_slice slices[GCI_REPLAY_SLICES];
};

void gci_replays_init(struct gci_replays *r, struct gci_mem *mem, const struct gci_hash_key *key,
                      int64_t skew_s, size_t max);
void gci_replays_fini(struct gci_replays *r);

/* time_s: the signed time, no further than skew_s from now_s. bytes: unique to the request. */
int gci_replays_add(struct gci_replays *r, gcache_bytes_t bytes, int64_t time_s, int64_t now_s);

#endif
