/* core/core - see core.h.
 *
 * Close: every group is shut; each holds one count of `life` until nothing is owed to it, as does a
 * guest. At zero a job is queued, which ends the groups and then runs `closed`. Fails: open,
 * changing nothing. */
#include "core/core.h"

#include <string.h>
#include <uv.h>

#include "base/err.h"
#include "base/list.h"
#include "core/group.h"

/* ---------------------------------------------------------------------- open, close ---- */

static void on_closed(struct gcache_job_s *job) {
  gcache_t *core = gci_container_of(job, gcache_t, closed_job);
  gcache_closed_cb closed = core->closed;
  void *arg = core->closed_arg;
  struct gcache_link_s *link;
  while ((link = gci_list_front(&core->group_list)) != NULL) {
    gci_group_finish(gci_container_of(link, gcache_group_t, link));
  }
  gci_env_release(core->env);
  if (closed != NULL) closed(arg);
}

static void on_life_over(struct gci_countdown *life) {
  gcache_t *core = gci_container_of(life, gcache_t, life);
  gci_env_defer(core->env, GCI_COMPLETIONS, &core->closed_job);
}

int gci_core_open(gcache_t *core, struct gci_env *env, const struct gci_core_options *o) {
  *core = (gcache_t){.env = env,
                     .timeout_ms = o->timeout_ms,
                     .key_max = o->key_max,
                     .value_max = o->value_max,
                     .transport = o->transport,
                     .load_work = o->load_work,
                     .load_work_cancel = o->load_work_cancel,
                     .error_text = o->error_text,
                     .hooks = o->hooks};
  if (o->self != NULL && gci_core_set_self(core, o->self) < 0) return UV_ENOMEM;
  gci_hash_key_init(&core->hash_key, o->hash_seed);
  gci_peers_init(&core->peers, env->mem, o->dialect, o->replicas);
  gci_map_init(&core->groups, env->mem);
  gci_list_init(&core->group_list);
  gci_budget_init(&core->budget, o->max_bytes);
  gci_countdown_init(&core->life, on_life_over);
  gci_job_init(&core->closed_job, on_closed);
  gci_previous_init(core, &o->handoff);
  gci_lists_init(core, o->members_at_once);
  gci_health_open(core, &o->health);
  gci_tells_init(core, &o->tell);
  return 0;
}

int gci_core_set_self(gcache_t *core, const char *url) {
  char *self = gci_mem_strdup(core->env->mem, gcache_cstr(url));
  if (self == NULL) return UV_ENOMEM;
  if (core->self != NULL) gci_mem_free(core->env->mem, core->self, strlen(core->self) + 1);
  core->self = self;
  return 0;
}

void gci_core_close(gcache_t *core, gcache_closed_cb closed, void *arg) {
  if (core->closing) return;
  core->closing = 1;
  core->closed = closed;
  core->closed_arg = arg;
  gci_env_hold(core->env);
  gci_health_close(core);
  gci_tells_close(core);
  gci_leave_cancel(core);
  gci_list_each(link, &core->group_list) {
    gci_group_shut(gci_container_of(link, gcache_group_t, link));
  }
  if (core->guest != NULL) core->guest->cache_closes(core->guest);
  gci_countdown_give(&core->life);
}

void gci_core_fini(gcache_t *core) {
  gcache_trace_end(core);
  gci_lists_fini(core);
  gci_map_fini(&core->groups);
  if (core->self != NULL) gci_mem_free(core->env->mem, core->self, strlen(core->self) + 1);
  core->self = NULL;
}

/* ------------------------------------------------------------------------------ peers ---- */

const char *gcache_owner(const gcache_t *cache, gcache_bytes_t key) {
  const struct gci_peer *owner = gci_peers_owner(&cache->peers, key);
  return owner == NULL ? cache->self : owner->url;
}

int gci_core_is_client_only(const gcache_t *core) {
  return core->self == NULL && core->peers.n > 0;
}

/* ------------------------------------------------------------------------------ common ---- */

size_t gci_core_max_bytes(const gcache_t *core) {
  size_t max = core->budget.max_bytes, sum = 0;
  if (max > 0) return max;
  gci_list_each(link, &core->group_list) {
    sum += gci_cache_max_bytes(gci_container_of(link, gcache_group_t, link)->cache);
  }
  return sum;
}

uint64_t gci_core_deadline(gcache_t *core, uint64_t timeout_ms) {
  if (timeout_ms == GCACHE_NO_TIMEOUT) return GCI_DEADLINE_NEVER;
  return gci_env_after_ms(core->env, timeout_ms == 0 ? core->timeout_ms : timeout_ms);
}

uint64_t gci_core_time_left_ms(gcache_t *core, uint64_t at_ms) {
  if (at_ms == GCI_DEADLINE_NEVER) return UINT64_MAX;
  uint64_t now_ms = gci_env_mono_ms(core->env);
  return at_ms > now_ms ? at_ms - now_ms : 0;
}

const char *gci_core_error_text(const gcache_t *core, int code) {
  const char *text = gci_err_text(code);
  if (text == NULL && code < 0 && core->error_text != NULL) text = core->error_text(code);
  return text != NULL ? text : "the getter failed";
}
