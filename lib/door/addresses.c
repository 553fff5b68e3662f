#include "door/addresses.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"

struct node {
  struct gci_map_node in_map;
  struct gci_address address;
  unsigned count;
};

static void map_ipv4(struct gci_address *out, const void *ipv4) {
  static const unsigned char prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

  memcpy(out->bytes, prefix, sizeof prefix);
  memcpy(out->bytes + sizeof prefix, ipv4, 4);
}

void gci_address_read(struct gci_address *out, const char *text) {
  unsigned char ipv4[4];

  if (inet_pton(AF_INET6, text, out->bytes) == 1) return;
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, text, ipv4) == 1) map_ipv4(out, ipv4);
}

void gci_address_of(struct gci_address *out, const struct sockaddr *name) {
  memset(out, 0, sizeof *out);
  if (name->sa_family == AF_INET6)
    memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)name)->sin6_addr,
           sizeof out->bytes);
  else if (name->sa_family == AF_INET)
    map_ipv4(out, &((const struct sockaddr_in *)(const void *)name)->sin_addr);
}

int gci_address_known(const struct gci_address *a) {
  static const struct gci_address unknown;

  return !gci_address_equal(a, &unknown);
}

int gci_address_equal(const struct gci_address *a, const struct gci_address *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void gci_addresses_init(struct gci_addresses *as, struct gci_mem *mem,
                        const struct gci_hash_key *key) {
  as->mem = mem;
  as->key = key;
  gci_map_init(&as->map, mem);
}

void gci_addresses_fini(struct gci_addresses *as) {
  gci_map_fini(&as->map);
}

static uint64_t hash_of(const struct gci_addresses *as, const struct gci_address *a) {
  return gci_hash_keyed(as->key, (gcache_bytes_t){a->bytes, sizeof a->bytes});
}

static struct node *find(const struct gci_addresses *as, const struct gci_address *a) {
  struct gci_map_node *in_map = gci_map_first(&as->map, hash_of(as, a));

  for (; in_map != NULL; in_map = gci_map_next(in_map)) {
    struct node *node = gci_container_of(in_map, struct node, in_map);
    if (gci_address_equal(&node->address, a)) return node;
  }
  return NULL;
}

unsigned gci_addresses_count(const struct gci_addresses *as, const struct gci_address *a) {
  const struct node *node = find(as, a);

  return node == NULL ? 0 : node->count;
}

int gci_addresses_enter(struct gci_addresses *as, const struct gci_address *a) {
  struct node *node = find(as, a);

  if (node == NULL) {
    node = gci_mem_zalloc(as->mem, sizeof *node);
    if (node == NULL) return UV_ENOMEM;
    node->address = *a;
    gci_map_insert(&as->map, &node->in_map, hash_of(as, a));
  }
  node->count++;
  return 0;
}

void gci_addresses_leave(struct gci_addresses *as, const struct gci_address *a) {
  struct node *node = find(as, a);

  assert(node != NULL && node->count > 0);
  if (--node->count > 0) return;
  gci_map_remove(&as->map, &node->in_map);
  gci_mem_free(as->mem, node, sizeof *node);
}
