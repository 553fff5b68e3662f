/* base/countdown - one count per obligation; at zero its owner is told, once. Everything here
 * closes this way: refuse, cancel, wait for zero. */
#ifndef GCI_BASE_COUNTDOWN_H
#define GCI_BASE_COUNTDOWN_H

#include <assert.h>
#include <stddef.h>

struct gci_countdown {
  size_t count;
  void (*zero)(struct gci_countdown *c); /* may free the countdown */
};

/* Starts at one: the owner's, given back when it begins to close. */
static inline void gci_countdown_init(struct gci_countdown *c,
                                      void (*zero)(struct gci_countdown *c)) {
  c->count = 1;
  c->zero = zero;
}
static inline void gci_countdown_take(struct gci_countdown *c) {
  assert(c->count > 0);
  c->count++;
}
static inline void gci_countdown_give(struct gci_countdown *c) {
  assert(c->count > 0);
  if (--c->count == 0) c->zero(c);
}

#endif
