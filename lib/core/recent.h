/* core/recent - which keys of a group have been changed here of late: set or removed, by this
 * member or by a peer's order.
 *
 * Whoever was asked to change a key first may be asked for it again before others have changed it.
 * What they have is older than the change then, and not to be taken over (core/handoff,
 * core/leave). The latest GCI_RECENT_MAX changes are known; of those before, when the last of them
 * was. A clear changes every key.
 * Owns a ring, from the first change on, 8 bytes a change. Cannot fail: without memory a change
 * counts as forgotten, which forbids more. */
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
  uint64_t forgot_ms; /* when the last change was that is not in the ring */
  int is_whole;       /* none has been forgotten since this was opened */
};

/* What was before now_ms is not known. */
void gci_recent_init(struct gci_recent *recent, struct gci_mem *mem, uint64_t now_ms);
void gci_recent_fini(struct gci_recent *recent);

void gci_recent_changed(struct gci_recent *recent, uint64_t hash, uint64_t now_ms);
void gci_recent_changed_all(struct gci_recent *recent, uint64_t now_ms);

/* Nonzero: it has been changed. A key for which this is wrong is rare. */
int gci_recent_has(const struct gci_recent *recent, uint64_t hash);
/* Nonzero: every change of that time and later is known, so that gci_recent_has() tells of all of
 * them. */
static inline int gci_recent_knows_since(const struct gci_recent *recent, uint64_t at_ms) {
  return recent->forgot_ms < at_ms;
}

#endif
