/* store/entry - what the cache keeps for a key: a head, the key's bytes behind it, one value.
 *
 * One block. An entry whose value expires has one more link in front of the head, for the timing
 * wheel; the others do not pay for it. Expiry, length and reference count are the value's. */
#ifndef GCI_STORE_ENTRY_H
#define GCI_STORE_ENTRY_H

#include <stdint.h>

#include "base/bytes.h"

#define GCI_ENTRY_MAX_KEY ((size_t)(1 << 24) - 1)

struct gci_entry {
  struct gcache_link_s order; /* the policy's */
  gcache_value_t *value;      /* a reference */
  uint32_t hash;              /* gci_table_place() of the key's */
  uint32_t key_len : 24;
  uint32_t side : 1;  /* enum gci_side */
  uint32_t timed : 1; /* has a timer in front */
  unsigned char key[];
};

_Static_assert(sizeof(struct gci_entry) == 2 * sizeof(struct gcache_link_s), "no padding");

/* Of the block. */
static inline size_t gci_entry_size(size_t key_len, int timed) {
  return sizeof(struct gci_entry) + key_len + (timed ? sizeof(struct gcache_link_s) : 0);
}

static inline gcache_bytes_t gci_entry_key(const struct gci_entry *entry) {
  gcache_bytes_t key = {entry->key, entry->key_len};
  return key;
}

/* Only where timed. */
static inline struct gcache_link_s *gci_entry_timer(struct gci_entry *entry) {
  return (struct gcache_link_s *)(void *)entry - 1;
}

static inline struct gci_entry *gci_entry_of_timer(const struct gcache_link_s *timer) {
  return (struct gci_entry *)(uintptr_t)(timer + 1);
}

#endif
