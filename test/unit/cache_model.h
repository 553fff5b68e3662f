/* cache_model - store/cache against a simple model: each operation runs on both, and after each the
 * cache's bytes are compared with the allocator's.
 *
 * The model has no index, so it cannot know how many entries must leave for a put; it is given the
 * number, says which entries they are, and checks that the last of them had to leave. (Under a
 * policy other than LRU it is also given the entries: the policy has a test of its own; here a
 * look-up of every key shows which have left.) Times are whole seconds and the clock stands at half
 * seconds, so that "within half a second" is unambiguous.
 *
 * struct random chooses the operations. Include random.h and cmocka.h first, or their
 * replacements. */
#ifndef TEST_UNIT_CACHE_MODEL_H
#define TEST_UNIT_CACHE_MODEL_H

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/hash.h"
#include "base/value.h"
#include "costed.h"
#include "store/cache.h"
#include "store/hit.h"

#define SECOND INT64_C(1000000000)
#define START (INT64_C(1763700000) * SECOND + SECOND / 2)

#ifndef CACHE_MODEL_KEYS
#define CACHE_MODEL_KEYS 1500
#endif

enum { KEYS = CACHE_MODEL_KEYS, KEY_ROOM = 1100, SLACK = 8 * 1024 };

struct slot {
  int in;
  enum gci_side side;
  int64_t expire;
  size_t charge, len;
  uint64_t used; /* when, in operations */
  uint32_t id;   /* of its value: what it is filled with */
};

struct world {
  struct gci_mem *mem;
  struct costed *costed; /* NULL: memory fails, bytes are not compared */
  struct gci_cache *cache;
  size_t max_bytes, least; /* least: index of a cache with one entry */
  unsigned hot_divisor;
  gcache_policy_t policy;
  uint64_t hash_mask;
  int64_t now;
  uint64_t ops;
  struct slot slots[KEYS];
  gcache_cache_stats_t stats[2];
  gcache_causes_t causes[2];
  uint64_t direct; /* hits without gci_cache_get() */
  struct random random;
};

/* ---- keys and values ---- */

/* The empty key, keys of NULs, and long ones are among them. */
static inline gcache_bytes_t key_of(size_t k, char room[KEY_ROOM]) {
  size_t len = k < 40 ? k : k % 100 == 0 ? 1000 + k % 7 : 4 + k % 30;
  memset(room, 0, KEY_ROOM);
  if (k >= 40) memcpy(room + len - 4, &k, 4);
  return gcache_bytes(room, len);
}

static inline uint64_t hash_of(const struct world *w, gcache_bytes_t key) {
  return gci_hash_shared(key, 3) & w->hash_mask;
}

struct buffer {
  struct gci_mem *mem;
  size_t len;
  unsigned char bytes[];
};

static inline void on_freed(void *arg) {
  struct buffer *buffer = arg;
  gci_mem_free(buffer->mem, buffer->bytes - sizeof(struct buffer), buffer->len);
}

/* The buffer is of the cache's allocator, so that its cost is seen there. */
static inline gcache_value_t *wrapped_value(struct world *w, size_t len, int64_t expire, int fill) {
  struct buffer *buffer = gci_mem_alloc(w->mem, len + sizeof *buffer);
  if (buffer == NULL) return NULL;
  *buffer = (struct buffer){w->mem, len + sizeof *buffer};
  memset(buffer->bytes, fill, len);
  gcache_bytes_t whole = gcache_bytes(buffer, buffer->len);
  gcache_value_t *value = gci_value_wrap(w->mem, whole, expire, on_freed, buffer);
  if (value == NULL)
    on_freed(buffer);
  else
    gci_value_narrow(value, sizeof *buffer, len);
  return value;
}

static inline gcache_value_t *value_of(struct world *w, size_t len, int64_t expire, int fill,
                                       int wrap) {
  if (wrap) return wrapped_value(w, len, expire, fill);
  gcache_value_t *value = gci_value_block(w->mem, len);
  if (value == NULL) return NULL;
  memset(gci_value_fill(value), fill, len);
  gci_value_set_expire(value, expire);
  return value;
}

static inline void check_value(const struct slot *slot, const gcache_value_t *value) {
  gcache_bytes_t bytes = gcache_value_bytes(value);
  assert_int_equal(bytes.len, slot->len);
  for (size_t i = 0; i < bytes.len; i += 37)
    assert_int_equal(((const unsigned char *)bytes.base)[i], slot->id & 0xff);
  assert_true(gcache_value_expire(value) == slot->expire);
}

static inline size_t some_length(struct world *w) {
  struct random *r = &w->random;
  size_t kind = random_below(r, 100);
  if (kind < 5) return 0;
  if (kind < 80) return random_below(r, 300);
  if (kind < 97) return random_below(r, 6000);
  return random_below(r, w->max_bytes / 2 * (kind - 96));
}

/* ---- the model ---- */

static inline void leave(struct world *w, struct slot *slot) {
  slot->in = 0;
  w->stats[slot->side].items--;
  w->stats[slot->side].bytes -= slot->charge;
}

static inline struct slot *oldest(struct world *w, enum gci_side side) {
  struct slot *found = NULL;
  for (size_t k = 0; k < KEYS; k++) {
    struct slot *slot = &w->slots[k];
    if (slot->in && slot->side == side && (found == NULL || slot->used < found->used)) found = slot;
  }
  return found;
}

/* Asks before anything expires. NULL: the cache has all that the model has. */
static inline struct slot *missing(struct world *w) {
  char room[KEY_ROOM];
  for (size_t k = 0; k < KEYS; k++) {
    struct slot *slot = &w->slots[k];
    enum gci_side side = GCI_MAIN;
    gcache_bytes_t key = key_of(k, room);
    if (!slot->in) continue;
    gcache_value_t *value = gci_cache_get(w->cache, key, hash_of(w, key), 1, &side);
    w->stats[GCI_MAIN].gets++;
    if (value == NULL || side == GCI_HOT) w->stats[GCI_HOT].gets++;
    if (value == NULL) return slot;
    w->stats[side].hits++;
  }
  return NULL;
}

static inline int expired(const struct world *w, const struct slot *slot) {
  return slot->expire != GCACHE_NEVER && slot->expire <= w->now;
}

static inline void count_eviction(struct world *w, const struct slot *slot) {
  w->stats[slot->side].evictions++;
  w->causes[slot->side].evictions_nonexpired += !expired(w, slot);
}

/* Gives the charge of the one that left. */
static inline size_t evict(struct world *w) {
  if (w->policy != GCACHE_POLICY_LRU) {
    struct slot *gone = missing(w);
    assert_non_null(gone);
    count_eviction(w, gone);
    leave(w, gone);
    return gone->charge;
  }
  int hot = w->stats[GCI_HOT].bytes > w->stats[GCI_MAIN].bytes / w->hot_divisor;
  struct slot *victim = oldest(w, hot ? GCI_HOT : GCI_MAIN);
  if (victim == NULL) victim = oldest(w, hot ? GCI_MAIN : GCI_HOT);
  assert_non_null(victim);
  count_eviction(w, victim);
  leave(w, victim);
  return victim->charge;
}

static inline void come(struct world *w, struct slot *slot, enum gci_side side) {
  slot->in = 1;
  slot->side = side;
  slot->used = ++w->ops;
  w->stats[side].items++;
  w->stats[side].bytes += slot->charge;
}

/* ---- comparing ---- */

static inline void check_stats(const struct world *w) {
  for (unsigned side = GCI_MAIN; side <= GCI_HOT; side++) {
    gcache_cache_stats_t real;
    gci_cache_stats(w->cache, (enum gci_side)side, &real);
    assert_int_equal(real.items, w->stats[side].items);
    assert_int_equal(real.bytes, w->stats[side].bytes);
    assert_int_equal(real.gets, w->stats[side].gets);
    assert_int_equal(real.hits, w->stats[side].hits);
    assert_int_equal(real.evictions, w->stats[side].evictions);
    assert_int_equal(real.expirations, w->stats[side].expirations);
    const gcache_causes_t *causes = gci_cache_causes(w->cache, (enum gci_side)side);
    assert_int_equal(causes->removed, w->causes[side].removed);
    assert_int_equal(causes->replaced, w->causes[side].replaced);
    assert_int_equal(causes->evictions_nonexpired, w->causes[side].evictions_nonexpired);
  }
}

/* beside: the cost of a value that was not yet, or is not any more, the cache's. */
static inline void check_bytes(const struct world *w, size_t beside) {
  size_t bytes = gci_cache_bytes(w->cache);
  assert_true(bytes <= w->max_bytes);
  assert_int_equal(bytes, gci_cache_index_bytes(w->cache) + w->stats[GCI_MAIN].bytes +
                              w->stats[GCI_HOT].bytes);
  if (w->costed == NULL) return;
  assert_int_equal(bytes, w->costed->now);
  assert_true(w->costed->most <= w->max_bytes + beside);
  w->costed->most = w->costed->now;
}

static inline uint64_t evictions(const struct world *w) {
  gcache_cache_stats_t main, hot;
  gci_cache_stats(w->cache, GCI_MAIN, &main);
  gci_cache_stats(w->cache, GCI_HOT, &hot);
  return main.evictions + hot.evictions;
}

/* ---- operations on both ---- */

/* With the short ways of the usual hits in front, or without. */
static inline gcache_value_t *find(struct world *w, gcache_bytes_t key, enum gci_side *side) {
  uint64_t hash = hash_of(w, key);
  int is_usual = key.len >= 9 && key.len <= 16 && random_below(&w->random, 2) == 0;
  struct gci_hit hit = {NULL, GCI_MAIN};
  if (is_usual) hit = gci_cache_hit(w->cache, key, hash);
  if (is_usual && hit.value == NULL) hit = gci_cache_hit_other(w->cache, key, hash, w->now);
  if (hit.value == NULL) return gci_cache_get(w->cache, key, hash, w->now, side);
  w->direct++;
  *side = hit.side;
  return hit.value;
}

static inline void get(struct world *w, size_t k) {
  char room[KEY_ROOM];
  struct slot *slot = &w->slots[k];
  enum gci_side side = GCI_MAIN;
  gcache_bytes_t key = key_of(k, room);
  gcache_value_t *value = find(w, key, &side);
  w->stats[GCI_MAIN].gets++;
  if (!slot->in || slot->side == GCI_HOT) w->stats[GCI_HOT].gets++;
  if (slot->in && expired(w, slot)) {
    w->stats[slot->side].expirations++;
    leave(w, slot);
  }
  assert_int_equal(value != NULL, slot->in);
  if (value == NULL) return;
  check_value(slot, value);
  assert_int_equal(side, slot->side);
  w->stats[side].hits++;
  slot->used = ++w->ops;
}

static inline void check_put(struct world *w, struct slot *slot, enum gci_side side, int err,
                             uint64_t evicted) {
  int fits = slot->charge <= w->max_bytes - w->least;
  size_t last = 0;
  for (uint64_t i = 0; i < evicted; i++) {
    size_t charge = evict(w);
    if (w->policy == GCACHE_POLICY_LRU || charge > last) last = charge; /* else any was the last */
  }
  if (expired(w, slot) || !fits) {
    assert_int_equal(err, expired(w, slot) ? 0 : GCACHE_ENOROOM);
    assert_int_equal(evicted, 0);
    return;
  }
  assert_true(err == 0 || (err == UV_ENOMEM && w->costed == NULL));
  if (err == 0) come(w, slot, side);
  if (evicted > 0 && err == 0) assert_true(gci_cache_bytes(w->cache) + last + SLACK > w->max_bytes);
}

/* Worked out by hand: head, key, and a short value in one block; 24 bytes more if it expires, or 8 to
 * say where a long one is. */
static inline size_t charge_of(size_t key_len, size_t len, size_t value_cost, int timed) {
  if (len <= 4096) return gci_mem_cost(32 + key_len + len + (timed ? 24 : 0));
  return gci_mem_cost(32 + key_len + (timed ? 24 : 8)) + value_cost;
}

static inline void put(struct world *w, size_t k) {
  char room[KEY_ROOM];
  struct slot *slot = &w->slots[k];
  struct random *r = &w->random;
  gcache_bytes_t key = key_of(k, room);
  int64_t ttl = (int64_t)random_below(r, 200) - 3;
  int64_t expire = random_below(r, 2) == 0 ? GCACHE_NEVER : w->now + SECOND / 2 + ttl * SECOND;
  enum gci_side side = random_below(r, 3) == 0 ? GCI_HOT : GCI_MAIN;
  uint32_t id = (uint32_t)w->ops;
  size_t len = some_length(w);
  gcache_value_t *value = value_of(w, len, expire, id & 0xff, random_below(r, 4) == 0);
  if (value == NULL) return;
  size_t cost = gci_value_cost(value);
  uint64_t before = evictions(w);
  int err = gci_cache_put(w->cache, side, key, hash_of(w, key), value, w->now);
  gcache_value_unref(value);
  if (slot->in) {
    w->causes[slot->side].replaced++;
    leave(w, slot);
  }
  *slot = (struct slot){.expire = expire, .len = len, .id = id};
  slot->charge = charge_of(key.len, len, cost, expire != GCACHE_NEVER);
  check_put(w, slot, side, err, evictions(w) - before);
  check_bytes(w, cost);
}

static inline void drop(struct world *w, size_t k) {
  char room[KEY_ROOM];
  gcache_bytes_t key = key_of(k, room);
  assert_int_equal(gci_cache_remove(w->cache, key, hash_of(w, key)) != 0, w->slots[k].in);
  if (!w->slots[k].in) return;
  w->causes[w->slots[k].side].removed++;
  leave(w, &w->slots[k]);
}

static inline void expire(struct world *w) {
  while (gci_cache_expire(w->cache, w->now) != 0)
    assert_true(gci_cache_due(w->cache) <= w->now);
  int64_t first = INT64_MAX;
  for (size_t k = 0; k < KEYS; k++) {
    struct slot *slot = &w->slots[k];
    if (!slot->in || slot->expire == GCACHE_NEVER) continue;
    if (expired(w, slot)) {
      w->stats[slot->side].expirations++;
      leave(w, slot);
    } else if (slot->expire < first) {
      first = slot->expire;
    }
  }
  int64_t due = gci_cache_due(w->cache);
  assert_int_equal(due == INT64_MAX, first == INT64_MAX);
  assert_true(first == INT64_MAX || (due > w->now && due <= first + SECOND / 2));
}

static inline void clear(struct world *w) {
  gci_cache_clear(w->cache);
  for (size_t k = 0; k < KEYS; k++) {
    if (!w->slots[k].in) continue;
    w->causes[w->slots[k].side].removed++;
    leave(w, &w->slots[k]);
  }
  assert_true(gci_cache_index_bytes(w->cache) < w->least);
}

static inline void check_all(struct world *w) {
  for (size_t k = 0; k < KEYS; k++)
    get(w, k);
}

static inline void step(struct world *w) {
  struct random *r = &w->random;
  size_t what = random_below(r, 1000), k = random_below(r, KEYS);
  if (what < 500)
    put(w, k);
  else if (what < 900)
    get(w, k);
  else if (what < 960)
    drop(w, k);
  else if (what < 980)
    w->now += (int64_t)random_below(r, 5) * SECOND;
  else if (what < 995)
    expire(w);
  else if (what == 995)
    w->now += (int64_t)random_below(r, 1000) * SECOND;
  else if (what == 996)
    w->now -= (int64_t)random_below(r, 1000) * SECOND;
  else if (what == 997)
    check_all(w);
  else if (what == 998 && random_below(r, 5) == 0)
    clear(w);
  check_stats(w);
  check_bytes(w, 0);
}

static inline int world_open(struct world *w, struct gci_mem *mem, size_t max_bytes,
                             unsigned divisor, gcache_policy_t policy) {
  memset(w, 0, sizeof *w);
  w->mem = mem;
  w->max_bytes = max_bytes;
  w->hot_divisor = divisor;
  w->policy = policy;
  w->hash_mask = UINT64_MAX;
  w->now = START;
  int err = gci_cache_open(&w->cache, mem, max_bytes, divisor, policy);
  if (err == 0) w->least = gci_cache_index_bytes(w->cache) + gci_mem_cost(64 + 64 + 63);
  return err;
}

#endif
