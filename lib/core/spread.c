/* core/spread - see spread.h. */
#include "core/spread.h"

#include <string.h>
#include <uv.h>

#include "core/call.h"
#include "core/core.h"

enum { UNDER_WAY_MAX = 256, MEMBERS_A_TURN = 256 };

struct call {
  gcache_call_t call;
  struct gcache_link_s link;
  struct gci_spread *spread;
  uint64_t until_ms;
};

static struct call *call_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct call, link);
}

static struct gci_spread *first(const struct gci_spreads *all) {
  struct gcache_link_s *link = gci_list_front(&all->waiting);
  return link == NULL ? NULL : gci_container_of(link, struct gci_spread, link);
}

/* ------------------------------------------------------------------------------ blocks ---- */

static gcache_bytes_t key_of(const struct gci_spread *spread) {
  return gcache_bytes(spread->group + strlen(spread->group) + 1, spread->key_len);
}

int gci_spreads_have_room(const gcache_t *core) {
  const struct gci_spreads *all = &core->tells.spreads;
  return all->n < core->tells.terms.max && all->bytes < core->tells.terms.max_bytes;
}

struct gci_spread *gci_spread_new(gcache_t *core, const char *group, gcache_op_t op,
                                  gcache_bytes_t key) {
  size_t group_size = strlen(group) + 1, size = sizeof(struct gci_spread) + group_size + key.len;
  struct gci_spread *spread = gci_mem_zalloc(core->env->mem, size);
  if (spread == NULL) return NULL;
  gci_link_init(&spread->link);
  spread->core = core;
  spread->refs = 1;
  spread->size = size;
  spread->key_len = (uint32_t)key.len;
  spread->op = (uint8_t)op;
  memcpy(spread->group, group, group_size);
  if (key.len > 0) memcpy(spread->group + group_size, key.base, key.len);
  core->tells.spreads.n++;
  core->tells.spreads.bytes += size;
  return spread;
}

static void unref(struct gci_spread *spread) {
  gcache_t *core = spread->core;
  if (--spread->refs > 0) return;
  int had_room = gci_spreads_have_room(core);
  core->tells.spreads.n--;
  core->tells.spreads.bytes -= spread->size;
  if (!had_room && !core->closing) gci_tells_wake(core);
  gci_peer_unref(spread->owner);
  gci_mem_free(core->env->mem, spread, spread->size);
}

void gci_spread_free(struct gci_spread *spread) {
  if (spread != NULL) unref(spread);
}

static void wake(gcache_t *core) {
  struct gcache_job_s *job = &core->tells.spreads.job;
  if (!gci_job_queued(job)) gci_env_defer(core->env, GCI_QUESTIONS, job);
}

/* ------------------------------------------------------------------------------ one member ---- */

static void miss(const struct gci_spread *spread, struct gci_peer *peer,
                 enum gci_missed_weight weight) {
  gci_tell_missed(spread->core, peer, spread->group, (gcache_op_t)spread->op, key_of(spread),
                  weight);
}

/* The oldest call under way is given up first. */
static int watch(gcache_t *core) {
  struct gci_spreads *all = &core->tells.spreads;
  struct gcache_link_s *link = gci_list_front(&all->calls);
  if (link == NULL) {
    gci_env_deadline_clear(core->env, &all->patience);
    return 0;
  }
  return gci_env_deadline(core->env, &all->patience, call_of(link)->until_ms);
}

static void on_impatient(struct gcache_deadline_s *deadline) {
  gcache_t *core = gci_container_of(deadline, gcache_t, tells.spreads.patience);
  uint64_t now_ms = gci_env_mono_ms(core->env), next_ms = GCI_DEADLINE_NEVER;
  gci_list_each(link, &core->tells.spreads.calls) {
    struct call *call = call_of(link);
    if (call->until_ms > now_ms) {
      next_ms = call->until_ms;
      break;
    }
    gci_call_hint(&call->call);
  }
  if (next_ms != GCI_DEADLINE_NEVER) gci_env_deadline(core->env, deadline, next_ms);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  uint64_t until_ms = ((const struct call *)(const void *)call)->until_ms; /* its first member */
  int is_over = call->core->closing || gci_env_mono_ms(call->core->env) >= until_ms;
  return is_over ? 0 : until_ms;
}

static void on_done(gcache_call_t *done, int status, gcache_value_t *value, const char *reason) {
  struct call *call = gci_container_of(done, struct call, call);
  struct gci_spread *spread = call->spread;
  gcache_t *core = spread->core;
  struct gci_peer *peer = done->peer;
  (void)value, (void)reason;
  gci_link_unlink(&call->link);
  core->tells.spreads.running--;
  if (gci_tell_is_answer((gcache_op_t)spread->op, status))
    peer->told++;
  else
    miss(spread, peer, GCI_MISSED);
  gci_mem_free(core->env->mem, call, sizeof *call);
  unref(spread);
  if (core->closing) return;
  if (core->tells.spreads.running == 0) watch(core);
  if (first(&core->tells.spreads) != NULL) wake(core);
}

static const struct gci_call_maker maker = {deadline_ms, on_done};

/* 0: the call was not made, for want of memory. */
static int ask(struct gci_spread *spread, struct gci_peer *peer) {
  gcache_t *core = spread->core;
  struct gci_spreads *all = &core->tells.spreads;
  struct call *call = gci_mem_alloc(core->env->mem, sizeof *call);
  if (call == NULL) return 0;
  call->until_ms = gci_env_after_ms(core->env, core->tells.patience_ms);
  call->spread = spread;
  gci_link_init(&call->link);
  gci_list_push_back(&all->calls, &call->link);
  if (!gci_deadline_is_set(&all->patience) && watch(core) < 0) {
    gci_link_unlink(&call->link);
    gci_mem_free(core->env->mem, call, sizeof *call);
    return 0;
  }
  spread->refs++;
  all->running++;
  gci_call_begin_bare(&call->call, &maker, core, peer, (gcache_op_t)spread->op, spread->group,
                      key_of(spread));
  return 1;
}

static void tell_one(struct gci_spread *spread, struct gci_peer *peer) {
  if (peer->is_self || peer == spread->owner) return;
  if (!gci_health_is_up(peer) || !ask(spread, peer)) miss(spread, peer, GCI_MISSED_GENTLE);
}

/* ------------------------------------------------------------------------------ turns ---- */

/* The spread is told to no more members. */
static void end(struct gci_spreads *all, struct gci_spread *spread) {
  gci_link_unlink(&spread->link);
  all->next = 0;
  unref(spread);
}

/* 0: another member is the owner now, and is told first. */
static int is_current(struct gci_spread *spread) {
  gcache_t *core = spread->core;
  if (spread->version == core->lists.version) return 1;
  struct gci_peer *owner = NULL;
  if (spread->op == GCACHE_OP_REMOVE) owner = gci_peers_owner(&core->peers, key_of(spread));
  if (owner != NULL && owner->is_self) owner = NULL;
  if (owner != NULL && owner != spread->owner) {
    miss(spread, owner, GCI_MISSED_GENTLE);
    /* No spread follows a clear in place of removes. */
    if (!gci_missed_covers(&owner->missed, spread->group)) return 0;
  }
  spread->version = core->lists.version;
  core->tells.spreads.next = 0;
  return 1;
}

static void on_turn(struct gcache_job_s *job) {
  gcache_t *core = gci_container_of(job, gcache_t, tells.spreads.job);
  struct gci_spreads *all = &core->tells.spreads;
  const struct gci_peers *peers = &core->peers;
  struct gci_spread *spread;
  size_t budget = MEMBERS_A_TURN;
  while (budget > 0 && all->running < UNDER_WAY_MAX && (spread = first(all)) != NULL) {
    budget--;
    if (is_current(spread) && all->next < peers->n) {
      tell_one(spread, peers->list[all->next++]);
    } else {
      end(all, spread);
    }
  }
  if (budget == 0 && first(all) != NULL) wake(core);
}

void gci_spread_begin(struct gci_spread *spread, struct gci_peer *owner) {
  gcache_t *core = spread->core;
  spread->owner = owner == NULL ? NULL : gci_peer_ref(owner);
  spread->version = core->lists.version;
  gci_list_push_back(&core->tells.spreads.waiting, &spread->link);
  wake(core);
}

/* ------------------------------------------------------------------------------ life ---- */

void gci_spreads_init(gcache_t *core) {
  struct gci_spreads *all = &core->tells.spreads;
  *all = (struct gci_spreads){0};
  gci_list_init(&all->waiting);
  gci_list_init(&all->calls);
  gci_deadline_init(&all->patience, on_impatient);
  gci_job_init(&all->job, on_turn);
}

size_t gci_spreads_close(gcache_t *core) {
  struct gci_spreads *all = &core->tells.spreads;
  struct gci_spread *spread;
  size_t n = 0;
  gci_defer_cancel(&all->job);
  gci_env_deadline_clear(core->env, &all->patience);
  for (; (spread = first(all)) != NULL; n++)
    end(all, spread);
  gci_list_each(link, &all->calls) {
    gci_call_hint(&call_of(link)->call);
  }
  return n;
}
