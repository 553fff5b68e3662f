/* http/h2_answer - see the header. */
#include "http/h2_answer.h"

#include <uv.h>

static struct gci_h2_stream *stream_of(struct gci_http_exchange *x) {
  return gci_container_of(x, struct gci_h2_stream, x);
}

/* Its stream is closed, or ignored: the answer is dropped. */
static int is_lost(const struct gci_h2_stream *e) {
  return e->of == NULL || e->id == 0 || gci_h2_done(e->of->h);
}

/* The end of every call of the code above. */
static int conclude(struct gci_h2_streams *all) {
  gci_h2_checked(all->h, gci_h2_streams_grant(all));
  int err = all->h->broken ? UV_ENOMEM : 0;
  all->ready(all);
  return err;
}

/* x is gone; its stream lives on if it is open. */
static int leave(struct gci_h2_stream *e) {
  struct gci_h2_streams *all = e->of;
  if (all == NULL) {
    gci_h2_stream_free(e);
    return 0;
  }
  gci_h2_stream_enter(e, GCI_H2_ANSWERED);
  gcache_value_unref(e->x.body);
  e->x.body = NULL;
  if (e->id == 0) gci_h2_stream_free(e);
  return conclude(all);
}

/* Large answers take turns, so that a small one need not wait for the end of the one before it. */
static int take_turns(struct gci_h2_stream *e) {
  static const nghttp2_extpri together = {NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  return nghttp2_session_change_extpri_stream_priority(e->of->h->ng, e->id, &together, 1);
}

static void note(struct gci_h2_stream *e, int err) {
  gci_h2_checked(e->of->h, err == 0 ? take_turns(e) : err);
}

static int reply(struct gci_http_exchange *x, const struct gci_http_message *answer) {
  struct gci_h2_stream *e = stream_of(x);
  if (!is_lost(e))
    note(e, gci_h2_submit_answer(e->of->h->ng, e->id, &e->content, answer, e->extent));
  return leave(e);
}

static int begin(struct gci_http_exchange *x, const struct gci_http_message *head) {
  struct gci_h2_stream *e = stream_of(x);
  if (e->of == NULL) return 0;
  gci_h2_stream_enter(e, GCI_H2_STREAMING);
  if (is_lost(e)) return 0;
  note(e, gci_h2_submit_begin(e->of->h->ng, e->id, &e->content, head, e->extent));
  return conclude(e->of);
}

/* nghttp2 has asked for more of the body when there was none. */
static int go_on(struct gci_h2_stream *e) {
  if (!e->content.rests) return 0;
  e->content.rests = 0;
  return nghttp2_session_resume_data(e->of->h->ng, e->id);
}

static int add_part(struct gci_http_exchange *x, const struct gci_http_message *part) {
  struct gci_h2_stream *e = stream_of(x);
  if (is_lost(e) || !e->content.open) return 0;
  int err = gci_h2_content_add(&e->content, part) == 0 ? go_on(e) : NGHTTP2_ERR_NOMEM;
  gci_h2_checked(e->of->h, err);
  e->of->watch_ms = 0;
  return conclude(e->of);
}

static int end(struct gci_http_exchange *x) {
  struct gci_h2_stream *e = stream_of(x);
  if (!is_lost(e)) {
    e->content.open = 0;
    gci_h2_checked(e->of->h, go_on(e));
  }
  return leave(e);
}

static void give_up(struct gci_http_exchange *x) {
  struct gci_h2_stream *e = stream_of(x);
  if (!is_lost(e))
    gci_h2_checked(e->of->h, nghttp2_submit_rst_stream(e->of->h->ng, NGHTTP2_FLAG_NONE, e->id,
                                                       NGHTTP2_INTERNAL_ERROR));
  leave(e);
}

/* Bytes in the content, and in the output that the socket has not taken. */
static size_t waiting(const struct gci_http_exchange *x) {
  const struct gci_h2_stream *e = (const struct gci_h2_stream *)x;
  if (is_lost(e)) return 0;
  const struct gci_h2 *h = e->of->h;
  uint64_t gone = h->said - h->out.bytes, end_at = e->content.end_at;
  uint64_t in_out = end_at > gone ? end_at - gone : 0;
  if (in_out > e->content.written) in_out = e->content.written;
  return e->content.left + (size_t)in_out;
}

/* The head lies in the stream. */
static int keep(struct gci_http_exchange *x) {
  (void)x;
  return 0;
}

const struct gci_http_exchange_ops gci_h2_exchange_ops = {.keep = keep,
                                                          .reply = reply,
                                                          .begin = begin,
                                                          .part = add_part,
                                                          .end = end,
                                                          .abort = give_up,
                                                          .waiting = waiting};

int gci_h2_refuse(struct gci_h2 *h, int32_t stream, int status) {
  struct gci_http_message answer = {.status = status};
  struct gci_h2_content none;
  gci_h2_content_init(&none, h->mem);
  return gci_h2_submit_answer(h->ng, stream, &none, &answer, GCI_H2_HEAD_ONLY);
}
