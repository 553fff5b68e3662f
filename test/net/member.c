#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "member.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "place.h"
#include "raw.h"

/* ------------------------------------------------------------------------------ its getter -- */

static void answer(struct member *m, gcache_load_t *load, uint64_t ttl_ms) {
  gcache_bytes_t key = gcache_load_key(load);
  char text[256];

  snprintf(text, sizeof text, "%s|%.*s|%d", m->name, (int)key.len, (const char *)key.base,
           m->loads);
  gcache_load_done_copy(load, gcache_cstr(text), ttl_ms);
}

static void answer_big(gcache_load_t *load, size_t size) {
  char *bytes = malloc(size);

  memset(bytes, 'b', size);
  gcache_load_done_copy(load, gcache_bytes(bytes, size), 0);
  free(bytes);
}

static int begins(gcache_bytes_t key, const char *prefix) {
  return key.len >= strlen(prefix) && memcmp(key.base, prefix, strlen(prefix)) == 0;
}

static void on_load(gcache_load_t *load) {
  struct member *m = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t key = gcache_load_key(load);

  m->loads++;
  if (begins(key, "missing:")) {
    gcache_load_fail(load, GCACHE_ENOTFOUND, "no such row");
  } else if (begins(key, "fail:")) {
    gcache_load_fail(load, GCACHE_ELOAD, "demo failure");
  } else if (begins(key, "hold:")) {
    assert_true(m->n_held < MEMBER_HELD);
    m->held[m->n_held++] = load;
  } else if (begins(key, "big:")) {
    answer_big(load, strtoul((const char *)key.base + 4, NULL, 10));
  } else {
    answer(m, load, begins(key, "brief:") ? 150 : 0);
  }
}

static void on_load_cancel(gcache_load_t *load) {
  struct member *m = gcache_group_data(gcache_load_group(load));

  m->cancels++;
}

void member_release(struct member *m) {
  int n = m->n_held;

  m->n_held = 0;
  for (int i = 0; i < n; i++)
    answer(m, m->held[i], 0);
}

/* -------------------------------------------------------------------------- open and close -- */

void member_options(struct member *m, gcache_options_t *o, uv_loop_t *loop, const char *name) {
  memset(m, 0, sizeof *m);
  m->name = name;
  m->loop = loop;
  gcache_options_init(o);
  o->loop = loop;
  o->mem = oom_mem(&m->oom);
  o->handoff_ms = GCACHE_NO_HANDOFF; /* nobody is asked but for what a test is about */
  o->timeout_ms = 24 * 3600 * 1000;  /* so that no test passes because time does */
}

void member_open(struct member *m, const gcache_options_t *o) {
  assert_int_equal(gcache_open(&m->cache, o), 0);
}

void member_group(struct member *m, const char *name) {
  gcache_group_options_t go;

  gcache_group_options_init(&go);
  go.max_bytes = 8 << 20;
  go.getter = on_load;
  go.cancel = on_load_cancel;
  go.data = m;
  assert_int_equal(gcache_group_open(&m->group, m->cache, name, &go), 0);
}

static void listen_tls(struct member *m) {
  struct sockaddr_in addr;
  const struct sockaddr *at = (const struct sockaddr *)&addr;

  uv_ip4_addr("127.0.0.1", 0, &addr);
  assert_int_equal(gcache_listen_tls(&m->listener, m->cache, at, 64, m->tls), 0);
  m->port = gcache_listener_port(m->listener);
  snprintf(m->url, sizeof m->url, "https://127.0.0.1:%d", m->port);
}

void member_listen(struct member *m) {
  int rc;

  if (m->tls != NULL) {
    listen_tls(m);
  } else {
    m->port = place_listen_cache(&m->listener, m->cache);
    place_url(m->url, sizeof m->url, m->port);
  }
  assert_true(m->port > 0);
  rc = gcache_set_self(m->cache, m->url);
  assert_true(rc == 0 || rc == UV_EINVAL);
}

void member_start(struct member *m, uv_loop_t *loop, const char *name) {
  gcache_options_t o;

  member_options(m, &o, loop, name);
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static void on_closed(void *arg) {
  ((struct member *)arg)->closed = 1;
}

void member_close(struct member *m) {
  gcache_close(m->cache, on_closed, m);
}

void member_end(struct member *m) {
  if (m->cache == NULL) return;
  member_close(m);
  member_release(m);
  run_loop_until(m->loop, &m->closed, 1);
  assert_int_equal(m->oom.bytes, 0);
  assert_int_equal(m->oom.blocks, 0);
  m->cache = NULL;
}

void members_know(struct member members[], size_t n) {
  const char *urls[16];

  for (size_t i = 0; i < n; i++)
    urls[i] = members[i].url;
  for (size_t i = 0; i < n; i++)
    assert_int_equal(gcache_set_peers(members[i].cache, urls, NULL, n), 0);
}

/* ------------------------------------------------------------------------------- questions -- */

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asked *a = req->data;

  a->done++;
  a->status = status;
  a->from = gcache_get_from(req);
  a->stale_ms = gcache_get_stale(req);
  snprintf(a->reason, sizeof a->reason, "%s", gcache_get_reason(req));
  a->value_len = 0;
  a->value[0] = '\0';
  if (value == NULL) return;
  a->value_len = gcache_value_bytes(value).len;
  if (a->value_len < sizeof a->value) {
    memcpy(a->value, gcache_value_bytes(value).base, a->value_len);
    a->value[a->value_len] = '\0';
  }
}

void ask_start(struct asked *a, struct member *m, const char *key, uint64_t timeout_ms) {
  memset(a, 0, sizeof *a);
  a->req.data = a;
  assert_int_equal(gcache_get(&a->req, m->group, gcache_cstr(key), timeout_ms, on_got), 0);
}

void ask(struct asked *a, struct member *m, const char *key) {
  ask_start(a, m, key, 0);
  run_loop_until(m->loop, &a->done, 1);
  assert_int_equal(a->done, 1);
}

void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers, size_t n) {
  struct changed *c = req->data;

  c->done++;
  c->status = status;
  c->n = n;
  for (size_t i = 0; i < n && i < 16; i++) {
    c->statuses[i] = peers[i].status;
    snprintf(c->reasons[i], sizeof c->reasons[i], "%s", peers[i].reason);
  }
}

const char *member_key(struct member *m, const char *prefix, char *buf, size_t cap) {
  for (int i = 0;; i++) {
    snprintf(buf, cap, "%s%d", prefix, i);
    if (strcmp(gcache_owner(m->cache, gcache_cstr(buf)), m->url) == 0) return buf;
  }
}

const char *member_key_then(struct member *m, struct member *next, const char *prefix, char *buf,
                            size_t cap) {
  for (int i = 0;; i++) {
    snprintf(buf, cap, "%s%d", prefix, i);
    gcache_bytes_t key = gcache_cstr(buf);
    const struct gci_peer *owner = gci_peers_owner(&m->cache->peers, key);
    if (strcmp(owner->url, m->url) != 0) continue;
    if (strcmp(gci_health_owner(m->cache, key, owner)->url, next->url) == 0) return buf;
  }
}

void member_await_up(struct member *m, size_t index) {
  gcache_peer_stats_t stats;

  while (gcache_peer_stats(m->cache, index, &stats) == 0 && stats.state != GCACHE_PEER_UP)
    uv_run(m->loop, UV_RUN_ONCE);
}

/* -------------------------------------------------------------------------------- the loop -- */

struct watched {
  uv_loop_t loop; /* first: what the tests see */
  int descriptors;
};

static int count_descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  int n = 0;

  while (readdir(dir) != NULL)
    n++;
  closedir(dir);
  return n;
}

int loop_warm_up(void **state) {
  uv_loop_t loop;

  (void)state;
  return uv_loop_init(&loop) < 0 || uv_loop_close(&loop) < 0 ? -1 : 0;
}

int loop_setup(void **state) {
  struct watched *w = calloc(1, sizeof *w);

  w->descriptors = count_descriptors();
  if (uv_loop_init(&w->loop) < 0) return -1;
  *state = &w->loop;
  return 0;
}

int loop_teardown(void **state) {
  struct watched *w = *state;

  run_loop_turns(&w->loop, 10); /* what a test that failed left open is not waited for */
  assert_int_equal(uv_loop_close(&w->loop), 0);
  assert_int_equal(count_descriptors(), w->descriptors);
  free(w);
  return 0;
}
