/* find/find - see find.h. */
#include "find/find.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

#define PAUSE_MS 500
#define DOUBLINGS 12

/* ------------------------------------------------------------------------------------ times -- */

/* xorshift64: only spreads times; it is not for secrets. */
static uint64_t draw(gcache_find_t *f) {
  f->random ^= f->random << 13;
  f->random ^= f->random >> 7;
  f->random ^= f->random << 17;
  return f->random;
}

uint64_t gci_find_spread(gcache_find_t *f, uint64_t ms) {
  return ms - ms / 4 + draw(f) % (ms / 2 + 1);
}

uint64_t gci_find_pause(gcache_find_t *f, unsigned failures, uint64_t most_ms) {
  unsigned doublings = failures < 1 ? 0 : failures - 1;
  uint64_t ms = (uint64_t)PAUSE_MS << (doublings < DOUBLINGS ? doublings : DOUBLINGS);

  return gci_find_spread(f, ms < most_ms ? ms : most_ms);
}

/* The deadline is set already, or has just left its place in the heap: this cannot fail. */
static void set_due(gcache_find_t *f, uint64_t ms) {
  uint64_t at_ms = gci_env_after_ms(f->env, ms);
  int rc = gci_env_deadline(f->env, &f->due, at_ms == GCI_DEADLINE_NEVER ? at_ms - 1 : at_ms);

  assert(rc == 0);
  (void)rc;
}

void gci_find_look_in(gcache_find_t *f, uint64_t ms) {
  if (!f->closing && f->due.at_ms > gci_env_after_ms(f->env, ms)) set_due(f, ms);
}

static void look(gcache_find_t *f) {
  f->looking = 1;
  f->nudged = 0;
  f->kind->look(f);
}

static void on_due(struct gcache_deadline_s *due) {
  gcache_find_t *f = gci_container_of(due, gcache_find_t, due);

  set_due(f, gci_find_spread(f, f->set.interval_ms));
  if (!f->looking) look(f);
}

void gci_find_nudge(gcache_find_t *f) {
  if (f->closing) return;
  if (f->looking)
    f->nudged = 1; /* what is being read may be older */
  else
    gci_find_look_in(f, f->set.debounce_ms);
}

/* ---------------------------------------------------------------------------------- answers -- */

static void answer_soon(gcache_find_t *f, int status, const char *text) {
  f->status = status;
  snprintf(f->text, sizeof f->text, "%s", text);
  gci_env_defer(f->env, GCI_COMPLETIONS, &f->answer);
}

void gci_find_found(gcache_find_t *f, struct gci_find_list *list, const char *text) {
  assert(f->looking && !f->closing);
  gci_find_list_move(&f->fresh, list);
  answer_soon(f, 0, text);
}

void gci_find_failed(gcache_find_t *f, int status, const char *text) {
  assert(f->looking && !f->closing && status < 0);
  answer_soon(f, status, text);
}

/* Replaces an empty text by our own. */
static int kept(gcache_find_t *f, int status, const char *text) {
  snprintf(f->text, sizeof f->text, "%s", text);
  return status;
}

/* Settles the list. A full list that has this member already is not too long. */
static int put_in(struct gci_find_list *fresh, const char *self) {
  int rc;

  gci_find_list_settle(fresh);
  if (self == NULL || gci_find_list_has(fresh, self)) return 0;
  rc = gci_find_list_add(fresh, gcache_cstr(self), 1);
  gci_find_list_settle(fresh);
  return rc;
}

/* 0: the result can be a list. */
static int complete(gcache_find_t *f) {
  struct gci_find_list *fresh = &f->fresh;
  char text[80];
  int rc;

  if (fresh->n == 0) return kept(f, UV_ENOENT, f->text[0] != '\0' ? f->text : "no members found");
  rc = put_in(fresh, f->cache->self);
  if (rc < 0) return kept(f, rc, "");
  if (fresh->n >= f->set.min_peers) return 0;
  snprintf(text, sizeof text, "%zu members; min_peers is %zu", fresh->n, f->set.min_peers);
  return kept(f, UV_EAGAIN, text);
}

/* A list that failed in the cache, for lack of memory in a later turn, is given again. */
static int is_known(const gcache_find_t *f) {
  return gci_find_list_equal(&f->fresh, &f->known) && f->cache->lists.error == 0;
}

static int install(gcache_find_t *f) {
  const char *const *urls = (const char *const *)f->fresh.urls;
  int rc = gcache_set_peers(f->cache, urls, f->fresh.weights, f->fresh.n);

  if (rc < 0) return kept(f, rc, "the cache rejects the list");
  gci_find_list_move(&f->known, &f->fresh);
  return 0;
}

static void tell(gcache_find_t *f, gcache_find_did_t did) {
  gcache_found_t found = {.did = did,
                          .status = f->status,
                          .text = f->text,
                          .urls = (const char *const *)f->known.urls,
                          .weights = f->known.weights,
                          .n = f->known.n};

  if (f->status < 0 && f->text[0] == '\0') found.text = gci_core_error_text(f->cache, f->status);
  if (did == GCACHE_FIND_KEPT)
    gci_env_log(f->env, GCACHE_LOG_WARN, "peers: %s; %zu members stay", found.text, found.n);
  else
    gci_env_log(f->env, GCACHE_LOG_INFO, "peers: %zu members%s%s", found.n,
                found.text[0] != '\0' ? "; " : "", found.text);
  if (f->set.on_change != NULL) f->set.on_change(f, &found, f->set.data);
}

static void let_loop_go(gcache_find_t *f) {
  if (f->held) gci_env_release(f->env);
  f->held = 0;
}

static void on_answer(struct gcache_job_s *job) {
  gcache_find_t *f = gci_container_of(job, gcache_find_t, answer);
  gcache_find_did_t did = GCACHE_FIND_SAME;
  unsigned failures = f->failures;

  f->looking = 0;
  if (f->status == 0) f->status = complete(f);
  if (f->status == 0 && !is_known(f)) {
    f->status = install(f);
    did = GCACHE_FIND_SET;
  }
  gci_find_list_fini(&f->fresh);
  f->failures = f->status < 0 ? failures + 1 : 0;
  if (f->status < 0)
    gci_find_look_in(f, gci_find_pause(f, f->failures, f->set.interval_ms));
  else if (f->nudged)
    gci_find_look_in(f, f->set.debounce_ms);
  let_loop_go(f);
  if (f->status < 0)
    tell(f, GCACHE_FIND_KEPT);
  else if (did == GCACHE_FIND_SET || failures > 0)
    tell(f, did);
}

/* ------------------------------------------------------------------------------------- close -- */

static void on_end(struct gcache_job_s *job) {
  gcache_find_t *f = gci_container_of(job, gcache_find_t, end);
  gcache_t *cache = f->cache;
  struct gci_env *env = f->env;
  gcache_closed_cb closed = f->closed;
  void *arg = f->closed_arg;

  gci_find_list_fini(&f->fresh);
  gci_find_list_fini(&f->known);
  f->kind->free(f);
  cache->guest = NULL;
  gci_env_release(env);
  gci_countdown_give(&cache->life); /* deferred jobs run later: the cache is still there */
  if (closed != NULL) closed(arg);
}

void gci_find_stopped(gcache_find_t *f) {
  assert(f->closing);
  gci_env_defer(f->env, GCI_COMPLETIONS, &f->end);
}

static void close_it(gcache_find_t *f) {
  f->closing = 1;
  gci_env_hold(f->env);
  let_loop_go(f);
  gci_env_deadline_clear(f->env, &f->due);
  gci_defer_cancel(&f->answer);
  f->looking = 0;
  f->kind->stop(f);
}

static void on_cache_closes(struct gci_guest *guest) {
  gcache_find_t *f = gci_container_of(guest, gcache_find_t, guest);

  if (!f->closing) close_it(f);
}

void gcache_find_close(gcache_find_t *f, gcache_closed_cb closed, void *arg) {
  assert(!f->closing);
  f->closed = closed;
  f->closed_arg = arg;
  close_it(f);
}

/* -------------------------------------------------------------------------------------- open -- */

int gci_find_open(gcache_find_t *f, const gcache_find_options_t *o,
                  const struct gci_find_kind *kind) {
  gcache_t *cache = o->cache;
  int rc;

  if (cache->closing) return GCACHE_ECLOSING;
  if (cache->guest != NULL) return UV_EALREADY;
  f->cache = cache;
  f->env = cache->env;
  f->kind = kind;
  f->set = *o;
  f->guest.cache_closes = on_cache_closes;
  f->random = gci_core_hash(cache, gcache_cstr(cache->self != NULL ? cache->self : "")) | 1;
  gci_job_init(&f->answer, on_answer);
  gci_job_init(&f->end, on_end);
  gci_deadline_init(&f->due, on_due);
  gci_find_list_init(&f->fresh, f->env->mem);
  gci_find_list_init(&f->known, f->env->mem);
  rc = gci_env_deadline(f->env, &f->due, gci_env_after_ms(f->env, 0));
  if (rc < 0) return rc;
  cache->guest = &f->guest;
  gci_countdown_take(&cache->life);
  gci_env_hold(f->env);
  f->held = 1;
  return 0;
}

void gci_find_undo(gcache_find_t *f) {
  gci_env_deadline_clear(f->env, &f->due);
  f->cache->guest = NULL;
  let_loop_go(f);
  gci_countdown_give(&f->cache->life);
}
