/* core/health - which peer is asked for a key, and whether another may be asked again: see
 * health.h. */
#include "core/group.h"
#include "core/health.h"
#include "core/memory.h"

enum { CREDIT_MAX = 10000, RETRY = 100 }; /* hundredths of a question */

/* Without the peers that are out, and without `avoid`. */
static struct gci_peer *next_owner(struct gci_peers *peers, gcache_bytes_t key,
                                   const struct gci_peer *avoid) {
  size_t i = avoid == NULL ? peers->n : gci_peers_index(peers, avoid), next;
  unsigned char was = 0;
  if (peers->n == 1) return NULL;
  if (i < peers->n) {
    was = peers->out[i];
    peers->out[i] = GCI_PEERS_OUT;
  }
  next = gci_placement_next(peers->placement, key, peers->out);
  if (i < peers->n) peers->out[i] = was;
  return next < peers->n ? peers->list[next] : NULL;
}

struct gci_peer *gci_health_owner(gcache_t *core, gcache_bytes_t key,
                                  const struct gci_peer *avoid) {
  struct gci_peers *peers = &core->peers;
  struct gci_peer *owner = gci_peers_owner(peers, key);
  if (owner == NULL || (peers->n_out == 0 && avoid == NULL)) return owner;
  if (!gci_health_is_out(owner) && owner != avoid) return owner;
  gci_health_look(owner);
  return next_owner(peers, key, avoid);
}

void gci_health_earn(gcache_t *core) {
  struct gci_healths *all = &core->health;
  all->credit += all->terms.set.retry_percent;
  if (all->credit > CREDIT_MAX) all->credit = CREDIT_MAX;
}

/* Nonzero: paid, and counted in `granted`; else counted in `denied`. */
static int pay(struct gci_healths *all, uint64_t *granted, uint64_t *denied) {
  int is_paid = all->credit >= RETRY;
  if (is_paid) all->credit -= RETRY;
  ++*(is_paid ? granted : denied);
  return is_paid;
}

int gci_health_may_retry(gcache_t *core, const struct gci_peer *failed) {
  struct gci_healths *all = &core->health;
  return gci_health_is_out(failed) || pay(all, &all->retries, &all->retries_denied);
}

int gci_health_may_hedge(gcache_t *core) {
  struct gci_healths *all = &core->health;
  return pay(all, &all->hedges, &all->hedges_denied);
}

/* Changes that were made meanwhile by members that have died since will never be told here (P8). */
static void forget_hot(gcache_t *core) {
  uint64_t n = 0;
  gci_list_each(link, &core->group_list) {
    gcache_group_t *group = gci_container_of(link, gcache_group_t, link);
    if (!group->closing) n += gci_memory_drop_hot(group);
  }
  core->health.hot_dropped += n;
  gci_env_log(core->env, GCACHE_LOG_INFO, "no longer cut off: dropped %llu hot copies",
              (unsigned long long)n);
}

void gci_health_listed(gcache_t *core) {
  struct gci_healths *all = &core->health;
  const struct gci_peers *peers = &core->peers;
  size_t others = peers->n - (peers->self != NULL);
  int was = all->cut_off;
  all->cut_off = 2 * peers->n_down > others;
  if (all->cut_off && !was)
    gci_env_log(core->env, GCACHE_LOG_WARN, "cut off: %zu of %zu other members are down",
                peers->n_down, others);
  if (was && !all->cut_off) forget_hot(core);
}
