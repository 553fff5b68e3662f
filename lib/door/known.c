#include "door/known.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "net/lookup.h"
#include "wire/route.h"

#define PASS_EVERY_MS 5000

struct gci_known_name {
  struct gci_map_node in_map; /* by host */
  struct gcache_link_s link;
  struct gci_address addresses[GCI_KNOWN_ADDRESSES]; /* of a name, as far as they are known */
  size_t n, size;
  char host[]; /* zero-terminated */
};

struct gci_known_list {
  struct gci_map hosts;
  struct gci_list names;     /* hosts that are no addresses */
  struct gci_list literals;  /* those that are */
  struct gci_address *slots; /* of those that are: open addressing, all zero is free */
  size_t room;               /* a power of two */
};

static struct gci_known_name *name_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_known_name, link);
}

/* ------------------------------------------------------------------------------- addresses -- */

static uint64_t hash_of(const struct gci_known *k, gcache_bytes_t bytes) {
  return gci_hash_keyed(k->key, bytes);
}

static struct gci_address *slot_of(const struct gci_known *k, const struct gci_known_list *list,
                                   const struct gci_address *a) {
  size_t i = hash_of(k, gcache_bytes(a->bytes, sizeof a->bytes)) & (list->room - 1);

  while (gci_address_known(&list->slots[i]) && !gci_address_equal(&list->slots[i], a))
    i = (i + 1) & (list->room - 1);
  return &list->slots[i];
}

int gci_known_has(const struct gci_known *k, const struct gci_address *a) {
  if (k->list == NULL || !gci_address_known(a)) return 0;
  if (gci_address_equal(slot_of(k, k->list, a), a)) return 1;
  gci_list_each(link, &k->list->names) {
    const struct gci_known_name *name = name_of(link);
    for (size_t i = 0; i < name->n; i++)
      if (gci_address_equal(&name->addresses[i], a)) return 1;
  }
  return 0;
}

/* ------------------------------------------------------------------------------------ lists -- */

static struct gci_known_name *find(const struct gci_known *k, const struct gci_known_list *list,
                                   gcache_bytes_t host) {
  struct gci_map_node *node = list == NULL ? NULL : gci_map_first(&list->hosts, hash_of(k, host));

  for (; node != NULL; node = gci_map_next(node)) {
    struct gci_known_name *name = gci_container_of(node, struct gci_known_name, in_map);
    if (gci_bytes_equal(gcache_cstr(name->host), host)) return name;
  }
  return NULL;
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
  gci_address_read(&address, name->host);
  if (gci_address_known(&address)) {
    *slot_of(k, list, &address) = address;
    gci_list_push_back(&list->literals, &name->link);
    return 0;
  }
  gci_list_push_back(&list->names, &name->link);
  if (before != NULL) {
    memcpy(name->addresses, before->addresses, sizeof name->addresses);
    name->n = before->n;
  }
  return 0;
}

static int add_hosts(struct gci_known *k, struct gci_known_list *list, const char *const urls[],
                     size_t n) {
  struct gci_url parts;
  int err = 0;

  for (size_t i = 0; i < n && err == 0; i++) {
    err = gci_url_read(gcache_cstr(urls[i]), &parts);
    if (err < 0 || parts.path.len > 0) continue; /* of a Unix socket comes no address */
    if (find(k, list, parts.host) == NULL) err = add_host(k, list, parts.host);
  }
  return err;
}

int gci_known_prepare(struct gci_known *k, struct gci_known_list **out, const char *const urls[],
                      size_t n) {
  struct gci_mem *mem = k->env->mem;
  struct gci_known_list *list = gci_mem_zalloc(mem, sizeof *list);
  int err = UV_ENOMEM;

  if (list == NULL) return UV_ENOMEM;
  gci_map_init(&list->hosts, mem);
  gci_map_reserve(&list->hosts, n);
  gci_list_init(&list->names);
  gci_list_init(&list->literals);
  list->room = 2;
  while (list->room < 2 * n)
    list->room *= 2;
  list->slots = gci_mem_zalloc(mem, list->room * sizeof *list->slots);
  if (list->slots != NULL) err = add_hosts(k, list, urls, n);
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
    gci_map_remove(&list->hosts, node);
    gci_mem_free(mem, name, name->size);
  }
  gci_map_fini(&list->hosts);
  if (list->slots != NULL) gci_mem_free(mem, list->slots, list->room * sizeof *list->slots);
  gci_mem_free(mem, list, sizeof *list);
}

static void stop(struct gci_known *k) {
  k->next = NULL;
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++) {
    if (k->lookups[i].lookup != NULL) gci_lookup_cancel(k->lookups[i].lookup);
    k->lookups[i].lookup = NULL;
  }
}

void gci_known_commit(struct gci_known *k, struct gci_known_list *list) {
  stop(k);
  gci_known_drop(k, k->list);
  k->list = list;
  k->generation++;
  k->passed = 0;
}

static int any_of(const struct gci_list *hosts, int (*named)(void *user, const char *host),
                  void *user) {
  gci_list_each(link, hosts) {
    if (named(user, name_of(link)->host)) return 1;
  }
  return 0;
}

int gci_known_any_host(const struct gci_known *k, int (*named)(void *user, const char *host),
                       void *user) {
  if (k->list == NULL) return 0;
  return any_of(&k->list->names, named, user) || any_of(&k->list->literals, named, user);
}

/* -------------------------------------------------------------------------------- look-ups -- */

static void go_on(struct gci_known *k);

static void on_looked_up(void *user, int status, const struct sockaddr_storage addresses[],
                         size_t n) {
  struct gci_known_lookup *slot = user;
  struct gci_known_name *name = slot->name;

  slot->lookup = NULL;
  if (status == 0) {
    memset(name->addresses, 0, sizeof name->addresses);
    if (n > GCI_KNOWN_ADDRESSES) n = GCI_KNOWN_ADDRESSES;
    for (size_t i = 0; i < n; i++)
      gci_address_of(&name->addresses[i], (const struct sockaddr *)&addresses[i]);
    name->n = n;
    slot->known->generation++;
  }
  go_on(slot->known);
}

/* One without memory for its look-up is passed over. */
static void start(struct gci_known *k, struct gci_known_lookup *slot) {
  while (slot->lookup == NULL && k->next != NULL) {
    struct gci_known_name *name = name_of(k->next);
    k->next = k->next->next == &k->list->names.head ? NULL : k->next->next;
    slot->known = k;
    slot->name = name;
    gci_lookup_start(&slot->lookup, k->env, k->uv, name->host, on_looked_up, slot);
  }
}

static void go_on(struct gci_known *k) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++)
    start(k, &k->lookups[i]);
}

int gci_known_is_refreshing(const struct gci_known *k) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++)
    if (k->lookups[i].lookup != NULL) return 1;
  return 0;
}

void gci_known_refresh(struct gci_known *k) {
  uint64_t now_ms = gci_env_mono_ms(k->env);

  if (k->list == NULL || gci_list_empty(&k->list->names) || gci_known_is_refreshing(k)) return;
  if (k->passed && now_ms - k->pass_ms < PASS_EVERY_MS) return;
  k->passed = 1;
  k->pass_ms = now_ms;
  k->next = k->list->names.head.next;
  go_on(k);
}

/* ------------------------------------------------------------------------------------- life -- */

void gci_known_open(struct gci_known *k, struct gci_env *env, struct uv_loop_s *uv,
                    const struct gci_hash_key *key) {
  *k = (struct gci_known){.env = env, .uv = uv, .key = key};
}

void gci_known_close(struct gci_known *k) {
  stop(k);
}

void gci_known_fini(struct gci_known *k) {
  gci_known_drop(k, k->list);
  k->list = NULL;
}
