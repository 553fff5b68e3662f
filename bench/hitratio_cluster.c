/* gcache-bench hitratio FILE... --cluster N: sends the requests of a trace to N members, each to a
 * random one; shows the value of the hot cache, under several rules for its size.
 *
 * The members are stores without a network: a miss is sent to the key's owner, which counts as one
 * round trip; a miss at the owner is a load. All members together have room for the share of the
 * keys that --sizes gives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "base/value.h"
#include "bench.h"
#include "hitratio.h"
#include "store/cache.h"

#define VALUE_BYTES 1000
#define OVERHEAD_BYTES 170 /* of a key: heads, index, allocator, and what is remembered of it */
#define NODES_MAX 256

/* What a member does with a value that it got from its owner. */
struct rule {
  const char *name;
  unsigned divisor;    /* of hot_divisor */
  unsigned one_in;     /* kept only so often; 0: never */
  enum gci_side where; /* GCI_MAIN: with the member's own keys, under one policy */
};

static const struct rule rules[] = {
    {"off", 8, 0, GCI_HOT},
    {"1/32", 32, 1, GCI_HOT},
    {"1/8", 8, 1, GCI_HOT},
    {"1/4", 4, 1, GCI_HOT},
    {"1/2", 2, 1, GCI_HOT},
    {"1/1", 1, 1, GCI_HOT},
    {"1/8, one in 10", 8, 10, GCI_HOT},
    {"one pool", 8, 1, GCI_MAIN},
};

struct figures {
  uint64_t local, round_trips, loads, held;
};

struct cluster {
  const struct trace *trace;
  struct gci_mem *mem;
  struct gci_cache *nodes[NODES_MAX];
  unsigned n;
  const struct rule *rule;
  char *bytes; /* of all values */
  uint64_t random;
  struct figures figures;
};

static gcache_bytes_t key_of(char room[KEY_SIZE], uint32_t number) {
  memset(room, 0, KEY_SIZE);
  memcpy(room, &number, sizeof number);
  return gcache_bytes(room, KEY_SIZE);
}

static gcache_value_t *load(const struct cluster *c, uint32_t number) {
  gcache_bytes_t bytes = {c->bytes, c->trace->sized ? c->trace->sizes[number] : VALUE_BYTES};
  gcache_value_t *value = gci_value_wrap(c->mem, bytes, GCACHE_NEVER, NULL, NULL);
  if (value == NULL) bench_need(UV_ENOMEM, "value");
  return value;
}

static gcache_value_t *look(struct gci_cache *node, gcache_bytes_t key, uint64_t hash) {
  enum gci_side side;
  return gcache_value_ref(gci_cache_get(node, key, hash, 0, &side));
}

/* A value that does not fit is delivered all the same. */
static void keep(struct gci_cache *node, enum gci_side side, gcache_bytes_t key, uint64_t hash,
                 gcache_value_t *value) {
  gci_cache_put(node, side, key, hash, value, 0);
}

static void ask(struct cluster *c, uint32_t number) {
  char room[KEY_SIZE];
  gcache_bytes_t key = key_of(room, number);
  uint64_t hash = gci_hash_shared(key, 1);
  unsigned owner = (unsigned)(gci_hash_shared(key, 2) % c->n);
  unsigned asked = (unsigned)(bench_random(&c->random) % c->n);
  gcache_value_t *value = look(c->nodes[asked], key, hash);
  if (value != NULL) {
    c->figures.local++;
    gcache_value_unref(value);
    return;
  }
  if (asked != owner) value = look(c->nodes[owner], key, hash);
  if (value == NULL) {
    value = load(c, number);
    c->figures.loads++;
    keep(c->nodes[owner], GCI_MAIN, key, hash, value);
  }
  if (asked != owner) {
    c->figures.round_trips++;
    unsigned one_in = c->rule->one_in;
    if (one_in > 0 && bench_random(&c->random) % one_in == 0)
      keep(c->nodes[asked], c->rule->where, key, hash, value);
  }
  gcache_value_unref(value);
}

static void open_nodes(struct cluster *c, size_t max_bytes) {
  for (unsigned i = 0; i < c->n; i++)
    bench_need(
        gci_cache_open(&c->nodes[i], c->mem, max_bytes, c->rule->divisor, GCACHE_POLICY_DEFAULT),
        "cluster");
}

static void close_nodes(struct cluster *c) {
  for (unsigned i = 0; i < c->n; i++)
    gci_cache_close(c->nodes[i]);
}

/* Keys that some member holds. */
static uint64_t held(struct cluster *c) {
  uint64_t n = 0;
  for (uint32_t k = 0; k < c->trace->n_keys; k++) {
    char room[KEY_SIZE];
    gcache_bytes_t key = key_of(room, k);
    gcache_value_t *value = NULL;
    for (unsigned i = 0; value == NULL && i < c->n; i++)
      value = look(c->nodes[i], key, gci_hash_shared(key, 1));
    n += value != NULL;
    gcache_value_unref(value);
  }
  return n;
}

/* Of one member: what a key of mean size takes, times its part of the keys; no less than a cache
 * must have. */
static size_t room_for(const struct cluster *c, double share) {
  double items = share * (double)c->trace->n_keys / c->n;
  double mean = c->trace->sized ? (double)c->trace->bytes / (double)c->trace->n_keys : VALUE_BYTES;
  size_t bytes = (size_t)(items * (mean + OVERHEAD_BYTES));
  return bytes < GCI_CACHE_MIN_BYTES ? GCI_CACHE_MIN_BYTES : bytes;
}

static void report(const struct bench_options *o, const struct cluster *c, double pct) {
  double n = (double)c->trace->n_asked / 100, keys = (double)c->trace->n_keys / 100;
  double local = (double)c->figures.local / n, trips = (double)c->figures.round_trips / n;
  double loads = (double)c->figures.loads / n, distinct = (double)c->figures.held / keys;
  if (o->json)
    printf("{\"bench\":\"hitratio_cluster\",\"trace\":\"%s\",\"size_pct\":%g,\"members\":%u,"
           "\"rule\":\"%s\",\"local_pct\":%.2f,\"round_trip_pct\":%.2f,\"load_pct\":%.2f,"
           "\"held_pct\":%.2f}\n",
           c->trace->name, pct, c->n, c->rule->name, local, trips, loads, distinct);
  else
    printf("%-14s %5g %%  %3u members  hot %-14s  local %6.2f  round trips %6.2f  loads %6.2f  "
           "keys held %6.2f %%\n",
           c->trace->name, pct, c->n, c->rule->name, local, trips, loads, distinct);
  fflush(stdout);
}

static uint64_t largest(const struct trace *trace) {
  uint64_t size = VALUE_BYTES;
  for (size_t i = 0; trace->sized && i < trace->n_keys; i++)
    if (trace->sizes[i] > size) size = trace->sizes[i];
  return size;
}

void hitratio_cluster(const struct bench_options *o, const struct trace *trace, double pct) {
  struct cluster c = {.trace = trace, .n = o->cluster > NODES_MAX ? NODES_MAX : o->cluster};
  c.mem = gci_mem_new(NULL);
  c.bytes = calloc(1, largest(trace));
  if (c.mem == NULL || c.bytes == NULL) bench_need(UV_ENOMEM, "cluster");
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    c.rule = &rules[i];
    c.random = 88172645463325252u;
    memset(&c.figures, 0, sizeof c.figures);
    open_nodes(&c, room_for(&c, pct / 100));
    for (size_t k = 0; k < trace->n_asked; k++)
      ask(&c, trace->asked[k]);
    c.figures.held = held(&c);
    close_nodes(&c);
    report(o, &c, pct);
  }
  gci_mem_unref(c.mem);
  free(c.bytes);
}
