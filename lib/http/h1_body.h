/* http/h1_body - collects a body in a value block, so that it can be kept without a copy. Of a
 * large one most of the bytes are read into the block straight away.
 *
 * Memory follows the bytes that have come, not those that were promised: nothing before the
 * first byte, then at most 64 KiB ahead or twice what has come; or, where the other side was chosen and
 * not merely let in, as much as has come of one body before, up to 1 MiB. Owns the block until finish.
 * What is collected is counted in mem->in_flight, until finish. Fails: a fault; what was collected
 * stays. */
#ifndef GCI_HTTP_H1_BODY_H
#define GCI_HTTP_H1_BODY_H

#include "base/value.h"
#include "http/h1_fault.h"

/* Memory is taken for so much at once. */
#define GCI_H1_BODY_SMALL ((size_t)64 * 1024)

struct gci_h1_body {
  struct gci_mem *mem;
  gcache_value_t *block; /* NULL: nothing has come */
  size_t used, room;
  size_t max;    /* the length stated, else the limit */
  size_t stated; /* that length; 0: it is not known */
  size_t proven; /* the longest that has come whole, if that is remembered */
  enum gci_in_flight_for whom;
};

/* max: no more bytes than this will be taken. Of others, until whom says that we have asked for it. */
void gci_h1_body_init(struct gci_h1_body *body, struct gci_mem *mem, size_t max);
void gci_h1_body_fini(struct gci_h1_body *body);
/* Another one, after fini or finish. stated: that many bytes will come; 0: not known. */
void gci_h1_body_begin(struct gci_h1_body *body, size_t max, size_t stated);
/* Bytes are there, and to be received now: where, and *len: how many at most. What is then appended
 * from there is not copied. NULL: anywhere, because few are outstanding or none can be had. */
void *gci_h1_body_place(struct gci_h1_body *body, size_t *len);
/* Nonzero: one of that length would find room now; it is not kept for it. */
int gci_h1_body_fits(const struct gci_h1_body *body, size_t len);
/* BAD_MEMORY, BAD_BODY_SIZE, BAD_ROOM. */
enum gci_h1_fault gci_h1_body_append(struct gci_h1_body *body, gcache_bytes_t bytes);
/* The body as one value, the caller's reference; NULL: it is empty. */
gcache_value_t *gci_h1_body_finish(struct gci_h1_body *body);
/* The length of this body, which is whole, may be believed of another. */
void gci_h1_body_believe(struct gci_h1_body *body);

#endif
