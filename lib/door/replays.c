#include "door/replays.h"

#include <uv.h>

#define ROOM_LEAST ((size_t)64)

void gci_replays_init(struct gci_replays *r, struct gci_mem *mem, const struct gci_hash_key *key,
                      int64_t skew_s, size_t max) {
  *r = (struct gci_replays){.mem = mem, .key = key, .skew_s = skew_s, .max = max};
}

static void empty(struct gci_replays *r, struct gci_replay_slice *slice) {
  gci_mem_free(r->mem, slice->slots, slice->room * sizeof *slice->slots);
  r->n -= slice->n;
  *slice = (struct gci_replay_slice){.number = 0};
}

void gci_replays_fini(struct gci_replays *r) {
  for (size_t i = 0; i < GCI_REPLAY_SLICES; i++)
    empty(r, &r->slices[i]);
}

/* Slices whose times are all over. */
static void forget(struct gci_replays *r, int64_t now_s) {
  for (size_t i = 0; i < GCI_REPLAY_SLICES; i++) {
    struct gci_replay_slice *slice = &r->slices[i];
    if (slice->n > 0 && (slice->number + 1) * r->skew_s + r->skew_s <= now_s) empty(r, slice);
  }
}

/* The place where the hash is, or would be. */
static uint64_t *place(const struct gci_replay_slice *slice, uint64_t hash) {
  size_t mask = slice->room - 1, i = hash & mask;

  while (slice->slots[i] != 0 && slice->slots[i] != hash)
    i = (i + 1) & mask;
  return &slice->slots[i];
}

static int grow(struct gci_replays *r, struct gci_replay_slice *slice) {
  struct gci_replay_slice wide = {.number = slice->number, .n = slice->n};

  if (slice->room > 0 && slice->n < slice->room / 2) return 0;
  wide.room = slice->room == 0 ? ROOM_LEAST : slice->room * 2;
  wide.slots = gci_mem_zalloc(r->mem, wide.room * sizeof *wide.slots);
  if (wide.slots == NULL) return UV_ENOMEM;
  for (size_t i = 0; i < slice->room; i++)
    if (slice->slots[i] != 0) *place(&wide, slice->slots[i]) = slice->slots[i];
  gci_mem_free(r->mem, slice->slots, slice->room * sizeof *slice->slots);
  *slice = wide;
  return 0;
}

int gci_replays_add(struct gci_replays *r, gcache_bytes_t bytes, int64_t time_s, int64_t now_s) {
  int64_t number = time_s / r->skew_s;
  struct gci_replay_slice *slice = &r->slices[(uint64_t)number % GCI_REPLAY_SLICES];
  uint64_t hash = gci_hash_keyed(r->key, bytes), *slot;

  if (hash == 0) hash = 1;
  forget(r, now_s);
  /* If the clock was set back, slices that are now in the future stay until their place is
   * needed. */
  if (slice->number != number) empty(r, slice);
  slice->number = number;
  if (slice->room > 0 && *place(slice, hash) == hash) return UV_EEXIST;
  if (r->n >= r->max) return GCACHE_EBUSY;
  if (grow(r, slice) < 0) return UV_ENOMEM;
  slot = place(slice, hash);
  *slot = hash;
  slice->n++;
  r->n++;
  return 0;
}
