/* base/value - counted, immutable bytes that carry their own free function and outlive their maker.
 *
 * Four shapes behind one type. Free-standing: bytes inline behind the head (copy), somebody's
 * buffer (wrap), and a block being filled (block), which becomes immutable with its first ref or
 * when it is handed on. A block can be narrowed to a slice of itself, so that a value received
 * inside a message is never copied out of it. Lodged: head and bytes are part of another owner's
 * block, the landlord's, so that a short value in a cache costs one block and eight bytes of head.
 * Few values have windows of their own; a free-standing one keeps them in a small block beside it.
 * Every free-standing value holds a reference to its mem. Not thread-safe: loop's thread only. */
#ifndef GCI_BASE_VALUE_H
#define GCI_BASE_VALUE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/windows.h"
#include "gcache/gcache.h"

/* The common head of all shapes. Private to this room, except that landlords embed it. */
struct gcache_value_s {
  uint32_t refs;
  uint32_t offset : 16;  /* lodged: from here to the first byte; 0: free-standing */
  uint32_t len : 13;     /* lodged */
  uint32_t timed : 1;    /* lodged: it expires */
  uint32_t wrapped : 1;  /* free-standing: somebody's buffer */
  uint32_t windowed : 1; /* it has windows of its own */
};

/* All return one reference, the caller's; NULL: out of memory. */
gcache_value_t *gci_value_copy(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns);
gcache_value_t *gci_value_wrap(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns,
                               gcache_free_cb free_cb, void *arg);
/* len uninitialised bytes, never expires. */
gcache_value_t *gci_value_block(struct gci_mem *mem, size_t len);

/* While only the maker has it, and it is free-standing. */
void *gci_value_fill(gcache_value_t *block); /* its bytes, to write */
/* The same block, possibly moved, with room for len bytes; bytes that fit are kept. NULL: out of
 * memory, block is unchanged. Only for blocks, before any narrow. */
gcache_value_t *gci_value_resize(gcache_value_t *block, size_t len);
void gci_value_narrow(gcache_value_t *value, size_t offset, size_t len);
void gci_value_set_expire(gcache_value_t *value, int64_t expire_unix_ns);
/* UV_ENOMEM; then it keeps its old windows. */
int gci_value_set_windows(gcache_value_t *value, const struct gci_windows *windows);

/* ---- lodging ----
 *
 * A landlord's block, from its mem, as far as this room knows it:
 *   16 bytes   only if the value has windows of its own: they
 *   24 bytes   only if the value expires: 16 of the landlord's, 8 of its time
 *   16 bytes   the landlord's until gci_value_evict()
 *   head       aligned to 8
 *   ...        the landlord's, key and all, to `offset` bytes from the head
 *   bytes      and nothing behind them */
enum {
  GCI_LODGE_BEFORE = 16,
  GCI_LODGE_BEFORE_TIMED = 24,    /* more */
  GCI_LODGE_BEFORE_WINDOWED = 16, /* more */
  GCI_LODGE_MAX_OFFSET = 0xffff,
  GCI_LODGE_MAX_LEN = 4096
};

/* Fills in head, with a copy of the bytes of `value`, its expiry and windows; one reference, the
 * landlord's. */
void gci_value_lodge(gcache_value_t *head, size_t offset, const gcache_value_t *value);
/* Takes the landlord's reference: the block is freed to mem with the last one. */
void gci_value_evict(gcache_value_t *head, struct gci_mem *mem);

/* gcache_value_ref() of a value that is not NULL. */
static inline gcache_value_t *gci_value_hold(gcache_value_t *value) {
  assert(value->refs > 0 && value->refs < UINT32_MAX);
  value->refs++;
  return value;
}

static inline int gci_value_lodges(const gcache_value_t *value) {
  return value->offset != 0;
}

/* ---- all shapes ---- */

/* Nonzero: there is no other reference; it may still be written to. */
static inline int gci_value_is_own(const gcache_value_t *value) {
  return value->refs == 1 && !gci_value_lodges(value);
}

static inline int gci_value_is_windowed(const gcache_value_t *value) {
  return value->windowed;
}
/* The value's own windows; NULL: none. */
const struct gci_windows *gci_value_windows(const gcache_value_t *value);
/* The same value with a nearer expiry: itself, if it is the caller's alone and free-standing, or a
 * new one that keeps it alive. Takes the reference; NULL: out of memory, and the reference is still
 * the caller's. */
gcache_value_t *gci_value_until(struct gci_mem *mem, gcache_value_t *value, int64_t expire_unix_ns);

/* gcache_value_expire(), mostly without a call. */
static inline int64_t gci_value_expire(const gcache_value_t *value) {
  return gci_value_lodges(value) && !value->timed ? GCACHE_NEVER : gcache_value_expire(value);
}

/* The value's memory by gci_mem_cost(), its bytes included wherever they are; for a lodged one, all
 * of the landlord's block. */
size_t gci_value_cost(const gcache_value_t *value);

/* A short text as a value, for reasons that several waiters share: cut to 256 bytes, anything but
 * printable ASCII replaced by '?', zero-terminated (the zero is not part of its length). NULL: out
 * of memory, or text NULL or "". */
gcache_value_t *gci_value_text(struct gci_mem *mem, const char *text);
/* Its words; "" for NULL. */
const char *gci_value_words(const gcache_value_t *text);

static inline int gci_value_expired_at(int64_t expire_unix_ns, int64_t unix_ns) {
  return expire_unix_ns != GCACHE_NEVER && expire_unix_ns <= unix_ns;
}

#endif
