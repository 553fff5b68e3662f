/* find/call - see call.h. */
#include "find/call.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "http/h1.h"

/* Limits for the answers of such a server. */
static const gcache_limits_t limits = {.value_max = (size_t)16 * 1024 * 1024,
                                       .line_max = 8 * 1024,
                                       .head_max = 16 * 1024,
                                       .head_lines_max = 64,
                                       .chunk_meta_max = 4 * 1024,
                                       .drain_max = 1};

struct gci_find_call {
  struct gci_env *env;
  struct gci_find_server *server;
  const struct gci_find_call_events *events;
  void *user;
  struct gci_stream stream;
  struct gci_dial *dial; /* NULL: it is over */
  struct gci_http_client *http;
  struct gcache_deadline_s deadline;
  int status; /* of a dial that could not begin */
  unsigned told : 1, closing : 1;
  const char *path;
  size_t body_len, size;
  char texts[]; /* the body, then the path */
};

/* -------------------------------------------------------------------------------------- end -- */

static void on_closed(void *user) {
  struct gci_find_call *c = user;
  void (*gone)(void *user) = c->events->gone;
  void *gone_user = c->user;

  if (!c->told) c->events->done(c->user, &(struct gci_find_answer){.status = c->status, .why = ""});
  if (c->http != NULL) gci_http_client_close(c->http);
  gci_mem_free(c->env->mem, c, c->size);
  gone(gone_user);
}

static void shut(struct gci_find_call *c) {
  if (c->closing) return;
  c->closing = 1;
  gci_env_deadline_clear(c->env, &c->deadline);
  if (c->dial != NULL)
    gci_dial_cancel(c->dial); /* closed when it has ended */
  else
    gci_stream_close(&c->stream);
}

static void tell(struct gci_find_call *c, const struct gci_find_answer *answer) {
  if (c->told) return;
  c->told = 1;
  c->events->done(c->user, answer);
  shut(c);
}

/* That server is not there: its name may have another address by now. */
static void fail(struct gci_find_call *c, int status, const char *why) {
  c->server->target.n = 0;
  tell(c, &(struct gci_find_answer){.status = status, .why = why});
}

void gci_find_call_cancel(struct gci_find_call *c) {
  c->told = 1;
  shut(c);
}

static void on_deadline(struct gcache_deadline_s *deadline) {
  fail(gci_container_of(deadline, struct gci_find_call, deadline), UV_ETIMEDOUT,
       "no answer in time");
}

void gci_find_call_wait(struct gci_find_call *c) {
  gci_env_deadline_clear(c->env, &c->deadline);
}

/* ----------------------------------------------------------------------------------- answer -- */

static void on_response(void *user, void *tag, const struct gci_http_head *head,
                        gcache_value_t *body) {
  struct gci_find_answer answer = {.why = "", .http = head->status};

  (void)tag;
  if (body != NULL) answer.body = gcache_value_bytes(body);
  tell(user, &answer);
}

static void on_failed(void *user, void *tag, int status, const char *reason, int unprocessed) {
  (void)tag, (void)unprocessed;
  fail(user, status, reason);
}

static const struct gci_http_client_events session_events = {on_response, on_failed};

static void on_read(void *user, gcache_bytes_t bytes) {
  struct gci_find_call *c = user;
  int rc = gci_http_client_input(c->http, bytes);

  if (rc < 0) {
    fail(c, rc, gci_http_client_reason(c->http));
  } else if (!c->told && c->events->more != NULL) {
    gcache_bytes_t body = gci_h1_client_received(c->http);
    if (body.len > 0) c->events->more(c->user, c, body);
  }
}

static void on_end(void *user, int status) {
  struct gci_find_call *c = user;
  const char *reason = gci_stream_reason(&c->stream);
  int rc = status == UV_EOF && c->http != NULL ? gci_http_client_eof(c->http) : status;

  if (rc == UV_EOF) rc = UV_ECONNRESET;
  if (rc < 0 || !c->told) fail(c, rc < 0 ? rc : UV_ECONNRESET, reason);
}

/* ----------------------------------------------------------------------------------- request -- */

static int send_request(struct gci_find_call *c) {
  gcache_header_t type = {gcache_cstr("Content-Type"), gcache_cstr("application/json")};
  struct gci_http_message request = {.method = GCI_LIT("POST"),
                                     .target = gcache_cstr(c->path),
                                     .host = gcache_cstr(c->server->authority),
                                     .headers = &type,
                                     .n_headers = 1,
                                     .before = gcache_bytes(c->texts, c->body_len),
                                     .has_body = 1};
  int rc = gci_h1_client_open(&c->http, c->env->mem, &limits, &session_events, c);

  if (rc == 0) rc = gci_http_client_send(c->http, &request, c);
  if (rc == 0 && !c->server->secure) rc = gci_stream_read_start(&c->stream);
  if (rc == 0) gci_stream_flush(&c->stream, gci_http_client_output(c->http));
  return rc;
}

static void on_secured(void *user) {
  struct gci_find_call *c = user;
  int rc = send_request(c);

  if (rc < 0) fail(c, rc, "");
}

static void on_written(void *user) {
  (void)user;
}

static const struct gci_stream_events stream_events = {.on_read = on_read,
                                                       .on_end = on_end,
                                                       .on_written = on_written,
                                                       .on_closed = on_closed,
                                                       .on_secured = on_secured};

static void on_dialed(void *user, int status) {
  struct gci_find_call *c = user;
  const struct gci_find_server *s = c->server;

  c->dial = NULL;
  if (c->closing) {
    gci_stream_close(&c->stream);
    return;
  }
  if (status == 0 && s->secure)
    status = gci_stream_secure_client(&c->stream, s->tls, s->target.host, s->target.port,
                                      GCI_TLS_OFFER_HTTP_1);
  else if (status == 0)
    status = send_request(c);
  if (status < 0) fail(c, status, gci_stream_reason(&c->stream));
}

int gci_find_call_start(struct gci_find_call **out, struct gci_env *env, struct uv_loop_s *uv,
                        struct gci_find_server *server, const char *path, gcache_bytes_t body,
                        uint64_t timeout_ms, const struct gci_find_call_events *events,
                        void *user) {
  size_t path_size = strlen(path) + 1, size = sizeof(struct gci_find_call) + body.len + path_size;
  struct gci_find_call *c = gci_mem_zalloc(env->mem, size);
  int rc;

  if (c == NULL) return UV_ENOMEM;
  c->env = env;
  c->server = server;
  c->events = events;
  c->user = user;
  c->size = size;
  c->body_len = body.len;
  memcpy(c->texts, body.base, body.len);
  c->path = memcpy(c->texts + body.len, path, path_size);
  gci_deadline_init(&c->deadline, on_deadline);
  rc = gci_env_deadline(env, &c->deadline, gci_env_after_ms(env, timeout_ms));
  if (rc < 0) {
    gci_mem_free(env->mem, c, size);
    return rc;
  }
  gci_stream_init(&c->stream, env, uv, &stream_events, c);
  *out = c;
  c->status = gci_dial_start(&c->dial, &c->stream, &server->target, timeout_ms, on_dialed, c);
  if (c->status < 0) shut(c); /* reported when it has closed */
  return 0;
}
