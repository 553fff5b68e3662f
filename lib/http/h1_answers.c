#include "http/h1_answers.h"

#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "http/h1_stream.h"

static struct gci_h1_exchange *exchange_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_h1_exchange, link);
}

void gci_h1_exchange_free(struct gci_h1_exchange *e) {
  struct gci_mem *mem = e->mem;
  gci_link_unlink(&e->link);
  if (e->answers != NULL) {
    e->answers->n_pending--;
    e->answers->pending_bytes -= e->size + e->body_len;
    e->answers->early -= e->own.bytes;
  }
  gcache_value_unref(e->x.body);
  gci_h1_held_free(mem, e->held);
  gci_out_fini(&e->own);
  gci_mem_free(mem, e, e->size);
  gci_mem_unref(mem);
}

void gci_h1_answers_init(struct gci_h1_answers *a, struct gci_mem *mem,
                         void (*ready)(struct gci_h1_answers *a)) {
  *a = (struct gci_h1_answers){.mem = mem, .ready = ready};
  gci_out_init(&a->out, mem);
  gci_list_init(&a->pending);
}

void gci_h1_answers_detach(struct gci_h1_answers *a) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&a->pending)) != NULL) {
    struct gci_h1_exchange *e = exchange_of(link);
    e->answers = NULL;
    if (e->held != NULL || e->stage == GCI_H1_ENDED || e->stage == GCI_H1_ABORTED)
      gci_h1_exchange_free(e);
    else
      gci_out_fini(&e->own);
  }
  a->n_pending = a->pending_bytes = a->early = 0;
}

void gci_h1_answers_fini(struct gci_h1_answers *a) {
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

/* What was held for the answer that has just left. */
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

/* ------------------------------------------------------------------------------ whole answers -- */

static int answer_exchange(struct gci_h1_exchange *e, const struct gci_http_message *answer) {
  struct gci_h1_answers *a = e->answers;
  if (!gci_h1_answers_dead(a) && !gci_h1_in_turn(e)) {
    e->held = gci_h1_hold(e->mem, answer, e->extent);
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

static const struct gci_http_exchange_ops exchange_ops = {.reply = reply,
                                                          .begin = gci_h1_stream_begin,
                                                          .part = gci_h1_stream_part,
                                                          .end = gci_h1_stream_end,
                                                          .abort = gci_h1_stream_abort,
                                                          .waiting = gci_h1_stream_waiting};

struct gci_http_exchange *gci_h1_answers_owe(struct gci_h1_answers *a, struct gci_h1_block block,
                                             const struct gci_http_head *head, gcache_value_t *body,
                                             int keep_said) {
  struct gci_h1_exchange *e = block.base;
  int is_head = gci_bytes_equal(head->method, GCI_LIT("HEAD"));
  *e = (struct gci_h1_exchange){.x = {.ops = &exchange_ops, .head = *head, .body = body},
                                .answers = a,
                                .mem = gci_mem_ref(a->mem),
                                .size = block.size,
                                .body_len = body == NULL ? 0 : gcache_value_bytes(body).len,
                                .extent = is_head ? GCI_H1_HEAD_ONLY : GCI_H1_WITH_BODY,
                                .keep_said = keep_said};
  gci_out_init(&e->own, e->mem);
  gci_list_push_back(&a->pending, &e->link);
  a->n_pending++;
  a->pending_bytes += e->size + e->body_len;
  a->owes_continue = 0;
  return &e->x;
}
