#include "http/h1_answers.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "http/h1_stream.h"

/* As many as one read brings. */
#define SPARE_MAX 128

static struct gci_h1_exchange *exchange_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_h1_exchange, link);
}

/* The size of a request that waits for its answer. */
static size_t cost(const struct gci_h1_exchange *e) {
  return sizeof *e + e->kept_size + e->body_len;
}

/* Called for few: a request that is answered at once was never in flight. */
__attribute__((noinline)) static void land(struct gci_h1_exchange *e) {
  gci_in_flight_drop(&e->mem->in_flight, e->in_flight);
  e->mem->in_flight.requests--;
}

static void leave(struct gci_h1_exchange *e) {
  struct gci_h1_answers *a = e->answers;
  gci_link_unlink(&e->link);
  a->n_pending--;
  a->pending_bytes -= cost(e);
  a->held_bytes -= gci_h1_held_bytes(e->held);
  if (e->in_flight > 0) land(e);
  if (e->stage != GCI_H1_NOT_BEGUN) a->early -= e->own.bytes;
}

void gci_h1_exchange_free(struct gci_h1_exchange *e) {
  struct gci_h1_answers *a = e->answers;
  struct gci_mem *mem = e->mem;
  if (e->watcher != NULL) *e->watcher = NULL;
  if (a != NULL) leave(e);
  gcache_value_unref(e->x.body);
  gci_h1_held_free(mem, e->held);
  if (e->stage != GCI_H1_NOT_BEGUN) gci_out_fini(&e->own);
  gci_mem_free(mem, e->kept, e->kept_size);
  if (a != NULL && a->n_spare < SPARE_MAX) {
    gci_list_push_front(&a->spare, &e->link);
    a->n_spare++;
    return;
  }
  gci_mem_free(mem, e, sizeof *e);
  if (a == NULL) gci_mem_unref(mem);
}

void gci_h1_answers_init(struct gci_h1_answers *a, struct gci_mem *mem,
                         void (*ready)(struct gci_h1_answers *a)) {
  *a = (struct gci_h1_answers){.mem = mem, .ready = ready};
  gci_out_init(&a->out, mem);
  gci_list_init(&a->pending);
  gci_list_init(&a->spare);
}

void gci_h1_answers_detach(struct gci_h1_answers *a) {
  struct gcache_link_s *link;
  while ((link = gci_list_front(&a->pending)) != NULL) {
    struct gci_h1_exchange *e = exchange_of(link);
    if (e->held != NULL || e->stage == GCI_H1_ENDED || e->stage == GCI_H1_ABORTED) {
      gci_h1_exchange_free(e);
      continue;
    }
    leave(e);
    if (e->stage != GCI_H1_NOT_BEGUN) gci_out_fini(&e->own);
    e->answers = NULL;
    gci_mem_ref(e->mem);
  }
}

void gci_h1_answers_fini(struct gci_h1_answers *a) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&a->spare)) != NULL)
    gci_mem_free(a->mem, exchange_of(link), sizeof(struct gci_h1_exchange));
  gci_out_fini(&a->out);
}

/* ------------------------------------------------------------------------------------ order -- */

static void check(struct gci_h1_answers *a, int err) {
  if (err != 0) a->broken = 1;
}

void gci_h1_answers_settle(struct gci_h1_answers *a) {
  if (a->n_pending > 0 || gci_h1_answers_dead(a)) return;
  if (a->refusal != GCI_H1_SOUND) {
    struct gci_http_message answer = {.status = gci_h1_fault_status(a->refusal)};
    a->refusal = GCI_H1_SOUND;
    check(a, gci_h1_write_answer(&a->out, &answer, GCI_H1_WITH_BODY, GCI_H1_THEN_CLOSE));
  } else if (a->owes_continue) {
    a->owes_continue = 0;
    check(a, gci_out_text(&a->out, GCI_LIT("HTTP/1.1 100 Continue\r\n\r\n")));
  }
}

void gci_h1_answers_refuse(struct gci_h1_answers *a, enum gci_h1_fault fault) {
  a->last_taken = 1;
  a->refusal = fault;
  gci_h1_answers_settle(a);
}

enum gci_h1_then gci_h1_then_of(const struct gci_h1_exchange *e) {
  const struct gci_h1_answers *a = e->answers;
  int is_last = a->last_taken && gci_list_back(&a->pending) == &e->link;
  if (is_last && a->refusal == GCI_H1_SOUND) return GCI_H1_THEN_CLOSE;
  return e->keep_said ? GCI_H1_THEN_KEEP_SAID : GCI_H1_THEN_KEEP;
}

/* Frees what was held for the answer that has just been written. */
static void release_held(struct gci_h1_answers *a) {
  while (!gci_list_empty(&a->pending) && !gci_h1_answers_dead(a)) {
    struct gci_h1_exchange *e = exchange_of(gci_list_front(&a->pending));
    if (e->held != NULL)
      check(a, gci_h1_write_held(&a->out, e->held, gci_h1_then_of(e)));
    else if (!gci_h1_stream_release(e))
      return;
    gci_h1_exchange_free(e);
  }
}

void gci_h1_exchange_leave(struct gci_h1_exchange *e) {
  struct gci_h1_answers *a = e->answers;
  gci_h1_exchange_free(e);
  release_held(a);
  gci_h1_answers_settle(a);
}

/* ----------------------------------------------------------------------------- whole answers -- */

static int answer_exchange(struct gci_h1_exchange *e, const struct gci_http_message *answer) {
  struct gci_h1_answers *a = e->answers;
  if (!gci_h1_answers_dead(a) && !gci_h1_in_turn(e)) {
    e->held = gci_h1_hold(e->mem, answer, e->extent);
    a->held_bytes += gci_h1_held_bytes(e->held);
    if (e->held != NULL) return 0;
    a->broken = 1;
  }
  if (!gci_h1_answers_dead(a))
    check(a, gci_h1_write_answer(&a->out, answer, e->extent, gci_h1_then_of(e)));
  gci_h1_exchange_leave(e);
  return a->broken ? UV_ENOMEM : 0;
}

static int reply(struct gci_http_exchange *x, const struct gci_http_message *answer) {
  struct gci_h1_exchange *e = gci_container_of(x, struct gci_h1_exchange, x);
  struct gci_h1_answers *a = e->answers;
  if (a == NULL) {
    gci_h1_exchange_free(e);
    return 0;
  }
  size_t owed = a->n_pending;
  int err = answer_exchange(e, answer);
  int held = err == 0 && a->n_pending == owed;
  if (!held) a->ready(a);
  return err;
}

/* ------------------------------------------------------------------------------- requests -- */

static gcache_bytes_t put(char **at, gcache_bytes_t bytes) {
  char *copy = *at;
  if (bytes.len > 0) memcpy(copy, bytes.base, bytes.len);
  *at += bytes.len;
  return gcache_bytes(copy, bytes.len);
}

/* Copies the head into its own block: headers, texts. */
static int keep(struct gci_http_exchange *x) {
  struct gci_h1_exchange *e = gci_container_of(x, struct gci_h1_exchange, x);
  struct gci_http_head *head = &x->head;
  size_t headers_size = head->n_headers * sizeof(gcache_header_t);
  size_t size = headers_size + head->target.len;
  if (e->kept != NULL) return 0;
  for (size_t i = 0; i < head->n_headers; i++)
    size += head->headers[i].name.len + head->headers[i].value.len;
  e->kept = gci_mem_alloc(e->mem, size);
  if (e->kept == NULL) return UV_ENOMEM;
  e->kept_size = size;
  if (e->answers != NULL) e->answers->pending_bytes += size;
  gcache_header_t *headers = (gcache_header_t *)(void *)e->kept;
  char *at = e->kept + headers_size;
  head->target = put(&at, head->target);
  for (size_t i = 0; i < head->n_headers; i++) {
    headers[i].name = put(&at, head->headers[i].name);
    headers[i].value = put(&at, head->headers[i].value);
  }
  head->headers = headers;
  return 0;
}

/* A detached exchange costs its connection nothing any more. */
void gci_h1_exchange_settle(struct gci_h1_exchange *e) {
  if (e->answers != NULL) {
    e->in_flight = cost(e);
    gci_in_flight_add(&e->mem->in_flight, e->in_flight);
    e->mem->in_flight.requests++;
  }
  if (e->kept != NULL) return;
  e->x.head.target = gcache_bytes("", 0);
  e->x.head.headers = NULL;
  e->x.head.n_headers = 0;
}

static const struct gci_http_exchange_ops exchange_ops = {.keep = keep,
                                                          .reply = reply,
                                                          .begin = gci_h1_stream_begin,
                                                          .part = gci_h1_stream_part,
                                                          .end = gci_h1_stream_end,
                                                          .abort = gci_h1_stream_abort,
                                                          .waiting = gci_h1_stream_waiting};

static struct gci_h1_exchange *exchange_new(struct gci_h1_answers *a) {
  struct gcache_link_s *link = gci_list_pop_front(&a->spare);
  if (link == NULL) return gci_mem_alloc(a->mem, sizeof(struct gci_h1_exchange));
  a->n_spare--;
  return exchange_of(link);
}

struct gci_h1_exchange *gci_h1_answers_owe(struct gci_h1_answers *a,
                                           const struct gci_http_head *head, gcache_value_t *body,
                                           int keep_said) {
  struct gci_h1_exchange *e = exchange_new(a);
  if (e == NULL) return NULL;
  int is_head = gci_bytes_equal(head->method, GCI_LIT("HEAD"));
  e->x = (struct gci_http_exchange){.ops = &exchange_ops, .head = *head, .body = body};
  gci_link_init(&e->link);
  e->answers = a;
  e->mem = a->mem;
  e->watcher = NULL;
  e->kept = NULL;
  e->kept_size = 0;
  e->body_len = body == NULL ? 0 : gcache_value_bytes(body).len;
  e->held = NULL;
  e->in_flight = 0;
  e->extent = is_head ? GCI_H1_HEAD_ONLY : GCI_H1_WITH_BODY;
  e->keep_said = keep_said;
  e->stage = GCI_H1_NOT_BEGUN;
  gci_list_push_back(&a->pending, &e->link);
  a->n_pending++;
  a->pending_bytes += cost(e);
  a->owes_continue = 0;
  return e;
}
