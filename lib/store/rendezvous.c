/* store/rendezvous - see rendezvous.h. */
#include "store/rendezvous.h"

#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "store/sort.h"

#define FRACTION_BITS 48 /* of a logarithm; its whole part is below 2^7, a weight below 2^10 */

/* The best of one weight so far. */
struct bid {
  const struct gci_rendezvous_member *member; /* NULL: none yet */
  uint64_t hash;
  uint64_t cost; /* -log2(hash / 2^64), fixed point; 0: not computed, a real one never is */
};

/* Bijective, every bit of x moves every bit of the result with a probability near one half. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static int by_weight_and_label(const void *ctx, const void *left, const void *right) {
  const struct gci_placed_peer *peers = ctx;
  const struct gci_rendezvous_member *a = left, *b = right;
  if (a->weight != b->weight) return a->weight < b->weight;
  return strcmp(peers[a->index].label, peers[b->index].label) < 0;
}

int gci_rendezvous_init(struct gci_rendezvous *r, struct gci_mem *mem,
                        const struct gci_placed_peer peers[], size_t n) {
  for (size_t i = 0; i < n; i++)
    if (peers[i].weight < 1 || peers[i].weight > GCI_RENDEZVOUS_MAX_WEIGHT) return UV_EINVAL;
  r->members = gci_mem_alloc(mem, n * sizeof *r->members);
  if (r->members == NULL) return UV_ENOMEM;
  r->mem = mem;
  r->n = n;
  for (size_t i = 0; i < n; i++) {
    gcache_bytes_t label = {peers[i].label, strlen(peers[i].label)};
    r->members[i].hash = gci_hash_shared(label, GCI_RENDEZVOUS_LABEL_SEED);
    r->members[i].index = (uint16_t)i;
    r->members[i].weight = (uint16_t)peers[i].weight;
  }
  gci_sort(r->members, n, sizeof *r->members, by_weight_and_label, peers);
  return 0;
}

void gci_rendezvous_fini(struct gci_rendezvous *r) {
  gci_mem_free(r->mem, r->members, r->n * sizeof *r->members);
  r->members = NULL;
}

/* x * x / 2^64, less than 1 too low (the square of the low half is left out), and never falling while x
 * rises. */
static uint64_t square_high(uint64_t x) {
  uint64_t high = x >> 32, low = x & UINT32_MAX;
  return high * high + ((high * low) >> 31);
}

/* -log2(hash / 2^64) in units of 2^-48, at least 1 and at most 2^54; never rises while hash rises. One
 * bit of the logarithm a step: square, and see whether that passes 2. */
static uint64_t cost_of(uint64_t hash) {
  int shift = __builtin_clzll(hash | 1);
  uint64_t x = (hash | (hash == 0)) << shift; /* 1 <= x / 2^63 < 2 */
  uint64_t log = (uint64_t)(63 - shift);
  for (int i = 0; i < FRACTION_BITS; i++) {
    x = square_high(x);
    log = log << 1 | x >> 63;
    if (x >> 63 == 0) x <<= 1;
  }
  return (UINT64_C(64) << FRACTION_BITS) - log;
}

/* Nonzero if a is the higher bid: cost / weight is lower. The weights differ, so equal quotients mean
 * different costs and thus different hashes. */
static int outbids(struct bid *a, struct bid *b) {
  if (a->cost == 0) a->cost = cost_of(a->hash);
  if (b->cost == 0) b->cost = cost_of(b->hash);
  uint64_t ours = a->cost * b->member->weight, theirs = b->cost * a->member->weight;
  return ours != theirs ? ours < theirs : a->hash > b->hash;
}

/* The best bid among the members of one weight, which begin at *from; *from is moved past them. With
 * the weight equal, the highest hash is the highest bid and no logarithm is needed. */
static struct bid best_of_weight(const struct gci_rendezvous *r, size_t *from, uint64_t spread,
                                 const unsigned char skip[]) {
  struct bid best = {NULL, 0, 0};
  unsigned weight = r->members[*from].weight;
  size_t i = *from;
  for (; i < r->n && r->members[i].weight == weight; i++) {
    const struct gci_rendezvous_member *m = &r->members[i];
    uint64_t hash = mix(m->hash ^ spread);
    if (best.member != NULL && hash <= best.hash) continue;
    if (skip != NULL && skip[m->index]) continue;
    best.member = m;
    best.hash = hash;
  }
  *from = i;
  return best;
}

size_t gci_rendezvous_winner(const struct gci_rendezvous *r, uint32_t slot,
                             const unsigned char skip[]) {
  struct bid winner = {NULL, 0, 0};
  uint64_t spread = mix(slot);
  for (size_t i = 0; i < r->n;) {
    struct bid bid = best_of_weight(r, &i, spread, skip);
    if (bid.member == NULL) continue;
    if (winner.member == NULL || outbids(&bid, &winner)) winner = bid;
  }
  return winner.member == NULL ? r->n : winner.member->index;
}
