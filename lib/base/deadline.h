/* base/deadline - a heap of points in monotonic time, earliest first.
 *
 * A deadline (struct gcache_deadline_s, declared in gcache.h because requests embed it) is embedded
 * in its owner. at_ms: when it passes; order: breaks ties; slot: its place in the heap from 1 up, 0
 * when not set; passed: called by gci_env_turn(), when the deadline is no longer set. Equal times
 * fire in the order they were set; moving counts as setting. Setting can fail (the heap array
 * grows); moving and clearing a set deadline cannot. No clock here: now is an argument. */
#ifndef GCI_BASE_DEADLINE_H
#define GCI_BASE_DEADLINE_H

#include <stdint.h>

#include "base/mem.h"

#define GCI_DEADLINE_NEVER UINT64_MAX

struct gci_deadlines {
  struct gci_mem *mem;
  struct gcache_deadline_s **heap;
  size_t n, cap;
  uint64_t next_order;
};

void gci_deadlines_init(struct gci_deadlines *ds, struct gci_mem *mem);
void gci_deadlines_fini(struct gci_deadlines *ds); /* must be empty */

void gci_deadline_init(struct gcache_deadline_s *d, void (*passed)(struct gcache_deadline_s *d));
static inline int gci_deadline_is_set(const struct gcache_deadline_s *d) {
  return d->slot != 0;
}
/* Sets or moves the deadline. GCI_DEADLINE_NEVER clears it. UV_ENOMEM. */
int gci_deadline_set(struct gci_deadlines *ds, struct gcache_deadline_s *d, uint64_t at_ms);
void gci_deadline_clear(struct gci_deadlines *ds,
                        struct gcache_deadline_s *d); /* not set is fine */

/* The earliest, still set; NULL: none. */
struct gcache_deadline_s *gci_deadlines_first(const struct gci_deadlines *ds);
uint64_t gci_deadlines_next(const struct gci_deadlines *ds); /* GCI_DEADLINE_NEVER: none */
/* Removes and returns the earliest with at_ms <= now_ms; NULL: none. */
struct gcache_deadline_s *gci_deadlines_pop(struct gci_deadlines *ds, uint64_t now_ms);

#endif
