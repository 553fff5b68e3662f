/* core/recent - see recent.h. The ring doubles up to its largest size; only then are changes
 * overwritten. A time of more than 49 days ago is taken for a later one, which errs on the safe
 * side. */
#include "core/recent.h"

#define FIRST_ROOM 64

static uint32_t low_half(uint64_t number) {
  return (uint32_t)number;
}

void gci_recent_init(struct gci_recent *recent, struct gci_mem *mem, uint64_t now_ms) {
  *recent = (struct gci_recent){.mem = mem, .forgot_ms = now_ms, .is_whole = 1};
}

void gci_recent_fini(struct gci_recent *recent) {
  gci_mem_free(recent->mem, recent->ring, recent->room * sizeof *recent->ring);
  recent->ring = NULL;
  recent->n = recent->room = 0;
}

/* While there is room, nothing has been overwritten, and the oldest change is the first. */
static void widen(struct gci_recent *recent) {
  size_t room = recent->room == 0 ? FIRST_ROOM : 2 * recent->room;
  size_t size = sizeof *recent->ring;
  if (recent->n < recent->room || recent->room == GCI_RECENT_MAX || recent->oldest > 0) return;
  struct gci_recent_change *ring = gci_mem_resize(recent->mem, recent->ring, recent->room * size,
                                                  room * size);
  if (ring == NULL) return;
  recent->ring = ring;
  recent->room = room;
}

static void forget(struct gci_recent *recent, uint64_t at_ms) {
  if (at_ms > recent->forgot_ms) recent->forgot_ms = at_ms;
  recent->is_whole = 0;
}

void gci_recent_changed(struct gci_recent *recent, uint64_t hash, uint64_t now_ms) {
  struct gci_recent_change change = {low_half(hash), low_half(now_ms)};
  widen(recent);
  if (recent->room == 0) {
    forget(recent, now_ms);
  } else if (recent->n < recent->room) {
    recent->ring[recent->n++] = change;
  } else {
    struct gci_recent_change *oldest = &recent->ring[recent->oldest];
    forget(recent, now_ms - low_half(now_ms - oldest->at_ms));
    *oldest = change;
    recent->oldest = (recent->oldest + 1) % recent->room;
  }
}

void gci_recent_changed_all(struct gci_recent *recent, uint64_t now_ms) {
  forget(recent, now_ms);
}

int gci_recent_has(const struct gci_recent *recent, uint64_t hash) {
  uint32_t wanted = low_half(hash);
  unsigned found = 0;
  for (size_t i = 0; i < recent->n; i++)
    found |= recent->ring[i].hash == wanted;
  return (int)found;
}
