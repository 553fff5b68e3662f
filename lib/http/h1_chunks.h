/* http/h1_chunks - the decoder of chunked bodies: sizes, extensions, line ends, trailers, and their
 * limits. Extensions and trailers are checked and dropped.
 *
 * llhttp's decoder is not used: 8.1 ends a chunk line at a bare CR and refuses valid extensions
 * (`;a=b;c=d`), and every version differs. A state machine over bytes, like h1_guard. A chunk that
 * would pass the body's limit is refused when its size has been read. Owns nothing. Fails: a fault,
 * after which it must not be fed again. */
#ifndef GCI_HTTP_H1_CHUNKS_H
#define GCI_HTTP_H1_CHUNKS_H

#include "http/h1_body.h"
#include "http/h1_guard.h"

struct gci_h1_chunks {
  uint64_t left;   /* bytes of the chunk still to come, or its size so far */
  uint64_t total;  /* of all chunks whose size is known */
  uint64_t max;    /* of total */
  size_t meta;     /* bytes of extensions */
  size_t meta_max; /* of extensions and trailers */
  unsigned trailer_lines_max;
  unsigned digits;             /* private: of the size */
  int state;                   /* private */
  struct gci_h1_guard trailer; /* private */
};

void gci_h1_chunks_init(struct gci_h1_chunks *c, const gcache_limits_t *limits, uint64_t body_max);

/* Takes bytes up to the end of the message and appends their data to body; *used says how many were
 * taken, *done whether that end was reached. */
enum gci_h1_fault gci_h1_chunks_take(struct gci_h1_chunks *c, gcache_bytes_t bytes,
                                     struct gci_h1_body *body, size_t *used, int *done);

#endif
