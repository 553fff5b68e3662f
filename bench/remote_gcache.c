/* remote_gcache - gcache as owner and as client. See remote.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include <gcache/http.h>

#include "meter.h"

/* -------------------------------------------------------------------------------- the owner -- */

/* Slow keys are kept like others; the room beyond the work's keys is for them. */
static void open_member(struct bench_member *m, const struct work *w, gcache_http_t http,
                        gcache_hot_t hot) {
  bench_open_http(m, w->value_bytes,
                  (size_t)w->n_keys * (w->value_bytes + 256) * 5 / 4 + (64u << 20), hot, http);
}

static void on_filled(gcache_get_t *get, int status, gcache_value_t *value) {
  (void)get, (void)value;
  bench_need(status, "fill");
}

static void fill(const struct bench_member *m, const struct work *w) {
  char key[KEY_SIZE];
  gcache_get_t get;
  for (uint64_t i = 0; i < w->n_keys; i++) {
    bench_key(key, i);
    bench_need(gcache_get(&get, m->group, gcache_bytes(key, KEY_SIZE), 0, on_filled), "fill");
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  }
}

int gcache_owner_open(struct bench_member *m, const struct work *w, gcache_http_t http) {
  gcache_listener_t *listener;
  struct sockaddr_in addr;

  open_member(m, w, http, GCACHE_HOT_DEFAULT);
  fill(m, w);
  uv_ip4_addr("127.0.0.1", 0, &addr);
  bench_need(gcache_listen(&listener, m->cache, (struct sockaddr *)&addr, 128), "listen");
  return gcache_listener_port(listener);
}

void gcache_owner_open_unix(struct bench_member *m, const struct work *w, gcache_http_t http,
                            const char *path) {
  gcache_listener_t *listener;

  open_member(m, w, http, GCACHE_HOT_DEFAULT);
  fill(m, w);
  bench_need(gcache_listen_unix(&listener, m->cache, path, 0, 128), "listen");
}

/* -------------------------------------------------------------------------------- the asker -- */

struct asker {
  gcache_get_t get;
  struct meter *meter;
  gcache_group_t *group;
  uint64_t sent_ns;
  unsigned slot;
  int slow;
};

static void on_answered(gcache_get_t *get, int status, gcache_value_t *value);

static void ask(struct asker *a, uint64_t now_ns) {
  char key[KEY_SIZE];
  a->slow = meter_key(a->meter, a->slot, key);
  a->sent_ns = now_ns;
  bench_need(gcache_get(&a->get, a->group, gcache_bytes(key, KEY_SIZE), 0, on_answered), "get");
}

static void on_answered(gcache_get_t *get, int status, gcache_value_t *value) {
  struct asker *a = get->data;
  uint64_t now = bench_now_ns();

  if (a->meter->phase == METER_OVER) return;
  bench_need(status, gcache_get_reason(get));
  if (gcache_get_from(get) != GCACHE_FROM_PEER ||
      gcache_value_bytes(value).len != a->meter->work->value_bytes)
    bench_need(UV_EIO, "an answer is wrong");
  if (meter_answered(a->meter, a->sent_ns, now, a->slow))
    ask(a, now);
  else
    uv_stop(uv_default_loop());
}

static void on_closed(void *closed) {
  *(int *)closed = 1;
}

void gcache_ask(struct meter *m, const char *url, gcache_http_t http) {
  struct asker *askers = calloc(m->work->outstanding, sizeof *askers);
  struct bench_member member;
  int closed = 0;
  const char *urls[] = {url};

  if (askers == NULL) bench_need(UV_ENOMEM, "askers");
  open_member(&member, m->work, http, GCACHE_HOT_OFF);
  bench_need(gcache_set_peers(member.cache, urls, NULL, 1), "peers");
  for (unsigned i = 0; i < m->work->outstanding; i++) {
    askers[i].meter = m;
    askers[i].group = member.group;
    askers[i].slot = i;
    askers[i].get.data = &askers[i];
    ask(&askers[i], bench_now_ns());
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  gcache_close(member.cache, on_closed, &closed);
  while (!closed)
    uv_run(uv_default_loop(), UV_RUN_ONCE);
  free(askers);
}

/* ---------------------------------------------------------------------------- two processes -- */

static int open_owner(const void *arg) {
  static struct bench_member owner;
  return gcache_owner_open(&owner, arg, GCACHE_HTTP_AUTO);
}

static int open_owner_h2(const void *arg) {
  static struct bench_member owner;
  return gcache_owner_open(&owner, arg, GCACHE_HTTP_2);
}

static int start(struct server *s, const struct work *w) {
  process_serve(s, PROCESS_SERVES, open_owner, w);
  return 1;
}

static int start_h2(struct server *s, const struct work *w) {
  process_serve(s, PROCESS_SERVES, open_owner_h2, w);
  return 1;
}

static void ask_by(gcache_http_t http, const struct server *s, const struct work *w,
                   double out[N_FIGURES]) {
  static struct meter m;
  char url[64];

  snprintf(url, sizeof url, "http://127.0.0.1:%d", s->port);
  meter_init(&m, w, s->pid);
  gcache_ask(&m, url, http);
  meter_say(&m, out);
}

static void ask_auto(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  ask_by(GCACHE_HTTP_AUTO, s, w, out);
}

static void ask_h2(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  ask_by(GCACHE_HTTP_2, s, w, out);
}

const struct remote_system remote_gcache = {"gcache", 1, start, ask_auto};
const struct remote_system remote_gcache_h2 = {"gcache", 1, start_h2, ask_h2};
