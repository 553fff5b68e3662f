/* store/expiry - see expiry.h.
 *
 * A tick is a number of ten hexadecimal digits. A link that is due at tick d is filed at the level
 * of the highest digit in which d differs from the wheel's tick, in the slot of that digit of d. So
 * every slot in use is ahead of the wheel at its level, all of a level comes before all of the
 * next, and the first event is the lowest bit of the lowest level in use. When the wheel reaches a
 * slot, the slot's links become pending: they have expired, or are filed again further down. */
#include "store/expiry.h"

#define TICK_BITS 27
#define DIGIT_BITS 4
#define DIGIT_MASK (GCI_EXPIRY_WIDTH - 1)
#define NO_EVENT UINT64_MAX

_Static_assert(1 << DIGIT_BITS == GCI_EXPIRY_WIDTH, "a slot per digit");

static uint64_t tick_of(int64_t now) {
  return now <= 0 ? 0 : (uint64_t)now >> TICK_BITS;
}

/* The first tick that begins at or after `at`. */
static uint64_t due_tick(int64_t at) {
  return at <= 0 ? 0 : (((uint64_t)at - 1) >> TICK_BITS) + 1;
}

void gci_expiry_init(struct gci_expiry *expiry,
                     int64_t (*at)(struct gci_expiry *expiry, const struct gcache_link_s *link)) {
  expiry->at = at;
  expiry->tick = 0;
  gci_list_init(&expiry->pending);
  for (unsigned i = 0; i < GCI_EXPIRY_LEVELS; i++)
    expiry->used[i] = 0;
  for (unsigned i = 0; i < GCI_EXPIRY_LEVELS * GCI_EXPIRY_WIDTH; i++)
    gci_list_init(&expiry->slots[i]);
}

/* The earliest slot in use, with its index in *slot; NO_EVENT: there is none. */
static uint64_t first_event(const struct gci_expiry *expiry, unsigned *slot) {
  for (unsigned level = 0; level < GCI_EXPIRY_LEVELS; level++) {
    if (expiry->used[level] == 0) continue;
    unsigned digit = (unsigned)__builtin_ctz(expiry->used[level]);
    unsigned shift = level * DIGIT_BITS;
    *slot = level * GCI_EXPIRY_WIDTH + digit;
    return (expiry->tick >> (shift + DIGIT_BITS) << DIGIT_BITS | digit) << shift;
  }
  return NO_EVENT;
}

static void file(struct gci_expiry *expiry, struct gcache_link_s *link) {
  uint64_t due = due_tick(expiry->at(expiry, link));
  if (due <= expiry->tick) due = expiry->tick + 1;
  unsigned level = (63 - (unsigned)__builtin_clzll(due ^ expiry->tick)) / DIGIT_BITS;
  unsigned digit = due >> (level * DIGIT_BITS) & DIGIT_MASK;
  gci_list_push_back(&expiry->slots[level * GCI_EXPIRY_WIDTH + digit], link);
  expiry->used[level] |= (uint16_t)(1u << digit);
}

static void empty_slot(struct gci_expiry *expiry, unsigned slot) {
  gci_list_move(&expiry->pending, &expiry->slots[slot]);
  expiry->used[slot / GCI_EXPIRY_WIDTH] &= (uint16_t) ~(1u << slot % GCI_EXPIRY_WIDTH);
}

/* The clock has gone back: links filed by the old time are looked at again. One tick back is
 * tolerated, so that a clock that trembles at a tick's edge costs nothing. */
static void follow_back(struct gci_expiry *expiry, uint64_t now_tick) {
  if (now_tick + 1 >= expiry->tick) return;
  for (unsigned slot = 0; slot < GCI_EXPIRY_LEVELS * GCI_EXPIRY_WIDTH; slot++)
    empty_slot(expiry, slot);
  expiry->tick = now_tick;
}

/* Moves the wheel on to the next slot in use, if its time has come. */
static int advance(struct gci_expiry *expiry, uint64_t now_tick) {
  unsigned slot = 0;
  uint64_t event = first_event(expiry, &slot);
  if (event > now_tick) return 0;
  expiry->tick = event;
  empty_slot(expiry, slot);
  return 1;
}

void gci_expiry_add(struct gci_expiry *expiry, struct gcache_link_s *link, int64_t now) {
  uint64_t now_tick = tick_of(now);
  unsigned slot;
  follow_back(expiry, now_tick);
  if (first_event(expiry, &slot) > now_tick && now_tick > expiry->tick) expiry->tick = now_tick;
  gci_link_init(link);
  file(expiry, link);
}

void gci_expiry_remove(struct gci_expiry *expiry, struct gcache_link_s *link) {
  if (!gci_link_linked(link)) return;
  struct gcache_link_s *next = link->next;
  int was_alone = next == link->prev; /* both are the head then */
  gci_link_unlink(link);
  if (!was_alone || next == &expiry->pending.head) return;
  struct gci_list *list = gci_container_of(next, struct gci_list, head);
  empty_slot(expiry, (unsigned)(list - expiry->slots));
}

void gci_expiry_release(struct gci_expiry *expiry, struct gci_list *to) {
  for (unsigned slot = 0; slot < GCI_EXPIRY_LEVELS * GCI_EXPIRY_WIDTH; slot++)
    empty_slot(expiry, slot);
  gci_list_move(to, &expiry->pending);
}

int64_t gci_expiry_due(const struct gci_expiry *expiry) {
  unsigned slot;
  if (!gci_list_empty(&expiry->pending)) return 0;
  uint64_t event = first_event(expiry, &slot);
  return event > (uint64_t)INT64_MAX >> TICK_BITS ? INT64_MAX : (int64_t)(event << TICK_BITS);
}

struct gcache_link_s *gci_expiry_pop(struct gci_expiry *expiry, int64_t now, size_t *steps) {
  uint64_t now_tick = tick_of(now);
  follow_back(expiry, now_tick);
  while (*steps > 0) {
    --*steps;
    struct gcache_link_s *link = gci_list_pop_front(&expiry->pending);
    if (link == NULL) {
      if (!advance(expiry, now_tick)) return NULL;
    } else if (expiry->at(expiry, link) <= now) {
      return link;
    } else {
      file(expiry, link);
    }
  }
  return NULL;
}
