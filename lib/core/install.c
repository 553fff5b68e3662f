/* core/install - see install.h. */
#include "core/install.h"

#include <string.h>
#include <uv.h>

#define MEMBERS 1000 /* a slice */

enum { JOINING, PLACING, FILLING, COMPLETE };

/* ------------------------------------------------------------------------------------ begin -- */

static int hash_all(struct gci_install *in) {
  uint64_t own = in->self == NULL ? 0 : gci_peers_hash(in->self);
  int has_self = in->self == NULL;
  for (size_t i = 0; i < in->n; i++) {
    in->hashes[i] = gci_peers_hash(in->urls[i]);
    if (in->hashes[i] == own && !has_self) has_self = gci_peers_same_member(in->urls[i], in->self);
  }
  return has_self ? 0 : GCACHE_ESELF;
}

/* table: its size is a power of two, large enough, all zero; holds indexes of URLs, + 1, at the
 * place of their hash or the next free one. */
static int has_twins(const struct gci_install *in, uint32_t table[], size_t wide) {
  for (size_t i = 0; i < in->n; i++) {
    size_t at = in->hashes[i] & (wide - 1);
    for (; table[at] != 0; at = (at + 1) & (wide - 1)) {
      size_t other = table[at] - 1;
      if (in->hashes[other] == in->hashes[i] && gci_peers_same_member(in->urls[other], in->urls[i]))
        return 1;
    }
    table[at] = (uint32_t)(i + 1);
  }
  return 0;
}

static int check_twins(struct gci_install *in) {
  size_t wide = 2;
  while (wide < 2 * in->n)
    wide *= 2;
  uint32_t *table = gci_mem_zalloc(in->mem, wide * sizeof *table);
  if (table == NULL) return UV_ENOMEM;
  int twins = has_twins(in, table, wide);
  gci_mem_free(in->mem, table, wide * sizeof *table);
  return twins ? UV_EINVAL : 0;
}

/* Lists are told apart by sums of these. */
static uint64_t mixed(uint64_t hash, unsigned weight) {
  uint64_t x = (hash ^ weight * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
  return (x ^ (x >> 31)) * UINT64_C(0x94d049bb133111eb);
}

/* A slash more is the same member, but another text, and that decides who owns what. */
static uint64_t text_hash(const struct gci_install *in, size_t i) {
  size_t len = strlen(in->urls[i]);
  return in->hashes[i] + (len > 0 && in->urls[i][len - 1] == '/');
}

static int begin(struct gci_install *in, const char *const labels[], const unsigned weights[]) {
  struct gci_peers *fresh = &in->fresh;
  in->hashes = gci_mem_alloc(in->mem, in->n * sizeof *in->hashes);
  in->placed = gci_mem_alloc(in->mem, in->n * sizeof *in->placed);
  in->others = gci_mem_alloc(in->mem, in->n * sizeof *in->others);
  if (in->hashes == NULL || in->placed == NULL || in->others == NULL) return UV_ENOMEM;
  int self = hash_all(in), rc = check_twins(in);
  if (rc == 0) rc = self;
  if (rc == 0) rc = gci_peers_reserve(fresh, in->n);
  if (rc < 0) return rc;
  for (size_t i = 0; i < in->n; i++) {
    in->placed[i] = (struct gci_placed_peer){labels[i], weights == NULL ? 1 : weights[i]};
    uint64_t print = mixed(text_hash(in, i), in->placed[i].weight);
    fresh->print += print;
    fresh->order = fresh->order * UINT64_C(0x9e3779b97f4a7c15) + print;
  }
  return gci_placement_begin(&fresh->placement, in->mem, fresh->dialect, fresh->replicas,
                             in->placed, in->n, in->old->placement);
}

int gci_install_begin(struct gci_install *in, const struct gci_peers *old, uint64_t now_ms,
                      const char *self, const char *const urls[], const char *const labels[],
                      const unsigned weights[], size_t n) {
  if (n > GCI_PLACEMENT_MAX_PEERS) return UV_EINVAL;
  *in = (struct gci_install){.mem = old->mem,
                             .old = old,
                             .self = self,
                             .urls = urls,
                             .n = n,
                             .labels_are_urls = labels == urls,
                             .step = JOINING};
  gci_peers_init(&in->fresh, old->mem, old->dialect, old->replicas);
  in->fresh.came_ms = old->n == 0 ? 0 : now_ms;
  int rc = begin(in, labels, weights);
  if (rc < 0) {
    struct gci_peers none = gci_install_end(in);
    gci_peers_fini(&none);
  }
  return rc;
}

/* ------------------------------------------------------------------------------------- keep -- */

static size_t text_size(const struct gci_install *in) {
  size_t size = 0;
  for (size_t i = 0; i < in->n; i++) {
    size += strlen(in->urls[i]) + 1;
    if (!in->labels_are_urls) size += strlen(in->placed[i].label) + 1;
  }
  return size;
}

static char *append(char **at, const char *text) {
  char *copy = *at;
  size_t size = strlen(text) + 1;
  memcpy(copy, text, size);
  *at += size;
  return copy;
}

int gci_install_keep(struct gci_install *in) {
  size_t pointers = in->n * sizeof(char *);
  in->copy_size = pointers + text_size(in);
  in->copy = gci_mem_alloc(in->mem, in->copy_size);
  if (in->copy == NULL) {
    struct gci_peers none = gci_install_end(in);
    gci_peers_fini(&none);
    return UV_ENOMEM;
  }
  const char **urls = (const char **)(void *)in->copy;
  char *at = in->copy + pointers;
  for (size_t i = 0; i < in->n; i++) {
    urls[i] = append(&at, in->urls[i]);
    in->placed[i].label = in->labels_are_urls ? urls[i] : append(&at, in->placed[i].label);
  }
  in->urls = urls;
  return 0;
}

/* ----------------------------------------------------------------------------------- slices -- */

static int join_some(struct gci_install *in) {
  size_t end = in->n - in->fresh.n < MEMBERS ? in->n : in->fresh.n + MEMBERS;
  while (in->fresh.n < end) {
    size_t i = in->fresh.n;
    int is_self = in->self != NULL && gci_peers_same_member(in->self, in->urls[i]);
    int rc = gci_peers_add(&in->fresh, in->old, in->urls[i], in->hashes[i], is_self);
    if (rc < 0) return rc;
  }
  return end < in->n;
}

int gci_install_some(struct gci_install *in) {
  int rc = 0;
  if (in->step == JOINING)
    rc = join_some(in);
  else if (in->step == PLACING)
    rc = gci_placement_prepare(in->fresh.placement);
  else if (in->step == FILLING)
    rc = gci_placement_work(in->fresh.placement);
  if (rc != 0) return rc;
  if (in->step < COMPLETE) in->step++;
  return in->step < COMPLETE;
}

int gci_install_is_usable(const struct gci_install *in) {
  return in->step >= FILLING;
}

struct gci_peers gci_install_end(struct gci_install *in) {
  gci_mem_free(in->mem, in->hashes, in->n * sizeof *in->hashes);
  gci_mem_free(in->mem, in->placed, in->n * sizeof *in->placed);
  gci_mem_free(in->mem, in->others, in->n * sizeof *in->others);
  gci_mem_free(in->mem, in->copy, in->copy_size);
  return in->fresh;
}
