/* core/get - the public get and peek, and the small functions on values that go with them.
 *
 * A get is core/ask with a callback behind it; once the callback has begun, the request is the
 * caller's, who may free it inside. */
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/ask.h"
#include "core/hit.h"
#include "core/memory.h"

#define NS_PER_MS 1000000

enum { AHEAD = 16 };

/* ------------------------------------------------------------------------------ get ---- */

static __attribute__((noinline)) void end_other(gcache_get_t *req) {
  if (gci_ask_settle(&req->priv)) return;
  struct gci_req_end end = gci_req_end(&req->priv);
  req->cb(req, end.status, end.value);
  gci_req_release(&end);
}

static void on_got(struct gcache_job_s *job) {
  gcache_get_t *req = gci_container_of(job, gcache_get_t, priv.job);
  if (!gci_hit_stands(&req->priv)) {
    end_other(req);
    return;
  }
  struct gci_hit_end hit = gci_hit_end(&req->priv);
  req->cb(req, 0, hit.value);
  gci_hit_release(&hit);
}

static void on_timed(struct gcache_job_s *job) {
  gcache_get_t *req = gci_container_of(job, gcache_get_t, priv.job);
  if (gci_hit_stands(&req->priv)) gci_timing_end(&req->priv);
  on_got(job);
}

static __attribute__((noinline)) void time_hit(struct gcache_req_s *req) {
  gci_timing_begin_hit(req);
  req->job.run = on_timed;
}

static __attribute__((noinline)) int get_other(gcache_get_t *req, gcache_group_t *group,
                                               gcache_bytes_t key, uint64_t timeout_ms) {
  if (group->closing) return GCACHE_ECLOSING;
  int rc = gci_ask_check_key(group->core, key);
  if (rc < 0) return rc;
  struct gci_hit hit = {NULL, GCI_MAIN};
  if (gci_hit_is_possible(group, key))
    hit = gci_cache_hit_other(group->cache, key, gci_hit_hash(group, key),
                              gci_memory_now(group) + GCI_HIT_MARGIN_NS);
  if (hit.value == NULL) return gci_ask_start(&req->priv, group, key, timeout_ms, on_got);
  gci_hit_queue(&req->priv, group, &hit, on_got);
  if (gci_timing_wants(group)) time_hit(&req->priv);
  return 0;
}

/* The usual hit is one function, here and in gcache_peek(): while a processor waits for memory, it
 * begins the next hit only if there are few instructions in between. */
int gcache_get(gcache_get_t *req, gcache_group_t *group, gcache_bytes_t key, uint64_t timeout_ms,
               gcache_get_cb cb) {
  if (cb == NULL) return UV_EINVAL;
  req->cb = cb;
  if (!gci_hit_is_possible(group, key)) return get_other(req, group, key, timeout_ms);
  struct gci_hit hit = gci_cache_hit(group->cache, key, gci_hit_hash(group, key));
  if (hit.value == NULL) return get_other(req, group, key, timeout_ms);
  gci_hit_queue(&req->priv, group, &hit, on_got);
  if (gci_timing_wants(group)) time_hit(&req->priv);
  return 0;
}

void gcache_get_cancel(gcache_get_t *req) {
  gci_req_cancel(&req->priv);
}

const char *gcache_get_reason(const gcache_get_t *req) {
  return gci_value_words(req->priv.reason);
}

gcache_from_t gcache_get_from(const gcache_get_t *req) {
  return (gcache_from_t)req->priv.from;
}

uint64_t gcache_get_stale(const gcache_get_t *req) {
  return req->priv.from == GCACHE_FROM_NONE ? 0 : req->priv.ms;
}

/* ------------------------------------------------------------------------------ peek ---- */

static gcache_value_t *peek_hashed_other(gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  struct gci_hit hit = {NULL, GCI_MAIN};
  if (gci_hit_is_usual(key))
    hit = gci_cache_hit_other(group->cache, key, hash, gci_memory_now(group));
  return hit.value != NULL ? hit.value : gci_memory_peek(group, key, hash);
}

static __attribute__((noinline)) gcache_value_t *peek_other(gcache_group_t *group,
                                                            gcache_bytes_t key) {
  if (group->closing || gci_ask_check_key(group->core, key) < 0) return NULL;
  return gcache_value_ref(peek_hashed_other(group, key, gci_core_hash(group->core, key)));
}

gcache_value_t *gcache_peek(gcache_group_t *group, gcache_bytes_t key) {
  if (!gci_hit_is_usual(key)) return peek_other(group, key);
  struct gci_hit hit = gci_cache_hit(group->cache, key, gci_hit_hash(group, key));
  return hit.value == NULL ? peek_other(group, key) : gci_value_hold(hit.value);
}

static gcache_value_t *peek_hashed(gcache_group_t *group, gcache_bytes_t key, uint64_t hash) {
  if (!gci_hit_is_usual(key)) return gci_memory_peek(group, key, hash);
  struct gci_hit hit = gci_cache_hit(group->cache, key, hash);
  return hit.value != NULL ? hit.value : peek_hashed_other(group, key, hash);
}

static uint64_t hash_of(const gcache_group_t *group, gcache_bytes_t key) {
  if (gci_hit_is_usual(key)) return gci_hit_hash(group, key);
  return gci_ask_check_key(group->core, key) == 0 ? gci_core_hash(group->core, key) : 0;
}

/* At most AHEAD keys: as many as memory can be fetched for at the same time. */
static size_t peek_some(gcache_group_t *group, const gcache_bytes_t keys[], size_t n,
                        gcache_value_t *values[]) {
  uint64_t hashes[AHEAD];
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    hashes[i] = hash_of(group, keys[i]);
    gci_cache_fetch_index(group->cache, hashes[i]);
  }
  for (size_t i = 0; i < n; i++)
    gci_cache_fetch_entry(group->cache, hashes[i]);
  for (size_t i = 0; i < n; i++) {
    values[i] = NULL;
    if (gci_ask_check_key(group->core, keys[i]) < 0) continue;
    gcache_value_t *value = peek_hashed(group, keys[i], hashes[i]);
    if (value == NULL) continue;
    values[i] = gci_value_hold(value);
    found++;
  }
  return found;
}

size_t gcache_peek_many(gcache_group_t *group, const gcache_bytes_t keys[], size_t n,
                        gcache_value_t *values_out[]) {
  size_t found = 0;
  for (size_t i = 0; i < n; i += AHEAD) {
    size_t some = n - i < AHEAD ? n - i : AHEAD;
    if (group->closing)
      memset(&values_out[i], 0, some * sizeof *values_out);
    else
      found += peek_some(group, &keys[i], some, &values_out[i]);
  }
  return found;
}

/* ------------------------------------------------------------------------------ values ---- */

gcache_value_t *gcache_value_copy(gcache_t *cache, gcache_bytes_t bytes, int64_t expire_unix_ns) {
  return gci_value_copy(cache->env->mem, bytes, expire_unix_ns);
}

gcache_value_t *gcache_value_wrap(gcache_t *cache, gcache_bytes_t bytes, int64_t expire_unix_ns,
                                  gcache_free_cb free_cb, void *arg) {
  return gci_value_wrap(cache->env->mem, bytes, expire_unix_ns, free_cb, arg);
}

int gcache_value_freshen(gcache_value_t *value, const gcache_windows_t *windows) {
  if (!gci_value_is_own(value)) return UV_EINVAL;
  struct gci_windows kept = gci_windows_of(windows);
  return gci_value_set_windows(value, &kept);
}

int gcache_value_windows(const gcache_value_t *value, gcache_windows_t *out) {
  const struct gci_windows *own = gci_value_windows(value);
  *out = (gcache_windows_t){0};
  if (own == NULL) return UV_ENOENT;
  *out = (gcache_windows_t){own->stale_ms, own->error_ms, own->refresh_ahead_ms, own->hot_max_ms};
  return 0;
}

int64_t gcache_expire_in(const gcache_t *cache, uint64_t ms) {
  int64_t now = gci_env_unix_ns(cache->env);
  uint64_t room_ns = (uint64_t)(now > 0 ? INT64_MAX - now : INT64_MAX);
  if (ms > room_ns / NS_PER_MS) return INT64_MAX;
  return now + (int64_t)(ms * NS_PER_MS);
}

uint64_t gcache_expires_in_ms(const gcache_t *cache, const gcache_value_t *value) {
  int64_t expire = gcache_value_expire(value), now = gci_env_unix_ns(cache->env);
  if (expire == GCACHE_NEVER) return UINT64_MAX;
  if (expire <= now) return 0;
  uint64_t ns = (uint64_t)expire - (uint64_t)now;
  return ns / NS_PER_MS + (ns % NS_PER_MS != 0);
}
