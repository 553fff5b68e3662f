/* http/h2_content - see the header. */
#include "http/h2_content.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

#define FIELDS_SMALL 24
#define FIELDS_OURS 5 /* at most: four pseudo fields and the length */

/* ------------------------------------------------------------------------------------- body -- */

static int fill(struct gci_h2_content *c, struct gci_mem *mem, const struct gci_http_message *m) {
  memset(c, 0, sizeof *c);
  c->mem = mem;
  if (m->before.len > SIZE_MAX - m->after.len) return NGHTTP2_ERR_NOMEM;
  if (m->before.len + m->after.len > 0) {
    c->text = gci_mem_alloc(mem, m->before.len + m->after.len);
    if (c->text == NULL) return NGHTTP2_ERR_NOMEM;
    if (m->before.len > 0) memcpy(c->text, m->before.base, m->before.len);
    if (m->after.len > 0) memcpy(c->text + m->before.len, m->after.base, m->after.len);
  }
  c->before = m->before.len;
  c->after = m->after.len;
  c->value = gcache_value_ref(m->value);
  if (c->value != NULL) c->value_len = gcache_value_bytes(c->value).len;
  return 0;
}

void gci_h2_content_fini(struct gci_h2_content *c) {
  if (c->text != NULL) gci_mem_free(c->mem, c->text, c->before + c->after);
  gcache_value_unref(c->value);
  memset(c, 0, sizeof *c);
}

size_t gci_h2_content_left(const struct gci_h2_content *c) {
  return c->before + c->value_len + c->after - c->sent;
}

/* Of the part that begins at `begin` and is `part` long, what lies in the next len bytes. */
static size_t overlap(const struct gci_h2_content *c, size_t begin, size_t part, size_t len) {
  if (c->sent < begin || c->sent >= begin + part) return 0;
  size_t left = begin + part - c->sent;
  return left < len ? left : len;
}

int gci_h2_content_write(struct gci_h2_content *c, struct gci_out *out, size_t len) {
  assert(len <= gci_h2_content_left(c));
  while (len > 0) {
    size_t value_at = c->before, after_at = c->before + c->value_len, n;
    int err;
    if ((n = overlap(c, value_at, c->value_len, len)) > 0) {
      err = gci_out_value_part(out, c->value, c->sent - value_at, n);
    } else if ((n = overlap(c, 0, c->before, len)) > 0) {
      err = gci_out_text(out, gcache_bytes(c->text + c->sent, n));
    } else {
      n = len;
      err = gci_out_text(out, gcache_bytes(c->text + c->before + (c->sent - after_at), n));
    }
    if (err != 0) return err;
    c->sent += n;
    len -= n;
  }
  return 0;
}

static ssize_t on_read(nghttp2_session *ng, int32_t stream, uint8_t *buf, size_t max,
                       uint32_t *flags, nghttp2_data_source *source, void *user) {
  size_t left = gci_h2_content_left(source->ptr);
  (void)ng;
  (void)stream;
  (void)buf;
  (void)user;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left > max) return (ssize_t)max;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)left;
}

/* ----------------------------------------------------------------------------------- fields -- */

/* The fields of one message; beyond FIELDS_SMALL in memory of their own. */
struct fields {
  nghttp2_nv small[FIELDS_SMALL], *nv;
  size_t n, max;
  char length[24], status[16];
};

static int fields_init(struct fields *f, struct gci_mem *mem, const struct gci_http_message *m) {
  f->n = 0;
  f->nv = f->small;
  f->max = FIELDS_SMALL;
  if (m->n_headers + FIELDS_OURS <= FIELDS_SMALL) return 0;
  if (m->n_headers > SIZE_MAX / sizeof *f->nv - FIELDS_OURS) return NGHTTP2_ERR_NOMEM;
  f->max = m->n_headers + FIELDS_OURS;
  f->nv = gci_mem_alloc(mem, f->max * sizeof *f->nv);
  return f->nv == NULL ? NGHTTP2_ERR_NOMEM : 0;
}

static void fields_fini(struct fields *f, struct gci_mem *mem) {
  if (f->nv != f->small) gci_mem_free(mem, f->nv, f->max * sizeof *f->nv);
}

/* nghttp2 copies both, and does not write to them. */
static uint8_t *writable(gcache_bytes_t bytes) {
  return (uint8_t *)(uintptr_t)bytes.base;
}

static void add(struct fields *f, gcache_bytes_t name, gcache_bytes_t value) {
  assert(f->n < f->max);
  f->nv[f->n++] = (nghttp2_nv){writable(name), writable(value), name.len, value.len,
                               NGHTTP2_NV_FLAG_NONE};
}

/* They are HTTP/1's, and make a message of HTTP/2 malformed (RFC 9113, 8.2.2). */
static int is_of_http1(gcache_bytes_t name) {
  static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
                                      "transfer-encoding", "upgrade"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (gci_bytes_equal_nocase(name, gcache_cstr(names[i]))) return 1;
  }
  return 0;
}

static void add_headers(struct fields *f, const struct gci_http_message *m) {
  for (size_t i = 0; i < m->n_headers; i++) {
    assert(gci_http_name_ok(m->headers[i].name) && gci_http_value_ok(m->headers[i].value));
    if (!is_of_http1(m->headers[i].name)) add(f, m->headers[i].name, m->headers[i].value);
  }
}

static void add_length(struct fields *f, size_t length) {
  int n = snprintf(f->length, sizeof f->length, "%zu", length);
  add(f, GCI_LIT("content-length"), gcache_bytes(f->length, (size_t)n));
}

static int allows_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

int gci_h2_submit_answer(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                         struct gci_mem *mem, const struct gci_http_message *answer,
                         int head_only) {
  struct fields f;
  int err = fields_init(&f, mem, answer);
  if (err != 0) return err;
  int n = snprintf(f.status, sizeof f.status, "%d", answer->status);
  add(&f, GCI_LIT(":status"), gcache_bytes(f.status, (size_t)n));
  err = fill(c, mem, answer);
  if (allows_body(answer->status)) add_length(&f, gci_h2_content_left(c));
  add_headers(&f, answer);
  if (err == 0 && (head_only || !allows_body(answer->status))) gci_h2_content_fini(c);
  nghttp2_data_provider body = {.source.ptr = c, .read_callback = on_read};
  int has_body = gci_h2_content_left(c) > 0;
  if (err == 0) err = nghttp2_submit_response(ng, stream, f.nv, f.n, has_body ? &body : NULL);
  fields_fini(&f, mem);
  return err;
}

int32_t gci_h2_submit_request(nghttp2_session *ng, const char *scheme, struct gci_h2_content *c,
                              struct gci_mem *mem, const struct gci_http_message *request,
                              void *stream_user) {
  struct fields f;
  int err = fields_init(&f, mem, request);
  if (err != 0) return err;
  err = fill(c, mem, request);
  add(&f, GCI_LIT(":method"), request->method);
  add(&f, GCI_LIT(":scheme"), gcache_cstr(scheme));
  add(&f, GCI_LIT(":authority"), request->host);
  add(&f, GCI_LIT(":path"), request->target);
  size_t length = gci_h2_content_left(c);
  if (request->has_body || length > 0) add_length(&f, length);
  add_headers(&f, request);
  nghttp2_data_provider body = {.source.ptr = c, .read_callback = on_read};
  int32_t stream = err;
  if (err == 0)
    stream = nghttp2_submit_request(ng, NULL, f.nv, f.n, length > 0 ? &body : NULL, stream_user);
  fields_fini(&f, mem);
  return stream;
}
