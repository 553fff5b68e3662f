/* base/value - counted, immutable bytes that carry their own free and outlive their maker.
 *
 * Four shapes behind one type. Free-standing: bytes inline behind the head (copy), somebody's buffer
 * (wrap), and a block being filled (block), which becomes immutable with its first ref or when it is
 * handed on. A block can be narrowed to a slice of itself, so that a value received inside a message
 * is never copied out of it. Lodged: head and bytes are part of a block of somebody else's, the
 * landlord's, so that a short value in a cache costs one block and eight bytes of head.
 * Every free-standing value holds a reference to its mem. Not thread-safe: loop's thread only. */
#ifndef GCI_BASE_VALUE_H
#define GCI_BASE_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "gcache/gcache.h"

/* What all shapes begin with. Private to this room, but that landlords have one in their blocks. */
struct gcache_value_s {
  uint32_t refs;
  uint32_t offset : 16; /* lodged: from here to the first byte; 0: free-standing */
  uint32_t len : 14;    /* lodged */
  uint32_t timed : 1;   /* lodged: it expires */
  uint32_t wrapped : 1; /* free-standing: somebody's buffer */
};

/* All: one reference, the caller's; NULL: out of memory. */
gcache_value_t *gci_value_copy(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns);
gcache_value_t *gci_value_wrap(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns,
                               gcache_free_cb free_cb, void *arg);
/* len uninitialised bytes, never expires. */
gcache_value_t *gci_value_block(struct gci_mem *mem, size_t len);

/* While it is still the maker's alone, and free-standing. */
void *gci_value_fill(gcache_value_t *block); /* its bytes, to write */
/* Same block, possibly moved, with room for len bytes; what fits is kept. NULL: out of memory, block
 * is as it was. Only for blocks, before any narrow. */
gcache_value_t *gci_value_resize(gcache_value_t *block, size_t len);
void gci_value_narrow(gcache_value_t *value, size_t offset, size_t len);
void gci_value_set_expire(gcache_value_t *value, int64_t expire_unix_ns);

/* ---- lodging ----
 *
 * A landlord's block, from its mem, as far as this room knows it:
 *   24 bytes   only if the value expires: 16 of the landlord's, 8 of its time
 *   16 bytes   the landlord's until gci_value_evict()
 *   head       aligned to 8
 *   ...        the landlord's, key and all, to `offset` bytes from the head
 *   bytes      and nothing behind them */
enum {
  GCI_LODGE_BEFORE = 16,
  GCI_LODGE_BEFORE_TIMED = 24, /* more */
  GCI_LODGE_MAX_OFFSET = 0xffff,
  GCI_LODGE_MAX_LEN = 4096
};

/* Fills in the block, with a copy of the bytes of `value` and its expiry; one reference, the
 * landlord's. */
void gci_value_lodge(gcache_value_t *head, size_t offset, const gcache_value_t *value);
/* Takes the landlord's reference: the block goes back to mem with the last one. */
void gci_value_evict(gcache_value_t *head, struct gci_mem *mem);

static inline int gci_value_lodges(const gcache_value_t *value) {
  return value->offset != 0;
}

/* ---- all shapes ---- */

/* What the value costs in memory by gci_mem_cost(), its bytes included wherever they are; of a lodged
 * one, all of the landlord's block. */
size_t gci_value_cost(const gcache_value_t *value);

/* A short text as a value, for reasons that several waiters share: cut to 256 bytes, anything but
 * printable ASCII replaced by '?', zero-terminated (the zero is not part of its length). NULL: out of
 * memory, or text NULL or "". */
gcache_value_t *gci_value_text(struct gci_mem *mem, const char *text);
/* Its words; "" for NULL. */
const char *gci_value_words(const gcache_value_t *text);

static inline int gci_value_expired_at(int64_t expire_unix_ns, int64_t unix_ns) {
  return expire_unix_ns != GCACHE_NEVER && expire_unix_ns <= unix_ns;
}

#endif
