/* wire/usual - see usual.h. */
#include "wire/usual.h"

#include <limits.h>
#include <string.h>

#define LENGTH_VARINT_MAX 5 /* the longest that protobuf-c reads before bytes */

struct cursor {
  const unsigned char *p;
  size_t left;
};

/* Nonzero: that tag comes next, and was read. */
static int read_tag(struct cursor *c, unsigned char tag) {
  if (c->left == 0 || *c->p != tag) return 0;
  c->p++;
  c->left--;
  return 1;
}

/* Nonzero: read. Bits past the 64th are lost, as in protobuf-c. */
static int read_varint(struct cursor *c, size_t max_size, uint64_t *out) {
  uint64_t n = 0;
  for (size_t i = 0; i < max_size && i < c->left; i++) {
    n |= (uint64_t)(c->p[i] & 0x7f) << 7 * i;
    if (c->p[i] & 0x80) continue;
    c->p += i + 1;
    c->left -= i + 1;
    *out = n;
    return 1;
  }
  return 0;
}

static int read_bytes(struct cursor *c, gcache_bytes_t *out) {
  uint64_t len;
  if (!read_varint(c, LENGTH_VARINT_MAX, &len) || len > INT_MAX || len > c->left) return 0;
  out->base = c->p;
  out->len = (size_t)len;
  c->p += len;
  c->left -= (size_t)len;
  return 1;
}

/* Field 16 + i as a varint: two bytes of tag. */
static int read_own_tag(struct cursor *c, unsigned i) {
  if (c->left < 2 || c->p[0] != (0x80 | 8 * i) || c->p[1] != 0x01) return 0;
  c->p += 2;
  c->left -= 2;
  return 1;
}

static int read_own(struct cursor *c, unsigned first, struct gci_usual *out) {
  memset(out->own, 0, sizeof out->own);
  out->has_windows = 0;
  for (unsigned i = first; i < GCI_USUAL_OWN; i++) {
    if (!read_own_tag(c, i)) continue;
    if (!read_varint(c, GCI_VARINT_MAX, &out->own[i])) return 0;
    if (i >= GCI_USUAL_WINDOWS) out->has_windows = 1;
  }
  return 1;
}

/* Value and expire, gcache's own fields, each if present, and the end. */
static int read_rest(struct cursor *c, unsigned char value_tag, unsigned char expire_tag,
                     unsigned first_own, struct gci_usual *out) {
  uint64_t expire = 0;
  if (read_tag(c, value_tag) && !read_bytes(c, &out->value)) return 0;
  if (read_tag(c, expire_tag) && !read_varint(c, GCI_VARINT_MAX, &expire)) return 0;
  out->expire = (int64_t)expire;
  return read_own(c, first_own, out) && c->left == 0;
}

int gci_usual_answer(gcache_bytes_t message, struct gci_usual *out) {
  struct cursor c = {message.base, message.len};
  out->value = (gcache_bytes_t){message.base, 0};
  return read_rest(&c, 0x0a, 0x18, GCI_USUAL_STALE_FOR, out);
}

int gci_usual_set(gcache_bytes_t message, struct gci_usual *out) {
  struct cursor c = {message.base, message.len};
  out->value = (gcache_bytes_t){message.base, 0};
  if (!read_tag(&c, 0x0a) || !read_bytes(&c, &out->group)) return 0;
  if (!read_tag(&c, 0x12) || !read_bytes(&c, &out->key)) return 0;
  return read_rest(&c, 0x1a, 0x20, GCI_USUAL_WINDOWS, out);
}

size_t gci_varint_size(uint64_t n) {
  size_t size = 1;
  while (n >>= 7)
    size++;
  return size;
}

size_t gci_varint_write(char *out, uint64_t n) {
  size_t size = 0;
  for (; n > 0x7f; n >>= 7)
    out[size++] = (char)(0x80 | (n & 0x7f));
  out[size++] = (char)n;
  return size;
}
