#include "door/conn_out.h"

#include <inttypes.h>
#include <stdio.h>

#include "http/h1.h"

/* ------------------------------------------------------------------------------- its end ---- */

static void tell_opened(struct gci_conn_out *c, int status) {
  c->opened = 1;
  c->dial_status = status;
  c->events->opened(c->user, c, status);
}

static void on_closed(void *user) {
  struct gci_conn_out *c = user;
  struct gci_mem *mem = c->config->env->mem;

  if (!c->opened) tell_opened(c, c->dial_status);
  c->events->closed(c->user, c);
  gci_http_client_close(c->h1);
  gci_mem_free(mem, c, sizeof *c);
}

void gci_conn_out_close(struct gci_conn_out *c) {
  if (c->closing) return;
  c->closing = 1;
  c->asking = 0;
  gci_link_unlink(&c->link);
  gci_env_deadline_clear(c->config->env, &c->deadline);
  if (c->dial != NULL)
    gci_dial_cancel(c->dial); /* closed when it has ended */
  else
    gci_stream_close(&c->stream);
}

/* The connection is of no more use; what was asked on it has failed. */
static void fail(struct gci_conn_out *c, int status, const char *reason) {
  int asking = c->asking;

  if (c->closing) return;
  c->stale = asking && c->exchanges > 0 && !gci_http_client_begun(c->h1, c);
  gci_conn_out_close(c);
  if (asking) c->events->ended(c->user, c, status, reason);
}

/* ------------------------------------------------------------------------------ its rest ---- */

/* < 0: it is closing. */
static int rest(struct gci_conn_out *c) {
  struct gci_env *env = c->config->env;
  uint64_t at_ms = gci_env_after_ms(env, c->config->idle_timeout_ms);

  if (gci_env_deadline(env, &c->deadline, at_ms) == 0) return 0;
  gci_conn_out_close(c);
  return UV_ENOMEM;
}

static void on_deadline(struct gcache_deadline_s *deadline) {
  struct gci_conn_out *c = gci_container_of(deadline, struct gci_conn_out, deadline);
  char reason[64];

  snprintf(reason, sizeof reason, "no answer within %" PRIu64 " ms",
           c->config->response_timeout_ms);
  c->exchanges = 0; /* hanging is not staleness: it would hang again */
  fail(c, GCACHE_EPEER, reason);
}

/* ------------------------------------------------------------------------- its exchanges ---- */

int gci_conn_out_send(struct gci_conn_out *c, const struct gci_http_message *request) {
  struct gci_env *env = c->config->env;
  uint64_t at_ms = gci_env_after_ms(env, c->config->response_timeout_ms);
  int err;

  err = gci_env_deadline(env, &c->deadline, at_ms); /* never: cleared */
  if (err == 0) err = gci_http_client_send(c->h1, request, c);
  if (err < 0) {
    gci_conn_out_close(c);
    return err;
  }
  c->asking = 1;
  c->answered = 0;
  gci_stream_flush(&c->stream, gci_http_client_output(c->h1));
  return 0;
}

static void on_response(void *user, void *tag, const struct gci_http_head *head,
                        gcache_value_t *body) {
  struct gci_conn_out *c = user;

  (void)tag;
  c->answered = 1;
  c->events->answered(c->user, c, head, body);
}

static const struct gci_http_client_events session_events = {.response = on_response};

/* An answer to what has not been sent whole: the rest, and all that follows, might never be read. */
static int may_rest(const struct gci_conn_out *c) {
  return gci_http_client_reusable(c->h1) && gci_http_client_output(c->h1)->bytes == 0;
}

/* After bytes or the end have come. err < 0: the session is broken, perhaps behind a whole answer. */
static void settle(struct gci_conn_out *c, int err, int ended) {
  if (c->asking && c->answered) {
    c->asking = 0;
    c->exchanges++;
    if (err < 0 || ended || !may_rest(c))
      gci_conn_out_close(c);
    else
      rest(c);
    c->events->ended(c->user, c, 0, "");
    return;
  }
  if (err < 0 || ended)
    fail(c, err == UV_ENOMEM ? UV_ENOMEM : GCACHE_EPEER, gci_http_client_reason(c->h1));
}

static void on_read(void *user, gcache_bytes_t bytes) {
  struct gci_conn_out *c = user;

  settle(c, gci_http_client_input(c->h1, bytes), 0);
}

static void on_end(void *user, int status) {
  struct gci_conn_out *c = user;

  if (status == UV_EOF)
    settle(c, gci_http_client_eof(c->h1), 1);
  else
    fail(c, GCACHE_EPEER, c->config->error_text(status));
}

static void on_written(void *user) {
  (void)user; /* one request at a time: nothing waits behind it */
}

static const struct gci_stream_events stream_events = {on_read, on_end, on_written, on_closed};

/* ----------------------------------------------------------------------------- its begin ---- */

static void on_dialed(void *user, int status) {
  struct gci_conn_out *c = user;

  c->dial = NULL;
  if (c->closing) {
    gci_stream_close(&c->stream);
    tell_opened(c, UV_ECANCELED);
    return;
  }
  if (status == 0) status = gci_stream_read_start(&c->stream);
  if (status == 0) status = rest(c);
  if (status < 0) gci_conn_out_close(c);
  tell_opened(c, status);
}

int gci_conn_out_open(struct gci_conn_out **out, const struct gci_conn_out_config *config,
                      struct gci_dial_target *target, const struct gci_conn_out_events *events,
                      void *user) {
  struct gci_mem *mem = config->env->mem;
  struct gci_conn_out *c = gci_mem_zalloc(mem, sizeof *c);
  int err;

  if (c == NULL) return UV_ENOMEM;
  c->config = config;
  c->events = events;
  c->user = user;
  gci_link_init(&c->link);
  gci_list_init(&c->carried);
  gci_deadline_init(&c->deadline, on_deadline);
  err = gci_h1_client_open(&c->h1, mem, config->limits, &session_events, c);
  if (err < 0) {
    gci_mem_free(mem, c, sizeof *c);
    return err;
  }
  err = gci_stream_init(&c->stream, config->env, config->uv, &stream_events, c);
  if (err < 0) {
    gci_http_client_close(c->h1);
    gci_mem_free(mem, c, sizeof *c);
    return err;
  }
  *out = c;
  c->dial_status = gci_dial_start(&c->dial, &c->stream, target, config->connect_timeout_ms,
                                  on_dialed, c);
  if (c->dial_status < 0) gci_conn_out_close(c); /* told from the loop */
  return 0;
}
