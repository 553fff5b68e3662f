/* The part of the oracle that tracks the members: which are alive, with which list, and what their
 * memory holds (P5, P6). */
#include <inttypes.h>
#include <string.h>

#include "gcache/gcache.h"
#include "promises.h"

#define GONE_WITHIN_US 1000000

/* ---- members ---- */

/* The list all living members share; 0: they differ, or somebody is left out or alone. */
static uint64_t common_list(const struct promises *p) {
  uint64_t list = 0, needed = 0;
  int first = 1;
  for (int i = 0; i < PROMISES_MEMBERS; i++) {
    const struct promises_member *m = &p->members[i];
    if (!m->living) continue;
    if (!m->is_client) needed |= UINT64_C(1) << i;
    if (!first && m->list != list) return 0;
    list = m->list;
    first = 0;
  }
  return (list & needed) == needed ? list : 0;
}

uint64_t promises_epoch(const struct promises *p) {
  return common_list(p) != 0 ? p->epoch + 1 : 0;
}

uint64_t promises_agreed(const struct promises *p) {
  return common_list(p);
}

void promises_agreed_check(struct promises *p, uint64_t before) {
  if (common_list(p) != before) p->agreed_seq = promises_tick(p);
}

void promises_up(struct promises *p, int member, int is_client, uint64_t list) {
  uint64_t before = common_list(p);
  struct promises_member *m = &p->members[member];
  memset(m, 0, sizeof *m);
  m->living = 1;
  m->is_client = is_client;
  m->list = list;
  m->clock_set_us = p->now_us;
  if (common_list(p) != before) p->epoch++;
  promises_agreed_check(p, before);
}

void promises_list(struct promises *p, int member, uint64_t list) {
  uint64_t members = list & ((UINT64_C(1) << PROMISES_WEIGHTS_SHIFT) - 1);
  if (p->members[member].list == list) return;
  p->members[member].list = list;
  p->members[member].listed_seq = p->agreed_seq = promises_tick(p);
  p->epoch++;
  for (size_t i = 0; i < p->n_pending; i++) {
    struct promises_request *r = &p->requests[p->pending[i]];
    if (r->member == member) r->came |= members == 0 ? UINT64_C(1) << member : members;
  }
  promises_misses_end(p, member, members);
}

void promises_keeps_unreached(struct promises *p, int member) {
  p->members[member].keeps_unreached = 1;
}

void promises_group_closing(struct promises *p, int member, unsigned group, int closing) {
  struct promises_member *m = &p->members[member];
  if (closing && !m->closing[group]) m->closing_us[group] = p->now_us;
  m->closing[group] = closing;
}

void promises_clock_set(struct promises *p, int member) {
  p->members[member].clock_set_us = p->now_us;
}

void promises_stopped(struct promises *p, int member) {
  p->members[member].stopped = 1;
}

void promises_resumed(struct promises *p, int member) {
  p->members[member].stopped = 0;
  p->members[member].resumed_us = p->now_us;
  p->members[member].clock_set_us = p->now_us; /* what expired meanwhile goes now */
}

uint64_t promises_due_us(const struct promises *p, int member, uint64_t us) {
  const struct promises_member *m = &p->members[member];
  if (m->stopped) return PROMISES_NEVER;
  return us > m->resumed_us ? us : m->resumed_us;
}

/* ---- memory ---- */

void promises_memory(struct promises *p, int member, unsigned group, uint64_t used, uint64_t max) {
  if (used > max)
    promises_break(p, "P5: member %d, group %u holds %" PRIu64 " of %" PRIu64 " bytes", member,
                   group, used, max);
}

/* Remembered somewhere, perhaps, and for not much longer than a second beyond its time. */
static int is_absence(const struct promises *p, const struct promises_birth *b) {
  uint64_t holds_ms = p->setup.fresh.not_found_ms;
  if (holds_ms == 0 || b->status != GCACHE_ENOTFOUND) return 0;
  if (p->setup.unseen && p->setup.fresh.clocks_jump) return 1; /* back by an hour, perhaps */
  return b->status == GCACHE_ENOTFOUND &&
         p->now_us < b->end_us + p->setup.stale_us + holds_ms * 1000 + GONE_WITHIN_US;
}

/* The member may have a copy with a nearer expiry than its value's. */
static int is_shortened(const struct promises *p, int member, unsigned key) {
  const struct promises_fresh *f = &p->setup.fresh;
  if (f->hot_max_ms == 0) return 0;
  if (p->setup.unseen) return 1;
  return p->now_us < p->members[member].quiet_us[key] + f->hot_max_ms * 1000 + GONE_WITHIN_US;
}

void promises_items(struct promises *p, int member, unsigned group, uint64_t items, uint64_t alive,
                    int64_t wall_unix_ns) {
  int fresh[PROMISES_KEYS] = {0};
  uint64_t excused = 0;
  if (p->now_us < p->members[member].clock_set_us + GONE_WITHIN_US) return;
  for (size_t i = 0; i < p->n_births; i++) {
    const struct promises_birth *b = &p->births[i];
    if (b->key % PROMISES_GROUPS != group) continue;
    if (is_absence(p, b)) fresh[b->key] = 1;
    if (b->expire_unix_ns == 0) continue;
    int64_t window_ns = (int64_t)promises_window_ms(p, b) * 1000000;
    if (b->expire_unix_ns <= wall_unix_ns &&
        b->expire_unix_ns + window_ns > wall_unix_ns - GONE_WITHIN_US * INT64_C(1000))
      fresh[b->key] = 1;
  }
  for (unsigned k = group; k < p->setup.keys; k += PROMISES_GROUPS)
    if (is_shortened(p, member, k)) fresh[k] = 1;
  for (unsigned k = 0; k < p->setup.keys; k++)
    excused += (uint64_t)fresh[k];
  if (items > alive + excused)
    promises_break(p,
                   "P6: member %d, group %u counts %" PRIu64 " items, %" PRIu64
                   " can be had and %" PRIu64 " keys expired within the last second",
                   member, group, items, alive, excused);
}
