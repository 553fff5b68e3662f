/* core/recent - which keys of a group have lately been changed here: set or removed, by this member
 * or by a peer's order.
 *
 * The member that is told of a change first may be asked for the key before others have made the
 * change. What the others have is then older than the change, and must not be taken over
 * (core/handoff, core/leave). The latest GCI_RECENT_MAX changes are known; of earlier ones only the
 * time of the last. A clear changes every key.
 * Owns a ring, from the first change on, 8 bytes a change. Cannot fail: without memory a change
 * counts as forgotten, which errs on the safe side. */
#ifndef GCI_CORE_RECENT_H
#define GCI_CORE_RECENT_H

#include <stdint.h>

#include "base/mem.h"

#define GCI_RECENT_MAX 4096

struct gci_recent_change {
  uint32_t hash, at_ms; /* the low half of both */
};

struct gci_recent {
  struct gci_mem *mem;
  struct gci_recent_change *ring; /* NULL: nothing has been changed yet */
  size_t n, room, oldest;
  uint64_t forgot_ms; /* time of the last change that is not in the ring */
  int is_whole;       /* no change has been forgotten since init */
};

/* Changes before now_ms are not known. */
void gci_recent_init(struct gci_recent *recent, struct gci_mem *mem, uint64_t now_ms);
void gci_recent_fini(struct gci_recent *recent);

void gci_recent_changed(struct gci_recent *recent, uint64_t hash, uint64_t now_ms);
void gci_recent_changed_all(struct gci_recent *recent, uint64_t now_ms);

/* Nonzero: the key has been changed; rarely it is another key with the same hash. */
int gci_recent_has(const struct gci_recent *recent, uint64_t hash);
/* Nonzero: every change since at_ms is known, so gci_recent_has() finds all of them. */
static inline int gci_recent_knows_since(const struct gci_recent *recent, uint64_t at_ms) {
  return recent->forgot_ms < at_ms;
}

#endif
