/* store/entry - the cache's record of a key: a head, the key's bytes behind it, one value.
 *
 * One block. A short value lodges in it, behind the key (base/value); a long one stays where it is
 * and is referenced. Parts that only some entries have stand in front of the head, where other
 * entries do not pay for them:
 *
 *   16 bytes   windows, of a short value that has its own
 *   16 bytes   timer, of an entry whose value expires
 *    8 bytes   the time of its expiry, or the address of a long value
 *   head       32 bytes
 *   key, then the bytes of a short value
 *
 * Fails: new, with NULL. */
#ifndef GCI_STORE_ENTRY_H
#define GCI_STORE_ENTRY_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/value.h"

#define GCI_ENTRY_MAX_KEY ((size_t)(1 << 23) - 1)

struct gci_entry {
  struct gcache_link_s order; /* the policy's: 16 bytes for its own use */
  struct gcache_value_s head; /* of a short value; of a long one only its `timed` is used */
  uint32_t hash;              /* gci_table_place() of the key's hash */
  union {
    struct {
      uint32_t key_len : 23;
      uint32_t plain : 1;  /* its value lodges, and does not expire */
      uint32_t mark : 5;   /* the policy's too */
      uint32_t side : 1;   /* enum gci_side */
      uint32_t absent : 1; /* "not found": the value is the reason, and its expiry the end of
                            * that */
      uint32_t asked : 1;  /* not to be refreshed ahead, or not again */
    };
    uint32_t bits; /* all of these */
  };
  unsigned char key[];
};

_Static_assert(sizeof(struct gci_entry) == 32, "no padding");
_Static_assert(offsetof(struct gci_entry, head) == GCI_LODGE_BEFORE, "as a lodged value needs it");

/* In front of the head: a long value's address, or a short value's expiry. */
struct gci_entry_front {
  struct gcache_link_s timer;
  union {
    int64_t expire_unix_ns; /* base/value's */
    gcache_value_t *value;
  };
};

_Static_assert(sizeof(struct gci_entry_front) == GCI_LODGE_BEFORE_TIMED, "no padding");

/* Copies the value into the entry, or takes a reference to it. The caller sets policy, side and
 * hash. key.len <= GCI_ENTRY_MAX_KEY. */
struct gci_entry *gci_entry_new(struct gci_mem *mem, gcache_bytes_t key, gcache_value_t *value);
/* A value that is still in use outlives the entry. A long value's free_cb may run. */
void gci_entry_free(struct gci_mem *mem, struct gci_entry *entry);

/* By gci_mem_cost(): of an entry that gci_entry_new() would make, and of one that it made;
 * including the value's bytes elsewhere. */
size_t gci_entry_cost_of(gcache_bytes_t key, const gcache_value_t *value);
size_t gci_entry_cost(const struct gci_entry *entry);

static inline gcache_bytes_t gci_entry_key(const struct gci_entry *entry) {
  gcache_bytes_t key = {entry->key, entry->key_len};
  return key;
}

/* Only members that the entry has. */
static inline struct gci_entry_front *gci_entry_front(const struct gci_entry *entry) {
  return (struct gci_entry_front *)(uintptr_t)entry - 1;
}

/* Borrowed from the entry. */
static inline gcache_value_t *gci_entry_value(struct gci_entry *entry) {
  return gci_value_lodges(&entry->head) ? &entry->head : gci_entry_front(entry)->value;
}

static inline int gci_entry_is_timed(const struct gci_entry *entry) {
  return entry->head.timed;
}

/* Only where timed. */
static inline struct gcache_link_s *gci_entry_timer(const struct gci_entry *entry) {
  return &gci_entry_front(entry)->timer;
}

static inline struct gci_entry *gci_entry_of_timer(const struct gcache_link_s *timer) {
  return (struct gci_entry *)((uintptr_t)timer + sizeof(struct gci_entry_front));
}

#endif
