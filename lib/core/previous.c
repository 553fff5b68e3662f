/* core/previous - see previous.h. */
#include "core/previous.h"

#include <uv.h>

#include "core/core.h"

#define WAIT_MS 100
#define QUIET_MS 60000
#define LEAVE_MAX_BYTES ((size_t)64 << 20)

/* A transport that may be closing is told nothing more: gci_lists_fini() frees the list then. */
static void on_end(struct gcache_deadline_s *end) {
  gcache_t *core = gci_container_of(end, gcache_t, previous.end);
  if (!core->closing) gci_lists_part_previous(core);
}

void gci_previous_init(gcache_t *core, const struct gci_handoff_terms *terms) {
  struct gci_previous *previous = &core->previous;
  *previous = (struct gci_previous){.terms = *terms};
  if (previous->terms.wait_ms == 0) previous->terms.wait_ms = WAIT_MS;
  if (previous->terms.quiet_ms == 0) previous->terms.quiet_ms = QUIET_MS;
  if (previous->terms.leave_max_bytes == 0) previous->terms.leave_max_bytes = LEAVE_MAX_BYTES;
  if (core->peers.dialect != GCACHE_DIALECT_GCACHE) previous->terms.handoff_ms = 0;
  gci_peers_init(&previous->list, core->env->mem, core->peers.dialect, core->peers.replicas);
  gci_deadline_init(&previous->end, on_end);
}

struct gci_peers gci_previous_end(gcache_t *core) {
  struct gci_previous *previous = &core->previous;
  struct gci_peers list = previous->list;
  gci_env_deadline_clear(core->env, &previous->end);
  gci_peers_init(&previous->list, core->env->mem, list.dialect, list.replicas);
  return list;
}

/* A member that has just started remains a newcomer: its previous list does not say who had its
 * keys. */
int gci_previous_begin(gcache_t *core, const struct gci_peers *old) {
  struct gci_previous *previous = &core->previous;
  uint64_t now_ms = gci_env_mono_ms(core->env);
  if (previous->terms.handoff_ms == 0 || core->peers.self == NULL || core->peers.n < 2) {
    previous->until_ms = 0;
    previous->is_newcomer = 0;
    return 0;
  }
  if (previous->is_newcomer && old->n > 0 && now_ms < previous->until_ms) return 0;
  previous->is_newcomer = old->n == 0;
  previous->since_ms = now_ms;
  previous->until_ms = gci_env_after_ms(core->env, previous->terms.handoff_ms);
  if (previous->is_newcomer) return 0;
  if (gci_env_deadline(core->env, &previous->end, previous->until_ms) < 0) {
    previous->until_ms = 0;
    return 0;
  }
  previous->list = *old;
  previous->told = 0;
  return 1;
}

struct gci_peer *gci_previous_heir(gcache_t *core, gcache_bytes_t key) {
  struct gci_peers *peers = &core->peers;
  if (peers->self == NULL) return NULL;
  size_t self = gci_peers_index(peers, peers->self);
  unsigned char was = peers->out[self];
  peers->out[self] = 1;
  size_t next = gci_placement_next(peers->placement, key, peers->out);
  peers->out[self] = was;
  return next < peers->n ? peers->list[next] : NULL;
}

/* By the previous list. */
static struct gci_peer *owner_before(const gcache_t *core, gcache_bytes_t key) {
  struct gci_peer *owner = gci_peers_owner(&core->previous.list, key);
  if (owner == NULL || owner->is_self) return NULL;
  size_t i = gci_peers_index(&core->peers, owner);
  return i == core->peers.n || core->peers.out[i] ? NULL : owner;
}

static int is_over(gcache_t *core) {
  struct gci_previous *previous = &core->previous;
  if (previous->until_ms > 0 && gci_env_mono_ms(core->env) >= previous->until_ms)
    previous->until_ms = 0;
  return previous->until_ms == 0;
}

struct gci_predecessor gci_previous_owner(gcache_t *core, gcache_bytes_t key) {
  struct gci_previous *previous = &core->previous;
  const struct gci_peers *peers = &core->peers;
  struct gci_predecessor none = {NULL, 0, 0};
  if (previous->terms.handoff_ms == 0 || peers->self == NULL) return none;
  struct gci_peer *owner = gci_peers_owner(peers, key);
  if (owner != peers->self) {
    int leaves = gci_health_is_up(owner) && gci_health_is_out(owner);
    return leaves ? (struct gci_predecessor){owner, gci_env_mono_ms(core->env), 0} : none;
  }
  if (is_over(core)) return none;
  int is_newcomer = previous->is_newcomer;
  owner = is_newcomer ? gci_previous_heir(core, key) : owner_before(core, key);
  return (struct gci_predecessor){owner, previous->since_ms, is_newcomer};
}

int gci_previous_is_new(gcache_t *core, const char *url) {
  const struct gci_peer *peer = gci_peers_find(&core->peers, url);
  if (peer == NULL) return 1;
  if (peer->listed_ms == 0) return 0;
  return gci_env_mono_ms(core->env) - peer->listed_ms < core->previous.terms.handoff_ms;
}
