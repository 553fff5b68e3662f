/* core/fetch - see fetch.h. */
#include "core/fetch.h"

#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/hedge.h"
#include "core/memory.h"
#include "core/trace.h"

struct gci_fetch {
  struct gcache_call_s call;
  struct gci_journey journey;
  struct second *second; /* NULL: none is under way */
  uint8_t is_acting;     /* it asks an acting owner, not the key's owner */
  uint8_t is_unfit;      /* the answer cannot be used here: no other peer is asked */
  uint8_t may_hedge;     /* it was the first to be asked, and hedging is on */
  uint8_t was_hedged;    /* once at least */
  uint8_t is_over;       /* the first call has been answered; the second may not have been */
  /* Of a fetch that may be hedged: */
  uint64_t asked_us;
  struct gcache_deadline_s late; /* set: the second call is made then */
};

/* The same request to the next owner. Holds a reference to the peer that was late. */
struct second {
  struct gcache_call_s call;
  struct gci_fetch *fetch;
  struct gci_peer *late;
};

static size_t fetch_size(gcache_bytes_t key) {
  return sizeof(struct gci_fetch) + key.len;
}

static struct gci_fetch *fetch_of(const gcache_call_t *call) {
  return (struct gci_fetch *)(uintptr_t)call; /* its first member */
}

static struct gci_fetch *fetch_of_journey(struct gci_journey *journey) {
  return gci_container_of(journey, struct gci_fetch, journey);
}

static struct gci_env *env_of(const struct gci_fetch *fetch) {
  return fetch->call.core->env;
}

/* ------------------------------------------------------------------------------ verdict ---- */

/* Whatever the owner allows: nobody here asked for a value that has been stale for longer. */
static int is_within_windows(const gcache_call_t *call, const gcache_value_t *value) {
  const struct gci_windows *w = gci_cache_windows(call->group->cache, value);
  return call->stale_ms <= (w->stale_ms > w->error_ms ? w->stale_ms : w->error_ms);
}

/* The status that a peer's answer amounts to. */
static inline int judge(const gcache_call_t *call, int status, const gcache_value_t *value) {
  gcache_t *core = call->core;
  if (status != 0) return status;
  if (gcache_value_bytes(value).len > core->value_max) return GCACHE_EPEER;
  if (call->stale_ms > 0) return is_within_windows(call, value) ? 0 : GCACHE_EPEER;
  int64_t now = gci_env_unix_ns(core->env);
  return gci_value_expired_at(gcache_value_expire(value), now) ? GCACHE_EPEER : 0;
}

/* The same; an answer that cannot be used counts as a failure of the peer. */
static inline int verdict(const gcache_call_t *call, int status, const gcache_value_t *value) {
  int judged = judge(call, status, value);
  if (judged != status) gci_peer_failed(call->peer, judged);
  return judged;
}

/* Clocks that count milliseconds disagree about the end of a time by this much. */
#define ROUNDING_MS 1

/* Nonzero: the owner did nothing wrong. If the granted time is not used up, it did: asking again
 * could go on for ever. */
static int owner_is_fine(const struct gci_fetch *fetch, int status) {
  if (status == UV_ECANCELED) return fetch->call.told;
  if (status != UV_ETIMEDOUT) return 0;
  return gci_env_mono_ms(env_of(fetch)) + ROUNDING_MS >= fetch->call.granted_ms;
}

/* ------------------------------------------------------------------------------ answers ---- */

static void count_try(const struct gci_fetch *fetch, int tries) {
  gci_list_each(link, &fetch->journey.flight.waiters) {
    gci_container_of(link, struct gcache_req_s, job.link)->tries += tries;
  }
}

/* Callers that had no more time than was granted have at most a rounding of it left, and are not
 * asked for again: every call grants more than the last. Callers that wait for the second call go
 * on waiting. */
static void strand(struct gci_fetch *fetch, int status) {
  gcache_group_t *group = fetch->call.group;
  struct gci_list those;
  gci_flights_detach(&group->fetches, &fetch->journey.flight);
  if (!owner_is_fine(fetch, status)) {
    if (fetch->call.started) group->stats.peer_errors++;
    count_try(fetch, fetch->is_unfit ? GCI_TRIES_HERE : 1);
    fetch->journey.failed = fetch->call.peer;
  } else if (status == UV_ETIMEDOUT) {
    gci_journey_let_go(&fetch->journey, fetch->call.granted_ms);
  }
  if (fetch->second == NULL) {
    gci_journey_strand(&fetch->journey);
    return;
  }
  gci_hedge_part(&fetch->journey, GCI_HEDGE_OTHERS, &those);
  gci_journey_strand(&fetch->journey);
  gci_hedge_join(&fetch->journey, &those);
}

enum keeping { DELIVERED_ONLY, KEPT };

/* Nothing is kept from an owner that is out by now, for instance because it has said that it
 * leaves: sets of the key may have gone to this member, while the owner still has the old value
 * (P2). */
static enum keeping keeping_of(const struct gci_fetch *fetch) {
  int is_owners = !fetch->is_acting && !gci_health_is_out(fetch->call.peer);
  return is_owners ? KEPT : DELIVERED_ONLY;
}

/* Takes the reference to value. */
static void answer_value(struct gci_fetch *fetch, const gcache_call_t *call, gcache_value_t *value,
                         enum keeping keeping) {
  struct gci_journey *journey = &fetch->journey;
  struct gci_journey_end end = {.from = GCACHE_FROM_PEER, .ms = call->stale_ms};
  call->group->stats.peer_loads++;
  if (end.ms > 0) {
    end.takes = GCI_TAKES_SENT;
    gci_memory_keep_old(call->group, journey);
  } else if (keeping == KEPT) {
    value = gci_memory_keep_hot(call->group, &journey->flight, value);
  }
  end.value = value;
  gci_journey_answer(journey, &end);
  gcache_value_unref(value);
}

static uint64_t not_found_ms(const gcache_call_t *call) {
  uint64_t ms = call->not_found_ms;
  uint32_t max_ms = call->group->hot_max_ms;
  return max_ms > 0 && ms > max_ms ? max_ms : ms;
}

static void answer_failure(struct gci_fetch *fetch, const gcache_call_t *call, int status,
                           const char *text, enum keeping keeping) {
  gcache_group_t *group = call->group;
  gcache_value_t *reason = gci_value_text(gci_group_mem(group), text);
  struct gci_journey_end end = {.status = status, .reason = reason};
  if (status == GCACHE_ENOTFOUND) {
    end.ms = not_found_ms(call);
    if (keeping == KEPT)
      gci_memory_keep_absent(group, GCI_HOT, &fetch->journey, gci_value_words(reason), end.ms);
  } else {
    gci_memory_keep_old(group, &fetch->journey);
  }
  gci_journey_answer(&fetch->journey, &end);
  gcache_value_unref(reason);
}

/* Statuses that end the waiters, as opposed to moving them on to another peer or a load. */
static int is_final(int status) {
  return status == GCACHE_ENOTFOUND || status == GCACHE_ELOAD || status == GCACHE_EBUSY;
}

/* ---------------------------------------------------------------------------- a second one ---- */

static void free_fetch(struct gci_fetch *fetch, struct gci_mem *mem) {
  gci_mem_free(mem, fetch, fetch_size(fetch->journey.flight.key));
}

/* Without memory for the deadline, the next caller sets it. */
static void watch(struct gci_fetch *fetch) {
  if (!fetch->may_hedge || fetch->second != NULL || fetch->call.told) return;
  uint64_t ms = fetch->call.peer->late_ms;
  if (ms == 0 || gci_deadline_is_set(&fetch->late)) return;
  gci_env_deadline(env_of(fetch), &fetch->late, gci_env_after_ms(env_of(fetch), ms));
}

static uint64_t second_deadline_ms(const gcache_call_t *call) {
  const struct second *second = (const struct second *)(const void *)call; /* its first member */
  return gci_hedge_deadline_ms(&second->fetch->journey);
}

/* Nonzero: this answers the callers that wait for it. A getter that failed there is no answer as
 * long as the owner may still answer: hedging must not make errors. */
static int answer_second(struct gci_fetch *fetch, const gcache_call_t *call, int status,
                         gcache_value_t *value, const char *reason) {
  if (status == 0)
    answer_value(fetch, call, gcache_value_ref(value), DELIVERED_ONLY);
  else if (status == GCACHE_ENOTFOUND || (fetch->is_over && is_final(status)))
    answer_failure(fetch, call, status, reason, DELIVERED_ONLY);
  else
    return 0;
  return 1;
}

/* Both have failed: the key is loaded here; but if the owner's time was over, the owner is asked
 * once more. */
static void give_up_second(struct gci_fetch *fetch) {
  gci_hedge_end(&fetch->journey);
  if (!fetch->is_over) return;
  if (fetch->journey.failed != NULL) count_try(fetch, 1);
  fetch->journey.failed = NULL;
  gci_journey_strand(&fetch->journey);
}

static void on_second_done(gcache_call_t *call, int status, gcache_value_t *value,
                           const char *reason) {
  struct second *second = (struct second *)(void *)call;
  struct gci_fetch *fetch = second->fetch;
  struct gci_mem *mem = gci_group_mem(call->group);
  struct gci_list others;
  status = verdict(call, status, value);
  fetch->second = NULL;
  gci_hedge_part(&fetch->journey, GCI_HEDGE_THOSE, &others);
  int were_waiting = !gci_journey_is_empty(&fetch->journey);
  if (!were_waiting || !answer_second(fetch, call, status, value, reason))
    give_up_second(fetch);
  else if (status == 0 || status == GCACHE_ENOTFOUND)
    second->late->stats.hedges_won++;
  gci_hedge_join(&fetch->journey, &others);
  gcache_value_unref(value);
  gci_peer_unref(second->late);
  gci_mem_free(mem, second, sizeof *second);
  if (fetch->is_over)
    free_fetch(fetch, mem);
  else if (gci_journey_is_empty(&fetch->journey))
    gci_call_hint(&fetch->call);
  else
    watch(fetch);
}

static const struct gci_call_maker second_maker = {second_deadline_ms, on_second_done};

static void ask_second(struct gci_fetch *fetch, struct gci_peer *peer) {
  gcache_group_t *group = fetch->call.group;
  struct second *second = gci_mem_alloc(gci_group_mem(group), sizeof *second);
  if (second == NULL) return;
  second->fetch = fetch;
  second->late = gci_peer_ref(fetch->call.peer);
  fetch->second = second;
  fetch->was_hedged = 1;
  second->late->stats.hedges++;
  gci_hedge_begin(&fetch->journey);
  gcache_value_t *before = gci_trace_enter(group->core, fetch->call.trace);
  gci_call_begin(&second->call, &second_maker, group, peer, GCACHE_OP_GET, fetch->call.key, NULL);
  gci_trace_leave(group->core, before);
  second->call.newer_than = fetch->call.newer_than;
}

/* If there is no second to ask now, that is left to later callers; if only the budget forbids it,
 * it is tried again. */
static void on_late(struct gcache_deadline_s *late) {
  struct gci_fetch *fetch = gci_container_of(late, struct gci_fetch, late);
  gcache_group_t *group = fetch->call.group;
  if (fetch->call.told || !gci_hedge_is_wanted(&fetch->journey)) return;
  if (!fetch->call
           .started) { /* a turn that began late: the owner has not been asked yet, so it is not
                        * late */
    watch(fetch);
    return;
  }
  struct gci_peer *peer = gci_hedge_second(group, fetch->call.key, fetch->call.peer);
  if (peer == NULL) return;
  if (gci_health_may_hedge(group->core))
    ask_second(fetch, peer);
  else
    watch(fetch);
}

/* --------------------------------------------------------------------------- the first one ---- */

/* A call that was given up because the other was answered took at least this long: leaving it out
 * would make the rest look faster, and ever more calls late. */
static void learn(const struct gci_fetch *fetch, int status) {
  const gcache_call_t *call = &fetch->call;
  int is_word = status == 0 || status == GCACHE_ENOTFOUND || status == GCACHE_ELOAD;
  int is_given_up = status == UV_ECANCELED && call->told && fetch->was_hedged;
  if (!call->started || (!is_word && !is_given_up)) return;
  gci_hedge_learn(call->core, call->peer, gci_env_mono_ns(env_of(fetch)) / 1000 - fetch->asked_us);
}

/* Nobody can join it any more. */
static void finish(struct gci_fetch *fetch) {
  gcache_group_t *group = fetch->call.group;
  gci_flights_detach(&group->fetches, &fetch->journey.flight);
  if (fetch->may_hedge) gci_env_deadline_clear(env_of(fetch), &fetch->late);
  fetch->is_over = 1;
  if (fetch->second == NULL)
    free_fetch(fetch, gci_group_mem(group));
  else if (gci_journey_is_empty(&fetch->journey))
    gci_call_hint(&fetch->second->call);
}

static void on_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct gci_fetch *fetch = fetch_of(call);
  if (fetch->may_hedge) learn(fetch, status);
  int judged = verdict(call, status, value);
  fetch->is_unfit = judged != status;
  status = judged;
  if (status == 0) {
    answer_value(fetch, call, value, keeping_of(fetch));
  } else {
    gcache_value_unref(value);
    if (is_final(status))
      answer_failure(fetch, call, status, reason, keeping_of(fetch));
    else
      strand(fetch, status);
  }
  finish(fetch);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  return gci_journey_deadline_ms(&fetch_of(call)->journey);
}

static void on_deserted(struct gci_journey *journey) {
  struct gci_fetch *fetch = fetch_of_journey(journey);
  if (!fetch->is_over) gci_call_hint(&fetch->call);
  if (fetch->second != NULL) gci_call_hint(&fetch->second->call);
}

static const struct gci_call_maker maker = {deadline_ms, on_done};

/* ------------------------------------------------------------------------------ open, join ---- */

struct gci_journey *
gci_fetch_open(gcache_group_t *group, struct gci_peer *owner, gcache_bytes_t key, uint64_t hash,
               void (*stranded)(struct gcache_req_s *req, gcache_bytes_t key, uint64_t hash)) {
  struct gci_fetch *fetch = gci_mem_alloc(gci_group_mem(group), fetch_size(key));
  if (fetch == NULL) return NULL;
  char *own_bytes = (char *)(fetch + 1);
  if (key.len > 0) memcpy(own_bytes, key.base, key.len);
  gcache_bytes_t own_key = gcache_bytes(own_bytes, key.len);
  fetch->journey.deserted = on_deserted;
  fetch->journey.stranded = stranded;
  fetch->journey.renews = 0;
  fetch->journey.failed = NULL;
  fetch->second = NULL;
  fetch->is_acting = 0;
  fetch->is_unfit = 0;
  fetch->may_hedge = 0;
  fetch->was_hedged = 0;
  fetch->is_over = 0;
  gci_flights_open(&group->fetches, &fetch->journey.flight, own_key, hash);
  gci_call_begin(&fetch->call, &maker, group, owner, GCACHE_OP_GET, own_key, NULL);
  group->stats.loads_deduped++;
  return &fetch->journey;
}

struct gci_journey *gci_fetch_find(const gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  struct gci_flight *flight = gci_flights_find(&group->fetches, key, hash);
  return flight == NULL ? NULL : gci_container_of(flight, struct gci_journey, flight);
}

void gci_fetch_ask_newer(struct gci_journey *fetch, int64_t than_unix_ns) {
  fetch_of_journey(fetch)->call.newer_than = than_unix_ns;
}

void gci_fetch_began(struct gci_journey *fetch, uint64_t began_ns) {
  gci_container_of(fetch, struct gci_fetch, journey)->call.began_ns = began_ns;
}

void gci_fetch_of_acting_owner(struct gci_journey *fetch) {
  fetch_of_journey(fetch)->is_acting = 1;
}

int gci_fetch_may_join(struct gci_journey *journey, const struct gci_peer *owner) {
  const struct gci_fetch *fetch = fetch_of_journey(journey);
  return !fetch->call.started || (!fetch->is_acting && fetch->call.peer == owner);
}

int gci_fetch_is_under_way(struct gci_journey *fetch) {
  return fetch_of_journey(fetch)->call.started;
}

void gci_fetch_hedge(struct gci_journey *journey) {
  struct gci_fetch *fetch = fetch_of_journey(journey);
  fetch->may_hedge = 1;
  fetch->asked_us = gci_env_mono_ns(env_of(fetch)) / 1000;
  gci_deadline_init(&fetch->late, on_late);
  watch(fetch);
}

void gci_fetch_watch(struct gci_journey *fetch) {
  watch(fetch_of_journey(fetch));
}
