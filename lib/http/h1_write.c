/* http/h1_write - a head is composed by one function, run twice: without a place, to measure;
 * then with one. */
#include "http/h1_write.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

#define SMALL_HEAD 1024

/* Text being measured (base NULL) or written. */
struct text {
  char *base;
  size_t len;
};

static void add(struct text *t, gcache_bytes_t piece) {
  if (t->base != NULL && piece.len > 0) memcpy(t->base + t->len, piece.base, piece.len);
  t->len += piece.len;
}

static void add_number(struct text *t, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  add(t, gcache_bytes(digits + at, sizeof digits - at));
}

static void add_headers(struct text *t, const struct gci_http_message *m) {
  for (size_t i = 0; i < m->n_headers; i++) {
    assert(gci_http_name_ok(m->headers[i].name) && gci_http_value_ok(m->headers[i].value));
    add(t, m->headers[i].name);
    add(t, GCI_LIT(": "));
    add(t, m->headers[i].value);
    add(t, GCI_LIT("\r\n"));
  }
}

static gcache_bytes_t value_of(const struct gci_http_message *m) {
  return m->value == NULL ? gcache_bytes(NULL, 0) : gcache_value_bytes(m->value);
}

static size_t body_len(const struct gci_http_message *m) {
  return m->before.len + value_of(m).len + m->after.len;
}

static void add_length(struct text *t, const struct gci_http_message *m) {
  add(t, GCI_LIT("Content-Length: "));
  add_number(t, body_len(m));
  add(t, GCI_LIT("\r\n"));
}

static void add_request(struct text *t, const struct gci_http_message *m) {
  add(t, m->method);
  add(t, GCI_LIT(" "));
  add(t, m->target);
  add(t, GCI_LIT(" HTTP/1.1\r\nHost: "));
  add(t, m->host);
  add(t, GCI_LIT("\r\n"));
  add_headers(t, m);
  if (m->has_body || body_len(m) > 0) add_length(t, m);
  add(t, GCI_LIT("\r\n"));
}

static int allows_body(const struct gci_http_message *m) {
  return m->status >= 200 && m->status != 204 && m->status != 304;
}

/* Without its last lines, which say where the body ends and whether the connection goes on. */
static void add_status(struct text *t, const struct gci_http_message *m) {
  add(t, GCI_LIT("HTTP/1.1 "));
  add_number(t, (uint64_t)m->status);
  add(t, GCI_LIT(" "));
  add(t, gcache_cstr(gci_http_status_text(m->status)));
  add(t, GCI_LIT("\r\n"));
  add_headers(t, m);
}

static void add_answer(struct text *t, const struct gci_http_message *m) {
  add_status(t, m);
  if (allows_body(m)) add_length(t, m);
}

static void add_chunked(struct text *t, const struct gci_http_message *m) {
  add_status(t, m);
  add(t, GCI_LIT("Transfer-Encoding: chunked\r\n"));
}

static gcache_bytes_t last_lines(enum gci_h1_then then) {
  switch (then) {
  case GCI_H1_THEN_KEEP_SAID:
    return GCI_LIT("Connection: keep-alive\r\n\r\n");
  case GCI_H1_THEN_CLOSE:
    return GCI_LIT("Connection: close\r\n\r\n");
  case GCI_H1_THEN_KEEP:
    break;
  }
  return GCI_LIT("\r\n");
}

typedef void (*compose)(struct text *t, const struct gci_http_message *m);

static int write_head(struct gci_out *out, const struct gci_http_message *m, compose add_head) {
  char small[SMALL_HEAD];
  struct text measured = {NULL, 0};
  add_head(&measured, m);
  struct text written = {small, 0};
  if (measured.len > sizeof small) {
    written.base = gci_mem_alloc(out->mem, measured.len);
    if (written.base == NULL) return UV_ENOMEM;
  }
  add_head(&written, m);
  int err = gci_out_text(out, gcache_bytes(written.base, written.len));
  if (written.base != small) gci_mem_free(out->mem, written.base, measured.len);
  return err;
}

static int write_body(struct gci_out *out, gcache_bytes_t before, gcache_value_t *value,
                      gcache_bytes_t after) {
  int err = gci_out_text(out, before);
  if (err == 0 && value != NULL) err = gci_out_value(out, value);
  return err == 0 ? gci_out_text(out, after) : err;
}

int gci_h1_write_request(struct gci_out *out, const struct gci_http_message *request) {
  int err = write_head(out, request, add_request);
  return err == 0 ? write_body(out, request->before, request->value, request->after) : err;
}

int gci_h1_write_answer(struct gci_out *out, const struct gci_http_message *answer,
                        enum gci_h1_extent extent, enum gci_h1_then then) {
  int err = write_head(out, answer, add_answer);
  if (err == 0) err = gci_out_text(out, last_lines(then));
  if (err != 0 || extent == GCI_H1_HEAD_ONLY || !allows_body(answer)) return err;
  return write_body(out, answer->before, answer->value, answer->after);
}

enum gci_h1_body_kind gci_h1_streamed_kind(const struct gci_http_message *head,
                                           enum gci_h1_extent extent, int version_minor) {
  if (extent == GCI_H1_HEAD_ONLY || !allows_body(head)) return GCI_H1_NO_BODY;
  return version_minor == 0 ? GCI_H1_UNTIL_EOF : GCI_H1_CHUNKED;
}

int gci_h1_write_begin(struct gci_out *out, const struct gci_http_message *head,
                       enum gci_h1_body_kind kind, enum gci_h1_then then) {
  int err = write_head(out, head, kind == GCI_H1_CHUNKED ? add_chunked : add_status);
  return err == 0 ? gci_out_text(out, last_lines(then)) : err;
}

static int write_chunk_size(struct gci_out *out, size_t size) {
  char digits[2 * sizeof size + 2];
  size_t at = sizeof digits;
  digits[--at] = '\n';
  digits[--at] = '\r';
  for (; size > 0; size /= 16)
    digits[--at] = "0123456789abcdef"[size % 16];
  return gci_out_text(out, gcache_bytes(digits + at, sizeof digits - at));
}

int gci_h1_write_part(struct gci_out *out, const struct gci_http_message *part,
                      enum gci_h1_body_kind kind) {
  size_t len = body_len(part);
  if (kind == GCI_H1_NO_BODY || len == 0) return 0; /* a chunk without bytes would be the last */
  if (kind != GCI_H1_CHUNKED) return write_body(out, part->before, part->value, part->after);
  int err = write_chunk_size(out, len);
  if (err == 0) err = write_body(out, part->before, part->value, part->after);
  return err == 0 ? gci_out_text(out, GCI_LIT("\r\n")) : err;
}

int gci_h1_write_end(struct gci_out *out, enum gci_h1_body_kind kind) {
  return kind == GCI_H1_CHUNKED ? gci_out_text(out, GCI_LIT("0\r\n\r\n")) : 0;
}

/* The texts follow: head, before, after. */
struct gci_h1_held {
  gcache_value_t *value;
  size_t size; /* of the allocation */
  size_t head, before, after;
  char text[];
};

struct gci_h1_held *gci_h1_hold(struct gci_mem *mem, const struct gci_http_message *answer,
                                enum gci_h1_extent extent) {
  int body = extent == GCI_H1_WITH_BODY && allows_body(answer);
  struct text t = {NULL, 0};
  add_answer(&t, answer);
  size_t size = sizeof(struct gci_h1_held) + t.len;
  if (body) size += answer->before.len + answer->after.len;
  struct gci_h1_held *held = gci_mem_zalloc(mem, size);
  if (held == NULL) return NULL;
  held->size = size;
  held->head = t.len;
  t = (struct text){held->text, 0};
  add_answer(&t, answer);
  if (!body) return held;
  add(&t, answer->before);
  add(&t, answer->after);
  held->before = answer->before.len;
  held->after = answer->after.len;
  held->value = gcache_value_ref(answer->value);
  return held;
}

int gci_h1_write_held(struct gci_out *out, const struct gci_h1_held *held, enum gci_h1_then then) {
  const char *before = held->text + held->head;
  int err = gci_out_text(out, gcache_bytes(held->text, held->head));
  if (err == 0) err = gci_out_text(out, last_lines(then));
  if (err != 0) return err;
  return write_body(out, gcache_bytes(before, held->before), held->value,
                    gcache_bytes(before + held->before, held->after));
}

void gci_h1_held_free(struct gci_mem *mem, struct gci_h1_held *held) {
  if (held == NULL) return;
  gcache_value_unref(held->value);
  gci_mem_free(mem, held, held->size);
}
