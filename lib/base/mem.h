/* base/mem - the injected allocator, counted.
 *
 * One struct gci_mem per cache. Values can outlive the cache, so it is reference counted: the cache
 * holds one reference, every value one. It frees itself with the last. `bytes` and `blocks` count
 * allocated memory; a test's teardown asserts that both are zero.
 * Fails: NULL, nothing changed. */
#ifndef GCI_BASE_MEM_H
#define GCI_BASE_MEM_H

#include <stddef.h>

#include "base/in_flight.h"
#include "base/spare.h"
#include "gcache/gcache.h"

struct gci_mem {
  gcache_mem_t user;
  size_t refs;
  size_t bytes; /* allocated and not yet freed, without this struct */
  size_t blocks;
  struct gci_in_flight in_flight; /* part of the above */
  int spares;                     /* freed small blocks are kept */
  struct gci_spare spare;
};

/* user NULL or user->resize NULL: realloc() and free(), behind base/spare. NULL: out of memory. */
struct gci_mem *gci_mem_new(const gcache_mem_t *user);
struct gci_mem *gci_mem_ref(struct gci_mem *mem);
void gci_mem_unref(struct gci_mem *mem);

void *gci_mem_alloc(struct gci_mem *mem, size_t size); /* not cleared; size > 0 */
void *gci_mem_zalloc(struct gci_mem *mem, size_t size);
void *gci_mem_resize(struct gci_mem *mem, void *ptr, size_t old_size, size_t new_size);
void gci_mem_free(struct gci_mem *mem, void *ptr, size_t size); /* ptr NULL is fine */

/* Zero-terminated copy, length + 1 bytes. */
char *gci_mem_strdup(struct gci_mem *mem, gcache_bytes_t text);

/* The memory that a block of `size` bytes takes from the process, allocator rounding included: the
 * measure of max_bytes (P5). glibc's rules: 8 bytes of header, 16-byte steps, at least 32; whole
 * pages from 128 KiB up. */
size_t gci_mem_cost(size_t size);

#endif
