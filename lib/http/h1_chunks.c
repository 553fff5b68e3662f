/* http/h1_chunks - chunk = size [ extensions ] CR LF data CR LF; the last has size 0 and
 * trailers for data (RFC 9112, 7.1), without the white space that its grammar tolerates in
 * extensions. */
#include "http/h1_chunks.h"

#include <string.h>

#include "base/bytes.h"
#include "http/token.h"

#define SIZE_DIGITS_MAX 16

enum state {
  SIZE_FIRST,
  SIZE,
  EXT_NAME_FIRST,
  EXT_NAME,
  EXT_VALUE_FIRST,
  EXT_VALUE,
  EXT_QUOTED,
  EXT_QUOTED_PAIR,
  EXT_END,
  SIZE_LF,
  DATA,
  DATA_CR,
  DATA_LF,
  TRAILER
};

void gci_h1_chunks_init(struct gci_h1_chunks *c, const gcache_limits_t *limits, uint64_t body_max) {
  memset(c, 0, sizeof *c);
  c->max = body_max;
  c->meta_max = limits->chunk_meta_max;
  c->trailer_lines_max = limits->head_lines_max;
  c->state = SIZE_FIRST;
}

static enum gci_h1_fault to(struct gci_h1_chunks *c, enum state state) {
  c->state = state;
  return GCI_H1_SOUND;
}

static enum gci_h1_fault take_digit(struct gci_h1_chunks *c, int value) {
  if (c->state == SIZE_FIRST) c->digits = 0, c->left = 0;
  if (++c->digits > SIZE_DIGITS_MAX) return GCI_H1_BAD_CHUNK;
  c->left = c->left << 4 | (unsigned)value;
  return to(c, SIZE);
}

/* After a size or an extension. */
static enum gci_h1_fault go_on(struct gci_h1_chunks *c, unsigned char b) {
  if (b == ';') return to(c, EXT_NAME_FIRST);
  return b == '\r' ? to(c, SIZE_LF) : GCI_H1_BAD_CHUNK;
}

static enum gci_h1_fault end_size(struct gci_h1_chunks *c) {
  if (c->left > c->max - c->total) return GCI_H1_BAD_BODY_SIZE;
  c->total += c->left;
  if (c->left > 0) return to(c, DATA);
  size_t max = c->meta_max - c->meta;
  gci_h1_guard_trailer(&c->trailer, c->trailer_lines_max, max < SIZE_MAX - 2 ? max + 2 : SIZE_MAX);
  return to(c, TRAILER);
}

static enum gci_h1_fault take_quoted(struct gci_h1_chunks *c, unsigned char b) {
  if (!gci_http_is_field(b)) return GCI_H1_BAD_CHUNK;
  if (c->state == EXT_QUOTED_PAIR) return to(c, EXT_QUOTED);
  if (b == '\\') return to(c, EXT_QUOTED_PAIR);
  return b == '"' ? to(c, EXT_END) : GCI_H1_SOUND;
}

static enum gci_h1_fault take_extension(struct gci_h1_chunks *c, unsigned char b) {
  switch ((enum state)c->state) {
  case EXT_NAME_FIRST:
    return gci_http_is_token(b) ? to(c, EXT_NAME) : GCI_H1_BAD_CHUNK;
  case EXT_NAME:
    if (gci_http_is_token(b)) return GCI_H1_SOUND;
    return b == '=' ? to(c, EXT_VALUE_FIRST) : go_on(c, b);
  case EXT_VALUE_FIRST:
    if (b == '"') return to(c, EXT_QUOTED);
    return gci_http_is_token(b) ? to(c, EXT_VALUE) : GCI_H1_BAD_CHUNK;
  case EXT_VALUE:
    return gci_http_is_token(b) ? GCI_H1_SOUND : go_on(c, b);
  case EXT_QUOTED:
  case EXT_QUOTED_PAIR:
    return take_quoted(c, b);
  default:
    return go_on(c, b);
  }
}

static enum gci_h1_fault expect(struct gci_h1_chunks *c, unsigned char b, unsigned char wanted,
                                enum state then) {
  return b == wanted ? to(c, then) : GCI_H1_BAD_CHUNK;
}

static enum gci_h1_fault take_byte(struct gci_h1_chunks *c, unsigned char b) {
  int digit = gci_http_hex(b);
  switch ((enum state)c->state) {
  case SIZE_FIRST:
    return digit < 0 ? GCI_H1_BAD_CHUNK : take_digit(c, digit);
  case SIZE:
    return digit < 0 ? go_on(c, b) : take_digit(c, digit);
  case SIZE_LF:
    return b == '\n' ? end_size(c) : GCI_H1_BAD_CHUNK;
  case DATA_CR:
    return expect(c, b, '\r', DATA_LF);
  case DATA_LF:
    return expect(c, b, '\n', SIZE_FIRST);
  default:
    return take_extension(c, b);
  }
}

/* An extension begins with its semicolon and ends before the line does. */
static enum gci_h1_fault take_line_byte(struct gci_h1_chunks *c, unsigned char b) {
  enum gci_h1_fault fault = take_byte(c, b);
  if (fault != GCI_H1_SOUND) return fault;
  int in_extension = c->state >= EXT_NAME_FIRST && c->state <= EXT_END;
  if (in_extension && ++c->meta > c->meta_max) return GCI_H1_BAD_CHUNK_META;
  return GCI_H1_SOUND;
}

static enum gci_h1_fault take_data(struct gci_h1_chunks *c, gcache_bytes_t bytes,
                                   struct gci_h1_body *body, size_t *used) {
  *used = bytes.len < c->left ? bytes.len : (size_t)c->left;
  c->left -= *used;
  if (c->left == 0) c->state = DATA_CR;
  return gci_h1_body_append(body, gcache_bytes(bytes.base, *used));
}

enum gci_h1_fault gci_h1_chunks_take(struct gci_h1_chunks *c, gcache_bytes_t bytes,
                                     struct gci_h1_body *body, size_t *used, int *done) {
  gcache_bytes_t rest = bytes;
  *done = 0;
  while (rest.len > 0 && !*done) {
    enum gci_h1_fault fault;
    size_t n = 1;
    if (c->state == DATA)
      fault = take_data(c, rest, body, &n);
    else if (c->state == TRAILER)
      fault = gci_h1_guard_take(&c->trailer, rest, &n, done);
    else
      fault = take_line_byte(c, *(const unsigned char *)rest.base);
    if (fault != GCI_H1_SOUND) return fault;
    rest = gci_bytes_skip(rest, n);
  }
  *used = bytes.len - rest.len;
  return GCI_H1_SOUND;
}
