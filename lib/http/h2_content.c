/* http/h2_content - see the header. */
#include "http/h2_content.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

/* before + value + after. */
struct piece {
  struct gcache_link_s link;
  gcache_value_t *value; /* NULL: none */
  size_t before, in_value, after;
  size_t sent;
  char text[]; /* before, after */
};

static struct piece *piece_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct piece, link);
}

void gci_h2_content_init(struct gci_h2_content *c, struct gci_mem *mem) {
  memset(c, 0, sizeof *c);
  c->mem = mem;
  gci_list_init(&c->pieces);
}

static size_t cost(const struct piece *p) {
  return sizeof *p + p->before + p->in_value + p->after;
}

static void piece_free(struct gci_h2_content *c, struct piece *p) {
  gci_link_unlink(&p->link);
  gci_in_flight_drop(&c->mem->in_flight, cost(p));
  gcache_value_unref(p->value);
  gci_mem_free(c->mem, p, sizeof *p + p->before + p->after);
}

void gci_h2_content_fini(struct gci_h2_content *c) {
  struct gcache_link_s *link;
  while ((link = gci_list_front(&c->pieces)) != NULL)
    piece_free(c, piece_of(link));
  c->left = 0;
}

int gci_h2_content_add(struct gci_h2_content *c, const struct gci_http_message *part) {
  size_t in_value = part->value == NULL ? 0 : gcache_value_bytes(part->value).len;
  size_t text = part->before.len + part->after.len;
  if (text + in_value == 0) return 0;
  struct piece *p = gci_mem_zalloc(c->mem, sizeof *p + text);
  if (p == NULL) return UV_ENOMEM;
  if (part->before.len > 0) memcpy(p->text, part->before.base, part->before.len);
  if (part->after.len > 0) memcpy(p->text + part->before.len, part->after.base, part->after.len);
  p->before = part->before.len;
  p->after = part->after.len;
  p->value = gcache_value_ref(part->value);
  p->in_value = in_value;
  gci_list_push_back(&c->pieces, &p->link);
  c->left += text + in_value;
  gci_in_flight_add(&c->mem->in_flight, cost(p));
  return 0;
}

static size_t less(size_t a, size_t b) {
  return a < b ? a : b;
}

/* At most max bytes of p, in one slice: *n says how many. */
static int write_slice(struct piece *p, struct gci_out *out, size_t max, size_t *n) {
  size_t value_ends = p->before + p->in_value;
  if (p->sent < p->before) {
    *n = less(p->before - p->sent, max);
    return gci_out_text(out, gcache_bytes(p->text + p->sent, *n));
  }
  if (p->sent < value_ends) {
    *n = less(value_ends - p->sent, max);
    return gci_out_value_part(out, p->value, p->sent - p->before, *n);
  }
  *n = less(value_ends + p->after - p->sent, max);
  return gci_out_text(out, gcache_bytes(p->text + p->before + (p->sent - value_ends), *n));
}

int gci_h2_content_write(struct gci_h2_content *c, struct gci_out *out, size_t len) {
  assert(len <= c->left);
  while (len > 0) {
    struct piece *p = piece_of(gci_list_front(&c->pieces));
    size_t n;
    int err = write_slice(p, out, len, &n);
    if (err != 0) return err;
    p->sent += n;
    c->left -= n;
    c->written += n;
    len -= n;
    if (p->sent == p->before + p->in_value + p->after) piece_free(c, p);
  }
  return 0;
}

static ssize_t on_read(nghttp2_session *ng, int32_t stream, uint8_t *buf, size_t max,
                       uint32_t *flags, nghttp2_data_source *source, void *user) {
  struct gci_h2_content *c = source->ptr;
  (void)ng;
  (void)stream;
  (void)buf;
  (void)user;
  c->rests = c->left == 0 && c->open;
  if (c->rests) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (c->left <= max && !c->open) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)less(c->left, max);
}

nghttp2_data_provider gci_h2_content_source(struct gci_h2_content *c) {
  return (nghttp2_data_provider){.source.ptr = c, .read_callback = on_read};
}
