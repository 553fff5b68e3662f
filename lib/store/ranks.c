/* store/ranks - see ranks.h. Vectors are passed by address: passing them by value depends on the
 * machine that is compiled for. */
#include "store/ranks.h"

#include <string.h>
#include <uv.h>

enum { WIDTH = 8, ROWS = 4 };

#define MASK (GCI_RANKS_SLOTS - 1)
#define HALF (GCI_RANKS_SLOT_BITS / 2)
#define BEYOND INT32_C(0x40000000) /* more than any rank */

typedef uint32_t vector __attribute__((vector_size(WIDTH * sizeof(uint32_t))));
typedef int32_t whole __attribute__((vector_size(WIDTH * sizeof(int32_t))));

typedef int32_t half __attribute__((vector_size(WIDTH / 2 * sizeof(int32_t))));

static const whole numbers = {0, 1, 2, 3, 4, 5, 6, 7};

/* Eight numbers of 32 bits are one AVX2 register, which not all machines have; SSE2 has half of
 * that and cannot multiply them, and so would gain nothing. */
#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2")))
static int is_wide(void) {
  return __builtin_cpu_supports("avx2") != 0;
}
#else
#define WIDE
static int is_wide(void) {
  return 1;
}
#endif

int gci_ranks_init(struct gci_ranks *l, struct gci_mem *mem, size_t n) {
  size_t row = n + WIDTH;
  *l = (struct gci_ranks){.mem = mem};
  if (!is_wide()) return 0;
  l->size = ROWS * row * sizeof *l->block;
  l->block = gci_mem_zalloc(mem, l->size);
  if (l->block == NULL) return UV_ENOMEM;
  for (size_t i = 0; i < 2; i++) {
    l->multiply[i] = l->block + i * row;
    l->add[i] = l->block + (2 + i) * row;
  }
  return 0;
}

void gci_ranks_fini(struct gci_ranks *l) {
  gci_mem_free(l->mem, l->block, l->size);
  l->block = NULL;
}

void gci_ranks_put(struct gci_ranks *l, size_t member, const uint32_t multiply[2],
                   const uint32_t add[2]) {
  if (l->block == NULL) return;
  for (size_t i = 0; i < 2; i++) {
    l->multiply[i][member] = multiply[i];
    l->add[i][member] = add[i];
  }
}

/* Ranks of the members from `at` on; from `end` on, more than any rank. */
WIDE static inline void ranks_of(const struct gci_ranks *l, size_t at, size_t end, uint32_t slot,
                                 whole *out) {
  vector x, y;
  memcpy(&x, l->multiply[0] + at, sizeof x);
  memcpy(&y, l->add[0] + at, sizeof y);
  x = (x * slot + y) & MASK;
  x ^= x >> HALF;
  memcpy(&y, l->multiply[1] + at, sizeof y);
  x *= y;
  memcpy(&y, l->add[1] + at, sizeof y);
  x = (x + y) & MASK;
  x ^= x >> HALF;
  x = (x * GCI_RANKS_LAST_MULTIPLY) & MASK;
  x ^= x >> HALF;
  *out = (whole)x;
  if (end - at < WIDTH) *out |= (numbers >= (int32_t)(end - at)) & BEYOND;
}

/* The result of each lane: its lowest rank, the member, and all bits if it was found twice. */
struct found {
  whole rank, member, twice;
};

/* Which lane has the lowest is random, so there is no branch. */
WIDE static inline size_t lowest_lane(const struct found *f, int *tied) {
  half rank[2], member[2], twice[2];
  memcpy(rank, &f->rank, sizeof rank);
  memcpy(member, &f->member, sizeof member);
  memcpy(twice, &f->twice, sizeof twice);
  half lower = rank[1] < rank[0];
  twice[0] = (twice[1] & lower) | (twice[0] & ~lower) | (rank[0] == rank[1]);
  rank[0] = (rank[1] & lower) | (rank[0] & ~lower);
  member[0] = (member[1] & lower) | (member[0] & ~lower);
  uint64_t best = UINT64_MAX, second = UINT64_MAX;
  for (int i = 0; i < WIDTH / 2; i++) {
    uint64_t key = (uint64_t)(uint32_t)rank[0][i] << 32 | (uint32_t)(member[0][i] << 1) |
                   (uint32_t)(twice[0][i] & 1);
    uint64_t above = key > best ? key : best;
    best = key < best ? key : best;
    second = above < second ? above : second;
  }
  *tied = (int)(best & 1) | (best >> 32 == second >> 32);
  return (best & UINT32_MAX) >> 1;
}

WIDE size_t gci_ranks_lowest(const struct gci_ranks *l, size_t from, size_t end, uint32_t slot,
                             int *tied) {
  static const whole zero;
  struct found f = {zero + BEYOND, zero, zero};
  for (size_t i = from; i < end; i += WIDTH) {
    whole rank;
    ranks_of(l, i, end, slot, &rank);
    whole lower = rank < f.rank;
    f.twice = (f.twice & ~lower) | (rank == f.rank);
    f.rank = (f.rank & ~lower) | (rank & lower);
    f.member = (f.member & ~lower) | (((int32_t)i + numbers) & lower);
  }
  return lowest_lane(&f, tied);
}

WIDE size_t gci_ranks_at_most(const struct gci_ranks *l, size_t from, size_t end, uint32_t slot,
                              uint32_t limit) {
  for (size_t i = from; i < end; i += WIDTH) {
    whole rank;
    uint64_t any[WIDTH / 2];
    ranks_of(l, i, end, slot, &rank);
    whole found = rank <= (int32_t)limit;
    memcpy(any, &found, sizeof any);
    if ((any[0] | any[1] | any[2] | any[3]) == 0) continue;
    for (int lane = 0; lane < WIDTH; lane++)
      if (found[lane]) return i + (size_t)lane;
  }
  return end;
}
