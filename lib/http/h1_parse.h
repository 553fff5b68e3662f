/* http/h1_parse - llhttp, fed with one complete head that the guard has accepted, and the resulting
 * frame.
 *
 * Fills the head's slices: they point into the given text. Borrows all. Fails: a fault. */
#ifndef GCI_HTTP_H1_PARSE_H
#define GCI_HTTP_H1_PARSE_H

#include "http/h1_frame.h"

enum gci_h1_role { GCI_H1_REQUESTS, GCI_H1_ANSWERS };

struct gci_h1_parse {
  enum gci_h1_role role;
  uint64_t body_max;
  gcache_header_t *headers; /* room for n_headers, the guard's count */
  size_t n_headers;
};

enum gci_h1_fault gci_h1_parse_head(const struct gci_h1_parse *p, gcache_bytes_t text,
                                    struct gci_http_head *head, struct gci_h1_frame *frame);

#endif
