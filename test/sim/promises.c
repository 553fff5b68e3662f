#include "promises.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "gcache/gcache.h"
#include "world.h"

#define ROUNDING_US 1000

void promises_open(struct promises *p, const struct promises_setup *setup) {
  memset(p, 0, sizeof *p);
  p->setup = *setup;
  p->seq = 1;
}

void promises_close(struct promises *p) {
  free(p->requests);
  free(p->pending);
  free(p->births);
  free(p->floors);
  free(p->deeds);
  free(p->misses);
  free(p->bars);
  free(p->told);
  free(p->lates);
}

void promises_break(struct promises *p, const char *format, ...) {
  if (p->broken[0] != '\0') return;
  va_list args;
  va_start(args, format);
  vsnprintf(p->broken, sizeof p->broken, format, args);
  va_end(args);
}

uint64_t promises_tick(struct promises *p) {
  return ++p->seq;
}

/* ---- a member that is gone ---- */

static int is_question(const struct promises_request *r) {
  return r->kind == PROMISES_GET || r->kind == PROMISES_ANSWER;
}

/* Somebody asks, or no longer does. */
static void count(struct promises *p, const struct promises_request *r, int by) {
  struct promises_member *m = &p->members[r->member];
  unsigned *counted = r->kind == PROMISES_GET ? m->gets : m->answers;
  if (!is_question(r)) return;
  counted[r->key] = (unsigned)((int)counted[r->key] + by);
  if (by < 0) m->left_us[r->key] = p->now_us;
  if (by < 0 && r->kind == PROMISES_GET) m->got_us[r->key] = p->now_us;
}

static void unlist(struct promises *p, size_t i) {
  const struct promises_request *r = &p->requests[p->pending[i]];
  if (r->cancelled_us == PROMISES_NEVER) count(p, r, -1);
  p->pending[i] = p->pending[--p->n_pending];
}

void promises_down(struct promises *p, int member) {
  uint64_t before = promises_agreed(p);
  for (size_t i = p->n_pending; i-- > 0;) {
    struct promises_request *r = &p->requests[p->pending[i]];
    if (r->member != member) continue;
    r->state = PROMISES_LOST;
    unlist(p, i);
  }
  promises_lost_runs(p, member);
  promises_misses_end(p, member, 0);
  p->members[member].living = 0;
  promises_agreed_check(p, before);
}

/* ---- calls and callbacks ---- */

void promises_enter(struct promises *p) {
  p->depth++;
}

void promises_leave(struct promises *p) {
  p->depth--;
}

void promises_upcall(struct promises *p, const char *what) {
  if (p->depth != 0) promises_break(p, "P10: %s ran inside a public call", what);
}

/* ---- requests ---- */

static int is_change(const struct promises_request *r) {
  return !is_question(r);
}

static unsigned group_of(const struct promises_request *r) {
  return r->kind == PROMISES_CLEAR ? r->key : r->key % PROMISES_GROUPS;
}

static const char *word(const struct promises_request *r) {
  static const char *const words[] = {"get", "answer", "set", "remove", "clear"};
  return words[r->kind];
}

static uint64_t members_of(uint64_t list) {
  return list & ((UINT64_C(1) << PROMISES_WEIGHTS_SHIFT) - 1);
}

size_t promises_began(struct promises *p, enum promises_kind kind, int member, unsigned key,
                      uint64_t due_us) {
  p->requests = sim_grow(p->requests, p->n_requests, &p->cap_requests, sizeof *p->requests);
  p->pending = sim_grow(p->pending, p->n_pending, &p->cap_pending, sizeof *p->pending);
  struct promises_member *m = &p->members[member];
  struct promises_request *r = &p->requests[p->n_requests];
  *r = (struct promises_request){.kind = kind,
                                 .member = member,
                                 .key = key,
                                 .begin_seq = promises_tick(p),
                                 .begin_us = p->now_us,
                                 .due_us = due_us,
                                 .cancelled_us = PROMISES_NEVER,
                                 .epoch = promises_epoch(p),
                                 .mask = members_of(m->list)};
  if (m->list == 0) r->mask = UINT64_C(1) << member;
  if (kind == PROMISES_GET) r->joins_unreached = m->keeps_unreached;
  if (kind == PROMISES_GET && promises_is_untold(p, member, key)) m->loads_here[key] = 1;
  count(p, r, 1);
  if (is_change(r)) promises_change_sent(p, kind, key);
  p->pending[p->n_pending++] = p->n_requests;
  return p->n_requests++;
}

void promises_held(struct promises *p, size_t first, size_t n) {
  for (size_t i = first; i < first + n; i++) {
    p->requests[i].held = first;
    p->requests[i].n_held = n;
  }
}

static void take(struct promises *p, size_t request) {
  for (size_t i = 0; i < p->n_pending; i++) {
    if (p->pending[i] != request) continue;
    unlist(p, i);
    return;
  }
}

void promises_refused(struct promises *p, size_t request) {
  struct promises_request *r = &p->requests[request];
  if (r->state != PROMISES_PENDING)
    promises_break(p, "P10: %s %zu had its callback, then the call returned an error", word(r),
                   request);
  if (r->state == PROMISES_PENDING) take(p, request);
  r->state = PROMISES_REFUSED;
  if (is_change(r)) promises_change_settled(p, r->kind, r->key);
}

void promises_cancelled(struct promises *p, size_t request) {
  struct promises_request *r = &p->requests[request];
  if (r->state != PROMISES_PENDING || r->cancelled_us != PROMISES_NEVER) return;
  r->cancelled_us = p->now_us;
  count(p, r, -1);
}

/* Nonzero: what was due there at us has not come in time. */
static int is_late(const struct promises *p, int member, uint64_t us) {
  uint64_t due_us = promises_due_us(p, member, us);
  return due_us != PROMISES_NEVER && p->now_us > due_us + ROUNDING_US;
}

/* What holds for every callback: once, in time, and told of a cancel only when there was one. */
static void end(struct promises *p, size_t request, int status) {
  struct promises_request *r = &p->requests[request];
  int member = r->member;
  promises_tick(p);
  promises_upcall(p, word(r));
  if (r->state != PROMISES_PENDING) {
    promises_break(p, "P10: %s %zu of member %d had a callback it is not owed (state %d)", word(r),
                   request, member, (int)r->state);
    return;
  }
  take(p, request);
  r->state = PROMISES_DONE;
  if (is_late(p, member, r->due_us))
    promises_break(p, "P3: %s %zu of member %d, key %u, came %" PRIu64 " us after its deadline",
                   word(r), request, member, r->key, p->now_us - r->due_us);
  if (r->cancelled_us != PROMISES_NEVER && status != UV_ECANCELED)
    promises_break(p, "P3: %s %zu of member %d was cancelled and ended with %d", word(r), request,
                   member, status);
  if (is_late(p, member, r->cancelled_us))
    promises_break(p, "P3: %s %zu of member %d ended %" PRIu64 " us after its cancel", word(r),
                   request, member, p->now_us - r->cancelled_us);
  if (status == UV_ECANCELED && r->cancelled_us == PROMISES_NEVER &&
      !p->members[member].closing[group_of(r)])
    promises_break(p, "P3: %s %zu of member %d ended with UV_ECANCELED, and nobody cancelled it",
                   word(r), request, member);
}

/* By the transport, by a peer, or here because too many getters run; who is told together with
 * others is told later. */
static int may_be_refused(struct promises *p, const struct promises_request *r) {
  uint64_t since_us = r->n_held > 0 ? r->begin_us : p->now_us;
  if (r->kind == PROMISES_GET && p->members[r->member].busy_seq[r->key] > r->begin_seq) return 1;
  if (!promises_was_full(p, r->member, r->key, since_us)) return 0;
  p->shed++;
  return 1;
}

void promises_ended(struct promises *p, size_t request, const struct promises_end *e) {
  struct promises_request *r = &p->requests[request];
  end(p, request, e->status);
  int known = e->status == 0 || e->status == GCACHE_ENOTFOUND || e->status == GCACHE_ELOAD ||
              e->status == UV_ETIMEDOUT || e->status == UV_ECANCELED;
  if (e->status == GCACHE_EBUSY) known = may_be_refused(p, r);
  if (p->setup.unseen && e->status == GCACHE_EBUSY) known = 1;
  if (p->setup.failing && e->status == UV_ENOMEM) known = 1;
  if (!known)
    promises_break(p, "P3: %s %zu of member %d ended with status %d", word(r), request, r->member,
                   e->status);
  if ((e->status == 0) != (e->serial != 0))
    promises_break(p, "P10: %s %zu of member %d: status %d with value %" PRIu64, word(r), request,
                   r->member, e->status, e->serial);
  if (e->status == UV_ETIMEDOUT && p->now_us < r->due_us)
    promises_break(p, "P3: %s %zu of member %d timed out %" PRIu64 " us early", word(r), request,
                   r->member, r->due_us - p->now_us);
  if (e->status == GCACHE_ENOTFOUND || e->status == GCACHE_ELOAD)
    promises_cause_check(p, request, e);
  if (e->serial == 0) return;
  promises_value_check(p, r, e);
  const struct promises_birth *b = promises_birth(p, e->serial);
  int may_return = p->setup.unseen &&
                   p->setup.hands_over; /* taken over by its owner, and fetched */
  if (b != NULL && e->from == GCACHE_FROM_HOT && p->setup.settled && !b->is_set && !may_return &&
      b->member == r->member)
    promises_break(p, "P5: get %zu of member %d found value %" PRIu64 ", its own, in its hot cache",
                   request, r->member, e->serial);
  if (b == NULL || (e->from != GCACHE_FROM_LOAD && e->from != GCACHE_FROM_MAIN)) return;
  /* It may have been handed over. */
  if ((p->setup.unseen || p->setup.hands_over) && e->from == GCACHE_FROM_MAIN) return;
  if (b->member == r->member ? b->is_set && e->from == GCACHE_FROM_LOAD : !b->is_set)
    promises_break(p,
                   "P3: get %zu of member %d was told that value %" PRIu64
                   " is its own (from %d); member %d made it",
                   request, r->member, e->serial, e->from, b->member);
}

/* Nothing changed in what all have in common while it was under way, but that its maker was the
 * last to get the list. */
static int holds_for_all(const struct promises *p, const struct promises_request *r) {
  uint64_t listed_seq = p->members[r->member].listed_seq;
  if (promises_epoch(p) == 0) return 0;
  return p->agreed_seq <= (listed_seq > r->begin_seq ? listed_seq : r->begin_seq);
}

static void check_report(struct promises *p, size_t request, int status, uint64_t reported,
                         uint64_t ok, int twice) {
  const struct promises_request *r = &p->requests[request];
  uint64_t mask = r->mask, listed = members_of(p->members[r->member].list);
  if ((mask & ~reported) != 0 || (reported & ~(mask | r->came)) != 0 || twice)
    promises_break(p,
                   "P8: %s %zu of member %d reported members %" PRIx64 "%s, its list was %" PRIx64,
                   word(r), request, r->member, reported, twice ? " (some twice)" : "", mask);
  if (status == 0 && (listed & ~reported) != 0)
    promises_break(p, "P8: %s %zu of member %d succeeded with %" PRIx64 ", its list is %" PRIx64,
                   word(r), request, r->member, reported, listed);
  int all = ok == reported;
  if (status != UV_ECANCELED && (status == 0 ? !all : all || status != GCACHE_EPARTIAL))
    promises_break(p, "P8: %s %zu of member %d: status %d, list %" PRIx64 ", reported 0 %" PRIx64,
                   word(r), request, r->member, status, mask, ok);
}

void promises_change_ended(struct promises *p, size_t request, int status, uint64_t reported,
                           uint64_t ok, int twice) {
  struct promises_request *r = &p->requests[request];
  end(p, request, status);
  promises_change_settled(p, r->kind, r->key);
  check_report(p, request, status, reported, ok, twice);
  if (status != 0 || !holds_for_all(p, r)) return;
  p->floors = sim_grow(p->floors, p->n_floors, &p->cap_floors, sizeof *p->floors);
  p->floors[p->n_floors++] = (struct promises_floor){.member = r->member,
                                                     .whole_group = r->kind == PROMISES_CLEAR,
                                                     .key = r->key,
                                                     .epoch = promises_epoch(p),
                                                     .begin_seq = r->begin_seq,
                                                     .end_seq = p->seq};
}

void promises_peeked(struct promises *p, int member, unsigned key, uint64_t serial,
                     int64_t wall_unix_ns) {
  if (serial == 0) return;
  struct promises_request now = {.kind = PROMISES_GET,
                                 .member = member,
                                 .key = key,
                                 .begin_seq = promises_tick(p),
                                 .begin_us = p->now_us,
                                 .epoch = promises_epoch(p),
                                 .joins_unreached = p->members[member].keeps_unreached};
  struct promises_end end = {.serial = serial, .wall_unix_ns = wall_unix_ns};
  promises_value_check(p, &now, &end);
}

/* What one request waits for: a getter here or an answer to a question of this member; a peer's
 * question a getter only. */
static int has_reason_to_wait(const struct promises *p, const struct promises_request *r) {
  const struct promises_member *m = &p->members[r->member];
  unsigned reasons = m->handed[r->key] + m->runs[r->key] +
                     (r->kind == PROMISES_GET ? m->questions[r->key] : 0);
  uint64_t since = r->begin_us > m->quiet_us[r->key] ? r->begin_us : m->quiet_us[r->key];
  if (promises_was_full(p, r->member, r->key, p->now_us))
    return 1; /* its load may be in the queue */
  return reasons > 0 || p->now_us <= since + ROUNDING_US;
}

/* Whoever waits has a reason (P4), or one of those has that are told with him. */
static void check_reason_to_wait(struct promises *p, size_t request) {
  const struct promises_request *r = &p->requests[request];
  if (p->setup.unseen || !is_question(r) || has_reason_to_wait(p, r)) return;
  for (size_t i = r->held; i < r->held + r->n_held; i++)
    if (has_reason_to_wait(p, &p->requests[i])) return;
  promises_break(p, "P4: %s %zu of member %d, key %u, waits for %s", word(r), request, r->member,
                 r->key,
                 p->members[r->member].questions[r->key] > 0 ? "the answer of a peer" : "nothing");
}

/* Those that are told together are asked for twice if they expire meanwhile. */
static uint64_t patience_us(const struct promises *p, const struct promises_request *r) {
  uint64_t us = p->setup.patience_us;
  return us == PROMISES_NEVER || r->n_held == 0 ? us : 2 * us;
}

/* A group that closes cancels all that waits in it. */
static void check_outlives_group(struct promises *p, size_t request) {
  const struct promises_request *r = &p->requests[request];
  const struct promises_member *m = &p->members[r->member];
  unsigned group = group_of(r);
  if (m->closing[group] && is_late(p, r->member, m->closing_us[group]))
    promises_break(p, "P10: %s %zu of member %d waits in group %u, which closes", word(r), request,
                   r->member, group);
}

void promises_look(struct promises *p) {
  for (size_t i = 0; i < p->n_pending; i++) {
    const struct promises_request *r = &p->requests[p->pending[i]];
    if (is_late(p, r->member, r->due_us))
      promises_break(p, "P3: %s %zu of member %d, key %u, is %" PRIu64 " us past its deadline",
                     word(r), p->pending[i], r->member, r->key, p->now_us - r->due_us);
    uint64_t patience = patience_us(p, r);
    uint64_t since_us = promises_due_us(p, r->member, r->begin_us);
    if (patience != PROMISES_NEVER && since_us != PROMISES_NEVER && p->now_us > since_us + patience)
      promises_break(p, "P4: %s %zu of member %d, key %u, has waited %" PRIu64 " us", word(r),
                     p->pending[i], r->member, r->key, p->now_us - r->begin_us);
    check_reason_to_wait(p, p->pending[i]);
    check_outlives_group(p, p->pending[i]);
  }
  promises_idle_check(p);
}

unsigned promises_pending_of(const struct promises *p, int member) {
  unsigned n = 0;
  for (size_t i = 0; i < p->n_pending; i++)
    n += p->requests[p->pending[i]].member == member;
  return n;
}
