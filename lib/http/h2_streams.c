/* http/h2_streams - see the header. */
#include "http/h2_streams.h"

#include <string.h>

#include "http/session.h"

#define STEP ((uint64_t)1024 * 1024) /* a body is allowed this much more than has come, */
#define STEP_FLOOR (STEP / 2)        /* when less than this is left of its window */
#define RATE_GRACE_MS 5000           /* of a body, before its rate is judged */
#define RATE_EVERY_MS 1000

static struct gci_h2_stream *stream_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_h2_stream, link);
}

void gci_h2_streams_init(struct gci_h2_streams *all, struct gci_h2 *h) {
  memset(all, 0, sizeof *all);
  all->h = h;
  gci_list_init(&all->all);
  gci_list_init(&all->whole);
  gci_list_init(&all->gone);
}

/* ---------------------------------------------------------------------------------- stages -- */

struct gci_h2_stream *gci_h2_stream_begin(struct gci_h2_streams *all, struct gci_h2_block *block,
                                          int32_t id) {
  struct gci_mem *mem = all->h->mem;
  struct gci_h2_stream *e = block->base;
  *e = (struct gci_h2_stream){.x = {.head = block->head},
                              .of = all,
                              .mem = gci_mem_ref(mem),
                              .size = block->size,
                              .id = id,
                              .stage = GCI_H2_RECEIVING,
                              .allowed = GCI_H2_REQUEST_WINDOW};
  gci_h1_body_init(&e->body, mem, 0);
  gci_h2_content_init(&e->content, mem);
  gci_list_push_back(&all->all, &e->link);
  all->open++;
  all->receiving++;
  return e;
}

int gci_h2_stream_owes(const struct gci_h2_stream *e) {
  return e->stage == GCI_H2_OWED || e->stage == GCI_H2_STREAMING;
}

static int holds_body(const struct gci_h2_stream *e) {
  return e->stage == GCI_H2_WHOLE || gci_h2_stream_owes(e);
}

/* The size of a request that waits for its answer. */
static size_t cost(const struct gci_h2_stream *e) {
  return e->size + (size_t)e->body_len;
}

static void leave_stage(struct gci_h2_stream *e) {
  struct gci_h2_streams *all = e->of;
  if (all == NULL) return;
  if (e->stage == GCI_H2_RECEIVING) {
    all->receiving--;
    all->granted -= e->allowed - GCI_H2_REQUEST_WINDOW;
  }
  if (holds_body(e)) {
    all->unanswered -= e->body_len;
    gci_in_flight_drop(&e->mem->in_flight, cost(e));
    e->mem->in_flight.requests--;
  }
  gci_link_unlink(&e->whole);
}

void gci_h2_stream_enter(struct gci_h2_stream *e, enum gci_h2_stage stage) {
  leave_stage(e);
  e->stage = stage;
  if (holds_body(e)) {
    e->of->unanswered += e->body_len;
    gci_in_flight_add(&e->mem->in_flight, cost(e));
    e->mem->in_flight.requests++;
  }
  if (stage == GCI_H2_WHOLE) gci_list_push_back(&e->of->whole, &e->whole);
  e->of->watch_ms = 0;
}

void gci_h2_stream_free(struct gci_h2_stream *e) {
  struct gci_mem *mem = e->mem;
  leave_stage(e);
  gci_link_unlink(&e->link);
  if (e->of != NULL && e->id != 0) e->of->open--;
  gcache_value_unref(e->x.body);
  gci_h1_body_fini(&e->body);
  gci_h2_content_fini(&e->content);
  gci_mem_free(mem, e, e->size);
  gci_mem_unref(mem);
}

void gci_h2_stream_closed(struct gci_h2_stream *e) {
  if (!gci_h2_stream_owes(e)) {
    gci_h2_stream_free(e);
    return;
  }
  int is_cut = e->stage == GCI_H2_OWED || e->content.open;
  gci_h2_content_fini(&e->content);
  e->id = 0;
  e->of->open--;
  if (is_cut) gci_list_push_back(&e->of->gone, &e->whole);
}

void gci_h2_streams_leave(struct gci_h2_streams *all) {
  struct gcache_link_s *link;
  while ((link = gci_list_front(&all->all)) != NULL) {
    struct gci_h2_stream *e = stream_of(link);
    if (gci_h2_stream_owes(e)) {
      gci_link_unlink(link);
      leave_stage(e);
      gci_h2_content_fini(&e->content);
      e->of = NULL;
    } else {
      gci_h2_stream_free(e);
    }
  }
  all->open = 0;
}

uint64_t gci_h2_streams_received(const struct gci_h2_streams *all) {
  uint64_t sum = 0;
  gci_list_each(link, &all->all) {
    const struct gci_h2_stream *e = stream_of(link);
    if (e->stage == GCI_H2_RECEIVING) sum += e->body.used;
  }
  return sum;
}

/* --------------------------------------------------------------------------------- windows -- */

static struct gci_h2_stream *oldest_receiving(const struct gci_h2_streams *all) {
  gci_list_each(link, &all->all) {
    if (stream_of(link)->stage == GCI_H2_RECEIVING) return stream_of(link);
  }
  return NULL;
}

/* How much more window e should get. */
static uint64_t due(const struct gci_h2_stream *e) {
  uint64_t received = e->body.used, target = received + STEP;
  if (e->stage != GCI_H2_RECEIVING || e->allowed >= e->want) return 0;
  if (e->allowed - received >= STEP_FLOOR) return 0;
  return (target < e->want ? target : e->want) - e->allowed;
}

static int give(struct gci_h2_stream *e, int is_oldest) {
  struct gci_h2_streams *all = e->of;
  uint64_t more = due(e);
  if (more == 0 || all->unanswered >= GCI_H2_UNANSWERED_MAX) return 0;
  if (!is_oldest && all->granted + more > GCI_H2_GRANTS_MAX) return 0;
  int err = nghttp2_submit_window_update(all->h->ng, NGHTTP2_FLAG_NONE, e->id, (int32_t)more);
  if (err != 0) return err;
  e->allowed += more;
  all->granted += more;
  all->h->windows += more;
  return 0;
}

int gci_h2_stream_grant(struct gci_h2_stream *e) {
  if (due(e) == 0) return 0;
  return give(e, e == oldest_receiving(e->of));
}

int gci_h2_streams_grant(struct gci_h2_streams *all) {
  int is_oldest = 1, err = 0;
  if (all->receiving == 0) return 0;
  gci_list_each(link, &all->all) {
    struct gci_h2_stream *e = stream_of(link);
    if (e->stage != GCI_H2_RECEIVING) continue;
    if (err == 0) err = give(e, is_oldest);
    is_oldest = 0;
  }
  return err;
}

/* ----------------------------------------------------------------------------------- times -- */

/* Nonzero: the time is over; otherwise *next_ms is set no later than its end. */
static int passed(uint64_t since_ms, uint64_t allowed_ms, uint64_t now_ms, uint64_t *next_ms) {
  if (now_ms - since_ms >= allowed_ms) return 1;
  if (allowed_ms < *next_ms - since_ms) *next_ms = since_ms + allowed_ms;
  return 0;
}

static enum gci_h2_slowness judge_body(struct gci_h2_stream *e, const gcache_limits_t *limits,
                                       uint64_t now_ms, uint64_t *next_ms) {
  int waits_for_us = e->body.used >= e->allowed && e->allowed < e->want;
  if (waits_for_us) e->since_ms = now_ms;
  if (passed(e->since_ms, limits->body_timeout_ms, now_ms, next_ms)) return GCI_H2_LATE_BODY;
  if (!passed(e->since_ms, RATE_GRACE_MS, now_ms, next_ms)) return GCI_H2_IN_TIME;
  passed(now_ms, RATE_EVERY_MS, now_ms, next_ms);
  uint64_t seconds = (now_ms - e->since_ms) / 1000;
  return e->body.used / seconds < limits->body_rate_min ? GCI_H2_LATE_BODY : GCI_H2_IN_TIME;
}

/* Its DATA waits for a window; the connection watches the waits for the socket. */
static int is_blocked(const struct gci_h2_stream *e) {
  nghttp2_session *ng = e->of->h->ng;
  return e->content.left > 0 && (nghttp2_session_get_stream_remote_window_size(ng, e->id) <= 0 ||
                                 nghttp2_session_get_remote_window_size(ng) <= 0);
}

/* A window that is opened a little at a time does not restart its clock. */
static int makes_progress(const struct gci_h2_stream *e) {
  return e->content.written - e->written_seen >= gci_http_progress_min(e->of->h->limits);
}

static enum gci_h2_slowness judge_answer(struct gci_h2_stream *e, uint64_t now_ms,
                                         uint64_t *next_ms) {
  uint64_t allowed_ms = e->of->h->limits->write_stall_ms;
  if (!is_blocked(e) || makes_progress(e)) {
    e->written_seen = e->content.written;
    e->blocked_ms = 0;
    passed(now_ms, RATE_EVERY_MS, now_ms, next_ms); /* it may be blocked by then */
    return GCI_H2_IN_TIME;
  }
  if (e->blocked_ms == 0) e->blocked_ms = now_ms > 0 ? now_ms : 1;
  return passed(e->blocked_ms, allowed_ms, now_ms, next_ms) ? GCI_H2_STALLED_ANSWER
                                                            : GCI_H2_IN_TIME;
}

enum gci_h2_slowness gci_h2_stream_judge(struct gci_h2_stream *e, uint64_t now_ms,
                                         uint64_t *next_ms) {
  if (e->id == 0) return GCI_H2_IN_TIME;
  if (e->stage == GCI_H2_RECEIVING) return judge_body(e, e->of->h->limits, now_ms, next_ms);
  if (e->stage == GCI_H2_ANSWERED || e->stage == GCI_H2_STREAMING)
    return judge_answer(e, now_ms, next_ms);
  return GCI_H2_IN_TIME;
}
