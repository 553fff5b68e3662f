#include "door/server.h"

#include <string.h>

#include "base/bytes.h"
#include "door/exchange.h"
#include "door/listen.h"
#include "door/serve.h"
#include "http/h1.h"

#define HELD_MAX (1024 * 1024) /* bytes of output a slow reader may cost, besides shared values */

/* ------------------------------------------------------------------------------- its end ---- */

static void count_bad_requests(struct gci_server *s) {
  uint64_t now = gci_http_server_bad_requests(s->h1);

  s->door->bad_requests += now - s->bad_requests;
  s->bad_requests = now;
}

/* Those who wait for answers have gone. */
static void leave_requests(struct gci_server *s) {
  struct gcache_link_s *link;

  while ((link = gci_list_pop_front(&s->serves)) != NULL)
    gci_serve_cancel(gci_container_of(link, struct gci_serve, link));
  while ((link = gci_list_pop_front(&s->exchanges)) != NULL)
    gci_exchange_leave(gci_container_of(link, gcache_exchange_t, link));
}

static void drop_left(struct gci_server *s) {
  gci_mem_free(s->door->env->mem, s->left, s->left_len);
  s->left = NULL;
  s->left_len = s->left_at = 0;
}

/* What is on its way out keeps the loop alive; a connection at rest does not (P9). */
static void hold(struct gci_server *s, int on) {
  if (s->holding == on) return;
  s->holding = on;
  if (on)
    gci_env_hold(s->door->env);
  else
    gci_env_release(s->door->env);
}

/* The first half of both endings: nothing but the output is left. */
static void begin_to_close(struct gci_server *s) {
  s->closing = 1;
  leave_requests(s);
  count_bad_requests(s);
  gci_defer_cancel(&s->pump);
  gci_env_deadline_clear(s->door->env, &s->deadline);
}

void gci_server_close(struct gci_server *s) {
  if (!s->closing) begin_to_close(s);
  gci_stream_close(&s->stream);
}

/* Ends so that the other side can read its last answer. */
static void finish(struct gci_server *s) {
  const gcache_limits_t *limits = &s->door->limits;
  struct gci_out *out = gci_http_server_output(s->h1);

  begin_to_close(s);
  if (out->bytes > 0) gci_stream_flush(&s->stream, out);
  hold(s, 1);
  gci_stream_finish(&s->stream, limits->write_stall_ms, limits->drain_max);
}

static void free_server(struct gci_server *s) {
  struct gci_door *door = s->door;
  gcache_listener_t *listener = s->listener;

  hold(s, 0);
  gci_link_unlink(&s->link);
  if (s->entered) gci_addresses_leave(&door->addresses, &s->address);
  if (s->h1 != NULL) gci_http_server_close(s->h1);
  drop_left(s);
  gci_mem_free(door->env->mem, s, sizeof *s);
  door->connections--;
  gci_listeners_resume(door);
  if (listener != NULL) gci_countdown_give(&listener->life);
  gci_countdown_give(&door->life);
}

static void on_closed(void *user) {
  free_server(user); /* only now: the last write borrowed the session's output */
}

/* ----------------------------------------------------------------------------- its requests -- */

static void schedule(struct gci_server *s) {
  if (!s->closing && !gci_job_queued(&s->pump)) gci_env_defer(s->door->env, &s->pump);
}

static void on_served(void *user, int status, const gcache_http_reply_t *reply) {
  struct gci_http_exchange *http = user;
  struct gci_http_message message;

  if (status < 0) { /* the asker has left; should it still read: not the getter's word */
    gci_exchange_answer_text(http, 429, GCI_LIT("closed"));
    return;
  }
  message = (struct gci_http_message){.status = reply->status,
                                      .headers = reply->headers,
                                      .n_headers = reply->n_headers,
                                      .before = reply->part[0],
                                      .value = reply->owner,
                                      .after = reply->part[2]};
  gci_http_reply(http, &message); /* without memory the connection ends */
}

static void start_serve(struct gci_server *s, struct gci_http_exchange *http) {
  struct gci_serve_request request = {.method = http->head.method,
                                      .path = http->head.target,
                                      .headers = http->head.headers,
                                      .n_headers = http->head.n_headers,
                                      .body = http->body};
  struct gci_serve *serve;

  http->body = NULL; /* moved, so that a value that is set is kept without a copy */
  if (gci_serve_start(&serve, s->door, &request, on_served, http) < 0)
    gci_exchange_answer_text(http, 429, GCI_LIT("busy"));
  else
    gci_list_push_back(&s->serves, &serve->link);
}

static void on_request(void *user, struct gci_http_exchange *http) {
  struct gci_server *s = user;
  gcache_exchange_t *x;

  s->requests++;
  if (gci_serve_takes(s->door, http->head.target))
    start_serve(s, http);
  else if (gci_exchange_open(&x, s->door, http) < 0)
    gci_exchange_answer_text(http, 503, GCI_LIT("busy"));
  else
    gci_list_push_back(&s->exchanges, &x->link);
}

static void on_ready(void *user) {
  schedule(user);
}

static const struct gci_http_server_events session_events = {on_request, on_ready};

/* ------------------------------------------------------------------------ what to do next ---- */

/* After the last request of a connection nothing is wanted, but its end is to be noticed. */
static int may_read(const struct gci_server *s) {
  if (s->ended || s->left != NULL || gci_http_server_output(s->h1)->held > HELD_MAX) return 0;
  return gci_http_server_wants_input(s->h1) ||
         gci_http_server_pending(s->h1) < s->door->limits.pipelined_max;
}

static struct gci_pace_view view_of(const struct gci_server *s) {
  static const enum gci_pace_phase phases[] = {[GCI_HTTP_IDLE] = GCI_PACE_REST,
                                               [GCI_HTTP_HEAD] = GCI_PACE_HEAD,
                                               [GCI_HTTP_BODY] = GCI_PACE_BODY};
  size_t waits = gci_http_server_output(s->h1)->bytes;

  return (struct gci_pace_view){
      .phase = phases[gci_http_server_phase(s->h1)],
      .request = s->requests,
      .body_received = gci_http_server_body_received(s->h1),
      .owes = gci_http_server_pending(s->h1) > 0 || waits > 0,
      .reading = may_read(s),
      .writing = waits > 0 && gci_stream_blocked(&s->stream),
      .write_progress_ms = s->stream.progress_ms,
  };
}

static void watch(struct gci_server *s) {
  struct gci_env *env = s->door->env;
  struct gci_pace_view view = view_of(s);
  uint64_t now_ms = gci_env_mono_ms(env), next_ms;
  enum gci_pace_verdict verdict;

  gci_pace_note(&s->pace, &view, now_ms);
  verdict = gci_pace_judge(&s->pace, &view, &s->door->limits, now_ms, &next_ms);
  switch (verdict) {
  case GCI_PACE_FINE:
    /* One that is set early enough stays: it judges again when it passes. */
    if (gci_deadline_is_set(&s->deadline) && s->deadline.at_ms <= next_ms) return;
    if (gci_env_deadline(env, &s->deadline, next_ms) < 0) gci_server_close(s);
    return;
  case GCI_PACE_TOO_SLOW:
    s->door->refused++;
    gci_http_server_timed_out(s->h1);
    schedule(s);
    return;
  case GCI_PACE_WRITE_STALL:
    s->door->refused++;
    gci_server_close(s);
    return;
  case GCI_PACE_RESTED:
    gci_server_close(s);
    return;
  }
}

static void settle(struct gci_server *s) {
  if (s->closing) return;
  count_bad_requests(s);
  if (gci_http_server_wants_close(s->h1)) {
    finish(s);
    return;
  }
  if (may_read(s)) {
    if (gci_stream_read_start(&s->stream) < 0) {
      gci_server_close(s);
      return;
    }
  } else {
    gci_stream_read_stop(&s->stream);
  }
  hold(s, gci_http_server_output(s->h1)->bytes > 0);
  watch(s);
}

static void on_deadline(struct gcache_deadline_s *deadline) {
  settle(gci_container_of(deadline, struct gci_server, deadline));
}

/* ----------------------------------------------------------------------------------- bytes ---- */

/* What the session did not take is kept, as the first of what comes. < 0: no memory. */
static int keep_left(struct gci_server *s, gcache_bytes_t bytes) {
  char *left = gci_mem_alloc(s->door->env->mem, bytes.len);

  if (left == NULL) return UV_ENOMEM;
  memcpy(left, bytes.base, bytes.len);
  s->left = left;
  s->left_len = bytes.len;
  s->left_at = 0;
  return 0;
}

static int feed_left(struct gci_server *s) {
  ssize_t taken;

  if (s->left == NULL) return 0;
  taken = gci_http_server_input(s->h1,
                                gcache_bytes(s->left + s->left_at, s->left_len - s->left_at));
  if (taken < 0) return (int)taken;
  s->left_at += (size_t)taken;
  if (s->left_at == s->left_len) drop_left(s);
  return 0;
}

static void on_read(void *user, gcache_bytes_t bytes) {
  struct gci_server *s = user;
  ssize_t taken = gci_http_server_input(s->h1, bytes);

  if (taken < 0 ||
      ((size_t)taken < bytes.len && keep_left(s, gci_bytes_skip(bytes, (size_t)taken)) < 0)) {
    gci_server_close(s);
    return;
  }
  /* The pump runs behind the answers from memory that this read brought about: one write for all. */
  if (gci_http_server_output(s->h1)->bytes > 0 || gci_http_server_pending(s->h1) > 0) schedule(s);
  settle(s);
}

/* Whoever finishes writing has left, as far as loads are concerned (P3). What memory can answer at once
 * is still answered: the pump comes behind it in the queue. */
static void on_end(void *user, int status) {
  struct gci_server *s = user;

  s->ended = 1;
  if (status == UV_EOF)
    schedule(s);
  else
    gci_server_close(s);
}

static void on_written(void *user) {
  schedule(user);
}

static const struct gci_stream_events stream_events = {
    .on_read = on_read, .on_end = on_end, .on_written = on_written, .on_closed = on_closed};

static void on_pumped(struct gcache_job_s *job) {
  struct gci_server *s = gci_container_of(job, struct gci_server, pump);

  if (s->ended) {
    finish(s);
    return;
  }
  if (feed_left(s) < 0) {
    gci_server_close(s);
    return;
  }
  if (gci_http_server_output(s->h1)->bytes > 0)
    gci_stream_flush(&s->stream, gci_http_server_output(s->h1));
  settle(s);
}

/* ------------------------------------------------------------------------------ its begin ---- */

static int open_server(struct gci_server **out, struct gci_door *door) {
  struct gci_server *s = gci_mem_zalloc(door->env->mem, sizeof *s);
  int err;

  if (s == NULL) return UV_ENOMEM;
  s->door = door;
  gci_link_init(&s->link);
  gci_list_init(&s->serves);
  gci_list_init(&s->exchanges);
  gci_job_init(&s->pump, on_pumped);
  gci_deadline_init(&s->deadline, on_deadline);
  gci_pace_init(&s->pace, gci_env_mono_ms(door->env));
  err = gci_h1_server_open(&s->h1, door->env->mem, &door->limits, &session_events, s);
  if (err < 0) {
    gci_mem_free(door->env->mem, s, sizeof *s);
    return err;
  }
  *out = s;
  return 0;
}

static void discard(struct gci_server *s) {
  gci_http_server_close(s->h1);
  drop_left(s);
  gci_mem_free(s->door->env->mem, s, sizeof *s);
}

/* From here on it ends by gci_server_close(). */
static void enter(struct gci_server *s, gcache_listener_t *listener) {
  struct gci_door *door = s->door;

  s->listener = listener;
  if (listener != NULL) gci_countdown_take(&listener->life);
  gci_countdown_take(&door->life);
  gci_list_push_back(&door->servers, &s->link);
  door->connections++;
}

/* < 0: too many from there already. */
static int check_address(struct gci_server *s) {
  struct gci_door *door = s->door;
  char text[64];

  gci_stream_peer_address(&s->stream, text, sizeof text);
  gci_address_read(&s->address, text);
  if (!gci_address_known(&s->address)) return 0;
  if (door->is_peer != NULL && door->is_peer(door->is_peer_data, &s->address)) return 0;
  if (gci_addresses_count(&door->addresses, &s->address) >= door->limits.connections_per_address)
    return GCACHE_EBUSY;
  if (gci_addresses_enter(&door->addresses, &s->address) < 0) return UV_ENOMEM;
  s->entered = 1;
  return 0;
}

int gci_server_accept(struct gci_door *door, gcache_listener_t *listener,
                      struct uv_stream_s *socket) {
  struct gci_server *s;
  int err = open_server(&s, door);

  if (err < 0) return err;
  err = gci_stream_init(&s->stream, door->env, door->uv, &stream_events, s);
  if (err < 0) {
    discard(s);
    return err;
  }
  enter(s, listener);
  if (gci_stream_accept(&s->stream, socket) < 0) {
    gci_server_close(s);
    return 0;
  }
  if (check_address(s) < 0) {
    door->refused++;
    gci_server_close(s);
    return 0;
  }
  settle(s);
  return 0;
}

int gci_server_adopt(struct gci_door *door, struct uv_stream_s *stream, gcache_bytes_t first,
                     void (*release)(struct uv_stream_s *stream)) {
  struct gci_server *s;
  int err;

  if (door->closing) return GCACHE_ECLOSING;
  if (door->connections >= door->limits.connections_max) return GCACHE_EBUSY;
  err = open_server(&s, door);
  if (err < 0) return err;
  if (first.len > 0) err = keep_left(s, first);
  if (err == 0) err = gci_stream_adopt(&s->stream, door->env, stream, release, &stream_events, s);
  if (err < 0) {
    discard(s);
    return err;
  }
  enter(s, NULL);
  schedule(s); /* what was read already is answered from the loop */
  return 0;
}

int gcache_adopt(gcache_t *cache, struct uv_stream_s *stream, gcache_bytes_t first,
                 void (*release)(struct uv_stream_s *stream)) {
  return gci_server_adopt(cache->door, stream, first, release);
}

void gci_server_drain(struct gci_server *s) {
  if (s->closing) return;
  gci_http_server_drain(s->h1);
  schedule(s);
}
