#include "http/h1_stream.h"

#include <assert.h>
#include <uv.h>

static struct gci_h1_exchange *exchange_of(struct gci_http_exchange *x) {
  return gci_container_of(x, struct gci_h1_exchange, x);
}

/* Nobody reads the output any more. */
static int is_lost(const struct gci_h1_exchange *e) {
  return e->answers == NULL || gci_h1_answers_dead(e->answers);
}

/* -------------------------------------------------------------------------- what is written -- */

static struct gci_out *queue_of(struct gci_h1_exchange *e) {
  return gci_h1_in_turn(e) ? &e->answers->out : &e->own;
}

/* After something was added to the queue, which had `before` bytes. */
static int added(struct gci_h1_exchange *e, size_t before, int err) {
  struct gci_h1_answers *a = e->answers;
  if (gci_h1_in_turn(e))
    e->put += a->out.bytes - before;
  else
    a->early += e->own.bytes - before;
  if (err != 0) a->broken = 1;
  return err;
}

static void tell(struct gci_h1_answers *a, int in_turn) {
  if (in_turn || a->broken) a->ready(a);
}

static void begin_parts(struct gci_h1_exchange *e, enum gci_h1_stage stage) {
  e->stage = stage;
  e->kind = GCI_H1_NO_BODY;
  e->put = 0;
  gci_out_init(&e->own, e->mem);
}

int gci_h1_stream_begin(struct gci_http_exchange *x, const struct gci_http_message *head) {
  struct gci_h1_exchange *e = exchange_of(x);
  struct gci_h1_answers *a = e->answers;
  assert(e->stage == GCI_H1_NOT_BEGUN);
  begin_parts(e, GCI_H1_STREAMING);
  if (is_lost(e)) return 0;
  e->kind = gci_h1_streamed_kind(head, e->extent, x->head.version_minor);
  if (e->kind == GCI_H1_UNTIL_EOF) a->last_taken = 1;
  struct gci_out *out = queue_of(e);
  enum gci_h1_then then = e->kind == GCI_H1_UNTIL_EOF ? GCI_H1_THEN_CLOSE : gci_h1_then_of(e);
  size_t before = out->bytes;
  int err = added(e, before, gci_h1_write_begin(out, head, e->kind, then));
  tell(a, gci_h1_in_turn(e));
  return err;
}

int gci_h1_stream_part(struct gci_http_exchange *x, const struct gci_http_message *part) {
  struct gci_h1_exchange *e = exchange_of(x);
  struct gci_h1_answers *a = e->answers;
  assert(e->stage == GCI_H1_STREAMING);
  if (is_lost(e)) return 0;
  struct gci_out *out = queue_of(e);
  size_t before = out->bytes;
  int err = added(e, before, gci_h1_write_part(out, part, e->kind));
  tell(a, gci_h1_in_turn(e));
  return err;
}

/* ------------------------------------------------------------------------------ how it ends -- */

/* All of it is in the output, as far as it came. */
static void close_behind(const struct gci_h1_exchange *e) {
  if (e->stage == GCI_H1_ENDED && e->kind != GCI_H1_UNTIL_EOF) return;
  e->answers->cut = 1;
  e->answers->last_taken = 1;
}

int gci_h1_stream_release(struct gci_h1_exchange *e) {
  struct gci_h1_answers *a = e->answers;
  if (e->stage == GCI_H1_NOT_BEGUN) return 0;
  a->early -= e->own.bytes;
  e->put = e->own.bytes;
  gci_out_move(&a->out, &e->own);
  if (e->stage != GCI_H1_ENDED && e->stage != GCI_H1_ABORTED) return 0;
  close_behind(e);
  return 1;
}

static int finish(struct gci_h1_exchange *e) {
  struct gci_h1_answers *a = e->answers;
  int in_turn = gci_h1_in_turn(e);
  if (in_turn && !gci_h1_answers_dead(a)) close_behind(e);
  if (in_turn || gci_h1_answers_dead(a)) gci_h1_exchange_leave(e);
  int err = a->broken ? UV_ENOMEM : 0;
  tell(a, in_turn);
  return err;
}

int gci_h1_stream_end(struct gci_http_exchange *x) {
  struct gci_h1_exchange *e = exchange_of(x);
  assert(e->stage == GCI_H1_STREAMING);
  e->stage = GCI_H1_ENDED;
  if (e->answers == NULL) {
    gci_h1_exchange_free(e);
    return 0;
  }
  if (!is_lost(e)) {
    struct gci_out *out = queue_of(e);
    size_t before = out->bytes;
    added(e, before, gci_h1_write_end(out, e->kind));
  }
  return finish(e);
}

void gci_h1_stream_abort(struct gci_http_exchange *x) {
  struct gci_h1_exchange *e = exchange_of(x);
  if (e->stage == GCI_H1_NOT_BEGUN) begin_parts(e, GCI_H1_ABORTED);
  e->stage = GCI_H1_ABORTED;
  if (e->answers == NULL) {
    gci_h1_exchange_free(e);
    return;
  }
  e->answers->last_taken = 1; /* no request after it will be answered */
  finish(e);
}

size_t gci_h1_stream_waiting(const struct gci_http_exchange *x) {
  const struct gci_h1_exchange *e = (const struct gci_h1_exchange *)x;
  if (is_lost(e)) return 0;
  if (!gci_h1_in_turn(e)) return e->answers->early;
  if (e->stage == GCI_H1_NOT_BEGUN) return 0;
  /* The output is a queue, and nothing is added to it after this answer. */
  size_t out = e->answers->out.bytes;
  return out < e->put ? out : (size_t)e->put;
}
