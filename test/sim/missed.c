/* The part of the oracle that knows who has missed a change, and was told of it later (P8):
 *
 *   until a peer has been told, the member that made the change asks it nothing about the key;
 *   from then on the owner answers with nothing older;
 *   when the owner has been told, and after it all others, nobody delivers anything older (P2);
 *   it takes no longer than a probe and an exchange once they can reach each other. */
#include <inttypes.h>

#include "promises.h"
#include "world.h"

static int covers(enum promises_kind kind, unsigned key, unsigned asked) {
  return kind == PROMISES_CLEAR ? key == asked % PROMISES_GROUPS : key == asked;
}

/* What was told stands for the change: a clear for every change of its group. */
static int stands_for(const struct promises_deed *deed, enum promises_kind kind, unsigned key) {
  if (deed->kind != PROMISES_CLEAR) return kind != PROMISES_CLEAR && deed->key == key;
  return deed->key == (kind == PROMISES_CLEAR ? key : key % PROMISES_GROUPS);
}

static int tells(const struct promises_deed *deed, const struct promises_miss *miss) {
  return deed->by == miss->by && deed->on == miss->on && deed->sent_seq > miss->begin_seq &&
         stands_for(deed, miss->kind, miss->key);
}

static void add_told(struct promises *p, const struct promises_miss *miss,
                     const struct promises_deed *deed) {
  p->told_late++;
  if (deed->refused || !miss->is_owner || miss->epoch == 0) return;
  p->told = sim_grow(p->told, p->n_told, &p->cap_told, sizeof *p->told);
  p->told[p->n_told] = *miss;
  p->told[p->n_told++].told_seq = deed->done_seq;
}

/* Who fails early can have been told before the change has ended. */
static void add_miss(struct promises *p, size_t request, int on, int is_owner) {
  const struct promises_request *r = &p->requests[request];
  struct promises_miss miss = {.by = r->member,
                               .on = on,
                               .is_owner = is_owner,
                               .kind = r->kind,
                               .key = r->key,
                               .epoch = r->epoch,
                               .begin_seq = r->begin_seq};
  for (size_t i = p->n_deeds; i-- > 0 && p->deeds[i].done_seq > r->begin_seq;) {
    if (!tells(&p->deeds[i], &miss)) continue;
    add_told(p, &miss, &p->deeds[i]);
    return;
  }
  p->misses = sim_grow(p->misses, p->n_misses, &p->cap_misses, sizeof *p->misses);
  p->misses[p->n_misses++] = miss;
}

/* An answer that comes when the change has ended says nothing any more to the member that made it. */
static void add_bar(struct promises *p, size_t request, int on) {
  const struct promises_request *r = &p->requests[request];
  p->bars = sim_grow(p->bars, p->n_bars, &p->cap_bars, sizeof *p->bars);
  p->bars[p->n_bars++] = (struct promises_miss){
      .by = r->member, .on = on, .kind = r->kind, .key = r->key, .begin_seq = p->seq};
}

/* ---- late successes ---- */

static int has_closed(const struct promises *p, const struct promises_late *late) {
  return late->over || late->epoch == 0 || late->epoch != promises_epoch(p);
}

static void make_floor(struct promises *p, struct promises_late *late) {
  late->over = 1;
  p->late_floors++;
  p->floors = sim_grow(p->floors, p->n_floors, &p->cap_floors, sizeof *p->floors);
  p->floors[p->n_floors++] = (struct promises_floor){.member = late->by,
                                                     .key = late->key,
                                                     .epoch = late->epoch,
                                                     .begin_seq = late->begin_seq,
                                                     .end_seq = promises_tick(p)};
}

/* Owner first, then the others: what an other did before does not count. */
static void count_deed(struct promises *p, struct promises_late *late,
                       const struct promises_deed *deed) {
  if (deed->refused || has_closed(p, late) || deed->by != late->by ||
      deed->sent_seq <= late->begin_seq)
    return;
  if (!stands_for(deed, PROMISES_REMOVE, late->key)) return;
  if (deed->on == late->owner && late->owner_seq == 0) {
    late->owner_seq = deed->done_seq;
    late->done |= UINT64_C(1) << late->owner;
  } else if (late->owner_seq != 0 && deed->sent_seq > late->owner_seq) {
    late->done |= UINT64_C(1) << deed->on;
  }
  if (late->done == late->mask) make_floor(p, late);
}

static void add_late(struct promises *p, size_t request, int owner) {
  const struct promises_request *r = &p->requests[request];
  uint64_t own = UINT64_C(1) << r->member;
  if (r->kind == PROMISES_CLEAR || owner < 0 || r->epoch == 0) return;
  p->lates = sim_grow(p->lates, p->n_lates, &p->cap_lates, sizeof *p->lates);
  struct promises_late *late = &p->lates[p->n_lates++];
  *late = (struct promises_late){.by = r->member,
                                 .owner = owner,
                                 .key = r->key,
                                 .epoch = r->epoch,
                                 .mask = r->mask | own,
                                 .begin_seq = r->begin_seq,
                                 .owner_seq = owner == r->member ? r->begin_seq : 0,
                                 .done = own};
  size_t first = p->n_deeds;
  while (first > 0 && p->deeds[first - 1].done_seq > r->begin_seq)
    first--;
  for (; first < p->n_deeds; first++)
    count_deed(p, late, &p->deeds[first]);
}

/* ---- facts ---- */

void promises_missed(struct promises *p, size_t request, int owner, uint64_t missed) {
  const struct promises_request *r = &p->requests[request];
  if (p->members[r->member].listed_seq > r->begin_seq) return; /* who left has been forgotten */
  for (int on = 0; on < PROMISES_MEMBERS; on++)
    if (missed >> on & 1) {
      add_miss(p, request, on, on == owner);
      add_bar(p, request, on);
    }
  if (missed != 0) add_late(p, request, owner);
}

static void drop_miss(struct promises *p, size_t i) {
  p->misses[i] = p->misses[--p->n_misses];
}

static void drop_bar(struct promises *p, size_t i) {
  p->bars[i] = p->bars[--p->n_bars];
}

void promises_did(struct promises *p, const struct promises_deed *deed) {
  for (size_t i = p->n_bars; i-- > 0;)
    if (tells(deed, &p->bars[i])) drop_bar(p, i);
  for (size_t i = p->n_misses; i-- > 0;) {
    if (!tells(deed, &p->misses[i])) continue;
    add_told(p, &p->misses[i], deed);
    drop_miss(p, i);
  }
  for (size_t i = 0; i < p->n_lates; i++)
    count_deed(p, &p->lates[i], deed);
}

/* by has died, or does not know on any more: nobody is to tell it. */
void promises_misses_end(struct promises *p, int by, uint64_t but) {
  for (size_t i = p->n_misses; i-- > 0;)
    if (p->misses[i].by == by && !(but >> p->misses[i].on & 1)) drop_miss(p, i);
  for (size_t i = p->n_bars; i-- > 0;)
    if (p->bars[i].by == by && !(but >> p->bars[i].on & 1)) drop_bar(p, i);
  for (size_t i = 0; i < p->n_lates; i++)
    if (p->lates[i].by == by && (p->lates[i].mask & ~but) != 0) p->lates[i].over = 1;
}

/* ---- checks ---- */

void promises_asks(struct promises *p, int by, int on, unsigned key) {
  for (size_t i = 0; i < p->n_misses; i++) {
    const struct promises_miss *miss = &p->misses[i];
    if (miss->by != by || miss->on != on || !covers(miss->kind, miss->key, key)) continue;
    promises_break(p,
                   "P8: member %d asks member %d for key %u, which it has not told of a change of "
                   "fact %" PRIu64,
                   by, on, key, miss->begin_seq);
  }
}

int promises_is_untold(const struct promises *p, int by, unsigned key) {
  for (size_t i = 0; i < p->n_bars; i++)
    if (p->bars[i].by == by && covers(p->bars[i].kind, p->bars[i].key, key)) return 1;
  return 0;
}

void promises_told_check(struct promises *p, const struct promises_request *answer,
                         uint64_t alive_seq) {
  for (size_t i = 0; i < p->n_told; i++) {
    const struct promises_miss *told = &p->told[i];
    if (told->on != answer->member || !covers(told->kind, told->key, answer->key)) continue;
    if (told->epoch != promises_epoch(p) || told->told_seq >= answer->begin_seq) continue;
    p->told_checked++;
    if (alive_seq >= told->begin_seq) continue;
    promises_break(p,
                   "P8: member %d answers for key %u with a value of fact %" PRIu64
                   "; member %d had told it of a change of fact %" PRIu64,
                   answer->member, answer->key, alive_seq, told->by, told->begin_seq);
  }
}

void promises_all_told_check(struct promises *p) {
  for (size_t i = 0; i < p->n_misses; i++) {
    const struct promises_miss *miss = &p->misses[i];
    if (!p->members[miss->by].living || !p->members[miss->on].living) continue;
    promises_break(p, "P8: member %d has not told member %d of a change of key %u", miss->by,
                   miss->on, miss->key);
  }
}
