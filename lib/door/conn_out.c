#include "door/conn_out.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "http/h1.h"
#include "http/h2.h"
#include "door/offer.h"

/* Exchanges on a fast lane at a time: fewer than any gcache takes before it stops reading. */
#define PIPELINED_MAX 512

/* ------------------------------------------------------------------------------- its end ---- */

static void tell_opened(struct gci_conn_out *c, int status, const char *reason) {
  c->opened = 1;
  c->dial_status = status;
  c->events->opened(c->user, c, status, reason);
}

static void on_closed(void *user) {
  struct gci_conn_out *c = user;
  struct gci_mem *mem = c->config->env->mem;

  if (!c->opened) tell_opened(c, c->dial_status, "");
  c->events->closed(c->user, c);
  if (c->http != NULL) gci_http_client_close(c->http);
  gci_mem_free(mem, c, sizeof *c);
}

static void disarm(struct gci_trip *trip) {
  if (gci_deadline_is_set(&trip->deadline))
    gci_env_deadline_clear(trip->conn->config->env, &trip->deadline);
}

static void let_go(struct gci_trip *trip) {
  gci_link_unlink(&trip->link);
  disarm(trip);
  trip->conn->n_trips--;
  trip->conn = NULL;
}

static struct gci_trip *first_of(const struct gci_list *trips) {
  struct gcache_link_s *link = gci_list_front(trips);

  return link == NULL ? NULL : gci_container_of(link, struct gci_trip, link);
}

void gci_conn_out_close(struct gci_conn_out *c) {
  assert(gci_list_empty(&c->trips));
  if (c->closing) return;
  c->closing = 1;
  gci_link_unlink(&c->link);
  gci_env_deadline_clear(c->config->env, &c->deadline);
  gci_defer_cancel(&c->turn);
  if (c->dial != NULL) {
    gci_dial_cancel(c->dial); /* closed when it has ended */
    return;
  }
  if (!c->opened && c->dial_status == 0) c->dial_status = UV_ECANCELED;
  gci_stream_close(&c->stream);
}

static void end_trip(struct gci_trip *trip, int status, const char *why) {
  trip->status = status;
  trip->why[0] = '\0';
  if (why[0] != '\0') snprintf(trip->why, sizeof trip->why, "%s", why);
  disarm(trip);
  gci_link_unlink(&trip->link);
  gci_list_push_back(&trip->conn->over, &trip->link);
}

/* Reports trips that are over, and room that has come without any. An event may abandon trips that
 * follow, but not c. */
static void tell_ended(struct gci_conn_out *c) {
  struct gci_trip *trip;

  if (gci_list_empty(&c->over) && (c->had_room || gci_conn_out_room(c) == 0)) return;
  while ((trip = first_of(&c->over)) != NULL) {
    let_go(trip);
    c->events->ended(c->user, c, trip, trip->status, trip->why);
  }
  c->had_room = gci_conn_out_room(c) > 0;
  c->events->turned(c->user, c);
}

/* As far as can be told, nothing has been done for the trip. first: it is the oldest. */
static int may_go_again(const struct gci_conn_out *c, struct gci_trip *trip, int first) {
  if (c->exchanges == 0) return c->lane.supposed;
  if (c->hung) return 0;
  return (!c->many && !first) || !gci_http_client_begun(c->http, trip);
}

/* The connection was accepted and nothing answered: the name may have another address by now. */
static void doubt_address(struct gci_conn_out *c) {
  if (c->exchanges == 0) c->origin->target.n = 0;
}

/* The connection is of no more use: all trips under way on it have failed. */
static void break_off(struct gci_conn_out *c, int status, const char *why) {
  struct gci_trip *trip;
  int first = 1;

  if (c->closing) return;
  if (status == GCACHE_EPEER && !gci_list_empty(&c->trips)) doubt_address(c);
  while ((trip = first_of(&c->trips)) != NULL) {
    trip->again = may_go_again(c, trip, first) != 0;
    end_trip(trip, status, why);
    first = 0;
  }
  gci_conn_out_close(c);
}

void gci_conn_out_break(struct gci_conn_out *c) {
  c->hung = 1; /* no trip is to be repeated */
  break_off(c, UV_ECANCELED, "");
  tell_ended(c);
}

/* ------------------------------------------------------------------------------ its times ---- */

/* The silence that is allowed in the present state. */
static uint64_t patience_ms(const struct gci_conn_out *c) {
  const struct gci_conn_out_config *config = c->config;

  if (gci_list_empty(&c->trips)) return config->idle_timeout_ms;
  if (c->lane.fast && config->response_timeout_ms < config->ping_ms)
    return config->response_timeout_ms;
  return c->many || c->lane.fast ? config->ping_ms : GCI_DEADLINE_NEVER;
}

/* When the silence will have been too long. */
static uint64_t end_of_patience_ms(const struct gci_conn_out *c) {
  uint64_t ms = patience_ms(c);

  return ms > GCI_DEADLINE_NEVER - c->heard_ms ? GCI_DEADLINE_NEVER : c->heard_ms + ms;
}

/* A deadline that is set early enough stays: it checks again when it passes. < 0: c is closing. */
static int arm(struct gci_conn_out *c) {
  uint64_t at_ms = end_of_patience_ms(c);

  if (gci_deadline_is_set(&c->deadline) && c->deadline.at_ms <= at_ms) return 0;
  if (gci_env_deadline(c->config->env, &c->deadline, at_ms) == 0) return 0;
  break_off(c, UV_ENOMEM, "");
  return UV_ENOMEM;
}

/* Writes until the session has no more output, or the socket is full. */
static void flush(struct gci_conn_out *c) {
  struct gci_out *out;

  while ((out = gci_http_client_output(c->http))->bytes > 0) {
    gci_stream_flush(&c->stream, out);
    if (out->bytes > 0) return;
  }
}

/* Writes what was sent in a turn at its end. A fault of the session is reported there too: no event
 * may run inside a call. */
static void turn_soon(struct gci_conn_out *c) {
  if (!c->closing && !gci_job_queued(&c->turn)) gci_env_defer(c->config->env, GCI_WRITES, &c->turn);
}

/* Answers are owed and nothing has come for as long as is allowed. */
static void look_for_life(struct gci_conn_out *c) {
  if (c->lane.fast || gci_http_client_pinging(c->http)) {
    c->hung = 1;
    break_off(c, GCACHE_EPEER, "it owes answers and is silent");
  } else if (gci_http_client_ping(c->http) < 0) {
    break_off(c, UV_ENOMEM, "");
  } else {
    c->heard_ms = gci_env_mono_ms(c->config->env); /* the answer may take as long again */
    turn_soon(c);
    arm(c);
  }
}

static void on_deadline(struct gcache_deadline_s *deadline) {
  struct gci_conn_out *c = gci_container_of(deadline, struct gci_conn_out, deadline);

  if (!c->opened) { /* the handshake has taken too long */
    doubt_address(c);
    gci_conn_out_close(c);
    tell_opened(c, UV_ETIMEDOUT, "");
    return;
  }
  if (gci_env_mono_ms(c->config->env) < end_of_patience_ms(c))
    arm(c);
  else if (gci_list_empty(&c->trips))
    gci_conn_out_close(c);
  else
    look_for_life(c);
  tell_ended(c);
}

/* A connection that takes no more requests cannot rest. Nor can one of HTTP/1.1 that was answered
 * before its request was sent whole: the rest, and all that follows, might never be read. */
static int may_rest(const struct gci_conn_out *c) {
  if (!gci_http_client_reusable(c->http)) return 0;
  if (c->many) return gci_http_client_room(c->http) > 0;
  return gci_http_client_output(c->http)->bytes == 0 && !gci_stream_blocked(&c->stream);
}

/* The last of its trips has gone. */
static void rest(struct gci_conn_out *c) {
  c->heard_ms = gci_env_mono_ms(c->config->env);
  if (may_rest(c))
    arm(c);
  else
    gci_conn_out_close(c);
}

static void on_answer_late(struct gcache_deadline_s *deadline) {
  struct gci_trip *trip = gci_container_of(deadline, struct gci_trip, deadline);
  struct gci_conn_out *c = trip->conn;
  char why[64];

  snprintf(why, sizeof why, "no answer within %" PRIu64 " ms", c->config->response_timeout_ms);
  if (gci_http_client_cancel(c->http, trip) == 0) {
    end_trip(trip, GCACHE_EPEER, why);
    turn_soon(c);
    if (gci_list_empty(&c->trips)) rest(c);
  } else {
    c->hung = 1;
    break_off(c, GCACHE_EPEER, why);
  }
  tell_ended(c);
}

/* ------------------------------------------------------------------------- its exchanges ---- */

int gci_conn_out_rests(const struct gci_conn_out *c) {
  return c->n_trips == 0;
}

size_t gci_conn_out_room(const struct gci_conn_out *c) {
  if (c->closing || !c->opened || !gci_http_client_reusable(c->http)) return 0;
  if (c->many) return gci_http_client_room(c->http);
  if (c->lane.fast && c->to_gcache)
    return c->n_trips < PIPELINED_MAX ? PIPELINED_MAX - c->n_trips : 0;
  return gci_conn_out_rests(c) ? 1 : 0;
}

/* A fast lane has one deadline for the whole, and none for each trip. */
static int watch_trip(struct gci_conn_out *c, struct gci_trip *trip) {
  uint64_t timeout_ms = c->config->response_timeout_ms;

  gci_deadline_init(&trip->deadline, on_answer_late);
  if (c->lane.fast || timeout_ms == UINT64_MAX) return 0;
  return gci_env_deadline(c->config->env, &trip->deadline,
                          gci_env_after_ms(c->config->env, timeout_ms));
}

int gci_conn_out_send(struct gci_conn_out *c, struct gci_trip *trip,
                      const struct gci_http_message *request) {
  int first = gci_list_empty(&c->trips), err;

  gci_link_init(&trip->link);
  trip->conn = c;
  trip->status = 0;
  trip->answered = trip->again = 0;
  c->n_trips++;
  err = watch_trip(c, trip); /* never: cleared */
  if (err == 0) err = gci_http_client_send(c->http, request, trip);
  if (err < 0) {
    let_go(trip);
    if (first)
      gci_conn_out_close(c);
    else
      turn_soon(c);
    return err;
  }
  gci_list_push_back(&c->trips, &trip->link);
  if (first) {
    c->heard_ms = gci_env_mono_ms(c->config->env);
    if (arm(c) < 0) {
      let_go(trip);
      return UV_ENOMEM;
    }
  }
  turn_soon(c);
  c->had_room = gci_conn_out_room(c) > 0;
  return 0;
}

int gci_conn_out_abandon(struct gci_trip *trip) {
  struct gci_conn_out *c = trip->conn;
  int under_way = !c->closing && trip->status == 0 && !trip->answered;

  if (under_way && c->lane.fast) return 1;
  let_go(trip);
  if (!under_way) return 0;
  if (gci_http_client_cancel(c->http, trip) == 0) {
    turn_soon(c);
    if (gci_list_empty(&c->trips)) rest(c);
  } else if (gci_list_empty(&c->trips)) {
    gci_conn_out_close(c);
  } else { /* without memory */
    turn_soon(c);
  }
  return 0;
}

static void on_response(void *user, void *tag, const struct gci_http_head *head,
                        gcache_value_t *body) {
  struct gci_conn_out *c = user;
  struct gci_trip *trip = tag != NULL ? tag : first_of(&c->trips);

  trip->answered = 1;
  end_trip(trip, 0, "");
  c->exchanges++;
  c->events->answered(c->user, c, trip, head, body);
}

static void on_failed(void *user, void *tag, int status, const char *reason, int unprocessed) {
  struct gci_trip *trip = tag;

  (void)user;
  trip->again = unprocessed != 0;
  end_trip(trip, status, reason);
}

static const struct gci_http_client_events session_events = {on_response, on_failed};

/* An answer has said that it is the last: answers to requests pipelined behind it will not come. */
static int said_last(const struct gci_conn_out *c) {
  return c->lane.fast && !gci_list_empty(&c->trips) && !gci_http_client_reusable(c->http);
}

/* After bytes or the end have come. err < 0: the session is broken, perhaps after complete
 * answers. */
static void settle(struct gci_conn_out *c, int err, int ended) {
  if (err < 0 || ended || said_last(c)) {
    int is_ours = err == UV_ENOMEM || err == GCACHE_EBUSY; /* not the peer's fault */
    break_off(c, is_ours ? err : GCACHE_EPEER, gci_http_client_reason(c->http));
  } else if (gci_list_empty(&c->trips) && !may_rest(c)) {
    gci_conn_out_close(c);
  } else {
    if (gci_list_empty(&c->trips) && !gci_list_empty(&c->over))
      arm(c);                  /* a connection at rest goes on resting */
    if (!c->closing) flush(c); /* output of the session itself */
  }
  tell_ended(c);
}

static void on_turn(struct gcache_job_s *job) {
  struct gci_conn_out *c = gci_container_of(job, struct gci_conn_out, turn);

  settle(c, gci_http_client_input(c->http, gcache_bytes(NULL, 0)), 0);
}

static void on_read(void *user, gcache_bytes_t bytes) {
  struct gci_conn_out *c = user;
  uint64_t before = c->exchanges;
  int err = gci_http_client_input(c->http, bytes);

  /* Only complete answers count: one that trickles in would keep all behind it waiting. */
  if (!c->lane.fast || c->exchanges != before) c->heard_ms = gci_env_mono_ms(c->config->env);
  settle(c, err, 0);
}

/* ----------------------------------------------------------------------------- its begin ---- */

/* Nothing can be sent over it. */
static void give_up(struct gci_conn_out *c, int status, const char *reason) {
  doubt_address(c);
  gci_conn_out_close(c); /* the stream keeps its reason until it has closed */
  tell_opened(c, status, reason);
}

static void on_end(void *user, int status) {
  struct gci_conn_out *c = user;
  const char *reason = gci_stream_reason(&c->stream);

  if (!c->opened) {
    give_up(c, status == UV_EOF ? UV_ECONNRESET : status, reason);
  } else if (status == UV_EOF) {
    settle(c, gci_http_client_eof(c->http), 1);
  } else {
    break_off(c, GCACHE_EPEER, reason[0] != '\0' ? reason : c->config->error_text(status));
    tell_ended(c);
  }
}

/* The session may have more for the socket that has room again. */
static void on_written(void *user) {
  struct gci_conn_out *c = user;

  if (c->http != NULL) turn_soon(c);
}

static int open_session(struct gci_conn_out *c) {
  const struct gci_conn_out_config *config = c->config;
  const char *scheme = c->origin->secure ? "https" : "http";
  int is_2 = c->origin->secure ? gci_stream_alpn(&c->stream) == GCI_TLS_ALPN_HTTP_2
                               : c->lane.http == GCACHE_HTTP_2;

  c->many = is_2 != 0;
  if (is_2)
    return gci_h2_client_open(&c->http, config->env, scheme, config->limits, &session_events, c);
  return gci_h1_client_open(&c->http, config->env->mem, config->limits, &session_events, c);
}

static void begin(struct gci_conn_out *c) {
  int status = open_session(c);

  c->heard_ms = gci_env_mono_ms(c->config->env);
  if (status == 0 && !c->origin->secure) status = gci_stream_read_start(&c->stream);
  if (status == 0) {
    tell_opened(c, 0, ""); /* with trips on it, or at rest */
    if (!c->closing && gci_list_empty(&c->trips)) arm(c);
    if (!c->closing) flush(c);
  } else {
    give_up(c, status, "");
  }
}

static void on_secured(void *user) {
  struct gci_conn_out *c = user;

  if (c->lane.http == GCACHE_HTTP_2 && gci_stream_alpn(&c->stream) != GCI_TLS_ALPN_HTTP_2)
    give_up(c, UV_EPROTO, "it does not speak HTTP/2");
  else
    begin(c);
}

static void *place(void *user, size_t *len) {
  struct gci_conn_out *c = user;

  return c->http == NULL ? NULL : gci_http_client_place(c->http, len);
}

static const struct gci_stream_events stream_events = {.on_read = on_read,
                                                       .on_end = on_end,
                                                       .on_written = on_written,
                                                       .on_closed = on_closed,
                                                       .on_secured = on_secured,
                                                       .place = place};

static int secure(struct gci_conn_out *c) {
  struct gci_env *env = c->config->env;
  const struct gci_dial_target *target = &c->origin->target;
  uint64_t at_ms = gci_env_after_ms(env, c->config->limits->tls_timeout_ms);
  int err = gci_env_deadline(env, &c->deadline, at_ms);

  if (err < 0) return err;
  return gci_stream_secure_client(&c->stream, c->config->tls, target->host, target->port,
                                  gci_offer_of(c->lane.http));
}

/* Some errors of connecting are elsewhere a peer's own answer, and would be believed: a change that
 * a peer refuses is not told to it again. */
static int status_of_dial(int status) {
  switch (status) {
  case UV_EACCES:
  case UV_EINVAL:
  case UV_EMSGSIZE:
  case UV_ENOENT:
  case UV_ENOTSUP:
  case UV_EPERM:
    return UV_EHOSTUNREACH;
  default:
    return status;
  }
}

static void on_dialed(void *user, int status) {
  struct gci_conn_out *c = user;

  c->dial = NULL;
  if (c->closing) {
    gci_stream_close(&c->stream);
    tell_opened(c, UV_ECANCELED, "");
    return;
  }
  if (status < 0) {
    give_up(c, status_of_dial(status), c->config->error_text(status));
    return;
  }
  gci_stream_keep_alive(&c->stream, c->config->ping_ms);
  if (!c->origin->secure) {
    begin(c);
    return;
  }
  status = secure(c);
  if (status < 0) give_up(c, status, gci_stream_reason(&c->stream));
}

static int init_stream(struct gci_conn_out *c) {
  const struct gci_conn_out_config *config = c->config;

  if (c->origin->target.is_unix)
    return gci_stream_init_unix(&c->stream, config->env, config->uv, &stream_events, c);
  return gci_stream_init(&c->stream, config->env, config->uv, &stream_events, c);
}

int gci_conn_out_open(struct gci_conn_out **out, const struct gci_conn_out_config *config,
                      struct gci_origin *origin, const struct gci_lane *lane,
                      const struct gci_conn_out_events *events, void *user) {
  struct gci_mem *mem = config->env->mem;
  struct gci_conn_out *c = gci_mem_zalloc(mem, sizeof *c);
  int err;

  if (c == NULL) return UV_ENOMEM;
  c->config = config;
  c->events = events;
  c->user = user;
  c->lane = *lane;
  c->origin = origin;
  gci_link_init(&c->link);
  gci_list_init(&c->trips);
  gci_list_init(&c->over);
  gci_deadline_init(&c->deadline, on_deadline);
  gci_job_init(&c->turn, on_turn);
  err = init_stream(c);
  if (err < 0) {
    gci_mem_free(mem, c, sizeof *c);
    return err;
  }
  *out = c;
  c->dial_status = gci_dial_start(&c->dial, &c->stream, &origin->target, config->connect_timeout_ms,
                                  on_dialed, c);
  if (c->dial_status < 0) gci_conn_out_close(c); /* reported from the loop */
  return 0;
}
