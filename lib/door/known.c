#include "door/known.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "net/lookup.h"
#include "wire/route.h"

#define PASS_EVERY_MS 5000

struct gci_known_name {
  struct gci_map_node in_map;                        /* by host */
  struct gcache_link_s link;                         /* in due, in rest, or in none: being looked
                                                      * up */
  struct gci_address addresses[GCI_KNOWN_ADDRESSES]; /* of a name, as far as they are known */
  size_t n, size;
  int tried;   /* it was looked up, whether or not that failed */
  char host[]; /* zero-terminated */
};

struct gci_known_list {
  struct gci_map hosts;
  struct gci_list due;            /* names to be looked up, in order */
  struct gci_list rest;           /* all others that are not being looked up */
  struct gci_list literals;       /* hosts that are addresses */
  struct gci_addresses addresses; /* of both, with the number of hosts that have each */
  size_t n_names, untried, kept;  /* kept: hosts that are in the previous list */
};

static struct gci_known_name *name_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_known_name, link);
}

/* ------------------------------------------------------------------------------- addresses -- */

int gci_known_has(const struct gci_known *k, const struct gci_address *a) {
  if (k->list == NULL || !gci_address_known(a)) return 0;
  return gci_addresses_count(&k->list->addresses, a) > 0;
}

/* Nonzero: an address has lost its last host. */
static int leave_all(struct gci_known_list *list, const struct gci_address addresses[], size_t n) {
  int gone = 0;

  for (size_t i = 0; i < n; i++) {
    gone |= gci_addresses_count(&list->addresses, &addresses[i]) == 1;
    gci_addresses_leave(&list->addresses, &addresses[i]);
  }
  return gone;
}

/* Nonzero: an address is new. < 0: no memory, nothing is entered. */
static int enter_all(struct gci_known_list *list, const struct gci_address addresses[], size_t n) {
  int more = 0;

  for (size_t i = 0; i < n; i++) {
    more |= gci_addresses_count(&list->addresses, &addresses[i]) == 0;
    if (gci_addresses_enter(&list->addresses, &addresses[i]) == 0) continue;
    leave_all(list, addresses, i);
    return UV_ENOMEM;
  }
  return more;
}

/* Nonzero: the known addresses have changed. */
static int take_addresses(struct gci_known_list *list, struct gci_known_name *name,
                          const struct gci_address addresses[], size_t n) {
  int more = enter_all(list, addresses, n);

  if (more < 0) return 0;
  more |= leave_all(list, name->addresses, name->n);
  memcpy(name->addresses, addresses, n * sizeof *addresses);
  name->n = n;
  return more;
}

/* ------------------------------------------------------------------------------------ lists -- */

static uint64_t hash_of(const struct gci_known *k, gcache_bytes_t bytes) {
  return gci_hash_keyed(k->key, bytes);
}

static struct gci_known_name *find(const struct gci_known *k, const struct gci_known_list *list,
                                   gcache_bytes_t host) {
  struct gci_map_node *node = list == NULL ? NULL : gci_map_first(&list->hosts, hash_of(k, host));

  for (; node != NULL; node = gci_map_next(node)) {
    struct gci_known_name *name = gci_container_of(node, struct gci_known_name, in_map);
    if (gci_bytes_equal(gcache_cstr(name->host), host)) return name;
  }
  return NULL;
}

/* What the previous list knows of the host is kept; NULL: the host is new. */
static int add_name(struct gci_known_list *list, struct gci_known_name *name,
                    const struct gci_known_name *before) {
  list->n_names++;
  gci_list_push_back(&list->due, &name->link);
  if (before != NULL) {
    if (enter_all(list, before->addresses, before->n) < 0) return UV_ENOMEM;
    memcpy(name->addresses, before->addresses, sizeof name->addresses);
    name->n = before->n;
    name->tried = before->tried;
  }
  list->untried += !name->tried;
  return 0;
}

static int add_host(struct gci_known *k, struct gci_known_list *list, gcache_bytes_t host) {
  const struct gci_known_name *before = find(k, k->list, host);
  size_t size = sizeof(struct gci_known_name) + host.len + 1;
  struct gci_known_name *name = gci_mem_zalloc(k->env->mem, size);
  struct gci_address address;

  if (name == NULL) return UV_ENOMEM;
  name->size = size;
  memcpy(name->host, host.base, host.len);
  gci_link_init(&name->link);
  gci_map_insert(&list->hosts, &name->in_map, hash_of(k, host));
  list->kept += before != NULL;
  gci_address_read(&address, name->host);
  if (!gci_address_known(&address)) return add_name(list, name, before);
  gci_list_push_back(&list->literals, &name->link);
  if (enter_all(list, &address, 1) < 0) return UV_ENOMEM;
  name->addresses[0] = address;
  name->n = 1;
  return 0;
}

static int add_hosts(struct gci_known *k, struct gci_known_list *list, const char *const urls[],
                     size_t n) {
  struct gci_url parts;
  int err = 0;

  for (size_t i = 0; i < n && err == 0; i++) {
    err = gci_url_read(gcache_cstr(urls[i]), &parts);
    if (err < 0 || parts.path.len > 0) continue; /* a Unix socket has no address */
    if (find(k, list, parts.host) == NULL) err = add_host(k, list, parts.host);
  }
  return err;
}

int gci_known_prepare(struct gci_known *k, struct gci_known_list **out, const char *const urls[],
                      size_t n) {
  struct gci_mem *mem = k->env->mem;
  struct gci_known_list *list = gci_mem_zalloc(mem, sizeof *list);
  int err;

  if (list == NULL) return UV_ENOMEM;
  gci_map_init(&list->hosts, mem);
  gci_map_reserve(&list->hosts, n);
  gci_addresses_init(&list->addresses, mem, k->key);
  gci_list_init(&list->due);
  gci_list_init(&list->rest);
  gci_list_init(&list->literals);
  err = add_hosts(k, list, urls, n);
  if (err < 0) {
    gci_known_drop(k, list);
    return err;
  }
  *out = list;
  return 0;
}

void gci_known_drop(struct gci_known *k, struct gci_known_list *list) {
  struct gci_mem *mem = k->env->mem;
  struct gci_map_node *node;

  if (list == NULL) return;
  while ((node = gci_map_any(&list->hosts)) != NULL) {
    struct gci_known_name *name = gci_container_of(node, struct gci_known_name, in_map);
    leave_all(list, name->addresses, name->n);
    gci_map_remove(&list->hosts, node);
    gci_mem_free(mem, name, name->size);
  }
  gci_addresses_fini(&list->addresses);
  gci_map_fini(&list->hosts);
  gci_mem_free(mem, list, sizeof *list);
}

static int any_of(const struct gci_list *hosts, int (*named)(void *user, const char *host),
                  void *user) {
  gci_list_each(link, hosts) {
    if (named(user, name_of(link)->host)) return 1;
  }
  return 0;
}

static int any_on_its_way(const struct gci_known *k, int (*named)(void *user, const char *host),
                          void *user) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++)
    if (k->lookups[i].lookup != NULL && named(user, k->lookups[i].name->host)) return 1;
  return 0;
}

int gci_known_any_host(const struct gci_known *k, int (*named)(void *user, const char *host),
                       void *user) {
  if (k->list == NULL) return 0;
  return any_of(&k->list->due, named, user) || any_of(&k->list->rest, named, user) ||
         any_on_its_way(k, named, user) || any_of(&k->list->literals, named, user);
}

/* --------------------------------------------------------------------------------- waiting -- */

int gci_known_is_partial(const struct gci_known *k) {
  return k->list != NULL && k->list->untried > 0;
}

static struct gci_known_waiter *first_waiter(const struct gci_known *k) {
  struct gcache_link_s *link = gci_list_front(&k->waiters);

  return link == NULL ? NULL : gci_container_of(link, struct gci_known_waiter, link);
}

static void tell_soon(struct gci_known *k) {
  if (k->n_waiters > 0 && !gci_job_queued(&k->tell))
    gci_env_defer(k->env, GCI_COMPLETIONS, &k->tell);
}

/* Without memory for the deadline the first waiter stops waiting. */
static void watch_first(struct gci_known *k) {
  struct gci_known_waiter *first = first_waiter(k);

  if (first == NULL) {
    gci_env_deadline_clear(k->env, &k->patience);
  } else if (gci_env_deadline(k->env, &k->patience, first->until_ms) < 0) {
    first->until_ms = 0;
    tell_soon(k);
  }
}

static void on_impatient(struct gcache_deadline_s *deadline) {
  tell_soon(gci_container_of(deadline, struct gci_known, patience));
}

/* A waiter that is told may take others out of the list. */
static void on_tell(struct gcache_job_s *job) {
  struct gci_known *k = gci_container_of(job, struct gci_known, tell);
  uint64_t now_ms = gci_env_mono_ms(k->env);
  int is_partial = gci_known_is_partial(k);
  struct gci_list waiting;
  struct gcache_link_s *link;

  gci_list_init(&waiting);
  gci_list_move(&waiting, &k->waiters);
  while ((link = gci_list_pop_front(&waiting)) != NULL) {
    struct gci_known_waiter *w = gci_container_of(link, struct gci_known_waiter, link);
    if (is_partial && w->until_ms > now_ms && !gci_known_has(k, &w->address)) {
      gci_list_push_back(&k->waiters, link);
    } else {
      k->n_waiters--;
      w->told(w);
    }
  }
  watch_first(k);
}

int gci_known_wait(struct gci_known *k, struct gci_known_waiter *w) {
  if (!gci_known_is_partial(k) || !gci_address_known(&w->address)) return UV_ENOENT;
  if (k->n_waiters >= GCI_KNOWN_WAITERS) return GCACHE_EBUSY;
  w->until_ms = gci_env_after_ms(k->env, GCI_KNOWN_WAIT_MS);
  gci_link_init(&w->link);
  gci_list_push_back(&k->waiters, &w->link);
  k->n_waiters++;
  k->waited++;
  if (k->n_waiters == 1) watch_first(k);
  return 0;
}

void gci_known_wait_no_more(struct gci_known *k, struct gci_known_waiter *w) {
  gci_link_unlink(&w->link);
  if (--k->n_waiters > 0) return;
  gci_env_deadline_clear(k->env, &k->patience);
  gci_defer_cancel(&k->tell);
}

/* -------------------------------------------------------------------------------- look-ups -- */

static void look_up_due(struct gci_known *k);

/* The slot is free. */
static void end_look_up(struct gci_known_lookup *slot) {
  struct gci_known_list *list = slot->known->list;
  struct gci_known_name *name = slot->name;

  slot->lookup = NULL;
  slot->name = NULL;
  gci_list_push_back(&list->rest, &name->link);
  list->untried -= !name->tried;
  name->tried = 1;
}

static void on_looked_up(void *user, int status, const struct sockaddr_storage addresses[],
                         size_t n) {
  struct gci_known_lookup *slot = user;
  struct gci_known *k = slot->known;
  struct gci_known_name *name = slot->name;
  struct gci_address found[GCI_KNOWN_ADDRESSES];
  int is_new = 0;

  end_look_up(slot);
  if (status == 0) {
    if (n > GCI_KNOWN_ADDRESSES) n = GCI_KNOWN_ADDRESSES;
    for (size_t i = 0; i < n; i++)
      gci_address_of(&found[i], (const struct sockaddr *)&addresses[i]);
    is_new = take_addresses(k->list, name, found, n);
  }
  k->generation += is_new != 0;
  look_up_due(k);
  if (is_new || !gci_known_is_partial(k)) tell_soon(k);
}

/* A name without memory for its look-up is passed over. */
static void start_look_up(struct gci_known *k, struct gci_known_lookup *slot) {
  struct gcache_link_s *link;

  while (slot->lookup == NULL && (link = gci_list_pop_front(&k->list->due)) != NULL) {
    slot->known = k;
    slot->name = name_of(link);
    if (gci_lookup_start(&slot->lookup, k->env, k->uv, slot->name->host, on_looked_up, slot) < 0)
      end_look_up(slot);
  }
}

static void look_up_due(struct gci_known *k) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++)
    start_look_up(k, &k->lookups[i]);
}

int gci_known_is_refreshing(const struct gci_known *k) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++)
    if (k->lookups[i].lookup != NULL) return 1;
  return 0;
}

/* In the order of names to look up, those never looked up come first, then those without an
 * address. */
static void make_all_due(struct gci_known_list *list) {
  struct gci_list all, known;
  struct gcache_link_s *link;

  gci_list_init(&all);
  gci_list_init(&known);
  gci_list_move(&all, &list->rest);
  while ((link = gci_list_pop_front(&all)) != NULL)
    gci_list_push_back(name_of(link)->n > 0 ? &known : &list->due, link);
  gci_list_move(&list->due, &known);
}

void gci_known_refresh(struct gci_known *k) {
  uint64_t now_ms = gci_env_mono_ms(k->env);

  if (k->list == NULL || k->list->n_names == 0) return;
  if (!gci_known_is_refreshing(k)) {
    int is_due = !gci_list_empty(&k->list->due);
    if (!is_due && k->passed && now_ms - k->pass_ms < PASS_EVERY_MS) return;
    if (!is_due) make_all_due(k->list);
    k->passed = 1;
    k->pass_ms = now_ms;
  }
  look_up_due(k);
  if (!gci_known_is_partial(k)) tell_soon(k);
}

/* ---------------------------------------------------------------------------- another list -- */

static void stop(struct gci_known *k) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++) {
    if (k->lookups[i].lookup != NULL) gci_lookup_cancel(k->lookups[i].lookup);
    k->lookups[i].lookup = NULL;
  }
}

/* Look-ups of names that stay go on for the new list. */
static void move_look_ups(struct gci_known *k, struct gci_known_list *list) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++) {
    struct gci_known_lookup *slot = &k->lookups[i];
    if (slot->lookup == NULL) continue;
    slot->name = find(k, list, gcache_cstr(slot->name->host));
    if (slot->name != NULL) {
      gci_link_unlink(&slot->name->link);
      continue;
    }
    gci_lookup_cancel(slot->lookup);
    slot->lookup = NULL;
  }
}

/* In a prepared list all names are due. Names that the previous list does not have stay due, first,
 * and then those that were still due there. */
static void sort_names(struct gci_known *k, struct gci_known_list *list) {
  struct gci_list all, later;
  struct gcache_link_s *link;

  gci_list_init(&all);
  gci_list_init(&later);
  gci_list_move(&all, &list->due);
  if (k->list == NULL) {
    gci_list_move(&list->due, &all);
    return;
  }
  gci_list_each(each, &k->list->due) {
    struct gci_known_name *name = find(k, list, gcache_cstr(name_of(each)->host));
    if (name == NULL || !name->tried) continue;
    gci_link_unlink(&name->link);
    gci_list_push_back(&later, &name->link);
  }
  while ((link = gci_list_pop_front(&all)) != NULL)
    gci_list_push_back(name_of(link)->tried ? &list->rest : &list->due, link);
  gci_list_move(&list->due, &later);
}

/* They have the same hosts, so also the same known addresses. */
static int is_same(const struct gci_known_list *list, const struct gci_known_list *before) {
  return before != NULL && list->kept == list->hosts.count && list->kept == before->hosts.count;
}

void gci_known_commit(struct gci_known *k, struct gci_known_list *list) {
  if (is_same(list, k->list)) {
    gci_known_drop(k, list);
    return;
  }
  move_look_ups(k, list);
  sort_names(k, list);
  gci_known_drop(k, k->list);
  k->list = list;
  k->generation++;
  tell_soon(k);
}

/* ------------------------------------------------------------------------------------- life -- */

void gci_known_open(struct gci_known *k, struct gci_env *env, struct uv_loop_s *uv,
                    const struct gci_hash_key *key) {
  *k = (struct gci_known){.env = env, .uv = uv, .key = key};
  gci_list_init(&k->waiters);
  gci_deadline_init(&k->patience, on_impatient);
  gci_job_init(&k->tell, on_tell);
}

void gci_known_close(struct gci_known *k) {
  stop(k);
}

void gci_known_fini(struct gci_known *k) {
  gci_env_deadline_clear(k->env, &k->patience);
  gci_defer_cancel(&k->tell);
  gci_known_drop(k, k->list);
  k->list = NULL;
}
