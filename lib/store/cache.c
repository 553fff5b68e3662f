/* store/cache - see cache.h.
 *
 * Every entry is in three places: the table, the policy of its side, and the wheel if its value
 * expires. keep() adds it and forget() removes it, and only these two change what is charged. A
 * value's last reference is given back when nothing here points to it any more, because its free_cb
 * is the user's. */
#include "store/cache.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "store/expiry.h"
#include "store/hit.h"
#include "store/lru.h"
#include "store/trial.h"

enum {
  EXPIRE_STEPS = 128,
  SHRINK_STEPS = 512,     /* entries */
  SHRINK_BYTES = 8 << 20, /* one more entry may be larger */
  REMEMBERED_DIVISOR = 8  /* part of a smaller limit that the policies may still take for ghosts */
};

struct side {
  union {
    struct gci_lru lru;
    struct gci_trial trial;
  };
  struct gci_policy *policy; /* one of them */
  /* gets counts only misses here; hits is 0: cache->front.hits has the rest. */
  gcache_cache_stats_t stats;
  gcache_causes_t causes;
};

struct gci_cache {
  struct gci_cache_front front;
  struct gci_mem *mem;
  size_t max_bytes;    /* never exceeded */
  size_t target_bytes; /* max_bytes comes down to this */
  struct gci_budget_member member;
  unsigned hot_divisor;
  struct gci_windows windows;
  uint64_t ahead_ns;    /* windows.refresh_ahead_ms */
  struct side sides[2]; /* by enum gci_side */
  struct gci_expiry expiry;
  /* Entries of a clear that are still to be freed, by their order; timers of those that expire. */
  struct gci_list cleared, cleared_timers;
  size_t cleared_bytes;
  int drops_hot;       /* the hot cache is being emptied */
  int64_t now_unix_ns; /* the latest time at which something was kept, or expiry looked at */
};

static int64_t leaves_at(struct gci_expiry *expiry, const struct gcache_link_s *timer) {
  const struct gci_cache *cache = gci_container_of(expiry, struct gci_cache, expiry);
  return gci_freshness_end(gci_entry_of_timer(timer), &cache->windows);
}

static void side_init(struct side *side, struct gci_mem *mem, gcache_policy_t policy) {
  memset(&side->stats, 0, sizeof side->stats);
  memset(&side->causes, 0, sizeof side->causes);
  if (policy == GCACHE_POLICY_LRU) {
    gci_lru_init(&side->lru);
    side->policy = &side->lru.policy;
  } else {
    gci_trial_init(&side->trial, mem);
    side->policy = &side->trial.policy;
  }
}

static int free_cleared(struct gci_cache *cache);
static size_t member_bytes(const struct gci_budget_member *member);
static int on_asked_to_give(struct gci_budget_member *member);

int gci_cache_open(struct gci_cache **out, struct gci_mem *mem, size_t max_bytes,
                   unsigned hot_divisor, gcache_policy_t policy) {
  assert(max_bytes >= GCI_CACHE_MIN_BYTES && hot_divisor > 0);
  struct gci_cache *cache = gci_mem_alloc(mem, sizeof *cache);
  if (cache == NULL) return UV_ENOMEM;
  gci_table_init(&cache->front.table, mem);
  cache->mem = mem;
  cache->max_bytes = cache->target_bytes = max_bytes;
  cache->member = (struct gci_budget_member){.weight = max_bytes,
                                             .least = gci_cache_least_bytes(),
                                             .bytes = member_bytes,
                                             .give = on_asked_to_give};
  cache->hot_divisor = hot_divisor;
  gci_cache_set_windows(cache, &(struct gci_windows){0});
  side_init(&cache->sides[GCI_MAIN], mem, policy);
  side_init(&cache->sides[GCI_HOT], mem, policy);
  cache->front.hits[GCI_MAIN] = cache->front.hits[GCI_HOT] = 0;
  cache->front.is_open = cache->sides[GCI_MAIN].policy->ops->hit == NULL;
  gci_expiry_init(&cache->expiry, leaves_at);
  cache->front.n_timed = 0;
  gci_list_init(&cache->cleared);
  gci_list_init(&cache->cleared_timers);
  cache->cleared_bytes = 0;
  cache->drops_hot = 0;
  cache->now_unix_ns = 0;
  *out = cache;
  return 0;
}

void gci_cache_close(struct gci_cache *cache) {
  gci_cache_clear(cache);
  while (free_cleared(cache))
    continue;
  gci_budget_leave(&cache->member);
  gci_table_fini(&cache->front.table);
  gci_mem_free(cache->mem, cache, sizeof *cache);
}

/* ---- what it takes ---- */

size_t gci_cache_least_bytes(void) {
  return gci_mem_cost(sizeof(struct gci_cache));
}

size_t gci_cache_index_bytes(const struct gci_cache *cache) {
  return gci_mem_cost(sizeof *cache) + cache->front.table.bytes +
         cache->sides[GCI_MAIN].policy->bytes + cache->sides[GCI_HOT].policy->bytes +
         cache->cleared_bytes;
}

size_t gci_cache_bytes(const struct gci_cache *cache) {
  return gci_cache_index_bytes(cache) + cache->sides[GCI_MAIN].stats.bytes +
         cache->sides[GCI_HOT].stats.bytes;
}

static size_t member_bytes(const struct gci_budget_member *member) {
  const struct gci_cache *cache = (const void *)((const char *)member -
                                                 offsetof(struct gci_cache, member));
  return gci_cache_bytes(cache);
}

/* Within both limits. */
static size_t room(const struct gci_cache *cache) {
  size_t own = cache->max_bytes - gci_cache_bytes(cache), all = gci_budget_room(&cache->member);
  return own < all ? own : all;
}

void gci_cache_stats(const struct gci_cache *cache, enum gci_side side, gcache_cache_stats_t *out) {
  const uint64_t *hits = cache->front.hits;
  *out = cache->sides[side].stats;
  out->hits = hits[side];
  out->gets += side == GCI_MAIN ? hits[GCI_MAIN] + hits[GCI_HOT] : hits[GCI_HOT];
}

const gcache_causes_t *gci_cache_causes(const struct gci_cache *cache, enum gci_side side) {
  return &cache->sides[side].causes;
}

static struct side *side_of(struct gci_cache *cache, const struct gci_entry *entry) {
  return &cache->sides[entry->side];
}

/* ---- going ---- */

static void forget(struct gci_cache *cache, struct gci_entry *entry, enum gci_leave why) {
  struct side *side = side_of(cache, entry);
  gci_table_remove(&cache->front.table, entry);
  side->policy->ops->remove(side->policy, entry, why);
  if (gci_entry_is_timed(entry)) {
    gci_expiry_remove(&cache->expiry, gci_entry_timer(entry));
    cache->front.n_timed--;
  }
  side->stats.bytes -= gci_entry_cost(entry);
  side->stats.items--;
  gci_entry_free(cache->mem, entry);
}

/* The index is shrunk afterwards, which may allocate. */
static void drop(struct gci_cache *cache, struct gci_entry *entry, enum gci_leave why) {
  uint32_t place = entry->hash;
  forget(cache, entry, why);
  gci_table_shrink(&cache->front.table, place, room(cache));
}

int gci_cache_remove(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash) {
  struct gci_entry *entry = gci_table_find(&cache->front.table, key, hash);
  if (entry == NULL) return 0;
  side_of(cache, entry)->causes.removed++;
  drop(cache, entry, GCI_LEAVE);
  return 1;
}

static void replace(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash) {
  struct gci_entry *entry = gci_table_find(&cache->front.table, key, hash);
  if (entry == NULL) return;
  side_of(cache, entry)->causes.replaced++;
  drop(cache, entry, GCI_LEAVE);
}

static struct gci_entry *victim_of(struct side *side) {
  return side->policy->ops->victim(side->policy);
}

static void give_back(struct side *side) {
  side->policy->ops->give_back(side->policy);
}

/* Frees one. 0: there is none. */
static int free_cleared(struct gci_cache *cache) {
  struct gcache_link_s *link = gci_list_pop_front(&cache->cleared);
  if (link == NULL) return 0;
  struct gci_entry *entry = gci_container_of(link, struct gci_entry, order);
  if (gci_entry_is_timed(entry)) gci_link_unlink(gci_entry_timer(entry));
  cache->cleared_bytes -= gci_entry_cost(entry);
  gci_entry_free(cache->mem, entry);
  return 1;
}

/* The lists change hands; no entry is touched. */
int gci_cache_clear(struct gci_cache *cache) {
  gci_table_clear(&cache->front.table);
  gci_expiry_release(&cache->expiry, &cache->cleared_timers);
  cache->front.n_timed = 0;
  for (unsigned i = GCI_MAIN; i <= GCI_HOT; i++) {
    struct side *side = &cache->sides[i];
    side->policy->walk = NULL; /* nothing is left to walk over */
    side->policy->ops->release(side->policy, &cache->cleared);
    give_back(side);
    cache->cleared_bytes += side->stats.bytes;
    side->causes.removed += side->stats.items;
    side->stats.bytes = side->stats.items = 0;
  }
  return gci_cache_shrink(cache);
}

/* The hot cache gives way while it is larger than its share. The chosen side is empty only if both
 * are. 0: nothing is left. */
static int evict_one(struct gci_cache *cache) {
  struct side *main = &cache->sides[GCI_MAIN], *hot = &cache->sides[GCI_HOT];
  int from_hot = hot->stats.bytes > main->stats.bytes / cache->hot_divisor;
  struct gci_entry *entry = victim_of(from_hot ? hot : main);
  if (entry == NULL) return 0;
  struct side *side = side_of(cache, entry);
  side->stats.evictions++;
  if (!gci_entry_is_timed(entry) ||
      !gci_value_expired_at(gcache_value_expire(gci_entry_value(entry)), cache->now_unix_ns))
    side->causes.evictions_nonexpired++;
  drop(cache, entry, GCI_LEAVE_FOR_ROOM);
  return 1;
}

/* Cleared entries go first, then victims. If there is no victim either, the policies' ghosts go. 0:
 * nothing is left. */
static int give_one(struct gci_cache *cache) {
  struct side *sides = cache->sides;
  if (free_cleared(cache) || evict_one(cache)) return 1;
  if (sides[GCI_MAIN].policy->bytes + sides[GCI_HOT].policy->bytes == 0) return 0;
  give_back(&sides[GCI_MAIN]);
  give_back(&sides[GCI_HOT]);
  return 1;
}

static int on_asked_to_give(struct gci_budget_member *member) {
  return give_one(gci_container_of(member, struct gci_cache, member));
}

/* ---- limits ---- */

void gci_cache_join(struct gci_cache *cache, struct gci_budget *budget) {
  gci_budget_join(budget, &cache->member);
}

size_t gci_cache_max_bytes(const struct gci_cache *cache) {
  return cache->max_bytes;
}

static int come_down(struct gci_cache *cache) {
  size_t bytes = gci_cache_bytes(cache);
  cache->max_bytes = bytes > cache->target_bytes ? bytes : cache->target_bytes;
  return cache->max_bytes > cache->target_bytes;
}

int gci_cache_resize(struct gci_cache *cache, size_t max_bytes) {
  assert(max_bytes >= GCI_CACHE_MIN_BYTES);
  cache->target_bytes = cache->member.weight = max_bytes;
  for (unsigned i = GCI_MAIN; i <= GCI_HOT; i++)
    if (cache->sides[i].policy->bytes > max_bytes / REMEMBERED_DIVISOR) give_back(&cache->sides[i]);
  return come_down(cache);
}

uint64_t gci_cache_drop_hot(struct gci_cache *cache) {
  cache->drops_hot = cache->sides[GCI_HOT].stats.items > 0;
  return cache->sides[GCI_HOT].stats.items;
}

static void drop_some_hot(struct gci_cache *cache) {
  for (int step = 0; cache->drops_hot && step < SHRINK_STEPS; step++) {
    struct gci_entry *entry = victim_of(&cache->sides[GCI_HOT]);
    if (entry == NULL) {
      cache->drops_hot = 0;
      return;
    }
    cache->sides[GCI_HOT].causes.removed++;
    drop(cache, entry, GCI_LEAVE);
  }
}

int gci_cache_shrink(struct gci_cache *cache) {
  size_t before = gci_cache_bytes(cache);
  drop_some_hot(cache);
  for (int step = 0; step < SHRINK_STEPS; step++) {
    size_t bytes = gci_cache_bytes(cache);
    if (before - bytes >= SHRINK_BYTES) break;
    if (bytes <= cache->target_bytes && gci_list_empty(&cache->cleared)) break;
    give_one(cache);
  }
  return come_down(cache) || !gci_list_empty(&cache->cleared) || cache->drops_hot;
}

/* ---- asking ---- */

void gci_cache_set_windows(struct gci_cache *cache, const struct gci_windows *windows) {
  cache->windows = *windows;
  cache->ahead_ns = windows->refresh_ahead_ms * UINT64_C(1000000);
}

const struct gci_windows *gci_cache_windows(const struct gci_cache *cache,
                                            const gcache_value_t *value) {
  return gci_freshness_windows(value, &cache->windows);
}

/* The usual case is decided here: a value without windows of its own, far from its expiry. */
static enum gci_freshness judge(const struct gci_cache *cache, struct gci_entry *entry,
                                gcache_value_t *value, int64_t now) {
  if (!gci_entry_is_timed(entry)) return GCI_FRESH;
  if (!entry->absent && !gci_value_is_windowed(value)) {
    int64_t expire = gcache_value_expire(value);
    if (expire > now && (uint64_t)expire - (uint64_t)now > cache->ahead_ns) return GCI_FRESH;
  }
  return gci_freshness_of(entry, &cache->windows, now);
}

/* entry NULL: there was none, in either cache. */
static void count_miss(struct gci_cache *cache, const struct gci_entry *entry) {
  cache->sides[GCI_MAIN].stats.gets++;
  if (entry == NULL || entry->side == GCI_HOT) cache->sides[GCI_HOT].stats.gets++;
}

static void count_hit(struct gci_cache *cache, struct gci_entry *entry) {
  cache->front.hits[entry->side]++;
  gci_policy_hit(side_of(cache, entry)->policy, entry);
}

static void expire(struct gci_cache *cache, struct gci_entry *entry) {
  side_of(cache, entry)->stats.expirations++;
  forget(cache, entry, GCI_LEAVE);
}

struct gci_hit gci_cache_hit_other(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                                   int64_t until_unix_ns) {
  struct gci_hit hit = {NULL, GCI_MAIN};
  struct gci_entry *entry = gci_table_probe(&cache->front.table, key, hash);
  if (entry == NULL) entry = gci_table_probe_next(&cache->front.table, key, hash);
  if (entry == NULL || !cache->front.is_open) return hit;
  gcache_value_t *value = gci_entry_value(entry);
  if (judge(cache, entry, value, until_unix_ns) != GCI_FRESH) return hit;
  cache->front.hits[entry->side]++;
  gci_mark_use(entry);
  return (struct gci_hit){value, gci_entry_side(entry)};
}

int gci_cache_look(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash, int64_t now_unix_ns,
                   struct gci_found *found) {
  struct gci_entry *entry = gci_table_find(&cache->front.table, key, hash);
  if (entry == NULL) {
    count_miss(cache, NULL);
    return 0;
  }
  gcache_value_t *value = gci_entry_value(entry);
  enum gci_freshness freshness = judge(cache, entry, value, now_unix_ns);
  if (freshness == GCI_GONE || freshness == GCI_SPARE)
    count_miss(cache, entry);
  else
    count_hit(cache, entry);
  if (freshness == GCI_GONE) {
    expire(cache, entry);
    return 0;
  }
  if (freshness == GCI_DUE) entry->asked = 1;
  *found = (struct gci_found){value, gci_entry_side(entry), freshness};
  return 1;
}

gcache_value_t *gci_cache_get(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                              int64_t now_unix_ns, enum gci_side *side) {
  struct gci_entry *entry = gci_table_find(&cache->front.table, key, hash);
  gcache_value_t *value = entry == NULL ? NULL : gci_entry_value(entry);
  enum gci_freshness freshness = entry == NULL ? GCI_GONE : judge(cache, entry, value, now_unix_ns);
  if (freshness == GCI_FRESH || freshness == GCI_DUE) {
    count_hit(cache, entry);
    *side = gci_entry_side(entry);
    return value;
  }
  count_miss(cache, entry);
  if (entry != NULL && freshness == GCI_GONE) expire(cache, entry);
  return NULL;
}

gcache_value_t *gci_cache_spare(struct gci_cache *cache, gcache_bytes_t key, uint64_t hash,
                                int64_t now_unix_ns, enum gci_side *side) {
  struct gci_entry *entry = gci_table_find(&cache->front.table, key, hash);
  if (entry == NULL || entry->absent) return NULL;
  gcache_value_t *value = gci_entry_value(entry);
  int64_t expire = gcache_value_expire(value);
  uint32_t error_ms = gci_cache_windows(cache, value)->error_ms;
  if (error_ms == 0) return NULL;
  if (gci_value_expired_at(expire, now_unix_ns) && now_unix_ns >= gci_window_end(expire, error_ms))
    return NULL;
  *side = gci_entry_side(entry);
  return value;
}

int gci_cache_has(const struct gci_cache *cache, gcache_bytes_t key, uint64_t hash) {
  return gci_table_find(&cache->front.table, key, hash) != NULL;
}

void gci_cache_fetch_index(const struct gci_cache *cache, uint64_t hash) {
  gci_table_fetch_bucket(&cache->front.table, hash);
}

void gci_cache_fetch_entry(const struct gci_cache *cache, uint64_t hash) {
  gci_table_fetch_entry(&cache->front.table, hash);
}

/* ---- walking ---- */

void gci_cache_walk_begin(struct gci_cache *cache, enum gci_side side,
                          struct gci_cache_walk *walk) {
  struct gci_policy *policy = cache->sides[side].policy;
  assert(policy->walk == NULL);
  *walk = (struct gci_cache_walk){.side = side};
  policy->walk = &walk->walk;
}

int gci_cache_walk_next(struct gci_cache *cache, struct gci_cache_walk *walk, size_t *steps,
                        int64_t now_unix_ns) {
  struct gci_policy *policy = cache->sides[walk->side].policy;
  struct gci_entry *entry;
  if (policy->walk != &walk->walk) return 0;
  while ((entry = policy->ops->walk(policy, steps)) != NULL) {
    walk->key = gci_entry_key(entry);
    walk->value = gci_entry_value(entry);
    if (entry->absent || gci_value_expired_at(gcache_value_expire(walk->value), now_unix_ns))
      continue;
    return 1;
  }
  return 0;
}

void gci_cache_walk_end(struct gci_cache *cache, struct gci_cache_walk *walk) {
  struct gci_policy *policy = cache->sides[walk->side].policy;
  if (policy->walk == &walk->walk) policy->walk = NULL;
}

/* ---- coming ---- */

/* Nonzero: `charge` more fits into a cache that holds nothing else. */
static int can_fit(const struct gci_cache *cache, size_t charge) {
  size_t least = gci_cache_least_bytes() + gci_table_least_bytes();
  size_t own = cache->target_bytes, all = gci_budget_most(&cache->member);
  size_t most = own < all ? own : all;
  return most > least && charge <= most - least;
}

/* What the table and the policy would allocate for one more entry. */
static size_t growth(const struct gci_cache *cache, const struct side *side, uint64_t hash) {
  return gci_table_growth(&cache->front.table, hash) + side->policy->ops->growth(side->policy);
}

/* Makes room for an entry of `charge` under `hash`, and for the growth needed to take it. */
static void make_room(struct gci_cache *cache, const struct side *side, size_t charge,
                      uint64_t hash) {
  for (;;) {
    size_t wanted = charge + growth(cache, side, hash);
    int gave = 1;
    if (wanted > cache->max_bytes - gci_cache_bytes(cache))
      gave = give_one(cache);
    else if (wanted > gci_budget_room(&cache->member))
      gave = gci_budget_give(&cache->member);
    else
      return;
    assert(gave);
    (void)gave;
  }
}

static int insert(struct gci_cache *cache, struct gci_entry *entry, uint64_t hash) {
  if (gci_table_growth(&cache->front.table, hash) > 0) gci_table_grow(&cache->front.table, hash);
  return gci_table_insert(&cache->front.table, entry, hash);
}

struct item {
  enum gci_side side;
  gcache_bytes_t key;
  uint64_t hash;
  gcache_value_t *value;
  unsigned absent : 1;
};

/* There is room, and the key is not in the cache. */
static int keep(struct gci_cache *cache, const struct item *item, int64_t now_unix_ns) {
  struct side *side = &cache->sides[item->side];
  struct gci_entry *entry = gci_entry_new(cache->mem, item->key, item->value);
  if (entry == NULL) return UV_ENOMEM;
  int err = insert(cache, entry, item->hash);
  if (err != 0) {
    gci_entry_free(cache->mem, entry);
    return err;
  }
  entry->side = item->side == GCI_HOT;
  entry->absent = item->absent;
  entry->asked = 0;
  if (gci_entry_is_timed(entry)) {
    entry->asked = gci_freshness_is_brief(item->value, &cache->windows, now_unix_ns) & 1;
    gci_expiry_add(&cache->expiry, gci_entry_timer(entry), now_unix_ns);
    cache->front.n_timed++;
  }
  side->policy->ops->grow(side->policy);
  side->policy->ops->add(side->policy, entry);
  side->stats.bytes += gci_entry_cost(entry);
  side->stats.items++;
  return 0;
}

static int put(struct gci_cache *cache, const struct item *item, int64_t now_unix_ns) {
  int err = 0;
  cache->now_unix_ns = now_unix_ns;
  gcache_value_ref(item->value); /* the old entry's reference may be the last */
  replace(cache, item->key, item->hash);
  if (!gci_value_expired_at(gcache_value_expire(item->value), now_unix_ns)) {
    size_t charge = gci_entry_cost_of(item->key, item->value);
    if (item->key.len > GCI_ENTRY_MAX_KEY || !can_fit(cache, charge)) {
      err = GCACHE_ENOROOM;
    } else {
      make_room(cache, &cache->sides[item->side], charge, item->hash);
      err = keep(cache, item, now_unix_ns);
    }
  }
  gcache_value_unref(item->value);
  return err;
}

int gci_cache_put(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key, uint64_t hash,
                  gcache_value_t *value, int64_t now_unix_ns) {
  struct item item = {.side = side, .key = key, .hash = hash, .value = value};
  return put(cache, &item, now_unix_ns);
}

int gci_cache_put_absent(struct gci_cache *cache, enum gci_side side, gcache_bytes_t key,
                         uint64_t hash, gcache_value_t *reason, int64_t now_unix_ns) {
  struct item item = {.side = side, .key = key, .hash = hash, .value = reason, .absent = 1};
  return put(cache, &item, now_unix_ns);
}

/* ---- time ---- */

int64_t gci_cache_due(const struct gci_cache *cache) {
  return gci_expiry_due(&cache->expiry);
}

int gci_cache_expire(struct gci_cache *cache, int64_t now_unix_ns) {
  size_t steps = EXPIRE_STEPS;
  struct gcache_link_s *timer;
  cache->now_unix_ns = now_unix_ns;
  while ((timer = gci_expiry_pop(&cache->expiry, now_unix_ns, &steps)) != NULL) {
    struct gci_entry *entry = gci_entry_of_timer(timer);
    side_of(cache, entry)->stats.expirations++;
    drop(cache, entry, GCI_LEAVE);
  }
  return gci_expiry_due(&cache->expiry) <= now_unix_ns;
}
