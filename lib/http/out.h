/* http/out - bytes on their way out of a connection: small texts gathered in buffers, values by
 * reference.
 *
 * A queue of spans. Texts are appended to the last buffer; a value smaller than GCI_OUT_COPY_MAX is
 * copied after them, a larger one is kept by reference and becomes a span. A whole queue is sent in
 * one gather write. `bytes` is all that waits; `held` the part of it that is not shared values. The
 * queue is counted in mem->in_flight: its buffers, and the values whole until their last byte has
 * been sent. An empty queue holds nothing: a connection at rest has no buffer, and the next buffer
 * comes from base/spare.
 * Fails: UV_ENOMEM, and the queue is as before. */
#ifndef GCI_HTTP_OUT_H
#define GCI_HTTP_OUT_H

#include "base/list.h"
#include "base/mem.h"

/* Up to here copying costs less than a separate slice; at 4 KiB it costs twice as much. */
#define GCI_OUT_COPY_MAX 2048

struct gci_out {
  struct gci_mem *mem;
  struct gci_list spans;
  size_t bytes, held;
};

void gci_out_init(struct gci_out *out, struct gci_mem *mem);
void gci_out_fini(struct gci_out *out); /* drops waiting output */

int gci_out_text(struct gci_out *out, gcache_bytes_t text);
/* Room for text that is written in place; then the text that was written, of at least a byte and no
 * more than reserved; nothing may come between the two calls. NULL: out of memory. */
char *gci_out_reserve(struct gci_out *out, size_t len);
void gci_out_commit(struct gci_out *out, size_t len);

int gci_out_value(struct gci_out *out, gcache_value_t *value); /* own reference taken */
/* Only those bytes of it. */
int gci_out_value_part(struct gci_out *out, gcache_value_t *value, size_t offset, size_t len);

/* Moves all of `from`, which has the same mem, to the end of `to`; cannot fail. */
void gci_out_move(struct gci_out *to, struct gci_out *from);

/* The front of the queue as at most max slices, in order; returns how many. Valid until the queue
 * changes, except by appending. */
size_t gci_out_slices(const struct gci_out *out, gcache_bytes_t slices[], size_t max);
void gci_out_consume(struct gci_out *out, size_t bytes); /* <= out->bytes */

#endif
