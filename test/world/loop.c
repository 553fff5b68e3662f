#include "loop.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define READY_MAX 512
#define GAP_MAX_US 20 /* from one iteration to the next when there is more to do */

static struct sim_rng *rng_of(struct world_loop *loop) {
  return &loop->host->world->rng;
}

static void update_time(struct world_loop *loop) {
  loop->time_ms = world_host_mono_us(loop->host) / 1000;
}

/* ---- timers ---- */

static struct world_handle *first_timer(struct world_loop *loop) {
  struct world_handle *first = NULL;
  gci_list_each(link, &loop->handles) {
    struct world_handle *h = gci_container_of(link, struct world_handle, link);
    if (h->uv->type != UV_TIMER || !h->active) continue;
    if (first == NULL || h->due_ms < first->due_ms ||
        (h->due_ms == first->due_ms && h->order < first->order))
      first = h;
  }
  return first;
}

/* Before 1.45 a timer that a timer starts for now runs in the same pass. */
static void run_timers(struct world_loop *loop) {
  uint64_t until = loop->timers_last ? loop->next_order : UINT64_MAX;
  for (;;) {
    struct world_handle *h = first_timer(loop);
    if (h == NULL || h->due_ms > loop->time_ms || h->order >= until) return;
    h->active = 0;
    h->timer_cb((uv_timer_t *)h->uv);
  }
}

/* ---- the phases ---- */

static void run_app(struct world_loop *loop, enum world_phase phase) {
  void (*app)(void *arg) = loop->app;
  if (app == NULL || loop->app_phase != phase) return;
  loop->app = NULL;
  app(loop->app_arg);
}

static void run_idle(struct world_loop *loop) {
  gci_list_each(link, &loop->handles) {
    struct world_handle *h = gci_container_of(link, struct world_handle, link);
    if (h->uv->type == UV_IDLE && h->active) h->idle_cb((uv_idle_t *)h->uv);
  }
}

static void run_check(struct world_loop *loop) {
  gci_list_each(link, &loop->handles) {
    struct world_handle *h = gci_container_of(link, struct world_handle, link);
    if (h->uv->type == UV_CHECK && h->active) h->check_cb((uv_check_t *)h->uv);
  }
}

static size_t collect_ready(struct world_loop *loop, struct world_handle *ready[READY_MAX]) {
  size_t n = 0;
  gci_list_each(link, &loop->handles) {
    struct world_handle *h = gci_container_of(link, struct world_handle, link);
    if (n < READY_MAX && world_handle_is_ready(h)) ready[n++] = h;
  }
  for (size_t i = n; i > 1; i--) {
    size_t j = sim_rng_below(rng_of(loop), i);
    struct world_handle *h = ready[i - 1];
    ready[i - 1] = ready[j];
    ready[j] = h;
  }
  return n;
}

/* Records live until the closing phase. */
static void poll(struct world_loop *loop) {
  struct world_handle *ready[READY_MAX];
  size_t n, app_at, requests_at;
  update_time(loop);
  n = collect_ready(loop, ready);
  app_at = loop->app != NULL ? sim_rng_below(rng_of(loop), n + 1) : 0;
  requests_at = world_requests_ready(loop) ? sim_rng_below(rng_of(loop), n + 1) : n + 1;
  for (size_t i = 0; i <= n; i++) {
    if (i == app_at) run_app(loop, WORLD_IN_POLL);
    if (i == requests_at) world_requests_tell(loop);
    if (i < n && world_handle_is_ready(ready[i])) world_handle_tell(ready[i]);
  }
}

/* Those that are closed meanwhile wait for the next iteration. */
static void run_closing(struct world_loop *loop) {
  struct gci_list now;
  struct gcache_link_s *link;
  gci_list_init(&now);
  gci_list_move(&now, &loop->closing);
  while ((link = gci_list_pop_front(&now)) != NULL) {
    struct world_handle *h = gci_container_of(link, struct world_handle, closing);
    uv_handle_t *uv = h->uv;
    if (uv->type == UV_TCP) world_stream_finish_close(h);
    gci_link_unlink(&h->link);
    free(h);
    uv->u.reserved[0] = NULL;
    if (uv->close_cb != NULL) uv->close_cb(uv);
  }
}

/* ---- one iteration ---- */

static uint64_t next_time(struct world_loop *loop) {
  uint64_t now_us = loop->host->world->now_us;
  struct world_handle *timer = first_timer(loop);
  int more = !gci_list_empty(&loop->closing) || loop->app != NULL || world_requests_ready(loop);
  gci_list_each(link, &loop->handles) {
    struct world_handle *h = gci_container_of(link, struct world_handle, link);
    if (h->uv->type == UV_IDLE ? h->active : world_handle_is_ready(h)) more = 1;
  }
  if (more) return now_us + 1 + sim_rng_below(rng_of(loop), GAP_MAX_US);
  if (timer == NULL) return UINT64_MAX;
  uint64_t at_us = timer->due_ms * 1000, mono_us = world_host_mono_us(loop->host);
  return at_us <= mono_us ? now_us + 1 : now_us + (at_us - mono_us);
}

static void iterate(struct world_loop *loop) {
  struct world_host *before = world_host_enter(loop->host);
  assert(!loop->running);
  loop->running = 1;
  loop->iterations++;
  update_time(loop);
  run_app(loop, WORLD_BEFORE_TIMERS);
  if (!loop->timers_last) run_timers(loop);
  run_idle(loop);
  poll(loop);
  if (loop->timers_last) run_timers(loop);
  run_check(loop);
  run_app(loop, WORLD_AFTER_CHECK);
  run_closing(loop);
  loop->running = 0;
  world_host_enter(before);
  uint64_t next = next_time(loop);
  if (next != UINT64_MAX) world_loop_kick(loop, next);
}

static void on_turn(struct sim_event *event) {
  iterate(gci_container_of(event, struct world_loop, turn));
}

void world_loop_init(struct world_loop *loop, struct world_host *host) {
  memset(loop, 0, sizeof *loop);
  loop->host = host;
  gci_list_init(&loop->handles);
  gci_list_init(&loop->closing);
  gci_list_init(&loop->requests);
  sim_event_init(&loop->turn, on_turn);
  loop->timers_last = sim_rng_percent(&host->world->rng, 50);
}

void world_loop_kick(struct world_loop *loop, uint64_t at_us) {
  if (loop->running) return;       /* it looks by itself when it is through */
  if (loop->host->stopped) return; /* and when it goes on */
  if (sim_event_is_set(&loop->turn) && loop->turn.at_us <= at_us) return;
  sim_event_set(loop->host->world, &loop->turn, at_us);
}

void world_loop_call(struct world_loop *loop, enum world_phase phase, void (*app)(void *arg),
                     void *arg) {
  assert(loop->app == NULL && !loop->host->stopped);
  loop->app = app;
  loop->app_arg = arg;
  loop->app_phase = phase;
  iterate(loop);
}

void world_loop_uncall(struct world_loop *loop, const void *arg) {
  if (loop->app_arg == arg) loop->app = NULL;
}

/* ---- its end ---- */

int world_loop_alive(const struct world_loop *loop, int not_listeners) {
  if (!gci_list_empty(&loop->closing) || !gci_list_empty(&loop->requests)) return 1;
  gci_list_each(link, &loop->handles) {
    struct world_handle *h = gci_container_of(link, struct world_handle, link);
    int active = h->active || h->reading || h->listening;
    if (not_listeners && h->listening) continue;
    if (h->connecting || (active && !h->unref)) return 1;
  }
  return 0;
}

int world_loop_is_empty(const struct world_loop *loop) {
  return gci_list_empty(&loop->handles) && gci_list_empty(&loop->requests);
}

void world_loop_forget(struct world_loop *loop) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&loop->requests)) != NULL)
    world_request_free(gci_container_of(link, struct world_request, link));
  while ((link = gci_list_pop_front(&loop->handles)) != NULL)
    free(gci_container_of(link, struct world_handle, link));
  gci_list_init(&loop->closing);
  sim_event_clear(loop->host->world, &loop->turn);
  loop->app = NULL;
}
