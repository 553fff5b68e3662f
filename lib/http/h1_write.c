/* http/h1_write - a head is written once, in the place it is sent from: its greatest length is
 * known before (head_room()). A small body goes into the same room. */
#include "http/h1_write.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

/* More than all that a head has beside the message's own texts: names, phrases, numbers. */
#define HEAD_WORDS 192

/* Text being written, where there is room for it. */
struct text {
  char *at;
};

static inline void add(struct text *t, gcache_bytes_t piece) {
  if (piece.len > 0) memcpy(t->at, piece.base, piece.len);
  t->at += piece.len;
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

static size_t head_room(const struct gci_http_message *m) {
  size_t room = HEAD_WORDS + m->method.len + m->target.len + m->host.len;
  for (size_t i = 0; i < m->n_headers; i++)
    room += m->headers[i].name.len + m->headers[i].value.len + sizeof ": \r\n";
  return room;
}

static gcache_bytes_t value_of(const struct gci_http_message *m) {
  return m->value == NULL ? gcache_bytes(NULL, 0) : gcache_value_bytes(m->value);
}

static size_t body_len(const struct gci_http_message *m) {
  return m->before.len + value_of(m).len + m->after.len;
}

static void add_length(struct text *t, size_t len) {
  add(t, GCI_LIT("Content-Length: "));
  add_number(t, len);
  add(t, GCI_LIT("\r\n"));
}

static void add_request(struct text *t, const struct gci_http_message *m) {
  size_t len = body_len(m);
  add(t, m->method);
  add(t, GCI_LIT(" "));
  add(t, m->target);
  add(t, GCI_LIT(" HTTP/1.1\r\nHost: "));
  add(t, m->host);
  add(t, GCI_LIT("\r\n"));
  add_headers(t, m);
  if (m->has_body || len > 0) add_length(t, len);
  add(t, GCI_LIT("\r\n"));
}

static int allows_body(const struct gci_http_message *m) {
  return m->status >= 200 && m->status != 204 && m->status != 304;
}

/* Without the last lines, which say where the body ends and whether the connection goes on. */
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
  if (allows_body(m)) add_length(t, body_len(m));
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

/* A message on its way into a queue: text for which room was made, then what is too large for
 * that. */
struct writing {
  struct gci_out *out;
  char *begin;
  size_t room;
  struct text text;
};

static int begin_writing(struct writing *w, struct gci_out *out, size_t room) {
  w->out = out;
  w->room = room;
  w->begin = w->text.at = gci_out_reserve(out, room);
  return w->begin == NULL ? UV_ENOMEM : 0;
}

static void end_writing(struct writing *w) {
  size_t len = (size_t)(w->text.at - w->begin);
  assert(len <= w->room);
  gci_out_commit(w->out, len);
}

static int write_body(struct gci_out *out, gcache_bytes_t before, gcache_value_t *value,
                      gcache_bytes_t after) {
  int err = gci_out_text(out, before);
  if (err == 0 && value != NULL) err = gci_out_value(out, value);
  return err == 0 ? gci_out_text(out, after) : err;
}

/* A body that is copied goes into the room for the head. */
static size_t room_for_small(const struct gci_http_message *m) {
  size_t len = body_len(m);
  return len < GCI_OUT_COPY_MAX ? len : 0;
}

static int end_with_body(struct writing *w, const struct gci_http_message *m) {
  if (room_for_small(m) == 0) {
    end_writing(w);
    return write_body(w->out, m->before, m->value, m->after);
  }
  add(&w->text, m->before);
  add(&w->text, value_of(m));
  add(&w->text, m->after);
  end_writing(w);
  return 0;
}

int gci_h1_write_request(struct gci_out *out, const struct gci_http_message *request) {
  struct writing w;
  if (begin_writing(&w, out, head_room(request) + room_for_small(request)) != 0) return UV_ENOMEM;
  add_request(&w.text, request);
  return end_with_body(&w, request);
}

int gci_h1_write_answer(struct gci_out *out, const struct gci_http_message *answer,
                        enum gci_h1_extent extent, enum gci_h1_then then) {
  struct writing w;
  if (begin_writing(&w, out, head_room(answer) + room_for_small(answer)) != 0) return UV_ENOMEM;
  add_answer(&w.text, answer);
  add(&w.text, last_lines(then));
  if (extent == GCI_H1_WITH_BODY && allows_body(answer)) return end_with_body(&w, answer);
  end_writing(&w);
  return 0;
}

enum gci_h1_body_kind gci_h1_streamed_kind(const struct gci_http_message *head,
                                           enum gci_h1_extent extent, int version_minor) {
  if (extent == GCI_H1_HEAD_ONLY || !allows_body(head)) return GCI_H1_NO_BODY;
  return version_minor == 0 ? GCI_H1_UNTIL_EOF : GCI_H1_CHUNKED;
}

int gci_h1_write_begin(struct gci_out *out, const struct gci_http_message *head,
                       enum gci_h1_body_kind kind, enum gci_h1_then then) {
  struct writing w;
  if (begin_writing(&w, out, head_room(head)) != 0) return UV_ENOMEM;
  if (kind == GCI_H1_CHUNKED)
    add_chunked(&w.text, head);
  else
    add_status(&w.text, head);
  add(&w.text, last_lines(then));
  end_writing(&w);
  return 0;
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
  size_t size = sizeof(struct gci_h1_held) + head_room(answer);
  if (body) size += answer->before.len + answer->after.len;
  struct gci_h1_held *held = gci_mem_alloc(mem, size);
  if (held == NULL) return NULL;
  *held = (struct gci_h1_held){.size = size};
  if (body && answer->value != NULL) held->value = gcache_value_ref(answer->value);
  gci_in_flight_add(&mem->in_flight, gci_h1_held_bytes(held));
  struct text t = {held->text};
  add_answer(&t, answer);
  held->head = (size_t)(t.at - held->text);
  if (!body) return held;
  add(&t, answer->before);
  add(&t, answer->after);
  held->before = answer->before.len;
  held->after = answer->after.len;
  return held;
}

size_t gci_h1_held_bytes(const struct gci_h1_held *held) {
  if (held == NULL) return 0;
  return held->size + (held->value == NULL ? 0 : gcache_value_bytes(held->value).len);
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
  gci_in_flight_drop(&mem->in_flight, gci_h1_held_bytes(held));
  gcache_value_unref(held->value);
  gci_mem_free(mem, held, held->size);
}
