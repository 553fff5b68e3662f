/* http/h2_head - see the header. */
#include "http/h2_head.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "http/token.h"

#define ROOM_FIRST 512
#define FIELD_COST 32         /* RFC 9113, 6.5.2 */
#define REQUEST_LINE_EXTRA 12 /* in HTTP/1.1: two spaces, the version, the line end */

struct record {
  uint32_t name_len, value_len;
};

struct field {
  gcache_bytes_t name, value;
};

/* The pseudo fields of one head, and other relevant fields. */
struct said {
  gcache_bytes_t method, scheme, authority, path, status, host, length, expect;
};

void gci_h2_head_init(struct gci_h2_head *h, struct gci_mem *mem, const gcache_limits_t *limits) {
  memset(h, 0, sizeof *h);
  h->mem = mem;
  h->limits = limits;
}

void gci_h2_head_fini(struct gci_h2_head *h) {
  gci_mem_free(h->mem, h->text, h->room);
  h->text = NULL;
  h->room = 0;
  gci_h2_head_begin(h);
}

void gci_h2_head_begin(struct gci_h2_head *h) {
  h->len = h->size = 0;
  h->fields = 0;
  h->refusal = 0;
}

static int grow(struct gci_h2_head *h, size_t need) {
  size_t room = h->room == 0 ? ROOM_FIRST : h->room;
  while (room < need)
    room *= 2;
  if (room == h->room) return 0;
  char *text = gci_mem_resize(h->mem, h->text, h->room, room);
  if (text == NULL) return UV_ENOMEM;
  h->text = text;
  h->room = room;
  return 0;
}

static int is_pseudo(gcache_bytes_t name) {
  return name.len > 0 && *(const char *)name.base == ':';
}

static int limit_passed(const struct gci_h2_head *h, gcache_bytes_t name, gcache_bytes_t value) {
  const gcache_limits_t *limits = h->limits;
  if (gci_bytes_equal(name, GCI_LIT(":path")) && value.len > limits->line_max) return 414;
  if (h->size > limits->head_max || h->fields > limits->head_lines_max) return 431;
  return 0;
}

int gci_h2_head_add(struct gci_h2_head *h, gcache_bytes_t name, gcache_bytes_t value) {
  struct record r = {(uint32_t)name.len, (uint32_t)value.len};
  h->size += name.len + value.len + FIELD_COST;
  if (!is_pseudo(name) || gci_bytes_equal(name, GCI_LIT(":authority"))) h->fields++;
  if (h->refusal == 0) h->refusal = limit_passed(h, name, value);
  if (h->refusal != 0) return 0;
  if (grow(h, h->len + sizeof r + name.len + value.len) < 0) return UV_ENOMEM;
  char *to = h->text + h->len;
  memcpy(to, &r, sizeof r);
  memcpy(to + sizeof r, name.base, name.len);
  if (value.len > 0) memcpy(to + sizeof r + name.len, value.base, value.len);
  h->len += sizeof r + name.len + value.len;
  return 0;
}

static struct field field_at(const char *text, size_t *at) {
  struct record r;
  memcpy(&r, text + *at, sizeof r);
  const char *name = text + *at + sizeof r;
  *at += sizeof r + r.name_len + r.value_len;
  return (struct field){gcache_bytes(name, r.name_len),
                        gcache_bytes(name + r.name_len, r.value_len)};
}

static void hear(struct said *said, const struct field *f) {
  const struct {
    gcache_bytes_t name, *place;
  } places[] = {
      {GCI_LIT(":method"), &said->method}, {GCI_LIT(":scheme"), &said->scheme},
      {GCI_LIT(":path"), &said->path},     {GCI_LIT(":authority"), &said->authority},
      {GCI_LIT(":status"), &said->status}, {GCI_LIT("host"), &said->host},
      {GCI_LIT("expect"), &said->expect},  {GCI_LIT("content-length"), &said->length},
  };
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (gci_bytes_equal(f->name, places[i].name)) *places[i].place = f->value;
  }
}

/* Copies the text into a block and lists the headers there; with_host: the first place is left free
 * for Host. */
static int make_block(const struct gci_h2_head *h, size_t prefix, size_t with_host,
                      struct gci_h2_block *block, struct said *said) {
  size_t headers = (h->fields + with_host) * sizeof(gcache_header_t);
  memset(block, 0, sizeof *block);
  memset(said, 0, sizeof *said);
  block->size = prefix + headers + h->len;
  if (block->size == 0) block->size = 1;
  block->base = gci_mem_alloc(h->mem, block->size);
  if (block->base == NULL) return UV_ENOMEM;
  gcache_header_t *list = (gcache_header_t *)(void *)((char *)block->base + prefix);
  char *text = (char *)(list + h->fields + with_host);
  if (h->len > 0) memcpy(text, h->text, h->len);
  size_t n = with_host;
  for (size_t at = 0; at < h->len;) {
    struct field f = field_at(text, &at);
    hear(said, &f);
    int is_host = with_host && gci_bytes_equal(f.name, GCI_LIT("host"));
    if (!is_pseudo(f.name) && !is_host) list[n++] = (gcache_header_t){f.name, f.value};
  }
  block->head.headers = list;
  block->head.n_headers = n;
  block->head.version_minor = 1;
  block->length = said->length;
  return 0;
}

static int all_are(gcache_bytes_t text, int (*is)(unsigned char c)) {
  const unsigned char *p = text.base;
  for (size_t i = 0; i < text.len; i++) {
    if (!is(p[i])) return 0;
  }
  return text.len > 0;
}

static int is_target(unsigned char c) {
  return gci_http_is_target(c);
}

static int is_host(unsigned char c) {
  return gci_http_is_host(c);
}

/* 0, or the status of the refusal (RFC 9113, 8.3.1). */
static int judge(const struct said *said, const gcache_limits_t *limits) {
  gcache_bytes_t host = said->authority.base != NULL ? said->authority : said->host;
  if (gci_bytes_equal(said->method, GCI_LIT("CONNECT"))) return 501;
  if (said->method.len + said->path.len + REQUEST_LINE_EXTRA > limits->line_max) return 414;
  if (!all_are(said->path, is_target) || *(const char *)said->path.base != '/') return 400;
  if (!all_are(host, is_host)) return 400;
  if (said->host.base != NULL && !gci_bytes_equal_nocase(host, said->host)) return 400;
  if (said->expect.base != NULL && !gci_bytes_equal_nocase(said->expect, GCI_LIT("100-continue")))
    return 417;
  return 0;
}

int gci_h2_head_request(struct gci_h2_head *h, size_t prefix, struct gci_h2_block *block) {
  struct said said;
  if (h->refusal != 0) return h->refusal;
  if (make_block(h, prefix, 1, block, &said) < 0) return UV_ENOMEM;
  int refusal = judge(&said, h->limits);
  if (refusal != 0) {
    gci_mem_free(h->mem, block->base, block->size);
    block->base = NULL;
    return refusal;
  }
  gcache_header_t *list = (gcache_header_t *)(void *)((char *)block->base + prefix);
  list[0].name = GCI_LIT("host");
  list[0].value = said.authority.base != NULL ? said.authority : said.host;
  block->head.method = said.method;
  block->head.target = said.path;
  block->expects_continue = said.expect.base != NULL;
  return 0;
}

static int status_of(gcache_bytes_t text) {
  uint64_t status;
  if (text.len != 3 || gci_bytes_to_u64(text, &status) != 0) return 0;
  return (int)status;
}

int gci_h2_head_status(const struct gci_h2_head *h) {
  size_t at = 0;
  if (h->len == 0) return 0;
  struct field f = field_at(h->text, &at); /* nghttp2 allows nothing before it */
  return gci_bytes_equal(f.name, GCI_LIT(":status")) ? status_of(f.value) : 0;
}

int gci_h2_head_answer(struct gci_h2_head *h, size_t prefix, struct gci_h2_block *block) {
  struct said said;
  if (h->refusal != 0) return UV_EMSGSIZE;
  if (make_block(h, prefix, 0, block, &said) < 0) return UV_ENOMEM;
  block->head.status = status_of(said.status);
  return 0;
}
