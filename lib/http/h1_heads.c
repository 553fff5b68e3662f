/* http/h1_heads - see the header. */
#include "http/h1_heads.h"

#include <string.h>

#include "base/bytes.h"
#include "http/token.h"

#define ROOM_FIRST 256
/* A connection at rest keeps no more than this. */
#define ROOM_KEPT ((size_t)4096)
#define HEADERS_FIRST 8
#define HEADERS_KEPT ((size_t)64)

void gci_h1_heads_init(struct gci_h1_heads *h, struct gci_mem *mem, const gcache_limits_t *limits,
                       enum gci_h1_role role) {
  uint64_t body_max = (uint64_t)limits->value_max + GCI_H1_BODY_EXTRA;
  memset(h, 0, sizeof *h);
  h->mem = mem;
  h->role = role;
  h->body_max = body_max < GCI_H1_BODY_EXTRA || body_max > SIZE_MAX ? SIZE_MAX : body_max;
  h->line_max = limits->line_max < SIZE_MAX - 2 ? limits->line_max + 2 : SIZE_MAX;
  h->max = limits->head_max;
}

static void drop_text(struct gci_h1_heads *h) {
  gci_mem_free(h->mem, h->text, h->room);
  h->text = NULL;
  h->len = h->room = 0;
  h->known = 0;
}

static void drop_headers(struct gci_h1_heads *h) {
  gci_mem_free(h->mem, h->headers, h->headers_room * sizeof *h->headers);
  h->headers = NULL;
  h->headers_room = 0;
  h->known = 0;
}

void gci_h1_heads_fini(struct gci_h1_heads *h) {
  drop_text(h);
  drop_headers(h);
}

void gci_h1_heads_begin(struct gci_h1_heads *h) {
  h->known = 0;
  h->len = 0;
}

void gci_h1_heads_rest(struct gci_h1_heads *h) {
  if (h->room > ROOM_KEPT) drop_text(h);
  if (h->headers_room > HEADERS_KEPT) drop_headers(h);
}

/* --------------------------------------------------------------------------------- reading -- */

enum gci_h1_fault gci_h1_heads_add(struct gci_h1_heads *h, gcache_bytes_t bytes) {
  size_t need = h->len + bytes.len;
  if (need > h->room) {
    size_t room = h->room == 0 ? ROOM_FIRST : h->room * 2;
    if (room < need) room = need;
    char *text = gci_mem_resize(h->mem, h->text, h->room, room);
    if (text == NULL) return GCI_H1_BAD_MEMORY;
    h->text = text;
    h->room = room;
  }
  memcpy(h->text + h->len, bytes.base, bytes.len);
  h->len = need;
  return GCI_H1_SOUND;
}

static enum gci_h1_fault make_room_for_headers(struct gci_h1_heads *h, size_t n) {
  if (n <= h->headers_room) return GCI_H1_SOUND;
  size_t room = n < HEADERS_FIRST ? HEADERS_FIRST : n;
  drop_headers(h);
  h->headers = gci_mem_alloc(h->mem, room * sizeof *h->headers);
  if (h->headers == NULL) return GCI_H1_BAD_MEMORY;
  h->headers_room = room;
  return GCI_H1_SOUND;
}

static gcache_header_t *find_length(const struct gci_h1_heads *h, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (gci_bytes_equal_nocase(h->headers[i].name, GCI_LIT("Content-Length")))
      return &h->headers[i];
  }
  return NULL;
}

/* A request with a body is always parsed: its target must still be there when the body has come. So
 * is a request whose target states the host. */
static int remember_request(struct gci_h1_heads *h) {
  gcache_bytes_t target = h->head.target;
  if (h->frame.kind != GCI_H1_NO_BODY || *(const char *)target.base != '/') return 0;
  h->part = (size_t)((const char *)target.base - h->text);
  h->part_len = target.len;
  h->first_line -= target.len;
  return 1;
}

/* An answer without a length must be the same to its last byte. */
static int remember_answer(struct gci_h1_heads *h) {
  h->part = h->len;
  h->part_len = 0;
  h->length = NULL;
  if (h->frame.kind != GCI_H1_LENGTH) return 1;
  h->length = find_length(h, h->head.n_headers);
  if (h->length == NULL) return 0;
  h->part = (size_t)((const char *)h->length->value.base - h->text);
  h->part_len = h->length->value.len;
  return 1;
}

static void remember(struct gci_h1_heads *h, const struct gci_http_head *head,
                     const struct gci_h1_frame *frame) {
  h->head = *head;
  h->frame = *frame;
  h->first_line = (size_t)((char *)memchr(h->text, '\n', h->len) + 1 - h->text);
  h->known = h->role == GCI_H1_REQUESTS ? remember_request(h) : remember_answer(h);
}

enum gci_h1_fault gci_h1_heads_parse(struct gci_h1_heads *h, unsigned lines,
                                     struct gci_http_head *head, struct gci_h1_frame *frame) {
  enum gci_h1_fault fault = make_room_for_headers(h, lines);
  if (fault != GCI_H1_SOUND) return fault;
  struct gci_h1_parse parse = {
      .role = h->role, .body_max = h->body_max, .headers = h->headers, .n_headers = lines};
  fault = gci_h1_parse_head(&parse, gcache_bytes(h->text, h->len), head, frame);
  if (fault == GCI_H1_SOUND) remember(h, head, frame);
  return fault;
}

/* ------------------------------------------------------------------------------ comparing -- */

/* The length of the bytes at p in place of the part that may differ: a path, in which any valid
 * byte is allowed, or digits. 0: neither. */
static size_t measure_part(const struct gci_h1_heads *h, const char *p, size_t most) {
  const unsigned char *begin = (const unsigned char *)p;
  if (h->part_len == 0) return 0;
  if (h->role == GCI_H1_REQUESTS)
    return most > 0 && *p == '/' ? (size_t)(gci_http_skip_target(begin, begin + most) - begin) : 0;
  size_t n = 0;
  while (n < most && n < sizeof h->digits && gci_http_is_digit(begin[n]))
    n++;
  return n;
}

/* Nonzero: the framing rules accept the length, and it is set in head and frame. */
static int take_length(struct gci_h1_heads *h, gcache_bytes_t part) {
  uint64_t length;
  if (gci_bytes_to_u64(part, &length) < 0 || length == 0 || length > h->body_max) return 0;
  memcpy(h->digits, part.base, part.len);
  h->length->value = gcache_bytes(h->digits, part.len);
  h->frame.length = length;
  return 1;
}

static int is_within(const struct gci_h1_heads *h, size_t part_len) {
  size_t rest = h->len - h->part_len;
  if (part_len > h->max || rest > h->max - part_len) return 0;
  if (h->role == GCI_H1_ANSWERS) return 1;
  return part_len <= h->line_max && h->first_line <= h->line_max - part_len;
}

size_t gci_h1_heads_match(struct gci_h1_heads *h, gcache_bytes_t bytes, struct gci_http_head *head,
                          struct gci_h1_frame *frame) {
  const char *p = bytes.base;
  size_t behind = h->len - h->part - h->part_len;
  if (!h->known || bytes.len < h->part + behind) return 0;
  if (memcmp(p, h->text, h->part) != 0) return 0;
  size_t most = bytes.len - h->part - behind;
  gcache_bytes_t part = gcache_bytes(p + h->part, measure_part(h, p + h->part, most));
  if ((part.len == 0) != (h->part_len == 0) || !is_within(h, part.len)) return 0;
  if (memcmp(p + h->part + part.len, h->text + h->part + h->part_len, behind) != 0) return 0;
  if (h->length != NULL && !take_length(h, part)) return 0;
  if (h->role == GCI_H1_REQUESTS) h->head.target = part;
  *head = h->head;
  *frame = h->frame;
  return h->part + part.len + behind;
}
