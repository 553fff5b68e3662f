/* core/handoff - see handoff.h. */
#include "core/handoff.h"

#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/call.h"

struct gci_handoff {
  gcache_call_t call;
  struct gcache_deadline_s deadline;
  struct gci_handoff_asker *asker; /* NULL: nobody waits */
  uint64_t until_ms;
  size_t size;
};

static struct gci_handoff *handoff_of(const gcache_call_t *call) {
  return (struct gci_handoff *)(uintptr_t)call; /* its first member */
}

int gci_handoff_is_unsafe(const gcache_group_t *group, uint64_t hash, uint64_t since_ms) {
  uint64_t quiet_ms = group->core->previous.terms.quiet_ms;
  uint64_t from_ms = since_ms > quiet_ms ? since_ms - quiet_ms : 0;
  return !gci_recent_knows_since(&group->recent, from_ms) || gci_recent_has(&group->recent, hash);
}

/* A member that has just started knows nothing of the time before, and neither does the member that
 * it asks: only what it has forgotten since then counts. */
static int may_ask(const gcache_group_t *group, uint64_t hash,
                   const struct gci_predecessor *before) {
  if (before->peer == NULL) return 0;
  if (!before->as_newcomer) return !gci_handoff_is_unsafe(group, hash, before->since_ms);
  return !before->peer->knows_self && group->recent.is_whole &&
         !gci_recent_has(&group->recent, hash);
}

/* ------------------------------------------------------------------------------------ answer -- */

static gcache_value_t *usable(gcache_t *core, gcache_value_t *value) {
  int64_t now = gci_env_unix_ns(core->env);
  if (value == NULL) return NULL;
  if (gcache_value_bytes(value).len <= core->value_max &&
      !gci_value_expired_at(gcache_value_expire(value), now))
    return value;
  gcache_value_unref(value);
  return NULL;
}

static void on_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct gci_handoff *handoff = handoff_of(call);
  struct gci_handoff_asker *asker = handoff->asker;
  gcache_group_t *group = call->group;
  (void)reason;
  if (status == UV_EPERM) call->peer->knows_self = 1;
  if (call->stale_ms > 0) {
    gcache_value_unref(value);
    value = NULL;
  }
  gci_env_deadline_clear(group->core->env, &handoff->deadline);
  if (asker == NULL) {
    gcache_value_unref(value);
  } else {
    asker->asked = NULL;
    asker->answered(asker, usable(group->core, value));
  }
  gci_mem_free(gci_group_mem(group), handoff, handoff->size);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  const struct gci_handoff *handoff = handoff_of(call);
  return handoff->asker == NULL ? 0 : handoff->until_ms;
}

static const struct gci_call_maker maker = {deadline_ms, on_done};

void gci_handoff_leave(struct gci_handoff_asker *asker) {
  struct gci_handoff *handoff = asker->asked;
  if (handoff == NULL) return;
  asker->asked = NULL;
  handoff->asker = NULL;
  gci_env_deadline_clear(handoff->call.core->env, &handoff->deadline);
  gci_call_hint(&handoff->call);
}

static void on_out_of_time(struct gcache_deadline_s *deadline) {
  struct gci_handoff_asker *asker = gci_container_of(deadline, struct gci_handoff, deadline)->asker;
  gci_handoff_leave(asker);
  asker->answered(asker, NULL);
}

/* ------------------------------------------------------------------------------------- asked -- */

static uint64_t until_ms(gcache_t *core, uint64_t deadline_ms) {
  uint64_t left_ms = gci_core_time_left_ms(core, deadline_ms) / 2;
  uint64_t wait_ms = core->previous.terms.wait_ms;
  return gci_env_after_ms(core->env, left_ms < wait_ms ? left_ms : wait_ms);
}

static struct gci_handoff *handoff_new(gcache_group_t *group, gcache_bytes_t *key) {
  size_t size = sizeof(struct gci_handoff) + key->len;
  struct gci_handoff *handoff = gci_mem_zalloc(gci_group_mem(group), size);
  if (handoff == NULL) return NULL;
  handoff->size = size;
  if (key->len > 0) memcpy(handoff + 1, key->base, key->len);
  key->base = handoff + 1;
  gci_deadline_init(&handoff->deadline, on_out_of_time);
  return handoff;
}

int gci_handoff_ask(struct gci_handoff_asker *asker, gcache_group_t *group, gcache_bytes_t key,
                    uint64_t hash, uint64_t latest_ms) {
  gcache_t *core = group->core;
  if (group->closing || !gci_call_can(core->transport, GCACHE_CAN_ASK_CACHED)) return 0;
  struct gci_predecessor before = gci_previous_owner(core, key);
  if (!may_ask(group, hash, &before)) return 0;
  struct gci_handoff *handoff = handoff_new(group, &key);
  if (handoff == NULL) return 0;
  handoff->until_ms = until_ms(core, latest_ms);
  if (gci_env_deadline(core->env, &handoff->deadline, handoff->until_ms) < 0) {
    gci_mem_free(gci_group_mem(group), handoff, handoff->size);
    return 0;
  }
  handoff->asker = asker;
  asker->asked = handoff;
  gci_call_begin(&handoff->call, &maker, group, before.peer, GCACHE_OP_GET, key, NULL);
  handoff->call.only_cached = 1;
  handoff->call.as_newcomer = before.as_newcomer != 0;
  return 1;
}
