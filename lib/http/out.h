/* http/out - bytes on their way out of a connection: small texts gathered in buffers, values by
 * reference.
 *
 * A queue of spans. Texts are appended to the last buffer; a value smaller than GCI_OUT_COPY_MAX is
 * copied behind them, a larger one is kept by reference and becomes a span of its own. A whole queue
 * leaves in one gather write. `bytes` is what waits in all; `held` what of it is not shared values.
 * What is queued is counted in mem->in_flight: its buffers, and the values whole until their last
 * byte has left. An empty queue holds nothing: a connection at rest has no buffer, and the next one
 * comes from base/spare.
 * Fails: UV_ENOMEM, and the queue is as before. */
#ifndef GCI_HTTP_OUT_H
#define GCI_HTTP_OUT_H

#include "base/list.h"
#include "base/mem.h"

/* Up to here copying costs less than a slice of its own; at 4 KiB it costs twice as much. */
#define GCI_OUT_COPY_MAX 2048

struct gci_out {
  struct gci_mem *mem;
  struct gci_list spans;
  size_t bytes, held;
};

void gci_out_init(struct gci_out *out, struct gci_mem *mem);
void gci_out_fini(struct gci_out *out); /* drops what waits */

int gci_out_text(struct gci_out *out, gcache_bytes_t text);
/* Room for text that is written in place, and then all that was written, which is at least a byte
 * and no more than that; nothing may come between the two. NULL: out of memory. */
char *gci_out_reserve(struct gci_out *out, size_t len);
void gci_out_commit(struct gci_out *out, size_t len);

int gci_out_value(struct gci_out *out, gcache_value_t *value); /* own reference taken */
/* Those bytes of it alone. */
int gci_out_value_part(struct gci_out *out, gcache_value_t *value, size_t offset, size_t len);

/* All of `from`, which has the same mem, behind what is in `to`; cannot fail. */
void gci_out_move(struct gci_out *to, struct gci_out *from);

/* The front of the queue as at most max slices, in order; returns how many. Valid until the queue
 * changes, except by appending. */
size_t gci_out_slices(const struct gci_out *out, gcache_bytes_t slices[], size_t max);
void gci_out_consume(struct gci_out *out, size_t bytes); /* <= out->bytes */

#endif
