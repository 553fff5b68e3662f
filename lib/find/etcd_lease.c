/* find/etcd_lease - this member's own key: a lease is granted, the key is put under it, the lease
 * is kept alive at every third of its time; in the end it is revoked, and the key with it. Owns one
 * call at a time and the deadline of the next, which is always set, as in find/find.
 *
 * If the lease has run out, or etcd does not know it any more, or somebody has deleted the key,
 * this starts again from the beginning. Fails: never for good. A call that fails is logged, and
 * tried again at the next endpoint after a pause. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "find/etcd.h"

#define FAR_MS ((uint64_t)3600 * 1000) /* while a call is under way, which ends sooner */
#define REVOKE_MS 1000

static void set_due(struct gci_etcd *e, uint64_t ms) {
  int rc = gci_env_deadline(e->find.env, &e->lease.due, gci_env_after_ms(e->find.env, ms));

  assert(rc == 0);
  (void)rc;
}

/* ------------------------------------------------------------------------------------ calls -- */

static size_t write_put(const struct gci_etcd *e, char body[GCI_ETCD_BODY_MAX]) {
  const char *self = e->find.cache->self;
  char key[GCI_ETCD_KEY_MAX], value[GCI_ETCD_KEY_MAX];
  int bare = (int)(strlen(self) - (self[strlen(self) - 1] == '/'));
  int key_len = snprintf(key, sizeof key, "%.*s%.*s", (int)e->prefix.len,
                         (const char *)e->prefix.base, bare, self);
  int len = snprintf(value, sizeof value, "%.*s %u", bare, self, e->weight);

  if (key_len >= (int)sizeof key || len >= (int)sizeof value) return 0;
  return gci_etcd_write_put(body, gcache_bytes(key, (size_t)key_len),
                            gcache_bytes(value, (size_t)len), e->lease.id);
}

static void on_done(void *user, const struct gci_find_answer *answer);

static const struct gci_find_call_events events = {on_done, NULL, gci_etcd_gone};

static void failed(struct gci_etcd *e, int status, const char *why) {
  struct gci_etcd_lease *l = &e->lease;

  if (why[0] == '\0') why = gci_core_error_text(e->find.cache, status);
  if (l->failures++ == 0)
    gci_env_log(e->find.env, GCACHE_LOG_WARN, "etcd %s: this member could not be registered: %s",
                e->servers[l->server].authority, why);
  l->server = (l->server + 1) % e->n_servers;
  set_due(e, gci_find_pause(&e->find, l->failures, l->ttl_ms / 3));
}

static void act(struct gci_etcd *e) {
  static const char *const paths[] = {[GCI_ETCD_GRANT] = "/v3/lease/grant",
                                      [GCI_ETCD_PUT] = "/v3/kv/put",
                                      [GCI_ETCD_KEEP] = "/v3/lease/keepalive",
                                      [GCI_ETCD_REVOKE] = "/v3/lease/revoke"};
  struct gci_etcd_lease *l = &e->lease;
  char body[GCI_ETCD_BODY_MAX];
  size_t len;
  int rc;

  if (l->step == GCI_ETCD_GRANT)
    len = gci_etcd_write_grant(body, e->ttl_ms / 1000);
  else if (l->step == GCI_ETCD_PUT)
    len = write_put(e, body);
  else
    len = gci_etcd_write_lease(body, l->id);
  rc = gci_etcd_call(e, &l->call, l->server, paths[l->step], body, len, &events);
  if (rc < 0 && l->step != GCI_ETCD_REVOKE) failed(e, rc, "");
}

static void on_due(struct gcache_deadline_s *due) {
  struct gci_etcd *e = gci_container_of(due, struct gci_etcd, lease.due);

  if (e->lease.step == GCI_ETCD_REVOKE) { /* it has waited long enough */
    if (e->lease.call != NULL) gci_find_call_cancel(e->lease.call);
    e->lease.call = NULL;
    return;
  }
  set_due(e, FAR_MS);
  if (e->lease.call == NULL) act(e);
}

/* ---------------------------------------------------------------------------------- answers -- */

static int granted(struct gci_etcd *e, gcache_bytes_t body) {
  uint64_t id, ttl_s;
  int rc = gci_etcd_read_grant(body, &id, &ttl_s);

  if (rc < 0) return rc;
  e->lease.id = id;
  e->lease.ttl_ms = ttl_s < FAR_MS / 1000 ? ttl_s * 1000 : FAR_MS;
  e->lease.step = GCI_ETCD_PUT;
  set_due(e, 0);
  return 0;
}

static int written(struct gci_etcd *e) {
  e->lease.step = GCI_ETCD_KEEP;
  set_due(e, gci_find_spread(&e->find, e->lease.ttl_ms / 3));
  return 0;
}

static int kept(struct gci_etcd *e, gcache_bytes_t body) {
  uint64_t ttl_s;
  int rc = gci_etcd_read_keep(body, &ttl_s);

  if (rc < 0) return rc;
  if (ttl_s == 0) {
    e->lease.step = GCI_ETCD_GRANT;
    set_due(e, 0);
    return 0;
  }
  return written(e);
}

static int judge(struct gci_etcd *e, gcache_bytes_t body) {
  switch (e->lease.step) {
  case GCI_ETCD_GRANT:
    return granted(e, body);
  case GCI_ETCD_PUT:
    return written(e);
  case GCI_ETCD_KEEP:
    return kept(e, body);
  default:
    return 0;
  }
}

static void on_done(void *user, const struct gci_find_answer *answer) {
  struct gci_etcd *e = user;
  char why[GCI_ETCD_REASON];
  int rc = gci_etcd_check(answer, why);

  e->lease.call = NULL;
  if (e->lease.step == GCI_ETCD_REVOKE) return;
  if (rc == UV_ENOENT) e->lease.step = GCI_ETCD_GRANT; /* etcd does not know the lease */
  if (rc == 0) rc = judge(e, answer->body);
  if (rc < 0)
    failed(e, rc, why);
  else
    e->lease.failures = 0;
}

void gci_etcd_lease_missing(struct gci_etcd *e) {
  if (e->lease.step != GCI_ETCD_KEEP || e->lease.call != NULL) return;
  e->lease.step = GCI_ETCD_PUT;
  set_due(e, 0);
}

/* ----------------------------------------------------------------------------- open and stop -- */

int gci_etcd_lease_open(struct gci_etcd *e) {
  gci_deadline_init(&e->lease.due, on_due);
  e->lease.ttl_ms = e->ttl_ms;
  if (e->find.cache->self == NULL) return 0;
  return gci_env_deadline(e->find.env, &e->lease.due, gci_env_after_ms(e->find.env, 0));
}

void gci_etcd_lease_undo(struct gci_etcd *e) {
  gci_env_deadline_clear(e->find.env, &e->lease.due);
}

void gci_etcd_lease_stop(struct gci_etcd *e) {
  struct gci_etcd_lease *l = &e->lease;

  if (l->call != NULL) gci_find_call_cancel(l->call);
  l->call = NULL;
  if (l->id == 0) {
    gci_etcd_lease_undo(e);
    return;
  }
  l->step = GCI_ETCD_REVOKE;
  set_due(e, REVOKE_MS);
  act(e);
}
