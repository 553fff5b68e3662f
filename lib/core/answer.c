/* core/answer - answers a peer's request as the owner, from this member alone (P4).
 *
 * A GET goes through core/ask, which never goes further than a load here. SET, REMOVE and CLEAR
 * change memory at once and report in the next turn; whether this member owns the key by its own
 * list does not matter. A GET waits for a fresh value, unless the asker can be told that a value is
 * stale.
 * Fails: starting, with UV_ENOMEM, UV_EMSGSIZE, UV_EINVAL, GCACHE_ENOGROUP, GCACHE_ECLOSING. */
#include "core/answer.h"

#include <uv.h>

#include "base/value.h"
#include "core/ask.h"
#include "core/memory.h"
#include "gcache/transport.h"

static void complete(gcache_answer_t *req) {
  struct gci_req_end end = gci_req_end(&req->priv);
  req->cb(req, end.status, end.value, gci_value_words(end.reason));
  gci_req_release(&end);
}

static void on_asked(struct gcache_job_s *job) {
  gcache_answer_t *req = gci_container_of(job, gcache_answer_t, priv.job);
  if (gci_ask_settle(&req->priv)) return;
  complete(req);
}

static void on_ordered(struct gcache_job_s *job) {
  complete(gci_container_of(job, gcache_answer_t, priv.job));
}

/* NULL: it is not open, and will not know of the change if it is opened later. */
static gcache_group_t *find_to_change(gcache_t *core, gcache_bytes_t name) {
  gcache_group_t *group = gci_group_find(core, name);
  if (group == NULL) core->previous.is_forgetful = 1;
  return group;
}

static int obey(gcache_group_t *group, gcache_op_t op, gcache_bytes_t key, gcache_value_t *value) {
  uint64_t hash = gci_core_hash(group->core, key);
  int rc = 0;
  if (op == GCACHE_OP_SET)
    rc = gci_memory_set(group, key, hash, value);
  else if (op == GCACHE_OP_REMOVE)
    gci_memory_drop(group, key, hash);
  else
    gci_memory_clear(group);
  return rc == 0 ? 0 : GCACHE_ENOROOM; /* for the peer both are the same: gone, and not kept */
}

static int check(const gcache_t *cache, gcache_op_t op, gcache_bytes_t key, gcache_value_t *value) {
  if (op == GCACHE_OP_CLEAR) return 0;
  if (op != GCACHE_OP_SET && op != GCACHE_OP_REMOVE) return UV_EINVAL;
  int rc = gci_ask_check_key(cache, key);
  if (rc == 0 && op == GCACHE_OP_SET) rc = gci_ask_check_value(cache, value);
  return rc;
}

static int ask(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group_name, gcache_bytes_t key,
               const struct gci_ask_terms *terms, gcache_answer_cb cb) {
  if (cb == NULL) return UV_EINVAL;
  if (cache->closing) return GCACHE_ECLOSING;
  int rc = gci_ask_check_key(cache, key);
  if (rc < 0) return rc;
  gcache_group_t *group = gci_group_find(cache, group_name);
  if (group == NULL) return GCACHE_ENOGROUP;
  req->cb = cb;
  rc = gci_ask_start_here(&req->priv, group, key, terms, on_asked);
  if (rc == 0) group->stats.server_requests++;
  return rc;
}

int gcache_answer(gcache_answer_t *req, gcache_t *cache, gcache_op_t op, gcache_bytes_t group_name,
                  gcache_bytes_t key, gcache_value_t *value, uint64_t timeout_ms,
                  gcache_answer_cb cb) {
  struct gci_ask_terms terms = {.timeout_ms = timeout_ms, .takes = GCI_TAKES_FRESH};
  if (op == GCACHE_OP_GET) return ask(req, cache, group_name, key, &terms, cb);
  if (cb == NULL) return UV_EINVAL;
  if (cache->closing) return GCACHE_ECLOSING;
  int rc = check(cache, op, key, value);
  if (rc < 0) return rc;
  gcache_group_t *group = find_to_change(cache, group_name);
  if (group == NULL) return GCACHE_ENOGROUP;
  req->cb = cb;
  gci_req_init(&req->priv, group, on_ordered, gci_req_overrule);
  gci_req_begin(&req->priv);
  gci_req_finish(&req->priv, obey(group, op, key, value), NULL, NULL, GCACHE_FROM_NONE);
  group->stats.server_requests++;
  return 0;
}

/* ------------------------------------------------------------------ members that come and go -- */

static void begin_done(gcache_answer_t *req, gcache_group_t *group, gcache_answer_cb cb) {
  req->cb = cb;
  gci_req_init(&req->priv, group, on_ordered, gci_req_overrule);
  gci_req_begin(&req->priv);
}

int gcache_answer_give(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group_name,
                       gcache_bytes_t key, gcache_value_t *value, const char *giver,
                       gcache_answer_cb cb) {
  if (cb == NULL || giver == NULL) return UV_EINVAL;
  if (cache->closing) return GCACHE_ECLOSING;
  int rc = check(cache, GCACHE_OP_SET, key, value);
  if (rc < 0) return rc;
  gcache_group_t *group = gci_group_find(cache, group_name);
  if (group == NULL) return GCACHE_ENOGROUP;
  const struct gci_peer *peer = gci_peers_find(&cache->peers, giver);
  begin_done(req, group, cb);
  group->stats.server_requests++;
  int is_wanted = peer != NULL && !peer->is_self && !cache->leaving;
  rc = is_wanted ? gci_memory_take(group, key, gci_core_hash(cache, key), value) : UV_EEXIST;
  gci_req_finish(&req->priv, rc, NULL, NULL, GCACHE_FROM_NONE);
  return 0;
}

int gci_answer_handoff(gcache_t *cache, gcache_bytes_t group_name, gcache_bytes_t key,
                       gcache_value_t **value) {
  if (cache->closing) return GCACHE_ECLOSING;
  int rc = gci_ask_check_key(cache, key);
  if (rc < 0) return rc;
  gcache_group_t *group = gci_group_find(cache, group_name);
  if (group == NULL) return GCACHE_ENOGROUP;
  group->stats.server_requests++;
  *value = gci_memory_peek(group, key, gci_core_hash(cache, key));
  return *value == NULL ? UV_ENOENT : 0;
}

int gcache_answer_cached(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group_name,
                         gcache_bytes_t key, const char *newcomer, gcache_answer_cb cb) {
  if (cb == NULL) return UV_EINVAL;
  gcache_value_t *value = NULL;
  int rc = gci_answer_handoff(cache, group_name, key, &value);
  if (rc < 0 && rc != UV_ENOENT) return rc;
  if (newcomer != NULL && !gci_previous_is_new(cache, newcomer)) {
    rc = UV_EPERM;
    value = NULL;
  }
  begin_done(req, gci_group_find(cache, group_name), cb);
  gci_req_finish(&req->priv, rc, gcache_value_ref(value), NULL,
                 value == NULL ? GCACHE_FROM_NONE : GCACHE_FROM_MAIN);
  return 0;
}

int gcache_answer_get(gcache_answer_t *req, gcache_t *cache, gcache_bytes_t group,
                      gcache_bytes_t key, int64_t newer_than, uint64_t timeout_ms,
                      gcache_answer_cb cb) {
  struct gci_ask_terms terms = {timeout_ms, GCI_TAKES_STALE, newer_than};
  return ask(req, cache, group, key, &terms, cb);
}

#define NS_PER_MS 1000000

int gci_answer_cached(gcache_t *cache, gcache_bytes_t group_name, gcache_bytes_t key,
                      int takes_stale, struct gci_answer_cached *out) {
  if (cache->closing) return GCACHE_ECLOSING;
  int rc = gci_ask_check_key(cache, key);
  if (rc < 0) return rc;
  gcache_group_t *group = gci_group_find(cache, group_name);
  if (group == NULL) return GCACHE_ENOGROUP;
  struct gci_found found;
  enum gci_takes takes = takes_stale ? GCI_TAKES_STALE : GCI_TAKES_FRESH;
  if (!gci_ask_memory(group, key, takes, &found)) return UV_ENOENT;
  group->stats.server_requests++;
  *out = (struct gci_answer_cached){0};
  int64_t end = gci_value_expire(found.value);
  int64_t now = end == GCACHE_NEVER ? 0 : gci_env_unix_ns(cache->env);
  if (found.freshness == GCI_ABSENT) {
    out->status = GCACHE_ENOTFOUND;
    out->reason = gci_value_words(found.value);
    out->not_found_ms = ((uint64_t)end - (uint64_t)now) / NS_PER_MS;
    return 0;
  }
  out->value = found.value;
  if (found.freshness != GCI_STALE) return 0;
  out->stale_ms = ((uint64_t)now - (uint64_t)end) / NS_PER_MS + 1;
  group->stats.stale++;
  return 0;
}

uint64_t gcache_answer_stale(const gcache_answer_t *req) {
  return req->priv.status == 0 ? req->priv.ms : 0;
}

uint64_t gcache_answer_not_found(const gcache_answer_t *req) {
  return req->priv.status == GCACHE_ENOTFOUND ? req->priv.ms : 0;
}

void gcache_answer_cancel(gcache_answer_t *req) {
  gci_req_cancel(&req->priv);
}

int gci_core_remove_here(gcache_t *core, gcache_bytes_t group_name, gcache_bytes_t key) {
  if (core->closing) return GCACHE_ECLOSING;
  int rc = gci_ask_check_key(core, key);
  if (rc < 0) return rc;
  gcache_group_t *group = find_to_change(core, group_name);
  if (group == NULL) return GCACHE_ENOGROUP;
  gci_memory_drop(group, key, gci_core_hash(core, key));
  group->stats.server_requests++;
  return 0;
}
