/* http/h1_receive - see the header. A head is always complete before it is parsed, so the pieces in
 * which it came make no difference to llhttp or the frame. */
#include "http/h1_receive.h"

#include <string.h>

#include "base/bytes.h"

enum state {
  START,
  EMPTY_LF, /* after the CR of an empty line before a request */
  BEGIN,    /* that line is over */
  HEAD,
  BODY,
  ENDED, /* complete, and not yet taken */
  BROKEN
};

/* Begins a head that must be read. */
static void begin_head(struct gci_h1_receive *r) {
  r->state = HEAD;
  gci_h1_heads_begin(&r->heads);
  if (r->heads.role == GCI_H1_REQUESTS)
    gci_h1_guard_request(&r->guard, r->limits);
  else
    gci_h1_guard_answer(&r->guard, r->limits);
}

void gci_h1_receive_init(struct gci_h1_receive *r, struct gci_mem *mem,
                         const gcache_limits_t *limits, enum gci_h1_role role) {
  memset(r, 0, sizeof *r);
  r->mem = mem;
  r->limits = limits;
  gci_h1_heads_init(&r->heads, mem, limits, role);
  gci_h1_body_init(&r->body, mem, 0);
  r->body.whom = role == GCI_H1_ANSWERS ? GCI_FOR_US : GCI_FOR_OTHERS;
  r->state = START;
}

void gci_h1_receive_fini(struct gci_h1_receive *r) {
  gci_h1_heads_fini(&r->heads);
  gci_h1_body_fini(&r->body);
  r->state = BROKEN;
}

static enum gci_h1_reached fail(struct gci_h1_receive *r, enum gci_h1_fault fault) {
  gci_h1_receive_fini(r);
  r->fault = fault;
  return GCI_H1_FAULTY;
}

static enum gci_h1_reached begin_large(struct gci_h1_receive *r, size_t stated) {
  if (gci_h1_body_fits(&r->body, stated)) return GCI_H1_BODY_BEGINS;
  r->mem->in_flight.shed++;
  return fail(r, GCI_H1_BAD_ROOM);
}

static enum gci_h1_reached begin_body(struct gci_h1_receive *r) {
  r->state = ENDED;
  if (r->frame.kind == GCI_H1_NO_BODY) return GCI_H1_WHOLE;
  r->state = BODY;
  if (r->frame.kind == GCI_H1_CHUNKED) gci_h1_chunks_init(&r->chunks, r->limits, r->heads.body_max);
  size_t stated = r->frame.kind == GCI_H1_LENGTH ? (size_t)r->frame.length : 0;
  gci_h1_body_begin(&r->body, stated > 0 ? stated : (size_t)r->heads.body_max, stated);
  return stated > GCI_H1_BODY_SMALL ? begin_large(r, stated) : GCI_H1_BODY_BEGINS;
}

static enum gci_h1_reached read_head(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used) {
  int done;
  enum gci_h1_fault fault = gci_h1_guard_take(&r->guard, bytes, used, &done);
  if (fault != GCI_H1_SOUND) return fail(r, fault);
  fault = gci_h1_heads_add(&r->heads, gcache_bytes(bytes.base, *used));
  if (fault == GCI_H1_SOUND && !done) return GCI_H1_MORE;
  if (fault == GCI_H1_SOUND)
    fault = gci_h1_heads_parse(&r->heads, r->guard.lines, &r->head, &r->frame);
  return fault == GCI_H1_SOUND ? begin_body(r) : fail(r, fault);
}

static enum gci_h1_reached take_head(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used) {
  if (r->state != HEAD) {
    *used = gci_h1_heads_match(&r->heads, bytes, &r->head, &r->frame);
    if (*used > 0) return begin_body(r);
    begin_head(r);
  }
  return read_head(r, bytes, used);
}

/* One empty line before a request is tolerated (RFC 9112, 2.2). Nonzero: a byte of it was taken. */
static int take_empty_line(struct gci_h1_receive *r, unsigned char c) {
  if (r->state == START && c == '\r' && r->heads.role == GCI_H1_REQUESTS) {
    r->state = EMPTY_LF;
    return 1;
  }
  if (r->state == EMPTY_LF && c == '\n') {
    r->state = BEGIN;
    return 1;
  }
  return 0;
}

/* Appends the bytes that belong to the body; *done: it is complete. */
static enum gci_h1_fault collect(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used,
                                 int *done) {
  if (r->frame.kind == GCI_H1_CHUNKED)
    return gci_h1_chunks_take(&r->chunks, bytes, &r->body, used, done);
  uint64_t left = r->frame.kind == GCI_H1_LENGTH ? r->frame.length - r->body.used : UINT64_MAX;
  *used = bytes.len < left ? bytes.len : (size_t)left;
  *done = *used == left;
  return gci_h1_body_append(&r->body, gcache_bytes(bytes.base, *used));
}

static enum gci_h1_reached take_body(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used) {
  int done;
  enum gci_h1_fault fault = collect(r, bytes, used, &done);
  if (fault != GCI_H1_SOUND) return fail(r, fault);
  if (!done) return GCI_H1_MORE;
  r->state = ENDED;
  return GCI_H1_WHOLE;
}

enum gci_h1_reached gci_h1_receive(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used) {
  assert(r->state != ENDED && r->state != BROKEN);
  const unsigned char *p = bytes.base;
  size_t empty = 0;
  while (empty < bytes.len && take_empty_line(r, p[empty]))
    empty++;
  gcache_bytes_t rest = gci_bytes_skip(bytes, empty);
  enum gci_h1_reached reached = GCI_H1_MORE;
  *used = 0;
  if (rest.len > 0) {
    if (r->state == EMPTY_LF) return fail(r, GCI_H1_BAD_FIRST_LINE);
    reached = r->state == BODY ? take_body(r, rest, used) : take_head(r, rest, used);
  }
  *used += empty;
  return reached;
}

enum gci_h1_reached gci_h1_receive_eof(struct gci_h1_receive *r) {
  if (gci_h1_receive_idle(r)) return GCI_H1_MORE;
  if (r->state == HEAD) return fail(r, GCI_H1_BAD_CUT_HEAD);
  if (r->frame.kind != GCI_H1_UNTIL_EOF) return fail(r, GCI_H1_BAD_CUT_BODY);
  r->state = ENDED;
  return GCI_H1_WHOLE;
}

gcache_value_t *gci_h1_receive_take(struct gci_h1_receive *r) {
  assert(r->state == ENDED);
  r->state = START;
  /* we asked for it, and chose the peer */
  if (r->heads.role == GCI_H1_ANSWERS) gci_h1_body_believe(&r->body);
  return gci_h1_body_finish(&r->body);
}

void gci_h1_receive_rest(struct gci_h1_receive *r) {
  gci_h1_heads_rest(&r->heads);
}

void *gci_h1_receive_place(struct gci_h1_receive *r, size_t *len) {
  return r->state == BODY ? gci_h1_body_place(&r->body, len) : NULL;
}

int gci_h1_receive_idle(const struct gci_h1_receive *r) {
  return r->state < HEAD;
}

int gci_h1_receive_in_body(const struct gci_h1_receive *r) {
  return r->state == BODY;
}
