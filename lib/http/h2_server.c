/* http/h2_server - the server's side of a connection: requests go up when they are complete,
 * answers are sent in any order, as fast as the windows of each allow.
 *
 * nghttp2's callbacks only collect; requests are handed up after it has returned, so that a request
 * that was reset in the same bytes is never seen, and events may do anything. Owns the session and
 * its streams; streams that are owed an answer live on when it is closed. It may be closed by any
 * of its events; it is freed when input() returns.
 * Fails: UV_ENOMEM makes it broken: it wants to be closed and writes nothing more. */
#include "http/h2.h"

#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "http/h2_answer.h"

/* Frames that may follow a request without being counted: trailers, an empty end of its body, a
 * window, a reset. */
#define EARNED_BY_REQUEST 4

struct h2_server {
  struct gci_http_server http; /* first */
  struct gci_h2 h;             /* the callbacks' user data */
  const struct gci_http_server_events *events;
  void *user;
  struct gci_h2_streams streams;
  unsigned in_input : 1; /* input() is on the stack */
  unsigned draining : 1; /* no further request will be taken */
  unsigned closed : 1;   /* by an event inside input() */
};

static struct h2_server *server_of(struct gci_http_server *http) {
  return gci_container_of(http, struct h2_server, http);
}

static const struct h2_server *const_server_of(const struct gci_http_server *http) {
  return (const struct h2_server *)http;
}

static struct h2_server *server_of_session(void *user) {
  return gci_container_of(user, struct h2_server, h);
}

/* ------------------------------------------------------------------------------------ close -- */

static void server_free(struct h2_server *s) {
  struct gci_mem *mem = gci_mem_ref(s->h.mem);
  gci_h2_fini(&s->h);
  gci_mem_free(mem, s, sizeof *s);
  gci_mem_unref(mem);
}

static void server_close(struct gci_http_server *http) {
  struct h2_server *s = server_of(http);
  gci_h2_streams_leave(&s->streams);
  s->closed = 1;
  if (!s->in_input) server_free(s);
}

/* ------------------------------------------------------------------------------- refusing -- */

static void on_ready(struct gci_h2_streams *streams) {
  struct h2_server *s = gci_container_of(streams, struct h2_server, streams);
  if (!s->in_input) s->events->ready(s->user);
}

static int refuse(struct h2_server *s, int32_t stream, int status) {
  if (status != 429) s->http.bad_requests++;
  if (status == 431 || status == 414)
    gci_h2_guard_long_head(&s->h.guard, gci_env_mono_ms(s->h.env));
  return gci_h2_refuse(&s->h, stream, status);
}

static int refuse_begun(struct h2_server *s, struct gci_h2_stream *e, int status) {
  int32_t id = e->id;
  nghttp2_session_set_stream_user_data(s->h.ng, id, NULL);
  gci_h2_stream_free(e);
  int err = gci_h2_streams_grant(&s->streams);
  return err == 0 ? refuse(s, id, status) : err;
}

/* -------------------------------------------------------------------------------- receiving -- */

static int is_whole(const nghttp2_frame *frame) {
  return frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
}

/* The head is there, the body is still to come. */
static int begin_body(struct h2_server *s, struct gci_h2_stream *e,
                      const struct gci_h2_block *block) {
  uint64_t max = gci_h2_body_max(s->h.limits), length = max;
  if (block->length.base != NULL && gci_bytes_to_u64(block->length, &length) != 0) length = max;
  if (length > max) return refuse_begun(s, e, 413);
  gci_h1_body_init(&e->body, s->h.mem, (size_t)length);
  if (block->length.base != NULL && !gci_h1_body_fits(&e->body, (size_t)length)) {
    s->h.env->mem->in_flight.shed++; /* as http/h1_body counts those that it refuses */
    return refuse_begun(s, e, 429);
  }
  e->want = length;
  e->since_ms = gci_env_mono_ms(s->h.env);
  s->streams.watch_ms = 0;
  int err = block->expects_continue ? gci_h2_submit_continue(s->h.ng, e->id) : 0;
  return err == 0 ? gci_h2_stream_grant(e) : err;
}

static int take_head(struct h2_server *s, const nghttp2_frame *frame) {
  struct gci_h2_block block;
  int32_t id = frame->hd.stream_id;
  int refusal = gci_h2_head_request(&s->h.head, sizeof(struct gci_h2_stream), &block);
  if (refusal < 0) return NGHTTP2_ERR_NOMEM;
  if (refusal > 0) return refuse(s, id, refusal);
  struct gci_h2_stream *e = gci_h2_stream_begin(&s->streams, &block, id);
  e->x.ops = &gci_h2_exchange_ops;
  if (gci_bytes_equal(e->x.head.method, GCI_LIT("HEAD"))) e->extent = GCI_H2_HEAD_ONLY;
  nghttp2_session_set_stream_user_data(s->h.ng, id, e);
  if (!is_whole(frame) && s->http.screen != NULL)
    e->x.screened = s->http.screen(s->user, &e->x.head);
  if (!is_whole(frame) && e->x.screened >= 0) return begin_body(s, e, &block);
  gci_h2_stream_enter(e, GCI_H2_WHOLE);
  return 0;
}

static int take_end(struct h2_server *s, struct gci_h2_stream *e) {
  e->body_len = e->body.used;
  e->x.body = gci_h1_body_finish(&e->body);
  gci_h2_stream_enter(e, GCI_H2_WHOLE);
  return gci_h2_streams_grant(&s->streams);
}

static int concluded(struct h2_server *s, int err) {
  gci_h2_checked(&s->h, err);
  return s->h.broken ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_head_began(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_server *s = server_of_session(user);
  (void)ng;
  (void)frame;
  gci_h2_head_begin(&s->h.head);
  return 0;
}

static int on_frame_received(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_server *s = server_of_session(user);
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    return concluded(s, take_head(s, frame));
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  struct gci_h2_stream *e = nghttp2_session_get_stream_user_data(ng, frame->hd.stream_id);
  if (e == NULL || !is_whole(frame) || e->stage != GCI_H2_RECEIVING) return 0;
  return concluded(s, take_end(s, e));
}

static int take_data(struct h2_server *s, struct gci_h2_stream *e, gcache_bytes_t bytes) {
  if (e->stage != GCI_H2_RECEIVING) return 0;
  switch (gci_h1_body_append(&e->body, bytes)) {
  case GCI_H1_SOUND:
    return gci_h2_stream_grant(e);
  case GCI_H1_BAD_MEMORY:
    return NGHTTP2_ERR_NOMEM;
  case GCI_H1_BAD_ROOM:
    return refuse_begun(s, e, 429);
  default:
    return refuse_begun(s, e, 413);
  }
}

static int on_data_received(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                            size_t len, void *user) {
  struct h2_server *s = server_of_session(user);
  struct gci_h2_stream *e = nghttp2_session_get_stream_user_data(ng, id);
  (void)flags;
  int err = nghttp2_session_consume_connection(ng, len);
  if (err == 0 && e != NULL) err = take_data(s, e, gcache_bytes(data, len));
  return concluded(s, err);
}

static int on_stream_closed(nghttp2_session *ng, int32_t id, uint32_t code, void *user) {
  struct h2_server *s = server_of_session(user);
  struct gci_h2_stream *e = nghttp2_session_get_stream_user_data(ng, id);
  (void)code;
  if (e == NULL) return 0;
  gci_h2_stream_closed(e);
  return concluded(s, gci_h2_streams_grant(&s->streams));
}

/* Resets that the other side has caused count as its own. */
static void note_reset(struct h2_server *s, uint32_t code) {
  if (code == NGHTTP2_NO_ERROR || code == NGHTTP2_REFUSED_STREAM) return;
  if (code == NGHTTP2_CANCEL || code == NGHTTP2_INTERNAL_ERROR) return; /* our own decision */
  s->http.bad_requests++;
  gci_h2_guard_provoked(&s->h.guard, gci_env_mono_ms(s->h.env));
}

/* The rest of a request that has been answered already is not wanted (RFC 9113, 8.1). */
static int on_frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_server *s = server_of_session(user);
  int32_t id = frame->hd.stream_id;
  gci_h2_frame_sent(&s->h, frame);
  if (frame->hd.type == NGHTTP2_RST_STREAM) note_reset(s, frame->rst_stream.error_code);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  if (!is_whole(frame) || nghttp2_session_get_stream_remote_close(ng, id) != 0) return 0;
  return concluded(s, nghttp2_submit_rst_stream(ng, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR));
}

static void add_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_head_began);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
}

static void hand_up(struct h2_server *s) {
  struct gcache_link_s *link;
  while (!s->closed && !gci_h2_done(&s->h) && (link = gci_list_front(&s->streams.whole)) != NULL) {
    struct gci_h2_stream *e = gci_container_of(link, struct gci_h2_stream, whole);
    gci_h2_stream_enter(e, GCI_H2_OWED);
    gci_h2_guard_earn(&s->h.guard, EARNED_BY_REQUEST);
    s->events->request(s->user, &e->x);
  }
}

/* After nghttp2 has returned, like all events. */
static void tell_gone(struct h2_server *s) {
  struct gcache_link_s *link;
  while (!s->closed && (link = gci_list_pop_front(&s->streams.gone)) != NULL) {
    struct gci_h2_stream *e = gci_container_of(link, struct gci_h2_stream, whole);
    if (e->x.gone != NULL) e->x.gone(&e->x);
  }
}

static ssize_t server_input(struct gci_http_server *http, gcache_bytes_t bytes) {
  struct h2_server *s = server_of(http);
  assert(!s->in_input && !s->closed);
  s->in_input = 1;
  gci_h2_feed(&s->h, bytes);
  hand_up(s);
  tell_gone(s);
  s->in_input = 0;
  if (s->closed) {
    server_free(s);
    return (ssize_t)bytes.len;
  }
  return s->h.broken ? UV_ENOMEM : (ssize_t)bytes.len;
}

/* ----------------------------------------------------------------------------------- asking -- */

static struct gci_out *server_output(struct gci_http_server *http) {
  struct h2_server *s = server_of(http);
  if (s->closed) return &s->h.out;
  gci_h2_pull(&s->h);
  if (!s->in_input) tell_gone(s);
  return &s->h.out;
}

static int server_wants_close(const struct gci_http_server *http) {
  const struct h2_server *s = const_server_of(http);
  return gci_h2_done(&s->h) || (s->draining && s->streams.open == 0);
}

static int server_wants_input(const struct gci_http_server *http) {
  return !server_wants_close(http);
}

static enum gci_http_phase server_phase(const struct gci_http_server *http) {
  const struct h2_server *s = const_server_of(http);
  if (server_wants_close(http)) return GCI_HTTP_IDLE;
  return s->h.guard.greeted && !s->h.guard.in_head ? GCI_HTTP_IDLE : GCI_HTTP_HEAD;
}

static uint64_t server_body_received(const struct gci_http_server *http) {
  return gci_h2_streams_received(&const_server_of(http)->streams);
}

/* Requests that are being received count too: a connection with a body on its way is not at
 * rest. */
static size_t server_pending(const struct gci_http_server *http) {
  return const_server_of(http)->streams.open;
}

static int end_slow(struct h2_server *s, struct gci_h2_stream *e, enum gci_h2_slowness slowness) {
  if (slowness == GCI_H2_LATE_BODY) return refuse_begun(s, e, 408);
  if (slowness == GCI_H2_STALLED_ANSWER)
    return nghttp2_submit_rst_stream(s->h.ng, NGHTTP2_FLAG_NONE, e->id, NGHTTP2_CANCEL);
  return 0;
}

static uint64_t server_watch(struct gci_http_server *http, uint64_t now_ms) {
  struct h2_server *s = server_of(http);
  if (gci_h2_done(&s->h)) return UINT64_MAX;
  if (s->streams.watch_ms > now_ms) return s->streams.watch_ms;
  uint64_t next_ms = UINT64_MAX;
  struct gcache_link_s *link = s->streams.all.head.next, *next;
  for (; link != &s->streams.all.head; link = next) {
    struct gci_h2_stream *e = gci_container_of(link, struct gci_h2_stream, link);
    next = link->next;
    enum gci_h2_slowness slowness = gci_h2_stream_judge(e, now_ms, &next_ms);
    gci_h2_checked(&s->h, end_slow(s, e, slowness));
  }
  s->streams.watch_ms = next_ms;
  return next_ms;
}

/* ----------------------------------------------------------------------------------- ending -- */

static void server_drain(struct gci_http_server *http) {
  struct h2_server *s = server_of(http);
  if (s->draining || gci_h2_done(&s->h)) return;
  s->draining = 1;
  int32_t last = nghttp2_session_get_last_proc_stream_id(s->h.ng);
  gci_h2_checked(
      &s->h, nghttp2_submit_goaway(s->h.ng, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0));
}

static void server_timed_out(struct gci_http_server *http) {
  struct h2_server *s = server_of(http);
  uint32_t code = s->h.guard.greeted ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_SETTINGS_TIMEOUT;
  gci_h2_end(&s->h, code, "");
}

static const struct gci_http_server_ops server_ops = {
    .close = server_close,
    .input = server_input,
    .output = server_output,
    .wants_input = server_wants_input,
    .wants_close = server_wants_close,
    .phase = server_phase,
    .body_received = server_body_received,
    .pending = server_pending,
    .drain = server_drain,
    .timed_out = server_timed_out,
    .watch = server_watch,
};

int gci_h2_server_open(struct gci_http_server **out, struct gci_env *env,
                       const gcache_limits_t *limits, const struct gci_http_server_events *events,
                       void *user) {
  struct h2_server *s = gci_mem_zalloc(env->mem, sizeof *s);
  if (s == NULL) return UV_ENOMEM;
  s->http.ops = &server_ops;
  s->events = events;
  s->user = user;
  gci_h2_streams_init(&s->streams, &s->h);
  s->streams.ready = on_ready;
  int err = gci_h2_open(&s->h, GCI_H2_SERVER, env, limits, add_callbacks);
  if (err != 0) {
    gci_mem_free(env->mem, s, sizeof *s);
    return err;
  }
  *out = &s->http;
  return 0;
}
