/* The part of the oracle that tracks values: the origin of each, what replaced it, and which
 * getters were running (P1, P2, P6). */
#include <inttypes.h>
#include <stdlib.h>

#include "gcache/gcache.h"
#include "promises.h"
#include "world.h"

/* Longer than a load that an arriving value's expiry causes takes to begin. */
#define DISTURBANCE_US 1000
#define TURN_NS 100000 /* a completion runs within it */
#define BEHIND_US 100  /* what is started behind a hit is, too */

const struct promises_birth *promises_birth(const struct promises *p, uint64_t serial) {
  return serial == 0 || serial > p->n_births ? NULL : &p->births[serial - 1];
}

static struct promises_birth *birth(struct promises *p, uint64_t serial) {
  return &p->births[serial - 1];
}

static struct promises_birth *new_birth(struct promises *p, int member, unsigned key) {
  p->births = sim_grow(p->births, p->n_births, &p->cap_births, sizeof *p->births);
  struct promises_birth *b = &p->births[p->n_births++];
  *b = (struct promises_birth){.member = member, .key = key, .begin_seq = promises_tick(p)};
  return b;
}

/* ---- getter runs ---- */

/* The load that a value's expiry on its way has caused may wait for its turn, where too many run. */
static int may_be_waiting(const struct promises *p, unsigned key) {
  if (p->setup.loads_max == 0) return 0;
  for (int i = 0; i < PROMISES_MEMBERS; i++)
    if (p->members[i].gets[key] + p->members[i].answers[key] > 0) return 1;
  return 0;
}

/* With second questions the owner may load a key beside its next owner, which all members agree on:
 * one other member, that is. */
static int may_be_second(const struct promises *p, int member, int other, int *beside) {
  if (!p->setup.hedged || other == member || (*beside >= 0 && *beside != other)) return 0;
  *beside = other;
  return 1;
}

/* P1: in a settled cluster a run beside another is lawful only when a change came after the other one
 * began, or when a value expired on its way to whoever asked for it. */
static void check_alone(struct promises *p, int member, unsigned key) {
  struct promises_key *k = &p->keys[key];
  if (k->changes > 0) k->touched_seq = p->seq;
  if (k->disturbed_us != 0 && k->running == 0 && !may_be_waiting(p, key) &&
      p->now_us > k->disturbed_us + DISTURBANCE_US)
    k->disturbed_us = 0;
  if (!p->setup.settled || k->disturbed_us != 0 || p->members[member].loads_here[key]) return;
  int beside = -1;
  for (uint64_t s = k->running; s != 0; s = birth(p, s)->next_running) {
    const struct promises_birth *other = birth(p, s);
    if (other->begin_seq <= k->touched_seq || p->members[other->member].loads_here[key]) continue;
    if (may_be_second(p, member, other->member, &beside)) continue;
    promises_break(p,
                   "P1: key %u: a getter starts on member %d while run %" PRIu64
                   " is under way on member %d",
                   key, member, s, other->member);
  }
}

/* A load or question for nobody is lawful behind a hit of this very moment, or behind a question,
 * of the kind that began so, that has just failed. */
static int is_behind(const struct promises *p, uint64_t left_us, uint64_t asked_us) {
  uint64_t since_us = left_us > asked_us ? left_us : asked_us;
  return p->setup.fresh.is_on && since_us > 0 && p->now_us <= since_us + BEHIND_US;
}

/* Where nobody tells whose questions are under way: whether anybody asks at all, or has just left. */
static int is_asked_somewhere(const struct promises *p, unsigned key) {
  uint64_t within_us = p->setup.stale_us + p->setup.fresh.refresh_us;
  if (p->setup.failing) return 1; /* a question may have been held up for long */
  for (int i = 0; i < PROMISES_MEMBERS; i++) {
    const struct promises_member *m = &p->members[i];
    if (m->gets[key] > 0 || (m->left_us[key] > 0 && p->now_us <= m->left_us[key] + within_us))
      return 1;
  }
  return 0;
}

static int may_begin(const struct promises *p, const struct promises_member *m, unsigned key) {
  if (p->setup.unseen) return is_asked_somewhere(p, key);
  return m->gets[key] + m->answers[key] > 0 || is_behind(p, m->left_us[key], m->asked_us[key]);
}

/* A value can expire on its way; where nobody tells when that happens, one that can may have. */
static void note_expiry(struct promises *p, unsigned key, int64_t expire_unix_ns) {
  if (p->setup.unseen && expire_unix_ns != 0) p->keys[key].disturbed_us = PROMISES_NEVER / 2;
}

uint64_t promises_run_began(struct promises *p, int member, unsigned key) {
  struct promises_member *m = &p->members[member];
  promises_upcall(p, "a getter");
  check_alone(p, member, key);
  if (!may_begin(p, m, key))
    promises_break(p, "P1: key %u: a getter starts on member %d, where nobody asks", key, member);
  struct promises_birth *b = new_birth(p, member, key);
  b->running = 1;
  b->next_running = p->keys[key].running;
  p->keys[key].running = p->n_births;
  m->runs[key]++;
  promises_place_taken(p, member, key);
  return p->n_births;
}

void promises_run_hinted(struct promises *p, uint64_t serial, uint64_t time_left_ms) {
  struct promises_birth *b = birth(p, serial);
  promises_upcall(p, "a getter's cancel");
  if (!b->running)
    promises_break(p, "P10: run %" PRIu64 " of key %u was told to stop after its answer", serial,
                   b->key);
  if (time_left_ms != 0)
    promises_break(
        p, "P3: run %" PRIu64 " of key %u was told that nobody waits, and %" PRIu64 " ms are left",
        serial, b->key, time_left_ms);
  if (b->hinted)
    promises_break(p, "P3: run %" PRIu64 " of key %u was told twice that nobody waits", serial,
                   b->key);
  b->hinted = 1;
}

static void stop(struct promises *p, uint64_t serial) {
  struct promises_birth *b = birth(p, serial);
  uint64_t *at = &p->keys[b->key].running;
  while (*at != serial)
    at = &birth(p, *at)->next_running;
  *at = b->next_running;
  b->running = 0;
  b->end_us = p->now_us;
  p->members[b->member].runs[b->key]--;
  if (p->members[b->member].gets[b->key] == 0) p->members[b->member].loads_here[b->key] = 0;
  promises_place_left(p, b->member, b->key);
  p->members[b->member].quiet_us[b->key] = p->now_us;
}

void promises_run_ended(struct promises *p, uint64_t serial, int status, size_t size,
                        int64_t expire_unix_ns) {
  struct promises_birth *b = birth(p, serial);
  stop(p, serial);
  note_expiry(p, b->key, expire_unix_ns);
  b->status = status;
  b->size = size;
  b->expire_unix_ns = expire_unix_ns;
}

void promises_lost_runs(struct promises *p, int member) {
  for (unsigned key = 0; key < PROMISES_KEYS; key++)
    for (uint64_t s = p->keys[key].running, next; s != 0; s = next) {
      next = birth(p, s)->next_running;
      if (birth(p, s)->member == member) stop(p, s);
    }
}

void promises_disturbed(struct promises *p, unsigned key) {
  p->keys[key].disturbed_us = p->now_us;
}

/* ---- changes ---- */

uint64_t promises_set_began(struct promises *p, int member, unsigned key, size_t size,
                            int64_t expire_unix_ns) {
  struct promises_birth *b = new_birth(p, member, key);
  b->is_set = 1;
  note_expiry(p, key, expire_unix_ns);
  b->size = size;
  b->expire_unix_ns = expire_unix_ns;
  b->landed_seq = b->begin_seq;
  return p->n_births;
}

void promises_windowed(struct promises *p, uint64_t serial, uint64_t window_ms) {
  birth(p, serial)->window_ms = window_ms;
  birth(p, serial)->windowed = 1;
}

void promises_set_underway(struct promises *p, uint64_t serial) {
  birth(p, serial)->landed_seq = UINT64_MAX;
}

void promises_set_landed(struct promises *p, uint64_t serial) {
  birth(p, serial)->landed_seq = promises_tick(p);
}

static void count_change(struct promises *p, unsigned key, int by) {
  struct promises_key *k = &p->keys[key];
  k->changes = (unsigned)((int)k->changes + by);
  k->touched_seq = p->seq;
}

static void count_changes(struct promises *p, enum promises_kind kind, unsigned key, int by) {
  promises_tick(p);
  if (kind != PROMISES_CLEAR) {
    count_change(p, key, by);
    return;
  }
  for (unsigned k = key; k < PROMISES_KEYS; k += PROMISES_GROUPS)
    count_change(p, k, by);
}

void promises_change_sent(struct promises *p, enum promises_kind kind, unsigned key) {
  count_changes(p, kind, key, 1);
}

void promises_change_settled(struct promises *p, enum promises_kind kind, unsigned key) {
  count_changes(p, kind, key, -1);
}

/* ---- questions ---- */

void promises_question_sent(struct promises *p, int member, unsigned key) {
  struct promises_member *m = &p->members[member];
  if (m->gets[key] == 0 && !is_behind(p, m->got_us[key], m->asked_us[key]))
    promises_break(p, "P4: key %u: member %d asks a peer, and %s", key, member,
                   m->answers[key] > 0 ? "only a peer's question waits here" : "nobody waits here");
  m->questions[key]++;
}

void promises_question_refused(struct promises *p, int member, unsigned key) {
  p->members[member].busy_seq[key] = promises_tick(p);
}

void promises_handing(struct promises *p, int member, unsigned key, int by) {
  struct promises_member *m = &p->members[member];
  m->handed[key] = (unsigned)((int)m->handed[key] + by);
  if (by < 0) m->quiet_us[key] = p->now_us;
  if (by < 0) m->asked_us[key] = p->now_us;
}

void promises_question_told(struct promises *p, int member, unsigned key) {
  p->members[member].questions_told[key]++;
}

void promises_question_settled(struct promises *p, int member, unsigned key, int told) {
  struct promises_member *m = &p->members[member];
  if (m->questions[key] > 0) m->questions[key]--;
  if (told && m->questions_told[key] > 0) m->questions_told[key]--;
  m->quiet_us[key] = p->now_us;
  m->asked_us[key] = p->now_us;
}

/* ---- deliveries ---- */

size_t promises_told_floor(struct promises *p, int member, unsigned key, uint64_t begin_seq) {
  p->floors = sim_grow(p->floors, p->n_floors, &p->cap_floors, sizeof *p->floors);
  p->floors[p->n_floors] = (struct promises_floor){.member = member,
                                                   .only_at = member + 1,
                                                   .key = key,
                                                   .epoch = promises_epoch(p),
                                                   .begin_seq = begin_seq,
                                                   .end_seq = promises_tick(p)};
  return p->n_floors++;
}

/* No epoch of the lists has this number. */
void promises_floor_end(struct promises *p, size_t floor) {
  p->floors[floor].epoch = 0;
}

static int covers(const struct promises_floor *f, const struct promises_request *get) {
  return f->whole_group ? f->key == get->key % PROMISES_GROUPS : f->key == get->key;
}

void promises_floors_check(struct promises *p, const struct promises_request *get,
                           uint64_t serial) {
  const struct promises_birth *b = promises_birth(p, serial);
  uint64_t alive_seq = b->is_set ? b->landed_seq : b->begin_seq;
  uint64_t lists = get->epoch;
  if (lists == 0 || lists != promises_epoch(p)) return;
  for (size_t i = p->n_floors; i-- > 0;) {
    const struct promises_floor *f = &p->floors[i];
    if (f->epoch != lists || f->end_seq >= get->begin_seq || !covers(f, get)) continue;
    if (f->only_at != 0 && f->only_at != get->member + 1) continue;
    if (get->joins_unreached && f->member != get->member) continue;
    p->floors_checked++;
    if (alive_seq >= f->begin_seq) continue;
    promises_break(p,
                   "P2: member %d, key %u: value %" PRIu64 " (%s of member %d, fact %" PRIu64
                   ") delivered to a get begun at fact %" PRIu64 "; a change from %" PRIu64
                   " to %" PRIu64 " had %s",
                   get->member, get->key, serial, b->is_set ? "set" : "load", b->member, alive_seq,
                   get->begin_seq, f->begin_seq, f->end_seq,
                   f->only_at != 0 ? "been told to it (P8)" : "reported it gone");
  }
}

/* The value may have been sent on without its windows: the group's count then. */
uint64_t promises_window_ms(const struct promises *p, const struct promises_birth *b) {
  const struct promises_fresh *f = &p->setup.fresh;
  uint64_t of_group = f->stale_ms > f->error_ms ? f->stale_ms : f->error_ms;
  return b->window_ms > of_group ? b->window_ms : of_group;
}

/* What was found here is as stale as it is said to be; of what came from a peer only the peer knows. A
 * copy's expiry may have been drawn nearer. */
static void check_stale(struct promises *p, const struct promises_request *get,
                        const struct promises_birth *b, const struct promises_end *e) {
  int64_t ago_ns = e->wall_unix_ns - b->expire_unix_ns;
  uint64_t ago_ms = ago_ns <= 0 ? 1 : ((uint64_t)ago_ns + 999999) / 1000000;
  int is_from_here = get->kind == PROMISES_ANSWER || e->from == GCACHE_FROM_MAIN ||
                     (e->from == GCACHE_FROM_HOT && p->setup.fresh.hot_max_ms == 0);
  p->stale++;
  if (e->stale_ms > promises_window_ms(p, b))
    promises_break(p,
                   "P6: member %d, key %u: value %" PRIu64 " delivered %" PRIu64
                   " ms after its expiry; %" PRIu64 " were asked for",
                   get->member, get->key, e->serial, e->stale_ms, promises_window_ms(p, b));
  if (p->setup.unseen && ago_ms + 1 == e->stale_ms) ago_ms++; /* it may count from the last turn */
  if (is_from_here && !p->setup.fresh.hot_max_ms &&
      (b->expire_unix_ns == 0 || ago_ms != e->stale_ms))
    promises_break(p,
                   "P6: member %d, key %u: value %" PRIu64 " is said to be stale for %" PRIu64
                   " ms, and is for %" PRIu64,
                   get->member, get->key, e->serial, e->stale_ms, ago_ms);
}

/* What is in a hot cache came with a question that has ended. A value with windows of its own has no
 * ceiling. */
static void check_ceiling(struct promises *p, const struct promises_request *get,
                          const struct promises_birth *b, const struct promises_end *e) {
  uint64_t max_us = p->setup.fresh.hot_max_ms * 1000;
  uint64_t quiet_us = p->members[get->member].quiet_us[get->key];
  if (max_us == 0 || p->setup.fresh.clocks_jump || p->setup.unseen) return;
  if (b->windowed || e->from != GCACHE_FROM_HOT) return;
  if (p->now_us >= quiet_us + max_us + TURN_NS / 1000)
    promises_break(p,
                   "P6: member %d, key %u: value %" PRIu64 " found in the hot cache %" PRIu64
                   " us after the last question ended",
                   get->member, get->key, e->serial, p->now_us - quiet_us);
}

void promises_value_check(struct promises *p, const struct promises_request *get,
                          const struct promises_end *e) {
  const struct promises_birth *b = promises_birth(p, e->serial);
  uint64_t serial = e->serial;
  int64_t wall_unix_ns = e->wall_unix_ns;
  int64_t slack_ns = p->setup.unseen ? 1000000
                                     : 0; /* a loop reads its clock once a turn, or millisecond */
  p->deliveries++;
  if (b == NULL || b->key != get->key || b->running || b->status != 0) {
    promises_break(p, "P2: member %d, key %u: value %" PRIu64 " was never made for it", get->member,
                   get->key, serial);
    return;
  }
  check_ceiling(p, get, b, e);
  if (e->stale_ms > 0)
    check_stale(p, get, b, e);
  else if (b->expire_unix_ns != GCACHE_NEVER && b->expire_unix_ns <= wall_unix_ns - slack_ns)
    promises_break(
        p, "P6: member %d, key %u: value %" PRIu64 " delivered %" PRId64 " us after its expiry",
        get->member, get->key, serial, (wall_unix_ns - b->expire_unix_ns) / 1000);
  if (get->kind == PROMISES_GET)
    promises_floors_check(p, get, serial);
  else
    promises_told_check(p, get, b->is_set ? b->landed_seq : b->begin_seq);
}

/* ---- failures ---- */

/* A failure that is the core's own: a getter's value was too large or had expired, or a value
 * expired in the turn of its delivery, or while it waited for others to be told with. */
static void check_refusal(struct promises *p, size_t request, int64_t wall_unix_ns) {
  const struct promises_request *r = &p->requests[request];
  struct promises_key *k = &p->keys[r->key];
  /* What a peer told was checked there, by the peer's clock. */
  if (r->kind == PROMISES_GET && k->refused_us + p->setup.stale_us >= r->begin_us) return;
  if (r->kind == PROMISES_ANSWER) k->refused_us = p->now_us;
  if (p->now_us < p->members[r->member].clock_set_us + TURN_NS / 1000) return;
  if (p->setup.failing) return;
  for (size_t i = 0; i < p->n_births; i++) {
    const struct promises_birth *b = &p->births[i];
    int64_t ago_ns = wall_unix_ns - b->expire_unix_ns;
    if (b->key != r->key || b->running) continue;
    if (b->status == GCACHE_ELOAD && b->end_us + p->setup.stale_us >= r->begin_us) return;
    if (b->expire_unix_ns != 0 && ago_ns >= 0 && (ago_ns < TURN_NS || r->n_held > 0)) return;
    if (p->setup.unseen && b->expire_unix_ns != 0 && b->status == 0) return; /* at a peer */
    /* A copy of it expires earlier. */
    if (r->n_held > 0 && p->setup.fresh.hot_max_ms > 0 && b->status == 0) return;
  }
  promises_break(p, "P3: get %zu of member %d, key %u, failed, and no getter's value explains it",
                 request, r->member, r->key);
}

/* Some getter of the key said so; there was no memory for its words. */
static int was_said(const struct promises *p, unsigned key, int status) {
  for (size_t i = 0; i < p->n_births; i++)
    if (p->births[i].key == key && !p->births[i].running && p->births[i].status == status) return 1;
  return 0;
}

/* A getter's word must be one that a getter said, of this key and not long ago. */
void promises_cause_check(struct promises *p, size_t request, const struct promises_end *e) {
  const struct promises_request *r = &p->requests[request];
  const struct promises_birth *b = promises_birth(p, e->cause);
  if (e->cause_hinted)
    promises_break(p,
                   "P3: get %zu of member %d, key %u, got the failure of run %" PRIu64
                   ", which was told that nobody waits",
                   request, r->member, r->key, e->cause);
  if (e->cause == 0 && e->status == GCACHE_ELOAD) {
    check_refusal(p, request, e->wall_unix_ns);
    return;
  }
  if (e->cause == 0 && p->setup.failing && was_said(p, r->key, e->status)) return;
  if (b == NULL || b->is_set || b->running || b->key != r->key || b->status != e->status)
    promises_break(p,
                   "P3: get %zu of member %d, key %u, status %d names run %" PRIu64
                   ", which did not say so",
                   request, r->member, r->key, e->status, e->cause);
  else if (e->status == GCACHE_ENOTFOUND && r->kind == PROMISES_GET)
    promises_floors_check(p, r, e->cause);
  uint64_t holds_us = p->setup.stale_us;
  if (e->status == GCACHE_ENOTFOUND) holds_us += p->setup.fresh.not_found_ms * 1000;
  if (b != NULL && e->status == GCACHE_ENOTFOUND && p->setup.fresh.clocks_jump) return;
  if (b != NULL && b->end_us + holds_us < r->begin_us)
    promises_break(p,
                   "P3: get %zu of member %d, key %u, got status %d of run %" PRIu64
                   ", which had ended long before",
                   request, r->member, r->key, e->status, e->cause);
}
