/* core/group - see group.h.
 *
 * Happy path: opened; requests come and go; closed: the group refuses, cancels every request (which
 * tells the getters and the transport that nobody waits), and when the last obligation has ended,
 * it is freed from a turn and `closed` runs. Fails: open only. A getter or transport that never
 * answers keeps the group closing for ever. */
#include "core/group.h"

#include <stddef.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "core/memory.h"
#include "core/req.h"
#include "core/timing.h"
#include "store/hit.h"

#define NAME_MAX_BYTES 256
#define HOT_DIVISOR 8
#define LOADS_MAX 16384
#define LOADS_QUEUED_MAX 65536

/* ------------------------------------------------------------------------------ find ---- */

static gcache_group_t *find(const gcache_t *core, gcache_bytes_t name) {
  struct gci_map_node *node = gci_map_first(&core->groups, gci_core_hash(core, name));
  for (; node != NULL; node = gci_map_next(node)) {
    gcache_group_t *group = gci_container_of(node, gcache_group_t, node);
    if (gci_bytes_equal(gcache_cstr(group->name), name)) return group;
  }
  return NULL;
}

gcache_group_t *gci_group_find(const gcache_t *core, gcache_bytes_t name) {
  gcache_group_t *group = find(core, name);
  return group == NULL || group->closing ? NULL : group;
}

gcache_group_t *gcache_group_find(const gcache_t *cache, const char *name) {
  return gci_group_find(cache, gcache_cstr(name));
}

gcache_t *gcache_group_cache(const gcache_group_t *group) {
  return group->core;
}

const char *gcache_group_name(const gcache_group_t *group) {
  return group->name;
}

gcache_group_t *gcache_group_next(const gcache_t *cache, const gcache_group_t *after) {
  const struct gcache_link_s *head = &cache->group_list.head;
  const struct gcache_link_s *link = after == NULL ? head->next : after->link.next;
  for (; link != head; link = link->next) {
    gcache_group_t *group = gci_container_of((struct gcache_link_s *)(uintptr_t)link,
                                             gcache_group_t, link);
    if (!group->closing) return group;
  }
  return NULL;
}

void *gcache_group_data(const gcache_group_t *group) {
  return group->data;
}

/* ------------------------------------------------------------------------------ close ---- */

static void group_free(gcache_group_t *group) {
  struct gci_mem *mem = gci_group_mem(group);
  gci_flights_fini(&group->loads);
  gci_flights_fini(&group->fetches);
  gci_pauses_fini(&group->pauses);
  gci_recent_fini(&group->recent);
  gci_cache_close(group->cache);
  gci_mem_free(mem, group->name, strlen(group->name) + 1);
  gci_mem_free(mem, group, sizeof *group);
}

void gci_group_finish(gcache_group_t *group) {
  gcache_t *core = group->core;
  gcache_closed_cb closed = group->closed;
  void *arg = group->closed_arg;
  if (!core->closing) gci_tells_group_closes(core, group->name);
  core->previous.is_forgetful = 1;
  gci_env_deadline_clear(core->env, &group->wheel);
  gci_defer_cancel(&group->shrink_job);
  gci_map_remove(&core->groups, &group->node);
  gci_link_unlink(&group->link);
  group_free(group);
  gci_env_release(core->env);
  if (closed != NULL) closed(arg);
}

/* Runs once the memory is empty, which can take many turns. The core is counted until the callback
 * has returned, which may close it. */
static void on_closed(struct gcache_job_s *job) {
  gcache_group_t *group = gci_container_of(job, gcache_group_t, closed_job);
  gcache_t *core = group->core;
  if (gci_cache_clear(group->cache)) {
    gci_env_defer(core->env, GCI_COMPLETIONS, job);
    return;
  }
  if (!core->closing) gci_group_finish(group);
  gci_countdown_give(&core->life);
}

/* When the whole cache closes, the caller cannot know when each group has gone: the groups stay,
 * and refuse, until the core ends. */
static void on_life_over(struct gci_countdown *life) {
  gcache_group_t *group = gci_container_of(life, gcache_group_t, life);
  gci_env_defer(group->core->env, GCI_COMPLETIONS, &group->closed_job);
}

/* Requests stay linked until their callbacks begin, and leaving runs no callback: the list does not
 * change meanwhile. */
void gci_group_shut(gcache_group_t *group) {
  if (group->closing) return;
  group->closing = 1;
  gci_cache_shut_hits_out(group->cache);
  gci_env_hold(group->core->env);
  gci_list_each(link, &group->reqs) {
    gci_req_cancel(gci_container_of(link, struct gcache_req_s, owned));
  }
  gci_countdown_give(&group->life);
}

void gcache_group_close(gcache_group_t *group, gcache_closed_cb closed, void *arg) {
  if (group->closed == NULL) {
    group->closed = closed;
    group->closed_arg = arg;
  }
  gci_group_shut(group);
}

/* ------------------------------------------------------------------------------ open ---- */

void gcache_group_options_init_size(gcache_group_options_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

/* An older application passes a shorter struct. */
static int read_options(gcache_group_options_t *out, const gcache_group_options_t *in) {
  memset(out, 0, sizeof *out);
  if (in == NULL || in->size < offsetof(gcache_group_options_t, loads_max)) return UV_EINVAL;
  memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
  if (out->loads_max == 0) out->loads_max = LOADS_MAX;
  if (out->loads_queued_max == 0) out->loads_queued_max = LOADS_QUEUED_MAX;
  return 0;
}

static int refuse(const gcache_t *core, const char *why) {
  gci_env_log(core->env, GCACHE_LOG_WARN, "gcache_group_open: %s", why);
  return UV_EINVAL;
}

static int check(const gcache_t *core, const char *name, const gcache_group_options_t *o) {
  if (core->closing) return GCACHE_ECLOSING;
  size_t len = name == NULL ? 0 : strnlen(name, NAME_MAX_BYTES + 1);
  if (len < 1 || len > NAME_MAX_BYTES || memchr(name, '/', len) != NULL)
    return refuse(core, "the name must have 1 to 256 bytes, without '/'");
  if (o->getter == NULL) return refuse(core, "option getter: is required");
  if (o->max_bytes < GCI_CACHE_MIN_BYTES)
    return refuse(core, "option max_bytes: is less than 65536");
  if (o->hot != GCACHE_HOT_DEFAULT && o->hot != GCACHE_HOT_ON && o->hot != GCACHE_HOT_OFF)
    return refuse(core, "option hot: has an unknown value");
  if (o->policy != GCACHE_POLICY_DEFAULT && o->policy != GCACHE_POLICY_LRU)
    return refuse(core, "option policy: has an unknown value");
  return find(core, gcache_cstr(name)) != NULL ? GCACHE_EEXIST : 0;
}

static void on_shrinking(struct gcache_job_s *job) {
  gcache_group_t *group = gci_container_of(job, gcache_group_t, shrink_job);
  if (gci_cache_shrink(group->cache)) gci_env_defer(group->core->env, GCI_COMPLETIONS, job);
}

void gci_group_shrink(gcache_group_t *group) {
  if (gci_job_queued(&group->shrink_job)) return;
  gci_env_defer(group->core->env, GCI_COMPLETIONS, &group->shrink_job);
}

int gcache_group_resize(gcache_group_t *group, size_t max_bytes) {
  if (group->closing) return GCACHE_ECLOSING;
  if (max_bytes < GCI_CACHE_MIN_BYTES) return UV_EINVAL;
  if (gci_cache_resize(group->cache, max_bytes)) gci_group_shrink(group);
  return 0;
}

static gcache_group_t *group_new(gcache_t *core, const char *name,
                                 const gcache_group_options_t *o) {
  struct gci_mem *mem = core->env->mem;
  unsigned hot_divisor = o->hot_divisor == 0 ? HOT_DIVISOR : o->hot_divisor;
  gcache_group_t *group = gci_mem_zalloc(mem, sizeof *group);
  if (group == NULL) return NULL;
  group->name = gci_mem_strdup(mem, gcache_cstr(name));
  if (group->name != NULL &&
      gci_cache_open(&group->cache, mem, o->max_bytes, hot_divisor, o->policy) == 0)
    return group;
  if (group->name != NULL) gci_mem_free(mem, group->name, strlen(name) + 1);
  gci_mem_free(mem, group, sizeof *group);
  return NULL;
}

int gcache_group_open(gcache_group_t **out, gcache_t *cache, const char *name,
                      const gcache_group_options_t *options) {
  gcache_group_options_t own, *o = &own;
  int rc = read_options(&own, options);
  if (rc == 0) rc = check(cache, name, o);
  if (rc < 0) return rc;
  gcache_windows_t wide = {o->stale_ms, o->error_ms, o->refresh_ahead_ms, o->hot_max_ms};
  struct gci_windows windows = gci_windows_of(&wide);
  rc = gci_budget_admit(&cache->budget, gci_cache_least_bytes());
  if (rc < 0) return rc;
  gcache_group_t *group = group_new(cache, name, o);
  if (group == NULL) return UV_ENOMEM;
  group->core = cache;
  group->getter = o->getter;
  group->cancel = o->cancel;
  group->data = o->data;
  group->hot = o->hot;
  group->not_found_ms = gci_window_of(o->not_found_ms);
  group->hot_max_ms = windows.hot_max_ms;
  gci_cache_join(group->cache, &cache->budget);
  gci_cache_set_windows(group->cache, &windows);
  gci_memory_init(group);
  gci_timing_init(group);
  gci_gate_init(&group->gate, o->loads_max, o->loads_queued_max);
  gci_list_init(&group->reqs);
  gci_countdown_init(&group->life, on_life_over);
  gci_job_init(&group->closed_job, on_closed);
  gci_job_init(&group->shrink_job, on_shrinking);
  gci_countdown_take(&cache->life);
  gci_map_insert(&cache->groups, &group->node, gci_core_hash(cache, gcache_cstr(name)));
  gci_list_push_back(&cache->group_list, &group->link);
  *out = group;
  return 0;
}
