/* core/leave - see leave.h. */
#include "core/leave.h"

#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/call.h"
#include "core/group.h"

enum {
  UNDER_WAY_MAX = 64,
  BYTES_UNDER_WAY_MAX = 8 << 20, /* one more value may be larger */
  STEPS = 256,                   /* entries of a group looked at in a turn */
  IN_TURN = 8,                   /* values of a group given before the next group's turn */
  OWNERS_A_TURN = 65536          /* members compared to find next owners, in a turn */
};

struct gci_leaving {
  gcache_t *core;
  gcache_leave_t *req; /* NULL: it has ended */
  struct gcache_deadline_s deadline;
  struct gcache_job_s job;
  uint64_t until_ms;
  size_t refs;           /* one for the request, one per value on its way */
  struct gci_list gives; /* under way */
  size_t under_way, bytes_under_way;
  size_t bytes; /* of all values sent */
};

struct give {
  gcache_call_t call;
  struct gcache_link_s link; /* in gci_leaving.gives */
  struct gci_leaving *leave;
  gcache_value_t *value;
  size_t key_len, bytes;
};

static void unref(struct gci_leaving *leave) {
  if (--leave->refs == 0) gci_mem_free(leave->core->env->mem, leave, sizeof *leave);
}

/* --------------------------------------------------------------------------------------- end -- */

/* The core is held until the callback has returned. */
static void on_ended(struct gcache_job_s *job) {
  gcache_leave_t *req = gci_container_of(job, gcache_leave_t, job);
  gcache_t *core = req->cache;
  gcache_left_t left = req->left;
  req->cb(req, req->status, &left);
  gci_env_release(core->env);
  gci_countdown_give(&core->life);
}

static void end_walks(gcache_t *core) {
  gci_list_each(link, &core->group_list) {
    gcache_group_t *group = gci_container_of(link, gcache_group_t, link);
    if (group->leaving == GCI_GROUP_GIVES) gci_cache_walk_end(group->cache, &group->walk);
    group->leaving = GCI_GROUP_STAYS;
  }
}

/* A peer may never answer a value that is on its way. */
static void hint_all(struct gci_leaving *leave) {
  gci_list_each(link, &leave->gives) {
    gci_call_hint(&gci_container_of(link, struct give, link)->call);
  }
}

static void finish(struct gci_leaving *leave, int status) {
  gcache_t *core = leave->core;
  gcache_leave_t *req = leave->req;
  leave->req = NULL;
  hint_all(leave);
  core->leave = NULL;
  gci_env_deadline_clear(core->env, &leave->deadline);
  gci_defer_cancel(&leave->job);
  end_walks(core);
  req->status = status;
  gci_job_init(&req->job, on_ended);
  gci_env_defer(core->env, GCI_COMPLETIONS, &req->job);
  unref(leave);
}

void gci_leave_cancel(gcache_t *core) {
  if (core->leave != NULL) finish(core->leave, UV_ECANCELED);
}

static void on_out_of_time(struct gcache_deadline_s *deadline) {
  finish(gci_container_of(deadline, struct gci_leaving, deadline), UV_ETIMEDOUT);
}

/* -------------------------------------------------------------------------------- one value -- */

static void wake(struct gci_leaving *leave) {
  if (!gci_job_queued(&leave->job)) gci_env_defer(leave->core->env, GCI_QUESTIONS, &leave->job);
}

static void on_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct give *give = gci_container_of(call, struct give, call);
  struct gci_leaving *leave = give->leave;
  (void)value, (void)reason;
  gci_link_unlink(&give->link);
  if (status == 0) call->group->stats.given++;
  leave->under_way--;
  leave->bytes_under_way -= give->bytes;
  if (leave->req != NULL) {
    gcache_left_t *left = &leave->req->left;
    left->given += status == 0;
    left->refused += status != 0;
    if (status == 0) left->bytes += give->bytes;
    wake(leave);
  }
  gcache_value_unref(give->value);
  gci_mem_free(leave->core->env->mem, give, sizeof *give + give->key_len);
  unref(leave);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  const struct give *give = (const void *)call; /* its first member */
  return give->leave->req == NULL ? 0 : give->leave->until_ms;
}

static const struct gci_call_maker maker = {deadline_ms, on_done};

static void give_one(struct gci_leaving *leave, gcache_group_t *group,
                     const struct gci_cache_walk *found) {
  struct gci_peer *heir = gci_previous_heir(leave->core, found->key);
  if (heir == NULL) return;
  size_t key_len = found->key.len;
  struct give *give = gci_mem_zalloc(leave->core->env->mem, sizeof *give + key_len);
  if (give == NULL) return;
  if (key_len > 0) memcpy(give + 1, found->key.base, key_len);
  give->leave = leave;
  give->value = gci_value_hold(found->value);
  give->key_len = key_len;
  give->bytes = key_len + gcache_value_bytes(found->value).len;
  gci_list_push_back(&leave->gives, &give->link);
  leave->refs++;
  leave->under_way++;
  leave->bytes += give->bytes;
  leave->bytes_under_way += give->bytes;
  gci_call_begin(&give->call, &maker, group, heir, GCACHE_OP_GIVE, gcache_bytes(give + 1, key_len),
                 give->value);
}

/* ------------------------------------------------------------------------------------- turns -- */

static int has_room(const struct gci_leaving *leave) {
  return leave->under_way < UNDER_WAY_MAX && leave->bytes_under_way < BYTES_UNDER_WAY_MAX &&
         leave->bytes < leave->core->previous.terms.leave_max_bytes;
}

/* Nonzero: the group has more. */
static int give_some(struct gci_leaving *leave, gcache_group_t *group, size_t *owners) {
  int64_t now = gci_env_unix_ns(leave->core->env);
  size_t steps = STEPS, n = leave->core->peers.n;
  if (group->closing || group->leaving == GCI_GROUP_GAVE) return 0;
  if (group->leaving == GCI_GROUP_STAYS) {
    gci_cache_walk_begin(group->cache, GCI_MAIN, &group->walk);
    group->leaving = GCI_GROUP_GIVES;
  }
  for (int i = 0; i < IN_TURN && has_room(leave) && *owners > 0; i++) {
    if (!gci_cache_walk_next(group->cache, &group->walk, &steps, now)) {
      if (steps == 0) return 1;
      gci_cache_walk_end(group->cache, &group->walk);
      group->leaving = GCI_GROUP_GAVE;
      return 0;
    }
    *owners -= n < *owners ? n : *owners;
    give_one(leave, group, &group->walk);
  }
  return 1;
}

static int can_give(const gcache_t *core) {
  return core->previous.terms.handoff_ms > 0 && core->peers.self != NULL && core->peers.n > 1 &&
         gci_call_can(core->transport, GCACHE_CAN_GIVE);
}

static void on_turn(struct gcache_job_s *job) {
  struct gci_leaving *leave = gci_container_of(job, struct gci_leaving, job);
  size_t owners = OWNERS_A_TURN;
  int more = 0;
  if (can_give(leave->core)) {
    gci_list_each(link, &leave->core->group_list) {
      more |= give_some(leave, gci_container_of(link, gcache_group_t, link), &owners);
    }
  }
  if (more && leave->bytes >= leave->core->previous.terms.leave_max_bytes) more = 0;
  if (more && has_room(leave))
    wake(leave);
  else if (!more && leave->under_way == 0)
    finish(leave, 0);
}

/* ------------------------------------------------------------------------------------- start -- */

int gcache_leave(gcache_leave_t *req, gcache_t *cache, uint64_t timeout_ms, gcache_leave_cb cb) {
  if (cb == NULL) return UV_EINVAL;
  if (cache->closing) return GCACHE_ECLOSING;
  if (cache->leaving) return UV_EALREADY;
  struct gci_leaving *leave = gci_mem_zalloc(cache->env->mem, sizeof *leave);
  if (leave == NULL) return UV_ENOMEM;
  leave->core = cache;
  leave->req = req;
  leave->refs = 1;
  gci_list_init(&leave->gives);
  leave->until_ms = gci_core_deadline(cache, timeout_ms);
  gci_deadline_init(&leave->deadline, on_out_of_time);
  gci_job_init(&leave->job, on_turn);
  if (gci_env_deadline(cache->env, &leave->deadline, leave->until_ms) < 0) {
    unref(leave);
    return UV_ENOMEM;
  }
  req->cb = cb;
  req->cache = cache;
  memset(&req->left, 0, sizeof req->left);
  cache->leave = leave;
  cache->leaving = 1;
  gci_countdown_take(&cache->life);
  gci_env_hold(cache->env);
  wake(leave);
  return 0;
}

int gcache_is_leaving(const gcache_t *cache) {
  return cache->leaving;
}
