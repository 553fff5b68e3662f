/* core/lists - see lists.h. */
#include "core/lists.h"

#include <uv.h>

#include "core/core.h"
#include "core/group.h"

#define AT_ONCE 32  /* members: owners are found at once without a full table */
#define PARTED 2000 /* members a slice, of a list that is taken apart */

/* -------------------------------------------------------------------------------- transport -- */

static int has_peers(const gcache_transport_t *t) {
  return t != NULL && t->size >= offsetof(gcache_transport_t, peers) + sizeof t->peers &&
         t->peers != NULL;
}

static int hears_of_each(const gcache_transport_t *t) {
  return t != NULL &&
         t->size >= offsetof(gcache_transport_t, peer_removed) + sizeof t->peer_removed &&
         t->peer_added != NULL && t->peer_removed != NULL;
}

/* Of the members from `from` on, those that are not in the list in force. */
static void tell_added(gcache_t *core, const struct gci_peers *fresh, size_t from) {
  gcache_transport_t *t = core->transport;
  if (!hears_of_each(t)) return;
  for (size_t i = from; i < fresh->n; i++) {
    const struct gci_peer *peer = fresh->list[i];
    if (!peer->is_self && !gci_peers_have(&core->peers, peer)) t->peer_added(t, peer->url);
  }
}

static void tell_removed(gcache_t *core, const struct gci_peer *peer) {
  gcache_transport_t *t = core->transport;
  if (!peer->is_self && hears_of_each(t) && !gci_peers_have(&core->peers, peer))
    t->peer_removed(t, peer->url);
}

/* others has room for every peer. */
static void tell_all(gcache_t *core, const char **others) {
  gcache_transport_t *t = core->transport;
  size_t n = 0;
  for (size_t i = 0; i < core->peers.n; i++) {
    if (!core->peers.list[i]->is_self) others[n++] = core->peers.list[i]->url;
  }
  t->peers(t, others, n);
}

/* -------------------------------------------------------------------------------- take apart -- */

/* Nonzero: something is left. Freeing the placement of a long list takes a separate turn. */
static int part_some(gcache_t *core, struct gci_peers *peers, int is_told, size_t budget) {
  struct gci_peer *peer;
  for (; budget > 0 && (peer = gci_peers_pop(peers)) != NULL; budget--) {
    if (!is_told) tell_removed(core, peer);
    gci_health_left(peer);
    gci_peer_unref(peer);
  }
  if (budget == 0) return 1;
  gci_peers_fini(peers);
  return 0;
}

static void wake(gcache_t *core) {
  struct gcache_job_s *job = &core->lists.job;
  if (!gci_job_queued(job)) gci_env_defer(core->env, GCI_COMPLETIONS, job);
}

/* A short list is freed at once; but lists go in their order, so that a member that one list takes
 * leave of can be greeted again by the next. */
static void retire(gcache_t *core, struct gci_peers *peers, int is_told) {
  struct gci_lists *lists = &core->lists;
  struct gci_retired *grave = peers->grave;
  int waits = grave != NULL && (peers->n > lists->at_once || !gci_list_empty(&lists->retired));
  if (!waits) {
    part_some(core, peers, is_told, SIZE_MAX);
    return;
  }
  grave->peers = *peers;
  grave->is_told = is_told;
  gci_list_push_back(&lists->retired, &grave->link);
  wake(core);
}

/* Nonzero: there was something to do. */
static int part_retired(gcache_t *core) {
  struct gcache_link_s *link = gci_list_front(&core->lists.retired);
  if (link == NULL) return 0;
  struct gci_retired *grave = gci_container_of(link, struct gci_retired, link);
  struct gci_peers peers = grave->peers;
  gci_link_unlink(link);
  if (part_some(core, &peers, grave->is_told, PARTED)) {
    grave->peers = peers;
    gci_list_push_front(&core->lists.retired, link);
  }
  return 1;
}

/* ------------------------------------------------------------------------------- list before -- */

/* Nonzero: there was something to do. */
static int tell_some_before(gcache_t *core, size_t budget) {
  struct gci_previous *previous = &core->previous;
  const struct gci_peers *list = &previous->list;
  if (previous->told >= list->n) return 0;
  for (; budget > 0 && previous->told < list->n; budget--) {
    struct gci_peer *peer = list->list[previous->told++];
    tell_removed(core, peer);
    gci_health_left(peer);
  }
  return 1;
}

/* The time may be over before all members that left have been reported. */
void gci_lists_part_previous(gcache_t *core) {
  int is_told = core->previous.told >= core->previous.list.n;
  struct gci_peers before = gci_previous_end(core);
  retire(core, &before, is_told);
}

/* The list before the previous one goes. A list that is given again replaces nothing. */
static void keep_or_retire(gcache_t *core, struct gci_peers *old) {
  struct gci_previous *previous = &core->previous;
  int is_same = old->n == core->peers.n && old->print == core->peers.print;
  if (!is_same) gci_lists_part_previous(core);
  if (is_same || !gci_previous_begin(core, old))
    retire(core, old, 0);
  else if (previous->list.n <= core->lists.at_once && gci_list_empty(&core->lists.retired))
    tell_some_before(core, SIZE_MAX);
  else
    wake(core);
}

/* ---------------------------------------------------------------------------------- in force -- */

/* Drops what a member kept while it was alone: no remove of the cluster that it now asks would
 * reach that (P2). */
static void forget_as_client(gcache_t *core) {
  gci_list_each(link, &core->group_list) {
    gcache_group_t *group = gci_container_of(link, gcache_group_t, link);
    if (group->closing || group->hot == GCACHE_HOT_ON) continue;
    if (gci_cache_clear(group->cache)) gci_group_shrink(group);
  }
}

static void put_in_force(gcache_t *core, struct gci_peers fresh) {
  struct gci_peers old = core->peers;
  core->peers = fresh;
  if (old.n != fresh.n || old.order != fresh.order) core->lists.version++;
  gci_tells_list_changed(core);
  keep_or_retire(core, &old);
  if (gci_core_is_client_only(core)) forget_as_client(core);
  gci_health_listed(core);
}

static void give_up(gcache_t *core, struct gci_install *in) {
  if (in == NULL) return;
  struct gci_peers fresh = gci_install_end(in);
  gci_mem_free(core->env->mem, in, sizeof *in);
  retire(core, &fresh, 0);
}

/* A list on its way makes room for one given after it. */
static void replace_next(gcache_t *core, struct gci_install *in) {
  struct gci_install *next = core->lists.next;
  core->lists.next = in;
  core->lists.error = 0;
  give_up(core, next);
}

static void end_given(gcache_t *core, struct gci_install *in) {
  const char **others = in->others;
  size_t n = in->n;
  in->others = NULL;
  struct gci_peers fresh = gci_install_end(in);
  gci_mem_free(core->env->mem, in, sizeof *in);
  put_in_force(core, fresh);
  if (has_peers(core->transport) && !hears_of_each(core->transport)) tell_all(core, others);
  gci_mem_free(core->env->mem, others, n * sizeof *others);
}

/* ------------------------------------------------------------------------------------- turns -- */

static void fail_next(gcache_t *core, int error) {
  struct gci_lists *lists = &core->lists;
  struct gci_install *in = lists->next;
  gci_env_log(core->env, GCACHE_LOG_WARN, "the new list of %zu peers is not put in force: %s",
              in->n, gci_core_error_text(core, error));
  lists->next = NULL;
  lists->error = error;
  give_up(core, in);
}

/* Nonzero: there was something to do. */
static int work_on_next(gcache_t *core) {
  struct gci_install *in = core->lists.next;
  if (in == NULL) return 0;
  size_t from = in->fresh.n;
  int rc = gci_install_some(in);
  tell_added(core, &in->fresh, from);
  if (rc < 0) fail_next(core, rc);
  if (rc == 0) {
    core->lists.next = NULL;
    end_given(core, in);
  }
  return 1;
}

static void on_turn(struct gcache_job_s *job) {
  gcache_t *core = gci_container_of(job, gcache_t, lists.job);
  if (core->closing) return;
  if (part_retired(core) || tell_some_before(core, PARTED) || work_on_next(core)) wake(core);
}

/* ------------------------------------------------------------------------------------- given -- */

static int make_usable(struct gci_install *in) {
  int rc = 0;
  while (rc >= 0 && !gci_install_is_usable(in))
    rc = gci_install_some(in);
  if (rc >= 0) return 0;
  struct gci_peers fresh = gci_install_end(in);
  gci_peers_fini(&fresh);
  return rc;
}

static void set_alone(gcache_t *core) {
  struct gci_peers none;
  gci_peers_init(&none, core->env->mem, core->peers.dialect, core->peers.replicas);
  replace_next(core, NULL);
  put_in_force(core, none);
  if (has_peers(core->transport) && !hears_of_each(core->transport)) tell_all(core, NULL);
}

int gci_core_set_peers(gcache_t *core, const char *const urls[], const char *const labels[],
                       const unsigned weights[], size_t n) {
  struct gci_mem *mem = core->env->mem;
  if (core->closing) return GCACHE_ECLOSING;
  if (n == 0) {
    set_alone(core);
    return 0;
  }
  struct gci_install *in = gci_mem_alloc(mem, sizeof *in);
  if (in == NULL) return UV_ENOMEM;
  int is_long = n > core->lists.at_once;
  int rc = gci_install_begin(in, &core->peers, gci_env_mono_ms(core->env), core->self, urls, labels,
                             weights, n);
  if (rc == 0) rc = is_long ? gci_install_keep(in) : make_usable(in);
  if (rc < 0) {
    gci_mem_free(mem, in, sizeof *in);
    return rc;
  }
  replace_next(core, is_long ? in : NULL);
  if (is_long) {
    wake(core);
  } else {
    tell_added(core, &in->fresh, 0);
    end_given(core, in);
  }
  return 0;
}

size_t gci_lists_coming(const gcache_t *core) {
  return core->lists.next == NULL ? 0 : core->lists.next->n;
}

void gci_lists_init(gcache_t *core, size_t at_once) {
  struct gci_lists *lists = &core->lists;
  *lists = (struct gci_lists){.at_once = at_once == 0 ? AT_ONCE : at_once};
  gci_job_init(&lists->job, on_turn);
  gci_list_init(&lists->retired);
}

/* The transport has gone. */
void gci_lists_fini(gcache_t *core) {
  struct gci_lists *lists = &core->lists;
  struct gcache_link_s *link;
  if (gci_job_queued(&lists->job)) gci_defer_cancel(&lists->job);
  if (lists->next != NULL) {
    struct gci_peers fresh = gci_install_end(lists->next);
    gci_mem_free(core->env->mem, lists->next, sizeof *lists->next);
    gci_peers_fini(&fresh);
  }
  while ((link = gci_list_pop_front(&lists->retired)) != NULL) {
    struct gci_peers peers = gci_container_of(link, struct gci_retired, link)->peers;
    gci_peers_fini(&peers);
  }
  struct gci_peers before = gci_previous_end(core);
  gci_peers_fini(&before);
  gci_peers_fini(&core->peers);
}
