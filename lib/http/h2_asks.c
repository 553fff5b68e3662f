/* http/h2_asks - see the header. */
#include "http/h2_asks.h"

#include <stdio.h>
#include <uv.h>

/* Frames that may follow a request without being counted: 1xx and real heads, trailers, an empty
 * end, windows, a reset; and as many as a long head has. */
#define EARNED_BY_REQUEST 8

void gci_h2_asks_init(struct gci_h2_asks *all, struct gci_h2 *h, size_t *pending) {
  all->h = h;
  all->pending = pending;
  gci_list_init(&all->all);
  gci_list_init(&all->over);
}

static void drop_answer(struct gci_h2_ask *ask) {
  gci_mem_free(ask->of->h->mem, ask->block.base, ask->block.size);
  ask->block.base = NULL;
  gci_h1_body_fini(&ask->body);
}

static void ask_free(struct gci_h2_ask *ask) {
  struct gci_mem *mem = ask->of->h->mem;
  gci_link_unlink(&ask->link);
  gci_link_unlink(&ask->over);
  drop_answer(ask);
  gci_h2_content_fini(&ask->content);
  gci_mem_free(mem, ask, sizeof *ask);
}

void gci_h2_asks_fini(struct gci_h2_asks *all) {
  struct gcache_link_s *link;
  while ((link = gci_list_front(&all->all)) != NULL)
    ask_free(gci_container_of(link, struct gci_h2_ask, link));
}

int gci_h2_ask_begin(struct gci_h2_asks *all, const char *scheme,
                     const struct gci_http_message *request, void *tag) {
  struct gci_h2_ask *ask = gci_mem_zalloc(all->h->mem, sizeof *ask);
  if (ask == NULL) return NGHTTP2_ERR_NOMEM;
  ask->of = all;
  ask->tag = tag;
  gci_h1_body_init(&ask->body, all->h->mem, 0);
  gci_h2_content_init(&ask->content, all->h->mem);
  ask->id = gci_h2_submit_request(all->h->ng, scheme, &ask->content, request, ask);
  if (ask->id < 0) {
    int err = ask->id;
    ask_free(ask);
    return err;
  }
  ask->open = 1;
  all->h->windows += GCI_H2_ANSWER_WINDOW;
  gci_list_push_back(&all->all, &ask->link);
  ++*all->pending;
  gci_h2_guard_earn(&all->h->guard,
                    EARNED_BY_REQUEST + (unsigned)(all->h->limits->head_max / GCI_H2_CONTROL_LEN));
  return 0;
}

struct gci_h2_ask *gci_h2_ask_of_tag(const struct gci_h2_asks *all, const void *tag) {
  gci_list_each(link, &all->all) {
    struct gci_h2_ask *ask = gci_container_of(link, struct gci_h2_ask, link);
    if (ask->tag == tag && ask->stage != GCI_H2_ASK_TOLD) return ask;
  }
  return NULL;
}

static void enter(struct gci_h2_ask *ask, enum gci_h2_ask_stage stage) {
  ask->stage = stage;
  gci_list_push_back(&ask->of->over, &ask->over);
}

void gci_h2_ask_answered(struct gci_h2_ask *ask) {
  enter(ask, GCI_H2_ASK_WHOLE);
}

void gci_h2_ask_fail(struct gci_h2_ask *ask, int status, const char *why) {
  if (ask->stage != GCI_H2_ASK_AWAITED) return;
  ask->status = status;
  ask->why = why;
  enter(ask, GCI_H2_ASK_FAILED);
}

int gci_h2_ask_reset(struct gci_h2_ask *ask, int status, const char *why) {
  gci_h2_ask_fail(ask, status, why);
  return nghttp2_submit_rst_stream(ask->of->h->ng, NGHTTP2_FLAG_NONE, ask->id, NGHTTP2_CANCEL);
}

static void told(struct gci_h2_ask *ask) {
  --*ask->of->pending;
  gci_link_unlink(&ask->over);
  ask->stage = GCI_H2_ASK_TOLD;
  drop_answer(ask);
  if (!ask->open) ask_free(ask);
}

int gci_h2_ask_cancel(struct gci_h2_ask *ask) {
  struct gci_h2 *h = ask->of->h;
  int err = 0;
  if (ask->open && !gci_h2_done(h))
    err = nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, ask->id, NGHTTP2_CANCEL);
  told(ask);
  return err;
}

void gci_h2_ask_closed(struct gci_h2_ask *ask, uint32_t code) {
  ask->open = 0;
  ask->code = code;
  gci_h2_content_fini(&ask->content);
  if (ask->is_reset || code == NGHTTP2_REFUSED_STREAM)
    gci_h2_ask_fail(ask, GCACHE_EPEER, NULL);
  else
    gci_h2_ask_fail(ask, UV_EPROTO, "malformed answer");
  if (ask->stage == GCI_H2_ASK_TOLD) ask_free(ask);
}

/* ---------------------------------------------------------------------------------- telling -- */

static void tell_answer(struct gci_h2_ask *ask) {
  struct gci_h2_asks *all = ask->of;
  struct gci_mem *mem = gci_mem_ref(all->h->mem); /* the event may close all */
  struct gci_h2_block block = ask->block;
  gcache_value_t *body = gci_h1_body_finish(&ask->body);
  void *tag = ask->tag;
  ask->block.base = NULL;
  told(ask);
  all->events->response(all->user, tag, &block.head, body);
  gcache_value_unref(body);
  gci_mem_free(mem, block.base, block.size);
  gci_mem_unref(mem);
}

static void tell_failure(struct gci_h2_ask *ask) {
  struct gci_h2_asks *all = ask->of;
  char words[64];
  const char *why = ask->why;
  void *tag = ask->tag;
  int status = ask->status, unprocessed = why == NULL && ask->code == NGHTTP2_REFUSED_STREAM;
  if (why == NULL) {
    snprintf(words, sizeof words, "the stream was reset: %s", nghttp2_http2_strerror(ask->code));
    why = words;
  }
  told(ask);
  all->events->failed(all->user, tag, status, why, unprocessed);
}

int gci_h2_asks_tell(struct gci_h2_asks *all) {
  struct gcache_link_s *link = gci_list_front(&all->over);
  if (link == NULL) return 0;
  struct gci_h2_ask *ask = gci_container_of(link, struct gci_h2_ask, over);
  if (ask->stage == GCI_H2_ASK_WHOLE)
    tell_answer(ask);
  else
    tell_failure(ask);
  return 1;
}
