/* http/h1_server - the server's side of a connection: requests go up in order, answers leave in
 * that order.
 *
 * Owns: what is being received, the output, and the exchanges that owe an answer (in a list,
 * oldest first). A refusal is an answer too: it waits until those before it have left. It may
 * be closed by any of its events; it is freed when the last of its functions on the stack has
 * returned.
 * Fails: UV_ENOMEM makes it broken: it wants to be closed and writes nothing more. */
#include "http/h1.h"

#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "http/h1_receive.h"
#include "http/h1_write.h"

/* Bytes that the requests of unanswered exchanges may hold before no other is taken. */
#define PENDING_BYTES_MAX (1024 * 1024)

struct exchange {
  struct gci_http_exchange x;
  struct gcache_link_s link;
  struct h1_server *server; /* NULL: detached */
  struct gci_mem *mem;      /* a reference */
  size_t size;              /* of this and the head behind it */
  size_t body_len;          /* as received; the body may be elsewhere by now */
  struct gci_h1_held *held; /* its answer, given before its turn */
  enum gci_h1_extent extent;
  int keep_said;
};

struct h1_server {
  struct gci_http_server http; /* first */
  struct gci_mem *mem;
  const gcache_limits_t *limits;
  const struct gci_http_server_events *events;
  void *user;
  struct gci_h1_receive in;
  struct gci_out out;
  struct gci_list pending; /* exchanges */
  size_t n_pending, pending_bytes;
  enum gci_h1_fault refusal;  /* to be written once nothing is pending */
  unsigned in_input : 1;      /* input() is on the stack */
  unsigned draining : 1;      /* the request being received is the last */
  unsigned last_taken : 1;    /* no request will be taken any more */
  unsigned owes_continue : 1; /* the request being received waits for a 100 */
  unsigned broken : 1;        /* out of memory: the output is not to be trusted */
  unsigned closed : 1;        /* by an event inside input() */
};

static struct exchange *exchange_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct exchange, link);
}

static void exchange_free(struct exchange *e) {
  struct gci_mem *mem = e->mem;
  gci_link_unlink(&e->link);
  if (e->server != NULL) {
    e->server->n_pending--;
    e->server->pending_bytes -= e->size + e->body_len;
  }
  gcache_value_unref(e->x.body);
  gci_h1_held_free(mem, e->held);
  gci_mem_free(mem, e, e->size);
  gci_mem_unref(mem);
}

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
  gci_out_fini(&s->out);
  gci_mem_free(mem, s, sizeof *s);
  gci_mem_unref(mem);
}

static void server_close(struct gci_http_server *http) {
  struct h1_server *s = server_of(http);
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&s->pending)) != NULL) {
    struct exchange *e = exchange_of(link);
    e->server = NULL;
    if (e->held != NULL) exchange_free(e);
  }
  s->n_pending = 0;
  s->closed = 1;
  if (!s->in_input) server_free(s);
}

/* -------------------------------------------------------------------------------- answering -- */

static void check(struct h1_server *s, int err) {
  if (err != 0) s->broken = 1;
}

/* What had to wait until every answer before it was written. */
static void settle(struct h1_server *s) {
  if (s->n_pending > 0 || s->broken) return;
  if (s->refusal != GCI_H1_SOUND) {
    struct gci_http_message answer = {.status = gci_h1_fault_status(s->refusal)};
    s->refusal = GCI_H1_SOUND;
    check(s, gci_h1_write_answer(&s->out, &answer, GCI_H1_WITH_BODY, GCI_H1_THEN_CLOSE));
  } else if (s->owes_continue) {
    s->owes_continue = 0;
    check(s, gci_out_text(&s->out, GCI_LIT("HTTP/1.1 100 Continue\r\n\r\n")));
  }
}

static enum gci_h1_then then_of(const struct exchange *e) {
  const struct h1_server *s = e->server;
  if (s->last_taken && s->n_pending == 1 && s->refusal == GCI_H1_SOUND) return GCI_H1_THEN_CLOSE;
  return e->keep_said ? GCI_H1_THEN_KEEP_SAID : GCI_H1_THEN_KEEP;
}

/* The answers that were held for the one that has just left. */
static void release_held(struct h1_server *s) {
  while (!gci_list_empty(&s->pending) && !s->broken) {
    struct exchange *e = exchange_of(gci_list_front(&s->pending));
    if (e->held == NULL) return;
    check(s, gci_h1_write_held(&s->out, e->held, then_of(e)));
    exchange_free(e);
  }
}

static int answer_exchange(struct exchange *e, const struct gci_http_message *answer) {
  struct h1_server *s = e->server;
  if (!s->broken && gci_list_front(&s->pending) != &e->link) {
    e->held = gci_h1_hold(e->mem, answer, e->extent);
    if (e->held != NULL) return 0;
    s->broken = 1;
  }
  if (!s->broken) check(s, gci_h1_write_answer(&s->out, answer, e->extent, then_of(e)));
  exchange_free(e);
  release_held(s);
  settle(s);
  return s->broken ? UV_ENOMEM : 0;
}

static int server_reply(struct gci_http_exchange *x, const struct gci_http_message *answer) {
  struct exchange *e = gci_container_of(x, struct exchange, x);
  struct h1_server *s = e->server;
  if (s == NULL) {
    exchange_free(e);
    return 0;
  }
  size_t owed = s->n_pending;
  int err = answer_exchange(e, answer);
  int held = err == 0 && s->n_pending == owed;
  if (!s->in_input && !held) s->events->ready(s->user);
  return err;
}

static const struct gci_http_exchange_ops exchange_ops = {.reply = server_reply};

/* -------------------------------------------------------------------------------- receiving -- */

/* The last word of this connection, behind the answers that are owed. */
static void refuse(struct h1_server *s, enum gci_h1_fault fault) {
  s->last_taken = 1;
  s->refusal = fault;
  settle(s);
}

static void hand_up(struct h1_server *s) {
  gcache_value_t *body;
  struct gci_http_head head = s->in.head;
  int keep = s->in.frame.keep, keep_said = s->in.frame.keep_said;
  struct gci_h1_block block = gci_h1_receive_take(&s->in, &body);
  struct exchange *e = block.base;
  *e = (struct exchange){.x = {.ops = &exchange_ops, .head = head, .body = body},
                         .server = s,
                         .mem = gci_mem_ref(s->mem),
                         .size = block.size,
                         .body_len = body == NULL ? 0 : gcache_value_bytes(body).len,
                         .keep_said = keep_said};
  int is_head = gci_bytes_equal(head.method, GCI_LIT("HEAD"));
  e->extent = is_head ? GCI_H1_HEAD_ONLY : GCI_H1_WITH_BODY;
  gci_list_push_back(&s->pending, &e->link);
  s->n_pending++;
  s->pending_bytes += e->size + e->body_len;
  s->owes_continue = 0;
  if (!keep || s->draining) s->last_taken = 1;
  s->events->request(s->user, &e->x);
}

/* Acts on what the bytes have led to. */
static void act(struct h1_server *s, enum gci_h1_reached reached) {
  switch (reached) {
  case GCI_H1_MORE:
    return;
  case GCI_H1_BODY_BEGINS:
    s->owes_continue = s->in.frame.expects_continue != 0;
    settle(s);
    return;
  case GCI_H1_WHOLE:
    hand_up(s);
    return;
  case GCI_H1_FAULTY:
    if (s->in.fault == GCI_H1_BAD_MEMORY) {
      s->broken = 1;
      return;
    }
    s->http.bad_requests++;
    refuse(s, s->in.fault);
    return;
  }
}

static int takes_more(const struct h1_server *s) {
  if (s->last_taken || s->broken || s->closed) return 0;
  return s->n_pending < s->limits->pipelined_max && s->pending_bytes < PENDING_BYTES_MAX;
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
    rest = gci_bytes_skip(rest, s->last_taken || s->broken ? rest.len : used);
  }
  s->in_input = 0;
  if (s->closed) {
    server_free(s);
    return (ssize_t)bytes.len;
  }
  if (s->broken) return UV_ENOMEM;
  return (ssize_t)(s->last_taken ? bytes.len : bytes.len - rest.len);
}

/* ----------------------------------------------------------------------------------- asking -- */

static struct gci_out *server_output(struct gci_http_server *http) {
  return &server_of(http)->out;
}

static int server_wants_input(const struct gci_http_server *http) {
  return takes_more(const_server_of(http));
}

static int server_wants_close(const struct gci_http_server *http) {
  const struct h1_server *s = const_server_of(http);
  return s->broken || (s->last_taken && s->n_pending == 0);
}

static enum gci_http_phase server_phase(const struct gci_http_server *http) {
  const struct h1_server *s = const_server_of(http);
  if (s->last_taken || s->broken || gci_h1_receive_idle(&s->in)) return GCI_HTTP_IDLE;
  if (s->owes_continue) return GCI_HTTP_IDLE; /* it is the client who waits */
  return gci_h1_receive_in_body(&s->in) ? GCI_HTTP_BODY : GCI_HTTP_HEAD;
}

static uint64_t server_body_received(const struct gci_http_server *http) {
  return const_server_of(http)->in.body.used;
}

static size_t server_pending(const struct gci_http_server *http) {
  return const_server_of(http)->n_pending;
}

static uint64_t server_watch(struct gci_http_server *http, uint64_t now_ms) {
  (void)http;
  (void)now_ms;
  return UINT64_MAX; /* one request at a time: the phase says it all */
}

/* ----------------------------------------------------------------------------------- ending -- */

static void server_drain(struct gci_http_server *http) {
  struct h1_server *s = server_of(http);
  s->draining = 1;
  if (gci_h1_receive_idle(&s->in)) s->last_taken = 1;
}

static void server_timed_out(struct gci_http_server *http) {
  struct h1_server *s = server_of(http);
  if (s->last_taken || s->broken) return;
  if (gci_h1_receive_idle(&s->in)) {
    s->last_taken = 1;
    return;
  }
  gci_h1_receive_fini(&s->in);
  refuse(s, GCI_H1_BAD_LATE);
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
  gci_h1_receive_init(&s->in, mem, limits, GCI_H1_REQUESTS, sizeof(struct exchange));
  gci_out_init(&s->out, mem);
  gci_list_init(&s->pending);
  *out = &s->http;
  return 0;
}
