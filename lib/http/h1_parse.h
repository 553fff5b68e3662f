/* http/h1_parse - llhttp, fed with one message: a head that the guard has found lawful, then the bytes of its
 * body.
 *
 * Fills the head's slices (they point into the text it was given) and appends the body to an h1_body.
 * Borrows all. Fails: a fault. */
#ifndef GCI_HTTP_H1_PARSE_H
#define GCI_HTTP_H1_PARSE_H

#include <llhttp.h>

#include "http/h1_body.h"
#include "http/h1_frame.h"

enum gci_h1_role { GCI_H1_REQUESTS, GCI_H1_ANSWERS };

struct gci_h1_parse {
  llhttp_t llhttp;
  enum gci_h1_role role;
  uint64_t body_max;
  struct gci_http_head *head;
  gcache_header_t *headers; /* room for as many as the guard has counted */
  size_t room, n;
  int in_name; /* the latest span was of headers[n - 1]'s name */
  struct gci_h1_frame *frame;
  struct gci_h1_body *body;
  enum gci_h1_fault fault; /* found inside a callback */
  int in_body, complete;
};

/* The whole head. head, headers and frame are filled; frame and body are used until the message ends. */
enum gci_h1_fault gci_h1_parse_head(struct gci_h1_parse *p, gcache_bytes_t text);
/* The next bytes of the body, not beyond the message's end. */
enum gci_h1_fault gci_h1_parse_body(struct gci_h1_parse *p, gcache_bytes_t bytes);

#endif
