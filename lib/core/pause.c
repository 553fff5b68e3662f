/* core/pause - see pause.h. A key is in one of the few cells that its hash names, or in none. */
#include "core/pause.h"

#include <stddef.h>

struct gci_pause {
  uint64_t hash, until_ms;
  uint32_t failures; /* in a row; 0: the cell is free */
};

enum { SETS = 128, CELLS = 4, FIRST_MS = 1000, DOUBLINGS = 3 };

static const size_t table_size = SETS * CELLS * sizeof(struct gci_pause);

void gci_pauses_init(struct gci_pauses *pauses, struct gci_mem *mem) {
  pauses->mem = mem;
  pauses->table = NULL;
}

void gci_pauses_fini(struct gci_pauses *pauses) {
  if (pauses->table != NULL) gci_mem_free(pauses->mem, pauses->table, table_size);
}

static struct gci_pause *cells_of(const struct gci_pauses *pauses, uint64_t hash) {
  return &pauses->table[hash % SETS * CELLS];
}

static struct gci_pause *find(const struct gci_pauses *pauses, uint64_t hash) {
  if (pauses->table == NULL) return NULL;
  struct gci_pause *cells = cells_of(pauses, hash);
  for (int i = 0; i < CELLS; i++)
    if (cells[i].failures > 0 && cells[i].hash == hash) return &cells[i];
  return NULL;
}

/* A free cell, or the one whose pause has been over for longest; NULL: all pause. */
static struct gci_pause *take_cell(struct gci_pauses *pauses, uint64_t hash, uint64_t now_ms) {
  struct gci_pause *cells = cells_of(pauses, hash), *taken = NULL;
  for (int i = 0; i < CELLS; i++) {
    if (cells[i].failures > 0 && cells[i].until_ms > now_ms) continue;
    if (taken == NULL || cells[i].until_ms < taken->until_ms) taken = &cells[i];
  }
  if (taken != NULL) *taken = (struct gci_pause){.hash = hash};
  return taken;
}

static uint64_t length_ms(const struct gci_pause *pause) {
  uint32_t doublings = pause->failures - 1 < DOUBLINGS ? pause->failures - 1 : DOUBLINGS;
  uint64_t half_ms = (uint64_t)FIRST_MS << doublings >> 1;
  uint64_t mixed = (pause->hash ^ pause->failures) * UINT64_C(0x9e3779b97f4a7c15) >> 48;
  return half_ms + (half_ms * mixed >> 16);
}

void gci_pauses_failed(struct gci_pauses *pauses, uint64_t hash, uint64_t now_ms) {
  if (pauses->table == NULL) pauses->table = gci_mem_zalloc(pauses->mem, table_size);
  if (pauses->table == NULL) return;
  struct gci_pause *pause = find(pauses, hash);
  if (pause == NULL) pause = take_cell(pauses, hash, now_ms);
  if (pause == NULL) return;
  if (pause->failures <= DOUBLINGS) pause->failures++;
  pause->until_ms = now_ms + length_ms(pause);
}

void gci_pauses_succeeded(struct gci_pauses *pauses, uint64_t hash) {
  struct gci_pause *pause = find(pauses, hash);
  if (pause != NULL) *pause = (struct gci_pause){0};
}

enum gci_pause_state gci_pauses_state(const struct gci_pauses *pauses, uint64_t hash,
                                      uint64_t now_ms) {
  if (pauses->table == NULL) return GCI_PAUSE_NONE;
  const struct gci_pause *cells = cells_of(pauses, hash);
  int pausing = 0;
  for (int i = 0; i < CELLS; i++) {
    if (cells[i].failures == 0 || cells[i].until_ms <= now_ms) continue;
    if (cells[i].hash == hash) return GCI_PAUSE_OWN;
    pausing++;
  }
  return pausing == CELLS ? GCI_PAUSE_SHARED : GCI_PAUSE_NONE;
}
