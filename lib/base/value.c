/* base/value - see value.h. A value is one block from its mem: head and bytes, or head and the address
 * of somebody's buffer, which free_cb gives back. Fails with NULL, and nothing taken. */
#include "base/value.h"

#include <assert.h>
#include <string.h>

/* 40 bytes, because every entry of a cache pays them; the bytes of an inline value follow. */
struct gcache_value_s {
  struct gci_mem *mem;
  int64_t expire_unix_ns;
  size_t size; /* bytes behind the head, or in the wrapped buffer, before any narrow */
  size_t len;
  uint32_t refs;
  uint32_t wrapped : 1;
  uint32_t offset : 31; /* of an inline value's first byte */
};

enum { OFFSET_MAX = 0x7fffffff };

struct wrapped {
  struct gcache_value_s head;
  const void *base;
  gcache_free_cb free_cb;
  void *arg;
};

static char *inline_bytes(gcache_value_t *value) {
  return (char *)(value + 1);
}

static gcache_value_t *value_new(struct gci_mem *mem, size_t block_size) {
  gcache_value_t *value = gci_mem_alloc(mem, block_size);
  if (value == NULL) return NULL;
  *value = (gcache_value_t){.mem = gci_mem_ref(mem), .expire_unix_ns = GCACHE_NEVER, .refs = 1};
  return value;
}

gcache_value_t *gci_value_block(struct gci_mem *mem, size_t len) {
  if (len > SIZE_MAX - sizeof(gcache_value_t)) return NULL;
  gcache_value_t *value = value_new(mem, sizeof *value + len);
  if (value != NULL) value->size = value->len = len;
  return value;
}

gcache_value_t *gci_value_copy(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns) {
  gcache_value_t *value = gci_value_block(mem, bytes.len);
  if (value == NULL) return NULL;
  if (bytes.len > 0) memcpy(inline_bytes(value), bytes.base, bytes.len);
  value->expire_unix_ns = expire_unix_ns;
  return value;
}

gcache_value_t *gci_value_wrap(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns,
                               gcache_free_cb free_cb, void *arg) {
  gcache_value_t *value = value_new(mem, sizeof(struct wrapped));
  if (value == NULL) return NULL;
  struct wrapped *w = (struct wrapped *)value;
  value->wrapped = 1;
  value->size = value->len = bytes.len;
  value->expire_unix_ns = expire_unix_ns;
  w->base = bytes.base;
  w->free_cb = free_cb;
  w->arg = arg;
  return value;
}

void *gci_value_fill(gcache_value_t *block) {
  assert(block->refs == 1 && !block->wrapped);
  return inline_bytes(block) + block->offset;
}

gcache_value_t *gci_value_resize(gcache_value_t *block, size_t len) {
  assert(block->refs == 1 && !block->wrapped && block->offset == 0 && block->len == block->size);
  if (len > SIZE_MAX - sizeof *block) return NULL;
  gcache_value_t *moved = gci_mem_resize(block->mem, block, sizeof *block + block->size,
                                         sizeof *block + len);
  if (moved != NULL) moved->size = moved->len = len;
  return moved;
}

void gci_value_narrow(gcache_value_t *value, size_t offset, size_t len) {
  assert(value->refs == 1 && offset <= value->len && len <= value->len - offset);
  value->len = len;
  if (value->wrapped) {
    struct wrapped *w = (struct wrapped *)value;
    if (offset > 0) w->base = (const char *)w->base + offset;
    return;
  }
  offset += value->offset;
  if (offset > OFFSET_MAX) { /* no room for it in the head: the bytes move instead */
    memmove(inline_bytes(value), inline_bytes(value) + offset, len);
    offset = 0;
  }
  value->offset = (uint32_t)offset & OFFSET_MAX;
}

void gci_value_set_expire(gcache_value_t *value, int64_t expire_unix_ns) {
  assert(value->refs == 1);
  value->expire_unix_ns = expire_unix_ns;
}

size_t gci_value_cost(const gcache_value_t *value) {
  if (!value->wrapped) return gci_mem_cost(sizeof *value + value->size);
  size_t head = gci_mem_cost(sizeof(struct wrapped)), buffer = gci_mem_cost(value->size);
  return buffer > SIZE_MAX - head ? SIZE_MAX : head + buffer;
}

gcache_value_t *gci_value_text(struct gci_mem *mem, const char *text) {
  size_t len = text == NULL ? 0 : strnlen(text, 256);
  gcache_value_t *value = len == 0 ? NULL : gci_value_block(mem, len + 1);
  if (value == NULL) return NULL;
  char *out = inline_bytes(value);
  for (size_t i = 0; i < len; i++) {
    out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
  }
  out[len] = '\0';
  gci_value_narrow(value, 0, len);
  return value;
}

const char *gci_value_words(const gcache_value_t *text) {
  return text == NULL ? "" : gcache_value_bytes(text).base;
}

gcache_value_t *gcache_value_ref(gcache_value_t *value) {
  if (value == NULL) return NULL;
  assert(value->refs > 0 && value->refs < UINT32_MAX);
  value->refs++;
  return value;
}

void gcache_value_unref(gcache_value_t *value) {
  if (value == NULL) return;
  assert(value->refs > 0);
  if (--value->refs > 0) return;
  struct gci_mem *mem = value->mem;
  size_t block_size = sizeof *value + value->size;
  if (value->wrapped) {
    struct wrapped *w = (struct wrapped *)value;
    if (w->free_cb != NULL) w->free_cb(w->arg);
    block_size = sizeof *w;
  }
  gci_mem_free(mem, value, block_size);
  gci_mem_unref(mem);
}

gcache_bytes_t gcache_value_bytes(const gcache_value_t *value) {
  if (value->wrapped) return gcache_bytes(((const struct wrapped *)value)->base, value->len);
  return gcache_bytes((const char *)(value + 1) + value->offset, value->len);
}

int64_t gcache_value_expire(const gcache_value_t *value) {
  return value->expire_unix_ns;
}
