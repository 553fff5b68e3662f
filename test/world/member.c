#include "member.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/core.h"
#include "getter.h"
#include "names.h"
#include "value.h"

/* ---- inside the member's loop ---- */

void world_member_do(struct world_member *m, void (*f)(void *arg), void *arg) {
  struct sim_rng *rng = &m->world->time.rng;
  enum world_phase phase = (enum world_phase)sim_rng_below(rng, WORLD_PHASES);
  if (m->host.loop.running || !m->host.up)
    f(arg);
  else
    world_loop_call(&m->host.loop, phase, f, arg);
}

/* The library's clock is the loop's, in milliseconds. */
uint64_t world_member_due_us(const struct world_member *m, uint64_t timeout_ms) {
  uint64_t now_ms = world_host_mono_us(&m->host) / 1000;
  if (timeout_ms == 0) timeout_ms = m->world->config.timeout_ms;
  if (timeout_ms == GCACHE_NO_TIMEOUT) return PROMISES_NEVER;
  return (now_ms + timeout_ms) * 1000 - m->host.mono_offset_us;
}

int world_member_of_url(const struct world *w, const char *url) {
  for (int i = 0; i < WORLD_HOSTS; i++)
    if (strcmp(w->members[i].url, url) == 0) return i;
  return -1;
}

static void wait(void *arg) {
  (void)arg;
}

/* The library reads the clock once a turn: it has had one when this returns. */
void world_member_jump_clock(struct world_member *m, int64_t by_ms) {
  m->world->counts[by_ms > 1800000 || by_ms < -1800000 ? WORLD_COUNT_HOUR : WORLD_COUNT_JUMP]++;
  m->host.wall_offset_ns += by_ms * 1000000;
  promises_clock_set(&m->world->promises, m->index);
  sim_trace(&m->world->time, "m%d wall clock jumps by %" PRId64 " ms", m->index, by_ms);
  world_member_do(m, wait, NULL);
}

/* ---- groups ---- */

static const char *group_word(unsigned group) {
  static const char *const words[PROMISES_GROUPS] = {"even", "odd group"};
  return words[group];
}

void world_group_start(struct world_group *g) {
  struct world_member *m = g->member;
  const struct promises_fresh *f = &m->world->promises.setup.fresh;
  gcache_group_options_t o;
  gcache_group_options_init(&o);
  o.max_bytes = m->world->config.max_bytes;
  o.getter = world_getter_asked;
  o.cancel = world_getter_hinted;
  o.data = g;
  o.hot = m->hot;
  o.stale_ms = f->stale_ms;
  o.error_ms = f->error_ms;
  o.refresh_ahead_ms = f->refresh_ahead_ms;
  o.hot_max_ms = f->hot_max_ms;
  o.not_found_ms = f->not_found_ms;
  int status = gcache_group_open(&g->group, m->cache, group_word(g->index), &o);
  if (status != 0) g->group = NULL;
  if (status != 0 && !(m->world->torture && status == UV_ENOMEM))
    promises_break(&m->world->promises, "member %d: group %u did not open: %d", m->index, g->index,
                   status);
  g->closing = 0;
  promises_group_closing(&m->world->promises, m->index, g->index, 0);
}

static void on_group_closed(void *arg) {
  struct world_group *g = arg;
  struct promises *p = &g->member->world->promises;
  promises_upcall(p, "a group's closed");
  if (g->group == NULL)
    promises_break(p, "P10: member %d: group %u was closed twice", g->member->index, g->index);
  g->group = NULL;
  sim_trace(&g->member->world->time, "m%d group %u is closed", g->member->index, g->index);
}

void world_group_stop(struct world_group *g) {
  struct promises *p = &g->member->world->promises;
  g->closing = 1;
  g->member->world->counts[WORLD_COUNT_GROUP]++;
  promises_group_closing(p, g->member->index, g->index, 1);
  promises_enter(p);
  gcache_group_close(g->group, on_group_closed, g);
  promises_leave(p);
}

/* ---- life ---- */

static void on_logged(void *data, gcache_log_level_t level, const char *line) {
  struct world_member *m = data;
  sim_trace(&m->world->time, "m%d log %d: %s", m->index, (int)level, line);
}

static void set_options(struct world_member *m, gcache_options_t *o) {
  const struct world_config *c = &m->world->config;
  gcache_options_init(o);
  o->loop = &m->host.loop.uv;
  o->self = m->is_client ? NULL : m->url;
  o->dialect = c->dialect;
  o->http = c->http;
  o->timeout_ms = c->timeout_ms;
  o->connect_timeout_ms = c->connect_timeout_ms;
  o->ping_ms = c->ping_ms;
  o->conns_per_peer = c->conns_per_peer;
  o->limits.key_max = WORLD_KEY_MAX;
  o->limits.value_max = WORLD_VALUE_MAX;
  o->handoff_ms = c->handoff_ms;
  o->health.probe_min_ms = 50;
  o->health.probe_max_ms = 400;
  o->health.missed_max = c->missed_max;
  o->health.hedge_percentile = c->hedge_percentile;
  o->health.hedge_min_ms = 1;
  if (c->hedge_percentile != 0) o->health.retry_percent = 100;
  o->access.read = o->access.write = c->who;
  if (c->is_signed) {
    o->access.secret = "the members' secret";
    o->access.secret_len = strlen(o->access.secret);
  }
  o->tls = m->world->tls;
  o->log = on_logged;
  o->log_data = m;
  o->mem = (gcache_mem_t){.resize = world_memory_resize, .data = m};
}

static int listen_on(struct world_member *m) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(WORLD_PORT)};
  name.sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)m->index);
  if (m->world->tls != NULL)
    return gcache_listen_tls(&m->listener, m->cache, (struct sockaddr *)&name, 64, m->world->tls);
  return gcache_listen(&m->listener, m->cache, (struct sockaddr *)&name, 64);
}

static void forget(struct world_member *m) {
  sim_event_clear(&m->world->time, &m->resumed);
  world_getter_forget(m);
  world_client_forget(m);
  promises_down(&m->world->promises, m->index);
  world_memory_drop(m);
  memset(m->groups, 0, sizeof m->groups);
  m->cache = NULL;
  m->listener = NULL;
  m->life = WORLD_DOWN;
}

/* Runs inside its loop. On failure the member stays as far as it came: without a cache it is down. */
static void start(void *arg) {
  struct world_member *m = arg;
  struct world *w = m->world;
  gcache_options_t o;
  set_options(m, &o);
  int status = gcache_open(&m->cache, &o);
  if (status != 0 && !w->torture)
    promises_break(&w->promises, "member %d did not open: %d", m->index, status);
  if (status != 0) {
    m->cache = NULL;
    return;
  }
  m->cache->health.terms.samples_min = 2; /* a life here is short */
  m->life = WORLD_LIVING;
  m->leaving = 0;
  for (unsigned g = 0; g < PROMISES_GROUPS; g++) {
    m->groups[g] = (struct world_group){.member = m, .index = g};
    world_group_start(&m->groups[g]);
  }
  status = m->is_client ? 0 : listen_on(m);
  if (status != 0 && !w->torture)
    promises_break(&w->promises, "member %d does not listen: %d", m->index, status);
}

/* After a failure to open; its handles close in the next iteration. */
static void give_up(struct world_member *m) {
  for (int i = 0; i < 3 && !world_loop_is_empty(&m->host.loop); i++)
    world_loop_call(&m->host.loop, WORLD_IN_POLL, wait, NULL);
  if (m->bytes != 0 || !world_loop_is_empty(&m->host.loop))
    promises_break(&m->world->promises, "P5: member %d did not open and left %zu bytes", m->index,
                   m->bytes);
  world_host_kill(&m->host, 0);
  forget(m);
}

void world_member_start(struct world_member *m, uint64_t list) {
  struct world *w = m->world;
  world_host_boot(&m->host);
  m->list = 0;
  promises_up(&w->promises, m->index, m->is_client, list);
  world_member_do(m, start, m);
  if (m->cache == NULL) {
    give_up(m);
    return;
  }
  w->counts[WORLD_COUNT_RESTART]++;
  m->lives++;
  sim_trace(&w->time, "m%d starts, list %" PRIx64, m->index, list);
  if (list != 0) world_member_set_list(m, list);
}

struct list_call {
  struct world_member *member;
  uint64_t list;
};

static void set_list(void *arg) {
  struct list_call *call = arg;
  struct world_member *m = call->member;
  struct world *w = m->world;
  const char *urls[WORLD_HOSTS];
  size_t n = 0;
  if (m->life != WORLD_LIVING) return;
  for (int i = 0; i < WORLD_HOSTS; i++)
    if (call->list >> i & 1) urls[n++] = w->members[i].url;
  for (size_t i = n; i > 1; i--) {
    size_t j = sim_rng_below(&w->time.rng, i);
    const char *url = urls[i - 1];
    urls[i - 1] = urls[j];
    urls[j] = url;
  }
  promises_enter(&w->promises);
  int status = gcache_set_peers(m->cache, urls, NULL, n);
  promises_leave(&w->promises);
  if (status != 0 && !(w->torture && status == UV_ENOMEM))
    promises_break(&w->promises, "member %d: list %" PRIx64 " was refused: %d", m->index,
                   call->list, status);
  if (status == 0) m->list = call->list;
  w->counts[WORLD_COUNT_LIST]++;
  promises_list(&w->promises, m->index, m->list);
  sim_trace(&w->time, "m%d is given list %" PRIx64 ": %d", m->index, call->list, status);
}

/* What was made to fail once is tried again. */
void world_member_set_list(struct world_member *m, uint64_t list) {
  struct list_call call = {.member = m, .list = list};
  world_member_do(m, set_list, &call);
  if (m->world->torture && m->life == WORLD_LIVING && m->list != list)
    world_member_do(m, set_list, &call);
}

void world_member_stop(struct world_member *m, uint64_t for_us) {
  struct world *w = m->world;
  w->counts[WORLD_COUNT_STOP]++;
  sim_trace(&w->time, "m%d stands still for %" PRIu64 " us", m->index, for_us);
  world_host_stop(&m->host);
  promises_stopped(&w->promises, m->index);
  sim_event_set(&w->time, &m->resumed, w->time.now_us + for_us);
}

void world_member_resume(struct world_member *m) {
  struct world *w = m->world;
  if (!m->host.stopped) return;
  sim_trace(&w->time, "m%d goes on", m->index);
  sim_event_clear(&w->time, &m->resumed);
  promises_resumed(&w->promises, m->index);
  world_host_resume(&m->host);
}

void world_member_resumed(struct sim_event *event) {
  world_member_resume(gci_container_of(event, struct world_member, resumed));
}

void world_member_crash(struct world_member *m, int silent) {
  m->world->counts[silent ? WORLD_COUNT_DARK : WORLD_COUNT_CRASH]++;
  sim_trace(&m->world->time, "m%d crashes%s", m->index, silent ? " in silence" : "");
  world_host_kill(&m->host, silent);
  forget(m);
}

/* In the loop's closing phase still: the host goes when that is over. */
static void on_closed(void *arg) {
  struct world_member *m = arg;
  struct promises *p = &m->world->promises;
  unsigned pending = promises_pending_of(p, m->index) + (m->leaving == 1);
  promises_upcall(p, "a cache's closed");
  if (pending > 0)
    promises_break(p, "P10: member %d closed and %u callbacks are owed", m->index, pending);
  if (m->bytes != 0)
    promises_break(p, "P5: member %d closed and left %zu bytes", m->index, m->bytes);
  sim_trace(&m->world->time, "m%d is closed", m->index);
  m->cache = NULL;
  sim_event_set(&m->world->time, &m->end, m->world->time.now_us + 1);
}

static void close_cache(void *arg) {
  struct world_member *m = arg;
  struct promises *p = &m->world->promises;
  if (m->life != WORLD_LIVING) return;
  m->world->counts[WORLD_COUNT_CLOSE]++;
  sim_trace(&m->world->time, "m%d closes", m->index);
  m->life = WORLD_CLOSING;
  for (unsigned g = 0; g < PROMISES_GROUPS; g++) {
    m->groups[g].closing = 1;
    promises_group_closing(p, m->index, g, 1);
  }
  promises_enter(p);
  gcache_close(m->cache, on_closed, m);
  promises_leave(p);
}

void world_member_close(struct world_member *m) {
  world_member_do(m, close_cache, m);
}

void world_member_ended(struct sim_event *event) {
  struct world_member *m = gci_container_of(event, struct world_member, end);
  struct promises *p = &m->world->promises;
  if (!world_loop_is_empty(&m->host.loop))
    promises_break(p, "P9: member %d closed and left handles in its loop", m->index);
  if (m->host.files != 0)
    promises_break(p, "P9: member %d closed and left %u descriptors", m->index, m->host.files);
  world_host_kill(&m->host, 0);
  forget(m);
}
