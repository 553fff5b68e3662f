#include "door/exchange.h"

#include <uv.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "wire/route.h"

struct gci_decoded {
  struct gci_decoded *next;
  size_t room;
  char text[];
};

void gci_exchange_free(gcache_exchange_t *x) {
  struct gci_door *door = x->door;

  while (x->decoded != NULL) {
    struct gci_decoded *d = x->decoded;
    x->decoded = d->next;
    gci_mem_free(door->env->mem, d, sizeof *d + d->room);
  }
  gci_link_unlink(&x->link);
  gci_defer_cancel(&x->job);
  gci_in_flight_drop(&door->env->mem->in_flight, sizeof *x);
  gci_mem_free(door->env->mem, x, sizeof *x);
  gci_env_release(door->env);
  gci_countdown_give(&door->life);
}

void gci_exchange_answer_text(struct gci_http_exchange *http, int status, gcache_bytes_t text) {
  gcache_header_t headers[] = {
      {GCI_LIT("Content-Type"), GCI_LIT("text/plain; charset=utf-8")},
  };
  struct gci_http_message message = {
      .status = status, .headers = headers, .n_headers = 1, .before = text, .after = GCI_LIT("\n")};

  gci_http_reply(http, &message); /* without memory the connection ends: that is an answer too */
}

static void wake(gcache_exchange_t *x) {
  if (!gci_job_queued(&x->job)) gci_env_defer(x->door->env, GCI_COMPLETIONS, &x->job);
}

/* There is room for output, or nobody reads it. */
static int has_room(const gcache_exchange_t *x) {
  return x->left || (gci_http_waiting(x->http) < GCI_HELD_MAX / 2 && gci_exchange_may_add(x));
}

int gci_exchange_may_add(const gcache_exchange_t *x) {
  return gci_http_waiting(x->http) == 0 ||
         gci_in_flight_fits(&x->door->env->mem->in_flight, 0, GCI_FOR_OTHERS);
}

/* One callback at a time: either may be the end of x. */
static void tell(gcache_exchange_t *x) {
  gcache_gone_cb gone = x->gone;
  gcache_room_cb room = x->room;

  if (x->left && gone != NULL) {
    x->gone = NULL;
    if (room != NULL) wake(x);
    gone(x, x->gone_arg);
  } else if (room != NULL && has_room(x)) {
    x->room = NULL;
    room(x, x->room_arg);
  }
}

static void on_due(struct gcache_job_s *job) {
  gcache_exchange_t *x = gci_container_of(job, gcache_exchange_t, job);
  struct gci_door *door = x->door;

  if (x->handled) {
    tell(x);
    return;
  }
  if (door->handler == NULL || door->closing) {
    gci_exchange_answer_text(x->http, 404, GCI_LIT("not found"));
    gci_exchange_free(x);
    return;
  }
  x->handled = 1;
  door->handler(x, door->handler_arg);
}

int gci_exchange_open(gcache_exchange_t **out, struct gci_door *door,
                      struct gci_http_exchange *http) {
  gcache_exchange_t *x = gci_http_keep(http) < 0 ? NULL : gci_mem_zalloc(door->env->mem, sizeof *x);

  if (x == NULL) return UV_ENOMEM;
  gci_in_flight_add(&door->env->mem->in_flight, sizeof *x);
  x->door = door;
  x->http = http;
  gci_link_init(&x->link);
  gci_job_init(&x->job, on_due);
  gci_route_split_target(http->head.target, &x->path, &x->query);
  gci_countdown_take(&door->life);
  gci_env_hold(door->env);
  gci_env_defer(door->env, GCI_COMPLETIONS, &x->job);
  *out = x;
  return 0;
}

void gci_exchange_leave(gcache_exchange_t *x) {
  x->left = 1;
  if (x->handled) {
    if (x->gone != NULL || x->room != NULL) wake(x);
    return;
  }
  gci_exchange_answer_text(x->http, 503, GCI_LIT("closed")); /* nobody reads it */
  gci_exchange_free(x);
}

void gci_exchange_flushed(gcache_exchange_t *x) {
  if (x->room != NULL && has_room(x)) wake(x);
}

/* ---------------------------------------------------------------------------- what was asked -- */

void gcache_set_handler(gcache_t *cache, gcache_handler_cb handler, void *arg) {
  cache->door->handler = handler;
  cache->door->handler_arg = arg;
}

gcache_t *gcache_exchange_cache(const gcache_exchange_t *x) {
  return x->door->cache;
}

gcache_bytes_t gcache_exchange_method(const gcache_exchange_t *x) {
  return x->http->head.method;
}

gcache_bytes_t gcache_exchange_path(const gcache_exchange_t *x) {
  return x->path;
}

gcache_bytes_t gcache_exchange_query(const gcache_exchange_t *x) {
  return x->query;
}

gcache_bytes_t gcache_exchange_header(const gcache_exchange_t *x, const char *name) {
  return gci_http_header(x->http->head.headers, x->http->head.n_headers, gcache_cstr(name));
}

const gcache_header_t *gcache_exchange_headers(const gcache_exchange_t *x, size_t *n) {
  *n = x->http->head.n_headers;
  return x->http->head.headers;
}

gcache_value_t *gcache_exchange_body(const gcache_exchange_t *x) {
  return x->http->body;
}

int gcache_exchange_param(gcache_exchange_t *x, const char *name, gcache_bytes_t *out) {
  struct gci_mem *mem = x->door->env->mem;
  struct gci_decoded *d;
  gcache_bytes_t raw;
  size_t len;

  if (gci_route_param(x->query, gcache_cstr(name), &raw) < 0) return UV_ENOENT;
  d = gci_mem_alloc(mem, sizeof *d + raw.len);
  if (d == NULL) return UV_ENOMEM;
  d->room = raw.len;
  if (gci_unescape(d->text, raw, &len) < 0) {
    gci_mem_free(mem, d, sizeof *d + d->room);
    return UV_EINVAL;
  }
  d->next = x->decoded;
  x->decoded = d;
  *out = gcache_bytes(d->text, len);
  return 0;
}

void gcache_exchange_on_gone(gcache_exchange_t *x, gcache_gone_cb gone, void *arg) {
  x->gone = gone;
  x->gone_arg = arg;
  if (gone != NULL && x->left) wake(x);
}

void gcache_exchange_on_room(gcache_exchange_t *x, gcache_room_cb room, void *arg) {
  x->room = room;
  x->room_arg = arg;
  gci_exchange_flushed(x);
}
