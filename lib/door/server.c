#include "door/server.h"

#include <string.h>

#include "base/bytes.h"
#include "door/listen.h"
#include "door/offer.h"
#include "http/h1.h"
#include "http/h2.h"

/* Time for a client that was too slow to read the reason. */
#define LATE_LINGER_MS 1000

/* ------------------------------------------------------------------------------- its end ---- */

static void count_bad_requests(struct gci_server *s) {
  uint64_t now = s->http == NULL ? 0 : gci_http_server_bad_requests(s->http);

  s->door->bad_requests += now - s->bad_requests;
  s->bad_requests = now;
}

static void drop_left(struct gci_server *s) {
  gci_in_flight_drop(&s->door->env->mem->in_flight, s->left_len);
  gci_mem_free(s->door->env->mem, s->left, s->left_len);
  s->left = NULL;
  s->left_len = s->left_at = 0;
}

/* Unanswered requests and waiting output keep the loop alive; a connection at rest does not
 * (P9). */
static void hold(struct gci_server *s, int on) {
  if (s->holding == on) return;
  s->holding = on;
  if (on)
    gci_env_hold(s->door->env);
  else
    gci_env_release(s->door->env);
}

/* The first half of both ways to end: only the output is left. */
static void begin_to_close(struct gci_server *s) {
  s->closing = 1;
  gci_requests_leave(&s->requests);
  count_bad_requests(s);
  gci_defer_cancel(&s->pump);
  gci_env_deadline_clear(s->door->env, &s->deadline);
}

void gci_server_close(struct gci_server *s) {
  if (!s->closing) begin_to_close(s);
  gci_stream_close(&s->stream);
}

/* Writes until the session has no more output, or the socket is full. */
static void flush(struct gci_server *s) {
  struct gci_out *out;

  while (s->http != NULL && (out = gci_http_server_output(s->http))->bytes > 0) {
    gci_stream_flush(&s->stream, out);
    if (out->bytes > 0) return;
  }
}

static uint64_t earlier(uint64_t a_ms, uint64_t b_ms) {
  return a_ms < b_ms ? a_ms : b_ms;
}

/* Ends so that the client can read its last answer. */
static void finish(struct gci_server *s) {
  const gcache_limits_t *limits = &s->door->limits;
  uint64_t linger_ms = limits->write_stall_ms;

  begin_to_close(s);
  flush(s);
  hold(s, 1);
  if (s->late) linger_ms = earlier(linger_ms, LATE_LINGER_MS);
  gci_stream_finish(&s->stream, linger_ms, limits->drain_max);
}

static void free_server(struct gci_server *s) {
  struct gci_door *door = s->door;
  gcache_listener_t *listener = s->listener;

  hold(s, 0);
  gci_link_unlink(&s->link);
  if (s->entered) gci_addresses_leave(&door->addresses, &s->address);
  if (s->http != NULL) gci_http_server_close(s->http);
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
  if (!s->closing && !gci_job_queued(&s->pump)) gci_env_defer(s->door->env, GCI_WRITES, &s->pump);
}

static void on_request(void *user, struct gci_http_exchange *http) {
  struct gci_server *s = user;

  gci_requests_take(&s->requests, http);
}

/* If much is in flight, answers are written before the end of the turn, where possible. */
static void on_ready(void *user) {
  struct gci_server *s = user;
  const struct gci_in_flight *f = &s->door->env->mem->in_flight;

  schedule(s);
  if (f->bytes > f->freely / 4 && !s->closing && !s->ended && !gci_stream_blocked(&s->stream))
    flush(s);
}

static const struct gci_http_server_events session_events = {on_request, on_ready};

/* ------------------------------------------------------------------------ what to do next ---- */

/* After the last request of a connection no more input is wanted, but the end of the connection
 * must be noticed. */
static int may_read(const struct gci_server *s) {
  if (s->http == NULL) return !s->ended;
  if (s->ended || s->left != NULL || gci_http_server_output(s->http)->bytes > GCI_HELD_MAX)
    return 0;
  return gci_http_server_wants_input(s->http) ||
         gci_http_server_pending(s->http) < s->door->limits.pipelined_max;
}

static enum gci_pace_phase phase_of(const struct gci_server *s) {
  static const enum gci_pace_phase phases[] = {[GCI_HTTP_IDLE] = GCI_PACE_REST,
                                               [GCI_HTTP_HEAD] = GCI_PACE_HEAD,
                                               [GCI_HTTP_BODY] = GCI_PACE_BODY};

  if (s->securing) return GCI_PACE_HANDSHAKE;
  if (s->http == NULL) return s->left == NULL ? GCI_PACE_REST : GCI_PACE_HEAD;
  return phases[gci_http_server_phase(s->http)];
}

/* Output waits for the other side to read. */
static int is_writing(const struct gci_server *s) {
  return s->http != NULL && !s->securing && gci_stream_blocked(&s->stream);
}

static struct gci_pace_view view_of(const struct gci_server *s) {
  struct gci_pace_view view = {.phase = phase_of(s),
                               .request = s->requests.taken,
                               .reading = may_read(s),
                               .writing = is_writing(s),
                               .write_progress_ms = s->stream.progress_ms};

  if (s->http == NULL) return view;
  view.body_received = gci_http_server_body_received(s->http);
  view.owes = gci_http_server_pending(s->http) > 0 ||
              view.writing; /* a PING's answer does not count */
  return view;
}

/* Answers of the session to requests that were too slow are written soon: nothing else may ever
 * happen here. */
static uint64_t watch_requests(struct gci_server *s, uint64_t now_ms) {
  uint64_t next_ms = gci_http_server_watch(s->http, now_ms);

  if (gci_http_server_output(s->http)->bytes > 0 && !gci_stream_blocked(&s->stream)) schedule(s);
  return next_ms;
}

static void watch(struct gci_server *s) {
  struct gci_env *env = s->door->env;
  struct gci_pace_view view = view_of(s);
  uint64_t now_ms = gci_env_mono_ms(env), next_ms;
  enum gci_pace_verdict verdict;

  gci_pace_note(&s->pace, &view, now_ms);
  verdict = gci_pace_judge(&s->pace, &view, &s->door->limits, now_ms, &next_ms);
  if (s->http != NULL) next_ms = earlier(next_ms, watch_requests(s, now_ms));
  switch (verdict) {
  case GCI_PACE_FINE:
    /* A deadline that is set early enough stays: it judges again when it passes. */
    if (gci_deadline_is_set(&s->deadline) && s->deadline.at_ms <= next_ms) return;
    if (gci_env_deadline(env, &s->deadline, next_ms) < 0) gci_server_close(s);
    return;
  case GCI_PACE_TOO_SLOW:
    s->door->refused++;
    if (s->http == NULL) {
      if (s->securing)
        gci_env_log(env, GCACHE_LOG_INFO, "connection: the TLS handshake took too long");
      gci_server_close(s);
      return;
    }
    s->late = 1;
    gci_http_server_timed_out(s->http);
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
  if (s->http != NULL && gci_http_server_wants_close(s->http)) {
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
  hold(s, is_writing(s) || (s->http != NULL && gci_http_server_pending(s->http) > 0));
  watch(s);
}

static void on_deadline(struct gcache_deadline_s *deadline) {
  settle(gci_container_of(deadline, struct gci_server, deadline));
}

/* ----------------------------------------------------------------------------------- bytes ---- */

/* Keeps the bytes that were not taken, in front of those to come. < 0: no memory. */
static int keep_left(struct gci_server *s, gcache_bytes_t bytes) {
  struct gci_mem *mem = s->door->env->mem;
  size_t kept = s->left_len - s->left_at;
  char *left = gci_mem_alloc(mem, kept + bytes.len);

  if (left == NULL) return UV_ENOMEM;
  if (kept > 0) memcpy(left, s->left + s->left_at, kept);
  memcpy(left + kept, bytes.base, bytes.len);
  drop_left(s);
  s->left = left;
  s->left_len = kept + bytes.len;
  gci_in_flight_add(&mem->in_flight, s->left_len);
  return 0;
}

static gcache_bytes_t left_of(const struct gci_server *s) {
  return gcache_bytes(s->left + s->left_at, s->left_len - s->left_at);
}

static int feed_left(struct gci_server *s) {
  ssize_t taken;

  if (s->left == NULL || s->http == NULL) return 0;
  taken = gci_http_server_input(s->http, left_of(s));
  if (taken < 0) return (int)taken;
  s->left_at += (size_t)taken;
  if (s->left_at == s->left_len) drop_left(s);
  return 0;
}

static int feed(struct gci_server *s, gcache_bytes_t bytes) {
  ssize_t taken = gci_http_server_input(s->http, bytes);

  if (taken < 0) return (int)taken;
  if ((size_t)taken == bytes.len) return 0;
  return keep_left(s, gci_bytes_skip(bytes, (size_t)taken));
}

static void know_visitor(struct gci_server *s) {
  s->requests.visitor = (struct gci_visitor){.address = s->address,
                                             .is_local = gci_stream_is_pipe(&s->stream),
                                             .secure = gci_tls_wants_verified(s->tls) ? &s->stream
                                                                                      : NULL,
                                             .must_be_named = gci_tls_wants_named(s->tls)};
}

static int start_session(struct gci_server *s, enum gci_http_version version) {
  struct gci_door *door = s->door;

  know_visitor(s);
  if (version == GCI_HTTP_2)
    return gci_h2_server_open(&s->http, door->env, &door->limits, &session_events, s);
  return gci_h1_server_open(&s->http, door->env->mem, &door->limits, &session_events, s);
}

static int screen(void *user, const struct gci_http_head *head) {
  struct gci_server *s = user;

  return gci_requests_screen(&s->requests, head);
}

static int open_session(struct gci_server *s, enum gci_http_version version) {
  int err = start_session(s, version);

  if (err == 0) s->http->screen = screen;
  return err;
}

/* The version, from those allowed and the first bytes. */
static enum gci_http_version guess(const struct gci_server *s, gcache_bytes_t first) {
  if (s->door->http == GCACHE_HTTP_2) return GCI_HTTP_2;
  if (s->door->http == GCACHE_HTTP_1 || !gci_h2_built_in()) return GCI_HTTP_1;
  return gci_http_sniff(first);
}

/* The first bytes of a connection, which may come in pieces. */
static int meet(struct gci_server *s, gcache_bytes_t bytes) {
  enum gci_http_version version;
  int err = bytes.len > 0 ? keep_left(s, bytes) : 0;

  if (err < 0 || s->left == NULL) return err;
  version = guess(s, left_of(s));
  if (version == GCI_HTTP_UNKNOWN) return 0;
  err = open_session(s, version);
  return err < 0 ? err : feed_left(s);
}

/* ALPN says the version; without ALPN the first bytes do, as in the clear. */
static void on_secured(void *user) {
  struct gci_server *s = user;
  enum gci_tls_alpn alpn = gci_stream_alpn(&s->stream);

  s->securing = 0;
  if (alpn != GCI_TLS_ALPN_NONE &&
      open_session(s, alpn == GCI_TLS_ALPN_HTTP_2 ? GCI_HTTP_2 : GCI_HTTP_1) < 0) {
    gci_server_close(s);
    return;
  }
  schedule(s);
}

/* A client that finishes writing has left, as far as loads are concerned (P3). Requests that memory
 * can answer at once are still answered: the pump comes behind this in the queue. */
static void on_end(void *user, int status) {
  struct gci_server *s = user;

  s->ended = 1;
  if (status == UV_EOF) {
    schedule(s);
    return;
  }
  if (gci_stream_reason(&s->stream)[0] != '\0')
    gci_env_log(s->door->env, GCACHE_LOG_INFO, "connection: %s", gci_stream_reason(&s->stream));
  if (status == UV_EPROTO)
    finish(s); /* TLS tells the client why */
  else
    gci_server_close(s);
}

static void on_written(void *user) {
  schedule(user);
}

/* Bytes that were not taken come first. */
static void *place(void *user, size_t *len) {
  struct gci_server *s = user;

  return s->http == NULL || s->left != NULL ? NULL : gci_http_server_place(s->http, len);
}

static void pump(struct gci_server *s) {
  if (s->ended) {
    finish(s);
    return;
  }
  if (s->securing) {
    settle(s);
    return;
  }
  if ((s->http == NULL ? meet(s, gcache_bytes(NULL, 0)) : feed_left(s)) < 0) {
    gci_server_close(s);
    return;
  }
  flush(s);
  gci_requests_flushed(&s->requests);
  /* Bytes were left because of too much output, and now there is room: other connections have their
   * turn in between. */
  if (s->left != NULL && !s->closing && s->http != NULL && gci_http_server_wants_input(s->http))
    schedule(s);
  settle(s);
}

static void on_pumped(struct gcache_job_s *job) {
  pump(gci_container_of(job, struct gci_server, pump));
}

/* If memory has answered everything, the output leaves now, in one write, so that the client works
 * while others are read from; otherwise it leaves after the answers from memory of this turn. */
static void on_read(void *user, gcache_bytes_t bytes) {
  struct gci_server *s = user;

  if ((s->http == NULL ? meet(s, bytes) : feed(s, bytes)) < 0) {
    gci_server_close(s);
    return;
  }
  int has_output = s->http != NULL && gci_http_server_output(s->http)->bytes > 0;
  int owes = s->http != NULL && gci_http_server_pending(s->http) > 0;
  if (has_output && !owes && !gci_job_queued(&s->pump)) {
    pump(s);
    return;
  }
  if (has_output || owes) schedule(s);
  settle(s);
}

static const struct gci_stream_events stream_events = {.on_read = on_read,
                                                       .on_end = on_end,
                                                       .on_written = on_written,
                                                       .on_closed = on_closed,
                                                       .on_secured = on_secured,
                                                       .place = place};

/* ------------------------------------------------------------------------------ its begin ---- */

static int open_server(struct gci_server **out, struct gci_door *door, gcache_tls_t *tls) {
  struct gci_server *s = gci_mem_zalloc(door->env->mem, sizeof *s);

  if (s == NULL) return UV_ENOMEM;
  s->door = door;
  s->tls = tls;
  gci_link_init(&s->link);
  gci_requests_init(&s->requests, door);
  gci_job_init(&s->pump, on_pumped);
  gci_deadline_init(&s->deadline, on_deadline);
  gci_pace_init(&s->pace, gci_env_mono_ms(door->env));
  *out = s;
  return 0;
}

static void discard(struct gci_server *s) {
  drop_left(s);
  gci_mem_free(s->door->env->mem, s, sizeof *s);
}

/* From here on the connection must end by gci_server_close(). */
static void enter(struct gci_server *s, gcache_listener_t *listener) {
  struct gci_door *door = s->door;

  s->listener = listener;
  if (listener != NULL) gci_countdown_take(&listener->life);
  gci_countdown_take(&door->life);
  s->stream.progress_min = gci_http_progress_min(&door->limits);
  gci_list_push_back(&door->servers, &s->link);
  door->connections++;
}

static void read_address(struct gci_server *s) {
  char text[64];

  gci_stream_peer_address(&s->stream, text, sizeof text);
  gci_address_read(&s->address, text);
}

/* < 0: that address has too many already. */
static int check_address(struct gci_server *s) {
  struct gci_door *door = s->door;

  read_address(s);
  if (!gci_address_known(&s->address)) return 0;
  if (gci_known_has(&door->access->known, &s->address)) return 0;
  if (gci_addresses_count(&door->addresses, &s->address) >= door->limits.connections_per_address)
    return GCACHE_EBUSY;
  if (gci_addresses_enter(&door->addresses, &s->address) < 0) return UV_ENOMEM;
  s->entered = 1;
  return 0;
}

static int secure(struct gci_server *s) {
  enum gci_tls_offer offer = gci_offer_of(s->door->http);
  int err = gci_stream_secure_server(&s->stream, s->tls, offer, left_of(s));

  drop_left(s); /* it was ciphertext */
  s->securing = 1;
  return err;
}

/* The connection is entered and has its stream. */
static void begin(struct gci_server *s) {
  if (s->tls != NULL && secure(s) < 0)
    gci_server_close(s);
  else if (s->left != NULL)
    schedule(s); /* bytes that were read already are answered from the loop */
  else
    settle(s);
}

static int init_stream(struct gci_server *s, const gcache_listener_t *listener) {
  struct gci_door *door = s->door;

  if (gci_listen_is_unix(listener->socket))
    return gci_stream_init_unix(&s->stream, door->env, door->uv, &stream_events, s);
  return gci_stream_init(&s->stream, door->env, door->uv, &stream_events, s);
}

int gci_server_accept(struct gci_door *door, gcache_listener_t *listener,
                      struct uv_stream_s *socket) {
  struct gci_server *s;
  int err = open_server(&s, door, listener->tls);

  if (err < 0) return err;
  err = init_stream(s, listener);
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
  begin(s);
  return 0;
}

int gci_server_adopt(struct gci_door *door, struct uv_stream_s *stream, gcache_bytes_t first,
                     gcache_tls_t *tls, void (*release)(struct uv_stream_s *stream)) {
  struct gci_server *s;
  int err;

  if (door->closing) return GCACHE_ECLOSING;
  if (door->connections >= door->limits.connections_max) return GCACHE_EBUSY;
  err = open_server(&s, door, tls);
  if (err < 0) return err;
  if (first.len > 0) err = keep_left(s, first);
  if (err == 0) err = gci_stream_adopt(&s->stream, door->env, stream, release, &stream_events, s);
  if (err < 0) {
    discard(s);
    return err;
  }
  enter(s, NULL);
  read_address(s);
  begin(s);
  return 0;
}

int gcache_adopt(gcache_t *cache, struct uv_stream_s *stream, gcache_bytes_t first,
                 void (*release)(struct uv_stream_s *stream)) {
  return gci_server_adopt(cache->door, stream, first, NULL, release);
}

int gcache_adopt_tls(gcache_t *cache, struct uv_stream_s *stream, gcache_bytes_t first,
                     gcache_tls_t *tls, void (*release)(struct uv_stream_s *stream)) {
  if (!gci_tls_answers(tls)) return UV_ENOTSUP;
  return gci_server_adopt(cache->door, stream, first, tls, release);
}

void gci_server_drain(struct gci_server *s) {
  if (s->closing) return;
  if (s->http == NULL) { /* no request has come */
    gci_server_close(s);
    return;
  }
  gci_http_server_drain(s->http);
  schedule(s);
}
