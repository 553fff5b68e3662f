/* http/h2_submit - see the header. */
#include "http/h2_submit.h"

#include <assert.h>
#include <stdio.h>

#include "base/bytes.h"

#define FIELDS_SMALL 24
#define FIELDS_OURS 5 /* at most: four pseudo fields and the length */

/* The fields of one message; beyond FIELDS_SMALL in allocated memory. */
struct fields {
  struct gci_mem *mem;
  nghttp2_nv small[FIELDS_SMALL], *nv;
  size_t n, max;
  char length[24], status[16];
};

static int fields_init(struct fields *f, struct gci_mem *mem, const struct gci_http_message *m) {
  f->mem = mem;
  f->n = 0;
  f->nv = f->small;
  f->max = FIELDS_SMALL;
  if (m->n_headers + FIELDS_OURS <= FIELDS_SMALL) return 0;
  if (m->n_headers > SIZE_MAX / sizeof *f->nv - FIELDS_OURS) return NGHTTP2_ERR_NOMEM;
  f->max = m->n_headers + FIELDS_OURS;
  f->nv = gci_mem_alloc(mem, f->max * sizeof *f->nv);
  return f->nv == NULL ? NGHTTP2_ERR_NOMEM : 0;
}

static void fields_fini(struct fields *f) {
  if (f->nv != f->small) gci_mem_free(f->mem, f->nv, f->max * sizeof *f->nv);
}

/* nghttp2 copies both, and does not write to them. */
static nghttp2_nv nv_of(gcache_bytes_t name, gcache_bytes_t value) {
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name.base, (uint8_t *)(uintptr_t)value.base, name.len,
                      value.len, NGHTTP2_NV_FLAG_NONE};
}

static void add(struct fields *f, gcache_bytes_t name, gcache_bytes_t value) {
  assert(f->n < f->max);
  f->nv[f->n++] = nv_of(name, value);
}

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

static void add_status(struct fields *f, int status) {
  int n = snprintf(f->status, sizeof f->status, "%d", status);
  add(f, GCI_LIT(":status"), gcache_bytes(f->status, (size_t)n));
}

static size_t length_of(const struct gci_http_message *m) {
  size_t in_value = m->value == NULL ? 0 : gcache_value_bytes(m->value).len;
  return m->before.len + in_value + m->after.len;
}

static void add_length(struct fields *f, const struct gci_http_message *m) {
  int n = snprintf(f->length, sizeof f->length, "%zu", length_of(m));
  add(f, GCI_LIT("content-length"), gcache_bytes(f->length, (size_t)n));
}

static int allows_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

static int submit_fields(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                         const struct fields *f) {
  nghttp2_data_provider body = gci_h2_content_source(c);
  int has_body = c->left > 0 || c->open;
  return nghttp2_submit_response(ng, stream, f->nv, f->n, has_body ? &body : NULL);
}

int gci_h2_submit_answer(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                         const struct gci_http_message *answer, enum gci_h2_extent extent) {
  struct fields f;
  int err = fields_init(&f, c->mem, answer);
  if (err != 0) return err;
  add_status(&f, answer->status);
  if (allows_body(answer->status)) add_length(&f, answer);
  add_headers(&f, answer);
  if (extent == GCI_H2_WITH_BODY && allows_body(answer->status) &&
      gci_h2_content_add(c, answer) != 0)
    err = NGHTTP2_ERR_NOMEM;
  if (err == 0) err = submit_fields(ng, stream, c, &f);
  fields_fini(&f);
  return err;
}

int gci_h2_submit_begin(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                        const struct gci_http_message *head, enum gci_h2_extent extent) {
  struct fields f;
  int err = fields_init(&f, c->mem, head);
  if (err != 0) return err;
  c->open = extent == GCI_H2_WITH_BODY && allows_body(head->status);
  add_status(&f, head->status);
  add_headers(&f, head);
  err = submit_fields(ng, stream, c, &f);
  fields_fini(&f);
  return err;
}

int gci_h2_submit_continue(nghttp2_session *ng, int32_t stream) {
  nghttp2_nv status = nv_of(GCI_LIT(":status"), GCI_LIT("100"));
  return nghttp2_submit_headers(ng, NGHTTP2_FLAG_NONE, stream, NULL, &status, 1, NULL);
}

int32_t gci_h2_submit_request(nghttp2_session *ng, const char *scheme, struct gci_h2_content *c,
                              const struct gci_http_message *request, void *stream_user) {
  struct fields f;
  int32_t stream = fields_init(&f, c->mem, request);
  if (stream != 0) return stream;
  add(&f, GCI_LIT(":method"), request->method);
  add(&f, GCI_LIT(":scheme"), gcache_cstr(scheme));
  add(&f, GCI_LIT(":authority"), request->host);
  add(&f, GCI_LIT(":path"), request->target);
  size_t length = length_of(request);
  if (request->has_body || length > 0) add_length(&f, request);
  add_headers(&f, request);
  nghttp2_data_provider body = gci_h2_content_source(c);
  if (gci_h2_content_add(c, request) != 0)
    stream = NGHTTP2_ERR_NOMEM;
  else
    stream = nghttp2_submit_request(ng, NULL, f.nv, f.n, length > 0 ? &body : NULL, stream_user);
  fields_fini(&f);
  return stream;
}
