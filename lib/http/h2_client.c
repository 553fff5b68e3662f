/* http/h2_client - the client's side of a connection: many requests at once, answers as they come.
 *
 * nghttp2's callbacks only collect; the outcomes of requests are reported after it has returned,
 * inside input() or eof(). Owns the session and the state of each request until nghttp2 has closed
 * its stream and its end has been reported. It may be closed by its events; it is freed when
 * input() or eof() returns. Fails: a fault of the whole connection is final; a fault of one stream
 * fails that request. */
#include "http/h2.h"

#include <uv.h>

#include "base/bytes.h"
#include "http/h2_asks.h"

/* 1xx answers skipped before one real one. */
#define INTERIM_MAX 8

struct h2_client {
  struct gci_http_client http; /* first */
  struct gci_h2 h;             /* the callbacks' user data */
  const char *scheme;
  struct gci_h2_asks asks;
  unsigned cut : 1; /* the other side has closed */
  unsigned pinging : 1;
  unsigned in_input : 1; /* input() or eof() is on the stack */
  unsigned closed : 1;   /* by an event inside them */
};

static struct h2_client *client_of(struct gci_http_client *http) {
  return gci_container_of(http, struct h2_client, http);
}

static const struct h2_client *const_client_of(const struct gci_http_client *http) {
  return (const struct h2_client *)http;
}

static struct h2_client *client_of_session(void *user) {
  return gci_container_of(user, struct h2_client, h);
}

/* ------------------------------------------------------------------------------ its requests -- */

static int may_send(const struct h2_client *c) {
  return !c->cut && !c->closed && !gci_h2_done(&c->h) &&
         nghttp2_session_check_request_allowed(c->h.ng);
}

static int client_send(struct gci_http_client *http, const struct gci_http_message *request,
                       void *tag) {
  struct h2_client *c = client_of(http);
  assert(tag != NULL && !gci_bytes_equal(request->method, GCI_LIT("HEAD")));
  if (!may_send(c)) return UV_EPIPE;
  int err = gci_h2_checked(&c->h, gci_h2_ask_begin(&c->asks, c->scheme, request, tag));
  if (c->h.broken) return UV_ENOMEM;
  return err < 0 ? UV_EPIPE : 0;
}

static int client_cancel(struct gci_http_client *http, void *tag) {
  struct h2_client *c = client_of(http);
  struct gci_h2_ask *ask = gci_h2_ask_of_tag(&c->asks, tag);
  if (ask == NULL) return 0;
  gci_h2_checked(&c->h, gci_h2_ask_cancel(ask));
  return c->h.broken ? UV_ENOMEM : 0;
}

/* -------------------------------------------------------------------------------- receiving -- */

static int concluded(struct h2_client *c, int err) {
  gci_h2_checked(&c->h, err);
  return c->h.broken ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static struct gci_h2_ask *ask_of_stream(nghttp2_session *ng, int32_t id) {
  return id == 0 ? NULL : nghttp2_session_get_stream_user_data(ng, id);
}

static int on_head_began(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_client *c = client_of_session(user);
  struct gci_h2_ask *ask = ask_of_stream(ng, frame->hd.stream_id);
  if (ask != NULL) ask->begun = 1;
  gci_h2_head_begin(&c->h.head);
  return 0;
}

/* Waiting for room would hold up the callers, and waiting answers could wait for each other. */
static int refuse_body(struct h2_client *c, struct gci_h2_ask *ask) {
  c->h.mem->in_flight.shed++;
  return gci_h2_ask_reset(ask, GCACHE_EBUSY, "too much is in flight");
}

static int take_head(struct h2_client *c, struct gci_h2_ask *ask) {
  int status = gci_h2_head_status(&c->h.head);
  if (ask->stage != GCI_H2_ASK_AWAITED || ask->has_head) return 0; /* trailers */
  if (status < 100) return gci_h2_ask_reset(ask, UV_EPROTO, "malformed answer");
  if (status < 200) {
    if (++ask->interim <= INTERIM_MAX) return 0;
    return gci_h2_ask_reset(ask, UV_EPROTO, "more than eight interim answers");
  }
  switch (gci_h2_head_answer(&c->h.head, 0, &ask->block)) {
  case UV_ENOMEM:
    return NGHTTP2_ERR_NOMEM;
  case UV_EMSGSIZE:
    return gci_h2_ask_reset(ask, UV_EMSGSIZE, "head is longer than the limit");
  default:
    break;
  }
  uint64_t max = gci_h2_body_max(c->h.limits), length;
  if (ask->block.length.base == NULL || gci_bytes_to_u64(ask->block.length, &length) != 0)
    length = 0;
  if (length > max) return gci_h2_ask_reset(ask, UV_EMSGSIZE, "body is longer than the limit");
  ask->has_head = 1;
  gci_h1_body_init(&ask->body, c->h.mem, (size_t)max);
  ask->body.whom = GCI_FOR_US;
  return gci_h1_body_fits(&ask->body, (size_t)length) ? 0 : refuse_body(c, ask);
}

/* The answer is complete, perhaps before the request is: the rest of the request is not needed
 * then. */
static int take_end(struct h2_client *c, struct gci_h2_ask *ask) {
  if (ask->stage != GCI_H2_ASK_AWAITED || !ask->has_head) return 0;
  gci_h2_ask_answered(ask);
  if (ask->content.left == 0) return 0;
  return nghttp2_submit_rst_stream(c->h.ng, NGHTTP2_FLAG_NONE, ask->id, NGHTTP2_CANCEL);
}

static int on_frame_received(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_client *c = client_of_session(user);
  struct gci_h2_ask *ask = ask_of_stream(ng, frame->hd.stream_id);
  if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK)) c->pinging = 0;
  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
    gci_h2_say(&c->h,
               "it has ended the connection: ", nghttp2_http2_strerror(frame->goaway.error_code));
  if (ask == NULL) return 0;
  if (frame->hd.type == NGHTTP2_RST_STREAM) ask->is_reset = 1;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  int err = frame->hd.type == NGHTTP2_HEADERS ? take_head(c, ask) : 0;
  if (err == 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) err = take_end(c, ask);
  return concluded(c, err);
}

static int on_data_received(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data,
                            size_t len, void *user) {
  struct h2_client *c = client_of_session(user);
  struct gci_h2_ask *ask = ask_of_stream(ng, id);
  (void)flags;
  c->h.windows += len; /* nghttp2 gives it back */
  if (ask == NULL || ask->stage != GCI_H2_ASK_AWAITED || !ask->has_head) return 0;
  switch (gci_h1_body_append(&ask->body, gcache_bytes(data, len))) {
  case GCI_H1_SOUND:
    return 0;
  case GCI_H1_BAD_MEMORY:
    return gci_h2_break(&c->h);
  case GCI_H1_BAD_ROOM:
    return concluded(c, gci_h2_ask_reset(ask, GCACHE_EBUSY, "too much is in flight"));
  default:
    return concluded(c, gci_h2_ask_reset(ask, UV_EMSGSIZE, "body is longer than the limit"));
  }
}

static int on_stream_closed(nghttp2_session *ng, int32_t id, uint32_t code, void *user) {
  struct gci_h2_ask *ask = ask_of_stream(ng, id);
  (void)user;
  if (ask != NULL) gci_h2_ask_closed(ask, code);
  return 0;
}

static int on_frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  (void)ng;
  gci_h2_frame_sent(user, frame);
  return 0;
}

static void add_callbacks(nghttp2_session_callbacks *callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_head_began);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
}

/* ------------------------------------------------------------------------------ its turns -- */

static void client_free(struct h2_client *c) {
  struct gci_mem *mem = gci_mem_ref(c->h.mem);
  gci_h2_asks_fini(&c->asks);
  gci_h2_fini(&c->h);
  gci_mem_free(mem, c, sizeof *c);
  gci_mem_unref(mem);
}

static void client_close(struct gci_http_client *http) {
  struct h2_client *c = client_of(http);
  c->closed = 1;
  if (!c->in_input) client_free(c);
}

static int code_of(const struct h2_client *c) {
  if (c->h.broken) return UV_ENOMEM;
  if (c->h.over) return UV_EPROTO;
  return c->cut && c->http.pending > 0 ? UV_EOF : 0;
}

/* The end of input() and eof(). */
static int conclude(struct h2_client *c) {
  while (!c->h.broken && !c->closed && gci_h2_asks_tell(&c->asks))
    ;
  c->in_input = 0;
  if (!c->closed) return code_of(c);
  client_free(c);
  return 0;
}

static int client_input(struct gci_http_client *http, gcache_bytes_t bytes) {
  struct h2_client *c = client_of(http);
  assert(!c->in_input && !c->closed);
  c->in_input = 1;
  gci_h2_feed(&c->h, bytes);
  gci_h2_pull(&c->h); /* a stream that we reset is closed and reported after that */
  return conclude(c);
}

static int client_eof(struct gci_http_client *http) {
  struct h2_client *c = client_of(http);
  assert(!c->in_input && !c->closed);
  c->in_input = 1;
  c->cut = 1;
  return conclude(c);
}

/* ----------------------------------------------------------------------------------- asking -- */

static struct gci_out *client_output(struct gci_http_client *http) {
  struct h2_client *c = client_of(http);
  if (!c->closed) gci_h2_pull(&c->h);
  return &c->h.out;
}

static int client_reusable(const struct gci_http_client *http) {
  return may_send(const_client_of(http));
}

static size_t client_room(const struct gci_http_client *http) {
  const struct h2_client *c = const_client_of(http);
  size_t theirs = nghttp2_session_get_remote_settings(c->h.ng,
                                                      NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  size_t max = theirs < c->h.limits->streams_max ? theirs : c->h.limits->streams_max;
  return may_send(c) && max > http->pending ? max - http->pending : 0;
}

static int client_begun(const struct gci_http_client *http, void *tag) {
  const struct gci_h2_ask *ask = gci_h2_ask_of_tag(&const_client_of(http)->asks, tag);
  return ask != NULL && ask->begun;
}

static int client_ping(struct gci_http_client *http) {
  struct h2_client *c = client_of(http);
  if (c->pinging || gci_h2_done(&c->h)) return 0;
  gci_h2_checked(&c->h, nghttp2_submit_ping(c->h.ng, NGHTTP2_FLAG_NONE, NULL));
  c->pinging = !c->h.broken;
  return c->h.broken ? UV_ENOMEM : 0;
}

static int client_pinging(const struct gci_http_client *http) {
  return const_client_of(http)->pinging;
}

static const char *client_reason(const struct gci_http_client *http) {
  const struct h2_client *c = const_client_of(http);
  if (c->h.broken) return "out of memory";
  if (c->h.reason[0] != '\0') return c->h.reason;
  return c->cut && c->http.pending > 0 ? "closed before the answer" : "";
}

static const struct gci_http_client_ops client_ops = {
    .close = client_close,
    .send = client_send,
    .cancel = client_cancel,
    .input = client_input,
    .eof = client_eof,
    .output = client_output,
    .room = client_room,
    .reusable = client_reusable,
    .begun = client_begun,
    .ping = client_ping,
    .pinging = client_pinging,
    .reason = client_reason,
};

int gci_h2_client_open(struct gci_http_client **out, struct gci_env *env, const char *scheme,
                       const gcache_limits_t *limits, const struct gci_http_client_events *events,
                       void *user) {
  struct h2_client *c = gci_mem_zalloc(env->mem, sizeof *c);
  if (c == NULL) return UV_ENOMEM;
  c->http.ops = &client_ops;
  c->scheme = scheme;
  gci_h2_asks_init(&c->asks, &c->h, &c->http.pending);
  c->asks.events = events;
  c->asks.user = user;
  int err = gci_h2_open(&c->h, GCI_H2_CLIENT, env, limits, add_callbacks);
  if (err != 0) {
    gci_mem_free(env->mem, c, sizeof *c);
    return err;
  }
  *out = &c->http;
  return 0;
}
