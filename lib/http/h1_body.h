/* http/h1_body - collects a body in a value block, so that it can be kept without a copy.
 *
 * Memory follows the bytes that have come, not those that were promised: nothing before the
 * first byte, then at most 64 KiB ahead or twice what has come. Owns the block until finish.
 * Fails: a fault; what was collected stays. */
#ifndef GCI_HTTP_H1_BODY_H
#define GCI_HTTP_H1_BODY_H

#include "base/value.h"
#include "http/h1_fault.h"

struct gci_h1_body {
  struct gci_mem *mem;
  gcache_value_t *block; /* NULL: nothing has come */
  size_t used, room;
  size_t max; /* the length stated, else the limit */
};

/* max: no more bytes than this will be taken. */
void gci_h1_body_init(struct gci_h1_body *body, struct gci_mem *mem, size_t max);
void gci_h1_body_fini(struct gci_h1_body *body);
/* BAD_MEMORY, BAD_BODY_SIZE. */
enum gci_h1_fault gci_h1_body_append(struct gci_h1_body *body, gcache_bytes_t bytes);
/* The body as one value, the caller's reference; NULL: it is empty. body is as after init. */
gcache_value_t *gci_h1_body_finish(struct gci_h1_body *body);

#endif
