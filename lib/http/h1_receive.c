/* http/h1_receive - see the header. The head is always collected whole before it is parsed, so
 * that neither llhttp nor the frame can see it differently because it came in other pieces. */
#include "http/h1_receive.h"

#include <string.h>

#include "base/bytes.h"

#define PARTIAL_FIRST 512

enum state {
  START,
  EMPTY_LF, /* behind the CR of an empty line before a request */
  BEGIN,    /* that line is over */
  HEAD,
  BODY,
  ENDED, /* whole, and not yet taken */
  BROKEN
};

static uint64_t body_max(const gcache_limits_t *limits) {
  uint64_t max = (uint64_t)limits->value_max + GCI_H1_BODY_EXTRA;
  return max < GCI_H1_BODY_EXTRA || max > SIZE_MAX ? SIZE_MAX : max;
}

static void begin(struct gci_h1_receive *r) {
  r->state = START;
  if (r->parse.role == GCI_H1_REQUESTS)
    gci_h1_guard_request(&r->guard, r->limits);
  else
    gci_h1_guard_answer(&r->guard, r->limits);
}

void gci_h1_receive_init(struct gci_h1_receive *r, struct gci_mem *mem,
                         const gcache_limits_t *limits, enum gci_h1_role role, size_t prefix) {
  memset(r, 0, sizeof *r);
  r->mem = mem;
  r->limits = limits;
  r->prefix = prefix;
  r->parse.role = role;
  r->parse.body_max = body_max(limits);
  gci_h1_body_init(&r->body, mem, 0);
  begin(r);
}

static void drop_partial(struct gci_h1_receive *r) {
  gci_mem_free(r->mem, r->partial, r->partial_size);
  r->partial = NULL;
  r->partial_len = r->partial_size = 0;
}

void gci_h1_receive_fini(struct gci_h1_receive *r) {
  drop_partial(r);
  gci_mem_free(r->mem, r->block.base, r->block.size);
  r->block.base = NULL;
  gci_h1_body_fini(&r->body);
  r->state = BROKEN;
}

static enum gci_h1_reached fail(struct gci_h1_receive *r, enum gci_h1_fault fault) {
  gci_h1_receive_fini(r);
  r->fault = fault;
  return GCI_H1_FAULTY;
}

static enum gci_h1_fault keep_partial(struct gci_h1_receive *r, gcache_bytes_t bytes) {
  size_t need = r->partial_len + bytes.len;
  if (need > r->partial_size) {
    size_t size = r->partial_size == 0 ? PARTIAL_FIRST : r->partial_size * 2;
    if (size < need) size = need;
    char *partial = r->partial == NULL ? gci_mem_alloc(r->mem, size)
                                       : gci_mem_resize(r->mem, r->partial, r->partial_size, size);
    if (partial == NULL) return GCI_H1_BAD_MEMORY;
    r->partial = partial;
    r->partial_size = size;
  }
  memcpy(r->partial + r->partial_len, bytes.base, bytes.len);
  r->partial_len = need;
  return GCI_H1_SOUND;
}

/* Copies a lawful head into a block of its own and parses it there. */
static enum gci_h1_fault parse_head(struct gci_h1_receive *r, gcache_bytes_t text) {
  size_t headers = r->guard.lines * sizeof(gcache_header_t);
  r->block.size = r->prefix + headers + text.len;
  r->block.base = gci_mem_alloc(r->mem, r->block.size);
  if (r->block.base == NULL) return GCI_H1_BAD_MEMORY;
  char *copy = (char *)r->block.base + r->prefix + headers;
  memcpy(copy, text.base, text.len);
  r->parse.headers = (gcache_header_t *)(void *)((char *)r->block.base + r->prefix);
  r->parse.n_headers = r->guard.lines;
  return gci_h1_parse_head(&r->parse, gcache_bytes(copy, text.len), &r->head, &r->frame);
}

static enum gci_h1_reached begin_body(struct gci_h1_receive *r) {
  r->state = ENDED;
  if (r->frame.kind == GCI_H1_NO_BODY) return GCI_H1_WHOLE;
  r->state = BODY;
  gci_h1_chunks_init(&r->chunks, r->limits, r->parse.body_max);
  uint64_t max = r->frame.kind == GCI_H1_LENGTH ? r->frame.length : r->parse.body_max;
  gci_h1_body_init(&r->body, r->mem, (size_t)max);
  return GCI_H1_BODY_BEGINS;
}

static enum gci_h1_reached take_head(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used) {
  int done;
  enum gci_h1_fault fault = gci_h1_guard_take(&r->guard, bytes, used, &done);
  if (fault != GCI_H1_SOUND) return fail(r, fault);
  gcache_bytes_t text = gcache_bytes(bytes.base, *used);
  if (!done || r->partial_len > 0) {
    fault = keep_partial(r, text);
    if (fault != GCI_H1_SOUND) return fail(r, fault);
    if (!done) return GCI_H1_MORE;
    text = gcache_bytes(r->partial, r->partial_len);
  }
  fault = parse_head(r, text);
  drop_partial(r);
  return fault == GCI_H1_SOUND ? begin_body(r) : fail(r, fault);
}

/* One empty line before a request is forgiven (RFC 9112, 2.2). Nonzero: a byte of it was taken. */
static int take_empty_line(struct gci_h1_receive *r, unsigned char c) {
  if (r->state == START && c == '\r' && r->parse.role == GCI_H1_REQUESTS) {
    r->state = EMPTY_LF;
    return 1;
  }
  if (r->state == EMPTY_LF && c == '\n') {
    r->state = BEGIN;
    return 1;
  }
  return 0;
}

/* Appends what belongs to the body; *done: its end is there. */
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
    if (r->state != BODY) r->state = HEAD;
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

struct gci_h1_block gci_h1_receive_take(struct gci_h1_receive *r, gcache_value_t **body) {
  assert(r->state == ENDED);
  struct gci_h1_block block = r->block;
  r->block.base = NULL;
  r->block.size = 0;
  *body = gci_h1_body_finish(&r->body);
  begin(r);
  return block;
}

int gci_h1_receive_idle(const struct gci_h1_receive *r) {
  return r->state < HEAD;
}

int gci_h1_receive_in_body(const struct gci_h1_receive *r) {
  return r->state == BODY;
}
