/* base/value - counted, immutable bytes that carry their own free and outlive their maker.
 *
 * Three shapes behind one type: bytes inline behind the head (copy), somebody's buffer (wrap), and a
 * block being filled (block), which becomes immutable with its first ref or when it is handed on. A
 * block can be narrowed to a slice of itself, so that a value received inside a message is never
 * copied out of it.
 * Every value holds a reference to its mem. Not thread-safe: loop's thread only. */
#ifndef GCI_BASE_VALUE_H
#define GCI_BASE_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "gcache/gcache.h"

/* All: one reference, the caller's; NULL: out of memory. */
gcache_value_t *gci_value_copy(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns);
gcache_value_t *gci_value_wrap(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns,
                               gcache_free_cb free_cb, void *arg);
/* len uninitialised bytes, never expires. */
gcache_value_t *gci_value_block(struct gci_mem *mem, size_t len);

/* While it is still the maker's alone. */
void *gci_value_fill(gcache_value_t *block); /* its bytes, to write */
/* Same block, possibly moved, with room for len bytes; what fits is kept. NULL: out of memory, block
 * is as it was. Only for blocks, before any narrow. */
gcache_value_t *gci_value_resize(gcache_value_t *block, size_t len);
void gci_value_narrow(gcache_value_t *value, size_t offset, size_t len);
void gci_value_set_expire(gcache_value_t *value, int64_t expire_unix_ns);

/* What the value costs in memory by gci_mem_cost(), its bytes included wherever they are. */
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
