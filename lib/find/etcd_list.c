/* find/etcd_list - reads all keys below the prefix, and watches for changes of them. Owns the two
 * calls.
 *
 * Every list is read whole, by one request; a watch only says that it is time to read. So the list
 * cannot drift from what etcd has, and a compaction, a lost watch and a restart are one case: the
 * list is read again, and a watch begins from the next revision, which can miss nothing. Each look
 * ends the previous watch, so that a watch whose connection has died silently is replaced after
 * interval_ms at the latest.
 * Fails: a failed look. A watch that ends without a message is begun again after a pause. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "find/etcd.h"

#define STEADY_MS 30000 /* a watch that has lasted this long is no failure */

static const char *host_of(const struct gci_etcd *e) {
  return e->servers[e->list.server].authority;
}

static void next_server(struct gci_etcd *e) {
  e->list.server = (e->list.server + 1) % e->n_servers;
}

/* ------------------------------------------------------------------------------------ watch -- */

static void end_watch(struct gci_etcd *e) {
  if (e->list.watch != NULL) gci_find_call_cancel(e->list.watch);
  e->list.watch = NULL;
}

/* The watch has ended without our doing. */
static void watch_failed(struct gci_etcd *e) {
  struct gci_etcd_list *l = &e->list;

  l->watch = NULL;
  l->watch_failures++;
  if (gci_env_mono_ms(e->find.env) - l->watched_ms >= STEADY_MS) l->watch_failures = 1;
  gci_find_look_in(&e->find, gci_find_pause(&e->find, l->watch_failures, e->find.set.interval_ms));
}

static void on_watch_done(void *user, const struct gci_find_answer *answer) {
  (void)answer; /* a watch never ends well except by us */
  watch_failed(user);
}

/* The complete messages that have not been read: each once, however many come, and each byte,
 * however few come at a time. */
static gcache_bytes_t unread(struct gci_etcd_list *l, gcache_bytes_t body) {
  gcache_bytes_t fresh = gci_bytes_skip(body, l->watch_seen);
  const char *last = fresh.len == 0 ? NULL : memrchr(fresh.base, '\n', fresh.len);
  size_t begin = l->watch_read;

  if (last != NULL) l->watch_read = (size_t)(last + 1 - (const char *)body.base);
  l->watch_seen = body.len;
  return gcache_bytes((const char *)body.base + begin, l->watch_read - begin);
}

static void on_watch_more(void *user, struct gci_find_call *call, gcache_bytes_t body) {
  struct gci_etcd *e = user;
  int said = gci_etcd_read_watch(unread(&e->list, body));

  if (said == GCI_ETCD_CREATED) gci_find_call_wait(call);
  if (said == GCI_ETCD_CHANGED) {
    end_watch(e);
    e->list.watch_failures = 0;
    gci_find_nudge(&e->find);
  } else if (said < 0) {
    end_watch(e);
    watch_failed(e);
  }
}

static const struct gci_find_call_events watch_events = {on_watch_done, on_watch_more,
                                                         gci_etcd_gone};

static void begin_watch(struct gci_etcd *e, uint64_t revision) {
  char body[GCI_ETCD_BODY_MAX];
  size_t len = gci_etcd_write_watch(body, e->prefix, revision);

  e->list.watched_ms = gci_env_mono_ms(e->find.env);
  e->list.watch_read = e->list.watch_seen = 0;
  if (gci_etcd_call(e, &e->list.watch, e->list.server, "/v3/watch", body, len, &watch_events) < 0)
    watch_failed(e);
}

/* ------------------------------------------------------------------------------------- list -- */

static void fail(struct gci_etcd *e, int status, const char *why) {
  char text[GCI_FIND_TEXT];

  if (why[0] == '\0') why = gci_core_error_text(e->find.cache, status);
  snprintf(text, sizeof text, "etcd %.80s: %s", host_of(e), why);
  next_server(e);
  gci_find_failed(&e->find, status, text);
}

static int has_self(const struct gci_etcd *e, struct gci_find_list *list) {
  const char *self = e->find.cache->self;
  size_t len = self == NULL ? 0 : strlen(self) - (self[strlen(self) - 1] == '/');

  gci_find_list_settle(list);
  for (size_t i = 0; i < list->n; i++)
    if (strlen(list->urls[i]) == len && memcmp(list->urls[i], self, len) == 0) return 1;
  return self == NULL;
}

static void take(struct gci_etcd *e, gcache_bytes_t body) {
  struct gci_find_list list;
  char text[80] = "";
  uint64_t revision;
  size_t odd;
  int rc;

  gci_find_list_init(&list, e->find.env->mem);
  rc = gci_etcd_read_range(body, &list, &revision, &odd);
  if (rc < 0) {
    fail(e, rc, rc == UV_EPROTO ? "not a response of etcd" : "");
  } else {
    if (odd > 0) snprintf(text, sizeof text, "%zu values ignored that are not URLs", odd);
    if (e->list.was_written && !has_self(e, &list)) gci_etcd_lease_missing(e);
    gci_find_found(&e->find, &list, text);
    begin_watch(e, revision + 1);
  }
  gci_find_list_fini(&list);
}

static void on_range_done(void *user, const struct gci_find_answer *answer) {
  struct gci_etcd *e = user;
  char why[GCI_ETCD_REASON];
  int rc = gci_etcd_check(answer, why);

  e->list.range = NULL;
  if (rc < 0)
    fail(e, rc, why);
  else
    take(e, answer->body);
}

static const struct gci_find_call_events range_events = {on_range_done, NULL, gci_etcd_gone};

void gci_etcd_look(gcache_find_t *find) {
  struct gci_etcd *e = gci_etcd_of(find);
  char body[GCI_ETCD_BODY_MAX];
  size_t len = gci_etcd_write_range(body, e->prefix);
  int rc;

  end_watch(e);
  e->list.was_written = e->lease.step == GCI_ETCD_KEEP;
  rc = gci_etcd_call(e, &e->list.range, e->list.server, "/v3/kv/range", body, len, &range_events);
  if (rc < 0) fail(e, rc, "");
}

void gci_etcd_list_stop(struct gci_etcd *e) {
  end_watch(e);
  if (e->list.range != NULL) gci_find_call_cancel(e->list.range);
  e->list.range = NULL;
}
