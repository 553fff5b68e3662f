/* http/h1_server - the server's side of a connection: bytes are received into requests, which go up
 * in order; http/h1_answers brings their answers back into that order.
 *
 * Owns the message being received, and the answers. It may be closed by any of its events; it is
 * freed when the last of its functions on the stack has returned.
 * Fails: UV_ENOMEM makes it broken: it wants to be closed and writes nothing more. */
#include "http/h1.h"

#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "http/h1_answers.h"

/* Bytes of unanswered requests above which no other request is taken. */
#define PENDING_BYTES_MAX (1024 * 1024)
/* Bytes of unsent answers, including shared values, above which no other request is taken. */
#define OUTPUT_BYTES_MAX (1024 * 1024)
/* The same while so much is in flight that there is no room for that. */
#define OUTPUT_BYTES_PRESSED (16 * 1024)

struct h1_server {
  struct gci_http_server http; /* first */
  struct gci_mem *mem;
  const gcache_limits_t *limits;
  const struct gci_http_server_events *events;
  void *user;
  struct gci_h1_receive in;
  struct gci_h1_answers answers;
  int screened;          /* of the request whose body is being received */
  unsigned in_input : 1; /* input() is on the stack */
  unsigned draining : 1; /* the request being received is the last */
  unsigned closed : 1;   /* by an event inside input() */
};

static struct h1_server *server_of(struct gci_http_server *http) {
  return gci_container_of(http, struct h1_server, http);
}

static const struct h1_server *const_server_of(const struct gci_http_server *http) {
  return (const struct h1_server *)http;
}

/* ------------------------------------------------------------------------------------ close -- */

static void server_free(struct h1_server *s) {
  struct gci_mem *mem = s->mem;
  gci_h1_receive_fini(&s->in);
  gci_h1_answers_fini(&s->answers);
  gci_mem_free(mem, s, sizeof *s);
  gci_mem_unref(mem);
}

static void server_close(struct gci_http_server *http) {
  struct h1_server *s = server_of(http);
  gci_h1_answers_detach(&s->answers);
  s->closed = 1;
  if (!s->in_input) server_free(s);
}

static void on_answers_ready(struct gci_h1_answers *answers) {
  struct h1_server *s = gci_container_of(answers, struct h1_server, answers);
  if (!s->in_input) s->events->ready(s->user);
}

/* -------------------------------------------------------------------------------- receiving -- */

static void hand_up(struct h1_server *s, int keep, gcache_value_t *body) {
  struct gci_h1_exchange *e = gci_h1_answers_owe(&s->answers, &s->in.head, body,
                                                 s->in.frame.keep_said);
  if (e == NULL) {
    gcache_value_unref(body);
    s->answers.broken = 1;
    return;
  }
  if (!keep || s->draining) s->answers.last_taken = 1;
  e->x.screened = s->screened;
  e->watcher = &e;
  s->events->request(s->user, &e->x);
  if (e != NULL) {
    e->watcher = NULL;
    gci_h1_exchange_settle(e);
  }
  gci_h1_receive_rest(&s->in);
}

/* A body that is not wanted is not read, and nothing after the head is. */
static void begin_body(struct h1_server *s) {
  s->screened = s->http.screen == NULL ? 0 : s->http.screen(s->user, &s->in.head);
  if (s->screened < 0) {
    hand_up(s, 0, NULL);
    gci_h1_receive_fini(&s->in);
    return;
  }
  s->answers.owes_continue = s->in.frame.expects_continue != 0;
  gci_h1_answers_settle(&s->answers);
}

/* Acts on what the bytes have completed. */
static void act(struct h1_server *s, enum gci_h1_reached reached) {
  switch (reached) {
  case GCI_H1_MORE:
    return;
  case GCI_H1_BODY_BEGINS:
    begin_body(s);
    return;
  case GCI_H1_WHOLE:
    hand_up(s, s->in.frame.keep, gci_h1_receive_take(&s->in));
    s->screened = 0;
    return;
  case GCI_H1_FAULTY:
    if (s->in.fault == GCI_H1_BAD_MEMORY) {
      s->answers.broken = 1;
      return;
    }
    s->http.bad_requests += s->in.fault != GCI_H1_BAD_ROOM;
    gci_h1_answers_refuse(&s->answers, s->in.fault);
    return;
  }
}

static size_t output_max(const struct h1_server *s) {
  return gci_in_flight_fits(&s->mem->in_flight, OUTPUT_BYTES_MAX, GCI_FOR_OTHERS)
             ? OUTPUT_BYTES_MAX
             : OUTPUT_BYTES_PRESSED;
}

static int takes_more(const struct h1_server *s) {
  if (s->answers.last_taken || s->answers.broken || s->closed) return 0;
  return s->answers.n_pending < s->limits->pipelined_max &&
         s->answers.pending_bytes < PENDING_BYTES_MAX &&
         s->answers.out.bytes + s->answers.held_bytes < output_max(s);
}

static void *server_place(struct gci_http_server *http, size_t *len) {
  struct h1_server *s = server_of(http);
  return takes_more(s) ? gci_h1_receive_place(&s->in, len) : NULL;
}

static ssize_t server_input(struct gci_http_server *http, gcache_bytes_t bytes) {
  struct h1_server *s = server_of(http);
  assert(!s->in_input && !s->closed);
  gcache_bytes_t rest = bytes;
  s->in_input = 1;
  while (rest.len > 0 && takes_more(s)) {
    size_t used = 0;
    act(s, gci_h1_receive(&s->in, rest, &used));
    if (s->closed) break;
    rest = gci_bytes_skip(rest, s->answers.last_taken || s->answers.broken ? rest.len : used);
  }
  s->in_input = 0;
  if (s->closed) {
    server_free(s);
    return (ssize_t)bytes.len;
  }
  if (s->answers.broken) return UV_ENOMEM;
  return (ssize_t)(s->answers.last_taken ? bytes.len : bytes.len - rest.len);
}

/* ----------------------------------------------------------------------------------- asking -- */

static struct gci_out *server_output(struct gci_http_server *http) {
  return &server_of(http)->answers.out;
}

static int server_wants_input(const struct gci_http_server *http) {
  return takes_more(const_server_of(http));
}

static int server_wants_close(const struct gci_http_server *http) {
  const struct h1_server *s = const_server_of(http);
  return gci_h1_answers_dead(&s->answers) || (s->answers.last_taken && s->answers.n_pending == 0);
}

static enum gci_http_phase server_phase(const struct gci_http_server *http) {
  const struct h1_server *s = const_server_of(http);
  if (s->answers.last_taken || s->answers.broken || gci_h1_receive_idle(&s->in))
    return GCI_HTTP_IDLE;
  if (s->answers.owes_continue) return GCI_HTTP_IDLE; /* the client is waiting for us */
  return gci_h1_receive_in_body(&s->in) ? GCI_HTTP_BODY : GCI_HTTP_HEAD;
}

static uint64_t server_body_received(const struct gci_http_server *http) {
  return const_server_of(http)->in.body.used;
}

static size_t server_pending(const struct gci_http_server *http) {
  return const_server_of(http)->answers.n_pending;
}

static uint64_t server_watch(struct gci_http_server *http, uint64_t now_ms) {
  (void)http;
  (void)now_ms;
  return UINT64_MAX; /* one request at a time: the phase tells everything */
}

/* ----------------------------------------------------------------------------------- ending -- */

static void server_drain(struct gci_http_server *http) {
  struct h1_server *s = server_of(http);
  s->draining = 1;
  if (gci_h1_receive_idle(&s->in)) s->answers.last_taken = 1;
}

static void server_timed_out(struct gci_http_server *http) {
  struct h1_server *s = server_of(http);
  if (s->answers.last_taken || s->answers.broken) return;
  if (gci_h1_receive_idle(&s->in)) {
    s->answers.last_taken = 1;
    return;
  }
  gci_h1_receive_fini(&s->in);
  gci_h1_answers_refuse(&s->answers, GCI_H1_BAD_LATE);
}

static const struct gci_http_server_ops server_ops = {
    .close = server_close,
    .place = server_place,
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

int gci_h1_server_open(struct gci_http_server **out, struct gci_mem *mem,
                       const gcache_limits_t *limits, const struct gci_http_server_events *events,
                       void *user) {
  struct h1_server *s = gci_mem_zalloc(mem, sizeof *s);
  if (s == NULL) return UV_ENOMEM;
  s->http.ops = &server_ops;
  s->mem = gci_mem_ref(mem);
  s->limits = limits;
  s->events = events;
  s->user = user;
  gci_h1_receive_init(&s->in, mem, limits, GCI_H1_REQUESTS);
  gci_h1_answers_init(&s->answers, mem, on_answers_ready);
  *out = &s->http;
  return 0;
}
