/* core/fetch - see fetch.h. */
#include "core/fetch.h"

#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/memory.h"

struct gci_fetch {
  struct gcache_call_s call;
  struct gci_journey journey;
  int is_acting; /* whom it asks is not the key's owner */
  int is_unfit;  /* it has answered with what cannot be used here: nobody else is asked */
};

static size_t fetch_size(gcache_bytes_t key) {
  return sizeof(struct gci_fetch) + key.len;
}

static struct gci_fetch *fetch_of(const gcache_call_t *call) {
  return (struct gci_fetch *)(uintptr_t)call; /* its first member */
}

/* Whatever the owner says: nobody here asked for what has been stale for longer. */
static int is_within_windows(const struct gci_fetch *fetch, const gcache_value_t *value) {
  const struct gci_windows *w = gci_cache_windows(fetch->call.group->cache, value);
  return fetch->call.stale_ms <= (w->stale_ms > w->error_ms ? w->stale_ms : w->error_ms);
}

/* Of a peer's word: what the exchange comes to. */
static int verdict(const struct gci_fetch *fetch, int status, const gcache_value_t *value) {
  gcache_t *core = fetch->call.group->core;
  if (status != 0) return status;
  if (gcache_value_bytes(value).len > core->value_max) return GCACHE_EPEER;
  if (fetch->call.stale_ms > 0) return is_within_windows(fetch, value) ? 0 : GCACHE_EPEER;
  int64_t now = gci_env_unix_ns(core->env);
  return gci_value_expired_at(gcache_value_expire(value), now) ? GCACHE_EPEER : 0;
}

/* Clocks that count milliseconds disagree about the end of a time by this much. */
#define ROUNDING_MS 1

/* Nonzero: the owner did nothing wrong. If the granted time is not used up it did: asking again
 * could go on for ever. */
static int owner_is_fine(const struct gci_fetch *fetch, int status) {
  if (status == UV_ECANCELED) return fetch->call.told;
  if (status != UV_ETIMEDOUT) return 0;
  return gci_env_mono_ms(fetch->call.group->core->env) + ROUNDING_MS >= fetch->call.granted_ms;
}

/* Who had no more time than was granted has a rounding of it left at most, and is not asked for
 * again: every question grants more than the last. */
static void strand(struct gci_fetch *fetch, int status) {
  gcache_group_t *group = fetch->call.group;
  gci_flights_detach(&group->fetches, &fetch->journey.flight);
  if (!owner_is_fine(fetch, status)) {
    if (fetch->call.started) group->stats.peer_errors++;
    gci_list_each(link, &fetch->journey.flight.waiters) {
      gci_container_of(link, struct gcache_req_s, job.link)->tries += fetch->is_unfit
                                                                          ? GCI_TRIES_HERE
                                                                          : 1;
    }
    fetch->journey.failed = fetch->call.peer;
  } else if (status == UV_ETIMEDOUT) {
    gci_journey_let_go(&fetch->journey, fetch->call.granted_ms);
  }
  gci_journey_strand(&fetch->journey);
}

/* Takes the reference to value. */
static void answer_value(struct gci_fetch *fetch, gcache_value_t *value) {
  struct gci_journey *journey = &fetch->journey;
  struct gci_journey_end end = {.from = GCACHE_FROM_PEER, .ms = fetch->call.stale_ms};
  fetch->call.group->stats.peer_loads++;
  if (end.ms > 0) {
    end.takes = GCI_TAKES_SENT;
    gci_memory_keep_old(fetch->call.group, journey);
  } else if (!fetch->is_acting) {
    value = gci_memory_keep_hot(fetch->call.group, &journey->flight, value);
  }
  end.value = value;
  gci_journey_answer(journey, &end);
  gcache_value_unref(value);
}

static uint64_t not_found_ms(const struct gci_fetch *fetch) {
  uint64_t ms = fetch->call.not_found_ms;
  uint32_t max_ms = fetch->call.group->hot_max_ms;
  return max_ms > 0 && ms > max_ms ? max_ms : ms;
}

static void answer_failure(struct gci_fetch *fetch, int status, const char *text) {
  gcache_group_t *group = fetch->call.group;
  gcache_value_t *reason = gci_value_text(gci_group_mem(group), text);
  struct gci_journey_end end = {.status = status, .reason = reason};
  if (status == GCACHE_ENOTFOUND) {
    end.ms = not_found_ms(fetch);
    if (!fetch->is_acting)
      gci_memory_keep_absent(group, GCI_HOT, &fetch->journey, gci_value_words(reason), end.ms);
  } else {
    gci_memory_keep_old(group, &fetch->journey);
  }
  gci_journey_answer(&fetch->journey, &end);
  gcache_value_unref(reason);
}

/* What the waiters are told, as opposed to being brought on by other means. */
static int is_final(int status) {
  return status == GCACHE_ENOTFOUND || status == GCACHE_ELOAD || status == GCACHE_EBUSY;
}

static void on_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct gci_fetch *fetch = fetch_of(call);
  gcache_group_t *group = call->group;
  int judged = verdict(fetch, status, value);
  fetch->is_unfit = judged != status;
  if (fetch->is_unfit) gci_peer_failed(call->peer, judged);
  status = judged;
  if (status == 0) {
    answer_value(fetch, value);
  } else {
    gcache_value_unref(value);
    if (is_final(status))
      answer_failure(fetch, status, reason);
    else
      strand(fetch, status);
  }
  gci_flights_detach(&group->fetches, &fetch->journey.flight);
  gci_mem_free(gci_group_mem(group), fetch, fetch_size(fetch->journey.flight.key));
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  return gci_journey_deadline_ms(&fetch_of(call)->journey);
}

static void on_deserted(struct gci_journey *journey) {
  gci_call_hint(&gci_container_of(journey, struct gci_fetch, journey)->call);
}

static const struct gci_call_maker maker = {deadline_ms, on_done};

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
  fetch->is_acting = 0;
  fetch->is_unfit = 0;
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
  gci_container_of(fetch, struct gci_fetch, journey)->call.newer_than = than_unix_ns;
}

void gci_fetch_of_acting_owner(struct gci_journey *fetch) {
  gci_container_of(fetch, struct gci_fetch, journey)->is_acting = 1;
}

int gci_fetch_may_join(struct gci_journey *journey, const struct gci_peer *owner) {
  const struct gci_fetch *fetch = gci_container_of(journey, struct gci_fetch, journey);
  return !fetch->call.started || (!fetch->is_acting && fetch->call.peer == owner);
}

int gci_fetch_is_under_way(struct gci_journey *fetch) {
  return gci_container_of(fetch, struct gci_fetch, journey)->call.started;
}
