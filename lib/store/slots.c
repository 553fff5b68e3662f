/* store/slots - see slots.h. */
#include "store/slots.h"

#include <string.h>
#include <uv.h>

#define SLOTS GCI_RENDEZVOUS_SLOTS
#define WORDS (SLOTS / 64)
#define SLICE 200000      /* places looked at, or members asked: about a millisecond */
#define CHALLENGES 250000 /* at most, of all newcomers together, when a list is inherited */
#define TAKEN (WORDS / 4) /* of 64 slots, per slice */
#define CHALLENGED 60000  /* ranks per slice */
#define ROUNDS_A_NAT 4    /* a nat: all members together reach as many slots as there are */
#define BATCH 64
#define ASKED_AT_LAST (4 * SLOTS) /* members asked, for all slots that are decided one by one */

enum { MATCHING, TAKING_OVER, CHALLENGING };

/* Needed while an older list's slots are taken over. */
struct gci_slots_heir {
  const struct gci_slots *old; /* borrowed */
  uint16_t *places;            /* of the old members in the new list, + 1; 0: gone */
  unsigned char *stays;        /* a byte a member: comes from the old list */
  size_t n_places, n_stays;
  int step;
  size_t at; /* next word of slots, or next member */
};

static void forget_progress(struct gci_slots *s) {
  gci_mem_free(s->mem, s->decided, WORDS * sizeof *s->decided);
  gci_mem_free(s->mem, s->claimed, WORDS * sizeof *s->claimed);
  s->decided = s->claimed = NULL;
}

/* ------------------------------------------------------------------------------- one by one -- */

static int is_decided(const struct gci_slots *s, uint32_t slot) {
  return s->decided == NULL || (s->decided[slot / 64] >> slot % 64 & 1) != 0;
}

size_t gci_slots_decide(struct gci_slots *s, uint32_t slot) {
  struct gci_rendezvous_bid bid = gci_rendezvous_winner(s->rendezvous, slot, NULL);
  size_t owner = (size_t)(bid.member - s->rendezvous->members);
  uint64_t time = gci_rendezvous_time(s->rendezvous, &bid);
  if (time > s->latest) s->latest = time;
  s->owners[slot] = (uint16_t)(owner + 1);
  s->decided[slot / 64] |= UINT64_C(1) << slot % 64;
  return owner;
}

static int decide_some(struct gci_slots *s) {
  size_t budget = SLICE;
  for (; s->at < WORDS; s->at++) {
    uint64_t open;
    while ((open = ~s->decided[s->at]) != 0) {
      if (budget < s->rendezvous->n && budget < SLICE) return 1;
      gci_slots_decide(s, (uint32_t)(s->at * 64 + (size_t)__builtin_ctzll(open)));
      budget -= budget < s->rendezvous->n ? budget : s->rendezvous->n;
    }
  }
  forget_progress(s);
  return 0;
}

/* ----------------------------------------------------------------------------------- rounds -- */

/* The places that members of one weight pass in one round. */
struct stretch {
  uint64_t from, to;
};

static uint64_t end_of_round(const struct gci_slots *s, unsigned round) {
  return GCI_RENDEZVOUS_NAT / ROUNDS_A_NAT / s->rendezvous->weight * round;
}

static struct stretch stretch_of(const struct gci_slots *s, unsigned weight) {
  const struct gci_rendezvous *r = s->rendezvous;
  return (struct stretch){gci_rendezvous_reached(r, weight, end_of_round(s, s->rounds)),
                          gci_rendezvous_reached(r, weight, end_of_round(s, s->rounds + 1))};
}

/* Of the members that reach a slot in the same round, the first has it. */
static void claim(struct gci_slots *s, size_t member, uint32_t slot) {
  const struct gci_rendezvous *r = s->rendezvous;
  uint16_t *owner = &s->owners[slot];
  if (*owner != 0) {
    struct gci_rendezvous_bid ours = gci_rendezvous_bid(&r->members[member], slot);
    struct gci_rendezvous_bid theirs = gci_rendezvous_bid(&r->members[*owner - 1u], slot);
    if (!gci_rendezvous_beats(r, &ours, &theirs)) return;
  }
  *owner = (uint16_t)(member + 1);
  s->claimed[slot / 64] |= UINT64_C(1) << slot % 64;
}

/* The rank at which a stretch begins or ends, of which only some fractions belong to it. */
static void claim_edge(struct gci_slots *s, size_t member, const struct stretch *stretch,
                       uint64_t rank) {
  const struct gci_rendezvous_member *m = &s->rendezvous->members[member];
  if (rank >= SLOTS) return;
  uint32_t slot = gci_rendezvous_slot(m, (uint32_t)rank);
  uint32_t place = gci_rendezvous_bid(m, slot).place;
  if (is_decided(s, slot) || place < stretch->from || place >= stretch->to) return;
  claim(s, member, slot);
}

/* Whether a slot is decided is almost random, so a branch on it would cost more than noting all
 * slots and going on with those that are not. */
static void claim_ranks(struct gci_slots *s, size_t member, uint32_t from, uint32_t to) {
  const struct gci_rendezvous_member *m = &s->rendezvous->members[member];
  uint32_t open[BATCH];
  while (from < to) {
    uint32_t end = to - from < BATCH ? to : from + BATCH;
    size_t n = 0;
    for (; from < end; from++) {
      uint32_t slot = open[n] = gci_rendezvous_slot(m, from);
      n += ~s->decided[slot / 64] >> slot % 64 & 1;
    }
    for (size_t i = 0; i < n; i++)
      claim(s, member, open[i]);
  }
}

static void claim_stretch(struct gci_slots *s, size_t member, const struct stretch *stretch) {
  uint64_t first = stretch->from >> GCI_RENDEZVOUS_RANK_SHIFT;
  uint64_t last = stretch->to >> GCI_RENDEZVOUS_RANK_SHIFT; /* may be one too many */
  claim_edge(s, member, stretch, first);
  if (last == first) return;
  claim_ranks(s, member, (uint32_t)first + 1, (uint32_t)last);
  claim_edge(s, member, stretch, last);
}

/* A slot that has an owner now was won before the round's end, and no member can reach it earlier
 * any more. */
static void settle(struct gci_slots *s) {
  s->undecided = 0;
  for (size_t w = 0; w < WORDS; w++) {
    s->decided[w] |= s->claimed[w];
    s->undecided += (size_t)__builtin_popcountll(~s->decided[w]);
  }
}

static int few_are_left(const struct gci_slots *s) {
  return s->undecided <= ASKED_AT_LAST / s->rendezvous->n;
}

static void end_round(struct gci_slots *s) {
  settle(s);
  s->rounds++;
  s->at = 0;
  if (end_of_round(s, s->rounds) > s->latest) s->latest = end_of_round(s, s->rounds);
  s->remaining = few_are_left(s);
}

static void claim_some(struct gci_slots *s) {
  const struct gci_rendezvous *r = s->rendezvous;
  struct stretch stretch = {0, 0};
  unsigned weight = 0;
  size_t cost = 0;
  for (; s->at < r->n && cost < SLICE; s->at++) {
    if (r->members[s->at].weight != weight) {
      weight = r->members[s->at].weight;
      stretch = stretch_of(s, weight);
      cost += 50;
    }
    claim_stretch(s, s->at, &stretch);
    cost += 4 + (size_t)((stretch.to - stretch.from) >> GCI_RENDEZVOUS_RANK_SHIFT);
  }
  if (s->at == r->n) end_round(s);
}

int gci_slots_work(struct gci_slots *s) {
  if (s->decided == NULL) return 0;
  if (s->remaining) return decide_some(s);
  claim_some(s);
  return 1;
}

/* ---------------------------------------------------------------------------------- inherit -- */

/* Places of the old members in the new list, + 1; 0: gone. Both lists are sorted. */
static void match(const struct gci_rendezvous *is, const struct gci_rendezvous *was,
                  uint16_t places[]) {
  size_t i = 0;
  for (size_t o = 0; o < was->n; o++) {
    int by = 1;
    while (i < is->n && (by = gci_rendezvous_compare(&is->members[i], &was->members[o])) < 0)
      i++;
    places[o] = i < is->n && by == 0 ? (uint16_t)(++i) : 0;
  }
}

/* The newcomer wins the slots that it reaches before their owner did. */
static void challenge(struct gci_slots *s, size_t member, uint64_t ranks) {
  const struct gci_rendezvous_member *m = &s->rendezvous->members[member];
  for (uint64_t rank = 0; rank < ranks; rank++) {
    uint32_t slot = gci_rendezvous_slot(m, (uint32_t)rank);
    if (is_decided(s, slot)) claim(s, member, slot);
  }
}

static uint64_t ranks_until(const struct gci_slots *s, unsigned weight, uint64_t time) {
  uint64_t place = gci_rendezvous_reached(s->rendezvous, weight, time);
  uint64_t ranks = (place >> GCI_RENDEZVOUS_RANK_SHIFT) + 1;
  return ranks < SLOTS ? ranks : SLOTS;
}

/* Nonzero: the newcomers have little to challenge. */
static int is_gain(const struct gci_slots *s) {
  const struct gci_rendezvous *r = s->rendezvous;
  uint64_t challenges = 0;
  for (size_t i = 0; i < r->n && challenges <= CHALLENGES; i++)
    if (!s->heir->stays[i])
      challenges += ranks_until(s, r->members[i].weight, s->heir->old->latest);
  return challenges <= CHALLENGES;
}

static void free_heir(struct gci_slots *s) {
  struct gci_slots_heir *h = s->heir;
  if (h == NULL) return;
  gci_mem_free(s->mem, h->stays, h->n_stays);
  gci_mem_free(s->mem, h->places, h->n_places * sizeof *h->places);
  gci_mem_free(s->mem, h, sizeof *h);
  s->heir = NULL;
}

static void match_members(struct gci_slots *s) {
  struct gci_slots_heir *h = s->heir;
  match(s->rendezvous, h->old->rendezvous, h->places);
  for (size_t o = 0; o < h->n_places; o++)
    if (h->places[o] != 0) h->stays[h->places[o] - 1u] = 1;
  h->step = TAKING_OVER;
  if (!is_gain(s)) free_heir(s);
}

/* 64 slots; returns a bit for each that has an owner. */
static uint64_t take_over_word(struct gci_slots *s, size_t w) {
  const struct gci_slots_heir *h = s->heir;
  const uint16_t *was = &h->old->owners[w * 64];
  uint16_t *is = &s->owners[w * 64];
  uint64_t decided = h->old->decided == NULL ? UINT64_MAX : h->old->decided[w], taken = 0;
  for (size_t i = 0; i < 64; i++) {
    uint16_t owner = (decided >> i & 1) != 0 ? h->places[was[i] - 1u] : 0;
    is[i] = owner;
    taken |= (uint64_t)(owner != 0) << i;
  }
  return taken;
}

/* `old` may have gone on since the first slice: its latest time is read after the last slot. */
static void take_over_some(struct gci_slots *s) {
  struct gci_slots_heir *h = s->heir;
  size_t end = h->at + TAKEN;
  for (; h->at < end; h->at++)
    s->claimed[h->at] = take_over_word(s, h->at);
  if (end < WORDS) return;
  s->latest = h->old->latest;
  settle(s);
  s->remaining = few_are_left(s);
  h->at = 0;
  h->step = CHALLENGING;
}

static void challenge_some(struct gci_slots *s) {
  struct gci_slots_heir *h = s->heir;
  const struct gci_rendezvous *r = s->rendezvous;
  uint64_t done = 0;
  for (; h->at < r->n && done < CHALLENGED; h->at++) {
    if (h->stays[h->at]) continue;
    uint64_t ranks = ranks_until(s, r->members[h->at].weight, s->latest);
    challenge(s, h->at, ranks);
    done += ranks;
  }
  if (h->at == r->n) free_heir(s);
}

/* Includes the first use of the memory, which takes as long as clearing it. */
static void clear(struct gci_slots *s) {
  memset(s->owners, 0, SLOTS * sizeof *s->owners);
  memset(s->decided, 0, WORDS * sizeof *s->decided);
  memset(s->claimed, 0, WORDS * sizeof *s->claimed);
  s->is_clear = 1;
}

int gci_slots_prepare(struct gci_slots *s) {
  static void (*const steps[])(struct gci_slots *) = {match_members, take_over_some,
                                                      challenge_some};
  if (!s->is_clear)
    clear(s);
  else if (s->heir != NULL)
    steps[s->heir->step](s);
  return s->heir != NULL;
}

/* -------------------------------------------------------------------------------- init, fini -- */

static void be_heir_of(struct gci_slots *s, const struct gci_slots *old) {
  struct gci_slots_heir *h = s->heir = gci_mem_zalloc(s->mem, sizeof *h);
  if (h == NULL) return;
  h->old = old;
  h->n_places = old->rendezvous->n;
  h->n_stays = s->rendezvous->n;
  h->places = gci_mem_alloc(s->mem, h->n_places * sizeof *h->places);
  h->stays = gci_mem_zalloc(s->mem, h->n_stays);
  if (h->places == NULL || h->stays == NULL) free_heir(s);
}

int gci_slots_init(struct gci_slots *s, const struct gci_rendezvous *rendezvous,
                   const struct gci_slots *old) {
  struct gci_mem *mem = rendezvous->mem;
  *s = (struct gci_slots){.mem = mem, .rendezvous = rendezvous, .undecided = SLOTS};
  s->owners = gci_mem_alloc(mem, SLOTS * sizeof *s->owners);
  s->decided = gci_mem_alloc(mem, WORDS * sizeof *s->decided);
  s->claimed = gci_mem_alloc(mem, WORDS * sizeof *s->claimed);
  if (s->owners == NULL || s->decided == NULL || s->claimed == NULL) {
    gci_slots_fini(s);
    return UV_ENOMEM;
  }
  if (old != NULL) be_heir_of(s, old);
  return 0;
}

void gci_slots_fini(struct gci_slots *s) {
  free_heir(s);
  forget_progress(s);
  gci_mem_free(s->mem, s->owners, SLOTS * sizeof *s->owners);
  s->owners = NULL;
}
