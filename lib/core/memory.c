/* core/memory - see memory.h. */
#include "core/memory.h"

#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/handoff.h"

#define STEP_MAX_MS 500
#define NS_PER_MS 1000000

/* ------------------------------------------------------------------------------ expiry ---- */

static uint64_t wait_ms(int64_t due_unix_ns, int64_t now_unix_ns) {
  if (due_unix_ns <= now_unix_ns) return 0;
  uint64_t ns = (uint64_t)due_unix_ns - (uint64_t)now_unix_ns;
  return ns > STEP_MAX_MS * (uint64_t)NS_PER_MS ? STEP_MAX_MS : (ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* Sets the wheel's deadline, if memory is due earlier than the deadline is set for. Only the first
 * setting can fail. */
static int watch(gcache_group_t *group) {
  struct gci_env *env = group->core->env;
  int64_t due = gci_cache_due(group->cache);
  if (due == INT64_MAX) return 0;
  if (gci_deadline_is_set(&group->wheel) && due >= group->wheel_due_unix_ns) return 0;
  uint64_t ms = wait_ms(due, gci_env_unix_ns(env));
  int rc = gci_env_deadline(env, &group->wheel, gci_env_after_ms(env, ms));
  if (rc == 0) group->wheel_due_unix_ns = due;
  return rc;
}

/* Its place in the heap of deadlines has just become free: setting it again cannot fail. */
static void on_wheel_turned(struct gcache_deadline_s *wheel) {
  gcache_group_t *group = gci_container_of(wheel, gcache_group_t, wheel);
  struct gci_env *env = group->core->env;
  if (gci_cache_expire(group->cache, gci_env_unix_ns(env))) {
    group->wheel_due_unix_ns = INT64_MIN;
    gci_env_deadline(env, wheel, gci_env_after_ms(env, 0));
    return;
  }
  watch(group);
}

void gci_memory_init(gcache_group_t *group) {
  gci_flights_init(&group->loads, gci_group_mem(group));
  gci_flights_init(&group->fetches, gci_group_mem(group));
  gci_pauses_init(&group->pauses, gci_group_mem(group));
  uint64_t now_ms = gci_env_mono_ms(group->core->env);
  gci_recent_init(&group->recent, gci_group_mem(group), now_ms);
  if (group->core->previous.is_forgetful) gci_recent_changed_all(&group->recent, now_ms);
  gci_deadline_init(&group->wheel, on_wheel_turned);
}

/* ------------------------------------------------------------------------------ look, keep ---- */

gcache_from_t gci_memory_from(enum gci_side side) {
  return side == GCI_MAIN ? GCACHE_FROM_MAIN : GCACHE_FROM_HOT;
}

int gci_memory_look(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                    struct gci_found *found) {
  return gci_cache_look(group->cache, key, hash, gci_memory_now(group), found);
}

gcache_value_t *gci_memory_peek(gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  enum gci_side side;
  return gci_cache_get(group->cache, key, hash, gci_memory_now(group), &side);
}

gcache_value_t *gci_memory_spare(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                                 gcache_from_t *from) {
  enum gci_side side = GCI_MAIN;
  int64_t now = gci_env_unix_ns(group->core->env);
  gcache_value_t *value = gci_cache_spare(group->cache, key, hash, now, &side);
  *from = gci_memory_from(side);
  return value;
}

int64_t gci_memory_end(const gcache_group_t *group, const gcache_value_t *value,
                       enum gci_takes takes) {
  int64_t expire = gcache_value_expire(value);
  if (expire == GCACHE_NEVER || takes == GCI_TAKES_SENT) return INT64_MAX;
  const struct gci_windows *windows = gci_cache_windows(group->cache, value);
  if (takes == GCI_TAKES_STALE) return gci_window_end(expire, windows->stale_ms);
  return takes == GCI_TAKES_SPARE ? gci_window_end(expire, windows->error_ms) : expire;
}

static int keeps(const gcache_group_t *group, enum gci_side side) {
  if (group->closing) return 0;
  if (gci_core_is_client_only(group->core)) return group->hot == GCACHE_HOT_ON;
  return side == GCI_MAIN || group->hot != GCACHE_HOT_OFF;
}

/* Kept and watched, or absent. */
static int put(gcache_group_t *group, enum gci_side side, gcache_bytes_t key, uint64_t hash,
               gcache_value_t *value) {
  int64_t now = gci_env_unix_ns(group->core->env);
  int rc = gci_cache_put(group->cache, side, key, hash, value, now);
  if (rc == 0) rc = watch(group);
  if (rc < 0) gci_cache_remove(group->cache, key, hash);
  gci_pauses_succeeded(&group->pauses, hash);
  return rc;
}

void gci_memory_keep(gcache_group_t *group, enum gci_side side, const struct gci_flight *flight,
                     gcache_value_t *value) {
  if (!keeps(group, side)) return;
  if (flight->joinable && put(group, side, flight->key, flight->node.hash, value) == 0) return;
  group->stats.not_kept++;
}

static uint32_t shorter(uint32_t window_ms, uint64_t left_ms) {
  return window_ms < left_ms ? window_ms : (uint32_t)left_ms;
}

/* The copy ends at end_unix_ns at the latest, with the windows around its expiry. Takes the
 * reference; NULL: out of memory, and the reference is still the caller's. */
static gcache_value_t *capped(gcache_group_t *group, gcache_value_t *value, int64_t end_unix_ns) {
  const struct gci_windows *windows = gci_cache_windows(group->cache, value);
  struct gci_windows cut = *windows;
  int64_t expire = gcache_value_expire(value);
  if (expire == GCACHE_NEVER || expire > end_unix_ns) expire = end_unix_ns;
  uint64_t left_ms = ((uint64_t)end_unix_ns - (uint64_t)expire) / NS_PER_MS;
  cut.stale_ms = shorter(cut.stale_ms, left_ms);
  cut.error_ms = shorter(cut.error_ms, left_ms);
  int is_cut = cut.stale_ms < windows->stale_ms || cut.error_ms < windows->error_ms;
  if (!is_cut && expire == gcache_value_expire(value)) return value;
  gcache_value_t *own = gci_value_until(gci_group_mem(group), value, expire);
  if (own == NULL || !is_cut || gci_value_set_windows(own, &cut) == 0) return own;
  if (own == value) return NULL;
  gcache_value_ref(value); /* own gives back the reference that is still the caller's */
  gcache_value_unref(own);
  return NULL;
}

gcache_value_t *gci_memory_keep_hot(gcache_group_t *group, const struct gci_flight *flight,
                                    gcache_value_t *value) {
  uint32_t max_ms = gci_cache_windows(group->cache, value)->hot_max_ms;
  if (!keeps(group, GCI_HOT)) return value;
  if (max_ms > 0) {
    int64_t end = gci_window_end(gci_env_unix_ns(group->core->env), max_ms);
    gcache_value_t *kept = capped(group, value, end);
    if (kept == NULL) {
      group->stats.not_kept++;
      return value;
    }
    value = kept;
  }
  gci_memory_keep(group, GCI_HOT, flight, value);
  return value;
}

static int put_absent(gcache_group_t *group, enum gci_side side, const struct gci_flight *flight,
                      gcache_value_t *reason) {
  int64_t now = gci_env_unix_ns(group->core->env);
  int rc = gci_cache_put_absent(group->cache, side, flight->key, flight->node.hash, reason, now);
  if (rc == 0) rc = watch(group);
  return rc;
}

void gci_memory_keep_absent(gcache_group_t *group, enum gci_side side,
                            const struct gci_journey *journey, const char *reason, uint64_t ms) {
  const struct gci_flight *flight = &journey->flight;
  int remembers = ms > 0 && keeps(group, side);
  if (!remembers && !journey->renews) return;
  if (!flight->joinable) {
    group->stats.not_kept += (uint64_t)remembers;
    return;
  }
  if (remembers) {
    gcache_bytes_t words = gcache_bytes(reason, strlen(reason) + 1); /* with its terminating zero */
    int64_t end = gci_window_end(gci_env_unix_ns(group->core->env), gci_window_of(ms));
    gcache_value_t *value = gci_value_copy(gci_group_mem(group), words, end);
    int rc = value == NULL ? UV_ENOMEM : put_absent(group, side, flight, value);
    gcache_value_unref(value);
    if (rc == 0) return;
    group->stats.not_kept++;
  }
  gci_cache_remove(group->cache, flight->key, flight->node.hash);
}

void gci_memory_keep_old(gcache_group_t *group, const struct gci_journey *journey) {
  if (!journey->renews || !journey->flight.joinable) return;
  gci_pauses_failed(&group->pauses, gci_journey_hash(journey), gci_env_mono_ms(group->core->env));
}

/* ------------------------------------------------------------------------------ set, drop ---- */

static void detach(struct gci_flights *flights, gcache_bytes_t key, uint64_t hash) {
  struct gci_flight *flight = gci_flights_find(flights, key, hash);
  if (flight != NULL) gci_flights_detach(flights, flight);
}

/* Without hand-off nobody asks what was changed. */
static int is_noted(const gcache_group_t *group) {
  return group->core->previous.terms.handoff_ms > 0;
}

void gci_memory_drop(gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  if (is_noted(group)) gci_recent_changed(&group->recent, hash, gci_env_mono_ms(group->core->env));
  detach(&group->loads, key, hash);
  detach(&group->fetches, key, hash);
  gci_cache_remove(group->cache, key, hash);
}

int gci_memory_set(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                   gcache_value_t *value) {
  gci_memory_drop(group, key, hash);
  int64_t now = gci_env_unix_ns(group->core->env);
  if (gci_value_expired_at(gcache_value_expire(value), now)) return 0;
  return put(group, GCI_MAIN, key, hash, value);
}

uint64_t gci_memory_drop_hot(gcache_group_t *group) {
  uint64_t n = gci_cache_drop_hot(group->cache);
  if (n > 0) gci_group_shrink(group);
  return n;
}

int gci_memory_take(gcache_group_t *group, gcache_bytes_t key, uint64_t hash,
                    gcache_value_t *value) {
  uint64_t now_ms = gci_env_mono_ms(group->core->env);
  if (!is_noted(group) || !keeps(group, GCI_MAIN)) return UV_EEXIST;
  if (gci_handoff_is_unsafe(group, hash, now_ms)) return UV_EEXIST;
  if (gci_flights_find(&group->loads, key, hash) != NULL) return UV_EEXIST;
  if (gci_cache_has(group->cache, key, hash)) return UV_EEXIST;
  int rc = put(group, GCI_MAIN, key, hash, value);
  if (rc == 0) group->stats.taken++;
  return rc == 0 ? 0 : GCACHE_ENOROOM;
}

void gci_memory_clear(gcache_group_t *group) {
  if (is_noted(group)) gci_recent_changed_all(&group->recent, gci_env_mono_ms(group->core->env));
  gci_flights_detach_all(&group->loads);
  gci_flights_detach_all(&group->fetches);
  if (gci_cache_clear(group->cache)) gci_group_shrink(group);
}
