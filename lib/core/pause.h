/* core/pause - keys that are not asked for again yet: their last load failed, and memory has an old
 * value.
 *
 * The first pause is a second; each further failure in a row doubles it, up to eight seconds. Up to
 * half is taken off, by an amount that depends on key, member and failure. A new value ends the
 * pause.
 * Owns a table of 512 keys, from the first failure on; if more keys fail than that, the later ones
 * are not told apart. Without memory for it nothing pauses. Cannot fail. */
#ifndef GCI_CORE_PAUSE_H
#define GCI_CORE_PAUSE_H

#include <stdint.h>

#include "base/mem.h"

struct gci_pause; /* of one key */

struct gci_pauses {
  struct gci_mem *mem;
  struct gci_pause *table; /* NULL: nothing has failed yet */
};

void gci_pauses_init(struct gci_pauses *pauses, struct gci_mem *mem);
void gci_pauses_fini(struct gci_pauses *pauses);

/* hash: the key's. Times are of the monotonic clock. */
void gci_pauses_failed(struct gci_pauses *pauses, uint64_t hash, uint64_t now_ms);
void gci_pauses_succeeded(struct gci_pauses *pauses, uint64_t hash);

enum gci_pause_state {
  GCI_PAUSE_NONE,
  GCI_PAUSE_SHARED, /* so many other keys pause that it is not known whether this one does */
  GCI_PAUSE_OWN
};
enum gci_pause_state gci_pauses_state(const struct gci_pauses *pauses, uint64_t hash,
                                      uint64_t now_ms);

#endif
