/* core/many - gcache_get_many(): many gets in one call, reported one by one or together.
 *
 *   in memory, and plain    held at once; no queue, no list
 *   else                    a request of core/ask, which ends in on_answered or on_held
 *
 * The request for the whole is in the group's list and passes a cancel on; it has one job, for the
 * gets that were held at the start, which runs in the next turn. `left` counts that job and the
 * requests under way; at zero everything is reported.
 *
 * A caller that is told only at the end may wait for longer than a value lives. So before that all
 * gets are checked once more; one whose value has expired starts over, once, with its key from the
 * copy that was made when the first request set out. All results are handed over as one array of
 * references, because gets may be freed inside the callback.
 *
 * Owns refs and keys. Fails: starting, without memory for refs. Without memory for a copy of the
 * keys, nothing starts over. */
#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/ask.h"
#include "core/hit.h"
#include "core/journey.h"
#include "core/memory.h"
#include "gcache/many.h"

enum { AHEAD = 16 };
#define NEAR_BYTES \
  (512 * 1024) /* so small a cache lies near the processor: nothing needs to be fetched ahead */

/* Copies, one behind the other; their bytes follow. */
struct keys {
  size_t size;   /* of the block */
  size_t ends[]; /* n of them */
};

static gcache_get_t *get_of(struct gcache_req_s *req) {
  return gci_container_of(req, gcache_get_t, priv);
}

/* ------------------------------------------------------------------------------ keys ---- */

static void copy_keys(gcache_many_t *many, const gcache_bytes_t keys[]) {
  size_t size = sizeof(struct keys) + many->n * sizeof(size_t), end = 0;
  for (size_t i = 0; i < many->n; i++)
    size += keys[i].base == NULL ? 0 : keys[i].len;
  struct keys *copy = gci_mem_alloc(gci_group_mem(many->priv.group), size);
  if (copy == NULL) return;
  char *bytes = (char *)&copy->ends[many->n];
  copy->size = size;
  for (size_t i = 0; i < many->n; i++) {
    size_t len = keys[i].base == NULL ? 0 : keys[i].len;
    if (len > 0) memcpy(bytes + end, keys[i].base, len);
    copy->ends[i] = end += len;
  }
  many->keys = copy;
}

static gcache_bytes_t key_of(const gcache_many_t *many, size_t i) {
  const struct keys *keys = many->keys;
  size_t begin = i == 0 ? 0 : keys->ends[i - 1];
  return gcache_bytes((const char *)&keys->ends[many->n] + begin, keys->ends[i] - begin);
}

/* ------------------------------------------------------------------------------ end ---- */

/* Held from the start, with a value that does not expire: nothing is left to check, and it is in no
 * list. */
static int is_plain(const struct gcache_req_s *req) {
  return req->status == 0 && !gci_link_linked(&req->owned) &&
         gci_value_expire(req->value) == GCACHE_NEVER;
}

/* Only gets that travelled are in the group's list, and hold the group. */
static void end_one(gcache_many_t *many, struct gcache_req_s *req) {
  int is_listed = gci_link_linked(&req->owned);
  gci_req_end(req);
  if (is_listed) gci_group_release(many->priv.group);
}

/* The results move to refs: the gets are the caller's when done begins. */
static void hand_over(gcache_many_t *many) {
  for (size_t i = 0; many->refs != NULL && i < many->n; i++) {
    struct gcache_req_s *req = &many->gets[i].priv;
    if (is_plain(req)) {
      req->state = GCI_REQ_IDLE;
      many->refs[i] = req->value;
      continue;
    }
    gcache_value_unref(req->key);
    req->key = NULL;
    int travels = gci_ask_settle(req);
    assert(!travels);
    (void)travels;
    many->refs[i] = req->value != NULL ? req->value : req->reason;
    end_one(many, req);
  }
}

static void finish(gcache_many_t *many) {
  hand_over(many);
  struct gci_mem *mem = gci_group_mem(many->priv.group);
  gcache_value_t **refs = many->refs;
  struct keys *keys = many->keys;
  size_t n = many->n;
  struct gci_req_end end = gci_req_end(&many->priv);
  if (keys != NULL) gci_mem_free(mem, keys, keys->size);
  many->done(many, many->gets, n);
  for (size_t i = 0; refs != NULL && i < n; i++)
    gcache_value_unref(refs[i]);
  if (refs != NULL) gci_mem_free(mem, refs, n * sizeof(gcache_value_t *));
  gci_req_release(&end);
}

/* ------------------------------------------------------------------------------ over again ---- */

/* Nonzero: held, and may no longer be delivered. A value in place of a failure has no
 * replacement. */
static int has_ended(const struct gcache_req_s *req) {
  if (req->value == NULL || req->takes != GCI_TAKES_STALE) return 0;
  if (gci_value_expire(req->value) == GCACHE_NEVER) return 0;
  int64_t end = gci_memory_end(req->group, req->value, req->takes);
  return end <= gci_env_unix_ns(req->group->core->env);
}

/* Nonzero: the get travels. core/ask takes it for a hit that has expired on the way. */
static int start_over(gcache_many_t *many, size_t i) {
  struct gcache_req_s *req = &many->gets[i].priv;
  gcache_group_t *group = req->group;
  if (req->key == NULL)
    req->key = gci_value_copy(gci_group_mem(group), key_of(many, i), GCACHE_NEVER);
  if (req->key == NULL) return 0;
  if (req->from != GCACHE_FROM_MAIN && req->from != GCACHE_FROM_HOT) group->stats.hits++;
  req->deadline.at_ms = many->priv.deadline.at_ms;
  req->tries = 0; /* the owner failed another call; loading here beside it could break P1 */
  return gci_ask_settle(req);
}

static size_t start_ended_over(gcache_many_t *many) {
  size_t travel = 0;
  if (many->again++ > 0 || many->keys == NULL) return 0;
  if (gci_env_mono_ms(many->priv.group->core->env) >= many->priv.deadline.at_ms) return 0;
  for (size_t i = 0; i < many->n; i++) {
    if (has_ended(&many->gets[i].priv)) travel += start_over(many, i) != 0;
  }
  return travel;
}

static void count_down(gcache_many_t *many) {
  if (--many->left > 0) return;
  if (many->refs != NULL) many->left = start_ended_over(many);
  if (many->left == 0) finish(many);
}

/* ------------------------------------------------------------------------------ one by one ---- */

/* The get is its own until done begins, but the callback must not use it any more. */
static void tell(gcache_many_t *many, gcache_get_t *get) {
  struct gcache_req_s *req = &get->priv;
  gcache_value_t *value = req->value, *reason = req->reason;
  end_one(many, req);
  get->cb(get, req->status, value);
  req->value = req->reason = NULL;
  gcache_value_unref(value);
  gcache_value_unref(reason);
}

static void tell_plain(gcache_get_t *get) {
  gcache_value_t *value = get->priv.value;
  get->priv.state = GCI_REQ_IDLE;
  get->cb(get, 0, value);
  get->priv.value = NULL;
  gcache_value_unref(value);
}

static void on_answered(struct gcache_job_s *job) {
  gcache_get_t *get = get_of(gci_container_of(job, struct gcache_req_s, job));
  gcache_many_t *many = get->priv.many;
  if (gci_ask_settle(&get->priv)) return;
  tell(many, get);
  count_down(many);
}

static void on_held(struct gcache_job_s *job) {
  struct gcache_req_s *req = gci_container_of(job, struct gcache_req_s, job);
  req->state = GCI_REQ_HELD;
  count_down(req->many);
}

/* Reports the gets held at the start. A callback may cancel others that are still held. */
static void on_begun(struct gcache_job_s *job) {
  gcache_many_t *many = gci_container_of(job, gcache_many_t, priv.job);
  for (size_t i = 0; many->refs == NULL && i < many->n; i++) {
    gcache_get_t *get = &many->gets[i];
    if (get->priv.state != GCI_REQ_HELD) continue;
    if (is_plain(&get->priv)) {
      tell_plain(get);
      continue;
    }
    gci_ask_settle(&get->priv);
    tell(many, get);
  }
  count_down(many);
}

/* ------------------------------------------------------------------------------ leave ---- */

/* Gets that leave stay in the list of gets. */
static void on_all_left(struct gcache_req_s *req, int status) {
  gcache_many_t *many = gci_container_of(req, gcache_many_t, priv);
  (void)status; /* there is no deadline: only a cancel leads here */
  for (size_t i = 0; i < many->n; i++)
    gci_req_cancel(&many->gets[i].priv);
}

void gcache_many_cancel(gcache_many_t *many) {
  gci_req_cancel(&many->priv);
}

/* ------------------------------------------------------------------------------ start ---- */

static void hold(struct gcache_req_s *req, gcache_group_t *group, int status) {
  gci_req_init(req, group, on_held, gci_journey_leave);
  req->state = GCI_REQ_HELD;
  req->takes = GCI_TAKES_STALE;
  req->status = status;
}

static void hold_usual(struct gcache_req_s *req, gcache_many_t *many, const struct gci_hit *hit) {
  gci_hit_fill(req, many->priv.group, hit);
  req->state = GCI_REQ_HELD;
  req->many = many;
}

static void hold_hit(struct gcache_req_s *req, gcache_group_t *group,
                     const struct gci_found *found) {
  hold(req, group, 0);
  req->value = gci_value_hold(found->value);
  req->from = (uint8_t)gci_memory_from(found->side);
  group->stats.gets++;
  group->stats.hits++;
}

struct asked {
  gcache_many_t *many;
  const gcache_bytes_t *keys;
  uint64_t timeout_ms;
  gcache_get_cb each;
  int is_near;
};

static uint64_t hash_of(const gcache_t *core, gcache_bytes_t key) {
  if (gci_hit_is_usual(key)) return gci_hash_short(&core->hash_key, key);
  return gci_ask_check_key(core, key) == 0 ? gci_core_hash(core, key) : 0;
}

static void start_one(const struct asked *a, size_t i, uint64_t hash) {
  gcache_many_t *many = a->many;
  gcache_group_t *group = many->priv.group;
  struct gcache_req_s *req = &many->gets[i].priv;
  struct gci_found found;
  int rc = gci_ask_check_key(group->core, a->keys[i]);
  int is_found = rc == 0 && gci_memory_look(group, a->keys[i], hash, &found);
  if (is_found && gci_ask_is_plain(group, &found)) {
    hold_hit(req, group, &found);
  } else {
    if (rc == 0)
      rc = gci_ask_start_found(req, group, a->keys[i], hash, is_found ? &found : NULL,
                               a->timeout_ms, many->refs == NULL ? on_answered : on_held);
    if (rc < 0) hold(req, group, rc);
    many->left += rc == 0;
  }
  req->many = many;
  if (req->state == GCI_REQ_WAITING && many->refs != NULL && many->keys == NULL)
    copy_keys(many, a->keys);
}

/* At most AHEAD gets: as many as memory can be fetched for at the same time. Returns how many were
 * usual hits. */
static size_t start_some(const struct asked *a, size_t first, size_t n) {
  gcache_group_t *group = a->many->priv.group;
  const gcache_bytes_t *keys = &a->keys[first];
  gcache_get_t *gets = &a->many->gets[first];
  uint64_t hashes[AHEAD];
  size_t usual = 0;
  for (size_t i = 0; i < n; i++) {
    hashes[i] = hash_of(group->core, keys[i]);
    if (!a->is_near) gci_cache_fetch_index(group->cache, hashes[i]);
  }
  for (size_t i = 0; i < n && !a->is_near; i++)
    gci_cache_fetch_entry(group->cache, hashes[i]);
  for (size_t i = 0; i < n; i++) {
    struct gci_hit hit = {NULL, GCI_MAIN};
    gets[i].cb = a->each;
    if (gci_hit_is_usual(keys[i])) hit = gci_cache_hit(group->cache, keys[i], hashes[i]);
    if (hit.value == NULL)
      start_one(a, first + i, hashes[i]);
    else
      hold_usual(&gets[i].priv, a->many, &hit);
    usual += hit.value != NULL;
  }
  return usual;
}

static void start_all(const struct asked *a) {
  gcache_group_t *group = a->many->priv.group;
  size_t n = a->many->n, usual = 0;
  for (size_t i = 0; i < n; i += AHEAD)
    usual += start_some(a, i, n - i < AHEAD ? n - i : AHEAD);
  group->stats.gets += usual;
  group->stats.hits += usual;
}

static int prepare(gcache_many_t *many, gcache_group_t *group, size_t n, gcache_get_t gets[],
                   gcache_get_cb each) {
  many->gets = gets;
  many->n = n;
  many->left = 1;
  many->keys = NULL;
  many->refs = NULL;
  many->again = 0;
  if (each != NULL || n == 0) return 0;
  many->refs = gci_mem_alloc(gci_group_mem(group), n * sizeof *many->refs);
  return many->refs == NULL ? UV_ENOMEM : 0;
}

int gcache_get_many(gcache_many_t *many, gcache_group_t *group, const gcache_bytes_t keys[],
                    size_t n, gcache_get_t gets[], uint64_t timeout_ms, gcache_get_cb each,
                    gcache_many_cb done) {
  if (done == NULL || (n > 0 && (keys == NULL || gets == NULL))) return UV_EINVAL;
  if (n > GCACHE_MANY_MAX) return UV_E2BIG;
  if (group->closing) return GCACHE_ECLOSING;
  int rc = prepare(many, group, n, gets, each);
  if (rc < 0) return rc;
  struct asked a = {many, keys, timeout_ms, each, gci_cache_bytes(group->cache) < NEAR_BYTES};
  gci_req_init(&many->priv, group, on_begun, on_all_left);
  many->priv.deadline.at_ms = gci_core_deadline(group->core, timeout_ms);
  many->done = done;
  start_all(&a);
  many->priv.state = GCI_REQ_WAITING;
  gci_req_begin(&many->priv);
  gci_env_defer(group->core->env, GCI_COMPLETIONS, &many->priv.job);
  return 0;
}

int gcache_get_status(const gcache_get_t *req) {
  return req->priv.status;
}

gcache_value_t *gcache_get_value(const gcache_get_t *req) {
  return req->priv.value;
}
