/* gcache-bench place: the placement of keys, by kind of placement and length of the list.
 *
 * pick: one look-up of a key's owner when the list is in force; first: the same for a key not
 * looked up before, as soon as the list is in force; next: a look-up of the owner after one that is
 * out. install: the time until no work is left for a new list, all slices together; hold: the
 * longest slice; added and removed: as install, for one peer more and one less. bench/lists.c
 * measures gcache_set_peers() itself. All times are CPU times of this process, so that other
 * processes do not count.
 *
 * peak: the busiest peer's share of KEYS keys over the mean. With 10,000 peers a peer has 1,000
 * keys, so that chance alone gives a peak of 1.12; `space` counts every slot once, without chance,
 * if the kind has slots. moved: the share of MOVED_KEYS keys whose owner changes when a peer is
 * added; ideal: the share that this peer gets, which has to move. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bench.h"
#include "figures.h"
#include "store/placement.h"

enum {
  KEYS = 10000000,
  MOVED_KEYS = 1000000,
  PICKS = 1 << 16,
  FIRSTS = 256,
  LABEL_SIZE = 40,
  TEXT_SIZE = 48,
  SLOTS = 1 << 20
};

static const struct kind {
  const char *name;
  gcache_dialect_t dialect;
  size_t skip; /* of the URL: what the kind does not hash */
} kinds[] = {{"gcache", GCACHE_DIALECT_GCACHE, 0},
             {"mailgun", GCACHE_DIALECT_MAILGUN, 0},
             {"groupcache-go", GCACHE_DIALECT_GROUPCACHE_GO, 7},
             {"golang", GCACHE_DIALECT_GOLANG, 0}};

static const size_t sizes[] = {3, 10, 100, 1000, 10000};

enum { N_KINDS = sizeof kinds / sizeof *kinds, N_SIZES = sizeof sizes / sizeof *sizes };

/* ------------------------------------------------------------------------------------- keys -- */

typedef size_t (*key_maker)(char *out, uint64_t i, uint64_t *random);

static size_t digits(char *out, uint64_t i) {
  char turned[20];
  size_t n = 0;
  do
    turned[n++] = (char)('0' + i % 10);
  while ((i /= 10) > 0);
  for (size_t k = 0; k < n; k++)
    out[k] = turned[n - 1 - k];
  return n;
}

static size_t sequential_key(char *out, uint64_t i, uint64_t *random) {
  (void)random;
  memcpy(out, "user:", 5);
  return 5 + digits(out + 5, i + 1);
}

static size_t padded_key(char *out, uint64_t i, uint64_t *random) {
  (void)random;
  memcpy(out, "user:", 5);
  for (size_t at = 12; at > 4; at--, i /= 10)
    out[at] = (char)('0' + i % 10);
  return 13;
}

static size_t uuid_key(char *out, uint64_t i, uint64_t *random) {
  static const char hex[] = "0123456789abcdef";
  uint64_t half = 0;
  (void)i;
  for (size_t at = 0, n = 0; at < 36; at++) {
    if (at == 8 || at == 13 || at == 18 || at == 23) {
      out[at] = '-';
      continue;
    }
    if (n++ % 16 == 0) half = bench_random(random);
    out[at] = at == 14 ? '4' : at == 19 ? hex[8 + (half >> 62)] : hex[half >> 60];
    half <<= 4;
  }
  return 36;
}

static size_t random_key(char *out, uint64_t i, uint64_t *random) {
  uint64_t halves[2] = {bench_random(random), bench_random(random)};
  (void)i;
  memcpy(out, halves, sizeof halves);
  return sizeof halves;
}

static const struct {
  const char *name;
  key_maker make;
} keysets[] = {{"sequential", sequential_key},
               {"padded", padded_key},
               {"uuid", uuid_key},
               {"random", random_key}};

enum { N_KEYSETS = sizeof keysets / sizeof *keysets };

/* ------------------------------------------------------------------------------------ lists -- */

struct list {
  struct gci_placed_peer *peers;
  char (*labels)[LABEL_SIZE];
  size_t n;
};

static void *need(void *memory) {
  if (memory == NULL) bench_need(UV_ENOMEM, "place");
  return memory;
}

static void list_make(struct list *l, const struct kind *kind, size_t n) {
  l->n = n;
  l->peers = need(calloc(n, sizeof *l->peers));
  l->labels = need(calloc(n, LABEL_SIZE));
  for (size_t i = 0; i < n; i++) {
    snprintf(l->labels[i], LABEL_SIZE, "http://10.%zu.%zu.%zu:8080", i >> 16, i >> 8 & 255,
             i & 255);
    l->peers[i] = (struct gci_placed_peer){l->labels[i] + kind->skip, 1};
  }
}

static void list_free(struct list *l) {
  free(l->peers);
  free(l->labels);
}

/* Milliseconds of all that there was to do, and of the longest part. */
struct install {
  double total, hold;
};

static void note(struct install *took, uint64_t since) {
  double ms = (double)(bench_cpu_ns() - since) / 1e6;
  took->total += ms;
  if (ms > took->hold) took->hold = ms;
}

static void finish(struct gci_placement *p, struct install *took) {
  for (int more = 1; more;) {
    uint64_t since = bench_cpu_ns();
    more = gci_placement_work(p);
    note(took, since);
  }
}

/* old NULL: there is none. */
static struct gci_placement *begin(struct gci_mem *mem, const struct kind *kind,
                                   const struct list *l, size_t n, const struct gci_placement *old,
                                   struct install *took) {
  struct gci_placement *p;
  uint64_t since = bench_cpu_ns();
  bench_need(gci_placement_begin(&p, mem, kind->dialect, 0, l->peers, n, old), "place");
  note(took, since);
  for (int more = 1; more;) {
    since = bench_cpu_ns();
    more = gci_placement_prepare(p);
    note(took, since);
  }
  return p;
}

static struct gci_placement *install(struct gci_mem *mem, const struct kind *kind,
                                     const struct list *l, size_t n,
                                     const struct gci_placement *old, struct install *took) {
  struct gci_placement *p = begin(mem, kind, l, n, old, took);
  finish(p, took);
  return p;
}

/* ----------------------------------------------------------------------------------- figures -- */

struct placed {
  struct list list; /* one more than `placement` has */
  struct gci_placement *placement;
  struct gci_placement *more; /* with that one */
  size_t n;
  double pick_ns, first_ns, next_ns;
  struct install install, added, removed;
  double moved_pct, ideal_pct;
  uint32_t *owned;
};

static double pick_ns(struct gci_placement *p, size_t first, size_t n) {
  static char keys[PICKS][16];
  static size_t lens[PICKS];
  size_t sum = 0;
  for (size_t i = 0; i < n; i++)
    lens[i] = sequential_key(keys[i], first + i, NULL);
  uint64_t since = bench_cpu_ns();
  for (size_t i = 0; i < n; i++)
    sum += gci_placement_owner(p, gcache_bytes(keys[i], lens[i]));
  double ns = (double)(bench_cpu_ns() - since) / (double)n;
  return sum == SIZE_MAX ? 0 : ns;
}

/* Half of the peers are out, of which the owner of each key asked for is one. */
static double next_ns(struct gci_placement *p, size_t n) {
  unsigned char *skip = need(calloc(n, 1));
  uint64_t hashes[FIRSTS];
  size_t found = 0, sum = 0;
  for (size_t i = 0; i < n; i += 2)
    skip[i] = 1;
  for (size_t i = 0; found < FIRSTS; i++) {
    char key[TEXT_SIZE];
    uint64_t hash = gci_placement_hash(p, gcache_bytes(key, sequential_key(key, i, NULL)));
    if (skip[gci_placement_owner_of(p, hash)]) hashes[found++] = hash;
  }
  uint64_t since = bench_cpu_ns();
  for (size_t i = 0; i < FIRSTS; i++)
    sum += gci_placement_next_of(p, hashes[i], skip);
  double ns = (double)(bench_cpu_ns() - since) / FIRSTS;
  free(skip);
  return sum == SIZE_MAX ? 0 : ns;
}

static double steady_pick_ns(struct gci_placement *p, unsigned rounds) {
  double *ns = need(calloc(rounds, sizeof *ns));
  pick_ns(p, 0, PICKS);
  for (unsigned i = 0; i < rounds; i++)
    ns[i] = pick_ns(p, 0, PICKS);
  double median = figure_of(ns, rounds).median;
  free(ns);
  return median;
}

static void measure_moves(struct placed *x) {
  uint64_t moved = 0, gained = 0;
  for (uint64_t i = 0; i < MOVED_KEYS; i++) {
    char key[TEXT_SIZE];
    gcache_bytes_t k = gcache_bytes(key, sequential_key(key, i, NULL));
    size_t is = gci_placement_owner(x->more, k);
    moved += gci_placement_owner(x->placement, k) != is;
    gained += is == x->n;
  }
  x->moved_pct = 100.0 * (double)moved / MOVED_KEYS;
  x->ideal_pct = 100.0 * (double)gained / MOVED_KEYS;
}

static void measure(struct placed *x, struct gci_mem *mem, const struct kind *kind, size_t n,
                    unsigned rounds) {
  memset(x, 0, sizeof *x);
  x->n = n;
  list_make(&x->list, kind, n + 1);
  x->placement = install(mem, kind, &x->list, n, NULL, &x->install);
  x->first_ns = pick_ns(x->placement, PICKS, FIRSTS);
  x->next_ns = next_ns(x->placement, n);
  x->more = install(mem, kind, &x->list, n + 1, x->placement, &x->added);
  gci_placement_close(install(mem, kind, &x->list, n, x->more, &x->removed));
  x->pick_ns = steady_pick_ns(x->placement, rounds);
  measure_moves(x);
  x->owned = need(calloc(n, sizeof *x->owned));
}

static void release(struct placed *x) {
  gci_placement_close(x->placement);
  gci_placement_close(x->more);
  list_free(&x->list);
  free(x->owned);
}

/* ----------------------------------------------------------------------------------- balance -- */

static double peak_over_mean(struct placed *x, double keys) {
  uint32_t peak = 0;
  for (size_t i = 0; i < x->n; i++)
    if (x->owned[i] > peak) peak = x->owned[i];
  memset(x->owned, 0, x->n * sizeof *x->owned);
  return peak * (double)x->n / keys;
}

static void report(const struct bench_options *o, const struct kind *kind, const struct placed *x,
                   const char *keyset, double peak) {
  if (o->json)
    printf("{\"bench\":\"place\",\"kind\":\"%s\",\"peers\":%zu,\"pick_ns\":%.1f,"
           "\"install_ms\":%.3f,\"keyset\":\"%s\",\"peak_over_mean\":%.4f,\"moved_pct\":%.4f,"
           "\"ideal_pct\":%.4f}\n",
           kind->name, x->n, x->pick_ns, x->install.total, keyset, peak, x->moved_pct,
           x->ideal_pct);
  else
    printf("%-14s %6zu %-11s %7.4f\n", kind->name, x->n, keyset, peak);
  fflush(stdout);
}

static void report_times(const struct kind *kind, const struct placed *x) {
  printf("%-14s %6zu %6.1f %7.1f %8.1f %9.3f %7.3f %8.3f %8.3f %9.4f %9.4f\n", kind->name, x->n,
         x->pick_ns, x->first_ns, x->next_ns, x->install.total, x->install.hold, x->added.total,
         x->removed.total, x->moved_pct, x->ideal_pct);
  fflush(stdout);
}

/* Every key is made once and placed in all. */
static void balance(const struct bench_options *o, struct placed all[N_KINDS][N_SIZES],
                    size_t keyset) {
  uint64_t random = 42;
  for (uint64_t i = 0; i < KEYS; i++) {
    char key[TEXT_SIZE];
    gcache_bytes_t k = gcache_bytes(key, keysets[keyset].make(key, i, &random));
    for (size_t kind = 0; kind < N_KINDS; kind++)
      for (size_t size = 0; size < N_SIZES; size++)
        all[kind][size].owned[gci_placement_owner(all[kind][size].placement, k)]++;
  }
  for (size_t kind = 0; kind < N_KINDS; kind++)
    for (size_t size = 0; size < N_SIZES; size++)
      report(o, &kinds[kind], &all[kind][size], keysets[keyset].name,
             peak_over_mean(&all[kind][size], KEYS));
}

static void balance_of_slots(const struct bench_options *o, struct placed *x) {
  for (uint64_t slot = 0; slot < SLOTS; slot++)
    x->owned[gci_placement_owner_of(x->placement, slot << 44)]++;
  report(o, &kinds[0], x, "space", peak_over_mean(x, SLOTS));
}

/* ----------------------------------------------------------------------------------- weights -- */

/* Worst deviation of a weight's peers together from their share, percent, over all slots. */
static double weights_off_pct(struct gci_mem *mem, size_t n) {
  static const unsigned weights[] = {1, 2, 4, 10};
  struct list l;
  struct install took = {0, 0};
  double owned[4] = {0}, total = 0, share[4] = {0}, worst = 0;
  list_make(&l, &kinds[0], n);
  for (size_t i = 0; i < n; i++) {
    l.peers[i].weight = weights[i % 4];
    share[i % 4] += weights[i % 4];
    total += weights[i % 4];
  }
  struct gci_placement *p = install(mem, &kinds[0], &l, n, NULL, &took);
  for (uint64_t slot = 0; slot < SLOTS; slot++)
    owned[gci_placement_owner_of(p, slot << 44) % 4]++;
  for (size_t w = 0; w < 4; w++) {
    double off = 100 * (owned[w] / SLOTS / (share[w] / total) - 1);
    if (off < 0) off = -off;
    if (share[w] > 0 && off > worst) worst = off;
  }
  gci_placement_close(p);
  list_free(&l);
  return worst;
}

static void longest_list(struct gci_mem *mem) {
  struct list l;
  list_make(&l, &kinds[0], GCI_PLACEMENT_MAX_PEERS);
  struct install took = {0, 0};
  gci_placement_close(install(mem, &kinds[0], &l, l.n, NULL, &took));
  printf("gcache, %d peers: install %.1f ms, hold %.3f ms\n", GCI_PLACEMENT_MAX_PEERS, took.total,
         took.hold);
  list_free(&l);
}

int bench_place(const struct bench_options *o) {
  static struct placed all[N_KINDS][N_SIZES];
  struct gci_mem *mem = need(gci_mem_new(NULL));
  if (!o->json)
    puts("kind            peers   pick   first     next   install    hold    added  removed   "
         "moved %   "
         "ideal %\n                         ns      ns       ns        ms      ms       ms       "
         "ms");
  for (size_t kind = 0; kind < N_KINDS; kind++) {
    for (size_t size = 0; size < N_SIZES; size++) {
      measure(&all[kind][size], mem, &kinds[kind], sizes[size], o->rounds);
      if (!o->json) report_times(&kinds[kind], &all[kind][size]);
    }
  }
  if (!o->json) {
    longest_list(mem);
    for (size_t size = 0; size < N_SIZES; size++)
      printf("weights 1, 2, 4, 10 on %zu peers: at most %.2f %% off\n", sizes[size],
             weights_off_pct(mem, sizes[size]));
    puts("\nkind            peers keyset      peak / mean");
  }
  for (size_t size = 0; size < N_SIZES; size++)
    balance_of_slots(o, &all[0][size]);
  for (size_t keyset = 0; keyset < N_KEYSETS; keyset++)
    balance(o, all, keyset);
  for (size_t kind = 0; kind < N_KINDS; kind++)
    for (size_t size = 0; size < N_SIZES; size++)
      release(&all[kind][size]);
  gci_mem_unref(mem);
  bench_place_lists(o);
  return 0;
}
