/* http/h1_body - collects a body in a value block, so that it can be kept without a copy. Most
 * bytes of a large body are read straight into the block.
 *
 * Memory follows the bytes that have come, not those that were promised: none before the first
 * byte, then at most 64 KiB ahead or twice what has come; for answers of a peer that we have asked,
 * as much as one of its bodies has had before, up to 1 MiB. Owns the block until finish. Collected
 * bytes are counted in mem->in_flight until finish. Fails: a fault; what was collected stays. */
#ifndef GCI_HTTP_H1_BODY_H
#define GCI_HTTP_H1_BODY_H

#include "base/value.h"
#include "http/h1_fault.h"

/* The first allocation, at most. */
#define GCI_H1_BODY_SMALL ((size_t)64 * 1024)

struct gci_h1_body {
  struct gci_mem *mem;
  gcache_value_t *block; /* NULL: nothing has come */
  size_t used, room;
  size_t max;    /* the length stated, else the limit */
  size_t stated; /* that length; 0: it is not known */
  size_t proven; /* the longest complete body so far, if that is remembered */
  enum gci_in_flight_for whom;
};

/* max: no more bytes than this are taken. The body counts as one of others' requests, unless `whom`
 * says that we have asked for it. */
void gci_h1_body_init(struct gci_h1_body *body, struct gci_mem *mem, size_t max);
void gci_h1_body_fini(struct gci_h1_body *body);
/* The next body, after fini or finish. stated: that many bytes will come; 0: not known. */
void gci_h1_body_begin(struct gci_h1_body *body, size_t max, size_t stated);
/* Bytes are there, and to be received now: returns where, and in *len how many at most. Bytes
 * appended from there are not copied. NULL: anywhere, because few are outstanding or there is no
 * memory. */
void *gci_h1_body_place(struct gci_h1_body *body, size_t *len);
/* Nonzero: a body of that length would find room now; the room is not reserved. */
int gci_h1_body_fits(const struct gci_h1_body *body, size_t len);
/* BAD_MEMORY, BAD_BODY_SIZE, BAD_ROOM. */
enum gci_h1_fault gci_h1_body_append(struct gci_h1_body *body, gcache_bytes_t bytes);
/* The body as one value, the caller's reference; NULL: it is empty. */
gcache_value_t *gci_h1_body_finish(struct gci_h1_body *body);
/* This body is complete; its length may be expected of the next. */
void gci_h1_body_believe(struct gci_h1_body *body);

#endif
