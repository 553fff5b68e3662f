/* store/rendezvous - see rendezvous.h. */
#include "store/rendezvous.h"

#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "store/sort.h"

#define MASK (GCI_RENDEZVOUS_SLOTS - 1)
#define LAST_DIVIDE \
  UINT32_C(0xb8a2d) /* undoes GCI_RANKS_LAST_MULTIPLY: their product is 1 modulo 2^20 */
#define ID_BITS 54  /* a weight has the other 10 */
#define FEW \
  16 /* of one weight, are asked without branches; 5 where more are asked eight at a time */
#define FEW_BESIDE_RANKS 5
#define ID_MASK ((UINT64_C(1) << ID_BITS) - 1)
#define LABELLED 8000    /* peers a slice */
#define SORTED 150000    /* looked at per slice */
#define FRACTION_BITS 44 /* of a logarithm; its whole part is at most 32 */

enum { LABELLING, SORTING, ENLISTING };

/* Needed until all members are there. */
struct gci_rendezvous_build {
  const struct gci_placed_peer *peers; /* borrowed */
  struct gci_sorted *room;             /* 2 n */
  struct gci_sort sort;
  int step;
  size_t i; /* next peer, or next place among the sorted */
};

/* Bijective; every bit of x changes every bit of the result with a probability near one half. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* ------------------------------------------------------------------------------------ order -- */

static uint32_t rank_of(const struct gci_rendezvous_member *m, uint32_t slot) {
  return gci_rank_of(m->multiply, m->add, slot);
}

uint32_t gci_rendezvous_slot(const struct gci_rendezvous_member *m, uint32_t rank) {
  uint32_t x = gci_ranks_fold((gci_ranks_fold(rank) * LAST_DIVIDE) & MASK);
  x = gci_ranks_fold(((x - m->add[1]) * m->divide[1]) & MASK);
  return ((x - m->add[0]) * m->divide[0]) & MASK;
}

static uint32_t place_of(const struct gci_rendezvous_member *m, uint32_t slot, uint32_t rank) {
  uint32_t x = (uint32_t)m->id ^ (slot * UINT32_C(0x9e3779b1));
  x = (x ^ (x >> 16)) * UINT32_C(0x85ebca6b);
  x = (x ^ (x >> 13)) * UINT32_C(0xc2b2ae35);
  return rank << GCI_RENDEZVOUS_RANK_SHIFT | x >> (32 - GCI_RENDEZVOUS_RANK_SHIFT);
}

struct gci_rendezvous_bid gci_rendezvous_bid(const struct gci_rendezvous_member *m, uint32_t slot) {
  return (struct gci_rendezvous_bid){m, place_of(m, slot, rank_of(m, slot))};
}

/* ------------------------------------------------------------------------------------- time -- */

/* log2(x / 2^63) for 2^63 <= x. One bit a step: square, and see whether the result passes 2. */
static uint64_t log_of(uint64_t x) {
  uint64_t log = 0;
  for (int i = 0; i < FRACTION_BITS; i++) {
    uint64_t high = x >> 32, low = x & UINT32_MAX;
    x = high * high + ((high * low) >> 31);
    log = log << 1 | x >> 63;
    if (x >> 63 == 0) x <<= 1;
  }
  return log;
}

static void fill_logs(struct gci_rendezvous *r) {
  for (uint64_t i = 0; i + 1 < GCI_RENDEZVOUS_LOGS; i++)
    r->logs[i] = log_of((UINT64_C(256) + i) << 55);
  r->logs[GCI_RENDEZVOUS_LOGS - 1] = UINT64_C(1) << FRACTION_BITS;
}

/* -log2(1 - place / 2^32) in units of 2^-44, interpolated between 256 points of each doubling,
 * which is at most 0.2 % off; never falls while the place rises. place < 2^32. */
static uint64_t cost_of(const struct gci_rendezvous *r, uint64_t place) {
  uint64_t left = GCI_RENDEZVOUS_PLACES - place;
  unsigned shift = (unsigned)__builtin_clzll(left);
  uint64_t fraction = left << shift << 1; /* of 2^64, beyond the leading 1 */
  size_t i = fraction >> 56;
  uint64_t beyond = fraction >> 32 & 0xffffff;
  uint64_t log = r->logs[i] + (((r->logs[i + 1] - r->logs[i]) * beyond) >> 24);
  return ((uint64_t)(shift - 31) << FRACTION_BITS) - log;
}

int gci_rendezvous_beats(const struct gci_rendezvous *r, const struct gci_rendezvous_bid *a,
                         const struct gci_rendezvous_bid *b) {
  unsigned ours = a->member->weight, theirs = b->member->weight;
  if (ours == theirs) return a->place != b->place ? a->place < b->place : a->member < b->member;
  uint64_t cost = cost_of(r, a->place) * theirs, other = cost_of(r, b->place) * ours;
  return cost != other ? cost < other : a->member < b->member;
}

uint64_t gci_rendezvous_time(const struct gci_rendezvous *r, const struct gci_rendezvous_bid *bid) {
  return cost_of(r, bid->place) / bid->member->weight + 1;
}

uint64_t gci_rendezvous_reached(const struct gci_rendezvous *r, unsigned weight, uint64_t time) {
  uint64_t cost = time > UINT64_MAX / weight ? UINT64_MAX : time * weight;
  uint64_t low = 0, high = GCI_RENDEZVOUS_PLACES;
  while (low < high) {
    uint64_t middle = (low + high) / 2;
    if (cost_of(r, middle) < cost)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* ---------------------------------------------------------------------------------- members -- */

/* Each step doubles the number of correct low bits; for an odd number 3 are correct at first. */
static uint32_t inverse(uint32_t odd) {
  uint32_t x = odd;
  for (int bits = 3; bits < GCI_RENDEZVOUS_SLOT_BITS; bits *= 2)
    x *= 2 - odd * x;
  return x & MASK;
}

static struct gci_rendezvous_member member_of(uint64_t id, unsigned weight, uint32_t index) {
  uint64_t a = mix(id), b = mix(id + UINT64_C(0x9e3779b97f4a7c15));
  struct gci_rendezvous_member m = {
      .id = id,
      .multiply = {(a & MASK) | 1, (a >> 20 & MASK) | 1},
      .add = {a >> 40 & MASK, b & MASK},
      .index = (uint16_t)index,
      .weight = (uint16_t)weight,
  };
  m.divide[0] = inverse(m.multiply[0]);
  m.divide[1] = inverse(m.multiply[1]);
  return m;
}

/* What members are sorted by. */
static uint64_t sort_key(uint64_t weight, uint64_t id) {
  return weight << ID_BITS | id;
}

int gci_rendezvous_compare(const struct gci_rendezvous_member *a,
                           const struct gci_rendezvous_member *b) {
  uint64_t ours = sort_key(a->weight, a->id), theirs = sort_key(b->weight, b->id);
  return (ours > theirs) - (ours < theirs);
}

static void label_some(struct gci_rendezvous *r) {
  struct gci_rendezvous_build *b = r->build;
  size_t end = r->n - b->i < LABELLED ? r->n : b->i + LABELLED;
  for (; b->i < end; b->i++) {
    const struct gci_placed_peer *peer = &b->peers[b->i];
    gcache_bytes_t label = {peer->label, strlen(peer->label)};
    uint64_t id = gci_hash_shared(label, GCI_RENDEZVOUS_LABEL_SEED) >> (64 - ID_BITS);
    b->room[b->i] = (struct gci_sorted){sort_key(peer->weight, id), (uint32_t)b->i};
    r->weight += peer->weight;
  }
  if (end < r->n) return;
  gci_sort_begin(&b->sort, b->room, b->room + r->n, r->n);
  b->step = SORTING;
}

static void sort_some(struct gci_rendezvous *r) {
  struct gci_rendezvous_build *b = r->build;
  if (gci_sort_some(&b->sort, SORTED)) return;
  b->i = 0;
  b->step = ENLISTING;
}

static void free_build(struct gci_rendezvous *r) {
  struct gci_rendezvous_build *b = r->build;
  if (b == NULL) return;
  gci_mem_free(r->mem, b->room, 2 * r->n * sizeof *b->room);
  gci_mem_free(r->mem, b, sizeof *b);
  r->build = NULL;
}

static void enlist_some(struct gci_rendezvous *r) {
  struct gci_rendezvous_build *b = r->build;
  const struct gci_sorted *sorted = gci_sort_result(&b->sort);
  size_t end = r->n - b->i < LABELLED ? r->n : b->i + LABELLED;
  for (; b->i < end; b->i++) {
    uint64_t key = sorted[b->i].key;
    r->members[b->i] = member_of(key & ID_MASK, (unsigned)(key >> ID_BITS), sorted[b->i].value);
    r->indexes[b->i] = r->members[b->i].index;
    gci_ranks_put(&r->ranks, b->i, r->members[b->i].multiply, r->members[b->i].add);
  }
  if (end == r->n) free_build(r);
}

int gci_rendezvous_work(struct gci_rendezvous *r) {
  static void (*const steps[])(struct gci_rendezvous *) = {label_some, sort_some, enlist_some};
  if (r->build != NULL) steps[r->build->step](r);
  return r->build != NULL;
}

int gci_rendezvous_begin(struct gci_rendezvous *r, struct gci_mem *mem,
                         const struct gci_placed_peer peers[], size_t n) {
  for (size_t i = 0; i < n; i++)
    if (peers[i].weight < 1 || peers[i].weight > GCI_RENDEZVOUS_MAX_WEIGHT) return UV_EINVAL;
  *r = (struct gci_rendezvous){.mem = mem, .n = n};
  r->members = gci_mem_alloc(mem, n * sizeof *r->members);
  r->indexes = gci_mem_alloc(mem, n * sizeof *r->indexes);
  struct gci_rendezvous_build *b = r->build = gci_mem_zalloc(mem, sizeof *b);
  if (b != NULL) b->room = gci_mem_alloc(mem, 2 * n * sizeof *b->room);
  int rc = gci_ranks_init(&r->ranks, mem, n);
  if (r->members == NULL || r->indexes == NULL || b == NULL || b->room == NULL || rc < 0) {
    gci_rendezvous_fini(r);
    return UV_ENOMEM;
  }
  b->peers = peers;
  fill_logs(r);
  return 0;
}

void gci_rendezvous_fini(struct gci_rendezvous *r) {
  free_build(r);
  gci_mem_free(r->mem, r->members, r->n * sizeof *r->members);
  gci_mem_free(r->mem, r->indexes, r->n * sizeof *r->indexes);
  r->members = NULL;
  r->indexes = NULL;
  gci_ranks_fini(&r->ranks);
}

/* ----------------------------------------------------------------------------------- winner -- */

/* One past the last member of the weight that begins at `from`. */
static const struct gci_rendezvous_member *end_of_weight(const struct gci_rendezvous *r,
                                                         const struct gci_rendezvous_member *from) {
  const struct gci_rendezvous_member *end = r->members + r->n;
  if (end[-1].weight == from->weight) return end;
  const struct gci_rendezvous_member *m = from;
  while (m->weight == from->weight)
    m++;
  return m;
}

/* Of equal weights, the lowest place has the slot. Returns the first member at `at` or later that
 * may come before `first`. */
static size_t find_rival(const struct gci_rendezvous *r, size_t at, size_t end, uint32_t slot,
                         uint32_t limit) {
  if (r->ranks.block != NULL) return gci_ranks_at_most(&r->ranks, at, end, slot, limit);
  while (at < end && rank_of(&r->members[at], slot) > limit)
    at++;
  return at;
}

static struct gci_rendezvous_bid first_of(const struct gci_rendezvous *r, size_t from, size_t end,
                                          uint32_t slot, const unsigned char skip[]) {
  struct gci_rendezvous_bid first = {NULL, 0};
  uint32_t limit = GCI_RENDEZVOUS_SLOTS;
  for (size_t i = from; (i = find_rival(r, i, end, slot, limit)) < end; i++) {
    const struct gci_rendezvous_member *m = &r->members[i];
    if (skip != NULL && skip[m->index]) continue;
    struct gci_rendezvous_bid bid = gci_rendezvous_bid(m, slot);
    if (first.member != NULL && bid.place >= first.place) continue;
    first = bid;
    limit = first.place >> GCI_RENDEZVOUS_RANK_SHIFT;
  }
  return first;
}

static size_t lowest_of_few(const struct gci_rendezvous *r, size_t from, size_t end, uint32_t slot,
                            int *tied) {
  uint32_t lowest = GCI_RENDEZVOUS_SLOTS, equal = 0;
  size_t at = from;
  for (size_t i = from; i < end; i++) {
    uint32_t rank = rank_of(&r->members[i], slot);
    uint32_t lower = 0u - (uint32_t)(rank < lowest); /* all bits or none */
    equal = (equal | (uint32_t)(rank == lowest)) & ~lower;
    lowest ^= (lowest ^ rank) & lower;
    at ^= (at ^ i) & (0u - (size_t)(lower & 1));
  }
  *tied = (int)equal;
  return at;
}

/* The same with nobody out. Which rank is the lowest so far is random, and a branch on it costs
 * more than a few ranks: there is none. If two ranks are equal, which is rare, it is all done
 * again. */
static struct gci_rendezvous_bid first_of_all(const struct gci_rendezvous *r, size_t from,
                                              size_t end, uint32_t slot) {
  int tied = 1;
  size_t at = 0;
  int has_ranks = r->ranks.block != NULL;
  if (end - from <= (has_ranks ? FEW_BESIDE_RANKS : FEW))
    at = lowest_of_few(r, from, end, slot, &tied);
  else if (has_ranks)
    at = gci_ranks_lowest(&r->ranks, from, end, slot, &tied);
  if (tied) return first_of(r, from, end, slot, NULL);
  return gci_rendezvous_bid(&r->members[at], slot);
}

struct gci_rendezvous_bid gci_rendezvous_winner(const struct gci_rendezvous *r, uint32_t slot,
                                                const unsigned char skip[]) {
  struct gci_rendezvous_bid winner = {NULL, 0};
  size_t end;
  for (size_t from = 0; from < r->n; from = end) {
    end = (size_t)(end_of_weight(r, &r->members[from]) - r->members);
    struct gci_rendezvous_bid bid = skip == NULL ? first_of_all(r, from, end, slot)
                                                 : first_of(r, from, end, slot, skip);
    if (bid.member == NULL) continue;
    if (winner.member == NULL || gci_rendezvous_beats(r, &bid, &winner)) winner = bid;
  }
  return winner;
}
