/* http/out - the queue is a list of buffers, each a row of records: a record is either text, which
 * follows it in the buffer, or a part of a value by reference. So a large value costs 24 bytes of
 * buffer and no allocation, and the text after it goes on in the same buffer.
 *
 * Owns its buffers and one reference per value record. Records never move, so slices stay valid
 * while more is appended. Fails: UV_ENOMEM before anything was changed. */
#include "http/out.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"

#define BUFFER_SIZE (16 * 1024)

struct record {
  gcache_value_t *value; /* NULL: text, which follows */
  size_t offset;         /* of the part of the value */
  size_t len;            /* of the text or the part */
};

struct buffer {
  struct gcache_link_s link;
  size_t size;    /* of the allocation */
  uint32_t first; /* offset of the first record that has unsent bytes */
  uint32_t last;  /* offset of the last record; meaningless when first == end */
  uint32_t end;   /* of the last record's content */
  uint32_t pad;   /* keeps data aligned for records on 32-bit machines */
  uint64_t sent;  /* bytes of the first record that have been sent */
  unsigned char data[];
};

static struct buffer *buffer_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct buffer, link);
}

static struct record *record_at(const struct buffer *b, size_t offset) {
  return (struct record *)(void *)((char *)(uintptr_t)b + offsetof(struct buffer, data) + offset);
}

static size_t capacity(const struct buffer *b) {
  return b->size - sizeof *b;
}

static size_t aligned(size_t offset) {
  return (offset + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
}

static int is_empty(const struct buffer *b) {
  return b->first == b->end;
}

static int ends_in_text(const struct buffer *b) {
  return !is_empty(b) && record_at(b, b->last)->value == NULL;
}

/* Offset of the record after the one at `offset`; for the last one the end. */
static size_t next_record(const struct buffer *b, size_t offset) {
  if (offset == b->last) return b->end;
  const struct record *r = record_at(b, offset);
  return aligned(offset + sizeof *r + (r->value == NULL ? r->len : 0));
}

static gcache_bytes_t unsent(const struct buffer *b, size_t offset) {
  struct record *r = record_at(b, offset);
  gcache_bytes_t all = gcache_bytes(r + 1, r->len);
  if (r->value != NULL) all.base = (const char *)gcache_value_bytes(r->value).base + r->offset;
  return offset == b->first ? gci_bytes_skip(all, (size_t)b->sent) : all;
}

void gci_out_init(struct gci_out *out, struct gci_mem *mem) {
  memset(out, 0, sizeof *out);
  out->mem = mem;
  gci_list_init(&out->spans);
}

void gci_out_fini(struct gci_out *out) {
  gci_out_consume(out, out->bytes);
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&out->spans)) != NULL) {
    gci_in_flight_drop(&out->mem->in_flight, buffer_of(link)->size);
    gci_mem_free(out->mem, buffer_of(link), buffer_of(link)->size);
  }
}

static struct buffer *back(struct gci_out *out) {
  struct gcache_link_s *link = gci_list_back(&out->spans);
  return link == NULL ? NULL : buffer_of(link);
}

/* A buffer with room for at least `content` bytes, not yet in the queue. */
static struct buffer *buffer_new(struct gci_out *out, size_t content) {
  size_t size = sizeof(struct buffer) + content;
  if (size > UINT32_MAX) return NULL;
  if (size < BUFFER_SIZE) size = BUFFER_SIZE;
  struct buffer *b = gci_mem_alloc(out->mem, size);
  if (b == NULL) return NULL;
  memset(b, 0, sizeof *b);
  b->size = size;
  return b;
}

static void enqueue(struct gci_out *out, struct buffer *b) {
  gci_list_push_back(&out->spans, &b->link);
  gci_in_flight_add(&out->mem->in_flight, b->size);
}

/* The last part of a value keeps all of it alive; earlier parts need nothing as long as that is to
 * come. */
static size_t kept_by(const struct record *r) {
  size_t len = gcache_value_bytes(r->value).len;
  return r->offset + r->len == len ? len : 0;
}

static struct record *add_record(struct buffer *b, gcache_value_t *value) {
  size_t offset = aligned(b->end);
  struct record *r = record_at(b, offset);
  r->value = value;
  r->offset = r->len = 0;
  if (is_empty(b)) b->first = (uint32_t)offset;
  b->last = (uint32_t)offset;
  b->end = (uint32_t)(offset + sizeof *r);
  return r;
}

/* Bytes of text that still fit into b, less a record for them if one is needed. */
static size_t room_for_text(const struct buffer *b) {
  size_t start = ends_in_text(b) ? b->end : aligned(b->end) + sizeof(struct record);
  return start < capacity(b) ? capacity(b) - start : 0;
}

static void put_text(struct gci_out *out, struct buffer *b, gcache_bytes_t text) {
  if (text.len == 0) return;
  struct record *r = ends_in_text(b) ? record_at(b, b->last) : add_record(b, NULL);
  memcpy((char *)(r + 1) + r->len, text.base, text.len);
  r->len += text.len;
  b->end += (uint32_t)text.len;
  out->bytes += text.len;
  out->held += text.len;
}

int gci_out_text(struct gci_out *out, gcache_bytes_t text) {
  if (text.len == 0) return 0;
  struct buffer *b = back(out);
  size_t now = b == NULL ? 0 : room_for_text(b);
  if (now > text.len) now = text.len;
  gcache_bytes_t rest = gci_bytes_skip(text, now);
  struct buffer *more = NULL;
  if (rest.len > 0) {
    more = buffer_new(out, rest.len + sizeof(struct record));
    if (more == NULL) return UV_ENOMEM;
  }
  if (now > 0) put_text(out, b, gcache_bytes(text.base, now));
  if (more != NULL) {
    enqueue(out, more);
    put_text(out, more, rest);
  }
  return 0;
}

char *gci_out_reserve(struct gci_out *out, size_t len) {
  struct buffer *b = back(out);
  if (b == NULL || room_for_text(b) < len) {
    b = buffer_new(out, len + sizeof(struct record));
    if (b == NULL) return NULL;
    enqueue(out, b);
  }
  size_t at = ends_in_text(b) ? b->end : aligned(b->end) + sizeof(struct record);
  return (char *)b->data + at;
}

void gci_out_commit(struct gci_out *out, size_t len) {
  struct buffer *b = back(out);
  assert(len > 0 && len <= room_for_text(b));
  struct record *r = ends_in_text(b) ? record_at(b, b->last) : add_record(b, NULL);
  r->len += len;
  b->end += (uint32_t)len;
  out->bytes += len;
  out->held += len;
}

/* Nonzero: the last of several parts; after it the value can go. */
static int ends(const gcache_value_t *value, size_t offset, size_t len) {
  return offset > 0 && len > 0 && offset + len == gcache_value_bytes(value).len;
}

int gci_out_value_part(struct gci_out *out, gcache_value_t *value, size_t offset, size_t len) {
  gcache_bytes_t bytes = gcache_value_bytes(value);
  assert(offset <= bytes.len && len <= bytes.len - offset);
  bytes = gcache_bytes(gci_bytes_skip(bytes, offset).base, len);
  if (bytes.len < GCI_OUT_COPY_MAX && !ends(value, offset, len)) return gci_out_text(out, bytes);
  struct buffer *b = back(out);
  if (b == NULL || aligned(b->end) + sizeof(struct record) > capacity(b)) {
    b = buffer_new(out, sizeof(struct record));
    if (b == NULL) return UV_ENOMEM;
    enqueue(out, b);
  }
  struct record *r = add_record(b, gcache_value_ref(value));
  r->offset = offset;
  r->len = len;
  out->bytes += len;
  gci_in_flight_add(&out->mem->in_flight, kept_by(r));
  return 0;
}

int gci_out_value(struct gci_out *out, gcache_value_t *value) {
  return gci_out_value_part(out, value, 0, gcache_value_bytes(value).len);
}

void gci_out_move(struct gci_out *to, struct gci_out *from) {
  assert(to->mem == from->mem);
  gci_list_move(&to->spans, &from->spans);
  to->bytes += from->bytes;
  to->held += from->held;
  from->bytes = from->held = 0;
}

size_t gci_out_slices(const struct gci_out *out, gcache_bytes_t slices[], size_t max) {
  size_t n = 0;
  gci_list_each(link, &out->spans) {
    const struct buffer *b = buffer_of(link);
    for (size_t at = b->first; at != b->end && n < max; at = next_record(b, at))
      slices[n++] = unsent(b, at);
  }
  return n;
}

/* The first record of b is completely sent. */
static void drop_record(struct gci_out *out, struct buffer *b) {
  struct record *r = record_at(b, b->first);
  if (r->value != NULL) {
    gci_in_flight_drop(&out->mem->in_flight, kept_by(r));
    gcache_value_unref(r->value);
  }
  b->first = (uint32_t)next_record(b, b->first);
  b->sent = 0;
}

static void drop_buffer(struct gci_out *out, struct buffer *b) {
  gci_link_unlink(&b->link);
  gci_in_flight_drop(&out->mem->in_flight, b->size);
  gci_mem_free(out->mem, b, b->size);
}

void gci_out_consume(struct gci_out *out, size_t bytes) {
  assert(bytes <= out->bytes);
  out->bytes -= bytes;
  while (bytes > 0) {
    struct buffer *b = buffer_of(gci_list_front(&out->spans));
    size_t waits = unsent(b, b->first).len;
    size_t now = bytes < waits ? bytes : waits;
    if (record_at(b, b->first)->value == NULL) out->held -= now;
    b->sent += now;
    bytes -= now;
    if (now == waits) drop_record(out, b);
    if (is_empty(b)) drop_buffer(out, b);
  }
}
