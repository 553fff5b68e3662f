/* store/ghosts - see ghosts.h. A cell: tag in the upper half, kind in two bits, time in fourteen.
 * 0: free, as no kind is 0. */
#include "store/ghosts.h"

#include <string.h>

enum {
  BUCKET_CELLS = 16,
  PAGE_BUCKETS = 16,
  PAGE_CELLS = BUCKET_CELLS * PAGE_BUCKETS,
  TIME_BITS = 14,
  TIME_MASK = (1 << TIME_BITS) - 1
};

#define PAGE_BYTES (PAGE_CELLS * sizeof(uint32_t))

void gci_ghosts_init(struct gci_ghosts *ghosts, struct gci_mem *mem) {
  memset(ghosts, 0, sizeof *ghosts);
  ghosts->mem = mem;
}

size_t gci_ghosts_room(const struct gci_ghosts *ghosts) {
  return ghosts->n_pages * PAGE_CELLS;
}

/* ---- pages ---- */

static size_t directory_bytes(size_t room) {
  return room * sizeof(uint32_t *);
}

static size_t next_room(const struct gci_ghosts *ghosts) {
  return ghosts->room == 0 ? 1 : 2 * ghosts->room;
}

size_t gci_ghosts_growth(const struct gci_ghosts *ghosts) {
  size_t page = gci_mem_cost(PAGE_BYTES);
  if (ghosts->n_pages < ghosts->room) return page;
  return page + gci_mem_cost(directory_bytes(next_room(ghosts)));
}

static void free_directory(struct gci_ghosts *ghosts) {
  if (ghosts->room == 0) return;
  gci_mem_free(ghosts->mem, ghosts->pages, directory_bytes(ghosts->room));
  ghosts->bytes -= gci_mem_cost(directory_bytes(ghosts->room));
  ghosts->room = 0;
}

/* 0: no memory. */
static int grow_directory(struct gci_ghosts *ghosts) {
  size_t room = next_room(ghosts);
  uint32_t **pages = gci_mem_alloc(ghosts->mem, directory_bytes(room));
  if (pages == NULL) return 0;
  if (ghosts->n_pages > 0) memcpy(pages, ghosts->pages, ghosts->n_pages * sizeof *pages);
  free_directory(ghosts);
  ghosts->pages = pages;
  ghosts->room = room;
  ghosts->bytes += gci_mem_cost(directory_bytes(room));
  return 1;
}

/* The largest 2^k that is at most n. */
static size_t first_bit(size_t n) {
  return (size_t)1 << (63 - __builtin_clzll(n));
}

void gci_ghosts_grow(struct gci_ghosts *ghosts) {
  size_t i = ghosts->n_pages;
  if (i == ghosts->room && !grow_directory(ghosts)) return;
  uint32_t *page = gci_mem_alloc(ghosts->mem, PAGE_BYTES);
  if (page == NULL) return;
  if (i == 0)
    memset(page, 0, PAGE_BYTES);
  else
    memcpy(page, ghosts->pages[i - first_bit(i)], PAGE_BYTES);
  ghosts->pages[i] = page;
  ghosts->n_pages = i + 1;
  ghosts->bytes += gci_mem_cost(PAGE_BYTES);
}

void gci_ghosts_shrink(struct gci_ghosts *ghosts) {
  if (ghosts->n_pages == 0) return;
  gci_mem_free(ghosts->mem, ghosts->pages[--ghosts->n_pages], PAGE_BYTES);
  ghosts->bytes -= gci_mem_cost(PAGE_BYTES);
  if (ghosts->n_pages == 0) free_directory(ghosts);
}

void gci_ghosts_fini(struct gci_ghosts *ghosts) {
  while (ghosts->n_pages > 0)
    gci_ghosts_shrink(ghosts);
  free_directory(ghosts); /* of a first page that was never allocated */
}

/* ---- cells ---- */

/* 64 bits out of 32, so that page, bucket and tag do not all depend on the same few. */
static uint64_t spread(uint32_t hash) {
  return (hash + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
}

static uint32_t *bucket_of(const struct gci_ghosts *ghosts, uint64_t bits) {
  size_t half = first_bit(ghosts->n_pages), page = (bits >> 8) & (2 * half - 1);
  if (page >= ghosts->n_pages) page &= half - 1;
  return ghosts->pages[page] + (bits >> 44) % PAGE_BUCKETS * BUCKET_CELLS;
}

static uint32_t tag_of(uint64_t bits) {
  return (uint32_t)(bits >> 48);
}

static uint32_t kind_of(uint32_t cell) {
  return cell >> TIME_BITS & 3;
}

static uint32_t age_of(const struct gci_ghosts *ghosts, uint32_t cell) {
  return (ghosts->now[kind_of(cell)] - cell) & TIME_MASK;
}

/* Age in thousandths of the cell's window; more than that: it is over. */
static uint32_t spent(const struct gci_ghosts *ghosts, uint32_t cell) {
  uint32_t window = ghosts->windows[kind_of(cell)];
  if (cell == 0 || window == 0) return UINT32_MAX;
  return age_of(ghosts, cell) * 1000 / window;
}

/* Called before time has wrapped once and makes old cells young again. */
static void forget_old(const struct gci_ghosts *ghosts, uint32_t *cells) {
  for (size_t i = 0; i < BUCKET_CELLS; i++)
    if (spent(ghosts, cells[i]) > 1000) cells[i] = 0;
}

void gci_ghosts_remember(struct gci_ghosts *ghosts, uint32_t hash, enum gci_ghost_kind kind) {
  if (ghosts->n_pages == 0) return;
  uint64_t bits = spread(hash);
  uint32_t *cells = bucket_of(ghosts, bits), *worst = cells;
  forget_old(ghosts, cells);
  for (size_t i = 1; i < BUCKET_CELLS; i++)
    if (spent(ghosts, cells[i]) > spent(ghosts, *worst)) worst = &cells[i];
  *worst = tag_of(bits) << 16 | (uint32_t)kind << TIME_BITS | (ghosts->now[kind] & TIME_MASK);
}

enum gci_ghost_kind gci_ghosts_recall(struct gci_ghosts *ghosts, uint32_t hash, uint32_t *age) {
  if (ghosts->n_pages == 0) return GCI_GHOST_NONE;
  uint64_t bits = spread(hash);
  uint32_t *cells = bucket_of(ghosts, bits), tag = tag_of(bits);
  for (size_t i = 0; i < BUCKET_CELLS; i++) {
    uint32_t cell = cells[i];
    if (cell == 0 || cell >> 16 != tag || spent(ghosts, cell) > 1000) continue;
    cells[i] = 0;
    *age = age_of(ghosts, cell);
    return (enum gci_ghost_kind)kind_of(cell);
  }
  return GCI_GHOST_NONE;
}
